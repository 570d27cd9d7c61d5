//! Creations one by one.

use chrono::{DateTime, Utc};
use mintmark_domain::Timestamp;
use mintmark_domain::catalog::MediaType;
use mintmark_domain::creation::{CreationStatus, License, Output, Privacy};
use mintmark_domain::es::Position;
use mintmark_domain::ids::{AccountId, CreationId, RunId, SealedId, TeamId};
use mintmark_domain::run::{FailureReason, RunStatus};
use uuid::Uuid;

use crate::accounts::AUTHOR;
use crate::error::QueryError;
use crate::positions::Place;
use crate::reads::ReadModels;
use crate::sql::{named, unsigned};

/// Where a creation stands, as it is shown: one that is opened waits or is being made, as its run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CreationState {
    /// Its run waits.
    Pending,
    /// Its run is under way.
    Generating,
    /// Made.
    Completed,
    /// Not made.
    Failed,
    /// Stopped before it was made.
    Cancelled,
}

/// One thing made.
#[derive(Clone, Debug, PartialEq)]
pub struct Creation {
    /// Its stream.
    pub id: CreationId,
    /// Its public integer id.
    pub number: u64,
    /// Whose it is.
    pub account: AccountId,
    /// The owner's public integer id.
    pub user_id: u64,
    /// The owner's name; `None` where the owner was erased.
    pub username: Option<String>,
    /// The run that makes it.
    pub run: RunId,
    /// Which of the run's outputs, from 0.
    pub index: u32,
    /// The team it was made under.
    pub team: Option<TeamId>,
    /// The generator, where one was used.
    pub generator: Option<String>,
    /// Canonical name of the model.
    pub model: String,
    /// What it is.
    pub media_type: MediaType,
    /// The sealed inputs of its run, with the prompt.
    pub inputs: SealedId,
    /// Where it stands.
    pub state: CreationState,
    /// Who may see it.
    pub privacy: Privacy,
    /// Under which licence.
    pub license: License,
    /// What was delivered.
    pub output: Option<Output>,
    /// Why it was not.
    pub failure: Option<FailureReason>,
    /// Whether the operator hid it.
    pub hidden: bool,
    /// Whether its owner deleted it.
    pub deleted: bool,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
    /// When anything of it last changed.
    pub updated_at: Timestamp,
    /// Where the event that opened it stands.
    pub position: Position,
}

impl Creation {
    /// Whether everybody may see it.
    #[must_use]
    pub fn is_public(&self) -> bool {
        self.state == CreationState::Completed && self.privacy == Privacy::Public && !self.hidden && !self.deleted
    }

    pub(crate) fn place(&self) -> Place {
        Place { at: self.created_at, id: self.id.0 }
    }
}

/// How many creations an account has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CreationCounts {
    /// Completed and not deleted.
    pub made: u64,
    /// Of these, to be seen by everybody.
    pub public: u64,
}

/// Columns of a creation `c`, beside its run `r` and its owner `a`.
pub(super) const COLUMNS: &str = "
    c.creation_id, c.number, c.account_id, c.user_id, a.username, c.run_id, c.output_index, c.team_id, c.generator,
    c.model, c.media_type, c.inputs, c.status, r.status AS run_status, c.privacy, c.license, c.output, c.failure_code,
    c.failure_message, c.hidden, c.deleted_position, c.recorded_at, c.completed_at, c.updated_at, c.position";
/// Rows of a creation `c` that are as its stream says.
pub(super) const READABLE: &str =
    "NOT EXISTS (SELECT FROM read_generation_v3.unreadable u WHERE u.stream_id = c.creation_id)";
/// The run `r` of a creation `c`; LIMIT 1 as with [`AUTHOR`].
pub(super) const RUN: &str = "
    LEFT JOIN LATERAL (SELECT status FROM read_generation_v3.runs r WHERE r.run_id = c.run_id LIMIT 1) AS r ON true";

#[derive(sqlx::FromRow)]
pub(super) struct View {
    creation_id: Uuid,
    number: i64,
    account_id: Uuid,
    user_id: i64,
    username: Option<String>,
    pub run_id: Uuid,
    output_index: i32,
    team_id: Option<Uuid>,
    generator: Option<String>,
    model: String,
    media_type: String,
    inputs: Uuid,
    status: String,
    run_status: Option<String>,
    privacy: String,
    license: String,
    output: Option<String>,
    failure_code: Option<String>,
    failure_message: Option<String>,
    hidden: bool,
    deleted_position: Option<i64>,
    recorded_at: DateTime<Utc>,
    completed_at: Option<DateTime<Utc>>,
    updated_at: DateTime<Utc>,
    position: i64,
}

/// The table's name in errors.
const TABLE: &str = "creations";

impl View {
    pub fn shown(self) -> Result<Creation, QueryError> {
        let run_status = self.run_status.as_deref().map(|status| named::<RunStatus>(TABLE, status)).transpose()?;
        let state = match named::<CreationStatus>(TABLE, &self.status)? {
            CreationStatus::None | CreationStatus::Opened => match run_status {
                Some(RunStatus::Running | RunStatus::OutcomeUnknown) => CreationState::Generating,
                Some(
                    RunStatus::None
                    | RunStatus::Queued
                    | RunStatus::Succeeded
                    | RunStatus::Failed
                    | RunStatus::Cancelled,
                )
                | None => CreationState::Pending,
            },
            CreationStatus::Completed => CreationState::Completed,
            CreationStatus::Failed => CreationState::Failed,
            CreationStatus::Cancelled => CreationState::Cancelled,
        };
        let output = self.output.as_deref().map(serde_json::from_str).transpose();
        let failure =
            self.failure_code.map(|code| FailureReason { code, message: self.failure_message.unwrap_or_default() });
        Ok(Creation {
            id: CreationId(self.creation_id),
            number: unsigned(TABLE, self.number)?,
            account: AccountId(self.account_id),
            user_id: unsigned(TABLE, self.user_id)?,
            username: self.username,
            run: RunId(self.run_id),
            index: self.output_index.cast_unsigned(),
            team: self.team_id.map(TeamId),
            generator: self.generator,
            model: self.model,
            media_type: named(TABLE, &self.media_type)?,
            inputs: SealedId(self.inputs),
            state,
            privacy: named(TABLE, &self.privacy)?,
            license: named(TABLE, &self.license)?,
            output: output.map_err(|error| QueryError::Row { table: TABLE, why: error.to_string() })?,
            failure,
            hidden: self.hidden,
            deleted: self.deleted_position.is_some(),
            created_at: self.recorded_at,
            completed_at: self.completed_at,
            updated_at: self.updated_at,
            position: Position(unsigned(TABLE, self.position)?),
        })
    }
}

impl ReadModels {
    /// The creation with that public integer id, whoever may see it; `None` if there is none.
    pub async fn creation_by_number(&self, number: u64) -> Result<Option<Creation>, QueryError> {
        let number = i64::try_from(number).unwrap_or(i64::MAX);
        self.one_creation("c.number = $1", |query| query.bind(number)).await
    }

    /// One creation, whoever may see it; `None` if there is none.
    pub async fn creation(&self, id: CreationId) -> Result<Option<Creation>, QueryError> {
        self.one_creation("c.creation_id = $1", |query| query.bind(id.0)).await
    }

    async fn one_creation(
        &self,
        condition: &str,
        bind: impl for<'q> FnOnce(
            sqlx::query::QueryAs<'q, sqlx::Postgres, View, sqlx::postgres::PgArguments>,
        ) -> sqlx::query::QueryAs<'q, sqlx::Postgres, View, sqlx::postgres::PgArguments>,
    ) -> Result<Option<Creation>, QueryError> {
        let sql = format!("SELECT {COLUMNS} FROM read_generation_v3.creations c {RUN} {AUTHOR} WHERE {condition}");
        let row = bind(sqlx::query_as(&sql)).fetch_optional(&self.pool).await?;
        let Some(row) = row else { return Ok(None) };
        self.readable(
            "SELECT EXISTS (SELECT FROM read_generation_v3.unreadable WHERE stream_id = $1)",
            row.creation_id,
        )
        .await?;
        row.shown().map(Some)
    }

    /// Creations by id, in no order; those that are not there, or that only a newer release understands,
    /// are left out. For dataloaders.
    pub async fn creations_by_id(&self, ids: &[CreationId]) -> Result<Vec<Creation>, QueryError> {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
        self.creations_where("c.creation_id = ANY($1)", "", ids).await
    }

    /// Those that everybody may see now, by id, in no order.
    pub(crate) async fn listed_creations(&self, ids: &[CreationId]) -> Result<Vec<Creation>, QueryError> {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
        let listed = "c.creation_id = ANY($1) AND c.listed_from IS NOT NULL AND c.listed_until IS NULL";
        self.creations_where(listed, "", ids).await
    }

    /// What runs made or are to make, in the order of each run's outputs.
    pub async fn creations_of_runs(&self, runs: &[RunId]) -> Result<Vec<Creation>, QueryError> {
        let ids: Vec<Uuid> = runs.iter().map(|id| id.0).collect();
        self.creations_where("c.run_id = ANY($1)", "ORDER BY c.run_id, c.output_index", ids).await
    }

    async fn creations_where(&self, condition: &str, order: &str, ids: Vec<Uuid>) -> Result<Vec<Creation>, QueryError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let sql = format!(
            "SELECT {COLUMNS} FROM read_generation_v3.creations c {RUN} {AUTHOR} WHERE {condition} AND {READABLE} {order}"
        );
        let rows: Vec<View> = sqlx::query_as(&sql).bind(ids).fetch_all(&self.pool).await?;
        rows.into_iter().map(View::shown).collect()
    }

    /// How many creations an account has.
    pub async fn creation_counts(&self, account: AccountId) -> Result<CreationCounts, QueryError> {
        let row: Option<(i64, i64)> =
            sqlx::query_as("SELECT made, listed FROM read_generation_v3.creation_counts WHERE account_id = $1")
                .bind(account.0)
                .fetch_optional(&self.pool)
                .await?;
        let (made, public) = row.unwrap_or_default();
        Ok(CreationCounts { made: unsigned("creation_counts", made)?, public: unsigned("creation_counts", public)? })
    }
}
