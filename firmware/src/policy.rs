//! Whose queue is taken when another endpoint needs one.

use abi::admin::residency_policy::ResidencyPolicy;

/// Chooses the queue that is lent to another endpoint. Each side has a policy of its own.
pub trait Policy {
    /// The queue to be tried next, of `queues`; asked again until a queue can be lent.
    fn candidate(&mut self, queues: usize) -> usize;

    /// Whether a queue that was used since it was last looked at stays where it is.
    fn spares(&self) -> bool {
        false
    }

    /// A use of this queue was noticed: it came back, or a look at it has shown it.
    fn used(&mut self, _queue: usize) {}

    /// The driver has chosen a policy. Whatever is none in particular stays as it is.
    fn choose(&mut self, _policy: ResidencyPolicy) {}
}

/// One queue after the other, so the one that was lent longest ago.
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

/// The first half of the queues stay with whoever has them; the others are lent in turn.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pinned {
    others: RoundRobin,
}

impl Pinned {
    /// Begins at the first queue that is not kept.
    pub const fn new() -> Self {
        Pinned {
            others: RoundRobin::new(),
        }
    }
}

impl Policy for Pinned {
    fn candidate(&mut self, queues: usize) -> usize {
        let kept = queues / 2;
        kept + self.others.candidate(queues - kept)
    }
}

/// The queue whose last use was noticed longest ago.
///
/// The hardware keeps no time of a use: it is noticed when a queue comes back, and at looks that find it used since the
/// last one. So the queue that is lent has not been used since the last look, and that look was the oldest.
#[derive(Clone, Copy, Debug)]
pub struct LeastRecentlyUsed<const QUEUES: usize> {
    /// Uses and looks so far, modulo 2^16, and that number at the last one of each queue.
    now: u16,
    last: [u16; QUEUES],
}

impl<const QUEUES: usize> LeastRecentlyUsed<QUEUES> {
    /// No use was noticed.
    pub const fn new() -> Self {
        LeastRecentlyUsed {
            now: 0,
            last: [0; QUEUES],
        }
    }
}

impl<const QUEUES: usize> Default for LeastRecentlyUsed<QUEUES> {
    fn default() -> Self {
        LeastRecentlyUsed::new()
    }
}

impl<const QUEUES: usize> Policy for LeastRecentlyUsed<QUEUES> {
    fn candidate(&mut self, queues: usize) -> usize {
        let (mut oldest, mut age) = (0, 0);
        for (queue, last) in self.last.iter().take(queues).enumerate() {
            let since = self.now.wrapping_sub(*last);
            if since > age {
                (oldest, age) = (queue, since);
            }
        }
        // It is looked at now, so the next one to be tried is another.
        self.used(oldest);
        oldest
    }

    fn spares(&self) -> bool {
        true
    }

    fn used(&mut self, queue: usize) {
        self.now = self.now.wrapping_add(1);
        if let Some(last) = self.last.get_mut(queue) {
            *last = self.now;
        }
    }
}

/// The policy that the driver has chosen by its code (`abi::admin::residency_policy`).
#[derive(Clone, Copy, Debug)]
pub struct Chosen<const QUEUES: usize> {
    policy: ResidencyPolicy,
    in_turn: RoundRobin,
    random: Random,
    pinned: Pinned,
    least_recently_used: LeastRecentlyUsed<QUEUES>,
}

impl<const QUEUES: usize> Chosen<QUEUES> {
    /// Until the driver has chosen: one queue after the other.
    pub const fn new() -> Self {
        Chosen {
            policy: ResidencyPolicy::RoundRobin,
            in_turn: RoundRobin::new(),
            random: Random::new(),
            pinned: Pinned::new(),
            least_recently_used: LeastRecentlyUsed::new(),
        }
    }
}

impl<const QUEUES: usize> Default for Chosen<QUEUES> {
    fn default() -> Self {
        Chosen::new()
    }
}

impl<const QUEUES: usize> Policy for Chosen<QUEUES> {
    fn candidate(&mut self, queues: usize) -> usize {
        match self.policy {
            ResidencyPolicy::RoundRobin | ResidencyPolicy::SecondChance => {
                self.in_turn.candidate(queues)
            }
            ResidencyPolicy::Random => self.random.candidate(queues),
            ResidencyPolicy::Pinned => self.pinned.candidate(queues),
            ResidencyPolicy::LeastRecentlyUsed => self.least_recently_used.candidate(queues),
        }
    }

    fn spares(&self) -> bool {
        matches!(
            self.policy,
            ResidencyPolicy::SecondChance | ResidencyPolicy::LeastRecentlyUsed
        )
    }

    fn used(&mut self, queue: usize) {
        if self.policy == ResidencyPolicy::LeastRecentlyUsed {
            self.least_recently_used.used(queue);
        }
    }

    fn choose(&mut self, policy: ResidencyPolicy) {
        *self = Chosen {
            policy,
            ..Chosen::new()
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tried(mut policy: impl Policy, queues: usize) -> Vec<bool> {
        let mut tried = vec![false; queues];
        for _ in 0..2000 {
            tried[policy.candidate(queues)] = true;
        }
        tried
    }

    fn chosen(policy: ResidencyPolicy) -> Chosen<252> {
        let mut chosen = Chosen::new();
        chosen.choose(policy);
        chosen
    }

    #[test]
    fn every_policy_comes_to_every_queue_that_it_lends() {
        for queues in [1, 3, 32, 252] {
            for policy in [
                ResidencyPolicy::RoundRobin,
                ResidencyPolicy::SecondChance,
                ResidencyPolicy::LeastRecentlyUsed,
            ] {
                assert_eq!(
                    tried(chosen(policy), queues),
                    vec![true; queues],
                    "{policy:?}"
                );
            }
            let kept = queues / 2;
            let expected: Vec<bool> = (0..queues).map(|queue| queue >= kept).collect();
            assert_eq!(tried(chosen(ResidencyPolicy::Pinned), queues), expected);
        }
        assert_eq!(tried(chosen(ResidencyPolicy::Random), 32), vec![true; 32]);
    }

    #[test]
    fn the_queue_that_was_used_longest_ago_is_the_first_candidate() {
        let mut policy = LeastRecentlyUsed::<8>::new();
        for round in 0..40_000 {
            for queue in [3, 1, 4, 0, 5, 2] {
                policy.used(queue);
            }
            policy.used(3);
            assert_eq!(policy.candidate(6), 1, "round {round}");
            assert_eq!(policy.candidate(6), 4, "round {round}");
        }
    }
}
