//! The rows of what is generated.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::table::table;

table! {
    /// A run.
    RunRow by RunKey = "runs"
    key { run_id: Uuid = "uuid" }
    fixed {
        account_id: Uuid = "uuid",
        key_id: Option<i64> = "bigint",
        surface: String = "text",
        capability: String = "text",
        model: String = "text",
    }
    once {
        shard: i16 = "smallint",
        position: i64 = "bigint",
        recorded_at: DateTime<Utc> = "timestamptz",
        wallet_id: Uuid = "uuid",
        team_id: Option<Uuid> = "uuid",
        operation: String = "text",
        generator: Option<String> = "text",
        provider: String = "text",
        batch_id: Option<Uuid> = "uuid",
        item_index: Option<i32> = "integer",
        inputs: Uuid = "uuid",
        quoted: Decimal = "numeric",
        request: String = "text",
    }
    live {
        status: String = "text",
        attempt: i32 = "integer",
        client_id: Option<String> = "text",
        node: Option<String> = "text",
        submit_by: Option<DateTime<Utc>> = "timestamptz",
        provider_request_id: Option<String> = "text",
        started_at: Option<DateTime<Utc>> = "timestamptz",
        unknown_until: Option<DateTime<Utc>> = "timestamptz",
        cancel_requested: bool = "boolean",
        completed_at: Option<DateTime<Utc>> = "timestamptz",
        captured: Option<Decimal> = "numeric",
        refunded: Decimal = "numeric",
        rule: Option<String> = "text",
        failure_code: Option<String> = "text",
        failure_message: Option<String> = "text",
        cost_amount: Option<String> = "text",
        cost_currency: Option<String> = "text",
        updated_at: DateTime<Utc> = "timestamptz",
        updated_position: i64 = "bigint",
    }
}

table! {
    /// A creation.
    CreationRow by CreationKey = "creations"
    key { creation_id: Uuid = "uuid" }
    fixed {
        account_id: Uuid = "uuid",
        shard: i16 = "smallint",
        generator: Option<String> = "text",
        media_type: String = "text",
    }
    once {
        number: i64 = "bigint",
        position: i64 = "bigint",
        recorded_at: DateTime<Utc> = "timestamptz",
        user_id: i64 = "bigint",
        run_id: Uuid = "uuid",
        output_index: i32 = "integer",
        team_id: Option<Uuid> = "uuid",
        model: String = "text",
        inputs: Uuid = "uuid",
    }
    live {
        status: String = "text",
        privacy: String = "text",
        license: String = "text",
        output: Option<String> = "text",
        failure_code: Option<String> = "text",
        failure_message: Option<String> = "text",
        completed_at: Option<DateTime<Utc>> = "timestamptz",
        hidden: bool = "boolean",
        deleted_position: Option<i64> = "bigint",
        listed_from: Option<i64> = "bigint",
        listed_until: Option<i64> = "bigint",
        listed_before: Option<String> = "text",
        updated_at: DateTime<Utc> = "timestamptz",
    }
}

table! {
    /// A batch.
    BatchRow by BatchKey = "batches"
    key { batch_id: Uuid = "uuid" }
    fixed {}
    once {
        shard: i16 = "smallint",
        position: i64 = "bigint",
        recorded_at: DateTime<Utc> = "timestamptz",
        account_id: Uuid = "uuid",
        wallet_id: Uuid = "uuid",
        key_id: Option<i64> = "bigint",
        surface: String = "text",
        request_id: String = "text",
        mode: String = "text",
        target: String = "text",
        concurrency: i32 = "integer",
        items: i32 = "integer",
        maximum: Decimal = "numeric",
    }
    live {
        status: String = "text",
        waiting: i32 = "integer",
        running: i32 = "integer",
        succeeded: i32 = "integer",
        failed: i32 = "integer",
        cancelled: i32 = "integer",
        cancel_requested: bool = "boolean",
        completed_at: Option<DateTime<Utc>> = "timestamptz",
        updated_at: DateTime<Utc> = "timestamptz",
    }
}

table! {
    /// An item of a batch.
    ItemRow by ItemKey = "batch_items"
    key { batch_id: Uuid = "uuid", item_index: i32 = "integer" }
    fixed {}
    once { inputs: Uuid = "uuid", maximum: Decimal = "numeric" }
    live { state: String = "text", run_id: Option<Uuid> = "uuid" }
}
