//! Runs under Slurm: how many workers, and the script of their array.

mod cluster;
mod script;
mod size;

pub(crate) use cluster::Cluster;
pub(crate) use script::{Script, submit};
pub(crate) use size::{Size, Work};
