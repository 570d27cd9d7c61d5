//! Opening, storing and sweeping uploads.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{SubsecRound as _, TimeDelta};
use mintmark_domain::Timestamp;
use mintmark_domain::ids::AccountId;
use mintmark_domain::ports::{
    AssetError, Clock, Entropy, NewUpload, OpenedUpload, StoredUpload, UPLOAD_BYTES_MAX, UploadBody, UploadError,
    UploadPut, Uploads,
};
use sqlx::PgPool;
use uuid::Uuid;

use super::names::{content_type, extension, served_as};
use super::receive::{Limits, receive};
use super::table::{Row, Table, unavailable};
use crate::assets::{AssetKey, AssetStore, SignatureError, UrlSigner};

/// How long an address to put to lives (decision 28).
const PUT_FOR: TimeDelta = TimeDelta::minutes(15);
/// How long an address to read from lives.
const READ_FOR: TimeDelta = TimeDelta::days(7);
/// How long a claim on an upload holds that nobody renews.
const CLAIM_FOR: TimeDelta = TimeDelta::seconds(60);
/// How often it is renewed while the file comes in.
const RENEW_EVERY: Duration = Duration::from_secs(15);
/// How many uploads that are over are swept at a time.
const SWEEP_MAX: i64 = 1_000;
/// After how long a part of a file that nobody finished is swept from a directory.
const LEFTOVER_AFTER: Duration = Duration::from_secs(24 * 3_600);

/// Limits of one account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UploadsSettings {
    /// The most uploads that can be put or read at a time.
    pub count_max: u32,
    /// The most bytes of all of them.
    pub bytes_max: u64,
}

impl Default for UploadsSettings {
    fn default() -> Self {
        UploadsSettings { count_max: 1_000, bytes_max: 100 << 30 }
    }
}

/// What uploads stand on.
#[derive(Clone)]
pub struct UploadsDeps {
    /// Where their rows are.
    pub pool: PgPool,
    /// Where their files are.
    pub assets: AssetStore,
    /// Signs their addresses.
    pub signer: UrlSigner,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Draws their ids.
    pub entropy: Arc<dyn Entropy>,
}

/// Uploads at signed addresses.
pub struct SignedUploads {
    deps: UploadsDeps,
    table: Table,
    settings: UploadsSettings,
}

impl SignedUploads {
    /// Uploads over `deps`; their table is [`super::SCHEMA`].
    #[must_use]
    pub fn new(deps: UploadsDeps, settings: UploadsSettings) -> Self {
        let table = Table(deps.pool.clone());
        SignedUploads { deps, table, settings }
    }

    fn now(&self) -> Timestamp {
        self.deps.clock.now()
    }

    /// Deletes what can no longer be read, and what broken uploads left. Answers how many uploads went.
    ///
    /// # Errors
    /// The database or storage did not answer.
    pub async fn sweep(&self) -> Result<usize, AssetError> {
        let over = self.table.over(self.now(), SWEEP_MAX).await.map_err(|error| unavailable(&error))?;
        for (asset_id, key) in &over {
            if let Ok(key) = key.parse::<AssetKey>() {
                self.deps.assets.delete(&key).await.map_err(crate::assets::port_error)?;
            }
            // Last: a file without a row would never be swept.
            self.table.forget(asset_id).await.map_err(|error| unavailable(&error))?;
        }
        self.deps.assets.sweep_leftovers(LEFTOVER_AFTER).await.map_err(crate::assets::port_error)?;
        Ok(over.len())
    }

    async fn row(&self, asset_id: &str) -> Result<Row, UploadError> {
        let row = self.table.find(asset_id).await.map_err(|error| unavailable(&error))?;
        row.ok_or(UploadError::NotFound)
    }

    /// Whether what the request says fits what was opened. Answers the limits that hold.
    async fn admit(&self, row: &Row, put: &UploadPut) -> Result<Limits, UploadError> {
        let said = put.content_type.as_deref().map_or(Err(UploadError::BadContentType), content_type);
        if said.as_deref() != Ok(row.content_type.as_str()) {
            return Err(UploadError::OtherContentType { expected: row.content_type.clone() });
        }
        let account = AccountId(row.account_id);
        let others = self.table.bytes_of(account, &row.asset_id, self.now()).await;
        let left = self.settings.bytes_max.saturating_sub(others.map_err(|error| unavailable(&error))?);
        let limits = Limits {
            declared: row.declared.and_then(|declared| u64::try_from(declared).ok()),
            bytes_max: UPLOAD_BYTES_MAX.min(left),
        };
        match (put.content_length, limits.declared) {
            (Some(length), _) if length > limits.bytes_max => Err(UploadError::TooLarge { max: limits.bytes_max }),
            (Some(came), Some(declared)) if came != declared => Err(UploadError::OtherSize { declared, came }),
            (Some(_) | None, _) => Ok(limits),
        }
    }

    async fn claimed(&self, row: &Row) -> Result<Uuid, UploadError> {
        let mut random = [0; 16];
        self.deps.entropy.fill(&mut random);
        let claim = Uuid::from_bytes(random);
        let claimed = self.table.claim(&row.asset_id, claim, self.now(), CLAIM_FOR).await;
        if claimed.map_err(|error| unavailable(&error))? {
            return Ok(claim);
        }
        match self.row(&row.asset_id).await?.state.as_str() {
            "stored" => Err(UploadError::AlreadyStored),
            _ => Err(UploadError::UnderWay),
        }
    }

    async fn store(&self, row: &Row, claim: Uuid, body: UploadBody, limits: Limits) -> Result<u64, UploadError> {
        let key: AssetKey = row.key.parse().map_err(|_| AssetError::BadKey)?;
        let renew = || async move {
            let renewed = self.table.renew(&row.asset_id, claim, self.now() + CLAIM_FOR).await;
            if renewed.map_err(|error| unavailable(&error))? { Ok(()) } else { Err(UploadError::UnderWay) }
        };
        let size = receive(&self.deps.assets, &key, body, limits, (RENEW_EVERY, renew)).await?;
        let finished = self.table.finish(&row.asset_id, claim, size).await.map_err(|error| unavailable(&error))?;
        if finished { Ok(size) } else { Err(UploadError::AlreadyStored) }
    }
}

#[async_trait]
impl Uploads for SignedUploads {
    async fn open(&self, account: AccountId, asked: NewUpload) -> Result<OpenedUpload, UploadError> {
        let (extension, content_type) = (extension(&asked.filename)?, content_type(&asked.content_type)?);
        if asked.size_bytes.is_some_and(|size| size > UPLOAD_BYTES_MAX) {
            return Err(UploadError::TooLarge { max: UPLOAD_BYTES_MAX });
        }
        let mut random = [0; 12];
        self.deps.entropy.fill(&mut random);
        let hex = hex::encode(random);
        let key: AssetKey = format!("uploads/{hex}.{extension}").parse().map_err(|_| AssetError::BadKey)?;
        let asset_id = format!("asset_{hex}");
        let now = self.now();
        // Addresses are good to the second.
        let expires_at = (now + PUT_FOR).trunc_subsecs(0);
        let row = Row {
            asset_id: asset_id.clone(),
            account_id: account.0,
            key: key.to_string(),
            content_type: content_type.clone(),
            declared: asked.size_bytes.map(u64::cast_signed),
            state: "open".to_owned(),
            size_bytes: None,
        };
        let UploadsSettings { count_max, bytes_max } = self.settings;
        let limits = (i64::from(count_max), i64::try_from(bytes_max).unwrap_or(i64::MAX));
        let inserted = self.table.insert(&row, (now, now + READ_FOR), limits).await;
        if !inserted.map_err(|error| unavailable(&error))? {
            return Err(UploadError::TooMany { count_max, bytes_max });
        }
        Ok(OpenedUpload {
            upload_url: self.deps.signer.upload(&asset_id, expires_at).into(),
            asset_url: self.deps.signer.signed_for(&key, now, READ_FOR).into(),
            asset_id,
            content_type,
            expires_at,
        })
    }

    async fn put(&self, put: UploadPut, body: UploadBody) -> Result<StoredUpload, UploadError> {
        let signed = self.deps.signer.verify_upload(&put.asset_id, &put.expires, &put.signature, self.now());
        signed.map_err(|error| match error {
            SignatureError::Expired => UploadError::Expired,
            SignatureError::Wrong => UploadError::WrongSignature,
        })?;
        let row = self.row(&put.asset_id).await?;
        if row.state == "stored" {
            return Err(UploadError::AlreadyStored);
        }
        let limits = self.admit(&row, &put).await?;
        let claim = self.claimed(&row).await?;
        match self.store(&row, claim, body, limits).await {
            Ok(size_bytes) => Ok(StoredUpload {
                asset_id: row.asset_id,
                content_type: served_as(&row.content_type).to_owned(),
                size_bytes,
            }),
            Err(error) => {
                if let Err(problem) = self.table.give_up(&row.asset_id, claim).await {
                    tracing::warn!(%problem, "an upload's claim is left to lapse");
                }
                Err(error)
            }
        }
    }

    async fn stored(&self, key: &str) -> Result<Option<StoredUpload>, UploadError> {
        let row = self.table.stored(key, self.now()).await.map_err(|error| unavailable(&error))?;
        Ok(row.map(|row| StoredUpload {
            asset_id: row.asset_id,
            content_type: served_as(&row.content_type).to_owned(),
            size_bytes: row.size_bytes.and_then(|size| u64::try_from(size).ok()).unwrap_or_default(),
        }))
    }
}
