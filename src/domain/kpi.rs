//! A KPI's definition (docs/rules.md section 1): what is measured, how it is reported, and what may be said of it.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::check::{check_distinct, check_range, check_text};
use super::ids::{GroupCode, KpiCode, OrganisationCode, PolicyCode, PriorityCode};
use super::invalid::Invalid;
use super::number::{Figure, MAX_DECIMALS, Size};
use super::period::{Calendar, Frequency, Period, PeriodKey, PeriodKind};
use super::policy::Tolerance;
use super::wording::counted;
use crate::document;
use crate::names;

/// What a KPI is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(description = "What a KPI is counted in.")]
pub enum Unit {
    /// Parts in a hundred.
    Percentage,
    /// Things counted.
    Count,
    /// Things per so many people: the multiplier says how many.
    Rate,
    /// A score on a scale.
    Score,
    /// The difference of two percentages.
    PercentagePoints,
    /// Days.
    Days,
    /// Pounds.
    Currency,
    /// A plain ratio.
    Ratio,
}

names! {
    /// Which way is better.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
    #[schema(description = "Which way is better; `none` for contextual KPIs, which are watched and not targeted.")]
    pub enum Polarity {
        /// More is better.
        HigherIsBetter = "higher_is_better",
        /// Less is better.
        LowerIsBetter = "lower_is_better",
        /// Inside the target range is best.
        WithinRange = "within_range",
        /// Contextual.
        None = "none",
    }
}

/// What stretch of time a figure covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(description = "What stretch of time a figure covers.", rename_all = "snake_case")]
pub enum Aggregation {
    /// The period itself.
    InPeriod,
    /// From the year's beginning to the period's end.
    YearToDate,
    /// The day it was taken.
    Snapshot,
    /// The twelve months to the period's end.
    #[serde(rename = "rolling_12_months")]
    #[schema(rename = "rolling_12_months")]
    Rolling12Months,
}

/// How a year's target spreads over the year's parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(description = "How a year's target spreads over its months, quarters or terms.")]
pub enum Profile {
    /// The year's figure holds in each part.
    Held,
    /// In equal shares.
    Even,
    /// In shares of given weights.
    Weighted,
    /// On a straight line from the year before.
    Linear,
}

/// Who may read a KPI's figures outside the partnership's own groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(description = "How widely a KPI's figures are published.")]
pub enum Publication {
    /// Not at all.
    Internal,
    /// To partner organisations.
    Partners,
    /// To everyone, if the plan is public.
    Public,
}

/// The figure that improvement is measured from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(description = "The figure that improvement is measured from.")]
pub struct Baseline {
    /// The period it is of.
    pub period: PeriodKey,
    /// The figure, in the KPI's unit.
    pub value: Figure,
}

/// Where a KPI's figures come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[schema(description = "Where a KPI's figures come from.")]
pub enum Formula {
    /// They are posted.
    #[schema(title = "DirectFormula")]
    Direct {},
    /// The gap between two groups of another KPI, comparator minus group; computed, never posted.
    #[schema(title = "GapFormula")]
    Gap {
        /// The KPI whose groups are compared.
        #[schema(example = "NI-73")]
        of: KpiCode,
        /// The group that may be behind.
        #[schema(example = "fsm")]
        group: GroupCode,
        /// The group, or `all`, it is compared with.
        #[schema(example = "non-fsm")]
        comparator: GroupCode,
    },
    /// A partner determines the status.
    #[schema(title = "PartnerDeterminedFormula")]
    PartnerDetermined {
        /// The organisation that determines it.
        #[schema(example = "metropolitan-police")]
        by: OrganisationCode,
    },
}

impl Formula {
    /// The KPI that a gap is computed from; `None` for what is reported.
    pub fn source(&self) -> Option<&KpiCode> {
        match self {
            Self::Gap { of, .. } => Some(of),
            Self::Direct {} | Self::PartnerDetermined { .. } => None,
        }
    }
}

document! {
    /// A key performance indicator.
    #[schema(description = "A key performance indicator: the definition of what is measured for a priority.")]
    pub struct Kpi / KpiDraft / KpiChange {
        /// The KPI's code.
        #[schema(example = "NI-117")]
        code: KpiCode,
        /// What it is called; 1 to 300 characters.
        #[schema(min_length = 1, max_length = 300, example = "16 to 18 year olds who are not in education, employment or training")]
        title: String,
        /// The priority it belongs to.
        #[schema(example = "achieving-economic-well-being-1")]
        priority: PriorityCode,
        /// What is counted and over what, in plain words; at most 4,000 characters.
        #[schema(max_length = 4000, example = "Young people of 16 to 18 known to be NEET, as a share of those whose activity is known.")]
        definition: String = String::new(),
        /// Its number in the National Indicator Set, if it has one.
        #[schema(max_length = 20, example = "NI 117")]
        national_indicator: Option<String> = None,
        /// What it is counted in.
        unit: Unit,
        /// What `numerator / denominator` is multiplied by: 100 for a percentage, 1 otherwise, unless given; 1 to 1,000,000.
        #[schema(minimum = 1, maximum = 1_000_000, example = 100)]
        multiplier: u32 = if unit == Some(Unit::Percentage) { 100 } else { 1 },
        /// Whether the value is adjusted, for the ages of a population say, so that it is not `numerator /
        /// denominator`: value, numerator and denominator are then reported and stored together. For percentages,
        /// rates, ratios and scores.
        standardised: bool = false,
        /// The decimal places of the reported figure: 0 to 6.
        #[schema(minimum = 0, maximum = 6, example = 1)]
        decimals: u32 = 1,
        /// Which way is better.
        polarity: Polarity,
        /// How often it is reported.
        frequency: Frequency,
        /// Which year its periods belong to.
        calendar: Calendar,
        /// What stretch of time a figure covers.
        aggregation: Aggregation,
        /// How a year's target spreads over the year; `null` for the usual way: held for snapshots, rolling figures and
        /// in-period rates and percentages, none for anything else.
        profile: Option<Profile> = None,
        /// For a weighted profile: one weight for each part of the year, summing to exactly 1.
        #[schema(max_items = 12, example = json!([]))]
        weights: Vec<Figure> = Vec::new(),
        /// The figure that improvement is measured from.
        baseline: Option<Baseline> = None,
        /// A move of at most this is no change, in the KPI's unit; not negative.
        #[schema(value_type = Size)]
        steady_margin: Figure = Figure::ZERO,
        /// The lowest figure that can be right.
        #[schema(example = 0)]
        valid_min: Option<Figure> = None,
        /// The highest figure that can be right.
        #[schema(example = 100)]
        valid_max: Option<Figure> = None,
        /// The days after a period's end until its figure is due: 0 to 1,500.
        #[schema(minimum = 0, maximum = 1500, example = 30)]
        collection_lag_days: u32 = 30,
        /// The organisation that leads on it.
        #[schema(example = "connexions")]
        lead_organisation: Option<OrganisationCode> = None,
        /// The organisations that contribute to it.
        #[schema(max_items = 100, example = json!(["harrow-council"]))]
        contributors: Vec<OrganisationCode> = Vec::new(),
        /// Where the figures are taken from; at most 400 characters.
        #[schema(max_length = 400, example = "Connexions client database")]
        source: Option<String> = None,
        /// Whether its small numbers could identify a child: they are withheld from partners and the public.
        sensitive: bool = false,
        /// A programme manager's word that no percentage, rate or ratio that is posted without its numerator and denominator could
        /// identify a child. Without it such figures of a sensitive KPI are withheld from partners and the public.
        numbers_checked: bool = false,
        /// How widely its figures are published.
        publication: Publication = Publication::Internal,
        /// The status policy; `null` for the plan's.
        #[schema(example = "five-band")]
        policy: Option<PolicyCode> = None,
        /// The amber limit; `null` for the policy's.
        tolerance: Option<Tolerance> = None,
        /// The first day it is in force; `null` for always.
        #[schema(example = "2009-04-01")]
        in_force_from: Option<NaiveDate> = None,
        /// The last day it is in force; `null` while it is not withdrawn.
        #[schema(example = "2010-08-31")]
        in_force_to: Option<NaiveDate> = None,
        /// Where its figures come from.
        formula: Formula = Formula::Direct {},
    }
}

/// The members of a KPI that are nothing but words: they can be put better without anything else being measured.
pub const WORDS: [&str; 4] = ["title", "definition", "national_indicator", "source"];

impl Kpi {
    /// The kind of period it is reported by. A KPI that passed [`Kpi::check`] has one.
    pub fn period_kind(&self) -> PeriodKind {
        PeriodKind::of(self.frequency, self.calendar).unwrap_or(PeriodKind::year_of(self.calendar))
    }

    /// Whether it is in force at any time in a period (rule 1 of section 4).
    pub fn in_force(&self, period: Period) -> bool {
        self.in_force_from.is_none_or(|from| from <= period.end())
            && self.in_force_to.is_none_or(|to| to >= period.start())
    }

    /// Whether an organisation leads on it or contributes to it.
    pub fn involves(&self, organisation: &OrganisationCode) -> bool {
        self.lead_organisation.as_ref() == Some(organisation) || self.contributors.contains(organisation)
    }

    /// Whether figures of `earlier` can be compared with this definition's: `false` across a change of what is measured.
    pub fn measures_the_same_as(&self, earlier: &Self) -> bool {
        self.definition == earlier.definition
            && self.unit == earlier.unit
            && self.multiplier == earlier.multiplier
            && self.standardised == earlier.standardised
            && self.aggregation == earlier.aggregation
            && self.formula == earlier.formula
    }

    /// The spread of its yearly targets (section 5): its own, else the usual one if there is one.
    pub fn spread(&self) -> Option<Profile> {
        let usual = match self.aggregation {
            Aggregation::Snapshot | Aggregation::Rolling12Months => Some(Profile::Held),
            Aggregation::YearToDate => None,
            Aggregation::InPeriod => match self.unit {
                Unit::Percentage | Unit::Rate | Unit::Score | Unit::PercentagePoints | Unit::Ratio => {
                    Some(Profile::Held)
                }
                Unit::Count | Unit::Days | Unit::Currency => None,
            },
        };
        self.profile.or(usual)
    }

    /// A figure as a person reads it, rounded to the KPI's decimals: `4.5 %`, `1,204`, `12.3 per 1,000`.
    pub fn in_words(&self, figure: Figure) -> String {
        self.in_words_to(figure, self.decimals)
    }

    /// A figure as a person reads it, rounded to so many decimals.
    pub fn in_words_to(&self, figure: Figure, decimals: u32) -> String {
        self.with_unit(&grouped(&figure.to_fixed(decimals)))
    }

    /// A figure as a person reads it, with all its decimals if it could be given so, and otherwise with two more than
    /// the KPI's: for targets and for limits between bands.
    pub fn in_exact_words(&self, figure: Figure) -> String {
        let short = figure.to_fixed(self.decimals);
        let exact = self.with_decimals_to_tell(figure).to_string();
        self.with_unit(&grouped(if exact.len() > short.len() { &exact } else { &short }))
    }

    /// A figure with the decimals that people see of it: all, if it could be given so; of a longer one, such as a
    /// third, two more than the KPI's.
    pub fn with_decimals_to_tell(&self, figure: Figure) -> Figure {
        if figure.decimals() <= MAX_DECIMALS { figure } else { figure.rounded(self.decimals + 2) }
    }

    /// A figure as a person reads it, to its last digit.
    pub fn in_full_words(&self, figure: Figure) -> String {
        self.with_unit(&grouped(&figure.to_string()))
    }

    /// The lowest figure that can be right: the valid range's, else zero; none for differences, which may lie below it.
    pub fn lowest(&self) -> Option<Figure> {
        let difference = self.unit == Unit::PercentagePoints || matches!(self.formula, Formula::Gap { .. });
        self.valid_min.or_else(|| (!difference).then_some(Figure::ZERO))
    }

    /// Whether a figure can be right.
    pub fn may_be(&self, figure: Figure) -> bool {
        self.lowest().is_none_or(|least| figure >= least) && self.valid_max.is_none_or(|most| figure <= most)
    }

    /// What a figure is shown in: a gap between percentages is in percentage points, whatever its definition says.
    pub fn shown_unit(&self) -> Unit {
        match self.formula {
            Formula::Gap { .. } if self.unit == Unit::Percentage => Unit::PercentagePoints,
            _ => self.unit,
        }
    }

    fn with_unit(&self, number: &str) -> String {
        let is_one = number.trim_start_matches('-') == "1";
        match self.shown_unit() {
            Unit::Percentage => format!("{number} %"),
            Unit::Rate if self.multiplier > 1 => {
                format!("{number} per {}", grouped(&self.multiplier.to_string()))
            }
            Unit::PercentagePoints if is_one => format!("{number} percentage point"),
            Unit::PercentagePoints => format!("{number} percentage points"),
            Unit::Days if is_one => format!("{number} day"),
            Unit::Days => format!("{number} days"),
            Unit::Currency => match number.strip_prefix('-') {
                Some(debt) => format!("-£{debt}"),
                None => format!("£{number}"),
            },
            Unit::Count | Unit::Score | Unit::Ratio | Unit::Rate => number.to_owned(),
        }
    }

    /// What is wrong with the definition in itself.
    pub fn check(&self) -> Invalid {
        let mut invalid = Invalid::new();
        check_text(&mut invalid, "/title", &self.title, 1, 300);
        check_text(&mut invalid, "/definition", &self.definition, 0, 4000);
        if let Some(number) = &self.national_indicator {
            check_text(&mut invalid, "/national_indicator", number, 1, 20);
        }
        if let Some(source) = &self.source {
            check_text(&mut invalid, "/source", source, 0, 400);
        }
        check_range(&mut invalid, "/multiplier", self.multiplier, 1, 1_000_000);
        check_range(&mut invalid, "/decimals", self.decimals, 0, 6);
        check_range(&mut invalid, "/collection_lag_days", self.collection_lag_days, 0, 1500);
        if PeriodKind::of(self.frequency, self.calendar).is_none() {
            let parts = match self.calendar {
                Calendar::Financial => "months, quarters, halves and years",
                Calendar::Academic => "months, terms and years",
                Calendar::Calendar => "months, quarters and years",
            };
            invalid.at("/frequency", "no_such_period", format!("this calendar has {parts}"));
        }
        if self.standardised && !matches!(self.unit, Unit::Percentage | Unit::Rate | Unit::Ratio | Unit::Score) {
            let detail = "only a percentage, a rate, a ratio or a score can be standardised";
            invalid.at("/standardised", "standardised_does_not_fit", detail);
        }
        if self.steady_margin < Figure::ZERO {
            invalid.at("/steady_margin", "out_of_range", "a margin is not negative");
        }
        if let (Some(least), Some(most)) = (self.valid_min, self.valid_max)
            && least > most
        {
            invalid.at("/valid_min", "range_reversed", "`valid_min` is above `valid_max`");
        }
        if let (Some(from), Some(to)) = (self.in_force_from, self.in_force_to)
            && from > to
        {
            invalid.at("/in_force_to", "ends_before_start", "it would be withdrawn before it is in force");
        }
        if let Some(tolerance) = self.tolerance {
            tolerance.check(&mut invalid, "/tolerance");
        }
        if self.contributors.len() > 100 {
            invalid.at("/contributors", "wrong_length", "at most 100 organisations contribute");
        }
        check_distinct(&mut invalid, "/contributors", &self.contributors);
        self.check_profile(&mut invalid);
        if let Some(baseline) = self.baseline {
            let kind = baseline.period.0.kind();
            if kind != self.period_kind() && kind != PeriodKind::year_of(self.calendar) {
                invalid.at(
                    "/baseline/period",
                    "other_period_kind",
                    format!("a baseline is of a {} or of a year of the same calendar", self.period_kind().words()),
                );
            }
        }
        if let Formula::Gap { of, group, comparator } = &self.formula {
            if of == &self.code {
                invalid.at("/formula/of", "refers_to_itself", "a gap is computed from another KPI");
            }
            if group == comparator {
                invalid.at("/formula/comparator", "same_group", "a gap lies between two different groups");
            }
        }
        invalid
    }

    fn check_profile(&self, invalid: &mut Invalid) {
        let flows = matches!(self.aggregation, Aggregation::InPeriod | Aggregation::YearToDate);
        if matches!(self.profile, Some(Profile::Even | Profile::Weighted)) && !flows {
            invalid.at(
                "/profile",
                "profile_does_not_fit",
                "only in-period and year-to-date figures are shares of a year; use `held` or `linear`",
            );
        }
        if self.profile == Some(Profile::Weighted) {
            let parts = usize::try_from(self.period_kind().per_year()).unwrap_or(0);
            let sum = self.weights.iter().fold(Figure::ZERO, |sum, weight| sum + *weight);
            if self.weights.len() != parts {
                let weights = counted(parts, "weight", "weights");
                invalid.at("/weights", "wrong_length", format!("give {weights}, one for each part of the year"));
            } else if sum != Figure::small(1) || self.weights.iter().any(|weight| *weight < Figure::ZERO) {
                invalid.at(
                    "/weights",
                    "weights_do_not_sum",
                    format!("the weights sum to {sum}; they must be 0 or more and sum to exactly 1"),
                );
            }
        } else if !self.weights.is_empty() {
            invalid.at("/weights", "weights_without_profile", "weights go with the profile `weighted`; leave them out");
        }
    }
}

/// Puts commas between the thousands of a plain number.
pub fn grouped(number: &str) -> String {
    let (sign, rest) = number.strip_prefix('-').map_or(("", number), |rest| ("-", rest));
    let (whole, fraction) = rest.split_once('.').map_or((rest, None), |(whole, fraction)| (whole, Some(fraction)));
    let mut out = sign.to_owned();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if let Some(fraction) = fraction {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::document::Document;
    use serde_json::json;

    /// A sound KPI, changed by the members given.
    #[expect(clippy::needless_pass_by_value, reason = "it reads better with json! at the call")]
    pub(crate) fn kpi(changes: serde_json::Value) -> Kpi {
        let mut members = json!({
            "code": "NI-117", "title": "NEET", "priority": "p-1", "unit": "percentage", "polarity": "lower_is_better",
            "frequency": "quarter", "calendar": "financial", "aggregation": "snapshot",
        });
        members.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        Kpi::parse(members.as_object().unwrap().clone()).unwrap()
    }

    #[test]
    fn what_has_a_default_may_be_left_out() {
        let percentage = kpi(json!({}));
        assert_eq!((percentage.multiplier, percentage.decimals, percentage.collection_lag_days), (100, 1, 30));
        assert_eq!(kpi(json!({"unit": "count"})).multiplier, 1);
        assert_eq!(percentage.check(), Invalid::new());
    }

    #[test]
    fn every_fault_of_shape_is_found_at_once() {
        let members = json!({"code": "a b", "title": 7, "unit": "percent", "polarty": "none", "weights": [1, "x"], "formula": {"kind": "gap"}});
        let invalid = Kpi::parse(members.as_object().unwrap().clone()).unwrap_err();
        let found: Vec<_> = invalid.violations().iter().map(|v| (v.pointer.as_deref().unwrap(), v.code)).collect();
        assert_eq!(
            found,
            [
                ("/code", "wrong_shape"),
                ("/title", "wrong_shape"),
                ("/priority", "missing"),
                ("/unit", "wrong_shape"),
                ("/polarity", "missing"),
                ("/frequency", "missing"),
                ("/calendar", "missing"),
                ("/aggregation", "missing"),
                ("/weights/1", "wrong_shape"),
                ("/formula", "wrong_shape"),
                ("/polarty", "unknown_member"),
            ]
        );
    }

    #[test]
    fn every_fault_of_sense_is_found_at_once() {
        let odd = kpi(json!({
            "title": "", "frequency": "quarter", "calendar": "academic", "decimals": 7, "profile": "even", "weights": [1],
            "unit": "count", "standardised": true,
            "valid_min": 5, "valid_max": 1, "in_force_from": "2010-01-01", "in_force_to": "2009-01-01",
            "contributors": ["a", "a"], "formula": {"kind": "gap", "of": "NI-117", "group": "x", "comparator": "x"},
        }));
        let codes: Vec<_> = odd.check().into_violations().into_iter().map(|violation| violation.code).collect();
        for code in [
            "too_short",
            "no_such_period",
            "out_of_range",
            "profile_does_not_fit",
            "weights_without_profile",
            "standardised_does_not_fit",
            "range_reversed",
            "ends_before_start",
            "named_twice",
            "refers_to_itself",
            "same_group",
        ] {
            assert!(codes.contains(&code), "{code} in {codes:?}");
        }
    }

    #[test]
    fn a_document_survives_being_stored() {
        let kpi = kpi(
            json!({"weights": [0.4, 0.1, 0.1, 0.4], "profile": "weighted", "aggregation": "year_to_date", "baseline": {"period": "FY2008-09", "value": 5.25}, "tolerance": {"kind": "points", "value": 1.5}}),
        );
        let text = serde_json::to_string(&kpi.members()).unwrap();
        assert_eq!(Kpi::parse(serde_json::from_str(&text).unwrap()), Ok(kpi));
    }

    #[test]
    fn figures_read_as_people_write_them() {
        let words = |changes, figure: &str| kpi(changes).in_words(figure.parse().unwrap());
        assert_eq!(words(json!({}), "4.51"), "4.5 %");
        assert_eq!(words(json!({"unit": "count", "decimals": 0}), "1204"), "1,204");
        assert_eq!(words(json!({"unit": "rate", "multiplier": 100_000}), "83.46"), "83.5 per 100,000");
        assert_eq!(words(json!({"unit": "currency", "decimals": 2}), "-1234567.5"), "-£1,234,567.50");
    }
}
