//! How threads that meet every few microseconds hand each other what they have.

use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};

/// Turns of the spinning loop before a thread sleeps: several times as many as pass while the
/// simulation of a cycle is waited for.
const SPINS: u32 = 1000;

/// One thread's end of an exchange among several, round by round: what a thread gets is also the sign that the sender
/// has come so far, so nobody is more than a round ahead, and one wait a round is enough.
///
/// A thread that waits spins, for the others take microseconds. If it waits for long, the one it waits for has lost
/// its processor to another program, and may be behind it in the queue for the same one: so it sleeps.
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
                // Room for two rounds, so that nobody waits to send; made once, because memory that one thread takes
                // and another gives back makes both wait for the allocator.
                let (to, from) = sync_channel(2 * amount);
                ends[sender].to.push(to);
                ends[receiver].from.push((from, amount));
            }
        }
        ends
    }

    /// Gives this to every other thread; returns it and behind it what each of them gave. `None`: one of them is gone.
    pub fn exchange(&self, mut items: Vec<T>) -> Option<Vec<T>> {
        for to in &self.to {
            for item in &items {
                to.send(item.clone()).ok()?;
            }
        }
        for (from, amount) in &self.from {
            for _ in 0..*amount {
                items.push(receive(from)?);
            }
        }
        Some(items)
    }
}

/// The next from one thread.
fn receive<T>(from: &Receiver<T>) -> Option<T> {
    for _ in 0..SPINS {
        match from.try_recv() {
            Ok(item) => return Some(item),
            Err(TryRecvError::Disconnected) => return None,
            Err(TryRecvError::Empty) => std::hint::spin_loop(),
        }
    }
    from.recv().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// Long after the spinning has ended.
    const LATE: Duration = Duration::from_millis(20);

    #[test]
    fn each_gets_what_the_others_gave_in_the_same_round() {
        let ends = Post::connect(&[1, 2, 1]);
        std::thread::scope(|scope| {
            for (thread, end) in ends.into_iter().enumerate() {
                scope.spawn(move || {
                    for round in 0..200 {
                        let own = vec![(thread, round); [1, 2, 1][thread]];
                        let mut items = end.exchange(own).expect("nobody is gone");
                        items.sort_unstable();
                        let all = [0, 1, 1, 2].map(|thread| (thread, round));
                        assert_eq!(items, all);
                    }
                });
            }
        });
    }

    #[test]
    fn who_comes_late_is_waited_for() {
        let mut ends = Post::connect(&[1, 1]);
        let (right, left) = (ends.pop().expect("two"), ends.pop().expect("two"));
        let run = |end: Post<u32>, late: u32| {
            for round in 0..6 {
                if round % 2 == late {
                    std::thread::sleep(LATE);
                }
                assert_eq!(end.exchange(vec![round]), Some(vec![round, round]));
            }
        };
        std::thread::scope(|scope| {
            scope.spawn(move || run(left, 0));
            run(right, 1);
        });
    }

    #[test]
    fn who_waits_learns_that_another_is_gone() {
        let mut ends = Post::connect(&[1, 1]);
        let (right, left) = (ends.pop().expect("two"), ends.pop().expect("two"));
        std::thread::scope(|scope| {
            let waiting = scope.spawn(move || left.exchange(vec![0]));
            std::thread::sleep(LATE);
            drop(right);
            assert_eq!(waiting.join().expect("it does not panic"), None);
        });
    }
}
