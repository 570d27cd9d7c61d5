//! Voices and influencers of an account: what is sealed of them, and how their files are kept.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::authenticate::Caller;
use super::core::Core;
use super::refusal::Refusal;
use super::run_view::open_json;
use super::shown::is_name;
use crate::Timestamp;
use crate::account::{Account, AccountCommand, AccountError, Scope};
use crate::es::{Confirmed, SealedText, StreamRef};
use crate::ids::{AccountId, SealedId};
use crate::ports::{InputKind, InputWanted};
use crate::run::Inputs;

/// How many characters a name for people has at most.
pub const NAME_CHARS_MAX: usize = 100;
/// How many random bytes an id has.
const ID_BYTES: usize = 12;

/// What is sealed of a voice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct VoiceDetails {
    /// What its owner calls it.
    pub name: String,
    /// Recordings of it, by their keys in our storage; the first is its preview.
    pub samples: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl VoiceDetails {
    /// What every id of a cloned voice begins with (GenFire's document).
    pub const ID_MARK: &'static str = "fal_cloned_";
    /// How many recordings there may be.
    pub const SAMPLES_MAX: usize = 10;
    /// The most bytes of one.
    pub const SAMPLE_BYTES_MAX: u64 = 25 << 20;
}

/// A voice as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VoiceView {
    /// Its id.
    pub id: String,
    /// What is sealed of it.
    pub details: VoiceDetails,
}

/// A name for people: 1 to [`NAME_CHARS_MAX`] characters that are shown.
pub(super) fn checked_name(field: &'static str, name: &str) -> Result<String, Refusal> {
    let name = name.trim();
    if !is_name(name, NAME_CHARS_MAX) {
        return Err(Refusal::field(field, format!("must have 1 to {NAME_CHARS_MAX} printable characters")));
    }
    Ok(name.to_owned())
}

/// How a file of that media type ends in our storage, and the type that it is stored as.
fn kept_as(content_type: &str) -> (&'static str, &'static str) {
    const KINDS: [(&str, &str); 11] = [
        ("image/png", "png"),
        ("image/jpeg", "jpg"),
        ("image/webp", "webp"),
        ("image/gif", "gif"),
        ("audio/wav", "wav"),
        ("audio/mpeg", "mp3"),
        ("audio/mp4", "m4a"),
        ("audio/ogg", "ogg"),
        ("audio/flac", "flac"),
        ("video/mp4", "mp4"),
        ("video/webm", "webm"),
    ];
    let known = KINDS.into_iter().find(|(known, _)| *known == content_type);
    known.map_or(("bin", "application/octet-stream"), |(kind, extension)| (extension, kind))
}

impl Core {
    /// A fresh id of a voice or an influencer.
    pub(super) fn character_id(&self, mark: &str) -> String {
        let mut random = [0; ID_BYTES];
        self.entropy.fill(&mut random);
        format!("{mark}{}", hex::encode(random))
    }

    /// Seals what is said of a voice or an influencer.
    pub(super) async fn seal_details(
        &self,
        account: AccountId,
        details: &impl Serialize,
    ) -> Result<(SealedId, SealedText), Refusal> {
        let id = SealedId(self.new_id(account.shard()));
        let text = serde_json::to_vec(details).unwrap_or_default();
        Ok((id, self.vault.seal(account.0, id, &text).await?))
    }

    /// Fetches files that a caller names and keeps copies: addresses expire. Errors: one that the
    /// caller may not see, that cannot be had, or that is of another kind.
    pub(super) async fn keep_files(
        &self,
        account: AccountId,
        (field, urls): (&'static str, &[String]),
        (kind, bytes_max): (InputKind, u64),
        count_max: usize,
    ) -> Result<Vec<String>, Refusal> {
        if urls.is_empty() || urls.len() > count_max {
            return Err(Refusal::field(field, format!("must hold 1 to {count_max} addresses")));
        }
        let mut keys = Vec::with_capacity(urls.len());
        for url in urls {
            let named = |refusal| match refusal {
                Refusal::Input { problem, .. } => Refusal::Input { field, problem },
                other => other,
            };
            let asked = Inputs { images: vec![url.clone()], ..Inputs::default() };
            self.check_inputs(account, &asked).await.map_err(named)?;
            let fetched = self.inputs.fetch(url, InputWanted { kind, bytes_max }).await;
            let fetched = fetched.map_err(|problem| Refusal::Input { field, problem })?;
            let (extension, content_type) = kept_as(&fetched.content_type);
            let name = hex::encode(Sha256::digest(&fetched.bytes));
            let key = format!("characters/{}/{name}.{extension}", account.0.simple());
            keys.push(self.assets.put(&key, content_type, fetched.bytes).await?.key);
        }
        Ok(keys)
    }

    /// What is sealed of a voice; nothing once its owner was erased.
    pub(super) async fn voice_details(&self, id: SealedId) -> Result<VoiceDetails, Refusal> {
        let opened = open_json(&*self.vault, vec![id]).await?.remove(&id);
        Ok(opened.and_then(|value| serde_json::from_value(value).ok()).unwrap_or_default())
    }

    /// The account's own voices, the newest first.
    pub async fn voices(&self, account: AccountId) -> Result<Vec<VoiceView>, Refusal> {
        let state: Account = self.load(account).await?;
        let ids = state.voices().map(|(_, voice)| voice.details).collect();
        let mut opened = open_json(&*self.vault, ids).await?;
        let mut views: Vec<VoiceView> = state
            .voices()
            .filter_map(|(id, voice)| {
                let details = serde_json::from_value(opened.remove(&voice.details)?).ok()?;
                Some(VoiceView { id: id.to_owned(), details })
            })
            .collect();
        views.sort_by(|a, b| (b.details.created_at, &b.id).cmp(&(a.details.created_at, &a.id)));
        Ok(views)
    }

    /// Clones a voice from recordings. Errors: no name, no recording, one that cannot be had.
    pub async fn create_voice(
        &self,
        caller: &Caller,
        name: &str,
        samples: &[String],
    ) -> Result<(VoiceView, Confirmed), Refusal> {
        caller.require(Scope::ProfileWrite)?;
        let name = checked_name("name", name)?;
        let wanted = (InputKind::Recording, VoiceDetails::SAMPLE_BYTES_MAX);
        let samples = self.keep_files(caller.account, ("samples", samples), wanted, VoiceDetails::SAMPLES_MAX).await?;
        let details = VoiceDetails { name, samples, created_at: self.now() };
        let id = self.character_id(VoiceDetails::ID_MARK);
        let (sealed, text) = self.seal_details(caller.account, &details).await?;
        let command = AccountCommand::AddVoice { voice_id: id.clone(), details: sealed };
        let confirmed = self.change_account(caller, command, Some(text)).await?;
        Ok((VoiceView { id, details }, confirmed))
    }

    /// Gives a voice another name.
    pub async fn rename_voice(&self, caller: &Caller, id: &str, name: &str) -> Result<(VoiceView, Confirmed), Refusal> {
        caller.require(Scope::ProfileWrite)?;
        let name = checked_name("name", name)?;
        let state: Account = self.load(caller.account).await?;
        let known = state.voice(id).ok_or(AccountError::NoSuchVoice)?.details;
        let details = VoiceDetails { name, ..self.voice_details(known).await? };
        let (sealed, text) = self.seal_details(caller.account, &details).await?;
        let command = AccountCommand::ChangeVoice { voice_id: id.to_owned(), details: sealed };
        let confirmed = self.change_account(caller, command, Some(text)).await?;
        Ok((VoiceView { id: id.to_owned(), details }, confirmed))
    }

    /// Puts a voice away: nothing more can be spoken with it.
    pub async fn archive_voice(&self, caller: &Caller, id: &str) -> Result<Confirmed, Refusal> {
        caller.require(Scope::ProfileWrite)?;
        self.change_account(caller, AccountCommand::ArchiveVoice { voice_id: id.to_owned() }, None).await
    }

    /// Has the caller's account change something about itself.
    pub(super) async fn change_account(
        &self,
        caller: &Caller,
        command: AccountCommand,
        sealed: Option<SealedText>,
    ) -> Result<Confirmed, Refusal> {
        let (account, by) = (caller.account, caller.acts_with.clone());
        let request = self.request(account.shard(), caller.acting(), account).stream(StreamRef::of::<Account>(account));
        let ((), confirmed) = self
            .decide(request, move |unit| {
                unit.state::<Account>(account).authorize(&by, Scope::ProfileWrite)?;
                unit.execute::<Account>(account, command.clone())?;
                if let Some(text) = &sealed {
                    unit.seal(text.clone());
                }
                Ok(())
            })
            .await?;
        Ok(confirmed)
    }
}
