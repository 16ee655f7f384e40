//! Inputs that once fell short, each a file of `tests/cases`, and what they must give: from definitions or independent
//! computation.

mod estimates;
