//! The rows of accounts and keys.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::table::table;

table! {
    /// An account.
    AccountRow by AccountKey = "accounts"
    key { account_id: Uuid = "uuid" }
    fixed {}
    once {
        shard: i16 = "smallint",
        position: i64 = "bigint",
        user_id: i64 = "bigint",
        registered_at: DateTime<Utc> = "timestamptz",
    }
    live {
        profile: Uuid = "uuid",
        username: Option<String> = "text",
        display_name: Option<String> = "text",
        bio: Option<String> = "text",
        website: Option<String> = "text",
        avatar: Option<String> = "text",
        tier: String = "text",
        suspended: bool = "boolean",
        erased: bool = "boolean",
        updated_at: DateTime<Utc> = "timestamptz",
    }
}

table! {
    /// An API key.
    KeyRow by KeyKey = "api_keys"
    key { account_id: Uuid = "uuid", key_id: i64 = "bigint" }
    fixed {}
    once {
        name: String = "text",
        prefix: String = "text",
        scopes: String = "text",
        made_with: Option<i64> = "bigint",
        created_at: DateTime<Utc> = "timestamptz",
    }
    live { revoked_at: Option<DateTime<Utc>> = "timestamptz" }
}
