//! The IOMMU: what the device calls an address is an I/O virtual address (IOVA), mapped a page at a time.
//!
//! IOVAs never equal host addresses here, so that a driver which confuses them fails its first test.

use std::collections::BTreeMap;

use super::PAGE_BYTES;

/// First IOVA given out when they lie below 4 GiB.
const LOW_BASE: u64 = 0x8000_0000;
/// End of the IOVAs below 4 GiB: above are interrupt messages on many hosts.
const LOW_END: u64 = 0xfe00_0000;
/// First IOVA given out when they lie above 4 GiB.
const HIGH_BASE: u64 = 0x0054_4000_0000;
/// End of the IOVAs above 4 GiB: 48-bit addresses.
const HIGH_END: u64 = 1 << 48;

/// Faults kept as records; later ones are only counted.
const FAULT_RECORDS: usize = 1024;

/// What a mapping allows the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// The device may not write.
    ReadOnly,
    /// The device may not read.
    WriteOnly,
    /// Reads and writes.
    ReadWrite,
}

/// What the device wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// A memory read.
    Read,
    /// A memory write.
    Write,
}

/// Why an access was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultReason {
    /// No mapping covers the page.
    NotMapped,
    /// The mapping does not allow this access.
    NotPermitted,
}

/// One refused access of the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("IOMMU fault: {access:?} of {bytes} bytes at IOVA {iova:#x}: {reason:?}")]
pub struct Fault {
    /// First byte the device wanted.
    pub iova: u64,
    /// How many bytes it wanted.
    pub bytes: u64,
    /// What it wanted to do.
    pub access: Access,
    /// Why it was refused.
    pub reason: FaultReason,
}

/// Why the host's request to map or unmap was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IommuError {
    /// Host addresses and IOVAs are mapped in whole pages.
    #[error("address {0:#x} is not a multiple of the {PAGE_BYTES}-byte page")]
    NotAligned(u64),
    /// A mapping has at least one byte.
    #[error("a mapping of no bytes")]
    Empty,
    /// The page at this IOVA is mapped already.
    #[error("IOVA {0:#x} is mapped already")]
    AlreadyMapped(u64),
    /// The page at this IOVA is not mapped.
    #[error("IOVA {0:#x} is not mapped")]
    NotMapped(u64),
    /// No IOVAs are left.
    #[error("no IOVAs left for {0} bytes")]
    Exhausted(u64),
}

/// Where IOVAs lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressRange {
    /// Below 4 GiB: memory requests have headers of 3 double words.
    Below4Gib,
    /// Above 4 GiB: headers of 4 double words.
    Above4Gib,
}

#[derive(Clone, Copy, Debug)]
struct Mapping {
    host_page: u64,
    permission: Permission,
}

/// The page table of one device, and its faults.
#[derive(Debug)]
pub struct Iommu {
    pages: BTreeMap<u64, Mapping>,
    next_iova: u64,
    end_iova: u64,
    faults: Vec<Fault>,
    fault_count: u64,
}

impl Iommu {
    /// An empty page table whose IOVAs lie in `range`.
    pub fn new(range: AddressRange) -> Iommu {
        let (next_iova, end_iova) = match range {
            AddressRange::Below4Gib => (LOW_BASE, LOW_END),
            AddressRange::Above4Gib => (HIGH_BASE, HIGH_END),
        };
        Iommu {
            pages: BTreeMap::new(),
            next_iova,
            end_iova,
            faults: Vec::new(),
            fault_count: 0,
        }
    }

    /// Lets the device reach host memory `host_address .. host_address + bytes` and returns the IOVA of its first
    /// byte. The page after the mapping stays unmapped, so that an access beyond the end faults.
    ///
    /// # Errors
    /// `host_address` not on a page, no bytes, or IOVAs used up.
    pub fn map(
        &mut self,
        host_address: u64,
        bytes: u64,
        permission: Permission,
    ) -> Result<u64, IommuError> {
        let iova = self.next_iova;
        let taken = bytes
            .div_ceil(PAGE_BYTES)
            .saturating_add(1)
            .saturating_mul(PAGE_BYTES);
        if taken > self.end_iova - iova {
            return Err(IommuError::Exhausted(bytes));
        }
        self.map_at(iova, host_address, bytes, permission)?;
        self.next_iova += taken;
        Ok(iova)
    }

    /// As [`Iommu::map`], at an IOVA of the caller's choice.
    ///
    /// # Errors
    /// An address not on a page, no bytes, or a page of the range mapped already; then nothing is mapped.
    pub fn map_at(
        &mut self,
        iova: u64,
        host_address: u64,
        bytes: u64,
        permission: Permission,
    ) -> Result<(), IommuError> {
        for address in [iova, host_address] {
            if !address.is_multiple_of(PAGE_BYTES) {
                return Err(IommuError::NotAligned(address));
            }
        }
        if bytes == 0 {
            return Err(IommuError::Empty);
        }
        let (first, count) = (iova / PAGE_BYTES, bytes.div_ceil(PAGE_BYTES));
        if let Some((page, _)) = self.pages.range(first..first + count).next() {
            return Err(IommuError::AlreadyMapped(page * PAGE_BYTES));
        }
        for index in 0..count {
            let host_page = host_address / PAGE_BYTES + index;
            self.pages.insert(
                first + index,
                Mapping {
                    host_page,
                    permission,
                },
            );
        }
        Ok(())
    }

    /// Ends a mapping; the device's later accesses fault.
    ///
    /// # Errors
    /// `iova` not on a page, or a page of the range not mapped; then nothing is unmapped.
    pub fn unmap(&mut self, iova: u64, bytes: u64) -> Result<(), IommuError> {
        if !iova.is_multiple_of(PAGE_BYTES) {
            return Err(IommuError::NotAligned(iova));
        }
        let pages = iova / PAGE_BYTES..(iova + bytes).div_ceil(PAGE_BYTES);
        if let Some(page) = pages.clone().find(|page| !self.pages.contains_key(page)) {
            return Err(IommuError::NotMapped(page * PAGE_BYTES));
        }
        for page in pages {
            self.pages.remove(&page);
        }
        Ok(())
    }

    /// The host address of the device's access to `bytes` bytes in one page.
    ///
    /// # Errors
    /// The fault, which is also recorded and counted.
    ///
    /// # Panics
    /// When the access crosses a page; no legal memory request does (2.2.7).
    pub fn translate(&mut self, iova: u64, bytes: u64, access: Access) -> Result<u64, Fault> {
        let offset = iova % PAGE_BYTES;
        assert!(
            offset + bytes <= PAGE_BYTES,
            "access of {bytes} bytes at {iova:#x} crosses a page"
        );
        let reason = match self.pages.get(&(iova / PAGE_BYTES)) {
            None => FaultReason::NotMapped,
            Some(mapping) => match (mapping.permission, access) {
                (Permission::ReadOnly, Access::Write) | (Permission::WriteOnly, Access::Read) => {
                    FaultReason::NotPermitted
                }
                _ => return Ok(mapping.host_page * PAGE_BYTES + offset),
            },
        };
        let fault = Fault {
            iova,
            bytes,
            access,
            reason,
        };
        self.fault_count += 1;
        if self.faults.len() < FAULT_RECORDS {
            self.faults.push(fault);
        }
        Err(fault)
    }

    /// The first faults, in order; at most 1024 are kept.
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// How many faults there were.
    pub fn fault_count(&self) -> u64 {
        self.fault_count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mapped_pages_translate_and_the_page_behind_them_faults() {
        for range in [AddressRange::Below4Gib, AddressRange::Above4Gib] {
            let mut iommu = Iommu::new(range);
            let iova = iommu.map(0x10_0000, 5000, Permission::ReadWrite).unwrap();
            assert_eq!(iova < 1 << 32, range == AddressRange::Below4Gib);
            assert_ne!(iova, 0x10_0000);
            assert_eq!(
                iommu.translate(iova + 4097, 8, Access::Write),
                Ok(0x10_1001)
            );
            let beyond = iommu.translate(iova + 8192, 4, Access::Read);
            let reason = FaultReason::NotMapped;
            assert_eq!(
                beyond,
                Err(Fault {
                    iova: iova + 8192,
                    bytes: 4,
                    access: Access::Read,
                    reason
                })
            );
            let next = iommu.map(0x20_0000, 1, Permission::ReadWrite).unwrap();
            assert_eq!(next, iova + 3 * PAGE_BYTES);
        }
    }

    #[test]
    fn permissions_hold_and_faults_are_kept_and_counted() {
        let mut iommu = Iommu::new(AddressRange::Above4Gib);
        let read_only = iommu.map(0x1000, 1, Permission::ReadOnly).unwrap();
        let write_only = iommu.map(0x1000, 1, Permission::WriteOnly).unwrap();
        assert_eq!(iommu.translate(read_only, 4, Access::Read), Ok(0x1000));
        assert_eq!(iommu.translate(write_only, 4, Access::Write), Ok(0x1000));
        assert!(iommu.translate(read_only, 4, Access::Write).is_err());
        assert!(iommu.translate(write_only, 4, Access::Read).is_err());
        assert_eq!(iommu.fault_count(), 2);
        assert!(
            iommu
                .faults()
                .iter()
                .all(|fault| fault.reason == FaultReason::NotPermitted)
        );
        for _ in 0..2000 {
            assert!(iommu.translate(0, 1, Access::Read).is_err());
        }
        assert_eq!(
            (iommu.fault_count(), iommu.faults().len()),
            (2002, FAULT_RECORDS)
        );
    }

    #[test]
    fn an_unmapped_page_faults_and_a_bad_unmap_changes_nothing() {
        let mut iommu = Iommu::new(AddressRange::Below4Gib);
        let iova = iommu
            .map(0x4000, 2 * PAGE_BYTES, Permission::ReadWrite)
            .unwrap();
        assert_eq!(
            iommu.unmap(iova, 3 * PAGE_BYTES),
            Err(IommuError::NotMapped(iova + 2 * PAGE_BYTES))
        );
        assert!(iommu.translate(iova, 1, Access::Read).is_ok());
        iommu.unmap(iova, 2 * PAGE_BYTES).unwrap();
        assert!(iommu.translate(iova, 1, Access::Read).is_err());
        assert!(iommu.translate(iova + PAGE_BYTES, 1, Access::Read).is_err());
    }

    #[test]
    fn bad_mappings_are_refused() {
        let mut iommu = Iommu::new(AddressRange::Below4Gib);
        let permission = Permission::ReadWrite;
        assert_eq!(
            iommu.map(0x1001, 1, permission),
            Err(IommuError::NotAligned(0x1001))
        );
        assert_eq!(iommu.map(0x1000, 0, permission), Err(IommuError::Empty));
        assert_eq!(
            iommu.map(0x1000, 1 << 32, permission),
            Err(IommuError::Exhausted(1 << 32))
        );
        assert_eq!(
            iommu.map(0x1000, u64::MAX, permission),
            Err(IommuError::Exhausted(u64::MAX))
        );
        iommu
            .map_at(0x7000, 0x1000, PAGE_BYTES, permission)
            .unwrap();
        assert_eq!(
            iommu.map_at(0x6000, 0x1000, 2 * PAGE_BYTES, permission),
            Err(IommuError::AlreadyMapped(0x7000))
        );
        assert!(iommu.translate(0x6000, 1, Access::Read).is_err());
    }
}
