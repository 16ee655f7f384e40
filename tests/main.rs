//! Integration tests.
mod support;

