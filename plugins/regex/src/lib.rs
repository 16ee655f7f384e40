//! A verifier by regular expression.

mod automaton;
mod full_match;

pstar_core::export_plugin!(verifiers: [full_match::FullMatch]);
