//! Verifiers in any language: a child process that speaks JSON Lines. `README.md` beside this package is the contract.

mod child;
mod chunk;
mod config;
mod exchange;
mod fault;
mod launch;
mod pool;
mod protocol;
mod score;
mod spawner;
mod system;
mod tail;
mod verifier;

pstar_core::export_plugin!(verifiers: [verifier::ProcessVerifier]);
