//! A constant whose value is part of its type.

use rust_hdl::core::probe::Probe;
use rust_hdl::prelude::*;

/// `VALUE` as a word of `WIDTH` bits.
///
/// As rust-hdl's `Constant`, but it implements `Default`, so that a block with constants can derive `Default` too.
#[derive(Clone, Debug)]
pub struct Fixed<const WIDTH: usize, const VALUE: usize>(Constant<Bits<WIDTH>>);

impl<const WIDTH: usize, const VALUE: usize> Fixed<WIDTH, VALUE> {
    /// The constant. Usable in kernels.
    pub fn val(&self) -> Bits<WIDTH> {
        self.0.val()
    }
}

impl<const WIDTH: usize, const VALUE: usize> Default for Fixed<WIDTH, VALUE> {
    fn default() -> Self {
        const {
            assert!(
                matches!(VALUE.checked_shr(WIDTH as u32), None | Some(0)),
                "the value does not fit into the width"
            );
        }
        Self(Constant::new(VALUE.to_bits()))
    }
}

impl<const WIDTH: usize, const VALUE: usize> Logic for Fixed<WIDTH, VALUE> {
    fn update(&mut self) {}

    fn connect(&mut self) {}
}

impl<const WIDTH: usize, const VALUE: usize> Block for Fixed<WIDTH, VALUE> {
    fn connect_all(&mut self) {}

    fn update_all(&mut self) {}

    fn has_changed(&self) -> bool {
        false
    }

    fn accept(&self, name: &str, probe: &mut dyn Probe) {
        self.0.accept(name, probe);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::Gate;

    /// Adds a constant.
    #[derive(LogicBlock, Default)]
    struct Adder {
        summand: Signal<In, Bits<8>>,
        sum: Signal<Out, Bits<8>>,
        constant: Fixed<8, 0xa7>,
    }

    impl Logic for Adder {
        #[hdl_gen]
        fn update(&mut self) {
            self.sum.next = self.summand.val() + self.constant.val();
        }
    }

    #[test]
    fn the_value_is_that_of_the_type() {
        assert_eq!(Fixed::<8, 0xa7>::default().val(), 0xa7u64.to_bits());
        assert_eq!(Fixed::<128, 5>::default().val(), 5u64.to_bits());
    }

    #[test]
    fn gate() {
        Gate::new("fixed", Adder::default())
            .cycles(300)
            .run(|unit, random, _| unit.summand.next = random.bits());
    }
}
