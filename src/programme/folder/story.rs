//! The story of a plan in a folder: what its people did beside posting figures, day by day, each deed by the person who did
//! it and by the same use case as over HTTP.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use waymark_domain::benchmark::ComparatorGroup;
use waymark_domain::ids::{ActionId, KpiCode, PlanCode, SubGroupCode, Subject};
use waymark_domain::period::PeriodKey;
use waymark_domain::round::{ReturnKey, Step};

use crate::caller::precondition::Precondition;
use crate::{Principal, Programme, Refusal};

/// One thing that somebody did.
#[derive(Debug, Deserialize)]
pub(crate) struct Deed {
    /// Who.
    by: Subject,
    /// What.
    #[serde(flatten)]
    what: What,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
enum What {
    Submit {
        period: PeriodKey,
        sub_group: SubGroupCode,
    },
    SignOff {
        period: PeriodKey,
        sub_group: SubGroupCode,
    },
    SendBack {
        period: PeriodKey,
        sub_group: SubGroupCode,
        note: String,
    },
    Reopen {
        period: PeriodKey,
        sub_group: SubGroupCode,
        reason: String,
    },
    /// `named` is what later deeds call the action by.
    OpenAction {
        named: String,
        action: Map<String, Value>,
    },
    NoteAction {
        named: String,
        text: String,
    },
    ChangeAction {
        named: String,
        change: Map<String, Value>,
    },
    FreezeBoardReport {
        report: Map<String, Value>,
    },
    DefineComparatorGroup {
        group: Map<String, Value>,
    },
    SetBenchmark {
        kpi: KpiCode,
        period: PeriodKey,
        benchmark: Map<String, Value>,
    },
}

/// The actions that a story has named so far.
pub(crate) type Named = BTreeMap<String, ActionId>;

impl Programme {
    /// Does what somebody did.
    pub(crate) async fn retell(&self, plan: &PlanCode, deed: Deed, actions: &mut Named) -> Result<(), Refusal> {
        let by = &Principal::from(deed.by);
        let named = |actions: &Named, name: &str| actions.get(name).copied().ok_or(Refusal::NotFound);
        let step =
            |PeriodKey(period), sub_group, step| self.step_return(plan, by, ReturnKey { period, sub_group }, step);
        match deed.what {
            What::Submit { period, sub_group } => step(period, sub_group, Step::Submit).await.map(drop),
            What::SignOff { period, sub_group } => step(period, sub_group, Step::SignOff).await.map(drop),
            What::SendBack { period, sub_group, note } => {
                step(period, sub_group, Step::SendBack { note }).await.map(drop)
            }
            What::Reopen { period, sub_group, reason } => {
                step(period, sub_group, Step::Reopen { reason }).await.map(drop)
            }
            What::OpenAction { named, action } => {
                let opened = self.open_action(plan, by, action).await?;
                actions.insert(named, opened.value.id());
                Ok(())
            }
            What::NoteAction { named: name, text } => {
                let note = Map::from_iter([("text".to_owned(), text.into())]);
                self.note_action(plan, by, named(actions, &name)?, note).await.map(drop)
            }
            What::ChangeAction { named: name, change } => {
                self.update_action(plan, by, named(actions, &name)?, change, Precondition::Any).await.map(drop)
            }
            What::FreezeBoardReport { report } => self.freeze_board_report(plan, by, report).await.map(drop),
            What::DefineComparatorGroup { group } => self.create::<ComparatorGroup>(plan, by, group).await.map(drop),
            What::SetBenchmark { kpi, period, benchmark } => {
                let period = period.0.to_string();
                self.put_benchmark(plan, by, &kpi, &period, benchmark, Precondition::None).await.map(drop)
            }
        }
    }
}
