//! An endpoint has one sender at a time.

use wayfarer_host_driver::fake::FakeDevice;
use wayfarer_host_driver::{Destination, Device, EndpointOptions, OpenOptions};

fn main() {
    let device = Device::with_transport(FakeDevice::new(), OpenOptions::default()).unwrap();
    let mut endpoint = device.create_endpoint(EndpointOptions::default()).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| endpoint.send_express(Destination(0), 0, *b"from one"));
        scope.spawn(|| endpoint.send_express(Destination(0), 0, *b"from two"));
    });
}
