//! A configuration file: its keys, what they may be, and the constants that they become.
//!
//! The builds of hardware, firmware and simulator take their sizes from the chosen file; the generator compares a
//! file with what it was built for, and `cargo xtask` checks a file before anything is built.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};
use toml::{Table, Value};

#[cfg(test)]
mod tests;

/// Names a configuration file instead of the default one; a relative path begins in `hdl/`.
pub const CONFIGURATION_VARIABLE: &str = "WAYFARER_CONFIGURATION";

/// How a key becomes a constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The number itself.
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

/// Bytes of the firmware's image without its tables, rounded up.
const FIRMWARE_BYTES: u64 = 34_048;

/// Bytes that the firmware's stack must have at least; the image uses a part of them.
const STACK_BYTES: u64 = 2048;

/// Bytes of the firmware's tables: for each resident queue of a side, each endpoint, each receive queue identifier, and
/// for the rest.
const TABLE_BYTES: [u64; 4] = [24, 2, 2, 1024];

/// Base-2 logarithm of the most rounds of the sweep that a pause or a time-out may take: the timer of a transmit queue
/// has one bit more.
const LONGEST_TIME_ROUNDS_LOG2: u32 = 10;

/// Every key.
pub const KEYS: &[Key] = &[
    // Drivers wait in nanoseconds, 20 ms for the firmware (`OpenOptions::firmware_patience_ns`): a
    // million cycles at least.
    Key {
        name: "clock_hertz",
        constant: "CLOCK_HERTZ",
        meaning: "Core clock in hertz, as the identity registers tell it.",
        form: Form::Value,
        least: 50_000_000,
        most: 1_000_000_000,
    },
    // Eight bits name a queue (`abi::queue_state::MAXIMUM_QUEUES`).
    Key {
        name: "queues.transmit",
        constant: "TRANSMIT_QUEUES_LOG2",
        meaning: "Base-2 logarithm of the resident transmit queues.",
        form: Form::Log2,
        least: 4,
        most: 256,
    },
    Key {
        name: "queues.receive",
        constant: "RECEIVE_QUEUES_LOG2",
        meaning: "Base-2 logarithm of the resident receive queues.",
        form: Form::Log2,
        least: 4,
        most: 256,
    },
    // Seven bits of an index tell 64 messages from those before and behind them
    // (`abi::message::MAXIMUM_TRANSMIT_SLOTS`).
    Key {
        name: "queues.transmit_slots",
        constant: "TRANSMIT_SLOTS_LOG2",
        meaning: "Base-2 logarithm of the slots of a transmit queue.",
        form: Form::Log2,
        least: 4,
        most: 64,
    },
    // Twelve bits name one (`abi::endpoint::PAGES`).
    Key {
        name: "queues.endpoints",
        constant: "ENDPOINTS_LOG2",
        meaning: "Base-2 logarithm of the endpoint pages.",
        form: Form::Log2,
        least: 16,
        most: 1 << 12,
    },
    Key {
        name: "queues.receive_queue_ids",
        constant: "RECEIVE_QUEUE_IDS_LOG2",
        meaning: "Base-2 logarithm of the receive queue identifiers.",
        form: Form::Log2,
        least: 16,
        most: 1 << 12,
    },
    // Eight bits of the endpoint map name a page.
    Key {
        name: "queues.inline_pages",
        constant: "INLINE_PAGES_LOG2",
        meaning: "Base-2 logarithm of the pages of the NIU memory pool, each with the inline bodies of an endpoint.",
        form: Form::Log2,
        least: 2,
        most: 64,
    },
    // Twelve bits of a queue's window name one (`abi::queue_state::MAXIMUM_TRANSLATION_ENTRIES`). The fewest queues
    // have 16 each, as an endpoint asks for that leaves the driver the choice (`EndpointOptions::default`).
    Key {
        name: "queues.translation_entries",
        constant: "TRANSLATION_LOG2",
        meaning: "Base-2 logarithm of the translation table's entries.",
        form: Form::Log2,
        least: 1 << 6,
        most: 1 << 12,
    },
    // A round of the sweep over all queues takes as long, but at least 8 cycles a queue.
    Key {
        name: "queues.shortest_pause_cycles",
        constant: "SHORTEST_PAUSE_LOG2",
        meaning: "Base-2 logarithm of the cycles a transmit queue waits before it tries a full receive ring again.",
        form: Form::Log2,
        least: 1 << 6,
        most: 1 << 12,
    },
    Key {
        name: "queues.longest_pause_cycles",
        constant: "LONGEST_PAUSE_LOG2",
        meaning: "Base-2 logarithm of the cycles up to which the pause doubles.",
        form: Form::Log2,
        least: 1 << 12,
        most: 1 << 20,
    },
    // `timer_problems` says what fits in a queue's timer.
    Key {
        name: "queues.answer_timeout_cycles",
        constant: "ANSWER_TIMEOUT_LOG2",
        meaning: "Base-2 logarithm of the cycles without an answer after which a transmit queue pings; as long again \
        and it fails.",
        form: Form::Log2,
        least: 1 << 14,
        most: 1 << 22,
    },
    Key {
        name: "host.nonposted_credits",
        constant: "NONPOSTED_CREDITS",
        meaning: "Non-posted requests the host may have outstanding.",
        form: Form::PowerOfTwo,
        least: 2,
        most: 64,
    },
    // Drivers rely on 16 (`abi::control::REGISTER_WRITE_LINES`). Fewer would save nothing: LUT RAM is 16 words deep.
    Key {
        name: "host.register_write_beats",
        constant: "REGISTER_WRITES_LOG2",
        meaning: "Base-2 logarithm of the beats of register writes that may wait.",
        form: Form::Log2,
        least: 16,
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
    // All tags must have aged before the next tick; 24 bits count it. PCI Express gives a completer 50 us at least,
    // which is less at every legal clock; and an own read may wait here for writes without credits.
    Key {
        name: "host.completion_timeout_cycles",
        constant: "COMPLETION_TIMEOUT_CYCLES",
        meaning: "Cycles after which an own read is given up.",
        form: Form::Value,
        least: 1 << 16,
        most: 1 << 24,
    },
    // Eight bits of queue state name one (`abi::interrupt::MAXIMUM_VECTORS`).
    Key {
        name: "host.interrupt_vectors",
        constant: "INTERRUPT_VECTORS_LOG2",
        meaning: "Base-2 logarithm of the interrupt vectors.",
        form: Form::Log2,
        least: 4,
        most: 256,
    },
    // Image and stack must have room (`ram_problem`), which is more than half of the 64 KiB that the address map has
    // place for (`abi::processor::MAXIMUM_RAM_BYTES`).
    Key {
        name: "processor.ram_bytes",
        constant: "RAM_BYTES_LOG2",
        meaning: "Base-2 logarithm of the bytes of the service processor's RAM.",
        form: Form::Log2,
        least: 1 << 16,
        most: 1 << 16,
    },
    // Ten bits name a node (`abi::queue_state::MAXIMUM_NODES`).
    Key {
        name: "link.nodes",
        constant: "NODES_LOG2",
        meaning: "Base-2 logarithm of the nodes that may send to this one.",
        form: Form::Log2,
        least: 4,
        most: 1 << 10,
    },
    Key {
        name: "link.peer_queues",
        constant: "PEER_QUEUES_LOG2",
        meaning: "Base-2 logarithm of the resident transmit queues that such a node may have.",
        form: Form::Log2,
        least: 4,
        most: 256,
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
            problems.extend(configuration.timer_problems());
            problems.extend(configuration.ram_problem());
        }
        if problems.is_empty() {
            Ok(configuration)
        } else {
            Err(problems.join("\n"))
        }
    }

    /// Reads the file that was chosen: the one that [`CONFIGURATION_VARIABLE`] names, else
    /// `configurations/default.toml`.
    ///
    /// # Errors
    /// As [`Configuration::read`].
    pub fn chosen() -> Result<Self, String> {
        Self::read(&chosen_file())
    }

    /// The same for a build script: tells Cargo what the answer depends on.
    ///
    /// # Errors
    /// As [`Configuration::read`].
    pub fn chosen_for_build() -> Result<Self, String> {
        println!("cargo:rerun-if-env-changed={CONFIGURATION_VARIABLE}");
        println!("cargo:rerun-if-changed={}", chosen_file().display());
        Self::chosen()
    }

    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, or as [`Configuration::parse`]; the text begins with the file's name.
    pub fn read(path: &Path) -> Result<Self, String> {
        let text = fs::read_to_string(path).map_err(|error| error.to_string());
        text.and_then(|text| Self::parse(&text))
            .map_err(|problem| format!("{}: {problem}", path.display()))
    }

    /// The value of a key as the file gives it.
    ///
    /// # Panics
    /// There is no such key.
    pub fn value(&self, name: &str) -> u64 {
        let mut all = self.constants.iter();
        let found = all.find(|(key, _)| key.name == name);
        let (key, constant) = found.unwrap_or_else(|| panic!("no key is called {name}"));
        match key.form {
            Form::Log2 => 1 << constant,
            Form::Value | Form::PowerOfTwo => *constant,
        }
    }

    /// A peer that waits for credits must be told of them before it has used up all it has.
    fn credit_problem(&self) -> Option<String> {
        let step = self.value("link.credit_step_beats");
        let most = (self.value("link.channel_buffer_beats") - CHANNEL_SLACK_BEATS) / 2;
        (step > most).then(|| {
            format!(
                "link.credit_step_beats: {step} is out of range; legal with this \
                 link.channel_buffer_beats: 1 to {most}"
            )
        })
    }

    /// Resident queues of the side that has more.
    pub fn queues_of_a_side(&self) -> u64 {
        let sides = ["queues.transmit", "queues.receive"];
        sides
            .map(|key| self.value(key))
            .into_iter()
            .fold(0, u64::max)
    }

    /// Bytes that the firmware's stack must have at least.
    pub fn stack_bytes(&self) -> u64 {
        STACK_BYTES
    }

    /// The firmware's image and stack must fit in its RAM.
    fn ram_problem(&self) -> Option<String> {
        let bytes = self.value("processor.ram_bytes");
        let counts = [
            self.queues_of_a_side(),
            self.value("queues.endpoints"),
            self.value("queues.receive_queue_ids"),
            1,
        ];
        let tables: u64 = counts
            .iter()
            .zip(TABLE_BYTES)
            .map(|(count, bytes)| count * bytes)
            .sum();
        let least = (FIRMWARE_BYTES + tables + self.stack_bytes()).next_power_of_two();
        (bytes < least).then(|| {
            format!(
                "processor.ram_bytes: {bytes} is out of range; legal with these queues, \
                 endpoints and receive queue identifiers: at least {least}"
            )
        })
    }

    /// Cycles of a round of the sweep over all transmit queues.
    fn round_cycles(&self) -> u64 {
        let queues = self.value("queues.transmit");
        (self.value("queues.shortest_pause_cycles") / queues).max(8) * queues
    }

    /// A transmit queue's timer counts the rounds of a pause and of twice the time-out.
    fn timer_problems(&self) -> Vec<String> {
        let most = self.round_cycles() << LONGEST_TIME_ROUNDS_LOG2;
        [
            "queues.longest_pause_cycles",
            "queues.answer_timeout_cycles",
        ]
        .into_iter()
        .filter(|name| self.value(name) > most)
        .map(|name| {
            format!(
                "{name}: {} is out of range; legal with this queues.shortest_pause_cycles and \
                     queues.transmit: at most {most}",
                self.value(name)
            )
        })
        .collect()
    }

    /// The constants as the text of `sizes!` of `crate::configuration`.
    pub fn rust(&self) -> String {
        let mut text = String::from("sizes! {\n");
        let mut add = |name: &str, value: u64, meaning: &str| {
            // A string cannot fail to be written to.
            let _ = writeln!(text, "    {name} = {value} {meaning:?},");
        };
        for (key, value) in &self.constants {
            add(key.constant, *value, key.meaning);
        }
        // What follows from them; kernels can name only what stands here.
        for name in [
            "queues.transmit",
            "queues.receive",
            "queues.transmit_slots",
            "host.interrupt_vectors",
        ] {
            let key = KEYS.iter().find(|key| key.name == name);
            let constant = key.map_or("", |key| key.constant.trim_end_matches("_LOG2"));
            add(
                constant,
                self.value(name),
                "The number whose logarithm stands above.",
            );
        }
        add(
            "ENDPOINT_SPACE_LOG2",
            u64::from(self.value("queues.endpoints").ilog2()) + 12,
            "Base-2 logarithm of the bytes of all endpoint pages: the size of BAR2, and of each half of BAR4.",
        );
        let round = self.round_cycles();
        add(
            "SWEEP_LOG2",
            (round / self.value("queues.transmit")).ilog2().into(),
            "Base-2 logarithm of the cycles between two visits of the sweep, each at the next transmit queue.",
        );
        add(
            "LONGEST_PAUSE_ROUNDS_LOG2",
            (self.value("queues.longest_pause_cycles") / round)
                .max(1)
                .ilog2()
                .into(),
            "Base-2 logarithm of the longest pause, in rounds of the sweep.",
        );
        add(
            "ANSWER_TIMEOUT_ROUNDS",
            (self.value("queues.answer_timeout_cycles") / round).max(2),
            "Rounds of the sweep after which a queue pings; twice as many and it fails.",
        );
        add(
            "TRANSLATION_ENTRIES",
            self.value("queues.translation_entries"),
            "Entries of the translation table.",
        );
        add(
            "RAM_WORDS_LOG2",
            (self.value("processor.ram_bytes") / 4).ilog2().into(),
            "Base-2 logarithm of the 32-bit words of the service processor's RAM.",
        );
        add(
            "CHANNEL_SLACK_BEATS",
            CHANNEL_SLACK_BEATS,
            "Beats of a channel's buffer that no credit covers: where a frame without credit stands until it is \
             dropped.",
        );
        text.push_str("}\n");
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

fn chosen_file() -> PathBuf {
    let named = env::var_os(CONFIGURATION_VARIABLE).map(PathBuf::from);
    let hdl = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    hdl.join(named.unwrap_or_else(|| "configurations/default.toml".into()))
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
