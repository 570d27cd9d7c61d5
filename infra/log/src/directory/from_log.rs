//! What the log says of the directory: who owns which value, and which integer ids are in use.

use std::collections::{BTreeMap, HashMap, HashSet};

use mintmark_domain::Shard;
use mintmark_domain::account::{Account, AccountEvent};
use mintmark_domain::creation::CreationEvent;
use mintmark_domain::es::{DecodeError, EventLog, Position, ReadError, Recorded, StreamRef, decode_event};
use mintmark_domain::ids::{AccountId, TeamId};
use mintmark_domain::social::CommentEvent;
use mintmark_domain::team::{Team, TeamEvent};
use mintmark_domain::ports::{Claim, ClaimKind, ClaimRequest, DirectoryError, IntegerIds, IntegerKind};
use uuid::Uuid;

/// How many events are read at once.
const PAGE_EVENTS: usize = 2_000;

/// Why the log could not be read for this.
#[derive(Debug, thiserror::Error)]
pub enum FromLogError {
    /// The log did not answer.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// An event that this release does not know.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The directory did not answer.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
}

/// A value that the log gives to somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owned {
    /// The claim as it must stand.
    pub claim: ClaimRequest,
    /// Where the event that uses it stands.
    pub place: (Shard, Position),
}

/// Everything that the log says of the directory.
#[derive(Clone, Debug, Default)]
pub struct FromLog {
    owned: HashMap<(ClaimKind, Vec<u8>), Owned>,
    /// Values that the log gives to a second owner.
    contested: Vec<Owned>,
    /// Values of revoked keys and erased persons: whether they are free by now says nothing.
    retired: HashSet<(ClaimKind, Vec<u8>)>,
    keys: HashMap<(Uuid, u64), Vec<u8>>,
    integers: Vec<(IntegerKind, u64, Shard)>,
    highest: BTreeMap<IntegerKind, u64>,
}

impl FromLog {
    /// Reads the whole log of `shards`. `progress` is told how many more events were read.
    pub async fn read(
        log: &dyn EventLog,
        shards: &[Shard],
        mut progress: impl FnMut(u64),
    ) -> Result<Self, FromLogError> {
        let mut found = FromLog::default();
        for &shard in shards {
            found.read_on(log, shard, Position(0), &mut progress).await?;
        }
        Ok(found)
    }

    /// Reads on in one shard, after a position.
    pub async fn read_on(
        &mut self,
        log: &dyn EventLog,
        shard: Shard,
        mut after: Position,
        mut progress: impl FnMut(u64),
    ) -> Result<(), FromLogError> {
        loop {
            let page = log.read(shard, after, PAGE_EVENTS).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.position;
            for recorded in &page {
                self.take(recorded)?;
            }
            progress(page.len() as u64);
        }
    }

    /// Takes one event in.
    pub fn take(&mut self, recorded: &Recorded) -> Result<(), DecodeError> {
        match recorded.stream.aggregate.as_str() {
            "account" => self.account(recorded, &decode_event(recorded)?),
            "creation" if recorded.sequence == 1 => {
                if let CreationEvent::Opened(opened) = decode_event(recorded)? {
                    self.number(IntegerKind::Creation, opened.number, recorded.shard);
                }
            }
            "comment" if recorded.sequence == 1 => {
                if let CommentEvent::Posted(posted) = decode_event(recorded)? {
                    self.number(IntegerKind::Comment, posted.number, recorded.shard);
                }
            }
            "team" => self.team(recorded, &decode_event(recorded)?),
            _ => {}
        }
        Ok(())
    }

    fn team(&mut self, recorded: &Recorded, event: &TeamEvent) {
        let team = recorded.stream.id;
        match event {
            TeamEvent::Created(created) => {
                self.number(IntegerKind::Team, created.number, recorded.shard);
                self.invite(recorded, &created.invite.claim);
            }
            TeamEvent::InviteRenewed { invite, .. } => {
                self.retire_of(team);
                self.invite(recorded, &invite.claim);
            }
            TeamEvent::Archived { .. } => self.retire_of(team),
            // Nothing of these is claimed.
            TeamEvent::MemberJoined { .. }
            | TeamEvent::MemberLeft { .. }
            | TeamEvent::MemberRemoved { .. }
            | TeamEvent::Renamed { .. }
            | TeamEvent::HandedOver { .. } => {}
        }
    }

    fn invite(&mut self, recorded: &Recorded, claim: &str) {
        let value = hex::decode(claim).unwrap_or_default();
        self.own(recorded, ClaimRequest::new(ClaimKind::Invite, value, recorded.stream.id));
    }

    /// All that one owner has is free again.
    fn retire_of(&mut self, owner: Uuid) {
        let owned = self.owned.iter().filter(|(_, owned)| owned.claim.owner == owner);
        let gone: Vec<_> = owned.map(|(key, _)| key.clone()).collect();
        gone.into_iter().for_each(|key| self.retire(key));
    }

    fn account(&mut self, recorded: &Recorded, event: &AccountEvent) {
        let account = recorded.stream.id;
        match event {
            AccountEvent::Registered { user_id, username_claim, email_claim, .. } => {
                self.number(IntegerKind::User, *user_id, recorded.shard);
                for (kind, hex) in [(ClaimKind::Username, username_claim), (ClaimKind::Email, email_claim)] {
                    self.own(recorded, ClaimRequest::new(kind, hex::decode(hex).unwrap_or_default(), account));
                }
            }
            AccountEvent::KeyIssued(key) => {
                self.number(IntegerKind::ApiKey, key.key_id, recorded.shard);
                let hash = hex::decode(&key.hash).unwrap_or_default();
                self.keys.insert((account, key.key_id), hash.clone());
                self.own(recorded, ClaimRequest::new(ClaimKind::ApiKey, hash, account).referring_to(key.key_id));
            }
            AccountEvent::KeyRevoked { key_id, .. } => {
                if let Some(hash) = self.keys.remove(&(account, *key_id)) {
                    self.retire((ClaimKind::ApiKey, hash));
                }
            }
            AccountEvent::ClientIssued(client) => {
                self.own(recorded, ClaimRequest::new(ClaimKind::OauthClient, client.client_id.as_bytes(), account));
            }
            AccountEvent::ClientRevoked { client_id } => {
                self.retire((ClaimKind::OauthClient, client_id.as_bytes().to_vec()));
            }
            AccountEvent::Erased { .. } => self.retire_of(account),
            // Nothing of these is claimed.
            AccountEvent::ProfileChanged { .. }
            | AccountEvent::TierChanged { .. }
            | AccountEvent::Suspended { .. }
            | AccountEvent::Reinstated { .. }
            | AccountEvent::VoiceAdded { .. }
            | AccountEvent::VoiceChanged { .. }
            | AccountEvent::VoiceArchived { .. }
            | AccountEvent::InfluencerAdded { .. }
            | AccountEvent::InfluencerChanged { .. }
            | AccountEvent::InfluencerMoved { .. } => {}
        }
    }

    fn own(&mut self, recorded: &Recorded, claim: ClaimRequest) {
        let key = (claim.kind, claim.value.clone());
        let owned = Owned { claim, place: (recorded.shard, recorded.position) };
        match self.owned.get(&key) {
            Some(known) if known.claim.owner != owned.claim.owner => self.contested.push(owned),
            Some(_) => {}
            None => drop(self.owned.insert(key, owned)),
        }
    }

    fn retire(&mut self, key: (ClaimKind, Vec<u8>)) {
        self.owned.remove(&key);
        self.retired.insert(key);
    }

    fn number(&mut self, kind: IntegerKind, number: u64, shard: Shard) {
        self.integers.push((kind, number, shard));
        let highest = self.highest.entry(kind).or_default();
        *highest = (*highest).max(number);
    }

    /// Who owns what.
    pub fn owned(&self) -> impl Iterator<Item = &Owned> {
        self.owned.values()
    }

    /// Values that two accounts registered: only an earlier release, or somebody's hand, can have done
    /// so.
    pub fn contested(&self) -> &[Owned] {
        &self.contested
    }

    /// The owner of a value.
    #[must_use]
    pub fn owner(&self, kind: ClaimKind, value: &[u8]) -> Option<Uuid> {
        self.owned.get(&(kind, value.to_vec())).map(|owned| owned.claim.owner)
    }

    /// Whether a value was in use once, and need not be free yet.
    #[must_use]
    pub fn is_retired(&self, kind: ClaimKind, value: &[u8]) -> bool {
        self.retired.contains(&(kind, value.to_vec()))
    }

    /// The highest integer id of each kind.
    pub fn highest(&self) -> impl Iterator<Item = (IntegerKind, u64)> + '_ {
        self.highest.iter().map(|(kind, highest)| (*kind, *highest))
    }

    /// Enters every integer id that no block holds, and keeps new ones above all of them. Returns how
    /// many were entered.
    pub async fn enter_integers(&self, integers: &dyn IntegerIds) -> Result<u64, DirectoryError> {
        for (kind, highest) in self.highest() {
            integers.ensure_above(kind, highest).await?;
        }
        let mut entered = 0;
        for (kind, number, shard) in &self.integers {
            // A block is asked for once; only what is missing costs more.
            if integers.shard_of(*kind, *number).await?.is_none() {
                integers.record(*kind, *number, *shard).await?;
                entered += 1;
            }
        }
        Ok(entered)
    }
}

/// Whether the log holds the event that uses a claimed value, read at this moment.
pub async fn is_in_log(log: &dyn EventLog, claim: &Claim) -> Result<bool, FromLogError> {
    let stream = match claim.kind {
        ClaimKind::Invite => StreamRef::of::<Team>(TeamId(claim.owner)).stream,
        ClaimKind::Username | ClaimKind::Email | ClaimKind::ApiKey | ClaimKind::OauthClient => {
            StreamRef::of::<Account>(AccountId(claim.owner)).stream
        }
    };
    let mut found = FromLog::default();
    for recorded in log.read_streams(&[(stream, 0)]).await? {
        found.take(&recorded)?;
    }
    Ok(found.owner(claim.kind, &claim.value) == Some(claim.owner))
}
