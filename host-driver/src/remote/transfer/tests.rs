//! Writes to a fake device's own memory, and what is told of them.

use super::*;
use crate::device::Device;
use crate::endpoint::{Endpoint, EndpointOptions};
use crate::fake::FakeDevice;
use crate::numbers::{Destination, EndpointNumber, NodeNumber, ReceiveQueueId, VirtualChannel};
use crate::open_options::OpenOptions;
use crate::remote::{Access, Export, Rights, SegmentHandle};

const PATIENCE: Duration = Duration::from_micros(1);
/// More than two pages.
const BYTES: u64 = 9000;

struct Scene {
    fake: FakeDevice,
    endpoint: Endpoint<FakeDevice>,
    export: Export<FakeDevice>,
    import: Import,
}

fn scene(rights: Rights, access: Access) -> Scene {
    let fake = FakeDevice::new();
    let device = Device::with_transport(fake.clone(), OpenOptions::default());
    let device = device.expect("nobody has it");
    let endpoint = device.create_endpoint(EndpointOptions::default());
    let endpoint = endpoint.expect("there is room");
    let export = endpoint.export(BYTES, rights, access);
    let export = export.expect("there is memory");
    let import = import(&endpoint, 1, &export.handle());
    Scene {
        fake,
        endpoint,
        export,
        import,
    }
}

fn import(endpoint: &Endpoint<FakeDevice>, destination: u16, handle: &SegmentHandle) -> Import {
    let import = endpoint.import(Destination(destination), handle, VirtualChannel::ZERO);
    import.expect("it is legal")
}

impl Scene {
    fn queue(&mut self) -> &mut TransmitQueue<FakeDevice> {
        self.endpoint.split().0
    }

    /// What becomes of a write.
    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), TransferError> {
        let import = self.import;
        let queue = self.queue();
        let transfer = queue.write_inline(&import, offset, bytes);
        let transfer = transfer.expect("it may be sent");
        queue.wait_done(&transfer, PATIENCE)
    }

    fn memory(&self) -> Vec<u8> {
        let mut bytes = vec![0; BYTES as usize];
        self.export.load(0, &mut bytes);
        bytes
    }
}

fn failed(code: Code) -> Result<(), TransferError> {
    Err(TransferError::Failed { code, among: 1 })
}

#[test]
fn every_size_at_every_alignment_is_written_and_nothing_beside_it() {
    let mut scene = scene(Rights::WRITE, Access::ANY);
    let mut expected = vec![0; BYTES as usize];
    for (round, bytes) in (1..=240_usize).enumerate() {
        for alignment in 0..4 {
            // Also across pages and up to both ends.
            let place = match round % 3 {
                0 => 4096 - bytes / 2 - 4,
                1 => 0,
                _ => (BYTES as usize - bytes) & !3,
            };
            let offset = (place + alignment).min(BYTES as usize - bytes);
            let data: Vec<u8> = (0..bytes)
                .map(|at| (at * 7 + round + alignment) as u8)
                .collect();
            let import = scene.import;
            if bytes + offset % 4 > 240 {
                let refused = scene.queue().write_inline(&import, offset as u32, &data);
                let maximum = 240 - offset % 4;
                assert_eq!(refused, Err(SendError::TooLong { bytes, maximum }));
                continue;
            }
            scene.write(offset as u32, &data).expect("it is written");
            expected[offset..offset + bytes].copy_from_slice(&data);
            assert!(scene.memory() == expected, "{bytes} bytes at {offset}");
        }
    }
}

#[test]
fn up_to_48_aligned_bytes_take_one_store_of_64_and_the_one_that_launches() {
    use crate::fake::Store;
    let mut scene = scene(Rights::WRITE, Access::ANY);
    for (index, bytes) in [1, 40, 48].into_iter().enumerate() {
        scene.fake.take_stores();
        scene.write(8, &vec![5; bytes]).expect("it is written");
        let stores = scene.fake.take_stores();
        let [
            Store::Memory(at, body),
            Store::Fence,
            Store::Page(_, producer),
        ] = &stores[..]
        else {
            panic!("{stores:?}");
        };
        assert_eq!(*at, 256 * index as u64);
        assert!(body.len() <= 64 && (bytes < 40 || body.len() == 64));
        assert_eq!(*producer, index as u64 + 1);
    }
}

#[test]
fn what_this_side_knows_to_be_wrong_is_refused_before_anything_is_sent() {
    let mut all = scene(Rights::WRITE, Access::ANY);
    let import = all.import;
    let outside = |offset, bytes| SendError::OutsideSegment {
        offset,
        bytes,
        size: BYTES,
    };
    for (offset, bytes) in [(0, 0), (8999, 2), (9000, 1), (u32::MAX, 1)] {
        let refused = all.queue().write_inline(&import, offset, &vec![0; bytes]);
        assert_eq!(refused, Err(outside(offset, bytes)));
    }
    let mut foreign = import;
    foreign.endpoint = EndpointNumber(5);
    let refused = all.queue().write_inline(&foreign, 0, &[0]);
    let importer = EndpointNumber(5);
    assert_eq!(refused, Err(SendError::ForeignImport { importer }));
    let mut for_reading = scene(Rights::READ, Access::ANY);
    let import = for_reading.import;
    let refused = for_reading.queue().write_inline(&import, 0, &[0]);
    assert_eq!(refused, Err(SendError::NoRight));
    for scene in [&all, &for_reading] {
        assert_eq!(scene.endpoint.outstanding(), 0);
        assert_eq!(scene.memory(), vec![0; BYTES as usize]);
    }
}

#[test]
fn what_the_exporter_finds_is_told_of_the_operation() {
    let mut it = scene(Rights::WRITE, Access::ANY);
    let handle = it.export.handle();
    let forged = [
        (
            SegmentHandle {
                segment: 9,
                ..handle
            },
            Code::BadSegment,
        ),
        (
            SegmentHandle {
                node: NodeNumber(1),
                ..handle
            },
            Code::BadSegment,
        ),
        (
            SegmentHandle {
                generation: handle.generation + 1,
                ..handle
            },
            Code::StaleSegment,
        ),
        (
            SegmentHandle {
                bytes: BYTES + 5,
                ..handle
            },
            Code::SegmentRange,
        ),
    ];
    for (forged, code) in forged {
        it.import = import(&it.endpoint, 1, &forged);
        let last = forged.bytes as u32 - 8;
        assert_eq!(it.write(last, &[1; 8]), failed(code), "{forged:?}");
        // Behind it, all is well.
        it.import = import(&it.endpoint, 1, &handle);
        assert_eq!(it.write(0, &[0]), Ok(()));
        it.endpoint.check().expect("it was told");
    }
    assert_eq!(it.memory(), vec![0; BYTES as usize]);
    let mut for_reading = scene(Rights::READ, Access::ANY);
    let forged = SegmentHandle {
        rights: Rights::WRITE,
        ..for_reading.export.handle()
    };
    for_reading.import = import(&for_reading.endpoint, 1, &forged);
    assert_eq!(for_reading.write(0, &[1]), failed(Code::SegmentRights));
    for (node, endpoint) in [(Some(1), None), (None, Some(1))] {
        let access = Access {
            node: node.map(NodeNumber),
            endpoint: endpoint.map(EndpointNumber),
        };
        let mut others = scene(Rights::WRITE, access);
        assert_eq!(others.write(0, &[1]), failed(Code::BadSegment));
    }
}

#[test]
fn revoked_memory_stays_as_it_is_and_its_number_gets_another_generation() {
    let mut it = scene(Rights::WRITE, Access::ANY);
    it.write(16, b"before").expect("it is written");
    it.export.revoke().expect("the firmware answers");
    it.export.revoke().expect("it is revoked");
    assert_eq!(it.write(16, b"behind"), failed(Code::BadSegment));
    let another = it.endpoint.export(64, Rights::WRITE, Access::ANY);
    let another = another.expect("there is memory");
    assert_eq!(another.handle().segment, it.export.handle().segment);
    assert_eq!(it.write(16, b"behind"), failed(Code::StaleSegment));
    assert_eq!(&it.memory()[16..22], b"before");
    assert_eq!(another.load64(16), 0);
}

/// The shadow line does not say which of several it was.
#[test]
fn one_of_several_in_flight_is_told_as_one_among_them() {
    let mut it = scene(Rights::WRITE, Access::ANY);
    let handle = it.export.handle();
    let forged = SegmentHandle {
        generation: handle.generation + 1,
        ..handle
    };
    let (good, bad) = (it.import, import(&it.endpoint, 2, &forged));
    it.fake.hold_messages(true);
    let queue = it.endpoint.split().0;
    let sent: Vec<Transfer> = [&good, &bad, &good]
        .iter()
        .map(|import| queue.write_inline(import, 0, &[1]).expect("there is room"))
        .collect();
    for transfer in &sent {
        assert_eq!(queue.is_done(transfer), Ok(false));
    }
    it.fake.hold_messages(false);
    let told = TransferError::Failed {
        code: Code::StaleSegment,
        among: 3,
    };
    let queue = it.endpoint.split().0;
    for transfer in &sent {
        assert_eq!(queue.is_done(transfer), Err(told));
        assert_eq!(
            queue.is_done(transfer),
            Err(told),
            "as often as it is asked"
        );
    }
    queue.check().expect("it was told");
    // One alone is surely the one.
    it.import = bad;
    assert_eq!(it.write(0, &[1]), failed(Code::StaleSegment));
}

#[test]
fn an_error_of_an_earlier_message_is_not_the_operations() {
    let mut it = scene(Rights::WRITE, Access::ANY);
    it.fake.hold_messages(true);
    let import = it.import;
    let queue = it.endpoint.split().0;
    let write = queue.write_inline(&import, 0, &[1]).expect("there is room");
    it.fake.hold_messages(false);
    let queue = it.endpoint.split().0;
    assert_eq!(queue.is_done(&write), Ok(true));
    queue
        .send_express(Destination(7), 0, [0; 8])
        .expect("there is room");
    let told = queue.is_done(&write);
    let Err(TransferError::Queue(QueueError::Reported(report))) = told else {
        panic!("{told:?}");
    };
    assert_eq!((report.count, report.code), (1, Code::InvalidTranslation));
    assert_eq!(queue.is_done(&write), Ok(true), "it is told once");
}

#[test]
fn messages_and_operations_need_destinations_of_their_own() {
    let mut it = scene(Rights::WRITE, Access::ANY);
    let import = it.import;
    let queue = it.endpoint.split().0;
    let message = queue.send_basic(import.destination(), 0, b"no message");
    message.expect("there is room");
    let report = queue.check().expect_err("it takes no messages");
    let QueueError::Reported(report) = report else {
        panic!("{report}");
    };
    assert_eq!(report.code, Code::InvalidTranslation);
    let endpoint = &it.endpoint;
    endpoint
        .load_translation(
            Destination(1),
            NodeNumber(0),
            ReceiveQueueId(0),
            VirtualChannel::ZERO,
        )
        .expect("it is legal");
    assert_eq!(it.write(0, &[1]), failed(Code::InvalidTranslation));
}

#[test]
fn memory_is_kept_while_it_may_be_written_to() {
    let it = scene(Rights::WRITE, Access::ANY);
    let pieces = it.fake.pieces_of_memory();
    let Scene {
        fake,
        endpoint,
        export,
        ..
    } = it;
    let second = endpoint.export(64, Rights::WRITE, Access::ANY);
    drop(second.expect("there is memory"));
    assert_eq!(fake.pieces_of_memory(), pieces);
    fake.silence_firmware(true);
    drop(export);
    assert_eq!(fake.pieces_of_memory(), pieces, "nobody knows");
    fake.silence_firmware(false);
    drop(endpoint);
    assert_eq!(fake.pieces_of_memory(), 0, "the device was settled");
}

#[test]
fn an_export_that_outlives_its_endpoint_is_revoked_already() {
    let it = scene(Rights::WRITE, Access::ANY);
    let pieces = it.fake.pieces_of_memory();
    drop(it.endpoint);
    let mut export = it.export;
    export.revoke().expect("it went with its endpoint");
    assert_eq!(it.fake.pieces_of_memory(), pieces - 2);
    drop(export);
    assert_eq!(it.fake.pieces_of_memory(), 0);
}

/// A scene with a buffer.
fn blocks(rights: Rights) -> (Scene, crate::remote::Buffer<FakeDevice>) {
    let it = scene(rights, Access::ANY);
    let buffer = it.endpoint.register(BYTES).expect("there is memory");
    (it, buffer)
}

#[test]
fn blocks_of_any_size_go_both_ways_between_any_two_places() {
    let (mut it, mut buffer) = blocks(Rights::READ_WRITE);
    let import = it.import;
    let mut expected = vec![0; BYTES as usize];
    let sizes = [
        0, 1, 3, 4, 5, 63, 64, 255, 256, 257, 4095, 4096, 8192, 9000_u32,
    ];
    for (round, bytes) in sizes.into_iter().enumerate() {
        let places = [(0, 0), (1, 2), (7, 4), (4090, 14), (8999, 5)];
        for (offset, local) in places {
            let (offset, local) = (offset % (9001 - bytes), local % (9001 - bytes));
            let data: Vec<u8> = (0..bytes)
                .map(|at| (at * 5 + 3 * round as u32) as u8)
                .collect();
            buffer.store(local as usize, &data);
            let queue = it.queue();
            let write = queue.write(&import, offset, &buffer, local, bytes);
            let write = write.expect("it may be sent");
            queue.wait_done(&write, PATIENCE).expect("it is done");
            let to = offset as usize;
            expected[to..to + bytes as usize].copy_from_slice(&data);
            assert!(it.memory() == expected, "{bytes} bytes at {offset}");
            buffer.store(0, &[0x55; BYTES as usize]);
            let queue = it.queue();
            let read = queue.read(&import, offset, &buffer, local, bytes);
            let read = read.expect("it may be sent");
            queue.wait_done(&read, PATIENCE).expect("it is done");
            let mut found = vec![0; BYTES as usize];
            buffer.load(0, &mut found);
            let at = local as usize;
            let mut around = vec![0x55; BYTES as usize];
            around[at..at + bytes as usize].copy_from_slice(&data);
            assert!(found == around, "{bytes} bytes to {local}");
        }
    }
}

#[test]
fn a_transfer_that_is_known_to_be_wrong_is_refused_before_anything_is_sent() {
    let (mut it, buffer) = blocks(Rights::WRITE);
    let import = it.import;
    let queue = it.queue();
    let beyond = queue.write(&import, 1, &buffer, 0, BYTES as u32);
    let outside = SendError::OutsideSegment {
        offset: 1,
        bytes: BYTES as usize,
        size: BYTES,
    };
    assert_eq!(beyond, Err(outside));
    let beyond = queue.write(&import, 0, &buffer, 1, BYTES as u32);
    let outside = SendError::OutsideBuffer {
        offset: 1,
        bytes: BYTES as u32,
        size: BYTES,
    };
    assert_eq!(beyond, Err(outside));
    let long = queue.write(&import, 0, &buffer, 0, u32::MAX);
    assert!(matches!(long, Err(SendError::TooLong { .. })), "{long:?}");
    let read = queue.read(&import, 0, &buffer, 0, 1);
    assert_eq!(read, Err(SendError::NoRight));
    let (mut another, _) = blocks(Rights::READ);
    let (import, queue) = (another.import, another.queue());
    let write = queue.write(&import, 0, &buffer, 0, 1);
    assert_eq!(write, Err(SendError::NoRight));
    let options = EndpointOptions {
        receive_queue_id: ReceiveQueueId(1),
        ..EndpointOptions::default()
    };
    let device = Device::with_transport(FakeDevice::new(), OpenOptions::default());
    let device = device.expect("nobody has it");
    let first = device.create_endpoint(EndpointOptions::default());
    let first = first.expect("there is room");
    let mut second = device.create_endpoint(options).expect("there is room");
    let export = second.export(64, Rights::WRITE, Access::ANY);
    let handle = export.expect("there is memory").handle();
    let import = self::import(&second, 1, &handle);
    let buffer = first.register(64).expect("there is memory");
    let write = second.split().0.write(&import, 0, &buffer, 0, 1);
    let owner = first.number();
    assert_eq!(write, Err(SendError::ForeignBuffer { owner }));
}

#[test]
fn a_buffer_that_is_given_back_and_memory_that_is_revoked_fail_a_transfer() {
    let (mut it, mut buffer) = blocks(Rights::READ_WRITE);
    let import = it.import;
    buffer.unregister().expect("the firmware answers");
    let queue = it.queue();
    let write = queue
        .write(&import, 0, &buffer, 0, 1)
        .expect("there is room");
    assert_eq!(queue.wait_done(&write, PATIENCE), failed(Code::BadSegment));
    let buffer = it.endpoint.register(64).expect("there is memory");
    it.export.revoke().expect("the firmware answers");
    let queue = it.queue();
    let read = queue
        .read(&import, 0, &buffer, 0, 1)
        .expect("there is room");
    assert_eq!(queue.wait_done(&read, PATIENCE), failed(Code::BadSegment));
    // A buffer is no memory for others.
    let forged = SegmentHandle {
        segment: 1,
        ..it.export.handle()
    };
    let forged = self::import(&it.endpoint, 2, &forged);
    let queue = it.queue();
    let write = queue
        .write(&forged, 0, &buffer, 0, 1)
        .expect("there is room");
    let told = queue.wait_done(&write, PATIENCE);
    assert!(
        matches!(told, Err(TransferError::Failed { .. })),
        "{told:?}"
    );
}

#[test]
fn a_buffer_is_freed_when_the_firmware_has_confirmed_it() {
    let (it, buffer) = blocks(Rights::WRITE);
    let pieces = it.fake.pieces_of_memory();
    it.fake.silence_firmware(true);
    drop(buffer);
    assert_eq!(it.fake.pieces_of_memory(), pieces, "nobody knows");
    it.fake.silence_firmware(false);
    let another = it.endpoint.register(64).expect("there is memory");
    let pieces = it.fake.pieces_of_memory();
    drop(another);
    assert_eq!(it.fake.pieces_of_memory(), pieces - 1);
}
