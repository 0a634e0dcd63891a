//! What all protocols share: which endpoints exist, where their queues are, and what is free.
//!
//! Of an endpoint stand here four bytes, of an identifier two; all else about it stands in its entry of the host's
//! table (`layout`). Of each resident queue stands here what its eviction needs.

mod limits;
mod shape;
mod windows;

pub use limits::Limits;
pub use shape::{Memory, PAGE_BYTES, Shape, check};

use crate::command::Command;
use abi::admin::{EndpointInterrupt, TABLE_ENTRY_BYTES};
use abi::queue_state::{REGION_RECEIVE_MAP, ReceiveMap, endpoint_map};
use heapless::Deque;
use windows::Windows;

/// Most pages for inline bodies that this firmware serves.
pub(crate) const MAXIMUM_INLINE_PAGES: usize = 64;
/// Most queues of a side that are lent for messages only, and are to be taken back.
const LENT: usize = 16;
/// Most queues of a side that this firmware serves: a byte tells them and the other places of a queue.
const MAXIMUM_QUEUES: usize = 256 - Place::FIRST_QUEUE as usize;

/// Where a queue of an endpoint is. All zeros, so that tables without an endpoint take no place in the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place(u8);

impl Place {
    /// There is no such endpoint.
    pub const NONE: Place = Place(0);
    /// Its record is in the host's table.
    pub const AWAY: Place = Place(1);
    /// As `AWAY`. A store of a receive queue's consumer index brings it back: its ring was full, or held entries that
    /// its program may not have seen when it asks for an interrupt. A transmit queue's program is to be told of a loss:
    /// the queue comes back for that.
    pub const STARVED: Place = Place(2);
    /// Its record cannot be read: it takes no part until it is destroyed.
    pub const BROKEN: Place = Place(3);
    const FIRST_QUEUE: u8 = 4;

    /// In this resident queue.
    pub const fn queue(queue: u8) -> Place {
        Place(queue + Place::FIRST_QUEUE)
    }

    /// The queue, if it is resident.
    pub const fn resident(self) -> Option<u8> {
        self.0.checked_sub(Place::FIRST_QUEUE)
    }

    /// Whether its record is in the host's table, and may be loaded.
    pub fn is_away(self) -> bool {
        self == Place::AWAY || self == Place::STARVED
    }
}

/// What is known of an endpoint. All zeros, so that tables without an endpoint take no place in the image; together, so
/// that it is one line of the processor's cache.
#[derive(Clone, Copy, Debug)]
#[repr(align(4))]
struct Known {
    transmit: Place,
    receive: Place,
    /// One more than its page for inline bodies; 0: it has none.
    page: u8,
    /// `EMULATED`, `OPEN`, `TOLD`.
    flags: u8,
}

/// An endpoint is lent queues for messages only, and its word of the map leads to no transmit queue (V16).
const EMULATED: u8 = 1;
/// It leads to the one that it is lent, since its program is to be told of a loss, or may lose the beginning of an
/// inline body with the queue: the hardware tells that with such a word only.
const OPEN: u8 = 2;
/// Its program was told since.
const TOLD: u8 = 4;

impl Known {
    const NOTHING: Known = Known {
        transmit: Place::NONE,
        receive: Place::NONE,
        page: 0,
        flags: 0,
    };
}

/// Who has a transmit queue.
#[derive(Clone, Copy, Debug)]
pub struct TransmitOwner {
    /// One more than the endpoint; 0: nobody.
    owner: u16,
    /// Messages that were answered when it was last looked at.
    pub seen: u16,
    /// Captured stores that were carried out since the queue came back, or since its owner was stopped for a moment.
    pub replays: u8,
    /// Generation of the last owner.
    pub generation: u8,
}

/// Who has a receive queue.
#[derive(Clone, Copy, Debug)]
pub struct ReceiveOwner {
    /// As in `TransmitOwner`.
    owner: u16,
    /// One more than the identifier; 0: none.
    identifier: u16,
    /// Messages that had come when it was last looked at.
    pub seen: u16,
    /// Base-2 logarithm of the ring's entries.
    pub entries_log2: u8,
    /// Base-2 logarithm of an entry's bytes.
    pub stride_log2: u8,
    /// Messages that find the ring full are dropped (V18).
    pub drops: bool,
    /// `endpoint_interrupt`.
    pub interrupt: u32,
}

impl TransmitOwner {
    /// Number of the endpoint.
    pub fn endpoint(&self) -> Option<u16> {
        self.owner.checked_sub(1)
    }
}

impl ReceiveOwner {
    /// Number of the endpoint.
    pub fn endpoint(&self) -> Option<u16> {
        self.owner.checked_sub(1)
    }

    /// Whether it raises interrupts.
    pub fn interrupts(&self) -> bool {
        EndpointInterrupt::unpack(self.interrupt.into()).enabled == 1
    }

    /// RQID that is bound to it.
    pub fn identifier(&self) -> Option<u16> {
        self.identifier.checked_sub(1)
    }
}

/// Host memory that the driver gave (`GIVE_MEMORY`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Given {
    /// Address of the table.
    pub table: u64,
    /// Address of the miss ring.
    pub ring: u64,
    /// Receive queue that takes misses.
    pub queue: u8,
}

/// Of a word of the map: the page for inline bodies. `page`: one more than its number; 0: none.
pub fn page_word(page: u8) -> u64 {
    page.checked_sub(1).map_or(0, |page| {
        u64::from(page) << endpoint_map::page::SHIFT | 1 << endpoint_map::page_resident::SHIFT
    })
}

/// What of a word of the map says that this transmit queue is resident.
const fn transmit_word(queue: u8) -> u32 {
    1 << endpoint_map::transmit_resident::SHIFT
        | (queue as u32) << endpoint_map::transmit_queue::SHIFT
}

/// Everything that is shared. `QUEUES`: most queues a side; `ENDPOINTS`, `IDENTIFIERS`: most endpoints and receive
/// queue identifiers, powers of two.
#[derive(Clone, Debug)]
pub struct Tables<const QUEUES: usize, const ENDPOINTS: usize, const IDENTIFIERS: usize> {
    known: [Known; ENDPOINTS],
    /// One more than the endpoint; 0: none.
    endpoint_of: [u16; IDENTIFIERS],
    transmit: [TransmitOwner; QUEUES],
    receive: [ReceiveOwner; QUEUES],
    /// The queue that has been free for the longest time is first: so generations repeat as late as possible.
    free_transmit: Deque<u8, QUEUES>,
    free_receive: Deque<u8, QUEUES>,
    /// Queues that were lent for a message, of the transmit side and of the receive side, in this order.
    lent: [Deque<u8, LENT>; 2],
    free_pages: u64,
    windows: Windows,
    /// Number of the next endpoint, if it is free.
    next_number: u16,
    /// Endpoints whose transmit queue is away.
    away_transmit: u16,
    /// Endpoints whose transmit queue is `STARVED`.
    starved: u16,
    /// Endpoints whose receive queue is away.
    away_receive: u16,
    given: Option<Given>,
    limits: Limits,
}

impl<const QUEUES: usize, const ENDPOINTS: usize, const IDENTIFIERS: usize>
    Tables<QUEUES, ENDPOINTS, IDENTIFIERS>
{
    /// Nothing at all.
    pub const fn new() -> Self {
        const { assert!(ENDPOINTS.is_power_of_two() && IDENTIFIERS.is_power_of_two()) };
        Tables {
            known: [Known::NOTHING; ENDPOINTS],
            endpoint_of: [0; IDENTIFIERS],
            transmit: [TransmitOwner {
                owner: 0,
                seen: 0,
                replays: 0,
                generation: 0,
            }; QUEUES],
            receive: [ReceiveOwner {
                owner: 0,
                identifier: 0,
                seen: 0,
                entries_log2: 0,
                stride_log2: 0,
                drops: false,
                interrupt: 0,
            }; QUEUES],
            free_transmit: Deque::new(),
            free_receive: Deque::new(),
            lent: [Deque::new(), Deque::new()],
            free_pages: 0,
            windows: Windows::new(),
            next_number: 0,
            away_transmit: 0,
            starved: 0,
            away_receive: 0,
            given: None,
            limits: Limits::NONE,
        }
    }

    /// The NIU has so much of everything.
    pub fn start(&mut self, limits: Limits) {
        // The tables are empty: they are as large as to be worth no second clearing.
        self.limits = limits.served_with(QUEUES.min(MAXIMUM_QUEUES), ENDPOINTS, IDENTIFIERS);
        self.set_free();
        self.next_number = 0;
        for owner in &mut self.transmit {
            owner.generation = 0;
        }
    }

    /// Forgets all endpoints, and the memory that was given.
    #[inline(never)]
    pub fn clear(&mut self) {
        // Without memory there was never an endpoint.
        if self.given.is_some() {
            self.forget();
        }
    }

    /// No endpoint exists.
    fn forget(&mut self) {
        self.given = None;
        self.known.fill(Known::NOTHING);
        self.endpoint_of.fill(0);
        (self.away_transmit, self.away_receive, self.starved) = (0, 0, 0);
        self.set_free();
    }

    /// No queue, page or window has an owner.
    fn set_free(&mut self) {
        self.free_transmit.clear();
        self.free_receive.clear();
        self.lent.iter_mut().for_each(Deque::clear);
        // There is room for all: the limits are within the sizes.
        for (queue, owner) in (0..self.limits.transmit_queues).zip(&mut self.transmit) {
            owner.owner = 0;
            let _ = self.free_transmit.push_back(queue as u8);
        }
        for (queue, owner) in (0..self.limits.receive_queues).zip(&mut self.receive) {
            owner.owner = 0;
            let _ = self.free_receive.push_back(queue as u8);
        }
        self.free_pages = match self.limits.inline_pages {
            MAXIMUM_INLINE_PAGES.. => u64::MAX,
            pages => (1 << pages) - 1,
        };
        self.windows.clear(self.limits.translation_entries);
    }

    /// What there is at most.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Host memory that the driver gave.
    pub fn given(&self) -> Option<Given> {
        self.given
    }

    /// Takes host memory: the last receive queue takes misses from now on. `None` if there is no queue beside it.
    pub fn give(&mut self, table: u64, ring: u64) -> Option<Given> {
        let queue = self
            .limits
            .receive_queues
            .checked_sub(1)
            .filter(|&queue| queue > 0)? as u8;
        // No endpoint exists yet, so it is free, and the last one.
        self.free_receive.pop_back();
        self.given = Some(Given { table, ring, queue });
        self.given
    }

    /// Goes on from these generations of the transmit queues' last owners.
    pub fn set_generations(&mut self, generations: [u8; QUEUES]) {
        let mut owners = 0;
        for (owner, generation) in self.transmit.iter_mut().zip(generations) {
            owner.generation = generation;
            owners += usize::from(generation);
        }
        // Late stores of endpoints of before, as a rule, find nobody behind their page.
        self.next_number = (owners % self.limits.endpoints.max(1)) as u16;
    }

    /// Host address of an endpoint's entry of the table.
    #[inline]
    pub fn entry(&self, endpoint: u16) -> u64 {
        let table = self.given.map_or(0, |given| given.table);
        table.wrapping_add(u64::from(endpoint) * TABLE_ENTRY_BYTES as u64)
    }

    /// Where an endpoint's transmit queue is.
    #[inline]
    pub fn transmit_of(&self, endpoint: u16) -> Place {
        self.known[usize::from(endpoint) % ENDPOINTS].transmit
    }

    /// Where an endpoint's receive queue is.
    #[inline]
    pub fn receive_of(&self, endpoint: u16) -> Place {
        self.known[usize::from(endpoint) % ENDPOINTS].receive
    }

    /// The endpoint that has an identifier.
    #[inline]
    pub fn endpoint_of(&self, identifier: u16) -> Option<u16> {
        self.endpoint_of[usize::from(identifier) % IDENTIFIERS].checked_sub(1)
    }

    /// Gives an identifier to an endpoint, or takes it away.
    #[inline(never)]
    pub fn set_endpoint_of(&mut self, identifier: u16, endpoint: Option<u16>) {
        let owner = endpoint.map_or(0, |endpoint| endpoint + 1);
        self.endpoint_of[usize::from(identifier) % IDENTIFIERS] = owner;
        if let Some(queue) = endpoint.and_then(|endpoint| self.receive_of(endpoint).resident()) {
            self.receive[usize::from(queue) % QUEUES].identifier = identifier + 1;
        }
    }

    /// Whether there is an endpoint of this number.
    #[inline(never)]
    pub fn exists(&self, endpoint: u64) -> Option<u16> {
        let endpoint = u16::try_from(endpoint).ok()?;
        let is_legal = usize::from(endpoint) < self.limits.endpoints;
        (is_legal && self.transmit_of(endpoint) != Place::NONE).then_some(endpoint)
    }

    /// Who has a transmit queue.
    #[inline]
    pub fn transmit(&mut self, queue: u8) -> &mut TransmitOwner {
        &mut self.transmit[usize::from(queue) % QUEUES]
    }

    /// Who has a receive queue.
    #[inline]
    pub fn receive(&mut self, queue: u8) -> &mut ReceiveOwner {
        &mut self.receive[usize::from(queue) % QUEUES]
    }

    /// Lower half of an endpoint's word of the map, as it should be.
    #[inline]
    fn map_low(&self, endpoint: u16) -> u32 {
        let mut map = 0;
        let transmit = self.transmit_of(endpoint);
        if let Some(queue) = transmit.resident()
            && !self.is_hidden(endpoint)
        {
            map |= transmit_word(queue);
        }
        if transmit != Place::NONE {
            map |= 1 << endpoint_map::exists::SHIFT;
        }
        // A receive queue that was never bound has nothing to give back.
        if let Some(queue) = self.receive_of(endpoint).resident()
            && self.receive[usize::from(queue) % QUEUES].identifier != 0
        {
            map |= 1 << endpoint_map::receive_resident::SHIFT
                | u32::from(queue) << endpoint_map::receive_queue::SHIFT;
        }
        map
    }

    /// An endpoint's word of the map, as it should be.
    #[inline(never)]
    pub fn map(&self, endpoint: u16) -> u64 {
        u64::from(self.map_low(endpoint)) | self.map_high(endpoint)
    }

    /// Its upper half.
    #[inline]
    fn map_high(&self, endpoint: u16) -> u64 {
        page_word(self.known[usize::from(endpoint) % ENDPOINTS].page)
    }

    /// The word, as it will be when the transmit queue has come back.
    #[inline]
    pub fn map_with(&self, endpoint: u16, queue: u8) -> u64 {
        let low = self.map_low(endpoint) | transmit_word(queue);
        u64::from(low) | self.map_high(endpoint)
    }

    /// The word, as it will be when the transmit queue has left.
    #[inline(never)]
    pub fn map_without_transmit(&self, endpoint: u16) -> u64 {
        self.map(endpoint) & !u64::from(transmit_word(u8::MAX))
    }

    /// The word, as it will be when the receive queue has left.
    #[inline(never)]
    pub fn map_without_receive(&self, endpoint: u16) -> u64 {
        let receive = 1 << endpoint_map::receive_resident::SHIFT
            | u64::from(u8::MAX) << endpoint_map::receive_queue::SHIFT;
        self.map(endpoint) & !receive
    }

    /// Has an identifier lead to the queue that takes misses, which takes so many; of a full ring the others are
    /// dropped, if it is to be so.
    #[inline(never)]
    pub fn divert(&self, identifier: u16, stride_log2: u8, allowance: u8, drops: bool) -> Command {
        let map = ReceiveMap {
            queue: self.given.map_or(0, |given| given.queue).into(),
            resident: 1,
            allowance: allowance.into(),
            drops: drops.into(),
            stride_log2: stride_log2.into(),
        };
        Command::write_queue_state(REGION_RECEIVE_MAP, identifier.into(), map.pack())
    }

    /// Has an identifier lead to a queue of its own.
    #[inline(never)]
    pub fn lead(&self, identifier: u16, queue: u8) -> Command {
        let map = ReceiveMap {
            queue: queue.into(),
            resident: 1,
            ..ReceiveMap::default()
        };
        Command::write_queue_state(REGION_RECEIVE_MAP, identifier.into(), map.pack())
    }

    /// Takes a transmit queue that is free.
    #[inline]
    pub fn take_transmit(&mut self) -> Option<u8> {
        self.free_transmit.pop_front()
    }

    /// The transmit queue that an endpoint that is away gets next, if there is one.
    #[inline]
    pub fn next_transmit(&self) -> Option<u8> {
        let next = self.free_transmit.front();
        next.filter(|_| self.away_transmit > 0).copied()
    }

    /// Whether there is a receive queue for an endpoint that is away.
    #[inline]
    pub fn has_receive(&self) -> bool {
        self.away_receive > 0 && !self.free_receive.is_empty()
    }

    /// Takes a receive queue that is free.
    #[inline(never)]
    pub fn take_receive(&mut self) -> Option<u8> {
        self.free_receive.pop_front()
    }

    /// A new endpoint takes a transmit queue, unless the last one that is free is kept for endpoints that are away.
    #[inline(never)]
    pub fn take_transmit_for_new(&mut self) -> Option<u8> {
        let may = self.away_transmit == 0 || self.free_transmit.len() > 1;
        may.then(|| self.take_transmit()).flatten()
    }

    /// As `take_transmit_for_new`.
    #[inline(never)]
    pub fn take_receive_for_new(&mut self) -> Option<u8> {
        let may = self.away_receive == 0 || self.free_receive.len() > 1;
        may.then(|| self.take_receive()).flatten()
    }

    /// Whether an endpoint is lent queues for each message only.
    #[inline]
    pub fn is_emulated(&self, endpoint: u16) -> bool {
        self.known[usize::from(endpoint) % ENDPOINTS].flags != 0
    }

    /// Whether its word of the map leads to no transmit queue, not even the one that it is lent.
    #[inline]
    pub fn is_hidden(&self, endpoint: u16) -> bool {
        self.known[usize::from(endpoint) % ENDPOINTS].flags == EMULATED
    }

    /// Its word of the map leads to the transmit queue that it is lent, until its program was told of losses and the
    /// queue is taken back.
    #[inline(never)]
    pub fn open(&mut self, endpoint: u16) {
        let flags = &mut self.known[usize::from(endpoint) % ENDPOINTS].flags;
        if *flags != 0 {
            *flags = EMULATED | OPEN;
        }
    }

    /// The program of an endpoint that is emulated was told of losses, if there were any.
    pub fn told(&mut self, endpoint: u16) {
        let known = &mut self.known[usize::from(endpoint) % ENDPOINTS];
        if known.flags & OPEN != 0 && known.page == 0 {
            known.flags |= TOLD;
        }
    }

    /// Says whether a new endpoint, whose page is known, is lent queues for each message only.
    pub fn set_emulated(&mut self, endpoint: u16, is_emulated: bool) {
        let known = &mut self.known[usize::from(endpoint) % ENDPOINTS];
        known.flags = match (is_emulated, known.page) {
            (false, _) => 0,
            (true, 0) => EMULATED,
            (true, _) => EMULATED | OPEN,
        };
    }

    /// A queue of an endpoint that is emulated is to be taken back. Without a place for it, it stays until another
    /// endpoint needs it.
    #[inline(never)]
    pub fn lend(&mut self, receive: bool, queue: u8) {
        let _ = self.lent[usize::from(receive)].push_back(queue);
    }

    /// The queue that was lent first and is to be taken back, if there is one.
    #[inline(never)]
    pub fn take_lent(&mut self, receive: bool) -> Option<u8> {
        self.lent[usize::from(receive)].pop_front()
    }

    /// Whether queues are to be taken back.
    #[inline]
    pub fn has_lent(&self) -> bool {
        !(self.lent[0].is_empty() & self.lent[1].is_empty())
    }

    /// A queue has left its endpoint: it need not be taken back any more.
    fn forget_lent(&mut self, receive: bool, queue: u8) {
        let lent = &mut self.lent[usize::from(receive)];
        for _ in 0..lent.len() {
            if let Some(one) = lent.pop_front()
                && one != queue
            {
                let _ = lent.push_back(one);
            }
        }
    }

    /// Gives a transmit queue back that nobody got.
    #[inline(never)]
    pub fn return_transmit(&mut self, queue: u8) {
        let _ = self.free_transmit.push_front(queue);
    }

    /// Gives a receive queue back that nobody got.
    #[inline(never)]
    pub fn return_receive(&mut self, queue: u8) {
        let _ = self.free_receive.push_front(queue);
    }

    /// Whether `lacks_transmit` or `lacks_receive`.
    #[inline]
    pub fn lacks_queue(&self) -> bool {
        self.lacks_transmit() | self.lacks_receive()
    }

    /// Whether an endpoint is away while no transmit queue is free, nor about to be.
    #[inline]
    pub fn lacks_transmit(&self) -> bool {
        (self.away_transmit > 0) & self.free_transmit.is_empty() & self.lent[0].is_empty()
    }

    /// As `lacks_transmit`, for receive queues.
    #[inline]
    pub fn lacks_receive(&self) -> bool {
        (self.away_receive > 0) & self.free_receive.is_empty() & self.lent[1].is_empty()
    }

    /// An endpoint's transmit queue, which was away, has come back.
    #[inline]
    pub fn transmit_came(&mut self, endpoint: u16, queue: u8, seen: u16) {
        self.away_transmit -= 1;
        let place = &mut self.known[usize::from(endpoint) % ENDPOINTS].transmit;
        self.starved -= u16::from(*place == Place::STARVED);
        *place = Place::queue(queue);
        let owner = self.transmit(queue);
        owner.owner = endpoint + 1;
        owner.seen = seen;
        owner.replays = 0;
    }

    /// Whether a transmit queue is `STARVED`.
    #[inline]
    pub fn has_starved(&self) -> bool {
        self.starved != 0
    }

    /// The next endpoint whose transmit queue is `STARVED`, from `next` on, if there is one among so many.
    #[inline(never)]
    pub fn next_starved(&self, next: &mut u16, looks: usize) -> Option<u16> {
        for _ in 0..looks {
            let endpoint = *next;
            *next = match usize::from(endpoint) + 1 < self.limits.endpoints {
                true => endpoint + 1,
                false => 0,
            };
            if self.transmit_of(endpoint) == Place::STARVED {
                return Some(endpoint);
            }
        }
        None
    }

    /// An endpoint's transmit queue is somewhere else from now on.
    #[inline(never)]
    pub fn move_transmit(&mut self, endpoint: u16, place: Place) {
        let before = &mut self.known[usize::from(endpoint) % ENDPOINTS].transmit;
        let last = core::mem::replace(before, place);
        self.away_transmit -= u16::from(last.is_away());
        self.away_transmit += u16::from(place.is_away());
        self.starved -= u16::from(last == Place::STARVED);
        self.starved += u16::from(place == Place::STARVED);
        if let Some(queue) = last.resident() {
            self.transmit(queue).owner = 0;
            let _ = self.free_transmit.push_back(queue);
            self.forget_lent(false, queue);
            let flags = &mut self.known[usize::from(endpoint) % ENDPOINTS].flags;
            if *flags & TOLD != 0 {
                *flags = EMULATED;
            }
        }
        if let Some(queue) = place.resident() {
            let owner = self.transmit(queue);
            owner.owner = endpoint + 1;
            owner.seen = 0;
            owner.replays = 0;
        }
    }

    /// An endpoint's receive queue is somewhere else from now on. The caller describes a resident queue.
    #[inline(never)]
    pub fn move_receive(&mut self, endpoint: u16, place: Place) {
        let before = &mut self.known[usize::from(endpoint) % ENDPOINTS].receive;
        let last = core::mem::replace(before, place);
        self.away_receive -= u16::from(last.is_away());
        self.away_receive += u16::from(place.is_away());
        if let Some(queue) = last.resident() {
            self.receive(queue).owner = 0;
            let _ = self.free_receive.push_back(queue);
            self.forget_lent(true, queue);
        }
        if let Some(queue) = place.resident() {
            let owner = self.receive(queue);
            owner.owner = endpoint + 1;
            owner.identifier = 0;
            owner.seen = 0;
        }
    }

    /// Says what a resident receive queue is like.
    #[inline(never)]
    pub fn describe_receive(
        &mut self,
        queue: u8,
        identifier: Option<u16>,
        entries_log2: u8,
        stride_log2: u8,
        drops: bool,
        interrupt: u32,
    ) {
        let owner = self.receive(queue);
        owner.identifier = identifier.map_or(0, |identifier| identifier + 1);
        owner.entries_log2 = entries_log2;
        owner.stride_log2 = stride_log2;
        owner.drops = drops;
        owner.interrupt = interrupt;
    }

    /// The next generation of a transmit queue, for a new owner.
    #[inline]
    pub fn next_generation(&mut self, queue: u8) -> u8 {
        let generation = &mut self.transmit(queue).generation;
        *generation = generation.wrapping_add(1);
        *generation
    }

    /// A number that no endpoint has: all others come before it does again.
    #[inline(never)]
    pub fn free_number(&mut self) -> Option<u16> {
        for _ in 0..self.limits.endpoints {
            let number = self.next_number;
            self.next_number = (number + 1) % self.limits.endpoints as u16;
            if self.transmit_of(number) == Place::NONE {
                return Some(number);
            }
        }
        None
    }

    /// Takes a page for inline bodies: one more than its number.
    #[inline(never)]
    pub fn take_page(&mut self) -> Option<u8> {
        let page = self.free_pages.trailing_zeros();
        if page == u64::BITS {
            return None;
        }
        self.free_pages &= !(1 << page);
        Some(page as u8 + 1)
    }

    /// Gives it back; 0: there is none.
    #[inline(never)]
    pub fn return_page(&mut self, page: u8) {
        if let Some(page) = page.checked_sub(1) {
            self.free_pages |= 1 << page;
        }
    }

    /// An endpoint has this page from now on; 0: none. The page it had.
    #[inline]
    pub fn set_page(&mut self, endpoint: u16, page: u8) -> u8 {
        core::mem::replace(
            &mut self.known[usize::from(endpoint) % ENDPOINTS].page,
            page,
        )
    }

    /// Takes a translation window of so many entries: its first one.
    #[inline(never)]
    pub fn take_window(&mut self, log2: u8) -> Option<u16> {
        self.windows.take(log2)
    }

    /// Gives it back.
    #[inline(never)]
    pub fn return_window(&mut self, base: u16, log2: u8) {
        self.windows.put(base, log2);
    }
}
