//! Board reports (docs/rules.md section 1): frozen once, stored to the byte, compared with one another.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use waymark_domain::access::{Access, Audience, Granted, Role};
use waymark_domain::board_report::{BoardReport, ReportRequest};
use waymark_domain::document::Document;
use waymark_domain::ids::{GroupCode, KpiCode, OrganisationCode, PlanCode, PolicyCode, ReportId, Seq, Subject};
use waymark_domain::kpi::{Formula, Kpi};
use waymark_domain::movement::{Frozen, Movement, movement};
use waymark_domain::number::Figure;
use waymark_domain::period::{Period, PeriodKey, day_in_london};
use waymark_domain::policy::Policy;
use waymark_domain::target::Target;
use waymark_domain::warning::Acknowledged;
use waymark_store::kinds::DefinitionKind;
use waymark_store::{board_reports, new_id, readings, seal, targets};

use crate::definitions::references::refer;
use crate::picture::{Kept, Picture};
use crate::reports::actions::SeenAction;
use crate::reports::exceptions::Exceptions;
use crate::reports::status_report::{KpiCommentary, ReportFilter, StatusReport};
use crate::seen::Seen;
use crate::{OpenPlan, Pen, Principal, Programme, Refusal, StoreError};

/// All that a board report holds.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(
    description = "All that a board report holds, as it was when frozen: the status report, the exceptions, what was said and done, and the policies and definitions that the statuses rest on."
)]
pub struct BoardReportContent {
    /// The report's id.
    pub id: ReportId,
    /// What it is called.
    #[schema(example = "Performance Improvement Board, 15 February 2010")]
    pub title: String,
    /// The period that it reports on.
    pub period: PeriodKey,
    /// The organisation whose contribution it holds; `null` for the whole plan.
    #[schema(required = true, example = "harrow-council")]
    pub organisation: Option<OrganisationCode>,
    /// When it was frozen.
    pub frozen_at: DateTime<Utc>,
    /// Who froze it; `null` in an organisation's, as its readers are not shown names.
    #[schema(required = true, example = "jo.lead@harrow.example")]
    pub frozen_by: Option<Subject>,
    /// The plan's version that it was made from.
    #[schema(value_type = i64, minimum = 1, example = 1234)]
    pub version: Seq,
    /// The plan's status report.
    pub status_report: StatusReport,
    /// What the Board should look at, worst first.
    pub exceptions: Exceptions,
    /// What was being done about the KPIs, oldest first: the actions that were open, and those closed since the period
    /// before the report's began.
    pub actions: Vec<SeenAction>,
    /// What was said with the figures.
    pub commentary: Vec<KpiCommentary>,
    /// The policies that graded the KPIs.
    pub policies: Vec<VersionedPolicy>,
    /// The KPIs' definitions.
    pub kpis: Vec<VersionedKpi>,
}

/// A policy with its version.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(description = "A policy with its version.")]
pub struct VersionedPolicy {
    #[serde(flatten)]
    policy: Policy,
    /// Its version, from 1.
    #[schema(minimum = 1, example = 1)]
    version: i32,
}

/// A KPI's definition with its versions.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(description = "A KPI's definition with its versions.")]
pub struct VersionedKpi {
    #[serde(flatten)]
    kpi: Kpi,
    /// The revision of the definition, from 1.
    #[schema(minimum = 1, example = 3)]
    revision: i32,
    /// The version of what is measured, from 1: figures compare only within one.
    #[schema(minimum = 1, example = 1)]
    definition_version: i32,
}

/// What moved between two board reports.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(
    description = "What moved between two board reports: by what they hold, and by what was written between the plan's versions that they were made from."
)]
pub struct BoardReportChanges {
    /// The plan's code.
    pub plan: PlanCode,
    /// The earlier report.
    pub from: BoardReport,
    /// The later report.
    pub to: BoardReport,
    /// What moved by what the two hold.
    #[serde(flatten)]
    pub movement: Movement,
    /// The figures that were changed after their round had closed, in the order of their changes, each with the gaps that it is
    /// a side of.
    pub restated: Vec<RestatedFigure>,
    /// The figures that came after they were due, in the order in which they came.
    pub arrived_late: Vec<LateFigure>,
    /// The targets that were set, changed or removed.
    pub targets_changed: Vec<TargetChanged>,
}

/// A figure that was changed after its round had closed.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(description = "A figure that was changed after its round had closed.")]
pub struct RestatedFigure {
    /// The KPI's code.
    pub kpi: KpiCode,
    /// The figure's period.
    pub period: Period,
    /// The figure's group.
    pub group: GroupCode,
    /// The exact figure before; `null` if there was none.
    #[schema(required = true, example = 5.9)]
    pub before: Option<Figure>,
    /// The exact figure after; `null` if there is none.
    #[schema(required = true, example = 6.4)]
    pub after: Option<Figure>,
    /// Why it was changed.
    #[schema(required = true, example = "Two colleges had counted leavers twice.")]
    pub reason: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
}

/// A figure that came after it was due.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(description = "A figure that came after it was due.")]
pub struct LateFigure {
    /// The KPI's code.
    pub kpi: KpiCode,
    /// The figure's period.
    pub period: Period,
    /// The figure's group.
    pub group: GroupCode,
    /// When it was first recorded.
    pub recorded_at: DateTime<Utc>,
    /// When it was due.
    pub due_at: DateTime<Utc>,
}

/// A target that has changed.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(description = "A target that has changed.")]
pub struct TargetChanged {
    /// The KPI's code.
    pub kpi: KpiCode,
    /// The target's period.
    pub period: Period,
    /// The target before; `null` if there was none.
    #[serde(serialize_with = "in_full")]
    #[schema(required = true)]
    pub before: Option<Target>,
    /// The target after; `null` if there is none.
    #[serde(serialize_with = "in_full")]
    #[schema(required = true)]
    pub after: Option<Target>,
    /// Why it was last changed.
    #[schema(required = true, example = "Agreed with the Government Office in mid-year.")]
    pub reason: Option<String>,
}

/// A target with the list that its journal entry leaves out while it is empty.
#[expect(clippy::ref_option, reason = "serde asks by reference")]
fn in_full<S: Serializer>(target: &Option<Target>, serializer: S) -> Result<S::Ok, S::Error> {
    let members = target.as_ref().map(|target| {
        let mut members = target.members();
        members.entry("acknowledged").or_insert_with(|| Value::Array(Vec::new()));
        members
    });
    members.serialize(serializer)
}

impl Seen {
    /// Whether a board report is there for a reader. Members read all of them. A partner reads those of its own
    /// organisation, as long as today it sees every KPI in them, and every side of a gap, with its small numbers: what was
    /// frozen is not altered for anyone.
    pub(crate) fn reads_board_report(&self, report: &BoardReport) -> bool {
        let open = |kpi: &Kpi| self.sees(kpi) && self.sees_small_numbers(kpi);
        let open_with_sides = |code: &KpiCode| {
            let Some(entry) = self.picture.kpis().get(code) else { return false };
            open(&entry.kpi) && self.picture.source_of(&entry.kpi).is_none_or(open)
        };
        match self.access.audience() {
            Audience::Member => true,
            Audience::Partner => {
                report.organisation.as_ref().is_some_and(|organisation| self.access.is_partner_of(organisation))
                    && report.kpis.iter().all(open_with_sides)
            }
            Audience::Public => false,
        }
    }

    /// The board reports that a reader may read, oldest first, from after the one with the id `after`.
    pub fn board_reports_for(&self, after: Option<ReportId>) -> impl Iterator<Item = &BoardReport> + Clone {
        let all = self.picture.board_reports().values().map(|kept| &kept.value);
        all.filter(move |report| after.is_none_or(|after| report.id > after) && self.reads_board_report(report))
    }

    /// A board report that the caller may read.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] if there is none, or not for this caller.
    pub fn board_report_for(&self, id: ReportId) -> Result<&Kept<BoardReport>, Refusal> {
        let kept = self.picture.board_reports().get(&id).ok_or(Refusal::NotFound)?;
        if self.reads_board_report(&kept.value) { Ok(kept) } else { Err(Refusal::NotFound) }
    }
}

impl BoardReportContent {
    /// It as it is kept, with its SHA-256.
    fn as_text(&self) -> Result<(String, String), StoreError> {
        let text = serde_json::to_string(self)
            .map_err(|error| StoreError::Corrupt(format!("the board report {} cannot be written: {error}", self.id)))?;
        let digest = seal::sha256(&text);
        Ok((text, digest))
    }

    /// What a plan keeps of it beside it.
    fn into_report(self, sha256: String) -> BoardReport {
        BoardReport {
            id: self.id,
            title: self.title,
            period: self.period,
            organisation: self.organisation,
            frozen_at: self.frozen_at,
            frozen_by: self.frozen_by,
            version: self.version.0,
            sha256,
            kpis: self.kpis.into_iter().map(|entry| entry.kpi.code).collect(),
        }
    }
}

/// What distinguishes one board report from another that is made of the same plan.
struct Particulars {
    id: ReportId,
    title: String,
    period: Period,
    organisation: Option<OrganisationCode>,
    /// Who freezes it; not named in an organisation's.
    frozen_by: Option<Subject>,
}

impl Seen {
    /// The same plan as a board report shows it: an organisation's own board reads these bytes, and sees no more names than its
    /// members do.
    fn for_board_report(&self, organisation: Option<&OrganisationCode>) -> Self {
        let access = if organisation.is_some() { Arc::new(self.access.nameless()) } else { Arc::clone(&self.access) };
        Self { access, ..self.clone() }
    }

    /// What a board report holds.
    fn board_report_content(&self, of: Particulars) -> BoardReportContent {
        let Particulars { id, title, period, organisation, frozen_by } = of;
        let (seen, picture) = (self, &self.picture);
        let filter = ReportFilter { organisation: organisation.clone(), ..ReportFilter::default() };
        let status_report = seen.status_report(period, &filter);
        let shown: Vec<_> = status_report.assessments().collect();
        let entries: Vec<_> = shown.iter().filter_map(|one| picture.kpis().get(&one.kpi)).collect();
        let codes: BTreeSet<&KpiCode> = shown.iter().map(|one| &one.kpi).collect();
        let since = period.step(-1).unwrap_or(period).start();
        let actions = picture.actions().values().map(|kept| &kept.value).filter(|record| {
            codes.contains(&record.action.kpi)
                && record.closed_at.is_none_or(|closed_at| day_in_london(closed_at) >= since)
        });
        let commentary = seen.commentaries(shown.iter().copied());
        let policies: BTreeMap<&PolicyCode, &Kept<Policy>> = entries
            .iter()
            .filter_map(|entry| picture.policy_of(&entry.kpi))
            .map(|policy| (&policy.value.code, policy))
            .collect();
        BoardReportContent {
            id,
            title,
            period: PeriodKey(period),
            organisation,
            frozen_at: seen.now,
            frozen_by,
            version: picture.version(),
            exceptions: seen.exceptions(period, &filter),
            actions: actions.map(|record| seen.action(record)).collect(),
            commentary,
            policies: policies
                .into_values()
                .map(|kept| VersionedPolicy { policy: kept.value.clone(), version: kept.revision })
                .collect(),
            kpis: entries
                .iter()
                .map(|entry| VersionedKpi {
                    kpi: entry.kpi.clone(),
                    revision: entry.revision,
                    definition_version: entry.definition_version,
                })
                .collect(),
            status_report,
        }
    }
}

impl Pen<'_, '_> {
    /// Keeps what a report holds for ever, with its definition.
    fn keep_report(&mut self, content: BoardReportContent) -> Result<Kept<BoardReport>, Refusal> {
        let (text, sha256) = content.as_text()?;
        let report = content.into_report(sha256);
        board_reports::keep(self.write, self.plan, report.id, &text)?;
        let (kind, members) = (DefinitionKind::BoardReport, report.members());
        let seq = self.define("board_report.frozen", kind, &report.id, 1, None, Some(members))?;
        Ok(Kept { value: report, revision: 1, seq })
    }
}

impl Programme {
    /// Freezes a board report as the plan is.
    pub async fn freeze_board_report(
        &self,
        plan: &PlanCode,
        caller: &Principal,
        members: Map<String, Value>,
    ) -> Result<Kept<BoardReport>, Refusal> {
        self.change(plan, caller, move |ground, pen| {
            if !ground.plan.access.freezes_board_reports() {
                let who = "only the Board, a programme manager or an administrator freezes board reports";
                return Err(Refusal::NotAllowed(who.to_owned()));
            }
            let request = ReportRequest::parse(members)?;
            let mut invalid = request.check();
            if let Some(organisation) = &request.organisation {
                let organisations = ground.seen.picture.organisations();
                refer(&mut invalid, "/organisation", "organisation", organisation, organisations);
            }
            let usual = || ground.seen.reported_quarter();
            let period = request.period.map(|period| period.0).or_else(usual);
            match period {
                Some(period) if invalid.is_empty() => {
                    let id = new_id(ground.seen.now).into();
                    let frozen_by = request.organisation.is_none().then(|| ground.caller.clone());
                    let seen = ground.seen.for_board_report(request.organisation.as_ref());
                    let (title, organisation) = (request.title, request.organisation);
                    let of = Particulars { id, title, period, organisation, frozen_by };
                    pen.keep_report(seen.board_report_content(of))
                }
                Some(_) => Err(invalid.into()),
                None => {
                    invalid.at("/period", "missing", "no quarter of the plan has ended yet; say which period is meant");
                    Err(invalid.into())
                }
            }
        })
        .await
    }

    /// What a board report holds, to the byte.
    pub async fn board_report_content(&self, plan: &OpenPlan, report: &BoardReport) -> Result<String, Refusal> {
        let (plan, id) = (plan.id, report.id);
        let content = self.store.read(move |conn| Ok::<_, Refusal>(board_reports::content(conn, plan, id)?)).await?;
        let content = content.filter(|content| seal::sha256(content) == report.sha256);
        let lost =
            || StoreError::Corrupt(format!("the board report {id} is not what was frozen; run `waymark verify`"));
        Ok(content.ok_or_else(lost)?)
    }

    /// A board report made once more from the plan as it was then, with what it was made from; `None` if that is not what was
    /// frozen, to the byte, as after a change of what reports hold.
    pub async fn reproduced_board_report(
        &self,
        plan: &OpenPlan,
        report: &BoardReport,
    ) -> Result<Option<(Seen, BoardReportContent)>, Refusal> {
        // Whoever may read a frozen report reads all that is in it.
        let board = Granted { role: Role::Board, outcome_areas: Vec::new(), organisation: None, kpis: Vec::new() };
        let whole = OpenPlan { access: Arc::new(Access::new(vec![board])), ..plan.clone() };
        let then = self.seen_at(&whole, Seq(report.version), report.frozen_at).await?;
        let then = then.for_board_report(report.organisation.as_ref());
        let content = then.board_report_content(Particulars {
            id: report.id,
            title: report.title.clone(),
            period: report.period.0,
            organisation: report.organisation.clone(),
            frozen_by: report.frozen_by.clone(),
        });
        let is_the_same = content.as_text()?.1 == report.sha256;
        Ok(is_the_same.then_some((then, content)))
    }

    /// What moved from an earlier board report to a later one.
    pub async fn board_report_changes(
        &self,
        plan: &OpenPlan,
        from: &BoardReport,
        to: &BoardReport,
    ) -> Result<BoardReportChanges, Refusal> {
        let later = self.board_report_content(plan, to).await?;
        self.changes_between(plan, from, (to, &later)).await
    }

    /// What moved from a board report to how the plan is seen in a period: to what would be frozen of it now.
    pub async fn changes_since_board_report(
        &self,
        plan: &OpenPlan,
        from: &BoardReport,
        (seen, period): (&Seen, Period),
    ) -> Result<BoardReportChanges, Refusal> {
        let organisation = from.organisation.clone();
        let seen = seen.for_board_report(organisation.as_ref());
        let (id, title) = (new_id(seen.now).into(), String::new());
        let content = seen.board_report_content(Particulars { id, title, period, organisation, frozen_by: None });
        let (later, sha256) = content.as_text()?;
        let to = content.into_report(sha256);
        self.changes_between(plan, from, (&to, &later)).await
    }

    /// What moved from a board report to a status report, as far as that shows it: quick, for a page that everyone opens first.
    pub async fn moved_since(
        &self,
        plan: &OpenPlan,
        from: &BoardReport,
        (seen, report): (&Seen, &StatusReport),
    ) -> Result<MovedSince, Refusal> {
        let earlier = if let Some(known) = self.frozen.get(&from.id) {
            known
        } else {
            let content = self.board_report_content(plan, from).await?;
            let read = Arc::new(frozen(&content, from)?);
            self.frozen.insert(from.id, Arc::clone(&read));
            read
        };
        let policies = seen.picture.policies().values().map(|kept| (&kept.value, kept.revision));
        let now = Frozen::of(report.assessments(), policies);
        let (on_track, assessed) = earlier.on_track();
        Ok(MovedSince { report: from.clone(), on_track, assessed, movement: movement(&earlier, &now) })
    }

    async fn changes_between(
        &self,
        plan: &OpenPlan,
        from: &BoardReport,
        (to, later): (&BoardReport, &str),
    ) -> Result<BoardReportChanges, Refusal> {
        let earlier = self.board_report_content(plan, from).await?;
        let movement = movement(&frozen(&earlier, from)?, &frozen(later, to)?);
        let before = self.past_picture(plan, Seq(from.version)).await?;
        let after = self.past_picture(plan, Seq(to.version)).await?;
        let (id, kpis) = (plan.id, to.kpis.iter().cloned().collect());
        let written = self.store.read(move |conn| {
            let mut written = Written { before, after, kpis, latest: HashMap::new(), restated: vec![], late: vec![] };
            let (since, up_to) = (written.before.version(), written.after.version());
            readings::load_each(conn, id, since, Some(up_to), |row| written.figure(row))?;
            let targets = written.targets(targets::load(conn, id, since, Some(up_to))?);
            Ok::<_, Refusal>((written.restated, written.late, targets))
        });
        let (restated, arrived_late, targets_changed) = written.await?;
        Ok(BoardReportChanges {
            plan: plan.code.clone(),
            from: from.clone(),
            to: to.clone(),
            movement,
            restated,
            arrived_late,
            targets_changed,
        })
    }
}

/// What moved from a board report to how things are.
#[derive(Clone, Debug)]
pub struct MovedSince {
    /// The report.
    pub report: BoardReport,
    /// How many KPIs were on track in it.
    pub on_track: usize,
    /// How many were assessed in it.
    pub assessed: usize,
    /// What moved. KPIs that the later report does not show count as withdrawn.
    pub movement: Movement,
}

/// A frozen report as far as it is compared.
fn frozen(content: &str, report: &BoardReport) -> Result<Frozen, StoreError> {
    Frozen::read(content)
        .map_err(|error| StoreError::Corrupt(format!("the board report {} cannot be read: {error}", report.id)))
}

/// What was written between two versions about the KPIs of a report.
struct Written {
    before: Arc<Picture>,
    after: Arc<Picture>,
    kpis: BTreeSet<KpiCode>,
    /// The figures as they are after the revisions seen so far.
    latest: HashMap<(KpiCode, Period, GroupCode), Option<Figure>>,
    restated: Vec<RestatedFigure>,
    late: Vec<LateFigure>,
}

impl Written {
    fn figure(&mut self, row: readings::ReadingRow) {
        let gaps = self.gaps(&row);
        if let Some(entry) = self.after.kpis().get(&row.kpi).filter(|_| self.kpis.contains(&row.kpi)) {
            let due_at = self.after.due_at(&entry.kpi, row.period);
            let (kpi, period, group) = (row.kpi.clone(), row.period, row.group.clone());
            if row.revision == 1 && row.recorded_at > due_at {
                let (kpi, group) = (kpi.clone(), group.clone());
                self.late.push(LateFigure { kpi, period, group, recorded_at: row.recorded_at, due_at });
            }
            if row.restated {
                let before = self.latest(&row.kpi, row.period, &row.group);
                let (after, reason, at) = (row.figure.value, row.figure.reason.clone(), row.recorded_at);
                self.restated.push(RestatedFigure { kpi, period, group, before, after, reason, at });
            }
        }
        self.restated.extend(gaps);
        let said = row.said;
        self.latest.insert((said.kpi, said.period, said.group), said.figure.value);
    }

    /// A figure as it is after the revisions seen so far.
    fn latest(&self, kpi: &KpiCode, period: Period, group: &GroupCode) -> Option<Figure> {
        let stood = || self.before.kpis().get(kpi)?.posted(group, period)?.value.value;
        let key = (kpi.clone(), period, group.clone());
        self.latest.get(&key).copied().unwrap_or_else(stood)
    }

    /// The gaps of the report that a restated figure is a side of are restated with it.
    fn gaps(&self, row: &readings::ReadingRow) -> Vec<RestatedFigure> {
        if !row.restated {
            return Vec::new();
        }
        let restated = self.after.gaps_of(&row.kpi, &row.group).filter(|gap| self.kpis.contains(&gap.kpi.code));
        restated
            .filter_map(|gap| {
                let Formula::Gap { comparator, group, .. } = &gap.kpi.formula else { return None };
                let side = |side: &GroupCode| self.latest(&row.kpi, row.period, side);
                let now = |one: &GroupCode| if *one == row.group { row.figure.value } else { side(one) };
                let less = |comparator: Option<Figure>, group: Option<Figure>| Some(comparator? - group?);
                let (before, after) = (less(side(comparator), side(group)), less(now(comparator), now(group)));
                Some(RestatedFigure {
                    kpi: gap.kpi.code.clone(),
                    period: row.period,
                    group: GroupCode::all(),
                    before,
                    after,
                    reason: row.figure.reason.clone(),
                    at: row.recorded_at,
                })
            })
            .filter(|gap| gap.before.is_some() || gap.after.is_some())
            .collect()
    }

    /// The targets that are not what they were; one that was changed and changed back is.
    fn targets(&self, rows: Vec<targets::TargetRow>) -> Vec<TargetChanged> {
        let rows = rows.into_iter().filter(|row| self.kpis.contains(&row.kpi));
        let reasons: BTreeMap<_, _> =
            rows.map(|row| ((row.said.kpi, row.said.period), row.said.target.reason)).collect();
        let at = |picture: &Picture, (kpi, period): &(KpiCode, Period)| {
            picture.kpis().get(kpi).and_then(|entry| entry.targets.get(period)).cloned()
        };
        let unreasoned = |target: &Option<Target>| {
            target.clone().map(|target| Target { reason: None, acknowledged: Acknowledged::default(), ..target })
        };
        let changed = reasons.into_iter().filter_map(|(place, reason)| {
            let (before, after) = (at(&self.before, &place), at(&self.after, &place));
            let (kpi, period) = place;
            let moved = unreasoned(&before) != unreasoned(&after);
            moved.then_some(TargetChanged { kpi, period, before, after, reason })
        });
        changed.collect()
    }
}
