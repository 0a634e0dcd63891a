//! One node: a NIU, its host and the programs there.

use super::exchange::{Mailbox, ProgramState};
use crate::host::{HostSide, Program, ProgramBody, Wake};
use crate::model::{Inputs, NiuModel, Outputs, beat_to_words, words_to_beat};
use crate::network::{Flit, Wire};
use crate::pcie::{HostPortInputs, HostPortOutputs};
use crate::trace::{Direction, LinkLog, TraceHash};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

/// Cycles that the NIU is held in reset at the start.
const RESET_CYCLES: u64 = 16;

/// What a node is made of; may be sent to the thread that will run it.
pub struct NodeParts {
    /// The Verilated NIU.
    pub model: NiuModel,
    /// Root complex, memory, costs.
    pub side: HostSide,
    /// Programs.
    pub programs: Vec<ProgramBody>,
    /// The wire that leaves the node.
    pub wire: Wire,
    /// Where packets are logged.
    pub log: Option<LinkLog>,
}

/// A node, tied to the thread that runs it because its programs are.
pub struct Node {
    model: NiuModel,
    side: Rc<RefCell<HostSide>>,
    programs: Vec<Program>,
    wire: Wire,
    log: Option<LinkLog>,
    inputs: Inputs,
    from_device: HostPortOutputs,
    incoming: VecDeque<(u64, Flit)>,
    hash: TraceHash,
}

impl Node {
    /// A node at cycle 0.
    pub fn new(parts: NodeParts) -> Self {
        let side = Rc::new(RefCell::new(parts.side));
        let programs = parts
            .programs
            .into_iter()
            .map(|body| Program::new(body, Rc::clone(&side)))
            .collect();
        let inputs = Inputs {
            reset: 1,
            link_transmit_ready: 1,
            ..Inputs::default()
        };
        Node {
            model: parts.model,
            side,
            programs,
            wire: parts.wire,
            log: parts.log,
            inputs,
            from_device: HostPortOutputs::default(),
            incoming: VecDeque::new(),
            hash: TraceHash::default(),
        }
    }

    /// Runs the cycles `from..to`, with what the mailbox brings, and leaves there what goes out.
    pub fn run(&mut self, from: u64, to: u64, mailbox: &mut Mailbox) {
        self.incoming.append(&mut mailbox.incoming);
        if let Some(gathered) = mailbox.gathered.take() {
            self.side.borrow_mut().gathered = gathered;
            for program in &mut self.programs {
                if matches!(program.wake, Some(Wake::Gather(_))) {
                    program.wake = Some(Wake::At(from));
                }
            }
        }
        for cycle in from..to {
            self.cycle(cycle);
        }
        mailbox.outgoing.extend(self.wire.take());
        mailbox.failed |= !self.side.borrow().bridge.violations().is_empty();
        mailbox.programs.clear();
        mailbox
            .programs
            .extend(self.programs.iter().map(|program| match &program.wake {
                None => ProgramState::Finished,
                Some(Wake::Gather(bytes)) => ProgramState::Gathering(bytes.clone()),
                Some(_) => ProgramState::Running,
            }));
    }

    fn cycle(&mut self, cycle: u64) {
        self.run_programs(cycle);
        if cycle >= RESET_CYCLES {
            self.inputs.reset = 0;
            let to_device = {
                let mut side = self.side.borrow_mut();
                let HostSide { bridge, memory, .. } = &mut *side;
                bridge.step(&self.from_device, memory)
            };
            self.set_host_inputs(&to_device);
        }
        let arrived = self
            .incoming
            .front()
            .filter(|(due, _)| *due <= cycle)
            .copied();
        self.inputs.link_receive_valid = arrived.is_some().into();
        if let Some((_, flit)) = arrived {
            self.incoming.pop_front();
            self.inputs.link_receive_data = beat_to_words(flit.data);
            self.inputs.link_receive_last = flit.last.into();
            self.observe(cycle, Direction::ToDevice, flit);
        }
        let outputs = self.model.cycle(&self.inputs);
        self.take_outputs(cycle, &outputs);
    }

    fn run_programs(&mut self, cycle: u64) {
        let device_writes = {
            let mut side = self.side.borrow_mut();
            side.cycle = cycle;
            side.bridge.landed_writes()
        };
        for program in &mut self.programs {
            while program
                .wake
                .as_mut()
                .is_some_and(|wake| is_due(wake, cycle, device_writes))
            {
                program.resume();
            }
        }
    }

    fn set_host_inputs(&mut self, from: &HostPortInputs) {
        let inputs = &mut self.inputs;
        inputs.host_receive_valid = from.host_receive_valid.into();
        inputs.host_receive_data = beat_to_words(from.host_receive_data);
        inputs.host_receive_last = from.host_receive_last.into();
        inputs.host_transmit_ready = from.host_transmit_ready.into();
        inputs.host_transmit_posted_allowed = from.host_transmit_posted_allowed.into();
        inputs.host_transmit_nonposted_allowed = from.host_transmit_nonposted_allowed.into();
        inputs.host_transmit_completion_allowed = from.host_transmit_completion_allowed.into();
        inputs.config_requester = from.config_requester;
        inputs.config_bar0 = from.config_bar0;
        inputs.config_bar2 = from.config_bar2;
        inputs.config_bar4 = from.config_bar4;
        inputs.config_maximum_payload = from.config_maximum_payload;
        inputs.config_maximum_read_request = from.config_maximum_read_request;
        inputs.config_memory_enable = from.config_memory_enable.into();
        inputs.config_master_enable = from.config_master_enable.into();
    }

    fn take_outputs(&mut self, cycle: u64, outputs: &Outputs) {
        self.from_device = HostPortOutputs {
            host_receive_nonposted_free: outputs.host_receive_nonposted_free != 0,
            host_transmit_valid: outputs.host_transmit_valid != 0,
            host_transmit_data: words_to_beat(outputs.host_transmit_data),
            host_transmit_last: outputs.host_transmit_last != 0,
        };
        let next = cycle + 1;
        let ready = self.wire.ready(next);
        self.inputs.link_transmit_ready = ready.into();
        if ready && outputs.link_transmit_valid != 0 {
            let flit = Flit {
                data: words_to_beat(outputs.link_transmit_data),
                last: outputs.link_transmit_last != 0,
            };
            self.wire.send(next, flit);
            self.observe(next, Direction::FromDevice, flit);
        }
    }

    fn observe(&mut self, cycle: u64, direction: Direction, flit: Flit) {
        self.hash.add_word(cycle << 1 | u64::from(flit.last));
        self.hash.add_word(flit.data as u64);
        self.hash.add_word((flit.data >> 64) as u64);
        if let Some(log) = &mut self.log {
            log.beat(cycle, direction, flit);
        }
    }

    /// The programs' host side, for the report.
    pub fn side(&self) -> &RefCell<HostSide> {
        &self.side
    }

    /// Hash of everything that crossed the node's ports.
    pub fn hash(&self) -> u64 {
        let mut hash = self.hash;
        hash.add_word(self.side.borrow().bridge.trace_hash());
        hash.value()
    }
}

/// Whether a waiting program is to be resumed in this cycle.
fn is_due(wake: &mut Wake, cycle: u64, device_writes: u64) -> bool {
    match wake {
        Wake::At(due) => *due <= cycle,
        Wake::Memory {
            next,
            interval,
            seen,
            deadline,
        } => {
            if cycle >= *deadline {
                return true;
            }
            if cycle < *next {
                return false;
            }
            // A poll happens now; the next one an interval later.
            let polls = (cycle - *next) / *interval;
            let now = *next + polls * *interval;
            *next = now + *interval;
            now == cycle && device_writes != *seen
        }
        Wake::Gather(_) => false,
    }
}
