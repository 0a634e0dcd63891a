//! Device to host: beats off the port, the line's pace, credits, and packets as they arrive at the root complex.

use std::collections::VecDeque;

use super::beats::{self, BEAT_BYTES};
use super::credits::{CreditCount, units};
use super::downstream::Class;
use super::line::Line;
use super::packet;
use super::port::HostPortOutputs;
use super::violation::ViolationKind;
use crate::profile::Profile;

/// Beats of the longest packet: 16 bytes of header, 4096 of payload.
const LONGEST_BEATS: usize = 257;

/// A packet that is whole, on its way to the root complex.
#[derive(Debug)]
pub(super) struct Arriving {
    pub bytes: Vec<u8>,
    arrival_ps: u64,
}

/// Credits on their way back to the device.
#[derive(Clone, Copy, Debug)]
struct Returning {
    at_ps: u64,
    class: Class,
    units: u32,
}

/// A time in which the device gets no credits of a class.
#[derive(Clone, Copy, Debug)]
struct Withheld {
    class: Class,
    /// Cycles that begin later, ...
    after_ps: u64,
    /// ... and up to this one.
    until_ps: u64,
}

#[derive(Debug)]
pub(super) struct Upstream {
    line: Line,
    period_ps: u64,
    /// How far the hard block lets the NIU run ahead of the line.
    buffer_ps: u64,
    /// `host_transmit_ready` of the cycle that ends now.
    ready: bool,
    /// Beat that was offered and not taken.
    stalled: Option<(u128, bool)>,
    assembling: Vec<u8>,
    /// Start of the cycle in which the first beat of `assembling` crossed.
    first_ps: u64,
    /// The packet being assembled is too long; the rest is dropped.
    overflowed: bool,
    arriving: VecDeque<Arriving>,
    posted: CreditCount,
    nonposted: CreditCount,
    completion: CreditCount,
    returning: VecDeque<Returning>,
    withheld: Vec<Withheld>,
    /// The gates as they were worked out last, and for which maximum payload; 0 when credits were taken since.
    allowed: [bool; 3],
    allowed_for: u32,
    spare: Vec<Vec<u8>>,
}

/// What a cycle brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// No beat, or not the last one.
    Nothing,
    /// A packet is whole; see [`Upstream::newest`].
    Packet {
        /// Start of the cycle in which its first beat crossed.
        first_ps: u64,
    },
}

impl Upstream {
    pub fn new(profile: &Profile, period_ps: u64) -> Upstream {
        let line = Line::new(&profile.link, period_ps);
        Upstream {
            buffer_ps: line.duration_ps(u64::from(profile.link.transmit_buffer_bytes)),
            line,
            period_ps,
            ready: false,
            stalled: None,
            assembling: Vec::new(),
            first_ps: 0,
            overflowed: false,
            arriving: VecDeque::new(),
            posted: CreditCount::new(profile.root_complex.posted_credits),
            nonposted: CreditCount::new(profile.root_complex.nonposted_credits),
            completion: CreditCount::new(profile.root_complex.completion_credits),
            returning: VecDeque::new(),
            withheld: Vec::new(),
            allowed: [false; 3],
            allowed_for: 0,
            spare: Vec::new(),
        }
    }

    /// No packet is on the port or on the way.
    pub fn is_idle(&self) -> bool {
        self.assembling.is_empty() && self.arriving.is_empty() && self.stalled.is_none()
    }

    /// A beat was offered and not taken.
    pub fn is_stalled(&self) -> bool {
        self.stalled.is_some()
    }

    /// Looks at the port in the cycle that ends now.
    ///
    /// # Errors
    /// The rule of the port or of the packet's framing that was broken; the packet is dropped.
    pub fn take(&mut self, now_ps: u64, port: &HostPortOutputs) -> Result<Taken, ViolationKind> {
        let offered = port
            .host_transmit_valid
            .then_some((port.host_transmit_data, port.host_transmit_last));
        if let Some(earlier) = self.stalled.take()
            && offered != Some(earlier)
        {
            return Err(ViolationKind::StreamChanged);
        }
        let Some((data, last)) = offered else {
            return Ok(Taken::Nothing);
        };
        if !self.ready {
            self.stalled = offered;
            return Ok(Taken::Nothing);
        }
        // The beat was there when the cycle began.
        self.take_beat(now_ps - self.period_ps, data, last)
    }

    fn take_beat(&mut self, since_ps: u64, data: u128, last: bool) -> Result<Taken, ViolationKind> {
        if self.overflowed {
            self.overflowed = !last;
            return Ok(Taken::Nothing);
        }
        let first = self.assembling.is_empty();
        beats::append(&mut self.assembling, data);
        let mut credits_kept = true;
        if first {
            self.first_ps = since_ps;
            self.line.begin(since_ps);
            credits_kept = self.take_credits();
        }
        let mut result = Ok(Taken::Nothing);
        if last {
            result = self.finish(since_ps).map(|()| Taken::Packet {
                first_ps: self.first_ps,
            });
        } else {
            self.line.extend(since_ps, BEAT_BYTES as u64);
            if self.assembling.len() >= LONGEST_BEATS * BEAT_BYTES {
                self.assembling.clear();
                self.overflowed = true;
                result = Err(ViolationKind::EndlessPacket);
            }
        }
        if credits_kept {
            result
        } else {
            result.and(Err(ViolationKind::NoCredits))
        }
    }

    /// The packet's last beat is in: cut it to the size it declares and send it on.
    fn finish(&mut self, since_ps: u64) -> Result<(), ViolationKind> {
        let mut bytes =
            std::mem::replace(&mut self.assembling, self.spare.pop().unwrap_or_default());
        let seen = beats::beat_count(bytes.len());
        let declared = packet::declared_sizes(&bytes).map(|(header, payload)| header + payload);
        let result = match declared {
            Some(declared) if beats::beat_count(declared) == seen => {
                bytes.truncate(declared);
                Ok(())
            }
            Some(declared) => Err(ViolationKind::Beats {
                expected: beats::beat_count(declared),
                actual: seen,
            }),
            None => Err(ViolationKind::Packet(packet::PacketError::FormatType(
                bytes[0],
            ))),
        };
        self.line
            .extend(since_ps, (bytes.len() - (seen - 1) * BEAT_BYTES) as u64);
        match result {
            Ok(()) => self.arriving.push_back(Arriving {
                bytes,
                arrival_ps: self.line.arrival_ps(),
            }),
            Err(_) => self.recycle(bytes),
        }
        result
    }

    /// The device is reset: the packet that it was sending never ends, and what has not yet arrived
    /// is lost. Credits that were taken come back.
    pub fn reset(&mut self, now_ps: u64) {
        self.stalled = None;
        self.overflowed = false;
        let begun = std::mem::take(&mut self.assembling);
        self.release(now_ps, begun);
        while let Some(packet) = self.arriving.pop_front() {
            self.release(now_ps, packet.bytes);
        }
    }

    /// The packet that was whole last.
    pub fn newest(&self) -> &[u8] {
        self.arriving.back().map_or(&[], |packet| &packet.bytes)
    }

    /// The next packet whose time at the root complex has come.
    pub fn arrived(&mut self, now_ps: u64) -> Option<Vec<u8>> {
        if self.arriving.front()?.arrival_ps > now_ps {
            return None;
        }
        self.arriving.pop_front().map(|packet| packet.bytes)
    }

    /// The root complex has done with a packet: its credits go back, its buffer is used again.
    pub fn release(&mut self, now_ps: u64, bytes: Vec<u8>) {
        if let Some((class, units)) = credits_of(&bytes) {
            let at_ps = now_ps + self.line.latency_ps();
            self.returning.push_back(Returning {
                at_ps,
                class,
                units,
            });
        }
        self.recycle(bytes);
    }

    /// From the first cycle after `after_ps` on, and until `until_ps`, the device gets no credits of this class.
    pub fn withhold_credits(&mut self, class: Class, after_ps: u64, until_ps: u64) {
        self.withheld.push(Withheld {
            class,
            after_ps,
            until_ps,
        });
    }

    /// The device gets credits of this class again, and goes on getting them.
    pub fn release_credits(&mut self, class: Class) {
        self.withheld.retain(|withheld| withheld.class != class);
        self.allowed_for = 0;
    }

    /// `host_transmit_ready` for the cycle that begins now.
    pub fn update_ready(&mut self, now_ps: u64) -> bool {
        self.ready = self.line.free_at_ps() <= now_ps + self.buffer_ps;
        self.ready
    }

    /// `host_transmit_{posted,nonposted,completion}_allowed` for the cycle that begins now.
    pub fn update_allowed(&mut self, now_ps: u64, maximum_payload_bytes: u32) -> [bool; 3] {
        if self.returning.is_empty()
            && self.withheld.is_empty()
            && self.allowed_for == maximum_payload_bytes
        {
            return self.allowed;
        }
        while let Some(back) = self
            .returning
            .front()
            .filter(|back| back.at_ps <= now_ps)
            .copied()
        {
            self.returning.pop_front();
            self.count(back.class).give(back.units);
        }
        let payload = units(maximum_payload_bytes as usize);
        self.withheld.retain(|withheld| now_ps <= withheld.until_ps);
        for (class, payload) in [
            (Class::Posted, payload),
            (Class::Nonposted, 0),
            (Class::Completion, payload),
        ] {
            let is_withheld = self
                .withheld
                .iter()
                .any(|withheld| withheld.class == class && withheld.after_ps < now_ps);
            self.count(class).withhold(is_withheld, payload);
        }
        self.allowed_for = maximum_payload_bytes;
        self.allowed = [
            self.posted.allows(payload),
            self.nonposted.allows(0),
            self.completion.allows(payload),
        ];
        self.allowed
    }

    fn take_credits(&mut self) -> bool {
        let Some((class, units)) = credits_of(&self.assembling) else {
            return true;
        };
        self.allowed_for = 0;
        self.count(class).take(units)
    }

    fn count(&mut self, class: Class) -> &mut CreditCount {
        match class {
            Class::Posted => &mut self.posted,
            Class::Nonposted => &mut self.nonposted,
            Class::Completion => &mut self.completion,
        }
    }

    fn recycle(&mut self, mut bytes: Vec<u8>) {
        bytes.clear();
        self.spare.push(bytes);
    }
}

/// Class and data units of a packet by its first bytes; `None` for what is none of ours.
fn credits_of(bytes: &[u8]) -> Option<(Class, u32)> {
    let (_, payload_bytes) = packet::declared_sizes(bytes)?;
    let class = class_of(bytes[0])?;
    Some((class, units(payload_bytes)))
}

/// Class of a packet by Fmt and Type.
pub(super) fn class_of(format_type: u8) -> Option<Class> {
    use abi::pcie::format_type as code;
    match usize::from(format_type) {
        code::MEMORY_WRITE_32 | code::MEMORY_WRITE_64 => Some(Class::Posted),
        code::MEMORY_READ_32 | code::MEMORY_READ_64 => Some(Class::Nonposted),
        code::COMPLETION
        | code::COMPLETION_DATA
        | code::COMPLETION_LOCKED
        | code::COMPLETION_DATA_LOCKED => Some(Class::Completion),
        _ => None,
    }
}

/// Whether Fmt and Type are those of a non-posted request that no Wayfarer device carries out, but must answer
/// (2.2.1): locked read, I/O, configuration, atomic operations, deferrable memory write.
pub(super) fn is_other_nonposted(format_type: u8) -> bool {
    use abi::pcie::format_type as code;
    let any_width = usize::from(format_type & 0xdf);
    matches!(
        usize::from(format_type),
        code::IO_READ
            | code::IO_WRITE
            | code::CONFIGURATION_READ_0
            | code::CONFIGURATION_READ_1
            | code::CONFIGURATION_WRITE_0
            | code::CONFIGURATION_WRITE_1
    ) || matches!(
        any_width,
        code::MEMORY_READ_LOCKED_32
            | code::FETCH_ADD_32
            | code::SWAP_32
            | code::COMPARE_SWAP_32
            | code::DEFERRABLE_MEMORY_WRITE_32
    )
}
