//! How people write periods, apart from the canonical keys: `Quarter 1 (April to June) 2009/10`, `Jan-Mar 2009/10`,
//! `Summer term 2010`, `Jun-10`. `docs/periods.md` shows what is read and what is refused.
//!
//! A text is split into pieces, each of which must be understood; the pieces are put together into the periods of the
//! kind that is wanted which the text can mean. One is an answer, none and more than one are refusals.

use chrono::NaiveDate;

use super::{Calendar, FULL_MONTHS, MONTHS, Period, PeriodKind, TERMS, follows};

/// Why a spelling names no period of the kind that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Misspelt {
    /// It names none at all.
    Nothing,
    /// It names one of another kind.
    OtherKind,
    /// It names one year, and two are needed.
    OneYear,
    /// It is a day.
    Day,
    /// It names years that do not follow on, from the first to the last.
    YearsApart(i32, i32),
    /// It is a month in figures that could be something else: the month.
    Month(Period),
    /// It can mean each of these.
    Ambiguous(Vec<Period>),
    /// Its months are not those of the part of the year that it names.
    MonthsDisagree,
}

/// What is between one piece of a text and the piece before it, apart from spaces and brackets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    Nothing,
    Slash,
    Dash,
    Other,
}

/// A number in a spelling.
#[derive(Clone, Copy, Debug)]
struct Number {
    value: i32,
    /// How many digits it is written with.
    digits: usize,
    mark: Mark,
}

/// What a piece of a text says.
#[derive(Clone, Copy, Debug)]
enum Said {
    Number(Number),
    /// `3rd`, `third`.
    Ordinal(i32),
    Calendar(Calendar),
    Part(PartWord),
    /// A school term by its season, from 1.
    Season(i32),
    /// A month, from 1.
    Month(i32),
    /// The word `year`, which says nothing by itself.
    Year,
    To,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PartWord {
    Quarter,
    Half,
    /// A term by its number in the school year.
    Term,
    /// A term by its season, which lies within one calendar year.
    Season,
}

impl PartWord {
    /// How many there are in a year.
    fn most(self) -> i32 {
        match self {
            Self::Quarter => 4,
            Self::Half => 2,
            Self::Term | Self::Season => 3,
        }
    }

    /// Whether periods of a kind are called this.
    fn fits(self, kind: PeriodKind) -> bool {
        match self {
            Self::Quarter => matches!(kind, PeriodKind::FinancialQuarter | PeriodKind::CalendarQuarter),
            Self::Half => kind == PeriodKind::FinancialHalf,
            Self::Term | Self::Season => kind == PeriodKind::AcademicTerm,
        }
    }
}

/// A month of a year, each from 1.
type MonthOf = (i32, i32);

/// The pieces of a period in everyday spelling.
#[derive(Debug, Default)]
pub(super) struct Spelling {
    /// Whose year it says it is.
    calendar: Option<Calendar>,
    part: Option<(PartWord, i32)>,
    /// The months that are named, from 1, each with how many numbers are before it.
    months: Vec<(i32, usize)>,
    numbers: Vec<Number>,
    /// Whether it says `to`: `2009 to 2011`, `April to June`.
    to: bool,
}

/// The period of a kind that a text means.
///
/// # Errors
/// [`Misspelt`], if it means none, or could mean more than one.
pub(super) fn read(text: &str, kind: PeriodKind) -> Result<Period, Misspelt> {
    let Some((outside, inside)) = said_twice(text) else { return Spelling::of(text)?.read(kind) };
    let (outside, inside) = (Spelling::of(&outside)?.read(kind)?, Spelling::of(inside)?.read(kind)?);
    if outside == inside { Ok(outside) } else { Err(Misspelt::MonthsDisagree) }
}

/// The month that a text in figures could mean as well as a year: `2009-10`, `09/10`. `2009/10` is always a year.
pub(super) fn month_in_figures(text: &str) -> Option<Period> {
    Spelling::of(text).ok()?.month_in_figures()
}

/// What is outside and inside the brackets, where each names a year: `Quarter 4 2009/10 (January to March 2010)`.
fn said_twice(text: &str) -> Option<(String, &str)> {
    let (before, rest) = text.split_once('(')?;
    let (inside, after) = rest.split_once(')')?;
    let has_year = |text: &str| text.as_bytes().windows(2).any(|two| two.iter().all(u8::is_ascii_digit));
    let outside = format!("{before} {after}");
    (has_year(&outside) && has_year(inside)).then_some((outside, inside))
}

impl Spelling {
    fn of(text: &str) -> Result<Self, Misspelt> {
        let mut spelling = Self::default();
        // A part whose number is to follow, and a number whose part is.
        let (mut begun, mut ordinal) = (None, None);
        for (said, mark) in pieces(text).ok_or(Misspelt::Nothing)? {
            match (begun.take(), said) {
                (Some(part), Said::Number(Number { value, digits: 1, .. })) => spelling.set_part(part, value)?,
                (Some(PartWord::Half), Said::Year) => begun = Some(PartWord::Half),
                // `Summer term 2009/10` says all there is to say without the word.
                (None | Some(PartWord::Term), said) => match (ordinal.take(), said) {
                    (Some(number), Said::Part(part)) => spelling.set_part(part, number)?,
                    (Some(day), Said::Month(_)) => {
                        spelling.numbers.push(Number { value: day, digits: 2, mark: Mark::Nothing });
                        spelling.take(said, mark)?;
                    }
                    (None, Said::Part(part)) => begun = Some(part),
                    (None, Said::Ordinal(number)) => ordinal = Some(number),
                    (None, said) => spelling.take(said, mark)?,
                    (Some(_), _) => return Err(Misspelt::Nothing),
                },
                (Some(_), _) => return Err(Misspelt::Nothing),
            }
        }
        let whole = begun.is_none_or(|part| part == PartWord::Term) && ordinal.is_none();
        let to_something = !spelling.to || spelling.months.len() == 2 || spelling.is_years_to_years();
        if whole && to_something { Ok(spelling) } else { Err(Misspelt::Nothing) }
    }

    fn set_part(&mut self, part: PartWord, number: i32) -> Result<(), Misspelt> {
        let fits = (1..=part.most()).contains(&number);
        if !fits || self.part.replace((part, number)).is_some() { Err(Misspelt::Nothing) } else { Ok(()) }
    }

    /// Takes in what a piece says.
    fn take(&mut self, said: Said, mark: Mark) -> Result<(), Misspelt> {
        match said {
            Said::Number(number) if self.numbers.len() < 4 => self.numbers.push(number),
            Said::Calendar(calendar) => {
                if self.calendar.replace(calendar).is_some_and(|before| before != calendar) {
                    return Err(Misspelt::Nothing);
                }
            }
            Said::Season(term) => self.set_part(PartWord::Season, term)?,
            Said::Month(month) => {
                // `Apr, Jun 2009` are two months, and no quarter.
                let goes_on = match self.months.as_slice() {
                    [] => true,
                    [_] => self.to || mark == Mark::Dash,
                    _ => false,
                };
                if !goes_on {
                    return Err(Misspelt::Nothing);
                }
                self.months.push((month, self.numbers.len()));
            }
            Said::Year => {}
            Said::To if !self.to && (self.months.len() == 1 || !self.numbers.is_empty()) => self.to = true,
            _ => return Err(Misspelt::Nothing),
        }
        Ok(())
    }

    fn read(&self, kind: PeriodKind) -> Result<Period, Misspelt> {
        if self.is_day() {
            return Err(Misspelt::Day);
        }
        if self.numbers.is_empty() {
            return Err(Misspelt::Nothing);
        }
        let in_figures = self.month_in_figures().filter(|_| kind == PeriodKind::Month);
        if let Some((first, last)) = self.years_together().filter(|_| in_figures.is_none()) {
            return Err(Misspelt::YearsApart(first, last));
        }
        let own = kind.calendar();
        if self.months.is_empty() {
            if self.calendar.is_some() && self.calendar != own {
                return Err(Misspelt::OtherKind);
            }
            return if kind == PeriodKind::Month { self.read_month() } else { self.read_part(kind) };
        }
        // The months of a financial or academic year can be read under any calendar that has none of its own.
        let of_a_pair = self.numbers.len() == 2 && matches!(own, None | Some(Calendar::Calendar));
        if self.calendar.is_some() && self.calendar != own && !of_a_pair {
            return Err(Misspelt::OtherKind);
        }
        let mut periods = self.periods_of_months(kind)?;
        if let Some((word, number)) = self.part {
            if !word.fits(kind) {
                return Err(Misspelt::OtherKind);
            }
            periods.retain(|period| period.part() + 1 == number);
            if periods.is_empty() {
                return Err(Misspelt::MonthsDisagree);
            }
        }
        match periods.as_slice() {
            [] => Err(Misspelt::OtherKind),
            [period] => Ok(*period),
            _ => Err(Misspelt::Ambiguous(periods)),
        }
    }

    /// A period by its year and, if it is part of one, its number or season.
    fn read_part(&self, kind: PeriodKind) -> Result<Period, Misspelt> {
        let of_kind = self.part.map_or(kind.per_year() == 1, |(word, _)| word.fits(kind));
        let (year, is_pair) = match self.numbers.as_slice() {
            [one] => {
                if let (PeriodKind::AcademicTerm, Some((PartWord::Season, term))) = (kind, self.part) {
                    let year = whole_year(*one).ok_or(Misspelt::Nothing)?;
                    let begins = if term == 1 { year } else { year - 1 };
                    return Period::new(kind, begins, term - 1).ok_or(Misspelt::Nothing);
                }
                if one.digits != 4 {
                    return Err(Misspelt::Nothing);
                }
                (one.value, false)
            }
            [first, second] => (self.pair(*first, *second)?, true),
            _ => return Err(Misspelt::Nothing),
        };
        let wants_pair = kind.calendar() != Some(Calendar::Calendar);
        if of_kind && wants_pair && !is_pair && matches!(self.part, Some((PartWord::Term, _))) {
            return Err(Misspelt::OneYear);
        }
        if !of_kind || wants_pair != is_pair {
            return Err(Misspelt::OtherKind);
        }
        Period::new(kind, year, self.part.map_or(0, |(_, number)| number - 1)).ok_or(Misspelt::Nothing)
    }

    /// Whether it is a day: `01/04/2010`, `2010-04-01`, `1 Apr 2010`, `10-Jun`.
    fn is_day(&self) -> bool {
        let short = |number: &Number| number.digits <= 2 && (1..=31).contains(&number.value);
        let year = |number: &Number| number.digits == 4 || number.digits == 2;
        match (self.numbers.as_slice(), self.months.as_slice()) {
            ([first, second, last], []) => {
                (short(first) && short(second) && year(last)) || (first.digits == 4 && short(second) && short(last))
            }
            ([day, last], [(_, 1)]) => short(day) && year(last),
            ([day], [(_, 1)]) => short(day),
            _ => false,
        }
    }

    /// Whether it says nothing but years with `to` between them.
    fn is_years_to_years(&self) -> bool {
        self.months.is_empty() && self.numbers.len() >= 2
    }

    /// The first and the last of several years taken together: `2009-12`, `2009/10-2011/12`, `2009 to 2011`.
    fn years_together(&self) -> Option<(i32, i32)> {
        const MOST: i32 = 30;
        if !self.months.is_empty() {
            return None;
        }
        let first = whole_year(*self.numbers.first()?)?;
        let last = self.numbers.last()?;
        let last = match last.digits {
            4 => last.value,
            2 => first - first.rem_euclid(100) + last.value,
            _ => return None,
        };
        // `1999-02` goes into the next century.
        let last = if last < first { last + 100 } else { last };
        let several = match self.numbers.as_slice() {
            [_] => false,
            [first, second] => self.to || (first.digits == 4 && second.joins_years()),
            [one, second, third, fourth] => second.joins_years() && fourth.joins_years() && one.digits == third.digits,
            numbers => numbers.iter().all(|number| number.digits == 4),
        };
        let fewest = if self.to { 1 } else { 2 };
        (several && (fewest..=MOST).contains(&(last - first))).then_some((first, last))
    }

    /// The year that a pair of years begins in.
    fn pair(&self, first: Number, second: Number) -> Result<i32, Misspelt> {
        if !second.joins_years() {
            return Err(Misspelt::Nothing);
        }
        match (first.digits, second.digits) {
            // `06/2010` and `2010-6` are months.
            (1 | 2, 4) | (_, 1) if self.part.is_none() => Err(Misspelt::OtherKind),
            (4, 2 | 4) if follows(first.value, second.value) => Ok(first.value),
            (4, 2) if self.month_in_figures().is_some() => Err(Misspelt::OtherKind),
            (4, 2 | 4) => Err(Misspelt::YearsApart(first.value, second.value)),
            (2, 2) => {
                let year = whole_year(first).ok_or(Misspelt::Nothing)?;
                if follows(year, second.value) { Ok(year) } else { Err(Misspelt::Nothing) }
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
            [month, year] if year.digits == 4 && month.digits <= 2 => {
                let part = Some(month.value - 1).filter(|part| (0..12).contains(part));
                part.and_then(|part| Period::new(PeriodKind::Month, year.value, part)).ok_or(Misspelt::Nothing)
            }
            [year, next] if year.digits == 4 && self.pair(*year, *next).is_ok() => {
                self.month_in_figures().map_or(Err(Misspelt::OtherKind), |month| Err(Misspelt::Month(month)))
            }
            // `2010-6`, `2010/06`; of `2009.1` nobody knows what a spreadsheet made it from.
            [year, month] if year.digits == 4 && month.digits <= 2 && month.joins_years() => {
                let month = Period::new(PeriodKind::Month, year.value, month.value - 1);
                Err(month.map_or(Misspelt::Nothing, Misspelt::Month))
            }
            [year] if year.digits == 4 => Err(Misspelt::OtherKind),
            _ => Err(Misspelt::Nothing),
        }
    }

    fn month_in_figures(&self) -> Option<Period> {
        let bare = self.calendar.is_none() && self.part.is_none() && self.months.is_empty() && !self.to;
        let month = |year: Number, month: Number| {
            let part = Some(month.value - 1).filter(|part| month.digits <= 2 && (0..12).contains(part))?;
            Period::new(PeriodKind::Month, whole_year(year)?, part)
        };
        match self.numbers.as_slice() {
            [year, second] if bare && year.digits == 4 && second.mark == Mark::Dash => month(*year, *second),
            [first, year] if bare && first.digits <= 2 && year.digits == 2 => month(*year, *first),
            _ => None,
        }
    }

    /// The periods of a kind that run from the first month named to the last, each once.
    fn periods_of_months(&self, kind: PeriodKind) -> Result<Vec<Period>, Misspelt> {
        let mut periods: Vec<Period> = Vec::new();
        for (from, to) in self.spans(kind)? {
            let period = period_of_span(kind, from, to).filter(|period| !periods.contains(period));
            periods.extend(period);
        }
        Ok(periods)
    }

    /// From which month of which year to which the text can mean.
    fn spans(&self, kind: PeriodKind) -> Result<Vec<(MonthOf, MonthOf)>, Misspelt> {
        let year = |number: Number| whole_year(number).ok_or(Misspelt::Nothing);
        let (first, last) = match self.months.as_slice() {
            [month] => (*month, *month),
            [first, last] => (*first, *last),
            _ => return Err(Misspelt::Nothing),
        };
        let (from, to) = (first.0, last.0);
        match (self.numbers.as_slice(), (first.1, last.1)) {
            ([one], _) => {
                let year = year(*one)?;
                if from <= to {
                    return Ok(vec![((year, from), (year, to))]);
                }
                // Of `Oct-Mar 2010` it is unclear which of the two the year is.
                Ok(vec![((year - 1, from), (year, to)), ((year, from), (year + 1, to))])
            }
            // `Apr 2009 - Mar 2010`, `2009 Apr - 2010 Mar`
            ([one, other], (0, 1) | (1, 2)) => Ok(vec![((year(*one)?, from), (year(*other)?, to))]),
            // `Apr-Jun 2009/10`, `2009/10 Apr-Jun`
            ([one, other], (0, 0) | (2, 2)) => {
                let begins = self.pair(*one, *other)?;
                if self.calendar == Some(Calendar::Calendar) {
                    return Err(Misspelt::OtherKind);
                }
                let calendars = self.calendar.or(kind.calendar().filter(|own| *own != Calendar::Calendar));
                let calendars = calendars.map_or(vec![Calendar::Financial, Calendar::Academic], |one| vec![one]);
                let spans = calendars.into_iter().map(|calendar| {
                    let first_month = PeriodKind::year_of(calendar).first_month(0) + 1;
                    let in_year = |month: i32| (if month >= first_month { begins } else { begins + 1 }, month);
                    (in_year(from), in_year(to))
                });
                Ok(spans.filter(|(from, to)| from <= to).collect())
            }
            _ => Err(Misspelt::Nothing),
        }
    }
}

impl Number {
    /// Whether what is before it makes it the second of a pair of years.
    fn joins_years(self) -> bool {
        matches!(self.mark, Mark::Slash | Mark::Dash)
    }
}

/// The period of a kind that runs from one month to another, both included.
fn period_of_span(kind: PeriodKind, from: MonthOf, to: MonthOf) -> Option<Period> {
    let day = |(year, month): MonthOf| NaiveDate::from_ymd_opt(year, u32::try_from(month).ok()?, 1);
    let (from, to) = (day(from)?, day(to)?);
    let last = Period::holding(PeriodKind::Month, to)?;
    Period::holding(kind, from).filter(|period| period.start() == from && period.end() == last.end())
}

/// A year in two or four digits; of two, those up to 79 are ours.
fn whole_year(number: Number) -> Option<i32> {
    match number.digits {
        4 => Some(number.value),
        2 => Some(if number.value < 80 { 2000 + number.value } else { 1900 + number.value }),
        _ => None,
    }
}

/// The words and numbers of a text with what is before each; `None` if something in it is not understood: a word, or
/// marks at its ends, doubled or in brackets that do not close.
fn pieces(text: &str) -> Option<Vec<(Said, Mark)>> {
    let mut texts: Vec<(String, Mark)> = Vec::new();
    let (mut mark, mut in_brackets, mut joined) = (Mark::Nothing, false, false);
    let small = text.trim().to_lowercase();
    let mut chars = small.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            'a'..='z' | '0'..='9' => {
                let alike = |last: char| last.is_ascii_digit() == char.is_ascii_digit();
                match texts.last_mut().filter(|_| joined) {
                    Some((last, _)) if last.chars().next_back().is_some_and(alike) => last.push(char),
                    _ => texts.push((char.into(), std::mem::replace(&mut mark, Mark::Nothing))),
                }
                joined = true;
                continue;
            }
            '(' if !in_brackets && mark == Mark::Nothing => in_brackets = true,
            ')' if in_brackets && mark == Mark::Nothing => in_brackets = false,
            // `Jun '10`
            '\'' | '’' if chars.peek().is_some_and(char::is_ascii_digit) => {}
            blank if blank.is_whitespace() => {}
            _ if texts.is_empty() || mark != Mark::Nothing => return None,
            '/' => mark = Mark::Slash,
            // Word and Excel make a dash of what was typed as a hyphen.
            '-' | '–' | '—' | '‑' | '_' => mark = Mark::Dash,
            ',' | '.' | ';' | ':' => mark = Mark::Other,
            _ => return None,
        }
        joined = false;
    }
    if in_brackets || mark != Mark::Nothing {
        return None;
    }
    understood(&texts)
}

/// What each word and number says; `3` and `rd` are one.
fn understood(texts: &[(String, Mark)]) -> Option<Vec<(Said, Mark)>> {
    let mut said = Vec::new();
    let mut texts = texts.iter().peekable();
    while let Some((text, mark)) = texts.next() {
        let mark = *mark;
        let Ok(value) = text.parse::<i32>() else {
            said.push((word(text)?, mark));
            continue;
        };
        let ordinal = texts.next_if(|(next, mark)| *mark == Mark::Nothing && *next == suffix(value));
        let number = Number { value, digits: text.len(), mark };
        said.push((if ordinal.is_some() { Said::Ordinal(value) } else { Said::Number(number) }, mark));
    }
    Some(said)
}

/// What makes an ordinal of a number: `st` of 1.
fn suffix(number: i32) -> &'static str {
    match (number % 100, number % 10) {
        (11..=13, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    }
}

/// What a word says.
fn word(word: &str) -> Option<Said> {
    const ORDINALS: [&str; 4] = ["first", "second", "third", "fourth"];
    const NUMBERS: [&str; 4] = ["one", "two", "three", "four"];
    let place = |names: &[&str]| {
        let place = names.iter().position(|name| name.eq_ignore_ascii_case(word))?;
        i32::try_from(place + 1).ok()
    };
    Some(match word {
        "fy" | "financial" => Said::Calendar(Calendar::Financial),
        "ay" | "academic" | "school" => Said::Calendar(Calendar::Academic),
        "cy" | "calendar" => Said::Calendar(Calendar::Calendar),
        "q" | "qtr" | "quarter" => Said::Part(PartWord::Quarter),
        "h" | "half" => Said::Part(PartWord::Half),
        "t" | "term" => Said::Part(PartWord::Term),
        "year" => Said::Year,
        "to" => Said::To,
        "sept" => Said::Month(9),
        _ => {
            let month = place(&MONTHS).or_else(|| place(&FULL_MONTHS)).map(Said::Month);
            let season = place(&TERMS).map(Said::Season);
            let number = place(&NUMBERS).map(|value| Said::Number(Number { value, digits: 1, mark: Mark::Nothing }));
            month.or(season).or_else(|| place(&ORDINALS).map(Said::Ordinal)).or(number)?
        }
    })
}
