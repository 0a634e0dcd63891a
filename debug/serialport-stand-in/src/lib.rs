//! A machine without serial ports.
//!
//! probe-rs drives two kinds of probes over serial ports, neither of which a simulated NIU has. The crate `serialport`
//! has a licence that `deny.toml` does not allow, and probe-rs cannot be built without it. So this crate takes its
//! place, with the part of its interface that probe-rs calls: there are no ports, and none can be opened.
#![forbid(unsafe_code)]

use std::io::{Read, Write};
use std::time::Duration;

/// No port can be opened.
#[derive(Debug)]
pub struct Error;

impl std::fmt::Display for Error {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("this program is built without serial ports")
    }
}

impl std::error::Error for Error {}

impl From<Error> for std::io::Error {
    fn from(error: Error) -> Self {
        std::io::Error::new(std::io::ErrorKind::Unsupported, error)
    }
}

/// What the calls return.
pub type Result<T> = std::result::Result<T, Error>;

/// An open port.
pub trait SerialPort: Send + Read + Write {
    /// Sets the signal DTR.
    fn write_data_terminal_ready(&mut self, level: bool) -> Result<()>;
    /// Sets the signal RTS.
    fn write_request_to_send(&mut self, level: bool) -> Result<()>;
    /// Another handle of the port.
    fn try_clone(&self) -> Result<Box<dyn SerialPort>>;
}

/// What is known of a port on USB.
#[derive(Debug, Clone)]
pub struct UsbPortInfo {
    /// Vendor.
    pub vid: u16,
    /// Product.
    pub pid: u16,
    /// The device's serial number.
    pub serial_number: Option<String>,
    /// The maker's name.
    pub manufacturer: Option<String>,
    /// The product's name.
    pub product: Option<String>,
    /// Number of the interface.
    pub interface: Option<u8>,
}

/// What a port is part of.
#[derive(Debug, Clone)]
pub enum SerialPortType {
    /// A device on USB.
    UsbPort(UsbPortInfo),
    /// Anything else.
    Unknown,
}

/// A port of this machine.
#[derive(Debug, Clone)]
pub struct SerialPortInfo {
    /// How the operating system calls it.
    pub port_name: String,
    /// What it is part of.
    pub port_type: SerialPortType,
}

/// The ports of this machine: none.
///
/// # Errors
/// Never.
pub fn available_ports() -> Result<Vec<SerialPortInfo>> {
    Ok(Vec::new())
}

/// A port to be opened.
#[derive(Debug)]
pub struct SerialPortBuilder(());

/// Begins to open a port, which will fail.
pub fn new<'a>(_path: impl Into<std::borrow::Cow<'a, str>>, _baud_rate: u32) -> SerialPortBuilder {
    SerialPortBuilder(())
}

impl SerialPortBuilder {
    /// Sets how long to wait.
    #[must_use]
    pub fn timeout(self, _timeout: Duration) -> Self {
        self
    }

    /// Sets what becomes of the signal DTR when the port is opened.
    #[must_use]
    pub fn dtr_on_open(self, _level: bool) -> Self {
        self
    }

    /// Fails.
    ///
    /// # Errors
    /// Always.
    pub fn open(self) -> Result<Box<dyn SerialPort>> {
        Err(Error)
    }
}
