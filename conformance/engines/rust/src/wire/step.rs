//! A step as it comes: its shape, and then its values, one by one as a component asks for them.

use std::fmt::Display;
use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use crate::book::BookLevel;
use crate::rejection::{Code, LARGEST, Rejection};
use crate::side::{QuoteSide, Side};
use crate::time::Clock;

/// A number's magnitude.
pub const FINITE: RangeInclusive<f64> = -LARGEST..=LARGEST;

/// What is positive.
const POSITIVE: RangeInclusive<f64> = 1.0 / LARGEST..=LARGEST;

/// What kind of value a field takes, whatever its range.
#[derive(Clone, Copy)]
pub enum Kind {
    /// A number.
    Number,
    /// A number without a fraction.
    Whole,
    /// A text.
    Text,
    /// One of a few names: whether a text is.
    Name(fn(&str) -> bool),
    /// Two numbers.
    Pair,
    /// A list of pairs.
    Pairs,
}

impl Kind {
    /// `non_finite` where a text that stands for such a number is in a number's place, `unparsable`
    /// of any other value that is not of this kind.
    fn check(self, name: &str, value: &Value) -> Result<(), Rejection> {
        let (is_of_kind, has_numbers, expected) = match self {
            Kind::Number => (value.is_number(), true, "a number"),
            Kind::Whole => (value.is_i64() || value.is_u64(), true, "a whole number"),
            Kind::Pair => (is_pair(value), value.is_array(), "a pair of numbers"),
            Kind::Pairs => (all(value, is_pair), value.is_array(), "a list of pairs of numbers"),
            Kind::Text => (value.is_string(), false, "a text"),
            Kind::Name(is_one) => (value.as_str().is_some_and(is_one), false, "a known name"),
        };
        if is_of_kind {
            return Ok(());
        }
        let non_finite = has_numbers && holds_non_finite(value);
        let code = if non_finite { Code::NonFinite } else { Code::Unparsable };
        Err(code.of(name, value, expected))
    }
}

fn is_pair(value: &Value) -> bool {
    value.as_array().is_some_and(|pair| pair.len() == 2) && all(value, Value::is_number)
}

fn all(value: &Value, holds: impl Fn(&Value) -> bool) -> bool {
    value.as_array().is_some_and(|values| values.iter().all(holds))
}

fn holds_non_finite(value: &Value) -> bool {
    match value {
        Value::Array(values) => values.iter().any(holds_non_finite),
        _ => is_non_finite(value),
    }
}

/// Whether it is one of the texts that stand for numbers that are not finite.
fn is_non_finite(value: &Value) -> bool {
    matches!(value.as_str(), Some("nan" | "inf" | "-inf"))
}

/// A field of a step.
pub struct Field {
    name: &'static str,
    kind: Kind,
    needed: bool,
    nullable: bool,
}

/// A field that must be there.
pub const fn required(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, needed: true, nullable: false }
}

/// A number that must be there.
pub const fn figure(name: &'static str) -> Field {
    required(name, Kind::Number)
}

/// A field that may be absent or null, which mean the same.
pub const fn optional(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, needed: false, nullable: true }
}

/// A field that may be absent, but not null.
pub const fn defaulted(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, needed: false, nullable: false }
}

/// Whole milliseconds.
pub const T_MS: Field = required("t_ms", Kind::Whole);

/// `buy` or `sell`.
pub const SIDE: Field = required("side", Kind::Name(|name| Side::named(name).is_some()));

/// `bid` or `ask`.
pub const QUOTE_SIDE: Field = required("side", Kind::Name(|name| QuoteSide::named(name).is_some()));

/// A step, and the time of the last one that its session took.
pub struct Step<'a> {
    fields: &'a Map<String, Value>,
    clock: &'a Clock,
    /// What the step is called.
    pub kind: &'a str,
}

impl<'a> Step<'a> {
    /// `missing_field` where it is not said what step it is.
    pub fn new(step: &'a Value, clock: &'a Clock) -> Result<Self, Rejection> {
        let Value::Object(fields) = step else {
            return Err(Code::Unparsable.of("step", step, "an object"));
        };
        let Some(kind) = fields.get("step") else {
            return Err(Code::MissingField.because("step is absent"));
        };
        let kind = kind.as_str().ok_or_else(|| Code::UnknownStep.of("step", kind, "a name"))?;
        Ok(Self { fields, clock, kind })
    }

    /// Rejects a step that the component does not have.
    pub fn unknown<T>(&self) -> Result<T, Rejection> {
        Err(Code::UnknownStep.of("step", self.kind, "a step of this component"))
    }

    /// Check that all fields are known, none that is needed is absent, and each is of its kind.
    pub fn has(&self, shape: &[Field]) -> Result<&Self, Rejection> {
        let known = |name: &str| name == "step" || shape.iter().any(|field| field.name == name);
        if let Some(name) = self.fields.keys().find(|name| !known(name)) {
            return Err(Code::UnknownField.because(format!("{} has no field {name}", self.kind)));
        }
        let absent = |field: &&Field| field.needed && !self.fields.contains_key(field.name);
        if let Some(field) = shape.iter().find(absent) {
            return Err(Code::MissingField.because(format!("{} is absent", field.name)));
        }
        for field in shape {
            match self.fields.get(field.name) {
                None => {}
                Some(Value::Null) if field.nullable => {}
                Some(value) => field.kind.check(field.name, value)?,
            }
        }
        // of the ranges, the time's is the first
        if self.fields.contains_key("t_ms") {
            self.t_ms()?;
        }
        Ok(self)
    }

    /// Whole milliseconds.
    pub fn t_ms(&self) -> Result<i64, Rejection> {
        self.number("t_ms").map(|t_ms| t_ms as i64)
    }

    /// The same, not before the last step that was taken: asked for after all other fields.
    pub fn time(&self) -> Result<i64, Rejection> {
        let t_ms = self.t_ms()?;
        self.clock.check(t_ms).map(|()| t_ms)
    }

    /// A finite number.
    pub fn number(&self, name: &str) -> Result<f64, Rejection> {
        number(name, self.value(name), &FINITE)
    }

    /// A positive number.
    pub fn positive(&self, name: &str) -> Result<f64, Rejection> {
        number(name, self.value(name), &POSITIVE)
    }

    /// A number from 0 to 1.
    pub fn fraction(&self, name: &str) -> Result<f64, Rejection> {
        number(name, self.value(name), &(0.0..=1.0))
    }

    /// A number that is not negative.
    pub fn depth(&self, name: &str) -> Result<f64, Rejection> {
        number(name, self.value(name), &(0.0..=LARGEST))
    }

    /// Two positive numbers.
    pub fn positive_pair(&self, name: &str) -> Result<[f64; 2], Rejection> {
        pair(name, self.value(name))
    }

    /// A positive number, if it is there.
    pub fn positive_if_any(&self, name: &str) -> Result<Option<f64>, Rejection> {
        self.given(name).map(|value| number(name, value, &POSITIVE)).transpose()
    }

    /// A finite number, or what stands for it where it is absent.
    pub fn number_or(&self, name: &str, absent: f64) -> Result<f64, Rejection> {
        self.given(name).map_or(Ok(absent), |value| number(name, value, &FINITE))
    }

    /// A whole number of levels, 1 where it is absent.
    pub fn levels_crossed(&self) -> Result<f64, Rejection> {
        let name = "levels_crossed";
        self.given(name).map_or(Ok(1.0), |value| number(name, value, &(1.0..=LARGEST)))
    }

    /// A text.
    pub fn text(&self, name: &str) -> Result<&'a str, Rejection> {
        text(name, self.value(name))
    }

    /// A text, if it is there.
    pub fn text_if_any(&self, name: &str) -> Result<Option<&'a str>, Rejection> {
        self.given(name).map(|value| text(name, value)).transpose()
    }

    /// `buy` or `sell`.
    pub fn side(&self) -> Result<Side, Rejection> {
        self.named("side", Side::named)
    }

    /// `bid` or `ask`.
    pub fn quote_side(&self) -> Result<QuoteSide, Rejection> {
        self.named("side", QuoteSide::named)
    }

    /// What one of a few names stands for.
    pub fn named<T>(&self, name: &str, meaning: fn(&str) -> Option<T>) -> Result<T, Rejection> {
        let text = self.text(name)?;
        meaning(text).ok_or_else(|| Code::Unparsable.of(name, text, "a known name"))
    }

    /// A side of a book: pairs of price and size.
    pub fn book_side(&self, name: &str) -> Result<Vec<BookLevel>, Rejection> {
        let value = self.value(name);
        let levels = value.as_array().ok_or_else(|| Code::Unparsable.of(name, value, "a list"))?;
        let level = |value| pair(name, value).map(|[price, size]| BookLevel { price, size });
        levels.iter().map(level).collect()
    }

    /// Whether an optional field is there, and not null.
    pub fn gives(&self, name: &str) -> bool {
        self.given(name).is_some()
    }

    fn value(&self, name: &str) -> &'a Value {
        self.fields.get(name).unwrap_or(&Value::Null)
    }

    fn given(&self, name: &str) -> Option<&'a Value> {
        self.fields.get(name).filter(|value| !value.is_null())
    }
}

/// A number of a range: `non_finite` of a text that stands for one that is not finite, `unparsable`
/// of what is no number, `out_of_range` beyond the range.
pub fn number(name: &str, value: &Value, range: &RangeInclusive<f64>) -> Result<f64, Rejection> {
    let expected = || format!("a number from {:e} to {:e}", range.start(), range.end());
    match value {
        Value::Number(number) => number
            .as_f64()
            .filter(|number| range.contains(number))
            .ok_or_else(|| Code::OutOfRange.of(name, value, expected())),
        _ => Err(no_number(name, value, expected())),
    }
}

/// Why a value that is no number is not taken for one.
pub fn no_number(name: &str, value: &Value, expected: impl Display) -> Rejection {
    let code = if is_non_finite(value) { Code::NonFinite } else { Code::Unparsable };
    code.of(name, value, expected)
}

fn pair(name: &str, value: &Value) -> Result<[f64; 2], Rejection> {
    match value.as_array().map(Vec::as_slice) {
        Some([one, other]) => Ok([number(name, one, &POSITIVE)?, number(name, other, &POSITIVE)?]),
        _ => Err(Code::Unparsable.of(name, value, "a pair of numbers")),
    }
}

fn text<'a>(name: &str, value: &'a Value) -> Result<&'a str, Rejection> {
    value.as_str().ok_or_else(|| Code::Unparsable.of(name, value, "a text"))
}
