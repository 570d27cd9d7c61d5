//! The picture of a profile.

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::accounts::AccountView;
use super::authenticate::Caller;
use super::core::Core;
use super::refusal::Refusal;
use crate::account::Scope;
use crate::es::Confirmed;
use crate::ports::{InputKind, InputWanted};
use crate::run::Inputs;

/// The most bytes of a picture that becomes one.
pub const AVATAR_BYTES_MAX: u64 = 5 << 20;
/// The field in messages.
const FIELD: &str = "avatar";
/// How many bytes of its hash name a file.
const NAME_BYTES: usize = 16;

/// Where a picture comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AvatarSource {
    /// The file itself.
    File(Bytes),
    /// Its address: of an upload of the caller's, or one that the server fetches.
    Address(String),
}

impl Core {
    /// Gives the caller's profile a picture: a PNG, JPEG or WebP file of at most [`AVATAR_BYTES_MAX`], kept as a
    /// small square. Everybody may see it. Errors: no picture, one too large, one that cannot be had.
    pub async fn set_avatar(&self, caller: &Caller, source: AvatarSource) -> Result<(AccountView, Confirmed), Refusal> {
        caller.require(Scope::ProfileWrite)?;
        let refused = |problem| Refusal::Input { field: FIELD, problem };
        let file = match source {
            AvatarSource::File(bytes) => bytes,
            AvatarSource::Address(url) => {
                let asked = Inputs { images: vec![url.clone()], ..Inputs::default() };
                self.check_inputs(caller.account, &asked).await.map_err(|refusal| match refusal {
                    Refusal::Input { problem, .. } => refused(problem),
                    other => other,
                })?;
                let wanted = InputWanted { kind: InputKind::Image, bytes_max: AVATAR_BYTES_MAX };
                self.inputs.fetch(&url, wanted).await.map_err(refused)?.bytes
            }
        };
        let portrait = self.inputs.portrait(file).await.map_err(refused)?;
        let name = hex::encode(&Sha256::digest(&portrait)[..NAME_BYTES]);
        let key = format!("users/{}/avatar/{name}.jpg", caller.user_id);
        let key = self.assets.put(&key, "image/jpeg", portrait).await?.key;
        self.change_profile(caller, move |profile| profile.avatar = Some(key)).await
    }

    /// Takes the picture off the caller's profile.
    pub async fn remove_avatar(&self, caller: &Caller) -> Result<(AccountView, Confirmed), Refusal> {
        self.change_profile(caller, |profile| profile.avatar = None).await
    }
}
