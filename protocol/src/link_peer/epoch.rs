//! Which incarnation of a peer is spoken with (rules 33 to 35).
//!
//! Each node chooses the epoch that frames to it must carry, for each peer, and tells it to the peer. A node that
//! rebooted knows nothing of its peers: it says hello. The peer offers a new epoch and goes on as before; only when it
//! hears that offer back does it start afresh, as only the new incarnation can know it. So a hello that is late does no
//! harm.

use crate::rules::{AllRules, Rule, Rules};

/// An epoch, modulo 2^`BITS`. The wire carries 6 bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Epoch<const BITS: u32 = 6>(u8);

impl<const BITS: u32> Epoch<BITS> {
    /// The epoch with these low bits.
    pub const fn new(value: u8) -> Self {
        assert!(BITS >= 1 && BITS <= 8, "an epoch has 1 to 8 bits");
        Self(value & (u8::MAX >> (8 - BITS)))
    }

    /// Its bits.
    pub const fn value(self) -> u8 {
        self.0
    }

    /// The one after it.
    pub const fn next(self) -> Self {
        Self::new(self.0.wrapping_add(1))
    }
}

/// What nodes say to each other about epochs. It may be lost, repeated and late.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Hello<const BITS: u32 = 6> {
    /// What frames to me must carry.
    pub mine: Epoch<BITS>,
    /// What frames to you must carry, as far as I know.
    pub yours: Option<Epoch<BITS>>,
    /// I await no answer.
    pub settled: bool,
}

/// What became of a [`Hello`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Greeted<const BITS: u32 = 6> {
    /// To be sent to the peer.
    pub reply: Option<Hello<BITS>>,
    /// The peer is another incarnation than before, or the first: all streams start afresh, and what was unanswered has
    /// failed.
    pub fresh: bool,
}

/// The epochs of one peer.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Epochs<const BITS: u32 = 6, R: Rules = AllRules> {
    rules: R,
    mine: Epoch<BITS>,
    /// `None`: nothing is known of the peer.
    theirs: Option<Epoch<BITS>>,
}

impl<const BITS: u32, R: Rules> Epochs<BITS, R> {
    /// After a reboot. `mine` must differ from all epochs that this node has used with this peer within the lifetime of
    /// a frame.
    pub fn new(rules: R, mine: Epoch<BITS>) -> Self {
        Self {
            rules,
            mine,
            theirs: None,
        }
    }

    /// What frames to the peer carry; `None`: no frame may be sent yet.
    pub fn theirs(&self) -> Option<Epoch<BITS>> {
        self.theirs
    }

    /// Whether a frame of the peer with this epoch counts.
    pub fn accepts(&self, epoch: Epoch<BITS>) -> bool {
        let known = self.theirs.is_some() && epoch == self.mine;
        known || !self.rules.holds(Rule::CheckEpoch)
    }

    /// What to say when nothing is known of the peer, or when it does not acknowledge: after a time, and again.
    pub fn hello(&self) -> Hello<BITS> {
        Hello {
            mine: self.mine,
            yours: self.theirs,
            settled: false,
        }
    }

    /// The peer said something.
    pub fn on_hello(&mut self, hello: Hello<BITS>) -> Greeted<BITS> {
        let offer = self.offer();
        let heard = hello.yours == Some(offer) || !self.rules.holds(Rule::EchoedOffer);
        let known = hello.yours == Some(self.mine) && self.theirs == Some(hello.mine);
        if heard && !known {
            self.mine = offer;
            self.theirs = Some(hello.mine);
        }
        let fresh = heard && !known;
        let reply = if fresh || known {
            // Each knows the other.
            (!hello.settled).then_some(Hello {
                settled: true,
                ..self.hello()
            })
        } else if hello.yours.is_none() && self.theirs != Some(hello.mine) {
            // A new incarnation, or a hello that is late.
            Some(Hello {
                mine: offer,
                yours: Some(hello.mine),
                settled: false,
            })
        } else {
            // It does not know this node yet, or knows an earlier incarnation.
            Some(self.hello())
        };
        Greeted { reply, fresh }
    }

    /// The epoch to offer to a peer that knows nothing: one that nobody has been told.
    fn offer(&self) -> Epoch<BITS> {
        match self.theirs {
            None => self.mine,
            Some(_) => self.mine.next(),
        }
    }
}
