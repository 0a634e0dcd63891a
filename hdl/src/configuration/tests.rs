use super::file::{Configuration, KEYS};
use super::*;

const DEFAULT: &str = include_str!("../../configurations/default.toml");
const SMALL: &str = include_str!("../../configurations/small.toml");

fn refusal(from: &str, to: &str) -> String {
    assert!(DEFAULT.contains(from), "{from}");
    Configuration::parse(&DEFAULT.replace(from, to)).expect_err("it is illegal")
}

#[test]
fn both_files_of_the_repository_are_legal() {
    let default = Configuration::parse(DEFAULT).expect("legal");
    let small = Configuration::parse(SMALL).expect("legal");
    assert_eq!(default.constants.len(), KEYS.len());
    assert_ne!(default, small);
}

#[test]
fn every_constant_compiled_in_comes_from_a_file() {
    let names: Vec<_> = NUMBERS.iter().map(|number| number.name).collect();
    for key in KEYS {
        assert!(names.contains(&key.constant), "{}", key.constant);
    }
    assert!(compiled_in().is_ok(), "what was built is legal");
}

#[test]
fn illegal_values_are_refused_with_key_value_and_range() {
    for (from, to, message) in [
        (
            "transmit = 16",
            "transmit = 17",
            "queues.transmit: 17 is out of range; legal: whole number from 1 to 16",
        ),
        (
            "receive = 16",
            "receive = 0",
            "queues.receive: 0 is out of range; legal: whole number from 1 to 16",
        ),
        (
            "restart_cycles = 256",
            "restart_cycles = -1",
            "queues.restart_cycles: -1 is negative; legal: whole number from 16 to 511",
        ),
        (
            "nonposted_credits = 8",
            "nonposted_credits = 12",
            "host.nonposted_credits: 12 is no power of two; legal: power of two from 2 to 64",
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
            "transmit = 16",
            "transmitt = 16",
            "queues.transmitt: no such key",
        ),
        (
            "transmit = 16\n",
            "",
            "queues.transmit: missing; legal: whole number from 1 to 16",
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
