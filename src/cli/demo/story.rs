//! What the demonstration prints: the week as it happens, and what came of it.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::audit::chain::Head;
use crate::audit::record::{Deed, Journal, JournalError, Kind, Record, Stage};
use crate::audit::writer::LogWriter;
use crate::cli::output;
use crate::plan::Action;
use crate::policy::Policy;
use crate::report::{Prices, Savings};
use crate::sandbox::world::Operation;
use crate::sandbox::{PRINCIPAL, Requests, World};

/// The log, which tells on standard output what was just written to it.
#[derive(Debug)]
pub(super) struct Teller {
    log: LogWriter,
    told: Mutex<Vec<Record>>,
}

impl Teller {
    pub(super) fn new(log: LogWriter) -> Self {
        Self { log, told: Mutex::default() }
    }

    /// Everything that was written.
    pub(super) fn records(&self) -> Vec<Record> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Journal for Teller {
    fn commit(&self, records: Vec<Record>) -> BoxFuture<'_, Result<Vec<Record>, JournalError>> {
        Box::pin(async move {
            let records = self.log.commit(records).await?;
            tell(&records);
            self.told
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .extend(records.iter().cloned());
            Ok(records)
        })
    }

    fn head(&self) -> Option<Head> {
        self.log.head()
    }
}

/// Tells a batch: one line for all that is alike.
fn tell(records: &[Record]) {
    let mut alike: BTreeMap<(Timestamp, &'static str), Vec<&Record>> = BTreeMap::new();
    for record in records {
        if let Some(word) = word(record) {
            alike.entry((record.time, word)).or_default().push(record);
        }
    }
    for ((at, word), records) in alike {
        let data = records.first().map(|record| &record.data);
        let reason = data.and_then(|data| data.reason.as_ref()).map(|reason| reason.text.as_str());
        let state = data.and_then(|data| data.state_after.as_deref());
        let state = state.map(|state| format!("it is {state}"));
        let why = reason.map_or_else(|| state.unwrap_or_default(), str::to_owned);
        let sessions = match records.as_slice() {
            [one] => one.data.session.as_deref().unwrap_or("the studio").to_owned(),
            many => format!("{} sessions", many.len()),
        };
        line(at, word, &sessions, &why);
    }
}

/// The word for a record that is worth a line.
fn word(record: &Record) -> Option<&'static str> {
    let is_alarm = record.data.reason.as_ref().is_some_and(|reason| reason.alarm);
    match record.kind {
        Kind::WarningGiven => Some("warned"),
        Kind::KeepReminded => Some("keep ends"),
        Kind::StudioHeld => Some("held"),
        Kind::StudioResumed => Some("resumed"),
        Kind::SessionDecided if is_alarm => Some("look!"),
        Kind::SessionDecided => refused(record).then_some("kept"),
        _ => record.kind.deed().and_then(word_for_deed),
    }
}

fn word_for_deed(Deed { action, stage }: Deed) -> Option<&'static str> {
    match stage {
        Stage::Withheld => Some("withheld"),
        Stage::Dropped => Some("dropped"),
        Stage::Proven => Some(match action {
            Action::Stop => "stopped",
            Action::Start => "started",
        }),
        Stage::Rejected | Stage::Failed | Stage::Lapsed => Some("failed"),
        Stage::Late => Some("late"),
        Stage::Intended | Stage::Withdrawn | Stage::Accepted | Stage::Unanswered => None,
    }
}

/// Whether a decision leaves a machine on that is due.
fn refused(record: &Record) -> bool {
    let code = record.data.reason.as_ref().map(|reason| reason.code.as_str());
    matches!(code, Some("would_be_destroyed" | "stop_too_short"))
}

/// Tells that an artist came back in the evening or at the weekend.
pub(super) fn comes_back(at: Timestamp, session: &str) {
    line(at, "artist", session, "comes back and starts it");
}

/// Tells how many artists came in or went home.
pub(super) fn artists(at: Timestamp, how_many: usize, does: &str) {
    line(at, "artists", &format!("{how_many} sessions"), does);
}

fn line(at: Timestamp, word: &str, sessions: &str, why: &str) {
    let zone = TimeZone::get("America/Los_Angeles").unwrap_or(TimeZone::UTC);
    let at = at.to_zoned(zone).strftime("%a %H:%M:%S");
    anstream::println!("{at}  {word:<9} {sessions:<23} {why}");
}

/// What is about to happen.
pub(super) fn prologue(policy: &Policy, world: &Mutex<World>, start: Timestamp) {
    let mut world = world.lock().unwrap_or_else(PoisonError::into_inner);
    world.advance(start);
    let studios = policy.studios.values().map(|studio| {
        let everything = crate::sandbox::world::SessionFilter::default();
        let sessions = world.sessions(studio.id.as_str(), &everything, None, usize::MAX, start);
        let sessions = sessions.map_or(0, |page| page.items.len());
        format!("{} ({sessions} sessions)", studio.label())
    });
    let studios: Vec<String> = studios.collect();
    anstream::println!("A simulated studio on loopback, and the daemon against it over HTTP.");
    anstream::println!("Studio: {}. Times are those of Los Angeles.", studios.join(", "));
    anstream::println!();
}

/// How many sessions were destroyed while they were off because of us, and how many otherwise.
fn destroyed(world: &World) -> (usize, usize) {
    let is_ours = |session: &str| {
        let mut stops = world.effects().iter().filter(|effect| {
            effect.subject == session && effect.operation == Operation::StopStreamingSession
        });
        stops.next_back().is_some_and(|effect| effect.principal == PRINCIPAL)
    };
    let (ours, others): (Vec<_>, Vec<_>) =
        world.destroyed().iter().partition(|destroyed| is_ours(destroyed.session.as_str()));
    (ours.len(), others.len())
}

/// What came of it.
pub(super) fn epilogue(
    policy: &Policy,
    records: &[Record],
    world: &World,
    requests: &Requests,
    end: Timestamp,
) {
    let prices = Prices::new(&policy.prices);
    let savings = Savings::fold(records, &prices, end);
    let total = &savings.total;
    let count = |kind: &Kind| records.iter().filter(|record| record.kind == *kind).count();
    anstream::println!();
    anstream::println!("Stops proven          {:>8}", total.stops);
    anstream::println!("Starts proven         {:>8}", count(&Kind::StartProven));
    anstream::println!("Stops withheld        {:>8}  (mode observe)", count(&Kind::StopWithheld));
    anstream::println!("Warnings given        {:>8}", count(&Kind::WarningGiven));
    let (ours, others) = destroyed(world);
    anstream::println!("Work destroyed by us  {ours:>8}  ({others} by the service alone)");
    anstream::println!(
        "Hours not paid        {:>8.1}  machine hours that we caused",
        total.hours()
    );
    let date = prices.built_in_date();
    anstream::println!("USD not paid          {:>8.2}  on-demand prices of {date}", total.usd);
    for (instance_type, off) in &total.unpriced {
        anstream::println!(
            "  without a price: {:.1} h of {instance_type}",
            off.as_secs_f64() / 3600.0
        );
    }
    anstream::println!();
    let mut table = output::table(&["LEFT RUNNING", "SESSIONS", "FOR EXAMPLE"]);
    for (code, sessions) in &total.refusals {
        let example = records.iter().rev().filter_map(|record| record.data.reason.as_ref());
        let example = example.into_iter().find(|reason| reason.code == *code);
        let text = example.map_or("", |reason| reason.text.as_str());
        table.add_row(vec![code.clone(), sessions.to_string(), text.to_owned()]);
    }
    output::print(&table);
    anstream::println!();
    let calls = requests.counts();
    let calls: Vec<String> =
        calls.iter().map(|((_, operation), count)| format!("{count} {operation}")).collect();
    anstream::println!("Calls: {}.", calls.join(", "));
}
