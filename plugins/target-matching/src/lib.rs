//! Matching a target distribution: balances of the policy against it, regressions within a group, imitation of what the base
//! says, and token by token towards the base.

mod distillation;
mod flow_rl;
mod group_target;
mod imitation;
mod learned;
mod mara;
mod presets;
mod refusals;
mod rehearsal;
mod trajectory_balance;

pstar_core::export_plugin!(objectives: [
    distillation::Distillation,
    group_target::GroupTarget,
    imitation::Imitation,
    mara::Mara,
    rehearsal::Rehearsal,
    trajectory_balance::TrajectoryBalance,
], objective_presets: [
    presets::AStarPo,
    flow_rl::FlowRlDefaults,
    presets::VarGrad,
]);
