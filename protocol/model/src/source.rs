//! An endpoint that sends: its driver, what the page decoder keeps of it, and its firmware; and the resident slots.

use heapless::Vec;
use protocol::{
    CapturedStore, EndpointPage, Index, Limits, LossReport, Replay, Rule, Rules, Sender, StoreKind,
    Stored, TransmitResidency,
    capture::Found,
    residency::{TransmitAction, TransmitEvent},
};

use crate::broken::AllBut;

/// Most messages in flight.
const SLOTS: usize = 4;
/// Stores on their way from a driver to its page.
const POSTED: usize = 10;
/// Stores in the capture buffer.
const CAPTURED: usize = 8;

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

/// A message's slot of the NIU. The message number stands for destination and payload.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Entry {
    /// Number of the message.
    pub message: u8,
    /// Where its body stands.
    pub form: Form,
    /// The endpoint that stored it, and the how manyth one of that number.
    pub owner: (u8, u8),
}

/// What another endpoint has left in a slot.
const FOREIGN: Entry = Entry {
    message: 0,
    form: Form::Inline,
    owner: (u8::MAX, 0),
};

/// A posted write of the driver.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Store<const BITS: u32> {
    /// An Express message.
    Express(u8),
    /// A part of a body.
    Body {
        /// Index of the message it belongs to.
        message: u8,
        /// 0, the head, or 1.
        part: u8,
    },
    /// The producer index behind this message.
    Producer {
        /// What is sent.
        message: u8,
        /// Where its body stands.
        form: Form,
    },
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
    /// Which of them hold.
    pub rules: AllBut,
    /// Messages that its driver sends.
    pub messages: u8,
    /// Express or inline.
    pub form: Form,
    /// Most messages in flight.
    pub window: u8,
    /// The endpoint may have so many stores in the capture buffer.
    pub share: u8,
    /// The capture buffer's size.
    pub capture: u8,
    /// The driver launches bodies that it has not stored, or in part.
    pub hostile: bool,
    /// The driver stores more than its queue can hold.
    pub greedy: bool,
}

/// The endpoint.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Source<const BITS: u32> {
    number: u8,
    /// The how manyth endpoint of its number it is.
    life: u8,
    // Driver.
    next: u8,
    /// Messages before this one go through the host ring.
    through_ring: u8,
    handled: Index<BITS>,
    posted: Vec<Store<BITS>, POSTED>,
    /// The shadow line: messages that are done, and losses.
    pub told: u8,
    shadow: LossReport<BITS>,
    // Page decoder.
    page: EndpointPage<BITS, AllBut>,
    /// A store that has read the map.
    incoming: Option<(Store<BITS>, Found)>,
    parts: [[Part; 2]; SLOTS],
    /// A loss was not seen by firmware.
    event: bool,
    /// Stores beyond the free slots; they are reported as errors.
    rejected: u8,
    // Firmware.
    residency: TransmitResidency<BITS, AllBut>,
    command: Option<TransmitAction<BITS>>,
    /// The first half of the command is done, and the map is to be written.
    half: Option<bool>,
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
    /// First message that it was not given to launch.
    given: Index<BITS>,
    /// What other owners have left stands there, too.
    entries: [Entry; SLOTS],
    /// What the shadow line must say of losses; and whether it says something else.
    line: Option<LossReport<BITS>>,
    dirty: bool,
}

impl<const BITS: u32> Slot<BITS> {
    /// A free slot.
    pub fn new(plan: &Plan) -> Self {
        Self {
            owner: None,
            sender: Sender::new(plan.rules, limits(plan), 0),
            given: Index::new(0),
            entries: [FOREIGN; SLOTS],
            line: None,
            dirty: false,
        }
    }

    /// The queue is evicted or destroyed, whatever its state. Until it is installed again others use the slot.
    pub fn clear(&mut self) {
        self.sender.free();
        self.entries = [FOREIGN; SLOTS];
        self.owner = None;
        self.given = Index::new(0);
        self.line = None;
        self.dirty = false;
    }
}

fn limits(plan: &Plan) -> Limits {
    Limits {
        window: plan.window,
        give_up: 0,
        doublings: 0,
        patience: 0,
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
    LookUp,
    Verdict,
    WriteLine,
    TakeReport,
    TakeReportAndLose,
    TakeReportWithoutSlot,
    TakeEvent,
    Want,
    Execute,
    Launch,
    Unwant,
    GivePage,
    TakePage,
}

/// A captured store: the endpoint, the store, and what it holds.
pub type Captured<const BITS: u32> = (u8, CapturedStore<BITS>, Entry);
/// Stores that wait, of all endpoints.
pub type CaptureBuffer<const BITS: u32> = Vec<Captured<BITS>, CAPTURED>;

/// What an endpoint's step needs of the node.
#[derive(Debug)]
pub struct Node<'a, const BITS: u32> {
    /// All resident slots.
    pub slots: &'a mut [Slot<BITS>],
    /// The capture buffer, in order.
    pub captured: &'a mut CaptureBuffer<BITS>,
}

/// A message that leaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Launched<const BITS: u32> {
    /// From this slot.
    pub slot: usize,
    /// Number of the message.
    pub message: u8,
    /// [`protocol::Launch`].
    pub launch: protocol::Launch<BITS>,
    /// The slot holds something else, and no frame is made. The message is done, with an error.
    pub rejected: bool,
}

/// What was violated.
pub type Fault = &'static str;

impl<const BITS: u32> Source<BITS> {
    /// At the start nothing is stored, and the endpoint is away.
    pub fn new(plan: &Plan, number: u8) -> Self {
        Self {
            number,
            life: 0,
            next: 0,
            through_ring: 0,
            handled: Index::new(0),
            posted: Vec::new(),
            told: 0,
            shadow: LossReport::default(),
            page: EndpointPage::new(plan.rules, Index::new(plan.window), plan.share),
            incoming: None,
            parts: [[Part::Cleared; 2]; SLOTS],
            event: false,
            rejected: 0,
            residency: TransmitResidency::new(plan.rules),
            command: None,
            half: None,
            passed: 0,
        }
    }

    /// The slot that it holds.
    pub fn slot(&self, slots: &[Slot<BITS>]) -> Option<usize> {
        let number = Some(self.number);
        slots.iter().position(|slot| slot.owner == number)
    }

    /// Everything is done, and the driver knows.
    pub fn is_complete(&self, plan: &Plan) -> bool {
        self.told + self.rejected == plan.messages
    }

    /// Whether a store has read the map and waits for its verdict.
    pub fn has_incoming(&self) -> bool {
        self.incoming.is_some()
    }

    /// Whether firmware waits for the end of a command.
    pub fn is_busy(&self) -> bool {
        self.command.is_some()
    }

    /// Whether it is away and firmware has a reason to install it.
    pub fn wants_slot(&self, oldest: Option<&Captured<BITS>>) -> bool {
        let captured = oldest.is_some_and(|captured| captured.0 == self.number);
        self.residency.may_load() && (captured || self.event)
    }

    /// The endpoint is destroyed, and its number given to a new one if that is possible.
    pub fn renew(&mut self, plan: &Plan) -> bool {
        let mut page = self.page;
        let renewed = page.renew(Index::new(plan.window));
        if renewed {
            *self = Self {
                life: self.life + 1,
                page,
                ..Self::new(plan, self.number)
            };
        }
        renewed
    }

    /// A captured store of an endpoint that does not exist is thrown away.
    pub fn discard(&mut self, store: &CapturedStore<BITS>) {
        self.page.replay(store, Replay::Discard);
    }

    /// Lists what may happen. `free`: firmware has nothing else to do.
    pub fn actions(
        &self,
        plan: &Plan,
        slots: &[Slot<BITS>],
        oldest: Option<&Captured<BITS>>,
        free: bool,
        mut add: impl FnMut(SourceAction),
    ) {
        let credit = plan.greedy || self.next < self.told + plan.window;
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
        if self.incoming.is_some() {
            add(SourceAction::Verdict);
        } else if !self.posted.is_empty() {
            add(SourceAction::LookUp);
        }
        let slot = self.slot(slots).map(|slot| &slots[slot]);
        if slot.is_some_and(|slot| slot.dirty) {
            add(SourceAction::WriteLine);
        }
        if slot.is_some_and(|slot| slot.sender.ready(slot.given).is_some()) {
            add(SourceAction::Launch);
        }
        if free {
            self.firmware(plan, slots, oldest, &mut add);
        } else if self.command.is_some() && self.can_execute(plan, slot) {
            add(SourceAction::Execute);
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

    /// What firmware may begin.
    fn firmware(
        &self,
        plan: &Plan,
        slots: &[Slot<BITS>],
        oldest: Option<&Captured<BITS>>,
        add: &mut impl FnMut(SourceAction),
    ) {
        let reported = oldest.is_some_and(|captured| captured.0 == self.number);
        let present = self.residency.has_slot();
        let vacant = slots.iter().any(|slot| slot.owner.is_none());
        if reported && (present || self.residency.is_shedding()) {
            add(SourceAction::TakeReport);
        }
        if reported && present {
            add(SourceAction::TakeReportAndLose);
        }
        if self.event && present {
            add(SourceAction::TakeEvent);
        }
        if self.wants_slot(oldest) && vacant {
            add(SourceAction::Want);
        }
        let sheds = plan.rules.holds(Rule::ShedWithoutSlot);
        if reported && !present && !self.residency.is_shedding() && sheds {
            add(SourceAction::TakeReportWithoutSlot);
        }
        if self.residency.may_leave() {
            add(SourceAction::Unwant);
        }
    }

    /// What firmware has begun, or the shadow line must say, in a world in which nothing comes between.
    pub fn command(&self, plan: &Plan, slots: &[Slot<BITS>]) -> Option<SourceAction> {
        let slot = self.slot(slots).map(|slot| &slots[slot]);
        if self.command.is_none() {
            let line = slot.is_some_and(|slot| slot.dirty);
            return line.then_some(SourceAction::WriteLine);
        }
        Some(if self.can_execute(plan, slot) {
            SourceAction::Execute
        } else if self.incoming.is_some() {
            SourceAction::Verdict
        } else {
            SourceAction::WriteLine
        })
    }

    /// A command may have to wait for what came before it.
    fn can_execute(&self, plan: &Plan, slot: Option<&Slot<BITS>>) -> bool {
        if self.command != Some(TransmitAction::Save) {
            return true;
        }
        let direct = |&(_, found): &(_, Found)| self.page.is_direct(found);
        let line = slot.is_none_or(|slot| !slot.dirty);
        let settled =
            !plan.rules.holds(Rule::LeaveBeforeSave) || !self.incoming.as_ref().is_some_and(direct);
        settled && (line || !plan.rules.holds(Rule::LineBeforeSave))
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
            SourceAction::LookUp => {
                let store = self.posted.remove(0);
                self.incoming = self.look_up(store);
            }
            SourceAction::Verdict => {
                let (store, found) = self.incoming.take().expect("a store came");
                return self.verdict(plan, store, found, node);
            }
            SourceAction::WriteLine => {
                let slot = self.slot(node.slots).expect("it holds one");
                let slot = &mut node.slots[slot];
                slot.dirty = false;
                self.told = self.passed;
                self.shadow = slot.line.unwrap_or(self.shadow);
                if !plan.rules.holds(Rule::ResumeByStore) {
                    self.page.on_resume(self.shadow.lost_from);
                }
            }
            SourceAction::TakeReport => self.tell(TransmitEvent::Captured),
            SourceAction::TakeReportAndLose => self.tell(TransmitEvent::Endless),
            SourceAction::TakeReportWithoutSlot => self.tell(TransmitEvent::NoSlot),
            SourceAction::TakeEvent => {
                self.event = false;
                self.tell(TransmitEvent::Lost);
            }
            SourceAction::Want => {
                let vacant = node.slots.iter_mut().find(|slot| slot.owner.is_none());
                vacant.expect("a slot is free").owner = Some(self.number);
                self.event = false;
                self.tell(TransmitEvent::Wanted);
            }
            SourceAction::Execute => {
                let command = self.command.expect("there is a command");
                self.execute(plan, command, node)?;
            }
            SourceAction::Launch => {
                let slot = self.slot(node.slots).expect("it holds one");
                return self.launch(plan, slot, &mut node.slots[slot]).map(Some);
            }
            SourceAction::Unwant => self.tell(TransmitEvent::Unwanted),
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
    pub fn pass(&mut self, plan: &Plan, passed: u8, slot: &mut Slot<BITS>) {
        self.passed += passed;
        self.page.on_limit(Index::new(self.passed + plan.window));
        slot.dirty |= passed > 0;
    }

    fn tell(&mut self, event: TransmitEvent<BITS>) {
        self.command = self.residency.step(event);
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
            && message + 1 < plan.messages.min(self.told + plan.window);
        let messages = if ahead {
            message..message + 2
        } else {
            message..message + 1
        };
        let post = |posted: &mut Vec<_, POSTED>, store| posted.push(store).expect("it is bounded");
        if form == Form::Inline {
            for message in messages.clone() {
                // A hostile driver stores the head of one message only.
                let parts = match (plan.hostile, message) {
                    (false, _) => 0..2,
                    (true, 1) => 0..1,
                    (true, _) => 0..0,
                };
                for part in parts {
                    post(&mut self.posted, Store::Body { message, part });
                }
            }
        }
        for message in messages {
            let store = match form {
                Form::Express => Store::Express(message),
                Form::Inline | Form::HostRing => Store::Producer { message, form },
            };
            post(&mut self.posted, store);
            self.next += 1;
        }
    }

    fn see_loss(&mut self, plan: &Plan) {
        self.handled = self.shadow.losses;
        let from = self.shadow.lost_from;
        let lost = self.told + from.since(Index::new(self.told));
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

    /// A store comes. What needs no verdict is done at once.
    fn look_up(&mut self, store: Store<BITS>) -> Option<(Store<BITS>, Found)> {
        match store {
            Store::Body { message, part: 1 } => {
                if self.page.inline.on_store().is_some() {
                    self.parts[place(Index::<BITS>::new(message))][1] = Part::Message(message);
                }
                None
            }
            Store::Resume(index) => {
                self.page.on_resume(index);
                None
            }
            _ => Some((store, self.page.look_up())),
        }
    }

    fn verdict(
        &mut self,
        plan: &Plan,
        store: Store<BITS>,
        found: Found,
        node: &mut Node<BITS>,
    ) -> Result<Option<Launched<BITS>>, Fault> {
        let room = node.captured.len() < usize::from(plan.capture);
        let slot = self.slot(node.slots);
        let losses = self.page.loss();
        let direct = self.page.is_direct(found);
        let (message, form) = match store {
            Store::Express(message) => (message, Form::Express),
            Store::Body { message, .. } => (message, Form::Inline),
            Store::Producer { message, form } => (message, form),
            Store::Resume(_) => unreachable!("it needs no verdict"),
        };
        let entry = Entry {
            message,
            form,
            owner: (self.number, self.life),
        };
        let at = Index::<BITS>::new(message);
        let stored = match store {
            Store::Express(_) => self.page.on_express(found, room),
            Store::Body { .. } => {
                let stored = self.page.on_head(at, found, room);
                if self.page.inline.page().is_some() {
                    self.parts[place(at)][0] = Part::Message(message);
                }
                stored
            }
            _ => {
                let inline = form == Form::Inline;
                let whole = inline && self.parts[place(at)] == [Part::Message(message); 2];
                let left = self.page.inline.has_left_heads();
                let stored = self.page.on_producer(at.plus(1), inline, found, room);
                let open = direct && losses.is_none() && !left;
                if whole && open && stored == Stored::Lost {
                    return Err("a whole body was refused");
                }
                stored
            }
        };
        if self.page.loss() != losses {
            self.event |= plan.rules.holds(Rule::LossIsEvent);
            if let Some(slot) = slot.filter(|_| direct) {
                node.slots[slot].line = self.page.loss();
                node.slots[slot].dirty = true;
            }
        }
        match stored {
            Stored::Direct(index) => {
                // Without a slot it is gone.
                let Some(number) = slot else { return Ok(None) };
                let slot = &mut node.slots[number];
                let short = form == Form::Express
                    && slot.sender.launched() == index
                    && slot.given == index
                    && !slot.sender.is_refused();
                let kind = match store {
                    Store::Express(_) => StoreKind::Express,
                    Store::Body { .. } => StoreKind::Head,
                    _ => StoreKind::Producer,
                };
                carry_out(slot, kind, index, entry);
                if short && slot.sender.ready(slot.given).is_some() {
                    return self.launch(plan, number, slot).map(Some);
                }
            }
            Stored::Captured(store) => {
                let captured = (self.number, store, entry);
                node.captured
                    .push(captured)
                    .map_err(|_| "the capture buffer overflows")?;
            }
            Stored::Rejected => self.rejected += 1,
            Stored::Lost => {}
        }
        Ok(None)
    }

    fn launch(
        &self,
        plan: &Plan,
        number: usize,
        slot: &mut Slot<BITS>,
    ) -> Result<Launched<BITS>, Fault> {
        let launch = slot.sender.launch(slot.given).expect("it may be launched");
        let Entry {
            message,
            form,
            owner,
        } = slot.entries[place(launch.index)];
        let foreign = owner != (self.number, self.life);
        let rejected = foreign && plan.rules.holds(Rule::SlotHasOwner);
        if foreign && !plan.hostile {
            return Err("a slot was sent that nobody has filled");
        }
        if foreign && !rejected {
            return Err("another endpoint's slot was sent");
        }
        if form == Form::Inline && !rejected {
            let parts = self.parts[place(launch.index)];
            if parts.contains(&Part::Foreign) {
                return Err("another endpoint's body was sent");
            }
            if !plan.hostile && parts != [Part::Message(message); 2] {
                return Err("a torn body was sent");
            }
        }
        Ok(Launched {
            slot: number,
            message,
            launch,
            rejected,
        })
    }

    fn execute(
        &mut self,
        plan: &Plan,
        command: TransmitAction<BITS>,
        node: &mut Node<BITS>,
    ) -> Result<(), Fault> {
        let slot = self.slot(node.slots);
        let mut slot = slot.map(|slot| &mut node.slots[slot]);
        self.command = None;
        match command {
            TransmitAction::Load(consumer) => {
                let slot = slot.as_mut().expect("it has one");
                slot.sender.load(limits(plan), consumer);
                slot.given = consumer;
                slot.line = None;
                slot.dirty = true;
                self.tell(TransmitEvent::Loaded);
            }
            TransmitAction::Replay(how) => {
                if let Some(more) = self.half.take() {
                    self.page.set_resident(true);
                    self.tell(TransmitEvent::Replayed { more });
                    return Ok(());
                }
                let mut own =
                    (0..node.captured.len()).filter(|&at| node.captured[at].0 == self.number);
                let at = if plan.rules.holds(Rule::ReplayInOrder) {
                    own.next()
                } else {
                    own.next_back()
                };
                let (_, store, entry) = node.captured.remove(at.ok_or("nothing is captured")?);
                let losses = self.page.loss();
                let more = self.page.replay(&store, how);
                self.event |= self.page.loss() != losses && plan.rules.holds(Rule::LossIsEvent);
                if how == Replay::Discard {
                    self.tell(TransmitEvent::Replayed { more });
                    return Ok(());
                }
                if entry.owner != (self.number, self.life) {
                    return Err("a former endpoint's message was sent");
                }
                let slot = slot.as_mut().expect("it has one");
                carry_out(slot, store.kind, store.index, entry);
                if !more {
                    self.tell_line(slot);
                }
                self.half = Some(more);
                self.command = Some(command);
            }
            TransmitAction::Map => {
                if self.half.take().is_some() {
                    self.page.set_resident(true);
                    return Ok(());
                }
                self.page.bring();
                if self.page.captured() == 0 {
                    self.tell_line(slot.as_mut().expect("it has one"));
                }
                self.half = Some(false);
                self.command = Some(command);
            }
            TransmitAction::Leave => {
                self.page.set_resident(false);
                self.tell(TransmitEvent::Left);
            }
            TransmitAction::Save => {
                let slot = slot.as_mut().expect("it has one");
                let any = !plan.rules.holds(Rule::EvictIdle);
                let saved = slot.sender.save();
                let idle = saved.filter(|&consumer| any || consumer == slot.given);
                if idle.is_some() {
                    slot.clear();
                }
                self.tell(TransmitEvent::Saved { idle });
            }
        }
        Ok(())
    }

    /// The shadow line tells of a loss, if one stands.
    fn tell_line(&self, slot: &mut Slot<BITS>) {
        if let Some(loss) = self.page.loss() {
            slot.line = Some(loss);
            slot.dirty = true;
        }
    }
}

/// A store reaches its queue.
fn carry_out<const BITS: u32>(
    slot: &mut Slot<BITS>,
    kind: StoreKind,
    index: Index<BITS>,
    entry: Entry,
) {
    match kind {
        StoreKind::Express => {
            slot.entries[place(index)] = entry;
            slot.given = index.plus(1);
        }
        StoreKind::Head => slot.entries[place(index)] = entry,
        StoreKind::Producer => {
            if entry.form == Form::HostRing {
                slot.entries[usize::from(entry.message) % usize::from(Index::<BITS>::WINDOW)] =
                    entry;
            }
            slot.given = index;
        }
    }
}
