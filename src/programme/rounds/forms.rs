//! The file that a sub-group fills in, as an Excel workbook and as CSV: its columns, and what each cell may hold. What can be
//! posted has the name that it is posted by.

use chrono::{DateTime, Utc};

use waymark_domain::assess::DataState;
use waymark_domain::number::Figure;
use waymark_exchange::spreadsheet::{self, Form, FormCell, Rule, Shown, Written};
use waymark_exchange::table::{self, CellText, Column, ColumnType, Field};

use crate::rounds::templates::{Template, TemplateLine};

impl Template {
    /// It as CSV.
    pub fn csv(&self) -> Vec<u8> {
        let columns: Vec<_> = template_columns().into_iter().map(|one| one.column).collect();
        table::csv(&columns, &self.lines)
    }

    /// It as a workbook, made at this moment.
    ///
    /// # Errors
    /// If it does not fit into a sheet.
    pub fn workbook(&self, made: DateTime<Utc>) -> Written {
        spreadsheet::form(&self.form(), made)
    }

    fn form(&self) -> Form {
        let columns = template_columns();
        let rows = self.lines.iter().map(|line| {
            let cells = columns.iter().map(|TemplateColumn { column, cells, .. }| {
                let shown = match (column.field.kind, (column.cell)(line)) {
                    (_, None) => Shown::Nothing,
                    (ColumnType::Number, Some(text)) => Shown::Number { decimals: 0, text },
                    (_, Some(text)) => Shown::Words(text),
                };
                let (Cells::Shown(rule) | Cells::Filled(rule)) = cells;
                FormCell { shown, rule: rule(line) }
            });
            cells.collect()
        });
        let headings =
            columns.iter().map(|one| (one.column.field.name, one.width, matches!(one.cells, Cells::Filled(_))));
        let due = self.due.map_or_else(String::new, |due| format!(" Due by {}.", due.format("%-d %b %Y")));
        Form {
            name: "Figures".to_owned(),
            title: self.title.clone(),
            lead: format!(
                "Fill in the yellow cells as far as you can, and send the workbook back.{due} See the sheet Notes."
            ),
            columns: headings.collect(),
            rows: rows.collect(),
            notes: NOTES.iter().map(|(heading, words)| (*heading, (*words).to_owned())).collect(),
        }
    }
}

/// A column of a template.
struct TemplateColumn {
    column: Column<TemplateLine>,
    /// In characters.
    width: f64,
    cells: Cells,
}

/// What the cells of a column are for, and what they may hold.
enum Cells {
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
fn template_columns() -> Vec<TemplateColumn> {
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

/// What writes itself as text.
#[expect(clippy::unnecessary_wraps, reason = "every cell may be empty")]
fn text(value: &impl ToString) -> CellText {
    Some(value.to_string())
}

/// A figure, if there is one.
fn figure(value: Option<Figure>) -> CellText {
    value.as_ref().map(ToString::to_string)
}

/// How a template is filled in.
const NOTES: &[(&str, &str)] = &[
    (
        "What to fill in",
        "The yellow cells. Each row is one figure: of one KPI, one period and one group; the group all is everyone. Leave kpi, period and group as they are. A row that you leave empty is ignored, so the workbook can be sent as often as there is something new.",
    ),
    (
        "value",
        "The figure in the KPI's unit. For a percentage write 4.5 for 4.5 %. Leave the cells' number format as it is (General): a cell that shows 4.5% is read as 4.5 for a KPI counted in percent, and sent back to you for any other.",
    ),
    (
        "numerator, denominator",
        "In place of the value: what was counted, and over what. The value is then computed from them, unless it is a standardised one: then give all three. Give both or neither.",
    ),
    ("provisional", "yes while the figure may still change; no, or nothing, when it is final."),
    (
        "nil_return",
        "If there is no figure: why there is none. Give a figure or a nil return, not both. A nil return is never overdue.",
    ),
    (
        "Zero and blank",
        "0 is a figure: it was counted, and there was none. An empty cell says nothing at all; it does not become 0.",
    ),
    (
        "c, z and x",
        "c marks a suppressed figure, z one that does not apply, x one that is not available. None of them can be filled in: give the figure itself (those who may not see a small one will not), or say in nil_return why there is none.",
    ),
    ("status", "Only for KPIs whose status a partner determines: on_track, at_risk or off_track."),
    ("commentary", "What readers should know about the figure. It is needed if a figure is off track."),
    (
        "reason",
        "Why a figure replaces the one that was reported; needed once the round has closed. A figure that was signed off can be changed only once its return is reopened.",
    ),
    ("forecast", "The figure that you yourselves expect at the year's end, in the KPI's unit."),
    (
        "Formulas",
        "A formula is read by the value that was saved with it. A cell that shows #N/A or #DIV/0! is sent back to you, and so are cells that were merged, and cells with footnote marks or with anything struck through.",
    ),
    (
        "Mistakes",
        "If a workbook has a mistake, nothing is saved. You get it back with each wrong cell in red and a note that says what to do.",
    ),
];
