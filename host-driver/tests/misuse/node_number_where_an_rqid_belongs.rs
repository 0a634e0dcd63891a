//! Numbers that mean different things do not stand for each other.

use wayfarer_host_driver::fake::FakeDevice;
use wayfarer_host_driver::{
    Destination, Device, EndpointOptions, NodeNumber, OpenOptions, ReceiveQueueId, VirtualChannel,
};

fn main() {
    let device = Device::with_transport(FakeDevice::new(), OpenOptions::default()).unwrap();
    let endpoint = device.create_endpoint(EndpointOptions::default()).unwrap();
    let (node, queue) = (NodeNumber(1), ReceiveQueueId(7));
    let _ = endpoint.load_translation(Destination(0), queue, node, VirtualChannel::ZERO);
}
