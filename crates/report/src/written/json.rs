//! JSON: a row a row of the tables, all digits.

use super::{Numbers, numbers};
use crate::tables::{Cell, RunTables};
use pstar_record::number::number;
use pstar_record::to_json;
use serde_json::{Map, Value, json as value};

/// The tables of a run as JSON: `{"title", "rows": [{"kind", "policy", "name", …, "figures": {METRIC: {"value", "low",
/// "high", …}}}], "sentences", "notes"}`. What does not exist is absent, infinite is `"inf"`.
pub(super) fn json(tables: &RunTables) -> String {
    let sentences = tables
        .policies
        .iter()
        .filter_map(|policy| Some((policy.policy.clone(), Value::from(policy.sentence.clone()?))));
    to_json(&value!({
        "title": tables.title,
        "sentences": sentences.collect::<Map<String, Value>>(),
        "rows": numbers(tables).iter().map(row).collect::<Vec<Value>>(),
        "notes": tables.notes,
    }))
}

fn row(numbers: &Numbers<'_>) -> Value {
    let mut row = Map::new();
    row.insert("kind".into(), numbers.kind.into());
    for (key, text) in [("policy", numbers.policy), ("name", numbers.name)] {
        if !text.is_empty() {
            row.insert(key.into(), text.into());
        }
    }
    row.extend(numbers.learning_rate.map(|rate| ("learning_rate".into(), number(Some(rate)))));
    row.extend(numbers.seeds.map(|seeds| ("seeds".into(), seeds.into())));
    row.extend(numbers.verdict.map(|word| ("verdict".into(), word.into())));
    let figures = numbers.cells.iter().map(|(column, cell)| (column.metric.clone(), figure(cell)));
    row.insert("figures".into(), Value::Object(figures.collect()));
    Value::Object(row)
}

fn figure(cell: &Cell) -> Value {
    let parts = [
        ("value", cell.value),
        ("low", cell.low),
        ("high", cell.high),
        ("std_error", cell.std_error),
        ("p_value", cell.p_value),
    ];
    let parts = parts.into_iter().filter(|(_, part)| part.is_some());
    Value::Object(parts.map(|(key, part)| (key.to_string(), number(part))).collect())
}
