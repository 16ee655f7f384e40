//! The tables that `host exact` prints.

use crate::number::figure;
use crate::table::aligned;
use crate::wrap::wrapped;
use pstar_core::shown;
use pstar_record::{ExactRecord, Measures, PromptRecord};

/// One table a prompt: the base, p*, the tilted distributions, the power-filtered targets and the policies; columns are left out where lines would
/// be longer than `room`.
pub fn exact_table(record: &ExactRecord, room: Option<usize>) -> String {
    record.prompts.iter().map(|prompt| prompt_table(prompt, room)).collect::<Vec<_>>().join("\n")
}

/// A count, rounded where it has many digits.
fn count(digits: &str) -> String {
    match digits.len() {
        0..=15 => digits.into(),
        length => {
            // Of one digit before the point, to two behind it.
            let leading: f64 = format!("{}.{}", &digits[..1], &digits[1..15]).parse().unwrap_or(1.0);
            let rounded = format!("{leading:.2}");
            match rounded.strip_prefix("10.") {
                Some(rest) => format!("about 1.{rest}e{length}"),
                None => format!("about {rounded}e{}", length - 1),
            }
        }
    }
}

/// A number as people write it, by powers of ten where it would be long.
fn short(x: f64) -> String {
    if x == 0.0 || (1e-5..1e6).contains(&x) { x.to_string() } else { format!("{x:e}") }
}

fn prompt_table(prompt: &PromptRecord, room: Option<usize>) -> String {
    let last = |name: &str| {
        let prefix = format!("{name}@");
        let mut names = prompt.base.flat().map(|(name, _)| name).filter(|name| name.starts_with(&prefix));
        names.by_ref().last()
    };
    let mut columns: Vec<(String, String)> = [
        ("validity", "validity_rate"),
        ("entropy", "entropy"),
        ("exp H", "effective_number"),
        ("top-1", "top1"),
        ("KL(q‖a)", "kl_to_base"),
        ("KL(p*‖q)", "kl_from_filtered"),
    ]
    .map(|(title, metric)| (title.into(), metric.into()))
    .to_vec();
    columns.extend(last("coverage").map(|name| (name.clone(), name)));
    let row = |name: String, measures: &Measures| {
        std::iter::once(name).chain(columns.iter().map(|(_, metric)| figure(measures, metric))).collect()
    };
    let mut rows: Vec<Vec<String>> = vec![row("base a".into(), &prompt.base)];
    rows.extend(prompt.filtered.as_ref().map(|filtered| row("p* (filtered)".into(), filtered)));
    for tilted in &prompt.tilted {
        let beta = tilted.get("beta").map_or(String::new(), short);
        rows.push(row(format!("p_[β={beta}] (tilted)"), tilted));
    }
    for raised in &prompt.powers {
        let power = raised.get("power").map_or(String::new(), short);
        rows.push(row(format!("p_(α={power}) (power)"), raised));
    }
    rows.extend(prompt.policies.iter().map(|(name, measures)| row(name.clone(), measures)));
    let header: Vec<String> =
        std::iter::once(String::new()).chain(columns.iter().map(|(title, _)| title.clone())).collect();
    let absent = if prompt.filtered.is_none() { ": p* does not exist" } else { "" };
    let title = format!(
        "prompt `{}`: {} outputs, {} valid, {} of them within the base's reach{absent}",
        shown(&prompt.prompt),
        count(&prompt.outputs),
        count(&prompt.valid_outputs),
        count(&prompt.valid_support),
    );
    format!("{}\n{}\n", wrapped(&title, room), aligned(&header, &rows, room))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_counts_are_rounded() {
        assert_eq!(count("123456789012345"), "123456789012345");
        // 2^1100 begins with 13582985290493858.
        assert_eq!(count(&format!("13582985290493858{}", "0".repeat(315))), "about 1.36e331");
        assert_eq!(count("9996000000000000"), "about 1.00e16");
    }
}
