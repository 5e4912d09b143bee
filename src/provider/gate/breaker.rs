//! The breaker: whether a service that keeps failing is asked at all.
//!
//! A pure state machine over monotonic time. What a call came to is a [`Sign`]; enough failures in a
//! row open the breaker, one answer closes it. Start at [`Breaker::ask`].

use std::collections::BTreeMap;

use jiff::SignedDuration;

use crate::inventory::{Gap, Problem, Snapshot};
use crate::provider::ProviderError;

/// How many calls in a row must fail. A studio whose listing fails is held after the first; this many
/// tell a service that is down from one bad minute.
pub(super) const FAILURES_MAX: u32 = 5;

/// How long nothing is asked after the breaker opened; then twice as long, and so on.
pub(super) const PAUSE_FIRST: SignedDuration = SignedDuration::from_secs(30);

/// How long the pause becomes: four doublings. It is shorter than two scans of five minutes, so that
/// an outage that is over is noticed within two; and long enough that four hours of outage take
/// some thirty probes.
pub(super) const PAUSE_MAX: SignedDuration = SignedDuration::from_mins(8);

/// How long whoever probed last leaves the next probe to others. Else a studio that hangs by itself
/// could be the one that probes each time, and keep all others from learning that the service is back.
pub(super) const PROBE_TURN: SignedDuration = SignedDuration::from_secs(5);

/// How long after its own last call a studio probes whoever else does: the service may be back for it alone, and what
/// it has to rescue waits for no more than half an hour.
pub(super) const OWN_TURN: SignedDuration = SignedDuration::from_mins(16);

/// One studio among those of a gate.
pub(super) type LaneId = u64;

/// What the outcome of a call says of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    /// It is there. A refusal is an answer too.
    Answered,
    /// It is there, and asks for patience.
    Throttled,
    /// It failed, or is not to be reached.
    Failed(Problem),
    /// It was not asked, which says nothing.
    Silent,
}

impl Sign {
    /// What a problem with one call says.
    ///
    /// A service that is down does not answer, answers that it failed, or has somebody else answer in
    /// its place: a proxy's page is garbled, or larger than any answer. Credentials that cannot be had, or
    /// are not taken although they are fresh, are the same to us: the next call would fail like the last,
    /// and where they come from is a service that must not be asked a thousand times either.
    /// Throttling is no failure: the pace of calls is the cure for it, and one throttled call in an
    /// hour must not end all others.
    pub(super) fn of(problem: Problem) -> Self {
        match problem {
            Problem::TimedOut
            | Problem::Unreachable
            | Problem::ServerError
            | Problem::Garbled
            | Problem::TooLarge
            | Problem::NoCredentials
            | Problem::CredentialsExpired => Self::Failed(problem),
            Problem::Throttled => Self::Throttled,
            // Pages without end are many answers.
            Problem::Denied
            | Problem::Gone
            | Problem::Conflict
            | Problem::Refused
            | Problem::EndlessPages => Self::Answered,
            Problem::NotAsked => Self::Silent,
        }
    }

    /// What a call came to.
    pub(super) fn of_answer<T>(answer: &Result<T, ProviderError>) -> Self {
        answer.as_ref().map_or_else(|error| Self::of(error.problem), |_| Self::Answered)
    }

    /// What a reading of a studio came to. One that brought anything was answered, whatever it lacks.
    pub(super) fn of_snapshot(snapshot: &Snapshot) -> Self {
        let mut signs: Vec<Self> =
            snapshot.gaps.iter().map(|Gap { problem, .. }| Self::of(*problem)).collect();
        if signs.contains(&Self::Throttled) {
            return Self::Throttled;
        }
        let is_empty = snapshot.sessions.is_empty() && snapshot.profiles.is_empty();
        signs.retain(|sign| matches!(sign, Self::Failed(_) | Self::Silent));
        let all_failed = signs.len() == snapshot.gaps.len();
        signs.first().filter(|_| is_empty && all_failed).copied().unwrap_or(Self::Answered)
    }
}

/// Whether a studio may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leave {
    /// As it likes.
    Free,
    /// One call at a time: the others have failed and this one has not, so it finds out for itself.
    One,
    /// One probe first, for everybody.
    Probe,
    /// Not before this instant of the monotonic clock.
    Not(SignedDuration),
}

/// How the calls to one service went.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    /// How many failed since the last answer.
    pub(super) failures: u32,
    /// What the last of them came to.
    pub(super) last: Option<Problem>,
    /// Whose calls they were, and when the last of each failed. A studio that has not failed itself is never kept from
    /// asking, since the others may fail for reasons of their own.
    failing: BTreeMap<LaneId, SignedDuration>,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    until: SignedDuration,
    pause: SignedDuration,
    probed_by: Option<LaneId>,
}

impl Breaker {
    pub(super) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Whether this studio may ask now.
    pub(super) fn ask(&self, lane: LaneId, now: SignedDuration) -> Leave {
        match self.asks_again(lane) {
            None if self.is_open() => Leave::One,
            None => Leave::Free,
            Some(at) if now < at => Leave::Not(at),
            Some(_) => Leave::Probe,
        }
    }

    /// From when this studio may probe, if it may not ask as it likes.
    pub(super) fn asks_again(&self, lane: LaneId) -> Option<SignedDuration> {
        let (open, failed) = self.open.as_ref().zip(self.failing.get(&lane))?;
        let is_turn_of_others = open.probed_by == Some(lane) && self.failing.len() > 1;
        let turn = if is_turn_of_others { open.until + PROBE_TURN } else { open.until };
        Some(turn.min(*failed + OWN_TURN))
    }

    /// There was an answer: all is forgotten. Says whether the breaker was open.
    pub(super) fn answered(&mut self) -> bool {
        std::mem::take(self).is_open()
    }

    /// A call failed. Says whether the breaker opens by it.
    pub(super) fn failed(&mut self, lane: LaneId, problem: Problem, now: SignedDuration) -> bool {
        self.failures = self.failures.saturating_add(1);
        self.last = Some(problem);
        self.failing.insert(lane, now);
        // What fails now was begun before it opened, and is no reason to wait longer.
        let opens = self.open.is_none() && self.failures >= FAILURES_MAX;
        if opens {
            let pause = PAUSE_FIRST;
            self.open = Some(Open { until: now + pause, pause, probed_by: None });
        }
        opens
    }

    /// A probe failed: the pause before the next is twice as long, where it was for everybody.
    pub(super) fn probe_failed(&mut self, lane: LaneId, problem: Problem, now: SignedDuration) {
        self.failed(lane, problem, now);
        if let Some(open) = self.open.as_mut().filter(|open| open.until <= now) {
            open.pause = open.pause.saturating_mul(2).min(PAUSE_MAX);
            open.until = now + open.pause;
            open.probed_by = Some(lane);
        }
    }
}

#[cfg(test)]
mod tests {

    use jiff::Timestamp;

    use super::*;
    use crate::inventory::{Stopping, Wanted};

    fn secs(secs: i64) -> SignedDuration {
        SignedDuration::from_secs(secs)
    }

    fn opened() -> Breaker {
        let mut breaker = Breaker::default();
        for _ in 1..FAILURES_MAX {
            assert!(!breaker.failed(1, Problem::TimedOut, secs(0)));
            assert_eq!(breaker.ask(1, secs(0)), Leave::Free);
        }
        assert!(breaker.failed(1, Problem::ServerError, secs(0)));
        breaker
    }

    #[test]
    fn it_opens_after_failures_in_a_row_and_an_answer_closes_it() {
        let mut breaker = Breaker::default();
        for _ in 1..FAILURES_MAX {
            breaker.failed(1, Problem::TimedOut, secs(0));
        }
        assert!(!breaker.answered(), "it was not open");
        assert!(!breaker.failed(1, Problem::TimedOut, secs(0)), "an answer came between");
        let mut breaker = opened();
        assert_eq!(breaker.ask(1, secs(29)), Leave::Not(secs(30)));
        assert_eq!(breaker.ask(1, secs(30)), Leave::Probe);
        assert!(breaker.answered());
        assert_eq!(breaker.ask(1, secs(30)), Leave::Free);
        assert_eq!((breaker.failures, breaker.last), (0, None));
    }

    #[test]
    fn the_pause_doubles_with_each_probe_and_has_a_bound() {
        let mut breaker = opened();
        let mut probes = Vec::new();
        let mut now = secs(0);
        while now < SignedDuration::from_hours(1) {
            now = breaker.asks_again(1).unwrap();
            probes.push(now.as_secs());
            breaker.probe_failed(1, Problem::TimedOut, now);
        }
        assert_eq!(probes, [30, 90, 210, 450, 930, 1410, 1890, 2370, 2850, 3330, 3810]);
    }

    #[test]
    fn what_fails_while_it_is_open_makes_no_pause_longer() {
        let mut breaker = opened();
        assert!(!breaker.failed(1, Problem::TimedOut, secs(10)));
        assert_eq!(breaker.asks_again(1), Some(secs(30)));
    }

    #[test]
    fn who_has_not_failed_finds_out_alone() {
        let mut breaker = opened();
        assert_eq!(breaker.ask(2, secs(0)), Leave::One);
        breaker.failed(2, Problem::TimedOut, secs(1));
        assert_eq!(breaker.ask(2, secs(1)), Leave::Not(secs(30)));
    }

    #[test]
    fn who_probed_last_leaves_the_next_probe_to_others() {
        let mut breaker = opened();
        breaker.probe_failed(1, Problem::TimedOut, secs(30));
        assert_eq!(breaker.asks_again(1), Some(secs(90)), "nobody else is there");
        breaker.failed(2, Problem::TimedOut, secs(31));
        assert_eq!(breaker.asks_again(1), Some(secs(95)));
        assert_eq!(breaker.asks_again(2), Some(secs(90)));
    }

    #[test]
    fn who_has_not_asked_for_long_probes_whoever_else_does() {
        let mut breaker = opened();
        breaker.failed(2, Problem::TimedOut, secs(0));
        let own = OWN_TURN.as_secs();
        let mut now = secs(30);
        while now < OWN_TURN {
            breaker.probe_failed(1, Problem::TimedOut, now);
            assert!(breaker.ask(2, now) != Leave::Probe || now >= OWN_TURN);
            now = breaker.asks_again(1).unwrap();
        }
        assert_eq!(breaker.asks_again(2), Some(secs(own)));
        assert_eq!(breaker.ask(2, secs(own - 1)), Leave::Not(secs(own)));
        assert_eq!(breaker.ask(2, secs(own)), Leave::Probe);
        // That is for itself alone: nobody waits longer for it.
        let others = breaker.asks_again(1);
        breaker.probe_failed(2, Problem::TimedOut, secs(own));
        assert_eq!(breaker.open.as_ref().map(|open| open.pause), Some(PAUSE_MAX));
        assert!(breaker.asks_again(1) <= others);
    }

    #[test]
    fn a_reading_failed_only_if_it_brought_nothing() {
        let gap = |wanted, problem| Gap { wanted, problem, detail: String::new() };
        let snapshot = |gaps| Snapshot::unread(Timestamp::UNIX_EPOCH, gaps);
        let (sessions, profiles) = (Wanted::Sessions, Wanted::LaunchProfiles);
        for (gaps, sign) in [
            (vec![], Sign::Answered),
            (vec![gap(sessions, Problem::Denied)], Sign::Answered),
            (vec![gap(sessions, Problem::TimedOut)], Sign::Failed(Problem::TimedOut)),
            (
                vec![gap(sessions, Problem::TimedOut), gap(profiles, Problem::ServerError)],
                Sign::Failed(Problem::TimedOut),
            ),
            (
                vec![gap(sessions, Problem::TimedOut), gap(profiles, Problem::Denied)],
                Sign::Answered,
            ),
            (
                vec![gap(sessions, Problem::TimedOut), gap(profiles, Problem::Throttled)],
                Sign::Throttled,
            ),
            (vec![gap(sessions, Problem::NotAsked)], Sign::Silent),
        ] {
            assert_eq!(Sign::of_snapshot(&snapshot(gaps.clone())), sign, "{gaps:?}");
        }
        let mut partly = snapshot(vec![gap(sessions, Problem::TimedOut)]);
        let stopping = Stopping::Allowed { destroyed_after: None };
        let profile = crate::inventory::LaunchProfile { name: None, stopping };
        partly.profiles.insert("p".into(), profile);
        assert_eq!(Sign::of_snapshot(&partly), Sign::Answered);
    }
}
