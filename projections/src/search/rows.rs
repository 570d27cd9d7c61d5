//! The rows of creations, as far as search knows them.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::table::table;

table! {
    /// A creation.
    CreationRow by CreationKey = "creations"
    key { creation_id: Uuid = "uuid" }
    fixed {
        number: i64 = "bigint",
        recorded_at: DateTime<Utc> = "timestamptz",
        generator: Option<String> = "text",
        inputs: Uuid = "uuid",
    }
    once { account_id: Uuid = "uuid" }
    live {
        made: bool = "boolean",
        public: bool = "boolean",
        gone: bool = "boolean",
        listed_from: Option<i64> = "bigint",
    }
}
