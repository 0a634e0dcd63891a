//! The service processor's core: VexRiscv, as a black box.

use super::instruction_port::InstructionMaster;
use super::wishbone::WishboneMaster;
use rust_hdl::prelude::*;

/// VexRiscv (RV32IMAC with a data cache and the RISC-V debug module) with its two buses, two interrupts and JTAG.
///
/// In Verilog this is the core that `cargo xtask` extracts from its wheel. rust-hdl's own simulator has no model of
/// it: there the core **stands idle**, and what is around it is tested by driving Wishbone by hand.
#[derive(LogicBlock, Default)]
pub struct SoftCore {
    /// Processor clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset of the core; it then starts at `abi::processor::RAM_BASE`.
    pub reset: Signal<In, Bit>,
    /// Synchronous reset of the debug module.
    pub debug_reset: Signal<In, Bit>,
    /// Level: the timer interrupt is pending.
    pub timer_interrupt: Signal<In, Bit>,
    /// Level: the external interrupt is pending. It is line 0 of the core's array of 32.
    pub external_interrupt: Signal<In, Bit>,
    /// JTAG clock; at most a quarter of the processor clock.
    pub jtag_tck: Signal<In, Bit>,
    /// JTAG mode select.
    pub jtag_tms: Signal<In, Bit>,
    /// JTAG data to the core.
    pub jtag_tdi: Signal<In, Bit>,
    /// JTAG data from the core.
    pub jtag_tdo: Signal<Out, Bit>,
    /// The debugger wants the core and its peripherals reset (`ndmreset`).
    pub debugger_resets: Signal<Out, Bit>,
    /// The core is halted by the debugger: the timer stands still.
    pub stop_time: Signal<Out, Bit>,
    /// Fetches.
    pub instruction: InstructionMaster,
    /// Loads and stores; addresses with bit 31 set are not cached.
    pub data_bus: WishboneMaster,
}

impl Logic for SoftCore {
    fn update(&mut self) {
        self.jtag_tdo.next = false;
        self.debugger_resets.next = false;
        self.stop_time.next = false;
        self.instruction.fetch.next = false;
        self.instruction.address.next = Bits::default();
        self.data_bus.cycle.next = false;
        self.data_bus.strobe.next = false;
        self.data_bus.write.next = false;
        self.data_bus.address.next = Bits::default();
        self.data_bus.write_data.next = Bits::default();
        self.data_bus.select.next = Bits::default();
        self.data_bus.continues.next = false;
    }

    fn connect(&mut self) {
        self.jtag_tdo.connect();
        self.debugger_resets.connect();
        self.stop_time.connect();
        self.instruction.fetch.connect();
        self.instruction.address.connect();
        self.data_bus.cycle.connect();
        self.data_bus.strobe.connect();
        self.data_bus.write.connect();
        self.data_bus.address.connect();
        self.data_bus.write_data.connect();
        self.data_bus.select.connect();
        self.data_bus.continues.connect();
    }

    fn hdl(&self) -> Verilog {
        Verilog::Wrapper(Wrapper {
            code: format!(
                "\
// Cycle type 2: the next access is to the next address. Fills of cache lines are such bursts, from a line's first
// word to its last.
wire [2:0] data_cycle_type;
assign data_bus$continues = data_cycle_type == 3'd2;
/* verilator lint_off PINCONNECTEMPTY */
VexRiscv vexriscv (
  .clk(clock),
  .reset(reset),
  .debugReset(debug_reset),
  .externalResetVector(32'h{start:x}),
  .timerInterrupt(timer_interrupt),
  .softwareInterrupt(1'b0),
  .externalInterruptArray({{31'd0, external_interrupt}}),
  .jtag_tck(jtag_tck),
  .jtag_tms(jtag_tms),
  .jtag_tdi(jtag_tdi),
  .jtag_tdo(jtag_tdo),
  .ndmreset(debugger_resets),
  .stoptime(stop_time),
  .instructionMemory_enable(instruction$fetch),
  .instructionMemory_address(instruction$address),
  .instructionMemory_data(instruction$word),
  .dBusWishbone_CYC(data_bus$cycle),
  .dBusWishbone_STB(data_bus$strobe),
  .dBusWishbone_ACK(data_bus$acknowledge),
  .dBusWishbone_WE(data_bus$write),
  .dBusWishbone_ADR(data_bus$address),
  .dBusWishbone_DAT_MISO(data_bus$read_data),
  .dBusWishbone_DAT_MOSI(data_bus$write_data),
  .dBusWishbone_SEL(data_bus$select),
  .dBusWishbone_ERR(1'b0),
  .dBusWishbone_CTI(data_cycle_type),
  .dBusWishbone_BTE()
);
/* verilator lint_on PINCONNECTEMPTY */
",
                start = abi::processor::RAM_BASE
            ),
            // The module comes from the extracted file; a stub here would define it twice.
            cores: String::new(),
        })
    }
}
