//! Triggered operations: counters that carry out prepared stores.

pub mod unit;
