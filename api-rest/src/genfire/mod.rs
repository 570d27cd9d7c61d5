//! The GenFire dialect: `/v1`.
//!
//! A generation endpoint reads its body in the document's words (`images`, `videos`, `audio`), has the
//! core accept a run, waits as long as is due (`submit`), and answers with the run resource (`run`,
//! `mapping`). Single runs are read on confirmed state, lists and usage from the read models, which are
//! waited for.
//!
//! Where the document leaves something open:
//! * errors are `application/problem+json`, since their fields are RFC 9457's;
//! * a run's `request_id` is its own id, as the document's examples have it; the HTTP request's id is
//!   on the receipt;
//! * what was just accepted and is answered at once says `queued`, though this node may start it in the
//!   same moment; every later read says where the run stands;
//! * an enlarged video has no `resource_id`, as printed; a transcript's id begins with `audio_`, as printed;
//! * `usage` is null until something is delivered, so on a run that failed too;
//! * a video's output has `video_id` (the run's `resource_id`), `video_url`, `duration` and, as images
//!   have it, `output_url`; the summary of speech has its own fields rather than an image's;
//! * what a summary adds to the printed fields (`quality`, `resolution`, `source_images`, …) stands
//!   after them, and only where it applies;
//! * runs of this dialect are private: the addresses of their files are signed anew at each read;
//! * `GET /v1/runs` lists the account's runs through every door, `GET /v1/usage` counts only those that
//!   came through `/v1`;
//! * a batch's item has the digits of the run that it becomes; a batch's `failed_items` counts the
//!   cancelled ones too, its `output` says how many they are;
//! * a workflow's run and one that reads a page have no model (`null`); where usage is broken down by model
//!   they stand under their capability;
//! * an upload's address takes one file, once: a second PUT to it is refused (409), one that broke off can be
//!   sent again; a file without a `Content-Length` is taken;
//! * a workflow takes the fields of its schema and ignores others; null counts as not said;
//! * the summary of a page that is read is its `url`;
//! * stopping a run takes the scope that starts one of its kind; the charging rules need no key.

mod account;
mod asked;
mod audio;
mod batches;
mod characters;
pub(crate) mod cli_auth;
mod images;
mod lipsync;
mod mapping;
mod models;
mod oauth;
mod order;
mod period;
mod products;
mod receipt;
mod run;
mod runs;
mod sound;
mod submit;
mod summaries;
#[cfg(test)]
mod tests;
mod tools;
mod transcriptions;
mod uploads;
mod usage;
mod values;
mod videos;
mod webhooks;
mod workflows;

pub use webhooks::EventBodies;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::AppState;

/// The routes of the dialect.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(oauth::token))
        .routes(routes!(cli_auth::start))
        .routes(routes!(cli_auth::get))
        .routes(routes!(cli_auth::exchange))
        .routes(routes!(account::account))
        .routes(routes!(account::credits))
        .routes(routes!(models::list))
        .routes(routes!(models::pricing))
        .routes(routes!(images::create))
        .routes(routes!(videos::create))
        .routes(routes!(audio::speak))
        .routes(routes!(products::extract))
        .routes(routes!(uploads::open))
        .routes(routes!(uploads::put))
        .routes(routes!(workflows::list))
        .routes(routes!(workflows::get))
        .routes(routes!(workflows::run))
        .routes(routes!(tools::remove_background))
        .routes(routes!(tools::upscale))
        .routes(routes!(lipsync::create))
        .routes(routes!(sound::music))
        .routes(routes!(sound::effect))
        .routes(routes!(transcriptions::create))
        .routes(routes!(characters::voices))
        .routes(routes!(characters::influencers))
        .routes(routes!(characters::influencer))
        .routes(routes!(runs::list))
        .routes(routes!(runs::get))
        .routes(routes!(runs::output))
        .routes(routes!(runs::cancel))
        .routes(routes!(receipt::receipt))
        .routes(routes!(receipt::charging_rules))
        .routes(routes!(usage::usage))
        .routes(routes!(webhooks::list, webhooks::create))
        .routes(routes!(webhooks::list_deliveries))
        .routes(routes!(webhooks::replay))
        .routes(routes!(webhooks::update, webhooks::delete))
        .routes(routes!(batches::list, batches::create))
        .routes(routes!(batches::get))
        .routes(routes!(batches::items))
        .routes(routes!(batches::cancel))
}
