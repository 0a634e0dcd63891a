//! What operations leave to be done.

use super::operation::FollowUp;
use rust_hdl::prelude::*;

/// Keeps one message or ping that is to be sent, and two consumer indices that have more to pass.
///
/// Contract: what finds no place is forgotten. The sweep finds it again; so a place is not worth more.
///
/// A queue that sends many messages again comes here with each of them, and another queue may take the place in between: it is
/// the turn of the queue that the sweep visited last.
///
/// Latency: one cycle.
#[derive(LogicBlock, Default)]
pub struct FollowUps {
    pub clock: Signal<In, Clock>,
    pub reset: Signal<In, Bit>,
    pub new_send_valid: Signal<In, Bit>,
    pub new_send: Signal<In, FollowUp>,
    pub send_valid: Signal<Out, Bit>,
    pub send: Signal<Out, FollowUp>,
    pub send_taken: Signal<In, Bit>,
    pub new_walk_valid: Signal<In, Bit>,
    pub new_walk: Signal<In, FollowUp>,
    pub walk_valid: Signal<Out, Bit>,
    pub walk: Signal<Out, FollowUp>,
    pub walk_taken: Signal<In, Bit>,

    send_waits: DFF<Bit>,
    waiting_send: DFF<FollowUp>,
    first_waits: DFF<Bit>,
    first: DFF<FollowUp>,
    second_waits: DFF<Bit>,
    second: DFF<FollowUp>,
    first_free: Signal<Local, Bit>,
}

impl Logic for FollowUps {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            send_waits,
            waiting_send,
            first_waits,
            first,
            second_waits,
            second
        );
        self.send_valid.next = self.send_waits.q.val();
        self.send.next = self.waiting_send.q.val();
        if self.send_taken.val() {
            self.send_waits.d.next = false;
        }
        if self.new_send_valid.val() & (!self.send_waits.q.val() | self.send_taken.val()) {
            self.send_waits.d.next = true;
            self.waiting_send.d.next = self.new_send.val();
        }

        self.walk_valid.next = self.first_waits.q.val();
        self.walk.next = self.first.q.val();
        self.first_free.next = !self.first_waits.q.val() | self.walk_taken.val();
        if self.first_free.val() {
            self.first_waits.d.next = self.second_waits.q.val() | self.new_walk_valid.val();
            self.second_waits.d.next = self.second_waits.q.val() & self.new_walk_valid.val();
            self.first.d.next = self.new_walk.val();
            if self.second_waits.q.val() {
                self.first.d.next = self.second.q.val();
            }
        } else {
            self.second_waits.d.next = self.second_waits.q.val() | self.new_walk_valid.val();
        }
        if self.first_free.val() | !self.second_waits.q.val() {
            self.second.d.next = self.new_walk.val();
        }

        if self.reset.val() {
            self.send_waits.d.next = false;
            self.first_waits.d.next = false;
            self.second_waits.d.next = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Gate, Random, clock_cycle, settle};
    use std::collections::VecDeque;

    fn follow_up(random: &mut Random) -> FollowUp {
        FollowUp {
            queue: random.bits(),
            row: random.bits(),
            ping: random.chance(20),
            opens: random.chance(20),
        }
    }

    #[test]
    fn keeps_the_oldest_and_forgets_what_finds_no_place() {
        let seed = 3;
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let mut unit = FollowUps::default();
        unit.connect_all();
        unit.reset.next = true;
        clock_cycle!(unit, clock);
        unit.reset.next = false;
        let (mut sends, mut walks) = (VecDeque::new(), VecDeque::new());
        let mut forgotten = 0;
        for _ in 0..3000 {
            settle(&mut unit);
            assert_eq!(unit.send_valid.val(), !sends.is_empty());
            assert_eq!(unit.walk_valid.val(), !walks.is_empty());
            assert!(sends.front().is_none_or(|front| unit.send.val() == *front));
            assert!(walks.front().is_none_or(|front| unit.walk.val() == *front));
            unit.send_taken.next = !sends.is_empty() && random.chance(40);
            unit.walk_taken.next = !walks.is_empty() && random.chance(40);
            settle(&mut unit);
            if unit.send_taken.val() {
                sends.pop_front();
            }
            if unit.walk_taken.val() {
                walks.pop_front();
            }
            let (send, walk) = (follow_up(&mut random), follow_up(&mut random));
            unit.new_send_valid.next = random.chance(40);
            unit.new_send.next = send;
            unit.new_walk_valid.next = random.chance(50);
            unit.new_walk.next = walk;
            clock_cycle!(unit, clock);
            if unit.new_send_valid.val() && sends.is_empty() {
                sends.push_back(send);
            }
            if unit.new_walk_valid.val() && walks.len() < 2 {
                walks.push_back(walk);
            } else {
                forgotten += u32::from(unit.new_walk_valid.val());
            }
        }
        assert!(forgotten > 100, "{forgotten}");
    }

    #[test]
    fn gate() {
        Gate::new("follow_ups", FollowUps::default())
            .clock(|unit| &mut unit.clock)
            .run(|unit, random, cycle| {
                unit.reset.next = cycle < 2;
                unit.new_send_valid.next = random.chance(40);
                unit.new_send.next = follow_up(random);
                unit.new_walk_valid.next = random.chance(50);
                unit.new_walk.next = follow_up(random);
                unit.send_taken.next = unit.send_valid.val() && random.chance(40);
                unit.walk_taken.next = unit.walk_valid.val() && random.chance(40);
            });
    }
}
