//! `cipher-test report`: reports that were kept, shown again, and those of many runs as one.
//!
//! Reads its input twice, so that no more than one target is in memory: once to see which answers
//! count, once to print them.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, StdoutLock, Write};
use std::path::Path;

use super::NO_ANSWER;
use super::args::{ReportArgs, StoredFix, StoredFormat};
use super::input::STDIN;
use super::settings::choose_color;
use crate::report::overview::Overview;
use crate::report::stored::{
    Choice, Entry, JsonWriter, Place, Repeat, StoredError, fit_to_show, line, read,
};
use crate::report::v1::{Report, Summary, Target};
use crate::report::{classic, table, terminal};
use crate::trial::printable;

/// How many messages of a kind are printed one by one.
const TOLD: usize = 20;
/// How much is read at once.
const BUFFER: usize = 1 << 16;

pub(super) fn run(args: &ReportArgs) -> Result<u8, String> {
    choose_color(args.color);
    let mut complaints = Complaints::default();
    let mut sources = Vec::new();
    for path in &args.files {
        match Source::open(path) {
            Ok(source) => sources.push(source),
            Err(error) => complaints.tell(&error),
        }
    }
    let choice = choose(&mut sources, &mut complaints);
    complaints.finish();
    let Some(worst) = choice.worst() else {
        return match complaints.faults {
            0 => Err("there is no target in the input".to_owned()),
            _ => Ok(NO_ANSWER),
        };
    };
    let exit_code = if complaints.faults > 0 { NO_ANSWER } else { worst.1 };
    match print(args, &mut sources, &choice, (worst.0, exit_code)) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            return Err(format!("cannot write the result: {error}"));
        }
        _ => {}
    }
    Ok(exit_code)
}

/// One file of the input, as long as it was when it was first read.
struct Source {
    name: String,
    file: File,
    length: u64,
}

impl Source {
    fn open(path: &Path) -> Result<Self, String> {
        let is_stdin = path.as_os_str() == STDIN;
        let name = if is_stdin { "stdin".to_owned() } else { path.display().to_string() };
        let opened = if is_stdin { kept(io::stdin().lock()) } else { open(path) };
        let file =
            opened.map_err(|error| format!("{name}: it cannot be read: {}", plain(&error)))?;
        Ok(Self { name, file, length: u64::MAX })
    }

    /// All that is in it, with the line where it begins.
    fn read(&mut self, mut take: impl FnMut(u64, Entry)) {
        if let Err(error) = self.file.rewind() {
            return take(0, Entry::Broken(StoredError::Unreadable(plain(&error))));
        }
        let input = (&self.file).take(self.length);
        read(BufReader::with_capacity(BUFFER, input), take);
        // A run may still be writing; what comes later is not read the second time either.
        self.length = self.file.stream_position().unwrap_or(self.length);
    }
}

/// A file that can be read twice.
fn open(path: &Path) -> io::Result<File> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    if metadata.is_file() { Ok(file) } else { kept(file) }
}

/// What can be read only once, in a file without a name.
fn kept(mut input: impl Read) -> io::Result<File> {
    let cannot = |error: io::Error| {
        let words = format!("no place to keep it for a second reading: {}", plain(&error));
        io::Error::other(words + "; TMPDIR names another")
    };
    let mut file = tempfile::tempfile().map_err(cannot)?;
    io::copy(&mut input, &mut file).map_err(cannot)?;
    Ok(file)
}

/// An error without the number that Rust appends.
fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_lowercase()
}

/// What is wrong with the input, on stderr, but not without end.
#[derive(Default)]
struct Complaints {
    faults: usize,
    repeats: usize,
    words: usize,
}

impl Complaints {
    fn tell(&mut self, message: &str) {
        self.faults += 1;
        if self.faults <= TOLD {
            tell!("cipher-test: {}", printable(message));
        }
    }

    fn tell_repeat(&mut self, target: &str, names: &[String], repeat: Repeat) {
        self.repeats += 1;
        if self.repeats <= TOLD {
            let at = |place: Place| format!("{} line {}", names[place.file], place.line);
            let (kept, dropped) = (at(repeat.kept), at(repeat.dropped));
            let message = format!("{target} is there twice: {kept} counts, {dropped} does not");
            tell!("cipher-test: {}", printable(&message));
        }
    }

    /// What a run had to say is said again, but not its summary.
    fn tell_words(&mut self, source: &str, line: u64, words: &str) {
        self.words += 1;
        if let Some(message) = words.strip_prefix("cipher-test: ")
            && self.words <= TOLD
        {
            tell!("cipher-test: {} line {line} says: {message}", printable(source));
        }
    }

    fn finish(&self) {
        if self.words > 0 {
            let noun = if self.words == 1 { "line is words" } else { "lines are words" };
            tell!("cipher-test: {} {noun} and no report", self.words);
        }
        if self.faults > TOLD {
            tell!("cipher-test: and {} more that cannot be read", self.faults - TOLD);
        }
        if self.repeats > TOLD {
            tell!("cipher-test: and {} more that are there twice", self.repeats - TOLD);
        }
    }
}

fn choose(sources: &mut [Source], complaints: &mut Complaints) -> Choice {
    let mut choice = Choice::default();
    let names: Vec<_> = sources.iter().map(|source| source.name.clone()).collect();
    for (file, source) in sources.iter_mut().enumerate() {
        let mut ordinal = 0;
        source.read(|line, entry| match entry {
            Entry::Target(target) => {
                let place = Place { file, line, ordinal };
                ordinal += 1;
                if let Some(repeat) = choice.add(place, &target) {
                    complaints.tell_repeat(&target.target, &names, repeat);
                }
            }
            Entry::Words(words) => complaints.tell_words(&names[file], line, &words),
            Entry::Broken(fault) => complaints.tell(&format!("{}: {fault}", names[file])),
        });
    }
    choice
}

fn print(
    args: &ReportArgs,
    sources: &mut [Source],
    choice: &Choice,
    worst: (Summary, u8),
) -> io::Result<()> {
    let mut printer = Printer::new(args, worst)?;
    let mut result = Ok(());
    for (file, source) in sources.iter_mut().enumerate() {
        let mut ordinal = 0;
        source.read(|line, entry| {
            // All else was told at the first reading.
            let Entry::Target(target) = entry else { return };
            let place = Place { file, line, ordinal };
            ordinal += 1;
            if result.is_ok() && choice.keeps(place, &target) {
                result = printer.add(*target);
            }
        });
    }
    result?;
    printer.finish()
}

type Output = BufWriter<StdoutLock<'static>>;

/// Prints targets in the form that was asked for.
struct Printer<'a> {
    args: &'a ReportArgs,
    out: Out,
    overview: Overview,
    printed: usize,
}

/// Where targets go.
enum Out {
    Json(JsonWriter<Output>),
    Lines(Output),
}

impl<'a> Printer<'a> {
    fn new(args: &'a ReportArgs, worst: (Summary, u8)) -> io::Result<Self> {
        let out = BufWriter::with_capacity(BUFFER, io::stdout().lock());
        let out = match args.format {
            StoredFormat::Json => Out::Json(JsonWriter::begin(out, worst.0, worst.1)?),
            _ => Out::Lines(out),
        };
        Ok(Self { args, out, overview: Overview::default(), printed: 0 })
    }

    fn add(&mut self, target: Target) -> io::Result<()> {
        let out = match &mut self.out {
            Out::Json(writer) => return writer.add(&target),
            Out::Lines(out) => out,
        };
        if self.args.fix.is_none() && self.args.format == StoredFormat::Ndjson {
            return out.write_all(line(&Report::of(target.summary, vec![target])).as_bytes());
        }
        let target = fit_to_show(target);
        self.overview.add_target(&target);
        let (text, separator) = match (self.args.fix, self.args.format) {
            (Some(fix), _) => (fix_text(&target, fix), fix_separator(fix)),
            (None, StoredFormat::Table) => (table::row(&target), ""),
            (None, StoredFormat::Classic) => (classic::render_target(&target), "\n"),
            (None, _) => (terminal::render_target(&target, self.args.verbose), "\n"),
        };
        if text.is_empty() {
            return Ok(());
        }
        let separator = if self.printed > 0 { separator } else { "" };
        self.printed += 1;
        write!(out, "{separator}{text}")
    }

    fn finish(self) -> io::Result<()> {
        let mut out = match self.out {
            Out::Json(writer) => return writer.end(),
            Out::Lines(out) => out,
        };
        let has_numbers = matches!(self.args.format, StoredFormat::Text | StoredFormat::Table);
        if has_numbers && self.args.fix.is_none() && self.overview.targets() > 1 {
            write!(out, "\n{}", self.overview.render())?;
        }
        out.flush()
    }
}

/// The change alone; where there is none, a word on stderr and nothing here.
fn fix_text(target: &Target, fix: StoredFix) -> String {
    let name = printable(&target.target);
    let Some(remedy) = &target.remedy else {
        let reason = target.no_remedy.as_ref().or(target.unresolved.as_ref());
        match (target.summary, reason) {
            (Summary::Connects, _) => {
                tell!("cipher-test: {name}: Envoy connects, no patch is needed");
            }
            (_, Some(reason)) => tell!("cipher-test: {name}: no patch: {reason}"),
            (_, None) => tell!("cipher-test: {name}: no patch can be given"),
        }
        return String::new();
    };
    if fix != StoredFix::Upstream && remedy.replaces_hosts {
        tell!("cipher-test: {name}: the patch replaces all of spec.static.hosts by this host");
    }
    match fix {
        StoredFix::Upstream => remedy.upstream_yaml.clone(),
        StoredFix::Patch => remedy.merge_patch_yaml.clone(),
        StoredFix::Kubectl => format!("{}\n", remedy.kubectl_command),
    }
}

fn fix_separator(fix: StoredFix) -> &'static str {
    if fix == StoredFix::Kubectl { "" } else { "---\n" }
}
