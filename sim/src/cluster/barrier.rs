//! A barrier for threads that meet every few microseconds.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Turns of the spinning loop before a thread lets others run.
const SPINS: u32 = 2000;

/// Threads meet here; `std::sync::Barrier` would put them to sleep each time.
#[derive(Debug)]
pub struct SpinBarrier {
    threads: usize,
    arrived: AtomicUsize,
    round: AtomicUsize,
    broken: AtomicBool,
}

impl SpinBarrier {
    /// A barrier for this many threads.
    pub fn new(threads: usize) -> Self {
        SpinBarrier {
            threads,
            arrived: AtomicUsize::new(0),
            round: AtomicUsize::new(0),
            broken: AtomicBool::new(false),
        }
    }

    /// Waits for the others; what they wrote before is visible after. `false`: one of them is gone for good.
    pub fn wait(&self) -> bool {
        // Ordering: Acquire and Release on `round` and `arrived` make every write before the barrier visible after it.
        let round = self.round.load(Ordering::Acquire);
        if self.arrived.fetch_add(1, Ordering::AcqRel) + 1 == self.threads {
            self.arrived.store(0, Ordering::Relaxed);
            self.round.store(round.wrapping_add(1), Ordering::Release);
        } else {
            let mut spins = 0;
            while self.round.load(Ordering::Acquire) == round {
                if self.broken.load(Ordering::Acquire) {
                    return false;
                }
                spins += 1;
                if spins < SPINS {
                    std::hint::spin_loop()
                } else {
                    std::thread::yield_now()
                }
            }
        }
        !self.broken.load(Ordering::Acquire)
    }

    /// Tells the others that this thread will not come again.
    pub fn break_up(&self) {
        self.broken.store(true, Ordering::Release);
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
}
