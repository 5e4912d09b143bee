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
fn names_that_nobody_should_give_do_nothing_in_a_page() {
    let rule = r#"
[[studio.rule]]
name = "a|b `c` @everybody <img src=x>"
match = { owner = ["@ada|`"] }
lease = "4h"
"#;
    let house = House::new(&format!("{NIGHTS}{rule}"));
    let finished = review(&house, NIGHTS, &[]);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let page = &finished.stdout;
    assert!(
        page.contains("rule a&#124;b &#96;c&#96; @&#8203;everybody &#60;img src=x&#62; |"),
        "{page}"
    );
    assert!(
        !page.contains("@everybody") && !page.contains("@ada") && !page.contains("<img"),
        "{page}"
    );
}

#[test]
fn a_service_that_does_not_answer_is_a_failure_with_a_page() {
    let house = House::always_due("http://127.0.0.1:1");
    let finished = review(&house, &always_due("http://127.0.0.1:1"), &["--online"]);
    assert_eq!(finished.code, Some(1), "{}", finished.stderr);
    assert!(finished.stdout.contains("**error** `listing_incomplete`"), "{}", finished.stdout);
}

/// A program that says this in place of a part.
fn review_with(house: &House, said: &str) -> Finished {
    let stand_in = house.config().with_file_name("stand-in");
    fs::write(&stand_in, format!("#!/bin/sh\ncase \"$*\" in {said} *) echo '### Well' ;; esac\n"))
        .unwrap();
    fs::set_permissions(&stand_in, fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = Command::new(script("review"));
    command.env("LIGHTSOUT", stand_in).args([house.config(), house.config()]);
    Process::start(command).finish()
}

#[test]
fn what_does_not_fit_a_comment_or_cannot_be_made_is_told_in_its_place() {
    let house = House::new(NIGHTS);
    let long = "*' diff '*) head -c 61000 /dev/zero | tr '\\0' x ;;";
    let finished = review_with(&house, long);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let page = "### Well\n\n### What changes\n\nIt is too long for a comment: run `lightsout diff`.\n\n### Well\n\n";
    assert_eq!(finished.stdout, page);
    let finished = review_with(&house, "*' forecast '*) echo it burns >&2; exit 1 ;;");
    assert_eq!(finished.code, Some(1));
    assert!(
        finished
            .stdout
            .ends_with("### Forecast\n\nIt could not be made: see the log of the job.\n\n")
    );
    assert!(finished.stderr.contains("it burns"), "{}", finished.stderr);
}

#[test]
fn a_wrong_command_line_is_a_usage_error_of_the_script_too() {
    let house = House::new(NIGHTS);
    for wrong in [&["third.toml"][..], &["--nonsense"], &["--days"]] {
        let finished = review(&house, NIGHTS, wrong);
        assert_eq!((finished.code, finished.stdout.as_str()), (Some(2), ""), "{wrong:?}");
    }
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
