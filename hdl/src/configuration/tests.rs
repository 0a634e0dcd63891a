use super::*;

#[test]
fn every_constant_compiled_in_comes_from_a_file() {
    let names: Vec<_> = NUMBERS.iter().map(|number| number.name).collect();
    for key in KEYS {
        assert!(names.contains(&key.constant), "{}", key.constant);
    }
    assert!(compiled_in().is_ok(), "what was built is legal");
}

#[test]
fn no_size_is_beyond_what_the_formats_have_room_for() {
    let most = |name: &str| {
        let key = KEYS.iter().find(|key| key.name == name);
        key.expect("a key").most as usize
    };
    for (name, room) in [
        (
            "queues.transmit_slots",
            abi::message::MAXIMUM_TRANSMIT_SLOTS,
        ),
        (
            "queues.translation_entries",
            abi::queue_state::MAXIMUM_TRANSLATION_ENTRIES,
        ),
        ("processor.ram_bytes", abi::processor::MAXIMUM_RAM_BYTES),
    ] {
        assert_eq!(most(name), room, "{name}");
    }
}
