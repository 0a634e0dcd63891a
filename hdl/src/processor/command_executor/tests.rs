//! Behaviour of `CommandExecutor`: each opcode by itself, then random commands against what each must do.

use super::*;
use crate::configuration::{
    ENDPOINTS_LOG2, INLINE_PAGES_LOG2, RECEIVE_QUEUE_IDS_LOG2, RECEIVE_QUEUES, TRANSLATION_ENTRIES,
    TRANSMIT_QUEUES,
};
use crate::gate::{Gate, Random, clock_cycle, settle};
use abi::command::{completion_status, opcode};
use std::collections::{HashMap, VecDeque};

pub fn random_command(random: &mut Random) -> u128 {
    let opcode = random.below(12) as u128;
    let flags = random.below(4) as u128;
    let token = random.below(1 << 16) as u128;
    // Mostly legal operands, and now and then anything.
    let mut operand = match random.below(10) {
        0 => random.word() & 0xffff_ffff,
        1..4 => (random.below(32) * 16) | ((random.below(16) * 4) << 16),
        4 => random.below(64) * 8,
        5 => {
            let words = random.below(7) << 12 | random.below(12);
            words | random.below(5) << 16 | random.below(2) << 29
        }
        6 => random.below(7) << 12 | random.below(40),
        7 | 8 => {
            let queue = random.below(TRANSMIT_QUEUES.max(RECEIVE_QUEUES) as u64 + 3);
            (random.below(70) * 16) | (queue << 16) | random.below(4) << 24
        }
        _ => random.below(1 << (INLINE_PAGES_LOG2 + 13)) & !7,
    } as u128;
    let mut data = u128::from(random.word());
    if random.chance(80) {
        data &= !3;
    }
    // A record that is loaded from the inbox is mostly the endpoint's.
    if opcode as usize == opcode::LOAD_RECORD && random.chance(80) {
        data = u128::from(inbox(operand as u64 / 16 + 1, true));
    }
    if opcode as usize == opcode::DELIVER_MESSAGE && random.chance(80) {
        let record = random.below(15);
        operand = ((random.below(49) * 16) | record << 20 | random.below(2) << 25).into();
        if random.chance(80) {
            data = u128::from(inbox(record + 1, true));
        }
    }
    opcode | flags << 8 | token << 16 | operand << 32 | data << 64
}

#[test]
fn gate() {
    Gate::new("command_executor", CommandExecutor::default())
        .clock(|unit| &mut unit.clock)
        .cycles(4000)
        .run(|unit, random, cycle| {
            unit.reset.next = cycle < 2;
            for (command, empty, taken) in [
                (
                    &mut unit.command_0,
                    &mut unit.command_0_empty,
                    unit.command_0_read.val(),
                ),
                (
                    &mut unit.command_1,
                    &mut unit.command_1_empty,
                    unit.command_1_read.val(),
                ),
            ] {
                if cycle == 0 || taken || empty.val() {
                    empty.next = random.chance(50);
                    command.next = random_command(random).to_bits();
                }
            }
            unit.node.next = 7u32.to_bits();
            unit.room_0.next = random.chance(70);
            unit.room_1.next = random.chance(70);
            unit.slot_ready.next = random.chance(50);
            unit.outbox.grant.next = random.chance(80);
            unit.outbox.data.next = random.bits();
            unit.mirror_word.next = random.bits();
            unit.packet.ready.next = random.chance(70);
            unit.host_write.ready.next = random.chance(70);
            unit.read_ready.next = random.chance(50);
            unit.inbox_ready.next = random.chance(70);
            unit.saved_transmit.next.done = unit.save_transmit.val().valid && random.chance(30);
            unit.saved_transmit.next.second = random.bits();
            unit.saved_transmit.next.third = random.bits();
            unit.saved_receive.next.done = unit.save_receive.val().valid && random.chance(30);
            unit.saved_receive.next.second = random.bits();
            // Whether that read is under way does not matter to the gate.
            unit.finished_valid.next = cycle > 1000 && random.chance(10);
            unit.finished_token.next = random.below(4).to_bits();
            unit.finished_status.next = random.bits();
            unit.completion_full.next = random.chance(30);
        });
}

/// What the executor did.
#[derive(Clone, Debug, PartialEq)]
enum Effect {
    Configuration(u64, u128),
    Slot(u64, u128, u64),
    Packet(Vec<u128>),
    HostWrite(Vec<u128>),
    /// Address, bytes, inbox offset.
    Read(u128, u64, u64),
    /// A record stands in the inbox: its index of queue state, its offset.
    Saved(u64, u64),
    /// The page decoder was asked for this.
    Replay(ReplayRequest),
    Invalid,
}

/// What stands in a beat of the outbox.
fn outbox(beat: usize) -> u128 {
    let mut random = Random::new(beat as u64 + 1000);
    random.wide()
}

/// What stands in half a beat of the inbox. Most control words are enabled.
fn inbox(beat: u64, high: bool) -> u64 {
    let mut random = Random::new(2 * (beat % 16) + u64::from(high) + 9000);
    random.word() | u64::from(random.chance(80))
}

/// What stands in a beat of the inbox: descriptors of messages say all lengths.
fn inbox_beat(beat: u64) -> u128 {
    u128::from(inbox(beat, false)) | u128::from(inbox(beat, true)) << 64
}

fn field(command: u128, low: u32, bits: u32) -> u64 {
    (command >> low) as u64 & ((1u64 << bits) - 1)
}

/// The obvious executor: what a command must do, or that it is invalid.
fn expected(command: u128, node: u64) -> Vec<Effect> {
    let (low, high) = (field(command, 32, 16), field(command, 48, 16));
    let offset = field(command, 32, 32);
    let pool_bytes = 4096 << INLINE_PAGES_LOG2;
    let data = command >> 64;
    let region_words = [
        1 << ENDPOINTS_LOG2,
        4 * TRANSMIT_QUEUES as u64,
        4 * RECEIVE_QUEUES as u64,
        TRANSLATION_ENTRIES as u64,
        4096,
        1 << RECEIVE_QUEUE_IDS_LOG2,
        4096,
        0,
        0,
        512,
    ];
    let payload = |beats: u64, bytes: u64| -> Vec<u128> {
        let bytes_of = |beat: u64| outbox((low / 16 + beat) as usize % 512).to_le_bytes();
        let all: Vec<u8> = (0..beats).flat_map(bytes_of).collect();
        let kept = |at: usize| if (at as u64) < bytes { all[at] } else { 0 };
        let all: Vec<u8> = (0..all.len()).map(kept).collect();
        let beats = all.chunks(16);
        beats
            .map(|beat| u128::from_le_bytes(beat.try_into().unwrap()))
            .collect()
    };
    let transfer = |limit: u64| {
        low % 16 == 0
            && high % 4 == 0
            && (4..=2048).contains(&high)
            && low + high <= limit
            && data.is_multiple_of(4)
    };
    let effect = match field(command, 0, 8) as usize {
        opcode::NOTHING => return vec![],
        opcode::WRITE_QUEUE_STATE => {
            let region = low >> 12;
            let words = region_words.get(region as usize).copied().unwrap_or(0);
            let stride = if high >> 13 & 1 == 1 { 4 } else { 1 };
            let indices: Vec<u64> = (0..=high & 0x1fff).map(|n| low + n * stride).collect();
            let of_queue = [1, 2].contains(&region);
            let legal = |index: &u64| {
                index >> 12 == region && index & 0xfff < words && (!of_queue || index % 4 < 2)
            };
            if high >> 14 == 0 && indices.iter().all(legal) {
                let write = |index| Effect::Configuration(index, data);
                return indices.into_iter().map(write).collect();
            }
            None
        }
        opcode::WRITE_NIU_MEMORY => (offset.is_multiple_of(8) && offset < pool_bytes).then(|| {
            let half = offset / 8 % 2;
            Effect::Slot(
                offset / 16,
                data << (64 * half),
                if half == 0 { 0x00ff } else { 0xff00 },
            )
        }),
        opcode::SEND_PACKET => (low % 16 == 0 && high <= 240 && low + high <= 8192).then(|| {
            use abi::command::packet_target as target;
            use abi::link::header as h;
            let mut header = h::kind::set(0, abi::link::kind::PACKET as u64);
            header = h::version::set(header, abi::link::VERSION as u64);
            header = h::virtual_channel::set(header, target::virtual_channel::get(data));
            header = h::destination_node::set(header, target::node::get(data));
            header = h::source_node::set(header, node);
            header = h::receive_queue_id::set(header, target::receive_queue_id::get(data));
            header = h::tag::set(header, target::tag::get(data));
            header = h::length::set(header, high);
            let mut beats = vec![header];
            beats.extend(payload((high + 4).div_ceil(16), high));
            Effect::Packet(beats)
        }),
        opcode::WRITE_HOST_MEMORY => transfer(8192).then(|| {
            let mut beats = vec![data | u128::from(high) << 64];
            beats.extend(payload(high.div_ceil(16), high));
            Effect::HostWrite(beats)
        }),
        opcode::LOAD_RECORD | opcode::SAVE_RECORD => {
            let loads = field(command, 0, 8) as usize == opcode::LOAD_RECORD;
            let (queue, receive) = (high & 0xff, high >> 8 & 1);
            let queues = [TRANSMIT_QUEUES, RECEIVE_QUEUES][receive as usize] as u64;
            let from_inbox = high >> 9 & 1 == 1;
            let limit = match (loads, from_inbox) {
                (true, false) => 8192,
                (true, true) => 256,
                (false, _) => 1024,
            };
            let fits =
                !from_inbox || loads && (receive == 1 || loaded_control(low, data).is_some());
            let legal =
                high >> 10 == 0 && queue < queues && low % 16 == 0 && low + 32 <= limit && fits;
            let place = (1 + receive) << 12 | queue << 2;
            if legal && loads {
                let word = |number: u64| {
                    if from_inbox {
                        let word = inbox(low / 16 + number / 2, number % 2 == 1);
                        let control = loaded_control(low, data).filter(|_| receive == 0);
                        return control.filter(|_| number == 3).unwrap_or(word.into());
                    }
                    let beat = outbox((low / 16 + number / 2) as usize);
                    beat >> (64 * (number % 2)) & u128::from(u64::MAX)
                };
                let write =
                    |number| Effect::Configuration(place | ((number + 1) % 4), word(number));
                return (0..4).map(write).collect();
            }
            legal.then_some(Effect::Saved(place, low))
        }
        opcode::REPLAY_STORE => {
            let endpoint = low & 0xfff;
            let request = ReplayRequest {
                valid: true,
                has_store: low >> 12 & 1 == 1,
                discards: low >> 13 & 1 == 1,
                loses: low >> 14 & 1 == 1,
                gives_back: false,
                consumer: high.to_bits(),
                endpoint: endpoint.to_bits(),
                queue: (high & 0xff).to_bits(),
                word: (data as u64).to_bits(),
            };
            let legal = low >> 15 == 0
                && high >> 8 == 0
                && high < TRANSMIT_QUEUES as u64
                && endpoint < region_words[0];
            if legal && replayed(&request).maps {
                return vec![
                    Effect::Replay(request),
                    Effect::Configuration(endpoint, data),
                ];
            }
            legal.then_some(Effect::Replay(request))
        }
        opcode::GIVE_BACK_ENTRIES => (low < RECEIVE_QUEUES as u64).then(|| {
            Effect::Replay(ReplayRequest {
                valid: true,
                has_store: false,
                discards: false,
                loses: false,
                gives_back: true,
                consumer: high.to_bits(),
                endpoint: low.to_bits(),
                queue: low.to_bits(),
                word: (data as u64).to_bits(),
            })
        }),
        opcode::DELIVER_MESSAGE => {
            return delivered(command).unwrap_or(vec![Effect::Invalid]);
        }
        opcode::READ_HOST_MEMORY => transfer(1024).then_some(Effect::Read(data, high, low)),
        _ => None,
    };
    vec![effect.unwrap_or(Effect::Invalid)]
}

/// What a delivery writes: the bytes of the message behind the first 16, then these with the phase.
fn delivered(command: u128) -> Option<Vec<Effect>> {
    let (low, high) = (field(command, 32, 16), field(command, 48, 16));
    let (record, from_record) = (high >> 4 & 15, high >> 9 & 1 == 1);
    let is_legal = low % 16 == 0 && low <= 768 && high & !0x2f0 == 0 && record < 15;
    let mut place = (command >> 64) as u64;
    if from_record {
        let control = inbox(record + 1, true);
        let is_same = control >> 16 & 0xfff == place >> 16 & 0xfff;
        if control & 1 == 0 || !is_same {
            return None;
        }
        place = inbox(record + 1, false);
    }
    let (address, phase) = (u128::from(place & !15), u128::from(place & 1));
    let beats = |first: u64, bytes: u64| -> Vec<u128> {
        let bytes_of = |beat| inbox_beat(low / 16 + first + beat).to_le_bytes();
        let mut all: Vec<u8> = (0..bytes.div_ceil(16)).flat_map(bytes_of).collect();
        all[bytes as usize..].fill(0);
        let beats = all.chunks(16);
        beats
            .map(|beat| u128::from_le_bytes(beat.try_into().unwrap()))
            .collect()
    };
    let length = (inbox_beat(low / 16) >> 16 & 0xff) as u64;
    let mut effects = vec![];
    if length > 8 {
        let bytes = (length - 8).next_multiple_of(4).min(248);
        let mut packet = vec![address | 16 | u128::from(bytes) << 64];
        packet.extend(beats(1, bytes));
        effects.push(Effect::HostWrite(packet));
    }
    let first = beats(0, 16)[0] & !1 | phase;
    effects.push(Effect::HostWrite(vec![address | 16 << 64, first]));
    is_legal.then_some(effects)
}

/// The control word of a transmit queue's record in the inbox as it is loaded, if it is the endpoint's.
fn loaded_control(offset: u64, data: u128) -> Option<u128> {
    use abi::queue_state::transmit_control as control;
    let word = u128::from(inbox(offset / 16 + 1, true));
    let fits = control::enabled::get(word) == 1
        && control::endpoint::get(word) == control::endpoint::get(data);
    fits.then(|| control::generation::set(word, control::generation::get(data)))
}

/// What the page decoder answers here: it depends on the word alone.
fn replayed(request: &ReplayRequest) -> Replayed {
    let word = request.word.to_u64();
    Replayed {
        done: true,
        busy: !request.gives_back && word & 1 == 1,
        maps: !request.gives_back && !request.discards && word & 2 == 2,
    }
}

/// Words 2 and 3 of a record, as their owners keep them.
fn owned_word(index: u64) -> u64 {
    Random::new(index + 5000).word() & 0x1_ffff_ffff
}

/// The executor with command queues, an outbox, and everybody around it.
struct Bench {
    unit: CommandExecutor,
    queues: [VecDeque<u128>; 2],
    effects: Vec<Effect>,
    /// Token, status.
    completions: Vec<(u64, u64)>,
    /// Commands taken, each with its queue.
    taken: Vec<(usize, u128)>,
    /// Places of reads under way.
    reads: VecDeque<u64>,
    packet: Vec<u128>,
    host_write: Vec<u128>,
    /// Words of a record: offset in the inbox, word.
    saved: Vec<(u64, u64)>,
    /// Queue state that was written.
    written: HashMap<u64, u64>,
    /// How reads end.
    status: usize,
    /// Reads are finished, completions are taken, streams are taken: chances in percent.
    finish: u64,
    drain: u64,
    take: u64,
    random: Random,
}

const NODE: u64 = 0x32b;

impl Bench {
    fn new(seed: u64) -> Self {
        let mut unit = CommandExecutor::default();
        unit.connect_all();
        unit.command_0_empty.next = true;
        unit.command_1_empty.next = true;
        unit.node.next = NODE.to_bits();
        unit.room_0.next = true;
        unit.room_1.next = true;
        unit.reset.next = true;
        clock_cycle!(unit, clock);
        unit.reset.next = false;
        Self {
            unit,
            queues: Default::default(),
            effects: vec![],
            completions: vec![],
            taken: vec![],
            reads: VecDeque::new(),
            packet: vec![],
            host_write: vec![],
            saved: vec![],
            written: HashMap::new(),
            status: completion_status::REFUSED,
            finish: 20,
            drain: 100,
            take: 100,
            random: Random::new(seed),
        }
    }

    fn cycle(&mut self) {
        let unit = &mut self.unit;
        unit.command_0_empty.next = self.queues[0].is_empty();
        unit.command_0.next = self.queues[0].front().copied().unwrap_or(0).to_bits();
        unit.command_1_empty.next = self.queues[1].is_empty();
        unit.command_1.next = self.queues[1].front().copied().unwrap_or(0).to_bits();
        unit.slot_ready.next = self.random.chance(self.take);
        unit.packet.ready.next = self.random.chance(self.take);
        unit.host_write.ready.next = self.random.chance(self.take);
        unit.read_ready.next = self.random.chance(self.take);
        unit.inbox_ready.next = self.random.chance(self.take);
        let mut saving = None;
        let chance = self.random.chance(self.take);
        for (request, saved, region) in [
            (unit.save_transmit.val(), &mut unit.saved_transmit, 1),
            (unit.save_receive.val(), &mut unit.saved_receive, 2),
        ] {
            let place = region << 12 | request.queue.to_u64() << 2;
            let done = request.valid && (saved.val().done || chance);
            saved.next.done = done;
            saved.next.second = owned_word(place | 2).to_bits();
            saved.next.third = owned_word(place | 3).to_bits();
            if request.valid {
                assert_eq!(saving.replace(place), None, "two records at once");
            }
        }
        let request = unit.replay.val();
        let was_done = unit.replayed.val().done;
        let done = request.valid && (was_done || self.random.chance(self.take));
        unit.replayed.next = Replayed {
            done,
            ..replayed(&request)
        };
        if done && !was_done {
            self.effects.push(Effect::Replay(request));
        }
        unit.completion_full.next = !self.random.chance(self.drain);
        let finishes = !self.reads.is_empty() && self.random.chance(self.finish);
        let which = self.random.below(self.reads.len().max(1) as u64) as usize;
        unit.finished_valid.next = finishes;
        unit.finished_token.next = self.reads.get(which).copied().unwrap_or(0).to_bits();
        unit.finished_status.next = self.status.to_bits();
        settle(unit);
        unit.outbox.grant.next = unit.outbox.request.val() && self.random.chance(self.take);
        let mirrored = inbox(unit.mirror_beat.val().to_u64(), unit.mirror_high.val());
        unit.mirror_word.next = mirrored.to_bits();
        settle(unit);

        // The inbox is read in each cycle.
        let address = unit.outbox.address.val().index();
        let reads_inbox = unit.reads_inbox.val();
        let read = if reads_inbox {
            Some(inbox_beat(address as u64))
        } else {
            unit.outbox.grant.val().then(|| outbox(address % 512))
        };
        if finishes {
            assert!(unit.finished_ready.val());
            self.reads.remove(which);
        }
        for (queue, read) in [unit.command_0_read.val(), unit.command_1_read.val()]
            .into_iter()
            .enumerate()
        {
            if read {
                let command = self.queues[queue].pop_front().expect("a command");
                self.taken.push((queue, command));
            }
        }
        let configuration = unit.configuration.val();
        if configuration.valid {
            self.written
                .insert(configuration.index.to_u64(), configuration.data.to_u64());
            self.effects.push(Effect::Configuration(
                configuration.index.to_u64(),
                configuration.data.to_u128(),
            ));
        }
        if unit.slot_valid.val() && unit.slot_ready.val() {
            let enables = unit.slot_enables.val().to_u64();
            let mask = if enables == 0xff {
                u128::from(u64::MAX)
            } else {
                u128::from(u64::MAX) << 64
            };
            self.effects.push(Effect::Slot(
                unit.slot_address.val().to_u64(),
                unit.slot_data.val().to_u128() & mask,
                enables,
            ));
        }
        if unit.inbox_valid.val() && unit.inbox_ready.val() {
            let place = saving.expect("a record is being saved");
            let upper = unit.inbox_enables.val().to_u64() == 0xff00;
            let data = unit.inbox_data.val().to_u128() >> if upper { 64 } else { 0 };
            let offset = unit.inbox_address.val().to_u64() * 16 + u64::from(upper) * 8;
            self.saved.push((offset, data as u64));
            if let [(start, _), .., _] = self.saved[..]
                && self.saved.len() == 4
            {
                for (number, (offset, word)) in self.saved.drain(..).enumerate() {
                    let index = place | ((number as u64 + 1) % 4);
                    assert_eq!(offset, start + 8 * number as u64);
                    // What firmware has never written may be anything.
                    let known = match number {
                        1 | 2 => Some(owned_word(index)),
                        _ => self.written.get(&index).copied(),
                    };
                    assert!(known.is_none_or(|known| known == word), "{index:#x}");
                }
                self.effects.push(Effect::Saved(place, start));
            }
        }
        if unit.packet.valid.val() && unit.packet.ready.val() {
            let beat = unit.packet.beat.val();
            self.packet.push(beat.data.to_u128());
            if beat.last {
                self.effects
                    .push(Effect::Packet(std::mem::take(&mut self.packet)));
            }
        }
        if unit.host_write.valid.val() && unit.host_write.ready.val() {
            let beat = unit.host_write.beat.val();
            self.host_write.push(beat.data.to_u128());
            if beat.last {
                self.effects
                    .push(Effect::HostWrite(std::mem::take(&mut self.host_write)));
            }
        }
        if unit.read_valid.val() && unit.read_ready.val() {
            self.effects.push(Effect::Read(
                unit.read_address.val().to_u128(),
                unit.read_bytes.val().to_u64(),
                unit.read_inbox.val().to_u64(),
            ));
            self.reads.push_back(unit.read_token.val().to_u64());
            assert!(self.reads.len() <= 4);
        }
        if unit.invalid.val() {
            self.effects.push(Effect::Invalid);
        }
        if unit.completion_write.val() {
            assert!(!unit.completion_full.val());
            let completion = unit.completion.val().to_u64();
            self.completions
                .push((completion & 0xffff, completion >> 16));
        }
        clock_cycle!(*unit, clock);
        unit.outbox.data.next = match read {
            Some(beat) => beat.to_bits(),
            None => self.random.bits(),
        };
    }

    fn run(&mut self, cycles: usize) {
        for _ in 0..cycles {
            self.cycle();
        }
    }
}

const COMPLETE: u128 = 1 << 8;
const FENCE: u128 = 1 << 9;
const FIRST: u128 = 1 << 10;
const NEXT: u128 = 2 << 10;

fn command(opcode: usize, flags: u128, token: u64, operand: u64, data: u64) -> u128 {
    opcode as u128
        | flags
        | u128::from(token) << 16
        | u128::from(operand) << 32
        | u128::from(data) << 64
}

#[test]
fn random_commands_do_what_they_must_in_order() {
    for seed in [41, 42] {
        println!("seed {seed}");
        let mut bench = Bench::new(seed);
        bench.take = 60;
        bench.drain = 40;
        let mut random = Random::new(seed + 100);
        let mut tokens = vec![];
        for token in 0..150u64 {
            let command = random_command(&mut random) & !(0xffff << 16) | u128::from(token) << 16;
            bench.queues[random.below(2) as usize].push_back(command);
            let complete = command & COMPLETE != 0;
            let status = match expected(command, NODE).first() {
                Some(Effect::Invalid) => completion_status::INVALID,
                Some(Effect::Read(..)) => completion_status::REFUSED,
                Some(Effect::Replay(request)) if replayed(request).busy => completion_status::BUSY,
                _ => completion_status::DONE,
            };
            if complete {
                tokens.push((token, status as u64));
            }
        }
        bench.run(9000);
        assert!(bench.queues.iter().all(VecDeque::is_empty), "stuck");
        // Everything happened in the order in which the commands were taken.
        assert!(bench.saved.is_empty());
        let must: Vec<Effect> = bench
            .taken
            .iter()
            .flat_map(|(_, command)| expected(*command, NODE))
            .collect();
        assert_eq!(bench.effects, must);
        assert!(
            must.iter()
                .any(|effect| matches!(effect, Effect::Packet(_)))
        );
        assert!(must.iter().any(|effect| matches!(effect, Effect::Read(..))));
        assert!(
            must.iter()
                .any(|effect| matches!(effect, Effect::Saved(..)))
        );
        let delivered =
            bench
                .taken
                .iter()
                .map(|(_, command)| match field(*command, 0, 8) as usize {
                    opcode::DELIVER_MESSAGE => expected(*command, NODE).len(),
                    _ => 0,
                });
        assert_eq!(delivered.max(), Some(2));
        bench.completions.sort_unstable();
        assert_eq!(bench.completions, tokens);
    }
}

#[test]
fn a_fence_waits_for_reads_of_its_own_queue_only() {
    let mut bench = Bench::new(1);
    bench.finish = 0;
    let read = command(opcode::READ_HOST_MEMORY, 0, 1, 4 << 16, 0x1000);
    bench.queues[0].push_back(read);
    bench.queues[0].push_back(command(opcode::NOTHING, COMPLETE, 2, 0, 0));
    bench.queues[0].push_back(command(opcode::NOTHING, COMPLETE | FENCE, 3, 0, 0));
    bench.run(100);
    bench.queues[1].push_back(command(opcode::NOTHING, COMPLETE | FENCE, 4, 0, 0));
    bench.run(100);
    assert_eq!(bench.completions, [(2, 0), (4, 0)]);
    bench.finish = 100;
    bench.run(20);
    assert_eq!(bench.completions, [(2, 0), (4, 0), (3, 0)]);
}

#[test]
fn completions_are_never_more_than_there_is_room_for_and_hold_up_only_those_who_want_one() {
    let mut bench = Bench::new(1);
    bench.drain = 0;
    bench.finish = 100;
    for token in 0..40 {
        let opcode = if token % 3 == 0 {
            opcode::READ_HOST_MEMORY
        } else {
            opcode::NOTHING
        };
        bench.queues[0].push_back(command(opcode, COMPLETE, token, 4 << 16, 0x1000));
    }
    bench.run(600);
    assert_eq!(bench.taken.len(), 16);
    for _ in 0..10 {
        bench.queues[1].push_back(command(opcode::WRITE_QUEUE_STATE, 0, 0, 0x3000, 5));
    }
    bench.run(200);
    assert_eq!(bench.taken.len(), 26);
    bench.drain = 100;
    bench.run(600);
    let mut tokens: Vec<u64> = bench.completions.iter().map(|(token, _)| *token).collect();
    tokens.sort_unstable();
    assert_eq!(tokens, (0..40).collect::<Vec<_>>());
}

/// What is behind a write of queue state waits until nobody holds an address of before: each of the two holders may
/// let go in a cycle of its own, but not before the write has had time to reach it.
#[test]
fn queue_state_is_settled_when_both_holders_have_let_go_since() {
    let write = command(opcode::WRITE_QUEUE_STATE, COMPLETE, 7, 0x2000, 0);
    // Cycles, counted from the one in which the write is seen, in which the holders hold nothing.
    for (receive_free, shadow_free, answered) in [
        (0..1000, 0..1000, true),
        (0..4, 0..1000, false),
        (0..1000, 0..4, false),
        (4..5, 30..31, true),
        (50..51, 5..6, true),
        (50..51, 1000..1001, false),
    ] {
        let mut bench = Bench::new(1);
        bench.queues[0].push_back(write);
        bench.queues[0].push_back(command(opcode::NOTHING, COMPLETE, 8, 0, 0));
        let mut since: Option<u32> = None;
        for _ in 0..100 {
            bench.unit.receive_holds.next = !since.is_some_and(|at| receive_free.contains(&at));
            bench.unit.shadow_holds.next = !since.is_some_and(|at| shadow_free.contains(&at));
            bench.cycle();
            let seen = !bench.effects.is_empty();
            since = since.map(|at| at + 1).or(seen.then_some(1));
        }
        let expected: &[(u64, u64)] = if answered { &[(7, 0), (8, 0)] } else { &[] };
        assert_eq!(
            bench.completions, expected,
            "{receive_free:?} {shadow_free:?}"
        );
    }
}

#[test]
fn queues_take_turns() {
    let mut bench = Bench::new(1);
    for token in 0..6 {
        bench.queues[0].push_back(command(opcode::NOTHING, 0, token, 0, 0));
        bench.queues[1].push_back(command(opcode::NOTHING, 0, token, 0, 0));
    }
    bench.run(60);
    let order: Vec<usize> = bench.taken.iter().map(|(queue, _)| *queue).collect();
    assert_eq!(order.len(), 12);
    assert!(order.windows(2).all(|pair| pair[0] != pair[1]), "{order:?}");
}

#[test]
fn reads_stay_in_their_half_of_the_inbox_and_packets_places_are_given_back() {
    let read = |offset: u64, bytes: u64| {
        command(opcode::READ_HOST_MEMORY, 0, 0, offset | bytes << 16, 0x1000)
    };
    for (command, legal) in [
        (read(0, 1024), true),
        (read(1008, 16), true),
        (read(1008, 20), false),
        (read(0, 1028), false),
        (read(1024, 4), false),
        (command(opcode::WRITE_QUEUE_STATE, 0, 0, 0x4000, 0), true),
        (command(opcode::WRITE_QUEUE_STATE, 0, 0, 0x4fff, 0), true),
        (command(opcode::WRITE_QUEUE_STATE, 0, 0, 0x6000, 0), true),
        (command(opcode::WRITE_QUEUE_STATE, 0, 0, 0x7000, 0), false),
    ] {
        let mut bench = Bench::new(1);
        bench.queues[0].push_back(command);
        bench.run(20);
        assert_eq!(bench.effects.len(), 1, "{command:#x}");
        assert_eq!(bench.effects[0] != Effect::Invalid, legal, "{command:#x}");
    }
}

#[test]
fn many_words_of_queue_state_are_written_in_order_two_cycles_apart_or_none() {
    const ENTRIES: u64 = TRANSLATION_ENTRIES as u64;
    const ENDPOINTS: u64 = 1 << ENDPOINTS_LOG2;
    const IDS: u64 = 1 << RECEIVE_QUEUE_IDS_LOG2;
    const TRANSMIT: u64 = TRANSMIT_QUEUES as u64;
    const RECEIVE: u64 = RECEIVE_QUEUES as u64;
    for (index, more, every_fourth, words) in [
        (0x3000, ENTRIES - 1, 0, ENTRIES),
        (0x3001, ENTRIES - 1, 0, 0),
        (0x3000 + ENTRIES - 8, 7, 0, 8),
        (0x3000 + ENTRIES - 7, 7, 0, 0),
        (0x1000, TRANSMIT - 1, 1, TRANSMIT),
        (0x1001, TRANSMIT - 1, 1, TRANSMIT),
        (0x1002, 0, 0, 0),
        (0x1003, 0, 1, 0),
        (0x1004, TRANSMIT - 1, 1, 0),
        (0x1000, 1, 0, 2),
        (0x1000, 3, 0, 0),
        (0x1000, 4, 0, 0),
        (0x1001, 1, 0, 0),
        (0x2000, RECEIVE - 1, 1, RECEIVE),
        (0x2001, RECEIVE, 1, 0),
        (ENDPOINTS - 1, 0, 1, 1),
        (ENDPOINTS - 1, 1, 0, 0),
        (0, ENDPOINTS - 1, 0, ENDPOINTS),
        (0x4000, 0xfff, 0, 4096),
        (0x4000, 0xfff, 1, 0),
        (0x4000, 0x1fff, 1, 0),
        (0x5000, IDS - 1, 0, IDS),
        (0x5000, IDS, 0, 0),
        (0x6000, 0, 0, 1),
        (0x7000, 0, 0, 0),
        (0x9000, 511, 0, 512),
        (0x9001, 511, 0, 0),
        (0x9200, 0, 0, 0),
    ] {
        let mut bench = Bench::new(1);
        let operand = index | more << 16 | every_fourth << 29;
        let write = command(opcode::WRITE_QUEUE_STATE, COMPLETE, 7, operand, 0x5a5a);
        assert_eq!(
            expected(write, NODE).len() as u64,
            words.max(1),
            "the reference, {operand:#x}"
        );
        bench.queues[0].push_back(write);
        bench.run(2 * words as usize + 20);
        assert_eq!(bench.effects, expected(write, NODE), "{operand:#x}");
        assert_eq!(bench.completions, [(7, u64::from(words == 0))]);
    }
}

/// A record comes back as it was written, those words excepted that others own. What is behind its
/// loading waits until it has taken effect.
#[test]
fn records_are_loaded_and_saved_whole() {
    for receive in 0..2u64 {
        let operand = |offset: u64| offset | 3 << 16 | receive << 24;
        let place = (1 + receive) << 12 | 3 << 2;
        let mut bench = Bench::new(1);
        bench.unit.shadow_holds.next = true;
        bench.queues[0].push_back(command(opcode::LOAD_RECORD, COMPLETE, 1, operand(64), 0));
        bench.queues[0].push_back(command(opcode::SAVE_RECORD, COMPLETE, 2, operand(992), 0));
        bench.run(60);
        let order: Vec<u64> = bench
            .effects
            .iter()
            .map(|effect| match effect {
                Effect::Configuration(index, _) => index - place,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(order, [1, 2, 3, 0], "the control word is last");
        assert_eq!(bench.completions, [], "others hold what was");
        bench.unit.shadow_holds.next = false;
        bench.run(40);
        assert_eq!(bench.effects[4], Effect::Saved(place, 992));
        assert_eq!(bench.completions, [(1, 0), (2, 0)]);
    }
    for (load, operand, legal) in [
        (true, 8192 - 32, true),
        (true, 8192 - 16, false),
        (false, 1024 - 32, true),
        (false, 1024 - 16, false),
        (false, 8, false),
        (false, (TRANSMIT_QUEUES as u64 - 1) << 16, true),
        (
            false,
            (TRANSMIT_QUEUES as u64) << 16,
            TRANSMIT_QUEUES == 256,
        ),
        (true, 1 << 26, false),
        (true, 1 << 24 | 1 << 25 | (256 - 32), true),
        (true, 1 << 24 | 1 << 25 | (256 - 16), false),
        (false, 1 << 24 | 1 << 25, false),
    ] {
        let opcode = if load {
            opcode::LOAD_RECORD
        } else {
            opcode::SAVE_RECORD
        };
        let mut bench = Bench::new(1);
        bench.queues[0].push_back(command(opcode, 0, 0, operand, 0));
        bench.run(40);
        assert_eq!(bench.effects[0] != Effect::Invalid, legal, "{operand:#x}");
    }
}

/// What is chained behind a read is carried out if the read ended well, and otherwise answered with its status; what is
/// not chained, and the other queue, go on.
#[test]
fn a_chain_ends_where_it_is_broken() {
    let offset = 64;
    let control = inbox(offset / 16 + 1, true);
    let load = offset | 3 << 16 | 1 << 25;
    let other = control ^ 1 << abi::queue_state::transmit_control::endpoint::SHIFT;
    for (status, data, expected) in [
        (completion_status::DONE, control, completion_status::DONE),
        (
            completion_status::REFUSED,
            control,
            completion_status::REFUSED,
        ),
        (
            completion_status::TIMEOUT,
            control,
            completion_status::TIMEOUT,
        ),
        (completion_status::DONE, other, completion_status::INVALID),
    ] {
        let mut bench = Bench::new(1);
        bench.status = status;
        let read = |token| {
            command(
                opcode::READ_HOST_MEMORY,
                FIRST,
                token,
                offset | 64 << 16,
                0x1000,
            )
        };
        bench.queues[0].push_back(read(1));
        let chained = FENCE | NEXT | COMPLETE;
        bench.queues[0].push_back(command(opcode::LOAD_RECORD, chained, 2, load, data));
        bench.queues[0].push_back(command(opcode::WRITE_QUEUE_STATE, chained, 3, 0x3001, 5));
        bench.queues[0].push_back(command(opcode::WRITE_QUEUE_STATE, COMPLETE, 4, 0x3002, 6));
        bench.queues[1].push_back(command(opcode::WRITE_QUEUE_STATE, chained, 5, 0x3003, 7));
        bench.run(300);
        let expected = expected as u64;
        bench.completions.sort_unstable();
        assert_eq!(
            bench.completions,
            [(2, expected), (3, expected), (4, 0), (5, 0)]
        );
        let loaded = |index: u64| index >> 12 == 1 || index == 0x3001;
        let done = bench
            .effects
            .iter()
            .filter(|effect| matches!(effect, Effect::Configuration(index, _) if loaded(*index)));
        assert_eq!(done.count(), if expected == 0 { 5 } else { 0 });
        // A read outside of it leaves it broken; another chain is whole.
        let outside = command(opcode::READ_HOST_MEMORY, 0, 8, offset | 64 << 16, 0x1000);
        bench.status = completion_status::DONE;
        bench.queues[0].push_back(outside);
        bench.queues[0].push_back(command(opcode::NOTHING, chained, 9, 0, 0));
        bench.run(100);
        assert_eq!(bench.completions.last(), Some(&(9, expected)));
        bench.status = completion_status::DONE;
        bench.queues[0].push_back(read(6));
        bench.queues[0].push_back(command(opcode::WRITE_QUEUE_STATE, chained, 7, 0x3004, 8));
        bench.run(100);
        assert_eq!(bench.completions.last(), Some(&(7, 0)));
    }
}

#[test]
fn niu_memory_is_written_within_its_pool() {
    let bytes = 4096u64 << INLINE_PAGES_LOG2;
    for (offset, legal) in [
        (0, true),
        (8, true),
        (4, false),
        (bytes - 8, true),
        (bytes, false),
        (1 << 31, false),
    ] {
        let mut bench = Bench::new(1);
        let write = command(opcode::WRITE_NIU_MEMORY, 0, 0, offset, 0x1234);
        bench.queues[0].push_back(write);
        bench.run(20);
        assert_eq!(bench.effects, expected(write, NODE), "{offset:#x}");
        assert_eq!(bench.effects[0] != Effect::Invalid, legal, "{offset:#x}");
    }
}

/// A packet without room on its virtual channel is not sent, and holds up nothing.
#[test]
fn a_packet_without_room_on_the_link_ends_as_busy() {
    use abi::command::packet_target::virtual_channel;
    for channel in 0..2u64 {
        let target = virtual_channel::set(0, channel) as u64;
        let send = |token| command(opcode::SEND_PACKET, COMPLETE, token, 20 << 16, target);
        let mut bench = Bench::new(1);
        bench.unit.room_0.next = channel == 1;
        bench.unit.room_1.next = channel == 0;
        bench.queues[0].push_back(send(1));
        bench.queues[0].push_back(send(2) & !COMPLETE);
        bench.queues[0].push_back(command(opcode::NOTHING, COMPLETE, 3, 0, 0));
        bench.run(40);
        let busy = completion_status::BUSY as u64;
        assert_eq!(bench.completions, [(1, busy), (3, 0)]);
        assert!(bench.effects.is_empty());
        bench.unit.room_0.next = true;
        bench.unit.room_1.next = true;
        bench.queues[0].push_back(send(4));
        bench.run(40);
        assert_eq!(bench.completions[2], (4, 0));
        assert_eq!(bench.effects, expected(send(4), NODE));
    }
}
