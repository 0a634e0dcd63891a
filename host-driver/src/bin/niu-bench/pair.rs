//! Two nodes with an endpoint each that know of each other.

use anyhow::Result;
use sim::cluster::{Cluster, ClusterOptions};
use std::sync::{Arc, Mutex};
use wayfarer_host_driver::{Device, Endpoint, EndpointOptions, Error};

/// How long anything may take.
pub const PATIENCE_NS: f64 = 10_000_000.0;
/// Both endpoints' receive queue.
const RECEIVE_QUEUE_ID: u16 = 100;

/// One side of a pair.
pub struct Side {
    /// The device.
    pub device: Device,
    /// Its endpoint; destination 0 is the other side's.
    pub endpoint: Endpoint,
}

impl Side {
    fn open() -> Result<Self, Error> {
        let port =
            sim::host::current().map_err(wayfarer_host_driver::transport::TransportError::from)?;
        let device = Device::open(&format!("sim:{}", port.node()))?;
        let options = EndpointOptions {
            receive_queue_id: RECEIVE_QUEUE_ID,
            ring_entries_log2: 6,
            destinations_log2: 1,
            ..EndpointOptions::default()
        };
        let endpoint = device.create_endpoint(options)?;
        endpoint.load_translation(0, 1 - port.node(), RECEIVE_QUEUE_ID, 0)?;
        let side = Side { device, endpoint };
        side.barrier();
        Ok(side)
    }

    /// Waits for the other side.
    pub fn barrier(&self) {
        self.device.transport().port().gather(&[]);
    }

    /// The simulated time.
    pub fn now_ns(&self) -> f64 {
        self.device.transport().port().now_ns()
    }
}

/// What a run was and took.
pub struct Run {
    /// The simulation.
    pub report: sim::cluster::Report,
    /// Source revision that the NIU's hardware tells.
    pub hardware_revision: u32,
}

/// Runs `left` on node 0 and `right` on node 1; gives what each of them found.
pub fn run<R: Send + 'static>(
    options: ClusterOptions,
    left: impl FnOnce(&mut Side) -> Result<R, Error> + Send + 'static,
    right: impl FnOnce(&mut Side) -> Result<R, Error> + Send + 'static,
) -> Result<(R, R, Run)> {
    let mut cluster = Cluster::new(options);
    let left = add(&mut cluster, 0, left);
    let right = add(&mut cluster, 1, right);
    let report = cluster.run()?;
    let ((left, hardware_revision), (right, _)) = (take(&left)?, take(&right)?);
    Ok((
        left,
        right,
        Run {
            report,
            hardware_revision,
        },
    ))
}

/// A program's result and the revision of its NIU.
type Slot<R> = Arc<Mutex<Option<Result<(R, u32), Error>>>>;

fn add<R: Send + 'static>(
    cluster: &mut Cluster,
    node: u16,
    body: impl FnOnce(&mut Side) -> Result<R, Error> + Send + 'static,
) -> Slot<R> {
    let slot: Slot<R> = Arc::default();
    let result = Arc::clone(&slot);
    cluster.program(node, move |_| {
        let outcome = Side::open().and_then(|mut side| {
            let outcome = body(&mut side);
            // Neither side destroys its endpoint while the other may still send.
            side.barrier();
            Ok((outcome?, side.device.identity().hardware_revision))
        });
        *result.lock().unwrap_or_else(|poison| poison.into_inner()) = Some(outcome);
    });
    slot
}

fn take<R>(slot: &Slot<R>) -> Result<(R, u32)> {
    let outcome = slot
        .lock()
        .unwrap_or_else(|poison| poison.into_inner())
        .take();
    Ok(outcome.ok_or_else(|| anyhow::anyhow!("a host program ended without a result"))??)
}
