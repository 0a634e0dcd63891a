//! The host reads what the firmware logged: defmt frames that the service processor stored byte by byte into NIU
//! memory.

mod support;

#[test]
fn what_the_firmware_logs_at_boot_can_be_read() {
    // Opening the device asks the firmware who it is: by then it has long told its log.
    let body = || -> support::Body<Vec<u8>> { Box::new(|node| Ok(node.device.firmware_log()?)) };
    let (logs, _) = support::run(support::options("bare", 1), vec![body(), body()]);
    assert_eq!(logs.len(), 2);
    for log in logs.iter() {
        assert!(!log.is_empty(), "the firmware logged nothing");
        // Frames stand between zero bytes and hold none. The first tells the revision: its number, and 8 bytes of
        // arguments.
        assert_eq!(log.last(), Some(&0), "{log:02x?}");
        let first = log
            .split(|byte| *byte == 0)
            .find(|frame| !frame.is_empty())
            .expect("a frame");
        assert!(first.len() >= 6, "too short: {first:02x?}");
    }
}
