//! The scorecard: how every KPI of a plan is doing in a period, one row per KPI, as dense as a printed one.

use std::collections::BTreeMap;

use maud::{Markup, PreEscaped, html};

use super::chart::spark;
use super::frame::Frame;
use super::{marks, words};
use crate::domain::assess::{Assessment, DataState, Reason};
use crate::domain::ids::{AreaCode, GroupCode, KpiCode, OrganisationCode, SubGroupCode};
use crate::domain::movement::{Crossing, Way};
use crate::domain::period::Period;
use crate::domain::plan::{Organisation, OutcomeArea, SubGroup};
use crate::domain::policy::Status;
use crate::domain::wording::counted;
use crate::programme::Seen;
use crate::programme::reports::board_reports::MovedSince;
use crate::programme::reports::status_report::{AreaReport, PriorityReport, ReportFilter, StatusReport};

/// A plan's scorecard as its reader sees it.
#[derive(Debug)]
pub struct Scorecard<'a> {
    /// The report, with commentary.
    pub report: &'a StatusReport,
    /// What it was made from.
    pub seen: &'a Seen,
    /// What was asked for.
    pub filter: &'a ReportFilter,
    /// The periods that can be asked for, latest first.
    pub periods: &'a [Period],
    /// As it stands in the address: the day or the moment as of which the plan is shown, if it is not now.
    pub as_of: Option<&'a str>,
    /// What moved since the last board report of the whole plan, if there is one that the reader may read.
    pub since: Option<&'a MovedSince>,
    /// Whether it is a page of the service, from which links lead on, or a file.
    pub place: Place,
}

/// The most KPIs that moved each way that are named.
const MOST_MOVED: usize = 8;

/// Where a page is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// At its address in the service.
    Service,
    /// In a file of its own, from which no link of the service would lead anywhere.
    File,
}

impl Scorecard<'_> {
    /// What the page is called.
    pub fn title(&self) -> String {
        format!("Scorecard {}", self.report.period.label())
    }

    /// The whole page.
    pub fn page(&self, frame: &Frame<'_>) -> String {
        frame.around(&self.content())
    }

    fn content(&self) -> Markup {
        let report = self.report;
        let period = report.period;
        html! {
            div.head {
                p.over-h1 { "Scorecard, " (period.label()) }
                h1 { (words::headline(&report.headline, report.counts.status.on_track)) }
                p.under {
                    (words::date(period.start())) " to " (words::date(period.end())) ", as known on " (words::moment(report.as_of)) ". "
                    @if report.outside_plan { "The period lies outside the plan's own years. " }
                    (words::coverage(&report.headline))
                    @let states = words::data_states(&report.counts.data_state);
                    @if !states.is_empty() { " Figures: " (states) "." }
                }
            }
            @if report.headline.total > 0 {
                (marks::big_bar(&report.counts.status))
                div class=[self.since.map(|_| "two")] {
                    section { h2 #by-area { "By outcome area" } (self.areas()) }
                    @if let Some(since) = self.since { (self.moved(since)) }
                }
            }
            (self.choice())
            @if report.headline.total == 0 {
                div.say { p { (self.nothing()) } }
            } @else {
                (key())
                (self.rows())
            }
        }
    }

    /// One row per KPI, by outcome area and priority.
    pub(super) fn rows(&self) -> Markup {
        let said = self.commentary();
        html! { @for area in &self.report.outcome_areas { (self.area(area, &said)) } }
    }

    /// What to do where no KPI is shown.
    fn nothing(&self) -> &'static str {
        if self.seen.kpis().any(|kpi| !kpi.is_archived()) {
            "No KPI matches this choice. Choose less, or another period."
        } else {
            "The scorecard fills as KPIs, their targets and their figures come in."
        }
    }

    fn commentary(&self) -> BTreeMap<&KpiCode, &str> {
        let said = self.report.commentary.iter().flatten();
        said.map(|one| (&one.kpi, &*one.commentary)).collect()
    }

    /// The outcome areas with their counts.
    fn areas(&self) -> Markup {
        let largest = self.report.outcome_areas.iter().map(|area| area.headline.total).max().unwrap_or_default();
        html! {
            table.areas role="table" {
                caption.vh { "KPIs by outcome area and status" }
                thead role="rowgroup" { tr role="row" {
                    th role="columnheader" scope="col" { "Outcome area" }
                    th.barcell role="columnheader" scope="col" { span.vh { "As a bar" } }
                    @for status in Status::ALL {
                        th.r role="columnheader" scope="col" { (marks::coloured_shape(status)) (words::status(status)) }
                    }
                    th.r role="columnheader" scope="col" { "KPIs" }
                    th role="columnheader" scope="col" { "Overall" }
                } }
                tbody role="rowgroup" {
                    @for area in self.report.outcome_areas.iter().filter(|area| area.headline.total > 0) {
                        tr role="row" {
                            th role="rowheader" scope="row" { a href={ "#" (area.code) } { (area.title) } }
                            td.barcell role="cell" { (marks::bar(&area.counts.status, largest)) }
                            @for (status, count) in marks::by_status(&area.counts.status) {
                                td.r role="cell" { (marks::narrow_shape(status)) (count) }
                            }
                            td.r.all role="cell" data-l="of" { (area.headline.total) }
                            td.over role="cell" { (marks::status(area.headline.status)) }
                        }
                    }
                }
            }
        }
    }

    /// What crossed into another status or band since a board report.
    fn moved(&self, since: &MovedSince) -> Markup {
        let way = |way: Way| since.movement.crossed.iter().filter(move |one| one.direction == way).collect::<Vec<_>>();
        let (better, worse) = (way(Way::Better), way(Way::Worse));
        let assessed = &since.movement.newly_assessed;
        html! {
            section.moved {
                h2 #moved { "Since the report of " (words::day(since.report.frozen_at)) }
                p.small {
                    "On track then: " (since.on_track) " of " (since.assessed) " assessed. "
                    @if self.as_of.is_none() { a href={ "/plans/" (self.report.plan) "/board?period=" (self.report.period) "#moved" } { "All that moved" } }
                }
                @if better.is_empty() && worse.is_empty() && assessed.is_empty() { p { "Nothing has moved." } }
                (self.crossings("Better", &better))
                (self.crossings("Worse", &worse))
                @if !assessed.is_empty() { p.small { "Newly assessed: " (assessed.len()) "." } }
            }
        }
    }

    fn crossings(&self, word: &str, all: &[&Crossing]) -> Markup {
        html! {
            @if !all.is_empty() {
                h3.small { (word) ": " (all.len()) }
                ul.plain {
                    @for one in all.iter().take(MOST_MOVED) { li { (crossed(one)) a href=(self.address(&one.kpi, one.to.period)) { (one.title) } (bands(one)) } }
                    @if all.len() > MOST_MOVED { li { "and " (all.len() - MOST_MOVED) " more" } }
                }
            }
        }
    }

    /// What is shown, to be chosen: everything that is chosen stands in the page's address.
    fn choice(&self) -> Markup {
        let seen = self.seen;
        let filter = self.filter;
        let areas: Vec<_> = self.in_order().map(|area| (area.code.as_str(), area.title.clone())).collect();
        let groups = seen.all::<SubGroup>().values().map(|group| &group.value);
        let groups: Vec<_> = groups.map(|group| (group.code.as_str(), group.title.clone())).collect();
        let organisations = seen.all::<Organisation>().values().map(|one| &one.value);
        let organisations: Vec<_> = organisations.map(|one| (one.code.as_str(), one.title.clone())).collect();
        let statuses: Vec<_> = Status::ALL.into_iter().map(|status| (status.as_str(), words::status(status))).collect();
        let states = DataState::ALL.into_iter().map(|state| (state.as_str(), words::state(state).to_owned()));
        let states: Vec<_> = states.collect();
        html! {
            form.filter method="get" {
                h2.vh { "Choose what is shown" }
                div {
                    label for="f-period" { "Period" }
                    select #f-period name="period" {
                        @for period in self.periods {
                            option value=(period) selected[*period == self.report.period] { (period.label()) }
                        }
                    }
                }
                (select("outcome_area", "Outcome area", "All", &areas, filter.outcome_area.as_ref().map(AreaCode::as_str)))
                (select("sub_group", "Sub-group", "All", &groups, filter.sub_group.as_ref().map(SubGroupCode::as_str)))
                (select("organisation", "Organisation", "All", &organisations, filter.organisation.as_ref().map(OrganisationCode::as_str)))
                (select("status", "Status", "Any", &statuses, filter.status.map(Status::as_str)))
                (select("data_state", "Figure is", "Any", &states, filter.data_state.map(DataState::as_str)))
                div {
                    label for="f-as_of" { "As known on" }
                    input #f-as_of type="date" name="as_of" value=[self.as_of.map(|text| text.get(..10).unwrap_or(text))];
                }
                div.go { button.btn { "Show" } }
            }
        }
    }

    fn in_order(&self) -> impl Iterator<Item = &OutcomeArea> {
        let mut areas: Vec<_> = self.seen.all::<OutcomeArea>().values().map(|area| &area.value).collect();
        areas.sort_by_key(|area| (area.position, area.code.clone()));
        areas.into_iter()
    }

    fn area(&self, area: &AreaReport, said: &BTreeMap<&KpiCode, &str>) -> Markup {
        let heading = format!("h-{}", area.code);
        html! {
            section.area #(area.code) aria-labelledby=(heading) {
                div.areahead {
                    div {
                        h2 #(heading) { (area.title) " " (marks::tag(area.headline.status)) }
                        p { (area.counts.status.on_track) " of " (area.headline.assessed) " assessed on track. " (self.answering(&area.code)) }
                    }
                    div { @if area.headline.total > 0 { (marks::bar(&area.counts.status, area.headline.total)) } }
                }
                @if area.priorities.is_empty() {
                    p { "No priorities yet." }
                } @else {
                    table.score role="table" {
                        caption.vh { (area.title) ": KPIs by priority" }
                        (COLUMNS)
                        @for (place, priority) in area.priorities.iter().enumerate() { (self.priority(place + 1, priority, said)) }
                    }
                }
            }
        }
    }

    /// Which sub-groups are responsible for an outcome area, and who leads them.
    fn answering(&self, area: &AreaCode) -> String {
        let groups = self.seen.all::<SubGroup>().values().map(|group| &group.value);
        let said = groups.filter(|group| group.outcome_areas.contains(area)).map(|group| {
            let lead = self.seen.all::<Organisation>().get(&group.lead_organisation);
            let lead = lead.map_or(group.lead_organisation.as_str(), |lead| lead.value.title.as_str());
            format!("{}, led by {lead}.", group.title)
        });
        said.collect::<Vec<_>>().join(" ")
    }

    fn priority(&self, number: usize, priority: &PriorityReport, said: &BTreeMap<&KpiCode, &str>) -> Markup {
        html! {
            tbody role="rowgroup" {
                tr.prio role="row" {
                    th role="rowheader" scope="rowgroup" colspan="8" {
                        (marks::mini(&priority.counts.status))
                        span.no { (number) } " " (priority.title)
                        @if priority.kpis.is_empty() { " " span.quiet { "No KPIs yet." } }
                    }
                }
                @for one in &priority.kpis { (self.row(one, said.get(&one.kpi).copied())) }
            }
        }
    }

    fn row(&self, one: &Assessment, commentary: Option<&str>) -> Markup {
        let trend = self.seen.kpi(&one.kpi).map(|kpi| kpi.trend(&GroupCode::all(), one.period)).unwrap_or_default();
        let (short, long, forecast) = (&one.travel.short, &one.travel.long, &one.forecast);
        let nil = |is_nil: bool| if is_nil { " nil" } else { "" };
        html! {
            tr role="row" {
                th.k role="rowheader" scope="row" {
                    (self.link(one))
                    div {
                        span.code { (one.kpi) }
                        details {
                            summary { @if commentary.is_some() { "Why, and commentary" } @else { "Why" } }
                            @if let Some(commentary) = commentary { p { (commentary) } }
                            p { (words::typed(&one.explanation)) }
                        }
                    }
                }
                td.t role="cell" {
                    @match spark(&trend, one.status) {
                        Some(drawn) => (PreEscaped(drawn)),
                        None => (marks::none("no trend yet")),
                    }
                }
                td.n role="cell" {
                    (marks::figure(one))
                    @if one.period != self.report.period { small { (one.period.label()) } }
                    (marks::flag(one.data_state))
                }
                td.g role="cell" { (goal(one)) }
                td class={ "s " (words::class(one.status)) } role="cell" {
                    (marks::shape(one.status)) (words::status(one.status))
                    @for words in self.beneath(one) { small { (words) } }
                }
                td class={ "d" (nil(short.direction.is_none())) } role="cell" { (marks::direction(short)) }
                td class={ "d l" (nil(long.direction.is_none())) } role="cell" { (marks::direction(long)) }
                td class={ "y" (nil(forecast.value.is_none())) } role="cell" {
                    @match &one.forecast_text {
                        Some(text) => {
                            (words::parts(text).0)
                            @if let Some(status) = forecast.status { small { (marks::status(status)) } }
                        }
                        None => (marks::none(words::no_forecast(forecast.reason))),
                    }
                }
            }
        }
    }

    /// What stands under a status: the band where its name says more, and why there is none.
    fn beneath(&self, one: &Assessment) -> Vec<String> {
        let several = one.bands.iter().filter(|band| band.status == one.status).map(|band| &band.code);
        let several: std::collections::BTreeSet<_> = several.collect();
        let band = one.band_label.clone().filter(|_| several.len() > 1);
        let reason = match one.reason {
            Some(Reason::PartnerDetermined) => one.determined.as_ref().map(|by| {
                let partner = self.seen.all::<Organisation>().get(&by.organisation);
                format!(
                    "judged by {}",
                    partner.map_or(by.organisation.as_str(), |partner| partner.value.title.as_str())
                )
            }),
            _ => words::reason(one),
        };
        band.into_iter().chain(reason).collect()
    }

    /// A KPI's title, which leads to its page in the same period and as of the same moment, if that can be reached.
    pub(super) fn link(&self, one: &Assessment) -> Markup {
        match self.place {
            Place::Service => html! { a href=(self.address(&one.kpi, one.period)) { (one.title) } },
            Place::File => html! { b { (one.title) } },
        }
    }

    /// The page of a KPI in a period, as of the same moment.
    fn address(&self, kpi: &KpiCode, period: Period) -> String {
        let as_of = self.as_of.map_or_else(String::new, |as_of| format!("&as_of={}", super::in_query(as_of)));
        format!("/plans/{}/kpis/{kpi}?period={period}{as_of}", self.report.plan)
    }
}

/// The target of an assessment.
pub(super) fn goal(one: &Assessment) -> Markup {
    match &one.target_text {
        Some(text) => html! { (words::goal(text, one.polarity)) },
        None => marks::none("no target"),
    }
}

/// One choice of a form; what has no value is what is not narrowed.
fn select(name: &str, label: &str, all: &str, options: &[(&str, String)], chosen: Option<&str>) -> Markup {
    let id = format!("f-{name}");
    html! {
        div {
            label for=(id) { (label) }
            select #(id) name=(name) {
                option value="" { (all) }
                @for (code, title) in options {
                    option value=(code) selected[chosen == Some(code)] { (title) }
                }
            }
        }
    }
}

fn key() -> Markup {
    html! {
        details.key {
            summary { "How to read the rows" }
            p {
                "Target: " b { "≥" } " is at least, " b { "≤" } " at most, two figures a range to stay in. A dash in the trend is the \
                 target. Improving and worsening say better or worse, whichever way the figure is meant to go; increasing and \
                 decreasing stand where neither way is better. A figure that adds up over the year is only compared with a year \
                 before. No forecast is made once the year is complete, or from fewer than three figures."
            }
        }
    }
}

const COLUMNS: PreEscaped<&str> = PreEscaped(concat!(
    "<thead role=\"rowgroup\"><tr role=\"row\"><th role=\"columnheader\" scope=\"col\">KPI</th>",
    "<th role=\"columnheader\" scope=\"col\" class=\"c-t\">Trend</th>",
    "<th role=\"columnheader\" scope=\"col\" class=\"c-f\">Figure</th>",
    "<th role=\"columnheader\" scope=\"col\" class=\"c-g\">Target</th>",
    "<th role=\"columnheader\" scope=\"col\" class=\"c-s\">Status</th>",
    "<th role=\"columnheader\" scope=\"col\" class=\"c-d\">Since last period</th>",
    "<th role=\"columnheader\" scope=\"col\" class=\"c-d\">Since a year before</th>",
    "<th role=\"columnheader\" scope=\"col\" class=\"c-y\">Forecast to year end</th></tr></thead>",
));

/// What a list of plans says of each.
#[derive(Debug)]
pub struct PlanLine<'a> {
    /// Its code.
    pub code: &'a str,
    /// Its title.
    pub title: &'a str,
    /// Its years.
    pub years: String,
}

/// The plans that somebody may see.
pub fn plans(frame: &Frame<'_>, lines: &[PlanLine<'_>], may_begin: bool) -> String {
    frame.around(&html! {
        h1 { (counted(lines.len().try_into().unwrap_or(u32::MAX), "plan", "plans")) }
        @if lines.is_empty() {
            p { "You hold no role in any plan yet. Ask an administrator of your partnership's plan to give you one; tell them the name that stands at the top of this page." }
        } @else {
            ul.plans { @for line in lines { li { a href={ "/plans/" (line.code) } { (line.title) } " " span.quiet { (line.years) } } } }
        }
        @if may_begin { p { a href="/new-plan" { "Begin a new plan" } } }
    })
}

/// The statuses that a KPI went from and to.
fn crossed(one: &Crossing) -> Markup {
    let (from, to) = (one.from.status, one.to.status);
    html! {
        span.sign {
            (marks::coloured_shape(from))
            @if from != to { (marks::onwards()) (marks::coloured_shape(to)) }
            span.vh { (from.words()) @if from != to { " to " (to.words()) } ": " }
        }
    }
}

/// The bands, where the status is the same.
fn bands(one: &Crossing) -> Markup {
    let labels =
        one.from.band_label.as_ref().zip(one.to.band_label.as_ref()).filter(|_| one.from.status == one.to.status);
    html! { @if let Some((from, to)) = labels { " " span.quiet { (from) " to " (to) } } }
}
