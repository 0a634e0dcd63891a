//! Programs that are blocked until a message comes: none sleeps on, whatever is masked meanwhile.

mod support;

use abi::control::counter::Counter;
use host_driver::{
    Destination, Endpoint, EndpointOptions, Error, OpenOptions, ReceiveQueueId, SendError, Waiting,
};
use sim::cluster::{Cluster, ClusterOptions};
use sim::host::HostPort;
use sim::pcie::configuration_space::{MSIX_ENABLE, MSIX_FUNCTION_MASK};
use sim::pcie::random::Random;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use wayfarer_cluster::launch::{Node, PATIENCE};
use wayfarer_configuration::Configuration;

const PROFILE: &str = "pcie-gen3-x8";
/// Core cycles in a unit of moderation, in nanoseconds.
const UNIT_NS: f64 = support::cycles_ns(abi::interrupt::INTERVAL_UNIT_CYCLES as u64);

fn open(port: HostPort, waiting: Waiting) -> Node {
    let options = OpenOptions {
        waiting,
        ..OpenOptions::DEFAULT
    };
    Node::open_with(port, options).expect("nobody has it")
}

fn endpoint(node: &Node, number: u16, options: EndpointOptions) -> Result<Endpoint, Error> {
    let options = EndpointOptions {
        receive_queue_id: ReceiveQueueId(number),
        ring_entries_log2: 8,
        entry_bytes_log2: 4,
        destinations_log2: 1,
        inline: false,
        ..options
    };
    Ok(node.endpoint(options, &[node.peer()])?)
}

/// A host program.
type Program = Box<dyn FnOnce(HostPort) + Send>;

/// Runs `programs` on nodes 0 and 1.
fn run(options: ClusterOptions, programs: Vec<(u16, Program)>) {
    let mut cluster = Cluster::new(options);
    for (node, program) in programs {
        cluster.program(node, program);
    }
    let report = cluster.run().unwrap_or_else(|error| panic!("{error}"));
    for node in report.nodes {
        assert!(node.violations.is_empty(), "{:?}", node.violations);
    }
}

/// Sends the time, a message each `gap_ns`.
fn send_times(node: &Node, endpoint: &mut Endpoint, messages: usize, gap_ns: u64) {
    for _ in 0..messages {
        node.port.sleep_ns(gap_ns);
        let sent = endpoint.when_room(PATIENCE, |endpoint| {
            let now_ns = node.port.now_ns();
            endpoint.send_express(Destination(0), 0, now_ns.to_le_bytes())
        });
        sent.expect("there is room");
    }
}

fn age_ns(node: &Node, payload: &[u8]) -> f64 {
    node.port.now_ns() - f64::from_le_bytes(payload.try_into().expect("eight bytes"))
}

/// Mean time from sending to the program, with the receiver waiting in this way; and interrupts.
fn latency(waiting: Waiting) -> (f64, u64) {
    const MESSAGES: usize = 60;
    let result = Arc::new((AtomicU64::new(0), AtomicU64::new(0)));
    let found = Arc::clone(&result);
    let send = move |port: HostPort| {
        let node = open(port, Waiting::Polling);
        let mut endpoint = endpoint(&node, 1, EndpointOptions::default()).expect("room");
        node.barrier();
        send_times(&node, &mut endpoint, MESSAGES, 20_011);
        node.barrier();
    };
    let receive = move |port: HostPort| {
        let node = open(port, waiting);
        let mut endpoint = endpoint(&node, 1, EndpointOptions::default()).expect("room");
        let vector = endpoint.split().1.interrupt_vector();
        node.barrier();
        let mut sum_ns = 0.0;
        for _ in 0..MESSAGES {
            let message = endpoint.receive_wait(PATIENCE).expect("it comes");
            sum_ns += age_ns(&node, &message.into_message().payload);
        }
        found.0.store(
            (sum_ns / MESSAGES as f64 * 1000.0) as u64,
            Ordering::Relaxed,
        );
        found
            .1
            .store(node.port.interrupts(vector), Ordering::Relaxed);
        node.barrier();
    };
    let options = support::options(PROFILE, 21);
    run(options, vec![(0, Box::new(send)), (1, Box::new(receive))]);
    let [picoseconds, interrupts] =
        [&result.0, &result.1].map(|number| number.load(Ordering::Relaxed));
    (picoseconds as f64 / 1000.0, interrupts)
}

#[test]
fn a_blocked_program_runs_no_later_than_the_wake_up_and_100_ns_behind_a_polling_one() {
    let (polled_ns, none) = latency(Waiting::Polling);
    let (blocked_ns, interrupts) = latency(Waiting::Interrupt);
    let wakeup_ns = support::options(PROFILE, 0)
        .profile
        .host
        .interrupt_wakeup_ns as f64;
    let beyond_ns = blocked_ns - polled_ns - wakeup_ns;
    println!("polled {polled_ns} ns, blocked {blocked_ns} ns, {beyond_ns} ns beyond the wake-up");
    // With a slower clock, as many cycles.
    let limit_ns = support::cycles_ns(12).max(100.0);
    assert!((0.0..limit_ns).contains(&beyond_ns), "{beyond_ns} ns");
    // One for each message: each found the program asleep.
    assert_eq!((none, interrupts), (0, 60));
}

/// When the host has the interrupt, it has the entry: a program that looks once, at once, finds it.
#[test]
fn an_interrupt_never_comes_before_the_entry_it_announces() {
    const MESSAGES: usize = 300;
    let send = |port: HostPort| {
        let node = open(port, Waiting::Polling);
        let mut endpoint = endpoint(&node, 1, EndpointOptions::default()).expect("room");
        node.barrier();
        let mut random = Random::new(5);
        for _ in 0..MESSAGES {
            send_times(&node, &mut endpoint, 1, 1 + random.below(9_000));
            node.barrier();
        }
    };
    let receive = |port: HostPort| {
        let node = open(port, Waiting::Interrupt);
        let mut endpoint = endpoint(&node, 1, EndpointOptions::default()).expect("room");
        let (_, ring) = endpoint.split();
        let vector = ring.interrupt_vector();
        node.barrier();
        let mut random = Random::new(6);
        for message in 0..MESSAGES {
            // Armed before the message is here, or behind it.
            node.port.sleep_ns(random.below(9_000));
            let seen = node.port.interrupts(vector);
            ring.arm();
            node.port
                .wait_for_interrupt(vector, seen, PATIENCE.as_nanos() as f64);
            assert_eq!(node.port.interrupts(vector), seen + 1, "message {message}");
            assert!(ring.receive().is_some(), "message {message} is not there");
            node.barrier();
        }
    };
    // No wake-up, no time to look: nothing hides an interrupt that is early.
    let options = support::options("bare", 22);
    run(options, vec![(0, Box::new(send)), (1, Box::new(receive))]);
}

/// Bursts at random, to two rings of which one is moderated; programs that block between them; a third program of the
/// host masks vectors and the function in any cycle. Nobody sleeps while a message is there.
fn nobody_sleeps_on(seed: u64, messages: usize) {
    let intervals = [Duration::ZERO, Duration::from_nanos((3.0 * UNIT_NS) as u64)];
    let done = Arc::new(AtomicU64::new(0));
    let masks = Arc::new(AtomicU64::new(0));
    let ready = Arc::new(AtomicBool::new(false));
    let mut programs: Vec<(u16, Program)> = Vec::new();
    programs.push((
        0,
        Box::new(move |port: HostPort| {
            let node = open(port, Waiting::Polling);
            let ring = |number| endpoint(&node, number, EndpointOptions::default());
            let mut endpoints = [ring(1).expect("room"), ring(2).expect("room")];
            node.barrier();
            let mut random = Random::new(seed);
            let mut left = [messages; 2];
            while left != [0; 2] {
                let number = random.below(2) as usize;
                let burst = (1 + random.below(6) as usize).min(left[number]);
                left[number] -= burst;
                send_times(&node, &mut endpoints[number], burst, random.below(300));
                if random.below(3) != 0 {
                    node.port.sleep_ns(random.below(12_000));
                }
            }
            node.barrier();
        }),
    ));
    let (ended, is_ready) = (Arc::clone(&done), Arc::clone(&ready));
    programs.push((
        1,
        Box::new(move |port: HostPort| {
            let node = open(port, Waiting::Interrupt);
            let ring = |number: u16| {
                let options = EndpointOptions {
                    interrupt_vector: Some(number),
                    interrupt_interval: intervals[usize::from(number) - 1],
                    ..EndpointOptions::default()
                };
                endpoint(&node, number, options).expect("room")
            };
            let mut endpoints = [ring(1), ring(2)];
            is_ready.store(true, Ordering::Relaxed);
            node.barrier();
            let mut random = Random::new(seed + 1);
            let mut left = [messages; 2];
            let mut longest_ns = 0.0_f64;
            // One ring at a time; the other one fills meanwhile.
            while left != [0; 2] {
                let number = random.below(2) as usize;
                let take = (1 + random.below(8) as usize).min(left[number]);
                for _ in 0..take {
                    let start_ns = node.port.now_ns();
                    let message = endpoints[number].receive_wait(PATIENCE);
                    let message = message.expect("it comes").into_message();
                    // It waited since it was sent, or since this wait began.
                    let age_ns = age_ns(&node, &message.payload);
                    longest_ns = longest_ns.max(age_ns.min(node.port.now_ns() - start_ns));
                    if random.below(8) == 0 {
                        node.port.sleep_ns(random.below(2_000));
                    }
                }
                left[number] -= take;
            }
            println!("seed {seed}: {longest_ns} ns at most");
            // Wake-up, moderation, masks of some microseconds; a lost wake-up is ten milliseconds.
            assert!(longest_ns < 60_000.0, "slept for {longest_ns} ns");
            ended.store(1, Ordering::Relaxed);
            node.barrier();
        }),
    ));
    let (count, ended) = (Arc::clone(&masks), Arc::clone(&done));
    programs.push((
        1,
        Box::new(move |port: HostPort| {
            port.gather(&[]);
            assert!(ready.load(Ordering::Relaxed));
            let mut random = Random::new(seed + 2);
            while ended.load(Ordering::Relaxed) == 0 {
                port.sleep_ns(random.below(4_000));
                match random.below(3) {
                    0 => {
                        port.configure_interrupts(MSIX_ENABLE | MSIX_FUNCTION_MASK);
                        port.sleep_ns(random.below(3_000));
                        let entry = abi::interrupt::TABLE_OFFSET as u64;
                        port.load(0, entry, 4).expect("the table is there");
                        let all = || port.interrupts(1) + port.interrupts(2);
                        let before = all();
                        port.sleep_ns(random.below(1_000));
                        assert_eq!(all(), before, "the function is masked");
                        port.configure_interrupts(MSIX_ENABLE);
                    }
                    _ => {
                        let vector = 1 + random.below(2) as u16;
                        port.mask_interrupt(vector, true);
                        port.sleep_ns(random.below(3_000));
                        // What was written before the answer is masked, and what came before it has come.
                        let entry = abi::interrupt::TABLE_OFFSET as u64;
                        port.load(0, entry, 4).expect("the table is there");
                        let before = port.interrupts(vector);
                        port.sleep_ns(random.below(1_000));
                        assert_eq!(port.interrupts(vector), before, "it is masked");
                        port.mask_interrupt(vector, false);
                    }
                }
                count.fetch_add(1, Ordering::Relaxed);
            }
            port.gather(&[]);
        }),
    ));
    let options = ClusterOptions {
        maximum_cycles: 40_000_000,
        ..support::options(PROFILE, seed)
    };
    run(options, programs);
    let masks = masks.load(Ordering::Relaxed);
    assert!(masks > messages as u64 / 20, "{masks} masks");
}

#[test]
fn nobody_sleeps_while_a_message_is_there_whatever_is_masked() {
    // The sender serves one queue at a time, so the slots of each must hold what its ring does not.
    if Configuration::chosen().is_ok_and(|chosen| chosen.value("queues.transmit_slots") < 32) {
        return;
    }
    for seed in 31..34 {
        nobody_sleeps_on(seed, 1_000);
    }
}

#[test]
fn interrupts_of_a_moderated_ring_are_an_interval_apart_and_none_is_lost() {
    const MESSAGES: usize = 400;
    let interval = Duration::from_nanos((10.0 * UNIT_NS) as u64);
    let send = |port: HostPort| {
        let node = open(port, Waiting::Polling);
        let mut endpoint = endpoint(&node, 1, EndpointOptions::default()).expect("room");
        node.barrier();
        send_times(&node, &mut endpoint, MESSAGES, 500);
        node.barrier();
    };
    let receive = move |port: HostPort| {
        let node = open(port, Waiting::Interrupt);
        let options = EndpointOptions {
            interrupt_interval: interval,
            ..EndpointOptions::default()
        };
        let mut endpoint = endpoint(&node, 1, options).expect("room");
        let (_, ring) = endpoint.split();
        let vector = ring.interrupt_vector();
        node.barrier();
        let (mut taken, mut last_ns, mut woken) = (0, None, 0);
        while taken < MESSAGES {
            let seen = node.port.interrupts(vector);
            ring.arm();
            let limit_ns = PATIENCE.as_nanos() as f64;
            node.port.wait_for_interrupt(vector, seen, limit_ns);
            let now_ns = node.port.now_ns();
            assert_eq!(node.port.interrupts(vector), seen + 1, "one a time");
            if let Some(last_ns) = last_ns.replace(now_ns) {
                let apart_ns = now_ns - last_ns;
                // The host's link may hold one up for as long as a longest packet takes.
                assert!(
                    apart_ns > interval.as_nanos() as f64 - 50.0,
                    "{apart_ns} ns"
                );
                assert!(
                    apart_ns < interval.as_nanos() as f64 + 3.5 * UNIT_NS,
                    "{apart_ns} ns"
                );
            }
            woken += 1;
            while ring.receive().is_some() {
                taken += 1;
            }
        }
        // 200 us of messages, an interrupt in 20 to 25 us; with a slower clock in as much more.
        let least = (7_000.0 / support::cycles_ns(125)) as u64;
        assert!((least..=14).contains(&woken), "{woken} interrupts");
        node.barrier();
    };
    let options = support::options(PROFILE, 41);
    run(options, vec![(0, Box::new(send)), (1, Box::new(receive))]);
}

/// A ring is destroyed while its interrupt is due and masked: the next owner of vector and queue is not disturbed by
/// more than an interrupt for nothing, and gets its own.
#[test]
fn a_ring_that_is_destroyed_with_its_interrupt_due_leaves_nothing_behind_that_hurts() {
    const ROUNDS: usize = 12;
    let send = |port: HostPort| {
        let node = open(port, Waiting::Polling);
        for _ in 0..ROUNDS {
            let mut endpoint = endpoint(&node, 1, EndpointOptions::default()).expect("room");
            node.barrier();
            send_times(&node, &mut endpoint, 1, 100);
            endpoint.flush(PATIENCE).expect("it arrives");
            drop(endpoint);
            node.barrier();
        }
    };
    let receive = |port: HostPort| {
        let node = open(port, Waiting::Interrupt);
        for round in 0..ROUNDS {
            let options = EndpointOptions {
                interrupt_vector: Some(3),
                ..EndpointOptions::default()
            };
            let mut endpoint = endpoint(&node, 1, options).expect("room");
            let dies_due = round % 2 == 0;
            if dies_due {
                node.port.mask_interrupt(3, true);
                endpoint.split().1.arm();
            }
            node.barrier();
            if !dies_due {
                let start_ns = node.port.now_ns();
                let message = endpoint.receive_wait(PATIENCE);
                assert!(message.is_ok(), "round {round}");
                drop(message);
                assert!(node.port.now_ns() - start_ns < 60_000.0, "round {round}");
            }
            node.barrier();
            let before = node.port.interrupts(3);
            drop(endpoint);
            if dies_due {
                let pending = abi::interrupt::PENDING_OFFSET as u64;
                let bits = node.port.load(0, pending, 4).expect("they are there");
                assert_eq!(bits[0] & 8, 8, "round {round}");
                assert_eq!(node.port.interrupts(3), before, "it is masked");
                node.port.mask_interrupt(3, false);
                node.port.sleep_ns(5_000);
                assert_eq!(node.port.interrupts(3), before + 1, "round {round}");
            }
        }
    };
    let options = support::options(PROFILE, 42);
    run(options, vec![(0, Box::new(send)), (1, Box::new(receive))]);
}

/// An endpoint that is armed, evicted, and installed again is still armed.
#[test]
fn an_armed_ring_is_armed_behind_its_eviction() {
    let send = |port: HostPort| {
        let node = open(port, Waiting::Polling);
        let mut endpoint = endpoint(&node, 1, EndpointOptions::default()).expect("room");
        for _ in 0..3 {
            node.barrier();
            send_times(&node, &mut endpoint, 1, 100);
        }
        node.barrier();
    };
    let receive = |port: HostPort| {
        let node = open(port, Waiting::Interrupt);
        let mut endpoint = endpoint(&node, 1, EndpointOptions::default()).expect("room");
        let vector = endpoint.split().1.interrupt_vector();
        for round in 0..3 {
            let seen = node.port.interrupts(vector);
            endpoint.split().1.arm();
            node.port.sleep_ns(1_000);
            endpoint.evict().expect("nothing is in flight");
            endpoint.install().expect("a queue is free");
            node.barrier();
            let limit_ns = PATIENCE.as_nanos() as f64;
            node.port.wait_for_interrupt(vector, seen, limit_ns);
            assert!(endpoint.receive().is_some(), "round {round}");
            assert_eq!(node.port.interrupts(vector), seen + 1, "round {round}");
        }
        node.barrier();
    };
    let options = support::options(PROFILE, 43);
    run(options, vec![(0, Box::new(send)), (1, Box::new(receive))]);
}

/// Sleepers, each with a vector of its own, and more endpoints beside them than there are queues: their queues go and
/// come while they sleep. A sleeper looks at its ring only when its vector was raised, so one that is forgotten never
/// gets its messages.
#[test]
fn sleepers_whose_queues_go_and_come_are_all_woken() {
    const MESSAGES: u32 = 600;
    const SEED: u64 = 45;
    let configuration = Configuration::chosen().expect("the NIU was made from it");
    let value = |key| configuration.value(key) as u16;
    let sleepers = value("host.interrupt_vectors").min(value("queues.receive"));
    let most = value("queues.endpoints")
        .min(value("queues.receive_queue_ids"))
        .min(value("queues.translation_entries") / 2);
    let count = (2 * sleepers + 8).min(most);
    let made = move |node: &Node| -> Vec<Endpoint> {
        let ring = |number| {
            let options = EndpointOptions {
                interrupt_vector: Some(number % sleepers),
                ..EndpointOptions::default()
            };
            endpoint(node, number, options).expect("room")
        };
        (0..count).map(ring).collect()
    };
    let send = move |port: HostPort| {
        let node = open(port, Waiting::Polling);
        let mut endpoints = made(&node);
        node.barrier();
        let mut random = Random::new(SEED);
        for index in 0..MESSAGES {
            let number = random.below(count.into()) as usize;
            let payload = u64::from(index).to_le_bytes();
            while let Err(error) = endpoints[number].send_express(Destination(0), 0, payload) {
                assert_eq!(error, SendError::QueueFull);
                node.port.sleep_ns(2_000);
                for endpoint in &mut endpoints {
                    endpoint.check().expect("nothing fails");
                }
            }
            node.port
                .sleep_ns(Random::new(u64::from(index)).below(12_000));
            for endpoint in &mut endpoints {
                endpoint.check().expect("nothing fails");
            }
        }
        while endpoints.iter().any(|endpoint| endpoint.outstanding() > 0) {
            node.port.sleep_ns(2_000);
            for endpoint in &mut endpoints {
                endpoint.check().expect("nothing fails");
            }
        }
        node.barrier();
    };
    let misses = Arc::new(AtomicU64::new(0));
    let missed = Arc::clone(&misses);
    let receive = move |port: HostPort| {
        let node = open(port, Waiting::Interrupt);
        let mut endpoints = made(&node);
        let mut seen: Vec<u64> = Vec::new();
        for (number, endpoint) in endpoints[..usize::from(sleepers)].iter_mut().enumerate() {
            seen.push(node.port.interrupts(number as u16));
            endpoint.split().1.arm();
        }
        node.barrier();
        let mut random = Random::new(SEED);
        let mut expected = vec![VecDeque::new(); usize::from(count)];
        for index in 0..MESSAGES {
            expected[random.below(count.into()) as usize].push_back(u64::from(index));
        }
        let deadline_ns = node.port.now_ns() + 60e6;
        let mut wakes = 0_u64;
        let mut pause = Random::new(SEED + 1);
        while expected.iter().any(|messages| !messages.is_empty()) {
            for (number, endpoint) in endpoints.iter_mut().enumerate() {
                let sleeps = number < usize::from(sleepers);
                if sleeps {
                    // It runs some time behind its interrupt; the queue may be away again by then.
                    if node.port.interrupts(number as u16) == seen[number] || pause.below(16) != 0 {
                        continue;
                    }
                    seen[number] = node.port.interrupts(number as u16);
                    wakes += 1;
                }
                loop {
                    let mut came = false;
                    while let Some(message) = endpoint.receive() {
                        let payload = message.payload()[..8].try_into().expect("eight bytes");
                        let index = expected[number].pop_front();
                        assert_eq!(
                            Some(u64::from_le_bytes(payload)),
                            index,
                            "endpoint {number}"
                        );
                        came = true;
                    }
                    if !sleeps {
                        break;
                    }
                    // Armed, it looks once more; it sleeps only if it has found nothing since.
                    endpoint.split().1.arm();
                    if !came {
                        break;
                    }
                }
            }
            node.port.sleep_ns(1_000);
            let late = || Vec::from_iter(expected.iter().map(VecDeque::len));
            assert!(node.port.now_ns() < deadline_ns, "forgotten: {:?}", late());
        }
        let misses = node.device.counter(Counter::MissedMessage);
        missed.store(misses.expect("the NIU answers").into(), Ordering::Relaxed);
        println!("{wakes} times woken");
        node.barrier();
    };
    let options = ClusterOptions {
        maximum_cycles: 40_000_000,
        ..support::options(PROFILE, SEED)
    };
    run(options, vec![(0, Box::new(send)), (1, Box::new(receive))]);
    let misses = misses.load(Ordering::Relaxed);
    println!("{misses} misses");
    assert!(misses > u64::from(MESSAGES) / 20, "{misses} misses");
}

/// A stop clears what is due and what is armed: the next driver gets its own interrupts and no others.
#[test]
fn what_is_due_when_the_niu_stops_is_forgotten() {
    let send = |port: HostPort| {
        let node = open(port, Waiting::Polling);
        for _ in 0..2 {
            let mut endpoint = endpoint(&node, 1, EndpointOptions::default()).expect("room");
            node.barrier();
            send_times(&node, &mut endpoint, 1, 100);
            node.barrier();
        }
    };
    let receive = |port: HostPort| {
        let node = open(port.clone(), Waiting::Interrupt);
        let mut first = endpoint(&node, 1, EndpointOptions::default()).expect("room");
        let vector = first.split().1.interrupt_vector();
        port.mask_interrupt(vector, true);
        first.split().1.arm();
        node.barrier();
        port.sleep_ns(10_000);
        let seen = port.interrupts(vector);
        // Another driver takes the device over.
        let options = OpenOptions {
            take_over: true,
            waiting: Waiting::Interrupt,
            ..OpenOptions::DEFAULT
        };
        let second = Node::open_with(port.clone(), options).expect("it takes over");
        port.mask_interrupt(vector, false);
        port.sleep_ns(5_000);
        assert_eq!(port.interrupts(vector), seen, "of the driver before");
        let mut own = endpoint(&second, 1, EndpointOptions::default()).expect("room");
        node.barrier();
        node.barrier();
        own.receive_wait(PATIENCE).expect("it comes");
        assert_eq!(port.interrupts(own.split().1.interrupt_vector()), seen + 1);
        second.barrier();
        std::mem::forget(first);
    };
    let options = support::options(PROFILE, 44);
    run(options, vec![(0, Box::new(send)), (1, Box::new(receive))]);
}
