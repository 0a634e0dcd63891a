//! Platform profiles: how fast and how far away the host is.
//!
//! A profile is a TOML file under `profiles/`; every one is built into the program and found by name. All times are
//! nanoseconds of simulated time.

use crate::model::CLOCK_PERIOD_PS;
use serde::Deserialize;

/// The built-in profiles: name and TOML text, in the order they are listed to users.
const BUILT_IN: &[(&str, &str)] = &[
    (
        "pcie-gen3-x8",
        include_str!("../profiles/pcie-gen3-x8.toml"),
    ),
    (
        "pcie-gen1-x1",
        include_str!("../profiles/pcie-gen1-x1.toml"),
    ),
    ("bare", include_str!("../profiles/bare.toml")),
];

/// How many packets of maximum size a class needs credits for before its `*_allowed` gate opens. The device looks at
/// the gate when it starts a packet, a few cycles before the header is on the port; this is the room for packets that
/// were started meanwhile.
pub const CREDIT_MARGIN_PACKETS: u32 = 3;

/// Bytes of one flow-control data unit (PCIe 2.6.1).
pub const CREDIT_UNIT_BYTES: u32 = 16;

/// Why there is no such profile, or why it is refused.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// No built-in profile has this name.
    #[error("no PCIe profile named \"{name}\"; known are {known}")]
    Unknown {
        /// The name asked for.
        name: String,
        /// The names that exist, separated by commas.
        known: String,
    },
    /// The text is not a profile.
    #[error("PCIe profile: {0}")]
    Syntax(#[from] toml::de::Error),
    /// A value is outside what PCIe or this simulator allows.
    #[error("PCIe profile \"{name}\": {reason}")]
    Refused {
        /// Name of the profile.
        name: String,
        /// What is wrong with which value.
        reason: String,
    },
}

/// A platform: PCIe link, root complex and the host's instruction costs. The core clock is not part of it: that is
/// the NIU's own ([`crate::model::CLOCK_HERTZ`]).
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Name by which users choose it.
    pub name: String,
    /// One line for listings.
    pub description: String,
    /// The link between root complex and NIU.
    pub link: LinkProfile,
    /// The root complex and the memory behind it.
    pub root_complex: RootComplexProfile,
    /// What instructions of the host program cost.
    pub host: HostCosts,
}

/// The PCIe link, both directions alike.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkProfile {
    /// PCIe generation; 0 when there is no such link.
    pub generation: u8,
    /// Lanes; 0 when there is no such link.
    pub lanes: u8,
    /// Bytes a nanosecond after line encoding, framing included; 0: a beat of 16 bytes a core cycle.
    pub raw_bytes_per_ns: f64,
    /// Bytes each packet takes on the line besides its own: framing, sequence number, LCRC.
    pub framing_overhead_bytes: u32,
    /// One way from port to port: root complex, link, both PHYs.
    pub latency_ns: u64,
    /// The first beat is handed on before the packet is whole. Only for lines at least as fast as a beat a cycle;
    /// real hard blocks wait for the LCRC.
    #[serde(default)]
    pub cut_through: bool,
    /// Bytes that the hard block takes from the NIU ahead of the line.
    pub transmit_buffer_bytes: u32,
    /// Max_Payload_Size that enumeration sets: 128 to 4096, a power of two.
    pub maximum_payload_bytes: u32,
    /// Max_Read_Request_Size that enumeration sets: 128 to 4096, a power of two.
    pub maximum_read_request_bytes: u32,
}

/// The root complex, its credits and its memory.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RootComplexProfile {
    /// Where completions to the device may be cut: 64 or 128 (2.3.1.1).
    pub read_completion_boundary_bytes: u32,
    /// From a read request's arrival at the root complex to its data.
    pub memory_read_latency_ns: u64,
    /// How answers to reads are cut into completions.
    pub completion_split: CompletionSplit,
    /// Completions of several reads may alternate.
    pub completion_interleave: bool,
    /// Host reads of the device end in an error after this long.
    pub read_timeout_ns: u64,
    /// Enumeration places the BARs above 4 GiB.
    pub bars_above_4_gib: bool,
    /// I/O virtual addresses lie above 4 GiB.
    pub iova_above_4_gib: bool,
    /// Credits for memory writes from the device.
    pub posted_credits: Credits,
    /// Credits for memory reads from the device.
    pub nonposted_credits: Credits,
    /// Credits for completions from the device.
    pub completion_credits: Credits,
}

/// How the answer to one read is cut into completions; every way is legal by 2.3.1.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CompletionSplit {
    /// As few completions as the maximum payload allows.
    Whole,
    /// A completion ends at every read-completion boundary.
    Boundary,
    /// Each completion ends at a boundary chosen by the seeded generator.
    Random,
}

/// Flow-control credits of one class; 0 is infinite, as in the initial advertisement (2.6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credits {
    /// Packet headers.
    pub headers: u32,
    /// Units of 16 bytes of payload.
    pub data_units: u32,
}

/// What the host's instructions cost the program that executes them. An uncached load costs its round trip over the
/// link and has no number of its own.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostCosts {
    /// One store to an uncached page, until the next instruction.
    pub uncached_store_ns: u64,
    /// Filling one 64-byte line of a write-combining page.
    pub write_combining_store_ns: u64,
    /// The fence that empties the write-combining buffers.
    pub write_combining_flush_ns: u64,
    /// One load from host memory that hits a cache.
    pub cached_load_ns: u64,
    /// Time between two looks at host memory while waiting.
    pub poll_interval_ns: u64,
    /// From the arrival of an interrupt to the next instruction of the program that is blocked until then.
    pub interrupt_wakeup_ns: u64,
}

impl Profile {
    /// Names of the built-in profiles.
    pub fn names() -> impl Iterator<Item = &'static str> {
        BUILT_IN.iter().map(|(name, _)| *name)
    }

    /// The built-in profile of this name.
    ///
    /// # Errors
    /// [`ProfileError::Unknown`] lists the names that exist.
    pub fn named(name: &str) -> Result<Profile, ProfileError> {
        match BUILT_IN.iter().find(|(known, _)| *known == name) {
            Some((_, text)) => Profile::from_toml(text),
            None => Err(ProfileError::Unknown {
                name: name.to_owned(),
                known: Profile::names().collect::<Vec<_>>().join(", "),
            }),
        }
    }

    /// A profile from TOML text, checked.
    ///
    /// # Errors
    /// [`ProfileError::Syntax`] or [`ProfileError::Refused`].
    pub fn from_toml(text: &str) -> Result<Profile, ProfileError> {
        let profile: Profile = toml::from_str(text)?;
        profile.check()?;
        Ok(profile)
    }

    /// Checks every value against PCIe and against the others.
    ///
    /// # Errors
    /// [`ProfileError::Refused`] with the first value that cannot be.
    pub fn check(&self) -> Result<(), ProfileError> {
        let refuse = |reason: String| {
            Err(ProfileError::Refused {
                name: self.name.clone(),
                reason,
            })
        };
        let link = &self.link;
        let beat_a_cycle = link.raw_bytes_per_ns == 0.0;
        if !beat_a_cycle && !(0.001..=1024.0).contains(&link.raw_bytes_per_ns) {
            return refuse(format!(
                "raw_bytes_per_ns = {} is neither a beat a cycle (0) nor between 0.001 and 1024",
                link.raw_bytes_per_ns
            ));
        }
        let beat_ps = 16_000.0 / link.raw_bytes_per_ns;
        if link.cut_through && !beat_a_cycle && beat_ps > CLOCK_PERIOD_PS as f64 {
            return refuse("cut_through needs a line of at least 16 bytes a core cycle".to_owned());
        }
        for (name, bytes) in [
            ("maximum_payload_bytes", link.maximum_payload_bytes),
            (
                "maximum_read_request_bytes",
                link.maximum_read_request_bytes,
            ),
        ] {
            if !bytes.is_power_of_two() || !(128..=4096).contains(&bytes) {
                return refuse(format!(
                    "{name} = {bytes} is not a power of two from 128 to 4096"
                ));
            }
        }
        let root = &self.root_complex;
        if ![64, 128].contains(&root.read_completion_boundary_bytes) {
            return refuse(format!(
                "read_completion_boundary_bytes = {} is neither 64 nor 128",
                root.read_completion_boundary_bytes
            ));
        }
        let payload_units = link.maximum_payload_bytes / CREDIT_UNIT_BYTES;
        for (name, credits, units_each) in [
            ("posted_credits", root.posted_credits, payload_units),
            ("nonposted_credits", root.nonposted_credits, 0),
            ("completion_credits", root.completion_credits, payload_units),
        ] {
            let (headers, data_units) = (CREDIT_MARGIN_PACKETS, CREDIT_MARGIN_PACKETS * units_each);
            if credits.headers != 0 && credits.headers < headers {
                return refuse(format!(
                    "{name}.headers = {} is neither infinite (0) nor at least {headers}",
                    credits.headers
                ));
            }
            if credits.data_units != 0 && credits.data_units < data_units {
                return refuse(format!(
                    "{name}.data_units = {} is neither infinite (0) nor at least {data_units}",
                    credits.data_units
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_profile_is_found_by_its_own_name() {
        for name in Profile::names() {
            assert_eq!(Profile::named(name).unwrap().name, name);
        }
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let message = Profile::named("pcie-gen9").unwrap_err().to_string();
        assert!(message.contains("pcie-gen9"), "{message}");
        for name in Profile::names() {
            assert!(message.contains(name), "{message}");
        }
    }

    #[test]
    fn the_bare_profile_adds_no_time() {
        let bare = Profile::named("bare").unwrap();
        assert_eq!(
            (
                bare.link.latency_ns,
                bare.root_complex.memory_read_latency_ns
            ),
            (0, 0)
        );
        assert_eq!(
            (bare.host.uncached_store_ns, bare.host.cached_load_ns),
            (0, 0)
        );
    }

    #[test]
    fn values_that_cannot_be_are_refused_by_name() {
        type Change = fn(&mut Profile);
        let cases: &[(&str, Change)] = &[
            ("raw_bytes_per_ns", |profile| {
                profile.link.raw_bytes_per_ns = 0.0001
            }),
            ("maximum_payload_bytes", |profile| {
                profile.link.maximum_payload_bytes = 192
            }),
            ("maximum_read_request_bytes", |profile| {
                profile.link.maximum_read_request_bytes = 64
            }),
            ("read_completion_boundary_bytes", |profile| {
                profile.root_complex.read_completion_boundary_bytes = 32
            }),
            ("cut_through", |profile| profile.link.cut_through = true),
            ("posted_credits.headers", |profile| {
                profile.root_complex.posted_credits.headers = 2
            }),
            ("posted_credits.data_units", |profile| {
                profile.root_complex.posted_credits.data_units = 20
            }),
        ];
        for (name, change) in cases {
            let mut profile = Profile::named("pcie-gen1-x1").unwrap();
            change(&mut profile);
            let message = profile.check().unwrap_err().to_string();
            assert!(message.contains(name), "{name}: {message}");
        }
    }

    #[test]
    fn a_field_nobody_knows_is_an_error() {
        let text = BUILT_IN[0]
            .1
            .replace("[host]", "[host]\nuncached_lode_ns = 3");
        assert!(matches!(
            Profile::from_toml(&text),
            Err(ProfileError::Syntax(_))
        ));
    }
}
