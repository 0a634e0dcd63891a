//! What firmware of a host does before any driver runs: find the device, size and place its BARs, set the link's
//! limits, enable it. Everything goes through [`ConfigurationSpace::read`] and [`ConfigurationSpace::write`].

use super::configuration_space::{
    COMMAND_MASTER_ENABLE, COMMAND_MEMORY_ENABLE, ConfigurationSpace, DEVICE_ID, PAYLOAD_SHIFT,
    READ_REQUEST_SHIFT, VENDOR_ID, offset,
};

/// Where BARs go when they lie below 4 GiB.
const LOW_WINDOW: u64 = 0xe000_0000;
/// Where BARs go when they lie above 4 GiB.
const HIGH_WINDOW: u64 = 0x0060_0000_0000;

/// What the root complex wants of the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Max_Payload_Size in bytes.
    pub maximum_payload_bytes: u32,
    /// Max_Read_Request_Size in bytes.
    pub maximum_read_request_bytes: u32,
    /// BARs lie above 4 GiB.
    pub bars_above_4_gib: bool,
}

/// Why a device was left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnumerationError {
    /// Another device answered.
    #[error("device {device:#06x} of vendor {vendor:#06x} is not the NIU")]
    WrongDevice {
        /// Vendor id read.
        vendor: u16,
        /// Device id read.
        device: u16,
    },
    /// A BAR is not a 64-bit memory BAR.
    #[error("BAR{0} is not a 64-bit memory BAR")]
    BarType(usize),
    /// No PCI Express capability in the list.
    #[error("the device has no PCI Express capability")]
    NotExpress,
    /// The device cannot take packets this long.
    #[error("maximum payload of {wanted} bytes, the device supports {supported}")]
    Payload {
        /// Bytes asked for.
        wanted: u32,
        /// Bytes supported.
        supported: u32,
    },
}

/// One BAR as enumeration left it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlacedBar {
    /// Base address.
    pub address: u64,
    /// Size in bytes.
    pub bytes: u64,
}

/// Enumerates the device and returns where BAR0, BAR2 and BAR4 are.
///
/// # Errors
/// [`EnumerationError`]; the device then stays disabled.
pub fn enumerate(
    space: &mut ConfigurationSpace,
    settings: &Settings,
) -> Result<[PlacedBar; 3], EnumerationError> {
    let identity = space.read(offset::IDENTITY);
    let (vendor, device) = (identity as u16, (identity >> 16) as u16);
    if (vendor, device) != (VENDOR_ID, DEVICE_ID) {
        return Err(EnumerationError::WrongDevice { vendor, device });
    }
    space.write(offset::COMMAND, 0);

    let express = find_express(space).ok_or(EnumerationError::NotExpress)?;
    let supported = 128 << (space.read(express + 4) & 7);
    if settings.maximum_payload_bytes > supported {
        return Err(EnumerationError::Payload {
            wanted: settings.maximum_payload_bytes,
            supported,
        });
    }

    let mut next = if settings.bars_above_4_gib {
        HIGH_WINDOW
    } else {
        LOW_WINDOW
    };
    let mut placed = [PlacedBar {
        address: 0,
        bytes: 0,
    }; 3];
    for (index, bar) in placed.iter_mut().enumerate() {
        let low = offset::BAR + 8 * index as u16;
        let kind = space.read(low) & 0b111;
        if kind != 0b100 {
            return Err(EnumerationError::BarType(2 * index));
        }
        bar.bytes = size(space, low);
        bar.address = next.next_multiple_of(bar.bytes);
        next = bar.address + bar.bytes;
        space.write(low, bar.address as u32);
        space.write(low + 4, (bar.address >> 32) as u32);
    }

    let control = code(settings.maximum_payload_bytes) << PAYLOAD_SHIFT
        | code(settings.maximum_read_request_bytes) << READ_REQUEST_SHIFT;
    space.write(express + 8, control);
    space.write(
        offset::COMMAND,
        COMMAND_MEMORY_ENABLE | COMMAND_MASTER_ENABLE,
    );
    Ok(placed)
}

/// Size of the 64-bit BAR at `low`: the bits that stay zero when ones are written.
fn size(space: &mut ConfigurationSpace, low: u16) -> u64 {
    space.write(low, 0xffff_ffff);
    space.write(low + 4, 0xffff_ffff);
    let mask = u64::from(space.read(low + 4)) << 32 | u64::from(space.read(low) & !0xf);
    (!mask).wrapping_add(1)
}

/// Walks the capability list to the PCI Express capability (id 0x10).
fn find_express(space: &ConfigurationSpace) -> Option<u16> {
    let mut next = space.read(offset::CAPABILITIES) as u16 & 0xfc;
    while next != 0 {
        let header = space.read(next);
        if header & 0xff == 0x10 {
            return Some(next);
        }
        next = (header >> 8) as u16 & 0xfc;
    }
    None
}

/// The three-bit code of a size: 128 << code bytes.
fn code(bytes: u32) -> u32 {
    bytes.trailing_zeros() - 7
}

#[cfg(test)]
mod tests {
    use super::super::configuration_space::BAR_BYTES;
    use super::*;

    const SETTINGS: Settings = Settings {
        maximum_payload_bytes: 256,
        maximum_read_request_bytes: 4096,
        bars_above_4_gib: true,
    };

    #[test]
    fn bars_are_sized_placed_apart_and_naturally_aligned() {
        for above in [false, true] {
            let mut space = ConfigurationSpace::new(0x0100);
            let settings = Settings {
                bars_above_4_gib: above,
                ..SETTINGS
            };
            let placed = enumerate(&mut space, &settings).unwrap();
            assert_eq!(placed.map(|bar| bar.bytes), BAR_BYTES);
            assert_eq!(placed.map(|bar| bar.address), space.bars());
            for (index, bar) in placed.iter().enumerate() {
                assert_eq!(bar.address % bar.bytes, 0);
                assert_eq!(bar.address > 0xffff_ffff, above);
                for other in &placed[index + 1..] {
                    assert!(
                        bar.address + bar.bytes <= other.address
                            || other.address + other.bytes <= bar.address
                    );
                }
            }
        }
    }

    #[test]
    fn limits_and_enables_are_set() {
        let mut space = ConfigurationSpace::new(0x0100);
        enumerate(&mut space, &SETTINGS).unwrap();
        assert_eq!(
            (space.maximum_payload(), space.maximum_read_request()),
            (1, 5)
        );
        assert!(space.memory_enable() && space.master_enable());
    }

    #[test]
    fn a_payload_the_device_cannot_take_leaves_it_disabled() {
        let mut space = ConfigurationSpace::new(0x0100);
        let settings = Settings {
            maximum_payload_bytes: 1024,
            ..SETTINGS
        };
        let refused = enumerate(&mut space, &settings);
        assert_eq!(
            refused,
            Err(EnumerationError::Payload {
                wanted: 1024,
                supported: 512
            })
        );
        assert!(!space.memory_enable() && !space.master_enable());
    }
}
