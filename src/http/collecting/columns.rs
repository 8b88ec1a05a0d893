//! The columns of the flat table of figures. What can be posted has the name that it is posted by, here as in the file that a
//! sub-group fills in (`programme::rounds::forms`).

use crate::domain::policy::Status;
use crate::exchange::columns;
use crate::exchange::table::Column;
use crate::http::tables::columns::{TableRow, figure, instant, symbol, text, words};
use crate::programme::figures::readings::SeenReading;

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
