//! Matching a target distribution: balances of the policy against it, regressions within a group, imitation of what the base
//! says, and token by token towards the base.

mod advantage;
mod aggregate;
mod distillation;
mod flow_rl;
mod group_target;
mod imitation;
mod learned;
mod mara;
mod penalty;
mod presets;
mod refusals;
mod rehearsal;
mod trajectory_balance;

pstar_core::export_plugin!(objectives: [
    presets::AStarPo,
    distillation::Distillation,
    flow_rl::FlowRl,
    group_target::GroupTarget,
    imitation::Imitation,
    mara::Mara,
    rehearsal::Rehearsal,
    trajectory_balance::TrajectoryBalance,
    presets::VarGrad,
]);
