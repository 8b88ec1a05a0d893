//! Benchmarks: what other authorities reached, and how the plan's own figure compares with them ([`compare`]).

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::check::{check_distinct, check_text};
use super::ids::{AuthorityCode, ComparatorCode, KpiCode};
use super::invalid::Invalid;
use super::kpi::{Kpi, Polarity};
use super::number::Figure;
use super::period::Period;
use crate::document;

/// Which authorities belong to a comparator group from a day on: lists of neighbours are drawn up again every few
/// years.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(description = "Which authorities belong to a comparator group from a day on.")]
pub struct Edition {
    /// The first day it holds; the next edition ends it.
    #[schema(example = "2007-04-01")]
    pub from: NaiveDate,
    /// The authorities, 1 to 400. A group of one, such as England, is compared with by its own figure.
    #[schema(min_items = 1, max_items = 400, example = json!(["barnet", "ealing", "hillingdon"]))]
    pub authorities: Vec<AuthorityCode>,
}

document! {
    /// Authorities that the plan's figures are compared with.
    #[schema(description = "Authorities that the plan's figures are compared with: statistical neighbours, London, England.")]
    pub struct ComparatorGroup / ComparatorGroupDraft / ComparatorGroupChange {
        /// The group's code.
        #[schema(example = "statistical-neighbours")]
        code: ComparatorCode,
        /// What it is called; 1 to 200 characters.
        #[schema(min_length = 1, max_length = 200, example = "Statistical neighbours")]
        title: String,
        /// Its editions, 1 to 50, earliest first.
        #[schema(min_items = 1, max_items = 50)]
        editions: Vec<Edition>,
    }
}

/// What one authority reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(description = "What one authority reached.")]
pub struct ComparatorFigure {
    /// The authority.
    #[schema(example = "hillingdon")]
    pub authority: AuthorityCode,
    /// What it is called; 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200, example = "Hillingdon")]
    pub title: String,
    /// Its figure, in the KPI's unit.
    #[schema(example = 5.1)]
    pub value: Figure,
}

document! {
    /// What other authorities reached in a KPI and period: those of its [`BenchmarkKey`].
    #[schema(description = "What other authorities reached in a KPI and period.")]
    pub struct Benchmark / BenchmarkDraft / BenchmarkChange {
        /// Where the figures were published; at most 400 characters.
        #[schema(max_length = 400, example = "Department for Children, Schools and Families, June 2010")]
        source: Option<String> = None,
        /// The figures, 1 to 400, one per authority.
        #[schema(min_items = 1, max_items = 400)]
        figures: Vec<ComparatorFigure>,
    }
}

/// What a benchmark is known by: `NI-117/FY2009-10`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BenchmarkKey {
    /// The KPI.
    pub kpi: KpiCode,
    /// The period.
    pub period: Period,
}

impl std::fmt::Display for BenchmarkKey {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}/{}", self.kpi, self.period)
    }
}

impl std::str::FromStr for BenchmarkKey {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const NO_KEY: &str = "is not a benchmark's key";
        let (kpi, period) = text.split_once('/').ok_or(NO_KEY)?;
        let period = period.parse().map_err(|_no_period| NO_KEY)?;
        Ok(Self { kpi: kpi.parse().map_err(|_no_code| NO_KEY)?, period })
    }
}

impl ComparatorGroup {
    /// What is wrong with the group in itself.
    pub fn check(&self) -> Invalid {
        let mut invalid = Invalid::new();
        check_text(&mut invalid, "/title", &self.title, 1, 200);
        if self.editions.is_empty() || self.editions.len() > 50 {
            invalid.at("/editions", "wrong_length", "a comparator group has 1 to 50 editions");
        }
        for (place, edition) in self.editions.iter().enumerate() {
            let pointer = format!("/editions/{place}");
            if edition.authorities.is_empty() || edition.authorities.len() > 400 {
                invalid.at(format!("{pointer}/authorities"), "wrong_length", "an edition has 1 to 400 authorities");
            }
            check_distinct(&mut invalid, &format!("{pointer}/authorities"), &edition.authorities);
            let earlier = place.checked_sub(1).and_then(|before| self.editions.get(before));
            if earlier.is_some_and(|earlier| earlier.from >= edition.from) {
                invalid.at(format!("{pointer}/from"), "out_of_order", "an edition begins after the one before it");
            }
        }
        invalid
    }

    /// The edition that holds on a day.
    pub fn edition_on(&self, day: NaiveDate) -> Option<&Edition> {
        self.editions.iter().rev().find(|edition| edition.from <= day)
    }
}

impl Benchmark {
    /// What is wrong with the benchmark in itself.
    pub fn check(&self) -> Invalid {
        let mut invalid = Invalid::new();
        if let Some(source) = &self.source {
            check_text(&mut invalid, "/source", source, 0, 400);
        }
        if self.figures.is_empty() || self.figures.len() > 400 {
            invalid.at("/figures", "wrong_length", "a benchmark has the figures of 1 to 400 authorities");
        }
        let authorities: Vec<_> = self.figures.iter().map(|figure| figure.authority.clone()).collect();
        check_distinct(&mut invalid, "/figures", &authorities);
        for (place, figure) in self.figures.iter().enumerate() {
            check_text(&mut invalid, &format!("/figures/{place}/title"), &figure.title, 1, 200);
        }
        invalid
    }
}

/// Why a figure has no rank among a group's, or no quartile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(
    description = "Why a figure has no rank or no quartile: `contextual`, neither way is better; `no_order`, inside a range is best, and two figures outside it are not ordered; `no_edition`, the group had no authorities yet; `no_comparators`, none of its authorities has a figure; `no_reading`, the plan has no figure of its own; `suppressed`, it has one that this reader may not see; `too_few`, fewer than four figures are ranked, too few for quartiles."
)]
pub enum NoRank {
    /// Neither way is better.
    Contextual,
    /// Inside a range is best: figures have no one order.
    NoOrder,
    /// No edition of the group holds on the period's last day.
    NoEdition,
    /// None of the group's authorities has a figure.
    NoComparators,
    /// The plan has no figure.
    NoReading,
    /// The plan's figure may not be seen by this reader.
    Suppressed,
    /// Fewer than four figures are ranked: there is a rank and no quartile.
    TooFew,
}

/// A figure among those of one comparator group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(description = "The plan's own figure among those of one comparator group.")]
pub struct GroupComparison {
    /// The group's code.
    #[schema(example = "statistical-neighbours")]
    pub group: ComparatorCode,
    /// What it is called.
    #[schema(example = "Statistical neighbours")]
    pub title: String,
    /// The first day of the edition that holds on the period's last day; `null` if none does.
    #[schema(required = true, example = "2007-04-01")]
    pub edition: Option<NaiveDate>,
    /// How many authorities the edition has.
    #[schema(minimum = 0, example = 10)]
    pub authorities: usize,
    /// How many of them have a figure.
    #[schema(minimum = 0, example = 9)]
    pub figures: usize,
    /// The middle one of their figures, between the two middle ones if their number is even; of a group of one, its
    /// figure.
    #[schema(required = true, example = 5.2)]
    pub median: Option<Figure>,
    /// The plan's own place, 1 the best; ties take the better one.
    #[schema(required = true, minimum = 1, example = 3)]
    pub rank: Option<usize>,
    /// Among how many, its own figure included.
    #[schema(required = true, minimum = 2, example = 10)]
    pub of: Option<usize>,
    /// The quarter that the rank lies in, 1 the best.
    #[schema(required = true, minimum = 1, maximum = 4, example = 1)]
    pub quartile: Option<usize>,
    /// Why there is no rank, or no quartile.
    #[schema(required = true)]
    pub reason: Option<NoRank>,
}

/// The plan's own figure beside what others reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(description = "The plan's own figure beside what others reached.")]
pub struct Comparison {
    /// The plan's own figure, as reported: rounded to the KPI's decimals; `null` if there is none to show.
    #[schema(required = true, example = 4.5)]
    pub own: Option<Figure>,
    /// Each comparator group, by code.
    pub groups: Vec<GroupComparison>,
}

/// The fewest figures that are divided into quarters.
const LEAST_FOR_QUARTILES: usize = 4;

/// Sets the plan's own figure of a period beside a benchmark's, one comparator group at a time. `own` says why if there
/// is none to compare.
///
/// Figures are compared as reported, so that what a page shows alike is a tie. The median is of the figures as given.
pub fn compare<'a>(
    kpi: &Kpi,
    period: Period,
    own: Result<Figure, NoRank>,
    benchmark: &Benchmark,
    groups: impl IntoIterator<Item = &'a ComparatorGroup>,
) -> Comparison {
    let own = own.map(|figure| figure.rounded(kpi.decimals));
    let groups = groups.into_iter().map(|group| {
        let edition = group.edition_on(period.end());
        let belongs = |authority| edition.is_some_and(|edition| edition.authorities.contains(authority));
        let members = benchmark.figures.iter().filter(|figure| belongs(&figure.authority));
        let mut figures: Vec<Figure> = members.map(|figure| figure.value).collect();
        figures.sort_unstable();
        let place = match edition {
            None => Err(NoRank::NoEdition),
            Some(_) => rank(kpi, own, &figures),
        };
        let of = figures.len() + 1;
        let quartile = place.and_then(|rank| quartile(rank, of));
        GroupComparison {
            group: group.code.clone(),
            title: group.title.clone(),
            edition: edition.map(|edition| edition.from),
            authorities: edition.map_or(0, |edition| edition.authorities.len()),
            figures: figures.len(),
            median: median(&figures),
            rank: place.ok(),
            of: place.ok().map(|_| of),
            quartile: quartile.ok(),
            reason: quartile.err(),
        }
    });
    Comparison { own: own.ok(), groups: groups.collect() }
}

/// The place of a reported figure among others, by polarity: one behind those that are better.
fn rank(kpi: &Kpi, own: Result<Figure, NoRank>, figures: &[Figure]) -> Result<usize, NoRank> {
    let better: fn(Figure, Figure) -> bool = match kpi.polarity {
        Polarity::HigherIsBetter => |other, own| other > own,
        Polarity::LowerIsBetter => |other, own| other < own,
        Polarity::WithinRange => return Err(NoRank::NoOrder),
        Polarity::None => return Err(NoRank::Contextual),
    };
    if figures.is_empty() {
        return Err(NoRank::NoComparators);
    }
    let own = own?;
    Ok(1 + figures.iter().filter(|other| better(other.rounded(kpi.decimals), own)).count())
}

/// The quarter that a rank among `of` lies in.
fn quartile(rank: usize, of: usize) -> Result<usize, NoRank> {
    if of < LEAST_FOR_QUARTILES { Err(NoRank::TooFew) } else { Ok((rank - 1) * 4 / of + 1) }
}

/// The middle of figures in order, exact to ten decimal places.
fn median(sorted: &[Figure]) -> Option<Figure> {
    let upper = *sorted.get(sorted.len() / 2)?;
    let lower = *sorted.get((sorted.len() - 1) / 2)?;
    (lower + upper).share(1, 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Document;
    use crate::kpi::tests::kpi;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn read<D: Document>(members: Value) -> D {
        D::parse(serde_json::from_value(members).unwrap()).unwrap()
    }

    fn benchmark(figures: &[&str]) -> Benchmark {
        let figure = |(place, value): (usize, &&str)| json!({"authority": format!("a{place}"), "title": "A", "value": value.parse::<Figure>().unwrap()});
        read(json!({"figures": figures.iter().enumerate().map(figure).collect::<Vec<_>>()}))
    }

    /// A group of the authorities `a0` to `a{count - 1}`.
    fn group(count: usize) -> ComparatorGroup {
        let authorities: Vec<_> = (0..count).map(|place| format!("a{place}")).collect();
        read(json!({"code": "g", "title": "G", "editions": [{"from": "2007-04-01", "authorities": authorities}]}))
    }

    fn compared(polarity: &str, own: Result<&str, NoRank>, figures: &[&str]) -> GroupComparison {
        let kpi = kpi(json!({"polarity": polarity}));
        let own = own.map(|figure| figure.parse().unwrap());
        let group = group(figures.len().max(1));
        let period = "FY2009-10-Q4".parse().unwrap();
        compare(&kpi, period, own, &benchmark(figures), [&group]).groups.remove(0)
    }

    #[test]
    fn the_better_figure_has_the_better_rank_and_ties_take_it() {
        let four = ["4.0", "4.44", "5.1", "6.0"];
        for (polarity, own, rank, quartile) in [
            ("lower_is_better", "3.9", 1, 1),
            ("lower_is_better", "4.36", 2, 1),
            ("lower_is_better", "4.46", 3, 2),
            ("lower_is_better", "7", 5, 4),
            ("higher_is_better", "7", 1, 1),
            ("higher_is_better", "6.04", 1, 1),
            ("higher_is_better", "5.1", 2, 1),
            ("higher_is_better", "4", 4, 3),
            ("higher_is_better", "3.9", 5, 4),
        ] {
            let found = compared(polarity, Ok(own), &four);
            assert_eq!(
                (found.rank, found.of, found.quartile, found.reason),
                (Some(rank), Some(5), Some(quartile), None),
                "{own}, {polarity}"
            );
        }
    }

    #[test]
    fn without_an_order_or_a_figure_it_says_why() {
        for (polarity, own, figures, reason, rank) in [
            ("none", Ok("4"), vec!["5", "6", "7"], NoRank::Contextual, None),
            ("within_range", Ok("4"), vec!["5", "6", "7"], NoRank::NoOrder, None),
            ("lower_is_better", Err(NoRank::NoReading), vec!["5", "6", "7"], NoRank::NoReading, None),
            ("lower_is_better", Err(NoRank::Suppressed), vec!["5", "6", "7"], NoRank::Suppressed, None),
            ("lower_is_better", Ok("4"), vec![], NoRank::NoComparators, None),
            ("lower_is_better", Ok("4"), vec!["5", "3"], NoRank::TooFew, Some(2)),
        ] {
            let found = compared(polarity, own, &figures);
            assert_eq!((found.rank, found.quartile, found.reason), (rank, None, Some(reason)));
            assert_eq!(found.of.is_some(), rank.is_some());
        }
    }

    #[test]
    fn the_edition_of_the_last_day_decides_who_belongs() {
        let group: ComparatorGroup = read(json!({"code": "g", "title": "G", "editions": [
            {"from": "2007-04-01", "authorities": ["a0", "a1"]}, {"from": "2010-03-31", "authorities": ["a2", "gone"]},
        ]}));
        let benchmark = benchmark(&["4", "5", "9.123456"]);
        let found = |period: &str| {
            let own = Ok("4".parse().unwrap());
            let mut found =
                compare(&kpi(json!({})), period.parse().unwrap(), own, &benchmark, [&group]).groups.remove(0);
            (
                found.edition.take().map(|day| day.to_string()),
                found.authorities,
                found.figures,
                found.median,
                found.reason,
            )
        };
        let figure = |text: &str| Some(text.parse::<Figure>().unwrap());
        assert_eq!(found("FY2006-07-Q4"), (None, 0, 0, None, Some(NoRank::NoEdition)));
        let first = (Some("2007-04-01".to_owned()), 2, 2, figure("4.5"), Some(NoRank::TooFew));
        assert_eq!(found("FY2009-10-Q3"), first);
        let second = (Some("2010-03-31".to_owned()), 2, 1, figure("9.123456"), Some(NoRank::TooFew));
        assert_eq!(found("FY2009-10-Q4"), second, "a group of one has its figure");
    }

    proptest! {
        /// Whatever the figures: the rank counts those that are better, the quartile follows it, and both ends turn round
        /// with polarity.
        #[test]
        fn ranks_and_quartiles_keep_their_bounds(own in -50_i64..50, others in prop::collection::vec(-50_i64..50, 3..40)) {
            let figures: Vec<String> = others.iter().map(ToString::to_string).collect();
            let figures: Vec<&str> = figures.iter().map(String::as_str).collect();
            let own_text = own.to_string();
            let high = compared("higher_is_better", Ok(&own_text), &figures);
            let low = compared("lower_is_better", Ok(&own_text), &figures);
            let ties = others.iter().filter(|other| **other == own).count();
            let (Some(up), Some(down), Some(of)) = (high.rank, low.rank, high.of) else { panic!("no rank") };
            prop_assert_eq!(of, others.len() + 1);
            prop_assert_eq!(up + down + ties, of + 1);
            for quartile in [high.quartile, low.quartile] {
                prop_assert!(quartile.is_some_and(|quartile| (1..=4).contains(&quartile)));
            }
            prop_assert_eq!(up == 1, others.iter().all(|other| *other <= own));
            let median = high.median.unwrap();
            let below = others.iter().filter(|other| Figure::whole(**other).unwrap() < median).count();
            let above = others.iter().filter(|other| Figure::whole(**other).unwrap() > median).count();
            prop_assert!(below * 2 <= others.len() && above * 2 <= others.len());
        }
    }
}
