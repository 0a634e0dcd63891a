//! A host that turns Bus Master Enable off while others still send to it, as an operating system does whose driver has
//! died.

mod support;

use abi::control::counter::Counter;
use host_driver::{Destination, EndpointOptions, Error, ReceiveQueueId};
use sim::pcie::configuration_space::{COMMAND_MASTER_ENABLE, COMMAND_MEMORY_ENABLE, offset};
use wayfarer_cluster::launch::{Node, PATIENCE};

/// Messages that come while nothing may be written; each makes one request.
const LOST: u32 = 12;

#[test]
fn without_bus_master_enable_the_host_can_still_read_and_nothing_is_written() {
    let options = support::options("pcie-gen3-x8", 71);
    let (_, report) = support::run(options, vec![Box::new(send), Box::new(receive)]);
    for node in &report.nodes {
        assert_eq!(node.iommu_faults, 0);
    }
}

fn options() -> EndpointOptions {
    EndpointOptions {
        receive_queue_id: ReceiveQueueId(9),
        ..EndpointOptions::default()
    }
}

fn send(node: &Node) -> Result<(), Error> {
    let mut endpoint = node.endpoint(options(), &[node.peer()])?;
    node.barrier();
    node.barrier();
    for message in 0..LOST {
        endpoint.when_room(PATIENCE, |endpoint| {
            endpoint.send_express(Destination(0), 0, u64::from(message).to_le_bytes())
        })?;
    }
    // To the NIUs they are delivered.
    endpoint.flush(PATIENCE)?;
    node.barrier();
    node.barrier();
    endpoint.send_express(Destination(0), 0, *b"is heard")?;
    endpoint.flush(PATIENCE)?;
    node.barrier();
    Ok(())
}

fn receive(node: &Node) -> Result<(), Error> {
    let set_command = |command| {
        node.port.with_side(|side| {
            side.bridge
                .configure(|space| space.write(offset::COMMAND, command));
        });
    };
    let mut endpoint = node.endpoint(options(), &[node.peer()])?;
    node.barrier();
    set_command(COMMAND_MEMORY_ENABLE);
    node.barrier();
    node.barrier();
    // This read stands behind writes that may not leave.
    assert_eq!(node.device.counter(Counter::HostDiscarded)?, LOST);
    assert!(endpoint.receive().is_none());
    set_command(COMMAND_MEMORY_ENABLE | COMMAND_MASTER_ENABLE);
    node.port.sleep_ns(10_000);
    assert!(endpoint.receive().is_none(), "what was dropped stays so");
    // The ring has gaps now: a new endpoint begins a new one.
    drop(endpoint);
    let mut endpoint = node.endpoint(options(), &[node.peer()])?;
    node.barrier();
    assert_eq!(
        endpoint.receive_wait(PATIENCE)?.into_message().payload,
        b"is heard"
    );
    node.barrier();
    assert_eq!(node.device.counter(Counter::HostDiscarded)?, LOST);
    Ok(())
}
