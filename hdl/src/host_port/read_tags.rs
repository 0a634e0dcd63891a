//! What is known of each tag of the NIU's own reads.

use crate::library::lut_ram::LutRam;
use rust_hdl::prelude::*;

/// A tag's request: how far it has come, and for whom.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct TagEntry {
    /// `FREE`, `FRESH`, `AGED` or `LOST`.
    pub state: Bits<2>,
    /// The read it belongs to: one of the command executor's, or `CHUNK` and a chunk buffer.
    pub slot: Bits<5>,
    /// Double word for the next one of the payload: of the inbox, or, from 2048 on, of the chunk buffers.
    pub position: Bits<12>,
    /// Double words still to come.
    pub left: Bits<10>,
    /// Of what has come some is wrong.
    pub spoiled: Bit,
}

/// The tag may be used.
pub const FREE: u64 = 0;
/// Outstanding, for less than a timeout period.
pub const FRESH: u64 = 1;
/// Outstanding since before the last tick.
pub const AGED: u64 = 2;
/// Timed out at the last tick: not used again until the next, so that a late completion finds no
/// new request under its tag.
pub const LOST: u64 = 3;

/// The table of the 16 tags, in two copies of LUT RAM: one is looked up by completions, the other
/// by ageing and allocation.
///
/// Every `timeout_cycles` all tags age by a step, one a cycle: `FRESH` to `AGED`, `AGED` to `LOST` (that is the
/// timeout, after one to two periods), `LOST` to `FREE` (so a tag that timed out rests for a full period). A tag
/// whose request has not left yet does not age.
///
/// A tag whose request was dropped is retired: within some 20 cycles it is `FREE` again. The host has never seen the
/// request, so no completion of it can come.
///
/// One entry is written a cycle: updates by completions first, then ageing, then allocation. Ageing waits while
/// `ageing_held`. For 16 cycles after reset the table is cleared.
#[derive(LogicBlock)]
pub struct ReadTags {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// Tag to look up.
    pub lookup_tag: Signal<In, Bits<4>>,
    /// The cycle after: its entry, updates of the cycle of the lookup included. An allocation in that cycle is not:
    /// its request has not left, and a completion for it is unexpected.
    pub lookup: Signal<Out, TagEntry>,
    /// A completion changes an entry.
    pub update_valid: Signal<In, Bit>,
    /// Which.
    pub update_tag: Signal<In, Bits<4>>,
    /// To what.
    pub update_entry: Signal<In, TagEntry>,
    /// A completion is being looked up or taken: no ageing. Must cover `update_valid` and the
    /// cycles of lookups that count.
    pub ageing_held: Signal<In, Bit>,
    /// A tag is wanted.
    pub allocate: Signal<In, Bit>,
    /// Its entry; the state is taken as `FRESH`.
    pub allocate_entry: Signal<In, TagEntry>,
    /// `tag` is allocated in this cycle.
    pub allocated: Signal<Out, Bit>,
    /// The tag allocated, until `sent`.
    pub tag: Signal<Out, Bits<4>>,
    /// From after `allocated` to `sent`: the request has not left yet.
    pub offering: Signal<In, Bit>,
    /// The request leaves.
    pub sent: Signal<In, Bit>,
    /// Pulse: a request was dropped after it had left.
    pub dropped: Signal<In, Bit>,
    /// Of the read that was dropped.
    pub dropped_tag: Signal<In, Bits<4>>,
    /// Pulse: a tag has timed out.
    pub expired: Signal<Out, Bit>,
    /// Pulse: the tag of a dropped request is free again.
    pub retired: Signal<Out, Bit>,
    /// With `expired` or `retired`: the read it belonged to.
    pub expired_slot: Signal<Out, Bits<5>>,
    /// The tags are being aged: `expired` and `retired` are low unless this is high.
    pub ageing: Signal<Out, Bit>,

    lookup_ram: LutRam<TagEntry, 4>,
    scan_ram: LutRam<TagEntry, 4>,
    found: DFF<TagEntry>,
    pointer: DFF<Bits<4>>,
    clearing: DFF<Bit>,
    sweeping: DFF<Bit>,
    swept: DFF<Bits<4>>,
    ticks: DFF<Bits<24>>,
    /// Tags to be retired, one bit a tag; and the tags are swept for these alone.
    retiring: DFF<Bits<16>>,
    only_retires: DFF<Bit>,

    scanned: Signal<Local, TagEntry>,
    step: Signal<Local, Bit>,
    outstanding: Signal<Local, Bit>,
    retires: Signal<Local, Bit>,
    added: Signal<Local, Bits<16>>,
    removed: Signal<Local, Bits<16>>,
    one: Constant<Bits<16>>,
    grant: Signal<Local, Bit>,
    write: Signal<Local, Bit>,
    write_tag: Signal<Local, Bits<4>>,
    write_entry: Signal<Local, TagEntry>,
    last_tick: Constant<Bits<24>>,
    free: Constant<Bits<2>>,
    fresh: Constant<Bits<2>>,
    aged: Constant<Bits<2>>,
    lost: Constant<Bits<2>>,
}

impl ReadTags {
    /// A table whose tags time out after one to two times `timeout_cycles` cycles (64 to 2^24).
    ///
    /// # Panics
    /// If the period is out of range: all tags must have aged before the next tick.
    pub fn new(timeout_cycles: u64) -> Self {
        assert!((64..=1 << 24).contains(&timeout_cycles), "{timeout_cycles}");
        Self {
            clock: Default::default(),
            reset: Default::default(),
            lookup_tag: Default::default(),
            lookup: Default::default(),
            update_valid: Default::default(),
            update_tag: Default::default(),
            update_entry: Default::default(),
            ageing_held: Default::default(),
            allocate: Default::default(),
            allocate_entry: Default::default(),
            allocated: Default::default(),
            tag: Default::default(),
            offering: Default::default(),
            sent: Default::default(),
            dropped: Default::default(),
            dropped_tag: Default::default(),
            expired: Default::default(),
            retired: Default::default(),
            expired_slot: Default::default(),
            ageing: Default::default(),
            lookup_ram: Default::default(),
            scan_ram: Default::default(),
            found: Default::default(),
            pointer: Default::default(),
            clearing: Default::default(),
            sweeping: Default::default(),
            swept: Default::default(),
            ticks: Default::default(),
            retiring: Default::default(),
            only_retires: Default::default(),
            scanned: Default::default(),
            step: Default::default(),
            outstanding: Default::default(),
            retires: Default::default(),
            added: Default::default(),
            removed: Default::default(),
            one: Constant::new(1u64.to_bits()),
            grant: Default::default(),
            write: Default::default(),
            write_tag: Default::default(),
            write_entry: Default::default(),
            last_tick: Constant::new((timeout_cycles - 1).to_bits()),
            free: Constant::new(FREE.to_bits()),
            fresh: Constant::new(FRESH.to_bits()),
            aged: Constant::new(AGED.to_bits()),
            lost: Constant::new(LOST.to_bits()),
        }
    }
}

impl Logic for ReadTags {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            found,
            pointer,
            clearing,
            sweeping,
            swept,
            ticks,
            retiring,
            only_retires
        );
        clock!(self, clock, lookup_ram, scan_ram);

        // The copy for ageing and allocation.
        self.scan_ram.read_address.next = self.pointer.q.val();
        if self.sweeping.q.val() {
            self.scan_ram.read_address.next = self.swept.q.val();
        }
        self.scanned.next = self.scan_ram.read_data.val();
        self.step.next = self.sweeping.q.val() & !self.ageing_held.val();
        self.grant.next = self.allocate.val()
            & !self.sweeping.q.val()
            & !self.clearing.q.val()
            & !self.update_valid.val()
            & (self.scanned.val().state == self.free.val());
        self.allocated.next = self.grant.val();
        self.tag.next = self.pointer.q.val();

        // Requests that were dropped.
        self.outstanding.next = (self.scanned.val().state == self.fresh.val())
            | (self.scanned.val().state == self.aged.val());
        self.retires.next = self.step.val()
            & self.outstanding.val()
            & (self.retiring.q.val() & (self.one.val() << self.swept.q.val())).any();
        self.added.next = 0.into();
        if self.dropped.val() {
            self.added.next = self.one.val() << self.dropped_tag.val();
        }
        self.removed.next = 0.into();
        if self.step.val() {
            self.removed.next = self.one.val() << self.swept.q.val();
        }
        self.retiring.d.next = (self.retiring.q.val() & !self.removed.val()) | self.added.val();

        // The one write.
        self.expired.next = false;
        self.retired.next = self.retires.val() & !self.clearing.q.val();
        self.expired_slot.next = self.scanned.val().slot;
        self.ageing.next = self.sweeping.q.val();
        self.write.next = self.update_valid.val() | self.step.val() | self.grant.val();
        self.write_tag.next = self.update_tag.val();
        self.write_entry.next = self.update_entry.val();
        if self.grant.val() {
            self.write_tag.next = self.pointer.q.val();
            self.write_entry.next = self.allocate_entry.val();
            self.write_entry.next.state = self.fresh.val();
        }
        if self.step.val() {
            self.write_tag.next = self.swept.q.val();
            self.write_entry.next = self.scanned.val();
            if self.retires.val() {
                self.write_entry.next.state = self.free.val();
            } else if !self.only_retires.q.val()
                & (!self.offering.val() | (self.swept.q.val() != self.pointer.q.val()))
            {
                if self.scanned.val().state == self.fresh.val() {
                    self.write_entry.next.state = self.aged.val();
                }
                if self.scanned.val().state == self.aged.val() {
                    self.write_entry.next.state = self.lost.val();
                    self.expired.next = true;
                }
                if self.scanned.val().state == self.lost.val() {
                    self.write_entry.next.state = self.free.val();
                }
            }
        }
        if self.clearing.q.val() {
            self.write.next = true;
            self.write_tag.next = self.swept.q.val();
            self.write_entry.next.state = self.free.val();
            self.expired.next = false;
        }
        self.lookup_ram.write_enable.next = self.write.val();
        self.lookup_ram.write_address.next = self.write_tag.val();
        self.lookup_ram.write_data.next = self.write_entry.val();
        self.scan_ram.write_enable.next = self.write.val();
        self.scan_ram.write_address.next = self.write_tag.val();
        self.scan_ram.write_data.next = self.write_entry.val();

        // The copy for completions.
        self.lookup_ram.read_address.next = self.lookup_tag.val();
        self.found.d.next = self.lookup_ram.read_data.val();
        if self.update_valid.val() & (self.update_tag.val() == self.lookup_tag.val()) {
            self.found.d.next = self.update_entry.val();
        }
        if self.clearing.q.val() {
            self.found.d.next.state = self.free.val();
        }
        self.lookup.next = self.found.q.val();

        // The next tag to try.
        if self.sent.val()
            | (self.allocate.val()
                & !self.sweeping.q.val()
                & (self.scanned.val().state != self.free.val()))
        {
            self.pointer.d.next = self.pointer.q.val() + 1;
        }

        if self.retiring.q.val().any() & !self.sweeping.q.val() & !self.clearing.q.val() {
            self.sweeping.d.next = true;
            self.only_retires.d.next = true;
        }
        if self.step.val() | self.clearing.q.val() {
            self.swept.d.next = self.swept.q.val() + 1;
            if self.swept.q.val() == 15 {
                self.sweeping.d.next = false;
                self.clearing.d.next = false;
            }
        }
        // A tick in a sweep for dropped requests makes it one of all tags, from the first on.
        self.ticks.d.next = self.ticks.q.val() + 1;
        if self.ticks.q.val() == self.last_tick.val() {
            self.ticks.d.next = 0.into();
            self.sweeping.d.next = true;
            self.only_retires.d.next = false;
            if self.sweeping.q.val() & self.only_retires.q.val() {
                self.swept.d.next = 0.into();
            }
        }
        if self.reset.val() {
            self.clearing.d.next = true;
            self.sweeping.d.next = false;
            self.swept.d.next = 0.into();
            self.pointer.d.next = 0.into();
            self.ticks.d.next = 0.into();
            self.retiring.d.next = 0.into();
        }
    }
}
