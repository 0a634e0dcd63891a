//! Queues of units that programs lay out themselves in remote memory: every unit comes once, whole and in order, and
//! numbers that cannot be are found out (T9, T10).

mod support;

use host_driver::{
    Access, Destination, Endpoint, EndpointOptions, Error, ReceiveQueueId, Rights, SegmentHandle,
    SendError, UnitError, UnitReader, UnitShape, UnitWriter, VirtualChannel,
};
use sim::pcie::random::Random;
use wayfarer_cluster::launch::{Node, PATIENCE};

/// Where the writes go: to the other side's ring, and to the memory of the other side's writer.
const RING: Destination = Destination(1);
const DONE: Destination = Destination(2);

fn endpoint(node: &Node) -> Result<Endpoint, Error> {
    let options = EndpointOptions {
        receive_queue_id: ReceiveQueueId(3),
        destinations_log2: 2,
        ..EndpointOptions::default()
    };
    Ok(node.endpoint(options, &[node.peer()])?)
}

/// The other node's handle.
fn exchange(node: &Node, own: SegmentHandle) -> SegmentHandle {
    let all = node.port.gather(&own.to_bytes());
    let other = <[u8; SegmentHandle::BYTES]>::try_from(&all[usize::from(node.peer())][..]);
    SegmentHandle::from_bytes(other.expect("a handle")).expect("a handle")
}

/// Both ends of the queues between this node and the other one.
fn queues(
    node: &Node,
    endpoint: &Endpoint,
    shape: UnitShape,
) -> Result<(UnitWriter, UnitReader), Error> {
    let mut reader = UnitReader::new(endpoint, shape, Access::ANY)?;
    let ring = exchange(node, reader.handle());
    let writer = UnitWriter::new(endpoint, RING, &ring, shape, Access::ANY)?;
    let done = exchange(node, writer.handle());
    reader.connect(endpoint, DONE, &done)?;
    Ok((writer, reader))
}

/// Unit `number` of a node.
fn unit(node: u16, number: u64, shape: UnitShape) -> Vec<u8> {
    let mut random = Random::new(number * 2 + u64::from(node));
    let longest = 1 << shape.bytes_log2;
    // Many short ones, and now and then one that fills the ring.
    let bytes = match random.below(8) {
        0 => random.below(longest + 1),
        _ => random.below(longest / 4),
    };
    (0..bytes).map(|_| random.below(256) as u8).collect()
}

/// Both nodes write to each other, now and then more than the ring holds, and tell of them late.
fn exchange_units(node: &Node, shape: UnitShape, units: u64) -> Result<(), Error> {
    let mut random = Random::new(5 + u64::from(node.number()));
    let mut endpoint = endpoint(node)?;
    let (mut writer, mut reader) = queues(node, &endpoint, shape)?;
    let (queue, _) = endpoint.split();
    let (mut written, mut taken) = (0, 0);
    let mut bytes = Vec::new();
    while taken < units || written < units {
        if written < units {
            match writer.push(queue, &unit(node.number(), written, shape), PATIENCE) {
                Ok(()) => written += 1,
                Err(UnitError::Full) => writer.publish(queue, PATIENCE)?,
                Err(other) => return Err(other.into()),
            }
        }
        if written == units || random.below(5) == 0 {
            writer.publish(queue, PATIENCE)?;
        }
        if random.below(5) < 3 && reader.take(queue, &mut bytes)? {
            assert_eq!(bytes, unit(node.peer(), taken, shape), "unit {taken}");
            taken += 1;
        }
        if random.below(10) == 0 {
            node.port.sleep_ns(random.below(4000));
        }
    }
    assert!(!reader.has_unit());
    writer.publish(queue, PATIENCE)?;
    reader.tell(queue)?;
    queue.flush(PATIENCE)?;
    node.barrier();
    Ok(())
}

#[test]
fn units_of_any_size_come_once_whole_and_in_order() {
    let shapes = [(6, 0), (8, 3), (12, 4)];
    for (seed, (bytes_log2, units_log2)) in (320..).zip(shapes) {
        let shape = UnitShape {
            bytes_log2,
            units_log2,
        };
        let body = move |node: &Node| exchange_units(node, shape, 60);
        let options = support::options("pcie-gen3-x8", seed);
        support::run(options, vec![Box::new(body), Box::new(body)]);
    }
}

#[test]
fn a_writer_whose_reader_takes_nothing_is_told_that_the_ring_is_full() {
    let shape = UnitShape {
        bytes_log2: 8,
        units_log2: 2,
    };
    let body = move |node: &Node| -> Result<(), Error> {
        let mut endpoint = endpoint(node)?;
        let (mut writer, mut reader) = queues(node, &endpoint, shape)?;
        let (queue, _) = endpoint.split();
        for number in 0..4 {
            writer.push(queue, &[number; 10], PATIENCE)?;
        }
        let refused = writer.push(queue, &[4; 10], PATIENCE);
        assert!(matches!(refused, Err(UnitError::Full)), "{refused:?}");
        let long = writer.push(queue, &[0; 257], PATIENCE);
        assert!(matches!(
            long,
            Err(UnitError::TooLong {
                bytes: 257,
                maximum: 256
            })
        ));
        // Nobody has told of anything yet.
        node.barrier();
        assert!(!reader.has_unit());
        node.barrier();
        writer.publish(queue, PATIENCE)?;
        assert!(reader.wait(PATIENCE));
        let mut bytes = Vec::new();
        assert!(reader.take(queue, &mut bytes)?);
        queue.flush(PATIENCE)?;
        node.barrier();
        // A unit of four is a quarter of the ring: the writer was told.
        writer.push(queue, &[4; 10], PATIENCE)?;
        assert_eq!(writer.outstanding(), 4);
        queue.flush(PATIENCE)?;
        node.barrier();
        Ok(())
    };
    let options = support::options("bare", 330);
    support::run(options, vec![Box::new(body), Box::new(body)]);
}

#[test]
fn numbers_of_the_other_side_that_cannot_be_are_found_out() {
    let shape = UnitShape {
        bytes_log2: 8,
        units_log2: 2,
    };
    // The count, and the size of the first unit.
    let lies: [(u64, u32); 3] = [(5, 1), (u64::MAX, 1), (1, 257)];
    let victim = move |node: &Node| -> Result<(), Error> {
        for (count, size) in lies {
            let mut endpoint = endpoint(node)?;
            let (mut writer, mut reader) = queues(node, &endpoint, shape)?;
            let (queue, _) = endpoint.split();
            assert!(reader.wait(PATIENCE));
            let mut bytes = vec![7];
            let told = reader.take(queue, &mut bytes);
            let expected = u64::from(size);
            assert!(
                matches!(told, Err(UnitError::Corrupt { count: c, bytes: b }) if (c, b) == (count, expected)),
                "{told:?}"
            );
            // The other side claims to have taken what was never told of.
            for _ in 0..4 {
                writer.push(queue, b"", PATIENCE)?;
            }
            node.barrier();
            let told = writer.push(queue, b"", PATIENCE);
            assert!(
                matches!(told, Err(UnitError::Corrupt { count: 3, .. })),
                "{told:?}"
            );
            queue.flush(PATIENCE)?;
            node.barrier();
        }
        Ok(())
    };
    let liar = move |node: &Node| -> Result<(), Error> {
        for (count, size) in lies {
            let mut endpoint = endpoint(node)?;
            let own = endpoint.export(shape.export_bytes(), Rights::WRITE, Access::ANY)?;
            let ring = exchange(node, own.handle());
            let small = endpoint.export(64, Rights::WRITE, Access::ANY)?;
            let done = exchange(node, small.handle());
            let ring = endpoint.import(RING, &ring, VirtualChannel::ZERO)?;
            let done = endpoint.import(DONE, &done, VirtualChannel::ZERO)?;
            let (queue, _) = endpoint.split();
            let mut write = |import, place, bytes: &[u8]| -> Result<(), SendError> {
                queue
                    .when_room(PATIENCE, |queue| queue.write_inline(import, place, bytes))
                    .map(|_| ())
            };
            write(&ring, 64, &size.to_le_bytes())?;
            write(&ring, 0, &count.to_le_bytes())?;
            write(&done, 0, &3_u64.to_le_bytes())?;
            queue.flush(PATIENCE)?;
            node.barrier();
            node.barrier();
        }
        Ok(())
    };
    let options = support::options("bare", 331);
    support::run(options, vec![Box::new(victim), Box::new(liar)]);
}
