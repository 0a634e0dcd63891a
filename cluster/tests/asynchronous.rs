//! The asynchronous face on true NIUs: a task sends and another receives, on an executor of a few lines.

mod support;

use host_driver::futures_core::Stream;
use host_driver::{Destination, EndpointOptions, ReceiveQueueId};
use sim::host::HostPort;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use wayfarer_cluster::launch::Node;

/// More than the ring has entries.
const MESSAGES: u64 = 60;

/// Runs both tasks to their end. A simulated NIU has no interrupts: the tasks poll whenever it has written something.
fn run(port: &HostPort, mut tasks: [Pin<&mut dyn Future<Output = ()>>; 2]) {
    let mut context = Context::from_waker(Waker::noop());
    let mut ended = [false; 2];
    loop {
        for (task, ended) in tasks.iter_mut().zip(&mut ended) {
            *ended = *ended || matches!(task.as_mut().poll(&mut context), Poll::Ready(()));
        }
        if ended == [true; 2] {
            return;
        }
        port.poll(100_000.0);
    }
}

#[test]
fn tasks_on_two_nodes_send_to_each_other_and_receive_meanwhile() {
    let body = |node: &Node| {
        let options = EndpointOptions {
            receive_queue_id: ReceiveQueueId(5),
            ring_entries_log2: 3,
            ..EndpointOptions::default()
        };
        let mut endpoint = node.endpoint(options, &[node.peer()])?;
        node.barrier();
        let (transmit, receive) = endpoint.split();
        let sender = pin!(async {
            for message in 0..MESSAGES {
                let bytes = message.to_le_bytes();
                let sent = transmit
                    .when_room_async(|queue| queue.send_express(Destination(0), 0, bytes))
                    .await;
                sent.expect("the queue is in order");
            }
            transmit.flush_async().await.expect("the queue is in order");
        });
        let receiver = pin!(async {
            let mut messages = receive.messages();
            for message in 0..MESSAGES {
                let next = poll_fn(|context| Pin::new(&mut messages).poll_next(context));
                let received = next.await.expect("the stream never ends");
                assert_eq!(received.payload, message.to_le_bytes());
            }
        });
        run(&node.port, [sender, receiver]);
        node.barrier();
        Ok(())
    };
    let options = support::options("pcie-gen3-x8", 261);
    support::run(options, vec![Box::new(body), Box::new(body)]);
}
