//! What a reviewer reads of a changed policy: the page, the comment that carries it, and how both end.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use crate::house::{Finished, House, Process, Watched, always_due, program};

const NIGHTS: &str = r#"version = 1

[schedule.nights]
zone = "America/Los_Angeles"
idle = ["Sun-Fri 20:00-07:00", "Sat-Sun"]

[[studio]]
id = "us-west-2:stid-EXAMPLE11111"
schedule = "nights"
"#;

fn script(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "deploy/review", name].iter().collect()
}

/// The house's policy as it is proposed, beside the one that was.
fn review(house: &House, base: &str, more: &[&str]) -> Finished {
    let before = house.config().with_file_name("before.toml");
    fs::write(&before, base).unwrap();
    let mut command = Command::new(script("review"));
    let program = program();
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.env("LIGHTSOUT", program.get_program());
    command.arg(&before).arg(house.config()).args(more);
    Process::start(command).finish()
}

/// The headings of a page, by which is seen which parts it has.
fn headings(page: &str) -> Vec<&str> {
    page.lines().filter_map(|line| line.strip_prefix("### ")).collect()
}

#[test]
fn a_changed_policy_is_a_page_and_no_failure() {
    let house = House::new(&NIGHTS.replace("20:00", "21:00"));
    let finished = review(&house, NIGHTS, &["--days", "3"]);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let found = headings(&finished.stdout);
    assert_eq!(found[..2], ["Check: good", "What changes"], "{}", finished.stdout);
    assert!(found[2].starts_with("Forecast: "), "{}", finished.stdout);
    assert!(finished.stdout.contains("<summary>Windows: "), "{}", finished.stdout);
    assert!(finished.stdout.contains("no studio was asked"), "{}", finished.stdout);
}

#[test]
fn a_wrong_policy_is_a_page_that_says_so_and_a_failure() {
    let house = House::new(&NIGHTS.replace("idle", "idel"));
    let finished = review(&house, NIGHTS, &[]);
    assert_eq!(finished.code, Some(2), "{}", finished.stderr);
    assert_eq!(headings(&finished.stdout), ["Check: 2 errors"], "{}", finished.stdout);
    assert!(finished.stdout.contains("`unknown-key`"), "{}", finished.stdout);
}

#[test]
fn a_policy_that_was_wrong_or_not_there_is_not_compared_with() {
    let house = House::new(NIGHTS);
    let finished = review(&house, "version = 7", &[]);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert!(finished.stdout.contains("takes no effect"), "{}", finished.stdout);
    let mut command = Command::new(script("review"));
    command.env("LIGHTSOUT", program().get_program()).arg("-").arg(house.config());
    let finished = Process::start(command).finish();
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert!(finished.stdout.contains("All of it is new."), "{}", finished.stdout);
}

#[test]
fn with_a_service_the_sessions_are_in_the_page() {
    let sandbox = Watched::small();
    let house = House::new(&always_due(&sandbox.endpoint).replace("1h", "900h"));
    let finished = review(&house, &always_due(&sandbox.endpoint), &["--online", "--days", "2"]);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert!(finished.stdout.contains("stops: 2 fewer, 0 more"), "{}", finished.stdout);
    assert!(finished.stdout.contains("| before | "), "{}", finished.stdout);
    assert_eq!(sandbox.changing_requests(), 0);
}

#[test]
fn what_does_not_fit_a_comment_is_left_out_whole() {
    let mut policy = String::from(NIGHTS);
    for number in 0..120 {
        let name = format!("{}{number}", "|".repeat(250));
        policy.push_str(&format!(
            "[[studio.rule]]\nname = \"{name}\"\nmatch = {{ owner = \"{name}\" }}\nlease = \"9h\"\n"
        ));
    }
    let house = House::new(&policy);
    let finished = review(&house, NIGHTS, &[]);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert!(finished.stdout.len() < 65_536, "{}", finished.stdout.len());
    assert!(finished.stdout.contains("too long for a comment: run `lightsout diff`"));
    assert!(headings(&finished.stdout)[2].starts_with("Forecast: "));
}

#[test]
fn check_takes_several_files_and_shows_the_mistakes_of_all() {
    let house = House::new(NIGHTS);
    let wrong = |name: &str| {
        let path = house.config().with_file_name(name);
        fs::write(&path, NIGHTS.replace("idle", "idel")).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (one, two) = (wrong("lightsout-one.toml"), wrong("lightsout-two.toml"));
    let good = house.config().to_str().unwrap().to_owned();
    let checked = house.run(&["check", &one, &good, &two]);
    assert_eq!(checked.code, Some(2), "{}", checked.stderr);
    assert!(checked.stdout.contains("lightsout.toml: good."), "{}", checked.stdout);
    for name in [&one, &two] {
        assert!(checked.stderr.contains(name.as_str()), "{}", checked.stderr);
    }
    let checked = house.run(&["check", &one, &two, "--format", "json"]);
    let found: Vec<serde_json::Value> = serde_json::from_str(&checked.stdout).unwrap();
    assert_eq!((checked.code, found.len()), (Some(2), 4), "{}", checked.stdout);
}

/// Stands where `gh` does: writes down what it was asked and with which body, and lists these comments.
fn stand_in(house: &House, found: &str) -> PathBuf {
    let directory = house.config().with_file_name("bin");
    fs::create_dir_all(&directory).unwrap();
    let path = directory.join("gh");
    let text = format!(
        "#!/bin/sh\nfor a; do case $a in body=@*) cat \"${{a#body=@}}\" >> {0}.body ;; esac; done\n\
         echo \"$*\" >> {0}\nfor a; do test \"$a\" != --paginate || printf '{found}'; done\n",
        house.config().with_file_name("asked").display()
    );
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    directory
}

#[test]
fn a_page_is_one_comment_which_is_written_over() {
    let house = House::new("### Check: good");
    for (found, expected) in [
        ("", "--method POST repos/o/r/issues/7/comments --field body=@"),
        ("41\\n42\\n", "--method PATCH repos/o/r/issues/comments/41 --field body=@"),
    ] {
        let directory = stand_in(&house, found);
        let path = format!("{}:{}", directory.display(), std::env::var("PATH").unwrap());
        let mut command = Command::new(script("comment"));
        command.env("PATH", path).args(["o/r", "7", "a -->`b.toml"]).arg(house.config());
        let finished = Process::start(command).finish();
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
        let asked = fs::read_to_string(house.config().with_file_name("asked")).unwrap();
        assert!(asked.contains(expected), "{asked}");
        assert!(asked.contains(".user.login == \"github-actions[bot]\""), "{asked}");
        let body = fs::read_to_string(house.config().with_file_name("asked.body")).unwrap();
        assert!(body.starts_with("<!-- lightsout review: a_--__b.toml -->\n"), "{body}");
        assert!(body.ends_with("### Check: good"), "{body}");
    }
}
