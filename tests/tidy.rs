//! The rules of the architecture, as a test: who may name whom, what the pure rooms must not know,
//! and how long things may get. ARCHITECTURE.md says which and why; this says where they are broken.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

/// A file's length without its tests.
const FILE_LINES_MAX: usize = 700;
/// A function's length.
const FUNCTION_LINES_MAX: usize = 70;

/// The rooms that are functions of their arguments and nothing else.
const PURE: &[&str] = &["ids", "policy", "inventory", "plan"];

/// What a pure room must not name, as the beginnings of paths.
const IMPURE: &[&str] = &[
    "std::fs",
    "std::net",
    "std::env",
    "std::io",
    "std::thread",
    "std::process",
    "std::time",
    "tokio",
    "tracing",
    "rand",
    "log",
    "Timestamp::now",
    "Zoned::now",
    "jiff::Timestamp::now",
    "jiff::Zoned::now",
    "TimeZone::system",
];

#[derive(Default)]
struct Findings {
    paths: BTreeSet<String>,
    long_functions: Vec<String>,
}

impl Findings {
    fn add_path<'a>(&mut self, segments: impl Iterator<Item = &'a str>) {
        self.paths.insert(segments.collect::<Vec<_>>().join("::"));
    }

    fn add_use(&mut self, prefix: &str, tree: &syn::UseTree) {
        let join = |name: &dyn std::fmt::Display| {
            if prefix.is_empty() { name.to_string() } else { format!("{prefix}::{name}") }
        };
        match tree {
            syn::UseTree::Path(path) => self.add_use(&join(&path.ident), &path.tree),
            syn::UseTree::Name(name) => drop(self.paths.insert(join(&name.ident))),
            syn::UseTree::Rename(rename) => drop(self.paths.insert(join(&rename.ident))),
            syn::UseTree::Glob(_) => drop(self.paths.insert(prefix.to_owned())),
            syn::UseTree::Group(group) => {
                group.items.iter().for_each(|item| self.add_use(prefix, item));
            }
        }
    }

    /// Macros are not parsed; the paths in them are read off their tokens.
    fn add_tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        path.clear();
                    }
                    path.push(ident.to_string());
                    self.add_path(path.iter().map(String::as_str));
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Group(group) => {
                    self.add_tokens(group.stream());
                    colons = 0;
                }
                _ => colons = 0,
            }
        }
    }

    fn measure(&mut self, name: &syn::Ident, span: proc_macro2::Span) {
        let lines = span.end().line - span.start().line + 1;
        if lines > FUNCTION_LINES_MAX {
            self.long_functions.push(format!("{name}: {lines} lines"));
        }
    }
}

fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Ident>().is_ok_and(|ident| ident == "test")
    })
}

impl<'ast> Visit<'ast> for Findings {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if !is_test(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.add_use("", &item.tree);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
        self.add_path(segments.iter().map(String::as_str));
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        self.add_tokens(item.tokens.clone());
        visit::visit_macro(self, item);
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.measure(&function.sig.ident, function.span());
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        // The parts of a `Reason`, each with its words, are one long table, not a long thought.
        if !is_table(function) {
            self.measure(&function.sig.ident, function.span());
        }
        visit::visit_impl_item_fn(self, function);
    }
}

/// Whether a function is one exhaustive `match` and nothing else.
fn is_table(function: &syn::ImplItemFn) -> bool {
    matches!(function.block.stmts.as_slice(), [syn::Stmt::Expr(syn::Expr::Match(_), None)])
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn sources() -> Vec<PathBuf> {
    sources_in("src")
}

fn sources_in(directory: &str) -> Vec<PathBuf> {
    fn walk(directory: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&root().join(directory), &mut found);
    found.sort();
    assert!(found.len() > 30, "the sources were not found");
    found
}

fn is_test_file(path: &Path) -> bool {
    path.file_stem().is_some_and(|stem| stem == "tests")
        || path.parent().is_some_and(|parent| parent.ends_with("tests"))
}

/// The room of a file: the first part of its path below `src`.
fn room(path: &Path) -> String {
    let relative = path.strip_prefix(root().join("src")).unwrap();
    let first = relative.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

fn findings(path: &Path) -> Findings {
    let text = fs::read_to_string(path).unwrap();
    let file = syn::parse_file(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut findings = Findings::default();
    findings.visit_file(&file);
    findings
}

fn check(complaint: impl Fn(&Path) -> Vec<String>) {
    let sources = sources();
    let own = sources.iter().filter(|path| !is_test_file(path));
    let complaints: Vec<String> = own
        .flat_map(|path| {
            let relative = path.strip_prefix(root()).unwrap().display().to_string();
            complaint(path).into_iter().map(move |what| format!("{relative}: {what}"))
        })
        .collect();
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

/// For each room, the rooms that it may name by the table of the architecture, or parts of them. A room may always
/// name itself.
fn may_name() -> BTreeMap<String, Vec<String>> {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let table = text.split("| room | holds | may name |\n|---|---|---|\n").nth(1).unwrap();
    let mut rooms: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in table.lines().take_while(|line| line.starts_with('|')) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").collect();
        let [name, _, may] = cells.as_slice() else { panic!("{row}") };
        // What is in brackets is for the reader.
        let parts = may.split(['(', ')']).step_by(2);
        let named: Vec<String> = parts.flat_map(quoted).collect();
        let allowed = if may.trim() == "nothing of ours" {
            Vec::new()
        } else if may.trim().starts_with("all above but ") {
            rooms.keys().filter(|above| !named.contains(above)).cloned().collect()
        } else {
            named
        };
        rooms.insert(quoted(name).next().unwrap(), allowed);
    }
    assert!(rooms.len() > 10, "the table was not found");
    rooms
}

/// What is between backticks.
fn quoted(text: &str) -> impl Iterator<Item = String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned)
}

#[test]
fn a_room_names_only_the_rooms_it_may() {
    let may_name = may_name();
    check(|path| {
        let room = room(path);
        if room == "lib" || room == "main" {
            return Vec::new();
        }
        let Some(allowed) = may_name.get(&room) else {
            return vec![format!("the room `{room}` is not in the table of ARCHITECTURE.md")];
        };
        let is_allowed = |path: &str| {
            let named = path.split("::").next().unwrap_or_default();
            named == room
                || allowed
                    .iter()
                    .any(|allowed| path == allowed || path.starts_with(&format!("{allowed}::")))
        };
        let findings = findings(path);
        let ours = findings.paths.iter().filter_map(|path| path.strip_prefix("crate::"));
        ours.filter(|path| !is_allowed(path)).map(|path| format!("names crate::{path}")).collect()
    });
}

#[test]
fn only_the_direct_provider_names_the_sandbox_world() {
    check(|path| {
        let is_provider = room(path) == "provider";
        if !is_provider || path.ends_with("provider/direct.rs") {
            return Vec::new();
        }
        let findings = findings(path);
        let named = findings.paths.into_iter().filter(|path| path.starts_with("crate::sandbox"));
        named.map(|path| format!("names {path}")).collect()
    });
}

#[test]
fn only_the_nimble_adapter_names_the_sdk() {
    check(|path| {
        if path.starts_with(root().join("src/provider/nimble")) {
            return Vec::new();
        }
        let findings = findings(path);
        let named = findings.paths.into_iter().filter(|path| path.starts_with("aws_"));
        named.map(|path| format!("names {path}")).collect()
    });
}

#[test]
fn only_the_cron_file_and_the_recurrence_file_name_a_time_library_of_their_own() {
    check(|path| {
        let allowed: &[&str] = if path.ends_with("policy/schedule/cron.rs") {
            &["cron"]
        } else if path.ends_with("config/ics/recurrence.rs") {
            &["ical"]
        } else {
            &[]
        };
        let findings = findings(path);
        let others = ["cron", "ical"];
        let others = others.iter().filter(|other| !allowed.contains(other)).collect::<Vec<_>>();
        let is_other = |path: &String| {
            // A word alone may be anybody's name; a path through the crate is its use.
            others.iter().any(|other| path.starts_with(&format!("{other}::")))
        };
        findings.paths.into_iter().filter(is_other).map(|path| format!("names {path}")).collect()
    });
}

#[test]
fn pure_rooms_name_no_clock_file_network_environment_or_chance() {
    check(|path| {
        if !PURE.contains(&room(path).as_str()) {
            return Vec::new();
        }
        let findings = findings(path);
        let is_impure = |path: &String| {
            IMPURE.iter().any(|banned| path == banned || path.starts_with(&format!("{banned}::")))
        };
        findings.paths.into_iter().filter(is_impure).map(|path| format!("names {path}")).collect()
    });
}

#[test]
fn functions_and_files_keep_their_lengths() {
    check(|path| {
        let text = fs::read_to_string(path).unwrap();
        let own = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        let lines = own.lines().count();
        let mut complaints = findings(path).long_functions;
        if lines > FILE_LINES_MAX {
            complaints.push(format!("{lines} lines"));
        }
        complaints
    });
}

#[test]
fn every_module_says_what_it_is_for() {
    check(|path| {
        let text = fs::read_to_string(path).unwrap();
        if text.starts_with("//!") { Vec::new() } else { vec!["has no module docs".to_owned()] }
    });
}

/// A promise in the documentation is worth what its test is worth.
#[test]
fn every_test_that_the_page_on_safety_names_exists() {
    let page = include_str!("../docs/safety.md");
    let mut text = String::new();
    for path in sources().into_iter().chain(sources_in("tests")) {
        text.push_str(&fs::read_to_string(path).unwrap());
    }
    let rows = page.lines().filter(|line| line.starts_with("| ") && line.contains('_'));
    let last = rows.filter_map(|row| row.trim_end_matches(" |").rsplit(" | ").next());
    let named: Vec<&str> = last.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
    assert!(named.len() > 40, "{named:?}");
    let missing: Vec<_> =
        named.iter().filter(|name| !text.contains(&format!("fn {name}("))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
