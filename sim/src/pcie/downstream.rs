//! Host to device: two queues that keep the ordering rules of 2.4.1, the line, and beats into the device.
//!
//! Posted requests and completions leave in the order they came; the device sinks both, so nothing can block them.
//! Non-posted requests need a credit of the device; they wait for earlier posted requests and for earlier completions,
//! and everything later passes them while they have no credit.

use std::collections::VecDeque;

use super::beats;
use super::line::Line;
use crate::profile::LinkProfile;

/// Flow-control class of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Memory writes.
    Posted,
    /// Memory reads.
    Nonposted,
    /// An answer to a read of the device.
    Completion,
}

#[derive(Debug)]
struct Waiting {
    bytes: Vec<u8>,
    since_ps: u64,
    sequence: u64,
    /// The device's tag that is free once this packet is delivered.
    frees_tag: Option<u8>,
}

#[derive(Debug)]
struct InFlight {
    bytes: Vec<u8>,
    arrival_ps: u64,
    frees_tag: Option<u8>,
}

/// One beat on its way into the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Delivered {
    pub data: u128,
    pub last: bool,
    /// With the last beat of the last completion of a read: the device's tag.
    pub frees_tag: Option<u8>,
}

#[derive(Debug)]
pub(super) struct Downstream {
    line: Line,
    ordered: VecDeque<Waiting>,
    nonposted: VecDeque<Waiting>,
    flight: VecDeque<InFlight>,
    /// Next beat of the packet at the front of `flight`; 0 while it has not begun.
    next_beat: usize,
    sequence: u64,
    waiting_bytes: usize,
    nonposted_outstanding: u32,
    /// Non-posted requests the device takes without giving a buffer back.
    nonposted_credits: u32,
    /// Buffers of delivered packets, to be used again.
    spare: Vec<Vec<u8>>,
}

impl Downstream {
    /// The way to a device that has buffers for so many non-posted requests.
    pub fn new(profile: &LinkProfile, period_ps: u64, nonposted_credits: u32) -> Downstream {
        Downstream {
            line: Line::new(profile, period_ps),
            ordered: VecDeque::new(),
            nonposted: VecDeque::new(),
            flight: VecDeque::new(),
            next_beat: 0,
            sequence: 0,
            waiting_bytes: 0,
            nonposted_outstanding: 0,
            nonposted_credits,
            spare: Vec::new(),
        }
    }

    /// An empty buffer for the next packet.
    pub fn buffer(&mut self) -> Vec<u8> {
        self.spare.pop().unwrap_or_default()
    }

    /// Queues a packet.
    pub fn push(&mut self, class: Class, bytes: Vec<u8>, now_ps: u64, frees_tag: Option<u8>) {
        self.waiting_bytes += bytes.len();
        let waiting = Waiting {
            bytes,
            since_ps: now_ps,
            sequence: self.sequence,
            frees_tag,
        };
        self.sequence += 1;
        match class {
            Class::Nonposted => self.nonposted.push_back(waiting),
            Class::Posted | Class::Completion => self.ordered.push_back(waiting),
        }
    }

    /// Bytes of packets not yet on the line.
    pub fn waiting_bytes(&self) -> usize {
        self.waiting_bytes
    }

    /// Nothing waits and nothing is on the way.
    pub fn is_idle(&self) -> bool {
        self.flight.is_empty() && self.ordered.is_empty() && self.nonposted.is_empty()
    }

    /// The device freed a buffer; `false` when none was taken.
    pub fn nonposted_freed(&mut self) -> bool {
        let taken = self.nonposted_outstanding > 0;
        self.nonposted_outstanding -= u32::from(taken);
        taken
    }

    /// The device is reset: it gets nothing of what is under way, and all of its buffers are free.
    pub fn reset(&mut self) {
        self.ordered.clear();
        self.nonposted.clear();
        self.flight.clear();
        self.next_beat = 0;
        self.waiting_bytes = 0;
        self.nonposted_outstanding = 0;
    }

    /// The packet whose beats are being delivered.
    pub fn current(&self) -> &[u8] {
        self.flight.front().map_or(&[], |packet| &packet.bytes)
    }

    /// Call once [`Delivered::last`] was seen: the packet is through.
    pub fn finish_current(&mut self) {
        self.next_beat = 0;
        if let Some(mut packet) = self.flight.pop_front() {
            packet.bytes.clear();
            self.spare.push(packet.bytes);
        }
    }

    /// One core cycle: at most one beat for the device.
    pub fn step(&mut self, now_ps: u64) -> Option<Delivered> {
        self.feed_line(now_ps);
        let packet = self.flight.front()?;
        if self.next_beat == 0 && packet.arrival_ps > now_ps {
            return None;
        }
        let index = self.next_beat;
        self.next_beat += 1;
        let last = self.next_beat == beats::beat_count(packet.bytes.len());
        Some(Delivered {
            data: beats::beat(&packet.bytes, index),
            last,
            frees_tag: packet.frees_tag.filter(|_| last),
        })
    }

    fn feed_line(&mut self, now_ps: u64) {
        while self.line.free_at_ps() <= now_ps {
            let Some(packet) = self.choose() else { return };
            self.waiting_bytes -= packet.bytes.len();
            let arrival_ps = self.line.send(packet.since_ps, packet.bytes.len() as u64);
            self.flight.push_back(InFlight {
                bytes: packet.bytes,
                arrival_ps,
                frees_tag: packet.frees_tag,
            });
        }
    }

    /// The oldest packet that may go.
    fn choose(&mut self) -> Option<Waiting> {
        if let Some(request) = self.nonposted.front() {
            let oldest = self
                .ordered
                .front()
                .is_none_or(|other| request.sequence < other.sequence);
            if oldest && self.nonposted_outstanding < self.nonposted_credits {
                self.nonposted_outstanding += 1;
                return self.nonposted.pop_front();
            }
        }
        self.ordered.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Profile;

    fn downstream() -> Downstream {
        with_credits(8)
    }

    fn with_credits(nonposted_credits: u32) -> Downstream {
        Downstream::new(
            &Profile::named("bare").unwrap().link,
            8000,
            nonposted_credits,
        )
    }

    /// Steps until nothing comes any more; the first byte of each packet in order of delivery.
    fn drain(downstream: &mut Downstream, now_ps: &mut u64) -> Vec<u8> {
        let mut order = Vec::new();
        for _ in 0..100 {
            *now_ps += 8000;
            if downstream.step(*now_ps).is_some_and(|beat| beat.last) {
                order.push(downstream.current()[0]);
                downstream.finish_current();
            }
        }
        order
    }

    #[test]
    fn with_credits_everything_leaves_in_order() {
        let mut downstream = downstream();
        let classes = [
            Class::Posted,
            Class::Nonposted,
            Class::Completion,
            Class::Nonposted,
            Class::Posted,
        ];
        for (index, class) in classes.into_iter().enumerate() {
            downstream.push(class, vec![index as u8; 20], 0, None);
        }
        assert_eq!(drain(&mut downstream, &mut 0), [0, 1, 2, 3, 4]);
        assert!(downstream.is_idle());
    }

    #[test]
    fn reads_without_credits_are_passed_and_wait_for_no_more_than_the_device_has() {
        for credits in [2, 8, 64] {
            let mut downstream = with_credits(credits);
            let credits = credits as u8;
            for index in 0..credits + 2 {
                downstream.push(Class::Nonposted, vec![index; 12], 0, None);
            }
            downstream.push(Class::Posted, vec![200; 12], 0, None);
            downstream.push(Class::Completion, vec![201; 12], 0, None);
            let mut now_ps = 0;
            let expected: Vec<u8> = (0..credits).chain([200, 201]).collect();
            assert_eq!(drain(&mut downstream, &mut now_ps), expected);
            assert!(downstream.nonposted_freed());
            assert_eq!(drain(&mut downstream, &mut now_ps), [credits]);
            for _ in 0..credits {
                assert!(downstream.nonposted_freed());
            }
            assert!(!downstream.nonposted_freed());
            assert_eq!(drain(&mut downstream, &mut now_ps), [credits + 1]);
        }
    }

    #[test]
    fn a_read_never_passes_an_earlier_write() {
        let mut downstream = downstream();
        downstream.push(Class::Posted, vec![0; 272], 0, None);
        downstream.push(Class::Posted, vec![1; 272], 0, None);
        downstream.push(Class::Nonposted, vec![2; 12], 0, None);
        assert_eq!(drain(&mut downstream, &mut 0), [0, 1, 2]);
    }

    #[test]
    fn one_beat_a_cycle_without_gaps() {
        let mut downstream = downstream();
        downstream.push(Class::Posted, vec![1; 40], 0, None);
        downstream.push(Class::Posted, vec![2; 20], 0, None);
        let mut seen = Vec::new();
        for cycle in 1..=6 {
            let beat = downstream.step(cycle * 8000);
            seen.push(beat.map(|beat| (beat.data as u8, beat.last)));
            if beat.is_some_and(|beat| beat.last) {
                downstream.finish_current();
            }
        }
        let expected = [
            Some((1, false)),
            Some((1, false)),
            Some((1, true)),
            Some((2, false)),
            Some((2, true)),
            None,
        ];
        assert_eq!(seen, expected);
    }
}
