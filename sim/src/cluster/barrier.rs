//! A barrier for threads that meet every few microseconds.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a thread spins before it sleeps: several times as long as the others should take for a cycle, so that on an idle
/// machine nobody ever sleeps, and little beside the milliseconds that another program has a processor for.
const SPIN_TIME: Duration = Duration::from_micros(100);
/// Turns of the spinning loop between two looks at the clock. How long a turn takes differs tenfold between processors.
const SPINS: u32 = 100;

/// Threads meet here; `std::sync::Barrier` would put them to sleep each time.
///
/// A thread that waits for long does sleep: the one it waits for has lost its processor to another program, and a sleeper
/// gives it its own. A spinner would be charged for the time, and be the next to lose its processor.
#[derive(Debug)]
pub struct SpinBarrier {
    threads: usize,
    arrived: AtomicUsize,
    round: AtomicUsize,
    broken: AtomicBool,
    /// Threads that sleep or are about to.
    sleepers: AtomicUsize,
    sleep: Mutex<()>,
    wake: Condvar,
}

impl SpinBarrier {
    /// A barrier for this many threads.
    pub fn new(threads: usize) -> Self {
        SpinBarrier {
            threads,
            arrived: AtomicUsize::new(0),
            round: AtomicUsize::new(0),
            broken: AtomicBool::new(false),
            sleepers: AtomicUsize::new(0),
            sleep: Mutex::new(()),
            wake: Condvar::new(),
        }
    }

    /// Waits for the others; what they wrote before is visible after. `false`: one of them is gone for good.
    pub fn wait(&self) -> bool {
        // Ordering: Acquire and Release on `round` and `arrived` make every write before the barrier visible after it.
        let round = self.round.load(Ordering::Acquire);
        if self.arrived.fetch_add(1, Ordering::AcqRel) + 1 == self.threads {
            self.arrived.store(0, Ordering::Relaxed);
            // SeqCst with `sleep_out`: either this thread sees the sleeper, or the sleeper sees the new round.
            self.round.store(round.wrapping_add(1), Ordering::SeqCst);
            self.wake_all();
        } else {
            let mut spins = 0u32;
            let mut began = None;
            while self.round.load(Ordering::Acquire) == round {
                if self.broken.load(Ordering::Acquire) {
                    return false;
                }
                spins += 1;
                if spins.is_multiple_of(SPINS)
                    && began.get_or_insert_with(Instant::now).elapsed() >= SPIN_TIME
                {
                    self.sleep_out(round);
                } else {
                    std::hint::spin_loop();
                }
            }
        }
        !self.broken.load(Ordering::Acquire)
    }

    /// Sleeps until the round is over or the barrier breaks.
    fn sleep_out(&self, round: usize) {
        let mut guard = self.sleep.lock().unwrap_or_else(PoisonError::into_inner);
        self.sleepers.fetch_add(1, Ordering::SeqCst);
        while self.round.load(Ordering::SeqCst) == round && !self.broken.load(Ordering::SeqCst) {
            guard = self
                .wake
                .wait(guard)
                .unwrap_or_else(PoisonError::into_inner);
        }
        self.sleepers.fetch_sub(1, Ordering::SeqCst);
    }

    fn wake_all(&self) {
        if self.sleepers.load(Ordering::SeqCst) != 0 {
            // Whoever is about to sleep has the lock until it does.
            drop(self.sleep.lock().unwrap_or_else(PoisonError::into_inner));
            self.wake.notify_all();
        }
    }

    /// Tells the others that this thread will not come again.
    pub fn break_up(&self) {
        self.broken.store(true, Ordering::SeqCst);
        self.wake_all();
    }
}

/// Breaks the barrier up if its thread unwinds.
pub struct BreakOnPanic<'a>(pub &'a SpinBarrier);

impl Drop for BreakOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.break_up();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_passes_before_all_have_come() {
        let barrier = SpinBarrier::new(3);
        let count = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for round in 0..200 {
                        count.fetch_add(1, Ordering::SeqCst);
                        assert!(barrier.wait());
                        assert_eq!(count.load(Ordering::SeqCst), 3 * (round + 1));
                        assert!(barrier.wait());
                    }
                });
            }
        });
    }

    /// Long after the spinning has ended.
    const LATE: Duration = SPIN_TIME.saturating_mul(200);

    #[test]
    fn who_comes_late_wakes_the_others() {
        let barrier = SpinBarrier::new(2);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for round in 0..6 {
                    if round % 2 == 0 {
                        std::thread::sleep(LATE);
                    }
                    assert!(barrier.wait());
                }
            });
            for round in 0..6 {
                if round % 2 == 1 {
                    std::thread::sleep(LATE);
                }
                assert!(barrier.wait());
            }
        });
    }

    #[test]
    fn who_sleeps_is_woken_when_the_others_are_gone() {
        let barrier = SpinBarrier::new(2);
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| barrier.wait());
            std::thread::sleep(LATE);
            barrier.break_up();
            assert!(!waiting.join().expect("it does not panic"));
        });
    }
}
