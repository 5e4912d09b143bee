//! How a value becomes bytes, and comes back from them: members one after another, numbers with as
//! many bytes as they need, texts and lists with their length before them.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::sandbox::world::nouns::{LaunchProfileId, SessionId, StudioId};

/// What can be kept.
pub(in crate::sandbox) trait Stored: Sized {
    fn put(&self, out: &mut Vec<u8>);

    /// Takes a value off the front.
    fn take(bytes: &mut &[u8]) -> Result<Self, &'static str>;
}

/// The bytes of a value.
pub(in crate::sandbox) fn encoded<T: Stored>(value: &T) -> Vec<u8> {
    let mut out = Vec::new();
    value.put(&mut out);
    out
}

/// The value of these bytes, which are there for it alone.
pub(in crate::sandbox) fn decoded<T: Stored>(mut bytes: &[u8]) -> Result<T, &'static str> {
    let value = T::take(&mut bytes)?;
    if bytes.is_empty() { Ok(value) } else { Err("it goes on after its end") }
}

const CUT: &str = "it ends too early";

impl Stored for u8 {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(*self);
    }

    fn take(bytes: &mut &[u8]) -> Result<Self, &'static str> {
        let (first, rest) = bytes.split_first().ok_or(CUT)?;
        *bytes = rest;
        Ok(*first)
    }
}

impl Stored for bool {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }

    fn take(bytes: &mut &[u8]) -> Result<Self, &'static str> {
        match u8::take(bytes)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err("neither yes nor no"),
        }
    }
}

impl Stored for u64 {
    /// Seven bits a byte, the lowest first.
    fn put(&self, out: &mut Vec<u8>) {
        let mut rest = *self;
        while let Some(byte @ 0x80..) = Some(rest) {
            out.push((byte & 0x7f) as u8 | 0x80);
            rest >>= 7;
        }
        out.push(rest as u8);
    }

    fn take(bytes: &mut &[u8]) -> Result<Self, &'static str> {
        let mut number = 0;
        for shift in (0..70).step_by(7) {
            let byte = u8::take(bytes)?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err("a number that is too long")
    }
}

macro_rules! small_numbers {
    ($($type:ty),+) => {
        $(impl Stored for $type {
            fn put(&self, out: &mut Vec<u8>) {
                (*self as u64).put(out);
            }

            fn take(bytes: &mut &[u8]) -> Result<Self, &'static str> {
                Self::try_from(u64::take(bytes)?).map_err(|_| "a number that is too large")
            }
        })+
    };
}

small_numbers!(u32, usize);

impl Stored for i64 {
    /// Small numbers are short, whatever their sign.
    fn put(&self, out: &mut Vec<u8>) {
        (((*self << 1) ^ (*self >> 63)) as u64).put(out);
    }

    fn take(bytes: &mut &[u8]) -> Result<Self, &'static str> {
        let number = u64::take(bytes)?;
        Ok((number >> 1) as i64 ^ -((number & 1) as i64))
    }
}

impl Stored for i32 {
    fn put(&self, out: &mut Vec<u8>) {
        i64::from(*self).put(out);
    }

    fn take(bytes: &mut &[u8]) -> Result<Self, &'static str> {
        Self::try_from(i64::take(bytes)?).map_err(|_| "a number that is too large")
    }
}

impl Stored for f64 {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_bits().to_le_bytes());
    }

    fn take(bytes: &mut &[u8]) -> Result<Self, &'static str> {
        let (first, rest) = bytes.split_first_chunk().ok_or(CUT)?;
        *bytes = rest;
        Ok(Self::from_bits(u64::from_le_bytes(*first)))
    }
}

impl Stored for String {
    fn put(&self, out: &mut Vec<u8>) {
        put_text(self, out);
    }

    fn take(bytes: &mut &[u8]) -> Result<Self, &'static str> {
        take_text(bytes).map(str::to_owned)
    }
}

pub(super) fn put_text(text: &str, out: &mut Vec<u8>) {
    text.len().put(out);
    out.extend_from_slice(text.as_bytes());
}

pub(super) fn take_text<'a>(bytes: &mut &'a [u8]) -> Result<&'a str, &'static str> {
    let length = usize::take(bytes)?;
    let (text, rest) = bytes.split_at_checked(length).ok_or(CUT)?;
    *bytes = rest;
    std::str::from_utf8(text).map_err(|_| "a text that is not UTF-8")
}

macro_rules! text_ids {
    ($($type:ty),+) => {
        $(impl Stored for $type {
            fn put(&self, out: &mut Vec<u8>) {
                put_text(self.as_str(), out);
            }

            fn take(bytes: &mut &[u8]) -> Result<Self, &'static str> {
                take_text(bytes).map(Self::from)
            }
        })+
    };
}

text_ids!(StudioId, LaunchProfileId, SessionId);

impl Stored for Timestamp {
    fn put(&self, out: &mut Vec<u8>) {
        self.as_second().put(out);
        self.subsec_nanosecond().put(out);
    }

    fn take(bytes: &mut &[u8]) -> Result<Self, &'static str> {
        let (second, nanosecond) = Stored::take(bytes)?;
        Self::new(second, nanosecond).map_err(|_| "an instant that is none")
    }
}

impl Stored for SignedDuration {
    fn put(&self, out: &mut Vec<u8>) {
        self.as_secs().put(out);
        self.subsec_nanos().put(out);
    }

    fn take(bytes: &mut &[u8]) -> Result<Self, &'static str> {
        let (seconds, nanoseconds): (i64, i32) = Stored::take(bytes)?;
        if nanoseconds.unsigned_abs() >= 1_000_000_000 {
            return Err("a duration that is none");
        }
        Ok(Self::new(seconds, nanoseconds))
    }
}

impl<T: Stored> Stored for Option<T> {
    fn put(&self, out: &mut Vec<u8>) {
        self.is_some().put(out);
        if let Some(value) = self {
            value.put(out);
        }
    }

    fn take(bytes: &mut &[u8]) -> Result<Self, &'static str> {
        if bool::take(bytes)? { T::take(bytes).map(Some) } else { Ok(None) }
    }
}

impl<T: Stored> Stored for Box<T> {
    fn put(&self, out: &mut Vec<u8>) {
        T::put(self, out);
    }

    fn take(bytes: &mut &[u8]) -> Result<Self, &'static str> {
        T::take(bytes).map(Self::new)
    }
}

impl<T: Stored> Stored for Vec<T> {
    fn put(&self, out: &mut Vec<u8>) {
        self.len().put(out);
        self.iter().for_each(|item| item.put(out));
    }

    fn take(bytes: &mut &[u8]) -> Result<Self, &'static str> {
        // Room is made as items come: a length that is wrong costs nothing.
        (0..usize::take(bytes)?).map(|_| T::take(bytes)).collect()
    }
}

impl<K: Stored + Ord, V: Stored> Stored for BTreeMap<K, V> {
    fn put(&self, out: &mut Vec<u8>) {
        self.len().put(out);
        for (key, value) in self {
            key.put(out);
            value.put(out);
        }
    }

    fn take(bytes: &mut &[u8]) -> Result<Self, &'static str> {
        (0..usize::take(bytes)?).map(|_| Stored::take(bytes)).collect()
    }
}

impl<A: Stored, B: Stored> Stored for (A, B) {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
        self.1.put(out);
    }

    fn take(bytes: &mut &[u8]) -> Result<Self, &'static str> {
        Ok((A::take(bytes)?, B::take(bytes)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check<T: Stored + PartialEq + std::fmt::Debug>(value: T, length: usize) {
        let bytes = encoded(&value);
        assert_eq!(bytes.len(), length, "{value:?}");
        for cut in 0..bytes.len() {
            assert!(decoded::<T>(&bytes[..cut]).is_err(), "{value:?} cut to {cut}");
        }
        assert!(decoded::<T>(&[&bytes[..], &[0]].concat()).is_err(), "{value:?} and more");
        assert_eq!(decoded::<T>(&bytes), Ok(value));
    }

    #[test]
    fn values_come_back_as_they_were_and_cut_ones_do_not() {
        check(0_u64, 1);
        check(127_u64, 1);
        check(128_u64, 2);
        check(u64::MAX, 10);
        check(-1_i64, 1);
        check(i64::MIN, 10);
        check(i64::MAX, 10);
        check(u32::MAX, 5);
        check(0.1_f64, 8);
        check(true, 1);
        check("studio".to_owned(), 7);
        check(Some("é".to_owned()), 4);
        check(None::<String>, 1);
        check(vec![1_u64, 2, 300], 5);
        check(BTreeMap::from([("a".to_owned(), 1_u64), ("b".to_owned(), 2)]), 7);
        check(Timestamp::MIN, 7);
        check("2026-11-20T20:00:00.25Z".parse::<Timestamp>().unwrap(), 10);
        check(SignedDuration::new(-5, -1), 2);
        check(SignedDuration::MAX, 15);
    }

    #[test]
    fn what_no_value_has_is_refused() {
        assert!(decoded::<u64>(&[0xff; 10]).is_err());
        assert!(decoded::<u64>(&[0x80; 11]).is_err());
        assert!(decoded::<u32>(&encoded(&u64::MAX)).is_err());
        assert!(decoded::<bool>(&[2]).is_err());
        assert!(decoded::<String>(&[1, 0xff]).is_err());
        assert!(decoded::<String>(&encoded(&usize::MAX)).is_err());
        assert!(decoded::<Vec<u64>>(&encoded(&usize::MAX)).is_err());
        assert!(decoded::<Timestamp>(&encoded(&(i64::MAX, 0))).is_err());
        assert!(decoded::<SignedDuration>(&encoded(&(0_i64, i32::MAX))).is_err());
    }
}
