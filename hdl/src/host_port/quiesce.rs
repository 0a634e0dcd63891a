//! The host's way to stop all requests of the NIU, without firmware and without memory.

use crate::bundles::ConfigurationWrite;
use rust_hdl::prelude::*;

/// Stops the NIU's requests to the host when the host says so, and has them resume when firmware
/// says that nothing of before is left.
///
/// * `stopped` is high from the cycle after `request`. Requests that have not started by then are dropped. It falls
///   behind a write to `REGION_RESUME` whose word is `generation`, once `quiet` is high and `holds_request` is low:
///   nothing that waited for its turn then is left. Such a write with another word has no effect.
/// * `quiet` is high while `stopped` is, from the cycle in which no request of before is under way on. Until
///   `stopped` falls it does not fall.
/// * `request` wins over a resumption in hand.
/// * `resuming` is high from two cycles after the write to `REGION_RESUME` until `stopped` has
///   fallen. Firmware's commands wait for it.
#[derive(LogicBlock, Default)]
pub struct Quiesce {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// Pulse: the host wrote `quiesce`.
    pub request: Signal<In, Bit>,
    /// What it wrote last.
    pub generation: Signal<In, Bits<8>>,
    /// Queue state.
    pub configuration: Signal<In, ConfigurationWrite>,
    /// Requests that start are dropped, and none that started before is under way.
    pub silent: Signal<In, Bit>,
    /// A read may be on its way to the host, or be waited for.
    pub reads_outstanding: Signal<In, Bit>,
    /// Requests wait for their turn.
    pub holds_request: Signal<In, Bit>,
    /// No request may start.
    pub stopped: Signal<Out, Bit>,
    /// None is under way either.
    pub quiet: Signal<Out, Bit>,
    /// The stop is about to end.
    pub resuming: Signal<Out, Bit>,

    has_stopped: DFF<Bit>,
    is_quiet: DFF<Bit>,
    resumes: DFF<Bit>,
    index: Signal<Local, Bits<16>>,
    word: Signal<Local, Bits<64>>,
}

impl Logic for Quiesce {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, has_stopped, is_quiet, resumes);
        self.stopped.next = self.has_stopped.q.val();
        self.quiet.next = self.is_quiet.q.val();
        self.resuming.next = self.resumes.q.val();
        self.index.next = self.configuration.val().index;
        self.word.next = self.configuration.val().data;

        if self.has_stopped.q.val() & self.silent.val() & !self.reads_outstanding.val() {
            self.is_quiet.d.next = true;
        }
        if self.configuration.val().valid
            & (self
                .index
                .val()
                .get_bits::<4>(abi::queue_state::REGION_SHIFT)
                == abi::queue_state::REGION_RESUME.to_bits())
            & (self.word.val().get_bits::<8>(0) == self.generation.val())
            & self.has_stopped.q.val()
        {
            self.resumes.d.next = true;
        }
        if self.resumes.q.val() & self.is_quiet.q.val() & !self.holds_request.val() {
            self.has_stopped.d.next = false;
            self.is_quiet.d.next = false;
            self.resumes.d.next = false;
        }
        if self.request.val() {
            self.has_stopped.d.next = true;
            // What was quiet stays so: the stop has not ended meanwhile.
            self.is_quiet.d.next = self.is_quiet.q.val();
            self.resumes.d.next = false;
        }
        if self.reset.val() {
            self.has_stopped.d.next = false;
            self.is_quiet.d.next = false;
            self.resumes.d.next = false;
        }
    }
}

#[cfg(test)]
mod tests;
