//! The spool: a directory with one small file for each request that waits.
//!
//! A file is written under another name and then renamed, so that nobody sees half of one. Only the
//! directory's owner, or root, can put one there; what cannot be understood is moved aside and said, and
//! never acted upon. Files are read in a thread of their own: a disk that hangs holds up no studio.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use rustix::fs::{Mode, OFlags};
use tokio::sync::Semaphore;

use super::{Request, Switchboard, WAITING_MAX, Wish, file};
use crate::clock::Clock;

/// The directory's name in the state directory.
const DIRECTORY: &str = "requests";

/// Where what cannot be understood is moved to.
const ASIDE: &str = "refused";

/// How often the directory is looked at.
const LOOK_EVERY: SignedDuration = SignedDuration::from_secs(2);

/// How long a disk is waited for. A reload waits for whoever waits here.
const ANSWERS_WITHIN: SignedDuration = SignedDuration::from_secs(30);

/// How long a request's file may be: three texts, two instants and a few numbers.
const FILE_BYTES_MAX: u64 = 8 * 1024;

/// How many names are read of a directory; whatever else is in it waits.
const NAMES_MAX: usize = 1024;

/// The end of a request's file name.
const SUFFIX: &str = ".json";

/// Requests as files.
#[derive(Debug, Clone)]
pub struct Spool {
    directory: PathBuf,
    clock: Arc<dyn Clock>,
    /// What is wrong with it, as it was said last: it is said once, and not every two seconds.
    said: Arc<Mutex<Option<String>>>,
    /// Taken by the one thread that waits for the disk.
    place: Arc<Semaphore>,
}

/// Why requests cannot be handed over, or seen.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// The operating system refused.
    #[error("cannot {attempt} {}", path.display())]
    Io {
        /// What was attempted.
        attempt: &'static str,
        /// On which file or directory.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// Others than its owner could put requests there.
    #[error(
        "others than its owner may write {}, so that its requests cannot be trusted; \
         `chmod 700` it",
        path.display()
    )]
    Open {
        /// The directory.
        path: PathBuf,
    },
    /// Too many wait.
    #[error("{WAITING_MAX} requests wait already; a daemon that runs takes them")]
    Full,
}

/// The id of a file, and the request in it, or why there is none.
type Found = (String, Result<Request, NoRequest>);

/// Why nobody is to act by a file.
#[derive(Debug)]
enum NoRequest {
    /// It is none that this program knows, and never will be.
    Malformed(String),
    /// It cannot be read now, and may be one.
    Unread(io::Error),
}

/// Removes the oldest of what was put aside, where that is a lot; their names are in the order in which
/// they were made.
fn make_room(aside: &Path) {
    let entries = fs::read_dir(aside).into_iter().flatten().take(NAMES_MAX);
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort_unstable();
    let surplus = (paths.len() + 1).saturating_sub(WAITING_MAX);
    for path in paths.iter().take(surplus) {
        if let Err(error) = fs::remove_file(path) {
            tracing::warn!(%error, "{} cannot be removed", path.display());
        }
    }
}

fn failed(attempt: &'static str, path: &Path) -> impl FnOnce(io::Error) -> SpoolError {
    let path = path.to_owned();
    move |source| SpoolError::Io { attempt, path, source }
}

impl Spool {
    /// The spool of a state directory. Nothing is created or read yet.
    #[must_use]
    pub fn of(state_dir: &Path, clock: Arc<dyn Clock>) -> Self {
        let (directory, place) = (state_dir.join(DIRECTORY), Arc::new(Semaphore::new(1)));
        Self { directory, clock, said: Arc::default(), place }
    }

    /// Hands a request over, and answers with it.
    ///
    /// # Errors
    ///
    /// When it cannot be written, or too many wait.
    pub fn add(&self, who: &str, wish: Wish) -> Result<Request, SpoolError> {
        self.create()?;
        if self.names()?.len() >= WAITING_MAX {
            return Err(SpoolError::Full);
        }
        let at = self.clock.now();
        let request = Request { id: self.unused_id(at), at, who: who.to_owned(), wish };
        let unfinished = self.directory.join(format!(".{}", request.id));
        let path = self.path(&request.id);
        write(&unfinished, file::text(&request).as_bytes())
            .and_then(|file| give_to_owner(&file, &self.directory))
            .and_then(|()| fs::rename(&unfinished, &path))
            .and_then(|()| File::open(&self.directory)?.sync_all())
            .map_err(|error| {
                // Nobody reads a file of this name; were it to stay, it would only take room.
                let _ = fs::remove_file(&unfinished);
                failed("write the request", &path)(error)
            })?;
        Ok(request)
    }

    /// Whether a request still waits. One that cannot be looked for does: what is gone counts as taken.
    #[must_use]
    pub fn waits(&self, request: &Request) -> bool {
        self.path(&request.id).try_exists().unwrap_or(true) || !self.directory.is_dir()
    }

    /// Takes a request back, and says whether it was still there: one that was taken in this moment stays
    /// taken.
    ///
    /// # Errors
    ///
    /// When its file cannot be removed.
    pub fn withdraw(&self, request: &Request) -> Result<bool, SpoolError> {
        let path = self.path(&request.id);
        match fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(failed("take back", &path)(error)),
        }
    }

    /// Whether a request was put aside, since a daemon could not follow it; or nobody can tell.
    #[must_use]
    pub fn is_refused(&self, request: &Request) -> bool {
        self.aside(&request.id).try_exists().unwrap_or(true)
    }

    /// The requests that wait, oldest first; what cannot be read is passed over. Changes nothing.
    ///
    /// # Errors
    ///
    /// When the directory cannot be read, or cannot be trusted. One that is not there is empty.
    pub fn look(&self) -> Result<Vec<Request>, SpoolError> {
        let found = self.read_all()?.into_iter().filter_map(|(_, request)| request.ok());
        Ok(found.take(WAITING_MAX).collect())
    }

    /// Creates the directory, for its owner alone, where it is missing.
    fn create(&self) -> Result<(), SpoolError> {
        if self.directory.is_dir() {
            return self.trusted();
        }
        let parent = self.directory.parent().unwrap_or(Path::new("."));
        let create = |path: &Path| DirBuilder::new().recursive(true).mode(0o700).create(path);
        create(parent).and_then(|()| create(&self.directory)).map_err(failed("create", parent))?;
        let made = rustix::fs::open(
            &self.directory,
            OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC,
            Mode::empty(),
        );
        made.map_err(io::Error::from)
            .and_then(|made| give_to_owner(&File::from(made), parent))
            .map_err(failed("create", &self.directory))
    }

    fn trusted(&self) -> Result<(), SpoolError> {
        let path = &self.directory;
        let found = fs::metadata(path).map_err(failed("look at", path))?;
        if found.mode() & 0o022 == 0 {
            Ok(())
        } else {
            Err(SpoolError::Open { path: path.clone() })
        }
    }

    /// The ids of the files that are there, in their order.
    fn names(&self) -> Result<Vec<String>, SpoolError> {
        let entries = match fs::read_dir(&self.directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed("read", &self.directory)(error)),
        };
        self.trusted()?;
        let name = |entry: io::Result<fs::DirEntry>| entry.ok()?.file_name().into_string().ok();
        let names = entries.take(NAMES_MAX).filter_map(name);
        let id = |name: String| {
            let id = name.strip_suffix(SUFFIX).filter(|id| !id.starts_with('.'))?;
            Some(id.to_owned())
        };
        let mut ids: Vec<String> = names.filter_map(id).collect();
        ids.sort_unstable();
        Ok(ids)
    }

    fn read_all(&self) -> Result<Vec<Found>, SpoolError> {
        let ids = self.names()?;
        let read = |id: String| {
            let understood = |text: Vec<u8>| file::read(&id, &text).map_err(NoRequest::Malformed);
            let request = read(&self.path(&id)).and_then(understood);
            (id, request)
        };
        Ok(ids.into_iter().take(WAITING_MAX).map(read).collect())
    }

    /// The requests that wait.
    fn hear(&self) -> Vec<Request> {
        let found = self.create().and_then(|()| self.read_all());
        let (requests, wrong) = match found {
            Ok(found) => self.sort_out(found),
            Err(error) => (Vec::new(), Some(error)),
        };
        self.tell(wrong.as_ref().map(with_source));
        requests
    }

    /// What cannot be understood is moved aside. What cannot be read stays where it is, and is looked at again.
    fn sort_out(&self, found: Vec<Found>) -> (Vec<Request>, Option<SpoolError>) {
        let (mut requests, mut wrong) = (Vec::new(), None);
        for (id, request) in found {
            match request {
                Ok(request) => requests.push(request),
                Err(NoRequest::Malformed(why)) => self.put_aside(&id, &why),
                // Whoever made it took it back.
                Err(NoRequest::Unread(error)) if error.kind() == io::ErrorKind::NotFound => {}
                Err(NoRequest::Unread(error)) => {
                    wrong = Some(failed("read the request", &self.path(&id))(error));
                }
            }
        }
        (requests, wrong)
    }

    /// Says what is wrong, where it is not what was said last.
    fn tell(&self, now: Option<String>) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = now.as_ref().filter(|now| said.as_ref() != Some(*now)) {
            tracing::warn!(error, "pause, resume and approve are not heard");
        }
        *said = now;
    }

    fn put_aside(&self, id: &str, why: &str) {
        let (from, to) = (self.path(id), self.aside(id));
        tracing::warn!(request = id, why, "a request is not followed, and put aside");
        let aside = self.directory.join(ASIDE);
        let created = DirBuilder::new().recursive(true).mode(0o700).create(&aside);
        make_room(&aside);
        // Where it lies tells whoever made it what became of it, so it is never removed instead.
        if let Err(error) = created.and_then(|()| fs::rename(&from, &to)) {
            tracing::warn!(request = id, %error, "a request cannot be put aside");
        }
    }

    fn remove(&self, id: &str) {
        if let Err(error) = fs::remove_file(self.path(id)) {
            tracing::warn!(request = id, %error, "a request that was taken cannot be removed");
        }
    }

    /// The instant, so that ids are in the order in which requests were made, and the process.
    fn unused_id(&self, at: Timestamp) -> String {
        let id = |number: u32| {
            format!("{:020}-{}-{number}", at.as_nanosecond().max(0), std::process::id())
        };
        let mut number = 0;
        while self.path(&id(number)).exists() {
            number += 1;
        }
        id(number)
    }

    fn path(&self, id: &str) -> PathBuf {
        self.directory.join(format!("{id}{SUFFIX}"))
    }

    fn aside(&self, id: &str) -> PathBuf {
        self.directory.join(ASIDE).join(format!("{id}{SUFFIX}"))
    }

    /// Does something with the directory in a thread that may wait for the disk; nobody waits for it for long,
    /// and no other begins before it is over.
    async fn apart<T: Send + 'static>(
        &self,
        act: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> Option<T> {
        let _hold = self.clock.hold("requests");
        let acting = async {
            let place = Arc::clone(&self.place).acquire_owned().await.ok()?;
            let spool = self.clone();
            let act = move || {
                let _place = place;
                act(&spool)
            };
            let done = tokio::task::spawn_blocking(act).await;
            done.inspect_err(|error| tracing::error!(%error, "looking for requests failed")).ok()
        };
        tokio::select! {
            biased;
            done = acting => done,
            () = self.clock.sleep(ANSWERS_WITHIN) => {
                let path = self.directory.display();
                self.tell(Some(format!("{path} does not answer within {ANSWERS_WITHIN:#}")));
                None
            }
        }
    }
}

impl Switchboard for Spool {
    fn waiting(&self) -> BoxFuture<'_, Vec<Request>> {
        Box::pin(async { self.apart(Self::hear).await.unwrap_or_default() })
    }

    fn taken(&self, request: &Request) -> BoxFuture<'_, ()> {
        let id = request.id.clone();
        Box::pin(
            async move { self.apart(move |spool| spool.remove(&id)).await.unwrap_or_default() },
        )
    }

    fn refused(&self, request: &Request, why: String) -> BoxFuture<'_, ()> {
        let id = request.id.clone();
        Box::pin(async move {
            self.apart(move |spool| spool.put_aside(&id, &why)).await.unwrap_or_default();
        })
    }

    fn wait(&self) -> BoxFuture<'_, ()> {
        self.clock.sleep(LOOK_EVERY)
    }
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<File> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    Ok(file)
}

/// Root writes requests for a daemon that is somebody else, who has to be able to read them. What was made is
/// given away, and not what has its name by now: the daemon's user may put a link there.
fn give_to_owner(made: &File, directory: &Path) -> io::Result<()> {
    let owner = fs::metadata(directory)?;
    if made.metadata()?.uid() == owner.uid() {
        return Ok(());
    }
    fchown(made, Some(owner.uid()), Some(owner.gid()))
}

fn with_source(error: &SpoolError) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// Reads a request's file; a link, a pipe, a long one or another user's is none.
fn read(path: &Path) -> Result<Vec<u8>, NoRequest> {
    let unread = |error: io::Error| match error.kind() {
        io::ErrorKind::PermissionDenied => NoRequest::Malformed(error.to_string()),
        _ => NoRequest::Unread(error),
    };
    if !fs::symlink_metadata(path).map_err(unread)?.is_file() {
        return Err(NoRequest::Malformed("it is no file".to_owned()));
    }
    let mut text = Vec::new();
    let file = File::open(path).map_err(unread)?;
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut text).map_err(unread)?;
    if text.len() as u64 > FILE_BYTES_MAX {
        let words = format!("it is longer than {FILE_BYTES_MAX} bytes");
        return Err(NoRequest::Malformed(words));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SimulatedClock;

    #[test]
    fn what_cannot_be_read_now_is_not_put_aside() {
        let directory = tempfile::tempdir().unwrap();
        let clock: Arc<dyn Clock> = Arc::new(SimulatedClock::new(Timestamp::UNIX_EPOCH));
        let spool = Spool::of(&directory.path().join("state"), clock);
        let [stale, other] =
            [(); 2].map(|()| spool.add("ada", Wish::Resume { studio: None }).unwrap());
        let unread = |kind: io::ErrorKind| Err(NoRequest::Unread(kind.into()));
        let gone = ("gone".to_owned(), unread(io::ErrorKind::NotFound));
        let first = (stale.id.clone(), unread(io::ErrorKind::StaleNetworkFileHandle));
        let second = (other.id.clone(), Ok(other.clone()));
        let (heard, wrong) = spool.sort_out(vec![gone, first, second]);
        assert_eq!(heard, std::slice::from_ref(&other));
        assert!(with_source(&wrong.unwrap()).contains(&format!("{}.json: stale", stale.id)));
        assert!(spool.waits(&stale) && !spool.is_refused(&stale));
        // Read again, it is heard.
        assert_eq!(spool.hear(), [stale, other]);
    }
}
