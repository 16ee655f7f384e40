//! Components that contradict themselves, each in one way.

mod brackets;
mod forgetful;
mod two_faced;

pstar_core::export_plugin!(
    verifiers: [brackets::Brackets, forgetful::Forgetful],
    base_models: [two_faced::TwoFaced],
    policies: [two_faced::TwoFaced]
);
