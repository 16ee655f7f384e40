//! Transformers: base models that are fitted to a corpus or loaded, and policies.
//!
//! One network with switches: LayerNorm or RMSNorm, positions that are learned, turned into queries and keys, or not told
//! at all, GELU or SwiGLU, fewer heads of keys than of queries, biases, a tied head. Layers normalise what they read:
//! x += attention(norm(x)), x += mlp(norm(x)).
//!
//! Parameters are `f64`, computations `f32`, log-probabilities and choices `f64` from the logits on. What a sequence gives
//! does not depend on the others of its batch, nor on whether its tokens are drawn or given, and nothing depends on the
//! number of threads. All processors with fused multiply-add give the same bits; x86 without it rounds differently.
//!
//! # How sequences of unlike lengths are laid out
//!
//! Each token that is read has a row of its own, 16 features side by side in a vector; a prompt has its rows once, however
//! many sequences stand behind it, and sequences that have ended have none. So nothing is computed for padding but up to
//! seven rows a step. The alternative, 16 sequences side by side, needs no sums across a vector in weight gradients and
//! attention, but a lane waits until the longest of its 16 has ended: on lengths with a mean of a quarter to a half of the
//! horizon two to three times the work in sampling. Products in rows run at the speed of those in lanes, and are the
//! same loops that recurrent networks have.
//!
//! # Files
//!
//! `load` reads a folder with `config.json` and `model.safetensors` in the layout of GPT-2 or Llama, of all tokens of the
//! experiment, or, with a `tokenizer.json`, restricted to its symbols; or a file of a fit. `files.rs` has the names. `save`
//! writes such a folder.
//!
//! # Sources
//! Vaswani et al. (2017), *Attention Is All You Need*; Radford et al. (2019), *Language Models are Unsupervised Multitask
//! Learners*, and Touvron et al. (2023), *LLaMA*, for the layouts.

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
