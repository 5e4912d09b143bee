//! Blocks that show a terminal show what is printed: each command is typed again, and what comes back compared.
//!
//! A target of its own, since it needs libfaketime beside the toolchain: `cargo test --test console`.

mod house;
#[path = "../docs/page.rs"]
mod page;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use jiff::Timestamp;
use similar::TextDiff;

use self::house::House;
use self::page::{Part, pages, parts, root, written};

/// Plays a page: every command of it in its house, at its time.
fn played(path: &Path, text: &str) -> String {
    let mut house: Option<House> = None;
    let mut parts = parts(text);
    for part in &mut parts {
        match part {
            Part::Text(_) => {}
            Part::House { policy, world, at } => {
                house = Some(House::new(policy, world.as_deref(), instant(at)));
            }
            Part::Later { at } => known(house.as_ref(), path).set(instant(at)),
            Part::Console(commands) => {
                for command in commands {
                    command.printed = known(house.as_ref(), path).type_in(&command.typed);
                }
            }
        }
    }
    written(&parts)
}

fn known<'a>(house: Option<&'a House>, path: &Path) -> &'a House {
    house.unwrap_or_else(|| panic!("{}: no comment says in which house", path.display()))
}

fn instant(text: &str) -> Timestamp {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn what_a_page_shows_of_a_terminal_is_what_the_program_prints() {
    let is_blessed = std::env::var_os("LIGHTSOUT_BLESS").is_some();
    let (mut differences, mut blocks) = (String::new(), 0);
    for path in pages() {
        let text = fs::read_to_string(&path).unwrap();
        let found = parts(&text).iter().filter(|part| matches!(part, Part::Console(_))).count();
        if found == 0 {
            continue;
        }
        blocks += found;
        let played = played(&path, &text);
        if played == text {
            continue;
        }
        if is_blessed {
            fs::write(&path, &played).unwrap();
            continue;
        }
        let name = path.strip_prefix(root()).unwrap().display().to_string();
        let diff = TextDiff::from_lines(&text, &played);
        write!(differences, "{}", diff.unified_diff().header(&name, "what is printed")).unwrap();
    }
    assert!(blocks >= 10, "{blocks} blocks only: are they still called `console`?");
    assert!(differences.is_empty(), "LIGHTSOUT_BLESS=1 accepts this:\n{differences}");
}
