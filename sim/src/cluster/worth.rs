//! Whether more threads than one are worth having just now.

use super::post::Post;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Rounds of a trial, each about as long as a simulated cycle: long enough for another program to
/// get its turn on the processor.
const ROUNDS: usize = 3000;
/// Turns of a loop that take about as long as a NIU's cycle.
const WORK: u32 = 2000;
/// A verdict holds for so long.
const HOLDS: Duration = Duration::from_secs(1);

/// The last verdict, with the threads that it is about.
static VERDICT: Mutex<Option<(Instant, usize, bool)>> = Mutex::new(None);

/// As many threads as are asked for, or one if they would be slower: threads that meet in every cycle are no faster
/// than the slowest of them, which may have to share its processor with another program.
pub fn threads(asked: usize) -> usize {
    if asked == 1 {
        return 1;
    }
    let mut verdict = VERDICT.lock().unwrap_or_else(|poison| poison.into_inner());
    let worth = match *verdict {
        Some((since, threads, worth)) if threads == asked && since.elapsed() < HOLDS => worth,
        _ => {
            let worth = are_worth(asked);
            *verdict = Some((Instant::now(), asked, worth));
            worth
        }
    };
    if worth { asked } else { 1 }
}

/// Whether threads that do a NIU's work each, and meet after it, are done before one thread that does the work of all.
fn are_worth(threads: usize) -> bool {
    let start = Instant::now();
    for _ in 0..ROUNDS * threads {
        work();
    }
    let alone = start.elapsed();
    let start = Instant::now();
    std::thread::scope(|scope| {
        for post in Post::connect(&vec![1; threads]) {
            scope.spawn(move || {
                for _ in 0..ROUNDS {
                    work();
                    // Late already: the others find it out by themselves, or from this one's end.
                    if start.elapsed() > alone || post.exchange(vec![()]).is_none() {
                        return;
                    }
                }
            });
        }
    });
    start.elapsed() < alone.mul_f64(0.9)
}

fn work() {
    for turn in 0..WORK {
        std::hint::black_box(turn);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering};

    #[test]
    fn one_thread_is_one() {
        assert_eq!(threads(1), 1);
    }

    /// Beside more busy threads than there are processors, threads that meet wait for each other's turn.
    #[test]
    fn beside_busy_programs_threads_are_not_worth_it() {
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let processors = std::thread::available_parallelism().map_or(2, usize::from);
            for _ in 0..4 * processors {
                scope.spawn(|| {
                    // Ordering: the flag carries nothing else.
                    while !stop.load(Ordering::Relaxed) {
                        work();
                    }
                });
            }
            let found = (0..3).filter(|_| are_worth(2)).count();
            stop.store(true, Ordering::Relaxed);
            assert!(found <= 1, "{found} of 3 trials");
        });
    }
}
