//! Public keys for the key_share extension.

use openssl::bn::BigNumContext;
use openssl::ec::{EcGroup, EcKey, PointConversionForm};
use openssl::error::ErrorStack;
use openssl::nid::Nid;
use rand::RngCore;

use crate::tls::Group;

/// One entry of a key_share extension: a group and a public key for it.
///
/// The private key is not kept: a probe reads the server's answer to the hello and goes no
/// further. RFC 8446 §4.2.8.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeyShare {
    /// The group that the key belongs to.
    pub group: Group,
    /// The public key as it travels.
    pub key_exchange: Vec<u8>,
}

impl KeyShare {
    /// Makes a key that servers take for a fresh one, or `None` for a group that no release of
    /// Envoy sends a key for.
    ///
    /// # Errors
    ///
    /// What OpenSSL says when it cannot make a key on a curve that it should have.
    pub fn generate(group: Group, rng: &mut dyn RngCore) -> Result<Option<Self>, ErrorStack> {
        let key_exchange = match group {
            Group::X25519 => random_bytes(rng, 32),
            Group::SECP224R1 => curve_point(Nid::SECP224R1)?,
            Group::SECP256R1 => curve_point(Nid::X9_62_PRIME256V1)?,
            Group::SECP384R1 => curve_point(Nid::SECP384R1)?,
            Group::SECP521R1 => curve_point(Nid::SECP521R1)?,
            Group::MLKEM768 => ml_kem_key(rng, 3),
            Group::MLKEM1024 => ml_kem_key(rng, 4),
            Group::X25519_MLKEM768 => [ml_kem_key(rng, 3), random_bytes(rng, 32)].concat(),
            Group::X25519_KYBER768_DRAFT00 => [random_bytes(rng, 32), ml_kem_key(rng, 3)].concat(),
            _ => return Ok(None),
        };
        Ok(Some(Self { group, key_exchange }))
    }
}

fn random_bytes(rng: &mut dyn RngCore, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    rng.fill_bytes(&mut bytes);
    bytes
}

fn curve_point(curve: Nid) -> Result<Vec<u8>, ErrorStack> {
    let group = EcGroup::from_curve_name(curve)?;
    let key = EcKey::generate(&group)?;
    let mut context = BigNumContext::new()?;
    key.public_key().to_bytes(&group, PointConversionForm::UNCOMPRESSED, &mut context)
}

/// An encapsulation key of `rank` polynomials: random coefficients below the modulus, which is
/// all that a server can check, then the seed.
///
/// FIPS 203 §7.2: 384 bytes for each polynomial of 256 coefficients of 12 bits, and 32 bytes.
fn ml_kem_key(rng: &mut dyn RngCore, rank: usize) -> Vec<u8> {
    const MODULUS: u32 = 3329;
    let mut key = Vec::with_capacity(rank * 384 + 32);
    for _ in 0..rank * 128 {
        let (a, b) = (rng.next_u32() % MODULUS, rng.next_u32() % MODULUS);
        let pair = a | b << 12;
        key.extend_from_slice(&pair.to_le_bytes()[..3]);
    }
    key.extend(random_bytes(rng, 32));
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_the_sizes_that_envoy_sends() {
        #[rustfmt::skip]
        let table = [
            (Group::X25519, 32), (Group::SECP256R1, 65), (Group::SECP384R1, 97),
            (Group::SECP521R1, 133), (Group::SECP224R1, 57), (Group::X25519_MLKEM768, 1216),
            (Group::X25519_KYBER768_DRAFT00, 1216), (Group::MLKEM1024, 1568),
        ];
        for (group, size) in table {
            let share = KeyShare::generate(group, &mut rand::rng()).unwrap().unwrap();
            assert_eq!(share.key_exchange.len(), size, "{group}");
        }
    }

    #[test]
    fn groups_that_envoy_cannot_offer_have_no_key() {
        assert_eq!(KeyShare::generate(Group::X448, &mut rand::rng()).unwrap(), None);
    }
}
