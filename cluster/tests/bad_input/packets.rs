//! Reads of nothing, and packets that no root complex sends.

use crate::scene::{Scene, exactly, play, receives};
use crate::support::options;
use abi::control::counter::Counter;
use abi::control::{REGISTER_WRITE_LINES, registers};
use abi::endpoint::{EXPRESS_OFFSET, PAGE_BYTES};
use abi::pcie::completion_status::CompletionStatus;
use host_driver::transport::{Bar, Transport};
use host_driver::{Destination, Error, SendError};
use sim::pcie::packet::{self, Completion, Header, Request};
use sim::pcie::{FIRST_RAW_TAG, ReadError};
use wayfarer_configuration::Configuration;

#[test]
fn reads_of_what_does_not_exist_end_in_unsupported_request() {
    play(
        options("bare", 61),
        |scene| {
            // A hole in the control registers, an endpoint page, the end of BAR4.
            let end = 2 * u64::from(scene.node.device.identity().endpoints) * PAGE_BYTES as u64;
            let absent = [(0, 0x03c), (2, 0), (2, 0x800), (4, end - 0x1000)];
            for (bar, offset) in absent {
                scene.fill()?;
                let read = scene.node.port.load(bar, offset, 4);
                assert_eq!(
                    read,
                    Err(ReadError::UnsupportedRequest),
                    "BAR{bar} {offset:#x}"
                );
            }
            // The driver says where and why.
            let read = scene.node.device.transport().read32(Bar::Control, 0x03c);
            let error = read.expect_err("there is nothing").to_string();
            for part in ["Control", "0x3c", "Unsupported Request"] {
                assert!(error.contains(part), "{error}");
            }
            scene.exchange()?;
            Ok(vec![exactly(Counter::HostUnsupported, 5)])
        },
        |scene| {
            scene.exchange()?;
            Ok(vec![])
        },
    );
}

/// What a host flushes its writes with: reads of no byte, answered wherever in a BAR they are.
#[test]
fn zero_length_reads_are_answered_everywhere() {
    play(
        options("bare", 66),
        |scene| {
            let half = u64::from(scene.node.device.identity().endpoints) * PAGE_BYTES as u64;
            for (bar, offset) in [
                (0, 0x000),
                (0, 0x03c),
                (0, 0xffc),
                (2, 0),
                (2, EXPRESS_OFFSET as u64),
                (2, half - 4),
                (4, 0),
                (4, half),
                // Behind the outbox, whatever the size of the half.
                (4, half + 0xf000),
                (4, 2 * half - 4),
            ] {
                scene.fill()?;
                let read = scene.node.port.load(bar, offset, 0);
                assert_eq!(read, Ok(vec![]), "BAR{bar} {offset:#x}");
            }
            scene.exchange()?;
            Ok(vec![])
        },
        |scene| {
            scene.exchange()?;
            Ok(vec![])
        },
    );
}

/// A write of these bytes to an address, before it is spoilt.
fn write(address: u64, bytes: &[u8]) -> (Request, Vec<u8>) {
    (Request::for_bytes(address, bytes.len()), bytes.to_vec())
}

/// As the bytes of a packet.
fn encoded(header: Header, payload: &[u8]) -> Vec<u8> {
    let mut packet = Vec::new();
    header.encode(payload, &mut packet);
    packet
}

#[test]
fn malformed_packets_and_unexpected_completions_change_nothing() {
    play(
        options("bare", 62),
        |scene| {
            let mut endpoint = scene.culprit()?;
            let offset = u64::from(endpoint.number().0) * PAGE_BYTES as u64 + EXPRESS_OFFSET as u64;
            let address = scene
                .node
                .port
                .with_side(|side| side.bridge.device_address(2, offset));
            let (request, payload) = write(address, b"not this");
            let good = encoded(Header::MemoryWrite(request), &payload);
            assert!(packet::decode(&good).is_ok());

            let mut malformed = Vec::new();
            // Poisoned.
            let poisoned = Request {
                poisoned: true,
                ..request
            };
            malformed.push(encoded(Header::MemoryWrite(poisoned), &payload));
            // Cut short behind the header, and with two beats too many.
            malformed.push(good[..16].to_vec());
            malformed.push([&good[..], &[0; 32]].concat());
            // A Fmt and Type that nobody has defined.
            malformed.push([&[0x7f], &good[1..]].concat());
            // Byte enables: none in the first of two double words.
            let mut enables = good.clone();
            enables[7] = 0xf0;
            malformed.push(enables);
            // Across 4 KiB.
            let mut crossing = good.clone();
            crossing[14] |= 0x0f;
            crossing[15] = 0xfc;
            malformed.push(crossing);
            for packet in &malformed {
                scene.fill()?;
                scene.node.port.send_raw_packet(packet);
            }

            // Completions of reads that nobody made: with data, without, with an error.
            for (length, status) in [
                (2, CompletionStatus::Successful),
                (0, CompletionStatus::UnsupportedRequest),
                (0, CompletionStatus::CompleterAbort),
            ] {
                scene.fill()?;
                let completion = Completion {
                    length,
                    status,
                    byte_count: 8,
                    lower_address: 0,
                    completer: 0,
                    requester: 0x0100,
                    tag: 31,
                    traffic_class: 0,
                    attributes: 0,
                    poisoned: false,
                };
                let payload = vec![0xee; 4 * usize::from(length)];
                let packet = encoded(Header::Completion(completion), &payload);
                scene.node.port.send_raw_packet(&packet);
            }

            // A write and a read beside every BAR.
            scene.fill()?;
            let nowhere = 0x7777_0000_0000;
            let (request, payload) = write(nowhere, &[1; 8]);
            let packet = encoded(Header::MemoryWrite(request), &payload);
            scene.node.port.send_raw_packet(&packet);
            let read = Request {
                tag: FIRST_RAW_TAG,
                ..Request::for_bytes(nowhere, 4)
            };
            let packet = encoded(Header::MemoryRead(read), &[]);
            scene.node.port.send_raw_packet(&packet);
            scene.exchange()?;
            let answers = scene
                .node
                .port
                .with_side(|side| side.bridge.take_raw_completions());
            let statuses: Vec<_> = answers
                .iter()
                .map(|bytes| match packet::decode(bytes) {
                    Ok((Header::Completion(completion), _)) => (completion.tag, completion.status),
                    other => panic!("{other:?}"),
                })
                .collect();
            let refused = CompletionStatus::UnsupportedRequest;
            assert_eq!(statuses, [(FIRST_RAW_TAG, refused)]);

            send_good(&mut endpoint)?;
            scene.exchange()?;
            scene.node.barrier();
            endpoint.check()?;
            Ok(vec![
                exactly(Counter::HostMalformed, malformed.len() as u32),
                exactly(Counter::HostUnsupported, 2),
                exactly(Counter::CompletionUnexpected, 3),
            ])
        },
        |scene| {
            let mut endpoint = scene.culprit()?;
            receives(scene, &mut endpoint, &[b"but this"])?;
            Ok(vec![])
        },
    );
}

/// The packet of a write to a BAR.
fn bar_write(scene: &Scene, bar: u8, offset: u64, payload: &[u8]) -> Vec<u8> {
    let address = scene
        .node
        .port
        .with_side(|side| side.bridge.device_address(bar, offset));
    let (request, payload) = write(address, payload);
    encoded(Header::MemoryWrite(request), &payload)
}

/// A register, as the host reads it.
fn register(scene: &Scene, offset: usize) -> Result<u32, Error> {
    let transport = scene.node.device.transport();
    Ok(transport.read32(Bar::Control, offset as u64)?)
}

/// Writes of many lines, each with a beat too few or one or more too many. What they say of registers would end
/// everything.
#[test]
fn malformed_writes_change_no_register_and_launch_nothing() {
    play(
        options("bare", 64),
        |scene| {
            let mut endpoint = scene.culprit()?;
            let page = u64::from(endpoint.number().0) * PAGE_BYTES as u64;
            let scratch = registers::scratch::OFFSET;
            scene.node.port.store(0, scratch as u64, &[0x5c; 4]);
            // From `scratch` over the node's number and the admin queue; the counters; the culprit's slots; its page.
            let junk = [0xbd; 256];
            let mut malformed = 0;
            for (bar, offset, bytes) in [
                (0, scratch as u64, 64),
                (0, scratch as u64, 128),
                (0, scratch as u64, 4),
                (0, registers::counters::OFFSET as u64, 256),
                (4, page, 256),
                (4, page + 4, 200),
                (2, page + EXPRESS_OFFSET as u64, 8),
            ] {
                let packet = bar_write(scene, bar, offset, &junk[..bytes]);
                let longer = [&packet[..], &[0xbd; 16]].concat();
                let much_longer = [&packet[..], &[0xbd; 64]].concat();
                let shorter = &packet[..packet.len().saturating_sub(16).max(16)];
                let half = &packet[..packet.len() / 2];
                for spoilt in [&longer, &much_longer, shorter, half] {
                    scene.fill()?;
                    scene.node.port.send_raw_packet(spoilt);
                    malformed += 1;
                }
            }
            // More data than the link allows, though as much as the headers say.
            for (bar, offset) in [(0, scratch as u64), (4, page), (2, page)] {
                scene.fill()?;
                let packet = bar_write(scene, bar, offset, &[0xbd; 260]);
                scene.node.port.send_raw_packet(&packet);
                malformed += 1;
            }
            scene.exchange()?;
            assert_eq!(register(scene, scratch)?, 0x5c5c_5c5c);
            let node = register(scene, registers::node::OFFSET)?;
            assert_eq!(node, u32::from(scene.node.number()));
            // The slots are the host's to write anew.
            endpoint.send_basic(Destination(0), 0, b"but this, which is long")?;
            scene.exchange()?;
            scene.node.barrier();
            endpoint.check()?;
            Ok(vec![exactly(Counter::HostMalformed, malformed)])
        },
        |scene| {
            let mut endpoint = scene.culprit()?;
            receives(scene, &mut endpoint, &[b"but this, which is long"])?;
            Ok(vec![])
        },
    );
}

/// As many writes to registers as must find room do, faster than they are carried out; what finds none is dropped
/// whole.
#[test]
fn writes_to_registers_are_carried_out_whole_or_counted() {
    play(
        options("bare", 65),
        |scene| {
            let lines = REGISTER_WRITE_LINES as u64;
            let scratch = registers::scratch::OFFSET as u64;
            let counters = registers::counters::OFFSET as u64;
            let device = Configuration::chosen().expect("the NIU was made from it");
            let room = device.value("host.register_write_beats");
            let counter = |scene: &Scene, counter| scene.node.device.counter(counter);
            let send = |scene: &Scene, packets: &[Vec<u8>]| {
                scene.node.port.with_side(|side| {
                    for packet in packets {
                        side.bridge.write_raw(packet);
                    }
                });
            };
            // One after the other; a read behind them waits until the last is done.
            scene.fill()?;
            let stores: Vec<_> = (0..lines)
                .map(|n| bar_write(scene, 0, scratch, &[n as u8; 4]))
                .collect();
            send(scene, &stores);
            let last = u32::from_le_bytes([lines as u8 - 1; 4]);
            assert_eq!(register(scene, scratch as usize)?, last);
            assert_eq!(counter(scene, Counter::RegisterOverflow)?, 0);

            // In one packet: read-only registers count what is carried out.
            let whole = 16 * lines as usize;
            send(scene, &[bar_write(scene, 0, counters, &vec![0; whole])]);
            let mut refused = counter(scene, Counter::ReadOnlyWrite)?;
            assert_eq!(refused, 4 * lines as u32);
            // Two that fill the room but for a line, each no longer than the link allows, and a third of which a line
            // finds room.
            let half = bar_write(scene, 0, counters, &vec![0; 8 * room as usize]);
            let less = bar_write(scene, 0, counters, &vec![0; 8 * room as usize - 16]);
            send(scene, &[half.clone(), less, half]);
            refused += 4 * (room as u32 - 1);
            assert_eq!(counter(scene, Counter::ReadOnlyWrite)?, refused);
            assert_eq!(counter(scene, Counter::RegisterOverflow)?, 1);
            // Stores without end: each is carried out or counted.
            let stores = 5 * room as u32;
            let packets: Vec<_> = (0..stores)
                .map(|_| bar_write(scene, 0, counters, &[0; 4]))
                .collect();
            send(scene, &packets);
            let done = counter(scene, Counter::ReadOnlyWrite)? - refused;
            let lost = counter(scene, Counter::RegisterOverflow)? - 1;
            assert_eq!(done + lost, stores);
            assert!(
                u64::from(done) >= room && lost > 0,
                "{done} done, {lost} lost"
            );
            scene.exchange()?;
            Ok(vec![
                exactly(Counter::ReadOnlyWrite, refused + done),
                exactly(Counter::RegisterOverflow, 1 + lost),
            ])
        },
        |scene| {
            scene.exchange()?;
            Ok(vec![])
        },
    );
}

/// More than the NIU has buffers for: each must be answered, and its buffer be freed, or the next ones never leave.
#[test]
fn requests_of_every_other_kind_are_refused_and_messages_pass_unheard() {
    /// Fmt and Type, double words of header, double words of payload. The first two are locked reads.
    const KINDS: [(u8, usize, usize); 16] = [
        (0x01, 3, 0),
        (0x21, 4, 0),
        (0x02, 3, 0),
        (0x42, 3, 1),
        (0x04, 3, 0),
        (0x44, 3, 1),
        (0x05, 3, 0),
        (0x45, 3, 1),
        (0x4c, 3, 1),
        (0x6c, 4, 2),
        (0x4d, 3, 1),
        (0x6d, 4, 2),
        (0x4e, 3, 2),
        (0x6e, 4, 4),
        (0x5b, 3, 1),
        (0x7b, 4, 1),
    ];
    play(
        options("bare", 63),
        |scene| {
            let mut tags = Vec::new();
            for (number, (format_type, header, payload)) in KINDS.into_iter().enumerate() {
                scene.fill()?;
                let tag = FIRST_RAW_TAG + number as u8;
                let mut packet = vec![0; 4 * (header + payload)];
                packet[0] = format_type;
                packet[3] = payload.max(1) as u8;
                packet[6] = tag;
                packet[7] = 0x0f;
                scene.node.port.send_raw_packet(&packet);
                tags.push(tag);
            }
            // Messages, without and with data: they are owed nothing, and these two need not be understood.
            for (format_type, double_words) in [(0x34, 4), (0x74, 5)] {
                let mut packet = vec![0; 4 * double_words];
                packet[0] = format_type;
                packet[3] = u8::from(double_words == 5);
                scene.node.port.send_raw_packet(&packet);
            }
            scene.exchange()?;
            let answers = scene
                .node
                .port
                .with_side(|side| side.bridge.take_raw_completions());
            let mut answered = Vec::new();
            for mut bytes in answers {
                // CplLk is like Cpl but for its type.
                let locked = answered.len() < 2;
                assert_eq!(bytes[0], if locked { 0x0b } else { 0x0a });
                bytes[0] = 0x0a;
                match packet::decode(&bytes) {
                    Ok((Header::Completion(completion), _)) => {
                        assert_eq!(completion.status, CompletionStatus::UnsupportedRequest);
                        assert_eq!((completion.byte_count, completion.lower_address), (4, 0));
                        answered.push(completion.tag);
                    }
                    other => panic!("{other:?}"),
                }
            }
            assert_eq!(answered, tags);
            scene.node.barrier();
            Ok(vec![exactly(Counter::HostUnsupported, KINDS.len() as u32)])
        },
        |scene| {
            scene.exchange()?;
            scene.node.barrier();
            Ok(vec![])
        },
    );
}

fn send_good(endpoint: &mut host_driver::Endpoint) -> Result<(), SendError> {
    endpoint.send_express(Destination(0), 0, *b"but this")
}
