//! What can go wrong.

use crate::transport::TransportError;
use abi::admin::status::Status;
use abi::message::error::Error as Code;

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing in the program knows devices of such names.
    #[error("nothing here can open {name:?}: {help}")]
    UnknownDevice {
        /// The name.
        name: String,
        /// What to do.
        help: String,
    },
    /// The transport could not reach the device.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// Something else answers at that address.
    #[error("this is no Wayfarer NIU: its first word is {found:#010x}, not {expected:#010x}")]
    NotWayfarer {
        /// What was read.
        found: u32,
        /// The magic number.
        expected: u32,
    },
    /// Another driver has the device, or had it and ended without giving it back.
    #[error(
        "another driver has this device; if that one is dead, open with `take_over`, which ends all its endpoints"
    )]
    InUse,
    /// This driver has had the device.
    #[error("another driver has taken this device over; this one's endpoints are gone")]
    TakenOver,
    /// Hardware or firmware speaks another version of the ABI.
    #[error(
        "{what} speaks ABI {found_major}.{found_minor} (revision {revision:08x}), this driver {own_major}.{own_minor}: build both from one revision"
    )]
    AbiMismatch {
        /// "the hardware" or "the firmware".
        what: &'static str,
        /// Its major version.
        found_major: u16,
        /// Its minor version.
        found_minor: u16,
        /// Its source revision.
        revision: u32,
        /// The driver's major version.
        own_major: u16,
        /// The driver's minor version.
        own_minor: u16,
    },
    /// The device reports a number of transmit slots that the ABI does not allow.
    #[error("the device reports {told} transmit slots; expected a power of two, at most {maximum}")]
    NoSuchSlots {
        /// What it reports.
        told: usize,
        /// The most there can be.
        maximum: usize,
    },
    /// The NIU did not stop its requests to this host.
    #[error(
        "the NIU was to make no more requests to this host, and after {waited_us} us still has one under way (status {status:#x})"
    )]
    NotQuiet {
        /// How long.
        waited_us: u64,
        /// The status register.
        status: u32,
    },
    /// The firmware did not answer.
    #[error(
        "the firmware did not answer {what} within {waited_us} us (heartbeats seen: {heartbeats}); its log may tell more"
    )]
    FirmwareSilent {
        /// What it was asked.
        what: &'static str,
        /// How long.
        waited_us: u64,
        /// The heartbeat register.
        heartbeats: u32,
    },
    /// So many requests are without an answer that the admin queue has no room for another.
    #[error(
        "the firmware was not asked {what}: it has yet to answer {requests} requests, and the admin queue holds no more; open the device anew if it stays so"
    )]
    AdminQueueFull {
        /// What it was to be asked.
        what: &'static str,
        /// Requests without an answer.
        requests: u16,
    },
    /// The firmware refused.
    #[error("the firmware refused {what}: {}", .status.map_or("unknown status", Status::meaning))]
    Refused {
        /// What it was asked.
        what: &'static str,
        /// Why; `None` if the driver does not know the status.
        status: Option<Status>,
    },
    /// The transmit queue has no room now; wait and try again.
    #[error("the transmit queue is full: the receiver has not yet taken enough messages")]
    QueueFull,
    /// The message cannot be sent so.
    #[error("a message of {bytes} bytes is longer than {maximum}")]
    TooLong {
        /// Its size.
        bytes: usize,
        /// The limit.
        maximum: usize,
    },
    /// The endpoint has no place for the message.
    #[error(
        "this endpoint was created without inline bodies, so it can send Express messages only"
    )]
    NoInlineBodies,
    /// Express reaches only the first destinations.
    #[error(
        "Express reaches destinations 0 to 63 with tags 0 to 3, not destination {destination} with tag {tag}"
    )]
    NoSuchExpressTarget {
        /// Destination asked for.
        destination: u16,
        /// Tag asked for.
        tag: u8,
    },
    /// The NIU reported an error of this endpoint's transmit queue.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// The shadow line of the transmit queue says what cannot be.
    #[error(
        "the shadow line says that {consumer} slots are done, after {earlier} and of {launched} launched (modulo 2^16): something else wrote to it"
    )]
    ShadowLine {
        /// Consumer index in the line.
        consumer: u16,
        /// The one before.
        earlier: u16,
        /// Slots launched.
        launched: u16,
    },
    /// Nothing came.
    #[error("no message came within {waited_ns} ns")]
    NothingReceived {
        /// How long.
        waited_ns: u64,
    },
}

impl Error {
    /// Whether a request to the firmware that ended so may have been carried out, or may be yet.
    pub(crate) fn leaves_in_doubt(&self) -> bool {
        match self {
            Error::AdminQueueFull { .. } | Error::TakenOver => false,
            Error::Refused {
                status: Some(status),
                ..
            } => *status == Status::Failed,
            _ => true,
        }
    }
}

/// What the NIU said of a transmit queue in its shadow line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the NIU refused {count} more of this endpoint's stores or messages{}; the last: {}", if *.failed { " and has stopped the queue" } else { "" }, .code.meaning())]
pub struct QueueError {
    /// Errors since the last report: none if it says again that the queue has stopped, at least so many if the NIU's count is full.
    pub count: u16,
    /// The last one.
    pub code: Code,
    /// The queue has stopped for good.
    pub failed: bool,
}
