//! Drivers that die in the midst of traffic: once the NIU says that it is quiet, it touches nothing of theirs.

mod support;

use abi::control::counter::Counter;
use abi::control::registers::{self, AdminEntries, Quiesce, Status};
use host_driver::{
    Destination, Device, Endpoint, EndpointOptions, Error, MessageView, NodeNumber, OpenError,
    OpenOptions, ReceiveQueueId, RequestError, VirtualChannel,
};
use sim::cluster::Cluster;
use sim::host::HostPort;
use sim::pcie::ReadFault;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use wayfarer_cluster::launch::{Node, PATIENCE, launch};
use wayfarer_configuration::Configuration;

/// Receive queues on each node.
const QUEUES: u16 = 3;
/// Messages that the last driver receives in each, and sends to each.
const MESSAGES: usize = 20;
/// Enough for small requests; not for the probes of a large ring.
const PATIENT_CYCLES: u64 = 250_000;
/// Longest time that a driver lives, and that the next waits.
const LIFE_NS: u64 = 60_000;
/// Longer than the firmware takes from the doorbell to the first submission.
const CLEARING_NS: u64 = support::cycles_ns(50_000) as u64;
const RUNS: u64 = 12;

/// Numbers for a run, all different.
fn draw(seed: u64, number: u64, limit: u64) -> u64 {
    let mixed = (seed * 1000 + number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed >> 20) % limit.max(1)
}

fn options(queue: u16) -> EndpointOptions {
    EndpointOptions {
        receive_queue_id: ReceiveQueueId(queue),
        ring_entries_log2: 6,
        inline: queue == 0,
        ..EndpointOptions::default()
    }
}

fn endpoints(device: &Device, peer: u16) -> Result<Vec<Endpoint>, Error> {
    let endpoint = |queue| {
        let endpoint = device.create_endpoint(options(queue))?;
        endpoint.load_translation(
            Destination(0),
            NodeNumber(peer),
            ReceiveQueueId(queue),
            VirtualChannel::ZERO,
        )?;
        Ok(endpoint)
    };
    (0..QUEUES).map(endpoint).collect()
}

/// What a message says: from which queue, and which of its messages it is.
fn payload(queue: usize, message: u32) -> [u8; 8] {
    (u64::from(message) << 8 | queue as u64).to_le_bytes()
}

/// Has every endpoint send and receive for some time. Errors of the peer's queues are its own business; what is
/// received is whole.
fn traffic(port: &HostPort, endpoints: &mut [Endpoint], ns: u64, sent: &mut u32) {
    let end = port.now_ns() + ns as f64;
    while port.now_ns() < end {
        // A turn takes some time, on a host that is infinitely fast, too.
        port.poll(50.0);
        for (queue, endpoint) in endpoints.iter_mut().enumerate() {
            let mut long = [0x55; 120];
            long[..8].copy_from_slice(&payload(queue, *sent));
            let _ = match queue {
                0 => endpoint.send_basic(Destination(0), 0, &long),
                _ => endpoint.send_express(Destination(0), 0, payload(queue, *sent)),
            };
            *sent += 1;
            while let Some(message) = endpoint.receive().map(MessageView::into_message) {
                assert_eq!(usize::from(message.payload[0]), queue, "of another queue");
                assert_eq!(message.payload.len(), if queue == 0 { 120 } else { 8 });
            }
        }
    }
}

fn read(port: &HostPort, offset: usize) -> u32 {
    let word = port.load(0, offset as u64, 4).expect("a register");
    u32::from_le_bytes(word.try_into().expect("four bytes"))
}

fn write(port: &HostPort, offset: usize, word: u32) {
    port.store(0, offset as u64, &word.to_le_bytes());
}

/// The generation of the rings behind those that the device was told of last.
fn next_generation(port: &HostPort) -> u64 {
    let entries = AdminEntries::unpack(read(port, registers::admin_entries::OFFSET));
    (entries.generation + 1) % 256
}

/// What an operating system does when a driver has died: stops the NIU, waits, frees the driver's memory. Gives the
/// time it took.
fn bury(port: &HostPort) -> f64 {
    let generation = next_generation(port);
    let start = port.now_ns();
    write(
        port,
        registers::quiesce::OFFSET,
        Quiesce { generation }.pack(),
    );
    while Status::unpack(read(port, registers::status::OFFSET)).quiet == 0 {}
    let took = port.now_ns() - start;
    let dead: Vec<u64> = port.with_side(|side| side.allocations.keys().copied().collect());
    for address in dead {
        port.release(address);
    }
    took
}

/// What is left of a driver that dies behind its first submission. The NIU is quiet.
fn half_open(port: &HostPort) {
    let generation = next_generation(port);
    let entries = AdminEntries {
        log2: 1,
        generation,
    };
    let rings = port.allocate(8192);
    for (offset, word) in [
        (
            registers::admin_entries::OFFSET,
            AdminEntries { log2: 0, ..entries }.pack(),
        ),
        (registers::admin_submission_low::OFFSET, rings as u32),
        (
            registers::admin_submission_high::OFFSET,
            (rings >> 32) as u32,
        ),
        (registers::admin_completion_low::OFFSET, rings as u32 + 4096),
        (
            registers::admin_completion_high::OFFSET,
            (rings >> 32) as u32,
        ),
        (registers::quiesce::OFFSET, Quiesce { generation }.pack()),
        (registers::admin_entries::OFFSET, entries.pack()),
        (registers::admin_doorbell::OFFSET, 1),
    ] {
        write(port, offset, word);
    }
}

/// Less than a read takes to time out.
fn patience() -> Duration {
    let configuration = Configuration::chosen().expect("the NIU was made from it");
    let period: u64 = configuration.value("host.completion_timeout_cycles");
    support::cycles(PATIENT_CYCLES.min(period - 3000))
}

fn open(firmware_patience: Duration) -> Result<Device, OpenError> {
    let options = OpenOptions {
        take_over: true,
        firmware_patience,
        ..OpenOptions::DEFAULT
    };
    Device::open_with("sim:0", options)
}

/// Runs in which something was under way when a driver died.
static UNDER_WAY: AtomicU64 = AtomicU64::new(0);

/// Node 0: a driver dies in the midst of traffic and of a request, another one in opening the device, a third one
/// works.
fn dies(node: Node, seed: u64, enough: &Mutex<bool>) -> Result<f64, Error> {
    let port = node.port.clone();
    drop(node);
    let device = open(patience())?;
    let mut ends = endpoints(&device, 1)?;
    port.gather(&[]);
    let mut sent = 0;
    traffic(&port, &mut ends, draw(seed, 1, LIFE_NS), &mut sent);
    if seed.is_multiple_of(2) {
        // On a host that is not all too fast, the firmware is at it still.
        let large = EndpointOptions {
            receive_queue_id: ReceiveQueueId(QUEUES),
            ring_entries_log2: 12,
            ..EndpointOptions::default()
        };
        std::mem::forget(device.create_endpoint(large));
        traffic(&port, &mut ends, draw(seed, 2, LIFE_NS / 8), &mut sent);
    }
    std::mem::forget((device, ends));
    let first = bury(&port);
    port.sleep_ns(draw(seed, 3, LIFE_NS));
    // Firmware is just clearing everything for its rings, or about to read the first submission, when it dies.
    half_open(&port);
    port.sleep_ns(draw(seed, 4, CLEARING_NS));
    let second = bury(&port);
    // Long enough for it to go on with that.
    port.sleep_ns(CLEARING_NS);

    let device = open(Duration::from_millis(20))?;
    let mut ends = endpoints(&device, 1)?;
    for (queue, endpoint) in ends.iter_mut().enumerate() {
        let mut last = None;
        for _ in 0..MESSAGES {
            let message = endpoint.receive_wait(PATIENCE)?.into_message().payload;
            assert_eq!(usize::from(message[0]), queue);
            let number = u32::from_le_bytes(message[1..5].try_into().expect("four bytes"));
            assert!(last < Some(number), "{last:?}, then {number}");
            last = Some(number);
        }
    }
    *enough.lock().expect("nobody panics") = true;
    port.gather(&[]);
    for (queue, endpoint) in ends.iter_mut().enumerate().skip(1) {
        for message in 0..MESSAGES as u32 {
            endpoint.when_room(PATIENCE, |endpoint| {
                endpoint.send_express(Destination(0), 1, payload(queue, message))
            })?;
        }
        endpoint.flush(PATIENCE)?;
    }
    port.gather(&[]);
    if device.counter(Counter::HostDiscarded)? != 0 {
        // Ordering: looked at when the runs are over.
        UNDER_WAY.fetch_add(1, Ordering::Relaxed);
    }
    assert_eq!(device.counter(Counter::CommandInvalid)?, 0);
    Ok(first.max(second))
}

/// Node 1 sends as long as node 0 does not say that it has enough, then receives what the last driver sends.
fn lives(node: &Node, enough: &Mutex<bool>) -> Result<f64, Error> {
    let mut ends = endpoints(&node.device, 0)?;
    node.barrier();
    let mut sent = 0;
    while !*enough.lock().expect("nobody panics") {
        traffic(&node.port, &mut ends, 20_000, &mut sent);
    }
    node.barrier();
    for (queue, endpoint) in ends.iter_mut().enumerate().skip(1) {
        let mut message = 0;
        while message < MESSAGES as u32 {
            let received = endpoint.receive_wait(PATIENCE)?.into_message();
            // Before it there may be some of the first driver.
            if received.tag == 1 {
                assert_eq!(received.payload, payload(queue, message));
                message += 1;
            }
        }
    }
    node.barrier();
    Ok(0.0)
}

fn run(seed: u64) -> f64 {
    let enough = Arc::new(Mutex::new(false));
    let told = Arc::clone(&enough);
    let profile = ["pcie-gen3-x8", "bare"][seed.is_multiple_of(3) as usize];
    let options = support::options(profile, 900 + seed);
    let dead = move |port: HostPort| dies(Node::open(port)?, seed, &told);
    let alive = move |port: HostPort| lives(&Node::open(port)?, &enough);
    let launched = launch(options, vec![Box::new(dead), Box::new(alive)]);
    let (times, report) = launched
        .into_results()
        .unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    for (node, report) in report.nodes.iter().enumerate() {
        assert_eq!(report.iommu_faults, 0, "seed {seed}, node {node}");
    }
    times[0]
}

#[test]
fn nothing_reaches_the_memory_of_drivers_that_died_and_the_next_one_works() {
    let longest = (1..=RUNS).map(run).fold(0.0, f64::max);
    println!("quiet after at most {longest:.0} ns");
    let under_way = UNDER_WAY.load(Ordering::Relaxed);
    assert!(
        under_way > RUNS / 2,
        "something was under way in {under_way} of {RUNS} runs"
    );
    assert!(longest < support::cycles_ns(2500), "{longest} ns");
}

/// A read of the firmware that the host never answers holds the quiet up until it has timed out, and no longer.
#[test]
fn the_niu_is_not_quiet_while_a_read_may_still_be_answered() {
    let configuration = Configuration::chosen().expect("the NIU was made from it");
    let period: u64 = configuration.value("host.completion_timeout_cycles");
    let mut cluster = Cluster::new(support::options("bare", 950));
    cluster.program(0, move |port| {
        // The firmware clears its tables first.
        port.sleep_ns(3_000_000);
        let device = open(patience()).expect("the firmware answers");
        port.with_side(|side| side.bridge.spoil_read(ReadFault::Unanswered));
        let start = port.cycle();
        let silent = device.create_endpoint(options(0));
        assert!(matches!(silent, Err(RequestError::FirmwareSilent { .. })));
        std::mem::forget(device);
        bury(&port);
        let cycles = port.cycle() - start;
        assert!((period..2 * period + 50_000).contains(&cycles), "{cycles}");
        let device = open(Duration::from_millis(20)).expect("it is replaced");
        device.create_endpoint(options(0)).expect("there is room");
    });
    cluster.program(1, |_| {});
    let report = cluster.run().expect("the cluster runs");
    assert_eq!(report.nodes[0].iommu_faults, 0);
}
