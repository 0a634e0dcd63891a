//! The mutations: one line each, of what the NIU must never get wrong.
//!
//! Modules and signals are named as in `hdl/src`, where fields are joined by `$`. Queue 0 of each node is the bystander's in the
//! tests of bad input, queue 1 the culprit's.

use super::mutant::Mutant;

const DAMAGED: &str =
    "link_frames::corrupt_frames_and_other_versions_are_counted_and_end_only_their_queue";
const MISROUTED: &str = "link_frames::frames_for_another_node_are_counted_and_delivered_to_nobody";
const BAD_MESSAGES: &str = "messages::over_long_messages_and_bad_destinations_are_dropped_in_order";
const REFUSED: &str = "messages::a_receiver_counts_what_it_must_refuse_and_the_sender_learns_of_it";
const MALFORMED: &str = "packets::malformed_packets_and_unexpected_completions_change_nothing";
const MALFORMED_COMPLETION: &str =
    "spoilt_reads::malformed_completions_are_dropped_whole_and_the_true_ones_behind_them_are_taken";
const MALFORMED_WRITE: &str = "packets::malformed_writes_change_no_register_and_launch_nothing";
const ZERO_LENGTH: &str = "packets::zero_length_reads_are_answered_everywhere";
const REGISTER_BURSTS: &str = "packets::writes_to_registers_are_carried_out_whole_or_counted";
const FULL_RING: &str = "receive_rings::a_full_ring_holds_its_sender_back_and_loses_nothing";
const TORN: &str = "stores::torn_and_misaligned_express_stores_are_counted_and_never_delivered";
const INDICES: &str = "stores::indices_beyond_reason_and_pages_without_an_endpoint_are_counted";
const OTHER_KINDS: &str =
    "packets::requests_of_every_other_kind_are_refused_and_messages_pass_unheard";
const BUS_MASTER: &str = "without_bus_master_enable_the_host_can_still_read_and_nothing_is_written";
const GAPS: &str = "the_first_message_of_each_ring_behind_a_lost_frame_is_marked_and_no_other";
const QUIESCE: &str = "nothing_reaches_the_memory_of_drivers_that_died_and_the_next_one_works";
const UNANSWERED_QUIESCE: &str = "the_niu_is_not_quiet_while_a_read_may_still_be_answered";
const PRIORITY: &str = "messages_with_priority_go_first_and_do_not_keep_the_others_out";
const SLOW_HOST: &str = "a_slow_host_holds_back_four_queues_and_loses_nothing";
const UNANSWERED: &str =
    "spoilt_reads::a_read_that_is_never_answered_ends_in_time_and_disturbs_nobody";
const POISONED: &str = "spoilt_reads::poisoned_data_is_not_believed_and_ends_the_request_at_once";
const FOREIGN_ANSWER: &str =
    "link_frames::an_answer_of_another_node_than_the_receiver_is_counted_and_ends_only_its_queue";
const ENDED: &str =
    "no_message_that_waits_for_credits_is_written_to_a_ring_whose_endpoint_has_ended";
const SOAK_2: &str = "two_nodes_on_a_wire_lose_double_and_disorder_nothing";
const SOAK_4: &str = "four_nodes_on_a_switch_lose_double_and_disorder_nothing";
const SOAK_NODES: &str =
    "queues_that_send_to_several_nodes_in_turn_lose_double_and_disorder_nothing";
const SOAK_CHANNELS: &str =
    "queues_that_use_both_channels_in_turn_lose_double_and_disorder_nothing";
const SOAK_OWNERS: &str = "queues_that_change_owners_under_traffic_mix_nothing_up";
const SOAK_DAMAGE: &str = "damaged_frames_fail_queues_visibly_and_disturb_no_other";

/// All of them, in the order of a message's way.
pub const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "malformed-packet-taken",
        fault: "a packet that no root complex sends is taken for a good one",
        module: "niu$packet_receive$decoder",
        signal: "header[(64'h4)+:(1)]",
        value: "1'b0",
        tests: &[MALFORMED],
    },
    Mutant {
        name: "address-beside-bars-taken",
        fault: "every address is taken for one of the NIU's",
        module: "niu$packet_receive$decoder",
        signal: "header[(64'h5)+:(1)]",
        value: "~locked",
        tests: &[MALFORMED],
    },
    Mutant {
        name: "other-request-unanswered",
        fault: "requests that are no memory requests are dropped without a completion",
        module: "niu$packet_receive$decoder",
        signal: "foreign",
        value: "1'b0",
        tests: &[OTHER_KINDS],
    },
    Mutant {
        name: "over-long-payload-taken",
        fault: "a packet with more data than the link allows is taken for a good one",
        module: "niu$packet_receive$decoder",
        signal: "excess",
        value: "10'd0",
        tests: &[MALFORMED_WRITE],
    },
    Mutant {
        name: "zero-length-read-refused",
        fault: "a flush is refused where there is nothing to read",
        module: "niu$completer",
        signal: "nothing",
        value: "1'b0",
        tests: &[ZERO_LENGTH],
    },
    Mutant {
        name: "bus-master-ignored",
        fault: "requests leave while Bus Master Enable is off",
        module: "niu$host_transmit$transmit",
        signal: "disabled$d",
        value: "1'b0",
        tests: &[BUS_MASTER],
    },
    Mutant {
        name: "stop-ignored",
        fault: "requests leave although the host has stopped them",
        module: "niu$host_transmit",
        signal: "transmit$master_enable",
        value: "master_enable",
        tests: &[QUIESCE],
    },
    Mutant {
        name: "quiet-during-a-read",
        fault: "the NIU says that it is quiet while a read is outstanding",
        module: "niu",
        signal: "quiesce$reads_outstanding",
        value: "1'b0",
        tests: &[UNANSWERED_QUIESCE],
    },
    Mutant {
        name: "stop-ended-for-other-rings",
        fault: "a stop ends when firmware is done with an earlier driver's rings",
        module: "niu$quiesce",
        signal: "word",
        value: "{56'd0, generation}",
        tests: &[QUIESCE],
    },
    Mutant {
        name: "unanswered-read-kept",
        fault: "a read that the host does not answer never ends",
        module: "niu$read_requester",
        signal: "removes",
        value: "receive$ends",
        tests: &[UNANSWERED],
    },
    Mutant {
        name: "poison-believed",
        fault: "data that the host says are wrong are taken for right",
        module: "niu$read_requester$receive",
        signal: "poisoned$d",
        value: "1'b0",
        tests: &[POISONED],
    },
    Mutant {
        name: "malformed-completion-taken",
        fault: "a completion with more beats than its header says is taken for a good one",
        module: "niu$read_requester$receive",
        signal: "malformed$d",
        value: "1'b0",
        tests: &[MALFORMED_COMPLETION],
    },
    Mutant {
        name: "priority-ignored",
        fault: "queues with priority have their turn behind all others",
        module: "niu$transmit$engine$turn",
        signal: "takes_first",
        value: "first$any & ~others$any",
        tests: &[PRIORITY],
    },
    Mutant {
        name: "short-packet-taken",
        fault: "a packet with less payload than its header says is carried out",
        module: "niu$packet_receive",
        signal: "as_expected",
        value: "1'b1",
        tests: &[MALFORMED],
    },
    Mutant {
        name: "malformed-write-carried-out",
        fault: "registers are written by packets with more or less data than their header says",
        module: "niu$register_writes",
        signal: "malformed$d",
        value: "1'b0",
        tests: &[MALFORMED_WRITE],
    },
    Mutant {
        name: "burst-cut-to-the-room",
        fault: "of a write to registers that finds too little room a part is carried out",
        module: "niu$register_writes",
        signal: "waiting$discard",
        value: "ended$q & malformed$q",
        tests: &[REGISTER_BURSTS],
    },
    Mutant {
        name: "torn-store-taken",
        fault: "a store to an endpoint page need not be whole",
        module: "niu$transmit$page",
        signal: "whole",
        value: "offered",
        tests: &[TORN],
    },
    Mutant {
        name: "torn-store-untold",
        fault: "torn stores are dropped in silence",
        module: "niu$transmit$page",
        signal: "is_torn$d",
        value: "1'b0",
        tests: &[TORN],
    },
    Mutant {
        name: "nonresident-store-untold",
        fault: "stores to pages without an endpoint are dropped in silence",
        module: "niu$transmit$page",
        signal: "missed$d",
        value: "1'b0",
        tests: &[INDICES],
    },
    Mutant {
        name: "full-queue-overwritten",
        fault: "an Express store into a full transmit queue is taken",
        module: "niu$transmit$queues$queues$1",
        signal: "takes_express",
        value: "express & accepting",
        tests: &[FULL_RING],
    },
    Mutant {
        name: "producer-unbounded",
        fault: "a producer index beyond the queue's slots is taken",
        module: "niu$transmit$queues$queues$1",
        signal: "legal",
        value: "accepting",
        tests: &[INDICES],
    },
    Mutant {
        name: "length-unbounded",
        fault: "a message longer than a slot is sent",
        module: "niu$transmit$engine",
        signal: "is_too_long$d",
        value: "1'b0",
        tests: &[BAD_MESSAGES],
    },
    Mutant {
        name: "destination-unbounded",
        fault: "a queue may name destinations outside its window",
        module: "niu$transmit$engine",
        signal: "is_outside$d",
        value: "1'b0",
        tests: &[BAD_MESSAGES],
    },
    Mutant {
        name: "translation-unchecked",
        fault: "a translation that firmware never loaded is followed",
        module: "niu$transmit$engine",
        signal: "is_invalid$d",
        value: "1'b0",
        tests: &[BAD_MESSAGES],
    },
    Mutant {
        name: "way-changed-early",
        fault: "a queue sends to another node before the last one has answered",
        module: "niu$transmit$engine",
        signal: "same_way$d",
        value: "1'b1",
        tests: &[SOAK_4, SOAK_NODES, SOAK_CHANNELS],
    },
    Mutant {
        name: "foreign-answer-believed",
        fault: "any node may answer for the receiver",
        module: "niu$transmit$queues",
        signal: "from_receiver",
        value: "1'b1",
        tests: &[FOREIGN_ANSWER],
    },
    Mutant {
        name: "answer-never-overdue",
        fault: "a queue waits for ever for an answer that was lost",
        module: "niu$transmit$queues$queues$1",
        signal: "fails",
        value: "1'b0",
        tests: &[MISROUTED],
    },
    Mutant {
        // A beat too many would show nothing: a frame only begins while there is credit for more than a longest one.
        name: "credits-ignored",
        fault: "frames are sent for which the receiver has no room",
        module: "niu$link$transmit$gate_0",
        signal: "available",
        value: "16'h7fff",
        tests: &[SLOW_HOST],
    },
    Mutant {
        name: "arrival-miscounted",
        fault: "the receiver counts a beat too few of each frame",
        module: "niu$link$receive$account_0",
        signal: "arrived$d",
        value: "payload_beats",
        tests: &[SLOW_HOST],
    },
    Mutant {
        name: "frame-check-ignored",
        fault: "every frame's CRC is right",
        module: "niu$link$receive$check",
        signal: "crc_right",
        value: "1'b1",
        tests: &[DAMAGED, SOAK_DAMAGE],
    },
    Mutant {
        name: "loss-never-told",
        fault: "receivers never learn of a lost frame",
        module: "niu$link",
        signal: "epochs$lost",
        value: "1'b0",
        tests: &[GAPS],
    },
    Mutant {
        name: "every-message-marked",
        fault: "every message behind a lost frame is marked, not only the first",
        module: "niu$receive$records",
        signal: "gap$commit",
        value: "1'b0",
        tests: &[GAPS],
    },
    Mutant {
        name: "frame-version-ignored",
        fault: "frames of another version are taken",
        module: "niu$link$receive$check",
        signal: "version_right$d",
        value: "1'b1",
        tests: &[DAMAGED],
    },
    Mutant {
        name: "frame-destination-ignored",
        fault: "frames for another node are taken",
        module: "niu$link$receive$check",
        signal: "route_right$d",
        value: "1'b1",
        tests: &[MISROUTED],
    },
    Mutant {
        name: "receive-queue-id-ignored",
        fault: "queue 0 takes messages for any name",
        module: "niu$receive$queues$queues$0",
        signal: "is_matched$d",
        value: "enabled$q",
        tests: &[REFUSED],
    },
    Mutant {
        name: "unknown-name-found",
        fault: "a message for a name that nobody has bound is delivered",
        module: "niu$receive$queues",
        signal: "found",
        value: "1'b1",
        tests: &[REFUSED, SOAK_OWNERS],
    },
    Mutant {
        name: "entry-size-ignored",
        fault: "a message is written over the end of its entry",
        module: "niu$receive$queues",
        signal: "too_small",
        value: "1'b0",
        tests: &[REFUSED],
    },
    Mutant {
        name: "full-ring-overwritten",
        fault: "messages are written over those not yet taken",
        module: "niu$receive$queues",
        signal: "full",
        value: "1'b0",
        tests: &[FULL_RING, SOAK_2],
    },
    Mutant {
        name: "last-entry-counted-late",
        fault: "a message right behind the one that fills the ring is written over the oldest",
        module: "niu$receive$queues$queues$1",
        signal: "is_full$d",
        value: "|lap_of_level",
        tests: &[SOAK_4],
    },
    Mutant {
        name: "restart-not-awaited",
        fault: "messages behind one that found the ring full are delivered before it",
        module: "niu$receive$engine",
        signal: "skips",
        value: "1'b0",
        tests: &[SOAK_2],
    },
    Mutant {
        name: "phase-bit-stuck",
        fault: "entries of every lap look like those of the first",
        module: "niu$receive$queues",
        signal: "phase",
        value: "1'b1",
        tests: &[FULL_RING, SOAK_2],
    },
    Mutant {
        name: "ring-not-let-go",
        fault: "a queue counts as disabled while a message still waits to be written to its ring",
        module: "niu",
        signal: "processor$receive_holds",
        value: "1'b0",
        tests: &[ENDED],
    },
    Mutant {
        name: "consumer-unbounded",
        fault: "entries that were never delivered can be given back",
        module: "niu$receive$queues$queues$1",
        signal: "legal",
        value: "1'b1",
        tests: &[INDICES],
    },
];
