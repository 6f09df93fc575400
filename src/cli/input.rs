//! Files and directories to documents.

use std::fs::File;
use std::io::{self, BufRead, Read, stdin};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::gloo::{Document, DocumentError, read};

/// The name of standard input, on the command line and in messages.
pub(super) const STDIN: &str = "-";
/// How deep directories are read.
const DEEPEST: usize = 32;

/// Reads standard input document by document.
///
/// # Errors
///
/// In words, if there is none.
pub(super) fn read_stdin(take: impl FnMut(Result<Document, DocumentError>)) -> Result<(), String> {
    // Not by way of Rust's own reader, whose buffer is never wiped.
    let input = stdin().as_fd().try_clone_to_owned();
    let input = input.map_err(|error| format!("stdin: it cannot be read: {}", plain(&error)))?;
    read("stdin", WipedReader::new(File::from(input)), take);
    Ok(())
}

/// Bytes on their way from a file, which are wiped behind their reader: they may be a key.
struct WipedReader {
    file: File,
    buffer: Zeroizing<Vec<u8>>,
    unread: std::ops::Range<usize>,
}

impl WipedReader {
    fn new(file: File) -> Self {
        Self { file, buffer: Zeroizing::new(vec![0; 64 * 1024]), unread: 0..0 }
    }
}

impl Read for WipedReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let count = available.len().min(buffer.len());
        buffer[..count].copy_from_slice(&available[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for WipedReader {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.unread.is_empty() {
            self.unread = 0..self.file.read(&mut self.buffer)?;
        }
        Ok(&self.buffer[self.unread.clone()])
    }

    fn consume(&mut self, count: usize) {
        self.unread.start = self.unread.end.min(self.unread.start + count);
    }
}

/// Reads a file, or all of a directory that may hold resources, in order.
///
/// # Errors
///
/// In words with the path, what cannot be opened; what could be read before was handed on.
pub(super) fn read_path(
    path: &Path,
    mut take: impl FnMut(Result<Document, DocumentError>),
) -> Result<(), String> {
    let paths = files_under(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut first_error = Ok(());
    for path in paths {
        let name = path.display().to_string();
        match File::open(&path) {
            Ok(file) => read(&name, WipedReader::new(file), &mut take),
            Err(error) => {
                let error = format!("{name}: it cannot be read: {}", plain(&error));
                first_error = first_error.and(Err(error));
            }
        }
    }
    first_error
}

/// The file itself, or all of a directory that may hold resources, in order.
fn files_under(path: &Path) -> Result<Vec<PathBuf>, String> {
    let words = |error: &dyn std::fmt::Display| format!("it cannot be read: {}", plain(error));
    let metadata = std::fs::metadata(path).map_err(|error| words(&error))?;
    if !metadata.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let entries = walkdir::WalkDir::new(path)
        .max_depth(DEEPEST)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(|entry| entry.depth() == 0 || !is_hidden(entry.file_name()));
    let mut paths = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| words(&error))?;
        if entry.file_type().is_file() && may_hold_resources(entry.path()) {
            paths.push(entry.into_path());
        }
    }
    Ok(paths)
}

fn is_hidden(name: &std::ffi::OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

fn may_hold_resources(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| {
        ["yaml", "yml", "json"].iter().any(|known| extension.eq_ignore_ascii_case(known))
    })
}

/// An error without the number that Rust appends.
fn plain(error: &dyn std::fmt::Display) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_lowercase()
}
