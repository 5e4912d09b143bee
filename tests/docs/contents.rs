//! The table of contents has every page, and every page is there.

use std::collections::BTreeSet;
use std::fs;

use crate::page::{pages, parts, root, written};

#[test]
fn every_page_is_in_the_table_of_contents_once() {
    let summary = fs::read_to_string(root().join("docs/SUMMARY.md")).unwrap();
    let links = summary.split("](").skip(1).map(|rest| rest.split(')').next().unwrap());
    let links: Vec<&str> = links.collect();
    let named: BTreeSet<_> = links
        .iter()
        .map(|link| fs::canonicalize(root().join("docs").join(link)).unwrap())
        .collect();
    assert_eq!(named.len(), links.len(), "a page is named twice");
    let lacking: Vec<_> = pages()
        .into_iter()
        .filter(|path| !path.ends_with("SUMMARY.md") && !named.contains(path))
        .collect();
    assert!(lacking.is_empty(), "not in docs/SUMMARY.md: {lacking:?}");
}

#[test]
fn a_page_is_taken_apart_and_put_together_again() {
    for path in pages() {
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(written(&parts(&text)), text, "{}", path.display());
    }
}

#[test]
fn the_policy_that_the_quick_start_writes_is_the_one_that_its_outputs_are_of() {
    let page = fs::read_to_string(root().join("docs/quick-start.md")).unwrap();
    let policy = fs::read_to_string(root().join("docs/tour/quick-start.toml")).unwrap();
    assert!(
        page.contains(&format!("<<'END'\n{policy}END\n")),
        "not in docs/quick-start.md:\n{policy}"
    );
}
