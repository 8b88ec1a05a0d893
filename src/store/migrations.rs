//! The tables' history: the same steps under the same names for both databases, compiled in.

use std::collections::BTreeSet;

use diesel::connection::SimpleConnection;
use diesel::migration::{MigrationSource, Result as MigrationResult};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::r2d2::ManageConnection;
use diesel::sql_types::Text;
use diesel::sqlite::Sqlite;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::backend::{AnyConn, Manager, Purpose, begin, commit, roll_back};
use super::error::StoreError;

const SQLITE: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");

/// Holds other processes off while one changes the tables of a PostgreSQL database: "waymark" as a number.
const ADVISORY_LOCK: i64 = 0x77_6179_6d61_726b;

/// What to do to the tables.
#[derive(Clone, Copy, Debug)]
pub(super) enum Direction {
    Up,
    Down,
}

/// Brings the tables up to date, or removes them all, and names the steps done.
///
/// Two processes that start together do it one after the other: the second waits, and finds nothing to do. A step that
/// fails on SQLite undoes all of them, on PostgreSQL itself.
pub(super) fn migrate(manager: &Manager, direction: Direction) -> Result<Vec<String>, StoreError> {
    // On a connection of its own, which waits for ever and is then closed.
    let mut conn = manager.for_purpose(Purpose::Migrate).connect()?;
    match &mut conn {
        AnyConn::Postgres(pg) => {
            pg.batch_execute(&format!("SELECT pg_advisory_lock({ADVISORY_LOCK})")).map_err(StoreError::from)?;
            let steps = run(pg, POSTGRES, direction);
            // Closing the connection would do it too, some time after this has returned.
            let unlocked = pg.batch_execute(&format!("SELECT pg_advisory_unlock({ADVISORY_LOCK})"));
            steps.and_then(|steps| unlocked.map(|()| steps).map_err(StoreError::from))
        }
        AnyConn::Sqlite(_) => {
            begin(&mut conn, Purpose::Migrate).map_err(StoreError::from)?;
            let AnyConn::Sqlite(sqlite) = &mut conn else { return Ok(Vec::new()) };
            let steps = run(sqlite, SQLITE, direction);
            let ended = if steps.is_ok() { commit(&mut conn) } else { roll_back(&mut conn) };
            steps.and_then(|steps| ended.map(|()| steps).map_err(StoreError::from))
        }
    }
}

fn run<C, DB>(conn: &mut C, steps: EmbeddedMigrations, direction: Direction) -> Result<Vec<String>, StoreError>
where
    C: MigrationHarness<DB>,
    DB: diesel::backend::Backend,
    EmbeddedMigrations: MigrationSource<DB>,
{
    let ran = match direction {
        Direction::Up => conn.run_pending_migrations(steps),
        Direction::Down => conn.revert_all_migrations(steps),
    };
    let ran = ran.map_err(|error| StoreError::Database(error.to_string()))?;
    Ok(ran.iter().map(ToString::to_string).collect())
}

#[derive(QueryableByName)]
struct Version {
    #[diesel(sql_type = Text)]
    version: String,
}

/// The names of the steps that this program has and the database does not have. Reads only.
pub(super) fn pending(any: &mut AnyConn) -> QueryResult<Vec<String>> {
    let (names, kept) = match any {
        AnyConn::Sqlite(_) => (
            names::<Sqlite>(&SQLITE),
            "SELECT name AS version FROM sqlite_schema WHERE type = 'table' AND name = '__diesel_schema_migrations'",
        ),
        AnyConn::Postgres(_) => (
            names::<Pg>(&POSTGRES),
            "SELECT CAST(to_regclass('__diesel_schema_migrations') AS TEXT) AS version \
             WHERE to_regclass('__diesel_schema_migrations') IS NOT NULL",
        ),
    };
    let names = names.map_err(diesel::result::Error::QueryBuilderError)?;
    let are_kept = !diesel::sql_query(kept).load::<Version>(any)?.is_empty();
    let taken: BTreeSet<String> = if are_kept {
        let versions: Vec<Version> = diesel::sql_query("SELECT version FROM __diesel_schema_migrations").load(any)?;
        versions.into_iter().map(|row| row.version).collect()
    } else {
        BTreeSet::new()
    };
    Ok(names.into_iter().filter(|(version, _)| !taken.contains(version)).map(|(_, name)| name).collect())
}

/// The version and the name of each step, in order.
fn names<DB>(steps: &EmbeddedMigrations) -> MigrationResult<Vec<(String, String)>>
where
    DB: diesel::backend::Backend,
    EmbeddedMigrations: MigrationSource<DB>,
{
    let steps = MigrationSource::<DB>::migrations(steps)?;
    let mut names: Vec<_> =
        steps.iter().map(|step| (step.name().version().to_string(), step.name().to_string())).collect();
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_databases_take_the_same_steps() {
        assert_eq!(names::<Sqlite>(&SQLITE).unwrap(), names::<Pg>(&POSTGRES).unwrap());
    }
}
