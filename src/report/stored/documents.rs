//! Where a document of a stream begins and ends, without reading what is in it.

use std::io::{self, BufRead, Read};

/// Cuts a stream into documents: a document begins with a line that begins with anything but
/// space or a closing bracket, and goes on to the next such line. That holds for one document a
/// line, for one over many indented lines, and after half a line of a run that was killed.
pub(super) struct Documents<R> {
    input: R,
    /// How many lines have ended.
    lines: u64,
    at_line_start: bool,
}

impl<R: BufRead> Documents<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, lines: 0, at_line_start: true }
    }

    /// Goes to the next document, past what is left of this one. Returns the number of its first
    /// line, counted from 1, and its first byte.
    pub(super) fn next(&mut self) -> io::Result<Option<(u64, u8)>> {
        loop {
            let available = self.input.fill_buf()?;
            let Some(&first) = available.first() else { return Ok(None) };
            if self.at_line_start && !goes_on(first) {
                return Ok(Some((self.lines + 1, first)));
            }
            let length = line_length(available);
            self.consume(length);
        }
    }

    /// The bytes of the document that [`Self::next`] went to.
    pub(super) fn document(&mut self) -> Document<'_, R> {
        Document { documents: self, begun: false }
    }

    /// Takes bytes of one line.
    fn consume(&mut self, length: usize) {
        let available = self.input.fill_buf().unwrap_or_default();
        let ended = length > 0 && available.get(length - 1) == Some(&b'\n');
        self.at_line_start = ended || (self.at_line_start && length == 0);
        self.lines += u64::from(ended);
        self.input.consume(length);
    }
}

/// Whether a line that begins so belongs to the document before it.
fn goes_on(first: u8) -> bool {
    first.is_ascii_whitespace() || matches!(first, b'}' | b']')
}

/// How many bytes there are of the line, with its end.
fn line_length(available: &[u8]) -> usize {
    let end = available.iter().position(|byte| *byte == b'\n');
    end.map_or(available.len(), |end| end + 1)
}

/// The bytes of one document.
pub(super) struct Document<'a, R> {
    documents: &'a mut Documents<R>,
    begun: bool,
}

impl<R: BufRead> Read for Document<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let documents = &mut *self.documents;
        let available = documents.input.fill_buf()?;
        let Some(&first) = available.first() else { return Ok(0) };
        if self.begun && documents.at_line_start && !goes_on(first) {
            return Ok(0);
        }
        let length = line_length(available).min(buffer.len());
        buffer[..length].copy_from_slice(&available[..length]);
        documents.consume(length);
        self.begun |= length > 0;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str, capacity: usize) -> Vec<(u64, String)> {
        let mut documents = Documents::new(io::BufReader::with_capacity(capacity, text.as_bytes()));
        let mut all = Vec::new();
        while let Some((line, _)) = documents.next().unwrap() {
            let mut document = String::new();
            documents.document().read_to_string(&mut document).unwrap();
            all.push((line, document));
        }
        all
    }

    #[test]
    fn documents_end_where_the_next_begins() {
        let pretty = "{\n  \"a\": [\n    1\n  ]\n}\n";
        #[rustfmt::skip]
        let table: [(&str, &[(u64, &str)]); 6] = [
            ("",                      &[]),
            ("\n \n",                 &[]),
            ("{1}\n{2}\n",            &[(1, "{1}\n"), (2, "{2}\n")]),
            ("{1}\n\n{\"cut\n{3}",    &[(1, "{1}\n\n"), (3, "{\"cut\n"), (4, "{3}")]),
            ("\0\0\n{2}\nx\n",        &[(1, "\0\0\n"), (2, "{2}\n"), (3, "x\n")]),
            (pretty,                  &[(1, pretty)]),
        ];
        for (text, expected) in table {
            for capacity in [1, 3, 64] {
                let documents = cut(text, capacity);
                let documents: Vec<_> =
                    documents.iter().map(|(line, text)| (*line, text.as_str())).collect();
                assert_eq!(documents, expected, "{text:?} by {capacity}");
            }
        }
    }

    #[test]
    fn what_is_not_read_of_a_document_is_passed_over() {
        let mut documents = Documents::new(io::BufReader::new(&b"{1\n 2}\n{3}\n"[..]));
        assert_eq!(documents.next().unwrap(), Some((1, b'{')));
        documents.document().read_exact(&mut [0]).unwrap();
        assert_eq!(documents.next().unwrap(), Some((3, b'{')));
    }
}
