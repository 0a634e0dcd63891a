//! The endpoint pair that nobody may disturb: traffic in both directions, every message checked and in order.

use host_driver::{
    Destination, Endpoint, EndpointOptions, Error, MessageView, ReceiveQueueId, SendError,
};
use wayfarer_cluster::Clock;
use wayfarer_cluster::launch::{Node, PATIENCE};

/// RQID of the bystander's endpoints on both nodes.
const RECEIVE_QUEUE_ID: u16 = 14;

/// One node's half of the bystander pair.
pub struct Bystander {
    endpoint: Endpoint,
    node: u16,
    sent: u32,
    received: u32,
}

impl Bystander {
    /// Creates this node's half.
    pub fn new(node: &Node) -> Result<Self, Error> {
        let options = EndpointOptions {
            receive_queue_id: ReceiveQueueId(RECEIVE_QUEUE_ID),
            // Longer than any test's traffic: the bystander never meets a full ring of its own.
            ring_entries_log2: 10,
            destinations_log2: 0,
            ..EndpointOptions::default()
        };
        Ok(Bystander {
            endpoint: node.endpoint(options, &[node.peer()])?,
            node: node.number(),
            sent: 0,
            received: 0,
        })
    }

    /// Sends while there is room, at most `messages`, and takes what has come; never waits.
    pub fn pump(&mut self, messages: u32) -> Result<(), Error> {
        for _ in 0..messages {
            match self.send() {
                Ok(()) => {}
                Err(SendError::QueueFull) => break,
                Err(error) => return Err(error.into()),
            }
        }
        while let Some(message) = self.endpoint.receive().map(MessageView::into_message) {
            self.check(&message.payload);
        }
        Ok(())
    }

    /// Sends `messages` and takes as many as come meanwhile; waits for room.
    pub fn exchange(&mut self, node: &Node, messages: u32) -> Result<(), Error> {
        let goal = self.sent + messages;
        let start = node.port.now();
        while self.sent < goal {
            self.pump(goal - self.sent)?;
            if self.sent < goal {
                assert!(
                    node.port.now() - start < PATIENCE,
                    "node {}: the bystander's queue is stuck after {} messages",
                    self.node,
                    self.sent
                );
                node.port.poll(10_000.0);
            }
        }
        Ok(())
    }

    /// Makes both halves whole: everything sent has arrived, nothing more, no complaint.
    pub fn finish(&mut self, node: &Node) -> Result<u32, Error> {
        let theirs = node.port.gather(&self.sent.to_le_bytes());
        let count = &theirs[usize::from(node.peer())];
        let expected = u32::from_le_bytes(count[..].try_into().expect("the peer's count"));
        while self.received < expected {
            let message = self.endpoint.receive_wait(PATIENCE)?.into_message();
            self.check(&message.payload);
        }
        self.endpoint.give_back();
        self.endpoint.flush(PATIENCE)?;
        self.endpoint.check()?;
        assert!(self.endpoint.receive().is_none(), "a message nobody sent");
        node.barrier();
        Ok(self.sent)
    }

    fn send(&mut self) -> Result<(), SendError> {
        let payload = payload(self.node, self.sent);
        match <[u8; 8]>::try_from(&payload[..]) {
            Ok(payload) => self.endpoint.send_express(Destination(0), 0, payload)?,
            Err(_) => self.endpoint.send_basic(Destination(0), 0, &payload)?,
        }
        self.sent += 1;
        Ok(())
    }

    fn check(&mut self, found: &[u8]) {
        let expected = payload(1 - self.node, self.received);
        assert_eq!(
            found, expected,
            "node {}: the bystander's message {}",
            self.node, self.received
        );
        self.received += 1;
    }
}

/// Message `number` from `node`: every third is an Express message, the others run through all lengths.
fn payload(node: u16, number: u32) -> Vec<u8> {
    let length = if number.is_multiple_of(3) {
        8
    } else {
        4 + (number as usize * 37) % 245
    };
    let mut bytes = vec![0; length];
    bytes[..4].copy_from_slice(&number.to_le_bytes());
    for (index, byte) in bytes.iter_mut().enumerate().skip(4) {
        *byte = (index as u32 * 7 + number * 31 + u32::from(node) * 101) as u8;
    }
    bytes
}
