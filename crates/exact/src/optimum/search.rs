//! The search itself: many starts for a few steps, few to the end, and what one objective found tried by all others.

use pstar_core::math;
use pstar_core::objective::Divergence;
use rayon::prelude::*;

use crate::dynamic::gradient::PopulationError;
use crate::dynamic::occupancy::{PromptProblem, RowSet};

use super::descend::Point;
use super::graph::Graph;
use super::reach::{enlarged, keeping, restricted, within_base};
use super::scratch::{LANES, Scratch};
use super::starts::{self, Starts};
use super::tasks::{Task, rounding};
use super::{Optimum, Search, counting};

/// Relative to the potential: policies closer than this are taken for the same.
const ALIKE: f64 = 1e-5;

/// Times that the best policy's rows are changed, and that optima are compared.
const ROUNDS: usize = 3;

/// Log-probabilities below this times 1 + λ are of choices that lead out of the base's support.
const GIVEN_UP: f64 = -100.0;

/// Transitions that are visited to find out which choices a policy may have besides.
const ENLARGING: usize = 1 << 22;

/// Sets of choices that all starts are restricted to.
const MASKED: usize = 6;

/// Changes of single rows that are followed.
const FOLLOWED: usize = 6;

/// Points that one thread follows: where one has come to rest another takes its lane.
const TOGETHER: usize = 4 * LANES;

/// Objectives that are solved besides where there are few.
const STEPPING_STONES: [Divergence; 5] = [
    Divergence::KlToTilted { beta: 0.2 },
    Divergence::KlToTilted { beta: 0.1 },
    Divergence::KlToTilted { beta: 0.05 },
    Divergence::Alpha { alpha: 0.5 },
    Divergence::Alpha { alpha: 0.75 },
];

/// What all tasks of a class share.
struct Searcher<'a> {
    problems: &'a [PromptProblem<'a>],
    graph: &'a Graph,
    /// The base's best fit, or whatever the policy starts from, in log-probabilities.
    fit: Vec<f64>,
    search: &'a Search,
    base_has_zeros: bool,
}

/// What has been found for a task.
struct Found {
    /// The best policies, best first; never empty but for tilts out of reach.
    best: Vec<Point>,
    starts: usize,
    steps: usize,
}

/// See [`optima`](super::optima).
pub(super) fn solve(
    problems: &[PromptProblem<'_>],
    divergences: &[Divergence],
    start: &[f64],
    known: &[Vec<f64>],
    search: &Search,
) -> Vec<Result<Optimum, PopulationError>> {
    let graph = Graph::new(problems, start.len());
    let fit = graph.rows.log_softmax(start);
    let forward = counting::forward_kl(problems, &graph.rows, &fit);
    let searcher = Searcher {
        problems,
        graph: &graph,
        search,
        base_has_zeros: problems.iter().any(|problem| problem.base.has_zeros()),
        fit,
    };
    let mut asked: Vec<Divergence> = Vec::new();
    for &divergence in divergences.iter().filter(|divergence| **divergence != Divergence::KlFromFiltered) {
        if !asked.contains(&divergence) {
            asked.push(divergence);
        }
    }
    let wanted = asked.len();
    if search.stepping_stones && wanted > 0 {
        asked.extend(STEPPING_STONES.iter().filter(|stone| !divergences.contains(stone)));
        asked.truncate(wanted.max(STEPPING_STONES.len() + 1));
    }
    let tasks: Vec<Result<Task<'_>, PopulationError>> =
        asked.iter().map(|&divergence| Task::new(problems, &graph, divergence, search.outputs)).collect();
    let sound: Vec<&Task<'_>> = tasks.iter().filter_map(|task| task.as_ref().ok()).collect();
    let mut others: Vec<Vec<f64>> = known.iter().map(|logits| graph.rows.log_softmax(logits)).collect();
    others.push(forward.clone());
    let stones = tasks[wanted..].iter().filter(|task| task.is_ok()).count();
    let mut optima = searcher.solve(&sound, stones, [&searcher.fit, &forward], others).into_iter();
    let solved: Vec<Result<Optimum, PopulationError>> = tasks[..wanted]
        .iter()
        .map(|task| match task {
            Ok(_) => optima.next().unwrap_or(Err(PopulationError::LeavesBaseSupport)),
            Err(error) => Err(*error),
        })
        .collect();
    divergences
        .iter()
        .map(|divergence| match asked.iter().position(|asked| asked == divergence) {
            Some(number) => solved[number].clone(),
            None => Ok(closed_form(problems, forward.clone())),
        })
        .collect()
}

/// KL(p*‖q), whose optimum is a projection.
fn closed_form(problems: &[PromptProblem<'_>], parameters: Vec<f64>) -> Optimum {
    let value = counting::forward_kl_value(problems, &parameters);
    Optimum {
        parameters,
        value,
        lower_bound: Some(value),
        residual: 0.0,
        starts: 1,
        settled: true,
        local_optima: vec![value],
        iterations: 1,
    }
}

impl Searcher<'_> {
    fn solve(
        &self,
        tasks: &[&Task<'_>],
        stones: usize,
        given: [&[f64]; 2],
        mut others: Vec<Vec<f64>>,
    ) -> Vec<Result<Optimum, PopulationError>> {
        if tasks.is_empty() {
            return Vec::new();
        }
        let starts = starts::all(self.problems, self.graph, given, self.search);
        others.extend(starts.diracs.iter().cloned());
        let has_restricted = tasks.iter().any(|task| self.restricts(task));
        let reach = if has_restricted { starts::within_reach(self.graph, self.search) } else { Vec::new() };
        let mut found: Vec<Found> = tasks.par_iter().map(|task| self.screen(task, &starts, &reach)).collect();
        self.transfer(tasks, &mut found);
        if self.search.hops && self.hop(tasks, &mut found) {
            self.transfer(tasks, &mut found);
        }
        let last = tasks.par_iter().zip(&mut found).map(|(task, found)| self.finish(task, found));
        let mut best: Vec<Option<Point>> = last.collect();
        self.compare(tasks, &mut best, &others);
        let wanted = tasks.len() - stones;
        let mut bounds = self.prove(&tasks[..wanted], &best);
        // A proof that met something better is a search too.
        let better: Vec<Vec<f64>> = bounds.iter_mut().filter_map(|(_, better)| better.take()).collect();
        if !better.is_empty() {
            others.extend(better);
            self.compare(tasks, &mut best, &others);
            bounds = self.prove(&tasks[..wanted], &best);
        }
        let bounds = bounds.into_iter().map(|(bound, _)| bound);
        tasks
            .iter()
            .zip(best)
            .zip(found)
            .zip(bounds)
            .map(|(((task, best), found), bound)| {
                best.map(|best| self.report(task, best, bound, &found))
                    .ok_or(PopulationError::LeavesBaseSupport)
            })
            .collect()
    }

    /// For each task what its value cannot be below, and a better policy if that was met on the way.
    fn prove(&self, tasks: &[&Task<'_>], best: &[Option<Point>]) -> Vec<(Option<f64>, Option<Vec<f64>>)> {
        let proofs = tasks.par_iter().zip(best).map(|(task, best)| {
            let Some(best) = best else { return (None, None) };
            let (bound, better) = task.bound(self.graph, best.potential, self.search.boxes);
            let better = better.map(|probs| {
                let logs: Vec<f64> = probs.iter().map(|&prob| math::ln(prob)).collect();
                let mut policy = self.fit.clone();
                for range in self.graph.rows.ranges() {
                    policy[range.clone()].copy_from_slice(&logs[range]);
                }
                self.graph.rows.log_softmax(&policy)
            });
            (bound, better)
        });
        proofs.collect()
    }

    /// The policy as a task may have it, and as its own steps may make it.
    fn allowed(&self, task: &Task<'_>, policy: &[f64]) -> Vec<Vec<f64>> {
        let mut allowed = vec![policy.to_vec()];
        if self.restricts(task) {
            allowed.extend(within_base(self.problems, &self.graph.rows, policy, 0));
        }
        allowed
    }

    /// Follows all starts a little, some further and few to the end.
    ///
    /// Where the base has zeros, which choices to do without is what tells optima apart: `reach` has sets of them, others
    /// follow from what the starts' outputs need, and from what the steps themselves give up where leaving the base's
    /// support costs much but not all.
    fn screen(&self, task: &Task<'_>, starts: &Starts, reach: &[Vec<bool>]) -> Found {
        let Starts { policies, diracs, worth_keeping } = starts;
        if !self.restricts(task) {
            return self.follow(task, &distinct(policies.iter().cloned()));
        }
        let (problems, rows) = (self.problems, &self.graph.rows);
        let sets = |number: usize| if number < 2 { self.search.likeliest.max(1) } else { 0 };
        let within = policies
            .iter()
            .enumerate()
            .flat_map(|(number, policy)| within_base(problems, rows, policy, sets(number)));
        let kept = worth_keeping.iter().flat_map(|kept| {
            let wishes = [&self.fit, &policies[1], &policies[2]];
            wishes.into_iter().filter_map(|wish| keeping(problems, rows, wish, kept)).collect::<Vec<_>>()
        });
        let masked = reach.iter().enumerate().flat_map(|(rank, set)| {
            let wishes = policies.iter().take(if rank < MASKED { policies.len() } else { 3 });
            wishes.filter_map(|wish| restricted(problems, rows, wish, set)).collect::<Vec<_>>()
        });
        let given = diracs.iter().chain(policies).cloned();
        let starts = within.chain(kept).chain(masked).chain(given);
        self.follow(task, &distinct(starts))
    }

    /// Whether a task's policies must not have all choices.
    fn restricts(&self, task: &Task<'_>) -> bool {
        task.within_base() && self.base_has_zeros
    }

    /// A policy without the choices that it has all but given up, within the base's support.
    fn cleaned(&self, task: &Task<'_>, log_q: &[f64]) -> Option<Vec<f64>> {
        let bar = GIVEN_UP * task.unit;
        let cleaned: Vec<f64> =
            log_q.iter().map(|&log| if log < bar { f64::NEG_INFINITY } else { log }).collect();
        within_base(self.problems, &self.graph.rows, &self.graph.rows.log_softmax(&cleaned), 0)
            .into_iter()
            .next()
    }

    fn follow(&self, task: &Task<'_>, starts: &[Vec<f64>]) -> Found {
        let Search { screen, keep, middle, finalists, polish, .. } = *self.search;
        let number = starts.len();
        let points = looked_at(task, starts);
        let mut steps = 0;
        let mut further = |points: Vec<Point>, limit: usize, keep: usize| {
            let before: usize = points.iter().map(|point| point.steps).sum();
            let points = self.descend(task, points, limit);
            steps += points.iter().map(|point| point.steps).sum::<usize>() - before;
            select(points, keep)
        };
        let points = further(points, screen, keep);
        let points = further(points, middle, if self.restricts(task) { keep } else { finalists });
        let points = if self.restricts(task) {
            further(self.all_cleaned(task, points), middle, finalists)
        } else {
            points
        };
        let best = further(points, polish, finalists);
        Found { best, starts: number, steps: steps + number }
    }

    /// Looks again at policies within the base's support, and at those with as many more choices as stay there: a tilt
    /// gives all of them some probability.
    fn all_cleaned(&self, task: &Task<'_>, points: Vec<Point>) -> Vec<Point> {
        let cleaned = distinct(points.into_iter().filter_map(|point| self.cleaned(task, &point.log_q)));
        let larger = cleaned.par_iter().flat_map_iter(|policy| self.larger(policy)).collect::<Vec<_>>();
        looked_at(task, &distinct(cleaned.into_iter().chain(larger)))
    }

    /// The policy with more choices, each first of those that are missing in turn.
    fn larger(&self, policy: &[f64]) -> Vec<Vec<f64>> {
        let rows = &self.graph.rows;
        let mut missing: Vec<usize> =
            rows.ranges().flatten().filter(|&index| policy[index] == f64::NEG_INFINITY).collect();
        missing.sort_by(|&a, &b| self.fit[b].total_cmp(&self.fit[a]).then(a.cmp(&b)));
        let checks = (ENLARGING / (self.graph.transitions * missing.len().max(1))).min(missing.len());
        let set: Vec<bool> = policy.iter().map(|&log| log > f64::NEG_INFINITY).collect();
        let mut sets: Vec<Vec<bool>> = Vec::new();
        for &first in &missing[..checks] {
            let order = std::iter::once(first).chain(missing.iter().copied());
            let larger = enlarged(self.problems, set.clone(), order);
            if larger != set && !sets.contains(&larger) {
                sets.push(larger);
            }
        }
        let soften = |larger: &Vec<bool>| {
            let mut soft = policy.to_vec();
            for index in missing.iter().copied().filter(|&index| larger[index]) {
                soft[index] = math::ln(1e-5 + 1e-4 * math::exp(self.fit[index]));
            }
            rows.log_softmax(&soft)
        };
        sets.iter().map(soften).collect()
    }

    fn descend(&self, task: &Task<'_>, mut points: Vec<Point>, limit: usize) -> Vec<Point> {
        let (rows, tolerance) = (&self.graph.rows, self.search.tolerance * task.unit);
        points.par_chunks_mut(TOGETHER).for_each_init(Scratch::default, |scratch, points| {
            Point::descend_all(points, &*task.plain, rows, limit, tolerance, scratch);
        });
        points
    }

    /// Tries what was found for each task on all the others, as it is and softened, while that helps.
    fn transfer(&self, tasks: &[&Task<'_>], found: &mut [Found]) {
        let mut improved = vec![true; tasks.len()];
        for _ in 0..self.search.rounds {
            let pools: Vec<Vec<Vec<f64>>> = found
                .iter()
                .zip(&improved)
                .map(|(found, improved)| {
                    let best = found.best.iter().take(if *improved { self.search.finalists } else { 0 });
                    best.flat_map(|point| [point.log_q.clone(), self.softened(&point.log_q)]).collect()
                })
                .collect();
            improved = tasks
                .par_iter()
                .zip(found.par_iter_mut())
                .enumerate()
                .map(|(own, (task, found))| {
                    let foreign = pools.iter().enumerate().filter(|(other, _)| *other != own);
                    let foreign =
                        foreign.flat_map(|(_, pool)| pool).flat_map(|policy| self.allowed(task, policy));
                    let starts = distinct(foreign);
                    !starts.is_empty() && self.improve(found, self.follow(task, &starts))
                })
                .collect();
            if !improved.contains(&true) {
                break;
            }
        }
    }

    /// Adds what else was found; whether the best is better than before.
    fn improve(&self, found: &mut Found, more: Found) -> bool {
        let before = found.best.first().map_or(f64::INFINITY, |point| point.potential);
        found.starts += more.starts;
        found.steps += more.steps;
        found.best.extend(more.best);
        found.best = select(std::mem::take(&mut found.best), self.search.finalists);
        let after = found.best.first().map_or(f64::INFINITY, |point| point.potential);
        after < before - 1e-9 * (1.0 + before.abs()) || (before == f64::INFINITY && after < before)
    }

    /// A policy none of whose rows has zeros that could not come back.
    fn softened(&self, log_q: &[f64]) -> Vec<f64> {
        let mut soft = log_q.to_vec();
        for range in self.graph.rows.ranges() {
            if log_q[range.clone()].iter().all(|&log| log > -6.9) {
                continue;
            }
            for index in range {
                soft[index] = math::ln(math::exp(log_q[index]) + 1e-3 * math::exp(self.fit[index]) + 1e-5);
            }
        }
        self.graph.rows.log_softmax(&soft)
    }

    /// Changes single rows of the best policies while that helps; whether it did.
    fn hop(&self, tasks: &[&Task<'_>], found: &mut [Found]) -> bool {
        let hopped = tasks.par_iter().zip(found.par_iter_mut()).map(|(task, found)| {
            let mut helped = false;
            for _ in 0..ROUNDS {
                let Some(best) = found.best.first() else { break };
                let starts: Vec<Vec<f64>> = self
                    .changed_rows(&best.log_q)
                    .iter()
                    .flat_map(|policy| self.allowed(task, policy))
                    .collect();
                let points = self.descend(task, looked_at(task, &starts), self.search.screen);
                found.steps += points.iter().map(|point| point.steps + 1).sum::<usize>();
                let followed: Vec<Vec<f64>> =
                    select(points, FOLLOWED).into_iter().map(|point| point.log_q).collect();
                let more = self.follow(task, &followed);
                if !self.improve(found, more) {
                    break;
                }
                helped = true;
            }
            helped
        });
        let helped: Vec<bool> = hopped.collect();
        helped.contains(&true)
    }

    /// The policies that differ in one row: one choice nearly always, or nearly never.
    fn changed_rows(&self, log_q: &[f64]) -> Vec<Vec<f64>> {
        let rows: &RowSet = &self.graph.rows;
        let mut changed = Vec::new();
        for range in rows.ranges() {
            let row: Vec<f64> = log_q[range.clone()].iter().map(|&log| math::exp(log)).collect();
            let fit: Vec<f64> = self.fit[range.clone()].iter().map(|&log| math::exp(log)).collect();
            for choice in 0..row.len() {
                let is = |k: usize| f64::from(u8::from(k == choice));
                let nearly_always = |k: usize| 0.9 * is(k) + 0.1 * row[k];
                let without = |k: usize| {
                    if k == choice { 1e-3 * row[k] } else { row[k] + 1e-3 * fit[k] }
                };
                let mut add = |new: &dyn Fn(usize) -> f64| {
                    let mut policy = log_q.to_vec();
                    for (k, index) in range.clone().enumerate() {
                        policy[index] = math::ln(new(k));
                    }
                    changed.push(rows.log_softmax(&policy));
                };
                if row[choice] < 0.9 {
                    add(&nearly_always);
                }
                if row[choice] > 1e-3 {
                    add(&without);
                }
            }
        }
        changed
    }

    /// To the end with the best policies, and the last steps in log space; the best of them.
    fn finish(&self, task: &Task<'_>, found: &mut Found) -> Option<Point> {
        let close = |points: &[Point], share: f64| {
            let best = points.first().map_or(f64::INFINITY, |best| best.potential);
            let bar = best + share * (1.0 + best.abs());
            points.iter().take_while(|point| point.potential <= bar).cloned().collect::<Vec<_>>()
        };
        // Those that are still on their way may yet change places.
        let settled = self.descend(task, close(&found.best, 1e-3), self.search.settle);
        found.best.extend(settled);
        found.best = select(std::mem::take(&mut found.best), self.search.finalists);
        // One that is worse in plain numbers by more than their error cannot become the best.
        let points = close(&found.best, 1e-7).into_iter().map(|point| self.finished(task, point.log_q));
        let best = points.min_by(|a, b| a.potential.total_cmp(&b.potential))?;
        found.steps += found.best.iter().map(|point| point.steps).sum::<usize>() + best.steps;
        (best.potential < f64::INFINITY).then_some(best)
    }

    fn finished(&self, task: &Task<'_>, log_q: Vec<f64>) -> Point {
        let mut scratch = Scratch::default();
        let tolerance = self.search.tolerance * task.unit;
        let mut point = Point::new(&*task.exact, log_q, &mut scratch);
        point.descend(&*task.exact, &self.graph.rows, self.search.last, tolerance, &mut scratch);
        point
    }

    /// Follows every policy that is known, other tasks' optima among them, from where it is better than an optimum, until
    /// none is.
    fn compare(&self, tasks: &[&Task<'_>], best: &mut [Option<Point>], others: &[Vec<f64>]) {
        for _ in 0..=ROUNDS {
            let optima: Vec<Vec<f64>> = best.iter().flatten().map(|point| point.log_q.clone()).collect();
            let better: Vec<Option<Point>> = tasks
                .par_iter()
                .zip(&*best)
                .map(|(task, best)| {
                    let mut scratch = Scratch::default();
                    let bar = best.as_ref().map_or(f64::INFINITY, |best| best.potential);
                    let policies = others.iter().chain(&optima).filter(|policy| {
                        // Plain numbers leave few to look at in log space.
                        let plain = Point::new(&*task.plain, (*policy).clone(), &mut scratch).potential;
                        plain <= bar + 1e-7 * (1.0 + bar.abs())
                    });
                    let policies: Vec<&Vec<f64>> = policies.collect();
                    let points = policies
                        .into_iter()
                        .map(|policy| Point::new(&*task.exact, policy.clone(), &mut scratch));
                    let first = points.min_by(|a, b| a.potential.total_cmp(&b.potential))?;
                    let is_better =
                        first.potential < bar - rounding(bar) || (best.is_none() && first.potential < bar);
                    is_better.then(|| self.followed(task, first))
                })
                .collect();
            if better.iter().all(Option::is_none) {
                break;
            }
            for (best, better) in best.iter_mut().zip(better) {
                if let Some(better) = better {
                    *best = Some(better);
                }
            }
        }
        debug_assert!(none_is_better(tasks, best, others), "a known policy is better than an optimum");
    }

    /// To the end, in plain numbers and then in log space; never to a worse policy.
    fn followed(&self, task: &Task<'_>, first: Point) -> Point {
        let plain = Point::new(&*task.plain, first.log_q.clone(), &mut Scratch::default());
        let plain = self.descend(task, vec![plain], self.search.settle);
        let points = plain.into_iter().map(|point| self.finished(task, point.log_q));
        let direct = self.finished(task, first.log_q.clone());
        points.chain([direct]).min_by(|a, b| a.potential.total_cmp(&b.potential)).unwrap_or(first)
    }

    fn report(&self, task: &Task<'_>, best: Point, bound: Option<f64>, found: &Found) -> Optimum {
        let value = task.value(&best.log_q, best.potential);
        let tolerance = (self.search.tolerance * task.unit).max(1e-6);
        let at_rest = found.best.iter().filter(|point| point.residual <= tolerance);
        let mut values: Vec<f64> = at_rest.map(|point| task.value(&point.log_q, point.potential)).collect();
        values.retain(|local| local - value > ALIKE * value.abs().max(1e-3));
        values.insert(0, value);
        values.dedup_by(|next, kept| *next - *kept <= ALIKE * kept.abs().max(1e-3));
        Optimum {
            value,
            lower_bound: bound.map(|bound| bound.min(value)),
            residual: best.residual,
            settled: best.at_rest(self.search.tolerance * task.unit),
            starts: found.starts,
            local_optima: values,
            iterations: found.steps,
            parameters: best.log_q,
        }
    }
}

/// Whether no optimum is worse than another policy that is known.
fn none_is_better(tasks: &[&Task<'_>], best: &[Option<Point>], others: &[Vec<f64>]) -> bool {
    let mut scratch = Scratch::default();
    tasks.iter().zip(best).filter_map(|(task, best)| Some((task, best.as_ref()?))).all(|(task, found)| {
        let optima = best.iter().flatten().map(|point| &point.log_q);
        others.iter().chain(optima).all(|policy| {
            let point = Point::new(&*task.exact, policy.clone(), &mut scratch);
            point.potential >= found.potential - 10.0 * rounding(found.potential)
        })
    })
}

/// Policies with what a task's plain numbers say of them.
fn looked_at(task: &Task<'_>, policies: &[Vec<f64>]) -> Vec<Point> {
    let look = |scratch: &mut Scratch, policies| Point::several(&*task.plain, policies, scratch);
    policies.par_chunks(LANES).map_init(Scratch::default, look).flatten().collect()
}

/// The best `keep` points, those left out whose potential is another's.
fn select(mut points: Vec<Point>, keep: usize) -> Vec<Point> {
    points.sort_by(|a, b| a.potential.total_cmp(&b.potential));
    let mut kept: Vec<Point> = Vec::with_capacity(keep);
    for point in points {
        if kept.len() == keep {
            break;
        }
        let alike =
            |other: &Point| point.potential - other.potential <= ALIKE * other.potential.abs().max(1e-3);
        if point.potential < f64::INFINITY && !kept.last().is_some_and(alike) {
            kept.push(point);
        }
    }
    kept
}

/// The first of each of equal policies.
fn distinct(policies: impl Iterator<Item = Vec<f64>>) -> Vec<Vec<f64>> {
    let mut found: Vec<Vec<f64>> = Vec::new();
    for policy in policies {
        if !found.contains(&policy) {
            found.push(policy);
        }
    }
    found
}
