//! Remote writes: every byte lands where it belongs and none beside it, in order with what is sent behind; what is
//! refused is told; what is revoked is not written any more.

mod support;

use abi::admin::status::Status;
use abi::control::counter::Counter;
use abi::control::registers;
use abi::message::error::Error as Code;
use abi::message::{MAXIMUM_REMOTE_BYTES, MAXIMUM_TRANSMIT_SLOTS};
use host_driver::{
    Access, Destination, Endpoint, EndpointNumber, EndpointOptions, Error, Export, Import,
    NodeNumber, ReceiveQueueId, RequestError, Rights, SegmentHandle, SendError, TransferError,
    VirtualChannel,
};
use sim::pcie::Class;
use sim::pcie::random::Random;
use wayfarer_cluster::launch::{Node, PATIENCE};

/// Destination of the imported memory.
const MEMORY: Destination = Destination(1);
/// Messages go to the other node's endpoint.
const PEER: Destination = Destination(0);

fn options() -> EndpointOptions {
    EndpointOptions {
        receive_queue_id: ReceiveQueueId(3),
        destinations_log2: 2,
        ..EndpointOptions::default()
    }
}

fn endpoint(node: &Node) -> Result<Endpoint, RequestError> {
    node.endpoint(options(), &[node.peer()])
}

/// Each node's program gets the handle of the other one's export, if it has one.
fn exchange(node: &Node, export: Option<&Export>) -> Option<SegmentHandle> {
    let own = export.map(|export| export.handle().to_bytes());
    let all = node.port.gather(&own.map_or(Vec::new(), Vec::from));
    let other = <[u8; SegmentHandle::BYTES]>::try_from(&all[usize::from(node.peer())][..]);
    SegmentHandle::from_bytes(other.ok()?)
}

fn import(endpoint: &Endpoint, handle: &SegmentHandle) -> Result<Import, RequestError> {
    endpoint.import(MEMORY, handle, VirtualChannel::ZERO)
}

/// Starts a write when there is room for it.
fn write(
    endpoint: &mut Endpoint,
    import: &Import,
    offset: u32,
    bytes: &[u8],
) -> Result<host_driver::Transfer, SendError> {
    let (queue, _) = endpoint.split();
    queue.when_room(PATIENCE, |queue| queue.write_inline(import, offset, bytes))
}

/// What becomes of a write.
fn write_and_wait(
    endpoint: &mut Endpoint,
    import: &Import,
    offset: u32,
    bytes: &[u8],
) -> Result<(), TransferError> {
    let transfer = write(endpoint, import, offset, bytes).expect("the queue is in order");
    endpoint.split().0.wait_done(&transfer, PATIENCE)
}

fn contents(export: &Export) -> Vec<u8> {
    let mut bytes = vec![0; export.bytes() as usize];
    export.load(0, &mut bytes);
    bytes
}

#[test]
fn every_size_at_every_alignment_lands_and_nothing_beside_it() {
    const SIZES: [usize; 18] = [
        1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 40, 47, 48, 63, 64, 65, 128, 237,
    ];
    const ALIGNMENTS: usize = 16;
    /// One place for each alignment, with room around what is written.
    const PLACE_BYTES: usize = 512;
    /// Both nodes write to each other, then each to itself.
    fn body(node: &Node) -> Result<(), Error> {
        let mut random = Random::new(31 + u64::from(node.number()));
        let mut endpoint = endpoint(node)?;
        let bytes = (ALIGNMENTS * PLACE_BYTES) as u64;
        let mut export = endpoint.export(bytes, Rights::WRITE, Access::ANY)?;
        let own = export.handle();
        let other = exchange(node, Some(&export)).expect("both export");
        for (handle, writer) in [(other, node.peer()), (own, node.number())] {
            let import = import(&endpoint, &handle)?;
            // What the other side writes here, it draws from this seed.
            let mut drawn = Random::new(90 + u64::from(writer));
            let mut drawing = Random::new(90 + u64::from(node.number()));
            for size in SIZES.into_iter().chain([MAXIMUM_REMOTE_BYTES]) {
                // Guard bytes that no write brings, but by chance.
                let guard = random.below(256) as u8;
                export.store(0, &vec![guard; bytes as usize]);
                node.barrier();
                let mut last = None;
                let mut expected = vec![guard; bytes as usize];
                for alignment in 0..ALIGNMENTS {
                    if size + alignment % 4 > MAXIMUM_REMOTE_BYTES {
                        continue;
                    }
                    let offset = alignment * PLACE_BYTES + 64 + alignment;
                    let bytes: Vec<u8> = (0..size).map(|_| drawing.below(256) as u8).collect();
                    last = Some(write(&mut endpoint, &import, offset as u32, &bytes)?);
                    let arriving = (0..size).map(|_| drawn.below(256) as u8);
                    expected.splice(offset..offset + size, arriving);
                }
                let last = last.expect("some alignment fits");
                endpoint.split().0.wait_done(&last, PATIENCE)?;
                node.barrier();
                let found = contents(&export);
                let first = found.iter().zip(&expected).position(|(a, b)| a != b);
                assert_eq!(first, None, "first wrong byte of {size} bytes");
            }
        }
        node.barrier();
        Ok(())
    }
    for (profile, seed) in [("bare", 301), ("pcie-gen3-x8", 302)] {
        let options = support::options(profile, seed);
        support::run(options, vec![Box::new(body), Box::new(body)]);
    }
}

/// The last bytes of a segment, and the whole of the smallest one.
#[test]
fn a_segment_ends_where_its_last_byte_stands() {
    let exporter = |node: &Node| {
        let endpoint = endpoint(node)?;
        for bytes in [1, 3, 4, 5, 4095, 4096, 4097] {
            let export = endpoint.export(bytes, Rights::WRITE, Access::ANY)?;
            exchange(node, Some(&export));
            node.barrier();
            assert_eq!(contents(&export)[bytes as usize - 1], 0xee, "{bytes} bytes");
        }
        Ok(())
    };
    let importer = |node: &Node| {
        let mut endpoint = endpoint(node)?;
        for bytes in [1, 3, 4, 5, 4095, 4096, 4097_u32] {
            let handle = exchange(node, None).expect("it exports");
            let whole = import(&endpoint, &handle)?;
            write_and_wait(&mut endpoint, &whole, bytes - 1, &[0xee])?;
            let forged = SegmentHandle {
                bytes: 1 << 32,
                ..handle
            };
            let beyond = import(&endpoint, &forged)?;
            for (offset, length) in [(bytes, 1), (bytes - 1, 2), (0, 8), (u32::MAX, 1)] {
                if u64::from(offset) + length as u64 <= u64::from(bytes) {
                    continue;
                }
                let told = write_and_wait(&mut endpoint, &beyond, offset, &vec![0x11; length]);
                let expected = TransferError::Failed {
                    code: Code::SegmentRange,
                    among: 1,
                };
                assert_eq!(told, Err(expected), "{length} at {offset} of {bytes}");
            }
            node.barrier();
        }
        Ok(())
    };
    let options = support::options("bare", 303);
    support::run(options, vec![Box::new(importer), Box::new(exporter)]);
}

/// Rounds of those that look for what came too early.
const ROUNDS: u64 = 40;
/// Bytes of a write whose flag or message comes behind it.
const LONG: usize = MAXIMUM_REMOTE_BYTES;
/// Where they stand, out of step with everything.
const PLACE: u32 = 65;

fn pattern(round: u64) -> Vec<u8> {
    let byte = |at: usize| (at as u64 * 3 + round * 41) as u8;
    (0..LONG - 1).map(byte).collect()
}

#[test]
fn a_flag_behind_a_write_is_never_seen_before_it() {
    // Each node writes to the other, and the flags are also what they wait for each other with.
    let body = |node: &Node| {
        let mut endpoint = endpoint(node)?;
        let export = endpoint.export(4096, Rights::WRITE, Access::ANY)?;
        let other = exchange(node, Some(&export)).expect("both export");
        let import = import(&endpoint, &other)?;
        for round in 1..=ROUNDS {
            let _ = write(&mut endpoint, &import, PLACE, &pattern(round))?;
            let _ = write(&mut endpoint, &import, 0, &round.to_le_bytes())?;
            let seen = export.wait_until(PATIENCE, |export| export.load64(0) >= round);
            let mut bytes = vec![0; LONG - 1];
            export.load(PLACE as usize, &mut bytes);
            assert!(seen, "no flag in round {round}");
            assert_eq!(bytes, pattern(round), "round {round}");
            node.barrier();
        }
        endpoint.flush(PATIENCE)?;
        node.barrier();
        Ok(())
    };
    for (profile, seed) in [("bare", 304), ("pcie-gen3-x8", 305), ("pcie-gen1-x1", 306)] {
        let options = support::options(profile, seed);
        support::run(options, vec![Box::new(body), Box::new(body)]);
    }
}

#[test]
fn a_message_behind_a_write_comes_behind_it_and_a_write_behind_a_message_does_not_hurt_it() {
    let importer = |node: &Node| {
        let mut endpoint = endpoint(node)?;
        let handle = exchange(node, None).expect("it exports");
        let import = import(&endpoint, &handle)?;
        for round in 0..ROUNDS {
            let _ = write(&mut endpoint, &import, PLACE, &pattern(round))?;
            endpoint.when_room(PATIENCE, |endpoint| {
                endpoint.send_express(PEER, 0, round.to_le_bytes())
            })?;
            endpoint.when_room(PATIENCE, |endpoint| endpoint.send_basic(PEER, 1, &[7; 248]))?;
            let _ = write(&mut endpoint, &import, 2048, &pattern(round))?;
            endpoint.receive_wait(PATIENCE)?.into_message();
        }
        endpoint.flush(PATIENCE)?;
        node.barrier();
        Ok(())
    };
    let exporter = |node: &Node| {
        let mut endpoint = endpoint(node)?;
        let export = endpoint.export(4096, Rights::WRITE, Access::ANY)?;
        exchange(node, Some(&export));
        for round in 0..ROUNDS {
            let message = endpoint.receive_wait(PATIENCE)?.into_message();
            let mut bytes = vec![0; LONG - 1];
            export.load(PLACE as usize, &mut bytes);
            assert_eq!(message.payload, round.to_le_bytes());
            assert_eq!(bytes, pattern(round), "round {round}");
            let message = endpoint.receive_wait(PATIENCE)?.into_message();
            assert_eq!((message.tag, message.payload), (1, vec![7; 248]));
            endpoint.send_express(PEER, 0, [0; 8])?;
        }
        node.barrier();
        let mut bytes = vec![0; LONG - 1];
        export.load(2048, &mut bytes);
        assert_eq!(bytes, pattern(ROUNDS - 1));
        Ok(())
    };
    for (profile, seed) in [("bare", 307), ("pcie-gen3-x8", 308)] {
        let options = support::options(profile, seed);
        support::run(options, vec![Box::new(importer), Box::new(exporter)]);
    }
}

/// Queues of one node that write at once, each to its own part of one export.
#[test]
fn many_queues_write_at_once() {
    const PART_BYTES: usize = 1024;
    const WRITES: u64 = 60;
    fn queues(node: &Node) -> u16 {
        let identity = node.device.identity();
        let most = u16::from(identity.inline_pages).min(identity.transmit_queues);
        most.min(8)
    }
    /// Byte `at` of the part of queue `queue` after all its writes: the last one that covers it.
    fn run(queue: u16, mut write: impl FnMut(u32, &[u8])) {
        let mut random = Random::new(u64::from(queue) + 1);
        for number in 0..WRITES {
            let length = 1 + random.below(200) as usize;
            let at = random.below((PART_BYTES - length) as u64) as usize;
            let bytes: Vec<u8> = (0..length)
                .map(|byte| (number * 7 + byte as u64 + u64::from(queue)) as u8)
                .collect();
            write((usize::from(queue) * PART_BYTES + at) as u32, &bytes);
        }
    }
    let importer = |node: &Node| {
        let handle = exchange(node, None).expect("it exports");
        let mut endpoints = Vec::new();
        for number in 0..queues(node) {
            let endpoint = node.device.create_endpoint(EndpointOptions {
                receive_queue_id: ReceiveQueueId(number),
                ring_entries_log2: 2,
                destinations_log2: 1,
                ..EndpointOptions::default()
            })?;
            let import = import(&endpoint, &handle)?;
            let mut writes = Vec::new();
            run(number, |offset, bytes| {
                writes.push((offset, bytes.to_vec()))
            });
            endpoints.push((endpoint, import, writes.into_iter()));
        }
        let mut is_open = true;
        while is_open {
            is_open = false;
            for (endpoint, import, writes) in &mut endpoints {
                for (offset, bytes) in writes.by_ref().take(2) {
                    is_open = true;
                    let _ = write(endpoint, import, offset, &bytes)?;
                }
            }
        }
        for (endpoint, _, _) in &mut endpoints {
            endpoint.flush(PATIENCE)?;
        }
        node.barrier();
        Ok(())
    };
    let exporter = |node: &Node| {
        let endpoint = endpoint(node)?;
        let bytes = usize::from(queues(node)) * PART_BYTES;
        let export = endpoint.export(bytes as u64, Rights::WRITE, Access::ANY)?;
        exchange(node, Some(&export));
        node.barrier();
        let mut expected = vec![0; bytes];
        for queue in 0..queues(node) {
            run(queue, |offset, bytes| {
                expected[offset as usize..offset as usize + bytes.len()].copy_from_slice(bytes);
            });
        }
        let found = contents(&export);
        let first = found.iter().zip(&expected).position(|(a, b)| a != b);
        assert_eq!(first, None, "first wrong byte");
        Ok(())
    };
    let options = support::options("pcie-gen3-x8", 309);
    support::run(options, vec![Box::new(importer), Box::new(exporter)]);
}

#[test]
fn what_the_exporter_does_not_allow_is_refused_with_its_reason_and_not_written() {
    /// The importer's node, and its endpoint.
    const IMPORTER: Access = Access {
        node: Some(NodeNumber(0)),
        endpoint: Some(EndpointNumber(0)),
    };
    let importer = |node: &Node| {
        let mut endpoint = endpoint(node)?;
        assert_eq!(endpoint.number(), EndpointNumber(0));
        let next = || exchange(node, None).expect("it exports");
        let [
            mine,
            for_another_node,
            for_another_endpoint,
            read_only,
            revoked,
        ] = std::array::from_fn(|_| next());
        let writable = |handle: SegmentHandle| SegmentHandle {
            rights: Rights::WRITE,
            ..handle
        };
        let stale = SegmentHandle {
            generation: mine.generation.wrapping_sub(1),
            ..mine
        };
        let unused = SegmentHandle {
            segment: 255,
            ..mine
        };
        let far = SegmentHandle {
            bytes: mine.bytes + 1,
            ..mine
        };
        let cases = [
            (for_another_node, Code::BadSegment),
            (for_another_endpoint, Code::BadSegment),
            (unused, Code::BadSegment),
            (stale, Code::StaleSegment),
            (writable(read_only), Code::SegmentRights),
            (far, Code::SegmentRange),
            (revoked, Code::BadSegment),
        ];
        let count = |counter| node.device.counter(counter);
        for (number, (handle, code)) in cases.into_iter().enumerate() {
            let bad = import(&endpoint, &handle)?;
            let offset = handle.bytes as u32 - 64;
            for length in [64, 3] {
                let told = write_and_wait(
                    &mut endpoint,
                    &bad,
                    offset + 64 - length,
                    &[0x77; 64][..length as usize],
                );
                let expected = TransferError::Failed { code, among: 1 };
                assert_eq!(told, Err(expected), "case {number}");
            }
            // Nothing but that operation failed.
            let good = import(&endpoint, &mine)?;
            write_and_wait(&mut endpoint, &good, 8 * number as u32, &[number as u8; 8])?;
            endpoint.check()?;
        }
        assert_eq!(count(Counter::MessagesRefused)?, 2 * cases.len() as u32);
        // Memory takes no messages, and a receive queue no writes.
        let good = import(&endpoint, &mine)?;
        endpoint.send_express(MEMORY, 0, [0; 8])?;
        let told = endpoint.flush(PATIENCE).map_err(Error::from);
        let report = told.expect_err("no message").queue_report();
        assert_eq!(report.map(|it| it.code), Some(Code::InvalidTranslation));
        let peer = NodeNumber(node.peer());
        endpoint.load_translation(MEMORY, peer, ReceiveQueueId(3), VirtualChannel::ZERO)?;
        let told = write_and_wait(&mut endpoint, &good, 0, &[0x77; 64]);
        let expected = TransferError::Failed {
            code: Code::InvalidTranslation,
            among: 1,
        };
        assert_eq!(told, Err(expected));
        // The hardware's own segments cannot be named.
        let hidden = SegmentHandle {
            segment: 256,
            ..mine
        };
        let refused = import(&endpoint, &hidden).map(|_| ());
        assert!(
            matches!(
                refused,
                Err(RequestError::Refused {
                    status: Some(Status::BadOperand),
                    ..
                })
            ),
            "{refused:?}"
        );
        node.barrier();
        Ok(())
    };
    let exporter = |node: &Node| {
        let endpoint = endpoint(node)?;
        let open = |rights, access| endpoint.export(4096, rights, access);
        let other_node = Access {
            node: Some(NodeNumber(1)),
            ..IMPORTER
        };
        let other_endpoint = Access {
            endpoint: Some(EndpointNumber(1)),
            ..IMPORTER
        };
        let mut exports = vec![
            open(Rights::WRITE, IMPORTER)?,
            open(Rights::WRITE, other_node)?,
            open(Rights::WRITE, other_endpoint)?,
            open(Rights::READ, Access::ANY)?,
            open(Rights::WRITE, Access::ANY)?,
        ];
        exports[4].revoke()?;
        for export in &exports {
            exchange(node, Some(export));
        }
        node.barrier();
        let refused = node.device.counter(Counter::BulkFramesRefused)?;
        let written = node.device.counter(Counter::BulkFramesWritten)?;
        assert_eq!((refused, written), (14, 7));
        let mut expected = vec![0; 4096];
        for (number, place) in expected.chunks_mut(8).take(7).enumerate() {
            place.fill(number as u8);
        }
        assert_eq!(contents(&exports[0]), expected);
        for export in &exports[1..] {
            assert_eq!(contents(export), vec![0; 4096], "{:?}", export.handle());
        }
        Ok(())
    };
    let options = support::options("bare", 310);
    support::run(options, vec![Box::new(importer), Box::new(exporter)]);
}

/// What ends an export in the midst of writes to it.
type End = fn(&Node, Option<Endpoint>, &mut Export) -> Result<Option<Endpoint>, RequestError>;

/// The exporter's host has no credits for a while, from before the end on: writes wait in its NIU.
const WITHHOLDING_NS: u64 = 40_000;

/// Writes as fast as they go until one is refused; the exporter ends its memory meanwhile. When the end is confirmed
/// nothing is written any more: neither to memory that stays, nor to memory that is given back.
fn ended_in_flight(profile: &str, seed: u64, withholds: bool, end: End) {
    const ENDS: u64 = 6;
    let importer = |node: &Node| {
        for round in 0..ENDS {
            let mut endpoint = endpoint(node)?;
            let handle = exchange(node, None).expect("it exports");
            let import = import(&endpoint, &handle)?;
            let mut number = 0_u64;
            let error = loop {
                let bytes = number.to_le_bytes().repeat(1 + (number % 20) as usize);
                if let Err(error) = write(&mut endpoint, &import, 64, &bytes) {
                    break Error::from(error);
                }
                number += 1;
            };
            let report = error.queue_report().ok_or(error)?;
            assert_eq!(report.code, Code::BadSegment, "round {round}");
            assert!(number > MAXIMUM_TRANSMIT_SLOTS as u64 / 4);
            node.barrier();
        }
        Ok(())
    };
    let exporter = move |node: &Node| {
        for round in 0..ENDS {
            let endpoint = endpoint(node)?;
            let mut export = endpoint.export(4096, Rights::WRITE, Access::ANY)?;
            exchange(node, Some(&export));
            let flies = export.wait_until(PATIENCE, |export| export.load64(64) > 10 + round);
            assert!(flies, "nothing is written");
            if withholds {
                node.port.with_side(|side| {
                    let delay_ns = round * 3000;
                    side.bridge
                        .withhold_credits(Class::Posted, delay_ns, WITHHOLDING_NS);
                });
            }
            let endpoint = end(node, Some(endpoint), &mut export)?;
            let before = contents(&export);
            node.port.sleep_ns(100_000);
            assert!(
                contents(&export) == before,
                "round {round}: written too late"
            );
            if round % 2 == 1 {
                // Its pages are taken from the IOMMU while the importer may still be writing.
                drop(export);
            }
            node.barrier();
            drop(endpoint);
        }
        Ok(())
    };
    let options = support::options(profile, seed);
    let (_, report) = support::run(options, vec![Box::new(importer), Box::new(exporter)]);
    let faults: Vec<u64> = report.nodes.iter().map(|node| node.iommu_faults).collect();
    assert_eq!(
        faults,
        [0, 0],
        "{profile}: writes to memory that was given back"
    );
}

fn revoke(
    _: &Node,
    endpoint: Option<Endpoint>,
    export: &mut Export,
) -> Result<Option<Endpoint>, RequestError> {
    export.revoke()?;
    Ok(endpoint)
}

fn destroy(
    _: &Node,
    endpoint: Option<Endpoint>,
    _: &mut Export,
) -> Result<Option<Endpoint>, RequestError> {
    drop(endpoint);
    Ok(None)
}

#[test]
fn nothing_is_written_once_a_revocation_is_confirmed() {
    ended_in_flight("bare", 311, false, revoke);
    ended_in_flight("pcie-gen3-x8", 312, false, revoke);
}

#[test]
fn nor_does_a_write_that_waits_for_credits_come_behind_it() {
    ended_in_flight("bare", 313, true, revoke);
    ended_in_flight("pcie-gen1-x1", 314, true, revoke);
}

#[test]
fn nothing_is_written_once_the_destruction_of_the_endpoint_is_confirmed() {
    ended_in_flight("bare", 315, false, destroy);
    ended_in_flight("pcie-gen1-x1", 316, true, destroy);
}

/// A number that is given away again has another generation.
#[test]
fn a_handle_of_a_former_export_is_stale() {
    let importer = |node: &Node| {
        let mut endpoint = endpoint(node)?;
        let former = exchange(node, None).expect("it exports");
        let mut latter = exchange(node, None).expect("it exports");
        let mut exports = 1;
        while latter.segment != former.segment {
            latter = exchange(node, None).expect("it exports");
            exports += 1;
        }
        assert_eq!(exports, 256, "numbers are used again as late as possible");
        let stale = import(&endpoint, &former)?;
        let told = write_and_wait(&mut endpoint, &stale, 0, &[1; 8]);
        let expected = TransferError::Failed {
            code: Code::StaleSegment,
            among: 1,
        };
        assert_eq!(told, Err(expected));
        let good = import(&endpoint, &latter)?;
        write_and_wait(&mut endpoint, &good, 8, &[1; 8])?;
        node.barrier();
        Ok(())
    };
    let exporter = |node: &Node| {
        let endpoint = endpoint(node)?;
        let mut export = endpoint.export(64, Rights::WRITE, Access::ANY)?;
        let first = export.handle().segment;
        exchange(node, Some(&export));
        loop {
            drop(export);
            export = endpoint.export(64, Rights::WRITE, Access::ANY)?;
            exchange(node, Some(&export));
            if export.handle().segment == first {
                break;
            }
        }
        node.barrier();
        assert_eq!(
            (export.load64(0), export.load64(8)),
            (0, 0x0101_0101_0101_0101)
        );
        Ok(())
    };
    let options = sim::cluster::ClusterOptions {
        maximum_cycles: 40_000_000,
        ..support::options("bare", 317)
    };
    support::run(options, vec![Box::new(importer), Box::new(exporter)]);
}

/// Importer and exporter may both be away: the write is captured as a message is, and the segment needs no queue.
#[test]
fn endpoints_that_are_away_write_and_are_written_to() {
    let body = |node: &Node| {
        let mut endpoint = endpoint(node)?;
        let export = endpoint.export(4096, Rights::WRITE, Access::ANY)?;
        let other = exchange(node, Some(&export)).expect("both export");
        let import = import(&endpoint, &other)?;
        for round in 1..=8_u64 {
            endpoint.flush(PATIENCE)?;
            endpoint.evict()?;
            node.barrier();
            let length = [8, 40, 48, 100, 200, 237, 1, 3][round as usize - 1];
            let _ = write(&mut endpoint, &import, 1024, &vec![round as u8; length])?;
            let flag = write(&mut endpoint, &import, 0, &round.to_le_bytes())?;
            endpoint.split().0.wait_done(&flag, PATIENCE)?;
            node.barrier();
            let mut bytes = vec![0; length + 1];
            export.load(1024, &mut bytes);
            assert_eq!(export.load64(0), round);
            assert!(bytes[..length].iter().all(|&byte| byte == round as u8));
        }
        assert!(node.device.counter(Counter::CapturedStore)? >= 8);
        Ok(())
    };
    let options = support::options("pcie-gen3-x8", 318);
    support::run(options, vec![Box::new(body), Box::new(body)]);
}

/// Neither node's firmware takes part in a write.
#[test]
fn writes_go_on_while_both_processors_are_held() {
    let body = |node: &Node| {
        let mut endpoint = endpoint(node)?;
        let export = endpoint.export(4096, Rights::WRITE, Access::ANY)?;
        let other = exchange(node, Some(&export)).expect("both export");
        let import = import(&endpoint, &other)?;
        node.device.hold_processor(true)?;
        node.barrier();
        for round in 1..=ROUNDS {
            let _ = write(&mut endpoint, &import, PLACE, &pattern(round))?;
            let _ = write(&mut endpoint, &import, 0, &round.to_le_bytes())?;
        }
        endpoint.flush(PATIENCE)?;
        assert!(export.wait_until(PATIENCE, |export| export.load64(0) == ROUNDS));
        let mut bytes = vec![0; LONG - 1];
        export.load(PLACE as usize, &mut bytes);
        assert_eq!(bytes, pattern(ROUNDS));
        node.barrier();
        let heartbeats = || node.port.load(0, registers::heartbeat::OFFSET as u64, 4);
        let before = heartbeats().expect("a register");
        node.device.hold_processor(false)?;
        while heartbeats().expect("a register") == before {
            node.port.sleep_ns(5000);
        }
        node.port.sleep_ns(100_000);
        node.barrier();
        Ok(())
    };
    let options = support::options("bare", 319);
    support::run(options, vec![Box::new(body), Box::new(body)]);
}
