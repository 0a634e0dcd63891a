//! Arguments of `niu-debug`.

use clap::Args;

/// A GDB server at the service processor of a simulated NIU.
#[derive(Args, Clone, Debug)]
pub struct DebugArguments {
    /// Number of the node whose service processor is debugged
    #[arg(long, value_name = "NODE", default_value_t = 0)]
    pub sim: u16,
    /// Nodes of the cluster; all but the debugged one send to it
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(2..))]
    pub nodes: u16,
    /// TCP port on this machine; 0 for any
    #[arg(long, default_value_t = 1337)]
    pub port: u16,
    /// Print the chip description for probe-rs' command line, and do nothing else
    #[arg(long)]
    pub chip_description: bool,
}

/// What the firmware of a simulated NIU logs.
#[derive(Args, Clone, Debug)]
pub struct LogArguments {
    /// Number of the node, 0 or 1
    #[arg(long, value_name = "NODE", default_value_t = 0)]
    pub sim: u16,
    /// Read it through the debug module (RTT), not as the driver does
    #[arg(long)]
    pub rtt: bool,
}
