//! Which requests rules strike.

use super::*;

const STOP: Operation = Operation::StopStreamingSession;

fn start() -> Timestamp {
    "2026-11-20T20:00:00Z".parse().unwrap()
}

fn pick(faults: &Faults, studio: Option<&str>, operation: Operation) -> Option<Fault> {
    faults.pick(&Facts { studio, ..Facts::of(operation) }, start()).fault
}

#[test]
fn a_rule_strikes_where_and_as_often_as_it_says() {
    let faults = Faults::default();
    faults.add(FaultRule::new(Fault::Throttled).studio("one").operation(STOP).after(1).times(2));
    assert_eq!(pick(&faults, Some("two"), STOP), None);
    assert_eq!(pick(&faults, Some("one"), Operation::GetStudio), None);
    assert_eq!(pick(&faults, None, STOP), None);
    let struck: Vec<bool> = (0..5).map(|_| pick(&faults, Some("one"), STOP).is_some()).collect();
    assert_eq!(struck, [false, true, true, false, false]);
    let rule = &faults.list()[0].rule;
    assert_eq!((rule.counts(), rule.left()), ((5, 2), Some(0)));
}

#[test]
fn a_later_rule_takes_over_when_the_first_is_used_up() {
    let faults = Faults::default();
    faults.add(FaultRule::new(Fault::Denied).times(1));
    let second = faults.insert(FaultRule::new(Fault::InternalError));
    assert_eq!(pick(&faults, None, Operation::ListStudios), Some(Fault::Denied));
    assert_eq!(pick(&faults, None, Operation::ListStudios), Some(Fault::InternalError));
    assert!(faults.remove(second) && !faults.remove(second));
    assert_eq!(pick(&faults, None, Operation::ListStudios), None);
    faults.clear();
    assert!(faults.list().is_empty());
    assert_eq!(faults.insert(FaultRule::new(Fault::Denied)), 3);
}

#[test]
fn faults_of_paging_concern_lists_only() {
    let faults = Faults::default();
    faults.add(FaultRule::new(Fault::EndlessToken));
    assert_eq!(pick(&faults, None, Operation::GetStudio), None);
    assert_eq!(pick(&faults, None, Operation::ListStreamingSessions), Some(Fault::EndlessToken));
    faults.clear();
    faults.add(FaultRule::new(Fault::ExpiredPageToken));
    let first = Facts::of(Operation::ListStreamingSessions);
    assert_eq!(faults.pick(&first, start()).fault, None);
    let next = Facts { has_page_token: true, ..first };
    assert_eq!(faults.pick(&next, start()).fault, Some(Fault::ExpiredPageToken));
}

#[test]
fn a_pattern_asks_for_what_a_request_has() {
    let full = Facts {
        studio: Some("us-west-2:stid-A"),
        session: Some("one"),
        launch_profile: Some("comp"),
        client_token: Some("token-1"),
        access_key: Some("AKIDA"),
        attempt: Some(2),
        ..Facts::of(STOP)
    };
    let rule = || FaultRule::new(Fault::Throttled);
    type Case = (FaultRule, FaultRule);
    let cases: [Case; 6] = [
        (rule().studio("us-west-2:*"), rule().studio("us-east-1:*")),
        (rule().session("o?e"), rule().session("on")),
        (rule().launch_profile("comp"), rule().launch_profile("light*")),
        (rule().client_token("token-*"), rule().client_token("token")),
        (rule().access_key("AKIDA"), rule().access_key("AKIDB")),
        (rule().attempt(2), rule().attempt(1)),
    ];
    for (matching, other) in cases {
        assert!(matching.concerns(&full), "{matching:?}");
        assert!(!other.concerns(&full), "{other:?}");
        assert!(!matching.concerns(&Facts::of(STOP)), "{matching:?}");
    }
}

#[test]
fn chance_is_the_same_for_the_same_seed() {
    let struck = |seed| {
        let faults = Faults::default();
        faults.add(FaultRule::new(Fault::Throttled).by_chance(0.1, seed));
        (0..1000).map(|_| pick(&faults, None, STOP).is_some()).collect::<Vec<bool>>()
    };
    let count = struck(7).iter().filter(|struck| **struck).count();
    assert!((70..130).contains(&count), "{count}");
    assert_eq!(struck(7), struck(7));
    assert_ne!(struck(7), struck(8));
    let always = FaultRule::new(Fault::Throttled).by_chance(1.0, 1);
    assert!((0..1000).all(|_| always.clone().strike(start())));
}

#[test]
fn a_rate_limit_lets_so_many_pass_each_second() {
    let faults = Faults::default();
    faults.add(FaultRule::new(Fault::RateLimit { per_second: 2, burst: 3 }));
    let mut struck = Vec::new();
    for millis in [0, 0, 0, 0, 499, 500, 500, 9000, 9000, 9000, 9000] {
        let now = start() + SignedDuration::from_millis(millis);
        struck.push(faults.pick(&Facts::of(STOP), now).fault.is_some());
    }
    let expected = [false, false, false, true, true, false, true, false, false, false, true];
    assert_eq!(struck, expected);
}

#[test]
fn what_only_takes_time_strikes_beside_another() {
    let faults = Faults::default();
    let by = SignedDuration::from_secs(2);
    faults.add(FaultRule::new(Fault::Latency { by }).named("slow"));
    faults.add(FaultRule::new(Fault::Throttled).times(1));
    faults.add(FaultRule::new(Fault::Latency { by: by * 2 }));
    let first = faults.pick(&Facts::of(STOP), start());
    assert_eq!((first.latency, first.fault), (Some(by), Some(Fault::Throttled)));
    assert_eq!(first.names, ["latency (slow)", "throttle"]);
    let second = faults.pick(&Facts::of(STOP), start());
    assert_eq!((second.latency, second.fault), (Some(by), None));
    assert_eq!(faults.list()[2].rule.counts(), (0, 0));
}
