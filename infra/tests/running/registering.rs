//! Names are claimed before the decision that uses them. Whatever happens in between, no name is ever
//! given to two, and none is lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use mintmark_domain::account::{Scopes, Tier};
use mintmark_domain::es::{Confirmed, DecideError, Decider, DecisionRequest, Job, Loaded, StreamRef};
use mintmark_domain::payment::PaymentError;
use mintmark_domain::ports::{Claim, ClaimKind, ClaimRequest, Directory, DirectoryError};
use mintmark_domain::run::Surface;
use mintmark_domain::usecases::{Core, Credential, Happened, PaymentNotice, Refusal, Registered, Registration};
use mintmark_domain::{Credits, Shard, Timestamp};
use mintmark_log::directory::{FromLogError, Swept, is_in_log, sweep_orphans};
use uuid::Uuid;

use super::support::{At, Node, World, instant};

/// A directory that takes claims and never confirms any, nor lets go of them where it is told so.
struct Forgetful {
    inner: Arc<dyn Directory>,
    releases: bool,
}

#[async_trait]
impl Directory for Forgetful {
    async fn claim(&self, request: &ClaimRequest) -> Result<(), DirectoryError> {
        self.inner.claim(request).await
    }

    async fn confirm(&self, _: ClaimKind, _: &[u8], _: Uuid) -> Result<(), DirectoryError> {
        Err(DirectoryError::Unavailable("lost".into()))
    }

    async fn find(&self, kind: ClaimKind, value: &[u8]) -> Result<Option<Claim>, DirectoryError> {
        self.inner.find(kind, value).await
    }

    async fn release(&self, kind: ClaimKind, value: &[u8], owner: Uuid) -> Result<bool, DirectoryError> {
        match self.releases {
            true => self.inner.release(kind, value, owner).await,
            false => Err(DirectoryError::Unavailable("lost".into())),
        }
    }

    async fn owned_by(&self, owner: Uuid) -> Result<Vec<Claim>, DirectoryError> {
        self.inner.owned_by(owner).await
    }

    async fn unconfirmed(&self, before: Timestamp, limit: usize) -> Result<Vec<Claim>, DirectoryError> {
        self.inner.unconfirmed(before, limit).await
    }

    async fn sweep(&self, orphan: &Claim) -> Result<bool, DirectoryError> {
        self.inner.sweep(orphan).await
    }

    async fn rebuild(
        &self,
        claims: &mut (dyn Iterator<Item = ClaimRequest> + Send),
    ) -> Result<Vec<ClaimRequest>, DirectoryError> {
        self.inner.rebuild(claims).await
    }
}

/// A decider that cannot say what became of a decision, although it was recorded.
struct Unsettled {
    inner: Arc<dyn Decider>,
    lost: AtomicBool,
}

#[async_trait]
impl Decider for Unsettled {
    async fn submit(&self, request: DecisionRequest, job: Job) -> Result<Confirmed, DecideError> {
        let made = self.inner.submit(request, job).await;
        if self.lost.load(Ordering::Relaxed) { Err(DecideError::Unsettled("stopped".into())) } else { made }
    }

    async fn load(&self, shard: Shard, streams: Vec<StreamRef>) -> Result<Vec<Loaded>, DecideError> {
        self.inner.load(shard, streams).await
    }
}

async fn node() -> (World, Node) {
    let world = World::new().await;
    let sandbox = instant(&world).await;
    let node = world.node("a", Arc::new(sandbox)).await;
    (world, node)
}

fn registration(username: &str, email: &str) -> Registration {
    Registration {
        username: username.into(),
        email: email.into(),
        tier: Tier::default(),
        credits: Credits::ZERO,
        scopes: Scopes::Full,
    }
}

async fn register(core: &Core, username: &str, email: &str) -> Result<Registered, Refusal> {
    core.register(registration(username, email)).await
}

async fn sweep(world: &World, core: &Core) -> Swept {
    let later = core.clock.now() + chrono::TimeDelta::seconds(1);
    let in_log = |claim: Claim| async move { is_in_log(&world.log, &claim).await };
    let swept: Result<Swept, FromLogError> = sweep_orphans(&*core.directory, later, in_log).await;
    swept.unwrap()
}

fn taken(answer: Result<Registered, Refusal>) {
    assert!(matches!(answer.map(drop), Err(Refusal::Taken("username"))));
}

#[tokio::test(start_paused = true)]
async fn a_confirmation_that_fails_fails_nothing_and_gives_nothing_back() {
    let (world, node) = node().await;
    let core = Core {
        directory: Arc::new(Forgetful { inner: node.core.directory.clone(), releases: true }),
        ..node.core.clone()
    };
    let ann = register(&core, "ann", "ann@example.com").await.map(|made| made.account).unwrap();
    taken(register(&core, "ann", "other@example.com").await);
    let (key, _) = core.issue_key_by_operator(ann, "second", Scopes::Full).await.unwrap();
    assert!(key.key_id > 0);
    // Two names and two keys; what the second registration claimed was given back.
    assert_eq!(sweep(&world, &node.core).await, Swept { confirmed: 4, released: 0 });
    taken(register(&node.core, "ann", "other@example.com").await);
}

#[tokio::test(start_paused = true)]
async fn a_revocation_that_is_in_the_log_succeeds_whatever_the_directory_says() {
    let (_world, node) = node().await;
    let ann = register(&node.core, "ann", "ann@example.com").await.map(|made| made.account).unwrap();
    let (key, _) = node.core.issue_key_by_operator(ann, "second", Scopes::Full).await.unwrap();
    let (client, _) = node.core.create_client_by_operator(ann, "app", Scopes::Full).await.unwrap();
    let inner = node.core.directory.clone();
    let core = Core { directory: Arc::new(Forgetful { inner, releases: false }), ..node.core.clone() };
    core.revoke_key_by_operator(ann, key.key_id).await.unwrap();
    core.revoke_client_by_operator(ann, &client.client_id).await.unwrap();
    // The names stand there still, and open nothing.
    let credential = Credential::api_key(&key.secret).unwrap();
    assert!(node.core.issued_key(&credential).await.is_ok());
    let refused = node.core.authenticate(&credential, Surface::Genfire, "r".into(), String::new()).await;
    assert_eq!(refused.map(drop), Err(Refusal::Unauthenticated));
    let refused = node.core.issue_token(&client.client_id, &client.secret, None).await;
    assert_eq!(refused.map(drop), Err(Refusal::Unauthenticated));
}

#[tokio::test(start_paused = true)]
async fn an_outcome_that_is_not_known_gives_nothing_back() {
    let (world, node) = node().await;
    let decider = Arc::new(Unsettled { inner: node.core.decider.clone(), lost: AtomicBool::new(true) });
    let core = Core { decider: decider.clone(), ..node.core.clone() };
    let lost = register(&core, "ann", "ann@example.com").await.map(drop);
    assert!(matches!(lost, Err(Refusal::Decide(DecideError::Unsettled(_)))), "{lost:?}");
    taken(register(&node.core, "ann", "other@example.com").await);
    assert_eq!(sweep(&world, &node.core).await, Swept { confirmed: 3, released: 0 });
    taken(register(&node.core, "ann", "other@example.com").await);

    let account = node.core.account_by_username("ann").await.unwrap().unwrap();
    let lost = core.issue_key_by_operator(account, "lost", Scopes::Full).await.map(drop);
    assert!(lost.is_err());
    assert_eq!(sweep(&world, &node.core).await, Swept { confirmed: 1, released: 0 });
}

#[tokio::test(start_paused = true)]
async fn what_was_claimed_by_who_died_before_the_append_is_free_after_the_sweep() {
    let (world, node) = node().await;
    node.gate.stop.arm(At::Before(0));
    let core = node.core.clone();
    let dying = tokio::spawn(async move { register(&core, "ann", "ann@example.com").await.map(drop) });
    node.gate.stop.reached.notified().await;
    dying.abort();
    taken(register(&node.core, "ann", "ann@example.com").await);
    assert_eq!(sweep(&world, &node.core).await, Swept { confirmed: 0, released: 3 });
    register(&node.core, "ann", "ann@example.com").await.map(drop).unwrap();
}

#[tokio::test(start_paused = true)]
async fn of_fifty_who_register_one_name_at_once_one_does() {
    let (world, node) = node().await;
    let tries = (0..50).map(|number| {
        let core = node.core.clone();
        tokio::spawn(async move { register(&core, "ann", &format!("ann{number}@example.com")).await.map(drop) })
    });
    let answers: Vec<_> = futures::future::join_all(tries).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    let refused = answers.iter().filter(|answer| matches!(answer, Err(Refusal::Taken("username"))));
    assert_eq!(refused.count(), 49);
    assert_eq!(sweep(&world, &node.core).await, Swept::default(), "nothing is left behind");
}

#[tokio::test(start_paused = true)]
async fn a_payment_s_id_stays_its_wallet_s_though_its_confirmation_was_lost_and_is_free_where_it_never_came() {
    let (world, node) = node().await;
    let ann = register(&node.core, "ann", "ann@example.com").await.map(|made| made.account).unwrap();
    let bob = register(&node.core, "bob", "bob@example.com").await.map(|made| made.account).unwrap();
    sweep(&world, &node.core).await;
    let notice = |id: &str, account, amount: i64| PaymentNotice {
        id: id.into(),
        what: Happened::Paid,
        account,
        credits: Credits::whole(5),
        amount: amount.into(),
        currency: "EUR".into(),
    };
    let forgetful = Forgetful { inner: node.core.directory.clone(), releases: false };
    let core = Core { directory: Arc::new(forgetful), ..node.core.clone() };
    core.note_payment(notice("pi_1", ann, 5), "req_1").await.unwrap();
    // One that is refused leaves its claim to the sweep: the same may be under way elsewhere.
    core.note_payment(notice("pi_1", ann, 6), "req_2").await.unwrap_err();
    let never = ClaimRequest::new(ClaimKind::Payment, "pi_2", ann.wallet());
    node.core.directory.claim(&never).await.unwrap();
    assert_eq!(sweep(&world, &node.core).await, Swept { confirmed: 1, released: 1 });
    let refused = node.core.note_payment(notice("pi_1", bob, 5), "req_3").await;
    assert_eq!(refused, Err(Refusal::Payment(PaymentError::OtherPayment)));
    assert!(node.core.note_payment(notice("pi_1", ann, 5), "req_4").await.unwrap().replayed);
    assert!(!node.core.note_payment(notice("pi_2", bob, 5), "req_5").await.unwrap().replayed);
    // Ours and the processor's id name the same payment.
    let (id, payment) = node.core.payment("pi_2").await.unwrap();
    assert_eq!((payment.wallet(), payment.left()), (Some(bob.wallet()), Credits::whole(5)));
    assert_eq!(node.core.payment(&id.to_string()).await.unwrap().0, id);
    assert_eq!(node.core.payment("pi_3").await.unwrap_err(), Refusal::NotFound("payment"));
}
