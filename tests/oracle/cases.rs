//! The cases: each a zone, a schedule and a clock change (or a month's end), drawn from one seed.

use std::collections::BTreeSet;
use std::fmt;

use super::civil::{self, DAY};
use super::placements::Placement;
use super::subject::{Idle, Subject};
use super::writing;
use super::zone::{self, Transition, Zone};
use lightsout::simulate::Chance;

/// The years in which clock changes are taken, the last one excluded.
pub const YEARS: (i64, i64) = (1990, 2038);

/// How much more often a clock change is drawn that is not by one whole hour.
const ODD_WEIGHT: usize = 6;

/// Months' ends of each zone.
const PLAIN_EACH: usize = 6;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Gap,
    Fold,
    /// No clock change: the midnight after the end of a month.
    Plain,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    Weekly,
    Cron,
}

/// What a case is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Anchor {
    /// Where its zone stands in the list.
    pub zone: usize,
    pub change: Transition,
}

pub struct Case {
    pub index: usize,
    pub anchor: Anchor,
    pub placement: Placement,
    pub form: Form,
    pub subject: Subject,
}

impl Anchor {
    pub fn kind(&self) -> Kind {
        match self.change.shift() {
            0 => Kind::Plain,
            shift if shift > 0 => Kind::Gap,
            _ => Kind::Fold,
        }
    }

    /// The skipped or repeated civil minutes.
    fn minutes(&self) -> (i64, i64) {
        let (lower, upper) = self.change.civil();
        (lower.div_euclid(60), upper.div_euclid(60))
    }
}

/// Everything that cases are drawn from.
pub struct Deck {
    pub zones: Vec<Zone>,
    pub seed: u64,
    /// One clock change of each size and civil time: each with every placement in both forms.
    sizes: Vec<Anchor>,
    /// All clock changes in random order, odd ones several times, and months' ends.
    all: Vec<Anchor>,
}

impl Deck {
    pub fn new(seed: u64) -> Self {
        let zones = Zone::all();
        let mut chance = Chance::new(seed, u64::MAX);
        let (mut sizes, mut all, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
        for (index, zone) in zones.iter().enumerate() {
            let start = |year| civil::day(year, 1, 1).unwrap() * DAY;
            let is_tested = |change: &Transition| {
                start(YEARS.0) <= change.instant && change.instant < start(YEARS.1)
            };
            for change in zone.transitions().filter(is_tested) {
                let anchor = Anchor { zone: index, change };
                let is_odd = change.shift().abs() != 3600;
                all.extend(std::iter::repeat_n(anchor, if is_odd { ODD_WEIGHT } else { 1 }));
                if seen.insert((change.shift(), change.civil().0.rem_euclid(DAY))) {
                    sizes.push(anchor);
                }
            }
            all.extend((0..PLAIN_EACH).map(|_| months_end(index, zone, &mut chance)));
        }
        chance.shuffle(&mut all);
        Self { zones, seed, sizes, all }
    }

    /// How many cases stand before the random ones.
    pub fn fixed(&self) -> usize {
        self.sizes.len() * Placement::ALL.len() * 2
    }

    /// A case by its number: the same for the same seed, however many are run.
    pub fn case(&self, index: usize) -> Case {
        let mut chance = Chance::new(self.seed, index as u64);
        let (anchor, placement, form) = match index.checked_sub(self.fixed()) {
            None => {
                let form = if index.is_multiple_of(2) { Form::Weekly } else { Form::Cron };
                let placement = Placement::ALL[index / 2 % Placement::ALL.len()];
                (self.sizes[index / 2 / Placement::ALL.len()], placement, form)
            }
            Some(random) => {
                let anchor = self.all[random % self.all.len()];
                let placement = match anchor.kind() {
                    Kind::Plain => chance.one_of(&Placement::PLAIN),
                    Kind::Gap | Kind::Fold => chance.one_of(&Placement::ALL),
                };
                (anchor, placement, chance.one_of(&[Form::Weekly, Form::Cron]))
            }
        };
        let (lower, upper) = anchor.minutes();
        let windows = placement.windows(lower, upper, &mut chance);
        let weekly = (form == Form::Weekly || placement.is_pair())
            .then(|| writing::weekly(&windows, placement, &mut chance))
            .flatten();
        let form = if weekly.is_some() { Form::Weekly } else { Form::Cron };
        let idle: Idle =
            weekly.unwrap_or_else(|| writing::cron(windows[0], placement, &mut chance));
        let calendars = if chance.once_in(4) {
            writing::some_calendars(lower, &windows, &mut chance)
        } else {
            Vec::new()
        };
        Case { index, anchor, placement, form, subject: Subject { idle, calendars } }
    }

    pub fn zone(&self, case: &Case) -> &Zone {
        &self.zones[case.anchor.zone]
    }
}

/// The midnight after the last day of some month: of a February in every third case.
fn months_end(index: usize, zone: &Zone, chance: &mut Chance) -> Anchor {
    loop {
        let year = chance.between(YEARS.0, YEARS.1 - 1);
        let month = if chance.once_in(3) { 2 } else { chance.value(1, 12) };
        // Around a leap day both of its midnights count.
        let before = if month == 2 { chance.between(0, 1) } else { 0 };
        let last = civil::day(year, month, civil::month_length(year, month)).unwrap();
        let midnight = (last + 1 - before) * DAY;
        let instant = zone.resolve(midnight);
        let offset = zone.offset_at(instant);
        if instant + offset == midnight {
            return Anchor {
                zone: index,
                change: Transition { instant, before: offset, after: offset },
            };
        }
    }
}

impl fmt::Display for Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Transition { instant, before, after }, (lower, upper)) =
            (self.change, self.change.civil());
        let (lower, upper) = (civil::show(lower), civil::show(upper));
        let instant = zone::timestamp(instant);
        match self.kind() {
            Kind::Plain => write!(f, "no change at {instant} (midnight at {before:+} s)"),
            Kind::Gap => write!(
                f,
                "gap at {instant} ({before:+} s to {after:+} s; {lower} to {upper} is skipped)"
            ),
            Kind::Fold => write!(
                f,
                "fold at {instant} ({before:+} s to {after:+} s; {lower} to {upper} comes twice)"
            ),
        }
    }
}
