//! `PacketReceive`, `RegisterWrites` and `Completer` together, in front of a slow register file: what the host reads.

use super::completer::Completer;
use super::packet_encoder::MemoryRequest;
use super::packet_receive::PacketReceive;
use super::register_writes::RegisterWrites;
use super::test_support::*;
use rust_hdl::prelude::*;
use std::collections::VecDeque;

const BAR0: u64 = 0xfe40_4000;

/// Registers that take up to a few cycles each; either master may wait for the other.
#[derive(Default)]
struct Registers {
    values: [u32; 8],
    write: Option<(u64, usize, u32)>,
    read: Option<(u64, usize)>,
}

/// The three blocks, wired by hand.
struct Path {
    receive: PacketReceive,
    writes: RegisterWrites,
    completer: Completer,
}

impl Path {
    fn new() -> Self {
        let mut receive = PacketReceive::default();
        receive.clock.connect();
        receive.reset.connect();
        receive.receive_valid.connect();
        receive.receive_beat.connect();
        receive.bar0.connect();
        receive.bar2.connect();
        receive.bar4.connect();
        receive.memory_enable.connect();
        receive.maximum_payload.connect();
        receive.read_request_ready.connect();
        receive.connect_all();
        receive.bar0.next = BAR0.to_bits();
        receive.memory_enable.next = true;
        receive.maximum_payload.next = 5u64.to_bits();
        let mut writes = RegisterWrites::default();
        writes.clock.connect();
        writes.reset.connect();
        writes.write_valid.connect();
        writes.write.connect();
        writes.packet_ended.connect();
        writes.packet_malformed.connect();
        writes.master.done.connect();
        writes.master.hit.connect();
        writes.master.read_data.connect();
        writes.connect_all();
        let mut completer = Completer::default();
        completer.clock.connect();
        completer.reset.connect();
        completer.read_request_valid.connect();
        completer.read_request.connect();
        completer.registers_busy.connect();
        completer.registers.done.connect();
        completer.registers.hit.connect();
        completer.registers.read_data.connect();
        completer.memory.grant.connect();
        completer.memory.data.connect();
        completer.completer_id.connect();
        completer.source.ready.connect();
        completer.connect_all();
        Self {
            receive,
            writes,
            completer,
        }
    }

    /// Carries the signals between the blocks; no combinational path goes around.
    fn settle(&mut self) {
        settle(&mut self.receive);
        self.writes.write_valid.next = self.receive.write_valid.val();
        self.writes.write.next = self.receive.write.val();
        self.writes.packet_ended.next = self.receive.packet.val();
        self.writes.packet_malformed.next = self.receive.malformed.val();
        settle(&mut self.writes);
        self.completer.registers_busy.next = self.writes.busy.val();
        self.completer.read_request_valid.next = self.receive.read_request_valid.val();
        self.completer.read_request.next = self.receive.read_request.val();
        settle(&mut self.completer);
        self.receive.read_request_ready.next = self.completer.read_request_ready.val();
        settle(&mut self.receive);
    }

    fn clock(&mut self) {
        for level in [true, false] {
            self.receive.clock.next = level.into();
            self.writes.clock.next = level.into();
            self.completer.clock.next = level.into();
            settle(&mut self.receive);
            settle(&mut self.writes);
            settle(&mut self.completer);
        }
    }
}

/// The host writes ever higher numbers and reads them back, back to back. A read may not be overtaken by nor overtake
/// the writes before it: it sees at least the last of them, and nothing that has not been written.
#[test]
fn a_read_sees_every_write_before_it() {
    for seed in 0..6 {
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let mut path = Path::new();
        let mut registers = Registers::default();
        let mut beats: VecDeque<(u128, bool)> = VecDeque::new();
        // For each read in flight: first register, and the least value of each.
        let mut reads: VecDeque<(usize, Vec<u32>)> = VecDeque::new();
        let mut packet: Vec<u8> = vec![];
        let (mut written, mut checked, mut sequence) = ([0u32; 8], 0, 0);
        let (mut waiting_writes, mut free) = (0, 8);
        for cycle in 0..3000u64 {
            let reset = cycle < 3;
            path.receive.reset.next = reset;
            path.writes.reset.next = reset;
            path.completer.reset.next = reset;
            if beats.is_empty() && !reset && cycle < 2500 && random.chance(50) {
                let long = random.chance(50);
                if random.chance(50) && waiting_writes < 12 {
                    let first = random.below(8) as usize;
                    let count = 1 + random.below(8 - first as u64) as usize;
                    let mut payload = vec![];
                    for register in &mut written[first..first + count] {
                        sequence += 1;
                        *register = sequence;
                        payload.extend(sequence.to_le_bytes());
                    }
                    waiting_writes += 3;
                    let address = BAR0 + 4 * first as u64;
                    beats.extend(MemoryRequest::write(long, address, payload).beats());
                } else if free > 0 {
                    let first = random.below(8) as usize;
                    let count = 1 + random.below(8 - first as u64) as usize;
                    reads.push_back((first, written[first..first + count].to_vec()));
                    free -= 1;
                    let address = BAR0 + 4 * first as u64;
                    beats.extend(MemoryRequest::read(long, address, count, 0).beats());
                }
            }
            let offered = beats.pop_front();
            path.receive.receive_valid.next = offered.is_some();
            let (data, last) = offered.unwrap_or_default();
            path.receive.receive_beat.next = beat(data, last);
            path.completer.source.ready.next = random.chance(60);

            let done = registers.write.take_if(|(due, ..)| *due <= cycle);
            path.writes.master.done.next = done.is_some();
            path.writes.master.hit.next = true;
            if let Some((_, register, value)) = done {
                registers.values[register] = value;
            }
            let done = registers.read.take_if(|(due, _)| *due <= cycle);
            path.completer.registers.done.next = done.is_some();
            path.completer.registers.hit.next = true;
            let value = done.map_or(0, |(_, register)| registers.values[register]);
            path.completer.registers.read_data.next = value.to_bits();
            path.settle();

            assert!(!path.writes.overflow.val(), "the test asks too much");
            if !path.writes.busy.val() && beats.is_empty() && !path.receive.packet.val() {
                waiting_writes = 0;
            }
            free += u64::from(path.completer.nonposted_free.val());
            let due = cycle + 1 + random.below(6);
            if path.writes.master.write.val() {
                let register = path.writes.master.address.val().to_u64() as usize / 4;
                let value = path.writes.master.data.val().to_u64() as u32;
                registers.write = Some((due, register, value));
            }
            if path.completer.registers.read.val() {
                let register = path.completer.registers.address.val().to_u64() as usize / 4;
                registers.read = Some((due, register));
            }
            if path.completer.source.valid.val() && path.completer.source.ready.val() {
                let beat = path.completer.source.beat.val();
                packet.extend(number(beat.data).to_le_bytes());
                if beat.last {
                    let (first, least) = reads.pop_front().expect("a completion too many");
                    for (index, least) in least.iter().enumerate() {
                        let place = 12 + 4 * index;
                        let value =
                            u32::from_le_bytes(packet[place..place + 4].try_into().unwrap());
                        let most = written[first + index];
                        assert!(
                            (*least..=most).contains(&value),
                            "register {}: {value} is not in {least}..={most}",
                            first + index
                        );
                    }
                    checked += 1;
                    packet.clear();
                }
            }
            path.clock();
        }
        assert!(reads.is_empty(), "a read was not answered");
        assert!(checked > 30, "only {checked} reads");
    }
}

/// Writes of any length and place, with and without digest, some with beats too few or too many: these and the ones
/// with more lines than there is room for change no register, all others change all that they name.
#[test]
fn registers_are_written_by_whole_good_packets_or_not_at_all() {
    const DOUBLE_WORDS: usize = 1024;
    for seed in 0..3 {
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let mut path = Path::new();
        let mut registers = [0u32; DOUBLE_WORDS];
        let mut expected = registers;
        let (mut malformed, mut overflows) = ((0, 0), (0, 0));
        let mut beats: VecDeque<(u128, bool)> = VecDeque::new();
        let mut write: Option<(u64, usize, u32)> = None;
        let (mut quiet, mut packets) = (0, 0);
        for cycle in 0..60_000u64 {
            let reset = cycle < 3;
            path.receive.reset.next = reset;
            path.writes.reset.next = reset;
            path.completer.reset.next = reset;
            // The next packets come when all is still: two back to back at times, which have room for their lines.
            if beats.is_empty() && quiet > 20 && packets < 120 {
                let longest = if random.chance(50) { 90 } else { 30 };
                for _ in 0..1 + u64::from(longest == 30) * random.below(2) {
                    packets += 1;
                    let first = random.below(900) as usize;
                    let count = 1 + random.below(longest) as usize;
                    let payload: Vec<u8> = (0..4 * count).map(|_| random.word() as u8).collect();
                    let address = BAR0 + 4 * first as u64;
                    let mut request =
                        MemoryRequest::write(random.chance(50), address, payload.clone());
                    request.digest = random.chance(30);
                    let mut packet = request.beats();
                    let whole = packet.len();
                    if random.chance(50) {
                        packet.last_mut().unwrap().1 = false;
                        if random.chance(50) {
                            packet.truncate(1 + random.below(whole as u64) as usize);
                        } else {
                            packet.extend((0..1 + random.below(3)).map(|_| (!0, false)));
                        }
                        packet.last_mut().unwrap().1 = true;
                    }
                    let lines = (first + count - 1) / 4 - first / 4 + 1;
                    if packet.len() != whole {
                        malformed.1 += 1;
                    } else if lines > 1 << crate::configuration::REGISTER_WRITES_LOG2 {
                        overflows.1 += 1;
                    } else {
                        for (register, word) in expected[first..].iter_mut().zip(payload.chunks(4))
                        {
                            *register = u32::from_le_bytes(word.try_into().unwrap());
                        }
                    }
                    beats.extend(packet);
                }
            }
            let offered = if reset || random.chance(10) {
                None
            } else {
                beats.pop_front()
            };
            path.receive.receive_valid.next = offered.is_some();
            let (data, last) = offered.unwrap_or_default();
            path.receive.receive_beat.next = beat(data, last);
            path.completer.source.ready.next = true;
            let done = write.take_if(|(due, ..)| *due <= cycle);
            path.writes.master.done.next = done.is_some();
            path.writes.master.hit.next = true;
            if let Some((_, register, value)) = done {
                registers[register] = value;
            }
            path.settle();
            if path.writes.master.write.val() {
                let register = path.writes.master.address.val().to_u64() as usize / 4;
                assert_eq!(path.writes.master.enables.val().to_u64(), 0xf);
                let value = path.writes.master.data.val().to_u64() as u32;
                write = Some((cycle + 1 + random.below(3), register, value));
            }
            malformed.0 += u64::from(path.receive.malformed.val() && !reset);
            overflows.0 += u64::from(path.writes.overflow.val() && !reset);
            let still = offered.is_none() && beats.is_empty() && !path.writes.busy.val();
            quiet = if still { quiet + 1 } else { 0 };
            if quiet == 20 {
                let wrong = (0..DOUBLE_WORDS).find(|&word| registers[word] != expected[word]);
                assert_eq!(
                    wrong, None,
                    "a register is not as {packets} packets left it"
                );
            }
            if quiet > 20 && packets >= 120 {
                break;
            }
            path.clock();
        }
        assert!(packets >= 120, "the test ends too early");
        assert_eq!(malformed.0, malformed.1, "malformed");
        assert_eq!(overflows.0, overflows.1, "overflows");
        assert!(
            malformed.0 > 10 && overflows.0 > 5,
            "the corners were not reached"
        );
    }
}
