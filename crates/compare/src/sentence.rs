//! Verdicts as sentences.

use crate::digits::{percent, percents, with_interval};
use pstar_record::{COLLAPSE, Verdict, VerdictRow, Word};

/// Names that a sentence lists at most, before it counts.
const NAMES: usize = 8;

/// From worst to best.
const ORDER: [Word; 5] = [Word::Collapses, Word::Undecided, Word::Loses, Word::Trades, Word::Keeps];

/// The objectives of a policy class that have the same word.
#[derive(Clone, Debug, PartialEq)]
pub struct Clause {
    /// The word.
    pub word: Word,
    /// The objectives' places among the verdict's rows.
    pub rows: Vec<usize>,
    /// What they do, with a verb for their number: `collapse`, `keeps the base's coverage`.
    pub predicate: String,
    /// At what validity: `3.0 to 35 %`.
    pub validity: String,
}

/// The words of a policy class from worst to best, each with its objectives.
pub fn clauses(verdict: &Verdict) -> Vec<Clause> {
    let of_word = |word: Word| {
        let rows: Vec<usize> =
            (0..verdict.rows.len()).filter(|&i| verdict.rows[i].word == Some(word)).collect();
        let rates = || rows.iter().filter_map(|&i| Some(verdict.rows[i].validity_rate?.mean));
        let (least, greatest) = (rates().reduce(f64::min)?, rates().reduce(f64::max)?);
        let predicate = predicate(word, rows.len() == 1, verdict);
        Some(Clause { word, rows, predicate, validity: percents(least, greatest) })
    };
    ORDER.into_iter().filter_map(of_word).collect()
}

fn predicate(word: Word, single: bool, verdict: &Verdict) -> String {
    let s = if single { "s" } else { "" };
    match word {
        Word::Collapses => format!("collapse{s}"),
        Word::Undecided => format!("{} undecided", if single { "is" } else { "are" }),
        Word::Loses => format!("lose{s} coverage"),
        Word::Trades => format!("trade{s} coverage for validity"),
        Word::Keeps if verdict.starts_as_base || verdict.start == verdict.base => {
            format!("keep{s} the base's coverage")
        }
        Word::Keeps => format!("keep{s} {} start's coverage", if single { "its" } else { "their" }),
    }
}

/// The sentence of a policy class, without its name: `reinforce collapses at 81 % validity; …`.
pub fn sentence(verdict: &Verdict) -> String {
    sentence_with(verdict, &|name| name.to_string())
}

/// The same with the objectives' names written as `written` says.
pub fn sentence_with(verdict: &Verdict, written: &dyn Fn(&str) -> String) -> String {
    let name = |row: &usize| {
        let row = &verdict.rows[*row];
        let rate = row.learning_rate.map_or(String::new(), |rate| format!(" · rate {rate:?}"));
        let name = format!("{}{rate}", written(&row.objective));
        // Its comma would part it from itself.
        if name.contains(", ") || name.contains(" and ") { format!("`{name}`") } else { name }
    };
    let mut parts: Vec<String> = clauses(verdict)
        .iter()
        .map(|clause| {
            let names = listed(&clause.rows.iter().map(name).collect::<Vec<_>>());
            format!("{names} {} at {} validity", clause.predicate, clause.validity)
        })
        .collect();
    let without: Vec<usize> = (0..verdict.rows.len()).filter(|&i| verdict.rows[i].word.is_none()).collect();
    if !without.is_empty() {
        let names = listed(&without.iter().map(name).collect::<Vec<_>>());
        parts.push(format!("{names} {} no verdict", if without.len() == 1 { "has" } else { "have" }));
    }
    if parts.is_empty() {
        return "no objective was trained".into();
    }
    let (whose, standing) = if verdict.starts_as_base || verdict.start == verdict.base {
        ("base", verdict.base)
    } else {
        ("start", verdict.start)
    };
    let rate = percents(standing.validity_rate, standing.validity_rate);
    format!("{} ({whose}: {rate})", parts.join("; "))
}

fn listed(names: &[String]) -> String {
    if names.len() > NAMES + 1 {
        return format!("{} and {} others", names[..NAMES].join(", "), names.len() - NAMES);
    }
    match names.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
}

/// The sentence of one objective: its word and what that was read from.
pub(crate) fn row_sentence(row: &VerdictRow, metric: &str) -> String {
    let (Some(word), Some(coverage), Some(validity)) = (row.word, &row.coverage, &row.validity_rate) else {
        return match row.seeds {
            0 => "no verdict: no arm completed".into(),
            _ => "no verdict: coverage or validity cannot be had".into(),
        };
    };
    let k = metric.rsplit('@').next().unwrap_or_default();
    format!(
        "{}: {} distinct valid outputs in {k} samples; {} valid",
        said(word),
        with_interval(coverage, 1),
        percent(validity, 1)
    )
}

fn said(word: Word) -> &'static str {
    match word {
        Word::Collapses => "collapses",
        Word::Undecided => "undecided",
        Word::Trades => "trades coverage for validity",
        Word::Loses => "loses coverage",
        Word::Keeps => "keeps coverage",
    }
}

/// The rule of the words, for the foot of a table.
pub fn rule(verdict: &Verdict) -> String {
    let k = verdict.metric.rsplit('@').next().unwrap_or_default();
    format!(
        "{}, the expected number of distinct valid outputs among {k} samples, against the class's start where that is a copy \
         or fit of the base, else against the base: keeps reaches it; trades is below, with more validity; loses is below \
         without; collapses is below {COLLAPSE} of it (a convention); undecided may be either side of that",
        verdict.metric
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use pstar_record::{Spread, Standing};

    fn row(objective: &str, word: Option<Word>, rate: f64) -> VerdictRow {
        let spread = |mean: f64| Spread { mean, low: Some(mean * 0.9), high: Some(mean * 1.1) };
        VerdictRow {
            objective: objective.into(),
            learning_rate: None,
            word,
            sentence: String::new(),
            coverage: word.map(|_| spread(2.0)),
            validity_rate: word.map(|_| spread(rate)),
            seeds: 5,
        }
    }

    fn verdict(rows: Vec<VerdictRow>, starts_as_base: bool) -> Verdict {
        let start = Standing { coverage: if starts_as_base { 4.0 } else { 3.0 }, validity_rate: 0.018 };
        let base = Standing { coverage: 4.0, validity_rate: 0.0237 };
        let (policy, metric) = ("p".into(), "coverage@256".into());
        Verdict { policy, sentence: String::new(), metric, starts_as_base, start, base, rows }
    }

    #[test]
    fn from_worst_to_best_with_verbs_for_their_number() {
        let rows = || {
            vec![
                row("a", Some(Word::Keeps), 0.03),
                row("b, c", Some(Word::Collapses), 0.81),
                row("d", Some(Word::Keeps), 0.3504),
                row("e", Some(Word::Trades), 0.6),
                row("f", None, 0.0),
            ]
        };
        assert_eq!(
            sentence(&verdict(rows(), true)),
            "`b, c` collapses at 81 % validity; e trades coverage for validity at 60 % validity; \
             a and d keep the base's coverage at 3.0 to 35 % validity; f has no verdict (base: 2.4 %)"
        );
        let own = sentence(&verdict(rows(), false));
        assert!(own.contains("keep their start's coverage") && own.ends_with("(start: 1.8 %)"), "{own}");
        assert_eq!(sentence(&verdict(Vec::new(), true)), "no objective was trained");
    }

    #[test]
    fn many_names_are_counted() {
        let rows = (0..79).map(|i| row(&format!("o{i}"), Some(Word::Keeps), 0.5)).collect();
        let told = sentence(&verdict(rows, true));
        assert!(told.starts_with("o0, o1, o2, o3, o4, o5, o6, o7 and 71 others keep the base's"), "{told}");
    }

    #[test]
    fn an_objective_in_a_sentence() {
        let told = row_sentence(&row("a", Some(Word::Trades), 0.5), "coverage@256");
        assert_eq!(
            told,
            "trades coverage for validity: 2.0 [1.8, 2.2] distinct valid outputs in 256 samples; 50 % [45, 55] valid"
        );
        assert!(row_sentence(&row("a", None, 0.5), "coverage@256").starts_with("no verdict"));
    }
}
