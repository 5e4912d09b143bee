//! A reader of one TOML table: takes keys one by one, then reports those that nobody took.
//!
//! Knows no key by itself, except where a key that is wrong here would be right. Start at [`Table`].

use toml::de::{DeTable, DeValue};

use super::diagnostic::{Diagnostic, Sink, Span};
use super::suggest;

/// Something and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Located<T> {
    pub(super) value: T,
    pub(super) span: Span,
}

/// What a table says under one key.
#[derive(Debug, Clone)]
pub(super) enum Field<T> {
    /// The key is not there.
    Absent,
    /// Its value was refused, and a diagnostic says so; nothing follows from it.
    Wrong,
    /// A value that is good by itself.
    Given(Located<T>),
}

impl<T> Field<T> {
    pub(super) fn given(&self) -> Option<&Located<T>> {
        match self {
            Self::Given(located) => Some(located),
            Self::Absent | Self::Wrong => None,
        }
    }

    pub(super) fn value(&self) -> Option<&T> {
        self.given().map(|located| &located.value)
    }

    pub(super) fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }
}

/// A value under a key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Value<'a> {
    /// The key, as the file has it.
    pub(super) key: &'a str,
    key_span: (usize, usize),
    pub(super) content: &'a DeValue<'a>,
    span: (usize, usize),
}

impl<'a> Value<'a> {
    pub(super) fn span(&self) -> Span {
        self.span.0..self.span.1
    }

    pub(super) fn key_span(&self) -> Span {
        self.key_span.0..self.key_span.1
    }

    /// The entries of a list, or the value itself as the only one.
    pub(super) fn entries(&self) -> Vec<Value<'a>> {
        match self.content {
            DeValue::Array(array) => array
                .iter()
                .map(|entry| {
                    let span = (entry.span().start, entry.span().end);
                    Value { content: entry.get_ref(), span, ..*self }
                })
                .collect(),
            _ => vec![*self],
        }
    }
}

/// How many tables of one kind may stand in one place: each rule is compared with those before it.
pub(super) const TABLES_MAX: usize = 500;

/// A table that is being read.
pub(super) struct Table<'a> {
    /// How the file heads it, as `[[studio]]`; empty for the file itself.
    heading: String,
    span: Span,
    entries: &'a DeTable<'a>,
    taken: Vec<&'static str>,
    refused: Vec<&'static str>,
}

impl<'a> Table<'a> {
    /// The table that a file is.
    pub(super) fn root(entries: &'a DeTable<'a>) -> Self {
        let heading = String::new();
        Self { heading, span: 0..0, entries, taken: Vec::new(), refused: Vec::new() }
    }

    /// The table that a value is, if it is one.
    pub(super) fn of(value: &Value<'a>, heading: &str, sink: &mut Sink) -> Option<Self> {
        let DeValue::Table(entries) = value.content else {
            sink.push(wrong_type(value, "a table").help(format!("write `{heading}`")));
            return None;
        };
        let (taken, refused) = (Vec::new(), Vec::new());
        Some(Self { heading: heading.to_owned(), span: value.span(), entries, taken, refused })
    }

    pub(super) fn span(&self) -> Span {
        self.span.clone()
    }

    /// The value of a key that may be there.
    pub(super) fn take(&mut self, key: &'static str) -> Option<Value<'a>> {
        if !self.taken.contains(&key) {
            self.taken.push(key);
        }
        self.find(key)
    }

    /// The value of a key as what `read` makes of it.
    pub(super) fn field<T>(
        &mut self,
        key: &'static str,
        sink: &mut Sink,
        read: impl FnOnce(&Value<'a>, &mut Sink) -> Option<T>,
    ) -> Field<T> {
        let Some(value) = self.take(key) else { return Field::Absent };
        match read(&value, sink) {
            Some(read) => Field::Given(Located { value: read, span: value.span() }),
            None => Field::Wrong,
        }
    }

    /// The tables of `[[key]]`.
    pub(super) fn tables(
        &mut self,
        key: &'static str,
        heading: &str,
        sink: &mut Sink,
    ) -> Vec<Table<'a>> {
        let Some(value) = self.take(key) else { return Vec::new() };
        if let DeValue::Array(array) = value.content {
            if array.len() > TABLES_MAX {
                let message = format!("there are {} tables `{heading}`", array.len());
                sink.push(
                    Diagnostic::error("too-many", value.span(), message)
                        .label(format!("at most {TABLES_MAX} are possible here"))
                        .help("say more with patterns and lists, or use several files and daemons"),
                );
                return Vec::new();
            }
            return value.entries().iter().filter_map(|one| Self::of(one, heading, sink)).collect();
        }
        sink.push(
            wrong_type(&value, "a list of tables")
                .help(format!("write `{heading}`, with two brackets")),
        );
        Vec::new()
    }

    /// Refuses a key that is a word of the configuration, but not one that works here.
    pub(super) fn refuse(
        &mut self,
        key: &'static str,
        sink: &mut Sink,
        why: impl FnOnce(&Value<'a>) -> Diagnostic,
    ) {
        self.refused.push(key);
        if let Some(value) = self.find(key) {
            sink.push(why(&value));
        }
    }

    /// Every entry, for tables whose keys are names.
    pub(super) fn all(&self) -> Vec<Value<'a>> {
        let value =
            |(key, content): (&'a toml::Spanned<_>, &'a toml::Spanned<_>)| to_value(key, content);
        self.entries.iter().map(value).collect()
    }

    /// Reports every key that nobody took.
    pub(super) fn finish(self, sink: &mut Sink) {
        for value in self.all() {
            let known = self.taken.iter().chain(&self.refused);
            if !known.clone().any(|known| *known == value.key) {
                sink.push(self.unknown(&value, known.copied()));
            }
        }
    }

    fn unknown(
        &self,
        value: &Value<'_>,
        known: impl Iterator<Item = &'static str> + Clone,
    ) -> Diagnostic {
        let key = suggest::quoted(value.key);
        let place = match self.heading.as_str() {
            "" => "at the top of the file".to_owned(),
            heading => format!("in `{heading}`"),
        };
        let diagnostic = Diagnostic::error(
            "unknown-key",
            value.key_span(),
            format!("unknown key {key} {place}"),
        );
        let mut valid = self.taken.clone();
        valid.sort_unstable();
        let diagnostic =
            diagnostic.note(format!("the keys here are {}", suggest::one_of(&valid, "and")));
        let home = HOMES.iter().find(|(name, _)| *name == value.key);
        match (home, suggest::closest(value.key, known)) {
            (Some((_, home)), _) => diagnostic.help(format!("{key} belongs {home}")),
            (None, Some(meant)) => diagnostic.help(format!("did you mean `{meant}`?")),
            (None, None) => diagnostic.help("leave it out"),
        }
    }

    /// The value of a key that counts neither as taken nor as refused.
    pub(super) fn peek(&self, key: &str) -> Option<Value<'a>> {
        self.find(key)
    }

    fn find(&self, key: &str) -> Option<Value<'a>> {
        let (key, content) = self.entries.iter().find(|(name, _)| name.get_ref() == key)?;
        Some(to_value(key, content))
    }
}

/// Where keys belong that people write in the wrong table, most often below a heading.
const HOMES: &[(&str, &str)] = &[
    ("version", "at the top of the file, before the first `[table]`"),
    (
        "mode",
        "at the top of the file, before the first `[table]`, or in `[defaults]`, a studio or a rule",
    ),
    ("scan", "in `[daemon]`"),
    ("state_dir", "in `[daemon]`"),
    ("concurrency", "in `[daemon]`"),
    ("path", "in `[audit]`"),
    ("rotate_size", "in `[audit]`"),
    ("rotate_age", "in `[audit]`"),
    ("stdout", "in `[audit]`"),
    ("listen", "in `[http]`"),
    ("token_file", "in `[http]`"),
    ("zone", "in `[schedule.NAME]`"),
    ("idle", "in `[schedule.NAME]`"),
    ("calendars", "in `[schedule.NAME]`"),
    ("opens", "in the `idle` of a `[schedule.NAME]`"),
    ("closes", "in the `idle` of a `[schedule.NAME]`"),
    ("effect", "in `[calendar.NAME]`"),
    ("dates", "in `[calendar.NAME]`"),
    ("ics", "in `[calendar.NAME]`"),
    ("command", "in `[veto.NAME]`"),
    ("timeout", "in `[veto.NAME]`"),
    ("defer_max", "in `[veto.NAME]`"),
    ("every", "in `[veto.NAME]`"),
    ("id", "in `[[studio]]`"),
    ("account", "in `[[studio]]`"),
    ("region", "in `[[studio]]`"),
    ("brake", "in `[[studio]]`"),
    ("per_scan", "in the `brake` of a `[[studio]]`"),
    ("per_hour", "in the `brake` of a `[[studio]]`"),
    ("endpoint_url", "in `[defaults]` or `[[studio]]`"),
    ("external_id", "in `[defaults]` or `[[studio]]`"),
    ("profile", "in `[defaults]` or `[[studio]]`"),
    ("role_arn", "in `[defaults]` or `[[studio]]`"),
    ("address", "with a person of `[people]`"),
    ("match", "in `[[studio.rule]]`"),
    ("keep", "in `[[studio.rule]]`"),
    ("owner", "in the `match` of a `[[studio.rule]]`"),
    ("launch_profile", "in the `match` of a `[[studio.rule]]`"),
    ("instance_type", "in the `match` of a `[[studio.rule]]`"),
    ("not", "in the `match` of a `[[studio.rule]]`"),
    ("persistence", "in the `match` of a `[[studio.rule]]`"),
    ("session", "in the `match` of a `[[studio.rule]]`"),
    ("streaming_image", "in the `match` of a `[[studio.rule]]`"),
    ("studio_role", "in the `match` of a `[[studio.rule]]`"),
    ("tag", "in the `match` of a `[[studio.rule]]`"),
    ("rule", "in a studio: write `[[studio.rule]]`"),
    (
        "schedule",
        "in `[defaults]`, `[[studio]]` or `[[studio.rule]]`, and what it names in `[schedule.NAME]`",
    ),
    (
        "veto",
        "in `[defaults]`, `[[studio]]` or `[[studio.rule]]`, and what it names in `[veto.NAME]`",
    ),
    ("start", "in `[defaults]`, `[[studio]]` or `[[studio.rule]]`"),
    ("start_lead", "in `[defaults]`, `[[studio]]` or `[[studio.rule]]`"),
    ("catch_up", "in `[defaults]`, `[[studio]]` or `[[studio.rule]]`"),
    ("keep_max", "in `[defaults]`, `[[studio]]` or `[[studio.rule]]`"),
    ("keep_remind", "in `[defaults]`, `[[studio]]` or `[[studio.rule]]`"),
    ("lease", "in `[defaults]`, `[[studio]]` or `[[studio.rule]]`"),
    ("least_stop", "in `[defaults]`, `[[studio]]` or `[[studio.rule]]`"),
    ("max_uptime", "in `[defaults]`, `[[studio]]` or `[[studio.rule]]`"),
    ("warn", "in `[defaults]`, `[[studio]]` or `[[studio.rule]]`"),
    ("preserve", "in `[defaults]`, `[[studio]]` or `[[studio.rule]]`"),
    ("return_margin", "in `[defaults]`, `[[studio]]` or `[[studio.rule]]`"),
];

fn to_value<'a>(
    key: &'a toml::Spanned<std::borrow::Cow<'a, str>>,
    content: &'a toml::Spanned<DeValue<'a>>,
) -> Value<'a> {
    let (key_span, span) = (key.span(), content.span());
    Value {
        key: key.get_ref(),
        key_span: (key_span.start, key_span.end),
        content: content.get_ref(),
        span: (span.start, span.end),
    }
}

/// A value of another type than the key takes.
pub(super) fn wrong_type(value: &Value<'_>, wanted: &str) -> Diagnostic {
    let found = match value.content {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    };
    let message = format!("`{}` takes {wanted}, not {found}", value.key);
    Diagnostic::error("wrong-type", value.span(), message).label(format!("this is {found}"))
}
