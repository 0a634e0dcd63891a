//! Stores and loads of the host.

use super::*;
use crate::pcie::configuration_space::COMMAND_MEMORY_ENABLE;
use crate::pcie::configuration_space::offset;

#[test]
fn a_store_is_one_packet_with_exactly_its_bytes_enabled() {
    for profile in PROFILES {
        for (bar, offset, length) in [
            (0, 0x10, 4),
            (2, 0x3_1008, 8),
            (4, 0x1_fff1, 7),
            (4, 0x40, 64),
            (2, 5, 1),
        ] {
            let mut bench = Bench::new(profile, 0);
            let bytes: Vec<u8> = (1..=length).collect();
            bench.bridge.write(bar, offset, &bytes);
            bench.settle();
            assert_eq!(bench.endpoint.received.len(), 1);
            let written: Vec<((u8, u64), u8)> =
                bench.endpoint.registers.clone().into_iter().collect();
            let expected: Vec<_> = bytes
                .iter()
                .map(|byte| ((bar, offset + u64::from(*byte) - 1), *byte))
                .collect();
            assert_eq!(written, expected);
        }
    }
}

#[test]
fn long_stores_split_at_pages_and_at_the_maximum_payload_only() {
    let mut bench = Bench::new("pcie-gen1-x1", 0);
    bench.bridge.write(4, 4096 - 32, &[7; 200]);
    bench.settle();
    let lengths: Vec<usize> = bench
        .endpoint
        .received
        .iter()
        .map(|packet| packet.len() - 12)
        .collect();
    assert_eq!(lengths, [32, 128, 40]);
    assert_eq!(bench.endpoint.registers.len(), 200);
}

#[test]
fn a_load_sees_the_stores_before_it() {
    for profile in PROFILES {
        let mut bench = Bench::new(profile, 0);
        bench.bridge.write(4, 0, &[0; 4096]);
        for round in 0..20u8 {
            bench.bridge.write(4, 100, &[round; 64]);
            let ticket = bench.bridge.read(4, 100, 64);
            bench.bridge.write(4, 100, &[0xff; 64]);
            assert_eq!(bench.finish_read(ticket), Ok(vec![round; 64]), "{profile}");
        }
        bench.assert_no_violation();
    }
}

#[test]
fn loads_of_any_alignment_and_length_bring_their_bytes() {
    let mut bench = Bench::new("bare", 0);
    let content: Vec<u8> = (0..8192u32)
        .map(|index| (index * 7 + index / 256) as u8)
        .collect();
    bench.bridge.write(4, 0, &content);
    for (offset, length) in [
        (0, 1),
        (3, 1),
        (1, 3),
        (2, 5),
        (0x79, 300),
        (4000, 200),
        (1, 4095),
        (0, 4096),
        (100, 4100),
    ] {
        let ticket = bench.bridge.read(4, offset, length);
        let (start, end) = (offset as usize, offset as usize + usize::from(length));
        assert_eq!(
            bench.finish_read(ticket),
            Ok(content[start..end].to_vec()),
            "{length} at {offset}"
        );
    }
    bench.assert_no_violation();
}

#[test]
fn a_read_of_no_bytes_flushes_and_brings_nothing() {
    let mut bench = Bench::new("pcie-gen3-x8", 0);
    bench.bridge.write(2, 0, &[1; 8]);
    let ticket = bench.bridge.read(2, 0, 0);
    assert_eq!(bench.finish_read(ticket), Ok(vec![]));
    assert_eq!(bench.endpoint.received[1][7], 0);
    assert_eq!(bench.endpoint.registers.len(), 8);
    bench.assert_no_violation();
}

#[test]
fn unknown_registers_and_disabled_memory_are_unsupported_requests() {
    let mut bench = Bench::new("bare", 0);
    let ticket = bench.bridge.read(0, 0x800, 4);
    assert_eq!(
        bench.finish_read(ticket),
        Err(ReadError::UnsupportedRequest)
    );
    bench.bridge.write(0, 0x800, &[1, 2, 3, 4]);
    bench.settle();
    bench.bridge.configure(|space| {
        let command = space.read(offset::COMMAND);
        space.write(offset::COMMAND, command & !COMMAND_MEMORY_ENABLE);
    });
    bench.run(1);
    let ticket = bench.bridge.read(0, 0x800, 4);
    assert_eq!(
        bench.finish_read(ticket),
        Err(ReadError::UnsupportedRequest)
    );
    bench.assert_no_violation();
}

#[test]
fn a_silent_device_is_a_timeout_and_its_late_answer_is_no_violation() {
    let mut profile = Profile::named("bare").unwrap();
    profile.root_complex.read_timeout_ns = 1000;
    let mut bench = Bench::with_profile(&profile, 0);
    bench.bridge.write(0, 0, &[5; 4]);
    bench.endpoint.deaf = true;
    let ticket = bench.bridge.read(0, 0, 4);
    assert_eq!(bench.finish_read(ticket), Err(ReadError::Timeout));
    assert_eq!(bench.bridge.counters().read_timeouts, 1);
    assert!(
        (124..=127).contains(&bench.bridge.cycle()),
        "{}",
        bench.bridge.cycle()
    );
    bench.endpoint.deaf = false;
    let tag_of_next_read = |bench: &mut Bench| {
        let ticket = bench.bridge.read(0, 0, 4);
        assert_eq!(bench.finish_read(ticket), Ok(vec![5; 4]));
        bench.settle();
        bench.endpoint.received.last().expect("the read")[6]
    };
    // The tag of the read that was given up is not used before its late answer came.
    assert_eq!(tag_of_next_read(&mut bench), 1);
    assert_eq!(tag_of_next_read(&mut bench), 0);
    bench.assert_no_violation();
}

#[test]
fn the_device_never_holds_more_than_eight_reads_and_writes_pass_them() {
    let mut bench = Bench::new("bare", 0);
    bench.bridge.write(0, 0, &[9; 128]);
    bench.endpoint.deaf = true;
    let tickets: Vec<_> = (0..40)
        .map(|index| bench.bridge.read(0, index, 1))
        .collect();
    bench.bridge.write(2, 0, &[3; 8]);
    bench.run(300);
    assert_eq!(bench.endpoint.most_held, 8);
    assert_eq!(bench.endpoint.registers[&(2, 7)], 3);
    bench.endpoint.deaf = false;
    for ticket in tickets {
        assert_eq!(bench.finish_read(ticket), Ok(vec![9]));
    }
    assert_eq!(bench.endpoint.most_held, 8);
    bench.assert_no_violation();
}

#[test]
fn raw_packets_go_out_as_they_are_and_their_completions_come_back() {
    let mut bench = Bench::new("bare", 0);
    let malformed = [0x40, 0, 0, 9, 0, 0, 0, 0xff, 1, 2, 3];
    bench.bridge.write_raw(&malformed);
    let address = bench.bridge.device_address(2, 0x40);
    let read = endpoint::request_packet(0x00, 0, 0xc5, address, 4, &[]);
    bench.bridge.write_raw(&read);
    bench.settle();
    assert_eq!(
        bench.endpoint.received[0][..12],
        [&malformed[..], &[0]].concat()
    );
    assert_eq!(bench.endpoint.received[1], read);
    let completions = bench.bridge.take_raw_completions();
    assert_eq!(completions.len(), 1);
    assert_eq!(
        (
            completions[0][0],
            completions[0][6] >> 5,
            completions[0][10]
        ),
        (0x0a, 1, 0xc5)
    );
    assert_eq!(bench.bridge.take_raw_completions(), Vec::<Vec<u8>>::new());
    bench.assert_no_violation();
}

#[test]
fn stores_are_held_up_once_the_buffers_in_front_of_a_slow_line_are_full() {
    let mut bench = Bench::new("pcie-gen1-x1", 0);
    let mut accepted = 0;
    while bench.bridge.store_accepted() {
        bench.bridge.write(2, 0, &[0; 64]);
        accepted += 1;
    }
    assert!((10..=20).contains(&accepted), "{accepted}");
    bench.settle();
    assert!(bench.bridge.store_accepted());
}
