//! Stores to endpoint pages that are not what an endpoint page takes.

use crate::scene::{ENDPOINTS, exactly, play, receives};
use crate::support::options;
use abi::control::counter::Counter;
use abi::endpoint::{EXPRESS_OFFSET, PAGE_BYTES, page};
use abi::message::error::Error as Code;
use host_driver::Destination;

/// BAR4.
const MEMORY: u8 = 4;

#[test]
fn torn_and_misaligned_express_stores_are_counted_and_never_delivered() {
    play(
        options("bare", 11),
        |scene| {
            let mut endpoint = scene.culprit()?;
            endpoint.send_express(Destination(0), 0, *b"before!!")?;
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
                scene.store(&endpoint, offset, &vec![0xbd; bytes]);
            }
            scene.complains(&mut endpoint, torn.len() as u16, Code::TornStore)?;
            endpoint.send_express(Destination(0), 1, *b"behind!!")?;
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

#[test]
fn indices_beyond_reason_and_pages_without_an_endpoint_are_counted() {
    play(
        options("bare", 12),
        |scene| {
            let mut endpoint = scene.culprit()?;
            scene.acquaint(&mut endpoint)?;
            // One message was composed and taken: an index one further than the slots reach from there.
            let beyond = u64::from(scene.node.device.identity().transmit_slots) + 2;
            scene.fill()?;
            scene.store(
                &endpoint,
                page::transmit_producer::OFFSET,
                &beyond.to_le_bytes(),
            );
            scene.complains(&mut endpoint, 1, Code::Overflow)?;
            // One entry was delivered, so two cannot be given back.
            scene.fill()?;
            scene.store(
                &endpoint,
                page::receive_consumer::OFFSET,
                &2_u64.to_le_bytes(),
            );
            // The last page belongs to nobody: an Express message, an index, a mark.
            let pages = u64::from(scene.node.device.identity().endpoints);
            let nobody = (pages - 1) * PAGE_BYTES as u64;
            for offset in [
                EXPRESS_OFFSET,
                page::transmit_producer::OFFSET,
                page::mark::OFFSET,
            ] {
                scene.fill()?;
                scene
                    .node
                    .port
                    .store(ENDPOINTS, nobody + offset as u64, &[1; 8]);
            }
            // Neither do the inline bodies there.
            scene.node.port.store(MEMORY, nobody, &[1; 16]);
            // Control registers that cannot be written: one is read-only, the other absent.
            scene.node.port.store(0, 0, &[0xff; 4]);
            scene.node.port.store(0, 0x03c, &[0xff; 4]);
            endpoint.send_express(Destination(0), 0, *b"behind!!")?;
            scene.exchange()?;
            scene.node.barrier();
            Ok(vec![
                exactly(Counter::TransmitOverflow, 1),
                exactly(Counter::BadConsumer, 1),
                exactly(Counter::NonResidentStore, 3),
                exactly(Counter::InlineLost, 1),
                exactly(Counter::ReadOnlyWrite, 2),
            ])
        },
        |scene| {
            let mut endpoint = scene.culprit()?;
            scene.acquaint(&mut endpoint)?;
            receives(scene, &mut endpoint, &[b"behind!!"])?;
            Ok(vec![])
        },
    );
}
