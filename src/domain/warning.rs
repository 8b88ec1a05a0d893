//! Warnings: what to check in something that was accepted.
//!
//! A warning never blocks. It has a stable code, the place it is about, and a sentence that says what to do. One shape is used
//! wherever warnings are given: for a single figure or target, an import, a return, a marked workbook and the command line.
//!
//! The rules are functions, one each: [`figures`] holds those about figures, [`targets`] those about targets. Their
//! thresholds are the plan's [`WarningRules`]. What somebody has seen and confirms is [`Acknowledged`] with the figure,
//! and not repeated.

pub mod figures;
pub mod targets;
mod thresholds;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use self::thresholds::WarningRules;
use super::ids::{GroupCode, KpiCode};
use super::period::Period;
use super::wording::nearest;

macro_rules! warning_codes {
    ($($(#[$doc:meta])+ $variant:ident => $name:literal, $words:literal;)+) => {
        /// The stable name of a warning. More may be added.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum WarningCode {
            $($(#[$doc])+ $variant,)+
        }

        impl WarningCode {
            /// Every code, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name in JSON, CSV and the database.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// What it warns of, in a few words.
            pub fn words(self) -> &'static str {
                match self { $(Self::$variant => $words),+ }
            }
        }
    };
}

warning_codes! {
    /// The figure is about 100 times the last one.
    AboutAHundredTimes => "about_100_times", "about 100 times the last figure";
    /// The figure is about a hundredth of the last one.
    AboutAHundredth => "about_a_hundredth", "about a hundredth of the last figure";
    /// The figure is far outside the KPI's own history.
    FarFromHistory => "far_from_history", "far outside the KPI's own history";
    /// A count of the year so far falls within its year.
    YearToDateFalls => "year_to_date_falls", "a count of the year so far that falls";
    /// A percentage is above 100, and the KPI has no valid range.
    AboveAHundredPercent => "above_100_percent", "a percentage above 100";
    /// A percentage, rate or ratio of a sensitive KPI has no numerator and denominator.
    WithoutNumbers => "without_numbers", "a sensitive percentage, rate or ratio without its numbers";
    /// The groups of a dimension that covers everyone do not sum to all.
    DoesNotSum => "does_not_sum", "groups that do not sum to all";
    /// A group, or the groups of a dimension together, are more than all.
    BeyondAll => "beyond_all", "groups that are more than all";
    /// The period lies outside the plan, perhaps in another century.
    OutsidePlan => "outside_plan", "a period outside the plan";
    /// The targets of a year's parts do not make the year's target.
    PartsDoNotMakeYear => "parts_do_not_make_year", "targets of a year's parts that do not make the year's";
    /// The target has more decimals than the KPI's figures.
    FinerThanDecimals => "finer_than_decimals", "a target finer than the KPI's decimals";
    /// The target was given a figure and is still a placeholder, which does not count.
    StillPlaceholder => "still_placeholder", "a figure for a target that is still a placeholder";
    /// A column that was read is hidden in the workbook.
    HiddenColumn => "hidden_column", "a column that is hidden in the workbook";
    /// A file of readings gives another target than the plan has.
    OtherTarget => "other_target", "a target in a file of readings that is not the plan's";
    /// A row that was read is hidden in the workbook, as by a filter.
    HiddenRow => "hidden_row", "a row that is hidden in the workbook";
    /// The file was read in another way than the usual: its encoding, its separator or where its header is.
    ReadAs => "read_as", "how the file was read";
}

/// A name that no warning has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is not the code of a warning{hint}")]
pub struct UnknownWarning {
    name: String,
    hint: String,
}

impl FromStr for WarningCode {
    type Err = UnknownWarning;

    fn from_str(name: &str) -> Result<Self, UnknownWarning> {
        let found = Self::ALL.iter().find(|code| code.as_str() == name).copied();
        found.ok_or_else(|| {
            let near = nearest(name, Self::ALL.iter().map(|code| code.as_str()));
            let hint = near.map(|near| format!("; did you mean `{near}`?"));
            UnknownWarning { name: name.to_owned(), hint: hint.unwrap_or_default() }
        })
    }
}

impl Serialize for WarningCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for WarningCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The warnings that the sender of a figure or a target has seen and confirmed.
///
/// In JSON it is a list of codes; in a cell of a file and in the database the codes follow one another, with blanks or
/// commas between them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Acknowledged(u32);

impl Acknowledged {
    /// Whether a warning is among them.
    pub fn has(self, code: WarningCode) -> bool {
        self.0 & bit(code) != 0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0 == 0
    }

    /// These and others.
    #[must_use]
    pub fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// Each of them, in the order of the documentation.
    pub fn codes(self) -> impl Iterator<Item = WarningCode> {
        WarningCode::ALL.iter().copied().filter(move |code| self.has(*code))
    }
}

fn bit(wanted: WarningCode) -> u32 {
    let place = WarningCode::ALL.iter().position(|code| *code == wanted);
    place.and_then(|place| 1_u32.checked_shl(u32::try_from(place).ok()?)).unwrap_or(0)
}

impl FromIterator<WarningCode> for Acknowledged {
    fn from_iter<I: IntoIterator<Item = WarningCode>>(codes: I) -> Self {
        Self(codes.into_iter().fold(0, |all, code| all | bit(code)))
    }
}

impl FromStr for Acknowledged {
    type Err = UnknownWarning;

    fn from_str(text: &str) -> Result<Self, UnknownWarning> {
        let names = text.split(|char: char| char == ',' || char.is_whitespace()).filter(|name| !name.is_empty());
        names.map(str::parse::<WarningCode>).collect()
    }
}

impl fmt::Display for Acknowledged {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.codes().map(WarningCode::as_str).collect();
        out.write_str(&names.join(" "))
    }
}

impl Serialize for Acknowledged {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.codes())
    }
}

impl<'de> Deserialize<'de> for Acknowledged {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Vec::<WarningCode>::deserialize(deserializer)?.into_iter().collect())
    }
}

/// Something that should be looked at in what was accepted. Places that do not apply are `null`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(
    description = "Something to check in what was accepted. If it is about a file as a whole, the places are null."
)]
pub struct Warning {
    /// A stable, machine-readable name. More may be added.
    #[schema(value_type = String, example = "does_not_sum")]
    pub code: WarningCode,
    /// Where in the JSON body, as an RFC 6901 pointer; null for a file.
    #[schema(required = true, example = "/numerator")]
    pub pointer: Option<String>,
    /// Which row of a file, as a spreadsheet numbers it; null outside files.
    #[schema(required = true, example = json!(null))]
    pub row: Option<u64>,
    /// Which column of a file, or which member of a JSON body.
    #[schema(required = true, example = "numerator")]
    pub column: Option<String>,
    /// What a spreadsheet calls the cell, such as D7; null outside files.
    #[schema(required = true, example = json!(null))]
    pub cell: Option<String>,
    /// The KPI it is about.
    #[schema(required = true)]
    pub kpi: Option<KpiCode>,
    /// The period it is about.
    #[schema(required = true)]
    pub period: Option<Period>,
    /// The group it is about; null for a target.
    #[schema(required = true)]
    pub group: Option<GroupCode>,
    /// A sentence for a person: what to check and what to do.
    #[schema(
        example = "the groups of `sex` cover everyone, and their numerators sum to 99 but all has 100: 1 too few; correct the groups or all"
    )]
    pub detail: String,
}

impl Warning {
    /// A warning about a file as a whole.
    pub fn of_file(code: WarningCode, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self { code, pointer: None, row: None, column: None, cell: None, kpi: None, period: None, group: None, detail }
    }

    /// A warning about one column or member, which says how it is acknowledged.
    fn to_acknowledge(column: &str, code: WarningCode, detail: &str) -> Self {
        let how = format!("{detail}; if it is right, send `{}` in `acknowledged`", code.as_str());
        Self::at(column, code, how)
    }

    /// A warning about one column or member.
    pub fn at(column: &str, code: WarningCode, detail: impl Into<String>) -> Self {
        Self { column: Some(column.to_owned()), ..Self::of_file(code, detail) }
    }

    /// A warning about a row of a file.
    pub fn in_row(row: u64, column: Option<&str>, code: WarningCode, detail: impl Into<String>) -> Self {
        Self { row: Some(row), column: column.map(str::to_owned), ..Self::of_file(code, detail) }
    }

    /// The same about a KPI's figure, or about its target if there is no group.
    #[must_use]
    pub fn about(self, kpi: &KpiCode, period: Period, group: Option<&GroupCode>) -> Self {
        Self { kpi: Some(kpi.clone()), period: Some(period), group: group.cloned(), ..self }
    }

    /// The same in a JSON body, in the part of it that begins at `pointer`.
    #[must_use]
    pub fn in_body(self, pointer: &str) -> Self {
        let member = self.column.as_deref().map(|column| format!("/{column}")).unwrap_or_default();
        Self { pointer: Some(format!("{pointer}{member}")), ..self }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn codes_are_unique_snake_case_and_in_words() {
        let mut seen = HashSet::new();
        for code in WarningCode::ALL {
            let name = code.as_str();
            assert!(seen.insert(name), "{name} twice");
            assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'), "{name}");
            assert!(!code.words().is_empty());
        }
    }

    #[test]
    fn places_that_do_not_apply_are_null() {
        let told = serde_json::to_value(Warning::of_file(WarningCode::ReadAs, "read as windows-1252")).unwrap();
        for place in ["pointer", "row", "column", "cell", "kpi", "period", "group"] {
            assert_eq!(told[place], serde_json::Value::Null, "{place}");
        }
        assert_eq!(told["code"], "read_as");
        let figure = Warning::at("numerator", WarningCode::DoesNotSum, "1 too few").in_body("/figures/3");
        assert_eq!(figure.pointer.as_deref(), Some("/figures/3/numerator"));
    }

    #[test]
    fn acknowledged_codes_are_read_as_people_write_them_and_the_nearest_is_named() {
        let read: Acknowledged = "year_to_date_falls,  about_100_times\tread_as,".parse().unwrap();
        assert_eq!(read.to_string(), "about_100_times year_to_date_falls read_as");
        assert_eq!(read.to_string().parse(), Ok(read));
        assert_eq!(" , ".parse(), Ok(Acknowledged::default()));
        let json = serde_json::to_value(read).unwrap();
        assert_eq!(json, serde_json::json!(["about_100_times", "year_to_date_falls", "read_as"]));
        assert_eq!(serde_json::from_value::<Acknowledged>(json).unwrap(), read);
        let slip = "about_100_time".parse::<Acknowledged>().unwrap_err();
        assert!(slip.to_string().ends_with("did you mean `about_100_times`?"), "{slip}");
        assert!(WarningCode::ALL.len() <= 32 && WarningCode::ALL.iter().all(|code| bit(*code) != 0));
    }
}
