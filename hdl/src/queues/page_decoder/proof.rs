//! Proof that every store finds the store part as the store before it left it, and changes nothing but its own queue's.

use super::PageDecoder;
use crate::configuration::{TRANSMIT_SLOTS, TRANSMIT_SLOTS_LOG2};
use crate::gate::prove_inside;
use abi::message::error;

/// Two endpoints, two queues, and whatever stores come. `part`, `consumer` and `map` are what the contract says that
/// the parts, the consumer indices and the endpoint map are. `express`, `produces`, `torn` and `body`, each with `_2`
/// or `_3`, are the store in `t + 2` and `t + 3`.
///
/// Assumed of firmware and the answer path, for the queues that they use (`live`):
/// * The map has resident queues only, and stores meet only live queues.
/// * A control word with `enabled` comes when the last one has settled and no store to its queue is under way. `third`
///   stays until it has settled.
/// * A consumer index never goes back and never goes beyond the producer index. The first one of a queue that was
///   enabled lies no more than the slots behind the producer index.
///
/// A store that reads the map in the cycle in which firmware writes that word gets the new one.
///
/// After a reset, always:
/// * The producer index lies no more than the slots ahead of the consumer index, and never goes back.
/// * A store in `t + 2` reads the part as all stores before left it, the one in `t + 3` too. In `t + 3` it writes,
///   tells and answers what the contract says.
/// * A part changes only by a store to its own queue, or by a control word with `enabled`.
/// * Slots are written within the queue's own, at the index of the message. Bodies are written in the endpoint's own
///   page.
const PROPERTIES: &str = "
module properties(input clock, input write_valid, input [172:0] write, input [80:0] configuration,
    input [140:0] queue_configuration, input [52:0] progress, input begins, input page_request,
    input [11:0] page_endpoint);
  reg begun = 0, began = 0;
  always @(posedge clock) {began, begun} <= {begun, 1'b1};
  wire settling, slot_valid, pool_valid;
  wire [138:0] outcome;
  wire [42:0] stores;
  wire [13:0] slot_address, pool_address;
  page_decoder_proved unit(.clock(clock), .reset(!begun), .write_valid(write_valid), .write(write),
    .configuration(configuration), .queue_configuration(queue_configuration), .settling(settling),
    .progress(progress), .page_request(page_request), .page_endpoint(page_endpoint),
    .outcome(outcome), .stores(stores), .slot_valid(slot_valid), .slot_address(slot_address),
    .pool_valid(pool_valid), .pool_address(pool_address));

  // The endpoint map, and the entry of the store in t + 1: page, receive queue, transmit queue.
  reg [1:0][26:0] map = 0;
  reg [26:0] entry = 0;
  reg readable = 0;
  wire maps = begun && unit.sweep.done$q && configuration[0] && configuration[16:13] == 0;
  wire [63:0] mapped = configuration[80:17];
  always @(posedge clock) begin
    if (maps) map[configuration[1]] <= {mapped[40:32], mapped[24:16], mapped[8:0]};
    entry <= maps && configuration[1] == (write_valid ? write[14] : page_endpoint[0])
      ? {mapped[40:32], mapped[24:16], mapped[8:0]}
      : map[write_valid ? write[14] : page_endpoint[0]];
    readable <= begun && unit.sweep.done$q;
  end
  always @(*) begin
    assume (!maps || mapped[7:1] == 0);
    assert (map[0][7:1] == 0 && map[1][7:1] == 0 && entry[7:1] == 0);
    if (begun) begin
      assert (unit.sweep.done$q || map == 0 && (!unit.sweep.next$q || unit.map.memory.memory[0] == 0));
      assert (!unit.sweep.done$q || unit.map.memory.memory[0] == map[0] && unit.map.memory.memory[1] == map[1]);
      assert (!readable || unit.sweep.done$q && unit.map.read_data == entry);
    end
  end

  // The store on its way.
  wire resident = begun && entry[8] && unit.sweep.done$q;
  wire express_1 = unit.is_express$q && resident, produces_1 = unit.is_producer$q && resident;
  wire torn_1 = unit.is_torn$q && resident, body_1 = unit.body_store$q && resident;
  reg express_2 = 0, express_3 = 0, produces_2 = 0, produces_3 = 0, torn_2 = 0, torn_3 = 0, body_2 = 0, body_3 = 0;
  reg queue_2 = 0, queue_3 = 0;
  reg [8:0] page_2 = 0, page_3 = 0;
  reg [7:0] place_1 = 0, place_2 = 0, place_3 = 0;
  reg [15:0] index_2 = 0, index_3 = 0;
  wire store_1 = express_1 || produces_1 || torn_1 || body_1;
  wire store_2 = express_2 || produces_2 || torn_2 || body_2;
  wire store_3 = express_3 || produces_3 || torn_3 || body_3;
  wire queue_1 = entry[0];
  always @(posedge clock) begin
    {express_3, express_2} <= {express_2, express_1};
    {produces_3, produces_2} <= {produces_2, produces_1};
    {torn_3, torn_2} <= {torn_2, torn_1};
    {body_3, body_2} <= {body_2, body_1};
    {queue_3, queue_2} <= {queue_2, queue_1};
    {page_3, page_2} <= {page_2, entry[26:18]};
    {place_3, place_2, place_1} <= {place_2, place_1, write[13:6]};
    {index_3, index_2} <= {index_2, unit.lane$q[15:0]};
  end

  // What the contract makes of it.
  reg [1:0] known = 0, live = 0;
  reg [1:0][32:0] part = 0;
  reg [1:0][16:0] consumer = 0;
  reg [16:0] consumer_3 = 0;
  reg loading = 0, loading_queue = 0;
  wire [32:0] old = part[queue_3];
  wire [15:0] used = old[15:0] - consumer_3[15:0], reaches = index_3 - consumer_3[15:0], brings = index_3 - old[15:0];
  wire legal = !consumer_3[16] && reaches <= SLOTS && reaches >= used;
  wire fits = express_3 && !consumer_3[16] && used < SLOTS;
  wire advances = produces_3 && legal && !(old[32] && brings != 0);
  wire overflows = express_3 && !fits || produces_3 && !legal;
  wire refuses = torn_3 || express_3 && !fits || produces_3 && !advances;
  wire loses = body_3 && !page_3[8];
  wire writes = express_3 || produces_3 || torn_3 || loses;
  reg [32:0] new_part;
  always @(*) begin
    new_part = old;
    if (fits) new_part[15:0] = old[15:0] + 1;
    if (advances) new_part[15:0] = index_3;
    if (refuses && old[27:16] != 12'hfff) new_part[27:16] = old[27:16] + 1;
    if (refuses) new_part[31:28] = torn_3 ? TORN_STORE : overflows ? OVERFLOW : INLINE_LOST;
    if (produces_3 && legal && brings != 0) new_part[32] = 0;
    if (loses) new_part[32] = 1;
  end

  // Firmware and the answer path.
  wire enables = begun && queue_configuration[0] && queue_configuration[10];
  wire enabled_queue = queue_configuration[2], told_queue = progress[1];
  wire [32:0] third = queue_configuration[140:108];
  wire told = begun && progress[0];
  wire [15:0] taken = progress[24:9] - consumer[told_queue][15:0];
  wire [15:0] level_told = part[told_queue][15:0] - progress[24:9];
  wire [15:0] level_before = part[told_queue][15:0] - consumer[told_queue][15:0];
  always @(posedge clock) begin
    consumer_3 <= consumer[queue_2];
    if (writes) part[queue_3] <= new_part;
    if (!writes) loading <= 0;
    if (told) consumer[told_queue] <= {progress[50], progress[24:9]};
    if (told && begins && known[told_queue]) live[told_queue] <= 1;
    if (enables) begin
      loading <= 1;
      loading_queue <= enabled_queue;
      part[enabled_queue] <= third;
      known[enabled_queue] <= 1;
      live[enabled_queue] <= 0;
    end
  end
  always @(*) begin
    assume (!store_1 || live[queue_1] && !(loading && loading_queue == queue_1));
    assume (!enables || queue_configuration[9:3] == 0 && !loading && !(store_1 && queue_1 == enabled_queue)
      && !(store_2 && queue_2 == enabled_queue) && !(store_3 && queue_3 == enabled_queue));
    assume (!loading || third == part[loading_queue]);
    assume (!told || progress[8:2] == 0);
    if (told && live[told_queue]) assume (taken <= level_before);
    if (told && known[told_queue] && !live[told_queue] && begins) assume (level_told <= SLOTS);
  end

  // What stands.
  reg wrote = 0, wrote_queue = 0, refused = 0, loaded = 0;
  reg [32:0] wrote_part = 0;
  always @(posedge clock) begin
    wrote <= begun && (writes || loading);
    wrote_queue <= writes ? queue_3 : loading_queue;
    wrote_part <= writes ? new_part : third;
    refused <= begun && refuses;
    loaded <= begun && loading && !writes;
  end
  genvar q;
  generate for (q = 0; q < 2; q = q + 1) begin : queue
    wire [32:0] stands = unit.parts.memory.memory[q];
    wire [16:0] stands_consumer = unit.consumers.memory.memory[q];
    wire [15:0] level = stands[15:0] - stands_consumer[15:0];
    reg [32:0] stood = 0;
    always @(posedge clock) stood <= stands;
    wire [15:0] gained = stands[15:0] - stood[15:0];
    wire settled = !(loading && loading_queue == q);
    always @(*) begin
      assert (!live[q] || known[q]);
      if (begun && known[q] && settled) assert (stands == part[q]);
      if (begun && live[q]) assert (stands_consumer == consumer[q]);
      if (begun && live[q] && settled) assert (level <= SLOTS);
      if (live[q]) assert (16'(part[q][15:0] - consumer[q][15:0]) <= SLOTS);
      if (began) assert (stands == stood || wrote && wrote_queue == q);
      if (began && !(loaded && wrote_queue == q)) assert (gained <= SLOTS);
    end
  end endgenerate

  // What the block knows of the store in t + 2 and t + 3.
  wire [32:0] found = writes && queue_3 == queue_2 ? new_part : part[queue_2];
  wire [15:0] taken_since = consumer[queue_3][15:0] - consumer_3[15:0];
  always @(*) begin
    assert (express_2 + produces_2 + torn_2 + body_2 <= 1 && express_3 + produces_3 + torn_3 + body_3 <= 1);
    assert (!store_2 || live[queue_2] && !(loading && loading_queue == queue_2));
    assert (!store_3 || live[queue_3] && !(loading && loading_queue == queue_3));
    assert (!store_3 || used <= SLOTS && taken_since <= used);
    if (begun) begin
      assert ({unit.read_express$q, unit.read_producer$q, unit.read_torn$q, unit.read_body$q}
        == {express_2, produces_2, torn_2, body_2});
      assert ({unit.express$q, unit.producing$q, unit.torn$q, unit.body$q} == {express_3, produces_3, torn_3, body_3});
      if (store_2) begin
        assert (unit.read_queue$q == queue_2 && {unit.read_page_resident$q, unit.read_page$q} == page_2);
        assert (unit.read_place$q == place_2 && unit.read_index$q == index_2);
        assert (unit.read_before$q == index_2 - 16'd1);
        assert (unit.consumers.read_data == consumer[queue_2]);
        assert (unit.part_now == found);
      end
      if (store_3) begin
        assert (unit.queue$q == queue_3 && {unit.page_is_resident$q, unit.body_page$q} == page_3);
        assert (unit.place$q == place_3 && unit.index$q == index_3);
        assert (unit.part$q == old);
      end
    end
  end

  // What it decides, tells and writes.
  wire [SLOTS_LOG2 - 1:0] distance = slot_address - old;
  always @(*) if (begun) begin
    assert (settling == loading && (!loading || unit.cleared_queue$q == loading_queue));
    assert (outcome[0] == (fits || advances && brings != 0));
    if (outcome[0]) assert (outcome[2:1] == {produces_3 && brings > 1, express_3} && outcome[10:3] == queue_3);
    assert (stores[0] == wrote);
    if (wrote) assert (stores[42:1] == {refused, wrote_part, 7'b0, wrote_queue});
    assert (slot_valid == (fits || body_3 && page_3[8] && place_3[3:0] == 0));
    if (slot_valid) assert (slot_address[13:SLOTS_LOG2] == queue_3);
    if (slot_valid && fits) assert (distance == 0);
    if (slot_valid && body_3) assert (distance < 16 && slot_address[3:0] == place_3[7:4]);
    assert (pool_valid == (body_3 && page_3[8]));
    if (pool_valid) assert (pool_address == {page_3[5:0], place_3});
  end
endmodule";

#[test]
fn a_store_finds_the_part_as_the_store_before_left_it() {
    let constants = format!(
        "localparam SLOTS = {TRANSMIT_SLOTS}, SLOTS_LOG2 = {TRANSMIT_SLOTS_LOG2};
localparam [3:0] TORN_STORE = {}, OVERFLOW = {}, INLINE_LOST = {};",
        error::TORN_STORE,
        error::OVERFLOW,
        error::INLINE_LOST
    );
    prove_inside(
        "page_decoder_proved",
        PageDecoder::<1, 1>::default(),
        2,
        &(constants + PROPERTIES),
    );
}
