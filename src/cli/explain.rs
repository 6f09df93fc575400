//! `cipher-test explain`: texts from arguments, files and stdin, in; what they mean, out.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Read};
use std::path::Path;

use super::NO_ANSWER;
use super::args::{Explain, ExplainFormat};
use super::output::print_all;
use super::settings::choose_color;
use crate::gloo::symptom::{Explained, Explainer, LONGEST_LINE};
use crate::report::explain::{json, terminal};

pub(super) fn run(args: &Explain) -> Result<u8, String> {
    choose_color(args.color);
    let mut input = Input {
        explainer: Explainer::new().map_err(|error| error.to_string())?,
        cut_lines: 0,
        faults: Vec::new(),
    };
    input.take_all(args);
    let explained = input.explainer.finish();
    for fault in &input.faults {
        tell!("cipher-test: {fault}");
    }
    tell_what_is_left_out(&explained, input.cut_lines);
    if explained.explanations.is_empty() {
        if matches!(args.format, ExplainFormat::Json) {
            print_all(&json::render(&explained))?;
        }
        return match input.faults.is_empty() {
            true => Err(nothing_known(args, explained.lines)),
            false => Ok(NO_ANSWER),
        };
    }
    let code = print_all(&match args.format {
        ExplainFormat::Text => terminal::render(&explained),
        ExplainFormat::Json => json::render(&explained),
    })?;
    Ok(if input.faults.is_empty() { code } else { NO_ANSWER })
}

/// Reads one input after the other. What cannot be read is told, and the rest is read.
struct Input {
    explainer: Explainer,
    cut_lines: u64,
    faults: Vec<String>,
}

impl Input {
    fn take_all(&mut self, args: &Explain) {
        for text in &args.texts {
            match text.as_str() {
                "-" => self.take_stdin(),
                text => self.take("an argument", text.as_bytes()),
            }
        }
        for path in &args.files {
            self.take_file(path);
        }
        if args.texts.is_empty() && args.files.is_empty() {
            self.take_stdin();
        }
    }

    fn take_stdin(&mut self) {
        let stdin = io::stdin();
        if stdin.is_terminal() {
            tell!("cipher-test: reading from the terminal; Ctrl-D ends it");
        }
        self.take("stdin", stdin.lock());
    }

    fn take_file(&mut self, path: &Path) {
        match File::open(path) {
            Ok(file) => self.take(&path.display().to_string(), BufReader::new(file)),
            Err(error) => self.faults.push(format!("cannot read {}: {error}", path.display())),
        }
    }

    fn take(&mut self, name: &str, mut reader: impl BufRead) {
        let mut line = Vec::new();
        loop {
            match next_line(&mut reader, &mut line) {
                Ok(Line::End) => break,
                Ok(Line::Whole) => self.explainer.line(&line),
                Ok(Line::Cut) => {
                    self.cut_lines += 1;
                    self.explainer.line(&line);
                }
                Err(error) => {
                    self.faults.push(format!("cannot read {name} to its end: {error}"));
                    break;
                }
            }
        }
        self.explainer.end_of_input();
    }
}

/// What reading one line came to.
enum Line {
    End,
    Whole,
    Cut,
}

/// Reads up to the next newline, keeping at most [`LONGEST_LINE`] bytes.
fn next_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<Line> {
    line.clear();
    let longest = LONGEST_LINE as u64;
    if reader.by_ref().take(longest).read_until(b'\n', line)? == 0 {
        return Ok(Line::End);
    }
    if line.len() < LONGEST_LINE || line.ends_with(b"\n") {
        return Ok(Line::Whole);
    }
    let mut rest = Vec::new();
    let mut cut = false;
    while reader.by_ref().take(longest).read_until(b'\n', &mut rest)? > 0 {
        cut |= rest.iter().any(|byte| *byte != b'\n');
        if rest.ends_with(b"\n") {
            break;
        }
        rest.clear();
    }
    Ok(if cut { Line::Cut } else { Line::Whole })
}

/// What the result does not show.
fn tell_what_is_left_out(explained: &Explained, cut_lines: u64) {
    if cut_lines > 0 {
        tell!(
            "cipher-test: lines longer than 1 MiB were read only up to there: {cut_lines} in all"
        );
    }
    if explained.others > 0 {
        tell!(
            "cipher-test: {} more were counted and are not shown: too many different clusters",
            explained.others
        );
    }
    if explained.unknown_lines > 0 && !explained.explanations.is_empty() {
        let (unknown, lines) = (explained.unknown_lines, explained.lines);
        tell!("cipher-test: {unknown} of {lines} lines say nothing that is known here");
    }
}

fn nothing_known(args: &Explain, lines: u64) -> String {
    if let Some(file) = args.texts.iter().find(|text| *text != "-" && Path::new(text).is_file()) {
        return format!("nothing is known of the text '{file}'; to read a file: --file {file}");
    }
    let what = match lines {
        0 => "there is no text",
        _ => "nothing in the text is known here",
    };
    format!(
        "{what}: give a 503 body, lines of the access log, of the proxy or of gloo, counters, \
         glooctl check, or an Upstream's status"
    )
}
