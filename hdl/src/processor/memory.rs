//! The service processor's RAM.

use super::instruction_port::InstructionTarget;
use super::wishbone::WishboneTarget;
use crate::configuration::{RAM_BYTES, RAM_WORDS_LOG2};
use abi::processor::RAM_BASE;
use rust_hdl::prelude::*;

/// 32-bit words of the RAM.
pub const WORDS: usize = 1 << RAM_WORDS_LOG2;

/// Words of a cache line; a burst stays in one.
const BURST_WORDS: usize = 8;

/// `RAM_BYTES` of RAM with a port for fetches and one for loads and stores.
///
/// A fetch takes one cycle, and there may be one in each (`instruction_port`). A store takes one cycle too: it is
/// acknowledged at once. A load takes two: `acknowledge` stands in the cycle after `strobe`. A burst of reads
/// (`continues`) takes one cycle a word from then on: while a word is acknowledged, the one behind it is read. Fetches
/// from outside the RAM read zeros, which is no instruction; the data port is only asked for addresses in the RAM
/// (`DataBus`). A store is seen by fetches from the next cycle on; a fetch of a word in the very cycle in which it is
/// stored is undefined.
///
/// In a Verilated model the words are reachable as `<path of this block>.words`. Infers 32 DP16KD on ECP5 for 64 KiB.
#[derive(LogicBlock)]
pub struct ProcessorMemory {
    /// Processor clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset of the ports; the words stay.
    pub reset: Signal<In, Bit>,
    /// Fetches.
    pub instruction: InstructionTarget,
    /// Loads and stores.
    pub data: WishboneTarget,
    /// File for `$readmemh`.
    _firmware: Option<String>,
    _words: Vec<u32>,
    /// The load in hand is answered in this cycle.
    _answers: bool,
}

impl ProcessorMemory {
    /// With the contents of a file of hexadecimal 32-bit words, which the tools that read the Verilog load; without
    /// one the contents are undefined. rust-hdl's own simulator starts with zeros.
    pub fn new(firmware: Option<&str>) -> Self {
        Self {
            clock: Default::default(),
            reset: Default::default(),
            instruction: Default::default(),
            data: Default::default(),
            _firmware: firmware.map(str::to_string),
            _words: vec![0; WORDS],
            _answers: false,
        }
    }
}

/// Address of the word that is read with the coming clock edge, if one is: the one that is asked for, and, while that
/// is answered, the one behind it in its cache line.
fn loaded(port: &WishboneTarget, answers: bool) -> Option<usize> {
    let asks = port.cycle.val() & port.strobe.val() & !port.write.val();
    let address = port.address.val().index();
    let in_line = (address + usize::from(answers)) % BURST_WORDS;
    (asks & (!answers | port.continues.val())).then_some(address - address % BURST_WORDS + in_line)
}

impl Logic for ProcessorMemory {
    fn update(&mut self) {
        let stores = self.data.cycle.val() & self.data.strobe.val() & self.data.write.val();
        if !self.clock.pos_edge() {
            self.data.acknowledge.next = stores | self._answers;
            return;
        }
        if self.instruction.fetch.val() {
            let address = self.instruction.address.val().index();
            let in_ram = address / WORDS == RAM_BASE / RAM_BYTES;
            let value = if in_ram {
                self._words[address % WORDS]
            } else {
                0
            };
            self.instruction.word.next = value.to_bits();
        }
        if stores {
            let place = &mut self._words[self.data.address.val().index() % WORDS];
            let mut bytes = place.to_le_bytes();
            let new = (self.data.write_data.val().to_u64() as u32).to_le_bytes();
            for lane in (0..4).filter(|&lane| self.data.select.val().get_bit(lane)) {
                bytes[lane] = new[lane];
            }
            *place = u32::from_le_bytes(bytes);
        }
        let load = loaded(&self.data, self._answers);
        if let Some(address) = load {
            self.data.read_data.next = self._words[address % WORDS].to_bits();
        }
        self._answers = load.is_some() & !self.reset.val();
        self.data.acknowledge.next = stores | self._answers;
    }

    fn connect(&mut self) {
        self.instruction.word.connect();
        self.data.read_data.connect();
        self.data.acknowledge.connect();
    }

    fn hdl(&self) -> Verilog {
        let load = self._firmware.as_ref().map_or(String::new(), |file| {
            format!("initial $readmemh(\"{file}\", words);\n")
        });
        let index_bits = WORDS.ilog2();
        Verilog::Custom(format!(
            "\
(* ram_style = \"block\", no_rw_check *)
reg [31:0] words [0:{last}] /* verilator public_flat_rw */;
{load}reg answers;
wire asks = data$cycle & data$strobe;
wire loads = asks & ~data$write & (~answers | data$continues);
wire [{line_top}:0] accessed_in_line = data$address[{line_top}:0] + {{{line_top}'d0, answers & ~data$write}};
wire [{top}:0] accessed_index = {{data$address[{top}:{line_bits}], accessed_in_line}};
wire [3:0] stores = {{4{{asks & data$write}}}} & data$select;
reg in_ram;
reg [31:0] fetched;
always @(posedge clock) begin
  if (instruction$fetch) begin
    fetched <= words[instruction$address[{top}:0]];
    in_ram <= instruction$address[29:{index_bits}] == {upper_bits}'h{base:x};
  end
end
always @(*) instruction$word = in_ram ? fetched : 32'd0;
always @(*) data$acknowledge = asks & data$write | answers;
always @(posedge clock) begin
  answers <= loads & ~reset;
  if (stores[0]) words[accessed_index][7:0] <= data$write_data[7:0];
  if (stores[1]) words[accessed_index][15:8] <= data$write_data[15:8];
  if (stores[2]) words[accessed_index][23:16] <= data$write_data[23:16];
  if (stores[3]) words[accessed_index][31:24] <= data$write_data[31:24];
  if (loads) data$read_data <= words[accessed_index];
end
",
            last = WORDS - 1,
            top = index_bits - 1,
            line_top = BURST_WORDS.ilog2() - 1,
            line_bits = BURST_WORDS.ilog2(),
            upper_bits = 30 - index_bits,
            base = RAM_BASE / RAM_BYTES,
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Gate, Random, clock_cycle, settle};
    use crate::processor::wishbone::WishboneTarget;

    /// The low address bits of a word of the RAM, few enough that random accesses meet.
    fn place(random: &mut Random) -> usize {
        RAM_BASE / 4 + random.below(16) as usize
    }

    /// A master of one port: whether the access in hand was acknowledged in the cycle that has passed.
    #[derive(Default)]
    struct Master {
        answered: bool,
    }

    impl Master {
        /// Goes on with a burst; `true` if another access may begin.
        fn is_free(&mut self, bus: &mut WishboneTarget, random: &mut Random) -> bool {
            let goes_on = self.answered && bus.strobe.val() && bus.continues.val();
            if goes_on {
                let address = bus.address.val().index();
                let next = address - address % BURST_WORDS + (address + 1) % BURST_WORDS;
                bus.address.next = next.to_bits();
                bus.continues.next = random.chance(70);
            }
            // A store takes one cycle.
            let free = !goes_on && (self.answered || !bus.strobe.val() || bus.write.val());
            self.answered = !free && bus.acknowledge.val();
            free
        }
    }

    #[test]
    fn gate() {
        let mut accesses = Master::default();
        Gate::new("processor_memory", ProcessorMemory::new(None))
            .clock(|unit| &mut unit.clock)
            .cycles(1500)
            .run(|unit, random, cycle| {
                unit.reset.next = cycle == 0;
                // First every word is stored, then anything.
                let filling = cycle < 64;
                let mut stores = false;
                if accesses.is_free(&mut unit.data, random) {
                    let strobe = filling || random.chance(50);
                    unit.data.cycle.next = strobe;
                    unit.data.strobe.next = strobe;
                    let write = filling || random.chance(50);
                    unit.data.write.next = write;
                    stores = strobe && write;
                    unit.data.continues.next = !write && random.chance(60);
                    unit.data.select.next = if filling { Bits::mask() } else { random.bits() };
                    let address = if filling {
                        RAM_BASE / 4 + cycle as usize / 2 % 16
                    } else {
                        place(random)
                    };
                    unit.data.address.next = address.to_bits();
                    unit.data.write_data.next = random.bits();
                }
                // A fetch and a store of one word in one cycle are undefined.
                unit.instruction.fetch.next = !filling && !stores && random.chance(50);
                let address = if random.chance(70) {
                    place(random)
                } else {
                    random.below(1 << 28) as usize
                };
                unit.instruction.address.next = address.to_bits();
            });
    }

    #[test]
    fn stores_take_a_cycle_and_are_fetched_byte_for_byte_and_only_with_fetch() {
        let mut unit = ProcessorMemory::new(None);
        unit.connect_all();
        settle(&mut unit);
        let mut expected = 0u32;
        for select in 0..16u32 {
            let data = 0x1020_4080u32.wrapping_mul(2 * select + 1);
            unit.data.cycle.next = true;
            unit.data.strobe.next = true;
            unit.data.write.next = true;
            unit.data.address.next = (RAM_BASE / 4 + 5).to_bits();
            unit.data.write_data.next = data.to_bits();
            unit.data.select.next = select.to_bits();
            settle(&mut unit);
            assert!(unit.data.acknowledge.val());
            clock_cycle!(unit, clock);
            unit.data.strobe.next = false;
            settle(&mut unit);
            assert!(!unit.data.acknowledge.val());
            for lane in (0..4).filter(|lane| select >> lane & 1 == 1) {
                expected = expected & !(0xff << (8 * lane)) | data & 0xff << (8 * lane);
            }
            unit.instruction.address.next = (RAM_BASE / 4 + 5).to_bits();
            for fetch in [true, false] {
                unit.instruction.fetch.next = fetch;
                clock_cycle!(unit, clock);
                assert_eq!(unit.instruction.word.val().to_u64(), u64::from(expected));
                unit.instruction.address.next = (RAM_BASE / 4 + 6).to_bits();
            }
        }
    }

    #[test]
    fn a_burst_takes_one_cycle_a_word_after_its_first() {
        let mut unit = ProcessorMemory::new(None);
        unit.connect_all();
        for (place, word) in (0x1000..).zip(&mut unit._words[..32]) {
            *word = place;
        }
        for start in [8, 13] {
            // Fetches in each cycle beside it; then another access, which is none of the burst.
            for offset in 0..BURST_WORDS {
                let at = 8 + (start + offset) % BURST_WORDS;
                unit.instruction.fetch.next = true;
                unit.instruction.address.next = (RAM_BASE / 4 + at).to_bits();
                unit.data.cycle.next = true;
                unit.data.strobe.next = true;
                unit.data.address.next = (RAM_BASE / 4 + at).to_bits();
                unit.data.continues.next = offset < BURST_WORDS - 1;
                settle(&mut unit);
                if offset == 0 {
                    assert!(!unit.data.acknowledge.val());
                    clock_cycle!(unit, clock);
                }
                assert!(unit.data.acknowledge.val(), "word {offset}");
                let expected = 0x1000 + at as u64;
                assert_eq!(unit.data.read_data.val().to_u64(), expected);
                clock_cycle!(unit, clock);
                assert_eq!(unit.instruction.word.val().to_u64(), expected);
            }
            assert!(!unit.data.acknowledge.val());
            unit.data.strobe.next = false;
            clock_cycle!(unit, clock);
            assert!(!unit.data.acknowledge.val());
        }
    }

    #[test]
    fn fetches_outside_the_ram_read_zeros() {
        let mut unit = ProcessorMemory::new(None);
        unit.connect_all();
        unit._words[5] = 0x1234;
        for (address, expected) in [(RAM_BASE, 0x1234), (0, 0), (RAM_BASE + RAM_BYTES, 0)] {
            unit.instruction.fetch.next = true;
            unit.instruction.address.next = (address / 4 + 5).to_bits();
            clock_cycle!(unit, clock);
            assert_eq!(
                unit.instruction.word.val().to_u64(),
                expected,
                "{address:#x}"
            );
        }
    }
}
