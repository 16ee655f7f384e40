//! What a run found at single prompts: the files `prompts.csv` and `outputs.json`.

use crate::conduct::READ_AT_ONCE;
use crate::directory::RunDirectory;
use crate::files::Unwritable;
use crate::store::Store;
use pstar_lab::run::Prepared;
use pstar_record::{
    ArmPrompts, ArmRecord, ArmStatus, LikelyOutputs, Measures, PromptOutputs, RunRecord, Whose,
};
use rayon::prelude::*;
use std::collections::{HashMap, HashSet, VecDeque};

/// About how many figures of trained policies are written at most, of 60 bytes each. Where seeds have more, those of the
/// first ones are: at least of one for each policy, objective and learning rate. The arms' own folders have all.
const MOST_FIGURES: usize = 4_000_000;

/// A row of the table: a policy under an objective at a learning rate.
type RowKey<'a> = (&'a str, &'a str, u64);

/// Writes both files.
pub(crate) fn write_prompts(
    prepared: &Prepared<'_>,
    directory: &RunDirectory,
    store: &Store,
    record: &RunRecord,
) -> Result<(), Unwritable> {
    let world = &prepared.experiment.world;
    let texts = &world.prompt_texts;
    let with_rate = prepared.experiment.plan.has_several_rates();
    let mut outputs = of_references(prepared);
    let rows: HashSet<RowKey<'_>> = record.arms.iter().map(key).collect();
    let figures = texts.len() * (3 + 2 * world.evaluation.k.len()) * rows.len();
    let most_seeds = (MOST_FIGURES / figures.max(1)).max(1);
    let figures = directory.write_prompts(with_rate, &mut |csv| {
        for (name, rows) in prepared.truth.prompts(world) {
            let known = texts.iter().zip(&rows).filter_map(|(text, row)| Some((&**text, row.as_ref()?)));
            csv.rows(&Whose::Reference(name), known)?;
        }
        let mut starts: HashMap<&str, Starts> = HashMap::new();
        let mut seeds: HashMap<RowKey<'_>, usize> = HashMap::new();
        let mut shown: HashSet<RowKey<'_>> = HashSet::new();
        let mut kept: VecDeque<Option<ArmPrompts>> = VecDeque::new();
        for (i, arm) in record.arms.iter().enumerate() {
            if kept.is_empty() {
                let is_shown = |arm: &ArmRecord| seeds.get(&key(arm)).is_none_or(|seeds| *seeds < most_seeds);
                // What is kept is not in memory.
                let read = |arm: &ArmRecord| {
                    (arm.prompts.is_empty() && is_shown(arm))
                        .then(|| store.arm(&arm.id).prompts().unwrap_or_default())
                };
                let last = record.arms.len().min(i + READ_AT_ONCE);
                kept = record.arms[i..last].par_iter().map(read).collect::<Vec<_>>().into();
            }
            let kept = kept.pop_front().flatten();
            let seeds = seeds.entry(key(arm)).or_default();
            if *seeds >= most_seeds {
                continue;
            }
            let prompts = kept.as_ref().unwrap_or(&arm.prompts);
            let ArmPrompts { start, end, outputs: likely } = prompts;
            if starts.entry(&arm.policy).or_default().is_new(arm.seed, start) {
                let whose = Whose::Start { policy: arm.policy.clone(), seed: arm.seed };
                csv.rows(&whose, texts.iter().map(String::as_str).zip(start))?;
            }
            let whose = Whose::End {
                policy: arm.policy.clone(),
                objective: arm.objective.clone(),
                learning_rate: arm.learning_rate,
                seed: arm.seed,
            };
            csv.rows(&whose, texts.iter().map(String::as_str).zip(end))?;
            if arm.status == ArmStatus::Complete && !likely.is_empty() && shown.insert(key(arm)) {
                outputs.extend(named(&whose, texts, likely.iter().cloned().map(Some)));
            }
            *seeds += usize::from(!prompts.is_empty());
        }
        Ok(())
    });
    figures.and(directory.write_outputs(&outputs))
}

fn key(arm: &ArmRecord) -> RowKey<'_> {
    (&arm.policy, &arm.objective, arm.learning_rate.to_bits())
}

/// The figures of a policy's starts that were written.
#[derive(Default)]
struct Starts {
    seeds: HashSet<u64>,
    first: Vec<Measures>,
}

impl Starts {
    /// Whether the figures of a seed's start have not been written, and are not those of the first that was.
    fn is_new(&mut self, seed: u64, figures: &[Measures]) -> bool {
        if figures.is_empty() || !self.seeds.insert(seed) {
            return false;
        }
        if self.seeds.len() == 1 {
            self.first = figures.to_vec();
            return true;
        }
        self.first != figures
    }
}

/// The most probable outputs of what policies are compared with.
fn of_references(prepared: &Prepared<'_>) -> Vec<LikelyOutputs> {
    let world = &prepared.experiment.world;
    // The base was asked the same before; should it fail now, nothing else hangs on it.
    let rows = prepared.truth.likely(world).unwrap_or_default();
    let of_row = |(name, rows): (String, Vec<Option<PromptOutputs>>)| {
        named(&Whose::Reference(name), &world.prompt_texts, rows.into_iter()).collect::<Vec<_>>()
    };
    rows.into_iter().flat_map(of_row).collect()
}

fn named<'a>(
    whose: &'a Whose,
    prompts: &'a [String],
    rows: impl Iterator<Item = Option<PromptOutputs>> + 'a,
) -> impl Iterator<Item = LikelyOutputs> + 'a {
    prompts.iter().zip(rows).filter_map(|(prompt, row)| {
        let PromptOutputs { exact, outputs } = row?;
        Some(LikelyOutputs { whose: whose.clone(), prompt: prompt.clone(), exact, outputs })
    })
}
