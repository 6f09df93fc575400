//! What a running Envoy has: the dump of its admin interface, `/config_dump`, cluster by cluster.
//!
//! A dump may have hundreds of megabytes, so it is walked as a stream. Of a cluster only what
//! bears upon TLS is kept, never a certificate or a key; of everything else, nothing. Memory is
//! bounded by the largest cluster, and by the clusters of type EDS, which wait for their endpoints.
//!
//! Shapes: Envoy `api/envoy/admin/v3/config_dump_shared.proto` and `cluster.proto`; measured with
//! Envoy 1.36 and 1.40. Keys in camelCase, as other tools print them, are read as well.

mod cluster;
mod compare;

mod effect;
mod prune;
mod socket;
mod stream;

pub use cluster::{Address, DumpedCluster, DumpedEndpoint, Origin, SocketMatch, UpstreamProtocol};

pub use compare::{
    Difference, Missing, MissingBecause, compare, expected_clusters, refused_by_envoy,
};
pub use effect::{Effective, Group, SocketChoice};
pub use socket::{CertificateSource, Security, Socket, TlsSettings};
pub use stream::{CLUSTER_LIMIT, DumpError, DumpedEnvoy, Item, read};
