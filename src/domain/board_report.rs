//! Board reports (docs/rules.md section 1): what is known of a frozen report beside what it holds.

use chrono::{DateTime, Utc};

use super::check::check_text;
use super::ids::{KpiCode, OrganisationCode, ReportId, Subject};
use super::invalid::Invalid;
use super::period::PeriodKey;
use crate::document;

document! {
    /// What is asked for when a report is to be frozen.
    #[schema(description = "What to freeze.")]
    pub struct ReportRequest / BoardReportDraft / ReportRequestChange {
        /// What to call it; 1 to 200 characters.
        #[schema(min_length = 1, max_length = 200, example = "Performance Improvement Board, 15 February 2010")]
        title: String,
        /// The period to report on; without it, the latest financial quarter of the plan that has ended and has figures.
        period: Option<PeriodKey> = None,
        /// The organisation whose contribution alone it is to hold: the KPIs that it leads on or contributes to; without it,
        /// the whole plan's.
        #[schema(example = "harrow-council")]
        organisation: Option<OrganisationCode> = None,
    }
}

impl ReportRequest {
    /// What is wrong with the request in itself.
    pub fn check(&self) -> Invalid {
        let mut invalid = Invalid::new();
        check_text(&mut invalid, "/title", &self.title, 1, 200);
        invalid
    }
}

document! {
    /// A frozen report's whereabouts.
    #[schema(description = "A frozen report: of what, when and by whom, and the SHA-256 over all its bytes.")]
    pub struct BoardReport / KeptBoardReport / BoardReportChange {
        /// Its id.
        id: ReportId,
        /// What it is called; 1 to 200 characters.
        #[schema(min_length = 1, max_length = 200, example = "Performance Improvement Board, 15 February 2010")]
        title: String,
        /// The period that it reports on.
        period: PeriodKey,
        /// The organisation whose contribution it holds; `null` for the whole plan.
        #[schema(example = "harrow-council")]
        organisation: Option<OrganisationCode>,
        /// When it was frozen.
        frozen_at: DateTime<Utc>,
        /// Who froze it; `null` in an organisation's, as its readers are not shown names: the journal has it.
        #[schema(example = "jo.lead@harrow.example")]
        frozen_by: Option<Subject>,
        /// The plan's version that it was made from.
        #[schema(minimum = 1, example = 1234)]
        version: i64,
        /// The SHA-256 of its content, in lower-case hexadecimal.
        #[schema(pattern = "^[0-9a-f]{64}$", example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
        sha256: String,
        /// The KPIs that it holds.
        kpis: Vec<KpiCode>,
    }
}
