//! As much HTTP/1.1 as a server needs that gives everybody the same answer.
//!
//! Bytes in, an opinion out; the sockets are elsewhere. RFC 9112 §2 and §3.

/// What a server that doesn't speak TLS says to a ClientHello, and to anything else that is no
/// request. Worded as nginx does it, for that is what people meet.
pub(super) const BAD_REQUEST: &[u8] = b"HTTP/1.1 400 Bad Request\r\n\
    Content-Type: text/html\r\n\
    Content-Length: 95\r\n\
    Connection: close\r\n\
    \r\n\
    <html><head><title>400 Bad Request</title></head><body><h1>400 Bad Request</h1></body>\
    </html>\r\n";

/// What every request gets.
pub(super) const OK: &[u8] = b"HTTP/1.1 200 OK\r\n\
    Content-Type: text/plain\r\n\
    Content-Length: 17\r\n\
    Connection: close\r\n\
    \r\n\
    cipher-test demo\n";

/// What the bytes that came so far are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Request {
    /// The beginning of a request, perhaps.
    Partial,
    /// A request line and all header lines.
    Complete,
    /// No HTTP/1 request, whatever follows.
    Malformed,
}

/// Judges what came so far, as early as it can: a ClientHello has no line end to wait for.
pub(super) fn judge(bytes: &[u8]) -> Request {
    let line = bytes.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let method = line.split(|&byte| byte == b' ').next().unwrap_or_default();
    let upper_case = method.iter().all(u8::is_ascii_uppercase);
    let whole_line = line.len() < bytes.len();
    if !upper_case || (whole_line && !is_request_line(line)) {
        Request::Malformed
    } else if bytes.windows(4).any(|window| window == b"\r\n\r\n") {
        Request::Complete
    } else {
        Request::Partial
    }
}

/// Method, target and an HTTP/1 version with single blanks between them.
fn is_request_line(line: &[u8]) -> bool {
    let parts: Vec<_> = line.trim_ascii_end().split(|&byte| byte == b' ').collect();
    let [method, target, version] = parts[..] else { return false };
    !method.is_empty() && !target.is_empty() && version.starts_with(b"HTTP/1.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn judges_requests_as_soon_as_it_can() {
        #[rustfmt::skip]
        let table: [(&[u8], Request); 11] = [
            (b"",                                          Request::Partial),
            (b"GE",                                        Request::Partial),
            (b"GET / HT",                                  Request::Partial),
            (b"GET / HTTP/1.1\r\nHost: x\r\n",             Request::Partial),
            (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",         Request::Complete),
            (b"POST /a HTTP/1.0\r\n\r\nbody",              Request::Complete),
            (b"\x16\x03\x01",                              Request::Malformed),
            (b"get / HTTP/1.1\r\n",                        Request::Malformed),
            (b"GET /\r\n",                                 Request::Malformed),
            (b"\r\n",                                      Request::Malformed),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",          Request::Malformed),
        ];
        for (bytes, expected) in table {
            assert_eq!(judge(bytes), expected, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn answers_state_their_own_length() {
        for answer in [BAD_REQUEST, OK] {
            let answer = str::from_utf8(answer).unwrap();
            let (head, body) = answer.split_once("\r\n\r\n").unwrap();
            assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())), "{answer}");
        }
    }
}
