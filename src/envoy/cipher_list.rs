//! `cipher_suites`: the grammar of BoringSSL's strict cipher lists.
//!
//! Envoy joins the entries with `:` and BoringSSL reads the result from left to right, keeping
//! its suites in one row: a name or class moves the suites that it selects to the end and turns
//! them on; `-` turns them off, `!` removes them for good, `+` moves those that are on to the end,
//! `@STRENGTH` sorts by key size, `[A|B]` is a group of equals, which only matters to servers.
//! Strict means that an unknown name fails the whole list.
//!
//! BoringSSL `ssl/ssl_cipher.cc`, `ssl_create_cipher_list`; held to what Envoy 1.36 to 1.40 do
//! with the lists in `fixtures/envoy/cipher-suites.jsonl`.

use super::Release;
use super::suites::{
    Authentication, BoringSuite, Cipher, KeyExchange, is_tls13_name, suite_by_name, suites,
};
use crate::tls::TlsVersion;

/// The suites that a list turns on, in order, or nothing if BoringSSL refuses the list, which it
/// also does when none is left.
pub(super) fn parse(release: Release, list: &str) -> Option<Vec<&'static BoringSuite>> {
    let mut row = Row::new(release);
    // Only at the very start, and then with anything behind it: `DEFAULT+AES` is `DEFAULT:+AES`.
    let rules = match list.strip_prefix("DEFAULT") {
        Some(rest) => {
            read_rules("ALL", &mut row)?;
            rest.strip_prefix(':').unwrap_or(rest)
        }
        None => list,
    };
    read_rules(rules, &mut row)?;
    let selected = row.active();
    (!selected.is_empty()).then_some(selected)
}

/// The names that Envoy lists when a list is refused: it cuts the list at everything but `-`,
/// and tries each piece alone. There may be none, as when only the syntax is wrong.
///
/// Envoy `source/common/tls/context_impl.cc`; measured with Envoy 1.36 to 1.40.
pub(super) fn rejected_alone(release: Release, list: &str) -> Vec<String> {
    list.split([':', '+', '!', '[', '|', ']'])
        .filter(|piece| !piece.is_empty())
        .map(|piece| piece.strip_prefix('-').unwrap_or(piece))
        .filter(|piece| parse(release, piece).is_none())
        .map(str::to_owned)
        .collect()
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Rule {
    /// Turns suites on, at the end of the row.
    Add,
    /// `-`: turns them off, and puts them first in line for the next rule that turns them on.
    Delete,
    /// `!`: removes them for good.
    Kill,
    /// `+`: moves those that are on to the end.
    Last,
    /// `@`: a command.
    Special,
}

fn read_rules(list: &str, row: &mut Row) -> Option<()> {
    let mut rest = list;
    let (mut in_group, mut has_group) = (false, false);
    while let Some(first) = rest.chars().next() {
        let behind = rest.strip_prefix(first)?;
        match first {
            ']' if in_group => in_group = false,
            '|' if in_group => {}
            '[' if !in_group => (in_group, has_group) = (true, true),
            _ if in_group && !first.is_ascii_alphanumeric() => return None,
            ':' => {}
            _ => {
                let rule = Rule::from_operator(first);
                // BoringSSL cannot keep its groups apart under any other operator.
                if has_group && rule != Rule::Add {
                    return None;
                }
                rest = read_rule(rule, if rule == Rule::Add { rest } else { behind }, row)?;
                continue;
            }
        }
        rest = behind;
    }
    (!in_group).then_some(())
}

impl Rule {
    fn from_operator(operator: char) -> Self {
        match operator {
            '-' => Self::Delete,
            '+' => Self::Last,
            '!' => Self::Kill,
            '@' => Self::Special,
            _ => Self::Add,
        }
    }
}

/// Reads what an operator applies to, applies it, and gives back what follows.
fn read_rule<'a>(rule: Rule, rest: &'a str, row: &mut Row) -> Option<&'a str> {
    let (word, behind) = take_word(rest)?;
    if rule == Rule::Special {
        if word != "STRENGTH" {
            return None;
        }
        row.sort_by_strength();
        // Whatever else stands in the command is thrown away.
        return Some(behind.find(':').map_or("", |end| behind.split_at(end).1));
    }
    let Some(mut behind) = behind.strip_prefix('+') else {
        row.apply(rule, &Selection::named(row.release, word)?);
        return Some(behind);
    };
    // Only classes can be intersected.
    let mut selection = Intersection::of(class(row.release, word)?);
    loop {
        let (word, after) = take_word(behind)?;
        selection.narrow(class(row.release, word)?);
        let Some(next) = after.strip_prefix('+') else {
            row.apply(rule, &Selection::Classes(selection));
            return Some(after);
        };
        behind = next;
    }
}

/// Splits off the longest name, which must not be empty.
fn take_word(rest: &str) -> Option<(&str, &str)> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
    (end > 0).then(|| rest.split_at(end))
}

/// What a rule applies to.
enum Selection {
    Suite(&'static BoringSuite),
    Classes(Intersection),
    /// A suite of TLS 1.3: known, but not in the row.
    Nothing,
}

impl Selection {
    fn named(release: Release, word: &str) -> Option<Self> {
        if let Some(suite) = suite_by_name(release, word) {
            return Some(Self::Suite(suite));
        }
        if is_tls13_name(word) {
            return Some(Self::Nothing);
        }
        class(release, word).map(|class| Self::Classes(Intersection::of(class)))
    }

    fn contains(&self, suite: &'static BoringSuite, rule: Rule, release: Release) -> bool {
        match self {
            Self::Suite(named) => *named == suite,
            Self::Classes(classes) => {
                // Classes add a deprecated suite only if one of them asks for it, but take it
                // away like any other.
                let hidden = rule == Rule::Add && !classes.with_deprecated;
                classes.contain(suite) && !(hidden && suite.is_deprecated(release))
            }
            Self::Nothing => false,
        }
    }
}

/// A class of suites, such as `ECDHE`.
struct Class {
    contains: fn(&BoringSuite) -> bool,
    with_deprecated: bool,
    minimum: Option<TlsVersion>,
}

/// The classes that BoringSSL knows; case matters, and many of OpenSSL's are missing.
fn class(release: Release, name: &str) -> Option<Class> {
    use Authentication as Au;
    use Cipher as C;
    use KeyExchange as Kx;
    let contains: fn(&BoringSuite) -> bool = match name {
        "ALL" | "HIGH" | "FIPS" | "SSLv3" | "TLSv1" | "TLSv1.2" => |_| true,
        "ECDHE" | "EECDH" | "kECDHE" | "kEECDH" | "ECDH" => |s| s.key_exchange == Kx::Ecdhe,
        "RSA" | "kRSA" => |s| s.key_exchange == Kx::Rsa,
        "PSK" | "kPSK" => |s| s.key_exchange == Kx::Psk,
        "aRSA" => |s| s.authentication == Au::Rsa,
        "ECDSA" | "aECDSA" => |s| s.authentication == Au::Ecdsa,
        "aPSK" => |s| s.authentication == Au::Psk,
        "AES128" => |s| matches!(s.cipher, C::Aes128 | C::Aes128Gcm),
        "AES256" => |s| matches!(s.cipher, C::Aes256 | C::Aes256Gcm),
        "AES" => |s| !matches!(s.cipher, C::ChaCha20 | C::TripleDes),
        "AESGCM" => |s| matches!(s.cipher, C::Aes128Gcm | C::Aes256Gcm),
        "CHACHA20" => |s| s.cipher == C::ChaCha20,
        "3DES" => |s| s.cipher == C::TripleDes,
        "SHA" | "SHA1" => |s| s.sha1,
        // Empty since 2018, unknown since January 2026 (measured: 1.37.0 knows them, 1.38.3 not).
        "SHA256" | "SHA384" if release < Release::minor(38) => |_| false,
        _ => return None,
    };
    let minimum = match name {
        "SSLv3" | "TLSv1" => Some(TlsVersion::SSL3),
        "TLSv1.2" => Some(TlsVersion::TLS12),
        _ => None,
    };
    Some(Class { contains, with_deprecated: name == "3DES", minimum })
}

/// Classes joined by `+`.
struct Intersection {
    contains: Vec<fn(&BoringSuite) -> bool>,
    with_deprecated: bool,
    minimum: Option<TlsVersion>,
    /// The rule is passed over without an error.
    void: bool,
}

impl Intersection {
    fn of(class: Class) -> Self {
        let Class { contains, with_deprecated, minimum } = class;
        Self { contains: vec![contains], with_deprecated, minimum, void: false }
    }

    fn narrow(&mut self, class: Class) {
        self.contains.push(class.contains);
        self.with_deprecated |= class.with_deprecated;
        // A quirk of BoringSSL: a version may follow other classes but not stand before them,
        // so that TLSv1.2+AESGCM selects nothing and AESGCM+TLSv1.2 does.
        if self.minimum.is_some() && self.minimum != class.minimum {
            self.void = true;
        } else {
            self.minimum = class.minimum;
        }
    }

    fn contain(&self, suite: &BoringSuite) -> bool {
        !self.void
            && self.contains.iter().all(|contains| contains(suite))
            && self.minimum.is_none_or(|minimum| suite.minimum() == minimum)
    }
}

/// All suites in their present order, each on or off.
struct Row {
    release: Release,
    places: Vec<Place>,
}

#[derive(Clone, Copy)]
struct Place {
    suite: &'static BoringSuite,
    active: bool,
}

impl Row {
    fn new(release: Release) -> Self {
        let places = suites(release).map(|suite| Place { suite, active: false }).collect();
        Self { release, places }
    }

    fn active(&self) -> Vec<&'static BoringSuite> {
        self.places.iter().filter(|place| place.active).map(|place| place.suite).collect()
    }

    fn apply(&mut self, rule: Rule, selection: &Selection) {
        let release = self.release;
        let active = rule != Rule::Add;
        let (mut hit, mut rest): (Vec<_>, Vec<_>) =
            self.places.drain(..).partition(|place: &Place| {
                (place.active == active || rule == Rule::Kill)
                    && selection.contains(place.suite, rule, release)
            });
        hit.iter_mut().for_each(|place| place.active = rule != Rule::Delete);
        match rule {
            Rule::Kill => {}
            Rule::Delete => rest.splice(0..0, hit).for_each(drop),
            Rule::Add | Rule::Last | Rule::Special => rest.append(&mut hit),
        }
        self.places = rest;
    }

    /// Puts those that are on behind the others, largest keys first.
    fn sort_by_strength(&mut self) {
        self.places.sort_by_key(|place| {
            place.active.then(|| std::cmp::Reverse(place.suite.strength_bits()))
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(minor: u16, list: &str) -> Vec<u16> {
        let suites = parse(Release::minor(minor), list).unwrap_or_default();
        suites.iter().map(|suite| suite.suite.0).collect()
    }

    #[test]
    fn classes_held_3des_before_boringssl_deprecated_it() {
        assert!(numbers(27, "ALL").contains(&0x000a));
        assert!(!numbers(28, "ALL").contains(&0x000a));
    }

    #[test]
    fn nothing_panics_whatever_is_read() {
        let pieces = ["AES128-SHA", "ALL", "+", "-", "!", "@", "[", "]", "|", ":", "STRENGTH", "é"];
        for a in pieces {
            for b in pieces {
                for c in pieces {
                    let list = [a, b, c].concat();
                    let _ = parse(Release::NEWEST, &list);
                    let _ = rejected_alone(Release::NEWEST, &list);
                }
            }
        }
    }
}
