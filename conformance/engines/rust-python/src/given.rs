//! What the harness gives, as the values that the protocol reads.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};
use serde_json::{Map, Value};

/// A step or a configuration.
pub fn fields(given: &Bound<'_, PyDict>) -> PyResult<Map<String, Value>> {
    let mut fields = Map::new();
    for (key, item) in given {
        fields.insert(key.extract()?, value(&item)?);
    }
    Ok(fields)
}

/// Any value that JSON has; a number that is not finite is one of the protocol's texts.
pub fn value(given: &Bound<'_, PyAny>) -> PyResult<Value> {
    if let Ok(number) = given.cast_exact::<PyFloat>() {
        Ok(of_float(number.value()))
    } else if let Ok(text) = given.cast_exact::<PyString>() {
        Ok(Value::from(text.to_str()?))
    } else if let Ok(number) = given.cast_exact::<PyInt>() {
        of_int(number)
    } else if let Ok(dict) = given.cast_exact::<PyDict>() {
        fields(dict).map(Value::Object)
    } else if let Ok(items) = given.cast_exact::<PyList>() {
        items.iter().map(|item| value(&item)).collect()
    } else if let Ok(items) = given.cast_exact::<PyTuple>() {
        items.iter().map(|item| value(&item)).collect()
    } else if let Ok(flag) = given.cast_exact::<PyBool>() {
        Ok(Value::from(flag.is_true()))
    } else if given.is_none() {
        Ok(Value::Null)
    } else {
        Err(PyTypeError::new_err(format!("{given:?} is no value that JSON has")))
    }
}

fn of_float(number: f64) -> Value {
    if number.is_nan() {
        Value::from("nan")
    } else if number.is_infinite() {
        Value::from(if number > 0.0 { "inf" } else { "-inf" })
    } else {
        Value::from(number)
    }
}

/// A whole number; one beyond 64 bits is beyond every range, as the last one within them is.
fn of_int(number: &Bound<'_, PyInt>) -> PyResult<Value> {
    match number.extract::<i64>() {
        Ok(number) => Ok(Value::from(number)),
        Err(_) if number.gt(0)? => Ok(Value::from(i64::MAX)),
        Err(_) => Ok(Value::from(i64::MIN)),
    }
}
