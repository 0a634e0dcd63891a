//! Inline bodies belong to an endpoint: the pages of others, and of nobody, are out of its reach.

mod support;

use abi::control::counter::Counter;
use abi::endpoint::PAGE_BYTES;
use abi::message::{INLINE_BODIES, INLINE_BODY_BYTES};
use host_driver::{Destination, Endpoint, EndpointOptions, Error, ReceiveQueueId, RequestError};
use wayfarer_cluster::launch::Node;

/// BAR4.
const MEMORY: u8 = 4;
/// The longest host read that the completer answers in one packet.
const READ_BYTES: u16 = 64;

fn endpoint(node: &Node, receive_queue_id: u16, inline: bool) -> Result<Endpoint, RequestError> {
    node.device.create_endpoint(EndpointOptions {
        receive_queue_id: ReceiveQueueId(receive_queue_id),
        destinations_log2: 0,
        inline,
        ..EndpointOptions::default()
    })
}

/// The page of inline bodies behind an endpoint's number.
fn page(node: &Node, number: u16) -> Vec<u8> {
    let first = u64::from(number) * PAGE_BYTES as u64;
    let parts = (0..PAGE_BYTES as u64).step_by(READ_BYTES.into());
    parts
        .flat_map(|offset| {
            let part = node.port.load(MEMORY, first + offset, READ_BYTES);
            part.unwrap_or_else(|error| panic!("{offset:#x} of page {number}: {error}"))
        })
        .collect()
}

/// Composes a message in each body, and launches none.
fn fill(node: &Node, endpoint: &mut Endpoint, tag: u8) -> Result<(), Error> {
    for _ in 0..support::inline_bodies(node) {
        endpoint.compose(Destination(0), tag, &[tag; 248])?;
    }
    Ok(())
}

#[test]
fn each_endpoint_sees_its_own_bodies_and_nobody_those_of_a_former_owner() {
    let body = |node: &Node| {
        let mut first = endpoint(node, 1, true)?;
        let mut second = endpoint(node, 2, true)?;
        fill(node, &mut first, 0xa1)?;
        fill(node, &mut second, 0xb2)?;
        for (endpoint, tag) in [(&first, 0xa1), (&second, 0xb2)] {
            let page = page(node, endpoint.number().0);
            let bodies = page.chunks(INLINE_BODY_BYTES);
            for body in bodies.take(support::inline_bodies(node).min(INLINE_BODIES)) {
                assert_eq!(body[..8], [0, 0, 248, 0, tag, 0, 0, 0]);
                assert_eq!(body[8..], [tag; 248]);
            }
        }
        // Without a page of its own an endpoint reads zeros, and what is stored there is counted.
        let bare = endpoint(node, 3, false)?;
        let before = node.device.counter(Counter::InlineLost)?;
        let place = u64::from(bare.number().0) * PAGE_BYTES as u64;
        node.port.store(MEMORY, place + 0x340, &[0xee; 16]);
        assert_eq!(page(node, bare.number().0), [0; PAGE_BYTES]);
        assert_eq!(node.device.counter(Counter::InlineLost)?, before + 1);
        assert_eq!(page(node, first.number().0)[8..16], [0xa1; 8]);
        // All pages of the pool change hands.
        let number = first.number().0;
        drop((first, second));
        assert_eq!(page(node, number), [0; PAGE_BYTES], "nobody's any more");
        let pages = u16::from(node.device.identity().inline_pages);
        let queues = node.device.identity().transmit_queues;
        let successors: Vec<Endpoint> = (0..pages.min(queues - 1))
            .map(|place| endpoint(node, 4 + place, true))
            .collect::<Result<_, _>>()?;
        for successor in &successors {
            assert_eq!(page(node, successor.number().0), [0; PAGE_BYTES]);
        }
        Ok(())
    };
    let options = support::options("pcie-gen3-x8", 161);
    support::run(options, vec![Box::new(body), Box::new(|_| Ok(()))]);
}
