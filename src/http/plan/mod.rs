//! Plans and their definitions.

pub mod definitions;
pub mod kpis;
pub mod plans;
pub mod policy_trials;
