//! Memory of one host: sparse pages, zero until written.

use std::collections::BTreeMap;

/// Bytes of a page of host memory and of the IOMMU.
pub const PAGE_BYTES: u64 = 4096;

/// Where [`HostMemory::allocate`] begins: address 0 stays free, so that a forgotten address is noticed.
const ALLOCATION_BASE: u64 = 0x0100_0000;

/// Memory of one host. Every address exists; bytes never written are zero.
#[derive(Debug)]
pub struct HostMemory {
    pages: BTreeMap<u64, Box<[u8; PAGE_BYTES as usize]>>,
    next_free: u64,
}

impl Default for HostMemory {
    fn default() -> HostMemory {
        HostMemory::new()
    }
}

impl HostMemory {
    /// Memory full of zeros.
    pub fn new() -> HostMemory {
        HostMemory {
            pages: BTreeMap::new(),
            next_free: ALLOCATION_BASE,
        }
    }

    /// Sets `bytes` bytes of zeroed memory aside and returns their host address, a multiple of `alignment`. Addresses
    /// are never given out twice.
    ///
    /// # Panics
    /// When `alignment` is not a power of two.
    pub fn allocate(&mut self, bytes: u64, alignment: u64) -> u64 {
        assert!(
            alignment.is_power_of_two(),
            "alignment {alignment} is not a power of two"
        );
        let address = self.next_free.next_multiple_of(alignment);
        self.next_free = address + bytes;
        address
    }

    /// Gives the whole pages inside `address .. address + bytes` back; they read as zero afterwards.
    pub fn release(&mut self, address: u64, bytes: u64) {
        let first = address.div_ceil(PAGE_BYTES);
        let end = (address + bytes) / PAGE_BYTES;
        for page in first..end {
            self.pages.remove(&page);
        }
    }

    /// Copies memory from `address` on into `bytes`.
    pub fn read(&self, address: u64, bytes: &mut [u8]) {
        let mut done = 0;
        while done < bytes.len() {
            let (page, offset, length) = piece(address + done as u64, bytes.len() - done);
            let target = &mut bytes[done..done + length];
            match self.pages.get(&page) {
                Some(content) => target.copy_from_slice(&content[offset..offset + length]),
                None => target.fill(0),
            }
            done += length;
        }
    }

    /// Copies `bytes` into memory from `address` on.
    pub fn write(&mut self, address: u64, bytes: &[u8]) {
        let mut done = 0;
        while done < bytes.len() {
            let (page, offset, length) = piece(address + done as u64, bytes.len() - done);
            let content = self
                .pages
                .entry(page)
                .or_insert_with(|| Box::new([0; PAGE_BYTES as usize]));
            content[offset..offset + length].copy_from_slice(&bytes[done..done + length]);
            done += length;
        }
    }

    /// The little-endian word of 8 bytes at `address`.
    pub fn read_u64(&self, address: u64) -> u64 {
        let mut bytes = [0; 8];
        self.read(address, &mut bytes);
        u64::from_le_bytes(bytes)
    }

    /// The little-endian word of 4 bytes at `address`.
    pub fn read_u32(&self, address: u64) -> u32 {
        let mut bytes = [0; 4];
        self.read(address, &mut bytes);
        u32::from_le_bytes(bytes)
    }
}

/// The part of an access that lies in the first page it touches: page number, offset in it, bytes.
fn piece(address: u64, bytes: usize) -> (u64, usize, usize) {
    let offset = (address % PAGE_BYTES) as usize;
    (
        address / PAGE_BYTES,
        offset,
        bytes.min(PAGE_BYTES as usize - offset),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unwritten_memory_is_zero_and_writes_cross_pages() {
        let mut memory = HostMemory::new();
        let bytes: Vec<u8> = (0..=255).cycle().take(9000).collect();
        memory.write(4090, &bytes);
        let mut back = vec![0xff; 9010];
        memory.read(4085, &mut back);
        assert_eq!(back[..5], [0; 5]);
        assert_eq!(back[5..9005], bytes[..]);
        assert_eq!(back[9005..], [0; 5]);
    }

    #[test]
    fn words_are_little_endian() {
        let mut memory = HostMemory::new();
        memory.write(100, &[1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(memory.read_u64(100), 0x0807_0605_0403_0201);
        assert_eq!(memory.read_u32(104), 0x0807_0605);
    }

    #[test]
    fn allocations_are_aligned_apart_and_never_at_zero() {
        let mut memory = HostMemory::new();
        let mut end = 1;
        for (bytes, alignment) in [(1, 1), (3, 64), (4096, 4096), (10, 8), (1, 1 << 21)] {
            let address = memory.allocate(bytes, alignment);
            assert_eq!(address % alignment, 0);
            assert!(address >= end);
            end = address + bytes;
        }
    }

    #[test]
    fn releasing_spares_what_shares_a_page() {
        let mut memory = HostMemory::new();
        memory.write(0, &[7; 4 * 4096]);
        memory.release(4000, 2 * 4096);
        assert_eq!(memory.read_u32(4096 - 4), 0x0707_0707);
        assert_eq!(memory.read_u32(4096), 0);
        assert_eq!(memory.read_u32(2 * 4096), 0x0707_0707);
    }
}
