//! An expression read symbol by symbol.

use crate::integer::Integer;
use pstar_core::author::Recognizer;

/// Accepts the expressions that evaluate to the target; nothing without one.
pub(crate) struct ExpressionReader {
    pub(crate) target: Option<Integer>,
}

/// The beginning of an expression, reduced to what its value may still depend on: two beginnings are equal exactly
/// where no ending gives them different values.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Beginning {
    /// The levels around the innermost bracket that is open, outermost first.
    outer: Vec<Level>,
    level: Level,
    last: Last,
}

/// A bracket level. If its current factor is f and nothing else follows, its value is `sum + multiplier * f`.
///
/// The sign and the earlier factors of the term are in the multiplier. With a multiplier of 0 the factor is
/// irrelevant; if it is a bracket, the levels within are kept at `0 + 0 * f`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Level {
    sum: Integer,
    multiplier: Integer,
}

/// What was read last, which decides what may follow.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Last {
    /// An operator, an opening bracket or nothing: the current factor is next.
    Operator,
    /// A digit of the current factor, which is this number unless more digits follow. 0 where it is irrelevant.
    Digit(Integer),
    /// A closing bracket. What it closed has been multiplied into the multiplier.
    Closing,
}

impl Level {
    fn new(relevant: bool) -> Self {
        Self { sum: Integer::ZERO, multiplier: Integer::from(u8::from(relevant)) }
    }

    fn factor_matters(&self) -> bool {
        self.multiplier != Integer::ZERO
    }
}

impl Beginning {
    fn empty() -> Self {
        Self { outer: Vec::new(), level: Level::new(true), last: Last::Operator }
    }

    /// Appends a character; `None` if no expression begins like that.
    fn read(&mut self, byte: u8) -> Option<()> {
        match (byte, &self.last) {
            (b'0'..=b'9', Last::Operator | Last::Digit(_)) => self.digit(byte - b'0'),
            (b'(', Last::Operator) => {
                let inner = Level::new(self.level.factor_matters());
                self.outer.push(std::mem::replace(&mut self.level, inner));
            }
            (b')', Last::Digit(_) | Last::Closing) => {
                let outer = self.outer.pop()?;
                self.end_factor();
                let inner = std::mem::replace(&mut self.level, outer);
                self.level.multiplier *= inner.sum + inner.multiplier;
                self.last = Last::Closing;
            }
            (b'*', Last::Digit(_) | Last::Closing) => self.end_factor(),
            (b'+' | b'-', Last::Digit(_) | Last::Closing) => {
                self.end_factor();
                let relevant = self.outer.last().is_none_or(Level::factor_matters);
                let next = Level::new(relevant).multiplier;
                let term =
                    std::mem::replace(&mut self.level.multiplier, if byte == b'-' { -next } else { next });
                self.level.sum += term;
            }
            _ => return None,
        }
        Some(())
    }

    fn digit(&mut self, digit: u8) {
        let number = match std::mem::replace(&mut self.last, Last::Operator) {
            Last::Digit(number) => number * Integer::from(10) + Integer::from(digit),
            Last::Operator | Last::Closing => Integer::from(digit),
        };
        self.last = Last::Digit(if self.level.factor_matters() { number } else { Integer::ZERO });
    }

    /// Multiplies the current factor into the multiplier.
    fn end_factor(&mut self) {
        if let Last::Digit(number) = std::mem::replace(&mut self.last, Last::Operator) {
            self.level.multiplier *= number;
        }
    }

    /// The value, if this is an expression.
    fn value(&self) -> Option<Integer> {
        let Level { sum, multiplier } = &self.level;
        match &self.last {
            Last::Digit(number) if self.outer.is_empty() => {
                Some(sum.clone() + multiplier.clone() * number.clone())
            }
            Last::Closing if self.outer.is_empty() => Some(sum.clone() + multiplier.clone()),
            _ => None,
        }
    }
}

impl Recognizer for ExpressionReader {
    type State = Beginning;

    fn start(&self) -> Option<Beginning> {
        self.target.as_ref().map(|_| Beginning::empty())
    }

    /// Whatever begins an expression begins one of every value: `+` or `-` can always make up the difference.
    fn next(&self, state: &Beginning, symbol: &str) -> Option<Beginning> {
        let mut state = state.clone();
        symbol.bytes().try_for_each(|byte| state.read(byte))?;
        Some(state)
    }

    fn accepts(&self, state: &Beginning) -> bool {
        state.value().is_some_and(|value| Some(value) == self.target)
    }
}

#[cfg(test)]
mod tests;
