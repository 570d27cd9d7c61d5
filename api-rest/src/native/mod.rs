//! Our own routes: health, metrics, files, payment events.

mod assets;
mod health;
mod payments;
mod ranges;

use axum::Router;
use axum::routing::{get, post};

use crate::AppState;

/// The routes.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .route("/payments/events", post(payments::receive))
        .route("/users/{user}/{kind}/{file}", get(assets::of_user))
        .route("/samples/{file}", get(assets::of_samples))
        .route("/uploads/{file}", get(assets::of_uploads))
        .route("/characters/{account}/{file}", get(assets::of_characters))
        .route("/transcripts/{run}/{file}", get(assets::of_transcripts))
}
