//! What the firmware has done to bring queues back and to send others away.

use abi::admin::residency_counter::ResidencyCounter;

/// What the firmware has counted since the device was opened ([`Device::residency_statistics`]).
///
/// [`Device::residency_statistics`]: crate::Device::residency_statistics
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResidencyStatistics {
    /// By the counter's code.
    pub(crate) counts: Vec<u32>,
}

impl ResidencyStatistics {
    /// One of the counters; they wrap.
    pub fn get(&self, counter: ResidencyCounter) -> u32 {
        let place = self.counts.get(counter.code() as usize);
        place.copied().unwrap_or_default()
    }

    /// All of them, in the order of their codes.
    pub fn iter(&self) -> impl Iterator<Item = (ResidencyCounter, u32)> + '_ {
        let all = ResidencyCounter::ALL.iter();
        all.map(|&counter| (counter, self.get(counter)))
    }
}
