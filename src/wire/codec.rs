//! Reading and writing integers and length-prefixed fields. Knows no message.

/// Why bytes could not be read or written.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// The bytes stop inside a field.
    #[error("the message ends inside {0}")]
    Truncated(&'static str),
    /// Bytes follow where the message should end.
    #[error("{count} bytes follow {field}")]
    Trailing {
        /// The field after which nothing should come.
        field: &'static str,
        /// How many bytes came.
        count: usize,
    },
    /// A field holds a value that its definition excludes.
    #[error("{0} has a value that it cannot have")]
    Illegal(&'static str),
    /// A peer sends more than any honest server would, or a field is too long to be encoded.
    #[error("{field} is longer than {limit} bytes")]
    TooLong {
        /// What is too long.
        field: &'static str,
        /// The most that is taken or that fits.
        limit: usize,
    },
    /// A handshake message came that has no place in a server's first flight.
    #[error("handshake message {0} is out of place")]
    UnexpectedMessage(u8),
    /// A record came that has no place in a server's first flight.
    #[error("record type {0} is out of place")]
    UnexpectedRecord(u8),
}

/// A cursor over bytes of a peer; every read is checked.
#[derive(Clone, Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn take(
        &mut self,
        count: usize,
        field: &'static str,
    ) -> Result<&'a [u8], WireError> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(WireError::Truncated(field))?;
        self.rest = rest;
        Ok(taken)
    }

    pub(super) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    pub(super) fn u8(&mut self, field: &'static str) -> Result<u8, WireError> {
        Ok(self.array::<1>(field)?[0])
    }

    pub(super) fn u16(&mut self, field: &'static str) -> Result<u16, WireError> {
        Ok(u16::from_be_bytes(self.array(field)?))
    }

    pub(super) fn array<const N: usize>(
        &mut self,
        field: &'static str,
    ) -> Result<[u8; N], WireError> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(WireError::Truncated(field))?;
        self.rest = rest;
        Ok(*taken)
    }

    fn u24(&mut self, field: &'static str) -> Result<usize, WireError> {
        let [high, middle, low] = self.array(field)?;
        Ok(usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low))
    }

    /// A field behind a length of one byte.
    pub(super) fn fenced8(&mut self, field: &'static str) -> Result<Reader<'a>, WireError> {
        let length = self.u8(field)?;
        Ok(Reader::new(self.take(length.into(), field)?))
    }

    /// A field behind a length of two bytes.
    pub(super) fn fenced16(&mut self, field: &'static str) -> Result<Reader<'a>, WireError> {
        let length = self.u16(field)?;
        Ok(Reader::new(self.take(length.into(), field)?))
    }

    /// A field behind a length of three bytes.
    pub(super) fn fenced24(&mut self, field: &'static str) -> Result<Reader<'a>, WireError> {
        let length = self.u24(field)?;
        Ok(Reader::new(self.take(length, field)?))
    }

    /// Ends the reading; bytes that are left over are an error.
    pub(super) fn finish(self, field: &'static str) -> Result<(), WireError> {
        match self.rest.len() {
            0 => Ok(()),
            count => Err(WireError::Trailing { field, count }),
        }
    }
}

/// Appends a length of `WIDTH` bytes and what `body` writes behind it.
pub(super) fn prefixed<const WIDTH: usize>(
    out: &mut Vec<u8>,
    field: &'static str,
    body: impl FnOnce(&mut Vec<u8>) -> Result<(), WireError>,
) -> Result<(), WireError> {
    let start = out.len();
    out.extend_from_slice(&[0; WIDTH]);
    body(out)?;
    let length = out.len() - start - WIDTH;
    let limit = (1usize << (8 * WIDTH)) - 1;
    if length > limit {
        return Err(WireError::TooLong { field, limit });
    }
    let bytes = length.to_be_bytes();
    out[start..start + WIDTH].copy_from_slice(&bytes[bytes.len() - WIDTH..]);
    Ok(())
}

/// Appends 16-bit numbers, big-endian.
pub(super) fn put_u16s(out: &mut Vec<u8>, numbers: impl IntoIterator<Item = u16>) {
    for number in numbers {
        out.extend_from_slice(&number.to_be_bytes());
    }
}
