//! `--write`: the changes, in the files that the resources were read from.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use super::input::Input;
use crate::cli::NO_ANSWER;
use crate::gloo::{Document, ObjectName, Place, ranges};
use crate::remedy::{Edit, Resource, Revision, Step, edit};
use crate::report::upstreams::UpstreamDiagnosis;

/// Writes all changes; says on stderr what was written and what could not be.
///
/// Returns the exit code: 0 where every Upstream is as it should be now.
pub(super) fn write(input: &Input, results: &[UpstreamDiagnosis]) -> u8 {
    if !write_all(input, results) {
        return NO_ANSWER;
    }
    let is_mended = |result: &&UpstreamDiagnosis| {
        result.revision.is_some() && result.unserved.is_empty() && result.unproven().is_empty()
    };
    let left = results.iter().filter(|result| !is_mended(result));
    left.map(|result| result.summary().exit_code()).max().unwrap_or(0)
}

/// Whether nothing was left out.
fn write_all(input: &Input, results: &[UpstreamDiagnosis]) -> bool {
    let mut complete = true;
    let mut files: BTreeMap<&str, Vec<(&Place, &Revision)>> = BTreeMap::new();
    let mut seen: Vec<(&Place, &Revision)> = Vec::new();
    for result in results {
        let name = &result.cluster.upstream;
        if let Some(reason) = &result.no_revision {
            super::tell(name, &format!("no patch: {reason}"));
        }
        for (endpoint, reason) in &result.unserved {
            super::tell(name, &format!("nothing serves {endpoint}: {reason}"));
        }
        let Some(revision) = &result.revision else { continue };
        super::tell_unproven(result);
        let Some(place) = place_of(input, result, revision) else {
            let kind = revision.resource.kind();
            let missing = &revision.name;
            super::tell(
                name,
                &format!("the change is one of {kind} {missing}, which is not among the files"),
            );
            complete = false;
            continue;
        };
        if !seen.iter().any(|(other, same)| *other == place && same.edits == revision.edits) {
            seen.push((place, revision));
            files.entry(&place.file).or_default().push((place, revision));
        }
    }
    for (file, changes) in files {
        match write_file(Path::new(file), &changes) {
            Ok(0) => {}
            Ok(count) => {
                let noun = if count == 1 { "resource" } else { "resources" };
                tell!("cipher-test: {file}: {count} {noun} changed");
            }
            Err(reason) => {
                tell!("cipher-test: {file} is left as it is: {reason}");
                complete = false;
            }
        }
    }
    complete
}

fn place_of<'a>(
    input: &'a Input,
    result: &'a UpstreamDiagnosis,
    revision: &Revision,
) -> Option<&'a Place> {
    match revision.resource {
        Resource::Upstream => Some(&result.place),
        Resource::Settings => {
            let found = input.settings.iter().find(|it| it.settings.name == revision.name)?;
            Some(&found.place)
        }
        Resource::Service => {
            let found = input.services.iter().find(|it| is_named(it, &revision.name))?;
            Some(&found.place)
        }
    }
}

fn is_named(document: &Document, name: &ObjectName) -> bool {
    let text = |field| document.object.pointer(field).and_then(|value| value.as_str());
    text("/metadata/name") == Some(&name.name)
        && text("/metadata/namespace").is_none_or(|namespace| namespace == name.namespace)
}

/// All changes of one file or none. Returns how many resources are different now.
fn write_file(path: &Path, changes: &[(&Place, &Revision)]) -> Result<usize, String> {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    let mut edited = text.clone();
    let mut count = 0;
    // A document is read again for each edit of it, so that a list takes all of its at once.
    for of_one in changes.chunk_by(|(one, _), (other, _)| one.document == other.document) {
        let (place, _) = of_one[0];
        // Earlier changes have moved what follows them.
        let range = ranges(&edited).get(place.document).cloned();
        let range = range.ok_or("it has changed in the meantime")?;
        let document = &edited[range.clone()];
        let edits: Vec<_> =
            of_one.iter().flat_map(|(place, it)| within_item(place, &it.edits)).collect();
        let after = edit(document, 0, &edits).map_err(|error| {
            let place = Place { item: None, ..place.clone() };
            format!("{place}: {error}")
        })?;
        count += if after == document { 0 } else { of_one.len() };
        edited.replace_range(range, &after);
    }
    if edited != text {
        replace(path, &edited).map_err(|error| error.to_string())?;
    }
    Ok(count)
}

fn within_item(place: &Place, edits: &[Edit]) -> Vec<Edit> {
    let Some(item) = place.item else { return edits.to_vec() };
    let before = [Step::Key("items".to_owned()), Step::Index(item)];
    let within = |edit: &Edit| Edit {
        path: before.iter().chain(&edit.path).cloned().collect(),
        value: edit.value.clone(),
    };
    edits.iter().map(within).collect()
}

/// Writes beside the file and renames, so that the file is never half written.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let path = std::fs::canonicalize(path)?;
    let directory = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(text.as_bytes())?;
    file.as_file().set_permissions(std::fs::metadata(&path)?.permissions())?;
    file.as_file().sync_all()?;
    file.persist(&path)?;
    Ok(())
}
