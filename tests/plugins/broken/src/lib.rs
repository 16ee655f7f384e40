//! Components with one fault each: the check that is meant for it must say so, and no other.

mod model;
mod objective;
mod verifier;

pstar_core::export_plugin!(
    verifiers: [verifier::Broken],
    base_models: [model::Broken],
    policies: [model::Broken],
    objectives: [objective::Broken]
);
