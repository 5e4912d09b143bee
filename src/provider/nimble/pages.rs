//! Reading a list page by page, with a bound on everything: pages, items, repeats, emptiness, time.
//!
//! Pages may be short or empty, and only the absence of a token ends a list. What was read before
//! something went wrong is kept beside the problem: it may be looked at, though never acted upon.

use std::collections::HashSet;
use std::future::Future;

use jiff::SignedDuration;

use super::errors::one_line;
use crate::clock::Clock;
use crate::inventory::{Gap, Problem, Wanted};
use crate::provider::ProviderError;

/// The most pages of one list: 40,000 items at 20 a page, which is small for a page and large for a
/// studio.
pub(super) const PAGES_MAX: usize = 2000;

/// The most items of one list. A studio of a thousand artists has some thousands of sessions, old
/// ones included.
pub(super) const ITEMS_MAX: usize = 100_000;

/// The most pages in a row that may hold nothing: a service that filters late sends some.
pub(super) const EMPTY_PAGES_MAX: usize = 100;

/// The longest token, in bytes. It has to fit into a query, and [`PAGES_MAX`] of them into memory.
pub(super) const TOKEN_BYTES_MAX: usize = 16 * 1024;

/// How long reading one whole list may take.
pub(super) const LISTING_WAIT: SignedDuration = SignedDuration::from_secs(120);

/// One page of a list.
#[derive(Debug)]
pub(super) struct Page<T> {
    /// What it holds.
    pub(super) items: Vec<T>,
    /// What to ask for the next page with; absent from the last.
    pub(super) next_token: Option<String>,
}

/// A list as far as it was read.
#[derive(Debug)]
pub(super) struct Listing<T> {
    /// What was read.
    pub(super) items: Vec<T>,
    /// Why that is not all, if it is not.
    pub(super) gap: Option<Gap>,
}

/// Reads all pages. `fetch` asks for one page, the first without a token.
pub(super) async fn read_pages<T, Fetch, Answer>(
    wanted: Wanted,
    clock: &dyn Clock,
    fetch: Fetch,
) -> Listing<T>
where
    Fetch: FnMut(Option<String>) -> Answer,
    Answer: Future<Output = Result<Page<T>, ProviderError>>,
{
    let mut items = Vec::new();
    let problem = tokio::select! {
        biased;
        outcome = read_into(&mut items, fetch) => outcome.err(),
        () = clock.sleep(LISTING_WAIT) => {
            let seconds = LISTING_WAIT.as_secs();
            Some((Problem::TimedOut, format!("the list was not read within {seconds} s")))
        }
    };
    let gap = problem.map(|(problem, detail)| Gap { wanted, problem, detail: one_line(&detail) });
    Listing { items, gap }
}

async fn read_into<T, Fetch, Answer>(
    items: &mut Vec<T>,
    mut fetch: Fetch,
) -> Result<(), (Problem, String)>
where
    Fetch: FnMut(Option<String>) -> Answer,
    Answer: Future<Output = Result<Page<T>, ProviderError>>,
{
    let mut bounds = Bounds::default();
    let mut token = None;
    loop {
        let page = fetch(token).await.map_err(|error| (error.problem, error.detail))?;
        let count = page.items.len();
        items.extend(page.items);
        let Some(next) = page.next_token else { return Ok(()) };
        bounds.check(count, &next)?;
        token = Some(next);
    }
}

/// What has been seen of one list.
#[derive(Debug, Default)]
struct Bounds {
    tokens: HashSet<String>,
    items: usize,
    empty_pages: usize,
}

impl Bounds {
    /// Checks that the list may go on after a page of `count` items, which is not the last.
    fn check(&mut self, count: usize, next: &str) -> Result<(), (Problem, String)> {
        let endless = |detail: String| Err((Problem::EndlessPages, detail));
        self.items += count;
        self.empty_pages = if count == 0 { self.empty_pages + 1 } else { 0 };
        if next.is_empty() || next.len() > TOKEN_BYTES_MAX {
            return Err((Problem::Garbled, format!("nextToken has {} bytes", next.len())));
        }
        if self.items >= ITEMS_MAX {
            return endless(format!("there are more than {ITEMS_MAX} items"));
        }
        if self.empty_pages > EMPTY_PAGES_MAX {
            return endless(format!("more than {EMPTY_PAGES_MAX} pages in a row are empty"));
        }
        if !self.tokens.insert(next.to_owned()) {
            return endless("nextToken came a second time".to_owned());
        }
        if self.tokens.len() >= PAGES_MAX {
            return endless(format!("there are more than {PAGES_MAX} pages"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use jiff::Timestamp;

    use super::*;
    use crate::clock::SimulatedClock;

    /// Lists pages that `page` makes from their number, and counts them.
    fn check(page: impl Fn(usize) -> Page<usize>) -> (Listing<usize>, usize) {
        let asked = Arc::new(AtomicUsize::new(0));
        let clock = SimulatedClock::new(Timestamp::UNIX_EPOCH);
        let fetch = |_token| {
            let number = asked.fetch_add(1, Ordering::Relaxed);
            std::future::ready(Ok(page(number)))
        };
        let listing = futures_executor(read_pages(Wanted::Sessions, &clock, fetch));
        (listing, asked.load(Ordering::Relaxed))
    }

    fn futures_executor<F: Future>(future: F) -> F::Output {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    fn problem(listing: &Listing<usize>) -> Option<Problem> {
        listing.gap.as_ref().map(|gap| gap.problem)
    }

    fn token(number: usize) -> Option<String> {
        Some(format!("t{number}"))
    }

    #[test]
    fn empty_and_short_pages_do_not_end_a_list() {
        let (listing, asked) = check(|number| Page {
            items: if number % 3 == 0 { vec![number] } else { vec![] },
            next_token: if number < 9 { token(number) } else { None },
        });
        assert_eq!((listing.items, listing.gap, asked), (vec![0, 3, 6, 9], None, 10));
    }

    #[test]
    fn a_token_that_repeats_ends_the_list_with_a_gap() {
        let (listing, asked) =
            check(|number| Page { items: vec![number], next_token: token(number % 2) });
        assert_eq!((problem(&listing), asked), (Some(Problem::EndlessPages), 3));
        // What was read by then stays.
        assert_eq!(listing.items, [0, 1, 2]);
    }

    #[test]
    fn pages_without_end_are_bounded() {
        let (listing, asked) =
            check(|number| Page { items: vec![number], next_token: token(number) });
        assert_eq!((problem(&listing), asked), (Some(Problem::EndlessPages), PAGES_MAX));
    }

    #[test]
    fn exactly_as_many_pages_as_the_bound_are_read() {
        let (listing, asked) = check(|number| Page {
            items: vec![number],
            next_token: if number + 1 < PAGES_MAX { token(number) } else { None },
        });
        assert_eq!((listing.gap, asked), (None, PAGES_MAX));
    }

    #[test]
    fn empty_pages_without_end_are_bounded() {
        let (listing, asked) = check(|number| Page { items: vec![], next_token: token(number) });
        assert_eq!((problem(&listing), asked), (Some(Problem::EndlessPages), EMPTY_PAGES_MAX + 1));
    }

    #[test]
    fn more_items_than_the_bound_are_a_gap() {
        let (listing, asked) =
            check(|number| Page { items: vec![0; ITEMS_MAX / 2], next_token: token(number) });
        assert_eq!((problem(&listing), asked), (Some(Problem::EndlessPages), 2));
    }

    #[test]
    fn a_token_that_is_empty_or_huge_is_a_gap() {
        for text in [String::new(), "x".repeat(TOKEN_BYTES_MAX + 1)] {
            let (listing, asked) =
                check(|_| Page { items: vec![1], next_token: Some(text.clone()) });
            assert_eq!((problem(&listing), asked), (Some(Problem::Garbled), 1));
        }
    }

    #[test]
    fn a_list_that_takes_too_long_is_a_gap() {
        let clock = SimulatedClock::new(Timestamp::UNIX_EPOCH);
        let listing = futures_executor(async {
            let mut first = true;
            let fetch = |_token| {
                let is_first = std::mem::take(&mut first);
                async move {
                    if !is_first {
                        std::future::pending::<()>().await;
                    }
                    Ok(Page { items: vec![7], next_token: token(0) })
                }
            };
            let end = clock.now() + SignedDuration::from_hours(1);
            let reading = read_pages(Wanted::LaunchProfiles, &clock, fetch);
            futures_util::join!(reading, clock.drive(end)).0
        });
        assert_eq!(listing.items, [7]);
        assert_eq!(
            listing.gap,
            Some(Gap {
                wanted: Wanted::LaunchProfiles,
                problem: Problem::TimedOut,
                detail: "the list was not read within 120 s".to_owned(),
            })
        );
    }
}
