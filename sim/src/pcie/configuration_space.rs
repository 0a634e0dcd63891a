//! The endpoint's configuration space, as the hard block in front of the NIU holds it (PCIe chapter 7). The NIU sees
//! only what comes out of it: requester id, BARs, limits and enables.

use crate::model::{ENDPOINTS, INTERRUPT_VECTORS};
use abi::endpoint::PAGE_BYTES;
use abi::interrupt::{BAR_BYTES as BAR0_BYTES, PENDING_OFFSET, TABLE_OFFSET};

/// Vendor id 0x1209 (pid.codes, for open hardware).
pub const VENDOR_ID: u16 = 0x1209;
/// Device id of the NIU.
pub const DEVICE_ID: u16 = 0x57f1;
/// Class code and revision: network controller, other (0x0280).
pub const CLASS_AND_REVISION: u32 = 0x0280_0000 | 0x01;

/// Offsets of the registers used here, in bytes.
pub mod offset {
    /// Vendor and device id.
    pub const IDENTITY: u16 = 0x00;
    /// Command in the low half, status in the high half.
    pub const COMMAND: u16 = 0x04;
    /// Revision and class code.
    pub const CLASS: u16 = 0x08;
    /// First of six base address registers.
    pub const BAR: u16 = 0x10;
    /// Offset of the first capability.
    pub const CAPABILITIES: u16 = 0x34;
    /// PCI Express capability.
    pub const EXPRESS: u16 = 0x40;
    /// Offset of the register that says what payload is possible.
    pub const DEVICE_CAPABILITIES: u16 = EXPRESS + 0x04;
    /// Device Control in the low half, Device Status in the high half.
    pub const DEVICE_CONTROL: u16 = EXPRESS + 0x08;
    /// MSI-X capability; Message Control in its high half.
    pub const MSIX: u16 = 0x80;
    /// Offset of the table, and which BAR it is in.
    pub const MSIX_TABLE: u16 = MSIX + 0x04;
    /// The same of the pending bits.
    pub const MSIX_PENDING: u16 = MSIX + 0x08;
}

/// Command register: answer memory requests.
pub const COMMAND_MEMORY_ENABLE: u32 = 1 << 1;
/// Command register: send memory requests.
pub const COMMAND_MASTER_ENABLE: u32 = 1 << 2;

/// MSI-X Enable, in the register with Message Control.
pub const MSIX_ENABLE: u32 = 1 << 31;
/// Function Mask, likewise.
pub const MSIX_FUNCTION_MASK: u32 = 1 << 30;

/// Lowest bit of Max_Payload_Size in Device Control.
pub const PAYLOAD_SHIFT: u32 = 5;
/// Lowest bit of Max_Read_Request_Size in Device Control.
pub const READ_REQUEST_SHIFT: u32 = 12;
/// Max_Payload_Size Supported in Device Capabilities: 128 << 2 bytes.
pub const PAYLOAD_SUPPORTED: u32 = 2;

/// Bytes of all endpoint pages.
const PAGES_BYTES: u64 = (ENDPOINTS * PAGE_BYTES) as u64;
/// Sizes of BAR0, BAR2 and BAR4 in bytes: registers, MSI-X table, pending bits; endpoint pages; their inline bodies,
/// and as much for the outbox.
pub const BAR_BYTES: [u64; 3] = [BAR0_BYTES as u64, PAGES_BYTES, 2 * PAGES_BYTES];
/// Whether BAR0, BAR2 and BAR4 are prefetchable: only memory, not what a merged or repeated access would change.
const BAR_PREFETCHABLE: [bool; 3] = [false, false, true];
/// BAR type bits: memory, 64 bits wide.
const BAR_64_BIT: u32 = 0b100;
const BAR_PREFETCHABLE_BIT: u32 = 0b1000;

const COMMAND_WRITABLE: u32 = COMMAND_MEMORY_ENABLE | COMMAND_MASTER_ENABLE;
const DEVICE_CONTROL_WRITABLE: u32 = 7 << PAYLOAD_SHIFT | 7 << READ_REQUEST_SHIFT;
/// Capability id 0x10, then MSI-X, version 2, endpoint.
const EXPRESS_HEADER: u32 = 0x0002_0010 | (offset::MSIX as u32) << 8;
/// Capability id 0x11, no next one; the table's size less one.
const MSIX_HEADER: u32 = 0x0000_0011 | (INTERRUPT_VECTORS as u32 - 1) << 16;
const MSIX_WRITABLE: u32 = MSIX_ENABLE | MSIX_FUNCTION_MASK;
const STATUS_HAS_CAPABILITIES: u32 = 1 << 20;

/// The registers that software can change, and the read-only ones around them.
#[derive(Clone, Debug)]
pub struct ConfigurationSpace {
    requester: u16,
    command: u32,
    bars: [u64; 3],
    device_control: u32,
    msix: u32,
}

impl ConfigurationSpace {
    /// Configuration space after reset of the device at `requester` (bus, device and function, which a device learns
    /// from the first configuration write to it).
    pub fn new(requester: u16) -> ConfigurationSpace {
        // After reset: payload 128 bytes, read requests 512 bytes (7.5.3.4).
        ConfigurationSpace {
            requester,
            command: 0,
            bars: [0; 3],
            device_control: 2 << READ_REQUEST_SHIFT,
            msix: 0,
        }
    }

    /// The register at `offset`, a multiple of 4; 0 where there is none.
    pub fn read(&self, offset: u16) -> u32 {
        match offset {
            offset::IDENTITY => u32::from(DEVICE_ID) << 16 | u32::from(VENDOR_ID),
            offset::COMMAND => self.command | STATUS_HAS_CAPABILITIES,
            offset::CLASS => CLASS_AND_REVISION,
            offset::CAPABILITIES => u32::from(offset::EXPRESS),
            offset::EXPRESS => EXPRESS_HEADER,
            offset::DEVICE_CAPABILITIES => PAYLOAD_SUPPORTED,
            offset::DEVICE_CONTROL => self.device_control,
            offset::MSIX => MSIX_HEADER | self.msix,
            // Both in BAR0: the lowest three bits are zero.
            offset::MSIX_TABLE => TABLE_OFFSET as u32,
            offset::MSIX_PENDING => PENDING_OFFSET as u32,
            _ => match bar_half(offset) {
                Some((bar, false)) => self.bars[bar] as u32 | bar_type(bar),
                Some((bar, true)) => (self.bars[bar] >> 32) as u32,
                None => 0,
            },
        }
    }

    /// Writes the register at `offset`; read-only bits stay.
    pub fn write(&mut self, offset: u16, value: u32) {
        match offset {
            offset::COMMAND => self.command = value & COMMAND_WRITABLE,
            offset::DEVICE_CONTROL => self.device_control = value & DEVICE_CONTROL_WRITABLE,
            offset::MSIX => self.msix = value & MSIX_WRITABLE,
            _ => {
                if let Some((bar, high)) = bar_half(offset) {
                    let old = self.bars[bar];
                    let new = match high {
                        false => old & !0xffff_ffff | u64::from(value),
                        true => old & 0xffff_ffff | u64::from(value) << 32,
                    };
                    self.bars[bar] = new & !(BAR_BYTES[bar] - 1);
                }
            }
        }
    }

    /// Bus, device and function.
    pub fn requester(&self) -> u16 {
        self.requester
    }

    /// Base addresses of BAR0, BAR2 and BAR4.
    pub fn bars(&self) -> [u64; 3] {
        self.bars
    }

    /// Max_Payload_Size: 128 << n bytes.
    pub fn maximum_payload(&self) -> u8 {
        (self.device_control >> PAYLOAD_SHIFT & 7) as u8
    }

    /// Max_Read_Request_Size: 128 << n bytes.
    pub fn maximum_read_request(&self) -> u8 {
        (self.device_control >> READ_REQUEST_SHIFT & 7) as u8
    }

    /// Memory Space Enable.
    pub fn memory_enable(&self) -> bool {
        self.command & COMMAND_MEMORY_ENABLE != 0
    }

    /// MSI-X Enable.
    pub fn msix_enable(&self) -> bool {
        self.msix & MSIX_ENABLE != 0
    }

    /// All vectors are masked.
    pub fn msix_function_mask(&self) -> bool {
        self.msix & MSIX_FUNCTION_MASK != 0
    }

    /// Bus Master Enable.
    pub fn master_enable(&self) -> bool {
        self.command & COMMAND_MASTER_ENABLE != 0
    }
}

/// Which BAR (0, 1, 2 for BAR0, BAR2, BAR4) a register offset belongs to, and whether it is the upper half.
fn bar_half(offset: u16) -> Option<(usize, bool)> {
    let index = usize::from(offset.checked_sub(offset::BAR)? / 4);
    (index < 6 && offset.is_multiple_of(4)).then_some((index / 2, index % 2 == 1))
}

fn bar_type(bar: usize) -> u32 {
    BAR_64_BIT
        | if BAR_PREFETCHABLE[bar] {
            BAR_PREFETCHABLE_BIT
        } else {
            0
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identity_and_capability_list_are_where_software_looks() {
        let space = ConfigurationSpace::new(0x0100);
        assert_eq!(space.read(0), 0x57f1_1209);
        assert_eq!(space.read(8) >> 16, 0x0280);
        assert_eq!(space.read(0x34), 0x40);
        assert_eq!(space.read(0x40) & 0xffff, 0x8010);
        let vectors = u32::from(INTERRUPT_VECTORS);
        assert_eq!(space.read(0x80), (vectors - 1) << 16 | 0x0011);
        assert_eq!((space.read(0x84), space.read(0x88)), (0x1000, 0x2000));
        assert_ne!(space.read(4) & 1 << 20, 0);
    }

    #[test]
    fn nothing_is_enabled_after_reset() {
        let space = ConfigurationSpace::new(0x0100);
        assert!(!space.memory_enable() && !space.master_enable());
        assert!(!space.msix_enable() && !space.msix_function_mask());
        assert_eq!(
            (space.maximum_payload(), space.maximum_read_request()),
            (0, 2)
        );
    }

    #[test]
    fn read_only_bits_do_not_move() {
        let mut space = ConfigurationSpace::new(0x0100);
        for offset in (0..0x100).step_by(4) {
            space.write(offset, 0xffff_ffff);
        }
        assert_eq!(space.read(0), 0x57f1_1209);
        assert_eq!(space.read(4), STATUS_HAS_CAPABILITIES | 6);
        assert_eq!(space.read(0x10), 0xffff_c004);
        assert_eq!(space.read(0x80) >> 30, 3);
        assert_eq!((space.read(0x84), space.read(0x88)), (0x1000, 0x2000));
        let pages = ENDPOINTS as u32 * 4096;
        assert_eq!(space.read(0x18), !(pages - 1) | 4);
        assert_eq!(space.read(0x20), !(2 * pages - 1) | 0xc);
        assert_eq!(space.read(0x14), 0xffff_ffff);
        assert_eq!(space.read(0x48), 7 << 5 | 7 << 12);
    }
}
