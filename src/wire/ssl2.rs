//! SSL 2.0, as far as it takes to see whether a server still speaks it.
//!
//! The SSL Protocol (Hickman, Netscape, February 1995, draft-hickman-netscape-ssl-00), §1.1 for
//! the records, §2.5 and §2.6 for the messages. RFC 6176 forbids to negotiate it.

use std::fmt;

use super::codec::{Reader, WireError, prefixed, put_u16s};
use crate::tls::{Alert, AlertDescription, AlertLevel};

const VERSION: u16 = 0x0002;
const MESSAGE_ERROR: u8 = 0;
const MESSAGE_CLIENT_HELLO: u8 = 1;
const MESSAGE_SERVER_HELLO: u8 = 4;
/// Marks a record with a header of two bytes, the only one that carries unencrypted messages.
const TWO_BYTE_HEADER: u8 = 0x80;
/// The most cipher kinds of an answer that are kept; seven are defined.
const MOST_CIPHERS: usize = 64;

/// A cipher kind of SSL 2.0: three bytes, as a number.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Ssl2Cipher(pub u32);

#[rustfmt::skip]
const CIPHERS: [(u32, &str); 7] = [
    (0x01_0080, "SSL_CK_RC4_128_WITH_MD5"),
    (0x02_0080, "SSL_CK_RC4_128_EXPORT40_WITH_MD5"),
    (0x03_0080, "SSL_CK_RC2_128_CBC_WITH_MD5"),
    (0x04_0080, "SSL_CK_RC2_128_CBC_EXPORT40_WITH_MD5"),
    (0x05_0080, "SSL_CK_IDEA_128_CBC_WITH_MD5"),
    (0x06_0040, "SSL_CK_DES_64_CBC_WITH_MD5"),
    (0x07_00c0, "SSL_CK_DES_192_EDE3_CBC_WITH_MD5"),
];

impl Ssl2Cipher {
    /// The name in the specification, or `None` for a number without one.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        CIPHERS.iter().find(|(number, _)| *number == self.0).map(|(_, name)| *name)
    }
}

impl fmt::Display for Ssl2Cipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => f.pad(&format!("0x{:06x}", self.0)),
        }
    }
}

/// A CLIENT-HELLO that offers every cipher kind, in one record, ready to send.
///
/// # Errors
///
/// None in practice: the length of the message fits its header.
pub fn ssl2_client_hello(challenge: &[u8; 16]) -> Result<Vec<u8>, WireError> {
    const CIPHER_BYTES: u16 = CIPHERS.len() as u16 * 3;
    const CHALLENGE_BYTES: u16 = 16;
    let mut record = Vec::new();
    prefixed::<2>(&mut record, "the CLIENT-HELLO of SSL 2.0", |out| {
        out.push(MESSAGE_CLIENT_HELLO);
        put_u16s(out, [VERSION, CIPHER_BYTES, 0, CHALLENGE_BYTES]);
        for (number, _) in CIPHERS {
            out.extend_from_slice(&number.to_be_bytes()[1..]);
        }
        out.extend_from_slice(challenge);
        Ok(())
    })?;
    record[0] |= TWO_BYTE_HEADER;
    Ok(record)
}

/// What a server answered to a hello of SSL 2.0.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Ssl2Answer {
    /// It speaks SSL 2.0.
    Hello(Ssl2ServerHello),
    /// It speaks SSL 2.0 and refuses with an ERROR message of this code.
    Error(u16),
    /// It refuses with an alert of SSL 3.0 or TLS.
    Alert(Alert),
    /// It answers with something else.
    Other,
}

/// The SERVER-HELLO.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Ssl2ServerHello {
    /// The certificate in DER; empty if there is none.
    pub certificate: Vec<u8>,
    /// The cipher kinds that the server takes.
    pub ciphers: Vec<Ssl2Cipher>,
}

impl Ssl2Answer {
    /// Reads the answer from the bytes that came so far; `None` until there are enough of them.
    ///
    /// # Errors
    ///
    /// [`WireError`] if the answer begins like SSL 2.0 and contradicts itself. It never asks for
    /// more than the 32769 bytes of one record.
    pub fn read(bytes: &[u8]) -> Result<Option<Self>, WireError> {
        match bytes {
            [] => Ok(None),
            [first, ..] if first & TWO_BYTE_HEADER != 0 => read_record(bytes),
            [21, ..] => read_alert(bytes),
            _ => Ok(Some(Self::Other)),
        }
    }
}

fn read_record(bytes: &[u8]) -> Result<Option<Ssl2Answer>, WireError> {
    let Some((&[high, low], rest)) = bytes.split_first_chunk() else { return Ok(None) };
    let length = usize::from(high & !TWO_BYTE_HEADER) << 8 | usize::from(low);
    // What has the high bit set by chance shows so in its first byte.
    if length == 0 || rest.first().is_some_and(|kind| !is_answer(*kind)) {
        return Ok(Some(Ssl2Answer::Other));
    }
    let Some(message) = rest.get(..length) else { return Ok(None) };
    let mut reader = Reader::new(message);
    match reader.u8("the message of SSL 2.0")? {
        MESSAGE_ERROR => Ok(Some(Ssl2Answer::Error(reader.u16("the error of SSL 2.0")?))),
        _ => Ssl2ServerHello::decode(reader.rest()).map(|hello| Some(Ssl2Answer::Hello(hello))),
    }
}

fn is_answer(kind: u8) -> bool {
    matches!(kind, MESSAGE_ERROR | MESSAGE_SERVER_HELLO)
}

fn read_alert(bytes: &[u8]) -> Result<Option<Ssl2Answer>, WireError> {
    match *bytes {
        [_, major, ..] if major != 3 => Ok(Some(Ssl2Answer::Other)),
        [_, _, _, 0, 2, level, description, ..] => {
            let (level, description) = (AlertLevel(level), AlertDescription(description));
            Ok(Some(Ssl2Answer::Alert(Alert { level, description })))
        }
        [_, _, _, high, low, ..] if (high, low) != (0, 2) => Ok(Some(Ssl2Answer::Other)),
        _ => Ok(None),
    }
}

impl Ssl2ServerHello {
    /// Reads the message without its first byte: session id hit 1, certificate type 1, version 2,
    /// lengths of certificate, cipher kinds and connection id 2 each, then these.
    ///
    /// # Errors
    ///
    /// [`WireError`] if lengths contradict each other, or the version is another one.
    pub fn decode(body: &[u8]) -> Result<Self, WireError> {
        const FIELD: &str = "the SERVER-HELLO of SSL 2.0";
        let mut reader = Reader::new(body);
        reader.take(2, FIELD)?;
        if reader.u16(FIELD)? != VERSION {
            return Err(WireError::Illegal("the version of a SERVER-HELLO of SSL 2.0"));
        }
        let certificate = usize::from(reader.u16(FIELD)?);
        let ciphers = usize::from(reader.u16(FIELD)?);
        let connection_id = usize::from(reader.u16(FIELD)?);
        if ciphers % 3 != 0 {
            return Err(WireError::Illegal("the length of the cipher kinds of SSL 2.0"));
        }
        let certificate = reader.take(certificate, FIELD)?.to_vec();
        let ciphers = reader.take(ciphers, FIELD)?.chunks_exact(3).take(MOST_CIPHERS);
        let number = |kind: &[u8]| kind.iter().fold(0, |all, byte| all << 8 | u32::from(*byte));
        let ciphers = ciphers.map(|kind| Ssl2Cipher(number(kind))).collect();
        reader.take(connection_id, FIELD)?;
        reader.finish(FIELD)?;
        Ok(Self { certificate, ciphers })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A SERVER-HELLO in its record.
    fn server_hello(certificate: &[u8], ciphers: &[u32]) -> Vec<u8> {
        let length = |count: usize| u16::try_from(count).unwrap().to_be_bytes();
        let mut message = vec![4, 0, u8::from(!certificate.is_empty()), 0, 2];
        message.extend(length(certificate.len()));
        message.extend(length(ciphers.len() * 3));
        message.extend(length(16));
        message.extend(certificate);
        ciphers.iter().for_each(|kind| message.extend(&kind.to_be_bytes()[1..]));
        message.extend([7; 16]);
        let mut record = length(message.len()).to_vec();
        record[0] |= 0x80;
        record.extend(message);
        record
    }

    #[test]
    fn the_hello_is_laid_out_as_specified() {
        let hello = ssl2_client_hello(&[0xaa; 16]).unwrap();
        let head = [0x80, 46, 1, 0, 2, 0, 21, 0, 0, 0, 16, 1, 0, 0x80];
        assert_eq!(hello[..head.len()], head);
        assert_eq!(hello[hello.len() - 19..hello.len() - 16], [7, 0, 0xc0]);
        assert_eq!(hello.len(), 48);
    }

    #[test]
    fn a_server_hello_shows_certificate_and_cipher_kinds() {
        let bytes = server_hello(&[0x30, 0], &[0x01_0080, 0x07_00c0, 0x12_3456]);
        let Ok(Some(Ssl2Answer::Hello(hello))) = Ssl2Answer::read(&bytes) else {
            panic!("no hello")
        };
        assert_eq!(hello.certificate, [0x30, 0]);
        let names: Vec<_> = hello.ciphers.iter().map(ToString::to_string).collect();
        let expected = ["SSL_CK_RC4_128_WITH_MD5", "SSL_CK_DES_192_EDE3_CBC_WITH_MD5", "0x123456"];
        assert_eq!(names, expected);
    }

    #[test]
    fn other_answers_are_told_apart() {
        let alert = |level, description| {
            let (level, description) = (AlertLevel(level), AlertDescription(description));
            Some(Ssl2Answer::Alert(Alert { level, description }))
        };
        #[rustfmt::skip]
        let table: [(&[u8], Option<Ssl2Answer>); 12] = [
            (&[0x80, 3, 0, 0, 1],         Some(Ssl2Answer::Error(1))),
            (&[21, 3, 1, 0, 2, 2, 70],    alert(2, 70)),
            (&[21, 3, 0, 0, 2, 1, 0],     alert(1, 0)),
            (&[21, 3, 0, 0, 2, 2],        None),
            (&[21, 3, 0, 0, 9, 2],        Some(Ssl2Answer::Other)),
            (&[21, 9, 0],                 Some(Ssl2Answer::Other)),
            (&[22, 3, 3, 0, 1],           Some(Ssl2Answer::Other)),
            (b"HTTP/1.1 400",             Some(Ssl2Answer::Other)),
            (&[0x80],                     None),
            (&[0x80, 0],                  Some(Ssl2Answer::Other)),
            (&[0xff, 0xfb, 0x18],         Some(Ssl2Answer::Other)),
            (&[],                         None),
        ];
        for (bytes, expected) in table {
            assert_eq!(Ssl2Answer::read(bytes), Ok(expected), "{bytes:?}");
        }
    }

    #[test]
    fn a_hello_that_contradicts_itself_is_an_error() {
        let good = server_hello(&[1, 2, 3], &[0x01_0080]);
        // Version, length of the cipher kinds, length of the connection id.
        for (place, value) in [(6, 3), (10, 2), (12, 99), (12, 15)] {
            let mut bad = good.clone();
            bad[place] = value;
            assert!(Ssl2Answer::read(&bad).is_err(), "{place}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            certificate in proptest::collection::vec(any::<u8>(), 0..2000),
            ciphers in proptest::collection::vec(0u32..0x0100_0000, 0..20),
            cut in 0usize..2000,
        ) {
            let bytes = server_hello(&certificate, &ciphers);
            let Ok(Some(Ssl2Answer::Hello(hello))) = Ssl2Answer::read(&bytes) else {
                panic!("no hello")
            };
            let numbers: Vec<_> = hello.ciphers.iter().map(|kind| kind.0).collect();
            prop_assert_eq!(numbers, ciphers);
            prop_assert_eq!(hello.certificate, certificate);
            if cut < bytes.len() {
                prop_assert_eq!(Ssl2Answer::read(&bytes[..cut]), Ok(None));
            }
        }

        #[test]
        fn any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Ssl2Answer::read(&bytes);
            let mut bytes = bytes;
            if let Some((count, head)) = bytes.len().checked_sub(2).zip(bytes.first_chunk_mut::<3>()) {
                *head = [0x80 | u8::try_from(count >> 8).unwrap(), (count & 0xff) as u8, 4];
                prop_assert!(!matches!(Ssl2Answer::read(&bytes), Ok(None)));
            }
        }
    }
}
