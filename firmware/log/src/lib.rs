//! Reads what the firmware logs.
