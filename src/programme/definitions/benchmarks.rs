//! Benchmarks: what other authorities reached, stored by KPI and period, and the plan's own figure beside it.

use serde_json::{Map, Value};

use waymark_domain::benchmark::{Benchmark, BenchmarkKey, Comparison, NoRank, compare};
use waymark_domain::document::Document;
use waymark_domain::ids::{GroupCode, KpiCode, PlanCode};
use waymark_domain::invalid::Violation;
use waymark_domain::period::Period;
use waymark_store::kinds::DefinitionKind;

use crate::caller::precondition::Precondition;
use crate::picture::{Kept, KpiPicture};
use crate::seen::Seen;
use crate::{Principal, Programme, Refusal};

/// A benchmark as one reader sees it.
#[derive(Clone, Debug)]
pub struct SeenBenchmark {
    /// Whose and when.
    pub key: BenchmarkKey,
    /// What others reached.
    pub kept: Kept<Benchmark>,
    /// The plan's own figure beside it.
    pub comparison: Comparison,
}

/// A benchmark that was put.
#[derive(Clone, Debug)]
pub struct PutBenchmark {
    /// The benchmark as it is stored now.
    pub seen: SeenBenchmark,
    /// Whether there was none before.
    pub created: bool,
}

impl Seen {
    /// One benchmark, for a reader who may see its KPI.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] if it is not there, or not for this reader.
    pub fn benchmark_for(&self, kpi: &KpiCode, period: &str) -> Result<SeenBenchmark, Refusal> {
        let entry = self.entry(kpi)?;
        let period = Period::read(period, entry.kpi.period_kind()).map_err(|_no_period| Refusal::NotFound)?;
        let key = BenchmarkKey { kpi: kpi.clone(), period };
        let kept = self.picture.benchmarks().get(&key).ok_or(Refusal::NotFound)?;
        Ok(self.seen_benchmark(entry, key, kept.clone()))
    }

    /// The benchmarks that a reader may see, in the order of KPI and period: those after `after`. An archived KPI's are
    /// shown to anyone who names it.
    pub fn benchmarks_for<'a>(
        &'a self,
        kpi: Option<&'a KpiCode>,
        period: Option<Period>,
        after: Option<&'a BenchmarkKey>,
    ) -> impl Iterator<Item = SeenBenchmark> + 'a {
        let wanted = move |key: &BenchmarkKey| {
            after.is_none_or(|after| key > after)
                && kpi.is_none_or(|kpi| key.kpi == *kpi)
                && period.is_none_or(|period| key.period == period)
        };
        self.picture.benchmarks().iter().filter(move |(key, _)| wanted(key)).filter_map(move |(key, kept)| {
            let entry = self.entry(&key.kpi).ok().filter(|entry| !entry.archived || kpi.is_some())?;
            Some(self.seen_benchmark(entry, key.clone(), kept.clone()))
        })
    }

    fn seen_benchmark(&self, entry: &KpiPicture, key: BenchmarkKey, kept: Kept<Benchmark>) -> SeenBenchmark {
        let all = GroupCode::all();
        let own = match self.picture.observed(entry, &all, key.period).and_then(|reading| reading.reported(&entry.kpi))
        {
            Some(_) if self.withholds(entry, &all, key.period) => Err(NoRank::Suppressed),
            Some(value) => Ok(self.precision(&entry.kpi).of(value)),
            None => Err(NoRank::NoReading),
        };
        let groups = self.picture.comparator_groups().values().map(|group| &group.value);
        let comparison = compare(&entry.kpi, key.period, own, &kept.value, groups);
        SeenBenchmark { key, kept, comparison }
    }
}

impl Programme {
    /// Makes or replaces the benchmark of a KPI and period. The same again keeps the revision.
    pub async fn put_benchmark(
        &self,
        plan: &PlanCode,
        caller: &Principal,
        kpi: &KpiCode,
        period: &str,
        members: Map<String, Value>,
        precondition: Precondition,
    ) -> Result<PutBenchmark, Refusal> {
        let (kpi, period) = (kpi.clone(), period.to_owned());
        self.change(plan, caller, move |ground, pen| {
            let seen = &ground.seen;
            let entry = seen.entry(&kpi)?;
            ground.must_manage()?;
            let period = Period::read(&period, entry.kpi.period_kind())
                .map_err(|error| Violation::at("/period", error.code(), format!("`{period}` {error}")))?;
            let key = BenchmarkKey { kpi, period };
            let before = seen.picture.benchmarks().get(&key);
            match before {
                Some(before) => precondition.allows_change_of(before.seq)?,
                None => precondition.allows_creation()?,
            }
            let value = Benchmark::parse(members)?;
            value.check().or(())?;
            let kept = match before {
                Some(before) if before.value == value => before.clone(),
                _ => {
                    let action = if before.is_some() { "benchmark.updated" } else { "benchmark.created" };
                    let revision = pen.next_revision(DefinitionKind::Benchmark, &key)?;
                    let (was, is) = (before.map(|before| before.value.members()), value.members());
                    let seq = pen.define(action, DefinitionKind::Benchmark, &key, revision, was, Some(is))?;
                    Kept { value, revision, seq }
                }
            };
            let created = before.is_none();
            Ok(PutBenchmark { seen: seen.seen_benchmark(entry, key, kept), created })
        })
        .await
    }

    /// Removes a benchmark; its history stays in the journal.
    pub async fn remove_benchmark(
        &self,
        plan: &PlanCode,
        caller: &Principal,
        kpi: &KpiCode,
        period: &str,
        precondition: Precondition,
    ) -> Result<(), Refusal> {
        let (kpi, period) = (kpi.clone(), period.to_owned());
        self.change(plan, caller, move |ground, pen| {
            let SeenBenchmark { key, kept, .. } = ground.seen.benchmark_for(&kpi, &period)?;
            ground.must_manage()?;
            precondition.allows_change_of(kept.seq)?;
            let (revision, before) = (kept.revision + 1, Some(kept.value.members()));
            pen.define("benchmark.removed", DefinitionKind::Benchmark, &key, revision, before, None)?;
            Ok(())
        })
        .await
    }
}
