//! What the tests of the queues share.

use crate::bundles::ConfigurationWrite;
use crate::queues::queue_select::QueueWord;
use rust_hdl::prelude::*;

/// A write of a word of queue state.
pub fn configuration(region: usize, index: u64, data: u64) -> ConfigurationWrite {
    ConfigurationWrite {
        valid: true,
        index: ((region as u64) << abi::queue_state::REGION_SHIFT | index).to_bits(),
        data: data.to_bits(),
    }
}

/// A queue's control word.
pub fn control(queue: u64, word: u64) -> QueueWord {
    QueueWord {
        control: true,
        address: false,
        queue: queue.to_bits(),
        word: word.to_bits(),
        ..Default::default()
    }
}
