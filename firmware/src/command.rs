//! Commands to the hardware (`abi::command`, V22).

use abi::admin::{EndpointInterrupt, status::Status};
use abi::command::completion_status::CompletionStatus;
use abi::command::{
    DeliverOperand, DeliveredControl, EntryPlace, GiveBackOperand, Header, LoadedControl,
    RecordOperand, ReplayOperand, StateOperand, TransferOperand, chain, opcode,
};
use abi::queue_state::{
    REGION_ENDPOINT_MAP, REGION_INTERRUPT, REGION_RESUME, REGION_SHIFT, ReceiveInterrupt,
    endpoint_map,
};

/// One command, as the hardware takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Command {
    words: [u32; 4],
}

impl Command {
    /// Writes a word of queue state.
    pub const fn write_queue_state(region: usize, index: usize, data: u64) -> Self {
        Command::write_states(place(region, index), data)
    }

    /// Writes zeros to `count` words of queue state; at least one.
    pub const fn clear_queue_state(region: usize, index: usize, count: usize) -> Self {
        let operand = StateOperand {
            more: count.saturating_sub(1) as u64,
            ..place(region, index)
        };
        Command::write_states(operand, 0)
    }

    /// Writes zeros to the control words of the first `count` queues of a side; at least one.
    pub const fn clear_controls(region: usize, count: usize) -> Self {
        let operand = StateOperand {
            more: count.saturating_sub(1) as u64,
            every_fourth: 1,
            ..place(region, 0)
        };
        Command::write_states(operand, 0)
    }

    const fn write_states(operand: StateOperand, data: u64) -> Self {
        let header = header(opcode::WRITE_QUEUE_STATE);
        Command::new(header, operand.pack(), data)
    }

    /// Lets the NIU make requests to the host again, if the host stopped it for rings of this generation, when every
    /// command before it has completed.
    pub const fn resume(generation: u8) -> Self {
        let header = Header {
            fence: 1,
            ..header(opcode::WRITE_QUEUE_STATE)
        };
        Command::new(header, place(REGION_RESUME, 0).pack(), generation as u64)
    }

    /// Completes with `token` when every command before it has.
    pub const fn marker(token: u16) -> Self {
        let header = Header {
            fence: 1,
            ..completes(header(opcode::NOTHING), token)
        };
        Command::new(header, 0, 0)
    }

    /// Reads host memory into the inbox.
    pub const fn read_host(address: u64, bytes: usize, inbox_offset: usize) -> Self {
        let header = header(opcode::READ_HOST_MEMORY);
        Command::new(header, transfer(inbox_offset, bytes), address)
    }

    /// Writes all of a transmit queue's record from the inbox, if it is this endpoint's.
    pub const fn load_transmit(
        queue: u8,
        inbox_offset: usize,
        endpoint: u16,
        generation: u8,
    ) -> Self {
        let operand = RecordOperand {
            from_inbox: 1,
            ..record(false, queue, inbox_offset)
        };
        let data = LoadedControl {
            generation: generation as u64,
            endpoint: endpoint as u64,
        };
        Command::new(header(opcode::LOAD_RECORD), operand.pack(), data.pack())
    }

    /// Delivers a message from the inbox to where the record in the inbox says, if it is this identifier's.
    pub const fn deliver_first(inbox_offset: usize, record: usize, identifier: u16) -> Self {
        let operand = DeliverOperand {
            offset: inbox_offset as u64,
            record: record as u64,
            from_record: 1,
        };
        let data = DeliveredControl {
            receive_queue_id: identifier as u64,
        };
        Command::new(header(opcode::DELIVER_MESSAGE), operand.pack(), data.pack())
    }

    /// Delivers a message from the inbox to this place.
    pub const fn deliver(inbox_offset: usize, place: EntryPlace) -> Self {
        let operand = DeliverOperand {
            offset: inbox_offset as u64,
            record: 0,
            from_record: 0,
        };
        Command::new(
            header(opcode::DELIVER_MESSAGE),
            operand.pack(),
            place.pack(),
        )
    }

    /// This one, as the first of a chain. Nothing of an earlier one is under way.
    pub const fn first(self) -> Self {
        self.with(Header {
            chain: chain::FIRST as u64,
            ..self.header()
        })
    }

    /// This one, as one more of a chain: it is carried out if all before it was.
    pub const fn chained(self) -> Self {
        let header = self.header();
        self.with(Header {
            // Reads of a chain go together.
            fence: (header.opcode != opcode::READ_HOST_MEMORY as u64) as u64,
            chain: chain::NEXT as u64,
            ..header
        })
    }

    /// This one, completing with `token`.
    pub const fn completes(self, token: u16) -> Self {
        self.with(completes(self.header(), token))
    }

    const fn header(&self) -> Header {
        Header::unpack(self.words[0])
    }

    const fn with(mut self, header: Header) -> Self {
        self.words[0] = header.pack();
        self
    }

    /// Writes from the outbox to host memory.
    pub const fn write_host(address: u64, bytes: usize, outbox_offset: usize) -> Self {
        let header = header(opcode::WRITE_HOST_MEMORY);
        Command::new(header, transfer(outbox_offset, bytes), address)
    }

    /// Reads all of a queue's record into the inbox and completes with `token`.
    pub const fn save_record(receive: bool, queue: u8, inbox_offset: usize, token: u16) -> Self {
        let header = completes(header(opcode::SAVE_RECORD), token);
        Command::new(header, record(receive, queue, inbox_offset).pack(), 0)
    }

    /// Writes all of a queue's record from the outbox.
    pub const fn load_record(receive: bool, queue: u8, outbox_offset: usize) -> Self {
        let header = header(opcode::LOAD_RECORD);
        Command::new(header, record(receive, queue, outbox_offset).pack(), 0)
    }

    /// Carries out the oldest captured store, which is this endpoint's, on a transmit queue; then writes the endpoint's
    /// word of the map.
    pub const fn replay(endpoint: u16, queue: u8, map: u64) -> Self {
        Command::replay_store(
            header(opcode::REPLAY_STORE),
            endpoint,
            queue,
            Store::Carry,
            map,
        )
    }

    /// As `replay`; and what the endpoint stores from now on is lost.
    pub const fn replay_last(endpoint: u16, queue: u8, map: u64) -> Self {
        Command::replay_store(
            header(opcode::REPLAY_STORE),
            endpoint,
            queue,
            Store::CarryLast,
            map,
        )
    }

    /// Throws the oldest captured store away, which is this endpoint's.
    pub const fn discard(endpoint: u16) -> Self {
        Command::replay_store(header(opcode::REPLAY_STORE), endpoint, 0, Store::Discard, 0)
    }

    /// Writes the endpoint's word of the map.
    pub const fn map(endpoint: u16, map: u64) -> Self {
        // The page decoder has a part in nothing else.
        if map as u32 & RESIDENT == 0 {
            return Command::write_queue_state(REGION_ENDPOINT_MAP, endpoint as usize, map);
        }
        Command::replay_store(header(opcode::REPLAY_STORE), endpoint, 0, Store::None, map)
    }

    /// Writes the first word of the map of a new endpoint, unless stores to a former one of this number are captured,
    /// and completes with `token`.
    pub const fn fresh(endpoint: u16, map: u64, token: u16) -> Self {
        let header = completes(header(opcode::REPLAY_STORE), token);
        Command::replay_store(header, endpoint, 0, Store::None, map)
    }

    const fn replay_store(
        header: Header,
        endpoint: u16,
        queue: u8,
        store: Store,
        map: u64,
    ) -> Self {
        let operand = ReplayOperand {
            endpoint: endpoint as u64,
            store: !matches!(store, Store::None) as u64,
            discard: matches!(store, Store::Discard) as u64,
            queue: queue as u64,
            lose: matches!(store, Store::CarryLast) as u64,
        };
        Command::new(header, operand.pack(), map)
    }

    /// Gives entries of a receive queue's ring back, up to this index.
    pub const fn give_back(queue: u8, consumer: u16) -> Self {
        let operand = GiveBackOperand {
            queue: queue as u64,
            consumer: consumer as u64,
        };
        Command::new(header(opcode::GIVE_BACK_ENTRIES), operand.pack(), 0)
    }

    /// Sets the interrupt of a receive queue that is disabled, and of which so many entries are delivered, to
    /// `endpoint_interrupt`.
    pub fn interrupt(queue: u8, wanted: u32, alarm: Alarm, delivered: u16) -> Self {
        let wanted = EndpointInterrupt::unpack(wanted.into());
        let interrupt = ReceiveInterrupt {
            vector: wanted.vector,
            enabled: wanted.enabled,
            armed: (alarm == Alarm::Armed).into(),
            due: (alarm == Alarm::Due).into(),
            interval: wanted.interval,
            delivered: delivered.into(),
        };
        Command::write_queue_state(REGION_INTERRUPT, queue.into(), interrupt.pack())
    }

    /// Its four words, in the order in which they are stored.
    pub const fn words(&self) -> [u32; 4] {
        self.words
    }

    const fn new(header: Header, operand: u32, data: u64) -> Self {
        Command {
            words: [header.pack(), operand, data as u32, (data >> 32) as u32],
        }
    }
}

/// Of a word of the map: a queue is resident.
const RESIDENT: u32 =
    1 << endpoint_map::transmit_resident::SHIFT | 1 << endpoint_map::receive_resident::SHIFT;

/// What a receive queue's interrupt waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alarm {
    /// Nothing.
    Off,
    /// The next entry.
    Armed,
    /// It is raised at once.
    Due,
}

/// What becomes of the oldest captured store.
#[derive(Clone, Copy)]
enum Store {
    None,
    Carry,
    CarryLast,
    Discard,
}

const fn header(opcode: usize) -> Header {
    Header {
        opcode: opcode as u64,
        complete: 0,
        fence: 0,
        chain: 0,
        token: 0,
    }
}

const fn completes(header: Header, token: u16) -> Header {
    Header {
        complete: 1,
        token: token as u64,
        ..header
    }
}

const fn place(region: usize, index: usize) -> StateOperand {
    StateOperand {
        index: ((region << REGION_SHIFT) | index) as u64,
        more: 0,
        every_fourth: 0,
    }
}

const fn record(receive: bool, queue: u8, offset: usize) -> RecordOperand {
    RecordOperand {
        offset: offset as u64,
        queue: queue as u64,
        receive: receive as u64,
        from_inbox: 0,
    }
}

const fn transfer(offset: usize, bytes: usize) -> u32 {
    let operand = TransferOperand {
        offset: offset as u64,
        bytes: bytes as u64,
    };
    operand.pack()
}

/// What the host is told of a command that ended so; `None`: it was carried out.
pub fn trouble(status: Option<CompletionStatus>) -> Option<Status> {
    match status {
        Some(CompletionStatus::Done) => None,
        Some(CompletionStatus::Refused) => Some(Status::AddressRefused),
        _ => Some(Status::Failed),
    }
}
