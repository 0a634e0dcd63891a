//! The sending half of an endpoint: inline bodies in NIU memory, one store to launch, the shadow line to see how far
//! the NIU is.

use crate::asynchronous::{Flush, WhenRoom};
use crate::copies::{self, Copies, Copy, Express};
use crate::deadline::Deadline;
use crate::error::{FlushError, QueueError, QueueReport, SendError};
use crate::numbers::{Destination, EndpointNumber};
use crate::transport::{AnyTransport, Bar, DmaMemory, Transport};
use abi::endpoint::{
    EXPRESS_DESTINATION_SHIFT, EXPRESS_OFFSET, EXPRESS_TAG_SHIFT, PAGE_BYTES, page,
};
use abi::message::{
    HEADER_BYTES, INLINE_BODIES, INLINE_BODY_BYTES, MAXIMUM_PAYLOAD_BYTES, MAXIMUM_TRANSMIT_SLOTS,
    SHADOW_LOSSES_OFFSET, Shadow, ShadowLosses, TransmitHeader, error::Error as Code, shadow,
};
use std::sync::Arc;
use std::time::Duration;

/// The indices from `first` up to the one before `end`.
fn indices(first: u16, end: u16) -> impl Iterator<Item = u16> + Clone {
    (0..end.wrapping_sub(first)).map(move |ahead| first.wrapping_add(ahead))
}

/// Errors of one kind, as they were last reported.
#[derive(Clone, Copy, Debug)]
struct Errors {
    count: u16,
    code: Code,
}

/// Where the counts of errors in a shadow line stand still.
const MOST_ERRORS: u16 = (1 << shadow::message_errors::WIDTH) - 1;

impl Errors {
    const NONE: Errors = Errors {
        count: 0,
        code: Code::None,
    };

    /// How many were counted since the last time, and the last one's code, if there are any.
    fn update(&mut self, count: u64, code: u64) -> Option<(u16, Code)> {
        let now = Errors {
            count: count as u16,
            code: Code::from_code(code).unwrap_or(Code::None),
        };
        let before = std::mem::replace(self, now);
        // The count stands still when it is full; then only another code tells of another error.
        let beyond_counting = now.count == MOST_ERRORS && now.code != before.code;
        let new = now.count.wrapping_sub(before.count);
        let new = new.max(beyond_counting.into());
        (new > 0).then_some((new, now.code))
    }
}

/// The sending half of an [`Endpoint`](crate::Endpoint): a transmit queue as its only producer sees it.
///
/// ```
/// use wayfarer_host_driver::fake::FakeDevice;
/// use wayfarer_host_driver::{
///     Destination, Device, EndpointOptions, NodeNumber, OpenOptions, ReceiveQueueId, VirtualChannel,
/// };
///
/// let device = Device::with_transport(FakeDevice::new(), OpenOptions::default())?;
/// let mut endpoint = device.create_endpoint(EndpointOptions::default())?;
/// endpoint.load_translation(Destination(0), NodeNumber(0), ReceiveQueueId(0), VirtualChannel::ZERO)?;
/// // A thread may send while another one receives.
/// let (transmit, receive) = endpoint.split();
/// std::thread::scope(|scope| {
///     scope.spawn(|| transmit.send_express(Destination(0), 0, *b"threads!"));
///     scope.spawn(|| while receive.receive().is_none() {});
/// });
/// # Ok::<(), wayfarer_host_driver::Error>(())
/// ```
///
/// # Lost stores
///
/// While an endpoint has no queue of the NIU, the NIU captures its stores. A store that finds no room is lost, and so
/// are all that follow. The shadow line says so, and the driver then stores the lost messages again, in order. Each
/// message is delivered once.
///
/// The driver looks for losses in [`check`](Self::check), in [`flush`](Self::flush), in every call that sends or
/// composes, and in the receiving calls of an [`Endpoint`](crate::Endpoint). Lost messages are not sent before one of
/// these calls is made. So a program that sends through this half and then waits for something else, an answer in the
/// [`ReceiveRing`](crate::ReceiveRing) for example, must call [`check`](Self::check) now and then, or
/// [`flush`](Self::flush) first.
pub struct TransmitQueue<T: Transport = AnyTransport> {
    // Indices count for ever, modulo 2^16.
    pub(crate) transport: T,
    shadow: Arc<T::Memory>,
    /// Offset of the endpoint's page in BAR2, and of its inline bodies in BAR4.
    page: u64,
    slot_count: u16,
    /// There are inline bodies.
    inline: bool,
    /// Messages composed, Express and Basic alike.
    composed: u16,
    /// Messages launched; Basic messages are launched in batches.
    launched: u16,
    /// Messages the NIU was done with when we last looked.
    consumer: u16,
    /// The messages from `consumer` to `composed`.
    copies: Copies,
    /// Losses, modulo 16, whose messages were stored again.
    losses: u64,
    message_errors: Errors,
    store_errors: Errors,
    /// Messages composed since the queue was made.
    pub(crate) taken: u64,
    /// Of the messages in flight, by index: the error that is theirs, or that of another one of so many.
    suspicions: [Option<(Code, u16)>; MAXIMUM_TRANSMIT_SLOTS],
    /// The shadow line said *failed* when we last looked.
    failed: bool,
}

impl<T: Transport> TransmitQueue<T> {
    /// The transmit queue behind endpoint page `endpoint`, with `slot_count` slots. `inline`: Basic messages can be
    /// composed.
    pub(crate) fn new(
        transport: T,
        shadow: Arc<T::Memory>,
        endpoint: EndpointNumber,
        slot_count: u16,
        inline: bool,
    ) -> Self {
        TransmitQueue {
            transport,
            shadow,
            page: u64::from(endpoint) * PAGE_BYTES as u64,
            slot_count,
            inline,
            composed: 0,
            launched: 0,
            consumer: 0,
            copies: Copies::new(inline),
            losses: 0,
            message_errors: Errors::NONE,
            store_errors: Errors::NONE,
            taken: 0,
            suspicions: [None; MAXIMUM_TRANSMIT_SLOTS],
            failed: false,
        }
    }

    /// Looks at the shadow line: how far the NIU has come, what it has lost, and what it has to complain of. Lost
    /// messages are stored again.
    ///
    /// # Errors
    /// [`QueueError::Reported`] once for an error, but each time for a queue that has failed. If messages and stores
    /// were refused, the next look reports the stores. [`QueueError::ShadowLine`], [`QueueError::LostFrom`].
    pub fn check(&mut self) -> Result<(), QueueError> {
        self.make_good()?;
        let line = Shadow::unpack(self.shadow.load64(0));
        let in_flight = indices(self.consumer, self.launched);
        self.advance(line.consumer as u16)?;
        self.failed = line.failed == 1;
        let messages = self
            .message_errors
            .update(line.message_errors, line.message_error);
        if let Some((_, code)) = messages {
            self.suspect(in_flight, code);
        }
        let (count, code) = match messages {
            Some(news) => news,
            None => match self
                .store_errors
                .update(line.store_errors, line.store_error)
            {
                Some(news) => news,
                None if self.failed => (0, self.message_errors.code),
                None => return Ok(()),
            },
        };
        Err(QueueError::Reported(QueueReport {
            count,
            code,
            failed: self.failed,
        }))
    }

    /// One of these messages has failed.
    fn suspect(&mut self, in_flight: impl Iterator<Item = u16> + Clone, code: Code) {
        let among = in_flight.clone().count() as u16;
        for index in in_flight {
            let suspicion = &mut self.suspicions[usize::from(index) % MAXIMUM_TRANSMIT_SLOTS];
            if suspicion.is_none_or(|(_, before)| before > among) {
                *suspicion = Some((code, among));
            }
        }
    }

    /// The error that is this message's, or another one's of so many; `None` also if it is too long ago.
    pub(crate) fn suspicion(&self, number: u64) -> Option<(Code, u16)> {
        let is_kept = number + MAXIMUM_TRANSMIT_SLOTS as u64 >= self.taken;
        let suspicion = self.suspicions[number as usize % MAXIMUM_TRANSMIT_SLOTS];
        suspicion.filter(|_| is_kept)
    }

    /// Number of the endpoint's page.
    pub(crate) fn endpoint(&self) -> EndpointNumber {
        EndpointNumber((self.page / PAGE_BYTES as u64) as u16)
    }

    /// Takes the consumer index of the shadow line for its own, if it can be one: it never goes back, nor beyond what
    /// was launched.
    fn advance(&mut self, consumer: u16) -> Result<(), QueueError> {
        let done = consumer.wrapping_sub(self.consumer);
        if done > self.launched.wrapping_sub(self.consumer) {
            return Err(QueueError::ShadowLine {
                consumer,
                earlier: self.consumer,
                launched: self.launched,
            });
        }
        self.consumer = consumer;
        Ok(())
    }

    /// Stores messages again that were lost since this was last called.
    ///
    /// # Errors
    /// [`QueueError::LostFrom`], until the line says something else.
    pub(crate) fn make_good(&mut self) -> Result<(), QueueError> {
        let line = ShadowLosses::unpack(self.shadow.load64(SHADOW_LOSSES_OFFSET));
        if line.losses == self.losses {
            return Ok(());
        }
        let lost_from = line.lost_from as u16;
        // It is the first message that is not launched if a body was lost.
        if lost_from.wrapping_sub(self.consumer) > self.launched.wrapping_sub(self.consumer) {
            return Err(QueueError::LostFrom {
                lost_from,
                consumer: self.consumer,
                launched: self.launched,
            });
        }
        self.losses = line.losses;
        // No body that was written before may come behind the resume store.
        self.transport.fence();
        self.store(page::resume::OFFSET, lost_from.into());
        self.store_again(lost_from);
        Ok(())
    }

    /// Whether no message that was launched can be lost any more: each is done with, or the queue has failed.
    pub(crate) fn is_settled(&self) -> bool {
        let line = Shadow::unpack(self.shadow.load64(0));
        line.consumer as u16 == self.launched || line.failed == 1
    }

    /// Stores all messages from this index on as they were stored before. What was not launched is not launched now.
    fn store_again(&self, first: u16) {
        let mut launched = first;
        for index in indices(first, self.launched) {
            match self.copies.get(index) {
                Copy::Express(message) => {
                    self.launch_to(index, &mut launched);
                    self.store_express(message);
                    launched = index.wrapping_add(1);
                }
                Copy::Basic(bytes) => self.write_body(index, bytes),
            }
        }
        self.launch_to(self.launched, &mut launched);
        for index in indices(self.launched, self.composed) {
            if let Copy::Basic(bytes) = self.copies.get(index) {
                self.write_body(index, bytes);
            }
        }
    }

    /// Launches the Basic messages before this index, if any of them is not launched.
    fn launch_to(&self, index: u16, launched: &mut u16) {
        if *launched != index {
            *launched = index;
            self.transport.fence();
            self.store(page::transmit_producer::OFFSET, index.into());
        }
    }

    /// One store to the endpoint's page.
    fn store(&self, offset: usize, value: u64) {
        let offset = self.page + offset as u64;
        self.transport.write64(Bar::Endpoints, offset, value);
    }

    fn store_express(&self, message: Express) {
        if message.marked {
            self.store(page::mark::OFFSET, 1);
        }
        self.store(message.offset.into(), message.value);
    }

    fn write_body(&self, index: u16, bytes: &[u8]) {
        let offset = copies::body(index) * INLINE_BODY_BYTES;
        self.transport
            .write_combined(Bar::Memory, self.page + offset as u64, bytes);
    }

    /// Takes the next index, if fewer than `most` messages are in flight from the oldest one on.
    fn take_index(&mut self, most: u16) -> Result<u16, SendError> {
        self.make_good()?;
        // A queue that has failed sends nothing any more: composing for it would lose the message without a word.
        if self.failed || self.outstanding() >= most {
            self.check()?;
            if self.outstanding() >= most {
                // What was composed must go now, or there would never be room.
                self.launch();
                return Err(SendError::QueueFull);
            }
        }
        let index = self.composed;
        self.composed = index.wrapping_add(1);
        self.suspicions[usize::from(index) % MAXIMUM_TRANSMIT_SLOTS] = None;
        self.taken += 1;
        Ok(index)
    }

    /// Sends 8 bytes with one store (V3). Messages composed before are launched first, so order holds.
    ///
    /// # Errors
    /// [`SendError::QueueFull`] if there is no room now; [`SendError::NoSuchExpressTarget`]; the NIU's complaints about
    /// earlier messages ([`SendError::Queue`]), which are noticed at the latest when all slots are used up. A queue
    /// that was seen to have failed refuses every message.
    pub fn send_express(
        &mut self,
        destination: Destination,
        tag: u8,
        payload: [u8; 8],
    ) -> Result<(), SendError> {
        self.express(destination, tag, payload, false)
    }

    fn express(
        &mut self,
        destination: Destination,
        tag: u8,
        payload: [u8; 8],
        marked: bool,
    ) -> Result<(), SendError> {
        let destination = destination.0;
        if usize::from(destination) >= 1 << abi::endpoint::EXPRESS_DESTINATION_BITS
            || usize::from(tag) >= 1 << abi::endpoint::EXPRESS_TAG_BITS
        {
            return Err(SendError::NoSuchExpressTarget { destination, tag });
        }
        self.launch();
        let index = self.take_index(self.slot_count)?;
        self.launched = self.composed;
        let offset = EXPRESS_OFFSET
            + (usize::from(destination) << EXPRESS_DESTINATION_SHIFT)
            + (usize::from(tag) << EXPRESS_TAG_SHIFT);
        let message = Express {
            offset: offset as u16,
            value: u64::from_le_bytes(payload),
            marked,
        };
        self.copies.keep_express(index, message);
        self.store_express(message);
        Ok(())
    }

    /// Sends an Express operation: one store to this place of the page.
    pub(crate) fn store_operation(&mut self, offset: usize, value: u64) -> Result<(), SendError> {
        self.launch();
        let index = self.take_index(self.slot_count)?;
        self.launched = self.composed;
        let message = Express {
            offset: offset as u16,
            value,
            marked: false,
        };
        self.copies.keep_express(index, message);
        self.store_express(message);
        Ok(())
    }

    /// Sends up to 248 bytes (V1).
    ///
    /// # Errors
    /// As [`TransmitQueue::send_express`], [`SendError::TooLong`], and [`SendError::NoInlineBodies`]. There is room for
    /// at most 16 messages from the oldest one in flight on, if the new one is Basic.
    pub fn send_basic(
        &mut self,
        destination: Destination,
        tag: u8,
        payload: &[u8],
    ) -> Result<(), SendError> {
        self.compose(destination, tag, payload)?;
        self.launch();
        Ok(())
    }

    /// Composes a message that [`TransmitQueue::launch`] will send together with others. With [`SendError::QueueFull`]
    /// all that were composed before are launched, as only that makes room.
    ///
    /// # Errors
    /// As [`TransmitQueue::send_basic`].
    pub fn compose(
        &mut self,
        destination: Destination,
        tag: u8,
        payload: &[u8],
    ) -> Result<(), SendError> {
        self.compose_body(destination, tag, payload, false)
    }

    /// Sends a Basic message whose way through both NIUs is recorded ([`crate::Device::stage_time`]).
    ///
    /// # Errors
    /// As [`TransmitQueue::send_basic`].
    pub fn send_basic_marked(
        &mut self,
        destination: Destination,
        tag: u8,
        payload: &[u8],
    ) -> Result<(), SendError> {
        self.compose_body(destination, tag, payload, true)?;
        self.launch();
        Ok(())
    }

    /// Composes in the inline body of the message's index. A body is free when the message that had it before is done
    /// with.
    fn compose_body(
        &mut self,
        destination: Destination,
        tag: u8,
        payload: &[u8],
        marked: bool,
    ) -> Result<(), SendError> {
        if payload.len() > MAXIMUM_PAYLOAD_BYTES {
            return Err(SendError::TooLong {
                bytes: payload.len(),
                maximum: MAXIMUM_PAYLOAD_BYTES,
            });
        }
        let header = TransmitHeader {
            destination: destination.into(),
            length: payload.len() as u64,
            tag: tag.into(),
            marked: marked.into(),
            ..TransmitHeader::default()
        };
        self.compose_with(header, |body| body.copy_from_slice(payload))
    }

    /// Composes a message whose payload, of the header's length, is written by `fill`.
    pub(crate) fn compose_with(
        &mut self,
        header: TransmitHeader,
        fill: impl FnOnce(&mut [u8]),
    ) -> Result<(), SendError> {
        if !self.inline {
            return Err(SendError::NoInlineBodies);
        }
        let index = self.take_index(self.slot_count.min(INLINE_BODIES as u16))?;
        let bytes = header.length as usize;
        // Whole 16-byte lanes; the rest of the body keeps what it held.
        let used = (HEADER_BYTES + bytes).next_multiple_of(16);
        self.copies.keep_basic(index, used, |body| {
            body[..HEADER_BYTES].copy_from_slice(&header.pack().to_le_bytes());
            let (own, rest) = body[HEADER_BYTES..].split_at_mut(bytes);
            fill(own);
            rest.fill(0);
        });
        if let Copy::Basic(bytes) = self.copies.get(index) {
            self.write_body(index, bytes);
        }
        Ok(())
    }

    /// Launches all composed messages with one store.
    pub fn launch(&mut self) {
        let mut launched = self.launched;
        self.launch_to(self.composed, &mut launched);
        self.launched = launched;
    }

    /// Sends an Express message whose way through both NIUs is recorded ([`crate::Device::stage_time`]).
    ///
    /// # Errors
    /// As [`TransmitQueue::send_express`].
    pub fn send_express_marked(
        &mut self,
        destination: Destination,
        tag: u8,
        payload: [u8; 8],
    ) -> Result<(), SendError> {
        self.express(destination, tag, payload, true)
    }

    /// Runs `send` until the queue has room for it.
    ///
    /// # Errors
    /// What `send` returns, other than [`SendError::QueueFull`] within `at_most`.
    pub fn when_room<R>(
        &mut self,
        at_most: Duration,
        mut send: impl FnMut(&mut Self) -> Result<R, SendError>,
    ) -> Result<R, SendError> {
        let deadline = Deadline::new(self.transport.now(), at_most);
        loop {
            let result = send(self);
            if !matches!(result, Err(SendError::QueueFull)) {
                return result;
            }
            let Some(left) = deadline.left(self.transport.now()) else {
                return result;
            };
            self.transport.wait(left);
        }
    }

    /// The future of `send` when the queue has room for it: the asynchronous [`TransmitQueue::when_room`].
    pub fn when_room_async<R, F>(&mut self, send: F) -> WhenRoom<'_, T, F>
    where
        F: FnMut(&mut Self) -> Result<R, SendError>,
    {
        WhenRoom::new(self, send)
    }

    /// Waits until the NIU is done with every message sent.
    ///
    /// # Errors
    /// [`FlushError::Outstanding`] if it does not come about in time; the NIU's complaints ([`FlushError::Queue`]).
    pub fn flush(&mut self, at_most: Duration) -> Result<(), FlushError> {
        self.launch();
        let deadline = Deadline::new(self.transport.now(), at_most);
        loop {
            self.check()?;
            if self.outstanding() == 0 {
                return Ok(());
            }
            let now = self.transport.now();
            let Some(left) = deadline.left(now) else {
                return Err(FlushError::Outstanding {
                    messages: self.outstanding(),
                    waited: deadline.waited(now),
                });
            };
            self.transport.wait(left);
        }
    }

    /// The future of a queue without outstanding messages: the asynchronous [`TransmitQueue::flush`].
    pub fn flush_async(&mut self) -> Flush<'_, T> {
        self.launch();
        Flush::new(self)
    }

    /// Messages sent that the NIU was not yet done with when the driver last looked ([`TransmitQueue::check`], among
    /// others).
    pub fn outstanding(&self) -> u16 {
        self.composed.wrapping_sub(self.consumer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::{FakeDevice, Store};
    use crate::transport::Layout;

    const SLOTS: u16 = 32;

    /// A queue, and the address of its shadow line.
    fn queue_of(endpoint: u16, inline: bool) -> (TransmitQueue<FakeDevice>, FakeDevice, u64) {
        let transport = FakeDevice::new();
        let shadow = transport
            .allocate(64, Layout::Contiguous)
            .expect("there is memory");
        let address = shadow.device_address(0);
        let shadow = Arc::new(shadow);
        let queue = TransmitQueue::new(
            transport.clone(),
            shadow,
            EndpointNumber(endpoint),
            SLOTS,
            inline,
        );
        (queue, transport, address)
    }

    fn queue() -> (TransmitQueue<FakeDevice>, FakeDevice, u64) {
        queue_of(0, true)
    }

    /// A line without errors.
    fn line(consumer: u16) -> Shadow {
        Shadow {
            consumer: consumer.into(),
            ..Shadow::default()
        }
    }

    fn complaint<E: Into<SendError>>(result: Result<(), E>) -> QueueReport {
        match result.map_err(Into::into) {
            Err(SendError::Queue(QueueError::Reported(report))) => report,
            other => panic!("no complaint of the queue: {other:?}"),
        }
    }

    #[test]
    fn a_failed_queue_refuses_every_message_as_long_as_the_line_says_so() {
        let (mut queue, transport, shadow) = queue();
        queue.compose(Destination(0), 0, b"before").expect("room");
        queue.launch();
        let failed = Shadow {
            message_errors: 1,
            message_error: Code::AnswerTimeout.code(),
            failed: 1,
            ..line(0)
        };
        transport.device_writes(shadow, failed.pack());
        let first = complaint(queue.check());
        assert_eq!((first.count, first.failed), (1, true));
        for _ in 0..2 * SLOTS {
            let express = complaint(queue.send_express(Destination(0), 0, [0; 8]));
            let basic = complaint(queue.compose(Destination(0), 0, b"behind"));
            let look = complaint(queue.check());
            for error in [express, basic, look] {
                assert_eq!(
                    (error.count, error.code, error.failed),
                    (0, Code::AnswerTimeout, true)
                );
            }
        }
        assert_eq!(queue.outstanding(), 1, "nothing was composed");
        let mended = Shadow {
            failed: 0,
            ..failed
        };
        transport.device_writes(shadow, mended.pack());
        queue
            .compose(Destination(0), 0, b"again")
            .expect("it is over");
    }

    #[test]
    fn refused_messages_and_refused_stores_are_reported_apart_each_once() {
        let (mut queue, transport, shadow) = queue();
        let both = Shadow {
            message_errors: 3,
            message_error: Code::NotResident.code(),
            store_errors: 2,
            store_error: Code::TornStore.code(),
            ..line(0)
        };
        transport.device_writes(shadow, both.pack());
        for (count, code) in [(3, Code::NotResident), (2, Code::TornStore)] {
            let error = complaint(queue.check());
            assert_eq!(
                (error.count, error.code, error.failed),
                (count, code, false)
            );
        }
        queue.check().expect("said already");
    }

    #[test]
    fn a_full_count_of_errors_does_not_hide_another_kind() {
        let (mut queue, transport, shadow) = queue();
        for (code, count) in [(Code::NotResident, MOST_ERRORS), (Code::TooLong, 1)] {
            let full = Shadow {
                message_errors: MOST_ERRORS.into(),
                message_error: code.code(),
                ..line(0)
            };
            transport.device_writes(shadow, full.pack());
            let error = complaint(queue.check());
            assert_eq!((error.code, error.count), (code, count));
            queue.check().expect("said already");
        }
    }

    #[test]
    fn a_nonsensical_shadow_line_is_an_error_and_no_room() {
        let (mut queue, transport, shadow) = queue();
        for _ in 0..SLOTS {
            queue.send_express(Destination(0), 0, [0; 8]).expect("room");
        }
        transport.device_writes(shadow, line(5).pack());
        queue.check().expect("five messages are done");
        // Beyond what was launched, and backwards.
        for consumer in [SLOTS + 1, 0x8000, 4] {
            transport.device_writes(shadow, line(consumer).pack());
            let error = queue.check().expect_err("nonsense");
            assert!(
                matches!(error, QueueError::ShadowLine { consumer: told, .. } if told == consumer)
            );
            assert_eq!(queue.outstanding(), SLOTS - 5, "what was known still holds");
        }
    }

    #[test]
    fn a_body_is_written_only_when_the_message_that_had_it_is_done_with() {
        let (mut queue, transport, shadow) = queue_of(3, true);
        let body = |index: u64| 3 * 4096 + index % 16 * 256;
        let composed = |queue: &mut TransmitQueue<FakeDevice>, index: u64| {
            let payload = [index as u8; 40];
            let result = queue.compose(Destination(1), 2, &payload);
            let stored = transport.take_memory_stores();
            if result.is_ok() {
                let [(offset, bytes)] = &stored[..] else {
                    panic!("{stored:?}");
                };
                assert_eq!((*offset, bytes.len()), (body(index), 48));
                assert_eq!(bytes[..8], [1, 0, 40, 0, 2, 0, 0, 0]);
                assert_eq!(bytes[8..], payload);
            } else {
                assert!(matches!(result, Err(SendError::QueueFull)), "{result:?}");
                assert!(stored.is_empty(), "{stored:?}");
            }
            result.is_ok()
        };
        // Express messages have indices, but no bodies.
        for _ in 0..4 {
            queue.send_express(Destination(0), 0, [0; 8]).expect("room");
        }
        for index in 4..16 {
            assert!(composed(&mut queue, index), "{index}");
        }
        assert!(!composed(&mut queue, 16), "index 0 may be in flight");
        let producer = transport.endpoint_register(3 * 4096 + page::transmit_producer::OFFSET);
        assert_eq!(producer, 16, "what was composed is launched to make room");
        queue
            .send_express(Destination(0), 0, [0; 8])
            .expect("there are slots");
        transport.device_writes(shadow, line(1).pack());
        assert!(!composed(&mut queue, 17), "index 1 may be in flight");
        transport.device_writes(shadow, line(2).pack());
        assert!(composed(&mut queue, 17));
        assert!(!composed(&mut queue, 18), "index 2 may be in flight");
        // Only slots limit Express messages: 32 from index 2 on.
        for _ in 18..34 {
            queue
                .send_express(Destination(0), 0, [0; 8])
                .expect("a slot");
        }
        let full = queue.send_express(Destination(0), 0, [0; 8]);
        assert!(matches!(full, Err(SendError::QueueFull)), "{full:?}");
    }

    #[test]
    fn without_inline_bodies_there_are_express_messages_only() {
        let (mut queue, transport, _) = queue_of(0, false);
        let refused = queue.compose(Destination(0), 0, b"short");
        assert!(
            matches!(refused, Err(SendError::NoInlineBodies)),
            "{refused:?}"
        );
        assert_eq!(queue.outstanding(), 0);
        assert!(transport.take_memory_stores().is_empty());
        queue
            .send_express(Destination(0), 0, *b"8 bytes.")
            .expect("room");
    }

    fn told(losses: u64, lost_from: u16) -> u64 {
        let line = ShadowLosses {
            losses,
            lost_from: lost_from.into(),
        };
        line.pack()
    }

    #[test]
    fn lost_messages_are_stored_again_in_order_once_for_each_change_of_the_line() {
        let (mut queue, transport, shadow) = queue_of(3, true);
        let page = 3 * PAGE_BYTES as u64;
        // Indices that wrap, in a line that goes on where it was.
        let first = 0_u16.wrapping_sub(3);
        (queue.composed, queue.launched, queue.consumer) = (first, first, first);
        transport.device_writes(shadow, line(first).pack());
        queue.send_express(Destination(0), 0, [1; 8]).expect("room");
        queue
            .send_express_marked(Destination(1), 2, [2; 8])
            .expect("room");
        for destination in [4, 5] {
            queue
                .compose(Destination(destination), 0, b"body")
                .expect("room");
        }
        queue.send_express(Destination(2), 3, [3; 8]).expect("room");
        queue.compose(Destination(6), 0, &[6; 20]).expect("room");
        let stored = transport.take_stores();
        assert_eq!(queue.launched, first.wrapping_add(5));
        // All but the first: as they were stored the first time, but for the beginning.
        transport.device_writes(shadow + 8, told(1, first.wrapping_add(1)));
        queue.check().expect("there is no error");
        let resume = page + page::resume::OFFSET as u64;
        let resumed = [
            Store::Fence,
            Store::Page(resume, first.wrapping_add(1).into()),
        ];
        assert_eq!(stored.len(), 9, "{stored:?}");
        assert_eq!(
            transport.take_stores(),
            [&resumed[..], &stored[1..]].concat()
        );
        queue.check().expect("there is no error");
        assert_eq!(transport.take_stores(), [], "once");
        // Only the last one, then only a body that is not launched.
        for (losses, ahead, again) in [(2, 4, &stored[7..]), (3, 5, &stored[8..])] {
            let lost_from = first.wrapping_add(ahead);
            transport.device_writes(shadow + 8, told(losses, lost_from));
            queue.check().expect("there is no error");
            let resumed = [Store::Fence, Store::Page(resume, lost_from.into())];
            assert_eq!(transport.take_stores(), [&resumed[..], again].concat());
        }
        // The count wraps, too.
        transport.device_writes(shadow + 8, told(0, first.wrapping_add(5)));
        queue.make_good().expect("it makes sense");
        assert_eq!(transport.take_stores().len(), 3);
    }

    #[test]
    fn every_call_that_sends_looks_for_losses() {
        type Call = fn(&mut TransmitQueue<FakeDevice>) -> Result<(), SendError>;
        let calls: [Call; 6] = [
            |queue| Ok(queue.check()?),
            |queue| queue.send_express(Destination(0), 0, [0; 8]),
            |queue| queue.send_express_marked(Destination(0), 0, [0; 8]),
            |queue| queue.compose(Destination(0), 0, b"body"),
            |queue| queue.send_basic_marked(Destination(0), 0, b"body"),
            |queue| {
                let flush = queue.flush(Duration::ZERO);
                assert!(matches!(flush, Err(FlushError::Outstanding { .. })));
                Ok(())
            },
        ];
        for (number, call) in calls.into_iter().enumerate() {
            let (mut queue, transport, shadow) = queue();
            queue.send_express(Destination(0), 0, [1; 8]).expect("room");
            transport.device_writes(shadow + 8, told(1, 0));
            transport.take_stores();
            call(&mut queue).expect("there is no error");
            let again = [
                Store::Fence,
                Store::Page(page::resume::OFFSET as u64, 0),
                Store::Page(EXPRESS_OFFSET as u64, u64::from_le_bytes([1; 8])),
            ];
            let stores = transport.take_stores();
            assert!(stores.starts_with(&again), "call {number}: {stores:?}");
        }
    }

    #[test]
    fn a_loss_that_cannot_be_is_an_error_and_nothing_is_stored() {
        let (mut queue, transport, shadow) = queue();
        for _ in 0..8 {
            queue.send_express(Destination(0), 0, [0; 8]).expect("room");
        }
        transport.device_writes(shadow, line(5).pack());
        queue.check().expect("five messages are done");
        transport.take_stores();
        for lost_from in [4, 9, 0x8000, 0xffff] {
            transport.device_writes(shadow + 8, told(1, lost_from));
            let nonsense = QueueError::LostFrom {
                lost_from,
                consumer: 5,
                launched: 8,
            };
            for _ in 0..2 {
                assert_eq!(queue.check(), Err(nonsense));
                let send = queue.send_express(Destination(0), 0, [0; 8]);
                assert_eq!(send, Err(SendError::Queue(nonsense)));
                assert_eq!(queue.send_basic(Destination(0), 0, b"no"), send);
            }
            assert_eq!(transport.take_stores(), []);
        }
        transport.device_writes(shadow + 8, told(1, 7));
        queue.check().expect("it makes sense");
        assert_eq!(transport.take_stores().len(), 3, "resumed, and one message");
    }
}
