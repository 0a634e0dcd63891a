//! Transmit queues come and go.

use super::patience::Pause;
use super::{
    CAREFUL, Cause, Errand, KEPT_OF, LOOK_TRANSMIT, MOST_WAITS, READ_TRANSMIT, Residency,
    SAVE_TRANSMIT, State,
};
use crate::command::{Command, trouble};
use crate::layout::{ENTRY_INBOX, PROGRESS, PROGRESS_OUTBOX, RECORD_INBOX, STORES};
use crate::policy::Policy;
use crate::port::Port;
use crate::tables::Place;
use abi::admin::status::Status;
use abi::command::RECORD_BYTES;
use abi::command::completion_status::CompletionStatus;
use abi::queue_state::{REGION_TRANSMIT_QUEUE, WORDS_LOG2};

/// In the upper half of the progress: the queue has failed.
const FAILED: u32 = 1 << (abi::queue_state::transmit_progress::failed::SHIFT - 32);

/// Consumer index of the record in the inbox, and whether the queue is idle: one that has failed sends nothing more.
fn saved_progress(port: &impl Port) -> (u16, bool) {
    let consumer = port.inbox(RECORD_INBOX + PROGRESS) as u16;
    let has_failed = port.inbox(RECORD_INBOX + PROGRESS + 4) & FAILED != 0;
    let producer = port.inbox(RECORD_INBOX + STORES) as u16;
    (consumer, consumer == producer || has_failed)
}

impl<const QUEUES: usize, const ENDPOINTS: usize, const IDENTIFIERS: usize, P: Policy>
    Residency<QUEUES, ENDPOINTS, IDENTIFIERS, P>
{
    /// Has an endpoint's transmit queue come back: the read of its record is the first thing of all.
    #[inline(never)]
    pub(super) fn install_transmit(&mut self, errand: Errand, port: &mut impl Port) {
        self.errand = errand;
        match self.tables.take_transmit() {
            Some(queue) => self.read_transmit(queue, port),
            None => self.make_room(port),
        }
    }

    /// A captured store was reported, for which all is ready: whether it is served so. The commands go first, and what
    /// is noted about them comes behind.
    #[inline]
    pub fn captured_armed(&mut self, endpoint: u16, port: &mut impl Port) -> bool {
        if !self.ready.transmit || self.tables.transmit_of(endpoint) != Place::AWAY {
            return false;
        }
        let entry = self.tables.entry(endpoint);
        port.issue(Command::read_host(entry, RECORD_BYTES, ENTRY_INBOX).first());
        let (queue, generation) = (self.ready.queue, self.ready.generation);
        let load = Command::load_transmit(queue, ENTRY_INBOX, endpoint, generation);
        port.issue(load.chained());
        let map = match self.tables.is_hidden(endpoint) {
            true => self.tables.map(endpoint),
            false => self.tables.map_with(endpoint, queue),
        };
        let replay = Command::replay(endpoint, queue, map);
        port.issue(replay.chained().completes(READ_TRANSMIT));
        self.captured(endpoint);
        self.errand = Errand {
            endpoint,
            cause: Cause::Captured,
        };
        self.tables.take_transmit();
        self.ready.is_fresh = false;
        self.state = State::ReadingTransmit;
        self.queue = queue;
        true
    }

    #[cold]
    #[inline(never)]
    fn make_room(&mut self, port: &mut impl Port) {
        self.evict_only = false;
        (self.tried, self.spared) = (0, 0);
        match self.tables.take_lent(false) {
            Some(queue) => self.save_transmit(queue, port),
            None => self.evict_transmit(port),
        }
    }

    /// All that it takes goes out as one chain: nothing but the host is waited for until the queue sends.
    #[inline]
    fn read_transmit(&mut self, queue: u8, port: &mut impl Port) {
        let Errand { endpoint, cause } = self.errand;
        let entry = self.tables.entry(endpoint);
        port.issue(Command::read_host(entry, RECORD_BYTES, ENTRY_INBOX).first());
        let generation = self.tables.next_generation(queue);
        port.keep(queue, generation);
        let load = Command::load_transmit(queue, ENTRY_INBOX, endpoint, generation);
        port.issue(load.chained());
        if self.tables.is_hidden(endpoint) {
            let is_starved = self.tables.transmit_of(endpoint) == Place::STARVED;
            if is_starved || cause != Cause::Captured {
                self.tables.open(endpoint);
            }
        }
        // The queue of whoever is emulated is lent for this store alone.
        let map = match self.tables.is_hidden(endpoint) {
            true => self.tables.map(endpoint),
            false => self.tables.map_with(endpoint, queue),
        };
        let last = match cause {
            Cause::Captured => Command::replay(endpoint, queue, map),
            _ => Command::map(endpoint, map),
        };
        port.issue(last.chained().completes(READ_TRANSMIT));
        self.state = State::ReadingTransmit;
        self.queue = queue;
    }

    /// The queue has come back, or its record could not be read.
    #[inline(never)]
    pub(super) fn transmit_read(&mut self, status: Option<CompletionStatus>, port: &mut impl Port) {
        // More stores are captured: their reports follow.
        if !matches!(
            status,
            Some(CompletionStatus::Done | CompletionStatus::Busy)
        ) {
            return self.transmit_unread(status, port);
        }
        if self.errand.cause == Cause::Captured {
            self.head = None;
        }
        // The store that brought the queue back is no use that counts, if queues can be had.
        let consumer = port.inbox(ENTRY_INBOX + PROGRESS) as u16;
        let seen = consumer.wrapping_add(u16::from(self.careful == 0));
        self.tables
            .transmit_came(self.errand.endpoint, self.queue, seen);
        self.policies[0].used(self.queue.into());
        self.transmit_patience.succeed();
        self.refusals = 0;
        self.waits = 0;
        self.is_scarce = false;
        self.statistics.transmit_installs += 1;
        if self.tables.is_emulated(self.errand.endpoint) {
            self.lend(false, self.queue);
            // Nothing of it was captured any more.
            if status == Some(CompletionStatus::Done) && self.errand.cause == Cause::Captured {
                self.tables.told(self.errand.endpoint);
            }
        }
        self.succeed();
    }

    #[cold]
    #[inline(never)]
    fn transmit_unread(&mut self, status: Option<CompletionStatus>, port: &mut impl Port) {
        self.tables.return_transmit(self.queue);
        self.read_failed(false, trouble(status).unwrap_or(Status::Failed), port);
    }

    /// Sends the next endpoint that the policy names away. The errand is put off if every queue was tried.
    #[inline(never)]
    pub(super) fn evict_transmit(&mut self, port: &mut impl Port) {
        let queues = self.tables.limits().transmit_queues;
        // Whoever stays once goes the next time.
        let most = queues << u8::from(self.policies[0].spares() && self.careful == 0);
        while usize::from(self.tried) < most {
            self.tried += 1;
            let queue = self.policies[0].candidate(queues) as u8;
            if self.tables.transmit(queue).endpoint().is_some() {
                // A look disturbs nobody.
                let look = Command::save_record(false, queue, RECORD_INBOX, LOOK_TRANSMIT);
                port.issue(look);
                self.state = State::LookingTransmit;
                self.queue = queue;
                return;
            }
        }
        self.put_off(false);
    }

    /// The record of a queue in use stands in the inbox, or some other one: what it says is checked again when it is
    /// saved.
    #[inline(never)]
    pub(super) fn transmit_looked(&mut self, port: &mut impl Port) {
        let (consumer, is_idle) = saved_progress(port);
        let owner = self.tables.transmit(self.queue);
        let is_used = core::mem::replace(&mut owner.seen, consumer) != consumer;
        self.careful = match is_idle {
            true => self.careful.saturating_sub(1),
            false => CAREFUL,
        };
        self.statistics.failed_evictions += u32::from(!is_idle);
        if !is_idle || is_used {
            self.policies[0].used(self.queue.into());
        }
        if !is_idle || (is_used && self.spares()) {
            return self.evict_transmit(port);
        }
        self.save_transmit(self.queue, port);
    }

    /// Whether a queue that is idle, and was used since the last look, stays where it is: others may be in use for
    /// ever, and whoever gets this one may use it for ever, too. So it may go only if none of the others was in use
    /// when they were looked at last, and more are idle than a few.
    fn spares(&mut self) -> bool {
        self.spared += 1;
        let kept = (self.tables.limits().transmit_queues / KEPT_OF).max(1);
        let is_crowded = self.careful > 0 || usize::from(self.spared) <= kept;
        let stays = is_crowded || self.policies[0].spares();
        self.statistics.spared += u32::from(stays);
        stays
    }

    /// Begins to send away whoever has a transmit queue: no store reaches it any more, and its record tells whether it
    /// is idle; then it stays so.
    #[inline(never)]
    pub(super) fn save_transmit(&mut self, queue: u8, port: &mut impl Port) {
        let owner = *self.tables.transmit(queue);
        let endpoint = owner.endpoint().unwrap_or_default();
        if !self.tables.is_hidden(endpoint) {
            let map = self.tables.map_without_transmit(endpoint);
            port.issue(Command::map(endpoint, map));
        }
        port.issue(Command::save_record(
            false,
            queue,
            RECORD_INBOX,
            SAVE_TRANSMIT,
        ));
        self.state = State::SavingTransmit;
        self.queue = queue;
    }

    /// The record stands in the inbox.
    #[inline(never)]
    pub(super) fn transmit_saved(
        &mut self,
        status: Option<CompletionStatus>,
        port: &mut impl Port,
    ) {
        let queue = self.queue;
        let endpoint = self.tables.transmit(queue).endpoint();
        let endpoint = endpoint.unwrap_or_default();
        if !saved_progress(port).1 || status != Some(CompletionStatus::Done) {
            self.statistics.failed_evictions += 1;
            self.write_map(endpoint, port);
            if self.tables.is_emulated(endpoint) {
                self.tables.lend(false, queue);
            }
            if self.errand.cause == Cause::Return {
                self.return_patience.pause(Pause::Short);
                self.state = State::Idle;
                return;
            }
            // Queues that are lent for a message are idle soon: no other is taken for one.
            let waits = self.errand.cause == Cause::Captured
                && self.tables.is_emulated(self.errand.endpoint)
                && self.waits < MOST_WAITS;
            if waits && self.tables.is_emulated(endpoint) {
                self.waits += 1;
                self.statistics.put_off += 1;
                self.transmit_patience.pause(Pause::Short);
                self.state = State::Idle;
                return;
            }
            if self.errand.cause == Cause::Request && self.evict_only {
                self.state = State::Idle;
                self.outcome = Some(Err(Status::InUse));
                return;
            }
            return self.evict_transmit(port);
        }
        let control = usize::from(queue) << WORDS_LOG2;
        port.issue(Command::write_queue_state(
            REGION_TRANSMIT_QUEUE,
            control,
            0,
        ));
        for offset in [0, 4] {
            let word = port.inbox(RECORD_INBOX + PROGRESS + offset);
            port.set_outbox(PROGRESS_OUTBOX + offset, word);
        }
        let place = self.tables.entry(endpoint).wrapping_add(PROGRESS as u64);
        port.issue(Command::write_host(place, 8, PROGRESS_OUTBOX));
        self.tables.move_transmit(endpoint, Place::AWAY);
        self.statistics.transmit_evictions += 1;
        if self.evict_only {
            return self.succeed();
        }
        match self.tables.take_transmit() {
            Some(queue) => self.read_transmit(queue, port),
            None => self.put_off(false),
        }
    }
}
