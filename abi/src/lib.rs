//! The one schema of Wayfarer.
#![no_std]
