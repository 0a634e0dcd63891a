//! An endpoint that sends: its driver, what the page decoder keeps of it, and its firmware; and the resident slot it
//! may hold.

use heapless::Vec;
use protocol::{
    EndpointPage, Gap, Index, Limits, LossReport, Rule, Rules, Sender, Stored, TransmitResidency,
    residency::{TransmitAction, TransmitEvent},
};

use crate::broken::AllBut;

/// Most messages in flight.
const SLOTS: usize = 4;
/// So many messages can be told apart.
const INDICES: usize = 8;
/// Stores on their way from a driver to its page.
const POSTED: usize = 10;

/// How a message is stored.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Form {
    /// One store.
    Express,
    /// Two stores to BAR4, then a producer store.
    Inline,
    /// A producer store; the body stands in host memory.
    HostRing,
}

/// A slot of the NIU. The message number stands for destination and payload.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Entry {
    /// Number of the message.
    pub message: u8,
    /// Where its body stands.
    pub form: Form,
}

/// A posted write of the driver.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Store<const BITS: u32> {
    /// An Express message.
    Express(u8),
    /// A part of a body.
    Body {
        /// The one that is sent.
        message: u8,
        /// 0 or 1.
        part: u8,
    },
    /// The producer index behind this message.
    Producer(Entry),
    /// A resume store.
    Resume(Index<BITS>),
}

/// What stands in a place of an inline page.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Part {
    Cleared,
    Message(u8),
    /// Of another endpoint.
    Foreign,
}

/// What an endpoint's world is like.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// All, but for one that is taken away.
    pub rules: AllBut,
    /// Messages that its driver sends.
    pub messages: u8,
    /// Express or inline.
    pub form: Form,
    /// Most messages in flight.
    pub window: u8,
    /// The endpoint may store so many messages while it is away.
    pub quota: u8,
    /// The capture buffer's size.
    pub capture: u8,
    /// The driver launches bodies that it has never stored.
    pub hostile: bool,
    /// The driver stores more than its queue can hold.
    pub greedy: bool,
}

/// The endpoint.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Source<const BITS: u32> {
    // Driver.
    next: u8,
    /// Messages before this one go through the host ring.
    through_ring: u8,
    handled: Index<BITS>,
    posted: Vec<Store<BITS>, POSTED>,
    shadow: LossReport<BITS>,
    // Page decoder.
    page: EndpointPage<BITS, AllBut>,
    parts: [[Part; 2]; SLOTS],
    // Firmware.
    residency: TransmitResidency<BITS, AllBut>,
    table: [Option<Entry>; INDICES],
    command: Option<TransmitAction<BITS>>,
    /// A command that should be one step and is not: what its first half has read.
    half: Option<Index<BITS>>,
    /// Messages that are done.
    pub passed: u8,
}

/// A resident slot.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Slot<const BITS: u32> {
    /// Whose it is.
    pub owner: Option<u8>,
    /// The record.
    pub sender: Sender<BITS, AllBut>,
    gap: Gap<BITS>,
    entries: [Option<Entry>; SLOTS],
    /// Nothing is launched: the slot is free, or its queue comes or goes.
    stopped: bool,
}

impl<const BITS: u32> Slot<BITS> {
    /// A free slot.
    pub fn new(plan: &Plan) -> Self {
        Self {
            owner: None,
            sender: Sender::new(plan.rules, limits(plan), 0),
            gap: Gap::default(),
            entries: [None; SLOTS],
            stopped: true,
        }
    }

    /// The queue is destroyed, whatever its state.
    pub fn clear(&mut self) {
        self.sender.free();
        self.owner = None;
        self.gap = Gap::default();
        self.entries = [None; SLOTS];
        self.stopped = true;
    }
}

fn limits(plan: &Plan) -> Limits {
    Limits {
        window: plan.window,
        give_up: 0,
        doublings: 0,
    }
}

fn place<const BITS: u32>(index: Index<BITS>) -> usize {
    usize::from(index.position())
}

/// A step of the endpoint.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub enum SourceAction {
    Issue,
    SeeLoss,
    Store,
    Report,
    DrainCapture,
    Want,
    Execute,
    Launch,
    Unwant,
    Answered,
    GivePage,
    TakePage,
}

/// A captured store: the endpoint, and what it captured.
pub type Captured<const BITS: u32> = (u8, Index<BITS>, Entry);

/// What an endpoint's step needs of the node.
#[derive(Debug)]
pub struct Node<'a, const BITS: u32> {
    /// The endpoint's number.
    pub number: u8,
    /// All resident slots: one.
    pub slot: &'a mut Slot<BITS>,
    /// The capture buffer, in order.
    pub captured: &'a mut Vec<Captured<BITS>, 4>,
}

/// A message that leaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Launched<const BITS: u32> {
    /// Number of the message.
    pub message: u8,
    /// [`protocol::Launch`].
    pub launch: protocol::Launch<BITS>,
}

/// What was violated.
pub type Fault = &'static str;

impl<const BITS: u32> Source<BITS> {
    /// At the start nothing is stored, and the endpoint is away.
    pub fn new(plan: &Plan) -> Self {
        Self {
            next: 0,
            through_ring: 0,
            handled: Index::new(0),
            posted: Vec::new(),
            shadow: LossReport::default(),
            page: EndpointPage::new(plan.rules, Index::new(plan.quota)),
            parts: [[Part::Cleared; 2]; SLOTS],
            residency: TransmitResidency::new(plan.rules),
            table: [None; INDICES],
            command: None,
            half: None,
            passed: 0,
        }
    }

    /// Whether the endpoint holds the slot.
    pub fn owns(&self, number: u8, slot: &Slot<BITS>) -> bool {
        slot.owner == Some(number)
    }

    /// Lists what may happen. `captured`: the oldest entry of the capture buffer.
    pub fn actions(
        &self,
        plan: &Plan,
        number: u8,
        slot: &Slot<BITS>,
        captured: Option<&Captured<BITS>>,
        mut add: impl FnMut(SourceAction),
    ) {
        let credit = plan.greedy || self.next < self.passed + plan.window;
        if credit && self.next < plan.messages && self.posted.len() <= 2 {
            add(SourceAction::Issue);
        }
        let seen = if plan.rules.holds(Rule::ActOnce) {
            self.shadow.losses != self.handled
        } else {
            self.shadow.losses != Index::new(0)
        };
        if seen && self.posted.len() <= 2 {
            add(SourceAction::SeeLoss);
        }
        if !self.posted.is_empty() {
            add(SourceAction::Store);
        }
        if self.page.loss().is_some_and(|loss| loss != self.shadow) {
            add(SourceAction::Report);
        }
        if captured.is_some_and(|captured| captured.0 == number) {
            add(SourceAction::DrainCapture);
        }
        if slot.owner.is_none() && !self.residency.has_slot() {
            add(SourceAction::Want);
        }
        if self.command.is_some() {
            add(SourceAction::Execute);
        }
        if self.owns(number, slot) {
            if self.can_launch(plan, slot) {
                add(SourceAction::Launch);
            }
            let answered = slot.sender.save().is_some() && self.command.is_none();
            if answered && self.awaits_answers(number, slot) {
                add(SourceAction::Answered);
            }
            if !slot.stopped && self.command.is_none() {
                add(SourceAction::Unwant);
            }
        }
        if plan.form != Form::Express {
            let idle = self.page.producer() == Index::new(self.passed);
            match self.page.inline.page() {
                None => add(SourceAction::GivePage),
                Some(_) if idle || !plan.rules.holds(Rule::PageStaysWhileUsed) => {
                    add(SourceAction::TakePage);
                }
                Some(_) => {}
            }
        }
    }

    /// What the firmware, or the hardware in its turn, has to do before anything else can change.
    pub fn command(&self, number: u8, slot: &Slot<BITS>) -> Option<SourceAction> {
        if self.command.is_some() {
            return Some(SourceAction::Execute);
        }
        let answered = self.awaits_answers(number, slot) && slot.sender.save().is_some();
        answered.then_some(SourceAction::Answered)
    }

    /// Whether the queue is stopped, and is evicted once nothing is unanswered.
    fn awaits_answers(&self, number: u8, slot: &Slot<BITS>) -> bool {
        self.owns(number, slot) && slot.stopped && self.page.is_resident()
    }

    fn can_launch(&self, plan: &Plan, slot: &Slot<BITS>) -> bool {
        let limit = slot.gap.launch_limit(plan.rules, self.page.producer());
        !slot.stopped && slot.sender.ready(limit).is_some()
    }

    /// Carries out a step. Returns the message that leaves by it.
    pub fn step(
        &mut self,
        plan: &Plan,
        action: SourceAction,
        node: &mut Node<BITS>,
    ) -> Result<Option<Launched<BITS>>, Fault> {
        match action {
            SourceAction::Issue => self.issue(plan),
            SourceAction::SeeLoss => self.see_loss(plan),
            SourceAction::Store => {
                let store = self.posted.remove(0);
                return self.store(plan, store, node);
            }
            SourceAction::Report => {
                self.shadow = self.page.loss().expect("there is a loss to report");
                if !plan.rules.holds(Rule::ResumeByStore) {
                    self.page.on_resume(self.shadow.lost_from);
                }
            }
            SourceAction::DrainCapture => {
                let (_, index, entry) = node.captured.remove(0);
                self.table[usize::from(index.value())] = Some(entry);
                self.tell(TransmitEvent::Captured);
            }
            SourceAction::Want => {
                node.slot.owner = Some(node.number);
                self.tell(TransmitEvent::Wanted);
            }
            SourceAction::Execute => {
                let command = self.command.take().expect("there is a command");
                self.execute(plan, command, node.slot);
            }
            SourceAction::Launch => return self.launch(plan, node.slot).map(Some),
            SourceAction::Unwant => self.tell(TransmitEvent::Unwanted),
            SourceAction::Answered => self.tell(TransmitEvent::Answered),
            SourceAction::GivePage => {
                if plan.rules.holds(Rule::PageCleared) {
                    self.parts = [[Part::Cleared; 2]; SLOTS];
                }
                self.page.inline.give(0);
            }
            SourceAction::TakePage => {
                let idle = self.page.producer() == Index::new(self.passed);
                self.page.inline.take_away(idle);
                self.parts = [[Part::Foreign; 2]; SLOTS];
            }
        }
        Ok(None)
    }

    /// A message is done: the consumer index moves.
    pub fn pass(&mut self, plan: &Plan, passed: u8) {
        self.passed += passed;
        if self.page.is_resident() {
            self.page.on_limit(Index::new(self.passed + plan.window));
        }
    }

    fn tell(&mut self, event: TransmitEvent<BITS>) {
        let table = &self.table;
        let captured = |index: Index<BITS>| table[usize::from(index.value())].is_some();
        let action = self.residency.step(event, captured);
        self.command = self.command.or(action);
    }

    fn issue(&mut self, plan: &Plan) {
        let message = self.next;
        let form = if message < self.through_ring {
            Form::HostRing
        } else {
            plan.form
        };
        let ahead = !plan.rules.holds(Rule::ProducerCoversBodies)
            && form == Form::Inline
            && message + 1 < plan.messages.min(self.passed + plan.window);
        let messages = if ahead {
            message..message + 2
        } else {
            message..message + 1
        };
        let post = |posted: &mut Vec<_, POSTED>, store| posted.push(store).expect("it is bounded");
        if form == Form::Inline && !plan.hostile {
            for message in messages.clone() {
                for part in [0, 1] {
                    post(&mut self.posted, Store::Body { message, part });
                }
            }
        }
        for message in messages {
            let store = match form {
                Form::Express => Store::Express(message),
                Form::Inline | Form::HostRing => Store::Producer(Entry { message, form }),
            };
            post(&mut self.posted, store);
            self.next += 1;
        }
    }

    fn see_loss(&mut self, plan: &Plan) {
        self.handled = self.shadow.losses;
        let from = self.shadow.lost_from;
        let lost = self.passed + from.since(Index::new(self.passed));
        if plan.form == Form::Inline {
            self.through_ring = self.through_ring.max(self.next);
        }
        self.next = self.next.min(lost);
        if plan.rules.holds(Rule::ResumeByStore) {
            self.posted
                .push(Store::Resume(from))
                .expect("there was room");
        }
    }

    fn store(
        &mut self,
        plan: &Plan,
        store: Store<BITS>,
        node: &mut Node<BITS>,
    ) -> Result<Option<Launched<BITS>>, Fault> {
        let room = node.captured.len() < usize::from(plan.capture);
        let (stored, entry) = match store {
            Store::Express(message) => {
                let form = Form::Express;
                (self.page.on_express(room), Entry { message, form })
            }
            Store::Producer(entry) => {
                let producer = Index::new(entry.message + 1);
                let inline = entry.form == Form::Inline;
                let parts = self.parts[place(Index::<BITS>::new(entry.message))];
                let whole = inline && parts == [Part::Message(entry.message); 2];
                let open = self.page.is_resident() && self.page.loss().is_none();
                let stored = self.page.on_producer(producer, inline, room);
                if whole && open && stored == Stored::Refused {
                    return Err("a whole body was refused");
                }
                (stored, entry)
            }
            Store::Body { message, part } => {
                if self.page.inline.on_store().is_some() {
                    let place = place(Index::<BITS>::new(message));
                    self.parts[place][usize::from(part)] = Part::Message(message);
                }
                return Ok(None);
            }
            Store::Resume(index) => {
                self.page.on_resume(index);
                return Ok(None);
            }
        };
        match stored {
            Stored::Resident(index) => {
                let before = index;
                let short = entry.form == Form::Express
                    && !node.slot.stopped
                    && node
                        .slot
                        .gap
                        .short_way(plan.rules, node.slot.sender.launched(), before)
                    && !node.slot.sender.is_refused();
                node.slot.entries[place(index)] = Some(entry);
                if short && let Some(launch) = node.slot.sender.launch(self.page.producer()) {
                    if launch.index != index {
                        return Err("the short way was taken past others");
                    }
                    let message = entry.message;
                    return Ok(Some(Launched { message, launch }));
                }
            }
            Stored::Captured(index) => {
                let captured = (node.number, index, entry);
                node.captured.push(captured).expect("there was room");
            }
            Stored::Refused => {}
        }
        Ok(None)
    }

    fn launch(&mut self, plan: &Plan, slot: &mut Slot<BITS>) -> Result<Launched<BITS>, Fault> {
        let limit = slot.gap.launch_limit(plan.rules, self.page.producer());
        let launch = slot.sender.launch(limit).expect("it may be launched");
        let entry = slot.entries[place(launch.index)];
        let Entry { message, form } = entry.ok_or("a slot was sent that nobody has filled")?;
        if form == Form::Inline {
            let parts = self.parts[place(launch.index)];
            if parts.contains(&Part::Foreign) {
                return Err("another endpoint's body was sent");
            }
            if !plan.hostile && parts != [Part::Message(message); 2] {
                return Err("a torn body was sent");
            }
        }
        Ok(Launched { message, launch })
    }

    fn execute(&mut self, plan: &Plan, command: TransmitAction<BITS>, slot: &mut Slot<BITS>) {
        match command {
            TransmitAction::Install(saved) => {
                if !plan.rules.holds(Rule::CutWithFlip) && self.half.is_none() {
                    self.half = Some(self.page.producer());
                    self.command = Some(command);
                    return;
                }
                slot.sender.load(limits(plan), &saved);
                for distance in 0..saved.launched.since(saved.consumer) {
                    let index = saved.consumer.plus(distance);
                    slot.entries[place(index)] = self.table[usize::from(index.value())].take();
                }
                slot.stopped = false;
                let limit = Index::new(self.passed + plan.window);
                let cut = self.page.install(limit);
                let cut = self.half.take().unwrap_or(cut);
                slot.gap = Gap::new(saved.launched, cut);
                self.tell(TransmitEvent::Installed { cut });
            }
            TransmitAction::Fill(index) => {
                slot.entries[place(index)] = self.table[usize::from(index.value())].take();
                slot.gap.on_filled();
                self.tell(TransmitEvent::Filled);
            }
            TransmitAction::Stop => slot.stopped = true,
            TransmitAction::Evict => {
                if !plan.rules.holds(Rule::FlipBeforeSave) && self.half.is_none() {
                    self.half = Some(self.page.producer());
                    self.command = Some(command);
                    return;
                }
                let ahead = self.page.producer().since(Index::new(self.passed));
                let most = (ahead + plan.quota).min(plan.window);
                let producer = self.page.evict(Index::new(self.passed + most));
                let producer = self.half.take().unwrap_or(producer);
                let saved = slot.sender.save().expect("nothing is unanswered");
                slot.sender.free();
                self.tell(TransmitEvent::Evicted { producer, saved });
            }
            TransmitAction::Save { from, to, gap } => {
                for distance in 0..to.since(from) {
                    let index = from.plus(distance);
                    if !gap.contains(index) {
                        self.table[usize::from(index.value())] = slot.entries[place(index)];
                    }
                }
                slot.clear();
                self.tell(TransmitEvent::Saved);
            }
        }
    }
}
