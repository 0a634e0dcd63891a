//! Packets of GDB's remote serial protocol: `$data#checksum`, acknowledged with `+`.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// How long a look for something from GDB takes at most.
const LOOK: Duration = Duration::from_millis(10);

/// The most that a packet may hold.
pub const MAXIMUM_BYTES: usize = 0x1000;

/// What GDB sent.
#[derive(Debug, PartialEq, Eq)]
pub enum Received {
    /// A packet's contents.
    Packet(Vec<u8>),
    /// Control-C.
    Interrupt,
    /// Nothing just now.
    Nothing,
    /// GDB has gone.
    End,
}

/// A connection to GDB.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    pending: Vec<u8>,
    acknowledges: bool,
}

impl Connection {
    /// A new connection.
    ///
    /// # Errors
    /// The stream's options cannot be set.
    pub fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(LOOK))?;
        Ok(Connection {
            stream,
            pending: Vec::new(),
            acknowledges: true,
        })
    }

    /// Both sides leave out acknowledgements from now on.
    pub fn stop_acknowledging(&mut self) {
        self.acknowledges = false;
    }

    /// What has come, waiting a moment for it.
    ///
    /// # Errors
    /// The connection fails.
    pub fn receive(&mut self) -> io::Result<Received> {
        loop {
            match take(&mut self.pending) {
                Some(Ok(packet)) => {
                    if self.acknowledges {
                        self.stream.write_all(b"+")?;
                    }
                    return Ok(Received::Packet(packet));
                }
                Some(Err(Spoiled)) => self.stream.write_all(b"-")?,
                None if self.pending.first() == Some(&3) => {
                    self.pending.remove(0);
                    return Ok(Received::Interrupt);
                }
                None => {}
            }
            if self.pending.len() > 2 * MAXIMUM_BYTES {
                return Err(io::Error::other("a packet that does not end"));
            }
            let mut buffer = [0; MAXIMUM_BYTES];
            match self.stream.read(&mut buffer) {
                Ok(0) => return Ok(Received::End),
                Ok(length) => self.pending.extend(&buffer[..length]),
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    return Ok(Received::Nothing);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Sends a packet.
    ///
    /// # Errors
    /// The connection fails.
    pub fn send(&mut self, contents: &str) -> io::Result<()> {
        let mut packet = format!("${contents}#");
        packet += &format!("{:02x}", checksum(contents.as_bytes()));
        self.stream.write_all(packet.as_bytes())
    }
}

/// A packet whose checksum is wrong.
#[derive(Debug, PartialEq, Eq)]
struct Spoiled;

/// Takes the first whole packet, and what stands in front of it but for Control-C.
fn take(pending: &mut Vec<u8>) -> Option<Result<Vec<u8>, Spoiled>> {
    let noise = pending
        .iter()
        .position(|byte| matches!(byte, b'$' | 3))
        .unwrap_or(pending.len());
    pending.drain(..noise);
    if pending.first() != Some(&b'$') {
        return None;
    }
    let end = pending.iter().position(|byte| *byte == b'#')?;
    let told = pending.get(end + 1..end + 3)?;
    let told = std::str::from_utf8(told)
        .ok()
        .and_then(|text| u8::from_str_radix(text, 16).ok());
    let contents = &pending[1..end];
    let whole = told == Some(checksum(contents));
    let contents = unescape(contents);
    pending.drain(..end + 3);
    Some(if whole { Ok(contents) } else { Err(Spoiled) })
}

fn checksum(contents: &[u8]) -> u8 {
    contents
        .iter()
        .fold(0, |sum: u8, byte| sum.wrapping_add(*byte))
}

/// Binary contents have a `}` in front of some bytes, which are changed in one bit.
fn unescape(contents: &[u8]) -> Vec<u8> {
    let mut bytes = contents.iter();
    let mut plain = Vec::new();
    while let Some(&byte) = bytes.next() {
        match byte {
            b'}' => plain.extend(bytes.next().map(|byte| byte ^ 0x20)),
            byte => plain.push(byte),
        }
    }
    plain
}

/// Bytes as GDB reads them.
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Bytes as GDB writes them.
pub fn bytes(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|digit| digit.to_digit(16).map(|digit| digit as u8))
        .collect();
    let (pairs, rest) = digits.as_deref()?.as_chunks::<2>();
    let pairs = pairs.iter().map(|[high, low]| high << 4 | low).collect();
    rest.is_empty().then_some(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_taken_one_by_one_and_spoiled_ones_are_told() {
        let mut pending = b"++$g#67$m0,}\x034#00$?#3".to_vec();
        assert_eq!(take(&mut pending), Some(Ok(b"g".to_vec())));
        assert_eq!(take(&mut pending), Some(Err(Spoiled)));
        assert_eq!(take(&mut pending), None);
        pending.push(b'f');
        assert_eq!(take(&mut pending), Some(Ok(b"?".to_vec())));
        assert!(pending.is_empty());
    }

    #[test]
    fn binary_bytes_come_escaped() {
        assert_eq!(unescape(b"a}\x03}]"), b"a#}");
    }

    #[test]
    fn bytes_are_pairs_of_digits() {
        assert_eq!(bytes("00ff1A"), Some(vec![0, 255, 26]));
        assert_eq!(hexadecimal(&[0, 255, 26]), "00ff1a");
        assert_eq!(bytes("0"), None);
        assert_eq!(bytes("0g"), None);
    }
}
