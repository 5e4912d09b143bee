//! People who say something to the daemon: pause, go on, let it pass.

use jiff::SignedDuration;

use super::faults::Fault;
use super::ground::{Ground, locked};
use super::story::studio_id;
use crate::audit::replay::StudioPast;
use crate::clock::Clock;
use crate::switch::{Approved, MemorySwitchboard, Request, Wish};

/// Somebody says it.
pub(super) fn say(ground: &Ground, desk: &MemorySwitchboard, past: &StudioPast, fault: Fault) {
    let at = ground.clock.now();
    let hours = |hours| at + SignedDuration::from_hours(hours);
    let wish = match fault {
        Fault::Pauses => {
            let until = hours(ground.draw(|chance| chance.between(1, 9)));
            let mut paused = locked(&ground.paused);
            // One pause shortens no other.
            let longer = paused.filter(|(since, end)| *since <= at && *end >= until);
            *paused = longer.or(Some((at, until)));
            drop(paused);
            Wish::Pause { studio: None, until, note: Some("a demo".to_owned()) }
        }
        Fault::Approves => {
            let Some(held) = &past.held else { return };
            let Some(reason) = held.reason.clone() else { return };
            let held =
                Approved { code: reason.code, values: reason.values, policy: held.policy.clone() };
            Wish::Approve { studio: studio_id(), until: hours(2), held }
        }
        _ => {
            *locked(&ground.paused) = None;
            Wish::Resume { studio: None }
        }
    };
    // What is said while the machine sleeps is said in one instant, and each is a request of its own.
    let id = format!("{:020}-{}", at.as_nanosecond(), desk.added());
    desk.add(Request { id, at, who: "td".to_owned(), wish });
}
