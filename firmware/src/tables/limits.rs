//! How much of everything this NIU has.

use super::MAXIMUM_INLINE_PAGES;
use super::MAXIMUM_QUEUES;
use abi::control::registers::{Capabilities, Sizes};
use abi::endpoint::PAGES;
use abi::interrupt::MAXIMUM_VECTORS;
use abi::queue_state::{MAXIMUM_RECEIVE_QUEUE_IDS, MAXIMUM_TRANSLATION_ENTRIES};

/// How much of everything this NIU has, as far as this firmware can serve it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Resident transmit queues.
    pub transmit_queues: usize,
    /// Resident receive queues.
    pub receive_queues: usize,
    /// Endpoint pages.
    pub endpoints: usize,
    /// Receive queue identifiers.
    pub receive_queue_ids: usize,
    /// Pages for inline bodies.
    pub inline_pages: usize,
    /// Entries of the translation table.
    pub translation_entries: usize,
    /// Entries of the MSI-X table.
    pub interrupt_vectors: usize,
}

impl Limits {
    /// Nothing of anything.
    pub const NONE: Limits = Limits {
        transmit_queues: 0,
        receive_queues: 0,
        endpoints: 0,
        receive_queue_ids: 0,
        inline_pages: 0,
        translation_entries: 0,
        interrupt_vectors: 0,
    };

    /// What the registers `capabilities` and `sizes` say (`abi::control::registers`).
    pub fn from_registers(capabilities: u32, sizes: u32) -> Self {
        let capabilities = Capabilities::unpack(capabilities);
        let sizes = Sizes::unpack(sizes);
        let power = |log2: u64, most: usize| (1 << log2).min(most);
        Limits {
            transmit_queues: (capabilities.transmit_queues as usize).min(MAXIMUM_QUEUES),
            receive_queues: (capabilities.receive_queues as usize).min(MAXIMUM_QUEUES),
            endpoints: power(sizes.endpoints_log2, PAGES),
            receive_queue_ids: power(sizes.receive_queue_ids_log2, MAXIMUM_RECEIVE_QUEUE_IDS),
            inline_pages: (sizes.inline_pages as usize).min(MAXIMUM_INLINE_PAGES),
            translation_entries: power(sizes.translation_log2, MAXIMUM_TRANSLATION_ENTRIES),
            interrupt_vectors: power(capabilities.interrupt_vectors_log2, MAXIMUM_VECTORS),
        }
    }

    /// These, with room for so many.
    pub(super) fn served_with(self, queues: usize, endpoints: usize, identifiers: usize) -> Self {
        Limits {
            transmit_queues: self.transmit_queues.min(queues),
            receive_queues: self.receive_queues.min(queues),
            endpoints: self.endpoints.min(endpoints),
            receive_queue_ids: self.receive_queue_ids.min(identifiers),
            ..self
        }
    }
}
