//! Rules: that each has a name, a matcher and an effect, and that each can be reached.

use super::super::diagnostic::{Diagnostic, Sink};
use super::super::file::people::PersonFile;
use super::super::file::rule::{HELP_MATCH, RuleFile};
use super::super::file::studio::StudioFile;
use super::super::suggest::{one_of, quoted};
use super::settings::{Layers, Names, Seen};
use crate::policy::{Matcher, Rule};

/// The rules in the order of the file, without those that were refused.
pub(super) fn lower_all(
    studio: &StudioFile,
    people: &[PersonFile],
    layers: &Layers<'_>,
    names: &mut Names,
    uptimes: &mut Seen,
    sink: &mut Sink,
) -> Vec<Rule> {
    let mut rules = Vec::new();
    for (index, file) in studio.rules.iter().enumerate() {
        let (earlier, later) = (&studio.rules[..index], &studio.rules[index + 1..]);
        check_name(file, earlier, sink);
        check_match(file, earlier, sink);
        warn_of_names(file, people, sink);
        check_effect(file, later, sink);
        names.check_references(&file.settings, sink);
        let layers = layers.over(&file.settings);
        let keep = file.keep.value().copied().unwrap_or(false);
        if !keep {
            layers.check_durations(&file.span, uptimes, sink);
        }
        if let (Some(name), Some(matcher)) = (file.name.value(), file.matcher.value()) {
            let (name, matcher) = (name.as_str().into(), matcher.clone());
            rules.push(Rule { name, matcher, keep, settings: layers.resolve(names) });
        }
    }
    rules
}

fn check_name(file: &RuleFile, earlier: &[RuleFile], sink: &mut Sink) {
    if file.name.is_absent() {
        sink.push_absence(
            Diagnostic::error("missing-key", file.span.clone(), "this rule has no `name`")
                .note("decisions and records name the rule that applied")
                .help("write for example `name = \"supervisors\"`"),
        );
    }
    let Some(name) = file.name.given() else { return };
    let first = earlier.iter().filter_map(|rule| rule.name.given());
    if let Some(first) = first.clone().find(|first| first.value == name.value) {
        let message = format!("two rules of this studio have the name {}", quoted(&name.value));
        sink.push(
            Diagnostic::error("duplicate-rule", name.span.clone(), message)
                .related(first.span.clone(), "first here")
                .help("give each rule a name of its own"),
        );
    }
}

fn check_match(file: &RuleFile, earlier: &[RuleFile], sink: &mut Sink) {
    if file.matcher.is_absent() {
        let message = "this rule does not say whom it matches";
        sink.push_absence(
            Diagnostic::error("empty-match", file.span.clone(), message).help(HELP_MATCH),
        );
    }
    let Some(matcher) = file.matcher.given() else { return };
    if matcher.value.is_void() {
        let message = "this rule can never match";
        sink.push(
            Diagnostic::error("unreachable-rule", matcher.span.clone(), message)
                .label("`not` leaves out all that the rest of it means")
                .help("narrow the `not`, or leave this rule out"),
        );
        return;
    }
    let wider = earlier.iter().find_map(|rule| {
        let wider = rule.matcher.given()?;
        wider.value.covers(&matcher.value).then_some((rule, wider))
    });
    if let Some((rule, wider)) = wider {
        let first = match rule.name.value() {
            Some(name) => format!("the rule {} matches all of these first", quoted(name)),
            None => "this rule matches all of these first".to_owned(),
        };
        let message = "this rule can never match";
        sink.push(
            Diagnostic::error("unreachable-rule", matcher.span.clone(), message)
                .related(wider.span.clone(), first)
                .note("the first rule that matches wins")
                .help("move this rule before the other, or leave it out"),
        );
    }
}

/// Owners who are named: only their ids count, so that the rule is about nobody.
fn warn_of_names(file: &RuleFile, people: &[PersonFile], sink: &mut Sink) {
    // So many ids as anyone reads; a pattern may mean more.
    const SHOWN_MAX: usize = 5;
    let Some(matcher) = file.matcher.given() else { return };
    let Matcher::Where(criteria) = &matcher.value else { return };
    for owner in criteria.not.iter().chain([criteria]).flat_map(|criteria| &criteria.owner) {
        let is_named =
            |person: &&PersonFile| person.name.value().is_some_and(|name| owner.matches(name));
        let named: Vec<&PersonFile> = people.iter().filter(is_named).collect();
        let Some((first, name)) = named.first().and_then(|it| Some((it, it.name.value()?))) else {
            continue;
        };
        if people.iter().any(|person| owner.matches(&person.id)) {
            continue;
        }
        let mut ids: Vec<String> =
            named.iter().take(SHOWN_MAX).map(|person| quoted(&person.id)).collect();
        if named.len() > SHOWN_MAX {
            ids.push("those of the others".to_owned());
        }
        let message = format!(
            "a rule's `owner` is an id; {} is the name of {}",
            quoted(name),
            quoted(&first.id)
        );
        sink.push(
            Diagnostic::warning("owner-by-name", matcher.span.clone(), message)
                .label(format!("{} agrees with no id in `[people]`", quoted(&owner.to_string())))
                .help(format!("write {} in its place", one_of(&ids, "and"))),
        );
    }
}

/// A rule must change something. `keep = false` alone does where a later rule might keep the
/// session: it takes those that match out of that rule's reach.
fn check_effect(file: &RuleFile, later: &[RuleFile], sink: &mut Sink) {
    let message = "this rule has no effect";
    match (&file.keep, file.settings.is_empty()) {
        (keep, true) if keep.is_absent() => sink.push_absence(
            Diagnostic::error("rule-without-effect", file.span.clone(), message)
                .label("it says neither `keep` nor a setting")
                .help("write `keep = true`, or a setting such as `lease = \"4h\"`"),
        ),
        (keep, true) if keep.value() == Some(&false) && later.is_empty() => sink.push(
            Diagnostic::error("rule-without-effect", file.span.clone(), message)
                .label("`keep = false` is what holds without it, and no later rule says otherwise")
                .help("write `keep = true`, or leave the rule out"),
        ),
        (keep, false) if keep.value() == Some(&true) => {
            warn_of_settings(file, sink);
        }
        _ => {}
    }
}

/// One warning for all the settings of a rule that keeps and has no use for them.
fn warn_of_settings(file: &RuleFile, sink: &mut Sink) {
    let mut spans = file.settings.spans_about_stops();
    spans.sort_by_key(|span| span.start);
    let Some((first, rest)) = spans.split_first() else { return };
    let message = "such settings of a rule that keeps have no effect";
    let mut warning = Diagnostic::warning("setting-without-effect", first.clone(), message)
        .label("what is kept is never stopped");
    for span in rest {
        warning = warning.related(span.clone(), "nor does this matter");
    }
    sink.push(warning.help("leave out either these settings or `keep = true`"));
}
