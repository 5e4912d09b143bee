//! What becomes of a state file when it is used as it should be, and when it or its disk is not what
//! it should be.

use std::fs;
use std::sync::Mutex;

use jiff::SignedDuration;

use super::*;
use crate::sandbox::world::{Caller, Session, SessionState, Studio, Timings};

const STUDIO: &str = "us-west-2:stid-EXAMPLE11111";

fn now() -> Timestamp {
    "2026-11-20T20:00:00Z".parse().unwrap()
}

fn beside() -> Beside {
    let clock = ClockFacts { since: now(), showed: now(), speed: 60.0, frozen: false };
    Beside { number: 0, page_size: Some(7), clock, shown: now() }
}

/// A studio with sessions that may be told apart by their tags.
fn world(sessions: usize) -> World {
    let mut world = World::new(Timings::default());
    world.add_studio(Studio::new(STUDIO, "111122223333", "feature"));
    for index in 0..sessions {
        let mut session = Session::new(&format!("s{index}"), SessionState::Ready);
        session.created_at = Some(now());
        world.add_session(STUDIO, session).unwrap();
    }
    world
}

fn tag(world: &mut World, session: &str, value: &str) {
    let arn = world.session(STUDIO, session, now()).unwrap().arn.clone();
    let tags = [("mark".to_owned(), value.to_owned())].into();
    world.tag(&arn, &tags, Caller::new("artist"), now()).unwrap();
}

fn mark(world: &mut World, session: &str) -> Option<String> {
    world.session(STUDIO, session, now()).unwrap().tags.get("mark").cloned()
}

fn directory() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("studio.state");
    (directory, path)
}

#[test]
fn a_world_is_found_as_it_was_left_with_its_clock() {
    let (_directory, path) = directory();
    assert!(StateFile::find(&path).unwrap().is_none());
    assert!(!path.exists(), "looking makes no file");
    let mut world = world(20);
    let mut state = StateFile::create(&path, &mut world, beside()).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    tag(&mut world, "s3", "one");
    let later = Beside { shown: now() + SignedDuration::from_secs(9), ..beside() };
    state.keep(&world.take_changes(), later).unwrap();
    drop(state);
    let (mut state, mut kept) = StateFile::find(&path).unwrap().unwrap();
    assert_eq!(kept.beside, Beside { number: 1, ..later });
    assert_eq!(mark(&mut kept.world, "s3").as_deref(), Some("one"));
    assert_eq!(mark(&mut kept.world, "s4"), None);
    tag(&mut kept.world, "s4", "two");
    state.keep(&kept.world.take_changes(), kept.beside).unwrap();
    drop(state);
    let (_state, mut kept) = StateFile::find(&path).unwrap().unwrap();
    assert_eq!(mark(&mut kept.world, "s4").as_deref(), Some("two"));
    assert_eq!(kept.beside.number, 2);
}

#[test]
fn one_at_a_time_has_it() {
    let (_directory, path) = directory();
    let state = StateFile::create(&path, &mut world(1), beside()).unwrap();
    let told = [
        StateFile::find(&path).unwrap_err(),
        StateFile::create(&path, &mut world(1), beside()).unwrap_err(),
    ];
    for error in told {
        assert!(matches!(error.problem, StateProblem::InUse), "{error}");
    }
    drop(state);
    let error = StateFile::create(&path, &mut world(1), beside()).unwrap_err();
    assert!(matches!(error.problem, StateProblem::Taken), "{error}");
    assert!(StateFile::find(&path).unwrap().is_some());
}

#[test]
fn what_is_not_ours_is_left_as_it_is_and_told() {
    let (directory, path) = directory();
    let other = String::from_utf8(header(Standing::Whole)).unwrap().replace("schema 1", "schema 9");
    let unfinished = other.replace("whole", "begun");
    let long = "lightsout sandbox state, schema 1, ".repeat(300);
    let mut told = Vec::new();
    for content in [
        "hello".to_owned(),
        "\0".repeat(8192),
        long,
        "lightsout sandbox stat".to_owned() + "x",
        other,
        unfinished,
    ] {
        fs::write(&path, &content).unwrap();
        for error in [
            StateFile::find(&path).unwrap_err(),
            StateFile::create(&path, &mut world(1), beside()).unwrap_err(),
        ] {
            told.push(error.problem.to_string());
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), content);
    }
    told.dedup();
    told.push(
        StateFile::create(directory.path(), &mut world(1), beside())
            .unwrap_err()
            .problem
            .to_string(),
    );
    let missing = directory.path().join("missing/studio.state");
    told.push(
        StateFile::create(&missing, &mut world(1), beside()).unwrap_err().problem.to_string(),
    );
    insta::assert_snapshot!(told.join("\n"), @"
    it is not a state file of the sandbox, and is left as it is: name another one, which may be new
    it is a state file of schema 9, and this program knows schema 1 alone; it is left as it is: name another one, or use the program that made it
    it cannot be read or written: Is a directory (os error 21)
    it cannot be read or written: No such file or directory (os error 2)
    ");
}

#[test]
fn a_file_whose_making_was_cut_short_is_made_anew() {
    let (_directory, path) = directory();
    let begun = header(Standing::New);
    for content in [&b""[..], &begun[..20], &begun[..], &[&begun[..], &[7; 9000]].concat()[..]] {
        fs::write(&path, content).unwrap();
        assert!(StateFile::find(&path).unwrap().is_none());
        assert_eq!(fs::read(&path).unwrap(), content);
        let state = StateFile::create(&path, &mut world(3), beside()).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        drop(state);
        assert!(StateFile::find(&path).unwrap().is_some());
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn a_damaged_file_is_told_of() {
    let (_directory, path) = directory();
    drop(StateFile::create(&path, &mut world(50), beside()).unwrap());
    let whole = fs::read(&path).unwrap();
    for length in [HEADER_BYTES as usize, HEADER_BYTES as usize + 100, 9000, whole.len() / 2] {
        fs::write(&path, &whole[..length]).unwrap();
        let error = StateFile::find(&path).unwrap_err();
        assert!(matches!(error.problem, StateProblem::Damaged(_)), "{length}: {error}");
    }
}

/// A disk in memory that fails from some write on, or breaks off there as at a power failure.
#[derive(Debug, Default)]
struct Memory(Mutex<Platter>);

#[derive(Debug, Default)]
struct Platter {
    bytes: Vec<u8>,
    /// What was on the disk when it was synced last.
    synced: Vec<u8>,
    /// How many writes and syncs are left until each fails; nothing means never.
    left: Option<u32>,
}

impl Memory {
    fn fail_after(&self, count: Option<u32>) {
        self.0.lock().unwrap().left = count;
    }

    /// Loses what was not synced.
    fn lose_power(&self) {
        let platter = &mut *self.0.lock().unwrap();
        platter.bytes.clone_from(&platter.synced);
        platter.left = None;
    }

    fn write(&self, write: impl FnOnce(&mut Platter)) -> io::Result<()> {
        let platter = &mut *self.0.lock().unwrap();
        match &mut platter.left {
            Some(0) => return Err(io::Error::from(io::ErrorKind::StorageFull)),
            Some(left) => *left -= 1,
            None => {}
        }
        write(platter);
        Ok(())
    }
}

impl Disk for Memory {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.lock().unwrap().bytes.len() as u64)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.write(|platter| platter.bytes.resize(length as usize, 0))
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        let platter = self.0.lock().unwrap();
        let end = offset as usize + bytes.len();
        let found = platter.bytes.get(offset as usize..end);
        bytes.copy_from_slice(found.ok_or(io::Error::from(io::ErrorKind::UnexpectedEof))?);
        Ok(())
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.write(|platter| {
            let end = offset as usize + bytes.len();
            if platter.bytes.len() < end {
                platter.bytes.resize(end, 0);
            }
            platter.bytes[offset as usize..end].copy_from_slice(bytes);
        })
    }

    fn sync(&self) -> io::Result<()> {
        self.write(|platter| platter.synced.clone_from(&platter.bytes))
    }
}

/// Makes a state file on a disk in memory, and lets a change of it fail after so many writes. Gives
/// what the file says after it was read again, or nothing where the change succeeded.
fn failed(count: u32, then: impl FnOnce(&Memory)) -> Option<(Beside, Option<String>)> {
    let disk = Arc::new(Memory::default());
    let mut world = world(5);
    let path = Path::new("studio.state");
    let on: Arc<dyn Disk> = Arc::clone(&disk) as Arc<dyn Disk>;
    let mut state = StateFile::begin(path, on, &mut world, beside()).unwrap();
    tag(&mut world, "s1", "before");
    state.keep(&world.take_changes(), beside()).unwrap();
    tag(&mut world, "s1", "after");
    disk.fail_after(Some(count));
    state.keep(&world.take_changes(), beside()).err()?;
    assert!(state.is_lost());
    assert!(state.keep(&[], beside()).is_err(), "nothing is kept until it was read again");
    then(&disk);
    let mut kept = state.reload().unwrap();
    assert!(!state.is_lost());
    let found = (kept.beside, mark(&mut kept.world, "s1"));
    // It goes on from there.
    tag(&mut kept.world, "s2", "later");
    state.keep(&kept.world.take_changes(), kept.beside).unwrap();
    drop(state);
    let (_, mut kept) = StateFile::of(path, disk).unwrap();
    assert_eq!(mark(&mut kept.world, "s2").as_deref(), Some("later"));
    assert_eq!(mark(&mut kept.world, "s1"), found.1);
    Some(found)
}

/// Whether the change is there or not, its number says so.
#[track_caller]
fn check((beside, mark): &(Beside, Option<String>), count: u32) {
    let expected = match beside.number {
        1 => "before",
        2 => "after",
        number => panic!("{number} changes after {count} writes"),
    };
    assert_eq!(mark.as_deref(), Some(expected), "after {count} writes");
}

#[test]
fn a_change_that_fails_at_any_write_is_there_whole_or_not_at_all() {
    let outcomes: Vec<_> =
        (0..).map_while(|count| failed(count, |disk| disk.fail_after(None))).collect();
    assert!(outcomes.len() > 3, "{}", outcomes.len());
    (0..).zip(&outcomes).for_each(|(count, outcome)| check(outcome, count));
    assert_eq!(outcomes[0].0.number, 1, "what was not written at all is not there");
}

#[test]
fn a_change_during_which_the_power_fails_is_not_there() {
    for count in 0.. {
        let Some(outcome) = failed(count, Memory::lose_power) else { break };
        assert_eq!(outcome.0.number, 1, "after {count} writes");
        check(&outcome, count);
    }
}

#[test]
fn a_making_that_fails_at_any_write_leaves_a_file_that_is_whole_or_new() {
    for count in 0.. {
        let disk = Arc::new(Memory::default());
        disk.fail_after(Some(count));
        let path = Path::new("studio.state");
        let on: Arc<dyn Disk> = Arc::clone(&disk) as Arc<dyn Disk>;
        let made = StateFile::begin(path, on, &mut world(5), beside());
        let is_made = made.is_ok();
        drop(made);
        disk.fail_after(None);
        match header::read(&*disk).unwrap() {
            Standing::New => assert!(!is_made),
            // Only the last sync of all may have failed.
            Standing::Whole => drop(StateFile::of(path, disk).unwrap()),
        }
        if is_made {
            assert!(count > 5);
            return;
        }
    }
}
