//! GraphQL's door: the keys, counters and pipeline of the REST surface stand before it too.

use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use mintmark_api_graphql::{Admitted, Gate, GraphqlState, Origin, TooMany};
use mintmark_api_rest::AppState;
use mintmark_api_rest::http::{self, Authenticated, RequestContext};
use mintmark_domain::usecases::{Caller, Refusal};

/// Lets in what comes over a WebSocket.
struct Door(AppState);

#[async_trait]
impl Gate for Door {
    async fn caller(&self, authorization: Option<&str>, origin: &Origin) -> Result<Option<Caller>, Refusal> {
        let Origin { peer, request_id, traceparent, session } = origin.clone();
        let context = RequestContext::of_socket(peer, request_id, traceparent);
        http::caller_of(&self.0, authorization, session.as_ref(), &context).await
    }

    async fn count(&self, caller: Option<&Caller>, peer: IpAddr) -> Result<(), TooMany> {
        http::count(&self.0, caller, peer).await.map_err(|problem| TooMany {
            message: problem.message,
            retry_after_seconds: problem.retry_after_seconds.unwrap_or(1),
        })
    }
}

/// Hands over who was let in, and from where.
async fn hand_over(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let opens_socket = http::opens_socket(request.method(), request.headers());
    let extensions = request.extensions();
    if let Some(context) = extensions.get::<RequestContext>() {
        let origin = Origin {
            peer: context.peer(),
            request_id: context.request_id().to_owned(),
            traceparent: context.traceparent().to_owned(),
            session: http::session_of(&state, request.headers()),
        };
        let caller = extensions.get::<Authenticated>().map(|authenticated| authenticated.0.clone());
        request.extensions_mut().insert(Admitted { origin, caller, opens_socket });
    }
    next.run(request).await
}

/// GraphQL's routes, to stand behind the pipeline of `state`.
pub fn graphql(graphql: GraphqlState, state: &AppState) -> Router<AppState> {
    let gate = Arc::new(Door(state.clone()));
    mintmark_api_graphql::router(graphql, gate).layer(from_fn_with_state(state.clone(), hand_over)).with_state(())
}
