//! All protocols together: whose turn it is.

use crate::admin::{self, Admin};
use crate::policy::{Chosen, Policy};
use crate::port::Port;
use crate::residency::{Residency, Statistics};
use crate::rings::AdminRegisters;
use crate::tables::Limits;
use abi::command::completion_status::CompletionStatus;

/// Things done for captured stores, misses and events in a row while an admin request waits.
const MOST_IN_A_ROW: u8 = 8;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// The admin doorbell rang.
    Doorbell(AdminRegisters),
    /// A command completed.
    Completed {
        /// What the command was given to be known by.
        token: u16,
        /// How it ended; `None` if the hardware gave a number that this firmware does not know.
        status: Option<CompletionStatus>,
    },
    /// A captured store of this endpoint was reported. Only if [`Firmware::takes_captured`] and with room for a
    /// command.
    Captured(u16),
    /// A message for this identifier in the miss ring was reported. Only if [`Firmware::takes_missed`].
    Missed(u16),
    /// A store to this endpoint that was not captured was reported. Only if [`Firmware::takes_event`].
    NonResidentEvent {
        /// Number of the endpoint.
        endpoint: u16,
        /// It may have been a message's, and lost.
        lost: bool,
    },
    /// The command queue has room, and nothing else is to be told. With the time in processor cycles.
    Room(u32),
}

/// What there is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    /// A step was made since it was worked out.
    Unknown,
    /// Something.
    Some,
    /// Nothing.
    None,
    /// Nothing, and the next captured store or miss finds all that it needs (V26).
    Armed,
}

/// All protocols of the service processor.
///
/// `QUEUES`: most resident queues a side; `ENDPOINTS`, `IDENTIFIERS`: most endpoints and receive queue identifiers,
/// powers of two; `P`: whose queue is taken when another endpoint needs one.
#[derive(Clone, Debug)]
pub struct Firmware<
    const QUEUES: usize,
    const ENDPOINTS: usize,
    const IDENTIFIERS: usize,
    P = Chosen<QUEUES>,
> {
    admin: Admin,
    residency: Residency<QUEUES, ENDPOINTS, IDENTIFIERS, P>,
    /// Things done by the residency protocol since an admin request was begun.
    in_a_row: u8,
    /// What there is to do, which only a step changes.
    work: Work,
}

impl<const QUEUES: usize, const ENDPOINTS: usize, const IDENTIFIERS: usize, P: Policy>
    Firmware<QUEUES, ENDPOINTS, IDENTIFIERS, P>
{
    /// Nothing is known. `policies`: of the transmit side, of the receive side. Must be started before it is told
    /// anything.
    pub const fn new(policies: [P; 2]) -> Self {
        Firmware {
            admin: Admin::new(0),
            residency: Residency::new(policies),
            in_a_row: 0,
            work: Work::Unknown,
        }
    }

    /// The first firmware since the hardware's reset, of source revision `revision`. Whatever was before, is forgotten.
    pub fn start(&mut self, revision: u32, limits: Limits) {
        self.admin = Admin::new(revision);
        self.residency.start(limits);
        self.in_a_row = 0;
        self.work = Work::Unknown;
    }

    /// New firmware, which was started, follows one that was stopped. `registers`: the admin queue's, as they are now;
    /// off while the NIU's requests are stopped, so that the rings that the host sets up then are new ones.
    /// `generations`: what [`Port::keep`] said of each transmit queue last, 0 if nothing.
    ///
    /// Endpoints live on, but nobody knows them any more. So that they are not disturbed, all that
    /// the driver can have of this firmware is its identity, until it sets up new rings; submissions that the earlier
    /// firmware may have taken are not answered, nor are captured stores carried out.
    pub fn resume(&mut self, registers: AdminRegisters, generations: [u8; QUEUES]) {
        self.admin.resume(registers);
        self.residency.tables.set_generations(generations);
        self.work = Work::Unknown;
    }

    /// The admin queue's registers as they were last told; off if nothing is known of them.
    pub fn registers(&self) -> AdminRegisters {
        self.admin.registers()
    }

    /// What was done since the rings were set up.
    pub fn statistics(&self) -> &Statistics {
        &self.residency.statistics
    }

    /// Whether a report of a captured store may be told.
    #[inline]
    pub fn takes_captured(&self) -> bool {
        self.residency.takes_captured() && !self.admin.is_orphaned()
    }

    /// Whether a report of a message in the miss ring may be told.
    #[inline]
    pub fn takes_missed(&self) -> bool {
        !self.admin.is_orphaned()
    }

    /// Whether the event of a store that was not captured may be told.
    #[inline]
    pub fn takes_event(&self) -> bool {
        self.residency.takes_event()
    }

    /// Whether [`Input::Room`] would bring something about, now or after a pause.
    #[inline]
    pub fn wants_room(&mut self, port: &mut impl Port) -> bool {
        if self.work == Work::Unknown {
            self.look_for_work(port);
        }
        self.work == Work::Some
    }

    /// So late is it, in processor cycles. Must be told now and then.
    #[inline]
    pub fn tick(&mut self, now: u32) {
        if self.residency.tick(now) {
            self.work = Work::Unknown;
        }
    }

    /// Whether [`Firmware::tick`] would bring something about soon: the processor must not sleep until then.
    #[inline]
    pub fn watches_time(&self) -> bool {
        self.residency.watches_time()
    }

    #[inline(never)]
    fn look_for_work(&mut self, port: &mut impl Port) {
        let may_begin = self.residency.is_idle() && !self.is_barred();
        self.work = match self.admin.wants_room() || (may_begin && self.residency.has_work()) {
            true => Work::Some,
            false if may_begin && self.residency.arm(port) => Work::Armed,
            false => Work::None,
        };
    }

    /// The residency protocol must not begin anything.
    #[inline]
    fn is_barred(&self) -> bool {
        self.admin.is_unsettled() || !self.admin.is_idle()
    }

    /// Takes one input, and does through `port` what it takes.
    // Each kind of input is a function of its own, which the caller calls directly: one function for all would save
    // every register for each.
    #[inline(always)]
    pub fn step(&mut self, input: Input, port: &mut impl Port) {
        match input {
            Input::Completed { token, status } => self.completed(token, status, port),
            Input::Captured(endpoint) => self.captured(endpoint, port),
            Input::Room(now) => self.proceed(now, port),
            Input::Missed(identifier) => self.missed(identifier, port),
            Input::NonResidentEvent { endpoint, lost } => {
                if !self.admin.is_unsettled() {
                    self.residency.non_resident(endpoint, lost);
                }
            }
            Input::Doorbell(registers) => {
                if self.admin.ring(registers) {
                    self.residency.stop();
                }
            }
        }
        self.work = Work::Unknown;
    }

    #[inline(always)]
    fn completed(&mut self, token: u16, status: Option<CompletionStatus>, port: &mut impl Port) {
        if (admin::FIRST..admin::END).contains(&token) {
            self.admin
                .completed(token, status, &mut self.residency, port);
        } else {
            self.residency.completed(token, status, port);
        }
    }

    #[inline(always)]
    fn captured(&mut self, endpoint: u16, port: &mut impl Port) {
        if self.work == Work::Armed && self.residency.captured_armed(endpoint, port) {
            return;
        }
        self.residency.captured(endpoint);
        if self.has_turn() && self.residency.serve_at_once(endpoint, port) {
            self.in_a_row = self.in_a_row.saturating_add(1);
        }
    }

    #[inline(always)]
    fn missed(&mut self, identifier: u16, port: &mut impl Port) {
        if self.work == Work::Armed && self.residency.missed_armed(identifier, port) {
            return;
        }
        let may_begin = self.may_begin();
        self.residency.missed(identifier, port);
        if may_begin && self.residency.may_serve_missed() {
            self.residency.serve_missed(port);
            self.in_a_row = self.in_a_row.saturating_add(1);
        }
    }

    /// Whether the residency protocol may begin something, without being asked for room first.
    #[inline(always)]
    fn may_begin(&self) -> bool {
        self.residency.is_idle() && self.has_turn()
    }

    /// Whether it is the residency protocol's turn: admin requests that wait have theirs after some of its own.
    #[inline(always)]
    fn has_turn(&self) -> bool {
        !self.is_barred() && (self.in_a_row < MOST_IN_A_ROW || !self.admin.wants_room())
    }

    #[inline(always)]
    fn proceed(&mut self, now: u32, port: &mut impl Port) {
        if self.may_begin() && self.residency.has_work() && self.residency.begin(now, port) {
            self.in_a_row = self.in_a_row.saturating_add(1);
            return;
        }
        if self.residency.is_idle() || !self.admin.is_idle() || self.admin.is_unsettled() {
            self.in_a_row = 0;
            self.admin.proceed(&mut self.residency, port);
        }
    }
}
