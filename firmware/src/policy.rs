//! Whose queue is taken when another endpoint needs one.

/// Chooses the queue that is lent to another endpoint.
pub trait Policy {
    /// The queue to be tried next, of `queues`; tried again until it names one of which `may` is true. Each side has a
    /// policy of its own.
    fn candidate(&mut self, queues: usize) -> usize;
}

/// Second chance without hints: one queue after the other, so the one that was lent longest ago.
#[derive(Clone, Copy, Debug, Default)]
pub struct RoundRobin {
    next: u8,
}

impl RoundRobin {
    /// Begins at the first queue.
    pub const fn new() -> Self {
        RoundRobin { next: 0 }
    }
}

impl Policy for RoundRobin {
    fn candidate(&mut self, queues: usize) -> usize {
        let queue = usize::from(self.next);
        let queue = if queue < queues { queue } else { 0 };
        self.next = (queue + 1) as u8;
        queue
    }
}

/// Any queue.
#[derive(Clone, Copy, Debug, Default)]
pub struct Random {
    state: u32,
}

impl Random {
    /// Begins with the same numbers each time.
    pub const fn new() -> Self {
        Random { state: 0 }
    }
}

impl Policy for Random {
    fn candidate(&mut self, queues: usize) -> usize {
        // xorshift; zero is its fixed point.
        let mut state = self.state.max(1);
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        self.state = state;
        state as usize % queues.max(1)
    }
}

/// The first `KEPT` queues stay with whoever has them; the others are lent in turn.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pinned<const KEPT: usize> {
    others: RoundRobin,
}

impl<const KEPT: usize> Pinned<KEPT> {
    /// Begins at the first queue that is not kept.
    pub const fn new() -> Self {
        Pinned {
            others: RoundRobin::new(),
        }
    }
}

impl<const KEPT: usize> Policy for Pinned<KEPT> {
    fn candidate(&mut self, queues: usize) -> usize {
        let kept = KEPT.min(queues.saturating_sub(1));
        kept + self.others.candidate(queues - kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_policy_comes_to_every_queue_that_it_lends() {
        fn tried(mut policy: impl Policy, queues: usize) -> Vec<bool> {
            let mut tried = vec![false; queues];
            for _ in 0..1000 {
                tried[policy.candidate(queues)] = true;
            }
            tried
        }
        for queues in [1, 3, 32, 252] {
            assert_eq!(tried(RoundRobin::new(), queues), vec![true; queues]);
            let kept = 4.min(queues - 1);
            let expected: Vec<bool> = (0..queues).map(|queue| queue >= kept).collect();
            assert_eq!(tried(Pinned::<4>::new(), queues), expected);
        }
        assert_eq!(tried(Random::new(), 32), vec![true; 32]);
    }
}
