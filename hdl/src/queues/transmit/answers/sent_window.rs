//! Which messages of a row were sent.

use rust_hdl::prelude::*;

/// Finds the messages of a row that are among the last 64 launched ones. The row's messages have the indices `8 * row` to
/// `8 * row + 7`, modulo 128.
///
/// In two steps, so that a register may stand between them: `row_*` follow `launched` and `row`; `sent` and `is_last` follow
/// `same_row`, `below`, `other_lap` and `place`.
///
/// Latency: none.
#[derive(LogicBlock, Default)]
pub struct SentWindow {
    /// First message that was not launched yet.
    pub launched: Signal<In, Bits<7>>,
    pub row: Signal<In, Bits<4>>,
    /// The row of `launched`, or of the message 64 before it.
    pub row_same: Signal<Out, Bit>,
    /// The row of `launched` is below, laps aside.
    pub row_below: Signal<Out, Bit>,
    /// It is of the other lap.
    pub row_other_lap: Signal<Out, Bit>,

    pub same: Signal<In, Bit>,
    pub below: Signal<In, Bit>,
    pub other_lap: Signal<In, Bit>,
    /// Place of `launched` in its row.
    pub place: Signal<In, Bits<3>>,
    pub sent: Signal<Out, Bits<8>>,
    /// `launched` stands in this row: all rows behind it have no messages.
    pub is_last: Signal<Out, Bit>,
    at_place: Signal<Local, Bits<8>>,
    earlier: Signal<Local, Bits<8>>,
}

impl Logic for SentWindow {
    #[hdl_gen]
    fn update(&mut self) {
        self.row_same.next =
            self.launched.val().get_bits::<3>(3) == self.row.val().get_bits::<3>(0);
        self.row_below.next =
            self.launched.val().get_bits::<3>(3) < self.row.val().get_bits::<3>(0);
        self.row_other_lap.next = self.launched.val().get_bit(6) ^ self.row.val().get_bit(3);

        self.at_place.next = bit_cast::<8, 1>(1.into()) << bit_cast::<8, 3>(self.place.val());
        self.earlier.next = self.at_place.val() - 1;
        self.is_last.next = self.same.val() & !self.other_lap.val();
        // The distance from the row to that of `launched` is 1 to 7: all, or 9 to 15: none.
        self.sent.next = 0x00.into();
        if !(self.other_lap.val() ^ self.below.val()) {
            self.sent.next = 0xFF.into();
        }
        // The distance is 0, or 8.
        if self.same.val() {
            self.sent.next = self.earlier.val();
            if self.other_lap.val() {
                self.sent.next = !self.earlier.val();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Gate, settle};

    #[test]
    fn the_last_64_launched_are_sent() {
        let mut unit = SentWindow::default();
        unit.connect_all();
        for launched in 0..128u64 {
            for row in 0..16u64 {
                unit.launched.next = launched.to_bits();
                unit.row.next = row.to_bits();
                settle(&mut unit);
                unit.same.next = unit.row_same.val();
                unit.below.next = unit.row_below.val();
                unit.other_lap.next = unit.row_other_lap.val();
                unit.place.next = (launched % 8).to_bits();
                settle(&mut unit);
                let expected = (0..8u64)
                    .filter(|place| {
                        (1..=64).contains(&((launched.wrapping_sub(8 * row + place)) & 127))
                    })
                    .fold(0, |set, place| set | 1 << place);
                assert_eq!(unit.sent.val().to_u64(), expected, "{launched} {row}");
                assert_eq!(unit.is_last.val(), launched / 8 == row);
            }
        }
    }

    #[test]
    fn gate() {
        Gate::new("sent_window", SentWindow::default()).run(|unit, random, _| {
            unit.launched.next = random.bits();
            unit.row.next = random.bits();
            unit.same.next = random.chance(50);
            unit.below.next = random.chance(50);
            unit.other_lap.next = random.chance(50);
            unit.place.next = random.bits();
        });
    }
}
