//! Damage on the wires, drawn from the seed.

use super::plan::{Purpose, sequence};
use sim::network::Fault;

/// Beats of a message and its answer, on the average and at most; so that damage ends before the traffic does.
const BEATS_OF_A_MESSAGE: u64 = 6;
/// A beat is damaged after so many at least, and before twice as many more.
const LEAST_BEATS_BETWEEN: u64 = 150;
const MORE_BEATS_BETWEEN: u64 = 900;
/// Bits that are flipped one by one, at most: the CRC finds them in every frame of these lengths.
const MOST_BITS: u64 = 4;
/// Neighbouring bits that are flipped at random, which it finds too.
const BURST_BITS: u64 = 32;
/// Frames that a damaged beat can ruin: with its end lost, a frame runs into the next one.
const FRAMES_OF_A_FAULT: u64 = 2;

/// Damage to do on the wire of each node while about so many messages go over all of them.
pub fn faults(seed: u64, nodes: u16, messages: u64) -> Vec<Vec<Fault>> {
    let beats = messages * BEATS_OF_A_MESSAGE / u64::from(nodes);
    let of_node = |node: u16| {
        let mut random = sequence(seed, Purpose::Fault, [node.into(), 0]);
        let mut beat = 0;
        let next = || {
            beat += LEAST_BEATS_BETWEEN + random.below(MORE_BEATS_BETWEEN);
            let mut fault = Fault {
                beat,
                flip: 0,
                flip_last: false,
            };
            match random.below(10) {
                0 => fault.flip_last = true,
                1 | 2 => {
                    let burst = (random.next_u64() % (1 << BURST_BITS)) | 1;
                    fault.flip = u128::from(burst) << random.below(128 - BURST_BITS + 1);
                }
                _ => {
                    for _ in 0..1 + random.below(MOST_BITS) {
                        fault.flip |= 1 << random.below(128);
                    }
                }
            }
            (beat < beats).then_some(fault)
        };
        std::iter::from_fn(next).collect()
    };
    (0..nodes).map(of_node).collect()
}

/// Queues that may fail of so many faults.
pub fn most_failures(faults: usize) -> u64 {
    faults as u64 * FRAMES_OF_A_FAULT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_damage_is_done_and_ends_with_the_traffic() {
        let all = faults(1, 2, 40_000);
        assert_eq!(all.len(), 2);
        assert_ne!(all[0], all[1]);
        for faults in all {
            assert!(faults.is_sorted_by_key(|fault| fault.beat));
            assert!((100..500).contains(&faults.len()), "{}", faults.len());
            assert!(faults.last().is_some_and(|fault| fault.beat < 120_000));
            let bits = |fault: &Fault| fault.flip.count_ones();
            assert!(faults.iter().any(|fault| fault.flip_last));
            assert!(faults.iter().any(|fault| bits(fault) == 1));
            assert!(faults.iter().any(|fault| bits(fault) > 8));
            assert!(
                faults
                    .iter()
                    .all(|fault| fault.flip_last || bits(fault) > 0)
            );
        }
    }
}
