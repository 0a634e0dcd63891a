//! User-level driver of the Wayfarer NIU.
//!
//! A [`Device`] is opened by name; an [`Endpoint`] on it sends and receives messages with nothing but stores to its own page and
//! loads from its own memory: no system call, and no read of the device, once it exists.
//!
//! ```no_run
//! # use wayfarer_host_driver::{Device, EndpointOptions};
//! # fn program() -> Result<(), wayfarer_host_driver::Error> {
//! let device = Device::open("sim:0")?;
//! let mut endpoint = device.create_endpoint(EndpointOptions { receive_queue_id: 7, ..EndpointOptions::default() })?;
//! endpoint.load_translation(0, 1, 7, 0)?; // destination 0: node 1, receive queue 7, virtual channel 0
//! endpoint.send_express(0, 0, *b"8 bytes!")?;
//! let message = endpoint.receive_wait(1_000_000.0)?;
//! println!("{} bytes from node {}", message.payload.len(), message.source_node);
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

mod admin;
mod deadline;
mod device;
mod endpoint;
mod error;
mod open_options;
mod openers;
mod receive_ring;
mod transmit_queue;
pub mod transport;

pub use deadline::Deadline;
pub use device::{Device, Identity};
pub use endpoint::{Endpoint, EndpointOptions};
pub use error::{Error, QueueError};
pub use open_options::OpenOptions;
pub use openers::{Opened, Opener, register_opener};
pub use receive_ring::Message;
