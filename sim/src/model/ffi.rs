//! The only module of the simulator that calls foreign code: a safe owner of one Verilated NIU.

use std::ffi::{CStr, CString, c_char, c_int};
use std::path::Path;

#[repr(C)]
struct Raw {
    _private: [u8; 0],
}

/// The NIU's inputs for one cycle, all but what comes in on the link; names and contracts in
/// `docs/microarchitecture.md`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "the ports' contracts stand in docs/microarchitecture.md"
)]
pub struct Inputs {
    pub host_receive_data: [u32; 4],
    pub config_bar0: u64,
    pub config_bar2: u64,
    pub config_bar4: u64,
    pub config_requester: u16,
    pub reset: u8,
    pub host_receive_valid: u8,
    pub host_receive_last: u8,
    pub host_transmit_ready: u8,
    pub host_transmit_posted_allowed: u8,
    pub host_transmit_nonposted_allowed: u8,
    pub host_transmit_completion_allowed: u8,
    pub config_maximum_payload: u8,
    pub config_maximum_read_request: u8,
    pub config_memory_enable: u8,
    pub config_master_enable: u8,
    pub config_msix_enable: u8,
    pub config_msix_function_mask: u8,
    pub link_transmit_ready: u8,
}

/// What stands at the host port's outputs in a cycle, with all of the cycle's inputs.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct HostOutputs {
    /// `host_transmit_data`.
    pub data: [u32; 4],
    /// `host_receive_nonposted_free`.
    pub nonposted_free: u8,
    /// `host_transmit_valid`.
    pub valid: u8,
    /// `host_transmit_last`.
    pub last: u8,
}

/// What stands on one direction of the link in a cycle.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct LinkBeat {
    /// `link_transmit_data` or `link_receive_data`.
    pub data: [u32; 4],
    /// There is a beat.
    pub valid: u8,
    /// It is the last of its frame.
    pub last: u8,
}

unsafe extern "C" {
    fn niu_new(random: u32, traced: c_int) -> *mut Raw;
    fn niu_free(niu: *mut Raw);
    fn niu_trace(niu: *mut Raw, path: *const c_char) -> c_int;
    fn niu_rise(niu: *mut Raw, inputs: *const Inputs, link: *mut LinkBeat);
    fn niu_fall(niu: *mut Raw, link: *const LinkBeat, outputs: *mut HostOutputs);
    fn niu_stir(niu: *mut Raw);
    fn niu_still(niu: *mut Raw) -> c_int;
    fn niu_time_left(niu: *mut Raw) -> u64;
    fn niu_doze(niu: *mut Raw) -> c_int;
    fn niu_asleep(niu: *mut Raw) -> u64;
    fn niu_wake(niu: *mut Raw, cycles: u64);
    fn niu_remember(niu: *mut Raw);
    fn niu_changed(niu: *mut Raw) -> *const c_char;
    fn niu_crossed(niu: *mut Raw) -> c_int;
    fn niu_jtag(niu: *mut Raw, tck: c_int, tms: c_int, tdi: c_int) -> c_int;
    fn niu_processor_ram(niu: *mut Raw) -> *mut u32;
}

/// One Verilated NIU with its soft core.
pub struct NiuModel {
    raw: *mut Raw,
}

// SAFETY: each instance has its own `VerilatedContext` and no thread pool (`threads(1)`); nothing in it is tied to the
// thread that made it, and `&mut self` keeps two threads from using it at once.
unsafe impl Send for NiuModel {}

impl NiuModel {
    /// A model in reset. `random` 0: memory without a reset value starts as zero; else as random bits of that seed,
    /// which finds reads of state that nothing initialised. `trace`: where to write an FST waveform.
    ///
    /// # Errors
    /// The path of the trace cannot be written, or the model was built without waveforms.
    pub fn new(random: u32, trace: Option<&Path>) -> std::io::Result<Self> {
        // SAFETY: the constructor has no preconditions and never returns null.
        let raw = unsafe { niu_new(random, trace.is_some().into()) };
        let model = NiuModel { raw };
        if let Some(path) = trace {
            if cfg!(not(feature = "waveforms")) {
                return Err(std::io::Error::other(
                    "this simulator was built without waveforms, to be faster: use `cargo xtask trace`, or build it \
                     with `--features waveforms`",
                ));
            }
            let text = CString::new(path.as_os_str().as_encoded_bytes())?;
            // SAFETY: `raw` is alive, `text` is a terminated string that outlives the call.
            if unsafe { niu_trace(raw, text.as_ptr()) } == 0 {
                return Err(std::io::Error::other(format!(
                    "cannot write the waveform {}",
                    path.display()
                )));
            }
        }
        Ok(model)
    }

    /// Runs the first half of a core cycle, which begins with the rising edge; returns what goes
    /// out on the link in the cycle.
    pub fn rise(&mut self, inputs: &Inputs) -> LinkBeat {
        let mut link = LinkBeat::default();
        // SAFETY: `raw` is alive; both structures have the layout of their C mirrors.
        unsafe { niu_rise(self.raw, inputs, &mut link) };
        link
    }

    /// Runs the second half, with what comes in on the link; returns what goes out to the host in the cycle.
    pub fn fall(&mut self, link: &LinkBeat) -> HostOutputs {
        let mut outputs = HostOutputs::default();
        // SAFETY: `raw` is alive; both structures have the layout of their C mirrors.
        unsafe { niu_fall(self.raw, link, &mut outputs) };
        outputs
    }

    /// A cycle has passed in which something crossed a port.
    pub fn stir(&mut self) {
        // SAFETY: `raw` is alive.
        unsafe { niu_stir(self.raw) }
    }

    /// A cycle has passed in which nothing crossed a port. Whether the core clock's registers stand
    /// still, but for those that count time, until an input or a crossing from the processor's
    /// clock changes, and no longer than `time_left`.
    pub fn is_still(&mut self) -> bool {
        // SAFETY: `raw` is alive.
        unsafe { niu_still(self.raw) != 0 }
    }

    /// Core cycles of a still NIU that may be left out until the time that has passed changes something.
    pub fn time_left(&mut self) -> u64 {
        // SAFETY: `raw` is alive.
        unsafe { niu_time_left(self.raw) }
    }

    /// Runs a core cycle of a still NIU for the processor alone, if that does not sleep; whether the next cycle must be
    /// a whole one.
    pub fn doze(&mut self) -> bool {
        // SAFETY: `raw` is alive.
        unsafe { niu_doze(self.raw) != 0 }
    }

    /// Core cycles of a still NIU in which its processor slept and was left out too, since the model was made.
    pub fn asleep_cycles(&self) -> u64 {
        // SAFETY: `raw` is alive; the call reads a number.
        unsafe { niu_asleep(self.raw) }
    }

    /// So many cycles were left out: puts on the registers that count time.
    pub fn wake(&mut self, cycles: u64) {
        // SAFETY: `raw` is alive.
        unsafe { niu_wake(self.raw, cycles) }
    }

    /// Remembers the state of a still NIU, for `changed`.
    pub fn remember(&mut self) {
        // SAFETY: `raw` is alive.
        unsafe { niu_remember(self.raw) }
    }

    /// What has changed since `remember`, beside the registers that count time; to be called after it only.
    pub fn changed(&mut self) -> Option<String> {
        // SAFETY: `raw` is alive; the name is null or a terminated string that lives as long as the program.
        unsafe {
            let name = niu_changed(self.raw);
            (!name.is_null()).then(|| CStr::from_ptr(name).to_string_lossy().into_owned())
        }
    }

    /// Whether something has crossed from the processor's clock since the last look.
    pub fn has_crossed(&mut self) -> bool {
        // SAFETY: `raw` is alive.
        unsafe { niu_crossed(self.raw) != 0 }
    }

    /// Drives the debug transport's pins for half a period; returns TDO as it stood before the edge.
    pub fn jtag(&mut self, tck: bool, tms: bool, tdi: bool) -> bool {
        // SAFETY: `raw` is alive.
        unsafe { niu_jtag(self.raw, tck.into(), tms.into(), tdi.into()) != 0 }
    }

    /// Fills the processor's RAM with a firmware image, as the bitstream would, zeros behind it.
    ///
    /// # Panics
    /// The image is larger than the RAM.
    pub fn load_firmware(&mut self, image: &[u8]) {
        let bytes = super::RAM_BYTES;
        assert!(
            image.len() <= bytes,
            "firmware image of {} bytes, but the RAM has {bytes}",
            image.len()
        );
        // SAFETY: the RAM is an array of RAM_BYTES / 4 words inside the model, which `&mut self`
        // keeps alive and unshared.
        let ram = unsafe { std::slice::from_raw_parts_mut(niu_processor_ram(self.raw), bytes / 4) };
        let mut words = image.chunks(4).map(|chunk| {
            let mut word = [0; 4];
            word[..chunk.len()].copy_from_slice(chunk);
            u32::from_le_bytes(word)
        });
        ram.fill_with(|| words.next().unwrap_or(0));
    }
}

impl Drop for NiuModel {
    fn drop(&mut self) {
        // SAFETY: `raw` came from `niu_new` and is freed once.
        unsafe { niu_free(self.raw) }
    }
}
