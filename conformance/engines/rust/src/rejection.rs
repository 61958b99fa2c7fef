//! Rejections: a closed list of what can be wrong with an input. What is rejected changes nothing.

use std::fmt::Display;

/// Above this magnitude a number is out of range, and below its inverse a positive one.
pub const LARGEST: f64 = 1e15;

/// Which rule the input breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// A text such as `nan` where a number belongs.
    NonFinite,
    /// A number, or a name, beyond what it may be.
    OutOfRange,
    /// A step earlier than one before it.
    TimeReversed,
    /// A component that the engine does not have.
    UnknownComponent,
    /// A step that the component does not have.
    UnknownStep,
    /// A field that the step needs.
    MissingField,
    /// A field or a setting that there is not.
    UnknownField,
    /// A session that is not open.
    NotOpen,
    /// A session that is open, a fill that came before.
    Duplicate,
    /// A best bid above the best ask.
    CrossedBook,
    /// A value of another kind.
    Unparsable,
}

impl Code {
    /// The protocol's name.
    pub fn name(self) -> &'static str {
        match self {
            Code::NonFinite => "non_finite",
            Code::OutOfRange => "out_of_range",
            Code::TimeReversed => "time_reversed",
            Code::UnknownComponent => "unknown_component",
            Code::UnknownStep => "unknown_step",
            Code::MissingField => "missing_field",
            Code::UnknownField => "unknown_field",
            Code::NotOpen => "not_open",
            Code::Duplicate => "duplicate",
            Code::CrossedBook => "crossed_book",
            Code::Unparsable => "unparsable",
        }
    }

    /// A rejection under this code.
    pub fn because(self, message: impl Into<String>) -> Rejection {
        Rejection { code: self, message: message.into() }
    }

    /// A rejection of a value, which says what was expected instead.
    pub fn of(self, name: &str, value: impl Display, expected: impl Display) -> Rejection {
        self.because(format!("{name} is {value}, expected {expected}"))
    }
}

/// Why an input was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Which rule it breaks.
    pub code: Code,
    /// Field, value, and what was expected.
    pub message: String,
}

/// Why a session cannot be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The configuration is bad.
    Rejected(Rejection),
    /// The configuration is good, and asks for what this engine does not have.
    Unsupported(String),
}

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Self {
        Refusal::Rejected(rejection)
    }
}
