//! From ready transmit queues to message frames.

use crate::bundles::{ConfigurationWrite, TransferCommit, Unpark};
use crate::configuration::{TRANSLATION_LOG2, TRANSMIT_QUEUES_LOG2, TRANSMIT_SLOTS_LOG2};
use crate::library::fixed::Fixed;
use crate::library::forward_ram::ForwardRam;
use crate::library::late_select::LateSelect;
use crate::library::lut_ram::LutRam;
use crate::library::shift_fifo::ShiftFifo;
use crate::library::stream::{Beat, StreamSource};
use crate::queues::queue_select::QueueWord;
use crate::queues::transmit::frame_payload::FramePayload;
use crate::queues::transmit::parked_queues::DefaultParkedQueues;
use crate::queues::transmit::ready_queues::DefaultReadyQueues;
use crate::queues::transmit::signals::{
    Launch, Progress, Resend, Skip, StoreOffer, StoreOutcome, StorePart,
};
use crate::queues::transmit::translation::Translation;
use rust_hdl::prelude::*;

/// Bytes at the beginning of a transfer's payload that say anything.
const DESCRIBED_BYTES: usize = 24;

/// What the link asks of a frame's first beat early in the cycle.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct FrameKind {
    /// It is the frame's only beat.
    pub single: Bit,
    /// The frame goes to the own node, and is no transfer.
    pub own_node: Bit,
    /// It is no frame, but the descriptor of a transfer.
    pub transfer: Bit,
    /// Virtual channel.
    pub channel: Bit,
}

/// Where a message that is to be sent again stands.
#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
pub enum ResendState {
    /// There is none.
    Empty,
    /// It waits for its turn in the pipeline.
    Waits,
    /// It is in the pipeline.
    Goes,
    /// It waits for credits.
    Starves,
}

/// Sends the messages of the transmit queues: one pipeline for any number of queues (V1, V3, V13, V18 to V20). It
/// owns the launch part of the queues' records: the launched index.
///
/// The pipeline has four stages. Stage 3 is entered when it is empty, stage 2 when it is empty or left in the same
/// cycle: what moves is known from registers, and a message every second cycle is what the link takes.
/// 0. Choose a queue and read its record: a message to be sent again, else a ready queue in turn, else the queue just
///    served, if it has more, else the queue of a store in this cycle (`offer`). A queue with priority that has more
///    goes on before ready queues without (`ReadyQueues::may_keep`).
/// 1. The record is there: the index to launch; read the slot.
/// 2. The slot is there (of an Express store that is under way: the store itself): read the translation.
/// 3. The translation is there: check and commit. The header goes to the output FIFO.
///
/// What the store part tells comes a cycle behind `outcome`, so a queue whose message took the short way does not
/// stay: it becomes ready if it has more.
///
/// A store takes the short way if nothing else is ready and its queue has nothing else to send. Otherwise its queue
/// becomes ready. A store that took the short way counts only if `outcome` accepts it in stage 2; a short message
/// that meets a waiting stage leaves the pipeline, and its queue becomes ready.
///
/// A message of form REMOTE (`abi::message::form`) leaves as a BULK frame: its destination must lead to a segment,
/// whose generation takes the place of the tag, and its length counts double words. All else is as with a message.
///
/// A message of form TRANSFER is handed to `transfer` as a frame of three beats: the header of a BULK frame, then the
/// 24 bytes that describe the transfer. Its queue is parked (`ParkedQueues`): what follows it leaves the pipeline, and
/// the queue waits for `unpark`. While the transfer engine has no room (`transfer_room`), a transfer waits as a message
/// without credits does. A transfer is never sent again.
///
/// A message that fails a check is told as a `skip`, and its index counts as launched. So is one whose slot its
/// endpoint has not composed (`bundles::slot`): slots are not cleared for a new owner of a queue. A message without
/// credits for its virtual channel leaves the pipeline with all that follow of its queue; the queue waits without
/// holding up others.
///
/// `restart` stands in every frame of a queue that has nothing unanswered when the frame is made, which is
/// `launched` - `progress.balance` = 0. What `progress` tells may be late; then the difference is too large, and
/// `restart` is missing, which costs one refusal.
///
/// Contract of `room_0` and `room_1`: `CreditGate::room`. At most four frames, of which one is
/// long, wait behind the commit.
///
/// Latency: an Express store is offered in cycle `t`; its header is offered at `frame` in `t + 4`. Rate: a message of
/// up to 8 bytes every 2 cycles, of 248 bytes every 18, if the stream takes a beat a cycle.
#[derive(LogicBlock, Default)]
pub struct TransmitEngine {
    pub clock: Signal<In, Clock>,
    pub reset: Signal<In, Bit>,
    /// The translation table, and the pages of the endpoint map.
    pub configuration: Signal<In, ConfigurationWrite>,
    /// `abi::queue_state::transmit_control`. A word with `enabled` clears the launched index, or
    /// sets it to the consumer index of `second`.
    pub queue_configuration: Signal<In, QueueWord>,
    /// This node's number.
    pub node: Signal<In, Bits<10>>,
    /// The answer part of the records.
    pub progress: Signal<In, Progress>,
    /// The store part of the records.
    pub stores: Signal<In, StorePart>,
    /// A store, and two cycles later what became of it; in between the producer index before it.
    pub offer: Signal<In, StoreOffer>,
    pub producer_before: Signal<In, Bits<16>>,
    pub outcome: Signal<In, StoreOutcome>,
    /// Some slot is written in this cycle.
    pub slot_written: Signal<In, Bit>,
    /// A message to be sent again, or a ping for it.
    pub resend_valid: Signal<In, Bit>,
    pub resend_ready: Signal<Out, Bit>,
    pub resend: Signal<In, Resend>,
    /// A queue that may send new messages again.
    pub reopen_valid: Signal<In, Bit>,
    pub reopen_ready: Signal<Out, Bit>,
    pub reopen_queue: Signal<In, Bits<8>>,
    /// Slot to read; `slot_data` is the slot named in the last cycle before with `slot_read`.
    pub slot_read: Signal<Out, Bit>,
    pub slot_address: Signal<Out, Bits<14>>,
    pub slot_data: Signal<In, Bits<128>>,
    /// Beat of the inline pool to read; always granted. `pool_data` follows in the next cycle.
    pub pool_request: Signal<Out, Bit>,
    pub pool_address: Signal<Out, Bits<14>>,
    pub pool_data: Signal<In, Bits<128>>,
    /// Virtual channel 0 has credits for a longest frame.
    pub room_0: Signal<In, Bit>,
    /// Virtual channel 1 has credits for a longest frame.
    pub room_1: Signal<In, Bit>,
    /// Message frames and pings to other nodes, the CRC's place zero.
    pub frame: StreamSource,
    /// `LinkTransmit::frame_single` and `frame_channel`.
    pub frame_single: Signal<Out, Bit>,
    pub frame_channel: Signal<Out, Bit>,
    /// The same to the own node.
    pub own_frame: StreamSource,
    /// Descriptors of transfers: header, payload bytes 0 to 15, payload bytes 16 to 23.
    pub transfer: StreamSource,
    /// A transfer was committed in the cycle before; its descriptor follows at `transfer`. The next one may be
    /// committed in the next cycle at the earliest.
    pub transfer_commit: Signal<Out, TransferCommit>,
    /// A transfer may be committed. A register.
    pub transfer_room: Signal<In, Bit>,
    /// A parked queue goes on. Taken with `unpark_ready`.
    pub unpark: Signal<In, Unpark>,
    pub unpark_ready: Signal<Out, Bit>,
    /// Each message that leaves the pipeline: sent, or skipped in the same cycle.
    pub launch: Signal<Out, Launch>,
    /// A message that failed a check.
    pub skip_valid: Signal<Out, Bit>,
    pub skip_ready: Signal<In, Bit>,
    pub skip: Signal<Out, Skip>,
    /// A frame waits: the link, or the own receive side, does not take it.
    pub held_up: Signal<Out, Bit>,
    /// A message is in the pipeline, or its body is being read, that was chosen before the last control word took
    /// effect. It may be one of a queue that this word has disabled. Or the word has not taken effect.
    pub holds_older: Signal<Out, Bit>,
    /// Pulse: a message is sent.
    pub message_sent: Signal<Out, Bit>,
    /// Pulse: a marked message reaches stage 2.
    pub marked_granted: Signal<Out, Bit>,
    /// Pulse: a marked message's translation was read.
    pub marked_translated: Signal<Out, Bit>,
    /// Pulse: a message was longer than 248 bytes, or a remote operation was no sub-header and whole double words, or a
    /// transfer no descriptor.
    pub too_long: Signal<Out, Bit>,
    /// Pulse: a destination was outside its window.
    pub outside_window: Signal<Out, Bit>,
    /// Pulse: a destination had no valid translation, or one with a virtual channel that the queue may not use, or one
    /// for the other of message and remote operation.
    pub invalid_translation: Signal<Out, Bit>,

    ready: DefaultReadyQueues,
    parked: DefaultParkedQueues,
    translation: Translation,
    payload: FramePayload,
    /// First beats of frames on their way to the link, the channel's bit zero; and their kinds.
    headers: LutRam<Bits<128>, 2>,
    kinds: ShiftFifo<FrameKind>,
    header_written: DFF<Bits<2>>,
    header_taken: DFF<Bits<2>>,
    /// enabled 1, virtual channel 1 allowed 1, priority 1, generation 8, endpoint 12, window mask 12, window base 12.
    controls: ForwardRam<Bits<47>, TRANSMIT_QUEUES_LOG2>,
    launched: ForwardRam<Bits<16>, TRANSMIT_QUEUES_LOG2>,
    /// balance 8, closed 1.
    answered: ForwardRam<Bits<10>, TRANSMIT_QUEUES_LOG2>,
    producers: ForwardRam<Bits<16>, TRANSMIT_QUEUES_LOG2>,
    pages: ForwardRam<Bits<6>, TRANSMIT_QUEUES_LOG2>,

    // A message to be sent again.
    resend_state: DFF<ResendState>,
    held_resend: DFF<Resend>,
    starved_channel: DFF<Bit>,

    // Stage 1.
    valid_1: DFF<Bit>,
    queue_1: DFF<Bits<8>>,
    short_1: DFF<Bit>,
    express_1: DFF<Bit>,
    again_1: DFF<Bit>,
    /// Its queue has priority, and was ready.
    prior_1: DFF<Bit>,

    // Stage 2.
    valid_2: DFF<Bit>,
    queue_2: DFF<Bits<8>>,
    short_2: DFF<Bit>,
    express_2: DFF<Bit>,
    again_2: DFF<Bit>,
    may_go_2: DFF<Bit>,
    more_2: DFF<Bit>,
    index_2: DFF<Bits<16>>,
    restart_2: DFF<Bit>,
    narrow_2: DFF<Bit>,
    control_2: DFF<Bits<47>>,
    page_2: DFF<Bits<6>>,

    // Stage 3.
    valid_3: DFF<Bit>,
    /// The same but for reset, for the data: its load is many times that of the other.
    holds_3: DFF<Bit>,
    queue_3: DFF<Bits<8>>,
    again_3: DFF<Bit>,
    ping_3: DFF<Bit>,
    index_3: DFF<Bits<16>>,
    restart_3: DFF<Bit>,
    channel_1_allowed_3: DFF<Bit>,
    generation_3: DFF<Bits<8>>,
    endpoint_3: DFF<Bits<12>>,
    first_3: DFF<Bits<64>>,
    /// It is a remote operation; its frame, not a ping; and a transfer, not a ping for one.
    remote_3: DFF<Bit>,
    bulk_3: DFF<Bit>,
    transfer_3: DFF<Bit>,
    length_3: DFF<Bits<8>>,
    tag_3: DFF<Bits<8>>,
    marked_3: DFF<Bit>,
    is_long_3: DFF<Bit>,
    /// It is too long, or of an impossible form; or the slot was composed by another endpoint, a former owner of the
    /// queue.
    unfit_3: DFF<Bit>,
    foreign_3: DFF<Bit>,
    outside_3: DFF<Bit>,
    body_3: DFF<Bits<10>>,
    translation_index_3: DFF<Bits<TRANSLATION_LOG2>>,
    described: Fixed<8, { DESCRIBED_BYTES }>,
    /// The second beat of the body of the message in stage 3 is at the pool's output.
    second_there: DFF<Bit>,
    /// One header waited a cycle ago, or none: there is room for two more.
    few_headers: DFF<Bit>,

    /// A queue that starved in the cycle before, and on which channel; a message sent again does not count.
    starved: DFF<Bit>,
    /// It starved for the room of a transfer.
    starved_of_room: DFF<Bit>,
    /// A transfer was committed in the cycle before.
    committed: DFF<Bit>,
    /// Its queue starved, or was parked, in the cycle before: what follows leaves the pipeline.
    stopped: DFF<Bit>,
    /// The new message in stage 2 is of the queue that stood in stage 3 in the cycle before.
    follows_2: DFF<Bit>,
    starved_queue: DFF<Bits<8>>,
    starved_on_1: DFF<Bit>,

    /// The queue of the message that left the pipeline in the cycle before, and its launched index.
    left_valid: DFF<Bit>,
    left_queue: DFF<Bits<8>>,
    left_launched: DFF<Bits<16>>,

    /// A launched index that is to be cleared.
    clears_launched: DFF<Bit>,
    cleared_queue: DFF<Bits<8>>,

    // The frame that leaves.
    in_payload: DFF<Bit>,
    /// The same but for reset, for the choice of the data: its load is many times that of the others.
    pays: DFF<Bit>,
    own_payload: DFF<Bit>,
    transfer_payload: DFF<Bit>,
    /// What stands in the stages, and the payload that is formed, is older than the last control word.
    older_1: DFF<Bit>,
    older_2: DFF<Bit>,
    older_3: DFF<Bit>,
    older_payload: DFF<Bit>,
    is_held_up: DFF<Bit>,

    // Stage 0.
    resends: Signal<Local, Bit>,
    waits_for_prior: Signal<Local, Bit>,
    keeps: Signal<Local, Bit>,
    stays: Signal<Local, Bit>,
    chooses: Signal<Local, Bit>,
    chosen: Signal<Local, Bits<8>>,
    chosen_short: Signal<Local, Bit>,
    takes_offer: Signal<Local, Bit>,
    record_queue: Signal<Local, Bits<8>>,
    record: Signal<Local, Bits<TRANSMIT_QUEUES_LOG2>>,
    // Stage 1.
    control_1: Signal<Local, Bits<47>>,
    ahead_behind_3: Signal<Local, Bit>,
    ahead_in_3: Signal<Local, Bit>,
    ahead_in_2: Signal<Local, Bit>,
    launched_ahead: Signal<Local, Bits<16>>,
    launched_select: LateSelect<16>,
    index_select: LateSelect<16>,
    launched_1: Signal<Local, Bits<16>>,
    index_1: Signal<Local, Bits<16>>,
    answered_1: Signal<Local, Bits<10>>,
    producer_1: Signal<Local, Bits<16>>,
    pending_1: Signal<Local, Bits<7>>,
    has_pending_1: Signal<Local, Bit>,
    unanswered_1: Signal<Local, Bits<8>>,
    open_1: Signal<Local, Bit>,
    current_1: Signal<Local, Bit>,
    killed_1: Signal<Local, Bit>,
    /// The queues of the stages and of the message that left, in as many bits as there are.
    number_1: Signal<Local, Bits<TRANSMIT_QUEUES_LOG2>>,
    number_2: Signal<Local, Bits<TRANSMIT_QUEUES_LOG2>>,
    number_3: Signal<Local, Bits<TRANSMIT_QUEUES_LOG2>>,
    number_left: Signal<Local, Bits<TRANSMIT_QUEUES_LOG2>>,
    same_13: Signal<Local, Bit>,
    slot_1: Signal<Local, Bits<14>>,
    // Stage 2.
    killed_2: Signal<Local, Bit>,
    goes_2: Signal<Local, Bit>,
    /// A message is in stage 3 in the next cycle.
    enters_3: Signal<Local, Bit>,
    goes_long_way: Signal<Local, Bit>,
    may_stay: Signal<Local, Bit>,
    /// The queue is narrow and has a message unanswered.
    held_2: Signal<Local, Bit>,
    store_waits: Signal<Local, Bit>,
    block_2: Signal<Local, Bit>,
    move_3: Signal<Local, Bit>,
    move_2: Signal<Local, Bit>,
    move_1: Signal<Local, Bit>,
    slot_word: Signal<Local, Bits<128>>,
    slot_header: Signal<Local, Bits<64>>,
    slot_length: Signal<Local, Bits<16>>,
    is_remote: Signal<Local, Bit>,
    is_transfer: Signal<Local, Bit>,
    is_ping: Signal<Local, Bit>,
    has_no_form: Signal<Local, Bit>,
    is_no_operation: Signal<Local, Bit>,
    is_no_transfer: Signal<Local, Bit>,
    is_foreign: Signal<Local, Bit>,
    destination: Signal<Local, Bits<16>>,
    window_mask: Signal<Local, Bits<16>>,
    window_index: Signal<Local, Bits<12>>,
    translation_index: Signal<Local, Bits<TRANSLATION_LOG2>>,
    body_2: Signal<Local, Bits<10>>,
    long_3: Signal<Local, Bit>,
    marked_2: Signal<Local, Bit>,
    // Stage 3.
    output_ready: Signal<Local, Bit>,
    leaves_3: Signal<Local, Bit>,
    channel: Signal<Local, Bit>,
    own_node: Signal<Local, Bit>,
    bad_translation: Signal<Local, Bit>,
    wrong_kind: Signal<Local, Bit>,
    unfit: Signal<Local, Bit>,
    lacks_room: Signal<Local, Bit>,
    commits: Signal<Local, Bit>,
    skips: Signal<Local, Bit>,
    starves: Signal<Local, Bit>,
    sends: Signal<Local, Bit>,
    fit_commits: Signal<Local, Bit>,
    begins: Signal<Local, Bit>,
    error: Signal<Local, Bits<4>>,
    kind: Signal<Local, Bits<4>>,
    restarts: Signal<Local, Bit>,
    frame_tag: Signal<Local, Bits<8>>,
    frame_length: Signal<Local, Bits<8>>,
    header: Signal<Local, Bits<128>>,
    told_queue: Signal<Local, Bits<8>>,
    store_queue: Signal<Local, Bits<8>>,
    control_word: Signal<Local, Bits<64>>,
    control_queue: Signal<Local, Bits<8>>,
    start: Signal<Local, Bits<34>>,
    map_index: Signal<Local, Bits<16>>,
    map_word: Signal<Local, Bits<64>>,
    map_queue: Signal<Local, Bits<8>>,
    // The frame that leaves.
    front: Signal<Local, FrameKind>,
    to_own: Signal<Local, Bit>,
    to_transfer: Signal<Local, Bit>,
    offered: Signal<Local, Beat>,
    offered_valid: Signal<Local, Bit>,
    taken: Signal<Local, Bit>,
    takes_header: Signal<Local, Bit>,
}

impl Logic for TransmitEngine {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            resend_state,
            held_resend,
            starved_channel,
            valid_1,
            queue_1,
            short_1,
            express_1,
            again_1,
            prior_1,
            valid_2,
            queue_2,
            short_2,
            express_2,
            again_2,
            may_go_2,
            more_2,
            index_2,
            restart_2,
            narrow_2,
            control_2,
            page_2,
            valid_3,
            holds_3,
            queue_3,
            again_3,
            ping_3,
            index_3,
            restart_3,
            channel_1_allowed_3,
            generation_3,
            endpoint_3,
            first_3,
            remote_3,
            bulk_3,
            transfer_3,
            length_3,
            tag_3,
            marked_3,
            is_long_3,
            unfit_3,
            foreign_3,
            outside_3,
            body_3,
            translation_index_3,
            header_written,
            header_taken,
            second_there,
            few_headers,
            starved,
            starved_of_room,
            committed,
            stopped,
            follows_2,
            starved_queue,
            starved_on_1,
            left_valid,
            left_queue,
            left_launched,
            clears_launched,
            cleared_queue,
            in_payload,
            pays,
            own_payload,
            transfer_payload,
            is_held_up,
            older_1,
            older_2,
            older_3,
            older_payload
        );
        clock!(
            self,
            clock,
            ready,
            parked,
            translation,
            payload,
            headers,
            kinds,
            controls,
            launched,
            answered,
            producers,
            pages
        );
        self.ready.reset.next = self.reset.val();
        self.parked.reset.next = self.reset.val();
        self.payload.reset.next = self.reset.val();
        self.kinds.reset.next = self.reset.val();
        self.ready.configuration.next = self.queue_configuration.val();
        self.parked.configuration.next = self.queue_configuration.val();
        self.translation.configuration.next = self.configuration.val();

        // What others tell of the records.
        self.told_queue.next = self.progress.val().queue;
        self.answered.write_enable.next = self.progress.val().valid;
        self.answered.write_address.next =
            self.told_queue.val().get_bits::<TRANSMIT_QUEUES_LOG2>(0);
        self.answered.write_data.next = bit_cast::<10, 8>(self.progress.val().balance)
            | (bit_cast::<10, 1>(self.progress.val().closed.into()) << 8)
            | (bit_cast::<10, 1>(self.progress.val().narrow.into()) << 9);
        self.store_queue.next = self.stores.val().queue;
        self.producers.write_enable.next = self.stores.val().valid;
        self.producers.write_address.next =
            self.store_queue.val().get_bits::<TRANSMIT_QUEUES_LOG2>(0);
        self.producers.write_data.next = self.stores.val().producer;
        self.control_word.next = self.queue_configuration.val().word;
        self.control_queue.next = self.queue_configuration.val().queue;
        self.start.next = self.queue_configuration.val().second;
        self.controls.write_enable.next = self.queue_configuration.val().control;
        self.controls.write_address.next =
            self.control_queue.val().get_bits::<TRANSMIT_QUEUES_LOG2>(0);
        self.controls.write_data.next = bit_cast::<47, 3>(
            self.control_word
                .val()
                .get_bits::<3>(abi::queue_state::transmit_control::enabled::SHIFT),
        ) | (bit_cast::<47, 8>(
            self.control_word
                .val()
                .get_bits::<8>(abi::queue_state::transmit_control::generation::SHIFT),
        ) << 3)
            | (bit_cast::<47, 12>(
                self.control_word
                    .val()
                    .get_bits::<12>(abi::queue_state::transmit_control::endpoint::SHIFT),
            ) << 11)
            | (bit_cast::<47, 12>(
                self.control_word
                    .val()
                    .get_bits::<12>(abi::queue_state::transmit_control::window_mask::SHIFT),
            ) << 23)
            | (bit_cast::<47, 12>(
                self.control_word
                    .val()
                    .get_bits::<12>(abi::queue_state::transmit_control::window_base::SHIFT),
            ) << 35);
        self.map_index.next = self.configuration.val().index;
        self.map_word.next = self.configuration.val().data;
        self.map_queue.next = self
            .map_word
            .val()
            .get_bits::<8>(abi::queue_state::endpoint_map::transmit_queue::SHIFT);
        self.pages.write_enable.next = self.configuration.val().valid
            & (self
                .map_index
                .val()
                .get_bits::<4>(abi::queue_state::REGION_SHIFT)
                == abi::queue_state::REGION_ENDPOINT_MAP.to_bits())
            & self
                .map_word
                .val()
                .get_bit(abi::queue_state::endpoint_map::transmit_resident::SHIFT);
        self.pages.write_address.next = self.map_queue.val().get_bits::<TRANSMIT_QUEUES_LOG2>(0);
        self.pages.write_data.next = self
            .map_word
            .val()
            .get_bits::<6>(abi::queue_state::endpoint_map::page::SHIFT);

        // Stage 3: whether it can be left does not depend on what the translation says.
        self.output_ready.next = self.payload.takes_short.val();
        if self.is_long_3.q.val() & !self.ping_3.q.val() {
            self.output_ready.next = self.payload.takes_long.val() & self.second_there.q.val();
        }
        self.few_headers.d.next = !self.kinds.stored.val().get_bit(1);
        self.leaves_3.next = self.valid_3.q.val()
            & self.output_ready.val()
            & self.few_headers.q.val()
            & self.skip_ready.val();
        self.move_3.next = !self.valid_3.q.val();

        // Stage 2: does the message go, and has its queue more?
        self.killed_2.next = self.stopped.q.val() & self.follows_2.q.val();
        self.held_2.next = self.narrow_2.q.val() & !self.restart_2.q.val();
        self.goes_long_way.next = self.valid_2.q.val()
            & self.may_go_2.q.val()
            & !self.held_2.val()
            & !self.killed_2.val()
            & !self.short_2.q.val();
        self.goes_2.next = self.goes_long_way.val();
        if self.short_2.q.val() {
            self.goes_2.next = self.valid_2.q.val()
                & self.may_go_2.q.val()
                & !self.held_2.val()
                & !self.killed_2.val()
                & self.outcome.val().accepted;
        }
        self.resends.next = self.resend_state.q.val() == ResendState::Waits;
        self.waits_for_prior.next = self.valid_1.q.val() & self.prior_1.q.val();
        self.ready.waits_for_prior.next = self.waits_for_prior.val();
        self.keeps.next = self.control_2.q.val().get_bit(2) & self.ready.may_keep.val();
        self.may_stay.next = self.valid_2.q.val() & self.more_2.q.val() & !self.killed_2.val();
        self.stays.next = self.may_stay.val()
            & !self.resends.val()
            & ((!self.ready.any.val() & !self.waits_for_prior.val()) | self.keeps.val());
        // Its queue may have to become ready again, but another has the way there. Whether it stays is known too late.
        self.block_2.next = self.more_2.q.val() & !self.ready.again_ready.val();
        // Whether a store in stage 2 becomes a message is known too late for stage 1, which waits a cycle for it.
        self.move_2.next = !self.valid_2.q.val()
            | (self.move_3.val() & !self.block_2.val() & !self.short_2.q.val());
        self.move_1.next = self.move_2.val() | (self.short_2.q.val() & !self.valid_1.q.val());
        self.ready.again_valid.next = self.may_stay.val() & !self.stays.val() & self.move_3.val();
        self.ready.again_queue.next = self.queue_2.q.val();
        // A store that brings one message is done with when that message takes the short way.
        self.store_waits.next = self.outcome.val().accepted
            & !(self.short_2.q.val()
                & self.goes_2.val()
                & self.move_3.val()
                & !self.outcome.val().more);
        self.ready.store_valid.next = self.store_waits.val();
        self.ready.store_queue.next = self.outcome.val().queue;

        // Stage 0: choose.
        self.chosen.next = self.offer.val().queue;
        self.chosen_short.next = true;
        self.chooses.next = self.offer.val().valid;
        if self.ready.any.val() {
            self.chosen.next = self.ready.turn.val();
            self.chosen_short.next = false;
            self.chooses.next = true;
        }
        if self.stays.val() {
            self.chosen.next = self.queue_2.q.val();
            self.chosen_short.next = false;
            self.chooses.next = true;
        }
        if self.resends.val() {
            self.chosen.next = self.held_resend.q.val().queue;
            self.chosen_short.next = false;
            self.chooses.next = true;
        }
        self.ready.pop.next =
            self.ready.any.val() & !self.resends.val() & !self.stays.val() & self.move_1.val();
        self.ready.keeps.next = self.stays.val() & self.keeps.val() & self.move_1.val();
        // The queue of an offer comes from a block RAM and goes to others: it is chosen last.
        self.takes_offer.next =
            self.move_1.val() & !self.ready.any.val() & !self.stays.val() & !self.resends.val();
        self.record_queue.next = self.ready.turn.val();
        if self.stays.val() {
            self.record_queue.next = self.queue_2.q.val();
        }
        if self.resends.val() {
            self.record_queue.next = self.held_resend.q.val().queue;
        }
        if !self.move_1.val() {
            self.record_queue.next = self.queue_1.q.val();
        }
        if self.takes_offer.val() {
            self.record_queue.next = self.offer.val().queue;
        }
        self.record.next = self.record_queue.val().get_bits::<TRANSMIT_QUEUES_LOG2>(0);
        self.controls.read_address.next = self.record.val();
        self.launched.read_address.next = self.record.val();
        self.answered.read_address.next = self.record.val();
        self.producers.read_address.next = self.record.val();
        self.pages.read_address.next = self.record.val();
        if self.move_1.val() {
            self.valid_1.d.next = self.chooses.val();
            self.queue_1.d.next = self.chosen.val();
            self.short_1.d.next = self.chosen_short.val();
            self.express_1.d.next = self.offer.val().express;
            self.again_1.d.next = self.resends.val();
            self.prior_1.d.next = !self.resends.val()
                & ((self.stays.val() & self.keeps.val())
                    | (self.ready.any.val() & !self.stays.val() & self.ready.turn_is_prior.val()));
        } else if self.short_1.q.val() {
            // A store does not wait in stage 1.
            self.valid_1.d.next = false;
        }

        // Stage 1: the record. Messages of the same queue ahead in the pipeline count as launched.
        self.number_1.next = self.queue_1.q.val().get_bits::<TRANSMIT_QUEUES_LOG2>(0);
        self.number_2.next = self.queue_2.q.val().get_bits::<TRANSMIT_QUEUES_LOG2>(0);
        self.number_3.next = self.queue_3.q.val().get_bits::<TRANSMIT_QUEUES_LOG2>(0);
        self.number_left.next = self.left_queue.q.val().get_bits::<TRANSMIT_QUEUES_LOG2>(0);
        self.same_13.next = self.number_1.val() == self.number_3.val();
        self.killed_1.next = self.stopped.q.val()
            & !self.again_1.q.val()
            & (self
                .starved_queue
                .q
                .val()
                .get_bits::<TRANSMIT_QUEUES_LOG2>(0)
                == self.number_1.val());
        self.control_1.next = self.controls.read_data.val();
        self.answered_1.next = self.answered.read_data.val();
        self.producer_1.next = self.producers.read_data.val();
        self.ahead_behind_3.next =
            self.left_valid.q.val() & (self.number_left.val() == self.number_1.val());
        self.ahead_in_3.next = self.valid_3.q.val() & !self.again_3.q.val() & self.same_13.val();
        self.ahead_in_2.next = self.goes_long_way.val()
            & !self.again_2.q.val()
            & (self.number_2.val() == self.number_1.val());
        self.launched_select.late.next = self.launched.memory_data.val();
        self.launched_select.takes_early.next = self.launched.is_written.val()
            | self.ahead_behind_3.val()
            | self.ahead_in_3.val()
            | self.ahead_in_2.val();
        self.launched_ahead.next = self.launched.written_data.val();
        if self.ahead_behind_3.val() {
            self.launched_ahead.next = self.left_launched.q.val();
        }
        if self.ahead_in_3.val() {
            self.launched_ahead.next = self.index_3.q.val() + 1;
        }
        if self.ahead_in_2.val() {
            self.launched_ahead.next = self.index_2.q.val() + 1;
        }
        self.launched_select.early.next = self.launched_ahead.val();
        self.launched_1.next = self.launched_select.chosen.val();
        // The index comes from a block RAM and goes to many others: it is chosen last.
        self.index_select.late.next = self.launched.memory_data.val();
        self.index_select.takes_early.next = self.launched.is_written.val()
            | self.ahead_behind_3.val()
            | self.ahead_in_3.val()
            | self.ahead_in_2.val()
            | self.again_1.q.val();
        self.index_select.early.next = self.launched_ahead.val();
        if self.again_1.q.val() {
            self.index_select.early.next = self.held_resend.q.val().index;
        }
        self.index_1.next = self.index_select.chosen.val();
        self.slot_1.next = (bit_cast::<14, 8>(self.queue_1.q.val())
            << crate::configuration::TRANSMIT_SLOTS_LOG2.to_bits::<4>())
            | bit_cast::<14, TRANSMIT_SLOTS_LOG2>(
                self.index_1.val().get_bits::<TRANSMIT_SLOTS_LOG2>(0),
            );
        // A message that waits in stage 2 keeps its slot at the RAM's output.
        self.slot_address.next = self.slot_1.val();
        self.slot_read.next = self.move_2.val();
        self.pending_1.next =
            self.producer_1.val().get_bits::<7>(0) - self.launched_1.val().get_bits::<7>(0);
        // The short way may have sent a message whose store part is not told yet: then the difference is negative.
        self.has_pending_1.next = (self.pending_1.val() != 0)
            & !(self.pending_1.val().get_bit(6) & self.pending_1.val().get_bit(5));
        self.unanswered_1.next =
            self.launched_1.val().get_bits::<8>(0) - self.answered_1.val().get_bits::<8>(0);
        self.parked.look_queue.next = self.queue_1.q.val();
        self.open_1.next = self.control_1.val().get_bit(0)
            & !self.answered_1.val().get_bit(8)
            & !self.parked.is_parked.val();
        self.current_1.next =
            self.launched_1.val().get_bits::<7>(0) == self.producer_before.val().get_bits::<7>(0);
        if self.move_2.val() {
            self.valid_2.d.next = self.valid_1.q.val() & !self.killed_1.val();
            self.queue_2.d.next = self.queue_1.q.val();
            self.short_2.d.next = self.short_1.q.val();
            self.express_2.d.next = self.express_1.q.val();
            self.again_2.d.next = self.again_1.q.val();
            self.may_go_2.d.next = self.open_1.val() & self.has_pending_1.val();
            if self.short_1.q.val() {
                // A slot that is written while it is read is undefined: such a store does not take the short way.
                self.may_go_2.d.next = self.open_1.val()
                    & self.current_1.val()
                    & (self.express_1.q.val() | !self.slot_written.val());
            }
            if self.again_1.q.val() {
                self.may_go_2.d.next = self.control_1.val().get_bit(0)
                    & (self.control_1.val().get_bits::<8>(3)
                        == self.held_resend.q.val().generation);
            }
            self.more_2.d.next = self.open_1.val()
                & !self.answered_1.val().get_bit(9)
                & self.has_pending_1.val()
                & (self.pending_1.val() != 1)
                & !self.short_1.q.val()
                & !self.again_1.q.val();
            self.index_2.d.next = self.index_1.val();
            self.restart_2.d.next = self.unanswered_1.val() == 0;
            self.narrow_2.d.next = self.answered_1.val().get_bit(9) & !self.again_1.q.val();
            if self.again_1.q.val() {
                self.restart_2.d.next = self.held_resend.q.val().restart;
            }
            self.control_2.d.next = self.control_1.val();
            self.page_2.d.next = self.pages.read_data.val();
        } else if self.short_2.q.val() | self.killed_2.val() {
            // Nor in stage 2, nor does a message behind one that starved.
            self.valid_2.d.next = false;
        }

        // Stage 2: the slot. An Express store's is not read.
        self.slot_word.next = self.slot_data.val();
        if self.short_2.q.val() & self.express_2.q.val() {
            self.slot_word.next = self.outcome.val().slot;
        }
        self.slot_header.next = self.slot_word.val().get_bits::<64>(0);
        self.is_foreign.next = self
            .slot_header
            .val()
            .get_bits::<12>(crate::bundles::slot::OWNER_SHIFT)
            != self.control_2.q.val().get_bits::<12>(11);
        self.slot_length.next = self
            .slot_header
            .val()
            .get_bits::<16>(abi::message::transmit_header::length::SHIFT);
        self.is_remote.next = self
            .slot_header
            .val()
            .get_bits::<2>(abi::message::transmit_header::form::SHIFT)
            == abi::message::form::REMOTE.to_bits();
        self.is_transfer.next = self
            .slot_header
            .val()
            .get_bits::<2>(abi::message::transmit_header::form::SHIFT)
            == abi::message::form::TRANSFER.to_bits();
        // There is no form beyond TRANSFER.
        self.has_no_form.next = self
            .slot_header
            .val()
            .get_bits::<2>(abi::message::transmit_header::form::SHIFT)
            > abi::message::form::TRANSFER.to_bits();
        // A sub-header and whole double words.
        self.is_no_operation.next = self.is_remote.val()
            & ((self.slot_length.val().get_bits::<2>(0) != 0)
                | (self.slot_length.val() <= abi::message::EXPRESS_PAYLOAD_BYTES.to_bits()));
        self.is_ping.next = self.again_2.q.val() & self.held_resend.q.val().ping;
        // A descriptor; once.
        self.is_no_transfer.next = self.is_transfer.val()
            & ((self.slot_length.val() != abi::message::TRANSFER_BYTES.to_bits())
                | (self.again_2.q.val() & !self.held_resend.q.val().ping));
        self.destination.next = self
            .slot_header
            .val()
            .get_bits::<16>(abi::message::transmit_header::destination::SHIFT);
        self.marked_2.next = self
            .slot_header
            .val()
            .get_bit(abi::message::transmit_header::marked::SHIFT);
        self.window_mask.next = bit_cast::<16, 12>(self.control_2.q.val().get_bits::<12>(23));
        self.window_index.next =
            self.destination.val().get_bits::<12>(0) | self.control_2.q.val().get_bits::<12>(35);
        self.translation_index.next = self.window_index.val().get_bits::<TRANSLATION_LOG2>(0);
        self.translation.index.next = self.translation_index.val();
        if !self.move_3.val() {
            self.translation.index.next = self.translation_index_3.q.val();
        }
        self.body_2.next = (bit_cast::<10, 6>(self.page_2.q.val()) << 4)
            | bit_cast::<10, 4>(self.index_2.q.val().get_bits::<4>(0));
        self.marked_granted.next = self.goes_2.val() & self.move_2.val() & self.marked_2.val();
        self.enters_3.next = self.valid_3.q.val() & !self.leaves_3.val();
        if self.move_3.val() {
            self.enters_3.next = self.goes_2.val() & !self.block_2.val();
        }
        self.valid_3.d.next = self.enters_3.val();
        self.holds_3.d.next = self.enters_3.val();
        if !self.holds_3.q.val() {
            self.queue_3.d.next = self.queue_2.q.val();
            self.again_3.d.next = self.again_2.q.val();
            self.ping_3.d.next = self.is_ping.val();
            self.remote_3.d.next = self.is_remote.val() | self.is_transfer.val();
            self.bulk_3.d.next =
                (self.is_remote.val() | self.is_transfer.val()) & !self.is_ping.val();
            self.transfer_3.d.next = self.is_transfer.val() & !self.is_ping.val();
            self.index_3.d.next = self.index_2.q.val();
            self.restart_3.d.next = self.restart_2.q.val();
            self.channel_1_allowed_3.d.next = self.control_2.q.val().get_bit(1);
            self.generation_3.d.next = self.control_2.q.val().get_bits::<8>(3);
            self.endpoint_3.d.next = self.control_2.q.val().get_bits::<12>(11);
            self.first_3.d.next = self.slot_word.val().get_bits::<64>(64);
            self.length_3.d.next = self.slot_length.val().get_bits::<8>(0);
            if self.is_transfer.val() {
                self.length_3.d.next = self.described.val();
            }
            self.tag_3.d.next = self
                .slot_header
                .val()
                .get_bits::<8>(abi::message::transmit_header::tag::SHIFT);
            self.marked_3.d.next = self.marked_2.val();
            self.is_long_3.d.next =
                self.slot_length.val() > abi::message::EXPRESS_PAYLOAD_BYTES.to_bits();
            self.unfit_3.d.next = self.is_foreign.val()
                | self.has_no_form.val()
                | self.is_no_operation.val()
                | self.is_no_transfer.val()
                | (self.slot_length.val() > abi::message::MAXIMUM_PAYLOAD_BYTES.to_bits());
            self.foreign_3.d.next = self.is_foreign.val();
            self.outside_3.d.next = (self.destination.val() & !self.window_mask.val()).any();
            self.body_3.d.next = self.body_2.val();
            self.translation_index_3.d.next = self.translation_index.val();
        }

        // The queue in stage 3 may starve in this cycle.
        self.follows_2.d.next =
            !self.again_2.q.val() & (self.number_2.val() == self.number_3.val());
        if self.move_2.val() {
            self.follows_2.d.next = !self.again_1.q.val() & self.same_13.val();
        }

        // The inline pool: the payload under way first, then the second beat of the next message's body.
        self.long_3.next = self.valid_3.q.val() & self.is_long_3.q.val();
        self.pool_address.next = (bit_cast::<14, 10>(self.body_2.val()) << 4) | 1;
        self.second_there.d.next = true;
        if self.long_3.val() {
            self.pool_address.next = (bit_cast::<14, 10>(self.body_3.q.val()) << 4) | 1;
        }
        self.pool_request.next = self.valid_2.q.val() | self.long_3.val();
        if self.payload.read_request.val() {
            self.pool_request.next = true;
            self.pool_address.next = self.payload.read_address.val();
            self.second_there.d.next = false;
        }

        // Stage 3: the translation.
        self.channel.next = self.translation.virtual_channel.val();
        self.translation.own_node.next = self.node.val();
        self.own_node.next = !self.translation.leaves_node.val();
        self.wrong_kind.next = (self.translation.segment.val() & !self.remote_3.q.val())
            | (!self.translation.segment.val() & self.remote_3.q.val());
        self.bad_translation.next = !self.translation.valid.val()
            | (self.wrong_kind.val() & !self.ping_3.q.val())
            | (self.channel.val() & !self.channel_1_allowed_3.q.val());
        self.translation.channel_1_allowed.next = self.channel_1_allowed_3.q.val();
        self.translation.room_0.next = self.room_0.val();
        self.translation.room_1.next = self.room_1.val();
        self.translation.ping.next = self.ping_3.q.val();
        self.translation.remote.next = self.remote_3.q.val();
        // What the translation says comes late. Whether there is room for a transfer does not depend on it.
        self.unfit.next = self.unfit_3.q.val() | self.outside_3.q.val();
        self.lacks_room.next = self.transfer_3.q.val() & !self.transfer_room.val();
        self.fit_commits.next = self.leaves_3.val() & !self.lacks_room.val() & !self.unfit.val();
        self.skips.next = !self.ping_3.q.val()
            & ((self.leaves_3.val() & self.unfit.val())
                | (self.leaves_3.val() & !self.lacks_room.val() & self.bad_translation.val()));
        self.starves.next =
            (self.fit_commits.val() & !self.bad_translation.val() & !self.translation.may_go.val())
                | (self.leaves_3.val() & self.lacks_room.val() & !self.unfit.val());
        self.sends.next = self.fit_commits.val() & self.translation.may_go.val();
        self.begins.next = self.sends.val() & !self.ping_3.q.val();
        self.commits.next = self.sends.val() & self.transfer_3.q.val();
        self.starved.d.next = self.starves.val() & !self.again_3.q.val();
        self.starved_of_room.d.next = self.lacks_room.val();
        self.committed.d.next = self.commits.val();
        self.stopped.d.next = (self.starves.val() & !self.again_3.q.val()) | self.commits.val();
        self.transfer_commit.next.valid = self.committed.q.val();
        self.transfer_commit.next.queue = self.starved_queue.q.val();
        self.parked.park.next = self.committed.q.val();
        self.parked.park_queue.next = self.starved_queue.q.val();
        self.parked.unpark.next = self.unpark.val();
        self.unpark_ready.next = self.parked.unpark_ready.val();
        self.starved_queue.d.next = self.queue_3.q.val();
        self.starved_on_1.d.next = self.channel.val();
        self.ready.starved_valid.next = self.starved.q.val();
        self.ready.starved_queue.next = self.starved_queue.q.val();
        self.ready.starved_channel.next = self.starved_on_1.q.val();
        self.ready.starved_of_room.next = self.starved_of_room.q.val();
        self.ready.transfer_room.next = self.transfer_room.val();
        self.ready.room_0.next = self.room_0.val();
        self.ready.room_1.next = self.room_1.val();
        self.parked.open_valid.next = self.reopen_valid.val();
        self.parked.open_queue.next = self.reopen_queue.val();
        self.reopen_ready.next = self.parked.open_ready.val();
        self.ready.reopen_valid.next = self.parked.reopen_valid.val();
        self.ready.reopen_queue.next = self.parked.reopen_queue.val();
        self.parked.reopen_ready.next = self.ready.reopen_ready.val();

        self.error.next = abi::message::error::INVALID_TRANSLATION.to_bits();
        if self.outside_3.q.val() {
            self.error.next = abi::message::error::OUTSIDE_WINDOW.to_bits();
        }
        if self.unfit_3.q.val() {
            self.error.next = abi::message::error::TOO_LONG.to_bits();
        }
        if self.foreign_3.q.val() {
            self.error.next = abi::message::error::INLINE_LOST.to_bits();
        }
        self.skip_valid.next = self.skips.val();
        self.skip.next.queue = self.queue_3.q.val();
        self.skip.next.index = self.index_3.q.val();
        self.skip.next.again = self.again_3.q.val();
        self.skip.next.error = self.error.val();
        self.launch.next.valid = (self.sends.val() | self.skips.val()) & !self.ping_3.q.val();
        self.launch.next.queue = self.queue_3.q.val();
        self.launch.next.index = self.index_3.q.val();
        self.launch.next.again = self.again_3.q.val();
        self.launch.next.node = self.translation.node.val();
        self.launch.next.marked = self.marked_3.q.val() & self.sends.val();
        self.message_sent.next = self.begins.val();
        self.marked_translated.next = self.sends.val() & self.marked_3.q.val();
        self.too_long.next = self.skips.val() & self.unfit_3.q.val() & !self.foreign_3.q.val();
        self.outside_window.next =
            self.skips.val() & self.outside_3.q.val() & !self.unfit_3.q.val();
        self.invalid_translation.next =
            self.skips.val() & !self.outside_3.q.val() & !self.unfit_3.q.val();

        // The launched index. A queue that firmware enables begins at 0, or where it is loaded; its turn comes in a
        // cycle without a commit. It is written a cycle later; meanwhile stage 1 looks at the registers.
        self.left_valid.d.next = (self.sends.val() | self.skips.val()) & !self.again_3.q.val();
        self.left_queue.d.next = self.queue_3.q.val();
        self.left_launched.d.next = self.index_3.q.val() + 1;
        self.launched.write_enable.next = self.left_valid.q.val();
        self.launched.write_address.next = self.number_left.val();
        self.launched.write_data.next = self.left_launched.q.val();
        if !self.left_valid.q.val() & self.clears_launched.q.val() {
            self.launched.write_enable.next = true;
            self.launched.write_address.next = self
                .cleared_queue
                .q
                .val()
                .get_bits::<TRANSMIT_QUEUES_LOG2>(0);
            self.launched.write_data.next = self.start.val().get_bits::<16>(0);
            self.clears_launched.d.next = false;
        }
        if self.queue_configuration.val().control
            & self
                .control_word
                .val()
                .get_bit(abi::queue_state::transmit_control::enabled::SHIFT)
        {
            self.clears_launched.d.next = true;
            self.cleared_queue.d.next = self.control_queue.val();
        }

        // A message to be sent again: one at a time.
        self.resend_ready.next = self.resend_state.q.val() == ResendState::Empty;
        match self.resend_state.q.val() {
            ResendState::Empty => {
                self.held_resend.d.next = self.resend.val();
                if self.resend_valid.val() {
                    self.resend_state.d.next = ResendState::Waits;
                }
            }
            ResendState::Waits => {
                if self.move_1.val() {
                    self.resend_state.d.next = ResendState::Goes;
                }
            }
            ResendState::Goes => {
                // Its queue was disabled meanwhile.
                if self.valid_2.q.val() & self.again_2.q.val() & !self.may_go_2.q.val() {
                    self.resend_state.d.next = ResendState::Empty;
                }
                if self.leaves_3.val() & self.again_3.q.val() {
                    self.resend_state.d.next = ResendState::Empty;
                    if self.starves.val() {
                        self.resend_state.d.next = ResendState::Starves;
                        self.starved_channel.d.next = self.channel.val();
                    }
                }
            }
            _ => {
                // Starves.
                if (self.starved_channel.q.val() & self.room_1.val())
                    | (!self.starved_channel.q.val() & self.room_0.val())
                {
                    self.resend_state.d.next = ResendState::Waits;
                }
            }
        }

        // The header.
        self.kind.next = abi::link::kind::MESSAGE.to_bits();
        self.restarts.next = self.restart_3.q.val() & !self.bulk_3.q.val();
        self.frame_tag.next = self.tag_3.q.val();
        self.frame_length.next = self.length_3.q.val();
        if self.bulk_3.q.val() {
            self.kind.next = abi::link::kind::BULK.to_bits();
            self.frame_tag.next = self.translation.generation.val();
            self.frame_length.next = bit_cast::<8, 6>(self.length_3.q.val().get_bits::<6>(2));
        }
        if self.ping_3.q.val() {
            self.kind.next = abi::link::kind::PING.to_bits();
        }
        self.header.next = bit_cast::<128, 4>(self.kind.val())
            | (abi::link::VERSION.to_bits::<128>()
                << abi::link::header::version::SHIFT.to_bits::<8>())
            | (bit_cast::<128, 1>(self.restarts.val().into())
                << abi::link::header::restart::SHIFT.to_bits::<8>())
            | (bit_cast::<128, 1>(self.marked_3.q.val().into())
                << abi::link::header::marked::SHIFT.to_bits::<8>())
            | (bit_cast::<128, 10>(self.translation.node.val())
                << abi::link::header::destination_node::SHIFT.to_bits::<8>())
            | (bit_cast::<128, 10>(self.node.val())
                << abi::link::header::source_node::SHIFT.to_bits::<8>())
            | (bit_cast::<128, 8>(self.queue_3.q.val())
                << abi::link::header::slot::SHIFT.to_bits::<8>())
            | (bit_cast::<128, 8>(self.generation_3.q.val())
                << abi::link::header::generation::SHIFT.to_bits::<8>())
            | (bit_cast::<128, 7>(self.index_3.q.val().get_bits::<7>(0))
                << abi::link::header::index::SHIFT.to_bits::<8>())
            | (bit_cast::<128, 12>(self.endpoint_3.q.val())
                << abi::link::header::source_endpoint::SHIFT.to_bits::<8>())
            | (bit_cast::<128, 12>(self.translation.receive_queue_id.val())
                << abi::link::header::receive_queue_id::SHIFT.to_bits::<8>())
            | (bit_cast::<128, 8>(self.frame_tag.val())
                << abi::link::header::tag::SHIFT.to_bits::<8>())
            | (bit_cast::<128, 8>(self.frame_length.val())
                << abi::link::header::length::SHIFT.to_bits::<8>());
        // The next place is free: what is written there does not count until `kinds` has it.
        self.headers.write_enable.next = true;
        self.headers.write_address.next = self.header_written.q.val();
        self.headers.write_data.next = self.header.val();
        self.headers.read_address.next = self.header_taken.q.val();
        if self.sends.val() {
            self.header_written.d.next = self.header_written.q.val() + 1;
        }
        self.kinds.write.next = self.sends.val();
        self.kinds.data_in.next.single = self.ping_3.q.val();
        self.kinds.data_in.next.own_node = self.own_node.val() & !self.transfer_3.q.val();
        self.kinds.data_in.next.transfer = self.transfer_3.q.val();
        self.kinds.data_in.next.channel = self.channel.val();
        self.payload.start.next = self.begins.val();
        self.payload.will_start.next = self.long_3.val()
            & self.payload.takes_long.val()
            & self.few_headers.q.val()
            & self.second_there.q.val();
        self.payload.first.next = self.first_3.q.val();
        self.payload.second.next = self.pool_data.val();
        self.payload.length.next = self.length_3.q.val();
        self.payload.body.next = self.body_3.q.val();
        self.payload.read_data.next = self.pool_data.val();

        // The frame that leaves: the oldest header, then its payload.
        self.front.next = self.kinds.data_out.val();
        self.frame_single.next = self.front.val().single;
        self.frame_channel.next = self.front.val().channel;
        self.to_own.next = self.front.val().own_node;
        self.to_transfer.next = self.front.val().transfer;
        self.offered.next.data = self.headers.read_data.val()
            | (bit_cast::<128, 1>(self.front.val().channel.into())
                << abi::link::header::virtual_channel::SHIFT.to_bits::<8>());
        if self.pays.q.val() {
            self.offered.next.data = self.payload.source.beat.val().data;
        }
        self.offered.next.last = self.front.val().single;
        self.offered_valid.next = self.kinds.stored.val().get_bit(0);
        if self.in_payload.q.val() {
            self.to_own.next = self.own_payload.q.val();
            self.to_transfer.next = self.transfer_payload.q.val();
            self.offered.next.last = self.payload.source.beat.val().last;
            self.offered_valid.next = self.payload.source.valid.val();
        }
        self.frame.valid.next =
            self.offered_valid.val() & !self.to_own.val() & !self.to_transfer.val();
        self.frame.beat.next = self.offered.val();
        self.own_frame.valid.next = self.offered_valid.val() & self.to_own.val();
        self.own_frame.beat.next = self.offered.val();
        self.transfer.valid.next = self.offered_valid.val() & self.to_transfer.val();
        self.transfer.beat.next = self.offered.val();
        self.taken.next = (self.frame.ready.val() & !self.to_own.val() & !self.to_transfer.val())
            | (self.own_frame.ready.val() & self.to_own.val())
            | (self.transfer.ready.val() & self.to_transfer.val());
        self.is_held_up.d.next = self.offered_valid.val() & !self.taken.val();
        self.held_up.next = self.is_held_up.q.val();
        self.takes_header.next =
            self.taken.val() & !self.in_payload.q.val() & self.kinds.stored.val().get_bit(0);
        if self.takes_header.val() {
            self.header_taken.d.next = self.header_taken.q.val() + 1;
        }
        self.kinds.read.next = self.takes_header.val();
        self.payload.source.ready.next = self.taken.val() & self.in_payload.q.val();
        self.pays.d.next = self.in_payload.q.val();
        if self.taken.val() & self.offered_valid.val() {
            self.in_payload.d.next = !self.offered.val().last;
            self.pays.d.next = !self.offered.val().last;
            self.own_payload.d.next = self.to_own.val();
            self.transfer_payload.d.next = self.to_transfer.val();
        }

        // Messages older than the last control word: the marks move along with the messages.
        if self.move_1.val() {
            self.older_1.d.next = false;
        }
        if self.move_2.val() {
            self.older_2.d.next = self.older_1.q.val();
        }
        if self.move_3.val() {
            self.older_3.d.next = self.older_2.q.val();
        }
        if self.payload.start.val() {
            self.older_payload.d.next = self.older_3.q.val();
        }
        if self.queue_configuration.val().control {
            self.older_1.d.next = true;
            self.older_2.d.next = true;
            self.older_3.d.next = true;
            self.older_payload.d.next = true;
        }
        self.holds_older.next = (self.valid_1.q.val() & self.older_1.q.val())
            | (self.valid_2.q.val() & self.older_2.q.val())
            | (self.valid_3.q.val() & self.older_3.q.val())
            | (self.payload.reading.val() & self.older_payload.q.val())
            | self.clears_launched.q.val();

        if self.reset.val() {
            self.resend_state.d.next = ResendState::Empty;
            self.valid_1.d.next = false;
            self.valid_2.d.next = false;
            self.valid_3.d.next = false;
            self.holds_3.d.next = true;
            self.starved.d.next = false;
            self.stopped.d.next = false;
            self.committed.d.next = false;
            self.left_valid.d.next = false;
            self.clears_launched.d.next = false;
            self.header_written.d.next = 0.into();
            self.header_taken.d.next = 0.into();
            self.in_payload.d.next = false;
            self.pays.d.next = true;
        }
    }
}

#[cfg(test)]
mod tests;
