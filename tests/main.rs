//! Integration tests, one module a topic.

mod bad_input;
mod exact;
mod facts;
mod loading;
mod matched;
mod objectives;
mod out_of_tree;
mod population;
mod run_output;
mod sampled_evaluation;
mod support;
