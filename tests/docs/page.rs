//! The pages, and the blocks of a page that show a terminal.

use std::fs;
use std::path::{Path, PathBuf};

/// What begins a block that shows a terminal.
const FENCE: &str = "```console";

/// What says, in a comment that no reader sees, in which house the commands below it are typed, and when.
const STAGE: &str = "<!-- console: ";

/// What a page asks for, in order.
pub(crate) enum Part {
    /// Lines that stay as they are.
    Text(String),
    /// Another house with this policy, beside a sandbox with this world, at this instant.
    House { policy: String, world: Option<String>, at: String },
    /// The same house, later.
    Later { at: String },
    /// Commands, each with what it printed.
    Console(Vec<Command>),
}

/// A line that is typed, and what the page says came back.
pub(crate) struct Command {
    pub(crate) typed: String,
    pub(crate) printed: String,
}

pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every page: the Markdown of `docs`, and the README.
pub(crate) fn pages() -> Vec<PathBuf> {
    let mut pages = markdown(&root().join("docs"));
    pages.push(root().join("README.md"));
    pages.sort();
    assert!(pages.len() > 10, "the pages were not found");
    pages
}

fn markdown(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(markdown(&path));
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
    found
}

/// Takes a page apart; [`written`] puts it together again.
pub(crate) fn parts(text: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(stage) = line.strip_prefix(STAGE) {
            parts.push(staged(stage.trim_end_matches("-->").trim()));
        } else if line == FENCE {
            let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            parts.push(Part::Console(commands(&block)));
        } else {
            parts.push(Part::Text(line.to_owned()));
        }
    }
    parts
}

fn staged(stage: &str) -> Part {
    match stage.split_whitespace().collect::<Vec<_>>()[..] {
        [policy, "at", at] => {
            Part::House { policy: policy.to_owned(), world: None, at: at.to_owned() }
        }
        [policy, "in", world, "at", at] => {
            let world = Some(world.to_owned());
            Part::House { policy: policy.to_owned(), world, at: at.to_owned() }
        }
        ["at", at] => Part::Later { at: at.to_owned() },
        _ => panic!(
            "{STAGE}{stage}: write `POLICY at TIME`, `POLICY in WORLD at TIME`, or `at TIME`"
        ),
    }
}

fn commands(block: &[&str]) -> Vec<Command> {
    let mut commands: Vec<Command> = Vec::new();
    for line in block {
        if let Some(typed) = line.strip_prefix("$ ") {
            commands.push(Command { typed: typed.to_owned(), printed: String::new() });
        } else {
            let last = commands.last_mut().expect("a block begins with what is typed");
            last.printed.push_str(line);
            last.printed.push('\n');
        }
    }
    commands
}

/// The text of a page.
pub(crate) fn written(parts: &[Part]) -> String {
    let mut text = String::new();
    for part in parts {
        match part {
            Part::Text(line) => text.push_str(line),
            Part::House { policy, world: None, at } => {
                text.push_str(&format!("{STAGE}{policy} at {at} -->"));
            }
            Part::House { policy, world: Some(world), at } => {
                text.push_str(&format!("{STAGE}{policy} in {world} at {at} -->"));
            }
            Part::Later { at } => text.push_str(&format!("{STAGE}at {at} -->")),
            Part::Console(commands) => {
                text.push_str(FENCE);
                for Command { typed, printed } in commands {
                    text.push_str(&format!("\n$ {typed}\n{}", printed.trim_end()));
                }
                text = text.trim_end().to_owned();
                text.push_str("\n```");
            }
        }
        text.push('\n');
    }
    text
}
