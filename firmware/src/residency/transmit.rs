//! Transmit queues come and go.

use super::{Cause, Errand, MAP, READ_TRANSMIT, Residency, SAVE_TRANSMIT, State};
use crate::command::Command;
use crate::layout::{
    ENTRY_INBOX, PROGRESS, PROGRESS_OUTBOX, RECORD_BYTES, RECORD_INBOX, TRANSMIT_CONTROL,
    TRANSMIT_OUTBOX, TRANSMIT_PAGE,
};
use crate::policy::Policy;
use crate::port::Port;
use crate::tables::Place;
use abi::admin::status::Status;
use abi::command::completion_status::CompletionStatus;
use abi::queue_state::{REGION_TRANSMIT_QUEUE, TransmitControl, WORDS_LOG2};

/// Place of `generation` in a control word.
const GENERATION_SHIFT: u32 = 8;

impl<const QUEUES: usize, const ENDPOINTS: usize, const IDENTIFIERS: usize, P: Policy>
    Residency<QUEUES, ENDPOINTS, IDENTIFIERS, P>
{
    /// Has an endpoint's transmit queue come back: the read of its record is the first thing of all.
    #[inline(never)]
    pub(super) fn install_transmit(&mut self, errand: Errand, port: &mut impl Port) {
        match self.tables.take_transmit() {
            Some(queue) => self.read_transmit(queue, errand, port),
            None => {
                self.tried = 0;
                self.evict_transmit(errand, port);
            }
        }
    }

    #[inline(never)]
    fn read_transmit(&mut self, queue: u8, errand: Errand, port: &mut impl Port) {
        let entry = self.tables.entry(errand.endpoint);
        port.issue(Command::read_host(
            entry,
            RECORD_BYTES,
            ENTRY_INBOX,
            READ_TRANSMIT,
        ));
        self.state = State::ReadingTransmit { queue, errand };
        // While the host answers.
        self.prepared = self.tables.map_with(errand.endpoint, queue);
    }

    /// The record stands in the inbox, or does not.
    #[inline(never)]
    pub(super) fn transmit_read(
        &mut self,
        queue: u8,
        errand: Errand,
        status: Option<CompletionStatus>,
        port: &mut impl Port,
    ) {
        let endpoint = errand.endpoint;
        let control = port.inbox(ENTRY_INBOX + TRANSMIT_CONTROL);
        let fields = TransmitControl::unpack(control.into());
        let is_good = status == Some(CompletionStatus::Done)
            && fields.enabled == 1
            && fields.endpoint == u64::from(endpoint);
        if !is_good {
            self.tables.return_transmit(queue);
            let status = match status {
                Some(CompletionStatus::Refused) => Status::AddressRefused,
                _ => Status::Failed,
            };
            return self.read_failed(errand, false, status, port);
        }
        let generation = self.tables.next_generation(queue);
        // Word 3 of the record counts for nothing.
        for offset in (0..16).step_by(4) {
            port.set_outbox(TRANSMIT_OUTBOX + offset, port.inbox(ENTRY_INBOX + offset));
        }
        let low = control & !(0xff << GENERATION_SHIFT) | u32::from(generation) << GENERATION_SHIFT;
        port.set_outbox(TRANSMIT_OUTBOX + TRANSMIT_CONTROL, low);
        let high = port.inbox(ENTRY_INBOX + TRANSMIT_CONTROL + 4);
        port.set_outbox(TRANSMIT_OUTBOX + TRANSMIT_CONTROL + 4, high);
        port.issue(Command::load_record(false, queue, TRANSMIT_OUTBOX));
        let page = port.inbox(ENTRY_INBOX + TRANSMIT_PAGE) as u16;
        let map = self.prepared | u64::from(page) << 32;
        let is_lost = self.tables.transmit_of(endpoint) == Place::STARVED;
        if errand.cause == Cause::Captured {
            port.issue(Command::replay(endpoint, queue, map));
            self.head = None;
            self.tables
                .move_transmit(endpoint, Place::queue(queue), page);
            if is_lost {
                self.set_lost(queue);
            }
        } else {
            port.issue(Command::map(endpoint, map, MAP + endpoint));
            self.tables
                .move_transmit(endpoint, Place::queue(queue), page);
            self.tables.transmit(queue).lost = is_lost || errand.cause == Cause::Event;
        }
        port.keep(queue, generation);
        self.transmit_patience.succeed();
        self.statistics.transmit_installs += 1;
        self.succeed(errand);
    }

    /// The program of whoever has this queue is to be told of a loss: the hardware does so once the map says that the
    /// queue is resident.
    #[cold]
    fn set_lost(&mut self, queue: u8) {
        let owner = self.tables.transmit(queue);
        owner.lost = true;
        owner.unmapped = true;
        self.is_unmapped = true;
    }

    /// Sends the next endpoint that the policy names away. The errand is put off if every queue was tried.
    #[inline(never)]
    pub(super) fn evict_transmit(&mut self, errand: Errand, port: &mut impl Port) {
        let queues = self.tables.limits().transmit_queues;
        while usize::from(self.tried) < queues {
            self.tried += 1;
            let queue = self.policies[0].candidate(queues) as u8;
            if self.tables.transmit(queue).endpoint().is_some() {
                let evict_only = errand.cause == Cause::Ahead;
                return self.save_transmit(queue, errand, evict_only, port);
            }
        }
        self.put_off(errand, false);
    }

    /// Begins to send away whoever has a transmit queue: no store reaches it any more, and its record tells whether it
    /// is idle; then it stays so.
    #[inline(never)]
    pub(super) fn save_transmit(
        &mut self,
        queue: u8,
        errand: Errand,
        evict_only: bool,
        port: &mut impl Port,
    ) {
        let owner = *self.tables.transmit(queue);
        port.issue(
            self.tables
                .close(owner.endpoint().unwrap_or_default(), owner.page),
        );
        port.issue(Command::save_record(
            false,
            queue,
            RECORD_INBOX,
            SAVE_TRANSMIT,
        ));
        self.state = State::SavingTransmit {
            queue,
            errand,
            evict_only,
        };
    }

    /// The record stands in the inbox.
    #[inline(never)]
    pub(super) fn transmit_saved(
        &mut self,
        queue: u8,
        errand: Errand,
        evict_only: bool,
        status: Option<CompletionStatus>,
        port: &mut impl Port,
    ) {
        let owner = *self.tables.transmit(queue);
        let endpoint = owner.endpoint().unwrap_or_default();
        let progress = [8, 12].map(|offset| port.inbox(RECORD_INBOX + offset));
        let producer = port.inbox(RECORD_INBOX + 16) as u16;
        let is_idle = progress[0] as u16 == producer && status == Some(CompletionStatus::Done);
        if !is_idle {
            self.statistics.failed_evictions += 1;
            self.write_map(endpoint, port);
            if errand.cause == Cause::Request && evict_only {
                self.state = State::Idle;
                self.outcome = Some(Err(Status::InUse));
                return;
            }
            return self.evict_transmit(errand, port);
        }
        let control = usize::from(queue) << WORDS_LOG2;
        port.issue(Command::write_queue_state(
            REGION_TRANSMIT_QUEUE,
            control,
            0,
        ));
        port.set_outbox(PROGRESS_OUTBOX, progress[0]);
        port.set_outbox(PROGRESS_OUTBOX + 4, progress[1]);
        let place = self.tables.entry(endpoint).wrapping_add(PROGRESS as u64);
        port.issue(Command::write_host(place, 8, PROGRESS_OUTBOX));
        let place = match owner.lost {
            true => Place::STARVED,
            false => Place::AWAY,
        };
        self.tables.move_transmit(endpoint, place, 0);
        // It was not told of its loss yet.
        if owner.lost {
            self.non_resident(endpoint, true);
        }
        self.statistics.transmit_evictions += 1;
        // The receive queue may be resident; it was closed, too.
        self.write_map(endpoint, port);
        if evict_only {
            return self.succeed(errand);
        }
        match self.tables.take_transmit() {
            Some(queue) => self.read_transmit(queue, errand, port),
            None => self.put_off(errand, false),
        }
    }
}
