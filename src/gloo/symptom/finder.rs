//! Finds the row of the tables that a text belongs to.

use aho_corasick::{AhoCorasick, BuildError};

use crate::envoy::failure::{self, Detail, Sign, Symptom, TlsError};

/// The longest detail that is kept, in characters.
const LONGEST: usize = 160;

/// Rows are told apart by their rank: first those of Envoy, then those of Gloo.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(super) struct Rank(pub(super) usize);

/// What a text shows.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) rank: Rank,
    /// The errors in it, in their order.
    pub(super) errors: Vec<TlsError>,
    /// Where in the text the sign is, in bytes.
    pub(super) at: usize,
    /// Whether more exact texts beside it count more.
    pub(super) is_wrapper: bool,
}

/// One pattern and what it stands for.
#[derive(Clone, Copy, Debug)]
enum Meaning {
    Text(Rank),
    Pair(Rank, &'static str),
    Wrapper(Rank),
    Verification(Rank),
    /// The detail of a verification may be here.
    Verifies,
    /// Numbers of errors may be here.
    Errors,
}

/// The tables, ready to be searched.
pub(super) struct Finder {
    rows: Vec<&'static Symptom>,
    patterns: AhoCorasick,
    meanings: Vec<Meaning>,
}

impl Finder {
    pub(super) fn new() -> Result<Self, BuildError> {
        let rows: Vec<_> = failure::SYMPTOMS.iter().chain(super::table::SYMPTOMS).collect();
        let mut texts = Vec::new();
        for (rank, row) in rows.iter().enumerate() {
            let meanings = row.signs.iter().filter_map(|sign| meaning(*sign, Rank(rank)));
            texts.extend(meanings);
        }
        for text in
            ["verify cert failed", "CERTIFICATE_VERIFY_FAILED", "certificate verification error"]
        {
            texts.push((text, Meaning::Verifies));
        }
        for text in ["OPENSSL_internal", "TLS error", " routines:", "system library:"] {
            texts.push((text, Meaning::Errors));
        }
        // Access logs have underscores instead of blanks.
        let underscored = texts.iter().filter(|(text, _)| text.contains(' '));
        let underscored = underscored.map(|(text, meaning)| (text.replace(' ', "_"), *meaning));
        let plain = texts.iter().map(|(text, meaning)| ((*text).to_owned(), *meaning));
        let (patterns, meanings): (Vec<_>, Vec<_>) = plain.chain(underscored).unzip();
        Ok(Self { rows, patterns: AhoCorasick::new(patterns)?, meanings })
    }

    pub(super) fn row(&self, rank: Rank) -> &'static Symptom {
        // Ranks come from the positions of these very rows.
        self.rows[rank.0]
    }

    /// The row of that code.
    pub(super) fn by_code(&self, code: &str) -> Option<Rank> {
        self.rows.iter().position(|row| row.code == code).map(Rank)
    }

    /// The row with a sign that a predicate knows.
    pub(super) fn by_sign(&self, is: impl Fn(&Sign) -> bool) -> Option<Rank> {
        self.rows.iter().position(|row| row.signs.iter().any(&is)).map(Rank)
    }

    /// What one text says, which is one thing: the row that ranks first.
    pub(super) fn find(&self, text: &str) -> Option<Found> {
        let mut best: Option<(Rank, usize)> = None;
        let mut wrapper: Option<(Rank, usize)> = None;
        let mut verification: Option<(Rank, usize)> = None;
        let (mut verifies, mut errors) = (false, text.len() <= 12);
        let mut first_error = None;
        let mut tried = Vec::new();
        for hit in self.patterns.find_overlapping_iter(text) {
            let here = |rank| Some((rank, hit.start()));
            match self.meanings[hit.pattern().as_usize()] {
                Meaning::Text(rank) => best = earlier(best, here(rank)),
                // What does not follow the first hit follows no later one.
                Meaning::Pair(rank, _) if tried.contains(&rank) => {}
                Meaning::Pair(rank, then) => {
                    tried.push(rank);
                    let follows = text[hit.end()..].contains(then);
                    best = earlier(best, here(rank).filter(|_| follows));
                }
                Meaning::Wrapper(rank) => wrapper = earlier(wrapper, here(rank)),
                Meaning::Verification(rank) => verification = earlier(verification, here(rank)),
                Meaning::Verifies => verifies = true,
                Meaning::Errors => {
                    errors = true;
                    first_error.get_or_insert(hit.start());
                }
            }
        }
        let errors = if errors { TlsError::read_all(text) } else { Vec::new() };
        if verifies {
            best = earlier(best, verification);
        }
        let at = first_error.unwrap_or(0);
        best = earlier(best, self.by_errors(&errors).map(|rank| (rank, at)));
        let found = |(rank, at), is_wrapper| Found { rank, errors, at, is_wrapper };
        match (best, wrapper) {
            (Some(best), _) => Some(found(best, false)),
            (None, Some(wrapper)) => Some(found(wrapper, true)),
            (None, None) => None,
        }
    }

    fn by_errors(&self, errors: &[TlsError]) -> Option<Rank> {
        let known = errors.iter().filter_map(|error| {
            self.by_sign(|sign| matches!(sign, Sign::Error(number) if *number == error.number))
        });
        known.min().or_else(|| {
            let alert = errors.iter().any(|error| error.alert().is_some());
            let code = if alert { "alert-received" } else { "tls-error" };
            errors.first().and_then(|_| self.by_code(code))
        })
    }
}

fn meaning(sign: Sign, rank: Rank) -> Option<(&'static str, Meaning)> {
    match sign {
        Sign::Text(text) => Some((text, Meaning::Text(rank))),
        Sign::Pair(first, then) => Some((first, Meaning::Pair(rank, then))),
        Sign::Wrapper(text) => Some((text, Meaning::Wrapper(rank))),
        Sign::Verification(text) => Some((text, Meaning::Verification(rank))),
        Sign::Error(_) | Sign::Flag(_) | Sign::Counter(_) => None,
    }
}

fn earlier(one: Option<(Rank, usize)>, other: Option<(Rank, usize)>) -> Option<(Rank, usize)> {
    one.into_iter().chain(other).min()
}

/// What more a text has to tell, with what it is.
pub(super) fn detail(row: &Symptom, text: &str) -> Option<String> {
    match row.detail {
        Detail::None => None,
        Detail::Secret => secret(text).map(|(namespace, name)| match namespace.is_empty() {
            true => format!("secret {name}"),
            false => format!("secret {namespace}.{name}"),
        }),
        Detail::Between(label, pairs) => {
            let mut pairs = pairs.iter();
            let (found, from) =
                pairs.find_map(|(from, to)| between(text, from, to).map(|found| (found, from)))?;
            // Where the mark had underscores for blanks, so has the rest.
            let underscored = from.contains('_');
            let shown = |letter: char| match letter {
                '_' if underscored => ' ',
                letter if letter.is_control() => ' ',
                letter => letter,
            };
            let cut: String = found.chars().take(LONGEST).map(shown).collect();
            let cut = cut.trim().trim_end_matches(['"', '\'', '}', ')', ',']).trim_matches('_');
            (!cut.is_empty()).then(|| format!("{label}: {cut}"))
        }
    }
}

/// What stands between two texts, or up to the end.
pub(super) fn between<'a>(text: &'a str, from: &str, to: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(from)?;
    Some(rest.split_once(to).map_or(rest, |(found, _)| found))
}

/// Namespace and name of the Secret that a text is about; the namespace may be empty.
///
/// Forms: `did not find secret NS.NAME` and `name:"N"  namespace:"NS" is not a`, with quotes that
/// may be escaped and either part missing.
pub(super) fn secret(text: &str) -> Option<(String, String)> {
    let valid = |part: &str| super::subject::is_name(part);
    if let Some(rest) = between(text, "did not find secret ", " ") {
        let word =
            rest.split(|letter: char| letter.is_whitespace() || "\"'\\,)]}".contains(letter));
        let (namespace, name) = word.into_iter().next()?.trim_end_matches('.').split_once('.')?;
        let fits = (namespace.is_empty() || valid(namespace)) && valid(name);
        return fits.then(|| (namespace.to_owned(), name.to_owned()));
    }
    let (before, _) = text.split_once(" is not a ")?;
    let field = |key: &str| {
        let rest = before.rsplit_once(key)?.1.trim_start_matches(['\\', '"', ' ']);
        let value = rest.split(['\\', '"', ' ']).next()?;
        valid(value).then(|| value.to_owned())
    };
    // `name:` is also the end of nothing else: `namespace:` ends differently.
    Some((field("namespace:").unwrap_or_default(), field("name:")?))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn codes_are_unique_and_in_kebab_case() {
        let finder = Finder::new().unwrap();
        let mut seen = HashSet::new();
        for row in &finder.rows {
            assert!(seen.insert(row.code), "{} twice", row.code);
            let word =
                |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase());
            assert!(row.code.split('-').all(word), "{}", row.code);
            assert!(!row.meaning.is_empty() && !row.meaning.ends_with('.'), "{}", row.code);
            assert!(row.remedy.ends_with('.'), "{}", row.code);
            assert!(row.causes.iter().all(|cause| !cause.ends_with('.')), "{}", row.code);
        }
        for code in ["alert-received", "tls-error", "hangup", "status-reason"] {
            assert!(finder.by_code(code).is_some(), "{code}");
        }
    }

    /// Two rows with the same sign would make the second one unreachable.
    #[test]
    fn signs_are_unique() {
        let finder = Finder::new().unwrap();
        let mut seen = HashSet::new();
        for sign in finder.rows.iter().flat_map(|row| row.signs) {
            assert!(seen.insert(format!("{sign:?}")), "{sign:?} twice");
        }
    }

    #[test]
    fn secrets_are_named() {
        let secret = |text| secret(text).map(|(namespace, name)| format!("{namespace}/{name}"));
        for (text, expected) in [
            ("SSL secret not found: list did not find secret shop.orders-tls", "shop/orders-tls"),
            ("list did not find secret .orders-tls)", "/orders-tls"),
            ("name:\"orders-tls\"  namespace:\"shop\" is not a TLS secret", "shop/orders-tls"),
            (
                "name:\\\"orders-tls\\\" namespace:\\\"shop\\\" is not a valid TLS secret: x",
                "shop/orders-tls",
            ),
            ("name:\"orders-tls\" is not a TLS secret", "/orders-tls"),
        ] {
            assert_eq!(secret(text).as_deref(), Some(expected), "{text}");
        }
        for none in [
            "did not find secret ",
            "did not find secret $(x).y",
            "name: is not a TLS secret",
            "is not a ",
        ] {
            assert_eq!(secret(none), None, "{none}");
        }
    }
}
