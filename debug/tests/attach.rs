//! A debugger at the service processor of a node whose resident queue goes on receiving.

mod support;

use probe_rs::{CoreStatus, MemoryInterface};
use wayfarer_debug::Image;

#[test]
fn a_debugger_halts_the_firmware_looks_steps_and_lets_it_go_while_messages_arrive() {
    let image = Image::open().unwrap_or_else(|error| panic!("{error}"));
    let run = support::debug(|mut session, shared| {
        let mut core = session.core(0).expect("a core");
        let halted = core.halt(support::PATIENCE).expect("it halts");
        assert!(core.core_halted().expect("it says"));
        let before = shared.received();

        // Variables: the buffer for debuggers begins with its name, and has been written to.
        let (address, _) = image.symbol("_SEGGER_RTT").expect("a symbol");
        let mut identifier = [0; 10];
        core.read(address, &mut identifier).expect("it is read");
        assert_eq!(&identifier, b"SEGGER RTT");
        let written = core.read_word_32(address + 36).expect("it is read");
        assert!(written > 0, "the firmware has logged");
        // What was written is there.
        let (address, size) = image.symbol("BUFFER").expect("a symbol");
        let last = address + size - 4;
        core.write_word_32(last, 0x1234_5678)
            .expect("it is written");
        assert_eq!(core.read_word_32(last).expect("it is read"), 0x1234_5678);

        // A step goes on by one instruction, of two or four bytes or to the target of a jump.
        let mut place = halted.pc;
        for _ in 0..5 {
            let next = core.step().expect("it steps").pc;
            assert_ne!(next, place);
            place = next;
        }
        let status = core.status().expect("it says");
        assert!(matches!(status, CoreStatus::Halted(_)), "{status:?}");
        assert!(shared.received() > before, "messages arrive meanwhile");

        // A breakpoint in the loop, where the firmware comes by again.
        core.set_hw_breakpoint(place).expect("there is a trigger");
        core.step().expect("it steps");
        core.run().expect("it runs");
        core.wait_for_core_halted(support::PATIENCE)
            .expect("it comes by");
        let counter = core.program_counter().id();
        let at: u64 = core.read_core_reg(counter).expect("it is read");
        assert_eq!(at, place);
        core.clear_hw_breakpoint(place).expect("it is cleared");

        core.run().expect("it runs");
        assert!(!core.core_halted().expect("it says"));
    });
    assert!(run.received > 10, "{}", run.received);
}
