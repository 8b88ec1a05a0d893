//! What the Board should look at: the rules by which a KPI is an exception, and which of two is worse.
//!
//! [`Rule::ALL`] is the table, worst first; [`rules`] says which of them apply, and [`worst_first`] puts exceptions in
//! order. Everything that lists exceptions uses these three.

use std::cmp::Ordering;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::assess::{Assessment, DataState};
use super::number::Figure;
use super::period::{Calendar, Period};
use super::policy::Status;
use super::travel::Direction;
use crate::names;

names! {
    /// A rule by which a KPI is an exception, worst first.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, utoipa::ToSchema)]
    #[schema(description = "A rule by which a KPI is an exception, worst first. More may be added.")]
    pub enum Rule {
        /// Off track.
        OffTrack = "off_track",
        /// Off track, and nobody says why.
        OffTrackWithoutCommentary = "off_track_without_commentary",
        /// Off track, and nobody does anything about it.
        OffTrackWithoutAction = "off_track_without_action",
        /// At risk and getting worse.
        AtRiskAndWorsening = "at_risk_and_worsening",
        /// Expected to end the year worse than its status now.
        ForecastToMiss = "forecast_to_miss",
        /// No figure if one is due.
        Overdue = "overdue",
        /// A figure that had been reported on was changed.
        Restated = "restated",
        /// Something that should have been done by now.
        ActionOverdue = "action_overdue",
    }
}

impl Rule {
    /// What the rule says, in plain words.
    pub fn words(self) -> &'static str {
        match self {
            Self::OffTrack => "The KPI is off track in the period reported on.",
            Self::OffTrackWithoutCommentary => "It is off track, and its figure has no commentary.",
            Self::OffTrackWithoutAction => "It is off track, and no action on it is open.",
            Self::AtRiskAndWorsening => {
                "It is at risk, and has worsened since the period before or since a year before."
            }
            Self::ForecastToMiss => {
                "Its forecast for the year's end is at risk or off track, and worse than its status."
            }
            Self::Overdue => "Its figure was due and has not been reported.",
            Self::Restated => {
                "Its figure has been restated; or, since the period reported on ended, one of an earlier period of the same year or of the year before has."
            }
            Self::ActionOverdue => "An action on it should have been done by now and is still open.",
        }
    }
}

/// What the rules go by: what is known of one KPI in the period reported on.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// How it is doing.
    pub assessment: &'a Assessment,
    /// The status that its forecast for the year's end would have, if there is one.
    pub forecast_status: Option<Status>,
    /// Whether a figure was restated that [`counts_as_restated`].
    pub restated: bool,
    /// Whether its figure has commentary; `None` if the reader may not know that there is none.
    pub commented: Option<bool>,
    /// Whether an action on it is open; `None` if the reader may not know that none is.
    pub acted_on: Option<bool>,
    /// Whether an action on it that the reader may see is overdue.
    pub action_overdue: bool,
}

/// The rules that apply to a KPI, worst first. It is an exception if there is at least one.
pub fn rules(facts: &Facts<'_>) -> Vec<Rule> {
    let one = facts.assessment;
    let off_track = one.status == Status::OffTrack;
    let applies = |rule: &Rule| match rule {
        Rule::OffTrack => off_track,
        Rule::OffTrackWithoutCommentary => off_track && facts.commented == Some(false),
        Rule::OffTrackWithoutAction => off_track && facts.acted_on == Some(false),
        Rule::AtRiskAndWorsening => {
            let worsening = |direction| direction == Some(Direction::Worsening);
            let travel = &one.travel;
            one.status == Status::AtRisk && (worsening(travel.short.direction) || worsening(travel.long.direction))
        }
        // Statuses are ordered from the best to the worst; one that is not assessed is better than none.
        Rule::ForecastToMiss => facts
            .forecast_status
            .is_some_and(|forecast| matches!(forecast, Status::AtRisk | Status::OffTrack) && one.status < forecast),
        Rule::Overdue => one.data_state == DataState::Overdue,
        Rule::Restated => facts.restated,
        Rule::ActionOverdue => facts.action_overdue,
    };
    Rule::ALL.into_iter().filter(applies).collect()
}

/// Whether a restatement at `at` of the figure of `restated` is news in a report on `reported`: of the figure reported
/// always; of an earlier one of the same year or the year before, if it came after the period reported on had ended.
pub fn counts_as_restated(restated: Period, reported: Period, calendar: Calendar, at: DateTime<Utc>) -> bool {
    if restated == reported {
        return true;
    }
    let year = |period: Period| period.year_in(calendar);
    let recent = year(reported).is_some_and(|this| {
        let of = year(restated);
        of == Some(this) || (of.is_some() && of == this.step(-1))
    });
    recent && restated < reported && at > reported.closes_at()
}

/// Which of two exceptions comes first: by the worst rule, then by how many apply, then by how far off it is in multiples
/// of its amber limit, the KPI's code at last.
pub fn worst_first(one: (&[Rule], &Assessment), other: (&[Rule], &Assessment)) -> Ordering {
    // Every exception has a rule; the empty list would come first.
    let worst = one.0.first().cmp(&other.0.first());
    let most = other.0.len().cmp(&one.0.len());
    let furthest = || how_far_off(one.1, other.1);
    worst.then(most).then_with(furthest).then_with(|| one.1.kpi.cmp(&other.1.kpi))
}

/// The lower multiple of the amber limit first, exactly; short of a target that allows no shortfall before all, and what
/// has no such multiple last.
fn how_far_off(one: &Assessment, other: &Assessment) -> Ordering {
    let place = |assessment: &Assessment| match (assessment.variance, assessment.amber_limit) {
        (Some(variance), Some(limit)) if limit > Figure::ZERO => (1, Some((variance, limit))),
        (Some(variance), Some(_)) if variance < Figure::ZERO => (0, None),
        _ => (2, None),
    };
    let ((before, ours), (after, theirs)) = (place(one), place(other));
    let multiples = || ours.zip(theirs).map_or(Ordering::Equal, |(ours, theirs)| Figure::compare_ratios(ours, theirs));
    before.cmp(&after).then_with(multiples)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assess::{self, assess};
    use crate::kpi::tests::kpi;
    use crate::policy::shipped;
    use crate::target::NoTarget;
    use crate::travel::Travel;
    use proptest::prelude::*;
    use serde_json::json;

    /// A KPI of which nothing is known, with a status.
    fn standing(code: &str, status: Status) -> Assessment {
        let kpi = kpi(json!({"code": code}));
        let policy = shipped().into_iter().next().unwrap();
        let blank = assess(&assess::Facts {
            kpi: &kpi,
            policy: &policy,
            policy_version: 1,
            period: "FY2009-10-Q3".parse().unwrap(),
            group: &"all".parse().unwrap(),
            reading: None,
            target: Err(NoTarget::None),
            previous: None,
            year_ago: None,
            due_at: None,
            now: DateTime::UNIX_EPOCH,
            withheld: false,
            precision: crate::precision::Precision::Exact,
            partner: "",
            names_shown: true,
            outlook: assess::Outlook::default(),
            sides: None,
            whole: None,
        });
        Assessment { status, ..blank }
    }

    fn off_by(code: &str, variance: &str, limit: &str) -> Assessment {
        let figure = |text: &str| (!text.is_empty()).then(|| text.parse().unwrap());
        Assessment { variance: figure(variance), amber_limit: figure(limit), ..standing(code, Status::OffTrack) }
    }

    /// A KPI of which all is well but its status.
    fn facts(assessment: &Assessment) -> Facts<'_> {
        Facts {
            assessment,
            forecast_status: None,
            restated: false,
            commented: Some(true),
            acted_on: Some(true),
            action_overdue: false,
        }
    }

    #[test]
    fn each_rule_has_its_own_cause() {
        use Rule::{ActionOverdue, AtRiskAndWorsening, ForecastToMiss, OffTrack, Overdue, Restated};
        for status in [Status::OnTrack, Status::AtRisk, Status::NotAssessed] {
            let one = standing("A", status);
            let facts = Facts { commented: Some(false), acted_on: Some(false), ..facts(&one) };
            assert_eq!(rules(&facts), [], "{status:?} needs neither words nor deeds");
        }
        let off = standing("A", Status::OffTrack);
        assert_eq!(rules(&facts(&off)), [OffTrack]);
        assert_eq!(
            rules(&Facts { commented: Some(false), ..facts(&off) }),
            [OffTrack, Rule::OffTrackWithoutCommentary]
        );
        assert_eq!(rules(&Facts { acted_on: Some(false), ..facts(&off) }), [OffTrack, Rule::OffTrackWithoutAction]);
        assert_eq!(rules(&Facts { commented: None, acted_on: None, ..facts(&off) }), [OffTrack]);
        let worse = || Travel { direction: Some(Direction::Worsening), ..standing("A", Status::AtRisk).travel.short };
        for long in [false, true] {
            for (status, rule) in [(Status::AtRisk, &[AtRiskAndWorsening][..]), (Status::OnTrack, &[])] {
                let mut one = standing("A", status);
                *(if long { &mut one.travel.long } else { &mut one.travel.short }) = worse();
                assert_eq!(rules(&facts(&one)), rule);
            }
        }
        let late = Assessment { data_state: DataState::Overdue, ..standing("A", Status::NotAssessed) };
        assert_eq!(
            rules(&Facts { restated: true, action_overdue: true, ..facts(&late) }),
            [Overdue, Restated, ActionOverdue]
        );
        let to_miss = |status, forecast| {
            let one = standing("A", status);
            rules(&Facts { forecast_status: Some(forecast), ..facts(&one) }).contains(&ForecastToMiss)
        };
        assert!(to_miss(Status::OnTrack, Status::AtRisk) && to_miss(Status::OnTrack, Status::OffTrack));
        assert!(to_miss(Status::AtRisk, Status::OffTrack));
        for (status, forecast) in [
            (Status::OnTrack, Status::OnTrack),
            (Status::OnTrack, Status::NotAssessed),
            (Status::AtRisk, Status::AtRisk),
            (Status::AtRisk, Status::OnTrack),
            (Status::OffTrack, Status::OffTrack),
            (Status::NotAssessed, Status::OffTrack),
        ] {
            assert!(!to_miss(status, forecast), "{status:?}, expected {forecast:?}");
        }
    }

    #[test]
    fn a_restatement_is_news_of_its_year_and_the_one_before() {
        let reported: Period = "FY2009-10-Q3".parse().unwrap();
        let after = reported.closes_at() + chrono::TimeDelta::seconds(1);
        for (restated, at, counts) in [
            ("FY2009-10-Q3", DateTime::UNIX_EPOCH, true),
            ("FY2009-10-Q2", after, true),
            ("FY2009-10-Q2", reported.closes_at(), false),
            ("FY2008-09-Q1", after, true),
            ("FY2007-08-Q4", after, false),
            ("FY2009-10-Q4", after, false),
        ] {
            let restated = restated.parse().unwrap();
            assert_eq!(counts_as_restated(restated, reported, Calendar::Financial, at), counts, "{restated}");
        }
    }

    #[test]
    fn the_worst_rule_comes_first_then_the_most_then_the_furthest_off() {
        let (off, worse) = ([Rule::OffTrack], [Rule::OffTrack, Rule::OffTrackWithoutAction]);
        let risk = [Rule::AtRiskAndWorsening, Rule::Overdue, Rule::Restated];
        let ranked: [(&[Rule], Assessment); 7] = [
            (&worse, off_by("Z", "-1", "10")),
            (&off, off_by("Y", "-0.000001", "0")),
            (&off, off_by("X", "-3", "1")),
            (&off, off_by("V", "-200", "100")),
            (&off, off_by("W", "-2", "1")),
            (&off, off_by("A", "", "")),
            (&risk, off_by("A", "-900", "1")),
        ];
        for (place, one) in ranked.iter().enumerate() {
            for (other_place, other) in ranked.iter().enumerate() {
                let order = worst_first((one.0, &one.1), (other.0, &other.1));
                assert_eq!(order, place.cmp(&other_place), "{} and {}", one.1.kpi, other.1.kpi);
            }
        }
    }

    proptest! {
        #[test]
        fn the_order_is_one(places in proptest::collection::vec((0_usize..8, 1_usize..4, -9_i64..9, 0_i64..4), 3)) {
            let figure = |number: i64| Figure::whole(number);
            let made: Vec<(Vec<Rule>, Assessment)> = places
                .iter()
                .map(|(first, many, variance, limit)| {
                    let rules = Rule::ALL.into_iter().skip(*first).take(*many).collect();
                    let one = standing(&format!("K{variance}"), Status::OffTrack);
                    (rules, Assessment { variance: figure(*variance), amber_limit: figure(*limit), ..one })
                })
                .collect();
            let order = |a: usize, b: usize| worst_first((&made[a].0, &made[a].1), (&made[b].0, &made[b].1));
            prop_assert_eq!(order(0, 1), order(1, 0).reverse());
            if order(0, 1) != Ordering::Greater && order(1, 2) != Ordering::Greater {
                prop_assert!(order(0, 2) != Ordering::Greater);
            }
        }
    }
}
