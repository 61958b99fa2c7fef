//! The quote engine as a Python module: the port's five calls, with no JSON in between.

mod given;
mod shown;

use std::mem;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PySequence};
use quotemark_engine::rejection::{Refusal, Rejection};
use quotemark_engine::wire::{Answers, Sessions};
use serde::Serialize;

use shown::{Names, shown};

/// Answers to steps, made of the harness' own types.
struct Objects {
    ok: Py<PyAny>,
    rejected: Py<PyAny>,
    names: Names,
    made: Vec<Py<PyAny>>,
}

impl Answers for Objects {
    type Error = PyErr;

    fn ok(&mut self, seen: &impl Serialize) -> PyResult<()> {
        Python::attach(|py| {
            let observation = shown(py, &mut self.names, seen)?;
            self.made.push(self.ok.call1(py, (observation,))?);
            Ok(())
        })
    }

    fn rejected(&mut self, rejection: &Rejection) -> PyResult<()> {
        Python::attach(|py| {
            self.made.push(self.rejected.call1(py, told(rejection))?);
            Ok(())
        })
    }
}

/// What a rejection of the harness is made of.
fn told(rejection: &Rejection) -> (&'static str, &str) {
    (rejection.code.name(), &rejection.message)
}

/// The engine, behind the harness' port.
#[pyclass]
struct RustEngine {
    sessions: Sessions<Objects>,
    answers: Objects,
    messages: Py<PyModule>,
}

#[pymethods]
impl RustEngine {
    fn initialize<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let identity = shown(py, &mut self.answers.names, &Sessions::<Objects>::identity())?;
        self.messages.bind(py).getattr("Identity")?.call((), Some(identity.cast()?))
    }

    fn open<'py>(
        &mut self,
        py: Python<'py>,
        session: &str,
        component: &str,
        config: &Bound<'py, PyDict>,
        seed: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let _ = seed; // nothing here is random
        let messages = self.messages.bind(py);
        match self.sessions.open(session, component, &given::fields(config)?) {
            Ok(effective) => {
                let config = shown(py, &mut self.answers.names, &effective)?;
                messages.getattr("Opened")?.call1((config,))
            }
            Err(Refusal::Rejected(one)) => messages.getattr("Rejected")?.call1(told(&one)),
            Err(Refusal::Unsupported(reason)) => messages.getattr("Unsupported")?.call1((reason,)),
        }
    }

    fn apply<'py>(
        &mut self,
        py: Python<'py>,
        session: &str,
        steps: &Bound<'py, PySequence>,
    ) -> PyResult<Bound<'py, PyList>> {
        let applied = steps.try_iter()?.try_for_each(|step| {
            self.sessions.apply(session, [&given::value(&step?)?], &mut self.answers)
        });
        let made = mem::take(&mut self.answers.made);
        applied?;
        PyList::new(py, made)
    }

    fn close<'py>(&mut self, py: Python<'py>, session: &str) -> PyResult<Bound<'py, PyAny>> {
        let messages = self.messages.bind(py);
        match self.sessions.close(session) {
            Ok(()) => messages.getattr("Closed")?.call0(),
            Err(one) => messages.getattr("Rejected")?.call1(told(&one)),
        }
    }

    fn shutdown(&mut self) {
        self.sessions = Sessions::default();
    }
}

/// Make the engine; the harness must be installed, whose types its answers are.
#[pyfunction]
fn create(py: Python<'_>) -> PyResult<RustEngine> {
    let messages = py.import("quotemark.messages")?;
    let answers = Objects {
        ok: messages.getattr("Ok")?.unbind(),
        rejected: messages.getattr("Rejected")?.unbind(),
        names: Names::default(),
        made: Vec::new(),
    };
    Ok(RustEngine { sessions: Sessions::default(), answers, messages: messages.unbind() })
}

#[pymodule]
fn quotemark_engine_rust(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(create, module)?)
}
