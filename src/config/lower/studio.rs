//! Studios: where each is, and that each is there once.

use std::collections::BTreeMap;

use super::super::diagnostic::{Diagnostic, Sink, Span};
use super::super::file::File;
use super::super::file::connection::{ConnectionFile, RoleArn};
use super::super::file::studio::StudioFile;
use super::super::suggest::quoted;
use super::super::table::{Field, Located};
use super::rule;
use super::settings::{Layers, Names};
use crate::ids::StudioId;
use crate::policy::{Connection, StudioPolicy};

/// The studios by id, without those whose id or region is wrong.
pub(super) fn lower_all(
    file: &File,
    defaults: &Layers<'_>,
    names: &mut Names,
    sink: &mut Sink,
) -> BTreeMap<StudioId, StudioPolicy> {
    let mut studios = BTreeMap::new();
    let mut seen: BTreeMap<(String, String), Span> = BTreeMap::new();
    let mut uptimes = Vec::new();
    for studio in &file.studios {
        names.check_references(&studio.settings, sink);
        let layers = defaults.over(&studio.settings);
        layers.check_durations(&studio.span, &mut uptimes, sink);
        let rules = rule::lower_all(studio, &file.people, &layers, names, &mut uptimes, sink);
        warn_where_nothing_stops(studio, &layers, sink);
        let connection = connection(studio, &file.defaults.connection, sink);
        let (Some(id), Some(connection)) = (id(studio, sink), connection) else { continue };
        let settings = layers.resolve(names);
        if is_first(id, connection.region.as_str(), &mut seen, sink) {
            let (id, name) = (StudioId::from(id.value.as_str()), studio.name.value().cloned());
            let policy = StudioPolicy {
                id: id.clone(),
                name,
                connection,
                settings,
                asks_roles: rules.iter().any(|rule| rule.matcher.asks_roles()),
                rules,
                brake: studio.brake.value().copied().unwrap_or_default(),
            };
            studios.insert(id, policy);
        }
    }
    studios
}

fn id<'a>(studio: &'a StudioFile, sink: &mut Sink) -> Option<&'a Located<String>> {
    if studio.id.is_absent() {
        sink.push_absence(
            Diagnostic::error("missing-key", studio.span.clone(), "this studio has no `id`")
                .help("write for example `id = \"us-west-2:stid-EXAMPLE11111\"`"),
        );
    }
    studio.id.given()
}

/// Whether no earlier studio is the same; an id with its region and one without may be one.
fn is_first(
    id: &Located<String>,
    region: &str,
    seen: &mut BTreeMap<(String, String), Span>,
    sink: &mut Sink,
) -> bool {
    let bare = id.value.split_once(':').map_or(id.value.as_str(), |(_, bare)| bare);
    let key = (region.to_owned(), bare.to_owned());
    if let Some(first) = seen.get(&key) {
        let message = format!("the studio {} is there twice", quoted(&id.value));
        sink.push(
            Diagnostic::error("duplicate-studio", id.span.clone(), message)
                .related(first.clone(), "first here")
                .help("join the two; what applies to some sessions only goes into a `[[studio.rule]]`"),
        );
        return false;
    }
    seen.insert(key, id.span.clone());
    true
}

/// How a studio is reached; `None` where its region is not known.
fn connection(
    studio: &StudioFile,
    defaults: &ConnectionFile,
    sink: &mut Sink,
) -> Option<Connection> {
    let own = &studio.connection;
    let role = nearest(&own.role_arn, &defaults.role_arn);
    warn_of_foreign_role(studio, role, sink);
    let role_arn = role.and_then(|role| role.value.as_ref()).map(|role| role.text.clone());
    Some(Connection {
        region: region(studio, sink)?.into(),
        account: studio.account.value().map(|account| account.as_str().into()),
        role_arn,
        external_id: nearest(&own.external_id, &defaults.external_id)
            .and_then(|given| given.value.clone()),
        profile: nearest(&own.profile, &defaults.profile).and_then(|given| given.value.clone()),
        endpoint_url: nearest(&own.endpoint_url, &defaults.endpoint_url)
            .and_then(|given| given.value.clone()),
    })
}

/// What the studio says, or else `[defaults]`.
fn nearest<'a, T>(own: &'a Field<T>, default: &'a Field<T>) -> Option<&'a Located<T>> {
    if own.is_absent() { default.given() } else { own.given() }
}

/// The region that the studio names, or that its id names.
fn region(studio: &StudioFile, sink: &mut Sink) -> Option<String> {
    let id = studio.id.given();
    let prefix = id.and_then(|id| id.value.split_once(':')).map(|(region, _)| region);
    match (&studio.region, prefix) {
        (Field::Given(region), Some(prefix)) if region.value != prefix => {
            let message = format!("the region contradicts the id, which names {prefix}");
            let related = id.map_or(studio.span.clone(), |id| id.span.clone());
            sink.push(
                Diagnostic::error("region-mismatch", region.span.clone(), message)
                    .related(related, "the id begins with its region")
                    .help(format!("write `region = \"{prefix}\"`, or leave the line out")),
            );
            None
        }
        (Field::Given(region), _) => Some(region.value.clone()),
        (Field::Absent, Some(prefix)) => Some(prefix.to_owned()),
        (Field::Absent, None) => {
            // An id that is absent or refused might have named the region.
            if let Some(id) = id {
                let message = "this studio has no `region`, and its id does not name one";
                sink.push_absence(
                    Diagnostic::error("missing-key", id.span.clone(), message)
                        .help("write for example `region = \"us-west-2\"`"),
                );
            }
            None
        }
        (Field::Wrong, _) => None,
    }
}

fn warn_of_foreign_role(
    studio: &StudioFile,
    role: Option<&Located<Option<RoleArn>>>,
    sink: &mut Sink,
) {
    let (Some(account), Some(given)) = (studio.account.given(), role) else { return };
    let Some(role) = &given.value else { return };
    if role.account != account.value {
        let message = "`role_arn` is of another account than the studio";
        sink.push(
            Diagnostic::warning("foreign-role", given.span.clone(), message)
                .label(format!("this role belongs to {}", role.account))
                .related(account.span.clone(), "the studio belongs to this one")
                .help("name a role of the studio's account: a role acts in its own account"),
        );
    }
}

fn warn_where_nothing_stops(studio: &StudioFile, layers: &Layers<'_>, sink: &mut Sink) {
    let rules = studio.rules.iter().filter(|rule| rule.keep.value() != Some(&true));
    if layers.may_stop() || rules.clone().any(|rule| layers.over(&rule.settings).may_stop()) {
        return;
    }
    let message = "nothing is ever stopped in this studio";
    sink.push(
        Diagnostic::warning("stops-nothing", studio.span.clone(), message)
            .label("neither `schedule` nor `max_uptime` applies")
            .help("write `schedule = \"NAME\"`, `max_uptime = \"14h\"`, or both"),
    );
}
