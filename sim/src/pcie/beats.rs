//! Packets and beats: byte `k` of a packet stands in bits `8 (k mod 16)` and up of beat `k / 16`.

/// Bytes of one beat of the stream.
pub const BEAT_BYTES: usize = 16;

/// How many beats a packet of `bytes` bytes takes.
pub fn beat_count(bytes: usize) -> usize {
    bytes.div_ceil(BEAT_BYTES)
}

/// Beat `index` of a packet; bytes beyond the packet's end are zero.
///
/// # Panics
/// When the packet has no such beat.
pub fn beat(packet: &[u8], index: usize) -> u128 {
    let rest = &packet[index * BEAT_BYTES..];
    match rest.first_chunk::<BEAT_BYTES>() {
        Some(whole) => u128::from_le_bytes(*whole),
        None => {
            assert!(
                !rest.is_empty(),
                "a packet of {} bytes has no beat {index}",
                packet.len()
            );
            let mut padded = [0; BEAT_BYTES];
            padded[..rest.len()].copy_from_slice(rest);
            u128::from_le_bytes(padded)
        }
    }
}

/// Appends a beat's bytes to a packet.
pub fn append(packet: &mut Vec<u8>, beat: u128) {
    packet.extend_from_slice(&beat.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn byte_positions_are_those_of_the_port_contract() {
        for length in [1, 15, 16, 17, 20, 32, 33] {
            let packet: Vec<u8> = (0..length).map(|index| index as u8 + 1).collect();
            for (position, byte) in packet.iter().enumerate() {
                let beat = beat(&packet, position / 16);
                assert_eq!((beat >> (8 * (position % 16))) as u8, *byte);
            }
        }
    }

    #[test]
    fn beats_put_together_are_the_packet_padded_with_zeros() {
        let packet: Vec<u8> = (1..=37).collect();
        let mut back = Vec::new();
        for index in 0..beat_count(packet.len()) {
            append(&mut back, beat(&packet, index));
        }
        assert_eq!(back.len(), 48);
        assert_eq!(back[..37], packet[..]);
        assert_eq!(back[37..], [0; 11]);
    }
}
