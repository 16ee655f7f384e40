//! Statistics of samples and of matched arms.

mod bootstrap;
mod coverage;
mod moments;
mod pass;

pub use bootstrap::{Difference, paired_difference, paired_differences};
pub use coverage::{coverage_at_k, coverage_std_error};
pub use moments::{mean, std_error};
pub use pass::pass_at_k;
