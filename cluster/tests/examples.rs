//! The examples find what their pages say.

mod support;

#[path = "../examples/key-value.rs"]
#[expect(dead_code, reason = "the example's own `main` is not called here")]
mod key_value;

/// What a blocked program's wake-up takes on the profile.
const WAKE_UP_NS: f64 = 3000.0;

#[test]
fn a_look_up_by_a_remote_read_takes_less_than_to_wake_a_server() {
    let times = key_value::run(support::options("pcie-gen3-x8", 1)).expect("the example runs");
    println!("{times:?}");
    assert!(times.asked_ns > 0.0 && times.read_ns > 0.0, "{times:?}");
    assert!(times.read_ns < times.asked_ns + WAKE_UP_NS, "{times:?}");
}
