//! Integration tests, one module a topic.
#![allow(clippy::unwrap_used, reason = "a test may end in a panic")]

mod arms;
mod bad_input;
mod cases;
mod commands;
mod consistency;
mod exact;
mod expected;
mod extremes;
mod facts;
mod in_program;
mod interfaces;
mod libraries;
mod loading;
mod matched;
mod mutations;
mod objectives;
mod optimum;
mod out_of_tree;
mod paper;
mod population;
mod prompts;
mod provenance;
mod resolved;
mod rnn;
mod rollouts;
mod run_directory;
mod run_output;
mod sampled_evaluation;
mod show;
mod signals;
mod stopping;
mod support;
mod views;
mod warnings;
mod workspace;
