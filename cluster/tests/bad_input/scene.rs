//! Two nodes with a bystander pair and a culprit pair of endpoints, and the check that only the right counters moved.

use crate::bystander::Bystander;
use crate::support::{self, Body};
use abi::control::counter::Counter;
use abi::endpoint::PAGE_BYTES;
use abi::message::error::Error as Code;
use host_driver::{
    Destination, Endpoint, EndpointNumber, EndpointOptions, Error, Message, NodeNumber, QueueError,
    QueueReport, ReceiveQueueId,
};
use sim::cluster::{ClusterOptions, Report};
use std::ops::RangeInclusive;
use wayfarer_cluster::Clock;
use wayfarer_cluster::launch::{Node, PATIENCE};

/// RQID of the culprit's endpoints on both nodes.
pub const CULPRIT_QUEUE_ID: u16 = 13;
/// BAR2.
pub const ENDPOINTS: u8 = 2;
/// Bystander messages each way before, between and after bad input.
const BYSTANDER_MESSAGES: u32 = 24;

/// Counters that good traffic moves; every other one counts something bad.
const GOOD: &[Counter] = &[
    Counter::HostPackets,
    Counter::MessagesSent,
    Counter::MessagesAccepted,
    Counter::FramesReceived,
    Counter::MessagesReceived,
    Counter::ShadowWrites,
];

/// What a program expects of its own NIU's counters of bad things: these to move, by so much, and no other.
pub type Counted = Vec<(Counter, RangeInclusive<u32>)>;

/// This counter moves by exactly so much.
pub fn exactly(counter: Counter, count: u32) -> (Counter, RangeInclusive<u32>) {
    (counter, count..=count)
}

/// This counter moves; by how much depends on timing.
pub fn some(counter: Counter) -> (Counter, RangeInclusive<u32>) {
    (counter, 1..=u32::MAX)
}

/// This counter may move, depending on timing.
pub fn perhaps(counter: Counter) -> (Counter, RangeInclusive<u32>) {
    (counter, 0..=u32::MAX)
}

/// One node's part.
pub struct Scene<'a> {
    /// The one that gets bad input.
    pub node: &'a Node,
    /// Its half of the pair that must not be disturbed.
    pub bystander: Bystander,
}

impl Scene<'_> {
    /// An endpoint with the culprit's RQID whose destination 0 is the culprit on the other node.
    pub fn culprit(&self) -> Result<Endpoint, Error> {
        self.culprit_with(EndpointOptions {
            destinations_log2: 2,
            ..EndpointOptions::default()
        })
    }

    /// The same with options of the test's choice.
    pub fn culprit_with(&self, options: EndpointOptions) -> Result<Endpoint, Error> {
        let options = EndpointOptions {
            receive_queue_id: ReceiveQueueId(CULPRIT_QUEUE_ID),
            ..options
        };
        let endpoint = self.node.endpoint(options, &[self.node.peer()])?;
        self.node.barrier();
        Ok(endpoint)
    }

    /// Sends the other culprit a first message and takes its, which names its endpoint and its receive queue.
    pub fn acquaint(&mut self, endpoint: &mut Endpoint) -> Result<(), Error> {
        endpoint.send_express(Destination(0), 0, *b"greeting")?;
        let greeting = endpoint.receive_wait(PATIENCE)?.into_message();
        endpoint.flush(PATIENCE)?;
        let theirs = self.node.port.gather(&endpoint.number().0.to_le_bytes());
        let number = &theirs[usize::from(self.node.peer())];
        let number = number[..].try_into().expect("the peer's number");
        let expected = Message {
            source_node: NodeNumber(self.node.peer()),
            source_endpoint: EndpointNumber(u16::from_le_bytes(number)),
            receive_queue_id: ReceiveQueueId(CULPRIT_QUEUE_ID),
            gap: false,
            tag: 0,
            marked: false,
            payload: b"greeting".into(),
        };
        assert_eq!(greeting, expected);
        Ok(())
    }

    /// One store to an offset in the endpoint's page, as one packet, past the driver.
    pub fn store(&self, endpoint: &Endpoint, offset: usize, bytes: &[u8]) {
        let address = endpoint.number().0 as usize * PAGE_BYTES + offset;
        self.node.port.store(ENDPOINTS, address as u64, bytes);
    }

    /// Fills the bystander's queue, so that its messages are under way when the next bad thing comes.
    pub fn fill(&mut self) -> Result<(), Error> {
        self.bystander.pump(16)
    }

    /// Lets the bystander exchange messages.
    pub fn exchange(&mut self) -> Result<(), Error> {
        self.bystander.exchange(self.node, BYSTANDER_MESSAGES)
    }

    /// Keeps the bystander busy until the NIU has complained `count` times of the culprit; gives the last complaint.
    pub fn complaints(
        &mut self,
        endpoint: &mut Endpoint,
        count: u16,
    ) -> Result<QueueReport, Error> {
        let start = self.node.port.now();
        let mut seen = 0;
        loop {
            match endpoint.check() {
                Ok(()) => {}
                Err(QueueError::Reported(error)) => {
                    seen += error.count;
                    if seen >= count {
                        assert_eq!(seen, count, "complaints; the last: {error}");
                        return Ok(error);
                    }
                }
                Err(error) => return Err(error.into()),
            }
            assert!(
                self.node.port.now() - start < PATIENCE,
                "{seen} of {count} complaints came"
            );
            self.bystander.pump(1)?;
            self.node.port.poll(10_000.0);
        }
    }

    /// As [`Scene::complaints`]; all that matters is that the last one has this code and the queue goes on.
    pub fn complains(
        &mut self,
        endpoint: &mut Endpoint,
        count: u16,
        code: Code,
    ) -> Result<(), Error> {
        let error = self.complaints(endpoint, count)?;
        assert_eq!((error.code, error.failed), (code, false));
        Ok(())
    }

    /// All counters of bad things, in the order of their codes.
    pub fn counters(&self) -> Result<Vec<(Counter, u32)>, Error> {
        (0..abi::control::COUNTERS as u64)
            .filter_map(Counter::from_code)
            .filter(|counter| !GOOD.contains(counter))
            .map(|counter| Ok((counter, self.node.device.counter(counter)?)))
            .collect()
    }
}

/// What happens on one node: gives what its NIU's counters of bad things must say at the end.
pub type Part = fn(&mut Scene) -> Result<Counted, Error>;

/// Plays `left` on node 0 and `right` on node 1, with the bystander's traffic before, after and, as the parts ask,
/// between.
pub fn play(options: ClusterOptions, left: Part, right: Part) -> Report {
    let report = support::run(options, vec![body(left), body(right)]).1;
    println!("{} cycles in {:?}", report.cycles, report.wall);
    report
}

fn body(part: Part) -> Body<()> {
    Box::new(move |node| {
        let bystander = Bystander::new(node)?;
        node.barrier();
        let mut scene = Scene { node, bystander };
        let before = scene.counters()?;
        scene.exchange()?;
        let expected = part(&mut scene)?;
        scene.exchange()?;
        // Counters are read when both nodes are still.
        scene.bystander.finish(node)?;
        let after = scene.counters()?;
        let number = node.number();
        for ((counter, after), (_, before)) in after.into_iter().zip(before) {
            let moved = after.wrapping_sub(before);
            let allowed = expected
                .iter()
                .find(|(expected, _)| *expected == counter)
                .map_or(0..=0, |(_, allowed)| allowed.clone());
            assert!(
                allowed.contains(&moved),
                "node {number}: {counter:?} moved by {moved}, expected {allowed:?}"
            );
        }
        node.barrier();
        Ok(())
    })
}

/// Takes `count` messages of the culprit and checks that they are these Express payloads, in order, and no more.
pub fn receives(
    scene: &mut Scene,
    endpoint: &mut Endpoint,
    payloads: &[&[u8]],
) -> Result<(), Error> {
    for expected in payloads {
        let message = endpoint.receive_wait(PATIENCE)?.into_message();
        assert_eq!(message.payload, *expected);
    }
    scene.exchange()?;
    scene.node.barrier();
    assert!(endpoint.receive().is_none(), "a message nobody sent");
    Ok(())
}
