//! Tags of everything that has an ARN.

use jiff::Timestamp;

use super::commands::Caller;
use super::nouns::{StudioId, Tags};
use super::refusal::{Refusal, TAG_KEY_LENGTH_MAX, TAG_VALUE_LENGTH_MAX, TAGS_MAX};
use super::{Held, Operation, World};

impl World {
    /// Adds tags to the resource of that ARN; a key that is there already gets the new value.
    ///
    /// # Errors
    /// Not found; validation for keys and values out of bounds; quota for more than [`TAGS_MAX`] tags.
    pub fn tag(
        &mut self,
        arn: &str,
        tags: &Tags,
        caller: Caller<'_>,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let at = self.bring_to(now);
        check_tags(tags)?;
        let held = self.tags_mut(arn)?;
        let count = held.len() + tags.keys().filter(|key| !held.contains_key(*key)).count();
        if count > TAGS_MAX {
            return Err(Refusal::TooManyTags { resource: arn.to_owned(), count });
        }
        held.extend(tags.iter().map(|(key, value)| (key.clone(), value.clone())));
        self.note(Operation::TagResource, arn, caller, at);
        Ok(())
    }

    /// Takes tags away; keys that are not there do not matter.
    ///
    /// # Errors
    /// Not found.
    pub fn untag(
        &mut self,
        arn: &str,
        keys: &[String],
        caller: Caller<'_>,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let at = self.bring_to(now);
        let held = self.tags_mut(arn)?;
        for key in keys {
            held.remove(key);
        }
        self.note(Operation::UntagResource, arn, caller, at);
        Ok(())
    }

    /// The tags of the resource of that ARN.
    ///
    /// # Errors
    /// Not found.
    pub fn tags(&mut self, arn: &str, now: Timestamp) -> Result<&Tags, Refusal> {
        self.advance(now);
        self.tags_of(arn).ok_or_else(|| Refusal::ResourceNotFound(arn.to_owned()))
    }

    /// The studio in which the ARN's resource lies.
    #[must_use]
    pub fn studio_of(&self, arn: &str) -> Option<&StudioId> {
        let (kind, id) = arn_tail(arn)?;
        let holds = |(_, held): &(&StudioId, &Held)| held.holds(kind, id, arn);
        self.studios.iter().find(holds).map(|(id, _)| id)
    }

    fn tags_of(&self, arn: &str) -> Option<&Tags> {
        let held = self.studios.get(self.studio_of(arn)?)?;
        let (kind, id) = arn_tail(arn)?;
        match kind {
            "studio" => Some(&held.studio.tags),
            "launch-profile" => held.profiles.get(id).map(|profile| &profile.tags),
            "streaming-image" => held.images.get(id).map(|image| &image.tags),
            "studio-component" => held.components.get(id).map(|component| &component.tags),
            "streaming-session-backup" => held.backups.get(id).map(|backup| &backup.tags),
            _ => held.sessions.get(id).map(|session| &session.tags),
        }
    }

    fn tags_mut(&mut self, arn: &str) -> Result<&mut Tags, Refusal> {
        let found = self.studio_of(arn).cloned().zip(arn_tail(arn));
        let tags = found.and_then(|(studio, (kind, id))| {
            let held = self.studios.get_mut(&studio)?;
            match kind {
                "studio" => Some(&mut held.studio.change().tags),
                "launch-profile" => held.profiles.get_mut(id).map(|profile| &mut profile.tags),
                "streaming-image" => held.images.get_mut(id).map(|image| &mut image.tags),
                "studio-component" => held.components.get_mut(id).map(|held| &mut held.tags),
                "streaming-session-backup" => held.backups.get_mut(id).map(|held| &mut held.tags),
                _ => held.sessions.get_mut(id).map(|session| &mut session.tags),
            }
        });
        tags.ok_or_else(|| Refusal::ResourceNotFound(arn.to_owned()))
    }
}

impl Held {
    fn holds(&self, kind: &str, id: &str, arn: &str) -> bool {
        let here = match kind {
            "studio" => return self.studio.arn() == arn,
            "launch-profile" => self.profiles.contains_key(id),
            "streaming-session" => self.sessions.contains_key(id),
            "streaming-image" => self.images.contains_key(id),
            "studio-component" => self.components.contains_key(id),
            "streaming-session-backup" => self.backups.contains_key(id),
            _ => false,
        };
        here && self.studio.arn_of(kind, id) == arn
    }
}

pub(super) fn check_tags(tags: &Tags) -> Result<(), Refusal> {
    for (key, value) in tags {
        let key_length = key.chars().count();
        if key_length == 0 || key_length > TAG_KEY_LENGTH_MAX || key.starts_with("aws:") {
            return Err(Refusal::TagKey(key.clone()));
        }
        let length = value.chars().count();
        if length > TAG_VALUE_LENGTH_MAX {
            return Err(Refusal::TagValue { key: key.clone(), length });
        }
    }
    Ok(())
}

/// The kind and the id at the end of an ARN.
fn arn_tail(arn: &str) -> Option<(&str, &str)> {
    arn.splitn(6, ':').nth(5)?.split_once('/')
}
