//! Each transmit queue's window into the translation table.

use crate::configuration::TRANSLATION_LOG2;
use crate::library::lut_ram::LutRam;
use crate::queues::queue_select::QueueWord;
use rust_hdl::prelude::*;

/// Confines a queue's virtual destinations to its window (V13, V19). All outputs follow `queue` and `destination` in the same
/// cycle. Has no reset: firmware writes a queue's control word before the queue can send.
#[derive(LogicBlock, Default)]
pub struct DestinationWindow {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// `abi::queue_state::transmit_control`.
    pub configuration: Signal<In, QueueWord>,
    /// Transmit queue.
    pub queue: Signal<In, Bits<4>>,
    /// Virtual destination.
    pub destination: Signal<In, Bits<16>>,
    /// Entry of the translation table.
    pub index: Signal<Out, Bits<TRANSLATION_LOG2>>,
    /// The destination has a bit outside the window's mask.
    pub outside: Signal<Out, Bit>,
    /// The queue may use virtual channel 1.
    pub channel_1_allowed: Signal<Out, Bit>,
    windows: LutRam<Bits<21>, 4>,
    word: Signal<Local, Bits<64>>,
    window: Signal<Local, Bits<21>>,
    mask: Signal<Local, Bits<16>>,
}

impl Logic for DestinationWindow {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, windows);
        self.word.next = self.configuration.val().word;
        self.windows.write_enable.next = self.configuration.val().control;
        self.windows.write_address.next = self.configuration.val().queue;
        self.windows.write_data.next =
            bit_cast::<21, 10>(
                self.word
                    .val()
                    .get_bits::<10>(abi::queue_state::transmit_control::window_mask::SHIFT),
            ) | (bit_cast::<21, 10>(
                self.word
                    .val()
                    .get_bits::<10>(abi::queue_state::transmit_control::window_base::SHIFT),
            ) << 10)
                | (bit_cast::<21, 1>(self.word.val().get_bits::<1>(
                    abi::queue_state::transmit_control::virtual_channel_limit::SHIFT,
                )) << 20);
        self.windows.read_address.next = self.queue.val();
        self.window.next = self.windows.read_data.val();
        self.mask.next = bit_cast::<16, 10>(self.window.val().get_bits::<10>(0));
        self.outside.next = (self.destination.val() & !self.mask.val()).any();
        self.index.next = self.destination.val().get_bits::<TRANSLATION_LOG2>(0)
            | self.window.val().get_bits::<TRANSLATION_LOG2>(10);
        self.channel_1_allowed.next = self.window.val().get_bit(20);
    }
}
