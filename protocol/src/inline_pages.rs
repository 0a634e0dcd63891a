//! Bodies of messages in NIU memory, written through BAR4 (rules 25 to 28).
//!
//! BAR4 is addressed by endpoint. Whether an endpoint has a page is up to the firmware, and the driver is not told. Its
//! stores without a page are lost; the producer store that would launch such a message is refused, and the driver sends
//! it through its host ring. So no torn body is ever sent.
//!
//! The head of a body stands in the page and in the message's slot. The page stays with the endpoint, the slot with the
//! queue. A head that no producer store has covered when the queue leaves is lost, too.

use crate::{
    capture::StoreKind,
    rules::{AllRules, Rule, Rules},
};

/// What the page decoder keeps of an endpoint's bodies.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct InlineBodies<R: Rules = AllRules> {
    rules: R,
    page: Option<u8>,
    /// Something was stored that no producer index has covered.
    uncovered: bool,
    /// A store of a message that is not launched yet was lost.
    inline_lost: bool,
    /// A head that no producer store has covered stands in a slot.
    heads: bool,
    /// It stood in a slot of a queue that the endpoint has no more.
    heads_lost: bool,
}

impl<R: Rules> InlineBodies<R> {
    /// An endpoint without a page.
    pub fn new(rules: R) -> Self {
        Self {
            rules,
            page: None,
            uncovered: false,
            inline_lost: false,
            heads: false,
            heads_lost: false,
        }
    }

    /// Whether a head that no producer store has covered stood in a slot of a queue that the endpoint has no more.
    pub fn has_left_heads(&self) -> bool {
        self.heads_lost
    }

    /// The page, if there is one.
    pub fn page(&self) -> Option<u8> {
        self.page
    }

    /// A BAR4 store of the endpoint came. Returns the page to write it to; `None`: it is dropped.
    pub fn on_store(&mut self) -> Option<u8> {
        if self.page.is_some() {
            self.uncovered = true;
        } else if self.rules.holds(Rule::StoreWithoutPageLost) {
            self.inline_lost = true;
        }
        self.page
    }

    /// Firmware gives the endpoint a page, and has cleared it: whoever had it before has left bodies in it.
    pub fn give(&mut self, page: u8) {
        self.page = Some(page);
    }

    /// Firmware takes the page away, for another endpoint. That is possible only while the queue's consumer index
    /// equals its producer index (`idle`): until then a body may be sent, or sent again. Returns the page that is free
    /// now.
    pub fn take_away(&mut self, idle: bool) -> Option<u8> {
        if !idle && self.rules.holds(Rule::PageStaysWhileUsed) {
            return None;
        }
        self.inline_lost |= self.uncovered && self.rules.holds(Rule::TakenStoreLost);
        self.uncovered = false;
        self.page.take()
    }

    /// Whether a producer store may launch inline messages: there is a page, every body that was stored is whole, and
    /// the heads stand in slots of the queue that the endpoint has. If not, the store is lost, and so is all behind it
    /// until a resume store (rule 27). `resident`: what the store's look-up found.
    pub(crate) fn may_launch(&self, resident: bool) -> bool {
        let page = self.page.is_some() || !self.rules.holds(Rule::LaunchNeedsPage);
        let bodies = !self.inline_lost || !self.rules.holds(Rule::LostBodyRefused);
        let left = self.heads_lost || self.heads && !resident;
        page && bodies && !(left && self.rules.holds(Rule::LeftHeadRefused))
    }

    /// A head went to its slot.
    pub(crate) fn on_head(&mut self) {
        self.heads = true;
    }

    /// A captured store is carried out.
    pub(crate) fn on_replay(&mut self, kind: StoreKind) {
        match kind {
            StoreKind::Head => self.heads = true,
            StoreKind::Producer => self.heads = false,
            StoreKind::Express => {}
        }
    }

    /// The endpoint was without a queue and gets one: what stands in slots of a former one is no use. It may be the
    /// same one; then bodies are lost without need.
    pub(crate) fn on_queue(&mut self) {
        self.heads_lost |= self.heads;
        self.heads = false;
    }

    /// A producer store was taken. It covers every body stored before it: that is the driver's duty.
    pub(crate) fn on_covered(&mut self) {
        self.uncovered = false;
        self.heads = false;
    }

    /// A resume store: every message before it that was not launched is sent again. Its bodies stand in the host ring,
    /// or are stored after the resume store.
    pub(crate) fn on_resume(&mut self) {
        if self.rules.holds(Rule::ResumeForgetsBodies) {
            self.uncovered = false;
            self.inline_lost = false;
            self.heads = false;
            self.heads_lost = false;
        }
    }
}
