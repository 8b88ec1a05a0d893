//! From when on something is worth a warning: settings of the plan.

use serde::{Deserialize, Serialize};

use crate::check::check_range;
use crate::invalid::Invalid;

macro_rules! thresholds {
    ($($(#[$doc:meta])+ $name:ident: $kind:ty = $default:tt $(, $least:tt to $most:tt)?;)+) => {
        /// From when on something is worth a warning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(deny_unknown_fields, default)]
        #[schema(description = "When something that was accepted is worth a warning. What is left out has its default.")]
        pub struct WarningRules {
            $($(#[$doc])+ #[schema(default = $default $(, minimum = $least, maximum = $most)?)] pub $name: $kind,)+
        }

        impl Default for WarningRules {
            fn default() -> Self {
                Self { $($name: $default),+ }
            }
        }

        impl WarningRules {
            /// Notes every threshold that is out of its range.
            pub fn check(&self, invalid: &mut Invalid, pointer: &str) {
                $($(
                    check_range(invalid, &format!("{pointer}/{}", stringify!($name)), self.$name, $least, $most);
                )?)+
            }
        }
    };
}

thresholds! {
    /// A figure is about 100 times the last one from 100 / this to 100 x this times it, and likewise about a hundredth; 0 turns
    /// the warning off.
    hundredfold_factor: u32 = 2, 0 to 9;
    /// A figure is far from the KPI's history if it differs from the median of the last figures by more than this many
    /// times their median absolute deviation; 0 turns the warning off.
    history_deviations: u32 = 8, 0 to 1000;
    /// By how many percent a count of the year so far may fall within its year; 100 turns the warning off.
    year_to_date_fall_percent: u32 = 0, 0 to 100;
    /// A percentage above this is worth a warning if the KPI has no highest valid figure.
    percentage_above: u32 = 100, 100 to 1_000_000;
    /// Whether a percentage, rate or ratio of a sensitive KPI is wanted with its numerator and denominator.
    numbers_of_sensitive: bool = true;
    /// By how many percent a group, or the groups of a dimension together, may be more than all.
    beyond_all_percent: u32 = 0, 0 to 1000;
    /// How many years before its first day and after its last day a plan's figures and targets may lie.
    years_outside_plan: u32 = 3, 0 to 200;
    /// By how many percent of the year's target the targets of its parts may miss it.
    parts_of_year_percent: u32 = 0, 0 to 1000;
    /// How many decimals more than the KPI's figures a target may have.
    extra_decimals_of_target: u32 = 0, 0 to 6;
}
