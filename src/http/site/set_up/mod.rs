//! Setting a plan up and looking after it: its checklist, a page for each kind of thing in it, and its journal.
//!
//! `kinds` says what can be done with each kind of thing, `fields` what its form asks, and `things` has the pages that all
//! kinds share. `settings` has the plan's own settings and how a new plan begins, `targets` what is aimed at.

pub(super) mod fields;
mod journal;
mod kinds;
pub mod settings;
pub mod targets;
pub mod things;

pub(in crate::http) use journal::journal;

use actix_web::HttpResponse;
use actix_web::web::Data;

use crate::domain::plan::{Organisation, OutcomeArea, Priority, SubGroup};
use crate::domain::policy::Policy;
use crate::domain::round::Round;
use crate::domain::wording::counted;
use crate::http::problem::{Code, Problem};
use crate::http::request::caller::Caller;
use crate::http::request::conditional::Conditions;
use crate::http::request::extract::{NoParams, Params};
use crate::http::request::path::PlanPath;
use crate::http::site::answer::{frame_in, html_of};
use crate::http::site::plans::rendering;
use crate::http::site::set_up::kinds::Kind;
use crate::http::site::visitor::Visitor;
use crate::http::view::{AsOf, View, view};
use crate::pages::frame::Tab;
use crate::pages::set_up::{Step, checklist};
use crate::programme::{Programme, Seen};

/// Whoever looks after a plan sees these pages; what each of them may do there is decided where it is done.
fn must_manage(view: &View) -> Result<(), Problem> {
    if view.plan.access.manages() {
        return Ok(());
    }
    let detail = "Only a programme manager or an administrator of the plan sets it up. Ask one of them.";
    Err(Problem::new(Code::NotAllowed, detail))
}

/// Whoever signed in with a token that only reads changes nothing.
pub(super) fn must_write(visitor: &Visitor) -> Result<(), Problem> {
    if visitor.may_write {
        return Ok(());
    }
    let detail =
        "You signed in with a token that only reads. Sign in with one that may be used to change something too.";
    Err(Problem::new(Code::NotAllowed, detail))
}

/// `GET /plans/{plan}/set-up`
pub(in crate::http) async fn steps(
    programme: Data<Programme>,
    caller: Caller,
    visitor: Visitor,
    PlanPath { plan }: PlanPath,
    _: Params<NoParams>,
    conditions: Conditions,
) -> Result<HttpResponse, Problem> {
    let view = view!(&programme, &caller, &plan, AsOf::default(), &conditions, rendering(&visitor));
    must_manage(&view)?;
    let seen = &view.seen;
    let at = |kind: Kind| kind.address(&plan);
    let mut steps = steps_of(seen, at, &format!("/plans/{plan}"));
    if view.plan.access.administers() {
        let people = programme.list_grants(&view.plan).await?.len();
        let says = match people {
            0 => "Nobody but administrators of the service has a role in this plan yet.".to_owned(),
            many => format!("{} been given.", counted(length(many), "role has", "roles have")),
        };
        steps.push(Step { title: "People", address: at(Kind::People), says, is_done: people > 0 });
    }
    let others = [
        (at(Kind::Dimensions), "Dimensions", "Groups of the population that figures are reported for."),
        (at(Kind::Links), "Secret links", "For reports in mail, and for tools that cannot sign in."),
        (at(Kind::Webhooks), "Webhooks", "For programs that want to know at once."),
        (format!("/plans/{plan}/set-up/journal"), "Journal", "Every change, who made it and when."),
        ("/new-plan".to_owned(), "A new plan", "For administrators of the service."),
    ];
    Ok(html_of(&view, checklist(&frame_in("Set-up", &visitor, &view, Tab::SetUp), &steps, &others)))
}

fn length(of: usize) -> u64 {
    u64::try_from(of).unwrap_or(u64::MAX)
}

/// Up to three names, and how many more there are.
fn few<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    let more = names.len().saturating_sub(3);
    let first: Vec<&str> = names.take(3).collect();
    if more == 0 { first.join(", ") } else { format!("{} and {more} more", first.join(", ")) }
}

fn steps_of(seen: &Seen, at: impl Fn(Kind) -> String, plan: &str) -> Vec<Step> {
    let value = &seen.plan().value;
    let step = |title, address, there: Option<String>, lacking: &str| Step {
        title,
        address,
        is_done: there.is_some(),
        says: there.unwrap_or_else(|| lacking.to_owned()),
    };
    let titles = |names: Vec<&str>| (!names.is_empty()).then(|| few(names.into_iter()));
    let organisations = seen.all::<Organisation>().values().map(|kept| kept.value.title.as_str()).collect();
    let areas = seen.all::<OutcomeArea>().values().map(|kept| kept.value.title.as_str()).collect();
    let priorities = seen.all::<Priority>().len();
    let policy = seen.all::<Policy>().get(&value.policy).map_or("none", |kept| kept.value.title.as_str());
    let live = || seen.kpis().filter(|kpi| !kpi.is_archived());
    let (kpis, aimed) = (live().count(), live().filter(|kpi| kpi.count_of_targets() > 0).count());
    let figures: usize = live().map(|kpi| kpi.count_of_readings()).sum();
    let rounds = seen.all::<Round>().len();
    let some =
        |many: usize, one: &str, several: &str| (many > 0).then(|| format!("{}.", counted(length(many), one, several)));
    let (first, last) = (value.starts_on.format("%-d %B %Y"), value.ends_on.format("%-d %B %Y"));
    let settings = format!("{plan}/set-up/plan");
    vec![
        step("The plan", settings, Some(format!("{}, {first} to {last}", value.title)), ""),
        step("Organisations", at(Kind::Organisations), titles(organisations), "The partners in the plan."),
        step("Outcome areas", at(Kind::OutcomeAreas), titles(areas), "The plan's headings."),
        sub_groups(seen, at(Kind::SubGroups)),
        step(
            "Priorities",
            at(Kind::Priorities),
            some(priorities, "priority", "priorities"),
            "What the plan wants to improve, within each outcome area.",
        ),
        step(
            "Rules for statuses",
            at(Kind::Policies),
            Some(format!(
                "The plan uses {policy}. Small numbers, 1 to {}, are withheld from partners and the public.",
                value.small_number_threshold
            )),
            "",
        ),
        step(
            "KPIs",
            at(Kind::Kpis),
            some(kpis, "KPI", "KPIs"),
            "Code, title, definition, unit, which way is better, how often, who leads.",
        ),
        Step {
            title: "Targets",
            address: format!("{plan}/set-up/targets"),
            says: format!("{aimed} of {} have one. Watched KPIs need none.", counted(length(kpis), "KPI", "KPIs")),
            is_done: aimed > 0,
        },
        step(
            "Baselines and earlier figures",
            format!("{plan}/files/readings"),
            some(figures, "figure is there", "figures are there"),
            "At least one year, so that trends and directions of travel show.",
        ),
        step(
            "The first collection round",
            at(Kind::Rounds),
            some(rounds, "round", "rounds"),
            "When it opens, is due and closes.",
        ),
    ]
}

/// Sub-groups are done when one is responsible for each outcome area.
fn sub_groups(seen: &Seen, address: String) -> Step {
    let groups = seen.all::<SubGroup>();
    let is_covered = |code| groups.values().any(|kept| kept.value.outcome_areas.contains(code));
    let open: Vec<&str> = seen
        .all::<OutcomeArea>()
        .iter()
        .filter(|(code, _)| !is_covered(code))
        .map(|(_, kept)| kept.value.title.as_str())
        .collect();
    let there = counted(length(groups.len()), "sub-group is there", "sub-groups are there");
    let says = match (groups.is_empty(), open.is_empty()) {
        (true, _) => "Who reports the figures of which outcome areas.".to_owned(),
        (false, true) => format!("{there}."),
        (false, false) => format!("{there}. None is responsible yet for {}.", open.join(", ")),
    };
    Step { title: "Sub-groups", address, says, is_done: !groups.is_empty() && open.is_empty() }
}
