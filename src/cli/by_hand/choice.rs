//! Which sessions are meant: those that are named, or those that agree with patterns.

use std::sync::Arc;

use futures_util::future::join_all;

use super::super::sessions::owners;
use super::super::{Failure, studios};
use super::{BATCH, Deed, Target, fit};
use crate::clock::Clock;
use crate::ids::SessionId;
use crate::inventory::{Problem, SessionState, Snapshot};
use crate::plan::candidate;
use crate::policy::matcher::{Criteria, Judgement};
use crate::policy::{Glob, Matcher, Policy, StudioPolicy};
use crate::provider::Provider;
use crate::provider::nimble::Connections;

/// How many sessions may agree with a pattern where nobody says how many are meant: each is read, recorded
/// and called by itself, and a pattern that is wrong must not reach a whole studio.
const AT_MOST: usize = 200;

/// Sessions that are named, or that agree.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("which").required(true))]
pub(in crate::cli) struct Choice {
    /// The sessions, each by its id or as STUDIO/SESSION.
    #[arg(value_name = "SESSION", group = "which")]
    sessions: Vec<String>,

    /// All sessions that agree with this, as in 'tag:show=heron'.
    ///
    /// The words are those of a rule's `match`, but studio_role and not: owner, launch_profile, instance_type, session,
    /// streaming_image, persistence, tag:KEY; and studio and state. An owner is meant by id or by a name of
    /// [people]; a rule takes ids alone. `*` stands for any text, `?` for one character. Given several times:
    /// of one word one pattern suffices, and every word must agree.
    #[arg(long = "match", value_name = "WORD=PATTERN", group = "which")]
    patterns: Vec<String>,

    /// With --match: how many sessions are meant at the most.
    #[arg(long, value_name = "NUMBER", default_value_t = AT_MOST, requires = "patterns")]
    at_most: usize,
}

impl Choice {
    pub(in crate::cli) fn which(&self) -> Result<Which<'_>, Failure> {
        if self.patterns.is_empty() {
            return Ok(Which::Named(&self.sessions));
        }
        let patterns = Box::new(Patterns::read(&self.patterns)?);
        Ok(Which::Agreeing { patterns, at_most: self.at_most })
    }
}

/// The same, understood.
#[derive(Debug)]
pub(in crate::cli) enum Which<'a> {
    Named(&'a [String]),
    Agreeing { patterns: Box<Patterns>, at_most: usize },
}

/// What is asked of sessions.
#[derive(Debug, Default)]
pub(in crate::cli) struct Patterns {
    criteria: Criteria,
    owners: Vec<String>,
    studios: Vec<Glob>,
    states: Vec<Glob>,
}

impl Patterns {
    fn read(texts: &[String]) -> Result<Self, Failure> {
        let mut read = Self::default();
        for text in texts {
            let pair = text.split_once('=').filter(|(_, pattern)| !pattern.is_empty());
            let (word, pattern) = pair.ok_or_else(|| wrong(text, "it is no WORD=PATTERN"))?;
            read.take(text, word, pattern)?;
        }
        Ok(read)
    }

    fn take(&mut self, text: &str, word: &str, pattern: &str) -> Result<(), Failure> {
        let list = match word {
            "owner" => {
                self.owners.push(pattern.to_owned());
                return Ok(());
            }
            "persistence" => {
                let value = pattern.parse();
                let value = value.map_err(|_| wrong(text, "it is true or false"))?;
                if self.criteria.persistence.is_some_and(|other| other != value) {
                    return Err(wrong(text, "nothing is both"));
                }
                self.criteria.persistence = Some(value);
                return Ok(());
            }
            "launch_profile" => &mut self.criteria.launch_profile,
            "instance_type" => &mut self.criteria.instance_type,
            "session" => &mut self.criteria.session,
            "streaming_image" => &mut self.criteria.streaming_image,
            "studio" => &mut self.studios,
            "state" => &mut self.states,
            _ => {
                let key = word.strip_prefix("tag:").filter(|key| !key.is_empty());
                let key = key.ok_or_else(|| wrong(text, &format!("there is no word {word:?}")))?;
                self.criteria.tag.entry(key.to_owned()).or_default()
            }
        };
        list.push(Glob::new(pattern));
        Ok(())
    }

    fn matcher(&self, policy: &Policy) -> Matcher {
        let owner = owners(&self.owners, &policy.people);
        let criteria = Criteria { owner, ..self.criteria.clone() };
        if criteria.is_empty() { Matcher::All } else { Matcher::Where(criteria) }
    }

    fn takes_studio(&self, studio: &StudioPolicy) -> bool {
        agrees(&self.studios, studio.id.as_str())
            || studio.name.as_deref().is_some_and(|name| agrees(&self.studios, name))
    }
}

fn agrees(globs: &[Glob], text: &str) -> bool {
    globs.is_empty() || globs.iter().any(|glob| glob.matches(text))
}

fn wrong(text: &str, why: &str) -> Failure {
    Failure::Usage(format!(
        "--match {text:?}: {why}; write for example 'tag:show=heron', 'owner=Ada*' or \
         'launch_profile=Comp*'; the words are owner, launch_profile, instance_type, session, \
         streaming_image, persistence, tag:KEY, studio and state"
    ))
}

type Seen<'a> = (&'a StudioPolicy, Arc<dyn Provider>, Snapshot);

/// Finds the sessions, and reads each afresh.
pub(super) async fn find<'a>(
    policy: &'a Policy,
    clock: &Arc<dyn Clock>,
    which: &Which<'_>,
    deed: Deed,
) -> Result<Vec<Target<'a>>, Failure> {
    let connections = Connections::new(Arc::clone(clock));
    let is_of = |name: &String, studio: &StudioPolicy| {
        let place = studios::session(policy, name).map(|(place, _)| place);
        place.ok().flatten().is_none_or(|place| place.id == studio.id)
    };
    let is_asked = |studio: &&StudioPolicy| match which {
        Which::Named(names) => names.iter().any(|name| is_of(name, studio)),
        Which::Agreeing { patterns, .. } => patterns.takes_studio(studio),
    };
    let reads = policy.studios.values().filter(is_asked).map(async |studio| {
        let provider: Arc<dyn Provider> = Arc::new(connections.connect(studio));
        let snapshot = provider.observe().await;
        (studio, provider, snapshot)
    });
    let seen: Vec<Seen<'_>> = studios::side_by_side(reads, policy.daemon.concurrency).await;
    let found = match which {
        Which::Named(names) => named(policy, &seen, names)?,
        Which::Agreeing { patterns, at_most } => {
            let found = agreeing(policy, &seen, patterns, deed)?;
            bounded(found.len(), *at_most)?;
            found
        }
    };
    for (studio, _, snapshot) in found.iter().map(|(seen, _)| *seen) {
        if let Some(doubt) = crate::plan::account_doubt(studio, snapshot) {
            return Err(Failure::Failed(format!("{}: {doubt}; nothing was done", studio.label())));
        }
    }
    read_afresh(&found, which).await
}

/// A session that was seen, and where.
type Found<'a, 'b> = (&'b Seen<'a>, SessionId);

async fn read_afresh<'a>(
    found: &[Found<'a, '_>],
    which: &Which<'_>,
) -> Result<Vec<Target<'a>>, Failure> {
    let mut targets = Vec::with_capacity(found.len());
    for batch in found.chunks(BATCH) {
        let reads = batch.iter().map(async |((studio, provider, _), id)| {
            provider.read(id).await.map(|session| (*studio, Arc::clone(provider), session))
        });
        for read in join_all(reads).await {
            match (read, which) {
                (Ok((studio, provider, session)), _) => {
                    targets.push(Target { studio, provider, session });
                }
                // Nobody named it, and it is gone.
                (Err(error), Which::Agreeing { .. }) if error.problem == Problem::Gone => {}
                (Err(error), _) => return Err(Failure::of(&error)),
            }
        }
    }
    Ok(targets)
}

/// The sessions of these names, each once.
fn named<'a, 'b>(
    policy: &'a Policy,
    seen: &'b [Seen<'a>],
    names: &[String],
) -> Result<Vec<Found<'a, 'b>>, Failure> {
    let mut found: Vec<Found<'a, 'b>> = Vec::new();
    for name in names {
        let (place, id) = meant(policy, seen, name)?;
        if found.iter().all(|(other, other_id)| (&other.0.id, other_id) != (&place.0.id, &id)) {
            found.push((place, id));
        }
    }
    Ok(found)
}

/// A session, and the studio in which it is.
fn meant<'a, 'b>(
    policy: &'a Policy,
    seen: &'b [Seen<'a>],
    name: &str,
) -> Result<(&'b Seen<'a>, SessionId), Failure> {
    let (place, id) = studios::session(policy, name)?;
    let is_there = |(studio, _, snapshot): &&Seen<'_>| {
        place.is_none_or(|place| place.id == studio.id) && snapshot.sessions.contains_key(&id)
    };
    let found: Vec<_> = seen.iter().filter(is_there).collect();
    if let [one] = found[..] {
        return Ok((one, id));
    }
    let wrong = if found.is_empty() { "there is no session" } else { "more than one studio has" };
    let id = id.as_str();
    Err(Failure::Failed(format!("{wrong} {id:?}{}; nothing was done", gaps(seen))))
}

/// What could not be read, each after a semicolon.
fn gaps(seen: &[Seen<'_>]) -> String {
    let gaps = seen
        .iter()
        .flat_map(|(studio, _, snapshot)| snapshot.gaps.iter().map(move |gap| (studio, gap)));
    let gaps =
        gaps.map(|(studio, gap)| format!("; {} could not be read: {}", studio.label(), gap.detail));
    gaps.collect()
}

/// The sessions that agree and to which it can be done.
fn agreeing<'a, 'b>(
    policy: &Policy,
    seen: &'b [Seen<'a>],
    patterns: &Patterns,
    deed: Deed,
) -> Result<Vec<Found<'a, 'b>>, Failure> {
    let unread = gaps(seen);
    if !unread.is_empty() {
        return Err(Failure::Failed(format!(
            "nobody can tell which sessions agree{unread}; nothing was done"
        )));
    }
    let matcher = patterns.matcher(policy);
    let mut found = Vec::new();
    for place in seen {
        for (id, session) in &place.2.sessions {
            let is_apt = session.state != SessionState::Deleted
                && agrees(&patterns.states, &session.state.to_string())
                && (!matches!(deed, Deed::Unkeep) || fit::is_kept(session));
            let stronger = match deed {
                Deed::Keep { until, replace: false } => fit::stronger(session, until),
                _ => None,
            };
            let say = |words: &str| anstream::eprintln!("{}/{id} {words}", place.0.label());
            match (matcher.judge(&candidate(session)), stronger) {
                _ if !is_apt => {}
                (Judgement::Mismatch, _) => {}
                (Judgement::Match, None) => found.push((place, id.clone())),
                (Judgement::Match, Some(why)) => say(&format!("is left as it is: {why}")),
                (Judgement::Unclear(what), _) => say(&format!(
                    "is left out: nobody can tell whether it agrees, since its {what} is not known"
                )),
            }
        }
    }
    Ok(found)
}

fn bounded(count: usize, at_most: usize) -> Result<(), Failure> {
    match count {
        0 => Err(Failure::Failed("no session agrees; nothing was done".to_owned())),
        _ if count > at_most => Err(Failure::Usage(format!(
            "{count} sessions agree, and at most {at_most} are meant; nothing was done; if all are, say \
             --at-most {count}"
        ))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(texts: &[&str]) -> Result<Patterns, String> {
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        Patterns::read(&texts).map_err(|error| error.to_string())
    }

    #[test]
    fn the_words_are_those_of_a_rule() {
        let all = [
            "owner=Ada*",
            "launch_profile=Comp",
            "instance_type=g5.*",
            "session=one",
            "streaming_image=ami-*",
            "persistence=true",
            "tag:show=heron",
            "tag:show=ember",
            "tag:lightsout:keep=a=b",
            "studio=Feature",
            "state=READY",
        ];
        let read = read(&all).unwrap();
        let criteria = &read.criteria;
        assert_eq!(criteria.tag["show"], ["heron", "ember"].map(Glob::new));
        assert_eq!(criteria.tag["lightsout:keep"], [Glob::new("a=b")]);
        assert_eq!(
            (criteria.persistence, &read.owners[..]),
            (Some(true), &["Ada*".to_owned()][..])
        );
        assert_eq!((read.studios.len(), read.states.len()), (1, 1));
    }

    #[test]
    fn what_is_no_pattern_is_refused_with_what_to_write() {
        for wrong in
            [&["show"][..], &["tag:=x"], &["tag:show="], &["color=red"], &["persistence=maybe"]]
        {
            let said = read(wrong).unwrap_err();
            assert!(said.contains("write for example"), "{said}");
        }
        assert!(read(&["persistence=true", "persistence=false"]).is_err());
        insta::assert_snapshot!(read(&["color=red"]).unwrap_err(), @r#"--match "color=red": there is no word "color"; write for example 'tag:show=heron', 'owner=Ada*' or 'launch_profile=Comp*'; the words are owner, launch_profile, instance_type, session, streaming_image, persistence, tag:KEY, studio and state"#);
    }

    #[test]
    fn more_than_are_meant_are_refused_and_so_are_none() {
        assert!(bounded(200, 200).is_ok());
        let said = |count| bounded(count, 200).unwrap_err().to_string();
        assert_eq!(said(0), "no session agrees; nothing was done");
        assert_eq!(
            said(201),
            "201 sessions agree, and at most 200 are meant; nothing was done; if all are, say --at-most 201"
        );
    }
}
