//! Periods (domain.md section 2): what they are called, when they run, and how they follow on.
//!
//! A [`Period`] is its kind and its place in the unbroken row of such periods, so that "the one before" and "the same
//! one a year ago" are sums, and leap years and year ends take care of themselves.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeZone, Utc};
use chrono_tz::Europe::London;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

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

    /// The kind that a KPI of this frequency and calendar reports in; `None` where there is none, as for academic quarters.
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

/// A text names no period.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeriodError {
    /// Not written like any period.
    #[error("is no period; write one like FY2009-10-Q1, FY2009-10, AY2008-09-T3, CY2009 or 2009-06")]
    Unreadable,
    /// Not written like any period, and it is known which kind is wanted.
    #[error("is no period; {0}")]
    NotOfKind(Wanted),
    /// Not written like a period, but nearly.
    #[error("is not how a month is written; did you mean {0}?")]
    Nearly(String),
    /// A day.
    #[error("is a date: write the period as text; {0}")]
    Day(Wanted),
    /// One year, of a period whose year begins in one and ends in the next.
    #[error("names one year of the two that are needed to tell which is meant; {0}")]
    OneYear(Wanted),
    /// Two years that do not follow on, as in `FY2009-11`.
    #[error("names two years that do not follow on; did you mean {0}?")]
    YearsApart(String),
    /// Another kind of period than the one asked for.
    #[error("is a period of another kind; {0}")]
    OtherKind(Wanted),
}

/// The kinds of period that are wanted, in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// What a KPI is reported by.
    kind: PeriodKind,
    /// The kind of year that its targets may be for as well, where one is wanted.
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

    /// The period `by` places later (earlier where negative); `None` outside the years 1900 to 9998.
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

    /// The last period of this one's kind within the year `year`: where a year's figure stands among its parts.
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
        let pair = || format!("{year}/{:02}", (year + 1).rem_euclid(100));
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
    /// spellings in use (`Q1 2009/10`, `2009-10 Q1`, `Jun-10`, `Apr-Jun 2010`, `Summer Term 2008/09`), where they can mean one
    /// thing only. Capitals do not matter.
    ///
    /// # Errors
    /// [`PeriodError`], which says what to write instead.
    pub fn read(text: &str, kind: PeriodKind) -> Result<Self, PeriodError> {
        Self::read_wanted(text, Wanted { kind, or_year: None })
    }

    /// Reads a period of the kind that is wanted; what else is wanted is told where it is none.
    fn read_wanted(text: &str, wanted: Wanted) -> Result<Self, PeriodError> {
        let kind = wanted.kind;
        let as_key = text.to_ascii_uppercase().parse::<Self>();
        match as_key {
            Ok(period) if period.kind == kind => return Ok(period),
            // A key whose years do not follow on is no other spelling of anything.
            Err(error @ PeriodError::YearsApart(_)) => return Err(error),
            _ => {}
        }
        match Spelling::of(text).and_then(|spelling| spelling.read(kind)) {
            Ok(period) => Ok(period),
            // `2009-10` is October as a key, and a year in everyday spelling: the KPI's own kind decides.
            Err(_) if as_key.is_ok() => Err(PeriodError::OtherKind(wanted)),
            Err(Misspelt::Nothing) => Err(PeriodError::NotOfKind(wanted)),
            Err(Misspelt::OtherKind) => Err(PeriodError::OtherKind(wanted)),
            Err(Misspelt::OneYear) => Err(PeriodError::OneYear(wanted)),
            Err(Misspelt::Day) => Err(PeriodError::Day(wanted)),
            Err(Misspelt::YearsApart(year)) => Err(PeriodError::YearsApart(pair(year))),
            Err(Misspelt::Month(year, month)) => Err(PeriodError::Nearly(format!("{year}-{month:02}"))),
        }
    }

    /// Reads the period of a target of a KPI that is reported by `kind`: such a period, or a year of its calendar (section 5).
    ///
    /// # Errors
    /// [`PeriodError`], which says what to write instead.
    pub fn read_of_target(text: &str, kind: PeriodKind, calendar: Calendar) -> Result<Self, PeriodError> {
        let year = PeriodKind::year_of(calendar);
        let read = Self::read_wanted(text, Wanted { kind, or_year: Some(year) });
        read.or_else(|error| Self::read(text, year).map_err(|_neither| error))
    }

    /// Whether a text could name a period of some kind, where it is not known which is wanted.
    ///
    /// # Errors
    /// [`PeriodError`], where it can name none.
    pub fn could_be(text: &str) -> Result<(), PeriodError> {
        let mut error = PeriodError::Unreadable;
        for kind in PeriodKind::ALL {
            match Self::read(text, kind) {
                Ok(_) => return Ok(()),
                Err(apart @ PeriodError::YearsApart(_)) => error = apart,
                Err(_) => {}
            }
        }
        Err(error)
    }
}

fn pair(year: i32) -> String {
    format!("{year}/{:02}", (year + 1).rem_euclid(100))
}

impl Period {
    /// Reads a period of whatever kind: a canonical key, or a spelling that can mean one period only.
    ///
    /// # Errors
    /// [`PeriodError::Unreadable`] where it means none, or more than one (`2009/10` is a financial and an academic year).
    pub fn read_any(text: &str) -> Result<Self, PeriodError> {
        let as_key = text.to_ascii_uppercase().parse::<Self>();
        if let Ok(_) | Err(PeriodError::YearsApart(_)) = as_key {
            return as_key;
        }
        let mut read = PeriodKind::ALL.into_iter().filter_map(|kind| Self::read(text, kind).ok());
        match (read.next(), read.next()) {
            (Some(only), None) => Ok(only),
            _ => Err(PeriodError::Unreadable),
        }
    }
}

/// Why a spelling names no period of the kind that is wanted.
enum Misspelt {
    /// It names none at all.
    Nothing,
    OtherKind,
    OneYear,
    Day,
    /// Its years do not follow on; the first of them.
    YearsApart(i32),
    /// A year and a month, told apart too badly.
    Month(i32, i32),
}

/// A number in a spelling: what it is, and how many digits it is written with.
type Digits = (i32, usize);

/// The pieces of a period in everyday spelling.
#[derive(Default)]
struct Spelling {
    /// Whose year it says it is.
    calendar: Option<Calendar>,
    part: Option<(PartWord, i32)>,
    /// The months that are named, from 1, each with how many numbers stand before it.
    months: Vec<(i32, usize)>,
    numbers: Vec<Digits>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum PartWord {
    Quarter,
    Half,
    /// A term by its number in the school year.
    Term,
    /// A term by its season, which lies within one year of our counting.
    Season,
}

impl Spelling {
    fn of(text: &str) -> Result<Self, Misspelt> {
        let mut spelling = Self::default();
        // A part whose number is to follow.
        let mut begun = None;
        for word in words(text)? {
            let number = word.parse::<i32>().ok();
            match (begun.take(), number) {
                (Some((part, most)), Some(number)) if word.len() == 1 && (1..=most).contains(&number) => {
                    spelling.set_part(part, number)?;
                }
                // `Summer term 2009/10` says all there is to say without the word.
                (None | Some((PartWord::Term, _)), Some(number)) if spelling.numbers.len() < 4 => {
                    spelling.numbers.push((number, word.len()));
                }
                (None | Some((PartWord::Term, _)), None) => begun = spelling.take_word(&word)?,
                _ => return Err(Misspelt::Nothing),
            }
        }
        if begun.is_some_and(|(part, _)| part != PartWord::Term) { Err(Misspelt::Nothing) } else { Ok(spelling) }
    }

    fn set_part(&mut self, part: PartWord, number: i32) -> Result<(), Misspelt> {
        if self.part.replace((part, number)).is_some() { Err(Misspelt::Nothing) } else { Ok(()) }
    }

    /// Takes in a word; the part whose number is to follow, where it is one.
    fn take_word(&mut self, word: &str) -> Result<Option<(PartWord, i32)>, Misspelt> {
        let place = |names: &[&str]| names.iter().position(|name| name.eq_ignore_ascii_case(word));
        let from_one = |place: usize| i32::try_from(place).unwrap_or(0) + 1;
        let calendar = match word {
            "fy" | "financial" => Some(Calendar::Financial),
            "ay" | "academic" | "school" => Some(Calendar::Academic),
            "cy" | "calendar" => Some(Calendar::Calendar),
            _ => None,
        };
        if let Some(calendar) = calendar {
            let other = self.calendar.replace(calendar).is_some_and(|before| before != calendar);
            return if other { Err(Misspelt::Nothing) } else { Ok(None) };
        }
        match word {
            "q" | "qtr" | "quarter" => return Ok(Some((PartWord::Quarter, 4))),
            "h" | "half" => return Ok(Some((PartWord::Half, 2))),
            "t" | "term" => return Ok(Some((PartWord::Term, 3))),
            "year" => return Ok(None),
            // `April to June`.
            "to" if self.months.len() == 1 => return Ok(None),
            _ => {}
        }
        if let Some(term) = place(&TERMS) {
            self.set_part(PartWord::Season, from_one(term))?;
        } else if let Some(month) = place(&MONTHS).or_else(|| place(&FULL_MONTHS)).or((word == "sept").then_some(8)) {
            self.months.push((from_one(month), self.numbers.len()));
        } else {
            return Err(Misspelt::Nothing);
        }
        Ok(None)
    }

    fn read(&self, kind: PeriodKind) -> Result<Period, Misspelt> {
        if self.is_day() {
            return Err(Misspelt::Day);
        }
        let calendar = match kind {
            PeriodKind::Month => None,
            PeriodKind::FinancialQuarter | PeriodKind::FinancialHalf | PeriodKind::FinancialYear => {
                Some(Calendar::Financial)
            }
            PeriodKind::AcademicTerm | PeriodKind::AcademicYear => Some(Calendar::Academic),
            PeriodKind::CalendarQuarter | PeriodKind::CalendarYear => Some(Calendar::Calendar),
        };
        if self.numbers.is_empty() {
            return Err(Misspelt::Nothing);
        }
        if self.calendar.is_some() && self.calendar != calendar {
            return Err(Misspelt::OtherKind);
        }
        if !self.months.is_empty() {
            return if self.part.is_some() { Err(Misspelt::Nothing) } else { self.read_months(kind) };
        }
        if kind == PeriodKind::Month {
            return self.read_month();
        }
        let of_kind = match kind {
            PeriodKind::FinancialQuarter | PeriodKind::CalendarQuarter => {
                matches!(self.part, Some((PartWord::Quarter, _)))
            }
            PeriodKind::FinancialHalf => matches!(self.part, Some((PartWord::Half, _))),
            PeriodKind::AcademicTerm => matches!(self.part, Some((PartWord::Term | PartWord::Season, _))),
            _ => self.part.is_none(),
        };
        let (year, is_pair) = match self.numbers.as_slice() {
            [one] => {
                // The seasons of a school year lie each within one year of our counting.
                if let (PeriodKind::AcademicTerm, Some((PartWord::Season, term))) = (kind, self.part) {
                    let year = whole_year(*one).ok_or(Misspelt::Nothing)?;
                    let begins = if term == 1 { year } else { year - 1 };
                    return Period::new(kind, begins, term - 1).ok_or(Misspelt::Nothing);
                }
                if one.1 != 4 {
                    return Err(Misspelt::Nothing);
                }
                (one.0, false)
            }
            [first, second] => (self.pair(*first, *second)?, true),
            _ => return Err(Misspelt::Nothing),
        };
        let wants_pair = calendar != Some(Calendar::Calendar);
        if of_kind && wants_pair && !is_pair && matches!(self.part, Some((PartWord::Term, _))) {
            return Err(Misspelt::OneYear);
        }
        if !of_kind || wants_pair != is_pair {
            return Err(Misspelt::OtherKind);
        }
        Period::new(kind, year, self.part.map_or(0, |(_, number)| number - 1)).ok_or(Misspelt::Nothing)
    }

    /// Whether it is a day: `01/04/2010`, `2010-04-01`, `1 Apr 2010`.
    fn is_day(&self) -> bool {
        let short = |number: &Digits| number.1 <= 2 && number.0 >= 1 && number.0 <= 31;
        let year = |number: &Digits| number.1 == 4 || number.1 == 2;
        match (self.numbers.as_slice(), self.months.as_slice()) {
            ([first, second, last], []) => {
                (short(first) && short(second) && year(last)) || (first.1 == 4 && short(second) && short(last))
            }
            ([day, last], [(_, 1)]) => short(day) && year(last),
            _ => false,
        }
    }

    /// The year that a pair of years begins in.
    fn pair(&self, first: Digits, second: Digits) -> Result<i32, Misspelt> {
        match (first, second) {
            // `06/2010` and `2010-6` are months.
            ((_, 1 | 2), (_, 4)) | (_, (_, 1)) if self.part.is_none() => Err(Misspelt::OtherKind),
            ((year, 4), (next, 2 | 4)) if follows(year, next) => Ok(year),
            ((year, 4), (_, 2 | 4)) => Err(Misspelt::YearsApart(year)),
            ((_, 2), (next, 2)) => {
                let year = whole_year(first).ok_or(Misspelt::Nothing)?;
                if follows(year, next) { Ok(year) } else { Err(Misspelt::Nothing) }
            }
            _ => Err(Misspelt::Nothing),
        }
    }

    /// A month in figures.
    fn read_month(&self) -> Result<Period, Misspelt> {
        if self.part.is_some() {
            return Err(Misspelt::OtherKind);
        }
        match self.numbers.as_slice() {
            [(month @ 1..=12, 1 | 2), (year, 4)] => {
                Period::new(PeriodKind::Month, *year, month - 1).ok_or(Misspelt::Nothing)
            }
            // It might be a year as well, and so are its neighbours not read either.
            [(year, 4), (next, 2 | 4)] if follows(*year, *next) => Err(Misspelt::OtherKind),
            [(year, 4), (month @ 1..=12, 1 | 2)] => Err(Misspelt::Month(*year, *month)),
            [(_, 4)] => Err(Misspelt::OtherKind),
            _ => Err(Misspelt::Nothing),
        }
    }

    /// A month by its name, or the period that begins with one month and ends with another.
    fn read_months(&self, kind: PeriodKind) -> Result<Period, Misspelt> {
        let year = |number: Digits| whole_year(number).ok_or(Misspelt::Nothing);
        let (from, to) = match (self.months.as_slice(), self.numbers.as_slice()) {
            ([(month, _)], [number]) => {
                let year = year(*number)?;
                ((year, *month), (year, *month))
            }
            // Of `Oct-Mar 2010` it cannot be told which of the two the year is.
            ([(first, _), (last, _)], [number]) if first <= last => {
                let year = year(*number)?;
                ((year, *first), (year, *last))
            }
            ([(first, 0), (last, 1)], [one, other]) => ((year(*one)?, *first), (year(*other)?, *last)),
            ([(first, 0), (last, 0)], [one, other]) => {
                let begins = self.pair(*one, *other)?;
                let in_year = |month: i32| if month > kind.first_month(0) { begins } else { begins + 1 };
                ((in_year(*first), *first), (in_year(*last), *last))
            }
            _ => return Err(Misspelt::Nothing),
        };
        let day = |(year, month): (i32, i32)| NaiveDate::from_ymd_opt(year, u32::try_from(month).ok()?, 1);
        let (from, to) = day(from).zip(day(to)).ok_or(Misspelt::Nothing)?;
        let period = Period::holding(kind, from).ok_or(Misspelt::Nothing)?;
        let fits =
            period.start() == from && Period::holding(PeriodKind::Month, to).is_some_and(|to| to.end() == period.end());
        if fits { Ok(period) } else { Err(Misspelt::OtherKind) }
    }
}

/// A year in two or four digits; of two, those up to 79 are ours.
fn whole_year((number, digits): Digits) -> Option<i32> {
    match digits {
        4 => Some(number),
        2 => Some(if number < 80 { 2000 + number } else { 1900 + number }),
        _ => None,
    }
}

/// The words and numbers of a text, in small letters; whatever people put between them is passed over.
fn words(text: &str) -> Result<Vec<String>, Misspelt> {
    let mut words: Vec<String> = Vec::new();
    let mut last = None;
    for char in text.to_lowercase().chars() {
        let kind = match char {
            'a'..='z' => Some(true),
            '0'..='9' => Some(false),
            // Word and Excel make a dash of what was typed as a hyphen.
            '/' | '_' | ',' | '.' | '(' | ')' | '\'' | '’' | '-' | '–' | '—' | '‑' => None,
            blank if blank.is_whitespace() => None,
            _ => return Err(Misspelt::Nothing),
        };
        match (kind, words.last_mut()) {
            (Some(_), Some(word)) if kind == last => word.push(char),
            (Some(_), _) => words.push(char.into()),
            (None, _) => {}
        }
        last = kind;
    }
    Ok(words)
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
                return Err(PeriodError::YearsApart(format!("{family}{year}-{:02}", (year + 1) % 100)));
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
        assert_eq!("FY2009-11".parse::<Period>(), Err(PeriodError::YearsApart("FY2009-10".into())));
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
            ("2009/10", Month, "is a period of another kind; this is reported by month, such as 2009-06"),
            ("06/10", Month, "is no period; this is reported by month, such as 2009-06"),
            ("01/04/2010", Month, "is a date"),
            ("2010-04-01", FinancialQuarter, "is a date"),
            ("1 Apr 2010", FinancialQuarter, "is a date"),
            ("1.4.10", FinancialYear, "is a date"),
            ("06/2010", FinancialQuarter, "another kind"),
            ("Jun 2010", FinancialQuarter, "another kind"),
            ("Apr-Jul 2010", FinancialQuarter, "another kind"),
            ("Oct-Mar 2010", FinancialHalf, "is no period"),
            ("T3 2010", AcademicTerm, "one year of the two"),
            ("AY 2009/10", FinancialYear, "another kind"),
            ("Summer", AcademicTerm, "is no period"),
            ("Q1 Q2 2009/10", FinancialQuarter, "is no period"),
            ("Q5 2009/10", FinancialQuarter, "is no period"),
            ("2009/10 Q", FinancialQuarter, "is no period"),
            ("soon", FinancialQuarter, "is no period; this is reported by financial quarter, such as FY2009-10-Q1"),
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
        assert_eq!(Period::could_be("FY2009-11"), Err(PeriodError::YearsApart("FY2009-10".into())));
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
        assert_eq!(Period::read_any("2009/10"), Err(PeriodError::Unreadable));
        assert_eq!(Period::read_any("FY2009-11"), Err(PeriodError::YearsApart("FY2009-10".into())));
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
        fn any_text_is_read_or_refused(text in "\\PC{0,20}", kind in 0_usize..8) {
            drop(text.parse::<Period>());
            drop(Period::read(&text, KINDS[kind]));
        }
    }
}
