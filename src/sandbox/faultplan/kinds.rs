//! The kinds of faults, as a plan names them, with the keys that are theirs alone.

use std::collections::BTreeSet;

use super::table::{Found, Sink, Table, names};
use crate::sandbox::faults::Fault;

/// How much longer a request may take.
const LATENCY_SECONDS_MAX: i64 = 3600;
/// The longest body that is sent to a client.
const BODY_BYTES_MAX: u64 = 1 << 40;
/// The highest rate that can be asked for.
const RATE_MAX: u64 = 1_000_000;

/// A kind.
pub(super) struct Kind {
    pub(super) name: &'static str,
    pub(super) keys: &'static [&'static str],
    pub(super) read: fn(&Table<'_>, &mut Sink) -> Option<Fault>,
}

const fn plain(name: &'static str, read: fn(&Table<'_>, &mut Sink) -> Option<Fault>) -> Kind {
    Kind { name, keys: &[], read }
}

pub(super) const KINDS: &[Kind] = &[
    plain("throttle", |_, _| Some(Fault::Throttled)),
    Kind { name: "rate_limit", keys: &["per_second", "burst"], read: rate_limit },
    plain("error_500", |_, _| Some(Fault::InternalError)),
    plain("html_503", |_, _| Some(Fault::Html503)),
    plain("denied", |_, _| Some(Fault::Denied)),
    plain("credentials_expired", |_, _| Some(Fault::CredentialsExpired)),
    plain("quota", |_, _| Some(Fault::QuotaExceeded)),
    plain("conflict", |_, _| Some(Fault::Conflict)),
    plain("truncated_json", |_, _| Some(Fault::TruncatedJson)),
    plain("malformed_json", |_, _| Some(Fault::MalformedJson)),
    plain("cut_off", |_, _| Some(Fault::CutOff)),
    Kind { name: "huge_body", keys: &["bytes"], read: huge_body },
    Kind { name: "unknown_value", keys: &["member", "value", "sessions"], read: unknown_value },
    Kind { name: "missing_members", keys: &["members", "sessions"], read: missing_members },
    Kind { name: "stale_list", keys: &["age"], read: stale_list },
    Kind { name: "vanishing_session", keys: &["sessions"], read: vanishing_session },
    plain("restart_race", |_, _| Some(Fault::RestartRace)),
    plain("expired_token", |_, _| Some(Fault::ExpiredPageToken)),
    plain("endless_token", |_, _| Some(Fault::EndlessToken)),
    plain("repeating_token", |_, _| Some(Fault::RepeatingToken)),
    Kind { name: "clock_skew", keys: &["by"], read: clock_skew },
    Kind { name: "latency", keys: &["by"], read: latency },
    plain("stall", |_, _| Some(Fault::Stall)),
    plain("silence", |_, _| Some(Fault::Silence)),
    plain("reset", |_, _| Some(Fault::Reset)),
    plain("lost_answer", |_, _| Some(Fault::LostAnswer)),
];

/// Members of answers whose values are enumerations.
const ENUMERATIONS: &[&str] = &[
    "automaticTerminationMode",
    "backupMode",
    "clipboardMode",
    "ec2InstanceType",
    "keyType",
    "mode",
    "persona",
    "sessionPersistenceMode",
    "state",
    "statusCode",
    "volumeRetentionMode",
];

/// The members of answers, as the service's model has them, that can be left out.
#[rustfmt::skip]
pub(super) const MEMBERS: &[&str] = &[
    "activeDirectory", "activeDirectoryConfiguration", "activeDirectoryUser", "adminRoleArn", "arn",
    "automaticTerminationMode", "backupId", "backupMode", "clipboardMode",
    "computeFarmConfiguration", "computerAttributes", "configuration", "createdAt", "createdBy",
    "description", "directoryId", "directoryName", "displayName", "dnsIpAddresses", "ec2ImageId",
    "ec2InstanceType", "ec2InstanceTypes", "ec2SecurityGroupIds", "ec2SubnetIds",
    "encryptionConfiguration", "endpoint", "eulaIds", "expiresAt", "fileSystemId", "homeRegion",
    "identityStoreId", "initializationScripts", "iops", "key", "keyArn", "keyType", "launchProfile",
    "launchProfileId", "launchProfileInitialization", "launchProfileProtocolVersion",
    "launchProfileProtocolVersions", "launchProfiles", "launchPurpose",
    "licenseServiceConfiguration", "linux", "linuxMountPoint", "maxBackupsToRetain",
    "maxSessionLengthInMinutes", "maxStoppedSessionLengthInMinutes", "member", "members", "mode",
    "name", "nextToken", "organizationalUnitDistinguishedName", "ownedBy", "owner", "persona",
    "platform", "principalId", "root", "runContext", "runtimeRoleArn", "script", "scriptParameters",
    "secureInitializationRoleArn", "session", "sessionBackup", "sessionId",
    "sessionPersistenceMode", "sessionStorage", "sessions", "shareName",
    "sharedFileSystemConfiguration", "sid", "size", "ssoClientId", "startedAt", "startedBy",
    "startedFromBackupId", "state", "statusCode", "statusMessage", "stopAt", "stoppedAt",
    "stoppedBy", "stream", "streamConfiguration", "streamId", "streamingImage", "streamingImageId",
    "streamingImageIds", "streamingImages", "streamingSessionBackup", "streamingSessionBackups",
    "studio", "studioComponent", "studioComponentId", "studioComponentIds", "studioComponentName",
    "studioComponentSummaries", "studioComponents", "studioEncryptionConfiguration", "studioId",
    "studioName", "studioUrl", "studios", "subtype", "systemInitializationScripts", "tags",
    "terminateAt", "throughput", "type", "updatedAt", "updatedBy", "url",
    "userInitializationScripts", "userRoleArn", "validationResults", "value", "volumeConfiguration",
    "volumeRetentionMode", "windows", "windowsMountDrive",
];

/// Tells of keys that this kind does not have, and where they belong.
pub(super) fn check_keys(table: &Table<'_>, kind: &Kind, valid: &[&str], sink: &mut Sink) {
    for (offset, key) in table.keys() {
        let owners: Vec<&str> = KINDS
            .iter()
            .filter(|other| other.keys.contains(&key))
            .map(|other| other.name)
            .collect();
        if !valid.contains(&key) && !owners.is_empty() {
            let (name, owners) = (kind.name, owners.join(", "));
            sink.tell(offset, format!("{key:?} is no key of {name}: it belongs to {owners}"));
        }
    }
    let elsewhere = KINDS.iter().flat_map(|other| other.keys).copied();
    let known: Vec<&str> = valid.iter().copied().chain(elsewhere).collect();
    for (offset, key) in table.keys().filter(|(_, key)| !known.contains(key)) {
        let guess = super::table::guess(key, valid.iter().copied());
        let (name, valid) = (kind.name, names(valid.iter().copied()));
        sink.tell(offset, format!("unknown key {key:?} of {name}{guess}: valid are {valid}"));
    }
}

/// The value of a key that the kind cannot do without.
fn needed<'a>(table: &Table<'a>, key: &str, example: &str, sink: &mut Sink) -> Option<Found<'a>> {
    let found = table.get(key);
    if found.is_none() {
        table.tell(sink, format!("{key:?} is missing: write it like {key} = {example}"));
    }
    found
}

fn rate_limit(table: &Table<'_>, sink: &mut Sink) -> Option<Fault> {
    let per_second = needed(table, "per_second", "10", sink);
    let per_second = per_second.and_then(|found| found.whole(1, RATE_MAX, sink));
    let burst = match table.get("burst") {
        Some(found) => found.whole(1, RATE_MAX, sink),
        None => per_second,
    };
    let number = |number: u64| u32::try_from(number).ok();
    Some(Fault::RateLimit { per_second: number(per_second?)?, burst: number(burst?)? })
}

fn huge_body(table: &Table<'_>, sink: &mut Sink) -> Option<Fault> {
    let bytes = needed(table, "bytes", "100_000_000", sink)?.whole(1, BODY_BYTES_MAX, sink)?;
    Some(Fault::HugeBody { bytes })
}

/// The sessions that a fault keeps to in an answer; nothing where it keeps to none.
fn sessions(table: &Table<'_>, sink: &mut Sink) -> Option<BTreeSet<String>> {
    table.get("sessions").and_then(|found| found.texts(sink))
}

fn unknown_value(table: &Table<'_>, sink: &mut Sink) -> Option<Fault> {
    let member = match table.get("member") {
        None => Some("state".to_owned()),
        Some(found) => found.text(sink).filter(|member| {
            let is_known = ENUMERATIONS.contains(&member.as_str());
            if !is_known {
                found.tell_unknown(sink, "member", member, ENUMERATIONS.iter().copied());
            }
            is_known
        }),
    };
    let value = needed(table, "value", "\"HIBERNATED\"", sink).and_then(|found| found.text(sink));
    let sessions = sessions(table, sink);
    Some(Fault::UnknownValue { member: member?, value: value?, sessions })
}

fn missing_members(table: &Table<'_>, sink: &mut Sink) -> Option<Fault> {
    let found = needed(table, "members", "[\"startedAt\"]", sink);
    let sessions = sessions(table, sink);
    let found = found?;
    let members = found.texts(sink)?;
    for unknown in members.iter().filter(|member| !MEMBERS.contains(&member.as_str())) {
        found.tell_unknown(sink, "member", unknown, MEMBERS.iter().copied());
    }
    Some(Fault::MissingMembers { members, sessions })
}

fn stale_list(table: &Table<'_>, sink: &mut Sink) -> Option<Fault> {
    let age = needed(table, "age", "\"2m\"", sink)?.length(false, sink)?;
    Some(Fault::StaleList { age })
}

fn vanishing_session(table: &Table<'_>, sink: &mut Sink) -> Option<Fault> {
    let sessions = needed(table, "sessions", "[\"6f2e…\"]", sink)?.texts(sink)?;
    Some(Fault::VanishingSession { sessions })
}

fn clock_skew(table: &Table<'_>, sink: &mut Sink) -> Option<Fault> {
    let by = needed(table, "by", "\"-10m\"", sink)?.length(true, sink)?;
    Some(Fault::ClockSkew { by })
}

fn latency(table: &Table<'_>, sink: &mut Sink) -> Option<Fault> {
    let found = needed(table, "by", "\"250ms\"", sink)?;
    let by = found.length(false, sink)?;
    if by.as_secs() >= LATENCY_SECONDS_MAX {
        found.tell(sink, "a request may be held up for less than an hour".to_owned());
    }
    Some(Fault::Latency { by })
}
