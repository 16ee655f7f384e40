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
//! attention, but a lane waits until the longest of its 16 has ended. Of geometric lengths with a mean of a quarter of the
//! horizon lanes take 3.1 times the work that there is, and rows 1.5 times; with a mean of a half 2.2 and 1.2. Products of
//! 480 rows ran at the same speed in both, 148 to 163 GFLOP/s in rows and 157 to 170 in lanes for widths of 64 and 128 on a
//! core that peaks at about 170, 150 and 120 into, and 90 and 79 out of, a width of 1024; so rows have it, and with them
//! the loops that recurrent networks have.
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

mod attention;
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
