//! Where windows are put: in and around the civil times that a clock change skips or repeats.

use lightsout::simulate::Chance;

pub const MINUTES: i64 = 1440;

/// How windows lie to the skipped or repeated civil times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Placement {
    StartInside,
    EndInside,
    BothInside,
    /// The whole of it, exactly.
    Exactly,
    StartAtBegin,
    StartAtEnd,
    EndAtBegin,
    EndAtEnd,
    Spanning,
    JustBefore,
    JustAfter,
    /// From within to so shortly after that a gap leaves nothing of it.
    Swallowed,
    /// From its end to its begin on the next day, every day.
    Complement,
    /// Always but for one minute of each day, which lies inside.
    AllButAMinute,
    /// For 24 hours from within.
    DayFromInside,
    /// Two that touch inside.
    TouchInside,
    /// Two that overlap only where the end of the first is moved forward.
    OverlapByShift,
    /// Two with a minute between them, inside.
    ApartInside,
    FromMidnight,
    UntilMidnight,
    UntilMidnightBefore,
    WholeDay,
    WholeDayBefore,
    WholeDayAfter,
    OvernightInto,
    OvernightFrom,
    Anywhere,
}

use Placement::{
    AllButAMinute, Anywhere, ApartInside, BothInside, Complement, DayFromInside, EndAtBegin,
    EndAtEnd, EndInside, Exactly, FromMidnight, JustAfter, JustBefore, OverlapByShift,
    OvernightFrom, OvernightInto, Spanning, StartAtBegin, StartAtEnd, StartInside, Swallowed,
    TouchInside, UntilMidnight, UntilMidnightBefore, WholeDay, WholeDayAfter, WholeDayBefore,
};

impl Placement {
    pub const ALL: [Self; 27] = [
        StartInside,
        EndInside,
        BothInside,
        Exactly,
        StartAtBegin,
        StartAtEnd,
        EndAtBegin,
        EndAtEnd,
        Spanning,
        JustBefore,
        JustAfter,
        Swallowed,
        Complement,
        AllButAMinute,
        DayFromInside,
        TouchInside,
        OverlapByShift,
        ApartInside,
        FromMidnight,
        UntilMidnight,
        UntilMidnightBefore,
        WholeDay,
        WholeDayBefore,
        WholeDayAfter,
        OvernightInto,
        OvernightFrom,
        Anywhere,
    ];

    /// Those that make sense where nothing is skipped or repeated, around a midnight.
    pub const PLAIN: [Self; 14] = [
        StartAtBegin,
        EndAtBegin,
        Spanning,
        JustBefore,
        JustAfter,
        FromMidnight,
        UntilMidnight,
        UntilMidnightBefore,
        WholeDay,
        WholeDayBefore,
        WholeDayAfter,
        OvernightInto,
        OvernightFrom,
        Anywhere,
    ];

    /// Whether its windows open every day.
    pub fn is_daily(self) -> bool {
        matches!(self, Complement | AllButAMinute)
    }

    /// Whether it takes two windows, which one pair of cron expressions cannot say.
    pub fn is_pair(self) -> bool {
        matches!(self, TouchInside | OverlapByShift | ApartInside)
    }

    /// Its windows in civil minutes since 1970, around the skipped or repeated `[lower, upper)`.
    pub fn windows(self, lower: i64, upper: i64, chance: &mut Chance) -> Vec<(i64, i64)> {
        let inside = chance.between(lower + 1, upper - 2);
        let further = chance.between(inside + 1, upper - 1);
        let before = lower - chance.between(1, 300);
        let after = upper + chance.between(1, 300);
        let midnight = lower.div_euclid(MINUTES) * MINUTES;
        let evening = MINUTES - chance.between(1, 360);
        let morning = chance.between(1, 600);
        match self {
            StartInside => vec![(inside, after)],
            EndInside => vec![(before, inside)],
            BothInside => vec![(inside, further)],
            Exactly => vec![(lower, upper)],
            StartAtBegin => vec![(lower, after)],
            StartAtEnd => vec![(upper, after)],
            EndAtBegin => vec![(before, lower)],
            EndAtEnd => vec![(before, upper)],
            Spanning => vec![(before, after)],
            JustBefore => vec![(lower - chance.between(2, 60), lower - 1)],
            JustAfter => vec![(upper + 1, upper + chance.between(2, 60))],
            Swallowed => vec![(inside, upper + chance.between(0, inside - lower))],
            Complement => vec![(upper, lower + MINUTES)],
            AllButAMinute => vec![(inside + 1, inside + MINUTES)],
            DayFromInside => vec![(inside, inside + MINUTES)],
            TouchInside => vec![(before, inside), (inside, after)],
            OverlapByShift => {
                let second = upper + chance.between(0, inside - lower);
                vec![(before, inside), (second, second + chance.between(1, 300))]
            }
            ApartInside => vec![(before, inside), (inside + 1, after)],
            FromMidnight => vec![(midnight, midnight + chance.between(1, MINUTES - 1))],
            UntilMidnight => {
                vec![(midnight + chance.between(0, MINUTES - 1), midnight + MINUTES)]
            }
            UntilMidnightBefore => vec![(midnight - chance.between(1, MINUTES), midnight)],
            WholeDay => vec![(midnight, midnight + MINUTES)],
            WholeDayBefore => vec![(midnight - MINUTES, midnight)],
            WholeDayAfter => vec![(midnight + MINUTES, midnight + 2 * MINUTES)],
            OvernightInto => vec![(midnight - MINUTES + evening, midnight + morning)],
            OvernightFrom => vec![(midnight + evening, midnight + MINUTES + morning)],
            Anywhere => {
                let opens = midnight + chance.between(-MINUTES, 2 * MINUTES);
                vec![(opens, opens + chance.between(1, MINUTES))]
            }
        }
    }
}
