//! The Wayfarer datapath.
