use super::*;
use crate::pcie::random::Random;

fn write_packet(address: u64, payload: &[u8]) -> Vec<u8> {
    let mut request = Request::for_bytes(address, payload.len());
    (request.requester, request.tag) = (0x0102, 0x34);
    let mut packet = Vec::new();
    Header::MemoryWrite(request).encode(payload, &mut packet);
    packet
}

#[test]
fn golden_packets_have_the_bytes_of_the_specification() {
    let expected = [
        0x40, 0, 0, 2, 0x01, 0x02, 0x34, 0xff, 0xfe, 0xdc, 0xba, 0x98, 1, 2, 3, 4, 5, 6, 7, 8,
    ];
    assert_eq!(
        write_packet(0xfedc_ba98, &[1, 2, 3, 4, 5, 6, 7, 8]),
        expected
    );
    let expected = [
        0x60, 0, 0, 1, 0x01, 0x02, 0x34, 0x0f, 0, 0, 0, 0x12, 0x34, 0x56, 0x78, 0x9c, 9, 8, 7, 6,
    ];
    assert_eq!(write_packet(0x12_3456_789c, &[9, 8, 7, 6]), expected);

    let mut request = Request::for_bytes(0x1000, 4096);
    (
        request.requester,
        request.tag,
        request.traffic_class,
        request.attributes,
    ) = (0xabcd, 0x1f, 5, 2);
    let mut packet = Vec::new();
    Header::MemoryRead(request).encode(&[], &mut packet);
    assert_eq!(
        packet,
        [
            0x00, 0x50, 0x20, 0x00, 0xab, 0xcd, 0x1f, 0xff, 0, 0, 0x10, 0
        ]
    );

    let mut completion = Completion {
        length: 1,
        status: CompletionStatus::Successful,
        byte_count: 4096,
        lower_address: 0x7c,
        completer: 0x0100,
        requester: 0x0008,
        tag: 3,
        traffic_class: 0,
        attributes: 0,
        poisoned: false,
    };
    let mut packet = Vec::new();
    Header::Completion(completion).encode(&[4, 3, 2, 1], &mut packet);
    assert_eq!(
        packet,
        [0x4a, 0, 0, 1, 1, 0, 0, 0, 0, 8, 3, 0x7c, 4, 3, 2, 1]
    );
    (completion.length, completion.status, completion.byte_count) =
        (0, CompletionStatus::CompleterAbort, 0x123);
    let mut packet = Vec::new();
    Header::Completion(completion).encode(&[], &mut packet);
    assert_eq!(packet, [0x0a, 0, 0, 0, 1, 0, 0x81, 0x23, 0, 8, 3, 0x7c]);
}

#[test]
fn for_bytes_enables_exactly_those_bytes() {
    for start in 0..8u64 {
        for bytes in 0..20usize {
            let request = Request::for_bytes(0x2000 + start, bytes);
            for index in 0..4 * usize::from(request.length) {
                let address = request.address + index as u64;
                let wanted = (0x2000 + start..0x2000 + start + bytes as u64).contains(&address);
                assert_eq!(
                    request.enabled(index),
                    wanted,
                    "{bytes} bytes at {start}, byte {index}"
                );
            }
            assert!(request.byte_enables_legal());
            assert_eq!(usize::from(request.byte_count()), bytes.max(1));
            if bytes > 0 {
                assert_eq!(request.first_byte(), 0x2000 + start);
            }
        }
    }
}

/// Table 2-37 of 2.3.1.1 for one double word, row by row.
#[test]
fn byte_counts_of_single_double_words_are_those_of_the_table() {
    let table = [1, 1, 1, 2, 1, 3, 2, 3, 1, 4, 3, 4, 2, 4, 3, 4];
    for (enables, expected) in table.into_iter().enumerate() {
        let request = Request {
            first_enables: enables as u8,
            ..Request::for_bytes(0x40, 4)
        };
        assert_eq!(request.byte_count(), expected, "enables {enables:#06b}");
    }
}

#[test]
fn random_packets_survive_the_round_trip() {
    let mut random = Random::new(7);
    for _ in 0..3000 {
        let mut address = random.next_u64() >> random.below(40);
        let mut bytes = random.below(600) as usize + 1;
        bytes = bytes.min(4096 - (address % 4096) as usize);
        address &= (1 << 52) - 1;
        let mut request = Request::for_bytes(address, bytes);
        request.requester = random.next_u64() as u16;
        request.tag = random.next_u64() as u8;
        request.traffic_class = random.below(8) as u8;
        request.attributes = random.below(4) as u8;
        request.poisoned = random.below(2) == 0;
        let (header, payload) = if random.below(2) == 0 {
            let payload = (0..4 * request.length)
                .map(|_| random.next_u64() as u8)
                .collect();
            (Header::MemoryWrite(request), payload)
        } else {
            (Header::MemoryRead(request), Vec::new())
        };
        let mut packet = Vec::new();
        header.encode(&payload, &mut packet);
        assert_eq!(decode(&packet), Ok((header, &payload[..])));
        assert_eq!(
            declared_sizes(&packet),
            Some((header.header_bytes(), payload.len()))
        );
    }
}

/// Each change makes the packet illegal in one way, and [`decode`] names that way.
#[test]
fn illegal_packets_are_refused_by_the_rule_they_break() {
    let good = write_packet(0x8000_0ff0, &[1; 16]);
    assert!(decode(&good).is_ok());
    let changed = |index: usize, value: u8| {
        let mut packet = good.clone();
        packet[index] = value;
        decode(&packet).unwrap_err()
    };
    assert_eq!(decode(&[]), Err(PacketError::HeaderTruncated(0)));
    assert_eq!(decode(&good[..11]), Err(PacketError::HeaderTruncated(11)));
    assert_eq!(
        decode(&good[..24]),
        Err(PacketError::Length {
            expected: 28,
            actual: 24
        })
    );
    assert_eq!(changed(0, 0x01), PacketError::FormatType(0x01));
    assert_eq!(
        changed(0, 0x60),
        PacketError::Length {
            expected: 32,
            actual: 28
        }
    );
    assert_eq!(changed(1, 0x01), PacketError::Reserved(1));
    assert_eq!(changed(1, 0x80), PacketError::Reserved(1));
    assert_eq!(changed(2, 0x04), PacketError::Reserved(2));
    assert_eq!(changed(2, 0x80), PacketError::Digest);
    assert_eq!(
        changed(3, 3),
        PacketError::Length {
            expected: 24,
            actual: 28
        }
    );
    assert_eq!(changed(11, 0xf1), PacketError::Reserved(11));
    assert_eq!(
        changed(11, 0xf4),
        PacketError::PageCrossed {
            address: 0x8000_0ff4,
            length: 4
        }
    );
    for enables in [0x0f, 0xf0, 0xf7, 0xfb, 0xef, 0xdf] {
        let error = changed(7, enables);
        assert!(
            matches!(error, PacketError::ByteEnables { .. }),
            "{enables:#x}: {error}"
        );
    }

    let mut long_header = write_packet(0x1_0000_0000, &[0; 4]);
    long_header[11] = 0;
    assert_eq!(decode(&long_header), Err(PacketError::LongHeader));
}

#[test]
fn illegal_completions_are_refused_by_the_rule_they_break() {
    let good = [0x4a, 0, 0, 1, 1, 0, 0, 4, 0, 8, 3, 0x7c, 4, 3, 2, 1];
    assert!(decode(&good).is_ok());
    let changed = |index: usize, value: u8| {
        let mut packet = good;
        packet[index] = value;
        decode(&packet).unwrap_err()
    };
    assert_eq!(changed(6, 0x60), PacketError::Status(3));
    assert_eq!(
        changed(6, 0x20),
        PacketError::DataWithError(CompletionStatus::UnsupportedRequest)
    );
    assert_eq!(changed(6, 0x10), PacketError::ByteCountModified);
    assert_eq!(changed(11, 0x80), PacketError::Reserved(11));
    assert_eq!(
        decode(&[0x0a, 0, 0, 1, 1, 0, 0x20, 4, 0, 8, 3, 0]),
        Err(PacketError::Reserved(3))
    );
}

/// 2.2.5: enables that are not contiguous are legal in one double word and in an aligned pair only.
#[test]
fn gaps_in_byte_enables_are_legal_exactly_where_the_specification_says() {
    let enables = |address: u64, length: u16, first_enables: u8, last_enables: u8| {
        let request = Request {
            length,
            first_enables,
            last_enables,
            ..Request::for_bytes(address, 4)
        };
        request.byte_enables_legal()
    };
    assert!(enables(0x10, 1, 0b0101, 0));
    assert!(enables(0x10, 1, 0, 0));
    assert!(enables(0x10, 2, 0b0101, 0b1010));
    assert!(!enables(0x14, 2, 0b0101, 0b1010));
    assert!(!enables(0x10, 2, 0, 0b1111));
    assert!(enables(0x14, 2, 0b1000, 0b0001));
    assert!(!enables(0x10, 3, 0b1001, 0b0001));
}
