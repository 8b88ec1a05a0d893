//! Readings: the figure reported for one KPI, period and group (docs/rules.md sections 1 and 3).

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::check::check_text;
use super::document::{Given, parse_given};
use super::forecast::is_total;
use super::ids::Subject;
use super::invalid::Invalid;
use super::kpi::{Formula, Kpi, Unit};
use super::number::Figure;
use super::observed::Observed;
use super::period::Period;
use super::policy::Status;
use super::warning::Acknowledged;
use crate::document;

document! {
    /// A figure as it is reported.
    #[schema(description = "A figure as it is reported: a `value`, or a `numerator` and a `denominator`, or a `nil_return` that says why there is none.")]
    pub struct ReportedFigure / FirstReading / ReadingDraft {
        /// The figure, in the KPI's unit. Beside a numerator and denominator it must agree with them, unless the KPI is
        /// standardised.
        #[schema(example = 4.5)]
        value: Option<Figure> = None,
        /// What is counted.
        #[schema(example = 231)]
        numerator: Option<Figure> = None,
        /// Over what it is counted; not zero.
        #[schema(example = 5120)]
        denominator: Option<Figure> = None,
        /// Whether the figure may still change; `false` for a first reading that does not say.
        provisional: bool = false,
        /// Why there is no figure: a declared nil return; 1 to 400 characters.
        #[schema(min_length = 1, max_length = 400, example = "School census not yet released")]
        nil_return: Option<String> = None,
        /// The status that the named partner determined; only for KPIs whose formula is `partner_determined`.
        status: Option<Status> = None,
        /// What readers should know about the figure; at most 4,000 characters.
        #[schema(max_length = 4000, example = "Activity of 97 % of the cohort is known.")]
        commentary: Option<String> = None,
        /// Why it replaces an earlier figure: about this change, and never carried over; at most 2,000 characters.
        #[schema(max_length = 2000, example = "Late returns from two colleges.")]
        reason: Option<String> = None,
        /// The figure that the sub-group itself expects at the year's end, in the KPI's unit; of an in-period count, the year's
        /// total.
        #[schema(example = 4.2)]
        forecast: Option<Figure> = None,
        /// The codes of warnings that you have seen and confirm: they are not repeated for this figure.
        #[schema(value_type = Vec<String>, example = json!([]))]
        acknowledged: Acknowledged = Acknowledged::default(),
    }
}

/// What is wrong with half a fraction.
pub const DENOMINATOR_NEEDED: &str = "a numerator needs its denominator";
/// What is wrong with the other half.
pub const NUMERATOR_NEEDED: &str = "a denominator needs its numerator";

/// The members that are one figure together.
const FIGURE: [&str; 4] = ["value", "numerator", "denominator", "nil_return"];

/// What somebody said, laid over the stored reading.
#[derive(Clone, Debug, PartialEq)]
pub struct LaidOver {
    /// What the reading says then.
    pub figure: ReportedFigure,
    /// Whether the figure itself stays as it is, so that only what is said beside it can change.
    pub stays: bool,
}

/// What a settled reading says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Settled {
    /// The exact figure; `None` for a nil return, or a partner's status without a figure.
    pub value: Option<Figure>,
    /// What was counted, if that was given.
    pub numerator: Option<Figure>,
    /// Over what, if that was given.
    pub denominator: Option<Figure>,
}

impl ReportedFigure {
    /// Reads a figure of a KPI from the members of a JSON object, and which of them were given. A value may have more
    /// digits than can be posted if what it follows from is beside it: this service and spreadsheets work it out to
    /// more.
    ///
    /// # Errors
    /// Everything that is wrong with its shape.
    pub fn read(mut members: Map<String, Value>, kpi: &Kpi) -> Result<(Self, Given), Invalid> {
        let is_there = |member: &str| members.get(member).is_some_and(|member| !member.is_null());
        let follows = !kpi.standardised && is_there("numerator") && is_there("denominator");
        let value = members.get("value").filter(|value| follows && value.is_number()).map(Value::to_string);
        let short = value.filter(|value| value.parse::<Figure>().is_err());
        if let Some(short) = short.and_then(|value| Figure::nearest_writable(&value))
            && let Ok(short) = serde_json::to_value(short)
        {
            members.insert("value".to_owned(), short);
        }
        parse_given(members)
    }

    /// Whether any of these members gives the figure itself.
    pub fn is_given(given: &Given) -> bool {
        given.has_any(&FIGURE)
    }

    /// Lays what somebody said over the stored reading: a member that was not given leaves what is there.
    ///
    /// `value`, `numerator`, `denominator` and `nil_return` are one figure. Giving any of them replaces all of them,
    /// but that a value which is exactly the stored one leaves the numerator and denominator behind it. A nil return
    /// removes the status that a partner determined, and such a status takes the place of a nil return.
    ///
    /// Over 231 of 5120: `{"value": 4.6}` leaves no numerator, `{"commentary": "…"}` leaves 231 of 5120.
    #[must_use]
    pub fn over(&self, given: &Given, standing: &Self) -> LaidOver {
        // Named, so that the compiler asks what becomes of a member that is added. A reason and what is acknowledged are about
        // this change alone.
        let Self {
            value: _,
            numerator: _,
            denominator: _,
            provisional: _,
            nil_return: _,
            status: _,
            commentary: _,
            reason: _,
            forecast: _,
            acknowledged: _,
        } = self;
        let mut figure = self.clone();
        let says_one =
            self.value.is_some() || self.numerator.is_some() || self.denominator.is_some() || self.nil_return.is_some();
        let repeats = self.value.is_some()
            && self.value == standing.value
            && !given.has_any(&["numerator", "denominator", "nil_return"]);
        if !says_one || repeats {
            let unless_cleared = |member, stands: Option<Figure>| stands.filter(|_| repeats || !given.has(member));
            figure.value = unless_cleared("value", standing.value);
            figure.numerator = unless_cleared("numerator", standing.numerator);
            figure.denominator = unless_cleared("denominator", standing.denominator);
            let ended = given.has("nil_return") || self.status.is_some();
            figure.nil_return = standing.nil_return.clone().filter(|_| !ended);
        }
        if !given.has("status") && self.nil_return.is_none() {
            figure.status = standing.status;
        }
        if !given.has("provisional") {
            figure.provisional = standing.provisional;
        }
        if !given.has("commentary") {
            figure.commentary.clone_from(&standing.commentary);
        }
        if !given.has("forecast") {
            figure.forecast = standing.forecast;
        }
        let numbers = |one: &Self| (one.value, one.numerator, one.denominator);
        let says_anything = figure.value.is_some() || figure.nil_return.is_some() || figure.status.is_some();
        let stays = !says_one
            && says_anything
            && numbers(&figure) == numbers(standing)
            && figure.nil_return == standing.nil_return;
        LaidOver { figure, stays }
    }

    /// The exact figure and what it was counted from.
    pub fn settled(&self) -> Settled {
        Settled { value: self.value, numerator: self.numerator, denominator: self.denominator }
    }

    /// The same for a reader from whom its figures and words are withheld.
    #[must_use]
    pub fn withheld(&self) -> Self {
        // Named one by one, so that a member that is added is not disclosed because nobody thought of it here.
        Self {
            value: None,
            numerator: None,
            denominator: None,
            provisional: self.provisional,
            nil_return: None,
            status: None,
            commentary: None,
            reason: None,
            forecast: None,
            acknowledged: Acknowledged::default(),
        }
    }

    /// The figure as an assessment sees it: posted by somebody, at a moment, under a version of the KPI's definition.
    pub fn observed(&self, definition_version: i32, recorded_by: &Subject, recorded_at: DateTime<Utc>) -> Observed {
        Observed {
            value: self.value,
            numerator: self.numerator,
            denominator: self.denominator,
            provisional: self.provisional,
            nil_return: self.nil_return.is_some(),
            determined: self.status,
            recorded_by: recorded_by.clone(),
            recorded_at,
            first_recorded_at: recorded_at,
            definition_version,
            stated_forecast: self.forecast,
            commentary: self.commentary.as_deref().map(Arc::from),
            restatement: None,
            acknowledged: self.acknowledged,
            computed: None,
        }
    }

    /// Checks what is said beside a figure that stays as it is, which is not judged again.
    ///
    /// # Errors
    /// Everything that is wrong, each at its member.
    pub fn settle_beside(&self, kpi: &Kpi, period: Option<Period>, stays: Settled) -> Result<Settled, Invalid> {
        self.beside(kpi, period).or(stays)
    }

    /// Checks the figure against the KPI's definition and computes its value. Of a period that cannot be read, all is judged
    /// that does not depend on it.
    ///
    /// # Errors
    /// Everything that is wrong, each at its member.
    pub fn settle(&self, kpi: &Kpi, period: Option<Period>) -> Result<Settled, Invalid> {
        let mut invalid = self.beside(kpi, period);
        let settled = self.figure(kpi, &mut invalid);
        // If its fraction makes none, the value beside it is judged by itself.
        if let Some(value) = settled.value.or(self.value.filter(|_| self.nil_return.is_none())) {
            check_valid(kpi, value, &mut invalid);
        }
        invalid.or(settled)
    }

    /// What is wrong with all that is said beside the figure.
    fn beside(&self, kpi: &Kpi, period: Option<Period>) -> Invalid {
        let mut invalid = self.texts();
        if let Some(period) = period.filter(|period| !kpi.in_force(*period)) {
            invalid.at("/period", "not_in_force", format!("{} is not in force in {}", kpi.code, period.label()));
        }
        match &kpi.formula {
            Formula::Gap { of, .. } => {
                invalid.at(
                    "/value",
                    "computed_never_posted",
                    format!("{} is computed from the groups of {of}; post those", kpi.code),
                );
            }
            Formula::PartnerDetermined { .. } => {
                if self.status == Some(Status::NotAssessed) {
                    invalid.at(
                        "/status",
                        "not_a_grade",
                        "a partner determines on_track, at_risk or off_track; leave it out while it is not set",
                    );
                }
            }
            Formula::Direct {} => {
                if self.status.is_some() {
                    invalid.at(
                        "/status",
                        "computed_never_posted",
                        format!("the status of {} is computed from its figure; leave `status` out", kpi.code),
                    );
                }
            }
        }
        // The valid range is that of one period's figure, and a year's total may pass it.
        let could_be = |forecast: Figure| {
            if is_total(kpi) { kpi.lowest().is_none_or(|least| forecast >= least) } else { kpi.may_be(forecast) }
        };
        if let Some(forecast) = self.forecast.filter(|forecast| !could_be(*forecast)) {
            let words = kpi.in_full_words(forecast);
            invalid.at("/forecast", "out_of_range", format!("{words} lies outside the KPI's valid range"));
        }
        invalid
    }

    /// What is wrong with the words, whatever KPI they are about.
    pub fn texts(&self) -> Invalid {
        let mut invalid = Invalid::new();
        for (pointer, text, least, most) in [
            ("/nil_return", &self.nil_return, 1, 400),
            ("/commentary", &self.commentary, 0, 4000),
            ("/reason", &self.reason, 0, 2000),
        ] {
            if let Some(text) = text {
                check_text(&mut invalid, pointer, text, least, most);
            }
        }
        invalid
    }

    fn figure(&self, kpi: &Kpi, invalid: &mut Invalid) -> Settled {
        let given = self.value.is_some() || self.numerator.is_some() || self.denominator.is_some();
        if self.nil_return.is_some() {
            if given {
                invalid.at(
                    "/nil_return",
                    "figure_and_nil_return",
                    "a nil return says that there is no figure; give one or the other",
                );
            }
            return Settled::default();
        }
        match (self.numerator, self.denominator) {
            (Some(numerator), Some(denominator)) => {
                let is_fraction = check_fraction(kpi, numerator, denominator, invalid);
                let value = match (is_fraction, kpi.standardised) {
                    (false, _) => None,
                    (true, false) => self.quotient(kpi, numerator, denominator, invalid),
                    (true, true) => self.adjusted(kpi, invalid),
                };
                Settled { value, numerator: Some(numerator), denominator: Some(denominator) }
            }
            (Some(_), None) => {
                invalid.at("/denominator", "missing", DENOMINATOR_NEEDED);
                Settled::default()
            }
            (None, Some(_)) => {
                invalid.at("/numerator", "missing", NUMERATOR_NEEDED);
                Settled::default()
            }
            (None, None) => {
                let may_be_without = matches!(kpi.formula, Formula::PartnerDetermined { .. } | Formula::Gap { .. });
                if self.value.is_none()
                    && !(may_be_without && self.status.is_some())
                    && !matches!(kpi.formula, Formula::Gap { .. })
                {
                    invalid.at(
                        "/value",
                        "missing",
                        "give `value`, or `numerator` and `denominator`, or say in `nil_return` why there is no figure",
                    );
                }
                Settled { value: self.value, ..Settled::default() }
            }
        }
    }

    /// The value of a standardised KPI, which does not follow from its fraction.
    fn adjusted(&self, kpi: &Kpi, invalid: &mut Invalid) -> Option<Figure> {
        if self.value.is_none() {
            let detail = format!(
                "{} is standardised, so its value does not follow from numerator and denominator; give `value` as well",
                kpi.code
            );
            invalid.at("/value", "missing", detail);
        }
        self.value
    }

    fn quotient(&self, kpi: &Kpi, numerator: Figure, denominator: Figure, invalid: &mut Invalid) -> Option<Figure> {
        let Some(computed) = Figure::ratio(numerator, denominator, kpi.multiplier) else {
            invalid.at("/numerator", "number_too_large", "the figure computed from them is too large");
            return None;
        };
        if let Some(value) = self.value.filter(|value| !agree(kpi, *value, computed)) {
            let what_to_do = match kpi.unit {
                // A published rate is as a rule adjusted for age: without its value a crude rate would stand in its place.
                Unit::Rate | Unit::Ratio | Unit::Score => {
                    "; correct whichever is wrong, or, if the value is standardised (adjusted for age, for example) and not meant to be their quotient, ask a programme manager to set `standardised` on the KPI: then all three are saved"
                }
                _ => "; correct whichever is wrong; if numerator and denominator are right, `value` can be left out",
            };
            let words = kpi.in_words(computed);
            let detail = format!("{numerator} / {denominator} makes {words}, not {value}{what_to_do}");
            invalid.at("/value", "value_disagrees", detail);
        }
        Some(computed)
    }
}

/// Whether a value agrees with what its fraction makes: as it is reported, or to the last of the decimals that can be posted, so
/// that a value which a spreadsheet worked out to fifteen digits agrees however it is rounded.
fn agree(kpi: &Kpi, value: Figure, computed: Figure) -> bool {
    let last_decimal = Figure::ratio(Figure::small(1), Figure::small(1_000_000), 1).unwrap_or_default();
    value.rounded(kpi.decimals) == computed.rounded(kpi.decimals) || (value - computed).abs() < last_decimal
}

/// Whether a numerator and a denominator make a fraction; notes why not.
fn check_fraction(kpi: &Kpi, numerator: Figure, denominator: Figure, invalid: &mut Invalid) -> bool {
    if denominator <= Figure::ZERO {
        invalid.at(
            "/denominator",
            "denominator_not_positive",
            "a denominator is above zero; if there is no one to count, say so in `nil_return`",
        );
        return false;
    }
    // A share of a whole cannot pass it if the KPI says so; if it does not, that is worth a warning.
    let share = kpi.unit == Unit::Percentage && kpi.valid_max.is_some_and(|most| most <= Figure::small(100));
    if share && numerator > denominator {
        invalid.at(
            "/numerator",
            "numerator_above_denominator",
            format!("{numerator} of {denominator} is more than all; were they put the wrong way round?"),
        );
        return false;
    }
    true
}

fn check_valid(kpi: &Kpi, value: Figure, invalid: &mut Invalid) {
    if let Some(least) = kpi.valid_min
        && value < least
    {
        invalid.at(
            "/value",
            "below_valid_range",
            format!("{} is below {least}, the lowest that can be right for {}", kpi.in_words(value), kpi.code),
        );
    } else if value < Figure::ZERO && kpi.valid_min.is_none() && kpi.unit != Unit::PercentagePoints {
        // Section 3: negative figures are legal if the valid range allows them.
        invalid.at(
            "/value",
            "negative_figure",
            format!(
                "{} is negative, and the valid range of {} does not allow negative figures",
                kpi.in_words(value),
                kpi.code
            ),
        );
    }
    if let Some(most) = kpi.valid_max
        && value > most
    {
        invalid.at(
            "/value",
            "above_valid_range",
            format!("{} is above {most}, the highest that can be right for {}", kpi.in_words(value), kpi.code),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Document;
    use crate::kpi::tests::kpi;
    use serde_json::json;

    #[expect(clippy::needless_pass_by_value, reason = "it reads better with json! at the call")]
    fn settle(changes: Value, figure: Value) -> Result<Settled, Vec<&'static str>> {
        let figure = ReportedFigure::parse(figure.as_object().unwrap().clone()).unwrap();
        figure
            .settle(&kpi(changes), Some("FY2009-10-Q1".parse().unwrap()))
            .map_err(|invalid| invalid.violations().iter().map(|violation| violation.code).collect())
    }

    #[test]
    fn a_figure_is_a_value_or_a_fraction() {
        assert_eq!(
            settle(json!({}), json!({"numerator": 231, "denominator": 5120})).unwrap().value.unwrap().to_string(),
            "4.51171875"
        );
        assert_eq!(settle(json!({}), json!({"value": 4.5})).unwrap().value.unwrap().to_string(), "4.5");
        assert_eq!(settle(json!({}), json!({"value": 0})).unwrap().value, Some(Figure::ZERO));
        assert_eq!(settle(json!({}), json!({"nil_return": "none collected"})).unwrap().value, None);
        let beside = settle(json!({}), json!({"value": 4.5, "numerator": 231, "denominator": 5120})).unwrap();
        assert_eq!(beside.value.unwrap().to_string(), "4.51171875");
    }

    #[test]
    fn what_cannot_be_right_is_refused_all_at_once() {
        for (changes, figure, codes) in [
            (json!({}), json!({}), vec!["missing"]),
            (json!({}), json!({"value": 1, "nil_return": "x"}), vec!["figure_and_nil_return"]),
            (json!({}), json!({"numerator": 1}), vec!["missing"]),
            (json!({}), json!({"denominator": 1}), vec!["missing"]),
            (json!({}), json!({"numerator": 1, "denominator": 0}), vec!["denominator_not_positive"]),
            (
                json!({"valid_max": 100}),
                json!({"numerator": 12, "denominator": 10}),
                vec!["numerator_above_denominator"],
            ),
            (json!({}), json!({"value": 5, "numerator": 1, "denominator": 10}), vec!["value_disagrees"]),
            (
                json!({"valid_max": 100}),
                json!({"value": 500, "numerator": 12, "denominator": 10}),
                vec!["numerator_above_denominator", "above_valid_range"],
            ),
            (json!({}), json!({"value": -1}), vec!["negative_figure"]),
            (json!({"valid_min": -10, "valid_max": 10}), json!({"value": -11}), vec!["below_valid_range"]),
            (json!({"valid_max": 10}), json!({"value": 11}), vec!["above_valid_range"]),
            (json!({}), json!({"value": 1, "status": "on_track"}), vec!["computed_never_posted"]),
            (json!({"in_force_from": "2010-01-01"}), json!({"value": 1}), vec!["not_in_force"]),
            (
                json!({"valid_max": 3, "in_force_to": "2008-01-01"}),
                json!({"value": 4, "status": "at_risk", "nil_return": "", "commentary": "x".repeat(4001)}),
                vec!["too_short", "too_long", "not_in_force", "computed_never_posted", "figure_and_nil_return"],
            ),
        ] {
            assert_eq!(settle(changes, figure.clone()).unwrap_err(), codes, "{figure}");
        }
    }

    /// What is said over a stored reading, in short: the reading's members that are there, and whether the figure
    /// stays.
    #[expect(clippy::needless_pass_by_value, reason = "it reads better with json! at the call")]
    fn laid(standing: Value, said: Value) -> (Value, bool) {
        let standing = ReportedFigure::parse(standing.as_object().unwrap().clone()).unwrap();
        let (said, given) = parse_given::<ReportedFigure>(said.as_object().unwrap().clone()).unwrap();
        let LaidOver { figure, stays } = said.over(&given, &standing);
        let mut members = figure.members();
        members.retain(|_, value| !value.is_null() && *value != json!(false) && *value != json!([]));
        (members.into(), stays)
    }

    #[test]
    fn what_is_not_given_leaves_what_is_there() {
        let fraction = json!({"value": 4.5, "numerator": 9, "denominator": 200, "commentary": "Late."});
        let value =
            json!({"value": 4.5, "provisional": true, "forecast": 4.2, "commentary": "Late.", "reason": "Then."});
        for (standing, said, wanted, stays) in [
            // Words only.
            (
                &fraction,
                json!({"commentary": "New."}),
                json!({"value": 4.5, "numerator": 9, "denominator": 200, "commentary": "New."}),
                true,
            ),
            (&fraction, json!({"commentary": null}), json!({"value": 4.5, "numerator": 9, "denominator": 200}), true),
            (&value, json!({"provisional": null}), json!({"value": 4.5, "forecast": 4.2, "commentary": "Late."}), true),
            (
                &value,
                json!({"forecast": null, "reason": "Now."}),
                json!({"value": 4.5, "provisional": true, "commentary": "Late.", "reason": "Now."}),
                true,
            ),
            // Any part of the figure replaces it as a whole.
            (&fraction, json!({"value": 4.6}), json!({"value": 4.6, "commentary": "Late."}), false),
            (
                &value,
                json!({"numerator": 1, "denominator": 4}),
                json!({"numerator": 1, "denominator": 4, "provisional": true, "forecast": 4.2, "commentary": "Late."}),
                false,
            ),
            (&fraction, json!({"nil_return": "Lost."}), json!({"nil_return": "Lost.", "commentary": "Late."}), false),
            (&fraction, json!({"numerator": 10}), json!({"numerator": 10, "commentary": "Late."}), false),
            (&json!({"nil_return": "Lost."}), json!({"value": 3}), json!({"value": 3}), false),
            // The stored value is no other figure; without its numbers it is.
            (
                &fraction,
                json!({"value": 4.5}),
                json!({"value": 4.5, "numerator": 9, "denominator": 200, "commentary": "Late."}),
                false,
            ),
            (
                &fraction,
                json!({"value": 4.5, "numerator": null, "denominator": null}),
                json!({"value": 4.5, "commentary": "Late."}),
                false,
            ),
            // What is not there is cleared without a trace; what is, is gone.
            (
                &value,
                json!({"nil_return": null, "numerator": null}),
                json!({"value": 4.5, "provisional": true, "forecast": 4.2, "commentary": "Late."}),
                true,
            ),
            (
                &value,
                json!({"value": null}),
                json!({"provisional": true, "forecast": 4.2, "commentary": "Late."}),
                false,
            ),
            (&json!({"nil_return": "Lost."}), json!({"nil_return": null}), json!({}), false),
            // A partner's status and a nil return take each other's place.
            (&json!({"status": "at_risk"}), json!({"value": 3}), json!({"value": 3, "status": "at_risk"}), false),
            (
                &json!({"status": "at_risk"}),
                json!({"commentary": "x"}),
                json!({"status": "at_risk", "commentary": "x"}),
                true,
            ),
            (&json!({"status": "at_risk"}), json!({"nil_return": "Lost."}), json!({"nil_return": "Lost."}), false),
            (&json!({"nil_return": "Lost."}), json!({"status": "at_risk"}), json!({"status": "at_risk"}), false),
            (&json!({"status": "at_risk"}), json!({"status": null}), json!({}), false),
        ] {
            assert_eq!(laid(standing.clone(), said.clone()), (wanted, stays), "{said} over {standing}");
        }
    }

    #[test]
    fn more_than_all_is_an_error_where_the_valid_range_ends_at_all() {
        for figure in [json!({"value": 115}), json!({"numerator": 115, "denominator": 100})] {
            let settled = settle(json!({}), figure.clone()).unwrap();
            assert_eq!(settled.value.unwrap().to_string(), "115", "{figure}");
            assert!(settle(json!({"valid_max": 100}), figure.clone()).is_err(), "{figure}");
            assert!(settle(json!({"valid_max": 200}), figure.clone()).is_ok(), "{figure}");
        }
    }

    #[test]
    fn a_value_agrees_with_its_fraction_to_the_figures_precision() {
        let beside = |value: &str, numerator: i64, denominator: i64| {
            let figure = ReportedFigure {
                value: Figure::nearest(value, 10),
                numerator: Figure::whole(numerator),
                denominator: Figure::whole(denominator),
                ..ReportedFigure::parse(json!({}).as_object().unwrap().clone()).unwrap()
            };
            figure.settle(&kpi(json!({})), None).map(|settled| settled.value.unwrap().to_string())
        };
        assert_eq!(beside("17.1966228854282", 16_641, 96_769).unwrap(), "17.1966228854");
        assert_eq!(beside("33.3333333333333", 1, 3).unwrap(), "33.3333333333");
        // 4.45 as a double is a little less, and rounds the other way.
        assert_eq!(beside("4.44999999999999", 89, 2_000).unwrap(), "4.45");
        assert_eq!(beside("33.2", 1, 3).unwrap_err().violations()[0].code, "value_disagrees");
    }

    #[test]
    fn a_standardised_rate_is_kept_beside_its_count_and_population() {
        let rate = json!({"unit": "rate", "multiplier": 100_000, "standardised": true});
        let settled = settle(rate.clone(), json!({"value": 506.6, "numerator": 222, "denominator": 42_702})).unwrap();
        let texts = [settled.value, settled.numerator, settled.denominator].map(|part| part.unwrap().to_string());
        assert_eq!(texts, ["506.6", "222", "42702"]);
        assert_eq!(settle(rate.clone(), json!({"value": 506.6})).unwrap().value.unwrap().to_string(), "506.6");
        for (figure, code) in [
            (json!({"numerator": 222, "denominator": 42_702}), "missing"),
            (json!({"value": 506.6, "numerator": 222, "denominator": 0}), "denominator_not_positive"),
            (json!({"value": 506.6, "numerator": 222}), "missing"),
        ] {
            assert_eq!(settle(rate.clone(), figure).unwrap_err(), [code]);
        }
        let crude = kpi(json!({"unit": "rate", "multiplier": 100_000}));
        let figure = json!({"value": 506.6, "numerator": 222, "denominator": 42_702});
        let figure = ReportedFigure::parse(figure.as_object().unwrap().clone()).unwrap();
        let told = figure.settle(&crude, None).unwrap_err().violations()[0].detail.clone();
        assert!(told.contains("set `standardised` on the KPI") && !told.contains("left out"), "{told}");
    }

    #[test]
    fn a_partner_may_determine_a_status_without_a_figure() {
        let determined = json!({"formula": {"kind": "partner_determined", "by": "police"}});
        assert_eq!(settle(determined.clone(), json!({"status": "at_risk"})), Ok(Settled::default()));
        assert_eq!(settle(determined.clone(), json!({"status": "not_assessed"})), Err(vec!["not_a_grade"]));
        assert_eq!(settle(determined, json!({})), Err(vec!["missing"]));
    }

    #[test]
    fn a_gap_is_never_posted() {
        let gap = json!({"formula": {"kind": "gap", "of": "NI-73", "group": "fsm", "comparator": "all"}});
        assert_eq!(settle(gap, json!({"value": 1})), Err(vec!["computed_never_posted"]));
    }
}
