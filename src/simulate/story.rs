//! The course of one simulation: the daemon's lives, and what happens meanwhile.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::chance::Chance;
use super::desk;
use super::disk::{DiskHandle, OpenDisk};
use super::farm::Farm;
use super::faults::{Fault, Weather};
use super::ground::{Ground, ServiceClock, locked};
use super::ledgers::Judged;
use super::lifeline::{Ending, Lifeline};
use super::reading::{Reading, Said};
use super::rules::{Rules, STUDIO};
use super::service::Service;
use super::{Outcome, Shape, ending, ledgers, panics, people, studio};
use crate::audit::inline::InlineLog;
use crate::audit::record::{Journal, JournalError, Kind, Record};
use crate::audit::replay::control::POLICY_CHANGED;
use crate::clock::{Clock, Idle, SimulatedClock};
use crate::config;
use crate::daemon::{Daemon, Ledger, Refusal, Reload};
use crate::policy::{AuditRotation, Policy, StudioPolicy};
use crate::provider::Provider;
use crate::switch::{MemorySwitchboard, Switchboard};

/// Streams of chance, so that one part of a story can be drawn otherwise without the others.
const STREAM_RULES: u64 = 1;
const STREAM_STUDIO: u64 = 2;
const STREAM_WEATHER: u64 = 3;
const STREAM_EVENTS: u64 = 4;
const STREAM_LIVES: u64 = 5;
const STREAM_SERVICE: u64 = 6;

/// Days on which a story may begin: among them are weeks in which clocks change, and the end of a year.
const FIRST_DAYS: &[&str] = &[
    "2026-03-05",
    "2026-03-26",
    "2026-04-02",
    "2026-09-24",
    "2026-10-01",
    "2026-10-22",
    "2026-10-29",
    "2026-11-20",
    "2026-12-24",
    "2027-02-25",
];

/// The calm at the end, at the least.
const CALM: SignedDuration = SignedDuration::from_hours(26);

/// How often somebody looks after the studio in the calm.
const LOOKED_AFTER_EVERY: SignedDuration = SignedDuration::from_hours(2);

/// How often it is looked in the calm whether what was stopped is there again.
const MORNING_EVERY: SignedDuration = SignedDuration::from_mins(30);

/// How many reloads may wait: they come hours apart.
const RELOADS_WAITING_MAX: usize = 4;

/// How long the daemon has to end when it is told to.
const ENDING_MAX: SignedDuration = SignedDuration::from_mins(5);

/// What happens at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    /// Somebody does something.
    Act,
    /// Artists come in.
    ComeIn,
    /// The daemon is started anew, or its clock is set, and so on.
    Fault(Fault),
    /// From here on nothing goes wrong.
    Calm,
    /// Whoever is in charge looks whether a changed policy waits for a word.
    LookAfter,
    /// Somebody looks whether all machines are there that should be.
    Morning,
    /// It is over.
    End,
}

/// How a life ended.
enum Death {
    /// It could not begin.
    Stillborn,
    Crashed,
    /// In order; then it is started again after a while, with these rules.
    Told(SignedDuration),
    /// The story is over.
    Over,
}

/// One story.
pub(super) struct Story {
    seed: u64,
    /// How the clock knows that nothing is left to do in a life's runtime.
    idle: Idle,
    ground: Arc<Ground>,
    disk: DiskHandle,
    /// Where people say what they want of the daemon.
    desk: Arc<MemorySwitchboard>,
    /// Where the present daemon is told to read its policy again.
    reloads: Option<mpsc::Sender<Reload>>,
    events: VecDeque<(Timestamp, Event)>,
    lives: Chance,
    lives_count: u64,
    from: Timestamp,
    calm: Timestamp,
    is_calm: bool,
    /// Every policy that was in force, by its hash.
    policies: BTreeMap<String, Rules>,
    /// When the daemon's clock was set.
    jumps: Vec<Timestamp>,
    /// What it showed when it was last set forward, and by how much, until the next life begins.
    set_forward: Option<(Timestamp, SignedDuration)>,
    reading: Reading,
}

impl Story {
    pub(super) fn draw(seed: u64, shape: &Shape) -> Self {
        let mut events = Chance::new(seed, STREAM_EVENTS);
        let first: jiff::civil::Date =
            events.one_of(FIRST_DAYS).parse().unwrap_or(jiff::civil::Date::ZERO);
        let mut rules = Rules::draw(&mut Chance::new(seed, STREAM_RULES), first);
        rules.scan = shape.scan.unwrap_or(rules.scan);
        // A checkpoint is as long as there are sessions, and a year as long as it is.
        rules.rotates_at = rules.rotates_at.map(|size| size * (shape.sessions / 6).max(1));
        let midnight = rules.hours.zone.rules.to_timestamp(first.at(0, 0, 0, 0));
        let from = midnight.unwrap_or(Timestamp::UNIX_EPOCH)
            + SignedDuration::from_mins(events.between(0, 24 * 60));
        let calm = from + SignedDuration::from_hours(24 * shape.days);
        let world = studio::draw(&mut Chance::new(seed, STREAM_STUDIO), shape.sessions, from);
        let weather = Chance::new(seed, STREAM_WEATHER);
        let weather = if shape.is_stormy {
            Weather::draw(weather, from, calm)
        } else {
            Weather::calm(weather)
        };
        let idle = Idle::default();
        let clock = SimulatedClock::told(from, idle.clone());
        let ground = Arc::new(Ground {
            service: ServiceClock::new(clock.clone()),
            clock,
            tells_time: Chance::new(seed, STREAM_SERVICE).once_in(2),
            world: Arc::new(Mutex::new(world.unwrap_or_default())),
            weather: Mutex::new(weather),
            rules: Mutex::new(rules.clone()),
            shown: Mutex::default(),
            once_kept: Mutex::default(),
            tagged: Mutex::default(),
            rescheduled: Mutex::default(),
            looked: Mutex::default(),
            late: Mutex::default(),
            asked: Mutex::default(),
            busy: Mutex::default(),
            rescued: Mutex::default(),
            off_for_others: Mutex::default(),
            lived: Mutex::default(),
            put_off: Mutex::default(),
            paused: Mutex::default(),
            misled: Mutex::default(),
            edited: Mutex::default(),
            in_force: Mutex::default(),
            unsettled: Mutex::default(),
            calls: Mutex::default(),
            findings: Mutex::default(),
        });
        let events = course(&mut events, &rules, from, calm, shape.is_stormy);
        Self {
            seed,
            idle,
            ground,
            disk: DiskHandle::default(),
            desk: Arc::default(),
            reloads: None,
            events: events.into(),
            lives: Chance::new(seed, STREAM_LIVES),
            lives_count: 0,
            from,
            calm,
            is_calm: !shape.is_stormy,
            policies: BTreeMap::new(),
            jumps: Vec::new(),
            set_forward: None,
            reading: Reading::default(),
        }
    }

    /// Life after life, until the story is over.
    pub(super) fn play(mut self) -> (Outcome, DiskHandle) {
        panics::watch();
        self.ground.unsettle(self.from);
        loop {
            let point = self.fatal_point();
            let ending = match self.lives.below(8) {
                0 | 1 => Ending::Told,
                2 => Ending::CrashAtDisk(self.lives.one_of(&[1, 2, 3, 4, 5, 6])),
                _ => Ending::Crash,
            };
            let lifeline = Arc::new(Lifeline::new(point, ending));
            // Each life has a runtime of its own, which takes all that ran in it along.
            let idle = self.idle.clone();
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            let Ok(runtime) = runtime.on_thread_park(move || idle.tell()).build() else {
                self.ground.find("the simulator works", "no runtime".to_owned());
                break;
            };
            let death = runtime.block_on(self.live(&lifeline));
            drop(runtime);
            let pause = match death {
                Death::Over => break,
                Death::Told(pause) => {
                    self.is_set_while_down(pause);
                    pause
                }
                Death::Stillborn | Death::Crashed => {
                    self.ground.count(Fault::Crash);
                    self.disk.crash(&self.ground);
                    SignedDuration::from_secs(self.lives.one_of(&[1, 5, 30, 300]))
                }
            };
            self.pause(pause);
        }
        self.outcome()
    }

    fn fatal_point(&mut self) -> Option<u64> {
        let drawn = self.lives.between(0, 2500);
        let is_mortal = !self.is_calm && !self.lives.once_in(3);
        is_mortal.then(|| drawn.unsigned_abs())
    }

    /// Nobody is there.
    fn pause(&mut self, time: SignedDuration) {
        let end = self.ground.service.now() + time;
        self.ground.unsettle(end);
        loop {
            let due = self.events.front().filter(|(at, _)| *at <= end).copied();
            // What was due while the machine slept happens at once.
            let now = self.ground.service.now();
            let to = due.map_or(end, |(at, _)| at).max(now);
            self.ground.clock.jump(now.duration_until(to));
            let Some((_, event)) = due else { return };
            match event {
                Event::Calm | Event::End => return,
                Event::Act => people::act(&self.ground),
                Event::ComeIn => people::come_in(&self.ground),
                // There is nothing to end, and nobody who reads the clock or answers.
                Event::LookAfter | Event::Morning | Event::Fault(_) => {}
            }
            self.events.pop_front();
        }
    }

    /// One life of the daemon.
    async fn live(&mut self, lifeline: &Arc<Lifeline>) -> Death {
        self.lives_count += 1;
        let Some(policy) = self.policy() else { return Death::Over };
        let Some((ledger, ending)) = self.open(policy.audit_rotation, lifeline) else {
            return Death::Stillborn;
        };
        let service =
            Service::new(Arc::clone(&self.ground), Arc::clone(lifeline), self.disk.clone());
        let service: Arc<dyn Provider> = Arc::new(service);
        let clock: Arc<dyn Clock> = Arc::new(self.ground.clock.clone());
        let farm = Arc::new(Farm::new(Arc::clone(&self.ground), Arc::clone(lifeline)));
        let ledger_of_daemon = Arc::clone(&ledger);
        let connect = move |_: &StudioPolicy| Arc::clone(&service);
        let daemon = Daemon::new(policy, ledger_of_daemon, clock, ending.clone(), farm, connect);
        let daemon = daemon.hearing(Arc::clone(&self.desk) as Arc<dyn Switchboard>);
        let (reloads, brought) = mpsc::channel(RELOADS_WAITING_MAX);
        self.reloads = Some(reloads);
        let daemon = daemon.reloading(brought);
        let mut daemon = tokio::spawn(daemon.run());
        loop {
            let (at, event) = self.events.front().copied().unwrap_or((self.from, Event::End));
            let wall = at + self.ground.service.error();
            let event = tokio::select! {
                biased;
                () = lifeline.died() => return Death::Crashed,
                _ = &mut daemon => return Death::Crashed,
                () = lifeline.told() => Event::Fault(Fault::Told),
                () = self.ground.clock.drive(wall) => {
                    self.events.pop_front();
                    event
                }
            };
            let Some(pause) = self.happens(event) else {
                self.reading.read_ahead(&self.disk);
                continue;
            };
            ending.cancel();
            let end = self.ground.clock.now() + ENDING_MAX;
            tokio::select! {
                biased;
                () = lifeline.died() => return Death::Crashed,
                _ = &mut daemon => {}
                () = self.ground.clock.drive(end) => {
                    self.ground.find("the daemon ends when it is told to", String::new());
                }
            }
            let last_policy = if event == Event::End { self.policy() } else { None };
            let said = self.reading.catch_up(&self.ground, &self.disk);
            said.agrees(&self.ground, &ledger);
            if let Some(policy) = last_policy {
                ending::plans_nothing(&self.ground, &policy, said.past.studio(&studio_id()));
            }
            return if event == Event::End { Death::Over } else { Death::Told(pause) };
        }
    }

    /// The log, and what it says.
    fn open(
        &mut self,
        rotation: AuditRotation,
        lifeline: &Arc<Lifeline>,
    ) -> Option<(Arc<Ledger>, CancellationToken)> {
        let clock: Arc<dyn Clock> = Arc::new(self.ground.clock.clone());
        let open = OpenDisk::new(self.disk.clone(), Arc::clone(&self.ground), Arc::clone(lifeline));
        let (log, opened) = InlineLog::open(Box::new(open), rotation, &clock).ok()?;
        let said = self.reading.catch_up(&self.ground, &self.disk);
        said.suffices(&self.ground, &opened.past);
        if let Some((at, by)) = self.set_forward.take() {
            misleads(&self.ground, said, at, by);
        }
        let (ground, lifeline) = (Arc::clone(&self.ground), Arc::clone(lifeline));
        let journal = MortalJournal { log, ground, lifeline };
        Some((Arc::new(Ledger::new(Arc::new(journal), opened.past)), CancellationToken::new()))
    }

    /// The policy in force, as the program reads it.
    fn policy(&mut self) -> Option<Policy> {
        let rules = locked(&self.ground.rules).clone();
        match config::parse("simulated.toml", &rules.text(), std::path::Path::new("")) {
            Ok(loaded) => {
                let now = self.ground.service.now();
                locked(&self.ground.in_force).push((now, rules.clone()));
                self.policies.insert(loaded.policy.hash.to_string(), rules);
                Some(loaded.policy)
            }
            Err(found) => {
                self.ground.find("the drawn policy is valid", found.render(false));
                None
            }
        }
    }

    /// Something happens. Answers with how long the daemon is down after it, if it is to end.
    fn happens(&mut self, event: Event) -> Option<SignedDuration> {
        match event {
            Event::Act => people::act(&self.ground),
            Event::ComeIn => people::come_in(&self.ground),
            Event::Calm => {
                self.is_calm = true;
                // A machine that slept comes to it late, and can have done nothing before.
                self.calm = self.ground.service.now();
                people::calm(&self.ground);
                return Some(SignedDuration::from_secs(1));
            }
            Event::LookAfter => self.looks_after(),
            Event::Morning => ending::morning(&self.ground, self.calm),
            Event::End => return Some(SignedDuration::ZERO),
            Event::Fault(fault) => {
                self.ground.count(fault);
                return self.fault(fault);
            }
        }
        None
    }

    fn fault(&mut self, fault: Fault) -> Option<SignedDuration> {
        let mins = SignedDuration::from_mins;
        let by = mins(self.lives.between(3, 400));
        match fault {
            Fault::Pauses | Fault::Resumes | Fault::Approves => self.says(fault),
            Fault::Reload | Fault::BadReload => self.reload(fault),
            Fault::Restart | Fault::Told => return Some(SignedDuration::from_secs(2)),
            Fault::Downtime => return Some(by),
            Fault::PolicyChanges => {
                let mut rules = locked(&self.ground.rules);
                let today = rules.hours.zone.rules.to_datetime(self.ground.service.now()).date();
                let amended = rules.amended(&mut self.lives, today);
                *rules = amended;
                self.ground.unsettle(self.ground.service.now());
                return Some(SignedDuration::from_secs(2));
            }
            Fault::ClockForward => self.jump(by),
            Fault::ClockBack => self.jump(-by),
            Fault::Suspend => {
                self.jumps.push(self.ground.clock.now());
                self.ground.unsettle(self.ground.service.now() + by);
                self.ground.clock.suspend(by);
            }
            _ => {}
        }
        None
    }

    /// The daemon is told to read its policy again. While the disk may fail a good one may be refused for
    /// want of a record, and nobody could say which is in force; so then it is not told.
    fn reload(&mut self, fault: Fault) {
        let now = self.ground.service.now();
        if locked(&self.ground.weather).is_disk_in_doubt(now) {
            return;
        }
        let reload = if fault == Fault::BadReload {
            let messages = vec!["a mistake".to_owned()];
            Reload::Refused(Refusal { hash: None, errors: 1, messages })
        } else {
            let mut rules = locked(&self.ground.rules);
            let today = rules.hours.zone.rules.to_datetime(now).date();
            let amended = rules.amended(&mut self.lives, today);
            *rules = amended;
            drop(rules);
            self.ground.unsettle(now);
            let Some(policy) = self.policy() else { return };
            Reload::Read(Box::new(policy))
        };
        let told = self.reloads.as_ref().is_some_and(|reloads| reloads.try_send(reload).is_ok());
        if !told {
            self.ground.find("a reload is heard", fault.name().to_owned());
        }
    }

    /// A person says something to the daemon, or leaves it for the next one.
    fn says(&mut self, fault: Fault) {
        let said = self.reading.catch_up(&self.ground, &self.disk);
        let past = said.past.studio(&studio_id());
        desk::say(&self.ground, &self.desk, past, fault);
    }

    /// What only a person can end is ended: a changed policy by which many more are due waits for a word
    /// as long as it takes. What ends by itself is left to end by itself.
    fn looks_after(&mut self) {
        let said = self.reading.catch_up(&self.ground, &self.disk);
        let past = said.past.studio(&studio_id());
        let reason = past.held.as_ref().and_then(|held| held.reason.as_ref());
        if reason.is_some_and(|reason| reason.code == POLICY_CHANGED) {
            desk::say(&self.ground, &self.desk, past, Fault::Approves);
        }
    }

    /// The clock is set wrongly; where it is wrong already, it is set right.
    fn jump(&mut self, by: SignedDuration) {
        let error = self.ground.service.error();
        let by = if error.is_zero() { by } else { -error };
        self.jumps.push(self.ground.clock.now());
        self.ground.unsettle(self.ground.service.now());
        self.ground.service.set_daemon(by);
        self.set_forward = by.is_positive().then(|| (self.ground.clock.now(), by));
    }

    /// In a long pause, or before the calm, the clock may be set where nobody sees it, and the service alone can tell.
    fn is_set_while_down(&mut self, pause: SignedDuration) {
        let is_long = pause > SignedDuration::from_mins(1);
        let is_stormy = !locked(&self.ground.weather).is_calm();
        let may_be = is_stormy && self.ground.tells_time && (is_long || self.is_calm);
        if may_be && self.lives.once_in(if self.is_calm { 4 } else { 2 }) {
            let by = SignedDuration::from_mins(self.lives.between(-400, 0));
            self.jump(by);
        }
    }

    fn outcome(mut self) -> (Outcome, DiskHandle) {
        let said = self.reading.catch_up(&self.ground, &self.disk);
        let Said { judged, count, reasons, .. } = said;
        let panics = panics::taken();
        if panics > 0 {
            self.ground.find("nothing panics", format!("{panics} times"));
        }
        ledgers::check(&self.ground, judged, &self.policies, &self.jumps);
        ending::check(&self.ground, judged, self.calm);
        let effects = ledgers::effects(&self.ground);
        let ground = &self.ground;
        let outcome = Outcome {
            seed: self.seed,
            findings: locked(&ground.findings).clone(),
            faults: locked(&ground.weather).counts.clone(),
            reasons: reasons.clone(),
            records: *count,
            stops: effects.stops,
            starts: effects.starts,
            lives: self.lives_count,
            head: said.head().to_string(),
            from: self.from,
            to: ground.service.now(),
        };
        (outcome, self.disk)
    }
}

/// A clock that was set while nobody looked goes on for the daemon as it was.
fn misleads(ground: &Ground, said: &Said, at: Timestamp, by: SignedDuration) {
    let is_told = |record: &Judged| record.kind == Kind::ClockJumped && record.time >= at;
    if !said.judged.iter().any(is_told) {
        *locked(&ground.misled) = by;
    }
}

/// What happens when, in order.
fn course(
    chance: &mut Chance,
    rules: &Rules,
    from: Timestamp,
    calm: Timestamp,
    is_stormy: bool,
) -> Vec<(Timestamp, Event)> {
    let minutes = from.duration_until(calm).as_mins();
    let mut events = Vec::new();
    let mut scatter = |chance: &mut Chance, event: Event, times: i64| {
        for _ in 0..times {
            let at = from + SignedDuration::from_secs(chance.between(0, minutes * 60));
            events.push((at, event));
        }
    };
    let days = (minutes / (24 * 60)).max(1);
    scatter(chance, Event::Act, days * 6);
    if is_stormy {
        for fault in [
            Fault::Restart,
            Fault::Downtime,
            Fault::PolicyChanges,
            Fault::Suspend,
            Fault::Reload,
            Fault::BadReload,
        ] {
            let times = chance.between(0, days / 3);
            scatter(chance, Event::Fault(fault), times);
        }
        for fault in [Fault::Pauses, Fault::Resumes, Fault::Approves] {
            let times = chance.between(0, days / 2);
            scatter(chance, Event::Fault(fault), times);
        }
        let clock = chance.one_of(&[Fault::ClockBack, Fault::ClockForward]);
        let times = chance.between(0, 2);
        scatter(chance, Event::Fault(clock), times);
    }
    for day in 0..=days {
        let morning =
            rules.hours.zone.rules.to_datetime(from + SignedDuration::from_hours(24 * day));
        let at = morning.date().at(8, 30, 0, 0);
        let at = rules.hours.zone.rules.to_timestamp(at).unwrap_or(from);
        if from < at && at < calm {
            events.push((at, Event::ComeIn));
        }
    }
    events.push((calm, Event::Calm));
    let mut looks = calm;
    while looks < calm + CALM {
        looks += MORNING_EVERY;
        events.push((looks, Event::Morning));
    }
    let mut looks = calm + LOOKED_AFTER_EVERY;
    while is_stormy && looks < calm + CALM {
        events.push((looks, Event::LookAfter));
        looks += LOOKED_AFTER_EVERY;
    }
    events.push((ending::instant(rules, calm + CALM), Event::End));
    events.sort_by_key(|(at, _)| *at);
    events
}

/// The log as one life sees it: committing takes a while, in which the life may end.
#[derive(Debug)]
struct MortalJournal {
    log: InlineLog,
    ground: Arc<Ground>,
    lifeline: Arc<Lifeline>,
}

impl MortalJournal {
    /// The time that a slow disk takes.
    async fn write(&self) {
        if self.ground.strikes(Fault::SlowDisk) {
            let seconds = self.ground.draw(|chance| chance.between(1, 45));
            self.ground.clock.sleep(SignedDuration::from_secs(seconds)).await;
        }
    }
}

/// Who is warned by a record, if anybody is.
fn warned(record: &Record) -> Option<&str> {
    let is_warning = record.kind == Kind::WarningGiven;
    record.data.session.as_deref().filter(|_| is_warning)
}

impl Journal for MortalJournal {
    fn commit(
        &self,
        records: Vec<Record>,
    ) -> futures_util::future::BoxFuture<'_, Result<Vec<Record>, JournalError>> {
        Box::pin(async move {
            self.lifeline.point().await;
            self.write().await;
            let result = self.log.commit(records).await;
            let written = result.iter().flatten();
            written.filter_map(warned).for_each(|id| people::answer_warning(&self.ground, id));
            self.lifeline.point().await;
            result
        })
    }
}

/// The studio's id, as the daemon knows it.
pub(super) fn studio_id() -> crate::ids::StudioId {
    STUDIO.into()
}
