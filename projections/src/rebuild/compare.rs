//! Compares two versions of a projection's tables, row by row.

use sqlx::PgConnection;

use super::DIFFERENCES_MAX;
use crate::projection::Definition;

/// A row that is not what a replay comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The table.
    pub table: &'static str,
    /// What tells the row apart, as JSON.
    pub key: String,
    /// The columns that differ; empty where the row stands on one side only.
    pub columns: Vec<String>,
    /// Whether the live table has the row.
    pub is_live: bool,
    /// Whether the replay has it.
    pub is_replayed: bool,
}

/// The rows in which `live` and `replayed` differ.
pub(super) async fn compare(
    connection: &mut PgConnection,
    definition: &Definition,
    live: &str,
    replayed: &str,
) -> sqlx::Result<Vec<Difference>> {
    let mut differences = Vec::new();
    for (table, key) in definition.tables {
        let keys = key.split(", ").collect::<Vec<_>>();
        let joined = keys.iter().map(|key| format!("l.{key} = r.{key}")).collect::<Vec<_>>().join(" AND ");
        let first = keys[0];
        let object =
            keys.iter().map(|key| format!("'{key}', coalesce(l.{key}, r.{key})")).collect::<Vec<_>>().join(", ");
        let sql = format!(
            "SELECT json_build_object({object})::text,
                    coalesce((SELECT array_agg(lc.key ORDER BY lc.key)
                              FROM jsonb_each(to_jsonb(l)) lc JOIN jsonb_each(to_jsonb(r)) rc USING (key)
                              WHERE lc.value IS DISTINCT FROM rc.value), '{{}}'),
                    l.{first} IS NOT NULL, r.{first} IS NOT NULL
             FROM {live}.{table} l FULL JOIN {replayed}.{table} r ON {joined}
             WHERE l IS DISTINCT FROM r LIMIT {DIFFERENCES_MAX}"
        );
        let rows: Vec<(String, Vec<String>, bool, bool)> = sqlx::query_as(&sql).fetch_all(&mut *connection).await?;
        differences.extend(rows.into_iter().map(|(key, columns, is_live, is_replayed)| {
            let columns = if is_live && is_replayed { columns } else { Vec::new() };
            Difference { table, key, columns, is_live, is_replayed }
        }));
    }
    Ok(differences)
}
