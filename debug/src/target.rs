//! What probe-rs must know of the service processor.

use crate::SimulatedProbe;
use abi::processor::RAM_BASE;
use probe_rs::config::Registry;
use probe_rs::probe::Probe;
use probe_rs::{Permissions, Session};
use sim::cluster::Pins;
use sim::model::RAM_BYTES;

/// The name of the service processor in [`description`].
pub const CHIP: &str = "wayfarer";

/// A chip description in probe-rs' own format, as `probe-rs --chip-description-path` takes it too.
pub fn description() -> String {
    let end = RAM_BASE + RAM_BYTES;
    format!(
        "\
name: Wayfarer
variants:
- name: {CHIP}
  cores:
  - name: service-processor
    type: riscv
    core_access_options: !Riscv
      hart_id: 0
      jtag_tap: 0
  memory_map:
  - !Ram
    name: RAM
    range:
      start: {RAM_BASE:#x}
      end: {end:#x}
    cores:
    - service-processor
  jtag:
    scan_chain:
    - name: vexriscv
      ir_len: 5
flash_algorithms: []
"
    )
}

/// Attaches probe-rs to the service processor behind these pins, which goes on running.
///
/// # Errors
/// The debug module does not answer, or the simulated cluster has ended.
pub fn attach(pins: Pins) -> Result<Session, probe_rs::Error> {
    let mut registry = Registry::new();
    registry
        .add_target_family_from_yaml(&description())
        .map_err(|error| probe_rs::Error::Other(format!("{error:#}")))?;
    Probe::new(SimulatedProbe::new(pins)).attach_with_registry(
        CHIP,
        Permissions::default(),
        &registry,
    )
}
