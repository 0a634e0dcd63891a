//! Which endpoints have resident queues: captured stores and misses bring an endpoint's queue back, and take another
//! one's (V13 to V15).
//!
//! One errand at a time. Commands go out in chains, and only what is needed of the hardware is waited for. Everything
//! of an errand but reads of host memory is carried out in the order in which it was issued, so whatever stands in the
//! outbox may be overwritten behind a later completion.

mod patience;
mod receive;
mod reports;
mod transmit;

use crate::command::Command;
use crate::layout::MISSES;
use crate::policy::Policy;
use crate::port::Port;
use crate::tables::{Limits, Place, Tables};
use abi::admin::residency_counter::ResidencyCounter;
use abi::admin::residency_policy::ResidencyPolicy;
use abi::admin::status::Status;
use abi::command::completion_status::CompletionStatus;
use heapless::Deque;
use patience::{Patience, Pause};
use receive::{Copying, Reading};
pub(crate) use receive::{allowance, entry_place, with_interrupts};
use reports::Reports;

/// Token of a transmit queue's record that is saved.
const SAVE_TRANSMIT: u16 = 0;
/// Token of a transmit queue's record that is read from the table.
const READ_TRANSMIT: u16 = 1;
/// Token of a receive queue's record that is saved.
const SAVE_RECEIVE: u16 = 2;
/// Token of an entry that is read from the table for its receive queue.
const READ_RECEIVE: u16 = 3;
/// Token of the record of the queue that takes misses.
const SAVE_MISSES: u16 = 4;
/// Token of a transmit queue's record that is looked at.
const LOOK_TRANSMIT: u16 = 5;
/// Token of a receive queue's record that is looked at.
const LOOK_RECEIVE: u16 = 6;
/// Token of a message that is delivered without a queue.
const IN_PLACE: u16 = 7;
/// Token of the first place of entries of the miss ring.
const READ_MISS: u16 = 8;
/// Behind the last of them.
const END: u16 = READ_MISS + MISSES as u16;

/// Endpoints with an event that waits.
const EVENTS: usize = 16;
/// Of these, places for those that were taken out and come back: of one errand, and one more.
const OWN_EVENTS: usize = 4;
/// Attempts to get a transmit queue that fail in a row before captured stores are thrown away that wait for one.
const PATIENT: u8 = 6;
/// Pauses in a row for a queue that was lent and is in use, before another endpoint's is taken.
const MOST_WAITS: u8 = 8;
/// Stores of an endpoint that are carried out behind its queue's return before its program has to stop for a moment: it
/// stores as fast as they are carried out, and would never come to its queue directly.
const MOST_REPLAYS: u8 = 128;
/// Looks at transmit queues for which one that was found in use is remembered.
const CAREFUL: u8 = 64;
/// Of so many transmit queues one stays with whoever uses it, if all others are in use for long.
const KEPT_OF: usize = 16;
/// Endpoints looked at in a step for one that is to be told of a loss.
const LOOKS: usize = 64;
/// Reads of an entry that fail in a row before its endpoint is given up; the pauses between them double.
const ATTEMPTS: u8 = 12;

/// What was done, since the rings were set up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Transmit queues that came back.
    pub transmit_installs: u32,
    /// Transmit queues that were sent away.
    pub transmit_evictions: u32,
    /// Transmit queues that were to be sent away, and were in use.
    pub failed_evictions: u32,
    /// Receive queues that came back.
    pub receive_installs: u32,
    /// Receive queues that were sent away.
    pub receive_evictions: u32,
    /// Messages that were brought from the miss ring to their own.
    pub copied: u32,
    /// Queues that were to be sent away, and were left where they were used.
    pub spared: u32,
    /// Captured stores of endpoints that do not exist, or were given up.
    pub discarded: u32,
    /// Captured stores that were thrown away because no queue could be had: their programs store them again.
    pub shed: u32,
    /// Messages of the miss ring whose endpoint was destroyed, or given up.
    pub lost_misses: u32,
    /// Errands that found no queue, and were put off.
    pub put_off: u32,
    /// Reads of host memory that failed, or had something else than was written there.
    pub failed_reads: u32,
    /// Endpoints that were given up.
    pub given_up: u32,
    /// Commands that the hardware called invalid.
    pub invalid: u32,
    /// Captured stores that were reported.
    pub captured: u32,
    /// Messages in the miss ring that were reported.
    pub missed: u32,
}

/// What admin requests ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// The transmit queue is to go.
    EvictTransmit(u16),
    /// The receive queue is to go.
    EvictReceive(u16),
    /// The transmit queue is to come.
    InstallTransmit(u16),
    /// The receive queue is to come.
    InstallReceive(u16),
}

/// Why something is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    /// So that a queue is free.
    Ahead,
    /// A captured store.
    Captured,
    /// A message in the miss ring.
    Missed,
    /// A loss, or a ring that was full.
    Event,
    /// An admin request.
    Request,
    /// A queue was lent for messages only.
    Return,
}

/// For whom something is done, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Errand {
    /// Who gets a queue; without a meaning if nobody does.
    endpoint: u16,
    cause: Cause,
}

/// Nobody's errand.
const NOBODY: Errand = Errand {
    endpoint: 0,
    cause: Cause::Ahead,
};

/// What is under way for the errand, with its queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Idle,
    /// A transmit queue's record is being looked at, to see whether it may go.
    LookingTransmit,
    /// It is being saved, and no store reaches the queue any more.
    SavingTransmit,
    /// A record is being read for a transmit queue.
    ReadingTransmit,
    /// A receive queue's record is being looked at.
    LookingReceive,
    /// A receive queue's record is being saved.
    SavingReceive,
    /// An entry is being read for a receive queue, and all misses are waited for.
    ReadingReceive,
    /// Misses are being brought to their ring.
    Copying,
    /// A miss is being brought to its ring, whose queue stays away.
    InPlace,
}

/// What was prepared for the next captured store and the next miss, which then need no decision (V26).
#[derive(Clone, Copy, Debug)]
struct Ready {
    /// The queue and its generation are those of the next captured store, if nobody has taken the queue since.
    transmit: bool,
    /// There is a receive queue.
    receive: bool,
    /// The generation was not used yet.
    is_fresh: bool,
    queue: u8,
    generation: u8,
    /// Reads the next message of the miss ring.
    miss: Command,
}

impl Ready {
    const NOTHING: Ready = Ready {
        transmit: false,
        receive: false,
        is_fresh: false,
        queue: 0,
        generation: 0,
        miss: Command::marker(0),
    };
}

/// An event that waits.
#[derive(Clone, Copy, Debug)]
struct Event {
    endpoint: u16,
    /// A store of the endpoint may have been lost.
    lost: bool,
}

/// The residency protocol, and the tables that it shares with the others.
#[derive(Clone, Debug)]
pub struct Residency<const QUEUES: usize, const ENDPOINTS: usize, const IDENTIFIERS: usize, P> {
    /// What is shared.
    pub tables: Tables<QUEUES, ENDPOINTS, IDENTIFIERS>,
    /// What was done.
    pub statistics: Statistics,
    state: State,
    ready: Ready,
    /// What `state` is about. `evict_only`: nobody gets the queue.
    errand: Errand,
    queue: u8,
    evict_only: bool,
    reading: Reading,
    copying: Copying,
    /// The captured store that was reported and is not answered yet.
    head: Option<u16>,
    reports: Reports,
    events: Deque<Event, EVENTS>,
    request: Option<Request>,
    outcome: Option<Result<(), Status>>,
    /// Of the transmit side, of the receive side.
    policies: [P; 2],
    /// Queues that were tried for the errand under way, and those that were idle and left where they were.
    tried: u16,
    spared: u16,
    /// Attempts to get a transmit queue that failed since the last one that did not.
    refusals: u8,
    /// Pauses for a queue that was lent, since one came back.
    waits: u8,
    /// There is none for now: captured stores that wait for one are thrown away.
    is_scarce: bool,
    /// Looks at transmit queues for which it is remembered that one was in use.
    careful: u8,
    /// Where the next endpoint is looked for that is to be told of a loss.
    next_starved: u16,
    transmit_patience: Patience,
    receive_patience: Patience,
    /// With what is lent.
    return_patience: Patience,
    /// What is begun next has this turn.
    turn: u8,
}

impl<const QUEUES: usize, const ENDPOINTS: usize, const IDENTIFIERS: usize, P: Policy>
    Residency<QUEUES, ENDPOINTS, IDENTIFIERS, P>
{
    /// Nothing under way, and no tables.
    pub const fn new(policies: [P; 2]) -> Self {
        Residency {
            tables: Tables::new(),
            statistics: Statistics::NONE,
            state: State::Idle,
            ready: Ready::NOTHING,
            errand: NOBODY,
            queue: 0,
            evict_only: false,
            reading: Reading::NONE,
            copying: Copying::NONE,
            head: None,
            reports: Reports::new(),
            events: Deque::new(),
            request: None,
            outcome: None,
            policies,
            tried: 0,
            spared: 0,
            refusals: 0,
            waits: 0,
            is_scarce: false,
            careful: 0,
            next_starved: 0,
            transmit_patience: Patience::new(),
            receive_patience: Patience::new(),
            return_patience: Patience::new(),
            turn: 0,
        }
    }

    /// The NIU has so much of everything; nothing else is known.
    pub fn start(&mut self, limits: Limits) {
        self.tables.start(limits);
        self.statistics = Statistics::NONE;
        self.head = None;
        self.turn = 0;
        self.stop();
    }

    /// All endpoints are gone. A captured store that was reported is still to be answered.
    pub fn clear(&mut self) {
        self.tables.clear();
        self.statistics = Statistics::NONE;
        self.stop();
    }

    /// Drops what is under way: its completions are waited for by somebody else.
    pub fn stop(&mut self) {
        self.state = State::Idle;
        self.reports = Reports::new();
        self.events.clear();
        self.request = None;
        self.outcome = None;
        self.transmit_patience = Patience::new();
        self.receive_patience = Patience::new();
        self.return_patience = Patience::new();
        self.refusals = 0;
        self.waits = 0;
        self.is_scarce = false;
        self.careful = 0;
    }

    /// Whether nothing is under way.
    #[inline]
    pub fn is_idle(&self) -> bool {
        self.state == State::Idle
    }

    /// Whether a report of a captured store may be told.
    #[inline]
    pub fn takes_captured(&self) -> bool {
        self.head.is_none()
    }

    /// Whether an event may be told.
    #[inline]
    pub fn takes_event(&self) -> bool {
        self.events.len() < EVENTS - OWN_EVENTS
    }

    /// Whether there is something to be begun, now or after a pause. The processor asks all the time.
    #[inline]
    pub fn has_work(&self) -> bool {
        self.head.is_some()
            | self.request.is_some()
            | !self.reports.is_empty()
            | !self.events.is_empty()
            | self.tables.lacks_queue()
            | self.tables.has_starved()
            | (self.tables.has_lent() & self.return_patience.is_none())
    }

    /// So late is it: whether what was lent may be taken back since.
    #[inline]
    pub fn tick(&mut self, now: u32) -> bool {
        !self.return_patience.is_none() && self.return_patience.is_over(now)
    }

    /// Whether something begins once time has passed.
    #[inline]
    pub fn watches_time(&self) -> bool {
        !self.return_patience.is_none()
    }

    /// Prepares for what is reported next. Nothing is under way, and nothing is to be begun. Whether anything is ready.
    pub fn arm(&mut self, port: &mut impl Port) -> bool {
        let queue = self.tables.next_transmit();
        self.ready.transmit = queue.is_some() && self.transmit_patience.is_none();
        if let Some(queue) = queue {
            let generation = self.tables.transmit(queue).generation;
            let ready = self.ready;
            if !ready.is_fresh || (ready.queue, ready.generation) != (queue, generation) {
                let generation = self.tables.next_generation(queue);
                port.keep(queue, generation);
                self.ready.is_fresh = true;
                (self.ready.queue, self.ready.generation) = (queue, generation);
            }
        }
        self.ready.receive = self.tables.has_receive() && self.receive_patience.is_none();
        self.ready.miss = self.first_miss();
        self.ready.transmit | self.ready.receive
    }

    /// A captured store was reported; the last one is answered.
    #[inline]
    pub fn captured(&mut self, endpoint: u16) {
        self.head = Some(endpoint);
        self.statistics.captured += 1;
    }

    /// A captured store was reported, and may be served also while an errand is under way, if it is in nobody's way:
    /// one whose endpoint has a queue that is not about to leave, and one that no queue can be had for.
    #[inline]
    pub fn serve_at_once(&mut self, endpoint: u16, port: &mut impl Port) -> bool {
        let place = self.tables.transmit_of(endpoint);
        if place.is_away() {
            if self.is_scarce && !self.transmit_patience.is_none() {
                self.shed(endpoint, port);
                return true;
            }
            let may = self.is_idle() & self.reports.is_empty() & self.transmit_patience.is_none();
            if may {
                let cause = Cause::Captured;
                self.install_transmit(Errand { endpoint, cause }, port);
            }
            return may;
        }
        let may = !matches!(self.state, State::SavingTransmit | State::SavingReceive);
        if may {
            self.serve_captured(port);
        }
        may
    }

    /// A message in the miss ring would be served at once.
    #[inline]
    pub fn may_serve_missed(&self) -> bool {
        self.head.is_none() && self.receive_patience.is_none()
    }

    /// A message in the miss ring was reported.
    pub fn missed(&mut self, identifier: u16, port: &mut impl Port) {
        // Reports of a miss ring that is gone mean nothing.
        if self.tables.given().is_none() {
            return;
        }
        self.reports.push(identifier);
        self.statistics.missed += 1;
        if self.state == State::ReadingReceive {
            self.go_on_reading(port);
        }
    }

    /// A store to an endpoint that is away, other than a message's. `lost`: maybe a message's, which is lost.
    #[inline(never)]
    pub fn non_resident(&mut self, endpoint: u16, lost: bool) {
        let known = self
            .events
            .iter_mut()
            .find(|event| event.endpoint == endpoint);
        match known {
            Some(event) => event.lost |= lost,
            // There is room: none is told beyond `takes_event`, and no more come back than were taken out.
            None => {
                let _ = self.events.push_back(Event { endpoint, lost });
            }
        }
    }

    /// From now on queues are lent as this policy says.
    pub fn choose(&mut self, policy: ResidencyPolicy) {
        self.policies
            .iter_mut()
            .for_each(|chosen| chosen.choose(policy));
    }

    /// Asks for something; `take_outcome` tells how it ended.
    pub fn ask(&mut self, request: Request) {
        self.request = Some(request);
    }

    /// How what was asked for ended.
    pub fn take_outcome(&mut self) -> Option<Result<(), Status>> {
        self.outcome.take()
    }

    /// Messages that came to the miss ring so far, as far as they were reported, modulo 2^16.
    pub fn misses_reported(&self) -> u16 {
        self.reports.end()
    }

    /// All messages for this identifier in the miss ring are dropped.
    pub fn forget_misses(&mut self, identifier: u16, port: &mut impl Port) {
        self.statistics.lost_misses += u32::from(self.reports.forget(identifier));
        self.give_back(port);
    }

    /// A command completed.
    #[inline]
    pub fn completed(
        &mut self,
        token: u16,
        status: Option<CompletionStatus>,
        port: &mut impl Port,
    ) {
        match (token, self.state) {
            (READ_TRANSMIT, State::ReadingTransmit) => self.transmit_read(status, port),
            _ => self.completed_other(token, status, port),
        }
    }

    #[inline(never)]
    fn completed_other(
        &mut self,
        token: u16,
        status: Option<CompletionStatus>,
        port: &mut impl Port,
    ) {
        if status == Some(CompletionStatus::Invalid) {
            self.statistics.invalid += 1;
        }
        match (token, self.state) {
            (LOOK_TRANSMIT, State::LookingTransmit) => self.transmit_looked(port),
            (SAVE_TRANSMIT, State::SavingTransmit) => self.transmit_saved(status, port),
            (LOOK_RECEIVE, State::LookingReceive) => self.receive_looked(port),
            (SAVE_RECEIVE, State::SavingReceive) => self.receive_saved(status, port),
            (READ_RECEIVE, State::ReadingReceive) => self.entry_read(status, port),
            (SAVE_MISSES, State::ReadingReceive) => self.misses_saved(status, port),
            (IN_PLACE, State::InPlace) => self.delivered_in_place(status, port),
            (READ_MISS..END, State::Copying) => {
                self.miss_read(usize::from(token - READ_MISS), status, port);
            }
            // The errand was dropped, and its store was carried out.
            (READ_TRANSMIT, _) if self.errand.cause == Cause::Captured => {
                let is_done = matches!(
                    status,
                    Some(CompletionStatus::Done | CompletionStatus::Busy)
                );
                if is_done {
                    self.head = None;
                }
            }
            _ => {}
        }
    }

    /// Serves the captured store that was reported. Nothing is under way.
    #[inline]
    pub fn serve_captured(&mut self, port: &mut impl Port) {
        let Some(endpoint) = self.head else {
            return;
        };
        let place = self.tables.transmit_of(endpoint);
        if let Some(queue) = place.resident() {
            self.head = None;
            let map = self.tables.map(endpoint);
            // Whoever is emulated never comes to its queue directly, and keeps it while it uses it.
            let is_patient = self.tables.is_emulated(endpoint);
            if is_patient {
                self.return_patience.pause(Pause::Short);
            }
            let owner = self.tables.transmit(queue);
            owner.replays = owner.replays.wrapping_add(1);
            if owner.replays < MOST_REPLAYS || is_patient {
                port.issue(Command::replay(endpoint, queue, map));
            } else {
                owner.replays = 0;
                port.issue(Command::replay_last(endpoint, queue, map));
            }
        } else if place.is_away() {
            let cause = Cause::Captured;
            self.install_transmit(Errand { endpoint, cause }, port);
        } else {
            self.discard(endpoint, port);
        }
    }

    /// No queue can be had for a captured store: it is thrown away, so that those behind it go on. The hardware loses
    /// all that the endpoint has stored since, and its program is told once there is a queue.
    #[cold]
    #[inline(never)]
    fn shed(&mut self, endpoint: u16, port: &mut impl Port) {
        self.head = None;
        self.statistics.shed += 1;
        self.tables.move_transmit(endpoint, Place::STARVED);
        port.issue(Command::discard(endpoint));
    }

    #[cold]
    #[inline(never)]
    fn discard(&mut self, endpoint: u16, port: &mut impl Port) {
        self.head = None;
        self.statistics.discarded += 1;
        port.issue(Command::discard(endpoint));
    }

    /// Begins the next thing that is to be done; whether there was one. Nothing is under way.
    #[inline(never)]
    pub fn begin(&mut self, now: u32, port: &mut impl Port) -> bool {
        if let Some(request) = self.request.take() {
            self.carry_out(request, port);
            return true;
        }
        // Captured stores have every other turn, and what else there is its own.
        self.turn = self.turn.wrapping_add(1);
        let is_first = match self.turn % 8 {
            0 => self.begin_event(now, port),
            4 => self.begin_starved(now, port),
            1 | 3 | 5 | 7 => self.begin_misses(now, port),
            _ => false,
        };
        if is_first {
            return true;
        }
        if let Some(endpoint) = self.head {
            let is_away = self.tables.transmit_of(endpoint).is_away();
            if !is_away || self.transmit_patience.is_over(now) {
                self.serve_captured(port);
                return true;
            }
            if self.is_scarce {
                self.shed(endpoint, port);
                return true;
            }
        }
        self.begin_misses(now, port)
            || self.begin_event(now, port)
            || self.begin_starved(now, port)
            || self.begin_ahead(now, port)
            || self.begin_return(now, port)
    }

    /// A queue is lent for messages only: it is taken back once none comes for a while.
    fn lend(&mut self, receive: bool, queue: u8) {
        self.tables.lend(receive, queue);
        self.return_patience.pause(Pause::Short);
    }

    /// Takes a queue back that was lent for messages only.
    #[inline(never)]
    fn begin_return(&mut self, now: u32, port: &mut impl Port) -> bool {
        if !self.tables.has_lent() || !self.return_patience.is_over(now) {
            return false;
        }
        self.errand = Errand {
            cause: Cause::Return,
            ..NOBODY
        };
        self.evict_only = true;
        if let Some(queue) = self.tables.take_lent(true) {
            self.save_receive(queue, port);
        } else if let Some(queue) = self.tables.take_lent(false) {
            self.save_transmit(queue, port);
        }
        true
    }

    #[inline(never)]
    fn begin_misses(&mut self, now: u32, port: &mut impl Port) -> bool {
        self.receive_patience.is_over(now) && self.serve_missed(port)
    }

    fn carry_out(&mut self, request: Request, port: &mut impl Port) {
        let errand = |endpoint| Errand {
            endpoint,
            cause: Cause::Request,
        };
        match request {
            Request::EvictTransmit(endpoint) => {
                match self.tables.transmit_of(endpoint).resident() {
                    Some(queue) => self.send_away(queue, false, errand(endpoint), port),
                    None => self.outcome = Some(Ok(())),
                }
            }
            Request::EvictReceive(endpoint) => match self.tables.receive_of(endpoint).resident() {
                Some(queue) => self.send_away(queue, true, errand(endpoint), port),
                None => self.outcome = Some(Ok(())),
            },
            Request::InstallTransmit(endpoint) => match self.tables.transmit_of(endpoint).is_away()
            {
                true if !self.tables.is_emulated(endpoint) => {
                    self.install_transmit(errand(endpoint), port);
                }
                _ => self.outcome = Some(self.is_whole(endpoint)),
            },
            Request::InstallReceive(endpoint) => match self.tables.receive_of(endpoint).is_away() {
                true if !self.tables.is_emulated(endpoint) => {
                    self.install_receive(errand(endpoint), None, port);
                }
                _ => self.outcome = Some(self.is_whole(endpoint)),
            },
        }
    }

    /// Has whoever has this queue go, and nobody get it.
    fn send_away(&mut self, queue: u8, receive: bool, errand: Errand, port: &mut impl Port) {
        self.errand = errand;
        self.evict_only = true;
        match receive {
            false => self.save_transmit(queue, port),
            true => self.save_receive(queue, port),
        }
    }

    /// An endpoint that was given up cannot come back.
    fn is_whole(&self, endpoint: u16) -> Result<(), Status> {
        let places = [
            self.tables.transmit_of(endpoint),
            self.tables.receive_of(endpoint),
        ];
        match places.contains(&Place::BROKEN) {
            true => Err(Status::Failed),
            false => Ok(()),
        }
    }

    fn begin_event(&mut self, now: u32, port: &mut impl Port) -> bool {
        let Some(event) = self.events.pop_front() else {
            return false;
        };
        let Event { endpoint, lost } = event;
        let errand = Errand {
            endpoint,
            cause: Cause::Event,
        };
        if lost && self.tables.transmit_of(endpoint).is_away() {
            self.tables.move_transmit(endpoint, Place::STARVED);
        }
        if lost && self.tables.transmit_of(endpoint).resident().is_some() {
            // The store may have come between the replay that told the losses and the word of the map that came behind
            // it. The hardware tells them again with each such word.
            self.tables.open(endpoint);
            self.write_map(endpoint, port);
        }
        if self.tables.receive_of(endpoint) == Place::STARVED {
            if !self.receive_patience.is_over(now) {
                self.non_resident(endpoint, false);
                return false;
            }
            self.install_receive(errand, None, port);
        }
        true
    }

    /// Has the transmit queue come back of an endpoint whose program is to be told of a loss.
    fn begin_starved(&mut self, now: u32, port: &mut impl Port) -> bool {
        if !self.tables.has_starved() || !self.transmit_patience.is_over(now) {
            return false;
        }
        if let Some(endpoint) = self.tables.next_starved(&mut self.next_starved, LOOKS) {
            let cause = Cause::Event;
            self.install_transmit(Errand { endpoint, cause }, port);
        }
        true
    }

    /// Sees to it that a queue of each side is free for the next endpoint that comes back.
    fn begin_ahead(&mut self, now: u32, port: &mut impl Port) -> bool {
        (self.tried, self.spared) = (0, 0);
        self.errand = NOBODY;
        self.evict_only = true;
        if self.tables.lacks_transmit() && self.transmit_patience.is_over(now) {
            self.evict_transmit(port);
            return true;
        }
        if self.tables.lacks_receive() && self.receive_patience.is_over(now) {
            self.evict_receive(port);
            return true;
        }
        false
    }

    /// Writes the word of the map of an endpoint whose transmit queue is resident.
    #[inline(never)]
    fn write_map(&mut self, endpoint: u16, port: &mut impl Port) {
        if self.tables.transmit_of(endpoint).resident().is_some() {
            let map = self.tables.map(endpoint);
            port.issue(Command::map(endpoint, map));
        }
    }

    /// An errand is done.
    #[inline(never)]
    fn succeed(&mut self) {
        self.state = State::Idle;
        if self.errand.cause == Cause::Request {
            self.outcome = Some(Ok(()));
        }
    }

    /// An errand cannot be done now. What caused it still stands, and it is tried again after a pause.
    #[inline(never)]
    fn put_off(&mut self, receive: bool) {
        let errand = self.errand;
        self.state = State::Idle;
        self.statistics.put_off += 1;
        match receive {
            false => {
                // Whoever was left where it was must have time to be used again.
                self.refusals = self.refusals.saturating_add(1);
                self.is_scarce = self.refusals >= PATIENT;
                self.transmit_patience.pause(match self.spared {
                    _ if self.is_scarce => Pause::Long,
                    0 => Pause::Short,
                    _ => Pause::Middle,
                });
            }
            true => self.receive_patience.pause(Pause::Short),
        }
        match errand.cause {
            Cause::Request => self.outcome = Some(Err(Status::NoResources)),
            Cause::Event if receive => self.non_resident(errand.endpoint, false),
            Cause::Event | Cause::Ahead | Cause::Captured | Cause::Missed | Cause::Return => {}
        }
    }

    /// Host memory could not be read for an errand. A captured store or a miss that cannot be served is in the way of
    /// others' behind it: after some attempts its endpoint is given up, and only this one loses anything.
    #[cold]
    #[inline(never)]
    fn read_failed(&mut self, receive: bool, status: Status, port: &mut impl Port) {
        let errand = self.errand;
        self.state = State::Idle;
        self.statistics.failed_reads += 1;
        let patience = match receive {
            false => &mut self.transmit_patience,
            true => &mut self.receive_patience,
        };
        let is_over = patience.fail() >= ATTEMPTS;
        match errand.cause {
            Cause::Request => {
                self.outcome = Some(Err(status));
                return;
            }
            Cause::Event if receive => {
                self.non_resident(errand.endpoint, false);
                return;
            }
            Cause::Event | Cause::Ahead | Cause::Captured | Cause::Missed | Cause::Return => {}
        }
        if !is_over {
            return;
        }
        self.statistics.given_up += 1;
        match receive {
            false => {
                self.transmit_patience = Patience::new();
                self.tables.move_transmit(errand.endpoint, Place::BROKEN);
            }
            true => {
                self.receive_patience = Patience::new();
                self.give_receive_up(errand.endpoint, port);
            }
        }
    }
}

impl Statistics {
    /// One of them.
    pub fn get(&self, counter: ResidencyCounter) -> u32 {
        match counter {
            ResidencyCounter::TransmitInstalls => self.transmit_installs,
            ResidencyCounter::TransmitEvictions => self.transmit_evictions,
            ResidencyCounter::FailedEvictions => self.failed_evictions,
            ResidencyCounter::Spared => self.spared,
            ResidencyCounter::ReceiveInstalls => self.receive_installs,
            ResidencyCounter::ReceiveEvictions => self.receive_evictions,
            ResidencyCounter::Captured => self.captured,
            ResidencyCounter::Missed => self.missed,
            ResidencyCounter::Copied => self.copied,
            ResidencyCounter::Discarded => self.discarded,
            ResidencyCounter::Shed => self.shed,
            ResidencyCounter::LostMisses => self.lost_misses,
            ResidencyCounter::PutOff => self.put_off,
            ResidencyCounter::FailedReads => self.failed_reads,
            ResidencyCounter::GivenUp => self.given_up,
            ResidencyCounter::Invalid => self.invalid,
        }
    }

    const NONE: Statistics = Statistics {
        transmit_installs: 0,
        transmit_evictions: 0,
        failed_evictions: 0,
        spared: 0,
        receive_installs: 0,
        receive_evictions: 0,
        copied: 0,
        discarded: 0,
        shed: 0,
        lost_misses: 0,
        put_off: 0,
        failed_reads: 0,
        given_up: 0,
        invalid: 0,
        captured: 0,
        missed: 0,
    };
}
