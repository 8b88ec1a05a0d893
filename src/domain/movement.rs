//! What moved between two frozen reports. It is read off what they hold, through lenses that see no more than is compared
//! here, so that a report frozen by an older version of this program stays comparable.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::assess::Assessment;
use super::ids::{KpiCode, PolicyCode};
use super::period::{Period, PeriodKey};
use super::policy::{Policy, Status};

/// A frozen report as far as it is compared.
#[derive(Clone, Debug, Deserialize)]
pub struct Frozen {
    status_report: FrozenStatusReport,
    policies: Vec<FrozenPolicy>,
}

#[derive(Clone, Debug, Deserialize)]
struct FrozenStatusReport {
    outcome_areas: Vec<FrozenArea>,
}

#[derive(Clone, Debug, Deserialize)]
struct FrozenArea {
    priorities: Vec<FrozenPriority>,
}

#[derive(Clone, Debug, Deserialize)]
struct FrozenPriority {
    kpis: Vec<FrozenAssessment>,
}

#[derive(Clone, Debug, Deserialize)]
struct FrozenAssessment {
    kpi: KpiCode,
    title: String,
    period: FrozenPeriod,
    status: Status,
    band: Option<String>,
    #[serde(default)]
    band_label: Option<String>,
    reason: Option<String>,
    data_state: String,
    reported_text: Option<String>,
    policy: FrozenApplied,
}

#[derive(Clone, Debug, Deserialize)]
struct FrozenPeriod {
    key: PeriodKey,
}

#[derive(Clone, Debug, Deserialize)]
struct FrozenApplied {
    code: PolicyCode,
}

#[derive(Clone, Debug, Deserialize)]
struct FrozenPolicy {
    code: PolicyCode,
    version: i32,
    bands: Vec<FrozenBand>,
}

#[derive(Clone, Debug, Deserialize)]
struct FrozenBand {
    code: String,
}

impl Frozen {
    /// Reads what a frozen report holds.
    ///
    /// # Errors
    /// If it does not hold what every report does.
    pub fn read(content: &str) -> serde_json::Result<Self> {
        serde_json::from_str(content)
    }

    /// A report as it would be frozen, as far as it is compared: its assessments, and the policies that graded them with their
    /// versions.
    pub fn of<'a>(
        assessments: impl IntoIterator<Item = &'a Assessment>,
        policies: impl IntoIterator<Item = (&'a Policy, i32)>,
    ) -> Self {
        let kpis = assessments.into_iter().map(FrozenAssessment::of).collect();
        let policies = policies.into_iter().map(|(policy, version)| FrozenPolicy {
            code: policy.code.clone(),
            version,
            bands: policy.bands.iter().map(|band| FrozenBand { code: band.code.clone() }).collect(),
        });
        let areas = vec![FrozenArea { priorities: vec![FrozenPriority { kpis }] }];
        Self { status_report: FrozenStatusReport { outcome_areas: areas }, policies: policies.collect() }
    }

    /// How many KPIs are on track in it, and how many are assessed.
    pub fn on_track(&self) -> (usize, usize) {
        let shown = self.in_force();
        let with = |is: fn(&FrozenAssessment) -> bool| shown.values().filter(|one| is(one)).count();
        (with(|one| one.status == Status::OnTrack), with(FrozenAssessment::is_assessed))
    }

    /// The assessments by KPI; one that is not in force in its period is no more in the report than one that is not there.
    fn in_force(&self) -> BTreeMap<&KpiCode, &FrozenAssessment> {
        let areas = self.status_report.outcome_areas.iter();
        let kpis = areas.flat_map(|area| &area.priorities).flat_map(|priority| &priority.kpis);
        kpis.filter(|one| one.reason.as_deref() != Some("not_applicable")).map(|one| (&one.kpi, one)).collect()
    }

    fn policy(&self, code: &PolicyCode) -> Option<&FrozenPolicy> {
        self.policies.iter().find(|policy| &policy.code == code)
    }
}

/// Which way a KPI went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(description = "Which way a KPI went.")]
pub enum Way {
    /// To a better status, or a better band of the same one.
    Better,
    /// To a worse status, or a worse band of the same one.
    Worse,
}

/// A KPI's status in one of the reports.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(description = "A KPI's status in one of the two reports.")]
pub struct FrozenStanding {
    /// The period assessed.
    pub period: Period,
    /// Its status.
    pub status: Status,
    /// The code of the policy's band.
    #[schema(required = true, example = "high_green")]
    pub band: Option<String>,
    /// What pages called the band.
    #[schema(required = true, example = "High Green")]
    pub band_label: Option<String>,
    /// The reported figure with its unit.
    #[schema(required = true, example = "4.5 %")]
    pub reported_text: Option<String>,
}

/// A KPI that crossed into another band.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(description = "A KPI that crossed into another status, or into another band of the same one.")]
pub struct Crossing {
    /// The KPI's code.
    pub kpi: KpiCode,
    /// Its title in the later report.
    #[schema(example = "16 to 18 year olds who are not in education, employment or training")]
    pub title: String,
    /// Its status in the earlier report.
    pub from: FrozenStanding,
    /// Its status in the later one.
    pub to: FrozenStanding,
    /// Which way it went.
    pub direction: Way,
}

/// A KPI that has a status in one of the reports only.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(description = "A KPI that has a status in one of the two reports only.")]
pub struct AssessedInOne {
    /// The KPI's code.
    pub kpi: KpiCode,
    /// Its title in the later report.
    #[schema(example = "16 to 18 year olds who are not in education, employment or training")]
    pub title: String,
    /// Its status in the earlier report.
    pub from: FrozenStanding,
    /// Its status in the later one.
    pub to: FrozenStanding,
}

/// A KPI whose figure is overdue in the later report.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(description = "A KPI whose figure is overdue in the later report, and was not in the earlier one.")]
pub struct NewlyOverdue {
    /// The KPI's code.
    pub kpi: KpiCode,
    /// Its title.
    #[schema(example = "16 to 18 year olds who are not in education, employment or training")]
    pub title: String,
    /// The period whose figure is overdue.
    pub period: Period,
}

/// A KPI by its code and title.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(description = "A KPI by its code and title.")]
pub struct NamedKpi {
    /// The KPI's code.
    pub kpi: KpiCode,
    /// Its title.
    #[schema(example = "16 to 18 year olds who are not in education, employment or training")]
    pub title: String,
}

/// A policy that grades otherwise in the later report.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(
    description = "A policy of which the later report uses another version, or that grades in one of the two only."
)]
pub struct PolicyChanged {
    /// The policy's code.
    pub code: PolicyCode,
    /// Its version in the earlier report; `null` if it graded nothing there.
    #[schema(required = true, minimum = 1, example = 1)]
    pub from_version: Option<i32>,
    /// Its version in the later report; `null` if it grades nothing there.
    #[schema(required = true, minimum = 1, example = 2)]
    pub to_version: Option<i32>,
}

/// What moved between two frozen reports by what they hold.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(description = "What moved between two frozen reports by what they hold; each list by code.")]
pub struct Movement {
    /// The KPIs with a status in both that crossed into another status or band.
    pub crossed: Vec<Crossing>,
    /// Those in both that have a status in the later report only.
    pub newly_assessed: Vec<AssessedInOne>,
    /// Those in both that had a status in the earlier report only.
    pub no_longer_assessed: Vec<AssessedInOne>,
    /// Those whose figure is overdue in the later report, and was not in the earlier one.
    pub newly_overdue: Vec<NewlyOverdue>,
    /// Those in the later report only, or in force in it only.
    pub new_kpis: Vec<NamedKpi>,
    /// Those in the earlier report only, or in force in it only.
    pub withdrawn_kpis: Vec<NamedKpi>,
    /// The policies that grade differently, or in one of the reports only.
    pub policies_changed: Vec<PolicyChanged>,
}

impl FrozenAssessment {
    fn of(one: &Assessment) -> Self {
        Self {
            kpi: one.kpi.clone(),
            title: one.title.clone(),
            period: FrozenPeriod { key: PeriodKey(one.period) },
            status: one.status,
            band: one.band.clone(),
            band_label: one.band_label.clone(),
            reason: one.reason.map(|reason| reason.as_str().to_owned()),
            data_state: one.data_state.as_str().to_owned(),
            reported_text: one.reported_text.clone(),
            policy: FrozenApplied { code: one.policy.code.clone() },
        }
    }

    fn standing(&self) -> FrozenStanding {
        FrozenStanding {
            period: self.period.key.0,
            status: self.status,
            band: self.band.clone(),
            band_label: self.band_label.clone(),
            reported_text: self.reported_text.clone(),
        }
    }

    fn named(&self) -> NamedKpi {
        NamedKpi { kpi: self.kpi.clone(), title: self.title.clone() }
    }

    fn is_assessed(&self) -> bool {
        self.status != Status::NotAssessed
    }

    fn is_overdue(&self) -> bool {
        self.data_state == "overdue"
    }
}

/// What moved from an earlier report to a later one.
pub fn movement(from: &Frozen, to: &Frozen) -> Movement {
    let (earlier, later) = (from.in_force(), to.in_force());
    let mut moved = Movement {
        crossed: Vec::new(),
        newly_assessed: Vec::new(),
        no_longer_assessed: Vec::new(),
        newly_overdue: Vec::new(),
        new_kpis: Vec::new(),
        withdrawn_kpis: earlier
            .iter()
            .filter(|(code, _)| !later.contains_key(*code))
            .map(|(_, one)| one.named())
            .collect(),
        policies_changed: policies_changed(from, to),
    };
    for (code, now) in &later {
        let before = earlier.get(code);
        let was_overdue = before.is_some_and(|before| before.is_overdue() && before.period.key == now.period.key);
        if now.is_overdue() && !was_overdue {
            let NamedKpi { kpi, title } = now.named();
            moved.newly_overdue.push(NewlyOverdue { kpi, title, period: now.period.key.0 });
        }
        let Some(before) = before else {
            moved.new_kpis.push(now.named());
            continue;
        };
        let NamedKpi { kpi, title } = now.named();
        let (stood, stands) = (before.standing(), now.standing());
        match (before.is_assessed(), now.is_assessed()) {
            (true, true) => {
                if let Some(direction) = direction(before, now, to) {
                    moved.crossed.push(Crossing { kpi, title, from: stood, to: stands, direction });
                }
            }
            (false, true) => moved.newly_assessed.push(AssessedInOne { kpi, title, from: stood, to: stands }),
            (true, false) => moved.no_longer_assessed.push(AssessedInOne { kpi, title, from: stood, to: stands }),
            (false, false) => {}
        }
    }
    moved
}

/// Which way a KPI went: by its status first, then by the place of its band in the later report's policy. Bands of two
/// policies do not compare, nor does one that the policy no longer has.
fn direction(before: &FrozenAssessment, now: &FrozenAssessment, to: &Frozen) -> Option<Way> {
    let place = |one: &FrozenAssessment| {
        let same = before.policy.code == now.policy.code;
        let policy = to.policy(&now.policy.code).filter(|_| same)?;
        policy.bands.iter().position(|band| Some(&band.code) == one.band.as_ref())
    };
    // From best to worst, as `Status` itself is.
    let order = now.status.cmp(&before.status).then_with(|| match (place(now), place(before)) {
        (Some(now), Some(before)) => now.cmp(&before),
        _ => std::cmp::Ordering::Equal,
    });
    match order {
        std::cmp::Ordering::Less => Some(Way::Better),
        std::cmp::Ordering::Equal => None,
        std::cmp::Ordering::Greater => Some(Way::Worse),
    }
}

fn policies_changed(from: &Frozen, to: &Frozen) -> Vec<PolicyChanged> {
    let mut versions: BTreeMap<&PolicyCode, (Option<i32>, Option<i32>)> = BTreeMap::new();
    for policy in &from.policies {
        versions.entry(&policy.code).or_default().0 = Some(policy.version);
    }
    for policy in &to.policies {
        versions.entry(&policy.code).or_default().1 = Some(policy.version);
    }
    let changed = versions.into_iter().filter(|(_, (from_version, to_version))| from_version != to_version);
    changed
        .map(|(code, (from_version, to_version))| PolicyChanged { code: code.clone(), from_version, to_version })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    /// An assessment in a report, on track in the best of three bands but for the changes.
    fn stands(kpi: &str, changes: Value) -> Value {
        let mut one = json!({
            "kpi": kpi, "title": kpi, "period": {"key": "FY2009-10-Q1", "label": "Q1", "later": true},
            "status": "on_track", "band": "high_green", "reason": null, "data_state": "final",
            "reported_text": "4.5 %", "policy": {"code": "five-band", "version": 1}, "later": [1],
        });
        if let Value::Object(changes) = changes {
            one.as_object_mut().unwrap().extend(changes);
        }
        one
    }

    fn frozen(version: i32, kpis: &[Value]) -> Frozen {
        let bands = json!([{"code": "high_green"}, {"code": "green"}, {"code": "amber", "later": 1}]);
        let content = json!({
            "id": "later", "status_report": {"outcome_areas": [{"priorities": [{"kpis": kpis}]}]},
            "policies": [{"code": "five-band", "version": version, "bands": bands}],
        });
        Frozen::read(&content.to_string()).unwrap()
    }

    fn way(from: Value, to: Value) -> Option<Way> {
        let (from, to) = ([stands("NI-1", from)], [stands("NI-1", to)]);
        movement(&frozen(1, &from), &frozen(1, &to)).crossed.first().map(|crossing| crossing.direction)
    }

    #[test]
    fn status_tells_which_way_and_then_the_band() {
        let amber = || json!({"status": "at_risk", "band": "amber"});
        let red = || json!({"status": "off_track", "band": "red"});
        let green = || json!({"band": "green"});
        assert_eq!(way(amber(), json!({})), Some(Way::Better));
        assert_eq!(way(amber(), red()), Some(Way::Worse));
        assert_eq!(way(green(), json!({})), Some(Way::Better));
        assert_eq!(way(json!({}), green()), Some(Way::Worse));
        assert_eq!(way(amber(), amber()), None);
    }

    #[test]
    fn bands_of_two_policies_do_not_compare() {
        let rag = json!({"band": "green", "policy": {"code": "rag"}});
        assert_eq!(way(rag, json!({})), None);
        assert_eq!(way(json!({"band": "gone"}), json!({})), None);
        let rag = json!({"band": "red", "status": "off_track", "policy": {"code": "rag"}});
        assert_eq!(way(rag, json!({})), Some(Way::Better), "their statuses do");
    }

    #[test]
    fn a_status_won_or_lost_is_no_crossing() {
        let none = || json!({"status": "not_assessed", "band": null, "reason": "no_reading", "data_state": "awaited"});
        let moved = movement(
            &frozen(1, &[stands("NI-1", none()), stands("NI-2", json!({})), stands("NI-3", none())]),
            &frozen(1, &[stands("NI-1", json!({})), stands("NI-2", none()), stands("NI-3", none())]),
        );
        assert_eq!(moved.crossed, []);
        let codes = |list: &[AssessedInOne]| list.iter().map(|one| one.kpi.to_string()).collect::<Vec<_>>();
        assert_eq!(
            (codes(&moved.newly_assessed), codes(&moved.no_longer_assessed)),
            (vec!["NI-1".into()], vec!["NI-2".into()])
        );
    }

    #[test]
    fn what_is_not_in_force_is_not_there() {
        let out = || json!({"status": "not_assessed", "reason": "not_applicable"});
        let moved = movement(
            &frozen(1, &[stands("NI-1", out()), stands("NI-2", json!({})), stands("NI-3", json!({}))]),
            &frozen(2, &[stands("NI-1", json!({})), stands("NI-2", out()), stands("NI-4", json!({}))]),
        );
        let codes = |list: &[NamedKpi]| list.iter().map(|one| one.kpi.to_string()).collect::<Vec<_>>();
        assert_eq!(codes(&moved.new_kpis), ["NI-1", "NI-4"]);
        assert_eq!(codes(&moved.withdrawn_kpis), ["NI-2", "NI-3"]);
        assert_eq!((moved.newly_assessed.len(), moved.no_longer_assessed.len()), (0, 0));
        let code = "five-band".parse().unwrap();
        assert_eq!(moved.policies_changed, [PolicyChanged { code, from_version: Some(1), to_version: Some(2) }]);
    }

    #[test]
    fn a_figure_is_newly_overdue_once() {
        let overdue = |period: &str| {
            let period = json!({"key": period});
            json!({"status": "not_assessed", "reason": "no_reading", "data_state": "overdue", "period": period})
        };
        let at = |period: &str| frozen(1, &[stands("NI-1", overdue(period))]);
        assert_eq!(movement(&at("FY2009-10-Q1"), &at("FY2009-10-Q1")).newly_overdue, []);
        assert_eq!(movement(&at("FY2009-10-Q1"), &at("FY2009-10-Q2")).newly_overdue.len(), 1);
        assert_eq!(movement(&frozen(1, &[]), &at("FY2009-10-Q2")).newly_overdue.len(), 1);
    }
}
