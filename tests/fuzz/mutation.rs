//! Mutations of samples: what a coverage-guided fuzzer does to its corpus, without the guidance.

use lightsout::audit::chain::Chain;
use lightsout::audit::record::{Data, Kind, Record, SeenData};
use lightsout::simulate::Chance;

/// The longest input; more of the same finds nothing more.
const LENGTH_MAX: usize = 64 * 1024;

/// Pieces that matter to one reader or another.
const PIECES: &[&[u8]] = &[
    b"",
    b"\"",
    b"'",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b"=",
    b",",
    b":",
    b"-",
    b"/",
    b"*",
    b"|",
    b"#",
    b"\n",
    b"\r\n",
    b"\0",
    b"\xff",
    b"\xf0\x9f",
    b"0",
    b"9",
    b"24:00",
    b"99:99",
    b"-1",
    b"1e999",
    b"99999999999999999999",
    b"9999-12-31",
    b"0000-01-01",
    b"02-29",
    b"..",
    b"null",
    b"true",
    b"off",
    b"Sat-Sun",
    b"Fri-Mon",
    b"L",
    b"W",
    b"5#5",
    b"*/0",
    b"1-0",
    b"\xef\xbb\xbf",
    b"+99:99",
    b"Z",
];

/// The sample, changed in a few places.
pub(crate) fn mutated(chance: &mut Chance, sample: &[u8], samples: &[&[u8]]) -> Vec<u8> {
    let mut bytes = sample.to_vec();
    for _ in 0..=chance.below(6) {
        mutate(chance, &mut bytes, samples);
        bytes.truncate(LENGTH_MAX);
    }
    bytes
}

fn mutate(chance: &mut Chance, bytes: &mut Vec<u8>, samples: &[&[u8]]) {
    let (from, to) = span(chance, bytes.len());
    match chance.below(8) {
        0 => drop(bytes.drain(from..to)),
        1 => {
            let copied = bytes[from..to].to_vec();
            let times = chance.below(40);
            let copied = copied.repeat(times);
            bytes.splice(from..from, copied);
        }
        2 => {
            if let Some(byte) = bytes.get_mut(from) {
                *byte ^= 1 << chance.below(8);
            }
        }
        3 => bytes.truncate(from),
        4 => {
            let other = samples[chance.below(samples.len())];
            let (from_other, to_other) = span(chance, other.len());
            bytes.splice(from..to, other[from_other..to_other].iter().copied());
        }
        5 => bytes[from..to].reverse(),
        _ => {
            let piece = PIECES[chance.below(PIECES.len())];
            let to = if chance.once_in(2) { from } else { to };
            bytes.splice(from..to, piece.iter().copied());
        }
    }
}

/// A part of something that long; mostly a short one.
fn span(chance: &mut Chance, length: usize) -> (usize, usize) {
    let from = chance.below(length + 1);
    let longest = if chance.once_in(8) { length - from } else { (length - from).min(12) };
    (from, from + chance.below(longest + 1))
}

/// A log with something of many kinds.
pub(crate) fn log() -> Vec<u8> {
    let mut chain = Chain::EMPTY;
    let mut bytes = Vec::new();
    for (number, kind) in Kind::ALL.iter().enumerate() {
        let time = jiff::Timestamp::from_second(1_800_000_000 + number as i64).unwrap();
        let data = Data {
            studio: Some("us-west-2:stid-EXAMPLE11111".to_owned()),
            session: Some(format!("s-{}", number % 5)),
            mode: Some("enforce".to_owned()),
            due: Some(time),
            leads: Some(vec![900, 300]),
            stopped_at: Some(time),
            attempt: Some(1),
            client_token: Some(format!("token-{}", number % 3)),
            seen: Some(SeenData { started_at: Some(time), ..SeenData::default() }),
            ..Data::default()
        };
        let record = Record { time, kind: kind.clone(), subject: "a/b".to_owned(), data };
        chain.push(&record, &mut bytes).unwrap();
    }
    bytes
}
