//! Each call that changes something, judged at the moment at which it is made.
//!
//! The judge reads the policy by `rules` and `hours` and the studio as it really is. It shares neither
//! the plan's order of questions nor its windows. It is strict where the daemon could have known, and
//! lenient only by what passes between the last look and the call.

use jiff::{SignedDuration, Timestamp};

use super::disk::DiskHandle;
use super::faults::Fault;
use super::ground::{Ground, Shown, US, locked};
use super::hours::{Hours, Idle};
use super::rules::{
    ASKED_EVERY, AT_HOME, AT_HOME_IN, DEFER_MAX, LATE, OBSERVED, Preserve, RENDERS, Rules,
    SUPERVISOR, UNSCHEDULED,
};
use crate::clock::Clock;
use crate::plan::Action;
use crate::sandbox::world::{LaunchProfile, Mode, Session, SessionState};

/// The step of a search through the hours of a schedule.
const QUARTER: SignedDuration = SignedDuration::from_mins(15);

/// How long before a call its session may have been read: what changed since then is nobody's fault.
const LOOKED_MAX: SignedDuration = SignedDuration::from_secs(100);

/// How far a search for the next working hours goes.
const SEARCH: SignedDuration = SignedDuration::from_hours(14 * 24);

/// Below this a rotation is not worth it.
const ROTATION_MIN: SignedDuration = SignedDuration::from_hours(2);

/// How long before the end of a stopped session its rescue may begin. A clock that was set right may
/// have been ahead by more than a stop has shown, up to the time which that took, and is taken to be behind by the rest.
const RESCUE: SignedDuration = SignedDuration::from_mins(30 + 5);

/// How much longer than until the next question an answer counts: that one may take its time.
const ANSWER_WITHIN: SignedDuration = SignedDuration::from_mins(3);

/// How long a call may wait after the scan that planned it: what comes to nothing is tried again.
const ON_ITS_WAY_MAX: SignedDuration = SignedDuration::from_mins(5);

/// Judges a stop or a start.
pub(super) fn call(ground: &Ground, disk: &DiskHandle, action: Action, id: &str, token: &str) {
    if !disk.holds_durably(token) {
        ground.find("no call without a durable intent", format!("{action} of {id}"));
    }
    let Some((session, profile)) = ground.truth(id) else { return };
    let rules = locked(&ground.rules).clone();
    let scene = Scene { ground, rules: &rules, session: &session, profile: &profile };
    match action {
        Action::Stop => {
            *locked(&ground.misled) = SignedDuration::ZERO;
            scene.is_listed();
            scene.note_keep(token);
            scene.note_end();
            scene.stop();
        }
        Action::Start => scene.start(),
    }
}

/// Judges a mark: only a stop of ours is marked, and with its own instant.
pub(super) fn mark(ground: &Ground, id: &str, value: &str) {
    let Some((session, _)) = ground.truth(id) else { return };
    let is_ours = session.stopped_by.as_deref() == Some(US);
    let instant = session.stopped_at.map(|at| at.to_string());
    let is_later = session.started_at > session.stopped_at;
    if !is_later && (!is_ours || instant.as_deref() != Some(value)) {
        ground.find("only our own stops are marked", format!("{id} with {value}"));
    }
}

/// One call and what it is about.
struct Scene<'a> {
    ground: &'a Ground,
    rules: &'a Rules,
    session: &'a Session,
    profile: &'a LaunchProfile,
}

impl Scene<'_> {
    fn now(&self) -> Timestamp {
        self.ground.clock.now()
    }

    fn find(&self, rule: &'static str, what: &str) {
        let Session { id, state, started_at, tags, .. } = self.session;
        let started = started_at.map_or("never".to_owned(), |at| at.to_string());
        let state = state.as_str();
        self.ground.find(rule, format!("{id} ({state}, started {started}, {tags:?}): {what}"));
    }

    /// In a pause nothing is called, but to save work.
    fn pause(&self) {
        let paused = *locked(&self.ground.paused);
        let is_paused = paused
            .is_some_and(|(since, until)| since + LOOKED_MAX < self.now() && self.now() < until);
        if is_paused {
            self.find("nothing is called in a pause", "it is paused");
        }
    }

    /// A studio of which a part is not known, or not whose it is, is left alone.
    fn is_listed(&self) {
        let Shown { whole_at, is_doubtful, .. } = *locked(&self.ground.shown);
        // What was planned by the listing before may still be on its way.
        let is_old = whole_at.is_none_or(|at| at + ON_ITS_WAY_MAX < self.ground.service.now());
        if is_doubtful && is_old {
            self.find("nothing is stopped upon a doubtful listing", &format!("{whole_at:?}"));
        }
    }

    /// What was kept until a while ago is to be warned since.
    fn note_keep(&self, token: &str) {
        let until = self.session.tags.get("lightsout:keep-until");
        let until = until.and_then(|until| until.parse::<Timestamp>().ok());
        if let Some(until) = until.filter(|until| *until <= self.now() && self.has_seen_tags()) {
            locked(&self.ground.once_kept).insert(token.to_owned(), until);
        }
    }

    fn stop(&self) {
        self.pause();
        if self.session.state != SessionState::Ready {
            // Somebody else was faster, or an earlier call has had its effect; the service refuses.
            return;
        }
        self.exempt("no kept session is stopped");
        if !self.may_be_stopped() && self.has_seen_profiles() {
            self.find("no stop where the launch profile forbids it", "stopped");
        }
        let (by_hours, by_uptime) = (self.due_by_hours(), self.due_by_uptime());
        if !self.has_seen_schedule() {
            return;
        }
        if !by_hours && !by_uptime {
            self.find("no stop outside the policy", "it is not due");
        }
        if by_hours && !by_uptime && self.is_too_short() {
            self.find("no stop that is not worth it", "its window is about to close");
        }
        self.is_not_busy(by_hours, by_uptime);
        self.survives(by_uptime && !by_hours);
    }

    /// What a veto has just called busy is let alone, unless it has been due for long.
    fn is_not_busy(&self, by_hours: bool, by_uptime: bool) {
        let busy = locked(&self.ground.busy).get(self.session.id.as_str()).copied();
        let (now, hours) = (self.now(), self.hours());
        let is_fresh = busy.is_some_and(|at| at <= now && now < at + ASKED_EVERY);
        let long = now - DEFER_MAX + SignedDuration::from_mins(20);
        let ran_out = |limit| self.started().is_some_and(|start| start + limit > long);
        let of_hours = || {
            (ran_out(self.rules.lease) && !self.is_rescued())
                || hours.next_surely_working(long, now.duration_until(long).abs()).is_some()
        };
        let of_uptime = || self.rules.max_uptime.is_some_and(ran_out);
        let is_recent = (!by_hours || of_hours()) && (!by_uptime || of_uptime());
        if !self.rules.asks || !is_recent {
            return;
        }
        if is_fresh {
            self.find("no busy session is stopped", "a veto says that it is busy");
        }
        let asked = locked(&self.ground.asked).get(self.session.id.as_str()).copied();
        if asked.is_none_or(|at| at + ASKED_EVERY + ANSWER_WITHIN + LOOKED_MAX < now) {
            self.find("no session is stopped whose veto was not asked", &format!("{asked:?}"));
        }
    }

    /// Whoever is exempt is not touched, unless it was made exempt since it was read for the last time.
    fn exempt(&self, rule: &'static str) {
        if self.session.owned_by.as_deref() == Some(SUPERVISOR) {
            self.find(rule, "a rule keeps it");
        }
        let is_observed = self.profile.name == OBSERVED && !self.is_unscheduled();
        if is_observed || self.rules.observes {
            self.find("nothing is called in observe", "a rule says observe");
        }
        if self.has_seen_tags() && self.is_kept_by_tag() {
            self.find(rule, "a tag keeps it");
        }
    }

    /// Whether its tags are those that the daemon saw, or had to see: it looks just before it calls.
    fn has_seen_tags(&self) -> bool {
        let id = self.session.id.as_str();
        self.has_seen(locked(&self.ground.tagged).get(id).copied())
    }

    /// The same for the tag that names another schedule.
    fn has_seen_schedule(&self) -> bool {
        let id = self.session.id.as_str();
        self.has_seen(locked(&self.ground.rescheduled).get(id).copied())
    }

    /// Whether it saw what was changed at some instant, or had to.
    fn has_seen(&self, changed: Option<Timestamp>) -> bool {
        let id = self.session.id.as_str();
        let looked = locked(&self.ground.looked).get(id).copied();
        let is_old = |at: Timestamp| at + LOOKED_MAX < self.ground.service.now();
        changed.is_none_or(|changed| looked.is_none_or(|at| changed < at || is_old(at)))
    }

    /// Whether it saw, or had to see, which launch profiles permit stopping: they are listed.
    fn has_seen_profiles(&self) -> bool {
        let Some(changed) = locked(&self.ground.edited).last().copied() else { return true };
        let shows = locked(&self.ground.shown).shows;
        let waits = self.rules.scan + ON_ITS_WAY_MAX;
        shows.is_some_and(|shows| changed + waits < shows)
    }

    /// The idle hours that apply to it.
    fn hours(&self) -> &Hours {
        self.named_hours().unwrap_or(&self.rules.hours)
    }

    /// Those of the schedule that its tag names, where they are known.
    fn named_hours(&self) -> Option<&Hours> {
        let is_at_home = self.session.owned_by.as_deref() == Some(AT_HOME_IN.0);
        match self.session.tags.get("lightsout:schedule")?.as_str() {
            LATE => Some(&self.rules.late),
            AT_HOME => Some(&self.rules.at_home).filter(|_| is_at_home),
            _ => None,
        }
    }

    fn is_kept_by_tag(&self) -> bool {
        self.session.tags.iter().any(|(key, value)| match key.as_str() {
            "lightsout:stopped" => false,
            "lightsout:schedule" => self.named_hours().is_none(),
            "lightsout:keep-until" => {
                value.parse::<Timestamp>().map_or(true, |until| until > self.now())
            }
            // The first rule that matches is the one that applies.
            key if key == RENDERS.0 => value == RENDERS.1 && !self.is_unscheduled(),
            key => key.starts_with("lightsout:"),
        })
    }

    fn started(&self) -> Option<Timestamp> {
        self.session.started_at.max(self.session.created_at)
    }

    fn may_be_stopped(&self) -> bool {
        self.stopped_length().is_some() || self.persists()
    }

    /// Whether it may stay off for as long as it likes.
    fn persists(&self) -> bool {
        let on = |mode: &Option<Mode>| *mode == Some(Mode::Activated);
        on(&self.session.session_persistence_mode) && !on(&self.session.automatic_termination_mode)
    }

    /// How long it lives when it is off.
    fn stopped_length(&self) -> Option<SignedDuration> {
        let minutes = self.profile.stream.max_stopped_session_length_in_minutes?;
        let is_limited = minutes > 0 && !self.persists();
        is_limited.then(|| SignedDuration::from_mins(i64::from(minutes)))
    }

    fn due_by_hours(&self) -> bool {
        let is_scheduled = !self.is_unscheduled() || self.named_hours().is_some();
        let Some(started) = self.started().filter(|_| is_scheduled) else { return false };
        let is_leased = self.now() < started + self.rules.lease && !self.is_rescued();
        !is_leased && self.hours().idle(self.now()) != Idle::No
    }

    fn due_by_uptime(&self) -> bool {
        let (Some(limit), Some(started)) = (self.rules.max_uptime, self.started()) else {
            return false;
        };
        if self.is_unscheduled() {
            return false;
        }
        self.now() >= started + limit && !self.hours().lifted(self.now())
    }

    fn is_unscheduled(&self) -> bool {
        self.session.owned_by.as_deref() == Some(UNSCHEDULED)
    }

    /// Whether its run is one that we began to rescue it: it may have no lease.
    fn is_rescued(&self) -> bool {
        let is_ours = self.session.started_by.as_deref() == Some(US);
        is_ours && locked(&self.ground.rescued).contains(self.session.id.as_str())
    }

    fn is_too_short(&self) -> bool {
        let left = self.rules.least_stop - LOOKED_MAX;
        let mut ahead = SignedDuration::ZERO;
        while ahead < left {
            if self.hours().idle(self.now() + ahead) == Idle::No {
                return true;
            }
            ahead += SignedDuration::from_mins(1);
        }
        false
    }

    /// The data-loss guard.
    fn survives(&self, is_by_uptime: bool) {
        let Some(length) = self.stopped_length() else { return };
        match self.rules.preserve {
            Preserve::Allow => return,
            Preserve::Rotate if length >= ROTATION_MIN => return,
            Preserve::Rotate | Preserve::Refuse => {}
        }
        let hours = self.hours();
        let from =
            if is_by_uptime { hours.next_idle(self.now(), SEARCH) } else { Some(self.now()) };
        let Some(closes) = from.and_then(|from| hours.next_working(from, SEARCH)) else { return };
        let needed = self.people_are_back(closes, self.rules.return_margin - QUARTER);
        if self.now() + length < needed - SignedDuration::from_mins(5) {
            self.find("no stop that would destroy work", &format!("it lives for {length:#}"));
        }
    }

    /// When so much time has gone by that may be worked in. What is idle for sure brings nobody back.
    fn people_are_back(&self, closes: Timestamp, margin: SignedDuration) -> Timestamp {
        let (mut at, mut left) = (closes, margin);
        while left.is_positive() && at < closes + SEARCH {
            if self.hours().idle(at) != Idle::Yes {
                left -= QUARTER;
            }
            at += QUARTER;
        }
        at
    }

    fn start(&self) {
        if !matches!(self.session.state, SessionState::Stopped | SessionState::StartFailed) {
            return;
        }
        let mut rescued = locked(&self.ground.rescued);
        if self.is_rescue() {
            rescued.insert(self.session.id.to_string());
            self.note_whose();
            return;
        }
        rescued.remove(self.session.id.as_str());
        drop(rescued);
        self.pause();
        self.exempt("no kept session is started");
        if !self.rules.resume || self.session.stopped_by.as_deref() != Some(US) {
            self.find(
                "only our own stops are undone",
                "it was stopped by another, or is to stay off",
            );
        }
        let hours = self.hours();
        if !self.has_seen_schedule() {
            return;
        }
        if hours.idle(self.now() + SignedDuration::from_mins(11)) == Idle::Yes {
            self.find("no start into idle hours", "its window does not close yet");
        }
        if hours.closed(self.now()) && hours.closed(self.now() - LOOKED_MAX) {
            self.find("no start on a closed day", "it is closed");
        }
    }

    /// The same by the rules that were in force when it was stopped, or an hour before; or by what it was to live to then.
    fn was_short_of(&self, stopped: Timestamp) -> bool {
        let in_force = locked(&self.ground.in_force);
        let before = stopped - SignedDuration::from_hours(1);
        let first = in_force.iter().rposition(|(since, _)| *since <= before).unwrap_or(0);
        let mut then = in_force.iter().skip(first).take_while(|(since, _)| *since <= stopped);
        let put_off = locked(&self.ground.put_off).get(self.session.id.as_str()).copied();
        let is_before =
            |back: Timestamp| self.ends(Some(stopped)).into_iter().any(|end| end < back);
        then.any(|(_, rules)| Scene { rules, ..*self }.is_short_of(stopped))
            || put_off.is_some_and(is_before)
    }

    /// Whom a rescued session is off for: it stays off for whoever turned it off before the first of its rescues.
    fn note_whose(&self) {
        let is_us = |who: &Option<String>| who.as_deref() == Some(US);
        let id = self.session.id.as_str();
        let mut off = locked(&self.ground.off_for_others);
        let goes_on = is_us(&self.session.started_by) && off.contains(id);
        if goes_on || !is_us(&self.session.stopped_by) {
            off.insert(id.to_owned());
        } else {
            off.remove(id);
        }
    }

    /// Until when it is to live once it is off, and for how long it will, whatever becomes of its hours and its launch
    /// profile.
    fn note_end(&self) {
        let mut put_off = locked(&self.ground.put_off);
        match self.back_from(self.now()) {
            Some((_, back)) => put_off.insert(self.session.id.to_string(), back),
            None => put_off.remove(self.session.id.as_str()),
        };
        let mut lived = locked(&self.ground.lived);
        match self.stopped_length() {
            Some(length) => lived.insert(self.session.id.to_string(), length),
            None => lived.remove(self.session.id.as_str()),
        };
    }

    /// When it may be destroyed that is off since an instant: either the service's own instant or the clock of the
    /// launch profile may be the true one. Where neither tells, what we stopped has the end of then.
    fn ends(&self, stopped: Option<Timestamp>) -> Vec<Timestamp> {
        let by_profile = stopped.zip(self.stopped_length());
        let by_profile = by_profile.map(|(stopped, length)| stopped + length);
        let mut ends: Vec<_> = self.session.terminate_at.into_iter().chain(by_profile).collect();
        if ends.is_empty() && self.session.stopped_by.as_deref() == Some(US) {
            let length = locked(&self.ground.lived).get(self.session.id.as_str()).copied();
            ends.extend(stopped.zip(length).map(|(stopped, length)| stopped + length));
        }
        ends
    }

    /// Whether what was stopped at an instant ends in the idle hours then, or in those after it.
    fn is_short_of(&self, stopped: Timestamp) -> bool {
        let Some((closes, back)) = self.back_from(stopped) else { return true };
        let ends = self.ends(Some(stopped)).into_iter();
        let tolerance = SignedDuration::from_mins(20);
        ends.min().is_some_and(|end| end < closes + tolerance || end <= back)
    }

    /// When the idle hours at an instant, or those after it, close, and when people are back from them.
    fn back_from(&self, at: Timestamp) -> Option<(Timestamp, Timestamp)> {
        let hours = self.hours();
        let closes = hours.next_working(hours.next_idle(at, SEARCH)?, SEARCH)?;
        Some((closes, self.people_are_back(closes, self.rules.return_margin)))
    }

    /// Whether it is about to be destroyed, and is to be saved from that.
    fn is_rescue(&self) -> bool {
        let mut ends = self.ends(self.session.stopped_at).into_iter();
        // By its own clock, or by the service's where that is ahead and a stop has shown it.
        let misled = *locked(&self.ground.misled);
        let now = self.now().max(self.ground.service.now()) + misled;
        let mut is_near = || ends.any(|end| now >= end - RESCUE);
        match self.rules.preserve {
            Preserve::Rotate => is_near(),
            // What was put off under another policy would not be there when people come back.
            Preserve::Refuse => {
                // Where no hours are its own any more, or nobody is shown to own it, nobody knows when people are back.
                let is_put_off = self.session.stopped_by.as_deref() == Some(US);
                let is_anybody_s =
                    self.is_unscheduled() || self.ground.lies_over(&[Fault::OwnerUnknown]);
                let is_timeless = is_put_off && is_anybody_s && self.named_hours().is_none();
                // It was put off to be there until people are back by the rules of then.
                let is_promised = |at| is_put_off && self.was_short_of(at);
                let is_short = |at| is_timeless || is_promised(at) || self.is_short_of(at);
                is_near() && self.session.stopped_at.is_some_and(is_short)
            }
            Preserve::Allow => false,
        }
    }
}
