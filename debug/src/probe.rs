//! A probe-rs probe on the simulated JTAG pins.

use bitvec::vec::BitVec;
use probe_rs::architecture::riscv::JtagDtmBuilder;
use probe_rs::architecture::riscv::communication_interface::{RiscvError, RiscvInterfaceBuilder};
use probe_rs::probe::{
    AutoImplementJtagAccess, DebugProbe, DebugProbeError, JtagAccess, JtagDriverState, RawJtagIo,
    WireProtocol,
};
use sim::cluster::{Pins, Tick};

/// Core cycles of a TCK period in Run-Test/Idle, twice as many as the processor has. probe-rs looks for errors of its
/// accesses once in many: with a quarter of these, the debug module has words written before they have come, and nobody
/// notices.
const IDLE_CYCLES: u32 = 32;

/// A probe whose cable ends at a simulated NIU.
pub struct SimulatedProbe {
    pins: Pins,
    state: JtagDriverState,
    /// A driver's state in Run-Test/Idle, to compare with: probe-rs keeps the type of the TAP's states to itself.
    idle: JtagDriverState,
    captured: BitVec,
}

impl SimulatedProbe {
    /// A probe that drives these pins.
    pub fn new(pins: Pins) -> Self {
        let mut idle = JtagDriverState::default();
        // From Test-Logic-Reset, TMS low leads to Run-Test/Idle.
        idle.state.update(false);
        SimulatedProbe {
            pins,
            state: JtagDriverState::default(),
            idle,
            captured: BitVec::new(),
        }
    }
}

impl std::fmt::Debug for SimulatedProbe {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("SimulatedProbe")
    }
}

impl DebugProbe for SimulatedProbe {
    fn get_name(&self) -> &str {
        "simulated JTAG pins"
    }

    fn speed_khz(&self) -> u32 {
        1000
    }

    fn set_speed(&mut self, speed_khz: u32) -> Result<u32, DebugProbeError> {
        Ok(speed_khz)
    }

    fn attach(&mut self) -> Result<(), DebugProbeError> {
        // Resets the TAP, looks at the chain, and takes its only device.
        self.select_target(0)
    }

    fn detach(&mut self) -> Result<(), probe_rs::Error> {
        Ok(())
    }

    fn target_reset(&mut self) -> Result<(), DebugProbeError> {
        Err(no_reset_pin())
    }

    fn target_reset_assert(&mut self) -> Result<(), DebugProbeError> {
        Err(no_reset_pin())
    }

    fn target_reset_deassert(&mut self) -> Result<(), DebugProbeError> {
        Err(no_reset_pin())
    }

    fn select_protocol(&mut self, protocol: WireProtocol) -> Result<(), DebugProbeError> {
        match protocol {
            WireProtocol::Jtag => Ok(()),
            other => Err(DebugProbeError::UnsupportedProtocol(other)),
        }
    }

    fn active_protocol(&self) -> Option<WireProtocol> {
        Some(WireProtocol::Jtag)
    }

    fn try_as_jtag_probe(&mut self) -> Option<&mut dyn JtagAccess> {
        Some(self)
    }

    fn has_riscv_interface(&self) -> bool {
        true
    }

    fn try_get_riscv_interface_builder<'probe>(
        &'probe mut self,
    ) -> Result<Box<dyn RiscvInterfaceBuilder<'probe> + 'probe>, RiscvError> {
        Ok(Box::new(JtagDtmBuilder::new(self)))
    }

    fn into_probe(self: Box<Self>) -> Box<dyn DebugProbe> {
        self
    }
}

/// The processor is reset through its debug module.
fn no_reset_pin() -> DebugProbeError {
    DebugProbeError::NotImplemented {
        function_name: "target_reset",
    }
}

impl RawJtagIo for SimulatedProbe {
    fn state_mut(&mut self) -> &mut JtagDriverState {
        &mut self.state
    }

    fn state(&self) -> &JtagDriverState {
        &self.state
    }

    fn shift_bit(&mut self, tms: bool, tdi: bool, capture: bool) -> Result<(), DebugProbeError> {
        self.shift_bits([tms], [tdi], [capture])
    }

    /// One request for all bits. The clock of the NIU runs while the TAP is in Run-Test/Idle only: between them lie
    /// thousands of TCK periods in which nothing but shift registers change.
    fn shift_bits(
        &mut self,
        tms: impl IntoIterator<Item = bool>,
        tdi: impl IntoIterator<Item = bool>,
        capture: impl IntoIterator<Item = bool>,
    ) -> Result<(), DebugProbeError> {
        let mut ticks = Vec::new();
        let mut wanted = Vec::new();
        for ((tms, tdi), capture) in tms.into_iter().zip(tdi).zip(capture) {
            self.state.state.update(tms);
            let cycles = if self.state.state == self.idle.state {
                IDLE_CYCLES
            } else {
                0
            };
            ticks.push(Tick { tms, tdi, cycles });
            wanted.push(capture);
        }
        let answer = self
            .pins
            .run(ticks)
            .map_err(|ended| DebugProbeError::Other(ended.to_string()))?;
        for (tdo, _) in answer.into_iter().zip(wanted).filter(|(_, wanted)| *wanted) {
            self.captured.push(tdo);
        }
        Ok(())
    }

    fn read_captured_bits(&mut self) -> Result<BitVec, DebugProbeError> {
        Ok(std::mem::take(&mut self.captured))
    }
}

impl AutoImplementJtagAccess for SimulatedProbe {}
