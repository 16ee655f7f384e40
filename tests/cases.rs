//! Inputs that once fell short, one submodule a topic.

mod costs;
