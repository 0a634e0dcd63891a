//! Transfers of blocks: every byte lands where it belongs and none beside it, both ways, in order with what is sent
//! behind; what is refused is told; what is revoked, given back or destroyed is not touched any more.

mod support;

use abi::control::counter::Counter;
use abi::control::registers;
use abi::message::MAXIMUM_TRANSMIT_SLOTS;
use abi::message::error::Error as Code;
use host_driver::{
    Access, Buffer, Destination, Endpoint, EndpointOptions, Error, Export, Import, NodeNumber,
    ReceiveQueueId, RequestError, Rights, SegmentHandle, SendError, Transfer, TransferError,
    VirtualChannel,
};
use sim::cluster::ClusterOptions;
use sim::pcie::random::Random;
use sim::pcie::{Class, ReadFault};
use wayfarer_cluster::launch::{Node, PATIENCE};

/// Destination of the imported memory.
const MEMORY: Destination = Destination(1);
/// Messages go to the other node's endpoint.
const PEER: Destination = Destination(0);

fn options(queue: u16) -> EndpointOptions {
    EndpointOptions {
        receive_queue_id: ReceiveQueueId(3 + queue),
        destinations_log2: 2,
        ..EndpointOptions::default()
    }
}

fn endpoint(node: &Node) -> Result<Endpoint, RequestError> {
    node.endpoint(options(0), &[node.peer()])
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

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Write,
    Read,
}

const BOTH: [Way; 2] = [Way::Write, Way::Read];

/// Begins a transfer when there is room for it.
fn begin(
    endpoint: &mut Endpoint,
    way: Way,
    (import, offset): (&Import, usize),
    (buffer, local): (&Buffer, usize),
    bytes: usize,
) -> Result<Transfer, SendError> {
    let (queue, _) = endpoint.split();
    let [offset, local, bytes] = [offset, local, bytes].map(|number| number as u32);
    queue.when_room(PATIENCE, |queue| match way {
        Way::Write => queue.write(import, offset, buffer, local, bytes),
        Way::Read => queue.read(import, offset, buffer, local, bytes),
    })
}

/// What becomes of a transfer.
fn transfer(
    endpoint: &mut Endpoint,
    way: Way,
    far: (&Import, usize),
    near: (&Buffer, usize),
    bytes: usize,
) -> Result<(), TransferError> {
    let transfer = begin(endpoint, way, far, near, bytes).expect("the queue is in order");
    endpoint.split().0.wait_done(&transfer, PATIENCE)
}

fn loaded(bytes: u64, load: impl FnOnce(&mut [u8])) -> Vec<u8> {
    let mut contents = vec![0; bytes as usize];
    load(&mut contents);
    contents
}

fn exported(export: &Export) -> Vec<u8> {
    loaded(export.bytes(), |bytes| export.load(0, bytes))
}

fn buffered(buffer: &Buffer) -> Vec<u8> {
    loaded(buffer.bytes(), |bytes| buffer.load(0, bytes))
}

fn noise(random: &mut Random, bytes: usize) -> Vec<u8> {
    (0..bytes).map(|_| random.below(256) as u8).collect()
}

fn assert_same(found: &[u8], expected: &[u8], what: &str) {
    let first = found.iter().zip(expected).position(|(a, b)| a != b);
    assert_eq!(first, None, "first wrong byte of {what}");
}

fn failed(code: Code) -> Result<(), TransferError> {
    Err(TransferError::Failed { code, among: 1 })
}

/// Blocks of a size at these alignments of source and target, to and from the other node at the same time: writes
/// first, then reads of what was written to other places of the buffer.
fn blocks_of(
    node: &Node,
    random: &mut Random,
    endpoint: &mut Endpoint,
    size: usize,
    alignments: &[(usize, usize)],
) -> Result<(), Error> {
    let step = (size + 96).next_multiple_of(64);
    let bytes = (alignments.len() * step) as u64;
    let mut export = endpoint.export(bytes, Rights::READ_WRITE, Access::ANY)?;
    let mut buffer = endpoint.register(bytes)?;
    let import = import(
        endpoint,
        &exchange(node, Some(&export)).expect("both export"),
    )?;
    let guard = 0x11 + node.number() as u8;
    export.store(0, &vec![guard; bytes as usize]);
    let sent = noise(random, bytes as usize);
    buffer.store(0, &sent);
    let places: Vec<(usize, usize)> = (0..)
        .zip(alignments)
        .map(|(place, (far, near))| (place * step + 32 + far, place * step + 32 + near))
        .collect();
    node.barrier();
    for &(far, near) in &places {
        let _ = begin(endpoint, Way::Write, (&import, far), (&buffer, near), size)?;
    }
    endpoint.flush(PATIENCE)?;
    node.barrier();
    // Both draw the same alignments, so what came is at the same places.
    let peers: Vec<Vec<u8>> = node.port.gather(&sent);
    let came = &peers[usize::from(node.peer())];
    let mut expected = vec![guard; bytes as usize];
    for &(far, near) in &places {
        expected[far..far + size].copy_from_slice(&came[near..near + size]);
    }
    assert_same(&exported(&export), &expected, &format!("writes of {size}"));

    let kept = noise(random, bytes as usize);
    buffer.store(0, &kept);
    for &(far, near) in &places {
        let _ = begin(endpoint, Way::Read, (&import, far), (&buffer, near), size)?;
    }
    endpoint.flush(PATIENCE)?;
    let mut expected = kept;
    for &(_, near) in &places {
        expected[near..near + size].copy_from_slice(&sent[near..near + size]);
    }
    assert_same(&buffered(&buffer), &expected, &format!("reads of {size}"));
    node.barrier();
    assert_same(&exported(&export), &exported(&export), "nothing moves");
    node.barrier();
    Ok(())
}

#[test]
fn every_size_at_every_alignment_goes_both_ways_and_nothing_beside_it() {
    const SMALL: [usize; 12] = [1, 2, 3, 4, 5, 15, 16, 17, 63, 64, 65, 257];
    fn body(node: &Node) -> Result<(), Error> {
        let mut random = Random::new(41 + u64::from(node.number()));
        let mut endpoint = endpoint(node)?;
        let all: Vec<(usize, usize)> = (0..16)
            .flat_map(|far| (0..16).map(move |near| (far, near)))
            .collect();
        for size in SMALL {
            blocks_of(node, &mut random, &mut endpoint, size, &all)?;
        }
        // Around the frame, the page and several pages, at some of them.
        let mut same = Random::new(40);
        for size in [
            255, 256, 258, 511, 512, 513, 4095, 4096, 4097, 16383, 16384, 16385,
        ] {
            let some: Vec<_> = (0..8).map(|_| all[same.below(256) as usize]).collect();
            blocks_of(node, &mut random, &mut endpoint, size, &some)?;
        }
        Ok(())
    }
    for (profile, seed) in [("bare", 401), ("pcie-gen3-x8", 402)] {
        let options = ClusterOptions {
            maximum_cycles: 40_000_000,
            ..support::options(profile, seed)
        };
        support::run(options, vec![Box::new(body), Box::new(body)]);
    }
}

#[test]
fn a_block_of_nothing_and_one_of_a_mebibyte_are_transfers_too() {
    fn body(node: &Node) -> Result<(), Error> {
        let mut random = Random::new(51);
        let mut endpoint = endpoint(node)?;
        blocks_of(node, &mut random, &mut endpoint, 0, &[(0, 0), (3, 5)])?;
        blocks_of(node, &mut random, &mut endpoint, 1 << 20, &[(1, 6)])?;
        Ok(())
    }
    let options = ClusterOptions {
        maximum_cycles: 10_000_000,
        ..support::options("pcie-gen3-x8", 403)
    };
    support::run(options, vec![Box::new(body), Box::new(body)]);
}

/// Rounds of those that look for what came too early.
const ROUNDS: u64 = 24;
/// A block whose flag or message comes behind it, out of step with everything.
const LONG: usize = 2001;
const PLACE: usize = 65;

fn pattern(round: u64) -> Vec<u8> {
    let byte = |at: usize| (at as u64 * 3 + round * 41) as u8;
    (0..LONG).map(byte).collect()
}

/// A flag is written inline behind the block in every second round; else a message follows it.
#[test]
fn flags_and_messages_behind_a_block_are_never_seen_before_it() {
    let body = |node: &Node| {
        let mut endpoint = endpoint(node)?;
        let export = endpoint.export(4096, Rights::WRITE, Access::ANY)?;
        let mut buffers = [endpoint.register(4096)?, endpoint.register(4096)?];
        let import = import(
            &endpoint,
            &exchange(node, Some(&export)).expect("both export"),
        )?;
        for round in 1..=ROUNDS {
            let buffer = &mut buffers[round as usize % 2];
            buffer.store(3, &pattern(round));
            let _ = begin(
                &mut endpoint,
                Way::Write,
                (&import, PLACE),
                (buffer, 3),
                LONG,
            )?;
            if round % 2 == 0 {
                let (queue, _) = endpoint.split();
                let _ = queue.when_room(PATIENCE, |queue| {
                    queue.write_inline(&import, 0, &round.to_le_bytes())
                })?;
                let seen = export.wait_until(PATIENCE, |export| export.load64(0) >= round);
                assert!(seen, "no flag in round {round}");
            } else {
                endpoint.when_room(PATIENCE, |it| it.send_express(PEER, 0, [1; 8]))?;
                endpoint.when_room(PATIENCE, |it| it.send_basic(PEER, 1, &[7; 248]))?;
                for _ in 0..2 {
                    endpoint.receive_wait(PATIENCE)?.into_message();
                }
            }
            let mut bytes = vec![0; LONG];
            export.load(PLACE, &mut bytes);
            assert_same(&bytes, &pattern(round), &format!("round {round}"));
            node.barrier();
        }
        endpoint.flush(PATIENCE)?;
        node.barrier();
        Ok(())
    };
    for (profile, seed) in [("bare", 404), ("pcie-gen3-x8", 405), ("pcie-gen1-x1", 406)] {
        let options = support::options(profile, seed);
        support::run(options, vec![Box::new(body), Box::new(body)]);
    }
}

/// A read behind a write of the same queue finds what was written, though the target's host takes no writes meanwhile.
#[test]
fn a_read_behind_a_write_finds_it() {
    let initiator = |node: &Node| {
        let mut endpoint = endpoint(node)?;
        let import = import(&endpoint, &exchange(node, None).expect("it exports"))?;
        let mut buffer = endpoint.register(8192)?;
        for round in 1..=ROUNDS {
            node.barrier();
            buffer.store(3, &pattern(round));
            let size = [LONG, 8, 300][round as usize % 3];
            let _ = begin(
                &mut endpoint,
                Way::Write,
                (&import, PLACE),
                (&buffer, 3),
                size,
            )?;
            let _ = begin(
                &mut endpoint,
                Way::Read,
                (&import, PLACE),
                (&buffer, 4001),
                size,
            )?;
            endpoint.flush(PATIENCE)?;
            let found = loaded(size as u64, |bytes| buffer.load(4001, bytes));
            assert_same(&found, &pattern(round)[..size], &format!("round {round}"));
        }
        node.barrier();
        Ok(())
    };
    let exporter = |node: &Node| {
        let endpoint = endpoint(node)?;
        let export = endpoint.export(4096, Rights::READ_WRITE, Access::ANY)?;
        exchange(node, Some(&export));
        for round in 1..=ROUNDS {
            node.port.with_side(|side| {
                let delay_ns = 100 * (round % 12);
                side.bridge.withhold_credits(Class::Posted, delay_ns, 5_000);
            });
            node.barrier();
        }
        node.barrier();
        Ok(())
    };
    for (profile, seed) in [("bare", 450), ("pcie-gen3-x8", 451)] {
        let options = support::options(profile, seed);
        support::run(options, vec![Box::new(initiator), Box::new(exporter)]);
    }
}

/// Several endpoints of each node transfer at once, more than the NIU does at a time, while messages go on. Each has
/// its part of the memory, and a copy of it that says what must be there.
#[test]
fn many_queues_transfer_at_once_in_both_directions() {
    const PART: usize = 6000;
    const TRANSFERS: usize = 40;
    fn queues() -> u16 {
        6.min(sim::model::INLINE_PAGES)
    }
    let body = |node: &Node| {
        let mut random = Random::new(60 + u64::from(node.number()));
        let mut endpoints = Vec::new();
        for queue in 0..queues() {
            endpoints.push(node.endpoint(options(queue), &[node.peer()])?);
        }
        let bytes = (usize::from(queues()) * PART) as u64;
        let export = endpoints[0].export(bytes, Rights::READ_WRITE, Access::ANY)?;
        let handle = exchange(node, Some(&export)).expect("both export");
        let mut parts = Vec::new();
        for endpoint in &endpoints {
            let buffer = endpoint.register(PART as u64)?;
            parts.push((import(endpoint, &handle)?, buffer, vec![0; PART]));
        }
        node.barrier();
        let mut messages = 0;
        for number in 0..TRANSFERS {
            // Each begins one, and all are in flight.
            let mut begun = Vec::new();
            for (part, endpoint) in endpoints.iter_mut().enumerate() {
                let (import, buffer, far) = &mut parts[part];
                let size = 1 + random.below(if number % 5 == 0 { 4000 } else { 300 }) as usize;
                let at = random.below((PART - size) as u64) as usize;
                let near = random.below((PART - size) as u64) as usize;
                let place = part * PART + at;
                let way = BOTH[random.below(2) as usize];
                let data = noise(&mut random, size);
                if way == Way::Write {
                    buffer.store(near, &data);
                    far[at..at + size].copy_from_slice(&data);
                }
                let transfer = begin(endpoint, way, (import, place), (buffer, near), size)?;
                if part == 0 {
                    endpoint.when_room(PATIENCE, |it| it.send_express(PEER, 0, [1; 8]))?;
                    messages += 1;
                }
                begun.push((way, at, near, size, transfer));
            }
            for (part, (way, at, near, size, transfer)) in begun.into_iter().enumerate() {
                endpoints[part].split().0.wait_done(&transfer, PATIENCE)?;
                let (_, buffer, far) = &parts[part];
                if way == Way::Read {
                    let found = loaded(size as u64, |bytes| buffer.load(near, bytes));
                    let what = format!("read {number} of queue {part}");
                    assert_same(&found, &far[at..at + size], &what);
                }
            }
            while messages > 0 {
                endpoints[0].receive_wait(PATIENCE)?.into_message();
                messages -= 1;
            }
        }
        node.barrier();
        let written: Vec<u8> = parts.iter().flat_map(|(_, _, far)| far.clone()).collect();
        let all = node.port.gather(&written);
        let expected = &all[usize::from(node.peer())];
        assert_same(&exported(&export), expected, "all that was written");
        node.barrier();
        Ok(())
    };
    let options = ClusterOptions {
        maximum_cycles: 20_000_000,
        ..support::options("pcie-gen3-x8", 407)
    };
    support::run(options, vec![Box::new(body), Box::new(body)]);
}

/// Each error of the exporter for each way; then the same queue goes on.
#[test]
fn what_the_exporter_does_not_allow_is_refused_with_its_reason() {
    const SIZE: usize = 700;
    let importer = |node: &Node| {
        let mut endpoint = endpoint(node)?;
        let next = || exchange(node, None).expect("it exports");
        let [mine, others, write_only, read_only, revoked] = std::array::from_fn(|_| next());
        let all = |handle: SegmentHandle| SegmentHandle {
            rights: Rights::READ_WRITE,
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
        let mut buffer = endpoint.register(4096)?;
        buffer.store(0, &[0x77; 4096]);
        let cases = [
            (others, Code::BadSegment, &BOTH[..]),
            (unused, Code::BadSegment, &BOTH),
            (revoked, Code::BadSegment, &BOTH),
            (stale, Code::StaleSegment, &BOTH),
            (read_only, Code::SegmentRights, &[Way::Write]),
            (write_only, Code::SegmentRights, &[Way::Read]),
            (far, Code::SegmentRange, &BOTH),
        ];
        for (number, (handle, code, ways)) in cases.into_iter().enumerate() {
            for &way in ways {
                let bad = import(&endpoint, &all(handle))?;
                let place = handle.bytes as usize - SIZE;
                let told = transfer(&mut endpoint, way, (&bad, place), (&buffer, 5), SIZE);
                assert_eq!(told, failed(code), "case {number}, {way:?}");
                let good = import(&endpoint, &mine)?;
                transfer(&mut endpoint, way, (&good, 0), (&buffer, 0), 16)?;
                endpoint.check()?;
            }
        }
        // Nor may the own side's buffer be another's, or none, or too small.
        let good = import(&endpoint, &mine)?;
        buffer.unregister()?;
        for way in BOTH {
            let told = transfer(&mut endpoint, way, (&good, 0), (&buffer, 0), 64);
            assert_eq!(told, failed(Code::BadSegment));
        }
        node.barrier();
        Ok(())
    };
    let exporter = |node: &Node| {
        let endpoint = endpoint(node)?;
        let open = |rights, access| endpoint.export(4096, rights, access);
        let other_node = Access {
            node: Some(NodeNumber(1)),
            ..Access::ANY
        };
        let mut exports = vec![
            open(Rights::READ_WRITE, Access::ANY)?,
            open(Rights::READ_WRITE, other_node)?,
            open(Rights::WRITE, Access::ANY)?,
            open(Rights::READ, Access::ANY)?,
            open(Rights::READ_WRITE, Access::ANY)?,
        ];
        exports[4].revoke()?;
        for export in &exports {
            exchange(node, Some(export));
        }
        node.barrier();
        // Frames in front of the end of the memory may have been written.
        let mut expected = exported(&exports[0]);
        assert_eq!(expected[..16], [0x77; 16]);
        let place = 4096 + 1 - SIZE;
        assert!(expected[16..place].iter().all(|&byte| byte == 0));
        expected.truncate(0);
        for export in &exports[1..] {
            assert_eq!(exported(export), vec![0; 4096], "{:?}", export.handle());
        }
        Ok(())
    };
    let options = support::options("bare", 408);
    support::run(options, vec![Box::new(importer), Box::new(exporter)]);
}

/// A host that does not give the NIU its memory: at the initiator for a write, at the target for a read.
#[test]
fn a_read_that_the_host_spoils_fails_its_transfer_and_no_other() {
    let body = |node: &Node| {
        let mut endpoint = endpoint(node)?;
        let export = endpoint.export(8192, Rights::READ_WRITE, Access::ANY)?;
        let handle = exchange(node, Some(&export)).expect("both export");
        let import = import(&endpoint, &handle)?;
        let buffer = endpoint.register(8192)?;
        for (way, initiator) in [(Way::Write, 0), (Way::Read, 0), (Way::Read, 1)] {
            let spoiler = match way {
                Way::Write => initiator,
                Way::Read => 1 - initiator,
            };
            if node.number() == spoiler {
                node.port.with_side(|side| {
                    for _ in 0..2 {
                        side.bridge.spoil_read(ReadFault::Spared);
                    }
                    side.bridge.spoil_read(ReadFault::Poisoned);
                });
            }
            node.barrier();
            if node.number() == initiator {
                let told = transfer(&mut endpoint, way, (&import, 100), (&buffer, 7), 3000);
                assert_eq!(told, failed(Code::TransferFailed), "{way:?}");
                transfer(&mut endpoint, way, (&import, 100), (&buffer, 7), 3000)?;
                endpoint.check()?;
            }
            node.barrier();
        }
        Ok(())
    };
    let options = support::options("bare", 409);
    support::run(options, vec![Box::new(body), Box::new(body)]);
}

/// What ends in the midst of transfers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The exporter revokes its memory.
    Revoke,
    /// The exporter's endpoint is destroyed.
    DestroyExporter,
    /// The initiator gives its buffer back.
    Unregister,
    /// The initiator's endpoint is destroyed.
    DestroyInitiator,
}

/// The host has no credits for writes for a while.
const WITHHOLDING_NS: u64 = 40_000;

/// Transfers one way as fast as they go, until the end is confirmed: then the memory that was written to does not
/// change any more, and no NIU touches memory that was given back.
fn ended_in_flight(profile: &str, seed: u64, way: Way, end: End, withholds: bool) {
    const ENDS: u64 = 4;
    const SIZE: usize = 3000;
    println!("{way:?}, {end:?}, withholds: {withholds}");
    let initiator = move |node: &Node| {
        for round in 0..ENDS {
            let mut endpoint = endpoint(node)?;
            let handle = exchange(node, None).expect("it exports");
            let import = import(&endpoint, &handle)?;
            let mut buffer = endpoint.register(4096)?;
            let mut begun = 0;
            let limit = match end {
                End::Revoke | End::DestroyExporter => u64::MAX,
                End::Unregister | End::DestroyInitiator => 5 + 3 * round,
            };
            if withholds && way == Way::Read && limit != u64::MAX {
                withhold(node, round);
            }
            let error = loop {
                if begun == limit {
                    break None;
                }
                buffer.store(0, &[begun as u8; 64]);
                match begin(&mut endpoint, way, (&import, 64), (&buffer, 9), SIZE) {
                    Ok(_) => begun += 1,
                    Err(error) => break Some(error),
                }
            };
            match end {
                End::Revoke | End::DestroyExporter => {
                    let error = Error::from(error.expect("it has an end"));
                    let report = error.queue_report().ok_or(error)?;
                    assert_eq!(report.code, Code::BadSegment, "round {round}");
                }
                End::Unregister => buffer.unregister()?,
                End::DestroyInitiator => drop(endpoint),
            }
            let before = buffered(&buffer);
            node.port.sleep_ns(100_000);
            assert!(buffered(&buffer) == before, "round {round}: read too late");
            drop(buffer);
            node.barrier();
        }
        Ok(())
    };
    let exporter = move |node: &Node| {
        for round in 0..ENDS {
            let endpoint = endpoint(node)?;
            let mut export = endpoint.export(4096, Rights::READ_WRITE, Access::ANY)?;
            let counted = |node: &Node| node.device.counter(Counter::BulkFramesWritten);
            let start = counted(node)?;
            exchange(node, Some(&export));
            if matches!(end, End::Revoke | End::DestroyExporter) {
                match way {
                    Way::Write => while counted(node)?.wrapping_sub(start) < 20 {},
                    Way::Read => node.port.sleep_ns(8_000 + 1_000 * round),
                }
                if withholds {
                    withhold(node, round);
                }
                let mut kept = Some(endpoint);
                match end {
                    End::Revoke => export.revoke()?,
                    _ => drop(kept.take()),
                }
                let before = exported(&export);
                node.port.sleep_ns(100_000);
                assert!(
                    exported(&export) == before,
                    "round {round}: written too late"
                );
                if round % 2 == 1 {
                    // Its pages are taken from the IOMMU while the initiator may still be at it.
                    drop(export);
                }
                node.barrier();
            } else {
                node.barrier();
            }
        }
        Ok(())
    };
    let options = ClusterOptions {
        maximum_cycles: 10_000_000,
        ..support::options(profile, seed)
    };
    let (_, report) = support::run(options, vec![Box::new(initiator), Box::new(exporter)]);
    let faults: Vec<u64> = report.nodes.iter().map(|node| node.iommu_faults).collect();
    assert_eq!(faults, [0, 0], "memory that was given back was touched");
}

fn withhold(node: &Node, round: u64) {
    node.port.with_side(|side| {
        let delay_ns = round * 3000;
        side.bridge
            .withhold_credits(Class::Posted, delay_ns, WITHHOLDING_NS);
    });
}

#[test]
fn what_the_exporter_ends_is_not_written_any_more() {
    for (seed, end) in [(410, End::Revoke), (412, End::DestroyExporter)] {
        ended_in_flight("bare", seed, Way::Write, end, false);
        ended_in_flight("pcie-gen3-x8", seed + 1, Way::Write, end, true);
    }
}

#[test]
fn what_the_exporter_ends_is_not_read_any_more() {
    for (seed, end) in [(420, End::Revoke), (422, End::DestroyExporter)] {
        ended_in_flight("bare", seed, Way::Read, end, false);
        ended_in_flight("pcie-gen3-x8", seed + 1, Way::Read, end, false);
    }
}

#[test]
fn what_the_initiator_gives_back_is_not_touched_any_more() {
    for (seed, end) in [(430, End::Unregister), (434, End::DestroyInitiator)] {
        for (more, way) in BOTH.into_iter().enumerate() {
            ended_in_flight("bare", seed + more as u64, way, end, way == Way::Read);
            ended_in_flight("pcie-gen3-x8", seed + 2 + more as u64, way, end, false);
        }
    }
}

/// Neither node's firmware takes part in a transfer.
#[test]
fn transfers_go_on_while_both_processors_are_held() {
    let body = |node: &Node| {
        let mut endpoint = endpoint(node)?;
        let export = endpoint.export(4096, Rights::READ_WRITE, Access::ANY)?;
        let import = import(
            &endpoint,
            &exchange(node, Some(&export)).expect("both export"),
        )?;
        let mut buffer = endpoint.register(8192)?;
        node.device.hold_processor(true)?;
        node.barrier();
        for round in 1..=8 {
            buffer.store(3, &pattern(round));
            transfer(
                &mut endpoint,
                Way::Write,
                (&import, PLACE),
                (&buffer, 3),
                LONG,
            )?;
            transfer(
                &mut endpoint,
                Way::Read,
                (&import, PLACE),
                (&buffer, 4001),
                LONG,
            )?;
            let found = loaded(LONG as u64, |bytes| buffer.load(4001, bytes));
            assert_same(&found, &pattern(round), &format!("round {round}"));
        }
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
    let options = support::options("bare", 440);
    support::run(options, vec![Box::new(body), Box::new(body)]);
}

/// A queue that is away captures the descriptor as it captures a message, and more transfers than a queue may have in
/// the NIU wait in their slots.
#[test]
fn a_full_queue_of_transfers_from_an_endpoint_that_is_away() {
    let body = |node: &Node| {
        let mut endpoint = endpoint(node)?;
        let export = endpoint.export(65536, Rights::READ_WRITE, Access::ANY)?;
        let import = import(
            &endpoint,
            &exchange(node, Some(&export)).expect("both export"),
        )?;
        let mut buffer = endpoint.register(65536)?;
        let bodies = support::inline_bodies(node).min(MAXIMUM_TRANSMIT_SLOTS);
        for round in 0..3 {
            endpoint.flush(PATIENCE)?;
            endpoint.evict()?;
            let data = vec![round + 1; 65536];
            buffer.store(0, &data);
            node.barrier();
            let step = 65536 / bodies;
            for part in 0..bodies {
                let at = part * step;
                let _ = begin(
                    &mut endpoint,
                    Way::Write,
                    (&import, at),
                    (&buffer, at),
                    step,
                )?;
            }
            endpoint.flush(PATIENCE)?;
            node.barrier();
            assert_same(&exported(&export), &data, &format!("round {round}"));
            node.barrier();
        }
        Ok(())
    };
    let options = support::options("pcie-gen3-x8", 441);
    support::run(options, vec![Box::new(body), Box::new(body)]);
}
