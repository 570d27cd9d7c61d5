//! One operation on a WebSocket, in a task of its own.

use std::panic::AssertUnwindSafe;

use async_graphql::Response;
use futures::{FutureExt as _, StreamExt as _, stream};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::answer::{Kind, body_of, coded, was_refused};
use crate::document;
use crate::server::MintmarkSchema;

/// What an operation says to its caller.
pub(crate) struct Said {
    pub id: String,
    pub number: u64,
    pub what: Saying,
}

pub(crate) enum Saying {
    /// One answer of possibly several.
    Next(Value),
    /// It was refused before anything was executed: these errors, and it is over.
    Error(Value),
    /// It is over.
    Complete,
}

pub(crate) struct Operation {
    pub schema: MintmarkSchema,
    pub request: async_graphql::Request,
    /// `None` where the document cannot be read.
    pub kind: Option<Kind>,
    pub id: String,
    pub number: u64,
    pub said: mpsc::Sender<Said>,
}

impl Operation {
    /// Runs it to its end. A panic is a defect of ours and ends this operation only.
    pub async fn run(self) {
        let Operation { schema, mut request, kind, id, number, said } = self;
        let say = async |what| drop(said.send(Said { id: id.clone(), number, what }).await);
        let work = async {
            let mut answers = match (document::check(&mut request), kind) {
                (Err(error), _) => stream::iter([Response::from_errors(vec![error])]).boxed(),
                (Ok(()), Some(Kind::Subscription)) => schema.execute_stream(request).boxed(),
                (Ok(()), _) => stream::once(schema.execute(request)).boxed(),
            };
            while let Some(answered) = answers.next().await {
                let answered = coded(kind.is_some(), answered);
                let mut body = body_of(&answered);
                if was_refused(&answered) {
                    return Saying::Error(body["errors"].take());
                }
                say(Saying::Next(body)).await;
            }
            Saying::Complete
        };
        let last = AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|_| {
            tracing::error!(%id, "an operation panicked");
            let extensions = json!({"code": "INTERNAL_SERVER_ERROR"});
            Saying::Error(json!([{"message": "internal error", "extensions": extensions}]))
        });
        say(last).await;
    }
}
