//! The columns of figures: of the flat table that is fetched, and of the file that a sub-group fills in. What can be posted has
//! in both the name that it is posted by.

use crate::domain::assess::DataState;
use crate::domain::number::Figure;
use crate::domain::policy::Status;
use crate::exchange::columns;
use crate::exchange::spreadsheet::Rule;
use crate::exchange::table::{CellText, Column, ColumnType, Field};
use crate::http::tables::columns::{TableRow, figure, instant, symbol, text, words};
use crate::programme::figures::readings::SeenReading;
use crate::programme::rounds::templates::TemplateLine;

impl TableRow for SeenReading {
    const TABLE: &'static str = "readings";

    fn columns() -> Vec<Column<Self>> {
        columns!(|seen: Self|
            "kpi": Text, "The KPI's code." => text(&seen.row.kpi);
            "period": Text, "The period's key." => text(&seen.row.period);
            "group": Text, "The group; all is everyone." => text(&seen.row.group);
            "value": Number, "The exact figure." => figure(seen.row.figure.value);
            "numerator": Number, "What was counted." => figure(seen.row.figure.numerator);
            "denominator": Number, "Over what it was counted." => figure(seen.row.figure.denominator);
            "provisional": Boolean, "Whether the figure may still change." => text(&seen.row.figure.provisional);
            "nil_return": Text, "Why there is no figure." => seen.row.figure.nil_return.clone();
            "status": Text, "The status that a partner determined, for KPIs whose status a partner determines."
                => words(seen.row.figure.status.map(Status::as_str));
            "commentary": Text, "What readers should know about the figure." => seen.row.figure.commentary.clone();
            "reason": Text, "Why it replaced an earlier figure." => seen.row.figure.reason.clone();
            "forecast": Number, "The figure that the sub-group itself expects at the year's end." => figure(seen.row.figure.forecast);
            "symbol": Text, "c if the figure is suppressed." => symbol(seen.suppressed);
            "period_label": Text, "What people call the period." => text(&seen.row.period.label());
            "period_start": Date, "The period's first day." => text(&seen.row.period.start());
            "period_end": Date, "The period's last day." => text(&seen.row.period.end());
            "revision": Integer, "Which revision of the figure this is, from 1." => text(&seen.row.revision);
            "recorded_at": DateTime, "When it was reported." => instant(&seen.row.recorded_at);
            "recorded_by": Text, "Who reported it; for members of the partnership."
                => seen.names_shown.then(|| seen.row.recorded_by.to_string());
            "restated": Boolean, "Whether it replaced a figure whose round had closed." => text(&seen.row.restated);
        )
    }
}

/// A column of a template.
pub(super) struct TemplateColumn {
    pub(super) column: Column<TemplateLine>,
    /// In characters.
    pub(super) width: f64,
    pub(super) cells: Cells,
}

/// What the cells of a column are for, and what they may hold.
pub(super) enum Cells {
    /// They help to fill in the others.
    Shown(fn(&TemplateLine) -> Rule),
    /// They are filled in.
    Filled(fn(&TemplateLine) -> Rule),
}

macro_rules! template_columns {
    (|$line:ident| $($name:literal: $kind:ident, $width:literal, $words:literal, $cells:ident($rule:expr) => $cell:expr;)+) => {
        vec![$(TemplateColumn {
            column: Column {
                field: Field { name: $name, kind: ColumnType::$kind, description: $words },
                cell: |$line: &TemplateLine| $cell,
            },
            width: $width,
            cells: Cells::$cells($rule),
        }),+]
    };
}

/// The columns of a template: what helps to fill it in, and what is posted, by the names it is posted by.
pub(super) fn template_columns() -> Vec<TemplateColumn> {
    template_columns!(|line|
        "kpi": Text, 13.0, "The KPI's code.", Shown(|line| only(&line.kpi.code)) => text(&line.kpi.code);
        "title": Text, 30.0, "The KPI's title.", Shown(free) => text(&line.kpi.title);
        "definition": Text, 42.0, "What is counted and over what.", Shown(free)
            => Some(line.kpi.definition.clone()).filter(|words| !words.is_empty());
        "unit": Text, 13.0, "What it is counted in.", Shown(free) => Some(unit(line));
        "period": Text, 15.0, "The period's key.", Shown(|line| only(&line.period)) => text(&line.period);
        "group": Text, 14.0, "The group; all is everyone.", Shown(free) => text(&line.group);
        "last_period": Text, 14.0, "The period of the figure before.", Shown(free)
            => line.last.as_ref().map(|(period, _)| period.label());
        "last_figure": Text, 14.0, "The figure before.", Shown(free)
            => line.last.as_ref().and_then(|(_, figure)| figure.clone());
        "target": Text, 14.0, "What the figure is compared with.", Shown(free) => line.target.clone();
        "due": Date, 13.0, "By when it is due.", Shown(free) => text(&line.due);
        "value": Number, 13.0, "The figure.", Filled(figure_rule) => figure(value(line));
        "numerator": Number, 13.0, "What was counted.", Filled(|_| decimal(None, None, "What was counted: a number."))
            => figure(line.reported.as_deref().and_then(|reported| reported.numerator));
        "denominator": Number, 14.0, "Over what it was counted.",
            Filled(|_| decimal(Some(Figure::ZERO), None, "Over what it was counted: a number above zero."))
            => figure(line.reported.as_deref().and_then(|reported| reported.denominator));
        "provisional": Boolean, 13.0, "Whether the figure may still change.", Filled(|_| one_of(&["yes", "no"]))
            => provisional(line);
        "nil_return": Text, 24.0, "Why there is no figure.", Filled(|_| Rule::Words(400)) => blank(line);
        "status": Text, 12.0, "The status that a partner determined, for KPIs whose status a partner determines.", Filled(status_rule)
            => line.reported.as_deref().filter(|_| line.is_determined()).and_then(|reported| text(&reported.status.as_str()));
        "commentary": Text, 36.0, "What readers should know about the figure.", Filled(|_| Rule::Words(4_000))
            => line.commentary.clone();
        "reason": Text, 22.0, "Why it replaces an earlier figure.", Filled(|_| Rule::Words(2_000)) => blank(line);
        "forecast": Number, 13.0, "The figure that you expect at the year's end.", Filled(figure_rule)
            => figure(line.reported.as_deref().and_then(|reported| reported.forecast.stated.as_ref()).map(|stated| stated.value));
    )
}

fn unit(line: &TemplateLine) -> String {
    let unit = serde_json::to_value(line.kpi.unit).ok();
    let unit = unit.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default().replace('_', " ");
    if line.kpi.multiplier > 1 && unit == "rate" { format!("rate per {}", line.kpi.multiplier) } else { unit }
}

/// The figure that was reported. One that follows from a numerator and a denominator is left to them, so that nobody has to
/// change both by hand.
fn value(line: &TemplateLine) -> Option<Figure> {
    let reported = line.reported.as_deref()?;
    reported.value.filter(|_| reported.numerator.is_none() || line.kpi.standardised)
}

fn provisional(line: &TemplateLine) -> CellText {
    let reported = line.reported.as_deref()?;
    text(&if reported.data_state == DataState::Provisional { "yes" } else { "no" })
}

/// What is never taken over from the figure that was reported.
fn blank(_: &TemplateLine) -> CellText {
    None
}

fn free(_: &TemplateLine) -> Rule {
    Rule::Free
}

fn only(value: &impl ToString) -> Rule {
    Rule::OneOf(vec![value.to_string()])
}

fn one_of(words: &[&str]) -> Rule {
    Rule::OneOf(words.iter().map(|word| (*word).to_owned()).collect())
}

fn decimal(least: Option<Figure>, most: Option<Figure>, hint: impl Into<String>) -> Rule {
    Rule::Decimal { least: figure(least), most: figure(most), hint: hint.into() }
}

fn status_rule(line: &TemplateLine) -> Rule {
    if line.is_determined() { one_of(&["on_track", "at_risk", "off_track"]) } else { Rule::Free }
}

fn figure_rule(line: &TemplateLine) -> Rule {
    let kpi = &line.kpi;
    let within = match (kpi.valid_min, kpi.valid_max) {
        (Some(least), Some(most)) => format!(", from {} to {}", kpi.in_words(least), kpi.in_words(most)),
        (Some(least), None) => format!(", {} or more", kpi.in_words(least)),
        (None, Some(most)) => format!(", {} or less", kpi.in_words(most)),
        (None, None) => String::new(),
    };
    // 4.5 for 4.5 %: a cell that is formatted as a percentage would hold 0.045.
    let hint = format!("A number in the KPI's unit ({}){within}. Write 4.5 for 4.5 %.", unit(line));
    decimal(kpi.valid_min, kpi.valid_max, hint)
}
