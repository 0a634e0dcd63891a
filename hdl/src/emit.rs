//! From a block to Verilog text.
//!
//! Three things are added to what rust-hdl writes: a name of our choice for the top module,
//! black-box stubs once each, and the numbers behind the `abi` constants that kernels name by path
//! (rust-hdl leaves such names in the text as they stand).

use abi::schema::Section;
use rust_hdl::core::{block::Block, module_defines::ModuleDefines};
use rust_hdl::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// Verilog of `unit` and everything below it; the top module is called `name`.
///
/// # Panics
/// If rust-hdl's checks fail (unconnected inputs, loops, writes to inputs) or a name in a kernel is
/// not a known constant.
pub fn emit<U: Block>(name: &str, unit: &U) -> String {
    check_all(unit).unwrap_or_else(|error| panic!("{name}: {error:?}"));
    let mut defines = ModuleDefines::default();
    unit.accept(name, &mut defines);
    resolve_constants(name, &drop_repeated_stubs(&defines.defines()))
}

/// Verilog of a whole design: as [`emit`], without the stubs of black boxes, whose own Verilog is read beside it.
///
/// # Panics
/// As [`emit`].
pub fn emit_design<U: Block>(name: &str, unit: &U) -> String {
    split_stubs(&emit(name, unit)).0
}

/// Keeps the first of equal black-box stubs: a second one would be a second definition of the module.
fn drop_repeated_stubs(verilog: &str) -> String {
    let (mut text, stubs) = split_stubs(verilog);
    let mut seen = BTreeSet::new();
    for stub in stubs {
        if seen.insert(stub.trim().to_string()) {
            text.push_str(&stub);
        }
    }
    text
}

/// The text without its black-box stubs, and the stubs.
fn split_stubs(verilog: &str) -> (String, Vec<String>) {
    const OPEN: &str = "(* blackbox *)";
    const CLOSE: &str = "endmodule";
    let mut parts = verilog.split(OPEN);
    let mut text = parts.next().unwrap_or_default().to_string();
    let mut stubs = Vec::new();
    for part in parts {
        let (stub, rest) = part.split_once(CLOSE).expect("a stub ends with endmodule");
        stubs.push(format!("{OPEN}{stub}{CLOSE}\n"));
        text.push_str(rest);
    }
    (text, stubs)
}

/// Replaces names such as `abi$link$header$length$SHIFT` by their numbers.
///
/// A name may be given by any suffix of its path with at least two parts (`length$SHIFT` if a
/// kernel imports the module), as long as all constants with that suffix that are in use agree;
/// crate constants end in one upper-case word.
fn resolve_constants(name: &str, verilog: &str) -> String {
    let table = constants();
    let mut text = String::with_capacity(verilog.len());
    let mut rest = verilog;
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '$';
    while let Some(start) = rest.find(|c: char| c.is_ascii_alphabetic() || c == '_') {
        // A letter directly after a digit or quote belongs to a number such as 4'hf.
        let end = rest[start..]
            .find(|c| !is_word(c))
            .map_or(rest.len(), |n| start + n);
        let before = rest[..start].chars().next_back();
        let word = &rest[start..end];
        text.push_str(&rest[..start]);
        let last = word.rsplit('$').next().unwrap_or(word);
        let constant = word.contains('$')
            && !before.is_some_and(|c| c == '\'' || c.is_ascii_digit())
            && last.chars().next().is_some_and(|c| c.is_ascii_uppercase())
            && last
                .chars()
                .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
        match constant.then(|| lookup(&table, word)) {
            Some(Some(value)) => text.push_str(&number(value)),
            Some(None) => panic!("{name}: the kernel names {word}, which is no abi constant"),
            None => text.push_str(word),
        }
        rest = &rest[end..];
    }
    text.push_str(rest);
    text
}

/// Unsized, as rust-hdl writes literals, unless 32 bits are not enough.
fn number(value: u64) -> String {
    if value < 1 << 31 {
        format!("32'h{value:x}")
    } else {
        format!("64'h{value:x}")
    }
}

/// The value of the constant whose path ends in `name`.
fn lookup(table: &BTreeMap<String, u64>, name: &str) -> Option<u64> {
    let name = name
        .strip_prefix("abi$")
        .or_else(|| name.strip_prefix("crate$"))
        .unwrap_or(name);
    if let Some(value) = table.get(name) {
        return Some(*value);
    }
    let suffix = format!("${name}");
    let mut values = table
        .iter()
        .filter(|(path, _)| path.ends_with(&suffix))
        .map(|(_, value)| *value);
    let first = values.next()?;
    assert!(
        values.all(|value| value == first),
        "{name} names several abi constants: write more of its path"
    );
    Some(first)
}

/// Every constant of the schema by its path, parts joined with `$`.
fn constants() -> BTreeMap<String, u64> {
    let mut table = BTreeMap::new();
    for section in abi::SECTIONS {
        section_constants(section, &mut table);
    }
    for (constant, value) in crate::bundles::write_packet::NUMBERS {
        table.insert(format!("write_packet${constant}"), value as u64);
    }
    for (constant, value) in crate::bundles::slot::NUMBERS {
        table.insert(format!("bundles$slot${constant}"), value as u64);
    }
    for (constant, value) in crate::bundles::stored_header::NUMBERS {
        table.insert(format!("bundles$stored_header${constant}"), value as u64);
    }
    for number in crate::configuration::NUMBERS {
        table.insert(format!("configuration${}", number.name), number.value);
    }
    table
}

fn section_constants(section: &Section, table: &mut BTreeMap<String, u64>) {
    let module = section.name;
    for number in section.numbers {
        table.insert(format!("{module}${}", number.name), number.value);
    }
    for codes in section.codes {
        for code in codes.values {
            table.insert(format!("{module}${}${}", codes.name, code.name), code.value);
        }
    }
    let mut fields = |path: String, word: &abi::schema::Word| {
        for field in word.fields {
            table.insert(format!("{path}${}$SHIFT", field.name), field.shift as u64);
            table.insert(format!("{path}${}$WIDTH", field.name), field.width as u64);
        }
    };
    for word in section.words {
        fields(format!("{module}${}", word.name), word);
    }
    for map in section.maps {
        for register in map.registers {
            fields(
                format!("{module}${}${}", map.name, register.word.name),
                &register.word,
            );
        }
    }
    for map in section.maps {
        for register in map.registers {
            table.insert(
                format!("{module}${}${}$OFFSET", map.name, register.word.name),
                register.offset as u64,
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use abi::link::header;

    /// A kernel that takes one field out of a header.
    #[derive(LogicBlock, Default)]
    struct TagOf {
        pub header: Signal<In, Bits<128>>,
        pub tag: Signal<Out, Bits<8>>,
        pub is_message: Signal<Out, Bit>,
        kind: Signal<Local, Bits<4>>,
    }

    impl Logic for TagOf {
        #[hdl_gen]
        fn update(&mut self) {
            self.tag.next = self.header.val().get_bits::<8>(header::tag::SHIFT);
            self.kind.next = self
                .header
                .val()
                .get_bits::<4>(abi::link::header::kind::SHIFT);
            self.is_message.next = self.kind.val() == abi::link::kind::MESSAGE.to_bits();
        }
    }

    #[test]
    fn constants_are_named_by_path_and_come_out_as_numbers() {
        let mut unit = TagOf::default();
        unit.header.connect();
        unit.connect_all();
        let verilog = emit("tag_of", &unit);
        assert!(
            verilog.contains("tag = header[(32'h70)+:(8)];"),
            "{verilog}"
        );
        assert!(verilog.contains("kind == 32'h1"), "{verilog}");
        assert!(!verilog.contains("SHIFT"), "{verilog}");
    }

    #[test]
    #[should_panic(expected = "no abi constant")]
    fn an_unknown_constant_is_refused() {
        resolve_constants("top", "x = abi$link$NO_SUCH_THING;");
    }

    #[test]
    fn equal_stubs_are_kept_once() {
        let stub = "(* blackbox *)\nmodule a;\nendmodule\n";
        assert_eq!(
            drop_repeated_stubs(&format!("x\n{stub}{stub}y"))
                .matches("module a")
                .count(),
            1
        );
    }
}
