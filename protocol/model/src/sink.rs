//! Receive queues that come and go: their records, their firmware, their rings in host memory, and the host; and the
//! miss ring that they share.

use heapless::Vec;
use protocol::{
    Put, ReceiveQueue, ReceiveResidency, Rule, Rules,
    miss::Found,
    residency::{ReceiveAction, ReceiveEvent},
};

use crate::broken::AllBut;

/// Most entries of a ring.
const ENTRIES: usize = 4;

/// What a receive queue's world is like.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// All, but for one that is taken away.
    pub rules: AllBut,
    /// Entries of the ring: a power of two.
    pub entries: u16,
    /// Entries of the miss ring.
    pub misses: u8,
}

/// An entry of the miss ring.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Miss<M> {
    /// Its receive queue.
    pub queue: u8,
    message: M,
    /// Host memory has it.
    written: bool,
    /// Firmware knows of it.
    reported: bool,
    /// It was copied.
    done: bool,
}

/// The miss ring of a node.
pub type MissRing<M> = Vec<Miss<M>, ENTRIES>;

/// A receive queue. `M` stands for a message.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Sink<M> {
    number: u8,
    queue: ReceiveQueue<AllBut>,
    residency: ReceiveResidency<AllBut>,
    command: Option<ReceiveAction>,
    /// By place: the message and its index. The index stands for the phase bit.
    ring: [Option<(M, u16)>; ENTRIES],
    /// The host's consumer index.
    taken: u16,
    /// A consumer index on its way, and whether it has found the queue resident.
    stored: Option<(u16, bool)>,
    /// Firmware was told of a consumer index.
    event: bool,
    awake: bool,
}

/// A step of the receive queue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub enum SinkAction {
    Unwant,
    Want,
    TakeEvent,
    Execute { miss: u8 },
    Drained,
    HostTakes,
    ConsumerArrives,
    HostSleeps,
}

/// What was violated.
pub type Fault = &'static str;

/// An entry reaches host memory, or firmware takes a report. Each of them in the ring's order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub enum MissAction {
    Write,
    Report,
}

/// Lists what may happen to a miss ring.
pub fn miss_actions<M>(plan: &Plan, ring: &MissRing<M>, mut add: impl FnMut(MissAction)) {
    if ring.iter().any(|miss| !miss.written) {
        add(MissAction::Write);
    }
    let next = ring.iter().find(|miss| !miss.reported);
    let early = !plan.rules.holds(Rule::ReportBehindWrite);
    if next.is_some_and(|miss| miss.written || early) {
        add(MissAction::Report);
    }
}

/// It happens.
pub fn miss_step<M>(ring: &mut MissRing<M>, action: MissAction) {
    let next = ring.iter_mut();
    match action {
        MissAction::Write => {
            next.filter(|miss| !miss.written)
                .for_each(|miss| miss.written = true);
        }
        MissAction::Report => {
            let mut unreported = next.filter(|miss| !miss.reported);
            unreported.next().expect("there is one").reported = true;
        }
    }
}

impl<M: Copy + PartialEq> Sink<M> {
    /// Empty, and the host is asleep.
    pub fn new(plan: &Plan, number: u8, resident: bool) -> Self {
        let queue = if resident {
            ReceiveQueue::new(plan.rules, plan.entries)
        } else {
            ReceiveQueue::away(plan.rules, plan.entries)
        };
        Self {
            number,
            queue,
            residency: ReceiveResidency::new(plan.rules, plan.entries, resident),
            command: None,
            ring: [None; ENTRIES],
            taken: 0,
            stored: None,
            event: false,
            awake: false,
        }
    }

    /// Whether it holds a queue of the NIU, or is on its way.
    pub fn has_slot(&self) -> bool {
        !self.residency.is_away()
    }

    /// Whether firmware waits for the end of a job.
    pub fn is_busy(&self) -> bool {
        !self.residency.is_away() && !self.residency.is_present() || self.command.is_some()
    }

    /// Whether it is away and firmware has a reason to install it.
    pub fn wants_slot(&self, ring: &MissRing<M>) -> bool {
        let mut own = ring.iter().filter(|miss| miss.queue == self.number);
        let missed = own.any(|miss| miss.reported && !miss.done);
        self.residency.is_away() && (missed || self.event && self.residency.is_starved())
    }

    /// A message's header came.
    pub fn look_up(&self) -> Found {
        self.queue.look_up()
    }

    /// Whether a message finds room.
    pub fn has_room(&self, plan: &Plan, ring: &MissRing<M>, found: Found) -> bool {
        self.queue.has_room(found, ring.len() < plan.misses.into())
    }

    /// A message is committed that has found room.
    pub fn commit(
        &mut self,
        plan: &Plan,
        ring: &mut MissRing<M>,
        found: Found,
        message: M,
    ) -> Result<(), Fault> {
        match self.queue.commit(found, ring.len() < plan.misses.into()) {
            Put::Entry(index) => self.write(plan, index, message, true),
            Put::Miss => {
                let miss = Miss {
                    queue: self.number,
                    message,
                    written: false,
                    reported: false,
                    done: false,
                };
                ring.push(miss).map_err(|_| "the miss ring overflows")
            }
            Put::Refused => Err("refused after all"),
        }
    }

    /// Lists what may happen. `free`: firmware has nothing else to do; `vacant`: a queue of the NIU is free.
    pub fn actions(
        &self,
        plan: &Plan,
        ring: &MissRing<M>,
        free: bool,
        vacant: bool,
        mut add: impl FnMut(SinkAction),
    ) {
        self.firmware(plan, ring, free, vacant, &mut add);
        if self.stored.is_some() {
            add(SinkAction::ConsumerArrives);
        }
        if self.awake {
            match self.next_entry(plan) {
                Some(_) if self.stored.is_none() => add(SinkAction::HostTakes),
                Some(_) => {}
                None => add(SinkAction::HostSleeps),
            }
        }
    }

    /// The place of the entry of the miss ring that is copied next, if it was reported.
    fn next_misses<'a>(&self, ring: &'a MissRing<M>) -> impl Iterator<Item = u8> + 'a {
        let number = self.number;
        let of_it = move |miss: &Miss<M>| miss.queue == number && miss.reported && !miss.done;
        (0..ring.len() as u8).filter(move |&at| of_it(&ring[usize::from(at)]))
    }

    fn firmware(
        &self,
        plan: &Plan,
        ring: &MissRing<M>,
        free: bool,
        vacant: bool,
        add: &mut impl FnMut(SinkAction),
    ) {
        match self.command {
            Some(ReceiveAction::Copy { .. }) => {
                let any = !plan.rules.holds(Rule::MissOrder);
                let misses: Vec<u8, ENTRIES> = self.next_misses(ring).collect();
                let chosen = if any {
                    misses.len()
                } else {
                    misses.len().min(1)
                };
                for &miss in &misses[..chosen] {
                    add(SinkAction::Execute { miss });
                }
                let all = !plan.rules.holds(Rule::ReportsComplete)
                    || !plan.rules.holds(Rule::CloseBeforeCopy)
                    || ring.iter().all(|miss| miss.reported);
                if misses.is_empty() && all {
                    add(SinkAction::Drained);
                }
            }
            Some(ReceiveAction::Disable) => {
                let under_way = self.stored.is_some_and(|(_, resident)| resident);
                if !under_way || !plan.rules.holds(Rule::ConsumerSettles) {
                    add(SinkAction::Execute { miss: 0 });
                }
            }
            Some(_) => add(SinkAction::Execute { miss: 0 }),
            None if !free => {}
            None => {
                if self.wants_slot(ring) && vacant {
                    add(SinkAction::Want);
                }
                if self.residency.is_present() {
                    if self.event {
                        add(SinkAction::TakeEvent);
                    }
                    add(SinkAction::Unwant);
                }
            }
        }
    }

    /// Carries out a step. Returns the message that the host has taken.
    pub fn step(
        &mut self,
        plan: &Plan,
        ring: &mut MissRing<M>,
        action: SinkAction,
    ) -> Result<Option<M>, Fault> {
        match action {
            SinkAction::Unwant => self.tell(ReceiveEvent::Unwanted),
            SinkAction::Want => {
                self.event = false;
                self.tell(ReceiveEvent::Wanted);
            }
            SinkAction::TakeEvent => {
                self.event = false;
                self.tell(ReceiveEvent::Consumer);
            }
            SinkAction::Execute { miss } => {
                let command = self.command.take().expect("there is a command");
                self.execute(plan, ring, command, usize::from(miss))?;
            }
            SinkAction::Drained => self.tell(ReceiveEvent::Drained),
            SinkAction::HostTakes => {
                let message = self.next_entry(plan).expect("there is an entry");
                self.taken += 1;
                self.stored = Some((self.taken, self.queue.is_resident()));
                return Ok(Some(message));
            }
            SinkAction::ConsumerArrives => {
                let (index, resident) = self.stored.take().expect("it was stored");
                self.event |= self.queue.on_consumer(index, resident);
            }
            SinkAction::HostSleeps => self.awake = false,
        }
        Ok(None)
    }

    fn next_entry(&self, plan: &Plan) -> Option<M> {
        let (message, index) = self.ring[usize::from(self.taken % plan.entries)]?;
        (index == self.taken).then_some(message)
    }

    fn write(&mut self, plan: &Plan, index: u16, message: M, wake: bool) -> Result<(), Fault> {
        if index.wrapping_sub(self.taken) >= plan.entries {
            return Err("an entry was overwritten that the host has not taken");
        }
        let place = &mut self.ring[usize::from(index % plan.entries)];
        if place.is_some_and(|(_, before)| before == index) {
            return Err("an entry was written twice");
        }
        *place = Some((message, index));
        self.awake |= wake;
        Ok(())
    }

    fn tell(&mut self, event: ReceiveEvent) {
        self.command = self.residency.step(event);
    }

    fn execute(
        &mut self,
        plan: &Plan,
        ring: &mut MissRing<M>,
        command: ReceiveAction,
        at: usize,
    ) -> Result<(), Fault> {
        match command {
            ReceiveAction::Disable => {
                self.queue.set_resident(false);
                self.queue.disable();
            }
            ReceiveAction::Save => {
                let record = self.queue.save();
                self.tell(ReceiveEvent::Saved(record));
                return Ok(());
            }
            ReceiveAction::SetRow(row) => self.queue.set_row(row),
            ReceiveAction::Copy { place } => {
                let miss = &mut ring[at];
                if !miss.written {
                    return Err("an entry was read that is not written");
                }
                miss.done = true;
                let message = miss.message;
                if plan.rules.holds(Rule::GiveBackInOrder) {
                    while ring.first().is_some_and(|miss| miss.done) {
                        ring.remove(0);
                    }
                } else if !ring[0].done {
                    return Err("an entry was given back that nobody has copied");
                } else {
                    ring.remove(0);
                }
                self.write(plan, place, message, plan.rules.holds(Rule::CopyWakes))?;
            }
            ReceiveAction::Load(record) => self.queue.load(record),
            ReceiveAction::Map => {
                self.queue.set_resident(true);
                return Ok(());
            }
        }
        self.tell(ReceiveEvent::Done);
        Ok(())
    }
}
