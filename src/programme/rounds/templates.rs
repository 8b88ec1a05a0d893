//! Templates: the file that a sub-group fills in, with every figure it owes in a period and what helps to report it.

use chrono::NaiveDate;

use waymark_domain::assess::Assessment;
use waymark_domain::ids::{AreaCode, GroupCode, KpiCode, PriorityCode, SubGroupCode};
use waymark_domain::kpi::{Formula, Kpi};
use waymark_domain::period::{Period, day_in_london};

use crate::Refusal;
use crate::picture::Picture;
use crate::rounds::owed::Owed;
use crate::seen::Seen;

/// A file that is filled in.
#[derive(Debug)]
pub struct Template {
    /// Plan, sub-group and period, as people call them.
    pub title: String,
    /// The last day on which a figure is in time, if the period has a round.
    pub due: Option<NaiveDate>,
    /// One line per figure, by KPI, period and group.
    pub lines: Vec<TemplateLine>,
}

/// One figure that is owed, as far as its reader may see.
#[derive(Debug)]
pub struct TemplateLine {
    /// The KPI.
    pub kpi: Kpi,
    /// The figure's period.
    pub period: Period,
    /// The figure's group.
    pub group: GroupCode,
    /// By when it is due.
    pub due: NaiveDate,
    /// The figure before it: its period, and what was reported.
    pub last: Option<(Period, Option<String>)>,
    /// What the figure is compared with, in words.
    pub target: Option<String>,
    /// What has been reported already; `None` for nil returns, and if it is withheld.
    pub reported: Option<Box<Assessment>>,
    /// What was said with it.
    pub commentary: Option<String>,
}

impl TemplateLine {
    /// Whether a partner says what the status is.
    pub fn is_determined(&self) -> bool {
        matches!(self.kpi.formula, Formula::PartnerDetermined { .. })
    }
}

impl Seen {
    /// The period whose template is meant if none is named: of the latest round that is open, else the latest quarter
    /// that has ended.
    pub fn period_to_fill(&self) -> Option<Period> {
        let open = self.picture.rounds().values().map(|round| &round.value);
        let open = open.filter(|round| round.opens_at() <= self.now && !round.is_closed(self.now));
        open.map(|round| round.period.0).next_back().or_else(|| self.latest_quarter())
    }

    /// The template of a sub-group for a period, as far as the reader may see it.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] if there is no such sub-group.
    pub fn template(&self, period: Period, sub_group: &SubGroupCode) -> Result<Template, Refusal> {
        let sub_group = &self.picture.sub_groups().get(sub_group).ok_or(Refusal::NotFound)?.value;
        let mut owed = self.picture.owed_in(period, sub_group);
        // As the plan is on paper: what belongs together is filled in together.
        owed.sort_by_key(|owed| self.picture.place_in_plan(&owed.entry.kpi));
        let seen = owed.iter().filter(|owed| self.sees(&owed.entry.kpi));
        Ok(Template {
            title: self.template_title(&sub_group.title, period),
            due: self.picture.rounds().get(&period).map(|round| round.value.due),
            lines: seen.filter_map(|owed| self.template_line(owed)).collect(),
        })
    }

    pub(in crate::rounds) fn template_title(&self, whose: &str, period: Period) -> String {
        format!("{}: {whose}, {}", self.picture.plan().value.title, period.label())
    }

    pub(in crate::rounds) fn template_line(&self, owed: &Owed<'_>) -> Option<TemplateLine> {
        let Owed { entry, period, group } = owed;
        let kpi = &entry.kpi;
        let assessment = self.assess(entry, group, *period)?;
        let last = entry.readings.get(group).and_then(|readings| readings.range(..*period).next_back());
        let last = last.and_then(|(before, _)| Some((*before, self.assess(entry, group, *before)?.reported_text)));
        let target = assessment.target.as_ref().and_then(|target| match (target.value, target.low, target.high) {
            (Some(value), ..) => Some(kpi.in_exact_words(value)),
            (None, Some(low), Some(high)) => {
                Some(format!("{} to {}", kpi.in_exact_words(low), kpi.in_exact_words(high)))
            }
            _ => None,
        });
        let posted = entry.posted(group, *period).filter(|_| assessment.data_state.is_figure());
        Some(TemplateLine {
            kpi: kpi.clone(),
            period: *period,
            group: group.clone(),
            due: day_in_london(self.picture.due_at(kpi, *period)),
            last,
            target,
            commentary: posted.and_then(|posted| posted.value.commentary.as_deref()).map(str::to_owned),
            reported: posted.is_some().then(|| Box::new(assessment)),
        })
    }
}

impl Picture {
    /// How a KPI is doing in the plan: by outcome area and priority, each by its position and code, then by its own
    /// code.
    pub(in crate::rounds) fn place_in_plan(&self, kpi: &Kpi) -> (u32, Option<AreaCode>, u32, PriorityCode, KpiCode) {
        let priority = self.priorities().get(&kpi.priority).map(|kept| &kept.value);
        let area = priority.and_then(|priority| self.areas().get(&priority.outcome_area)).map(|kept| &kept.value);
        let (area_place, priority_place) =
            (area.map_or(0, |area| area.position), priority.map_or(0, |one| one.position));
        (area_place, area.map(|area| area.code.clone()), priority_place, kpi.priority.clone(), kpi.code.clone())
    }
}
