//! The schema is sound in itself, and what is made from it is fresh.

use std::process::Command;
use wayfarer_abi::schema::{Word, extract, insert, mask};
use wayfarer_abi::{SECTIONS, command, control, link, message, queue_state};

fn all_words() -> impl Iterator<Item = &'static Word> {
    SECTIONS.iter().flat_map(|section| {
        let registers = section
            .maps
            .iter()
            .flat_map(|map| map.registers)
            .map(|register| &register.word);
        registers.chain(section.words)
    })
}

#[test]
fn fields_are_inside_their_words_and_never_overlap() {
    for word in all_words() {
        let mut end = 0;
        for field in word.fields {
            assert!(
                field.shift >= end,
                "{}.{} overlaps the field below it",
                word.name,
                field.name
            );
            end = field.shift + field.width;
        }
        assert!(
            end <= word.bits,
            "{} is wider than {} bits",
            word.name,
            word.bits
        );
    }
}

#[test]
fn registers_are_in_order_and_never_overlap() {
    for map in SECTIONS.iter().flat_map(|section| section.maps) {
        let mut end = 0;
        for register in map.registers {
            let name = register.word.name;
            assert!(
                register.offset >= end,
                "{}.{name} overlaps the register below it",
                map.name
            );
            assert_eq!(
                register.offset % (register.word.bits / 8),
                0,
                "{name} is misaligned"
            );
            end = register.offset + register.count * register.word.bits / 8;
        }
    }
}

#[test]
fn codes_are_in_order_and_fit_their_numbers() {
    for codes in SECTIONS.iter().flat_map(|section| section.codes) {
        assert!(
            codes.values.is_sorted_by(|a, b| a.value < b.value),
            "{} is not in ascending order",
            codes.name
        );
    }
    let counters = wayfarer_abi::control::counter::Counter::ALL.len();
    assert!(
        counters <= wayfarer_abi::control::COUNTERS,
        "more counters than counter registers"
    );
}

#[test]
fn extract_and_insert_agree_with_shifting_by_hand() {
    let word = 0x0123_4567_89ab_cdef_u128;
    assert_eq!(extract(word, 4, 8), 0xde);
    assert_eq!(insert(word, 4, 8, 0x5a), 0x0123_4567_89ab_c5af);
    assert_eq!(
        insert(0, 120, 8, 0x1ff),
        0xff << 120,
        "a value too wide is cut"
    );
    assert_eq!(extract(u128::MAX, 64, 64), u64::MAX);
}

/// The bits of all fields of a word.
fn all_fields(word: &Word) -> u128 {
    let fields = word.fields.iter();
    fields.fold(0, |bits, field| bits | (mask(field.width) << field.shift))
}

#[test]
fn a_word_is_packed_as_it_was_unpacked_without_its_reserved_bits() {
    /// Each word's type, and its description.
    macro_rules! check {
        ($( $type:path, $word:expr; )+) => {$(
            for pattern in [0, u128::MAX, 0x0123_4567_89ab_cdef_fedc_ba98_7654_3210, 0xa5 << 37] {
                let word = pattern & mask($word.bits);
                let packed: u128 = <$type>::unpack(word as _).pack().into();
                assert_eq!(packed, word & all_fields(&$word), "{}", $word.name);
            }
        )+};
    }
    use control::registers;
    check! {
        link::Header, link::header::WORD;
        link::Answer, link::answer::WORD;
        link::Ping, link::ping::WORD;
        link::Credit, link::credit::WORD;
        message::Shadow, message::shadow::WORD;
        message::ReceiveDescriptor, message::receive_descriptor::WORD;
        queue_state::TransmitControl, queue_state::transmit_control::WORD;
        command::StateOperand, command::state_operand::WORD;
        registers::Sizes, registers::sizes::REGISTER.word;
    }
}

#[test]
fn a_field_stands_in_its_bits_and_a_value_too_wide_is_cut() {
    let header = link::Header {
        tag: 0x1a5,
        length: 0x101,
        ..Default::default()
    };
    assert_eq!(header.pack(), 0xa5 << 112 | 1 << 120);
    let shadow = message::Shadow::unpack(0x0001_0000_0000_abcd);
    assert_eq!((shadow.consumer, shadow.failed), (0xabcd, 1));
}

#[test]
fn reference_pages_and_c_header_are_fresh() {
    let output = Command::new(env!("CARGO_BIN_EXE_generate-reference"))
        .arg("--check")
        .output()
        .expect("the generator runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
