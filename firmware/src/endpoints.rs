//! Which endpoints exist, and what they own. A resident endpoint has a transmit and a receive queue of its own; of an
//! evicted one the records of its queues are kept.

mod limits;
mod shape;
#[cfg(test)]
mod tests;

pub use limits::Limits;
pub use shape::{Memory, PAGE_BYTES, Shape, check};

use abi::admin::{EndpointInterrupt, status::Status};
use abi::queue_state::{
    EndpointMap, MAXIMUM_RECEIVE_QUEUE_IDS, ReceiveControl, ReceiveInterrupt, ReceiveMap,
    Translation, TransmitControl,
};
use heapless::{Deque, Vec};

/// Most pages for inline bodies that this firmware serves.
pub(crate) const MAXIMUM_INLINE_PAGES: usize = 64;
/// Most endpoints that are evicted at the same time.
const MAXIMUM_EVICTED: usize = 4;
/// Words of a queue's record (`abi::command::RECORD_BYTES`).
pub const RECORD_WORDS: usize = abi::command::RECORD_BYTES / 8;

/// A queue's record, as it stands in inbox and outbox.
pub type Record = [u64; RECORD_WORDS];

/// An endpoint without queues. It keeps its pages and its window.
#[derive(Clone, Copy, Debug)]
struct Evicted {
    endpoint: Endpoint,
    transmit: Record,
    receive: Record,
}

/// An endpoint. The numbers of its page, its queues and its page for inline bodies have nothing to do with each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Its page in BAR2, and in the lower half of BAR4.
    pub number: u16,
    /// Its transmit queue.
    pub transmit_queue: u8,
    /// Tells the transmit queue's messages from those of its former owners.
    pub generation: u8,
    /// Its receive queue.
    pub receive_queue: u8,
    /// Page of the NIU memory pool with its inline bodies.
    pub inline_page: Option<u8>,
    /// First entry of its translation window.
    pub window_base: u16,
    /// What it is like.
    pub shape: Shape,
    /// Identifier of its receive queue (RQID), once bound.
    pub receive_queue_id: Option<u16>,
}

impl Endpoint {
    fn window(&self) -> core::ops::Range<usize> {
        let base = usize::from(self.window_base);
        base..base + (1 << self.shape.window_log2)
    }

    /// What stands behind its pages.
    pub fn map(&self) -> u64 {
        let map = EndpointMap {
            transmit_queue: self.transmit_queue.into(),
            transmit_resident: 1,
            receive_queue: self.receive_queue.into(),
            receive_resident: 1,
            page: self.inline_page.unwrap_or_default().into(),
            page_resident: self.inline_page.is_some().into(),
        };
        map.pack()
    }

    /// Control word of its transmit queue.
    pub fn transmit_control(&self) -> u64 {
        let control = TransmitControl {
            enabled: 1,
            virtual_channel_limit: self.shape.virtual_channel_1.into(),
            priority: self.shape.priority.into(),
            give_up: self.shape.give_up.into(),
            generation: self.generation.into(),
            endpoint: self.number.into(),
            window_mask: (1 << self.shape.window_log2) - 1,
            window_base: self.window_base.into(),
        };
        control.pack()
    }

    /// Control word of its receive queue, bound to an identifier.
    pub fn receive_control(&self, receive_queue_id: u16) -> u64 {
        let control = ReceiveControl {
            enabled: 1,
            entries_log2: self.shape.entries_log2.into(),
            stride_log2: self.shape.stride_log2.into(),
            receive_queue_id: receive_queue_id.into(),
        };
        control.pack()
    }

    /// Interrupt of its receive queue, of which so many entries are delivered.
    pub fn receive_interrupt(&self, delivered: u64, armed: u64) -> u64 {
        let wanted = EndpointInterrupt::unpack(self.shape.interrupt.into());
        let interrupt = ReceiveInterrupt {
            vector: wanted.vector,
            enabled: wanted.enabled,
            armed,
            due: 0,
            interval: wanted.interval,
            delivered,
        };
        interrupt.pack()
    }

    /// Where the identifier leads.
    pub fn receive_map(&self) -> u64 {
        let map = ReceiveMap {
            queue: self.receive_queue.into(),
            resident: 1,
        };
        map.pack()
    }
}

/// All endpoints, and what is free. `QUEUES`: most queues a side.
#[derive(Clone, Debug)]
pub struct EndpointTable<const QUEUES: usize> {
    limits: Limits,
    /// By transmit queue.
    endpoints: [Option<Endpoint>; QUEUES],
    /// By transmit queue: generation of the last owner.
    generations: [u8; QUEUES],
    /// The queue that has been free for the longest time is first: so generations repeat as late as possible.
    free_transmit_queues: Deque<u8, QUEUES>,
    free_receive_queues: Vec<u8, QUEUES>,
    free_inline_pages: Vec<u8, MAXIMUM_INLINE_PAGES>,
    evicted: Vec<Evicted, MAXIMUM_EVICTED>,
    /// An endpoint was evicted: numbers may be in use that go with another queue.
    has_evicted: bool,
}

impl<const QUEUES: usize> EndpointTable<QUEUES> {
    /// No endpoints, and never any before.
    pub fn new(limits: Limits) -> Self {
        let limits = limits.served_with(QUEUES);
        let mut table = EndpointTable {
            limits,
            endpoints: [None; QUEUES],
            generations: [0; QUEUES],
            free_transmit_queues: Deque::new(),
            free_receive_queues: Vec::new(),
            free_inline_pages: Vec::new(),
            evicted: Vec::new(),
            has_evicted: false,
        };
        // There is room for all: the limits are within the sizes.
        for queue in 0..limits.transmit_queues {
            let _ = table.free_transmit_queues.push_back(queue as u8);
        }
        for queue in 0..limits.receive_queues {
            let _ = table.free_receive_queues.push(queue as u8);
        }
        for page in 0..limits.inline_pages {
            let _ = table.free_inline_pages.push(page as u8);
        }
        table
    }

    /// Goes on from these generations of the transmit queues' last owners.
    pub fn set_generations(&mut self, generations: [u8; QUEUES]) {
        self.generations = generations;
    }

    /// What there is at most.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// All endpoints, also those that are evicted.
    fn all(&self) -> impl Iterator<Item = &Endpoint> {
        let resident = self.endpoints.iter().flatten();
        resident.chain(self.evicted.iter().map(|evicted| &evicted.endpoint))
    }

    /// The resident endpoint with this number.
    ///
    /// # Errors
    /// `NoSuchEndpoint`.
    pub fn get(&self, number: u64) -> Result<&Endpoint, Status> {
        let number = u16::try_from(number).map_err(|_| Status::NoSuchEndpoint)?;
        // A number goes with one queue, unless its endpoint was evicted since.
        let queue = usize::from(number) % self.limits.transmit_queues.max(1);
        let endpoint = self.endpoints.get(queue).and_then(Option::as_ref);
        match endpoint.filter(|endpoint| endpoint.number == number) {
            Some(endpoint) => Ok(endpoint),
            None => self.find_moved(number),
        }
    }

    #[cold]
    #[inline(never)]
    fn find_moved(&self, number: u16) -> Result<&Endpoint, Status> {
        let mut endpoints = self.endpoints.iter().flatten();
        endpoints
            .find(|endpoint| endpoint.number == number)
            .ok_or(Status::NoSuchEndpoint)
    }

    /// The endpoint that has this transmit queue.
    pub fn of_queue(&self, queue: u8) -> Option<&Endpoint> {
        self.endpoints.get(usize::from(queue))?.as_ref()
    }

    /// One of the endpoints, if there are any.
    pub fn any(&self) -> Option<&Endpoint> {
        self.endpoints.iter().flatten().next()
    }

    /// Reserves all that an endpoint needs.
    ///
    /// # Errors
    /// `NoResources`.
    #[inline(never)]
    pub fn create(&mut self, shape: Shape) -> Result<&Endpoint, Status> {
        let window_base = self.free_window(shape.window_log2)?;
        let is_short = self.free_transmit_queues.is_empty()
            || self.free_receive_queues.is_empty()
            || (shape.inline && self.free_inline_pages.is_empty());
        if is_short {
            return Err(Status::NoResources);
        }
        let queue = self.free_transmit_queues.front().copied();
        let queue = queue.ok_or(Status::NoResources)?;
        let (number, generation) = self.free_number(queue).ok_or(Status::NoResources)?;
        self.free_transmit_queues.pop_front();
        let receive_queue = self.free_receive_queues.pop().ok_or(Status::NoResources)?;
        let inline_page = match shape.inline {
            true => self.free_inline_pages.pop(),
            false => None,
        };
        self.generations[usize::from(queue)] = generation;
        let place = &mut self.endpoints[usize::from(queue)];
        Ok(place.insert(Endpoint {
            number,
            transmit_queue: queue,
            generation,
            receive_queue,
            inline_page,
            window_base,
            shape,
            receive_queue_id: None,
        }))
    }

    /// Number and generation of the next owner of a transmit queue. A former owner may have moved
    /// to another queue with its number.
    fn free_number(&self, queue: u8) -> Option<(u16, u8)> {
        let last = self.generations[usize::from(queue)];
        if !self.has_evicted {
            let generation = last.wrapping_add(1);
            return Some((self.limits.page(queue, generation), generation));
        }
        (1..=u8::MAX).find_map(|step| {
            let generation = last.wrapping_add(step);
            let number = self.limits.page(queue, generation);
            let is_free = self.all().all(|endpoint| endpoint.number != number);
            is_free.then_some((number, generation))
        })
    }

    /// Another endpoint may be evicted.
    pub fn may_evict(&self) -> bool {
        !self.evicted.is_full()
    }

    /// The endpoint that has this transmit queue is evicted: its queues are disabled, and these were their records.
    #[inline(never)]
    pub fn evict(&mut self, queue: u8, transmit: Record, receive: Record) {
        let place = self.endpoints.get_mut(usize::from(queue));
        let Some(endpoint) = place.and_then(Option::take) else {
            return;
        };
        self.has_evicted = true;
        // There is room: `may_evict` was asked, and the queues were taken from these.
        let _ = self.evicted.push(Evicted {
            endpoint,
            transmit,
            receive,
        });
        let _ = self.free_transmit_queues.push_back(endpoint.transmit_queue);
        let _ = self.free_receive_queues.push(endpoint.receive_queue);
    }

    /// An evicted endpoint gets queues: the endpoint and the records for them.
    ///
    /// # Errors
    /// `NoSuchEndpoint` if none of this number is evicted, `NoResources`.
    #[inline(never)]
    pub fn install(&mut self, number: u64) -> Result<(&Endpoint, Record, Record), Status> {
        let place = self.place_of_evicted(number)?;
        let queue = self.free_transmit_queues.front().copied();
        let receive_queue = self.free_receive_queues.last().copied();
        let (Some(queue), Some(receive_queue)) = (queue, receive_queue) else {
            return Err(Status::NoResources);
        };
        self.free_transmit_queues.pop_front();
        self.free_receive_queues.pop();
        let Evicted {
            mut endpoint,
            mut transmit,
            mut receive,
        } = self.evicted.swap_remove(place);
        let generation = &mut self.generations[usize::from(queue)];
        *generation = generation.wrapping_add(1);
        endpoint.transmit_queue = queue;
        endpoint.generation = *generation;
        endpoint.receive_queue = receive_queue;
        // The control words are the last ones.
        transmit[RECORD_WORDS - 1] = endpoint.transmit_control();
        receive[RECORD_WORDS - 1] = endpoint
            .receive_queue_id
            .map_or(0, |identifier| endpoint.receive_control(identifier));
        let place = &mut self.endpoints[usize::from(queue)];
        Ok((place.insert(endpoint), transmit, receive))
    }

    /// Forgets an evicted endpoint.
    ///
    /// # Errors
    /// `NoSuchEndpoint`.
    #[cold]
    #[inline(never)]
    pub fn remove_evicted(&mut self, number: u64) -> Result<(), Status> {
        let place = self.place_of_evicted(number)?;
        let evicted = self.evicted.swap_remove(place);
        if let Some(page) = evicted.endpoint.inline_page {
            let _ = self.free_inline_pages.push(page);
        }
        Ok(())
    }

    /// Forgets all of them.
    #[inline(never)]
    pub fn remove_all_evicted(&mut self) {
        while let Some(evicted) = self.evicted.last() {
            let _ = self.remove_evicted(evicted.endpoint.number.into());
        }
    }

    fn place_of_evicted(&self, number: u64) -> Result<usize, Status> {
        let mut evicted = self.evicted.iter();
        evicted
            .position(|evicted| u64::from(evicted.endpoint.number) == number)
            .ok_or(Status::NoSuchEndpoint)
    }

    /// First entry of a free window: windows are aligned to their sizes.
    fn free_window(&self, size_log2: u8) -> Result<u16, Status> {
        let size = 1 << size_log2;
        let mut base = 0;
        while base + size <= self.limits.translation_entries {
            let window = base..base + size;
            let in_the_way = self.all().find(|other| {
                let other = other.window();
                other.start < window.end && window.start < other.end
            });
            match in_the_way {
                None => return Ok(base as u16),
                Some(other) => base = other.window().end.next_multiple_of(size),
            }
        }
        Err(Status::NoResources)
    }

    /// Forgets the endpoint that has this transmit queue; its queues are disabled.
    #[inline(never)]
    pub fn remove(&mut self, queue: u8) {
        let place = self.endpoints.get_mut(usize::from(queue));
        let Some(endpoint) = place.and_then(Option::take) else {
            return;
        };
        // There is room: what is free was taken from these.
        let _ = self.free_transmit_queues.push_back(endpoint.transmit_queue);
        let _ = self.free_receive_queues.push(endpoint.receive_queue);
        if let Some(page) = endpoint.inline_page {
            let _ = self.free_inline_pages.push(page);
        }
    }

    /// Gives an endpoint's receive queue its identifier: the endpoint's transmit queue, or `None` if it has that
    /// identifier already (binding it again would forget what was delivered).
    ///
    /// # Errors
    /// `NoSuchEndpoint`; `InUse` if another endpoint has the identifier; `BadOperand` if there is no such identifier
    /// or the endpoint has another one.
    #[inline(never)]
    pub fn bind(&mut self, number: u64, identifier: u64) -> Result<Option<u8>, Status> {
        let endpoint = self.get(number)?;
        let queue = endpoint.transmit_queue;
        let is_legal = identifier < self.limits.receive_queue_ids as u64;
        match endpoint.receive_queue_id {
            Some(bound) if u64::from(bound) == identifier => return Ok(None),
            None if is_legal => {}
            _ => return Err(Status::BadOperand),
        }
        let bound = Some(identifier as u16);
        if self.all().any(|other| other.receive_queue_id == bound) {
            return Err(Status::InUse);
        }
        if let Some(endpoint) = &mut self.endpoints[usize::from(queue)] {
            endpoint.receive_queue_id = bound;
        }
        Ok(Some(queue))
    }

    /// Index of the translation entry behind an endpoint's destination, for an entry that may be loaded there.
    ///
    /// # Errors
    /// `NoSuchEndpoint`; `BadOperand` if the destination lies outside the window, the node, identifier or channel do
    /// not exist, or a reserved bit is set.
    #[inline(never)]
    pub fn translation_index(
        &self,
        number: u64,
        destination: u64,
        entry: u64,
    ) -> Result<usize, Status> {
        let endpoint = self.get(number)?;
        let fields = Translation::unpack(entry);
        let legal = destination < 1 << endpoint.shape.window_log2
            && fields.receive_queue_id < MAXIMUM_RECEIVE_QUEUE_IDS as u64
            && (fields.virtual_channel == 0 || endpoint.shape.virtual_channel_1)
            && fields.pack() == entry;
        if legal {
            Ok(usize::from(endpoint.window_base) + destination as usize)
        } else {
            Err(Status::BadOperand)
        }
    }
}
