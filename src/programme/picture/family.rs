//! Plans that are published together: a plan, what it goes on from, and what goes on from it.
//!
//! A successor has the figures of the plan before, and both can be read for good: who subtracts a figure of the one from a
//! figure of the other learns as much as within one plan. So what is withheld is chosen out of the figures of all of them, and
//! is the same whichever is asked.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use waymark_domain::dimension::Dimension;
use waymark_domain::disclosure::{self, Figures, Origin, Posted, Withheld};
use waymark_domain::ids::{GroupCode, KpiCode, PlanCode, PlanId, Seq};
use waymark_domain::kpi::{Formula, Kpi, Unit};
use waymark_store::{Conn, plans};

use crate::Refusal;
use crate::picture::withheld::Choices;
use crate::picture::{KpiPicture, Picture};

/// The plans of a family as they are, in the order in which they were made, and what is withheld in them.
#[derive(Debug)]
pub(crate) struct Family {
    members: Vec<Arc<Picture>>,
    choices: BTreeMap<KpiCode, Choices>,
}

impl Family {
    /// A family of these plans. What an earlier state of it chose from the same figures is taken over.
    pub(crate) fn new(members: Vec<Arc<Picture>>, before: Option<&Self>) -> Self {
        let codes: BTreeSet<&KpiCode> = members.iter().flat_map(|member| member.kpis().keys()).collect();
        let choices = codes.into_iter().map(|code| {
            let known = before.filter(|before| before.has_the_same(&members, code));
            (code.clone(), known.and_then(|before| before.choices.get(code)).cloned().unwrap_or_default())
        });
        let choices = choices.collect();
        Self { members, choices }
    }

    /// Whether these plans have the same figures of a KPI as the family.
    fn has_the_same(&self, members: &[Arc<Picture>], code: &KpiCode) -> bool {
        let same = |(one, other): (&Arc<Picture>, &Arc<Picture>)| {
            let (one_kpi, other_kpi) = (one.kpis().get(code), other.kpis().get(code));
            let both = one_kpi.zip(other_kpi).is_some_and(|(one, other)| Arc::ptr_eq(one, other));
            one.id() == other.id() && (both || (one_kpi.is_none() && other_kpi.is_none()))
        };
        self.members.len() == members.len() && self.members.iter().zip(members).all(same)
    }

    /// The plans and the version of each.
    pub(crate) fn versions(&self) -> Vec<(PlanId, Seq)> {
        self.members.iter().map(|member| (member.id(), member.version())).collect()
    }

    /// A plan's place among the plans, and the choice for a KPI.
    pub(crate) fn choice(&self, plan: PlanId, kpi: &KpiCode) -> Option<(usize, &Choices)> {
        let place = self.members.iter().position(|member| member.id() == plan)?;
        Some((place, self.choices.get(kpi)?))
    }

    /// Up to which number a number is small in any of the plans.
    pub(crate) fn threshold(&self) -> u32 {
        self.members.iter().map(|member| member.plan().value.small_number_threshold).max().unwrap_or_default()
    }

    /// What is withheld of a KPI.
    pub(crate) fn withheld(&self, kpi: &KpiCode, threshold: u32) -> Withheld {
        withheld(&self.members.iter().map(|member| &**member).collect::<Vec<_>>(), kpi, threshold)
    }
}

/// What is withheld of a KPI in plans that are published together.
pub(crate) fn withheld(plans: &[&Picture], kpi: &KpiCode, threshold: u32) -> Withheld {
    let entries = || plans.iter().enumerate().filter_map(|(place, plan)| Some((place, plan.kpis().get(kpi)?)));
    let sensitive = || entries().filter(|(_, entry)| entry.kpi.sensitive).map(|(_, entry)| entry);
    let checked = sensitive().all(|entry| entry.kpi.numbers_checked);
    // If one plan withholds, another that does not shows what it has for good.
    let open = |entry: &KpiPicture| sensitive().next().is_some() && !entry.kpi.sensitive;
    let posted: Vec<(bool, Posted)> = entries()
        .flat_map(|(plan, entry)| {
            let origin = if open(entry) { Origin::Shown } else { Origin::Reading };
            entry.all_posted(plan).map(move |(counted, posted)| {
                let origin = if posted.origin == Origin::Baseline { Origin::Baseline } else { origin };
                (counted, Posted { origin, ..posted })
            })
        })
        .collect();
    let mut dimensions: Vec<&Dimension> = Vec::new();
    for dimension in plans.iter().flat_map(|plan| plan.all_dimensions()) {
        if !dimensions.iter().any(|known| known.complete == dimension.complete && known.groups == dimension.groups) {
            dimensions.push(dimension);
        }
    }
    let gaps: BTreeSet<(&GroupCode, &GroupCode)> = plans.iter().flat_map(|plan| gaps(plan, kpi)).collect();
    let mut measures: Vec<&Kpi> = Vec::new();
    for measure in entries().flat_map(|(_, entry)| entry.measures()) {
        if !measures.iter().any(|known| ties(known) == ties(measure)) {
            measures.push(measure);
        }
    }
    let by_definition = measures.into_iter().map(|kpi| {
        let alike = posted.iter().filter(|(counted, _)| *counted == (kpi.unit == Unit::Count));
        let (dimensions, gaps) = (dimensions.clone(), gaps.iter().copied().collect());
        Figures { kpi, checked, threshold, dimensions, gaps, posted: alike.map(|(_, posted)| posted.clone()).collect() }
    });
    disclosure::withheld(&by_definition.collect::<Vec<_>>())
}

/// What a definition ties figures to one another by.
pub(crate) fn ties(kpi: &Kpi) -> impl PartialEq + use<> {
    (kpi.unit == Unit::Count, kpi.aggregation, kpi.multiplier)
}

/// The gaps in counts that a plan computes from a KPI and that are sensitive: comparator and group.
fn gaps<'a>(plan: &'a Picture, kpi: &KpiCode) -> Vec<(&'a GroupCode, &'a GroupCode)> {
    let sides = plan.kpis().values().filter_map(|gap| match &gap.kpi.formula {
        Formula::Gap { of, group, comparator } if of == kpi && gap.kpi.sensitive && gap.kpi.unit == Unit::Count => {
            Some((comparator, group))
        }
        _ => None,
    });
    sides.collect()
}

/// Which plan goes on from which, as far as anybody asked. That never changes, so that it is read once for each plan.
#[derive(Debug, Default)]
pub(crate) struct Descent(Mutex<HashMap<PlanId, Option<PlanCode>>>);

impl Descent {
    /// The plans that are published together with one, itself among them, in the order in which they were made, and the
    /// version of each.
    pub(crate) fn family(&self, conn: &mut Conn, plan: PlanId) -> Result<Vec<(PlanId, Seq)>, Refusal> {
        let all = plans::list_all(conn)?;
        let by_code: HashMap<&PlanCode, PlanId> = all.iter().map(|row| (&row.code, row.id)).collect();
        let mut tied: HashMap<PlanId, Vec<PlanId>> = HashMap::new();
        for row in all.iter().filter(|row| row.seq > Seq(0)) {
            let before = self.predecessor(conn, row.id)?.and_then(|code| by_code.get(&code).copied());
            // A plan of that code that was made afterwards is another.
            if let Some(before) = before.filter(|before| *before < row.id) {
                tied.entry(row.id).or_default().push(before);
                tied.entry(before).or_default().push(row.id);
            }
        }
        let (mut family, mut edge) = (BTreeSet::from([plan]), vec![plan]);
        while let Some(one) = edge.pop() {
            edge.extend(tied.get(&one).into_iter().flatten().copied().filter(|other| family.insert(*other)));
        }
        let mut versions: Vec<(PlanId, Seq)> =
            all.iter().filter(|row| family.contains(&row.id)).map(|row| (row.id, row.seq)).collect();
        versions.sort_unstable();
        Ok(versions)
    }

    fn predecessor(&self, conn: &mut Conn, plan: PlanId) -> Result<Option<PlanCode>, Refusal> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&plan).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let predecessor = Picture::predecessor_of(conn, plan)?;
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(plan, predecessor.clone());
        Ok(predecessor)
    }
}
