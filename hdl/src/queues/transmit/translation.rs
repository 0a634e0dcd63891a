//! The translation table.

use crate::bundles::ConfigurationWrite;
use crate::configuration::TRANSLATION_LOG2;
use crate::library::block_ram::BlockRam;
use crate::library::late_select::LateSelect;
use rust_hdl::prelude::*;

/// Whether a message or a remote operation may go where an entry leads.
///
/// Latency: none; `entry` may come late.
#[derive(LogicBlock, Default)]
struct EntryCheck {
    /// As `Translation` packs it.
    pub entry: Signal<In, Bits<29>>,
    /// It may go to a receive queue, or to a segment.
    pub to_queue: Signal<In, Bit>,
    pub to_segment: Signal<In, Bit>,
    /// The queue may use virtual channel 1.
    pub channel_1_allowed: Signal<In, Bit>,
    /// A message to another node may go on virtual channel 0, or 1.
    pub free_0: Signal<In, Bit>,
    pub free_1: Signal<In, Bit>,
    pub may_go: Signal<Out, Bit>,
    has_way: Signal<Local, Bit>,
}

impl Logic for EntryCheck {
    #[hdl_gen]
    fn update(&mut self) {
        self.has_way.next = self.entry.val().get_bit(25)
            & (!self.entry.val().get_bit(26) | self.channel_1_allowed.val());
        if self.entry.val().get_bit(27) {
            self.has_way.next = self.free_0.val();
            if self.entry.val().get_bit(26) {
                self.has_way.next = self.free_1.val();
            }
        }
        self.may_go.next = self.has_way.val() & self.to_queue.val();
        if self.entry.val().get_bit(24) {
            self.may_go.next = self.has_way.val() & self.to_segment.val();
        }
    }
}

/// Where each virtual destination leads (V13): 2^`TRANSLATION_LOG2` entries, written by firmware
/// (region 3), read in one cycle.
///
/// Whether an entry leads to the own node is found out when it is written, with `own_node` as it is then: the node's
/// number must not change while entries are valid. An entry that leads nowhere or to the own node has no use for its
/// node's bits, so they tell which of the two it is.
///
/// An entry leads to a receive queue, or to a segment of remote memory. A segment's identifier has eight bits; the
/// upper four are dropped, so that no entry names a transfer segment of the hardware. Its generation stands in their
/// place and in four more bits.
///
/// The table has no reset: firmware writes every entry of a window before it opens the window. An entry that is read
/// in the cycle behind the word, in which it is written, is read as written: a host may load a destination that it is
/// sending to.
#[derive(LogicBlock, Default)]
pub struct Translation {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// Region 3.
    pub configuration: Signal<In, ConfigurationWrite>,
    /// This node's number.
    pub own_node: Signal<In, Bits<10>>,
    /// Entry to read; the other outputs follow in the next cycle.
    pub index: Signal<In, Bits<TRANSLATION_LOG2>>,
    /// `abi::queue_state::translation::node`.
    pub node: Signal<Out, Bits<10>>,
    /// `abi::queue_state::translation::receive_queue_id`, its significant bits; or the segment.
    pub receive_queue_id: Signal<Out, Bits<12>>,
    /// `abi::queue_state::translation::segment`, and the segment's `generation`.
    pub segment: Signal<Out, Bit>,
    pub generation: Signal<Out, Bits<8>>,
    /// `abi::queue_state::translation::virtual_channel`.
    pub virtual_channel: Signal<Out, Bit>,
    /// `abi::queue_state::translation::valid`.
    pub valid: Signal<Out, Bit>,
    /// Valid, and it leads to another node.
    pub leaves_node: Signal<Out, Bit>,
    /// In the cycle of the other outputs, what would hold a message up: whether it is a remote operation, whether its
    /// queue may use virtual channel 1, and which channels have credits. A ping needs none, and goes to the node of
    /// any entry.
    pub remote: Signal<In, Bit>,
    pub channel_1_allowed: Signal<In, Bit>,
    pub room_0: Signal<In, Bit>,
    pub room_1: Signal<In, Bit>,
    pub ping: Signal<In, Bit>,
    /// The entry is valid and may be used, and its channel has credits if they are needed.
    pub may_go: Signal<Out, Bit>,
    /// Upper bits of the node, identifier with generation, and what decides: whether it is a segment, lowest bit of the
    /// node, channel, and whether it leads to another node.
    entries: BlockRam<Bits<29>, TRANSLATION_LOG2>,
    /// Firmware's word as an entry, a cycle behind it.
    writes: DFF<Bit>,
    write_index: DFF<Bits<TRANSLATION_LOG2>>,
    new_entry: DFF<Bits<29>>,
    /// The entry read is the one that was written in that cycle; and what was written.
    wrote: DFF<Bit>,
    same: DFF<Bit>,
    written: DFF<Bits<29>>,
    configuration_index: Signal<Local, Bits<16>>,
    entry_index: Signal<Local, Bits<12>>,
    index_excess: Signal<Local, Bits<12>>,
    configuration_word: Signal<Local, Bits<64>>,
    new_node: Signal<Local, Bits<10>>,
    new_valid: Signal<Local, Bit>,
    goes_out: Signal<Local, Bit>,
    packed_node: Signal<Local, Bits<10>>,
    new_segment: Signal<Local, Bit>,
    new_identifier: Signal<Local, Bits<16>>,
    entry: Signal<Local, Bits<29>>,
    to_queue: Signal<Local, Bit>,
    to_segment: Signal<Local, Bit>,
    free_0: Signal<Local, Bit>,
    free_1: Signal<Local, Bit>,
    of_found: EntryCheck,
    of_written: EntryCheck,
    may_go_select: LateSelect<1>,
}

impl Logic for Translation {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            writes,
            write_index,
            new_entry,
            wrote,
            same,
            written
        );
        clock!(self, clock, entries);
        self.configuration_index.next = self.configuration.val().index;
        self.configuration_word.next = self.configuration.val().data;
        self.entry_index.next = self.configuration_index.val().get_bits::<12>(0);
        self.index_excess.next =
            self.entry_index.val() >> crate::configuration::TRANSLATION_LOG2.to_bits::<4>();
        self.write_index.d.next = self.entry_index.val().get_bits::<TRANSLATION_LOG2>(0);
        self.writes.d.next = self.configuration.val().valid
            & (self.index_excess.val() == 0)
            & (self
                .configuration_index
                .val()
                .get_bits::<4>(abi::queue_state::REGION_SHIFT)
                == abi::queue_state::REGION_TRANSLATION.to_bits());
        self.new_node.next = self
            .configuration_word
            .val()
            .get_bits::<10>(abi::queue_state::translation::node::SHIFT);
        self.new_valid.next = self
            .configuration_word
            .val()
            .get_bit(abi::queue_state::translation::valid::SHIFT);
        self.goes_out.next = self.new_valid.val() & (self.new_node.val() != self.own_node.val());
        self.packed_node.next = self.new_node.val();
        if !self.goes_out.val() {
            self.packed_node.next = bit_cast::<10, 1>(self.new_valid.val().into());
        }
        self.new_segment.next = self
            .configuration_word
            .val()
            .get_bit(abi::queue_state::translation::segment::SHIFT);
        self.new_identifier.next = bit_cast::<16, 12>(
            self.configuration_word
                .val()
                .get_bits::<12>(abi::queue_state::translation::receive_queue_id::SHIFT),
        );
        if self.new_segment.val() {
            self.new_identifier.next = bit_cast::<16, 8>(
                self.configuration_word
                    .val()
                    .get_bits::<8>(abi::queue_state::translation::receive_queue_id::SHIFT),
            ) | (bit_cast::<16, 8>(
                self.configuration_word
                    .val()
                    .get_bits::<8>(abi::queue_state::translation::generation::SHIFT),
            ) << 8);
        }
        // What decides about a message stands together, in one block RAM of the table.
        self.new_entry.d.next = bit_cast::<29, 9>(self.packed_node.val().get_bits::<9>(1))
            | (bit_cast::<29, 15>(self.new_identifier.val().get_bits::<15>(0)) << 9)
            | (bit_cast::<29, 1>(self.new_segment.val().into()) << 24)
            | (bit_cast::<29, 1>(self.packed_node.val().get_bits::<1>(0)) << 25)
            | (bit_cast::<29, 1>(
                self.configuration_word
                    .val()
                    .get_bits::<1>(abi::queue_state::translation::virtual_channel::SHIFT),
            ) << 26)
            | (bit_cast::<29, 1>(self.goes_out.val().into()) << 27)
            | (bit_cast::<29, 1>(self.new_identifier.val().get_bits::<1>(15)) << 28);
        self.entries.write_enable.next = self.writes.q.val();
        self.entries.write_address.next = self.write_index.q.val();
        self.entries.write_data.next = self.new_entry.q.val();
        self.written.d.next = self.new_entry.q.val();
        self.wrote.d.next = self.writes.q.val();
        self.same.d.next = self.write_index.q.val() == self.index.val();
        self.entries.read_address.next = self.index.val();
        self.entry.next = self.entries.read_data.val();
        if self.wrote.q.val() & self.same.q.val() {
            self.entry.next = self.written.q.val();
        }
        self.node.next = self.own_node.val();
        if self.entry.val().get_bit(27) {
            self.node.next = (bit_cast::<10, 9>(self.entry.val().get_bits::<9>(0)) << 1)
                | bit_cast::<10, 1>(self.entry.val().get_bits::<1>(25));
        }
        self.receive_queue_id.next = self.entry.val().get_bits::<12>(9);
        if self.entry.val().get_bit(24) {
            self.receive_queue_id.next = bit_cast::<12, 8>(self.entry.val().get_bits::<8>(9));
        }
        self.segment.next = self.entry.val().get_bit(24);
        self.generation.next = bit_cast::<8, 7>(self.entry.val().get_bits::<7>(17))
            | (bit_cast::<8, 1>(self.entry.val().get_bits::<1>(28)) << 7);
        self.virtual_channel.next = self.entry.val().get_bit(26);
        self.valid.next = self.entry.val().get_bit(27) | self.entry.val().get_bit(25);
        self.leaves_node.next = self.entry.val().get_bit(27);

        // Whether the message may go is worked out for the entry in the block RAM, which comes late, and apart from
        // it for one that was written meanwhile.
        self.free_0.next = self.room_0.val() | self.ping.val();
        self.free_1.next = self.channel_1_allowed.val() & (self.room_1.val() | self.ping.val());
        self.to_queue.next = !self.remote.val() | self.ping.val();
        self.to_segment.next = self.remote.val() | self.ping.val();
        self.of_found.to_queue.next = self.to_queue.val();
        self.of_found.to_segment.next = self.to_segment.val();
        self.of_written.to_queue.next = self.to_queue.val();
        self.of_written.to_segment.next = self.to_segment.val();
        self.of_found.entry.next = self.entries.read_data.val();
        self.of_found.channel_1_allowed.next = self.channel_1_allowed.val();
        self.of_found.free_0.next = self.free_0.val();
        self.of_found.free_1.next = self.free_1.val();
        self.of_written.entry.next = self.written.q.val();
        self.of_written.channel_1_allowed.next = self.channel_1_allowed.val();
        self.of_written.free_0.next = self.free_0.val();
        self.of_written.free_1.next = self.free_1.val();
        self.may_go_select.late.next = bit_cast::<1, 1>(self.of_found.may_go.val().into());
        self.may_go_select.early.next = bit_cast::<1, 1>(self.of_written.may_go.val().into());
        self.may_go_select.takes_early.next = self.wrote.q.val() & self.same.q.val();
        self.may_go.next = self.may_go_select.chosen.val().any();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Gate, Random, clock_cycle, settle};

    const OWN: u64 = 0x155;

    fn load(index: u64, word: u64) -> ConfigurationWrite {
        ConfigurationWrite {
            valid: true,
            index: ((abi::queue_state::REGION_TRANSLATION as u64)
                << abi::queue_state::REGION_SHIFT
                | index)
                .to_bits(),
            data: word.to_bits(),
        }
    }

    /// Among four entries, so that reads meet writes often.
    #[test]
    fn an_entry_is_read_as_written_even_in_the_cycle_of_its_write() {
        let seed = 2;
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let mut unit = Translation::default();
        unit.connect_all();
        settle(&mut unit);
        let mut entries = [None; 4];
        unit.own_node.next = OWN.to_bits();
        let (mut met, mut own, mut went) = (0, 0, 0);
        // What takes effect for the next read.
        let mut coming: Option<(u64, u64)> = None;
        for cycle in 0..4000 {
            let index = random.below(4);
            let write = random
                .chance(40)
                .then(|| (random.below(4), random.below(1 << 48)))
                .map(|(place, word)| {
                    (
                        place,
                        if random.chance(20) {
                            word & !0x3ff | OWN
                        } else {
                            word
                        },
                    )
                });
            unit.index.next = index.to_bits();
            unit.configuration.next = write
                .map_or_else(ConfigurationWrite::default, |(index, word)| {
                    load(index, word)
                });
            settle(&mut unit);
            clock_cycle!(unit, clock);
            unit.channel_1_allowed.next = random.chance(50);
            unit.room_0.next = random.chance(50);
            unit.room_1.next = random.chance(50);
            unit.ping.next = random.chance(20);
            unit.remote.next = random.chance(50);
            settle(&mut unit);
            if let Some((place, word)) = std::mem::replace(&mut coming, write) {
                entries[place as usize] = Some(word);
                met += u32::from(place == index);
            }
            let Some(word) = entries[index as usize] else {
                continue;
            };
            let (node, channel, valid) = (word & 0x3ff, word >> 32 & 1, word >> 33 & 1);
            let segment = word >> 34 & 1 == 1;
            if valid == 1 {
                assert_eq!(unit.node.val().to_u64(), node, "cycle {cycle}");
                own += u32::from(node == OWN);
            }
            assert_eq!(unit.leaves_node.val(), valid == 1 && node != OWN);
            assert_eq!(unit.segment.val(), segment);
            // No entry names a segment beyond the first 256.
            let identifier = word >> 16 & if segment { 0xff } else { 0xfff };
            assert_eq!(unit.receive_queue_id.val().to_u64(), identifier);
            if segment {
                assert_eq!(unit.generation.val().to_u64(), word >> 40 & 0xff);
            }
            assert_eq!(u64::from(unit.virtual_channel.val()), channel);
            assert_eq!(u64::from(unit.valid.val()), valid);
            let (allowed, ping) = (unit.channel_1_allowed.val(), unit.ping.val());
            let room = [unit.room_0.val(), unit.room_1.val()][channel as usize];
            let fits = segment == unit.remote.val() || ping;
            let may_go =
                valid == 1 && fits && (channel == 0 || allowed) && (node == OWN || room || ping);
            assert_eq!(unit.may_go.val(), may_go, "cycle {cycle}");
            went += u32::from(may_go);
        }
        assert!(met > 200, "reads met writes {met} times");
        assert!(own > 50, "{own} reads led to the own node");
        assert!(went > 200, "{went} messages or operations might go");
    }

    #[test]
    fn gate() {
        Gate::new("translation", Translation::default())
            .clock(|unit| &mut unit.clock)
            .run(|unit, random, cycle| {
                // All that is read was written before, or is in that cycle.
                unit.configuration.next = if cycle < 8 || random.chance(40) {
                    load(cycle % 8, random.word() & 0xffff_ffff_ffff)
                } else {
                    ConfigurationWrite::default()
                };
                unit.own_node.next = random.below(4).to_bits();
                unit.index.next = (cycle.saturating_sub(1) % 8).to_bits();
                unit.channel_1_allowed.next = random.chance(50);
                unit.room_0.next = random.chance(50);
                unit.room_1.next = random.chance(50);
                unit.ping.next = random.chance(20);
                unit.remote.next = random.chance(50);
            });
    }
}
