//! User-level driver of the Wayfarer NIU.
//!
//! A [`Device`] is opened by name; an [`Endpoint`] on it sends and receives messages with nothing but stores to its own
//! page and loads from its own memory: no system call, and no read of the device, once it exists.
//!
//! ```no_run
//! use std::time::Duration;
//! use wayfarer_host_driver::{
//!     Destination, Device, EndpointOptions, Error, NodeNumber, ReceiveQueueId, VirtualChannel,
//! };
//!
//! fn program() -> Result<(), Error> {
//!     let device = Device::open("sim:0")?;
//!     let options = EndpointOptions { receive_queue_id: ReceiveQueueId(7), ..EndpointOptions::default() };
//!     let mut endpoint = device.create_endpoint(options)?;
//!     endpoint.load_translation(Destination(0), NodeNumber(1), ReceiveQueueId(7), VirtualChannel::ZERO)?;
//!     endpoint.send_express(Destination(0), 0, *b"8 bytes!")?;
//!     let message = endpoint.receive_wait(Duration::from_millis(1))?;
//!     println!("{} bytes from {}", message.len(), message.source_node());
//!     Ok(())
//! }
//! ```
//!
//! # Remote memory
//!
//! [`Endpoint::export`] gives other programs memory that they may write to; [`Endpoint::import`] makes a destination of
//! it, and [`TransmitQueue::write_inline`] writes there, in order with messages. [`Export`] has an example.
//!
//! # Names, transports, threads
//!
//! A crate that knows a kind of device registers how it is opened ([`register_opener`]). [`Device::open`] then opens
//! any name, and gives a device on [`AnyTransport`](transport::AnyTransport): one type for all, at the price of an
//! indirect call for each store. [`Device::with_transport`] takes one transport, whose stores are inlined; such a
//! device and its endpoints are `Send` if the transport is. [`fake`] stands in for a device in examples and tests.
//!
//! One thread at a time uses an endpoint, or each of its halves ([`Endpoint::split`]). Requests to the firmware, such
//! as [`Device::create_endpoint`], go through a queue that all threads share, behind a mutex; messages touch neither.
//!
//! Calls wait in a polling loop or for an interrupt ([`Waiting`]). The asynchronous counterparts are
//! [`ReceiveRing::messages`], [`TransmitQueue::when_room_async`] and [`TransmitQueue::flush_async`].
#![forbid(unsafe_code)]

mod admin;
pub mod asynchronous;
mod copies;
mod deadline;
mod device;
mod endpoint;
mod error;
pub mod fake;
mod message;
mod numbers;
mod open_options;
mod openers;
mod receive_ring;
mod remote;
mod residency_statistics;
mod transmit_queue;
pub mod transport;
mod waiting;

pub use abi;
pub use deadline::Deadline;
pub use device::{Device, Identity};
pub use endpoint::{Endpoint, EndpointOptions, ReceiveFull};
pub use error::{
    Error, FlushError, NothingReceived, OpenError, QueueError, QueueReport, RequestError, SendError,
};
pub use futures_core;
pub use message::{Message, MessageView};
pub use numbers::{
    Destination, EndpointNumber, NodeNumber, ReceiveQueueId, TransmitQueueNumber, VirtualChannel,
};
pub use open_options::{OpenOptions, Waiting, residency_policy};
pub use openers::{Opened, Opener, register_opener};
pub use receive_ring::ReceiveRing;
pub use remote::{Access, Action, Buffer, Export, Import, Rights, SegmentHandle, Transfer, TransferError};
pub use residency_statistics::ResidencyStatistics;
pub use transmit_queue::TransmitQueue;
