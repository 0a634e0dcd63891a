//! Proof that no ring ever holds more than its entries.

use super::ReceiveRecords;
use crate::gate::prove_inside;

/// Two queues, a receive engine that keeps to its contract, and a host and a firmware that do what
/// they like within theirs.
///
/// For each queue that was enabled (`live`), always: the level is no more than the entries and the consumer index is
/// not beyond the producer index; the limit is the consumer index and the entries; copies agree; a record that is
/// read is the one that stands; a store that is checked is compared with the indices that stand. `P`, `C`, `L` and
/// `LIMIT` are what a record holds, wherever it stands: in the register of what was written last, or in memory.
const PROPERTIES: &str = "
module properties(input clock, input [80:0] configuration, input [24:0] store, input [7:0] read_queue, input wants);
  wire ready, settled, may_commit, pending, bad_consumer;
  wire [138:0] record;
  wire [13:0] change;
  wire commit;
  reg [7:0] snapshot_queue = 0;
  reg [15:0] snapshot_producer = 0, snapshot_limit = 0;
  reg snapshot = 0, snapshot_enabled = 0;
  receive_records_proved unit(.clock(clock), .reset(1'b0), .ready(ready), .configuration(configuration),
    .store(store), .read_queue(read_queue), .record(record), .settled(settled), .may_commit(may_commit),
    .commit(commit), .commit_queue(snapshot_queue), .commit_producer(snapshot_producer),
    .commit_epoch(14'd0), .drop(1'b0), .gap_epoch(14'd0), .change(change),
    .pending(pending), .bad_consumer(bad_consumer));

  // Contracts of firmware and host: control words and stores are two cycles apart.
  reg configured = 0, stored = 0;
  always @(posedge clock) begin
    configured <= configuration[0];
    stored <= store[0];
  end
  always @(*) begin
    assume (!(configured && configuration[0]));
    assume (!(stored && store[0]));
  end

  // Which queues were enabled.
  reg [1:0] live = 0;
  wire clear = change[0] && change[9];
  always @(posedge clock) if (clear) live[change[1]] <= 1;

  // Firmware loads records whose level is no more than their entries.
  wire [33:0] start = unit.select.second$q;
  wire [15:0] loaded_level = start[15:0] - start[31:16];
  always @(*) assume (!clear || loaded_level <= 16'd1 << change[13:10]);

  // The engine: it reads a record, keeps it for as long as it likes, and commits if there is room.
  reg [7:0] asked = 0;
  assign commit = wants && snapshot && snapshot_enabled && live[snapshot_queue[0]]
    && snapshot_producer != snapshot_limit && may_commit;
  always @(posedge clock) begin
    asked <= read_queue;
    if (change[0] && change[1] == snapshot_queue[0]) snapshot_enabled <= 0;
    if (commit) snapshot <= 0;
    if (!snapshot && settled) begin
      snapshot <= 1;
      snapshot_enabled <= record[0];
      snapshot_queue <= asked;
      snapshot_producer <= record[107:92];
      snapshot_limit <= record[123:108];
    end
  end

  // What stands in the records.
  wire [24:0] produced = unit.producer.held$q;
  wire [43:0] consumed = unit.consumer.last$q;
  wire [24:0] found = unit.consumer.found$q;
  wire [24:0] checking = unit.consumer.checking$q;
  wire [15:0] P[0:1];
  wire [15:0] C[0:1];
  wire [3:0] L[0:1];
  wire [15:0] LIMIT[0:1];
  genvar q;
  generate for (q = 0; q < 2; q = q + 1) begin : queue
    wire [15:0] producer = unit.producer.memory.memory[q];
    wire [15:0] copy = unit.consumer.producers.memory[q];
    wire [19:0] row = unit.consumer.consumers.memory[q];
    wire [15:0] limit = unit.consumer.limits.memory[q];
    assign P[q] = produced[1] == q ? produced[24:9] : producer;
    assign C[q] = consumed[0] == q ? consumed[23:8] : row[15:0];
    assign L[q] = consumed[0] == q ? consumed[27:24] : row[19:16];
    assign LIMIT[q] = consumed[0] == q ? consumed[43:28] : limit;
    wire [15:0] level = P[q] - C[q];
    wire [15:0] entries = 16'd1 << L[q];
    always @(*) if (live[q]) begin
      assert (level <= entries);
      assert (LIMIT[q] == 16'(C[q] + entries));
      assert (produced[1] == q && produced[0] || producer == P[q] && copy == P[q]);
      assert (row == {L[q], C[q]} && limit == LIMIT[q]);
    end
  end endgenerate

  // Nothing comes sooner than it may.
  wire [24:0] reading = unit.consumer.reading$q;
  wire selected = unit.select.word$q[0], changes = unit.control.changes$q;
  wire [15:0] checked_producer = unit.consumer.producer$q;
  wire [15:0] taken = checked_producer - checking[24:9], delivered = checked_producer - unit.consumer.consumer$q;
  always @(*) begin
    assert (reading[0] == stored && !(reading[0] && found[0]));
    assert (!selected || configured);
    assert (!changes || !configured && !produced[0]);
    if (found[0] && checking[0]) begin
      assert (unit.control.changed$q && !changes);
      assert (unit.consumer.was_legal$q == (taken <= delivered));
    end
  end

  // What is read of them.
  wire asked_queue = asked[0], found_queue = found[1], checked_queue = checking[1], taken_queue = snapshot_queue[0];
  wire [15:0] room = snapshot_limit - snapshot_producer;
  wire [15:0] room_now = LIMIT[taken_queue] - P[taken_queue];
  always @(*) begin
    assert (unit.producer.read$q == asked_queue && unit.consumer.read$q == asked_queue);
    if (live[asked_queue]) begin
      assert (record[107:92] == P[asked_queue]);
      assert (record[123:108] == LIMIT[asked_queue]);
    end
    if (found[0] && live[found_queue]) begin
      assert (consumed[0] == found_queue
        || unit.consumer.consumers.read_data == {L[found_queue], C[found_queue]});
      assert (produced[1] == found_queue || unit.consumer.producers.read_data == P[found_queue]);
    end
    if (checking[0] && live[checked_queue]) begin
      assert (unit.consumer.consumer$q == C[checked_queue] && unit.consumer.entries_log2$q == L[checked_queue]);
      assert (16'(P[checked_queue] - checked_producer) <= 16'(P[checked_queue] - C[checked_queue]));
    end
    if (snapshot && snapshot_enabled && live[taken_queue]) begin
      assert (snapshot_producer == P[taken_queue]);
      assert (room <= room_now);
    end
  end
endmodule";

#[test]
fn no_ring_holds_more_than_its_entries() {
    prove_inside(
        "receive_records_proved",
        ReceiveRecords::<1>::default(),
        4,
        PROPERTIES,
    );
}
