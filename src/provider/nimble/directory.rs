//! The studios that a connection can see.

use std::fmt;
use std::sync::Arc;

use aws_sdk_nimble::types::Studio;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, TryFutureExt};

use super::calls::Call;
use super::connect::{LazyClient, with_own_retries};
use super::errors::{one_line, provider_error};
use super::pages::{Page, read_pages};
use super::translate;
use crate::clock::Clock;
use crate::inventory::{Gap, Problem, Wanted};
use crate::provider::Directory;
use crate::provider::administer::FoundStudio;

/// The studios of one region, by the credentials of one connection.
pub struct NimbleDirectory {
    clock: Arc<dyn Clock>,
    shared: Arc<LazyClient>,
}

/// A connection may hold what must not reach any output.
impl fmt::Debug for NimbleDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NimbleDirectory").finish_non_exhaustive()
    }
}

impl Directory for NimbleDirectory {
    fn studios(&self) -> BoxFuture<'_, (Vec<FoundStudio>, Option<Gap>)> {
        self.list().boxed()
    }
}

impl NimbleDirectory {
    pub(super) fn new(clock: Arc<dyn Clock>, shared: Arc<LazyClient>) -> Self {
        Self { clock, shared }
    }

    async fn list(&self) -> (Vec<FoundStudio>, Option<Gap>) {
        let (_, client) = self.shared.get().await;
        let client = with_own_retries(&client);
        let page = |token: Option<String>| {
            let call = client.list_studios().set_next_token(token);
            call.send().map_err(|error| provider_error(Call::ListStudios, &error))
        };
        let listing = read_pages(Wanted::Studios, &*self.clock, |token| {
            page(token)
                .map_ok(|output| Page { items: output.studios, next_token: output.next_token })
        })
        .await;
        let count = listing.items.len();
        let found: Vec<FoundStudio> = listing.items.into_iter().filter_map(found).collect();
        let nameless = count - found.len();
        let gap = listing.gap.or_else(|| (nameless > 0).then(|| nameless_gap(nameless)));
        (found, gap)
    }
}

/// `None` for one without an id, which cannot be named.
fn found(studio: Studio) -> Option<FoundStudio> {
    let text = |text: Option<String>| text.filter(|text| !text.is_empty());
    Some(FoundStudio {
        id: text(studio.studio_id)?.into(),
        name: text(studio.studio_name),
        display_name: text(studio.display_name),
        account: studio.arn.as_deref().and_then(translate::account),
        region: text(studio.home_region).map(Into::into),
        state: studio.state.map(|state| one_line(state.as_str())),
    })
}

fn nameless_gap(count: usize) -> Gap {
    let detail = format!("{count} of the studios carry no id");
    Gap { wanted: Wanted::Studios, problem: Problem::Garbled, detail }
}
