//! Stops that go wrong on the wire, while everything else is answered: one effect for one decision.

use std::collections::BTreeSet;

use lightsout::audit::record::Kind;
use lightsout::sandbox::world::Operation;
use lightsout::sandbox::{Fault, FaultRule};

use crate::http::{BROKEN, HEALTHY, Studios};

/// The stops of one studio go wrong from the beginning. Answers with the studios at a quarter past
/// nine, and the number of distinct tokens of each session so far.
async fn stops_go_wrong(fault: Fault, times: Option<u64>) -> (Studios, Vec<usize>) {
    let rule = FaultRule::new(fault).studio(BROKEN).operation(Operation::StopStreamingSession);
    let rule = match times {
        Some(times) => rule.times(times),
        None => rule,
    };
    let studios = Studios::started(|faults| faults.add(rule)).await;
    studios.until("21:15:00").await;
    for studio in HEALTHY {
        assert_eq!(studios.records(studio, &Kind::StopProven).len(), 2);
    }
    let tokens = studios.stop_tokens(BROKEN);
    assert_eq!(tokens.keys().collect::<Vec<_>>(), ["day-2", "evening-2"]);
    let distinct = |tokens: &Vec<String>| tokens.iter().collect::<BTreeSet<_>>().len();
    let distinct = tokens.values().map(distinct).collect();
    (studios, distinct)
}

/// Lets everything work again: each session ends in one proven stop, by one effect. One that was often
/// refused is asked for after an hour.
async fn then_all_is_well(studios: Studios) {
    studios.faults.clear();
    studios.until("22:15:00").await;
    let effects = studios.effects(BROKEN);
    let mut subjects: Vec<&str> = effects.iter().map(|effect| effect.subject.as_str()).collect();
    subjects.sort_unstable();
    assert_eq!(subjects, ["day-2", "evening-2"]);
    let tokens: BTreeSet<_> = effects.iter().map(|effect| effect.token.clone()).collect();
    assert_eq!(tokens.len(), 2);
    assert_eq!(studios.records(BROKEN, &Kind::StopProven).len(), 2);
    studios.end().await;
}

#[tokio::test]
async fn what_a_lost_answer_would_have_said_the_list_says() {
    let (studios, tokens) = stops_go_wrong(Fault::LostAnswer, Some(1)).await;
    assert_eq!(tokens, [1, 1]);
    let requests = studios.stop_tokens(BROKEN);
    assert_eq!(requests.values().map(Vec::len).sum::<usize>(), 2, "{requests:?}");
    assert_eq!(studios.records(BROKEN, &Kind::StopUnanswered).len(), 1);
    assert_eq!(studios.records(BROKEN, &Kind::StopAccepted).len(), 1);
    then_all_is_well(studios).await;
}

#[tokio::test]
async fn answers_that_are_always_lost_are_one_effect_all_the_same() {
    let (studios, tokens) = stops_go_wrong(Fault::LostAnswer, None).await;
    assert_eq!(tokens, [1, 1]);
    assert_eq!(studios.records(BROKEN, &Kind::StopUnanswered).len(), 2);
    assert_eq!(studios.records(BROKEN, &Kind::StopProven).len(), 2);
    then_all_is_well(studios).await;
}

#[tokio::test]
async fn stops_without_an_answer_keep_their_token_until_they_have_one() {
    for fault in [Fault::Silence, Fault::InternalError, Fault::Html503, Fault::TruncatedJson] {
        let name = format!("{fault:?}");
        let has_effect = fault == Fault::TruncatedJson;
        let (studios, tokens) = stops_go_wrong(fault, None).await;
        assert_eq!(tokens, [1, 1], "{name}");
        assert_eq!(studios.effects(BROKEN).len(), if has_effect { 2 } else { 0 }, "{name}");
        assert_eq!(studios.records(BROKEN, &Kind::StopRejected), [], "{name}");
        then_all_is_well(studios).await;
    }
}

#[tokio::test]
async fn stops_that_are_refused_are_asked_for_with_a_new_token_each_time() {
    let (studios, tokens) = stops_go_wrong(Fault::Denied, None).await;
    let rejected = studios.records(BROKEN, &Kind::StopRejected).len();
    assert_eq!(tokens.iter().sum::<usize>(), rejected);
    assert!(tokens.iter().all(|distinct| *distinct > 1), "{tokens:?}");
    assert_eq!(studios.effects(BROKEN), []);
    then_all_is_well(studios).await;
}
