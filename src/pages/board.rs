//! The board room: what the Board looks at, worst first, what moved since its last report, and the paper that was frozen for it.

use std::collections::BTreeMap;

use maud::{Markup, PreEscaped, html};

use super::chart::spark;
use super::frame::{Frame, Person, form_token};
use super::scorecard::{Place, Scorecard, goal};
use super::{as_known_on, marks, words};
use crate::domain::action::{ActionState, CauseCode};
use crate::domain::board_report::BoardReport;
use crate::domain::exception::Rule;
use crate::domain::ids::{GroupCode, KpiCode};
use crate::domain::movement::{AssessedInOne, Crossing, FrozenStanding, NamedKpi, Way};
use crate::domain::period::Period;
use crate::domain::plan::{Organisation, OutcomeArea};
use crate::domain::policy::Status;
use crate::domain::wording::counted;
use crate::programme::Seen;
use crate::programme::reports::actions::SeenAction;
use crate::programme::reports::board_reports::{BoardReportChanges, TargetChanged};
use crate::programme::reports::exceptions::{ExceptionItem, Exceptions, RuleCounts};
use crate::programme::reports::status_report::{Included, ReportFilter, StatusReport};

/// A board's paper as its reader sees it: live, or as it was frozen.
#[derive(Debug)]
pub struct BoardPage<'a> {
    /// The scorecard that its annex shows.
    pub scorecard: Scorecard<'a>,
    /// What is to be looked at.
    pub exceptions: &'a Exceptions,
    /// What was frozen, if this is a report that was.
    pub frozen: Option<FrozenPaper<'a>>,
    /// What moved since an earlier report.
    pub changes: Option<&'a BoardReportChanges>,
    /// The reports that were frozen, latest first; none on one of them.
    pub reports: &'a [&'a BoardReport],
    /// Who may freeze this report, if the reader may.
    pub freezer: Option<Person<'a>>,
}

/// A frozen report, and who froze it.
#[derive(Clone, Copy, Debug)]
pub struct FrozenPaper<'a> {
    /// The report.
    pub report: &'a BoardReport,
    /// Where its content is to be had.
    pub address: &'a str,
    /// Who froze it, for those who may know.
    pub frozen_by: Option<&'a str>,
}

impl BoardPage<'_> {
    /// What the page is called.
    pub fn title(&self) -> String {
        match &self.frozen {
            Some(paper) => paper.report.title.clone(),
            None if self.scorecard.place == Place::File => format!("Report {}", self.report().period.label()),
            None => format!("Board room {}", self.report().period.label()),
        }
    }

    /// The whole page.
    pub fn page(&self, frame: &Frame<'_>) -> String {
        match self.scorecard.place {
            Place::Service => frame.around(&self.content()),
            Place::File => frame.in_a_file(&self.content()),
        }
    }

    fn report(&self) -> &StatusReport {
        self.scorecard.report
    }

    fn seen(&self) -> &Seen {
        self.scorecard.seen
    }

    fn content(&self) -> Markup {
        let report = self.report();
        let period = report.period;
        html! {
            div class={ "head" @if self.frozen.is_some() { " withrec" } } {
                div {
                    p.over-h1 { @match &self.frozen { Some(paper) => (paper.report.title), None if self.scorecard.place == Place::File => "Report to the Board",
                        None => { "Board room, " (period.label()) },
                    } }
                    h1 { (period.label()) ": " (words::headline(&report.headline, report.counts.status.on_track)) }
                    p.under {
                        (report.title) ". " (words::date(period.start())) " to " (words::date(period.end()))
                        ", as known on " (words::moment(report.as_of)) ". " (report.description)
                    }
                }
                @if let Some(paper) = &self.frozen { (record(paper, self.changes)) }
            }
            @if report.headline.total > 0 { (marks::big_bar(&report.counts.status)) }
            (self.exceptions())
            @if let Some(changes) = self.changes { (moved(changes)) }
            @let is_live = self.frozen.is_none() && self.scorecard.place == Place::Service;
            @if is_live { (self.freezing()) (self.list()) }
            @if !is_live && report.headline.total > 0 {
                section.annex {
                    h2 #annex { "Annex: all " (counted(report.headline.total, "KPI", "KPIs")) " by outcome area" }
                    (self.scorecard.rows())
                }
            }
        }
    }

    fn exceptions(&self) -> Markup {
        let items = &self.exceptions.items;
        let count = u32::try_from(items.len()).unwrap_or(u32::MAX);
        html! {
            section {
                h2 #exceptions { @if count == 0 { "No exceptions" } @else { (counted(count, "exception", "exceptions")) ", worst first" } }
                @if count == 0 { p { "No rule applies to any KPI: nothing is off track, overdue, restated or forecast to miss." } }
                @else {
                    (rule_counts(&self.exceptions.counts))
                    table.exc role="table" {
                        caption.vh { "Exceptions, worst first" }
                        thead role="rowgroup" { tr role="row" {
                            th.w-k role="columnheader" scope="col" { "KPI" }
                            th.w-f role="columnheader" scope="col" { "Figure, target and trend" }
                            th.w-w role="columnheader" scope="col" { "Why it is here" }
                            th role="columnheader" scope="col" { "What is being done" }
                        } }
                        tbody role="rowgroup" { @for (place, item) in items.iter().enumerate() { (self.exception(place + 1, item)) } }
                    }
                    details.key {
                        summary { "The rules" }
                        dl.facts { @for rule in &self.exceptions.rules { div { dt { (rule_words(rule.code)) } dd { (rule.words) } } } }
                    }
                }
            }
        }
    }

    fn exception(&self, rank: usize, item: &ExceptionItem) -> Markup {
        let one = &item.assessment;
        let area = item.outcome_area.as_ref().and_then(|area| self.seen().all::<OutcomeArea>().get(area));
        let trend = self.seen().kpi(&item.kpi).map(|kpi| kpi.trend(&GroupCode::all(), one.period)).unwrap_or_default();
        let reasons = item
            .rules
            .iter()
            .filter(|rule| !matches!(rule, Rule::OffTrack | Rule::OffTrackWithoutAction | Rule::ActionOverdue));
        html! {
            tr role="row" {
                th.k role="rowheader" scope="row" {
                    span.rank { (rank) } (self.scorecard.link(one))
                    span.code { (item.kpi) @if let Some(area) = area { ", " (area.value.title) } }
                }
                td.fig role="cell" data-l="Figure, target and trend" {
                    p { (marks::tag(one.status)) @if let Some(label) = &one.band_label { " " span.quiet { (label) } } }
                    p.now {
                        span {
                            (marks::figure(one)) (marks::flag(one.data_state)) br; span.quiet { (one.period.label()) } br; "Target " (goal(one))
                        }
                        @if let Some(drawn) = spark(&trend, one.status) { (PreEscaped(drawn)) }
                    }
                    p.small {
                        @if one.travel.short.direction.is_some() { (marks::direction(&one.travel.short)) " since last period" br; }
                        @if one.travel.long.direction.is_some() { (marks::direction(&one.travel.long)) " on a year before" }
                    }
                }
                td role="cell" data-l="Why it is here" {
                    @let reasons: Vec<Rule> = reasons.copied().collect();
                    @if !reasons.is_empty() { ul { @for rule in &reasons { li { (rule_words(*rule)) } } } }
                    p { @match &item.commentary { Some(said) => (said), None => (words::typed(&one.explanation)) } }
                    @if let Some(restated) = &item.restatement {
                        p.small { "Restated on " (words::day(restated.at)) @if let Some(reason) = &restated.reason { ": " (reason) } }
                    }
                }
                td role="cell" data-l="What is being done" { (self.actions(item)) }
            }
        }
    }

    fn actions(&self, item: &ExceptionItem) -> Markup {
        let is_open = item.actions.iter().any(|seen| seen.action().state == ActionState::Open);
        html! {
            @if !item.actions_shown { p.quiet { "Actions are for members of the partnership." } }
            @else {
                @if !is_open { p.noact { "No action is open." } }
                @for seen in &item.actions { (self.action(seen)) }
            }
        }
    }

    fn action(&self, seen: &SeenAction) -> Markup {
        let action = seen.action();
        let owner = self.seen().all::<Organisation>().get(&action.owner.organisation);
        let owner = owner.map_or(action.owner.organisation.as_str(), |owner| owner.value.title.as_str());
        html! {
            p {
                @if self.frozen.is_none() && matches!(self.scorecard.place, Place::Service) {
                    a href={ "/plans/" (self.scorecard.report.plan) "/actions/" (seen.id()) } { (action.what) }
                } @else { (action.what) }
            }
            dl {
                dt { "Owner" } dd { (action.owner.role) ", " (owner) }
                dt { "State" }
                dd {
                    @if seen.is_overdue() { b { "Overdue" } ", was due " (words::date(action.due)) }
                    @else { @match action.state {
                        ActionState::Open => { "Open, due " (words::date(action.due)) },
                        ActionState::Done => "Done",
                        ActionState::Dropped => "Dropped",
                    } }
                }
                dt { "Cause" } dd { (cause_words(action.cause.code)) ": " (action.cause.text) }
                @if let Some(note) = seen.latest_note() { dt { "Latest" } dd { (note.text) " (" (words::day(note.at)) ")" } }
            }
        }
    }

    fn freezing(&self) -> Markup {
        let report = self.report();
        html! {
            @if let Some(person) = self.freezer {
                section {
                    h2 #freeze { "Freeze this report" }
                    p { "A frozen report stays as it is, with an id and a digest, whatever is changed later." }
                    form method="post" action={ "/plans/" (report.plan) "/board-reports" } {
                        (form_token(Some(person)))
                        input type="hidden" name="period" value=(report.period);
                        div.field {
                            label for="title" { "What to call it" }
                            span.hint #title-h { "Such as: Performance Improvement Board, 18 May 2010" }
                            input #title name="title" required maxlength="200" size="48" aria-describedby="title-h";
                        }
                        div.btns { button.btn { "Freeze the report of " (report.period.label()) } }
                    }
                }
            }
        }
    }

    fn list(&self) -> Markup {
        html! {
            section {
                h2 #reports { "Frozen reports" }
                @if self.reports.is_empty() { p { "None has been frozen that you may read." } }
                @else {
                    div.scroll role="region" aria-labelledby="l-cap" tabindex="0" { table {
                        caption.vh #l-cap { "Frozen reports, latest first" }
                        thead { tr { th scope="col" { "Report" } th scope="col" { "Period" } th scope="col" { "Frozen" } th scope="col" { "Of" } } }
                        tbody { @for report in self.reports { tr {
                            th scope="row" { a href={ "/plans/" (self.report().plan) "/board-reports/" (report.id) } { (report.title) } }
                            td { (report.period.0.label()) }
                            td { (words::moment(report.frozen_at)) }
                            td { (self.of(report)) }
                        } } }
                    } }
                }
            }
        }
    }

    fn of<'a>(&'a self, report: &'a BoardReport) -> &'a str {
        match &report.organisation {
            None => "The whole plan",
            Some(code) => {
                self.seen().all::<Organisation>().get(code).map_or(code.as_str(), |one| one.value.title.as_str())
            }
        }
    }
}

/// What a frozen report is known by.
fn record(paper: &FrozenPaper<'_>, changes: Option<&BoardReportChanges>) -> Markup {
    let report = paper.report;
    html! {
        div.record {
            h2 #frozen { "This report is frozen" }
            dl {
                dt { "Report" } dd { code { (report.id) } }
                dt { "SHA-256" } dd { code { (report.sha256) } }
                dt { "Frozen" }
                dd { (words::moment(report.frozen_at)) @if let Some(by) = paper.frozen_by { " by " (by) } ", version " (report.version) " of the plan" }
                @if let Some(changes) = changes { dt { "Before it" } dd { (changes.from.title) } }
                dt.screen { "Take it" }
                dd.screen {
                    a href={ (paper.address) "/content.json" } { "JSON" } ", " a href={ (paper.address) "/content.xlsx" } { "XLSX" } ", or print it"
                }
            }
        }
    }
}

/// How many exceptions each rule makes, those that make any.
fn rule_counts(counts: &RuleCounts) -> Markup {
    let all = [
        (counts.off_track, "off track"),
        (counts.off_track_without_commentary, "of them without commentary"),
        (counts.off_track_without_action, "of them without an open action"),
        (counts.at_risk_and_worsening, "at risk and worsening"),
        (counts.forecast_to_miss, "forecast to miss"),
        (counts.overdue, "overdue"),
        (counts.restated, "restated"),
        (counts.action_overdue, "with an overdue action"),
    ];
    html! { ul.counts { @for (count, words) in all.iter().filter(|(count, _)| *count > 0) { li { b { (count) } " " (words) } } } }
}

fn rule_words(rule: Rule) -> &'static str {
    match rule {
        Rule::OffTrack => "Off track",
        Rule::OffTrackWithoutCommentary => "No commentary says why",
        Rule::OffTrackWithoutAction => "No action is open",
        Rule::AtRiskAndWorsening => "At risk and worsening",
        Rule::ForecastToMiss => "Forecast to miss",
        Rule::Overdue => "Figure overdue",
        Rule::Restated => "Figure restated",
        Rule::ActionOverdue => "An action is overdue",
    }
}

fn cause_words(cause: CauseCode) -> &'static str {
    match cause {
        CauseCode::Demand => "Demand",
        CauseCode::Capacity => "Capacity",
        CauseCode::Funding => "Funding",
        CauseCode::Delay => "Delay",
        CauseCode::Partner => "A partner",
        CauseCode::DataQuality => "Data quality",
        CauseCode::External => "Outside events",
        CauseCode::Other => "Other",
    }
}

/// What moved since an earlier report, worse first.
fn moved(changes: &BoardReportChanges) -> Markup {
    let crossed =
        |way: Way| changes.movement.crossed.iter().filter(move |one| one.direction == way).collect::<Vec<_>>();
    let (worse, better) = (crossed(Way::Worse), crossed(Way::Better));
    let movement = &changes.movement;
    html! {
        section.moves {
            h2 #moved { "What moved since " (words::day(changes.from.frozen_at)) }
            div.scroll role="region" aria-labelledby="v-cap" tabindex="0" { table {
                caption.vh #v-cap { "What moved since " (changes.from.title) }
                thead { tr { th scope="col" { "KPI" } th scope="col" { (words::day(changes.from.frozen_at)) } th scope="col" { (words::day(changes.to.frozen_at)) } } }
                (crossings("Worse", &worse)) (crossings("Better", &better))
                (in_one("Newly assessed", &movement.newly_assessed)) (in_one("No longer assessed", &movement.no_longer_assessed))
            } }
            dl.facts {
                (named("New KPIs", &movement.new_kpis)) (named("Withdrawn KPIs", &movement.withdrawn_kpis))
                @if !movement.newly_overdue.is_empty() {
                    div { dt { "Newly overdue" } dd { @for (place, one) in movement.newly_overdue.iter().enumerate() { @if place > 0 { "; " } (one.title) ", " (one.period.label()) } } }
                }
                @if !changes.restated.is_empty() {
                    div { dt { "Restated after their round had closed" } dd { (codes(changes.restated.iter().map(|one| (&one.kpi, one.period.label())))) } }
                }
                @if !changes.targets_changed.is_empty() {
                    div { dt { "Targets changed" } dd { (codes(changes.targets_changed.iter().map(|one: &TargetChanged| (&one.kpi, one.period.label())))) } }
                }
            }
        }
    }
}

fn codes<'a>(places: impl Iterator<Item = (&'a KpiCode, String)>) -> String {
    let mut by_kpi: BTreeMap<&KpiCode, Vec<String>> = BTreeMap::new();
    for (kpi, period) in places {
        let periods = by_kpi.entry(kpi).or_default();
        if !periods.contains(&period) {
            periods.push(period);
        }
    }
    let said: Vec<String> =
        by_kpi.into_iter().map(|(kpi, periods)| format!("{kpi} ({})", periods.join(", "))).collect();
    said.join("; ")
}

fn named(words: &str, kpis: &[NamedKpi]) -> Markup {
    html! { @if !kpis.is_empty() { div { dt { (words) } dd { @for (place, one) in kpis.iter().enumerate() { @if place > 0 { "; " } (one.title) } } } } }
}

fn crossings(words: &str, all: &[&Crossing]) -> Markup {
    html! {
        @if !all.is_empty() {
            tbody {
                tr.prio { th scope="rowgroup" colspan="3" { (words) ": " (all.len()) } }
                @for one in all { (move_row(&one.title, &one.kpi, &one.from, &one.to)) }
            }
        }
    }
}

fn in_one(words: &str, all: &[AssessedInOne]) -> Markup {
    html! {
        @if !all.is_empty() {
            tbody {
                tr.prio { th scope="rowgroup" colspan="3" { (words) ": " (all.len()) } }
                @for one in all { (move_row(&one.title, &one.kpi, &one.from, &one.to)) }
            }
        }
    }
}

fn move_row(title: &str, kpi: &KpiCode, from: &FrozenStanding, to: &FrozenStanding) -> Markup {
    let is_band_alone = from.status == to.status && from.status != Status::NotAssessed;
    let standing = |one: &FrozenStanding| {
        html! {
            (marks::status(one.status)) " " @if let Some(text) = &one.reported_text { (words::typed(text)) " " }
            span.quiet { (one.period.label()) }
            @if let (true, Some(label)) = (is_band_alone, &one.band_label) { small.under-st { (label) } }
        }
    };
    html! { tr { th scope="row" { (title) small.code { (kpi) } } td { (standing(from)) } td { (standing(to)) } } }
}

/// A report as a page of its own, which loads nothing and leads nowhere: to be mailed, printed or opened by a link.
pub fn in_a_file(seen: &Seen, period: Period) -> String {
    let filter = ReportFilter { include: Some(Included::Commentary), ..ReportFilter::default() };
    let (report, exceptions) = (seen.status_report(period, &filter), seen.exceptions(period, &filter));
    let page = BoardPage {
        scorecard: Scorecard {
            report: &report,
            seen,
            filter: &filter,
            periods: &[],
            as_of: None,
            since: None,
            place: Place::File,
        },
        exceptions: &exceptions,
        frozen: None,
        changes: None,
        reports: &[],
        freezer: None,
    };
    let title = format!("{}: {}", report.title, page.title());
    let printed = Some((title.clone(), as_known_on(seen.now())));
    page.page(&Frame { title, class: "p-board", printed, ..Frame::default() })
}
