//! Backups: the service makes one whenever a session stops whose backup mode is AUTOMATIC.
//!
//! A backup is begun with STOP_IN_PROGRESS and is READY with STOPPED. Beyond `maxBackupsToRetain`
//! the oldest goes; where that says nothing it counts as 0, like every number of the model that
//! is absent, and none is made.

use jiff::Timestamp;

use super::nouns::{BackupMode, Session, SessionId, SessionState, SessionStatusCode, Tags};
use super::refusal::Refusal;
use super::resources::Backup;
use super::{Held, Page, World, from, ids, page};

impl World {
    /// Adds a backup as it is, or replaces the one with that id; its ARN is filled in.
    ///
    /// # Errors
    /// There is no such studio or no such session.
    pub fn add_backup(&mut self, studio: &str, backup: Backup) -> Result<(), Refusal> {
        self.key(studio, backup.session_id.as_str())?;
        self.held_mut(studio)?.keep_backup(backup);
        Ok(())
    }

    /// A page of the backups after the id `after`, those of one owner where one is named.
    ///
    /// # Errors
    /// There is no such studio.
    pub fn backups(
        &mut self,
        studio: &str,
        owned_by: Option<&str>,
        after: Option<&str>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Page<'_, Backup>, Refusal> {
        self.advance(now);
        let rest = self.held(studio)?.backups.range::<str, _>(from(after));
        let rest = rest.map(|(_, backup)| backup);
        Ok(page(
            rest.filter(|backup| owned_by.is_none() || owned_by == backup.owned_by.as_deref()),
            limit,
        ))
    }

    /// One backup.
    ///
    /// # Errors
    /// There is no such studio or no such backup.
    pub fn backup(
        &mut self,
        studio: &str,
        backup: &str,
        now: Timestamp,
    ) -> Result<&Backup, Refusal> {
        self.advance(now);
        let backups = &self.held(studio)?.backups;
        backups.get(backup).ok_or_else(|| Refusal::BackupNotFound(backup.to_owned()))
    }

    /// Whether a session can be started from a backup.
    pub(super) fn check_backup(
        &self,
        studio: &str,
        session: &str,
        backup: &str,
    ) -> Result<(), Refusal> {
        self.key(studio, session)?;
        let found = self.held(studio)?.backups.get(backup);
        let found = found.ok_or_else(|| Refusal::BackupNotFound(backup.to_owned()))?;
        if found.session_id.as_str() != session {
            let session = found.session_id.to_string();
            return Err(Refusal::BackupOfAnother { backup: backup.to_owned(), session });
        }
        match &found.state {
            SessionState::Ready => Ok(()),
            SessionState::CreateInProgress => Err(Refusal::BackupInProgress(backup.to_owned())),
            state => {
                Err(Refusal::BackupNotReady { backup: backup.to_owned(), state: state.clone() })
            }
        }
    }
}

impl Held {
    /// Begins, completes or fails the backup that belongs to a stop.
    pub(super) fn follow_backups(&mut self, id: &SessionId, before: &SessionState) {
        let Some(session) = self.sessions.get(id) else { return };
        let retained = retained(session);
        match (before, &session.state) {
            (_, SessionState::StopInProgress) if retained > 0 => {
                if let Some(backup) = begun(session, self.studio.id.as_str()) {
                    self.keep_backup(backup);
                }
            }
            (SessionState::StopInProgress, SessionState::Stopped) => {
                self.settle_backup(id, SessionState::Ready, SessionStatusCode::Ready, None);
            }
            (SessionState::StopInProgress, _) => {
                let why = Some("the session could not be stopped".to_owned());
                let (state, code) = (SessionState::CreateFailed, SessionStatusCode::InternalError);
                self.settle_backup(id, state, code, why);
            }
            _ => return,
        }
        if *before == SessionState::StopInProgress {
            self.retain(id, retained);
        }
    }

    pub(super) fn keep_backup(&mut self, mut backup: Backup) {
        backup.arn = self.studio.arn_of("streaming-session-backup", &backup.id);
        let (id, session) = (backup.id.clone(), backup.session_id.clone());
        self.backups.insert(id.clone(), backup);
        let order = self.backups_of.entry(session).or_default();
        order.retain(|held| *held != id);
        order.push(id);
        order.sort_by_key(|id| (self.backups.get(id).map(|backup| backup.created_at), id.clone()));
    }

    /// Ends the making of a session's newest backup.
    fn settle_backup(
        &mut self,
        session: &SessionId,
        state: SessionState,
        code: SessionStatusCode,
        message: Option<String>,
    ) {
        let newest = self.backups_of.get(session).and_then(|order| order.last());
        let Some(backup) = newest.and_then(|id| self.backups.get_mut(id)) else { return };
        if backup.state == SessionState::CreateInProgress {
            backup.state = state;
            backup.status_code = Some(code);
            backup.status_message = message;
        }
    }

    /// Lets go the oldest of a session's backups beyond so many, and every failed one but the newest.
    fn retain(&mut self, session: &SessionId, count: usize) {
        let Some(order) = self.backups_of.get_mut(session) else { return };
        let is_ready = |id: &String| {
            self.backups.get(id).is_some_and(|backup| backup.state == SessionState::Ready)
        };
        let newest = order.last().cloned();
        let mut over = order.iter().filter(|id| is_ready(id)).count().saturating_sub(count);
        let (kept, gone) = std::mem::take(order).into_iter().partition(|id| {
            if is_ready(id) {
                let goes = over > 0;
                over = over.saturating_sub(1);
                !goes
            } else {
                newest.as_ref() == Some(id)
            }
        });
        *order = kept;
        let gone: Vec<String> = gone;
        for id in gone {
            self.backups.remove(&id);
        }
    }
}

fn retained(session: &Session) -> usize {
    match session.backup_mode {
        Some(BackupMode::Automatic) => {
            session.max_backups_to_retain.map_or(0, |count| usize::try_from(count).unwrap_or(0))
        }
        Some(BackupMode::Deactivated | BackupMode::Other(_)) | None => 0,
    }
}

fn begun(session: &Session, studio: &str) -> Option<Backup> {
    let at = session.stopped_at?;
    Some(Backup {
        id: ids::resource_id(&format!("{studio} backup {} {at}", session.id)),
        arn: String::new(),
        session_id: session.id.clone(),
        launch_profile_id: session.launch_profile_id.clone(),
        owned_by: session.owned_by.clone(),
        created_at: at,
        state: SessionState::CreateInProgress,
        status_code: Some(SessionStatusCode::CreateInProgress),
        status_message: None,
        tags: Tags::new(),
    })
}
