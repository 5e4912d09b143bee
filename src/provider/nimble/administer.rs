//! Changes of launch profiles: read, change, write back the whole stream configuration.
//!
//! The service replaces the stream configuration as a whole, so that whatever is left out of it is lost. The
//! SDK skips members that it does not know, and makes values up for some that are absent; so the answer is
//! read once more as it came, and where the SDK has not taken all of it, nothing is changed.
//!
//! A stopped length above 0 is allowed only where `sessionPersistenceMode` and `automaticTerminationMode` are
//! ACTIVATED; so all three are set, and nothing else. Start at [`NimbleStudio::proposal`].

mod whole;

use std::collections::BTreeMap;

use aws_sdk_nimble::operation::RequestId;
use aws_sdk_nimble::types::{
    AutomaticTerminationMode, LaunchProfile, LaunchProfileState, SessionPersistenceMode,
    StreamConfiguration, StreamConfigurationCreate,
};
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, TryFutureExt};
use jiff::SignedDuration;
use serde_json::{Map, Value, json};

use self::whole::{AsItCame, text, unknown_word, unread, written};
use super::NimbleStudio;
use super::calls::Call;
use super::errors::{garbled, one_line, provider_error};
use super::stopping::{STOPPED_MINUTES_MAX, Setting, Switch, stopping_of_new};
use super::translate;
use crate::ids::LaunchProfileId;
use crate::inventory::{Problem, Stopping};
use crate::provider::administer::{Administer, Change, Progress, Proposal, Reading, Unfit};
use crate::provider::{ClientToken, ProviderError};

/// The longest time for which the service lets a stopped session be.
pub const STOPPED_LENGTH_MAX: SignedDuration =
    SignedDuration::from_mins(STOPPED_MINUTES_MAX as i64);

const STOPPED: &str = "maxStoppedSessionLengthInMinutes";
const PERSISTENCE: &str = "sessionPersistenceMode";
const TERMINATION: &str = "automaticTerminationMode";
const BACKUP: &str = "sessionBackup";
const ACTIVATED: &str = "ACTIVATED";

const READ: Call = Call::GetLaunchProfile;

/// What a call is called that was not made, since another look at the launch profile spoke against it.
const LOOK: &str = "another look";

impl Administer for NimbleStudio {
    fn propose<'a>(
        &'a self,
        profile: &'a LaunchProfileId,
        stopped: SignedDuration,
    ) -> BoxFuture<'a, Result<Proposal, Unfit>> {
        self.proposal(profile, stopped).map_ok(|(proposal, _)| proposal).boxed()
    }

    fn change<'a>(
        &'a self,
        proposal: &'a Proposal,
        token: &'a ClientToken,
    ) -> BoxFuture<'a, Result<Option<String>, ProviderError>> {
        self.change_profile(proposal, token).boxed()
    }

    fn progress<'a>(
        &'a self,
        proposal: &'a Proposal,
    ) -> BoxFuture<'a, Result<Progress, ProviderError>> {
        self.progress_of(proposal).boxed()
    }
}

impl NimbleStudio {
    /// What would change, and the stream configuration as it would be written.
    async fn proposal(
        &self,
        id: &LaunchProfileId,
        stopped: SignedDuration,
    ) -> Result<(Proposal, StreamConfigurationCreate), Unfit> {
        let minutes = minutes(stopped)?;
        let (profile, came) = self.whole_profile(id).await?;
        match &profile.state {
            Some(LaunchProfileState::Ready | LaunchProfileState::UpdateFailed) => {}
            state => {
                let state = state.as_ref().map_or("in no state", LaunchProfileState::as_str);
                let state = one_line(state);
                return refused(format!("it is {state}; only a READY one can be changed"));
            }
        }
        let Some(stream) = &profile.stream_configuration else {
            return refused("it has no stream configuration that could be changed".to_owned());
        };
        let before = understood(stream, came.as_ref())?;
        let create = changed(stream, minutes).map_err(|error| Unfit::Refused(error.to_string()))?;
        let after = written!(create);
        let expected = expected(&before, minutes);
        if after != expected {
            return refused("writing it back would change more than was asked for".to_owned());
        }
        let modes = translate::profile(profile.clone()).modes;
        let stopping = stopping_of_new(modes.as_ref());
        if let Stopping::Unclear(doubt) = &stopping {
            return refused(format!("nobody can tell what stopping does today: {doubt}"));
        }
        let modes = modes.map(|modes| super::stopping::ProfileModes {
            persistence: Setting::Known(Switch::Activated),
            termination: Setting::Known(Switch::Activated),
            stopped_minutes_max: minutes,
            ..modes
        });
        let (changes, untouched) = compared(&before, &after);
        let proposal = Proposal {
            profile: id.clone(),
            name: profile.name,
            account: profile.arn.as_deref().and_then(translate::account),
            stopped,
            changes,
            untouched,
            before: stopping,
            after: stopping_of_new(modes.as_ref()),
            reading: Reading::of(&Value::Object(before).to_string()),
        };
        Ok((proposal, create))
    }

    async fn change_profile(
        &self,
        proposal: &Proposal,
        token: &ClientToken,
    ) -> Result<Option<String>, ProviderError> {
        const OPERATION: Call = Call::UpdateLaunchProfile;
        let against = |detail: String| ProviderError {
            problem: Problem::NotAsked,
            operation: LOOK,
            detail: one_line(&detail),
            request_id: None,
        };
        let again = self.proposal(&proposal.profile, proposal.stopped).await;
        let (again, create) = again.map_err(|unfit| match unfit {
            Unfit::Unread(error) => error,
            Unfit::Refused(why) => against(why),
        })?;
        if again != *proposal {
            return Err(against("the launch profile was changed meanwhile".to_owned()));
        }
        let output = self.acting(|client| {
            let call = client
                .update_launch_profile()
                .studio_id(self.id.as_str())
                .launch_profile_id(proposal.profile.as_str())
                .client_token(&token.0)
                .stream_configuration(create.clone());
            call.send().map_err(|error| provider_error(OPERATION, &error))
        });
        Ok(output.await?.request_id().map(one_line))
    }

    async fn progress_of(&self, proposal: &Proposal) -> Result<Progress, ProviderError> {
        let (profile, _) = self.whole_profile(&proposal.profile).await?;
        let state = match profile.state {
            Some(LaunchProfileState::Ready) => {
                let Some(stream) = &profile.stream_configuration else {
                    return Ok(Progress::Otherwise(vec!["streamConfiguration".to_owned()]));
                };
                return Ok(arrived(&written!(stream), proposal));
            }
            Some(LaunchProfileState::UpdateInProgress) => "UPDATE_IN_PROGRESS".to_owned(),
            Some(state) => {
                let code = profile.status_code.map(|code| code.as_str().to_owned());
                let words = [Some(state.as_str().to_owned()), code, profile.status_message];
                let words: Vec<String> = words.into_iter().flatten().collect();
                return Ok(Progress::Failed(one_line(&words.join(": "))));
            }
            None => "in no state".to_owned(),
        };
        Ok(Progress::Under(state))
    }

    /// A launch profile as the SDK reads it, and its stream configuration as it came.
    async fn whole_profile(
        &self,
        id: &LaunchProfileId,
    ) -> Result<(LaunchProfile, Option<Value>), ProviderError> {
        let came = AsItCame::default();
        let output = self.reading(|client| {
            let call = client
                .get_launch_profile()
                .studio_id(self.id.as_str())
                .launch_profile_id(id.as_str())
                .customize()
                .interceptor(came.clone());
            call.send().map_err(|error| provider_error(READ, &error))
        });
        let profile = output
            .await?
            .launch_profile
            .filter(|profile| profile.launch_profile_id.as_deref() == Some(id.as_str()))
            .ok_or_else(|| garbled(READ, "it is about another launch profile"))?;
        Ok((profile, came.stream_configuration()))
    }
}

/// Whatever the service's own words in it are, it is one line of a bounded length.
fn refused<T>(why: String) -> Result<T, Unfit> {
    Err(Unfit::Refused(one_line(&why)))
}

fn minutes(stopped: SignedDuration) -> Result<i32, Unfit> {
    let minutes = stopped.as_mins();
    let is_whole = SignedDuration::from_mins(minutes) == stopped;
    match i32::try_from(minutes) {
        Ok(minutes) if is_whole && (1..=STOPPED_MINUTES_MAX).contains(&minutes) => Ok(minutes),
        _ => refused(format!(
            "{stopped:#} cannot be said: the service takes whole minutes, up to {STOPPED_MINUTES_MAX}"
        )),
    }
}

/// All of a stream configuration, by its members' names, if every part of what came is understood.
fn understood(
    stream: &StreamConfiguration,
    came: Option<&Value>,
) -> Result<Map<String, Value>, Unfit> {
    let Some(Value::Object(came)) = came else {
        return refused("what it says of streaming cannot be looked at as it came".to_owned());
    };
    let read = written!(stream);
    for required in ["clipboardMode", "ec2InstanceTypes", "streamingImageIds"] {
        if came.get(required).is_none_or(Value::is_null) {
            return refused(format!("its stream configuration lacks {required}"));
        }
    }
    if let Some(member) = unread(came, &read) {
        return refused(format!(
            "its stream configuration has {member}, which this program does not understand and would lose"
        ));
    }
    if let Some((member, word)) = unknown_word(stream) {
        let word = one_line(word);
        return refused(format!("its {member} is {word:?}, which this program does not know"));
    }
    Ok(read)
}

/// The same with what permits stopping; every other member as it is.
fn changed(
    stream: &StreamConfiguration,
    minutes: i32,
) -> Result<StreamConfigurationCreate, aws_sdk_nimble::error::BuildError> {
    StreamConfigurationCreate::builder()
        .clipboard_mode(stream.clipboard_mode.clone())
        .set_ec2_instance_types(Some(stream.ec2_instance_types.clone()))
        .max_session_length_in_minutes(stream.max_session_length_in_minutes)
        .set_streaming_image_ids(Some(stream.streaming_image_ids.clone()))
        .max_stopped_session_length_in_minutes(minutes)
        .set_session_storage(stream.session_storage.clone())
        .set_session_backup(stream.session_backup.clone())
        .session_persistence_mode(SessionPersistenceMode::Activated)
        .set_volume_configuration(stream.volume_configuration.clone())
        .automatic_termination_mode(AutomaticTerminationMode::Activated)
        .build()
}

/// What is to be written, worked out without the SDK's types.
fn expected(before: &Map<String, Value>, minutes: i32) -> Map<String, Value> {
    let mut expected = before.clone();
    expected.insert(STOPPED.to_owned(), minutes.into());
    expected.insert(PERSISTENCE.to_owned(), ACTIVATED.into());
    expected.insert(TERMINATION.to_owned(), ACTIVATED.into());
    expected
}

/// What changes, and the names of the members that are there and do not.
fn compared(
    before: &Map<String, Value>,
    after: &Map<String, Value>,
) -> (BTreeMap<String, Change>, Vec<String>) {
    let (mut changes, mut untouched) = (BTreeMap::new(), Vec::new());
    for (member, to) in after {
        let from = before.get(member).unwrap_or(&Value::Null);
        if from != to {
            changes.insert(member.clone(), Change { from: text(from), to: text(to) });
        } else if !to.is_null() {
            untouched.push(member.clone());
        }
    }
    (changes, untouched)
}

/// Whether a launch profile that is READY is what was asked for. One that is as it was before may be an
/// older reading.
fn arrived(now: &Map<String, Value>, proposal: &Proposal) -> Progress {
    let before: Map<String, Value> = serde_json::from_str(&proposal.reading.0).unwrap_or_default();
    if *now == before && !proposal.changes.is_empty() {
        return Progress::Under("READY, and as it was before".to_owned());
    }
    let minutes = i32::try_from(proposal.stopped.as_mins()).unwrap_or_default();
    let mut expected = expected(&before, minutes);
    // The service writes down a default that old launch profiles do not have.
    let backup = json!({ "mode": "DEACTIVATED", "maxBackupsToRetain": 0 });
    if expected.get(BACKUP) == Some(&Value::Null) && now.get(BACKUP) == Some(&backup) {
        expected.insert(BACKUP.to_owned(), backup);
    }
    let (otherwise, _) = compared(&expected, now);
    if otherwise.is_empty() {
        Progress::Done
    } else {
        Progress::Otherwise(otherwise.into_keys().collect())
    }
}

#[cfg(test)]
mod tests;
