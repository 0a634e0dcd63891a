//! The host program of a node: sink, mirror and places.

use super::arrivals::Arrivals;
use super::judgement::Ledger;
use super::mirror::Mirror;
use super::place::{Place, Surroundings};
use super::plan::{GuestPlan, PLACES, SINK_RECEIVE_QUEUE_ID};
use crate::clock::Clock;
use crate::soak::Failure;
use crate::soak::program::{LONGEST_POLL, PATIENCE, Shared, Tally, check_counters};
use abi::control::counter::Counter;
use host_driver::{
    Deadline, Device, Endpoint, EndpointOptions, Error, MessageView, ReceiveQueueId,
};
use sim::host::HostPort;
use std::sync::atomic::Ordering;

/// Base-2 logarithm of the sink's ring: room for more than all last guests send to it after it has heard one of each
/// place.
const RING_ENTRIES_LOG2: u8 = 6;

/// Counters that may move, though nothing is wrong, when messages come for endpoints that are gone.
const OF_LEAVING: &[Counter] = &[Counter::MessagesRefused, Counter::ReceiveMiss];
/// And when frames are lost. Stores to a queue whose host does not yet know that it has failed count as beyond its
/// slots.
const OF_DAMAGE: &[Counter] = &[
    Counter::FrameCorrupt,
    Counter::AnswerTimeout,
    Counter::TransmitOverflow,
];

/// What a node has open.
struct Open<'a> {
    /// None while the NIU is reset.
    niu: Option<Niu>,
    places: Vec<Place>,
    arrivals: Arrivals<'a>,
    tally: Tally,
    /// Messages after which the NIU is reset, the next number last.
    resets: Vec<u64>,
}

/// A NIU, open, with the endpoints that stay.
struct Niu {
    mirror: Option<Mirror>,
    sink: Endpoint,
    device: Device,
}

impl Niu {
    fn open(port: &HostPort, plan: &GuestPlan) -> Result<Self, Error> {
        let device = Device::open(&format!("sim:{}", port.node()))?;
        let sink = device.create_endpoint(EndpointOptions {
            receive_queue_id: ReceiveQueueId(SINK_RECEIVE_QUEUE_ID),
            ring_entries_log2: RING_ENTRIES_LOG2,
            destinations_log2: 0,
            ..EndpointOptions::default()
        })?;
        let asks = plan.habits().ask_of_8 > 0;
        let mirror = asks.then(|| Mirror::new(&device)).transpose()?;
        Ok(Niu {
            mirror,
            sink,
            device,
        })
    }
}

/// Runs the program of the node that `port` belongs to.
pub(in crate::soak) fn run(
    port: &HostPort,
    plan: &GuestPlan,
    shared: &Shared,
) -> Result<(Tally, Ledger), Failure> {
    let opened = Open::new(port, plan).map_err(Failure::from);
    shared.failed.fetch_or(opened.is_err(), Ordering::Relaxed);
    let mut open = opened?;
    // From here on all sinks are there.
    port.gather(&[]);
    let outcome = open.host(port, plan, shared);
    if let Some(niu) = &mut open.niu {
        // A few last guests may still come to the others, and none of them waits for this ring.
        niu.sink.give_back();
    }
    if outcome.is_err() {
        // The others would wait for messages that never come.
        shared.failed.store(true, Ordering::Relaxed);
    }
    // From here on nothing is under way any more.
    port.gather(&[]);
    outcome?;
    open.drain(shared)?;
    open.close(plan)
}

impl<'a> Open<'a> {
    fn new(port: &HostPort, plan: &'a GuestPlan) -> Result<Self, Error> {
        let place = |place| Place::new(port.node(), place);
        let mut resets = plan.resets(port.node());
        resets.reverse();
        Ok(Open {
            niu: Some(Niu::open(port, plan)?),
            places: (0..PLACES).map(place).collect(),
            arrivals: Arrivals::new(plan, port.node()),
            tally: Tally::default(),
            resets,
        })
    }

    /// Has guests and takes in what others' guests send, until there are no more.
    fn host(&mut self, port: &HostPort, plan: &GuestPlan, shared: &Shared) -> Result<(), Failure> {
        let mut deadline = Deadline::new(port.now(), PATIENCE);
        loop {
            let mut moved = self.drain(shared)?;
            moved |= self.step(port, plan)?;
            moved |= self.reset_if_due(port, plan)?;
            if self.is_done() {
                return Ok(());
            }
            if shared.failed.load(Ordering::Relaxed) {
                return Err(Failure::Abandoned);
            }
            if moved {
                deadline = Deadline::new(port.now(), PATIENCE);
                continue;
            }
            let Some(left) = deadline.left(port.now()) else {
                return Err(Failure::Stalled {
                    waited: deadline.waited(port.now()),
                    missing: self.missing(),
                });
            };
            port.poll_for(left.min(LONGEST_POLL));
        }
    }

    /// Takes in what has come to the sink; whether there was anything.
    fn drain(&mut self, shared: &Shared) -> Result<bool, Failure> {
        let Some(niu) = &mut self.niu else {
            return Ok(false);
        };
        let mut moved = false;
        // What comes after a reset is due is still under way then.
        while self
            .resets
            .last()
            .is_none_or(|&after| self.tally.messages() < after)
            && let Some(message) = niu.sink.receive().map(MessageView::into_message)
        {
            let taken = self
                .arrivals
                .take(&message)
                .map_err(|expected| Failure::unexpected(&"the sink", &message, expected))?;
            self.tally
                .count(taken.message.express, message.payload.len());
            shared.received.fetch_add(1, Ordering::Relaxed);
            if let (Some((guest, request)), Some(mirror)) = (taken.asks, &mut niu.mirror) {
                mirror.ask(guest, request);
            }
            moved = true;
        }
        Ok(moved)
    }

    /// What mirror and places can do now; whether there was anything.
    fn step(&mut self, port: &HostPort, plan: &GuestPlan) -> Result<bool, Failure> {
        let Some(niu) = &mut self.niu else {
            return Ok(false);
        };
        let mut moved = false;
        if let Some(mirror) = &mut niu.mirror {
            moved |= mirror.step(plan)?;
        }
        let has_calmed = |node| !plan.is_reset(node) || self.arrivals.has_heard_last(node);
        let around = Surroundings {
            device: &niu.device,
            port,
            plan,
            may_end: self.resets.is_empty() && (0..plan.nodes()).all(has_calmed),
        };
        for place in &mut self.places {
            moved |= place.step(&around)?;
        }
        Ok(moved)
    }

    /// Resets the NIU if it is time to, and opens it again.
    fn reset_if_due(&mut self, port: &HostPort, plan: &GuestPlan) -> Result<bool, Failure> {
        let Some(&after) = self.resets.last() else {
            return Ok(false);
        };
        // The last guests wait for it.
        let is_overdue = self.places.iter().all(|place| place.awaits_last(plan));
        if self.tally.messages() < after && !is_overdue {
            return Ok(false);
        }
        self.resets.pop();
        port.reset_device();
        // The driver of before must be gone when the next one comes: the NIU could not tell them apart.
        self.places.iter_mut().for_each(Place::reset);
        self.niu = None;
        self.niu = Some(Niu::open(port, plan)?);
        Ok(true)
    }

    fn is_done(&self) -> bool {
        let mirror = self.niu.as_ref().and_then(|niu| niu.mirror.as_ref());
        self.places.iter().all(Place::is_done)
            && mirror.is_none_or(Mirror::is_idle)
            && self.arrivals.is_complete()
    }

    fn missing(&self) -> String {
        let places = self.places.iter().filter_map(Place::describe);
        let mut text: String = places.collect();
        if !self.arrivals.is_complete() {
            text += "the sink has not heard a last guest of each place";
        }
        text
    }

    /// Looks at the counters, and gives all that was seen.
    fn close(mut self, plan: &GuestPlan) -> Result<(Tally, Ledger), Failure> {
        let habits = plan.habits();
        let mut allowed = Vec::new();
        if habits.leave_early_of_8 > 0 || habits.resets > 0 {
            allowed.extend(OF_LEAVING);
        }
        if habits.damage || habits.resets > 0 {
            allowed.extend(OF_DAMAGE);
        }
        let mut ledger = Ledger {
            departed: Vec::new(),
            arrivals: self.arrivals.finish(),
            replies: Default::default(),
            refused_replies: 0,
        };
        if let Some(niu) = self.niu {
            check_counters(&niu.device, &allowed)?;
            self.tally.probes = niu.device.counter(Counter::Probes)?.into();
            if let Some(mirror) = niu.mirror {
                ledger.replies = mirror.replies;
                ledger.refused_replies = mirror.refused;
            }
        }
        for place in self.places {
            ledger.departed.extend(place.departed);
        }
        Ok((self.tally, ledger))
    }
}
