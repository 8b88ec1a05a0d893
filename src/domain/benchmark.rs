//! Benchmarks: what other authorities reached, and where the plan's own figure stands among them.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::document::document;
use super::ids::{AuthorityCode, ComparatorCode, KpiCode};
use super::invalid::Invalid;
use super::number::Figure;
use super::period::{Period, PeriodKey};
use super::plan::{check_distinct, check_text};

/// Which authorities belong to a comparator group from a day on: lists of neighbours are drawn up anew every few years.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(description = "Which authorities belong to a comparator group from a day on.")]
pub struct Edition {
    /// The first day it holds; the next edition ends it.
    #[schema(example = "2007-04-01")]
    pub from: NaiveDate,
    /// The authorities, 1 to 400. A group of one, such as England, is compared with by its own figure.
    #[schema(min_items = 1, max_items = 400, example = json!(["barnet", "ealing", "hillingdon"]))]
    pub authorities: Vec<AuthorityCode>,
}

document! {
    /// Authorities that the plan's figures are compared with.
    #[schema(description = "Authorities that the plan's figures are compared with: statistical neighbours, London, England.")]
    pub struct ComparatorGroup / NewComparatorGroup / ComparatorGroupChange {
        /// The group's code.
        #[schema(example = "statistical-neighbours")]
        code: ComparatorCode,
        /// What it is called; 1 to 200 characters.
        #[schema(min_length = 1, max_length = 200, example = "Statistical neighbours")]
        title: String,
        /// Its editions, 1 to 50, the earliest first.
        #[schema(min_items = 1, max_items = 50)]
        editions: Vec<Edition>,
    }
}

/// What one authority reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(description = "What one authority reached.")]
pub struct ComparatorFigure {
    /// The authority.
    #[schema(example = "hillingdon")]
    pub authority: AuthorityCode,
    /// What it is called; 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200, example = "Hillingdon")]
    pub title: String,
    /// Its figure, in the KPI's unit.
    #[schema(example = 5.1)]
    pub value: Figure,
}

document! {
    /// What other authorities reached in a KPI and period.
    #[schema(description = "What other authorities reached in a KPI and period.")]
    pub struct Benchmark / NewBenchmark / BenchmarkChange {
        /// The KPI.
        #[schema(example = "NI-117")]
        kpi: KpiCode,
        /// The period.
        period: PeriodKey,
        /// Where the figures were published; at most 400 characters.
        #[schema(max_length = 400, example = "Department for Children, Schools and Families, June 2010")]
        source: Option<String> = None,
        /// The figures, 1 to 400, one an authority.
        #[schema(min_items = 1, max_items = 400)]
        figures: Vec<ComparatorFigure>,
    }
}

/// What a benchmark is known by: `NI-117/FY2009-10`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BenchmarkKey {
    /// The KPI.
    pub kpi: KpiCode,
    /// The period.
    pub period: Period,
}

impl std::fmt::Display for BenchmarkKey {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}/{}", self.kpi, self.period)
    }
}

impl std::str::FromStr for BenchmarkKey {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const NO_KEY: &str = "is no benchmark's key";
        let (kpi, period) = text.split_once('/').ok_or(NO_KEY)?;
        let period = period.parse().map_err(|_no_period| NO_KEY)?;
        Ok(Self { kpi: kpi.parse().map_err(|_no_code| NO_KEY)?, period })
    }
}

impl ComparatorGroup {
    /// What is wrong with the group in itself.
    pub fn check(&self) -> Invalid {
        let mut invalid = Invalid::new();
        check_text(&mut invalid, "/title", &self.title, 1, 200);
        if self.editions.is_empty() || self.editions.len() > 50 {
            invalid.at("/editions", "wrong_length", "a comparator group has 1 to 50 editions");
        }
        for (place, edition) in self.editions.iter().enumerate() {
            let pointer = format!("/editions/{place}");
            if edition.authorities.is_empty() || edition.authorities.len() > 400 {
                invalid.at(format!("{pointer}/authorities"), "wrong_length", "an edition has 1 to 400 authorities");
            }
            check_distinct(&mut invalid, &format!("{pointer}/authorities"), &edition.authorities);
            let earlier = place.checked_sub(1).and_then(|before| self.editions.get(before));
            if earlier.is_some_and(|earlier| earlier.from >= edition.from) {
                invalid.at(format!("{pointer}/from"), "out_of_order", "an edition begins after the one before it");
            }
        }
        invalid
    }

    /// The edition that holds on a day.
    pub fn edition_on(&self, day: NaiveDate) -> Option<&Edition> {
        self.editions.iter().rev().find(|edition| edition.from <= day)
    }
}

impl Benchmark {
    /// What is wrong with the benchmark in itself.
    pub fn check(&self) -> Invalid {
        let mut invalid = Invalid::new();
        if let Some(source) = &self.source {
            check_text(&mut invalid, "/source", source, 0, 400);
        }
        if self.figures.is_empty() || self.figures.len() > 400 {
            invalid.at("/figures", "wrong_length", "a benchmark has the figures of 1 to 400 authorities");
        }
        let authorities: Vec<_> = self.figures.iter().map(|figure| figure.authority.clone()).collect();
        check_distinct(&mut invalid, "/figures", &authorities);
        for (place, figure) in self.figures.iter().enumerate() {
            check_text(&mut invalid, &format!("/figures/{place}/title"), &figure.title, 1, 200);
        }
        invalid
    }
}
