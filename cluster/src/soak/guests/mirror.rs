//! The endpoint that answers guests who ask for replies.

use super::guest::{Guest, GuestMessage, GuestName, Request};
use super::plan::{GuestPlan, MIRROR_RECEIVE_QUEUE_ID};
use crate::soak::Failure;
use abi::message::error::Error as Code;
use host_driver::{
    Destination, Device, Endpoint, EndpointOptions, Error, NodeNumber, QueueError, ReceiveQueueId,
    SendError, VirtualChannel,
};
use std::collections::{BTreeMap, VecDeque};

/// Base-2 logarithm of the mirror's destinations; each reply has one until it is taken.
const DESTINATIONS_LOG2: u8 = 3;
/// Messages that are sent before others have their turn.
const MESSAGES_IN_TURN: usize = 4;

/// A guest that asked, and how far it is answered.
struct Job {
    guest: Guest,
    request: Request,
    next: u16,
    /// The mirror's destination that leads to the guest.
    destination: Option<u16>,
}

/// The mirror.
pub(super) struct Mirror {
    endpoint: Endpoint,
    jobs: VecDeque<Job>,
    /// Messages sent.
    sent: u64,
    /// Messages sent when each destination was last used.
    used: [u64; 1 << DESTINATIONS_LOG2],
    turn: usize,
    /// Replies sent to each guest.
    pub replies: BTreeMap<GuestName, u16>,
    /// Replies that came too late: their guest had left.
    pub refused: u64,
}

impl Mirror {
    /// A mirror that has nothing to do.
    pub fn new(device: &Device) -> Result<Self, Error> {
        let endpoint = device.create_endpoint(EndpointOptions {
            receive_queue_id: ReceiveQueueId(MIRROR_RECEIVE_QUEUE_ID),
            ring_entries_log2: 1,
            destinations_log2: DESTINATIONS_LOG2,
            ..EndpointOptions::default()
        })?;
        Ok(Mirror {
            endpoint,
            jobs: VecDeque::new(),
            sent: 0,
            used: [0; 1 << DESTINATIONS_LOG2],
            turn: 0,
            replies: BTreeMap::new(),
            refused: 0,
        })
    }

    /// A guest asks.
    pub fn ask(&mut self, guest: Guest, request: Request) {
        self.jobs.push_back(Job {
            guest,
            request,
            next: 0,
            destination: None,
        });
    }

    /// Everything is answered, and taken or refused.
    pub fn is_idle(&self) -> bool {
        self.jobs.is_empty() && self.endpoint.outstanding() == 0
    }

    /// Sends the next replies; whether there were any.
    pub fn step(&mut self, plan: &GuestPlan) -> Result<bool, Failure> {
        let looked = self.endpoint.check();
        self.allow(looked.map_err(SendError::Queue))?;
        let mut sent = 0;
        while sent < MESSAGES_IN_TURN && !self.jobs.is_empty() {
            let Some(destination) = self.destination(plan)? else {
                break;
            };
            let Some(job) = self.jobs.front_mut() else {
                break;
            };
            let reply = plan.reply(&job.guest, job.request, job.next);
            let outcome = send(&mut self.endpoint, destination, &reply);
            if !self.allow(outcome)? {
                break;
            }
            sent += 1;
            self.sent += 1;
            self.used[usize::from(destination)] = self.sent;
            if let Some(job) = self.jobs.front_mut() {
                job.next += 1;
                *self.replies.entry(job.guest.name).or_default() += 1;
                if job.next == job.request.replies {
                    self.endpoint.launch();
                    self.jobs.pop_front();
                }
            }
        }
        Ok(sent > 0)
    }

    /// The destination of the first job; none as long as messages to another guest may still use it.
    fn destination(&mut self, plan: &GuestPlan) -> Result<Option<u16>, Failure> {
        let Some(job) = self.jobs.front_mut() else {
            return Ok(None);
        };
        if job.destination.is_none() {
            let done = self.sent - u64::from(self.endpoint.outstanding());
            if self.used[self.turn] > done {
                return Ok(None);
            }
            let name = job.guest.name;
            let channel = job.guest.targets[job.request.target].channel;
            let receive_queue_id = plan.receive_queue_id(name);
            let turn = self.turn as u16;
            self.endpoint.load_translation(
                Destination(turn),
                NodeNumber(name.node),
                ReceiveQueueId(receive_queue_id),
                VirtualChannel(channel),
            )?;
            job.destination = Some(turn);
            self.turn = (self.turn + 1) % self.used.len();
        }
        Ok(job.destination)
    }

    /// Whether something was sent, or done; that guests have left is no fault.
    fn allow(&mut self, outcome: Result<(), SendError>) -> Result<bool, Failure> {
        match outcome {
            Ok(()) => Ok(true),
            Err(SendError::QueueFull) => Ok(false),
            Err(SendError::Queue(QueueError::Reported(report)))
                if report.code == Code::NotResident && !report.failed =>
            {
                self.refused += u64::from(report.count);
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Sends a message, or composes it if it is to go together with the next.
pub(super) fn send(
    endpoint: &mut Endpoint,
    destination: u16,
    message: &GuestMessage,
) -> Result<(), SendError> {
    match <[u8; 8]>::try_from(&message.payload[..]) {
        Ok(payload) if message.express => {
            endpoint.send_express(Destination(destination), message.tag, payload)?;
        }
        _ => endpoint.compose(Destination(destination), message.tag, &message.payload)?,
    }
    if !message.batched {
        endpoint.launch();
    }
    Ok(())
}
