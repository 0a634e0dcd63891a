//! Stepping a block in rust-hdl's own simulator.

use rust_hdl::core::block::Block;

/// Lets all combinational logic come to rest.
///
/// # Panics
/// If it does not: a combinational loop.
pub fn settle<B: Block>(unit: &mut B) {
    for _ in 0..200 {
        unit.update_all();
        if !unit.has_changed() {
            return;
        }
    }
    panic!("the logic does not come to rest: a combinational loop");
}

/// `clock_cycle!(unit, clock)`: settles, raises the clock, settles, lowers it, settles. Outputs read before are those
/// of the cycle that ends, outputs read after are those of the next one with the same inputs.
#[macro_export]
macro_rules! clock_cycle {
    ($unit:expr, $clock:ident) => {
        $crate::gate::settle(&mut $unit);
        $unit.$clock.next.clk = true;
        $crate::gate::settle(&mut $unit);
        $unit.$clock.next.clk = false;
        $crate::gate::settle(&mut $unit);
    };
}
