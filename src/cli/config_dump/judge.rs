//! What each cluster of a dump is judged for, and the Upstream that it belongs to.

use std::collections::{HashMap, HashSet};

use crate::cli::args::ConfigDump;
use crate::cli::upstreams::input::Input;
use crate::envoy::{Build, Release};
use crate::gloo::config_dump::{
    DumpedCluster, DumpedEnvoy, Item, Missing, Origin, compare, expected_clusters, refused_by_envoy,
};
use crate::gloo::{self, Context, NoSecrets, Settings, Upstream, translate};
use crate::report::config_dump::ClusterRecord;
use crate::trial::printable;

/// What is known while a dump is read.
pub(super) struct Judge {
    gloo: gloo::Release,
    /// Given by the user, and so before what the dump says.
    given: Option<Release>,
    is_fips: bool,
    /// The Envoy that the dump names.
    pub(super) dumped: Option<DumpedEnvoy>,
    pub(super) release: Release,
    build: Build,
    settings: Option<Settings>,
    upstreams: Vec<Upstream>,
    /// The place of the Upstream of each cluster that there should be.
    by_cluster: HashMap<String, usize>,
    in_use: HashSet<String>,
    warming: HashSet<String>,
    /// Which clusters are to be shown.
    wanted: Vec<String>,
    has_judged: bool,
    /// How many clusters could not be read.
    pub(super) faulty: usize,
}

impl Judge {
    pub(super) fn new(args: &ConfigDump, input: Input) -> Result<Self, String> {
        if !args.upstreams.is_empty() && input.upstreams.is_empty() && input.mistakes == 0 {
            return Err("there is no Upstream in the files given with --upstreams".to_owned());
        }
        let settings = input.settings()?.map(|found| found.settings.clone());
        let upstreams: Vec<_> =
            input.upstreams.into_iter().map(|document| document.upstream).collect();
        let mut by_cluster = HashMap::new();
        for (place, upstream) in upstreams.iter().enumerate() {
            by_cluster.extend(expected_clusters(upstream).into_iter().map(|name| (name, place)));
        }
        Ok(Self {
            gloo: args.gloo,
            given: args.envoy,
            is_fips: args.fips,
            dumped: None,
            release: args.envoy.unwrap_or(args.gloo.envoy()),
            build: if args.fips { Build::Fips } else { Build::Standard },
            settings,
            upstreams,
            by_cluster,
            in_use: HashSet::new(),
            warming: HashSet::new(),
            wanted: args.cluster.clone(),
            has_judged: false,
            faulty: 0,
        })
    }

    /// Takes what the dump has next; makes a record of it if it is a cluster.
    pub(super) fn take(&mut self, item: Item) -> Option<ClusterRecord> {
        match item {
            Item::Cluster(cluster) => Some(self.judge(cluster)),
            Item::Envoy(envoy) => {
                self.take_envoy(envoy);
                None
            }
            Item::Faulty { name, fault } => {
                self.faulty += 1;
                tell!("cipher-test: cluster '{}': {}", printable(&name), printable(&fault));
                None
            }
        }
    }

    fn take_envoy(&mut self, envoy: DumpedEnvoy) {
        if self.given.is_none() {
            let (major, minor, _) = envoy.version;
            let release = format!("{major}.{minor}").parse();
            let release = release.unwrap_or_else(|_| self.nearest(&envoy));
            if self.has_judged && release != self.release && self.dumped.is_none() {
                tell!(
                    "cipher-test: the dump names its Envoy behind clusters that were judged for \
                     {}: give --envoy {release}",
                    self.release
                );
            }
            self.release = release;
        }
        if !self.is_fips {
            self.build = if envoy.is_fips { Build::Fips } else { Build::Standard };
        }
        self.dumped = Some(envoy);
    }

    /// For a release that is not known.
    fn nearest(&self, envoy: &DumpedEnvoy) -> Release {
        let (major, minor, _) = envoy.version;
        let oldest: u64 = Release::OLDEST.to_string().split('.').nth(1).map_or(0, |minor| {
            // A release prints as its number.
            minor.parse().unwrap_or(0)
        });
        let nearest = match (major, minor) {
            (0, _) => Release::OLDEST,
            (1, minor) if minor < oldest => Release::OLDEST,
            _ => Release::NEWEST,
        };
        tell!("cipher-test: Envoy {envoy} is not known: it is judged as {nearest}");
        nearest
    }

    fn judge(&mut self, cluster: Box<DumpedCluster>) -> ClusterRecord {
        self.has_judged = true;
        let groups = cluster.groups(self.release, self.build);
        let mut record = ClusterRecord {
            cluster,
            groups,
            upstream: None,
            differences: Vec::new(),
            kept_because: None,
            probes: Vec::new(),
        };
        let Some(place) = self.by_cluster.get(&record.cluster.name) else { return record };
        let name = record.cluster.name.clone();
        match record.cluster.origin {
            Origin::Warming => self.warming.insert(name),
            _ => self.in_use.insert(name),
        };
        let Some(upstream) = self.upstreams.get(*place) else { return record };
        let expected = translate(upstream, &self.context());
        record.differences = compare(&record.cluster, &record.groups, upstream, &expected);
        record.kept_because = refused_by_envoy(&expected, &record.cluster.name);
        record.upstream = Some(upstream.name.clone());
        record
    }

    fn context(&self) -> Context<'_> {
        Context {
            gloo: self.gloo,
            envoy: self.release,
            build: self.build,
            settings: self.settings.as_ref(),
            secrets: &NoSecrets,
        }
    }

    /// The Upstreams whose clusters are not in use, in the order in which they were read.
    pub(super) fn missing(&self) -> impl Iterator<Item = Missing> {
        let context = self.context();
        self.upstreams.iter().flat_map(move |upstream| {
            let names = expected_clusters(upstream).into_iter();
            let absent: Vec<_> =
                names.filter(|name| self.is_wanted(name) && !self.in_use.contains(name)).collect();
            let made = (!absent.is_empty()).then(|| translate(upstream, &context));
            let missing = |name: String| {
                let made = made.as_ref()?;
                Some(Missing::new(made, &name, self.warming.contains(&name)))
            };
            absent.into_iter().filter_map(missing).collect::<Vec<_>>()
        })
    }

    fn is_wanted(&self, name: &str) -> bool {
        self.wanted.is_empty() || self.wanted.iter().any(|part| name.contains(part.as_str()))
    }
}
