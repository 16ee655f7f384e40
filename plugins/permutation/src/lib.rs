//! A verifier of permutations.

mod permutation;
mod unused;

pstar_core::export_plugin!(verifiers: [permutation::Permutation]);
