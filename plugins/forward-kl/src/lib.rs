//! Aiming at the filtered model p* by forward KL.

mod forward_kl;

pstar_core::export_plugin!(objectives: [forward_kl::ForwardKl]);
