//! The GirlGeneratorAI dialect: submit a task, poll it.

mod generate;
mod task;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::AppState;

/// The dialect's routes.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(generate::generate)).routes(routes!(task::task))
}
