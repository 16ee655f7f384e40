//! Explicit tables.

use crate::config::Table;
use crate::contexts::{Contexts, sorted, to_index};
use pstar_core::{PluginError, Task, math, shown};

/// How far the sum of a row may be from 1.
const TOLERANCE: f64 = 1e-9;

/// The logits of explicit tables, one a position or one for all.
pub(crate) fn logits(
    field: &str,
    tables: &[Table],
    contexts: &Contexts,
    task: &Task,
) -> Result<Vec<f64>, PluginError> {
    let mut logits = Vec::with_capacity(tables.len() * contexts.count() * task.choices());
    let layers = contexts.reachable(task);
    for (position, table) in tables.iter().enumerate() {
        let dependent = tables.len() > 1;
        let place = if dependent { format!("table {} of ", position + 1) } else { String::new() };
        let needed = if dependent { layers[position].clone() } else { sorted(layers.concat()) };
        logits.extend(
            table_logits(table, &needed, contexts, task)
                .map_err(|message| PluginError::config(field, format!("{place}`{field}`: {message}")))?,
        );
    }
    Ok(logits)
}

/// The logits of one table, which must have a row for each context of `needed`.
fn table_logits(table: &Table, needed: &[u64], contexts: &Contexts, task: &Task) -> Result<Vec<f64>, String> {
    let choices = task.choices();
    let mut logits = vec![0.0; contexts.count() * choices];
    let mut given = vec![false; contexts.count()];
    for (key, row) in table.iter() {
        let context = to_index(contexts.index(&read_context(key, contexts.length(), task)?));
        check_row(key, row, choices)?;
        if std::mem::replace(&mut given[context], true) {
            return Err(format!("context `{}` is given twice", shown(key)));
        }
        let sum: f64 = row.iter().sum();
        for (logit, p) in logits[context * choices..].iter_mut().zip(row) {
            *logit = math::ln(p / sum);
        }
    }
    let missing: Vec<String> = needed
        .iter()
        .filter(|&&context| !given[to_index(context)])
        .map(|&context| format!("`{}`", shown(&task.alphabet.context_text(&contexts.tokens(context)))))
        .collect();
    if missing.is_empty() {
        return Ok(logits);
    }
    let shown = missing.iter().take(5).cloned().collect::<Vec<_>>().join(", ");
    let more = if missing.len() > 5 { format!(" and {} more", missing.len() - 5) } else { String::new() };
    Err(format!("there is no row for context {shown}{more}"))
}

/// The tokens of a context: exactly n−1, `^` for the start.
fn read_context(key: &str, length: usize, task: &Task) -> Result<Vec<u32>, String> {
    let tokens = task.alphabet.read_context(key).map_err(|error| error.to_string())?;
    if tokens.len() == length {
        return Ok(tokens);
    }
    Err(format!(
        "context `{}` must have {length} symbols (one less than the order), found {}",
        shown(key),
        tokens.len()
    ))
}

fn check_row(key: &str, row: &[f64], choices: usize) -> Result<(), String> {
    let key = shown(key);
    if row.len() != choices {
        return Err(format!("row `{key}` must have {choices} probabilities, found {}", row.len()));
    }
    if let Some(p) = row.iter().find(|p| !p.is_finite() || **p < 0.0) {
        return Err(format!("row `{key}` holds `{p}`, expected a probability"));
    }
    let sum: f64 = row.iter().sum();
    if (sum - 1.0).abs() > TOLERANCE {
        let (off, direction) = ((sum - 1.0).abs(), if sum > 1.0 { "too much" } else { "too little" });
        return Err(format!("row `{key}` must sum to 1, found {sum} ({off:.3e} {direction})"));
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use pstar_core::data::{Alphabet, Ending};

    pub(crate) fn task(symbols: &str, prompt_symbols: &str, horizon: usize) -> Task {
        Task::new(Alphabet::of_chars(symbols, prompt_symbols).unwrap(), horizon, Ending::EndSymbol)
            .with_prompts(vec![Vec::new()])
            .in_directory("")
    }

    fn read(rows: &[(&str, &[f64])]) -> Result<Vec<f64>, String> {
        let task = task("ab", "", 3);
        let table = rows.iter().map(|(key, row)| ((*key).into(), row.to_vec())).collect();
        let contexts = Contexts::new(2, &task, 1).unwrap();
        let needed = sorted(contexts.reachable(&task).concat());
        table_logits(&table, &needed, &contexts, &task)
    }

    const HALF: &[f64] = &[0.5, 0.25, 0.25];

    #[test]
    fn rows_become_log_probabilities() {
        let logits = read(&[("^", &[0.5, 0.5, 0.0]), ("a", HALF), ("b", HALF)]).unwrap();
        assert_eq!(logits[6..], [0.5f64.ln(), 0.5f64.ln(), f64::NEG_INFINITY]);
    }

    #[test]
    fn faults_are_named() {
        let fault = |rows: &[(&str, &[f64])]| read(rows).unwrap_err();
        assert_eq!(fault(&[("^", HALF), ("a", HALF)]), "there is no row for context `b`");
        let off = fault(&[("^", &[0.5, 0.25, 0.26]), ("a", HALF), ("b", HALF)]);
        assert_eq!(off, "row `^` must sum to 1, found 1.01 (1.000e-2 too much)");
        assert_eq!(fault(&[("^", &[1.0])]), "row `^` must have 3 probabilities, found 1");
        assert_eq!(fault(&[("^", &[f64::NAN, 0.5, 0.5])]), "row `^` holds `NaN`, expected a probability");
        assert_eq!(
            fault(&[("ab", HALF)]),
            "context `ab` must have 1 symbols (one less than the order), found 2"
        );
    }
}
