//! Policies within the base's reach, where KL(q‖p_\[β\]) is finite: which choices may have probability at all.
//!
//! A choice that leads out of the base's support somewhere must go, or what leads to that place. Which of them to keep
//! is a matter of taste that decides between local optima: every set of choices that is worth keeping is tried.

use crate::dynamic::occupancy::{Behind, PromptProblem, RowSet, Step};

use super::starts::likeliest;

/// Single choices that are kept at most, one at a time, for each of the outputs.
const SINGLES: usize = 6;

/// The policies that `wish` becomes without the choices that lead out of the base's support, `wish` itself where none
/// does: one without regard to what goes, and if `outputs` is not 0 one for each set of choices that is worth keeping,
/// as those of so many of the likeliest valid outputs are.
pub(super) fn within_base(
    problems: &[PromptProblem<'_>],
    rows: &RowSet,
    wish: &[f64],
    outputs: usize,
) -> Vec<Vec<f64>> {
    let all: Vec<bool> = wish.iter().map(|&log| log > f64::NEG_INFINITY).collect();
    let plain = reduce(problems, all.clone(), &vec![false; wish.len()]);
    if plain.as_ref() == Some(&all) {
        return vec![wish.to_vec()];
    }
    let mut sets: Vec<Vec<bool>> = plain.into_iter().collect();
    if outputs > 0 {
        for kept in worth_keeping(problems, wish, outputs) {
            sets.extend(reduce(problems, all.clone(), &kept).filter(|set| !sets.contains(set)));
        }
    }
    sets.into_iter().filter_map(|set| restricted(problems, rows, wish, &set)).collect()
}

/// What `wish` becomes where these choices are kept and all others that lead out of the base's support go; `None` where
/// that cannot be.
pub(super) fn keeping(
    problems: &[PromptProblem<'_>],
    rows: &RowSet,
    wish: &[f64],
    kept: &[bool],
) -> Option<Vec<f64>> {
    let all = wish.iter().map(|&log| log > f64::NEG_INFINITY).collect();
    let set = reduce(problems, all, kept)?;
    restricted(problems, rows, wish, &set)
}

/// As many more choices, tried in this order, as leave the set within the base's support.
pub(super) fn enlarged(
    problems: &[PromptProblem<'_>],
    mut allowed: Vec<bool>,
    order: impl Iterator<Item = usize>,
) -> Vec<bool> {
    let nothing = vec![false; allowed.len()];
    let stays = |set: &[bool]| {
        problems.iter().all(|problem| {
            leading_out(problem, set, &nothing).is_some_and(|leading| leading.iter().all(Vec::is_empty))
        })
    };
    for choice in order {
        if !std::mem::replace(&mut allowed[choice], true) && !stays(&allowed) {
            allowed[choice] = false;
        }
    }
    allowed
}

/// The choices of the likeliest valid outputs, and those that lead out of the base's support somewhere, one by one.
fn worth_keeping(problems: &[PromptProblem<'_>], wish: &[f64], outputs: usize) -> Vec<Vec<bool>> {
    let paths: Vec<Vec<Vec<usize>>> =
        problems.iter().map(|problem| likeliest(problem, wish, outputs)).collect();
    let mut sets: Vec<Vec<bool>> = Vec::new();
    for rank in 0..outputs {
        let mut kept = vec![false; wish.len()];
        let of_rank = paths.iter().filter_map(|paths| paths.get(rank)).flatten();
        of_rank.for_each(|&choice| kept[choice] = true);
        sets.push(kept);
    }
    let all: Vec<bool> = wish.iter().map(|&log| log > f64::NEG_INFINITY).collect();
    let nothing = vec![false; wish.len()];
    let leading = problems.iter().filter_map(|problem| leading_out(problem, &all, &nothing));
    let mut leading: Vec<usize> = leading.flatten().flatten().collect();
    leading.sort_unstable();
    leading.dedup();
    for choice in leading.into_iter().take(SINGLES * outputs) {
        let mut kept = nothing.clone();
        kept[choice] = true;
        sets.push(kept);
    }
    sets
}

/// Takes choices away until none leads out of the base's support, `kept` ones never; `None` if that cannot be.
///
/// Those of the earliest position go first: what is taken there may make the others harmless.
fn reduce(problems: &[PromptProblem<'_>], mut allowed: Vec<bool>, kept: &[bool]) -> Option<Vec<bool>> {
    loop {
        let mut gone = Vec::new();
        for problem in problems {
            let leading = leading_out(problem, &allowed, kept)?;
            gone.extend(leading.into_iter().find(|of_position| !of_position.is_empty()).unwrap_or_default());
        }
        if gone.is_empty() {
            return Some(allowed);
        }
        for choice in gone {
            allowed[choice] = false;
        }
    }
}

/// Position by position the allowed choices that lead out of the base's support, or to where a kept choice does or none
/// is allowed; `None` if the start is such a place.
fn leading_out(problem: &PromptProblem<'_>, allowed: &[bool], kept: &[bool]) -> Option<Vec<Vec<usize>>> {
    let nodes = reached(problem, allowed);
    let log_q = vec![0.0; allowed.len()];
    let mut leading = vec![Vec::new(); nodes.len()];
    let mut lost_behind: Vec<bool> = Vec::new();
    for (position, here) in nodes.iter().enumerate().rev() {
        let mut lost = vec![false; here.len()];
        for node in (0..here.len()).filter(|&node| here[node]) {
            let steps = problem.steps(&log_q, position, node).filter(|step| allowed[step.index]);
            let (mut allowed_here, mut kept_out) = (0, false);
            for step in steps {
                allowed_here += 1;
                let leads_out =
                    step.log_a == f64::NEG_INFINITY || next_node(&step).is_some_and(|next| lost_behind[next]);
                if leads_out && kept[step.index] {
                    kept_out = true;
                } else if leads_out {
                    leading[position].push(step.index);
                }
            }
            lost[node] = kept_out || allowed_here == 0;
        }
        lost_behind = lost;
    }
    (!lost_behind[0]).then_some(leading)
}

/// Position by position, the nodes that allowed choices reach.
fn reached(problem: &PromptProblem<'_>, allowed: &[bool]) -> Vec<Vec<bool>> {
    let log_q = vec![0.0; allowed.len()];
    let mut here = vec![true];
    let mut all = Vec::new();
    for (position, layer) in problem.product.layers().iter().enumerate() {
        let mut next = vec![false; layer.next_nodes];
        for node in (0..here.len()).filter(|&node| here[node]) {
            let steps = problem.steps(&log_q, position, node).filter(|step| allowed[step.index]);
            steps.filter_map(|step| next_node(&step)).for_each(|node| next[node] = true);
        }
        all.push(std::mem::replace(&mut here, next));
    }
    all
}

fn next_node(step: &Step) -> Option<usize> {
    match step.behind {
        Behind::Node(node) => Some(node),
        Behind::End(_) => None,
    }
}

/// `wish` without the other choices; `None` if a row in use has none left.
pub(super) fn restricted(
    problems: &[PromptProblem<'_>],
    rows: &RowSet,
    wish: &[f64],
    allowed: &[bool],
) -> Option<Vec<f64>> {
    let keep = |(&log, &allowed): (&f64, &bool)| if allowed { log } else { f64::NEG_INFINITY };
    let mut log_q = rows.log_softmax(&wish.iter().zip(allowed).map(keep).collect::<Vec<_>>());
    for problem in problems {
        for (position, nodes) in reached(problem, allowed).iter().enumerate() {
            for node in (0..nodes.len()).filter(|&node| nodes[node]) {
                if problem.steps(&log_q, position, node).all(|step| step.log_q == f64::NEG_INFINITY) {
                    return None;
                }
            }
        }
    }
    // Rows that are out of use stay as they were.
    for range in rows.ranges().filter(|range| !allowed[range.clone()].contains(&true)) {
        log_q[range.clone()].copy_from_slice(&wish[range]);
    }
    Some(log_q)
}
