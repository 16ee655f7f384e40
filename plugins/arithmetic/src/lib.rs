//! Verifiers of arithmetic, over unbounded integers.

mod evaluate;
mod expression;
mod prompts;
mod sum;

pstar_core::export_plugin!(verifiers: [expression::ExpressionVerifier, sum::SumVerifier]);
