//! What an NIU says of itself: the contents of its first registers.

use crate::configuration::{
    CLOCK_HERTZ, RECEIVE_QUEUES, TRANSLATION_LOG2, TRANSMIT_QUEUES, TRANSMIT_SLOTS,
};
use abi::control::registers::{abi_version, capabilities};

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
        word = capabilities::transmit_slots::set(word, TRANSMIT_SLOTS as u64);
        word = capabilities::translation_log2::set(word, TRANSLATION_LOG2 as u64);
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
        let queues = RECEIVE_QUEUES << 8 | TRANSMIT_QUEUES;
        let sizes = TRANSLATION_LOG2 << 24 | TRANSMIT_SLOTS << 16 | queues;
        assert_eq!(identity.capabilities() as usize, sizes);
        assert_eq!(identity.clock_hertz as usize, CLOCK_HERTZ);
    }
}
