//! Influencers: characters of an account that can be mentioned in prompts, from draft to ready.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::authenticate::Caller;
use super::characters::checked_name;
use super::core::Core;
use super::refusal::Refusal;
use super::run_view::open_json;
use crate::Timestamp;
use crate::account::{Account, AccountCommand, AccountError, Influencer, InfluencerStatus, Scope};
use crate::catalog::Ask;
use crate::es::{Acting, Confirmed, StreamRef};
use crate::ids::{AccountId, SealedId};
use crate::ports::InputKind;
use crate::run::Inputs;

/// What is sealed of an influencer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct InfluencerDetails {
    /// What prompts call it, after an `@`.
    pub handle: String,
    /// Its name for people.
    pub display_name: String,
    /// Where its pictures came from: `uploaded`.
    pub source_type: String,
    /// Pictures of it, by their keys in our storage; the first is its preview.
    pub photos: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last described.
    pub updated_at: Timestamp,
}

impl InfluencerDetails {
    /// What every id begins with (GenFire's document).
    pub const ID_MARK: &'static str = "model_";
    /// How many pictures there may be.
    pub const PHOTOS_MAX: usize = 20;
    /// The most bytes of one.
    pub const PHOTO_BYTES_MAX: u64 = 20 << 20;
    /// How many characters a handle has.
    pub const HANDLE_CHARS: std::ops::RangeInclusive<usize> = 2..=30;
}

/// How many influencers one request may mention (GenFire's document).
pub const MENTIONS_MAX: usize = 1;
/// How many pictures of one come along (GenFire's document).
const CONDITIONING_MAX: usize = 4;
/// What the prompt is given besides.
const IDENTITY: &str = "Keep the identity of the character exactly as in the reference photos: the same face, hair, \
     skin tone and build.";

/// An influencer as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InfluencerView {
    /// Its id.
    pub id: String,
    /// Where it stands.
    pub status: InfluencerStatus,
    /// What is sealed of it.
    pub details: InfluencerDetails,
    /// When it was last described or moved.
    pub updated_at: Timestamp,
}

/// What is to become of an influencer; what is `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InfluencerChange {
    /// What prompts call it.
    pub handle: Option<String>,
    /// Its name for people.
    pub display_name: Option<String>,
    /// Addresses of pictures, in place of those that there are.
    pub photos: Option<Vec<String>>,
}

/// A handle folded: without its `@`, in lower case. Errors: other characters or another length.
fn checked_handle(handle: &str) -> Result<String, Refusal> {
    let folded = handle.trim().trim_start_matches('@').to_ascii_lowercase();
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if !InfluencerDetails::HANDLE_CHARS.contains(&folded.len()) || !folded.bytes().all(allowed) {
        let (least, most) = (InfluencerDetails::HANDLE_CHARS.start(), InfluencerDetails::HANDLE_CHARS.end());
        return Err(Refusal::field("handle", format!("must be {least} to {most} of a-z, 0-9 and _")));
    }
    Ok(folded)
}

/// The prompt as the model gets it: `@handle` stands for the character, whose identity is to be kept.
fn rewritten(prompt: &str, handle: &str) -> String {
    let mark = format!("@{handle}");
    let folded = prompt.to_ascii_lowercase();
    let (mut out, mut at) = (String::new(), 0);
    while let Some(found) = folded[at..].find(&mark) {
        let (from, to) = (at + found, at + found + mark.len());
        let goes_on = folded[to..].starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        out.push_str(&prompt[at..from]);
        out.push_str(if goes_on { &prompt[from..to] } else { "the character" });
        at = to;
    }
    out.push_str(&prompt[at..]);
    format!("{}\n\n{IDENTITY}", out.trim_end())
}

fn view(id: &str, influencer: &Influencer, details: InfluencerDetails) -> InfluencerView {
    let updated_at = influencer.moved_at.map_or(details.updated_at, |moved| moved.max(details.updated_at));
    InfluencerView { id: id.to_owned(), status: influencer.status, details, updated_at }
}

impl Core {
    /// The account's influencers, the newest first.
    pub async fn influencers(&self, account: AccountId) -> Result<Vec<InfluencerView>, Refusal> {
        let state: Account = self.load(account).await?;
        let ids = state.influencers().map(|(_, influencer)| influencer.details).collect();
        let mut opened = open_json(&*self.vault, ids).await?;
        let mut views: Vec<InfluencerView> = state
            .influencers()
            .filter_map(|(id, influencer)| {
                let details = serde_json::from_value(opened.remove(&influencer.details)?).ok()?;
                Some(view(id, influencer, details))
            })
            .collect();
        views.sort_by(|a, b| (b.details.created_at, &b.id).cmp(&(a.details.created_at, &a.id)));
        Ok(views)
    }

    /// One of the account's influencers. Errors: not found, or somebody else's, which is the same.
    pub async fn influencer(&self, account: AccountId, id: &str) -> Result<InfluencerView, Refusal> {
        let state: Account = self.load(account).await?;
        let influencer = state.influencer(id).ok_or(AccountError::NoSuchInfluencer)?;
        Ok(view(id, influencer, self.influencer_details(influencer.details).await?))
    }

    async fn influencer_details(&self, id: SealedId) -> Result<InfluencerDetails, Refusal> {
        let opened = open_json(&*self.vault, vec![id]).await?.remove(&id);
        Ok(opened.and_then(|value| serde_json::from_value(value).ok()).unwrap_or_default())
    }

    /// What stands for a handle in events: enough to see that two are the same, and nothing else.
    async fn handle_claim(&self, account: AccountId, handle: &str) -> Result<String, Refusal> {
        Ok(self.vault.fingerprint(account.0, format!("influencer handle {handle}").as_bytes()).await?)
    }

    async fn keep_photos(&self, account: AccountId, photos: &[String]) -> Result<Vec<String>, Refusal> {
        let wanted = (InputKind::Image, InfluencerDetails::PHOTO_BYTES_MAX);
        self.keep_files(account, ("photos", photos), wanted, InfluencerDetails::PHOTOS_MAX).await
    }

    /// Makes an influencer, as a draft. Errors: a handle that the account has already, no photo, one
    /// that cannot be had.
    pub async fn create_influencer(
        &self,
        caller: &Caller,
        handle: &str,
        display_name: &str,
        photos: &[String],
    ) -> Result<(InfluencerView, Confirmed), Refusal> {
        caller.require(Scope::ProfileWrite)?;
        let (handle, display_name) = (checked_handle(handle)?, checked_name("display_name", display_name)?);
        let photos = self.keep_photos(caller.account, photos).await?;
        let (now, source_type) = (self.now(), "uploaded".to_owned());
        let handle_claim = Some(self.handle_claim(caller.account, &handle).await?);
        let details = InfluencerDetails { handle, display_name, source_type, photos, created_at: now, updated_at: now };
        let id = self.character_id(InfluencerDetails::ID_MARK);
        let (sealed, text) = self.seal_details(caller.account, &details).await?;
        let command = AccountCommand::AddInfluencer { influencer_id: id.clone(), details: sealed, handle_claim };
        let confirmed = self.change_account(caller, command, Some(text)).await?;
        Ok((InfluencerView { id, status: InfluencerStatus::Draft, updated_at: now, details }, confirmed))
    }

    /// Describes an influencer anew; it stays where it stands.
    pub async fn change_influencer(
        &self,
        caller: &Caller,
        id: &str,
        change: InfluencerChange,
    ) -> Result<(InfluencerView, Confirmed), Refusal> {
        caller.require(Scope::ProfileWrite)?;
        let known = self.influencer(caller.account, id).await?;
        let mut details = InfluencerDetails { updated_at: self.now(), ..known.details };
        if let Some(handle) = change.handle {
            details.handle = checked_handle(&handle)?;
        }
        if let Some(name) = change.display_name {
            details.display_name = checked_name("display_name", &name)?;
        }
        if let Some(photos) = change.photos {
            details.photos = self.keep_photos(caller.account, &photos).await?;
        }
        let handle_claim = Some(self.handle_claim(caller.account, &details.handle).await?);
        let (sealed, text) = self.seal_details(caller.account, &details).await?;
        let influencer_id = id.to_owned();
        let command = AccountCommand::ChangeInfluencer { influencer_id, details: sealed, handle_claim };
        let confirmed = self.change_account(caller, command, Some(text)).await?;
        Ok((InfluencerView { updated_at: details.updated_at, details, ..known }, confirmed))
    }

    /// Moves an influencer on: into training, or away. Errors: a way that there is not.
    pub async fn move_influencer(
        &self,
        caller: &Caller,
        id: &str,
        status: InfluencerStatus,
    ) -> Result<(InfluencerView, Confirmed), Refusal> {
        caller.require(Scope::ProfileWrite)?;
        // Only training itself makes one ready.
        if status == InfluencerStatus::Ready {
            return Err(AccountError::BadMove.into());
        }
        let command = AccountCommand::MoveInfluencer { influencer_id: id.to_owned(), status, at: self.now() };
        let confirmed = self.change_account(caller, command, None).await?;
        Ok((self.influencer(caller.account, id).await?, confirmed))
    }

    /// Ends a training that has lasted long enough; changes nothing where it has not, or where the
    /// influencer is in training no more. Whether it ended.
    pub async fn finish_training(&self, account: AccountId, id: &str, lasts: TimeDelta) -> Result<bool, Refusal> {
        let acting = Acting { actor: "training".into(), ..Acting::default() };
        let request = self.request(account.shard(), acting, account).stream(StreamRef::of::<Account>(account));
        let influencer_id = id.to_owned();
        let (ended, _) = self
            .decide(request, move |unit| {
                let at = unit.now();
                let due = unit.state::<Account>(account).influencer(&influencer_id).is_some_and(|influencer| {
                    influencer.status == InfluencerStatus::Training
                        && influencer.moved_at.is_none_or(|since| since + lasts <= at)
                });
                if due {
                    let (influencer_id, status) = (influencer_id.clone(), InfluencerStatus::Ready);
                    unit.execute::<Account>(account, AccountCommand::MoveInfluencer { influencer_id, status, at })?;
                }
                Ok(due)
            })
            .await?;
        Ok(ended)
    }

    /// Completes a request that mentions an influencer: its pictures come along, and the model is told
    /// of the character. What the caller wrote stays as it is.
    pub(super) async fn complete_mentions(
        &self,
        account: AccountId,
        ask: &mut Ask,
        inputs: &mut Inputs,
    ) -> Result<(), Refusal> {
        let Some(mention) = inputs.mentions.first() else { return Ok(()) };
        let refused = |message: String, code| Refusal::Field { field: "mentions", code, message };
        if inputs.mentions.len() > MENTIONS_MAX {
            return Err(refused(format!("may hold at most {MENTIONS_MAX}"), "unsupported_value"));
        }
        let known = match self.influencer(account, &mention.influencer_id).await {
            Err(Refusal::Account(AccountError::NoSuchInfluencer)) => return Err(Refusal::NotFound("influencer")),
            known => known?,
        };
        if known.status != InfluencerStatus::Ready {
            let message = "names an influencer that is not ready: drafts, those in training and archived ones cannot \
                           be mentioned";
            return Err(refused(message.into(), "influencer_not_ready"));
        }
        let handle = checked_handle(&mention.handle).unwrap_or_default();
        if handle != known.details.handle {
            let message = format!("names another handle than the influencer's; allowed: {}", known.details.handle);
            return Err(refused(message, "unsupported_value"));
        }
        let photos = known.details.photos.iter().take(CONDITIONING_MAX);
        inputs.conditioning = photos.map(|key| self.links.signed(key, self.now())).collect();
        ask.conditioning = u32::try_from(inputs.conditioning.len()).unwrap_or(0);
        inputs.provider_prompt = Some(rewritten(&inputs.prompt, &handle));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mention_becomes_the_character_wherever_it_stands_alone() {
        let told = |prompt: &str| rewritten(prompt, "sarah").replace(&format!("\n\n{IDENTITY}"), "");
        assert_eq!(told("@sarah smiles"), "the character smiles");
        assert_eq!(
            told("Portrait of @Sarah, and @SARAH again."),
            "Portrait of the character, and the character again."
        );
        assert_eq!(told("@sarahs and @sarah_2 are others"), "@sarahs and @sarah_2 are others");
        assert_eq!(told("Ünïcode vor @sarah!"), "Ünïcode vor the character!");
        assert_eq!(told("nobody"), "nobody");
        assert!(rewritten("@sarah", "sarah").ends_with(IDENTITY));
    }

    #[test]
    fn a_handle_is_folded_and_has_bounds() {
        assert_eq!(checked_handle(" @Sarah_2 ").unwrap(), "sarah_2");
        for bad in ["", "@", "a", "sarah chen", "särah", &"x".repeat(31)] {
            assert!(checked_handle(bad).is_err(), "{bad:?}");
        }
    }
}
