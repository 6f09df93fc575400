//! PEM text, read as Gloo reads it: by the rules of Go's `encoding/pem`.
//!
//! Code of our own, since which blocks count and which are passed over is what decides whether
//! Gloo takes a Secret, and since readers for PEM leave copies of keys in memory.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// What a text holds.
pub(super) struct Pem {
    /// The blocks that can be read, in their order.
    pub(super) blocks: Vec<Block>,
    /// Whether there is anything else, such as a block that cannot be read.
    pub(super) has_other_text: bool,
}

/// One block.
pub(super) struct Block {
    pub(super) label: String,
    /// Whether it has headers (RFC 1421), as keys with a passphrase have in the old format.
    pub(super) has_headers: bool,
    pub(super) der: Zeroizing<Vec<u8>>,
}

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const DASHES: &[u8] = b"-----";

impl Pem {
    pub(super) fn read(text: &[u8]) -> Self {
        let lines: Vec<_> = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end).collect();
        let ends: Vec<_> = (0..lines.len()).filter(|line| lines[*line].starts_with(END)).collect();
        let mut pem = Self { blocks: Vec::new(), has_other_text: false };
        let mut at = 0;
        while let Some(line) = lines.get(at) {
            let Some(label) = label_of(line, BEGIN) else {
                pem.has_other_text |= !line.is_empty();
                at += 1;
                continue;
            };
            let headers = lines[at + 1..].iter().take_while(|line| line.contains(&b':')).count();
            let body = at + 1 + headers;
            // Behind headers there is at least one line, if only an empty one.
            let first = body + usize::from(headers > 0);
            let end = ends.get(ends.partition_point(|end| *end < first)).copied();
            let block = end.and_then(|end| Block::read(label, headers > 0, &lines[body..=end]));
            match (block, end) {
                (Some(block), Some(end)) => {
                    pem.blocks.push(block);
                    at = end + 1;
                }
                _ => {
                    pem.has_other_text = true;
                    at = body;
                }
            }
        }
        pem
    }

    pub(super) fn certificates(&self) -> impl Iterator<Item = &Block> {
        self.blocks.iter().filter(|block| block.is_certificate())
    }

    /// The labels, as Go prints a list of them. One of no common form is not shown: it may be
    /// anything.
    pub(super) fn labels(&self) -> String {
        let common = |label: &str| {
            let fits =
                |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b' ';
            label.len() <= 32 && label.bytes().all(fits)
        };
        let shown = |block: &Block| match common(&block.label) {
            true => block.label.clone(),
            false => "...".to_owned(),
        };
        format!("[{}]", self.blocks.iter().map(shown).collect::<Vec<_>>().join(" "))
    }
}

/// The label on a line that begins or ends a block.
fn label_of<'a>(line: &'a [u8], start: &[u8]) -> Option<&'a [u8]> {
    line.strip_prefix(start)?.strip_suffix(DASHES)
}

impl Block {
    /// Reads the lines behind the headers, of which the last ends the block.
    fn read(label: &[u8], has_headers: bool, lines: &[&[u8]]) -> Option<Self> {
        let (end, body) = lines.split_last()?;
        if label_of(end, END) != Some(label) {
            return None;
        }
        let room = body.iter().map(|line| line.len()).sum();
        let mut text = Zeroizing::new(Vec::with_capacity(room));
        let bytes = body.iter().copied().flatten().filter(|byte| !b" \t\r".contains(byte));
        text.extend(bytes);
        let label = String::from_utf8_lossy(label).into_owned();
        Some(Self { label, has_headers, der: decode(&text)? })
    }

    pub(super) fn is_certificate(&self) -> bool {
        self.label == "CERTIFICATE"
    }

    pub(super) fn is_key(&self) -> bool {
        self.label == "PRIVATE KEY" || self.label.ends_with(" PRIVATE KEY")
    }

    /// Whether there is a passphrase on it.
    pub(super) fn is_encrypted(&self) -> bool {
        self.has_headers || self.label.contains("ENCRYPTED")
    }
}

/// Decodes base64 without leaving a copy.
pub(super) fn decode(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(vec![0; base64::decoded_len_estimate(text.len())]);
    let length = STANDARD.decode_slice(text, &mut bytes).ok()?;
    bytes.truncate(length);
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The labels of the blocks, and whether there is other text.
    fn read(text: &str) -> (Vec<String>, bool) {
        let pem = Pem::read(text.as_bytes());
        let label = |block: &Block| format!("{}:{}", block.label, block.der.len());
        (pem.blocks.iter().map(label).collect(), pem.has_other_text)
    }

    #[test]
    fn blocks_are_found_where_go_finds_them() {
        #[rustfmt::skip]
        let table: &[(&str, &[&str], bool)] = &[
            ("", &[], false),
            ("/etc/tls/tls.crt", &[], true),
            ("-----BEGIN A-----\nAAAA\n-----END A-----", &["A:3"], false),
            ("-----BEGIN A-----\r\nAA\r\nAA\r\n-----END A-----\r\n", &["A:3"], false),
            ("x\n-----BEGIN A-----\nAAAA\n-----END A-----\ny", &["A:3"], true),
            ("-----BEGIN A-----\nAAAA\n-----END A-----\n-----BEGIN B-----\nAAAA\n-----END B-----\n",
             &["A:3", "B:3"], false),
            // Indented as YAML does by mistake.
            (" -----BEGIN A-----\n AAAA\n -----END A-----", &[], true),
            ("-----BEGIN A-----\n AA\tAA \n-----END A-----  \n", &["A:3"], false),
            ("-----BEGIN A-----\n-----END A-----\n", &["A:0"], false),
            ("-----BEGIN A-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END A-----\n", &["A:3"], false),
            ("-----BEGIN A-----\nAAAA\n-----END B-----\n", &[], true),
            ("-----BEGIN A-----\nAA!A\n-----END A-----\n", &[], true),
            ("-----BEGIN A-----\nAAA\n-----END A-----\n", &[], true),
            ("-----BEGIN A-----\nAAAA\n", &[], true),
            ("-----BEGIN A-----", &[], true),
            ("-----BEGIN A----\nAAAA\n-----END A-----\n", &[], true),
            // A block that cannot be read does not take the next one with it.
            ("-----BEGIN A-----\n-----BEGIN A-----\nAAAA\n-----END A-----\n", &["A:3"], true),
            ("-----BEGIN A-----\\nAAAA\\n-----END A-----", &[], true),
        ];
        for (text, blocks, other) in table {
            let blocks: Vec<_> = blocks.iter().map(ToString::to_string).collect();
            assert_eq!(read(text), (blocks, *other), "{text:?}");
        }
    }

    #[test]
    fn hostile_text_is_read_in_no_time() {
        let begins = "-----BEGIN A-----\n".repeat(60_000);
        let ends = "-----END B-----\n".repeat(60_000);
        let headers = format!("-----BEGIN A-----\n{}", "a: b\n".repeat(200_000));
        let begun = std::time::Instant::now();
        for text in
            [&begins, &(begins.clone() + "-----END B-----"), &(begins.clone() + &ends), &headers]
        {
            assert!(Pem::read(text.as_bytes()).blocks.is_empty());
        }
        assert!(begun.elapsed().as_secs() < 10);
    }

    #[test]
    fn odd_labels_are_not_shown() {
        let odd = "-----BEGIN \u{1b}[31m-----\nAAAA\n-----END \u{1b}[31m-----\n";
        let plain = "-----BEGIN RSA PUBLIC KEY-----\nAAAA\n-----END RSA PUBLIC KEY-----\n";
        let pem = Pem::read(format!("{odd}{plain}").as_bytes());
        assert_eq!(pem.labels(), "[... RSA PUBLIC KEY]");
    }
}
