//! The texts in the firmware's ELF file: each is the name of a symbol of the section `.defmt`, whose address is its
//! number.

use crate::Level;
use object::{Object, ObjectSection, ObjectSymbol};
use std::collections::BTreeMap;

/// What defmt calls the format of frames and symbols that this reads.
const VERSION: &str = "4";
/// How frames are encoded.
const ENCODING: &str = "rzcobs";

/// The texts of a firmware image.
#[derive(Clone, Debug, Default)]
pub struct Table {
    texts: BTreeMap<u16, Text>,
}

/// A text.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    /// None for parts of texts.
    pub level: Option<Level>,
    /// With places for arguments.
    pub format: String,
}

/// A file that has no texts that can be read.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// It is no ELF file.
    #[error("the firmware's ELF file: {0}")]
    Malformed(#[from] object::Error),
    /// Its defmt is of another time.
    #[error("the firmware logs in defmt's format {found}; this reads {expected}")]
    Format {
        /// What the file says.
        found: String,
        /// What it should say.
        expected: String,
    },
    /// A symbol is not what defmt makes.
    #[error("the symbol {symbol:?} is no text of defmt's: {error}")]
    Symbol {
        /// Its text, as defmt wrote it.
        symbol: String,
        /// What is wrong.
        error: serde_json::Error,
    },
}

impl Table {
    /// The texts of an ELF file.
    ///
    /// # Errors
    /// The file is malformed, or of another version of defmt.
    pub fn read(elf: &[u8]) -> Result<Self, TableError> {
        let file = object::File::parse(elf)?;
        let section = file.section_by_name(".defmt").map(|found| found.index());
        let mut table = Table::default();
        for symbol in file.symbols() {
            let Ok(name) = symbol.name() else { continue };
            // Linkers may leave the quotes of their scripts in the name.
            let plain = name.trim_matches('"');
            for (key, expected) in [
                ("_defmt_version_ = ", VERSION),
                ("_defmt_encoding_ = ", ENCODING),
            ] {
                if let Some(found) = plain.strip_prefix(key)
                    && found != expected
                {
                    return Err(TableError::Format {
                        found: found.to_owned(),
                        expected: expected.to_owned(),
                    });
                }
            }
            if section.is_some() && symbol.section_index() == section && name.starts_with('{') {
                table.add(symbol.address() as u16, name)?;
            }
        }
        Ok(table)
    }

    fn add(&mut self, number: u16, symbol: &str) -> Result<(), TableError> {
        let text: serde_json::Value =
            serde_json::from_str(symbol).map_err(|error| TableError::Symbol {
                symbol: symbol.to_owned(),
                error,
            })?;
        let level = match text["tag"].as_str() {
            Some("defmt_trace") => Some(Level::Trace),
            Some("defmt_debug") => Some(Level::Debug),
            Some("defmt_info") => Some(Level::Info),
            Some("defmt_warn") => Some(Level::Warn),
            Some("defmt_error") => Some(Level::Error),
            _ => None,
        };
        let format = text["data"].as_str().unwrap_or_default().to_owned();
        self.texts.insert(number, Text { level, format });
        Ok(())
    }

    /// The text of this number.
    pub(crate) fn text(&self, number: u16) -> Option<&Text> {
        self.texts.get(&number)
    }
}

#[cfg(test)]
impl Table {
    /// A table of these symbols.
    pub(crate) fn of(symbols: &[(u16, &str, &str)]) -> Self {
        let mut table = Table::default();
        for (number, tag, data) in symbols {
            let symbol = serde_json::json!({ "tag": tag, "data": data }).to_string();
            table.add(*number, &symbol).expect("it is well formed");
        }
        table
    }
}
