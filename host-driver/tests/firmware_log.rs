//! The host reads what the firmware logged: defmt frames that the service processor stored byte by byte into NIU memory.

use sim::cluster::Cluster;
use std::sync::{Arc, Mutex};
use wayfarer_host_driver::Device;

mod support;

#[test]
fn what_the_firmware_logs_at_boot_can_be_read() {
    let mut cluster = Cluster::new(support::options("bare", 1));
    let logs: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
    for node in 0..2 {
        let logs = Arc::clone(&logs);
        cluster.program(node, move |_| {
            // Opening the device asks the firmware who it is: by then it has long told its log.
            let device = Device::open(&format!("sim:{node}")).expect("the device opens");
            let log = device.firmware_log().expect("the log can be read");
            logs.lock().expect("no program panicked").push(log);
        });
    }
    cluster.run().expect("the cluster runs");
    let logs = logs.lock().expect("no program panicked");
    assert_eq!(logs.len(), 2);
    for log in logs.iter() {
        assert!(!log.is_empty(), "the firmware logged nothing");
        // Frames stand between zero bytes and hold none. The first tells the revision: its number, and 8 bytes of arguments.
        assert_eq!(log.last(), Some(&0), "{log:02x?}");
        let first = log
            .split(|byte| *byte == 0)
            .find(|frame| !frame.is_empty())
            .expect("a frame");
        assert!(first.len() >= 6, "too short: {first:02x?}");
    }
}
