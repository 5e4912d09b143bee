//! Maps and values that know what was touched of them, so that a change of one session stores one
//! session, and that tell whether they are still as they were.
//!
//! Nobody can reach into them without its being noted: they lend themselves for reading, and each way
//! to change something is a function here.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering};

/// Which of its states a map or a value is in: another one after every change, which none has in any other
/// world. What is empty and was never changed has the first.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Stamp(u64);

impl Stamp {
    fn next() -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        Self(LAST.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

impl fmt::Debug for Stamp {
    /// It says nothing of what it stamps: two worlds that are the same look the same.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("_")
    }
}

/// A map that knows which of its keys were touched since somebody asked. It notes nothing until it
/// is told to.
#[derive(Clone, Debug)]
pub(super) struct Tracked<K, V> {
    map: BTreeMap<K, V>,
    touched: Option<BTreeSet<K>>,
    stamp: Stamp,
}

impl<K, V> Default for Tracked<K, V> {
    fn default() -> Self {
        Self { map: BTreeMap::new(), touched: None, stamp: Stamp::default() }
    }
}

impl<K, V> Deref for Tracked<K, V> {
    type Target = BTreeMap<K, V>;

    fn deref(&self) -> &Self::Target {
        &self.map
    }
}

impl<K, V> Tracked<K, V> {
    /// Another one after every change.
    pub(super) fn stamp(&self) -> Stamp {
        self.stamp
    }
}

impl<K: Ord + Clone, V> Tracked<K, V> {
    /// Notes from now on what is touched; all that is there counts as touched.
    pub(super) fn track(&mut self) {
        self.touched = Some(self.map.keys().cloned().collect());
    }

    /// Notes from now on what is touched, and begins with nothing.
    pub(super) fn track_anew(&mut self) {
        self.touched = Some(BTreeSet::new());
    }

    /// What was touched, in order; what is not there any more was removed.
    pub(super) fn take_touched(&mut self) -> BTreeSet<K> {
        self.touched.as_mut().map(std::mem::take).unwrap_or_default()
    }

    pub(super) fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        if let (Some(touched), Some((key, _))) = (&mut self.touched, self.map.get_key_value(key)) {
            touched.insert(key.clone());
        }
        self.stamp = Stamp::next();
        self.map.get_mut(key)
    }

    /// The value of a key, which is made where there is none.
    pub(super) fn entry(&mut self, key: K, make: impl FnOnce() -> V) -> &mut V {
        self.note(&key);
        self.map.entry(key).or_insert_with(make)
    }

    pub(super) fn insert(&mut self, key: K, value: V) -> Option<V> {
        self.note(&key);
        self.map.insert(key, value)
    }

    pub(super) fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let (key, value) = self.map.remove_entry(key)?;
        self.note(&key);
        Some(value)
    }

    fn note(&mut self, key: &K) {
        self.stamp = Stamp::next();
        if let Some(touched) = &mut self.touched {
            touched.insert(key.clone());
        }
    }
}

/// A value that knows whether it was touched since somebody asked.
#[derive(Clone, Debug, Default)]
pub(super) struct Marked<T> {
    value: T,
    touched: bool,
    stamp: Stamp,
}

impl<T> Marked<T> {
    pub(super) fn new(value: T) -> Self {
        Self { value, touched: true, stamp: Stamp::next() }
    }

    /// The value, to be changed.
    pub(super) fn change(&mut self) -> &mut T {
        self.touched = true;
        self.stamp = Stamp::next();
        &mut self.value
    }

    /// Another one after every change.
    pub(super) fn stamp(&self) -> Stamp {
        self.stamp
    }

    pub(super) fn mark(&mut self, touched: bool) {
        self.touched = touched;
    }

    pub(super) fn take_touched(&mut self) -> bool {
        std::mem::take(&mut self.touched)
    }
}

impl<T> Deref for Marked<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}
