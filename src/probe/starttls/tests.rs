use proptest::prelude::*;

use super::*;

/// What the server says, turn by turn, and what the client answers to each.
type Script = &'static [(&'static [u8], &'static [u8])];

/// Plays a script; the last turn of the client's is followed by TLS.
fn play(protocol: StartTls, script: Script, piece: usize) -> Result<Vec<u8>, StartTlsError> {
    let mut dialogue = Dialogue::new(protocol, "mail.example");
    let mut sent = dialogue.opening();
    for (index, (theirs, ours)) in script.iter().enumerate() {
        let mut turn = Turn::Theirs;
        for part in theirs.chunks(piece) {
            assert_eq!(turn, Turn::Theirs, "{protocol} answers before all is said");
            turn = dialogue.push(part)?;
        }
        let expected = match index + 1 == script.len() {
            true => Turn::Tls(ours.to_vec()),
            false => Turn::Ours(ours.to_vec()),
        };
        assert_eq!(turn, expected, "{protocol}");
        sent.extend_from_slice(ours);
    }
    Ok(sent)
}

const MYSQL_GREETING: &[u8] =
    b"\x4a\0\0\0\x0a8.0.36\0\x08\0\0\0abcdefgh\0\xff\xff\xff\x02\0\xff\xdf\
    \x15\0\0\0\0\0\0\0\0\0\0ijklmnopqrst\0caching_sha2_password\0";
const MYSQL_REQUEST: &[u8] =
    b"\x20\0\0\x01\0\x8a\x08\0\0\0\0\x01\x2d\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\
    \0\0\0\0\0\0\0\0";
const XMPP_HEADER: &[u8] = b"<?xml version='1.0'?><stream:stream xmlns='jabber:client' \
    xmlns:stream='http://etherx.jabber.org/streams' id='1' from='mail.example' version='1.0'>\
    <stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>\
    <mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/></stream:features>";
const XMPP_STARTTLS: &[u8] = b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>";
const XMPP_PROCEED: &[u8] = b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>";

fn scripts() -> Vec<(StartTls, Script)> {
    vec![
        (StartTls::Postgres, &[(b"S", b"")]),
        (StartTls::Mysql, &[(MYSQL_GREETING, MYSQL_REQUEST)]),
        (
            StartTls::Smtp,
            &[
                (b"220-mail.example\r\n220 ready\r\n", b"EHLO cipher-test.invalid\r\n"),
                (b"250-mail.example\r\n250-SIZE 1000\r\n250 starttls\r\n", b"STARTTLS\r\n"),
                (b"220 go ahead\r\n", b""),
            ],
        ),
        (
            StartTls::Lmtp,
            &[
                (b"220 mail.example\r\n", b"LHLO cipher-test.invalid\r\n"),
                (b"250-mail.example\r\n250-STARTTLS\r\n250 8BITMIME\r\n", b"STARTTLS\r\n"),
                (b"220 2.0.0\r\n", b""),
            ],
        ),
        (
            StartTls::Imap,
            &[
                (b"* OK ready\r\n", b"a CAPABILITY\r\n"),
                (b"* CAPABILITY IMAP4rev1 STARTTLS\r\na OK done\r\n", b"b STARTTLS\r\n"),
                (b"* 1 EXISTS\r\nb OK begin\r\n", b""),
            ],
        ),
        (
            StartTls::Imap,
            &[
                (b"* OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED] hi\r\n", b"b STARTTLS\r\n"),
                (b"b OK begin\r\n", b""),
            ],
        ),
        (StartTls::Pop3, &[(b"+OK ready\r\n", b"STLS\r\n"), (b"+OK begin\r\n", b"")]),
        (
            StartTls::Ldap,
            &[(
                b"\x30\x24\x02\x01\x01\x78\x1f\x0a\x01\0\x04\0\x04\0\x8a\x161.3.6.1.4.1.1466.20037",
                b"",
            )],
        ),
        (StartTls::Xmpp, &[(XMPP_HEADER, XMPP_STARTTLS), (XMPP_PROCEED, b"")]),
        (StartTls::XmppServer, &[(XMPP_HEADER, XMPP_STARTTLS), (XMPP_PROCEED, b"")]),
        (
            StartTls::Ftp,
            &[
                (b"120 soon\r\n220-Welcome\r\n  220 all\r\n220 ready\r\n", b"AUTH TLS\r\n"),
                (b"234 AUTH TLS successful\r\n", b""),
            ],
        ),
    ]
}

#[test]
fn every_protocol_leads_to_tls_however_its_messages_are_cut() {
    for (protocol, script) in scripts() {
        for piece in [1, 2, 3, 7, 4096] {
            let sent = play(protocol, script, piece);
            assert!(sent.is_ok(), "{protocol} in pieces of {piece}: {sent:?}");
        }
    }
    let tried: Vec<_> = scripts().into_iter().map(|(protocol, _)| protocol).collect();
    assert!(StartTls::ALL.iter().all(|protocol| tried.contains(protocol)));
}

#[test]
fn who_speaks_first_is_as_the_protocol_says() {
    for (protocol, starts) in [
        (StartTls::Postgres, &b"\0\0\0\x08\x04\xd2\x16\x2f"[..]),
        (StartTls::Ldap, b"\x30\x1d\x02\x01\x01\x77"),
        (StartTls::Xmpp, b"<?xml version='1.0'?><stream:stream xmlns='jabber:client' "),
        (StartTls::XmppServer, b"<?xml version='1.0'?><stream:stream xmlns='jabber:server' "),
    ] {
        let opening = Dialogue::new(protocol, "a<b").opening();
        assert!(opening.starts_with(starts), "{protocol}: {opening:?}");
        assert!(!String::from_utf8_lossy(&opening).contains("a<b"));
    }
    assert!(Dialogue::new(StartTls::Smtp, "").opening().is_empty());
}

#[test]
fn refusals_say_what_the_server_said() {
    use StartTls as P;
    #[rustfmt::skip]
    let table: [(P, &[&[u8]], &str); 24] = [
        (P::Smtp, &[b"554 no\r\n"], "the SMTP server answers the connection with '554 no'"),
        (P::Smtp, &[b"220 a\r\n", b"250 a\r\n"], "the SMTP server does not offer STARTTLS"),
        (P::Smtp, &[b"220 a\r\n", b"250-STARTTLS\r\n250 HELP\r\n"], "the SMTP server does not offer STARTTLS"),
        (P::Smtp, &[b"220 a\r\n", b"250-a\r\n250 STARTTLS\r\n", b"454 4.7.0 TLS not available\r\n"],
            "the SMTP server answers STARTTLS with '454 4.7.0 TLS not available'"),
        (P::Smtp, &[b"SSH-2.0-OpenSSH\r\n"], "the server is no SMTP server: it says 'SSH-2.0-OpenSSH'"),
        (P::Lmtp, &[b"220 a\r\n", b"500 what?\r\n"], "the LMTP server answers LHLO with '500 what?'"),
        (P::Imap, &[b"* BYE busy\r\n"], "the IMAP server answers the connection with '* BYE busy'"),
        (P::Imap, &[b"* PREAUTH hi\r\n"], "the IMAP server answers the connection with '* PREAUTH hi'"),
        (P::Imap, &[b"* OK\r\n", b"* CAPABILITY IMAP4rev1\r\na OK\r\n"], "the IMAP server does not offer STARTTLS"),
        (P::Imap, &[b"* OK\r\n", b"* CAPABILITY STARTTLS\r\na OK\r\n", b"b NO later\r\n"],
            "the IMAP server answers STARTTLS with 'b NO later'"),
        (P::Imap, &[b"220 a\r\n"], "the server is no IMAP server: it says '220 a'"),
        (P::Pop3, &[b"+OK\r\n", b"-ERR unknown\r\n"], "the POP3 server does not offer STLS: it answers '-ERR unknown'"),
        (P::Pop3, &[b"+OK\r\n", b"-ERR [SYS/TEMP] later\r\n"], "the POP3 server answers STLS with '-ERR [SYS/TEMP] later'"),
        (P::Ftp, &[b"220 a\r\n", b"530 Log in first\r\n"], "the FTP server does not offer AUTH TLS: it answers '530 Log in first'"),
        (P::Ftp, &[b"421 full\r\n"], "the FTP server answers the connection with '421 full'"),
        (P::Postgres, &[b"N"], "the PostgreSQL server does not offer TLS"),
        (P::Postgres, &[b"E\0\0\0\x1bSFATAL\0MToo many\0C53300\0\0"], "the PostgreSQL server answers SSLRequest with 'Too many'"),
        (P::Postgres, &[b"HTTP/1.1 400\r\n"], "the server is no PostgreSQL server: it says 'HTTP/1.1 400'"),
        (P::Mysql, &[b"\x17\0\0\0\xff\x10\x04Too many connections"], "the MySQL server answers the connection with 'Too many connections'"),
        (P::Mysql, &[b"220 a\r\n"], "the server is no MySQL server: it says '220 a'"),
        (P::Ldap, &[b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x02\x04\0\x04\0"], "the LDAP server does not offer StartTLS: it answers 'result code 2'"),
        (P::Ldap, &[b"\x30\x10\x02\x01\x01\x78\x0b\x0a\x01\x34\x04\0\x04\x04busy"], "the LDAP server answers StartTLS with 'result code 52, busy'"),
        (P::Xmpp, &[b"<stream:stream xmlns:stream='http://etherx.jabber.org/streams'><stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>"],
            "the XMPP server answers the stream with 'host-unknown'"),
        (P::Xmpp, &[b"<stream:stream xmlns:stream='http://etherx.jabber.org/streams'><stream:features/>"],
            "the XMPP server does not offer STARTTLS"),
    ];
    for (protocol, turns, words) in table {
        let mut dialogue = Dialogue::new(protocol, "mail.example");
        let error = turns.iter().find_map(|turn| dialogue.push(turn).err());
        assert_eq!(error.map(|error| error.to_string()).as_deref(), Some(words), "{turns:?}");
    }
}

#[test]
fn tls_from_the_first_byte_is_recognised_under_every_protocol() {
    for protocol in StartTls::ALL {
        let error = Dialogue::new(protocol, "").push(b"\x15\x03\x01\0\x02\x02\x28").unwrap_err();
        assert_eq!(error.fault, StartTlsFault::IsTls, "{protocol}");
    }
}

#[test]
fn what_is_said_after_the_answer_is_not_taken_for_tls() {
    for (protocol, script) in scripts() {
        let mut dialogue = Dialogue::new(protocol, "mail.example");
        let (last, before) = script.split_last().unwrap();
        for (theirs, _) in before {
            dialogue.push(theirs).unwrap();
        }
        let error = dialogue.push(&[last.0, b"injected\r\n"].concat()).unwrap_err();
        assert_eq!(error.fault, StartTlsFault::OutOfTurn, "{protocol}");
    }
}

#[test]
fn a_server_that_talks_without_end_is_left() {
    let mut dialogue = Dialogue::new(StartTls::Smtp, "");
    let error = (0..).find_map(|_| dialogue.push(b"220-more and more\r\n").err()).unwrap();
    assert_eq!(error.fault, StartTlsFault::OutOfTurn);
}

#[test]
fn a_connection_that_ends_within_the_first_line_was_of_something_else() {
    let ended = StartTlsFault::Ended;
    let mut dialogue = Dialogue::new(StartTls::Smtp, "");
    assert_eq!(dialogue.broken_off(ended.clone()).fault, ended);
    dialogue.push(b"no line").unwrap();
    let words = dialogue.broken_off(ended.clone()).to_string();
    assert_eq!(words, "the server is no SMTP server: it says 'no line'");
    let mut dialogue = Dialogue::new(StartTls::Smtp, "");
    dialogue.push(b"220 hello\r\n").unwrap();
    assert_eq!(dialogue.broken_off(ended.clone()).fault, ended);
}

#[test]
fn what_servers_say_is_short_and_printable() {
    assert_eq!(excerpt(b"a\x1b[31m\xff'\"\r\nb"), "a\\x1b[31m\\xff'\"");
    assert!(excerpt(&[7; 1000]).len() <= 103);
}

#[test]
fn names_are_read_back() {
    for protocol in StartTls::ALL {
        assert_eq!(protocol.name().parse(), Ok(protocol));
    }
    let error = "telnet".parse::<StartTls>().unwrap_err().to_string();
    assert!(error.starts_with("write one of postgres, mysql"), "{error}");
}

proptest! {
    #[test]
    fn bytes_of_any_kind_end_without_panic(
        index in 0..StartTls::ALL.len(),
        pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 0..20),
    ) {
        let mut dialogue = Dialogue::new(StartTls::ALL[index], "mail.example");
        for piece in pieces {
            match dialogue.push(&piece) {
                Ok(Turn::Theirs | Turn::Ours(_)) => {}
                Ok(Turn::Tls(_)) => break,
                Err(error) => {
                    prop_assert!(error.to_string().len() < 400);
                    prop_assert!(error.to_string().is_ascii());
                    break;
                }
            }
        }
    }

    /// One byte of a good talk changed: a refusal, a wait or TLS, and the same in all pieces.
    #[test]
    fn damaged_answers_do_no_harm(
        index in 0..11_usize, at in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let (protocol, script) = scripts()[index];
        let mut dialogue = Dialogue::new(protocol, "mail.example");
        let mut turns: Vec<_> = script.iter().map(|(theirs, _)| theirs.to_vec()).collect();
        let turn = at.index(turns.len());
        let place = at.index(turns[turn].len());
        turns[turn][place] = byte;
        for theirs in &turns {
            if dialogue.push(theirs).is_err() {
                break;
            }
        }
    }
}
