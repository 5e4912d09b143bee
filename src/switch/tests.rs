use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;

use super::*;
use crate::clock::{Clock, SimulatedClock};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

struct Place {
    _directory: tempfile::TempDir,
    requests: PathBuf,
    spool: Spool,
}

fn place() -> Place {
    let directory = tempfile::tempdir().unwrap();
    let clock: Arc<dyn Clock> = Arc::new(SimulatedClock::new(at("2026-11-20T04:00:00Z")));
    let spool = Spool::of(&directory.path().join("state"), clock);
    Place { requests: directory.path().join("state/requests"), spool, _directory: directory }
}

fn wishes() -> Vec<Wish> {
    let (studio, until) = (StudioId::from("us-west-2:stid-1"), at("2026-11-20T06:00:00Z"));
    let values = BTreeMap::from([("count".to_owned(), "600".to_owned())]);
    let held = Approved { code: "brake".to_owned(), values, policy: Some("ab".to_owned()) };
    let told = Told {
        action: ByHand::AllowStop,
        stage: Stage::Intended,
        until: None,
        note: Some("artists may go home".to_owned()),
        client_token: Some("token".to_owned()),
        request_id: None,
        problem: None,
        detail: None,
    };
    let changed = Changed { from: None, to: Some("ACTIVATED".to_owned()) };
    let changes = BTreeMap::from([("sessionPersistenceMode".to_owned(), changed)]);
    vec![
        Wish::Pause { studio: None, until, note: Some("the disk is changed".to_owned()) },
        Wish::Pause { studio: Some(studio.clone()), until, note: None },
        Wish::Resume { studio: None },
        Wish::Resume { studio: Some(studio.clone()) },
        Wish::Approve { studio: studio.clone(), until, held },
        Wish::Tell { studio: studio.clone(), session: "s-1".into(), told: told.clone() },
        Wish::TellOfProfile { studio, profile: "lp-1".into(), changes, told },
    ]
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().unwrap()
}

/// What the daemon takes, and how many files were put aside.
fn heard(place: &Place) -> (Vec<Request>, usize) {
    let requests = runtime().block_on(place.spool.waiting());
    let aside = fs::read_dir(place.requests.join("refused")).map_or(0, Iterator::count);
    (requests, aside)
}

#[test]
fn requests_wait_in_the_order_in_which_they_were_made_until_they_are_taken() {
    let place = place();
    assert_eq!(place.spool.look().unwrap(), []);
    let made: Vec<Request> =
        wishes().into_iter().map(|wish| place.spool.add("ada", wish).unwrap()).collect();
    assert_eq!(place.spool.look().unwrap(), made);
    assert_eq!(heard(&place), (made.clone(), 0));
    runtime().block_on(place.spool.taken(&made[0]));
    assert!(!place.spool.waits(&made[0]) && place.spool.waits(&made[1]));
    assert_eq!(heard(&place).0, made[1..]);
    runtime().block_on(place.spool.refused(&made[1], "nobody knows it".to_owned()));
    assert!(place.spool.is_refused(&made[1]) && !place.spool.is_refused(&made[2]));
    assert_eq!(heard(&place), (made[2..].to_vec(), 1));
}

#[test]
fn the_files_are_their_owner_s_alone() {
    let place = place();
    let request = place.spool.add("ada", Wish::Resume { studio: None }).unwrap();
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(place.requests.clone()), 0o700);
    assert_eq!(mode(place.requests.join(format!("{}.json", request.id))), 0o600);
    fs::set_permissions(&place.requests, fs::Permissions::from_mode(0o777)).unwrap();
    assert_eq!(heard(&place).0, [], "anybody could have put it there");
    let refused = place.spool.look().unwrap_err().to_string();
    assert!(refused.contains("chmod 700"), "{refused}");
    assert!(place.spool.add("ada", Wish::Resume { studio: None }).is_err());
}

#[test]
fn what_cannot_be_understood_is_put_aside_and_never_acted_upon() {
    let place = place();
    let request = place.spool.add("ada", wishes().remove(0)).unwrap();
    let path = |name: &str| place.requests.join(format!("{name}.json"));
    let whole = fs::read_to_string(path(&request.id)).unwrap();
    let changed = |from: &str, to: &str| {
        assert!(whole.contains(from), "{whole}");
        whole.replace(from, to)
    };
    let wrong = [
        String::new(),
        "{}".to_owned(),
        whole[..whole.len() - 1].to_owned(),
        whole.clone(),
        changed("\"version\":1", "\"version\":2"),
        changed("\"who\":\"ada\"", "\"who\":\"\""),
        changed("\"who\":\"ada\"", "\"who\":\"a\\u001b[2Jda\""),
        changed("\"who\":", "\"whose\":"),
        changed("\"wish\":\"pause\"", "\"wish\":\"stop\""),
        changed("\"wish\":\"pause\"", "\"wish\":\"resume\""),
        changed("2026-11-20T06:00:00Z", "2027-11-20T06:00:00Z"),
        changed("\"until\":\"2026-11-20T06:00:00Z\",", ""),
        format!("{whole}{}", " ".repeat(9000)),
    ];
    for (number, text) in wrong.iter().enumerate() {
        let id = format!("0000-{number}");
        // All but the copy carry the id of their file.
        let is_copy = *text == whole;
        let text = if is_copy { text.clone() } else { text.replace(&request.id, &id) };
        fs::write(path(&id), text).unwrap();
    }
    std::os::unix::fs::symlink(path(&request.id), path("0000-link")).unwrap();
    assert_eq!(place.spool.look().unwrap(), std::slice::from_ref(&request));
    assert_eq!(heard(&place), (vec![request], wrong.len() + 1));
}

#[test]
fn what_is_told_of_a_launch_profile_has_the_members_of_that_and_no_others() {
    let place = place();
    let request = place.spool.add("ada", wishes().pop().unwrap()).unwrap();
    let path = place.requests.join(format!("{}.json", request.id));
    let whole = fs::read_to_string(&path).unwrap();
    for (from, to) in [
        ("\"profile\":\"lp-1\",", ""),
        ("\"profile\":\"lp-1\"", "\"profile\":\"\""),
        ("\"profile\":", "\"session\":\"s-1\",\"profile\":"),
        ("\"wish\":\"tell-of-profile\"", "\"wish\":\"tell\""),
        ("\"to\":\"ACTIVATED\"", "\"to\":\"\\u001b[2J\""),
        ("\"to\":", "\"into\":"),
    ] {
        assert!(whole.contains(from), "{whole}");
        assert!(file::read(&request.id, whole.as_bytes()).is_ok());
        let wrong = whole.replace(from, to);
        assert!(file::read(&request.id, wrong.as_bytes()).is_err(), "{wrong}");
    }
}

#[test]
fn so_many_wait_and_no_more() {
    let place = place();
    let add = || place.spool.add("ada", Wish::Resume { studio: None });
    for _ in 0..WAITING_MAX {
        add().unwrap();
    }
    assert!(matches!(add(), Err(SpoolError::Full)));
    // What somebody puts there all the same waits.
    for number in 0..100 {
        fs::write(place.requests.join(format!("9-{number}.json")), "{}").unwrap();
    }
    assert_eq!(heard(&place).0.len(), WAITING_MAX);
    for _ in 0..4 {
        let (requests, _) = heard(&place);
        requests.iter().for_each(|request| runtime().block_on(place.spool.taken(request)));
    }
    let (requests, aside) = heard(&place);
    assert_eq!((requests, aside), (vec![], WAITING_MAX));
}
