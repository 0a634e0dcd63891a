//! Which program is resumed next.

use super::wake::Wake;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A node's programs by the cycle in which each is due, so that a cycle costs no more than the
/// programs that are resumed in it.
///
/// Programs that are due in the same cycle are resumed in their order, each until it waits for a later one.
#[derive(Debug, Default)]
pub struct Schedule {
    /// Cycle and program; an entry that is not the program's `time` is stale.
    due: BinaryHeap<Reverse<(u64, usize)>>,
    programs: Vec<State>,
    /// Programs that poll host memory and have seen all of it, with next poll and interval.
    polling: Vec<Polling>,
    /// Programs that wait for an interrupt that has not come.
    blocked: Vec<Blocked>,
    /// Writes by the device that have landed.
    device_writes: u64,
    running: usize,
}

#[derive(Clone, Copy, Debug, Default)]
struct State {
    /// When it is due.
    time: Option<u64>,
    /// It has not ended and does not gather.
    runs: bool,
    /// Times it has waited.
    waits: u64,
}

#[derive(Clone, Copy, Debug)]
struct Blocked {
    program: usize,
    /// It is blocked in this wait.
    wait: u64,
    vector: usize,
    seen: u64,
    wakeup: u64,
}

#[derive(Clone, Copy, Debug)]
struct Polling {
    program: usize,
    /// It polls in this wait.
    wait: u64,
    next: u64,
    interval: u64,
    deadline: u64,
}

impl Polling {
    /// The first poll in this cycle or later, or the deadline.
    fn due(&self, cycle: u64) -> u64 {
        let late = cycle.saturating_sub(self.next).div_ceil(self.interval);
        (self.next + late * self.interval).min(self.deadline)
    }
}

impl Schedule {
    /// A cycle begins, and so many writes by the device have landed.
    pub fn begin(&mut self, cycle: u64, device_writes: u64) {
        if self.device_writes == device_writes {
            return;
        }
        self.device_writes = device_writes;
        for polling in std::mem::take(&mut self.polling) {
            if self.programs[polling.program].waits == polling.wait {
                self.put(polling.program, polling.due(cycle));
            }
        }
    }

    /// So many interrupts of each vector have arrived by this cycle.
    pub fn interrupted(&mut self, cycle: u64, interrupts: &[u64]) {
        if self.blocked.is_empty() {
            return;
        }
        let mut woken = Vec::new();
        let programs = &self.programs;
        self.blocked.retain(|blocked| {
            let waits = programs[blocked.program].waits == blocked.wait;
            let came = interrupts.get(blocked.vector) != Some(&blocked.seen);
            if waits && came {
                woken.push((blocked.program, cycle + blocked.wakeup));
            }
            waits && !came
        });
        for (program, time) in woken {
            // Its deadline may come first.
            let time = self.programs[program]
                .time
                .map_or(time, |due| due.min(time));
            self.put(program, time);
        }
    }

    /// The program waits, from this cycle on.
    pub fn wait(&mut self, program: usize, wake: Option<&Wake>, cycle: u64) {
        if program >= self.programs.len() {
            self.programs.resize(program + 1, State::default());
        }
        let state = &mut self.programs[program];
        let runs = matches!(
            wake,
            Some(Wake::At(_) | Wake::Memory { .. } | Wake::Interrupt { .. })
        );
        self.running = self.running + usize::from(runs) - usize::from(state.runs);
        state.runs = runs;
        state.waits += 1;
        state.time = None;
        match wake {
            None | Some(Wake::Gather(_)) => {}
            Some(Wake::At(due)) => self.put(program, (*due).max(cycle)),
            Some(&Wake::Interrupt {
                vector,
                seen,
                wakeup,
                deadline,
            }) => {
                self.blocked.push(Blocked {
                    program,
                    wait: state.waits,
                    vector: vector.into(),
                    seen,
                    wakeup,
                });
                self.put(program, deadline.max(cycle));
            }
            Some(&Wake::Memory {
                next,
                interval,
                seen,
                deadline,
            }) => {
                let polling = Polling {
                    program,
                    wait: state.waits,
                    next,
                    interval,
                    deadline,
                };
                if seen == self.device_writes {
                    self.put(program, deadline.max(cycle));
                    self.polling.push(polling);
                } else {
                    self.put(program, polling.due(cycle).max(cycle));
                }
            }
        }
    }

    /// The next program to be resumed in this cycle; it is not due again before the next `wait`.
    pub fn next(&mut self, cycle: u64) -> Option<usize> {
        while let Some(&Reverse((time, program))) = self.due.peek() {
            if time > cycle {
                return None;
            }
            self.due.pop();
            let state = &mut self.programs[program];
            if state.time == Some(time) {
                state.time = None;
                return Some(program);
            }
        }
        None
    }

    /// Some program has not ended and does not gather.
    pub fn any_runs(&self) -> bool {
        self.running > 0
    }

    /// Programs that wait for interrupts, for tests.
    #[cfg(test)]
    fn blocked(&self) -> usize {
        self.blocked.len()
    }

    fn put(&mut self, program: usize, time: u64) {
        self.programs[program].time = Some(time);
        self.due.push(Reverse((time, program)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pcie::random::Random;

    #[test]
    fn an_interrupt_resumes_those_that_wait_for_it_after_the_wake_up() {
        let mut schedule = Schedule::default();
        let wait = |vector, seen, deadline| Wake::Interrupt {
            vector,
            seen,
            wakeup: 30,
            deadline,
        };
        for (program, wake) in [wait(0, 5, 1000), wait(1, 2, 1000), wait(1, 2, 50)]
            .iter()
            .enumerate()
        {
            schedule.wait(program, Some(wake), 10);
        }
        let mut resumed = Vec::new();
        for cycle in 11..1100 {
            let interrupts = [5, if cycle < 40 { 2 } else { 3 }];
            schedule.interrupted(cycle, &interrupts);
            while let Some(program) = schedule.next(cycle) {
                resumed.push((cycle, program));
                schedule.wait(program, None, cycle);
            }
        }
        assert_eq!(resumed, [(50, 2), (70, 1), (1000, 0)]);
        assert_eq!(schedule.blocked(), 0);
        assert!(!schedule.any_runs());
    }

    /// A thousand programs that wait in every way are resumed when, and in the order in which, a
    /// scan of all finds them due.
    #[test]
    fn a_thousand_programs_are_resumed_as_by_a_scan_of_all() {
        const PROGRAMS: usize = 1000;
        let mut random = Random::new(7);
        let mut schedule = Schedule::default();
        let mut wakes = vec![Some(Wake::At(0)); PROGRAMS];
        for (program, wake) in wakes.iter().enumerate() {
            schedule.wait(program, wake.as_ref(), 0);
        }
        let (mut writes, mut resumed) = (0, 0);
        for cycle in 0..3000u64 {
            writes += u64::from(random.below(20) == 0);
            schedule.begin(cycle, writes);
            for (program, waiting) in wakes.iter_mut().enumerate() {
                while waiting
                    .as_mut()
                    .is_some_and(|wake| wake.is_due(cycle, writes))
                {
                    assert_eq!(schedule.next(cycle), Some(program), "cycle {cycle}");
                    resumed += 1;
                    let wake = match random.below(40) {
                        0 => None,
                        1..=4 => Some(Wake::At(cycle)),
                        5..=20 => Some(Wake::At(cycle + random.below(300))),
                        _ => Some(Wake::Memory {
                            next: cycle + 1 + random.below(9),
                            interval: 1 + random.below(9),
                            seen: writes - writes.min(random.below(2)),
                            deadline: cycle + 1 + random.below(400),
                        }),
                    };
                    schedule.wait(program, wake.as_ref(), cycle);
                    *waiting = wake;
                }
            }
            assert_eq!(schedule.next(cycle), None, "cycle {cycle}");
            assert_eq!(schedule.any_runs(), wakes.iter().any(Option::is_some));
        }
        assert!(resumed > 20 * PROGRAMS, "{resumed}");
    }
}
