//! Tables worked out in exact fractions by a script that shares no code with this crate, and one by hand.

use super::*;
use crate::contexts::to_index;
use crate::table::tests::task;
use pstar_core::data::Alphabet;
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    name: String,
    alphabet: Vec<String>,
    prompt_alphabet: Vec<String>,
    horizon: usize,
    ending: Ending,
    order: usize,
    smoothing: BTreeMap<String, String>,
    corpus: Vec<Line>,
    rows: BTreeMap<String, Vec<f64>>,
}

#[derive(Deserialize)]
struct Line {
    prompt: String,
    response: String,
}

impl Case {
    fn task(&self) -> Task {
        let prompt_only = self.prompt_alphabet.iter().filter(|symbol| !self.alphabet.contains(symbol));
        let alphabet = Alphabet::new(self.alphabet.clone(), prompt_only.cloned().collect()).unwrap();
        Task::new(alphabet, self.horizon, self.ending).with_prompts(vec![Vec::new()])
    }

    fn smoothing(&self) -> Smoothing {
        let (kind, value) = self.smoothing.iter().next().unwrap();
        let value = value.parse().unwrap();
        match kind.as_str() {
            "add_k" => Smoothing::AddK { k: value },
            _ => Smoothing::KneserNey { discount: value },
        }
    }
}

fn count(entries: &[Entry], contexts: &Contexts, task: &Task) -> Counts {
    let mut counts = Counts::new(contexts.length(), task);
    for entry in entries {
        counts.add(entry);
    }
    counts
}

#[test]
fn tables_equal_exact_fractions() {
    let cases: Vec<Case> =
        serde_json::from_str(include_str!("../../../../tests/reference/ngram.json")).unwrap();
    let mut compared = 0;
    for case in &cases {
        let task = case.task();
        let contexts = Contexts::new(case.order, &task, 1).unwrap();
        let encode = |text: &str| task.alphabet.encode(text).unwrap();
        let entries: Vec<Entry> = case
            .corpus
            .iter()
            .map(|line| Entry { prompt: encode(&line.prompt), response: encode(&line.response) })
            .collect();
        let probs = estimate(count(&entries, &contexts, &task), &contexts, case.smoothing(), &task).unwrap();
        for context in 0..contexts.count() as u64 {
            let text = task.alphabet.context_text(&contexts.tokens(context));
            let Some(expected) = case.rows.get(&text) else { continue };
            let row = to_index(context) * task.choices();
            for (found, expected) in probs[row..row + task.choices()].iter().zip(expected) {
                let name = &case.name;
                assert!((found - expected).abs() <= 1e-15, "{name}, row `{text}`: {found}, not {expected}");
                compared += 1;
            }
        }
    }
    assert!(cases.len() >= 20 && compared > 500, "{} cases, {compared} probabilities", cases.len());
}

/// Corpus `ab`, `b` at order 2 with `$`: c(^) = {a: 1, b: 1}, c(a) = {b: 1}, c(b) = {$: 2}. One level down:
/// a follows ^; b follows ^ and a; $ follows b: 1, 2, 1 of 4. With D = ½, p_1 = (½, 3/2, ½)/4 + (3/2)/4 · 1/3 =
/// (¼, ½, ¼), and in the row of a: p(b) = ½ + ½ · ½ = ¾, p(a) = p($) = ½ · ¼ = ⅛.
#[test]
fn kneser_ney_by_hand() {
    let task = task("ab", "", 4);
    let contexts = Contexts::new(2, &task, 1).unwrap();
    let entry = |response: &[u32]| Entry { prompt: Vec::new(), response: response.to_vec() };
    let smoothing = Smoothing::KneserNey { discount: 0.5 };
    let probs =
        estimate(count(&[entry(&[0, 1]), entry(&[1])], &contexts, &task), &contexts, smoothing, &task)
            .unwrap();
    assert_eq!(probs[..3], [0.125, 0.75, 0.125]);
}

#[test]
fn parameters_out_of_range_are_refused() {
    let task = task("ab", "", 4);
    let contexts = Contexts::new(2, &task, 1).unwrap();
    for smoothing in
        [Smoothing::AddK { k: -1.0 }, Smoothing::AddK { k: f64::NAN }, Smoothing::KneserNey { discount: 1.5 }]
    {
        assert!(estimate(count(&[], &contexts, &task), &contexts, smoothing, &task).is_err());
    }
}
