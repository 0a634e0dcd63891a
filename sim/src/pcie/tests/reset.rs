//! A device that is reset in the midst of everything.

use super::endpoint::{Endpoint, write_packet};
use super::*;
use crate::pcie::HostPortOutputs;

/// Cycles of the reset, in which the device drives nothing.
const RESET_CYCLES: usize = 16;
/// Tags that the device reads with, before and after.
const TAGS: u8 = 8;

fn reset(bench: &mut Bench) {
    bench.bridge.reset_device();
    bench.endpoint = Endpoint::new();
    for _ in 0..RESET_CYCLES {
        let silent = HostPortOutputs::default();
        bench.inputs = bench.bridge.step(&silent, &mut bench.memory);
        assert!(!bench.inputs.host_receive_valid, "a packet of before");
    }
}

/// Whatever cycle the reset falls into, nothing of before comes after, and everything works as at the start.
#[test]
fn a_device_that_is_reset_loses_what_is_under_way_and_nothing_later() {
    for profile in PROFILES {
        for cycles in (0..60).chain([200, 400]) {
            let mut bench = Bench::new(profile, 0);
            let (host, iova) = bench.map(4096, Permission::ReadWrite);
            for round in 0..3 {
                let requester = bench.requester();
                for tag in 0..TAGS {
                    bench.endpoint.read(requester, tag, iova, 256);
                    let packet = write_packet(requester, iova, &[7; 128]);
                    bench.endpoint.to_send.push_back(packet);
                }
                bench.bridge.write(2, 0, &[1; 8]);
                let ticket = bench.bridge.read(0, 0, 4);
                bench.bridge.write(4, 64, &[2; 64]);
                bench.run(cycles + round);
                reset(&mut bench);
                // Answered before, or never.
                let result = bench.finish_read(ticket);
                assert!(result.is_err(), "{profile}, cycle {cycles}");
            }
            // All credits and all tags are there.
            let requester = bench.requester();
            for tag in 0..TAGS {
                bench.endpoint.read(requester, tag, iova, 256);
            }
            for value in 0..200 {
                let packet = write_packet(requester, iova + 1024, &[value; 128]);
                bench.endpoint.to_send.push_back(packet);
            }
            bench.bridge.write(0, 8, &[3; 4]);
            let ticket = bench.bridge.read(0, 8, 4);
            assert_eq!(bench.finish_read(ticket), Ok(vec![3; 4]));
            bench.settle();
            assert_eq!(bench.memory.read_u32(host + 1024), 0xc7c7_c7c7);
            assert!(bench.endpoint.reads.iter().all(|read| read.done));
            bench.assert_no_violation();
        }
    }
}
