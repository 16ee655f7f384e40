//! The training loop of one arm.

use super::binary_group::GroupCoefficients;
use super::optimizer::StepError;
use super::signals::Signals;
use super::{IdleWatch, OptimizerState, OutputBatch, PopulationScores, SampledBatch, clip};
use crate::consistency::Rollouts;
use crate::evaluation::{Evaluation, Evaluator};
use crate::experiment::{Experiment, Gradient, Training};
use crate::policy_class::PolicyClass;
use pstar_core::PluginError;
use pstar_core::objective::{
    Declaration, Divergence, ObjectiveStep, PartitionSource, PopulationForm, PromptFacts,
};
use pstar_exact::{PopulationError, population_gradient};
use pstar_loader::{ObjectiveHandle, PolicyHandle};
use pstar_record::{Advice, ArmStatus, Budget, CurvePoint, Failure, Means, Measures, Warning};

/// By what share an arm may end above the best point of its curve before that is worth a word.
const OVERSHOOT: f64 = 0.1;

/// What helps where numbers end.
const OUT_OF_RANGE: &str = "configure the objective on a smaller scale";
/// A gradient of this norm has overflowed for all that a learning rate can do.
const OVERFLOWING: f64 = 1e10;

/// What training an arm gave.
#[derive(Clone, Debug, Default)]
pub struct ArmOutcome {
    /// How it ended.
    pub status: ArmStatus,
    /// Where and why it failed, if it did.
    pub failure: Option<Failure>,
    /// What it spent.
    pub budget: Budget,
    /// The curve, from before the first step.
    pub curve: Vec<CurvePoint>,
    /// Everything about the policy before the first step; absent if its evaluation failed.
    pub initial: Option<Measures>,
    /// Everything about the policy after the last step; absent if the arm failed.
    pub last: Option<Measures>,
    /// How many groups used log Z from each source: exact, group, running.
    pub partitions: [u64; 3],
    /// Fingerprint of the rollouts of step 0; absent where nothing is sampled.
    pub first_batch: Option<String>,
    /// Signals of the host's and diagnostics of the objective's, means over all steps.
    pub diagnostics: Means,
    /// What silently did nothing.
    pub warnings: Vec<Warning>,
    /// The final parameters.
    pub parameters: Vec<f64>,
}

impl ArmOutcome {
    /// The outcome of an arm that failed before it started.
    pub fn of_failure(error: PluginError) -> Self {
        let mut outcome = Self::default();
        outcome.fail(0, error);
        outcome
    }

    fn fail(&mut self, step: u32, error: PluginError) {
        self.status = ArmStatus::Failed;
        let message = match error.hint {
            Some(hint) => format!("{}; {hint}", error.message),
            None => error.message,
        };
        self.failure = Some(Failure { step, message });
    }
}

/// Whether a divergence's gradient takes Z.
fn needs_partition(divergence: Divergence) -> bool {
    !matches!(divergence, Divergence::InvalidityRate | Divergence::KlToTilted { .. })
}

fn no_gradient(error: PopulationError) -> PluginError {
    PluginError::data(format!("no exact gradient: {error}"))
}

/// What exact gradients are had from.
#[derive(Clone, Copy)]
#[allow(missing_debug_implementations, reason = "large tables")]
pub enum ExactSource<'a> {
    /// All outputs.
    Outputs(&'a OutputBatch),
    /// The policy's class, for objectives that declare their divergence.
    Class {
        /// The class.
        class: &'a PolicyClass,
        /// The factor between the objective's gradient and that of the divergence that it declares.
        scale: f64,
    },
}

/// An arm while it trains.
struct Arm<'a> {
    experiment: &'a Experiment,
    training: Training,
    facts: &'a [PromptFacts],
    exact: Option<ExactSource<'a>>,
    declaration: Declaration,
    policy: PolicyHandle,
    objective: ObjectiveHandle,
    seed: u64,
    optimizer: OptimizerState,
    gradient: Vec<f64>,
    scores: PopulationScores,
    idle: IdleWatch,
    signals: Signals,
    /// Verdicts of the first step, which are asked for again behind the last.
    first: Option<Rollouts>,
    outcome: ArmOutcome,
}

/// Trains `policy`, which holds its initial parameters, under `objective`.
///
/// `exact` is what exact gradients are had from, `initial` what the policy measures as it comes. `advance` is called after every step. A
/// failing component ends the arm and is told in its status.
#[allow(clippy::too_many_arguments, reason = "the parts of an arm, named where they are made")]
pub fn train(
    experiment: &Experiment,
    training: Training,
    facts: &[PromptFacts],
    exact: Option<ExactSource<'_>>,
    mut evaluator: Evaluator<'_>,
    initial: &Evaluation,
    policy: PolicyHandle,
    objective: ObjectiveHandle,
    seed: u64,
    advance: &dyn Fn(),
) -> ArmOutcome {
    let outcome = ArmOutcome::default();
    let mut arm = Arm {
        experiment,
        training,
        facts,
        exact,
        declaration: Declaration::default(),
        policy,
        objective,
        seed,
        optimizer: OptimizerState::new(training.optimizer, 0),
        gradient: Vec::new(),
        scores: PopulationScores::default(),
        idle: IdleWatch::default(),
        signals: Signals::default(),
        first: None,
        outcome,
    };
    let mut step = 0;
    if let Err(error) = arm.run(&mut evaluator, initial, &mut step, advance) {
        arm.outcome.fail(step, error);
    }
    arm.outcome.diagnostics = arm.signals.all();
    arm.outcome
}

impl Arm<'_> {
    fn run(
        &mut self,
        evaluator: &mut Evaluator<'_>,
        initial: &Evaluation,
        step: &mut u32,
        advance: &dyn Fn(),
    ) -> Result<(), PluginError> {
        self.declaration = self.objective.declaration()?;
        self.objective.prepare(self.facts)?;
        let mut parameters = self.policy.parameters()?.values;
        let start = parameters.clone();
        self.optimizer = OptimizerState::new(self.training.optimizer, parameters.len());
        self.gradient = vec![0.0; parameters.len()];
        self.outcome.initial = Some(initial.full.clone());
        self.record(initial.curve.clone(), 0);
        let mut last = initial.full.clone();
        while *step < self.training.steps {
            self.update(*step, &parameters)?;
            self.optimizer.step(&mut parameters, &self.gradient).map_err(|error| self.out_of_range(error))?;
            self.policy.set_parameters(&parameters).map_err(|error| self.refused_move(error))?;
            self.outcome.budget.optimizer_steps += 1;
            *step += 1;
            advance();
            if *step == self.training.steps {
                let evaluation = evaluator.evaluate(&self.policy, *step)?;
                self.record(evaluation.curve, *step);
                last = evaluation.full;
            } else if step.is_multiple_of(self.experiment.evaluation.every) {
                self.record(evaluator.curve(&self.policy, *step)?, *step);
            }
        }
        self.outcome.last = Some(last);
        if self.training.steps > 0 {
            self.outcome.warnings = self.idle.warnings(self.experiment, self.facts, (&start, &parameters));
            self.outcome.warnings.extend(self.overshoot());
        }
        self.outcome.parameters = parameters;
        Ok(())
    }

    /// Computes the gradient of a step.
    fn update(&mut self, step: u32, parameters: &[f64]) -> Result<(), PluginError> {
        match (self.training.gradient, self.exact) {
            (Gradient::Sampled { prompts, group }, _) => {
                let batch = SampledBatch::draw(
                    self.experiment,
                    &self.policy,
                    self.facts,
                    (prompts, group),
                    (self.seed, step),
                    self.declaration.base_log_probs,
                )?;
                self.outcome.budget += batch.budget();
                if step == 0 {
                    self.outcome.first_batch = Some(batch.fingerprint());
                    self.first = Some(Rollouts::of(self.experiment, &batch));
                }
                if step + 1 == self.training.steps {
                    Rollouts::of(self.experiment, &batch).check(self.experiment)?;
                    self.first.as_ref().map_or(Ok(()), |first| first.check(self.experiment))?;
                }
                let view = batch.view()?;
                self.objective.observe(&view)?;
                let answer = self.objective.step(&view)?;
                self.tally(&answer);
                self.idle.observe(&batch, &answer);
                self.signals.groups(&batch);
                let weighted = batch.weighted(self.experiment, &answer.coefficients)?;
                self.policy.gradient(&weighted, &mut self.gradient)?;
            }
            (Gradient::Population, Some(source)) => match self.declaration.population {
                Some(PopulationForm::BinaryGroup { group }) => {
                    let asked = (self.seed, step);
                    let coefficients = GroupCoefficients::ask(&mut self.objective, group as usize, asked)?;
                    self.expected_over_groups(source, &coefficients, parameters)?;
                }
                _ => self.expected(source, step, parameters)?,
            },
            (Gradient::Population, None) => {
                return Err(PluginError::data("an exact gradient needs all outputs, which are too many"));
            }
        }
        match self.gradient.iter().find(|g| !g.is_finite()) {
            None => {
                self.signals.gradient(&self.gradient, self.training.clip_norm);
                if let Some(norm) = self.training.clip_norm {
                    clip(&mut self.gradient, norm);
                }
                Ok(())
            }
            Some(found) => Err(PluginError::data(format!("the gradient holds {found}"))),
        }
    }

    /// The expected gradient of an objective whose coefficients depend on their sequences alone.
    fn expected(
        &mut self,
        source: ExactSource<'_>,
        step: u32,
        parameters: &[f64],
    ) -> Result<(), PluginError> {
        match source {
            ExactSource::Outputs(outputs) => {
                outputs.score(&self.policy, &mut self.scores)?;
                let view = outputs.view(&self.scores, (self.seed, step))?;
                self.objective.observe(&view)?;
                let answer = self.objective.step(&view)?;
                self.tally(&answer);
                let weighted = outputs.weighted(&self.scores, &answer.coefficients)?;
                self.policy.gradient(&weighted, &mut self.gradient)
            }
            ExactSource::Class { class, scale } => {
                let divergence = self.declaration.divergence.ok_or_else(|| {
                    PluginError::contract("an exact gradient needs an objective that declares its divergence")
                })?;
                // However the objective would have had Z, this gradient has the exact one.
                if needs_partition(divergence) {
                    self.outcome.partitions[0] += self.facts.len() as u64;
                }
                population_gradient(&class.problems(), divergence, parameters, &mut self.gradient)
                    .map_err(no_gradient)?;
                self.gradient.iter_mut().for_each(|g| *g *= scale);
                Ok(())
            }
        }
    }

    /// The expected gradient Σ_x w_x κ(V_x) ∇V_x of an objective whose coefficients depend on rewards alone.
    fn expected_over_groups(
        &mut self,
        source: ExactSource<'_>,
        coefficients: &GroupCoefficients,
        parameters: &[f64],
    ) -> Result<(), PluginError> {
        match source {
            ExactSource::Outputs(outputs) => {
                outputs.score(&self.policy, &mut self.scores)?;
                let credit = outputs.credit(&self.scores, |masses| coefficients.kappa(masses));
                self.policy.gradient(&outputs.weighted_credit(&self.scores, &credit)?, &mut self.gradient)
            }
            ExactSource::Class { class, .. } => {
                let masses = class.log_masses(&self.policy)?;
                let mut problems = class.problems();
                for (problem, masses) in problems.iter_mut().zip(masses) {
                    problem.weight *= coefficients.kappa(masses);
                }
                population_gradient(&problems, Divergence::InvalidityRate, parameters, &mut self.gradient)
                    .map_err(no_gradient)
            }
        }
    }

    /// Says so where an arm that minimises KL(p*‖q) ends well above the best point of its curve.
    fn overshoot(&self) -> Option<Warning> {
        if self.declaration.divergence != Some(Divergence::KlFromFiltered) {
            return None;
        }
        let kl = |point: &CurvePoint| Some((point.measures.get("kl_from_filtered")?, point.step));
        let curve: Vec<(f64, u32)> = self.outcome.curve.iter().filter_map(kl).collect();
        let (last, _) = *curve.last()?;
        let (best, step) = curve.into_iter().min_by(|a, b| a.0.total_cmp(&b.0))?;
        (last > best + OVERSHOOT * best.abs()).then(|| {
            let advice = match self.training.gradient {
                _ if self.signals.greatest_norm() > OVERFLOWING => self.bound_the_gradient(),
                Gradient::Sampled { .. } => Advice::SmallerRateOrLargerBatch,
                Gradient::Population => Advice::SmallerRate,
            };
            Warning::Overshoot { last, best, step, advice }
        })
    }

    /// What is to be done about gradients that no learning rate makes up for.
    fn bound_the_gradient(&self) -> Advice {
        Advice::BoundGradient { norm: self.signals.greatest_norm() }
    }

    fn out_of_range(&self, error: StepError) -> PluginError {
        self.refused_move(PluginError::data(error.to_string()).with_hint(OUT_OF_RANGE))
    }

    /// A policy that refuses its parameters cannot know that a gradient is what drove them off.
    fn refused_move(&self, error: PluginError) -> PluginError {
        if self.signals.greatest_norm() > OVERFLOWING && self.training.clip_norm.is_none() {
            return error.with_hint(self.bound_the_gradient().to_string());
        }
        error
    }

    /// Notes what an objective tells beside its coefficients.
    fn tally(&mut self, step: &ObjectiveStep) {
        self.signals.diagnostics(&step.diagnostics);
        self.idle.observe_clip(&step.diagnostics);
        for used in &step.partitions {
            self.outcome.partitions[match used.source {
                PartitionSource::Exact => 0,
                PartitionSource::Group => 1,
                PartitionSource::Running => 2,
            }] += 1;
        }
    }

    fn record(&mut self, measures: Measures, step: u32) {
        let signals = self.signals.take_recent();
        self.outcome.curve.push(CurvePoint { step, measures, signals });
    }
}
