//! The log judged as a whole: that it is whole, that what it says is what was done, and that nothing
//! in it comes twice.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::ground::{Ground, US, locked};
use super::rules::Rules;
use crate::audit::record::{Deed, Kind, Record, Stage};
use crate::plan::Action;
use crate::sandbox::world::Operation;

/// When each warning was given: by the session, the run, the due instant and the lead.
type Given<'a> = BTreeMap<(&'a str, Timestamp, Timestamp, i64), Timestamp>;

/// How long after the instant that it names a warning counts where the stop is held.
const HELD_FOR: SignedDuration = SignedDuration::from_hours(1);

/// Whether a record is of another kind than a decision, or of one by which a session is due at another instant
/// than before, or in another mode.
pub(super) fn tells_of_another_due(
    record: &Record,
    due: &mut BTreeMap<Box<str>, (Timestamp, bool)>,
) -> bool {
    if record.kind != Kind::SessionDecided {
        return true;
    }
    if lets_go(record) {
        return true;
    }
    let Some(now) = record.data.due else { return false };
    let now = (now, record.data.mode.as_deref() == Some("enforce"));
    due.insert(record.subject.as_str().into(), now) != Some(now)
}

/// Whether it says of a session that it is not to be stopped.
fn lets_go(record: &Record) -> bool {
    // By a list of its own: what the plan's lacks is to show.
    const KEPT: [&str; 10] = [
        "keep_ending",
        "keep_too_long",
        "never_due",
        "not_stoppable",
        "owner_zone_unknown",
        "rule_keep",
        "tag_keep",
        "tag_keep_until",
        "tag_unreadable",
        "would_be_destroyed",
    ];
    record.data.reason.as_ref().is_some_and(|reason| KEPT.contains(&&*reason.code))
}

/// Whether it says of a session that vetoes have kept it for as long as they may.
pub(super) fn is_overruled(record: &Record) -> bool {
    record.data.reason.as_ref().is_some_and(|reason| reason.values.contains_key("overruled"))
}

/// As much of a record as is judged.
#[derive(Debug)]
pub(super) struct Judged {
    pub(super) time: Timestamp,
    pub(super) kind: Kind,
    pub(super) subject: Box<str>,
    pub(super) stopped_at: Option<Timestamp>,
    session: Box<str>,
    token: Option<Box<str>>,
    policy: Option<Box<str>>,
    due: Option<Timestamp>,
    /// What it shares with those that could be stopped at once with it: when it was due, or, since the time of vetoes
    /// ends for each session by itself, when it was decided that theirs had ended.
    freed: Option<Timestamp>,
    until: Option<Timestamp>,
    started_at: Option<Timestamp>,
    leads: Box<[i64]>,
    is_enforced: bool,
    lets_go: bool,
    /// How many stops a person let pass.
    count: Option<u32>,
}

impl Judged {
    /// Of a record of which anything is judged.
    pub(super) fn of(record: Record, overruled: &BTreeMap<Box<str>, Timestamp>) -> Option<Self> {
        let is_judged = match &record.kind {
            Kind::WarningGiven
            | Kind::SessionDecided
            | Kind::SessionVanished
            | Kind::DaemonStarted
            | Kind::StudioApproved
            | Kind::StudioResumed
            | Kind::StudioUnattended
            | Kind::BrakeReleased
            | Kind::ClockJumped
            | Kind::DaemonPaused
            | Kind::DaemonResumed => true,
            kind => kind.deed().is_some(),
        };
        if !is_judged {
            return None;
        }
        let lets_go = lets_go(&record);
        let freed = match is_overruled(&record) {
            true => overruled.get(&*record.subject).copied(),
            false => record.data.due,
        };
        let Record { time, kind, subject, data } = record;
        let count = data.reason.filter(|_| kind == Kind::StudioApproved);
        Some(Self {
            time,
            kind,
            subject: subject.into(),
            stopped_at: data.stopped_at,
            session: data.session.unwrap_or_default().into(),
            token: data.client_token.map(Into::into),
            policy: data.policy.map(Into::into),
            due: data.due,
            freed,
            until: data.until,
            started_at: data.seen.and_then(|seen| seen.started_at),
            leads: data.leads.unwrap_or_default().into(),
            lets_go,
            is_enforced: data.mode.as_deref() == Some("enforce"),
            count: count.and_then(|reason| reason.values.get("count")?.parse().ok()),
        })
    }
}

impl Judged {
    /// Whether what is to be asked for is not, as the records after it say.
    fn is_withdrawn(&self, later: &[Self]) -> bool {
        let is_about_it = |record: &&Self| record.token.is_some() && record.token == self.token;
        later.iter().find(is_about_it).is_some_and(|record| record.kind == Kind::StopWithdrawn)
    }
}

/// What the service did at our request.
#[derive(Debug, Default)]
pub(super) struct Effects {
    pub(super) stops: u64,
    pub(super) starts: u64,
}

pub(super) fn effects(ground: &Ground) -> Effects {
    let mut found = Effects::default();
    for effect in ground.world().effects() {
        if effect.principal == US {
            found.stops += u64::from(effect.operation == Operation::StopStreamingSession);
            found.starts += u64::from(effect.operation == Operation::StartStreamingSession);
        }
    }
    found
}

/// Judges the whole log.
pub(super) fn check(
    ground: &Ground,
    records: &[Judged],
    policies: &BTreeMap<String, Rules>,
    jumps: &[Timestamp],
) {
    tokens(ground, records);
    let approvals = records.iter().filter(|record| record.kind == Kind::StudioApproved).collect();
    let book = Book { ground, records, approvals, policies, jumps };
    book.brakes();
    book.warnings();
}

/// A token is about one run, and another one about the same run comes only after a known end.
fn tokens(ground: &Ground, records: &[Judged]) {
    let mut runs: BTreeMap<&str, Timestamp> = BTreeMap::new();
    let mut open: BTreeMap<(&str, Action, Timestamp), &str> = BTreeMap::new();
    for record in records {
        let (Some(Deed { action, stage }), Some(token)) =
            (record.kind.deed(), record.token.as_deref())
        else {
            continue;
        };
        let run = match action {
            Action::Stop => record.started_at,
            Action::Start => record.stopped_at,
        };
        let Some(run) = run else { continue };
        let call = (&*record.subject, action, run);
        match stage {
            Stage::Intended => {
                if *runs.entry(token).or_insert(run) != run {
                    ground.find("one token for one run", format!("{} {token}", record.subject));
                }
                let before = open.insert(call, token);
                if before.is_some_and(|before| before != token) {
                    let what = format!("{} {action} at {}", record.subject, record.time);
                    ground.find("no second attempt before the first has ended", what);
                }
            }
            Stage::Rejected | Stage::Withdrawn | Stage::Failed | Stage::Lapsed | Stage::Proven => {
                open.remove(&call);
            }
            Stage::Accepted
            | Stage::Unanswered
            | Stage::Late
            | Stage::Withheld
            | Stage::Dropped => {}
        }
    }
}

struct Book<'a> {
    ground: &'a Ground,
    records: &'a [Judged],
    approvals: Vec<&'a Judged>,
    policies: &'a BTreeMap<String, Rules>,
    jumps: &'a [Timestamp],
}

impl Book<'_> {
    fn rules(&self, record: &Judged) -> Option<&Rules> {
        self.policies.get(record.policy.as_deref()?)
    }

    fn intents(&self, action: Action) -> impl Iterator<Item = &Judged> {
        let kind = Deed { action, stage: Stage::Intended }.kind();
        self.records.iter().filter(move |record| record.kind == kind)
    }

    /// Whether the wall clock was set between two instants, so that they cannot be compared.
    fn jumped(&self, from: Timestamp, to: Timestamp) -> bool {
        let slack = SignedDuration::from_hours(8);
        self.jumps.iter().any(|at| from - slack <= *at && *at <= to + slack)
    }

    /// In no hour more stops were asked for than the bound of that hour.
    fn brakes(&self) {
        let mut hour: Vec<(Timestamp, &str)> = Vec::new();
        let mut firsts: Vec<(Timestamp, Option<Timestamp>)> = Vec::new();
        for record in self.intents(Action::Stop) {
            let Some(rules) = self.rules(record) else { continue };
            let token = record.token.as_deref().unwrap_or_default();
            let since = record.time - SignedDuration::from_hours(1);
            hour.retain(|(at, _)| *at > since);
            // What is asked for once more is no more than it was, whatever the bound is now.
            let is_first = hour.iter().all(|(_, before)| *before != token);
            if is_first {
                hour.push((record.time, token));
                firsts.push((record.time, record.freed));
            }
            let tokens: BTreeSet<&str> = hour.iter().map(|(_, token)| *token).collect();
            let count = u32::try_from(tokens.len()).unwrap_or(u32::MAX);
            let approved = self.approved(since, record.time);
            let is_over = is_first && count > rules.per_hour.max(approved) || rules.per_scan == 0;
            if is_over && !self.jumped(since, record.time) {
                let what = format!("{count} stops in the hour up to {}", record.time);
                self.ground.find("no brake is exceeded", what);
            }
            // Of what could be stopped from one instant on at most two plans have announced so soon after each
            // other what they may.
            let soon = record.time - SignedDuration::from_secs(10);
            firsts.retain(|(at, _)| *at > soon);
            let at_once = firsts.iter().filter(|(_, freed)| *freed == record.freed).count();
            let at_once = u32::try_from(at_once).unwrap_or(u32::MAX);
            let allowed = rules.per_scan.max(approved).saturating_mul(2);
            if is_first && at_once > allowed && !self.jumped(soon, record.time) {
                let what = format!("{at_once} stops in the ten seconds up to {}", record.time);
                self.ground.find("no brake is exceeded", what);
            }
        }
    }

    /// How many stops a person has approved, at some time between two instants.
    fn approved(&self, from: Timestamp, to: Timestamp) -> u32 {
        let counts = self.approvals.iter().filter_map(|record| {
            let (until, count) = (record.until?, record.count?);
            (record.time <= to && from <= until).then_some(count)
        });
        counts.max().unwrap_or(0)
    }

    /// What a record takes back of what was said.
    fn take_back<'r>(&self, record: &'r Judged, given: &mut Given<'r>) {
        let (now, subject) = (record.time, &*record.subject);
        match (&record.kind, record.due) {
            // What was held for long is news to whoever was warned before; by a clock that was set meanwhile nobody
            // can tell for how long.
            (
                Kind::StudioApproved
                | Kind::StudioResumed
                | Kind::StudioUnattended
                | Kind::BrakeReleased
                | Kind::DaemonResumed
                | Kind::DaemonStarted,
                _,
            ) => given.retain(|(_, _, due, _), at| {
                now <= (*due).max(*at) + HELD_FOR || self.jumped((*at).min(now), now)
            }),
            // And so is an instant that comes back, and whatever is due after somebody was let go, or only observed.
            (Kind::SessionDecided, due) if due.is_some() || record.lets_go => {
                let first = (subject, Timestamp::MIN, Timestamp::MIN, i64::MIN);
                let of_it = given.range(first..).map(|(key, _)| *key);
                let of_it = of_it.take_while(|(other, ..)| *other == subject);
                let is_let_go = record.lets_go || !record.is_enforced;
                let is_old = |at: Timestamp| is_let_go || Some(at) != due;
                let other: Vec<_> = of_it.filter(|(_, _, at, _)| is_old(*at)).collect();
                for key in other {
                    given.remove(&key);
                }
            }
            // What two whole listings lacked has no past when it comes back.
            (Kind::SessionVanished, _) => given.retain(|(other, ..), _| *other != subject),
            _ => {}
        }
    }

    /// Each stop was announced, long enough before, and each announcement was made once.
    fn warnings(&self) {
        let mut given = Given::new();
        let (mut pause, mut unpaused): (Option<Timestamp>, Option<Timestamp>) = (None, None);
        for (number, record) in self.records.iter().enumerate() {
            // One that has ended by itself has done so, whatever is said of pauses after it.
            unpaused = unpaused.max(pause.take_if(|until| *until <= record.time));
            match record.kind {
                // One pause shortens no other.
                Kind::DaemonPaused => pause = pause.max(record.until),
                Kind::DaemonResumed => pause = None,
                _ => {}
            }
            self.take_back(record, &mut given);
            let (Some(run), Some(due)) = (record.started_at, record.due) else { continue };
            let subject = &*record.subject;
            match record.kind {
                Kind::WarningGiven if record.is_enforced => {
                    for lead in &record.leads {
                        let before = given.insert((subject, run, due, *lead), record.time);
                        // Who was kept meanwhile is warned anew.
                        let was_kept = locked(&self.ground.tagged).contains_key(&*record.session);
                        // And so is who was warned before a pause that has ended by itself.
                        let is_old = |at: &Timestamp| {
                            let now = record.time;
                            // By a clock that was set nobody can tell how long it was held.
                            self.jumped((*at).min(now), now)
                                // What is due for long is warned of anew once a hold is over.
                                || due.max(*at) + HELD_FOR < now
                                || unpaused.is_some_and(|until| self.is_taken_back(*at, until, now))
                        };
                        if let Some(before) = before.filter(|at| !was_kept && !is_old(at)) {
                            let what = format!("{subject} at {before} and {}", record.time);
                            self.ground.find("no warning is given twice", what);
                        }
                    }
                }
                Kind::StopIntended => {
                    let later = &self.records[number + 1..];
                    let Some(rules) = self.rules(record).filter(|_| !record.is_withdrawn(later))
                    else {
                        continue;
                    };
                    for lead in &rules.warn {
                        let at = given.get(&(subject, run, due, lead.as_secs()));
                        let token = record.token.as_deref().unwrap_or_default();
                        // A later attempt upon the same run may have met a later keep.
                        let kept = locked(&self.ground.once_kept).get(token).copied();
                        let kept = kept.filter(|until| *until <= record.time);
                        let taken_back = unpaused.max(kept);
                        let at = at.copied();
                        let at = at.filter(|at| taken_back.is_none_or(|until| until <= *at));
                        self.warned(record, *lead, at);
                    }
                }
                _ => {}
            }
        }
    }

    /// Whether what was said at some instant was taken back by a pause that has ended by itself since. Where
    /// the clock jumped between the two nobody can tell by the log which came first.
    fn is_taken_back(&self, said: Timestamp, paused_until: Timestamp, now: Timestamp) -> bool {
        let (from, to) = (said.min(paused_until).min(now), said.max(paused_until).max(now));
        said < paused_until || self.jumped(from, to)
    }

    fn warned(&self, stop: &Judged, lead: SignedDuration, at: Option<Timestamp>) {
        let wait = lead.min(SignedDuration::from_mins(15));
        let is_heard = at.is_some_and(|at| at + wait <= stop.time);
        let from = at.unwrap_or(stop.time).min(stop.time);
        if !is_heard && !self.jumped(from, stop.time) {
            let what =
                format!("{} at {}: the warning of {lead:#} was {at:?}", stop.subject, stop.time);
            self.ground.find("no stop without its warnings", what);
        }
    }
}
