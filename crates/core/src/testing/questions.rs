//! What verifiers are asked.

use super::{Failure, Outputs, Subject, VerifierView};
use crate::data::{Alphabet, RaggedBuffer, SequenceBuffer, Task};
use crate::shown::shown;
use std::collections::BTreeSet;

/// Pairs of a prompt and a response, with an alphabet that can spell them.
#[derive(Clone, Debug)]
pub struct Questions {
    /// The pairs.
    pub pairs: Vec<(String, String)>,
    /// A task of that alphabet.
    pub task: Task,
    prompts: Vec<Vec<u32>>,
    rows: Vec<(u32, Vec<u32>)>,
}

impl Questions {
    /// Pairs, in the alphabet of a task where that spells them all, else in that of their characters.
    pub fn of(pairs: &[(String, String)], task: &Task) -> Self {
        Self::encoded(pairs, task.clone()).unwrap_or_else(|| {
            let texts = pairs.iter().flat_map(|(prompt, response)| [prompt, response]);
            let characters: BTreeSet<char> = texts.flat_map(|text| text.chars()).collect();
            let symbols: Vec<String> = characters.iter().map(char::to_string).collect();
            let symbols = if symbols.is_empty() { vec!["a".into()] } else { symbols };
            let alphabet = Alphabet::new(symbols, Vec::new())
                .unwrap_or_else(|error| unreachable!("distinct characters are an alphabet: {error}"));
            let longest = pairs.iter().map(|(_, response)| response.chars().count()).max().unwrap_or(0);
            let mut task = Task { alphabet, horizon: longest + 1, ..task.clone() };
            task.prompts = Vec::new();
            Self::encoded(pairs, task).unwrap_or_else(|| unreachable!("it is spelt by its own characters"))
        })
    }

    fn encoded(pairs: &[(String, String)], task: Task) -> Option<Self> {
        let (mut prompts, mut rows): (Vec<Vec<u32>>, Vec<_>) = (Vec::new(), Vec::new());
        let mut texts: Vec<&str> = Vec::new();
        for (prompt, response) in pairs {
            let number = texts.iter().position(|text| text == prompt).unwrap_or(texts.len());
            if number == texts.len() {
                texts.push(prompt);
                prompts.push(task.alphabet.encode(prompt).ok()?);
            }
            let response = task.alphabet.encode(response).ok()?;
            if response.iter().any(|&token| token >= task.alphabet.end()) {
                return None;
            }
            rows.push((u32::try_from(number).ok()?, response));
        }
        Some(Self { pairs: pairs.to_vec(), task, prompts, rows })
    }

    /// Number of pairs.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Some of the pairs, in this order, as a batch.
    pub fn batch(&self, order: impl IntoIterator<Item = usize>) -> SequenceBuffer {
        let rows: Vec<&(u32, Vec<u32>)> = order.into_iter().map(|i| &self.rows[i]).collect();
        // The prompts that are asked about, in their order.
        let mut numbers: Vec<u32> = rows.iter().map(|(prompt, _)| *prompt).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let prompts: RaggedBuffer<u32> =
            numbers.iter().map(|&prompt| self.prompts[prompt as usize].as_slice()).collect();
        let mut buffer = SequenceBuffer::new(prompts);
        for (prompt, response) in rows {
            let place = numbers.binary_search(prompt).unwrap_or_else(|place| place);
            buffer.push(u32::try_from(place).unwrap_or(u32::MAX), response.iter().copied());
        }
        buffer
    }

    /// A pair as messages quote it.
    pub fn quoted(&self, i: usize) -> String {
        let (prompt, response) = &self.pairs[i];
        format!("the response `{}` to the prompt `{}`", shown(response), shown(prompt))
    }

    /// Asks about some of the pairs, in this order.
    ///
    /// # Errors
    /// With the pair at fault, if asking about one alone fails as well.
    pub fn judge(&self, verifier: &dyn VerifierView, order: &[usize]) -> Result<Vec<Option<bool>>, Failure> {
        verifier.judge(&self.batch(order.iter().copied()).view()).map_err(|error| {
            let alone = order.iter().find_map(|&i| {
                let error = verifier.judge(&self.batch([i]).view()).err()?;
                Some(Failure::of_error(self.quoted(i), &error))
            });
            let together = || Failure::of_error(format!("{} responses at once", order.len()), &error);
            Failure { expected: "a verdict".into(), ..alone.unwrap_or_else(together) }
        })
    }
}

/// The subject's own pairs, and outputs of its task as responses to its prompts.
pub(super) fn ordinary(subject: &Subject<'_, dyn VerifierView>, most: usize) -> Vec<(String, String)> {
    let mut pairs = subject.pairs.to_vec();
    let alphabet = &subject.task.alphabet;
    let prompts: Vec<String> = subject.task.prompts.iter().map(|prompt| alphabet.decode(prompt)).collect();
    let share = most / prompts.len().max(1);
    for output in Outputs::of(subject.task, share).rows {
        let response = alphabet.decode(&output);
        pairs.extend(prompts.iter().map(|prompt| (prompt.clone(), response.clone())));
    }
    pairs
}

/// Texts that components were not made for: empty, long, deep, of foreign scripts and signs, numbers beyond all types, and
/// what looks like something else.
pub fn hostile_texts() -> Vec<String> {
    let plain = [
        "",
        " ",
        "\t",
        "\n",
        "\r\n",
        "\0",
        "\u{7f}",
        "\u{1b}[2J",
        "\\",
        "\"",
        "'",
        "`",
        "%s%n",
        "{}",
        "()",
        "(",
        ")",
        "[",
        "NaN",
        "nan",
        "inf",
        "-inf",
        "-0",
        "+0",
        "00",
        "0x10",
        "1e999",
        "1e-999",
        "1_000",
        "1.",
        ".5",
        "--1",
        "+",
        "-",
        "*",
        "/",
        "1/0",
        "0/0",
        "1**9",
        "18446744073709551616",
        "-9223372036854775809",
        "é",
        "e\u{301}",
        "ß",
        "İ",
        "日本語",
        "１２",
        "٣",
        "Ⅻ",
        "𝟙",
        "²",
        "−1",
        "1\u{a0}",
        "\u{feff}1",
        "1\u{200b}",
        "\u{202e}12",
        "👩\u{200d}👩\u{200d}👧",
        "\u{10ffff}",
    ];
    let long = [
        "a".repeat(10_000),
        "9".repeat(5_000),
        format!("1{}", "+1".repeat(5_000)),
        format!("1{}", "*9".repeat(1_000)),
        "(".repeat(10_000),
        format!("{}1{}", "(".repeat(5_000), ")".repeat(5_000)),
        "-".repeat(10_000),
        " ".repeat(10_000),
        "é".repeat(5_000),
    ];
    plain.into_iter().map(String::from).chain(long).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Ending;

    #[test]
    fn what_an_alphabet_cannot_spell_is_spelt_by_its_characters() {
        let task = Task::new(Alphabet::of_chars("ab", "").unwrap(), 3, Ending::EndSymbol);
        let pair = |prompt: &str, response: &str| (prompt.to_string(), response.to_string());
        assert_eq!(Questions::of(&[pair("", "ab")], &task).task.alphabet, task.alphabet);
        let pairs = [pair("é", "ab\0"), pair("", ""), pair("é", "b")];
        let questions = Questions::of(&pairs, &task);
        let texts = questions.task.alphabet.decode(questions.batch([0]).view().tokens().row(0));
        assert_eq!((texts.as_str(), questions.len()), ("ab\0", 3));
        assert_eq!(questions.batch([2, 0]).view().prompt_of(), [0, 0]);
        assert_eq!(Questions::of(&[pair("", "")], &task).len(), 1);
    }
}
