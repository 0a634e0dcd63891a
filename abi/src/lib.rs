//! The one schema of Wayfarer: every register, opcode, command, descriptor and wire format, as data.
//!
//! A reader who wants to know what a bit means finds it here, and nowhere else; hardware, firmware, driver, simulator,
//! reference pages and the C header are all made from these modules.
//!
//! | module | what it describes | seen by |
//! |---|---|---|
//! | [`pcie`] | transaction-layer packet headers | hardware, simulator |
//! | [`control`] | BAR0: identity, status, admin queue, time stamps, counters | host driver, firmware |
//! | [`interrupt`] | BAR0: MSI-X table, pending bits | operating system, hardware |
//! | [`endpoint`] | BAR2: one page an endpoint | host programs |
//! | [`message`] | inline bodies (BAR4), receive entries and shadow lines (host memory) | host programs |
//! | [`link`] | frames on the wire | peers |
//! | [`queue_state`] | queue state, translation table, endpoint map | firmware |
//! | [`command`], [`event`], [`processor`] | what firmware sees of the hardware | firmware |
//! | [`admin`] | the admin queue | host driver, firmware |
#![no_std]
#![forbid(unsafe_code)]
#![allow(
    rustdoc::broken_intra_doc_links,
    reason = "the schema's texts name bit ranges, such as Length[9:8], and serve other readers than rustdoc too"
)]

pub mod schema;

pub mod admin;
pub mod command;
pub mod control;
pub mod endpoint;
pub mod event;
pub mod interrupt;
pub mod link;
pub mod message;
pub mod pcie;
pub mod processor;
pub mod queue_state;

/// Version of everything in this crate: raised on every change that an older peer would misread,
/// once a version was released. None was yet.
pub const ABI_VERSION_MAJOR: u16 = 1;
/// Raised on every compatible addition.
pub const ABI_VERSION_MINOR: u16 = 0;

/// Every section, in reading order.
pub const SECTIONS: &[schema::Section] = &[
    control::SECTION,
    interrupt::SECTION,
    endpoint::SECTION,
    message::SECTION,
    link::SECTION,
    queue_state::SECTION,
    command::SECTION,
    event::SECTION,
    processor::SECTION,
    admin::SECTION,
    pcie::SECTION,
];
