//! Keys: the master key, what is derived from it, and each person's own key.
//!
//! One master key of 32 bytes wraps everything else. It lies outside the database and apart
//! from its backups. From it come keys for single purposes (HKDF-SHA256), and it wraps each
//! subject's data key, under which that person's texts are sealed (XChaCha20-Poly1305).
//! Emptying one row of `subject_keys` therefore destroys every sealed text of one person, in every
//! backup of the log too; the empty row says that this person gets no key again.

mod crypto;
mod error;
mod master;
mod master_file;
mod purpose;
mod subject;
mod subject_keys;

pub(crate) use crypto::random_key;
pub use error::KeyError;
pub use master::{MasterKey, MasterKeySource, open_master_key};
pub use purpose::{Purpose, PurposeKey};
pub use subject::SubjectKey;
pub use subject_keys::SubjectKeys;

/// The tables of this module. Safe to run again.
pub const SCHEMA: &str = "\
CREATE TABLE IF NOT EXISTS master_key (
    only_row    boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    fingerprint text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE IF NOT EXISTS subject_keys (
    subject    uuid PRIMARY KEY,
    wrapped    bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
";
