//! Any bytes make clusters or one error, and every cluster has groups with what Envoy offers.
#![no_main]

use std::ops::ControlFlow;

use cipher_test::envoy::{Build, Release};
use cipher_test::gloo::config_dump::{Item, SocketChoice, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let mut items = 0;
    let result = read(input, |name| !name.contains("unwanted"), |item| {
        items += 1;
        match item {
            Item::Cluster(cluster) => {
                assert!(!cluster.name.contains("unwanted"));
                let groups = cluster.groups(Release::NEWEST, Build::Standard);
                assert!(!groups.is_empty());
                let endpoints: usize = groups.iter().map(|group| group.endpoints.len()).sum();
                assert_eq!(endpoints, cluster.endpoints.iter().flatten().count());
                for group in groups {
                    if let SocketChoice::Match(index) = group.choice {
                        assert!(index < cluster.matches.len());
                    }
                    let speaks_tls = cluster.socket(group.choice).tls().is_some();
                    assert_eq!(group.tls.is_some(), speaks_tls);
                    if let Some(Err(fault)) = group.tls.map(|tls| tls.config.offer()) {
                        assert!(!fault.to_string().is_empty());
                    }
                }
            }
            Item::Faulty { fault, .. } => assert!(!fault.is_empty()),
            Item::Envoy(envoy) => assert!(envoy.to_string().contains('.')),
        }
        ControlFlow::Continue(())
    });
    // Nothing in memory is as long as what was read.
    assert!(items <= input.len());
    if let Err(error) = result {
        assert!(!error.to_string().is_empty());
    }
});
