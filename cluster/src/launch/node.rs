//! A node as the host program on it sees it.

use host_driver::{
    Destination, Device, Endpoint, EndpointOptions, NodeNumber, OpenError, OpenOptions,
    RequestError, VirtualChannel,
};
use sim::host::HostPort;

/// A node as the host program on it sees it.
pub struct Node {
    /// Its NIU, open.
    pub device: Device,
    /// The simulated machine.
    pub port: HostPort,
}

impl Node {
    /// Opens the NIU of the node that the running host program runs on.
    ///
    /// # Errors
    /// As [`Device::open`].
    pub fn open(port: HostPort) -> Result<Self, OpenError> {
        Node::open_with(port, OpenOptions::default())
    }

    /// Opens it with other options than the usual ones.
    ///
    /// # Errors
    /// As [`Device::open_with`].
    pub fn open_with(port: HostPort, options: OpenOptions) -> Result<Self, OpenError> {
        let device = Device::open_with(&format!("sim:{}", port.node()), options)?;
        Ok(Node { device, port })
    }

    /// The node's number.
    pub fn number(&self) -> u16 {
        self.port.node()
    }

    /// In a cluster of two, the other node's number.
    pub fn peer(&self) -> u16 {
        1 - self.number()
    }

    /// Waits until the programs of all nodes have come to a barrier.
    pub fn barrier(&self) {
        self.port.gather(&[]);
    }

    /// An endpoint of these options whose destination `d` leads to the same RQID on `destinations[d]`, on channel 0.
    ///
    /// # Errors
    /// The firmware refuses the endpoint or a translation.
    pub fn endpoint(
        &self,
        options: EndpointOptions,
        destinations: &[u16],
    ) -> Result<Endpoint, RequestError> {
        let endpoint = self.device.create_endpoint(options)?;
        for (destination, &node) in destinations.iter().enumerate() {
            endpoint.load_translation(
                Destination(destination as u16),
                NodeNumber(node),
                options.receive_queue_id,
                VirtualChannel::ZERO,
            )?;
        }
        Ok(endpoint)
    }
}
