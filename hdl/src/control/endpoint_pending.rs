//! One level-triggered bit an endpoint page: a store met no resident queue.

use crate::library::lut_ram::LutRam;
use rust_hdl::prelude::*;

/// 256 bits in a small RAM, set one at a time and looked at or cleared a word at a time.
///
/// A set never waits. The other port has its turn (`ready`) in a cycle without a set: stores to pages are packets of the host, which
/// never come in every cycle for long. In the first 8 cycles after reset the RAM is cleared, and sets are lost.
#[derive(LogicBlock)]
pub struct EndpointPending {
    /// Clock of all ports.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset: all bits go to zero.
    pub reset: Signal<In, Bit>,
    /// The bit `set_index` becomes one.
    pub set: Signal<In, Bit>,
    /// Endpoint.
    pub set_index: Signal<In, Bits<8>>,
    /// The word looked at.
    pub word: Signal<In, Bits<3>>,
    /// With `ready`: the bits of `mask` become zero in that word.
    pub clear: Signal<In, Bit>,
    /// Which bits to clear.
    pub mask: Signal<In, Bits<32>>,
    /// `value` is the word, and `clear` takes effect.
    pub ready: Signal<Out, Bit>,
    /// The word before clearing.
    pub value: Signal<Out, Bits<32>>,
    words: LutRam<Bits<32>, 3>,
    clearing: DFF<Bit>,
    clear_word: DFF<Bits<3>>,
    address: Signal<Local, Bits<3>>,
    bit_index: Signal<Local, Bits<5>>,
    changed: Signal<Local, Bits<32>>,
    one: Constant<Bits<32>>,
    last: Constant<Bits<3>>,
}

impl Default for EndpointPending {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            reset: Default::default(),
            set: Default::default(),
            set_index: Default::default(),
            word: Default::default(),
            clear: Default::default(),
            mask: Default::default(),
            ready: Default::default(),
            value: Default::default(),
            words: Default::default(),
            clearing: Default::default(),
            clear_word: Default::default(),
            address: Default::default(),
            bit_index: Default::default(),
            changed: Default::default(),
            one: Constant::new(1u32.to_bits()),
            last: Constant::new(7u32.to_bits()),
        }
    }
}

impl Logic for EndpointPending {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, clearing, clear_word);
        clock!(self, clock, words);
        self.address.next = self.word.val();
        if self.clearing.q.val() {
            self.address.next = self.clear_word.q.val();
        } else if self.set.val() {
            self.address.next = self.set_index.val().get_bits::<3>(5);
        }
        self.words.read_address.next = self.address.val();
        self.words.write_address.next = self.address.val();
        self.bit_index.next = self.set_index.val().get_bits::<5>(0);

        self.changed.next = self.words.read_data.val() & !self.mask.val();
        if self.clearing.q.val() {
            self.changed.next = 0.into();
        } else if self.set.val() {
            self.changed.next =
                self.words.read_data.val() | (self.one.val() << self.bit_index.val());
        }
        self.words.write_data.next = self.changed.val();
        self.words.write_enable.next = self.clearing.q.val() | self.set.val() | self.clear.val();
        self.ready.next = !(self.clearing.q.val() | self.set.val());
        self.value.next = self.words.read_data.val();

        if self.clearing.q.val() {
            self.clear_word.d.next = self.clear_word.q.val() + 1;
            if self.clear_word.q.val() == self.last.val() {
                self.clearing.d.next = false;
            }
        }
        if self.reset.val() {
            self.clearing.d.next = true;
            self.clear_word.d.next = 0.into();
        }
    }
}
