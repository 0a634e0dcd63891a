//! A debugger brings the firmware into the service processor, and reads what it logs.

mod support;

use firmware_log::{Level, Table, frames};
use probe_rs::MemoryInterface;
use probe_rs::rtt::Rtt;
use wayfarer_debug::Image;

/// What the firmware logs first.
const GREETING: &str = "firmware revision";
/// What it logs when it finds that another one ran before it.
const SUCCESSOR: &str = "an earlier firmware was stopped";

#[test]
fn firmware_is_loaded_through_the_debug_module_starts_afresh_and_is_read_over_rtt() {
    let image = Image::open().unwrap_or_else(|error| panic!("{error}"));
    let table = Table::read(image.bytes()).unwrap_or_else(|error| panic!("{error}"));
    let mut over_rtt = Vec::new();
    let records = &mut over_rtt;
    let run = support::debug(|mut session, traffic| {
        let mut core = session.core(0).expect("a core");
        core.halt(support::PATIENCE).expect("it halts");
        let before = traffic.received();
        let (main, _) = image.symbol("main").expect("a symbol");
        // An image that would not run: nothing but what is loaded can come by its second instruction.
        core.write_32(main, &[0; 8]).expect("it is written");
        let bytes = image
            .load(&mut core)
            .unwrap_or_else(|error| panic!("{error}"));
        assert!(bytes > 10_000, "{bytes}");
        assert!(traffic.received() > before, "messages arrive meanwhile");

        let counter = core.program_counter().id();
        let start = core
            .reset_and_halt(support::PATIENCE)
            .expect("it is reset")
            .pc;
        assert_eq!(start, image.entry().expect("an entry"));
        core.set_hw_breakpoint(main).expect("there is a trigger");
        core.run().expect("it runs");
        core.wait_for_core_halted(support::PATIENCE)
            .expect("it comes to main");
        let at: u64 = core.read_core_reg(counter).expect("it is read");
        assert_eq!(at, main);
        core.clear_hw_breakpoint(main).expect("it is cleared");

        let (address, _) = image.symbol("_SEGGER_RTT").expect("a symbol");
        let mut rtt = Rtt::attach_at(&mut core, address).expect("the buffer is there");
        let mut bytes = Vec::new();
        let mut buffer = [0; 256];
        core.run().expect("it runs");
        while !records
            .iter()
            .any(|record: &firmware_log::Record| record.text.contains(SUCCESSOR))
        {
            let read = rtt.up_channels()[0]
                .read(&mut core, &mut buffer)
                .expect("it is read");
            bytes.extend(&buffer[..read]);
            let (new, taken) = frames(&table, &bytes);
            bytes.drain(..taken);
            records.extend(new);
        }
    });
    assert!(run.received > 10, "{}", run.received);
    for record in &over_rtt {
        println!("{record}");
        assert!(record.level.is_some(), "{record}");
    }
    assert!(over_rtt[0].text.starts_with(GREETING), "{}", over_rtt[0]);
    assert!(!over_rtt[0].text.contains("00000000, ABI 0"));
    let (ring, _) = frames(&table, &run.log);
    // The ring has what the driver's counters have been asked for besides; it was begun anew after the reset.
    for record in &over_rtt {
        assert!(ring.contains(record), "not in the ring: {record}");
    }
    assert!(
        over_rtt
            .iter()
            .any(|record| record.level == Some(Level::Warn))
    );
}
