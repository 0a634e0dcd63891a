//! Carries out the firmware's commands.

use super::command_check::CommandCheck;
use super::command_head::CommandHead;
use super::outbox_stream::OutboxStream;
use super::read_table::ReadTable;
use crate::bundles::{
    ConfigurationWrite, MemoryReadMaster, RecordRequest, ReplayRequest, Replayed, SavedWords,
};
use crate::configuration::WRITTEN_WORDS_LOG2;
use crate::library::block_ram::BlockRam;
use crate::library::fifo::Fifo;
use crate::library::stream::StreamSource;
use rust_hdl::prelude::*;

/// What the executor is about.
#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
pub enum ExecutorState {
    /// Looks for commands that can be carried through.
    Idle,
    /// Takes one.
    Take,
    /// Takes it apart.
    Measure,
    /// Looks whether it is legal.
    Check,
    /// Begins it, or writes the next word of queue state.
    Begin,
    /// Goes on to the next word of queue state.
    Next,
    /// Queue state was written: waits until nobody holds an address of before.
    Settle,
    /// A packet or a host memory write is on its way out.
    Stream,
    /// A message is delivered: finds its beats, those behind the first one before this.
    Deliver,
    /// Sends them.
    SendBeats,
    /// Those behind the first one are on their way out.
    SendingBody,
    /// The pool of inline pages has a turn to give.
    Slot,
    /// The requester takes a read.
    Read,
    /// A record comes from the outbox, a word a cycle, or from the inbox, a word every other cycle.
    Load,
    /// A record goes to the inbox, a word a cycle once its owners have given theirs.
    Save,
    /// A captured store is carried out, or a consumer index is given back.
    Replay,
    /// Writes a completion.
    Answer,
}

/// Takes commands (`abi::command`) from two queues in turn, each in its own order (V22, V24, V25).
///
/// A command is taken only when it can be carried through: its fence is passed, its completion has a place (16 are
/// set aside here, and the queue to the processor has its own), and for a read of host memory one of the four places
/// of `ReadTable` is free. So a queue that waits for a fence, for completions to be taken or for reads does not hold
/// up the other. What does hold up both is a host write without credits of the host, until they come; and a write of
/// queue state, for two cycles a word and until it is settled. A firmware packet whose virtual channel has no room on
/// the link is not sent: the command ends as `BUSY`.
///
/// Queue state is written, as far as the command and those behind it are concerned, when no address of before is in
/// use any more: behind a write that turns a queue off nothing goes to its ring or shadow line, but what was offered
/// to the requester before; and a write of host memory goes behind that. This takes as long as the host needs to take
/// one message. Nor does the transmit engine read slots or inline bodies any more of a queue that was turned off:
/// this takes as long as the link needs to take two frames, or the own receive side if they go to the own node.
///
/// A record is loaded as words of queue state, the control word last, and settles like them. From the inbox it comes
/// by way of `RecordMirror`; its control word is looked at before anything is written. For a record that is saved the
/// owners of its parts are asked, in order with what they write; what firmware has written itself is kept here.
///
/// A message is delivered from a copy of the inbox in two write packets, with the phase bit that its ring wants: the
/// bytes behind the first 16, if there are any, and the first 16.
///
/// Each queue has a chain (`abi::command::chain`, V25): while it is broken, its commands do nothing and complete with
/// the status of what broke it.
///
/// A command is complete when its last beat was taken (a host write, when it has its place in the
/// order of writes), a read when the requester says so; the answers of reads may thus overtake. An
/// illegal command does nothing, pulses `invalid`, and answers `INVALID` if it asked for an answer.
/// Latency: 5 cycles from a command at the head of its queue to its effect.
#[derive(LogicBlock)]
pub struct CommandExecutor {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// Oldest command of queue 0.
    pub command_0: Signal<In, Bits<128>>,
    /// There is none.
    pub command_0_empty: Signal<In, Bit>,
    /// Takes it.
    pub command_0_read: Signal<Out, Bit>,
    /// Oldest command of queue 1.
    pub command_1: Signal<In, Bits<128>>,
    /// There is none.
    pub command_1_empty: Signal<In, Bit>,
    /// Takes it.
    pub command_1_read: Signal<Out, Bit>,
    /// This node's number.
    pub node: Signal<In, Bits<10>>,
    /// Queue state, for all who keep some.
    pub configuration: Signal<Out, ConfigurationWrite>,
    /// A message may still be written to a ring whose address was read earlier.
    pub receive_holds: Signal<In, Bit>,
    /// A shadow line may still be written whose address was read earlier, or a message sent whose
    /// queue was read earlier.
    pub shadow_holds: Signal<In, Bit>,
    /// Records to be saved, and their words 2 and 3.
    pub save_transmit: Signal<Out, RecordRequest>,
    pub saved_transmit: Signal<In, SavedWords>,
    pub save_receive: Signal<Out, RecordRequest>,
    pub saved_receive: Signal<In, SavedWords>,
    /// A captured store is to be carried out, or a consumer index given back.
    pub replay: Signal<Out, ReplayRequest>,
    pub replayed: Signal<In, Replayed>,
    /// The inbox is to be written.
    pub inbox_valid: Signal<Out, Bit>,
    /// It is, in this cycle.
    pub inbox_ready: Signal<In, Bit>,
    /// Beat of the inbox, 0 to 63.
    pub inbox_address: Signal<Out, Bits<6>>,
    /// The bytes.
    pub inbox_data: Signal<Out, Bits<128>>,
    /// Which bytes to write.
    pub inbox_enables: Signal<Out, Bits<16>>,
    /// The pool of inline pages is to be written.
    pub slot_valid: Signal<Out, Bit>,
    /// It is, in this cycle.
    pub slot_ready: Signal<In, Bit>,
    /// Beat of the pool.
    pub slot_address: Signal<Out, Bits<14>>,
    /// The bytes.
    pub slot_data: Signal<Out, Bits<128>>,
    /// Which bytes to write.
    pub slot_enables: Signal<Out, Bits<16>>,
    /// Where in the first beats of the inbox a record is read (`RecordMirror`).
    pub mirror_beat: Signal<Out, Bits<4>>,
    pub mirror_high: Signal<Out, Bit>,
    /// In the same cycle: what stands there.
    pub mirror_word: Signal<In, Bits<64>>,
    /// Where records, packets and messages come from.
    pub outbox: MemoryReadMaster,
    /// The inbox is read in place of the outbox, in each cycle; from a register.
    pub reads_inbox: Signal<Out, Bit>,
    /// The link has room for a firmware packet now, in each virtual channel (`CreditGate::room`).
    pub room_0: Signal<In, Bit>,
    pub room_1: Signal<In, Bit>,
    /// Packet frames, with room for the CRC in the last beat.
    pub packet: StreamSource,
    /// Write packets: descriptor, then data.
    pub host_write: StreamSource,
    /// A read of host memory is wanted.
    pub read_valid: Signal<Out, Bit>,
    /// It is taken in this cycle.
    pub read_ready: Signal<In, Bit>,
    /// Host address, multiple of 4.
    pub read_address: Signal<Out, Bits<64>>,
    /// Bytes, multiple of 4.
    pub read_bytes: Signal<Out, Bits<16>>,
    /// Byte offset in the inbox, multiple of 16.
    pub read_inbox: Signal<Out, Bits<11>>,
    /// Comes back with `finished`.
    pub read_token: Signal<Out, Bits<16>>,
    /// A read has ended.
    pub finished_valid: Signal<In, Bit>,
    /// That was seen: always at once.
    pub finished_ready: Signal<Out, Bit>,
    /// Which.
    pub finished_token: Signal<In, Bits<16>>,
    /// How: `abi::command::completion_status`.
    pub finished_status: Signal<In, Bits<8>>,
    /// A completion: status above token.
    pub completion: Signal<Out, Bits<24>>,
    /// The completion queue takes it.
    pub completion_write: Signal<Out, Bit>,
    /// The completion queue has no room.
    pub completion_full: Signal<In, Bit>,
    /// Pulse: a command was invalid.
    pub invalid: Signal<Out, Bit>,
    state: DFF<ExecutorState>,
    command: DFF<Bits<128>>,
    queue: DFF<Bit>,
    place: DFF<Bits<16>>,
    more: DFF<Bits<13>>,
    beats: DFF<Bits<8>>,
    /// The stream is a write of host memory.
    to_host: DFF<Bit>,
    /// The stream is a record; and its first beat, which is none of the record, has passed.
    to_records: DFF<Bit>,
    begun: DFF<Bit>,
    /// A message is delivered.
    delivers: DFF<Bit>,
    /// Host address of what is written; of a message that is delivered, with its phase bit.
    target: DFF<Bits<64>>,
    /// Bytes of the message behind the first 16, until they are written.
    tail: DFF<Bits<9>>,
    /// What firmware has written last: control word and address of each queue, the receive queues in the upper half.
    written_words: BlockRam<Bits<64>, WRITTEN_WORDS_LOG2>,
    status: DFF<Bits<8>>,
    /// What each queue's chain is broken by; `DONE`: it is whole.
    chain_0: DFF<Bits<8>>,
    chain_1: DFF<Bits<8>>,
    /// The control word in the inbox is that of the endpoint.
    control_fits: DFF<Bit>,
    /// A word of a record in the inbox, as it is to be written, and that it is there.
    fetched: DFF<Bits<64>>,
    is_fetched: DFF<Bit>,
    /// Cycles that what was written needs to reach the queues, and those that look at them: all bits set in the end.
    settling: DFF<Bits<2>>,
    /// Since then, nobody held a ring's address for a cycle, and nobody a shadow line's.
    receive_settled: DFF<Bit>,
    shadow_settled: DFF<Bit>,
    head_0: CommandHead,
    head_1: CommandHead,
    check: CommandCheck,
    stream: OutboxStream,
    completions: Fifo<Bits<24>, 4, 5>,
    reads: ReadTable,
    reserved: DFF<Bits<5>>,
    /// Queues whose oldest command can be carried through: once so, it stays so until a command is taken.
    may_0: DFF<Bit>,
    may_1: DFF<Bit>,
    region: Signal<Local, Bits<4>>,
    of_receive: Signal<Local, Bit>,
    word_number: Signal<Local, Bits<2>>,
    next_number: Signal<Local, Bits<2>>,
    is_last_word: Signal<Local, Bit>,
    is_first_word: Signal<Local, Bit>,
    is_odd_word: Signal<Local, Bit>,
    written_place: Signal<Local, Bits<16>>,
    written_key: Signal<Local, Bits<16>>,
    saved_key: Signal<Local, Bits<16>>,
    record_place: Signal<Local, Bits<16>>,
    next_place: Signal<Local, Bits<16>>,
    stream_data: Signal<Local, Bits<128>>,
    loads: Signal<Local, Bit>,
    from_inbox: Signal<Local, Bit>,
    link: Signal<Local, Bits<2>>,
    chained: Signal<Local, Bit>,
    chain: Signal<Local, Bits<8>>,
    is_broken: Signal<Local, Bit>,
    /// The command in hand begins a chain, or breaks it.
    sets_chain: Signal<Local, Bit>,
    new_chain: Signal<Local, Bits<8>>,
    is_legal: Signal<Local, Bit>,
    names_record: Signal<Local, Bit>,
    is_tail: Signal<Local, Bit>,
    stream_bytes: Signal<Local, Bits<12>>,
    stream_place: Signal<Local, Bits<9>>,
    message_length: Signal<Local, Bits<8>>,
    tail_sum: Signal<Local, Bits<9>>,
    place_of_write: Signal<Local, Bits<64>>,
    phase: Signal<Local, Bit>,
    mirror_first: Signal<Local, Bits<4>>,
    mirror_endpoint: Signal<Local, Bits<12>>,
    control_mask: Constant<Bits<64>>,
    record_word: Signal<Local, Bits<64>>,
    record_valid: Signal<Local, Bit>,
    saves: Signal<Local, Bit>,
    gives_back: Signal<Local, Bit>,
    map_region: Signal<Local, Bits<4>>,
    map_place: Signal<Local, Bits<16>>,
    saved_all: Signal<Local, Bit>,
    second_word: Signal<Local, Bits<33>>,
    third_word: Signal<Local, Bits<33>>,
    saved_word: Signal<Local, Bits<64>>,
    saved_beat: Signal<Local, Bits<6>>,
    record_bytes: Constant<Bits<12>>,
    entry_bytes: Constant<Bits<12>>,
    /// To round the length, without the first 8 bytes, up to double words, modulo 2^9.
    to_words: Constant<Bits<9>>,
    word_mask: Constant<Bits<9>>,
    express_bytes: Constant<Bits<8>>,
    writes_host: Signal<Local, Bit>,
    choose_1: Signal<Local, Bit>,
    room: Signal<Local, Bit>,
    taken: Signal<Local, Bits<128>>,
    issue: Signal<Local, Bit>,
    reserve: Signal<Local, Bit>,
    forward: Signal<Local, Bit>,
    opcode: Signal<Local, Bits<8>>,
    complete: Signal<Local, Bit>,
    token: Signal<Local, Bits<16>>,
    operand_low: Signal<Local, Bits<16>>,
    operand_high: Signal<Local, Bits<16>>,
    data: Signal<Local, Bits<64>>,
    beat_sum: Signal<Local, Bits<12>>,
    kind: Signal<Local, Bits<4>>,
    version: Signal<Local, Bits<4>>,
    packet_channel: Signal<Local, Bit>,
    link_room: Signal<Local, Bit>,
    header: Signal<Local, Bits<128>>,
    descriptor: Signal<Local, Bits<128>>,
    own: Signal<Local, Bit>,
    limit: Constant<Bits<5>>,
    low_half: Constant<Bits<16>>,
    high_half: Constant<Bits<16>>,
}

/// Where the generation stands in a transmit queue's control word.
const GENERATION: u64 = 0xff << abi::command::loaded_control::generation::SHIFT;
/// Completions set aside.
const COMPLETIONS: u64 = 16;

impl Default for CommandExecutor {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            reset: Default::default(),
            command_0: Default::default(),
            command_0_empty: Default::default(),
            command_0_read: Default::default(),
            command_1: Default::default(),
            command_1_empty: Default::default(),
            command_1_read: Default::default(),
            node: Default::default(),
            configuration: Default::default(),
            receive_holds: Default::default(),
            shadow_holds: Default::default(),
            settling: Default::default(),
            receive_settled: Default::default(),
            shadow_settled: Default::default(),
            save_transmit: Default::default(),
            saved_transmit: Default::default(),
            save_receive: Default::default(),
            saved_receive: Default::default(),
            replay: Default::default(),
            replayed: Default::default(),
            inbox_valid: Default::default(),
            inbox_ready: Default::default(),
            inbox_address: Default::default(),
            inbox_data: Default::default(),
            inbox_enables: Default::default(),
            to_records: Default::default(),
            begun: Default::default(),
            written_words: Default::default(),
            region: Default::default(),
            of_receive: Default::default(),
            word_number: Default::default(),
            next_number: Default::default(),
            is_last_word: Default::default(),
            is_first_word: Default::default(),
            is_odd_word: Default::default(),
            written_place: Default::default(),
            written_key: Default::default(),
            saved_key: Default::default(),
            record_place: Default::default(),
            next_place: Default::default(),
            stream_data: Default::default(),
            loads: Default::default(),
            from_inbox: Default::default(),
            link: Default::default(),
            chained: Default::default(),
            chain: Default::default(),
            is_broken: Default::default(),
            sets_chain: Default::default(),
            new_chain: Default::default(),
            is_legal: Default::default(),
            names_record: Default::default(),
            is_tail: Default::default(),
            stream_bytes: Default::default(),
            stream_place: Default::default(),
            message_length: Default::default(),
            tail_sum: Default::default(),
            place_of_write: Default::default(),
            phase: Default::default(),
            mirror_first: Default::default(),
            mirror_endpoint: Default::default(),
            control_mask: Constant::new(GENERATION.to_bits()),
            record_word: Default::default(),
            record_valid: Default::default(),
            saves: Default::default(),
            gives_back: Default::default(),
            map_region: Default::default(),
            map_place: Default::default(),
            saved_all: Default::default(),
            second_word: Default::default(),
            third_word: Default::default(),
            saved_word: Default::default(),
            saved_beat: Default::default(),
            record_bytes: Constant::new(abi::command::RECORD_BYTES.to_bits()),
            entry_bytes: Constant::new(16u32.to_bits()),
            to_words: Constant::new(((1 << 9) + 3 - abi::message::EXPRESS_PAYLOAD_BYTES).to_bits()),
            word_mask: Constant::new(0x1fcu32.to_bits()),
            express_bytes: Constant::new(abi::message::EXPRESS_PAYLOAD_BYTES.to_bits()),
            slot_valid: Default::default(),
            slot_ready: Default::default(),
            slot_address: Default::default(),
            slot_data: Default::default(),
            slot_enables: Default::default(),
            room_0: Default::default(),
            room_1: Default::default(),
            mirror_beat: Default::default(),
            mirror_high: Default::default(),
            mirror_word: Default::default(),
            outbox: Default::default(),
            reads_inbox: Default::default(),
            delivers: Default::default(),
            target: Default::default(),
            tail: Default::default(),
            packet: Default::default(),
            host_write: Default::default(),
            read_valid: Default::default(),
            read_ready: Default::default(),
            read_address: Default::default(),
            read_bytes: Default::default(),
            read_inbox: Default::default(),
            read_token: Default::default(),
            finished_valid: Default::default(),
            finished_ready: Default::default(),
            finished_token: Default::default(),
            finished_status: Default::default(),
            completion: Default::default(),
            completion_write: Default::default(),
            completion_full: Default::default(),
            invalid: Default::default(),
            state: Default::default(),
            command: Default::default(),
            queue: Default::default(),
            place: Default::default(),
            more: Default::default(),
            beats: Default::default(),
            to_host: Default::default(),
            status: Default::default(),
            chain_0: Default::default(),
            chain_1: Default::default(),
            control_fits: Default::default(),
            fetched: Default::default(),
            is_fetched: Default::default(),
            head_0: Default::default(),
            head_1: Default::default(),
            check: Default::default(),
            stream: Default::default(),
            completions: Default::default(),
            reads: Default::default(),
            reserved: Default::default(),
            may_0: Default::default(),
            may_1: Default::default(),
            choose_1: Default::default(),
            room: Default::default(),
            taken: Default::default(),
            issue: Default::default(),
            reserve: Default::default(),
            forward: Default::default(),
            opcode: Default::default(),
            complete: Default::default(),
            token: Default::default(),
            operand_low: Default::default(),
            operand_high: Default::default(),
            data: Default::default(),
            beat_sum: Default::default(),
            kind: Default::default(),
            version: Default::default(),
            packet_channel: Default::default(),
            link_room: Default::default(),
            header: Default::default(),
            descriptor: Default::default(),
            writes_host: Default::default(),
            own: Default::default(),
            limit: Constant::new(COMPLETIONS.to_bits()),
            low_half: Constant::new(0x00ffu64.to_bits()),
            high_half: Constant::new(0xff00u64.to_bits()),
        }
    }
}

impl Logic for CommandExecutor {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            state,
            command,
            queue,
            may_0,
            may_1,
            place,
            more,
            beats,
            to_host,
            to_records,
            begun,
            status,
            chain_0,
            chain_1,
            control_fits,
            fetched,
            is_fetched,
            delivers,
            target,
            tail,
            settling,
            receive_settled,
            shadow_settled,
            reserved
        );
        clock!(
            self,
            clock,
            check,
            stream,
            completions,
            reads,
            written_words
        );
        self.stream.reset.next = self.reset.val();
        self.completions.reset.next = self.reset.val();
        self.reads.reset.next = self.reset.val();

        // Which queue's oldest command can be carried through.
        self.room.next = self.reserved.q.val() < self.limit.val();
        self.head_0.command.next = self.command_0.val();
        self.head_0.empty.next = self.command_0_empty.val();
        self.head_0.outstanding.next = self.reads.outstanding_0.val();
        self.head_0.room.next = self.room.val();
        self.head_0.reads_full.next = self.reads.full.val();
        self.head_1.command.next = self.command_1.val();
        self.head_1.empty.next = self.command_1_empty.val();
        self.head_1.outstanding.next = self.reads.outstanding_1.val();
        self.head_1.room.next = self.room.val();
        self.head_1.reads_full.next = self.reads.full.val();
        // In turn when both can.
        self.may_0.d.next = self.head_0.may.val();
        self.may_1.d.next = self.head_1.may.val();
        self.choose_1.next = self.may_1.q.val() & !(self.may_0.q.val() & self.queue.q.val());
        self.issue.next = self.state.q.val() == ExecutorState::Take;
        self.command_0_read.next = self.issue.val() & !self.choose_1.val();
        self.command_1_read.next = self.issue.val() & self.choose_1.val();
        self.taken.next = self.command_0.val();
        if self.choose_1.val() {
            self.taken.next = self.command_1.val();
        }
        self.reserve.next = self.issue.val()
            & self
                .taken
                .val()
                .get_bit(abi::command::header::complete::SHIFT);

        // The command in hand.
        self.opcode.next = self
            .command
            .q
            .val()
            .get_bits::<8>(abi::command::header::opcode::SHIFT);
        self.complete.next = self
            .command
            .q
            .val()
            .get_bit(abi::command::header::complete::SHIFT);
        self.token.next = self
            .command
            .q
            .val()
            .get_bits::<16>(abi::command::header::token::SHIFT);
        self.operand_low.next = self.command.q.val().get_bits::<16>(32);
        self.operand_high.next = self.command.q.val().get_bits::<16>(48);
        self.data.next = self.command.q.val().get_bits::<64>(64);

        self.check.command.next = self.command.q.val();

        // The chain that the command may stand in.
        self.link.next = self
            .command
            .q
            .val()
            .get_bits::<2>(abi::command::header::chain::SHIFT);
        self.chained.next = self.link.val().any();
        self.chain.next = self.chain_0.q.val();
        if self.queue.q.val() {
            self.chain.next = self.chain_1.q.val();
        }
        self.is_broken.next =
            (self.link.val() == abi::command::chain::NEXT.to_bits()) & self.chain.val().any();
        if self.finished_valid.val()
            & self.reads.end_chained.val()
            & self.finished_status.val().any()
        {
            if self.reads.end_queue.val() {
                self.chain_1.d.next = self.finished_status.val();
            } else {
                self.chain_0.d.next = self.finished_status.val();
            }
        }

        // Packets and host writes: first beat, and the number of beats behind it. A frame has room for the CRC.
        self.loads.next = self.opcode.val() == abi::command::opcode::LOAD_RECORD.to_bits();
        self.saves.next = self.opcode.val() == abi::command::opcode::SAVE_RECORD.to_bits();
        self.delivers.d.next = self.opcode.val() == abi::command::opcode::DELIVER_MESSAGE.to_bits();
        self.reads_inbox.next = self.delivers.q.val();
        self.is_tail.next = self.tail.q.val().any();
        self.stream_bytes.next = self.operand_high.val().get_bits::<12>(0);
        if self.loads.val() {
            self.stream_bytes.next = self.record_bytes.val();
        }
        if self.delivers.q.val() {
            self.stream_bytes.next = self.entry_bytes.val();
            if self.is_tail.val() {
                self.stream_bytes.next = bit_cast::<12, 9>(self.tail.q.val());
            }
        }
        self.beat_sum.next = self.stream_bytes.val() + 15;
        if self.opcode.val() == abi::command::opcode::SEND_PACKET.to_bits() {
            self.beat_sum.next = self.stream_bytes.val() + 19;
        }
        self.beats.d.next = self.beat_sum.val().get_bits::<8>(4);
        self.writes_host.next =
            self.opcode.val() == abi::command::opcode::WRITE_HOST_MEMORY.to_bits();
        self.kind.next = abi::link::kind::PACKET.to_bits();
        self.version.next = abi::link::VERSION.to_bits();
        self.packet_channel.next = self
            .data
            .val()
            .get_bit(abi::command::packet_target::virtual_channel::SHIFT);
        self.link_room.next = self.room_0.val();
        if self.packet_channel.val() {
            self.link_room.next = self.room_1.val();
        }
        self.header.next = bit_cast::<128, 4>(self.kind.val())
            | (bit_cast::<128, 1>(self.packet_channel.val().into())
                << abi::link::header::virtual_channel::SHIFT.to_bits::<8>())
            | (bit_cast::<128, 4>(self.version.val())
                << abi::link::header::version::SHIFT.to_bits::<8>())
            | (bit_cast::<128, 10>(
                self.data
                    .val()
                    .get_bits::<10>(abi::command::packet_target::node::SHIFT),
            ) << abi::link::header::destination_node::SHIFT.to_bits::<8>())
            | (bit_cast::<128, 10>(self.node.val())
                << abi::link::header::source_node::SHIFT.to_bits::<8>())
            | (bit_cast::<128, 16>(
                self.data
                    .val()
                    .get_bits::<16>(abi::command::packet_target::receive_queue_id::SHIFT),
            ) << abi::link::header::receive_queue_id::SHIFT.to_bits::<8>())
            | (bit_cast::<128, 8>(
                self.data
                    .val()
                    .get_bits::<8>(abi::command::packet_target::tag::SHIFT),
            ) << abi::link::header::tag::SHIFT.to_bits::<8>())
            | (bit_cast::<128, 8>(self.operand_high.val().get_bits::<8>(0))
                << abi::link::header::length::SHIFT.to_bits::<8>());
        if !(self.delivers.q.val() & self.names_record.val()) {
            self.target.d.next = self.data.val();
        }
        // An entry that holds more than its first 16 bytes stands at a multiple of 32: no carry behind `+ 16`.
        self.place_of_write.next = self.target.q.val();
        if self.delivers.q.val() {
            self.place_of_write.next = ((self.target.q.val() >> 4) << 4)
                | (bit_cast::<64, 1>(self.is_tail.val().into()) << 4);
        }
        self.descriptor.next = bit_cast::<128, 64>(self.place_of_write.val())
            | (bit_cast::<128, 12>(self.stream_bytes.val()) << 64);
        self.stream.start.next = false;
        self.stream.first.next = self.header.val();
        if self.writes_host.val() | self.delivers.q.val() {
            self.stream.first.next = self.descriptor.val();
        }
        self.stream_place.next = self.operand_low.val().get_bits::<9>(4);
        self.stream.offset.next = self.stream_place.val();
        if self.is_tail.val() {
            self.stream.offset.next = self.stream_place.val() + 1;
        }
        self.stream.beats.next = self.beats.q.val();
        self.stream.bytes.next = self.stream_bytes.val();
        // A message's length stands in its descriptor, which is read as soon as its offset is known.
        self.message_length.next = self
            .outbox
            .data
            .val()
            .get_bits::<8>(abi::message::receive_descriptor::length::SHIFT);
        self.tail_sum.next = bit_cast::<9, 8>(self.message_length.val()) + self.to_words.val();
        MemoryReadMaster::link(&mut self.outbox, &mut self.stream.outbox);
        self.packet.valid.next =
            self.stream.source.valid.val() & !self.to_host.q.val() & !self.to_records.q.val();
        self.packet.beat.next = self.stream.source.beat.val();
        self.host_write.valid.next = self.stream.source.valid.val() & self.to_host.q.val();
        self.host_write.beat.next.last = self.stream.source.beat.val().last;
        self.host_write.beat.next.data = self.stream.source.beat.val().data;
        // Behind its packet's first beat, the first beat of a message has the phase bit of its ring.
        self.phase.next = self.target.q.val().get_bit(0);
        if self.delivers.q.val() & self.begun.q.val() {
            self.host_write.beat.next.data = ((self.stream.source.beat.val().data >> 1) << 1)
                | bit_cast::<128, 1>(self.phase.val().into());
        }
        self.stream.source.ready.next = self.packet.ready.val();
        if self.to_host.q.val() {
            self.stream.source.ready.next = self.host_write.ready.val();
        }
        // Records: the words 1, 2, 3 and 0.
        self.word_number.next = self.place.q.val().get_bits::<2>(0);
        self.next_number.next = self.word_number.val() + 1;
        self.is_last_word.next = self.word_number.val() == 0;
        self.is_first_word.next = self.word_number.val() == 1;
        self.is_odd_word.next = self.word_number.val().get_bit(0);
        self.next_place.next =
            ((self.place.q.val() >> 2) << 2) | bit_cast::<16, 2>(self.next_number.val());
        self.region.next = abi::queue_state::REGION_TRANSMIT_QUEUE.to_bits();
        self.of_receive.next = self
            .command
            .q
            .val()
            .get_bit(32 + abi::command::record_operand::receive::SHIFT);
        if self.of_receive.val() {
            self.region.next = abi::queue_state::REGION_RECEIVE_QUEUE.to_bits();
        }
        self.record_place.next = (bit_cast::<16, 4>(self.region.val())
            << abi::queue_state::REGION_SHIFT.to_bits::<8>())
            | (bit_cast::<16, 8>(self.operand_high.val().get_bits::<8>(0))
                << abi::queue_state::WORDS_LOG2.to_bits::<8>())
            | 1;
        if self.to_records.q.val() {
            self.stream.source.ready.next = (self.state.q.val() == ExecutorState::Load)
                & (!self.begun.q.val() | !self.is_odd_word.val());
        }
        self.stream_data.next = self.stream.source.beat.val().data;
        // A record in the inbox: until it is loaded, its last word is looked at.
        self.from_inbox.next = self.loads.val()
            & self
                .command
                .q
                .val()
                .get_bit(32 + abi::command::record_operand::from_inbox::SHIFT);
        self.names_record.next = self
            .command
            .q
            .val()
            .get_bit(32 + abi::command::deliver_operand::from_record::SHIFT);
        self.mirror_first.next = self.operand_low.val().get_bits::<4>(4);
        if self.delivers.q.val() {
            self.mirror_first.next = self.operand_high.val().get_bits::<4>(4);
        }
        self.mirror_beat.next = self.mirror_first.val() + 1;
        // A record's control word is looked at when the command is checked, a message's place behind that.
        self.mirror_high.next = self.state.q.val() != ExecutorState::Begin;
        if self.state.q.val() == ExecutorState::Load {
            self.mirror_high.next = !self.is_odd_word.val();
            if (self.word_number.val() == 1) | (self.word_number.val() == 2) {
                self.mirror_beat.next = self.mirror_first.val();
            }
        }
        self.mirror_endpoint.next = self
            .mirror_word
            .val()
            .get_bits::<12>(abi::queue_state::transmit_control::endpoint::SHIFT);
        self.control_fits.d.next = self.of_receive.val()
            | (self
                .mirror_word
                .val()
                .get_bit(abi::queue_state::transmit_control::enabled::SHIFT)
                & (self.mirror_endpoint.val()
                    == self
                        .data
                        .val()
                        .get_bits::<12>(abi::command::loaded_control::endpoint::SHIFT)));
        self.record_word.next = self.stream_data.val().get_bits::<64>(64);
        if self.is_odd_word.val() {
            self.record_word.next = self.stream_data.val().get_bits::<64>(0);
        }
        self.record_valid.next = self.stream.source.valid.val();
        self.fetched.d.next = self.mirror_word.val();
        if self.is_last_word.val() & !self.of_receive.val() {
            self.fetched.d.next = (self.mirror_word.val() & !self.control_mask.val())
                | (self.data.val() & self.control_mask.val());
        }
        self.is_fetched.d.next =
            (self.state.q.val() == ExecutorState::Load) & !self.is_fetched.q.val();
        if self.from_inbox.val() {
            self.record_valid.next = self.is_fetched.q.val();
            self.record_word.next = self.fetched.q.val();
        }
        self.is_legal.next = self.check.legal.val()
            & (self.control_fits.q.val()
                | !self.names_record.val()
                | !(self.loads.val() | self.delivers.q.val()));
        self.save_transmit.next.valid =
            (self.state.q.val() == ExecutorState::Save) & !self.of_receive.val();
        self.save_transmit.next.queue = self.operand_high.val().get_bits::<8>(0);
        self.save_receive.next.valid =
            (self.state.q.val() == ExecutorState::Save) & self.of_receive.val();
        self.save_receive.next.queue = self.operand_high.val().get_bits::<8>(0);
        self.saved_all.next = self.saved_transmit.val().done;
        self.second_word.next = self.saved_transmit.val().second;
        self.third_word.next = self.saved_transmit.val().third;
        if self.of_receive.val() {
            self.saved_all.next = self.saved_receive.val().done;
            self.second_word.next = self.saved_receive.val().second;
            self.third_word.next = self.saved_receive.val().third;
        }
        self.saved_word.next = self.written_words.read_data.val();
        if self.word_number.val() == 2 {
            self.saved_word.next = bit_cast::<64, 33>(self.second_word.val());
        }
        if self.word_number.val() == 3 {
            self.saved_word.next = bit_cast::<64, 33>(self.third_word.val());
        }
        self.inbox_valid.next = (self.state.q.val() == ExecutorState::Save) & self.saved_all.val();
        self.saved_beat.next = self.operand_low.val().get_bits::<6>(4);
        self.inbox_address.next = self.saved_beat.val();
        // Words 3 and 0 stand in the second beat.
        if (self.word_number.val() == 3) | self.is_last_word.val() {
            self.inbox_address.next = self.saved_beat.val() + 1;
        }
        self.inbox_data.next = bit_cast::<128, 64>(self.saved_word.val())
            | (bit_cast::<128, 64>(self.saved_word.val()) << 64);
        self.inbox_enables.next = self.high_half.val();
        if self.is_odd_word.val() {
            self.inbox_enables.next = self.low_half.val();
        }

        // What the page decoder does.
        self.gives_back.next =
            self.opcode.val() == abi::command::opcode::GIVE_BACK_ENTRIES.to_bits();
        self.replay.next.valid = self.state.q.val() == ExecutorState::Replay;
        self.replay.next.has_store = self
            .command
            .q
            .val()
            .get_bit(32 + abi::command::replay_operand::store::SHIFT)
            & !self.gives_back.val();
        self.replay.next.discards = self
            .command
            .q
            .val()
            .get_bit(32 + abi::command::replay_operand::discard::SHIFT);
        self.replay.next.endpoint = self
            .command
            .q
            .val()
            .get_bits::<12>(32 + abi::command::replay_operand::endpoint::SHIFT);
        self.replay.next.queue = self
            .command
            .q
            .val()
            .get_bits::<8>(32 + abi::command::replay_operand::queue::SHIFT);
        if self.gives_back.val() {
            self.replay.next.queue = self
                .command
                .q
                .val()
                .get_bits::<8>(32 + abi::command::give_back_operand::queue::SHIFT);
        }
        self.replay.next.loses = self
            .command
            .q
            .val()
            .get_bit(32 + abi::command::replay_operand::lose::SHIFT);
        self.replay.next.gives_back = self.gives_back.val();
        self.replay.next.consumer = self
            .command
            .q
            .val()
            .get_bits::<16>(32 + abi::command::give_back_operand::consumer::SHIFT);
        self.replay.next.word = self.data.val();
        self.map_region.next = abi::queue_state::REGION_ENDPOINT_MAP.to_bits();
        self.map_place.next = (bit_cast::<16, 4>(self.map_region.val())
            << abi::queue_state::REGION_SHIFT.to_bits::<8>())
            | bit_cast::<16, 12>(
                self.command
                    .q
                    .val()
                    .get_bits::<12>(32 + abi::command::replay_operand::endpoint::SHIFT),
            );

        // The other commands' ports.
        self.configuration.next.valid = false;
        self.configuration.next.index = self.place.q.val();
        self.configuration.next.data = self.data.val();
        if self.loads.val() {
            self.configuration.next.data = self.record_word.val();
        }
        self.slot_valid.next = self.state.q.val() == ExecutorState::Slot;
        self.slot_address.next = self.command.q.val().get_bits::<14>(36);
        self.slot_data.next =
            bit_cast::<128, 64>(self.data.val()) | (bit_cast::<128, 64>(self.data.val()) << 64);
        self.slot_enables.next = self.low_half.val();
        if self.operand_low.val().get_bit(3) {
            self.slot_enables.next = self.high_half.val();
        }
        self.read_valid.next = self.state.q.val() == ExecutorState::Read;
        self.read_address.next = self.data.val();
        self.read_bytes.next = self.operand_high.val();
        self.read_inbox.next = self.operand_low.val().get_bits::<11>(0);
        self.read_token.next = bit_cast::<16, 2>(self.reads.place.val());
        self.reads.start.next = (self.state.q.val() == ExecutorState::Read) & self.read_ready.val();
        self.reads.begin_queue.next = self.queue.q.val();
        self.reads.begin_answers.next = self.complete.val();
        self.reads.begin_chained.next = self.chained.val();
        self.reads.begin_token.next = self.token.val();
        self.reads.finish.next = self.finished_valid.val();
        self.reads.end_place.next = self.finished_token.val().get_bits::<2>(0);
        self.finished_ready.next = true;

        // Answers: those of reads go first, as they cannot wait.
        self.own.next = (self.state.q.val() == ExecutorState::Answer) & !self.finished_valid.val();
        self.completions.write.next = self.own.val();
        self.completions.data_in.next =
            bit_cast::<24, 16>(self.token.val()) | (bit_cast::<24, 8>(self.status.q.val()) << 16);
        if self.finished_valid.val() {
            self.completions.write.next = self.reads.end_answers.val();
            self.completions.data_in.next = bit_cast::<24, 16>(self.reads.end_token.val())
                | (bit_cast::<24, 8>(self.finished_status.val()) << 16);
        }
        self.forward.next = !self.completions.empty.val() & !self.completion_full.val();
        self.completions.read.next = self.forward.val();
        self.completion.next = self.completions.data_out.val();
        self.completion_write.next = self.forward.val();
        if self.reserve.val() & !self.forward.val() {
            self.reserved.d.next = self.reserved.q.val() + 1;
        }
        if self.forward.val() & !self.reserve.val() {
            self.reserved.d.next = self.reserved.q.val() - 1;
        }

        self.invalid.next = false;
        self.sets_chain.next = false;
        self.new_chain.next = abi::command::completion_status::DONE.to_bits();
        match self.state.q.val() {
            ExecutorState::Idle => {
                if self.head_0.may.val() | self.head_1.may.val() {
                    self.state.d.next = ExecutorState::Take;
                }
            }
            ExecutorState::Take => {
                self.command.d.next = self.taken.val();
                self.status.d.next = abi::command::completion_status::DONE.to_bits();
                self.queue.d.next = self.choose_1.val();
                self.state.d.next = ExecutorState::Measure;
            }
            ExecutorState::Measure => {
                self.state.d.next = ExecutorState::Check;
            }
            ExecutorState::Check => {
                // Another chain begins.
                self.sets_chain.next = self.link.val() == abi::command::chain::FIRST.to_bits();
                self.settling.d.next = 0.into();
                self.receive_settled.d.next = false;
                self.shadow_settled.d.next = false;
                self.place.d.next = self.operand_low.val();
                if self.loads.val() | self.saves.val() {
                    self.place.d.next = self.record_place.val();
                }
                if self.opcode.val() == abi::command::opcode::REPLAY_STORE.to_bits() {
                    self.place.d.next = self.map_place.val();
                }
                self.begun.d.next = false;
                self.more.d.next = self.operand_high.val().get_bits::<13>(0);
                self.state.d.next = ExecutorState::Begin;
            }
            ExecutorState::Begin => {
                self.state.d.next = ExecutorState::Idle;
                if self.complete.val() {
                    self.state.d.next = ExecutorState::Answer;
                }
                if self.is_broken.val() {
                    self.status.d.next = self.chain.val();
                } else if !self.is_legal.val() {
                    self.invalid.next = true;
                    self.status.d.next = abi::command::completion_status::INVALID.to_bits();
                    self.sets_chain.next = self.chained.val();
                    self.new_chain.next = abi::command::completion_status::INVALID.to_bits();
                } else if self.from_inbox.val() {
                    self.begun.d.next = true;
                    self.state.d.next = ExecutorState::Load;
                } else if self.opcode.val() == abi::command::opcode::WRITE_QUEUE_STATE.to_bits() {
                    self.configuration.next.valid = true;
                    self.state.d.next = ExecutorState::Settle;
                    if self.more.q.val().any() {
                        self.state.d.next = ExecutorState::Next;
                    }
                } else if self.opcode.val() == abi::command::opcode::WRITE_NIU_MEMORY.to_bits() {
                    self.state.d.next = ExecutorState::Slot;
                } else if self.opcode.val() == abi::command::opcode::READ_HOST_MEMORY.to_bits() {
                    self.state.d.next = ExecutorState::Read;
                } else if self.saves.val() {
                    self.state.d.next = ExecutorState::Save;
                } else if (self.opcode.val() == abi::command::opcode::REPLAY_STORE.to_bits())
                    | self.gives_back.val()
                {
                    self.state.d.next = ExecutorState::Replay;
                } else if self.delivers.q.val() {
                    if self.names_record.val() {
                        self.target.d.next = self.mirror_word.val();
                    }
                    self.tail.d.next = 0.into();
                    if self.message_length.val() > self.express_bytes.val() {
                        self.tail.d.next = self.tail_sum.val() & self.word_mask.val();
                    }
                    self.state.d.next = ExecutorState::Deliver;
                } else if (self.opcode.val() == abi::command::opcode::SEND_PACKET.to_bits())
                    & !self.link_room.val()
                {
                    self.status.d.next = abi::command::completion_status::BUSY.to_bits();
                } else if self.opcode.val() != abi::command::opcode::NOTHING.to_bits() {
                    self.stream.start.next = true;
                    self.to_host.d.next = self.writes_host.val();
                    self.to_records.d.next = self.loads.val();
                    self.state.d.next = ExecutorState::Stream;
                    if self.loads.val() {
                        self.state.d.next = ExecutorState::Load;
                    }
                }
            }
            ExecutorState::Next => {
                self.place.d.next = self.place.q.val() + self.check.stride.val();
                self.more.d.next = self.more.q.val() - 1;
                self.state.d.next = ExecutorState::Begin;
            }
            ExecutorState::Settle => {
                if !self.settling.q.val().all() {
                    self.settling.d.next = self.settling.q.val() + 1;
                } else {
                    if !self.receive_holds.val() {
                        self.receive_settled.d.next = true;
                    }
                    if !self.shadow_holds.val() {
                        self.shadow_settled.d.next = true;
                    }
                    if self.receive_settled.q.val() & self.shadow_settled.q.val() {
                        self.state.d.next = ExecutorState::Idle;
                        if self.complete.val() {
                            self.state.d.next = ExecutorState::Answer;
                        }
                    }
                }
            }
            ExecutorState::Deliver => {
                self.begun.d.next = false;
                self.state.d.next = ExecutorState::SendBeats;
            }
            ExecutorState::SendBeats => {
                self.stream.start.next = true;
                self.to_host.d.next = true;
                self.to_records.d.next = false;
                self.state.d.next = ExecutorState::Stream;
                if self.is_tail.val() {
                    self.state.d.next = ExecutorState::SendingBody;
                }
            }
            ExecutorState::SendingBody => {
                if !self.stream.busy.val() {
                    self.tail.d.next = 0.into();
                    self.state.d.next = ExecutorState::Deliver;
                }
            }
            ExecutorState::Stream => {
                if self.host_write.valid.val() & self.host_write.ready.val() {
                    self.begun.d.next = true;
                }
                if !self.stream.busy.val() {
                    self.state.d.next = ExecutorState::Idle;
                    if self.complete.val() {
                        self.state.d.next = ExecutorState::Answer;
                    }
                }
            }
            ExecutorState::Slot => {
                if self.slot_ready.val() {
                    self.state.d.next = ExecutorState::Idle;
                    if self.complete.val() {
                        self.state.d.next = ExecutorState::Answer;
                    }
                }
            }
            ExecutorState::Replay => {
                if self.replayed.val().done {
                    if self.replayed.val().busy {
                        self.status.d.next = abi::command::completion_status::BUSY.to_bits();
                    }
                    self.state.d.next = ExecutorState::Idle;
                    if self.complete.val() {
                        self.state.d.next = ExecutorState::Answer;
                    }
                    // What stands behind the endpoint's page is written as any queue state.
                    if self.replayed.val().maps {
                        self.configuration.next.valid = true;
                        self.state.d.next = ExecutorState::Settle;
                    }
                }
            }
            ExecutorState::Read => {
                if self.read_ready.val() {
                    self.state.d.next = ExecutorState::Idle;
                }
            }
            ExecutorState::Answer => {
                if self.own.val() {
                    self.state.d.next = ExecutorState::Idle;
                }
            }
            ExecutorState::Load => {
                if self.record_valid.val() {
                    self.begun.d.next = true;
                    if self.begun.q.val() {
                        self.configuration.next.valid = true;
                        self.place.d.next = self.next_place.val();
                        if self.is_last_word.val() {
                            self.state.d.next = ExecutorState::Settle;
                        }
                    }
                }
            }
            ExecutorState::Save => {
                if self.saved_all.val() & self.inbox_ready.val() {
                    self.place.d.next = self.next_place.val();
                    if self.is_last_word.val() {
                        self.state.d.next = ExecutorState::Idle;
                        if self.complete.val() {
                            self.state.d.next = ExecutorState::Answer;
                        }
                    }
                }
            }
            _ => {
                self.state.d.next = ExecutorState::Idle;
            }
        }

        if self.sets_chain.val() & self.queue.q.val() {
            self.chain_1.d.next = self.new_chain.val();
        }
        if self.sets_chain.val() & !self.queue.q.val() {
            self.chain_0.d.next = self.new_chain.val();
        }

        // What firmware has written of the queues: regions 1 and 2, words 0 and 1. A word is read a cycle ahead.
        self.written_place.next = self.configuration.val().index;
        self.written_words.write_enable.next = self.configuration.val().valid
            & !self.written_place.val().get_bit(1)
            & !self.written_place.val().get_bits::<2>(14).any()
            & (self.written_place.val().get_bit(12) ^ self.written_place.val().get_bit(13));
        self.written_words.write_data.next = self.configuration.val().data;
        self.written_key.next = (bit_cast::<16, 8>(self.written_place.val().get_bits::<8>(2)) << 2)
            | (bit_cast::<16, 1>(self.written_place.val().get_bits::<1>(13)) << 1)
            | bit_cast::<16, 1>(self.written_place.val().get_bits::<1>(0));
        self.written_words.write_address.next =
            self.written_key.val().get_bits::<WRITTEN_WORDS_LOG2>(0);
        self.saved_key.next = (bit_cast::<16, 8>(self.operand_high.val().get_bits::<8>(0)) << 2)
            | (bit_cast::<16, 1>(self.of_receive.val().into()) << 1)
            | bit_cast::<16, 1>(self.is_first_word.val().into());
        self.written_words.read_address.next =
            self.saved_key.val().get_bits::<WRITTEN_WORDS_LOG2>(0);

        if self.reset.val() {
            self.state.d.next = ExecutorState::Idle;
            self.tail.d.next = 0.into();
            self.queue.d.next = false;
            self.reserved.d.next = 0.into();
            self.chain_0.d.next = 0.into();
            self.chain_1.d.next = 0.into();
        }
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) use tests::random_command;
