//! A plan as one reader may see it: the reader's view.
//!
//! [`Seen`] is a picture, the reader's access and the moment, in one. It is the only way from outside this room to
//! anything that a plan holds: a KPI, a figure, a name or a definition that its reader may not see does not exist in it. So a
//! new report or page cannot show too much because it forgot to ask, and nobody passes an access or a moment about.
//!
//! What is withheld is chosen by [`waymark_domain::disclosure`]; how a KPI is doing is worked out by
//! [`waymark_domain::assess`]. Here both meet.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use waymark_domain::access::{Access, Audience};
use waymark_domain::assess::{Assessment, Facts, Outlook, assess};
use waymark_domain::disclosure::{self, Entry, Withheld};
use waymark_domain::forecast::{Known, is_total, year_end, year_end_target, year_total};
use waymark_domain::gap::{Side, Sides};
use waymark_domain::ids::{AreaCode, GroupCode, KpiCode, OrganisationCode, PlanId, PriorityCode, Seq};
use waymark_domain::kpi::{Aggregation, Formula, Kpi, Profile, Unit};
use waymark_domain::observed::{Measure, Measured, Observed};
use waymark_domain::parts::Pooling;
use waymark_domain::period::{Period, PeriodKind};
use waymark_domain::plan::Plan;
use waymark_domain::precision::Precision;
use waymark_domain::target::{FoundTarget, NoTarget, find_target, find_target_of_sum};
use waymark_domain::travel::Earlier;

use crate::Refusal;
use crate::picture::{Element, Kept, KpiPicture, Picture};

/// How many readings before a period a forecast looks at: a year of months, which holds the eight that a line is drawn
/// through.
const OUTLOOK: usize = 12;

/// A plan as one reader may see it at one moment.
#[derive(Clone, Debug)]
pub struct Seen {
    pub(crate) picture: Arc<Picture>,
    pub(crate) access: Arc<Access>,
    pub(crate) now: DateTime<Utc>,
}

/// A KPI as its reader may see it.
#[derive(Clone, Copy, Debug)]
pub struct SeenKpi<'a> {
    pub(crate) seen: &'a Seen,
    pub(crate) entry: &'a Arc<KpiPicture>,
}

impl Seen {
    pub(crate) fn new(picture: Arc<Picture>, access: Arc<Access>, now: DateTime<Utc>) -> Self {
        Self { picture, access, now }
    }

    /// The same reader's view at the same moment, if the plan held something else.
    pub(crate) fn of(&self, picture: Picture) -> Self {
        Self { picture: Arc::new(picture), access: Arc::clone(&self.access), now: self.now }
    }

    /// The plan's number.
    pub fn id(&self) -> PlanId {
        self.picture.id()
    }

    /// The plan's version that is seen.
    pub fn version(&self) -> Seq {
        self.picture.version()
    }

    /// The moment as of which the plan is seen.
    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// Whether the reader is a member of the partnership, who may know who did what.
    pub fn by_a_member(&self) -> bool {
        self.access.audience() == Audience::Member
    }

    /// The plan itself, with its revision. Anyone who may open a plan may read it.
    pub fn plan(&self) -> &Kept<Plan> {
        self.picture.plan()
    }

    /// The plan's definitions of a kind, by code: its structure, which anyone who may open the plan may read. KPIs are
    /// [`Self::kpis`].
    pub fn all<E: Element>(&self) -> &BTreeMap<E::Code, Kept<E>> {
        E::all(&self.picture)
    }

    /// The groups of all dimensions, with what each is called.
    pub fn groups(&self) -> &BTreeMap<GroupCode, String> {
        self.picture.groups()
    }

    /// The KPIs that the reader may see, archived ones among them, by code.
    pub fn kpis(&self) -> impl Iterator<Item = SeenKpi<'_>> + Clone {
        let seen = self.picture.kpis().values().filter(|entry| self.sees(&entry.kpi));
        seen.map(|entry| SeenKpi { seen: self, entry })
    }

    /// The same by code, to look one up or to name the nearest.
    pub(crate) fn kpis_by_code(&self) -> BTreeMap<&KpiCode, SeenKpi<'_>> {
        self.kpis().map(|kpi| (kpi.code(), kpi)).collect()
    }

    /// A KPI that the reader may see.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] if there is none, or not for the reader.
    pub fn kpi(&self, code: &KpiCode) -> Result<SeenKpi<'_>, Refusal> {
        Ok(SeenKpi { seen: self, entry: self.entry(code)? })
    }

    /// A KPI that the reader may see.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] if there is none, or not for the reader.
    pub(crate) fn entry(&self, code: &KpiCode) -> Result<&Arc<KpiPicture>, Refusal> {
        self.picture.kpis().get(code).filter(|entry| self.sees(&entry.kpi)).ok_or(Refusal::NotFound)
    }

    /// Whether the reader may do something with a KPI as it was, and as it is.
    fn then_and_now(&self, kpi: &Kpi, may: impl Fn(&Access, &Kpi) -> bool) -> bool {
        may(&self.access, kpi) && self.picture.today(kpi).is_none_or(|today| may(&self.access, today))
    }

    /// Whether a KPI exists for the reader: as it was and as it is.
    pub(crate) fn sees(&self, kpi: &Kpi) -> bool {
        self.then_and_now(kpi, Access::sees)
    }

    /// Whether a KPI's small numbers are shown to the reader: as it was and as it is.
    pub(crate) fn sees_small_numbers(&self, kpi: &Kpi) -> bool {
        self.then_and_now(kpi, Access::sees_small_numbers)
    }

    /// How precisely the reader may know a KPI's figures: of a sensitive one that is not its own in no more decimals than the
    /// KPI has, as it was and as it is; of a gap in no more than either it or the KPI that it is computed from has.
    pub(crate) fn precision(&self, kpi: &Kpi) -> Precision {
        let both = || std::iter::once(kpi).chain(self.picture.source_of(kpi));
        if both().all(|kpi| self.sees_small_numbers(kpi)) {
            return Precision::Exact;
        }
        let decimals = both().chain(both().filter_map(|kpi| self.picture.today(kpi))).map(|kpi| kpi.decimals);
        Precision::Decimals(decimals.min().unwrap_or_default())
    }

    /// Whether the reader may read what is being done about a KPI: as it was and as it is.
    pub(crate) fn reads_actions(&self, kpi: &Kpi) -> bool {
        self.then_and_now(kpi, Access::reads_actions)
    }

    /// A KPI's definition as the reader may read it: a small baseline would give away the figure that it was.
    pub(crate) fn definition_for<'a>(&self, entry: &'a KpiPicture) -> Cow<'a, Kpi> {
        if entry.kpi.baseline.is_none() || self.sees_small_numbers(&entry.kpi) {
            return Cow::Borrowed(&entry.kpi);
        }
        Cow::Owned(Kpi { baseline: None, ..entry.kpi.clone() })
    }

    /// How a KPI is doing in a period for a group, as known at `now`.
    pub(crate) fn assess(&self, entry: &KpiPicture, group: &GroupCode, period: Period) -> Option<Assessment> {
        self.assess_with(entry, group, period, self.picture.observed(entry, group, period).as_deref())
    }

    /// How a KPI would be doing if this were its reading.
    pub(crate) fn assess_with(
        &self,
        entry: &KpiPicture,
        group: &GroupCode,
        period: Period,
        reading: Option<&Observed>,
    ) -> Option<Assessment> {
        let policy = self.picture.policy_of(&entry.kpi)?;
        let withheld_at = |period| self.withholds(entry, group, period);
        let earlier = |period: Option<Period>| {
            let period = period?;
            let figure = self.picture.observed(entry, group, period)?.measured(&entry.kpi)?;
            let whole = Picture::whole(entry, group, period).is_none_or(|whole| !whole.made.is_incomplete());
            (whole && !withheld_at(period)).then_some(Earlier { period, figure })
        };
        let whole = Picture::whole(entry, group, period);
        let find = |kpi: &Kpi| match whole.map(|whole| whole.made.pooling) {
            Some(Pooling::Sum) => find_target_of_sum(kpi, period, &entry.targets),
            Some(Pooling::Quotient) | None => find_target(kpi, period, &entry.targets),
        };
        // Asked only of what is not there: a report would look for the rounds of all that is.
        let missing = whole.map_or_else(|| reading.is_none().then_some(period), |whole| whole.missing);
        let last = whole.map_or(period, |whole| whole.last);
        let latest = if last == period { reading } else { entry.posted(group, last).map(|kept| &kept.value) };
        Some(assess(&Facts {
            kpi: &entry.kpi,
            policy: &policy.value,
            policy_version: policy.revision,
            period,
            group,
            reading,
            target: self.target_for(entry, find),
            previous: earlier(period.step(-1)),
            year_ago: earlier(period.year_before()),
            due_at: self.picture.plan().value.covers(missing.unwrap_or(period)).then(|| match missing {
                Some(missing) => self.picture.due_at(&entry.kpi, missing),
                None => self.now,
            }),
            now: self.now,
            withheld: reading.is_some() && withheld_at(period),
            precision: self.precision(&entry.kpi),
            names_shown: self.access.knows_names(),
            sides: self.sides_of(entry, period),
            partner: match &entry.kpi.formula {
                Formula::PartnerDetermined { by } => {
                    self.picture.organisations().get(by).map_or(by.as_str(), |by| &by.value.title)
                }
                Formula::Direct {} | Formula::Gap { .. } => "",
            },
            outlook: self.outlook(entry, group, last, latest),
            whole,
        }))
    }

    /// What a forecast for the year that holds `period` is made from; `reading` is the one of
    /// the period itself.
    fn outlook(&self, entry: &KpiPicture, group: &GroupCode, period: Period, reading: Option<&Observed>) -> Outlook {
        let kpi = &entry.kpi;
        let before = self.picture.recent(entry, group, period, OUTLOOK);
        let latest = reading.or_else(|| before.first().map(|(_, one)| &**one));
        let measure = latest.map_or(Measure(1, None), Observed::measure);
        let itself = reading.map(|one| (period, Cow::Borrowed(one)));
        let comparable = || itself.iter().chain(&before).filter(|(_, one)| one.measure() == measure);
        let this_year = |at: Period| at.year_in(kpi.calendar) == period.year_in(kpi.calendar);
        let mut figures: Vec<_> = comparable().filter_map(|(at, one)| Some((*at, one.value?))).collect();
        figures.reverse();
        let year_before = |at: Option<Period>| {
            let at = at?.year_before()?;
            let one = self.picture.observed(entry, group, at).filter(|one| one.measure() == measure)?;
            Some((at, one.value?, one.exact(kpi)?))
        };
        let then =
            year_before(figures.last().map(|(at, _)| *at)).filter(|_| kpi.aggregation == Aggregation::YearToDate);
        let last_year = year_before(year_end(kpi, period));
        // A total is compared with the total before it, and everything else with the figure at the end of the year before.
        let year_ago = if is_total(kpi) {
            self.picture.total_before(entry, group, period)
        } else {
            last_year.map(|(period, _, exact)| Earlier { period, figure: Measured { exact, measure } })
        };
        let hidden = |at: Period| self.withholds(entry, group, at);
        let years = [&then, &last_year].into_iter().flatten().map(|(at, ..)| *at);
        let used = figures.iter().map(|(at, _)| *at).chain(years).chain(year_ago.map(|earlier| earlier.period));
        let target = self.target_for(entry, |kpi| year_end_target(kpi, period, &entry.targets));
        Outlook {
            withheld: !self.by_a_member() && used.chain([period]).any(hidden),
            // What is needed a quarter would give away a target that is withheld.
            total: match target {
                Err(NoTarget::Withheld) => None,
                _ => year_total(kpi, period, &entry.targets),
            },
            target,
            stated: comparable().filter(|(at, _)| this_year(*at)).find_map(|(_, one)| one.stated_forecast),
            year_ago,
            measure,
            known: Known {
                latest: comparable().find_map(|(_, one)| one.exact(kpi)),
                figures,
                last_year: then.zip(last_year).map(|((_, then, _), (_, total, _))| (then, total)),
            },
        }
    }

    /// What a gap is made from in a period, if the KPI is one; without figures for readers who may not see the source.
    fn sides_of<'a>(&'a self, entry: &'a KpiPicture, period: Period) -> Option<Sides<'a>> {
        let Formula::Gap { of, group, comparator } = &entry.kpi.formula else { return None };
        let source = self.picture.kpis().get(of)?;
        let (seen, precision) = (self.sees(&source.kpi), self.precision(&source.kpi));
        let side = |code: &'a GroupCode| {
            let figure = |period: Period| {
                let reading = &source.posted(code, period).filter(|_| seen)?.value;
                let decimals = precision.decimals(source.kpi.decimals);
                reading.exact(&source.kpi)?.rounded(decimals)
            };
            let year_ago = period.year_before().and_then(figure);
            Side {
                code,
                title: self.picture.groups().get(code).map(String::as_str),
                reported: figure(period),
                year_ago,
            }
        };
        Some(Sides { source: &source.kpi, group: side(group), comparator: side(comparator) })
    }

    /// Whether a figure must be withheld from the reader (docs/rules.md section 10). A gap is as soon as one of its
    /// sides is, and a longer period's as soon as one of its parts is, or if it is itself small.
    pub(crate) fn withholds(&self, entry: &KpiPicture, group: &GroupCode, period: Period) -> bool {
        match &entry.kpi.formula {
            _ if self.by_a_member() => false,
            Formula::Gap { of, group: behind, comparator } if group.is_all() => {
                let Some(source) = self.picture.kpis().get(of) else { return false };
                let withheld = |side| self.withholds_posted(source, side, period);
                let small = || {
                    let gap = self.picture.observed(entry, group, period).and_then(|gap| gap.value);
                    entry.kpi.unit == Unit::Count
                        && !self.sees_small_numbers(&entry.kpi)
                        && gap.is_some_and(|gap| disclosure::is_small(gap, self.picture.threshold()))
                };
                withheld(behind) || withheld(comparator) || small()
            }
            _ if period.kind() != entry.kpi.period_kind() => self.withholds_whole(entry, group, period),
            _ => self.withholds_posted(entry, group, period),
        }
    }

    fn withholds_whole(&self, entry: &KpiPicture, group: &GroupCode, period: Period) -> bool {
        let Some(parts) = Picture::parts_of(entry, group, period) else { return false };
        let small = || {
            let figure = self.picture.observed(entry, group, period);
            let numbers = figure.as_ref().map(|one| (one.value, one.numerator, one.denominator));
            let counted = match numbers {
                Some((_, Some(numerator), Some(denominator))) => {
                    vec![numerator, denominator, denominator - numerator]
                }
                Some((value, ..)) => value.into_iter().collect(),
                None => Vec::new(),
            };
            counted.into_iter().any(|number| disclosure::is_small(number, self.picture.threshold()))
        };
        parts.iter().any(|(part, _)| self.withholds_posted(entry, group, *part))
            || (!self.sees_small_numbers(&entry.kpi) && small())
    }

    fn withholds_posted(&self, entry: &KpiPicture, group: &GroupCode, period: Period) -> bool {
        entry.posted(group, period).is_some_and(|kept| self.withholds_revision(entry, kept.seq))
    }

    /// Whether one revision of a posted figure must be withheld from the reader: the one that came with this journal entry.
    pub(crate) fn withholds_revision(&self, entry: &KpiPicture, seq: Seq) -> bool {
        self.withheld_from(entry, |withheld, plan| withheld.has(Entry { plan, seq }))
    }

    /// Whether a reader may not know why a revision replaced the one before, because that is withheld.
    pub(crate) fn withholds_reason(&self, entry: &KpiPicture, seq: Seq) -> bool {
        self.withheld_from(entry, |withheld, plan| withheld.has_replaced(Entry { plan, seq }))
    }

    /// What is withheld is chosen once for all moments, out of all figures that can be asked about today: a reader may ask
    /// about two moments and subtract. What was stricter in the past comes on top.
    fn withheld_from(&self, entry: &KpiPicture, is_withheld: impl Fn(&Withheld, usize) -> bool) -> bool {
        let kpi = &entry.kpi;
        let today = self.picture.present();
        let chosen = |threshold| today.ask_withheld(&kpi.code, threshold, &is_withheld) == Some(true);
        let today_hides = self.picture.today(kpi).is_some_and(|kpi| !self.access.sees_small_numbers(kpi));
        (today_hides && chosen(today.threshold()))
            || (!self.access.sees_small_numbers(kpi) && chosen(self.picture.threshold()))
    }

    /// Whether a KPI's baseline is kept from the reader: it is a figure like any other.
    fn withholds_baseline(&self, entry: &KpiPicture) -> bool {
        entry.drawn_from().is_some_and(|seq| self.withholds_revision(entry, seq))
    }

    /// What a period is compared with, as a reader may know it: a line from a baseline that is withheld would give that
    /// away.
    pub(crate) fn target_for(
        &self,
        entry: &KpiPicture,
        find: impl Fn(&Kpi) -> Result<FoundTarget, NoTarget>,
    ) -> Result<FoundTarget, NoTarget> {
        let found = find(&entry.kpi);
        let drawn = !self.by_a_member() && entry.kpi.spread() == Some(Profile::Linear);
        if drawn && self.withholds_baseline(entry) && find(&Kpi { baseline: None, ..entry.kpi.clone() }) != found {
            return Err(NoTarget::Withheld);
        }
        found
    }
}

impl<'a> SeenKpi<'a> {
    /// Its code.
    pub fn code(&self) -> &'a KpiCode {
        &self.entry.kpi.code
    }

    /// Its title.
    pub fn title(&self) -> &'a str {
        &self.entry.kpi.title
    }

    /// The priority that it belongs to.
    pub fn priority(&self) -> &'a PriorityCode {
        &self.entry.kpi.priority
    }

    /// How many decimals its figures are reported to.
    pub fn decimals(&self) -> u32 {
        self.entry.kpi.decimals
    }

    /// The kind of period that it is reported by.
    pub fn period_kind(&self) -> PeriodKind {
        self.entry.kpi.period_kind()
    }

    /// Whether an organisation leads on it or contributes to it.
    pub fn involves(&self, organisation: &OrganisationCode) -> bool {
        self.entry.kpi.involves(organisation)
    }

    /// Its definition as the reader may read it.
    pub fn definition(&self) -> Cow<'a, Kpi> {
        self.seen.definition_for(self.entry)
    }

    /// Whether it was archived.
    pub fn is_archived(&self) -> bool {
        self.entry.archived
    }

    /// Its revision, from 1.
    pub fn revision(&self) -> i32 {
        self.entry.revision
    }

    /// Where in the journal it was last changed.
    pub fn seq(&self) -> Seq {
        self.entry.seq
    }

    /// The version of what is measured, from 1: figures compare only within one.
    pub fn definition_version(&self) -> i32 {
        self.entry.definition_version
    }

    /// The outcome area that it belongs to, through its priority.
    pub fn outcome_area(&self) -> Option<&'a AreaCode> {
        self.seen.picture.area_of(&self.entry.kpi)
    }

    /// How many targets it has.
    pub fn count_of_targets(&self) -> usize {
        self.entry.targets.len()
    }

    /// How many figures it has, of all groups and periods.
    pub fn count_of_readings(&self) -> usize {
        self.entry.readings.values().map(BTreeMap::len).sum()
    }

    /// The period that a text names, if it is a longer one that the KPI's figures make up.
    pub fn longer_period(&self, group: &GroupCode, text: &str) -> Option<Period> {
        self.seen.picture.longer_period(self.entry, group, text)
    }

    /// Whether the reader may read what is being done about it.
    pub fn may_read_actions(&self) -> bool {
        self.seen.reads_actions(&self.entry.kpi)
    }

    /// Its status in a period for a group.
    pub fn assess(&self, group: &GroupCode, period: Period) -> Option<Assessment> {
        self.seen.assess(self.entry, group, period)
    }
}
