use super::*;
use crate::gate::Gate;

/// Its behaviour is that of the unit: `receive_unit/tests.rs`.
#[test]
fn gate() {
    let mut unit = EntryWriter::default();
    unit.clock.connect();
    unit.reset.connect();
    unit.beats.valid.connect();
    unit.beats.beat.connect();
    unit.ended.connect();
    unit.starts.connect();
    unit.message.connect();
    unit.write_packets.ready.connect();
    unit.verdict_ready.connect();
    unit.change.connect();
    Gate::new("entry_writer", unit)
        .clock(|unit| &mut unit.clock)
        .cycles(3000)
        .run(|unit, random, cycle| {
            unit.reset.next = cycle < 2 || random.below(500) == 0;
            unit.beats.valid.next = random.chance(80);
            unit.beats.beat.next = random.beat();
            unit.ended.next = random.chance(50);
            // What it looks at follows from registers and `write_packets.ready`, which is that of
            // the cycle before here.
            unit.starts.next =
                cycle > 3 && unit.free.val() && unit.present.val() && random.chance(80);
            let verdict = random.below(8).saturating_sub(3);
            let accepted = verdict as usize == abi::link::kind::ACCEPTED & 7;
            unit.message.next = JudgedMessage {
                verdict: verdict.to_bits(),
                discards: accepted && random.chance(20),
                header: random.bits(),
                ring: random.bits(),
                offset: random.bits(),
                phase: random.chance(50),
                gap: random.chance(50),
                beats: random.bits(),
                missed: random.chance(50),
            };
            unit.write_packets.ready.next = random.chance(80);
            unit.verdict_ready.next = random.chance(80);
            unit.change.next = !unit.starts.next && random.chance(5);
        });
}
