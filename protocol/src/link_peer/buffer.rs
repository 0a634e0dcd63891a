//! The buffer that a node's received frames of all peers share (rule 32).

use crate::rules::{AllRules, Rule, Rules};

/// Space in use, in beats. Credits cannot be kept for each peer, so what finds no room is dropped and sent again.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Buffer<R: Rules = AllRules> {
    rules: R,
    capacity: u16,
    /// Beats of a longest frame.
    longest: u16,
    used: [u16; 2],
}

impl<R: Rules> Buffer<R> {
    /// An empty buffer.
    ///
    /// # Panics
    /// When it does not hold a longest frame of each channel.
    pub fn new(rules: R, capacity: u16, longest: u16) -> Self {
        assert!(
            capacity >= 2 * longest,
            "the buffer holds two longest frames"
        );
        Self {
            rules,
            capacity,
            longest,
            used: [0; 2],
        }
    }

    /// Whether a frame of `beats` beats fits. Channel 0 leaves space for a longest frame to channel 1.
    pub fn fits(&self, channel: u8, beats: u16) -> bool {
        let kept = self.rules.holds(Rule::SpaceForChannel1) && channel == 0;
        let spare = if kept {
            self.longest.saturating_sub(self.used[1])
        } else {
            0
        };
        self.used[0] + self.used[1] + spare + beats <= self.capacity
    }

    /// Puts a frame in. Returns whether it fitted.
    pub fn put(&mut self, channel: u8, beats: u16) -> bool {
        let fits = self.fits(channel, beats);
        if fits {
            self.used[usize::from(channel)] += beats;
        }
        fits
    }

    /// A frame left.
    pub fn take(&mut self, channel: u8, beats: u16) {
        let used = &mut self.used[usize::from(channel)];
        *used = used.saturating_sub(beats);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channel_0_never_takes_the_last_frame_of_space() {
        let mut buffer = Buffer::new(AllRules, 10, 4);
        assert!(buffer.put(0, 4));
        assert!(!buffer.put(0, 4));
        assert!(buffer.put(0, 2));
        assert!(!buffer.fits(0, 1));
        assert!(buffer.put(1, 4));
        assert!(!buffer.put(1, 1));
        buffer.take(0, 4);
        // Channel 1 has its frame: the rest is free for both.
        assert!(buffer.put(0, 4));
    }
}
