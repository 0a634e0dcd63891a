//! Writes and reads of the device.

use super::endpoint::write_packet;
use super::*;
use crate::memory::FaultReason;
use crate::pcie::ReadFault;
use crate::profile::CompletionSplit;
use abi::pcie::completion_status::CompletionStatus;

#[test]
fn writes_go_through_the_iommu_in_order_with_byte_enables() {
    for profile in PROFILES {
        let mut bench = Bench::new(profile, 0);
        let (host, iova) = bench.map(4096, Permission::WriteOnly);
        let requester = bench.requester();
        for value in 1..=50u8 {
            bench
                .endpoint
                .to_send
                .push_back(write_packet(requester, iova + 64, &[value; 32]));
        }
        let mut gaps = write_packet(requester, iova + 68, &[0xaa; 4]);
        gaps[7] = 0b0101;
        bench.endpoint.to_send.push_back(gaps);
        bench.settle();
        let mut seen = [0; 40];
        bench.memory.read(host + 60, &mut seen);
        let mut expected = [50; 40];
        expected[..4].fill(0);
        expected[36..].fill(0);
        (expected[8], expected[10]) = (0xaa, 0xaa);
        assert_eq!(seen, expected, "{profile}");
        bench.assert_no_violation();
    }
}

#[test]
fn refused_writes_are_dropped_recorded_and_disturb_nobody() {
    let mut bench = Bench::new("pcie-gen3-x8", 0);
    let (host, iova) = bench.map(4096, Permission::ReadWrite);
    let (read_only_host, read_only) = bench.map(4096, Permission::ReadOnly);
    let requester = bench.requester();
    for (address, value) in [
        (iova, 1),
        (iova + 4096, 2),
        (read_only, 3),
        (host, 4),
        (iova + 4, 5),
    ] {
        bench
            .endpoint
            .to_send
            .push_back(write_packet(requester, address, &[value; 4]));
    }
    bench.settle();
    assert_eq!(bench.memory.read_u64(host), 0x0505_0505_0101_0101);
    assert_eq!(bench.memory.read_u64(read_only_host), 0);
    assert_eq!(bench.memory.read_u64(host + 4096), 0);
    let faults: Vec<_> = bench
        .bridge
        .iommu()
        .faults()
        .iter()
        .map(|fault| (fault.iova, fault.reason))
        .collect();
    let expected = [
        (iova + 4096, FaultReason::NotMapped),
        (read_only, FaultReason::NotPermitted),
        (host, FaultReason::NotMapped),
    ];
    assert_eq!(faults, expected);
    assert_eq!(bench.bridge.counters().refused_writes, 3);
    assert_eq!(bench.bridge.landed_writes(), 2);
    bench.assert_no_violation();
}

#[test]
fn reads_bring_the_bytes_of_memory_under_every_split() {
    for split in [
        CompletionSplit::Whole,
        CompletionSplit::Boundary,
        CompletionSplit::Random,
    ] {
        for (boundary, interleave) in [(64, false), (64, true), (128, true)] {
            let mut profile = Profile::named("pcie-gen3-x8").unwrap();
            profile.root_complex.completion_split = split;
            profile.root_complex.completion_interleave = interleave;
            profile.root_complex.read_completion_boundary_bytes = boundary;
            let mut bench = Bench::with_profile(&profile, 3);
            let (host, iova) = bench.map(4096, Permission::ReadOnly);
            let content: Vec<u8> = (0..4096u32)
                .map(|index| (index * 5 + index / 128) as u8)
                .collect();
            bench.memory.write(host, &content);
            let requester = bench.requester();
            let wanted: Vec<(usize, usize)> = (0..16)
                .map(|index| (index * 211 + index % 5, 512 - index * 29 - index % 5))
                .collect();
            for (tag, (start, bytes)) in wanted.iter().enumerate() {
                bench
                    .endpoint
                    .read(requester, tag as u8, iova + *start as u64, *bytes);
            }
            bench.settle();
            bench.assert_no_violation();
            let mut completions = 0;
            for ((start, bytes), read) in wanted.iter().zip(&bench.endpoint.reads) {
                assert!(read.done);
                assert_eq!(read.bytes, content[*start..start + bytes]);
                completions += read.completions;
            }
            let cuts_at = |boundary: usize| -> usize {
                wanted
                    .iter()
                    .map(|(start, bytes)| (start + bytes).div_ceil(boundary) - start / boundary)
                    .sum()
            };
            match split {
                CompletionSplit::Boundary => assert_eq!(completions, cuts_at(boundary as usize)),
                CompletionSplit::Whole => assert!(completions < cuts_at(128)),
                CompletionSplit::Random => {
                    assert!((16..cuts_at(boundary as usize)).contains(&completions))
                }
            }
            if !interleave {
                assert_eq!(bench.endpoint.tag_changes, 15);
            } else if split != CompletionSplit::Whole {
                assert!(
                    bench.endpoint.tag_changes > 20,
                    "{}",
                    bench.endpoint.tag_changes
                );
            }
        }
    }
}

#[test]
fn a_read_sees_the_write_before_it() {
    for profile in PROFILES {
        let mut bench = Bench::new(profile, 0);
        let (_, iova) = bench.map(4096, Permission::ReadWrite);
        let requester = bench.requester();
        for round in 0..20u8 {
            bench
                .endpoint
                .to_send
                .push_back(write_packet(requester, iova, &[round; 128]));
            let read = bench.endpoint.read(requester, 0, iova, 128);
            bench.settle();
            assert_eq!(bench.endpoint.reads[read].bytes, [round; 128]);
        }
    }
}

#[test]
fn refused_and_spoilt_reads_end_as_told() {
    let mut bench = Bench::new("bare", 0);
    let (_, iova) = bench.map(4096, Permission::ReadWrite);
    let requester = bench.requester();
    let refused = bench.endpoint.read(requester, 0, iova + 4096, 64);
    bench.settle();
    assert_eq!(
        (
            bench.endpoint.reads[refused].status,
            bench.bridge.counters().refused_reads
        ),
        (1, 1)
    );

    bench
        .bridge
        .spoil_read(ReadFault::Status(CompletionStatus::CompleterAbort));
    bench.bridge.spoil_read(ReadFault::Poisoned);
    bench.bridge.spoil_read(ReadFault::Unanswered);
    let aborted = bench.endpoint.read(requester, 0, iova, 64);
    let poisoned = bench.endpoint.read(requester, 1, iova, 64);
    let unanswered = bench.endpoint.read(requester, 2, iova, 64);
    let good = bench.endpoint.read(requester, 3, iova, 64);
    bench.settle();
    let reads = &bench.endpoint.reads;
    assert_eq!((reads[aborted].status, reads[aborted].bytes.len()), (4, 0));
    assert!(reads[poisoned].poisoned && reads[poisoned].done);
    assert!(!reads[unanswered].done);
    assert!(reads[good].done && !reads[good].poisoned);
    bench.endpoint.give_up(2);
    let again = bench.endpoint.read(requester, 2, iova, 64);
    bench.settle();
    assert!(bench.endpoint.reads[again].done);
    bench.assert_no_violation();
}

/// The consumer's order: a completion of the device that follows a write tells the host that the write is in memory.
#[test]
fn a_host_read_pushes_the_writes_of_the_device_before_its_answer() {
    let mut bench = Bench::new("pcie-gen1-x1", 0);
    let (host, iova) = bench.map(4096, Permission::ReadWrite);
    let requester = bench.requester();
    bench.bridge.write(0, 0, &[1; 4]);
    bench.settle();
    for _ in 0..20 {
        bench
            .endpoint
            .to_send
            .push_back(write_packet(requester, iova, &[0; 128]));
    }
    bench
        .endpoint
        .to_send
        .push_back(write_packet(requester, iova, &[7; 128]));
    let ticket = bench.bridge.read(0, 0, 4);
    assert_eq!(bench.finish_read(ticket), Ok(vec![1; 4]));
    assert_eq!(bench.memory.read_u32(host), 0x0707_0707);
}
