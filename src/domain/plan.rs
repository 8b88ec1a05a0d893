//! A plan and its framework: organisations, sub-groups, outcome areas and priorities (docs/rules.md section 1).

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::check::{check_distinct, check_range, check_text};
use super::ids::{AreaCode, OrganisationCode, PlanCode, PolicyCode, PriorityCode, SubGroupCode};
use super::invalid::Invalid;
use super::period::Period;
use super::warning::WarningRules;
use crate::document;

/// Who may find a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(description = "Who may find a plan: `private`, those with a grant; `public`, everyone who signs in.")]
pub enum Visibility {
    /// Only those with a grant.
    Private,
    /// Everyone who signs in sees what is published as public.
    Public,
}

/// From which shares of assessed KPIs a headline is on track or at risk (section 8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(description = "From which shares of the assessed KPIs a headline is on track or at risk.")]
pub struct HeadlineRule {
    /// On track if at least this many percent of the assessed KPIs are on track.
    #[serde(default = "seventy_five")]
    #[schema(minimum = 0, maximum = 100, example = 75)]
    pub on_track_percent: u32,
    /// At risk if at least this many percent are on track or at risk.
    #[serde(default = "fifty")]
    #[schema(minimum = 0, maximum = 100, example = 50)]
    pub at_risk_percent: u32,
}

fn seventy_five() -> u32 {
    75
}

fn fifty() -> u32 {
    50
}

impl Default for HeadlineRule {
    fn default() -> Self {
        Self { on_track_percent: seventy_five(), at_risk_percent: fifty() }
    }
}

/// What a return must hold before it is submitted, besides its figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(description = "What a return must hold before it is submitted, besides its figures.")]
pub struct ReturnRules {
    /// Commentary on every figure that is off track.
    #[serde(default = "yes")]
    #[schema(default = true)]
    pub commentary_when_off_track: bool,
    /// An open action for every KPI that is off track twice running.
    #[serde(default = "yes")]
    #[schema(default = true)]
    pub action_when_off_track_twice: bool,
}

fn yes() -> bool {
    true
}

impl Default for ReturnRules {
    fn default() -> Self {
        Self { commentary_when_off_track: yes(), action_when_off_track_twice: yes() }
    }
}

document! {
    /// One partnership's plan and its settings.
    #[schema(description = "One partnership's plan and its settings.")]
    pub struct Plan / PlanDraft / PlanChange {
        /// The plan's code, part of every address below it. It never changes.
        #[schema(example = "harrow-cypp-2009-2011")]
        code: PlanCode,
        /// What the plan is called; 1 to 200 characters.
        #[schema(min_length = 1, max_length = 200, example = "Harrow Children and Young People's Plan 2009-2011")]
        title: String,
        /// The plan's first day.
        #[schema(example = "2009-04-01")]
        starts_on: NaiveDate,
        /// The plan's last day, not before its first.
        #[schema(example = "2011-03-31")]
        ends_on: NaiveDate,
        /// What readers should know; at most 4,000 characters.
        #[schema(max_length = 4000, example = "Every figure is invented for illustration.")]
        description: String = String::new(),
        /// Who may find the plan.
        visibility: Visibility = Visibility::Private,
        /// The status policy of KPIs that name none.
        #[schema(example = "rag")]
        policy: PolicyCode = PolicyCode::rag(),
        /// Figures from 1 to this are small numbers: 5, or 7 for figures derived from the NHS.
        #[schema(minimum = 1, maximum = 20, example = 5)]
        small_number_threshold: u32 = 5,
        /// The shares from which a headline is on track or at risk.
        headline: HeadlineRule = HeadlineRule::default(),
        /// What a return must hold before it is submitted, besides its figures.
        return_rules: ReturnRules = ReturnRules::default(),
        /// When something that was accepted is worth a warning.
        warning_rules: WarningRules = WarningRules::default(),
        /// The plan that this one follows, if it was made as its successor; it cannot be set.
        #[schema(read_only, example = "harrow-cypp-2006-2009")]
        predecessor: Option<PlanCode> = None,
    }
}

document! {
    /// How a plan's successor is made: what is not said here is as the plan has it.
    #[schema(description = "A plan's successor: what is left out here is as in the plan.")]
    pub struct Succession / SuccessorDraft / SuccessorChange {
        /// The new plan's code, which no plan has yet.
        #[schema(example = "harrow-cypp-2011-2014")]
        code: PlanCode,
        /// What the new plan is called; 1 to 200 characters.
        #[schema(min_length = 1, max_length = 200, example = "Harrow Children and Young People's Plan 2011-2014")]
        title: String,
        /// The new plan's first day, after the first day of the plan before.
        #[schema(example = "2011-04-01")]
        starts_on: NaiveDate,
        /// The new plan's last day, not before its first.
        #[schema(example = "2014-03-31")]
        ends_on: NaiveDate,
        /// What readers should know, at most 4,000 characters; without it, those of the plan before.
        #[schema(max_length = 4000, example = "Every figure is invented for illustration.")]
        description: Option<String> = None,
        /// Who may find the new plan.
        visibility: Visibility = Visibility::Private,
    }
}

document! {
    /// A partner in the plan.
    #[schema(description = "A partner in the plan: the council, a health trust, the police, schools, the voluntary sector.")]
    pub struct Organisation / OrganisationDraft / OrganisationChange {
        /// The organisation's code.
        #[schema(example = "harrow-pct")]
        code: OrganisationCode,
        /// What it is called; 1 to 200 characters.
        #[schema(min_length = 1, max_length = 200, example = "Harrow Primary Care Trust")]
        title: String,
        /// What sort of partner it is, in a word or two; at most 100 characters.
        #[schema(max_length = 100, example = "health")]
        kind: String = String::new(),
    }
}

document! {
    /// A multi-agency group that is responsible for outcome areas.
    #[schema(description = "A multi-agency group that is responsible for one or more outcome areas.")]
    pub struct SubGroup / SubGroupDraft / SubGroupChange {
        /// The sub-group's code.
        #[schema(example = "be-healthy-group")]
        code: SubGroupCode,
        /// What it is called; 1 to 200 characters.
        #[schema(min_length = 1, max_length = 200, example = "Be Healthy sub-group")]
        title: String,
        /// The organisation that leads it.
        #[schema(example = "harrow-pct")]
        lead_organisation: OrganisationCode,
        /// The outcome areas it is responsible for, at least one.
        #[schema(min_items = 1, max_items = 100, example = json!(["be-healthy"]))]
        outcome_areas: Vec<AreaCode>,
    }
}

document! {
    /// One of the plan's headings.
    #[schema(description = "One of the plan's headings.")]
    pub struct OutcomeArea / OutcomeAreaDraft / OutcomeAreaChange {
        /// The outcome area's code.
        #[schema(example = "be-healthy")]
        code: AreaCode,
        /// What it is called; 1 to 200 characters.
        #[schema(min_length = 1, max_length = 200, example = "Be Healthy")]
        title: String,
        /// Its place among the outcome areas, from 1; ties go by code.
        #[schema(minimum = 0, maximum = 9999, example = 1)]
        position: u32 = 0,
    }
}

document! {
    /// What the plan wants to improve.
    #[schema(description = "What the plan wants to improve, within an outcome area.")]
    pub struct Priority / PriorityDraft / PriorityChange {
        /// The priority's code.
        #[schema(example = "be-healthy-1")]
        code: PriorityCode,
        /// The priority in the plan's words; 1 to 400 characters.
        #[schema(min_length = 1, max_length = 400, example = "To improve the oral health of our children")]
        title: String,
        /// The outcome area it belongs to.
        #[schema(example = "be-healthy")]
        outcome_area: AreaCode,
        /// Its place within the outcome area, from 1; ties go by code.
        #[schema(minimum = 0, maximum = 9999, example = 1)]
        position: u32 = 0,
    }
}

impl Succession {
    /// The plan that goes on from `before`: its settings, with what is said here.
    ///
    /// # Errors
    /// What is wrong with it in itself, and a first day that does not come after that of `before`.
    pub fn after(self, before: &Plan) -> Result<Plan, Invalid> {
        let plan = Plan {
            code: self.code,
            title: self.title,
            starts_on: self.starts_on,
            ends_on: self.ends_on,
            description: self.description.unwrap_or_else(|| before.description.clone()),
            visibility: self.visibility,
            policy: before.policy.clone(),
            small_number_threshold: before.small_number_threshold,
            return_rules: before.return_rules,
            headline: before.headline,
            warning_rules: before.warning_rules,
            predecessor: Some(before.code.clone()),
        };
        let mut invalid = plan.check();
        if plan.starts_on <= before.starts_on {
            let detail = format!("a successor starts after its predecessor, which starts on {}", before.starts_on);
            invalid.at("/starts_on", "not_after_predecessor", detail);
        }
        invalid.or(plan)
    }
}

impl Plan {
    /// Whether a period has a day in common with the plan's own years. Nothing is owed of one that has none.
    pub fn covers(&self, period: Period) -> bool {
        period.end() >= self.starts_on && period.start() <= self.ends_on
    }

    /// What is wrong with the plan in itself.
    pub fn check(&self) -> Invalid {
        let mut invalid = Invalid::new();
        check_text(&mut invalid, "/title", &self.title, 1, 200);
        check_text(&mut invalid, "/description", &self.description, 0, 4000);
        if self.ends_on < self.starts_on {
            invalid.at("/ends_on", "ends_before_start", "the plan's last day lies before its first");
        }
        check_range(&mut invalid, "/small_number_threshold", self.small_number_threshold, 1, 20);
        check_range(&mut invalid, "/headline/on_track_percent", self.headline.on_track_percent, 0, 100);
        check_range(&mut invalid, "/headline/at_risk_percent", self.headline.at_risk_percent, 0, 100);
        if self.headline.at_risk_percent > self.headline.on_track_percent {
            invalid.at(
                "/headline/at_risk_percent",
                "thresholds_crossed",
                "`at_risk_percent` must not be above `on_track_percent`",
            );
        }
        self.warning_rules.check(&mut invalid, "/warning_rules");
        invalid
    }
}

impl Organisation {
    /// What is wrong with the organisation in itself.
    pub fn check(&self) -> Invalid {
        let mut invalid = Invalid::new();
        check_text(&mut invalid, "/title", &self.title, 1, 200);
        check_text(&mut invalid, "/kind", &self.kind, 0, 100);
        invalid
    }
}

impl SubGroup {
    /// What is wrong with the sub-group in itself.
    pub fn check(&self) -> Invalid {
        let mut invalid = Invalid::new();
        check_text(&mut invalid, "/title", &self.title, 1, 200);
        if self.outcome_areas.is_empty() || self.outcome_areas.len() > 100 {
            invalid.at("/outcome_areas", "wrong_length", "a sub-group is responsible for 1 to 100 outcome areas");
        }
        check_distinct(&mut invalid, "/outcome_areas", &self.outcome_areas);
        invalid
    }
}

impl OutcomeArea {
    /// What is wrong with the outcome area in itself.
    pub fn check(&self) -> Invalid {
        let mut invalid = Invalid::new();
        check_text(&mut invalid, "/title", &self.title, 1, 200);
        check_range(&mut invalid, "/position", self.position, 0, 9999);
        invalid
    }
}

impl Priority {
    /// What is wrong with the priority in itself.
    pub fn check(&self) -> Invalid {
        let mut invalid = Invalid::new();
        check_text(&mut invalid, "/title", &self.title, 1, 400);
        check_range(&mut invalid, "/position", self.position, 0, 9999);
        invalid
    }
}
