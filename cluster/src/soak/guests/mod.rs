//! Endpoints that come and go under traffic.
//!
//! Each node has a *sink*, an endpoint that stays and only receives, and a few *places*, on each of which one *guest*
//! after another lives: an endpoint is created, sends its messages to sinks, and is destroyed, so that its queues get
//! another owner. Where guests ask for replies, the node that is asked sends them through an endpoint of its own, the
//! *mirror*.
//!
//! A node may also reset its NIU: then all of its endpoints are gone, and it begins anew with the same arrivals and the
//! next guests.
//!
//! What a guest sends follows from the seed and its name, which stands in each message, so that a sink can tell at once
//! whether a message is what was sent, and in its order. What must have come, or must not, depends on how the guest
//! ended: that is compared when all nodes are done (`judgement`).

mod arrivals;
mod guest;
mod judgement;
mod mirror;
mod place;
mod plan;
mod program;

pub use guest::{GuestName, Target};
pub use judgement::Verdict;
pub(super) use judgement::{Ledger, judge};
pub(super) use plan::INLINE_PAGES_NEEDED;
pub use plan::{GuestPlan, Habits};
pub(super) use program::run;
