//! Queue state for one resident queue.

use crate::bundles::ConfigurationWrite;
use rust_hdl::prelude::*;

/// A word of queue state for a resident queue. Each has four places in its region: a control word, an address, one that
/// a control word of `LOAD_RECORD` refers to, and one that is only read.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct QueueWord {
    /// It is the control word.
    pub control: Bit,
    /// It is the address.
    pub address: Bit,
    /// Whose word is written.
    pub queue: Bits<8>,
    /// As firmware wrote it.
    pub word: Bits<64>,
    /// With a control word of `LOAD_RECORD`, and until the next one: word 2 of the record below a bit that is set.
    /// With any other control word: zero.
    pub second: Bits<34>,
}

/// Finds the words of one region among all queue state (`abi::queue_state`): 1 for transmit queues,
/// 2 for receive queues.
///
/// Word 2 is kept for the control word behind it.
///
/// Contract: what is not valid is never selected. Word 2 comes when everybody is done with the last control word.
///
/// Latency: one cycle, in a register, since what follows is all over the device.
#[derive(LogicBlock, Default)]
pub struct QueueSelect {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// Which region; constant.
    pub region: Signal<In, Bits<4>>,
    /// Queue state.
    pub configuration: Signal<In, ConfigurationWrite>,
    /// What of it is for a queue.
    pub selected: Signal<Out, QueueWord>,
    word: DFF<QueueWord>,
    second: DFF<Bits<34>>,
    /// It came behind the last control word.
    fresh: DFF<Bit>,
    index: Signal<Local, Bits<16>>,
    is_resident: Signal<Local, Bit>,
    data: Signal<Local, Bits<64>>,
    place: Signal<Local, Bits<2>>,
}

impl Logic for QueueSelect {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, word, second, fresh);
        self.index.next = self.configuration.val().index;
        self.is_resident.next = self.configuration.val().valid
            & (self
                .index
                .val()
                .get_bits::<4>(abi::queue_state::REGION_SHIFT)
                == self.region.val())
            & (self.index.val().get_bits::<2>(10) == 0);
        self.word.d.next.control =
            self.is_resident.val() & (self.index.val().get_bits::<2>(0) == 0);
        self.word.d.next.address =
            self.is_resident.val() & (self.index.val().get_bits::<2>(0) == 1);
        self.word.d.next.queue = self.index.val().get_bits::<8>(2);
        self.word.d.next.word = self.configuration.val().data;
        self.data.next = self.configuration.val().data;
        self.place.next = self.index.val().get_bits::<2>(0);
        if self.is_resident.val() & (self.place.val() == 2) {
            self.second.d.next = bit_cast::<34, 33>(self.data.val().get_bits::<33>(0))
                | (bit_cast::<34, 1>(1.into()) << 33);
            self.fresh.d.next = true;
        }
        if self.is_resident.val() & (self.place.val() == 0) {
            self.fresh.d.next = false;
            if !self.fresh.q.val() {
                self.second.d.next = 0.into();
            }
        }
        self.selected.next = self.word.q.val();
        self.selected.next.second = self.second.q.val();
        if self.reset.val() {
            self.fresh.d.next = false;
            self.second.d.next = 0.into();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Gate, clock_cycle};
    use crate::queues::test_support::configuration;
    use abi::queue_state::{REGION_RECEIVE_QUEUE, REGION_TRANSMIT_QUEUE};

    #[test]
    fn only_the_words_of_resident_queues_of_its_region_are_selected() {
        let mut unit = QueueSelect::default();
        unit.connect_all();
        unit.region.next = REGION_RECEIVE_QUEUE.to_bits();
        for index in 0..1u64 << 16 {
            unit.configuration.next = ConfigurationWrite {
                valid: true,
                index: index.to_bits(),
                data: (index * 3).to_bits(),
            };
            clock_cycle!(unit, clock);
            let selected = unit.selected.val();
            let is_ours = index / 4096 == 2 && index % 4096 < 1024;
            assert_eq!(selected.control, is_ours && index % 4 == 0, "{index:#x}");
            assert_eq!(selected.address, is_ours && index % 4 == 1, "{index:#x}");
            if is_ours {
                assert_eq!(selected.queue, (index % 1024 / 4).to_bits());
                assert_eq!(selected.word, (index * 3).to_bits());
            }
        }
        unit.configuration.next = ConfigurationWrite {
            valid: false,
            ..configuration(REGION_RECEIVE_QUEUE, 0, 0)
        };
        clock_cycle!(unit, clock);
        assert!(!unit.selected.val().control);
    }

    /// What word 2 says counts for the next control word and for no later one.
    #[test]
    fn a_record_is_loaded_once() {
        let mut unit = QueueSelect::default();
        unit.connect_all();
        unit.region.next = REGION_TRANSMIT_QUEUE.to_bits();
        unit.reset.next = true;
        clock_cycle!(unit, clock);
        unit.reset.next = false;
        let mut seen = Vec::new();
        for (word, data) in [(0, 1), (1, 5), (2, 77), (3, 99), (0, 1), (1, 5), (0, 1)] {
            unit.configuration.next = configuration(REGION_TRANSMIT_QUEUE, 4 * 3 + word, data);
            clock_cycle!(unit, clock);
            let selected = unit.selected.val();
            if selected.control {
                seen.push(selected.second.to_u64());
            }
        }
        assert_eq!(seen, [0, 1 << 33 | 77, 0]);
    }

    #[test]
    fn gate() {
        Gate::new("queue_select", QueueSelect::default())
            .clock(|unit| &mut unit.clock)
            .run(|unit, random, cycle| {
                unit.reset.next = cycle < 2;
                let region = 1 + random.below(2) as usize;
                unit.region.next = REGION_TRANSMIT_QUEUE.to_bits();
                unit.configuration.next = ConfigurationWrite {
                    valid: random.chance(80),
                    ..configuration(region, random.below(64), random.word())
                };
            });
    }
}
