//! LDAP (RFC 4511 §4.14): an ExtendedRequest, and its response in BER.

use x509_parser::asn1_rs::{Any, Class, FromBer, Tag};

use super::{StartTlsFault, Step, Talk, excerpt, other};

/// LDAPMessage 1: an ExtendedRequest of 1.3.6.1.4.1.1466.20037.
const REQUEST: &[u8] = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037";
/// The application tag of ExtendedResponse.
const EXTENDED_RESPONSE: Tag = Tag(24);
/// Result codes (RFC 4511, appendix A.1).
const SUCCESS: u8 = 0;
const PROTOCOL_ERROR: u8 = 2;

#[derive(Debug)]
pub(super) struct Ldap;

impl Talk for Ldap {
    fn opening(&self) -> Vec<u8> {
        REQUEST.to_vec()
    }

    fn step(&mut self, input: &[u8]) -> Result<Step, StartTlsFault> {
        if input[0] != 0x30 {
            return Err(other(input));
        }
        let (rest, message) = match Any::from_ber(input) {
            Ok(read) => read,
            Err(error) if error.is_incomplete() => return Ok(Step::wait()),
            Err(_) => return Err(other(input)),
        };
        let (code, text) = response(message.data).ok_or_else(|| other(input))?;
        match code {
            SUCCESS => Ok(Step::tls(input.len() - rest.len())),
            // What a server says that does not know the operation (RFC 4511 §4.14.2).
            PROTOCOL_ERROR => Err(StartTlsFault::NotOffered { answer: Some(text) }),
            _ => Err(StartTlsFault::Refused { to: "StartTLS", answer: text }),
        }
    }
}

/// The result code of a message's ExtendedResponse, and code and diagnostic in words.
fn response(message: &[u8]) -> Option<(u8, String)> {
    let (rest, _id) = Any::from_ber(message).ok()?;
    let (_, response) = Any::from_ber(rest).ok()?;
    if response.class() != Class::Application || response.tag() != EXTENDED_RESPONSE {
        return None;
    }
    let (rest, code) = Any::from_ber(response.data).ok()?;
    let (rest, _matched_dn) = Any::from_ber(rest).ok()?;
    let (_, diagnostic) = Any::from_ber(rest).ok()?;
    let &[code] = code.data else { return None };
    let text = match diagnostic.data {
        [] => format!("result code {code}"),
        words => format!("result code {code}, {}", excerpt(words)),
    };
    Some((code, text))
}
