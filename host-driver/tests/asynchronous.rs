//! The asynchronous face on an executor of a few lines: a task is polled when it was woken, and never otherwise.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;
use wayfarer_host_driver::fake::{FakeDevice, FakeMemory};
use wayfarer_host_driver::futures_core::Stream;
use wayfarer_host_driver::transport::{Bar, Layout, Transport, TransportError};
use wayfarer_host_driver::{
    Destination, Device, Endpoint, EndpointOptions, Error, NodeNumber, OpenOptions, QueueError,
    ReceiveQueueId, SendError, VirtualChannel,
};

/// Whether a task has been woken since it was polled.
#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Runs all tasks to their end, side by side. When none was woken, the device has its turn.
fn run(device: &FakeDevice, mut tasks: Vec<Pin<&mut dyn Future<Output = ()>>>) {
    let woken: Vec<Arc<Woken>> = tasks.iter().map(|_| Arc::default()).collect();
    woken.iter().for_each(|woken| Arc::clone(woken).wake());
    let mut ended = vec![false; tasks.len()];
    let mut turns = 0;
    while ended.contains(&false) {
        let due = |task: &usize| !ended[*task] && woken[*task].0.load(Ordering::SeqCst);
        let Some(task) = (0..tasks.len()).find(due) else {
            device.wait(Duration::from_micros(1));
            turns += 1;
            assert!(
                turns < 1000,
                "nobody wakes the tasks that have not ended: {ended:?}"
            );
            continue;
        };
        woken[task].0.store(false, Ordering::SeqCst);
        let waker = Waker::from(Arc::clone(&woken[task]));
        let polled = tasks[task].as_mut().poll(&mut Context::from_waker(&waker));
        ended[task] = polled.is_ready();
    }
}

fn endpoint<T: Transport>(device: &Device<T>) -> Result<Endpoint<T>, Error> {
    let options = EndpointOptions {
        ring_entries_log2: 2,
        ..EndpointOptions::default()
    };
    let endpoint = device.create_endpoint(options)?;
    endpoint.load_translation(
        Destination(0),
        NodeNumber(0),
        ReceiveQueueId(0),
        VirtualChannel::ZERO,
    )?;
    Ok(endpoint)
}

/// More messages than the ring has entries and the queue has slots: both tasks have to wait, again and again.
#[test]
fn a_task_sends_as_there_is_room_and_another_receives_as_messages_arrive() -> Result<(), Error> {
    const MESSAGES: u64 = 500;
    let fake = FakeDevice::new();
    let device = Device::with_transport(fake.clone(), OpenOptions::default())?;
    let mut endpoint = endpoint(&device)?;
    let (transmit, receive) = endpoint.split();
    let received = Cell::new(0);
    let sender = pin!(async {
        for message in 0..MESSAGES {
            let bytes = message.to_le_bytes();
            let sent = match message % 2 {
                0 => {
                    transmit
                        .when_room_async(|queue| queue.send_express(Destination(0), 1, bytes))
                        .await
                }
                _ => {
                    transmit
                        .when_room_async(|queue| queue.send_basic(Destination(0), 1, &bytes))
                        .await
                }
            };
            sent.expect("the queue is in order");
        }
        transmit.flush_async().await.expect("the queue is in order");
    });
    let receiver = pin!(async {
        let mut messages = receive.messages();
        while received.get() < MESSAGES {
            let next = poll_fn(|context| Pin::new(&mut messages).poll_next(context));
            let message = next.await.expect("the stream never ends");
            assert_eq!(message.payload, received.get().to_le_bytes());
            received.set(received.get() + 1);
        }
    });
    run(&fake, vec![sender, receiver]);
    assert_eq!(received.get(), MESSAGES);
    Ok(())
}

#[test]
fn what_the_niu_reports_ends_the_futures() -> Result<(), Error> {
    let fake = FakeDevice::new();
    let device = Device::with_transport(fake.clone(), OpenOptions::default())?;
    let mut endpoint = endpoint(&device)?;
    let (transmit, _) = endpoint.split();
    let mut context = Context::from_waker(Waker::noop());
    transmit.send_express(Destination(1), 0, [0; 8])?;
    let flush = Pin::new(&mut transmit.flush_async()).poll(&mut context);
    assert!(matches!(flush, Poll::Ready(Err(_))), "{flush:?}");
    transmit.send_express(Destination(1), 0, [0; 8])?;
    let mut report = pin!(transmit.when_room_async(|queue| Ok(queue.check()?)));
    let report = report.as_mut().poll(&mut context);
    assert!(
        matches!(
            report,
            Poll::Ready(Err(SendError::Queue(QueueError::Reported(_))))
        ),
        "{report:?}"
    );
    Ok(())
}

/// A device that writes what it has right before a task asks to be woken.
#[derive(Clone)]
struct Late {
    device: FakeDevice,
}

impl Transport for Late {
    type Memory = FakeMemory;

    fn read32(&self, bar: Bar, offset: u64) -> Result<u32, TransportError> {
        self.device.read32(bar, offset)
    }

    fn write32(&self, bar: Bar, offset: u64, value: u32) {
        self.device.write32(bar, offset, value);
    }

    fn write64(&self, bar: Bar, offset: u64, value: u64) {
        self.device.write64(bar, offset, value);
    }

    fn write_combined(&self, bar: Bar, offset: u64, bytes: &[u8]) {
        self.device.write_combined(bar, offset, bytes);
    }

    fn fence(&self) {
        self.device.fence();
    }

    fn allocate(&self, bytes: usize, layout: Layout) -> Result<FakeMemory, TransportError> {
        self.device.allocate(bytes, layout)
    }

    fn wait(&self, at_most: Duration) {
        self.device.wait(at_most);
    }

    fn wake(&self, waker: &Waker) {
        self.device.hold_messages(false);
        self.device.wake(waker);
    }

    fn now(&self) -> Duration {
        self.device.now()
    }
}

#[test]
fn a_message_that_arrives_before_the_task_can_be_woken_is_not_missed() -> Result<(), Error> {
    let device = FakeDevice::new();
    let transport = Late {
        device: device.clone(),
    };
    let opened = Device::with_transport(transport, OpenOptions::default())?;
    let mut endpoint = endpoint(&opened)?;
    device.hold_messages(true);
    endpoint.send_express(Destination(0), 0, *b"in time!")?;
    let (_, receive) = endpoint.split();
    let mut context = Context::from_waker(Waker::noop());
    let message = Pin::new(&mut receive.messages()).poll_next(&mut context);
    assert!(matches!(message, Poll::Ready(Some(_))), "{message:?}");
    Ok(())
}
