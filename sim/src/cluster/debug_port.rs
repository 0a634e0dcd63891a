//! The debug transport of a simulated NIU's service processor: four JTAG pins, driven from another thread.
//!
//! [`debug_port`] makes the two ends. The cluster takes the [`DebugPort`] (`Cluster::debug`), a debugger keeps the
//! [`Pins`].

use crate::model::NiuModel;
use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};

/// One period of TCK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tick {
    /// TMS at the rising edge.
    pub tms: bool,
    /// TDI at the rising edge.
    pub tdi: bool,
    /// Core cycles from this rising edge to the next period at least. With 0 the next period follows at once: the
    /// shift registers of the debug transport run on TCK alone, but what they hand to the processor's clock takes time.
    pub cycles: u32,
}

/// What becomes of simulated time while the debugger asks for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// It goes on.
    Runs,
    /// It stands still, so that a run does not depend on how fast the debugger is.
    Waits,
}

/// The run has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the simulated cluster has ended")]
pub struct RunEnded;

/// The debugger's end.
#[derive(Debug)]
pub struct Pins {
    ticks: Sender<Vec<Tick>>,
    tdo: Receiver<Vec<bool>>,
}

/// The node's end.
#[derive(Debug)]
pub struct DebugPort {
    pace: Pace,
    ticks: Receiver<Vec<Tick>>,
    tdo: Sender<Vec<bool>>,
    /// Of the request that is carried out: what is left of it, and what has been answered.
    left: VecDeque<Tick>,
    answer: Vec<bool>,
    /// The next period begins in this cycle at the earliest.
    next: u64,
    ended: bool,
}

/// The two ends of a debug transport.
pub fn debug_port(pace: Pace) -> (Pins, DebugPort) {
    let (ticks, to_node) = channel();
    let (from_node, tdo) = channel();
    let port = DebugPort {
        pace,
        ticks: to_node,
        tdo: from_node,
        left: VecDeque::new(),
        answer: Vec::new(),
        next: 0,
        ended: false,
    };
    (Pins { ticks, tdo }, port)
}

impl Pins {
    /// Runs these periods; returns TDO before each rising edge.
    ///
    /// # Errors
    /// The run has ended.
    pub fn run(&self, ticks: Vec<Tick>) -> Result<Vec<bool>, RunEnded> {
        if ticks.is_empty() {
            return Ok(Vec::new());
        }
        self.ticks.send(ticks).map_err(|_| RunEnded)?;
        self.tdo.recv().map_err(|_| RunEnded)
    }
}

impl DebugPort {
    /// Does what is due in this cycle.
    pub fn step(&mut self, cycle: u64, model: &mut NiuModel) {
        while cycle >= self.next && self.has_tick() {
            let Some(tick) = self.left.pop_front() else {
                return;
            };
            self.answer.push(model.jtag(true, tick.tms, tick.tdi));
            model.jtag(false, tick.tms, tick.tdi);
            self.next = cycle + u64::from(tick.cycles);
        }
    }

    /// Whether there is a period to run; fetches the next request once the last one's time is over.
    fn has_tick(&mut self) -> bool {
        while self.left.is_empty() && !self.ended {
            let answer = std::mem::take(&mut self.answer);
            if !answer.is_empty() && self.tdo.send(answer).is_err() {
                self.ended = true;
                break;
            }
            let request = match self.pace {
                Pace::Waits => self.ticks.recv().map_err(|_| TryRecvError::Disconnected),
                Pace::Runs => self.ticks.try_recv(),
            };
            match request {
                Ok(ticks) => self.left.extend(ticks),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => self.ended = true,
            }
        }
        !self.left.is_empty()
    }
}
