//! Harmless calls by which a connection is examined: who answers, what may be read, what time it is there.
//!
//! Only what reads is called. What changes something is never tried, be it on a session that cannot exist: a call
//! is announced in the log before it is made, and an endpoint that is not the service itself may do with it
//! what it likes.

use std::collections::BTreeSet;

use futures_util::TryFutureExt;
use jiff::SignedDuration;

use super::calls::Call;
use super::errors::{garbled, provider_error};
use super::observe::listed;
use super::{NimbleStudio, translate};
use crate::ids::AccountId;
use crate::inventory::Problem;
use crate::provider::ProviderError;

/// What is asked for where a list had nothing in it. Who may ask is told that there is no such thing.
const NOBODY: &str = "lightsout-doctor-0";

/// What was found out.
#[derive(Debug)]
pub struct Examined {
    /// Each call, and what came of it.
    pub calls: Vec<(Call, Tried)>,
    /// Whose it is, by the names of all things that came back.
    pub accounts: BTreeSet<AccountId>,
    /// By how much our clock is ahead of the service's, to the second.
    pub ahead: Option<SignedDuration>,
    /// How long the first answer took.
    pub took: SignedDuration,
}

/// What came of a call.
#[derive(Debug)]
pub enum Tried {
    /// It is permitted.
    Permitted,
    /// It is not.
    Denied(ProviderError),
    /// Nobody can tell.
    Unclear(ProviderError),
}

impl Tried {
    fn of<T>(call: Call, answer: Result<T, ProviderError>) -> Self {
        let is_of_one = [Call::GetLaunchProfile, Call::GetStreamingSession, Call::GetStudioMember]
            .contains(&call);
        match answer {
            Ok(_) => Self::Permitted,
            // There is nothing of that name, which only those are told who may ask.
            Err(error) if error.problem == Problem::Gone && is_of_one => Self::Permitted,
            Err(error) if error.problem == Problem::Denied => Self::Denied(error),
            Err(error) => Self::Unclear(error),
        }
    }
}

impl NimbleStudio {
    /// Makes each call that reads, once.
    pub async fn examine(&self) -> Examined {
        let began = self.clock.monotonic();
        let studio = self.acting(|client| {
            let call = client.get_studio().studio_id(self.id.as_str());
            call.send().map_err(|error| provider_error(Call::GetStudio, &error))
        });
        let studio = studio.await;
        let took = self.clock.monotonic() - began;
        let ahead = self.shared.clocks.ahead();
        let studio = studio.and_then(|output| there(Call::GetStudio, "studio", output.studio));
        let studio = studio.map(|studio| studio.arn);
        let mut found = Found::default();
        let studio = found.note(Call::GetStudio, studio.map(|arn| arn.into_iter().collect()));
        // Where nobody answers, nobody is asked seven times.
        if !matches!(studio, Some(Problem::Denied) | None) {
            return found.examined(ahead, took);
        }
        self.examine_lists(&mut found).await;
        self.examine_single(&mut found).await;
        found.examined(ahead, took)
    }

    async fn examine_lists(&self, found: &mut Found) {
        let studio = self.id.as_str();
        let sent = self.acting(|client| {
            let call = client.list_launch_profiles().studio_id(studio).max_results(1);
            call.send().map_err(|error| provider_error(Call::ListLaunchProfiles, &error))
        });
        let profiles = sent.await.and_then(|output| {
            listed(Call::ListLaunchProfiles, "launchProfiles", output.launch_profiles)
        });
        let arns = profiles.map(|mut profiles| {
            found.profile =
                profiles.first_mut().and_then(|profile| profile.launch_profile_id.take());
            profiles.into_iter().filter_map(|profile| profile.arn).collect()
        });
        found.note(Call::ListLaunchProfiles, arns);
        let sent = self.acting(|client| {
            let call = client.list_streaming_sessions().studio_id(studio);
            call.send().map_err(|error| provider_error(Call::ListStreamingSessions, &error))
        });
        let sessions = sent
            .await
            .and_then(|output| listed(Call::ListStreamingSessions, "sessions", output.sessions));
        let arns = sessions.map(|mut sessions| {
            found.session = sessions.first_mut().and_then(|session| session.session_id.take());
            sessions.into_iter().filter_map(|session| session.arn).collect()
        });
        found.note(Call::ListStreamingSessions, arns);
        if self.asks_roles {
            let sent = self.acting(|client| {
                let call = client.list_studio_members().studio_id(studio).max_results(1);
                call.send().map_err(|error| provider_error(Call::ListStudioMembers, &error))
            });
            let members = sent
                .await
                .and_then(|output| listed(Call::ListStudioMembers, "members", output.members));
            found.note(Call::ListStudioMembers, members.map(|_| Vec::new()));
        }
    }

    /// Calls about one thing: the first of its list.
    async fn examine_single(&self, found: &mut Found) {
        let studio = self.id.as_str();
        let profile = found.profile.clone().unwrap_or_else(|| NOBODY.to_owned());
        let session = found.session.clone().unwrap_or_else(|| NOBODY.to_owned());
        let sent = self.acting(|client| {
            let call = client.get_launch_profile().studio_id(studio).launch_profile_id(&profile);
            call.send().map_err(|error| provider_error(Call::GetLaunchProfile, &error))
        });
        let profile = sent.await.and_then(|output| {
            there(Call::GetLaunchProfile, "launchProfile", output.launch_profile)
        });
        found.note(Call::GetLaunchProfile, profile.map(|_| Vec::new()));
        let sent = self.acting(|client| {
            let call = client.get_streaming_session().studio_id(studio).session_id(&session);
            call.send().map_err(|error| provider_error(Call::GetStreamingSession, &error))
        });
        let session = sent
            .await
            .and_then(|output| there(Call::GetStreamingSession, "session", output.session));
        found.note(Call::GetStreamingSession, session.map(|_| Vec::new()));
        if self.asks_roles {
            let sent = self.acting(|client| {
                let call = client.get_studio_member().studio_id(studio).principal_id(NOBODY);
                call.send().map_err(|error| provider_error(Call::GetStudioMember, &error))
            });
            let member =
                sent.await.and_then(|output| there(Call::GetStudioMember, "member", output.member));
            found.note(Call::GetStudioMember, member.map(|_| Vec::new()));
        }
    }
}

/// What an answer is about; one that is not about anything is somebody else's.
fn there<T>(call: Call, member: &str, item: Option<T>) -> Result<T, ProviderError> {
    item.ok_or_else(|| garbled(call, &format!("there is no {member} in it")))
}

/// What has been found out so far.
#[derive(Debug, Default)]
struct Found {
    calls: Vec<(Call, Tried)>,
    accounts: BTreeSet<AccountId>,
    /// A launch profile and a session that are there.
    profile: Option<String>,
    session: Option<String>,
}

impl Found {
    /// Notes what came of a call, with the names of what it answered; answers with what went wrong.
    fn note(&mut self, call: Call, arns: Result<Vec<String>, ProviderError>) -> Option<Problem> {
        let problem = arns.as_ref().err().map(|error| error.problem);
        let accounts = arns.iter().flatten().filter_map(|arn| translate::account(arn));
        self.accounts.extend(accounts);
        self.calls.push((call, Tried::of(call, arns)));
        problem
    }

    fn examined(self, ahead: Option<SignedDuration>, took: SignedDuration) -> Examined {
        let Self { calls, accounts, .. } = self;
        Examined { calls, accounts, ahead, took }
    }
}
