//! The worlds of this model.

use std::marker::PhantomData;

use protocol::Sender;

use super::{ABSENT, INVALID, PerWay, QueuePlan, Sending};
use crate::{
    broken::AllBut,
    experiments::{Experiment, Size},
};

/// The shipped transmit queue, with two and with four messages in flight.
type Two = Sending<2, Sender<2, AllBut>>;
type Four = Sending<3, Sender<3, AllBut>>;

/// A transmit queue on node 0.
fn queue(messages: &[(u8, u8)]) -> QueuePlan {
    QueuePlan {
        node: 0,
        messages: messages.to_vec(),
        give_up: 0,
    }
}

fn giving_up(give_up: u8, messages: &[(u8, u8)]) -> QueuePlan {
    QueuePlan {
        give_up,
        ..queue(messages)
    }
}

fn on_node_1(messages: &[(u8, u8)]) -> QueuePlan {
    QueuePlan {
        node: 1,
        ..queue(messages)
    }
}

/// One slot on node 0 for all queues, and nothing extraordinary.
fn world<const BITS: u32, Q>(rules: AllBut, queues: &[QueuePlan]) -> Sending<BITS, Q> {
    Sending {
        rules,
        queues: queues.to_vec(),
        slots: vec![0],
        entries: 1,
        evicts: true,
        dead: None,
        live_ways: false,
        hints: false,
        overtake: false,
        kills: 0,
        losses: 0,
        forgeries: 0,
        repeats: 1,
        kind: PhantomData,
    }
}

/// The worlds. Messages are (receive queue, channel); receive queues 0 and 1 stand on node 0, 2 on node 1.
pub fn worlds() -> Vec<Experiment> {
    use Size::{Large, Small};
    let three_ways = || queue(&[(0, 0), (0, 1), (0, 0), (2, 0)]);
    vec![
        Experiment::new("sending/one", Small, |rules| -> Two {
            world(rules, &[queue(&[(0, 0), (0, 0), (2, 0), (2, 0), (0, 0)])])
        }),
        Experiment::new("sending/fixed", Small, move |rules| Four {
            evicts: false,
            ..world(rules, &[queue(&[(0, 0), (0, 0), (0, 0), (0, 1), (0, 0)])])
        }),
        Experiment::new("sending/mixed", Small, |rules| -> Four {
            world(rules, &[queue(&[(0, 0), (1, 0), (0, 1), (0, 0)])])
        }),
        Experiment::new("sending/channels", Small, move |rules| Four {
            evicts: false,
            ..world(rules, &[queue(&[(0, 0), (0, 1), (0, 0), (0, 1)])])
        }),
        Experiment::new("sending/shared", Small, |rules| -> Two {
            world(
                rules,
                &[queue(&[(0, 0), (1, 0)]), queue(&[(0, 0), (0, 0), (0, 1)])],
            )
        }),
        Experiment::new("sending/two-nodes", Small, |rules| Two {
            slots: vec![0, 1],
            evicts: false,
            ..world(
                rules,
                &[
                    queue(&[(0, 0), (2, 0), (0, 0)]),
                    on_node_1(&[(0, 0), (0, 0)]),
                ],
            )
        }),
        Experiment::new("sending/final", Small, |rules| -> Two {
            world(rules, &[queue(&[(0, 0), (ABSENT, 0), (0, 0), (ABSENT, 0)])])
        }),
        Experiment::new("sending/rejected", Small, |rules| Four {
            kills: 1,
            ..world(
                rules,
                &[
                    queue(&[(INVALID, 0), (0, 0), (INVALID, 0), (0, 0)]),
                    queue(&[(0, 0)]),
                ],
            )
        }),
        Experiment::new("sending/give-up", Small, |rules| -> Two {
            world(
                rules,
                &[
                    giving_up(2, &[(0, 0), (0, 0)]),
                    queue(&[(0, 0), (0, 0), (0, 1)]),
                ],
            )
        }),
        Experiment::new("sending/dead", Small, |rules| Two {
            dead: Some(0),
            slots: vec![0, 0],
            ..world(
                rules,
                &[queue(&[(0, 0), (0, 0)]), giving_up(1, &[(0, 0), (2, 0)])],
            )
        }),
        Experiment::new("sending/kill", Small, |rules| Two {
            kills: 1,
            ..world(rules, &[queue(&[(0, 0), (0, 1)]), queue(&[(0, 0), (0, 0)])])
        }),
        Experiment::new("sending/loss", Small, |rules| Two {
            losses: 1,
            ..world(rules, &[queue(&[(0, 0), (1, 0)]), queue(&[(0, 0), (0, 0)])])
        }),
        Experiment::new("sending/forged", Small, |rules| Two {
            forgeries: 1,
            evicts: false,
            ..world(rules, &[queue(&[(0, 0), (2, 0), (0, 0)])])
        }),
        Experiment::new("sending/overtaking-answers", Small, |rules| Four {
            overtake: true,
            ..world(rules, &[queue(&[(0, 0), (0, 0), (2, 0), (0, 0)])])
        }),
        Experiment::new("sending/hints", Small, |rules| Two {
            hints: true,
            evicts: false,
            ..world(rules, &[queue(&[(0, 0), (0, 0), (0, 0)])])
        }),
        // A queue with one dead receiver. Applied to each way by itself, rules 2 to 4 let the other ways go on only
        // until the window is full of messages that wait.
        Experiment::new("sending/dead-way", Small, |rules| Two {
            dead: Some(0),
            live_ways: true,
            evicts: false,
            ..world(rules, &[queue(&[(0, 0), (0, 0), (2, 0)])])
        })
        .never_completes(),
        Experiment::new("per-way/dead-way", Small, |rules| Sending::<2, PerWay<2>> {
            dead: Some(0),
            live_ways: true,
            evicts: false,
            ..world(rules, &[queue(&[(0, 0), (0, 0), (2, 0)])])
        }),
        Experiment::new("per-way/dead-way-long", Small, |rules| Sending::<
            2,
            PerWay<2>,
        > {
            dead: Some(0),
            live_ways: true,
            evicts: false,
            ..world(rules, &[queue(&[(0, 0), (0, 0), (0, 0), (2, 0)])])
        })
        .never_completes(),
        Experiment::new(
            "per-way/ways",
            Small,
            move |rules| Sending::<3, PerWay<3>> {
                evicts: false,
                ..world(rules, &[three_ways()])
            },
        ),
        Experiment::new("sending/large-kill", Large, |rules| Two {
            kills: 2,
            ..world(
                rules,
                &[
                    giving_up(1, &[(0, 0), (0, 0)]),
                    giving_up(1, &[(0, 1), (0, 0)]),
                    queue(&[(0, 0)]),
                ],
            )
        }),
        Experiment::new("sending/large-slots", Large, |rules| Two {
            slots: vec![0, 0],
            kills: 1,
            ..world(
                rules,
                &[
                    giving_up(1, &[(0, 0), (2, 0)]),
                    queue(&[(0, 0), (0, 0)]),
                    giving_up(2, &[(0, 1)]),
                ],
            )
        }),
        Experiment::new("sending/large-loss", Large, |rules| Two {
            slots: vec![0, 0],
            losses: 1,
            ..world(
                rules,
                &[
                    giving_up(1, &[(0, 0), (1, 0), (0, 1)]),
                    queue(&[(0, 0), (0, 0)]),
                ],
            )
        }),
        Experiment::new("sending/large-nodes", Large, |rules| Two {
            slots: vec![0, 1],
            overtake: true,
            ..world(
                rules,
                &[
                    queue(&[(0, 0), (2, 0), (0, 1)]),
                    on_node_1(&[(0, 0), (0, 0)]),
                    queue(&[(0, 0)]),
                ],
            )
        }),
        Experiment::new("sending/large-window", Large, |rules| Four {
            slots: vec![0, 0],
            ..world(
                rules,
                &[
                    queue(&[(0, 0), (1, 0), (2, 0), (0, 1), (0, 0)]),
                    queue(&[(0, 0), (0, 0)]),
                ],
            )
        }),
    ]
}
