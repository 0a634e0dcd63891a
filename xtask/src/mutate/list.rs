//! The mutations: one line each, of what the NIU must never get wrong.
//!
//! Modules and signals are named as in `hdl/src`, where fields are joined by `$`.

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
const SLOW_HOST: &str = "a_slow_host_holds_back_several_queues_and_loses_nothing";
const UNANSWERED: &str =
    "spoilt_reads::a_read_that_is_never_answered_ends_in_time_and_disturbs_nobody";
const POISONED: &str = "spoilt_reads::poisoned_data_is_not_believed_and_ends_the_request_at_once";
const FOREIGN_ANSWER: &str =
    "link_frames::an_answer_of_another_node_than_the_receiver_is_counted_and_ends_only_its_queue";
const ENDED: &str =
    "no_message_that_waits_for_credits_is_written_to_a_ring_whose_endpoint_has_ended";
const GIVE_UP: &str = "a_message_is_given_up_after_so_many_refusals_and_later_ones_go_on";
const GONE: &str = "a_queue_whose_peer_is_gone_fails_in_its_time";
const REUSE: &str = "an_answer_to_a_former_owners_message_is_nothing_to_the_next_owner";
const SLOW_PEER: &str = "a_host_that_takes_nothing_for_long_makes_no_queue_fail";
const SOAK_2: &str = "two_nodes_on_a_wire_lose_double_and_disorder_nothing";
const SOAK_4: &str = "four_nodes_on_a_switch_lose_double_and_disorder_nothing";
const SOAK_NODES: &str =
    "queues_that_send_to_several_nodes_in_turn_lose_double_and_disorder_nothing";
const SOAK_CHANNELS: &str =
    "queues_that_use_both_channels_in_turn_lose_double_and_disorder_nothing";
const SOAK_OWNERS: &str = "queues_that_change_owners_under_traffic_mix_nothing_up";
const MANY: &str = "messages_of_many_endpoints_over_few_queues_come_once_and_in_order";
const MANY_INLINE: &str = "inline_bodies_and_express_messages_come_once_and_in_order";
const SOAK_DAMAGE: &str = "damaged_frames_fail_queues_visibly_and_disturb_no_other";
const NOBODY_SLEEPS: &str = "nobody_sleeps_while_a_message_is_there_whatever_is_masked";
const INTERRUPT_ORDER: &str = "an_interrupt_never_comes_before_the_entry_it_announces";
const MODERATION: &str = "interrupts_of_a_moderated_ring_are_an_interval_apart_and_none_is_lost";
const FORGOTTEN: &str = "what_is_due_when_the_niu_stops_is_forgotten";
const STILL_ARMED: &str = "an_armed_ring_is_armed_behind_its_eviction";
const SLEEPERS: &str = "sleepers_whose_queues_go_and_come_are_all_woken";
const TRANSFER_ORDER: &str = "flags_and_messages_behind_a_block_are_never_seen_before_it";
const TRANSFER_SPOILT: &str = "a_read_that_the_host_spoils_fails_its_transfer_and_no_other";
const REMOTE_REFUSED: &str =
    "what_the_exporter_does_not_allow_is_refused_with_its_reason_and_not_written";
const REMOTE_STALE: &str = "a_handle_of_a_former_export_is_stale";
const REMOTE_END: &str = "a_segment_ends_where_its_last_byte_stands";
const REMOTE_SIZES: &str = "every_size_at_every_alignment_lands_and_nothing_beside_it";
const REMOTE_REVOKED: &str = "nothing_is_written_once_a_revocation_is_confirmed";

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
        fault: "queues with priority have their turn like all others",
        // Bit 2 of the control word, which stands behind 10 other bits.
        module: "niu$transmit",
        signal: "engine$queue_configuration",
        value: "{} & ~(141'd1 << 12)",
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
        module: "niu$pages",
        signal: "whole",
        value: "offered",
        tests: &[TORN],
    },
    Mutant {
        name: "torn-store-untold",
        fault: "torn stores are dropped in silence",
        module: "niu$pages",
        signal: "is_torn$d",
        value: "1'b0",
        tests: &[TORN],
    },
    Mutant {
        name: "nonresident-store-untold",
        fault: "stores to pages without an endpoint are dropped in silence",
        module: "niu$pages",
        signal: "read_missed$d",
        value: "1'b0",
        tests: &[INDICES],
    },
    Mutant {
        name: "full-queue-overwritten",
        fault: "an Express store into a full transmit queue is taken",
        module: "niu$pages",
        signal: "has_room$d",
        value: "~progresses$failed",
        tests: &[FULL_RING],
    },
    Mutant {
        name: "producer-unbounded",
        fault: "a producer index beyond the queue's slots is taken",
        module: "niu$pages",
        signal: "near$d",
        value: "1'b1",
        tests: &[INDICES],
    },
    Mutant {
        name: "length-unbounded",
        fault: "a message longer than a slot is sent",
        module: "niu$transmit$engine",
        signal: "unfit_3$d",
        value: "1'b0",
        tests: &[BAD_MESSAGES],
    },
    Mutant {
        name: "destination-unbounded",
        fault: "a queue may name destinations outside its window",
        module: "niu$transmit$engine",
        signal: "outside_3$d",
        value: "1'b0",
        tests: &[BAD_MESSAGES],
    },
    Mutant {
        name: "translation-unchecked",
        fault: "a translation that firmware never loaded is followed",
        module: "niu$transmit$engine",
        signal: "bad_translation",
        value: "channel & ~channel_1_allowed_3$q",
        tests: &[BAD_MESSAGES],
    },
    Mutant {
        name: "foreign-answer-believed",
        fault: "any node may answer for the receiver",
        module: "niu$transmit$answers$intake",
        signal: "fits",
        value: "known_1$q",
        tests: &[FOREIGN_ANSWER],
    },
    Mutant {
        name: "former-answer-believed",
        fault: "an answer to a former owner's message counts for the next owner's",
        module: "niu$transmit$answers$examine",
        signal: "is_own_2$d",
        value: "1'b1",
        tests: &[REUSE, SOAK_OWNERS],
    },
    Mutant {
        name: "answer-never-overdue",
        fault: "a queue never fails although its peer is gone",
        module: "niu$transmit$answers$examine$rules",
        signal: "expires",
        value: "1'b0",
        tests: &[GONE],
    },
    Mutant {
        name: "peer-never-asked",
        fault: "a queue does not ask whether its silent peer is there",
        module: "niu$transmit$answers$examine",
        signal: "late_ping",
        value: "1'b0",
        tests: &[SLOW_PEER],
    },
    Mutant {
        name: "never-given-up",
        fault: "a queue tries a full ring again for ever, whatever its endpoint wishes",
        module: "niu$transmit$answers$examine",
        signal: "gives_up",
        value: "1'b0",
        tests: &[GIVE_UP],
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
        name: "unknown-name-found",
        fault: "a message for a name that nobody has bound is delivered",
        module: "niu$receive$engine",
        signal: "owned$d",
        value: "1'b1",
        tests: &[REFUSED, SOAK_OWNERS],
    },
    Mutant {
        name: "captured-store-overtaken",
        fault: "a store goes straight to its queue while older ones of its endpoint are captured",
        module: "niu$pages",
        signal: "goes_away",
        value: "read_away$q",
        tests: &[MANY, MANY_INLINE],
    },
    Mutant {
        name: "kept-index-forgotten",
        fault: "a receive queue comes back without the entries that its host gave back meanwhile",
        module: "niu$pages",
        signal: "kept$returns",
        value: "1'b0",
        tests: &[MANY],
    },
    Mutant {
        name: "delivered-phase",
        fault: "a message is delivered from the miss ring with the phase that it had there",
        module: "niu$processor$environment$executor",
        signal: "phase",
        value: "stream$source$beat[0]",
        tests: &[MANY],
    },
    Mutant {
        name: "delivered-head-only",
        fault: "of a message that is delivered from the miss ring the bytes behind the first 16 are missing",
        module: "niu$processor$environment$executor",
        signal: "tail_sum",
        value: "9'd0",
        tests: &[MANY_INLINE],
    },
    Mutant {
        name: "old-look-up-final",
        fault: "a message is lost if its queue came or left after its look-up",
        module: "niu$receive$engine",
        signal: "absent",
        value: "~(owned$q | missed$q)",
        tests: &[MANY],
    },
    Mutant {
        name: "closed-row-open",
        fault: "messages go into the miss ring while their queue comes",
        module: "niu$receive$engine",
        signal: "found",
        value: "enabled$q & (owned$q | missed$q)",
        tests: &[MANY],
    },
    Mutant {
        name: "allowance-not-lowered",
        fault: "more messages go into the miss ring than their own ring has room for",
        module: "niu$receive",
        signal: "allowances$commit",
        value: "1'b0",
        tests: &[MANY],
    },
    Mutant {
        name: "entry-size-ignored",
        fault: "a message is written over the end of its entry",
        module: "niu$receive$engine",
        signal: "too_long",
        value: "4'd0",
        tests: &[REFUSED],
    },
    Mutant {
        name: "full-ring-overwritten",
        fault: "messages are written over those not yet taken",
        module: "niu$receive$engine",
        signal: "full",
        value: "1'b0",
        tests: &[FULL_RING, SOAK_2],
    },
    Mutant {
        name: "entry-given-twice",
        fault: "a message right behind another of its ring is written over it",
        module: "niu$receive$records$producer",
        signal: "read$d",
        value: "~({})",
        tests: &[SOAK_2, SOAK_4],
    },
    Mutant {
        name: "restart-not-awaited",
        fault: "messages behind one that found the ring full are delivered before it",
        module: "niu$receive$engine",
        signal: "behind",
        value: "1'b0",
        tests: &[SOAK_2, SOAK_NODES, SOAK_CHANNELS],
    },
    Mutant {
        name: "phase-bit-stuck",
        fault: "entries of every lap look like those of the first",
        module: "niu$receive$engine",
        signal: "lap",
        value: "16'd0",
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
        module: "niu$receive$records$consumer",
        signal: "legal",
        value: "1'b1",
        tests: &[INDICES],
    },
    Mutant {
        name: "interrupt-store-never-raises",
        fault: "a store that arms a ring raises nothing for an entry that came before it",
        module: "niu$interrupts$queues",
        signal: "finds_entries",
        value: "1'b0",
        tests: &[INTERRUPT_ORDER],
    },
    Mutant {
        name: "interrupt-entry-never-raises",
        fault: "an entry of an armed ring raises nothing",
        module: "niu$interrupts$queues",
        signal: "entry_raises",
        value: "1'b0",
        tests: &[NOBODY_SLEEPS, INTERRUPT_ORDER],
    },
    Mutant {
        name: "interrupt-mask-ignored",
        fault: "vectors that are masked send their messages",
        module: "niu$interrupts$vectors",
        signal: "goes",
        value: "pops & is_pending & ~resting$first",
        tests: &[NOBODY_SLEEPS],
    },
    Mutant {
        name: "interrupt-function-mask-ignored",
        fault: "interrupts are sent while the function is masked",
        module: "niu$interrupts",
        signal: "vectors$may_send",
        value: "enable & master_enable",
        tests: &[NOBODY_SLEEPS],
    },
    Mutant {
        name: "interrupt-lost-while-masked",
        fault: "a vector that is masked or rests does not stay pending",
        module: "niu$interrupts$vectors",
        signal: "done$inverts",
        value: "pops & is_pending",
        tests: &[NOBODY_SLEEPS, MODERATION],
    },
    Mutant {
        name: "interrupt-never-looked-at-again",
        fault: "a vector that is unmasked, or whose rest ends, is not looked at",
        module: "niu$interrupts$vectors",
        signal: "pushes",
        value: "raises",
        tests: &[NOBODY_SLEEPS, MODERATION],
    },
    Mutant {
        name: "interrupt-without-rest",
        fault: "there is no moderation",
        module: "niu$interrupts$vectors",
        signal: "rests",
        value: "1'b0",
        tests: &[MODERATION],
    },
    Mutant {
        name: "interrupt-outlives-stop",
        fault: "what is pending when the NIU stops is sent behind the stop",
        module: "niu$interrupts$vectors",
        signal: "begins",
        value: "1'b0",
        tests: &[FORGOTTEN],
    },
    Mutant {
        name: "interrupt-evicted",
        fault: "a ring that is evicted is not armed behind its installation",
        module: "niu",
        signal: "receive$saved_armed",
        value: "1'b0",
        tests: &[STILL_ARMED],
    },
    Mutant {
        name: "interrupt-wish-forgotten",
        fault: "what a program asks for while its queue is away is not carried out when it is back",
        module: "niu$pages",
        signal: "kept$keeps_away",
        value: "1'b0",
        tests: &[SLEEPERS],
    },
    Mutant {
        name: "segment-sender-ignored",
        fault: "every node and endpoint may write to a segment",
        module: "niu$bulk$receive",
        signal: "bad$d",
        value: "1'b0",
        tests: &[REMOTE_REFUSED],
    },
    Mutant {
        name: "segment-generation-ignored",
        fault: "an import of a former segment leads to the next one of its number",
        module: "niu$bulk$receive",
        signal: "stale$d",
        value: "1'b0",
        tests: &[REMOTE_STALE],
    },
    Mutant {
        name: "segment-right-ignored",
        fault: "a segment without the right to write is written to",
        module: "niu$bulk$receive",
        signal: "forbidden$d",
        value: "1'b0",
        tests: &[REMOTE_REFUSED],
    },
    Mutant {
        name: "segment-end-missed",
        fault: "the byte behind a segment's last one may be written",
        module: "niu$bulk$receive",
        signal: "last_offset",
        value: "({}) - 33'd1",
        tests: &[REMOTE_END],
    },
    Mutant {
        name: "padding-written",
        fault: "a remote write writes its padding too, in front of its data",
        module: "niu$host_transmit$requester",
        signal: "skip_first$d",
        value: "4'd0",
        tests: &[REMOTE_SIZES],
    },
    Mutant {
        name: "revocation-not-awaited",
        fault: "a segment counts as revoked while a write to it is still under way",
        module: "niu$bulk",
        signal: "holds_segment",
        value: "1'b0",
        tests: &[REMOTE_REVOKED],
    },
    Mutant {
        name: "transfer-not-parked",
        fault: "what stands behind a transfer in its queue overtakes it",
        module: "niu$transmit$engine",
        signal: "parked$park",
        value: "1'b0",
        tests: &[TRANSFER_ORDER],
    },
    Mutant {
        name: "spoilt-chunk-sent",
        fault: "a transfer sends what the host refused to give",
        module: "niu$bulk",
        signal: "send$chunk_failed",
        value: "1'b0",
        tests: &[TRANSFER_SPOILT],
    },
];
