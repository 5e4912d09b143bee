//! Nothing that can be written makes the reader panic, or takes it long.

use proptest::prelude::*;

use super::*;

/// A file with something of everything.
const FILE: &str = include_str!("everything.ics");

const PIECES: &[&str] = &[
    "",
    "\r\n",
    "\r\n ",
    "\n",
    ":",
    ";",
    ",",
    "=",
    "\"",
    "Z",
    "T",
    "-",
    "+",
    "0",
    "9",
    "99999999999",
    "/",
    "é",
    "\0",
    "BEGIN:VEVENT\n",
    "END:VEVENT\n",
    "BEGIN:VCALENDAR\n",
    "DTSTART:20260229\n",
    "FREQ=SECONDLY",
    "FREQ=DAILY",
    "FREQ=WEEKLY",
    "FREQ=MONTHLY",
    "FREQ=YEARLY",
    "INTERVAL=9999",
    "COUNT=999999",
    "BYDAY=5MO,-53SU",
    "BYMONTHDAY=31,-31",
    "BYYEARDAY=366",
    "BYWEEKNO=53,-53",
    "BYSETPOS=-1",
    "BYMONTH=2",
    "UNTIL=20991231",
    "RECURRENCE-ID:20260101\n",
    "EXDATE:20260101\n",
    "RDATE;VALUE=PERIOD:20260101T000000Z/P1D\n",
    "UID:1\n",
    "STATUS:CANCELLED\n",
    "TZID=Europe/Paris",
    "VALUE=DATE",
    "P9999W",
];

#[test]
fn the_file_with_everything_is_sound() {
    assert_eq!(complaints(FILE), [""; 0]);
    assert_eq!(calendar(FILE).entries.len(), 8);
}

fn never_panics(bytes: &[u8]) {
    match read(bytes) {
        Ok(read) => {
            let calendar =
                Calendar { name: "t".into(), effect: Effect::Open, entries: read.entries };
            let zone = TimeZone::get("Pacific/Apia").unwrap();
            let at = |text: &str| text.parse::<Timestamp>().unwrap();
            let [from, cut, to] = ["2011-12-20T00Z", "2012-06-01T10Z", "2032-01-01T00Z"].map(at);
            let whole = calendar.spans(&zone, from, to);
            let mut joined = calendar.spans(&zone, from, cut);
            for span in calendar.spans(&zone, cut, to) {
                match joined.last_mut().filter(|last| last.closes == span.opens) {
                    Some(last) => last.closes = span.closes,
                    None => joined.push(span),
                }
            }
            assert_eq!(joined, whole);
            drop((calendar.ends(&zone), read.doubts.into_list()));
        }
        Err(complaints) => {
            assert!(!complaints.is_empty() && complaints.len() <= COMPLAINTS_MAX);
            for complaint in complaints {
                let words = complaint.fault.to_string() + &complaint.fault.help();
                assert!(words.len() < 1_000, "{words}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_changed_file_never_panics(
        changes in prop::collection::vec((0..FILE.len(), 0..12usize, 0..PIECES.len()), 1..5)
    ) {
        let mut bytes = FILE.as_bytes().to_vec();
        for (start, length, piece) in changes {
            let start = start.min(bytes.len());
            let end = (start + length).min(bytes.len());
            bytes.splice(start..end, PIECES[piece].bytes());
        }
        never_panics(&bytes);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        never_panics(&bytes);
    }

    #[test]
    fn arbitrary_values_never_panic(
        name in prop::sample::select(vec!["DTSTART", "DTEND", "DURATION", "RRULE", "EXDATE", "RDATE", "RECURRENCE-ID"]),
        value in "[-+0-9A-Z,;:=/]{0,40}"
    ) {
        never_panics(event(&format!("DTSTART:20260101\n{name}:{value}")).as_bytes());
    }

    #[test]
    fn arbitrary_rules_of_good_parts_never_panic(
        parts in prop::collection::vec(0..PIECES.len(), 1..5), frequency in 0..4usize
    ) {
        let frequency = ["YEARLY", "MONTHLY", "WEEKLY", "DAILY"][frequency];
        let parts: Vec<&str> = parts.iter().map(|part| PIECES[*part]).filter(|part| part.contains("=")).collect();
        let rule = format!("FREQ={frequency};{}", parts.join(";"));
        never_panics(event(&format!("DTSTART:20260101\nRRULE:{rule}")).as_bytes());
    }
}

#[test]
fn large_files_of_nonsense_never_panic() {
    for text in [
        "A".repeat(1 << 20),
        "BEGIN:VCALENDAR\n".repeat(1 << 16),
        "BEGIN:VCALENDAR\n END".repeat(1 << 15),
        "\n".repeat(1 << 20),
        "\n ".repeat(1 << 19),
        file(&"BEGIN:VEVENT\nEND:VEVENT\n".repeat(40_000)),
        event(&"DTSTART:20260101\n".repeat(60_000)),
        event(&format!("DTSTART:20260101\nEXDATE:{}", vec!["20260101"; 100_000].join(","))),
        event(&format!("DTSTART:20260101\nRDATE:{}", vec!["20260101"; 100_000].join(","))),
        event(&format!(
            "DTSTART:20260101\nRRULE:FREQ=YEARLY;BYMONTHDAY={}",
            vec!["1"; 300_000].join(",")
        )),
        event(&format!("DTSTART:20260101\nRRULE:{}", "FREQ=YEARLY;".repeat(80_000))),
        event(&format!("DTSTART{}:20260101", ";A=\"b\"".repeat(100_000))),
        event(&format!("DTSTART;TZID={}:20260101T000000", "/".repeat(500_000))),
        event(
            "DTSTART:20260101T000000\nDURATION:PT1S\nRRULE:FREQ=DAILY;BYSECOND=0,1,2,3,4,5,6,7,8,9;BYMINUTE=0,1,2,3,4,5;BYHOUR=0,1,2,3,4,5",
        ),
        event("DTSTART:20260101\nRRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"),
        event("DTSTART:20260101\nRRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"),
    ] {
        never_panics(text.as_bytes());
    }
}
