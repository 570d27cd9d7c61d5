//! People: who follows whom, what they say of creations, how they rate and vote.

use super::authenticate::Caller;
use super::core::Core;
use super::refusal::Refusal;
use crate::Shard;
use crate::account::{Account, Scope};
use crate::creation::Creation;
use crate::es::{Confirmed, DecisionRequest, Position, StreamRef, Unit};
use crate::ids::{AccountId, CommentId, CreationId, FollowId, RatingId, SealedId, VoteId};
use crate::ports::IntegerKind;
use crate::social::{
    Comment, CommentCommand, CommentError, Direction, Follow, FollowCommand, PostedComment, Rating, RatingCommand,
    Vote, VoteCommand,
};

/// A comment that somebody wants to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewComment {
    /// The creation's public integer id.
    pub creation: u64,
    /// What it says: 1 to [`Comment::TEXT_CHARS_MAX`] characters.
    pub text: String,
    /// The public integer id of the comment that it answers.
    pub parent: Option<u64>,
}

impl NewComment {
    /// The text without blanks around it, or what is wrong with it.
    fn checked(&self) -> Result<String, Refusal> {
        let text = self.text.trim();
        let chars = text.chars().count();
        if chars == 0 || chars > Comment::TEXT_CHARS_MAX || text.contains('\0') {
            let message = format!("must have 1 to {} characters", Comment::TEXT_CHARS_MAX);
            return Err(Refusal::field("text", message));
        }
        Ok(text.to_owned())
    }
}

/// Whether a decision asks the caller's account itself, because it is in the same shard.
#[derive(Clone)]
pub(super) struct Permit {
    asks: Option<(AccountId, crate::account::ActsWith, Scope)>,
}

impl Permit {
    /// Asks the account, where the decision can.
    pub fn ask(&self, unit: &Unit<'_>) -> Result<(), Refusal> {
        if let Some((account, acts_with, scope)) = &self.asks {
            unit.state::<Account>(*account).authorize(acts_with, *scope)?;
        }
        Ok(())
    }
}

impl Core {
    /// Has a decision in any shard ask whether the caller may: the decision itself in the caller's own shard,
    /// confirmed state right before it in another.
    pub(super) async fn permitted(
        &self,
        caller: &Caller,
        scope: Scope,
        request: DecisionRequest,
    ) -> Result<(DecisionRequest, Permit), Refusal> {
        caller.require(scope)?;
        let (account, acts_with) = (caller.account, caller.acts_with.clone());
        if request.shard == account.shard() {
            let request = request.stream(StreamRef::of::<Account>(account));
            return Ok((request, Permit { asks: Some((account, acts_with, scope)) }));
        }
        self.load::<Account>(account).await?.authorize(&acts_with, scope)?;
        Ok((request, Permit { asks: None }))
    }

    /// The account that goes by a username, unless it was erased.
    pub async fn person(&self, username: &str) -> Result<AccountId, Refusal> {
        let found = self.account_by_username(username).await?.ok_or(Refusal::NotFound("user"))?;
        match self.load::<Account>(found).await? {
            account if account.user_id().is_some() && !account.is_erased() => Ok(found),
            _ => Err(Refusal::NotFound("user")),
        }
    }

    /// Has the caller follow somebody, or no longer. Said again it changes nothing. Errors: no such user, oneself.
    pub async fn set_following(
        &self,
        caller: &Caller,
        followee: AccountId,
        follow: bool,
    ) -> Result<Confirmed, Refusal> {
        let follower = caller.account;
        let id = FollowId::between(follower, followee);
        let request = self.request(follower.shard(), caller.acting(), follower).stream(StreamRef::of::<Follow>(id));
        let (request, permit) = self.permitted(caller, Scope::SocialWrite, request).await?;
        let ((), confirmed) = self
            .decide(request, move |unit| {
                permit.ask(unit)?;
                let at = unit.now();
                let command = match follow {
                    true => FollowCommand::Follow { follower, followee, at },
                    false => FollowCommand::Unfollow { at },
                };
                unit.execute::<Follow>(id, command)?;
                Ok(())
            })
            .await?;
        Ok(confirmed)
    }

    /// Whether one follows the other, and where that was read.
    pub async fn is_following(&self, follower: AccountId, followee: AccountId) -> Result<(bool, Position), Refusal> {
        let (follow, read_at) = self.load_at::<Follow>(FollowId::between(follower, followee)).await?;
        Ok((follow.holds(), read_at))
    }

    /// Rates a creation that the caller may see, 1 to 5; a rating before is changed. Returns which creation it is.
    pub async fn rate(&self, caller: &Caller, number: u64, score: u8) -> Result<(CreationId, Confirmed), Refusal> {
        let creation = self.creation_id(number).await?.ok_or(Refusal::NotFound("creation"))?;
        let rater = caller.account;
        let id = RatingId::of(creation, rater);
        let request = self
            .request(creation.shard(), caller.acting(), rater)
            .stream(StreamRef::of::<Creation>(creation))
            .stream(StreamRef::of::<Rating>(id));
        let (request, permit) = self.permitted(caller, Scope::SocialWrite, request).await?;
        let ((), confirmed) = self
            .decide(request, move |unit| {
                visible(unit, creation, rater)?;
                permit.ask(unit)?;
                unit.execute::<Rating>(id, RatingCommand::Rate { creation, rater, score, at: unit.now() })?;
                Ok(())
            })
            .await?;
        Ok((creation, confirmed))
    }

    /// Comments on a creation that the caller may see. Errors: no such creation, or comment of it to be answered.
    pub async fn comment(&self, caller: &Caller, new: NewComment) -> Result<(PostedComment, Confirmed), Refusal> {
        caller.require(Scope::SocialWrite)?;
        let text = new.checked()?;
        let creation = self.creation_id(new.creation).await?.ok_or(Refusal::NotFound("creation"))?;
        let shard = creation.shard();
        let parent = match new.parent {
            None => None,
            Some(number) => {
                Some(self.comment_id(number).await?.filter(|id| id.shard() == shard).ok_or_else(no_parent)?)
            }
        };
        let number = self.integers.next(IntegerKind::Comment, shard).await?;
        let (id, text_id) = (CommentId::numbered(shard, number), SealedId(self.new_id(shard)));
        let (account, user_id) = (caller.account, caller.user_id);
        let sealed = self.vault.seal(account.0, text_id, text.as_bytes()).await?;
        let request = self
            .request(shard, caller.acting(), account)
            .stream(StreamRef::of::<Creation>(creation))
            .stream(StreamRef::of::<Comment>(id))
            .carrying(sealed.ciphertext.len());
        let request = parent.iter().fold(request, |request, parent| request.stream(StreamRef::of::<Comment>(*parent)));
        let (request, permit) = self.permitted(caller, Scope::SocialWrite, request).await?;
        self.decide(request, move |unit| {
            visible(unit, creation, account)?;
            permit.ask(unit)?;
            let answered = parent.map(|parent| answered(unit, parent, creation)).transpose()?;
            let posted = PostedComment {
                number,
                creation,
                account,
                user_id,
                parent,
                parent_number: answered.map(|(number, _)| number),
                depth: answered.map_or(0, |(_, depth)| depth.saturating_add(1)),
                text: text_id,
                at: unit.now(),
            };
            unit.execute::<Comment>(id, CommentCommand::Post(Box::new(posted.clone()))).map_err(
                |error| match error {
                    CommentError::TooDeep => too_deep(),
                    other => other.into(),
                },
            )?;
            unit.seal(sealed.clone());
            Ok(posted)
        })
        .await
    }

    /// Takes a comment of the caller's back. Errors: somebody else's; taken back before. Returns its shard, too.
    pub async fn delete_comment(&self, caller: &Caller, number: u64) -> Result<(Shard, Confirmed), Refusal> {
        caller.require(Scope::SocialWrite)?;
        let id = self.comment_id(number).await?.ok_or(Refusal::NotFound("comment"))?;
        let creation = self.commented(id).await?;
        let by = caller.account;
        let request = self
            .request(id.shard(), caller.acting(), by)
            .stream(StreamRef::of::<Creation>(creation))
            .stream(StreamRef::of::<Comment>(id));
        let (request, permit) = self.permitted(caller, Scope::SocialWrite, request).await?;
        let ((), confirmed) = self
            .decide(request, move |unit| {
                // What one said oneself can be taken back even where it can no longer be seen.
                let own = unit.state::<Comment>(id).posted().is_some_and(|posted| posted.account == by);
                // Whoever may not see the creation is told what is told of a comment that never was.
                if !own {
                    visible(unit, creation, by).map_err(|_| Refusal::NotFound("comment"))?;
                }
                permit.ask(unit)?;
                unit.execute::<Comment>(id, CommentCommand::Delete { by, at: unit.now() })?;
                Ok(())
            })
            .await?;
        Ok((id.shard(), confirmed))
    }

    /// Votes on a comment; a vote before is changed. Errors: no such comment, or on nothing the
    /// caller may see. Returns the comment.
    pub async fn vote(
        &self,
        caller: &Caller,
        number: u64,
        vote: Direction,
    ) -> Result<(PostedComment, Confirmed), Refusal> {
        caller.require(Scope::SocialWrite)?;
        let comment = self.comment_id(number).await?.ok_or(Refusal::NotFound("comment"))?;
        let creation = self.commented(comment).await?;
        let voter = caller.account;
        let id = VoteId::of(comment, voter);
        let request = self
            .request(comment.shard(), caller.acting(), voter)
            .stream(StreamRef::of::<Creation>(creation))
            .stream(StreamRef::of::<Comment>(comment))
            .stream(StreamRef::of::<Vote>(id));
        let (request, permit) = self.permitted(caller, Scope::SocialWrite, request).await?;
        self.decide(request, move |unit| {
            let posted = unit.state::<Comment>(comment).live().cloned().ok_or(Refusal::NotFound("comment"))?;
            visible(unit, creation, voter).map_err(|_| Refusal::NotFound("comment"))?;
            permit.ask(unit)?;
            unit.execute::<Vote>(id, VoteCommand::Cast { comment, voter, vote, at: unit.now() })?;
            Ok(posted)
        })
        .await
    }

    async fn comment_id(&self, number: u64) -> Result<Option<CommentId>, Refusal> {
        let shard = self.integers.shard_of(IntegerKind::Comment, number).await?;
        Ok(shard.map(|shard| CommentId::numbered(shard, number)))
    }

    /// The creation that a comment belongs to; that never changes.
    async fn commented(&self, comment: CommentId) -> Result<CreationId, Refusal> {
        let comment = self.load::<Comment>(comment).await?;
        comment.live().map(|posted| posted.creation).ok_or(Refusal::NotFound("comment"))
    }
}

fn too_deep() -> Refusal {
    Refusal::field("parent_id", format!("must not lie {} answers deep already", Comment::DEPTH_MAX))
}

fn no_parent() -> Refusal {
    Refusal::field("parent_id", "must be the id of a comment on this creation that was not taken back")
}

/// Refuses what `account` may not see as if it were not there.
fn visible(unit: &Unit<'_>, creation: CreationId, account: AccountId) -> Result<(), Refusal> {
    match unit.state::<Creation>(creation).is_visible_to(account) {
        true => Ok(()),
        false => Err(Refusal::NotFound("creation")),
    }
}

/// Number and depth of the comment that is answered: one of the same creation that was not taken back.
fn answered(unit: &Unit<'_>, parent: CommentId, creation: CreationId) -> Result<(u64, u8), Refusal> {
    let parent = unit.state::<Comment>(parent).live().filter(|posted| posted.creation == creation);
    parent.map(|posted| (posted.number, posted.depth)).ok_or_else(no_parent)
}
