//! Scores of single prompts and seeds, as rliable takes them.

use crate::rates;
use crate::tables::UnknownName;
use pstar_record::number::number;
use pstar_record::{PromptFigures, RunData, Whose, to_json};
use serde_json::{Map, Value, json};

/// A final figure of every prompt (task) and seed (run), as JSON: `{"metric", "tasks": [PROMPT], "policies": {POLICY:
/// {OBJECTIVE: {"seeds": [SEED], "scores": [[SCORE of each task] of each seed]}}}}`, so that
/// `{name: numpy.array(of["scores"]) for name, of in file["policies"]["trigram"].items()}` is what rliable's functions take
/// (Agarwal et al. 2021, *Deep Reinforcement Learning at the Edge of the Statistical Precipice*). Only seeds that have the
/// figure at all prompts.
///
/// # Errors
/// [`UnknownName`] of a figure that prompts do not have.
pub fn scores(data: &RunData, metric: &str) -> Result<String, UnknownName> {
    let ends = || data.prompts.iter().filter(|row| matches!(row.whose, Whose::End { .. }));
    let mut tasks: Vec<&str> = Vec::new();
    for row in ends() {
        if tasks.contains(&&*row.prompt) {
            break;
        }
        tasks.push(&row.prompt);
    }
    let known: Vec<String> = ends().next().map_or(Vec::new(), |row| row.measures.names().collect());
    if !known.iter().any(|name| name == metric) {
        return Err(UnknownName { kind: "figure of single prompts", name: metric.into(), known });
    }
    let with_rates = rates::are_shown(&data.record);
    let rows: Vec<&PromptFigures> = ends().collect();
    let mut policies: Map<String, Value> = Map::new();
    for of_arm in rows.chunk_by(|a, b| a.whose == b.whose) {
        let Whose::End { policy, objective, learning_rate, seed } = &of_arm[0].whose else { continue };
        let score = |task: &&str| {
            let row = of_arm.iter().find(|row| row.prompt == *task)?;
            row.measures.named(metric)
        };
        let Some(scores) = tasks.iter().map(score).collect::<Option<Vec<f64>>>() else { continue };
        let rate = if with_rates { rates::suffix(*learning_rate) } else { String::new() };
        let objectives = policies.entry(policy.clone()).or_insert_with(|| json!({}));
        let name = format!("{objective}{rate}");
        if objectives.get(&name).is_none() {
            objectives[&name] = json!({"seeds": [], "scores": []});
        }
        let own = &mut objectives[&name];
        if let Some(seeds) = own["seeds"].as_array_mut() {
            seeds.push((*seed).into());
        }
        if let Some(all) = own["scores"].as_array_mut() {
            all.push(scores.into_iter().map(|score| number(Some(score))).collect());
        }
    }
    Ok(to_json(&json!({"metric": metric, "tasks": tasks, "policies": policies})))
}
