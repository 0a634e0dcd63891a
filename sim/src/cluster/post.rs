//! How threads that meet every few microseconds hand each other what they have.

use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::time::{Duration, Instant};

/// How long a thread spins before it sleeps: several times as long as the others should take for a cycle, so that on an idle
/// machine nobody ever sleeps, and little beside the milliseconds that another program has a processor for.
const SPIN_TIME: Duration = Duration::from_micros(100);
/// Turns of the spinning loop between two looks at the clock. How long a turn takes differs tenfold between processors.
const SPINS: u32 = 100;

/// One thread's end of an exchange among several, round by round: what a thread gets is also the sign that the sender has come
/// so far, so nobody is more than a round ahead, and one wait a round is enough.
///
/// A thread that waits for long sleeps: the one it waits for has lost its processor to another program, and a sleeper
/// gives it its own. A spinner would be charged for the time, and be the next to lose its processor.
#[derive(Debug)]
pub struct Post<T> {
    to: Vec<SyncSender<T>>,
    /// And how many from each.
    from: Vec<(Receiver<T>, usize)>,
}

impl<T: Clone> Post<T> {
    /// One end for each thread, and how much each has to give in a round.
    pub fn connect(amounts: &[usize]) -> Vec<Self> {
        let mut ends: Vec<Self> = amounts
            .iter()
            .map(|_| Post {
                to: Vec::new(),
                from: Vec::new(),
            })
            .collect();
        for (sender, &amount) in amounts.iter().enumerate() {
            for receiver in (0..amounts.len()).filter(|receiver| *receiver != sender) {
                // Room for two rounds, so that nobody waits to send; made once, because memory that one thread takes and
                // another gives back makes both wait for the allocator.
                let (to, from) = sync_channel(2 * amount);
                ends[sender].to.push(to);
                ends[receiver].from.push((from, amount));
            }
        }
        ends
    }

    /// Gives this to every other thread, and adds to it what each of them gave. `None`: one of them is gone.
    pub fn exchange(&self, items: &mut Vec<T>) -> Option<()> {
        for to in &self.to {
            for item in items.iter() {
                to.send(item.clone()).ok()?;
            }
        }
        for (from, amount) in &self.from {
            for _ in 0..*amount {
                items.push(receive(from)?);
            }
        }
        Some(())
    }
}

/// The next from one thread.
fn receive<T>(from: &Receiver<T>) -> Option<T> {
    let mut began = None;
    loop {
        for _ in 0..SPINS {
            match from.try_recv() {
                Ok(item) => return Some(item),
                Err(TryRecvError::Disconnected) => return None,
                Err(TryRecvError::Empty) => std::hint::spin_loop(),
            }
        }
        if began.get_or_insert_with(Instant::now).elapsed() >= SPIN_TIME {
            return from.recv().ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Long after the spinning has ended.
    const LATE: Duration = SPIN_TIME.saturating_mul(200);

    #[test]
    fn each_gets_what_the_others_gave_in_the_same_round() {
        let ends = Post::connect(&[1, 2, 1]);
        std::thread::scope(|scope| {
            for (thread, end) in ends.into_iter().enumerate() {
                scope.spawn(move || {
                    for round in 0..200 {
                        let mut items = vec![(thread, round); [1, 2, 1][thread]];
                        assert_eq!(end.exchange(&mut items), Some(()));
                        items.sort_unstable();
                        let all = [0, 1, 1, 2].map(|thread| (thread, round));
                        assert_eq!(items, all);
                    }
                });
            }
        });
    }

    #[test]
    fn who_comes_late_wakes_the_others() {
        let mut ends = Post::connect(&[1, 1]);
        let (right, left) = (ends.pop().expect("two"), ends.pop().expect("two"));
        let run = |end: Post<u32>, late: u32| {
            for round in 0..6 {
                if round % 2 == late {
                    std::thread::sleep(LATE);
                }
                let mut items = vec![round];
                assert_eq!(end.exchange(&mut items), Some(()));
                assert_eq!(items, [round, round]);
            }
        };
        std::thread::scope(|scope| {
            scope.spawn(move || run(left, 0));
            run(right, 1);
        });
    }

    #[test]
    fn who_sleeps_is_woken_when_another_is_gone() {
        let mut ends = Post::connect(&[1, 1]);
        let (right, left) = (ends.pop().expect("two"), ends.pop().expect("two"));
        std::thread::scope(|scope| {
            let waiting = scope.spawn(move || left.exchange(&mut vec![0]));
            std::thread::sleep(LATE);
            drop(right);
            assert_eq!(waiting.join().expect("it does not panic"), None);
        });
    }
}
