//! The rows of the wallet's read models.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::table::table;

table! {
    /// A wallet.
    WalletRow by WalletKey = "wallets"
    key { wallet_id: Uuid = "uuid" }
    fixed {}
    once {
        shard: i16 = "smallint",
        position: i64 = "bigint",
        owner_kind: String = "text",
        account_id: Option<Uuid> = "uuid",
        team_id: Option<Uuid> = "uuid",
        opened_at: DateTime<Utc> = "timestamptz",
    }
    live {
        sequence: i64 = "bigint",
        paid: Decimal = "numeric",
        free: Decimal = "numeric",
        earned: Decimal = "numeric",
        held: Decimal = "numeric",
        receivable: Decimal = "numeric",
        updated_at: DateTime<Utc> = "timestamptz",
        updated_position: i64 = "bigint",
    }
}

table! {
    /// A lot.
    LotRow by LotKey = "wallet_lots"
    key { wallet_id: Uuid = "uuid", lot: i32 = "integer" }
    fixed { kind: String = "text" }
    once {
        priority: i16 = "smallint",
        amount: Decimal = "numeric",
        granted_at: DateTime<Utc> = "timestamptz",
        source: String = "text",
        reference: Option<String> = "text",
    }
    live {
        available: Decimal = "numeric",
        held: Decimal = "numeric",
        expires_at: Option<DateTime<Utc>> = "timestamptz",
        expired: bool = "boolean",
    }
}

table! {
    /// An open hold.
    HoldRow by HoldKey = "wallet_holds"
    key { wallet_id: Uuid = "uuid", hold_id: Uuid = "uuid" }
    fixed { movement: i64 = "bigint" }
    once {
        held_for: String = "text",
        amount: Decimal = "numeric",
        held_at: DateTime<Utc> = "timestamptz",
    }
    live { remaining: Decimal = "numeric" }
}

table! {
    /// A movement.
    TransactionRow by TransactionKey = "transactions"
    key { wallet_id: Uuid = "uuid", number: i64 = "bigint" }
    fixed {}
    once {
        shard: i16 = "smallint",
        position: i64 = "bigint",
        recorded_at: DateTime<Utc> = "timestamptz",
        kind: String = "text",
        hold_id: Option<Uuid> = "uuid",
        run_id: Option<Uuid> = "uuid",
        batch_id: Option<Uuid> = "uuid",
        payment_id: Option<Uuid> = "uuid",
        gift_id: Option<Uuid> = "uuid",
        other_account: Option<Uuid> = "uuid",
        lot: Option<i32> = "integer",
        detail: Option<String> = "text",
        owed: Decimal = "numeric",
    }
    live {
        amount: Decimal = "numeric",
        held: Decimal = "numeric",
        captured: Decimal = "numeric",
        status: String = "text",
        rule: Option<String> = "text",
        balance_after: Decimal = "numeric",
        updated_at: DateTime<Utc> = "timestamptz",
    }
}
