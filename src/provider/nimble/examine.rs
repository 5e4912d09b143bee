//! Harmless calls by which a connection is examined: who answers, what is permitted, what time it is there.
//!
//! What changes something is asked of a session that cannot exist. The service judges permission first: who has
//! none is told so, and who has it is told that there is no such session.

use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_nimble::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_nimble::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_nimble::error::BoxError;
use aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint;
use futures_util::TryFutureExt;
use jiff::{SignedDuration, Timestamp};

use super::calls::Call;
use super::errors::{garbled, provider_error};
use super::iam::STOPPED;
use super::{NimbleStudio, translate};
use crate::ids::AccountId;
use crate::inventory::Problem;
use crate::provider::ProviderError;

/// A session that cannot exist: the ids of the service are made of other characters.
const NOBODY: &str = "lightsout-doctor-asks-0";

/// What was found out.
#[derive(Debug)]
pub struct Examined {
    /// Each call, and what came of it.
    pub calls: Vec<(Call, Tried)>,
    /// Whose studio it is, as it says itself.
    pub account: Option<AccountId>,
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
    fn of<T>(answer: Result<T, ProviderError>) -> Self {
        match answer {
            Ok(_) => Self::Permitted,
            // There is nothing of that name, which only those are told who may ask.
            Err(error) if error.problem == Problem::Gone => Self::Permitted,
            Err(error) if error.problem == Problem::Denied => Self::Denied(error),
            Err(error) => Self::Unclear(error),
        }
    }

    /// What was to be refused, since there is nothing that it could be done to.
    fn of_nobody<T>(call: Call, answer: Result<T, ProviderError>) -> Self {
        match answer {
            Ok(_) => Self::Unclear(garbled(call, "it was done to a session that cannot exist")),
            answer => Self::of(answer),
        }
    }
}

impl NimbleStudio {
    /// Makes each call that reads, and where `acts` is said, each that changes something.
    pub async fn examine(&self, acts: bool) -> Examined {
        let began = self.clock.monotonic();
        let date = Date::default();
        let studio = self.acting(|client| {
            let call = client.get_studio().studio_id(self.id.as_str());
            let call = call.customize().interceptor(date.clone());
            call.send().map_err(|error| provider_error(Call::GetStudio, &error))
        });
        let studio = studio.await;
        let took = self.clock.monotonic() - began;
        let ahead = date.get().map(|date| date.duration_until(self.clock.now()));
        let arn = studio.as_ref().ok().and_then(|output| output.studio.as_ref()?.arn.clone());
        let account = arn.as_deref().and_then(translate::account);
        let answers = matches!(
            Tried::of(studio.as_ref().map_err(Clone::clone)),
            Tried::Permitted | Tried::Denied(_)
        );
        let mut calls = vec![(Call::GetStudio, Tried::of(studio))];
        // Where nobody answers, nobody is asked ten times.
        if answers {
            self.examine_reading(&mut calls).await;
            if acts {
                self.examine_acting(&mut calls, arn.as_deref()).await;
            }
        }
        Examined { calls, account, ahead, took }
    }

    async fn examine_reading(&self, calls: &mut Vec<(Call, Tried)>) {
        let studio = self.id.as_str();
        let sent = self.acting(|client| {
            let call = client.list_launch_profiles().studio_id(studio).max_results(1);
            call.send().map_err(|error| provider_error(Call::ListLaunchProfiles, &error))
        });
        calls.push((Call::ListLaunchProfiles, Tried::of(sent.await)));
        let sent = self.acting(|client| {
            let call = client.get_launch_profile().studio_id(studio).launch_profile_id(NOBODY);
            call.send().map_err(|error| provider_error(Call::GetLaunchProfile, &error))
        });
        calls.push((Call::GetLaunchProfile, Tried::of(sent.await)));
        let sent = self.acting(|client| {
            let call = client.list_streaming_sessions().studio_id(studio);
            call.send().map_err(|error| provider_error(Call::ListStreamingSessions, &error))
        });
        calls.push((Call::ListStreamingSessions, Tried::of(sent.await)));
        let sent = self.acting(|client| {
            let call = client.get_streaming_session().studio_id(studio).session_id(NOBODY);
            call.send().map_err(|error| provider_error(Call::GetStreamingSession, &error))
        });
        calls.push((Call::GetStreamingSession, Tried::of(sent.await)));
        if !self.asks_roles {
            return;
        }
        let sent = self.acting(|client| {
            let call = client.list_studio_members().studio_id(studio).max_results(1);
            call.send().map_err(|error| provider_error(Call::ListStudioMembers, &error))
        });
        calls.push((Call::ListStudioMembers, Tried::of(sent.await)));
        let sent = self.acting(|client| {
            let call = client.get_studio_member().studio_id(studio).principal_id(NOBODY);
            call.send().map_err(|error| provider_error(Call::GetStudioMember, &error))
        });
        calls.push((Call::GetStudioMember, Tried::of(sent.await)));
    }

    async fn examine_acting(&self, calls: &mut Vec<(Call, Tried)>, arn: Option<&str>) {
        let studio = self.id.as_str();
        let sent = self.acting(|client| {
            let call = client.stop_streaming_session().studio_id(studio).session_id(NOBODY);
            call.send().map_err(|error| provider_error(Call::StopStreamingSession, &error))
        });
        let tried = Tried::of_nobody(Call::StopStreamingSession, sent.await);
        calls.push((Call::StopStreamingSession, tried));
        let sent = self.acting(|client| {
            let call = client.start_streaming_session().studio_id(studio).session_id(NOBODY);
            call.send().map_err(|error| provider_error(Call::StartStreamingSession, &error))
        });
        let tried = Tried::of_nobody(Call::StartStreamingSession, sent.await);
        calls.push((Call::StartStreamingSession, tried));
        let Some(arn) = arn.and_then(arn_of_nobody) else { return };
        let sent = self.acting(|client| {
            let call = client.tag_resource().resource_arn(&arn).tags(STOPPED, "nobody");
            call.send().map_err(|error| provider_error(Call::TagResource, &error))
        });
        calls.push((Call::TagResource, Tried::of_nobody(Call::TagResource, sent.await)));
    }
}

/// The name of that session in the account and region of a studio.
fn arn_of_nobody(studio: &str) -> Option<String> {
    let (place, _) = studio.rsplit_once(':')?;
    Some(format!("{place}:streaming-session/{NOBODY}"))
}

/// What the last answer said of the time.
#[derive(Debug, Clone, Default)]
struct Date(Arc<Mutex<Option<Timestamp>>>);

impl Date {
    fn get(&self) -> Option<Timestamp> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[dyn_dispatch_hint]
impl Intercept for Date {
    fn name(&self) -> &'static str {
        "date"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date");
        let date = date.and_then(|date| jiff::fmt::rfc2822::parse(date).ok());
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = date.map(|date| date.timestamp());
        Ok(())
    }
}
