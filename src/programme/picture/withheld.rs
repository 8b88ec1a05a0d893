//! What is withheld of a KPI, as it was chosen: kept with the figures that it was chosen from, for as long as they are the same.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::domain::disclosure::Withheld;

type ByThreshold = BTreeMap<u32, Arc<OnceLock<Withheld>>>;

/// The choices that were made from a KPI's figures, by the threshold up to which a number is small. A copy holds them as well:
/// whoever changes the figures, or what else goes into a choice, begins anew.
#[derive(Debug, Default)]
pub(in crate::programme) struct Choices(Mutex<ByThreshold>);

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
    pub(in crate::programme) fn has(&self, threshold: u32) -> bool {
        self.known().get(&threshold).is_some_and(|choice| choice.get().is_some())
    }

    /// Asks a choice, which is made when it is first asked. Whoever asks while another makes it waits for that one.
    pub(in crate::programme) fn ask<T>(
        &self,
        threshold: u32,
        choose: impl FnOnce() -> Withheld,
        ask: impl FnOnce(&Withheld) -> T,
    ) -> T {
        let choice = Arc::clone(self.known().entry(threshold).or_default());
        ask(choice.get_or_init(choose))
    }
}
