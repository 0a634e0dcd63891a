//! A receive queue that comes and goes: its record, its firmware, its rings in host memory, and the host.

use heapless::Vec;
use protocol::{
    Map, Put, ReceiveQueue, ReceiveResidency, Rule, Rules,
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

/// The receive queue. `M` stands for a message.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Sink<M> {
    queue: ReceiveQueue<AllBut>,
    residency: ReceiveResidency<AllBut>,
    command: Option<ReceiveAction>,
    /// A command that should be one step and is not: what its first half has read.
    half: Option<Map>,
    missed: Vec<M, ENTRIES>,
    /// By place: the message and its index. The index stands for the phase bit.
    ring: [Option<(M, u16)>; ENTRIES],
    /// The host's consumer index.
    taken: u16,
    awake: bool,
}

/// A step of the receive queue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub enum SinkAction {
    Unwant,
    Want,
    Execute { miss: u8 },
    HostTakes,
    HostSleeps,
}

/// What was violated.
pub type Fault = &'static str;

impl<M: Copy + PartialEq> Sink<M> {
    /// Resident and empty, and the host is asleep.
    pub fn new(plan: &Plan) -> Self {
        Self {
            queue: ReceiveQueue::new(plan.rules, plan.entries),
            residency: ReceiveResidency::new(plan.rules, plan.entries),
            command: None,
            half: None,
            missed: Vec::new(),
            ring: [None; ENTRIES],
            taken: 0,
            awake: false,
        }
    }

    /// A message's header came.
    pub fn look_up(&self) -> Found {
        self.queue.look_up()
    }

    /// Whether a message finds room.
    pub fn has_room(&self, plan: &Plan, found: Found) -> bool {
        self.queue
            .has_room(found, self.missed.len() < plan.misses.into())
    }

    /// A message is committed that has found room.
    pub fn commit(&mut self, plan: &Plan, found: Found, message: M) -> Result<(), Fault> {
        let away = matches!(self.queue.map, Map::Away { .. });
        match self
            .queue
            .commit(found, self.missed.len() < plan.misses.into())
        {
            Put::Entry(_) if away => Err("a record was written that is saved already"),
            Put::Entry(index) => self.write(plan, index, message, true),
            Put::Miss if !away => Err("a miss was counted of a resident queue"),
            Put::Miss => self
                .missed
                .push(message)
                .map_err(|_| "the miss ring overflows"),
            Put::Refused => Err("refused after all"),
        }
    }

    /// Lists what may happen.
    pub fn actions(&self, plan: &Plan, mut add: impl FnMut(SinkAction)) {
        if let Some(command) = self.command {
            let filled = matches!(command, ReceiveAction::Fill { .. });
            let any = filled && !plan.rules.holds(Rule::MissOrder);
            let choices = if any { self.missed.len() as u8 } else { 1 };
            (0..choices).for_each(|miss| add(SinkAction::Execute { miss }));
        } else if matches!(self.queue.map, Map::Away { .. }) {
            add(SinkAction::Want);
        }
        let settled = self.command.is_none() || !plan.rules.holds(Rule::EvictWithoutGap);
        let gap = self.residency.has_gap() && plan.rules.holds(Rule::EvictWithoutGap);
        if matches!(self.queue.map, Map::Resident(_)) && settled && !gap {
            add(SinkAction::Unwant);
        }
        if self.awake {
            add(match self.next_entry(plan) {
                Some(_) => SinkAction::HostTakes,
                None => SinkAction::HostSleeps,
            });
        }
    }

    /// Carries out a step. Returns the message that the host has taken.
    pub fn step(&mut self, plan: &Plan, action: SinkAction) -> Result<Option<M>, Fault> {
        match action {
            SinkAction::Unwant => self.tell(ReceiveEvent::Unwanted),
            SinkAction::Want => self.tell(ReceiveEvent::Wanted),
            SinkAction::Execute { miss } => {
                let command = self.command.take().expect("there is a command");
                self.execute(plan, command, miss)?;
            }
            SinkAction::HostTakes => {
                let message = self.next_entry(plan).expect("there is an entry");
                self.taken += 1;
                self.queue.on_consumer(self.taken);
                return Ok(Some(message));
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
        let action = self.residency.step(event);
        self.command = action.or(self.command);
    }

    fn execute(&mut self, plan: &Plan, command: ReceiveAction, miss: u8) -> Result<(), Fault> {
        let read_first = |half: &mut Option<Map>, rule| {
            let first = !plan.rules.holds(rule) && half.is_none();
            first.then(|| *half = Some(self.queue.map)).is_some()
        };
        match command {
            ReceiveAction::Evict => {
                if read_first(&mut self.half, Rule::FlipWithSave) {
                    self.command = Some(command);
                    return Ok(());
                }
                let ring = self.queue.evict().ok_or("evicted twice")?;
                let saved = match self.half.take() {
                    Some(Map::Resident(before)) => before,
                    _ => ring,
                };
                self.tell(ReceiveEvent::Evicted(saved));
            }
            ReceiveAction::Install(saved) => {
                if read_first(&mut self.half, Rule::CountWithFlip) {
                    self.command = Some(command);
                    return Ok(());
                }
                let mut count = self.queue.install(saved).ok_or("installed twice")?;
                if let Some(Map::Away { count: before, .. }) = self.half.take() {
                    count = before;
                    if let Map::Resident(ring) = &mut self.queue.map {
                        ring.producer = saved.producer + before;
                    }
                }
                self.tell(ReceiveEvent::Installed { count });
            }
            ReceiveAction::Fill { place } => {
                if self.missed.is_empty() {
                    return Err("a gap without a missed message");
                }
                let message = self.missed.remove(miss.into());
                self.write(plan, place, message, plan.rules.holds(Rule::FillWakes))?;
                self.tell(ReceiveEvent::Filled);
            }
        }
        Ok(())
    }
}
