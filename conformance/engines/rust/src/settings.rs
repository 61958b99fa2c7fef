//! Settings: what a session is opened with, walked by name.
//!
//! A struct of settings shows each of them as a [`Slot`]: where its value lies and which values it
//! may take. Reading a configuration and answering the effective one are both such a walk.

use std::ops::{RangeFull, RangeInclusive};

/// What a walk over settings calls with each name and slot.
pub type Visit<'v> = &'v mut dyn FnMut(&'static str, Slot<'_>);

/// Settings that can be walked.
pub trait Settings: Default {
    /// Visit each setting.
    fn each(&mut self, visit: Visit<'_>);
}

/// Components without configuration.
impl Settings for () {
    fn each(&mut self, _: Visit<'_>) {}
}

/// Settings of two groups, side by side.
impl<A: Settings, B: Settings> Settings for (A, B) {
    fn each(&mut self, visit: Visit<'_>) {
        self.0.each(visit);
        self.1.each(visit);
    }
}

/// One of a few names.
pub trait Choice {
    /// The name chosen.
    fn name(&self) -> &'static str;
    /// Choose by name; false where there is no such option.
    fn choose(&mut self, name: &str) -> bool;
}

/// Where the value of a setting lies, and its range.
pub enum Slot<'a> {
    /// A number.
    Number(&'a mut f64, RangeInclusive<f64>),
    /// A number, or null.
    Optional(&'a mut Option<f64>, RangeInclusive<f64>),
    /// Numbers, at least one.
    Numbers(&'a mut Vec<f64>, RangeInclusive<f64>),
    /// One of a few numbers.
    OneOf(&'a mut f64, &'static [f64]),
    /// A whole number.
    Whole(&'a mut usize, RangeInclusive<usize>),
    /// On or off.
    Switch(&'a mut bool),
    /// One of a few names.
    Name(&'a mut dyn Choice),
}

impl<'a> From<(&'a mut f64, RangeInclusive<f64>)> for Slot<'a> {
    fn from((value, range): (&'a mut f64, RangeInclusive<f64>)) -> Self {
        Slot::Number(value, range)
    }
}

impl<'a> From<(&'a mut Option<f64>, RangeInclusive<f64>)> for Slot<'a> {
    fn from((value, range): (&'a mut Option<f64>, RangeInclusive<f64>)) -> Self {
        Slot::Optional(value, range)
    }
}

impl<'a> From<(&'a mut Vec<f64>, RangeInclusive<f64>)> for Slot<'a> {
    fn from((value, range): (&'a mut Vec<f64>, RangeInclusive<f64>)) -> Self {
        Slot::Numbers(value, range)
    }
}

impl<'a> From<(&'a mut f64, &'static [f64])> for Slot<'a> {
    fn from((value, options): (&'a mut f64, &'static [f64])) -> Self {
        Slot::OneOf(value, options)
    }
}

impl<'a> From<(&'a mut usize, RangeInclusive<usize>)> for Slot<'a> {
    fn from((value, range): (&'a mut usize, RangeInclusive<usize>)) -> Self {
        Slot::Whole(value, range)
    }
}

impl<'a> From<(&'a mut bool, RangeFull)> for Slot<'a> {
    fn from((value, _): (&'a mut bool, RangeFull)) -> Self {
        Slot::Switch(value)
    }
}

impl<'a, C: Choice> From<(&'a mut C, RangeFull)> for Slot<'a> {
    fn from((value, _): (&'a mut C, RangeFull)) -> Self {
        Slot::Name(value)
    }
}
