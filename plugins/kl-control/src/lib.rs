//! Maximising the expected reward, with and without a price on the distance from the base.

mod kl_control;
mod reinforce;

pstar_core::export_plugin!(objectives: [kl_control::KlControl, reinforce::Reinforce]);
