//! Two simulated hosts say hello to each other: an Express message one way, a Basic message back.
//!
//! `cargo xtask firmware`, then `cargo run --release --package wayfarer-cluster --example two-hosts`.

use anyhow::Result;
use host_driver::{
    Destination, Device, Endpoint, EndpointOptions, Error, NodeNumber, ReceiveQueueId,
    VirtualChannel,
};
use sim::cluster::ClusterOptions;
use sim::host::HostPort;
use sim::profile::Profile;
use std::time::Duration;
use wayfarer_cluster::launch::{firmware_path, launch, read_firmware};

/// Name of both hosts' receive queue.
const RECEIVE_QUEUE_ID: ReceiveQueueId = ReceiveQueueId(7);
/// How long anything may take.
const PATIENCE: Duration = Duration::from_millis(1);

/// Opens this host's NIU and makes an endpoint whose destination 0 is the other host's. Nobody sends before both have
/// one.
fn open(port: &HostPort) -> Result<(Device, Endpoint), Error> {
    let device = Device::open(&format!("sim:{}", port.node()))?;
    let endpoint = device.create_endpoint(EndpointOptions {
        receive_queue_id: RECEIVE_QUEUE_ID,
        ..EndpointOptions::default()
    })?;
    endpoint.load_translation(
        Destination(0),
        NodeNumber(1 - port.node()),
        RECEIVE_QUEUE_ID,
        VirtualChannel::ZERO,
    )?;
    port.gather(&[]);
    Ok((device, endpoint))
}

/// Sends 8 bytes with one store, waits for the answer.
fn ask(port: HostPort) -> Result<(), Error> {
    let (_device, mut endpoint) = open(&port)?;
    endpoint.send_express(Destination(0), 0, *b"Hello, 1")?;
    let answer = endpoint.receive_wait(PATIENCE)?.into_message();
    let text = String::from_utf8_lossy(&answer.payload).into_owned();
    println!("node {} after {:.0} ns: {text}", port.node(), port.now_ns());
    Ok(())
}

/// Waits for a message, answers with a longer one.
fn answer(port: HostPort) -> Result<(), Error> {
    let (_device, mut endpoint) = open(&port)?;
    let question = endpoint.receive_wait(PATIENCE)?.into_message();
    let text = String::from_utf8_lossy(&question.payload).into_owned();
    println!("node {} after {:.0} ns: {text}", port.node(), port.now_ns());
    endpoint.send_basic(
        Destination(0),
        0,
        b"Hello, node 0, and thank you for your message",
    )?;
    endpoint.flush(PATIENCE)?;
    Ok(())
}

fn main() -> Result<()> {
    let firmware = read_firmware(&firmware_path())?;
    let options = ClusterOptions::new(Profile::named("pcie-gen3-x8")?, firmware);
    let programs = launch(options, vec![Box::new(ask), Box::new(answer)]);
    let (_, report) = programs.into_results()?;
    println!(
        "{} cycles, trace hash {:016x}",
        report.cycles, report.trace_hash
    );
    Ok(())
}
