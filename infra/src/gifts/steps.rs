//! The steps of a gift's way, by name: with the cargo feature `failpoints` each is a fail point, like those of a
//! run's life.

use std::sync::Arc;

use async_trait::async_trait;
use mintmark_domain::Shard;
use mintmark_domain::es::{Confirmed, DecideError, Decider, DecisionRequest, Job, Loaded, StreamRef};
use mintmark_domain::gift::{Gift, GiftReceipt};
use mintmark_domain::usecases::GIFT_CARRIER;
use uuid::Uuid;

use crate::running::steps::reach;

/// Before the append that takes it out of the giver's wallet.
pub const BEFORE_SENT: &str = "gift.before_sent";
/// After it.
pub const AFTER_SENT: &str = "gift.after_sent";
/// Before the append that puts it into the receiver's, or refuses it.
pub const BEFORE_TAKEN: &str = "gift.before_taken";
/// After it.
pub const AFTER_TAKEN: &str = "gift.after_taken";
/// Before the append that closes it, or gives it back.
pub const BEFORE_ENDED: &str = "gift.before_ended";
/// After it.
pub const AFTER_ENDED: &str = "gift.after_ended";

/// Every step, in the order of its way.
pub const ALL: [&str; 6] = [BEFORE_SENT, AFTER_SENT, BEFORE_TAKEN, AFTER_TAKEN, BEFORE_ENDED, AFTER_ENDED];

/// Makes decisions as another does, and passes the steps of gifts on the way.
pub struct Stepped(pub Arc<dyn Decider>);

/// The steps before and after a decision; `None` where it is about no gift.
fn steps_of(request: &DecisionRequest) -> Option<(&'static str, &'static str)> {
    let about =
        |of: fn(Uuid) -> StreamRef| request.streams.iter().any(|named| named.stream == of(named.stream.id).stream);
    if about(StreamRef::of::<GiftReceipt>) {
        return Some((BEFORE_TAKEN, AFTER_TAKEN));
    }
    let sent = request.acting.actor != GIFT_CARRIER;
    about(StreamRef::of::<Gift>).then_some(if sent { (BEFORE_SENT, AFTER_SENT) } else { (BEFORE_ENDED, AFTER_ENDED) })
}

#[async_trait]
impl Decider for Stepped {
    async fn submit(&self, request: DecisionRequest, job: Job) -> Result<Confirmed, DecideError> {
        let steps = steps_of(&request);
        if let Some((before, _)) = steps {
            reach(before);
        }
        let confirmed = self.0.submit(request, job).await;
        if let Some((_, after)) = steps {
            reach(after);
        }
        confirmed
    }

    async fn load(&self, shard: Shard, streams: Vec<StreamRef>) -> Result<Vec<Loaded>, DecideError> {
        self.0.load(shard, streams).await
    }
}
