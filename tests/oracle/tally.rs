//! What the cases were: printed, and held to least numbers, so that a proof that became empty fails.

use std::collections::BTreeMap;

use super::cases::{Case, Deck, Form, Kind};
use super::civil;
use super::compare::Met;
use super::placements::Placement;

/// A day that was skipped (twice), half an hour of summer time, a summer time that is the standard one
/// with a winter time behind it, two hours, and a quarter of an hour from the full one.
const ODD_ZONES: [&str; 6] = [
    "Pacific/Apia",
    "Pacific/Kwajalein",
    "Australia/Lord_Howe",
    "Europe/Dublin",
    "Antarctica/Troll",
    "Pacific/Chatham",
];

#[derive(Default)]
pub struct Tally {
    cases: usize,
    edges: usize,
    seconds: usize,
    empty: usize,
    joined: usize,
    calendars: usize,
    nth: usize,
    forms: BTreeMap<Form, usize>,
    kinds: BTreeMap<Kind, usize>,
    /// Minutes.
    shifts: BTreeMap<i64, usize>,
    placements: BTreeMap<(Placement, Form), usize>,
    decades: BTreeMap<i64, usize>,
    regions: BTreeMap<String, usize>,
    zones: BTreeMap<String, usize>,
}

fn add_all<K: Ord>(to: &mut BTreeMap<K, usize>, from: BTreeMap<K, usize>) {
    for (key, count) in from {
        *to.entry(key).or_default() += count;
    }
}

impl Tally {
    pub fn count(&mut self, deck: &Deck, case: &Case, met: Met) {
        let (zone, change) = (&deck.zone(case).name, case.anchor.change);
        self.cases += 1;
        self.edges += met.edges;
        self.seconds += met.seconds;
        self.empty += usize::from(met.empty);
        self.joined += usize::from(met.joined);
        self.nth += usize::from(case.subject.has_nth());
        self.calendars += usize::from(!case.subject.calendars.is_empty());
        *self.forms.entry(case.form).or_default() += 1;
        *self.kinds.entry(case.anchor.kind()).or_default() += 1;
        *self.shifts.entry(change.shift() / 60).or_default() += 1;
        *self.placements.entry((case.placement, case.form)).or_default() += 1;
        let year = civil::date(civil::day_of(change.instant)).year;
        *self.decades.entry(year / 10 * 10).or_default() += 1;
        let region = zone.split_once('/').map_or("(no region)", |(region, _)| region);
        *self.regions.entry(region.to_owned()).or_default() += 1;
        *self.zones.entry(zone.clone()).or_default() += 1;
    }

    pub fn add(&mut self, other: Self) {
        self.cases += other.cases;
        self.edges += other.edges;
        self.seconds += other.seconds;
        self.empty += other.empty;
        self.joined += other.joined;
        self.nth += other.nth;
        self.calendars += other.calendars;
        add_all(&mut self.forms, other.forms);
        add_all(&mut self.kinds, other.kinds);
        add_all(&mut self.shifts, other.shifts);
        add_all(&mut self.placements, other.placements);
        add_all(&mut self.decades, other.decades);
        add_all(&mut self.regions, other.regions);
        add_all(&mut self.zones, other.zones);
    }

    pub fn print(&self) {
        println!(
            "{} cases in {} zones; {} edges and clock changes, {} seconds",
            self.cases,
            self.zones.len(),
            self.edges,
            self.seconds
        );
        println!(
            "with an empty occurrence nearby: {}; with joined ones: {}; with calendars: {}; with weeks of months: {}",
            self.empty, self.joined, self.calendars, self.nth
        );
        print("by form", &self.forms, |form| format!("{form:?}"));
        print("by kind of clock change", &self.kinds, |kind| format!("{kind:?}"));
        print("by shift in minutes", &self.shifts, |shift| format!("{shift:+}"));
        print("by decade", &self.decades, |decade| format!("{decade}s"));
        print("by region", &self.regions, String::clone);
        println!("by placement (weekly, cron):");
        for placement in Placement::ALL {
            let count = |form| self.placements.get(&(placement, form)).copied().unwrap_or(0);
            println!(
                "  {:22} {:7} {:7}",
                format!("{placement:?}"),
                count(Form::Weekly),
                count(Form::Cron)
            );
        }
    }

    /// Holds the cases to least numbers, which grow with how many were run.
    pub fn check(&self, zones: usize) {
        let share = |part: usize| (self.cases / part).max(1);
        let at_least = |what: String, found: usize, least: usize| {
            assert!(found >= least, "{what}: {found}, and {least} are wanted");
        };
        for form in [Form::Weekly, Form::Cron] {
            at_least(format!("{form:?}"), self.forms[&form], share(4));
        }
        for (kind, part) in [(Kind::Gap, 4), (Kind::Fold, 4), (Kind::Plain, 40)] {
            at_least(format!("{kind:?}"), self.kinds.get(&kind).copied().unwrap_or(0), share(part));
        }
        for placement in Placement::ALL {
            for form in [Form::Weekly, Form::Cron] {
                if placement.is_pair() && form == Form::Cron {
                    continue;
                }
                let found = self.placements.get(&(placement, form)).copied().unwrap_or(0);
                at_least(format!("{placement:?}, {form:?}"), found, share(200));
            }
        }
        for minutes in [1440, 30, -30, 60, -60, 120, -120] {
            let found = self.shifts.get(&minutes).copied().unwrap_or(0);
            at_least(format!("shifts by {minutes} minutes"), found, share(2000));
        }
        at_least("sizes of shifts".to_owned(), self.shifts.len(), 12);
        at_least("zones".to_owned(), self.zones.len(), zones);
        for zone in ODD_ZONES {
            let found = self.zones.get(zone).copied().unwrap_or(0);
            at_least(zone.to_owned(), found, share(10_000));
        }
        at_least("empty occurrences".to_owned(), self.empty, share(200));
        at_least("calendars".to_owned(), self.calendars, share(10));
        at_least("weeks of months".to_owned(), self.nth, share(20));
        at_least("joined occurrences".to_owned(), self.joined, share(20));
    }
}

fn print<K>(title: &str, counts: &BTreeMap<K, usize>, name: impl Fn(&K) -> String) {
    let counts: Vec<String> =
        counts.iter().map(|(key, count)| format!("{} {count}", name(key))).collect();
    println!("{title}: {}", counts.join(", "));
}
