use super::*;

use Setting::{Absent, Known};
use Switch::{Activated, Deactivated};

const SILENT: SessionModes =
    SessionModes { persistence: Absent, termination: Absent, retention: Absent };

fn profile(
    persistence: Setting<Switch>,
    termination: Setting<Switch>,
    stopped_minutes_max: i32,
) -> ProfileModes {
    ProfileModes { persistence, termination, session_minutes_max: 690, stopped_minutes_max }
}

fn session(persistence: Setting<Switch>, termination: Setting<Switch>) -> SessionModes {
    SessionModes { persistence, termination, ..SILENT }
}

fn word(text: &str) -> Setting<Switch> {
    Setting::Unknown(text.to_owned())
}

fn instant(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn describe(stopping: &Stopping) -> String {
    match stopping {
        Stopping::Allowed { destroyed_after: None } => "allowed".to_owned(),
        Stopping::Allowed { destroyed_after: Some(after) } => {
            format!("allowed, destroyed after {} min", after.as_mins())
        }
        Stopping::Forbidden(Forbidden { remedy }) if remedy.ends_with("DEACTIVATED") => {
            "forbidden, persistent".to_owned()
        }
        Stopping::Forbidden(_) => "forbidden".to_owned(),
        Stopping::Unclear(Doubt::UnknownMode { field, value }) => format!("{field} is {value}"),
        Stopping::Unclear(Doubt::VolumesDeleted) => "volumes deleted".to_owned(),
        Stopping::Unclear(Doubt::NoLaunchProfile) => "no launch profile".to_owned(),
    }
}

#[test]
fn old_and_new_profiles_say_what_stopping_does() {
    let on = || Known(Activated);
    let off = || Known(Deactivated);
    for (persistence, termination, minutes, expected) in [
        // Before persistence existed.
        (Absent, Absent, 0, "forbidden"),
        (Absent, Absent, 1440, "allowed, destroyed after 1440 min"),
        (Absent, Absent, 5760, "allowed, destroyed after 5760 min"),
        // With persistence off, as the newer service says it.
        (off(), Absent, 0, "forbidden"),
        (off(), off(), 0, "forbidden"),
        (off(), off(), 60, "allowed, destroyed after 60 min"),
        (off(), on(), 60, "allowed, destroyed after 60 min"),
        // Persistent without automatic termination: zero does not forbid, and nothing terminates.
        (on(), Absent, 0, "allowed"),
        (on(), off(), 0, "allowed"),
        // The session says nothing and may be of the old kind, whose clock runs.
        (on(), off(), 60, "allowed, destroyed after 60 min"),
        // Persistent with it.
        (on(), on(), 0, "forbidden, persistent"),
        (on(), on(), 60, "allowed, destroyed after 60 min"),
    ] {
        let profile = profile(persistence, termination, minutes);
        let actual = describe(&stopping(&SILENT, Some(&profile)));
        assert_eq!(actual, expected, "{profile:?}");
    }
}

#[test]
fn the_sessions_own_modes_come_before_its_profiles() {
    let on = || Known(Activated);
    let off = || Known(Deactivated);
    for (session, profile, expected) in [
        (session(on(), off()), profile(off(), Absent, 0), "allowed"),
        (session(on(), off()), profile(on(), off(), 60), "allowed"),
        (session(off(), Absent), profile(on(), off(), 0), "forbidden"),
        (session(on(), on()), profile(on(), off(), 60), "allowed, destroyed after 60 min"),
        (session(on(), on()), profile(on(), off(), 0), "forbidden, persistent"),
        // Each mode for itself.
        (session(on(), Absent), profile(off(), on(), 60), "allowed, destroyed after 60 min"),
        (session(Absent, off()), profile(on(), on(), 60), "allowed"),
    ] {
        let actual = describe(&stopping(&session, Some(&profile)));
        assert_eq!(actual, expected, "{session:?} {profile:?}");
    }
}

#[test]
fn what_is_not_known_is_a_doubt() {
    let plain = || profile(Absent, Absent, 60);
    let retention = |retention| SessionModes { retention, ..SILENT };
    let length = |session_minutes_max| ProfileModes { session_minutes_max, ..plain() };
    for (session, profile, expected) in [
        (SILENT, None, "no launch profile"),
        (retention(Known(Retention::Delete)), Some(plain()), "volumes deleted"),
        (retention(Known(Retention::Delete)), None, "volumes deleted"),
        (retention(Setting::Unknown("BURN".into())), Some(plain()), "volumeRetentionMode is BURN"),
        (retention(Known(Retention::Retain)), Some(plain()), "allowed, destroyed after 60 min"),
        (session(word("HALF"), Absent), Some(plain()), "sessionPersistenceMode is HALF"),
        (session(Absent, word("HALF")), Some(plain()), "automaticTerminationMode is HALF"),
        (SILENT, Some(profile(word("A"), Absent, 1)), "sessionPersistenceMode is A"),
        (SILENT, Some(profile(Absent, word("A"), 1)), "automaticTerminationMode is A"),
        // Even where the session's own word would decide.
        (
            session(Known(Activated), Known(Deactivated)),
            Some(profile(word("A"), Absent, 1)),
            "sessionPersistenceMode is A",
        ),
        (SILENT, Some(profile(Absent, Absent, -1)), "maxStoppedSessionLengthInMinutes is -1"),
        (SILENT, Some(profile(Absent, Absent, 5761)), "maxStoppedSessionLengthInMinutes is 5761"),
        (SILENT, Some(length(0)), "maxSessionLengthInMinutes is 0"),
        (SILENT, Some(length(-5)), "maxSessionLengthInMinutes is -5"),
        (SILENT, Some(length(43_201)), "maxSessionLengthInMinutes is 43201"),
    ] {
        let actual = describe(&stopping(&session, profile.as_ref()));
        assert_eq!(actual, expected, "{session:?} {profile:?}");
    }
}

#[test]
fn remedies_are_in_the_words_of_the_api() {
    insta::assert_snapshot!(REMEDY, @"set maxStoppedSessionLengthInMinutes of the launch profile above 0; the service may ask for sessionPersistenceMode and automaticTerminationMode ACTIVATED with it");
    insta::assert_snapshot!(REMEDY_PERSISTENT, @"set maxStoppedSessionLengthInMinutes of the launch profile above 0, or its automaticTerminationMode to DEACTIVATED");
}

#[test]
fn volumes_are_retained_only_where_the_session_persists() {
    let on = || Known(Activated);
    let off = || Known(Deactivated);
    for (own, of_profile, expected) in [
        (on(), Some(off()), true),
        (on(), None, true),
        (off(), Some(on()), false),
        (Absent, Some(on()), true),
        (Absent, Some(off()), false),
        (Absent, Some(Absent), false),
        (Absent, None, false),
        (word("HALF"), Some(on()), false),
    ] {
        let profile = of_profile.map(|persistence| profile(persistence, Absent, 0));
        let actual = retains_volumes(&session(own, Absent), profile.as_ref());
        assert_eq!(actual, expected, "{profile:?}");
    }
}

const NO_INSTANTS: Instants =
    Instants { start: None, stop_at: None, stopped_at: None, terminate_at: None };

#[test]
fn a_running_session_ends_at_the_earlier_announcement_or_at_its_greatest_length() {
    let start = Some(instant("2026-11-20T08:00:00Z"));
    let early = Some(instant("2026-11-20T12:00:00Z"));
    let late = Some(instant("2026-11-20T18:00:00Z"));
    let stoppable = || profile(Absent, Absent, 60);
    let fixed = || profile(Absent, Absent, 0);
    for (profile, stop_at, terminate_at, expected) in [
        (Some(stoppable()), early, late, Some(("2026-11-20T12:00:00Z", false))),
        (Some(stoppable()), late, early, Some(("2026-11-20T12:00:00Z", true))),
        (Some(stoppable()), None, late, Some(("2026-11-20T18:00:00Z", true))),
        // At the same instant the worse is assumed.
        (Some(stoppable()), late, late, Some(("2026-11-20T18:00:00Z", true))),
        (None, late, None, Some(("2026-11-20T18:00:00Z", false))),
        (Some(stoppable()), None, None, Some(("2026-11-20T19:30:00Z", false))),
        (Some(fixed()), None, None, Some(("2026-11-20T19:30:00Z", true))),
        (None, None, None, None),
    ] {
        let instants = Instants { start, stop_at, terminate_at, ..NO_INSTANTS };
        let rule = stopping(&SILENT, profile.as_ref());
        let actual = ending(&SessionState::Ready, &rule, profile.as_ref(), &instants);
        let expected = expected.map(|(at, destroys)| Ending { at: instant(at), destroys });
        assert_eq!(actual, expected, "{profile:?} {instants:?}");
    }
}

#[test]
fn only_what_runs_ends_itself_and_only_what_is_off_is_terminated() {
    use SessionState::{Deleted, Failed, Missing, Ready, Stopped, Transitional, Unknown};
    let at = Some(instant("2026-11-20T12:00:00Z"));
    let instants = Instants { terminate_at: at, ..NO_INSTANTS };
    let profile = profile(Absent, Absent, 60);
    let rule = stopping(&SILENT, Some(&profile));
    for (state, runs, is_off) in [
        (Ready, true, false),
        (Stopped, false, true),
        (Transitional(Transition::Create), true, false),
        (Transitional(Transition::Start), true, false),
        (Transitional(Transition::Stop), false, true),
        (Transitional(Transition::Delete), false, false),
        (Failed(Transition::Create), false, false),
        (Failed(Transition::Start), false, true),
        (Failed(Transition::Stop), true, false),
        (Failed(Transition::Delete), false, false),
        (Deleted, false, false),
        (Unknown("NAPPING".into()), false, false),
        (Missing, false, false),
    ] {
        assert_eq!(ending(&state, &rule, Some(&profile), &instants).is_some(), runs, "{state}");
        assert_eq!(termination(&state, &rule, &instants).is_some(), is_off, "{state}");
    }
}

#[test]
fn a_stopped_session_is_terminated_as_announced_or_by_its_clock() {
    let stopped_at = Some(instant("2026-11-20T19:00:00Z"));
    let announced = Some(instant("2026-11-21T00:00:00Z"));
    for (profile, terminate_at, expected) in [
        (profile(Absent, Absent, 1440), None, Some("2026-11-21T19:00:00Z")),
        (profile(Absent, Absent, 1440), announced, Some("2026-11-21T00:00:00Z")),
        (profile(Known(Activated), Absent, 1440), None, Some("2026-11-21T19:00:00Z")),
        (profile(Known(Activated), Absent, 0), None, None),
        (profile(Known(Activated), Absent, 0), announced, Some("2026-11-21T00:00:00Z")),
        (profile(Absent, Absent, 0), None, None),
    ] {
        let instants = Instants { stopped_at, terminate_at, ..NO_INSTANTS };
        let rule = stopping(&SILENT, Some(&profile));
        let actual = termination(&SessionState::Stopped, &rule, &instants);
        assert_eq!(actual, expected.map(instant), "{profile:?}");
    }
}
