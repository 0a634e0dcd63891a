//! Requests that take many commands, as lists that are never written down: a job knows its next command from a count.

use crate::command::Command;
use crate::endpoints::Endpoint;
use abi::queue_state::{
    REGION_ENDPOINT_MAP, REGION_RECEIVE_QUEUE, REGION_TRANSLATION, REGION_TRANSMIT_QUEUE,
    endpoint_map,
};

/// Where probes of host memory land in the inbox.
const PROBE_INBOX_OFFSET: usize = 64;

/// What is being done for a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Job {
    /// Writing one word of queue state.
    Write {
        /// Region of `abi::queue_state`.
        region: usize,
        /// Index in it.
        index: usize,
        /// The word.
        data: u64,
    },
    /// Reading one double word of each page an endpoint will write to: a write to a bad address would vanish.
    Probe {
        /// Endpoint number.
        number: usize,
        /// Pages done.
        done: u64,
    },
    /// Writing a new endpoint's state.
    SetUp {
        /// Endpoint number.
        number: usize,
        /// Commands done.
        done: usize,
    },
    /// Erasing an endpoint's state.
    TearDown {
        /// Endpoint number.
        number: usize,
        /// Commands done.
        done: usize,
    },
}

/// The probe with this number: first the shadow line, then the ring's pages.
pub fn probe(endpoint: &Endpoint, done: u64, token: u16) -> Option<Command> {
    let address = match done {
        0 => endpoint.shape.shadow,
        page if page <= endpoint.shape.ring_pages() => endpoint.shape.ring + (page - 1) * 4096,
        _ => return None,
    };
    Some(Command::read_host(address, 4, PROBE_INBOX_OFFSET, token))
}

/// The set-up command with this number.
pub fn set_up(number: usize, endpoint: &Endpoint, done: usize) -> Option<Command> {
    let mut map = endpoint_map::transmit_queue::set(0, number as u64);
    map = endpoint_map::transmit_resident::set(map, 1);
    map = endpoint_map::receive_queue::set(map, number as u64);
    map = endpoint_map::receive_resident::set(map, 1);
    Some(match done {
        0 => {
            Command::write_queue_state(REGION_TRANSMIT_QUEUE, number * 2 + 1, endpoint.shape.shadow)
        }
        1 => Command::write_queue_state(REGION_RECEIVE_QUEUE, number * 2 + 1, endpoint.shape.ring),
        2 => Command::write_queue_state(
            REGION_TRANSMIT_QUEUE,
            number * 2,
            endpoint.transmit_control(),
        ),
        3 => Command::write_queue_state(REGION_ENDPOINT_MAP, number, map as u64),
        _ => return clear_window(endpoint, done - 4),
    })
}

/// The tear-down command with this number.
pub fn tear_down(number: usize, endpoint: &Endpoint, done: usize) -> Option<Command> {
    Some(match done {
        0 => Command::write_queue_state(REGION_ENDPOINT_MAP, number, 0),
        1 => Command::write_queue_state(REGION_TRANSMIT_QUEUE, number * 2, 0),
        2 => Command::write_queue_state(REGION_RECEIVE_QUEUE, number * 2, 0),
        3 => Command::write_queue_state(REGION_TRANSMIT_QUEUE, number * 2 + 1, 0),
        _ => return clear_window(endpoint, done - 4),
    })
}

fn clear_window(endpoint: &Endpoint, entry: usize) -> Option<Command> {
    let inside = entry < 1 << endpoint.shape.window_log2;
    inside.then(|| {
        Command::write_queue_state(
            REGION_TRANSLATION,
            usize::from(endpoint.window_base) + entry,
            0,
        )
    })
}
