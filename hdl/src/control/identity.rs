//! What an NIU says of itself: the contents of its first registers.

use crate::configuration::{
    CLOCK_HERTZ, ENDPOINTS_LOG2, INLINE_PAGES_LOG2, INTERRUPT_VECTORS_LOG2, NODES_LOG2,
    PEER_QUEUES_LOG2, RECEIVE_QUEUE_IDS_LOG2, RECEIVE_QUEUES, TRANSLATION_LOG2, TRANSMIT_QUEUES,
    TRANSMIT_SLOTS_LOG2,
};
use abi::control::registers::{abi_version, capabilities, sizes};

/// The values of the identity registers that a build chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// First 8 hexadecimal digits of the commit.
    pub hardware_revision: u32,
    /// Core clock in hertz.
    pub clock_hertz: u32,
}

impl Default for Identity {
    fn default() -> Self {
        Self {
            hardware_revision: 0,
            clock_hertz: CLOCK_HERTZ as u32,
        }
    }
}

impl Identity {
    /// The register `abi_version`.
    pub fn abi_version(&self) -> u32 {
        let minor = abi_version::minor::set(0, abi::ABI_VERSION_MINOR.into());
        abi_version::major::set(minor, abi::ABI_VERSION_MAJOR.into()) as u32
    }

    /// The register `capabilities`.
    pub fn capabilities(&self) -> u32 {
        let mut word = capabilities::transmit_queues::set(0, TRANSMIT_QUEUES as u64);
        word = capabilities::receive_queues::set(word, RECEIVE_QUEUES as u64);
        word = capabilities::interrupt_vectors_log2::set(word, INTERRUPT_VECTORS_LOG2 as u64);
        word as u32
    }

    /// The register `sizes`.
    pub fn sizes(&self) -> u32 {
        let mut word = sizes::transmit_slots_log2::set(0, TRANSMIT_SLOTS_LOG2 as u64);
        word = sizes::translation_log2::set(word, TRANSLATION_LOG2 as u64);
        word = sizes::endpoints_log2::set(word, ENDPOINTS_LOG2 as u64);
        word = sizes::receive_queue_ids_log2::set(word, RECEIVE_QUEUE_IDS_LOG2 as u64);
        word = sizes::inline_pages::set(word, 1 << INLINE_PAGES_LOG2);
        word = sizes::nodes_log2::set(word, NODES_LOG2 as u64);
        word = sizes::peer_queues_log2::set(word, PEER_QUEUES_LOG2 as u64);
        word as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_agrees_with_the_schema() {
        let identity = Identity::default();
        assert_eq!(
            u64::from(identity.abi_version()),
            abi_version::REGISTER.reset
        );
        assert_eq!(
            identity.capabilities() as usize,
            RECEIVE_QUEUES << 16 | INTERRUPT_VECTORS_LOG2 << 12 | TRANSMIT_QUEUES
        );
        let fields = [
            TRANSMIT_SLOTS_LOG2,
            TRANSLATION_LOG2,
            ENDPOINTS_LOG2,
            RECEIVE_QUEUE_IDS_LOG2,
            1 << INLINE_PAGES_LOG2,
            0,
            NODES_LOG2,
            PEER_QUEUES_LOG2,
        ];
        // Eight fields of four bits, of which the fifth takes two places.
        let sizes = fields
            .iter()
            .enumerate()
            .map(|(place, field)| field << (4 * place));
        assert_eq!(identity.sizes() as usize, sizes.sum::<usize>());
        assert_eq!(identity.clock_hertz as usize, CLOCK_HERTZ);
    }
}
