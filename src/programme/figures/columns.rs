//! The columns of files of figures and targets: those that are read, those that are skipped and why, and those that
//! could mean two things.

use std::sync::LazyLock;

use waymark_domain::advice::FigureOf;
use waymark_domain::document::Listed;
use waymark_domain::kpi::{Formula, Kpi};
use waymark_domain::reading::ReportedFigure;
use waymark_domain::target::Target;
use waymark_exchange::headings::Headings;
use waymark_exchange::sheet::SheetRow;

use crate::figures::cells::Cells;

/// The columns of a file of readings: whose figure each is, and its members.
pub static READING_COLUMNS: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| [&["kpi", "period", "group"], ReportedFigure::fields()].concat());

/// The columns of a file of targets.
pub static TARGET_COLUMNS: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| [&["kpi", "period"], Target::fields()].concat());

/// Why a column that the service writes itself is not read when it comes back.
const WRITTEN_HERE: &str = "the service writes it; a file cannot change it";

/// Why a column that says again what the row names is not read.
const SAYS_AGAIN: &str = "it only says again what the row names; a row that it contradicts is refused";

/// Why a column that helps to fill in a template is not read.
const HELP: &str = "it helps to fill in the template";

/// Columns of a file of readings that are not read, and why: those that the flat table has beside the ones that are read, so that
/// a table that was fetched can be sent back as it is, and those that help to fill in a template.
const IGNORED_IN_READINGS: &[(&str, &str)] = &[
    ("symbol", SAYS_AGAIN),
    ("period_label", SAYS_AGAIN),
    ("period_start", SAYS_AGAIN),
    ("period_end", SAYS_AGAIN),
    ("title", SAYS_AGAIN),
    ("unit", SAYS_AGAIN),
    ("revision", WRITTEN_HERE),
    ("recorded_at", WRITTEN_HERE),
    ("recorded_by", WRITTEN_HERE),
    ("restated", WRITTEN_HERE),
    ("definition", HELP),
    ("last_period", HELP),
    ("last_figure", HELP),
    ("due", HELP),
    ("target", "targets are set by a file of targets, in its column `value`"),
];

/// The same of a file of targets.
const IGNORED_IN_TARGETS: &[(&str, &str)] = &[
    ("period_label", SAYS_AGAIN),
    ("period_start", SAYS_AGAIN),
    ("period_end", SAYS_AGAIN),
    ("title", SAYS_AGAIN),
    ("unit", SAYS_AGAIN),
    ("revision", WRITTEN_HERE),
    ("recorded_at", WRITTEN_HERE),
    ("recorded_by", WRITTEN_HERE),
    ("definition", "it is part of the KPI, and not of its target"),
];

/// What to do about a column that may be the target itself.
const TARGET_IN_VALUE: &str = "in a file of targets the target belongs in `value`; put it there, with nothing else in that column, and delete this one";

/// The columns of a file of targets that may be the target itself.
const AMBIGUOUS_IN_TARGETS: &[(&str, &str)] =
    &[("target", TARGET_IN_VALUE), ("target_value", TARGET_IN_VALUE), ("targets", TARGET_IN_VALUE)];

/// What is imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportKind {
    /// Readings.
    Readings,
    /// Targets.
    Targets,
}

impl ImportKind {
    /// The columns of a file of this kind.
    pub fn headings(self) -> Headings {
        let (known, ignored, ambiguous) = match self {
            Self::Readings => (&READING_COLUMNS, IGNORED_IN_READINGS, [].as_slice()),
            Self::Targets => (&TARGET_COLUMNS, IGNORED_IN_TARGETS, AMBIGUOUS_IN_TARGETS),
        };
        Headings {
            known,
            ignored,
            ambiguous,
            required: &["kpi", "period"],
            numbers: &["value", "numerator", "denominator", "forecast", "low", "high", "floor"],
            flags: &["provisional"],
            lists: &["acknowledged"],
            words: &["nil_return", "commentary", "reason", "rationale", "agreed_by"],
        }
    }
}

/// The column by which a template is known: in one, a row that nobody filled in is no mistake.
pub const TEMPLATE_COLUMN: &str = "last_figure";

/// Whether a row of readings says nothing of the figure that it names: a confirmed warning alone is nothing said.
pub(in crate::figures) fn says_nothing(row: &SheetRow<'_>) -> bool {
    row.lacks(ReportedFigure::fields().iter().copied().filter(|column| *column != "acknowledged"))
}

impl Cells<'_, '_> {
    /// What is reported of a KPI, if it is known which one is meant.
    pub(in crate::figures) fn reported_figure(&mut self, kpi: Option<&Kpi>) -> ReportedFigure {
        let of = kpi.map_or(FigureOf::Unknown, FigureOf::Kpi);
        ReportedFigure {
            value: self.computed_or_given("value", of),
            numerator: self.figure("numerator", FigureOf::Count),
            denominator: self.figure("denominator", FigureOf::Count),
            provisional: self.flag("provisional"),
            nil_return: self.text("nil_return"),
            status: self.status(kpi.is_none_or(|kpi| matches!(kpi.formula, Formula::PartnerDetermined { .. }))),
            commentary: self.text("commentary"),
            reason: self.text("reason"),
            forecast: self.figure("forecast", of),
            acknowledged: self.acknowledged(),
        }
    }
}
