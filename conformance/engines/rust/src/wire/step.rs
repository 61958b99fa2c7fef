//! A step as it comes: its fields, checked one by one as a component asks for them.

use std::fmt::Display;
use std::ops::RangeInclusive;

use serde_json::{Map, Number, Value};

use crate::book::BookLevel;
use crate::rejection::{Code, LARGEST, Rejection};
use crate::side::{QuoteSide, Side};
use crate::time::Clock;

/// A number's magnitude.
pub const FINITE: RangeInclusive<f64> = -LARGEST..=LARGEST;

/// What is positive.
const POSITIVE: RangeInclusive<f64> = 1.0 / LARGEST..=LARGEST;

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

    /// Check that all fields are known, and that none that is required is absent.
    pub fn has(&self, required: &[&str], optional: &[&str]) -> Result<&Self, Rejection> {
        for name in self.fields.keys().map(String::as_str) {
            if name != "step" && !required.contains(&name) && !optional.contains(&name) {
                let message = format!("{} has no field {name}", self.kind);
                return Err(Code::UnknownField.because(message));
            }
        }
        match required.iter().find(|name| !self.fields.contains_key(**name)) {
            Some(name) => Err(Code::MissingField.because(format!("{name} is absent"))),
            None => Ok(self),
        }
    }

    /// Whole milliseconds.
    pub fn t_ms(&self) -> Result<i64, Rejection> {
        self.whole("t_ms", FINITE).map(|t_ms| t_ms as i64)
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

    /// A finite number, if it is there.
    pub fn number_if_any(&self, name: &str) -> Result<Option<f64>, Rejection> {
        self.given(name).map(|value| number(name, value, &FINITE)).transpose()
    }

    /// A finite number, or what stands for it where it is absent; null is not absent.
    pub fn number_or(&self, name: &str, absent: f64) -> Result<f64, Rejection> {
        self.fields.get(name).map_or(Ok(absent), |value| number(name, value, &FINITE))
    }

    /// A whole number of levels, 1 where it is absent; null is not absent.
    pub fn levels_crossed(&self) -> Result<f64, Rejection> {
        match self.fields.get("levels_crossed") {
            None => Ok(1.0),
            Some(_) => self.whole("levels_crossed", 1.0..=LARGEST),
        }
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
        self.one_of("side", &[("buy", Side::Buy), ("sell", Side::Sell)])
    }

    /// `bid` or `ask`.
    pub fn quote_side(&self) -> Result<QuoteSide, Rejection> {
        self.one_of("side", &[("bid", QuoteSide::Bid), ("ask", QuoteSide::Ask)])
    }

    /// One of a few names, and what it stands for.
    pub fn one_of<T: Copy>(&self, name: &str, options: &[(&str, T)]) -> Result<T, Rejection> {
        let value = self.value(name);
        let chosen = options.iter().find(|(option, _)| value.as_str() == Some(option));
        chosen.map(|(_, meaning)| *meaning).ok_or_else(|| {
            let names: Vec<&str> = options.iter().map(|(option, _)| *option).collect();
            Code::Unparsable.of(name, value, names.join(" or "))
        })
    }

    /// A side of a book: pairs of price and size.
    pub fn book_side(&self, name: &str) -> Result<Vec<BookLevel>, Rejection> {
        let value = self.value(name);
        let levels = value.as_array().ok_or_else(|| Code::Unparsable.of(name, value, "a list"))?;
        let level = |value| pair(name, value).map(|[price, size]| BookLevel { price, size });
        levels.iter().map(level).collect()
    }

    fn value(&self, name: &str) -> &'a Value {
        self.fields.get(name).unwrap_or(&Value::Null)
    }

    /// The value of an optional field: null is absent.
    fn given(&self, name: &str) -> Option<&'a Value> {
        self.fields.get(name).filter(|value| !value.is_null())
    }

    fn whole(&self, name: &str, range: RangeInclusive<f64>) -> Result<f64, Rejection> {
        let value = self.value(name);
        if value.is_f64() {
            return Err(Code::Unparsable.of(name, value, "a whole number"));
        }
        number(name, value, &range)
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
    match value.as_str() {
        Some("nan" | "inf" | "-inf") => Code::NonFinite.of(name, value, expected),
        _ => Code::Unparsable.of(name, value, expected),
    }
}

/// A number that has no fraction, written with a point or without.
pub fn whole(number: &Number) -> Option<u64> {
    number.as_u64().or_else(|| {
        let number = number.as_f64().filter(|number| number.fract() == 0.0 && *number >= 0.0);
        number.map(|number| number as u64)
    })
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
