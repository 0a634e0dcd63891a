//! Random traffic of all kinds at once against an obvious reference.

use super::endpoint::write_packet;
use super::*;
use crate::pcie::random::Random;
use crate::profile::CompletionSplit;

const REGION: u64 = 16 << 10;

/// Runs random traffic and returns the trace hash. The device owns the lower half of the region, which it writes and
/// never reads; it reads the upper half, which nobody writes. The host likewise writes one page of
/// BAR4 and reads another.
fn random_traffic(profile: &Profile, seed: u64, cycles: usize) -> u64 {
    let context = format!("profile {}, seed {seed}", profile.name);
    let mut random = Random::new(seed);
    let mut bench = Bench::with_profile(profile, seed);
    let (host, iova) = bench.map(REGION, Permission::ReadWrite);
    let mut expected = vec![0; REGION as usize];
    for byte in &mut expected[REGION as usize / 2..] {
        *byte = random.next_u64() as u8;
    }
    bench.memory.write(host, &expected);
    let mut registers: Vec<u8> = (0..8192).map(|_| random.next_u64() as u8).collect();
    bench.bridge.write(4, 0, &registers);

    let mut device_reads: Vec<(usize, Vec<u8>)> = Vec::new();
    let mut host_reads = Vec::new();
    for _ in 0..cycles {
        match random.below(40) {
            0..=3 if bench.endpoint.to_send.len() < 20 => {
                let words = random.below(u64::from(profile.link.maximum_payload_bytes) / 4) + 1;
                let start = random.below(REGION / 8 - words + 1) * 4;
                let bytes = (4 * words).min(4096 - start % 4096) as usize;
                let payload: Vec<u8> = (0..bytes).map(|_| random.next_u64() as u8).collect();
                bench
                    .endpoint
                    .to_send
                    .push_back(write_packet(0x0100, iova + start, &payload));
                expected[start as usize..start as usize + bytes].copy_from_slice(&payload);
            }
            4..=5 if bench.endpoint.to_send.len() < 20 => {
                let tag = random.below(16) as u8;
                let start = REGION / 2 + random.below(REGION / 2);
                let limit = u64::from(profile.link.maximum_read_request_bytes) - start % 4;
                let bytes = (random.below(limit) + 1).min(4096 - start % 4096) as usize;
                if bench.endpoint.tag_is_free(tag) {
                    let read = bench.endpoint.read(0x0100, tag, iova + start, bytes);
                    device_reads.push((
                        read,
                        expected[start as usize..start as usize + bytes].to_vec(),
                    ));
                }
            }
            6..=9 if bench.bridge.store_accepted() => {
                let bytes = random.below(64) as usize + 1;
                let start = 4096 + random.below(4096 - 64) as usize;
                let payload: Vec<u8> = (0..bytes).map(|_| random.next_u64() as u8).collect();
                bench.bridge.write(4, start as u64, &payload);
                registers[start..start + bytes].copy_from_slice(&payload);
            }
            10 if host_reads.len() < 60 => {
                let bytes = random.below(600) as usize;
                let start = random.below(4096 - 600) as usize;
                let ticket = bench.bridge.read(4, start as u64, bytes as u16);
                host_reads.push((ticket, start, bytes));
            }
            11 => bench.endpoint.deaf = random.below(4) == 0,
            12 => {
                bench.endpoint.cut =
                    128 << random.below(profile.link.maximum_payload_bytes.ilog2() as u64 - 6)
            }
            _ => {}
        }
        bench.step();
    }
    bench.endpoint.deaf = false;
    bench.settle();
    assert_eq!(bench.bridge.violations(), [], "{context}");
    let mut memory = vec![0; REGION as usize];
    bench.memory.read(host, &mut memory);
    assert!(memory == expected, "host memory differs, {context}");
    for (read, bytes) in device_reads {
        assert!(bench.endpoint.reads[read].done, "{context}");
        assert_eq!(bench.endpoint.reads[read].bytes, bytes, "{context}");
    }
    for (ticket, start, bytes) in host_reads {
        let result = bench.bridge.read_result(ticket).expect("settled");
        assert!(
            result == Ok(registers[start..start + bytes].to_vec()),
            "{bytes} bytes at {start}, {context}"
        );
    }
    let ticket = bench.bridge.read(4, 0, 8192);
    assert!(
        bench.finish_read(ticket) == Ok(registers),
        "registers differ, {context}"
    );
    assert!(bench.endpoint.most_held <= 8, "{context}");
    assert_eq!(bench.bridge.iommu().fault_count(), 0);
    let counters = bench.bridge.counters();
    assert!(
        counters.writes_from_device > 10 && counters.reads_from_device > 10,
        "{context}: {counters:?}"
    );
    bench.bridge.trace_hash()
}

#[test]
fn random_traffic_arrives_whole_and_legal_on_every_profile() {
    for name in PROFILES {
        for seed in 0..6 {
            let mut profile = Profile::named(name).unwrap();
            if seed % 2 == 1 {
                profile.root_complex.completion_split = CompletionSplit::Random;
                profile.root_complex.completion_interleave = true;
                profile.root_complex.posted_credits = crate::profile::Credits {
                    headers: 8,
                    data_units: 64,
                };
                profile.root_complex.nonposted_credits = crate::profile::Credits {
                    headers: 4,
                    data_units: 0,
                };
                profile.root_complex.completion_credits = crate::profile::Credits {
                    headers: 6,
                    data_units: 50,
                };
            }
            random_traffic(&profile, seed, 20_000);
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_trace_and_another_seed_another() {
    let profile = Profile::named("pcie-gen3-x8").unwrap();
    let first = random_traffic(&profile, 11, 5000);
    assert_eq!(first, random_traffic(&profile, 11, 5000));
    assert_ne!(first, random_traffic(&profile, 12, 5000));
}
