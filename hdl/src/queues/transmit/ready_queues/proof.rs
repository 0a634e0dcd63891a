//! Proof that no push of a ready queue is lost, and that no queue stands in two places.

use super::ReadyQueues;
use crate::gate::prove_inside;
use std::fmt::Write;

/// Four queues. After a reset nothing is pushed until the bits are cleared; then, for whatever the
/// engine does within the contract, always:
/// * a queue's bit is set when the queue stands in one of the five FIFOs or before it, once, and
///   clear when it stands in none;
/// * a `store` or `again` that is taken is looked at in the next cycle, an `again` later if a store is in its way;
/// * a queue whose push is looked at stands somewhere in the next cycle, unless it is popped in this one;
/// * a queue leaves only by `pop`, as `turn`;
/// * no FIFO overflows.
fn properties() -> String {
    let mut fifos = String::new();
    for (name, before, word_before) in [
        ("prior", "enters_prior", "entering"),
        ("others", "enters_others", "entering"),
        ("waits_0", "starves_0", "starving"),
        ("waits_1", "starves_1", "starving"),
        ("waits_2", "starves_2", "starving"),
    ] {
        write!(
            fifos,
            "
  wire [3:0] level_{name} = unit.{name}.rest.written$q - unit.{name}.rest.taken$q;
  wire [3:0] lag_{name} = unit.{name}.rest.written$q - unit.{name}.rest.readable$q;
  wire [3:0] there_{name} = unit.{name}.rest.readable$q - unit.{name}.rest.taken$q;
  wire [2:0] head_{name} = unit.{name}.rest.taken$q[2:0];
  wire [1:0] word_{name}[0:7];
  reg [3:0] count_{name}[0:3];
  integer i_{name}, q_{name};
  always @(*) for (q_{name} = 0; q_{name} < 4; q_{name} = q_{name} + 1) begin
    count_{name}[q_{name}] = {{3'b0, unit.{name}.head_valid$q && unit.{name}.head$q == q_{name}}}
      + {{3'b0, unit.{name}.second_valid$q && unit.{name}.second$q == q_{name}}}
      + {{3'b0, unit.{before}$q && unit.{word_before}$q == q_{name}}};
    for (i_{name} = 0; i_{name} < 8; i_{name} = i_{name} + 1)
      if ({{1'b0, 3'(i_{name} - head_{name})}} < level_{name} && word_{name}[i_{name}] == q_{name})
        count_{name}[q_{name}] = count_{name}[q_{name}] + 1;
  end
  always @(*) if (begun) begin
    assert (level_{name} <= 4);
    assert (lag_{name} <= 1 && there_{name} <= level_{name});
    if (there_{name} != 0) assert (unit.{name}.rest.memory.read_data == word_{name}[head_{name}]);
  end"
        )
        .expect("strings can be written");
        for word in 0..8 {
            write!(
                fifos,
                "
  assign word_{name}[{word}] = unit.{name}.rest.memory.memory[{word}];"
            )
            .expect("strings can be written");
        }
    }
    let bits: String = ["of_first", "of_second", "of_clear"]
        .into_iter()
        .flat_map(|way| {
            (0..4).map(move |bit| {
                format!("  assign {way}[{bit}] = unit.stands.{way}.words[{bit}];\n")
            })
        })
        .collect();
    format!(
        "
module properties(input clock, input [107:0] configuration, input wants_store, input [7:0] store_queue,
    input wants_again, input [7:0] again_queue, input wants_starved, input [7:0] starved_queue,
    input starved_channel, input starved_of_room, input transfer_room, input wants_reopen, input [7:0] reopen_queue,
    input room_0, input room_1,
    input waits_for_prior, input wants_pop, input wants_keep);
  wire reopen_ready, any, turn_is_prior, may_keep;
  wire [7:0] turn;
  reg begun = 0;
  always @(posedge clock) begun <= 1;

  // The engine's contract.
  wire cleared = unit.sweep.done$q;
  wire store_valid = wants_store && cleared, starved_valid = wants_starved && cleared;
  wire reopen_valid = wants_reopen && cleared;
  wire again_valid = wants_again && cleared, again_ready;
  wire pop = wants_pop && any;
  wire keeps = wants_keep && may_keep && !pop;
  ready_queues_proved unit(.clock(clock), .reset(!begun), .configuration(configuration),
    .store_valid(store_valid), .store_queue(store_queue), .again_valid(again_valid), .again_ready(again_ready),
    .again_queue(again_queue),
    .starved_valid(starved_valid), .starved_queue(starved_queue), .starved_channel(starved_channel),
    .starved_of_room(starved_of_room), .transfer_room(transfer_room),
    .reopen_valid(reopen_valid), .reopen_ready(reopen_ready), .reopen_queue(reopen_queue),
    .room_0(room_0), .room_1(room_1), .waits_for_prior(waits_for_prior), .any(any), .turn(turn),
    .turn_is_prior(turn_is_prior), .pop(pop), .may_keep(may_keep), .keeps(keeps));
  {fifos}

  // The bits: those of the sweep's word and behind it are anything until all are cleared.
  wire [3:0] of_first, of_second, of_clear;
{bits}
  wire [3:0] stands = of_first ^ of_second ^ of_clear;
  integer c;
  always @(*) if (begun && !cleared) for (c = 0; c < 4; c = c + 1)
    if (c < unit.sweep.next$q) assert (!of_first[c] && !of_second[c] && !of_clear[c]);
  // Queues whose push is looked at, and what the registers before that must hold.
  reg [3:0] pushed = 0, stood = 0;
  reg stored = 0, served = 0;
  reg [1:0] stored_queue = 0, served_queue = 0;
  reg popped = 0;
  reg [1:0] left = 0;
  integer p;
  always @(posedge clock) begin
    stood <= begun && cleared ? stands : 0;
    popped <= pop;
    left <= turn[1:0];
    stored <= begun && store_valid;
    stored_queue <= store_queue[1:0];
    served <= begun && (again_valid && again_ready || unit.again_waits$q && unit.store_waits$q);
    served_queue <= again_valid && again_ready ? again_queue[1:0] : unit.waiting_again$q;
    for (p = 0; p < 4; p = p + 1)
      pushed[p] <= begun && (unit.store_waits$q && unit.waiting_store$q == p
        || unit.again_waits$q && !unit.store_waits$q && unit.waiting_again$q == p
        || starved_valid && starved_queue[1:0] == p || reopen_valid && reopen_ready && reopen_queue[1:0] == p);
  end
  reg [5:0] places;
  integer q;
  always @(*) if (begun) for (q = 0; q < 4; q = q + 1) begin
    places = {{2'b0, count_prior[q]}} + {{2'b0, count_others[q]}} + {{2'b0, count_waits_0[q]}}
      + {{2'b0, count_waits_1[q]}} + {{2'b0, count_waits_2[q]}};
    assert (places == (cleared ? {{5'b0, stands[q]}} : 6'b0));
    if (pushed[q]) assert (stands[q] || popped && left == q);
    if (stood[q] && !stands[q]) assert (popped && left == q);
  end
  always @(*) if (begun) begin
    if (!cleared) assert (!stored && !served && pushed == 0);
    assert (unit.store_waits$q == stored && (!stored || unit.waiting_store$q == stored_queue));
    assert (unit.again_waits$q == served && (!served || unit.waiting_again$q == served_queue));
    assert (!(unit.enters_prior$q && unit.enters_others$q) && !(unit.starves_0$q && unit.starves_1$q)
      && !(unit.starves_2$q && (unit.starves_0$q || unit.starves_1$q)));
  end
endmodule"
    )
}

#[test]
fn no_push_is_lost_and_no_queue_stands_twice() {
    prove_inside(
        "ready_queues_proved",
        ReadyQueues::<2, 3, 4>::default(),
        2,
        &properties(),
    );
}
