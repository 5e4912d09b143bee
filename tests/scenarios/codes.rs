//! Whether the scenarios show everything that the daemon can say.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use syn::visit::{self, Visit};

use crate::SCENARIOS;
use crate::text::{self, Scenario};

/// The texts in `Reason::code`, as the source has them.
#[derive(Default)]
struct Codes(BTreeSet<String>);

impl<'ast> Visit<'ast> for Codes {
    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        if function.sig.ident == "code" {
            visit::visit_impl_item_fn(self, function);
        }
    }

    /// Documentation is no code.
    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}

    fn visit_lit_str(&mut self, text: &'ast syn::LitStr) {
        self.0.insert(text.value());
    }
}

fn codes() -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/plan/reason.rs");
    let mut codes = Codes::default();
    for item in &syn::parse_file(&fs::read_to_string(path).unwrap()).unwrap().items {
        if let syn::Item::Impl(item) = item {
            codes.visit_item_impl(item);
        }
    }
    assert!(codes.0.len() > 30 && codes.0.contains("idle_hours"), "the codes were not found");
    codes.0
}

/// The code in a line that tells of a decision: the word after the session and the verdict.
fn decided(line: &str) -> Option<&str> {
    const VERDICTS: &[&str] = &["stop", "start", "warn", "keep", "hold"];
    let mut words = line.split_whitespace().skip_while(|word| !VERDICTS.contains(word));
    words.nth(1).map(|code| code.trim_end_matches(':'))
}

#[test]
fn every_reason_occurs_in_a_scenario() {
    let transcripts: String =
        SCENARIOS.iter().map(|name| Scenario::read(name).transcript).collect();
    let said: BTreeSet<&str> = transcripts.lines().filter_map(decided).collect();
    let mut missing = codes();
    missing.retain(|code| !said.contains(code.as_str()));
    assert!(missing.is_empty(), "no scenario shows {missing:?}");
}

#[test]
fn every_file_is_a_test() {
    let files = fs::read_dir(text::directory()).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|extension| extension == "txt"));
    let files: BTreeSet<String> =
        files.map(|path| path.file_stem().unwrap().to_string_lossy().into_owned()).collect();
    let declared = SCENARIOS.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(files, declared, "the files, and those in `scenarios!` of main.rs");
}
