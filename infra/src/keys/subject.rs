//! One person's own key: seals their texts, fingerprints their requests.

use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::KeyError;
use super::crypto::{self, SecretKey};

/// One subject's key (a subject is an account's id). Whoever destroys it destroys all that was
/// sealed under it.
pub struct SubjectKey {
    subject: Uuid,
    sealing: SecretKey,
    fingerprints: SecretKey,
}

impl SubjectKey {
    pub(super) fn new(subject: Uuid, data_key: &SecretKey) -> Self {
        Self {
            subject,
            sealing: crypto::derive(data_key, "sealing"),
            fingerprints: crypto::derive(data_key, "fingerprints"),
        }
    }

    /// Whose it is.
    #[must_use]
    pub fn subject(&self) -> Uuid {
        self.subject
    }

    /// Seals a text under `id`: it opens only as that subject's text of that id, so that a
    /// row moved to another person or place does not open.
    #[must_use]
    pub fn seal(&self, id: Uuid, plain: &[u8]) -> Vec<u8> {
        crypto::seal(&self.sealing, &self.bound_to(id), plain)
    }

    /// Opens what [`Self::seal`] made.
    ///
    /// # Errors
    /// [`KeyError::DoesNotOpen`].
    pub fn open(&self, id: Uuid, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        crypto::open(&self.sealing, &self.bound_to(id), sealed)
    }

    /// The fingerprint of something short.
    #[must_use]
    pub fn fingerprint(&self, bytes: &[u8]) -> String {
        let mut fingerprint = self.fingerprinting();
        fingerprint.update(bytes);
        fingerprint.finish()
    }

    /// Begins the fingerprint of a request's body.
    #[must_use]
    pub fn fingerprinting(&self) -> Fingerprint {
        let mac = Hmac::<Sha256>::new_from_slice(self.fingerprints.as_slice());
        Fingerprint(mac.expect("HMAC takes keys of any length"))
    }

    fn bound_to(&self, id: Uuid) -> Vec<u8> {
        [self.subject.as_bytes().as_slice(), id.as_bytes()].concat()
    }
}

/// The fingerprint of a request's body: equal for equal bytes of the same person, and without the key not
/// even a short body can be guessed from it.
pub struct Fingerprint(Hmac<Sha256>);

impl Fingerprint {
    /// The body's next part.
    pub fn update(&mut self, part: &[u8]) {
        self.0.update(part);
    }

    /// 64 hexadecimal digits.
    #[must_use]
    pub fn finish(self) -> String {
        hex::encode(self.0.finalize().into_bytes())
    }
}

impl std::fmt::Debug for SubjectKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "SubjectKey({})", self.subject)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(subject: u128) -> SubjectKey {
        SubjectKey::new(Uuid::from_u128(subject), &SecretKey::new([5; 32]))
    }

    #[test]
    fn a_text_opens_only_for_its_subject_and_id() {
        let id = Uuid::from_u128(10);
        let sealed = key(1).seal(id, b"a prompt");
        assert_eq!(key(1).open(id, &sealed).unwrap().as_slice(), b"a prompt");
        assert!(key(1).open(Uuid::from_u128(11), &sealed).is_err(), "another text's place");
        assert!(key(2).open(id, &sealed).is_err(), "another person's place");
    }

    #[test]
    fn fingerprints_tell_bodies_apart() {
        let of = |key: SubjectKey, parts: &[&[u8]]| {
            let mut fingerprint = key.fingerprinting();
            parts.iter().for_each(|part| fingerprint.update(part));
            fingerprint.finish()
        };
        assert_eq!(of(key(1), &[b"{}"]), of(key(1), &[b"{", b"}"]));
        assert_ne!(of(key(1), &[b"{}"]), of(key(1), &[b"{ }"]));
        let other = SubjectKey::new(Uuid::from_u128(1), &SecretKey::new([6; 32]));
        assert_ne!(of(key(1), &[b"{}"]), of(other, &[b"{}"]));
    }
}
