//! Aiming at the filtered model p*, or at the tilted distribution, by any of seven f-divergences.

mod divergence;
mod f_divergence;

pstar_core::export_plugin!(objectives: [f_divergence::FDivergence]);
