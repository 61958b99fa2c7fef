//! Time: whole milliseconds from step to step, never backwards; seconds in every formula.

use crate::rejection::{Code, Rejection};

/// Seconds from one time to a later one.
pub fn seconds(from_ms: i64, to_ms: i64) -> f64 {
    (to_ms - from_ms) as f64 / 1000.0
}

/// The time of the last step that was taken.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clock {
    last_ms: Option<i64>,
}

impl Clock {
    /// `time_reversed` before the last step; an equal time is no fault (D-03).
    pub fn check(&self, t_ms: i64) -> Result<(), Rejection> {
        match self.last_ms {
            Some(last_ms) if t_ms < last_ms => {
                Err(Code::TimeReversed.of("t_ms", t_ms, format_args!("at least {last_ms}")))
            }
            _ => Ok(()),
        }
    }

    /// Move to a time, or reject it.
    pub fn advance(&mut self, t_ms: i64) -> Result<(), Rejection> {
        self.check(t_ms)?;
        self.stamp(t_ms);
        Ok(())
    }

    /// Move to a time that has been checked.
    pub fn stamp(&mut self, t_ms: i64) {
        self.last_ms = Some(t_ms);
    }
}
