//! The walk through a dump: one cluster at a time is handed on, and everything else is passed over.
//!
//! Sections are known by their fields, not by `@type`, which may stand behind them. That of the
//! bootstrap repeats the static clusters, and only tells the release.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fmt;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::rc::Rc;

use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::{Map, Value};

use super::super::field::{FieldFault, Object};
use super::cluster::{DumpedCluster, DumpedEndpoint, Origin, endpoints};
use super::prune::{Prune, is_known, snake_case};

/// The largest cluster that is read, and the largest list of endpoints: some 200,000 of them.
pub const CLUSTER_LIMIT: u64 = 64 << 20;
/// The longest name of a field.
const KEY_LIMIT: u64 = 64 << 10;
/// How much is read at once.
const CHUNK: usize = 256 << 10;
/// How much text may stand before the dump, such as what port-forwarding prints.
const PREAMBLE_LIMIT: usize = 64 << 10;
/// How deep objects may be nested. Envoy itself reads a hundred levels.
const DEPTH_LIMIT: u32 = 500;

/// Something in a dump.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// The Envoy that the dump is of. What follows is of this one.
    Envoy(DumpedEnvoy),
    /// A cluster, with its endpoints as far as the dump has them.
    Cluster(Box<DumpedCluster>),
    /// A cluster that cannot be read, while the rest can.
    Faulty {
        /// Its name, or nothing where even that is missing.
        name: String,
        /// What is wrong with it.
        fault: String,
    },
}

/// The Envoy that a dump is of: `bootstrap.node.user_agent_build_version`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DumpedEnvoy {
    /// The version; its patch number is left out of the dump where it is 0.
    pub version: (u64, u64, u64),
    /// Whether its TLS library is a FIPS build.
    pub is_fips: bool,
}

impl fmt::Display for DumpedEnvoy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (major, minor, patch) = self.version;
        write!(f, "{major}.{minor}.{patch}")
    }
}

/// Why a dump cannot be read to its end. What was handed on before holds.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DumpError {
    /// There is no JSON in it.
    #[error("there is no config dump in it: it must be the JSON of Envoy's /config_dump")]
    NoDump,
    /// It has no cluster.
    #[error("there is no cluster in it: take the whole of /config_dump")]
    NoClusters,
    /// It ends within a value.
    #[error("it ends in the middle, after {0} bytes: was the download cut off?")]
    Truncated(u64),
    /// A cluster or a list of endpoints is larger than [`CLUSTER_LIMIT`].
    #[error("byte {0}: a cluster, a list of endpoints or a name of a field is too large")]
    TooLarge(u64),
    /// It is nested too deeply.
    #[error("byte {0}: it is nested too deeply")]
    TooDeep(u64),
    /// It is no JSON, or not of the shape of a dump.
    #[error("{0}")]
    Syntax(String),
    /// Something follows that is not JSON.
    #[error("byte {0}: something follows the dump that is not JSON")]
    Trailing(u64),
    /// The file cannot be read on.
    #[error("{0}")]
    Io(io::Error),
}

/// Reads a dump and hands on what is in it, clusters of type EDS once their endpoints are known.
///
/// Takes the whole of `/config_dump`, a part of it (`?resource=...`, `?mask=...`), several one
/// after the other, and plain lists of clusters. Text before it is passed over line by line.
/// Only clusters are handed on whose name `wanted` likes. Ends early without an error when `take`
/// breaks.
///
/// # Errors
///
/// [`DumpError`] for what cannot be read; what came before it has been handed on.
pub fn read(
    input: impl Read,
    wanted: impl Fn(&str) -> bool,
    take: impl FnMut(Item) -> ControlFlow<()>,
) -> Result<(), DumpError> {
    read_within(CLUSTER_LIMIT, input, wanted, take)
}

fn read_within(
    cluster_limit: u64,
    input: impl Read,
    wanted: impl Fn(&str) -> bool,
    mut take: impl FnMut(Item) -> ControlFlow<()>,
) -> Result<(), DumpError> {
    let mut walk = Walk {
        cluster_limit,
        wanted: &wanted,
        take: &mut take,
        waiting: HashMap::new(),
        clusters: 0,
        is_over: false,
        watch: Rc::new(Watch::default()),
    };
    let mut reader = Guarded::new(input, Rc::clone(&walk.watch));
    let result = walk.documents(&mut reader);
    walk.hand_on_waiting();
    match result {
        _ if walk.is_over => Ok(()),
        Ok(()) if walk.clusters == 0 => Err(DumpError::NoClusters),
        result => result,
    }
}

/// What the parser and the reader below it know of each other.
#[derive(Debug)]
struct Watch {
    position: Cell<u64>,
    /// The position at which what is read now has become too large.
    end: Cell<u64>,
    trip: Cell<Option<Trip>>,
    twice: RefCell<Option<String>>,
}

#[derive(Clone, Copy, Debug)]
enum Trip {
    TooLarge,
    TooDeep,
}

impl Default for Watch {
    fn default() -> Self {
        Self {
            position: Cell::new(0),
            end: Cell::new(u64::MAX),
            trip: Cell::new(None),
            twice: RefCell::new(None),
        }
    }
}

impl Watch {
    /// Reads something that is kept in memory, of at most `limit` bytes.
    fn within<T>(&self, limit: u64, read: impl FnOnce() -> T) -> T {
        self.end.set(self.position.get().saturating_add(limit));
        let result = read();
        self.end.set(u64::MAX);
        result
    }
}

/// Counts bytes and levels as the parser takes them, and stops it where there are too many.
struct Guarded<R> {
    input: R,
    watch: Rc<Watch>,
    scan: Scan,
    chunk: Vec<u8>,
    /// How much of the chunk has been taken.
    taken: usize,
}

#[derive(Default)]
struct Scan {
    depth: u32,
    in_string: bool,
    is_escaped: bool,
}

impl Scan {
    fn see(&mut self, byte: u8) {
        match byte {
            _ if self.is_escaped => self.is_escaped = false,
            b'\\' if self.in_string => self.is_escaped = true,
            b'"' => self.in_string = !self.in_string,
            _ if self.in_string => {}
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
    }
}

impl<R: Read> Read for Guarded<R> {
    /// One byte, which is all that the parser ever asks for.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.chunk.len() {
            self.fill()?;
        }
        let (Some(slot), Some(&byte)) = (buffer.first_mut(), self.chunk.get(self.taken)) else {
            return Ok(0);
        };
        *slot = byte;
        self.scan.see(byte);
        self.skip(1);
        let trip = if self.scan.depth > DEPTH_LIMIT {
            Trip::TooDeep
        } else if self.watch.position.get() > self.watch.end.get() {
            Trip::TooLarge
        } else {
            return Ok(1);
        };
        self.watch.trip.set(Some(trip));
        Err(io::Error::other("a limit is reached"))
    }
}

impl<R: Read> Guarded<R> {
    fn new(input: R, watch: Rc<Watch>) -> Self {
        Self { input, watch, scan: Scan::default(), chunk: Vec::new(), taken: 0 }
    }

    /// Reads on; what was there must have been taken. Leaves nothing at the end of the input.
    fn fill(&mut self) -> io::Result<()> {
        self.taken = 0;
        self.chunk.resize(CHUNK, 0);
        loop {
            match self.input.read(&mut self.chunk) {
                Ok(count) => {
                    self.chunk.truncate(count);
                    return Ok(());
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.chunk.clear();
                    return Err(error);
                }
            }
        }
    }

    /// What has been read and not been taken; nothing at the end of the input.
    fn available(&mut self) -> Result<&[u8], DumpError> {
        if self.taken == self.chunk.len() {
            self.fill().map_err(DumpError::Io)?;
        }
        Ok(self.chunk.get(self.taken..).unwrap_or_default())
    }

    /// Goes to the next document; false if there is none.
    ///
    /// Before the first one, lines of text are passed over.
    fn find_document(&mut self, is_first: bool) -> Result<bool, DumpError> {
        let mut passed = 0;
        loop {
            let available = self.available()?;
            let blank = |byte: &u8| byte.is_ascii_whitespace() || [0xef, 0xbb, 0xbf].contains(byte);
            let blanks = available.iter().take_while(|byte| blank(byte)).count();
            match available.get(blanks) {
                None if available.is_empty() && is_first => return Err(DumpError::NoDump),
                None if available.is_empty() => return Ok(false),
                None => self.skip(blanks),
                Some(b'{' | b'[') => {
                    self.skip(blanks);
                    return Ok(true);
                }
                Some(_) if is_first => {
                    self.skip(blanks);
                    passed += self.skip_line()?;
                    if passed > PREAMBLE_LIMIT {
                        return Err(DumpError::NoDump);
                    }
                }
                Some(_) => {
                    return Err(DumpError::Trailing(self.watch.position.get() + blanks as u64));
                }
            }
        }
    }

    /// Passes over the rest of a line, or over more than may stand before a dump.
    fn skip_line(&mut self) -> Result<usize, DumpError> {
        let mut passed = 0;
        while passed <= PREAMBLE_LIMIT {
            let available = self.available()?;
            let end = available.iter().position(|byte| *byte == b'\n');
            let count = end.map_or(available.len(), |end| end + 1);
            self.skip(count);
            passed += count;
            if end.is_some() || count == 0 {
                break;
            }
        }
        Ok(passed)
    }

    fn skip(&mut self, count: usize) {
        self.taken += count;
        self.watch.position.set(self.watch.position.get() + count as u64);
    }
}

struct Walk<'a> {
    cluster_limit: u64,
    wanted: &'a dyn Fn(&str) -> bool,
    take: &'a mut dyn FnMut(Item) -> ControlFlow<()>,
    /// Clusters of type EDS whose endpoints have not come, by the name of their service; the
    /// number keeps their order.
    waiting: HashMap<String, Vec<(usize, Box<DumpedCluster>)>>,
    clusters: usize,
    /// Whether nobody wants to hear of more.
    is_over: bool,
    watch: Rc<Watch>,
}

impl Walk<'_> {
    fn documents<R: Read>(&mut self, reader: &mut Guarded<R>) -> Result<(), DumpError> {
        let mut is_first = true;
        while !self.is_over && reader.find_document(is_first)? {
            is_first = false;
            reader.scan = Scan::default();
            let mut parser = serde_json::Deserializer::from_reader(&mut *reader);
            Section { walk: self, origin: Origin::Listed }
                .deserialize(&mut parser)
                .map_err(|error| self.explain(error))?;
        }
        Ok(())
    }

    fn explain(&self, error: serde_json::Error) -> DumpError {
        use serde_json::error::Category;
        let position = self.watch.position.get();
        match (self.watch.trip.get(), error.classify()) {
            (Some(Trip::TooLarge), _) => DumpError::TooLarge(position),
            (Some(Trip::TooDeep), _) => DumpError::TooDeep(position),
            (None, Category::Io) => DumpError::Io(error.into()),
            // The parser has a limit of its own for what it keeps.
            (None, Category::Syntax) if error.to_string().starts_with("recursion limit") => {
                DumpError::TooDeep(position)
            }
            (None, Category::Eof) => DumpError::Truncated(position),
            (None, _) => {
                let text = error.to_string();
                let words = text.split(" at line ").next().unwrap_or(&text);
                DumpError::Syntax(format!("byte {position}: {words}"))
            }
        }
    }

    fn hand_on(&mut self, item: Item) {
        if !self.is_over && (self.take)(item).is_break() {
            self.is_over = true;
        }
    }

    fn cluster(&mut self, fields: Map<String, Value>, origin: Origin) {
        self.clusters += 1;
        let twice = self.watch.twice.borrow_mut().take();
        let name = fields.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        if !(self.wanted)(&name) {
            return;
        }
        if let Some(key) = twice {
            let fault = format!("it has the key {key:?} twice");
            return self.hand_on(Item::Faulty { name, fault });
        }
        let value = Value::Object(fields);
        match Object::root(&value).and_then(|object| DumpedCluster::read(&object, origin)) {
            Err(fault) => self.hand_on(Item::Faulty { name, fault: fault.to_string() }),
            Ok(cluster) => self.hand_on_or_wait(Box::new(cluster)),
        }
    }

    fn hand_on_or_wait(&mut self, cluster: Box<DumpedCluster>) {
        match &cluster.eds_service {
            Some(service) if cluster.endpoints.is_none() => {
                let waiting = self.waiting.entry(service.clone()).or_default();
                waiting.push((self.clusters, cluster));
            }
            _ => self.hand_on(Item::Cluster(cluster)),
        }
    }

    fn endpoints(&mut self, fields: Map<String, Value>) {
        // Not of a cluster, so not of this one's concern.
        self.watch.twice.borrow_mut().take();
        let service = fields.get("cluster_name").and_then(Value::as_str).unwrap_or_default();
        let Some(waiting) = self.waiting.remove(service) else { return };
        let value = Value::Object(fields);
        let list = Object::root(&value).and_then(|object| endpoints(&object));
        for (_, cluster) in waiting {
            self.hand_on(with_endpoints(cluster, &list));
        }
    }

    fn hand_on_waiting(&mut self) {
        let mut waiting: Vec<_> = self.waiting.drain().flat_map(|(_, list)| list).collect();
        waiting.sort_by_key(|(number, _)| *number);
        for (_, cluster) in waiting {
            self.hand_on(Item::Cluster(cluster));
        }
    }
}

fn with_endpoints(
    mut cluster: Box<DumpedCluster>,
    list: &Result<Vec<DumpedEndpoint>, FieldFault>,
) -> Item {
    match list {
        Ok(list) => {
            cluster.endpoints = Some(list.clone());
            Item::Cluster(cluster)
        }
        Err(fault) => Item::Faulty { name: cluster.name, fault: fault.to_string() },
    }
}

/// An object that may be the document, one of its sections, an entry of a list, or a cluster.
struct Section<'w, 'a> {
    walk: &'w mut Walk<'a>,
    origin: Origin,
}

/// The lists of a section, with the clusters that each has.
const LISTS: [(&str, Origin); 9] = [
    ("configs", Origin::Listed),
    ("resources", Origin::Listed),
    ("clusters", Origin::Listed),
    ("static_clusters", Origin::Static),
    ("dynamic_active_clusters", Origin::Active),
    ("dynamic_warming_clusters", Origin::Warming),
    ("static_endpoint_configs", Origin::Listed),
    ("dynamic_endpoint_configs", Origin::Listed),
    ("static_resources", Origin::Static),
];

impl<'de> DeserializeSeed<'de> for Section<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Section<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or a list of a config dump")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Self { walk, origin } = self;
        while items.next_element_seed(Section { walk: &mut *walk, origin })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let Self { walk, origin } = self;
        let watch = Rc::clone(&walk.watch);
        let mut fields = Map::new();
        loop {
            if walk.is_over {
                return Err(A::Error::custom("nobody wants to hear of more"));
            }
            let name = watch.within(KEY_LIMIT, || entries.next_key::<String>())?;
            let Some(name) = name.map(snake_case) else { break };
            if let Some((_, origin)) = LISTS.iter().find(|(list, _)| *list == name) {
                entries.next_value_seed(Section { walk: &mut *walk, origin: *origin })?;
            } else if name == "bootstrap" {
                let build = entries.next_value_seed(Down { path: &BUILD, watch: &watch })?;
                if let Some(envoy) = build.as_ref().and_then(envoy) {
                    walk.hand_on(Item::Envoy(envoy));
                }
            } else if matches!(name.as_str(), "cluster" | "endpoint_config") || is_known(&name) {
                let prune = Prune { twice: &watch.twice, keep_all: false };
                let read = || match name.as_str() {
                    "endpoint_config" => entries.next_value_seed(prune).map(Some),
                    name => prune.field(name, &mut entries),
                };
                let value = watch.within(walk.cluster_limit, read)?;
                let prune = Prune { twice: &watch.twice, keep_all: false };
                prune.insert(&mut fields, name, value.unwrap_or_default());
            } else if name == "cluster_statuses" {
                return Err(A::Error::custom("this is /clusters; /config_dump is needed"));
            } else {
                entries.next_value::<IgnoredAny>()?;
            }
        }
        walk.object(fields, origin);
        Ok(())
    }
}

impl Walk<'_> {
    /// Takes an object for what its fields say it is.
    fn object(&mut self, mut fields: Map<String, Value>, origin: Origin) {
        let url = fields.get("@type").and_then(Value::as_str).unwrap_or_default();
        let origin = match (origin, url.rsplit('.').next()) {
            (Origin::Listed, Some("StaticCluster")) => Origin::Static,
            (Origin::Listed, Some("DynamicCluster")) => Origin::Dynamic,
            (origin, _) => origin,
        };
        if let Some(Value::Object(inner)) = fields.remove("endpoint_config") {
            return self.endpoints(inner);
        }
        match fields.remove("cluster") {
            Some(Value::Object(inner)) => return self.cluster(inner, origin),
            Some(Value::Null) | None => {}
            Some(_) => {
                let fault = "cluster must be an object".to_owned();
                return self.hand_on(Item::Faulty { name: String::new(), fault });
            }
        }
        if fields.contains_key("cluster_name") && fields.contains_key("endpoints") {
            return self.endpoints(fields);
        }
        const TELLING: [&str; 5] =
            ["type", "cluster_type", "load_assignment", "transport_socket", "eds_cluster_config"];
        if fields.contains_key("name") && TELLING.iter().any(|field| fields.contains_key(*field)) {
            return self.cluster(fields, origin);
        }
        self.watch.twice.borrow_mut().take();
    }
}

/// Where the bootstrap tells the release.
const BUILD: [&str; 2] = ["node", "user_agent_build_version"];

/// Goes down a path of fields, and reads what is small at its end. What is not as it should be
/// tells nothing.
struct Down<'a> {
    path: &'a [&'a str],
    watch: &'a Watch,
}

impl<'de> DeserializeSeed<'de> for Down<'_> {
    type Value = Option<Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

/// Numbers, texts and everything else on the way that is no object.
macro_rules! nothing {
    ($($name:ident: $type:ty),*) => {
        $(fn $name<E>(self, _value: $type) -> Result<Self::Value, E> {
            Ok(None)
        })*
    };
}

impl<'de> Visitor<'de> for Down<'_> {
    type Value = Option<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of JSON")
    }

    nothing!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str);

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let Self { path, watch } = self;
        let mut found = None;
        while let Some(name) = watch.within(KEY_LIMIT, || entries.next_key::<String>())? {
            match (path, snake_case(name)) {
                ([first, rest @ ..], name) if name == *first && !rest.is_empty() => {
                    found = entries.next_value_seed(Down { path: rest, watch })?;
                }
                ([only], name) if name == *only => {
                    found = Some(watch.within(KEY_LIMIT, || entries.next_value())?);
                }
                _ => {
                    entries.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(found)
    }
}

fn envoy(build: &Value) -> Option<DumpedEnvoy> {
    let version = &build["version"];
    let number = |snake: &str, camel: &str| version.get(snake).or(version.get(camel))?.as_u64();
    let library = build["metadata"]["ssl.version"].as_str().unwrap_or_default();
    Some(DumpedEnvoy {
        version: (
            number("major_number", "majorNumber")?,
            number("minor_number", "minorNumber").unwrap_or(0),
            number("patch", "patch").unwrap_or(0),
        ),
        is_fips: library.to_ascii_uppercase().contains("FIPS"),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::effect::SocketChoice;
    use super::*;

    fn items(text: impl AsRef<[u8]>) -> (Vec<Item>, Result<(), DumpError>) {
        let mut all = Vec::new();
        let result = read(
            text.as_ref(),
            |_| true,
            |item| {
                all.push(item);
                ControlFlow::Continue(())
            },
        );
        (all, result)
    }

    /// The clusters with their origin and endpoints, in short.
    fn clusters(text: impl AsRef<[u8]>) -> Vec<String> {
        let (items, result) = items(text);
        result.unwrap();
        let short = |item: Item| match item {
            Item::Envoy(envoy) => format!("Envoy {envoy}"),
            Item::Faulty { name, fault } => format!("{name}: {fault}"),
            Item::Cluster(cluster) => {
                let endpoints = cluster.endpoints.iter().flatten();
                let endpoints: Vec<_> = endpoints.map(|it| it.address.to_string()).collect();
                format!("{} {} {}", cluster.name, cluster.origin.name(), endpoints.join(","))
            }
        };
        items.into_iter().map(short).collect()
    }

    fn failure(text: impl AsRef<[u8]>) -> String {
        items(text).1.unwrap_err().to_string()
    }

    fn assignment(name: &str) -> Value {
        json!({ "cluster_name": name, "endpoints": [{ "lb_endpoints": [{ "endpoint": {
            "address": { "socket_address": { "address": "h", "port_value": 1 } } } }] }] })
    }

    fn fixed(name: &str) -> Value {
        json!({ "name": name, "type": "STATIC", "load_assignment": assignment(name) })
    }

    fn eds(name: &str) -> Value {
        json!({ "name": name, "type": "EDS" })
    }

    fn bootstrap() -> Value {
        json!({ "bootstrap": {
            "static_resources": { "clusters": [fixed("repeated")] },
            "node": { "extensions": ["x"], "user_agent_build_version": {
                "version": { "major_number": 1, "minor_number": 36 },
                "metadata": { "ssl.version": "BoringSSL-FIPS" } } } } })
    }

    #[test]
    fn clusters_of_every_list_are_handed_on_and_the_bootstrap_repeats_none() {
        let dump = json!({ "configs": [
            bootstrap(),
            { "static_clusters": [{ "cluster": fixed("a") }],
              "dynamic_active_clusters": [{ "version_info": "1", "cluster": fixed("b") }],
              "dynamic_warming_clusters": [{ "cluster": fixed("c") }] },
            { "dynamic_listeners": [{ "name": "x", "active_state": { "listener": {} } }] },
        ] });
        let expected = ["Envoy 1.36.0", "a static h:1", "b active h:1", "c warming h:1"];
        assert_eq!(clusters(dump.to_string()), expected);
        let (items, _) = items(dump.to_string());
        let Item::Envoy(envoy) = &items[0] else { panic!("{items:?}") };
        assert!(envoy.is_fips);
    }

    #[test]
    fn a_missing_patch_number_is_zero() {
        let version = json!({ "major_number": 1, "minor_number": 40 });
        let dump = json!({ "configs": [{ "bootstrap": { "node": {
            "user_agent_build_version": { "version": version } } } }, fixed("a")] });
        assert_eq!(clusters(dump.to_string())[0], "Envoy 1.40.0");
    }

    #[test]
    fn clusters_of_type_eds_wait_for_their_endpoints() {
        let dump = json!({ "configs": [
            { "dynamic_active_clusters": [
                { "cluster": eds("late") }, { "cluster": fixed("a") }, { "cluster": eds("none") },
            ] },
            { "static_endpoint_configs": [{ "endpoint_config": assignment("a") }],
              "dynamic_endpoint_configs": [{ "endpoint_config": assignment("late") }] },
        ] });
        assert_eq!(clusters(dump.to_string()), ["a active h:1", "late active h:1", "none active "]);
    }

    #[test]
    fn parts_of_a_dump_are_read_as_well() {
        let of = |kind: &str, cluster: Value| json!({ "cluster": cluster, "@type": format!("x.ClustersConfigDump.{kind}") });
        let parts = [
            (json!({ "configs": [of("DynamicCluster", fixed("a"))] }), "a dynamic h:1"),
            (json!({ "configs": [of("StaticCluster", fixed("a"))] }), "a static h:1"),
            (json!({ "static_clusters": [{ "cluster": fixed("a") }] }), "a static h:1"),
            (json!([{ "static_clusters": [{ "cluster": fixed("a") }] }]), "a static h:1"),
            (json!([fixed("a")]), "a listed h:1"),
            (json!({ "resources": [fixed("a")] }), "a listed h:1"),
            (json!({ "static_resources": { "clusters": [fixed("a")] } }), "a listed h:1"),
            (fixed("a"), "a listed h:1"),
            (json!([eds("a"), assignment("a")]), "a listed h:1"),
        ];
        for (part, expected) in parts {
            assert_eq!(clusters(part.to_string()), [expected], "{part}");
        }
    }

    #[test]
    fn text_before_a_dump_and_several_dumps_are_taken() {
        let dump = json!([fixed("a")]).to_string();
        let text = format!("Forwarding from 127.0.0.1\n\nHandling\n {dump}\n\n{dump}\n");
        assert_eq!(clusters(text).len(), 2);
    }

    #[test]
    fn one_faulty_cluster_spares_the_others() {
        let dump = r#"[{"name": "a", "type": "STATIC", "transport_socket": 7},
            {"name": "b", "type": "STATIC", "name": "x"},
            {"cluster": 7}, {"cluster": {"name": 1}},
            {"name": "c", "type": "STATIC"}]"#;
        let expected = [
            "a: transport_socket must be an object, and is 7",
            "b: it has the key \"name\" twice",
            ": cluster must be an object",
            ": name must be a string, and is 1",
            "c listed ",
        ];
        assert_eq!(clusters(dump), expected);
    }

    #[test]
    fn only_clusters_that_are_wanted_are_handed_on() {
        let dump = json!([fixed("a"), eds("b"), fixed("ab")]).to_string();
        let mut names = Vec::new();
        let take = |item| {
            if let Item::Cluster(cluster) = item {
                names.push(cluster.name);
            }
            ControlFlow::Continue(())
        };
        read(dump.as_bytes(), |name| name.contains('b'), take).unwrap();
        assert_eq!(names, ["ab", "b"]);
    }

    #[test]
    fn a_reader_that_has_enough_ends_the_walk() {
        let dump = format!("[{},{}", fixed("a"), fixed("b"));
        let mut taken = 0;
        let take = |_| {
            taken += 1;
            ControlFlow::Break(())
        };
        read(dump.as_bytes(), |_| true, take).unwrap();
        assert_eq!(taken, 1);
    }

    #[test]
    fn what_is_no_dump_says_what_it_needs_to_be() {
        assert!(failure("").contains("there is no config dump in it"));
        assert!(failure("configs:\n- a\n").contains("there is no config dump in it"));
        assert!(failure("{}").contains("there is no cluster in it"));
        assert!(failure(r#"{"cluster_statuses": []}"#).contains("/config_dump is needed"));
        assert!(failure(r#"{"configs": 7}"#).contains("expected an object or a list"));
        assert!(failure("[{\"name\": \0}]").contains("byte 11: expected value"));
        assert!(failure("[{}] }").contains("byte 5: something follows"));
    }

    #[test]
    fn a_dump_that_is_cut_off_gives_what_it_has() {
        let dump = json!({ "configs": [fixed("a"), fixed("b")] }).to_string();
        let (items, result) = items(&dump[..dump.len() - 30]);
        assert_eq!(items.len(), 1);
        let error = result.unwrap_err().to_string();
        assert!(error.starts_with("it ends in the middle, after"), "{error}");
    }

    #[test]
    fn hostile_dumps_are_refused_in_bounded_memory() {
        let open = |count: usize| "[".repeat(count);
        assert!(failure(open(1 << 20)).contains("nested too deeply"));
        let ignored = format!("[{{\"x\": {}", open(1 << 20));
        assert!(failure(ignored).contains("nested too deeply"));
        let key = format!("[{{\"{}\": 1}}]", "k".repeat(1 << 20));
        assert!(failure(key).contains("is too large"));
        let deep = format!("[{{\"cluster\": {}", r#"{"cluster":"#.repeat(300));
        assert!(failure(deep).contains("nested too deeply"));
    }

    /// What is passed over may be as long as it likes.
    #[test]
    fn what_is_not_read_has_no_limit() {
        const LIMIT: u64 = 1 << 16;
        let long = "x".repeat(1 << 20);
        let result = |text: String| {
            read_within(LIMIT, text.as_bytes(), |_| true, |_| ControlFlow::Continue(()))
        };
        let around = |field: &str, name: &str| {
            format!(r#"[{{"{field}": "{long}", "name": "{name}", "type": "STATIC"}}]"#)
        };
        result(around("other", "a")).unwrap();
        let error = result(around("type", "a")).unwrap_err().to_string();
        assert!(error.contains("is too large"), "{error}");
    }

    #[test]
    fn real_dumps_are_read() {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/envoy/config-dump/");
        let text = std::fs::read(format!("{root}custom-tls.json")).unwrap();
        assert_eq!(
            clusters(&text),
            [
                "Envoy 1.40.0",
                "static-custom-tls static 127.0.0.1:21777",
                "upstream-custom-mtls active localhost:21777",
                "upstream-custom-tls active localhost:21777",
            ]
        );
        let (items, _) = items(&text);
        let Item::Cluster(cluster) = &items[3] else { panic!("{items:?}") };
        let settings = cluster.socket(SocketChoice::Base).tls().unwrap();
        assert_eq!(settings.verify_names, ["legacy.example.com"]);
        assert_eq!(settings.alpn_protocols, ["h2", "http/1.1"]);
        let text = std::fs::read(format!("{root}default-tls.json")).unwrap();
        assert_eq!(clusters(text).len(), 5);
    }
}

#[cfg(test)]
mod properties {
    use proptest::prelude::*;

    use super::*;
    use crate::envoy::{Build, Release};

    const DUMP: &str =
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/envoy/config-dump/gloo.json"));

    fn check(bytes: &[u8]) {
        let mut items = 0;
        let result = read(
            bytes,
            |_| true,
            |item| {
                items += 1;
                if let Item::Cluster(cluster) = item {
                    let groups = cluster.groups(Release::NEWEST, Build::Standard);
                    let count: usize = groups.iter().map(|group| group.endpoints.len()).sum();
                    assert_eq!(count, cluster.endpoints.iter().flatten().count());
                }
                ControlFlow::Continue(())
            },
        );
        assert!(result.is_ok() || !result.unwrap_err().to_string().is_empty());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            check(&bytes);
            check(&[b"[{", &bytes[..]].concat());
        }

        #[test]
        fn a_dump_with_a_few_bytes_changed_is_read_or_refused(
            changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)
        ) {
            let mut bytes = DUMP.as_bytes().to_vec();
            for (place, byte) in changes {
                bytes[place.index(DUMP.len())] = byte;
            }
            check(&bytes);
        }

        #[test]
        fn a_dump_that_ends_anywhere_gives_what_it_has(end in any::<prop::sample::Index>()) {
            check(&DUMP.as_bytes()[..end.index(DUMP.len())]);
        }
    }
}
