//! Gated recurrent units: base models that are fitted to a corpus or loaded, and policies.
//!
//! Parameters are `f64`, computations `f32`, log-probabilities and choices `f64` from the logits on. What a sequence
//! gives does not depend on the others of its batch, and nothing depends on the number of threads. All processors with
//! fused multiply-add give the same bits; x86 without it rounds differently.
//!
//! # Files
//!
//! `load` reads a safetensors file of exactly these tensors, `F32` or `F64`, each in row-major order:
//!
//! | name | sizes |
//! |---|---|
//! | `embedding.weight` | tokens × embedding |
//! | `gru.weight_ih_l0` | 3·hidden × embedding (`_l1` and so on: 3·hidden × hidden) |
//! | `gru.weight_hh_l0` | 3·hidden × hidden |
//! | `gru.bias_ih_l0`, `gru.bias_hh_l0` | 3·hidden |
//! | `output.weight` | choices × hidden |
//! | `output.bias` | choices |
//!
//! The four of `gru` are there for each layer; their rows are the gates r, z, n one behind the other. This is PyTorch's
//! state dict of a module with `embedding: nn.Embedding`, `gru: nn.GRU` and `output: nn.Linear`. Tokens are numbered as in
//! [`Alphabet`](pstar_core::data::Alphabet): the symbols, the boundary (read as `^`), the symbols that only prompts use.
//! Choices are the symbols and, where outputs can end, the end symbol. The model reads the boundary, the prompt and the
//! response; its outputs from the last token of the prompt on are logits of the next choice.
//!
//! # Fitted models
//!
//! are kept under the SHA-256 of all that they depend on, in the folder `$PSTAR_CACHE_DIR`, else `$XDG_CACHE_HOME/pstar`,
//! else `$HOME/.cache/pstar`. The files have the layout above, so they can be loaded; they may be deleted at any time.

mod backward;
mod config;
mod family;
mod forward;
mod gradient;
mod kernels;
mod layer;
mod network;
mod prefixes;
mod shape;
mod workspace;

use network::Gru;
use pstar_neural::neural::Neural;

pstar_core::export_plugin!(base_models: [Neural<Gru>], policies: [Neural<Gru>]);

#[cfg(test)]
mod tests;
