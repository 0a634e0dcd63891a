//! What it costs to share few resident transmit queues among many virtual ones: the mean latency of an Express message
//! against the number of virtual queues, by pattern and by the policy that says whose queue is lent (V15, V17).
//!
//! One message at a time: each is sent when the one before has arrived and a pause has passed, from an endpoint that
//! the pattern chooses, to one receiver that is always resident.

use crate::Arguments;
use crate::nodes::{self, Body, PATIENCE, receive_queue_id};
use crate::platform::Platform;
use crate::report::{Mechanism, Report, Row};
use anyhow::Result;
use host_driver::abi::admin::residency_counter::ResidencyCounter;
use host_driver::abi::admin::residency_policy::ResidencyPolicy;
use host_driver::{
    Destination, Endpoint, EndpointOptions, Error, NodeNumber, OpenOptions, ReceiveQueueId,
    VirtualChannel,
};
use sim::pcie::random::Random;
use sim::profile::Profile;
use wayfarer_cluster::launch::Node;

/// Between two messages: time to send a queue away ahead of the next.
const PAUSE_NS: u64 = 60_000;
/// Of so many messages of the pattern `hot-cold` one comes from a cold endpoint.
const COLD_ONE_IN: u64 = 20;
/// Endpoints of that pattern that send all others.
const HOT: u64 = 8;

/// Which endpoint sends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Pattern {
    /// Each as often as any other.
    Uniform,
    /// The n-th in proportion to 1/n.
    Zipf,
    /// A few hot ones, and now and then one of the others, all of them in turn: 95 % of the messages find their queue
    /// resident, if the policy keeps the hot ones.
    HotCold,
}

impl Pattern {
    fn name(self) -> &'static str {
        match self {
            Pattern::Uniform => "uniform",
            Pattern::Zipf => "zipf",
            Pattern::HotCold => "hot-cold",
        }
    }

    /// The endpoint that sends message `index`, of `queues`.
    fn choose(self, index: u64, queues: u64, random: &mut Random) -> u64 {
        match self {
            Pattern::Uniform => random.below(queues),
            Pattern::Zipf => {
                let weight = |n: u64| 1.0 / (n + 1) as f64;
                let all: f64 = (0..queues).map(weight).sum();
                let mut left = random.below(1 << 32) as f64 / f64::from(u32::MAX) * all;
                let reaches = |&n: &u64| {
                    left -= weight(n);
                    left <= 0.0
                };
                (0..queues).find(reaches).unwrap_or(queues - 1)
            }
            Pattern::HotCold if index % COLD_ONE_IN == COLD_ONE_IN - 1 => {
                HOT + index / COLD_ONE_IN % (queues - HOT)
            }
            Pattern::HotCold => random.below(HOT),
        }
    }
}

/// A part of a run: pattern, virtual queues, and messages.
type Part = (Pattern, u64, u64);

/// What a part gave: mean latency, and the share of the messages whose queue was resident.
type Found = (f64, f64);

fn endpoint(node: &Node, number: u16) -> Result<Endpoint, Error> {
    let endpoint = node.device.create_endpoint(EndpointOptions {
        receive_queue_id: ReceiveQueueId(receive_queue_id(number)),
        ring_entries_log2: 4,
        destinations_log2: 0,
        inline: false,
        ..EndpointOptions::default()
    })?;
    endpoint.load_translation(
        Destination(0),
        NodeNumber(node.peer()),
        ReceiveQueueId(receive_queue_id(0)),
        VirtualChannel::ZERO,
    )?;
    Ok(endpoint)
}

/// Node 0 sends: its message says when. Node 1 tells how long they took, node 0 which of them found their queue.
fn measure(node: &Node, parts: &[Part]) -> Result<Vec<Found>, Error> {
    let sends = node.number() == 0;
    let most = parts.iter().map(|part| part.1).max().unwrap_or(1);
    let count = if sends { most } else { 1 };
    let mut endpoints = (0..count)
        .map(|number| endpoint(node, number as u16))
        .collect::<Result<Vec<_>, _>>()?;
    let installs = |node: &Node| -> Result<u32, Error> {
        let statistics = node.device.residency_statistics()?;
        Ok(statistics.get(ResidencyCounter::TransmitInstalls))
    };
    let mut found = Vec::new();
    for &(pattern, queues, messages) in parts {
        let mut random = Random::new(queues);
        let mut sum_ns = 0.0;
        let mut before = 0;
        // The first half brings what would be resident in the long run.
        for index in 0..2 * messages {
            if sends && index == messages {
                before = installs(node)?;
            }
            let number = pattern.choose(index, queues, &mut random);
            node.barrier();
            node.port.sleep_ns(PAUSE_NS);
            if sends {
                let sent_ns = node.port.now_ns().to_bits().to_le_bytes();
                let sender = &mut endpoints[number as usize];
                sender.send_express(Destination(0), 0, sent_ns)?;
                sender.flush(PATIENCE)?;
            } else {
                let message = endpoints[0].receive_wait(PATIENCE)?.into_message();
                let sent_ns = message.payload.first_chunk().copied().unwrap_or_default();
                if index >= messages {
                    sum_ns += node.port.now_ns() - f64::from_bits(u64::from_le_bytes(sent_ns));
                }
            }
        }
        let misses = if sends { installs(node)? - before } else { 0 };
        let hits = 1.0 - f64::from(misses) / messages as f64;
        found.push((sum_ns / messages as f64, hits.max(0.0)));
    }
    node.barrier();
    Ok(found)
}

/// A read of host memory as this profile has it: both ways of the link, and the memory.
fn read_ns(profile: &Profile) -> f64 {
    (2 * profile.link.latency_ns + profile.root_complex.memory_read_latency_ns) as f64
}

/// The benchmark.
pub fn run(platform: &Platform, arguments: &Arguments, report: &mut Report) -> Result<()> {
    let (counts, messages): (&[u64], _) = match arguments.quick {
        true => (&[48], 20),
        false => (&[16, 32, 64, 256, 1024], 200),
    };
    let mut parts = vec![(Pattern::Uniform, 1, messages)];
    for &queues in counts {
        parts.push((Pattern::Uniform, queues, messages));
        parts.push((Pattern::Zipf, queues, messages));
    }
    let most = counts.last().copied().unwrap_or(HOT + 1);
    // The hot ones must have come to be known as such.
    parts.push((Pattern::HotCold, most, 2 * messages));
    let policies: &[ResidencyPolicy] = match arguments.quick {
        true => &[ResidencyPolicy::RoundRobin, ResidencyPolicy::SecondChance],
        false => ResidencyPolicy::ALL,
    };
    for &policy in policies {
        let body = |_| -> Body<_> {
            let parts = parts.clone();
            Box::new(move |node| {
                let found = measure(node, &parts)?;
                Ok((found, node.device.identity().transmit_queues))
            })
        };
        let options = OpenOptions {
            residency_policy: policy,
            ..OpenOptions::default()
        };
        let cluster = platform.cluster(&platform.profile);
        let (found, run) = nodes::run_with(cluster, options, (0..2).map(body).collect())?;
        report.simulated(&run);
        let (sender, receiver) = (&found[0], &found[1]);
        let hit_ns = receiver.0[0].0;
        for (number, &(pattern, queues, _)) in parts.iter().enumerate() {
            let (one_way_ns, hits) = (receiver.0[number].0, sender.0[number].1);
            report.add(Row {
                one_way_ns: Some(one_way_ns),
                queues: Some(queues as usize),
                slots: Some(sender.1),
                policy: Some(policy.name().to_lowercase().replace('_', "-")),
                pattern: Some(pattern.name()),
                hit_rate: Some((hits * 100.0).round() / 100.0),
                relative_to_resident: Some(one_way_ns / hit_ns),
                relative_to_hit_and_read: Some(one_way_ns / (hit_ns + read_ns(&platform.profile))),
                ..Row::new("hit-rate", Mechanism::Express, 8)
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_choose_what_they_say() {
        let mut random = Random::new(1);
        for pattern in [Pattern::Uniform, Pattern::Zipf, Pattern::HotCold] {
            let mut counts = vec![0_u32; 64];
            for index in 0..64_000 {
                counts[pattern.choose(index, 64, &mut random) as usize] += 1;
            }
            let shares = counts.map_shares();
            match pattern {
                Pattern::Uniform => {
                    assert!(shares.iter().all(|s| (0.8..1.2).contains(&(s * 64.0))))
                }
                Pattern::Zipf => assert!((1.8..2.2).contains(&(shares[0] / shares[1]))),
                Pattern::HotCold => {
                    let hot: f64 = shares[..8].iter().sum();
                    assert!((hot - 0.95).abs() < 1e-3, "{hot}");
                }
            }
        }
    }

    trait Shares {
        fn map_shares(&self) -> Vec<f64>;
    }

    impl Shares for Vec<u32> {
        fn map_shares(&self) -> Vec<f64> {
            let all: u32 = self.iter().sum();
            self.iter()
                .map(|&count| f64::from(count) / f64::from(all))
                .collect()
        }
    }
}
