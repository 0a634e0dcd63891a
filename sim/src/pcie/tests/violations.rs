//! The referee: whatever the device does wrong is found and named, and nothing it does right is.

use super::endpoint::{request_packet, write_packet};
use super::*;
use crate::pcie::configuration_space::{COMMAND_MEMORY_ENABLE, offset};
use crate::pcie::packet::PacketError;
use crate::pcie::rules::RuleError;
use crate::pcie::{HostPortOutputs, ViolationKind};

/// The violations of a device that sends these packets.
fn sent(
    profile: &str,
    packets: impl FnOnce(&mut Bench, u64) -> Vec<Vec<u8>>,
) -> Vec<ViolationKind> {
    let mut bench = Bench::new(profile, 0);
    let (_, iova) = bench.map(1 << 16, Permission::ReadWrite);
    let packets = packets(&mut bench, iova);
    bench.endpoint.to_send.extend(packets);
    bench.run(3000);
    assert_eq!(
        bench.bridge.violations().len() as u64,
        bench.bridge.counters().violations
    );
    bench.violation_kinds()
}

#[test]
fn legal_packets_pass() {
    let violations = sent("bare", |bench, iova| {
        let requester = bench.requester();
        vec![
            write_packet(requester, iova, &[1; 256]),
            write_packet(requester, iova + 4092, &[1; 4]),
        ]
    });
    assert_eq!(violations, []);
}

#[test]
fn malformed_and_illegal_requests_are_named() {
    let changed = |index: usize, value: u8| {
        sent("bare", |bench, iova| {
            let mut packet = write_packet(bench.requester(), iova, &[1; 32]);
            packet[index] = value;
            vec![packet, write_packet(bench.requester(), iova, &[2; 4])]
        })
    };
    let packet = ViolationKind::Packet;
    let rule = ViolationKind::Rule;
    assert_eq!(changed(0, 0x71), [packet(PacketError::FormatType(0x71))]);
    assert_eq!(changed(0, 0x80), [packet(PacketError::FormatType(0x80))]);
    assert_eq!(changed(1, 0x10), [rule(RuleError::TrafficClass(1))]);
    assert_eq!(changed(2, 0x40), [rule(RuleError::Poisoned)]);
    assert_eq!(
        changed(3, 40),
        [ViolationKind::Beats {
            expected: 11,
            actual: 3
        }]
    );
    assert_eq!(
        changed(4, 9),
        [rule(RuleError::Sender {
            expected: 0x0100,
            actual: 0x0900
        })]
    );
    assert_eq!(
        changed(7, 0x0f),
        [packet(PacketError::ByteEnables {
            first: 15,
            last: 0,
            length: 8
        })]
    );

    let too_long = sent("pcie-gen1-x1", |bench, iova| {
        vec![write_packet(bench.requester(), iova, &[1; 132])]
    });
    assert_eq!(
        too_long,
        [rule(RuleError::Payload {
            bytes: 132,
            limit: 128
        })]
    );
    let crossing = sent("bare", |bench, iova| {
        vec![write_packet(bench.requester(), iova + 4092, &[1; 8])]
    });
    assert!(matches!(
        crossing[..],
        [ViolationKind::Packet(PacketError::PageCrossed { .. })]
    ));
    let long_read = sent("bare", |bench, iova| {
        vec![request_packet(0x00, bench.requester(), 0, iova, 516, &[])]
    });
    assert_eq!(
        long_read,
        [rule(RuleError::ReadRequest {
            bytes: 516,
            limit: 512
        })]
    );
    let disabled = sent("bare", |bench, iova| {
        bench
            .bridge
            .configure(|space| space.write(offset::COMMAND, COMMAND_MEMORY_ENABLE));
        vec![write_packet(bench.requester(), iova, &[1; 4])]
    });
    assert_eq!(disabled, [rule(RuleError::NotMaster)]);
}

#[test]
fn a_tag_used_twice_is_named_and_one_used_again_later_is_not() {
    let mut bench = Bench::new("pcie-gen3-x8", 0);
    let (_, iova) = bench.map(4096, Permission::ReadWrite);
    let requester = bench.requester();
    for _ in 0..2 {
        bench.endpoint.read(requester, 4, iova, 64);
        bench.settle();
    }
    bench.assert_no_violation();
    bench.endpoint.read(requester, 4, iova, 64);
    bench
        .endpoint
        .to_send
        .push_back(request_packet(0x00, requester, 4, iova, 64, &[]));
    bench.settle();
    let kinds = bench.violation_kinds();
    assert_eq!(kinds, [ViolationKind::Rule(RuleError::TagInUse(4))]);
}

#[test]
fn wrong_completions_are_named() {
    // Answers of a device to a host read of 4 bytes at offset 0x10 of BAR0, tag 0.
    let answered = |completion: &[u8]| {
        let mut bench = Bench::new("bare", 0);
        bench.endpoint.deaf = true;
        bench.bridge.read(0, 0x10, 4);
        bench.run(10);
        bench.endpoint.to_send.push_back(completion.to_vec());
        bench.run(20);
        bench
            .bridge
            .violations()
            .iter()
            .map(|violation| violation.kind)
            .collect::<Vec<_>>()
    };
    let good = [0x4a, 0, 0, 1, 1, 0, 0, 4, 0, 0, 0, 0x10, 1, 2, 3, 4];
    assert_eq!(answered(&good), []);
    let changed = |index: usize, value: u8| {
        let mut completion = good;
        completion[index] = value;
        match answered(&completion)[..] {
            [ViolationKind::Rule(rule)] => rule,
            ref other => panic!("{other:?}"),
        }
    };
    assert_eq!(
        changed(7, 8),
        RuleError::ByteCount {
            expected: 4,
            actual: 8
        }
    );
    assert_eq!(
        changed(11, 0x14),
        RuleError::LowerAddress {
            expected: 0x10,
            actual: 0x14
        }
    );
    assert_eq!(
        changed(10, 1),
        RuleError::Unexpected {
            requester: 0,
            tag: 1
        }
    );
    assert_eq!(
        changed(9, 1),
        RuleError::Unexpected {
            requester: 1,
            tag: 0
        }
    );
    assert_eq!(
        changed(5, 1),
        RuleError::Sender {
            expected: 0x0100,
            actual: 0x0101
        }
    );
    assert_eq!(changed(1, 0x10), RuleError::Echo);
}

#[test]
fn completions_cut_at_64_bytes_are_illegal_for_an_endpoint() {
    let mut bench = Bench::new("bare", 0);
    bench.bridge.write(4, 0, &[1; 256]);
    bench.endpoint.cut = 64;
    bench.bridge.read(4, 0, 128);
    bench.run(100);
    let boundary = ViolationKind::Rule(RuleError::Boundary(bench.bridge.device_address(4, 64)));
    assert_eq!(bench.bridge.violations()[0].kind, boundary);
}

#[test]
fn a_device_that_ignores_credits_is_caught() {
    for greedy in [false, true] {
        let mut bench = Bench::new("pcie-gen1-x1", 0);
        let (_, iova) = bench.map(4096, Permission::ReadWrite);
        let mut profile = Profile::named("pcie-gen1-x1").unwrap();
        // A far root complex: credits come back late.
        profile.link.latency_ns = 20_000;
        bench.bridge = HostBridge::new(&profile, PERIOD_PS, 0).unwrap();
        bench
            .bridge
            .iommu_mut()
            .map_at(iova, 0x10_0000, 4096, Permission::ReadWrite)
            .unwrap();
        bench.endpoint.greedy = greedy;
        for _ in 0..300 {
            bench
                .endpoint
                .to_send
                .push_back(write_packet(0x0100, iova, &[1; 128]));
        }
        bench.settle();
        let broken = bench
            .bridge
            .violations()
            .iter()
            .any(|violation| violation.kind == ViolationKind::NoCredits);
        assert_eq!(broken, greedy);
        assert_eq!(bench.bridge.counters().writes_from_device, 300);
    }
}

fn kinds(bench: &Bench) -> Vec<ViolationKind> {
    bench.violation_kinds()
}

fn beat(data: u128) -> HostPortOutputs {
    HostPortOutputs {
        host_transmit_valid: true,
        host_transmit_data: data,
        ..HostPortOutputs::default()
    }
}

#[test]
fn a_beat_that_changes_before_it_is_taken_is_caught() {
    let other_last = HostPortOutputs {
        host_transmit_last: true,
        ..beat(5)
    };
    for change in [beat(6), other_last, HostPortOutputs::default()] {
        let mut bench = Bench::new("pcie-gen1-x1", 0);
        // Gen1 x1 takes 256 bytes at once and is then busy: the rest of a long packet waits.
        let mut inputs = bench
            .bridge
            .step(&beat(0x60 | 0x40 << 24), &mut bench.memory);
        while inputs.host_transmit_ready {
            inputs = bench.bridge.step(&beat(5), &mut bench.memory);
        }
        bench.bridge.step(&beat(5), &mut bench.memory);
        assert_eq!(kinds(&bench), []);
        bench.bridge.step(&change, &mut bench.memory);
        assert_eq!(kinds(&bench), [ViolationKind::StreamChanged]);
    }
}

#[test]
fn a_packet_without_end_is_caught_once() {
    let mut bench = Bench::new("bare", 0);
    for _ in 0..1000 {
        bench.bridge.step(&beat(0x60), &mut bench.memory);
    }
    assert_eq!(kinds(&bench), [ViolationKind::EndlessPacket]);
}

#[test]
fn a_buffer_freed_that_was_never_taken_is_caught() {
    let mut bench = Bench::new("bare", 0);
    let free = HostPortOutputs {
        host_receive_nonposted_free: true,
        ..HostPortOutputs::default()
    };
    bench.bridge.step(&free, &mut bench.memory);
    assert_eq!(kinds(&bench), [ViolationKind::NonpostedFree]);
}

/// An I/O read: the device may count it as a non-posted request and free its buffer, or drop it.
#[test]
fn a_buffer_freed_for_a_foreign_raw_packet_is_no_violation_but_a_second_one_is() {
    let mut bench = Bench::new("bare", 0);
    bench
        .bridge
        .write_raw(&[0x02, 0, 0, 1, 0, 0, 0xc0, 0xf, 0, 0, 0, 0]);
    bench.run(5);
    let free = HostPortOutputs {
        host_receive_nonposted_free: true,
        ..HostPortOutputs::default()
    };
    bench.bridge.step(&free, &mut bench.memory);
    assert_eq!(kinds(&bench), []);
    bench.bridge.step(&free, &mut bench.memory);
    assert_eq!(kinds(&bench), [ViolationKind::NonpostedFree]);
}
