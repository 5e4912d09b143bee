//! What owners are in the studio, read only where a rule goes by that.
//!
//! The service's list of members holds administrators alone: who uses a studio otherwise is in no list.
//! So who is missing from a whole list has no role, and only a list with a gap leaves it open.

use std::collections::HashMap;

use aws_sdk_nimble::Client;
use futures_util::TryFutureExt;

use super::calls::Call;
use super::errors::{garbled, provider_error};
use super::observe::listed;
use super::pages::{Page, read_pages};
use super::{NimbleStudio, translate};
use crate::ids::{OwnerId, StudioRole};
use crate::inventory::{Gap, Problem, Wanted};
use crate::provider::ProviderError;

/// The largest page of members that may be asked for.
const MEMBERS_PER_PAGE: i32 = 100;

/// The roles in a studio.
#[derive(Debug)]
pub(super) enum Roles {
    /// Nobody asked.
    Unasked,
    /// Those of its members, of whom some may be what we do not know; nobody else has any.
    Known(HashMap<String, Option<StudioRole>>),
    /// They could not be read whole.
    Unread(Gap),
}

impl Roles {
    /// What an owner is in the studio, where that is known.
    pub(super) fn of(&self, owner: Option<&OwnerId>) -> Option<StudioRole> {
        match self {
            Self::Unasked | Self::Unread(_) => None,
            Self::Known(roles) => {
                let role = roles.get(owner?.as_str()).copied();
                role.unwrap_or(Some(StudioRole::Nothing))
            }
        }
    }

    /// Why they are not known, where they should be.
    pub(super) fn gap(&self) -> Option<&Gap> {
        match self {
            Self::Unasked | Self::Known(_) => None,
            Self::Unread(gap) => Some(gap),
        }
    }
}

impl NimbleStudio {
    /// The roles of all members, where they are asked for.
    pub(super) async fn list_roles(&self) -> Roles {
        if !self.asks_roles {
            return Roles::Unasked;
        }
        let page = |client: Client, token: Option<String>| {
            let call = client
                .list_studio_members()
                .studio_id(self.id.as_str())
                .max_results(MEMBERS_PER_PAGE)
                .set_next_token(token);
            let answer =
                call.send().map_err(|error| provider_error(Call::ListStudioMembers, &error));
            self.shared.measured(Call::ListStudioMembers, answer)
        };
        let listing = read_pages(Wanted::Members, &*self.clock, |token| async move {
            let output = self.reading(|client| page(client, token.clone())).await?;
            let items = listed(Call::ListStudioMembers, "members", output.members)?;
            Ok(Page { items, next_token: output.next_token })
        })
        .await;
        if let Some(gap) = listing.gap {
            return Roles::Unread(gap);
        }
        let mut roles = HashMap::new();
        let mut nameless = 0_usize;
        for member in listing.items {
            let role = translate::studio_role(&member);
            match member.principal_id.filter(|id| !id.is_empty()) {
                Some(id) => drop(roles.insert(id, role)),
                None => nameless += 1,
            }
        }
        if nameless == 0 { Roles::Known(roles) } else { Roles::Unread(nameless_gap(nameless)) }
    }

    /// What an owner is in the studio, read afresh; `None` where nobody asks, or there is no owner.
    pub(super) async fn read_role(
        &self,
        owner: Option<&OwnerId>,
    ) -> Result<Option<StudioRole>, ProviderError> {
        const OPERATION: Call = Call::GetStudioMember;
        let Some(owner) = owner.filter(|_| self.asks_roles) else { return Ok(None) };
        let output = self.reading(|client| {
            let call =
                client.get_studio_member().studio_id(self.id.as_str()).principal_id(owner.as_str());
            let answer = call.send().map_err(|error| provider_error(OPERATION, &error));
            self.shared.measured(OPERATION, answer)
        });
        match output.await {
            Ok(output) => {
                let is_asked = |id: &str| id == owner.as_str();
                let member = output.member;
                let member = member.filter(|m| m.principal_id.as_deref().is_some_and(is_asked));
                let member =
                    member.ok_or_else(|| garbled(OPERATION, "it is about another member"))?;
                Ok(translate::studio_role(&member))
            }
            Err(error) if error.problem == Problem::Gone => Ok(Some(StudioRole::Nothing)),
            Err(error) => Err(error),
        }
    }
}

/// A member without an id may be any owner.
fn nameless_gap(count: usize) -> Gap {
    let detail = format!("{count} of the members carry no id");
    Gap { wanted: Wanted::Members, problem: Problem::Garbled, detail }
}
