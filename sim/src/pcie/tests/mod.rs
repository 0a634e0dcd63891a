//! The bridge against a slow, obvious endpoint.

mod device_requests;
mod endpoint;
mod host_requests;
mod reset;
mod timing;
mod traffic;
mod violations;
mod withheld_credits;

use super::{HostBridge, HostPortInputs, ReadError, ReadTicket, ViolationKind};
use crate::memory::{HostMemory, Permission};
use crate::profile::Profile;
use endpoint::Endpoint;

/// Bridge, memory and endpoint.
struct Bench {
    bridge: HostBridge,
    memory: HostMemory,
    endpoint: Endpoint,
    inputs: HostPortInputs,
}

impl Bench {
    fn new(profile: &str, seed: u64) -> Bench {
        Bench::with_profile(&Profile::named(profile).unwrap(), seed)
    }

    fn with_profile(profile: &Profile, seed: u64) -> Bench {
        let bridge = HostBridge::new(profile, PERIOD_PS, seed).unwrap();
        let inputs = bridge.inputs();
        Bench {
            bridge,
            memory: HostMemory::new(),
            endpoint: Endpoint::new(),
            inputs,
        }
    }

    fn step(&mut self) {
        let outputs = self.endpoint.outputs(&self.inputs);
        self.endpoint.edge(&self.inputs);
        self.inputs = self.bridge.step(&outputs, &mut self.memory);
    }

    fn run(&mut self, cycles: usize) {
        for _ in 0..cycles {
            self.step();
        }
    }

    /// Steps until nothing is under way, and a little longer.
    fn settle(&mut self) {
        for _ in 0..2_000_000 {
            self.step();
            if self.bridge.is_idle() && self.endpoint.is_idle() {
                return self.run(2);
            }
        }
        panic!("traffic does not come to an end");
    }

    fn finish_read(&mut self, ticket: ReadTicket) -> Result<Vec<u8>, ReadError> {
        for _ in 0..2_000_000 {
            if let Some(result) = self.bridge.read_result(ticket) {
                return result;
            }
            self.step();
        }
        panic!("a read does not come to an end");
    }

    /// Maps `bytes` bytes of new host memory; host address and IOVA.
    fn map(&mut self, bytes: u64, permission: Permission) -> (u64, u64) {
        let host = self.memory.allocate(bytes, 4096);
        (
            host,
            self.bridge
                .iommu_mut()
                .map(host, bytes, permission)
                .unwrap(),
        )
    }

    fn requester(&self) -> u16 {
        self.inputs.config_requester
    }

    #[track_caller]
    fn assert_no_violation(&self) {
        assert_eq!(self.bridge.violations(), []);
    }

    /// The rules that the device broke, in order.
    fn violation_kinds(&self) -> Vec<ViolationKind> {
        let violations = self.bridge.violations().iter();
        violations.map(|violation| violation.kind).collect()
    }
}

/// The tests' own clock of 125 MHz, whatever the NIU's is.
const PERIOD_PS: u64 = 8000;

const PROFILES: [&str; 3] = ["bare", "pcie-gen3-x8", "pcie-gen1-x1"];

#[test]
fn a_bridge_can_be_moved_to_another_thread() {
    fn is_send<T: Send>() {}
    is_send::<HostBridge>();
    is_send::<HostMemory>();
}
