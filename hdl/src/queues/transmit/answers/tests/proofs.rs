//! What holds whatever the inputs.

use super::super::advance::Advance;
use super::super::choice::Choice;
use super::super::departures::Departures;
use super::super::examine::Examine;
use super::super::operation::Operation;
use super::super::record::{AnswerRecord, MessageRow};
use super::reference::Reference;
use super::steps::any_operation;
use crate::gate::{Gate, prove};
use rust_hdl::prelude::*;

/// Operations that read the record enter at least four cycles behind the one before them of the same queue. `enters`
/// and `resets` (bit 39) are those of `Choice`.
#[test]
fn operations_of_one_queue_keep_their_distance() {
    prove(
        "choice_proved",
        Choice::default(),
        8,
        "module properties(input clock, input reset, input reset_valid, input [32:0] reset_step, input verdict_valid,
             input [41:0] verdict, input following_valid, input [41:0] following, input tick_valid,
             input [7:0] tick_queue,
             input send_valid, input [13:0] send, input walk_valid, input [13:0] walk);
           wire reset_taken, verdict_taken, joined, tick_taken, send_taken, walk_taken, enters;
           wire [41:0] entering;
           choice_proved choice(.clock(clock), .reset(reset), .reset_valid(reset_valid), .reset_step(reset_step),
             .reset_taken(reset_taken), .verdict_valid(verdict_valid), .verdict(verdict), .verdict_taken(verdict_taken),
             .following_valid(following_valid), .following(following), .joined(joined), .tick_valid(tick_valid),
             .tick_queue(tick_queue), .tick_taken(tick_taken), .send_valid(send_valid), .send(send),
             .send_taken(send_taken),
             .walk_valid(walk_valid), .walk(walk), .walk_taken(walk_taken), .enters(enters), .entering(entering));
           reg [2:0] valid = 0;
           reg [7:0] first = 0, second = 0, third = 0;
           always @(posedge clock) begin
             valid <= reset ? 0 : {valid[1:0], enters};
             {third, second, first} <= {second, first, entering[7:0]};
           end
           always @(*) begin
             if (enters && !entering[39]) begin
               assert (!valid[0] || entering[7:0] != first);
               assert (!valid[1] || entering[7:0] != second);
               assert (!valid[2] || entering[7:0] != third);
             end
             assert (reset_taken + verdict_taken + tick_taken + send_taken + walk_taken <= 1);
           end
         endmodule",
    );
}

/// A message that is offered to the engine stays until it is taken, and so does a queue that opens; neither is
/// overwritten.
#[test]
fn departures_stay_until_they_are_taken() {
    prove(
        "departures_proved",
        Departures::default(),
        4,
        "module properties(input clock, input reset, input send_claims, input send_decided, input sends,
             input [33:0] departing, input resend_ready, input reopen_claims, input reopen_decided, input reopens,
             input [7:0] reopening, input reopen_ready);
           wire send_free, all_left, resend_valid, reopen_free, reopen_valid;
           wire [33:0] resend;
           wire [7:0] reopen_queue;
           departures_proved unit(.clock(clock), .reset(reset), .send_free(send_free), .all_left(all_left),
             .send_claims(send_claims), .send_decided(send_decided), .sends(sends), .departing(departing),
             .resend_valid(resend_valid), .resend_ready(resend_ready), .resend(resend), .reopen_free(reopen_free),
             .reopen_claims(reopen_claims), .reopen_decided(reopen_decided), .reopens(reopens), .reopening(reopening),
             .reopen_valid(reopen_valid), .reopen_ready(reopen_ready), .reopen_queue(reopen_queue));
           // Operations under way.
           reg sending = 0, opening = 0;
           reg stalled = 0, reopen_stalled = 0;
           reg [33:0] shown = 0;
           reg [7:0] shown_queue = 0;
           always @(posedge clock) begin
             sending <= !reset && (send_claims || sending && !send_decided);
             opening <= !reset && (reopen_claims || opening && !reopen_decided);
             stalled <= !reset && resend_valid && !resend_ready;
             reopen_stalled <= !reset && reopen_valid && !reopen_ready;
             shown <= resend;
             shown_queue <= reopen_queue;
           end
           always @(*) begin
             assume (!send_claims || send_free);
             assume (!send_decided || sending);
             assume (!reopen_claims || reopen_free);
             assume (!reopen_decided || opening);
             if (stalled) assert (resend_valid && resend == shown);
             if (reopen_stalled) assert (reopen_valid && reopen_queue == shown_queue);
             assert (!(sending && resend_valid));
             assert (!(opening && reopen_valid));
             assert (send_free == !(sending || resend_valid));
             assert (reopen_free == !(opening || reopen_valid));
             assert (!all_left || !(sending || resend_valid));
           end
         endmodule",
    );
}

/// Both halves of an operation.
#[derive(LogicBlock, Default)]
struct Halves {
    pub clock: Signal<In, Clock>,
    pub enters: Signal<In, Bit>,
    pub entering: Signal<In, Operation>,
    pub record: Signal<In, AnswerRecord>,
    pub row: Signal<In, MessageRow>,
    pub launched: Signal<In, Bits<8>>,
    pub hold_timeouts: Signal<In, Bit>,
    pub start: Signal<In, Bits<34>>,
    pub writes: Signal<Out, Bit>,
    pub new_record: Signal<Out, AnswerRecord>,
    pub new_row: Signal<Out, MessageRow>,
    examine: Examine,
    advance: Advance,
}

impl Logic for Halves {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, examine, advance);
        self.examine.reset.next = false;
        self.advance.reset.next = false;
        self.examine.enters.next = self.enters.val();
        self.examine.entering.next = self.entering.val();
        self.examine.record.next = self.record.val();
        self.examine.row.next = self.row.val();
        self.examine.launched.next = self.launched.val();
        self.examine.hold_timeouts.next = self.hold_timeouts.val();
        self.examine.start.next = self.start.val();
        self.advance.loaded.next = self.start.val().get_bit(33);
        self.advance.valid.next = self.examine.valid.val();
        self.advance.operation.next = self.examine.operation.val();
        self.advance.old_record.next = self.examine.old_record.val();
        self.advance.new_row.next = self.examine.new_row.val();
        self.advance.done.next = self.examine.done.val();
        self.advance.findings.next = self.examine.findings.val();
        self.writes.next = self.advance.writes.val();
        self.new_record.next = self.advance.record.val();
        self.new_row.next = self.advance.row.val();
    }
}

/// Of any queue that is consistent, any operation makes a consistent one:
/// * the consumer index never passes the launched index, and passes only done messages;
/// * `launched - balance` changes by as much as the number of unanswered messages does;
/// * a message becomes done or refused only if it was unanswered, and done messages stay done.
///
/// `consistent` says of a place of the row and the message that stands there: behind the consumer index it is done and
/// not refused, before it it is not both.
#[test]
fn operations_keep_a_queue_consistent() {
    prove(
        "halves_proved",
        Halves::default(),
        5,
        "module properties(input clock, input enters, input [41:0] entering, input [75:0] record, input [15:0] row,
             input [7:0] launched, input hold_timeouts);
           wire writes;
           wire [75:0] new_record;
           wire [15:0] new_row;
           halves_proved unit(.clock(clock), .enters(enters), .entering(entering), .record(record), .row(row),
             .launched(launched), .hold_timeouts(hold_timeouts), .start(34'd0), .writes(writes),
             .new_record(new_record),
             .new_row(new_row));

           // The operation, the record and the row, as they were when the operation saw them.
           reg [2:0] valid = 0;
           reg [41:0] operation_1 = 0, operation_2 = 0, operation_3 = 0;
           reg [6:0] consumer_2 = 0, consumer_3 = 0;
           reg [7:0] balance_2 = 0, balance_3 = 0, launched_2 = 0, launched_3 = 0;
           reg [15:0] row_2 = 0, row_3 = 0;
           always @(posedge clock) begin
             valid <= {valid[1:0], enters};
             {operation_3, operation_2, operation_1} <= {operation_2, operation_1, entering};
             {consumer_3, consumer_2} <= {consumer_2, record[6:0]};
             {balance_3, balance_2} <= {balance_2, record[23:16]};
             {launched_3, launched_2} <= {launched_2, launched};
             {row_3, row_2} <= {row_2, row};
           end

           // The message at a place of the row: its row, or that of the other lap, so that it is one of the last 64
           // launched.
           function [6:0] message(input [3:0] r, input [2:0] place, input [6:0] l);
             reg [6:0] here, behind;
             begin
               here = {r, place};
               behind = l - 7'd1 - here;
               message = behind[6] ? here ^ 7'd64 : here;
             end
           endfunction
           function is_done(input [6:0] m, input [15:0] bits);
             is_done = bits[m[2:0]] ^ m[6];
           endfunction
           function is_refused(input [6:0] m, input [15:0] bits);
             is_refused = bits[{1'b1, m[2:0]}];
           endfunction
           function is_passed(input [6:0] m, input [6:0] c, input [6:0] l);
             reg [6:0] from, size;
             begin
               from = m - c;
               size = l - c;
               is_passed = from >= size;
             end
           endfunction
           function is_open(input [6:0] m, input [15:0] bits, input [6:0] c, input [6:0] l);
             is_open = !is_passed(m, c, l) && !is_done(m, bits) && !is_refused(m, bits);
           endfunction
           function consistent(input [6:0] m, input [15:0] bits, input [6:0] c, input [6:0] l);
             consistent = is_passed(m, c, l) ? is_done(m, bits) && !is_refused(m, bits)
                                             : !(is_done(m, bits) && is_refused(m, bits));
           endfunction

           integer k;
           reg [6:0] m, window;
           reg [3:0] open_1;
           reg [7:0] outstanding;
           // What the operation sees is consistent.
           always @(*) begin
             window = launched[6:0] - record[6:0];
             outstanding = launched - record[23:16];
             open_1 = 0;
             for (k = 0; k < 8; k = k + 1) begin
               m = message(operation_1[11:8], k[2:0], launched[6:0]);
               assume (consistent(m, row, record[6:0], launched[6:0]));
               open_1 = open_1 + is_open(m, row, record[6:0], launched[6:0]);
             end
             assume (window <= 64);
             assume (outstanding <= {1'b0, window} && outstanding >= {4'b0, open_1});
             assume (!operation_1[39]);
             // One kind at most.
             assume (operation_1[34] + operation_1[35] + operation_1[36] + operation_1[38] + operation_1[41] <= 1);
             assume (operation_1[34] || operation_1[19:12] == 0);
           end
           reg [6:0] m_3, size_3, moved_3, last_3;
           reg [3:0] open_3, new_open_3;
           integer j;
           always @(*) begin
             size_3 = launched_3[6:0] - consumer_3;
             moved_3 = new_record[6:0] - consumer_3;
             last_3 = new_record[6:0] - 7'd1;
             open_3 = 0;
             new_open_3 = 0;
             for (j = 0; j < 8; j = j + 1) begin
               m_3 = message(operation_3[11:8], j[2:0], launched_3[6:0]);
               open_3 = open_3 + is_open(m_3, row_3, consumer_3, launched_3[6:0]);
               new_open_3 = new_open_3 + is_open(m_3, new_row, consumer_3, launched_3[6:0]);
               if (valid[2]) begin
                 assert (consistent(m_3, new_row, new_record[6:0], launched_3[6:0]));
                 if (is_done(m_3, row_3)) assert (is_done(m_3, new_row));
                 if (is_done(m_3, new_row) && !is_done(m_3, row_3))
                   assert (operation_3[34] && is_open(m_3, row_3, consumer_3, launched_3[6:0]));
                 if (is_refused(m_3, new_row) && !is_refused(m_3, row_3))
                   assert (operation_3[34] && is_open(m_3, row_3, consumer_3, launched_3[6:0]));
               end
             end
             if (valid[2]) begin
               assert (writes);
               assert (moved_3 <= size_3);
               if (moved_3 != 0) assert (consumer_3[6:3] == operation_3[11:8] && last_3[6:3] == operation_3[11:8]);
               assert (new_record[23:16] - balance_3 == {{4{1'b0}}, open_3} - {{4{1'b0}}, new_open_3});
             end
           end
         endmodule",
    );
}

#[test]
fn halves_gate() {
    Gate::new("halves", Halves::default())
        .clock(|unit| &mut unit.clock)
        .cycles(4000)
        .run(|unit, random, _| {
            let queue = Reference::any(random);
            let operation = any_operation(random, &queue);
            unit.enters.next = random.chance(80);
            unit.entering.next = operation;
            unit.record.next = queue.record();
            unit.row.next = queue.row(random.below(8));
            unit.launched.next = (queue.launched() & 255).to_bits();
            unit.hold_timeouts.next = random.chance(10);
            unit.start.next = random.bits();
        });
}
