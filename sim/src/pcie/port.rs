//! The NIU's host port, signal for signal: what `niu` drives and what it is driven with.

/// What the device drives in one core cycle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HostPortOutputs {
    /// Pulse: the buffer of one non-posted request is free again.
    pub host_receive_nonposted_free: bool,
    /// A beat towards the host is offered.
    pub host_transmit_valid: bool,
    /// The beat, byte 0 in bits 7 to 0.
    pub host_transmit_data: u128,
    /// The packet ends with this beat.
    pub host_transmit_last: bool,
}

/// What the device is driven with in one core cycle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HostPortInputs {
    /// A beat from the host; the device takes it.
    pub host_receive_valid: bool,
    /// The beat, byte 0 in bits 7 to 0.
    pub host_receive_data: u128,
    /// The packet ends with this beat.
    pub host_receive_last: bool,
    /// A beat towards the host is taken in this cycle.
    pub host_transmit_ready: bool,
    /// The link has credits for a memory write of maximum size.
    pub host_transmit_posted_allowed: bool,
    /// The link has credits for a memory read.
    pub host_transmit_nonposted_allowed: bool,
    /// The link has credits for a completion of maximum size.
    pub host_transmit_completion_allowed: bool,
    /// The device's bus, device and function.
    pub config_requester: u16,
    /// Base address of BAR0, 16 KiB.
    pub config_bar0: u64,
    /// Base address of BAR2, 1 MiB.
    pub config_bar2: u64,
    /// Base address of BAR4, 128 KiB.
    pub config_bar4: u64,
    /// Max_Payload_Size as in Device Control: 128 << n bytes.
    pub config_maximum_payload: u8,
    /// Max_Read_Request_Size as in Device Control: 128 << n bytes.
    pub config_maximum_read_request: u8,
    /// Memory Space Enable of the Command register.
    pub config_memory_enable: bool,
    /// Bus Master Enable of the Command register.
    pub config_master_enable: bool,
    /// MSI-X Enable of Message Control.
    pub config_msix_enable: bool,
    /// Function Mask of Message Control.
    pub config_msix_function_mask: bool,
}
