//! Queue state for one resident queue.

use crate::bundles::ConfigurationWrite;
use rust_hdl::prelude::*;

/// A word of queue state for a resident queue. Each has four places in its region: a control word, an address, and two that are reserved.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct QueueWord {
    /// It is the control word.
    pub control: Bit,
    /// It is the address.
    pub address: Bit,
    /// The queue.
    pub queue: Bits<8>,
    /// The word.
    pub word: Bits<64>,
}

/// Finds the words of one region among all queue state (`abi::queue_state`): 1 for transmit queues, 2 for receive queues.
///
/// Contract: what is not valid is never selected; no reset is needed, since none is valid in a reset.
///
/// Latency: one cycle, in a register, since what follows is all over the device.
#[derive(LogicBlock, Default)]
pub struct QueueSelect {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// Which region; constant.
    pub region: Signal<In, Bits<4>>,
    /// Queue state.
    pub configuration: Signal<In, ConfigurationWrite>,
    /// What of it is for a queue.
    pub selected: Signal<Out, QueueWord>,
    word: DFF<QueueWord>,
    index: Signal<Local, Bits<16>>,
    is_resident: Signal<Local, Bit>,
}

impl Logic for QueueSelect {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, word);
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
        self.selected.next = self.word.q.val();
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

    #[test]
    fn gate() {
        Gate::new("queue_select", QueueSelect::default())
            .clock(|unit| &mut unit.clock)
            .run(|unit, random, _| {
                let region = 1 + random.below(2) as usize;
                unit.region.next = REGION_TRANSMIT_QUEUE.to_bits();
                unit.configuration.next = ConfigurationWrite {
                    valid: random.chance(80),
                    ..configuration(region, random.below(64), random.word())
                };
            });
    }
}
