//! How long things take, to the cycle, and that runs repeat.

use super::endpoint::write_packet;
use super::*;
use std::sync::{Arc, Mutex};

#[test]
fn bare_stores_are_on_the_port_in_the_next_cycle() {
    let mut bench = Bench::new("bare", 0);
    bench.bridge.write(2, 0, &[1; 8]);
    bench.bridge.write(2, 4096, &[2; 8]);
    let mut valid = Vec::new();
    for _ in 0..6 {
        bench.step();
        valid.push((
            bench.inputs.host_receive_valid,
            bench.inputs.host_receive_last,
        ));
    }
    // BARs lie above 4 GiB: 16 bytes of header and 8 of data are two beats.
    let beats = [(true, false), (true, true), (true, false), (true, true)];
    assert_eq!(valid[..4], beats);
    assert!(!valid[4].0 && !valid[5].0);
}

#[test]
fn bare_writes_reach_memory_in_the_cycle_of_their_last_beat_and_every_cycle_takes_one() {
    let mut bench = Bench::new("bare", 0);
    let (host, iova) = bench.map(4096, Permission::ReadWrite);
    for value in 1..=3 {
        bench
            .endpoint
            .to_send
            .push_back(write_packet(0x0100, iova, &[value; 16]));
    }
    let mut seen = Vec::new();
    for _ in 0..8 {
        bench.step();
        seen.push(bench.memory.read_u32(host) as u8);
    }
    assert_eq!(seen, [0, 1, 1, 2, 2, 3, 3, 3]);
}

#[test]
fn a_load_takes_both_ways_over_the_link() {
    let profile = Profile::named("pcie-gen3-x8").unwrap();
    let mut bench = Bench::with_profile(&profile, 0);
    bench.bridge.write(0, 0, &[1; 4]);
    bench.settle();
    let start_ps = bench.bridge.now_ps();
    let ticket = bench.bridge.read(0, 0, 4);
    bench.finish_read(ticket).unwrap();
    let nanoseconds = (bench.bridge.now_ps() - start_ps) / 1000;
    let least = 2 * profile.link.latency_ns;
    assert!(
        (least..least + 80).contains(&nanoseconds),
        "{nanoseconds} ns"
    );
}

#[test]
fn the_line_bounds_what_the_device_can_send() {
    for (name, bytes_per_ns) in [
        ("pcie-gen1-x1", 0.25 * 128.0 / 148.0),
        ("bare", 2.0 * 256.0 / 272.0),
    ] {
        let profile = Profile::named(name).unwrap();
        let mut bench = Bench::with_profile(&profile, 0);
        let (_, iova) = bench.map(4096, Permission::ReadWrite);
        let payload = vec![1; profile.link.maximum_payload_bytes as usize];
        for _ in 0..1000 {
            bench
                .endpoint
                .to_send
                .push_back(write_packet(0x0100, iova, &payload));
        }
        bench.settle();
        let nanoseconds = (bench.bridge.now_ps() / 1000 - profile.link.latency_ns) as f64;
        let rate = 1000.0 * payload.len() as f64 / nanoseconds;
        assert!(
            (rate / bytes_per_ns - 1.0).abs() < 0.01,
            "{name}: {rate} B/ns, expected {bytes_per_ns}"
        );
        bench.assert_no_violation();
    }
}

#[test]
fn a_listener_hears_every_packet_both_ways_with_its_cycles() {
    use crate::trace::Direction::{FromDevice, ToDevice};
    let mut bench = Bench::new("bare", 0);
    let (_, iova) = bench.map(4096, Permission::ReadWrite);
    let heard = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&heard);
    bench.bridge.set_listener(Some(Box::new(move |record| {
        let cycles = (record.first_cycle, record.last_cycle, record.time_ps);
        sink.lock()
            .unwrap()
            .push((record.direction, cycles, record.bytes.to_vec()));
    })));
    bench.run(3);
    // On the port from cycle 4 on, which the fourth step begins; the device drives its packet from cycle 3 on.
    bench.bridge.write(0, 0, &[1; 4]);
    let packet = write_packet(0x0100, iova, &[5; 64]);
    bench.endpoint.to_send.push_back(packet.clone());
    bench.settle();
    let heard = heard.lock().unwrap().clone();
    let expected = [
        (
            ToDevice,
            (4, 5, 5 * 8000),
            bench.endpoint.received[0].clone(),
        ),
        (FromDevice, (3, 7, 7 * 8000), packet),
    ];
    assert_eq!(heard, expected);
}

#[test]
fn a_read_of_the_device_takes_both_ways_and_the_memory() {
    for name in ["pcie-gen3-x8", "pcie-gen1-x1"] {
        let profile = Profile::named(name).unwrap();
        let mut bench = Bench::with_profile(&profile, 0);
        let (_, iova) = bench.map(4096, Permission::ReadWrite);
        let times = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&times);
        bench.bridge.set_listener(Some(Box::new(move |record| {
            sink.lock().unwrap().push(record.time_ps / 1000)
        })));
        bench.endpoint.read(0x0100, 0, iova, 64);
        bench.settle();
        let times = times.lock().unwrap().clone();
        let least = 2 * profile.link.latency_ns + profile.root_complex.memory_read_latency_ns;
        // Request of 16 bytes at most and completion of 76, each with its framing, and whole cycles.
        let line = (16.0 + 76.0 + 2.0 * 8.0) / profile.link.raw_bytes_per_ns;
        let taken = times[1] - times[0];
        assert!(
            (least..least + line as u64 + 64).contains(&taken),
            "{name}: {taken} ns of {least} and {line}"
        );
    }
}

#[test]
fn the_hash_changes_with_what_crosses_in_either_direction() {
    let hash = |to_device: u8, from_device: u8| {
        let mut bench = Bench::new("bare", 0);
        let (_, iova) = bench.map(4096, Permission::ReadWrite);
        bench.bridge.write(0, 0, &[to_device; 4]);
        bench
            .endpoint
            .to_send
            .push_back(write_packet(0x0100, iova, &[from_device; 4]));
        bench.settle();
        bench.bridge.trace_hash()
    };
    assert_eq!(hash(1, 1), hash(1, 1));
    assert_ne!(hash(1, 1), hash(2, 1));
    assert_ne!(hash(1, 1), hash(1, 2));
}

/// Wall time, so only printed: `cargo test --release idle_steps -- --ignored --nocapture`.
#[test]
#[ignore = "measures, and proves nothing"]
fn idle_steps_are_cheap() {
    for name in PROFILES {
        let mut bench = Bench::new(name, 0);
        let outputs = crate::pcie::HostPortOutputs::default();
        let start = std::time::Instant::now();
        let steps = 10_000_000u32;
        for _ in 0..steps {
            std::hint::black_box(
                bench
                    .bridge
                    .step(std::hint::black_box(&outputs), &mut bench.memory),
            );
        }
        println!(
            "{name}: {:.1} ns an idle step",
            start.elapsed().as_nanos() as f64 / f64::from(steps)
        );
    }
}
