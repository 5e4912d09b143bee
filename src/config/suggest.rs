//! What somebody may have meant.

use jiff::tz::TimeZone;

/// How many edits turn one text into the other; a swap of neighbours is one edit.
pub(super) fn distance(left: &str, right: &str) -> usize {
    strsim::damerau_levenshtein(left, right)
}

/// The candidate that is so near that it was probably meant.
pub(super) fn closest<'a>(
    found: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    // Nobody misspells a word of this length, and comparing it would take long.
    const BYTES_MAX: usize = 100;
    if found.len() > BYTES_MAX {
        return None;
    }
    let found = plain(found);
    candidates
        .into_iter()
        .map(|candidate| (distance(&found, &plain(candidate)), candidate))
        .filter(|(edits, candidate)| {
            *edits <= tolerated(&found, candidate) || share_a_stem(&found, candidate)
        })
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate)
}

/// A third of the letters may be wrong; of two or three letters, one.
fn tolerated(found: &str, candidate: &str) -> usize {
    (found.len().min(candidate.len()) / 3).clamp(1, 4)
}

/// Whether both words begin alike and end differently, as `enforcing` and `enforce`.
fn share_a_stem(found: &str, candidate: &str) -> bool {
    let letters = found.chars().zip(candidate.chars());
    let stem = letters.take_while(|(left, right)| left == right).count();
    stem >= 5 && found.len().abs_diff(candidate.len()) <= 4 && !found.contains('/')
}

/// Letters without case, and one kind of joint.
fn plain(text: &str) -> String {
    text.to_lowercase().replace(['-', ' '], "_")
}

/// The time zone that was probably meant: a whole name, or the name of its city.
pub(super) fn zone(found: &str) -> Option<String> {
    let names: Vec<String> = jiff::tz::db().available().map(|name| name.to_string()).collect();
    let whole = closest(found, names.iter().map(String::as_str));
    let found = plain(found);
    let city = || {
        let cities = names.iter().filter(|name| name.contains('/')).map(String::as_str);
        let last = found.rsplit('/').next().unwrap_or(&found);
        let is_it = |name: &&str| name.rsplit('/').next().is_some_and(|city| plain(city) == last);
        cities.clone().find(is_it)
    };
    whole.or_else(city).map(str::to_owned)
}

/// Looks up a time zone by its IANA name.
pub(super) fn find_zone(name: &str) -> Option<TimeZone> {
    TimeZone::get(name).ok()
}

/// A list for people: `a, b or c`.
pub(super) fn one_of<T: AsRef<str>>(items: &[T], last: &str) -> String {
    match items {
        [] => String::new(),
        [only] => only.as_ref().to_owned(),
        [head @ .., tail] => {
            let head: Vec<&str> = head.iter().map(AsRef::as_ref).collect();
            format!("{} {last} {}", head.join(", "), tail.as_ref())
        }
    }
}

/// A text of the file, quoted for a message: escaped and of a bounded length.
pub(super) fn quoted(text: &str) -> String {
    const CHARS_MAX: usize = 60;
    match text.char_indices().nth(CHARS_MAX) {
        None => format!("{text:?}"),
        Some((end, _)) => format!("{:?}...", &text[..end]),
    }
}
