//! Records of what crosses the host port.

use std::fmt;

/// Which way something went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// To the NIU.
    ToDevice,
    /// From the NIU.
    FromDevice,
}

impl fmt::Display for Direction {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Direction::ToDevice => "in",
            Direction::FromDevice => "out",
        })
    }
}

/// One packet at the host port.
#[derive(Clone, Copy, Debug)]
pub struct TraceRecord<'a> {
    /// Core cycle in which the first beat crossed; cycles count from 0, and [`crate::pcie::HostBridge::step`] ends one.
    pub first_cycle: u64,
    /// Core cycle in which the last beat crossed.
    pub last_cycle: u64,
    /// Start of that cycle in picoseconds of simulated time.
    pub time_ps: u64,
    /// Which way.
    pub direction: Direction,
    /// The packet in wire order.
    pub bytes: &'a [u8],
}

/// Called with every packet that crosses.
pub type TraceListener = Box<dyn FnMut(&TraceRecord<'_>) + Send>;
