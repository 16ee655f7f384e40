//! Aiming at the filtered model p* by α-divergences, between forward KL (α → 0) and reverse KL (α → 1).

mod alpha;
mod as_released;

pstar_core::export_plugin!(objectives: [alpha::Alpha]);
