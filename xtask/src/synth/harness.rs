//! A module around the NIU that fits the pins of a package and keeps the whole design alive: every input comes from
//! a shift register that one pin feeds, every output goes into a signature that one pin shows. Both are flip-flops, so
//! paths into and out of the design are timed as they would be between blocks.

use anyhow::{Context, Result, bail};

use super::board::Board;

/// Direction of a port of the design.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Into the design.
    Input,
    /// Out of the design.
    Output,
}

/// A port of the design.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// Its name in the Verilog.
    pub name: String,
    /// Seen from the NIU.
    pub direction: Direction,
    /// Its width in bits.
    pub bits: usize,
}

/// Parses what Yosys' `portlist` prints: `input [7:0] name`, a line a port.
pub fn parse_ports(text: &str) -> Result<Vec<Port>> {
    let mut ports = Vec::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [direction, range, name] = words[..] else {
            continue; // `module NAME` and `endmodule`
        };
        let direction = match direction {
            "input" => Direction::Input,
            "output" => Direction::Output,
            other => bail!(
                "the port {name} is of the kind {other}; the top module has inputs and outputs only"
            ),
        };
        let bits = parse_width(range)
            .with_context(|| format!("the range {range} of the port {name} is not understood"))?;
        ports.push(Port {
            name: name.to_owned(),
            direction,
            bits,
        });
    }
    if ports.is_empty() {
        bail!("the top module has no ports");
    }
    Ok(ports)
}

/// Width of a range `[high:low]`.
fn parse_width(range: &str) -> Option<usize> {
    let (high, low) = range
        .strip_prefix('[')?
        .strip_suffix(']')?
        .split_once(':')?;
    let (high, low): (usize, usize) = (high.parse().ok()?, low.parse().ok()?);
    Some(high.checked_sub(low)? + 1)
}

/// The harness for a design with certain ports.
#[derive(Debug)]
pub struct Harness {
    clocks: Vec<Port>,
    /// The debug transport has pins of its own, for it has a clock of its own.
    pins: Vec<Port>,
    inputs: Vec<Port>,
    outputs: Vec<Port>,
}

/// The clock of the datapath; all ports but the debug transport belong to it.
pub const CORE_CLOCK: &str = "core_clock";
const DEBUG_TRANSPORT: &str = "jtag_";

impl Harness {
    /// Sorts the ports of the design by what the harness does with them.
    ///
    /// # Errors
    /// When a clock of the board is no one-bit input of the design, or nothing is left to observe.
    pub fn new(board: &Board, ports: Vec<Port>) -> Result<Self> {
        let is_clock = |port: &Port| board.clocks.iter().any(|clock| clock.port == port.name);
        let (clocks, others): (Vec<Port>, Vec<Port>) = ports.into_iter().partition(is_clock);
        for clock in &board.clocks {
            let suits = |port: &&Port| {
                port.name == clock.port && port.bits == 1 && port.direction == Direction::Input
            };
            if !clocks.iter().any(|port| suits(&port)) {
                bail!(
                    "the board has a clock {}, but the design has no one-bit input of that name",
                    clock.port
                );
            }
        }
        if !clocks.iter().any(|port| port.name == CORE_CLOCK) {
            bail!("the board names no clock {CORE_CLOCK}, to which the ports of the design belong");
        }
        let (pins, others): (Vec<Port>, Vec<Port>) = others
            .into_iter()
            .partition(|port| port.name.starts_with(DEBUG_TRANSPORT));
        let (inputs, outputs): (Vec<Port>, Vec<Port>) = others
            .into_iter()
            .partition(|port| port.direction == Direction::Input);
        if inputs.is_empty() || outputs.is_empty() {
            bail!("the design has no inputs or no outputs in the domain of {CORE_CLOCK}");
        }
        Ok(Self {
            clocks,
            pins,
            inputs,
            outputs,
        })
    }

    /// How many flip-flops the harness adds to the design.
    pub fn flip_flops(&self) -> usize {
        // The stimulus; each output once as observed and once in the signature; the last one before the pin.
        bits_of(&self.inputs) + 2 * bits_of(&self.outputs) + 1
    }

    /// The module `harness` with the design (`niu`) inside.
    pub fn verilog(&self) -> String {
        let mut text = String::from(
            "// Written by `cargo xtask synth`: keeps every port of the design alive behind a few pins.\nmodule \
             harness(\n",
        );
        for port in self.clocks.iter().chain(&self.pins) {
            let direction = match port.direction {
                Direction::Input => "input",
                Direction::Output => "output",
            };
            text += &format!("  {direction} wire [{}:0] {},\n", port.bits - 1, port.name);
        }
        text += "  input wire stimulus_pin,\n  output reg signature_pin\n);\n";
        let (stimulus_bits, observed_bits) = (bits_of(&self.inputs), bits_of(&self.outputs));
        text += &format!(
            "  reg [{stimulus_high}:0] stimulus;
  wire [{observed_high}:0] outputs;
  reg [{observed_high}:0] observed;
  reg [{observed_high}:0] signature;
  always @(posedge {CORE_CLOCK}) begin
    stimulus <= (stimulus << 1) | stimulus_pin;
    observed <= outputs;
    signature <= ((signature << 1) | signature[{observed_high}]) ^ observed;
    signature_pin <= signature[{observed_high}];
  end
  niu design(
",
            stimulus_high = stimulus_bits - 1,
            observed_high = observed_bits - 1,
        );
        let mut connections: Vec<String> = self
            .clocks
            .iter()
            .chain(&self.pins)
            .map(|port| format!("    .{0}({0})", port.name))
            .collect();
        for (vector, ports) in [("stimulus", &self.inputs), ("outputs", &self.outputs)] {
            let mut low = 0;
            for port in ports {
                connections.push(format!(
                    "    .{}({vector}[{low} +: {}])",
                    port.name, port.bits
                ));
                low += port.bits;
            }
        }
        text + &connections.join(",\n") + "\n  );\nendmodule\n"
    }
}

fn bits_of(ports: &[Port]) -> usize {
    ports.iter().map(|port| port.bits).sum()
}

#[cfg(test)]
mod tests {
    use super::{super::board::tests::versa, *};

    const PORTS: &str = "module niu
input [0:0] core_clock
input [0:0] processor_clock
input [0:0] reset
input [127:0] host_receive_data
output [127:0] host_transmit_data
output [0:0] host_transmit_valid
input [0:0] jtag_tck
input [0:0] jtag_tms
output [0:0] jtag_tdo
endmodule
";

    fn harness() -> Harness {
        Harness::new(&versa(), parse_ports(PORTS).unwrap()).unwrap()
    }

    #[test]
    fn ports_are_parsed() {
        let ports = parse_ports(PORTS).unwrap();
        assert_eq!(ports.len(), 9);
        assert_eq!(
            ports[4],
            Port {
                name: "host_transmit_data".into(),
                direction: Direction::Output,
                bits: 128
            }
        );
        assert!(
            parse_ports("inout [0:0] pad")
                .unwrap_err()
                .to_string()
                .contains("pad")
        );
        assert!(format!("{:#}", parse_ports("input [x] pad").unwrap_err()).contains("[x]"));
        assert!(parse_ports("module niu\nendmodule\n").is_err());
    }

    #[test]
    fn every_port_of_the_design_is_connected_once() {
        let verilog = harness().verilog();
        for port in parse_ports(PORTS).unwrap() {
            assert_eq!(
                verilog.matches(&format!(".{}(", port.name)).count(),
                1,
                "{}",
                port.name
            );
        }
    }

    #[test]
    fn inputs_and_outputs_take_adjoining_slices() {
        let verilog = harness().verilog();
        for text in [
            "reg [128:0] stimulus;",
            "reg [128:0] signature;",
            ".reset(stimulus[0 +: 1])",
            ".host_receive_data(stimulus[1 +: 128])",
            ".host_transmit_data(outputs[0 +: 128])",
            ".host_transmit_valid(outputs[128 +: 1])",
            ".jtag_tdo(jtag_tdo)",
            "output wire [0:0] jtag_tdo,",
        ] {
            assert!(verilog.contains(text), "{text} is not in\n{verilog}");
        }
    }

    #[test]
    fn its_flip_flops_are_counted() {
        assert_eq!(harness().flip_flops(), 129 + 2 * 129 + 1);
    }

    #[test]
    fn a_design_without_the_clocks_of_the_board_is_refused() {
        let ports = parse_ports(&PORTS.replace("processor_clock", "another_clock")).unwrap();
        let error = Harness::new(&versa(), ports).unwrap_err().to_string();
        assert!(error.contains("processor_clock"), "{error}");
        let ports = parse_ports(&PORTS.replace("[0:0] core_clock", "[1:0] core_clock")).unwrap();
        assert!(Harness::new(&versa(), ports).is_err());
    }
}
