use std::sync::Mutex;

use futures_util::future::BoxFuture;
use jiff::Timestamp;

use super::*;
use crate::clock::SimulatedClock;
use crate::inventory::{Forbidden, Problem, Stopping};
use crate::provider::ClientToken;
use crate::provider::administer::{Change, Reading, Unfit};

const FORBIDDEN: Stopping = Stopping::Forbidden(Forbidden { remedy: "allow it" });

fn allowed(hours: i64) -> Stopping {
    Stopping::Allowed { destroyed_after: Some(SignedDuration::from_hours(hours)) }
}

fn proposal(before: Stopping, after: Stopping, changes: &[(&str, Option<&str>, &str)]) -> Proposal {
    let change = |(member, from, to): &(&str, Option<&str>, &str)| {
        let (from, to) = (from.map(ToOwned::to_owned), Some((*to).to_owned()));
        ((*member).to_owned(), Change { from, to })
    };
    Proposal {
        profile: "lp-1".into(),
        name: Some("Archive".to_owned()),
        account: None,
        stopped: SignedDuration::from_hours(48),
        changes: changes.iter().map(change).collect(),
        untouched: vec!["clipboardMode".to_owned(), "ec2InstanceTypes".to_owned()],
        before,
        after,
        reading: Reading::of(""),
    }
}

const ONE_IS_OFF: OnIt = OnIt { all: 3, off: 1 };

const ALL_RUN: OnIt = OnIt { all: 3, off: 0 };

fn transcript(proposal: &Proposal) -> String {
    shown("Feature/lp-1", proposal, ONE_IS_OFF).join("\n")
}

#[test]
fn what_is_set_beside_the_length_is_shown_with_its_reason() {
    let all = [
        ("automaticTerminationMode", None, "ACTIVATED"),
        ("maxStoppedSessionLengthInMinutes", Some("0"), "2880"),
        ("sessionPersistenceMode", Some("DEACTIVATED"), "ACTIVATED"),
    ];
    let proposal = proposal(FORBIDDEN, allowed(48), &all);
    assert!(!is_sooner(&proposal, ALL_RUN));
    let transcript = shown("Feature/lp-1", &proposal, ALL_RUN).join("\n");
    insta::assert_snapshot!(transcript, @r#"
    Feature/lp-1, "Archive": sessions on it: 3, of them off: 0
      automaticTerminationMode: absent -> ACTIVATED
      maxStoppedSessionLengthInMinutes: 0 -> 2880
      sessionPersistenceMode: DEACTIVATED -> ACTIVATED
      written back as they are: clipboardMode, ec2InstanceTypes
      today: its sessions may not be stopped, and the service destroys each that reaches its longest run
      then: its sessions may be stopped; one that is off for 48h the service destroys with its work
      the service takes a stopped length only where both modes are ACTIVATED; sessions that are there keep the modes that they were launched with
    "#);
}

#[test]
fn what_destroys_work_sooner_is_said_plainly() {
    let free = Stopping::Allowed { destroyed_after: None };
    let terminates = [("automaticTerminationMode", Some("DEACTIVATED"), "ACTIVATED")];
    let sooner = proposal(free, allowed(48), &terminates);
    assert!(is_sooner(&sooner, ONE_IS_OFF));
    insta::assert_snapshot!(transcript(&sooner), @r#"
    Feature/lp-1, "Archive": sessions on it: 3, of them off: 1
      automaticTerminationMode: DEACTIVATED -> ACTIVATED
      written back as they are: clipboardMode, ec2InstanceTypes
      today: its sessions may be stopped, and stay off for as long as anybody likes
      then: its sessions may be stopped; one that is off for 48h the service destroys with its work
      WORK IS DESTROYED SOONER THAN TODAY: also of sessions that are there, and of those that are off
    "#);
    let length = [("maxStoppedSessionLengthInMinutes", Some("5760"), "2880")];
    assert!(is_sooner(&proposal(allowed(96), allowed(48), &length), ONE_IS_OFF));
    assert!(!is_sooner(&proposal(allowed(24), allowed(48), &length), ONE_IS_OFF));
    let nothing = proposal(allowed(48), allowed(48), &[]);
    insta::assert_snapshot!(transcript(&nothing), @r#"
    Feature/lp-1, "Archive": sessions on it: 3, of them off: 1
      written back as they are: clipboardMode, ec2InstanceTypes
      today: its sessions may be stopped; one that is off for 48h the service destroys with its work
    "#);
}

/// It has been off for days, maybe, and nothing said when it would be destroyed.
#[test]
fn what_is_off_without_an_end_is_destroyed_sooner_by_any_end() {
    let length = [("maxStoppedSessionLengthInMinutes", Some("0"), "2880")];
    let proposal = proposal(FORBIDDEN, allowed(48), &length);
    assert!(is_sooner(&proposal, ONE_IS_OFF) && !is_sooner(&proposal, ALL_RUN));
    assert!(transcript(&proposal).contains("WORK IS DESTROYED SOONER THAN TODAY"));
}

#[test]
fn a_program_reads_every_member() {
    let length = [("maxStoppedSessionLengthInMinutes", Some("5760"), "2880")];
    let proposal = proposal(allowed(96), allowed(48), &length);
    let on_it = OnIt { all: 3, off: 1 };
    let refused = Err(Failure::Failed("nothing was done: sooner".to_owned()));
    let printed = Printed::new("us-west-2:stid-1".to_owned(), &proposal, on_it, &refused);
    insta::assert_snapshot!(serde_json::to_string_pretty(&printed).unwrap(), @r#"
    {
      "studio": "us-west-2:stid-1",
      "launch_profile": "lp-1",
      "launch_profile_name": "Archive",
      "sessions": 3,
      "off": 1,
      "changes": {
        "maxStoppedSessionLengthInMinutes": {
          "from": "5760",
          "to": "2880"
        }
      },
      "untouched": [
        "clipboardMode",
        "ec2InstanceTypes"
      ],
      "destroyed_after_seconds_today": 345600,
      "destroyed_after_seconds": 172800,
      "destroys_sooner": true,
      "outcome": "failed",
      "error": "nothing was done: sooner"
    }
    "#);
    for (outcome, code) in [
        (Outcome::NothingToChange, "nothing_to_change"),
        (Outcome::DryRun, "dry_run"),
        (Outcome::Accepted, "accepted"),
        (Outcome::Done, "done"),
    ] {
        let printed = Printed::new(String::new(), &proposal, on_it, &Ok(outcome));
        assert_eq!((printed.outcome, printed.error), (code, None));
    }
}

#[test]
fn a_length_is_whole_minutes_that_the_service_can_be_told() {
    let read = |text: &str| stopped_length(text).ok().map(|length| length.as_mins());
    assert_eq!((read("2d"), read("4d"), read("90m")), (Some(2880), Some(5760), Some(90)));
    for wrong in ["0", "5d", "90s", "", "forever"] {
        assert_eq!(read(wrong), None, "{wrong:?}");
    }
}

/// Answers with one after another, and with the last again and again.
#[derive(Debug)]
struct Scripted(Mutex<Vec<Result<Progress, ProviderError>>>);

impl Administer for Scripted {
    fn propose<'a>(
        &'a self,
        _: &'a LaunchProfileId,
        _: SignedDuration,
    ) -> BoxFuture<'a, Result<Proposal, Unfit>> {
        unreachable!("only waits are scripted")
    }

    fn change<'a>(
        &'a self,
        _: &'a Proposal,
        _: &'a ClientToken,
    ) -> BoxFuture<'a, Result<Option<String>, ProviderError>> {
        unreachable!("only waits are scripted")
    }

    fn progress<'a>(&'a self, _: &'a Proposal) -> BoxFuture<'a, Result<Progress, ProviderError>> {
        let mut answers = self.0.lock().unwrap();
        let answer = if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() };
        Box::pin(std::future::ready(answer))
    }
}

/// What comes of waiting, and after how long by the clock.
fn waited(answers: Vec<Result<Progress, ProviderError>>) -> (Result<(), String>, SignedDuration) {
    let start: Timestamp = "2026-11-20T20:00:00Z".parse().unwrap();
    let clock = SimulatedClock::new(start);
    let scripted = Scripted(Mutex::new(answers));
    let proposal = proposal(FORBIDDEN, allowed(48), &[]);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let end = runtime.block_on(async {
        tokio::select! {
            biased;
            end = arrive(&clock, &scripted, "Feature/lp-1", &proposal) => end,
            () = clock.drive(start + SignedDuration::from_hours(1)) => panic!("it waits for an hour"),
        }
    });
    let end = end.map_err(|failure| failure.to_string());
    (end, start.duration_until(clock.now()))
}

#[test]
fn a_change_is_waited_for_until_it_is_there_or_has_failed_or_too_long() {
    let under = || Ok(Progress::Under("UPDATE_IN_PROGRESS".to_owned()));
    let unread = ProviderError {
        problem: Problem::TimedOut,
        operation: "GetLaunchProfile",
        detail: "the call was given up".to_owned(),
        request_id: None,
    };
    let (end, after) = waited(vec![under(), Err(unread), under(), Ok(Progress::Done)]);
    assert_eq!((end, after), (Ok(()), SignedDuration::from_secs(15)));
    let failed = "UPDATE_FAILED: STREAMING_IMAGE_NOT_FOUND".to_owned();
    let (end, _) = waited(vec![under(), Ok(Progress::Failed(failed))]);
    assert_eq!(end.unwrap_err(), "Feature/lp-1: UPDATE_FAILED: STREAMING_IMAGE_NOT_FOUND");
    let members = vec!["volumeConfiguration".to_owned()];
    let (end, _) = waited(vec![Ok(Progress::Otherwise(members))]);
    assert!(end.unwrap_err().ends_with("look at volumeConfiguration"));
    let (end, after) = waited(vec![under()]);
    assert_eq!(end.unwrap_err(), "Feature/lp-1: still UPDATE_IN_PROGRESS after 12m 30s");
    assert_eq!(after, WAIT_MAX);
}
