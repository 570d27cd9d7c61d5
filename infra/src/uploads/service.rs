//! Opening, storing and sweeping uploads.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{SubsecRound as _, TimeDelta};
use mintmark_domain::Timestamp;
use mintmark_domain::ids::AccountId;
use mintmark_domain::ports::{
    AssetError, Clock, Entropy, KeptUpload, NewUpload, OpenedUpload, StoredUpload, UPLOAD_BYTES_MAX, UploadBody,
    UploadError, UploadPut, Uploads,
};
use mintmark_turns::Turns;
use sqlx::PgPool;
use uuid::Uuid;

use super::names::{content_type, extension, served_as};
use super::receive::{Limits, receive};
use super::table::{Claim, Row, Since, Table, unavailable};
use crate::assets::{AssetKey, AssetStore, SignatureError, UrlSigner};

/// How long an address to put to lives (decision 28).
const PUT_FOR: TimeDelta = TimeDelta::minutes(15);
/// How long an address to read from lives.
const READ_FOR: TimeDelta = TimeDelta::days(7);
/// How long a claim on an upload holds that nobody renews.
const CLAIM_FOR: TimeDelta = TimeDelta::seconds(60);
/// How many files come in at once in one process: each may hold three parts of 8 MiB.
const AT_ONCE_MAX: usize = 32;
/// How many of them are one account's.
const ACCOUNT_AT_ONCE_MAX: usize = 8;
/// How long a file waits for its turn.
const TURN_WITHIN: Duration = Duration::from_secs(20);
/// The media type of a file that came without one.
const UNKNOWN_TYPE: &str = "application/octet-stream";
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
    /// The most bytes of all of them. Of a file whose size nobody said beforehand the bytes count as they come.
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
    turns: Turns,
}

impl SignedUploads {
    /// Uploads over `deps`; their table is [`super::SCHEMA`].
    #[must_use]
    pub fn new(deps: UploadsDeps, settings: UploadsSettings) -> Self {
        let table = Table(deps.pool.clone());
        SignedUploads { deps, table, settings, turns: Turns::new(AT_ONCE_MAX, ACCOUNT_AT_ONCE_MAX) }
    }

    fn now(&self) -> Timestamp {
        self.deps.clock.now()
    }

    fn since(&self) -> Since {
        let now = self.now();
        Since { now, put_since: now - PUT_FOR }
    }

    fn bytes_max(&self) -> i64 {
        i64::try_from(self.settings.bytes_max).unwrap_or(i64::MAX)
    }

    fn too_many(&self) -> UploadError {
        let UploadsSettings { count_max, bytes_max } = self.settings;
        UploadError::TooMany { count_max, bytes_max }
    }

    /// Deletes what can no longer be read, and what broken uploads left. Answers how many uploads went.
    ///
    /// # Errors
    /// The database or storage did not answer.
    pub async fn sweep(&self) -> Result<usize, AssetError> {
        let over = self.table.over(self.since(), SWEEP_MAX).await.map_err(|error| unavailable(&error))?;
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

    /// A fresh id and key.
    fn name(&self, extension: &str) -> Result<(String, AssetKey), UploadError> {
        let mut random = [0; 12];
        self.deps.entropy.fill(&mut random);
        let hex = hex::encode(random);
        let key = format!("uploads/{hex}.{extension}").parse().map_err(|_| AssetError::BadKey)?;
        Ok((format!("asset_{hex}"), key))
    }

    /// Writes a new row within the account's limits. Answers when that was.
    async fn insert(&self, row: &Row) -> Result<Timestamp, UploadError> {
        let since = self.since();
        let limits = (i64::from(self.settings.count_max), self.bytes_max());
        let inserted = self.table.insert(row, (since, since.now + READ_FOR), limits).await;
        if inserted.map_err(|error| unavailable(&error))? { Ok(since.now) } else { Err(self.too_many()) }
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
        let others = self.table.bytes_of(account, &row.asset_id, self.since()).await;
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

    async fn claimed(&self, row: &Row, coming: Option<u64>) -> Result<Uuid, UploadError> {
        let mut random = [0; 16];
        self.deps.entropy.fill(&mut random);
        let (id, since) = (Uuid::from_bytes(random), self.since());
        let claim = Claim { id, until: since.now + CLAIM_FOR };
        let room = (coming.map(u64::cast_signed), self.bytes_max());
        let claimed = self.table.claim(row, claim, since, room).await;
        if claimed.map_err(|error| unavailable(&error))? {
            return Ok(id);
        }
        let now = self.row(&row.asset_id).await?;
        match now.state.as_str() {
            "stored" => Err(UploadError::AlreadyStored),
            "storing" if now.claimed_until.is_some_and(|until| until >= since.now) => Err(UploadError::UnderWay),
            // Whoever stored it has just given it up, unless there is no room.
            _ => Err(self.full(row, coming.unwrap_or(0)).await?.unwrap_or(UploadError::UnderWay)),
        }
    }

    /// The claim holds for another while, and the account has room for what came by now.
    async fn renewed(&self, row: &Row, id: Uuid, came: u64) -> Result<(), UploadError> {
        let since = self.since();
        let renewed = self.table.renew(&row.asset_id, Claim { id, until: since.now + CLAIM_FOR }, came).await;
        if !renewed.map_err(|error| unavailable(&error))? {
            return Err(UploadError::UnderWay);
        }
        self.full(row, came).await?.map_or(Ok(()), Err)
    }

    /// Why the account has no room for so many bytes of an upload, if it has none.
    async fn full(&self, row: &Row, bytes: u64) -> Result<Option<UploadError>, UploadError> {
        let others = self.table.bytes_of(AccountId(row.account_id), &row.asset_id, self.since()).await;
        let others = others.map_err(|error| unavailable(&error))?;
        Ok((others.saturating_add(bytes) > self.settings.bytes_max).then(|| self.too_many()))
    }

    async fn store(&self, row: &Row, claim: Uuid, body: UploadBody, limits: Limits) -> Result<u64, UploadError> {
        let key: AssetKey = row.key.parse().map_err(|_| AssetError::BadKey)?;
        let renew = |came| self.renewed(row, claim, came);
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
        let (asset_id, key) = self.name(&extension)?;
        let row = Row {
            asset_id: asset_id.clone(),
            account_id: account.0,
            key: key.to_string(),
            content_type: content_type.clone(),
            declared: asked.size_bytes.map(u64::cast_signed),
            state: "open".to_owned(),
            size_bytes: None,
            claimed_until: None,
        };
        let now = self.insert(&row).await?;
        // Addresses are good to the second.
        let expires_at = (now + PUT_FOR).trunc_subsecs(0);
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
        let turn = self.turns.take(AccountId(row.account_id), TURN_WITHIN).await;
        let _turn = turn.ok_or(UploadError::Busy)?;
        let limits = self.admit(&row, &put).await?;
        let claim = self.claimed(&row, put.content_length).await?;
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

    async fn keep(&self, account: AccountId, bytes: Bytes) -> Result<KeptUpload, UploadError> {
        let (asset_id, key) = self.name("bin")?;
        let row = Row {
            asset_id: asset_id.clone(),
            account_id: account.0,
            key: key.to_string(),
            content_type: UNKNOWN_TYPE.to_owned(),
            declared: None,
            state: "stored".to_owned(),
            size_bytes: i64::try_from(bytes.len()).ok(),
            claimed_until: None,
        };
        // First: a file without a row would never be swept.
        let now = self.insert(&row).await?;
        self.deps.assets.put(&key, bytes).await.map_err(crate::assets::port_error)?;
        Ok(KeptUpload { url: self.deps.signer.signed_for(&key, now, READ_FOR).into(), asset_id })
    }

    async fn discard(&self, asset_id: &str) -> Result<(), UploadError> {
        let Some(row) = self.table.find(asset_id).await.map_err(|error| unavailable(&error))? else { return Ok(()) };
        let key: AssetKey = row.key.parse().map_err(|_| AssetError::BadKey)?;
        self.deps.assets.delete(&key).await.map_err(crate::assets::port_error)?;
        Ok(self.table.forget(asset_id).await.map_err(|error| unavailable(&error))?)
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
