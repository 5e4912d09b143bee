//! Line 7: who is asked, what an answer leads to, and how long it counts.

use super::*;
use crate::policy::{Brake, Veto};

const RUN: &str = "20T09:00:00";
const DUE: &str = "20T20:00:00";

fn veto(name: &str) -> Arc<Veto> {
    Arc::new(Veto {
        name: name.into(),
        command: vec!["ask".to_owned()],
        timeout: SignedDuration::from_secs(10),
        defer_max: hours(6),
        every: minutes(5),
    })
}

fn busy(words: &str) -> VetoSays {
    VetoSays::Busy { words: words.to_owned() }
}

fn failed(words: &str) -> VetoSays {
    VetoSays::Failed { words: words.to_owned() }
}

/// The studio, in which these vetoes are asked.
fn vetoed(names: &[&str]) -> World {
    World::new().settings(|settings| settings.veto = names.iter().map(|name| veto(name)).collect())
}

impl World {
    fn says_about(
        mut self,
        name: &str,
        run: &str,
        due: &str,
        since: &str,
        given: &str,
        says: VetoSays,
    ) -> Self {
        let given = VetoGiven { run: at(run), due: at(due), since: at(since), at: at(given), says };
        let past = self.history.sessions.entry("session-1".into()).or_default();
        past.vetoes.insert(name.into(), given);
        self
    }

    /// What a veto says of the stop at 20:00, about which it was first asked then.
    fn says(self, name: &str, given: &str, says: VetoSays) -> Self {
        self.says_about(name, RUN, DUE, DUE, given, says)
    }

    fn asks(&self, now: &str) -> Vec<String> {
        self.decide(now).asks.iter().map(|veto| veto.name.to_string()).collect()
    }
}

#[test]
fn line_7_asks_when_a_session_is_due_and_not_before() {
    let world = vetoed(&["farm", "licences"]);
    assert_eq!(world.decide("20T19:59:59").reason.code(), "not_due");
    assert!(world.asks("20T19:59:59").is_empty());
    world.check(
        DUE,
        "keep veto_unasked: it is due, and is to be asked about first: `farm`, `licences` | 2026-11-23T14:30:01Z",
    );
    assert_eq!(world.asks(DUE), ["farm", "licences"]);
    assert_eq!(world.decide(DUE).due, Some(at(DUE)));
}

#[test]
fn line_7_keeps_what_is_busy_and_names_the_latest_end() {
    let world = vetoed(&["farm"]).says("farm", DUE, busy("rendering frame 12"));
    world.check(
        "20T20:00:01",
        "keep busy: veto `farm` says that it is busy: rendering frame 12; this counts until 2026-11-21 10:00Z at the latest | 2026-11-21T04:05:00Z",
    );
    assert!(world.asks("20T20:04:59").is_empty());
    vetoed(&["farm"]).says("farm", DUE, busy("")).check(
        "20T20:00:01",
        "keep busy: veto `farm` says that it is busy; this counts until 2026-11-21 10:00Z at the latest | 2026-11-21T04:05:00Z",
    );
}

#[test]
fn line_7_keeps_with_an_alarm_what_no_answer_came_about() {
    vetoed(&["farm"]).says("farm", DUE, failed("it did not answer within 10s")).check(
        "20T20:00:01",
        "keep! veto_failed: veto `farm` gave no answer, which counts as busy until 2026-11-21 10:00Z at the latest: it did not answer within 10s | 2026-11-21T04:05:00Z",
    );
    // Whatever the order, what a person should look at is what is said.
    let both = vetoed(&["farm", "licences"]).says("farm", DUE, busy("x"));
    let both = both.says("licences", DUE, failed("exit status: 1"));
    assert_eq!(both.decide("20T20:00:01").reason.code(), "veto_failed");
}

#[test]
fn line_7_lets_stop_what_every_veto_has_nothing_against() {
    let one = vetoed(&["farm", "licences"]).says("farm", DUE, VetoSays::Clear);
    one.check(
        "20T20:00:01",
        "keep veto_unasked: it is due, and is to be asked about first: `licences` | 2026-11-21T04:05:00Z",
    );
    let both = one.says("licences", "20T20:00:02", VetoSays::Clear);
    let decision = both.decide("20T20:00:03");
    assert_eq!((decision.verdict(), decision.due), (Verdict::Stop, Some(at(DUE))));
    // The answers may become old before the stop is made.
    assert_eq!(decision.next_change, Some(at("20T20:05:00")));
    let busy = both.says("licences", "20T20:00:02", busy("maya"));
    assert_eq!(busy.decide("20T20:00:03").reason.code(), "busy");
}

#[test]
fn line_7_asks_again_before_an_answer_keeps_no_more() {
    for says in [busy("frame 1"), failed("x")] {
        let world = vetoed(&["farm"]).says("farm", DUE, says.clone());
        let fresh = world.decide("20T20:00:01").reason.code();
        let is_fresh = |now: &str| world.decide(now).reason.code() == fresh;
        assert!(is_fresh("20T20:05:00") && is_fresh("20T20:07:09"), "{says}");
        assert!(!is_fresh("20T20:07:10"), "{says}");
        assert_eq!(world.decide("20T20:07:10").reason.code(), "veto_unasked", "{says}");
        let asks = ["20T20:04:59", "20T20:05:00", "20T20:07:10"].map(|now| world.asks(now).len());
        assert_eq!(asks, [0, 1, 1], "{says}");
        let next = |now: &str| world.decide(now).next_change;
        assert_eq!(next("20T20:05:00"), Some(at("20T20:07:10")), "{says}");
        assert_eq!(next("20T20:07:10"), Some(at("21T02:00:00")), "{says}");
    }
}

/// The next answer may say otherwise, and be lost on a disk that fails.
#[test]
fn nobody_is_stopped_by_an_answer_after_which_another_was_asked_for() {
    let world = vetoed(&["farm"]).says("farm", DUE, VetoSays::Clear);
    let at_once = world.decide("20T20:04:59");
    assert_eq!((at_once.verdict(), at_once.next_change), (Verdict::Stop, Some(at("20T20:05:00"))));
    assert!(at_once.asks.is_empty());
    let old = world.decide("20T20:05:00");
    assert_eq!(old.reason.code(), "veto_unasked");
    assert_eq!(old.asks.len(), 1);
    // Who was clear keeps nothing that would end; what is next is the end of the window.
    assert_eq!(old.next_change, Some(at("23T06:30:01")));
}

#[test]
fn an_answer_belongs_to_one_run_and_one_due_instant_and_not_to_the_future() {
    let unasked = |world: World| {
        assert_eq!(world.decide("20T20:01:00").reason.code(), "veto_unasked");
        assert_eq!(world.asks("20T20:01:00"), ["farm"]);
        world.decide("20T20:01:00").next_change
    };
    let clear = |run, due, given| {
        vetoed(&["farm"]).says_about("farm", run, due, due, given, VetoSays::Clear)
    };
    unasked(clear("20T08:00:00", DUE, "20T20:00:30"));
    unasked(clear(RUN, "20T19:59:00", "20T20:00:30"));
    // The clock went back since.
    assert_eq!(unasked(clear(RUN, DUE, "20T20:01:01")), Some(at("20T20:01:01")));
}

#[test]
fn a_veto_ends_after_its_deferral_whatever_it_says() {
    for says in [busy("for ever"), failed("x")] {
        let world = vetoed(&["farm"]).says("farm", "21T01:58:00", says.clone());
        assert_eq!(world.decide("21T01:59:59").verdict(), Verdict::Keep);
        assert_eq!(world.decide("21T01:59:59").next_change, Some(at("21T02:00:00")));
        let decision = world.decide("21T02:00:00");
        assert_eq!((decision.verdict(), decision.reason.code()), (Verdict::Stop, "idle_hours"));
        assert_eq!(
            decision.reason.to_string(),
            "it was due at 2026-11-21 04:00Z: idle hours of schedule `nights`; kept for as long as it may be by `farm`"
        );
        assert_eq!(decision.reason.values()["overruled"], "farm");
        assert!(decision.asks.is_empty());
        assert_eq!(decision.next_change, Some(at("23T06:30:01")));
        let World { policy, studio, snapshot, history, .. } = &world;
        let session = snapshot.sessions.first_key_value().unwrap().1;
        let explained = explain(policy, studio, snapshot, session, history, at("21T02:00:00"));
        let line = explained.steps.iter().find(|step| step.line == 7).unwrap();
        assert_eq!(
            line.looked_at,
            "`farm`: counts no more since 2026-11-21T10:00:00Z, after defer_max 6h"
        );
    }
}

/// A pause, an outage or a call that was refused came after it.
#[test]
fn who_was_clear_is_asked_again_however_long_that_is_ago() {
    let world = vetoed(&["farm"]).says("farm", "20T20:00:00", VetoSays::Clear);
    for late in ["21T01:59:59", "21T02:00:00", "21T03:00:00"] {
        assert_eq!(world.decide(late).reason.code(), "veto_unasked", "{late}");
        assert_eq!(world.asks(late), ["farm"]);
    }
}

/// A daemon that was down, or a keep that lasted longer than the deferral.
#[test]
fn who_was_not_asked_before_is_asked_however_late_it_is() {
    let world = vetoed(&["farm"]);
    assert_eq!(world.decide("21T12:00:00").reason.code(), "veto_unasked");
    let first = "21T12:00:00";
    let world = world.says_about("farm", RUN, DUE, first, first, busy("x"));
    assert_eq!(world.decide("21T12:00:01").reason.code(), "busy");
    let world = world.says_about("farm", RUN, DUE, first, "21T17:58:00", busy("x"));
    assert_eq!(world.decide("21T17:59:59").reason.code(), "busy");
    assert_eq!(world.decide("21T18:00:00").verdict(), Verdict::Stop);
}

#[test]
fn nobody_is_asked_about_what_is_kept_held_or_refused_anyway() {
    let asks = |world: World, now: &str| world.asks(now).len();
    assert_eq!(asks(vetoed(&["farm"]).rule(true, |_| {}), DUE), 0);
    let off = vetoed(&["farm"]).session(|session| session.state = SessionState::Stopped);
    assert_eq!(asks(off, DUE), 0);
    let too_short =
        vetoed(&["farm"]).session(|session| session.started_at = Some(at("20T02:00:00")));
    assert_eq!(too_short.decide("20T06:40:00").reason.code(), "stop_too_short");
    assert_eq!(asks(too_short, "20T06:40:00"), 0);
    let refused = vetoed(&["farm"]).session(|session| {
        session.stopping = Stopping::Allowed { destroyed_after: Some(hours(24)) };
    });
    assert_eq!(refused.decide(DUE).reason.code(), "would_be_destroyed");
    assert_eq!(asks(refused, DUE), 0);
    let mut held = vetoed(&["farm"]);
    held.snapshot.accounts = vec!["999999999999".into()];
    assert_eq!((held.decide(DUE).verdict(), asks(held, DUE)), (Verdict::Hold, 0));
}

/// The guard refuses at the beginning of a long window and allows towards its end.
#[test]
fn a_veto_is_asked_once_the_guard_allows_the_stop() {
    let world = vetoed(&["farm"]).session(|session| {
        session.stopping = Stopping::Allowed { destroyed_after: Some(hours(24)) };
    });
    assert_eq!(world.decide("20T20:00:00").next_change, Some(at("22T15:00:00")));
    assert_eq!(world.decide("22T15:00:00").reason.code(), "veto_unasked");
}

#[test]
fn in_observe_a_stop_that_was_shown_is_asked_about_no_more() {
    let world = vetoed(&["farm"]).settings(|settings| settings.mode = Mode::Observe);
    assert_eq!(world.asks(DUE), ["farm"]);
    let mut shown = world.says("farm", DUE, VetoSays::Clear);
    assert_eq!(shown.decide("20T20:00:01").verdict(), Verdict::Stop);
    shown.history.sessions.get_mut(&"session-1".into()).unwrap().withheld = Some(at(DUE));
    let decision = shown.decide("20T23:00:00");
    assert_eq!((decision.verdict(), decision.asks.len()), (Verdict::Stop, 0));
    // It was another stop that was shown.
    shown.history.sessions.get_mut(&"session-1".into()).unwrap().withheld = Some(at("19T20:00:00"));
    assert_eq!(shown.decide("20T23:00:00").reason.code(), "veto_unasked");
}

#[test]
fn warnings_come_before_the_stop_and_are_not_asked_about() {
    let world = vetoed(&["farm"]).settings(|settings| settings.warn = vec![minutes(15)]);
    assert_eq!(world.decide("20T19:45:00").verdict(), Verdict::Warn);
    assert!(world.asks("20T19:45:00").is_empty());
    // One that is late is given once nothing else is in the way, and meanwhile answers become old.
    let world = world.says("farm", "20T20:00:00", VetoSays::Clear);
    assert_eq!(world.decide("20T20:01:00").verdict(), Verdict::Warn);
    let world = world.warned(minutes(15), DUE, "20T20:01:00", Mode::Enforce);
    assert_eq!(world.decide("20T20:01:00").reason.code(), "warning_out");
    assert_eq!(world.decide("20T20:01:00").next_change, Some(at("20T20:05:00")));
    assert_eq!(world.asks("20T20:05:00"), ["farm"]);
}

#[test]
fn the_brake_counts_what_vetoes_have_yet_to_be_asked_about() {
    let mut world = vetoed(&["farm"]).says("farm", DUE, VetoSays::Clear);
    let id: crate::ids::SessionId = "session-2".into();
    let other = Session { id: id.clone(), ..session() };
    world.snapshot.sessions.insert(id, Arc::new(other));
    let codes = |world: &World| {
        let World { policy, studio, snapshot, history, .. } = world;
        let plan = plan(policy, studio, snapshot, history, at("20T20:00:01"));
        let asks: usize = plan.decisions.iter().map(|decision| decision.asks.len()).sum();
        (plan.decisions.iter().map(|d| d.reason.code()).collect::<Vec<_>>(), asks)
    };
    world.studio.brake = Brake { per_scan: 2, per_hour: 100 };
    assert_eq!(codes(&world), (vec!["idle_hours", "veto_unasked"], 1));
    world.studio.brake = Brake { per_scan: 1, per_hour: 100 };
    assert_eq!(codes(&world), (vec!["brake", "brake"], 0));
    let World { policy, studio, snapshot, history, .. } = &world;
    let session = &snapshot.sessions[&"session-2".into()];
    let explained = explain(policy, studio, snapshot, session, history, at("20T20:00:01"));
    assert_eq!(explained.decision.reason.code(), "brake");
    assert!(explained.decision.asks.is_empty());
}

#[test]
fn a_forecast_takes_vetoes_for_clear_once_they_are_asked() {
    let stop_of = |world: World| {
        let World { policy, studio, snapshot, history, .. } = &world;
        let events =
            forecast(policy, studio, snapshot, history, at("20T20:01:00"), at("22T20:00:00"));
        let is_stop =
            |e: &&Foreseen| e.event.decision().is_some_and(|d| d.verdict() == Verdict::Stop);
        events.iter().find(is_stop).map(|event| event.at)
    };
    assert_eq!(stop_of(vetoed(&["farm", "licences"])), Some(at("20T20:01:00")));
    assert_eq!(stop_of(vetoed(&["farm"]).says("farm", DUE, busy("x"))), Some(at("20T20:05:00")));
}

#[test]
fn what_was_looked_at_tells_of_each_veto() {
    let world = vetoed(&["farm", "licences", "local"]);
    let world = world.says("farm", DUE, VetoSays::Clear).says("local", DUE, busy("maya"));
    let look = |world: &World, now: &str| {
        let World { policy, studio, snapshot, history, .. } = world;
        let session = snapshot.sessions.first_key_value().unwrap().1;
        let explained = explain(policy, studio, snapshot, session, history, at(now));
        assert_eq!(explained.decision, world.decide(now));
        explained.steps.into_iter().find(|step| step.line == 7).unwrap().looked_at
    };
    assert_eq!(look(&world, "20T19:00:00"), "`farm`, `licences`, `local`: not asked now");
    assert_eq!(
        look(&world, "20T20:01:00"),
        "`farm`: clear at 2026-11-21T04:00:00Z; `licences`: not asked; `local`: busy (maya) at 2026-11-21T04:00:00Z"
    );
    assert_eq!(
        look(&world, "20T21:00:00"),
        "`farm`: clear at 2026-11-21T04:00:00Z, which counts no more; `licences`: not asked; \
         `local`: busy (maya) at 2026-11-21T04:00:00Z, which counts no more"
    );
    assert_eq!(look(&World::new(), "20T20:01:00"), "no veto applies");
}

#[test]
fn a_keep_or_a_pause_does_not_use_up_the_time_of_a_veto() {
    let kept = |until: Option<&str>| {
        let world = vetoed(&["farm"]).says("farm", "20T20:05:00", busy("frame 7"));
        world.session(|session| {
            let until = until.map(|until| (TAG_KEEP_UNTIL.to_owned(), at(until).to_string()));
            session.tags.extend(until);
        })
    };
    // It kept it for its six hours, and is asked no more.
    assert_eq!(kept(None).decide("21T10:00:00").verdict(), Verdict::Stop);
    // The keep was set in the meantime, and the render goes on.
    let over = kept(Some("21T10:00:00"));
    assert_eq!(over.decide("21T10:00:00").reason.code(), "veto_unasked");
    assert_eq!(over.asks("21T10:00:00"), ["farm"]);
    let mut paused = kept(None);
    let (until, who) = (at("21T09:00:00"), "ada".to_owned());
    paused.history.paused = Some(crate::plan::Pause { until, who });
    assert_eq!(paused.asks("21T10:00:00"), ["farm"]);
    // Whoever is busy still keeps it from then on for as long as it may.
    let again = over.says("farm", "21T10:00:01", busy("frame 7"));
    assert_eq!(again.decide("21T10:01:00").reason.code(), "busy");
    let last = again.says("farm", "21T15:59:00", busy("frame 9"));
    assert_eq!(last.decide("21T15:59:59").reason.code(), "busy");
    assert_eq!(last.decide("21T16:00:00").verdict(), Verdict::Stop);
}
