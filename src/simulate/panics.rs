//! Panics: the daemon lives through those of a loop, which are a mistake all the same.

use std::cell::Cell;
use std::panic;
use std::sync::Once;

thread_local! {
    static PANICS: Cell<u64> = const { Cell::new(0) };
}

/// From now on the panics of this thread, in which a story is played, are counted, and still shown.
pub(super) fn watch() {
    static WATCHED: Once = Once::new();
    WATCHED.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            PANICS.set(PANICS.get() + 1);
            before(info);
        }));
    });
    PANICS.set(0);
}

/// How many there were.
pub(super) fn taken() -> u64 {
    PANICS.take()
}
