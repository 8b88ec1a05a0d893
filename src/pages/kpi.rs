//! One KPI: how it is doing and why, over time as a chart and as a table, what was revised, what is being done, and what it is.

use maud::{Markup, PreEscaped, html};

use super::chart::{Chart, Comparator, Size};
use super::frame::Frame;
use super::scorecard::goal;
use super::{in_query, marks, words};
use crate::domain::assess::Assessment;
use crate::domain::ids::{KpiCode, OrganisationCode};
use crate::domain::kpi::{Formula, Kpi, Polarity, Publication, grouped};
use crate::domain::number::Figure;
use crate::domain::period::{Frequency, Period};
use crate::domain::plan::{Organisation, OutcomeArea, Priority, SubGroup};
use crate::domain::policy::Policy;
use crate::domain::scale::AssessedBand;
use crate::domain::target::{TargetKind, TargetState};
use crate::domain::travel::Direction;
use crate::domain::wording::counted;
use crate::programme::definitions::benchmarks::SeenBenchmark;
use crate::programme::figures::readings::SeenReading;
use crate::programme::figures::targets::TargetRow;
use crate::programme::reports::actions::SeenAction;
use crate::programme::reports::status_report::Series;
use crate::programme::{Seen, SeenKpi};

/// A KPI's page as its reader sees it.
#[derive(Debug)]
pub struct KpiPage<'a> {
    /// The KPI.
    pub kpi: SeenKpi<'a>,
    /// The plan that it belongs to.
    pub seen: &'a Seen,
    /// How it is doing in the period that is asked about.
    pub assessment: &'a Assessment,
    /// It over time, to the end of the year that is forecast.
    pub series: &'a Series,
    /// Every revision of each figure that was revised, by period, oldest first.
    pub revised: &'a [Vec<SeenReading>],
    /// The periods with which another definition began.
    pub breaks: &'a [Period],
    /// The targets that are set.
    pub targets: &'a [TargetRow],
    /// What others reached.
    pub benchmarks: &'a [SeenBenchmark],
    /// What is being done; `None` for readers who may not read it.
    pub actions: Option<&'a [SeenAction]>,
    /// Whether the reader may take on an action.
    pub may_act: bool,
    /// As it stands in the address: the day or the moment as of which the plan is shown, if it is not now.
    pub as_of: Option<&'a str>,
}

impl KpiPage<'_> {
    /// What the page is called.
    pub fn title(&self) -> String {
        format!("{}, {}", self.kpi.code(), self.assessment.period.label())
    }

    /// The whole page.
    pub fn page(&self, frame: &Frame<'_>) -> String {
        frame.around(&self.content())
    }

    fn content(&self) -> Markup {
        let one = self.assessment;
        let kpi = self.kpi.definition();
        let (one_label, as_known) = (one.period.label(), words::moment(self.seen.now()));
        html! {
            (self.crumbs())
            div.head {
                p.over-h1 { (one.kpi) ", " (one_label) @if let Some(title) = self.group_title() { ", " (title) } }
                h1 { (one.title) }
                p.lead { (marks::tag(one.status)) " " (lead(one)) }
                p.under {
                    "As known on " (as_known) ". "
                    @if self.as_of.is_some() { a href=(self.address(&one.kpi, Some(one.period), None)) { "See it as known today" } }
                    @if self.kpi.is_archived() { " This KPI is archived: it accepts no more figures." }
                }
            }
            div.cols {
                div {
                    (self.chart(&kpi))
                    (self.figures())
                    (self.why(&kpi))
                    (self.comparison(&kpi))
                    (self.revisions())
                    (self.actions())
                    (self.targets(&kpi))
                }
                aside.side aria-label="About this KPI" { (self.about(&kpi)) }
            }
            (self.neighbours())
        }
    }

    fn plan_address(&self) -> String {
        format!("/plans/{}", self.seen.plan().value.code)
    }

    /// The page of a KPI, of the same group: in a period, or in the latest; as of the same moment, or of now.
    fn address(&self, kpi: &KpiCode, period: Option<Period>, as_of: Option<&str>) -> String {
        let period = period.map(|period| format!("period={period}"));
        let group = (!self.assessment.group.is_all()).then(|| format!("group={}", self.assessment.group));
        let as_of = as_of.map(|as_of| format!("as_of={}", in_query(as_of)));
        let query: Vec<String> = period.into_iter().chain(group).chain(as_of).collect();
        let page = format!("{}/kpis/{kpi}", self.plan_address());
        if query.is_empty() { page } else { format!("{page}?{}", query.join("&")) }
    }

    /// The scorecard, as of the same moment.
    fn scorecard(&self) -> String {
        match self.as_of {
            Some(as_of) => format!("{}?as_of={}", self.plan_address(), in_query(as_of)),
            None => self.plan_address(),
        }
    }

    fn group_title(&self) -> Option<&str> {
        let group = &self.assessment.group;
        self.seen.groups().get(group).filter(|_| !group.is_all()).map(String::as_str)
    }

    fn crumbs(&self) -> Markup {
        let area = self.kpi.outcome_area().and_then(|area| self.seen.all::<OutcomeArea>().get(area));
        let priority = self.seen.all::<Priority>().get(self.kpi.priority());
        let scorecard = self.scorecard();
        html! {
            nav.crumbs aria-label="Breadcrumb" { ol {
                li { a href=(scorecard) { "Scorecard" } }
                @if let Some(area) = area { li { a href={ (scorecard) "#" (area.value.code) } { (area.value.title) } } }
                @if let Some(priority) = priority { li { (priority.value.title) } }
            } }
        }
    }

    fn chart(&self, kpi: &Kpi) -> Markup {
        let title = headline(self.assessment);
        let description = self.description();
        let restated: Vec<(Period, Figure)> = self.revised.iter().filter_map(|all| before(kpi, all)).collect();
        let medians = self.benchmarks.iter().flat_map(|benchmark| {
            let groups = benchmark.comparison.groups.iter();
            groups.filter_map(|group| Some((benchmark.key.period, group.title.as_str(), group.median?)))
        });
        let comparators: Vec<Comparator<'_>> =
            medians.map(|(period, title, value)| Comparator { title, period, value }).collect();
        let drawn = |id, size| {
            let chart = Chart {
                kpi,
                points: &self.series.points,
                breaks: self.breaks,
                restated: &restated,
                comparators: &comparators,
                id,
                title: &title,
                description: &description,
            };
            PreEscaped(chart.drawn(size))
        };
        let (first, last) = (self.series.points.first(), self.series.points.last());
        let span =
            first.zip(last).map(|(first, last)| format!(", {} to {}", first.period.label(), last.period.label()));
        html! {
            figure.chart {
                figcaption { b { (title) } span { (self.assessment.title) (span.unwrap_or_default()) } }
                @if self.series.points.is_empty() {
                    p { "No figure has been reported and no target is set, so there is nothing to draw yet." }
                } @else {
                    (drawn("c1w", Size::Wide)) (drawn("c1n", Size::Narrow))
                }
            }
            @if self.series.points.iter().any(|point| !point.bands.is_empty()) {
                p.key {
                    "Shading: the bands around each period's own target. A ring is a figure that is not assessed; an outlined shape is \
                     provisional, or a forecast."
                }
            }
        }
    }

    /// The chart in words.
    fn description(&self) -> String {
        let known: Vec<&Assessment> = self.series.points.iter().filter(|point| point.reported.is_some()).collect();
        let text = |point: &Assessment| words::typed(point.reported_text.as_deref().unwrap_or_default());
        let (Some(first), Some(last)) = (known.first(), known.last()) else {
            return "There are no figures yet.".to_owned();
        };
        let lowest = known.iter().min_by_key(|point| point.reported);
        let highest = known.iter().max_by_key(|point| point.reported);
        let mut said = vec![format!(
            "{} from {} to {}.",
            counted(u32::try_from(known.len()).unwrap_or(u32::MAX), "figure", "figures"),
            first.period.label(),
            last.period.label()
        )];
        if let (Some(lowest), Some(highest)) = (lowest, highest) {
            said.push(format!(
                "The lowest is {} in {}, the highest {} in {}; the latest is {}.",
                text(lowest),
                lowest.period.label(),
                text(highest),
                highest.period.label(),
                text(last)
            ));
        }
        let aims = self.series.points.iter().filter_map(|point| Some((point, point.target_text.as_deref()?)));
        let aims: Vec<_> = aims.collect();
        if let (Some((from, low)), Some((to, high))) = (aims.first(), aims.last()) {
            said.push(if low == high {
                format!("The target is {}.", words::typed(low))
            } else {
                format!(
                    "The target goes from {} in {} to {} in {}.",
                    words::typed(low),
                    from.period.label(),
                    words::typed(high),
                    to.period.label()
                )
            });
        }
        if let (Some(forecast), Some(end)) = (&last.forecast_text, self.series.points.last()) {
            let status = last.forecast.status.map_or_else(String::new, |status| format!(", {}", status.words()));
            said.push(format!("The forecast for {} is {}{status}.", end.period.label(), words::typed(forecast)));
        }
        said.push("The table below has every figure.".to_owned());
        said.join(" ")
    }

    fn figures(&self) -> Markup {
        let has_numbers = self.series.points.iter().any(|point| point.numerator.is_some());
        html! {
            div.scroll role="region" aria-labelledby="t-cap" tabindex="0" { table {
                caption #t-cap { "Figures, targets and statuses" }
                thead { tr {
                    th scope="col" { "Period" }
                    th.r scope="col" { "Figure" }
                    @if has_numbers { th.r scope="col" { "Numerator and denominator" } }
                    th.r scope="col" { "Target" }
                    th scope="col" { "Status" }
                    th scope="col" { "Since a year before" }
                    th scope="col" { "Figure is" }
                } }
                tbody {
                    @for point in self.series.points.iter().rev() {
                        tr class=[(point.period == self.assessment.period).then_some("here")] {
                            th scope="row" { a href=(self.address(&point.kpi, Some(point.period), self.as_of)) { (point.period.label()) } }
                            td.r {
                                @match &point.reported_text {
                                    Some(text) => (words::typed(text)),
                                    None => (marks::none("no figure")),
                                }
                            }
                            @if has_numbers { td.r { (numbers(point.numerator, point.denominator)) } }
                            td.r { (goal(point)) }
                            td {
                                (marks::status(point.status))
                                @if let Some(label) = &point.band_label { small.under-st { (label) } }
                                @else if let Some(reason) = words::reason(point) { small.under-st { (reason) } }
                            }
                            td { (marks::direction(&point.travel.long)) }
                            td { (words::state(point.data_state)) }
                        }
                    }
                }
            } }
        }
    }

    fn why(&self, kpi: &Kpi) -> Markup {
        let one = self.assessment;
        let policy = self.seen.all::<Policy>().get(&one.policy.code);
        let policy_title = policy.map_or(one.policy.code.as_str(), |policy| policy.value.title.as_str());
        html! {
            section {
                h2 #why { "Why this status" }
                div.say { p { (words::typed(&one.explanation)) } }
                @if !one.bands.is_empty() && one.reported.is_some() { (band_table(kpi, one)) }
                p.small.quiet {
                    "Policy: " (policy_title) " (" code { (one.policy.code) } ", version " (one.policy.version) "). "
                    "Figures are reported to " (counted(kpi.decimals, "decimal place", "decimal places")) ". "
                    "A forecast never changes a status."
                }
            }
        }
    }

    fn comparison(&self, kpi: &Kpi) -> Markup {
        let Some(latest) = self.benchmarks.last() else { return Markup::default() };
        let own = latest.comparison.own.map(|own| words::typed(&kpi.in_words(own)));
        html! {
            section {
                h2 #compare { "How we compare" }
                div.scroll.fit role="region" aria-labelledby="m-cap" tabindex="0" { table {
                    caption #m-cap { "In " (latest.key.period.label()) @if let Some(own) = &own { ": " (own) " here" } }
                    thead { tr {
                        th scope="col" { "Compared with" }
                        th.r scope="col" { "Median" }
                        th scope="col" { "Our place, best first" }
                    } }
                    tbody { @for group in &latest.comparison.groups { tr {
                        th scope="row" { (group.title) }
                        td.r { @match group.median { Some(median) => (words::typed(&kpi.in_words(median))), None => (marks::none("no figures")) } }
                        td { @match (group.rank, group.of) {
                            (Some(rank), Some(of)) => { (rank) " of " (of) },
                            _ => (marks::none("no order")),
                        } }
                    } } }
                } }
                @if let Some(source) = &latest.kept.value.source { p.small.quiet { "Source: " (source) } }
            }
        }
    }

    fn revisions(&self) -> Markup {
        if self.revised.is_empty() {
            return Markup::default();
        }
        let kpi = self.kpi.definition();
        html! {
            section {
                h2 #revised { "Revisions" }
                div.scroll role="region" aria-labelledby="r-cap" tabindex="0" { table {
                    caption.vh #r-cap { "Figures that were replaced" }
                    thead { tr {
                        th scope="col" { "Period" }
                        th scope="col" { "Revision" }
                        th.r scope="col" { "Figure" }
                        th scope="col" { "Figure is" }
                        th scope="col" { "Recorded" }
                        th scope="col" { "Reason or commentary" }
                    } }
                    tbody { @for reading in self.revised.iter().flatten() {
                        @let said = &reading.row.said;
                        tr {
                            th scope="row" { (said.period.label()) }
                            td { (said.revision) @if said.restated { " (restated)" } }
                            td.r { @match said.figure.value {
                                Some(value) => (words::typed(&kpi.in_words(value))),
                                None if reading.suppressed => (marks::none("withheld")),
                                None => (marks::none("no figure")),
                            } }
                            td { (revision_state(reading)) }
                            td { (words::day(reading.row.recorded_at)) }
                            td { (said.figure.reason.as_deref().or(said.figure.commentary.as_deref()).unwrap_or_default()) }
                        }
                    } }
                } }
                p.small.quiet { "Nothing is overwritten: each revision, and each target, can be asked for as it was known then." }
            }
        }
    }

    fn actions(&self) -> Markup {
        let Some(actions) = self.actions else { return Markup::default() };
        html! {
            section {
                h2 #actions { "Actions" }
                @if actions.is_empty() { p { "No action has been taken on for this KPI." } }
                @for seen in actions {
                    @let action = seen.action();
                    article.action {
                        h3 { a href={ (self.plan_address()) "/actions/" (seen.id()) } { (action.what) } }
                        p {
                            (self.organisation(&action.owner.organisation)) ", " (action.owner.role) ". Due " (words::date(action.due)) ". "
                            @if seen.is_overdue() { b { "Overdue" } } @else { (crate::domain::wording::capitalised(action.state.as_str())) } "."
                        }
                        p.small { "Cause: " (action.cause.text) }
                        @if let Some(reason) = &action.reason { p.small { (reason) } }
                    }
                }
                @if self.may_act {
                    @let one = self.assessment;
                    p { a href={ (self.plan_address()) "/actions?kpi=" (one.kpi) "&period=" (one.period) } { "Take on an action" } }
                }
            }
        }
    }

    fn organisation<'a>(&'a self, code: &'a OrganisationCode) -> &'a str {
        self.seen
            .all::<Organisation>()
            .get(code)
            .map_or(code.as_str(), |organisation| organisation.value.title.as_str())
    }

    fn targets(&self, kpi: &Kpi) -> Markup {
        if self.targets.is_empty() {
            return Markup::default();
        }
        html! {
            section {
                h2 #targets { "Targets" }
                div.scroll role="region" aria-labelledby="g-cap" tabindex="0" { table {
                    caption.vh #g-cap { "Targets" }
                    thead { tr {
                        th scope="col" { "Period" }
                        th.r scope="col" { "Target" }
                        th scope="col" { "Kind" }
                        th scope="col" { "State" }
                        th scope="col" { "Rationale" }
                    } }
                    tbody { @for row in self.targets {
                        @let target = &row.said.target;
                        tr {
                            th scope="row" { (row.said.period.label()) }
                            td.r { (aim_words(kpi, target.value, target.low, target.high)) }
                            td { (kind_words(target.kind)) }
                            td { (state_words(target.state, target.agreed_by.as_deref(), target.agreed_on)) }
                            td { (target.rationale.as_deref().unwrap_or_default()) }
                        }
                    } }
                } }
            }
        }
    }

    fn about(&self, kpi: &Kpi) -> Markup {
        let contribute: Vec<&str> = kpi.contributors.iter().map(|code| self.organisation(code)).collect();
        let area = self.kpi.outcome_area();
        let groups = self.seen.all::<SubGroup>().values().map(|group| &group.value);
        let groups = groups.filter(|group| area.is_some_and(|area| group.outcome_areas.contains(area)));
        let groups: Vec<&str> = groups.map(|group| group.title.as_str()).collect();
        let data = format!("/v1/plans/{}/kpis/{}/series", self.seen.plan().value.code, kpi.code);
        html! {
            section {
                h2 { "Definition" }
                p { @if kpi.definition.is_empty() { "No definition has been written yet." } @else { (kpi.definition) } }
                p.quiet {
                    @if let Some(number) = &kpi.national_indicator { (number) ". " }
                    "Version " (self.kpi.definition_version()) "."
                    @if let Some(source) = &kpi.source { " Source: " (source) "." }
                }
            }
            section {
                h2 { "Who is responsible" }
                dl.facts {
                    @if let Some(lead) = &kpi.lead_organisation { div { dt { "Leads" } dd { (self.organisation(lead)) } } }
                    @if !contribute.is_empty() { div { dt { "Contribute" } dd { (contribute.join(", ")) } } }
                    @if !groups.is_empty() { div { dt { "Answers for it" } dd { (groups.join(", ")) } } }
                    @if let Formula::PartnerDetermined { by } = &kpi.formula { div { dt { "Judges it" } dd { (self.organisation(by)) } } }
                    div { dt { "Reported" } dd { (frequency(kpi.frequency)) ", within " (counted(kpi.collection_lag_days, "day", "days")) " of its end" } }
                    div { dt { "Published to" } dd { (published(kpi.publication)) } }
                }
            }
            section {
                h2 { "Data" }
                p.small { "With a token: " code { (data) } ", as JSON, or with " code { ".csv" } " at its end." }
            }
        }
    }

    /// The KPIs before and after it in its priority.
    fn neighbours(&self) -> Markup {
        let all: Vec<SeenKpi<'_>> = self
            .seen
            .kpis()
            .filter(|kpi| {
                kpi.priority() == self.kpi.priority() && (!kpi.is_archived() || kpi.code() == self.kpi.code())
            })
            .collect();
        let place = all.iter().position(|kpi| kpi.code() == self.kpi.code());
        let before = place.and_then(|place| all.get(place.checked_sub(1)?));
        let after = place.and_then(|place| all.get(place + 1));
        let link = |kpi: &SeenKpi<'_>| self.address(kpi.code(), None, self.as_of);
        html! {
            @if before.is_some() || after.is_some() {
                nav.pages aria-label="Other KPIs of this priority" {
                    @if let Some(kpi) = before { a href=(link(kpi)) rel="prev" { "Before: " (kpi.code()) ", " (kpi.title()) } }
                    @if let Some(kpi) = after { a href=(link(kpi)) rel="next" { "Next: " (kpi.code()) ", " (kpi.title()) } }
                }
            }
        }
    }
}

/// `4.4 % in 2009/10 Q3, better than the target of 4.6 %`.
fn headline(one: &Assessment) -> String {
    let period = one.period.label();
    match &one.reported_text {
        Some(text) => format!("{} in {period}{}", words::typed(text), beside_target(one)),
        None => format!("{}: {}", period, words::reason(one).unwrap_or_else(|| "no figure".to_owned())),
    }
}

/// `, better than the target of 4.6 %`.
fn beside_target(one: &Assessment) -> String {
    let (Some(target), Some(variance)) = (&one.target_text, one.variance) else { return String::new() };
    let target = words::typed(target);
    let is_range = one.target.as_ref().is_some_and(|target| target.value.is_none());
    match (is_range, variance.cmp(&Figure::ZERO)) {
        (true, std::cmp::Ordering::Less) => format!(", outside the range of {target}"),
        (true, _) => format!(", within the range of {target}"),
        (false, std::cmp::Ordering::Less) => format!(", short of the target of {target}"),
        (false, std::cmp::Ordering::Equal) => format!(", exactly on the target of {target}"),
        (false, std::cmp::Ordering::Greater) => format!(", better than the target of {target}"),
    }
}

/// `4.4 %, better than the target of 4.6 %, and improving. The forecast for the year's end, 4.3 %, is at risk.`
fn lead(one: &Assessment) -> String {
    let Some(text) = &one.reported_text else { return words::typed(&one.explanation) };
    let moved = one.travel.long.direction.or(one.travel.short.direction).map(|direction| match direction {
        Direction::Improving => ", and improving",
        Direction::NoChange => ", and steady",
        Direction::Worsening => ", and worsening",
        Direction::Increasing => ", and increasing",
        Direction::Decreasing => ", and decreasing",
    });
    let beside = beside_target(one);
    let reason = words::reason(one).filter(|_| beside.is_empty()).map(|reason| format!(", {reason}"));
    let forecast = one.forecast_text.as_ref().zip(one.forecast.status).map(|(text, status)| {
        format!(" The forecast for the year's end, {}, is {}.", words::typed(text), status.words())
    });
    format!(
        "{}{beside}{}{}.{}",
        words::typed(text),
        reason.unwrap_or_default(),
        moved.unwrap_or_default(),
        forecast.unwrap_or_default()
    )
}

/// `225 of 5,120`.
fn numbers(numerator: Option<Figure>, denominator: Option<Figure>) -> String {
    match (numerator, denominator) {
        (Some(numerator), Some(denominator)) => {
            words::typed(&format!("{} of {}", grouped(&numerator.to_string()), grouped(&denominator.to_string())))
        }
        _ => String::new(),
    }
}

/// The figure that the latest revision of a period replaced, if that was another one.
fn before(kpi: &Kpi, all: &[SeenReading]) -> Option<(Period, Figure)> {
    let latest = all.last()?;
    let now = latest.row.said.figure.value?.rounded(kpi.decimals);
    let was =
        all.iter().rev().filter_map(|one| one.row.said.figure.value).find(|was| was.rounded(kpi.decimals) != now)?;
    Some((latest.row.said.period, was.rounded(kpi.decimals)))
}

fn revision_state(reading: &SeenReading) -> &'static str {
    let figure = &reading.row.said.figure;
    match (reading.suppressed, figure.nil_return.is_some(), figure.provisional) {
        (true, ..) => "Withheld",
        (_, true, _) => "Nil return",
        (_, _, true) => "Provisional",
        _ => "Final",
    }
}

/// Where a figure falls: the bands from best to worst, each with the figures between which it lies.
fn band_table(kpi: &Kpi, one: &Assessment) -> Markup {
    let figure = words::typed(one.reported_text.as_deref().unwrap_or_default());
    let is_here = |band: &AssessedBand| {
        let holds = one.reported.is_some_and(|value| {
            band.from_value.is_none_or(|from| from <= value) && band.to_value.is_none_or(|to| value <= to)
        });
        one.band.as_ref() == Some(&band.code) && (holds || band.when.is_some() || kpi.polarity != Polarity::WithinRange)
    };
    html! {
        div.scroll.fit role="region" aria-labelledby="b-cap" tabindex="0" { table.bandtable {
            caption #b-cap { "Where " (figure) " falls" }
            thead { tr {
                th scope="col" { "Band" }
                th scope="col" { "Status" }
                th scope="col" { "Figures" }
                th scope="col" { span.vh { "This figure" } }
            } }
            tbody { @for band in &one.bands {
                @let here = is_here(band);
                tr class=[here.then_some("here")] {
                    th scope="row" { (band.label) }
                    td { (marks::status(band.status)) }
                    td { (extent(kpi, band)) }
                    td { @if here { (figure) " is here" } }
                }
            } }
        } }
    }
}

/// `over 4.37 %, up to 4.6 %`: the figure at a band's worse end belongs to it.
fn extent(kpi: &Kpi, band: &AssessedBand) -> String {
    let text = |value: Figure| words::typed(&kpi.in_exact_words(value));
    let said = match (band.from_value, band.to_value, kpi.polarity) {
        (None, None, _) => "any".to_owned(),
        (None, Some(to), Polarity::LowerIsBetter) => format!("up to {}", text(to)),
        (None, Some(to), _) => format!("under {}", text(to)),
        (Some(from), None, Polarity::HigherIsBetter) => format!("{} or more", text(from)),
        (Some(from), None, _) => format!("over {}", text(from)),
        (Some(from), Some(to), Polarity::LowerIsBetter) => format!("over {}, up to {}", text(from), text(to)),
        (Some(from), Some(to), Polarity::HigherIsBetter) => format!("{} or more, under {}", text(from), text(to)),
        (Some(from), Some(to), _) => format!("between {} and {}", text(from), text(to)),
    };
    if band.when.is_some() { format!("{said}, if it is no worse than a year before") } else { said }
}

fn aim_words(kpi: &Kpi, value: Option<Figure>, low: Option<Figure>, high: Option<Figure>) -> Markup {
    let text = match (value, low, high) {
        (Some(value), ..) => words::goal(&kpi.in_exact_words(value), kpi.polarity),
        (None, Some(low), Some(high)) => {
            words::goal(&format!("{} to {}", kpi.in_exact_words(low), kpi.in_exact_words(high)), kpi.polarity)
        }
        _ => return marks::none("yet to be agreed"),
    };
    html! { (text) }
}

fn kind_words(kind: TargetKind) -> &'static str {
    match kind {
        TargetKind::Statutory => "statutory",
        TargetKind::Laa => "Local Area Agreement",
        TargetKind::Local => "local",
    }
}

fn state_words(state: TargetState, by: Option<&str>, on: Option<chrono::NaiveDate>) -> String {
    match state {
        TargetState::Placeholder => "Placeholder".to_owned(),
        TargetState::Proposed => "Proposed".to_owned(),
        TargetState::Withdrawn => "Withdrawn".to_owned(),
        TargetState::Agreed => {
            let by = by.map_or_else(String::new, |by| format!(" by {by}"));
            let on = on.map_or_else(String::new, |on| format!(", {}", words::date(on)));
            format!("Agreed{by}{on}")
        }
    }
}

fn frequency(of: Frequency) -> String {
    let part = match of {
        Frequency::Month => "month",
        Frequency::Quarter => "quarter",
        Frequency::Half => "half year",
        Frequency::Term => "term",
        Frequency::Year => "year",
    };
    format!("Every {part}")
}

fn published(to: Publication) -> &'static str {
    match to {
        Publication::Internal => "Members of the partnership",
        Publication::Partners => "Partners",
        Publication::Public => "Everyone",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::policy::Status;
    use serde_json::json;

    #[test]
    fn a_band_states_which_figures_are_in_it() {
        use crate::domain::document::Document;
        let kpi = |polarity: &str| {
            let members = json!({
                "code": "NI-117", "title": "NEET", "priority": "p-1", "unit": "percentage", "polarity": polarity,
                "frequency": "quarter", "calendar": "financial", "aggregation": "snapshot",
            });
            Kpi::parse(members.as_object().unwrap().clone()).unwrap()
        };
        let band = |from: Option<&str>, to: Option<&str>| AssessedBand {
            code: "green".to_owned(),
            label: "Green".to_owned(),
            status: Status::OnTrack,
            from_value: from.map(|from| from.parse().unwrap()),
            to_value: to.map(|to| to.parse().unwrap()),
            when: None,
        };
        let said = |polarity: &str, from, to| extent(&kpi(polarity), &band(from, to)).replace('\u{a0}', " ");
        assert_eq!(said("lower_is_better", Some("4.37"), Some("4.6")), "over 4.37 %, up to 4.6 %");
        assert_eq!(said("lower_is_better", None, Some("4.37")), "up to 4.37 %");
        assert_eq!(said("higher_is_better", Some("95"), None), "95.0 % or more");
        assert_eq!(said("higher_is_better", None, Some("90")), "under 90.0 %");
    }
}
