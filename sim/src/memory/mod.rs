//! Host memory, and the IOMMU between it and the device.
#![forbid(unsafe_code)]

mod host_memory;
mod iommu;

pub use host_memory::{HostMemory, PAGE_BYTES};
pub use iommu::{Access, AddressRange, Fault, FaultReason, Iommu, IommuError, Permission};
