//! Stored reports: whatever a file holds is read to its end, twice with the same result, and what
//! is shown of it steers no terminal.
#![no_main]

use cipher_test::report::stored::{Choice, Entry, Place, fit_to_show, line, read};
use cipher_test::report::v1::{Report, Target};
use cipher_test::report::{classic, overview::Overview, table, terminal};
use libfuzzer_sys::fuzz_target;

fn entries(data: &[u8]) -> Vec<(u64, Entry)> {
    let mut entries = Vec::new();
    read(data, |line, entry| entries.push((line, entry)));
    entries
}

fn show(target: &Target) {
    let shown = fit_to_show(target.clone());
    let mut overview = Overview::default();
    overview.add_target(&shown);
    let row = table::row(&shown);
    assert_eq!(row.lines().count(), 1, "{row:?}");
    let remedy = shown.remedy.iter();
    let commands = remedy.flat_map(|it| [it.kubectl_command.clone(), it.merge_patch_yaml.clone()]);
    let texts = [row, terminal::render_target(&shown, true), overview.render()];
    for text in texts.into_iter().chain(commands).chain([classic::render_target(&shown)]) {
        let steers = |c: char| c.is_control() && c != '\n';
        assert!(!text.chars().any(steers), "{text:?}");
    }
}

fuzz_target!(|data: &[u8]| {
    let entries = entries(data);
    assert_eq!(entries, self::entries(data));
    let mut choice = Choice::default();
    for (ordinal, (number, entry)) in (0..).zip(&entries) {
        let Entry::Target(target) = entry else { continue };
        choice.add(Place { file: 0, line: *number, ordinal }, target);
        show(target);
        let report = Report::of(target.summary, vec![(**target).clone()]);
        let again = self::entries(line(&report).as_bytes());
        assert_eq!(again, [(1, entry.clone())]);
    }
    assert!(choice.targets() <= entries.len());
});
