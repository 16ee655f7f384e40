//! The tables that `host exact --kappa` prints.

use crate::number::significant;
use crate::table::aligned;
use crate::wrap::wrapped;
use pstar_core::shown;
use pstar_record::{KappaRecord, ObjectiveKappa};

/// What the figures are.
const NOTE: &str = "κ(V): on-policy the expected gradient of a prompt is κ(V) times that of its validity rate V, so that for one \
     prompt all of these climb the same path; w(V): the same factor of what the objective claims to follow, up to a factor that \
     all prompts share; – where coefficients depend on more than rewards and the number of right answers";

/// What stands for an objective that claims nothing.
const NO_CLAIM: &str = "no claim";

/// Of every objective a row of κ, of the weight that it claims and of their ratio, a column a validity rate; then the cosines
/// at the policies' start, and why some have no κ.
pub fn kappa_table(record: &KappaRecord, room: Option<usize>) -> String {
    let titles = ["objective", "group", "claims", ""].map(String::from);
    let rates = record.validity_rates.iter().map(|rate| format!("V={rate}"));
    let header: Vec<String> = titles.into_iter().chain(rates).collect();
    let width = record.validity_rates.len();
    let rows: Vec<Vec<String>> =
        record.objectives.iter().flat_map(|objective| rows_of(objective, width)).collect();
    let mut parts = vec![aligned(&header, &rows, room), wrapped(NOTE, room)];
    parts.extend(cosines(record, room));
    parts.extend(reasons(record).map(|reason| wrapped(&reason, room)));
    let parts: Vec<&str> = parts.iter().map(|part| part.trim_end_matches('\n')).collect();
    parts.join("\n") + "\n"
}

/// The rows of an objective.
fn rows_of(objective: &ObjectiveKappa, width: usize) -> Vec<Vec<String>> {
    let group = objective.group.map_or("–".into(), |group| group.to_string());
    let claim = objective.claim.clone().unwrap_or_else(|| NO_CLAIM.into());
    let row = |cells: [String; 3], name: &str, values: Vec<Option<f64>>| {
        let value = |i: usize| values.get(i).map_or("–".into(), |value| significant(*value));
        cells.into_iter().chain([name.into()]).chain((0..width).map(value)).collect::<Vec<String>>()
    };
    let some = |values: &[f64]| values.iter().copied().map(Some).collect::<Vec<_>>();
    let mut rows = vec![row([objective.objective.clone(), group, claim], "κ", some(&objective.kappa))];
    if !objective.ratio.is_empty() {
        let none = || [const { String::new() }; 3];
        rows.push(row(none(), "w", some(&objective.claimed)));
        rows.push(row(none(), "κ/w", objective.ratio.iter().map(|ratio| ratio.0).collect()));
    }
    rows
}

/// The table of cosines, a column a policy, below what they are.
fn cosines(record: &KappaRecord, room: Option<usize>) -> Option<String> {
    let with_cosines = || record.objectives.iter().filter(|objective| !objective.cosines.is_empty());
    let first = with_cosines().next()?;
    let policies = first.cosines.iter().map(|of| of.policy.clone());
    let header: Vec<String> = ["objective".into(), "claims".into()].into_iter().chain(policies).collect();
    let rows: Vec<Vec<String>> = with_cosines()
        .map(|objective| {
            let claim = objective.claim.clone().unwrap_or_else(|| NO_CLAIM.into());
            let values = objective.cosines.iter().map(|of| of.cosine.map_or("–".into(), decimals));
            [objective.objective.clone(), claim].into_iter().chain(values).collect()
        })
        .collect();
    let prompts = match record.prompts {
        1 => "the prompt".into(),
        prompts => format!("{prompts} prompts"),
    };
    let title = format!(
        "cosine of the expected gradient to the claimed one, over {prompts} at each policy's start: 1 where prompts are weighted \
         as claimed"
    );
    Some(format!("\n{}\n{}", wrapped(&title, room), aligned(&header, &rows, room)))
}

/// A cosine, and how far it is from 1 where six decimals do not tell.
fn decimals(cosine: f64) -> String {
    let rest = 1.0 - cosine;
    if rest > 1e-12 && rest < 5e-7 { format!("1 − {rest:.0e}") } else { format!("{cosine:.6}") }
}

/// Why some objectives have no κ, and some policies no cosines.
fn reasons(record: &KappaRecord) -> impl Iterator<Item = String> + '_ {
    let without =
        record.objectives.iter().filter(|objective| !objective.because.is_empty()).map(|objective| {
            let parts: Vec<String> =
                objective.because.iter().map(|part| format!("`{}`", shown(part))).collect();
            format!("{}: no κ because of {}", shown(&objective.objective), parts.join(", "))
        });
    without.chain(record.without_cosines.iter().map(|reason| format!("no cosines: {reason}")))
}
