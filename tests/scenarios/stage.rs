//! The stage: a simulated studio, the real daemon in front of it, and time that passes as the story
//! says.

use std::sync::{Arc, Mutex, MutexGuard};

use jiff::{SignedDuration, Timestamp};
use lightsout::clock::{Clock, SimulatedClock};
use lightsout::daemon::{Reload, Summary};
use lightsout::inventory::Problem;
use lightsout::policy::Policy;
use lightsout::provider::Provider;
use lightsout::provider::direct::Direct;
use lightsout::provider::faulty::{Fault, Faulty};
use lightsout::sandbox::World;
use lightsout::sandbox::world::{Caller, Effect, Session, SessionFilter, Tags};
use lightsout::switch::Wish;

use crate::common::{House, STUDIO};
use crate::door::{Disguise, Door};
use crate::setting;
use crate::story::{self, Act, Line};
use crate::text::Scenario;
use crate::transcript::Transcript;

/// Who the daemon's calls come from.
const DAEMON: &str = "AROATEST:lightsout";

struct Stage {
    house: House,
    world: Arc<Mutex<World>>,
    faulty: Faulty,
    door: Arc<Door>,
    transcript: Transcript,
    /// The policy as it is written.
    policy: String,
    later_policy: Option<Policy>,
    /// How many records, and how many losses, are told already.
    told: (usize, usize),
    is_up: bool,
}

/// Plays a scenario, and answers with its transcript. What all of them have in common is checked: in
/// the end nothing changes any more, and a daemon that begins anew has nothing to add.
pub(crate) async fn play(scenario: &Scenario) -> String {
    let lines = story::read(&scenario.story, &scenario.zone);
    let mut stage = Stage::new(scenario, lines[0].at);
    for line in &lines {
        stage.house.until(line.at).await;
        stage.tell();
        stage.transcript.act(line);
        stage.perform(line).await;
        stage.tell();
    }
    stage.assert_nothing_changes_any_more().await;
    stage.transcript.text()
}

impl Stage {
    fn new(scenario: &Scenario, start: Timestamp) -> Self {
        let world = setting::world(&scenario.sessions, &scenario.zone, start);
        let world = Arc::new(Mutex::new(world));
        let clock = SimulatedClock::new(start);
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let direct = Direct::new(STUDIO.into(), Arc::clone(&world), shared, DAEMON);
        let faulty = Faulty::new(Arc::new(direct));
        let (inner, disguise) = (Arc::new(faulty.clone()), Mutex::new(Disguise::default()));
        let door = Arc::new(Door { inner, disguise });
        let policy = setting::policy(&scenario.policy);
        let house = House::new(clock, policy, Arc::clone(&door) as Arc<dyn Provider>);
        let transcript = Transcript::new(scenario.zone.clone());
        let policy = scenario.policy.clone();
        let later_policy = scenario.later_policy.as_deref().map(setting::policy);
        let (told, is_up) = ((0, 0), false);
        Self { house, world, faulty, door, transcript, policy, later_policy, told, is_up }
    }

    fn world(&self) -> MutexGuard<'_, World> {
        let mut world = self.world.lock().unwrap();
        world.advance(self.house.clock.now());
        world
    }

    async fn perform(&mut self, Line { text, act, .. }: &Line) {
        match act {
            Act::DaemonUp => {
                self.house.up().await;
                self.is_up = true;
            }
            Act::DaemonDown => {
                self.house.down().await;
                self.is_up = false;
            }
            Act::LogLost => {
                assert!(!self.is_up, "a log is lost while the daemon is down");
                drop(self.house.journal.take());
                self.told.0 = 0;
            }
            Act::Pause { who, length } => self.house.pause(who, *length),
            Act::Resume { who } => {
                drop(self.house.ask(who, Wish::Resume { studio: None }));
            }
            Act::Approve { who } => self.house.approve(who),
            Act::ChangePolicy { from, to } => {
                assert!(self.policy.contains(from), "{text}: the policy does not say so");
                self.policy = self.policy.replace(from, to);
                self.house.follow(setting::policy(&self.policy));
            }
            Act::HideAllBut { session } => {
                self.door.disguise.lock().unwrap().all_but = Some(session.as_str().into());
            }
            Act::ShowAll => self.door.disguise.lock().unwrap().all_but = None,
            Act::ListingFails => {
                self.faulty.set(Some(Fault::PartialList(Problem::ServerError)));
            }
            Act::CallsAreRefused => self.faulty.set(Some(Fault::Refusal(Problem::Denied))),
            Act::AnswersAreLost => self.faulty.set(Some(Fault::LostAnswer)),
            Act::AllWorks => self.faulty.set(None),
            Act::HideProfile { session } => {
                let hidden = &mut self.door.disguise.lock().unwrap().without_profile;
                hidden.insert(session.as_str().into());
            }
            Act::HideAccount => self.door.disguise.lock().unwrap().without_account = true,
            Act::Reload => {
                let policy = self.later_policy.clone().expect("there is a policy after a reload");
                self.house.reload(Reload::Read(Box::new(policy))).await;
            }
            Act::BadReload => self.house.reload(Reload::Refused(setting::refusal())).await,
            Act::ClockGoesBack(by) => {
                self.door.disguise.lock().unwrap().clock_goes_back = Some(*by);
            }
            Act::VetoSays { veto, says } => {
                self.house.vetoes.says.lock().unwrap().insert(veto.clone(), says.clone());
            }
            Act::ClockJumps(by) => self.house.clock.jump(*by),
            Act::NoCapacity => self.amend_all(|session| session.failures.fails_to_start = u32::MAX),
            Act::Capacity => self.amend_all(|session| session.failures.fails_to_start = 0),
            Act::Start { .. }
            | Act::Stop { .. }
            | Act::Delete { .. }
            | Act::Tag { .. }
            | Act::Untag { .. } => self.ask(act).unwrap_or_else(|e| panic!("{text}: {e}")),
            Act::End => {}
        }
    }

    /// A person asks the service for something.
    fn ask(&self, act: &Act) -> Result<(), lightsout::sandbox::world::Refusal> {
        let (mut world, now) = (self.world(), self.house.clock.now());
        match act {
            Act::Start { who, session } => {
                world.start(STUDIO, session, None, Caller::new(who), now).map(drop)
            }
            Act::Stop { who, session } => {
                world.stop(STUDIO, session, None, Caller::new(who), now).map(drop)
            }
            Act::Delete { who, session } => {
                world.delete_session(STUDIO, session, Caller::new(who), now).map(drop)
            }
            Act::Tag { who, session, key, value } => {
                let arn = world.session(STUDIO, session, now)?.arn.clone();
                let tags = Tags::from([(key.clone(), value.clone())]);
                world.tag(&arn, &tags, Caller::new(who), now)
            }
            Act::Untag { who, session, key } => {
                let arn = world.session(STUDIO, session, now)?.arn.clone();
                world.untag(&arn, std::slice::from_ref(key), Caller::new(who), now)
            }
            other => panic!("nobody is asked for {other:?}"),
        }
    }

    fn amend_all(&self, amend: impl Fn(&mut Session)) {
        let (mut world, now) = (self.world(), self.house.clock.now());
        let everything = SessionFilter::default();
        let sessions = world.sessions(STUDIO, &everything, None, usize::MAX, now).unwrap();
        let ids: Vec<String> =
            sessions.items.iter().map(|session| session.id.to_string()).collect();
        for id in ids {
            world.amend_session(STUDIO, &id, now, &amend).unwrap();
        }
    }

    /// Puts into the transcript what has come to pass since the last time.
    fn tell(&mut self) {
        let records = self.house.journal.records();
        let losses = self.world().destroyed().to_vec();
        self.transcript.events(&records[self.told.0..], &losses[self.told.1..]);
        self.told = (records.len(), losses.len());
    }

    fn effects(&self) -> Vec<Effect> {
        let effects = self.world().effects().clone();
        effects.into_iter().filter(|effect| effect.principal == DAEMON).collect()
    }

    async fn assert_nothing_changes_any_more(&mut self) {
        assert!(self.is_up, "at the end of a story the daemon is up");
        let before = (self.house.journal.records().len(), self.effects());
        let none = Vec::<String>::new();
        self.house.until(self.house.clock.now() + SignedDuration::from_hours(1)).await;
        assert_eq!(self.news(before.0), none, "in the hour after the end there are new records");
        self.house.down().await;
        let summary = self.house.once().await;
        let Summary { stopped, started, failed, late, .. } = summary;
        assert_eq!((stopped, started, failed, late), (0, 0, 0, 0), "a new daemon acts");
        assert_eq!(self.news(before.0), none, "a daemon that begins anew says something new");
        assert_eq!(self.effects(), before.1, "after the end something is called");
    }

    /// The records of more than the coming and going of the daemon.
    fn news(&self, since: usize) -> Vec<String> {
        let records = self.house.journal.records().split_off(since);
        let news = records.iter().filter(|record| !record.subject.is_empty());
        news.map(|record| self.transcript.line_of(record)).collect()
    }
}
