//! Takes what people ask for: recorded first, then removed, so that a crash in between repeats at most
//! what the log knows to be a repetition.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Ledger;
use crate::audit::record::{ChangeData, Data, ErrorData, Journal, Kind, ReasonData, Record};
use crate::clock::Clock;
use crate::execute::session_subject;
use crate::ids::{LaunchProfileId, SessionId, StudioId};
use crate::policy::Policy;
use crate::switch::{
    APPROVAL_MAX, Approved, Changed, PAUSE_MAX, Request, Stage, Switchboard, Told, Wish,
};

/// Records the requests that wait, oldest first. What cannot be recorded goes on waiting: answers with
/// whether nothing does.
pub(super) async fn take(
    switchboard: &dyn Switchboard,
    ledger: &Ledger,
    policy: &Policy,
    clock: &dyn Clock,
) -> bool {
    for request in switchboard.waiting().await {
        if ledger.has_taken(&request.id) {
            switchboard.taken(&request).await;
            continue;
        }
        if let Some(why) = unknown(policy, &request) {
            tracing::warn!(who = request.who, why, "a request is not followed");
            switchboard.refused(&request, why).await;
            continue;
        }
        let record = record(&request, clock.now());
        say(&record);
        if let Err(error) = ledger.commit(vec![record]).await {
            tracing::error!(%error, "a request waits until the log can be written");
            return false;
        }
        switchboard.taken(&request).await;
    }
    true
}

/// Why a request is not one for this daemon.
fn unknown(policy: &Policy, request: &Request) -> Option<String> {
    let studio = request.wish.studio().filter(|studio| !policy.studios.contains_key(*studio))?;
    Some(format!("the policy of this daemon has no studio {studio}"))
}

/// What a request comes to, were it taken at this instant. None lasts longer from then on than a person
/// may say, whatever the clock by which it was made.
#[must_use]
pub fn record(request: &Request, now: Timestamp) -> Record {
    let longest = |length| now.checked_add(length).unwrap_or(Timestamp::MAX);
    let studio = request.wish.studio().map(ToString::to_string);
    let subject = studio.clone().unwrap_or_default();
    let base = Data {
        studio,
        who: Some(request.who.clone()),
        request: Some(request.id.clone()),
        ..Data::default()
    };
    let (kind, data) = match &request.wish {
        Wish::Pause { until, note, .. } => {
            let until = Some((*until).min(longest(PAUSE_MAX)));
            (Kind::DaemonPaused, Data { until, note: note.clone(), ..base })
        }
        Wish::Resume { .. } => (Kind::DaemonResumed, base),
        Wish::Approve { until, held, .. } => {
            let until = Some((*until).min(longest(APPROVAL_MAX)));
            let policy = held.policy.clone();
            let reason = Some(reason(held));
            (Kind::StudioApproved, Data { until, policy, reason, ..base })
        }
        Wish::Tell { studio, session, told } => {
            let record = told_record(studio, session, told, &request.who, now);
            let data = Data { request: Some(request.id.clone()), ..record.data };
            return Record { data, ..record };
        }
        Wish::TellOfProfile { studio, profile, changes, told } => {
            let record = told_of_profile(studio, profile, changes, told, &request.who, now);
            let data = Data { request: Some(request.id.clone()), ..record.data };
            return Record { data, ..record };
        }
    };
    Record { time: now, kind, subject, data }
}

/// What a person does, or has done, to a session by a command of their own.
#[must_use]
pub fn told_record(
    studio: &StudioId,
    session: &SessionId,
    told: &Told,
    who: &str,
    now: Timestamp,
) -> Record {
    let (kind, data) = by_hand(studio, told, who);
    let data = Data { session: Some(session.to_string()), ..data };
    Record { time: now, kind, subject: session_subject(studio, session), data }
}

/// The same, to a launch profile.
#[must_use]
pub fn told_of_profile(
    studio: &StudioId,
    profile: &LaunchProfileId,
    changes: &BTreeMap<String, Changed>,
    told: &Told,
    who: &str,
    now: Timestamp,
) -> Record {
    let (kind, data) = by_hand(studio, told, who);
    let change = |(member, changed): (&String, &Changed)| {
        let Changed { from, to } = changed.clone();
        (member.clone(), ChangeData { from, to })
    };
    let changes = Some(changes.iter().map(change).collect());
    let data = Data { launch_profile: Some(profile.to_string()), changes, ..data };
    Record { time: now, kind, subject: format!("{studio}/launch-profile/{profile}"), data }
}

fn by_hand(studio: &StudioId, told: &Told, who: &str) -> (Kind, Data) {
    let Told { action, stage, until, note, client_token, request_id, problem, detail } =
        told.clone();
    let kind = match stage {
        Stage::Intended => Kind::OperatorIntended,
        Stage::Accepted => Kind::OperatorAccepted,
        Stage::Rejected => Kind::OperatorRejected,
        Stage::Unanswered => Kind::OperatorUnanswered,
    };
    // Where nothing went wrong, it is what was there before.
    let (error, before) = match problem {
        Some(problem) => {
            let detail = detail.unwrap_or_default();
            (Some(ErrorData { problem, operation: None, detail }), None)
        }
        None => (None, detail),
    };
    let remarks: Vec<String> = note.into_iter().chain(before).collect();
    let note = Some(remarks.join("; ")).filter(|note| !note.is_empty());
    let data = Data {
        studio: Some(studio.to_string()),
        who: Some(who.to_owned()),
        action: Some(action.to_string()),
        until,
        note,
        client_token,
        request_id,
        error,
        ..Data::default()
    };
    (kind, data)
}

fn reason(held: &Approved) -> ReasonData {
    let Approved { code, values, .. } = held;
    ReasonData { code: code.clone(), values: values.clone(), text: String::new(), alarm: false }
}

fn say(Record { kind, data, .. }: &Record) {
    let who = data.who.as_deref().unwrap_or_default();
    let studio = data.studio.as_deref().unwrap_or("all studios");
    let until = data.until.map_or_else(String::new, |until| until.to_string());
    tracing::info!(who, studio, until, "{kind}");
}
