//! What an idle NIU needs: registers that count time and can be put on, and the state that must stand still.
//!
//! In simulation alone the registers that count cycles for ever have a second way in: the inputs
//! `time_*` of `niu_cell.v`, taken while `time_load` rises, and `timer_count` of the processor's timer with
//! `timer_load`. The hardware's Verilog stays as it was
//! generated; a copy of it is changed.

use std::fmt::Write;

/// Registers that change in every cycle of an idle NIU, and nothing else with them: the module of each, its input, and
/// what has it taken.
const TIMES: [(&str, &str, &str); 7] = [
    ("niu$registers$plain$cycle", "time_cycle", "time_load"),
    ("niu$registers$plain$silence", "time_silence", "time_load"),
    (
        "niu$link$transmit$credit_age",
        "time_credit_age",
        "time_load",
    ),
    ("niu$read_requester$tags$ticks", "time_ticks", "time_load"),
    ("niu$receive$collector$age", "time_age", "time_load"),
    ("niu$receive$collector$turn", "time_turn", "time_load"),
    (
        "niu$processor$environment$peripherals$timer$count",
        "timer_count",
        "timer_load",
    ),
];

/// Inside of a flip-flop as rust-hdl writes it.
const FLIP_FLOP: &str = "always @(posedge clock) begin\n       q <= d;\n    end";

/// The NIU's Verilog, with the ways in.
///
/// # Panics
/// A register of `TIMES` is missing or looks otherwise.
pub fn with_times(verilog: &str) -> String {
    let mut changed = verilog.to_owned();
    for (module, input, load) in TIMES {
        let head = format!("module {module}(");
        let start = changed
            .find(&head)
            .unwrap_or_else(|| panic!("the NIU has no register {module}"));
        let end = start + changed[start..].find("endmodule").expect("it has an end");
        let body = &changed[start..end];
        assert_eq!(
            body.matches(FLIP_FLOP).count(),
            1,
            "{module} is no flip-flop"
        );
        let body = body.replace(
            FLIP_FLOP,
            &format!(
                "always @(posedge clock or posedge niu_cell.{load}) begin\n       \
                 q <= niu_cell.{load} ? niu_cell.{input} : d;\n    end"
            ),
        );
        changed.replace_range(start..end, &body);
    }
    changed
}

/// Parts of the model's names (behind that of the cell) that are not compared.
const NOT_COMPARED: [&str; 41] = [
    // What counts time, and the logic behind it.
    "registers__DOT__plain__DOT__cycle__024",
    "registers__DOT__plain__DOT__silence__024",
    "link__DOT__transmit__DOT__credit_age__024",
    "read_requester__DOT__tags__DOT__ticks__024",
    "receive__DOT__collector__DOT__age__024",
    "receive__DOT__collector__DOT__turn__024",
    "receive__DOT__collector__DOT__answers__024read_address",
    // The processor's clock.
    "processor__DOT__soft_core__",
    "processor__DOT__environment__024instruction__024",
    "processor__DOT__environment__DOT__data_bus__",
    "processor__DOT__environment__DOT__memory__",
    "processor__DOT__environment__DOT__peripherals__",
    "processor__DOT__environment__DOT__pending__",
    "processor__DOT__environment__DOT__from_packets__",
    "processor__DOT__environment__DOT__resets__DOT__debugger__",
    "processor__DOT__environment__DOT__resets__DOT__core_reset__",
    "processor__DOT__environment__DOT__resets__DOT__crossed__",
    "processor__DOT__environment__DOT__resets__DOT__held__",
    "processor__DOT__environment__DOT__read_inbox_ram__024read_data",
    "processor__DOT__environment__DOT__packet_inbox_ram__024read_data",
    "processor__DOT__environment__DOT__commands_0__DOT__written",
    "processor__DOT__environment__DOT__commands_0__DOT__to_writer__",
    "processor__DOT__environment__DOT__commands_0__DOT__memory__",
    "processor__DOT__environment__DOT__commands_1__DOT__written",
    "processor__DOT__environment__DOT__commands_1__DOT__to_writer__",
    "processor__DOT__environment__DOT__commands_1__DOT__memory__",
    "processor__DOT__environment__DOT__clears__DOT__written",
    "processor__DOT__environment__DOT__clears__DOT__to_writer__",
    "processor__DOT__environment__DOT__clears__DOT__memory__",
    "processor__DOT__environment__DOT__requests__DOT__written",
    "processor__DOT__environment__DOT__requests__DOT__to_writer__",
    "processor__DOT__environment__DOT__requests__DOT__memory__",
    "processor__DOT__environment__DOT__completions__DOT__taken",
    "processor__DOT__environment__DOT__completions__DOT__to_reader__",
    "processor__DOT__environment__DOT__completions__DOT__memory__024read_data",
    "processor__DOT__environment__DOT__events__DOT__taken",
    "processor__DOT__environment__DOT__events__DOT__to_reader__",
    "processor__DOT__environment__DOT__events__DOT__memory__024read_data",
    "processor__DOT__environment__DOT__responses__DOT__taken",
    "processor__DOT__environment__DOT__responses__DOT__to_reader__",
    "processor__DOT__environment__DOT__responses__DOT__memory__024read_data",
];

/// Registers of the processor's clock that the core clock's look at, and what the processor is
/// about to write to the outbox.
const CROSSINGS: [&str; 9] = [
    "processor__DOT__environment__DOT__commands_0__DOT__written_gray__024q",
    "processor__DOT__environment__DOT__commands_1__DOT__written_gray__024q",
    "processor__DOT__environment__DOT__clears__DOT__written_gray__024q",
    "processor__DOT__environment__DOT__requests__DOT__written_gray__024q",
    "processor__DOT__environment__DOT__completions__DOT__taken_gray__024q",
    "processor__DOT__environment__DOT__events__DOT__taken_gray__024q",
    "processor__DOT__environment__DOT__responses__DOT__taken_gray__024q",
    "processor__DOT__environment__DOT__peripherals__DOT__beat__024q",
    "processor__DOT__environment__DOT__peripherals__024outbox_enables",
];

/// What stands before all names of the NIU.
const CELL: &str = "niu_cell__DOT__niu__DOT__";

/// The state of the model as two lists for `shim.cpp`: `NIU_STATE(name)` for what stands still in
/// an idle NIU, `NIU_CROSSING(name)`.
///
/// Every member of the model counts as state, wires too, but for those of the lists above, Verilator's own, and the
/// ports: a wire too many makes the model seem busy, a register too few would not be noticed.
///
/// # Panics
/// A crossing is missing.
pub fn state(header: &str) -> String {
    let names: Vec<&str> = header.lines().filter_map(member).collect();
    let mut text = String::new();
    for name in &names {
        let own = name.strip_prefix("niu_cell__DOT__").unwrap_or_default();
        let inner = name.strip_prefix(CELL).unwrap_or_default();
        let is_verilators = own.is_empty() || name.contains("__V");
        let is_clock = own.ends_with("clock");
        let excepted = NOT_COMPARED.iter().any(|part| inner.starts_with(part));
        if !is_verilators && !is_clock && !excepted {
            writeln!(text, "NIU_STATE({name})").expect("a string takes all");
        }
    }
    for crossing in CROSSINGS {
        let name = format!("{CELL}{crossing}");
        assert!(names.contains(&&*name), "the model has no {name}");
        writeln!(text, "NIU_CROSSING({name})").expect("a string takes all");
    }
    text
}

/// The name of the member that a line of the model's header declares.
fn member(line: &str) -> Option<&str> {
    const TYPES: [&str; 6] = [
        "CData/*",
        "SData/*",
        "IData/*",
        "QData/*",
        "VlWide<",
        "VlUnpacked<",
    ];
    let line = line.trim();
    if !TYPES.iter().any(|start| line.starts_with(start)) {
        return None;
    }
    let name = line.strip_suffix(';')?.rsplit(' ').next()?;
    Some(name)
}
