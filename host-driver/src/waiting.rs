//! How a receive ring waits for its next message.

use crate::open_options::Waiting;
use std::time::Duration;

/// What the next turn of a wait does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Looks again soon.
    Poll(Duration),
    /// Arms the ring, looks once more, and blocks.
    Block(Duration),
}

/// The next turn of a wait that has lasted for `waited` and may last for `left`.
pub fn turn(waiting: Waiting, waited: Duration, left: Duration) -> Turn {
    match waiting {
        Waiting::Polling => Turn::Poll(left),
        Waiting::Interrupt => Turn::Block(left),
        Waiting::Hybrid { spin } => match spin.checked_sub(waited) {
            Some(rest) if !rest.is_zero() => Turn::Poll(left.min(rest)),
            _ => Turn::Block(left),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hybrid_wait_spins_and_then_blocks() {
        let ns = Duration::from_nanos;
        let waiting = Waiting::Hybrid { spin: ns(100) };
        assert_eq!(turn(waiting, ns(0), ns(500)), Turn::Poll(ns(100)));
        assert_eq!(turn(waiting, ns(60), ns(440)), Turn::Poll(ns(40)));
        assert_eq!(turn(waiting, ns(60), ns(10)), Turn::Poll(ns(10)));
        assert_eq!(turn(waiting, ns(100), ns(400)), Turn::Block(ns(400)));
        assert_eq!(turn(waiting, ns(130), ns(370)), Turn::Block(ns(370)));
    }
}
