//! What nodes hand to each other between two stretches of cycles.

use crate::network::{Flit, SwitchModel};
use std::collections::VecDeque;

/// A node's side of the exchange.
#[derive(Debug, Default)]
pub struct Mailbox {
    /// Beats that arrive at the other end of the node's wire, with their cycles, in order.
    pub outgoing: VecDeque<(u64, Flit)>,
    /// Beats for this node, likewise.
    pub incoming: VecDeque<(u64, Flit)>,
    /// For each of the node's programs.
    pub programs: Vec<ProgramState>,
    /// What every program of the cluster gave to the exchange that has just come about.
    pub gathered: Option<Vec<Vec<u8>>>,
    /// The node has seen something that must end the run.
    pub failed: bool,
}

/// How a program stands at the end of a stretch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProgramState {
    /// Runs, or waits for something of its own node.
    Running,
    /// Waits for all others with these bytes.
    Gathering(Vec<u8>),
    /// Has ended.
    Finished,
}

/// What joins the nodes.
#[derive(Debug)]
pub enum Network {
    /// Two nodes, a wire each way.
    Wires,
    /// More nodes, and where the switch's clock stands.
    Switch(SwitchModel),
}

/// Whether the run goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Go on.
    Running,
    /// All programs have ended.
    Finished,
    /// A node has failed.
    Failed,
}

impl Network {
    /// Moves beats between mailboxes, for the cycles `from + 1 ..= to`, and lets programs that gather go on when all do.
    pub fn exchange(
        &mut self,
        mailboxes: &mut [&mut Mailbox],
        from: u64,
        to: u64,
        delay: u64,
    ) -> Progress {
        match self {
            Network::Wires => {
                let [left, right] = mailboxes else {
                    unreachable!("wires join two nodes")
                };
                right.incoming.append(&mut left.outgoing);
                left.incoming.append(&mut right.outgoing);
            }
            Network::Switch(switch) => {
                for cycle in from + 1 + delay..=to + delay {
                    for (port, mailbox) in mailboxes.iter_mut().enumerate() {
                        while mailbox
                            .outgoing
                            .front()
                            .is_some_and(|(due, _)| *due <= cycle)
                        {
                            if let Some((_, flit)) = mailbox.outgoing.pop_front() {
                                switch.receive(port, flit);
                            }
                        }
                    }
                    for (port, mailbox) in mailboxes.iter_mut().enumerate() {
                        if let Some(flit) = switch.send(port, cycle) {
                            mailbox.incoming.push_back((cycle, flit));
                        }
                    }
                }
            }
        }
        if mailboxes.iter().any(|mailbox| mailbox.failed) {
            return Progress::Failed;
        }
        gather(mailboxes)
    }
}

fn gather(mailboxes: &mut [&mut Mailbox]) -> Progress {
    let states = || mailboxes.iter().flat_map(|mailbox| &mailbox.programs);
    if states().all(|state| *state == ProgramState::Finished) {
        return Progress::Finished;
    }
    if states().any(|state| *state == ProgramState::Running) {
        return Progress::Running;
    }
    let all: Vec<Vec<u8>> = states()
        .map(|state| match state {
            ProgramState::Gathering(bytes) => bytes.clone(),
            ProgramState::Running | ProgramState::Finished => Vec::new(),
        })
        .collect();
    for mailbox in mailboxes {
        mailbox.gathered = Some(all.clone());
    }
    Progress::Running
}
