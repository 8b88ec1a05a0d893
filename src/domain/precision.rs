//! How precisely a reader may know a KPI's figures (docs/rules.md section 10).

use super::number::{Figure, Fraction};

/// How precisely a reader may know a KPI's figures. The last digits of a share disclose out of how many it is, so that
/// readers from whom small numbers are withheld are shown no more decimals than the KPI has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// To the last digit.
    Exact,
    /// To so many decimals, 0 to 6.
    Decimals(u32),
}

impl Precision {
    /// A figure as precisely as the reader may know it.
    pub fn of(self, figure: Figure) -> Figure {
        match self {
            Self::Exact => figure,
            Self::Decimals(decimals) => figure.rounded(decimals),
        }
    }

    /// A figure before any rounding, as precisely as the reader may know it.
    pub fn of_exact(self, exact: Fraction) -> Fraction {
        match self {
            Self::Exact => exact,
            Self::Decimals(decimals) => exact.rounded(decimals).map_or(exact, Fraction::from),
        }
    }

    /// In how many decimals a figure is written that is else written in so many.
    pub fn decimals(self, usual: u32) -> u32 {
        match self {
            Self::Exact => usual,
            Self::Decimals(decimals) => usual.min(decimals),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_known_to_the_last_digit_or_to_some_decimals() {
        let exact = Figure::from_stored("15.7894736842").unwrap();
        let told =
            [Precision::Exact, Precision::Decimals(1), Precision::Decimals(0)].map(|precision| precision.of(exact));
        assert_eq!(told.map(|figure| figure.to_string()), ["15.7894736842", "15.8", "16"]);
    }
}
