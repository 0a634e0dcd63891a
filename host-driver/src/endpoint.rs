//! An endpoint: a transmit queue, a receive ring, a window of translations.

use crate::admin::{AdminQueue, leak};
use crate::deadline::Deadline;
use crate::error::Error;
use crate::receive_ring::{Message, ReceiveRing};
use crate::transmit_queue::TransmitQueue;
use crate::transport::{AnyTransport, Bar, DmaMemory, Transport};
use abi::admin::{EndpointResult, EndpointShape, endpoint_shape, opcode};
use abi::endpoint::PAGE_BYTES;
use abi::queue_state::Translation;
use std::cell::RefCell;
use std::rc::Rc;

/// Size of the memory for a shadow line.
const SHADOW_LINE_BYTES: usize = 64;
/// Most answers *ring full* that a message can be given to.
const MOST_GIVE_UP: u8 = (1 << endpoint_shape::give_up::WIDTH) - 1;

/// What an endpoint is to be like.
#[derive(Clone, Copy, Debug)]
pub struct EndpointOptions {
    /// Identifier under which other nodes' translations find the receive queue (RQID); unique on this node, and less than
    /// [`receive_queue_ids`](crate::Identity::receive_queue_ids).
    pub receive_queue_id: u16,
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
    /// A message is given up when its receiver has said so often that its ring is full: 1 to 15, and 15 for more. 0: never; the
    /// queue waits for as long as it takes. Those given up are reported as `RECEIVER_FULL`.
    pub give_up: u8,
}

impl Default for EndpointOptions {
    fn default() -> Self {
        EndpointOptions {
            receive_queue_id: 0,
            ring_entries_log2: 8,
            entry_bytes_log2: 8,
            destinations_log2: 4,
            virtual_channel_1: true,
            priority: false,
            inline: true,
            give_up: 0,
        }
    }
}

/// An endpoint. Dropping it destroys it; if the firmware does not confirm that, its memory is kept until the device is settled.
pub struct Endpoint<T: Transport = AnyTransport> {
    transport: T,
    admin: Rc<RefCell<AdminQueue<T>>>,
    number: u16,
    transmit_queue: u16,
    transmit: TransmitQueue<T>,
    receive: ReceiveRing<T>,
    /// The ring and the shadow line, to which the device writes.
    memory: [Rc<T::Memory>; 2],
}

impl<T: Transport> Endpoint<T> {
    pub(crate) fn create(
        transport: T,
        admin: Rc<RefCell<AdminQueue<T>>>,
        slot_count: u16,
        options: EndpointOptions,
    ) -> Result<Self, Error> {
        let ring_bytes = 1_usize.checked_shl(
            u32::from(options.ring_entries_log2) + u32::from(options.entry_bytes_log2),
        );
        let ring_bytes = ring_bytes.filter(|&bytes| bytes <= 1 << 24).unwrap_or(1);
        let ring = Rc::new(transport.allocate(ring_bytes)?);
        let shadow = Rc::new(transport.allocate(SHADOW_LINE_BYTES)?);
        let shape = EndpointShape {
            entries_log2: options.ring_entries_log2.into(),
            stride_log2: options.entry_bytes_log2.into(),
            window_log2: options.destinations_log2.into(),
            virtual_channel_1: options.virtual_channel_1.into(),
            priority: options.priority.into(),
            inline: options.inline.into(),
            give_up: options.give_up.min(MOST_GIVE_UP).into(),
        };
        let (ring_address, shadow_address) = (ring.device_address(), shadow.device_address());
        let operands = [shape.pack(), ring_address, shadow_address];
        let memory = [Rc::clone(&ring), Rc::clone(&shadow)];
        let mut queue = admin.borrow_mut();
        let result = queue.call("to create an endpoint", opcode::CREATE_ENDPOINT, &operands);
        if result.as_ref().is_err_and(Error::leaves_in_doubt) {
            queue.park(memory.clone());
        }
        drop(queue);
        let result = EndpointResult::unpack(result?);
        let number = result.endpoint as u16;
        let (entries, stride) = (
            options.ring_entries_log2.into(),
            options.entry_bytes_log2.into(),
        );
        let inline = options.inline;
        let endpoint = Endpoint {
            transmit: TransmitQueue::new(transport.clone(), shadow, number, slot_count, inline),
            receive: ReceiveRing::new(transport.clone(), ring, number, entries, stride),
            transport,
            admin,
            number,
            transmit_queue: result.transmit_queue as u16,
            memory,
        };
        if inline {
            // What the page's former owner composed is none of the new one's business.
            let page = u64::from(number) * PAGE_BYTES as u64;
            let zeros = [0; PAGE_BYTES];
            endpoint.transport.write_combined(Bar::Memory, page, &zeros);
        }
        let operands = [number.into(), options.receive_queue_id.into()];
        endpoint.admin.borrow_mut().call(
            "to bind a receive queue",
            opcode::BIND_RECEIVE_QUEUE,
            &operands,
        )?;
        Ok(endpoint)
    }

    /// Its number: its page in BAR2, and [`Message::source_endpoint`] in what it sends.
    pub fn number(&self) -> u16 {
        self.number
    }

    /// Its resident transmit queue: `slot` in the frames that it sends.
    pub fn transmit_queue(&self) -> u16 {
        self.transmit_queue
    }

    /// Makes `destination` lead to a receive queue of a node, on a virtual channel.
    ///
    /// # Errors
    /// The destination lies outside the endpoint's window, or the node, queue or channel do not exist.
    pub fn load_translation(
        &self,
        destination: u16,
        node: u16,
        receive_queue_id: u16,
        virtual_channel: u8,
    ) -> Result<(), Error> {
        let entry = Translation {
            node: node.into(),
            receive_queue_id: receive_queue_id.into(),
            virtual_channel: virtual_channel.into(),
            valid: 1,
        };
        let operands = [self.number.into(), destination.into(), entry.pack()];
        self.admin.borrow_mut().call(
            "to load a translation",
            opcode::LOAD_TRANSLATION,
            &operands,
        )?;
        Ok(())
    }

    /// Has the firmware take the endpoint's queues away and keep their records. Until [`Endpoint::install`] the endpoint sends
    /// nothing, and a message for it is lost and reported to its sender (`NOT_RESIDENT`).
    ///
    /// # Errors
    /// The firmware refuses: messages are in flight ([`Endpoint::flush`] waits for them), or it has no room for more records.
    pub fn evict(&mut self) -> Result<(), Error> {
        self.transmit.launch();
        self.receive.give_back();
        self.admin.borrow_mut().call(
            "to evict an endpoint",
            opcode::EVICT_ENDPOINT,
            &[self.number.into()],
        )?;
        Ok(())
    }

    /// Ends [`Endpoint::evict`]: the endpoint goes on where it was, with queues that may be others than before.
    ///
    /// # Errors
    /// The firmware refuses: no queue is free.
    pub fn install(&mut self) -> Result<(), Error> {
        let result = self.admin.borrow_mut().call(
            "to install an endpoint",
            opcode::INSTALL_ENDPOINT,
            &[self.number.into()],
        )?;
        self.transmit_queue = EndpointResult::unpack(result).transmit_queue as u16;
        Ok(())
    }

    /// Sends 8 bytes with one store (V3).
    ///
    /// # Errors
    /// [`Error::QueueFull`] if there is no room now; the NIU's complaints about earlier messages, which are noticed at the
    /// latest when all slots are used up. A queue that was seen to have failed refuses every message.
    pub fn send_express(
        &mut self,
        destination: u16,
        tag: u8,
        payload: [u8; 8],
    ) -> Result<(), Error> {
        self.transmit.send_express(destination, tag, payload)
    }

    /// Sends up to 248 bytes (V1).
    ///
    /// # Errors
    /// As [`Endpoint::send_express`], [`Error::TooLong`], and [`Error::NoInlineBodies`]. There is room for at most 16 messages
    /// from the oldest one in flight on, if the new one is Basic.
    pub fn send_basic(&mut self, destination: u16, tag: u8, payload: &[u8]) -> Result<(), Error> {
        self.transmit.compose(destination, tag, payload, false)?;
        self.transmit.launch();
        Ok(())
    }

    /// Composes a message that [`Endpoint::launch`] will send together with others. With [`Error::QueueFull`] all that were
    /// composed before are launched, as only that makes room.
    ///
    /// # Errors
    /// As [`Endpoint::send_basic`].
    pub fn compose(&mut self, destination: u16, tag: u8, payload: &[u8]) -> Result<(), Error> {
        self.transmit.compose(destination, tag, payload, false)
    }

    /// Launches all composed messages with one store.
    pub fn launch(&mut self) {
        self.transmit.launch();
    }

    /// Sends an Express message whose way through both NIUs is recorded ([`crate::Device::stage_time`]).
    ///
    /// # Errors
    /// As [`Endpoint::send_express`].
    pub fn send_express_marked(
        &mut self,
        destination: u16,
        tag: u8,
        payload: [u8; 8],
    ) -> Result<(), Error> {
        self.transmit.mark_next_express();
        self.transmit.send_express(destination, tag, payload)
    }

    /// Sends a Basic message whose way through both NIUs is recorded.
    ///
    /// # Errors
    /// As [`Endpoint::send_basic`].
    pub fn send_basic_marked(
        &mut self,
        destination: u16,
        tag: u8,
        payload: &[u8],
    ) -> Result<(), Error> {
        self.transmit.compose(destination, tag, payload, true)?;
        self.transmit.launch();
        Ok(())
    }

    /// The next message, if one has arrived.
    pub fn receive(&mut self) -> Option<Message> {
        self.receive.take()
    }

    /// The next message; waits for it.
    ///
    /// # Errors
    /// [`Error::NothingReceived`] after so many nanoseconds.
    pub fn receive_wait(&mut self, at_most_ns: f64) -> Result<Message, Error> {
        let deadline = Deadline::new(self.transport.now_ns(), at_most_ns);
        loop {
            if let Some(message) = self.receive.take() {
                return Ok(message);
            }
            let Some(left_ns) = deadline.left_ns(self.transport.now_ns()) else {
                return Err(Error::NothingReceived {
                    waited_ns: at_most_ns as u64,
                });
            };
            self.transport.wait(left_ns);
        }
    }

    /// Gives all entries taken so far back to the NIU now, not only when a quarter of the ring has come together.
    pub fn give_back(&mut self) {
        self.receive.give_back();
    }

    /// Runs `send` until the queue has room for it.
    ///
    /// # Errors
    /// What `send` returns, other than [`Error::QueueFull`] within `at_most_ns`.
    pub fn when_room<R>(
        &mut self,
        at_most_ns: f64,
        mut send: impl FnMut(&mut Self) -> Result<R, Error>,
    ) -> Result<R, Error> {
        let deadline = Deadline::new(self.transport.now_ns(), at_most_ns);
        loop {
            let result = send(self);
            if !matches!(result, Err(Error::QueueFull)) {
                return result;
            }
            let Some(left_ns) = deadline.left_ns(self.transport.now_ns()) else {
                return result;
            };
            self.transport.wait(left_ns);
        }
    }

    /// Waits until every message sent has been taken by its receiver.
    ///
    /// # Errors
    /// The NIU's complaints; [`Error::QueueFull`] if it does not come about in time.
    pub fn flush(&mut self, at_most_ns: f64) -> Result<(), Error> {
        self.transmit.launch();
        self.when_room(at_most_ns, |endpoint| {
            endpoint.transmit.refresh()?;
            if endpoint.transmit.outstanding() == 0 {
                Ok(())
            } else {
                Err(Error::QueueFull)
            }
        })
    }

    /// Messages sent that the NIU was not yet done with when the driver last looked ([`Endpoint::check`], among others).
    pub fn outstanding(&self) -> u16 {
        self.transmit.outstanding()
    }

    /// Looks whether the NIU has complained of a store or message of this endpoint.
    ///
    /// # Errors
    /// [`Error::Queue`] with the complaint: once, or every time if the queue has failed. [`Error::ShadowLine`].
    pub fn check(&mut self) -> Result<(), Error> {
        self.transmit.refresh()
    }
}

impl<T: Transport> Drop for Endpoint<T> {
    fn drop(&mut self) {
        let memory = self.memory.clone();
        // During unwinding the simulated clock stands still; there is nobody left to answer.
        if std::thread::panicking() {
            return leak(memory);
        }
        let mut admin = self.admin.borrow_mut();
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
    use crate::admin::fake_firmware::FakeFirmware;
    use crate::device::Device;
    use crate::open_options::OpenOptions;
    use crate::transport::fake::FakeTransport;
    use abi::endpoint::page;
    use abi::message::Shadow;

    /// How long anything may take.
    const PATIENCE_NS: f64 = 1000.0;
    /// Pieces of memory of the admin queue's rings.
    const OF_RINGS: usize = 2;
    /// Pieces of memory of an endpoint.
    const OF_ENDPOINT: usize = 2;

    fn open() -> (FakeTransport, Rc<FakeFirmware>, Device<FakeTransport>) {
        let transport = FakeTransport::default();
        let firmware = FakeFirmware::attach(&transport);
        let device = Device::with_transport(transport.clone(), 0, OpenOptions::default());
        (transport, firmware, device.expect("nobody has it"))
    }

    #[test]
    fn memory_of_an_endpoint_that_is_surely_gone_is_free() {
        let (transport, firmware, device) = open();
        let options = EndpointOptions::default();
        drop(device.create_endpoint(options).expect("there is room"));
        assert_eq!(transport.pieces_of_memory(), OF_RINGS);
        firmware.fail(Some(opcode::BIND_RECEIVE_QUEUE));
        assert!(device.create_endpoint(options).is_err());
        assert_eq!(
            transport.pieces_of_memory(),
            OF_RINGS,
            "the firmware confirmed that it is destroyed"
        );
        drop(device);
        assert_eq!(transport.pieces_of_memory(), 0);
    }

    /// How an endpoint's existence comes to be in doubt.
    const DOUBTS: [fn(&FakeFirmware, &Device<FakeTransport>); 4] = [
        |firmware, device| {
            firmware.be_silent(true);
            assert!(device.create_endpoint(EndpointOptions::default()).is_err());
        },
        |firmware, device| {
            firmware.fail(Some(opcode::CREATE_ENDPOINT));
            assert!(device.create_endpoint(EndpointOptions::default()).is_err());
        },
        |firmware, device| {
            let endpoint = device.create_endpoint(EndpointOptions::default());
            firmware.be_silent(true);
            drop(endpoint.expect("there is room"));
        },
        |firmware, device| {
            let endpoint = device.create_endpoint(EndpointOptions::default());
            firmware.fail(Some(opcode::DESTROY_ENDPOINT));
            drop(endpoint.expect("there is room"));
        },
    ];

    #[test]
    fn memory_of_an_endpoint_in_doubt_is_kept_until_the_firmware_has_forgotten_it() {
        for (case, doubt) in DOUBTS.into_iter().enumerate() {
            let (transport, firmware, device) = open();
            doubt(&firmware, &device);
            let kept = transport.pieces_of_memory();
            assert_eq!(kept, OF_RINGS + OF_ENDPOINT, "case {case}");
            firmware.be_silent(false);
            let resets = firmware.resets();
            drop(device);
            assert_eq!(firmware.resets(), resets + 1, "case {case}");
            assert_eq!(transport.pieces_of_memory(), 0, "case {case}");
        }
    }

    #[test]
    fn memory_of_an_endpoint_in_doubt_is_never_free_if_the_firmware_stays_silent() {
        for (case, doubt) in DOUBTS.into_iter().enumerate() {
            let (transport, firmware, device) = open();
            doubt(&firmware, &device);
            firmware.be_silent(true);
            drop(device);
            let kept = transport.pieces_of_memory();
            assert_eq!(kept, 2 * OF_RINGS + OF_ENDPOINT, "case {case}");
            firmware.be_silent(false);
            let again = Device::with_transport(transport, 0, OpenOptions::default());
            again.expect("it was given back all the same");
        }
    }

    #[test]
    fn composed_messages_that_fill_the_queue_are_launched_to_make_room() {
        let (transport, _, device) = open();
        let mut endpoint = device
            .create_endpoint(EndpointOptions::default())
            .expect("there is room");
        let shadow = endpoint.memory[1].device_address();
        let niu = transport.clone();
        // All that was launched is taken at once.
        transport.while_waiting(move || {
            let producer = niu.endpoint_register(page::transmit_producer::OFFSET);
            let line = Shadow {
                consumer: producer,
                ..Shadow::default()
            };
            niu.device_writes(shadow, line.pack());
        });
        for message in 0..5 * device.identity().transmit_slots {
            endpoint
                .when_room(PATIENCE_NS, |endpoint| {
                    endpoint.compose(0, 0, b"one of many")
                })
                .unwrap_or_else(|error| panic!("message {message}: {error}"));
        }
        endpoint.flush(PATIENCE_NS).expect("all were taken");
    }

    /// Waits that end with other traffic, three to a limit: none lines up with its end.
    const OTHER_TRAFFIC_NS: f64 = 0.4 * PATIENCE_NS;

    #[test]
    fn waits_end_at_their_limit_with_other_traffic_too() {
        let (transport, _, device) = open();
        let mut endpoint = device
            .create_endpoint(EndpointOptions::default())
            .expect("there is room");
        transport.end_waits_after(OTHER_TRAFFIC_NS);
        // Nobody takes what fills the queue.
        while endpoint.send_express(0, 0, *b"unheard!").is_ok() {}
        let mut waited = |wait: fn(&mut Endpoint<FakeTransport>) -> Result<(), Error>| {
            let start = transport.now_ns();
            let error = wait(&mut endpoint).expect_err("nothing comes");
            (error.to_string(), transport.now_ns() - start)
        };
        let full = Error::QueueFull.to_string();
        let one_more = |endpoint: &mut Endpoint<FakeTransport>| {
            endpoint.when_room(PATIENCE_NS, |endpoint| endpoint.send_express(0, 0, [0; 8]))
        };
        assert_eq!(waited(one_more), (full.clone(), PATIENCE_NS), "when_room");
        let flush = |endpoint: &mut Endpoint<FakeTransport>| endpoint.flush(PATIENCE_NS);
        assert_eq!(waited(flush), (full, PATIENCE_NS), "flush");
        let receive =
            |endpoint: &mut Endpoint<FakeTransport>| endpoint.receive_wait(PATIENCE_NS).map(|_| ());
        let nothing = Error::NothingReceived {
            waited_ns: PATIENCE_NS as u64,
        };
        assert_eq!(
            waited(receive),
            (nothing.to_string(), PATIENCE_NS),
            "receive_wait"
        );
    }
}
