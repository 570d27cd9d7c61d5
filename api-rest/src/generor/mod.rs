//! The Generor dialect: `/api/v1`.
//!
//! Generating (`generate`) has the core accept a run and waits for its end. A creation is read on
//! confirmed state, so that who has just changed it sees it changed; lists come from the read models.
//! What is public has stable addresses; what is private is shown to its owner alone, with signed ones.

mod answer;
mod creation;
mod creations;
mod credits;
mod envelope;
mod generate;
mod generators;
mod keys;
mod models;
mod users;
mod values;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::AppState;

/// The dialect's routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(generators::list))
        .routes(routes!(generators::get))
        .routes(routes!(generators::creations))
        .routes(routes!(generate::generate))
        .routes(routes!(creations::own))
        .routes(routes!(creations::public))
        .routes(routes!(creations::get, creations::change, creations::delete))
        .routes(routes!(creations::status))
        .routes(routes!(models::grouped))
        .routes(routes!(models::of_type))
        .routes(routes!(models::one))
        .routes(routes!(users::me, users::change_me))
        .routes(routes!(credits::balance))
        .routes(routes!(credits::transactions))
        .routes(routes!(keys::list, keys::create))
        .routes(routes!(keys::revoke))
}
