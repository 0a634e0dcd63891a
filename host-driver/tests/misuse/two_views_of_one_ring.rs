//! Entries go back in order: the next message has to wait for the view of this one to be dropped.

use wayfarer_host_driver::fake::FakeDevice;
use wayfarer_host_driver::{Device, EndpointOptions, OpenOptions};

fn main() {
    let device = Device::with_transport(FakeDevice::new(), OpenOptions::default()).unwrap();
    let mut endpoint = device.create_endpoint(EndpointOptions::default()).unwrap();
    let first = endpoint.receive().unwrap();
    let second = endpoint.receive().unwrap();
    println!("{} {}", first.len(), second.len());
}
