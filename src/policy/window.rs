//! Concrete intervals of time, half-open.

use jiff::{SignedDuration, Timestamp};

/// One concrete idle interval, half-open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Window {
    /// The first instant of it.
    pub opens: Timestamp,
    /// The first instant after it.
    pub closes: Timestamp,
}

impl Window {
    /// How long it lasts.
    #[must_use]
    pub fn length(&self) -> SignedDuration {
        self.opens.duration_until(self.closes)
    }

    /// Whether an instant is in it.
    #[must_use]
    pub fn contains(&self, instant: Timestamp) -> bool {
        self.opens <= instant && instant < self.closes
    }
}

/// Sorts windows and joins those that touch or overlap; those without length are left out.
pub(super) fn merge(mut windows: Vec<Window>) -> Vec<Window> {
    windows.retain(|window| window.opens < window.closes);
    windows.sort_unstable();
    let mut merged: Vec<Window> = Vec::with_capacity(windows.len());
    for window in windows {
        match merged.last_mut() {
            Some(last) if window.opens <= last.closes => {
                last.closes = last.closes.max(window.closes);
            }
            _ => merged.push(window),
        }
    }
    merged
}
