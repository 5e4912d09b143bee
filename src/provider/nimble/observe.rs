//! One reading of a whole studio: two lists side by side, joined page by page, and where a rule asks for
//! it a third one of the members.
//!
//! The service's own types are several times as large as ours, so that no more than a page of them
//! is kept: the first page of sessions waits for the launch profiles, and is translated with them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use aws_sdk_nimble::Client;
use aws_sdk_nimble::types::{LaunchProfile, StreamingSession};
use futures_util::TryFutureExt;
use jiff::Timestamp;
use tokio::sync::OnceCell;

use super::calls::Call;
use super::errors::provider_error;
use super::members::Roles;
use super::pages::{Listing, Page, read_pages};
use super::stopping::stopping_of_new;
use super::translate::{self, Profile};
use super::{NimbleStudio, errors};
use crate::ids::{AccountId, LaunchProfileId};
use crate::inventory::{self, Gap, Problem, Session, Snapshot, Wanted, clocks_apart};
use crate::provider::ProviderError;

/// The largest page of launch profiles that may be asked for. The list of sessions takes no size.
const PROFILES_PER_PAGE: i32 = 100;

const LIST_PROFILES: Call = Call::ListLaunchProfiles;
const LIST_SESSIONS: Call = Call::ListStreamingSessions;

impl NimbleStudio {
    /// Reads every session and every launch profile.
    pub(super) async fn read_studio(&self) -> Snapshot {
        let (began, began_by_time) = (self.clock.now(), self.clock.monotonic());
        let profiles = OnceCell::new();
        let (profiles, sessions, roles) = futures_util::join!(
            self.read_profiles(&profiles),
            self.list_sessions(&profiles),
            self.list_roles()
        );
        let mut snapshot = snapshot(began, profiles, &roles, sessions);
        // A studio with a gap is held whatever its account is.
        if snapshot.accounts.is_empty() && snapshot.gaps.is_empty() {
            match self.studio_account().await {
                Ok(account) => snapshot.accounts.extend(account),
                Err(error) => snapshot.gaps.extend(self.studio_gap(error)),
            }
        }
        // A rescue passes it, and needs the account.
        let clock_ahead = self.shared.clocks.ahead_since(began_by_time);
        snapshot.gaps.extend(clock_ahead.and_then(clocks_apart));
        Snapshot { clock_ahead, ..snapshot }
    }

    /// The launch profiles, listed by whoever asks first.
    async fn read_profiles<'a>(&self, profiles: &'a OnceCell<Profiles>) -> &'a Profiles {
        profiles.get_or_init(|| self.list_profiles()).await
    }

    async fn list_profiles(&self) -> Profiles {
        let page = |client: Client, token: Option<String>| {
            let call = client
                .list_launch_profiles()
                .studio_id(self.id.as_str())
                .max_results(PROFILES_PER_PAGE)
                .set_next_token(token);
            let answer = call.send().map_err(|error| provider_error(LIST_PROFILES, &error));
            self.shared.measured(LIST_PROFILES, answer)
        };
        let listing = read_pages(Wanted::LaunchProfiles, &*self.clock, |token| async move {
            let output = self.reading(|client| page(client, token.clone())).await?;
            let items = listed(LIST_PROFILES, "launchProfiles", output.launch_profiles)?;
            Ok(Page { items, next_token: output.next_token })
        });
        Profiles::from(listing.await)
    }

    /// Every session; `None` stands for one without an id.
    async fn list_sessions(&self, profiles: &OnceCell<Profiles>) -> Listing<Option<Session>> {
        let page = |client: Client, token: Option<String>| {
            let call =
                client.list_streaming_sessions().studio_id(self.id.as_str()).set_next_token(token);
            let answer = call.send().map_err(|error| provider_error(LIST_SESSIONS, &error));
            self.shared.measured(LIST_SESSIONS, answer)
        };
        read_pages(Wanted::Sessions, &*self.clock, |token| async move {
            let output = self.reading(|client| page(client, token.clone())).await?;
            let profiles = self.read_profiles(profiles).await;
            let rows = listed(LIST_SESSIONS, "sessions", output.sessions)?;
            let items = rows.into_iter().map(|row| profiles.join(row)).collect();
            Ok(Page { items, next_token: output.next_token })
        })
        .await
    }

    async fn studio_account(&self) -> Result<Option<AccountId>, ProviderError> {
        const OPERATION: Call = Call::GetStudio;
        let output = self.reading(|client| {
            let call = client.get_studio().studio_id(self.id.as_str());
            let answer = call.send().map_err(|error| provider_error(OPERATION, &error));
            self.shared.measured(OPERATION, answer)
        });
        let output = output.await?;
        let studio =
            output.studio.ok_or_else(|| errors::garbled(OPERATION, "there is no studio in it"))?;
        Ok(studio.arn.as_deref().and_then(translate::account))
    }

    /// Where no account is expected, not to know it is no gap.
    fn studio_gap(&self, error: ProviderError) -> Option<Gap> {
        self.account.as_ref()?;
        Some(Gap { wanted: Wanted::Studio, problem: error.problem, detail: error.detail })
    }
}

/// What a page lists. An answer that does not say so is no empty list: whoever answers in the service's
/// place may say `{}` too, though the service's model does not ask for more.
pub(super) fn listed<T>(
    call: Call,
    member: &str,
    items: Option<Vec<T>>,
) -> Result<Vec<T>, ProviderError> {
    items.ok_or_else(|| errors::garbled(call, &format!("there are no {member} in it")))
}

/// The launch profiles of a studio, as far as they were read.
#[derive(Debug)]
struct Profiles {
    by_id: HashMap<String, Profile>,
    accounts: BTreeSet<AccountId>,
    gap: Option<Gap>,
}

impl From<Listing<LaunchProfile>> for Profiles {
    fn from(listing: Listing<LaunchProfile>) -> Self {
        let arns = listing.items.iter().filter_map(|profile| profile.arn.as_deref());
        let accounts = arns.filter_map(translate::account).collect();
        let by_id = |mut profile: LaunchProfile| {
            Some((profile.launch_profile_id.take()?, translate::profile(profile)))
        };
        let by_id = listing.items.into_iter().filter_map(by_id).collect();
        Self { by_id, accounts, gap: listing.gap }
    }
}

impl Profiles {
    /// The profiles as the inventory knows them.
    fn seen(&self) -> BTreeMap<LaunchProfileId, inventory::LaunchProfile> {
        let seen = |(id, profile): (&String, &Profile)| {
            let (name, modes) = (profile.name.clone(), profile.modes.as_ref());
            let stopping = stopping_of_new(modes);
            (id.as_str().into(), inventory::LaunchProfile { name, stopping })
        };
        self.by_id.iter().map(seen).collect()
    }

    /// A session with what its launch profile says of it; `None` if it carries no id.
    fn join(&self, session: StreamingSession) -> Option<Session> {
        let profile = session.launch_profile_id.as_ref().and_then(|id| self.by_id.get(id));
        translate::session(session, profile)
    }
}

/// The sessions that were listed. Of one that is listed twice, as can happen when it moves between
/// pages, the later row counts: it was read later.
fn snapshot(
    began: Timestamp,
    profiles: &Profiles,
    roles: &Roles,
    listing: Listing<Option<Session>>,
) -> Snapshot {
    let gaps = listing.gap.into_iter().chain(profiles.gap.clone());
    let mut gaps: Vec<Gap> = gaps.chain(roles.gap().cloned()).collect();
    let mut accounts = profiles.accounts.clone();
    let mut sessions = BTreeMap::new();
    let mut nameless = 0_usize;
    for session in listing.items {
        let Some(session) = session else {
            nameless += 1;
            continue;
        };
        accounts.extend(session.arn.as_deref().and_then(translate::account));
        let studio_role = roles.of(session.owner.as_ref());
        sessions.insert(session.id.clone(), Arc::new(Session { studio_role, ..session }));
    }
    gaps.extend(nameless_gap(nameless));
    let accounts = accounts.into_iter().collect();
    let (sessions, profiles) = (sessions.into(), profiles.seen().into());
    Snapshot { began, sessions, profiles, gaps, accounts, clock_ahead: None }
}

/// A session without an id cannot be decided upon, so that not all sessions are.
fn nameless_gap(count: usize) -> Option<Gap> {
    (count > 0).then(|| Gap {
        wanted: Wanted::Sessions,
        problem: Problem::Garbled,
        detail: format!("{count} of the sessions carry no id"),
    })
}
