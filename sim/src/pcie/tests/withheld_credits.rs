//! Credits that the root complex withholds: nothing of their class comes, everything else does, and nothing is lost.

use super::endpoint::write_packet;
use super::*;
use crate::pcie::{Class, ViolationKind};
use crate::profile::CREDIT_MARGIN_PACKETS;

/// Long enough for a load to come and go on every profile.
const LONG_NS: u64 = 4000;

/// Queues so many writes of 64 bytes, numbered from 1.
fn queue_writes(bench: &mut Bench, iova: u64, count: u8) {
    let requester = bench.requester();
    for value in 1..=count {
        bench
            .endpoint
            .to_send
            .push_back(write_packet(requester, iova, &[value; 64]));
    }
}

/// Steps for so long.
fn run_ns(bench: &mut Bench, ns: u64) {
    let end_ps = bench.bridge.now_ps() + ns * 1000;
    while bench.bridge.now_ps() < end_ps {
        bench.step();
    }
}

#[test]
fn writes_wait_for_withheld_credits_while_reads_and_loads_go_on() {
    for profile in PROFILES {
        let mut bench = Bench::new(profile, 0);
        let (host, iova) = bench.map(4096, Permission::ReadWrite);
        let requester = bench.requester();
        bench.bridge.withhold_credits(Class::Posted, 0, 3 * LONG_NS);
        bench.step();
        let read = bench.endpoint.read(requester, 0, iova, 64);
        bench.bridge.write(0, 0, &[9; 4]);
        let load = bench.bridge.read(0, 0, 4);
        // This endpoint sends all in one order: the writes come last, not to hold up the others.
        run_ns(&mut bench, LONG_NS);
        queue_writes(&mut bench, iova, 5);
        run_ns(&mut bench, LONG_NS);
        assert!(bench.endpoint.reads[read].done, "{profile}");
        assert_eq!(bench.bridge.read_result(load), Some(Ok(vec![9; 4])));
        assert_eq!(bench.bridge.counters().writes_from_device, 0, "{profile}");
        bench.settle();
        assert!(bench.bridge.now_ps() > 3000 * LONG_NS, "{profile}");
        assert_eq!(bench.bridge.landed_writes(), 5);
        assert_eq!(bench.memory.read_u32(host), 0x0505_0505);
        bench.assert_no_violation();
    }
}

#[test]
fn reads_wait_for_withheld_credits_of_their_own_until_they_are_released() {
    for profile in PROFILES {
        let mut bench = Bench::new(profile, 0);
        let (_, iova) = bench.map(4096, Permission::ReadWrite);
        let requester = bench.requester();
        bench.bridge.withhold_credits(Class::Nonposted, 0, u64::MAX);
        bench.step();
        queue_writes(&mut bench, iova, 5);
        let read = bench.endpoint.read(requester, 0, iova, 64);
        run_ns(&mut bench, LONG_NS);
        assert_eq!(bench.bridge.landed_writes(), 5, "{profile}");
        assert_eq!(bench.bridge.counters().reads_from_device, 0, "{profile}");
        bench.bridge.release_credits(Class::Nonposted);
        bench.settle();
        assert!(bench.endpoint.reads[read].done, "{profile}");
        bench.assert_no_violation();
    }
}

#[test]
fn loads_are_answered_once_credits_for_completions_are_released() {
    for profile in PROFILES {
        let mut bench = Bench::new(profile, 0);
        let (_, iova) = bench.map(4096, Permission::ReadWrite);
        let requester = bench.requester();
        for class in [Class::Completion, Class::Nonposted] {
            bench.bridge.withhold_credits(class, 0, u64::MAX);
        }
        queue_writes(&mut bench, iova, 5);
        bench.bridge.write(0, 0, &[9; 4]);
        let load = bench.bridge.read(0, 0, 4);
        run_ns(&mut bench, LONG_NS);
        assert_eq!(bench.bridge.landed_writes(), 5, "{profile}");
        assert_eq!(bench.bridge.read_result(load), None, "{profile}");
        bench.bridge.release_credits(Class::Completion);
        assert_eq!(bench.finish_read(load), Ok(vec![9; 4]));
        let read = bench.endpoint.read(requester, 0, iova, 64);
        run_ns(&mut bench, LONG_NS);
        assert!(
            !bench.endpoint.reads[read].done,
            "{profile}: of another class"
        );
        bench.assert_no_violation();
    }
}

#[test]
fn the_gate_is_closed_from_the_cycle_after_the_delay_for_the_time_that_was_asked_for() {
    // A cycle is 8 ns.
    let mut bench = Bench::new("bare", 0);
    bench.bridge.withhold_credits(Class::Posted, 24, 40);
    // They overlap: together they are one.
    bench.bridge.withhold_credits(Class::Nonposted, 8, 24);
    bench.bridge.withhold_credits(Class::Nonposted, 24, 16);
    let mut closed = [Vec::new(), Vec::new(), Vec::new()];
    for cycle in 1..20 {
        bench.step();
        let gates = [
            bench.inputs.host_transmit_posted_allowed,
            bench.inputs.host_transmit_nonposted_allowed,
            bench.inputs.host_transmit_completion_allowed,
        ];
        for (closed, gate) in closed.iter_mut().zip(gates) {
            closed.extend((!gate).then_some(cycle));
        }
    }
    assert_eq!(closed, [vec![4, 5, 6, 7, 8], vec![2, 3, 4, 5], vec![]]);
}

#[test]
fn a_device_that_goes_on_without_the_withheld_credits_is_caught() {
    let mut bench = Bench::new("bare", 0);
    let (_, iova) = bench.map(4096, Permission::ReadWrite);
    bench.endpoint.greedy = true;
    bench.bridge.withhold_credits(Class::Posted, 0, LONG_NS);
    bench.step();
    queue_writes(&mut bench, iova, 5);
    run_ns(&mut bench, LONG_NS);
    let kinds = bench.violation_kinds();
    assert_eq!(
        kinds,
        vec![ViolationKind::NoCredits; 5 - CREDIT_MARGIN_PACKETS as usize]
    );
}
