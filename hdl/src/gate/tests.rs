//! The gate finds what it is there to find. Each block here has one mistake that rust-hdl's own checks let pass.

use super::*;

/// Rule 1: the sum wraps in Rust, not in Verilog.
#[derive(LogicBlock, Default)]
struct CarryInComparison {
    pub word: Signal<In, Bits<4>>,
    pub limit: Signal<In, Bits<4>>,
    pub reached: Signal<Out, Bit>,
}

impl Logic for CarryInComparison {
    #[hdl_gen]
    fn update(&mut self) {
        self.reached.next = (self.word.val() + 1) == self.limit.val();
    }
}

#[test]
#[should_panic(expected = "WIDTHEXPAND")]
fn a_carry_that_survives_is_refused() {
    Gate::new("carry_in_comparison", CarryInComparison::default()).run(|unit, random, _| {
        unit.word.next = random.bits();
        unit.limit.next = random.bits();
    });
}

/// Rule 3: no parentheses are written, and in Verilog `==` binds tighter than `&`.
#[derive(LogicBlock, Default)]
struct MissingParentheses {
    pub first: Signal<In, Bit>,
    pub second: Signal<In, Bit>,
    pub third: Signal<In, Bit>,
    pub result: Signal<Out, Bit>,
}

impl Logic for MissingParentheses {
    #[hdl_gen]
    fn update(&mut self) {
        self.result.next = self.first.val() & self.second.val() == self.third.val();
    }
}

#[test]
#[should_panic(expected = "port result: rust-hdl 00000001, Verilog 00000000")]
fn what_binds_otherwise_differs() {
    Gate::new("missing_parentheses", MissingParentheses::default()).run(|unit, random, _| {
        unit.first.next = random.chance(50);
        unit.second.next = random.chance(50);
        unit.third.next = random.chance(50);
    });
}

/// Rule 5: the output keeps its value while not chosen.
#[derive(LogicBlock, Default)]
struct Latch {
    pub word: Signal<In, Bits<4>>,
    pub choose: Signal<In, Bit>,
    pub result: Signal<Out, Bits<4>>,
}

impl Logic for Latch {
    #[hdl_gen]
    fn update(&mut self) {
        if self.choose.val() {
            self.result.next = self.word.val();
        }
    }
}

#[test]
#[should_panic(expected = "LATCH")]
fn a_latch_is_refused() {
    Gate::new("latch", Latch::default()).run(|unit, random, _| {
        unit.word.next = random.bits();
        unit.choose.next = random.chance(50);
    });
}

/// Yosys finds latches without Verilator's help, too.
#[test]
#[should_panic(expected = "Yosys finds a latch")]
fn yosys_sees_the_latch() {
    let mut unit = Latch::default();
    unit.connect_all();
    let recording = Recording::new("latch_alone", &unit, &[]);
    let built = build::build("latch_alone", &emit("latch_alone", &unit), &recording.ports);
    latches::check("latch_alone", &built);
}

#[test]
#[should_panic(expected = "declare it with `.clock(|unit| &mut unit.clock)`")]
fn a_forgotten_clock_is_refused() {
    Gate::new("forgotten_clock", DFF::<Bits<4>>::default()).run(|_, _, _| {});
}

/// What the replay compares: a model whose flip-flop misses a cycle in one of the two would show here.
#[test]
fn wide_ports_and_several_clocks_replay() {
    #[derive(LogicBlock, Default)]
    struct Two {
        pub fast: Signal<In, Clock>,
        pub slow: Signal<In, Clock>,
        pub word: Signal<In, Bits<70>>,
        pub once: Signal<Out, Bits<70>>,
        pub twice: Signal<Out, Bits<70>>,
        first: DFF<Bits<70>>,
        second: DFF<Bits<70>>,
    }
    impl Logic for Two {
        #[hdl_gen]
        fn update(&mut self) {
            dff_setup!(self, fast, first);
            dff_setup!(self, slow, second);
            self.first.d.next = self.word.val();
            self.second.d.next = self.first.q.val();
            self.once.next = self.first.q.val();
            self.twice.next = self.second.q.val();
        }
    }
    Gate::new("two_clocks", Two::default())
        .clock(|unit| &mut unit.fast)
        .slow_clock(3, |unit| &mut unit.slow)
        .run(|unit, random, _| unit.word.next = random.bits());
}
