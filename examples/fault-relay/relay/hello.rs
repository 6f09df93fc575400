//! What a relay has to know of a ClientHello (RFC 5246 §7.4.1.2, RFC 8446 §4.1.2).

/// The parts of a ClientHello that faults depend on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct ClientHello {
    /// The length of the message with its header of 4 bytes, without that of the record.
    pub(super) bytes: usize,
    pub(super) suites: Vec<u16>,
    /// The numbers of its extensions, in order.
    pub(super) extensions: Vec<u16>,
}

impl ClientHello {
    /// Reads a record that holds a whole ClientHello; `None` for anything else.
    pub(super) fn read(record: &[u8]) -> Option<Self> {
        let (header, message) = record.split_at_checked(5)?;
        if header[0] != 0x16 || *message.first()? != 0x01 {
            return None;
        }
        let mut rest = message.get(4 + 2 + 32..)?;
        vector(&mut rest, 1)?;
        let suites = vector(&mut rest, 2)?;
        vector(&mut rest, 1)?;
        let mut extensions = Vec::new();
        let mut block = vector(&mut rest, 2).unwrap_or_default();
        while let Some((number, after)) = block.split_first_chunk::<2>() {
            extensions.push(u16::from_be_bytes(*number));
            block = after;
            vector(&mut block, 2)?;
        }
        let suites = suites.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
        Some(Self { bytes: message.len(), suites: suites.collect(), extensions })
    }
}

/// Takes what a length of `width` bytes, 1 or 2, stands in front of.
fn vector<'a>(rest: &mut &'a [u8], width: usize) -> Option<&'a [u8]> {
    let (length, after) = rest.split_at_checked(width)?;
    let length = length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
    let (content, after) = after.split_at_checked(length)?;
    *rest = after;
    Some(content)
}
