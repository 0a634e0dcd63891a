//! Which entries of the translation table are free: a bit each. Windows are powers of two, aligned to their sizes.

use abi::queue_state::MAXIMUM_TRANSLATION_ENTRIES;

/// Entries of a word.
const WORD_LOG2: u8 = 5;
const WORDS: usize = MAXIMUM_TRANSLATION_ENTRIES >> WORD_LOG2;

/// The free entries.
#[derive(Clone, Debug)]
pub struct Windows {
    free: [u32; WORDS],
}

impl Windows {
    /// None is free.
    pub const fn new() -> Self {
        Windows { free: [0; WORDS] }
    }

    /// The first so many are free, a multiple of 32.
    pub fn clear(&mut self, entries: usize) {
        self.free.fill(0);
        let words = self.free.get_mut(..entries >> WORD_LOG2);
        words.unwrap_or_default().fill(u32::MAX);
    }

    /// Takes a window: its first entry.
    pub fn take(&mut self, log2: u8) -> Option<u16> {
        if log2 >= WORD_LOG2 {
            let words = 1 << (log2 - WORD_LOG2);
            let mut places = self.free.chunks_exact_mut(words).enumerate();
            let (place, window) =
                places.find(|(_, window)| window.iter().all(|&word| word == u32::MAX))?;
            window.fill(0);
            return Some((place << log2) as u16);
        }
        let window = (1_u32 << (1 << log2)) - 1;
        for (place, word) in self.free.iter_mut().enumerate() {
            let mut at = 0;
            while at < u32::BITS && *word != 0 {
                if *word >> at & window == window {
                    *word &= !(window << at);
                    return Some(((place << WORD_LOG2) + at as usize) as u16);
                }
                at += 1 << log2;
            }
        }
        None
    }

    /// Gives a window back.
    pub fn put(&mut self, base: u16, log2: u8) {
        let first = usize::from(base) >> WORD_LOG2;
        if log2 >= WORD_LOG2 {
            let words = self.free.get_mut(first..first + (1 << (log2 - WORD_LOG2)));
            words.unwrap_or_default().fill(u32::MAX);
        } else if let Some(word) = self.free.get_mut(first) {
            *word |= ((1 << (1 << log2)) - 1) << (base % (1 << WORD_LOG2));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Against a list of windows that is searched from the start.
        #[test]
        fn windows_never_overlap_and_the_first_that_is_free_is_taken(
            sizes in prop::collection::vec((0..13_u8, any::<u8>()), 1..200),
        ) {
            let entries = 1024;
            let mut windows = Windows::new();
            windows.clear(entries);
            let mut taken: Vec<(usize, u8)> = Vec::new();
            for (log2, choice) in sizes {
                if choice % 3 == 0 && !taken.is_empty() {
                    let (base, log2) = taken.swap_remove(usize::from(choice) % taken.len());
                    windows.put(base as u16, log2);
                    continue;
                }
                let size = 1 << log2;
                let free = (0..entries / size).map(|n| n * size).find(|&base| {
                    taken.iter().all(|&(other, log2)| {
                        other + (1 << log2) <= base || base + size <= other
                    })
                });
                let got = windows.take(log2).map(usize::from);
                prop_assert_eq!(got, free);
                if let Some(base) = got {
                    taken.push((base, log2));
                }
            }
        }
    }
}
