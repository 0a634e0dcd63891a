use super::*;
use crate::gate::{Gate, Random, clock_cycle, settle};
use crate::queues::receive::receive_unit::bench::{Said, spell};
use abi::link::kind;
use std::collections::VecDeque;

const NODE: u64 = 5;

struct Bench {
    unit: AnswerCollector,
    random: Random,
    cycle: usize,
    /// Percent of the cycles in which an answer is taken.
    taken: u64,
    /// What came in and is not answered, with its cycle.
    waiting: Vec<(Said, usize)>,
    /// Answers handed over, with their cycles.
    answers: Vec<(Answer, usize)>,
    /// Cycles between a verdict and its answer, for those that were not pings.
    delays: Vec<usize>,
}

impl Bench {
    fn new(seed: u64) -> Self {
        println!("seed {seed}");
        let mut unit = AnswerCollector::default();
        unit.connect_all();
        unit.node.next = NODE.to_bits();
        unit.reset.next = true;
        clock_cycle!(unit, clock);
        unit.reset.next = false;
        settle(&mut unit);
        Self {
            unit,
            random: Random::new(seed),
            cycle: 0,
            taken: 100,
            waiting: Vec::new(),
            answers: Vec::new(),
            delays: Vec::new(),
        }
    }

    /// One cycle, in which a verdict comes if it can.
    fn step(&mut self, verdict: Option<Said>) -> bool {
        let unit = &mut self.unit;
        let comes = verdict.is_some() && unit.verdict_ready.val();
        unit.verdict_valid.next = comes;
        if let Some(said) = verdict {
            unit.verdict.next = Verdict {
                node: said.node.to_bits(),
                slot: said.slot.to_bits(),
                generation: said.generation.to_bits(),
                index: said.index.to_bits(),
                verdict: (said.verdict as u64 & 7).to_bits(),
            };
            if comes {
                self.waiting.push((said, self.cycle));
            }
        }
        unit.answer_ready.next = self.random.chance(self.taken);
        settle(unit);
        assert!(!(unit.answer_valid.val() && unit.local_answer_valid.val()));
        let answer = unit.answer.val();
        let local = unit.local_answer_valid.val();
        if local || (unit.answer_valid.val() && unit.answer_ready.val()) {
            assert_eq!(local, answer.node.to_u64() == NODE);
            assert!(answer.bitmap.get_bit(0), "nothing is said of the base");
            for said in spell(answer) {
                let place = self.waiting.iter().position(|(waits, _)| *waits == said);
                let place = place.unwrap_or_else(|| panic!("nobody waits for {said:?}"));
                let (_, came) = self.waiting.remove(place);
                self.delays.push(self.cycle - came);
            }
            self.answers.push((answer, self.cycle));
        }
        clock_cycle!(*unit, clock);
        unit.ping_valid.next = false;
        self.cycle += 1;
        comes
    }

    fn steps(&mut self, cycles: usize) {
        for _ in 0..cycles {
            self.step(None);
        }
    }
}

fn said(slot: u64, index: u64, verdict: usize) -> Said {
    Said {
        node: 3,
        slot,
        generation: 9,
        index: index % 128,
        verdict,
    }
}

/// A stream of Express messages: a verdict every two cycles, each answered four cycles later while the link is idle.
#[test]
fn an_idle_link_answers_each_message_at_once() {
    let mut bench = Bench::new(1);
    bench.unit.link_idle.next = true;
    for index in 0..40 {
        assert!(bench.step(Some(said(4, index, kind::ACCEPTED))));
        bench.steps(1);
    }
    bench.steps(8);
    assert_eq!(bench.answers.len(), 40);
    assert!(
        bench.delays.iter().all(|&delay| delay == 4),
        "{:?}",
        bench.delays
    );
}

/// On a busy link one answer speaks of the eight messages that come in 16 cycles, or fewer of each
/// of two or four queues that take turns.
#[test]
fn a_busy_link_gets_answers_to_many_messages() {
    for (queues, messages) in [(1, 8), (2, 4), (4, 2)] {
        let mut bench = Bench::new(2);
        bench.unit.link_idle.next = false;
        for index in 0..240 {
            let (slot, index) = (index % queues, index / queues);
            assert!(bench.step(Some(said(slot, index, kind::ACCEPTED))));
            bench.steps(1);
        }
        bench.steps(40);
        assert!(bench.waiting.is_empty());
        let answers = bench.answers.len();
        println!("{queues} queues: {answers} answers");
        assert!(
            answers <= 240 / messages,
            "{queues} queues: {answers} answers"
        );
        let longest = bench.delays.iter().max();
        assert!(longest.is_some_and(|&longest| longest <= 28), "{longest:?}");
    }
}

/// What stops a sender is told at once, on a busy link too.
#[test]
fn refusals_and_final_verdicts_do_not_wait() {
    for verdict in [
        kind::FULL,
        kind::BEHIND,
        kind::NOT_RESIDENT,
        kind::ENTRY_TOO_SMALL,
    ] {
        let mut bench = Bench::new(3);
        bench.unit.link_idle.next = false;
        bench.step(Some(said(1, 126, kind::ACCEPTED)));
        bench.steps(1);
        bench.step(Some(said(1, 127, verdict)));
        bench.steps(30);
        let spoken: Vec<Said> = bench
            .answers
            .iter()
            .flat_map(|(answer, _)| spell(*answer))
            .collect();
        assert_eq!(
            spoken,
            [said(1, 126, kind::ACCEPTED), said(1, 127, verdict)]
        );
        // The one before has to leave first.
        assert!(bench.delays[1] <= 8, "{:?}", bench.delays);
    }
    // An answer waits for 16 cycles and its turn.
    let mut bench = Bench::new(4);
    bench.unit.link_idle.next = false;
    bench.step(Some(said(1, 126, kind::ACCEPTED)));
    bench.steps(30);
    assert!(
        (9..=16 + 8).contains(&bench.delays[0]),
        "{:?}",
        bench.delays
    );
}

/// Verdicts of all kinds on messages of many queues, pings between them, on a link of every temper:
/// each is answered once.
#[test]
fn each_verdict_is_answered_once() {
    let mut bench = Bench::new(5);
    let mut next = [[0u64; 4]; 3];
    let (mut pings, mut dropped, mut room) = (0, 0, VecDeque::new());
    for cycle in 0..30_000 {
        let phase = cycle / 1000 % 5;
        bench.taken = [100, 30, 10, 80, 100][phase];
        bench.unit.link_idle.next = bench.random.chance([0, 50, 10, 100, 5][phase]);
        let (node, slot) = (bench.random.below(3), bench.random.below(4));
        let verdicts = [kind::ACCEPTED, kind::FULL, kind::BEHIND, kind::NOT_RESIDENT];
        let verdict = verdicts[(bench.random.below(8) as usize).saturating_sub(4)];
        let index = next[node as usize][slot as usize];
        let random = &mut bench.random;
        let wants = random.chance([90, 90, 50, 5, 60][phase]).then_some(Said {
            node: [3, NODE, 1000][node as usize],
            slot: slot * 3,
            generation: 1,
            index,
            verdict,
        });
        // Not two unanswered messages of the same index; sometimes one is left out.
        let wants = wants.filter(|wants| {
            let mut all = bench.waiting.iter().map(|(said, _)| said);
            !all.any(|said| {
                (said.node, said.slot, said.index) == (wants.node, wants.slot, wants.index)
            })
        });
        if bench.random.chance(2) {
            let ping = Said {
                node: 7,
                slot: 100,
                generation: 77,
                index: pings % 128,
                verdict: [kind::WAITING, kind::LOST][pings as usize % 2],
            };
            pings += 1;
            bench.unit.ping_valid.next = true;
            bench.unit.ping.next = Answer {
                node: ping.node.to_bits(),
                slot: ping.slot.to_bits(),
                generation: ping.generation.to_bits(),
                base: ping.index.to_bits(),
                bitmap: 1u64.to_bits(),
                verdict: (ping.verdict as u64 & 7).to_bits(),
            };
            settle(&mut bench.unit);
            if bench.unit.pings.full.val() {
                dropped += 1;
            } else {
                bench.waiting.push((ping, bench.cycle));
                room.push_back(ping);
            }
        }
        if bench.step(wants) {
            let step = 1 + u64::from(bench.random.chance(10));
            next[node as usize][slot as usize] = (index + step) % 128;
        }
    }
    bench.taken = 100;
    bench.steps(100);
    assert!(bench.waiting.is_empty(), "{:?}", bench.waiting);
    let answered = bench.delays.len();
    println!(
        "{answered} messages, {} answers, {pings} pings, {dropped} dropped",
        bench.answers.len()
    );
    assert!(answered > 8000 && pings > 400 && dropped < pings / 2);
    assert!(bench.answers.len() < answered - 500);
}

#[test]
fn gate() {
    Gate::new("answer_collector", AnswerCollector::default())
        .clock(|unit| &mut unit.clock)
        .cycles(4000)
        .run(|unit, random, cycle| {
            unit.reset.next = cycle < 2 || random.below(500) == 0;
            unit.node.next = 1u64.to_bits();
            unit.verdict_valid.next = cycle > 3 && unit.verdict_ready.val() && random.chance(80);
            unit.verdict.next = Verdict {
                node: random.below(3).to_bits(),
                slot: random.below(5).to_bits(),
                generation: random.below(2).to_bits(),
                index: random.below(20).to_bits(),
                verdict: random.below(2).to_bits(),
            };
            unit.ping_valid.next = random.chance(5);
            unit.ping.next.slot = random.bits();
            unit.ping.next.base = random.bits();
            unit.link_idle.next = random.chance(30);
            unit.answer_ready.next = random.chance(50);
        });
}
