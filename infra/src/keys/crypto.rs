//! The few primitives that the other files use: random bytes, HKDF, sealing.

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use rand::RngCore as _;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::KeyError;

/// Bytes of every symmetric key here.
pub(super) const KEY_BYTES: usize = 32;
/// Bytes of the random nonce before each ciphertext. Long enough to be drawn at random
/// without ever counting.
const NONCE_BYTES: usize = 24;

/// A key in memory, wiped when it is dropped.
pub(crate) type SecretKey = Zeroizing<[u8; KEY_BYTES]>;

/// Bytes from the system's cryptographic generator.
pub(super) fn random<const N: usize>() -> Zeroizing<[u8; N]> {
    let mut bytes = Zeroizing::new([0; N]);
    rand::rng().fill_bytes(bytes.as_mut_slice());
    bytes
}

/// 32 random bytes: a key, or a token's worth.
pub(crate) fn random_key() -> SecretKey {
    random::<KEY_BYTES>()
}

/// A key derived from another for one named use.
pub(super) fn derive(key: &[u8; KEY_BYTES], purpose: &str) -> SecretKey {
    let mut derived = Zeroizing::new([0; KEY_BYTES]);
    let expanded = Hkdf::<Sha256>::new(Some(b"mintmark v1"), key).expand(purpose.as_bytes(), derived.as_mut_slice());
    // HKDF refuses only outputs longer than 255 hashes.
    expanded.expect("32 bytes can be derived");
    derived
}

/// Nonce and ciphertext. `bound_to` must be given again to open it.
pub(super) fn seal(key: &[u8; KEY_BYTES], bound_to: &[u8], plain: &[u8]) -> Vec<u8> {
    let nonce = random::<NONCE_BYTES>();
    let payload = Payload { msg: plain, aad: bound_to };
    let sealed = XChaCha20Poly1305::new(key.into()).encrypt(XNonce::from_slice(nonce.as_slice()), payload);
    // It refuses only texts of more than 256 GiB.
    let sealed = sealed.expect("a text in memory can be sealed");
    [nonce.as_slice(), &sealed].concat()
}

/// What [`seal`] sealed with the same key and binding.
pub(super) fn open(key: &[u8; KEY_BYTES], bound_to: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let (nonce, ciphertext) = sealed.split_at_checked(NONCE_BYTES).ok_or(KeyError::DoesNotOpen)?;
    let payload = Payload { msg: ciphertext, aad: bound_to };
    let opened = XChaCha20Poly1305::new(key.into()).decrypt(XNonce::from_slice(nonce), payload);
    opened.map(Zeroizing::new).map_err(|_| KeyError::DoesNotOpen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_opens_only_with_the_same_key_and_binding() {
        let (key, other) = ([1; 32], [2; 32]);
        let sealed = seal(&key, b"here", b"a prompt");
        assert_eq!(open(&key, b"here", &sealed).unwrap().as_slice(), b"a prompt");
        assert!(matches!(open(&other, b"here", &sealed), Err(KeyError::DoesNotOpen)));
        assert!(matches!(open(&key, b"there", &sealed), Err(KeyError::DoesNotOpen)));
        for at in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[at] ^= 1;
            assert!(open(&key, b"here", &altered).is_err(), "byte {at}");
        }
        assert!(open(&key, b"here", &sealed[..20]).is_err());
    }

    #[test]
    fn the_same_text_never_looks_the_same() {
        assert_ne!(seal(&[1; 32], b"", b"a prompt"), seal(&[1; 32], b"", b"a prompt"));
    }

    #[test]
    fn purposes_have_keys_of_their_own() {
        let key = [7; 32];
        assert_ne!(*derive(&key, "one"), *derive(&key, "two"));
        assert_eq!(*derive(&key, "one"), *derive(&key, "one"));
        assert_ne!(*derive(&key, "one"), key);
    }
}
