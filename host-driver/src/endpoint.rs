//! An endpoint: a transmit queue, a receive ring, a window of translations.

use crate::admin::{AdminQueue, leak};
use crate::deadline::Deadline;
use crate::error::{FlushError, NothingReceived, QueueError, RequestError, SendError};
use crate::message::MessageView;
use crate::numbers::{
    Destination, EndpointNumber, NodeNumber, ReceiveQueueId, TransmitQueueNumber, VirtualChannel,
};
use crate::open_options::Waiting;
use crate::receive_ring::ReceiveRing;
use crate::transmit_queue::TransmitQueue;
use crate::transport::{AnyTransport, Bar, DmaMemory, Layout, Transport};
use crate::waiting::{Turn, turn};
use abi::admin::{EndpointInterrupt, EndpointResult, EndpointShape, endpoint_shape, opcode};
use abi::endpoint::PAGE_BYTES;
use abi::queue_state::Translation;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Size of the memory for a shadow line.
const SHADOW_LINE_BYTES: usize = 64;
/// Most answers *ring full* that a message can be given to.
const MOST_GIVE_UP: u8 = (1 << endpoint_shape::give_up::WIDTH) - 1;

/// What an endpoint is to be like.
///
/// ```
/// use wayfarer_host_driver::{EndpointOptions, ReceiveQueueId};
///
/// // A ring of 16 entries of 16 bytes, for Express messages only.
/// let small = EndpointOptions {
///     receive_queue_id: ReceiveQueueId(7),
///     ring_entries_log2: 4,
///     entry_bytes_log2: 4,
///     inline: false,
///     ..EndpointOptions::default()
/// };
/// ```
#[derive(Clone, Copy, Debug)]
pub struct EndpointOptions {
    /// Identifier under which other nodes' translations find the receive queue (RQID); unique on this node, and less
    /// than [`receive_queue_ids`](crate::Identity::receive_queue_ids).
    pub receive_queue_id: ReceiveQueueId,
    /// Base-2 logarithm of the receive ring's entries, 1 to 15.
    pub ring_entries_log2: u8,
    /// Base-2 logarithm of an entry's bytes: 4 for Express messages only, 8 for the longest Basic message.
    pub entry_bytes_log2: u8,
    /// Base-2 logarithm of the number of destinations, 0 to 12; all endpoints of a device share its
    /// [`translation_entries`](crate::Identity::translation_entries).
    pub destinations_log2: u8,
    /// May send on virtual channel 1.
    pub virtual_channel_1: bool,
    /// Its messages go before those of endpoints without priority, of which one still has its turn behind eight (V20).
    pub priority: bool,
    /// Has inline bodies, and so can send Basic messages. The endpoints of a device share its
    /// [`inline_pages`](crate::Identity::inline_pages).
    pub inline: bool,
    /// What becomes of a message that finds the receive ring full.
    pub receive_full: ReceiveFull,
    /// Has no resident queues: the firmware serves its messages one by one, in a queue that it lends for it, so that it
    /// takes none from endpoints that are used more (V16). All else is the same, but for the time: a message takes
    /// microseconds more on each side.
    pub emulated: bool,
    /// A message is given up when its receiver has said so often that its ring is full: 1 to 15, and 15 for more. 0:
    /// never; the queue waits for as long as it takes. Those given up are reported as `RECEIVER_FULL`.
    pub give_up: u8,
    /// Interrupt vector of the receive ring, if the driver waits for interrupts ([`Waiting`]); endpoints may share one.
    /// None: the device's vectors in turn.
    pub interrupt_vector: Option<u16>,
    /// The vector is raised no sooner than so long behind the last time: moderation, in steps of 256 core cycles, up to
    /// 4095 of them.
    pub interrupt_interval: Duration,
}

/// What becomes of a message that finds a receive ring full (V18).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ReceiveFull {
    /// It is refused, and its sender's queue sends it again until there is room, or gives it up
    /// ([`EndpointOptions::give_up`]).
    #[default]
    Refuse,
    /// It is lost, and its sender does not learn of it. The next message in the ring is marked as behind a gap
    /// ([`Message::gap`](crate::Message::gap)); `MESSAGES_DROPPED` counts.
    Drop,
}

impl Default for EndpointOptions {
    fn default() -> Self {
        EndpointOptions {
            receive_queue_id: ReceiveQueueId(0),
            ring_entries_log2: 8,
            entry_bytes_log2: 8,
            destinations_log2: 4,
            virtual_channel_1: true,
            priority: false,
            inline: true,
            receive_full: ReceiveFull::Refuse,
            emulated: false,
            give_up: 0,
            interrupt_vector: None,
            interrupt_interval: Duration::ZERO,
        }
    }
}

/// An endpoint: what a program sends and receives with. One thread at a time uses each of its halves
/// ([`Endpoint::split`]); it is `Send` if its transport is.
///
/// Dropping it destroys it. If the firmware does not confirm that, its memory is kept until the device is settled.
///
/// ```
/// use std::time::Duration;
/// use wayfarer_host_driver::fake::FakeDevice;
/// use wayfarer_host_driver::{
///     Destination, Device, EndpointOptions, NodeNumber, OpenOptions, ReceiveQueueId, VirtualChannel,
/// };
///
/// let device = Device::with_transport(FakeDevice::new(), OpenOptions::default())?;
/// let options = EndpointOptions { receive_queue_id: ReceiveQueueId(7), ..EndpointOptions::default() };
/// let mut endpoint = device.create_endpoint(options)?;
/// // Destination 0 is this endpoint itself.
/// endpoint.load_translation(Destination(0), NodeNumber(0), ReceiveQueueId(7), VirtualChannel::ZERO)?;
/// let patience = Duration::from_millis(1);
/// // A full queue is no failure: it has room again when the receiver has taken enough.
/// endpoint.when_room(patience, |endpoint| endpoint.send_express(Destination(0), 0, *b"8 bytes!"))?;
/// endpoint.send_basic(Destination(0), 0, b"up to 248 bytes")?;
/// // Messages that are launched together cost one store.
/// endpoint.compose(Destination(0), 0, b"one")?;
/// endpoint.compose(Destination(0), 0, b"two")?;
/// endpoint.launch();
/// endpoint.flush(patience)?;
/// assert_eq!(endpoint.outstanding(), 0);
/// assert_eq!(endpoint.receive_wait(patience)?.payload(), b"8 bytes!");
/// assert_eq!(endpoint.receive().expect("it has arrived").payload(), b"up to 248 bytes");
/// endpoint.give_back();
/// endpoint.check()?; // the NIU has no complaints
/// # Ok::<(), wayfarer_host_driver::Error>(())
/// ```
pub struct Endpoint<T: Transport = AnyTransport> {
    admin: Arc<Mutex<AdminQueue<T>>>,
    number: EndpointNumber,
    transmit_queue: Option<TransmitQueueNumber>,
    transmit: TransmitQueue<T>,
    receive: ReceiveRing<T>,
    /// The ring and the shadow line, to which the device writes.
    memory: [Arc<T::Memory>; 2],
}

/// The admin queue. A thread that panicked in a request has left it as whole as one whose request was never answered.
pub(crate) fn lock<T: Transport>(admin: &Mutex<AdminQueue<T>>) -> MutexGuard<'_, AdminQueue<T>> {
    admin.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Code of no transmit queue in a result.
const AWAY: u64 = 0xffff;

fn transmit_queue(result: EndpointResult) -> Option<TransmitQueueNumber> {
    let queue = result.transmit_queue;
    (queue != AWAY).then_some(TransmitQueueNumber(queue as u16))
}

impl<T: Transport> Endpoint<T> {
    pub(crate) fn create(
        transport: T,
        admin: Arc<Mutex<AdminQueue<T>>>,
        slot_count: u16,
        waiting: Waiting,
        interrupt: EndpointInterrupt,
        options: EndpointOptions,
    ) -> Result<Self, RequestError> {
        let ring_bytes = 1_usize.checked_shl(
            u32::from(options.ring_entries_log2) + u32::from(options.entry_bytes_log2),
        );
        let ring_bytes = ring_bytes.filter(|&bytes| bytes <= 1 << 24).unwrap_or(1);
        let allocate = |bytes| transport.allocate(bytes, Layout::Contiguous).map(Arc::new);
        let ring = allocate(ring_bytes)?;
        let shadow = allocate(SHADOW_LINE_BYTES)?;
        let shape = EndpointShape {
            entries_log2: options.ring_entries_log2.into(),
            stride_log2: options.entry_bytes_log2.into(),
            window_log2: options.destinations_log2.into(),
            virtual_channel_1: options.virtual_channel_1.into(),
            priority: options.priority.into(),
            inline: options.inline.into(),
            drops: u64::from(options.receive_full == ReceiveFull::Drop),
            emulated: options.emulated.into(),
            give_up: options.give_up.min(MOST_GIVE_UP).into(),
        };
        let (ring_address, shadow_address) = (ring.device_address(0), shadow.device_address(0));
        let operands = [shape.pack(), ring_address, shadow_address, interrupt.pack()];
        let memory = [Arc::clone(&ring), Arc::clone(&shadow)];
        let mut queue = lock(&admin);
        let result = queue.call("to create an endpoint", opcode::CREATE_ENDPOINT, &operands);
        if result.as_ref().is_err_and(RequestError::leaves_in_doubt) {
            queue.park(memory.clone());
        }
        drop(queue);
        let result = EndpointResult::unpack(result?);
        let number = EndpointNumber(result.endpoint as u16);
        let inline = options.inline;
        let own = transport.clone();
        let transmit = TransmitQueue::new(own, shadow, number, slot_count, inline);
        let (entries, stride) = (options.ring_entries_log2, options.entry_bytes_log2);
        let own = transport.clone();
        let vector = interrupt.vector as u16;
        let receive = ReceiveRing::new(
            own,
            waiting,
            vector,
            ring,
            number,
            entries.into(),
            stride.into(),
        );
        let endpoint = Endpoint {
            transmit,
            receive,
            admin,
            number,
            transmit_queue: transmit_queue(result),
            memory,
        };
        if inline {
            // What the page's former owner composed is none of the new one's business.
            let page = u64::from(number) * PAGE_BYTES as u64;
            transport.write_combined(Bar::Memory, page, &[0; PAGE_BYTES]);
        }
        let operands = [number.into(), options.receive_queue_id.into()];
        endpoint.request(
            "to bind a receive queue",
            opcode::BIND_RECEIVE_QUEUE,
            &operands,
        )?;
        Ok(endpoint)
    }

    fn request(
        &self,
        what: &'static str,
        opcode: usize,
        operands: &[u64],
    ) -> Result<u64, RequestError> {
        lock(&self.admin).call(what, opcode, operands)
    }

    /// Its number: its page in BAR2, and [`Message::source_endpoint`](crate::Message::source_endpoint) in what it
    /// sends.
    pub fn number(&self) -> EndpointNumber {
        self.number
    }

    /// The transmit queue of the NIU that it had when it was created or installed last: `slot` in the frames that it
    /// sends. `None` if it was away, or was evicted since. The firmware gives it another one whenever that is needed.
    pub fn transmit_queue(&self) -> Option<TransmitQueueNumber> {
        self.transmit_queue
    }

    /// Both halves, for two threads, or to send while a message still stands in the ring. [`TransmitQueue`] and
    /// [`ReceiveRing`] have examples.
    pub fn split(&mut self) -> (&mut TransmitQueue<T>, &mut ReceiveRing<T>) {
        (&mut self.transmit, &mut self.receive)
    }

    /// Makes `destination` lead to a receive queue of a node, on a virtual channel.
    ///
    /// # Errors
    /// The destination lies outside the endpoint's window, or the node, queue or channel do not exist.
    pub fn load_translation(
        &self,
        destination: Destination,
        node: NodeNumber,
        receive_queue_id: ReceiveQueueId,
        virtual_channel: VirtualChannel,
    ) -> Result<(), RequestError> {
        let entry = Translation {
            node: node.into(),
            receive_queue_id: receive_queue_id.into(),
            virtual_channel: virtual_channel.into(),
            valid: 1,
            ..Translation::default()
        };
        self.load_entry(destination, entry)
    }

    pub(crate) fn load_entry(
        &self,
        destination: Destination,
        entry: Translation,
    ) -> Result<(), RequestError> {
        let operands = [self.number.into(), destination.into(), entry.pack()];
        self.request("to load a translation", opcode::LOAD_TRANSLATION, &operands)?;
        Ok(())
    }

    pub(crate) fn admin(&self) -> &Arc<Mutex<AdminQueue<T>>> {
        &self.admin
    }

    pub(crate) fn transport(&self) -> &T {
        &self.transmit.transport
    }

    /// Has the firmware take the endpoint's queues away and keep their records. The endpoint stays usable: it sends and
    /// receives as before, and gets queues again with the first message either way. That message takes longer. A
    /// program need not call this; the firmware moves endpoints by itself when queues are scarce.
    ///
    /// ```
    /// # use wayfarer_host_driver::{Device, EndpointOptions, OpenOptions, fake::FakeDevice};
    /// # let device = Device::with_transport(FakeDevice::new(), OpenOptions::default())?;
    /// let mut endpoint = device.create_endpoint(EndpointOptions::default())?;
    /// endpoint.evict()?;
    /// endpoint.install()?;
    /// # Ok::<(), wayfarer_host_driver::Error>(())
    /// ```
    ///
    /// # Errors
    /// The firmware refuses: messages are in flight ([`Endpoint::flush`] waits for them), or the endpoint has no queues
    /// any more.
    pub fn evict(&mut self) -> Result<(), RequestError> {
        self.transmit.launch();
        self.receive.give_back();
        let operands = [self.number.into()];
        self.request("to evict an endpoint", opcode::EVICT_ENDPOINT, &operands)?;
        self.transmit_queue = None;
        Ok(())
    }

    /// Gives the endpoint queues now, which may be others than before, so that its next message need not wait for them.
    ///
    /// # Errors
    /// The firmware refuses: no queue is free and none can be taken from another endpoint, or the endpoint has its
    /// queues already.
    pub fn install(&mut self) -> Result<(), RequestError> {
        let result = self.request(
            "to install an endpoint",
            opcode::INSTALL_ENDPOINT,
            &[self.number.into()],
        )?;
        self.transmit_queue = transmit_queue(EndpointResult::unpack(result));
        Ok(())
    }

    /// [`TransmitQueue::send_express`].
    ///
    /// # Errors
    /// As there.
    pub fn send_express(
        &mut self,
        destination: Destination,
        tag: u8,
        payload: [u8; 8],
    ) -> Result<(), SendError> {
        self.transmit.send_express(destination, tag, payload)
    }

    /// [`TransmitQueue::send_basic`].
    ///
    /// # Errors
    /// As there.
    pub fn send_basic(
        &mut self,
        destination: Destination,
        tag: u8,
        payload: &[u8],
    ) -> Result<(), SendError> {
        self.transmit.send_basic(destination, tag, payload)
    }

    /// [`TransmitQueue::compose`].
    ///
    /// # Errors
    /// As there.
    pub fn compose(
        &mut self,
        destination: Destination,
        tag: u8,
        payload: &[u8],
    ) -> Result<(), SendError> {
        self.transmit.compose(destination, tag, payload)
    }

    /// [`TransmitQueue::launch`].
    pub fn launch(&mut self) {
        self.transmit.launch();
    }

    /// [`TransmitQueue::send_express_marked`].
    ///
    /// # Errors
    /// As there.
    pub fn send_express_marked(
        &mut self,
        destination: Destination,
        tag: u8,
        payload: [u8; 8],
    ) -> Result<(), SendError> {
        self.transmit.send_express_marked(destination, tag, payload)
    }

    /// [`TransmitQueue::send_basic_marked`].
    ///
    /// # Errors
    /// As there.
    pub fn send_basic_marked(
        &mut self,
        destination: Destination,
        tag: u8,
        payload: &[u8],
    ) -> Result<(), SendError> {
        self.transmit.send_basic_marked(destination, tag, payload)
    }

    /// Messages of this endpoint that were lost are stored again. A line that makes no sense is reported by the next
    /// call that sends or checks.
    fn make_good(&mut self) {
        let _ = self.transmit.make_good();
    }

    /// [`ReceiveRing::receive`]. Stores lost messages of this endpoint again ([`TransmitQueue`]).
    pub fn receive(&mut self) -> Option<MessageView<'_, T>> {
        self.make_good();
        self.receive.receive()
    }

    /// [`ReceiveRing::receive_wait`]. Stores lost messages of this endpoint again ([`TransmitQueue`]): no interrupt
    /// tells of a loss, so it polls while one is possible.
    ///
    /// # Errors
    /// As there.
    pub fn receive_wait(
        &mut self,
        at_most: Duration,
    ) -> Result<MessageView<'_, T>, NothingReceived> {
        let start = self.transmit.transport.now();
        let deadline = Deadline::new(start, at_most);
        loop {
            self.make_good();
            if let Some(descriptor) = self.receive.arrived() {
                return Ok(self.receive.view(descriptor));
            }
            let now = self.transmit.transport.now();
            let Some(left) = deadline.left(now) else {
                return Err(NothingReceived { waited: at_most });
            };
            let next = match self.transmit.is_settled() {
                true => turn(self.receive.waiting, now.saturating_sub(start), left),
                false => Turn::Poll(left),
            };
            self.receive.take_turn(next);
        }
    }

    /// [`ReceiveRing::give_back`].
    pub fn give_back(&mut self) {
        self.receive.give_back();
    }

    /// Runs `send` until the queue has room for it, as [`TransmitQueue::when_room`]; `send` may receive meanwhile.
    ///
    /// # Errors
    /// What `send` returns, other than [`SendError::QueueFull`] within `at_most`.
    pub fn when_room<R>(
        &mut self,
        at_most: Duration,
        mut send: impl FnMut(&mut Self) -> Result<R, SendError>,
    ) -> Result<R, SendError> {
        let deadline = Deadline::new(self.transmit.transport.now(), at_most);
        loop {
            let result = send(self);
            if !matches!(result, Err(SendError::QueueFull)) {
                return result;
            }
            let transport = &self.transmit.transport;
            let Some(left) = deadline.left(transport.now()) else {
                return result;
            };
            transport.wait(left);
        }
    }

    /// [`TransmitQueue::flush`].
    ///
    /// # Errors
    /// As there.
    pub fn flush(&mut self, at_most: Duration) -> Result<(), FlushError> {
        self.transmit.flush(at_most)
    }

    /// [`TransmitQueue::outstanding`].
    pub fn outstanding(&self) -> u16 {
        self.transmit.outstanding()
    }

    /// [`TransmitQueue::check`].
    ///
    /// # Errors
    /// As there.
    pub fn check(&mut self) -> Result<(), QueueError> {
        self.transmit.check()
    }
}

impl<T: Transport> Drop for Endpoint<T> {
    fn drop(&mut self) {
        let memory = self.memory.clone();
        // During unwinding the simulated clock stands still; there is nobody left to answer.
        if std::thread::panicking() {
            return leak(memory);
        }
        let mut admin = lock(&self.admin);
        let destroyed = admin.call(
            "to destroy an endpoint",
            opcode::DESTROY_ENDPOINT,
            &[self.number.into()],
        );
        if destroyed.is_err() {
            admin.park(memory);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::Device;
    use crate::fake::FakeDevice;
    use crate::open_options::OpenOptions;
    use abi::admin::opcode::Opcode;
    use abi::control::registers;

    /// How long anything may take.
    const PATIENCE: Duration = Duration::from_micros(1);
    /// Pieces of memory of the admin queue's rings, and of what is not resident.
    const OF_DEVICE: usize = 4;
    /// Pieces of memory of an endpoint.
    const OF_ENDPOINT: usize = 2;

    fn open() -> (FakeDevice, Device<FakeDevice>) {
        open_with(Waiting::default())
    }

    fn open_with(waiting: Waiting) -> (FakeDevice, Device<FakeDevice>) {
        let fake = FakeDevice::new();
        let options = OpenOptions {
            waiting,
            ..OpenOptions::DEFAULT
        };
        let device = Device::with_transport(fake.clone(), options);
        (fake, device.expect("nobody has it"))
    }

    /// The endpoint's first destination is its own node's first receive queue.
    fn lead_home(endpoint: &Endpoint<FakeDevice>) {
        let loaded = endpoint.load_translation(
            Destination(0),
            NodeNumber(0),
            ReceiveQueueId(0),
            VirtualChannel::ZERO,
        );
        loaded.expect("it is legal");
    }

    #[test]
    fn memory_of_an_endpoint_that_is_surely_gone_is_free() {
        let (fake, device) = open();
        let options = EndpointOptions::default();
        drop(device.create_endpoint(options).expect("there is room"));
        assert_eq!(fake.pieces_of_memory(), OF_DEVICE);
        fake.fail_requests(Some(Opcode::BindReceiveQueue));
        assert!(device.create_endpoint(options).is_err());
        assert_eq!(
            fake.pieces_of_memory(),
            OF_DEVICE,
            "the firmware confirmed that it is destroyed"
        );
        drop(device);
        assert_eq!(fake.pieces_of_memory(), 0);
    }

    /// How an endpoint's existence comes to be in doubt.
    const DOUBTS: [fn(&FakeDevice, &Device<FakeDevice>); 4] = [
        |fake, device| {
            fake.silence_firmware(true);
            assert!(device.create_endpoint(EndpointOptions::default()).is_err());
        },
        |fake, device| {
            fake.fail_requests(Some(Opcode::CreateEndpoint));
            assert!(device.create_endpoint(EndpointOptions::default()).is_err());
        },
        |fake, device| {
            let endpoint = device.create_endpoint(EndpointOptions::default());
            fake.silence_firmware(true);
            drop(endpoint.expect("there is room"));
        },
        |fake, device| {
            let endpoint = device.create_endpoint(EndpointOptions::default());
            fake.fail_requests(Some(Opcode::DestroyEndpoint));
            drop(endpoint.expect("there is room"));
        },
    ];

    #[test]
    fn memory_of_an_endpoint_in_doubt_is_kept_until_the_firmware_has_forgotten_it() {
        for (case, doubt) in DOUBTS.into_iter().enumerate() {
            let (fake, device) = open();
            doubt(&fake, &device);
            let kept = fake.pieces_of_memory();
            assert_eq!(kept, OF_DEVICE + OF_ENDPOINT, "case {case}");
            fake.silence_firmware(false);
            let resets = fake.resets();
            drop(device);
            assert_eq!(fake.resets(), resets + 1, "case {case}");
            assert_eq!(fake.pieces_of_memory(), 0, "case {case}");
        }
    }

    #[test]
    fn memory_of_an_endpoint_in_doubt_is_free_once_the_niu_is_quiet_if_the_firmware_stays_silent() {
        for (case, doubt) in DOUBTS.into_iter().enumerate() {
            let (fake, device) = open();
            doubt(&fake, &device);
            fake.silence_firmware(true);
            let entries = fake.register(registers::admin_entries::OFFSET);
            drop(device);
            let stopped_for = fake.register(registers::quiesce::OFFSET);
            assert_eq!(fake.pieces_of_memory(), 0, "case {case}");
            // Once for the rings that ask it again, once for those of the next driver.
            assert_eq!(stopped_for, (entries >> 8) + 2, "case {case}");
            fake.silence_firmware(false);
            let again = Device::with_transport(fake, OpenOptions::default());
            again.expect("it was given back");
        }
    }

    #[test]
    fn composed_messages_that_fill_the_queue_are_launched_to_make_room() {
        let (fake, device) = open();
        let mut endpoint = device
            .create_endpoint(EndpointOptions::default())
            .expect("there is room");
        lead_home(&endpoint);
        // All that was launched is taken when the driver waits.
        fake.hold_messages(true);
        let niu = fake.clone();
        fake.while_waiting(move || {
            niu.hold_messages(false);
            niu.hold_messages(true);
        });
        for message in 0..5 * device.identity().transmit_slots {
            endpoint
                .when_room(PATIENCE, |endpoint| {
                    endpoint.compose(Destination(0), 0, b"one of many")
                })
                .unwrap_or_else(|error| panic!("message {message}: {error}"));
        }
        endpoint.flush(PATIENCE).expect("all were taken");
    }

    /// Waits that end with other traffic, three to a limit: none lines up with its end.
    const OTHER_TRAFFIC: Duration = Duration::from_nanos(400);

    #[test]
    fn waits_end_at_their_limit_with_other_traffic_too() {
        let (fake, device) = open();
        let mut endpoint = device
            .create_endpoint(EndpointOptions::default())
            .expect("there is room");
        fake.end_waits_after(OTHER_TRAFFIC);
        // Nobody takes what fills the queue.
        fake.hold_messages(true);
        let mut messages = 0;
        while endpoint
            .send_express(Destination(0), 0, *b"unheard!")
            .is_ok()
        {
            messages += 1;
        }
        let waited = PATIENCE;
        let mut start = fake.now();
        let mut ended_in_time = |what: &str| {
            assert_eq!(fake.now() - start, PATIENCE, "{what}");
            start = fake.now();
        };
        let full = endpoint.when_room(PATIENCE, |endpoint| {
            endpoint.send_express(Destination(0), 0, [0; 8])
        });
        assert_eq!(full, Err(SendError::QueueFull));
        ended_in_time("when_room");
        let (transmit, _) = endpoint.split();
        let full = transmit.when_room(PATIENCE, |queue| {
            queue.send_express(Destination(0), 0, [0; 8])
        });
        assert_eq!(full, Err(SendError::QueueFull));
        ended_in_time("when_room of the queue");
        let flush = endpoint.flush(PATIENCE);
        assert_eq!(flush, Err(FlushError::Outstanding { messages, waited }));
        ended_in_time("flush");
        let nothing = endpoint.receive_wait(PATIENCE).map(|_| ());
        assert_eq!(nothing, Err(NothingReceived { waited }));
        ended_in_time("receive_wait");
    }

    #[test]
    fn programs_that_wait_for_interrupts_do_not_poll() {
        let (fake, device) = open_with(Waiting::Interrupt);
        let options = EndpointOptions::default();
        let mut endpoint = device.create_endpoint(options).expect("there is room");
        let before = fake.interrupt_waits();
        assert_eq!(before, 0, "the firmware has none");
        assert!(endpoint.receive_wait(PATIENCE).is_err());
        assert!(fake.interrupt_waits() > before);
        let consumer = abi::endpoint::page::receive_consumer::OFFSET;
        let page = usize::from(endpoint.number().0) * PAGE_BYTES;
        assert_eq!(fake.endpoint_register(page + consumer), 1 << 16, "armed");
    }

    #[test]
    fn there_are_more_endpoints_than_queues_and_each_of_them_works() {
        let (_, device) = open();
        let mut endpoints: Vec<Endpoint<FakeDevice>> = (0..device.identity().endpoints)
            .map(|number| {
                let receive_queue_id = ReceiveQueueId(number as u16);
                let options = EndpointOptions {
                    receive_queue_id,
                    ring_entries_log2: 2,
                    entry_bytes_log2: 4,
                    inline: false,
                    ..EndpointOptions::default()
                };
                let endpoint = device.create_endpoint(options).expect("there are pages");
                endpoint
                    .load_translation(
                        Destination(0),
                        NodeNumber(0),
                        receive_queue_id,
                        VirtualChannel::ZERO,
                    )
                    .expect("it is legal");
                endpoint
            })
            .collect();
        let queues: Vec<u16> = endpoints
            .iter()
            .filter_map(|endpoint| endpoint.transmit_queue().map(|queue| queue.0))
            .collect();
        let all: Vec<u16> = (0..device.identity().transmit_queues).collect();
        assert_eq!(queues, all, "the others are away");
        let one_more = device.create_endpoint(EndpointOptions::default());
        assert!(one_more.is_err(), "there is no page");
        for (number, endpoint) in (0_u64..).zip(&mut endpoints) {
            endpoint
                .send_express(Destination(0), 0, number.to_le_bytes())
                .expect("the queue has room");
            let message = endpoint.receive_wait(PATIENCE).expect("it arrives");
            assert_eq!(message.payload(), number.to_le_bytes());
        }
    }

    #[test]
    fn an_evicted_endpoint_has_no_queue_until_it_is_installed() {
        let (_, device) = open();
        let mut endpoint = device
            .create_endpoint(EndpointOptions::default())
            .expect("there is room");
        let queue = endpoint.transmit_queue();
        assert!(queue.is_some());
        endpoint.evict().expect("nothing is in flight");
        assert_eq!(endpoint.transmit_queue(), None);
        endpoint.install().expect("a queue is free");
        assert_eq!(endpoint.transmit_queue(), queue);
    }

    /// No interrupt tells of a loss.
    #[test]
    fn a_program_that_waits_for_interrupts_polls_while_a_message_of_its_own_may_be_lost() {
        let (fake, device) = open_with(Waiting::Interrupt);
        let options = EndpointOptions::default();
        let mut endpoint = device.create_endpoint(options).expect("there is room");
        lead_home(&endpoint);
        fake.hold_messages(true);
        let niu = fake.clone();
        fake.while_waiting(move || niu.hold_messages(false));
        fake.end_waits_after(OTHER_TRAFFIC);
        let mut lose = true;
        fake.lose_stores(move || std::mem::take(&mut lose));
        endpoint
            .send_express(Destination(0), 0, *b"waited..")
            .expect("the queue has room");
        let message = endpoint.receive_wait(PATIENCE).expect("it is stored again");
        assert_eq!(message.payload(), b"waited..");
        assert_eq!(fake.interrupt_waits(), 0, "it may be lost until it is here");
        drop(message);
        assert!(endpoint.receive_wait(PATIENCE).is_err());
        assert!(fake.interrupt_waits() > 0);
    }

    #[test]
    fn an_endpoint_that_waits_for_messages_stores_its_lost_ones_again() {
        let (fake, device) = open();
        let mut endpoint = device
            .create_endpoint(EndpointOptions::default())
            .expect("there is room");
        lead_home(&endpoint);
        let lose_one = || {
            let mut lose = true;
            fake.lose_stores(move || std::mem::take(&mut lose));
        };
        // The loss is told while the endpoint waits.
        fake.hold_messages(true);
        let niu = fake.clone();
        fake.while_waiting(move || niu.hold_messages(false));
        fake.end_waits_after(OTHER_TRAFFIC);
        lose_one();
        endpoint
            .send_express(Destination(0), 0, *b"waited..")
            .expect("the queue has room");
        let message = endpoint.receive_wait(PATIENCE).expect("it is stored again");
        assert_eq!(message.payload(), b"waited..");
        drop(message);
        lose_one();
        endpoint
            .send_express(Destination(0), 0, *b"received")
            .expect("the queue has room");
        let message = endpoint.receive().expect("it is stored again");
        assert_eq!(message.payload(), b"received");
        drop(message);
        // A half knows nothing of the other.
        lose_one();
        let (transmit, receive) = endpoint.split();
        transmit
            .send_express(Destination(0), 0, *b"a half..")
            .expect("the queue has room");
        assert!(receive.receive_wait(PATIENCE).is_err());
        transmit.check().expect("there is no error");
        let message = receive.receive().expect("it is stored again");
        assert_eq!(message.payload(), b"a half..");
    }

    #[test]
    fn devices_endpoints_and_their_halves_may_go_to_another_thread() {
        fn may_go<T: Send>(_: &T) {}
        let (_, device) = open();
        let options = EndpointOptions::default();
        let mut endpoint = device.create_endpoint(options).expect("there is room");
        may_go(&endpoint);
        may_go(&endpoint.split());
        may_go(&device);
    }
}
