//! Status policies (docs/rules.md section 4): data, versioned, never code. A policy says how far short of its target a
//! figure may fall and what the grades are called; [`Policy::grade`] gives a variance its band.

use serde::{Deserialize, Serialize};

use super::check::check_text;
use super::ids::PolicyCode;
use super::invalid::Invalid;
use super::number::{Figure, Limit, Multiple};
use crate::document;
use crate::names;

/// What a tolerance counts in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(description = "What a tolerance counts in: `percent` of the target, or `points` of the KPI's own unit.")]
pub enum Basis {
    /// Percent of the target.
    Percent,
    /// The KPI's own unit.
    Points,
}

/// How far short of the target is still amber.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(description = "How far short of its target a figure may fall before the amber band ends.")]
pub struct Tolerance {
    /// What the value counts in.
    pub kind: Basis,
    /// The amber limit: 0 to 1,000 percent, or 0 to 1,000,000,000 points, with at most 4 decimal places.
    #[schema(value_type = Limit)]
    pub value: Figure,
}

impl Tolerance {
    pub(super) fn check(&self, invalid: &mut Invalid, pointer: &str) {
        let most = match self.kind {
            Basis::Percent => 1000,
            Basis::Points => 1_000_000_000,
        };
        if self.value < Figure::ZERO || self.value > Figure::small(most) || self.value.rounded(4) != self.value {
            invalid.at(
                format!("{pointer}/value"),
                "out_of_range",
                format!("a tolerance lies between 0 and {most} and has at most 4 decimal places"),
            );
        }
    }
}

/// Which figures are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(
    description = "Which figure is compared with the target: as `reported`, rounded to the KPI's decimals, or `exact`."
)]
pub enum Compare {
    /// The figure as pages show it.
    Reported,
    /// The figure as it was given or computed.
    Exact,
}

names! {
    /// How a KPI is doing against its target, from best to worst.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
    #[schema(description = "How a KPI is doing against its target.")]
    pub enum Status {
        /// On or better than the target, as the policy says.
        OnTrack = "on_track",
        /// Short of the target, but within the policy's limit.
        AtRisk = "at_risk",
        /// Short of the target by more.
        OffTrack = "off_track",
        /// No status is given; the reason says why.
        NotAssessed = "not_assessed",
    }
}

impl Status {
    /// As a person says it.
    pub fn words(self) -> &'static str {
        match self {
            Self::OnTrack => "on track",
            Self::AtRisk => "at risk",
            Self::OffTrack => "off track",
            Self::NotAssessed => "not assessed",
        }
    }
}

impl std::str::FromStr for Status {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::named(text)
            .ok_or_else(|| "is not a status; the statuses are on_track, at_risk, off_track and not_assessed".to_owned())
    }
}

/// A condition beside the variance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(
    description = "A further condition of a band: `held_or_improving_on_year`, no worse than the same period a year before."
)]
pub enum When {
    /// The long travel is improving or no change; nothing to compare with is neither.
    HeldOrImprovingOnYear,
}

/// One grade of a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(description = "One grade of a policy; the bands are in order from best to worst.")]
pub struct Band {
    /// The band's code, lower-case letters, digits and underscores.
    #[schema(pattern = "^[a-z][a-z0-9_]{0,31}$", example = "amber")]
    pub code: String,
    /// What pages call it; 1 to 40 characters.
    #[schema(min_length = 1, max_length = 40, example = "Amber")]
    pub label: String,
    /// The status it means.
    pub status: Status,
    /// The variance it begins at, as a multiple of the amber limit: -10 to 10 with at most 2 decimal places; `null` for
    /// any variance. The worst band has none.
    #[serde(default)]
    #[schema(value_type = Option<Multiple>)]
    pub from: Option<Figure>,
    /// A further condition.
    #[serde(default)]
    pub when: Option<When>,
}

document! {
    /// A status policy.
    #[schema(description = "A status policy: how far short of its target a figure may fall, and what the grades are called. A change makes the next version.")]
    pub struct Policy / PolicyDraft / PolicyChange {
        /// The policy's code.
        #[schema(example = "rag")]
        code: PolicyCode,
        /// What it is called; 1 to 200 characters.
        #[schema(min_length = 1, max_length = 200, example = "Red, amber, green within 10 percent")]
        title: String,
        /// The amber limit of KPIs that have none of their own.
        tolerance: Tolerance,
        /// Which figure is compared with the target.
        compare: Compare = Compare::Reported,
        /// The grades from best to worst: 1 to 10.
        #[schema(min_items = 1, max_items = 10)]
        bands: Vec<Band>,
    }
}

impl Policy {
    /// What is wrong with the policy in itself. The order that is asked for here is what makes a better figure never
    /// get a worse status.
    pub fn check(&self) -> Invalid {
        let mut invalid = Invalid::new();
        check_text(&mut invalid, "/title", &self.title, 1, 200);
        self.tolerance.check(&mut invalid, "/tolerance");
        if self.bands.is_empty() || self.bands.len() > 10 {
            invalid.at("/bands", "wrong_length", "a policy has 1 to 10 bands");
        }
        let last = self.bands.len().saturating_sub(1);
        let mut lowest: Option<Figure> = None;
        for (place, band) in self.bands.iter().enumerate() {
            let at = |member: &str| format!("/bands/{place}/{member}");
            let well_formed = band.code.len() <= 32
                && band.code.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
                && band.code.bytes().next().is_some_and(|first| first.is_ascii_lowercase());
            if !well_formed {
                invalid.at(at("code"), "not_a_code", "lower-case letters, digits and underscores, at most 32");
            }
            let earlier = self.bands.get(..place).unwrap_or_default();
            if earlier.iter().any(|other| other.code == band.code) {
                invalid.at(at("code"), "named_twice", format!("the band `{}` is there twice", band.code));
            }
            check_text(&mut invalid, &at("label"), &band.label, 1, 40);
            if band.status == Status::NotAssessed {
                invalid.at(at("status"), "not_a_grade", "a band means on_track, at_risk or off_track");
            }
            if earlier.last().is_some_and(|better| better.status > band.status) {
                invalid.at(
                    at("status"),
                    "bands_out_of_order",
                    "a band must not have a better status than one before it",
                );
            }
            if let Some(from) = band.from {
                if from.abs() > Figure::small(10) || from.rounded(2) != from {
                    invalid.at(at("from"), "out_of_range", "between -10 and 10 with at most 2 decimal places");
                }
                if lowest.is_some_and(|lowest| from >= lowest) {
                    invalid.at(at("from"), "bands_out_of_order", "each band begins below the one before it");
                }
                lowest = Some(from);
            }
            match (place == last, band.from, band.when) {
                (true, None, None) => {}
                (true, ..) => {
                    invalid.at(
                        at("from"),
                        "worst_band_is_open",
                        "the worst band takes all that is left: `from` and `when` are null",
                    );
                }
                (false, None, None) => {
                    invalid.at(at("from"), "missing", "every band but the worst has a `from` or a `when`");
                }
                (false, ..) => {}
            }
        }
        invalid
    }

    /// The bands a figure with this variance falls to, and its neighbours (rules 7 and 8 of section 4).
    pub fn grade(&self, variance: Figure, limit: AmberLimit, held_or_improving: bool) -> Option<&Band> {
        let chosen = self.bands.iter().find(|band| {
            let far_enough = match band.from {
                // With no amber limit every multiple of it is the target itself: above and on it the best band that
                // does not ask for more than the target, below it only those that have no multiple.
                Some(from) if limit.is_zero() => from <= Figure::ZERO && variance >= Figure::ZERO,
                Some(from) => limit.reached(variance, from),
                None => true,
            };
            far_enough && band.when.is_none_or(|When::HeldOrImprovingOnYear| held_or_improving)
        });
        chosen.or(self.bands.last())
    }
}

/// How far below its target a figure is still amber, held exactly: in units of 10^-16, so that a percentage with four
/// decimal places of a figure with ten loses nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AmberLimit(i128);

impl AmberLimit {
    /// A limit in the KPI's own unit.
    pub fn points(limit: Figure) -> Self {
        Self(limit.abs().units() * 1_000_000)
    }

    /// A limit in percent of a target; the tolerance has at most four decimal places.
    pub fn percent(target: Figure, percent: Figure) -> Self {
        // (10^-10) x (10^-4) x (1/100) = 10^-16
        Self(target.abs().units() * (percent.units() / 1_000_000))
    }

    /// Whether a figure short of its target has no margin at all.
    pub fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Whether `from` times the limit is at most the variance, exactly.
    fn reached(self, variance: Figure, from: Figure) -> bool {
        // `from` has at most two decimal places: as hundredths the product fits an i128.
        (from.units() / 100_000_000) * self.0 <= variance.units() * 1_000_000 * 100
    }

    /// `from` times the limit, held to ten decimal places.
    pub fn at(self, from: Figure) -> Option<Figure> {
        super::number::divide_half_even((from.units() / 100_000_000) * self.0, 100_000_000).and_then(Figure::from_units)
    }

    /// The limit itself, held to ten decimal places.
    pub fn figure(self) -> Option<Figure> {
        super::number::divide_half_even(self.0, 1_000_000).and_then(Figure::from_units)
    }
}

/// The policies that every plan is made with.
pub fn shipped() -> Vec<Policy> {
    use super::document::Document;
    // The file is part of the binary and a test reads it: a policy that does not parse cannot ship.
    let documents: Vec<serde_json::Map<String, serde_json::Value>> =
        serde_json::from_str(include_str!("policies.json")).unwrap_or_default();
    documents.into_iter().filter_map(|members| Policy::parse(members).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_shipped_policies_are_sound() {
        let shipped = shipped();
        let codes: Vec<&str> = shipped.iter().map(|policy| policy.code.as_str()).collect();
        assert_eq!(codes, ["rag", "rag-points", "five-band", "improving"]);
        for policy in shipped {
            assert_eq!(policy.check(), Invalid::new(), "{}", policy.code);
        }
    }

    #[test]
    fn every_fault_of_a_policy_is_found_at_once() {
        let mut policy = shipped().remove(0);
        policy.title = " ".into();
        policy.tolerance.value = "-1".parse().unwrap();
        policy.bands[0].from = None;
        policy.bands[1].code = "Amber!".into();
        policy.bands[1].status = Status::NotAssessed;
        policy.bands[2].from = Some("-2".parse().unwrap());
        let invalid = policy.check();
        let codes: Vec<&str> = invalid.violations().iter().map(|violation| violation.code).collect();
        assert_eq!(
            codes,
            [
                "too_short",
                "out_of_range",
                "missing",
                "not_a_code",
                "not_a_grade",
                "bands_out_of_order",
                "worst_band_is_open"
            ]
        );
    }

    #[test]
    fn a_band_with_only_a_condition_is_tried_where_there_is_no_limit() {
        let improving = shipped().remove(3);
        let none = AmberLimit::percent(Figure::ZERO, Figure::small(10));
        let band = |variance: &str, held| improving.grade(variance.parse().unwrap(), none, held).unwrap().code.clone();
        assert_eq!((band("0", false), band("1", false)), ("green".to_owned(), "green".to_owned()));
        assert_eq!((band("-1", true), band("-1", false)), ("amber".to_owned(), "red".to_owned()));
        // One that has a multiple as well is skipped: a multiple of nothing.
        let mut both = improving.clone();
        both.bands[1].from = Some("-2".parse().unwrap());
        assert_eq!(both.grade("-1".parse().unwrap(), none, true).unwrap().code, "red");
        let rag = shipped().remove(0);
        assert_eq!(rag.grade("-1".parse().unwrap(), none, true).unwrap().code, "red");
    }

    proptest! {
        #[test]
        fn a_better_variance_never_gets_a_worse_band(
            which in 0_usize..4, a in -10_i64.pow(6)..10_i64.pow(6), b in -10_i64.pow(6)..10_i64.pow(6),
            limit in 0_i64..10_i64.pow(5), held in any::<bool>(),
        ) {
            let policy = &shipped()[which];
            let place = |variance: i64| {
                let band = policy.grade(Figure::whole(variance).unwrap(), AmberLimit::points(Figure::whole(limit).unwrap()), held);
                policy.bands.iter().position(|other| Some(other) == band).unwrap()
            };
            prop_assert!(place(a.max(b)) <= place(a.min(b)));
        }
    }
}
