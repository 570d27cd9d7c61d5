//! Passwords are hashed with argon2id, away from the threads that answer, and only so many at once.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use argon2::password_hash::{PasswordHash, PasswordHasher as _, PasswordVerifier as _, Salt, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use async_trait::async_trait;
use mintmark_domain::ports::{IdentityError, Passwords};
use tokio::sync::Semaphore;

use super::corrupt;
use crate::keys::random_key;

/// How many kilobytes one hash takes (OWASP's first choice for argon2id: 19 MiB, two passes, one lane).
const MEMORY_KIB: u32 = 19 * 1_024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// How many are hashed at once in one process: a core each, and 19 MiB.
pub const HASHES_AT_ONCE: usize = 2;
/// How long one waits for its turn before it is told to come again.
const TURN_WITHIN: Duration = Duration::from_secs(5);

/// Hashes passwords with argon2id.
#[derive(Clone, Debug)]
pub struct Argon2Passwords {
    room: Arc<Semaphore>,
}

impl Default for Argon2Passwords {
    fn default() -> Self {
        Argon2Passwords { room: Arc::new(Semaphore::new(HASHES_AT_ONCE)) }
    }
}

/// The hash of a password that nobody has: who is not known takes as long as who is.
static NOBODYS: LazyLock<Option<String>> = LazyLock::new(|| hash("").ok());

fn argon2() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).unwrap_or_default();
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

fn hash(password: &str) -> Result<String, IdentityError> {
    let salt = SaltString::encode_b64(&random_key()[..Salt::RECOMMENDED_LENGTH]);
    let salt = salt.map_err(|_| corrupt("a salt"))?;
    let hashed = argon2().hash_password(password.as_bytes(), &salt);
    hashed.map(|hash| hash.to_string()).map_err(|error| IdentityError::Unavailable(error.to_string()))
}

impl Argon2Passwords {
    /// Does work that takes a core for a while.
    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, IdentityError> + Send + 'static,
    ) -> Result<T, IdentityError> {
        let turn = tokio::time::timeout(TURN_WITHIN, Arc::clone(&self.room).acquire_owned()).await;
        let Ok(Ok(turn)) = turn else { return Err(IdentityError::Full("sign-ins")) };
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            // Only now: whoever hangs up does not make room for another beside this one.
            drop(turn);
            done
        });
        done.await.map_err(|error| IdentityError::Unavailable(error.to_string()))?
    }
}

#[async_trait]
impl Passwords for Argon2Passwords {
    async fn hash(&self, password: &str) -> Result<String, IdentityError> {
        let password = password.to_owned();
        self.work(move || hash(&password)).await
    }

    async fn verify(&self, hash: Option<&str>, password: &str) -> Result<bool, IdentityError> {
        let (known, password) = (hash.map(str::to_owned), password.to_owned());
        self.work(move || {
            let is_known = known.is_some();
            let hash = known.or_else(|| NOBODYS.clone()).unwrap_or_default();
            let parsed = PasswordHash::new(&hash).map_err(|_| corrupt("a password's hash"))?;
            // With the parameters that stand in the hash, so that older ones stay good.
            Ok(argon2().verify_password(password.as_bytes(), &parsed).is_ok() && is_known)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_known_by_its_hash_and_no_two_hashes_are_alike() {
        let passwords = Argon2Passwords::default();
        let one = passwords.hash("correct horse").await.unwrap();
        let other = passwords.hash("correct horse").await.unwrap();
        assert!(one.starts_with("$argon2id$v=19$m=19456,t=2,p=1$") && one != other);
        for hash in [&one, &other] {
            assert!(passwords.verify(Some(hash), "correct horse").await.unwrap());
            assert!(!passwords.verify(Some(hash), "correct hors").await.unwrap());
        }
        assert!(!passwords.verify(None, "").await.unwrap(), "nobody's password is nobody's");
        assert!(matches!(passwords.verify(Some("plain"), "plain").await, Err(IdentityError::Corrupt(_))));
    }

    #[tokio::test]
    async fn no_more_are_hashed_at_once_than_there_is_room_for() {
        let passwords = Argon2Passwords::default();
        let all = passwords.room.clone().acquire_many_owned(u32::try_from(HASHES_AT_ONCE).unwrap()).await.unwrap();
        tokio::time::pause();
        assert_eq!(passwords.hash("x").await, Err(IdentityError::Full("sign-ins")));
        drop(all);
        tokio::time::resume();
        assert!(passwords.hash("x").await.is_ok());
    }
}
