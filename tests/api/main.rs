//! What the service promises, over HTTP: named persons act on a fresh database, and each body below `on_both!` runs once
//! on SQLite and once on PostgreSQL.
//!
//! Every answer is held against the committed OpenAPI document as it comes in, every error against the form of a problem
//! document, and every journal is verified when its test ends: see [`support`].

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    reason = "a test says that it failed by panicking, and so do its helpers, which take what is handy to write"
)]

#[path = "../support/postgres.rs"]
#[expect(dead_code, reason = "the tests of the store use all of it")]
mod postgres;
mod support;

#[path = "../support/words.rs"]
mod words;

#[path = "../support/attacker.rs"]
mod attack;

mod access;
mod actions;
mod as_of;
mod attacker;
mod back_test;
mod benchmarks;
mod board_reports;
mod connect;
mod conventions;
mod disclosure;
mod effects;
mod embeds;
mod entering;
mod exceptions;
mod feed;
mod field_files;
mod field_periods;
mod field_warnings;
mod folders;
mod forecast;
mod front;
mod groups;
mod harrow;
mod histories;
mod hostile;
mod imports;
mod instances;
mod lifecycle;
mod line;
mod metrics;
mod once;
mod owed;
mod packages;
mod preconditions;
mod reminders;
mod rounds;
mod rules;
mod service_journal;
mod set_up;
mod sheets;
mod sign_in;
mod site;
mod small_numbers;
mod webhooks;
mod wire;
mod writing;
mod year;

/// Makes two tests of each body `async fn(&World)`.
macro_rules! on_both {
    ($($body:ident)*) => {
        mod sqlite {
            $(
                #[actix_web::test]
                async fn $body() {
                    let world = crate::support::World::on_sqlite().await;
                    super::$body(&world).await;
                    world.close();
                }
            )*
        }

        mod postgres {
            $(
                #[actix_web::test]
                async fn $body() {
                    if let Some(world) = crate::support::World::on_postgres().await {
                        super::$body(&world).await;
                        world.close();
                    }
                }
            )*
        }
    };
}
use on_both;
