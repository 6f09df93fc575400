//! What goes to stdout, and when.

use std::fs::File;
use std::io::{self, Write};

use super::args::{Fix, Format, SchemaKind};
use super::diagnose::NO_STARTTLS;
use super::settings::Settings;
use crate::remedy::product::{Note, Product, Unsettable};
use crate::remedy::{Change, Names, kubectl_command, merge_patch, replaces_hosts, upstream};
use crate::report::schema::{Shape, schema};
use crate::report::{Diagnosis, classic, json, terminal};
use crate::verdict::Summary;

/// Prints results in the form that was asked for.
pub(super) struct Printer<'a> {
    settings: &'a Settings,
    /// JSON is one document, so results wait for the last.
    kept: Vec<Diagnosis>,
    printed: usize,
    /// How many changes were printed.
    fixes: usize,
    /// Where lines go, if not to stdout.
    file: Option<File>,
}

impl<'a> Printer<'a> {
    pub(super) fn new(settings: &'a Settings) -> Self {
        Self { settings, kept: Vec::new(), printed: 0, fixes: 0, file: None }
    }

    /// Says once that several changes go by one name, so that the last would win.
    fn warn_of_names(&mut self, fix: &str) {
        self.fixes += usize::from(!fix.is_empty());
        if self.fixes == 2 && !fix.is_empty() {
            tell!(
                "cipher-test: warning: several targets need a change, and all changes are for the \
                 name {}: ask for one target at a time, with --upstream-name",
                self.settings.names.upstream
            );
        }
    }

    /// The same, with its results going to this file.
    pub(super) fn to(self, file: Option<File>) -> Self {
        Self { file, ..self }
    }

    /// Whether results are printed in the order in which they are found.
    pub(super) fn takes_any_order(&self) -> bool {
        matches!(self.settings.format, Format::Ndjson) && self.settings.fix.is_none()
    }

    /// Takes the next result; returns what went wrong on stdout, if anything did.
    pub(super) fn add(&mut self, diagnosis: Diagnosis) -> Option<io::Error> {
        if let Some(fix) = self.settings.fix {
            let text = self.fix(fix, &diagnosis);
            self.warn_of_names(&text);
            return self.print(&text);
        }
        if matches!(self.settings.format, Format::Json) {
            self.kept.push(diagnosis);
            return None;
        }
        if matches!(self.settings.format, Format::Ndjson) {
            let line = json::render_line(&diagnosis, &self.settings.names, self.settings.verbose);
            return self.print(&line);
        }
        let separator = if self.printed > 0 { "\n" } else { "" };
        let text = match self.settings.format {
            Format::Classic => classic::render(&diagnosis),
            _ => terminal::render(&diagnosis, &self.settings.names, self.settings.verbose),
        };
        self.print(&format!("{separator}{text}"))
    }

    /// Prints what had to wait for the last result, with the exit code of the run.
    pub(super) fn finish(&mut self, exit_code: u8) -> Option<io::Error> {
        if self.settings.fix.is_some() || !matches!(self.settings.format, Format::Json) {
            return None;
        }
        self.print(&json::render_with_code(&self.kept, &self.settings.names, exit_code))
    }

    fn print(&mut self, text: &str) -> Option<io::Error> {
        if text.is_empty() {
            return None;
        }
        self.printed += 1;
        match &mut self.file {
            // In one piece: what ends the process leaves whole lines, but for the last.
            Some(file) => file.write_all(text.as_bytes()).err(),
            None => print_text(text).err(),
        }
    }

    fn fix(&self, fix: Fix, diagnosis: &Diagnosis) -> String {
        let text = fix_text(&self.settings.names, fix, diagnosis);
        let separator = if self.printed > 0 && !matches!(fix, Fix::Kubectl) { "---\n" } else { "" };
        if text.is_empty() { text } else { format!("{separator}{text}") }
    }
}

/// The change alone; where there is none, a word on stderr and nothing here.
pub(super) fn fix_text(names: &Names, fix: Fix, diagnosis: &Diagnosis) -> String {
    let target = &diagnosis.target;
    let Some(change) = &diagnosis.change else {
        explain_missing_fix(diagnosis);
        let connects = diagnosis.summary() == Summary::Connects;
        let note = fix.product().filter(|_| connects).and_then(Product::starting_note);
        say_notes(diagnosis, note.as_slice());
        return String::new();
    };
    if let Some(product) = fix.product() {
        return fix_of_product(product, names, diagnosis, change);
    }
    if !matches!(fix, Fix::Upstream) && replaces_hosts(names, change) {
        warn_of_hosts(diagnosis);
    }
    match fix {
        Fix::Upstream => upstream(target, names, &diagnosis.config, change),
        Fix::Patch => merge_patch(target, names, change),
        Fix::Kubectl => format!("{}\n", kubectl_command(target, names, change)),
        _ => String::new(),
    }
}

/// The change for another product; what that has no setting for goes to stderr.
fn fix_of_product(
    product: Product,
    names: &Names,
    diagnosis: &Diagnosis,
    change: &Change,
) -> String {
    match product.remedy(&diagnosis.target, names, &diagnosis.config, change) {
        Ok(documents) => {
            say_notes(diagnosis, &documents.notes);
            documents.yaml
        }
        Err(unsettable) => {
            explain_limits(diagnosis, product, &unsettable);
            String::new()
        }
    }
}

fn say_notes(diagnosis: &Diagnosis, notes: &[Note]) {
    for note in notes {
        tell!("cipher-test: {}: note: {note}", diagnosis.target);
    }
}

fn explain_limits(diagnosis: &Diagnosis, product: Product, unsettable: &Unsettable) {
    for limit in &unsettable.limits {
        tell!("cipher-test: {}: no patch for {product}: {limit}", diagnosis.target);
    }
}

fn warn_of_hosts(diagnosis: &Diagnosis) {
    let target = &diagnosis.target;
    tell!("cipher-test: {target}: the patch replaces all of spec.static.hosts by this host");
}

fn explain_missing_fix(diagnosis: &Diagnosis) {
    let target = &diagnosis.target;
    let reason = diagnosis.no_change.as_ref().or(diagnosis.unresolved.as_ref());
    match (diagnosis.summary(), reason) {
        (Summary::Connects, _) if diagnosis.way.starttls.is_some() => {
            tell!("cipher-test: {target}: no patch: {NO_STARTTLS}")
        }
        (Summary::Connects, _) => {
            tell!("cipher-test: {target}: Envoy connects, no patch is needed")
        }
        (_, Some(reason)) => tell!("cipher-test: {target}: no patch: {reason}"),
        (_, None) => tell!("cipher-test: {target}: no patch can be given"),
    }
}

/// Writes to stdout at once.
pub(super) fn print_text(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

/// The same, as the last act of a command.
pub(super) fn print_all(text: &str) -> Result<u8, String> {
    match print_text(text) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(format!("cannot write the result: {error}"))
        }
        _ => Ok(0),
    }
}

pub(super) fn print_schema(kind: SchemaKind) -> Result<u8, String> {
    let shape = match kind {
        SchemaKind::Report => Shape::Report,
        SchemaKind::Upstreams => Shape::Upstreams,
        SchemaKind::Upgrade => Shape::Upgrade,
        SchemaKind::UpstreamsUpgrade => Shape::UpstreamsUpgrade,
        SchemaKind::Secret => Shape::Secrets,
        SchemaKind::Explain => Shape::Explanations,
        SchemaKind::ConfigDump => Shape::ConfigDump,
    };
    print_all(&schema(shape))
}
