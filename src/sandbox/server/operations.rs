//! The operations that the server offers, one function each.

use bytes::Bytes;

use super::pages::PageScope;
use super::routes::Call;
use super::{Reply, Shared};
use crate::sandbox::wire::{self, Failure, FailureKind, Query};
use crate::sandbox::world::{Caller, LaunchProfileFilter, Operation, SessionFilter};

/// What a request brings beside its path.
pub(super) struct Input {
    pub(super) query: String,
    pub(super) client_token: Option<String>,
    pub(super) body: Bytes,
    /// Under a fault: a list begins anew with each page, and answers this token.
    pub(super) repeated_token: Option<String>,
}

impl Input {
    /// A request of an operation that takes no query parameters.
    fn no_query(&self) -> Result<(), Failure> {
        Query::parse(&self.query)?.finish()
    }

    fn caller<'a>(&'a self, shared: &'a Shared) -> Caller<'a> {
        Caller { principal: &shared.principal, token: self.client_token.as_deref() }
    }
}

pub(super) fn perform(shared: &Shared, call: &Call, input: &Input) -> Result<Reply, Failure> {
    match call {
        Call::Studios(_) => list_studios(shared, input),
        Call::Studio(Operation::GetStudio, studio) => get_studio(shared, input, studio),
        Call::Studio(Operation::ListLaunchProfiles, studio) => {
            list_launch_profiles(shared, input, studio)
        }
        Call::Studio(_, studio) => list_sessions(shared, input, studio),
        Call::LaunchProfile(_, studio, profile) => {
            get_launch_profile(shared, input, studio, profile)
        }
        Call::Session(Operation::StopStreamingSession, studio, session) => {
            stop(shared, input, studio, session)
        }
        Call::Session(Operation::StartStreamingSession, studio, session) => {
            start(shared, input, studio, session)
        }
        Call::Session(_, studio, session) => get_session(shared, input, studio, session),
        Call::Resource(Operation::TagResource, arn) => tag(shared, input, arn),
        Call::Resource(Operation::UntagResource, arn) => untag(shared, input, arn),
        Call::Resource(_, arn) => list_tags(shared, input, arn),
        Call::Unserved { method, path } => Err(Failure::new(
            FailureKind::NotServed,
            "NOT_SERVED",
            format!("the sandbox does not serve {method} {path}"),
        )),
    }
}

fn list_studios(shared: &Shared, input: &Input) -> Result<Reply, Failure> {
    let mut query = Query::parse(&input.query)?;
    let token = query.one("nextToken")?;
    query.finish()?;
    let paging = Paging::new(Operation::ListStudios, String::new(), token, input)?;
    let world = shared.world();
    let page = world.studios(paging.after.as_deref(), shared.page_size);
    let last = page.items.last().map(|studio| studio.id.as_str());
    let next = paging.next(page.more, last);
    Ok(Reply::json(wire::studios(&page.items, next.as_deref())))
}

fn get_studio(shared: &Shared, input: &Input, studio: &str) -> Result<Reply, Failure> {
    input.no_query()?;
    Ok(Reply::json(wire::studio(shared.world().studio(studio)?)))
}

fn list_launch_profiles(shared: &Shared, input: &Input, studio: &str) -> Result<Reply, Failure> {
    let mut query = Query::parse(&input.query)?;
    let states = query.all("states");
    let filter = LaunchProfileFilter {
        principal_id: query.one("principalId")?,
        states: states.iter().map(|text| wire::known("states", text)).collect::<Result<_, _>>()?,
    };
    let limit = query.max_results()?.map_or(shared.page_size, |limit| limit.min(shared.page_size));
    let token = query.one("nextToken")?;
    query.finish()?;
    let paging =
        Paging::new(Operation::ListLaunchProfiles, format!("{studio} {filter:?}"), token, input)?;
    let world = shared.world();
    let page = world.launch_profiles(studio, &filter, paging.after.as_deref(), limit)?;
    let last = page.items.last().map(|profile| profile.id.as_str());
    let next = paging.next(page.more, last);
    Ok(Reply::json(wire::launch_profiles(world.studio(studio)?, &page.items, next.as_deref())))
}

fn get_launch_profile(
    shared: &Shared,
    input: &Input,
    studio: &str,
    profile: &str,
) -> Result<Reply, Failure> {
    input.no_query()?;
    let world = shared.world();
    let profile = world.launch_profile(studio, profile)?;
    Ok(Reply::json(wire::launch_profile(world.studio(studio)?, profile)))
}

fn list_sessions(shared: &Shared, input: &Input, studio: &str) -> Result<Reply, Failure> {
    let mut query = Query::parse(&input.query)?;
    // The model has one string here and not a list; the sandbox takes one id, or several with
    // commas between them.
    let ids = query.one("sessionIds")?;
    let filter = SessionFilter {
        created_by: query.one("createdBy")?,
        owned_by: query.one("ownedBy")?,
        session_ids: ids.map(|ids| ids.split(',').map(|id| id.trim().to_owned()).collect()),
    };
    let token = query.one("nextToken")?;
    query.finish()?;
    let paging = Paging::new(
        Operation::ListStreamingSessions,
        format!("{studio} {filter:?}"),
        token,
        input,
    )?;
    let now = (shared.clock)();
    let mut world = shared.world();
    let page = world.sessions(studio, &filter, paging.after.as_deref(), shared.page_size, now)?;
    let last = page.items.last().map(|session| session.id.as_str());
    let next = paging.next(page.more, last);
    Ok(Reply::json(wire::sessions(&page.items, next.as_deref())))
}

fn get_session(
    shared: &Shared,
    input: &Input,
    studio: &str,
    session: &str,
) -> Result<Reply, Failure> {
    input.no_query()?;
    let now = (shared.clock)();
    Ok(Reply::json(wire::session(shared.world().session(studio, session, now)?)))
}

fn stop(shared: &Shared, input: &Input, studio: &str, session: &str) -> Result<Reply, Failure> {
    input.no_query()?;
    let retention = wire::stop_body(&input.body)?;
    let now = (shared.clock)();
    let stopped = shared.world().stop(studio, session, retention, input.caller(shared), now)?;
    Ok(Reply::json(wire::session(&stopped)))
}

fn start(shared: &Shared, input: &Input, studio: &str, session: &str) -> Result<Reply, Failure> {
    input.no_query()?;
    let backup = wire::start_body(&input.body)?;
    let now = (shared.clock)();
    let started =
        shared.world().start(studio, session, backup.as_deref(), input.caller(shared), now)?;
    Ok(Reply::json(wire::session(&started)))
}

fn tag(shared: &Shared, input: &Input, arn: &str) -> Result<Reply, Failure> {
    input.no_query()?;
    let tags = wire::tag_body(&input.body)?;
    let now = (shared.clock)();
    shared.world().tag(arn, &tags, input.caller(shared), now)?;
    Ok(Reply::no_content())
}

fn untag(shared: &Shared, input: &Input, arn: &str) -> Result<Reply, Failure> {
    let mut query = Query::parse(&input.query)?;
    let keys = query.all("tagKeys");
    query.finish()?;
    if keys.is_empty() {
        return Err(Failure::invalid("tagKeys", "tagKeys is missing"));
    }
    let now = (shared.clock)();
    shared.world().untag(arn, &keys, input.caller(shared), now)?;
    Ok(Reply::no_content())
}

fn list_tags(shared: &Shared, input: &Input, arn: &str) -> Result<Reply, Failure> {
    input.no_query()?;
    let now = (shared.clock)();
    Ok(Reply::json(wire::tags(shared.world().tags(arn, now)?)))
}

/// Where a page begins, and the token of the next one.
struct Paging<'a> {
    scope: PageScope,
    after: Option<String>,
    repeated_token: Option<&'a str>,
}

impl<'a> Paging<'a> {
    fn new(
        operation: Operation,
        list: String,
        token: Option<String>,
        input: &'a Input,
    ) -> Result<Self, Failure> {
        let scope = PageScope { operation, list };
        let repeated_token = input.repeated_token.as_deref();
        let after = match token {
            Some(token) if repeated_token.is_none() => Some(scope.after(&token)?),
            _ => None,
        };
        Ok(Self { scope, after, repeated_token })
    }

    fn next(&self, more: bool, last: Option<&str>) -> Option<String> {
        let token = || last.filter(|_| more).map(|last| self.scope.token(last));
        self.repeated_token.map(str::to_owned).or_else(token)
    }
}
