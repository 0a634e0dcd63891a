use super::*;

const DEFAULT: &str = include_str!("../../configurations/default.toml");
const SMALL: &str = include_str!("../../configurations/small.toml");
const MINIMUM: &str = include_str!("../../configurations/minimum.toml");
const VERSA: &str = include_str!("../../configurations/versa.toml");

fn refusal(from: &str, to: &str) -> String {
    assert!(DEFAULT.contains(from), "{from}");
    Configuration::parse(&DEFAULT.replace(from, to)).expect_err("it is illegal")
}

#[test]
fn the_files_of_the_repository_are_legal_and_differ() {
    let [default, small, versa] =
        [DEFAULT, SMALL, VERSA].map(|text| Configuration::parse(text).expect("legal"));
    assert_eq!(default.constants.len(), KEYS.len());
    assert!(default != small && default != versa && small != versa);
}

#[test]
fn the_minimum_has_every_key_at_its_least() {
    let minimum = Configuration::parse(MINIMUM).expect("legal");
    for key in KEYS {
        assert_eq!(minimum.value(key.name), key.least, "{}", key.name);
    }
}

/// The default configuration with another value of one key.
fn with(key: &Key, value: u64) -> Result<Configuration, String> {
    let default = Configuration::parse(DEFAULT).expect("legal");
    let line = |each: &Key| {
        let value = if each.name == key.name {
            value
        } else {
            default.value(each.name)
        };
        format!("{} = {value}\n", each.name)
    };
    Configuration::parse(&KEYS.iter().map(line).collect::<String>())
}

/// What other keys forbid is refused with the key, its value, and what is legal beside them.
#[test]
fn each_key_may_have_its_least_and_its_most_unless_another_key_forbids_it() {
    let timer = "legal with this queues.shortest_pause_cycles and queues.transmit: at most 262144";
    let credits = "legal with this link.channel_buffer_beats: 1 to";
    let forbidden = [
        (
            "queues.longest_pause_cycles",
            1 << 20,
            format!("queues.longest_pause_cycles: 1048576 is out of range; {timer}"),
        ),
        (
            "queues.answer_timeout_cycles",
            1 << 22,
            format!("queues.answer_timeout_cycles: 4194304 is out of range; {timer}"),
        ),
        (
            "processor.ram_bytes",
            1 << 15,
            "processor.ram_bytes: 32768 is out of range; legal: 65536".into(),
        ),
        (
            "link.channel_buffer_beats",
            128,
            format!("link.credit_step_beats: 64 is out of range; {credits} 48"),
        ),
        (
            "link.credit_step_beats",
            2048,
            format!("link.credit_step_beats: 2048 is out of range; {credits} 240"),
        ),
    ];
    for key in KEYS {
        for value in [key.least, key.most] {
            let refusal = forbidden
                .iter()
                .find(|(name, at, _)| *name == key.name && *at == value);
            match (with(key, value), refusal) {
                (Ok(configuration), None) => assert_eq!(configuration.value(key.name), value),
                (Err(text), Some((_, _, expected))) => assert_eq!(text, *expected),
                (result, _) => panic!("{} = {value}: {result:?}", key.name),
            }
        }
    }
}

#[test]
fn illegal_values_are_refused_with_key_value_and_range() {
    for (from, to, message) in [
        (
            "transmit = 32",
            "transmit = 512",
            "queues.transmit: 512 is out of range; legal: power of two from 4 to 256",
        ),
        (
            "receive = 32",
            "receive = 0",
            "queues.receive: 0 is out of range; legal: power of two from 4 to 256",
        ),
        (
            "shortest_pause_cycles = 256",
            "shortest_pause_cycles = -1",
            "queues.shortest_pause_cycles: -1 is negative; legal: power of two from 64 to 4096",
        ),
        (
            "transmit_slots = 64",
            "transmit_slots = 128",
            "queues.transmit_slots: 128 is out of range; legal: power of two from 4 to 64",
        ),
        (
            "transmit_slots = 64",
            "transmit_slots = 12",
            "queues.transmit_slots: 12 is no power of two; legal: power of two from 4 to 64",
        ),
        (
            "translation_entries = 4096",
            "translation_entries = 8192",
            "queues.translation_entries: 8192 is out of range; legal: power of two from 64 to 4096",
        ),
        (
            "translation_entries = 4096",
            "translation_entries = 1000",
            "queues.translation_entries: 1000 is no power of two; legal: power of two from 64 to 4096",
        ),
        (
            "ram_bytes = 65_536",
            "ram_bytes = 8192",
            "processor.ram_bytes: 8192 is out of range; legal: 65536",
        ),
        (
            "ram_bytes = 65_536\n",
            "",
            "processor.ram_bytes: missing; legal: 65536",
        ),
        (
            "nonposted_credits = 8",
            "nonposted_credits = 12",
            "host.nonposted_credits: 12 is no power of two; legal: power of two from 2 to 64",
        ),
        (
            "register_write_beats = 16",
            "register_write_beats = 8",
            "host.register_write_beats: 8 is out of range; legal: power of two from 16 to 64",
        ),
        (
            "read_tags = 16",
            "read_tags = 8",
            "host.read_tags: 8 is out of range; legal: 16",
        ),
        (
            "channel_buffer_beats = 512",
            "channel_buffer_beats = \"512\"",
            "link.channel_buffer_beats: \"512\" is no whole number; legal: power of two from 128 to 4096",
        ),
        (
            "credit_step_beats = 64",
            "credit_step_beats = 241",
            "link.credit_step_beats: 241 is out of range; legal with this link.channel_buffer_beats: 1 to 240",
        ),
        (
            "transmit = 32",
            "transmitt = 32",
            "queues.transmitt: no such key",
        ),
        (
            "transmit = 32\n",
            "",
            "queues.transmit: missing; legal: power of two from 4 to 256",
        ),
    ] {
        let text = refusal(from, to);
        assert!(text.lines().any(|line| line == message), "{to}: {text}");
    }
    assert!(refusal("[link]", "[link").starts_with("not TOML: "));
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let text = Configuration::parse("clock_hertz = 1").expect_err("nearly empty");
    assert_eq!(text.lines().count(), KEYS.len(), "{text}");
}

#[test]
fn keys_are_read_back_as_the_file_gives_them() {
    let small = Configuration::parse(SMALL).expect("legal");
    for (key, value) in [
        ("clock_hertz", 100_000_000),
        ("queues.transmit", 4),
        ("queues.transmit_slots", 8),
        ("queues.translation_entries", 128),
        ("processor.ram_bytes", 65_536),
    ] {
        assert_eq!(small.value(key), value, "{key}");
    }
    let text = small.rust();
    for line in [
        "TRANSMIT_QUEUES = 4 ",
        "TRANSMIT_SLOTS_LOG2 = 3 ",
        "TRANSMIT_SLOTS = 8 ",
        "ENDPOINTS_LOG2 = 6 ",
        "NODES_LOG2 = 3 ",
        "TRANSLATION_LOG2 = 7 ",
        "TRANSLATION_ENTRIES = 128 ",
        "RAM_BYTES_LOG2 = 16 ",
        "RAM_WORDS_LOG2 = 14 ",
    ] {
        assert!(text.contains(line), "{text}");
    }
}

#[test]
fn pauses_and_time_outs_are_told_in_rounds_of_the_sweep() {
    // A visit takes shortest_pause_cycles / queues cycles, but at least 8: four queues, 64 cycles;
    // 256 queues, 8 cycles.
    let many = DEFAULT.replace("transmit = 32", "transmit = 256");
    for (text, sweep_log2, pause_log2, rounds) in [
        (SMALL, 6, 9, 256),
        (DEFAULT, 3, 9, 512),
        (many.as_str(), 3, 6, 64),
    ] {
        let text = Configuration::parse(text).expect("legal").rust();
        for line in [
            format!("SWEEP_LOG2 = {sweep_log2} "),
            format!("LONGEST_PAUSE_ROUNDS_LOG2 = {pause_log2} "),
            format!("ANSWER_TIMEOUT_ROUNDS = {rounds} "),
        ] {
            assert!(text.contains(&line), "{line}: {text}");
        }
    }
}

#[test]
fn a_file_that_is_not_there_or_not_legal_is_told_by_name() {
    let missing = Configuration::read(Path::new("no/such.toml")).expect_err("it is not there");
    assert!(missing.starts_with("no/such.toml: "), "{missing}");
    let file = env::temp_dir().join(format!("wayfarer-{}.toml", std::process::id()));
    fs::write(&file, "clock_hertz = 0").expect("a scratch file");
    let illegal = Configuration::read(&file).expect_err("nearly empty");
    fs::remove_file(&file).expect("it was there");
    assert!(
        illegal.contains(".toml: clock_hertz: 0 is out of range"),
        "{illegal}"
    );
}

/// Rounds of 64 cycles, four queues: 65,536 cycles are 1024 of them.
#[test]
fn times_must_fit_in_the_timer_of_a_queue() {
    let short = DEFAULT
        .replace("transmit = 32", "transmit = 4")
        .replace("shortest_pause_cycles = 256", "shortest_pause_cycles = 64");
    let text = Configuration::parse(&short).expect_err("131,072 cycles are 2048 rounds");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines,
        [
            "queues.longest_pause_cycles: 131072 is out of range; legal with this \
             queues.shortest_pause_cycles and queues.transmit: at most 65536",
            "queues.answer_timeout_cycles: 131072 is out of range; legal with this \
             queues.shortest_pause_cycles and queues.transmit: at most 65536",
        ]
    );
    let long = short.replace("131_072", "65_536");
    assert!(Configuration::parse(&long).is_ok());
}
