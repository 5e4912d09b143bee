//! Real commands, small ones: each answer, each way of not answering, and that nothing is left behind.

mod examples;

use std::path::Path;
use std::sync::Arc;

use jiff::SignedDuration;

use super::*;
use crate::clock::{Clock, SimulatedClock, SystemClock};
use crate::inventory::{SessionState, Stopping};

/// As long as no machine needs for a shell, however busy it is.
const LONG: SignedDuration = SignedDuration::from_mins(1);

fn session() -> Session {
    let at = |text: &str| Some(text.parse().unwrap());
    Session {
        id: "session-1".into(),
        arn: None,
        state: SessionState::Ready,
        status: None,
        owner: Some("owner-\"1\"".into()),
        launch_profile: Some("lp-1".into()),
        launch_profile_name: Some("Comp".into()),
        instance_type: Some("g5.4xlarge".into()),
        studio_role: None,
        streaming_image: None,
        persistence: None,
        created_at: at("2026-11-20T16:00:00Z"),
        started_at: at("2026-11-20T17:00:00Z"),
        stopped_at: None,
        started_by: None,
        stopped_by: None,
        terminate_at: None,
        ends_itself: None,
        stopping: Stopping::Allowed { destroyed_after: None },
        retains_volumes: true,
        tags: [("host".to_owned(), "ws-0412".to_owned())].into(),
    }
}

fn question() -> Question {
    let studio = "us-west-2:stid-1".into();
    Question::new(&studio, &session(), "2026-11-21T04:00:00Z".parse().unwrap())
}

fn veto(command: &[&str], timeout: SignedDuration) -> Veto {
    Veto {
        name: "farm".into(),
        command: command.iter().map(|word| (*word).to_owned()).collect(),
        timeout,
        defer_max: SignedDuration::from_hours(6),
        every: SignedDuration::from_mins(5),
    }
}

fn run<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(work)
}

fn vetoes() -> CommandVetoes {
    CommandVetoes::new(Arc::new(SystemClock::new()))
}

/// What comes of a line of shell.
fn said(script: &str) -> VetoSays {
    let veto = veto(&["/bin/sh", "-c", script], LONG);
    run(vetoes().ask(&veto, &question()))
}

#[track_caller]
fn check(script: &str, expected: &str) {
    assert_eq!(said(script).to_string(), expected, "{script}");
}

#[test]
fn a_command_says_busy_or_not() {
    check(r#"echo '{"busy": false}'"#, "clear");
    check(r#"echo '{"busy": false, "reason": "nothing runs", "load": 0.1}'"#, "clear");
    check(r#"echo '{"busy": true}'"#, "busy");
    check(
        r#"printf %s '{"busy": true, "reason": " rendering\n\tframe 12 "}'"#,
        "busy (rendering  frame 12)",
    );
    check(r#"printf '\n {"busy" :true,"reason":null}\n\n'"#, "busy");
}

#[test]
fn words_are_bounded() {
    let said = self::said(r#"printf '{"busy": true, "reason": "%0999d"}' 0"#);
    assert_eq!(said, VetoSays::Busy { words: format!("{}...", "0".repeat(200)) });
}

#[test]
fn whatever_is_not_an_answer_counts_as_none() {
    check("exit 3", "failed (it ended with exit status 3)");
    check(r#"echo '{"busy": false}'; exit 1"#, "failed (it ended with exit status 1)");
    check("kill -9 $$", "failed (it was ended by signal 9)");
    check("true", "failed (it said nothing)");
    check("echo", "failed (it said nothing)");
    let garbled = |script, column| {
        let words = "its output is not an object with `busy`, see line 1, column";
        check(&format!("printf '%s' '{script}'"), &format!("failed ({words} {column})"));
    };
    garbled("not busy", 2);
    garbled("{}", 2);
    garbled("true", 4);
    garbled(r#"{"busy": "false"}"#, 16);
    garbled(r#"{"busy": 0}"#, 10);
    garbled(r#"{"busy": null}"#, 13);
    garbled(r#"{"buzy": false}"#, 15);
    garbled(r#"{"busy": false, "busy": true}"#, 22);
    garbled(r#"{"busy": false} {"busy": true}"#, 17);
    garbled(r#"{"busy": false"#, 14);
    garbled(r#"{"busy": true, "reason": 5}"#, 26);
}

#[test]
fn a_command_that_cannot_be_begun_is_no_answer() {
    let said = |command: &[&str]| run(vetoes().ask(&veto(command, LONG), &question())).to_string();
    let missing = "failed (it could not be begun: No such file or directory (os error 2))";
    assert_eq!(said(&["/usr/local/bin/there-is-no-such-program"]), missing);
    assert_eq!(said(&["there-is-no-such-program", "-v"]), missing);
    assert!(said(&["/"]).starts_with("failed (it could not be begun: "), "{}", said(&["/"]));
    assert!(said(&[]).starts_with("failed (it could not be begun: "));
}

#[test]
fn a_command_is_told_the_session_in_one_line() {
    // Its standard input, as the words of its answer.
    let said = self::said(
        r#"read -r line; printf '{"busy": true, "reason": "%s"}' "$(printf %s "$line" | tr -d '\\' | tr '"' "'")""#,
    );
    let VetoSays::Busy { words } = said else { panic!("{said}") };
    let whole = serde_json::to_string(&question()).unwrap();
    assert!(
        whole.replace('\\', "").replace('"', "'").starts_with(words.trim_end_matches('.')),
        "{words}"
    );
    let expected = r#"{"studio":"us-west-2:stid-1","session":"session-1","owner":"owner-\"1\"","launch_profile":"lp-1","launch_profile_name":"Comp","instance_type":"g5.4xlarge","started_at":"2026-11-20T17:00:00Z","due":"2026-11-21T04:00:00Z","tags":{"host":"ws-0412"}}"#;
    assert_eq!(whole, expected);
    let unknown = Session { owner: None, launch_profile_name: None, ..session() };
    let unknown = Question::new(&"s".into(), &unknown, question().due);
    let text = serde_json::to_string(&unknown).unwrap();
    assert!(text.contains(r#""owner":null,"#) && text.contains(r#""launch_profile_name":null,"#));
}

#[test]
fn a_command_need_not_hear_what_it_is_told() {
    let mut question = question();
    // More than a pipe holds, so that telling it would wait for ever.
    question.tags = (0..20_000).map(|n| (format!("key-{n}"), "value".to_owned())).collect();
    let script = r#"exec <&-; echo '{"busy": false}'"#;
    let said = run(vetoes().ask(&veto(&["/bin/sh", "-c", script], LONG), &question));
    assert_eq!(said, VetoSays::Clear);
    let script = r#"echo '{"busy": false}'"#;
    let said = run(vetoes().ask(&veto(&["/bin/sh", "-c", script], LONG), &question));
    assert_eq!(said, VetoSays::Clear);
}

#[test]
fn a_command_finds_no_credentials_in_its_environment() {
    let environment = |vetoes: CommandVetoes| {
        let script = r#"printf '{"busy": true, "reason": "%s"}' "$(env | cut -d= -f1 | grep -vE '^(PWD|_|SHLVL|OLDPWD)$' | sort | tr '\n' ' ')""#;
        run(vetoes.ask(&veto(&["/bin/sh", "-c", script], LONG), &question())).to_string()
    };
    let path = std::env::var_os("PATH").unwrap();
    let only = vec![("PATH".into(), path)];
    let given = CommandVetoes::with_environment(Arc::new(SystemClock::new()), only);
    assert_eq!(environment(given), "busy (PATH)");
    let own = environment(vetoes());
    let names: Vec<&str> =
        own.trim_start_matches("busy (").trim_end_matches(')').split_whitespace().collect();
    assert!(names.contains(&"PATH") && names.len() < std::env::vars_os().count(), "{own}");
    assert!(names.iter().all(|name| command::ENVIRONMENT.contains(name)), "{own}");
}

/// A file that a script writes the number of a process into.
fn pid_in(file: &Path) -> Option<rustix::process::Pid> {
    let number = std::fs::read_to_string(file).ok()?.trim().parse().ok()?;
    rustix::process::Pid::from_raw(number)
}

/// Waits until a process is gone: a kill is delivered, but not waited for. One that never goes makes the
/// test hang, which is a failure too.
fn assert_gone(file: &Path) {
    let pid = pid_in(file).unwrap();
    let is_there = || {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
        // What was killed and not yet reaped by whoever inherits it is gone.
        stat.is_ok_and(|stat| stat.rsplit(')').next().is_some_and(|rest| !rest.starts_with(" Z")))
    };
    while is_there() {
        std::thread::yield_now();
    }
}

#[test]
fn a_command_that_is_silent_is_ended_with_all_that_it_began() {
    let directory = tempfile::tempdir().unwrap();
    let (own, child) = (directory.path().join("own"), directory.path().join("child"));
    let script =
        format!("echo $$ > {}; sleep 1000 & echo $! > {}; wait", own.display(), child.display());
    let clock = SimulatedClock::new(question().due);
    let (vetoes, timeout) =
        (CommandVetoes::new(Arc::new(clock.clone())), SignedDuration::from_secs(10));
    let said = run(async {
        let (veto, question) = (veto(&["/bin/sh", "-c", &script], timeout), question());
        // Once it has begun all that it begins, time passes over it.
        let too_late = async {
            while pid_in(&child).is_none() {
                tokio::task::yield_now().await;
            }
            clock.stalled("veto");
            clock.drive(question.due + timeout).await;
            std::future::pending::<std::convert::Infallible>().await
        };
        tokio::select! {
            said = vetoes.ask(&veto, &question) => said,
            never = too_late => match never {}
        }
    });
    assert_eq!(said.to_string(), "failed (it did not answer within 10s)");
    assert_eq!(clock.now(), question().due + timeout);
    assert_gone(&own);
    assert_gone(&child);
}

#[test]
fn a_flood_of_output_ends_a_command() {
    check("yes", "failed (its output is longer than 65536 bytes)");
    let padded = |length: usize| format!(r#"printf '{{"busy": false}}%{length}s' ''"#);
    check(&padded(65_536 - 15), "clear");
    check(&padded(65_536 - 14), "failed (its output is longer than 65536 bytes)");
}

#[test]
fn a_flood_of_complaints_is_passed_over() {
    check(r#"yes complaint | head -c 1000000 >&2; echo '{"busy": false}'"#, "clear");
}

#[test]
fn a_grandchild_that_holds_the_output_open_delays_nothing_and_is_ended() {
    let directory = tempfile::tempdir().unwrap();
    let child = directory.path().join("child");
    let script = format!(
        r#"sleep 1000 & echo $! > {}; echo '{{"busy": true, "reason": "x"}}'"#,
        child.display()
    );
    check(&script, "busy (x)");
    assert_gone(&child);
}

#[test]
fn a_question_that_is_dropped_ends_its_command() {
    let directory = tempfile::tempdir().unwrap();
    let own = directory.path().join("own");
    let script = format!("echo $$ > {}; exec sleep 1000", own.display());
    run(async {
        let (vetoes, veto, question) =
            (vetoes(), veto(&["/bin/sh", "-c", &script], LONG), question());
        let begun = async {
            while pid_in(&own).is_none() {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            said = vetoes.ask(&veto, &question) => panic!("{said}"),
            () = begun => {}
        }
    });
    assert_gone(&own);
}

#[test]
fn more_than_eight_wait_for_their_turn() {
    let directory = tempfile::tempdir().unwrap();
    let at_once = directory.path().join("running");
    std::fs::create_dir(&at_once).unwrap();
    // Each says how many run while it does.
    let script = format!(
        r#"touch {0}/$$; printf '{{"busy": true, "reason": "%s"}}' "$(ls {0} | wc -l)"; rm {0}/$$"#,
        at_once.display()
    );
    let veto = veto(&["/bin/sh", "-c", &script], LONG);
    let (vetoes, question) = (vetoes(), question());
    let all = (0..40).map(|_| vetoes.ask(&veto, &question));
    let said = run(futures_util::future::join_all(all));
    let counts = said.iter().map(|said| match said {
        VetoSays::Busy { words } => words.trim().parse::<usize>().unwrap(),
        VetoSays::Clear | VetoSays::Failed { .. } => panic!("{said}"),
    });
    let most = counts.max().unwrap();
    assert!((1..=8).contains(&most), "{most} at once");
}

#[test]
fn where_earlier_programs_have_not_ended_no_other_is_begun() {
    let vetoes = vetoes();
    let veto = veto(&["/bin/sh", "-c", r#"echo '{"busy": false}'"#], LONG);
    let stuck = Arc::clone(&vetoes.unended).try_acquire_many_owned(16).unwrap();
    let said = run(vetoes.ask(&veto, &question())).to_string();
    assert!(said.contains("have not ended"), "{said}");
    drop(stuck);
    assert_eq!(run(vetoes.ask(&veto, &question())), VetoSays::Clear);
}
