//! An endpoint is no more `Send` than its transport: a simulated device belongs to the program that opened it.

use wayfarer_host_driver::{Device, EndpointOptions};

fn main() {
    let device = Device::open("sim:0").unwrap();
    let endpoint = device.create_endpoint(EndpointOptions::default()).unwrap();
    std::thread::spawn(move || drop(endpoint));
}
