//! Fuzzed inputs of the state machines in `firmware`.

#[cfg(test)]
#[path = "../../tests/support/mod.rs"]
mod support;

#[cfg(test)]
mod requests;
