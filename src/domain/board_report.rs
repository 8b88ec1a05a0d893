//! Board reports (domain.md section 1): what is known of a frozen report beside what it holds.

use chrono::{DateTime, Utc};

use super::document::document;
use super::ids::{KpiCode, OrganisationCode, ReportId, Subject};
use super::period::PeriodKey;

document! {
    /// A frozen report's whereabouts.
    #[schema(description = "A frozen report: of what, when and by whom, and the SHA-256 of every byte it holds.")]
    pub struct BoardReport / NewBoardReport / BoardReportChange {
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
        /// Who froze it.
        frozen_by: Subject,
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
