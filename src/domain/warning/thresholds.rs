//! From when on something is worth a warning: settings of the plan.

use serde::{Deserialize, Serialize};

use crate::check::check_range;
use crate::invalid::Invalid;

macro_rules! thresholds {
    ($($(#[$attribute:meta])+ $name:ident: $kind:ty = $default:literal;)+) => {
        /// From when on something is worth a warning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(deny_unknown_fields, default)]
        #[schema(description = "When something that was accepted is worth a warning. What is left out has its default.")]
        pub struct WarningRules {
            $($(#[$attribute])+ pub $name: $kind,)+
        }

        impl Default for WarningRules {
            fn default() -> Self {
                Self { $($name: $default),+ }
            }
        }
    };
}

thresholds! {
    /// A figure is about 100 times the last one from 100 / this to 100 x this times it, and likewise about a hundredth; 0 turns
    /// the warning off.
    #[schema(minimum = 0, maximum = 9, default = 2)]
    hundredfold_factor: u32 = 2;
    /// A figure is far from the KPI's history if it differs from the median of the last figures by more than this many
    /// times their median absolute deviation; 0 turns the warning off.
    #[schema(minimum = 0, maximum = 1000, default = 8)]
    history_deviations: u32 = 8;
    /// By how many percent a count of the year so far may fall within its year; 100 turns the warning off.
    #[schema(minimum = 0, maximum = 100, default = 0)]
    year_to_date_fall_percent: u32 = 0;
    /// A percentage above this is worth a warning if the KPI has no highest valid figure.
    #[schema(minimum = 100, maximum = 1_000_000, default = 100)]
    percentage_above: u32 = 100;
    /// Whether a percentage, rate or ratio of a sensitive KPI is wanted with its numerator and denominator.
    #[schema(default = true)]
    numbers_of_sensitive: bool = true;
    /// By how many percent a group, or the groups of a dimension together, may be more than all.
    #[schema(minimum = 0, maximum = 1000, default = 0)]
    beyond_all_percent: u32 = 0;
    /// How many years before its first day and after its last day a plan's figures and targets may lie.
    #[schema(minimum = 0, maximum = 200, default = 3)]
    years_outside_plan: u32 = 3;
    /// By how many percent of the year's target the targets of its parts may miss it.
    #[schema(minimum = 0, maximum = 1000, default = 0)]
    parts_of_year_percent: u32 = 0;
    /// How many decimals more than the KPI's figures a target may have.
    #[schema(minimum = 0, maximum = 6, default = 0)]
    extra_decimals_of_target: u32 = 0;
}

impl WarningRules {
    /// Notes every threshold that is out of its range.
    pub fn check(&self, invalid: &mut Invalid, pointer: &str) {
        for (name, number, least, most) in [
            ("hundredfold_factor", self.hundredfold_factor, 0, 9),
            ("history_deviations", self.history_deviations, 0, 1000),
            ("year_to_date_fall_percent", self.year_to_date_fall_percent, 0, 100),
            ("percentage_above", self.percentage_above, 100, 1_000_000),
            ("beyond_all_percent", self.beyond_all_percent, 0, 1000),
            ("years_outside_plan", self.years_outside_plan, 0, 200),
            ("parts_of_year_percent", self.parts_of_year_percent, 0, 1000),
            ("extra_decimals_of_target", self.extra_decimals_of_target, 0, 6),
        ] {
            check_range(invalid, &format!("{pointer}/{name}"), number, least, most);
        }
    }
}
