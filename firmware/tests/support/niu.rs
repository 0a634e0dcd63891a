//! What the hardware does with commands, stores and messages, as `abi` says it, and the host's memory.

use super::{PAGE_BYTES, QUEUES, Random};
use abi::command::completion_status::CompletionStatus;
use abi::command::{
    DeliverOperand, DeliveredControl, EntryPlace, GiveBackOperand, Header, LoadedControl,
    RecordOperand, ReplayOperand, StateOperand, TransferOperand, chain, opcode,
};
use abi::queue_state::{
    EndpointMap, REGION_ENDPOINT_MAP, REGION_INTERRUPT, REGION_RECEIVE_MAP, REGION_RECEIVE_QUEUE,
    REGION_RESUME, REGION_SEGMENT, REGION_TRANSLATION, REGION_TRANSMIT_QUEUE, ReceiveControl,
    ReceiveIndices, ReceiveInterrupt, ReceiveMap, SEGMENT_EXTENT, SEGMENT_WORDS_LOG2, SEGMENTS,
    TransmitControl, TransmitProgress,
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use wayfarer_firmware::{AdminRegisters, Command, Limits, Port};

/// Messages of an endpoint that may be unanswered.
pub const WINDOW: u16 = 64;

/// What of an endpoint stays with its page.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// Messages accepted.
    pub producer: u16,
    /// Messages answered.
    pub consumer: u16,
    /// All stores are refused until the program starts again from here.
    pub lost_from: Option<u16>,
    /// The shadow line says so.
    pub is_told: bool,
    /// Consumer index of the receive ring.
    pub taken: u16,
    /// Whether an interrupt was asked for while the receive queue was away.
    pub wish: Option<bool>,
    /// It takes no more messages.
    pub failed: bool,
}

/// A captured store.
#[derive(Clone, Copy, Debug)]
pub struct Captured {
    pub endpoint: u16,
    pub message: u32,
    /// Its index.
    producer: u16,
    /// It stands behind one that was lost.
    stale: bool,
}

/// Interrupt of a receive queue.
#[derive(Clone, Copy, Debug, Default)]
pub struct Alarm {
    pub enabled: bool,
    vector: u8,
    delivered: u16,
    armed: bool,
}

/// Endpoint, word, and completion: token and status.
type MapWrite = (u16, u64, Option<(u16, u64)>);

/// A message on its way in, looked up and not committed.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    pub identifier: u16,
    pub number: u32,
    pub length: usize,
    row: ReceiveMap,
}

/// Verdict on a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Accepted,
    Full,
    NotResident,
    TooSmall,
}

/// Host memory, the NIU's memory, its queue state, its command queue.
pub struct Niu {
    /// What there is of everything.
    pub limits: Limits,
    /// What outlives the firmware.
    pub generations: [u8; QUEUES],
    /// Registers as the host last wrote them.
    pub registers: AdminRegisters,
    /// The host stopped the NIU's requests, for rings of this generation.
    pub stopped: Option<u8>,
    /// Level-triggered: the doorbell rang.
    pub doorbell_pending: bool,
    /// Pages of host memory that may be reached.
    pub memory: BTreeMap<u64, Vec<u8>>,
    /// Addresses whose reads get no answer.
    pub silent: BTreeSet<u64>,
    /// Reads of these pages are refused.
    pub withdrawn: BTreeSet<u64>,
    /// Queue state by region and index; absent words are zero.
    pub state: BTreeMap<(usize, usize), u64>,
    /// Answers in the order in which they were written: host address and words.
    pub answers: VecDeque<(u64, [u64; 2])>,
    pub pages: BTreeMap<u16, Page>,
    alarms: BTreeMap<u8, Alarm>,
    /// Vectors that were raised.
    pub raised: BTreeSet<u8>,
    /// The fault: an armed queue is not armed any more behind its eviction.
    pub disarms: bool,
    /// The capture buffer.
    pub captured: VecDeque<Captured>,
    /// Stores that it holds.
    pub capture_room: usize,
    /// Of these, the first so many were reported to this firmware.
    pub reported: usize,
    /// Messages of the miss ring that are being written, then those that were reported.
    pub unreported: VecDeque<u16>,
    pub missed_reports: VecDeque<u16>,
    /// Stores that were not captured: endpoint, and whether one was lost.
    pub events: VecDeque<(u16, bool)>,
    /// Messages that transmit queues have in flight.
    pub in_flight: BTreeMap<u8, VecDeque<u32>>,
    /// Messages that were sent, by endpoint and number of its owner.
    pub sent: BTreeMap<u16, Vec<u32>>,
    pub arrivals: VecDeque<Arrival>,
    /// Programs that stored as fast as their stores were carried out, and were stopped for a moment.
    pub stopped_programs: usize,
    /// Endpoints whose messages are refused for ever.
    pub unanswered: BTreeSet<u16>,
    /// Stores that were thrown away.
    pub discarded: Vec<(u16, u32)>,
    /// Endpoints whose stores may be thrown away although they exist.
    pub may_discard: bool,
    /// One of so many new endpoints is refused because a store to its number is just coming in; 0: none.
    pub busy_one_in: u64,
    /// A word of the map that is written behind its replay, and how that ends.
    map_write: Option<MapWrite>,
    /// Commands issued.
    pub issued: usize,
    pub commands: VecDeque<[u32; 4]>,
    /// Reads under way: token, address, bytes, inbox offset, whether it belongs to the chain.
    pub reads: Vec<(Option<u16>, u64, usize, usize, bool)>,
    /// What the chain is broken by; `Done`: it is whole.
    chain: u64,
    pub completions: VecDeque<(u16, u64)>,
    inbox: Vec<u8>,
    outbox: Vec<u8>,
    /// Generation of the last owner of each transmit queue.
    owners: BTreeMap<usize, u64>,
}

impl Port for Niu {
    fn issue(&mut self, command: Command) {
        self.issued += 1;
        self.commands.push_back(command.words());
    }

    fn inbox(&self, offset: usize) -> u32 {
        assert!(offset.is_multiple_of(4));
        u32::from_le_bytes(self.inbox[offset..offset + 4].try_into().expect("four"))
    }

    fn set_outbox(&mut self, offset: usize, word: u32) {
        assert!(offset.is_multiple_of(4) && offset + 4 <= abi::admin::LOG_OFFSET);
        self.outbox[offset..offset + 4].copy_from_slice(&word.to_le_bytes());
    }

    fn keep(&mut self, transmit_queue: u8, generation: u8) {
        self.generations[usize::from(transmit_queue)] = generation;
    }
}

impl Niu {
    pub fn new(limits: Limits) -> Self {
        Niu {
            limits,
            generations: [0; QUEUES],
            registers: AdminRegisters::default(),
            stopped: None,
            doorbell_pending: false,
            memory: BTreeMap::new(),
            silent: BTreeSet::new(),
            withdrawn: BTreeSet::new(),
            state: BTreeMap::new(),
            answers: VecDeque::new(),
            pages: BTreeMap::new(),
            alarms: BTreeMap::new(),
            raised: BTreeSet::new(),
            disarms: false,
            captured: VecDeque::new(),
            capture_room: 16,
            reported: 0,
            unreported: VecDeque::new(),
            missed_reports: VecDeque::new(),
            events: VecDeque::new(),
            in_flight: BTreeMap::new(),
            sent: BTreeMap::new(),
            arrivals: VecDeque::new(),
            stopped_programs: 0,
            unanswered: BTreeSet::new(),
            discarded: Vec::new(),
            may_discard: false,
            busy_one_in: 0,
            map_write: None,
            chain: CompletionStatus::Done.code(),
            issued: 0,
            commands: VecDeque::new(),
            reads: Vec::new(),
            completions: VecDeque::new(),
            inbox: vec![0; abi::command::INBOX_BYTES],
            outbox: vec![0; abi::command::OUTBOX_BYTES],
            owners: BTreeMap::new(),
        }
    }

    pub fn map(&mut self, address: u64, bytes: u64) {
        for page in address / PAGE_BYTES..(address + bytes).div_ceil(PAGE_BYTES) {
            self.memory.insert(page, vec![0; PAGE_BYTES as usize]);
        }
    }

    fn byte(&self, address: u64) -> Option<u8> {
        let page = self.memory.get(&(address / PAGE_BYTES))?;
        Some(page[(address % PAGE_BYTES) as usize])
    }

    pub fn store(&mut self, address: u64, bytes: &[u8]) {
        for (place, byte) in (address..).zip(bytes) {
            let page = self.memory.get_mut(&(place / PAGE_BYTES));
            let page = page.unwrap_or_else(|| panic!("write to {place:#x}, which is not mapped"));
            page[(place % PAGE_BYTES) as usize] = *byte;
        }
    }

    pub fn load64(&self, address: u64) -> u64 {
        let bytes = std::array::from_fn(|n| self.byte(address + n as u64).expect("mapped"));
        u64::from_le_bytes(bytes)
    }

    pub fn state_word(&self, region: usize, index: usize) -> u64 {
        self.state.get(&(region, index)).copied().unwrap_or(0)
    }

    pub fn map_of(&self, endpoint: u16) -> EndpointMap {
        EndpointMap::unpack(self.state_word(REGION_ENDPOINT_MAP, endpoint.into()))
    }

    fn transmit_control(&self, queue: u8) -> TransmitControl {
        TransmitControl::unpack(self.state_word(REGION_TRANSMIT_QUEUE, 4 * usize::from(queue)))
    }

    fn receive_control(&self, queue: u8) -> ReceiveControl {
        ReceiveControl::unpack(self.state_word(REGION_RECEIVE_QUEUE, 4 * usize::from(queue)))
    }

    pub fn indices(&self, queue: u8) -> ReceiveIndices {
        let word = self.state_word(REGION_RECEIVE_QUEUE, 4 * usize::from(queue) + 2);
        ReceiveIndices::unpack(word)
    }

    fn set_indices(&mut self, queue: u8, indices: ReceiveIndices) {
        let place = (REGION_RECEIVE_QUEUE, 4 * usize::from(queue) + 2);
        self.state.insert(place, indices.pack());
    }

    /// Whether a program may store a message: the endpoint has room, as the shadow line says.
    pub fn has_room(&self, endpoint: u16) -> bool {
        let page = self.pages.get(&endpoint);
        page.is_some_and(|page| page.producer.wrapping_sub(page.consumer) < WINDOW)
    }

    /// A program stores a message.
    pub fn store_message(&mut self, endpoint: u16, message: u32) {
        let map = self.map_of(endpoint);
        if map.exists == 0 {
            return self.events.push_back((endpoint, false));
        }
        let of_it = self.captured_of(endpoint);
        let has_room = self.captured.len() < self.capture_room && of_it < 127;
        let page = self.pages.get_mut(&endpoint).expect("it exists");
        if page.lost_from.is_some() || page.failed {
            return;
        }
        let producer = page.producer;
        if map.transmit_resident == 1 && of_it == 0 {
            page.producer = producer.wrapping_add(1);
            let queue = map.transmit_queue as u8;
            self.in_flight.entry(queue).or_default().push_back(message);
        } else if has_room {
            page.producer = producer.wrapping_add(1);
            self.captured.push_back(Captured {
                endpoint,
                message,
                producer,
                stale: false,
            });
        } else {
            self.lose(endpoint, producer);
        }
    }

    /// Stores of an endpoint in the capture buffer.
    fn captured_of(&self, endpoint: u16) -> usize {
        let of_it = self.captured.iter().filter(|it| it.endpoint == endpoint);
        of_it.count()
    }

    /// Everything from this message on is lost.
    fn lose(&mut self, endpoint: u16, from: u16) {
        let page = self.pages.get_mut(&endpoint).expect("it exists");
        page.producer = from;
        if page.lost_from != Some(from) {
            page.lost_from = Some(from);
            page.is_told = false;
            self.events.push_back((endpoint, true));
        }
    }

    /// Stores that were not reported to this firmware.
    pub fn unreported_stores(&self) -> usize {
        self.captured.len() - self.reported
    }

    /// Reports a captured store.
    pub fn report_captured(&mut self) -> u16 {
        let endpoint = self.captured[self.reported].endpoint;
        self.reported += 1;
        endpoint
    }

    /// A program sees in its shadow line that stores were lost, and starts again: from which message on.
    pub fn resume(&mut self, endpoint: u16) -> Option<u16> {
        let page = self.pages.get_mut(&endpoint).filter(|page| page.is_told)?;
        page.is_told = false;
        page.lost_from.take()
    }

    /// A program gives entries of its receive ring back, and may want an interrupt.
    pub fn store_consumer(&mut self, endpoint: u16, taken: u16, armed: bool) {
        let map = self.map_of(endpoint);
        let Some(page) = self.pages.get_mut(&endpoint).filter(|_| map.exists == 1) else {
            return self.events.push_back((endpoint, false));
        };
        page.taken = taken;
        let is_resident = map.receive_resident == 1;
        page.wish = (!is_resident).then_some(armed);
        if is_resident {
            self.take_consumer(map.receive_queue as u8, taken);
            self.arm(map.receive_queue as u8, taken, armed);
        } else {
            self.events.push_back((endpoint, false));
        }
    }

    fn arm(&mut self, queue: u8, taken: u16, armed: bool) {
        let alarm = self.alarms.entry(queue).or_default();
        let wants = armed && alarm.enabled;
        alarm.armed = wants && alarm.delivered == taken;
        if wants && !alarm.armed {
            self.raised.insert(alarm.vector);
        }
    }

    fn take_consumer(&mut self, queue: u8, taken: u16) {
        // Not bound yet: nothing was delivered.
        if self.receive_control(queue).enabled == 0 {
            return;
        }
        let indices = self.indices(queue);
        let level = (indices.producer as u16).wrapping_sub(taken) as i16;
        let given = taken.wrapping_sub(indices.consumer as u16) as i16;
        assert!(
            given >= 0 && level >= 0,
            "queue {queue}: {taken} of {indices:?}"
        );
        self.set_indices(
            queue,
            ReceiveIndices {
                consumer: taken.into(),
                ..indices
            },
        );
    }

    /// A transmit queue's oldest message is answered.
    pub fn answer(&mut self, queue: u8) -> bool {
        let endpoint = self.transmit_control(queue).endpoint as u16;
        let progress = self.state_word(REGION_TRANSMIT_QUEUE, 4 * usize::from(queue) + 2);
        let has_failed = TransmitProgress::unpack(progress).failed == 1;
        if has_failed || self.unanswered.contains(&endpoint) {
            return false;
        }
        let message = self.in_flight.get_mut(&queue).and_then(VecDeque::pop_front);
        let Some(message) = message else {
            return false;
        };
        let endpoint = self.transmit_control(queue).endpoint as u16;
        let place = (REGION_TRANSMIT_QUEUE, 4 * usize::from(queue) + 2);
        let progress = TransmitProgress::unpack(self.state_word(place.0, place.1));
        let consumer = (progress.consumer as u16).wrapping_add(1);
        let progress = TransmitProgress {
            consumer: consumer.into(),
            ..progress
        };
        self.state.insert(place, progress.pack());
        self.sent.entry(endpoint).or_default().push(message);
        if let Some(page) = self.pages.get_mut(&endpoint) {
            page.consumer = page.consumer.wrapping_add(1);
            assert_eq!(page.consumer, consumer, "consumer index of {endpoint}");
        }
        true
    }

    /// A transmit queue fails: what it has in flight is never answered, and its endpoint takes no more.
    pub fn fail(&mut self, queue: u8) {
        let endpoint = self.transmit_control(queue).endpoint as u16;
        let place = (REGION_TRANSMIT_QUEUE, 4 * usize::from(queue) + 2);
        let progress = TransmitProgress::unpack(self.state_word(place.0, place.1));
        let progress = TransmitProgress {
            failed: 1,
            ..progress
        };
        self.state.insert(place, progress.pack());
        self.pages.get_mut(&endpoint).expect("it exists").failed = true;
    }

    /// A message comes in: its identifier is looked up.
    pub fn arrive(&mut self, identifier: u16, number: u32, length: usize) {
        let row = self.state_word(REGION_RECEIVE_MAP, identifier.into());
        self.arrivals.push_back(Arrival {
            identifier,
            number,
            length,
            row: ReceiveMap::unpack(row),
        });
    }

    /// Commits the oldest message that came in.
    pub fn commit(&mut self) -> Option<(Arrival, Verdict)> {
        let arrival = self.arrivals.pop_front()?;
        let verdict = self.verdict(&arrival);
        Some((arrival, verdict))
    }

    fn verdict(&mut self, arrival: &Arrival) -> Verdict {
        let Arrival {
            identifier, row, ..
        } = *arrival;
        if row.resident == 0 {
            return Verdict::NotResident;
        }
        let queue = row.queue as u8;
        let control = self.receive_control(queue);
        let bytes = (arrival.length + 8).max(16);
        let indices = self.indices(queue);
        let level = (indices.producer as u16).wrapping_sub(indices.consumer as u16);
        let is_full = u64::from(level) == 1 << control.entries_log2;
        if control.enabled == 1 && control.takes_misses == 1 {
            let place = (REGION_RECEIVE_MAP, usize::from(identifier));
            let row = ReceiveMap::unpack(self.state_word(place.0, place.1));
            if row.queue != u64::from(queue) || row.allowance == 0 || is_full {
                return Verdict::Full;
            }
            if bytes > 1 << row.stride_log2 {
                return Verdict::TooSmall;
            }
            let allowance = row.allowance - 1;
            self.state
                .insert(place, ReceiveMap { allowance, ..row }.pack());
            self.write_entry(queue, control, arrival);
            self.unreported.push_back(identifier);
            return Verdict::Accepted;
        }
        if control.enabled == 0 || control.receive_queue_id != u64::from(identifier) || is_full {
            return Verdict::Full;
        }
        if bytes > 1 << control.stride_log2 {
            return Verdict::TooSmall;
        }
        self.write_entry(queue, control, arrival);
        Verdict::Accepted
    }

    fn write_entry(&mut self, queue: u8, control: ReceiveControl, arrival: &Arrival) {
        let indices = self.indices(queue);
        let ring = self.state_word(REGION_RECEIVE_QUEUE, 4 * usize::from(queue) + 1);
        let index = indices.producer & ((1 << control.entries_log2) - 1);
        let phase = 1 - (indices.producer >> control.entries_log2) % 2;
        let producer = (indices.producer as u16).wrapping_add(1).into();
        self.set_indices(
            queue,
            ReceiveIndices {
                producer,
                ..indices
            },
        );
        let bytes = entry(arrival.identifier, arrival.number, arrival.length, phase);
        self.store(ring + (index << control.stride_log2), &bytes);
        if control.takes_misses == 1 {
            return;
        }
        let alarm = self.alarms.entry(queue).or_default();
        alarm.delivered = alarm.delivered.wrapping_add(1);
        assert_eq!(alarm.delivered, producer as u16, "entries of queue {queue}");
        if std::mem::take(&mut alarm.armed) {
            self.raised.insert(alarm.vector);
        }
    }

    /// `REPLAY_STORE`, up to the word of the map: how it ends, and whether the word is written.
    fn replay(&mut self, operand: ReplayOperand, data: u64, random: &mut Random) -> (u64, bool) {
        let endpoint = operand.endpoint as u16;
        let map = EndpointMap::unpack(data);
        assert!(operand.store == 0 || map.fresh == 0, "both at once");
        if operand.store == 1 {
            self.carry_out(operand);
        }
        let left = self.captured_of(endpoint);
        let is_coming_in = self.busy_one_in != 0 && random.below(self.busy_one_in) == 0;
        if map.fresh == 1 {
            if left > 0 || is_coming_in {
                return (CompletionStatus::Busy.code(), false);
            }
            self.pages.insert(endpoint, Page::default());
            self.sent.remove(&endpoint);
        }
        let discards = operand.discard == 1;
        let resident = self.map_of(endpoint).transmit_resident == 1
            || (map.transmit_resident == 1 && !discards);
        if left == 0
            && resident
            && let Some(page) = self.pages.get_mut(&endpoint)
        {
            page.is_told = page.lost_from.is_some();
        }
        let status = match operand.store == 1 && left > 0 {
            true => CompletionStatus::Busy,
            false => CompletionStatus::Done,
        };
        (status.code(), !discards)
    }

    /// What becomes of the oldest captured store.
    fn carry_out(&mut self, operand: ReplayOperand) {
        let endpoint = operand.endpoint as u16;
        let store = self.captured.pop_front().expect("no store is captured");
        self.reported = self.reported.saturating_sub(1);
        assert_eq!(
            store.endpoint, endpoint,
            "the oldest captured store is another's"
        );
        if store.stale {
            return;
        }
        if operand.discard == 0 {
            let queue = operand.queue as u8;
            let control = self.transmit_control(queue);
            assert_eq!((control.enabled, control.endpoint), (1, operand.endpoint));
            let in_flight = self.in_flight.entry(queue).or_default();
            in_flight.push_back(store.message);
            if operand.lose == 1 && self.pages[&endpoint].lost_from.is_none() {
                self.stopped_programs += 1;
                self.lose(endpoint, self.pages[&endpoint].producer);
            }
            return;
        }
        self.discarded.push((endpoint, store.message));
        if self.map_of(endpoint).exists == 0 {
            return;
        }
        assert!(self.may_discard, "a store of {endpoint} is thrown away");
        let of_it = self.captured.iter_mut();
        of_it
            .filter(|it| it.endpoint == endpoint)
            .for_each(|it| it.stale = true);
        self.lose(endpoint, store.producer);
    }

    /// Writes the word of the map behind a replay. The consumer index that was kept reaches the queue.
    fn write_map(&mut self, endpoint: u16, data: u64) {
        let map = EndpointMap::unpack(data);
        if map.receive_resident == 1 {
            let page = self.pages.get_mut(&endpoint).expect("it exists");
            let (queue, taken, wish) = (map.receive_queue as u8, page.taken, page.wish.take());
            self.take_consumer(queue, taken);
            if let Some(armed) = wish {
                self.arm(queue, taken, armed);
            }
        }
        let map = EndpointMap { fresh: 0, ..map };
        self.write_state(REGION_ENDPOINT_MAP, endpoint.into(), map.pack());
    }

    /// Writes a word of queue state. Whatever order the words come in, none makes a half-made endpoint reachable.
    fn write_state(&mut self, region: usize, index: usize, data: u64) {
        if region == REGION_RESUME {
            assert!(self.reads.is_empty(), "reads of before are under way");
            self.stopped = self.stopped.filter(|&stopped| u64::from(stopped) != data);
            return;
        }
        let limits = self.limits;
        let limit = match region {
            REGION_ENDPOINT_MAP => limits.endpoints,
            REGION_TRANSMIT_QUEUE => 4 * limits.transmit_queues,
            REGION_RECEIVE_QUEUE => 4 * limits.receive_queues,
            REGION_TRANSLATION => limits.translation_entries,
            REGION_RECEIVE_MAP => limits.receive_queue_ids,
            REGION_SEGMENT => SEGMENTS << SEGMENT_WORDS_LOG2,
            REGION_INTERRUPT => limits.receive_queues,
            other => panic!("region {other}"),
        };
        assert!(index < limit, "region {region} has no index {index}");
        if region == REGION_INTERRUPT {
            self.set_alarm(index as u8, ReceiveInterrupt::unpack(data));
        }
        if region == REGION_SEGMENT && index % 2 == SEGMENT_EXTENT {
            let place = self.state_word(region, index - 1);
            assert_eq!(place & 1, 0, "a segment in use changes");
        }
        let is_control = index.is_multiple_of(4);
        let queue = (index / 4) as u8;
        if region == REGION_TRANSMIT_QUEUE && is_control {
            self.in_flight.remove(&queue);
            let control = TransmitControl::unpack(data);
            self.check_owner(index / 4, control);
        }
        let enabled = data & 1 == 1;
        if is_control
            && enabled
            && (region == REGION_TRANSMIT_QUEUE || region == REGION_RECEIVE_QUEUE)
        {
            self.state.remove(&(region, index + 2));
        }
        match data {
            0 => self.state.remove(&(region, index)),
            _ => self.state.insert((region, index), data),
        };
        for (&(region, index), &word) in &self.state {
            self.check_reachable(region, index, word);
        }
    }

    fn set_alarm(&mut self, queue: u8, word: ReceiveInterrupt) {
        let control = self.receive_control(queue);
        assert_eq!(control.enabled, 0, "queue {queue} is in use");
        assert!(word.enabled == 1 || word.armed == 0);
        if word.due == 1 {
            self.raised.insert(word.vector as u8);
        }
        let alarm = Alarm {
            enabled: word.enabled == 1,
            vector: word.vector as u8,
            delivered: word.delivered as u16,
            armed: word.armed == 1 && !self.disarms,
        };
        self.alarms.insert(queue, alarm);
    }

    /// A transmit queue is disabled between two owners, and each has another generation than the one before.
    fn check_owner(&mut self, queue: usize, control: TransmitControl) {
        if control.enabled == 0 {
            return;
        }
        let before = self.transmit_control(queue as u8);
        assert_eq!(before.enabled, 0, "queue {queue} is enabled while in use");
        let last = self.owners.insert(queue, control.generation);
        assert_ne!(
            last,
            Some(control.generation),
            "generation of queue {queue}"
        );
    }

    /// What a page or an identifier leads to is whole.
    fn check_reachable(&self, region: usize, index: usize, word: u64) {
        match region {
            REGION_ENDPOINT_MAP => {
                let map = EndpointMap::unpack(word);
                if map.transmit_resident == 1 {
                    let control = self.transmit_control(map.transmit_queue as u8);
                    assert_eq!(control.enabled, 1, "page {index} leads to no queue");
                    assert_eq!(control.endpoint, index as u64, "of another endpoint");
                    let shadow = 4 * map.transmit_queue as usize + 1;
                    let shadow = self.state_word(REGION_TRANSMIT_QUEUE, shadow);
                    assert_ne!(shadow, 0, "without a shadow line");
                }
            }
            REGION_RECEIVE_MAP => {
                let map = ReceiveMap::unpack(word);
                let control = self.receive_control(map.queue as u8);
                if control.takes_misses == 1 {
                    return;
                }
                // While it is disabled, everything is refused for now.
                let is_own = control.receive_queue_id == index as u64;
                assert!(control.enabled == 0 || is_own, "of another name");
            }
            _ => {}
        }
    }

    pub fn head_may_go(&self) -> bool {
        if self.map_write.is_some() {
            return true;
        }
        let fence = |words: &[u32; 4]| Header::unpack(words[0]).fence == 1;
        let is_read =
            |words: &[u32; 4]| Header::unpack(words[0]).opcode as usize == opcode::READ_HOST_MEMORY;
        let head = self.commands.front();
        head.is_some_and(|words| {
            (!fence(words) || self.reads.is_empty()) && (!is_read(words) || self.reads.len() < 4)
        })
    }

    pub fn execute_next(&mut self, random: &mut Random) {
        if let Some((endpoint, data, completion)) = self.map_write.take() {
            self.write_map(endpoint, data);
            return self.completions.extend(completion);
        }
        let words = self.commands.pop_front().expect("there is one");
        let header = Header::unpack(words[0]);
        let token = (header.complete == 1).then_some(header.token as u16);
        let transfer = TransferOperand::unpack(words[1]);
        let data = u64::from(words[2]) | (u64::from(words[3]) << 32);
        let offset = transfer.offset as usize;
        let bytes = transfer.bytes as usize;
        let mut status = CompletionStatus::Done.code();
        if header.chain == chain::FIRST as u64 {
            self.chain = status;
        }
        if header.chain == chain::NEXT as u64 && self.chain != status {
            return self
                .completions
                .extend(token.map(|token| (token, self.chain)));
        }
        match header.opcode as usize {
            opcode::NOTHING => {}
            opcode::WRITE_QUEUE_STATE => {
                for (region, index) in state_places(words[1]) {
                    if region == REGION_ENDPOINT_MAP {
                        let map = EndpointMap::unpack(data);
                        let residents = map.transmit_resident | map.receive_resident | map.fresh;
                        assert_eq!(residents, 0, "not with this command");
                    }
                    self.write_state(region, index, data);
                }
            }
            opcode::READ_HOST_MEMORY => {
                assert!(offset + bytes <= abi::command::READ_INBOX_BYTES && data % 4 == 0);
                assert!(data % PAGE_BYTES + bytes as u64 <= PAGE_BYTES);
                let is_chained = header.chain != chain::NONE as u64;
                return self.reads.push((token, data, bytes, offset, is_chained));
            }
            opcode::WRITE_HOST_MEMORY => {
                assert!(offset.is_multiple_of(16) && bytes.is_multiple_of(4) && bytes >= 4);
                assert!(offset + bytes <= abi::admin::LOG_OFFSET && data % 4 == 0);
                if self.stopped.is_none() {
                    let written = self.outbox[offset..offset + bytes].to_vec();
                    self.write_host(data, &written);
                }
            }
            opcode::SAVE_RECORD => self.save(RecordOperand::unpack(words[1])),
            opcode::LOAD_RECORD => {
                if !self.load(RecordOperand::unpack(words[1]), data) {
                    status = CompletionStatus::Invalid.code();
                    self.chain = status;
                }
            }
            opcode::DELIVER_MESSAGE => {
                if !self.deliver(DeliverOperand::unpack(words[1]), data) {
                    status = CompletionStatus::Invalid.code();
                    self.chain = status;
                }
            }
            opcode::REPLAY_STORE => {
                let operand = ReplayOperand::unpack(words[1]);
                let maps;
                (status, maps) = self.replay(operand, data, random);
                if maps {
                    let completion = token.map(|token| (token, status));
                    self.map_write = Some((operand.endpoint as u16, data, completion));
                    return;
                }
            }
            opcode::GIVE_BACK_ENTRIES => {
                let operand = GiveBackOperand::unpack(words[1]);
                self.take_consumer(operand.queue as u8, operand.consumer as u16);
            }
            other => panic!("opcode {other}"),
        }
        if let Some(token) = token {
            self.completions.push_back((token, status));
        }
    }

    fn write_host(&mut self, address: u64, bytes: &[u8]) {
        self.store(address, bytes);
        let ring = self.registers.completions;
        let size = 16 << self.registers.entries_log2;
        if (ring..ring + size).contains(&address) {
            let words = [self.load64(address), self.load64(address + 8)];
            self.answers.push_back((address, words));
        }
    }

    fn record_places(record: &RecordOperand) -> [(usize, usize, usize); 4] {
        let region = [REGION_TRANSMIT_QUEUE, REGION_RECEIVE_QUEUE][record.receive as usize];
        let place = 4 * record.queue as usize;
        std::array::from_fn(|n| (region, place + (n + 1) % 4, record.offset as usize + 8 * n))
    }

    fn save(&mut self, record: RecordOperand) {
        for (number, (region, index, offset)) in Niu::record_places(&record).into_iter().enumerate()
        {
            let word = match (record.receive, number) {
                (0, 2) => {
                    let progress = self.state_word(region, index - 1);
                    let consumer = TransmitProgress::unpack(progress).consumer as u16;
                    let in_flight = self.in_flight.get(&(record.queue as u8));
                    let given = in_flight.map_or(0, VecDeque::len) as u16;
                    consumer.wrapping_add(given).into()
                }
                (1, 2) => {
                    let alarm = self.alarms.get(&(record.queue as u8));
                    alarm.is_some_and(|alarm| alarm.armed).into()
                }
                _ => self.state_word(region, index),
            };
            self.inbox[offset..offset + 8].copy_from_slice(&word.to_le_bytes());
        }
    }

    /// Loads a record; not one of the inbox that is another endpoint's than the command says.
    fn load(&mut self, record: RecordOperand, data: u64) -> bool {
        let places = Niu::record_places(&record);
        let memory = match record.from_inbox {
            1 => &self.inbox[..abi::command::RECORD_INBOX_BYTES],
            _ => &self.outbox[..],
        };
        let mut words = places.map(|(_, _, offset)| {
            let bytes = memory[offset..offset + 8].try_into().expect("eight");
            u64::from_le_bytes(bytes)
        });
        if record.from_inbox == 1 {
            assert_eq!(record.receive, 0, "of transmit queues only");
            let known = LoadedControl::unpack(data);
            let control = TransmitControl::unpack(words[3]);
            if (control.enabled, control.endpoint) != (1, known.endpoint) {
                return false;
            }
            let generation = known.generation;
            words[3] = TransmitControl {
                generation,
                ..control
            }
            .pack();
        }
        let [address, hardware, other, control] = places.map(|(region, index, _)| (region, index));
        let before = self.state_word(control.0, control.1);
        assert_eq!(before & 1, 0, "a queue in use is loaded");
        self.state.remove(&other);
        self.write_state(address.0, address.1, words[0]);
        self.write_state(control.0, control.1, words[3]);
        self.state.insert(hardware, words[1]);
        if record.receive == 1 {
            let control = ReceiveControl::unpack(words[3]);
            let indices = ReceiveIndices::unpack(words[1]);
            let level = (indices.producer as u16).wrapping_sub(indices.consumer as u16);
            assert!(u64::from(level) <= 1 << control.entries_log2, "{indices:?}");
        }
        true
    }

    /// Delivers a message from the inbox; not to a record that is another identifier's than the command says.
    fn deliver(&mut self, operand: DeliverOperand, data: u64) -> bool {
        let offset = operand.offset as usize;
        assert!(offset.is_multiple_of(16) && offset + 256 <= abi::command::READ_INBOX_BYTES);
        let mut place = data;
        if operand.from_record == 1 {
            let record = operand.record as usize;
            assert!(record.is_multiple_of(16) && record + 32 <= abi::command::RECORD_INBOX_BYTES);
            let word = |offset| {
                u64::from_le_bytes(self.inbox[offset..offset + 8].try_into().expect("eight"))
            };
            let control = ReceiveControl::unpack(word(record + 24));
            let known = DeliveredControl::unpack(data);
            if (control.enabled, control.receive_queue_id) != (1, known.receive_queue_id) {
                return false;
            }
            place = word(record + 16);
        }
        let place = EntryPlace::unpack(place);
        let address = place.address << abi::command::entry_place::address::SHIFT;
        let bytes = (usize::from(self.inbox[offset + 2]) + 8)
            .next_multiple_of(4)
            .max(16);
        let mut message = self.inbox[offset..offset + bytes].to_vec();
        message[0] = message[0] & !1 | place.phase as u8;
        if self.stopped.is_none() {
            self.store(address + 16, &message[16..]);
            self.store(address, &message[..16]);
        }
        true
    }

    pub fn finish_read(&mut self, which: usize) {
        let (token, address, bytes, offset, is_chained) = self.reads.swap_remove(which);
        let data: Option<Vec<u8>> = (0..bytes as u64).map(|n| self.byte(address + n)).collect();
        let is_withdrawn = self.withdrawn.contains(&(address / PAGE_BYTES));
        let status = match data {
            _ if self.silent.contains(&address) || self.stopped.is_some() => {
                CompletionStatus::Timeout
            }
            Some(data) if !is_withdrawn => {
                self.inbox[offset..offset + bytes].copy_from_slice(&data);
                CompletionStatus::Done
            }
            _ => CompletionStatus::Refused,
        };
        if is_chained && status != CompletionStatus::Done {
            self.chain = status.code();
        }
        self.completions
            .extend(token.map(|token| (token, status.code())));
    }
}

/// An entry of a receive ring.
pub fn entry(identifier: u16, number: u32, length: usize, phase: u64) -> Vec<u8> {
    let tag = u64::from(number & 0xff);
    let head = phase | tag << 8 | (length as u64) << 16 | u64::from(identifier) << 48;
    let mut bytes = head.to_le_bytes().to_vec();
    bytes.extend((0..length.max(8)).map(|n| match n < length {
        true => (number as usize + 7 * n) as u8,
        false => 0,
    }));
    bytes
}

/// The words that a command writes: region and index.
fn state_places(operand: u32) -> impl Iterator<Item = (usize, usize)> {
    use abi::queue_state::REGION_SHIFT;
    let operand = StateOperand::unpack(operand);
    let step = if operand.every_fourth == 1 { 4 } else { 1 };
    (0..=operand.more).map(move |number| {
        let index = (operand.index + step * number) as usize;
        (index >> REGION_SHIFT, index & ((1 << REGION_SHIFT) - 1))
    })
}
