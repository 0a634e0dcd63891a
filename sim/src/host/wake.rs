//! What a host program waits for.

use corosensei::Yielder;

/// What a suspended program waits for.
#[derive(Clone, Debug, PartialEq)]
pub enum Wake {
    /// The start of this core cycle.
    At(u64),
    /// The first poll, at `next` or whole `interval`s of cycles after it, that can see something new in host memory.
    Memory {
        /// Cycle of the next poll.
        next: u64,
        /// Cycles between polls.
        interval: u64,
        /// Writes by the device that the program has seen already.
        seen: u64,
        /// Cycle at which to wake in any case.
        deadline: u64,
    },
    /// An interrupt of the vector beyond those that were seen, and the time until a blocked program runs again.
    Interrupt {
        /// Entry of the MSI-X table.
        vector: u16,
        /// Interrupts of the vector that the program has seen already.
        seen: u64,
        /// Cycles from the interrupt to the program's next instruction.
        wakeup: u64,
        /// Cycle at which to wake in any case.
        deadline: u64,
    },
    /// Every other program, to exchange these bytes with them all.
    Gather(Vec<u8>),
}

impl Wake {
    /// Whether the program is to be resumed in this cycle. `device_writes`: writes by the device
    /// that have landed so far.
    pub fn is_due(&mut self, cycle: u64, device_writes: u64) -> bool {
        match self {
            Wake::At(due) => *due <= cycle,
            Wake::Memory {
                next,
                interval,
                seen,
                deadline,
            } => {
                if cycle >= *deadline {
                    return true;
                }
                if cycle < *next {
                    return false;
                }
                // A poll happens now; the next one an interval later.
                let polls = (cycle - *next) / *interval;
                let now = *next + polls * *interval;
                *next = now + *interval;
                now == cycle && device_writes != *seen
            }
            // Of interrupts this is not told.
            Wake::Interrupt { deadline, .. } => cycle >= *deadline,
            Wake::Gather(_) => false,
        }
    }
}

/// Suspends the running program; its pointer is what a `HostPort` holds on to.
pub(super) type Suspender = Yielder<(), Wake>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_poll_sees_what_landed_at_the_next_poll_and_not_before() {
        let mut wake = Wake::Memory {
            next: 10,
            interval: 4,
            seen: 1,
            deadline: 30,
        };
        let landed = |cycle: u64| if cycle < 11 { 1 } else { 2 };
        let due: Vec<u64> = (5..40)
            .filter(|cycle| wake.is_due(*cycle, landed(*cycle)))
            .collect();
        let polls = [14, 18, 22, 26];
        assert_eq!(due, [&polls[..], &(30..40).collect::<Vec<_>>()].concat());
    }
}
