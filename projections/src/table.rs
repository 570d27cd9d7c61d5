//! Rows that a projection keeps: read by key, folded in memory, written back set-wise.
//!
//! A batch touches a row many times and writes it once: what came to be within the batch is inserted,
//! what was there before is updated, each table in one statement over `unnest`ed arrays.

use std::future::Future;
use std::hash::Hash;
use std::sync::LazyLock;

use indexmap::IndexMap;
use sqlx::PgConnection;

/// A column: its name and its type in SQL.
pub(crate) type Column = (&'static str, &'static str);

/// The statements for one table. Names are unqualified: the session's `search_path` says whether the
/// live version is meant or the one being built.
#[derive(Debug)]
pub(crate) struct Statements {
    pub load: String,
    pub insert: String,
    pub update: String,
    pub delete: String,
}

impl Statements {
    /// `fixed` columns are written once and read back, `once` columns are written once and not read
    /// back, `live` columns change.
    pub fn new(table: &str, key: &[Column], fixed: &[Column], once: &[Column], live: &[Column]) -> Self {
        let names = |columns: &[&[Column]]| {
            columns.iter().flat_map(|part| part.iter()).map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
        };
        let arrays = |columns: &[&[Column]]| {
            let all = columns.iter().flat_map(|part| part.iter());
            all.enumerate().map(|(n, (_, kind))| format!("${}::{kind}[]", n + 1)).collect::<Vec<_>>().join(", ")
        };
        let matched = key.iter().map(|(name, _)| format!("t.{name} = n.{name}")).collect::<Vec<_>>().join(" AND ");
        let keys = names(&[key]);
        let set = live.iter().map(|(name, _)| format!("{name} = n.{name}")).collect::<Vec<_>>().join(", ");
        Statements {
            load: format!(
                "SELECT {} FROM {table} t JOIN unnest({}) AS n ({keys}) USING ({keys})",
                names(&[key, fixed, live]),
                arrays(&[key]),
            ),
            insert: format!(
                "INSERT INTO {table} ({}) SELECT * FROM unnest({})",
                names(&[key, fixed, once, live]),
                arrays(&[key, fixed, once, live]),
            ),
            update: format!(
                "UPDATE {table} t SET {set} FROM unnest({}) AS n ({}) WHERE {matched}",
                arrays(&[key, live]),
                names(&[key, live]),
            ),
            delete: format!("DELETE FROM {table} t USING unnest({}) AS n ({keys}) WHERE {matched}", arrays(&[key])),
        }
    }
}

/// A kind of row.
pub(crate) trait Table: Sized + Send + 'static {
    /// What tells rows apart.
    type Key: Clone + Eq + Hash + Send + 'static;
    /// The table's statements.
    fn statements() -> &'static LazyLock<Statements>;
    /// The row's key.
    fn key(&self) -> Self::Key;
    /// Reads the rows with these keys; those that are not there are left out.
    fn load(
        connection: &mut PgConnection,
        keys: Vec<Self::Key>,
    ) -> impl Future<Output = sqlx::Result<Vec<Self>>> + Send;
    /// Writes new rows.
    fn insert(connection: &mut PgConnection, rows: Vec<Self>) -> impl Future<Output = sqlx::Result<()>> + Send;
    /// Writes what changes of rows that are there.
    fn update(connection: &mut PgConnection, rows: Vec<Self>) -> impl Future<Output = sqlx::Result<u64>> + Send;
    /// Removes rows.
    fn delete(connection: &mut PgConnection, keys: Vec<Self::Key>) -> impl Future<Output = sqlx::Result<()>> + Send;
}

/// Declares a row and its table.
macro_rules! table {
    (
        $(#[$doc:meta])*
        $row:ident by $key:ident = $table:literal
        key { $($k:ident: $kt:ty = $ks:literal),* $(,)? }
        fixed { $($f:ident: $ft:ty = $fs:literal),* $(,)? }
        once { $($o:ident: $ot:ty = $os:literal),* $(,)? }
        live { $($l:ident: $lt:ty = $ls:literal),* $(,)? }
    ) => {
        /// What tells the rows apart.
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub(crate) struct $key {
            $(pub $k: $kt,)*
        }

        $(#[$doc])*
        #[derive(Clone, Debug, sqlx::FromRow)]
        pub(crate) struct $row {
            $(pub $k: $kt,)*
            $(pub $f: $ft,)*
            $(#[sqlx(default)] pub $o: $ot,)*
            $(pub $l: $lt,)*
        }

        impl $crate::table::Table for $row {
            type Key = $key;

            fn statements() -> &'static std::sync::LazyLock<$crate::table::Statements> {
                static STATEMENTS: std::sync::LazyLock<$crate::table::Statements> = std::sync::LazyLock::new(|| {
                    $crate::table::Statements::new(
                        $table,
                        &[$((stringify!($k), $ks)),*],
                        &[$((stringify!($f), $fs)),*],
                        &[$((stringify!($o), $os)),*],
                        &[$((stringify!($l), $ls)),*],
                    )
                });
                &STATEMENTS
            }

            fn key(&self) -> Self::Key {
                $key { $($k: self.$k.clone(),)* }
            }

            async fn load(connection: &mut sqlx::PgConnection, keys: Vec<Self::Key>) -> sqlx::Result<Vec<Self>> {
                $(let mut $k: Vec<$kt> = Vec::with_capacity(keys.len());)*
                for key in keys {
                    $($k.push(key.$k);)*
                }
                sqlx::query_as(&Self::statements().load)$(.bind($k))*.fetch_all(connection).await
            }

            async fn insert(connection: &mut sqlx::PgConnection, rows: Vec<Self>) -> sqlx::Result<()> {
                $(let mut $k: Vec<$kt> = Vec::with_capacity(rows.len());)*
                $(let mut $f: Vec<$ft> = Vec::with_capacity(rows.len());)*
                $(let mut $o: Vec<$ot> = Vec::with_capacity(rows.len());)*
                $(let mut $l: Vec<$lt> = Vec::with_capacity(rows.len());)*
                for row in rows {
                    $($k.push(row.$k);)*
                    $($f.push(row.$f);)*
                    $($o.push(row.$o);)*
                    $($l.push(row.$l);)*
                }
                sqlx::query(&Self::statements().insert)
                    $(.bind($k))*$(.bind($f))*$(.bind($o))*$(.bind($l))*
                    .execute(connection)
                    .await?;
                Ok(())
            }

            async fn update(connection: &mut sqlx::PgConnection, rows: Vec<Self>) -> sqlx::Result<u64> {
                $(let mut $k: Vec<$kt> = Vec::with_capacity(rows.len());)*
                $(let mut $l: Vec<$lt> = Vec::with_capacity(rows.len());)*
                for row in rows {
                    $($k.push(row.$k);)*
                    $($l.push(row.$l);)*
                }
                let done = sqlx::query(&Self::statements().update)$(.bind($k))*$(.bind($l))*.execute(connection).await?;
                Ok(done.rows_affected())
            }

            async fn delete(connection: &mut sqlx::PgConnection, keys: Vec<Self::Key>) -> sqlx::Result<()> {
                $(let mut $k: Vec<$kt> = Vec::with_capacity(keys.len());)*
                for key in keys {
                    $($k.push(key.$k);)*
                }
                sqlx::query(&Self::statements().delete)$(.bind($k))*.execute(connection).await?;
                Ok(())
            }
        }
    };
}
pub(crate) use table;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In the table as it is.
    Stored,
    /// In the table, and to be written.
    Changed,
    /// Not in the table yet.
    New,
}

/// The rows of one table that a batch touches.
#[derive(Debug)]
pub(crate) struct Rows<T: Table> {
    /// In the order in which they were met, so that new rows are inserted in the log's order.
    entries: IndexMap<T::Key, (State, T)>,
    deleted: Vec<T::Key>,
}

impl<T: Table> Rows<T> {
    /// The rows with these keys, as far as there are any.
    pub async fn load(connection: &mut PgConnection, keys: Vec<T::Key>) -> sqlx::Result<Self> {
        let mut rows = Rows { entries: IndexMap::new(), deleted: Vec::new() };
        if !keys.is_empty() {
            let stored = T::load(connection, keys).await?;
            rows.entries.extend(stored.into_iter().map(|row| (row.key(), (State::Stored, row))));
        }
        Ok(rows)
    }

    /// A row to be looked at.
    pub fn get(&self, key: &T::Key) -> Option<&T> {
        self.entries.get(key).map(|(_, row)| row)
    }

    /// A row to be changed.
    pub fn get_mut(&mut self, key: &T::Key) -> Option<&mut T> {
        let (state, row) = self.entries.get_mut(key)?;
        if *state == State::Stored {
            *state = State::Changed;
        }
        Some(row)
    }

    /// Adds a row that is not in the table.
    pub fn put(&mut self, row: T) {
        self.entries.insert(row.key(), (State::New, row));
    }

    /// Removes a row; one that came to be in this batch was never written.
    pub fn remove(&mut self, key: &T::Key) -> Option<T> {
        let (state, row) = self.entries.swap_remove(key)?;
        if state != State::New {
            self.deleted.push(row.key());
        }
        Some(row)
    }

    /// Writes everything: deletes, updates, inserts, one statement each where there is anything.
    pub async fn save(self, connection: &mut PgConnection) -> sqlx::Result<()> {
        let (mut new, mut changed) = (Vec::new(), Vec::new());
        for (state, row) in self.entries.into_values() {
            match state {
                State::New => new.push(row),
                State::Changed => changed.push(row),
                State::Stored => {}
            }
        }
        if !self.deleted.is_empty() {
            T::delete(connection, self.deleted).await?;
        }
        if !changed.is_empty() {
            T::update(connection, changed).await?;
        }
        if !new.is_empty() {
            T::insert(connection, new).await?;
        }
        Ok(())
    }
}
