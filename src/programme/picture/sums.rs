//! Sums over dimensions: which a figure has a part in, and where figures do not add up.

use waymark_domain::dimension::{Counted, Dimension, unequal_sums};
use waymark_domain::ids::GroupCode;
use waymark_domain::period::Period;

use crate::picture::{KpiPicture, Picture};

impl Picture {
    /// The dimensions that cover the population and whose sums a figure of this group has a part in.
    pub(crate) fn sums_with<'a>(&'a self, group: &GroupCode) -> impl Iterator<Item = &'a Dimension> {
        let dimensions = self.dimensions().values().map(|dimension| &dimension.value);
        dimensions.filter(move |dimension| dimension.complete && (group.is_all() || has_part(dimension, group)))
    }
}

/// Whether a group is one of those that sum to all.
fn has_part(dimension: &Dimension, group: &GroupCode) -> bool {
    dimension.parts_of_all().any(|part| part.code == *group)
}

impl Picture {
    /// What can be added up of the figure of a KPI, group and period; `None` if none is posted.
    pub(crate) fn counted(entry: &KpiPicture, group: &GroupCode, period: Period) -> Option<Counted> {
        let reading = &entry.posted(group, period)?.value;
        Some(Counted::of(&entry.kpi, reading.value, reading.numerator, reading.denominator))
    }
}

/// Where the figures of one KPI and period do not sum over a dimension: which part of them, and that in words.
pub(crate) fn does_not_sum(
    dimension: &Dimension,
    counted: impl Fn(&GroupCode) -> Option<Counted>,
) -> Vec<(&'static str, String)> {
    let groups: Option<Vec<_>> = dimension.parts_of_all().map(|group| counted(&group.code)).collect();
    let unequal = groups.zip(counted(&GroupCode::all())).map(|(groups, all)| unequal_sums(all, &groups));
    unequal.into_iter().flatten().map(|unequal| (unequal.part, dimension.told(&unequal))).collect()
}
