//! The windows of schedules, worked out once for a whole plan.

use std::cell::RefCell;
use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::ids::ScheduleName;
use crate::policy::{Schedule, Window};

/// The windows already worked out in one plan: hundreds of sessions ask for the same few.
#[derive(Debug, Default)]
pub(super) struct WindowLookup(RefCell<BTreeMap<ScheduleName, Vec<Known>>>);

/// A window, and the earliest instant for which it is known to be the answer.
#[derive(Debug, Clone, Copy)]
struct Known {
    from: Timestamp,
    window: Window,
}

impl WindowLookup {
    pub(super) fn window_after(&self, schedule: &Schedule, instant: Timestamp) -> Option<Window> {
        let mut all = self.0.borrow_mut();
        if let Some(known) = all.get(&schedule.name) {
            let hit = known.iter().find(|k| k.from <= instant && instant < k.window.closes);
            if let Some(hit) = hit {
                return Some(hit.window);
            }
        }
        let window = schedule.window_after(instant)?;
        let known = all.entry(schedule.name.clone()).or_default();
        match known.iter_mut().find(|k| k.window == window) {
            Some(found) => found.from = found.from.min(instant),
            None => known.push(Known { from: instant, window }),
        }
        Some(window)
    }
}
