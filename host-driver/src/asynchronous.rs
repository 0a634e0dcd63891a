//! The asynchronous face: a stream and futures that any executor runs. They wake their task by [`Transport::wake`].

use crate::error::{FlushError, SendError};
use crate::message::{Message, MessageView};
use crate::receive_ring::ReceiveRing;
use crate::transmit_queue::TransmitQueue;
use crate::transport::Transport;
use futures_core::Stream;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A half of an endpoint, on its transport.
trait Half {
    type Transport: Transport;
    fn transport(&self) -> &Self::Transport;
}

impl<T: Transport> Half for ReceiveRing<T> {
    type Transport = T;
    fn transport(&self) -> &T {
        &self.transport
    }
}

impl<T: Transport> Half for TransmitQueue<T> {
    type Transport = T;
    fn transport(&self) -> &T {
        &self.transport
    }
}

/// Looks; if there is nothing, asks to be woken and looks again, for what the device wrote in between.
fn look_twice<H: Half, R>(
    half: &mut H,
    context: &Context<'_>,
    mut look: impl FnMut(&mut H) -> Option<R>,
) -> Poll<R> {
    if let Some(found) = look(half) {
        return Poll::Ready(found);
    }
    half.transport().wake(context.waker());
    look(half).map_or(Poll::Pending, Poll::Ready)
}

/// All messages of a ring as they arrive ([`ReceiveRing::messages`]). Dropped, it loses none.
///
/// ```
/// use std::future::{Future, poll_fn};
/// use std::pin::{Pin, pin};
/// use std::task::{Context, Poll, Waker};
/// use wayfarer_host_driver::fake::FakeDevice;
/// use wayfarer_host_driver::futures_core::Stream;
/// use wayfarer_host_driver::{
///     Destination, Device, EndpointOptions, NodeNumber, OpenOptions, ReceiveQueueId, VirtualChannel,
/// };
///
/// let device = Device::with_transport(FakeDevice::new(), OpenOptions::default())?;
/// let mut endpoint = device.create_endpoint(EndpointOptions::default())?;
/// endpoint.load_translation(Destination(0), NodeNumber(0), ReceiveQueueId(0), VirtualChannel::ZERO)?;
/// let (transmit, receive) = endpoint.split();
/// let mut task = pin!(async {
///     transmit.when_room_async(|queue| queue.send_express(Destination(0), 0, *b"8 bytes!")).await?;
///     let mut messages = receive.messages();
///     let message = poll_fn(|context| Pin::new(&mut messages).poll_next(context)).await;
///     Ok::<_, wayfarer_host_driver::Error>(message.expect("the stream never ends"))
/// });
/// // Any executor does; this one is content with one poll.
/// let mut context = Context::from_waker(Waker::noop());
/// let Poll::Ready(message) = task.as_mut().poll(&mut context) else { panic!("it has arrived") };
/// assert_eq!(message?.payload, b"8 bytes!");
/// # Ok::<(), wayfarer_host_driver::Error>(())
/// ```
#[must_use = "a stream does nothing unless it is polled"]
pub struct Messages<'ring, T: Transport> {
    ring: &'ring mut ReceiveRing<T>,
}

impl<'ring, T: Transport> Messages<'ring, T> {
    pub(crate) fn new(ring: &'ring mut ReceiveRing<T>) -> Self {
        Messages { ring }
    }
}

impl<T: Transport> Stream for Messages<'_, T> {
    type Item = Message;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Message>> {
        let ring = &mut *self.get_mut().ring;
        let message = look_twice(ring, context, |ring| {
            ring.receive().map(MessageView::into_message)
        });
        message.map(Some)
    }
}

/// The future of something sent when its queue has room ([`TransmitQueue::when_room_async`]). [`Messages`] has an
/// example.
#[must_use = "a future does nothing unless it is polled"]
pub struct WhenRoom<'queue, T: Transport, F> {
    queue: &'queue mut TransmitQueue<T>,
    send: F,
}

impl<'queue, T: Transport, F> WhenRoom<'queue, T, F> {
    pub(crate) fn new(queue: &'queue mut TransmitQueue<T>, send: F) -> Self {
        WhenRoom { queue, send }
    }
}

// Nothing in it is pinned.
impl<T: Transport, F> Unpin for WhenRoom<'_, T, F> {}

impl<T, R, F> Future for WhenRoom<'_, T, F>
where
    T: Transport,
    F: FnMut(&mut TransmitQueue<T>) -> Result<R, SendError>,
{
    type Output = Result<R, SendError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        look_twice(this.queue, context, |queue| match (this.send)(queue) {
            Err(SendError::QueueFull) => None,
            result => Some(result),
        })
    }
}

/// The future of a queue without outstanding messages ([`TransmitQueue::flush_async`]).
#[must_use = "a future does nothing unless it is polled"]
pub struct Flush<'queue, T: Transport> {
    queue: &'queue mut TransmitQueue<T>,
}

impl<'queue, T: Transport> Flush<'queue, T> {
    pub(crate) fn new(queue: &'queue mut TransmitQueue<T>) -> Self {
        Flush { queue }
    }
}

impl<T: Transport> Future for Flush<'_, T> {
    type Output = Result<(), FlushError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let queue = &mut *self.get_mut().queue;
        look_twice(queue, context, |queue| match queue.check() {
            Err(error) => Some(Err(error.into())),
            Ok(()) => (queue.outstanding() == 0).then_some(Ok(())),
        })
    }
}
