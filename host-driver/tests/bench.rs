//! `niu-bench` as a program: its labels are true, and what it measures is there.

use std::path::Path;
use std::process::Command;
use wayfarer_configuration::Configuration;

#[test]
fn latencies_are_measured_at_the_clock_of_the_configuration() {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("latency.json");
    let mut bench = Command::new(env!("CARGO_BIN_EXE_niu-bench"));
    bench
        .args(["--quick", "--only", "latency", "--json"])
        .arg(&file);
    let output = bench.output().expect("it runs");
    assert!(output.status.success(), "{output:?}");
    let text = std::fs::read_to_string(&file).expect("it writes its results");
    let report: serde_json::Value = serde_json::from_str(&text).expect("JSON");

    let configuration = Configuration::chosen().expect("the NIU was made from it");
    let hertz = configuration.value("clock_hertz");
    assert_eq!(report["platform"]["clock_hz"].as_u64(), Some(hertz));
    let printed = String::from_utf8_lossy(&output.stdout);
    let label = format!("# clock {} MHz,", hertz / 1_000_000);
    assert!(printed.contains(&label), "{printed}");

    let rows = report["results"].as_array().expect("results");
    assert_eq!(rows.len(), 8, "Express, and seven lengths of Basic");
    for row in rows {
        let number = |name: &str| row[name].as_f64().expect("a number");
        let niu_ns = number("niu_cycles") * 1e9 / hertz as f64;
        // The NIUs' part of the way is a part of it, and host and link are what they are.
        assert!(niu_ns > 0.0 && niu_ns < number("one_way_ns"), "{row}");
    }
}
