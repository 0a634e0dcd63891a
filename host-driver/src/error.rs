//! What can go wrong: each kind of call has its own error, and [`Error`] is any of them.

use crate::numbers::EndpointNumber;
use crate::remote::{TransferError, UnitError};
use crate::transport::TransportError;
use abi::admin::status::Status;
use abi::message::error::Error as Code;
use std::time::Duration;

/// Any error of the driver, for programs that hand all of them on.
///
/// ```
/// use std::time::Duration;
/// use wayfarer_host_driver::fake::FakeDevice;
/// use wayfarer_host_driver::{Device, EndpointOptions, Error, OpenOptions};
///
/// fn nobody_writes() -> Result<(), Error> {
///     let device = Device::with_transport(FakeDevice::new(), OpenOptions::default())?;
///     let mut endpoint = device.create_endpoint(EndpointOptions::default())?;
///     endpoint.receive_wait(Duration::from_micros(5))?;
///     Ok(())
/// }
/// assert_eq!(nobody_writes().unwrap_err().to_string(), "no message came within 5µs");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The device was not opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The firmware did not do what it was asked.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// A message was not sent.
    #[error(transparent)]
    Send(#[from] SendError),
    /// Messages are still outstanding.
    #[error(transparent)]
    Flush(#[from] FlushError),
    /// The transmit queue is not in order.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// An operation on remote memory did not succeed.
    #[error(transparent)]
    Transfer(#[from] TransferError),
    /// A unit was not queued or taken.
    #[error(transparent)]
    Unit(#[from] UnitError),
    /// No message came.
    #[error(transparent)]
    NothingReceived(#[from] NothingReceived),
    /// The device cannot be reached.
    #[error(transparent)]
    Transport(#[from] TransportError),
}

impl Error {
    /// What the NIU has reported of a transmit queue, whatever call brought it.
    ///
    /// ```
    /// use wayfarer_host_driver::abi::message::error::Error as Code;
    /// use wayfarer_host_driver::{Error, QueueError, QueueReport, SendError};
    ///
    /// let report = QueueReport { count: 1, code: Code::TooLong, failed: false };
    /// let error = Error::from(SendError::Queue(QueueError::Reported(report)));
    /// assert_eq!(error.queue_report(), Some(report));
    /// assert_eq!(Error::from(SendError::QueueFull).queue_report(), None);
    /// ```
    pub fn queue_report(&self) -> Option<QueueReport> {
        match self {
            Error::Send(SendError::Queue(QueueError::Reported(report)))
            | Error::Unit(UnitError::Send(SendError::Queue(QueueError::Reported(report))))
            | Error::Flush(FlushError::Queue(QueueError::Reported(report)))
            | Error::Transfer(TransferError::Queue(QueueError::Reported(report)))
            | Error::Queue(QueueError::Reported(report)) => Some(*report),
            _ => None,
        }
    }
}

/// Why a device was not opened.
///
/// ```
/// use wayfarer_host_driver::{Device, OpenError};
///
/// let error = Device::open("eth0").err();
/// assert!(matches!(error, Some(OpenError::UnknownDevice { name, .. }) if name == "eth0"));
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Nothing in the program knows devices of such names.
    #[error("nothing here can open {name:?}: {help}")]
    UnknownDevice {
        /// As the program gave it.
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
    /// Hardware or firmware speaks another version of the ABI.
    #[error(
        "{what} speaks ABI {found_major}.{found_minor} (revision {revision:08x}), this driver \
         {own_major}.{own_minor}: build both from one revision"
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
        "the NIU was to make no more requests to this host, and after {waited:?} still has one under way (status \
         {status:#x})"
    )]
    NotQuiet {
        /// How long.
        waited: Duration,
        /// The status register.
        status: u32,
    },
    /// The firmware did not say who it is.
    #[error(transparent)]
    Request(#[from] RequestError),
}

/// Why the firmware did not do what it was asked.
///
/// ```
/// use wayfarer_host_driver::fake::FakeDevice;
/// use wayfarer_host_driver::{Device, EndpointOptions, OpenOptions, RequestError};
///
/// let fake = FakeDevice::new();
/// let device = Device::with_transport(fake.clone(), OpenOptions::default())?;
/// fake.silence_firmware(true);
/// let error = device.create_endpoint(EndpointOptions::default()).err();
/// assert!(matches!(error, Some(RequestError::FirmwareSilent { .. })));
/// # Ok::<(), wayfarer_host_driver::Error>(())
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The device cannot be read, or there is no memory for it.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// This driver has had the device.
    #[error("another driver has taken this device over; this one's endpoints are gone")]
    TakenOver,
    /// The firmware did not answer.
    #[error(
        "the firmware did not answer {what} within {waited:?} (heartbeats seen: {heartbeats}); its log may tell more"
    )]
    FirmwareSilent {
        /// What it was asked.
        what: &'static str,
        /// How long.
        waited: Duration,
        /// The heartbeat register.
        heartbeats: u32,
    },
    /// So many requests are without an answer that the admin queue has no room for another.
    #[error(
        "the firmware was not asked {what}: it has yet to answer {requests} requests, and the admin queue holds no \
         more; open the device anew if it stays so"
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
}

impl RequestError {
    /// Whether a request that ended so may have been carried out, or may be yet.
    pub(crate) fn leaves_in_doubt(&self) -> bool {
        match self {
            RequestError::AdminQueueFull { .. } | RequestError::TakenOver => false,
            RequestError::Refused {
                status: Some(status),
                ..
            } => *status == Status::Failed,
            _ => true,
        }
    }
}

/// Why a message was not sent.
///
/// ```
/// use wayfarer_host_driver::fake::FakeDevice;
/// use wayfarer_host_driver::{Destination, Device, EndpointOptions, OpenOptions, SendError};
///
/// let device = Device::with_transport(FakeDevice::new(), OpenOptions::default())?;
/// let mut endpoint = device.create_endpoint(EndpointOptions::default())?;
/// let error = endpoint.send_basic(Destination(0), 0, &[0; 249]);
/// assert!(matches!(error, Err(SendError::TooLong { bytes: 249, maximum: 248 })));
/// # Ok::<(), wayfarer_host_driver::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
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
    /// Nothing is written, or something beyond the imported memory.
    #[error("{bytes} bytes at offset {offset} of imported memory of {size} bytes")]
    OutsideSegment {
        /// Where.
        offset: u32,
        /// How many.
        bytes: usize,
        /// Size of the memory.
        size: u64,
    },
    /// The exporter does not allow it.
    #[error("the imported memory does not allow this operation")]
    NoRight,
    /// The import is that of another endpoint.
    #[error("the memory was imported by {importer}, not by this one")]
    ForeignImport {
        /// Whose it is.
        importer: EndpointNumber,
    },
    /// The buffer is that of another endpoint.
    #[error("the memory was registered for {owner}, not for this endpoint")]
    ForeignBuffer {
        /// Whose it is.
        owner: EndpointNumber,
    },
    /// Something beyond the buffer.
    #[error("{bytes} bytes at offset {offset} of a buffer of {size} bytes")]
    OutsideBuffer {
        /// Where.
        offset: u32,
        /// How many.
        bytes: u32,
        /// What the whole buffer has.
        size: u64,
    },
    /// The transmit queue is not in order.
    #[error(transparent)]
    Queue(#[from] QueueError),
}

/// What the shadow line of a transmit queue tells that is not in order.
///
/// ```
/// use wayfarer_host_driver::fake::FakeDevice;
/// use wayfarer_host_driver::{Destination, Device, EndpointOptions, OpenOptions, QueueError};
///
/// let device = Device::with_transport(FakeDevice::new(), OpenOptions::default())?;
/// let mut endpoint = device.create_endpoint(EndpointOptions::default())?;
/// endpoint.send_express(Destination(5), 0, [0; 8])?; // no translation was loaded
/// let Err(QueueError::Reported(report)) = endpoint.check() else { panic!("it is reported") };
/// assert_eq!((report.count, report.failed), (1, false));
/// # Ok::<(), wayfarer_host_driver::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QueueError {
    /// The NIU reported an error of this endpoint's transmit queue.
    #[error(transparent)]
    Reported(#[from] QueueReport),
    /// The shadow line of the transmit queue says what cannot be.
    #[error(
        "the shadow line says that {consumer} slots are done, after {earlier} and of {launched} launched (modulo \
         2^16): something else wrote to it"
    )]
    ShadowLine {
        /// Consumer index in the line.
        consumer: u16,
        /// The one before.
        earlier: u16,
        /// Slots launched.
        launched: u16,
    },
    /// The shadow line tells of a loss that cannot be.
    #[error(
        "the shadow line says that messages are lost from {lost_from} on, of {consumer} done and {launched} launched \
         (modulo 2^16): something else wrote to it"
    )]
    LostFrom {
        /// The first that is lost.
        lost_from: u16,
        /// Slots done.
        consumer: u16,
        /// Slots launched.
        launched: u16,
    },
}

/// What the NIU said of a transmit queue in its shadow line.
///
/// ```
/// use wayfarer_host_driver::QueueReport;
/// use wayfarer_host_driver::abi::message::error::Error as Code;
///
/// let report = QueueReport { count: 2, code: Code::TooLong, failed: false };
/// assert!(report.to_string().starts_with("the NIU refused 2 more"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the NIU refused {count} more of this endpoint's stores or messages{}; the last: {}",
    if *.failed { " and has stopped the queue" } else { "" },
    .code.meaning()
)]
pub struct QueueReport {
    /// Errors since the last report: none if it says again that the queue has stopped, at least so many if the NIU's
    /// count is full.
    pub count: u16,
    /// The last one.
    pub code: Code,
    /// The queue has stopped for good.
    pub failed: bool,
}

/// Why a flush did not end.
///
/// ```
/// use std::time::Duration;
/// use wayfarer_host_driver::fake::FakeDevice;
/// use wayfarer_host_driver::{Destination, Device, EndpointOptions, FlushError, OpenOptions};
///
/// let fake = FakeDevice::new();
/// let device = Device::with_transport(fake.clone(), OpenOptions::default())?;
/// let mut endpoint = device.create_endpoint(EndpointOptions::default())?;
/// fake.hold_messages(true);
/// endpoint.send_express(Destination(0), 0, [0; 8])?;
/// let error = endpoint.flush(Duration::from_micros(5));
/// assert!(matches!(error, Err(FlushError::Outstanding { messages: 1, .. })));
/// # Ok::<(), wayfarer_host_driver::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FlushError {
    /// Messages were outstanding when the limit was reached.
    #[error("after {waited:?} {messages} messages are still outstanding")]
    Outstanding {
        /// How many.
        messages: u16,
        /// How long.
        waited: Duration,
    },
    /// The transmit queue is not in order.
    #[error(transparent)]
    Queue(#[from] QueueError),
}

/// No message came in time. [`Error`] has an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no message came within {waited:?}")]
pub struct NothingReceived {
    /// How long.
    pub waited: Duration,
}
