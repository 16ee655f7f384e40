//! Aiming at the filtered model p* by α-divergences, between forward KL (α → 0) and reverse KL (α → 1).

mod alpha;
mod alpha_dpg;
mod pseudo_reward;

pstar_core::export_plugin!(objectives: [alpha::Alpha, alpha_dpg::AlphaDpg]);
