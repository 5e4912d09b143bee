//! Single cases in which windows once were wrong, with the instants that a person works out by hand.

use lightsout::policy::Schedule;
use lightsout::policy::schedule::{CronPair, Idle};

use super::zone::Zone;

fn shown(zone: &str, idle: Idle, from: &str) -> String {
    let schedule = Schedule::new("once".into(), Zone::read(zone).jiff, idle, Vec::new());
    let window = schedule.window_after(from.parse().unwrap()).unwrap();
    format!("{} .. {}", window.opens, window.closes)
}

#[test]
fn a_week_that_is_full_on_the_civil_calendar_may_have_a_hole_in_a_gap() {
    // In Nuuk, 2037-03-28 23:00 to 24:00 is skipped. The window until 23:06 ends at 00:06 instead, the
    // next opens not at 23:07 but at 00:07; and the other window, which bridges that minute on all
    // other days, ends at 24:00, which is the beginning of the gap.
    let windows = ["Mon-Sun 16:32-24:00", "Mon-Sun 23:07-23:06"];
    let idle = Idle::Weekly(windows.iter().map(|text| text.parse().unwrap()).collect());
    assert_eq!(
        shown("America/Nuuk", idle, "2036-10-26T00:00:00Z"),
        "2036-03-30T01:07:00Z .. 2037-03-29T01:06:00Z"
    );
}

#[test]
fn an_opening_that_a_gap_puts_before_another_counts() {
    // At Troll, 01:00 to 03:00 is skipped. Of the fires at 02:48, 03:48 and 04:48, the first is moved
    // to 04:48, so the second comes first.
    let (opens, closes) = ("48 2-4 * * Sun", "7 12 * * *");
    let pair = CronPair { opens: opens.parse().unwrap(), closes: closes.parse().unwrap() };
    assert_eq!(
        shown("Antarctica/Troll", Idle::Cron(pair), "2005-03-27T00:00:00Z"),
        "2005-03-27T01:48:00Z .. 2005-03-27T10:07:00Z"
    );
}
