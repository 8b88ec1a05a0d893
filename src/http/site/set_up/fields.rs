//! What is asked of somebody who makes or changes each kind of thing: the fields of its form, in the order people need them.

use crate::domain::access::Role;
use crate::domain::kpi::Polarity;
use crate::domain::plan::{Organisation, OutcomeArea, Priority};
use crate::domain::policy::{Policy, Status};
use crate::domain::webhook::EventType;
use crate::http::site::set_up::kinds::Kind;
use crate::pages::editor::{Choice, Field, Input};
use crate::programme::Seen;
use crate::programme::access::links::LinkedTable;

/// What a code may be, wherever one is asked for.
const CODE: &str = "Lower-case letters, digits and hyphens. It stands in addresses and never changes.";

/// Choices that are the same in every plan.
fn choices<const N: usize>(of: [(&str, &str); N]) -> Input {
    Input::Choice(of.into_iter().map(|(value, words)| Choice::new(value, words)).collect())
}

/// A name of the API as people read it: `sub_group_lead` as "Sub group lead".
fn in_words(name: &str) -> String {
    let words = name.replace(['_', '.', '-'], " ");
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn named(names: impl IntoIterator<Item = &'static str>) -> Vec<Choice> {
    names.into_iter().map(|name| Choice::new(name, in_words(name))).collect()
}

/// What a link opens, as people choose it.
fn linked(table: LinkedTable) -> &'static str {
    match table {
        LinkedTable::Report => "The report as a page",
        LinkedTable::StatusReport => "The report as a table",
        LinkedTable::Readings => "The figures as a table",
        LinkedTable::Targets => "The targets as a table",
        LinkedTable::Series => "One KPI over time, as a table",
        LinkedTable::Badge => "One KPI's status, as a picture",
        LinkedTable::Sparkline => "One KPI over time, as a picture",
    }
}

macro_rules! codes {
    ($seen:expr, $kind:ty) => {
        $seen
            .all::<$kind>()
            .values()
            .map(|kept| Choice::new(kept.value.code.as_str(), kept.value.title.as_str()))
            .collect()
    };
}

fn organisations(seen: &Seen) -> Vec<Choice> {
    codes!(seen, Organisation)
}

fn areas(seen: &Seen) -> Vec<Choice> {
    codes!(seen, OutcomeArea)
}

fn policies(seen: &Seen) -> Vec<Choice> {
    codes!(seen, Policy)
}

fn priorities(seen: &Seen) -> Vec<Choice> {
    codes!(seen, Priority)
}

fn kpis(seen: &Seen) -> Vec<Choice> {
    let live = seen.kpis().filter(|kpi| !kpi.is_archived());
    live.map(|kpi| Choice::new(kpi.code().as_str(), format!("{}: {}", kpi.code(), kpi.title()))).collect()
}

fn code() -> Field {
    Field::new("code", "Code", Input::Line).hint(CODE).fixed()
}

fn title() -> Field {
    Field::new("title", "Title", Input::Line)
}

fn position() -> Field {
    Field::new("position", "Position", Input::Number).hint("Lists are in the order of this number.")
}

/// The fields of a kind of thing, for the plan that it is in.
pub(super) fn fields_of(kind: Kind, seen: &Seen) -> Vec<Field> {
    match kind {
        Kind::Organisations => {
            vec![code(), title(), Field::new("kind", "Kind", Input::Line).hint("Such as health, police or schools.")]
        }
        Kind::OutcomeAreas => vec![code(), title(), position()],
        Kind::SubGroups => vec![
            code(),
            title(),
            Field::new("lead_organisation", "Lead organisation", Input::Choice(organisations(seen))),
            Field::new("outcome_areas", "Outcome areas that it is responsible for", Input::Several(areas(seen))),
        ],
        Kind::Priorities => {
            vec![code(), title(), Field::new("outcome_area", "Outcome area", Input::Choice(areas(seen))), position()]
        }
        Kind::Dimensions => of_dimensions(),
        Kind::Policies => of_policies(),
        Kind::Kpis => of_kpis(seen),
        Kind::Rounds => vec![
            Field::new("period", "Period", Input::Line).hint("Such as 2010/11 Q1.").fixed(),
            Field::new("opens", "Opens on", Input::Day),
            Field::new("due", "Due on", Input::Day).hint("The last day on which a figure is in time."),
            Field::new("closes", "Closes on", Input::Day)
                .hint("After this day a figure is changed only with a reason."),
        ],
        Kind::People => of_people(seen),
        Kind::Links => vec![
            Field::new("name", "What it is for", Input::Line).hint("To know it by later."),
            Field::new(
                "table",
                "What it opens",
                Input::Choice(LinkedTable::ALL.map(|table| Choice::new(table.as_str(), linked(table))).to_vec()),
            ),
            Field::new("kpi", "KPI", Input::Choice(kpis(seen))).hint("Only for what is of one KPI."),
            Field::new("expires_at", "Last day", Input::LastDay).hint("Without one, a year from now."),
        ],
        Kind::Webhooks => vec![
            Field::new("url", "Address", Input::Line).hint("https, without a user name or password in it."),
            Field::new("description", "What it is for", Input::Line),
            Field::new("events", "What to report", Input::Several(named(EventType::ALL.map(EventType::as_str))))
                .hint("None ticked: everything."),
            Field::new("outcome_areas", "Only about these outcome areas", Input::Several(areas(seen)))
                .hint("None ticked: all."),
            Field::new("kpis", "Only about these KPIs", Input::Codes).hint("Their codes, one per line; none for all."),
            Field::new("active", "Messages are sent", Input::Tick),
        ],
        Kind::Actions => of_actions(seen),
    }
}

fn of_dimensions() -> Vec<Field> {
    let groups = vec![
        Field::new("code", "Code", Input::Line),
        Field::new("title", "Title", Input::Line),
        Field::new("within", "Lies within the group", Input::Line),
        Field::new("outside", "Lies across the others", Input::Tick),
    ];
    vec![
        code(),
        title(),
        Field::new("complete", "Its groups together are everyone", Input::Tick)
            .hint("Then their counts must add up to the whole, and what that would disclose is guarded."),
        Field::new("groups", "Groups", Input::Rows(groups))
            .hint("In the order in which they are shown. A group that lies within another names that one's code."),
    ]
}

fn tolerance(hint: &'static str) -> [Field; 2] {
    [
        Field::new("tolerance/value", "Amber limit", Input::Number).hint(hint),
        Field::new(
            "tolerance/kind",
            "The limit is in",
            choices([("percent", "Percent of the target"), ("points", "The KPI's own unit")]),
        ),
    ]
}

fn of_policies() -> Vec<Field> {
    let bands = vec![
        Field::new("code", "Code", Input::Line),
        Field::new("label", "Label", Input::Line),
        Field::new(
            "status",
            "Status",
            Input::Choice(named([Status::OnTrack, Status::AtRisk, Status::OffTrack].map(Status::as_str))),
        ),
        Field::new("from", "From", Input::Number),
        Field::new(
            "when",
            "Only when",
            choices([("held_or_improving_on_year", "Held or improving on the year before")]),
        ),
    ];
    let [limit, basis] = tolerance("How far short of its target a figure may fall before the amber band ends.");
    vec![
        code(),
        title(),
        limit,
        basis,
        Field::new("compare", "What is compared", choices([("reported", "The figure as reported, rounded"), ("exact", "The exact figure")])),
        Field::new("bands", "Bands", Input::Rows(bands))
            .hint("From best to worst. A band begins at a variance from the target, in amber limits: 0 is the target itself, -1 the amber limit. The last band has none."),
    ]
}

fn of_kpis(seen: &Seen) -> Vec<Field> {
    let mut fields = what_a_kpi_is(seen).to_vec();
    fields.extend(how_a_kpi_is_reported());
    fields.extend(what_is_made_of_a_kpi(seen));
    fields
}

fn what_a_kpi_is(seen: &Seen) -> [Field; 9] {
    [
        Field::new("code", "Code", Input::Line).hint("Such as NI-117. It stands in addresses and never changes.").fixed(),
        title(),
        Field::new("priority", "Priority", Input::Choice(priorities(seen))),
        Field::new("definition", "Definition", Input::Words).hint("What is counted and over what, in plain words. A change begins a new version: figures do not compare across it."),
        Field::new("national_indicator", "National indicator", Input::Line).hint("Such as NI 117, if it has a number in the national set."),
        Field::new("source", "Source", Input::Line).hint("Where the figures are taken from."),
        Field::new("lead_organisation", "Lead organisation", Input::Choice(organisations(seen))),
        Field::new("contributors", "Organisations that contribute", Input::Several(organisations(seen))),
        Field::new("publication", "Who sees its figures", choices([("internal", "Members of the partnership"), ("partners", "Partners as well"), ("public", "Everyone, if the plan is public")])),
    ]
}

fn how_a_kpi_is_reported() -> [Field; 14] {
    [
        Field::new("unit", "Unit", choices([
            ("percentage", "Percentage"), ("count", "Count"), ("rate", "Rate"), ("score", "Score"),
            ("percentage_points", "Percentage points"), ("days", "Days"), ("currency", "Pounds"), ("ratio", "Ratio"),
        ])),
        Field::new("multiplier", "Per how many", Input::Number).hint("What numerator divided by denominator is multiplied by: 100 for a percentage, 10,000 for a rate per 10,000."),
        Field::new("decimals", "Decimal places", Input::Number),
        Field::new("polarity", "Which way is better", Input::Choice(named(Polarity::ALL.map(Polarity::as_str)))),
        Field::new("frequency", "How often it is reported", choices([("month", "Every month"), ("quarter", "Every quarter"), ("half", "Every half-year"), ("term", "Every term"), ("year", "Every year")])),
        Field::new("calendar", "Which year its periods belong to", choices([("financial", "Financial, from April"), ("academic", "Academic, from September"), ("calendar", "Calendar, from January")])),
        Field::new("aggregation", "What a figure covers", choices([("in_period", "The period itself"), ("year_to_date", "The year so far"), ("snapshot", "The day it was taken"), ("rolling_12_months", "The twelve months to the period's end")])),
        Field::new("standardised", "The value is adjusted, and is not numerator divided by denominator", Input::Tick),
        Field::new("valid_min", "Lowest figure that can be right", Input::Number),
        Field::new("valid_max", "Highest figure that can be right", Input::Number),
        Field::new("steady_margin", "A move of at most this is no change", Input::Number),
        Field::new("collection_lag_days", "Days after a period's end until its figure is due", Input::Number),
        Field::new("sensitive", "Small numbers could identify a child", Input::Tick).hint("They are then withheld from partners and the public."),
        Field::new("numbers_checked", "Figures without a numerator and denominator could not identify a child", Input::Tick).hint("Without this, such figures of a sensitive KPI are withheld from partners and the public."),
    ]
}

fn what_is_made_of_a_kpi(seen: &Seen) -> Vec<Field> {
    let [limit, basis] = tolerance("Only if it differs from the policy's.");
    vec![
        Field::new("policy", "Policy for its status", Input::Choice(policies(seen))).hint("Without one, the plan's."),
        limit,
        basis,
        Field::new(
            "profile",
            "How a year's target spreads over the year",
            choices([
                ("held", "The year's figure holds in each part"),
                ("even", "In equal shares"),
                ("weighted", "In shares of given weights"),
                ("linear", "On a straight line from the year before"),
            ]),
        ),
        Field::new("weights", "Weights of the parts of the year", Input::Numbers)
            .hint("Only for given weights: one for each part, one per line, 1 together."),
        Field::new("baseline/period", "Period of the baseline", Input::Line)
            .hint("The figure that improvement is measured from. Such as 2008/09."),
        Field::new("baseline/value", "Baseline", Input::Number),
        Field::new("in_force_from", "In force from", Input::Day),
        Field::new("in_force_to", "In force until", Input::Day),
        Field::new(
            "formula/kind",
            "Where its figures come from",
            choices([
                ("direct", "They are reported"),
                ("gap", "The gap between two groups of another KPI"),
                ("partner_determined", "A partner determines the status"),
            ]),
        ),
        Field::new("formula/of", "For a gap: the KPI whose groups are compared", Input::Choice(kpis(seen))),
        Field::new("formula/group", "For a gap: the group that may be behind", Input::Line),
        Field::new("formula/comparator", "For a gap: the group that it is compared with", Input::Line),
        Field::new(
            "formula/by",
            "For a partner's: the organisation that determines it",
            Input::Choice(organisations(seen)),
        ),
    ]
}

/// The fields of a plan's own settings.
pub(super) fn of_plan(policies: Option<Vec<Choice>>) -> Vec<Field> {
    let mut fields = vec![
        code(),
        title(),
        Field::new("starts_on", "First day", Input::Day),
        Field::new("ends_on", "Last day", Input::Day),
        Field::new("description", "What readers should know", Input::Words)
            .hint("It stands on every page of the plan."),
        Field::new(
            "visibility",
            "Who may find it",
            choices([("private", "Those with a role in it"), ("public", "Everyone")]),
        ),
        Field::new("small_number_threshold", "Small numbers are 1 to", Input::Number)
            .hint("Of sensitive KPIs they are withheld from partners and the public."),
        Field::new("headline/on_track_percent", "On track from, in percent of the assessed KPIs", Input::Number),
        Field::new("headline/at_risk_percent", "At risk from, in percent of the assessed KPIs", Input::Number),
    ];
    if let Some(policies) = policies {
        fields.extend([
            Field::new("policy", "Policy for statuses", Input::Choice(policies)),
            Field::new(
                "return_rules/commentary_when_off_track",
                "A return needs a commentary where a KPI is off track",
                Input::Tick,
            ),
            Field::new(
                "return_rules/action_when_off_track_twice",
                "A return needs an action where a KPI is off track twice running",
                Input::Tick,
            ),
        ]);
    }
    fields
}

/// The fields of the settings of a plan that is there.
pub(super) fn of_this_plan(seen: &Seen) -> Vec<Field> {
    of_plan(Some(policies(seen)))
}

fn of_people(seen: &Seen) -> Vec<Field> {
    vec![
        Field::new("subject", "Who", Input::Line).hint("As their account page names them, or their e-mail address if they sign in with their organisation's account."),
        Field::new("role", "Role", Input::Choice(named(Role::ALL.map(Role::as_str)))),
        Field::new("outcome_areas", "Outcome areas of a sub-group lead", Input::Several(areas(seen))),
        Field::new("organisation", "Organisation of a contributor or partner", Input::Choice(organisations(seen))),
        Field::new("kpis", "KPIs that a contributor reports", Input::Codes).hint("Their codes, one per line."),
    ]
}

fn of_actions(seen: &Seen) -> Vec<Field> {
    vec![
        Field::new("kpi", "KPI", Input::Choice(kpis(seen))),
        Field::new("period", "Period whose figure it answers", Input::Line)
            .hint("Such as 2010/11 Q1; empty if it is about the KPI as such."),
        Field::new(
            "cause/code",
            "Sort of cause",
            choices([
                ("demand", "Demand"),
                ("capacity", "Capacity"),
                ("funding", "Funding"),
                ("delay", "Delay"),
                ("partner", "A partner"),
                ("data_quality", "Data quality"),
                ("external", "Outside events"),
                ("other", "Other"),
            ]),
        ),
        Field::new("cause/text", "Why the figure is not where it should be", Input::Words),
        Field::new("what", "What will be done", Input::Words),
        Field::new("owner/role", "Who is responsible: a role, not a name", Input::Line),
        Field::new("owner/organisation", "Of which organisation", Input::Choice(organisations(seen))),
        Field::new("due", "By when", Input::Day),
        Field::new("state", "State", choices([("open", "Open"), ("done", "Done"), ("dropped", "Dropped")])),
        Field::new("reason", "What came of it, or why it was dropped or reopened", Input::Words),
    ]
}

/// The fields of one of a KPI's targets.
pub(super) fn of_targets() -> Vec<Field> {
    vec![
        Field::new("period", "Period", Input::Line),
        Field::new("value", "Target", Input::Number),
        Field::new("low", "From", Input::Number),
        Field::new("high", "To", Input::Number),
        Field::new("floor", "Amber ends at", Input::Number),
        Field::new(
            "kind",
            "Kind",
            choices([("local", "Local"), ("laa", "Local Area Agreement"), ("statutory", "Statutory")]),
        ),
        Field::new(
            "state",
            "State",
            choices([
                ("agreed", "Agreed"),
                ("proposed", "Proposed"),
                ("placeholder", "Placeholder"),
                ("withdrawn", "Withdrawn"),
            ]),
        ),
        Field::new("agreed_by", "Agreed by", Input::Line),
        Field::new("agreed_on", "Agreed on", Input::Day),
        Field::new("rationale", "Why this figure", Input::Line),
        Field::new("reason", "Why it replaces the one before", Input::Line),
    ]
}

/// The fields of a personal access token.
pub(in crate::http::site) fn of_tokens(plans: Vec<Choice>) -> Vec<Field> {
    vec![
        Field::new("name", "What it is for", Input::Line).hint("To know it by later."),
        Field::new("plan", "The only plan that it opens", Input::Choice(plans))
            .hint("Without one, every plan that you see."),
        Field::new("role", "The only role of yours that it carries", Input::Choice(named(Role::ALL.map(Role::as_str))))
            .hint("Without one, all."),
        Field::new(
            "methods",
            "What it may do",
            Input::Several(vec![
                Choice::new("GET", "Read"),
                Choice::new("POST", "Make something, import, or take a step of a return"),
                Choice::new("PUT", "Write one thing"),
                Choice::new("PATCH", "Change one thing"),
                Choice::new("DELETE", "Remove one thing"),
            ]),
        ),
        Field::new("expires_at", "Last day", Input::LastDay).hint("Without one, a year from now."),
    ]
}
