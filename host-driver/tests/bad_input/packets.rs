//! Reads of nothing, and packets that no root complex sends.

use crate::scene::{exactly, play};
use crate::support::options;
use abi::control::counter::Counter;
use sim::pcie::ReadError;
use wayfarer_host_driver::transport::{Bar, Transport};

#[test]
fn reads_of_what_does_not_exist_end_in_unsupported_request() {
    play(
        options("bare", 61),
        |scene| {
            // A hole in the control registers, an endpoint page, the end of BAR4.
            let absent = [(0, 0x03c), (2, 0), (2, 0x800), (4, 0x1_f000)];
            for (bar, offset) in absent {
                scene.fill()?;
                let read = scene.node.port.load(bar, offset, 4);
                assert_eq!(
                    read,
                    Err(ReadError::UnsupportedRequest),
                    "BAR{bar} {offset:#x}"
                );
            }
            // The driver says where and why.
            let read = scene.node.device.transport().read32(Bar::Control, 0x03c);
            let error = read.expect_err("there is nothing").to_string();
            for part in ["Control", "0x3c", "Unsupported Request"] {
                assert!(error.contains(part), "{error}");
            }
            scene.exchange()?;
            Ok(vec![exactly(Counter::HostUnsupported, 5)])
        },
        |scene| {
            scene.exchange()?;
            Ok(vec![])
        },
    );
}
