//! Who comes when, and what it sends: all drawn from the seed.

use super::guest::{Guest, GuestMessage, GuestName, Label, Request, Target};
use crate::soak::plan::{CHANNELS, Purpose, sequence};
use sim::model::RECEIVE_QUEUE_IDS;
use sim::pcie::random::Random;

/// Places of each node. With sink and mirror a node has four endpoints, ...
pub(super) const PLACES: u16 = 2;
/// ... each of which needs a page for its inline bodies.
pub(crate) const INLINE_PAGES_NEEDED: u16 = PLACES + 2;
/// Messages of a guest: at least so many, and fewer than so many more.
const LEAST_MESSAGES: u64 = 8;
const MORE_MESSAGES: u64 = 72;
/// Targets of a guest, at most.
const MOST_TARGETS: u64 = 3;
/// Replies that a guest asks for, at most.
const MOST_REPLIES: u64 = 12;
/// The longest time for which a host gives no credits, in nanoseconds.
const LONGEST_WITHHELD_NS: u64 = 60_000;

/// RQIDs of a node's sink and mirror.
pub(super) const SINK_RECEIVE_QUEUE_ID: u16 = 1;
pub(super) const MIRROR_RECEIVE_QUEUE_ID: u16 = 2;
/// RQIDs of guests: these, in turn, so that none is used again soon.
const GUEST_RECEIVE_QUEUE_IDS: std::ops::Range<u16> =
    RECEIVE_QUEUE_IDS / 4..RECEIVE_QUEUE_IDS / 4 * 3;

/// What guests do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Habits {
    /// Guests that are destroyed with messages unanswered, of 8.
    pub leave_early_of_8: u64,
    /// Guests that ask for replies, of 8.
    pub ask_of_8: u64,
    /// Frames are damaged on the wires.
    pub damage: bool,
    /// Times that node 0's NIU is reset.
    pub resets: u16,
}

/// The node whose NIU is reset.
const RESET_NODE: u16 = 0;

impl Habits {
    /// Queues change owners, often with messages under way both ways.
    pub const OWNERS: Habits = Habits {
        leave_early_of_8: 3,
        ask_of_8: 4,
        damage: false,
        resets: 0,
    };
    /// Frames are damaged; whoever leaves has seen all of its messages answered, or its queue fail.
    pub const DAMAGE: Habits = Habits {
        leave_early_of_8: 0,
        ask_of_8: 0,
        damage: true,
        resets: 0,
    };
    /// A NIU is reset again and again while others send to it and it sends to them.
    pub const REBOOT: Habits = Habits {
        leave_early_of_8: 0,
        ask_of_8: 0,
        damage: false,
        resets: 3,
    };
}

/// All guests of a run.
#[derive(Clone, Debug)]
pub struct GuestPlan {
    seed: u64,
    nodes: u16,
    messages: u64,
    habits: Habits,
    /// By node and place: guests that live there before the last one, which all sinks wait for.
    before_last: Vec<u16>,
}

impl GuestPlan {
    /// The guests of `seed`, which send about `messages` messages, among so many nodes.
    pub fn new(seed: u64, nodes: u16, messages: u64, habits: Habits) -> Self {
        let places = nodes * PLACES;
        let share = messages / u64::from(places);
        let mut plan = GuestPlan {
            seed,
            nodes,
            messages,
            habits,
            before_last: vec![u16::MAX; places.into()],
        };
        for index in 0..places {
            let (node, place) = (index / PLACES, index % PLACES);
            let mut sent = 0;
            let enough = |number: &u16| {
                let name = GuestName {
                    node,
                    place,
                    number: *number,
                };
                sent += plan.guest(name).messages.len() as u64;
                sent >= share
            };
            let number = (0..u16::MAX - 1).find(enough);
            plan.before_last[usize::from(index)] = number.unwrap_or(u16::MAX - 2) + 1;
        }
        plan
    }

    /// What everything is drawn from.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Nodes of the cluster.
    pub fn nodes(&self) -> u16 {
        self.nodes
    }

    /// What guests do.
    pub fn habits(&self) -> Habits {
        self.habits
    }

    /// Whether a guest is a last one: it sends a message to each sink. If it fails, another last one follows.
    pub(super) fn is_last(&self, name: GuestName) -> bool {
        name.number >= self.before_last[usize::from(name.node * PLACES + name.place)]
    }

    /// When a node's NIU is reset, in order: when its sink has taken so many messages. All of them come before the last
    /// guests.
    pub(super) fn resets(&self, node: u16) -> Vec<u64> {
        if !self.is_reset(node) {
            return Vec::new();
        }
        let of_node = self.messages / u64::from(self.nodes);
        let mut random = sequence(self.seed, Purpose::Reset, [node.into(), 0]);
        let mut after: Vec<u64> = (0..self.habits.resets)
            .map(|_| 1 + random.below(of_node / 2 + 1))
            .collect();
        after.sort_unstable();
        after
    }

    /// Whether a node's NIU is reset some time.
    pub(super) fn is_reset(&self, node: u16) -> bool {
        node == RESET_NODE && self.habits.resets > 0
    }

    /// Whether a guest's queue may fail.
    pub(super) fn may_fail(&self, guest: &Guest) -> bool {
        self.habits.damage || self.may_be_refused(guest)
    }

    /// Whether a guest's messages may be refused for good.
    pub(super) fn may_be_refused(&self, guest: &Guest) -> bool {
        guest
            .targets
            .iter()
            .any(|target| self.is_reset(target.node))
    }

    /// A guest's RQID.
    pub(super) fn receive_queue_id(&self, name: GuestName) -> u16 {
        let all = GUEST_RECEIVE_QUEUE_IDS.len() as u32;
        let turn = (u32::from(name.number) * u32::from(PLACES) + u32::from(name.place)) % all;
        GUEST_RECEIVE_QUEUE_IDS.start + turn as u16
    }

    fn random(&self, purpose: Purpose, name: GuestName) -> Random {
        let place = u64::from(name.node) << 8 | u64::from(name.place);
        sequence(self.seed, purpose, [place, name.number.into()])
    }

    /// A guest and all it sends.
    pub(super) fn guest(&self, name: GuestName) -> Guest {
        let mut random = self.random(Purpose::Guest, name);
        let others: Vec<u16> = (0..self.nodes).filter(|&node| node != name.node).collect();
        if self.is_last(name) {
            let target = |&node: &u16| Target {
                node,
                channel: random.below(CHANNELS.into()) as u8,
            };
            let targets: Vec<Target> = others.iter().map(target).collect();
            let order = (0..targets.len()).collect();
            return self.with_messages(name, targets, order, &mut random);
        }
        let mut targets: Vec<Target> = Vec::new();
        for _ in 0..1 + random.below(MOST_TARGETS) {
            let target = Target {
                node: others[random.below(others.len() as u64) as usize],
                channel: random.below(CHANNELS.into()) as u8,
            };
            if !targets.contains(&target) {
                targets.push(target);
            }
        }
        let count = LEAST_MESSAGES + random.below(MORE_MESSAGES);
        let order: Vec<usize> = (0..count)
            .map(|_| random.below(targets.len() as u64) as usize)
            .collect();
        let request = (random.below(8) < self.habits.ask_of_8).then(|| Request {
            target: order[0],
            replies: 1 + random.below(MOST_REPLIES) as u16,
        });
        let leaves = random.below(8) < self.habits.leave_early_of_8;
        let leaves_after = leaves.then(|| 1 + random.below(count) as usize);
        let withheld_ns = match random.below(4) {
            0 if leaves => random.below(LONGEST_WITHHELD_NS),
            _ => 0,
        };
        Guest {
            request,
            leaves_after,
            withheld_ns,
            ..self.with_messages(name, targets, order, &mut random)
        }
    }

    /// A guest whose messages go to these of its targets.
    fn with_messages(
        &self,
        name: GuestName,
        targets: Vec<Target>,
        order: Vec<usize>,
        random: &mut Random,
    ) -> Guest {
        let mut sequences = vec![0; targets.len()];
        let express_of_8 = random.below(9);
        let message = |target: usize| {
            let label = Label {
                guest: name,
                is_reply: false,
                target: target as u8,
                sequence: sequences[target],
            };
            sequences[target] += 1;
            label.message(targets[target].channel, express_of_8, random)
        };
        Guest {
            name,
            messages: order.into_iter().map(message).collect(),
            targets,
            request: None,
            leaves_after: None,
            withheld_ns: 0,
        }
    }

    /// The reply with this sequence number to a guest's request.
    pub(super) fn reply(&self, guest: &Guest, request: Request, sequence: u16) -> GuestMessage {
        let mut random = self.random(Purpose::Reply, guest.name);
        for _ in 0..sequence {
            random = Random::new(random.next_u64());
        }
        let label = Label {
            guest: guest.name,
            is_reply: true,
            target: request.target as u8,
            sequence,
        };
        label.message(guest.targets[request.target].channel, 4, &mut random)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HABITS: Habits = Habits {
        leave_early_of_8: 3,
        ask_of_8: 4,
        damage: false,
        resets: 2,
    };

    fn plan(seed: u64) -> GuestPlan {
        GuestPlan::new(seed, 3, 6000, HABITS)
    }

    /// All guests up to the first last one of each place.
    fn guests(plan: &GuestPlan) -> Vec<Guest> {
        let mut all = Vec::new();
        for node in 0..plan.nodes() {
            for place in 0..PLACES {
                for number in 0.. {
                    let name = GuestName {
                        node,
                        place,
                        number,
                    };
                    all.push(plan.guest(name));
                    if plan.is_last(name) {
                        break;
                    }
                }
            }
        }
        all
    }

    #[test]
    fn every_message_tells_by_its_label_which_one_it_is() {
        let plan = plan(5);
        let mut payloads = std::collections::BTreeSet::new();
        for guest in guests(&plan) {
            for message in &guest.messages {
                let label = Label::of(&message.payload).expect("a label");
                assert_eq!((label.guest, label.is_reply), (guest.name, false));
                let target = &guest.targets[usize::from(label.target)];
                assert_ne!(target.node, guest.name.node);
                assert_eq!(message.tag & 1, target.channel);
                let found = guest.message(label.target.into(), label.sequence);
                assert_eq!(found, Some(message));
                assert!(payloads.insert(message.payload.clone()), "twice the same");
            }
            if let Some(request) = guest.request {
                for sequence in 0..request.replies {
                    let reply = plan.reply(&guest, request, sequence);
                    let label = Label::of(&reply.payload).expect("a label");
                    assert_eq!((label.is_reply, label.sequence), (true, sequence));
                    assert!(payloads.insert(reply.payload), "twice the same");
                }
            }
        }
    }

    #[test]
    fn guests_send_about_what_was_asked_for_and_do_all_they_may() {
        let plan = plan(6);
        let all = guests(&plan);
        let sent: usize = all.iter().map(|guest| guest.messages.len()).sum();
        assert!((6000..6800).contains(&sent), "{sent}");
        let count = |does: fn(&Guest) -> bool| all.iter().filter(|guest| does(guest)).count();
        assert!(count(|guest| guest.leaves_after.is_some()) > all.len() / 5);
        assert!(count(|guest| guest.request.is_some()) > all.len() / 3);
        assert!(count(|guest| guest.withheld_ns > 0) > 0);
        let last: Vec<&Guest> = all
            .iter()
            .filter(|guest| plan.is_last(guest.name))
            .collect();
        assert_eq!(last.len(), 6);
        for guest in last {
            assert!(guest.request.is_none() && guest.leaves_after.is_none());
            let others = (0..3).filter(|&node| node != guest.name.node);
            assert!(guest.targets.iter().map(|target| target.node).eq(others));
            assert_eq!(guest.messages.len(), 2);
        }
        let resets: Vec<usize> = (0..3).map(|node| plan.resets(node).len()).collect();
        assert_eq!(resets, [2, 0, 0]);
    }

    #[test]
    fn another_seed_is_another_plan() {
        let first = |seed| {
            let name = GuestName {
                node: 0,
                place: 0,
                number: 0,
            };
            plan(seed).guest(name).messages
        };
        assert_eq!(first(1), first(1));
        assert_ne!(first(1), first(2));
    }
}
