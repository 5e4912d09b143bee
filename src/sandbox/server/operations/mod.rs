//! The operations that the server offers, one function each.
//!
//! A request is held to the service's model first ([`Request::read`]); what is left to refuse is what
//! only the world knows.

mod members;
mod profiles;
mod sessions;
mod studios;

use bytes::Bytes;
use jiff::Timestamp;

use super::Reply;
use super::pages::PageScope;
use super::routes::Call;
use crate::sandbox::wire::{Failure, FailureKind, Request};
use crate::sandbox::world::{CLIENT_TOKEN_LENGTH_MAX, Caller, Operation, Page, World};

/// What a request brings beside its path.
pub(super) struct Input {
    pub(super) query: String,
    pub(super) client_token: Option<String>,
    pub(super) body: Bytes,
    /// Who asks.
    pub(super) principal: String,
    /// Under a fault: a list begins anew with each page, and answers this token.
    pub(super) repeated_token: Option<String>,
}

/// A world, and when and how it is asked.
pub(super) struct Setting<'a> {
    pub(super) world: &'a mut World,
    pub(super) now: Timestamp,
    pub(super) page_size: usize,
}

pub(super) fn perform(setting: Setting<'_>, call: &Call, input: &Input) -> Result<Reply, Failure> {
    let interface = match call {
        Call::Served { interface, .. } => interface,
        Call::Unserved { method, path } => {
            let message = format!("the sandbox does not serve {method} {path}");
            return Err(Failure::new(FailureKind::NotServed, "NOT_SERVED", message));
        }
    };
    let request = Request::read(interface, &input.query, &input.body)?;
    let token = input.client_token.as_deref().filter(|_| interface.takes_token);
    check_token(token)?;
    let asked = Asked {
        call,
        request,
        caller: Caller { principal: &input.principal, token },
        now: setting.now,
        page_size: setting.page_size,
        repeated_token: input.repeated_token.as_deref(),
    };
    setting.world.advance(asked.now);
    answer(setting.world, interface.operation, &asked)
}

fn check_token(token: Option<&str>) -> Result<(), Failure> {
    let length = token.map_or(1, |token| token.chars().count());
    if (1..=CLIENT_TOKEN_LENGTH_MAX).contains(&length) {
        return Ok(());
    }
    let message =
        format!("clientToken has {length} characters: valid are 1 to {CLIENT_TOKEN_LENGTH_MAX}");
    Err(Failure::invalid("clientToken", message))
}

fn answer(world: &mut World, operation: Operation, asked: &Asked<'_>) -> Result<Reply, Failure> {
    let body = match operation {
        Operation::ListStudios => studios::list(world, asked),
        Operation::GetStudio => studios::get(world, asked),
        Operation::ListStreamingImages => studios::list_images(world, asked),
        Operation::GetStreamingImage => studios::get_image(world, asked),
        Operation::ListStudioComponents => studios::list_components(world, asked),
        Operation::GetStudioComponent => studios::get_component(world, asked),
        Operation::ListStudioMembers | Operation::ListLaunchProfileMembers => {
            members::list(world, operation, asked)
        }
        Operation::GetStudioMember | Operation::GetLaunchProfileMember => {
            members::get(world, asked)
        }
        Operation::PutStudioMembers | Operation::PutLaunchProfileMembers => {
            members::put(world, asked)
        }
        Operation::UpdateLaunchProfileMember => members::update(world, asked),
        Operation::DeleteStudioMember | Operation::DeleteLaunchProfileMember => {
            members::delete(world, asked)
        }
        Operation::ListLaunchProfiles => profiles::list(world, asked),
        Operation::GetLaunchProfile => profiles::get(world, asked),
        Operation::GetLaunchProfileDetails => profiles::get_details(world, asked),
        Operation::CreateLaunchProfile => profiles::create(world, asked),
        Operation::UpdateLaunchProfile => profiles::update(world, asked),
        Operation::DeleteLaunchProfile => profiles::delete(world, asked),
        Operation::ListStreamingSessions => sessions::list(world, asked),
        Operation::GetStreamingSession => sessions::get(world, asked),
        Operation::CreateStreamingSession => sessions::create(world, asked),
        Operation::StopStreamingSession => sessions::stop(world, asked),
        Operation::StartStreamingSession => sessions::start(world, asked),
        Operation::DeleteStreamingSession => sessions::delete(world, asked),
        Operation::CreateStreamingSessionStream => sessions::create_stream(world, asked),
        Operation::GetStreamingSessionStream => sessions::get_stream(world, asked),
        Operation::ListStreamingSessionBackups => sessions::list_backups(world, asked),
        Operation::GetStreamingSessionBackup => sessions::get_backup(world, asked),
        Operation::ListTagsForResource => studios::list_tags(world, asked),
        Operation::TagResource => return studios::tag(world, asked),
        Operation::UntagResource => return studios::untag(world, asked),
        Operation::Unserved => {
            let message = "the sandbox does not serve this operation";
            Err(Failure::new(FailureKind::NotServed, "NOT_SERVED", message))
        }
    };
    Ok(Reply::json(body?))
}

/// A request that the model allows, and all that is needed to answer it from the world.
struct Asked<'a> {
    call: &'a Call,
    request: Request,
    caller: Caller<'a>,
    now: Timestamp,
    page_size: usize,
    repeated_token: Option<&'a str>,
}

impl Asked<'_> {
    /// A label of the path. The table of operations has it, or the request was not found in it.
    fn label(&self, name: &'static str) -> &str {
        self.call.label(name).unwrap_or_default()
    }

    fn studio(&self) -> &str {
        self.label("studioId")
    }

    /// The page that is asked for of a list, told from others by the words of `list`, with at most
    /// `most` items.
    fn paging(
        &self,
        operation: Operation,
        list: String,
        most: usize,
    ) -> Result<Paging<'_>, Failure> {
        let scope = PageScope { operation, list };
        let after = match self.request.parameter("nextToken") {
            Some(token) if self.repeated_token.is_none() => Some(scope.after(&token)?),
            _ => None,
        };
        let limit = self.request.max_results().unwrap_or(usize::MAX).min(self.page_size).min(most);
        Ok(Paging { scope, after, limit, repeated_token: self.repeated_token })
    }
}

/// Where a page begins, how long it is, and the token of the next one.
struct Paging<'a> {
    scope: PageScope,
    after: Option<String>,
    limit: usize,
    repeated_token: Option<&'a str>,
}

impl Paging<'_> {
    fn after(&self) -> Option<&str> {
        self.after.as_deref()
    }

    fn next<T>(&self, page: &Page<'_, T>, id: impl Fn(&T) -> &str) -> Option<String> {
        let last = page.items.last().filter(|_| page.more);
        let token = || last.map(|last| self.scope.token(id(last)));
        self.repeated_token.map(str::to_owned).or_else(token)
    }
}
