//! What is said of the arms of a run: how far objectives are apart, seed by seed, how sure that is, and what each did to
//! the policies, in words that rules make from numbers. From records alone.
//!
//! | question | answer |
//! |---|---|
//! | how far is an objective from the first? | [`differences`] |
//! | how far is one run from another? | [`between`] |
//! | what does it reach, and how sure is that? | [`intervals`], [`spread`] |
//! | what did it do to the policies? | [`verdicts`]; their rules: [`Word`](pstar_record::Word) and [`word`] |
//! | … in a sentence a policy class? | [`clauses`], which are the parts of [`sentence`] |

mod between;
mod difference;
mod digits;
mod interval;
mod rows;
mod sentence;
mod stars;
mod verdict;
mod word;

pub use between::{Between, between};
pub use difference::differences;
pub use digits::{percent, percents, with_interval};
pub use interval::{intervals, spread};
pub use rows::{Row, rows};
pub use sentence::{Clause, clauses, rule, sentence, sentence_with};
pub use stars::LEVEL;
pub use verdict::{ClassStart, greatest_coverage, starts, verdicts};
pub use word::{Standings, word};
