//! What the tests of the queues share.

use crate::bundles::ConfigurationWrite;
use rust_hdl::prelude::*;

/// A write of a word of queue state.
pub fn configuration(region: usize, index: u64, data: u64) -> ConfigurationWrite {
    ConfigurationWrite {
        valid: true,
        index: ((region as u64) << abi::queue_state::REGION_SHIFT | index).to_bits(),
        data: data.to_bits(),
    }
}
