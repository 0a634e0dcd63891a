//! Stores to endpoint pages that are not what an endpoint page takes.

use crate::scene::{Scene, exactly, play, receives};
use crate::support::options;
use abi::control::counter::Counter;
use abi::endpoint::{EXPRESS_OFFSET, PAGE_BYTES, page};
use abi::message::error::Error as Code;
use wayfarer_host_driver::Endpoint;

/// BAR2.
const ENDPOINTS: u8 = 2;

/// One store to an offset in the endpoint's page, as one packet.
fn store(scene: &Scene, endpoint: &Endpoint, offset: usize, bytes: &[u8]) {
    let page = u64::from(endpoint.number()) * PAGE_BYTES as u64;
    scene
        .node
        .port
        .store(ENDPOINTS, page + offset as u64, bytes);
}

#[test]
fn torn_and_misaligned_express_stores_are_counted_and_never_delivered() {
    play(
        options("bare", 11),
        |scene| {
            let mut endpoint = scene.culprit()?;
            endpoint.send_express(0, 0, *b"before!!")?;
            // Half a store, two at once, two odd addresses, one byte, a whole line, and a page's hole.
            let torn: &[(usize, usize)] = &[
                (EXPRESS_OFFSET, 4),
                (EXPRESS_OFFSET + 4, 4),
                (EXPRESS_OFFSET, 16),
                (EXPRESS_OFFSET + 4, 8),
                (EXPRESS_OFFSET + 1, 8),
                (EXPRESS_OFFSET + 3, 1),
                (EXPRESS_OFFSET, 64),
                (0x100, 8),
                (page::transmit_producer::OFFSET, 4),
            ];
            for &(offset, bytes) in torn {
                scene.fill()?;
                store(scene, &endpoint, offset, &vec![0xbd; bytes]);
            }
            scene.complains(&mut endpoint, torn.len() as u16, Code::TornStore)?;
            endpoint.send_express(0, 1, *b"behind!!")?;
            scene.exchange()?;
            scene.node.barrier();
            Ok(vec![exactly(Counter::TornStore, torn.len() as u32)])
        },
        |scene| {
            let mut endpoint = scene.culprit()?;
            receives(scene, &mut endpoint, &[b"before!!", b"behind!!"])?;
            Ok(vec![])
        },
    );
}
