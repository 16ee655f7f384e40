//! The laboratory: experiments, plugins, training, evaluation and the records of runs.
//!
//! Data passes through in this order: [`experiment`] reads and checks a file with the components that
//! [`pstar_loader`] offers, which makes a [`world`](world::World), the task, and a [`plan`](plan::Plan) of what is run
//! on it; [`evaluation`] works out the exact values of the task; [`training`] runs an arm, one policy under one
//! objective with one seed; [`run`] runs them all and keeps the record.

pub mod clock;
pub mod consistency;
mod cosine;
mod declared;
pub mod evaluation;
pub mod exact;
pub mod experiment;
pub mod inputs;
pub mod kappa;
pub mod memory;
pub mod objective_rows;
pub mod optimum;
pub mod plan;
pub(crate) mod policy_class;
pub mod probe;
pub mod rollout;
pub mod run;
pub mod text_file;
pub mod training;
pub mod world;
