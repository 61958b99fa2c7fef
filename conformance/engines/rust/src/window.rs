//! The last so many values.

use std::collections::VecDeque;

/// Values in the order of their coming, the oldest dropped when there are more than `capacity`.
pub(crate) struct Window<T> {
    values: VecDeque<T>,
    capacity: usize,
}

impl<T> Window<T> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { values: VecDeque::new(), capacity }
    }

    pub(crate) fn push(&mut self, value: T) {
        if self.values.len() == self.capacity {
            self.values.pop_front();
        }
        self.values.push_back(value);
    }

    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    pub(crate) fn last(&self) -> Option<&T> {
        self.values.back()
    }

    /// Mean of a figure of each value; NaN of none.
    pub(crate) fn mean(&self, figure: impl Fn(&T) -> f64) -> f64 {
        self.values.iter().map(figure).sum::<f64>() / self.values.len() as f64
    }
}
