//! A server's first flight, put together from bytes as they come.

use super::codec::{Reader, WireError};
use super::messages::{CertificateRequest, ServerHello, ServerKeyExchange, decode_certificates};
use super::plain::PlainProtocol;
use crate::tls::{Alert, AlertDescription, AlertLevel, TlsVersion};

/// The most that a record may hold, with what old servers add (RFC 5246 §6.2.3).
const RECORD_LIMIT: usize = (1 << 14) + 2048;
/// The most that one handshake message may hold: chains of dozens of large certificates fit.
const MESSAGE_LIMIT: usize = 128 * 1024;
/// The most that is read of a flight.
const FLIGHT_LIMIT: usize = 256 * 1024;
/// Records without content and warnings that are read past before a server counts as babbling.
const IDLE_LIMIT: usize = 32;

/// What a server said in its first flight, as far as it was read.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Flight {
    /// Alerts that did not end the connection, such as unrecognized_name.
    pub warnings: Vec<Alert>,
    /// The fatal alert, if one came.
    pub alert: Option<Alert>,
    /// The ServerHello or HelloRetryRequest.
    pub server_hello: Option<ServerHello>,
    /// The chain in DER, leaf first (in clear up to TLS 1.2).
    pub certificates: Vec<Vec<u8>>,
    /// The ServerKeyExchange (up to TLS 1.2).
    pub server_key_exchange: Option<ServerKeyExchange>,
    /// The CertificateRequest (in clear up to TLS 1.2).
    pub certificate_request: Option<CertificateRequest>,
}

/// How far a flight has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Progress {
    /// More must be read to know the server's answer.
    Reading,
    /// The ServerHello is there; more of the flight may follow in clear.
    Selected,
    /// The flight is complete: ServerHelloDone, or in TLS 1.3 the ServerHello.
    Complete,
    /// A fatal alert ended it.
    Alert,
    /// The answer is not TLS.
    NotTls(PlainProtocol),
}

/// Reads a first flight from bytes in whatever pieces they arrive.
#[derive(Clone, Debug, Default)]
pub struct FlightReader {
    flight: Flight,
    complete: bool,
    records: Vec<u8>,
    messages: Vec<u8>,
    total: usize,
    idle: usize,
    seen_record: bool,
}

impl FlightReader {
    /// A reader that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What was read so far.
    #[must_use]
    pub fn flight(&self) -> &Flight {
        &self.flight
    }

    /// Gives up what was read so far.
    #[must_use]
    pub fn into_flight(self) -> Flight {
        self.flight
    }

    /// How many bytes have arrived.
    #[must_use]
    pub fn bytes_read(&self) -> usize {
        self.total
    }

    /// Takes the next bytes and says how far the flight has come.
    ///
    /// # Errors
    ///
    /// [`WireError`] if the answer is TLS that contradicts itself or never ends.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Progress, WireError> {
        self.total += bytes.len();
        if self.total > FLIGHT_LIMIT {
            return Err(WireError::TooLong {
                field: "the server's first flight",
                limit: FLIGHT_LIMIT,
            });
        }
        self.records.extend_from_slice(bytes);
        if !self.seen_record && !looks_like_tls(&self.records) {
            return Ok(Progress::NotTls(PlainProtocol::recognise(&self.records)));
        }
        while self.flight.alert.is_none() && !self.complete && self.next_record()? {}
        Ok(self.progress())
    }

    fn progress(&self) -> Progress {
        if self.flight.alert.is_some() {
            Progress::Alert
        } else if self.complete {
            Progress::Complete
        } else if self.flight.server_hello.is_some() {
            Progress::Selected
        } else {
            Progress::Reading
        }
    }

    /// Reads one record if all of it is there.
    fn next_record(&mut self) -> Result<bool, WireError> {
        let Some(&[kind, major, _, high, low]) = self.records.first_chunk() else {
            return Ok(false);
        };
        if major != 3 {
            return Err(WireError::Illegal("the version of a record"));
        }
        let length = usize::from(u16::from_be_bytes([high, low]));
        if length > RECORD_LIMIT {
            return Err(WireError::TooLong { field: "a record", limit: RECORD_LIMIT });
        }
        if self.records.len() < 5 + length {
            return Ok(false);
        }
        let record: Vec<u8> = self.records.drain(..5 + length).skip(5).collect();
        self.seen_record = true;
        self.read_record(kind, &record)?;
        Ok(true)
    }

    fn read_record(&mut self, kind: u8, content: &[u8]) -> Result<(), WireError> {
        const CHANGE_CIPHER_SPEC: u8 = 20;
        const ALERT: u8 = 21;
        const HANDSHAKE: u8 = 22;
        match kind {
            ALERT => self.read_alert(content),
            HANDSHAKE if content.is_empty() => self.count_idle(),
            HANDSHAKE => {
                self.messages.extend_from_slice(content);
                while !self.complete && self.next_message()? {}
                Ok(())
            }
            CHANGE_CIPHER_SPEC => self.count_idle(),
            other => Err(WireError::UnexpectedRecord(other)),
        }
    }

    fn count_idle(&mut self) -> Result<(), WireError> {
        self.idle += 1;
        if self.idle > IDLE_LIMIT {
            return Err(WireError::TooLong {
                field: "a run of records that say nothing",
                limit: IDLE_LIMIT,
            });
        }
        Ok(())
    }

    fn read_alert(&mut self, content: &[u8]) -> Result<(), WireError> {
        let mut reader = Reader::new(content);
        let alert = Alert {
            level: AlertLevel(reader.u8("an alert")?),
            description: AlertDescription(reader.u8("an alert")?),
        };
        if alert.is_warning() {
            self.flight.warnings.push(alert);
            return self.count_idle();
        }
        self.flight.alert = Some(alert);
        Ok(())
    }

    /// Reads one handshake message if all of it is there.
    fn next_message(&mut self) -> Result<bool, WireError> {
        let Some(&[kind, high, middle, low]) = self.messages.first_chunk() else {
            return Ok(false);
        };
        let length = usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low);
        if length > MESSAGE_LIMIT {
            return Err(WireError::TooLong { field: "a handshake message", limit: MESSAGE_LIMIT });
        }
        if self.messages.len() < 4 + length {
            return Ok(false);
        }
        let body: Vec<u8> = self.messages.drain(..4 + length).skip(4).collect();
        self.read_message(kind, &body)?;
        Ok(true)
    }

    fn read_message(&mut self, kind: u8, body: &[u8]) -> Result<(), WireError> {
        const HELLO_REQUEST: u8 = 0;
        const SERVER_HELLO: u8 = 2;
        const CERTIFICATE: u8 = 11;
        const SERVER_KEY_EXCHANGE: u8 = 12;
        const CERTIFICATE_REQUEST: u8 = 13;
        const SERVER_HELLO_DONE: u8 = 14;
        const CERTIFICATE_STATUS: u8 = 22;
        const SUPPLEMENTAL_DATA: u8 = 23;
        let Some(hello) = &self.flight.server_hello else {
            return match kind {
                SERVER_HELLO => self.read_server_hello(body),
                HELLO_REQUEST => self.count_idle(),
                other => Err(WireError::UnexpectedMessage(other)),
            };
        };
        let (version, suite) = (hello.version, hello.cipher_suite);
        match kind {
            CERTIFICATE => self.flight.certificates = decode_certificates(body)?,
            SERVER_KEY_EXCHANGE => {
                let exchange = ServerKeyExchange::decode(body, version, suite)?;
                self.flight.server_key_exchange = Some(exchange);
            }
            CERTIFICATE_REQUEST => {
                let request = CertificateRequest::decode(body, version)?;
                self.flight.certificate_request = Some(request);
            }
            SERVER_HELLO_DONE => self.complete = true,
            HELLO_REQUEST | CERTIFICATE_STATUS | SUPPLEMENTAL_DATA => self.count_idle()?,
            other => return Err(WireError::UnexpectedMessage(other)),
        }
        Ok(())
    }

    /// In TLS 1.3 all that follows the ServerHello is encrypted, so the flight ends here.
    fn read_server_hello(&mut self, body: &[u8]) -> Result<(), WireError> {
        let hello = ServerHello::decode(body)?;
        self.complete = hello.retry || hello.version >= TlsVersion::TLS13;
        self.flight.server_hello = Some(hello);
        Ok(())
    }
}

/// Whether the answer can be the start of a TLS record: content type, then major version 3.
fn looks_like_tls(bytes: &[u8]) -> bool {
    match bytes {
        [] => true,
        [kind] => matches!(kind, 20..=24),
        [kind, major, ..] => matches!(kind, 20..=24) && *major == 3,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tls::{CipherSuite, Group};

    fn record(kind: u8, content: &[u8]) -> Vec<u8> {
        let mut bytes = vec![kind, 3, 3];
        bytes.extend(u16::try_from(content.len()).unwrap().to_be_bytes());
        bytes.extend(content);
        bytes
    }

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let mut bytes = vec![kind];
        bytes.extend(&u32::try_from(body.len()).unwrap().to_be_bytes()[1..]);
        bytes.extend(body);
        bytes
    }

    fn server_hello_body() -> Vec<u8> {
        [&[3, 3][..], &[9; 32], &[0, 0xc0, 0x2f, 0]].concat()
    }

    /// ServerHello, Certificate, ServerKeyExchange, CertificateRequest, ServerHelloDone.
    fn messages() -> Vec<u8> {
        [
            message(2, &server_hello_body()),
            message(11, &[0, 0, 4, 0, 0, 1, 0xaa]),
            message(12, &[3, 0, 0x17, 1, 4, 8, 4, 0, 0]),
            message(13, &[1, 1, 0, 0, 0, 0]),
            message(14, &[]),
        ]
        .concat()
    }

    fn check_complete(reader: &FlightReader) {
        let flight = reader.flight();
        assert_eq!(flight.server_hello.as_ref().unwrap().cipher_suite, CipherSuite(0xc02f));
        assert_eq!(flight.certificates, [[0xaa]]);
        assert_eq!(flight.server_key_exchange.as_ref().unwrap().group, Some(Group::SECP256R1));
        assert!(flight.certificate_request.is_some());
    }

    #[test]
    fn one_record_holds_all_messages() {
        let mut reader = FlightReader::new();
        assert_eq!(reader.push(&record(22, &messages())), Ok(Progress::Complete));
        check_complete(&reader);
    }

    #[test]
    fn messages_may_be_cut_anywhere_into_records() {
        for size in 1..40 {
            let mut reader = FlightReader::new();
            let mut progress = Progress::Reading;
            for piece in messages().chunks(size) {
                progress = reader.push(&record(22, piece)).unwrap();
            }
            assert_eq!(progress, Progress::Complete, "records of {size} bytes");
            check_complete(&reader);
        }
    }

    #[test]
    fn warnings_are_read_past() {
        let bytes = [record(21, &[1, 112]), record(22, &messages())].concat();
        let mut reader = FlightReader::new();
        assert_eq!(reader.push(&bytes), Ok(Progress::Complete));
        assert_eq!(reader.flight().warnings[0].description, AlertDescription::UNRECOGNIZED_NAME);
    }

    #[test]
    fn a_fatal_alert_ends_the_flight() {
        let mut reader = FlightReader::new();
        assert_eq!(reader.push(&record(21, &[2, 40])), Ok(Progress::Alert));
        assert_eq!(reader.flight().alert.unwrap().to_string(), "alert handshake_failure");
    }

    #[test]
    fn endless_warnings_are_given_up() {
        let mut reader = FlightReader::new();
        let result = (0..100).try_for_each(|_| reader.push(&record(21, &[1, 112])).map(drop));
        assert!(matches!(result, Err(WireError::TooLong { .. })));
    }

    #[test]
    fn a_message_that_announces_too_much_is_given_up() {
        let mut reader = FlightReader::new();
        let result = reader.push(&record(22, &[2, 2, 0, 1]));
        assert!(matches!(result, Err(WireError::TooLong { field: "a handshake message", .. })));
    }

    #[test]
    fn endless_messages_are_given_up() {
        let mut reader = FlightReader::new();
        reader.push(&record(22, &message(2, &server_hello_body()))).unwrap();
        let chain = message(11, &[&[0, 0x3f, 0xf0, 0, 0x3f, 0xed][..], &[0; 0x3fed]].concat());
        let result = (0..100).try_for_each(|_| reader.push(&record(22, &chain)).map(drop));
        assert!(matches!(result, Err(WireError::TooLong { .. })));
    }

    #[test]
    fn other_protocols_are_named() {
        let mut reader = FlightReader::new();
        let progress = reader.push(b"HTTP/1.1 400 Bad Request\r\n");
        assert_eq!(progress, Ok(Progress::NotTls(PlainProtocol::Http1)));
    }

    #[test]
    fn data_before_the_hello_is_an_error() {
        let mut reader = FlightReader::new();
        assert_eq!(reader.push(&record(23, b"x")), Err(WireError::UnexpectedRecord(23)));
    }

    #[test]
    fn tls13_ends_with_the_server_hello() {
        let body = [server_hello_body(), vec![0, 6, 0, 0x2b, 0, 2, 3, 4]].concat();
        let bytes = [record(22, &message(2, &body)), record(23, &[0; 50])].concat();
        let mut reader = FlightReader::new();
        assert_eq!(reader.push(&bytes), Ok(Progress::Complete));
    }

    proptest! {
        #[test]
        fn any_bytes_in_any_pieces_never_panic_and_agree(
            bytes in proptest::collection::vec(any::<u8>(), 0..600),
            header in any::<bool>(),
            cut in 0usize..600,
        ) {
            let mut bytes = bytes;
            if header && bytes.len() >= 9 {
                let length = u16::try_from(bytes.len() - 5).unwrap();
                bytes[0] = 22;
                bytes[1] = 3;
                bytes[3..5].copy_from_slice(&length.to_be_bytes());
                bytes[5] = 2;
                let body = u8::try_from(bytes.len().min(100) - 9).unwrap();
                bytes[6..9].copy_from_slice(&[0, 0, body]);
            }
            let mut whole = FlightReader::new();
            let at_once = whole.push(&bytes);
            let mut pieces = FlightReader::new();
            let (first, second) = bytes.split_at(cut.min(bytes.len()));
            let mut result = pieces.push(first);
            if matches!(result, Ok(Progress::Reading | Progress::Selected)) {
                result = pieces.push(second);
                if !matches!(at_once, Ok(Progress::NotTls(_))) {
                    prop_assert_eq!(result, at_once);
                }
            }
        }
    }
}
