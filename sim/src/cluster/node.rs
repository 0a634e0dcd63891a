//! One node: a NIU, its host and the programs there.

use super::debug_port::DebugPort;
use super::exchange::{Delivery, Letter, Programs};
use super::idle::{Idleness, Skip};
use super::report::NodeReport;
use crate::host::{HostSide, Program, ProgramBody, RESET_CYCLES, Schedule, Wake};
use crate::model::{Inputs, LinkBeat, NiuModel, beat_to_words, words_to_beat};
use crate::network::{Flit, Wire};
use crate::pcie::{HostPortInputs, HostPortOutputs};
use crate::trace::{Direction, LinkLog, TraceHash};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

/// What a node is made of; may be sent to the thread that will run it.
pub struct NodeParts {
    /// Place in the cluster, from 0.
    pub number: usize,
    /// The Verilated NIU.
    pub model: NiuModel,
    /// What its processor starts with.
    pub firmware: Arc<[u8]>,
    /// Root complex, memory, costs.
    pub side: HostSide,
    /// What the host runs.
    pub programs: Vec<ProgramBody>,
    /// The wire that leaves the node.
    pub wire: Wire,
    /// Where packets are logged.
    pub log: Option<LinkLog>,
    /// A debugger at the service processor's debug transport.
    pub debug_port: Option<DebugPort>,
    /// What is done with idle cycles.
    pub skip: Skip,
}

/// A node, tied to the thread that runs it because its programs are.
pub struct Node {
    number: usize,
    model: NiuModel,
    firmware: Arc<[u8]>,
    /// The NIU is in reset before this cycle.
    reset_until: u64,
    side: Rc<RefCell<HostSide>>,
    programs: Vec<Program>,
    schedule: Schedule,
    wire: Wire,
    log: Option<LinkLog>,
    debug_port: Option<DebugPort>,
    inputs: Inputs,
    /// Those of the last rising edge.
    taken: Inputs,
    idleness: Idleness,
    /// A beat left on the link in the cycle.
    sent: bool,
    from_device: HostPortOutputs,
    incoming: VecDeque<(u64, Flit)>,
    hash: TraceHash,
}

impl Node {
    /// A node in the first half of cycle 0.
    pub fn new(parts: NodeParts) -> Self {
        let side = Rc::new(RefCell::new(parts.side));
        let programs: Vec<Program> = parts
            .programs
            .into_iter()
            .map(|body| Program::new(body, Rc::clone(&side)))
            .collect();
        let mut schedule = Schedule::default();
        for (number, program) in programs.iter().enumerate() {
            schedule.wait(number, program.wake.as_ref(), 0);
        }
        let inputs = Inputs {
            reset: 1,
            link_transmit_ready: 1,
            ..Inputs::default()
        };
        let mut node = Node {
            number: parts.number,
            model: parts.model,
            firmware: parts.firmware,
            reset_until: RESET_CYCLES,
            side,
            programs,
            schedule,
            wire: parts.wire,
            log: parts.log,
            debug_port: parts.debug_port,
            inputs,
            taken: inputs,
            idleness: Idleness::new(parts.skip),
            sent: false,
            from_device: HostPortOutputs::default(),
            incoming: VecDeque::new(),
            hash: TraceHash::default(),
        };
        node.model.load_firmware(&node.firmware);
        node.begin_cycle(0);
        node
    }

    /// Place in the cluster, from 0.
    pub fn number(&self) -> usize {
        self.number
    }

    /// Runs from the second half of cycle `from` to the first half of cycle `to`, with what was
    /// delivered; returns what goes out.
    pub fn run(&mut self, from: u64, to: u64, delivery: Delivery) -> Letter {
        self.incoming.extend(delivery.beats);
        if let Some(gathered) = delivery.gathered {
            self.side.borrow_mut().gathered = gathered;
            for (number, program) in self.programs.iter_mut().enumerate() {
                if matches!(program.wake, Some(Wake::Gather(_))) {
                    program.wake = Some(Wake::At(from + 1));
                    self.schedule.wait(number, program.wake.as_ref(), from + 1);
                }
            }
        }
        for cycle in from..to {
            self.end_cycle(cycle);
            if let Some(port) = &mut self.debug_port
                && cycle >= self.reset_until
            {
                port.step(cycle, &mut self.model);
            }
            self.begin_cycle(cycle + 1);
        }
        Letter {
            node: self.number,
            beats: self.wire.take(),
            programs: self.program_states(),
            failed: !self.side.borrow().bridge.violations().is_empty(),
        }
    }

    fn program_states(&self) -> Programs {
        if self.schedule.any_runs() {
            return Programs::Running;
        }
        let mut gathering = Vec::new();
        for program in &self.programs {
            match &program.wake {
                None => gathering.push(None),
                Some(Wake::Gather(bytes)) => gathering.push(Some(bytes.clone())),
                Some(_) => return Programs::Running,
            }
        }
        Programs::Gathering(gathering)
    }

    /// The host's part of a cycle, and the first half of the NIU's: what goes out on the link is known.
    fn begin_cycle(&mut self, cycle: u64) {
        self.run_programs(cycle);
        self.begin_reset(cycle);
        let in_reset = cycle < self.reset_until;
        self.inputs.reset = in_reset.into();
        // The first reset is over before there is a host.
        if !in_reset || self.reset_until > RESET_CYCLES {
            if in_reset {
                self.from_device = HostPortOutputs::default();
            }
            let to_device = {
                let mut side = self.side.borrow_mut();
                let HostSide { bridge, memory, .. } = &mut *side;
                bridge.step(&self.from_device, memory)
            };
            self.set_host_inputs(&to_device);
        }
        let ready = self.wire.ready(cycle);
        self.inputs.link_transmit_ready = ready.into();
        if self.idleness.is_still() && self.inputs != self.taken {
            self.idleness.wake(&mut self.model);
        }
        self.sent = false;
        if self.idleness.leaves_out() {
            return;
        }
        self.taken = self.inputs;
        let beat = self.model.rise(&self.inputs);
        if ready && beat.valid != 0 && !in_reset {
            self.sent = true;
            let flit = Flit {
                data: words_to_beat(beat.data),
                last: beat.last != 0,
            };
            self.wire.send(cycle, flit);
            self.observe(cycle, Direction::FromDevice, flit);
        }
    }

    /// Resets the NIU, if a program wants it.
    fn begin_reset(&mut self, cycle: u64) {
        let mut side = self.side.borrow_mut();
        if std::mem::take(&mut side.reset) {
            side.bridge.reset_device();
            self.model.load_firmware(&self.firmware);
            self.reset_until = cycle + RESET_CYCLES;
        }
    }

    /// The second half of the NIU's part: what comes in on the link arrives, and what goes out to the host is known.
    fn end_cycle(&mut self, cycle: u64) {
        let mut beat = LinkBeat::default();
        let mut received = false;
        if self.incoming.front().is_some_and(|(due, _)| *due <= cycle)
            && let Some((_, flit)) = self.incoming.pop_front()
        {
            beat = LinkBeat {
                data: beat_to_words(flit.data),
                valid: 1,
                last: flit.last.into(),
            };
            self.observe(cycle, Direction::ToDevice, flit);
            received = true;
        }
        if received && self.idleness.is_still() {
            let left_out = self.idleness.leaves_out();
            self.idleness.wake(&mut self.model);
            if left_out {
                // The edge that began the cycle; its inputs were the same.
                self.model.rise(&self.inputs);
            }
        }
        if self.idleness.leaves_out() {
            let crossed = self.model.doze();
            self.idleness.rested(&mut self.model, crossed);
            return;
        }
        let outputs = self.model.fall(&beat);
        if self.idleness.is_still() {
            let crossed = self.model.has_crossed();
            self.idleness.rested(&mut self.model, crossed);
        } else {
            let quiet = !received
                && !self.sent
                && self.inputs.host_receive_valid == 0
                && self.inputs.reset == 0
                && outputs.valid == 0
                && outputs.nonposted_free == 0;
            self.idleness.worked(&mut self.model, quiet);
        }
        self.from_device = HostPortOutputs {
            host_receive_nonposted_free: outputs.nonposted_free != 0,
            host_transmit_valid: outputs.valid != 0,
            host_transmit_data: words_to_beat(outputs.data),
            host_transmit_last: outputs.last != 0,
        };
    }

    fn run_programs(&mut self, cycle: u64) {
        {
            let mut side = self.side.borrow_mut();
            side.cycle = cycle;
            self.schedule.begin(cycle, side.bridge.landed_writes());
            self.schedule.interrupted(cycle, side.bridge.interrupts());
        }
        while let Some(number) = self.schedule.next(cycle) {
            let program = &mut self.programs[number];
            program.resume();
            self.schedule.wait(number, program.wake.as_ref(), cycle);
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
        inputs.config_msix_enable = from.config_msix_enable.into();
        inputs.config_msix_function_mask = from.config_msix_function_mask.into();
    }

    fn observe(&mut self, cycle: u64, direction: Direction, flit: Flit) {
        self.hash.add_word(cycle << 1 | u64::from(flit.last));
        self.hash.add_word(flit.data as u64);
        self.hash.add_word((flit.data >> 64) as u64);
        if let Some(log) = &mut self.log {
            log.beat(cycle, direction, flit);
        }
    }

    /// What the node saw.
    pub fn report(&self) -> NodeReport {
        let side = self.side.borrow();
        let mut hash = self.hash;
        hash.add_word(side.bridge.trace_hash());
        NodeReport {
            trace_hash: hash.value(),
            idle_cycles: self.idleness.skipped(),
            asleep_cycles: self.model.asleep_cycles(),
            iommu_faults: side.bridge.iommu().fault_count(),
            violations: side
                .bridge
                .violations()
                .iter()
                .map(ToString::to_string)
                .collect(),
        }
    }
}
