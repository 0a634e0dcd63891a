//! Who reads which NIU memory.

use crate::bundles::{MemoryReadMaster, MemoryReadTarget};
use crate::configuration::ENDPOINT_SPACE_LOG2;
use crate::library::fixed::Fixed;
use rust_hdl::prelude::*;

/// Beats of the upper half of BAR4 that lie behind the outbox, as bits of an address.
const BEHIND_OUTBOX: usize = (1 << (ENDPOINT_SPACE_LOG2 - 4)) - abi::command::OUTBOX_BYTES / 16;

/// Where a read of an endpoint's page stands.
#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
pub enum PageState {
    /// Asks where the page is.
    Ask,
    /// The answer comes.
    Answer,
    /// Reads the page.
    Read,
}

/// Splits the completer's reads of BAR4. The lower half has a page for each endpoint: `PageDecoder` says which page
/// of the pool holds its inline bodies, if any, and that is read. The upper half begins with the outbox. What lies
/// behind the outbox, and the pages of endpoints that have none in the pool, reads as zeros.
///
/// Contract: `completer.request` and its address stay until `grant`. `page_resident` and `page`
/// must come in the cycle after `page_grant`.
///
/// Latency: none for the outbox and what lies behind it, two cycles for a page.
#[derive(LogicBlock, Default)]
pub struct MemorySelect {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// The completer; beats of BAR4.
    pub completer: MemoryReadTarget,
    /// An endpoint's page is looked for.
    pub page_request: Signal<Out, Bit>,
    /// Whose page is asked for.
    pub page_endpoint: Signal<Out, Bits<12>>,
    /// The endpoint map is read in this cycle.
    pub page_grant: Signal<In, Bit>,
    /// The cycle after `page_grant`: the endpoint has a page.
    pub page_resident: Signal<In, Bit>,
    /// With `page_resident`: which.
    pub page: Signal<In, Bits<8>>,
    /// The pool of inline pages, by its beats.
    pub slots: MemoryReadMaster,
    /// The outbox, by its beats.
    pub outbox: MemoryReadMaster,
    state: DFF<PageState>,
    found: DFF<Bit>,
    found_page: DFF<Bits<8>>,
    read_outbox: DFF<Bit>,
    read_nothing: DFF<Bit>,
    address: Signal<Local, Bits<21>>,
    in_upper: Signal<Local, Bit>,
    in_outbox: Signal<Local, Bit>,
    behind: Signal<Local, Bits<21>>,
    wants_page: Signal<Local, Bit>,
    reads_page: Signal<Local, Bit>,
    behind_outbox_bits: Fixed<21, BEHIND_OUTBOX>,
}

impl Logic for MemorySelect {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            state,
            found,
            found_page,
            read_outbox,
            read_nothing
        );
        self.address.next = self.completer.address.val();
        self.in_upper.next = self
            .address
            .val()
            .get_bit(crate::configuration::ENDPOINT_SPACE_LOG2 - 4);
        self.behind.next = self.address.val() & self.behind_outbox_bits.val();
        self.in_outbox.next = self.in_upper.val() & !self.behind.val().any();

        // A page: first where it is, then what stands there.
        self.wants_page.next = self.completer.request.val() & !self.in_upper.val();
        self.page_request.next = self.wants_page.val() & (self.state.q.val() == PageState::Ask);
        self.page_endpoint.next = self.address.val().get_bits::<12>(8);
        self.reads_page.next = self.wants_page.val() & (self.state.q.val() == PageState::Read);
        self.slots.request.next = self.reads_page.val() & self.found.q.val();
        self.slots.address.next = bit_cast::<21, 8>(self.address.val().get_bits::<8>(0))
            | (bit_cast::<21, 8>(self.found_page.q.val()) << 8);

        self.outbox.request.next = self.completer.request.val() & self.in_outbox.val();
        self.outbox.address.next = bit_cast::<21, 9>(self.address.val().get_bits::<9>(0));

        self.completer.grant.next =
            self.reads_page.val() & (self.slots.grant.val() | !self.found.q.val());
        if self.in_upper.val() {
            self.completer.grant.next = self.completer.request.val();
        }
        if self.in_outbox.val() {
            self.completer.grant.next = self.outbox.grant.val();
        }
        self.read_outbox.d.next = self.in_outbox.val();
        self.read_nothing.d.next = self.in_upper.val() | !self.found.q.val();
        self.completer.data.next = self.slots.data.val();
        if self.read_outbox.q.val() {
            self.completer.data.next = self.outbox.data.val();
        } else if self.read_nothing.q.val() {
            self.completer.data.next = 0.into();
        }

        match self.state.q.val() {
            PageState::Ask => {
                if self.page_request.val() & self.page_grant.val() {
                    self.state.d.next = PageState::Answer;
                }
            }
            PageState::Answer => {
                self.found.d.next = self.page_resident.val();
                self.found_page.d.next = self.page.val();
                self.state.d.next = PageState::Read;
            }
            _ => {
                // Without a request the completer was reset.
                if !self.wants_page.val() | self.slots.grant.val() | !self.found.q.val() {
                    self.state.d.next = PageState::Ask;
                }
            }
        }
    }
}

/// Two readers of the outbox's one read port, in turn when both ask. Latency: none.
#[derive(LogicBlock, Default)]
pub struct OutboxArbiter {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// The command executor.
    pub executor: MemoryReadTarget,
    /// Who reads BAR4.
    pub completer: MemoryReadTarget,
    /// Beat to read.
    pub address: Signal<Out, Bits<9>>,
    /// The cycle after: what was read.
    pub data: Signal<In, Bits<128>>,
    completer_last: DFF<Bit>,
    grant_completer: Signal<Local, Bit>,
}

impl Logic for OutboxArbiter {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, completer_last);
        self.grant_completer.next = self.completer.request.val()
            & !(self.executor.request.val() & self.completer_last.q.val());
        self.completer.grant.next = self.grant_completer.val();
        self.executor.grant.next = self.executor.request.val() & !self.grant_completer.val();
        self.completer_last.d.next = self.grant_completer.val();
        self.address.next = self.executor.address.val().get_bits::<9>(0);
        if self.grant_completer.val() {
            self.address.next = self.completer.address.val().get_bits::<9>(0);
        }
        self.completer.data.next = self.data.val();
        self.executor.data.next = self.data.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Gate, Random, clock_cycle, settle};

    #[test]
    fn gate() {
        Gate::new("memory_select", MemorySelect::default())
            .clock(|unit| &mut unit.clock)
            .run(|unit, random, _| {
                unit.completer.request.next = random.chance(70);
                unit.completer.address.next = random.bits();
                unit.page_grant.next = random.chance(50);
                unit.page_resident.next = random.chance(50);
                unit.page.next = random.bits();
                unit.slots.grant.next = random.chance(50);
                unit.slots.data.next = random.bits();
                unit.outbox.grant.next = random.chance(50);
                unit.outbox.data.next = random.bits();
            });
        Gate::new("outbox_arbiter", OutboxArbiter::default())
            .clock(|unit| &mut unit.clock)
            .run(|unit, random, _| {
                for reader in [&mut unit.executor, &mut unit.completer] {
                    reader.request.next = random.chance(70);
                    reader.address.next = random.bits();
                }
                unit.data.next = random.bits();
            });
    }

    #[test]
    fn two_readers_take_turns_and_one_alone_has_every_cycle() {
        let mut unit = OutboxArbiter::default();
        unit.connect_all();
        unit.executor.request.next = true;
        unit.completer.request.next = true;
        let mut grants = vec![];
        for _ in 0..6 {
            settle(&mut unit);
            assert_ne!(unit.executor.grant.val(), unit.completer.grant.val());
            grants.push(unit.completer.grant.val());
            clock_cycle!(unit, clock);
        }
        assert!(grants.windows(2).all(|pair| pair[0] != pair[1]));
        unit.completer.request.next = false;
        for _ in 0..3 {
            settle(&mut unit);
            assert!(unit.executor.grant.val());
            clock_cycle!(unit, clock);
        }
    }

    /// The beats that `MemorySelect` reads, and what stands there, or `None` if it reads nothing.
    fn expected(address: usize, page: Option<usize>) -> Option<(&'static str, usize)> {
        let half = 1 << (ENDPOINT_SPACE_LOG2 - 4);
        match address.checked_sub(half) {
            None => page.map(|page| ("slots", page * 256 + address % 256)),
            Some(beat) if beat < abi::command::OUTBOX_BYTES / 16 => Some(("outbox", beat)),
            Some(_) => None,
        }
    }

    #[test]
    fn every_read_finds_its_memory_and_where_none_is_zeros() {
        let seed = 5;
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let half = 1u64 << (ENDPOINT_SPACE_LOG2 - 4);
        let mut unit = MemorySelect::default();
        unit.connect_all();
        let mut reads = [0; 3];
        for _ in 0..600 {
            let address = match random.below(4) {
                0 => half + random.below(512),
                1 => half + 512 + random.below(half - 512),
                _ => random.below(half),
            } as usize;
            let page = random.chance(70).then(|| random.below(64) as usize);
            let expected = expected(address, page);
            unit.completer.request.next = true;
            unit.completer.address.next = address.to_bits();
            let mut asked = false;
            let mut read = None;
            for cycle in 0.. {
                assert!(cycle < 100, "no grant for {address:#x}");
                unit.page_grant.next = random.chance(50);
                unit.slots.grant.next = false;
                unit.outbox.grant.next = false;
                settle(&mut unit);
                unit.slots.grant.next = unit.slots.request.val() && random.chance(50);
                unit.outbox.grant.next = unit.outbox.request.val() && random.chance(50);
                settle(&mut unit);
                for (name, memory) in [("slots", &unit.slots), ("outbox", &unit.outbox)] {
                    if memory.grant.val() {
                        read = Some((name, memory.address.val().index()));
                    }
                }
                let finds = unit.page_request.val() && unit.page_grant.val();
                if finds {
                    assert_eq!(unit.page_endpoint.val().index(), address / 256);
                    assert!(!asked, "asked once");
                    asked = true;
                }
                let granted = unit.completer.grant.val();
                clock_cycle!(unit, clock);
                unit.page_resident.next = if finds {
                    page.is_some()
                } else {
                    random.chance(50)
                };
                unit.page.next = match page {
                    Some(page) if finds => page.to_bits(),
                    _ => random.bits(),
                };
                unit.slots.data.next = 0x51u32.to_bits();
                unit.outbox.data.next = 0x0bu32.to_bits();
                if granted {
                    break;
                }
            }
            unit.completer.request.next = random.chance(50);
            settle(&mut unit);
            assert_eq!(read, expected, "{address:#x}");
            let data = unit.completer.data.val().to_u128();
            match expected {
                Some(("slots", _)) => assert_eq!(data, 0x51),
                Some(_) => assert_eq!(data, 0x0b),
                None => assert_eq!(data, 0),
            }
            reads[expected.map_or(0, |(name, _)| 1 + usize::from(name == "outbox"))] += 1;
            if !unit.completer.request.val() {
                clock_cycle!(unit, clock);
            }
        }
        assert!(reads.iter().all(|&reads| reads > 50), "{reads:?}");
    }

    #[test]
    fn a_read_that_is_given_up_does_not_answer_the_next_one() {
        let mut unit = MemorySelect::default();
        unit.connect_all();
        unit.completer.request.next = true;
        unit.page_grant.next = true;
        clock_cycle!(unit, clock);
        // The completer is reset.
        unit.completer.request.next = false;
        unit.page_resident.next = true;
        for _ in 0..2 {
            clock_cycle!(unit, clock);
        }
        unit.completer.request.next = true;
        settle(&mut unit);
        assert!(unit.page_request.val() && !unit.slots.request.val());
    }
}
