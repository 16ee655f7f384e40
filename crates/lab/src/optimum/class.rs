//! The optima of one policy's class.

use super::words::in_words;
use super::{Effort, out_of_reach};
use crate::evaluation::{DynamicReference, GroundTruth};
use crate::experiment::{Experiment, Problem};
use crate::plan::{ObjectiveSpec, PolicySpec};
use crate::policy_class::PolicyClass;
use crate::training::{initial_parameters, started};
use crate::world::World;
use pstar_core::objective::Divergence;
use pstar_core::{PluginError, math};
use pstar_exact::{Optimum, PopulationError, Search, optima, reward_flow, rows_in_use};
use pstar_loader::PolicyHandle;
use pstar_loader::Registry;
use pstar_record::{ClassOptimum, Flow, Measures};
use rayon::prelude::*;

/// A policy at its start, and its class.
pub(super) struct ClassTask<'a> {
    pub(super) spec: &'a PolicySpec,
    class: PolicyClass,
    /// Initial parameters.
    start: Vec<f64>,
    search: Search,
    /// Whether every prompt has a single valid output, so that all that are always right are one policy.
    one_answer: bool,
}

impl<'a> ClassTask<'a> {
    pub(super) fn new(
        experiment: &Experiment,
        registry: &Registry,
        truth: &GroundTruth,
        reference: &DynamicReference,
        spec: &'a PolicySpec,
        effort: Effort<'_>,
    ) -> Result<Self, Problem> {
        let at = |error: PluginError| experiment.of_policy(spec, &error);
        let (world, seed) = (&experiment.world, experiment.plan.first_seed());
        let start = initial_parameters(world, registry, truth, spec)
            .map_err(|error| experiment.of_start(spec, &error))?;
        let policy = started(world, registry, spec, start.as_deref(), seed).map_err(at)?;
        let class = PolicyClass::new(reference, world, &policy).map_err(at)?.map_err(|unavailable| {
            out_of_reach(spec.place.clone(), &format!("policy `{}`: ", spec.name), &unavailable)
        })?;
        let transitions = class.transitions();
        let start = policy.parameters().map_err(at)?.values;
        let search = effort(transitions).ok_or_else(|| {
            let message = format!(
                "policy `{}`: its optima would take too long: a class of {} parameters, and {transitions} transitions \
                 between states",
                spec.name,
                start.len()
            );
            Problem::at(spec.place.clone(), message).with_hint(
                "a shorter horizon, fewer prompts or a policy of lower order has fewer; `host optimum` looks at larger \
                 classes than `host run`, and `evaluation.optima: false` leaves optima out of a run",
            )
        })?;
        let mut prompts = 0..world.prompt_texts.len();
        let one_answer = prompts.all(|prompt| reference.counts(prompt)[0] == "1");
        Ok(Self { spec, class, start, search, one_answer })
    }

    /// The optima of the objectives, in their order.
    pub(super) fn solve(
        &self,
        world: &World,
        registry: &Registry,
        truth: &GroundTruth,
        objectives: &[(&ObjectiveSpec, Divergence)],
        known: &[Vec<f64>],
    ) -> Vec<Result<ClassOptimum, Problem>> {
        let divergences: Vec<Divergence> = objectives.iter().map(|(_, divergence)| *divergence).collect();
        let jobs: Vec<_> = objectives.iter().zip(self.search(&divergences, known)).collect();
        let report = |(&(objective, divergence), found): (&(&ObjectiveSpec, Divergence), _)| {
            self.report(world, registry, truth, objective, divergence, found)
        };
        jobs.into_par_iter().map(report).collect()
    }

    /// Those of divergences of one power of the base are looked for together.
    fn search(
        &self,
        divergences: &[Divergence],
        known: &[Vec<f64>],
    ) -> Vec<Result<Optimum, PopulationError>> {
        let mut powers: Vec<f64> = Vec::new();
        for power in divergences.iter().map(|divergence| divergence.without_power().1) {
            if !powers.contains(&power) {
                powers.push(power);
            }
        }
        let mut found: Vec<Option<Result<Optimum, PopulationError>>> = vec![None; divergences.len()];
        for power in powers {
            let raised = (power != 1.0).then(|| self.class.powered(power));
            let problems = raised.as_ref().unwrap_or(&self.class).problems();
            let of_power: Vec<(usize, Divergence)> = divergences
                .iter()
                .enumerate()
                .map(|(index, divergence)| (index, divergence.without_power()))
                .filter_map(|(index, (divergence, own))| (own == power).then_some((index, divergence)))
                .collect();
            let asked: Vec<Divergence> = of_power.iter().map(|(_, divergence)| *divergence).collect();
            let answers = optima(&problems, &asked, &self.start, known, &self.search);
            for ((index, _), answer) in of_power.into_iter().zip(answers) {
                found[index] = Some(answer);
            }
        }
        found.into_iter().flatten().collect()
    }

    fn report(
        &self,
        world: &World,
        registry: &Registry,
        truth: &GroundTruth,
        objective: &ObjectiveSpec,
        divergence: Divergence,
        found: Result<Optimum, PopulationError>,
    ) -> Result<ClassOptimum, Problem> {
        let at = |message: String| {
            let (policy, objective_name) = (&self.spec.name, &objective.name);
            let message =
                format!("policy `{policy}`, objective `{objective_name}`: no optimum can be had: {message}");
            Problem::at(objective.place.clone(), message)
        };
        let failed = |error: PluginError| at(error.message);
        let measured = |parameters: &[f64]| -> Result<(PolicyHandle, Measures), PluginError> {
            let policy = started(world, registry, self.spec, Some(parameters), 0)?;
            let measures = truth.evaluator(world, &policy, 0)?.evaluate(&policy, 0)?.full;
            Ok((policy, measures))
        };
        let record = ClassOptimum {
            policy: self.spec.name.clone(),
            objective: objective.name.clone(),
            divergence: in_words(divergence),
            value: None,
            lower_bound: None,
            degenerate: divergence == Divergence::InvalidityRate,
            why: None,
            residual: None,
            settled: false,
            starts: 0,
            local_optima: Vec::new(),
            measures: Measures::default(),
            table: Vec::new(),
            flow: None,
        };
        let found = match found {
            Ok(found) => found,
            Err(why @ PopulationError::NoFiltered) => {
                let (_, measures) = measured(&self.start).map_err(failed)?;
                return Ok(ClassOptimum {
                    why: Some(why.to_string()),
                    measures: measures.only(|_| false),
                    ..record
                });
            }
            Err(error) => return Err(at(error.to_string())),
        };
        let (policy, mut measures) = measured(&found.parameters).map_err(failed)?;
        let degenerate = record.degenerate && !(self.one_answer && found.value < f64::EPSILON);
        if degenerate {
            let alone = self.class.solvable() == 1 || found.value == 0.0;
            measures = measures.only(|name| {
                matches!(name, "validity_rate" | "invalidity_rate")
                    || (alone && matches!(name, "log_validity_rate" | "pass_at"))
            });
        }
        let table = self.table(&policy, &found.parameters).map_err(failed)?;
        Ok(ClassOptimum {
            value: Some(found.value),
            degenerate,
            lower_bound: found.lower_bound,
            residual: Some(found.residual),
            settled: found.settled,
            starts: found.starts,
            local_optima: found.local_optima,
            measures,
            table,
            ..record
        })
    }

    /// Where gradient ascent on the expected reward ends, from the policy's start.
    pub(super) fn flow(
        &self,
        world: &World,
        registry: &Registry,
        truth: &GroundTruth,
    ) -> Result<Flow, PluginError> {
        let limit = reward_flow(&self.class.problems(), &self.start);
        let policy = started(world, registry, self.spec, Some(&limit.parameters), 0)?;
        let measures = truth.evaluator(world, &policy, 0)?.evaluate(&policy, 0)?.full;
        let table = self.table(&policy, &limit.parameters)?;
        Ok(Flow { length: limit.length, settled: limit.settled, measures, table })
    }

    /// The rows in use, in probabilities, by the names that the policy gives them.
    fn table(&self, policy: &PolicyHandle, log_q: &[f64]) -> Result<Vec<(String, Vec<f64>)>, PluginError> {
        let rows = rows_in_use(&self.class.problems()).into_iter().enumerate();
        let named = rows.map(|(row, range)| {
            let name = policy.row_name(range.start)?.unwrap_or_else(|| row.to_string());
            Ok((name, log_q[range].iter().map(|&log_prob| math::exp(log_prob)).collect()))
        });
        named.collect()
    }
}
