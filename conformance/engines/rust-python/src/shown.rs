//! What the engine shows, as Python objects: a serializer that makes each name of a field once.

use std::fmt::Display;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString};
use pyo3::{BoundObject, IntoPyObject};
use rustc_hash::FxHashMap;
use serde::Serialize;
use serde::ser::{self, Impossible};

/// Names of fields as Python texts.
#[derive(Default)]
pub struct Names(FxHashMap<&'static str, Py<PyString>>);

impl Names {
    fn of<'py>(&mut self, py: Python<'py>, name: &'static str) -> Bound<'py, PyString> {
        let known = self.0.entry(name).or_insert_with(|| PyString::intern(py, name).unbind());
        known.bind(py).clone()
    }
}

/// What something shows, as Python objects.
pub fn shown<'py>(
    py: Python<'py>,
    names: &mut Names,
    seen: &impl Serialize,
) -> PyResult<Bound<'py, PyAny>> {
    Ok(seen.serialize(Maker { py, names })?)
}

/// A serializer's error is an exception.
#[derive(Debug)]
pub struct Failure(PyErr);

impl From<PyErr> for Failure {
    fn from(error: PyErr) -> Self {
        Failure(error)
    }
}

impl From<Failure> for PyErr {
    fn from(failure: Failure) -> Self {
        failure.0
    }
}

impl Display for Failure {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(formatter)
    }
}

impl std::error::Error for Failure {}

impl ser::Error for Failure {
    fn custom<T: Display>(message: T) -> Self {
        Failure(PyValueError::new_err(message.to_string()))
    }
}

fn never_shown(kind: &str) -> Failure {
    ser::Error::custom(format_args!("the engine never shows {kind}"))
}

/// The kinds of value that the engine has no use for.
macro_rules! not_shown {
    ($($name:ident($($type:ty),*) -> $made:ty;)*) => {
        $(fn $name(self, $(_: $type),*) -> Result<$made, Failure> {
            Err(never_shown(stringify!($name)))
        })*
    };
}

struct Maker<'a, 'py> {
    py: Python<'py>,
    names: &'a mut Names,
}

type Made<'py> = Result<Bound<'py, PyAny>, Failure>;

impl<'py> Maker<'_, 'py> {
    fn make<T>(self, value: T) -> Made<'py>
    where
        T: IntoPyObject<'py>,
        PyErr: From<T::Error>,
    {
        let made = value.into_pyobject(self.py).map_err(PyErr::from)?;
        Ok(made.into_bound().into_any())
    }
}

impl<'a, 'py> ser::Serializer for Maker<'a, 'py> {
    type Ok = Bound<'py, PyAny>;
    type Error = Failure;
    type SerializeSeq = Items<'a, 'py>;
    type SerializeTuple = Items<'a, 'py>;
    type SerializeTupleStruct = Impossible<Self::Ok, Failure>;
    type SerializeTupleVariant = Impossible<Self::Ok, Failure>;
    type SerializeMap = Fields<'a, 'py>;
    type SerializeStruct = Fields<'a, 'py>;
    type SerializeStructVariant = Impossible<Self::Ok, Failure>;

    fn serialize_bool(self, flag: bool) -> Made<'py> {
        self.make(flag)
    }

    fn serialize_f64(self, number: f64) -> Made<'py> {
        self.make(number)
    }

    fn serialize_i64(self, number: i64) -> Made<'py> {
        self.make(number)
    }

    fn serialize_u8(self, number: u8) -> Made<'py> {
        self.make(number)
    }

    fn serialize_u64(self, number: u64) -> Made<'py> {
        self.make(number)
    }

    fn serialize_str(self, text: &str) -> Made<'py> {
        self.make(text)
    }

    fn serialize_none(self) -> Made<'py> {
        self.serialize_unit()
    }

    fn serialize_unit(self) -> Made<'py> {
        Ok(self.py.None().into_bound(self.py))
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Made<'py> {
        value.serialize(self)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Items<'a, 'py>, Failure> {
        Ok(Items { list: PyList::empty(self.py), names: self.names })
    }

    fn serialize_tuple(self, _: usize) -> Result<Items<'a, 'py>, Failure> {
        self.serialize_seq(None)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Fields<'a, 'py>, Failure> {
        Ok(Fields { dict: PyDict::new(self.py), names: self.names, key: None })
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Fields<'a, 'py>, Failure> {
        self.serialize_map(None)
    }

    not_shown! {
        serialize_i8(i8) -> Self::Ok;
        serialize_i16(i16) -> Self::Ok;
        serialize_i32(i32) -> Self::Ok;
        serialize_u16(u16) -> Self::Ok;
        serialize_u32(u32) -> Self::Ok;
        serialize_f32(f32) -> Self::Ok;
        serialize_char(char) -> Self::Ok;
        serialize_bytes(&[u8]) -> Self::Ok;
        serialize_unit_struct(&'static str) -> Self::Ok;
        serialize_unit_variant(&'static str, u32, &'static str) -> Self::Ok;
        serialize_tuple_struct(&'static str, usize) -> Self::SerializeTupleStruct;
        serialize_tuple_variant(&'static str, u32, &'static str, usize)
            -> Self::SerializeTupleVariant;
        serialize_struct_variant(&'static str, u32, &'static str, usize)
            -> Self::SerializeStructVariant;
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, _: &T) -> Made<'py> {
        Err(never_shown("a newtype"))
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Made<'py> {
        Err(never_shown("a newtype variant"))
    }
}

/// A list in the making.
struct Items<'a, 'py> {
    list: Bound<'py, PyList>,
    names: &'a mut Names,
}

impl<'py> Items<'_, 'py> {
    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failure> {
        let made = value.serialize(Maker { py: self.list.py(), names: self.names })?;
        Ok(self.list.append(made)?)
    }
}

impl<'py> ser::SerializeSeq for Items<'_, 'py> {
    type Ok = Bound<'py, PyAny>;
    type Error = Failure;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failure> {
        self.push(value)
    }

    fn end(self) -> Made<'py> {
        Ok(self.list.into_any())
    }
}

impl<'py> ser::SerializeTuple for Items<'_, 'py> {
    type Ok = Bound<'py, PyAny>;
    type Error = Failure;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failure> {
        self.push(value)
    }

    fn end(self) -> Made<'py> {
        Ok(self.list.into_any())
    }
}

/// A dictionary in the making.
struct Fields<'a, 'py> {
    dict: Bound<'py, PyDict>,
    names: &'a mut Names,
    key: Option<Bound<'py, PyAny>>,
}

impl<'py> ser::SerializeMap for Fields<'_, 'py> {
    type Ok = Bound<'py, PyAny>;
    type Error = Failure;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Failure> {
        self.key = Some(key.serialize(Maker { py: self.dict.py(), names: self.names })?);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failure> {
        let made = value.serialize(Maker { py: self.dict.py(), names: self.names })?;
        Ok(self.dict.set_item(self.key.take(), made)?)
    }

    fn end(self) -> Made<'py> {
        Ok(self.dict.into_any())
    }
}

impl<'py> ser::SerializeStruct for Fields<'_, 'py> {
    type Ok = Bound<'py, PyAny>;
    type Error = Failure;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Failure> {
        let py = self.dict.py();
        let made = value.serialize(Maker { py, names: self.names })?;
        Ok(self.dict.set_item(self.names.of(py, name), made)?)
    }

    fn end(self) -> Made<'py> {
        Ok(self.dict.into_any())
    }
}
