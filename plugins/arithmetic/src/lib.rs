//! Verifiers of arithmetic, over unbounded integers.

mod evaluate;
mod expression;
mod expression_reader;
mod integer;
mod normal_form;
mod only_response;
mod product;
mod prompts;
mod sum;

pstar_core::export_plugin!(verifiers: [expression::ExpressionVerifier, sum::SumVerifier]);
