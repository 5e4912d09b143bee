use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::policy::{Rule, Settings};

fn globs(texts: &[&str]) -> Vec<Glob> {
    texts.iter().map(|text| Glob::new(text)).collect()
}

fn owner(texts: &[&str]) -> Criteria {
    Criteria { owner: globs(texts), ..Criteria::default() }
}

#[test]
fn not_takes_away_what_any_of_its_tables_means() {
    let not = vec![owner(&["a2"]), Criteria { persistence: Some(true), ..Criteria::default() }];
    let criteria = Criteria { owner: globs(&["a*"]), not, ..Criteria::default() };
    let tags = BTreeMap::new();
    let judge = |owner, persistence| {
        let candidate = Candidate { owner, persistence, ..candidate(&tags) };
        Matcher::Where(criteria.clone()).judge(&candidate)
    };
    assert_eq!(judge(Some("a1"), Some(false)), Judgement::Match);
    assert_eq!(judge(Some("a2"), Some(false)), Judgement::Mismatch);
    assert_eq!(judge(Some("a1"), Some(true)), Judgement::Mismatch);
    assert_eq!(judge(Some("a1"), None), Judgement::Unclear("persistence"));
    // What is certain decides before what is not known.
    assert_eq!(judge(Some("a2"), None), Judgement::Mismatch);
    assert_eq!(judge(None, Some(false)), Judgement::Unclear("owner"));
    assert_eq!(judge(Some("b1"), None), Judgement::Mismatch);
}

#[test]
fn a_mismatch_is_told_in_words() {
    let tags = BTreeMap::new();
    let told = |criteria: Criteria, owner| {
        let candidate = Candidate { owner, persistence: Some(false), ..candidate(&tags) };
        Matcher::Where(criteria).mismatch(&candidate).unwrap_or_else(|| "matches".to_owned())
    };
    assert_eq!(told(owner(&["a1", "a2"]), Some("b")), r#"owner is "b", not "a1" or "a2""#);
    assert_eq!(told(owner(&["b"]), Some("b")), "matches");
    let persistent = Criteria { persistence: Some(true), ..Criteria::default() };
    assert_eq!(told(persistent, Some("b")), r#"persistence is "false", not as asked"#);
    let not = Criteria { not: vec![owner(&["b"])], ..Criteria::default() };
    assert_eq!(told(not.clone(), Some("b")), "it is what `not` leaves out");
    assert_eq!(told(not, None), "it may be what `not` leaves out: its owner is not known");
}

#[test]
fn a_matcher_covers_another_only_where_that_is_provable() {
    let with_not = |own: Criteria, not| Matcher::Where(Criteria { not: vec![not], ..own });
    let plain = Matcher::Where(owner(&["a*"]));
    let less = with_not(owner(&["a*"]), owner(&["a1"]));
    assert!(plain.covers(&less) && !less.covers(&plain));
    let much_less = with_not(owner(&["a*"]), owner(&["a1", "a2"]));
    assert!(less.covers(&much_less) && !much_less.covers(&less));
    assert!(Matcher::All.covers(&less) && !less.covers(&Matcher::All));
    assert!(with_not(owner(&["a1"]), owner(&["a*"])).is_void());
    assert!(!less.is_void() && !plain.is_void() && !Matcher::All.is_void());
}

fn candidate(tags: &BTreeMap<String, String>) -> Candidate<'_> {
    Candidate {
        session: "s1",
        owner: None,
        studio_role: None,
        launch_profile: None,
        launch_profile_name: None,
        instance_type: None,
        streaming_image: None,
        persistence: None,
        tags,
    }
}

/// Few values, so that patterns and sessions meet often.
fn some_globs() -> impl Strategy<Value = Vec<Glob>> {
    let glob = prop::sample::select(vec!["a", "b", "a*", "*b", "*", "?"]).prop_map(Glob::new);
    prop_oneof![2 => Just(Vec::new()), 1 => prop::collection::vec(glob, 1..3)]
}

fn plain_criteria() -> impl Strategy<Value = Criteria> {
    let persistence = prop::option::weighted(0.2, any::<bool>());
    let tag = prop::option::weighted(0.3, some_globs().prop_filter("none", |g| !g.is_empty()));
    (some_globs(), some_globs(), some_globs(), some_globs(), persistence, tag).prop_map(
        |(owner, launch_profile, instance_type, session, persistence, tag)| Criteria {
            owner,
            launch_profile,
            instance_type,
            session,
            persistence,
            tag: tag.into_iter().map(|globs| ("t".to_owned(), globs)).collect(),
            ..Criteria::default()
        },
    )
}

fn some_criteria() -> impl Strategy<Value = Criteria> {
    let not = prop::collection::vec(plain_criteria(), 0..2);
    (plain_criteria(), not).prop_map(|(criteria, not)| Criteria { not, ..criteria })
}

fn matcher() -> impl Strategy<Value = Matcher> {
    prop_oneof![8 => some_criteria().prop_map(Matcher::Where), 1 => Just(Matcher::All)]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_lookup_answers_as_asking_each_rule_in_turn(
        matchers in prop::collection::vec(matcher(), 0..80),
        values in prop::collection::vec(
            (prop::option::of("[ab]{1,2}"), prop::option::of("[ab]"), prop::option::of("[ab]"),
             prop::option::of(any::<bool>()), prop::option::of("[ab]"), "[ab]"),
            1..8,
        ),
    ) {
        let rule = |(index, matcher)| Rule {
            name: format!("rule-{index}").into(),
            matcher,
            keep: false,
            settings: Settings::built_in(),
        };
        let rules: Vec<Rule> = matchers.into_iter().enumerate().map(rule).collect();
        let tags: Vec<BTreeMap<String, String>> = values
            .iter()
            .map(|(.., tag, _)| {
                // Another tag beside it must make no difference.
                let tag = tag.iter().map(|v| ("t".to_owned(), v.clone()));
                tag.chain([("s".to_owned(), "b".to_owned())]).collect()
            })
            .collect();
        let mut lookup = RuleLookup::new(&rules);
        for ((owner, profile, kind, persistence, _, session), tags) in values.iter().zip(&tags) {
            let candidate = Candidate {
                session,
                owner: owner.as_deref(),
                studio_role: None,
                launch_profile: profile.as_deref(),
                launch_profile_name: kind.as_deref(),
                instance_type: kind.as_deref(),
                streaming_image: None,
                persistence: *persistence,
                tags,
            };
            let judged = || rules.iter().map(|rule| (rule, rule.matcher.judge(&candidate)));
            let matched = judged().position(|(_, judgement)| judgement == Judgement::Match);
            let before = judged().take(matched.unwrap_or(rules.len()));
            let unclear = before.filter_map(|(rule, judgement)| match judgement {
                Judgement::Unclear(what) => Some((rule.name.clone(), what)),
                Judgement::Match | Judgement::Mismatch => None,
            });
            let (matched, unclear) = (matched.map(|index| &rules[index]), unclear.collect::<Vec<_>>());
            let (found, found_unclear) = lookup.find(&candidate);
            prop_assert_eq!(found.map(|r| &r.name), matched.map(|r| &r.name));
            let found_unclear: Vec<_> =
                found_unclear.into_iter().map(|(rule, what)| (rule.name.clone(), what)).collect();
            prop_assert_eq!(found_unclear, unclear);
        }
    }

    #[test]
    fn what_covers_another_matches_all_that_it_matches(
        wide in some_criteria(), narrow in some_criteria(),
        owner in prop::option::of("[ab]{1,2}"), kind in prop::option::of("[ab]"),
        persistence in prop::option::of(any::<bool>()),
    ) {
        let tags = BTreeMap::new();
        let candidate = Candidate {
            owner: owner.as_deref(),
            instance_type: kind.as_deref(),
            launch_profile: kind.as_deref(),
            launch_profile_name: kind.as_deref(),
            persistence,
            ..candidate(&tags)
        };
        let (wide, narrow) = (Matcher::Where(wide), Matcher::Where(narrow));
        if wide.covers(&narrow) && narrow.judge(&candidate) == Judgement::Match {
            prop_assert_eq!(wide.judge(&candidate), Judgement::Match);
        }
        if wide.is_void() {
            prop_assert_ne!(wide.judge(&candidate), Judgement::Match);
        }
    }
}
