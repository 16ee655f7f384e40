//! Verdicts of an arm by prompt and response: policies that collapse repeat themselves.
//!
//! Equal texts have equal verdicts, so that it changes no result which of them are remembered, and budgets count every one. What is
//! remembered is bounded, and an arm that hardly repeats itself stops looking for a while.

use pstar_core::PluginError;
use pstar_core::data::RaggedBuffer;
use std::collections::HashMap;

/// Responses that are remembered, and their tokens, at most: beyond either all are forgotten.
const MOST: usize = 1 << 16;
const MOST_TOKENS: usize = 1 << 20;

/// Looks after which it is asked whether enough of them found something: one in so many.
const LOOKS: u64 = 4096;
const WORTH: u64 = 8;

/// Responses that are let go by where too few did.
const REST: u64 = 8 * LOOKS;

/// Verdicts by prompt and response.
#[derive(Debug, Default)]
pub(crate) struct VerdictMemo {
    /// By the prompt's number and the tokens behind it.
    known: HashMap<Vec<u32>, bool>,
    tokens: usize,
    looks: u64,
    found: u64,
    /// Responses that are still to be let go by.
    resting: u64,
    key: Vec<u32>,
}

impl VerdictMemo {
    /// The verdicts on responses to prompts; `ask` is asked about those that are not known, each once, and answers one verdict a
    /// response.
    ///
    /// # Errors
    /// Those of `ask`; or if it answers another number of verdicts.
    pub(crate) fn verdicts(
        &mut self,
        prompt_of: &[u32],
        tokens: &RaggedBuffer<u32>,
        ask: impl FnOnce(&[u32], &RaggedBuffer<u32>) -> Result<Vec<bool>, PluginError>,
    ) -> Result<Vec<bool>, PluginError> {
        if self.resting > 0 {
            self.resting = self.resting.saturating_sub(prompt_of.len() as u64);
            return ask(prompt_of, tokens);
        }
        if self.known.len() > MOST || self.tokens > MOST_TOKENS {
            self.forget();
        }
        let mut verdicts = vec![false; prompt_of.len()];
        let (mut prompts, mut new) = (Vec::new(), RaggedBuffer::default());
        // For each row that is not known the number of what is asked.
        let (mut waiting, mut asked) = (Vec::new(), HashMap::<Vec<u32>, usize>::new());
        for (row, (&prompt, tokens)) in prompt_of.iter().zip(tokens.view().rows()).enumerate() {
            self.key.clear();
            self.key.push(prompt);
            self.key.extend_from_slice(tokens);
            if let Some(&verdict) = self.known.get(self.key.as_slice()) {
                verdicts[row] = verdict;
            } else if let Some(&number) = asked.get(self.key.as_slice()) {
                waiting.push((row, number));
            } else {
                waiting.push((row, asked.len()));
                asked.insert(self.key.clone(), asked.len());
                prompts.push(prompt);
                new.push(tokens);
            }
        }
        self.looks += prompt_of.len() as u64;
        self.found += (prompt_of.len() - prompts.len()) as u64;
        let answers = if prompts.is_empty() { Vec::new() } else { ask(&prompts, &new)? };
        if answers.len() != prompts.len() {
            let (expected, found) = (prompts.len(), answers.len());
            return Err(PluginError::contract(format!("{found} verdicts on {expected} responses")));
        }
        for (row, number) in waiting {
            verdicts[row] = answers[number];
        }
        self.tokens += asked.keys().map(Vec::len).sum::<usize>();
        self.known.extend(asked.into_iter().map(|(key, number)| (key, answers[number])));
        if self.looks >= LOOKS {
            if self.found * WORTH < self.looks {
                self.resting = REST;
                self.forget();
            }
            (self.looks, self.found) = (0, 0);
        }
        Ok(verdicts)
    }

    fn forget(&mut self) {
        self.known = HashMap::new();
        self.tokens = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A response is valid if its tokens and the prompt's number add up to an even number.
    fn truth(prompt: u32, tokens: &[u32]) -> bool {
        (tokens.iter().sum::<u32>() + prompt).is_multiple_of(2)
    }

    fn judge(memo: &mut VerdictMemo, rows: &[(u32, Vec<u32>)], asked: &mut usize) -> Vec<bool> {
        let prompts: Vec<u32> = rows.iter().map(|(prompt, _)| *prompt).collect();
        let tokens: RaggedBuffer<u32> = rows.iter().map(|(_, tokens)| tokens.as_slice()).collect();
        let ask = |prompts: &[u32], tokens: &RaggedBuffer<u32>| {
            *asked += prompts.len();
            Ok(prompts
                .iter()
                .zip(tokens.view().rows())
                .map(|(&prompt, tokens)| truth(prompt, tokens))
                .collect())
        };
        memo.verdicts(&prompts, &tokens, ask).unwrap()
    }

    #[test]
    fn what_is_known_or_stands_twice_is_asked_once() {
        let (mut memo, mut asked) = (VerdictMemo::default(), 0);
        let rows = [(0, vec![1]), (1, vec![1]), (0, vec![1]), (0, vec![]), (1, vec![])];
        for (times, expected) in [(1, 4), (2, 4)] {
            let verdicts = judge(&mut memo, &rows, &mut asked);
            assert_eq!(verdicts, rows.iter().map(|(p, t)| truth(*p, t)).collect::<Vec<_>>(), "{times}");
            assert_eq!(asked, expected);
        }
        assert_eq!(judge(&mut memo, &[(1, vec![1]), (2, vec![1])], &mut asked), [true, false]);
        assert_eq!(asked, 5);
    }

    /// Thousands of responses that never come again, then few that always do.
    #[test]
    fn memory_is_bounded_and_looking_stops_where_nothing_comes_again() {
        let (mut memo, mut asked, mut judged) = (VerdictMemo::default(), 0, 0);
        for batch in 0..400u32 {
            let rows: Vec<(u32, Vec<u32>)> = (0..512).map(|i| (0, vec![batch, i, 7])).collect();
            let verdicts = judge(&mut memo, &rows, &mut asked);
            assert!(rows.iter().zip(verdicts).all(|((p, t), verdict)| truth(*p, t) == verdict));
            judged += rows.len();
            assert!(memo.known.len() <= MOST + 512 && memo.tokens <= MOST_TOKENS + 4 * 512);
        }
        assert_eq!(asked, judged);
        let rows: Vec<(u32, Vec<u32>)> = (0..512).map(|i| (0, vec![i % 3])).collect();
        let before = asked;
        (0..200).for_each(|_| drop(judge(&mut memo, &rows, &mut asked)));
        assert!(asked - before < 40_000, "{}", asked - before);
    }

    #[test]
    fn what_fails_is_not_remembered() {
        let mut memo = VerdictMemo::default();
        let tokens: RaggedBuffer<u32> = [&[1u32][..]].into_iter().collect();
        assert!(memo.verdicts(&[0], &tokens, |_, _| Err(PluginError::data("dead"))).is_err());
        assert!(memo.verdicts(&[0], &tokens, |_, _| Ok(vec![])).is_err());
        assert_eq!(memo.verdicts(&[0], &tokens, |_, _| Ok(vec![true])).unwrap(), [true]);
    }
}
