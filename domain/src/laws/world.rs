//! A small world in which the real use cases run: streams in memory, texts in the clear, time that
//! stands still until it is turned.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::TimeDelta;
use uuid::Uuid;

use super::replay::Books;
use crate::account::{Account, AccountCommand, ActsWith, Scopes, Tier};
use crate::catalog::{Catalog, Sources};
use crate::es::{
    Acting, Confirmed, DecideError, Decider, DecisionRequest, End, Job, Loaded, Position, SealedText, StreamRef, Unit,
    Verdict,
};
use crate::event_book::{sample_id, sample_time};
use crate::ids::{AccountId, BatchId, CommitId, RunId, SealedId};
use crate::ports::{
    AssetError, Assets, Claim, ClaimKind, ClaimRequest, Directory, DirectoryError, Dispatch, FetchedInput, Identity,
    InputError, InputFetcher, InputWanted, IntegerIds, IntegerKind, Links, ManualClock, OwnAddress, SeededEntropy,
    Slot, StoredAsset, Vault, VaultError,
};
use crate::run::Surface;
use crate::usecases::{BonusAmounts, Caller, Core, Settings};
use crate::wallet::{CreditWallet, WalletCommand, WalletOwner};
use crate::{Credits, Shard, Timestamp};

static CATALOG: LazyLock<Arc<Catalog>> =
    LazyLock::new(|| Arc::new(Catalog::load(&Sources::embedded()).unwrap_or_else(|problems| panic!("{problems:?}"))));

/// What is free in this world, once somebody claims it.
pub(super) fn bonuses() -> BonusAmounts {
    let [signup, daily, weekly, max] = [10, 3, 7, 20].map(Credits::whole);
    BonusAmounts { signup, daily, weekly, max }
}

/// Everything behind the ports.
pub(super) struct World {
    books: Mutex<Books>,
    sealed: Mutex<HashMap<SealedId, Vec<u8>>>,
    clock: Arc<ManualClock>,
    next_number: AtomicU64,
    /// Who has claimed what.
    claims: Mutex<HashMap<(ClaimKind, Vec<u8>), Uuid>>,
    /// Whether this node has room to start a run as soon as it is accepted.
    has_room: AtomicBool,
}

impl World {
    /// An account with an open, empty wallet, and the use cases around it.
    pub fn new() -> (Arc<World>, Core, Caller) {
        let clock = Arc::new(ManualClock::at(sample_time(0)));
        let world = Arc::new(World {
            books: Mutex::default(),
            sealed: Mutex::default(),
            clock: Arc::clone(&clock),
            next_number: AtomicU64::new(1),
            claims: Mutex::default(),
            has_room: AtomicBool::new(false),
        });
        let core = Core {
            decider: world.clone(),
            clock,
            entropy: Arc::new(SeededEntropy::new(7)),
            directory: world.clone(),
            integers: world.clone(),
            vault: world.clone(),
            dispatch: world.clone(),
            inputs: world.clone(),
            identity: Identity::absent(),
            assets: world.clone(),
            links: world.clone(),
            catalog: Arc::clone(&CATALOG),
            settings: Arc::new(Settings { bonuses: [(Tier::Free.as_str(), bonuses())].into(), ..Settings::default() }),
        };
        let caller = Caller {
            account: AccountId(sample_id("account")),
            user_id: 12,
            acts_with: ActsWith::Operator,
            scopes: Scopes::Full,
            tier: Tier::Free,
            surface: Surface::Genfire,
            request_id: "req_1".into(),
            traceparent: String::new(),
        };
        world.open(caller.account);
        (world, core, caller)
    }

    fn open(&self, account: AccountId) {
        let register = AccountCommand::Register {
            user_id: 12,
            profile: SealedId(sample_id("profile")),
            username_claim: "a1".into(),
            email_claim: "b2".into(),
            tier: Tier::Free,
        };
        let mut books = self.books();
        books.name(&[StreamRef::of::<Account>(account), StreamRef::of::<CreditWallet>(account.wallet())]);
        let acting = Acting::default();
        let mut unit = Unit::new(Shard::ZERO, sample_time(0), &acting, &*books);
        unit.execute::<Account>(account, register).unwrap();
        let open = WalletCommand::Open { owner: WalletOwner::Account(account) };
        unit.execute::<CreditWallet>(account.wallet(), open).unwrap();
        let effects = unit.into_effects();
        books.append(Shard::ZERO, sample_time(0), effects);
    }

    /// The log and all states.
    pub fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap()
    }

    /// Turns the clock on.
    pub fn wait(&self, seconds: i64) {
        self.clock.advance(TimeDelta::seconds(seconds));
    }

    /// Whether a run starts as soon as it is accepted.
    pub fn has_room(&self, room: bool) {
        self.has_room.store(room, Ordering::Relaxed);
    }
}

#[async_trait]
impl Decider for World {
    /// Makes every decision twice, as after a lost race: only the second counts.
    async fn submit(&self, request: DecisionRequest, mut job: Job) -> Result<Confirmed, DecideError> {
        let at = crate::ports::Clock::now(&*self.clock);
        let mut books = self.books();
        books.name(&request.streams);
        let mut lost = Unit::new(request.shard, at, &request.acting, &*books);
        job(&mut lost);
        let mut unit = Unit::new(request.shard, at, &request.acting, &*books);
        let verdict = job(&mut unit);
        let effects = unit.into_effects();
        if verdict == Verdict::Accept {
            let mut sealed = self.sealed.lock().unwrap();
            sealed.extend(effects.sealed.iter().map(|text| (text.id, text.ciphertext.clone())));
            books.append(request.shard, at, effects);
        }
        let commit_id = CommitId(sample_id("commit"));
        Ok(Confirmed { end: End { position: Position(books.rows.len() as u64), commit_id }, at })
    }

    async fn load(&self, _: Shard, streams: Vec<StreamRef>) -> Result<Vec<Loaded>, DecideError> {
        let mut books = self.books();
        books.name(&streams);
        Ok(streams.iter().map(|named| books.loaded_of(named.stream)).collect())
    }
}

#[async_trait]
impl Vault for World {
    async fn seal(&self, subject: Uuid, id: SealedId, text: &[u8]) -> Result<SealedText, VaultError> {
        Ok(SealedText { id, subject, ciphertext: text.to_vec() })
    }

    async fn open(&self, ids: &[SealedId]) -> Result<HashMap<SealedId, Vec<u8>>, VaultError> {
        let sealed = self.sealed.lock().unwrap();
        Ok(ids.iter().filter_map(|id| sealed.get(id).map(|text| (*id, text.clone()))).collect())
    }

    async fn open_text(&self, text: &SealedText) -> Result<Option<Vec<u8>>, VaultError> {
        Ok(Some(text.ciphertext.clone()))
    }

    async fn fingerprint(&self, _: Uuid, bytes: &[u8]) -> Result<String, VaultError> {
        Ok(hex::encode(bytes))
    }

    fn claim_value(&self, _: ClaimKind, name: &str) -> Vec<u8> {
        name.as_bytes().to_vec()
    }
}

#[async_trait]
impl IntegerIds for World {
    async fn next(&self, _: IntegerKind, _: Shard) -> Result<u64, DirectoryError> {
        Ok(self.next_number.fetch_add(1, Ordering::Relaxed))
    }

    async fn shard_of(&self, _: IntegerKind, _: u64) -> Result<Option<Shard>, DirectoryError> {
        Ok(Some(Shard::ZERO))
    }

    async fn ensure_above(&self, _: IntegerKind, _: u64) -> Result<(), DirectoryError> {
        Ok(())
    }

    async fn record(&self, _: IntegerKind, _: u64, _: Shard) -> Result<(), DirectoryError> {
        Ok(())
    }
}

struct Room;

impl Slot for Room {
    fn node(&self) -> &str {
        "a"
    }

    fn submit_by(&self, now: Timestamp) -> Timestamp {
        now + TimeDelta::seconds(30)
    }
}

#[async_trait]
impl Dispatch for World {
    fn reserve(&self, _: &str, _: AccountId) -> Option<Box<dyn Slot>> {
        self.has_room.load(Ordering::Relaxed).then(|| Box::new(Room) as Box<dyn Slot>)
    }

    fn accepted(&self, _: RunId, _: AccountId, _: &str, _: Option<Box<dyn Slot>>) {}

    fn batch(&self, _: BatchId, _: AccountId) {}

    fn cancel_requested(&self, _: RunId) {}

    async fn ended(&self, _: RunId, _: Duration) -> bool {
        false
    }

    fn progress(&self, _: RunId) -> Option<u8> {
        None
    }
}

#[async_trait]
impl InputFetcher for World {
    fn check(&self, _: &str) -> Result<(), InputError> {
        Ok(())
    }

    async fn fetch(&self, url: &str, _: InputWanted) -> Result<FetchedInput, InputError> {
        Err(InputError::Unreachable(url.into()))
    }

    async fn portrait(&self, _: AccountId, picture: Bytes) -> Result<Bytes, InputError> {
        Ok(picture)
    }

    async fn measure(&self, _: AccountId, url: &str, _: InputWanted) -> Result<u64, InputError> {
        Err(InputError::Unreachable(url.into()))
    }
}

#[async_trait]
impl Assets for World {
    async fn put(&self, key: &str, content_type: &str, bytes: Bytes) -> Result<StoredAsset, AssetError> {
        let (key, content_type) = (key.to_owned(), content_type.to_owned());
        Ok(StoredAsset { key, content_type, size_bytes: bytes.len() as u64 })
    }

    async fn head(&self, _: &str) -> Result<Option<StoredAsset>, AssetError> {
        Ok(None)
    }

    async fn get(&self, _: &str) -> Result<Bytes, AssetError> {
        Err(AssetError::NotFound)
    }
}

impl Links for World {
    fn public(&self, key: &str) -> String {
        key.into()
    }

    fn signed(&self, key: &str, _: Timestamp) -> String {
        key.into()
    }

    fn signed_for(&self, key: &str, _: Timestamp, _: chrono::TimeDelta) -> String {
        key.into()
    }

    fn page(&self, path: &str) -> String {
        path.into()
    }

    fn own(&self, _: &str, _: Timestamp) -> Option<OwnAddress> {
        None
    }
}

/// Nothing here asks the directory for more.
fn nobody<T>() -> Result<T, DirectoryError> {
    Err(DirectoryError::Unavailable("this world has none".into()))
}

#[async_trait]
impl Directory for World {
    async fn claim(&self, request: &ClaimRequest) -> Result<(), DirectoryError> {
        let mut claims = self.claims.lock().unwrap();
        let owner = claims.entry((request.kind, request.value.clone())).or_insert(request.owner);
        if *owner == request.owner { Ok(()) } else { Err(DirectoryError::Taken) }
    }

    async fn confirm(&self, _: ClaimKind, _: &[u8], _: Uuid) -> Result<(), DirectoryError> {
        Ok(())
    }

    async fn find(&self, _: ClaimKind, _: &[u8]) -> Result<Option<Claim>, DirectoryError> {
        nobody()
    }

    async fn release(&self, _: ClaimKind, _: &[u8], _: Uuid) -> Result<bool, DirectoryError> {
        nobody()
    }

    async fn owned_by(&self, _: Uuid) -> Result<Vec<Claim>, DirectoryError> {
        nobody()
    }

    async fn unconfirmed(&self, _: Timestamp, _: usize) -> Result<Vec<Claim>, DirectoryError> {
        nobody()
    }

    async fn sweep(&self, _: &Claim) -> Result<bool, DirectoryError> {
        nobody()
    }

    async fn rebuild(
        &self,
        _: &mut (dyn Iterator<Item = ClaimRequest> + Send),
    ) -> Result<Vec<ClaimRequest>, DirectoryError> {
        nobody()
    }
}
