//! Uploads: a file that an account brings, put to a signed address and read from another for a while.

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;

use super::assets::AssetError;
use crate::Timestamp;
use crate::ids::AccountId;

/// The most bytes of one upload (decision 28).
pub const UPLOAD_BYTES_MAX: u64 = 5 << 30;

/// A file that is to be uploaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewUpload {
    /// What it is called where it comes from; its extension is kept, nothing else.
    pub filename: String,
    /// Its media type, which the upload has to say again.
    pub content_type: String,
    /// Its size, where that is known; the upload has to have exactly that then.
    pub size_bytes: Option<u64>,
}

/// An upload that was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenedUpload {
    /// `asset_` and 24 hex digits.
    pub asset_id: String,
    /// Where the file is to be put, with what signs it: once.
    pub upload_url: String,
    /// Where it can be read afterwards, with what signs it; taken as an input of a run too.
    pub asset_url: String,
    /// The media type that the upload has to say.
    pub content_type: String,
    /// Until when the upload may begin.
    pub expires_at: Timestamp,
}

/// A file that is being put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadPut {
    /// Which upload.
    pub asset_id: String,
    /// Until when its address is good, as the address says.
    pub expires: String,
    /// What signs that.
    pub signature: String,
    /// The media type that the request says.
    pub content_type: Option<String>,
    /// The size that the request says.
    pub content_length: Option<u64>,
}

/// A file as it comes in.
pub type UploadBody = BoxStream<'static, std::io::Result<Bytes>>;

/// An upload that was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredUpload {
    /// Which.
    pub asset_id: String,
    /// The media type that it is served with: what it was declared as if that is a kind of file that we
    /// know, else one that no browser runs.
    pub content_type: String,
    /// Its size.
    pub size_bytes: u64,
}

/// A file that came within a request and was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptUpload {
    /// `asset_` and 24 hex digits.
    pub asset_id: String,
    /// Where it can be read for as long as an upload, with what signs it.
    pub url: String,
}

/// Why an upload is refused, or was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UploadError {
    /// No name, or one that is no name of a file.
    #[error("filename must have 1 to 255 characters, none of them a control character")]
    BadFilename,
    /// Not a media type.
    #[error("content_type must be a media type such as image/png, of at most 100 characters")]
    BadContentType,
    /// More than is taken.
    #[error("the file may have at most {max} bytes")]
    TooLarge {
        /// The most bytes.
        max: u64,
    },
    /// The account has as many uploads as it may have at a time.
    #[error("the account has as many uploads as it may have at a time: {count_max}, or {bytes_max} bytes")]
    TooMany {
        /// The most uploads.
        count_max: u32,
        /// The most bytes of all of them.
        bytes_max: u64,
    },
    /// Too many files come in at once.
    #[error("too many files come in at once: try again")]
    Busy,
    /// The address was not made here, or was changed.
    #[error("the signature of this address is wrong")]
    WrongSignature,
    /// The address was good once.
    #[error("this address has expired: open the upload again")]
    Expired,
    /// There is no such upload.
    #[error("there is no such upload")]
    NotFound,
    /// The request says another media type than the upload was opened with.
    #[error("the upload was opened for {expected}: send that as Content-Type")]
    OtherContentType {
        /// The one that it was opened with.
        expected: String,
    },
    /// The file has another size than was said.
    #[error("the upload was opened for {declared} bytes, and {came} came")]
    OtherSize {
        /// What was said.
        declared: u64,
        /// What came.
        came: u64,
    },
    /// The file was stored before; an address takes one file, once.
    #[error("the file was uploaded before; open another upload")]
    AlreadyStored,
    /// Somebody is putting it right now.
    #[error("the file is being uploaded right now")]
    UnderWay,
    /// It broke off, or did not go on.
    #[error("the upload broke off; it can be sent again until its address expires")]
    BrokenOff,
    /// Storage or the database did not answer; try again.
    #[error(transparent)]
    Asset(#[from] AssetError),
}

/// Takes files that accounts bring.
#[async_trait]
pub trait Uploads: Send + Sync + 'static {
    /// Opens an upload: gives its two addresses out.
    async fn open(&self, account: AccountId, asked: NewUpload) -> Result<OpenedUpload, UploadError>;

    /// Stores a file as it comes in, whole or not at all.
    async fn put(&self, put: UploadPut, body: UploadBody) -> Result<StoredUpload, UploadError>;

    /// Keeps a file that came within a request, as if it had been opened and put.
    async fn keep(&self, account: AccountId, bytes: Bytes) -> Result<KeptUpload, UploadError>;

    /// Deletes a kept file that nothing came of.
    async fn discard(&self, asset_id: &str) -> Result<(), UploadError>;

    /// The upload whose file lies under a key, once it was stored.
    async fn stored(&self, key: &str) -> Result<Option<StoredUpload>, UploadError>;
}
