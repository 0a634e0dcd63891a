//! The one stream convention: 128-bit beats, the last one of a packet marked.
//!
//! Contract: `valid` never waits for `ready`; while `valid` is high and `ready` low, `beat` does not change.

use rust_hdl::prelude::*;

/// Sixteen bytes of a packet, byte 0 in bits 7 to 0.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct Beat {
    /// The bytes.
    pub data: Bits<128>,
    /// The packet ends with this beat.
    pub last: Bit,
}

/// Receiving end of a stream.
#[derive(LogicInterface, Default)]
#[join = "StreamSource"]
pub struct StreamSink {
    /// A beat is offered.
    pub valid: Signal<In, Bit>,
    /// The beat is taken in this cycle.
    pub ready: Signal<Out, Bit>,
    /// Does not change while `valid` is high and `ready` low.
    pub beat: Signal<In, Beat>,
}

/// Sending end of a stream.
#[derive(LogicInterface, Default)]
#[join = "StreamSink"]
pub struct StreamSource {
    /// A beat is offered.
    pub valid: Signal<Out, Bit>,
    /// The beat is taken in this cycle.
    pub ready: Signal<In, Bit>,
    /// Does not change while `valid` is high and `ready` low.
    pub beat: Signal<Out, Beat>,
}
