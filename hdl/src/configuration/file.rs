//! A configuration file: its keys, what they may be, and the constants that they become.
//!
//! The build script includes this module to write the constants; the generator uses it to compare a file with them.

use std::collections::BTreeMap;
use std::fmt::Write;
use toml::{Table, Value};

/// How a key becomes a constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Its value.
    Value,
    /// Its value, which must be a power of two.
    PowerOfTwo,
    /// The base-2 logarithm of its value, which must be a power of two.
    Log2,
}

/// A key of a configuration file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// Section and name, separated by a dot.
    pub name: &'static str,
    /// The constant in `crate::configuration`.
    pub constant: &'static str,
    /// What the constant is, beginning with its form.
    pub meaning: &'static str,
    /// How the one becomes the other.
    pub form: Form,
    /// Smallest legal value.
    pub least: u64,
    /// Largest legal value.
    pub most: u64,
}

/// Beats of a virtual channel's buffer that no credit covers.
pub const CHANNEL_SLACK_BEATS: u64 = 32;

/// Every key.
pub const KEYS: &[Key] = &[
    Key {
        name: "clock_hertz",
        constant: "CLOCK_HERTZ",
        meaning: "Core clock in hertz, as the identity registers tell it.",
        form: Form::Value,
        least: 1_000_000,
        most: 1_000_000_000,
    },
    Key {
        name: "queues.transmit",
        constant: "TRANSMIT_QUEUES",
        meaning: "Resident transmit queues.",
        form: Form::Value,
        least: 1,
        most: 16,
    },
    Key {
        name: "queues.receive",
        constant: "RECEIVE_QUEUES",
        meaning: "Resident receive queues.",
        form: Form::Value,
        least: 1,
        most: 16,
    },
    // Nine bits count them.
    Key {
        name: "queues.restart_cycles",
        constant: "RESTART_CYCLES",
        meaning: "Cycles a transmit queue waits before it tries a full receive ring again.",
        form: Form::Value,
        least: 16,
        most: 511,
    },
    // Firmware lets a queue rest for twice the largest before it uses it again. Each of 16 queues has its turn within a tick.
    Key {
        name: "queues.acknowledge_tick_cycles",
        constant: "ACKNOWLEDGE_TICK_LOG2",
        meaning: "Base-2 logarithm of the cycles between two looks for overdue acknowledgements.",
        form: Form::Log2,
        least: 1 << 10,
        most: 1 << 17,
    },
    Key {
        name: "host.nonposted_credits",
        constant: "NONPOSTED_CREDITS",
        meaning: "Non-posted requests the host may have outstanding.",
        form: Form::PowerOfTwo,
        least: 2,
        most: 64,
    },
    Key {
        name: "host.register_write_beats",
        constant: "REGISTER_WRITES_LOG2",
        meaning: "Base-2 logarithm of the beats of register writes that may wait.",
        form: Form::Log2,
        least: 2,
        most: 64,
    },
    // Tags are four bits wide everywhere.
    Key {
        name: "host.read_tags",
        constant: "READ_TAGS_LOG2",
        meaning: "Base-2 logarithm of the NIU's own outstanding read requests.",
        form: Form::Log2,
        least: 16,
        most: 16,
    },
    // All tags must have aged before the next tick; 24 bits count it.
    Key {
        name: "host.completion_timeout_cycles",
        constant: "COMPLETION_TIMEOUT_CYCLES",
        meaning: "Cycles after which an own read is given up.",
        form: Form::Value,
        least: 1024,
        most: 1 << 24,
    },
    // Credits count beats modulo 2^16.
    Key {
        name: "link.channel_buffer_beats",
        constant: "CHANNEL_BEATS_LOG2",
        meaning: "Base-2 logarithm of the beats a virtual channel's receive buffer holds.",
        form: Form::Log2,
        least: 128,
        most: 4096,
    },
    // Eleven bits count them.
    Key {
        name: "link.credit_interval_cycles",
        constant: "CREDIT_INTERVAL_CYCLES",
        meaning: "A credit frame is sent at least this often.",
        form: Form::Value,
        least: 64,
        most: 2047,
    },
    Key {
        name: "link.credit_step_beats",
        constant: "CREDIT_STEP_BEATS",
        meaning: "A credit frame is sent as soon as this many beats were freed since the last.",
        form: Form::Value,
        least: 1,
        most: 2048,
    },
];

/// A legal configuration: the value of every constant, in the order of [`KEYS`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Configuration {
    /// Constants and their values.
    pub constants: Vec<(&'static Key, u64)>,
}

impl Configuration {
    /// Reads the text of a configuration file.
    ///
    /// # Errors
    /// One line for each thing that is wrong, with the key, its value and what is legal.
    pub fn parse(text: &str) -> Result<Self, String> {
        let table: Table = text.parse().map_err(|error| format!("not TOML: {error}"))?;
        let mut given = BTreeMap::new();
        flatten("", &table, &mut given);
        let mut problems = Vec::new();
        let mut constants = Vec::new();
        for key in KEYS {
            match given.remove(key.name) {
                None => problems.push(format!("{}: missing; {}", key.name, key.legal())),
                Some(value) => match key.check(&value) {
                    Ok(number) => constants.push((key, number)),
                    Err(problem) => problems.push(problem),
                },
            }
        }
        let unknown = given.keys().map(|name| format!("{name}: no such key"));
        problems.extend(unknown);
        let configuration = Configuration { constants };
        if problems.is_empty() {
            problems.extend(configuration.credit_problem());
        }
        if problems.is_empty() {
            Ok(configuration)
        } else {
            Err(problems.join("\n"))
        }
    }

    fn value(&self, constant: &str) -> u64 {
        let found = self
            .constants
            .iter()
            .find(|(key, _)| key.constant == constant);
        found.map_or(0, |(_, value)| *value)
    }

    /// A peer that waits for credits must be told of them before it has used up all it has.
    fn credit_problem(&self) -> Option<String> {
        let step = self.value("CREDIT_STEP_BEATS");
        let most = ((1 << self.value("CHANNEL_BEATS_LOG2")) - CHANNEL_SLACK_BEATS) / 2;
        (step > most).then(|| {
            format!(
                "link.credit_step_beats: {step} is out of range; legal with this \
                 link.channel_buffer_beats: 1 to {most}"
            )
        })
    }

    /// The constants as the text of `sizes!` of `crate::configuration`.
    pub fn rust(&self) -> String {
        let mut text = String::from("sizes! {\n");
        for (key, value) in &self.constants {
            // A string cannot fail to be written to.
            let _ = writeln!(text, "    {} = {value} {:?},", key.constant, key.meaning);
        }
        let _ = writeln!(
            text,
            "    CHANNEL_SLACK_BEATS = {CHANNEL_SLACK_BEATS} \"Beats of a channel's buffer that no credit covers: where a \
             frame without credit stands until it is dropped.\",\n}}"
        );
        text
    }
}

impl Key {
    fn legal(&self) -> String {
        let kind = match self.form {
            Form::Value => "whole number",
            Form::PowerOfTwo | Form::Log2 => "power of two",
        };
        if self.least == self.most {
            format!("legal: {}", self.least)
        } else {
            format!("legal: {kind} from {} to {}", self.least, self.most)
        }
    }

    /// The constant's value.
    fn check(&self, value: &Value) -> Result<u64, String> {
        let refuse = |why: &str| format!("{}: {value} is {why}; {}", self.name, self.legal());
        let number = value
            .as_integer()
            .ok_or_else(|| refuse("no whole number"))?;
        let number = u64::try_from(number).map_err(|_| refuse("negative"))?;
        if !(self.least..=self.most).contains(&number) {
            return Err(refuse("out of range"));
        }
        match self.form {
            Form::Value => Ok(number),
            _ if !number.is_power_of_two() => Err(refuse("no power of two")),
            Form::PowerOfTwo => Ok(number),
            Form::Log2 => Ok(number.ilog2().into()),
        }
    }
}

/// Names of all values, sections and names separated by dots.
fn flatten(prefix: &str, table: &Table, into: &mut BTreeMap<String, Value>) {
    for (name, value) in table {
        let path = if prefix.is_empty() {
            name.clone()
        } else {
            format!("{prefix}.{name}")
        };
        match value {
            Value::Table(inner) => flatten(&path, inner, into),
            value => {
                into.insert(path, value.clone());
            }
        }
    }
}
