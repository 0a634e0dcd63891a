//! One queue as a list of messages: slow and obvious.

use super::super::operation::Operation;
use super::super::record::{AnswerRecord, MessageRow, Mode, PATIENCE};
use crate::gate::Random;
use abi::link::kind;
use abi::message::error;
use rust_hdl::prelude::*;
use std::collections::VecDeque;

#[derive(Clone, Copy, PartialEq, Debug)]
pub enum State {
    Unanswered,
    Refused,
    Done,
}

/// Rounds until pings, and the longest pause, as the tests choose them.
pub const TIMEOUT: u64 = 16;
pub const LONGEST_PAUSE: u64 = 8;

#[derive(Clone, Debug)]
pub struct Reference {
    /// First message that the consumer index has not passed.
    pub consumer: u64,
    /// From `consumer` on, up to the last one launched.
    pub messages: VecDeque<State>,
    /// Of all messages before `consumer`, only how often they were answered more than sent again counts: once.
    pub mode: Mode,
    pub step: u64,
    pub timer: u64,
    pub errors: u64,
    pub error: u64,
    pub failed: bool,
    pub enabled: bool,
    pub generation: u64,
    pub give_up: u64,
    pub narrow: bool,
    pub patience: u64,
}

/// What an operation tells.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Told {
    /// Index, restart, ping.
    pub resend: Option<(u64, bool, bool)>,
    /// Row; ping; the burst ends.
    pub send: Option<(u64, bool, bool)>,
    pub walk: Option<u64>,
    pub reopens: bool,
    pub accepted: u64,
    pub refused: u64,
    pub unexpected: u64,
    pub probed: bool,
    pub pinged: bool,
    pub timed_out: bool,
    pub tell: bool,
    pub report: bool,
}

impl Reference {
    /// Any state, even one that no queue comes to.
    pub fn any(random: &mut Random) -> Self {
        let length = match random.below(4) {
            0 => 64,
            1 => random.below(4),
            _ => random.below(65),
        };
        let mix = random.below(4);
        let state = |random: &mut Random| match (mix, random.below(3)) {
            (0, _) | (3, 0) | (1, 0) => State::Done,
            (1, 1) | (2, 0) | (3, 1) => State::Refused,
            _ => State::Unanswered,
        };
        let timers = [
            0,
            1,
            TIMEOUT - 2,
            TIMEOUT - 1,
            TIMEOUT,
            19,
            20,
            2 * TIMEOUT - 1,
        ];
        Self {
            consumer: if random.chance(20) {
                0xFFF0 + random.below(16)
            } else {
                random.below(1 << 16)
            },
            messages: (0..length).map(|_| state(random)).collect(),
            mode: [Mode::Open, Mode::Drain, Mode::Probe, Mode::Burst][random.below(4) as usize],
            step: random.below(16),
            timer: if random.chance(50) {
                timers[random.below(8) as usize]
            } else {
                random.below(2 * TIMEOUT)
            },
            errors: if random.chance(20) {
                0xFF8 + random.below(8)
            } else {
                random.below(100)
            },
            error: random.below(11),
            failed: random.chance(5),
            enabled: random.chance(95),
            generation: random.below(256),
            give_up: random.below(4) * random.below(6),
            narrow: random.chance(50),
            patience: random.below(4) * random.below(6),
        }
    }

    pub fn launched(&self) -> u64 {
        (self.consumer + self.messages.len() as u64) & 0xFFFF
    }

    fn unanswered(&self) -> u64 {
        let states = self.messages.iter();
        states.filter(|state| **state == State::Unanswered).count() as u64
    }

    fn balance(&self) -> u64 {
        self.launched().wrapping_sub(self.unanswered()) & 255
    }

    pub fn record(&self) -> AnswerRecord {
        AnswerRecord {
            consumer: self.consumer.to_bits(),
            balance: self.balance().to_bits(),
            mode: self.mode,
            step: self.step.to_bits(),
            timer: self.timer.to_bits(),
            errors: self.errors.to_bits(),
            error: self.error.to_bits(),
            failed: self.failed,
            enabled: self.enabled,
            generation: self.generation.to_bits(),
            give_up: self.give_up.to_bits(),
            narrow: self.narrow,
            patience: self.patience.to_bits(),
        }
    }

    /// The row as it stands in memory: each position has the bit of the last message that was launched there.
    pub fn row(&self, row: u64) -> MessageRow {
        let mut bits = MessageRow::default();
        for place in 0..8 {
            let position = 8 * (row & 7) + place;
            // The last message before `launched` with this position.
            let behind = self.launched().wrapping_sub(1 + position) & 63;
            let index = self.launched().wrapping_sub(1 + behind) & 0xFFFF;
            let offset = index.wrapping_sub(self.consumer) & 0xFFFF;
            let state = self.messages.get(offset as usize);
            let is_done = state.is_none_or(|state| *state == State::Done);
            let lap = index >> 6 & 1 == 1;
            if is_done != lap {
                bits.done = bits.done | (1u64 << place).to_bits::<8>();
            }
            if state == Some(&State::Refused) {
                bits.refused = bits.refused | (1u64 << place).to_bits::<8>();
            }
        }
        bits
    }

    /// Offsets of the row's messages that are in `state`, in index order.
    fn find(&self, row: u64, state: State) -> Vec<usize> {
        (0..8)
            .map(|place| (8 * row + place).wrapping_sub(self.consumer) as usize & 127)
            .filter(|offset| self.messages.get(*offset) == Some(&state))
            .collect()
    }

    fn index(&self, offset: usize) -> u64 {
        (self.consumer + offset as u64) & 0xFFFF
    }

    fn is_done(&self) -> bool {
        self.messages
            .iter()
            .all(|state| *state == State::Unanswered)
    }

    fn fail(&mut self, told: &mut Told) {
        self.failed = true;
        self.errors = (self.errors + 1).min(0xFFF);
        self.error = error::ANSWER_TIMEOUT as u64;
        told.timed_out = true;
        told.report = true;
    }

    pub fn apply(&mut self, operation: &Operation, hold: bool) -> Told {
        let mut told = Told::default();
        let row = operation.row.to_u64();
        let live = self.enabled && !self.failed;
        if operation.disables {
            self.enabled = false;
        }
        let asked = operation.messages.to_u64().count_ones().into();
        if !live {
            told.unexpected = asked;
            return told;
        }
        let before = self.clone();
        let idle = self.unanswered() == 0;
        let at_head = row == self.consumer >> 3 & 15;
        let is_last = row == self.launched() >> 3 & 15;
        let late = self.timer >= TIMEOUT;
        if operation.verdict {
            self.verdict(operation, late, &mut told);
            told.unexpected = asked - told.unexpected;
        } else if operation.ticks {
            self.tick(idle, hold, &mut told);
        } else if operation.sends {
            let refused = self.find(row, State::Refused);
            let probes = self.mode == Mode::Probe && idle && at_head;
            let bursts = self.mode == Mode::Burst && row == self.step;
            if let (true, Some(&offset)) = (probes || bursts, refused.first()) {
                told.resend = Some((self.index(offset), idle, false));
                told.probed = probes;
                self.messages[offset] = State::Unanswered;
                if probes {
                    self.timer = 0;
                }
                told.send = bursts.then_some((row, false, false));
            } else if bursts && !is_last {
                self.step = (row + 1) & 15;
                told.send = Some((self.step, false, false));
            } else if bursts && operation.opens {
                self.mode = Mode::Open;
                self.step = 0;
                told.reopens = true;
            } else if bursts {
                told.send = Some((row, false, true));
            }
        } else if operation.pings && late && !idle {
            let unanswered = self.find(row, State::Unanswered);
            if let Some(&offset) = unanswered.first() {
                told.resend = Some((self.index(offset), false, true));
                told.pinged = true;
            } else if !is_last {
                told.send = Some(((row + 1) & 15, true, false));
            }
        }

        // The consumer index, in its row.
        let mut left_row = false;
        if at_head {
            while !left_row && self.messages.front() == Some(&State::Done) {
                self.messages.pop_front();
                self.consumer = (self.consumer + 1) & 0xFFFF;
                told.tell = true;
                left_row = self.consumer & 7 == 0;
            }
        }
        let head = self.consumer >> 3 & 15;
        if (left_row || operation.ticks) && !self.is_done() {
            told.walk = Some(head);
        }
        // Rows as they stand afterwards.
        if operation.verdict && told.send.is_some() && self.mode == Mode::Probe {
            told.send = Some((head, false, false));
        }
        if operation.ticks && told.send.is_some_and(|(_, ping, _)| ping) {
            told.send = Some((head, true, false));
        } else if operation.ticks && told.send.is_some() {
            let row = if self.mode == Mode::Burst {
                self.step
            } else {
                head
            };
            told.send = Some((row, false, false));
        }
        told.report |= self.errors != before.errors || self.failed || told.refused > 0;
        told.tell |= told.report;
        told
    }

    fn verdict(&mut self, operation: &Operation, late: bool, told: &mut Told) {
        let code = operation.code.index();
        let verdict = kind::ACCEPTED + (code & 7);
        if !operation.own && operation.generation.to_u64() != self.generation {
            return;
        }
        let row = operation.row.to_u64();
        let counting: Vec<usize> = (0..8)
            .filter(|place| operation.messages.get_bit(*place as usize))
            .map(|place| (8 * row + place).wrapping_sub(self.consumer) as usize & 127)
            .filter(|offset| self.messages.get(*offset) == Some(&State::Unanswered))
            .collect();
        let count = counting.len() as u64;
        // `apply` takes the others for unexpected.
        told.unexpected = count;
        if count == 0 {
            return;
        }
        let is_full = !operation.own && code < 8 && verdict == kind::FULL;
        let gives_up = is_full
            && self.mode == Mode::Probe
            && self.give_up > 0
            && self.step + 1 >= self.give_up;
        let final_error = match verdict {
            _ if operation.own || code >= 8 => Some(code),
            _ if gives_up => Some(error::RECEIVER_FULL),
            kind::ACCEPTED => Some(0),
            kind::NOT_RESIDENT => Some(error::NOT_RESIDENT),
            kind::ENTRY_TOO_SMALL => Some(error::ENTRY_TOO_SMALL),
            _ => None,
        };
        if let Some(code) = final_error {
            for offset in counting {
                self.messages[offset] = State::Done;
            }
            self.timer = 0;
            if code == 0 {
                told.accepted = count;
            } else {
                told.refused = count;
                self.errors = (self.errors + count).min(0xFFF);
                self.error = code as u64;
            }
            let narrow = self.narrow;
            let begins = self.mode == Mode::Probe && !narrow;
            if !gives_up {
                self.narrow &= self.patience != 1;
                self.patience = if begins {
                    PATIENCE
                } else {
                    self.patience.saturating_sub(1)
                };
            }
            if self.mode == Mode::Probe {
                told.send = (!gives_up).then_some((row, false, false));
                (self.mode, self.step) = match (gives_up, narrow) {
                    (true, _) => (Mode::Drain, 0),
                    (false, true) => (Mode::Probe, 0),
                    (false, false) => (Mode::Burst, row),
                };
            } else if self.mode == Mode::Open && narrow {
                self.mode = Mode::Probe;
            }
        } else if is_full || verdict == kind::BEHIND {
            for offset in counting {
                self.messages[offset] = State::Refused;
            }
            self.timer = 0;
            if self.patience > 0 {
                self.patience = PATIENCE;
                self.narrow |= matches!(self.mode, Mode::Open | Mode::Burst);
            }
            match self.mode {
                Mode::Open | Mode::Burst => self.step = 0,
                Mode::Probe if is_full => self.step = (self.step + 1).min(15),
                _ => {}
            }
            self.mode = Mode::Drain;
        } else if verdict == kind::WAITING {
            self.timer = 0;
        } else if verdict == kind::LOST && late {
            self.fail(told);
        }
    }

    fn tick(&mut self, idle: bool, hold: bool, told: &mut Told) {
        if !idle {
            if self.mode == Mode::Burst {
                told.send = Some((0, false, false));
            }
            if hold {
                return;
            }
            self.timer += 1;
            if self.timer == 2 * TIMEOUT {
                self.fail(told);
            } else if self.timer >= TIMEOUT && self.timer.is_multiple_of(TIMEOUT / 4) {
                told.send = Some((0, true, false));
            }
            return;
        }
        let pause = (1 << self.step).min(LONGEST_PAUSE);
        let waits = matches!(self.mode, Mode::Drain | Mode::Probe);
        if waits && self.is_done() {
            // Nothing is refused any more: an empty burst opens the queue.
            self.timer = if self.mode == Mode::Drain && self.timer < pause {
                self.timer + 1
            } else {
                0
            };
            self.mode = Mode::Burst;
            self.step = self.consumer >> 3 & 15;
            told.send = Some((0, false, false));
        } else if self.mode == Mode::Drain {
            if self.timer >= pause {
                self.mode = Mode::Probe;
                self.timer = 0;
                told.send = Some((0, false, false));
            } else {
                self.timer += 1;
            }
        } else {
            self.timer = 0;
            if self.mode != Mode::Open {
                told.send = Some((0, false, false));
            }
        }
    }
}
