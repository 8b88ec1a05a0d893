//! Words and figures as pages set them. What they say comes from an assessment; here it is only typed: a true minus, no line
//! break before a unit, a day as people write it.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Europe::London;

use crate::domain::assess::{Assessment, DataState, Reason};
use crate::domain::forecast::NoForecast;
use crate::domain::kpi::Polarity;
use crate::domain::policy::Status;
use crate::domain::rollup::{DataStateCounts, Headline};
use crate::domain::travel::NoTravel;
use crate::domain::wording::{capitalised, counted};

/// A text with figures in it, as it is set: a true minus, and no line break between a figure and its unit.
pub(super) fn typed(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let at = |place: usize| chars.get(place).copied();
    let mut set = String::with_capacity(text.len());
    for (place, char) in chars.iter().enumerate() {
        let before = place.checked_sub(1).and_then(at);
        let rest = |from: usize| chars.get(from..).unwrap_or_default();
        let begins = |words: &str| {
            rest(place + 1).iter().copied().zip(words.chars()).filter(|(a, b)| a == b).count() == words.chars().count()
        };
        let is_unit = || begins("%") || begins("day") || begins("per ") || begins("percentage point");
        match char {
            '-' if at(place + 1).is_some_and(|next| next.is_ascii_digit() || next == '£')
                && before.is_none_or(|before| !(before.is_alphanumeric() || before == ')' || before == '-')) =>
            {
                set.push('\u{2212}');
            }
            ' ' if before.is_some_and(|before| before.is_ascii_digit()) && is_unit() => set.push('\u{a0}'),
            other => set.push(*other),
        }
    }
    set
}

/// A figure and its unit, apart: `93.1` and `per 10,000`.
pub(super) fn parts(text: &str) -> (String, String) {
    let set = typed(text);
    match set.split_once('\u{a0}') {
        Some((number, unit)) => (number.to_owned(), unit.to_owned()),
        None => (set, String::new()),
    }
}

/// A target without its unit, with which side of it is wanted: `≤ 4.2`, `10.0 to 15.0`.
pub(super) fn goal(target: &str, polarity: Polarity) -> String {
    if let Some((low, high)) = target.split_once(" to ") {
        return format!("{} to {}", parts(low).0, parts(high).0);
    }
    let sign = match polarity {
        Polarity::HigherIsBetter => "≥ ",
        Polarity::LowerIsBetter => "≤ ",
        Polarity::WithinRange => "≈ ",
        Polarity::None => "",
    };
    format!("{sign}{}", parts(target).0)
}

/// `14 May 2010`.
pub(super) fn day(at: DateTime<Utc>) -> String {
    date(at.with_timezone(&London).date_naive())
}

/// `14 May 2010`.
pub(super) fn date(day: NaiveDate) -> String {
    day.format("%-d %B %Y").to_string()
}

/// `14 May 2010 at 1pm`.
pub(super) fn moment(at: DateTime<Utc>) -> String {
    let at = at.with_timezone(&London);
    let minutes = at.format("%M").to_string();
    let minutes = if minutes == "00" { String::new() } else { format!(":{minutes}") };
    format!("{} at {}{minutes}{}", date(at.date_naive()), at.format("%-I"), at.format("%P"))
}

/// The class of a status: its shape and its colour.
pub(super) fn class(status: Status) -> &'static str {
    match status {
        Status::OnTrack => "on",
        Status::AtRisk => "risk",
        Status::OffTrack => "off",
        Status::NotAssessed => "na",
    }
}

/// `On track`.
pub(super) fn status(status: Status) -> String {
    capitalised(status.words())
}

/// What stands under a status that is none, or that figures did not give.
pub(super) fn reason(one: &Assessment) -> Option<String> {
    Some(match one.reason? {
        Reason::NotApplicable => "not in force in this period".to_owned(),
        Reason::NoReading => "no figure yet".to_owned(),
        Reason::NilReturn => "no figure this time".to_owned(),
        Reason::Suppressed => "withheld".to_owned(),
        Reason::Contextual => "for context, no target".to_owned(),
        Reason::PartnerDetermined => "judged by a partner".to_owned(),
        Reason::AwaitingPartner => "partner has not yet judged".to_owned(),
        Reason::NoTarget => "no target".to_owned(),
        Reason::PlaceholderTarget => "target yet to be agreed".to_owned(),
        Reason::NoProfile => "target is for the whole year".to_owned(),
        Reason::Incomplete => format!("{} so far", one.of.as_deref().unwrap_or("a part")),
        Reason::ZeroTarget => return None,
    })
}

/// The boxed word of a data state, if it is not simply final, and its class.
pub(super) fn flag(state: DataState) -> Option<(&'static str, &'static str)> {
    Some(match state {
        DataState::Final => return None,
        DataState::Provisional => ("provisional", "Provisional"),
        DataState::NilReturn => ("nil_return", "Nil return"),
        DataState::NotDue => ("not_due", "Not due yet"),
        DataState::Awaited => ("awaited", "Awaited"),
        DataState::Overdue => ("overdue", "Overdue"),
        DataState::Suppressed => ("suppressed", "Withheld"),
    })
}

/// What a figure is: `Final`, `Provisional`.
pub(super) fn state(state: DataState) -> &'static str {
    flag(state).map_or("Final", |(_, words)| words)
}

/// Why no direction is given.
pub(super) fn no_travel(why: Option<NoTravel>) -> &'static str {
    match why {
        Some(NoTravel::Cumulative) => "adds up over the year",
        Some(NoTravel::DefinitionChanged) => "definition changed",
        Some(NoTravel::Suppressed) => "withheld",
        Some(NoTravel::NoComparison) | None => "nothing to compare with",
    }
}

/// Why there is no forecast.
pub(super) fn no_forecast(why: Option<NoForecast>) -> &'static str {
    match why {
        Some(NoForecast::YearComplete) => "the year is complete",
        Some(NoForecast::Suppressed) => "withheld",
        Some(NoForecast::NotApplicable) => "not in force",
        Some(NoForecast::PartnerDetermined) => "the partner judges",
        Some(NoForecast::OutOfRange) => "the projection leaves the valid range",
        Some(NoForecast::TooFewReadings) | None => "too few figures to project",
    }
}

/// `38 of 66 assessed KPIs are on track: at risk overall`.
pub(super) fn headline(headline: &Headline, on_track: u32) -> String {
    match headline.assessed {
        0 if headline.total == 0 => "No KPI can be assessed yet: there are none here".to_owned(),
        0 => "No KPI can be assessed yet".to_owned(),
        1 => format!("{on_track} of 1 assessed KPI is on track: {} overall", headline.status.words()),
        assessed => format!("{on_track} of {assessed} assessed KPIs are on track: {} overall", headline.status.words()),
    }
}

/// `66 final, 6 provisional, 2 overdue`: the data states that occur.
pub(super) fn data_states(counts: &DataStateCounts) -> String {
    let all = [
        (counts.r#final, "final"),
        (counts.provisional, "provisional"),
        (counts.overdue, "overdue"),
        (counts.awaited, "awaited"),
        (counts.nil_return, "nil return"),
        (counts.not_due, "not due yet"),
        (counts.suppressed, "withheld"),
    ];
    let said: Vec<String> =
        all.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    said.join(", ")
}

/// `Of 82 KPIs 16 cannot be assessed.`
pub(super) fn coverage(headline: &Headline) -> String {
    let (all, left) = (headline.total, headline.total.saturating_sub(headline.assessed));
    match left {
        0 => format!("{} in all, each of them assessed.", counted(all, "KPI", "KPIs")),
        left => format!("Of {} {left} cannot be assessed.", counted(all, "KPI", "KPIs")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_set_with_a_true_minus_and_stay_with_their_units() {
        for (text, set) in [
            ("4.5 %", "4.5\u{a0}%"),
            ("-4.5 %", "\u{2212}4.5\u{a0}%"),
            ("-£1,200", "\u{2212}£1,200"),
            ("93.1 per 10,000", "93.1\u{a0}per 10,000"),
            ("40 days against a target of 42 days", "40\u{a0}days against a target of 42\u{a0}days"),
            ("NI-117 in 2009-10", "NI-117 in 2009-10"),
            ("from -3 to 5", "from \u{2212}3 to 5"),
            ("", ""),
        ] {
            assert_eq!(typed(text), set, "{text}");
        }
        assert_eq!(parts("24.2 percentage points"), ("24.2".to_owned(), "percentage points".to_owned()));
        assert_eq!(parts("£1,200"), ("£1,200".to_owned(), String::new()));
    }

    #[test]
    fn a_target_states_which_side_is_wanted() {
        assert_eq!(goal("4.2 %", Polarity::LowerIsBetter), "≤ 4.2");
        assert_eq!(goal("9.9", Polarity::LowerIsBetter), "≤ 9.9", "never rounded");
        assert_eq!(goal("95.0 %", Polarity::HigherIsBetter), "≥ 95.0");
        assert_eq!(goal("10.0 % to 15.0 %", Polarity::WithinRange), "10.0 to 15.0");
        assert_eq!(goal("1.00", Polarity::WithinRange), "≈ 1.00");
    }

    #[test]
    fn moments_are_those_of_london() {
        let at = |text: &str| moment(text.parse().unwrap());
        assert_eq!(at("2010-05-14T12:00:00Z"), "14 May 2010 at 1pm");
        assert_eq!(at("2010-01-14T16:30:00Z"), "14 January 2010 at 4:30pm");
        assert_eq!(at("2010-06-30T23:30:00Z"), "1 July 2010 at 12:30am");
        assert_eq!(day("2010-06-30T23:30:00Z".parse().unwrap()), "1 July 2010");
    }
}
