//! Any sequence of calls and of passing time keeps the laws of a studio.
//!
//! `calls.rs` says what callers may ask for, `table.rs` which transitions are legal, `watch.rs` holds a
//! studio before and after something against it. Here is what is played: [`Play`] asks, lets time pass
//! from event to event, repeats calls, and now and then comes back from what was kept, as a
//! sandbox that was killed does.

mod calls;
mod table;
mod watch;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use self::calls::{Asked, Call, call};
use self::watch::{Cause, Seen, assert_lawful};
use super::stored::{Restoring, all_entries};
use super::*;

const STUDIO: &str = "us-west-2:stid-EXAMPLE11111";

/// A name, minutes, persistence and termination.
type Kind = (&'static str, Option<u32>, Option<Mode>, Option<Mode>);

/// The kinds of launch profiles: how long sessions may be stopped, their persistence and termination.
const PROFILES: [Kind; 5] = [
    ("forbidding", None, None, None),
    ("old", Some(240), None, None),
    ("persistent", None, Some(Mode::Activated), Some(Mode::Deactivated)),
    ("terminating", Some(60), Some(Mode::Activated), Some(Mode::Activated)),
    ("unsaid", None, Some(Mode::Activated), None),
];

fn start() -> Timestamp {
    "2026-11-20T08:00:00Z".parse().unwrap()
}

/// A studio with every kind of launch profile, and with sessions that fail.
fn world() -> World {
    let seconds = SignedDuration::from_secs;
    let mut world = World::new(Timings {
        create: seconds(300),
        start: seconds(240),
        stop: seconds(90),
        delete: seconds(60),
        profile: seconds(20),
        stream: seconds(10),
    });
    let mut studio = Studio::new(STUDIO, "111122223333", "feature");
    studio.session_quota = Some(9);
    studio.member_quota = Some(3);
    studio.launch_profile_quota = Some(7);
    world.add_studio(studio);
    for (id, stopped, persistence, termination) in PROFILES {
        let mut profile = LaunchProfile::new(id, id);
        profile.stream.max_session_length_in_minutes = Some(600);
        profile.stream.max_stopped_session_length_in_minutes = stopped;
        profile.stream.session_persistence_mode = persistence;
        profile.stream.automatic_termination_mode = termination;
        profile.stream.session_backup =
            Some(SessionBackup { mode: BackupMode::Automatic, max_backups_to_retain: Some(2) });
        profile.members = (id == "old").then(Members::new);
        world.add_launch_profile(STUDIO, profile).unwrap();
        let failures = Failures { fails_to_stop: id == "unsaid", fails_to_start: 1 };
        let mut session = Session::new(&format!("of-{id}"), SessionState::Ready);
        session.launch_profile_id = Some(LaunchProfileId::from(id));
        session.created_at = Some(start());
        session.owned_by = Some("artist".to_owned());
        session.failures = failures;
        world.add_session(STUDIO, session).unwrap();
    }
    world.track();
    world
}

#[derive(Clone, Debug)]
enum Step {
    /// So many seconds pass.
    Pass(i64),
    /// Time passes until the next event.
    ToNext,
    /// A caller asks, with a client token of its own or without one.
    Ask(Call, bool),
    /// An earlier call is made once more, with its token.
    Repeat(prop::sample::Index),
    /// Another call is made with the token of an earlier one.
    Reuse(prop::sample::Index, Call),
    /// The world comes back from what was kept.
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (0..20_000_i64).prop_map(Step::Pass),
        2 => (0..200_i64).prop_map(Step::Pass),
        6 => Just(Step::ToNext),
        12 => (call(), prop::bool::ANY).prop_map(|(call, has_token)| Step::Ask(call, has_token)),
        2 => any::<prop::sample::Index>().prop_map(Step::Repeat),
        1 => (any::<prop::sample::Index>(), call()).prop_map(|(index, call)| Step::Reuse(index, call)),
        1 => Just(Step::Reopen),
    ]
}

/// What was asked for with a token, and answered.
struct Said {
    asked: Asked,
    token: String,
    answer: String,
}

struct Play {
    world: World,
    now: Timestamp,
    /// What a state file would hold.
    kept: BTreeMap<(Table, Vec<u8>), Vec<u8>>,
    said: Vec<Said>,
    /// The volume retention mode that a stop of each session asked for last.
    retention: BTreeMap<SessionId, VolumeRetentionMode>,
    tokens: u32,
}

impl Play {
    fn new() -> Self {
        let mut play = Self {
            world: world(),
            now: start(),
            kept: BTreeMap::new(),
            said: Vec::new(),
            retention: BTreeMap::new(),
            tokens: 0,
        };
        play.keep();
        play
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Pass(seconds) => self.pass(self.now + SignedDuration::from_secs(*seconds)),
            Step::ToNext => {
                let next = self.world.next_event();
                self.pass(next.unwrap_or(self.now).max(self.now));
            }
            Step::Ask(call, has_token) => self.ask(call, *has_token),
            Step::Repeat(index) if !self.said.is_empty() => self.repeat(index),
            Step::Reuse(index, call) if !self.said.is_empty() => self.reuse(index, call),
            Step::Repeat(_) | Step::Reuse(..) => {}
            Step::Reopen => self.reopen(),
        }
    }

    /// Lets time pass, event by event.
    fn pass(&mut self, until: Timestamp) {
        while let Some(at) = self.world.next_event().filter(|at| *at <= until) {
            assert!(at >= self.now, "an event at {at} comes late, at {}", self.now);
            self.now = at;
            self.watch(&Cause::Time, World::pass_next);
        }
        self.now = until;
        self.watch(&Cause::Time, |_, _| ());
    }

    /// Does something, and holds what it changed against the laws.
    fn watch<T>(&mut self, cause: &Cause, act: impl FnOnce(&mut World, Timestamp) -> T) -> T {
        let before = Seen::of(&self.world, self.now);
        let done = act(&mut self.world, self.now);
        let after = Seen::of(&self.world, self.now);
        assert_lawful(&before, &after, cause, &self.retention);
        done
    }

    fn ask(&mut self, call: &Call, has_token: bool) {
        let asked = Asked::of(call, &self.world);
        self.tokens += 1;
        let token = format!("token-{}", self.tokens);
        let caller = Caller { principal: "caller", token: has_token.then_some(token.as_str()) };
        let before = all_entries(&self.world);
        if let Some((session, mode)) = asked.retention() {
            // It is what counts from the moment that the stop begins.
            let ready = self.world.held(STUDIO).unwrap().sessions.get(session.as_str());
            if ready.is_some_and(|session| session.state == SessionState::Ready) {
                self.retention.insert(session, mode);
            }
        }
        let answer = self.watch(&asked.cause(), |world, now| asked.make(world, caller, now));
        match answer {
            Err(refusal) => {
                assert_same(
                    &self.world,
                    &before,
                    &format!("a refusal changed something: {refusal}"),
                );
            }
            Ok(answer) => {
                self.keep();
                if has_token && asked.takes_token() {
                    self.said.push(Said { asked, token, answer });
                }
            }
        }
    }

    fn repeat(&mut self, index: &prop::sample::Index) {
        let before = all_entries(&self.world);
        let said = index.get(&self.said);
        let caller = Caller { principal: "caller", token: Some(&said.token) };
        let again = said.asked.make(&mut self.world, caller, self.now);
        assert_eq!(again.as_ref(), Ok(&said.answer), "a repetition has another answer");
        assert_same(&self.world, &before, "a repetition changed something");
    }

    fn reuse(&mut self, index: &prop::sample::Index, call: &Call) {
        let asked = Asked::of(call, &self.world);
        let said = index.get(&self.said);
        if !asked.takes_token() || asked.is_of(&said.asked) || asked.is_same_as(&said.asked) {
            return;
        }
        let before = all_entries(&self.world);
        let caller = Caller { principal: "caller", token: Some(&said.token) };
        let refused = asked.make(&mut self.world, caller, self.now);
        assert_eq!(refused, Err(Refusal::TokenReused(said.token.clone())));
        assert_same(&self.world, &before, "what was refused changed something");
    }

    /// Keeps what changed, as a state file does.
    fn keep(&mut self) {
        for change in self.world.take_changes() {
            match change.value {
                Some(value) => self.kept.insert((change.table, change.key), value),
                None => self.kept.remove(&(change.table, change.key)),
            };
        }
    }

    /// What time did since the last change is not kept, and follows from what is.
    fn reopen(&mut self) {
        let mut restoring = Restoring::default();
        for ((table, key), value) in &self.kept {
            restoring.take(*table, key, value).unwrap();
        }
        let mut back = restoring.finish();
        back.advance(self.now);
        assert_same(&back, &all_entries(&self.world), "what was kept is another world");
        assert_eq!(back.timers, self.world.timers);
        // What was destroyed is of one run.
        back.destroyed.clone_from(&self.world.destroyed);
        self.world = back;
    }
}

/// A world and its entries, told apart in few words.
#[track_caller]
fn assert_same(world: &World, expected: &BTreeMap<(Table, Vec<u8>), Vec<u8>>, why: &str) {
    let found = all_entries(world);
    for key in found.keys().chain(expected.keys()) {
        let text = |of: &BTreeMap<_, Vec<u8>>| {
            of.get(key).map(|value| String::from_utf8_lossy(value).into_owned())
        };
        let (table, id) = (key.0, String::from_utf8_lossy(&key.1));
        assert_eq!(text(&found), text(expected), "{why}: {id} of {table:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_calls_at_any_time_keep_the_laws(steps in prop::collection::vec(step(), 1..90)) {
        let mut play = Play::new();
        for step in &steps {
            play.take(step);
        }
        play.reopen();
        let end = play.now + SignedDuration::from_hours(24 * 60);
        play.pass(end);
        play.reopen();
    }
}
