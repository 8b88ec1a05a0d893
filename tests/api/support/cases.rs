//! The worked cases of `tests/cases`: a folder each, with what is sent and a `setup.json` that makes the plan it is sent to.
//!
//! `let case = Case("field/04-actuals-become-targets"); case.set_up(world).await; case.file("send.csv")`

use std::path::PathBuf;

use serde_json::{Value, json};

use super::{Actor, World, plan};

use Actor::Administrator;

/// The moment at which the cases play, unless a test moves the clock: all periods in them are over.
const LATER: &str = "2026-11-30T12:00:00Z";

/// A worked case, by its folder.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case(pub(crate) &'static str);

impl Case {
    /// Makes the case's plan under the code `case`, enters it, and gives each actor their role in it.
    pub(crate) async fn set_up(self, world: &World) {
        self.set_up_as(world, "case").await;
    }

    /// Makes the case's plan under a code of its own, for cases that need the same plan more than once.
    ///
    /// Its one priority is `pr` of the area `health`, for which the lead answers; the contributor is of `connexions`, the
    /// partner of `pct`.
    pub(crate) async fn set_up_as(self, world: &World, plan: &str) {
        world.now_is(LATER);
        let body = json!({"code": plan, "title": "A plan", "starts_on": "2004-04-01", "ends_on": "2029-03-31"});
        world.post(Administrator, "/v1/plans", body).await.is(201);
        world.enter(plan);
        for code in ["council", "pct", "connexions"] {
            world.post(Administrator, "organisations", json!({"code": code, "title": code})).await.is(201);
        }
        let area = json!({"code": "health", "title": "Health", "position": 1});
        world.post(Administrator, "outcome-areas", area).await.is(201);
        let group = json!({
            "code": "health-group", "title": "Health", "lead_organisation": "pct", "outcome_areas": ["health"]
        });
        world.post(Administrator, "sub-groups", group).await.is(201);
        let priority = json!({"code": "pr", "title": "The priority", "outcome_area": "health"});
        world.post(Administrator, "priorities", priority).await.is(201);
        let setup: Value = serde_json::from_slice(&self.file("setup.json")).unwrap();
        for kind in ["dimensions", "kpis"] {
            for definition in setup[kind].as_array().into_iter().flatten() {
                world.post(Administrator, kind, definition.clone()).await.is(201);
            }
        }
        plan::give_roles(world).await;
    }

    /// A file of the case, byte for byte.
    pub(crate) fn file(self, name: &str) -> Vec<u8> {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(self.0).join(name);
        std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }
}
