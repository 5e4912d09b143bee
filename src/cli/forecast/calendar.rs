//! The part of a forecast that no session is needed for: windows, holidays, clock changes.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::super::markdown::{self, Page};
use super::super::output;
use crate::ids::OwnerId;
use crate::policy::schedule::Occurrence;
use crate::policy::{Policy, Schedule, Window};

/// Every schedule of a policy over a span of time.
pub(in crate::cli) struct Lookout<'a> {
    from: Timestamp,
    to: Timestamp,
    schedules: Vec<Outlook<'a>>,
}

/// One schedule over that span.
struct Outlook<'a> {
    schedule: &'a Schedule,
    /// Whose evenings they are, where they are not everybody's.
    owner: Option<&'a OwnerId>,
    windows: Vec<Window>,
    closed: Vec<Window>,
    open: Vec<Window>,
    clock_changes: Vec<(Timestamp, i32, i32)>,
    empty: Vec<Occurrence>,
}

impl<'a> Lookout<'a> {
    /// Looks at `[from, to)`.
    pub(in crate::cli) fn new(policy: &'a Policy, from: Timestamp, to: Timestamp) -> Self {
        let outlook =
            |(owner, schedule): (Option<&'a OwnerId>, &'a std::sync::Arc<Schedule>)| Outlook {
                schedule,
                owner,
                windows: schedule.windows_between(from, to),
                closed: schedule.closed_between(from, to),
                open: schedule.open_between(from, to),
                clock_changes: schedule.clock_changes(from, to),
                empty: schedule.empty_between(from, to),
            };
        let timetables = policy.schedules.values();
        let schedules = timetables.flat_map(|t| t.schedules()).map(outlook).collect();
        Self { from, to, schedules }
    }

    /// Each window of each schedule, with the schedule's name and its zone.
    pub(in crate::cli) fn windows(&self) -> impl Iterator<Item = (String, TimeZone, Window)> + '_ {
        self.schedules.iter().flat_map(|outlook| {
            let zone = &outlook.schedule.zone;
            outlook.windows.iter().map(move |window| (outlook.label(), zone.clone(), *window))
        })
    }

    pub(in crate::cli) fn print(&self) {
        for outlook in &self.schedules {
            outlook.print();
        }
    }

    /// From when to when it looks.
    pub(in crate::cli) fn span(&self) -> String {
        format!("{} to {}", output::utc(self.from), output::utc(self.to))
    }

    pub(in crate::cli) fn add_to(&self, page: &mut Page) {
        for outlook in &self.schedules {
            outlook.add_to(page);
        }
    }

    pub(in crate::cli) fn to_json(&self) -> Value {
        let each = |list: fn(&Outlook<'_>) -> Vec<Value>| -> Value {
            self.schedules.iter().flat_map(list).collect()
        };
        json!({
            "from": self.from,
            "to": self.to,
            "windows": each(|outlook| outlook.spans(&outlook.windows)),
            "closed": each(|outlook| outlook.spans(&outlook.closed)),
            "open": each(|outlook| outlook.spans(&outlook.open)),
            "clock_changes": each(|outlook| outlook.changes()),
            "empty_windows": each(|outlook| outlook.empties()),
        })
    }
}

impl Outlook<'_> {
    fn label(&self) -> String {
        match self.owner {
            None => self.schedule.name.to_string(),
            Some(_) => format!("{} in {}", self.schedule.name, self.schedule.zone_name()),
        }
    }

    fn print(&self) {
        let zone = &self.schedule.zone;
        match self.owner {
            None => anstream::println!(
                "schedule {} ({})",
                self.schedule.name,
                self.schedule.zone_name()
            ),
            Some(_) => anstream::println!("schedule {}", self.label()),
        }
        let mut table =
            output::table(&["OPENS", "CLOSES", "OPENS, UTC", "CLOSES, UTC", "HOURS", ""]);
        for window in &self.windows {
            let Window { opens, closes } = *window;
            table.add_row(vec![
                output::local(opens, zone),
                output::local(closes, zone),
                output::utc(opens),
                output::utc(closes),
                output::hours(window.length()),
                self.remarks(*window).join(", "),
            ]);
        }
        if self.windows.is_empty() {
            anstream::println!("  no window");
        } else {
            output::print(&table);
        }
        for occurrence in &self.empty {
            anstream::println!(
                "  the window from {} to {} is empty: a clock change leaves nothing of it",
                occurrence.opens,
                occurrence.closes
            );
        }
        anstream::println!();
    }

    fn add_to(&self, page: &mut Page) {
        let zone = &self.schedule.zone;
        let row = |window: &Window| {
            let Window { opens, closes } = *window;
            vec![
                output::local(opens, zone),
                output::local(closes, zone),
                output::hours(window.length()),
                markdown::text(&self.remarks(*window).join(", ")),
            ]
        };
        let rows: Vec<_> = self.windows.iter().map(row).collect();
        let (label, zone) = (markdown::code_in_summary(&self.label()), self.schedule.zone_name());
        let count = rows.len();
        page.details(&format!("Schedule {label} ({zone}): {count} windows"), |page| {
            page.table(&["opens", "closes", "hours", ""], &rows);
            for Occurrence { opens, closes } in &self.empty {
                page.paragraph(&format!(
                    "The window from {opens} to {closes} is empty: a clock change leaves nothing of it."
                ));
            }
        });
    }

    /// What is special about a window.
    fn remarks(&self, window: Window) -> Vec<String> {
        let meets = |span: &&Window| span.opens < window.closes && window.opens < span.closes;
        let zone = &self.schedule.zone;
        let day = |instant: Timestamp| zone.to_datetime(instant).date();
        let days = |span: &Window| {
            let last = span.closes.saturating_sub(jiff::SignedDuration::from_secs(1));
            let (first, last) = (day(span.opens), day(last.unwrap_or(span.closes)));
            if first == last { first.to_string() } else { format!("{first} to {last}") }
        };
        let mut remarks: Vec<String> =
            self.closed.iter().filter(meets).map(|span| format!("closed {}", days(span))).collect();
        let ended = self.open.iter().find(|open| open.opens == window.closes);
        remarks.extend(ended.map(|open| format!("ended by open {}", days(open))));
        let begun = self.open.iter().find(|open| open.closes == window.opens);
        remarks.extend(begun.map(|open| format!("after open {}", days(open))));
        let changes = self.clock_changes.iter().filter(|(at, ..)| window.contains(*at));
        remarks.extend(changes.map(|(_, before, after)| shift(*before, *after)));
        remarks
    }

    fn spans(&self, spans: &[Window]) -> Vec<Value> {
        let one = |window: &Window| {
            let (schedule, zone) = (self.schedule.name.as_str(), self.schedule.zone_name());
            json!({
                "schedule": schedule,
                "zone": zone,
                "opens": window.opens,
                "closes": window.closes,
            })
        };
        spans.iter().map(one).collect()
    }

    fn changes(&self) -> Vec<Value> {
        let one = |(at, before, after): &(Timestamp, i32, i32)| {
            let schedule = self.schedule.name.as_str();
            json!({ "schedule": schedule, "at": at, "offset_before": before, "offset_after": after })
        };
        self.clock_changes.iter().map(one).collect()
    }

    fn empties(&self) -> Vec<Value> {
        let one = |occurrence: &Occurrence| {
            let (schedule, zone) = (self.schedule.name.as_str(), self.schedule.zone_name());
            json!({
                "schedule": schedule,
                "zone": zone,
                "opens": occurrence.opens,
                "closes": occurrence.closes,
            })
        };
        self.empty.iter().map(one).collect()
    }
}

/// A clock change in words.
fn shift(before: i32, after: i32) -> String {
    let moved = jiff::SignedDuration::from_secs(i64::from(after - before));
    let sign = if moved.is_negative() { "back" } else { "forward" };
    format!("the clock goes {sign} by {:#}", moved.abs())
}
