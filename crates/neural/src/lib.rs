//! What base models and policies over neural networks share: everything but the network.
//!
//! A plugin has a [`Network`](network::Network) and says what is configured
//! ([`Family`](family::Family)); [`Neural`](neural::Neural) makes of it a
//! [`BaseModel`](pstar_core::BaseModel) and a [`Policy`](pstar_core::Policy): sampling, scoring, gradients, all outputs by
//! a walk that shares prefixes, fits by maximum likelihood, their cache, and safetensors files.
//!
//! Parameters are `f64`, computations `f32` ([`kernels`], compiled for every instruction set by [`simd`]),
//! log-probabilities and choices `f64` from the logits on ([`softmax`]). What a sequence gives depends neither on the
//! others of its batch nor on the number of threads.

pub mod activation;
mod adam;
pub mod base_model;
pub mod block;
pub mod cache;
pub mod choose;
pub mod config;
pub mod corpus;
pub mod entropy;
pub mod family;
pub mod fit;
pub mod kept;
pub mod kernels;
mod maximum_likelihood;
pub mod network;
pub mod neural;
mod outputs;
mod policy;
mod sample;
mod score;
pub mod simd;
pub mod softmax;
pub mod tensor_file;
