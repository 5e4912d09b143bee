//! What is known of the service's clock.

use super::*;

#[test]
fn a_stop_just_made_tells_how_far_the_clock_is_behind_the_service_s() {
    let intended = deed(Action::Stop, Stage::Intended, RUN);
    let proven = |minutes: i64, late: i64| {
        let mut proven = of_run(Kind::StopProven, RUN);
        proven.time = intended.time + SignedDuration::from_mins(late);
        proven.data.stopped_at = Some(proven.time + SignedDuration::from_mins(minutes));
        proven
    };
    let behind = |records: &[Record]| past(records).history.clock_error().behind();
    let stop = |proven: Record| [intended.clone(), proven];
    assert_eq!(behind(&stop(proven(86, 1))), SignedDuration::from_mins(86));
    assert_eq!(behind(&stop(proven(-86, 1))), SignedDuration::ZERO);
    // What is read as later than now was read by a clock that is behind, however late it is read; that
    // it is not behind, or less than was known, a late proof does not say.
    assert_eq!(behind(&stop(proven(86, 6))), SignedDuration::from_mins(86));
    assert_eq!(past(&stop(proven(-3, 6))).history.clock_behind, None);
    let [early, late] = [proven(86, 1), proven(40, 6)];
    let again = [intended.clone(), early, intended.clone(), late];
    assert_eq!(behind(&again), SignedDuration::from_mins(86));
    // Each stop tells it to some minutes only: what is known stays while that is what it tells.
    let ahead = |stops: &[i64]| {
        let stops = stops.iter().flat_map(|minutes| stop(proven(*minutes, 1)));
        past(&stops.collect::<Vec<_>>()).history.clock_error().ahead()
    };
    let told =
        [vec![-86], vec![-86, -90], vec![-86, -84], vec![-86, -96], vec![-86, -60], vec![-5]];
    let shown = [85, 85, 83, 95, 59, 0].map(SignedDuration::from_mins);
    assert_eq!(told.map(|stops| ahead(&stops)), shown);
    // Whoever sets the clock right ends it, and nothing is known of a clock that no stop has told of.
    let stopped = proven(86, 1);
    let (from, by) = (stopped.time, SignedDuration::from_mins(80));
    let set = jumped(from, from + by);
    let records = [intended.clone(), stopped.clone(), set];
    assert_eq!(behind(&records), SignedDuration::from_mins(6));
    // A suspension is no setting of the clock, but it may have been set in the course of one.
    let night = SignedDuration::from_hours(8);
    let slept = |by| Jump { from, to: from + by, suspended: night }.record();
    let after = |jump: Record| behind(&[intended.clone(), stopped.clone(), jump]);
    assert_eq!(after(slept(night)), SignedDuration::from_mins(86));
    assert_eq!(after(slept(night + by)), SignedDuration::from_mins(6));
    assert_eq!(behind(&[jumped(from + by, from)]), SignedDuration::ZERO);
    assert_eq!(behind(&[intended.clone(), proven(0, 1), jumped(from + by, from)]), by);
    // It was made between its intent and its proof, three minutes later: no more is known than that.
    let told = |minutes| past(&stop(proven(minutes, 3))).history.clock_behind.unwrap();
    for (minutes, by) in [(4, 4), (0, 0), (-3, 0), (-4, -1), (-7, -4)] {
        assert_eq!(told(minutes), SignedDuration::from_mins(by), "{minutes}");
    }
}

#[test]
fn the_service_s_own_time_is_known_until_it_says_another_or_a_stop_shows_another() {
    let said = |behind: &str| {
        record(Kind::ClockCompared, |data| {
            let values = [("behind".to_owned(), behind.to_owned())].into();
            let (code, text) = ("clock_compared".to_owned(), String::new());
            data.reason = Some(ReasonData { code, values, text, alarm: true });
        })
    };
    let hours = |hours: i64| Some(SignedDuration::from_hours(hours));
    let known = |records: &[Record]| past(records).history.clock_behind;
    assert_eq!(known(&[said("18000")]), hours(5));
    assert_eq!(known(&[said("18000"), said("-3600")]), hours(-1));
    assert_eq!(known(&[said("18000"), said("nonsense")]), hours(5));
    let intended = deed(Action::Stop, Stage::Intended, RUN);
    let mut proven = of_run(Kind::StopProven, RUN);
    proven.time = intended.time + SignedDuration::from_mins(1);
    proven.data.stopped_at = Some(proven.time);
    assert_eq!(known(&[said("18000"), intended, proven]), hours(0));
}
