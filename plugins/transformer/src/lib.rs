//! Transformers: base models that are fitted to a corpus or loaded, and policies.

mod backward;
mod chunk;
mod config;
mod family;
mod files;
mod forward;
mod gradient;
mod kernels;
mod keys;
mod linear;
mod network;
mod parameters;
mod prefixes;
mod shape;

use network::Transformer;
use pstar_neural::neural::Neural;

pstar_core::export_plugin!(base_models: [Neural<Transformer>], policies: [Neural<Transformer>]);

#[cfg(test)]
mod tests;
