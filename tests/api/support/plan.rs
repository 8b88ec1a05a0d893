//! The small plan: two outcome areas, three priorities, four organisations, one dimension, seven KPIs of different frequency.

use serde_json::{Value, json};

use super::{Actor, World};

use Actor::Administrator;

/// A KPI: a quarterly percentage of `health-1`, where more is better, with some members changed.
pub(crate) fn kpi(code: &str, changes: Value) -> Value {
    let mut kpi = json!({
        "code": code, "title": format!("The KPI {code}"), "priority": "health-1", "unit": "percentage",
        "polarity": "higher_is_better", "frequency": "quarter", "calendar": "financial", "aggregation": "in_period",
    });
    kpi.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    kpi
}

/// Makes a plan with nothing in it and enters it.
pub(crate) async fn empty(world: &World, code: &str) {
    let plan = json!({"code": code, "title": "A plan", "starts_on": "2009-04-01", "ends_on": "2011-03-31"});
    world.post(Administrator, "/v1/plans", plan).await.is(201);
    world.enter(code);
}

/// Makes the framework: organisations, outcome areas, sub-groups and priorities.
pub(crate) async fn framework(world: &World) {
    for code in ["council", "pct", "connexions", "police"] {
        world.post(Administrator, "organisations", json!({"code": code, "title": code})).await.is(201);
    }
    for (position, code) in (1..).zip(["health", "safety"]) {
        let area = json!({"code": code, "title": code, "position": position});
        world.post(Administrator, "outcome-areas", area).await.is(201);
    }
    for (area, lead) in [("health", "pct"), ("safety", "council")] {
        let group = json!({
            "code": format!("{area}-group"), "title": area, "lead_organisation": lead, "outcome_areas": [area]
        });
        world.post(Administrator, "sub-groups", group).await.is(201);
    }
    for (code, area) in [("health-1", "health"), ("health-2", "health"), ("safety-1", "safety")] {
        let priority = json!({"code": code, "title": code, "outcome_area": area});
        world.post(Administrator, "priorities", priority).await.is(201);
    }
}

/// Makes a dimension that does not cover everyone, its groups called as their codes.
pub(crate) async fn slices(world: &World, code: &str, groups: &[impl AsRef<str>]) {
    let groups = groups.iter().map(|group| json!({"code": group.as_ref(), "title": group.as_ref()}));
    let dimension = json!({"code": code, "title": code, "groups": groups.collect::<Value>()});
    world.post(Administrator, "dimensions", dimension).await.is(201);
}

/// Makes the small plan, without a target or a figure, and gives each actor their role in it.
///
/// The lead answers for `health`; the contributor is of `connexions`; the partner is of `pct`.
pub(crate) async fn small(world: &World) {
    empty(world, "small").await;
    framework(world).await;
    slices(world, "pupils", &["fsm", "non-fsm", "looked-after", "girls", "boys"]).await;
    for (code, changes) in [
        (
            "NI-117",
            json!({"polarity": "lower_is_better", "lead_organisation": "connexions", "contributors": ["council"],
                   "publication": "public", "policy": "five-band"}),
        ),
        (
            "NI-50",
            json!({"priority": "health-2", "unit": "score", "frequency": "year", "aggregation": "snapshot", "lead_organisation": "pct"}),
        ),
        (
            "LI-CALLS",
            json!({"priority": "safety-1", "unit": "count", "decimals": 0, "frequency": "month", "aggregation": "year_to_date",
                   "profile": "even", "lead_organisation": "council", "publication": "partners"}),
        ),
        (
            "NI-87",
            json!({"priority": "safety-1", "polarity": "lower_is_better", "frequency": "term", "calendar": "academic",
                   "lead_organisation": "council"}),
        ),
        (
            "NI-112",
            json!({"priority": "safety-1", "frequency": "year", "calendar": "calendar", "valid_min": -100, "valid_max": 100}),
        ),
        (
            "LI-INJURIES",
            json!({"priority": "safety-1", "unit": "count", "decimals": 0, "polarity": "lower_is_better", "profile": "even",
                   "lead_organisation": "council", "sensitive": true, "publication": "partners"}),
        ),
        (
            "LI-ASTHMA",
            json!({"priority": "health-2", "unit": "count", "decimals": 0, "polarity": "lower_is_better", "profile": "even",
                   "lead_organisation": "pct", "sensitive": true}),
        ),
    ] {
        world.post(Administrator, "kpis", kpi(code, changes)).await.is(201);
    }
    give_roles(world).await;
}

/// Makes a collection round of a period that stays open till the end of 2010.
pub(crate) async fn round(world: &World, period: &str, opens: &str, due: &str) {
    let round = json!({"period": period, "opens": opens, "due": due, "closes": "2010-12-31"});
    world.post(Administrator, "rounds", round).await.is(201);
}

/// Gives each actor their role in the plan.
pub(super) async fn give_roles(world: &World) {
    for (actor, mut grant) in [
        (Actor::Manager, json!({"role": "programme_manager"})),
        (Actor::Lead, json!({"role": "sub_group_lead", "outcome_areas": ["health"]})),
        (Actor::Contributor, json!({"role": "contributor", "organisation": "connexions"})),
        (Actor::Board, json!({"role": "board"})),
        (Actor::Partner, json!({"role": "partner", "organisation": "pct"})),
        (Actor::Public, json!({"role": "public"})),
    ] {
        grant["subject"] = actor.name().into();
        world.post(Administrator, "grants", grant).await.is(201);
    }
}
