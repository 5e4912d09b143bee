//! What time it is here, and where our calls are carried out.

use jiff::{RoundMode, SignedDuration, SignedDurationRound, Unit};

use super::{Gap, Problem, Wanted};

/// How far clocks may be apart. A service takes no signature that is older than five minutes, so that without a
/// correction this would be found out soon after.
pub const CLOCKS_APART_MAX: SignedDuration = SignedDuration::from_mins(4);

/// What is to be said of clocks that are too far apart: by one that is nine hours ahead everybody would be sent home at
/// noon.
#[must_use]
pub fn clocks_apart(ahead: SignedDuration) -> Option<Gap> {
    if ahead.abs() <= CLOCKS_APART_MAX {
        return None;
    }
    let detail = clocks_in_words(ahead);
    Some(Gap { wanted: Wanted::Clock, problem: Problem::Conflict, detail })
}

/// How far the clock of this host is ahead: to five minutes, so that it stays the same from one reading to the next.
#[must_use]
pub fn clocks_in_words(ahead: SignedDuration) -> String {
    let apart = ahead.abs();
    let round = SignedDurationRound::new().smallest(Unit::Minute).increment(5);
    let apart = apart.round(round.mode(RoundMode::Ceil)).unwrap_or(apart);
    let way = if ahead.is_negative() { "behind" } else { "ahead of" };
    format!("the clock of this host is {way} the service's by some {apart:#}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_that_are_too_far_apart_are_told() {
        let said = |minutes| clocks_apart(SignedDuration::from_mins(minutes)).map(|gap| gap.detail);
        let words = |words: &str| Some(format!("the clock of this host is {words}"));
        assert_eq!(said(9 * 60), words("ahead of the service's by some 9h"));
        assert_eq!(said(-51), words("behind the service's by some 55m"));
        assert_eq!((said(4), said(-4)), (None, None));
    }
}
