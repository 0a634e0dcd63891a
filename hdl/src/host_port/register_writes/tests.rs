//! `RegisterWrites` against a register file that answers after any number of cycles.

use super::*;
use crate::gate::Gate;
use crate::host_port::test_support::*;

/// A register write as the bus sees it: address, data, enables.
type Access = (u64, u64, u64);

#[derive(Default)]
struct Run {
    accesses: Vec<(u64, Access)>,
    overflows: Vec<usize>,
    refused: u64,
}

fn host_write(space: u64, address: u64, data: u128, enables: u64) -> HostWrite {
    HostWrite {
        space: space.to_bits(),
        address: address.to_bits(),
        data: wide(data),
        enables: enables.to_bits(),
        single: false,
        last: true,
    }
}

fn unit() -> RegisterWrites {
    let mut unit = RegisterWrites::default();
    unit.clock.connect();
    unit.reset.connect();
    unit.write_valid.connect();
    unit.write.connect();
    unit.master.done.connect();
    unit.master.hit.connect();
    unit.master.read_data.connect();
    unit.connect_all();
    unit
}

/// Offers each write in its cycle; registers at multiples of 0x40 do not exist.
fn run(writes: &[Option<HostWrite>], slowest: u64, seed: u64) -> Run {
    let mut unit = unit();
    let mut random = Random::new(seed);
    let mut run = Run::default();
    let mut answer: Option<(u64, bool)> = None;
    let mut quiet = 0;
    for cycle in 0u64.. {
        let reset = cycle < 3;
        let write = cycle.checked_sub(3).and_then(|n| writes.get(n as usize));
        unit.reset.next = reset;
        unit.write_valid.next = matches!(write, Some(Some(_)));
        unit.write.next = write
            .copied()
            .flatten()
            .unwrap_or(host_write(0, 0, 0x55, 0xffff));
        let done = answer.is_some_and(|(due, _)| due == cycle);
        unit.master.done.next = done;
        unit.master.hit.next = done && answer.unwrap().1;
        settle(&mut unit);
        if done {
            answer = None;
        }
        assert!(!unit.master.read.val());
        if unit.master.write.val() && !reset {
            assert_eq!(answer, None, "one access at a time");
            assert!(unit.busy.val());
            let address = unit.master.address.val().to_u64();
            run.accesses.push((
                cycle - 3,
                (
                    address,
                    unit.master.data.val().to_u64(),
                    unit.master.enables.val().to_u64(),
                ),
            ));
            answer = Some((
                cycle + 1 + random.below(slowest),
                !address.is_multiple_of(0x40),
            ));
        }
        if unit.overflow.val() && !reset {
            run.overflows.push(cycle as usize - 3);
        }
        run.refused += u64::from(unit.refused.val() && !reset);
        quiet = if reset || write.is_some() || unit.busy.val() {
            0
        } else {
            quiet + 1
        };
        if quiet > 20 {
            break;
        }
        unit.clock.next = true.into();
        settle(&mut unit);
        unit.clock.next = false.into();
        settle(&mut unit);
    }
    run
}

/// The register writes that a lane-beat stands for.
fn accesses_of(write: &HostWrite) -> Vec<Access> {
    let bytes = number(write.data).to_le_bytes();
    (0..4)
        .map(|lane| {
            let data = u32::from_le_bytes(bytes[4 * lane..4 * lane + 4].try_into().unwrap());
            let enables = write.enables.to_u64() >> (4 * lane) & 15;
            (
                write.address.to_u64() + 4 * lane as u64,
                data.into(),
                enables,
            )
        })
        .filter(|_| write.space.to_u64() == 0)
        .filter(|&(_, _, enables)| enables != 0)
        .collect()
}

#[test]
fn a_write_reaches_its_register_in_the_next_cycle() {
    let run = run(&[Some(host_write(0, 0x20, 7, 0x000f))], 1, 1);
    assert_eq!(run.accesses, [(1, (0x20, 7, 15))]);
    assert_eq!(run.refused, 0);
}

#[test]
fn other_spaces_and_beats_without_enables_are_left_alone() {
    let run = run(
        &[
            Some(host_write(1, 0x20, 7, 0xffff)),
            Some(host_write(2, 0x20, 7, 0xffff)),
            Some(host_write(0, 0x20, 7, 0)),
        ],
        1,
        1,
    );
    assert_eq!(run.accesses, []);
}

#[test]
fn random_writes_are_carried_out_in_order_and_what_is_lost_is_told() {
    let mut overflows = 0;
    for seed in 0..6 {
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let slowest = [1, 5][seed as usize % 2];
        let writes: Vec<_> = (0..300)
            .map(|_| {
                random.chance([10, 15, 60][seed as usize % 3]).then(|| {
                    let enables = random.word() & [0xffff, 0xf0f0, 0x0f][random.below(3) as usize];
                    let data = random.wide();
                    host_write(random.below(10) / 8, random.below(256) * 16, data, enables)
                })
            })
            .collect();
        let run = run(&writes, slowest, seed);
        let expected: Vec<Access> = writes
            .iter()
            .enumerate()
            .filter(|(cycle, _)| !run.overflows.contains(cycle))
            .filter_map(|(_, write)| write.as_ref())
            .flat_map(accesses_of)
            .collect();
        let seen: Vec<Access> = run.accesses.iter().map(|(_, access)| *access).collect();
        assert_eq!(seen, expected);
        let missing = expected.iter().filter(|access| access.0 % 0x40 == 0);
        assert_eq!(run.refused, missing.count() as u64);
        overflows += run.overflows.len();
    }
    assert!(overflows > 0, "the test does not reach an overflow");
}

#[test]
fn sixteen_beats_wait_and_the_seventeenth_is_lost() {
    // Registers so slow that no beat is through with its four before the last has come in.
    let writes: Vec<_> = (0..18)
        .map(|n| Some(host_write(0, 16 * n, 0, 0xffff)))
        .collect();
    let run = run(&writes, 60, 3);
    assert_eq!(run.overflows.first(), Some(&16));
}

#[test]
fn gate() {
    Gate::new("register_writes", unit())
        .clock(|unit| &mut unit.clock)
        .cycles(2000)
        .run(|unit, random, cycle| {
            unit.reset.next = cycle < 2 || random.chance(1);
            unit.write_valid.next = random.chance(20);
            let enables = random.word() & [0xffff, 0xf0f0, 0][random.below(3) as usize];
            let space = random.below(4) / 2;
            unit.write.next = host_write(space, random.below(256) * 16, random.wide(), enables);
            unit.master.done.next = random.chance(50);
            unit.master.hit.next = random.chance(80);
            unit.master.read_data.next = random.bits();
        });
}
