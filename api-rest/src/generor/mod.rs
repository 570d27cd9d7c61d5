//! The Generor dialect: `/api/v1`.
//!
//! Generating (`generate`) has the core accept a run and waits for its end. A creation is read on
//! confirmed state, so that who has just changed it sees it changed; lists come from the read models.
//! What is public has stable addresses; what is private is shown to its owner alone, with signed ones.

mod answer;
mod comments;
mod creation;
mod creations;
mod credits;
mod envelope;
mod fields;
mod generate;
mod generators;
mod gifts;
mod keys;
mod models;
mod people;
mod ratings;
mod search;
mod teams;
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
        .routes(routes!(search::search))
        .routes(routes!(creations::get, creations::change, creations::delete))
        .routes(routes!(creations::status))
        .routes(routes!(creations::feed))
        .routes(routes!(comments::list, comments::create))
        .routes(routes!(comments::delete))
        .routes(routes!(comments::vote))
        .routes(routes!(ratings::get, ratings::rate))
        .routes(routes!(models::grouped))
        .routes(routes!(models::of_type))
        .routes(routes!(models::one))
        .routes(routes!(users::me, users::change_me))
        .routes(routes!(users::set_avatar, users::remove_avatar))
        .routes(routes!(people::get))
        .routes(routes!(people::creations))
        .routes(routes!(people::followers))
        .routes(routes!(people::following))
        .routes(routes!(people::follow, people::unfollow, people::is_following))
        .routes(routes!(teams::list, teams::create))
        .routes(routes!(teams::get, teams::change, teams::leave))
        .routes(routes!(teams::add_member))
        .routes(routes!(teams::remove_member))
        .routes(routes!(teams::join))
        .routes(routes!(teams::renew_invite))
        .routes(routes!(teams::creations))
        .routes(routes!(credits::balance))
        .routes(routes!(credits::transactions))
        .routes(routes!(gifts::give))
        .routes(routes!(keys::list, keys::create))
        .routes(routes!(keys::revoke))
}
