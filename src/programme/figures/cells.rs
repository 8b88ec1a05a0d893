//! The cells of one row of an import, read as what they are meant to hold; what cannot be is noted at its cell.

use std::str::FromStr;

use chrono::{Datelike, NaiveDate};

use waymark_domain::advice::{FigureOf, advice, without_percent_sign};
use waymark_domain::document::{Given, Listed};
use waymark_domain::ids::GroupCode;
use waymark_domain::invalid::{Invalid, Violation};
use waymark_domain::kpi::Kpi;
use waymark_domain::number::{Figure, NumberError};
use waymark_domain::period::{Period, PeriodError, PeriodKind};
use waymark_domain::policy::Status;
use waymark_domain::reading::{DENOMINATOR_NEEDED, NUMERATOR_NEEDED, ReportedFigure};
use waymark_domain::target::{FoundTarget, Target, find_target};
use waymark_domain::warning::{Acknowledged, UnknownWarning, Warning, WarningCode};
use waymark_exchange::headings::fold;
use waymark_exchange::sheet::SheetRow;

use crate::picture::KpiPicture;

/// What is said of a cell that shows a percentage by its format.
const SET_TO_GENERAL: &str =
    "; set the cell's number format to General first, since what is typed into a percentage cell stays a percentage";

/// The cells of one row, each read, or noted with why it cannot be.
pub(in crate::figures) struct Cells<'a, 'r> {
    pub(in crate::figures) row: &'a SheetRow<'r>,
    /// The columns of which it is not known what they say in this row: what would follow from their being empty is not
    /// reported.
    pub(in crate::figures) unknown: Vec<String>,
    pub(in crate::figures) faults: Vec<Violation>,
}

/// That a row was read which a spreadsheet does not show.
pub(in crate::figures) fn hidden_row(row: &SheetRow<'_>) -> Option<Warning> {
    let detail = "the row is hidden in the workbook, by a filter or by hand, and was read like any other; show all rows, and delete it if it is not meant";
    row.is_hidden().then(|| Warning::in_row(row.number, None, WarningCode::HiddenRow, detail))
}

/// That a row of readings gives another target than the plan has, which stays as it is.
pub(in crate::figures) fn other_target(row: &SheetRow<'_>, entry: &KpiPicture, period: Period) -> Option<Warning> {
    let (_, text) = row.ignored().find(|(column, _)| *column == "target")?;
    let number = text.split_whitespace().next()?.trim_end_matches('%').replace([',', '£'], "");
    let number: Figure = number.parse().ok()?;
    let has = match find_target(&entry.kpi, period, &entry.targets) {
        Ok(FoundTarget { aim, .. }) if [aim.low, aim.high].contains(&number) => return None,
        // As a template shows it, rounded.
        Ok(FoundTarget { aim, .. }) if entry.kpi.in_exact_words(aim.low) == text => return None,
        Ok(FoundTarget { aim, .. }) if aim.low == aim.high => entry.kpi.in_full_words(aim.low),
        Ok(FoundTarget { aim, .. }) => format!("{} to {}", aim.low, entry.kpi.in_full_words(aim.high)),
        Err(_none) => "none".to_owned(),
    };
    let detail = format!(
        "`{text}` is not the target that the plan has for this period ({has}), and was not read; targets are changed by a file of targets"
    );
    Some(Warning::in_row(row.number, Some("target"), WarningCode::OtherTarget, detail))
}

impl<'a, 'r> Cells<'a, 'r> {
    pub(in crate::figures) fn of(row: &'a SheetRow<'r>) -> Self {
        let faults = row.faults();
        let unreadable = faults.iter().filter_map(|fault| fault.column.clone());
        let unknown = unreadable.chain(row.unknown().into_iter().map(str::to_owned)).collect();
        Self { row, unknown, faults }
    }

    /// Whether the row holds nothing but what is in columns without a heading.
    pub(in crate::figures) fn are_notes(&self) -> bool {
        !self.faults.is_empty()
            && self.unknown.is_empty()
            && ["kpi", "period", "group"]
                .iter()
                .chain(ReportedFigure::fields())
                .chain(Target::fields())
                .all(|column| self.row.cell(column).is_none())
    }

    /// Those of some columns that the row says something of.
    pub(in crate::figures) fn given(&self, columns: &[&'static str]) -> Given {
        Given::among(columns, |column| self.row.gives(column))
    }

    pub(in crate::figures) fn is_unknown(&self, column: &str) -> bool {
        self.unknown.iter().any(|unknown| unknown == column) || self.row.may_be_misnamed(column)
    }

    pub(in crate::figures) fn fault(&mut self, column: &'static str, code: &'static str, detail: String) {
        self.faults.push(Violation::in_cell(self.row.number, Some(column), code, detail));
    }

    /// Reports that a cell cannot be read.
    pub(in crate::figures) fn unreadable(&mut self, column: &'static str, code: &'static str, detail: String) {
        self.unknown.push(column.to_owned());
        self.fault(column, code, detail);
    }

    /// Takes in what is wrong with what was read, each at its cell: the pointer's first member is the column. What only
    /// follows from a cell's not being known is not reported.
    pub(in crate::figures) fn take_in(&mut self, invalid: Invalid) {
        for violation in invalid.into_violations() {
            let pointer = violation.pointer.as_deref();
            let column = pointer.and_then(|pointer| pointer.split('/').nth(1)).unwrap_or_default().to_owned();
            let follows = match (violation.code, column.as_str()) {
                ("missing", "value") => {
                    ["value", "numerator", "denominator", "nil_return", "status", "low", "high", "state"]
                        .iter()
                        .any(|column| self.is_unknown(column))
                }
                ("reason_needed", _) => !self.unknown.is_empty() || self.is_unknown(&column),
                _ => self.is_unknown(&column),
            };
            if !follows {
                let row = Some(self.row.number);
                self.faults.push(Violation { pointer: None, row, column: Some(column), ..violation });
            }
        }
    }

    /// The words in a cell that must not be empty.
    pub(in crate::figures) fn needed(&mut self, column: &'static str, detail: &str) -> Option<&'a str> {
        let text = self.row.cell(column);
        if text.is_none() && !self.is_unknown(column) {
            self.fault(column, "missing", detail.to_owned());
        }
        text
    }

    /// The group; everyone if the row names none.
    pub(in crate::figures) fn group(&mut self) -> Option<GroupCode> {
        match self.row.cell("group") {
            None if self.is_unknown("group") => None,
            None => Some(GroupCode::all()),
            Some(_) => self.read("group"),
        }
    }

    /// The period, read as that KPI's periods are.
    pub(in crate::figures) fn period(
        &mut self,
        read: impl Fn(&str) -> Result<Option<Period>, PeriodError>,
    ) -> Option<Period> {
        let text = self.needed("period", "name the period, such as 2009/10 Q1")?;
        let mut error = match read(text) {
            Ok(period) => return period,
            Err(error) => error,
        };
        // Spreadsheets make a day of a month that is typed into them, and of a year such as 2009-10.
        let day = text.parse::<NaiveDate>().ok().filter(|day| day.day() == 1);
        match day.map(|day| read(&day.format("%Y-%m").to_string())) {
            Some(Ok(period)) if period.is_none_or(|period| period.kind() == PeriodKind::Month) => return period,
            Some(Err(ambiguous @ PeriodError::Ambiguous(_))) => error = ambiguous,
            _ => {}
        }
        let mut detail = format!("`{text}` {error}");
        if let PeriodError::Ambiguous(periods) = &error {
            if let Some(period) = self.period_beside(periods) {
                return Some(period);
            }
            if day.is_some() {
                detail.push_str("; set the cell's number format to Text before you write it");
            }
        }
        self.unreadable("period", error.code(), detail);
        None
    }

    /// The one of these periods that the columns beside it name: a table that was fetched has them, and can be sent back as
    /// it is.
    pub(in crate::figures) fn period_beside(&self, periods: &[Period]) -> Option<Period> {
        let said = ["period_label", "period_start", "period_end"].map(|heading| self.row.under(heading));
        let agrees = |period: &&Period| {
            let is = [period.label(), period.start().to_string(), period.end().to_string()];
            is.iter().zip(said).all(|(is, said)| said.is_none_or(|said| said == is))
        };
        let mut found = periods.iter().filter(agrees);
        let first = found.next().filter(|_| said.iter().any(Option::is_some))?;
        found.next().is_none().then_some(*first)
    }

    pub(in crate::figures) fn text(&mut self, column: &'static str) -> Option<String> {
        self.row.text(column).map(str::to_owned)
    }

    /// A figure that may be one that this service or a spreadsheet computed to more digits than can be posted, if what
    /// it follows from is beside it. Of a standardised KPI it follows from nothing.
    pub(in crate::figures) fn computed_or_given(&mut self, column: &'static str, of: FigureOf<'_>) -> Option<Figure> {
        let fraction = self.row.cell("numerator").is_some() && self.row.cell("denominator").is_some();
        let standardised = matches!(of, FigureOf::Kpi(kpi) if kpi.standardised);
        let text = self.bare_figure(column, of).filter(|_| fraction && !standardised);
        text.and_then(|text| Figure::nearest(text, 10)).or_else(|| self.figure(column, of))
    }

    /// The text of a figure; of a cell that shows a percentage by its format without the sign, if it can mean nothing
    /// else.
    pub(in crate::figures) fn bare_figure(&self, column: &str, of: FigureOf<'_>) -> Option<&'a str> {
        let text = self.row.cell(column)?;
        let percent = without_percent_sign(text, of).filter(|_| self.row.is_percent_cell(column));
        Some(percent.unwrap_or(text))
    }

    /// Reports, of half a fraction that cannot be read, that the other half is missing.
    pub(in crate::figures) fn check_fraction(&mut self) {
        for (one, other, detail) in
            [("numerator", "denominator", DENOMINATOR_NEEDED), ("denominator", "numerator", NUMERATOR_NEEDED)]
        {
            let given = self.row.cell(one).is_some() && self.is_unknown(one);
            if given && self.row.cell(other).is_none() && !self.is_unknown(other) {
                self.unreadable(other, "missing", detail.to_owned());
            }
        }
    }

    pub(in crate::figures) fn read<T: FromStr>(&mut self, column: &'static str) -> Option<T>
    where
        T::Err: std::fmt::Display,
    {
        self.read_as(column, str::parse)
    }

    /// One of some names, in small or capital letters and with blanks or dashes for what joins its words.
    pub(in crate::figures) fn name<T: FromStr>(&mut self, column: &'static str) -> Option<T>
    where
        T::Err: std::fmt::Display,
    {
        self.read_as(column, |text| fold(text).parse())
    }

    /// The status that a partner determined; if none may be given, whatever is there is refused as one.
    pub(in crate::figures) fn status(&mut self, may_be_given: bool) -> Option<Status> {
        if !may_be_given {
            return self.row.cell("status").map(|_| Status::NotAssessed);
        }
        self.read_as("status", |text| {
            let status = fold(text).parse().ok();
            status.ok_or("is not a status; a partner determines on_track, at_risk or off_track")
        })
    }

    pub(in crate::figures) fn read_as<T, E: std::fmt::Display>(
        &mut self,
        column: &'static str,
        read: impl Fn(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.row.cell(column)?;
        match read(text) {
            Ok(value) => Some(value),
            Err(error) => {
                self.unreadable(column, "not_readable", format!("`{text}`: {error}"));
                None
            }
        }
    }

    /// The codes of warnings that the sender of the row confirms.
    pub(in crate::figures) fn acknowledged(&mut self) -> Acknowledged {
        let text = self.row.cell("acknowledged").unwrap_or_default();
        text.parse().unwrap_or_else(|unknown: UnknownWarning| {
            self.unreadable("acknowledged", "unknown_code", unknown.to_string());
            Acknowledged::default()
        })
    }

    pub(in crate::figures) fn flag(&mut self, column: &'static str) -> bool {
        match self.row.cell(column).map(str::to_lowercase).as_deref() {
            None | Some("false" | "no" | "n" | "0") => false,
            Some("true" | "yes" | "y" | "1") => true,
            Some(other) => {
                let detail = format!("`{other}` is neither yes nor no; write one of them, or true or false");
                self.unreadable(column, "not_a_flag", detail);
                false
            }
        }
    }

    /// A figure; the symbols of statistical tables are known and distinguished from slips.
    pub(in crate::figures) fn figure(&mut self, column: &'static str, of: FigureOf<'_>) -> Option<Figure> {
        let (text, bare) = (self.row.cell(column)?, self.bare_figure(column, of)?);
        match figure_as_typed(text, bare, of) {
            Ok(figure) => Some(figure),
            Err((code, detail)) => {
                let format = if self.row.is_percent_cell(column) && code != SYMBOL { SET_TO_GENERAL } else { "" };
                self.unreadable(column, code, format!("{detail}{format}"));
                None
            }
        }
    }
}

/// The code of a symbol that stands where a figure is wanted.
const SYMBOL: &str = "symbol_not_a_figure";

/// A figure as somebody typed it, of which `bare` is read; the symbols of statistical tables are distinguished from slips.
///
/// # Errors
/// The code of what is wrong, and what to do about it.
fn figure_as_typed(text: &str, bare: &str, of: FigureOf<'_>) -> Result<Figure, (&'static str, String)> {
    let detail = match text {
        "c" => "`c` marks a suppressed figure, and here the figure itself is wanted; those who may not see it will not".to_owned(),
        "x" => "`x` marks a figure that is not available (in tables of 2009 it meant suppressed); give the figure, or say in nil_return why there is none".to_owned(),
        "z" => "`z` marks a figure that does not apply; leave the row out, or say in nil_return why there is no figure".to_owned(),
        ":" | ".." | "-" | "n/a" | "N/A" => format!("`{text}` is no figure; leave the cell empty and say in nil_return why there is none"),
        _ => {
            let wrong = |error: NumberError| (error.code(), format!("`{text}` {error}{}", advice(text, of)));
            return bare.parse::<Figure>().map_err(wrong);
        }
    };
    Err((SYMBOL, detail))
}

/// A figure of a KPI as somebody typed it into a form, in the KPI's unit or, with `None`, as a plain count.
///
/// # Errors
/// The code of what is wrong, and what to do about it.
pub fn typed_figure(text: &str, kpi: Option<&Kpi>) -> Result<Figure, (&'static str, String)> {
    let text = text.trim();
    figure_as_typed(text, text, kpi.map_or(FigureOf::Count, FigureOf::Kpi))
}
