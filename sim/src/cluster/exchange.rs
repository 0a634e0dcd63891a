//! What nodes hand to each other between two stretches of cycles.

use crate::network::{Beats, SwitchModel};

/// What a node tells all others at the end of a stretch.
#[derive(Clone, Debug)]
pub struct Letter {
    /// The node that writes.
    pub node: usize,
    /// What arrives at the other end of the node's wire.
    pub beats: Beats,
    /// How its programs stand.
    pub programs: Programs,
    /// The node has seen something that must end the run.
    pub failed: bool,
}

/// How the programs of a node stand at the end of a stretch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Programs {
    /// One of them runs, or waits for something of its own node.
    Running,
    /// None of them: each has ended, or waits for all others with these bytes.
    Gathering(Vec<Option<Vec<u8>>>),
}

/// What a node finds at the beginning of a stretch.
#[derive(Debug, Default)]
pub struct Delivery {
    /// Beats for the node.
    pub beats: Beats,
    /// What every program of the cluster gave to the exchange that has just come about.
    pub gathered: Option<Vec<Vec<u8>>>,
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

/// What joins the nodes. Each thread has its own and gives it the same letters, so that all find the same.
#[derive(Debug)]
pub enum Network {
    /// Two nodes, a wire each way.
    Wires,
    /// More nodes.
    Switch(SwitchModel),
}

impl Network {
    /// The network of so many nodes.
    pub fn new(nodes: usize) -> Self {
        match nodes {
            2 => Network::Wires,
            _ => Network::Switch(SwitchModel::new(nodes)),
        }
    }

    /// Makes one delivery for each node from one letter of each, in the nodes' order: brings the beats of the cycles
    /// `from + 1 ..= to` on their way, and lets programs that gather go on when all do.
    pub fn exchange(
        &mut self,
        mut letters: Vec<Letter>,
        from: u64,
        to: u64,
        delay: u64,
    ) -> (Vec<Delivery>, Progress) {
        let progress = progress(&letters);
        let gathered = gather(&letters);
        let mut deliveries: Vec<Delivery> = letters
            .iter()
            .map(|_| Delivery {
                beats: Beats::new(),
                gathered: gathered.clone(),
            })
            .collect();
        match self {
            Network::Wires => {
                for (letter, delivery) in letters.iter_mut().zip(deliveries.iter_mut().rev()) {
                    delivery.beats = std::mem::take(&mut letter.beats);
                }
            }
            Network::Switch(switch) => {
                for cycle in from + 1 + delay..=to + delay {
                    for letter in &letters {
                        for (_, flit) in letter.beats.iter().filter(|(due, _)| *due == cycle) {
                            switch.receive(letter.node, *flit);
                        }
                    }
                    for (port, delivery) in deliveries.iter_mut().enumerate() {
                        if let Some(flit) = switch.send(port, cycle) {
                            delivery.beats.push((cycle, flit));
                        }
                    }
                }
            }
        }
        (deliveries, progress)
    }
}

fn progress(letters: &[Letter]) -> Progress {
    let has_ended = |letter: &Letter| match &letter.programs {
        Programs::Running => false,
        Programs::Gathering(programs) => programs.iter().all(Option::is_none),
    };
    if letters.iter().any(|letter| letter.failed) {
        Progress::Failed
    } else if letters.iter().all(has_ended) {
        Progress::Finished
    } else {
        Progress::Running
    }
}

/// What all programs gave, if all gather that have not ended.
fn gather(letters: &[Letter]) -> Option<Vec<Vec<u8>>> {
    let mut all = Vec::new();
    for letter in letters {
        match &letter.programs {
            Programs::Running => return None,
            Programs::Gathering(programs) => {
                all.extend(
                    programs
                        .iter()
                        .map(|bytes| bytes.clone().unwrap_or_default()),
                );
            }
        }
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Flit;

    fn letter(node: usize, beats: &[u128], programs: Programs) -> Letter {
        let flit = |&data| (1, Flit { data, last: true });
        Letter {
            node,
            beats: beats.iter().map(flit).collect(),
            programs,
            failed: false,
        }
    }

    fn gathering(bytes: &[&[u8]]) -> Programs {
        Programs::Gathering(bytes.iter().map(|bytes| Some(bytes.to_vec())).collect())
    }

    #[test]
    fn a_wire_brings_each_node_what_the_other_sent() {
        let letters = vec![
            letter(0, &[5, 6], Programs::Running),
            letter(1, &[7], Programs::Running),
        ];
        let (deliveries, progress) = Network::new(2).exchange(letters, 0, 1, 0);
        let data = |node: usize| -> Vec<u128> {
            let beats = deliveries[node].beats.iter();
            beats.map(|(_, flit)| flit.data).collect()
        };
        assert_eq!((data(0), data(1)), (vec![7], vec![5, 6]));
        assert_eq!(progress, Progress::Running);
    }

    #[test]
    fn programs_that_gather_go_on_when_no_other_runs() {
        let ended = Programs::Gathering(vec![None]);
        let exchange = |left: &Programs, right: &Programs| {
            let letters = vec![letter(0, &[], left.clone()), letter(1, &[], right.clone())];
            let (deliveries, progress) = Network::new(2).exchange(letters, 0, 1, 0);
            let gathered = deliveries.into_iter().map(|delivery| delivery.gathered);
            (gathered.collect::<Vec<_>>(), progress)
        };
        let two = gathering(&[b"a", b"b"]);
        assert_eq!(
            exchange(&two, &Programs::Running),
            (vec![None, None], Progress::Running)
        );
        let all = Some(vec![b"a".to_vec(), b"b".to_vec(), b"c".to_vec()]);
        assert_eq!(
            exchange(&two, &gathering(&[b"c"])),
            (vec![all.clone(), all], Progress::Running)
        );
        let without = Some(vec![b"a".to_vec(), b"b".to_vec(), Vec::new()]);
        assert_eq!(
            exchange(&two, &ended),
            (vec![without.clone(), without], Progress::Running)
        );
        assert_eq!(exchange(&ended, &ended).1, Progress::Finished);
    }

    #[test]
    fn a_node_that_failed_ends_the_run() {
        let mut letters = vec![
            letter(0, &[], Programs::Running),
            letter(1, &[], Programs::Running),
        ];
        letters[1].failed = true;
        let (_, progress) = Network::new(2).exchange(letters, 0, 1, 0);
        assert_eq!(progress, Progress::Failed);
    }
}
