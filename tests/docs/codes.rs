//! Every reason is on the page that explains the decision, with its verdict; and every one that holds or is an
//! alarm is on the page that says what to do.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use crate::page::root;

/// What the source says of a reason.
#[derive(Debug, Default, Clone, PartialEq)]
struct Said {
    codes: Vec<String>,
    verdict: String,
    alarm: Alarm,
}

/// Whether a reason is an alarm.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
enum Alarm {
    #[default]
    Never,
    AtTimes,
    Always,
}

impl Alarm {
    fn word(self) -> &'static str {
        match self {
            Self::Never => "-",
            Self::AtTimes => "at times",
            Self::Always => "alarm",
        }
    }
}

/// The arms of the `match` that a method of `Reason` is: variants, and what comes of them.
fn arms(method: &str) -> Vec<(Vec<String>, syn::Expr)> {
    let source = fs::read_to_string(root().join("src/plan/reason.rs")).unwrap();
    let file = syn::parse_file(&source).unwrap();
    let items = file.items.into_iter().filter_map(|item| match item {
        syn::Item::Impl(item) => Some(item.items),
        _ => None,
    });
    let found = items.flatten().find_map(|item| match item {
        syn::ImplItem::Fn(function) if function.sig.ident == method => Some(function.block.stmts),
        _ => None,
    });
    let statements = found.unwrap_or_else(|| panic!("Reason::{method} was not found"));
    let [syn::Stmt::Expr(syn::Expr::Match(matched), None)] = &statements[..] else {
        panic!("Reason::{method} is no `match` any more");
    };
    matched.arms.iter().map(|arm| (variants(&arm.pat), (*arm.body).clone())).collect()
}

fn variants(pattern: &syn::Pat) -> Vec<String> {
    let name = |path: &syn::Path| vec![path.segments.last().unwrap().ident.to_string()];
    match pattern {
        syn::Pat::Or(or) => or.cases.iter().flat_map(variants).collect(),
        syn::Pat::Struct(pattern) => name(&pattern.path),
        syn::Pat::Path(pattern) => name(&pattern.path),
        _ => panic!("a pattern that this test does not know"),
    }
}

/// Every reason of the program, by its variant.
fn reasons() -> BTreeMap<String, Said> {
    let mut reasons: BTreeMap<String, Said> = BTreeMap::new();
    for (variants, body) in arms("code") {
        let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(code), .. }) = body else {
            panic!("a code is a text");
        };
        for variant in variants {
            reasons.entry(variant).or_default().codes.push(code.value());
        }
    }
    for (variants, body) in arms("verdict") {
        let syn::Expr::Path(verdict) = body else { panic!("a verdict is a name") };
        let verdict = verdict.path.segments.last().unwrap().ident.to_string().to_lowercase();
        for variant in variants {
            reasons.get_mut(&variant).unwrap().verdict.clone_from(&verdict);
        }
    }
    for (variants, body) in arms("is_alarm") {
        let alarm = match body {
            syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Bool(yes), .. }) if yes.value => {
                Alarm::Always
            }
            syn::Expr::Lit(_) => Alarm::Never,
            _ => Alarm::AtTimes,
        };
        for variant in variants {
            reasons.get_mut(&variant).unwrap().alarm = alarm;
        }
    }
    assert!(reasons.len() > 40, "the reasons were not found");
    reasons
}

/// The rows of a page's tables whose first cell is a code.
fn rows(page: &str) -> Vec<Vec<String>> {
    let text = fs::read_to_string(root().join("docs").join(page)).unwrap();
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| row.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect())
        .collect()
}

#[test]
fn the_page_on_the_decision_has_every_reason_with_its_verdict() {
    let mut shown: BTreeSet<(String, String, String)> = BTreeSet::new();
    for row in rows("decision.md") {
        let [code, verdict, alarm, _] = &row[..] else { panic!("four cells: {row:?}") };
        shown.insert((code.trim_matches('`').to_owned(), verdict.clone(), alarm.clone()));
    }
    let said = reasons().into_values().flat_map(|said| {
        let (verdict, alarm) = (said.verdict, said.alarm.word().to_owned());
        said.codes.into_iter().map(move |code| (code, verdict.clone(), alarm.clone()))
    });
    assert_eq!(shown, said.collect::<BTreeSet<_>>());
}

#[test]
fn the_page_on_holds_says_what_to_do_about_each_hold_and_each_alarm() {
    let shown: Vec<String> =
        rows("holds.md").iter().map(|row| row[0].trim_matches('`').to_owned()).collect();
    let wanted =
        reasons().into_values().filter(|said| said.verdict == "hold" || said.alarm != Alarm::Never);
    let wanted: BTreeSet<String> = wanted.flat_map(|said| said.codes).collect();
    let once: BTreeSet<String> = shown.iter().cloned().collect();
    assert_eq!(once, wanted);
    assert_eq!(once.len(), shown.len(), "a reason is there twice");
}
