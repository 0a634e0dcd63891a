//! Counters that carry out prepared operations when they reach their threshold.

use super::export::Export;
use super::import::Import;
use crate::error::{RequestError, SendError};
use crate::numbers::Destination;
use crate::transmit_queue::TransmitQueue;
use crate::transport::Transport;
use abi::endpoint::{
    EXPRESS_DESTINATION_SHIFT, EXPRESS_OFFSET, EXPRESS_OFFSET_LOG2, EXPRESS_TAG_SHIFT,
    OPERATION_OFFSET,
};
use abi::message::{Remote, operation};
use abi::queue_state::{Counter, counter_action};

/// Destinations to which one store can send an operation.
const OPERATION_DESTINATIONS: u16 = 1 << (EXPRESS_OFFSET_LOG2 - 1 - EXPRESS_DESTINATION_SHIFT);

/// What a counter does when it reaches its threshold. Messages leave by the transmit queue of the endpoint whose export
/// it is: no program may use that queue besides. One that finds the queue full is refused, and the queue's shadow line
/// counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing.
    Nothing,
    /// Increments the counter of an import of the same endpoint.
    Increment(Import),
    /// Sends an Express message.
    Send {
        /// Destination of the endpoint, 0 to 63.
        destination: Destination,
        /// Tag, 0 to 3.
        tag: u8,
        /// Payload.
        payload: [u8; 8],
    },
    /// Increments the counter of another export of the same endpoint, without a message.
    Count {
        /// Segment of the export's handle.
        segment: u16,
    },
}

impl Action {
    /// Action, place and bytes as in `queue_state::counter`.
    fn words(&self) -> (u64, u64, u64) {
        let store = |offset: usize, bytes| (counter_action::STORE as u64, offset as u64 / 8, bytes);
        match *self {
            Action::Nothing => (counter_action::NOTHING as u64, 0, 0),
            Action::Count { segment } => (counter_action::COUNT as u64, segment.into(), 0),
            Action::Increment(import) => store(place_of(import.destination), increment()),
            Action::Send {
                destination,
                tag,
                payload,
            } => {
                let destination = usize::from(destination.0) << EXPRESS_DESTINATION_SHIFT;
                let offset = EXPRESS_OFFSET + destination + (usize::from(tag) << EXPRESS_TAG_SHIFT);
                store(offset, u64::from_le_bytes(payload))
            }
        }
    }

    fn is_possible<T: Transport>(&self, export: &Export<T>) -> bool {
        match *self {
            Action::Increment(import) => {
                import.check_count(export.segment.endpoint).is_ok()
                    && import.destination.0 < OPERATION_DESTINATIONS
            }
            Action::Send {
                destination, tag, ..
            } => {
                usize::from(destination.0) < 1 << abi::endpoint::EXPRESS_DESTINATION_BITS
                    && usize::from(tag) < 1 << abi::endpoint::EXPRESS_TAG_BITS
            }
            Action::Nothing | Action::Count { .. } => true,
        }
    }
}

/// Where in the page an operation to a destination is stored.
fn place_of(destination: Destination) -> usize {
    OPERATION_OFFSET + (usize::from(destination.0) << EXPRESS_DESTINATION_SHIFT)
}

/// The sub-header of an increment.
fn increment() -> u64 {
    let fields = Remote {
        operation: operation::INCREMENT as u64,
        ..Remote::default()
    };
    fields.pack()
}

impl<T: Transport> Export<T> {
    /// The export's counter begins at 0. Each time it has been incremented `threshold` times, the actions are carried
    /// out in order.
    ///
    /// # Errors
    /// The firmware refuses, as with a threshold of 0.
    ///
    /// # Panics
    /// An action's import is of another endpoint or may not be incremented, or a destination or tag is out of range.
    pub fn arm(&self, threshold: u16, actions: [Action; 2]) -> Result<(), RequestError> {
        assert!(
            actions.iter().all(|action| action.is_possible(self)),
            "an action of a counter cannot be sent"
        );
        let [(action_0, place_0, bytes_0), (action_1, place_1, bytes_1)] =
            actions.map(|action| action.words());
        let counter = Counter {
            armed: 1,
            threshold: threshold.into(),
            owner: 0,
            action_0,
            place_0,
            action_1,
            place_1,
        };
        self.segment.arm(counter.pack(), [bytes_0, bytes_1])
    }

    /// The export's counter counts no more.
    ///
    /// # Errors
    /// The firmware does not confirm it.
    pub fn disarm(&self) -> Result<(), RequestError> {
        self.segment.arm(0, [0; 2])
    }
}

impl<T: Transport> TransmitQueue<T> {
    /// Increments the counter of an export, with one store.
    ///
    /// # Errors
    /// As [`TransmitQueue::send_express`]; the import is of another endpoint, may not be incremented, or its destination
    /// is above 31.
    pub fn increment(&mut self, import: &Import) -> Result<(), SendError> {
        import.check_count(self.endpoint())?;
        if import.destination.0 >= OPERATION_DESTINATIONS {
            return Err(SendError::NoSuchExpressTarget {
                destination: import.destination.0,
                tag: 0,
            });
        }
        self.store_operation(place_of(import.destination), increment())
    }
}
