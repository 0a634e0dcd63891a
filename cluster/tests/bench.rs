//! `niu-bench` as a program: its labels are true, what it measures is there, and a message's latency is what it was.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use wayfarer_configuration::Configuration;

/// NIU cycles of one message, by form and payload bytes: to the cycle, in every configuration.
const NIU_CYCLES: [(&str, u64, u64); 8] = [
    ("express", 8, 17),
    ("basic", 8, 17),
    ("basic", 16, 18),
    ("basic", 32, 19),
    ("basic", 64, 21),
    ("basic", 128, 25),
    ("basic", 192, 29),
    ("basic", 248, 32),
];

/// NIU cycles of a read of remote memory, by bytes.
const READ_CYCLES: [[u64; 2]; 3] = [[8, 75], [64, 78], [256, 90]];

/// Where `bench(name)` puts what it draws.
fn plot_folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("plot-{name}"))
}

/// What `--quick --only NAME` printed, and the results it wrote.
fn bench(name: &str) -> (String, Value) {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.json"));
    let mut bench = Command::new(env!("CARGO_BIN_EXE_niu-bench"));
    bench.args(["--quick", "--only", name, "--json"]).arg(&file);
    bench.arg(format!("--plot={}", plot_folder(name).display()));
    let output = bench.output().expect("it runs");
    assert!(output.status.success(), "{output:?}");
    let text = std::fs::read_to_string(&file).expect("it writes its results");
    let report = serde_json::from_str(&text).expect("JSON");
    (String::from_utf8_lossy(&output.stdout).into_owned(), report)
}

fn rows(report: &Value) -> &[Value] {
    report["results"].as_array().expect("results")
}

fn number(row: &Value, field: &str) -> f64 {
    let number = row[field].as_f64();
    number.unwrap_or_else(|| panic!("no number `{field}` in {row}"))
}

fn chosen() -> Configuration {
    Configuration::chosen().expect("the NIU was made from it")
}

/// Whether the NIU is the one that README.md and its pictures are about.
fn is_default() -> bool {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../hdl/configurations/default.toml");
    chosen() == Configuration::read(&default).expect("it is legal")
}

/// The picture that the documents show of a benchmark is the one that it has drawn.
fn assert_is_kept(benchmark: &str, picture: &str) {
    let folder = plot_folder(benchmark);
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).expect("it was drawn");
    let drawn = read(picture);
    assert!(read("index.html").contains(&drawn), "the page shows all");
    if is_default() {
        let kept = format!("docs/pictures/{picture}");
        pictures::kept::check(&kept, &drawn).unwrap_or_else(|stale| panic!("{stale}"));
    }
}

/// A row of the latency table, as measured or as README.md has it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Latency {
    form: String,
    bytes: u64,
    one_way_ns: u64,
    niu_cycles: u64,
}

impl Latency {
    fn measured(row: &Value) -> Self {
        let round = |field: &str| number(row, field).round() as u64;
        Latency {
            form: row["mechanism"].as_str().expect("a form").into(),
            bytes: round("bytes"),
            one_way_ns: round("one_way_ns"),
            niu_cycles: round("niu_cycles"),
        }
    }

    /// `| Express | 8 | 624 | 20 |`
    fn of_readme(line: &str) -> Option<Self> {
        let mut cells = line.strip_prefix('|')?.split('|').map(str::trim);
        let form = cells.next()?.to_lowercase();
        let numbers: Vec<u64> = cells.map_while(|cell| cell.parse().ok()).collect();
        let [bytes, one_way_ns, niu_cycles] = <[u64; 3]>::try_from(numbers).ok()?;
        Some(Latency {
            form,
            bytes,
            one_way_ns,
            niu_cycles,
        })
    }

    fn cycles(&self) -> (&str, u64, u64) {
        (&self.form, self.bytes, self.niu_cycles)
    }
}

#[test]
fn latencies_are_to_the_cycle_what_they_were_and_what_the_readme_says() {
    let (printed, report) = bench("latency");
    let hertz = chosen().value("clock_hertz");
    assert_eq!(report["platform"]["clock_hz"].as_u64(), Some(hertz));
    let label = format!("# clock {} MHz,", hertz / 1_000_000);
    assert!(printed.contains(&label), "{printed}");

    let measured: Vec<Latency> = rows(&report).iter().map(Latency::measured).collect();
    for row in &measured {
        // The NIUs' part of the way is a part of it, and host and link are what they are.
        let niu_ns = row.niu_cycles as f64 * 1e9 / hertz as f64;
        assert!(niu_ns > 0.0 && niu_ns < row.one_way_ns as f64, "{row:?}");
    }
    let cycles: Vec<_> = measured.iter().map(Latency::cycles).collect();
    assert_eq!(cycles, NIU_CYCLES, "form, bytes, NIU cycles");

    let readme = include_str!("../../README.md");
    let told: Vec<Latency> = readme.lines().filter_map(Latency::of_readme).collect();
    let told_cycles: Vec<_> = told.iter().map(Latency::cycles).collect();
    assert_eq!(told_cycles, cycles, "README.md, and what was measured");
    // Nanoseconds there are those of the default configuration. A mean may move by a part of a cycle, with the frames
    // of credits that happen to be in a message's way.
    if is_default() {
        let cycle_ns = 1_000_000_000 / hertz;
        for (told, measured) in told.iter().zip(&measured) {
            let apart_ns = told.one_way_ns.abs_diff(measured.one_way_ns);
            assert!(
                apart_ns <= cycle_ns,
                "README.md: {told:?}, and what was measured: {measured:?}"
            );
        }
    }
    assert_is_kept("latency", "latency.svg");
}

#[test]
fn the_way_of_a_message_is_written_stage_by_stage() {
    let (printed, report) = bench("stages");
    let mut seen = Vec::new();
    for row in rows(&report) {
        assert_eq!(row["benchmark"], "stages");
        assert_eq!(row["pcie_profile"], "bare");
        let stages = row["stages"].as_array().expect("the way");
        let names: Vec<_> = stages.iter().map(|stage| &stage["stage"]).collect();
        assert_eq!(names.first().expect("a stage"), &"HOST_RECEIVE");
        assert_eq!(names.last().expect("a stage"), &"PACKET_OUT");
        let cycles: Vec<f64> = stages.iter().map(|stage| number(stage, "cycle")).collect();
        assert!(cycles.is_sorted(), "{row}");
        assert_eq!(cycles.last(), Some(&number(row, "niu_cycles")), "{row}");
        let [bytes, cycles] = ["bytes", "niu_cycles"].map(|field| number(row, field) as u64);
        seen.push((row["mechanism"].as_str().expect("a form"), bytes, cycles));
    }
    // The same ways as those of the latencies.
    let measured = |&(form, bytes, _): &(&str, u64, u64)| {
        [("express", 8), ("basic", 64), ("basic", 248)].contains(&(form, bytes))
    };
    assert_eq!(
        seen,
        NIU_CYCLES.into_iter().filter(measured).collect::<Vec<_>>()
    );
    assert!(
        printed.contains("# way of one Express message"),
        "{printed}"
    );
    assert_is_kept("stages", "way-express-8.svg");
    assert_is_kept("stages", "way-basic-64.svg");
}

#[test]
fn the_floor_under_all_mechanisms_costs_a_message_no_more_cycles_than_it_did() {
    let (_, report) = bench("substrate");
    let measured: Vec<_> = rows(&report)
        .iter()
        .map(|row| {
            let field = if row["step"] == "bare" {
                "niu_cycles"
            } else {
                "added_cycles"
            };
            (
                row["step"].as_str().expect("a step"),
                number(row, field) as u64,
            )
        })
        .collect();
    let steps = [
        ("bare", 12),
        ("protection", 3),
        ("translation", 1),
        ("receive-queue", 1),
        ("all", 5),
    ];
    assert_eq!(measured, steps);
    // All of them and what is left make the whole way.
    let (_, _, express) = NIU_CYCLES[0];
    assert_eq!(measured[0].1 + measured[4].1, express);
}

/// A receiver looks at its rings when it has time: so much of a rate is uncertain.
const LEAST_SHARE: f64 = 0.99;

/// Beats of 16 bytes that the stores of a message take: header and data of each packet.
fn store_beats(bytes: u64) -> f64 {
    match bytes {
        8 => 2.0,
        248 => 20.0,
        _ => panic!("no message of {bytes} bytes is measured"),
    }
}

#[test]
fn limits_are_measured_for_one_queue_and_many_and_are_no_better_than_the_host_port_allows() {
    let (printed, report) = bench("limits");
    let receive_queues = chosen().value("queues.receive") - 1;
    let queues = chosen().value("queues.transmit").min(receive_queues);
    let queues = queues.min(4) as f64;
    let pages = chosen().value("queues.inline_pages") as f64;
    let mut seen = Vec::new();
    for row in rows(&report) {
        let [bytes, cycles] = ["bytes", "cycles_per_message"].map(|field| number(row, field));
        let least = LEAST_SHARE * store_beats(bytes as u64);
        assert!((least..10.0 * least).contains(&cycles), "{row}");
        assert_eq!(row["pcie_profile"], "bare");
        let benchmark = row["benchmark"].as_str().expect("a name");
        let ways = if benchmark == "limits" { 1.0 } else { 2.0 };
        let rate = number(row, "messages_per_s") * cycles / chosen().value("clock_hertz") as f64;
        // The slower direction's, times two, is a little less than the sum.
        assert!((0.99 * ways..1.1 * ways).contains(&rate), "{row}");
        seen.push((benchmark, bytes, number(row, "queues")));
    }
    let expected: Vec<_> = [8.0, 248.0]
        .iter()
        .flat_map(|&bytes| {
            let most = if bytes > 8.0 {
                queues.min(pages)
            } else {
                queues
            };
            [1.0, most].map(|queues| (bytes, queues))
        })
        .flat_map(|(bytes, queues)| {
            ["limits", "limits-bidirectional"].map(|benchmark| (benchmark, bytes, queues))
        })
        .collect();
    assert_eq!(seen, expected);
    assert!(printed.contains("cycles/message"), "{printed}");
}

#[test]
fn alternating_destinations_are_measured_against_one_with_both_wires() {
    let (_, report) = bench("alternating");
    let mut seen = Vec::new();
    for row in rows(&report) {
        let least = LEAST_SHARE * store_beats(8);
        assert!(number(row, "cycles_per_message") >= least, "{row}");
        seen.push(["wire_cycles", "destinations"].map(|field| number(row, field) as u64));
    }
    assert_eq!(seen, [[0, 1], [0, 2], [125, 1], [125, 2]]);
}

#[test]
fn dead_rings_are_measured_by_what_a_victim_keeps() {
    let (_, report) = bench("dead-ring");
    // Each queue needs a page for its bodies.
    let with_bodies = |key| chosen().value(key) - 1;
    let many = with_bodies("queues.transmit").min(with_bodies("queues.inline_pages"));
    let many = many.min(4);
    let mut seen = Vec::new();
    for row in rows(&report) {
        let share = number(row, "victim_share");
        assert!(share > 0.0 && share < 1.01, "{row}");
        // Pauses have not yet reached their limit.
        assert_eq!(row.get("probe_share"), None, "{row}");
        seen.push(["wire_cycles", "queues"].map(|field| number(row, field) as u64));
    }
    assert_eq!(seen, [[0, 1], [0, many], [125, 1], [125, many]]);
}

#[test]
fn remote_writes_are_measured_by_polling_and_are_to_the_cycle_what_they_were() {
    let (printed, report) = bench("remote-write");
    let hertz = chosen().value("clock_hertz") as f64;
    let mut seen = Vec::new();
    for row in rows(&report) {
        assert_eq!(row["benchmark"], "remote-write");
        assert_eq!(
            (&row["mechanism"], &row["notify"]),
            (&"remote".into(), &false.into())
        );
        let [bytes, one_way_ns, cycles] =
            ["bytes", "one_way_ns", "niu_cycles"].map(|field| number(row, field));
        // The NIUs' part of the way is a part of it.
        assert!(cycles > 0.0 && cycles * 1e9 / hertz < one_way_ns, "{row}");
        seen.push((bytes as u64, cycles as u64));
    }
    // To the cycle, as with messages.
    assert_eq!(seen, [(8, 19), (40, 21), (240, 33)]);
    assert!(printed.contains("remote-write"), "{printed}");
}

#[test]
fn blocks_use_nearly_all_of_what_link_and_hosts_can_carry() {
    let (printed, report) = bench("remote-blocks");
    let mut seen = Vec::new();
    for row in rows(&report) {
        assert_eq!(
            (&row["benchmark"], number(row, "bytes")),
            (&"remote-write".into(), 65536.0)
        );
        let share = number(row, "share_of_limit");
        // The least receive buffer holds one frame of a block and a half.
        let least = if is_default() { 0.95 } else { 0.6 };
        assert!((least..=1.0).contains(&share), "{row}");
        seen.push(number(row, "ways") as u64);
    }
    assert_eq!(seen, [1, 2]);
    assert_eq!(printed.matches("# limit of blocks").count(), 2, "{printed}");
}

#[test]
fn a_queue_of_units_is_faster_if_one_write_tells_of_many() {
    let (printed, report) = bench("distributed-queue");
    let of_batch = |batch: f64| -> Vec<(u64, f64)> {
        let rows = rows(&report).iter();
        let chosen = rows.filter(|row| number(row, "batch") == batch);
        chosen
            .map(|row| (number(row, "bytes") as u64, number(row, "messages_per_s")))
            .collect()
    };
    let (each, many) = (of_batch(1.0), of_batch(16.0));
    let sizes = each.iter().map(|(bytes, _)| *bytes);
    assert_eq!(Vec::from_iter(sizes), [8, 64, 232, 1024]);
    for (each, many) in each.iter().zip(&many) {
        assert!(each.0 == many.0 && each.1 < many.1, "{each:?} {many:?}");
    }
    assert!(printed.contains("distributed-queue"), "{printed}");
}

#[test]
fn reads_are_to_the_cycle_what_they_were() {
    let (_, report) = bench("remote-read");
    let measured = |row| ["bytes", "niu_cycles"].map(|field| number(row, field) as u64);
    let seen: Vec<_> = rows(&report).iter().map(measured).collect();
    assert_eq!(seen, READ_CYCLES);
}
