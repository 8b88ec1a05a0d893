//! What is withheld of a KPI, as it was chosen: kept with the figures that it was chosen from, for as long as they are the same.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use waymark_domain::disclosure::Withheld;
use waymark_domain::ids::KpiCode;

use crate::picture::{Picture, family};

type ByThreshold = BTreeMap<u32, Arc<OnceLock<Withheld>>>;

/// The choices that were made from a KPI's figures, by the threshold up to which a number is small. A copy holds them
/// as well: anyone who changes the figures, or what else goes into a choice, begins again.
#[derive(Debug, Default)]
pub(crate) struct Choices(Mutex<ByThreshold>);

impl Clone for Choices {
    fn clone(&self) -> Self {
        Self(Mutex::new(self.known().clone()))
    }
}

impl Choices {
    fn known(&self) -> MutexGuard<'_, ByThreshold> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a choice was made.
    pub(crate) fn has(&self, threshold: u32) -> bool {
        self.known().get(&threshold).is_some_and(|choice| choice.get().is_some())
    }

    /// Asks a choice, which is made when it is first asked. Anyone who asks while another makes it waits for that one.
    pub(crate) fn ask<T>(
        &self,
        threshold: u32,
        choose: impl FnOnce() -> Withheld,
        ask: impl FnOnce(&Withheld) -> T,
    ) -> T {
        let choice = Arc::clone(self.known().entry(threshold).or_default());
        ask(choice.get_or_init(choose))
    }
}

impl Picture {
    /// Numbers up to this are small; in a picture of the past the stricter of then and now.
    pub(crate) fn threshold(&self) -> u32 {
        let then = self.plan.value.small_number_threshold;
        self.present.as_ref().map_or(then, |present| then.max(present.threshold()))
    }

    /// Asks what is withheld of a KPI from those who may not see its small numbers, and which of the plans that are published
    /// together this one is.
    pub(crate) fn ask_withheld<T>(
        &self,
        kpi: &KpiCode,
        threshold: u32,
        ask: impl FnOnce(&Withheld, usize) -> T,
    ) -> Option<T> {
        let together = self.family.as_ref().and_then(|family| Some((family, family.choice(self.id, kpi)?)));
        if let Some((family, (plan, choices))) = together {
            let threshold = threshold.max(family.threshold());
            let choose = || family.withheld(kpi, threshold);
            return Some(choices.ask(threshold, choose, |withheld| ask(withheld, plan)));
        }
        let entry = self.kpis.get(kpi)?;
        let choose = || family::withheld(&[self], kpi, threshold);
        Some(entry.choices.ask(threshold, choose, |withheld| ask(withheld, 0)))
    }

    /// Whether it is known what is withheld of a KPI.
    fn has_chosen(&self, kpi: &KpiCode, threshold: u32) -> bool {
        match self.family.as_ref().and_then(|family| Some((family, family.choice(self.id, kpi)?))) {
            Some((family, (_, choices))) => choices.has(threshold.max(family.threshold())),
            None => self.kpis.get(kpi).is_none_or(|entry| entry.choices.has(threshold)),
        }
    }

    /// The choices that anyone who may not see small numbers can come to ask: each KPI of the present that is
    /// sensitive, or was when this is a picture of, and the threshold.
    fn asked(&self) -> impl Iterator<Item = (&Self, &KpiCode, u32)> {
        let today = self.present();
        let thresholds = [(today, today.threshold()), (self, self.threshold())];
        thresholds.into_iter().flat_map(move |(picture, threshold)| {
            let sensitive = picture.kpis.iter().filter(|(_, entry)| entry.kpi.sensitive);
            sensitive.map(move |(code, _)| (today, code, threshold))
        })
    }

    /// Whether nothing is left to be chosen: what is withheld from whom is known at once.
    pub(crate) fn is_chosen(&self) -> bool {
        self.asked().all(|(today, code, threshold)| today.has_chosen(code, threshold))
    }

    /// Makes every choice that is left. It takes its time, up to seconds: a thread that answers requests must not.
    pub(crate) fn choose(&self) {
        for (today, code, threshold) in self.asked() {
            today.ask_withheld(code, threshold, |_chosen, _plan| ());
        }
    }
}
