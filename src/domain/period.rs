//! Periods (docs/rules.md section 2): what they are called, when they run, and how they follow on.
//!
//! A [`Period`] is its kind and its place in the unbroken row of such periods, so that "the one before" and "the same
//! one a year ago" are sums, and leap years and year ends take care of themselves.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeZone, Utc};
use chrono_tz::Europe::London;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use self::spelling::Misspelt;

mod spelling;

/// How often a KPI is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(description = "How often a KPI is reported.")]
pub enum Frequency {
    /// Twelve times a year.
    Month,
    /// Four times a year; financial or calendar.
    Quarter,
    /// Twice a year; financial only.
    Half,
    /// Three times a year; academic only.
    Term,
    /// Once a year.
    Year,
}

/// Which year a KPI's periods belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(
    description = "Which year a KPI's periods belong to: financial from 1 April, academic from 1 September, calendar from 1 January."
)]
pub enum Calendar {
    /// 1 April to 31 March.
    Financial,
    /// 1 September to 31 August.
    Academic,
    /// 1 January to 31 December.
    Calendar,
}

/// The eight kinds of period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PeriodKind {
    /// `2009-06`
    Month,
    /// `FY2009-10-Q1`
    FinancialQuarter,
    /// `FY2009-10-H2`
    FinancialHalf,
    /// `FY2009-10`
    FinancialYear,
    /// `AY2008-09-T3`
    AcademicTerm,
    /// `AY2008-09`
    AcademicYear,
    /// `CY2009-Q1`
    CalendarQuarter,
    /// `CY2009`
    CalendarYear,
}

impl PeriodKind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::Month,
        Self::FinancialQuarter,
        Self::FinancialHalf,
        Self::FinancialYear,
        Self::AcademicTerm,
        Self::AcademicYear,
        Self::CalendarQuarter,
        Self::CalendarYear,
    ];

    /// The kind that a KPI of this frequency and calendar reports in; `None` if there is none, as for academic
    /// quarters.
    pub fn of(frequency: Frequency, calendar: Calendar) -> Option<Self> {
        Some(match (frequency, calendar) {
            (Frequency::Month, _) => Self::Month,
            (Frequency::Quarter, Calendar::Financial) => Self::FinancialQuarter,
            (Frequency::Quarter, Calendar::Calendar) => Self::CalendarQuarter,
            (Frequency::Half, Calendar::Financial) => Self::FinancialHalf,
            (Frequency::Term, Calendar::Academic) => Self::AcademicTerm,
            (Frequency::Year, calendar) => Self::year_of(calendar),
            _ => return None,
        })
    }

    /// The year of a calendar.
    pub fn year_of(calendar: Calendar) -> Self {
        match calendar {
            Calendar::Financial => Self::FinancialYear,
            Calendar::Academic => Self::AcademicYear,
            Calendar::Calendar => Self::CalendarYear,
        }
    }

    /// The calendar whose year these are parts of; `None` for months, which are parts of any.
    fn calendar(self) -> Option<Calendar> {
        match self {
            Self::Month => None,
            Self::FinancialQuarter | Self::FinancialHalf | Self::FinancialYear => Some(Calendar::Financial),
            Self::AcademicTerm | Self::AcademicYear => Some(Calendar::Academic),
            Self::CalendarQuarter | Self::CalendarYear => Some(Calendar::Calendar),
        }
    }

    /// How many of this kind make a year.
    pub fn per_year(self) -> i32 {
        match self {
            Self::Month => 12,
            Self::FinancialQuarter | Self::CalendarQuarter => 4,
            Self::AcademicTerm => 3,
            Self::FinancialHalf => 2,
            Self::FinancialYear | Self::AcademicYear | Self::CalendarYear => 1,
        }
    }

    /// The first months of the parts, counted from January of the year in which the period's year begins.
    fn first_month(self, part: i32) -> i32 {
        match self {
            Self::Month | Self::CalendarYear => part,
            Self::CalendarQuarter => part * 3,
            Self::FinancialQuarter => 3 + part * 3,
            Self::FinancialHalf => 3 + part * 6,
            Self::FinancialYear => 3,
            Self::AcademicYear => 8,
            Self::AcademicTerm => match part {
                0 => 8,
                1 => 12,
                2 => 15,
                later => 8 + later * 4,
            },
        }
    }
}

/// The first year a period may begin in.
pub const FIRST_YEAR: i32 = 1900;
/// The last year a period may begin in, so that every date has four digits.
pub const LAST_YEAR: i32 = 9998;

/// One period: `FY2009-10-Q1`. Sorts in time within a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Period {
    kind: PeriodKind,
    /// Periods of this kind since the one that began in the year 0.
    place: i32,
}

/// A text names no period, or not one only.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeriodError {
    /// Not written like any period.
    #[error("is not a period; write one like FY2009-10-Q1, FY2009-10, AY2008-09-T3, CY2009 or 2009-06")]
    Unreadable,
    /// Not written like any period, and it is known which kind is wanted.
    #[error("is not a period; {0}")]
    NotOfKind(Wanted),
    /// Not written like a period, but nearly.
    #[error("is not how a month is written; did you mean {0}?")]
    Nearly(String),
    /// A day.
    #[error("is a date: write the period as text; {0}")]
    Day(Wanted),
    /// One year, of a period whose year begins in one and ends in the next.
    #[error("names only one of the two years that are needed; {0}")]
    OneYear(Wanted),
    /// Years that do not follow on, as in `FY2009-11`.
    #[error("{0}")]
    YearsApart(YearsApart),
    /// Another kind of period than the one asked for.
    #[error("is a period of another kind; {0}")]
    OtherKind(Wanted),
    /// More than one period.
    #[error("could be {}", .0.iter().map(choice(.0)).collect::<Vec<_>>().join(" or "))]
    Ambiguous(Vec<Period>),
    /// Months and a part of the year that do not agree.
    #[error("names months that are not those of the quarter, half or term that it names; {0}")]
    MonthsDisagree(Wanted),
}

/// Years that do not follow on: several years taken together, or a slip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct YearsApart {
    /// The year that is named first.
    first: i32,
    /// The year that is named last.
    last: i32,
    /// The month that it could be as well: `2009-12`.
    month: Option<Period>,
    /// What is wanted, if that is known.
    wanted: Option<Wanted>,
}

impl fmt::Display for YearsApart {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { first, last, .. } = self;
        match self.month {
            Some(month) => write!(out, "could be the month {} or the years {first} to {last} together", month.label())?,
            None if (1..=30).contains(&(last - first)) => {
                write!(out, "names the years {first} to {last} together, and a period is one year at most")?;
            }
            None => write!(out, "names two years that do not follow on")?,
        }
        // No example: it could be taken for advice to give the figure to the first of the years.
        match self.wanted {
            Some(Wanted { kind, or_year: Some(year) }) if kind != year => {
                write!(out, "; a target here is for a {} or for one {}", kind.words(), year.words())
            }
            Some(Wanted { kind, .. }) => write!(out, "; this is reported by {}", kind.words()),
            None => write!(out, "; a year that begins in one and ends in the next is written like FY1999-00"),
        }
    }
}

/// One of the periods that a text could mean, and how to write it so that it can mean nothing else there.
fn choice(all: &[Period]) -> impl Fn(&Period) -> String {
    let is_month = |period: &Period| period.kind == PeriodKind::Month;
    let with_month = all.iter().any(is_month) && all.iter().filter(|period| !is_month(period)).count() == 1;
    move |period| {
        let words = period.kind.words();
        let label = match period.kind {
            PeriodKind::AcademicYear => pair(period.year()),
            _ => period.label(),
        };
        match period.kind {
            PeriodKind::Month => format!("the {words} {label} (write {label})"),
            PeriodKind::FinancialYear | PeriodKind::AcademicYear if with_month => {
                format!("the {words} {label} (write {label} or {period})")
            }
            _ => format!("the {words} {label} (write {period})"),
        }
    }
}

/// The kinds of period that are wanted, in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// What a KPI is reported by.
    kind: PeriodKind,
    /// The kind of year that its targets may be for as well, if one is wanted.
    or_year: Option<PeriodKind>,
}

impl fmt::Display for Wanted {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (words, example) = (self.kind.words(), self.kind.example());
        match self.or_year.filter(|year| *year != self.kind) {
            None => write!(out, "this is reported by {words}, such as {example}"),
            Some(year) => write!(
                out,
                "a target here is for a {words} or for the {} as a whole, such as {example} or {}",
                year.words(),
                year.example()
            ),
        }
    }
}

impl PeriodError {
    /// The stable name of this fault in an `errors` list.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable | Self::NotOfKind(_) | Self::Nearly(_) | Self::Day(_) | Self::OneYear(_) => "not_a_period",
            Self::YearsApart(_) => "years_do_not_follow",
            Self::OtherKind(_) => "other_period_kind",
            Self::Ambiguous(_) => "ambiguous_period",
            Self::MonthsDisagree(_) => "months_do_not_agree",
        }
    }
}

impl Period {
    /// The part `part` (from 0) of the year that begins in `year`; `None` out of range.
    fn new(kind: PeriodKind, year: i32, part: i32) -> Option<Self> {
        let fits = (FIRST_YEAR..=LAST_YEAR).contains(&year) && (0..kind.per_year()).contains(&part);
        fits.then(|| Self { kind, place: year * kind.per_year() + part })
    }

    /// The kind of this period.
    pub fn kind(self) -> PeriodKind {
        self.kind
    }

    /// The period of a kind that holds a day; `None` before 1900 and after 9998.
    pub fn holding(kind: PeriodKind, day: NaiveDate) -> Option<Self> {
        let first = kind.first_month(0);
        let months = day.year() * 12 + i32::try_from(day.month0()).ok()? - first;
        let (year, month) = (months.div_euclid(12), months.rem_euclid(12));
        let part = (0..kind.per_year()).rev().find(|part| kind.first_month(*part) - first <= month)?;
        Self::new(kind, year, part)
    }

    /// The latest period of a kind that ended on or before a day.
    pub fn latest_ended(kind: PeriodKind, day: NaiveDate) -> Option<Self> {
        let holding = Self::holding(kind, day)?;
        if holding.end() == day { Some(holding) } else { holding.step(-1) }
    }

    /// The period `by` places later (earlier if negative); `None` outside the years 1900 to 9998.
    pub fn step(self, by: i32) -> Option<Self> {
        let place = self.place.checked_add(by)?;
        Self::new(self.kind, place.div_euclid(self.kind.per_year()), place.rem_euclid(self.kind.per_year()))
    }

    /// The same period a year before.
    pub fn year_before(self) -> Option<Self> {
        self.step(-self.kind.per_year())
    }

    /// How many places `other` lies after this one; `None` between kinds.
    pub fn distance_to(self, other: Self) -> Option<i32> {
        (self.kind == other.kind).then(|| other.place - self.place)
    }

    fn year(self) -> i32 {
        self.place.div_euclid(self.kind.per_year())
    }

    fn part(self) -> i32 {
        self.place.rem_euclid(self.kind.per_year())
    }

    /// The first day.
    pub fn start(self) -> NaiveDate {
        first_day(self.year(), self.kind.first_month(self.part()))
    }

    /// The last day.
    pub fn end(self) -> NaiveDate {
        let next = match self.kind {
            // The year's last part ends where the next year begins, whatever the parts' lengths.
            kind if self.part() + 1 == kind.per_year() => first_day(self.year() + 1, kind.first_month(0)),
            kind => first_day(self.year(), kind.first_month(self.part() + 1)),
        };
        next.pred_opt().unwrap_or(next)
    }

    /// The year of a calendar that holds this period's first day.
    pub fn year_in(self, calendar: Calendar) -> Option<Self> {
        Self::holding(PeriodKind::year_of(calendar), self.start())
    }

    /// Which part of its year in `calendar` this is, from 1, and of how many.
    pub fn position_in(self, calendar: Calendar) -> Option<(i32, i32)> {
        let year = self.year_in(calendar)?;
        let first = Self::holding(self.kind, year.start())?;
        Some((first.distance_to(self)? + 1, self.kind.per_year()))
    }

    /// The last period of this one's kind within the year `year`: where a year's figure is among its parts.
    pub fn last_of_kind(kind: PeriodKind, year: Self) -> Option<Self> {
        Self::holding(kind, year.end())
    }

    /// The last moment of the period in Europe/London: figures are due only after it.
    pub fn closes_at(self) -> DateTime<Utc> {
        end_of_day_in_london(self.end())
    }

    /// The moment a figure is due: 23:59:59 in Europe/London, `lag_days` after the period's last day.
    pub fn due_at(self, lag_days: u32) -> DateTime<Utc> {
        let day = self.end().checked_add_days(Days::new(lag_days.into())).unwrap_or(NaiveDate::MAX);
        end_of_day_in_london(day)
    }

    /// What people call it: `2009/10 Q1`.
    pub fn label(self) -> String {
        let (year, part) = (self.year(), self.part());
        let pair = || pair(year);
        match self.kind {
            PeriodKind::Month => format!("{} {year}", MONTHS.get(usize::try_from(part).unwrap_or(0)).unwrap_or(&"")),
            PeriodKind::FinancialQuarter => format!("{} Q{}", pair(), part + 1),
            PeriodKind::FinancialHalf => format!("{} H{}", pair(), part + 1),
            PeriodKind::FinancialYear => pair(),
            PeriodKind::AcademicTerm => {
                format!("{} {}", TERMS.get(usize::try_from(part).unwrap_or(0)).unwrap_or(&""), pair())
            }
            PeriodKind::AcademicYear => format!("{} (academic)", pair()),
            PeriodKind::CalendarQuarter => format!("Q{} {year}", part + 1),
            PeriodKind::CalendarYear => year.to_string(),
        }
    }

    /// Reads a period as people write it, for a KPI that is reported by `kind`: the canonical key, the label, and the
    /// spellings in use (`Q1 2009/10`, `Quarter 1 (April to June) 2009/10`, `Jun-10`, `Apr-Jun 2010`, `Summer Term
    /// 2008/09`), if they can mean one thing only. Capitals do not matter.
    ///
    /// # Errors
    /// [`PeriodError`], which says what to write instead.
    pub fn read(text: &str, kind: PeriodKind) -> Result<Self, PeriodError> {
        Self::read_wanted(text, Wanted { kind, or_year: None })
    }

    /// Reads a period of the kind that is wanted; if it is none, the error states what else is wanted.
    fn read_wanted(text: &str, wanted: Wanted) -> Result<Self, PeriodError> {
        let as_key = Self::of_key(text);
        match as_key {
            Ok(period) if period.kind == wanted.kind => return Ok(period),
            // A key whose years do not follow on is no other spelling of anything.
            Err(PeriodError::YearsApart(apart)) => {
                return Err(PeriodError::YearsApart(YearsApart { wanted: Some(wanted), ..apart }));
            }
            _ => {}
        }
        let key = as_key.ok();
        spelling::read(text, wanted.kind).map_err(|misspelt| match misspelt {
            Misspelt::Ambiguous(periods) => PeriodError::Ambiguous(periods),
            Misspelt::YearsApart(first, last) => {
                PeriodError::YearsApart(YearsApart { first, last, month: key, wanted: Some(wanted) })
            }
            _ if key.is_some() => PeriodError::OtherKind(wanted),
            Misspelt::Nothing => PeriodError::NotOfKind(wanted),
            Misspelt::OtherKind => PeriodError::OtherKind(wanted),
            Misspelt::OneYear => PeriodError::OneYear(wanted),
            Misspelt::Day => PeriodError::Day(wanted),
            Misspelt::Month(month) => PeriodError::Nearly(month.to_string()),
            Misspelt::MonthsDisagree => PeriodError::MonthsDisagree(wanted),
        })
    }

    /// Reads a canonical key in capitals or small letters.
    fn of_key(text: &str) -> Result<Self, PeriodError> {
        text.to_ascii_uppercase().parse()
    }

    /// Reads the period of a target of a KPI that is reported by `kind`, out of a file or a list: such a period, or a year of
    /// its calendar (section 5). `2009-10` is refused for a monthly KPI: it is the key of a month, and how spreadsheets
    /// write a year.
    ///
    /// # Errors
    /// [`PeriodError`], which says what to write instead.
    pub fn read_of_target(text: &str, kind: PeriodKind, calendar: Calendar) -> Result<Self, PeriodError> {
        let year = PeriodKind::year_of(calendar);
        let own = Self::read_wanted(text, Wanted { kind, or_year: Some(year) });
        if year == kind {
            return own;
        }
        let in_figures = || spelling::month_in_figures(text).filter(|_| kind == PeriodKind::Month);
        match (own, Self::read(text, year)) {
            (Ok(period), Ok(year)) => Err(PeriodError::Ambiguous(vec![period, year])),
            (Ok(period), Err(_)) => Ok(period),
            (Err(PeriodError::Ambiguous(mut periods)), Ok(year)) => {
                periods.push(year);
                Err(PeriodError::Ambiguous(periods))
            }
            (Err(_), Ok(year)) => match in_figures() {
                Some(month) => Err(PeriodError::Ambiguous(vec![month, year])),
                None => Ok(year),
            },
            (Err(_), Err(ambiguous @ PeriodError::Ambiguous(_))) => Err(ambiguous),
            (Err(error), Err(_)) => Err(error),
        }
    }

    /// Reads the period of a target in an address, where a canonical key is that key: `.../targets/2009-10` of a monthly KPI is
    /// October 2009. Any other spelling is read as in a file.
    ///
    /// # Errors
    /// [`PeriodError`], which says what to write instead.
    pub fn read_of_target_in_address(text: &str, kind: PeriodKind, calendar: Calendar) -> Result<Self, PeriodError> {
        match Self::of_key(text) {
            Ok(period) if period.kind == kind || period.kind == PeriodKind::year_of(calendar) => Ok(period),
            _ => Self::read_of_target(text, kind, calendar),
        }
    }

    /// What to say of a period's key that names a month and is also how people write a pair of years: `2008-09`.
    pub fn month_like_years(text: &str) -> Option<String> {
        let month = text.parse::<Self>().ok().filter(|period| period.kind() == PeriodKind::Month)?;
        let year: Self = format!("FY{text}").parse().ok()?;
        let month = month.label();
        Some(format!("`{text}` is the key of {month}, and was read as that; if the year is meant, write {year}"))
    }

    /// Whether a text could name a period of some kind, if it is not known which is wanted.
    ///
    /// # Errors
    /// [`PeriodError`], if it can name none.
    pub fn could_be(text: &str) -> Result<(), PeriodError> {
        match Self::read_any(text) {
            Ok(_) | Err(PeriodError::Ambiguous(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Reads a period of whatever kind: a canonical key, or a spelling that can mean one period only.
    ///
    /// # Errors
    /// [`PeriodError::Ambiguous`] if it could mean more than one (`2009/10` is a financial and an academic year),
    /// another if it means none.
    pub fn read_any(text: &str) -> Result<Self, PeriodError> {
        match Self::of_key(text) {
            Err(PeriodError::Unreadable) => {}
            read => return read,
        }
        let mut periods = Vec::new();
        let mut error = PeriodError::Unreadable;
        for kind in PeriodKind::ALL {
            match Self::read(text, kind) {
                Ok(period) => periods.push(period),
                Err(PeriodError::Ambiguous(several)) => periods.extend(several),
                Err(PeriodError::YearsApart(apart)) => {
                    error = PeriodError::YearsApart(YearsApart { wanted: None, ..apart });
                }
                Err(_) => {}
            }
        }
        match periods.as_slice() {
            [] => Err(error),
            [only] => Ok(*only),
            _ => Err(PeriodError::Ambiguous(periods)),
        }
    }
}

fn pair(year: i32) -> String {
    format!("{year}/{:02}", (year + 1).rem_euclid(100))
}

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const FULL_MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const TERMS: [&str; 3] = ["Autumn", "Spring", "Summer"];

impl PeriodKind {
    /// In words, after "reported by".
    pub fn words(self) -> &'static str {
        match self {
            Self::Month => "month",
            Self::FinancialQuarter => "financial quarter",
            Self::FinancialHalf => "financial half-year",
            Self::FinancialYear => "financial year",
            Self::AcademicTerm => "school term",
            Self::AcademicYear => "academic year",
            Self::CalendarQuarter => "calendar quarter",
            Self::CalendarYear => "calendar year",
        }
    }

    /// A key of this kind.
    pub fn example(self) -> &'static str {
        match self {
            Self::Month => "2009-06",
            Self::FinancialQuarter => "FY2009-10-Q1",
            Self::FinancialHalf => "FY2009-10-H2",
            Self::FinancialYear => "FY2009-10",
            Self::AcademicTerm => "AY2008-09-T3",
            Self::AcademicYear => "AY2008-09",
            Self::CalendarQuarter => "CY2009-Q1",
            Self::CalendarYear => "CY2009",
        }
    }
}

/// Whether `next`, in two or four digits, is the year after `year`.
fn follows(year: i32, next: i32) -> bool {
    next == year + 1 || (next < 100 && next == (year + 1).rem_euclid(100))
}

fn first_day(year: i32, month_from_january: i32) -> NaiveDate {
    let month = u32::try_from(month_from_january.rem_euclid(12)).unwrap_or(0) + 1;
    NaiveDate::from_ymd_opt(year + month_from_january.div_euclid(12), month, 1).unwrap_or(NaiveDate::MAX)
}

/// 23:59:59 in Europe/London, which the clocks going forward or back never touch.
pub fn end_of_day_in_london(day: NaiveDate) -> DateTime<Utc> {
    let last_second = day.and_time(NaiveTime::from_hms_opt(23, 59, 59).unwrap_or(NaiveTime::MIN));
    London.from_local_datetime(&last_second).latest().map_or_else(|| last_second.and_utc(), |at| at.to_utc())
}

/// When the day began in London that it is there at an instant.
pub fn start_of_day_in_london(instant: DateTime<Utc>) -> DateTime<Utc> {
    first_moment_of(day_in_london(instant))
}

/// When a day begins in London.
pub fn first_moment_of(day: NaiveDate) -> DateTime<Utc> {
    let midnight = day.and_time(NaiveTime::MIN);
    London.from_local_datetime(&midnight).earliest().map_or_else(|| midnight.and_utc(), |at| at.to_utc())
}

/// The day it is in London at an instant.
pub fn day_in_london(instant: DateTime<Utc>) -> NaiveDate {
    instant.with_timezone(&London).date_naive()
}

/// What clocks show in London at an instant. On the day when they go back, an hour comes twice.
pub fn time_in_london(instant: DateTime<Utc>) -> NaiveTime {
    instant.with_timezone(&London).time()
}

impl fmt::Display for Period {
    /// The canonical key.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, part) = (self.year(), self.part() + 1);
        let next = (year + 1).rem_euclid(100);
        match self.kind {
            PeriodKind::Month => write!(out, "{year}-{part:02}"),
            PeriodKind::FinancialQuarter => write!(out, "FY{year}-{next:02}-Q{part}"),
            PeriodKind::FinancialHalf => write!(out, "FY{year}-{next:02}-H{part}"),
            PeriodKind::FinancialYear => write!(out, "FY{year}-{next:02}"),
            PeriodKind::AcademicTerm => write!(out, "AY{year}-{next:02}-T{part}"),
            PeriodKind::AcademicYear => write!(out, "AY{year}-{next:02}"),
            PeriodKind::CalendarQuarter => write!(out, "CY{year}-Q{part}"),
            PeriodKind::CalendarYear => write!(out, "CY{year}"),
        }
    }
}

impl FromStr for Period {
    type Err = PeriodError;

    /// Reads a canonical key.
    fn from_str(text: &str) -> Result<Self, PeriodError> {
        let digits = |part: &str, length: usize| {
            (part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit()))
                .then(|| part.parse::<i32>().ok())
                .flatten()
        };
        let (family, rest) = match text.get(..2) {
            Some(family @ ("FY" | "AY" | "CY")) => (family, text.get(2..).unwrap_or_default()),
            _ => ("", text),
        };
        let mut pieces = rest.split('-');
        let year = pieces.next().and_then(|piece| digits(piece, 4)).ok_or(PeriodError::Unreadable)?;
        if matches!(family, "FY" | "AY") {
            let next = pieces.next().and_then(|piece| digits(piece, 2)).ok_or(PeriodError::Unreadable)?;
            if !follows(year, next) {
                let last = year - year.rem_euclid(100) + next;
                let last = if last < year - 50 { last + 100 } else { last };
                return Err(PeriodError::YearsApart(YearsApart { first: year, last, month: None, wanted: None }));
            }
        }
        let last = pieces.next();
        let part = |letter: char| last.and_then(|piece| piece.strip_prefix(letter)).and_then(|piece| digits(piece, 1));
        let (kind, part) = match (family, last, part('Q'), part('H'), part('T')) {
            ("FY", None, ..) => (PeriodKind::FinancialYear, 1),
            ("FY", _, Some(quarter), ..) => (PeriodKind::FinancialQuarter, quarter),
            ("FY", _, _, Some(half), _) => (PeriodKind::FinancialHalf, half),
            ("AY", None, ..) => (PeriodKind::AcademicYear, 1),
            ("AY", _, _, _, Some(term)) => (PeriodKind::AcademicTerm, term),
            ("CY", None, ..) => (PeriodKind::CalendarYear, 1),
            ("CY", _, Some(quarter), ..) => (PeriodKind::CalendarQuarter, quarter),
            ("", Some(month), ..) => (PeriodKind::Month, digits(month, 2).ok_or(PeriodError::Unreadable)?),
            _ => return Err(PeriodError::Unreadable),
        };
        if pieces.next().is_some() {
            return Err(PeriodError::Unreadable);
        }
        Self::new(kind, year, part - 1).ok_or(PeriodError::Unreadable)
    }
}

/// A period as it is sent: key, label, first and last day.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Period, description = "A reporting period.")]
pub struct PeriodBody {
    /// The canonical key.
    #[schema(example = "FY2009-10-Q1")]
    key: String,
    /// What people call it.
    #[schema(example = "2009/10 Q1")]
    label: String,
    /// The first day.
    #[schema(example = "2009-04-01")]
    start: NaiveDate,
    /// The last day.
    #[schema(example = "2009-06-30")]
    end: NaiveDate,
}

impl Serialize for Period {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        PeriodBody { key: self.to_string(), label: self.label(), start: self.start(), end: self.end() }
            .serialize(serializer)
    }
}

impl utoipa::PartialSchema for Period {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        PeriodBody::schema()
    }
}

impl utoipa::ToSchema for Period {
    fn name() -> std::borrow::Cow<'static, str> {
        "Period".into()
    }
}

/// A period given by its key, as definitions name one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeriodKey(pub Period);

impl Serialize for PeriodKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for PeriodKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(|error| serde::de::Error::custom(format!("`{text}` {error}")))
    }
}

/// What a period's canonical key looks like, as a regular expression.
pub const PERIOD_PATTERN: &str =
    "^([0-9]{4}-[0-9]{2}|FY[0-9]{4}-[0-9]{2}(-[QH][1-4])?|AY[0-9]{4}-[0-9]{2}(-T[1-3])?|CY[0-9]{4}(-Q[1-4])?)$";

impl utoipa::PartialSchema for PeriodKey {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .description(Some("A period's canonical key."))
            .pattern(Some(PERIOD_PATTERN))
            .examples(["FY2008-09"])
            .into()
    }
}

impl utoipa::ToSchema for PeriodKey {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KINDS: [PeriodKind; 8] = PeriodKind::ALL;

    fn period(key: &str) -> Period {
        key.parse().unwrap()
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn each_kind_has_its_key_label_and_days() {
        for (key, label, start, end) in [
            ("2009-06", "Jun 2009", "2009-06-01", "2009-06-30"),
            ("2008-02", "Feb 2008", "2008-02-01", "2008-02-29"),
            ("FY2009-10-Q1", "2009/10 Q1", "2009-04-01", "2009-06-30"),
            ("FY2009-10-Q4", "2009/10 Q4", "2010-01-01", "2010-03-31"),
            ("FY2009-10-H2", "2009/10 H2", "2009-10-01", "2010-03-31"),
            ("FY2009-10", "2009/10", "2009-04-01", "2010-03-31"),
            ("FY1999-00", "1999/00", "1999-04-01", "2000-03-31"),
            ("AY2008-09-T1", "Autumn 2008/09", "2008-09-01", "2008-12-31"),
            ("AY2008-09-T2", "Spring 2008/09", "2009-01-01", "2009-03-31"),
            ("AY2008-09-T3", "Summer 2008/09", "2009-04-01", "2009-08-31"),
            ("AY2008-09", "2008/09 (academic)", "2008-09-01", "2009-08-31"),
            ("CY2009-Q1", "Q1 2009", "2009-01-01", "2009-03-31"),
            ("CY2009", "2009", "2009-01-01", "2009-12-31"),
        ] {
            let period = period(key);
            assert_eq!(period.to_string(), key);
            assert_eq!(period.label(), label);
            assert_eq!((period.start(), period.end()), (day(start), day(end)), "{key}");
        }
    }

    #[test]
    fn what_is_no_period_is_refused_with_the_reason() {
        let apart = "FY2009-11".parse::<Period>().unwrap_err();
        assert!(apart.to_string().starts_with("names the years 2009 to 2011 together"), "{apart}");
        for text in ["FY2009-08", "FY2009-09-Q1", "AY2009-95"] {
            let apart = text.parse::<Period>().unwrap_err();
            assert!(apart.to_string().starts_with("names two years that do not follow on"), "{text}: {apart}");
        }
        for text in [
            "",
            "FY2009",
            "FY2009-10-Q5",
            "FY2009-10-Q0",
            "2009-13",
            "2009-00",
            "CY2009-T1",
            "FY2009-10-Q1-x",
            "FY99-00",
            "é2009",
            "FY9999-00",
        ] {
            assert_eq!(text.parse::<Period>(), Err(PeriodError::Unreadable), "{text}");
        }
    }

    #[test]
    fn everyday_spellings_are_read_where_they_mean_one_thing() {
        for (text, kind, key) in [
            ("2009/10 Q1", PeriodKind::FinancialQuarter, "FY2009-10-Q1"),
            ("Q1 2009/10", PeriodKind::FinancialQuarter, "FY2009-10-Q1"),
            ("2009-10 Q1", PeriodKind::FinancialQuarter, "FY2009-10-Q1"),
            ("2009/2010 q3", PeriodKind::FinancialQuarter, "FY2009-10-Q3"),
            ("2009–10 Q2", PeriodKind::FinancialQuarter, "FY2009-10-Q2"),
            ("Qtr 2 2009/10", PeriodKind::FinancialQuarter, "FY2009-10-Q2"),
            ("2009/10 Quarter 4", PeriodKind::FinancialQuarter, "FY2009-10-Q4"),
            ("2009/10", PeriodKind::FinancialYear, "FY2009-10"),
            ("2009-10", PeriodKind::FinancialYear, "FY2009-10"),
            ("2009-10", PeriodKind::Month, "2009-10"),
            ("2008/09", PeriodKind::AcademicYear, "AY2008-09"),
            ("2008/09 (academic)", PeriodKind::AcademicYear, "AY2008-09"),
            ("Jun 2009", PeriodKind::Month, "2009-06"),
            ("june 2009", PeriodKind::Month, "2009-06"),
            ("Summer 2008/09", PeriodKind::AcademicTerm, "AY2008-09-T3"),
            ("Q1 2009", PeriodKind::CalendarQuarter, "CY2009-Q1"),
            ("2009", PeriodKind::CalendarYear, "CY2009"),
            ("2009/10 H2", PeriodKind::FinancialHalf, "FY2009-10-H2"),
        ] {
            assert_eq!(Period::read(text, kind).unwrap().to_string(), key, "{text}");
        }
        for (text, kind) in [
            ("2009/10", PeriodKind::FinancialQuarter),
            ("Q1 2009", PeriodKind::FinancialQuarter),
            ("FY2009-10", PeriodKind::FinancialQuarter),
            ("AY2008-09", PeriodKind::FinancialYear),
            ("2009-06", PeriodKind::FinancialQuarter),
            ("FY2009-10", PeriodKind::Month),
        ] {
            let refused = Period::read(text, kind);
            assert!(matches!(refused, Err(PeriodError::OtherKind(_))), "{text} {refused:?}");
        }
        assert!(matches!(Period::read("2009/11", PeriodKind::FinancialYear), Err(PeriodError::YearsApart(_))));
        assert!(matches!(Period::read("FY2009-11-Q1", PeriodKind::FinancialQuarter), Err(PeriodError::YearsApart(_))));
        assert!(matches!(Period::read("soon", PeriodKind::Month), Err(PeriodError::NotOfKind(_))));
    }

    #[test]
    fn a_month_that_looks_like_a_pair_of_years_is_pointed_out() {
        let words = "`2008-09` is the key of Sep 2008, and was read as that; if the year is meant, write FY2008-09";
        assert_eq!(Period::month_like_years("2008-09").unwrap(), words);
        for text in ["2008-10", "2009-09", "2008-13", "FY2008-09", "2008/09", "", "soon"] {
            assert_eq!(Period::month_like_years(text), None, "{text}");
        }
    }

    #[test]
    fn councils_spell_periods_in_many_ways() {
        use PeriodKind::{
            AcademicTerm, AcademicYear, CalendarQuarter, CalendarYear, FinancialHalf, FinancialQuarter, FinancialYear,
            Month,
        };
        for (text, kind, key) in [
            ("Summer 2010", AcademicTerm, "AY2009-10-T3"),
            ("Spring 2010", AcademicTerm, "AY2009-10-T2"),
            ("autumn 2009", AcademicTerm, "AY2009-10-T1"),
            ("Summer Term 2009/10", AcademicTerm, "AY2009-10-T3"),
            ("Term 3 2009/10", AcademicTerm, "AY2009-10-T3"),
            ("ay2009-10-t3", AcademicTerm, "AY2009-10-T3"),
            ("Sep-Dec 2009", AcademicTerm, "AY2009-10-T1"),
            ("Jun-10", Month, "2010-06"),
            ("JUN 2010", Month, "2010-06"),
            ("Sept 2010", Month, "2010-09"),
            ("September-2010", Month, "2010-09"),
            ("Jun '10", Month, "2010-06"),
            ("06/2010", Month, "2010-06"),
            ("6/2010", Month, "2010-06"),
            ("Mar-99", Month, "1999-03"),
            ("Apr-Jun 2010", FinancialQuarter, "FY2010-11-Q1"),
            ("April to June 2010", FinancialQuarter, "FY2010-11-Q1"),
            ("Jan – Mar 2010", FinancialQuarter, "FY2009-10-Q4"),
            ("Jan-Mar 2009/10", FinancialQuarter, "FY2009-10-Q4"),
            ("Apr-Jun 2010", CalendarQuarter, "CY2010-Q2"),
            ("Oct 2009 - Mar 2010", FinancialHalf, "FY2009-10-H2"),
            ("Oct-Mar 2009/10", FinancialHalf, "FY2009-10-H2"),
            ("Apr 2009 - Mar 2010", FinancialYear, "FY2009-10"),
            ("Q1 10/11", FinancialQuarter, "FY2010-11-Q1"),
            ("10/11 Q1", FinancialQuarter, "FY2010-11-Q1"),
            ("fy2010-11-q1", FinancialQuarter, "FY2010-11-Q1"),
            ("FY2010/11 Q1", FinancialQuarter, "FY2010-11-Q1"),
            ("Quarter 1, 2010/11", FinancialQuarter, "FY2010-11-Q1"),
            ("FY2010/11", FinancialYear, "FY2010-11"),
            ("fy 10/11", FinancialYear, "FY2010-11"),
            ("Financial year 2010/11", FinancialYear, "FY2010-11"),
            ("AY 2009/10", AcademicYear, "AY2009-10"),
            ("Academic Year 2009-10", AcademicYear, "AY2009-10"),
            ("calendar year 2009", CalendarYear, "CY2009"),
        ] {
            assert_eq!(Period::read(text, kind).map(|period| period.to_string()), Ok(key.to_owned()), "{text}");
        }
        for (text, kind, words) in [
            ("2010/06", Month, "did you mean 2010-06?"),
            ("2010-6", Month, "did you mean 2010-06?"),
            ("2009.1", Month, "is not a period"),
            ("2009.10", Month, "is not a period"),
            ("2009/10", Month, "is a period of another kind; this is reported by month, such as 2009-06"),
            ("2009–10", Month, "did you mean 2009-10?"),
            ("06/10", Month, "is not a period; this is reported by month, such as 2009-06"),
            ("01/04/2010", Month, "is a date"),
            ("2010-04-01", FinancialQuarter, "is a date"),
            ("1 Apr 2010", FinancialQuarter, "is a date"),
            ("1.4.10", FinancialYear, "is a date"),
            ("06/2010", FinancialQuarter, "another kind"),
            ("Jun 2010", FinancialQuarter, "another kind"),
            ("Apr-Jul 2010", FinancialQuarter, "another kind"),
            (
                "Oct-Mar 2010",
                FinancialHalf,
                "could be the financial half-year 2009/10 H2 (write FY2009-10-H2) or the financial half-year 2010/11 H2 (write FY2010-11-H2)",
            ),
            ("T3 2010", AcademicTerm, "only one of the two years"),
            ("AY 2009/10", FinancialYear, "another kind"),
            ("Summer", AcademicTerm, "is not a period"),
            ("Q1 Q2 2009/10", FinancialQuarter, "is not a period"),
            ("Q5 2009/10", FinancialQuarter, "is not a period"),
            ("2009/10 Q", FinancialQuarter, "is not a period"),
            ("soon", FinancialQuarter, "is not a period; this is reported by financial quarter, such as FY2009-10-Q1"),
        ] {
            let refused = Period::read(text, kind).map(|period| period.to_string()).unwrap_err().to_string();
            assert!(refused.contains(words), "{text}: {refused}");
        }
        let target = |text| Period::read_of_target(text, FinancialQuarter, Calendar::Financial);
        assert_eq!(target("2009/10").unwrap().to_string(), "FY2009-10");
        assert_eq!(
            target("AY 2009/10").unwrap_err().to_string(),
            "is a period of another kind; a target here is for a financial quarter or for the financial year as a whole, such as FY2009-10-Q1 or FY2009-10"
        );
        assert_eq!(Period::could_be("2009/10"), Ok(()));
        assert_eq!(Period::could_be("soon"), Err(PeriodError::Unreadable));
        assert!(matches!(Period::could_be("FY2009-11"), Err(PeriodError::YearsApart(_))));
    }

    #[test]
    fn a_spelling_of_any_kind_is_read_where_it_means_one_period() {
        for (text, key) in [
            ("FY2009-10-Q4", "FY2009-10-Q4"),
            ("2009/10 Q4", "FY2009-10-Q4"),
            ("Summer 2008/09", "AY2008-09-T3"),
            ("Jun 2009", "2009-06"),
            ("2009", "CY2009"),
            ("Q1 2009", "CY2009-Q1"),
        ] {
            assert_eq!(Period::read_any(text).unwrap().to_string(), key);
        }
        assert!(matches!(Period::read_any("FY2009-11"), Err(PeriodError::YearsApart(_))));
        assert!(matches!(Period::read_any("2009 to 2011"), Err(PeriodError::YearsApart(_))));
        assert_eq!(Period::read_any("soon"), Err(PeriodError::Unreadable));
        for (text, choices) in [
            (
                "2009/10",
                "could be the financial year 2009/10 (write FY2009-10) or the academic year 2009/10 (write AY2009-10)",
            ),
            (
                "Apr-Jun 2010",
                "could be the financial quarter 2010/11 Q1 (write FY2010-11-Q1) or the calendar quarter Q2 2010 (write CY2010-Q2)",
            ),
        ] {
            assert_eq!(Period::read_any(text).unwrap_err().to_string(), choices, "{text}");
        }
    }

    #[test]
    fn a_quarter_may_name_its_months_if_they_are_its_own() {
        use PeriodKind::{AcademicTerm, CalendarQuarter, FinancialHalf, FinancialQuarter};
        for (text, kind, key) in [
            ("Quarter 1 (April to June) 2009/10", FinancialQuarter, "FY2009-10-Q1"),
            ("Q2 (Jul-Sep) 2009/10", FinancialQuarter, "FY2009-10-Q2"),
            ("3rd quarter 2009/10", FinancialQuarter, "FY2009-10-Q3"),
            ("Third Quarter 2009-10", FinancialQuarter, "FY2009-10-Q3"),
            ("2009-10;Q4", FinancialQuarter, "FY2009-10-Q4"),
            ("Q1 Apr-Jun 09/10", FinancialQuarter, "FY2009-10-Q1"),
            ("2009/10 Quarter Two", FinancialQuarter, "FY2009-10-Q2"),
            ("Quarter 4: January - March 2010", FinancialQuarter, "FY2009-10-Q4"),
            ("Quarter 4 2009/10 (January to March 2010)", FinancialQuarter, "FY2009-10-Q4"),
            ("January to March 2010 (Q4 2009/10)", FinancialQuarter, "FY2009-10-Q4"),
            ("2009/10 (Q1)", FinancialQuarter, "FY2009-10-Q1"),
            ("2009/10 Apr-Jun", FinancialQuarter, "FY2009-10-Q1"),
            ("Q2 (Apr-Jun) 2009", CalendarQuarter, "CY2009-Q2"),
            ("2nd half 2009/10", FinancialHalf, "FY2009-10-H2"),
            ("Half year 2 (Oct-Mar) 2009/10", FinancialHalf, "FY2009-10-H2"),
            ("Autumn term (Sep-Dec) 2009/10", AcademicTerm, "AY2009-10-T1"),
        ] {
            assert_eq!(Period::read(text, kind).map(|period| period.to_string()), Ok(key.to_owned()), "{text}");
        }
        for (text, kind, code) in [
            ("Q1 (Jul-Sep) 2009/10", FinancialQuarter, "months_do_not_agree"),
            ("Q1 (Jan-Mar) 2009/10", FinancialQuarter, "months_do_not_agree"),
            ("Q1 (Apr-Jun) 2009", CalendarQuarter, "months_do_not_agree"),
            ("Quarter 4 2009/10 (January to March 2009)", FinancialQuarter, "months_do_not_agree"),
            ("Autumn term (Apr-Aug) 2009/10", AcademicTerm, "months_do_not_agree"),
            ("Q1 (Apr-Jul) 2009/10", FinancialQuarter, "months_do_not_agree"),
            ("5th quarter 2009/10", FinancialQuarter, "not_a_period"),
            ("3th quarter 2009/10", FinancialQuarter, "not_a_period"),
            ("quarter to June 2009", FinancialQuarter, "not_a_period"),
            ("Apr, Jun 2009", FinancialQuarter, "not_a_period"),
            ("April to 2009", PeriodKind::Month, "not_a_period"),
            ("10-Jun", PeriodKind::Month, "not_a_period"),
            ("1st April 2009", PeriodKind::Month, "not_a_period"),
        ] {
            let refused = Period::read(text, kind).map(|period| period.to_string());
            assert_eq!(refused.as_ref().map_err(PeriodError::code), Err(code), "{text}: {refused:?}");
        }
    }

    #[test]
    fn months_of_a_pair_of_years_are_those_of_any_year_that_begins_in_one_and_ends_in_the_next() {
        use PeriodKind::{CalendarQuarter, CalendarYear, FinancialQuarter, Month};
        for (text, kind, key) in [
            ("Jan-Mar 2009/10", CalendarQuarter, "CY2010-Q1"),
            ("Oct-Dec 2009/10", CalendarQuarter, "CY2009-Q4"),
            // No academic year has July to September in one piece.
            ("Jul-Sep 2009/10", CalendarQuarter, "CY2009-Q3"),
            ("Apr-Jun FY2009/10", CalendarQuarter, "CY2009-Q2"),
            ("Apr-Jun AY2009/10", CalendarQuarter, "CY2010-Q2"),
            ("Jan-Mar 2009/10", FinancialQuarter, "FY2009-10-Q4"),
            ("Feb 2009/10", Month, "2010-02"),
            ("Nov 2009/10", Month, "2009-11"),
        ] {
            assert_eq!(Period::read(text, kind).map(|period| period.to_string()), Ok(key.to_owned()), "{text}");
        }
        for (text, kind, words) in [
            ("Jan-Dec 2009/10", CalendarYear, "is a period of another kind"),
            ("Jan-Mar CY2009/10", CalendarQuarter, "is a period of another kind"),
            (
                "Apr-Jun 2009/10",
                CalendarQuarter,
                "could be the calendar quarter Q2 2009 (write CY2009-Q2) or the calendar quarter Q2 2010 (write CY2010-Q2)",
            ),
            (
                "May 2009/10",
                Month,
                "could be the month May 2009 (write May 2009) or the month May 2010 (write May 2010)",
            ),
        ] {
            let refused = Period::read(text, kind).unwrap_err().to_string();
            assert!(refused.contains(words), "{text}: {refused}");
        }
    }

    #[test]
    fn several_years_together_are_no_period() {
        use PeriodKind::{CalendarYear, FinancialQuarter, FinancialYear};
        for (text, kind, words) in [
            ("2010-13", FinancialYear, "names the years 2010 to 2013 together"),
            ("2010-15", FinancialYear, "names the years 2010 to 2015 together"),
            ("2009-12", FinancialYear, "could be the month Dec 2009 or the years 2009 to 2012 together"),
            ("2009-12", FinancialQuarter, "could be the month Dec 2009 or the years 2009 to 2012 together"),
            ("2009/10-2011/12", FinancialYear, "names the years 2009 to 2012 together"),
            ("2009/10 to 2011/12", FinancialYear, "names the years 2009 to 2012 together"),
            ("2009 to 2011", FinancialYear, "names the years 2009 to 2011 together"),
            ("2009 to 2011", CalendarYear, "names the years 2009 to 2011 together"),
            ("2009-2011", FinancialYear, "names the years 2009 to 2011 together"),
            ("2009, 2010, 2011", CalendarYear, "names the years 2009 to 2011 together"),
            ("1998-01", FinancialYear, "could be the month Jan 1998 or the years 1998 to 2001 together"),
            ("FY2009-12", FinancialYear, "names the years 2009 to 2012 together"),
        ] {
            let refused = Period::read(text, kind).unwrap_err();
            assert_eq!(refused.code(), "years_do_not_follow", "{text}");
            let refused = refused.to_string();
            assert!(refused.contains(words) && !refused.contains("did you mean"), "{text}: {refused}");
        }
    }

    #[test]
    fn a_target_of_a_year_is_never_taken_for_one_of_a_month() {
        let month = |text| Period::read_of_target(text, PeriodKind::Month, Calendar::Financial);
        for (text, choices) in [
            (
                "2009-10",
                "could be the month Oct 2009 (write Oct 2009) or the financial year 2009/10 (write 2009/10 or FY2009-10)",
            ),
            (
                "2011–12",
                "could be the month Dec 2011 (write Dec 2011) or the financial year 2011/12 (write 2011/12 or FY2011-12)",
            ),
            (
                "09/10",
                "could be the month Sep 2010 (write Sep 2010) or the financial year 2009/10 (write 2009/10 or FY2009-10)",
            ),
        ] {
            let refused = month(text).unwrap_err();
            assert_eq!((refused.code(), refused.to_string().as_str()), ("ambiguous_period", choices), "{text}");
        }
        for (text, key) in [
            ("2012-13", "FY2012-13"),
            ("2009/10", "FY2009-10"),
            ("FY2009-10", "FY2009-10"),
            ("2009-2010", "FY2009-10"),
            ("13/14", "FY2013-14"),
            ("Oct 2009", "2009-10"),
            ("10/2009", "2009-10"),
            ("2009-09", "2009-09"),
            // Several years are no period of any KPI, so that this key can only be the month.
            ("2009-12", "2009-12"),
        ] {
            assert_eq!(month(text).map(|period| period.to_string()), Ok(key.to_owned()), "{text}");
        }
        // Under calendar years, a pair of years is no year.
        let calendar = Period::read_of_target("2009-10", PeriodKind::Month, Calendar::Calendar);
        assert_eq!(calendar.unwrap().to_string(), "2009-10");
        let school = Period::read_of_target("2009-10", PeriodKind::Month, Calendar::Academic).unwrap_err().to_string();
        assert!(school.contains("the academic year 2009/10 (write 2009/10 or AY2009-10)"), "{school}");
        let quarter = Period::read_of_target("2009-10", PeriodKind::FinancialQuarter, Calendar::Financial);
        assert_eq!(quarter.unwrap().to_string(), "FY2009-10");
        // In an address, a key is that key, and a figure of a monthly KPI is only ever a month's.
        let address = |text| Period::read_of_target_in_address(text, PeriodKind::Month, Calendar::Financial);
        assert_eq!(address("2009-10").unwrap().to_string(), "2009-10");
        assert_eq!(address("fy2009-10").unwrap().to_string(), "FY2009-10");
        assert_eq!(address("09/10").unwrap_err().code(), "ambiguous_period");
        assert_eq!(Period::read("2009-10", PeriodKind::Month).unwrap().to_string(), "2009-10");
    }

    #[test]
    fn what_hangs_on_a_period_is_not_passed_over() {
        let quarter = PeriodKind::FinancialQuarter;
        for text in [
            "FY2009-10-Q1'--",
            "FY2009-10-Q1-",
            "FY2009-10--Q1",
            "-2009/10 Q1",
            "2009//10 Q1",
            "2009/10 Q1,",
            "2009/10 (Q1",
            "2009/10 Q1)",
            "2009/10 ((Q1))",
            "2009/10 Q1 *",
            "2009/10 Q1 (p)",
            "2009.10 Q1",
            "2009 10 Q1",
            "2009/10 Q1 2",
            "'2009/10' Q1'",
        ] {
            assert!(Period::read(text, quarter).is_err(), "{text}");
        }
        for text in ["2009/10, Q1", "Q1 - 2009/10", " 2009/10 Q1 ", "2009_10_Q1", "Q1: 2009/10", "(Q1) 2009/10"] {
            assert_eq!(
                Period::read(text, quarter).map(|period| period.to_string()),
                Ok("FY2009-10-Q1".to_owned()),
                "{text}"
            );
        }
    }

    #[test]
    fn figures_fall_due_by_the_clock_in_london() {
        // British summer time: an hour before midnight UTC.
        assert_eq!(period("FY2009-10-Q1").closes_at().to_rfc3339(), "2009-06-30T22:59:59+00:00");
        assert_eq!(period("FY2009-10-Q1").due_at(30).to_rfc3339(), "2009-07-30T22:59:59+00:00");
        assert_eq!(period("FY2009-10-Q3").due_at(0).to_rfc3339(), "2009-12-31T23:59:59+00:00");
        // The clocks went forward on 28 March 2010.
        assert_eq!(period("FY2009-10-Q4").closes_at().to_rfc3339(), "2010-03-31T22:59:59+00:00");
    }

    #[test]
    fn a_period_knows_its_place_in_the_year() {
        assert_eq!(period("FY2009-10-Q3").position_in(Calendar::Financial), Some((3, 4)));
        assert_eq!(period("2010-03").position_in(Calendar::Financial), Some((12, 12)));
        assert_eq!(period("2010-03").position_in(Calendar::Academic), Some((7, 12)));
        assert_eq!(period("AY2008-09-T2").position_in(Calendar::Academic), Some((2, 3)));
        assert_eq!(period("2010-03").year_in(Calendar::Financial), Some(period("FY2009-10")));
    }

    #[test]
    fn a_report_takes_the_latest_period_that_has_ended() {
        let end = day("2010-03-31");
        assert_eq!(Period::latest_ended(PeriodKind::FinancialQuarter, end), Some(period("FY2009-10-Q4")));
        assert_eq!(Period::latest_ended(PeriodKind::AcademicYear, end), Some(period("AY2008-09")));
        assert_eq!(Period::latest_ended(PeriodKind::AcademicTerm, end), Some(period("AY2009-10-T2")));
        assert_eq!(Period::latest_ended(PeriodKind::CalendarYear, end), Some(period("CY2009")));
    }

    /// A period as its first and last month say it, apart from how [`Period`] counts.
    struct Stated {
        kind: PeriodKind,
        /// The year in which its year begins.
        begins: i32,
        part: usize,
        /// The first and the last month, each as its year and its place from 0.
        from: (i32, usize),
        to: (i32, usize),
    }

    impl Stated {
        fn new(kind: PeriodKind, begins: i32, part: usize) -> Self {
            let (first, last) = match kind {
                PeriodKind::Month => (part, part),
                PeriodKind::FinancialQuarter => (3 + 3 * part, 5 + 3 * part),
                PeriodKind::FinancialHalf => (3 + 6 * part, 8 + 6 * part),
                PeriodKind::FinancialYear => (3, 14),
                PeriodKind::AcademicYear => (8, 19),
                PeriodKind::AcademicTerm => [(8, 11), (12, 14), (15, 19)][part],
                PeriodKind::CalendarQuarter => (3 * part, 2 + 3 * part),
                PeriodKind::CalendarYear => (0, 11),
            };
            let month = |place: usize| (begins + i32::from(place > 11), place % 12);
            Self { kind, begins, part: part + 1, from: month(first), to: month(last) }
        }

        /// Ways to write it, each of which says its months and their years beyond doubt.
        fn spellings(&self) -> Vec<String> {
            let Self { begins, part, from: (year, from), to: (ends, to), .. } = self;
            let (name, short) = (|month: &usize| FULL_MONTHS[*month], |month: &usize| MONTHS[*month]);
            let pair = format!("{begins}/{:02}", (begins + 1) % 100);
            let span = format!("{}-{}", short(from), short(to));
            let spelt = format!("{} {year} to {} {ends}", name(from), name(to));
            let mut texts = vec![spelt.clone(), format!("{} {year} – {} {ends}", short(from), short(to))];
            if from == to {
                texts.extend([format!("{} {year}", name(from)), format!("{}-{year}", short(from))]);
                texts.push(format!("{:02}/{year}", from + 1));
            }
            let ordinal = ["1st", "2nd", "3rd", "4th"].get(part - 1).unwrap_or(&"");
            let (letter, word, calendar) = match self.kind {
                PeriodKind::FinancialQuarter => ("Q", "quarter", "FY"),
                PeriodKind::FinancialHalf => ("H", "half", "FY"),
                PeriodKind::AcademicTerm => ("T", "term", "AY"),
                PeriodKind::CalendarQuarter => ("Q", "quarter", "CY"),
                PeriodKind::FinancialYear => ("", "", "FY"),
                PeriodKind::AcademicYear => ("", "", "AY"),
                PeriodKind::CalendarYear => return [texts, vec![begins.to_string(), format!("CY{begins}")]].concat(),
                PeriodKind::Month => return texts,
            };
            let years = if calendar == "CY" { begins.to_string() } else { pair };
            texts.extend([format!("{span} {years}"), format!("{calendar}{years} {span}")]);
            if letter.is_empty() {
                texts.extend([format!("{calendar}{years}"), format!("{calendar}{begins}-{:02}", (begins + 1) % 100)]);
            } else {
                texts.extend([
                    format!("{letter}{part} {years}"),
                    format!("{calendar}{years} {letter}{part}"),
                    format!("{years}; {word} {part}"),
                    format!("{ordinal} {word} {years}"),
                    format!("{word} {part} ({} to {}) {years}", name(from), name(to)),
                    format!("{years} {letter}{part} ({span})"),
                    format!("{letter}{part} {years} ({spelt})"),
                ]);
            }
            texts
        }
    }

    proptest! {
        #[test]
        fn print_then_parse_gives_the_same_period(kind in 0_usize..8, year in FIRST_YEAR..=LAST_YEAR, part in 0_i32..12) {
            let kind = KINDS[kind];
            let period = Period::new(kind, year, part % kind.per_year()).unwrap();
            prop_assert_eq!(period.to_string().parse::<Period>(), Ok(period));
            prop_assert_eq!(Period::read(&period.to_string(), kind), Ok(period));
            prop_assert_eq!(Period::read(&period.label(), kind), Ok(period));
        }

        #[test]
        fn periods_of_a_kind_tile_the_calendar(kind in 0_usize..8, year in 1901_i32..=9000, part in 0_i32..12) {
            let kind = KINDS[kind];
            let period = Period::new(kind, year, part % kind.per_year()).unwrap();
            let next = period.step(1).unwrap();
            prop_assert_eq!(period.end().succ_opt().unwrap(), next.start());
            prop_assert!(period < next);
            prop_assert_eq!(next.step(-1), Some(period));
            prop_assert_eq!(period.distance_to(next), Some(1));
            let before = period.year_before().unwrap();
            prop_assert_eq!(before.distance_to(period), Some(kind.per_year()));
            prop_assert_eq!((before.start().month(), before.start().day()), (period.start().month(), period.start().day()));
            prop_assert_eq!(Period::holding(kind, period.start()), Some(period));
            prop_assert_eq!(Period::holding(kind, period.end()), Some(period));
        }

        #[test]
        fn a_spelling_is_read_as_what_it_states_or_refused(
            kind in 0_usize..8, year in 1980_i32..=2078, part in 0_usize..12, wanted in 0_usize..8,
        ) {
            let kind = KINDS[kind];
            let stated = Stated::new(kind, year, part % usize::try_from(kind.per_year()).unwrap());
            let months = |period: Period| {
                let month = |day: NaiveDate| (day.year(), usize::try_from(day.month0()).unwrap());
                (month(period.start()), month(period.end()))
            };
            for text in stated.spellings() {
                let own = Period::read(&text, kind).map(months);
                prop_assert_eq!(own, Ok((stated.from, stated.to)), "`{}`", text);
                let wanted = KINDS[wanted];
                let others = [
                    Period::read(&text, wanted),
                    Period::read_any(&text),
                    Period::read_of_target(&text, wanted, Calendar::Financial),
                    Period::read_of_target(&text, wanted, Calendar::Academic),
                    Period::read_of_target(&text, wanted, Calendar::Calendar),
                ];
                for read in others.into_iter().flatten() {
                    prop_assert_eq!(months(read), (stated.from, stated.to), "`{}` is read as {}", text, read);
                }
            }
        }

        #[test]
        fn nothing_in_a_spelling_is_passed_over(
            text in "(Q[1-4]|H[12]|T[1-3]|(1st|2nd|3rd|4th) quarter|Apr|June|Oct|Jan-Mar|April to June|Summer|FY|AY| |-|/|\\(|\\)|'|;|2009|2010|2009/10|10|09|[0-9]|to|term){1,6}",
            kind in 0_usize..8,
        ) {
            let Ok(read) = Period::read(&text, KINDS[kind]) else { return Ok(()) };
            let numbers: Vec<&str> = text.split(|char: char| !char.is_ascii_digit()).filter(|text| !text.is_empty()).collect();
            let years = [read.start().year(), read.end().year()];
            for (place, number) in numbers.iter().enumerate().filter(|(_, number)| number.len() == 4) {
                let year: i32 = number.parse().unwrap();
                // `Summer 2009/10` is in 2010: the first of a pair of years may have ended before the period begins.
                let is_of_a_pair =
                    numbers.get(place + 1).is_some_and(|next| next.parse::<i32>().unwrap() % 100 == (year + 1) % 100);
                let begins_the_pair = is_of_a_pair
                    && [Calendar::Financial, Calendar::Academic]
                        .into_iter()
                        .any(|calendar| read.year_in(calendar).is_some_and(|years| years.year() == year));
                prop_assert!(years.contains(&year) || begins_the_pair, "`{}` is read as {}", text, read);
            }
            prop_assert!(numbers.len() <= 5, "`{}` is read as {}", text, read);
            for (name, month) in [("Apr", 4), ("June", 6), ("Oct", 10), ("Jan", 1), ("Mar", 3)] {
                let (from, to) = (read.start().month(), read.end().month());
                let within = if from <= to { (from..=to).contains(&month) } else { month >= from || month <= to };
                prop_assert!(!text.contains(name) || within, "`{}` is read as {}", text, read);
            }
            for quarter in 1..=4 {
                let named = text.contains(&format!("Q{quarter}"));
                prop_assert!(!named || read.to_string().ends_with(&format!("Q{quarter}")), "`{}` is read as {}", text, read);
            }
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,20}", kind in 0_usize..8) {
            drop(text.parse::<Period>());
            drop(Period::read(&text, KINDS[kind]));
            drop(Period::read_any(&text));
            drop(Period::read_of_target(&text, KINDS[kind], Calendar::Financial));
        }
    }
}
