//! What stands between the daemon and the studio, and shows it what the studio itself could not
//! bring about.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use jiff::SignedDuration;
use lightsout::ids::SessionId;
use lightsout::inventory::{Doubt, Session, Snapshot, Stopping};
use lightsout::provider::{Accepted, ClientToken, Provider, ProviderError};

/// What a listing shows that is not so.
#[derive(Debug, Default)]
pub(crate) struct Disguise {
    /// Sessions whose launch profile is not among those listed.
    pub(crate) without_profile: BTreeSet<SessionId>,
    /// Nothing names the account.
    pub(crate) without_account: bool,
    /// No session but this one is listed.
    pub(crate) all_but: Option<SessionId>,
    /// So far the clock goes back during the next listing.
    pub(crate) clock_goes_back: Option<SignedDuration>,
}

impl Disguise {
    fn session(&self, session: Session) -> Session {
        if !self.without_profile.contains(&session.id) {
            return session;
        }
        Session {
            launch_profile_name: None,
            stopping: Stopping::Unclear(Doubt::NoLaunchProfile),
            ..session
        }
    }

    fn snapshot(&mut self, snapshot: Snapshot) -> Snapshot {
        let is_shown = |id: &SessionId| self.all_but.as_ref().is_none_or(|shown| shown == id);
        let sessions = snapshot.sessions.iter().filter(|(id, _)| is_shown(id));
        let shown = |session: &Session| Arc::new(self.session(session.clone()));
        let sessions = sessions.map(|(id, session)| (id.clone(), shown(session))).collect();
        Snapshot {
            began: snapshot.began + self.clock_goes_back.take().unwrap_or_default(),
            sessions,
            accounts: if self.without_account { Vec::new() } else { snapshot.accounts },
            ..snapshot
        }
    }
}

#[derive(Debug)]
pub(crate) struct Door {
    pub(crate) inner: Arc<dyn Provider>,
    pub(crate) disguise: Mutex<Disguise>,
}

impl Provider for Door {
    fn observe(&self) -> BoxFuture<'_, Snapshot> {
        let seen = self.inner.observe();
        seen.map(|snapshot| self.disguise.lock().unwrap().snapshot(snapshot)).boxed()
    }

    fn read<'a>(&'a self, session: &'a SessionId) -> BoxFuture<'a, Result<Session, ProviderError>> {
        let seen = self.inner.read(session);
        seen.map(|session| Ok(self.disguise.lock().unwrap().session(session?))).boxed()
    }

    fn stop<'a>(
        &'a self,
        session: &'a Session,
        token: &'a ClientToken,
    ) -> BoxFuture<'a, Result<Accepted, ProviderError>> {
        self.inner.stop(session, token)
    }

    fn start<'a>(
        &'a self,
        session: &'a Session,
        token: &'a ClientToken,
    ) -> BoxFuture<'a, Result<Accepted, ProviderError>> {
        self.inner.start(session, token)
    }

    fn tag<'a>(
        &'a self,
        session: &'a Session,
        key: &'a str,
        value: &'a str,
    ) -> BoxFuture<'a, Result<(), ProviderError>> {
        self.inner.tag(session, key, value)
    }

    fn untag<'a>(
        &'a self,
        session: &'a Session,
        key: &'a str,
    ) -> BoxFuture<'a, Result<(), ProviderError>> {
        self.inner.untag(session, key)
    }
}
