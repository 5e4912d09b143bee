//! What the log says of a studio as a whole: pauses, approvals, brakes that hold, and changes that came
//! too suddenly.

use jiff::{SignedDuration, Timestamp};

use super::{Held, Replay, StudioPast, held};
use crate::audit::record::{Data, Kind, ReasonData, Record};
use crate::ids::{PolicyHash, SessionId};
use crate::plan::{
    Action, Approval, BrakeBound, InventoryDoubt, Latch, Pause, WarningGiven, used_in_the_hour,
};
use crate::policy::Mode;

/// How many requests are remembered. A request file is removed as soon as its record is durable, so
/// that only the latest ones can still be there.
const REQUESTS_MAX: usize = 1024;

/// The codes of the reasons that an approval, or another listing, ends.
const BRAKE: &str = "brake";
const BRAKE_LATCHED: &str = "brake_latched";
const INVENTORY_CHANGED: &str = "inventory_changed";
/// A changed policy by which many more are due: only a person's word ends it.
pub const POLICY_CHANGED: &str = "policy_changed";

/// What the start of a program says that looks once, and does not stay.
pub const ONCE: &str = "once";

/// How long after the instant that it names, or after it was given, a warning counts where the stop was held
/// meanwhile, or no daemon was there to make it.
pub const WARNED_FOR: SignedDuration = SignedDuration::from_hours(1);

/// From how long ago on the last record shows that nobody looks once and again.
pub const NOBODY_FOR: SignedDuration = SignedDuration::from_hours(12);

/// Whether a reason says of a session that it is not to be stopped, for now or at all, whatever was announced.
#[must_use]
pub fn lets_go(code: &str) -> bool {
    const LETTING_GO: [&str; 10] = [
        "rule_keep",
        "tag_keep",
        "tag_keep_until",
        "tag_unreadable",
        "keep_too_long",
        "keep_ending",
        "not_stoppable",
        "would_be_destroyed",
        "never_due",
        "owner_zone_unknown",
    ];
    LETTING_GO.contains(&code)
}

impl Replay {
    /// Whether the request of a person is recorded already.
    #[must_use]
    pub fn has_taken(&self, request: &str) -> bool {
        self.requests.contains(request)
    }

    /// Learns what a person said, of one studio or of all, or that a program is there again. The record before it may
    /// be from long ago.
    pub(super) fn said(&mut self, record: &Record, before: Option<Timestamp>) {
        if let Some(request) = &record.data.request {
            self.requests.insert(request.clone());
            // Their names begin with the instant, so that the first is the oldest.
            while self.requests.len() > REQUESTS_MAX {
                self.requests.pop_first();
            }
        }
        let change: &dyn Fn(&mut StudioPast) = match record.kind {
            Kind::DaemonPaused => &|past| past.pause(record),
            Kind::DaemonResumed => &|past| past.resume(record.time),
            // A repair is the first that a program writes which finds the end of the log torn.
            Kind::DaemonStarted | Kind::LogRepaired => &|past| past.begin(record, before),
            _ => return,
        };
        match record.data.studio.as_deref() {
            Some(studio) => change(self.past(studio)),
            None => {
                change(&mut self.others);
                self.studios.values_mut().for_each(change);
            }
        }
    }
}

impl StudioPast {
    /// One pause shortens no other: who wants it shorter resumes first.
    fn pause(&mut self, record: &Record) {
        let data = &record.data;
        let Some(until) = data.until else { return };
        self.take_back(record.time);
        let pause = Pause { until, who: data.who.clone().unwrap_or_default() };
        let longer = self.history.paused.take().filter(|before| before.until >= until);
        self.history.paused = Some(longer.unwrap_or(pause));
    }

    /// What was announced before a pause that somebody ends soon stands.
    fn resume(&mut self, now: Timestamp) {
        self.take_back(now);
        self.forget_overdue(now);
        // What keeps a session busy after a pause does so for as long as if nobody had asked before it.
        if self.history.paused.take().is_some() {
            self.history.sessions.values_mut().for_each(|past| past.vetoes.clear());
        }
    }

    /// A pause that has ended by itself took back the warnings before it, whatever is said of pauses after.
    fn take_back(&mut self, now: Timestamp) {
        let is_over = |pause: &mut Pause| !pause.holds_at(now);
        let Some(Pause { until, .. }) = self.history.paused.take_if(is_over) else { return };
        for past in self.history.sessions.values_mut() {
            past.warnings.retain(|warning| until <= warning.said);
            past.vetoes.retain(|_, given| until <= given.at);
        }
    }

    /// Who is let go was warned of nothing: whatever ends that, an old warning does not come back. Nor has anybody
    /// been heard of it: what keeps it busy afterwards does so for as long as if it had not been asked before.
    pub(super) fn let_go(&mut self, session: &SessionId, record: &Record) {
        let code = record.data.reason.as_ref().map(|reason| reason.code.as_str());
        if code.is_some_and(lets_go)
            && let Some(past) = self.history.sessions.get_mut(session)
        {
            past.warnings.clear();
            past.vetoes.clear();
        }
    }

    /// Who is due at another instant by now was warned of nothing that counts: the instant may come back, with a
    /// tag or a policy, when nobody thinks of it any more; and what a veto said was about another stop. And who is only
    /// observed by now is not to be stopped.
    pub(super) fn due_otherwise(&mut self, session: &SessionId, record: &Record) {
        if let Some(due) = record.data.due
            && let Some(past) = self.history.sessions.get_mut(session)
        {
            let mode = mode(&record.data).unwrap_or(Mode::Enforce);
            past.warnings.retain(|warning| warning.due == due && warning.mode <= mode);
            past.vetoes.retain(|_, given| given.due == due);
        }
    }

    /// A program is there, and nobody knows for how long none was. Who looks once and again is never there for long; but
    /// what is looked at every few hours had somebody all the time.
    fn begin(&mut self, record: &Record, before: Option<Timestamp>) {
        let now = record.time;
        let is_repair = record.kind == Kind::LogRepaired;
        let is_stay = !is_repair && record.data.note.as_deref() != Some(ONCE);
        let away = before.map(|before| before.duration_until(now));
        if is_stay || away.is_some_and(|away| away >= NOBODY_FOR) {
            self.forget_overdue(now);
        }
        // What was written last may have waited for its disk until the one who wrote it was ended; but who looks once
        // ends by himself.
        if !is_stay && !is_repair {
            return;
        }
        let warnings = self.history.sessions.values_mut().flat_map(|past| &mut past.warnings);
        for warning in warnings.filter(|warning| before.is_some_and(|at| at <= warning.said)) {
            warning.at = warning.at.max(now);
        }
    }

    /// What was to be stopped long ago, and was held, is news to whoever was warned then.
    fn forget_overdue(&mut self, now: Timestamp) {
        for past in self.history.sessions.values_mut() {
            past.warnings.retain(|given| !is_overdue(given, now));
        }
    }

    /// Whether anybody was warned of a stop that was to be made long ago.
    #[must_use]
    pub fn has_overdue(&self, now: Timestamp) -> bool {
        let mut warnings = self.history.sessions.values().flat_map(|past| &past.warnings);
        warnings.any(|given| is_overdue(given, now))
    }

    /// Learns from a record about the studio as a whole.
    pub(super) fn controlled(&mut self, record: &Record) {
        let data = &record.data;
        match record.kind {
            Kind::StudioHeld => {
                let before = self.held.replace(held(data));
                let is_whole = |held: &Held| held.reason.as_ref().is_some_and(|r| !is_brake(r));
                // What held all of it is over, though a brake holds some of it now.
                if data.reason.as_ref().is_some_and(is_brake)
                    && before.as_ref().is_some_and(is_whole)
                {
                    self.forget_overdue(record.time);
                }
                self.doubted(record);
            }
            Kind::StudioResumed => {
                self.held = None;
                self.history.inventory.doubt = None;
                self.forget_overdue(record.time);
            }
            Kind::StudioApproved => self.approved(record),
            Kind::StudioUnattended => self.forget_overdue(record.time),
            Kind::BrakeEngaged => {
                if let Some((mode, latch)) = mode(data).zip(data.reason.as_ref().and_then(latch)) {
                    self.history.braked.insert(mode, latch);
                }
            }
            Kind::BrakeReleased => {
                if let Some(mode) = mode(data) {
                    self.history.braked.remove(&mode);
                }
                // Something else may be held still.
                self.forget_overdue(record.time);
            }
            Kind::PolicyApplied => {
                self.history.policy = hash(data);
                self.history.held_policy = None;
            }
            Kind::InventoryConfirmed => {
                let missing = data.reason.as_ref().and_then(|reason| number(reason, "missing"));
                self.history.inventory.gone = missing.unwrap_or(0);
                self.history.inventory.doubt = None;
            }
            _ => {}
        }
    }

    /// What the studio is held for, as far as the next scan depends on it.
    fn doubted(&mut self, record: &Record) {
        let Some(reason) = &record.data.reason else { return };
        if reason.code == POLICY_CHANGED {
            self.history.held_policy = hash(&record.data);
        }
        let numbers = number(reason, "now").zip(number(reason, "missing"));
        if let Some((seen, missing)) = numbers.filter(|_| reason.code == INVENTORY_CHANGED) {
            let doubt = InventoryDoubt { at: record.time, seen, missing };
            self.history.inventory.doubt = Some(doubt);
        }
    }

    fn approved(&mut self, record: &Record) {
        let data = &record.data;
        let (Some(reason), Some(until)) = (&data.reason, data.until) else { return };
        let is_start = reason.values.get("action").is_some_and(|action| action == "start");
        let action = if is_start { Action::Start } else { Action::Stop };
        // What was asked for in the hour before is in the count of an hour, and does not come once more.
        let bound = reason.values.get("bound").filter(|_| reason.code == BRAKE);
        let is_of_hour = bound.is_some_and(|bound| bound.contains("per_hour"));
        let used =
            if is_of_hour { used_in_the_hour(&self.history, action, record.time) } else { 0 };
        let approved = &mut self.history.approved;
        let (place, count): (_, Option<usize>) = match reason.code.as_str() {
            BRAKE if is_start => (&mut approved.starts, number(reason, "count")),
            BRAKE | BRAKE_LATCHED => (&mut approved.stops, number(reason, "count")),
            INVENTORY_CHANGED => (&mut approved.inventory, number(reason, "now")),
            POLICY_CHANGED => (&mut approved.policy, number(reason, "now")),
            _ => return,
        };
        // What does not say how many approves none.
        let Some(count) = count else { return };
        let left = count.saturating_sub(usize::try_from(used).unwrap_or(usize::MAX));
        *place = Some(Approval { count, left, until, policy: hash(data) });
        self.forget_overdue(record.time);
    }

    /// A decision about a session makes it known; but not one that only says that too many came at once,
    /// which would confirm them by itself.
    pub(super) fn know(&mut self, session: &SessionId, record: &Record) {
        let code = record.data.reason.as_ref().map(|reason| reason.code.as_str());
        let due = due(code, &record.data);
        match self.history.known.get_mut(session) {
            // A hold of the whole studio does not say when the session is due.
            Some(_) if due.is_none() && is_hold(&record.data) => {}
            Some(known) => *known = due,
            None if code == Some(INVENTORY_CHANGED) => {}
            None => drop(self.history.known.insert(session.clone(), due)),
        }
    }

    /// A session is gone.
    pub(super) fn forget(&mut self, session: &SessionId) {
        if self.history.known.remove(session).is_some() {
            let gone = &mut self.history.inventory.gone;
            *gone = gone.saturating_sub(1);
        }
    }
}

/// Whether the stop that a warning is about was to be made long ago.
fn is_overdue(given: &WarningGiven, now: Timestamp) -> bool {
    let latest = given.due.max(given.said);
    latest.checked_add(WARNED_FOR).unwrap_or(Timestamp::MAX) < now
}

/// When a session is to be stopped by a decision, where it is one that leads to a stop.
fn due(code: Option<&str>, data: &Data) -> Option<Timestamp> {
    const LEADING_TO_A_STOP: [&str; 8] = [
        "not_due",
        "warning",
        "warning_out",
        "veto_unasked",
        "idle_hours",
        "max_uptime",
        BRAKE,
        BRAKE_LATCHED,
    ];
    data.due.filter(|_| code.is_some_and(|code| LEADING_TO_A_STOP.contains(&code)))
}

fn is_brake(reason: &ReasonData) -> bool {
    [BRAKE, BRAKE_LATCHED].contains(&reason.code.as_str())
}

fn is_hold(data: &Data) -> bool {
    data.verdict.as_deref() == Some("hold")
}

fn mode(data: &Data) -> Option<Mode> {
    match data.mode.as_deref() {
        Some("enforce") => Some(Mode::Enforce),
        Some("observe") => Some(Mode::Observe),
        _ => None,
    }
}

fn latch(reason: &ReasonData) -> Option<Latch> {
    let bounds = [BrakeBound::PerScan, BrakeBound::PerHour];
    let bound = reason.values.get("bound")?;
    let bound = bounds.into_iter().find(|known| known.to_string() == *bound)?;
    Some(Latch { bound, limit: number(reason, "limit")? })
}

fn number<T: std::str::FromStr>(reason: &ReasonData, name: &str) -> Option<T> {
    reason.values.get(name)?.parse().ok()
}

fn hash(data: &Data) -> Option<PolicyHash> {
    data.policy.as_deref().map(PolicyHash::from)
}

/// Whether an approval can end a hold, and what it lets pass: a number of what.
#[must_use]
pub fn approvable(reason: &ReasonData) -> Option<(usize, &'static str)> {
    let is_start =
        reason.values.get("action").is_some_and(|action| *action == Action::Start.to_string());
    let of = |name, what| number(reason, name).map(|count| (count, what));
    match reason.code.as_str() {
        BRAKE if is_start => of("count", "starts"),
        BRAKE | BRAKE_LATCHED => of("count", "stops"),
        INVENTORY_CHANGED => of("now", "sessions seen"),
        POLICY_CHANGED => of("now", "sessions due"),
        _ => None,
    }
}
