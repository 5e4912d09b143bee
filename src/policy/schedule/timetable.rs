//! A schedule as settings name it: one for everybody, or each owner's own.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Schedule;
use crate::ids::{OwnerId, ScheduleName};

/// What a `[schedule.NAME]` means for a session.
#[derive(Debug, Clone)]
pub enum Timetable {
    /// The same for everybody.
    Shared(Arc<Schedule>),
    /// The same hours in the time zone of each owner whose zone is known. Owners of one zone share a
    /// schedule.
    PerOwner {
        /// Its name in the policy file.
        name: ScheduleName,
        /// The schedules.
        schedules: BTreeMap<OwnerId, Arc<Schedule>>,
    },
}

impl Timetable {
    /// Its name in the policy file.
    #[must_use]
    pub fn name(&self) -> &ScheduleName {
        match self {
            Self::Shared(schedule) => &schedule.name,
            Self::PerOwner { name, .. } => name,
        }
    }

    /// The schedule for an owner's session; `None` where nobody knows the owner's time zone.
    #[must_use]
    pub fn of(&self, owner: Option<&OwnerId>) -> Option<&Arc<Schedule>> {
        match self {
            Self::Shared(schedule) => Some(schedule),
            Self::PerOwner { schedules, .. } => schedules.get(owner?),
        }
    }

    /// Each different schedule of it, with one owner as an example where it is not everybody's.
    #[must_use]
    pub fn schedules(&self) -> Vec<(Option<&OwnerId>, &Arc<Schedule>)> {
        match self {
            Self::Shared(schedule) => vec![(None, schedule)],
            Self::PerOwner { schedules, .. } => {
                let mut different: Vec<(Option<&OwnerId>, &Arc<Schedule>)> = Vec::new();
                for (owner, schedule) in schedules {
                    if different.iter().all(|(_, known)| !Arc::ptr_eq(known, schedule)) {
                        different.push((Some(owner), schedule));
                    }
                }
                different
            }
        }
    }
}
