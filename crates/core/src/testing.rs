//! Checks of components, for authors' unit tests and for `host check`, which runs the same ones through the binary
//! interface.
//!
//! ```
//! use pstar_core::testing;
//! # use pstar_core::{Objective, PluginError, Verifier, objective::{ObjectiveBatch, ObjectiveStep}};
//! # #[derive(serde::Deserialize)] #[serde(deny_unknown_fields)] struct Config {}
//! # struct Palindrome;
//! # impl Verifier for Palindrome {
//! #     const NAME: &'static str = "palindrome"; const DOC: &'static str = ""; type Config = Config;
//! #     fn new(_: Config) -> Result<Self, PluginError> { Ok(Self) }
//! #     fn accepts(&self, _: &str, response: &str) -> bool { response.chars().eq(response.chars().rev()) }
//! # }
//! # struct Reward;
//! # impl Objective for Reward {
//! #     const NAME: &'static str = "reward"; const DOC: &'static str = ""; type Config = Config;
//! #     fn new(_: Config) -> Result<Self, PluginError> { Ok(Self) }
//! #     fn step(&mut self, batch: &ObjectiveBatch<'_>) -> Result<ObjectiveStep, PluginError> {
//! #         let rewards: Vec<f64> = (0..batch.len()).map(|i| batch.reward(i)).collect();
//! #         Ok(ObjectiveStep::per_sequence(batch, &rewards))
//! #     }
//! # }
//! testing::check_verifier::<Palindrome>("()", &[("", "abba"), ("", "abc")]).assert();
//! testing::check_objective::<Reward>("()").assert();
//!
//! // A batch of two groups in one line, by its rewards.
//! let batch = testing::batch(&[&[1, 0, 0], &[1, 1]]).buffer();
//! let step = Reward.step(&batch.view(testing::moment()).unwrap()).unwrap();
//! assert_eq!(step.coefficients.len(), batch.log_probs.len());
//! ```
//!
//! Every check is a function of a [`Subject`], which makes fresh instances of one component, and answers an [`Outcome`].

mod authored;
mod batch;
mod check;
mod defaults;
mod finding;
mod model;
mod numbers;
mod objective;
mod outputs;
mod policy;
mod questions;
mod subject;
mod verifier;
mod view;

pub use authored::{check_base_model, check_objective, check_policy, check_verifier};
pub use batch::{Batch, Group, Sample, batch, moment};
pub use check::{Check, Observer, made, run};
pub use finding::{Conclusion, Failure, Finding, Findings, Outcome};
pub use model::{CHECKS as MODEL_CHECKS, answers as model_answers};
pub use objective::{CHECKS as OBJECTIVE_CHECKS, answers as objective_answers};
pub use outputs::Outputs;
pub use policy::CHECKS as POLICY_CHECKS;
pub use questions::{Questions, hostile_texts};
pub use subject::{Make, Subject};
pub use verifier::{CHECKS as VERIFIER_CHECKS, answers as verifier_answers, read};
pub use view::{IncrementalView, ModelView, ObjectiveView, PolicyView, VerifierView};
