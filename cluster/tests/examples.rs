//! The examples find what their pages say.

mod support;

#[path = "../examples/key-value.rs"]
#[expect(dead_code, reason = "the example's own `main` is not called here")]
mod key_value;

#[test]
fn a_look_up_by_a_remote_read_needs_no_program_and_less_time_than_asking_one() {
    let times = key_value::run(support::options("pcie-gen3-x8", 1)).expect("the example runs");
    println!("{times:?}");
    assert!(times.read_ns < times.asked_ns, "{times:?}");
}
