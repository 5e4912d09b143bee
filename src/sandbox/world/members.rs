//! Who belongs to a studio as its administrator, and to a launch profile as its user.

use jiff::Timestamp;

use super::commands::Caller;
use super::nouns::ResourceState;
use super::refusal::Refusal;
use super::resources::{Member, Members, Persona};
use super::{Operation, Page, World, from, page};

/// Whose members: a studio's, or those of one of its launch profiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MembersOf<'a> {
    pub studio: &'a str,
    pub launch_profile: Option<&'a str>,
}

impl World {
    /// A page of the members after the principal id `after`. A launch profile that is open to everybody has none.
    ///
    /// # Errors
    /// Not found.
    pub fn members(
        &self,
        of: MembersOf<'_>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<'_, Member>, Refusal> {
        let members = self.members_of(of)?.into_iter();
        let rest = members.flat_map(|members| members.range::<str, _>(from(after)));
        Ok(page(rest.map(|(_, member)| member), limit))
    }

    /// One member.
    ///
    /// # Errors
    /// Not found.
    pub fn member(&self, of: MembersOf<'_>, principal: &str) -> Result<&Member, Refusal> {
        let member = self.members_of(of)?.and_then(|members| members.get(principal));
        member.ok_or_else(|| Refusal::MemberNotFound(principal.to_owned()))
    }

    /// Adds a member as it is, or replaces the one with that principal id.
    ///
    /// # Errors
    /// Not found.
    pub fn add_member(&mut self, of: MembersOf<'_>, member: Member) -> Result<(), Refusal> {
        self.members_mut(of)?.insert(member.principal_id.clone(), member);
        Ok(())
    }

    /// Adds members, or gives them another persona. Who is there already keeps their security
    /// identifier.
    ///
    /// # Errors
    /// Not found; quota; validation for a malformed or reused client token.
    pub fn put_members(
        &mut self,
        of: MembersOf<'_>,
        identity_store_id: &str,
        new: &[(String, Persona)],
        caller: Caller<'_>,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let operation = match of.launch_profile {
            None => Operation::PutStudioMembers,
            Some(_) => Operation::PutLaunchProfileMembers,
        };
        let parameters = format!("{of:?}\n{identity_store_id}\n{new:?}");
        self.once(operation, parameters, caller, now, |world, _| {
            let quota = world.studio(of.studio)?.member_quota;
            // Only looked at first: a refusal must not close what is open to everybody.
            let mut put = world.members_of(of)?.cloned().unwrap_or_default();
            for (principal, persona) in new {
                let sid = put.get(principal).and_then(|member| member.sid.clone());
                let member = Member {
                    principal_id: principal.clone(),
                    identity_store_id: identity_store_id.to_owned(),
                    persona: persona.clone(),
                    sid,
                };
                put.insert(principal.clone(), member);
            }
            let resource = of.launch_profile.unwrap_or(of.studio).to_owned();
            match quota {
                Some(quota) if put.len() > quota => Err(Refusal::MemberQuota { resource, quota }),
                _ => {
                    *world.members_mut(of)? = put;
                    Ok((resource, ()))
                }
            }
        })
    }

    /// Gives a member of a launch profile a persona.
    ///
    /// # Errors
    /// Not found; validation for a malformed or reused client token.
    pub fn update_member(
        &mut self,
        of: MembersOf<'_>,
        principal: &str,
        persona: Persona,
        caller: Caller<'_>,
        now: Timestamp,
    ) -> Result<Member, Refusal> {
        let operation = Operation::UpdateLaunchProfileMember;
        let parameters = format!("{of:?}\n{principal}\n{persona:?}");
        self.once(operation, parameters, caller, now, |world, _| {
            world.member(of, principal)?;
            let member = world.members_mut(of)?.get_mut(principal);
            let member = member.ok_or_else(|| Refusal::MemberNotFound(principal.to_owned()))?;
            member.persona = persona;
            Ok((principal.to_owned(), member.clone()))
        })
    }

    /// Takes a member away.
    ///
    /// # Errors
    /// Not found; validation for a malformed or reused client token.
    pub fn delete_member(
        &mut self,
        of: MembersOf<'_>,
        principal: &str,
        caller: Caller<'_>,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let operation = match of.launch_profile {
            None => Operation::DeleteStudioMember,
            Some(_) => Operation::DeleteLaunchProfileMember,
        };
        let parameters = format!("{of:?}\n{principal}");
        self.once(operation, parameters, caller, now, |world, _| {
            // Asked first, so that a launch profile that is open to everybody stays so.
            world.member(of, principal)?;
            world.members_mut(of)?.remove(principal);
            Ok((principal.to_owned(), ()))
        })
    }

    /// Nothing where a launch profile is open to everybody.
    fn members_of(&self, of: MembersOf<'_>) -> Result<Option<&Members>, Refusal> {
        match of.launch_profile {
            None => Ok(Some(&self.held(of.studio)?.members)),
            Some(profile) => {
                let profile = self.launch_profile(of.studio, profile)?;
                if profile.state == ResourceState::Deleted {
                    return Err(Refusal::LaunchProfileNotFound(profile.id.to_string()));
                }
                Ok(profile.members.as_ref())
            }
        }
    }

    /// A launch profile that was open to everybody is so no longer.
    fn members_mut(&mut self, of: MembersOf<'_>) -> Result<&mut Members, Refusal> {
        self.members_of(of)?;
        let held = self.held_mut(of.studio)?;
        let Some(profile) = of.launch_profile else {
            return Ok(held.members.change());
        };
        let found = held.profiles.get_mut(profile);
        let found = found.ok_or_else(|| Refusal::LaunchProfileNotFound(profile.to_owned()))?;
        Ok(found.members.get_or_insert_default())
    }
}
