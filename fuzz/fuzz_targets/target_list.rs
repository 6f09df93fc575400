//! What a line of a list names prints as a line that names the same, and a network is as large as
//! it says.
#![no_main]

use cipher_test::target::list::{Named, Network, read_line};
use cipher_test::target::{Fingerprint, Shard};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|line: &[u8]| {
    let Ok(Some(named)) = read_line(line) else { return };
    let printed = match &named {
        Named::Target(target) => {
            let fingerprint = Fingerprint::of(target);
            let shares = (0..5).filter_map(|index| Shard::new(index, 5));
            assert_eq!(shares.filter(|share| share.has(fingerprint)).count(), 1);
            target.to_string()
        }
        Named::Network(network) => {
            assert!(network.size() <= Network::LARGEST);
            let last = network.targets().last();
            assert_eq!(network.targets().nth(network.size() as usize - 1), last);
            network.to_string()
        }
    };
    assert_eq!(read_line(printed.as_bytes()), Ok(Some(named)), "{line:?} prints as {printed:?}");
});
