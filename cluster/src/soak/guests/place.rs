//! A place, where one guest after the other lives.

use super::guest::{Guest, GuestName};
use super::mirror::send;
use super::plan::{GuestPlan, SINK_RECEIVE_QUEUE_ID};
use crate::soak::Failure;
use host_driver::{
    Destination, Device, Endpoint, EndpointOptions, Error, FlushError, Message, MessageView,
    NodeNumber, ReceiveQueueId, SendError, VirtualChannel,
};
use sim::host::HostPort;
use sim::pcie::Class;
use std::time::Duration;

/// Messages that a guest sends before others have their turn.
const MESSAGES_IN_TURN: usize = 4;
/// Base-2 logarithm of a guest's receive ring: it holds all replies.
const RING_ENTRIES_LOG2: u8 = 4;

/// How a guest ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// All it sent was taken, or refused for good, and all replies have come.
    Clean,
    /// It was destroyed with messages unanswered, as planned.
    Early,
    /// Its queue failed.
    Failed,
    /// Its NIU was reset.
    Reset,
}

/// A guest that has left.
#[derive(Clone, Debug)]
pub(super) struct Departed {
    pub name: GuestName,
    /// Its transmit queue.
    pub queue: u16,
    pub end: End,
    /// Messages that it sent to each target, ...
    pub sent: Vec<u16>,
    /// ... and those of them that the NIU was done with when it left.
    pub answered: Vec<u16>,
    /// Messages that were refused for good.
    pub refused: u16,
}

/// A guest that lives here.
struct Tenant {
    guest: Guest,
    endpoint: Endpoint,
    /// Messages sent.
    sent: usize,
    /// Replies taken.
    replies: u16,
    refused: u16,
}

/// A place.
pub(super) struct Place {
    next: GuestName,
    tenant: Option<Tenant>,
    is_done: bool,
    pub departed: Vec<Departed>,
}

/// What a place does it with.
pub(super) struct Surroundings<'a> {
    pub device: &'a Device,
    pub port: &'a HostPort,
    pub plan: &'a GuestPlan,
    /// Last guests may come: nothing will be reset any more.
    pub may_end: bool,
}

impl Place {
    /// A place where nobody has lived yet.
    pub fn new(node: u16, place: u16) -> Self {
        Place {
            next: GuestName {
                node,
                place,
                number: 0,
            },
            tenant: None,
            is_done: false,
            departed: Vec::new(),
        }
    }

    /// A last guest has left without a fault.
    pub fn is_done(&self) -> bool {
        self.is_done
    }

    /// Nobody lives here, and a last guest is next.
    pub fn awaits_last(&self, plan: &GuestPlan) -> bool {
        self.tenant.is_none() && plan.is_last(self.next)
    }

    /// The place's next bit of work; whether there was any.
    pub fn step(&mut self, around: &Surroundings<'_>) -> Result<bool, Failure> {
        if self.is_done {
            return Ok(false);
        }
        if self.awaits_last(around.plan) && !around.may_end {
            return Ok(false);
        }
        let Some(tenant) = &mut self.tenant else {
            let guest = around.plan.guest(self.next);
            self.tenant = Some(Tenant::new(around, guest)?);
            self.next.number += 1;
            return Ok(true);
        };
        let before = (tenant.sent, tenant.replies);
        let end = tenant.step(around)?;
        let moved = (tenant.sent, tenant.replies) != before;
        let Some(end) = end else {
            return Ok(moved);
        };
        if let Some(tenant) = self.tenant.take() {
            let is_last = around.plan.is_last(tenant.guest.name);
            self.is_done = is_last && end == End::Clean && tenant.refused == 0;
            if tenant.guest.withheld_ns > 0 {
                let withhold_ns = tenant.guest.withheld_ns;
                around.port.with_side(|side| {
                    side.bridge.withhold_credits(Class::Posted, 0, withhold_ns);
                });
            }
            // With this its endpoint is destroyed.
            self.departed.push(tenant.leave(end));
        }
        Ok(true)
    }

    /// The NIU was reset: there is no endpoint any more.
    pub fn reset(&mut self) {
        let tenant = self.tenant.take();
        self.departed
            .extend(tenant.map(|tenant| tenant.leave(End::Reset)));
    }

    /// What the place is at, for a run that stands still.
    pub fn describe(&self) -> Option<String> {
        let tenant = self.tenant.as_ref()?;
        Some(format!(
            "{} has sent {} of {} messages, of which {} are unanswered; ",
            tenant.guest.name,
            tenant.sent,
            tenant.guest.messages.len(),
            tenant.endpoint.outstanding()
        ))
    }
}

impl Tenant {
    fn new(around: &Surroundings<'_>, guest: Guest) -> Result<Self, Error> {
        let targets = guest.targets.len();
        let endpoint = around.device.create_endpoint(EndpointOptions {
            receive_queue_id: ReceiveQueueId(around.plan.receive_queue_id(guest.name)),
            ring_entries_log2: RING_ENTRIES_LOG2,
            destinations_log2: targets.next_power_of_two().ilog2() as u8,
            priority: guest.name.number.is_multiple_of(4),
            ..EndpointOptions::default()
        })?;
        for (destination, target) in guest.targets.iter().enumerate() {
            endpoint.load_translation(
                Destination(destination as u16),
                NodeNumber(target.node),
                ReceiveQueueId(SINK_RECEIVE_QUEUE_ID),
                VirtualChannel(target.channel),
            )?;
        }
        Ok(Tenant {
            guest,
            endpoint,
            sent: 0,
            replies: 0,
            refused: 0,
        })
    }

    /// Sends and takes what it can; how it ends, if it does.
    fn step(&mut self, around: &Surroundings<'_>) -> Result<Option<End>, Failure> {
        while let Some(message) = self.endpoint.receive().map(MessageView::into_message) {
            self.take_reply(around, &message)?;
        }
        for _ in 0..MESSAGES_IN_TURN {
            if self.guest.leaves_after == Some(self.sent) {
                return Ok(Some(End::Early));
            }
            let Some(message) = self.guest.messages.get(self.sent) else {
                break;
            };
            match send(&mut self.endpoint, message.target as u16, message) {
                Ok(()) => self.sent += 1,
                Err(SendError::QueueFull) => return Ok(None),
                Err(error) => return self.complaint(around, error.into()),
            }
        }
        if self.sent < self.guest.messages.len() {
            return Ok(None);
        }
        match self.endpoint.flush(Duration::ZERO) {
            Ok(()) if self.replies == self.guest.request.map_or(0, |request| request.replies) => {
                Ok(Some(End::Clean))
            }
            Ok(()) | Err(FlushError::Outstanding { .. }) => Ok(None),
            Err(error) => self.complaint(around, error.into()),
        }
    }

    /// The NIU complains: the end, if the queue has failed.
    fn complaint(
        &mut self,
        around: &Surroundings<'_>,
        error: Error,
    ) -> Result<Option<End>, Failure> {
        match error.queue_report() {
            Some(report) if report.failed && around.plan.may_fail(&self.guest) => {
                Ok(Some(End::Failed))
            }
            Some(report) if around.plan.may_be_refused(&self.guest) => {
                self.refused += report.count;
                Ok(None)
            }
            _ => Err(error.into()),
        }
    }

    fn take_reply(&mut self, around: &Surroundings<'_>, message: &Message) -> Result<(), Failure> {
        let name = self.guest.name;
        let request = self.guest.request;
        let request = request.filter(|request| self.replies < request.replies);
        let expected = request.map(|request| {
            let reply = around.plan.reply(&self.guest, request, self.replies);
            (reply, self.guest.targets[request.target].node)
        });
        match expected {
            Some((reply, node))
                if (message.source_node.0, message.tag) == (node, reply.tag)
                    && message.payload == reply.payload =>
            {
                self.replies += 1;
                Ok(())
            }
            Some((_, node)) => Err(Failure::unexpected(
                &name,
                message,
                format!("reply {} from node {node}", self.replies),
            )),
            None => Err(Failure::unexpected(&name, message, "nothing".into())),
        }
    }

    fn leave(self, end: End) -> Departed {
        let targets = self.guest.targets.len();
        let count = |messages: usize| {
            let mut counts = vec![0; targets];
            for message in &self.guest.messages[..messages] {
                counts[message.target] += 1;
            }
            counts
        };
        let unanswered = usize::from(self.endpoint.outstanding());
        Departed {
            name: self.guest.name,
            queue: self.endpoint.number().0,
            end,
            sent: count(self.sent),
            answered: count(self.sent - unanswered),
            refused: self.refused,
        }
    }
}
