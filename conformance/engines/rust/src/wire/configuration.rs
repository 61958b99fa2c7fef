//! Configurations: what is given over the defaults, and the effective one.

use serde_json::{Map, Value};

use crate::rejection::{Code, Rejection};
use crate::settings::{Settings, Slot};
use crate::wire::step::{FINITE, no_number, number};

/// Settings with what is given in place of the defaults.
///
/// `unknown_field` of a key that there is not, `out_of_range` of a value beyond its range,
/// `non_finite` and `unparsable` of what is no such value.
pub fn read<S: Settings>(given: &Map<String, Value>) -> Result<S, Rejection> {
    let mut settings = S::default();
    let mut known = Vec::new();
    let mut fault = None;
    settings.each(&mut |name, slot| {
        let by_name = given.get_key_value(name);
        let per_fraction = in_fractions(name).and_then(|other| given.get_key_value(other));
        known.extend(by_name.iter().chain(&per_fraction).map(|(key, _)| *key));
        let filled = match (by_name, per_fraction) {
            (None, None) => Ok(()),
            (Some((_, value)), None) => fill(name, slot, value),
            (None, Some((other, value))) => {
                in_bps(other, value).and_then(|value| fill(name, slot, &value))
            }
            (Some((_, value)), Some((other, _))) => {
                Err(Code::OutOfRange.of(name, value, format_args!("none beside {other}")))
            }
        };
        fault = fault.take().or(filled.err());
    });
    let unknown = given.keys().find(|name| !known.contains(name));
    match (fault, unknown) {
        (Some(fault), _) => Err(fault),
        (None, Some(name)) => {
            Err(Code::UnknownField.because(format!("{name} is no setting of this component")))
        }
        (None, None) => Ok(settings),
    }
}

/// The other name of a kappa, per unit fraction of price (U-1).
fn in_fractions(name: &str) -> Option<&'static str> {
    match name {
        "kappa_bid_per_bps" => Some("kappa_bid_per_fraction"),
        "kappa_ask_per_bps" => Some("kappa_ask_per_fraction"),
        _ => None,
    }
}

/// A kappa per unit fraction, per bp.
fn in_bps(name: &str, per_fraction: &Value) -> Result<Value, Rejection> {
    Ok(Value::from(number(name, per_fraction, &FINITE)? / 1e4))
}

/// Every setting by its name, as it is in force.
pub fn effective<S: Settings>(settings: &mut S) -> Map<String, Value> {
    let mut config = Map::new();
    settings.each(&mut |name, slot| {
        let value = match slot {
            Slot::Number(value, _) | Slot::OneOf(value, _) => Value::from(*value),
            Slot::Optional(value, _) => Value::from(*value),
            Slot::Numbers(values, _) => Value::from(values.as_slice()),
            Slot::Whole(value, _) => Value::from(*value),
            Slot::Switch(value) => Value::from(*value),
            Slot::Name(choice) => Value::from(choice.name()),
        };
        config.insert(name.to_owned(), value);
    });
    config
}

fn fill(name: &str, slot: Slot<'_>, value: &Value) -> Result<(), Rejection> {
    match slot {
        Slot::Number(place, range) => *place = number(name, value, &range)?,
        Slot::Optional(place, range) => {
            *place = if value.is_null() { None } else { Some(number(name, value, &range)?) };
        }
        Slot::Numbers(place, range) => {
            let values = value
                .as_array()
                .filter(|values| !values.is_empty())
                .ok_or_else(|| Code::Unparsable.of(name, value, "a list of at least one number"))?;
            *place =
                values.iter().map(|one| number(name, one, &range)).collect::<Result<_, _>>()?;
        }
        Slot::OneOf(place, options) => {
            let given = value.as_f64().ok_or_else(|| no_number(name, value, "a number"))?;
            if !options.contains(&given) {
                return Err(Code::OutOfRange.of(name, value, format_args!("one of {options:?}")));
            }
            *place = given;
        }
        Slot::Whole(place, range) => {
            let Value::Number(given) = value else {
                return Err(no_number(name, value, "a whole number"));
            };
            // written with a point or without
            let whole = given.as_f64().filter(|given| given.fract() == 0.0 && *given >= 0.0);
            let whole = whole.map(|whole| whole as usize);
            *place = whole.filter(|whole| range.contains(whole)).ok_or_else(|| {
                let (least, most) = range.into_inner();
                Code::OutOfRange.of(name, value, format_args!("a whole number, {least} to {most}"))
            })?;
        }
        Slot::Switch(place) => {
            *place =
                value.as_bool().ok_or_else(|| Code::Unparsable.of(name, value, "true or false"))?;
        }
        Slot::Name(place) => {
            if !value.as_str().is_some_and(|given| place.choose(given)) {
                return Err(Code::OutOfRange.of(name, value, "one of the names there are"));
            }
        }
    }
    Ok(())
}
