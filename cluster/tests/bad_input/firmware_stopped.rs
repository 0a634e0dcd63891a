//! Firmware that stops: what is resident goes on without it.

use crate::scene::{play, receives};
use crate::support::options;
use abi::control::registers;
use host_driver::Destination;
use wayfarer_cluster::Clock;
use wayfarer_cluster::launch::PATIENCE;

/// Cycles without a heartbeat that the watchdog is set to.
const WATCHDOG_CYCLES: u32 = 5000;

#[test]
fn resident_queues_work_while_the_processor_is_held_and_the_watchdog_tells() {
    play(
        options("bare", 41),
        |scene| {
            let mut endpoint = scene.culprit()?;
            let device = &scene.node.device;
            assert!(device.firmware_alive()?);
            let offset = registers::watchdog_limit::OFFSET as u64;
            let limit = scene
                .node
                .port
                .load(0, offset, 4)
                .expect("the watchdog's limit");
            device.hold_processor(true)?;
            scene
                .node
                .port
                .store(0, offset, &WATCHDOG_CYCLES.to_le_bytes());
            endpoint.send_express(Destination(0), 0, *b"held now")?;
            scene.bystander.exchange(scene.node, 24)?;
            let start = scene.node.port.cycle();
            while scene.node.device.firmware_alive()? {
                assert!(
                    scene.node.port.cycle() - start < 2 * u64::from(WATCHDOG_CYCLES),
                    "the watchdog sleeps"
                );
                scene.bystander.pump(1)?;
                scene.node.port.sleep_ns(1000);
            }
            scene.exchange()?;
            endpoint.send_basic(Destination(0), 0, b"and even without a watchdog")?;
            endpoint.flush(PATIENCE)?;

            // Let go, it starts again, with a heartbeat, and takes nothing away.
            scene.node.port.store(0, offset, &limit);
            scene.node.device.hold_processor(false)?;
            let start = scene.node.port.now();
            while !scene.node.device.firmware_alive()? {
                assert!(
                    scene.node.port.now() - start < PATIENCE,
                    "the firmware does not come back"
                );
                scene.bystander.pump(1)?;
                scene.node.port.sleep_ns(5000);
            }
            endpoint.send_express(Destination(0), 0, *b"let go!!")?;
            scene.exchange()?;
            scene.node.barrier();
            Ok(vec![])
        },
        |scene| {
            let mut endpoint = scene.culprit()?;
            receives(
                scene,
                &mut endpoint,
                &[b"held now", b"and even without a watchdog", b"let go!!"],
            )?;
            Ok(vec![])
        },
    );
}
