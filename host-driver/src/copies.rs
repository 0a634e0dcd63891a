//! Copies of the messages of a transmit queue that have no answer yet: what is stored again if stores were lost.

use abi::message::{INLINE_BODIES, INLINE_BODY_BYTES, MAXIMUM_TRANSMIT_SLOTS};

/// An Express message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Express {
    /// Where in the page it is stored.
    pub offset: u16,
    /// Its payload.
    pub value: u64,
    /// A mark goes before it.
    pub marked: bool,
}

/// How a message is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Express(Express),
    /// Bytes of its body.
    Basic(u16),
}

/// A message, as it was stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copy<'a> {
    Express(Express),
    /// Header and payload.
    Basic(&'a [u8]),
}

/// A copy of each message without an answer. A new message takes the place of one that has its answer: no more
/// messages are in flight than a transmit queue has slots, and none whose body the new one takes (contract 1, rules 8
/// and 9).
pub struct Copies {
    forms: [Form; MAXIMUM_TRANSMIT_SLOTS],
    /// Empty for a queue without inline bodies.
    bodies: Box<[[u8; INLINE_BODY_BYTES]]>,
}

/// The inline body of the message with this index.
pub fn body(index: u16) -> usize {
    usize::from(index) % INLINE_BODIES
}

impl Copies {
    /// Room for the messages of a queue; with `inline`, for Basic messages too.
    pub fn new(inline: bool) -> Self {
        let bodies = if inline { INLINE_BODIES } else { 0 };
        Copies {
            forms: [Form::Express(Express::default()); MAXIMUM_TRANSMIT_SLOTS],
            bodies: vec![[0; INLINE_BODY_BYTES]; bodies].into_boxed_slice(),
        }
    }

    /// Keeps an Express message.
    pub fn keep_express(&mut self, index: u16, message: Express) {
        self.forms[usize::from(index) % MAXIMUM_TRANSMIT_SLOTS] = Form::Express(message);
    }

    /// Keeps a Basic message of so many bytes; `compose` writes them.
    pub fn keep_basic(&mut self, index: u16, bytes: usize, compose: impl FnOnce(&mut [u8])) {
        self.forms[usize::from(index) % MAXIMUM_TRANSMIT_SLOTS] = Form::Basic(bytes as u16);
        compose(&mut self.bodies[body(index)][..bytes]);
    }

    /// The message with this index, which has no answer yet.
    pub fn get(&self, index: u16) -> Copy<'_> {
        match self.forms[usize::from(index) % MAXIMUM_TRANSMIT_SLOTS] {
            Form::Express(message) => Copy::Express(message),
            Form::Basic(bytes) => Copy::Basic(&self.bodies[body(index)][..usize::from(bytes)]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_keep_their_form_and_their_bytes_as_indices_wrap() {
        let mut copies = Copies::new(true);
        let express = |index: u16| Express {
            offset: index,
            value: u64::from(index) << 20,
            marked: index.is_multiple_of(4),
        };
        let first = 0_u16.wrapping_sub(100);
        for ahead in 0..200 {
            let index = first.wrapping_add(ahead);
            if index.is_multiple_of(3) {
                copies.keep_express(index, express(index));
            } else {
                let bytes = usize::from(index) % INLINE_BODY_BYTES;
                copies.keep_basic(index, bytes, |body| body.fill(index as u8));
            }
            // As many messages as have a body each.
            for before in 0..INLINE_BODIES.min(usize::from(ahead) + 1) {
                let index = index.wrapping_sub(before as u16);
                let basic = vec![index as u8; usize::from(index) % INLINE_BODY_BYTES];
                let expected = match index.is_multiple_of(3) {
                    true => Copy::Express(express(index)),
                    false => Copy::Basic(&basic),
                };
                assert_eq!(copies.get(index), expected, "message {index}");
            }
        }
    }
}
