//! Which endpoints exist, and what they own.

use abi::admin::{endpoint_shape, status::Status};
use abi::control::registers::capabilities;
use abi::message::{MAXIMUM_ENTRIES_LOG2, MAXIMUM_STRIDE_LOG2, MINIMUM_STRIDE_LOG2};
use abi::queue_state::{
    MAXIMUM_NODES, MAXIMUM_TRANSLATION_ENTRIES, TRANSMIT_QUEUES, receive_control, translation,
    transmit_control,
};

/// Base-2 logarithm of the largest translation table's entries.
const TABLE_LOG2: u8 = MAXIMUM_TRANSLATION_ENTRIES.ilog2() as u8;
/// Processor cycles after which a disabled queue gets no answers any more: the 2^18 core cycles after which a transmit queue
/// that waits for one gives up.
const REST_CYCLES: u32 = 1 << 17;
/// Pages of host memory.
pub(crate) const PAGE_BYTES: u64 = 4096;

/// What the host asks an endpoint to be like, checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Base-2 logarithm of the receive ring's entries.
    pub entries_log2: u8,
    /// Base-2 logarithm of an entry's bytes.
    pub stride_log2: u8,
    /// Base-2 logarithm of the translation window.
    pub window_log2: u8,
    /// Whether it may send on virtual channel 1.
    pub virtual_channel_1: bool,
    /// Its transmit queue has priority (V20).
    pub priority: bool,
    /// Host address of the receive ring.
    pub ring: u64,
    /// Host address of the shadow line.
    pub shadow: u64,
}

/// Lowest bit of the first operand that means nothing.
const RESERVED_FROM: usize = endpoint_shape::priority::SHIFT + endpoint_shape::priority::WIDTH;

impl Shape {
    /// Checks the operands of `CREATE_ENDPOINT`.
    ///
    /// # Errors
    /// `BadOperand`: a size is out of range, an address misaligned, or a reserved bit set.
    pub fn from_operands(word: u64, ring: u64, shadow: u64) -> Result<Self, Status> {
        let field = u128::from(word);
        let shape = Shape {
            entries_log2: endpoint_shape::entries_log2::get(field) as u8,
            stride_log2: endpoint_shape::stride_log2::get(field) as u8,
            window_log2: endpoint_shape::window_log2::get(field) as u8,
            virtual_channel_1: endpoint_shape::virtual_channel_1::get(field) == 1,
            priority: endpoint_shape::priority::get(field) == 1,
            ring,
            shadow,
        };
        let sizes = (1..=MAXIMUM_ENTRIES_LOG2 as u8).contains(&shape.entries_log2)
            && (MINIMUM_STRIDE_LOG2 as u8..=MAXIMUM_STRIDE_LOG2 as u8).contains(&shape.stride_log2)
            && shape.window_log2 <= TABLE_LOG2;
        let addresses = ring.is_multiple_of(PAGE_BYTES)
            && ring != 0
            && ring.checked_add(shape.ring_bytes()).is_some()
            && shadow.is_multiple_of(64)
            && shadow != 0;
        if word >> RESERVED_FROM == 0 && sizes && addresses {
            Ok(shape)
        } else {
            Err(Status::BadOperand)
        }
    }

    /// Size of the receive ring.
    pub fn ring_bytes(&self) -> u64 {
        1 << (u32::from(self.entries_log2) + u32::from(self.stride_log2)).min(63)
    }

    /// Pages that the ring touches; the largest ring has 2048.
    pub fn ring_pages(&self) -> u16 {
        self.ring_bytes().div_ceil(PAGE_BYTES) as u16
    }
}

/// An endpoint. While every endpoint is resident its number is that of its page, its transmit and its receive queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// What it is like.
    pub shape: Shape,
    /// First entry of its translation window.
    pub window_base: u16,
    /// Its receive queue's name, once bound.
    pub receive_queue_id: Option<u16>,
}

impl Endpoint {
    fn window(&self) -> core::ops::Range<usize> {
        let base = usize::from(self.window_base);
        base..base + (1 << self.shape.window_log2)
    }

    /// Control word of its transmit queue.
    pub fn transmit_control(&self) -> u64 {
        let mut word = transmit_control::enabled::set(0, 1);
        word =
            transmit_control::virtual_channel_limit::set(word, self.shape.virtual_channel_1.into());
        word = transmit_control::priority::set(word, self.shape.priority.into());
        word = transmit_control::window_mask::set(word, (1 << self.shape.window_log2) - 1);
        transmit_control::window_base::set(word, self.window_base.into()) as u64
    }

    /// Control word of its receive queue; disabled until a name is bound.
    pub fn receive_control(&self) -> u64 {
        let Some(identifier) = self.receive_queue_id else {
            return 0;
        };
        let mut word = receive_control::enabled::set(0, 1);
        word = receive_control::entries_log2::set(word, self.shape.entries_log2.into());
        word = receive_control::stride_log2::set(word, self.shape.stride_log2.into());
        receive_control::receive_queue_id::set(word, identifier.into()) as u64
    }
}

/// How many endpoints this NIU has, and how many translations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Endpoints: each has a transmit and a receive queue.
    pub endpoints: usize,
    /// Entries of the translation table.
    pub translation_entries: usize,
}

impl Limits {
    /// What the register `abi::control::registers::capabilities` says, as far as this firmware can serve it.
    pub fn from_capabilities(word: u32) -> Self {
        let word = u64::from(word);
        let transmit = capabilities::transmit_queues::get(word) as usize;
        let receive = capabilities::receive_queues::get(word) as usize;
        let table_log2 = (capabilities::translation_log2::get(word) as u8).min(TABLE_LOG2);
        Limits {
            endpoints: transmit.min(receive).min(TRANSMIT_QUEUES),
            translation_entries: 1 << table_log2,
        }
    }
}

/// A number for an endpoint.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    endpoint: Option<Endpoint>,
    /// Processor cycle (low half) at which its queues were disabled, if they ever were enabled.
    disabled_at: Option<u32>,
}

/// All endpoints.
#[derive(Clone, Debug)]
pub struct EndpointTable {
    slots: [Slot; TRANSMIT_QUEUES],
    limits: Limits,
}

impl EndpointTable {
    /// No endpoints, and never any before.
    pub fn new(limits: Limits) -> Self {
        EndpointTable {
            slots: Default::default(),
            limits,
        }
    }

    /// What there is at most.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// The endpoint with this number.
    ///
    /// # Errors
    /// `NoSuchEndpoint`.
    pub fn get(&self, number: u64) -> Result<&Endpoint, Status> {
        let slot = usize::try_from(number)
            .ok()
            .and_then(|number| self.slots.get(number));
        slot.and_then(|slot| slot.endpoint.as_ref())
            .ok_or(Status::NoSuchEndpoint)
    }

    /// Reserves a number and a translation window; numbers that were never used go first.
    ///
    /// # Errors
    /// `NoResources`.
    pub fn create(&mut self, shape: Shape) -> Result<usize, Status> {
        let usable = &self.slots[..self.limits.endpoints];
        let unused = |slot: &Slot| slot.endpoint.is_none() && slot.disabled_at.is_none();
        let number = usable
            .iter()
            .position(unused)
            .or_else(|| usable.iter().position(|slot| slot.endpoint.is_none()))
            .ok_or(Status::NoResources)?;
        let size = 1 << shape.window_log2;
        let free = |base: &usize| {
            self.slots
                .iter()
                .filter_map(|slot| slot.endpoint.as_ref())
                .all(|other| other.window().end <= *base || other.window().start >= base + size)
        };
        let base = (0..(self.limits.translation_entries + 1).saturating_sub(size))
            .step_by(size)
            .find(free)
            .ok_or(Status::NoResources)?;
        self.slots[number].endpoint = Some(Endpoint {
            shape,
            window_base: base as u16,
            receive_queue_id: None,
        });
        Ok(number)
    }

    /// Whether answers to messages of an earlier endpoint with this number may still come. `now`: processor cycles, low half.
    pub fn is_resting(&self, number: usize, now: u32) -> bool {
        let disabled_at = self.slots.get(number).and_then(|slot| slot.disabled_at);
        disabled_at.is_some_and(|at| now.wrapping_sub(at) < REST_CYCLES)
    }

    /// Takes a creation back of which the hardware never heard.
    pub fn cancel(&mut self, number: usize) {
        if let Some(slot) = self.slots.get_mut(number) {
            slot.endpoint = None;
        }
    }

    /// Forgets an endpoint whose queues are disabled `now` (processor cycles, low half).
    pub fn remove(&mut self, number: usize, now: u32) {
        if let Some(slot) = self.slots.get_mut(number) {
            slot.endpoint = None;
            slot.disabled_at = Some(now);
        }
    }

    /// Forgets every endpoint. `all`: each queue may have been enabled, by a firmware before this one.
    pub fn remove_all(&mut self, all: bool, now: u32) {
        for slot in &mut self.slots {
            if all || slot.endpoint.is_some() {
                slot.endpoint = None;
                slot.disabled_at = Some(now);
            }
        }
    }

    /// Gives an endpoint's receive queue its name: the control word to be written, or `None` if it has that name already
    /// (writing it again would forget what was delivered).
    ///
    /// # Errors
    /// `NoSuchEndpoint`; `InUse` if another endpoint has the name; `BadOperand` if it is no 16-bit number or the endpoint has
    /// another name.
    pub fn bind(&mut self, number: u64, identifier: u64) -> Result<Option<u64>, Status> {
        let bound = self.get(number)?.receive_queue_id;
        let identifier = u16::try_from(identifier).map_err(|_| Status::BadOperand)?;
        match bound {
            Some(name) if name == identifier => return Ok(None),
            Some(_) => return Err(Status::BadOperand),
            None => {}
        }
        let has_name = |endpoint: &Endpoint| endpoint.receive_queue_id == Some(identifier);
        let mut endpoints = self.slots.iter().filter_map(|slot| slot.endpoint.as_ref());
        if endpoints.any(has_name) {
            return Err(Status::InUse);
        }
        let endpoint = self.slots[number as usize]
            .endpoint
            .as_mut()
            .ok_or(Status::NoSuchEndpoint)?;
        endpoint.receive_queue_id = Some(identifier);
        Ok(Some(endpoint.receive_control()))
    }

    /// Index of the translation entry behind an endpoint's destination, for an entry that may be loaded there.
    ///
    /// # Errors
    /// `NoSuchEndpoint`; `BadOperand` if the destination lies outside the window, the node or channel do not exist, or a
    /// reserved bit is set.
    pub fn translation_index(
        &self,
        number: u64,
        destination: u64,
        entry: u64,
    ) -> Result<usize, Status> {
        let endpoint = self.get(number)?;
        let word = u128::from(entry);
        let legal = destination < 1 << endpoint.shape.window_log2
            && translation::node::get(word) < MAXIMUM_NODES as u64
            && (translation::virtual_channel::get(word) == 0 || endpoint.shape.virtual_channel_1)
            && entry >> (translation::valid::SHIFT + 1) == 0;
        if legal {
            Ok(usize::from(endpoint.window_base) + destination as usize)
        } else {
            Err(Status::BadOperand)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(window_log2: u8) -> Shape {
        Shape {
            entries_log2: 4,
            stride_log2: 8,
            window_log2,
            virtual_channel_1: false,
            priority: false,
            ring: 0x1000,
            shadow: 0x40,
        }
    }

    const LIMITS: Limits = Limits {
        endpoints: 16,
        translation_entries: 1024,
    };

    #[test]
    fn windows_never_overlap_and_are_found_again() {
        let mut table = EndpointTable::new(LIMITS);
        let first = table.create(shape(9)).expect("half the table");
        let second = table.create(shape(8)).expect("a quarter");
        let third = table.create(shape(8)).expect("the last quarter");
        assert_eq!(
            table.create(shape(0)),
            Err(Status::NoResources),
            "the table is full"
        );
        table.remove(second, 0);
        assert_eq!(
            table.create(shape(9)),
            Err(Status::NoResources),
            "no half is free"
        );
        let again = table.create(shape(7)).expect("in the gap");
        let windows = [first, third, again]
            .map(|number| table.get(number as u64).expect("it exists").window());
        for (n, a) in windows.iter().enumerate() {
            for b in &windows[n + 1..] {
                assert!(
                    a.end <= b.start || b.end <= a.start,
                    "{a:?} and {b:?} overlap"
                );
            }
        }
    }

    #[test]
    fn bad_operands_are_refused() {
        let good = |word, ring, shadow| Shape::from_operands(word, ring, shadow).is_ok();
        assert!(good(0x06_08_08, 0x1000, 0x40));
        for (word, ring, shadow) in [
            (0x06_08_00, 0x1000, 0x40),
            (0x06_08_10, 0x1000, 0x40),
            (0x06_03_08, 0x1000, 0x40),
            (0x06_09_08, 0x1000, 0x40),
            (0x0b_08_08, 0x1000, 0x40),
            (0x0400_0000 | 0x06_08_08, 0x1000, 0x40),
            (0x06_08_08, 0x1001, 0x40),
            (0x06_08_08, 0, 0x40),
            (0x06_08_08, 0x1000, 0x44),
            (0x06_08_08, u64::MAX - 0xfff, 0x40),
        ] {
            assert!(!good(word, ring, shadow), "{word:#x} {ring:#x} {shadow:#x}");
        }
    }

    #[test]
    fn a_name_belongs_to_one_endpoint() {
        let mut table = EndpointTable::new(LIMITS);
        let a = table.create(shape(1)).expect("room") as u64;
        let b = table.create(shape(1)).expect("room") as u64;
        assert!(matches!(table.bind(a, 7), Ok(Some(_))));
        assert_eq!(table.bind(b, 7), Err(Status::InUse));
        assert_eq!(table.bind(a, 7), Ok(None), "the same name again");
        assert_eq!(table.bind(a, 8), Err(Status::BadOperand), "another name");
        assert_eq!(table.bind(b, 0x1_0000), Err(Status::BadOperand));
        assert_eq!(table.bind(9, 1), Err(Status::NoSuchEndpoint));
        table.remove(a as usize, 0);
        assert!(matches!(table.bind(b, 7), Ok(Some(_))), "free again");
    }

    #[test]
    fn unused_numbers_go_first_and_used_ones_rest() {
        let mut table = EndpointTable::new(Limits {
            endpoints: 2,
            translation_entries: 64,
        });
        assert_eq!(table.create(shape(7)), Err(Status::NoResources), "too wide");
        assert_eq!(table.create(shape(5)), Ok(0));
        table.remove(0, u32::MAX - 5);
        assert_eq!(table.create(shape(5)), Ok(1), "0 rests");
        assert_eq!(table.create(shape(5)), Ok(0), "nothing else is left");
        assert_eq!(table.create(shape(0)), Err(Status::NoResources));
        assert!(!table.is_resting(1, 0), "never used before");
        assert!(table.is_resting(0, REST_CYCLES - 7));
        assert!(!table.is_resting(0, REST_CYCLES - 6));
        table.cancel(0);
        assert!(table.is_resting(0, 0), "a cancelled creation ends no rest");
    }

    #[test]
    fn limits_are_the_smaller_of_both_sides() {
        let limits = |word| Limits::from_capabilities(word);
        assert_eq!(limits(0x0a10_1010), LIMITS);
        assert_eq!(limits(0x0810_0408).endpoints, 4);
        assert_eq!(limits(0x0810_0804).endpoints, 4);
        assert_eq!(limits(0x0810_0804).translation_entries, 256);
        assert_eq!(
            limits(0x2010_ffff),
            LIMITS,
            "more than this firmware serves"
        );
        assert_eq!(limits(0).endpoints, 0);
    }
}
