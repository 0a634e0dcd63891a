//! Receive queues come and go, and messages of the miss ring come to their own.

use super::reports::Reports;
use super::{
    Cause, Errand, IN_PLACE, LOOK_RECEIVE, READ_MISS, READ_RECEIVE, Residency, SAVE_MISSES,
    SAVE_RECEIVE, State,
};
use crate::command::{Alarm, Command, trouble};
use crate::layout::{
    ARMED, ENTRY_INBOX, INDICES, INDICES_OUTBOX, INTERRUPT, MISS_BYTES, MISS_RECORD_INBOX, MISSES,
    MISSES_INBOX, PLACE, RECEIVE, RECEIVE_BYTES, RECEIVE_CONTROL, RECEIVE_INBOX, RECEIVE_OUTBOX,
    RECORD_INBOX, RING,
};
use crate::policy::Policy;
use crate::port::{Port, inbox64, set_outbox64};
use crate::tables::Place;
use abi::admin::EndpointInterrupt;
use abi::admin::status::Status;
use abi::command::EntryPlace;
use abi::command::completion_status::CompletionStatus;
use abi::message::{MAXIMUM_ENTRIES_LOG2, MAXIMUM_STRIDE_LOG2, MINIMUM_STRIDE_LOG2};
use abi::queue_state::{
    REGION_RECEIVE_MAP, REGION_RECEIVE_QUEUE, ReceiveArmed, ReceiveControl, ReceiveIndices,
    WORDS_LOG2, receive_control,
};

/// Most messages that the queue that takes misses accepts for an identifier.
const MOST_ALLOWED: u16 = 16;

/// With the number of messages that were delivered since a queue left: it raises interrupts.
const WITH_INTERRUPTS: u16 = 1 << 15;

/// An entry of the table is being read, and all misses of its endpoint are waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    /// Identifier whose way to the miss ring is closed.
    closed: Option<u16>,
    /// The first miss is delivered too: it is known which one it is.
    has_first: bool,
    /// Messages that were written to the miss ring before it was closed.
    misses: Option<u16>,
}

/// Messages are being brought from the miss ring to their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Copying {
    identifier: Option<u16>,
    entries_log2: u8,
    stride_log2: u8,
    /// Indices of the ring, without those that are being brought.
    producer: u16,
    consumer: u16,
    /// Next report to be looked at.
    next: u16,
    /// Messages that have a place in the ring.
    count: u16,
    /// Which of them are on their way, in which place.
    places: [Option<u16>; MISSES],
    /// How a read failed.
    failed: Option<Status>,
    /// `endpoint_interrupt`.
    interrupt: u32,
    /// Its program waits for an entry.
    armed: bool,
}

impl Reading {
    /// Nothing is being read.
    pub(super) const NONE: Reading = Reading {
        closed: None,
        has_first: false,
        misses: None,
    };
}

impl Copying {
    /// Nothing is being brought.
    pub(super) const NONE: Copying = Copying {
        identifier: None,
        entries_log2: 0,
        stride_log2: 0,
        producer: 0,
        consumer: 0,
        next: 0,
        count: 0,
        places: [None; MISSES],
        failed: None,
        interrupt: 0,
        armed: false,
    };
}

impl Copying {
    /// Messages that the ring has room for, with those that are being brought.
    fn room(&self) -> u16 {
        let level = self.producer.wrapping_sub(self.consumer);
        (1_u16 << self.entries_log2).saturating_sub(level)
    }
}

impl<const QUEUES: usize, const ENDPOINTS: usize, const IDENTIFIERS: usize, P: Policy>
    Residency<QUEUES, ENDPOINTS, IDENTIFIERS, P>
{
    /// Serves the first message of the miss ring; whether anything was done.
    #[inline(never)]
    pub fn serve_missed(&mut self, port: &mut impl Port) -> bool {
        if self.reports.is_empty() {
            return false;
        }
        let Some(identifier) = self.reports.get(self.reports.start()) else {
            self.give_back(port);
            return true;
        };
        let endpoint = self.tables.endpoint_of(identifier);
        let away = endpoint.filter(|&endpoint| self.tables.receive_of(endpoint).is_away());
        match away {
            Some(endpoint) => {
                let cause = Cause::Missed;
                self.install_receive(Errand { endpoint, cause }, Some(identifier), port);
            }
            // Nobody waits for it any more.
            None => self.forget_misses(identifier, port),
        }
        true
    }

    /// A message in the miss ring was reported, for which all is ready: whether it is served so.
    #[inline]
    pub fn missed_armed(&mut self, identifier: u16, port: &mut impl Port) -> bool {
        let endpoint = self.tables.endpoint_of(identifier);
        let away = endpoint.filter(|&endpoint| self.tables.receive_of(endpoint).is_away());
        let (true, Some(endpoint)) = (self.ready.receive, away) else {
            return false;
        };
        self.errand = Errand {
            endpoint,
            cause: Cause::Missed,
        };
        let is_emulated = self.tables.is_emulated(endpoint);
        self.deliver_first(self.ready.miss, identifier, is_emulated, port);
        self.reports.push(identifier);
        self.statistics.missed += 1;
        if is_emulated {
            self.state = State::InPlace;
        } else if let Some(queue) = self.tables.take_receive() {
            self.go_on_with(queue, identifier, port);
        }
        true
    }

    /// The first miss is being delivered, and its endpoint gets this queue.
    #[inline]
    fn go_on_with(&mut self, queue: u8, identifier: u16, port: &mut impl Port) {
        self.state = State::ReadingReceive;
        self.queue = queue;
        self.reading = Reading {
            has_first: true,
            ..Reading::NONE
        };
        self.close_misses(identifier, port);
    }

    /// Gives the entries of the miss ring back that are done with.
    #[inline(never)]
    pub(super) fn give_back(&mut self, port: &mut impl Port) {
        if let Some(consumer) = self.reports.pass()
            && let Some(given) = self.tables.given()
        {
            port.issue(Command::give_back(given.queue, consumer));
        }
    }

    /// Has an endpoint's receive queue come back. `identifier`: if it is known.
    #[inline(never)]
    pub(super) fn install_receive(
        &mut self,
        errand: Errand,
        identifier: Option<u16>,
        port: &mut impl Port,
    ) {
        self.errand = errand;
        match identifier {
            Some(identifier) if self.tables.is_emulated(errand.endpoint) => {
                self.deliver_in_place(identifier, port);
            }
            _ => self.find_receive(identifier, port),
        }
    }

    /// Has the errand's endpoint get a receive queue.
    #[inline]
    fn find_receive(&mut self, identifier: Option<u16>, port: &mut impl Port) {
        match self.tables.take_receive() {
            Some(queue) => self.read_receive(queue, identifier, port),
            None => {
                self.evict_only = false;
                self.tried = 0;
                match self.tables.take_lent(true) {
                    Some(queue) => self.save_receive(queue, port),
                    None => self.evict_receive(port),
                }
            }
        }
    }

    #[inline(never)]
    fn read_receive(&mut self, queue: u8, identifier: Option<u16>, port: &mut impl Port) {
        match identifier {
            // All in one chain.
            Some(identifier) => {
                self.deliver_first(self.first_miss(), identifier, false, port);
                self.go_on_with(queue, identifier, port);
            }
            None => {
                port.issue(self.read_entry().first().completes(READ_RECEIVE));
                self.state = State::ReadingReceive;
                self.queue = queue;
                self.reading = Reading::NONE;
            }
        }
    }

    /// Brings the first message of the miss ring to its own without a queue for it (V16).
    #[inline(never)]
    fn deliver_in_place(&mut self, identifier: u16, port: &mut impl Port) {
        self.deliver_first(self.first_miss(), identifier, true, port);
        self.state = State::InPlace;
    }

    /// Reads the entry of the table and the first miss, and delivers this.
    #[inline]
    fn deliver_first(&self, miss: Command, identifier: u16, completes: bool, port: &mut impl Port) {
        let entry = self.read_entry().chained();
        // It takes longer than the entry.
        port.issue(miss);
        port.issue(entry);
        // The ring has room for it: it was allowed. Should anything fail behind this, the message is delivered
        // again, to the same place.
        let deliver = Command::deliver_first(MISSES_INBOX, RECEIVE_INBOX, identifier).chained();
        port.issue(match completes {
            true => deliver.completes(IN_PLACE),
            false => deliver,
        });
    }

    /// Reads the first message of the miss ring, as the first of a chain. Nobody knows yet how long it is.
    #[inline]
    pub(super) fn first_miss(&self) -> Command {
        self.miss(self.reports.start(), 0, MISS_BYTES).first()
    }

    /// Reads what the table has of the errand's receive queue.
    #[inline]
    fn read_entry(&self) -> Command {
        let entry = self.tables.entry(self.errand.endpoint);
        let entry = entry.wrapping_add(RECEIVE as u64);
        Command::read_host(entry, RECEIVE_BYTES, RECEIVE_INBOX)
    }

    /// The first miss stands in its ring, or does not: the hardware has compared the record's identifier. How far the
    /// host has come is known only of a queue that is resident: so the endpoint gets one when half of what it was
    /// allowed has come, and if an interrupt may be due.
    #[inline(never)]
    pub(super) fn delivered_in_place(
        &mut self,
        status: Option<CompletionStatus>,
        port: &mut impl Port,
    ) {
        if let Some(status) = trouble(status) {
            return self.read_failed(true, status, port);
        }
        let control = port.inbox(ENTRY_INBOX + RECEIVE_CONTROL);
        let entries_log2 = (control >> receive_control::entries_log2::SHIFT & 0xf) as u8;
        let stride_log2 = (control >> receive_control::stride_log2::SHIFT & 0xf) as u8;
        let indices = port.inbox(ENTRY_INBOX + INDICES);
        let used = port.inbox(ENTRY_INBOX + INDICES + 4) as u16;
        let (producer, consumer) = (indices as u16, (indices >> 16) as u16);
        let level = producer.wrapping_sub(used).wrapping_sub(consumer);
        let granted = (1_u16 << entries_log2)
            .saturating_sub(level)
            .min(MOST_ALLOWED);
        if used & WITH_INTERRUPTS != 0 || 2 * (used + 1) >= granted {
            let identifier = self.reports.get(self.reports.start());
            return self.find_receive(identifier, port);
        }
        let producer = producer.wrapping_add(1);
        let next = inbox64(port, ENTRY_INBOX + PLACE);
        let last: u16 = (1 << entries_log2) - 1;
        let next = match producer & last {
            // The ring's first entry, with the other phase.
            0 => next.wrapping_sub(u64::from(u32::from(last) << stride_log2)) ^ 1,
            _ => next.wrapping_add(1 << stride_log2),
        };
        port.set_outbox(
            INDICES_OUTBOX,
            u32::from(producer) | u32::from(consumer) << 16,
        );
        port.set_outbox(INDICES_OUTBOX + 4, u32::from(used) + 1);
        set_outbox64(port, INDICES_OUTBOX + 8, next);
        let place = self.tables.entry(self.errand.endpoint);
        let place = place.wrapping_add(INDICES as u64);
        port.issue(Command::write_host(place, 16, INDICES_OUTBOX));
        self.reports.finish_first();
        self.give_back(port);
        self.statistics.copied += 1;
        self.receive_patience.succeed();
        self.state = State::Idle;
        // The next one follows at once, but for a turn of the others now and then.
        self.turn = self.turn.wrapping_add(1);
        if !self.turn.is_multiple_of(8) && self.head.is_none() && self.request.is_none() {
            self.serve_missed(port);
        }
    }

    /// Reads a message of the miss ring.
    #[inline]
    fn miss(&self, number: u16, place: usize, bytes: usize) -> Command {
        let ring = self.tables.given().map_or(0, |given| given.ring);
        let address = ring + (Reports::place(number) * MISS_BYTES) as u64;
        Command::read_host(address, bytes, MISSES_INBOX + place * MISS_BYTES)
    }

    /// No message for this identifier comes to the miss ring any more; how many there are is asked for.
    #[inline(never)]
    fn close_misses(&mut self, identifier: u16, port: &mut impl Port) {
        let Some(given) = self.tables.given() else {
            return;
        };
        self.reading.closed = Some(identifier);
        let stride_log2 = MAXIMUM_STRIDE_LOG2 as u8;
        port.issue(self.tables.divert(identifier, stride_log2, 0, false));
        let save = Command::save_record(true, given.queue, MISS_RECORD_INBOX, SAVE_MISSES);
        port.issue(save.chained());
    }

    /// The entry of the table stands in the inbox, or does not.
    pub(super) fn entry_read(&mut self, status: Option<CompletionStatus>, port: &mut impl Port) {
        let control = ReceiveControl::unpack(inbox64(port, ENTRY_INBOX + RECEIVE_CONTROL));
        if let Some(status) = trouble(status) {
            self.receive_unread(status, port);
        } else if !self.is_entry(&control) {
            self.receive_unread(Status::Failed, port);
        } else if control.enabled == 1 {
            self.close_misses(control.receive_queue_id as u16, port);
        } else {
            // Without an identifier there are none.
            self.reading.misses = Some(self.reports.end());
            self.go_on_reading(port);
        }
    }

    /// What was to be read was not.
    #[cold]
    #[inline(never)]
    fn receive_unread(&mut self, status: Status, port: &mut impl Port) {
        self.tables.return_receive(self.queue);
        self.read_failed(true, status, port);
    }

    /// Whether the entry is what was written there.
    fn is_entry(&self, control: &ReceiveControl) -> bool {
        let identifier = (control.enabled == 1).then_some(control.receive_queue_id as u16);
        let owner = identifier.and_then(|identifier| self.tables.endpoint_of(identifier));
        let endpoint = identifier.map(|_| self.errand.endpoint);
        (1..=MAXIMUM_ENTRIES_LOG2 as u64).contains(&control.entries_log2)
            && (MINIMUM_STRIDE_LOG2 as u64..=MAXIMUM_STRIDE_LOG2 as u64)
                .contains(&control.stride_log2)
            && owner == endpoint
    }

    /// The record of the queue that takes misses stands in the inbox, and all that was read before it; or some of it
    /// does not.
    pub(super) fn misses_saved(&mut self, status: Option<CompletionStatus>, port: &mut impl Port) {
        if let Some(status) = trouble(status) {
            return self.receive_unread(status, port);
        }
        self.reading.misses = Some(port.inbox(MISS_RECORD_INBOX + 8) as u16);
        self.go_on_reading(port);
    }

    /// Goes on once everything was read and each message was reported that came before the miss ring was closed.
    #[inline(never)]
    pub(super) fn go_on_reading(&mut self, port: &mut impl Port) {
        let (identifier, has_first) = (self.reading.closed, self.reading.has_first);
        let Some(misses) = self.reading.misses else {
            return;
        };
        if (self.reports.end().wrapping_sub(misses) as i16) < 0 {
            return;
        }
        let control = ReceiveControl::unpack(inbox64(port, ENTRY_INBOX + RECEIVE_CONTROL));
        let named = (control.enabled == 1).then_some(control.receive_queue_id as u16);
        if !self.is_entry(&control) || named != identifier {
            return self.receive_unread(Status::Failed, port);
        }
        let indices = ReceiveIndices::unpack(inbox64(port, ENTRY_INBOX + INDICES));
        let armed = port.inbox(ENTRY_INBOX + PLACE) & ARMED != 0;
        self.copying = Copying {
            identifier,
            entries_log2: control.entries_log2 as u8,
            stride_log2: control.stride_log2 as u8,
            producer: indices.producer as u16,
            consumer: indices.consumer as u16,
            next: self.reports.start(),
            count: 0,
            places: [None; MISSES],
            failed: None,
            interrupt: port.inbox(ENTRY_INBOX + INTERRUPT),
            armed,
        };
        self.state = State::Copying;
        if has_first {
            self.copying.next = self.reports.start().wrapping_add(1);
            self.copying.count = 1;
            self.statistics.copied += 1;
        }
        self.copy(port);
    }

    /// Reads more of the misses, or ends.
    #[inline(never)]
    fn copy(&mut self, port: &mut impl Port) {
        let (identifier, room) = (self.copying.identifier, self.copying.room());
        for place in 0..MISSES {
            if self.copying.places[place].is_some() || self.copying.failed.is_some() {
                continue;
            }
            while self.copying.next != self.reports.end() && self.copying.count < room {
                let number = self.copying.next;
                self.copying.next = number.wrapping_add(1);
                if identifier.is_some() && self.reports.get(number) == identifier {
                    let read = self.miss(number, place, 1 << self.copying.stride_log2);
                    port.issue(read.completes(READ_MISS + place as u16));
                    self.copying.places[place] = Some(self.copying.count);
                    self.copying.count += 1;
                    break;
                }
            }
        }
        if self.copying.places == [None; MISSES] {
            match self.copying.failed {
                // The reports stand, and all is done again.
                Some(status) => {
                    self.tables.return_receive(self.queue);
                    self.read_failed(true, status, port);
                }
                None => self.load_receive(port),
            }
        }
    }

    /// A message of the miss ring stands in the inbox, or does not.
    pub(super) fn miss_read(
        &mut self,
        place: usize,
        status: Option<CompletionStatus>,
        port: &mut impl Port,
    ) {
        let Some(number) = self.copying.places[place].take() else {
            return;
        };
        match trouble(status) {
            Some(status) => self.copying.failed = Some(status),
            None => self.write_miss(place, number, port),
        }
        self.copy(port);
    }

    /// Has a message that stands in the inbox delivered to its ring.
    fn write_miss(&mut self, place: usize, number: u16, port: &mut impl Port) {
        let copying = &self.copying;
        let index = copying.producer.wrapping_add(number);
        let ring = inbox64(port, ENTRY_INBOX + RING);
        let entry = entry_place(ring, index, copying.entries_log2, copying.stride_log2);
        port.issue(Command::deliver(MISSES_INBOX + place * MISS_BYTES, entry));
        self.statistics.copied += 1;
    }

    /// All messages stand in the ring: the queue goes on with it.
    fn load_receive(&mut self, port: &mut impl Port) {
        let copying = &self.copying;
        let (queue, endpoint) = (self.queue, self.errand.endpoint);
        let identifier = copying.identifier;
        let (entries_log2, stride_log2) = (copying.entries_log2, copying.stride_log2);
        let interrupt = copying.interrupt;
        let indices = ReceiveIndices {
            producer: copying.producer.wrapping_add(copying.count).into(),
            consumer: copying.consumer.into(),
        };
        set_outbox64(port, RECEIVE_OUTBOX, inbox64(port, ENTRY_INBOX + RING));
        set_outbox64(port, RECEIVE_OUTBOX + 8, indices.pack());
        let control = inbox64(port, ENTRY_INBOX + RECEIVE_CONTROL);
        set_outbox64(port, RECEIVE_OUTBOX + 24, control);
        let drops = control & 1 << receive_control::drops::SHIFT != 0;
        // The entries are ahead of the interrupt on their way to the host.
        let alarm = match (copying.armed, copying.count) {
            (false, _) => Alarm::Off,
            (true, 0) => Alarm::Armed,
            (true, _) => Alarm::Due,
        };
        let delivered = indices.producer as u16;
        port.issue(Command::interrupt(queue, interrupt, alarm, delivered));
        port.issue(Command::load_record(true, queue, RECEIVE_OUTBOX));
        self.tables.move_receive(endpoint, Place::queue(queue));
        self.tables.describe_receive(
            queue,
            identifier,
            entries_log2,
            stride_log2,
            drops,
            interrupt,
        );
        // What brought the queue back is no use that counts.
        self.tables.receive(queue).seen = indices.producer as u16;
        port.issue(Command::map(endpoint, self.tables.map(endpoint)));
        if let Some(identifier) = identifier {
            port.issue(self.tables.lead(identifier, queue));
            self.reports.forget(identifier);
            self.give_back(port);
        }
        self.policies[1].used(queue.into());
        self.receive_patience.succeed();
        self.statistics.receive_installs += 1;
        if self.tables.is_emulated(endpoint) {
            self.lend(true, queue);
        }
        self.succeed();
    }

    /// Sends the receive queue away of the next endpoint that the policy names.
    #[inline(never)]
    pub(super) fn evict_receive(&mut self, port: &mut impl Port) {
        let queues = self.tables.limits().receive_queues;
        while usize::from(self.tried) < 2 * queues {
            self.tried += 1;
            let queue = self.policies[1].candidate(queues) as u8;
            if self.tables.receive(queue).endpoint().is_none() {
                continue;
            }
            if !self.policies[1].spares() {
                return self.save_receive(queue, port);
            }
            let look = Command::save_record(true, queue, RECORD_INBOX, LOOK_RECEIVE);
            port.issue(look);
            self.state = State::LookingReceive;
            self.queue = queue;
            return;
        }
        self.put_off(true);
    }

    /// The record of a queue in use stands in the inbox. One that was used since the last look stays once more.
    #[inline(never)]
    pub(super) fn receive_looked(&mut self, port: &mut impl Port) {
        let producer = port.inbox(RECORD_INBOX + 8) as u16;
        let owner = self.tables.receive(self.queue);
        if core::mem::replace(&mut owner.seen, producer) == producer {
            return self.save_receive(self.queue, port);
        }
        self.policies[1].used(self.queue.into());
        self.statistics.spared += 1;
        self.evict_receive(port);
    }

    /// Begins to send away whoever has a receive queue.
    #[inline(never)]
    pub(super) fn save_receive(&mut self, queue: u8, port: &mut impl Port) {
        let owner = *self.tables.receive(queue);
        let endpoint = owner.endpoint().unwrap_or_default();
        let map = self.tables.map_without_receive(endpoint);
        port.issue(Command::map(endpoint, map));
        // The saved consumer index is worked out with the number of entries.
        let control = u64::from(owner.entries_log2) << receive_control::entries_log2::SHIFT;
        let index = usize::from(queue) << WORDS_LOG2;
        port.issue(Command::write_queue_state(
            REGION_RECEIVE_QUEUE,
            index,
            control,
        ));
        port.issue(Command::save_record(
            true,
            queue,
            RECORD_INBOX,
            SAVE_RECEIVE,
        ));
        self.state = State::SavingReceive;
        self.queue = queue;
    }

    /// The record stands in the inbox.
    #[inline(never)]
    pub(super) fn receive_saved(&mut self, status: Option<CompletionStatus>, port: &mut impl Port) {
        let owner = *self.tables.receive(self.queue);
        let endpoint = owner.endpoint().unwrap_or_default();
        if status != Some(CompletionStatus::Done) {
            return self.put_off(true);
        }
        // A queue without an identifier was never enabled: its record is still that of whoever had it before.
        let indices = match owner.identifier() {
            Some(_) => inbox64(port, RECORD_INBOX + 8),
            None => 0,
        };
        let record = ReceiveArmed::unpack(inbox64(port, RECORD_INBOX + 16));
        let ring = inbox64(port, RECORD_INBOX);
        let next = entry_place(ring, indices as u16, owner.entries_log2, owner.stride_log2);
        let word = indices | with_interrupts(owner.interrupt);
        set_outbox64(port, INDICES_OUTBOX, word);
        let armed = if record.armed == 1 { ARMED } else { 0 };
        set_outbox64(port, INDICES_OUTBOX + 8, next.pack() | u64::from(armed));
        let place = self.tables.entry(endpoint).wrapping_add(INDICES as u64);
        port.issue(Command::write_host(place, 16, INDICES_OUTBOX));
        let mut place = Place::AWAY;
        if let Some(identifier) = owner.identifier() {
            let allowance = allowance(indices, owner.entries_log2);
            // With room for some, it is not known whether the others find none: the host may take entries.
            let drops = owner.drops && allowance == 0;
            let stride_log2 = owner.stride_log2;
            port.issue(
                self.tables
                    .divert(identifier, stride_log2, allowance, drops),
            );
            // A program that arms its queue from now on may not have seen what is in the ring.
            if allowance == 0 || (owner.interrupts() && !is_empty(indices)) {
                place = Place::STARVED;
            }
        }
        self.tables.move_receive(endpoint, place);
        self.statistics.receive_evictions += 1;
        if self.evict_only {
            return self.succeed();
        }
        match self.tables.take_receive() {
            Some(queue) => {
                let first = self.reports.get(self.reports.start());
                let identifier = first.filter(|_| self.errand.cause == Cause::Missed);
                self.read_receive(queue, identifier, port);
            }
            None => self.put_off(true),
        }
    }

    /// An endpoint's receive queue is given up: senders learn that it is not there.
    #[cold]
    pub(super) fn give_receive_up(&mut self, endpoint: u16, port: &mut impl Port) {
        self.tables.move_receive(endpoint, Place::BROKEN);
        if let Some(identifier) = self.reports.get(self.reports.start()) {
            let place = usize::from(identifier);
            port.issue(Command::write_queue_state(REGION_RECEIVE_MAP, place, 0));
            self.forget_misses(identifier, port);
        }
    }
}

/// Upper half of an entry's indices, of a queue that nothing was delivered to since it left.
pub(crate) fn with_interrupts(interrupt: u32) -> u64 {
    let wanted = EndpointInterrupt::unpack(interrupt.into()).enabled == 1;
    (u64::from(wanted) * u64::from(WITH_INTERRUPTS)) << 32
}

/// Place of a ring's entry of this index.
pub(crate) fn entry_place(ring: u64, index: u16, entries_log2: u8, stride_log2: u8) -> EntryPlace {
    let number = index & ((1 << entries_log2) - 1);
    let address = ring.wrapping_add(u64::from(u32::from(number) << stride_log2));
    EntryPlace {
        phase: (index >> entries_log2 & 1 == 0).into(),
        address: address >> abi::command::entry_place::address::SHIFT,
    }
}

/// Whether the host has given all entries of a ring back.
fn is_empty(indices: u64) -> bool {
    let indices = ReceiveIndices::unpack(indices);
    indices.producer == indices.consumer
}

/// Messages that a ring has room for.
pub(crate) fn allowance(indices: u64, entries_log2: u8) -> u8 {
    let indices = ReceiveIndices::unpack(indices);
    let level = (indices.producer as u16).wrapping_sub(indices.consumer as u16);
    let room = (1_u16 << entries_log2).saturating_sub(level);
    room.min(MOST_ALLOWED) as u8
}
