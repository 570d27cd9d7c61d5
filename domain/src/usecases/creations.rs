//! Changing what was made: privacy, licence, deletion.

use super::authenticate::Caller;
use super::core::Core;
use super::refusal::Refusal;
use crate::account::{Account, Scope};
use crate::creation::{By, Creation, CreationCommand, CreationError, License, Privacy};
use crate::es::{Confirmed, Position, StreamRef};
use crate::ids::CreationId;
use crate::ports::IntegerKind;

/// What its owner wants changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CreationChange {
    /// Who may see it.
    pub privacy: Option<Privacy>,
    /// Its licence.
    pub license: Option<License>,
    /// Whether to delete it.
    pub delete: bool,
}

impl Core {
    /// The creation with that public integer id; `None` if the number was never given out.
    pub async fn creation_id(&self, number: u64) -> Result<Option<CreationId>, Refusal> {
        let shard = self.integers.shard_of(IntegerKind::Creation, number).await?;
        Ok(shard.map(|shard| CreationId::numbered(shard, number)))
    }

    /// A creation's state by its public integer id, deleted and hidden ones too.
    pub async fn creation_state(&self, number: u64) -> Result<Option<Creation>, Refusal> {
        Ok(self.creation_state_at(number).await?.map(|(creation, _)| creation))
    }

    /// The same, and the shard's end at which it was read.
    pub async fn creation_state_at(&self, number: u64) -> Result<Option<(Creation, Position)>, Refusal> {
        let Some(id) = self.creation_id(number).await? else { return Ok(None) };
        let (creation, read_at) = self.load_at::<Creation>(id).await?;
        Ok(creation.opened().is_some().then_some((creation, read_at)))
    }

    /// Changes a creation. Errors: not found for what the caller may not see, not allowed for what
    /// is somebody else's and public.
    pub async fn change_creation(
        &self,
        caller: &Caller,
        number: u64,
        change: CreationChange,
    ) -> Result<(Creation, Confirmed), Refusal> {
        caller.require(Scope::SocialWrite)?;
        let id = self.creation_id(number).await?.ok_or(Refusal::NotFound("creation"))?;
        let (account, acts_with) = (caller.account, caller.acts_with.clone());
        let mut request = self.request(id.shard(), caller.acting(), account).stream(StreamRef::of::<Creation>(id));
        // A creation of one's own is in one's own shard; another's is refused without looking at the key.
        let own_shard = id.shard() == account.shard();
        if own_shard {
            request = request.stream(StreamRef::of::<Account>(account));
        }
        self.decide(request, move |unit| {
            let creation = unit.state::<Creation>(id);
            let opened = creation.opened().ok_or(Refusal::NotFound("creation"))?;
            if !creation.is_visible_to(account) {
                return Err(Refusal::NotFound("creation"));
            }
            if opened.account != account {
                return Err(CreationError::NotOwner.into());
            }
            if own_shard {
                unit.state::<Account>(account).authorize(&acts_with, Scope::SocialWrite)?;
            }
            let by = By::Account(account);
            if let Some(privacy) = change.privacy {
                unit.execute::<Creation>(id, CreationCommand::SetPrivacy { by, privacy })?;
            }
            if let Some(license) = change.license {
                unit.execute::<Creation>(id, CreationCommand::SetLicense { by, license })?;
            }
            if change.delete {
                unit.execute::<Creation>(id, CreationCommand::Delete { by })?;
            }
            Ok(unit.state::<Creation>(id).clone())
        })
        .await
    }
}
