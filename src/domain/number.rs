//! Exact figures (docs/rules.md section 3).
//!
//! A [`Figure`] is a whole number of ten-thousand-millionths held in an `i128`: wide enough that every product the
//! programme needs is exact, so that "exactly on target" means exactly. Nothing here, or above it, is a binary float.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::wording::shown;

/// One, in the units a figure is held in: figures keep ten decimal places.
const ONE: i128 = 10_000_000_000;
/// The same in a machine word.
const ONE_WORD: u64 = 10_000_000_000;
/// The decimal places a figure is held to.
const SCALE: u32 = 10;
/// The most decimal places a person may give.
pub const MAX_DECIMALS: u32 = 6;
/// The most significant digits a person may give: what a JSON client's double carries without loss.
pub const MAX_DIGITS: usize = 15;
/// Every figure is smaller than this: 10^15, in held units.
const LIMIT: i128 = ONE * 1_000_000_000_000_000;

/// An exact decimal of at most ten decimal places and smaller than 10^15 either side of zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Figure(i128);

/// Why a text is no figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// Not written as a decimal number.
    #[error("is not a number; write digits with at most one decimal point, such as 12.5")]
    NotANumber,
    /// More than fifteen significant digits.
    #[error("has more than 15 significant digits; round it")]
    TooManyDigits,
    /// More than six decimal places.
    #[error("has more than 6 decimal places; round it to 6 or fewer")]
    TooManyDecimals,
    /// At or past 10^15.
    #[error("is too large; figures are smaller than 1,000,000,000,000,000")]
    TooLarge,
}

impl NumberError {
    /// The stable name of this fault in an `errors` list.
    pub fn code(self) -> &'static str {
        match self {
            Self::NotANumber => "not_a_number",
            Self::TooManyDigits => "too_many_digits",
            Self::TooManyDecimals => "too_many_decimals",
            Self::TooLarge => "number_too_large",
        }
    }
}

impl Figure {
    /// Nought, which is a figure; a blank is none.
    pub const ZERO: Self = Self(0);

    /// A whole number; `None` at or past 10^15.
    pub fn whole(number: i64) -> Option<Self> {
        Self::within(i128::from(number) * ONE)
    }

    /// One in the last of so many decimal places: 0.1 for one.
    pub fn one_at(decimals: u32) -> Self {
        Self(10_i128.pow(SCALE.saturating_sub(decimals)))
    }

    /// A small whole number, such as a multiplier.
    pub fn small(number: u32) -> Self {
        Self(i128::from(number) * ONE)
    }

    /// `numerator / denominator x multiplier`, held to ten decimal places, half to even (section 3).
    ///
    /// `None` if the denominator is zero or the result is at or past 10^15.
    pub fn ratio(numerator: Self, denominator: Self, multiplier: u32) -> Option<Self> {
        let (over, under) = without_empty_places(numerator, denominator);
        let product = over.checked_mul(i128::from(multiplier))?.checked_mul(ONE)?;
        divide_half_even(product, under).and_then(Self::within)
    }

    /// `self x part / whole` held to ten decimal places, half to even; `None` if `whole` is zero.
    pub fn share(self, part: i64, whole: i64) -> Option<Self> {
        divide_half_even(self.0.checked_mul(i128::from(part))?, i128::from(whole)).and_then(Self::within)
    }

    /// `self x factor` held to ten decimal places, half to even; `None` when it does not fit.
    pub fn times(self, factor: Self) -> Option<Self> {
        divide_half_even(self.0.checked_mul(factor.0)?, ONE).and_then(Self::within)
    }

    /// `self / other x 100`, held to ten decimal places, half to even; `None` if `other` is zero or the result does not
    /// fit.
    pub fn percent_of(self, other: Self) -> Option<Self> {
        divide_half_even(self.0.checked_mul(100)?.checked_mul(ONE)?, other.0).and_then(Self::within)
    }

    /// Compares two ratios `(over, under)` exactly, whatever their size; `under` must be above zero.
    pub fn compare_ratios(one: (Self, Self), other: (Self, Self)) -> Ordering {
        // By Euclid: the whole parts decide, or else what is left over, upside down. A product could leave an i128.
        let ((mut over, mut under), (mut their_over, mut their_under)) = ((one.0.0, one.1.0), (other.0.0, other.1.0));
        loop {
            let (whole, rest) = (over.div_euclid(under), over.rem_euclid(under));
            let (their_whole, their_rest) = (their_over.div_euclid(their_under), their_over.rem_euclid(their_under));
            if whole != their_whole || rest == 0 || their_rest == 0 {
                return whole.cmp(&their_whole).then((rest > 0).cmp(&(their_rest > 0)));
            }
            (over, under, their_over, their_under) = (their_under, their_rest, under, rest);
        }
    }

    /// The distance from zero.
    pub fn abs(self) -> Self {
        Self(self.0.abs())
    }

    /// How many decimal places it is written with: 2 of `0.25`, 10 of a third.
    pub fn decimals(self) -> u32 {
        (0..SCALE).find(|decimals| self.rounded(*decimals) == self).unwrap_or(SCALE)
    }

    /// The sum; `None` at or past 10^15.
    pub fn plus(self, other: Self) -> Option<Self> {
        Self::within(self.0.checked_add(other.0)?)
    }

    /// Rounded half away from zero to `decimals` places.
    pub fn rounded(self, decimals: u32) -> Self {
        let unit = 10_i128.pow(SCALE.saturating_sub(decimals));
        let half = unit / 2;
        let away = if self.0 >= 0 { self.0 + half } else { self.0 - half };
        Self(away / unit * unit)
    }

    /// Written with exactly `decimals` places, rounded half away from zero, as pages and files show it: `4.50`.
    pub fn to_fixed(self, decimals: u32) -> String {
        let rounded = self.rounded(decimals);
        let (sign, whole, fraction) = rounded.written();
        if decimals == 0 {
            return format!("{sign}{whole}");
        }
        let fraction = fraction / 10_u64.pow(SCALE.saturating_sub(decimals));
        format!("{sign}{whole}.{fraction:0width$}", width = usize::try_from(decimals).unwrap_or(0))
    }

    /// Sign, whole part and the ten digits after the point. Every figure's whole part fits, and most figures do
    /// altogether: dividing those in one machine word is what makes a report of a thousand figures quick to write.
    fn written(self) -> (&'static str, u64, u64) {
        let sign = if self.0 < 0 { "-" } else { "" };
        let size = self.0.unsigned_abs();
        if let Ok(size) = u64::try_from(size) {
            return (sign, size / ONE_WORD, size % ONE_WORD);
        }
        let word = |part: u128| u64::try_from(part).unwrap_or(u64::MAX);
        (sign, word(size / u128::from(ONE_WORD)), word(size % u128::from(ONE_WORD)))
    }

    /// The whole number of held units, for exact comparison inside `domain`.
    pub(super) fn units(self) -> i128 {
        self.0
    }

    /// From held units, `None` at or past 10^15.
    pub(super) fn from_units(units: i128) -> Option<Self> {
        Self::within(units)
    }

    fn within(units: i128) -> Option<Self> {
        (units.abs() < LIMIT).then_some(Self(units))
    }
}

/// A figure over a whole number, kept undivided: for ratios, medians and lines, which must not be rounded on the way. A
/// ratio that is first held to ten places and then reported can be rounded up twice.
///
/// Every operation is `None` if the result no longer fits; the figures that people report do.
#[derive(Clone, Copy, Debug)]
pub struct Fraction {
    /// In the units a figure is held in.
    over: i128,
    /// Above zero.
    under: i128,
}

/// Fractions whose lower half is smaller than this are left as they are: bringing them into lowest terms costs more than
/// it saves.
const SMALL_ENOUGH: u128 = 1 << 20;
/// The same of one that is about to be multiplied.
const SMALL_UNDER: i128 = 1 << 20;

impl From<Figure> for Fraction {
    fn from(figure: Figure) -> Self {
        Self { over: figure.0, under: 1 }
    }
}

impl Fraction {
    /// `numerator / denominator x multiplier`, undivided; `None` if the denominator is zero or it does not fit.
    pub fn ratio(numerator: Figure, denominator: Figure, multiplier: u32) -> Option<Self> {
        let (over, under) = without_empty_places(numerator, denominator);
        let over = over.checked_mul(i128::from(multiplier))?.checked_mul(ONE)?;
        let (over, under) = if under < 0 { (over.checked_neg()?, under.checked_neg()?) } else { (over, under) };
        (under != 0).then_some(Self { over, under })
    }

    /// The same in lowest terms.
    fn lowest(self) -> Self {
        let (mut divisor, mut rest) = (self.over.unsigned_abs(), self.under.unsigned_abs());
        while rest != 0 {
            (divisor, rest) = (rest, divisor % rest);
        }
        i128::try_from(divisor).map_or(self, |divisor| Self { over: self.over / divisor, under: self.under / divisor })
    }

    /// Rounded half away from zero to `decimals` places, once; `None` at or past 10^15.
    pub fn rounded(self, decimals: u32) -> Option<Figure> {
        let unit = 10_i128.pow(SCALE.saturating_sub(decimals));
        let Some(under) = self.under.checked_mul(unit) else { return Some(self.figure()?.rounded(decimals)) };
        let (whole, rest) = (self.over / under, (self.over % under).unsigned_abs());
        let up = rest >= under.unsigned_abs() - rest;
        let whole = if up { whole + self.over.signum() } else { whole };
        Figure::within(whole.checked_mul(unit)?)
    }

    fn reduced(over: i128, under: i128) -> Option<Self> {
        if under == 0 {
            return None;
        }
        if under > 0 && under.unsigned_abs() < SMALL_ENOUGH {
            return Some(Self { over, under });
        }
        let (mut divisor, mut rest) = (over.checked_abs()?, under.checked_abs()?);
        while rest != 0 {
            (divisor, rest) = (rest, divisor.checked_rem(rest)?);
        }
        let sign = under.signum();
        Some(Self { over: over / divisor * sign, under: under / divisor * sign })
    }

    /// The sum.
    pub fn plus(self, other: Self) -> Option<Self> {
        if self.under == other.under {
            return Some(Self { over: self.over.checked_add(other.over)?, under: self.under });
        }
        let (one, other) = if self.under > SMALL_UNDER || other.under > SMALL_UNDER {
            (self.lowest(), other.lowest())
        } else {
            (self, other)
        };
        let over = one.over.checked_mul(other.under)?.checked_add(other.over.checked_mul(one.under)?)?;
        Self::reduced(over, one.under.checked_mul(other.under)?)
    }

    /// The difference.
    pub fn minus(self, other: Self) -> Option<Self> {
        self.plus(Self { over: other.over.checked_neg()?, ..other })
    }

    /// `self x part / whole`; `None` if `whole` is zero.
    pub fn share(self, part: i32, whole: i32) -> Option<Self> {
        Self::reduced(self.over.checked_mul(part.into())?, self.under.checked_mul(whole.into())?)
    }

    /// `self x one / other`; `None` if `other` is zero.
    pub fn in_ratio(self, one: Figure, other: Figure) -> Option<Self> {
        let ratio = Self::reduced(one.0, other.0)?;
        Self::reduced(self.over.checked_mul(ratio.over)?, self.under.checked_mul(ratio.under)?)
    }

    /// The figure, held to ten decimal places, half to even; `None` at or past 10^15.
    pub fn figure(self) -> Option<Figure> {
        divide_half_even(self.over, self.under).and_then(Figure::within)
    }
}

impl PartialEq for Fraction {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Fraction {}

impl PartialOrd for Fraction {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Fraction {
    fn cmp(&self, other: &Self) -> Ordering {
        if let (Some(one), Some(another)) = (self.over.checked_mul(other.under), other.over.checked_mul(self.under)) {
            return one.cmp(&another);
        }
        let ratio = |fraction: &Self| (Figure(fraction.over), Figure(fraction.under));
        Figure::compare_ratios(ratio(self), ratio(other))
    }
}

impl std::ops::Add for Figure {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl std::ops::Sub for Figure {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl std::ops::Neg for Figure {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0)
    }
}

/// Two figures in the same small units: those that people give have at most six decimals, and without the four empty places a
/// ratio's product stays inside an i128.
fn without_empty_places(numerator: Figure, denominator: Figure) -> (i128, i128) {
    if numerator.0 % 10_000 == 0 && denominator.0 % 10_000 == 0 {
        (numerator.0 / 10_000, denominator.0 / 10_000)
    } else {
        (numerator.0, denominator.0)
    }
}

/// `dividend / divisor` to the nearest whole number, a tie to the even one; `None` if the divisor is zero.
pub(super) fn divide_half_even(dividend: i128, divisor: i128) -> Option<i128> {
    let quotient = dividend.checked_div(divisor)?;
    let rest = dividend.checked_rem(divisor)?.unsigned_abs();
    let half = divisor.unsigned_abs();
    let up = match rest.cmp(&(half - rest)) {
        Ordering::Less => false,
        Ordering::Equal => quotient % 2 != 0,
        Ordering::Greater => true,
    };
    let away = if (dividend < 0) == (divisor < 0) { 1 } else { -1 };
    Some(if up { quotient + away } else { quotient })
}

impl FromStr for Figure {
    type Err = NumberError;

    /// Reads a figure as a person or a JSON document writes it: an optional sign, digits, an optional point, an
    /// optional exponent. At most 15 significant digits and 6 decimal places.
    fn from_str(text: &str) -> Result<Self, NumberError> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => {
                (mantissa, exponent.parse::<i32>().map_err(|_not_a_number| NumberError::NotANumber)?)
            }
            None => (text, 0),
        };
        let (negative, digits) = match mantissa.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) || digits.ends_with('.') {
            return Err(NumberError::NotANumber);
        }
        let written = format!("{whole}{fraction}");
        let significant = written.trim_start_matches('0').trim_end_matches('0');
        if significant.is_empty() {
            return Ok(Self::ZERO);
        }
        if significant.len() > MAX_DIGITS {
            return Err(NumberError::TooManyDigits);
        }
        // The power of ten of the last significant digit.
        let trailing = written.len() - written.trim_end_matches('0').len();
        let power = i64::try_from(trailing).unwrap_or(i64::MAX) - i64::try_from(fraction.len()).unwrap_or(i64::MAX)
            + i64::from(exponent);
        if power < -i64::from(MAX_DECIMALS) {
            return Err(NumberError::TooManyDecimals);
        }
        let shift = u32::try_from(power + i64::from(SCALE)).map_err(|_negative| NumberError::TooManyDecimals)?;
        let units = significant
            .parse::<i128>()
            .ok()
            .zip(10_i128.checked_pow(shift))
            .and_then(|(digits, unit)| digits.checked_mul(unit))
            .ok_or(NumberError::TooLarge)?;
        Self::within(if negative { -units } else { units }).ok_or(NumberError::TooLarge)
    }
}

/// How many digits of a long number are looked at: more change nothing about what it is rounded to.
const MOST_READ: usize = 36;

/// The digits of a plain decimal number: whether it is below zero, the whole part, and what follows the point.
fn plain_digits(text: &str) -> Option<(bool, &str, &str)> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    (all_digits(whole) && all_digits(fraction)).then_some((negative, whole, fraction))
}

impl Figure {
    /// The figure that a plain decimal number of any length comes to when it is rounded, half away from zero, to so
    /// many decimal places (at most ten); `None` if it is no plain number, or not smaller than 10^15.
    pub fn nearest(text: &str, decimals: u32) -> Option<Self> {
        let (negative, whole, fraction) = plain_digits(text)?;
        let whole = whole.trim_start_matches('0');
        let kept = MOST_READ.checked_sub(whole.len())?;
        let fraction = fraction.get(..kept.min(fraction.len()))?;
        let digits: i128 = format!("0{whole}{fraction}").parse().ok()?;
        let cut = fraction.len().saturating_sub(usize::try_from(decimals.min(SCALE)).ok()?);
        let unit = 10_i128.checked_pow(u32::try_from(cut).ok()?)?;
        let places = u32::try_from(fraction.len() - cut).ok()?;
        let rounded = digits.checked_add(unit / 2)? / unit;
        let units = rounded.checked_mul(10_i128.checked_pow(SCALE.checked_sub(places)?)?)?;
        Self::within(if negative { -units } else { units })
    }

    /// The figure nearest to a plain decimal number that a person may give: with at most fifteen significant digits and
    /// six decimal places. `None` if there is none, or only zero for a number that is not.
    pub fn nearest_writable(text: &str) -> Option<Self> {
        let (_, whole, _) = plain_digits(text)?;
        let room = MAX_DIGITS.checked_sub(whole.trim_start_matches('0').len())?;
        let nearest = Self::nearest(text, MAX_DECIMALS.min(u32::try_from(room).ok()?))?;
        let is_nought = text.bytes().all(|byte| matches!(byte, b'0' | b'.' | b'-'));
        (is_nought || nearest != Self::ZERO)
            .then_some(nearest)
            .filter(|nearest| nearest.to_string().parse() == Ok(*nearest))
    }

    /// Reads a figure that this type printed (ten decimal places allowed): what the store keeps.
    ///
    /// # Errors
    /// [`NumberError::NotANumber`] if the text was not printed by [`Figure`]'s `Display`.
    pub fn from_stored(text: &str) -> Result<Self, NumberError> {
        let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if fraction.len() > 10 || whole.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
        {
            return Err(NumberError::NotANumber);
        }
        let units = format!("{whole}{fraction:0<10}").parse::<i128>().map_err(|_not_digits| NumberError::NotANumber)?;
        Self::within(if negative { -units } else { units }).ok_or(NumberError::TooLarge)
    }
}

impl fmt::Display for Figure {
    /// Plain decimal notation without needless zeros: `4.51171875`, `-3`, `0`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, whole, fraction) = self.written();
        if fraction == 0 {
            return out.pad(&format!("{sign}{whole}"));
        }
        out.pad(format!("{sign}{whole}.{fraction:010}").trim_end_matches('0'))
    }
}

impl Serialize for Figure {
    /// A JSON number with exactly these digits.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // A whole number needs no text on its way; it is the same number to every reader.
        if self.0 % ONE == 0
            && let Ok(whole) = i64::try_from(self.0 / ONE)
        {
            return serializer.serialize_i64(whole);
        }
        self.to_string().parse::<serde_json::Number>().map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Figure {
    /// A JSON number, read from its digits and never through a double.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = serde_json::Number::deserialize(deserializer)?;
        number
            .as_str()
            .parse()
            .map_err(|error: NumberError| serde::de::Error::custom(format!("{} {error}", shown(number.as_str()))))
    }
}

impl utoipa::PartialSchema for Figure {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::Number)
            .description(Some("An exact decimal: at most 15 significant digits and 6 decimal places if it is sent, 10 decimal places if it is computed."))
            .minimum(Some(-999_999_999_999_999_i64))
            .maximum(Some(999_999_999_999_999_i64))
            .examples([4.5])
            .into()
    }
}

impl utoipa::ToSchema for Figure {}

/// Figures within bounds, for the document alone, which drops the bounds that are at a member of another type:
/// `#[schema(value_type = Share)]`.
macro_rules! bounded_figures {
    ($($(#[$doc:meta])+ $name:ident from $least:literal to $most:literal, such as $example:literal: $told:literal;)+) => { $(
        $(#[$doc])+
        #[derive(Debug)]
        pub struct $name;

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::Number)
                    .description(Some($told))
                    .minimum(Some($least))
                    .maximum(Some($most))
                    .examples([$example])
                    .into()
            }
        }

        impl utoipa::ToSchema for $name {}
    )+ };
}

bounded_figures! {
    /// A share of a whole.
    Share from 0 to 100, such as 97.5: "A percentage of a whole, an exact decimal.";
    /// A size, which is not negative.
    Size from 0 to 999_999_999_999_999_i64, such as 0.5: "An exact decimal that is not negative: at most 15 significant digits and 6 decimal places.";
    /// An amber limit.
    Limit from 0 to 1_000_000_000, such as 5: "An exact decimal with at most 4 decimal places.";
    /// A variance as a multiple of the amber limit.
    Multiple from -10 to 10, such as -1: "An exact decimal with at most 2 decimal places.";
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn figure(text: &str) -> Figure {
        text.parse().unwrap()
    }

    #[test]
    fn reads_what_people_and_json_write() {
        for (text, printed) in [
            ("4.5", "4.5"),
            ("-0", "0"),
            ("0.0", "0"),
            ("+7", "7"),
            ("1e2", "100"),
            ("12.50e-1", "1.25"),
            ("000123.4500", "123.45"),
            ("999999999999999", "999999999999999"),
            ("0.000001", "0.000001"),
        ] {
            assert_eq!(figure(text).to_string(), printed, "{text}");
        }
    }

    #[test]
    fn refuses_what_it_cannot_hold() {
        for (text, error) in [
            ("", NumberError::NotANumber),
            (".", NumberError::NotANumber),
            ("5.", NumberError::NotANumber),
            (".5", NumberError::NotANumber),
            ("1,000", NumberError::NotANumber),
            ("NaN", NumberError::NotANumber),
            ("1e", NumberError::NotANumber),
            ("--1", NumberError::NotANumber),
            ("0.0000001", NumberError::TooManyDecimals),
            ("1e-7", NumberError::TooManyDecimals),
            ("1234567890123456", NumberError::TooManyDigits),
            ("1.000000000000001", NumberError::TooManyDigits),
            ("1e15", NumberError::TooLarge),
            ("1e400", NumberError::TooLarge),
            ("1e999999999999", NumberError::NotANumber),
        ] {
            assert_eq!(text.parse::<Figure>(), Err(error), "{text}");
        }
    }

    #[test]
    fn the_reported_figure_rounds_half_away_from_zero() {
        assert_eq!(figure("58.95").to_fixed(1), "59.0");
        assert_eq!(figure("-58.95").to_fixed(1), "-59.0");
        assert_eq!(figure("0.5").to_fixed(0), "1");
        assert_eq!(figure("-0.04").to_fixed(1), "0.0");
    }

    #[test]
    fn a_ratio_is_held_to_ten_places_half_to_even() {
        assert_eq!(Figure::ratio(figure("231"), figure("5120"), 100).unwrap().to_string(), "4.51171875");
        assert_eq!(Figure::ratio(figure("1"), figure("3"), 100).unwrap().to_string(), "33.3333333333");
        assert_eq!(Figure::ratio(figure("2"), figure("3"), 1).unwrap().to_string(), "0.6666666667");
        assert_eq!(Figure::ratio(figure("1"), Figure::ZERO, 100), None);
        assert_eq!(Figure::ratio(figure("999999999999999"), figure("0.000001"), 1_000_000), None);
        // 0.00000000005 lies half way between two held figures: the even one is zero.
        assert_eq!(Figure::ratio(figure("1"), figure("20000000000"), 1).unwrap(), Figure::ZERO);
    }

    #[test]
    fn a_ratio_is_rounded_once() {
        // 0.04999999999997: held to ten places it is 0.05, which would be reported as 0.1.
        let (numerator, denominator) = (figure("49999999999.97"), figure("1000000000000"));
        assert_eq!(Figure::ratio(numerator, denominator, 1).unwrap().rounded(1), figure("0.1"));
        let ratio = Fraction::ratio(numerator, denominator, 1).unwrap();
        assert_eq!((ratio.rounded(1), ratio.rounded(2)), (Some(Figure::ZERO), Some(figure("0.05"))));
        let fall = Fraction::ratio(-numerator, denominator, 1).unwrap();
        assert_eq!((fall.rounded(1), fall.rounded(2)), (Some(Figure::ZERO), Some(figure("-0.05"))));
        let half = Fraction::ratio(figure("-1"), figure("20"), 1).unwrap();
        assert_eq!(half.rounded(1), Some(figure("-0.1")), "half goes away from zero");
        assert_eq!(Fraction::ratio(figure("231"), figure("5120"), 100).unwrap().rounded(1), Some(figure("4.5")));
        assert!(Fraction::ratio(figure("1"), Figure::ZERO, 100).is_none());
        let large = Fraction::ratio(figure("999999999999999"), figure("999999999999998"), 1_000_000).unwrap();
        assert_eq!(large.rounded(6), Some(figure("1000000")));
    }

    #[test]
    fn the_difference_of_two_ratios_is_rounded_once() {
        let ratio = |over: &str, under: &str| Fraction::ratio(figure(over), figure(under), 1).unwrap();
        assert_eq!(ratio("2", "3").minus(ratio("1", "6")).unwrap().rounded(0), Some(figure("1")));
        let (one, other) = (ratio("123456789", "987654321"), ratio("7", "999999937"));
        assert_eq!(one.minus(other).unwrap().rounded(6), Some(figure("0.125")));
    }

    #[test]
    fn decimals_are_counted_as_written() {
        for (text, decimals) in [("0", 0), ("100", 0), ("0.25", 2), ("-4.500", 1), ("0.000001", 6)] {
            assert_eq!(figure(text).decimals(), decimals, "{text}");
        }
        assert_eq!(figure("1").share(1, 3).unwrap().decimals(), 10);
    }

    #[test]
    fn a_number_that_is_too_long_is_rounded_in_one_go() {
        let nearest = |text: &str| Figure::nearest_writable(text).map(|figure| figure.to_string());
        for (text, figure) in [
            ("1710.817065334928", "1710.817065"),
            ("17.1966228854282", "17.196623"),
            ("-4.9999995", "-5"),
            ("0.00000051", "0.000001"),
            ("1234567890.123456789", "1234567890.12346"),
            ("999999999999.9996", "1000000000000"),
            ("4.5", "4.5"),
            ("0.0000000", "0"),
            ("00012.50", "12.5"),
        ] {
            assert_eq!(nearest(text).as_deref(), Some(figure), "{text}");
        }
        let long = format!("0.{}", "3".repeat(500));
        assert_eq!(nearest(&long).as_deref(), Some("0.333333"));
        for text in ["0.0000001", "1234567890123456", "four", "1e3", "4.", ".5", "", "-", "1.2.3", "4,5"] {
            assert_eq!(nearest(text), None, "{text}");
        }
        assert_eq!(Figure::nearest("17.19662288542820", 10).unwrap().to_string(), "17.1966228854");
    }

    proptest! {
        #[test]
        fn rounding_once_is_rounding_what_is_exact(over in -10_i64.pow(9)..10_i64.pow(9), under in 1_i64..10_i64.pow(6), decimals in 0_u32..=6) {
            let ratio = Fraction::ratio(Figure::whole(over).unwrap(), Figure::whole(under).unwrap(), 100).unwrap();
            // Half away from zero of |over| x 100 / under, by whole numbers alone.
            let (over, under, unit) = (i128::from(over), i128::from(under), 10_i128.pow(decimals));
            let size = (over.abs() * 100 * unit * 2 + under) / (under * 2);
            let expected = Figure::from_units(size * over.signum() * 10_i128.pow(10 - decimals));
            prop_assert_eq!(ratio.rounded(decimals), expected);
        }

        #[test]
        fn printing_then_reading_gives_the_same_figure(digits in -999_999_999_999_999_i64..=999_999_999_999_999, decimals in 0_u32..=6) {
            let units = i128::from(digits) * 10_i128.pow(10 - decimals);
            let figure = Figure::from_units(units).unwrap();
            prop_assert_eq!(figure.to_string().parse::<Figure>(), Ok(figure));
            prop_assert_eq!(Figure::from_stored(&figure.to_string()), Ok(figure));
            let json = serde_json::to_string(&figure).unwrap();
            prop_assert_eq!(serde_json::from_str::<Figure>(&json).unwrap(), figure);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,24}") {
            let _read = text.parse::<Figure>();
            let _read = Figure::from_stored(&text);
        }

        #[test]
        fn ratios_compare_as_their_products_do(a in -10_i64..10, b in 1_i64..10, c in -10_i64..10, d in 1_i64..10, size in 0_u32..4) {
            // As far as a figure goes, if a product would not fit.
            let figure = |number: i64| Figure::from_units(i128::from(number) * 10_i128.pow(size * 7)).unwrap();
            let ratios = Figure::compare_ratios((figure(a), figure(b)), (figure(c), figure(d)));
            prop_assert_eq!(ratios, (a * d).cmp(&(c * b)));
        }

        #[test]
        fn rounding_moves_a_figure_by_at_most_half_a_unit(units in -10_i128.pow(20)..10_i128.pow(20), decimals in 0_u32..=6) {
            let figure = Figure::from_units(units).unwrap();
            let moved = (figure.rounded(decimals) - figure).abs().units();
            prop_assert!(moved * 2 <= 10_i128.pow(10 - decimals));
        }
    }
}
