//! n-gram models: the next symbol depends on the last n−1 symbols only (and, where asked for, on the position).

mod base_model;
mod beyond;
mod config;
mod contexts;
mod corpus;
mod cumulative;
mod distribution;
mod estimate;
mod model;
mod policy;
mod sampling;
mod table;

pstar_core::export_plugin!(base_models: [model::Ngram], policies: [model::Ngram]);
