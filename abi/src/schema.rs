//! Registers, words and codes as data.
//!
//! Everything that two parts of Wayfarer must agree on is written once with the macros of this crate. Each use leaves
//! behind Rust constants, a type for each word (for firmware, driver and simulator), and a `const` description of
//! itself from which the reference pages and the C header are made. The hardware's kernels use the constants.
//!
//! A word's type takes that word and no other:
//!
//! ```compile_fail,E0308
//! use wayfarer_abi::{link::Header, message::Shadow};
//! let header: Header = Shadow::unpack(0);
//! ```
//!
//! ```compile_fail,E0609
//! use wayfarer_abi::message::Shadow;
//! let node = Shadow::unpack(0).source_node;
//! ```
//!
//! ```
//! use wayfarer_abi::{link::Header, message::Shadow};
//! assert_eq!(Shadow::unpack(0x1_0000_0000_0007).consumer, 7);
//! assert_eq!(Header { source_node: 3, ..Header::default() }.pack(), 3 << 21);
//! ```

/// A field inside a word: bits `shift .. shift + width`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Name, in snake case.
    pub name: &'static str,
    /// Lowest bit.
    pub shift: usize,
    /// Number of bits.
    pub width: usize,
    /// What the field means, its unit and its legal values.
    pub meaning: &'static str,
}

/// A word with named fields: a register's contents, a header, a descriptor.
#[derive(Clone, Copy, Debug)]
pub struct Word {
    /// Name, in snake case.
    pub name: &'static str,
    /// Number of bits, at most 128.
    pub bits: usize,
    /// What the word is.
    pub meaning: &'static str,
    /// Its fields, lowest first; bits of no field are reserved and zero.
    pub fields: &'static [Field],
}

/// Who may do what with a register over PCIe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reads return the value, writes are counted and ignored.
    ReadOnly,
    /// Reads return what was written last.
    ReadWrite,
    /// Reads end in an Unsupported Request completion.
    WriteOnly,
    /// Writing a one clears that bit.
    WriteOneToClear,
}

/// One register, or an array of equal registers.
#[derive(Clone, Copy, Debug)]
pub struct Register {
    /// Byte offset from the start of its map.
    pub offset: usize,
    /// How many, one after the other, `word.bits / 8` bytes apart.
    pub count: usize,
    /// Who may do what.
    pub access: Access,
    /// Value after reset.
    pub reset: u64,
    /// Name, width, meaning and fields.
    pub word: Word,
}

/// An address space: registers at byte offsets.
#[derive(Clone, Copy, Debug)]
pub struct Map {
    /// Name, in snake case.
    pub name: &'static str,
    /// What lives there.
    pub meaning: &'static str,
    /// The registers in order of their offsets.
    pub registers: &'static [Register],
}

/// One value of a code.
#[derive(Clone, Copy, Debug)]
pub struct Code {
    /// Name of the value.
    pub name: &'static str,
    /// What stands in a field for it.
    pub value: u64,
    /// What it means.
    pub meaning: &'static str,
}

/// A set of values of one field: opcodes, kinds, statuses.
#[derive(Clone, Copy, Debug)]
pub struct Codes {
    /// Name, in snake case.
    pub name: &'static str,
    /// What the code tells apart.
    pub meaning: &'static str,
    /// The values in ascending order.
    pub values: &'static [Code],
}

/// A group of words, codes and plain numbers that belong together, such as a wire format.
#[derive(Clone, Copy, Debug)]
pub struct Section {
    /// Name of the module.
    pub name: &'static str,
    /// What the section is about.
    pub meaning: &'static str,
    /// Address spaces.
    pub maps: &'static [Map],
    /// Headers, descriptors and operands, in reading order.
    pub words: &'static [Word],
    /// Opcodes, kinds and statuses, in reading order.
    pub codes: &'static [Codes],
    /// Plain numbers: sizes, limits, offsets.
    pub numbers: &'static [Code],
}

/// The mask of a field of `width` bits at bit 0.
pub const fn mask(width: usize) -> u128 {
    if width >= 128 {
        u128::MAX
    } else {
        (1u128 << width) - 1
    }
}

/// Takes a field out of a word.
pub const fn extract(word: u128, shift: usize, width: usize) -> u64 {
    ((word >> shift) & mask(width)) as u64
}

/// Puts a value into a field of a word; bits of `value` above the field's width are dropped.
pub const fn insert(word: u128, shift: usize, width: usize, value: u64) -> u128 {
    (word & !(mask(width) << shift)) | (((value as u128) & mask(width)) << shift)
}

/// The type of a word's fields,
/// `[Type] 64 { field [7:0] "meaning", ... } "meaning of the word" ...`. Nothing without a name.
macro_rules! fields {
    (@raw 32) => { u32 };
    (@raw 64) => { u64 };
    (@raw 96) => { u128 };
    (@raw 128) => { u128 };
    ([] $bits:tt {} $($meaning:literal)+) => {};
    (
        [$type:ident] $bits:tt { $( $field:ident [$high:literal : $low:literal] $text:literal )+ }
        $($meaning:literal)+
    ) => {
        $(#[doc = $meaning])+
        ///
        /// Its fields; those of another word are of another type. Bits of no field are reserved.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $type { $( #[doc = $text] pub $field: u64 ),+ }
        impl $type {
            /// Takes the fields out of a word; reserved bits are ignored.
            pub const fn unpack(word: $crate::schema::fields!(@raw $bits)) -> Self {
                Self { $( $field: $crate::schema::extract(word as u128, $low, $high - $low + 1) ),+ }
            }
            /// The word with these fields, each cut to its width; reserved bits are zero.
            pub const fn pack(self) -> $crate::schema::fields!(@raw $bits) {
                let word = 0;
                $( let word = $crate::schema::insert(word, $low, $high - $low + 1, self.$field); )+
                word as $crate::schema::fields!(@raw $bits)
            }
        }
    };
}

/// Describes words: `word! { /// meaning  name / Name: 64 { field [7:0] "meaning", ... } ... }`.
///
/// Each word becomes a struct of its fields, `Name`, which packs and unpacks it, and a module `name` with `WORD` and
/// with a module for each field, whose `SHIFT` and `WIDTH` the hardware's kernels use.
macro_rules! word {
    (
        $(#[doc = $meaning:literal])+
        $name:ident / $type:ident : $bits:tt {
            $( $field:ident [$high:literal : $low:literal] $text:literal ),* $(,)?
        }
    ) => {
        $crate::schema::fields! { [$type] $bits { $( $field [$high : $low] $text )* } $($meaning)+ }
        $(#[doc = $meaning])+
        pub mod $name {
            $(
                #[doc = $text]
                pub mod $field {
                    /// Lowest bit of the field.
                    pub const SHIFT: usize = $low;
                    /// Number of bits of the field.
                    pub const WIDTH: usize = $high - $low + 1;
                    /// Takes the field out of `word`, of whatever kind it is: for the tests of
                    /// blocks until they use the word's type.
                    pub const fn get(word: u128) -> u64 {
                        $crate::schema::extract(word, SHIFT, WIDTH)
                    }
                    /// `word` with the field set to `value`, cut to the field's width: as `get`.
                    pub const fn set(word: u128, value: u64) -> u128 {
                        $crate::schema::insert(word, SHIFT, WIDTH, value)
                    }
                }
            )*
            /// The word as data.
            pub const WORD: $crate::schema::Word = $crate::schema::Word {
                name: stringify!($name),
                bits: $bits,
                meaning: concat!($($meaning, "\n"),+),
                fields: &[$( $crate::schema::Field {
                    name: stringify!($field),
                    shift: $low,
                    width: $high - $low + 1,
                    meaning: $text,
                } ),*],
            };
        }
    };
}

/// Describes an address space: `name / Name @ offset: 32 ReadOnly = reset { fields as of a word }`,
/// without a type if it has no fields. Each register becomes a struct of its fields, and a module
/// with `OFFSET`, `REGISTER` and its fields.
macro_rules! register_map {
    ($(#[doc = $map_meaning:literal])+ $map:ident { $(
        $(#[doc = $meaning:literal])+
        $name:ident $(/ $type:ident)? @ $offset:literal $(* $count:literal)? : $bits:tt $access:ident = $reset:literal {
            $( $field:ident [$high:literal : $low:literal] $text:literal ),* $(,)?
        }
    )* }) => {
        $(#[doc = $map_meaning])+
        pub mod $map {
            $(
                $crate::schema::fields! { [$($type)?] $bits { $( $field [$high : $low] $text )* } $($meaning)+ }
                $(#[doc = $meaning])+
                pub mod $name {
                    /// Byte offset of the (first) register.
                    pub const OFFSET: usize = $offset;
                    $(
                        #[doc = $text]
                        pub mod $field {
                            /// Lowest bit of the field.
                            pub const SHIFT: usize = $low;
                            /// Number of bits of the field.
                            pub const WIDTH: usize = $high - $low + 1;
                            /// Takes the field out of `word`, of whatever register it is: for the tests of blocks
                            /// until they use the register's type.
                            pub const fn get(word: u64) -> u64 {
                                $crate::schema::extract(word as u128, SHIFT, WIDTH)
                            }
                            /// `word` with the field set to `value`, cut to the field's width: as `get`.
                            pub const fn set(word: u64, value: u64) -> u64 {
                                $crate::schema::insert(word as u128, SHIFT, WIDTH, value) as u64
                            }
                        }
                    )*
                    /// The register as data.
                    pub const REGISTER: $crate::schema::Register = $crate::schema::Register {
                        offset: $offset,
                        count: 1 $( * $count )?,
                        access: $crate::schema::Access::$access,
                        reset: $reset,
                        word: $crate::schema::Word {
                            name: stringify!($name),
                            bits: $bits,
                            meaning: concat!($($meaning, "\n"),+),
                            fields: &[$( $crate::schema::Field {
                                name: stringify!($field),
                                shift: $low,
                                width: $high - $low + 1,
                                meaning: $text,
                            } ),*],
                        },
                    };
                }
            )*
            /// The map as data.
            pub const MAP: $crate::schema::Map = $crate::schema::Map {
                name: stringify!($map),
                meaning: concat!($($map_meaning, "\n"),+),
                registers: &[$( $name::REGISTER ),*],
            };
        }
    };
}

/// Describes a code: constants in a module, and a `no_std` enum over them.
macro_rules! codes {
    (
        $(#[doc = $meaning:literal])+
        $module:ident : $type:ident {
            $( $name:ident / $constant:ident = $value:literal $text:literal ),* $(,)?
        }
    ) => {
        $(#[doc = $meaning])+
        pub mod $module {
            $( #[doc = $text] pub const $constant: usize = $value; )*
            $(#[doc = $meaning])+
            #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
            #[repr(u8)]
            pub enum $type { $( #[doc = $text] $name = $value ),* }
            impl $type {
                /// Every value in ascending order.
                pub const ALL: &'static [$type] = &[$( $type::$name ),*];
                /// The value with this number, if there is one.
                pub const fn from_code(code: u64) -> Option<$type> {
                    match code { $( $value => Some($type::$name), )* _ => None }
                }
                /// The number.
                pub const fn code(self) -> u64 { self as u64 }
                /// The name, as in the reference.
                pub const fn name(self) -> &'static str {
                    match self { $( $type::$name => stringify!($constant) ),* }
                }
                /// What the value means.
                pub const fn meaning(self) -> &'static str {
                    match self { $( $type::$name => $text ),* }
                }
            }
            /// The code as data.
            pub const CODES: $crate::schema::Codes = $crate::schema::Codes {
                name: stringify!($module),
                meaning: concat!($($meaning, "\n"),+),
                values: &[$( $crate::schema::Code { name: stringify!($constant), value: $value, meaning: $text } ),*],
            };
        }
    };
}

/// Describes plain numbers.
macro_rules! numbers {
    ($( $constant:ident = $value:literal $text:literal ),* $(,)?) => {
        $( #[doc = $text] pub const $constant: usize = $value; )*
        /// The numbers as data.
        pub const NUMBERS: &[$crate::schema::Code] = &[$( $crate::schema::Code {
            name: stringify!($constant),
            value: $value,
            meaning: $text,
        } ),*];
    };
}

/// Closes a section: names what it holds.
macro_rules! section {
    (
        $name:literal,
        $meaning:literal,
        maps: [$($map:ident),* $(,)?],
        words: [$($word:ident),* $(,)?],
        codes: [$($code:ident),* $(,)?]
    ) => {
        /// This section as data.
        pub const SECTION: $crate::schema::Section = $crate::schema::Section {
            name: $name,
            meaning: $meaning,
            maps: &[$( $map::MAP ),*],
            words: &[$( $word::WORD ),*],
            codes: &[$( $code::CODES ),*],
            numbers: NUMBERS,
        };
    };
}

pub(crate) use {codes, fields, numbers, register_map, section, word};
