//! Dimensions and their groups (docs/rules.md section 9): ways to slice the population that readings are about, and what the
//! groups of one that covers it must sum to.

use serde::{Deserialize, Serialize};

use super::check::{check_distinct, check_text};
use super::ids::{DimensionCode, GroupCode};
use super::invalid::Invalid;
use super::kpi::{Kpi, Unit};
use super::number::Figure;
use crate::document;

/// One slice of a dimension.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(description = "A slice of the population.")]
pub struct Group {
    /// The group's code, which no other group of the plan has; never `all`.
    #[schema(example = "fsm")]
    pub code: GroupCode,
    /// What it is called; 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200, example = "Eligible for free school meals")]
    pub title: String,
    /// The group that it lies within, of this dimension or another: what is left of that group without this one is guarded
    /// as a figure. In a dimension that covers everyone, all groups within one group make it up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "white")]
    pub within: Option<GroupCode>,
    /// Whether it lies across the other groups of its dimension and is not counted among those that sum to `all`, as pupils
    /// with free school meals among years of birth.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schema(example = false)]
    pub outside: bool,
}

document! {
    /// A way to slice the population.
    #[schema(description = "A way to slice the population into groups.")]
    pub struct Dimension / DimensionDraft / DimensionChange {
        /// The dimension's code.
        #[schema(example = "free-school-meals")]
        code: DimensionCode,
        /// What it is called; 1 to 200 characters.
        #[schema(min_length = 1, max_length = 200, example = "Free school meals")]
        title: String,
        /// Whether its groups cover the whole population: then their counts must sum to those of `all`, and what that
        /// would disclose of small numbers is guarded. Groups that lie `outside`, or `within` another group of the
        /// dimension, are not counted. If groups cover everyone, or make up another group, and the plan does not say
        /// so, only sums that the figures themselves show are guarded: all groups, all but one, or two.
        complete: bool = false,
        /// Its groups, 1 to 100, in the order they are shown in.
        #[schema(min_items = 1, max_items = 100)]
        groups: Vec<Group>,
    }
}

impl Dimension {
    /// Whether a group belongs to it.
    pub fn has(&self, group: &GroupCode) -> bool {
        self.groups.iter().any(|known| known.code == *group)
    }

    /// Whether it sums up the same groups as another that covers the population.
    pub fn sums_like(&self, other: &Self) -> bool {
        let same = |one: &Group, other: &Group| {
            one.code == other.code && one.within == other.within && one.outside == other.outside
        };
        self.complete
            && self.groups.len() == other.groups.len()
            && self.groups.iter().all(|group| other.groups.iter().any(|known| same(group, known)))
    }

    /// The groups that sum to `all` if the dimension covers the population: neither outside the others nor within one
    /// of them.
    pub fn parts_of_all(&self) -> impl Iterator<Item = &Group> {
        let within_another = |group: &Group| group.within.as_ref().is_some_and(|whole| self.has(whole));
        self.groups.iter().filter(move |group| !group.outside && !within_another(group))
    }

    /// What may give a small number away and is not guarded, as the plan does not know of it, and what to do; `None` if
    /// all is said.
    pub fn unguarded(&self) -> Option<String> {
        let unsaid: Vec<String> = self.parts_of_all().filter(|group| group.within.is_none()).map(code_of).collect();
        // A pair that makes up everyone shows in the figures.
        if self.complete || unsaid.len() < 3 {
            return None;
        }
        Some(format!(
            "nothing says how {} divide the population: if some of them make up everyone or another group, a small number could be \
             worked out from the others; set `complete` if they cover everyone, `within` for a group inside another, and \
             `outside` for a group that lies across the others",
            unsaid.join(", ")
        ))
    }

    /// The group of this dimension that a group of it lies within.
    fn whole_of(&self, group: &Group) -> Option<&Group> {
        self.groups.iter().find(|whole| Some(&whole.code) == group.within.as_ref())
    }

    /// Whether a group of it lies within itself, by way of others or not.
    fn lies_within_itself(&self, group: &Group) -> bool {
        let wholes = std::iter::successors(self.whole_of(group), |whole| self.whole_of(whole));
        wholes.take(self.groups.len()).any(|whole| whole.code == group.code)
    }

    /// What is wrong with the dimension in itself.
    pub fn check(&self) -> Invalid {
        let mut invalid = Invalid::new();
        check_text(&mut invalid, "/title", &self.title, 1, 200);
        if self.groups.is_empty() || self.groups.len() > 100 {
            invalid.at("/groups", "wrong_length", "a dimension has 1 to 100 groups");
        }
        let codes: Vec<_> = self.groups.iter().map(|group| group.code.clone()).collect();
        check_distinct(&mut invalid, "/groups", &codes);
        for (place, group) in self.groups.iter().enumerate() {
            check_text(&mut invalid, &format!("/groups/{place}/title"), &group.title, 1, 200);
            if group.code.is_all() {
                let detail = "`all` is the whole population and belongs to no dimension";
                invalid.at(format!("/groups/{place}/code"), "reserved", detail);
            }
            if self.lies_within_itself(group) {
                let detail = format!("`{}` cannot lie within itself; correct `within`", group.code);
                invalid.at(format!("/groups/{place}/within"), "within_itself", detail);
            }
        }
        if self.complete && !self.groups.is_empty() && self.parts_of_all().next().is_none() {
            let detail = "a dimension that covers everyone needs at least one group that is not `outside`";
            invalid.at("/complete", "nothing_covers_everyone", detail);
        }
        invalid
    }
}

fn code_of(group: &Group) -> String {
    format!("`{}`", group.code)
}

/// What can be added up of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// Nothing: none was reported, or it is a percentage, a rate or an average without its fraction.
    Nothing,
    /// A count.
    Count(Figure),
    /// What was counted, over what.
    Fraction(Figure, Figure),
}

impl Counted {
    /// What can be added up of a figure of this KPI.
    pub fn of(kpi: &Kpi, value: Option<Figure>, numerator: Option<Figure>, denominator: Option<Figure>) -> Self {
        match (numerator.zip(denominator), value) {
            (Some((numerator, denominator)), _) => Self::Fraction(numerator, denominator),
            (None, Some(value)) if kpi.unit == Unit::Count => Self::Count(value),
            (None, _) => Self::Nothing,
        }
    }
}

/// A sum of groups that is not the figure of `all`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unequal {
    /// Which part of the figures: `value`, `numerator` or `denominator`.
    pub part: &'static str,
    /// What the groups sum to.
    pub groups: Figure,
    /// What `all` is.
    pub all: Figure,
}

/// Where the groups of a dimension that covers the population do not sum to `all`: part by part. Nothing is said unless all
/// of them can be added up alike.
pub fn unequal_sums(all: Counted, groups: &[Counted]) -> Vec<Unequal> {
    let sum = |part: fn(&Counted) -> Option<Figure>| {
        groups.iter().map(part).try_fold(Figure::ZERO, |sum, figure| Some(sum + figure?))
    };
    let parts = match all {
        Counted::Nothing => Vec::new(),
        Counted::Count(all) => vec![("value", all, sum(value))],
        Counted::Fraction(above, below) => {
            vec![("numerator", above, sum(numerator)), ("denominator", below, sum(denominator))]
        }
    };
    let unequal = |(part, all, groups): (&'static str, Figure, Option<Figure>)| {
        groups.filter(|groups| *groups != all).map(|groups| Unequal { part, groups, all })
    };
    parts.into_iter().filter_map(unequal).collect()
}

fn value(counted: &Counted) -> Option<Figure> {
    if let Counted::Count(value) = counted { Some(*value) } else { None }
}

fn numerator(counted: &Counted) -> Option<Figure> {
    if let Counted::Fraction(numerator, _) = counted { Some(*numerator) } else { None }
}

fn denominator(counted: &Counted) -> Option<Figure> {
    if let Counted::Fraction(_, denominator) = counted { Some(*denominator) } else { None }
}

impl Dimension {
    /// Reports to a person that the groups of this dimension do not sum to `all`.
    pub fn told(&self, unequal: &Unequal) -> String {
        let Unequal { part, groups, all } = unequal;
        let difference = (*groups - *all).abs();
        let side = if groups > all { "too many" } else { "too few" };
        format!(
            "the groups of `{}` cover everyone, and their {part}s sum to {groups} but all has {all}: {difference} {side}; \
             correct the groups or all",
            self.code
        )
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::kpi::tests::kpi;

    fn figure(text: &str) -> Figure {
        text.parse().unwrap()
    }

    fn fraction(numerator: i64, denominator: i64) -> Counted {
        Counted::Fraction(Figure::whole(numerator).unwrap(), Figure::whole(denominator).unwrap())
    }

    #[test]
    fn counts_are_added_up_and_shares_are_not() {
        let (share, count) = (kpi(json!({})), kpi(json!({"unit": "count"})));
        let (some, more) = (Some(figure("3")), Some(figure("40")));
        assert_eq!(Counted::of(&share, some, None, None), Counted::Nothing);
        assert_eq!(Counted::of(&share, some, some, more), fraction(3, 40));
        assert_eq!(Counted::of(&count, some, None, None), Counted::Count(figure("3")));
        assert_eq!(Counted::of(&count, some, some, more), fraction(3, 40));
        assert_eq!(Counted::of(&count, None, None, None), Counted::Nothing);
    }

    #[test]
    fn numerators_and_denominators_are_told_apart() {
        let all = fraction(1179, 2000);
        assert_eq!(unequal_sums(all, &[fraction(103, 260), fraction(1076, 1740)]), []);
        let told = unequal_sums(all, &[fraction(103, 261), fraction(1075, 1740)]);
        let wanted = [("numerator", "1178", "1179"), ("denominator", "2001", "2000")];
        let wanted = wanted.map(|(part, groups, all)| Unequal { part, groups: figure(groups), all: figure(all) });
        assert_eq!(told, wanted);
        let mixed = [fraction(103, 260), Counted::Count(figure("1"))];
        assert_eq!(unequal_sums(all, &mixed), [], "figures of another form cannot be added up");
        assert_eq!(unequal_sums(all, &[fraction(1, 2), Counted::Nothing]), []);
    }

    proptest! {
        #[test]
        fn whatever_is_split_sums_to_the_whole(parts in prop::collection::vec(0_i64..100_000, 1..20), slip in 1_i64..9) {
            let whole: i64 = parts.iter().sum();
            let counts: Vec<_> = parts.iter().map(|part| Counted::Count(Figure::whole(*part).unwrap())).collect();
            let of = |whole: i64| unequal_sums(Counted::Count(Figure::whole(whole).unwrap()), &counts);
            prop_assert_eq!(of(whole), []);
            prop_assert_eq!(of(whole + slip).len(), 1);
        }
    }
}
