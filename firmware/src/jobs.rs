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
    /// Waiting until no answer to an earlier endpoint's messages can come any more, which would count for the new one's.
    Rest {
        /// Endpoint number.
        number: usize,
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

/// The set-up command with this number: the window first, the way in last.
pub fn set_up(number: usize, endpoint: &Endpoint, done: usize) -> Option<Command> {
    let entries = 1 << endpoint.shape.window_log2;
    if done < entries {
        let index = usize::from(endpoint.window_base) + done;
        return Some(Command::write_queue_state(REGION_TRANSLATION, index, 0));
    }
    let mut map = endpoint_map::transmit_queue::set(0, number as u64);
    map = endpoint_map::transmit_resident::set(map, 1);
    map = endpoint_map::receive_queue::set(map, number as u64);
    map = endpoint_map::receive_resident::set(map, 1);
    let (region, index, data) = match done - entries {
        0 => (REGION_TRANSMIT_QUEUE, number * 2 + 1, endpoint.shape.shadow),
        1 => (REGION_RECEIVE_QUEUE, number * 2 + 1, endpoint.shape.ring),
        2 => (
            REGION_TRANSMIT_QUEUE,
            number * 2,
            endpoint.transmit_control(),
        ),
        3 => (REGION_ENDPOINT_MAP, number, map as u64),
        _ => return None,
    };
    Some(Command::write_queue_state(region, index, data))
}

/// The tear-down command with this number: the way in first. Addresses and translations of a disabled queue mean nothing.
pub fn tear_down(number: usize, done: usize) -> Option<Command> {
    let (region, index) = match done {
        0 => (REGION_ENDPOINT_MAP, number),
        1 => (REGION_TRANSMIT_QUEUE, number * 2),
        2 => (REGION_RECEIVE_QUEUE, number * 2),
        _ => return None,
    };
    Some(Command::write_queue_state(region, index, 0))
}

/// The command with this number of the tear-down of everything, whether this firmware knows of it or an earlier one did.
pub fn tear_down_all(endpoints: usize, done: usize) -> Option<Command> {
    const EACH: usize = 3;
    let number = done / EACH;
    (number < endpoints).then(|| tear_down(number, done % EACH))?
}
