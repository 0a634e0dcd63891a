//! Transaction-layer packets as bytes in wire order (PCI Express Base Specification, chapter 2).
//!
//! [`decode`] refuses everything that no link partner may send, whatever the link's settings; what depends on settings
//! and on earlier packets is in [`super::rules`]. Field positions are spelled out here a second time, apart from
//! `abi::pcie`, because this module is the referee of hardware made from `abi`.

use abi::pcie::completion_status::CompletionStatus;
use abi::pcie::{PAGE_BYTES, format_type};

/// A decoded header. Prefixes, digests, locked reads, I/O, configuration, messages and atomics are not used here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Header {
    /// MRd.
    MemoryRead(Request),
    /// MWr.
    MemoryWrite(Request),
    /// Cpl or CplD.
    Completion(Completion),
}

/// A memory request (2.2.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// Address of the first double word, a multiple of 4.
    pub address: u64,
    /// Double words, 1 to 1024.
    pub length: u16,
    /// Byte enables of the first double word, bit 0 for the lowest address.
    pub first_enables: u8,
    /// Byte enables of the last double word; 0 when there is only one.
    pub last_enables: u8,
    /// Bus, device and function of the sender.
    pub requester: u16,
    /// Tells outstanding requests of one requester apart.
    pub tag: u8,
    /// 0 to 7.
    pub traffic_class: u8,
    /// Bit 0: no snoop, bit 1: relaxed ordering.
    pub attributes: u8,
    /// The payload is known to be bad (2.7.2).
    pub poisoned: bool,
}

/// A completion (2.2.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Completion {
    /// Payload in double words, 1 to 1024; 0 for a completion without data.
    pub length: u16,
    /// How the request ended.
    pub status: CompletionStatus,
    /// Bytes still to come, those of this completion included, 1 to 4096.
    pub byte_count: u16,
    /// Low 7 bits of the address of the first byte returned.
    pub lower_address: u8,
    /// Bus, device and function of the sender.
    pub completer: u16,
    /// Requester of the request.
    pub requester: u16,
    /// Tag of the request.
    pub tag: u8,
    /// Traffic class of the request.
    pub traffic_class: u8,
    /// Attributes of the request.
    pub attributes: u8,
    /// The payload is known to be bad.
    pub poisoned: bool,
}

/// Why bytes are not a legal packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum PacketError {
    #[error("{0} bytes are too few for the header")]
    HeaderTruncated(usize),
    #[error("Fmt and Type {0:#04x} is not used here")]
    FormatType(u8),
    #[error("reserved bits of header byte {0} are not zero")]
    Reserved(usize),
    #[error("TD is set, but there are no digests here")]
    Digest,
    #[error("packet of {actual} bytes, its header says {expected}")]
    Length { expected: usize, actual: usize },
    #[error("header of 4 double words for an address below 4 GiB (2.2.4.1)")]
    LongHeader,
    #[error("{length} double words at {address:#x} cross a 4 KiB boundary (2.2.7)")]
    PageCrossed { address: u64, length: u16 },
    #[error("byte enables first {first:#x}, last {last:#x} for {length} double words (2.2.5)")]
    ByteEnables { first: u8, last: u8, length: u16 },
    #[error("completion status {0} is reserved")]
    Status(u8),
    #[error("completion with status {0:?} carries data (2.2.9)")]
    DataWithError(CompletionStatus),
    #[error("BCM is set, which only PCI-X bridges do")]
    ByteCountModified,
}

impl Request {
    /// A request for exactly `bytes` bytes at `address`, all enabled; 0 bytes make the zero-length request of 2.2.5.
    pub fn for_bytes(address: u64, bytes: usize) -> Request {
        let start = (address % 4) as usize;
        let length = (start + bytes).div_ceil(4).max(1);
        let end = (start + bytes + 3) % 4; // Place of the last byte in its double word.
        let from_start = 0xf << start & 0xf;
        let to_end = 0xf >> (3 - end);
        let (first_enables, last_enables) = match (bytes, length) {
            (0, _) => (0, 0),
            (_, 1) => (from_start & to_end, 0),
            _ => (from_start, to_end),
        };
        Request {
            address: address & !3,
            length: length as u16,
            first_enables,
            last_enables,
            requester: 0,
            tag: 0,
            traffic_class: 0,
            attributes: 0,
            poisoned: false,
        }
    }

    /// Address of the first enabled byte; of the double word when none is.
    pub fn first_byte(&self) -> u64 {
        let skipped = if self.first_enables == 0 {
            0
        } else {
            self.first_enables.trailing_zeros()
        };
        self.address + u64::from(skipped)
    }

    /// Bytes from the first to the last enabled one, as table 2-37 of 2.3.1.1 counts them: a read of none counts 1.
    pub fn byte_count(&self) -> u16 {
        let (enables, whole) = match self.length {
            1 => (self.first_enables, 0),
            _ => (self.last_enables, 4 * (self.length - 1)),
        };
        if enables == 0 {
            return 1;
        }
        let end = 8 - enables.leading_zeros() as u16;
        whole + end - (self.first_byte() - self.address) as u16
    }

    /// Whether byte `index` of the payload is enabled.
    pub fn enabled(&self, index: usize) -> bool {
        let (word, bit) = (index / 4, index % 4);
        let enables = match word {
            0 => self.first_enables,
            _ if word == usize::from(self.length) - 1 => self.last_enables,
            _ => 0xf,
        };
        enables >> bit & 1 != 0
    }

    /// The rules of 2.2.5, one after the other.
    fn byte_enables_legal(&self) -> bool {
        let (first, last) = (self.first_enables, self.last_enables);
        match self.length {
            1 => last == 0,
            // An aligned pair of double words may leave out any bytes, as long as both enable one.
            2 if self.address.is_multiple_of(8) => first != 0 && last != 0,
            _ => {
                matches!(first, 0b1000 | 0b1100 | 0b1110 | 0b1111)
                    && matches!(last, 0b0001 | 0b0011 | 0b0111 | 0b1111)
            }
        }
    }
}

impl Header {
    /// Bytes of the header in wire order.
    pub fn header_bytes(&self) -> usize {
        match self {
            Header::MemoryRead(request) | Header::MemoryWrite(request)
                if request.address >> 32 != 0 =>
            {
                16
            }
            _ => 12,
        }
    }

    /// Zero of a packet without data.
    pub fn payload_bytes(&self) -> usize {
        match self {
            Header::MemoryRead(_) => 0,
            Header::MemoryWrite(request) => 4 * usize::from(request.length),
            Header::Completion(completion) => 4 * usize::from(completion.length),
        }
    }

    /// Appends the packet to `packet`.
    ///
    /// # Panics
    /// When the payload is not as long as the header says.
    pub fn encode(&self, payload: &[u8], packet: &mut Vec<u8>) {
        assert_eq!(payload.len(), self.payload_bytes(), "payload of {self:?}");
        let mut bytes = [0; 16];
        let mut common =
            |code: usize, length: u16, traffic_class: u8, attributes: u8, poisoned: bool| {
                bytes[0] = code as u8;
                bytes[1] = traffic_class << 4;
                bytes[2] = u8::from(poisoned) << 6 | attributes << 4 | (length >> 8 & 3) as u8;
                bytes[3] = length as u8;
            };
        match self {
            Header::MemoryRead(request) | Header::MemoryWrite(request) => {
                let code = match (self, self.header_bytes()) {
                    (Header::MemoryRead(_), 12) => format_type::MEMORY_READ_32,
                    (Header::MemoryRead(_), _) => format_type::MEMORY_READ_64,
                    (_, 12) => format_type::MEMORY_WRITE_32,
                    (_, _) => format_type::MEMORY_WRITE_64,
                };
                common(
                    code,
                    request.length,
                    request.traffic_class,
                    request.attributes,
                    request.poisoned,
                );
                bytes[4..6].copy_from_slice(&request.requester.to_be_bytes());
                bytes[6] = request.tag;
                bytes[7] = request.last_enables << 4 | request.first_enables;
                if self.header_bytes() == 12 {
                    bytes[8..12].copy_from_slice(&(request.address as u32).to_be_bytes());
                } else {
                    bytes[8..16].copy_from_slice(&request.address.to_be_bytes());
                }
            }
            Header::Completion(completion) => {
                let code = if completion.length == 0 {
                    format_type::COMPLETION
                } else {
                    format_type::COMPLETION_DATA
                };
                common(
                    code,
                    completion.length,
                    completion.traffic_class,
                    completion.attributes,
                    completion.poisoned,
                );
                bytes[4..6].copy_from_slice(&completion.completer.to_be_bytes());
                bytes[6] = (completion.status.code() as u8) << 5
                    | (completion.byte_count >> 8 & 0xf) as u8;
                bytes[7] = completion.byte_count as u8;
                bytes[8..10].copy_from_slice(&completion.requester.to_be_bytes());
                bytes[10] = completion.tag;
                bytes[11] = completion.lower_address;
            }
        }
        packet.extend_from_slice(&bytes[..self.header_bytes()]);
        packet.extend_from_slice(payload);
    }
}

/// What the first four bytes of any packet say about its size: header bytes and payload bytes (2.2.1, 2.2.2). `None`
/// for a packet shorter than that or a reserved format.
pub fn declared_sizes(bytes: &[u8]) -> Option<(usize, usize)> {
    let first = bytes.first_chunk::<4>()?;
    let length = usize::from(first[2] & 3) << 8 | usize::from(first[3]);
    let payload = if length == 0 { 4096 } else { 4 * length };
    match first[0] >> 5 {
        0 => Some((12, 0)),
        1 => Some((16, 0)),
        2 => Some((12, payload)),
        3 => Some((16, payload)),
        _ => None,
    }
}

/// Takes a packet apart into header and payload.
///
/// # Errors
/// The first rule of chapter 2 that it breaks.
pub fn decode(bytes: &[u8]) -> Result<(Header, &[u8]), PacketError> {
    let Some(code) = bytes.first().copied() else {
        return Err(PacketError::HeaderTruncated(0));
    };
    let (header_bytes, has_payload, is_completion) = match usize::from(code) {
        format_type::MEMORY_READ_32 => (12, false, false),
        format_type::MEMORY_READ_64 => (16, false, false),
        format_type::MEMORY_WRITE_32 => (12, true, false),
        format_type::MEMORY_WRITE_64 => (16, true, false),
        format_type::COMPLETION => (12, false, true),
        format_type::COMPLETION_DATA => (12, true, true),
        _ => return Err(PacketError::FormatType(code)),
    };
    if bytes.len() < header_bytes {
        return Err(PacketError::HeaderTruncated(bytes.len()));
    }
    for (index, reserved) in [(1, 0b1000_1111), (2, 0b0000_1100)] {
        if bytes[index] & reserved != 0 {
            return Err(PacketError::Reserved(index));
        }
    }
    if bytes[2] & 0x80 != 0 {
        return Err(PacketError::Digest);
    }
    let length_field = u16::from_be_bytes([bytes[2] & 3, bytes[3]]);
    let length = if length_field == 0 {
        1024
    } else {
        length_field
    };
    let expected = header_bytes
        + if has_payload {
            4 * usize::from(length)
        } else {
            0
        };
    if bytes.len() != expected {
        return Err(PacketError::Length {
            expected,
            actual: bytes.len(),
        });
    }
    let payload = &bytes[header_bytes..];
    let traffic_class = bytes[1] >> 4;
    let attributes = bytes[2] >> 4 & 3;
    let poisoned = bytes[2] & 0x40 != 0;
    let sender = u16::from_be_bytes([bytes[4], bytes[5]]);

    if is_completion {
        if !has_payload && length_field != 0 {
            return Err(PacketError::Reserved(3));
        }
        let code = bytes[6] >> 5;
        let status =
            CompletionStatus::from_code(u64::from(code)).ok_or(PacketError::Status(code))?;
        if bytes[6] & 0x10 != 0 {
            return Err(PacketError::ByteCountModified);
        }
        if bytes[11] & 0x80 != 0 {
            return Err(PacketError::Reserved(11));
        }
        if has_payload && status != CompletionStatus::Successful {
            return Err(PacketError::DataWithError(status));
        }
        let byte_count = u16::from_be_bytes([bytes[6] & 0xf, bytes[7]]);
        return Ok((
            Header::Completion(Completion {
                length: if has_payload { length } else { 0 },
                status,
                byte_count: if byte_count == 0 { 4096 } else { byte_count },
                lower_address: bytes[11],
                completer: sender,
                requester: u16::from_be_bytes([bytes[8], bytes[9]]),
                tag: bytes[10],
                traffic_class,
                attributes,
                poisoned,
            }),
            payload,
        ));
    }

    let mut address_bytes = [0; 8];
    address_bytes[8 - (header_bytes - 8)..].copy_from_slice(&bytes[8..header_bytes]);
    let address = u64::from_be_bytes(address_bytes);
    if address % 4 != 0 {
        return Err(PacketError::Reserved(header_bytes - 1));
    }
    if header_bytes == 16 && address >> 32 == 0 {
        return Err(PacketError::LongHeader);
    }
    if address % PAGE_BYTES as u64 + 4 * u64::from(length) > PAGE_BYTES as u64 {
        return Err(PacketError::PageCrossed { address, length });
    }
    let request = Request {
        address,
        length,
        first_enables: bytes[7] & 0xf,
        last_enables: bytes[7] >> 4,
        requester: sender,
        tag: bytes[6],
        traffic_class,
        attributes,
        poisoned,
    };
    if !request.byte_enables_legal() {
        return Err(PacketError::ByteEnables {
            first: request.first_enables,
            last: request.last_enables,
            length,
        });
    }
    let header = if has_payload {
        Header::MemoryWrite(request)
    } else {
        Header::MemoryRead(request)
    };
    Ok((header, payload))
}

#[cfg(test)]
mod tests;
