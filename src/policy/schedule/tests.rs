use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::*;

fn weekly(zone: &str, idle: &[&str]) -> Schedule {
    let idle = Idle::Weekly(idle.iter().map(|text| text.parse().unwrap()).collect());
    Schedule::new("nights".into(), TimeZone::get(zone).unwrap(), idle, Vec::new())
}

fn cron(zone: &str, opens: &str, closes: &str) -> Schedule {
    let pair = CronPair { opens: opens.parse().unwrap(), closes: closes.parse().unwrap() };
    let zone = TimeZone::get(zone).unwrap();
    Schedule::new("desk".into(), zone, Idle::Cron(pair), Vec::new())
}

/// The first `count` windows from `from`, in the schedule's own civil time with offsets.
fn shown(schedule: &Schedule, from: &str, count: usize) -> Vec<String> {
    let mut instant: Timestamp = from.parse().unwrap();
    let mut lines = Vec::new();
    for _ in 0..count {
        let Some(window) = schedule.window_after(instant) else { break };
        let show = |t: Timestamp| {
            t.to_zoned(schedule.zone.clone()).strftime("%a %m-%d %H:%M%:z").to_string()
        };
        lines.push(format!("{} .. {}", show(window.opens), show(window.closes)));
        instant = window.closes;
    }
    lines
}

#[test]
fn nights_and_weekend_merge_into_one_window_over_the_weekend() {
    let schedule = weekly("America/Los_Angeles", &["Sun-Fri 20:00-07:00", "Sat-Sun"]);
    assert_eq!(
        shown(&schedule, "2026-11-19T20:00:00Z", 3),
        [
            "Thu 11-19 20:00-08:00 .. Fri 11-20 07:00-08:00",
            "Fri 11-20 20:00-08:00 .. Mon 11-23 07:00-08:00",
            "Mon 11-23 20:00-08:00 .. Tue 11-24 07:00-08:00",
        ]
    );
}

#[test]
fn what_is_written_differently_and_means_the_same_is_shown_alike() {
    for (written, shown) in [
        ("Sun-Fri 20:00-07:00", "Mon-Fri,Sun 20:00-07:00"),
        ("Sat-Sun", "Sat,Sun 00:00-24:00"),
        ("sun,SAT 00:00-00:00", "Sat,Sun 00:00-24:00"),
        ("Mon-Sun 09:00-09:00", "Mon-Sun 09:00-09:00"),
        ("3rd Wed 08:00-18:00", "3rd Wed 08:00-18:00"),
        ("1st-2nd,last Mon,Wed 12:00-13:30", "1st,2nd,last Mon,Wed 12:00-13:30"),
    ] {
        let window: WeeklyWindow = written.parse().unwrap();
        assert_eq!(window.to_string(), shown, "{written}");
        assert_eq!(shown.parse(), Ok(window), "{written}");
    }
    let schedule = cron("UTC", "0 20 * * 1-5", "0 7 * * *");
    assert_eq!(schedule.idle.to_string(), "opens 0 20 * * 1-5, closes 0 7 * * *");
}

#[test]
fn a_window_is_half_open() {
    let schedule = weekly("UTC", &["Mon-Sun 20:00-07:00"]);
    let window = schedule.window_after("2026-11-20T07:00:00Z".parse().unwrap()).unwrap();
    assert_eq!(window.opens.to_string(), "2026-11-20T20:00:00Z");
    let last = "2026-11-21T06:59:59Z".parse().unwrap();
    assert!(
        window.contains(last) && window.contains(window.opens) && !window.contains(window.closes)
    );
}

#[test]
fn a_start_in_the_gap_moves_forward_and_one_in_the_fold_is_the_first() {
    let gap = weekly("America/New_York", &["Sun 02:30-05:00"]);
    assert_eq!(
        shown(&gap, "2026-03-07T12:00:00Z", 1),
        ["Sun 03-08 03:30-04:00 .. Sun 03-08 05:00-04:00"]
    );
    let fold = weekly("America/New_York", &["Sun 01:30-05:00"]);
    assert_eq!(
        shown(&fold, "2026-10-31T12:00:00Z", 1),
        ["Sun 11-01 01:30-04:00 .. Sun 11-01 05:00-05:00"]
    );
}

#[test]
fn a_window_inside_the_gap_is_moved_and_none_is_skipped() {
    let schedule = weekly("America/New_York", &["Mon-Sun 02:10-02:50"]);
    assert_eq!(
        shown(&schedule, "2026-03-07T12:00:00Z", 2),
        [
            "Sun 03-08 03:10-04:00 .. Sun 03-08 03:50-04:00",
            "Mon 03-09 02:10-04:00 .. Mon 03-09 02:50-04:00"
        ]
    );
    // From within the gap's hour to just after it: both ends resolve to the wrong order, so it is empty.
    let empty = weekly("America/New_York", &["Sun 02:30-03:10"]);
    assert_eq!(
        shown(&empty, "2026-03-07T12:00:00Z", 1),
        ["Sun 03-15 02:30-04:00 .. Sun 03-15 03:10-04:00"]
    );
}

#[test]
fn a_zone_may_skip_a_whole_day() {
    let schedule = weekly("Pacific/Apia", &["Mon-Sun 20:00-07:00"]);
    assert_eq!(
        shown(&schedule, "2011-12-29T12:00:00-10:00", 2),
        [
            "Thu 12-29 20:00-10:00 .. Sat 12-31 07:00+14:00",
            "Sat 12-31 20:00+14:00 .. Sun 01-01 07:00+14:00"
        ]
    );
}

#[test]
fn half_hour_zones_and_the_end_of_a_month_hold() {
    let schedule = weekly("Asia/Kolkata", &["Mon-Fri 20:00-24:00"]);
    assert_eq!(
        shown(&schedule, "2026-07-31T00:00:00Z", 2),
        [
            "Fri 07-31 20:00+05:30 .. Sat 08-01 00:00+05:30",
            "Mon 08-03 20:00+05:30 .. Tue 08-04 00:00+05:30"
        ]
    );
}

#[test]
fn a_whole_week_of_idle_hours_is_one_window_for_ever() {
    for idle in [&["Mon-Sun"][..], &["Mon-Fri 00:00-24:00", "Sat-Sun"], &["Mon-Sun 07:00-07:00"]] {
        let window = weekly("Europe/London", idle).window_after(Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!((window.opens, window.closes), (Timestamp::MIN, Timestamp::MAX), "{idle:?}");
    }
}

#[test]
fn all_week_but_for_an_hour_that_a_clock_change_removes_joins_two_weeks() {
    let schedule = weekly("America/New_York", &["Mon-Sat", "Sun 00:00-02:00", "Sun 03:00-24:00"]);
    assert_eq!(
        shown(&schedule, "2026-03-05T12:00:00Z", 1),
        ["Sun 03-01 03:00-05:00 .. Sun 03-15 02:00-04:00"]
    );
}

#[test]
fn the_cron_pair_means_what_crontab_means() {
    let schedule = cron("Europe/London", "0 20 * * Mon-Fri", "0 7 * * 1-5");
    assert_eq!(
        shown(&schedule, "2026-11-19T12:00:00Z", 3),
        [
            "Thu 11-19 20:00+00:00 .. Fri 11-20 07:00+00:00",
            "Fri 11-20 20:00+00:00 .. Mon 11-23 07:00+00:00",
            "Mon 11-23 20:00+00:00 .. Tue 11-24 07:00+00:00",
        ]
    );
    let sundays = cron("UTC", "0 20 * * 0", "0 7 * * 7");
    assert_eq!(
        shown(&sundays, "2026-11-19T12:00:00Z", 1),
        ["Sun 11-15 20:00+00:00 .. Sun 11-22 07:00+00:00"]
    );
    let wrapped = cron("UTC", "0 20 * * Fri-Mon", "0 22 * * *");
    assert_eq!(shown(&wrapped, "2026-11-19T12:00:00Z", 5).len(), 5);
    assert!(shown(&wrapped, "2026-11-19T12:00:00Z", 5)[4].starts_with("Fri"));
}

#[test]
fn a_fire_in_the_gap_may_come_after_the_next_one() {
    // From one to three o'clock is skipped: 02:48 becomes 04:48, and 03:48 is before that.
    let schedule = cron("Antarctica/Troll", "48 2-4 * * Sun", "7 12 * * *");
    assert_eq!(
        shown(&schedule, "2005-03-27T00:00:00Z", 1),
        ["Sun 03-27 03:48+02:00 .. Sun 03-27 12:07+02:00"]
    );
}

#[test]
fn a_civil_week_without_a_hole_may_have_one_over_a_clock_change() {
    let schedule = weekly("America/Nuuk", &["Mon-Sun 16:32-24:00", "Mon-Sun 23:07-23:06"]);
    let window = schedule.window_after("2036-10-26T00:57:30Z".parse().unwrap()).unwrap();
    assert_eq!(window.opens.to_string(), "2036-03-30T01:07:00Z");
    assert_eq!(window.closes.to_string(), "2037-03-29T01:06:00Z");
}

#[test]
fn a_yearly_cron_window_is_found_from_inside_and_from_outside() {
    let schedule = cron("UTC", "0 0 24 12 *", "0 0 2 1 *");
    let expected = ["Thu 12-24 00:00+00:00 .. Sat 01-02 00:00+00:00"];
    assert_eq!(shown(&schedule, "2026-03-01T00:00:00Z", 1), expected);
    assert_eq!(shown(&schedule, "2026-12-30T00:00:00Z", 1), expected);
}

#[test]
fn a_long_cron_window_is_not_hidden_by_a_short_one_nearby() {
    let schedule = cron("UTC", "0 20 1,28 * *", "0 7 27,29 * *");
    assert_eq!(
        shown(&schedule, "2026-11-24T00:00:00Z", 2),
        [
            "Sun 11-01 20:00+00:00 .. Fri 11-27 07:00+00:00",
            "Sat 11-28 20:00+00:00 .. Sun 11-29 07:00+00:00"
        ]
    );
}

#[test]
fn windows_between_are_whole_and_in_order() {
    let schedule = weekly("UTC", &["Mon-Sun 20:00-07:00"]);
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let windows = schedule.windows_between(at("2026-11-20T03:00:00Z"), at("2026-11-22T20:00:00Z"));
    assert_eq!(windows.len(), 3);
    assert_eq!(windows[0].opens, at("2026-11-19T20:00:00Z"));
}

#[test]
fn a_window_without_an_end_is_the_last() {
    let schedule = weekly("America/New_York", &["Mon-Sun"]);
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let windows = schedule.windows_between(at("2026-11-20T03:00:00Z"), at("2026-11-22T20:00:00Z"));
    assert_eq!(windows, [Window { opens: Timestamp::MIN, closes: Timestamp::MAX }]);
    assert_eq!(schedule.window_after(Timestamp::MAX), None);
}

#[test]
fn err_weekly() {
    let error = |text: &str| text.parse::<WeeklyWindow>().unwrap_err().to_string();
    assert_eq!(error(""), "an idle window is empty");
    assert_eq!(error("Mo 20:00-07:00"), "`Mo` is not a day of the week");
    assert_eq!(error("Mon-Fri 20-07"), "`20-07` is not a pair of times of the day");
    assert_eq!(error("Mon-Fri 20:00-24:01"), "`20:00-24:01` is not a pair of times of the day");
    assert_eq!(error("Mon-Fri +2:00-07:00"), "`+2:00-07:00` is not a pair of times of the day");
    assert_eq!(error("Mon-Fri 20:00-07:00 UTC"), "`UTC` follows the hours");
}

#[test]
fn err_cron() {
    let error = |text: &str| text.parse::<CronExpression>().unwrap_err();
    assert_eq!(error("0 20 * *"), CronError::Fields(4));
    assert_eq!(error("0 20 * * Mo"), CronError::Weekday("Mo".into()));
    assert_eq!(error("0 20 1 * Mon"), CronError::BothDays);
    assert_eq!(error("0 20 31 2 *"), CronError::Never);
    assert_eq!(error("* 0 20 * * *"), CronError::TooOften);
    assert!(matches!(error("0 25 * * *"), CronError::Syntax(_)));
}

#[test]
fn hours_of_work_go_by_outside_of_windows_alone() {
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let after = |schedule: &Schedule, from: &str, hours: i64| {
        let after = schedule.after_hours_of_work(at(from), SignedDuration::from_hours(hours));
        after.to_string()
    };
    let opened = ["Sun-Fri 20:00-07:00", "Sat 07:00-10:00", "Sat 14:00-24:00", "Sun"];
    let opened = weekly("UTC", &opened);
    // Friday's ends on Saturday at ten, for four hours, and then on Monday.
    assert_eq!(after(&opened, "2026-11-28T10:00:00Z", 4), "2026-11-28T14:00:00Z");
    assert_eq!(after(&opened, "2026-11-28T10:00:00Z", 8), "2026-11-30T11:00:00Z");
    assert_eq!(after(&opened, "2026-11-28T10:00:00Z", 0), "2026-11-28T10:00:00Z");
    assert_eq!(after(&opened, "2026-11-28T16:00:00Z", 1), "2026-11-30T08:00:00Z");
    assert_eq!(after(&opened, "2026-11-24T07:00:00Z", 24), "2026-11-25T18:00:00Z");
    let never = weekly("UTC", &["Mon-Sun"]);
    assert_eq!(after(&never, "2026-11-28T10:00:00Z", 8), Timestamp::MAX.to_string());
    let none = weekly("UTC", &[]);
    assert_eq!(after(&none, "2026-11-28T10:00:00Z", 8), "2026-11-28T18:00:00Z");
}

#[test]
fn the_longest_gap_is_that_of_walking_from_fire_to_fire() {
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let (from, to) = (at("2026-01-01T10:00:00Z"), at("2026-03-10T15:30:00Z"));
    for text in [
        "*/7 * * * Mon-Fri",
        "0,10,45 8-18/2 * * *",
        "30 9 29 2 *",
        "15 0 1 * *",
        "0 12 * * *",
        "*/10 0-4,7-23 * * *",
    ] {
        let expression: CronExpression = text.parse().unwrap();
        let next = |at: &Timestamp| expression.next_utc(*at).filter(|next| *next < to);
        let mut fires: Vec<Timestamp> = std::iter::successors(Some(from), next).collect();
        fires.push(to);
        let walked = fires.windows(2).map(|pair| pair[0].duration_until(pair[1])).max().unwrap();
        let gap = expression.longest_gap_utc(from, to);
        assert_eq!(gap.length(), walked, "{text}");
        let first = fires.windows(2).find(|pair| pair[0].duration_until(pair[1]) == walked);
        assert_eq!((gap.opens, gap.closes), (first.unwrap()[0], first.unwrap()[1]), "{text}");
    }
}
