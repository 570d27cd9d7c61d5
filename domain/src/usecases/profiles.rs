//! What people say of themselves, and their picture.

use std::time::Duration;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::accounts::AccountView;
use super::authenticate::Caller;
use super::core::Core;
use super::refusal::Refusal;
use crate::account::{Account, AccountCommand, Profile, Scope};
use crate::es::{Confirmed, DecideError, StreamRef};
use crate::ids::SealedId;
use crate::ports::{InputKind, InputWanted};
use crate::run::Inputs;

/// The most bytes of a picture that becomes one.
pub const AVATAR_BYTES_MAX: u64 = 5 << 20;
/// The field in messages.
const FIELD: &str = "avatar";
/// How many bytes of its hash name a file.
const NAME_BYTES: usize = 16;
/// How often a change is made anew because another of the same profile came before it.
const ROUNDS_MAX: usize = 20;
/// When it is worth trying again after that.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Where a picture comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AvatarSource {
    /// The file itself.
    File(Bytes),
    /// Its address: of an upload of the caller's, or one that the server fetches.
    Address(String),
}

/// What is to change of a profile; `None` leaves it as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProfileChange {
    /// What GenFire shows as the name; the username if empty.
    pub display_name: Option<String>,
    /// A few sentences.
    pub bio: Option<String>,
    /// An address of theirs.
    pub website: Option<String>,
    /// A PNG, JPEG or WebP file of at most [`AVATAR_BYTES_MAX`], kept as a small square; `Some(None)` takes the
    /// picture down. Everybody may see it.
    pub avatar: Option<Option<AvatarSource>>,
}

impl ProfileChange {
    /// The texts. The picture is another matter: it is fetched and looked at first.
    fn apply(&self, profile: &mut Profile) {
        let fields = [
            (&mut profile.display_name, &self.display_name),
            (&mut profile.bio, &self.bio),
            (&mut profile.website, &self.website),
        ];
        for (field, said) in fields {
            if let Some(said) = said {
                field.clone_from(said);
            }
        }
    }
}

impl Core {
    /// Changes the caller's profile, whole or not at all. What others change of it at the same time stays. Errors: a
    /// field is wrong; no picture, one too large, one that cannot be had.
    pub async fn change_profile(
        &self,
        caller: &Caller,
        change: ProfileChange,
    ) -> Result<(AccountView, Confirmed), Refusal> {
        caller.require(Scope::ProfileWrite)?;
        let mut view = self.account_view(caller.account).await?;
        // Before a picture is fetched for a change that is refused.
        change.apply(&mut view.profile);
        view.profile.check()?;
        let avatar = match &change.avatar {
            Some(Some(source)) => Some(Some(self.portrait(caller, source.clone()).await?)),
            Some(None) => Some(None),
            None => None,
        };
        for _ in 0..ROUNDS_MAX {
            let AccountView { account, state, mut profile, .. } = self.account_view(caller.account).await?;
            let Some(read) = state.profile() else { return Err(Refusal::NotFound("account")) };
            change.apply(&mut profile);
            if let Some(avatar) = &avatar {
                profile.avatar.clone_from(avatar);
            }
            let id = SealedId(self.new_id(account.shard()));
            let text = serde_json::to_vec(&profile).unwrap_or_default();
            let sealed = self.vault.seal(account.0, id, &text).await?;
            let by = caller.acts_with.clone();
            let request =
                self.request(account.shard(), caller.acting(), account).stream(StreamRef::of::<Account>(account));
            let decided = self.decide(request, move |unit| {
                unit.state::<Account>(account).authorize(&by, Scope::ProfileWrite)?;
                if unit.state::<Account>(account).profile() != Some(read) {
                    return Ok(None);
                }
                unit.execute::<Account>(account, AccountCommand::ChangeProfile { profile: id })?;
                unit.seal(sealed.clone());
                Ok(Some(unit.state::<Account>(account).clone()))
            });
            if let (Some(state), confirmed) = decided.await? {
                return Ok((AccountView { account, state, profile, as_of: confirmed.end.position }, confirmed));
            }
        }
        Err(DecideError::Overloaded { retry_after: RETRY_AFTER }.into())
    }

    /// Makes a picture what profiles show, and keeps it. Returns its asset key.
    async fn portrait(&self, caller: &Caller, source: AvatarSource) -> Result<String, Refusal> {
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
        let portrait = self.inputs.portrait(caller.account, file).await.map_err(refused)?;
        let name = hex::encode(&Sha256::digest(&portrait)[..NAME_BYTES]);
        let key = format!("users/{}/avatar/{name}.jpg", caller.user_id);
        Ok(self.assets.put(&key, "image/jpeg", portrait).await?.key)
    }
}
