//! Directed tests: what each frame leads to, and in how many cycles.

use super::bench::{Bench, Said, Seen, Small, Write, allowance};
use super::*;
use crate::gate::Random;
use crate::queues::receive::test_frames::{Frame, beat, random_bytes, with_last};
use crate::queues::test_support::configuration;
use abi::link::{header, kind};
use abi::message::receive_descriptor as descriptor;
use abi::queue_state::{
    REGION_PACKET_RELEASE, REGION_RECEIVE_MAP, REGION_RECEIVE_QUEUE, REGION_SEGMENT,
    receive_control,
};

mod drops;

/// A message for receive queue `queue`, which has RQID `id`, from queue 3 of node 9.
fn message(queue: u64, id: u64, index: u64) -> Frame {
    Frame {
        node: 9,
        slot: 3,
        generation: 0x51,
        index,
        endpoint: 0xabc,
        id,
        tag: 0xa5,
        queue: Some(queue),
        ..Frame::default()
    }
}

/// The 16 bytes at the head of an entry.
fn entry(frame: Frame, phase: u64, payload: &[u8]) -> Vec<u8> {
    let mut word = descriptor::phase::set(0, phase);
    word = descriptor::marked::set(word, frame.marked.into());
    word = descriptor::tag::set(word, frame.tag);
    word = descriptor::length::set(word, payload.len() as u64);
    word = descriptor::source_endpoint::set(word, frame.endpoint);
    word = descriptor::source_node::set(word, frame.node);
    word = descriptor::receive_queue_id::set(word, frame.id);
    let mut bytes = word.to_le_bytes()[..8].to_vec();
    bytes.extend(&payload[..payload.len().min(8)]);
    bytes.resize(16, 0);
    bytes
}

/// Frames of remote memory, messages and firmware packets of all streams: their writes leave in the order in which
/// their headers were taken, and each is answered once.
#[test]
fn writes_leave_in_the_order_of_the_frames_whatever_they_are() {
    let (ring, page) = (0x5000_0000, 0x70_0000);
    for seed in 0..6 {
        let mut bench = Small::new(seed);
        bench.attach_bulk();
        bench.enable(5, 7, ring, 10, 8);
        for (word, data) in [(1, 0xffff), (0, page << 19 | 0x63)] {
            let bulk = bench.bulk.as_mut().expect("attached");
            bulk.configuration.next = configuration(REGION_SEGMENT, 6 + word, data);
            bench.step();
        }
        let mut random = Random::new(100 + seed);
        let percent = [100, 70, 40];
        bench.offers = percent[random.below(3) as usize];
        bench.writes_taken = percent[random.below(3) as usize];
        bench.answers_taken = percent[random.below(3) as usize];
        // Index 0 to 127 tells which frame it is; a third of them are of each kind.
        let is_bulk: Vec<bool> = (0..128).map(|_| random.chance(50)).collect();
        for (index, is_bulk) in is_bulk.iter().enumerate() {
            let stream = random.below(3) as usize;
            let words = random.below(65) as usize;
            if *is_bulk && words > 0 {
                let mut payload = ((1u64 << 32) | (index as u64 * 256)).to_le_bytes().to_vec();
                payload.extend(random_bytes(&mut random, 4 * words));
                let mut beats = message(0, 3, index as u64).beats(&payload);
                let word = header::kind::set(beats[0], kind::BULK as u64);
                beats[0] = header::length::set(header::tag::set(word, 0), 2 + words as u64);
                bench.streams[stream].extend(with_last(&[beats]));
            } else {
                let payload = random_bytes(&mut random, 3 * words);
                let mut frame = message(5, 7, index as u64);
                frame.packet = random.chance(15);
                frame.restart = true;
                bench.send(stream, frame, &payload);
            }
        }
        let seen = bench.run();
        assert_eq!(seen.taken.len(), 128, "seed {seed}");
        let mut writes = seen.writes.iter();
        let mut entry = ring;
        let mut answered = 0;
        for header in &seen.taken {
            match header::kind::get(*header) as usize {
                kind::BULK => {
                    let write = writes.next().expect("a write is missing");
                    let offset = header::index::get(*header) * 256;
                    assert_eq!(write.address, (page << 12) + offset, "seed {seed}");
                    assert_eq!(
                        write.data.len() as u64,
                        4 * (header::length::get(*header) - 2)
                    );
                    answered += 1;
                }
                kind::MESSAGE => {
                    if header::length::get(*header) > 8 {
                        let write = writes.next().expect("a write is missing");
                        assert_eq!(write.address, entry + 16, "seed {seed}");
                    }
                    let write = writes.next().expect("a write is missing");
                    assert_eq!(write.address, entry, "seed {seed}");
                    entry += 256;
                    answered += 1;
                }
                _ => {}
            }
        }
        assert!(writes.next().is_none());
        let accepted = |said: &&Said| said.verdict == kind::ACCEPTED;
        assert_eq!(seen.said.iter().filter(accepted).count(), answered);
        assert_eq!(seen.said.len(), answered);
    }
}

fn send_and_run<const Q: usize, const I: usize, const N: usize, const S: usize, const F: usize>(
    bench: &mut Bench<Q, I, N, S, F>,
    stream: usize,
    frames: &[(Frame, &[u8])],
) -> Seen {
    for (frame, payload) in frames {
        bench.send(stream, *frame, payload);
    }
    bench.run()
}

/// Each length on each stream, for the sizes of the configuration: the payload is written whole,
/// and the descriptor last.
#[test]
fn each_length_is_written_whole_and_the_descriptor_last() {
    let mut bench = Bench::<
        RECEIVE_QUEUES_LOG2,
        RECEIVE_QUEUE_IDS_LOG2,
        NODES_LOG2,
        PEER_QUEUES_LOG2,
        FLOWS_LOG2,
    >::new(1);
    let address = 0x12_ffff_ff00;
    let queue = (1 << RECEIVE_QUEUES_LOG2) - 1;
    let id = (1 << RECEIVE_QUEUE_IDS_LOG2) - 1;
    bench.enable(queue, id, address, 9, 8);
    assert_eq!(bench.look_up(id), Some(queue));
    assert_eq!(bench.look_up(id - 1), None);
    let lengths = (0..=248)
        .step_by(7)
        .chain([248, 8, 9, 12, 13, 24, 25, 28, 29, 240, 241, 244, 245]);
    for (index, length) in lengths.enumerate() {
        let payload: Vec<u8> = (0..length)
            .map(|byte| (byte * 7 + index) as u8 | 1)
            .collect();
        let frame = Frame {
            node: (1 << NODES_LOG2) - 1,
            slot: (1 << PEER_QUEUES_LOG2) - 1,
            ..message(queue, id, index as u64)
        };
        let seen = send_and_run(&mut bench, index % 3, &[(frame, &payload)]);
        let place = address + index as u64 * 256;
        let mut expected = Vec::new();
        if length > 8 {
            let mut data = payload[8..].to_vec();
            data.resize(data.len().next_multiple_of(4), 0);
            expected.push(Write {
                address: place + 16,
                data,
            });
        }
        expected.push(Write {
            address: place,
            data: entry(frame, 1, &payload),
        });
        assert_eq!(seen.writes, expected, "length {length}");
        let said = Said {
            node: frame.node,
            slot: frame.slot,
            generation: 0x51,
            index: index as u64 % 128,
            verdict: kind::ACCEPTED,
        };
        assert_eq!(seen.said, [said]);
        assert_eq!(seen.names(), ["received"]);
        // The loopback may miss its turn.
        let cycles = seen.described[0];
        assert!(
            cycles == 3 || (index % 3 == 2 && cycles == 4),
            "header to descriptor beat: {cycles}"
        );
    }
}

/// Express messages every 2 cycles, of one sender to one queue, of many to many, on one channel and
/// on all streams; 248 bytes every 18.
#[test]
fn rates_are_as_documented() {
    for (length, cycles) in [
        (8, 2),
        (0, 2),
        (9, 4),
        (24, 4),
        (25, 5),
        (120, 10),
        (248, 18),
    ] {
        for streams in [vec![0], vec![1], vec![2], vec![0, 1, 2]] {
            for queues in [1, 5] {
                let mut bench = Small::new(2);
                for queue in 0..queues {
                    bench.enable(queue, queue + 7, 0x10_0000 * (queue + 1), 6, 8);
                }
                for index in 0..30 {
                    let queue = index % queues;
                    let frame = Frame {
                        slot: index % queues,
                        channel: streams[index as usize % streams.len()] as u64 & 1,
                        ..message(queue, queue + 7, index)
                    };
                    let stream = streams[index as usize % streams.len()];
                    bench.send(stream, frame, &vec![5; length]);
                }
                let seen = bench.run();
                let received = seen.cycles_of("received");
                assert_eq!(received.len(), 30);
                assert!(
                    received.windows(2).all(|pair| pair[1] - pair[0] == cycles),
                    "{length} bytes on {streams:?} to {queues} queues: {received:?}"
                );
                // Header offered in cycle 0: descriptor beat in 3, entry two beats later where it is the only write.
                assert!(seen.described[0] <= 4);
                assert_eq!(seen.said.len(), 30);
            }
        }
    }
}

#[test]
fn stages_of_a_marked_message() {
    let mut bench = Small::new(3);
    bench.enable(0, 1, 0x1000, 6, 8);
    let marked = Frame {
        marked: true,
        ..message(0, 1, 0)
    };
    let seen = send_and_run(&mut bench, 1, &[(marked, &[5; 20])]);
    assert_eq!(
        seen.pulses,
        [
            ("checked", 1),
            ("matched", 2),
            ("request_out", 3),
            ("received", 6)
        ]
    );
    assert_eq!(seen.marks, [true, false]);
    assert_eq!(seen.writes[1].data, entry(marked, 1, &[5; 20]));
    // An answer to a message of a node that is alone: when it leaves.
    assert_eq!(seen.answers[0].0, 10, "four cycles behind the entry");
}

#[test]
fn a_full_ring_refuses_and_its_sender_is_behind_until_it_restarts() {
    let mut bench = Small::new(4);
    let (queue, id) = (15, 0x2f);
    bench.enable(queue, id, 0x8000, 1, 4);
    let plain = |index| message(queue, id, index);
    let again = |index| Frame {
        restart: true,
        ..message(queue, id, index)
    };
    let send = |bench: &mut Small, frames: &[Frame]| {
        let payloads: Vec<[u8; 8]> = frames.iter().map(|frame| [frame.index as u8; 8]).collect();
        let frames: Vec<(Frame, &[u8])> = frames
            .iter()
            .zip(&payloads)
            .map(|(frame, payload)| (*frame, &payload[..]))
            .collect();
        send_and_run(bench, 0, &frames)
    };
    let seen = send(&mut bench, &[plain(0), plain(1), plain(2), plain(3)]);
    assert_eq!(seen.names(), ["received", "received", "full", "behind"]);
    assert_eq!(
        seen.verdicts(),
        [
            (0, kind::ACCEPTED),
            (1, kind::ACCEPTED),
            (2, kind::FULL),
            (3, kind::BEHIND)
        ]
    );
    let seen = send(&mut bench, &[again(2), plain(3)]);
    assert_eq!(seen.names(), ["full", "behind"]);

    // Room for one, but only a restart makes the receiver listen; other queues of the receiver are meant too.
    bench.enable(3, 0x11, 0x9000, 2, 4);
    bench.give_back(queue, 1);
    let seen = send(
        &mut bench,
        &[plain(3), message(3, 0x11, 4), message(3, 0x12, 5)],
    );
    assert_eq!(seen.names(), ["behind"; 3]);
    let seen = send(&mut bench, &[again(2), plain(3)]);
    assert_eq!(seen.names(), ["received", "full"]);
    assert_eq!(
        seen.writes,
        [Write {
            address: 0x8000,
            data: entry(plain(2), 0, &[2; 8])
        }],
        "second lap: phase 0"
    );
    // Other nodes, slots and channels are not concerned.
    let others = [
        Frame {
            node: 10,
            ..message(3, 0x11, 0)
        },
        Frame {
            slot: 2,
            ..message(3, 0x11, 1)
        },
        Frame {
            channel: 1,
            ..message(3, 0x11, 2)
        },
    ];
    assert_eq!(send(&mut bench, &others).names(), ["received"; 3]);
    assert_eq!(send(&mut bench, &[message(3, 0x11, 3)]).names(), ["behind"]);
    // A restart that is refused for good, or accepted elsewhere, clears the bit.
    let seen = send(
        &mut bench,
        &[
            Frame {
                restart: true,
                queue: None,
                ..message(3, 0x12, 3)
            },
            message(3, 0x11, 4),
        ],
    );
    assert_eq!(seen.names(), ["miss", "received"]);
}

#[test]
fn unknown_ids_and_short_entries_are_refused_and_told() {
    let mut bench = Small::new(5);
    bench.enable(2, 0x22, 0x8000, 1, 5);
    let restart = |queue, id, index| Frame {
        restart: true,
        ..message(queue, id, index)
    };
    let not_resident = Frame {
        queue: None,
        ..restart(0, 0x22, 1)
    };
    let seen = send_and_run(
        &mut bench,
        1,
        &[
            // The map was of another time: the sender shall try again.
            (restart(2, 0x23, 0), &[1; 100]),
            (not_resident, &[1; 100]),
            (restart(1, 0x22, 2), &[1; 8]),
            // RQIDs have 16 bits, of which 12 choose the queue.
            (restart(2, 0x1022, 3), &[1; 8]),
            (message(2, 0x22, 4), &[2; 25]),
            (message(2, 0x22, 5), &[2; 248]),
            (message(2, 0x22, 6), &[3; 24]),
        ],
    );
    assert_eq!(
        seen.names(),
        ["full", "miss", "full", "miss", "small", "small", "received"]
    );
    let miss = kind::NOT_RESIDENT;
    let full = kind::FULL;
    let small = kind::ENTRY_TOO_SMALL;
    assert_eq!(
        seen.verdicts(),
        [
            (0, full),
            (1, miss),
            (2, full),
            (3, miss),
            (4, small),
            (5, small),
            (6, kind::ACCEPTED)
        ]
    );
    let event = |id: u64| (abi::event::kind::RECEIVE_MISS, 0xabc, 9 << 16 | id);
    assert_eq!(seen.events, [event(0x22), event(0x1022)]);
    assert_eq!(seen.writes.len(), 2);
    // A queue that firmware disables takes nothing, and its ring begins anew when it is enabled again.
    bench.control(2, 0x22, 1, 5, 0);
    let seen = send_and_run(&mut bench, 1, &[(message(2, 0x22, 7), &[])]);
    assert_eq!(seen.names(), ["full"]);
    bench.enable(2, 0x22, 0x4000, 1, 5);
    let frame = restart(2, 0x22, 8);
    let seen = send_and_run(&mut bench, 1, &[(frame, &[]), (frame, &[]), (frame, &[])]);
    assert_eq!(seen.names(), ["received", "received", "full"]);
    assert_eq!(
        seen.writes[0],
        Write {
            address: 0x4000,
            data: entry(frame, 1, &[])
        }
    );
}

/// Entries of each size take exactly the payload that fits.
#[test]
fn each_entry_takes_what_fits() {
    for stride_log2 in 4..=8 {
        let mut bench = Small::new(6);
        bench.enable(7, 7, 0x4000, 5, stride_log2);
        let longest = (1 << stride_log2) - 8;
        for length in [
            0,
            8,
            longest - 16,
            longest,
            longest + 1,
            longest + 4,
            longest + 100,
        ] {
            let length = usize::try_from(length).unwrap_or(0).min(248);
            let seen = send_and_run(&mut bench, 0, &[(message(7, 7, 0), &vec![1; length])]);
            let expected = if length as i64 <= longest {
                "received"
            } else {
                "small"
            };
            assert_eq!(
                seen.names(),
                [expected],
                "{length} bytes, stride 2^{stride_log2}"
            );
        }
    }
}

#[test]
fn consumer_indices_beyond_what_was_delivered_are_ignored() {
    let mut bench = Small::new(7);
    bench.enable(1, 1, 0x8000, 2, 4);
    let frames: Vec<(Frame, &[u8])> = (0..3)
        .map(|index| (message(1, 1, index), &[][..]))
        .collect();
    assert_eq!(
        send_and_run(&mut bench, 0, &frames).names(),
        ["received"; 3]
    );
    for (index, bad) in [
        (4, true),
        (0xffff, true),
        (2, false),
        (2, false),
        (1, true),
        (4, true),
        (3, false),
        (3, false),
    ] {
        bench.give_back(1, index);
        bench.steps(4);
        let seen = std::mem::take(&mut bench.seen);
        let expected: &[&str] = if bad { &["bad"] } else { &[] };
        assert_eq!(seen.names(), expected, "index {index}");
    }
    // All 4 entries are free.
    let frames: Vec<(Frame, &[u8])> = (0..5)
        .map(|index| (message(1, 1, index), &[][..]))
        .collect();
    let seen = send_and_run(&mut bench, 0, &frames);
    assert_eq!(
        seen.names(),
        ["received", "received", "received", "received", "full"]
    );
}

#[test]
fn packets_go_to_the_inbox_in_turn() {
    let mut bench = Small::new(8);
    let packet = |length: usize, tag: u64| {
        let frame = Frame {
            packet: true,
            tag,
            ..message(0, 0, 0)
        };
        let payload: Vec<u8> = (0..length).map(|byte| byte as u8 + tag as u8).collect();
        (frame, payload)
    };
    let mut place = 0;
    for (length, tag, fits) in [
        (248, 1, true),
        (12, 2, true),
        (13, 3, true),
        (0, 4, true),
        (5, 5, false),
    ] {
        let (frame, payload) = packet(length, tag);
        let seen = send_and_run(&mut bench, 1, &[(frame, &payload)]);
        assert!(seen.said.is_empty() && seen.writes.is_empty());
        if !fits {
            assert_eq!(seen.names(), ["dropped"]);
            assert!(seen.inbox.is_empty() && seen.events.is_empty());
            continue;
        }
        assert_eq!(seen.names(), ["packet"]);
        let mut bytes = Vec::new();
        for (at, (address, word, enables)) in seen.inbox.iter().enumerate() {
            assert_eq!(*address, 64 + 16 * place + at as u64);
            let last = at + 1 == seen.inbox.len();
            assert_eq!(*enables, if last { 0x0fff } else { 0xffff });
            bytes.extend(word.to_le_bytes());
        }
        assert_eq!(bytes[..length], payload);
        let data = 9 << 16 | (length as u64) << 8 | tag;
        assert_eq!(seen.events, [(abi::event::kind::PACKET, place, data)]);
        place += 1;
    }
    bench.configure(REGION_PACKET_RELEASE, 0, 0);
    let ((first, some), (second, more)) = (packet(100, 6), packet(100, 7));
    let seen = send_and_run(&mut bench, 1, &[(first, &some), (second, &more)]);
    assert_eq!(seen.names(), ["packet", "dropped"]);
    assert_eq!(seen.inbox[0].0, 64, "the first place again");
    // More releases than packets give no more than four places.
    for _ in 0..6 {
        bench.configure(REGION_PACKET_RELEASE, 7, 0);
    }
    let packets: Vec<(Frame, Vec<u8>)> = (0..6).map(|tag| packet(20, tag)).collect();
    let frames: Vec<(Frame, &[u8])> = packets
        .iter()
        .map(|(frame, payload)| (*frame, &payload[..]))
        .collect();
    let seen = send_and_run(&mut bench, 1, &frames);
    assert_eq!(
        seen.names(),
        ["packet", "packet", "packet", "packet", "dropped", "dropped"]
    );
}

/// Messages of this node to itself are answered to it, and pings as asked.
#[test]
fn answers_to_this_node_and_to_pings() {
    let mut bench = Small::new(9);
    bench.enable(0, 1, 0x1000, 6, 8);
    let frame = Frame {
        node: Small::NODE,
        ..message(0, 1, 5)
    };
    let seen = send_and_run(&mut bench, 2, &[(frame, &[1; 8])]);
    assert_eq!((seen.local_answers.len(), seen.answers.len()), (1, 0));
    assert_eq!(seen.verdicts(), [(5, kind::ACCEPTED)]);
    for verdict in [kind::WAITING, kind::LOST] {
        bench.unit.ping.next = Answer {
            node: 4u64.to_bits(),
            slot: 7u64.to_bits(),
            generation: 3u64.to_bits(),
            base: 126u64.to_bits(),
            bitmap: 1u64.to_bits(),
            verdict: (verdict as u64 & 7).to_bits(),
        };
        bench.unit.ping_valid.next = true;
        let seen = bench.run();
        let expected = Said {
            node: 4,
            slot: 7,
            generation: 3,
            index: 126,
            verdict,
        };
        assert_eq!(seen.said, [expected]);
    }
}

/// In each ring the first message that is accepted behind a loss is marked, and no other.
#[test]
fn the_first_message_behind_a_lost_frame_is_marked_in_each_ring() {
    let mut bench = Small::new(12);
    bench.unit.gap_epoch.next = 5u64.to_bits();
    bench.enable(4, 4, 0x1000, 1, 4);
    bench.enable(5, 5, 0x2000, 4, 4);
    let mark = |bench: &mut Small, stream: usize, queue: u64, epoch: u64| {
        let frame = Frame {
            restart: true,
            epoch,
            ..message(queue, queue, 0)
        };
        let seen = send_and_run(bench, stream, &[(frame, &[7; 8])]);
        let head = seen.writes.first().map(|write| &write.data[..8]);
        head.map(|head| {
            descriptor::gap::get(u128::from(u64::from_le_bytes(head.try_into().unwrap())))
        })
    };
    assert_eq!(mark(&mut bench, 0, 4, 5), Some(0), "nothing lost since");
    assert_eq!(mark(&mut bench, 1, 5, 6), Some(1), "another sender's frame");
    assert_eq!(mark(&mut bench, 1, 5, 6), Some(0));
    assert_eq!(mark(&mut bench, 2, 5, 6), Some(0));
    assert_eq!(mark(&mut bench, 0, 5, 9), Some(1));
    // One that is refused takes no mark away.
    assert_eq!(mark(&mut bench, 0, 4, 5), Some(0));
    assert_eq!(mark(&mut bench, 0, 4, 9), None, "the ring is full");
    bench.unit.consumer_valid.next = true;
    bench.unit.consumer_queue.next = 4u64.to_bits();
    bench.unit.consumer_index.next = 2u64.to_bits();
    bench.steps(10);
    assert_eq!(mark(&mut bench, 0, 4, 9), Some(1));
    assert_eq!(mark(&mut bench, 0, 4, 9), Some(0));
    // What was lost before a queue was bound is nothing to it.
    bench.unit.gap_epoch.next = 10u64.to_bits();
    bench.steps(2);
    bench.enable(4, 4, 0x1000, 1, 4);
    assert_eq!(mark(&mut bench, 0, 4, 10), Some(0));
}

/// A message that is on its way to the old ring is held up to its last beat; one that comes later is refused.
#[test]
fn a_disabled_queue_lets_go_of_its_ring() {
    let mut bench = Small::new(10);
    bench.enable(4, 4, 0x1000, 4, 8);
    bench.send(0, message(4, 4, 0), &[1; 200]);
    bench.send(0, message(4, 4, 1), &[2; 200]);
    bench.send(0, message(4, 4, 2), &[3; 200]);
    bench.steps(8);
    // The host takes nothing: the first message is written, the second one is judged as soon as that is done.
    bench.writes_taken = 0;
    bench.steps(30);
    assert!(!bench.unit.holds_ring.val());
    bench.control(4, 4, 4, 8, 0);
    assert!(bench.unit.holds_ring.val(), "from the second cycle on");
    bench.steps(50);
    assert!(bench.unit.holds_ring.val());
    assert_eq!(bench.seen.writes.len(), 0);
    bench.writes_taken = 100;
    while bench.unit.holds_ring.val() {
        assert!(bench.seen.writes.len() < 2, "held longer than the message");
        bench.step();
    }
    assert_eq!(
        bench.seen.writes.len(),
        2,
        "let go before the entry was written"
    );
    let seen = bench.run();
    assert_eq!(seen.names(), ["received", "full", "behind"]);
    assert_eq!(
        seen.verdicts(),
        [(0, kind::ACCEPTED), (1, kind::FULL), (2, kind::BEHIND)]
    );
}

/// A message that is not refused because one before it was.
fn again(queue: u64, id: u64, index: u64) -> Frame {
    Frame {
        restart: true,
        ..message(queue, id, index)
    }
}

const MISSES: u64 = 15;

/// Each message goes into an entry of 256 bytes, whatever the ring that is away has, and its RQID is reported once its
/// last write has its place in the order.
#[test]
fn messages_for_queues_that_are_away_go_to_the_miss_ring_in_order() {
    let mut bench = Small::new(13);
    bench.enable_misses(MISSES, 0x20_0000, 6, 0);
    bench.allow(0x21, MISSES, 3, 6);
    bench.allow(0x22, MISSES, 100, 4);
    bench.writes_taken = 40;
    let to = |id, index| again(MISSES, id, index);
    let sent: [(Frame, &[u8]); 8] = [
        (to(0x21, 0), &[1; 8]),
        (to(0x21, 1), &[2; 56]),
        (to(0x21, 2), &[3; 57]),
        (to(0x22, 3), &[4; 8]),
        (to(0x22, 4), &[5; 9]),
        (to(0x21, 5), &[6; 20]),
        (to(0x21, 6), &[7; 8]),
        (to(0x21, 7), &[8; 57]),
    ];
    let seen = send_and_run(&mut bench, 0, &sent);
    let (accepted, small, full) = (kind::ACCEPTED, kind::ENTRY_TOO_SMALL, kind::FULL);
    let expected = [
        accepted, accepted, small, accepted, small, accepted, full, full,
    ];
    let verdicts: Vec<usize> = seen.said.iter().map(|said| said.verdict).collect();
    assert_eq!(verdicts, expected);
    assert_eq!(seen.cycles_of("received"), seen.cycles_of("missed"));
    assert!(seen.events.is_empty());
    let places: Vec<u64> = seen.writes.iter().map(|write| write.address).collect();
    assert_eq!(
        places,
        [
            0x20_0000, 0x20_0110, 0x20_0100, 0x20_0200, 0x20_0310, 0x20_0300
        ]
    );
    // The miss ring's record speaks of other rings' messages too: each is marked as behind a gap.
    let mut marked = entry(sent[1].0, 1, &[2; 56]);
    marked[0] |= 1 << descriptor::gap::SHIFT;
    assert_eq!(seen.writes[2].data, marked);
    let ids: Vec<u64> = seen.missed.iter().map(|(id, _)| *id).collect();
    assert_eq!(ids, [0x21, 0x21, 0x22, 0x21]);
    assert_eq!(seen.lowered, ids);
    let ordered = seen.missed.iter().map(|(_, ordered)| *ordered);
    assert!(ordered.zip([1, 3, 4, 6]).all(|(had, needs)| had >= needs));
}

/// Misses are as fast as other messages.
#[test]
fn misses_have_the_rate_and_latency_of_other_messages() {
    let mut bench = Small::new(14);
    bench.enable_misses(MISSES, 0x20_0000, 6, 0);
    bench.allow(0x21, MISSES, 15, 8);
    bench.allow(0x22, MISSES, 15, 8);
    let payload = [1; 8];
    let frames: Vec<(Frame, &[u8])> = (0..30)
        .map(|index| {
            let id = 0x21 + index / 3 % 2;
            (message(MISSES, id, index), &payload[..])
        })
        .collect();
    let seen = send_and_run(&mut bench, 1, &frames);
    let received = seen.cycles_of("missed");
    assert_eq!(received.len(), 30);
    assert!(received.windows(2).all(|pair| pair[1] - pair[0] == 2));
    assert_eq!(seen.described[0], 3);
    let ids: Vec<u64> = seen.missed.iter().map(|(id, _)| *id).collect();
    assert!(ids.iter().eq(frames.iter().map(|(frame, _)| &frame.id)));
    // Both allowances are used up, by messages that came two cycles behind each other.
    for id in [0x21, 0x22] {
        let seen = send_and_run(&mut bench, 1, &[(again(MISSES, id, 30), &payload)]);
        assert_eq!(seen.names(), ["full"]);
    }
}

/// Firmware's word counts from its turn on, also for a message that was read before and waits for its verdict.
#[test]
fn a_row_may_be_closed_and_opened_while_a_message_waits() {
    for closes in [false, true] {
        for delay in 0..12 {
            let mut bench = Small::new(15);
            bench.enable_misses(MISSES, 0x20_0000, 6, 0x21);
            bench.allow(0x22, MISSES, 1, 8);
            bench.allow(0x21, MISSES, u64::from(closes), 8);
            bench.steps(3);
            // The message is behind another one that the host does not take, and overtakes no word.
            bench.writes_taken = 0;
            bench.send(0, again(MISSES, 0x22, 0), &[1; 8]);
            bench.send(0, again(MISSES, 0x21, 1), &[2; 8]);
            bench.steps(delay);
            bench.allow(0x21, MISSES, u64::from(!closes), 8);
            bench.steps(4);
            bench.writes_taken = 100;
            let seen = bench.run();
            let expected: &[&str] = if closes {
                &["received", "missed", "full"]
            } else {
                &["received", "missed", "received", "missed"]
            };
            assert_eq!(seen.names(), expected, "closes {closes}, delay {delay}");
        }
    }
}

/// A queue that takes misses has no RQID of its own, and what a look-up said long ago is refused until it is repeated.
#[test]
fn what_was_looked_up_long_ago_is_refused_as_if_there_was_no_room() {
    let mut bench = Small::new(16);
    bench.enable_misses(MISSES, 0x20_0000, 6, 0x21);
    bench.enable(3, 0x22, 0x9000, 4, 4);
    let verdict = |bench: &mut Small, frame: Frame| {
        let seen = send_and_run(bench, 0, &[(frame, &[1; 8])]);
        assert_eq!(seen.said.len(), 1);
        seen.said[0].verdict
    };
    bench.allow(0x21, MISSES, 0, 8);
    assert_eq!(verdict(&mut bench, again(MISSES, 0x21, 0)), kind::FULL);
    // Its queue came back; it left; another one has its place.
    assert_eq!(verdict(&mut bench, again(MISSES, 0x22, 1)), kind::FULL);
    assert_eq!(verdict(&mut bench, again(4, 0x21, 2)), kind::FULL);
    assert_eq!(verdict(&mut bench, again(3, 0x21, 3)), kind::FULL);
    // The bit is that of a full ring.
    assert_eq!(verdict(&mut bench, message(3, 0x22, 4)), kind::BEHIND);
    assert_eq!(verdict(&mut bench, again(3, 0x22, 4)), kind::ACCEPTED);
    bench.allow(0x21, MISSES, 9, 8);
    assert_eq!(verdict(&mut bench, again(MISSES, 0x21, 5)), kind::ACCEPTED);
    assert_eq!(
        verdict(&mut bench, again(MISSES, 0x1021, 6)),
        kind::NOT_RESIDENT
    );
    bench.control(MISSES, 0x21, 6, 8, 0);
    assert_eq!(verdict(&mut bench, again(MISSES, 0x21, 7)), kind::FULL);
}

/// The miss ring has as many entries as it has, and room for 32 reports.
#[test]
fn a_full_miss_ring_and_reports_that_nobody_takes_refuse() {
    let mut bench = Small::new(17);
    bench.enable_misses(MISSES, 0x20_0000, 1, 0);
    bench.allow(0x21, MISSES, 255, 8);
    let frames = |range: std::ops::Range<u64>| -> Vec<(Frame, &'static [u8])> {
        range
            .map(|index| (again(MISSES, 0x21, index), &[1; 8][..]))
            .collect()
    };
    let seen = send_and_run(&mut bench, 0, &frames(0..3));
    let names = ["received", "missed", "received", "missed", "full"];
    assert_eq!(seen.names(), names);
    bench.give_back(MISSES, 1);
    bench.steps(5);
    let seen = send_and_run(&mut bench, 0, &frames(2..4));
    assert_eq!(seen.names(), ["received", "missed", "full"]);

    bench.enable_misses(MISSES, 0x20_0000, 6, 0);
    bench.reports_taken = 0;
    let seen = send_and_run(&mut bench, 0, &frames(0..34));
    let count = |name: &str| seen.names().iter().filter(|&&other| other == name).count();
    assert_eq!((count("missed"), count("full")), (32, 2));
    assert!(bench.unit.missed_valid.val());
    assert_eq!(bench.unit.missed_id.val().to_u64(), 0x21);
    bench.reports_taken = 100;
    let seen = bench.run();
    assert_eq!(seen.missed.len(), 32);
    let seen = send_and_run(&mut bench, 0, &frames(32..34));
    assert_eq!(seen.missed.len(), 2);
}

#[test]
fn the_unit_passes_the_checks_and_emits() {
    let mut unit = ReceiveUnit::default();
    super::bench::connect(&mut unit);
    let verilog = crate::emit::emit("receive_unit", &unit);
    assert!(verilog.contains("module receive_unit("));
    if let Ok(folder) = std::env::var("EMIT") {
        std::fs::write(format!("{folder}/receive_unit.v"), verilog).unwrap();
        let mut unit = SizedReceiveUnit::<8, 12, 10, 8, 19>::default();
        super::bench::connect(&mut unit);
        let verilog = crate::emit::emit("receive_unit", &unit);
        std::fs::write(format!("{folder}/receive_unit_256.v"), verilog).unwrap();
    }
}

/// Frames of random senders for the gate, one beat at a time.
#[derive(Default)]
struct Frames {
    beats: std::collections::VecDeque<(u128, bool)>,
}

impl Frames {
    /// The beat on offer.
    fn offer(&mut self, random: &mut Random) -> (u128, bool) {
        if self.beats.is_empty() {
            let length = [8, 0, 9, random.below(249)][random.below(4) as usize] as usize;
            let frame = Frame {
                packet: random.chance(10),
                channel: random.below(2),
                restart: random.chance(50),
                marked: random.chance(50),
                node: random.below(3),
                slot: random.below(2),
                generation: random.below(2),
                index: random.below(128),
                endpoint: random.below(4096),
                id: random.below(5),
                tag: random.below(256),
                queue: random.chance(90).then_some(random.below(5)),
                epoch: random.below(3),
            };
            let payload = random_bytes(random, length);
            self.beats.extend(with_last(&[frame.beats(&payload)]));
        }
        self.beats[0]
    }
}

#[test]
fn gate() {
    let mut frames = [Frames::default(), Frames::default(), Frames::default()];
    let (mut configured, mut stored, mut rows, mut waits) = (0, 0, 0, false);
    let mut unit = SizedReceiveUnit::<3, 5, 4, 2, 7>::default();
    super::bench::connect(&mut unit);
    crate::gate::Gate::new("receive_unit", unit)
        .clock(|unit| &mut unit.clock)
        .cycles(6000)
        .seed(21)
        .run(move |unit, random, cycle| {
            let sinks = [&mut unit.channel_0, &mut unit.channel_1, &mut unit.loopback];
            for (sink, frames) in sinks.into_iter().zip(&mut frames) {
                let taken = sink.valid.val() && sink.ready.val();
                if taken {
                    frames.beats.pop_front();
                }
                let stays = sink.valid.val() && !taken;
                sink.valid.next = cycle > 2 && (stays || random.chance(60));
                let (word, last) = frames.offer(random);
                sink.beat.next = beat(word, last);
            }
            unit.channel_1_likely.next = unit.channel_1.valid.next || random.chance(10);
            unit.reset.next = cycle < 2;
            unit.node.next = 1u64.to_bits();
            unit.gap_epoch.next = (cycle / 1000 % 3).to_bits();
            waits |= unit.write_packets.valid.val()
                && unit.write_packets.ready.val()
                && unit.write_packets.beat.val().last;
            unit.written.next = waits && random.chance(60);
            waits &= !unit.written.next;
            unit.write_packets.ready.next = !waits && random.chance(80);
            unit.missed_ready.next = random.chance(if cycle / 1000 % 2 == 0 { 50 } else { 2 });
            unit.answer_ready.next = random.chance(60);
            unit.link_idle.next = random.chance(50);
            unit.ping_valid.next = random.chance(3);
            unit.ping.next.node = random.below(3).to_bits();
            unit.ping.next.base = random.bits();
            unit.lookup_valid.next = random.chance(50);
            unit.lookup_id.next = (8 + random.below(40)).to_bits();
            unit.lookup2_id.next = (8 + random.below(40)).to_bits();
            unit.consumer_valid.next = cycle >= stored + 2 && random.chance(30);
            if unit.consumer_valid.next {
                stored = cycle;
            }
            unit.consumer_queue.next = random.below(5).to_bits();
            unit.consumer_index.next = random.below(12).to_bits();
            unit.configuration.next = Default::default();
            let often = if cycle < 400 { 30 } else { 2 };
            if cycle > 40 && cycle >= configured + 2 && random.chance(often) {
                configured = cycle;
                let queue = random.below(5);
                let mut word = receive_control::enabled::set(0, u64::from(random.chance(90)));
                word = receive_control::entries_log2::set(word, 1 + random.below(3));
                word = receive_control::stride_log2::set(word, 4 + random.below(5));
                word = receive_control::receive_queue_id::set(word, queue);
                // Half of the queues take misses, once each row is written.
                word = receive_control::takes_misses::set(
                    word,
                    u64::from(rows == 8 && random.chance(50)),
                );
                // A look-up beside a write of the same RQID is undefined: those that are looked up are above.
                let give = random.chance(70);
                let count = if give { random.below(256) } else { 0 };
                unit.configuration.next = match random.below(5) {
                    _ if rows < 8 => {
                        rows += 1;
                        configuration(REGION_RECEIVE_MAP, rows - 1, random.word())
                    }
                    0 if random.chance(50) => configuration(REGION_PACKET_RELEASE, 0, 0),
                    0 | 1 => {
                        let word = allowance(queue, count, 4 + random.below(5));
                        configuration(REGION_RECEIVE_MAP, random.below(8), word)
                    }
                    2 => configuration(REGION_RECEIVE_QUEUE, queue * 4 + 1, random.word()),
                    _ => configuration(REGION_RECEIVE_QUEUE, queue * 4, word as u64),
                };
            }
        });
}
