//! What the store promises, held on both databases: each body below `on_both!` runs once on SQLite and once on
//! PostgreSQL.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says that it failed by panicking, and so do its helpers"
)]

mod database;
#[path = "../support/postgres.rs"]
mod postgres;

mod changing;
mod concurrency;
mod journal;
mod opening;
mod plans;
mod reading;
mod service;
mod verifying;

/// Makes two tests of each body `fn(&Database)`.
macro_rules! on_both {
    ($($body:ident)*) => {
        mod on_sqlite {
            $(
                #[test]
                fn $body() {
                    super::$body(&crate::database::Database::sqlite());
                }
            )*
        }

        mod on_postgres {
            $(
                #[test]
                fn $body() {
                    if let Some(database) = crate::database::Database::postgres() {
                        super::$body(&database);
                    }
                }
            )*
        }
    };
}
use on_both;
