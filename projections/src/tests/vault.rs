//! A vault for tests, which keeps texts in the clear.

use std::collections::HashMap;
use std::sync::Mutex;

use async_trait::async_trait;
use mintmark_domain::es::SealedText;
use mintmark_domain::ids::{AccountId, SealedId};
use mintmark_domain::ports::{ClaimKind, Vault, VaultError};
use uuid::Uuid;

/// Keeps texts as they are, by id and subject.
#[derive(Default)]
pub(super) struct PlainVault(Mutex<HashMap<SealedId, (Uuid, Vec<u8>)>>);

impl PlainVault {
    pub fn keep(&self, subject: AccountId, id: SealedId, text: Vec<u8>) {
        self.0.lock().unwrap().insert(id, (subject.0, text));
    }

    pub fn erase(&self, subject: AccountId) {
        self.0.lock().unwrap().retain(|_, (whose, _)| *whose != subject.0);
    }
}

#[async_trait]
impl Vault for PlainVault {
    async fn seal(&self, subject: Uuid, id: SealedId, text: &[u8]) -> Result<SealedText, VaultError> {
        self.0.lock().unwrap().insert(id, (subject, text.to_vec()));
        Ok(SealedText { id, subject, ciphertext: text.to_vec() })
    }

    async fn open(&self, ids: &[SealedId]) -> Result<HashMap<SealedId, Vec<u8>>, VaultError> {
        let texts = self.0.lock().unwrap();
        Ok(ids.iter().filter_map(|id| Some((*id, texts.get(id)?.1.clone()))).collect())
    }

    async fn open_text(&self, text: &SealedText) -> Result<Option<Vec<u8>>, VaultError> {
        Ok(Some(text.ciphertext.clone()))
    }

    async fn fingerprint(&self, _: Uuid, _: &[u8]) -> Result<String, VaultError> {
        Ok(String::new())
    }

    fn claim_value(&self, _: ClaimKind, name: &str) -> Vec<u8> {
        name.as_bytes().to_vec()
    }
}
