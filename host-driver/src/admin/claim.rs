//! Which of several drivers that open the device at the same moment gets it.

use super::rings::{RingMemory, Rings};
use crate::deadline::Deadline;
use crate::error::OpenError;
use crate::open_options::OpenOptions;
use crate::transport::{Bar, Transport, TransportError};
use abi::control::registers;
use std::time::Duration;

/// Longer than a driver needs from its last look at its claim until the device has its rings: a read and a few writes.
pub(super) const SETTLING: Duration = Duration::from_micros(5);

/// A driver's claim to the device: its token in the register `scratch`. Of all drivers that have claimed the device,
/// the last one has it. Each looks at its claim once more right before it sets up its rings, and waits before that for
/// longer than this takes: so whoever claims the device later sees the rings of an earlier driver, or takes its claim
/// away in time.
pub(super) struct Claim<'a, T: Transport> {
    transport: &'a T,
    token: u32,
    take_over: bool,
}

impl<'a, T: Transport> Claim<'a, T> {
    /// Claims the device.
    ///
    /// # Errors
    /// [`OpenError::InUse`] if another driver has it and is not to be superseded, or has claimed it later.
    pub fn new(
        transport: &'a T,
        options: &OpenOptions,
        memory: &RingMemory<T>,
    ) -> Result<Self, OpenError> {
        if !options.take_over && Rings::are_in_use(transport)? {
            return Err(OpenError::InUse);
        }
        // Drivers of one IOMMU domain have other memory, those of others other tokens.
        let token = transport.token() ^ (memory.address() >> 12);
        let claim = Claim {
            transport,
            token: (token ^ (token >> 32)) as u32,
            take_over: options.take_over,
        };
        let offset = registers::scratch::OFFSET as u64;
        transport.write32(Bar::Control, offset, claim.token);
        let held = claim.is_held()?;
        let deadline = Deadline::new(transport.now(), SETTLING);
        while let Some(left) = deadline.left(transport.now()) {
            transport.wait(left);
        }
        if held && claim.is_held()? {
            Ok(claim)
        } else {
            Err(OpenError::InUse)
        }
    }

    /// Whether no other driver has claimed the device later, or has it by now.
    pub fn is_held(&self) -> Result<bool, TransportError> {
        let offset = registers::scratch::OFFSET as u64;
        let token = self.transport.read32(Bar::Control, offset)?;
        Ok(token == self.token && (self.take_over || !Rings::are_in_use(self.transport)?))
    }
}
