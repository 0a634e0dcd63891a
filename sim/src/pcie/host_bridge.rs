//! Root complex and link of one NIU, a core cycle at a time.

use abi::pcie::completion_status::CompletionStatus;

use super::beats;
use super::configuration_space::ConfigurationSpace;
use super::device_reads::{DeviceReads, ReadFault};
use super::downstream::{Class, Downstream};
use super::enumeration::{self, EnumerationError, Settings};
use super::host_reads::{FIRST_RAW_TAG, HostReads, ReadError, ReadTicket};
use super::packet::{self, Header, Request};
use super::port::{HostPortInputs, HostPortOutputs};
use super::rules::{self, Limits, RuleError};
use super::upstream::{Taken, Upstream, class_of, is_other_nonposted};
use super::violation::{Violation, ViolationKind};
use crate::memory::{Access, AddressRange, HostMemory, Iommu};
use crate::model::{INTERRUPT_VECTORS, NONPOSTED_CREDITS};
use crate::profile::{Profile, ProfileError};
use crate::trace::{Direction, TraceHash, TraceListener, TraceRecord};
use std::collections::VecDeque;

/// The device's bus, device and function: first device on the bus behind the root port.
pub const DEVICE_REQUESTER: u16 = 0x0100;
/// The root complex's own.
pub const HOST_REQUESTER: u16 = 0x0000;
/// Where the host takes interrupts: a write there never reaches memory, whatever the IOMMU says.
pub const INTERRUPT_WINDOW: std::ops::Range<u64> = 0xfee0_0000..0xfef0_0000;
/// Violations kept as records; later ones are only counted.
const VIOLATION_RECORDS: usize = 64;
/// Bytes of writes that may wait for the line before the processor's next store has to.
const STORE_BUFFER_BYTES: usize = 1024;

/// Why there is no bridge.
#[derive(Debug, thiserror::Error)]
pub enum HostBridgeError {
    /// The profile cannot be.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// The device could not be enumerated.
    #[error(transparent)]
    Enumeration(#[from] EnumerationError),
}

/// What has crossed the port so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Memory writes to the device.
    pub writes_to_device: u64,
    /// Memory reads of the device.
    pub reads_to_device: u64,
    /// Answers to reads of host memory.
    pub completions_to_device: u64,
    /// Bytes of packets to the device, headers included.
    pub bytes_to_device: u64,
    /// Memory writes of the device.
    pub writes_from_device: u64,
    /// Memory reads by the device.
    pub reads_from_device: u64,
    /// Answers to reads of the device.
    pub completions_from_device: u64,
    /// Bytes of packets from the device, headers included.
    pub bytes_from_device: u64,
    /// Writes of the device that have changed host memory.
    pub landed_writes: u64,
    /// Writes of the device that the IOMMU refused; dropped.
    pub refused_writes: u64,
    /// Reads of the device that the IOMMU refused; answered with Unsupported Request.
    pub refused_reads: u64,
    /// Reads by the host given up after the profile's timeout.
    pub read_timeouts: u64,
    /// Interrupts of the device.
    pub interrupts: u64,
    /// Rules broken by the device.
    pub violations: u64,
}

/// Root complex and link of one NIU, enumerated and ready.
///
/// Call [`HostBridge::step`] once a core cycle. Whatever the host asks for between two steps happens at the time of the
/// earlier one.
pub struct HostBridge {
    period_ps: u64,
    cycle: u64,
    now_ps: u64,
    space: ConfigurationSpace,
    limits: Limits,
    inputs: HostPortInputs,
    downstream: Downstream,
    upstream: Upstream,
    device_reads: DeviceReads,
    host_reads: HostReads,
    iommu: Iommu,
    read_faults: VecDeque<ReadFault>,
    raw_completions: Vec<Vec<u8>>,
    /// Raw packets that are no legal write, read or completion: the device may free a buffer for each, or not.
    doubtful_nonposted: u32,
    /// Interrupts that have arrived, by vector.
    interrupts: Vec<u64>,
    counters: Counters,
    violations: Vec<Violation>,
    hash: TraceHash,
    listener: Option<TraceListener>,
    /// Payload of the write being made.
    scratch: Vec<u8>,
}

impl HostBridge {
    /// A bridge with an enumerated device behind it, whose core cycles take `period_ps`. The seed
    /// decides whatever PCIe leaves open.
    ///
    /// # Errors
    /// The profile is refused, by itself or by the device.
    pub fn new(
        profile: &Profile,
        period_ps: u64,
        seed: u64,
    ) -> Result<HostBridge, HostBridgeError> {
        profile.check()?;
        let settings = Settings {
            maximum_payload_bytes: profile.link.maximum_payload_bytes,
            maximum_read_request_bytes: profile.link.maximum_read_request_bytes,
            bars_above_4_gib: profile.root_complex.bars_above_4_gib,
        };
        let mut space = ConfigurationSpace::new(DEVICE_REQUESTER);
        enumeration::enumerate(&mut space, &settings)?;
        let range = match profile.root_complex.iova_above_4_gib {
            true => AddressRange::Above4Gib,
            false => AddressRange::Below4Gib,
        };
        let timeout_ps = profile.root_complex.read_timeout_ns * 1000;
        let mut bridge = HostBridge {
            period_ps,
            cycle: 0,
            now_ps: 0,
            limits: limits_of(&space),
            space,
            inputs: HostPortInputs::default(),
            downstream: Downstream::new(&profile.link, period_ps, NONPOSTED_CREDITS),
            upstream: Upstream::new(profile, period_ps),
            device_reads: DeviceReads::new(&profile.root_complex, HOST_REQUESTER, seed),
            host_reads: HostReads::new(HOST_REQUESTER, DEVICE_REQUESTER, timeout_ps),
            iommu: Iommu::new(range),
            read_faults: VecDeque::new(),
            raw_completions: Vec::new(),
            doubtful_nonposted: 0,
            interrupts: vec![0; usize::from(INTERRUPT_VECTORS)],
            counters: Counters::default(),
            violations: Vec::new(),
            hash: TraceHash::default(),
            listener: None,
            scratch: Vec::new(),
        };
        bridge.update_configuration();
        bridge.update_transmit();
        Ok(bridge)
    }

    /// What the device is driven with in the cycle that has begun; before the first step, in the first cycle.
    pub fn inputs(&self) -> HostPortInputs {
        self.inputs
    }

    /// Ends a core cycle in which the device drove `from_device`, and returns what to drive it with in the next one.
    pub fn step(
        &mut self,
        from_device: &HostPortOutputs,
        memory: &mut HostMemory,
    ) -> HostPortInputs {
        self.cycle += 1;
        self.now_ps += self.period_ps;

        if from_device.host_transmit_valid || self.upstream.is_stalled() {
            match self.upstream.take(self.now_ps, from_device) {
                Ok(Taken::Nothing) => {}
                Ok(Taken::Packet { first_ps }) => {
                    self.packet_from_device(first_ps / self.period_ps)
                }
                Err(kind) => self.violate(kind),
            }
        }
        if from_device.host_receive_nonposted_free {
            self.nonposted_freed();
        }
        while let Some(bytes) = self.upstream.arrived(self.now_ps) {
            if let Err(kind) = self.arrive(&bytes, memory) {
                self.violate(kind);
            }
            self.upstream.release(self.now_ps, bytes);
        }
        if !self.device_reads.is_idle() {
            let payload = self.limits.maximum_payload_bytes;
            self.device_reads
                .step(self.now_ps, payload, memory, &mut self.downstream);
        }
        if !self.host_reads.is_idle() {
            self.send_reads();
            self.counters.read_timeouts += self.host_reads.expire(self.now_ps);
        }
        self.inputs.host_receive_valid = false;
        if !self.downstream.is_idle() {
            self.deliver();
        }
        self.update_transmit();
        self.inputs
    }

    /// One store instruction of the host: a memory write of exactly these bytes at an offset in BAR 0, 2 or 4. Stores
    /// longer than the link's maximum payload or across 4 KiB become several packets. Offsets are not checked against
    /// the BAR: what lies beyond it may hit nothing.
    ///
    /// # Panics
    /// When there is no such BAR.
    pub fn write(&mut self, bar: u8, offset: u64, bytes: &[u8]) {
        let address = self.device_address(bar, offset);
        let mut done = 0;
        while done < bytes.len() {
            let at = address + done as u64;
            let room = self.limits.maximum_payload_bytes as usize - (at % 4) as usize;
            let length = (bytes.len() - done)
                .min(4096 - (at % 4096) as usize)
                .min(room);
            let request = Request {
                requester: HOST_REQUESTER,
                ..Request::for_bytes(at, length)
            };
            let header = Header::MemoryWrite(request);
            self.scratch.clear();
            self.scratch.resize((at % 4) as usize, 0);
            self.scratch.extend_from_slice(&bytes[done..done + length]);
            self.scratch.resize(header.payload_bytes(), 0);
            let mut packet = self.downstream.buffer();
            header.encode(&self.scratch, &mut packet);
            self.downstream
                .push(Class::Posted, packet, self.now_ps, None);
            done += length;
        }
    }

    /// Whether the processor's store buffers have room for another store: while not, a program that stores waits.
    pub fn store_accepted(&self) -> bool {
        self.downstream.waiting_bytes() < STORE_BUFFER_BYTES
    }

    /// The device is being reset, the hard block in front of it is not: what is under way between host and device is
    /// lost, the host's open reads end in [`ReadError::Timeout`], and configuration space stays as it is.
    pub fn reset_device(&mut self) {
        self.downstream.reset();
        self.upstream.reset(self.now_ps);
        self.device_reads.reset();
        self.host_reads.reset();
        self.doubtful_nonposted = 0;
    }

    /// Sends bytes as they are, legal or not, with the ordering of their Fmt and Type (posted when there is none such).
    /// Completions with tags from 0xc0 up are handed out by [`HostBridge::take_raw_completions`].
    ///
    /// # Panics
    /// When there are no bytes.
    pub fn write_raw(&mut self, packet: &[u8]) {
        assert!(!packet.is_empty(), "a packet of no bytes");
        let class = match (class_of(packet[0]), packet::decode(packet)) {
            _ if is_other_nonposted(packet[0]) => Class::Nonposted,
            (Some(class), Ok(_)) => class,
            (Some(class @ (Class::Posted | Class::Completion)), Err(_)) => class,
            (Some(Class::Nonposted) | None, _) => {
                self.doubtful_nonposted += 1;
                Class::Posted
            }
        };
        let mut buffer = self.downstream.buffer();
        buffer.extend_from_slice(packet);
        self.downstream.push(class, buffer, self.now_ps, None);
    }

    /// The completions that answered raw packets since the last call.
    pub fn take_raw_completions(&mut self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.raw_completions)
    }

    /// Begins a load of the host from an offset in BAR 0, 2 or 4; it waits for earlier stores. No bytes make the
    /// zero-length read that flushes posted writes.
    ///
    /// # Panics
    /// When there is no such BAR.
    pub fn read(&mut self, bar: u8, offset: u64, bytes: u16) -> ReadTicket {
        let address = self.device_address(bar, offset);
        let ticket = self.host_reads.begin(address, bytes);
        self.send_reads();
        ticket
    }

    /// The result of a read, handed out once; `None` while it is under way or after it was handed out.
    pub fn read_result(&mut self, ticket: ReadTicket) -> Option<Result<Vec<u8>, ReadError>> {
        self.host_reads.result(ticket)
    }

    /// Spoils the device's next read that is not spoilt yet.
    pub fn spoil_read(&mut self, fault: ReadFault) {
        self.read_faults.push_back(fault);
    }

    /// Withholds credits of this class from the device for `duration_ns`, from `delay_ns` from now on, as a root
    /// complex does whose buffers stay full. The device finishes what it has started, and sends nothing of the class
    /// until the end. `u64::MAX` lasts until [`HostBridge::release_credits`].
    pub fn withhold_credits(&mut self, class: Class, delay_ns: u64, duration_ns: u64) {
        let later = |from_ps: u64, ns: u64| from_ps.saturating_add(ns.saturating_mul(1000));
        let after_ps = later(self.now_ps, delay_ns);
        self.upstream
            .withhold_credits(class, after_ps, later(after_ps, duration_ns));
    }

    /// Gives the device the credits of this class that are withheld, and forgets withholdings that have not begun.
    pub fn release_credits(&mut self, class: Class) {
        self.upstream.release_credits(class);
    }

    /// The address of an offset in BAR 0, 2 or 4, as the root complex sees it.
    ///
    /// # Panics
    /// When there is no such BAR.
    pub fn device_address(&self, bar: u8, offset: u64) -> u64 {
        assert!(matches!(bar, 0 | 2 | 4), "there is no BAR{bar}");
        self.space.bars()[usize::from(bar / 2)] + offset
    }

    /// Changes configuration space as host software would; the device sees it from the next cycle on.
    pub fn configure(&mut self, change: impl FnOnce(&mut ConfigurationSpace)) {
        change(&mut self.space);
        self.update_configuration();
    }

    /// The IOMMU in front of host memory.
    pub fn iommu(&self) -> &Iommu {
        &self.iommu
    }

    /// The IOMMU, to map and unmap.
    pub fn iommu_mut(&mut self) -> &mut Iommu {
        &mut self.iommu
    }

    /// Core cycles stepped.
    pub fn cycle(&self) -> u64 {
        self.cycle
    }

    /// Simulated time in picoseconds.
    pub fn now_ps(&self) -> u64 {
        self.now_ps
    }

    /// No packet is under way in either direction, and no read is open.
    pub fn is_idle(&self) -> bool {
        self.downstream.is_idle()
            && self.upstream.is_idle()
            && self.device_reads.is_idle()
            && self.host_reads.is_idle()
    }

    /// What has crossed so far.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Writes of the device that have changed host memory. While the number stays, no program that waits for the device
    /// needs to look again.
    pub fn landed_writes(&self) -> u64 {
        self.counters.landed_writes
    }

    /// Interrupts that have arrived, by vector.
    pub fn interrupts(&self) -> &[u64] {
        &self.interrupts
    }

    /// What the host has the device write for an interrupt of the vector: address and data.
    pub fn interrupt_message(vector: u16) -> (u64, u32) {
        // The processor's number in bits 19:12, and a number there.
        let processor = u64::from(vector % 4);
        let address = INTERRUPT_WINDOW.start | processor << 12;
        (address, 0x4000 | u32::from(vector))
    }

    /// The device's configuration space.
    pub fn configuration(&self) -> &ConfigurationSpace {
        &self.space
    }

    /// The first rules the device broke, in order; at most 64 are kept, all are counted.
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// Hash of every packet that crossed, with its cycle and direction.
    pub fn trace_hash(&self) -> u64 {
        self.hash.value()
    }

    /// Calls `listener` with every packet that crosses from now on.
    pub fn set_listener(&mut self, listener: Option<TraceListener>) {
        self.listener = listener;
    }

    /// A beat for the device, if one is there.
    fn deliver(&mut self) {
        if let Some(beat) = self.downstream.step(self.now_ps) {
            self.inputs.host_receive_valid = true;
            self.inputs.host_receive_data = beat.data;
            self.inputs.host_receive_last = beat.last;
            if beat.last {
                self.packet_to_device();
                self.downstream.finish_current();
            }
            if let Some(tag) = beat.frees_tag {
                self.device_reads.tag_freed(tag);
            }
        }
    }

    /// Credits and readiness for the next cycle.
    fn update_transmit(&mut self) {
        let maximum_payload = self.limits.maximum_payload_bytes;
        let [posted, nonposted, completion] =
            self.upstream.update_allowed(self.now_ps, maximum_payload);
        self.inputs.host_transmit_posted_allowed = posted;
        self.inputs.host_transmit_nonposted_allowed = nonposted;
        self.inputs.host_transmit_completion_allowed = completion;
        self.inputs.host_transmit_ready = self.upstream.update_ready(self.now_ps);
    }

    /// What configuration space says, for the device and for the referee.
    fn update_configuration(&mut self) {
        let [config_bar0, config_bar2, config_bar4] = self.space.bars();
        self.limits = limits_of(&self.space);
        self.inputs = HostPortInputs {
            config_requester: self.space.requester(),
            config_bar0,
            config_bar2,
            config_bar4,
            config_maximum_payload: self.space.maximum_payload(),
            config_maximum_read_request: self.space.maximum_read_request(),
            config_memory_enable: self.space.memory_enable(),
            config_master_enable: self.space.master_enable(),
            config_msix_enable: self.space.msix_enable(),
            config_msix_function_mask: self.space.msix_function_mask(),
            ..self.inputs
        };
    }

    /// Queues host reads for which there are tags.
    fn send_reads(&mut self) {
        while let Some(request) = self.host_reads.next_request(self.now_ps) {
            let mut packet = self.downstream.buffer();
            Header::MemoryRead(request).encode(&[], &mut packet);
            self.downstream
                .push(Class::Nonposted, packet, self.now_ps, None);
        }
    }

    fn nonposted_freed(&mut self) {
        if self.downstream.nonposted_freed() {
            return;
        }
        match self.doubtful_nonposted.checked_sub(1) {
            Some(left) => self.doubtful_nonposted = left,
            None => self.violate(ViolationKind::NonpostedFree),
        }
    }

    /// The last beat of a packet enters the device: trace and count it.
    fn packet_to_device(&mut self) {
        let bytes = self.downstream.current();
        self.counters.bytes_to_device += bytes.len() as u64;
        match class_of(bytes[0]) {
            Some(Class::Nonposted) => self.counters.reads_to_device += 1,
            Some(Class::Completion) => self.counters.completions_to_device += 1,
            _ => self.counters.writes_to_device += 1,
        }
        let record = TraceRecord {
            // A packet enters the device without pauses.
            first_cycle: self.cycle + 1 - beats::beat_count(bytes.len()) as u64,
            last_cycle: self.cycle,
            time_ps: self.now_ps,
            direction: Direction::ToDevice,
            bytes,
        };
        self.hash.add(&record);
        if let Some(listener) = &mut self.listener {
            listener(&record);
        }
    }

    /// The last beat of a packet has left the device: trace and count it.
    fn packet_from_device(&mut self, first_cycle: u64) {
        let bytes = self.upstream.newest();
        self.counters.bytes_from_device += bytes.len() as u64;
        match class_of(bytes[0]) {
            Some(Class::Nonposted) => self.counters.reads_from_device += 1,
            Some(Class::Completion) => self.counters.completions_from_device += 1,
            _ => self.counters.writes_from_device += 1,
        }
        let record = TraceRecord {
            first_cycle,
            // This step ended the cycle in which the beat was on the port.
            last_cycle: self.cycle - 1,
            time_ps: self.now_ps - self.period_ps,
            direction: Direction::FromDevice,
            bytes,
        };
        self.hash.add(&record);
        if let Some(listener) = &mut self.listener {
            listener(&record);
        }
    }

    /// A packet of the device has reached the root complex. Packets arrive and are carried out one after the other, so
    /// that reads see earlier writes and completions never pass them.
    fn arrive(&mut self, bytes: &[u8], memory: &mut HostMemory) -> Result<(), ViolationKind> {
        if is_raw_refusal(bytes) {
            self.raw_completions.push(bytes.to_vec());
            return Ok(());
        }
        let (header, payload) = packet::decode(bytes)?;
        match header {
            Header::MemoryWrite(request) => {
                rules::check_request(&request, false, &self.limits)?;
                if INTERRUPT_WINDOW.contains(&request.address) {
                    return self.device_interrupt(&request, payload);
                }
                self.device_write(&request, payload, memory);
            }
            Header::MemoryRead(request) => {
                rules::check_request(&request, true, &self.limits)?;
                self.device_read(request)?;
            }
            Header::Completion(completion) => {
                if completion.requester == HOST_REQUESTER && completion.tag >= FIRST_RAW_TAG {
                    self.raw_completions.push(bytes.to_vec());
                } else {
                    let limit = self.limits.maximum_payload_bytes;
                    self.host_reads.complete(&completion, payload, limit)?;
                }
            }
        }
        Ok(())
    }

    fn device_interrupt(&mut self, request: &Request, payload: &[u8]) -> Result<(), ViolationKind> {
        let word = payload.first_chunk().copied().map(u32::from_le_bytes);
        let (address, data) = (request.address, word.unwrap_or_default());
        let vector = (data & 0xff) as u16;
        let is_whole = request.length == 1 && (0..4).all(|byte| request.enabled(byte));
        let is_known = vector < INTERRUPT_VECTORS
            && Self::interrupt_message(vector) == (address, data)
            && self.space.msix_enable();
        if !is_whole || !is_known {
            return Err(ViolationKind::Interrupt { address, data });
        }
        self.counters.interrupts += 1;
        self.interrupts[usize::from(vector)] += 1;
        Ok(())
    }

    fn device_write(&mut self, request: &Request, payload: &[u8], memory: &mut HostMemory) {
        let length = u64::from(request.length) * 4;
        let Ok(target) = self.iommu.translate(request.address, length, Access::Write) else {
            self.counters.refused_writes += 1;
            return;
        };
        self.counters.landed_writes += 1;
        // Runs of enabled bytes: nearly always one.
        let mut index = 0;
        while index < payload.len() {
            let run = (index..payload.len())
                .take_while(|byte| request.enabled(*byte))
                .count();
            memory.write(target + index as u64, &payload[index..index + run]);
            index += run.max(1);
        }
    }

    fn device_read(&mut self, request: Request) -> Result<(), RuleError> {
        let fault = self.read_faults.pop_front();
        let (first, bytes) = (request.first_byte(), u64::from(request.byte_count()));
        let source = self
            .iommu
            .translate(first, bytes, Access::Read)
            .map_err(|_| {
                self.counters.refused_reads += 1;
                CompletionStatus::UnsupportedRequest
            });
        self.device_reads
            .accept(request, source, fault, self.now_ps)
    }

    fn violate(&mut self, kind: ViolationKind) {
        self.counters.violations += 1;
        if self.violations.len() < VIOLATION_RECORDS {
            self.violations.push(Violation {
                cycle: self.cycle,
                kind,
            });
        }
    }
}

/// Whether a packet refuses a locked read, which only raw packets are.
fn is_raw_refusal(packet: &[u8]) -> bool {
    let code = abi::pcie::format_type::COMPLETION_LOCKED as u8;
    packet.len() == 12 && packet[0] == code && packet[10] >= FIRST_RAW_TAG
}

fn limits_of(space: &ConfigurationSpace) -> Limits {
    Limits {
        device: space.requester(),
        maximum_payload_bytes: 128 << space.maximum_payload(),
        maximum_read_request_bytes: 128 << space.maximum_read_request(),
        master_enable: space.master_enable(),
    }
}
