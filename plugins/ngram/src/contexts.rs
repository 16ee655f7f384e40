//! Contexts of n−1 symbols as numbers.

use pstar_core::{PluginError, Task};

/// The contexts of an n-gram model: n−1 tokens read as digits, the newest last. The boundary token pads on the
/// left.
#[derive(Clone, Debug)]
pub(crate) struct Contexts {
    /// Number of tokens: the radix.
    radix: u64,
    /// radix^(n−1): the number of contexts.
    count: u64,
    /// Number of symbols in a context, n−1.
    length: usize,
    /// The token of `^` and `$`.
    boundary: u32,
    /// For each context that behind it and token 0.
    behind: Vec<u32>,
}

/// Greatest number of values (contexts × choices × positions) that a model may have: 1 GiB of logits.
const MOST_VALUES: u64 = 1 << 27;

impl Contexts {
    /// The contexts of a model of order n on a task, for `positions` tables.
    pub(crate) fn new(order: usize, task: &Task, positions: usize) -> Result<Self, PluginError> {
        if order == 0 {
            return Err(PluginError::config("order", "`order` must be at least 1, found `0`"));
        }
        let radix = task.alphabet.tokens() as u64;
        let exponent = u32::try_from(order - 1).unwrap_or(u32::MAX);
        let count = radix.checked_pow(exponent);
        let values = count.and_then(|count| count.checked_mul((task.choices() * positions) as u64));
        match (count, values) {
            (Some(count), Some(values)) if values <= MOST_VALUES => {
                #[allow(clippy::cast_possible_truncation, reason = "contexts are bounded by MOST_VALUES")]
                let behind = (0..count).map(|context| (context * radix % count) as u32).collect();
                Ok(Self { radix, count, length: order - 1, boundary: task.alphabet.end(), behind })
            }
            _ => Err(PluginError::config(
                "order",
                format!(
                    "an n-gram of order {order} over {radix} tokens has more than {MOST_VALUES} parameters"
                ),
            )
            .with_hint("use a smaller `order`")),
        }
    }

    /// Number of contexts.
    pub(crate) fn count(&self) -> usize {
        to_index(self.count)
    }

    /// Number of symbols in a context.
    pub(crate) fn length(&self) -> usize {
        self.length
    }

    /// The context behind a prompt.
    pub(crate) fn start(&self, prompt: &[u32]) -> u64 {
        let padding = std::iter::repeat_n(&self.boundary, self.length);
        padding.chain(prompt).fold(0, |context, &token| self.advance(context, token))
    }

    /// The contexts behind prompts that come many times in a row.
    pub(crate) fn starts(&self) -> Starts<'_> {
        Starts { contexts: self, last: None }
    }

    /// The context behind one more symbol.
    #[inline]
    pub(crate) fn advance(&self, context: u64, token: u32) -> u64 {
        self.all_behind().of(to_index(context), token)
    }

    /// What tells the contexts behind contexts.
    #[inline]
    pub(crate) fn all_behind(&self) -> Behind<'_> {
        Behind { of_zero: &self.behind, kept: if self.length == 0 { 0 } else { u64::MAX } }
    }

    /// The symbols of a context, oldest first.
    pub(crate) fn tokens(&self, context: u64) -> Vec<u32> {
        let mut tokens = vec![0; self.length];
        let mut rest = context;
        for token in tokens.iter_mut().rev() {
            *token = u32::try_from(rest % self.radix).unwrap_or(self.boundary);
            rest /= self.radix;
        }
        tokens
    }

    /// The number of a context of n−1 symbols.
    pub(crate) fn index(&self, tokens: &[u32]) -> u64 {
        tokens.iter().fold(0, |context, &token| context * self.radix + u64::from(token))
    }

    /// The contexts that outputs of the task's prompts can meet, position by position; none where the prompts are
    /// not known.
    pub(crate) fn reachable(&self, task: &Task) -> Vec<Vec<u64>> {
        let mut layers = vec![sorted(task.prompts.iter().map(|prompt| self.start(prompt)).collect())];
        for position in 1..task.horizon {
            let before = &layers[position - 1];
            let behind = |&context| (0..self.boundary).map(move |token| self.advance(context, token));
            let next = sorted(before.iter().flat_map(behind).collect());
            if next == *before {
                layers.resize(task.horizon, next);
                break;
            }
            layers.push(next);
        }
        layers
    }
}

/// The contexts behind contexts, without a division: (context · radix + token) modulo their number, which the radix divides
/// unless the only context is the empty one.
#[derive(Clone, Copy)]
pub(crate) struct Behind<'a> {
    /// For each context that behind it and token 0.
    of_zero: &'a [u32],
    /// The bits that matter: none of the empty context.
    kept: u64,
}

impl Behind<'_> {
    #[inline]
    pub(crate) fn of(self, context: usize, token: u32) -> u64 {
        (u64::from(self.of_zero[context]) + u64::from(token)) & self.kept
    }
}

/// The contexts behind prompts, of which the last is kept.
pub(crate) struct Starts<'a> {
    contexts: &'a Contexts,
    last: Option<(u32, u64)>,
}

impl Starts<'_> {
    /// The context behind a prompt of this number.
    #[inline]
    pub(crate) fn of(&mut self, number: u32, prompt: &[u32]) -> u64 {
        match self.last {
            Some((known, context)) if known == number => context,
            _ => {
                let context = self.contexts.start(prompt);
                self.last = Some((number, context));
                context
            }
        }
    }
}

/// Each number once, in order.
pub(crate) fn sorted(mut contexts: Vec<u64>) -> Vec<u64> {
    contexts.sort_unstable();
    contexts.dedup();
    contexts
}

#[allow(clippy::cast_possible_truncation, reason = "contexts are bounded by MOST_VALUES")]
pub(crate) fn to_index(context: u64) -> usize {
    context as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::tests::task;

    #[test]
    fn a_context_is_the_last_symbols() {
        let task = task("ab", "=", 4);
        let contexts = Contexts::new(3, &task, 1).unwrap();
        assert_eq!(contexts.tokens(contexts.start(&[])), [2, 2]);
        assert_eq!(contexts.tokens(contexts.start(&[3])), [2, 3]);
        let start = contexts.start(&[0, 3, 1]);
        assert_eq!(contexts.tokens(contexts.advance(start, 0)), [1, 0]);
        assert_eq!(contexts.index(&[1, 0]), contexts.advance(start, 0));
    }

    #[test]
    fn the_next_context_is_that_of_the_division() {
        for order in 1..4 {
            let contexts = Contexts::new(order, &task("abc", "=", 4), 1).unwrap();
            for context in 0..contexts.count {
                for token in 0..u32::try_from(contexts.radix).unwrap() {
                    let expected = (context * contexts.radix + u64::from(token)) % contexts.count;
                    assert_eq!(contexts.advance(context, token), expected, "{order} {context} {token}");
                }
            }
        }
    }

    #[test]
    fn order_one_has_a_single_context() {
        let contexts = Contexts::new(1, &task("ab", "", 4), 1).unwrap();
        assert_eq!((contexts.count(), contexts.start(&[0, 1]), contexts.advance(0, 1)), (1, 0, 0));
    }

    #[test]
    fn too_large_an_order_is_refused() {
        assert!(Contexts::new(64, &task("ab", "", 4), 1).is_err());
        assert!(Contexts::new(0, &task("ab", "", 4), 1).is_err());
    }
}
