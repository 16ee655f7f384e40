//! Policy gradients of the reward: an advantage within the group, a ratio to what sampled, a clip, an aggregate over
//! tokens.

mod advantage;
mod aggregate;
mod clip;
mod ppo_clip;

pstar_core::export_plugin!(objectives: [ppo_clip::PpoClip]);
