//! The counters of the segments, and what they do.

use crate::bundles::{ConfigurationWrite, HostWrite};
use crate::configuration::ENDPOINTS_LOG2;
use crate::library::block_ram::BlockRam;
use crate::library::fixed::Fixed;
use crate::library::reset_sweep::ResetSweep;
use abi::queue_state::{counter, counter_action};
use rust_hdl::prelude::*;

/// Base-2 logarithm of the counters: one for each segment that firmware gives away.
const LOG2: usize = 8;

/// What the unit does.
#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
pub enum TriggerState {
    /// Chooses.
    Idle,
    /// The counter is read.
    Fetch,
    /// The counter is there.
    Look,
    /// One more, or the value of a counter that fires is reduced.
    Count,
    /// The bytes of an action are read.
    Action,
    /// They are there.
    Prepare,
    /// The store is offered.
    Store,
    /// The actions are done: the counter is read again.
    Again,
    /// It is there.
    LookAgain,
    /// It fires once more later, or not.
    Rest,
}

/// Counts INCREMENTs (`count_valid`) in the segments' counters (region 10 of `abi::queue_state`). A counter whose value
/// reaches its threshold waits in a queue of all such counters, each of them once. When its turn comes, its value is
/// reduced by the threshold, and its two actions are carried out: stores to the owner's page, or increments of
/// counters of the same owner. If its value then reaches the threshold still, it waits behind all others. So no counter
/// holds up the others for more than two actions, and nothing overflows: a value stays at its maximum.
///
/// Between an increment that waits and counters that wait, the unit takes turns.
///
/// A control word with `armed` sets the value to 0. Firmware writes none before the one before it has settled.
///
/// Contract: `count_segment` counts in a cycle with `count_valid` and `count_ready`, which stays high until then.
/// `store` waits for `store_ready`, which must come while the owner's page takes it. `holds` is high from the cycle of a
/// word of region 10 until no increment or action of before it is under way. After a reset all counters are cleared;
/// until then nothing is counted.
///
/// Latency: `count_valid` in cycle t, `store_valid` in t + 9 if nothing else waits.
#[derive(LogicBlock, Default)]
pub struct TriggerUnit {
    pub clock: Signal<In, Clock>,
    pub reset: Signal<In, Bit>,
    pub configuration: Signal<In, ConfigurationWrite>,
    pub holds: Signal<Out, Bit>,
    pub count_valid: Signal<In, Bit>,
    pub count_ready: Signal<Out, Bit>,
    pub count_segment: Signal<In, Bits<8>>,
    /// A store to an endpoint's page, for `PageDecoder`.
    pub store_valid: Signal<Out, Bit>,
    pub store_ready: Signal<In, Bit>,
    pub store: Signal<Out, HostWrite>,
    /// Pulse: a counter's actions are carried out.
    pub fired: Signal<Out, Bit>,

    sweep: ResetSweep<LOG2>,
    controls: BlockRam<Bits<51>, LOG2>,
    /// Value, and above it: the counter waits for its turn.
    values: BlockRam<Bits<17>, LOG2>,
    actions: BlockRam<Bits<64>, 9>,
    waiting: BlockRam<Bits<8>, LOG2>,
    first: DFF<Bits<LOG2>>,
    end: DFF<Bits<LOG2>>,
    /// Counters that wait.
    waits: DFF<Bits<9>>,

    state: DFF<TriggerState>,
    /// The increment that waits.
    comes: DFF<Bit>,
    coming: DFF<Bits<8>>,
    /// The value of this counter is to be cleared.
    clears: DFF<Bit>,
    cleared: DFF<Bits<8>>,
    /// Times that the unit must be idle until all that came before a word of region 10 is done.
    older: DFF<Bits<3>>,
    /// The value that was read is cleared.
    is_clear: DFF<Bit>,
    /// Some counter waited in the cycle before: the first of them can be read.
    waited: DFF<Bit>,
    /// The last turn was an increment's.
    counted_last: DFF<Bit>,
    target: DFF<Bits<8>>,
    /// The increment is an action's.
    is_action: DFF<Bit>,
    /// The counter fires.
    fires: DFF<Bit>,
    control: DFF<Bits<51>>,
    value: DFF<Bits<17>>,
    firing: DFF<Bits<8>>,
    firing_owner: DFF<Bits<12>>,
    places: DFF<Bits<22>>,
    second: DFF<Bit>,
    done_both: DFF<Bit>,
    data: DFF<Bits<64>>,

    index: Signal<Local, Bits<16>>,
    word: Signal<Local, Bits<64>>,
    arrives: Signal<Local, Bit>,
    control_written: Signal<Local, Bit>,
    is_idle: Signal<Local, Bit>,
    any_waits: Signal<Local, Bit>,
    takes_increment: Signal<Local, Bit>,
    takes_counter: Signal<Local, Bit>,
    count: Signal<Local, Bits<16>>,
    sum: Signal<Local, Bits<16>>,
    rest: Signal<Local, Bits<16>>,
    threshold: Signal<Local, Bits<16>>,
    owner: Signal<Local, Bits<12>>,
    is_queued: Signal<Local, Bit>,
    is_armed: Signal<Local, Bit>,
    may_count: Signal<Local, Bit>,
    reaches: Signal<Local, Bit>,
    still_reaches: Signal<Local, Bit>,
    pushes: Signal<Local, Bit>,
    kind: Signal<Local, Bits<2>>,
    place: Signal<Local, Bits<9>>,
    upper: Signal<Local, Bit>,
    page: Signal<Local, Bits<ENDPOINTS_LOG2>>,
    one: Fixed<16, 1>,
    low_half: Fixed<16, 0xff>,
    high_half: Fixed<16, 0xff00>,
    queued_bit: Fixed<17, 0x10000>,
}

impl Logic for TriggerUnit {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            first,
            end,
            waits,
            state,
            comes,
            coming,
            clears,
            cleared,
            older,
            is_clear,
            waited,
            counted_last,
            target,
            is_action,
            fires,
            control,
            value,
            firing,
            firing_owner,
            places,
            second,
            done_both,
            data
        );
        clock!(self, clock, sweep, controls, values, actions, waiting);
        self.sweep.reset.next = self.reset.val();

        // Words of region 10.
        self.index.next = self.configuration.val().index;
        self.word.next = self.configuration.val().data;
        self.arrives.next = self.configuration.val().valid
            & (self
                .index
                .val()
                .get_bits::<4>(abi::queue_state::REGION_SHIFT)
                == abi::queue_state::REGION_COUNTER.to_bits());
        self.control_written.next =
            self.arrives.val() & (self.index.val().get_bits::<2>(0) == 0);
        self.controls.write_enable.next = self.control_written.val() | self.sweep.clears.val();
        self.controls.write_address.next = self.index.val().get_bits::<LOG2>(2);
        self.controls.write_data.next = self.word.val().get_bits::<51>(0);
        if self.sweep.clears.val() {
            self.controls.write_address.next = self.sweep.index.val();
            self.controls.write_data.next = 0.into();
        }
        self.actions.write_enable.next = self.arrives.val() & self.index.val().get_bit(1);
        self.actions.write_address.next =
            (bit_cast::<9, LOG2>(self.index.val().get_bits::<LOG2>(2)) << 1)
                | bit_cast::<9, 1>(self.index.val().get_bits::<1>(0));
        self.actions.write_data.next = self.word.val();

        // What comes from other nodes.
        self.count_ready.next = !self.comes.q.val() & !self.sweep.clears.val();
        if self.count_valid.val() & self.count_ready.val() {
            self.comes.d.next = true;
            self.coming.d.next = self.count_segment.val();
        }

        // The counter that is read.
        self.controls.read_address.next = self.target.q.val();
        self.values.read_address.next = self.target.q.val();
        self.waiting.read_address.next = self.first.q.val();
        self.actions.read_address.next = (bit_cast::<9, 8>(self.firing.q.val()) << 1)
            | bit_cast::<9, 1>(self.second.q.val().into());
        self.threshold.next = self
            .control
            .q
            .val()
            .get_bits::<16>(counter::threshold::SHIFT);
        self.owner.next = self.control.q.val().get_bits::<12>(counter::owner::SHIFT);
        self.is_armed.next = self.control.q.val().get_bit(counter::armed::SHIFT);
        self.count.next = self.value.q.val().get_bits::<16>(0);
        self.is_queued.next = self.value.q.val().get_bit(16);
        self.sum.next = self.count.val() + self.one.val();
        if self.count.val().all() {
            self.sum.next = self.count.val();
        }
        self.rest.next = self.count.val() - self.threshold.val();
        self.may_count.next = self.is_armed.val()
            & (!self.is_action.q.val() | (self.owner.val() == self.firing_owner.q.val()));
        self.reaches.next = self.sum.val() >= self.threshold.val();
        self.still_reaches.next =
            self.is_armed.val() & (self.count.val() >= self.threshold.val());
        self.values.write_address.next = self.target.q.val();
        self.values.write_enable.next = false;
        self.values.write_data.next = 0.into();
        self.pushes.next = false;

        // The action in hand.
        self.kind.next = self.places.q.val().get_bits::<2>(0);
        self.place.next = self.places.q.val().get_bits::<9>(2);

        // Whose turn it is.
        self.is_idle.next = (self.state.q.val() == TriggerState::Idle) & !self.sweep.clears.val();
        self.waited.d.next = self.waits.q.val().any();
        self.any_waits.next = self.waits.q.val().any() & self.waited.q.val();
        self.takes_increment.next = self.is_idle.val()
            & !self.clears.q.val()
            & self.comes.q.val()
            & (!self.counted_last.q.val() | !self.any_waits.val());
        self.takes_counter.next = self.is_idle.val()
            & !self.clears.q.val()
            & self.any_waits.val()
            & !self.takes_increment.val();
        self.fired.next = self.takes_counter.val();
        if self.is_idle.val() & self.older.q.val().any() {
            self.older.d.next = self.older.q.val() - 1;
        }
        if self.arrives.val() {
            self.older.d.next = 5.into();
        }
        self.holds.next = self.arrives.val() | self.older.q.val().any();

        match self.state.q.val() {
            TriggerState::Fetch => {
                if !self.arrives.val() {
                    self.state.d.next = TriggerState::Look;
                }
            }
            TriggerState::Look => {
                self.control.d.next = self.controls.read_data.val();
                self.value.d.next = self.values.read_data.val();
                self.state.d.next = TriggerState::Count;
            }
            TriggerState::Count => {
                self.values.write_enable.next = true;
                self.values.write_data.next = self.value.q.val();
                self.state.d.next = TriggerState::Idle;
                if self.is_clear.q.val() {
                    self.values.write_data.next = self.value.q.val() & self.queued_bit.val();
                } else if self.fires.q.val() {
                    self.firing_owner.d.next = self.owner.val();
                    self.places.d.next = self
                        .control
                        .q
                        .val()
                        .get_bits::<22>(counter::action_0::SHIFT);
                    if self.still_reaches.val() {
                        self.values.write_data.next =
                            bit_cast::<17, 16>(self.rest.val()) | self.queued_bit.val();
                        self.state.d.next = TriggerState::Action;
                    } else {
                        // It was written again while it waited.
                        self.values.write_data.next = bit_cast::<17, 16>(self.count.val());
                    }
                } else {
                    if self.may_count.val() {
                        self.values.write_data.next = bit_cast::<17, 16>(self.sum.val());
                        if self.is_queued.val() | self.reaches.val() {
                            self.values.write_data.next =
                                bit_cast::<17, 16>(self.sum.val()) | self.queued_bit.val();
                        }
                        self.pushes.next = self.reaches.val() & !self.is_queued.val();
                    }
                    if self.is_action.q.val() {
                        self.state.d.next = TriggerState::Action;
                        if self.done_both.q.val() {
                            self.target.d.next = self.firing.q.val();
                            self.state.d.next = TriggerState::Again;
                        }
                    }
                }
                self.fires.d.next = false;
                self.is_clear.d.next = false;
            }
            TriggerState::Action => {
                if !self.arrives.val() {
                    self.state.d.next = TriggerState::Prepare;
                }
            }
            TriggerState::Prepare => {
                self.data.d.next = self.actions.read_data.val();
                self.done_both.d.next = self.second.q.val();
                self.second.d.next = true;
                self.state.d.next = TriggerState::Action;
                if self.second.q.val() {
                    self.target.d.next = self.firing.q.val();
                    self.state.d.next = TriggerState::Again;
                }
                if self.kind.val() == counter_action::STORE.to_bits() {
                    self.state.d.next = TriggerState::Store;
                } else {
                    self.places.d.next = bit_cast::<22, 11>(self.places.q.val().get_bits::<11>(11));
                }
                if self.kind.val() == counter_action::COUNT.to_bits() {
                    self.target.d.next = self.place.val().get_bits::<8>(0);
                    self.is_action.d.next = true;
                    self.state.d.next = TriggerState::Fetch;
                }
            }
            TriggerState::Store => {
                if self.store_ready.val() {
                    self.places.d.next = bit_cast::<22, 11>(self.places.q.val().get_bits::<11>(11));
                    self.state.d.next = TriggerState::Action;
                    if self.done_both.q.val() {
                        self.target.d.next = self.firing.q.val();
                        self.state.d.next = TriggerState::Again;
                    }
                }
            }
            TriggerState::Again => {
                if !self.arrives.val() {
                    self.state.d.next = TriggerState::LookAgain;
                }
            }
            TriggerState::LookAgain => {
                self.control.d.next = self.controls.read_data.val();
                self.value.d.next = self.values.read_data.val();
                self.state.d.next = TriggerState::Rest;
            }
            TriggerState::Rest => {
                self.values.write_enable.next = true;
                self.values.write_data.next = bit_cast::<17, 16>(self.count.val());
                if self.still_reaches.val() {
                    self.values.write_data.next = self.value.q.val();
                    self.pushes.next = true;
                }
                self.state.d.next = TriggerState::Idle;
            }
            _ => {
                self.is_action.d.next = false;
                self.second.d.next = false;
                self.done_both.d.next = false;
                if self.takes_increment.val() {
                    self.target.d.next = self.coming.q.val();
                    self.comes.d.next = false;
                    self.counted_last.d.next = true;
                    self.state.d.next = TriggerState::Fetch;
                }
                if self.takes_counter.val() {
                    self.target.d.next = self.waiting.read_data.val();
                    self.firing.d.next = self.waiting.read_data.val();
                    self.first.d.next = self.first.q.val() + 1;
                    self.counted_last.d.next = false;
                    self.fires.d.next = true;
                    self.state.d.next = TriggerState::Fetch;
                }
                // Whether the counter waits for its turn stays as it is.
                if self.clears.q.val() & self.is_idle.val() {
                    self.target.d.next = self.cleared.q.val();
                    self.clears.d.next = false;
                    self.is_clear.d.next = true;
                    self.state.d.next = TriggerState::Fetch;
                }
            }
        }

        if self.control_written.val() & self.word.val().get_bit(counter::armed::SHIFT) {
            self.clears.d.next = true;
            self.cleared.d.next = self.index.val().get_bits::<LOG2>(2);
        }

        self.waiting.write_enable.next = self.pushes.val();
        self.waiting.write_address.next = self.end.q.val();
        self.waiting.write_data.next = self.target.q.val();
        if self.pushes.val() {
            self.end.d.next = self.end.q.val() + 1;
            self.waits.d.next = self.waits.q.val() + 1;
        }
        if self.takes_counter.val() {
            self.waits.d.next = self.waits.q.val() - 1;
        }
        if self.sweep.clears.val() {
            self.values.write_enable.next = true;
            self.values.write_address.next = self.sweep.index.val();
            self.values.write_data.next = 0.into();
        }

        // The store: 8 bytes in their lane of the owner's page.
        self.upper.next = self.place.val().get_bit(0);
        self.page.next = self.firing_owner.q.val().get_bits::<ENDPOINTS_LOG2>(0);
        self.store_valid.next = self.state.q.val() == TriggerState::Store;
        self.store.next.space = 1.into();
        self.store.next.address = (bit_cast::<25, ENDPOINTS_LOG2>(self.page.val()) << 12)
            | (bit_cast::<25, 8>(self.place.val().get_bits::<8>(1)) << 4);
        self.store.next.data = bit_cast::<128, 64>(self.data.q.val());
        self.store.next.enables = self.low_half.val();
        if self.upper.val() {
            self.store.next.data = bit_cast::<128, 64>(self.data.q.val()) << 64;
            self.store.next.enables = self.high_half.val();
        }
        self.store.next.single = true;
        self.store.next.last = true;

        if self.reset.val() {
            self.state.d.next = TriggerState::Idle;
            self.comes.d.next = false;
            self.clears.d.next = false;
            self.older.d.next = 0.into();
            self.counted_last.d.next = false;
            self.first.d.next = 0.into();
            self.end.d.next = 0.into();
            self.waits.d.next = 0.into();
            self.fires.d.next = false;
            self.is_clear.d.next = false;
            self.is_action.d.next = false;
        }
    }
}

#[cfg(test)]
mod tests;
