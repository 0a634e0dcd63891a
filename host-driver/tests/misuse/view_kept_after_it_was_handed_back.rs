//! Once the entry of a message is handed back, the NIU may write to it.

use wayfarer_host_driver::fake::FakeDevice;
use wayfarer_host_driver::{Device, EndpointOptions, OpenOptions};

fn main() {
    let device = Device::with_transport(FakeDevice::new(), OpenOptions::default()).unwrap();
    let mut endpoint = device.create_endpoint(EndpointOptions::default()).unwrap();
    let message = endpoint.receive().unwrap();
    drop(message);
    println!("{:?}", message.payload());
}
