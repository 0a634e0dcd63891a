//! Limits of a run: it ends at its last cycle, and what it cannot be made from is refused with what it can.

mod support;

use host_driver::Error;
use sim::cluster::{ClusterOptions, MAXIMUM_WIRE_CYCLES, RunError};
use sim::model::RAM_BYTES;
use std::path::Path;
use std::process::Command;
use wayfarer_cluster::launch::{FirmwareError, Program, launch, read_firmware};

/// How a run of programs that never end ends.
fn end(options: ClusterOptions) -> RunError {
    let wait = |_| -> Program<(), Error> {
        Box::new(|port| {
            loop {
                port.sleep_ns(1_000_000);
            }
        })
    };
    let programs = (0..options.nodes).map(wait).collect();
    launch(options, programs)
        .report
        .expect_err("no program ends")
}

#[test]
fn a_run_ends_at_its_last_cycle_however_long_the_wire() {
    for (nodes, wire_delay_cycles, maximum_cycles) in [
        (2, 0, 500),
        (2, 400_000, 5_000),
        (3, 400_000, 500),
        (2, 299, 700),
    ] {
        for threads in [1, 2] {
            let error = end(ClusterOptions {
                nodes,
                threads,
                wire_delay_cycles,
                maximum_cycles,
                ..support::options("bare", 1)
            });
            assert!(
                matches!(error, RunError::Stalled(cycles) if cycles == maximum_cycles),
                "wire of {wire_delay_cycles}, {threads} threads: {error}"
            );
        }
    }
}

#[test]
fn a_wire_that_no_run_could_wait_for_is_refused() {
    let options = || ClusterOptions {
        maximum_cycles: 100,
        ..support::options("bare", 1)
    };
    let refused = |options| {
        let error = end(options);
        assert!(matches!(error, RunError::Option { .. }), "{error}");
        error.to_string()
    };
    for value in [MAXIMUM_WIRE_CYCLES + 1, u64::MAX] {
        let delay = refused(ClusterOptions {
            wire_delay_cycles: value,
            ..options()
        });
        assert!(delay.contains("must be 0 to 1000000"), "{delay}");
        let beat = refused(ClusterOptions {
            wire_cycles_per_beat: value,
            ..options()
        });
        assert!(beat.contains("must be 1 to 1000000"), "{beat}");
    }
    let longest = end(ClusterOptions {
        wire_delay_cycles: MAXIMUM_WIRE_CYCLES,
        wire_cycles_per_beat: MAXIMUM_WIRE_CYCLES,
        ..options()
    });
    assert!(matches!(longest, RunError::Stalled(100)), "{longest}");
}

#[test]
fn firmware_that_does_not_fit_is_refused_with_what_fits() {
    let run = |bytes| {
        end(ClusterOptions {
            firmware: vec![0; bytes],
            maximum_cycles: 100,
            ..support::options("bare", 1)
        })
    };
    let error = run(RAM_BYTES + 1);
    assert!(
        matches!(
            error,
            RunError::FirmwareTooLong {
                maximum: RAM_BYTES,
                ..
            }
        ),
        "{error}"
    );
    let fits = run(RAM_BYTES);
    assert!(matches!(fits, RunError::Stalled(100)), "{fits}");

    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("too-long.bin");
    std::fs::write(&file, vec![0; RAM_BYTES + 1]).expect("a scratch file");
    let error = read_firmware(&file).expect_err("it does not fit");
    assert!(matches!(error, FirmwareError::TooLong { .. }), "{error}");
    for program in [
        env!("CARGO_BIN_EXE_niu-bench"),
        env!("CARGO_BIN_EXE_niu-soak"),
    ] {
        let mut command = Command::new(program);
        let output = command.arg("--firmware").arg(&file).output();
        let output = output.expect("it runs");
        assert!(!output.status.success(), "{program}");
        let said = String::from_utf8_lossy(&output.stderr);
        let fits = format!("holds {RAM_BYTES} at most");
        assert!(said.contains(&fits) && !said.contains("panicked"), "{said}");
    }
}
