//! The service processor's core: VexRiscv, as a black box.

use super::wishbone::WishboneMaster;
use rust_hdl::prelude::*;

/// VexRiscv (RV32IMAC with caches and the RISC-V debug module) with its two buses, timer interrupt and JTAG.
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
    pub instruction_bus: WishboneMaster,
    /// Loads and stores; addresses with bit 31 set are not cached.
    pub data_bus: WishboneMaster,
}

impl Logic for SoftCore {
    fn update(&mut self) {
        self.jtag_tdo.next = false;
        self.debugger_resets.next = false;
        self.stop_time.next = false;
        for bus in [&mut self.instruction_bus, &mut self.data_bus] {
            bus.cycle.next = false;
            bus.strobe.next = false;
            bus.write.next = false;
            bus.address.next = Bits::default();
            bus.write_data.next = Bits::default();
            bus.select.next = Bits::default();
            bus.continues.next = false;
        }
    }

    fn connect(&mut self) {
        self.jtag_tdo.connect();
        self.debugger_resets.connect();
        self.stop_time.connect();
        for bus in [&mut self.instruction_bus, &mut self.data_bus] {
            bus.cycle.connect();
            bus.strobe.connect();
            bus.write.connect();
            bus.address.connect();
            bus.write_data.connect();
            bus.select.connect();
            bus.continues.connect();
        }
    }

    fn hdl(&self) -> Verilog {
        Verilog::Wrapper(Wrapper {
            code: format!(
                "\
// Cycle type 2: the next access is to the next address. Fills of cache lines are such bursts, from a line's first
// word to its last.
wire [2:0] instruction_cycle_type, data_cycle_type;
assign instruction_bus$continues = instruction_cycle_type == 3'd2;
assign data_bus$continues = data_cycle_type == 3'd2;
/* verilator lint_off PINCONNECTEMPTY */
VexRiscv vexriscv (
  .clk(clock),
  .reset(reset),
  .debugReset(debug_reset),
  .externalResetVector(32'h{start:x}),
  .timerInterrupt(timer_interrupt),
  .softwareInterrupt(1'b0),
  .externalInterruptArray(32'd0),
  .jtag_tck(jtag_tck),
  .jtag_tms(jtag_tms),
  .jtag_tdi(jtag_tdi),
  .jtag_tdo(jtag_tdo),
  .ndmreset(debugger_resets),
  .stoptime(stop_time),
  .iBusWishbone_CYC(instruction_bus$cycle),
  .iBusWishbone_STB(instruction_bus$strobe),
  .iBusWishbone_ACK(instruction_bus$acknowledge),
  .iBusWishbone_WE(instruction_bus$write),
  .iBusWishbone_ADR(instruction_bus$address),
  .iBusWishbone_DAT_MISO(instruction_bus$read_data),
  .iBusWishbone_DAT_MOSI(instruction_bus$write_data),
  .iBusWishbone_SEL(instruction_bus$select),
  .iBusWishbone_ERR(1'b0),
  .iBusWishbone_CTI(instruction_cycle_type),
  .iBusWishbone_BTE(),
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
