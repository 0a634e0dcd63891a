//! Proof that every store and replay finds the store part as the one before it left it, and changes nothing but its own
//! endpoint's.

use super::PageDecoder;
use crate::gate::prove_inside;

/// Two endpoints, two queues, and whatever stores and replays come. `part` is what was written last to an endpoint's
/// part; `known` says that something was. `e2` and `e3` are the endpoints of the stores in `t + 2` and `t + 3`.
///
/// Assumed of the executor and the capture buffer: no replay before the parts are cleared, and a replay of a store
/// finds one that is captured.
///
/// After a reset, always:
/// * A store in `t + 2` reads the part as all stores before left it, the one in `t + 3` too.
/// * A part changes only in the cycle of a verdict, by a store to its own endpoint or a replay for it, or when the
///   parts are cleared.
/// * What is captured is counted, and the count never wraps, up or down. No more is stale than is captured.
/// * No store goes to a slot directly, or to the engine, while another of its endpoint is captured, or one is lost.
/// * What is captured stands behind nothing that is lost.
const PROPERTIES: &str = "
module properties(input clock, input write_valid, input [172:0] write, input [80:0] configuration,
    input [107:0] queue_configuration, input answers_settle, input [104:0] replay, input capture_room,
    input [189:0] captured, input captured_empty, input [52:0] progress, input page_request,
    input [11:0] page_endpoint);
  reg begun = 0, began = 0;
  always @(posedge clock) {began, begun} <= {begun, 1'b1};
  wire captures, takes_captured, slot_valid;
  wire [138:0] outcome;
  page_decoder_proved unit(.clock(clock), .reset(!begun), .write_valid(write_valid), .write(write),
    .configuration(configuration), .queue_configuration(queue_configuration), .answers_settle(answers_settle),
    .replay(replay), .captures(captures), .capture_room(capture_room), .captured(captured),
    .captured_empty(captured_empty), .takes_captured(takes_captured), .progress(progress),
    .page_request(page_request), .page_endpoint(page_endpoint), .outcome(outcome), .slot_valid(slot_valid));

  reg [1:0] known = 0;
  // What is in t + 3 was read once the parts were cleared.
  reg trusted = 0;
  always @(posedge clock) trusted <= begun && unit.sweep.done$q;
  reg [1:0][53:0] part = 0;
  wire writes = unit.parts.write_enable, swept = unit.sweep.done$q, e2 = unit.read_endpoint$q[0],
    e3 = unit.at_endpoint$q[0];
  wire [53:0] new_part = unit.parts.write_data, old = unit.part$q;
  wire [6:0] count = old[44:38], stale = old[51:45], new_count = new_part[44:38], new_stale = new_part[51:45];
  wire lost = old[33], replays = unit.replaying$q, has_store = replay[1];
  always @(posedge clock) if (writes) begin
    part[unit.parts.write_address] <= new_part;
    known[unit.parts.write_address] <= 1;
  end
  always @(*) begin
    assume (!replay[0] || begun && swept);
    assume (!(replays && has_store) || count != 0);
  end

  // What stands in the memory, and what is read of it.
  wire [53:0] found = writes && swept && e2 == e3 ? new_part : part[e2];
  genvar e;
  generate for (e = 0; e < 2; e = e + 1) begin : endpoint
    wire [53:0] stands = unit.parts.memory.memory[e];
    reg [53:0] stood = 0;
    reg wrote = 0;
    always @(posedge clock) begin
      stood <= stands;
      wrote <= writes && unit.parts.write_address == e;
    end
    always @(*) begin
      if (known[e]) assert (stands == part[e]);
      if (known[e]) assert (part[e][51:45] <= part[e][44:38]);
      if (began) assert (stands == stood || wrote);
      if (begun && swept) assert (known[e]);
      if (begun && unit.sweep.next$q > e) assert (known[e]);
    end
  end endgenerate
  always @(*) if (begun) begin
    assert (unit.read_endpoint$q[11:1] == 0 && unit.at_endpoint$q[11:1] == 0);
    if (began) assert (unit.read_same$q == (e2 == e3));
    if (began && known[e2]) assert (unit.parts.read_data == part[e2]);
    if (began && known[e2] && swept) assert (unit.part_now == found);
    if (began && trusted) assert (old == part[e3]);
  end

  // A replay has its cycles for itself.
  always @(*) if (begun) begin
    assert (!unit.is_replay$q || !(unit.is_express$q || unit.is_producer$q || unit.is_torn$q || unit.is_resume$q
      || unit.body_store$q));
    assert (!unit.read_replay$q || !(unit.read_express$q || unit.read_producer$q || unit.read_torn$q
      || unit.read_resume$q || unit.read_body$q));
    assert (!replays || !(unit.express$q || unit.producing$q || unit.torn$q || unit.resuming$q || unit.body$q));
    if (unit.readable$q) assert (swept);
    if (unit.read_express$q || unit.read_producer$q || unit.read_torn$q || unit.read_resume$q || unit.read_body$q)
      assert (swept);
    if (unit.express$q || unit.producing$q || unit.torn$q || unit.resuming$q || unit.body$q) assert (trusted);
  end

  // The verdict.
  always @(*) if (begun) begin
    assert (unit.away$q == (unit.not_resident$q || count != 0));
    if (unit.open$q) assert (!lost && (!unit.away$q || count != 7'd127));
    if (began && trusted) assert (stale <= count);
    if (swept && writes) assert (unit.parts.write_address == e3);
    if (swept && captures) assert (!replays && count != 7'd127 && new_count == count + 7'd1 && !lost);
    if (swept && takes_captured) assert (replays && !captures && new_count == count - 7'd1 && writes);
    if (swept && writes && !captures && !takes_captured) assert (new_count == count);
    if (began && trusted && writes) assert (new_stale <= new_count);
    if (slot_valid && !replays) assert (count == 0 && !unit.not_resident$q);
    if (outcome[0] && !replays) assert (count == 0 && !unit.not_resident$q && !lost);
    if (outcome[0] && replays) assert (stale == 0 && has_store);
    if (replays) assert (trusted);
    if (unit.is_replay$q || unit.read_replay$q) assert (swept);
  end
endmodule";

#[test]
fn a_store_finds_the_part_as_the_store_before_left_it() {
    prove_inside(
        "page_decoder_proved",
        PageDecoder::<1, 1>::default(),
        2,
        PROPERTIES,
    );
}
