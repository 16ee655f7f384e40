//! One arm: its components, and the loop that trains them.

use super::binary_group::{GroupCoefficients, GroupShape};
use super::cautions::cautions;
use super::optimizer::StepError;
use super::signals::Signals;
use super::{
    ArmEvent, ArmOutcome, ArmState, Control, NoEffectWatch, OptimizerState, OutputBatch, PopulationScores,
    ValidityGradient, clip, matching,
};
use crate::consistency::Kept;
use crate::evaluation::{Evaluation, Evaluator, KnownVerdicts, Unjudged};
use crate::plan::{Gradient, Sampling, Training};
use crate::policy_class::PolicyClass;
use crate::rollout::{BatchKey, FilteredSource, Recipe, Rollout, VerdictMemo, minibatches};
use crate::world::World;
use pstar_core::PluginError;
use pstar_core::author::{GradientBatch, ShapedParameters, Tensor};
use pstar_core::math;
use pstar_core::objective::{Declaration, Divergence, ObjectiveAnswer, PopulationForm, PromptFacts};
use pstar_exact::{PopulationError, population_gradient};
use pstar_loader::{ModelHandle, ObjectiveHandle, PolicyHandle};
use pstar_record::{Advice, ArmPrompts, ArmStatus, Budget, CurvePoint, PartitionRecord, Warning};
use std::sync::Mutex;

/// By what share an arm may end above the best point of its curve before that is worth a word.
const OVERSHOOT: f64 = 0.1;

/// What helps where numbers end.
const OUT_OF_RANGE: &str = "configure the objective on a smaller scale";
/// A gradient of this norm has overflowed for all that a learning rate can do.
const OVERFLOWING: f64 = 1e10;

/// Whether a divergence's gradient takes Z.
fn needs_partition(divergence: Divergence) -> bool {
    !matches!(divergence, Divergence::InvalidityRate | Divergence::KlToTilted { .. })
}

pub(super) fn no_gradient(error: PopulationError) -> PluginError {
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

/// What an arm is made of.
#[allow(missing_debug_implementations, reason = "components of plugins")]
pub struct Components<'a> {
    /// The task and all that is common to the arms.
    pub world: &'a World,
    /// How it trains.
    pub training: Training,
    /// The exact values of every prompt, where they are known.
    pub facts: &'a [PromptFacts],
    /// What exact gradients are had from.
    pub exact: Option<ExactSource<'a>>,
    /// Verdicts that nobody need be asked for.
    pub known: KnownVerdicts<'a>,
    /// Exact samples of p*, where training takes them.
    pub(crate) filtered: Option<&'a FilteredSource>,
    /// What measures the policy.
    pub evaluator: Evaluator<'a>,
    /// The policy at its initial parameters.
    pub policy: PolicyHandle,
    /// The objective, fresh.
    pub objective: ObjectiveHandle,
    /// What it declares.
    pub declaration: Declaration,
    /// The seed.
    pub seed: u64,
}

/// An arm: components that do not change, and room to work in. What changes is its [`ArmState`].
#[allow(missing_debug_implementations, reason = "components of plugins")]
pub struct Arm<'a> {
    parts: Components<'a>,
    start: Vec<f64>,
    tensors: Vec<Tensor>,
    gradient: Vec<f64>,
    log_probs: Vec<f64>,
    scores: PopulationScores,
    /// log Z_α of every prompt that is trained on, NaN where it is not known: where all outputs are listed.
    log_power_partitions: Vec<f64>,
    /// The class with a power of the base, where that is what the objective's divergence is of.
    powered: Option<PolicyClass>,
    /// What the gradients of a step are multiplied by, where expected steps are matched, and room to work it out.
    factor: Option<f64>,
    reference: Vec<f64>,
    /// Verdicts that its verifier told.
    memo: Mutex<VerdictMemo>,
}

/// Trains an arm from its beginning to its end, or until it is told to stop.
///
/// `initial` is what the policy measures as it comes. A failing component ends the arm and is told in its status.
pub(crate) fn train(
    parts: Components<'_>,
    initial: &Evaluation,
    tell: &mut dyn FnMut(ArmEvent<'_>) -> Control,
) -> ArmOutcome {
    match Arm::begin(parts, initial) {
        Ok((mut arm, mut state)) => arm.run(&mut state, tell),
        Err(error) => ArmOutcome::of_failure(error),
    }
}

impl<'a> Arm<'a> {
    fn new(mut parts: Components<'a>) -> Result<Self, PluginError> {
        parts.objective.prepare(parts.facts)?;
        let ShapedParameters { values: start, tensors, .. } = parts.policy.parameters()?;
        let gradient = vec![0.0; start.len()];
        let trained = parts.world.trained.numbers.iter().map(|&prompt| parts.facts[prompt as usize]);
        let log_power_partitions =
            trained.map(|facts| facts.log_power_partition.unwrap_or(f64::NAN)).collect();
        let power = parts.declaration.divergence.map_or(1.0, |divergence| divergence.without_power().1);
        let powered = match parts.exact {
            Some(ExactSource::Class { class, .. }) if power != 1.0 => Some(class.powered(power)),
            _ => None,
        };
        Ok(Self {
            parts,
            start,
            tensors,
            gradient,
            log_probs: Vec::new(),
            scores: PopulationScores::default(),
            factor: None,
            reference: Vec::new(),
            memo: Mutex::default(),
            log_power_partitions,
            powered,
        })
    }

    /// An arm before its first step.
    ///
    /// # Errors
    /// If a component fails.
    pub fn begin(parts: Components<'a>, initial: &Evaluation) -> Result<(Self, ArmState), PluginError> {
        let arm = Self::new(parts)?;
        let mut state = ArmState {
            step: 0,
            parameters: arm.start.clone(),
            optimizer: OptimizerState::new(arm.parts.training.optimizer, arm.start.len()),
            objective: String::new(),
            budget: Budget::default(),
            partitions: PartitionRecord::default(),
            no_effect: NoEffectWatch::default(),
            signals: Signals::default(),
            curve: Vec::new(),
            initial: initial.full.clone(),
            last: None,
            crossings: None,
            prompts: ArmPrompts { start: initial.prompts.clone(), ..ArmPrompts::default() },
            no_verdicts: 0,
            first_batch: None,
            first: None,
            waiting: Vec::new(),
        };
        state.record(initial.curve.clone());
        if arm.parts.training.steps == 0 {
            state.end(initial.clone());
        }
        Ok((arm, state))
    }

    /// An arm that goes on where it stopped, of fresh components.
    ///
    /// # Errors
    /// If a component fails or the state is not its own.
    pub fn resume(parts: Components<'a>, state: &ArmState) -> Result<Self, PluginError> {
        let mut arm = Self::new(parts)?;
        let (expected, found) = (arm.start.len(), state.parameters.len());
        if expected != found {
            let name = arm.parts.policy.name();
            let message = format!("a state of {found} parameters, expected {expected} of policy `{name}`");
            return Err(PluginError::data(message));
        }
        if !state.optimizer.fits(arm.parts.training.optimizer, found) {
            return Err(PluginError::data("a state of another optimizer"));
        }
        if state.step > arm.parts.training.steps {
            let (step, steps) = (state.step, arm.parts.training.steps);
            return Err(PluginError::data(format!("a state of step {step}, expected at most {steps}")));
        }
        arm.parts.policy.set_parameters(&state.parameters)?;
        arm.parts.objective.restore(&state.objective)?;
        Ok(arm)
    }

    /// The state of this arm as text, with what the objective has learnt.
    ///
    /// # Errors
    /// If the objective cannot say it.
    pub fn save(&self, state: &mut ArmState) -> Result<String, PluginError> {
        state.objective = self.parts.objective.save()?;
        state.text()
    }

    /// Trains to the end, or until it is told to stop.
    pub fn run(&mut self, state: &mut ArmState, tell: &mut dyn FnMut(ArmEvent<'_>) -> Control) -> ArmOutcome {
        let mut outcome = ArmOutcome::default();
        tell(ArmEvent::Begin { step: state.step, curve: &state.curve });
        while state.step < self.parts.training.steps {
            match self.advance_telling(state, tell) {
                Ok(Control::Continue) => {}
                Ok(Control::Save) => self.tell_state(state, tell),
                Ok(Control::Stop) => {
                    self.tell_state(state, tell);
                    outcome.status = ArmStatus::Interrupted;
                    break;
                }
                Err(error) => {
                    outcome.fail(state.step, error);
                    break;
                }
            }
        }
        self.conclude(state, &mut outcome);
        for warning in &outcome.warnings {
            tell(ArmEvent::Warning(warning));
        }
        tell(ArmEvent::End(outcome.status));
        outcome
    }

    /// Tells the state; an objective that cannot say what it has learnt keeps it to itself, and starts again.
    fn tell_state(&self, state: &mut ArmState, tell: &mut dyn FnMut(ArmEvent<'_>) -> Control) {
        if let Ok(text) = self.save(state) {
            tell(ArmEvent::State(&text));
        }
    }

    /// Trains on one batch and measures where the curve has a point. What fails leaves the state as far as it came.
    ///
    /// # Errors
    /// If a component fails.
    pub fn advance(&mut self, state: &mut ArmState) -> Result<(), PluginError> {
        self.advance_telling(state, &mut |_| Control::Continue).map(|_| ())
    }

    fn advance_telling(
        &mut self,
        state: &mut ArmState,
        tell: &mut dyn FnMut(ArmEvent<'_>) -> Control,
    ) -> Result<Control, PluginError> {
        match (self.parts.training.gradient, self.parts.exact) {
            (Gradient::Sampled(sampling), _) => self.train_on_samples(sampling, state)?,
            (Gradient::Population, Some(source)) => self.train_exactly(source, state)?,
            (Gradient::Population, None) => {
                return Err(PluginError::data("an exact gradient needs all outputs, which are too many"));
            }
        }
        state.step += 1;
        let (step, last) = (state.step, state.step == self.parts.training.steps);
        let control = tell(ArmEvent::Step { step });
        let points = state.curve.len();
        if last {
            let evaluation = self.parts.evaluator.evaluate(&self.parts.policy, step)?;
            state.record(evaluation.curve.clone());
            state.end(evaluation);
        } else if step.is_multiple_of(self.parts.world.evaluation.every) {
            let measures = self.parts.evaluator.curve(&self.parts.policy, step)?;
            state.record(measures);
        }
        for point in &state.curve[points..] {
            tell(ArmEvent::Point(point));
        }
        Ok(if last { Control::Continue } else { control })
    }

    /// What the arm gave, as far as it came.
    fn conclude(&self, state: &ArmState, outcome: &mut ArmOutcome) {
        outcome.budget = state.budget;
        outcome.curve.clone_from(&state.curve);
        outcome.initial = Some(state.initial.clone());
        outcome.partitions = state.partitions;
        outcome.first_batch.clone_from(&state.first_batch);
        outcome.diagnostics = state.signals.all();
        if outcome.status == ArmStatus::Failed {
            return;
        }
        outcome.last.clone_from(&state.last);
        outcome.crossings = state.crossings;
        outcome.prompts.clone_from(&state.prompts);
        outcome.parameters.clone_from(&state.parameters);
        outcome.tensors.clone_from(&self.tensors);
        outcome.warnings.extend(state.missing_verdicts());
        if outcome.status == ArmStatus::Complete && self.parts.training.steps > 0 {
            let moved = (self.start.as_slice(), state.parameters.as_slice());
            outcome.warnings.extend(state.no_effect.warnings(self.parts.world, self.parts.facts, moved));
            outcome.warnings.extend(self.overshoot(state));
            outcome.warnings.extend(cautions(&self.parts.declaration, self.parts.training.gradient));
        }
    }

    /// Passes over a batch of samples.
    fn train_on_samples(&mut self, sampling: Sampling, state: &mut ArmState) -> Result<(), PluginError> {
        let world = self.parts.world;
        if self.parts.training.matched.is_some() {
            self.match_samples(sampling, state)?;
        }
        let rollout = self.next_rollout(sampling, state)?;
        if state.step == 0 {
            state.first_batch = Some(rollout.fingerprint());
            state.first = Some(Kept::of(world, &rollout));
        }
        if state.step + 1 == self.parts.training.steps {
            Kept::of(world, &rollout).check(world)?;
            state.first.as_ref().map_or(Ok(()), |first| first.check(world))?;
        }
        self.parts.objective.observe(&rollout.view(rollout.behaviour_log_probs(), 0)?)?;
        let groups = rollout.prompts().len();
        // Until its parameters move the policy is the one that sampled, if it sampled now.
        let others = sampling.samples_are_of_others(state.step);
        let mut first = true;
        for epoch in 0..sampling.epochs {
            for part in minibatches(rollout.key(), epoch, groups, sampling.minibatches) {
                let answer = self.coefficients(&rollout, (epoch, &part), others || !first, state)?;
                if first {
                    state.signals.groups(&rollout);
                }
                self.update(&rollout, &part, &answer, state)?;
                first = false;
            }
        }
        Ok(())
    }

    /// What the objective gives the tokens of a batch for a step on some of its groups.
    fn coefficients(
        &mut self,
        rollout: &Rollout,
        (epoch, part): (u32, &[usize]),
        rescore: bool,
        state: &mut ArmState,
    ) -> Result<ObjectiveAnswer, PluginError> {
        let world = self.parts.world;
        let groups = rollout.prompts().len();
        let whole = part.len() == groups;
        let mut log_probs = std::mem::take(&mut self.log_probs);
        let current = if rescore {
            log_probs.resize(rollout.behaviour_log_probs().len(), 0.0);
            self.parts.policy.score(&rollout.sequences(world)?, &mut log_probs)?;
            log_probs.as_slice()
        } else {
            rollout.behaviour_log_probs()
        };
        let view = rollout.view(current, epoch)?;
        let answer = if whole {
            self.parts.objective.step(&view)?
        } else {
            let mut updated = vec![0; groups];
            for &g in part {
                updated[g] = 1;
            }
            let scale = groups as f64 / part.len() as f64;
            let weights: Vec<f64> = rollout.weights().iter().map(|weight| weight * scale).collect();
            self.parts.objective.step(&view.with_weights(&weights)?.with_updated(&updated)?)?
        };
        self.log_probs = log_probs;
        state.tally(&answer);
        state.no_effect.observe(rollout, part, &answer);
        Ok(answer)
    }

    /// One optimizer step on some groups of a batch.
    fn update(
        &mut self,
        rollout: &Rollout,
        part: &[usize],
        answer: &ObjectiveAnswer,
        state: &mut ArmState,
    ) -> Result<(), PluginError> {
        let world = self.parts.world;
        let ObjectiveAnswer { coefficients, entropy, .. } = answer;
        if part.len() == rollout.prompts().len() {
            let batch = rollout.weighted(world, coefficients, entropy)?;
            self.parts.policy.gradient(&batch, &mut self.gradient)?;
        } else {
            let (sequences, weights) = rollout.part(world, part);
            let [coefficients, entropy] =
                [coefficients, entropy].map(|values| rollout.tokens_of_groups(part, values));
            let batch =
                GradientBatch::new(sequences.view(), &weights, &coefficients)?.with_entropy(&entropy)?;
            self.parts.policy.gradient(&batch, &mut self.gradient)?;
        }
        self.ascend(state)
    }

    /// The batch to train on: drawn now, or of the age that is asked for.
    fn next_rollout(&self, sampling: Sampling, state: &mut ArmState) -> Result<Rollout, PluginError> {
        let Components { world, facts, known, filtered, ref policy, seed, training, .. } = self.parts;
        let Declaration { base_log_probs, outcomes, minimum_group, .. } = self.parts.declaration;
        let memo = Some(&self.memo);
        let recipe =
            Recipe { world, facts, sampling, known, memo, filtered, base_log_probs, minimum_group, outcomes };
        let age = sampling.age();
        let made = |step| Rollout::make(&recipe, policy, BatchKey { seed, step });
        if age == 0 {
            let rollout = made(state.step)?;
            self.count(&rollout, state)?;
            return Ok(rollout);
        }
        // Batch s is of the policy as it was before batch s − age; the first ones are of the policy at the start.
        let first = if state.step == 0 { 0 } else { state.step.saturating_add(age) };
        for step in first..=state.step.saturating_add(age).min(training.steps - 1) {
            let rollout = made(step)?;
            self.count(&rollout, state)?;
            state.waiting.push(rollout.save());
        }
        let mut rollout = Rollout::restore(state.waiting.remove(0), facts)?;
        rollout.age(age.min(state.step));
        Ok(rollout)
    }

    /// Adds what a batch cost, and refuses what came to go on with.
    fn count(&self, rollout: &Rollout, state: &mut ArmState) -> Result<(), PluginError> {
        state.budget += rollout.budget();
        let Gradient::Sampled(sampling) = self.parts.training.gradient else { return Ok(()) };
        let Some(first) = rollout.unjudged() else { return Ok(()) };
        let count = state.budget.no_verdicts;
        let unjudged = Unjudged { count, between: 0, first: Some(first.into()) };
        let planned = u64::from(self.parts.training.steps) * (sampling.prompts * sampling.group) as u64;
        unjudged.check(self.parts.world, planned, "responses of its arm")?;
        if rollout.rewards().is_empty() {
            let message = format!("no group of a batch is left: there is no verdict on {first}");
            return Err(PluginError::data(message));
        }
        Ok(())
    }

    /// Works out what the gradient of samples of the policy as it is will be multiplied by.
    fn match_samples(&mut self, sampling: Sampling, state: &ArmState) -> Result<(), PluginError> {
        let source = self.parts.exact.ok_or_else(|| {
            PluginError::data(
                "matched steps need the exact gradient of the validity rate, which is not to be had",
            )
        })?;
        let coefficients = self.ask(sampling.group, state)?.redrawn(sampling.redraw);
        self.expected_over_groups(source, &coefficients, &state.parameters)
    }

    /// Asks the objective about groups of so many samples.
    fn ask(&mut self, group: usize, state: &ArmState) -> Result<GroupCoefficients, PluginError> {
        let shape = GroupShape::of(self.parts.world, &self.parts.declaration, group);
        GroupCoefficients::ask(&mut self.parts.objective, shape, (self.parts.seed, state.step))
    }

    /// One optimizer step up an exact gradient.
    fn train_exactly(&mut self, source: ExactSource<'_>, state: &mut ArmState) -> Result<(), PluginError> {
        if let Some(PopulationForm::BinaryGroup { group }) = self.parts.declaration.population {
            let coefficients = self.ask(group as usize, state)?;
            self.expected_over_groups(source, &coefficients, &state.parameters)?;
            return self.ascend(state);
        }
        self.expected(source, state)?;
        if self.parts.training.matched.is_some() {
            let Self { parts, scores, gradient, reference, .. } = self;
            let at = ValidityGradient::at(source, &parts.policy, &state.parameters, scores)?;
            self.factor = Some(matching::factor(&at, gradient, reference)?);
        }
        self.ascend(state)
    }

    /// Moves the parameters up the gradient.
    fn ascend(&mut self, state: &mut ArmState) -> Result<(), PluginError> {
        if let Some(factor) = self.factor {
            self.gradient.iter_mut().for_each(|g| *g *= factor);
            state.signals.matched(factor);
        }
        if !math::all_finite(&self.gradient) {
            let found = self.gradient.iter().find(|g| !g.is_finite()).copied().unwrap_or(f64::NAN);
            return Err(PluginError::data(format!("the gradient holds {found}")));
        }
        let clip_norm = self.parts.training.clip_norm;
        state.signals.gradient(&self.gradient, clip_norm);
        if let Some(norm) = clip_norm {
            clip(&mut self.gradient, norm);
        }
        let moved = state.optimizer.step(&mut state.parameters, &self.gradient);
        moved.map_err(|error| self.out_of_range(error, state))?;
        let set = self.parts.policy.set_parameters(&state.parameters);
        set.map_err(|error| self.refused_move(error, state))?;
        state.budget.optimizer_steps += 1;
        Ok(())
    }

    /// The expected gradient of an objective whose coefficients depend on their sequences alone.
    fn expected(&mut self, source: ExactSource<'_>, state: &mut ArmState) -> Result<(), PluginError> {
        match source {
            ExactSource::Outputs(outputs) => {
                outputs.score(&self.parts.policy, &mut self.scores)?;
                let view = outputs.view(&self.scores, (self.parts.seed, state.step))?;
                let view = view.with_log_power_partitions(&self.log_power_partitions)?;
                self.parts.objective.observe(&view)?;
                let answer = self.parts.objective.step(&view)?;
                state.tally(&answer);
                let weighted = outputs.weighted(&self.scores, &answer.coefficients)?;
                self.parts.policy.gradient(&weighted, &mut self.gradient)
            }
            ExactSource::Class { class, scale } => {
                let divergence = self.parts.declaration.divergence.ok_or_else(|| {
                    PluginError::contract("an exact gradient needs an objective that declares its divergence")
                })?;
                // However the objective would have had Z, this gradient has the exact one.
                if needs_partition(divergence) {
                    state.partitions.exact += self.parts.world.trained.numbers.len() as u64;
                }
                let problems = self.powered.as_ref().unwrap_or(class).problems();
                let (divergence, _) = divergence.without_power();
                population_gradient(&problems, divergence, &state.parameters, &mut self.gradient)
                    .map_err(no_gradient)?;
                self.gradient.iter_mut().for_each(|g| *g *= scale);
                Ok(())
            }
        }
    }

    /// The expected gradient Σ_x w_x κ(V_x) ∇V_x of an objective whose coefficients depend on rewards alone, and what it is
    /// multiplied by where expected steps are matched: κ that may be rounding alone is no step then.
    fn expected_over_groups(
        &mut self,
        source: ExactSource<'_>,
        coefficients: &GroupCoefficients,
        parameters: &[f64],
    ) -> Result<(), PluginError> {
        let Self { parts, scores, gradient, reference, .. } = self;
        let at = ValidityGradient::at(source, &parts.policy, parameters, scores)?;
        if parts.training.matched.is_none() {
            return at.sum(|masses| coefficients.kappa(masses), gradient);
        }
        at.sum(|masses| coefficients.certain_kappa(masses), gradient)?;
        self.factor = Some(matching::factor(&at, gradient, reference)?);
        Ok(())
    }

    /// Says so where an arm that minimises KL(p*‖q) ends well above the best point of its curve.
    fn overshoot(&self, state: &ArmState) -> Option<Warning> {
        if self.parts.declaration.divergence != Some(Divergence::KlFromFiltered) {
            return None;
        }
        let kl = |point: &CurvePoint| Some((point.measures.get("kl_from_filtered")?, point.step));
        let curve: Vec<(f64, u32)> = state.curve.iter().filter_map(kl).collect();
        let (last, _) = *curve.last()?;
        let (best, step) = curve.into_iter().min_by(|a, b| a.0.total_cmp(&b.0))?;
        (last > best + OVERSHOOT * best.abs()).then(|| {
            let advice = match self.parts.training.gradient {
                _ if state.signals.greatest_norm() > OVERFLOWING => bound_the_gradient(state),
                Gradient::Sampled(_) => Advice::SmallerRateOrLargerBatch,
                Gradient::Population => Advice::SmallerRate,
            };
            Warning::Overshoot { last, best, step, advice }
        })
    }

    fn out_of_range(&self, error: StepError, state: &ArmState) -> PluginError {
        self.refused_move(PluginError::data(error.to_string()).with_hint(OUT_OF_RANGE), state)
    }

    /// A policy that refuses its parameters cannot know that a gradient is what drove them off.
    fn refused_move(&self, error: PluginError, state: &ArmState) -> PluginError {
        if state.signals.greatest_norm() > OVERFLOWING && self.parts.training.clip_norm.is_none() {
            return error.with_hint(bound_the_gradient(state).to_string());
        }
        error
    }
}

/// What is to be done about gradients that no learning rate makes up for.
fn bound_the_gradient(state: &ArmState) -> Advice {
    Advice::BoundGradient { norm: state.signals.greatest_norm() }
}
