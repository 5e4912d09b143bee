//! What the page says that is about no single key: how it begins, how values are written, and the tags.

/// How the page begins.
pub(super) const INTRODUCTION: &str = r#"<!-- Generated from src/config/schema by `LIGHTSOUT_BLESS=1 cargo test schema`; do not edit. -->

# The policy file

One TOML file says what lightsout does. For each session, each setting comes from the nearest place that says
it: the first rule of its studio that matches, else the studio, else `[defaults]`, else what is built in. A
list replaces the list of a place further away and is never added to it; `"off"` unsets what a place further
away says.

Durations carry their units (`"30m"`), prices are in USD an hour, and a relative path begins at the directory
of the file. A key that is not known is an error, and nothing that is missing, empty or zero means "all" or
"no limit". `lightsout check` shows every mistake of a file at once.

An editor that knows JSON Schema for TOML (Even Better TOML, or anything else with Taplo) completes and
checks the file while it is typed, where its first line is:

```toml
#:schema ./lightsout.schema.json
```

The schema is [config/lightsout.schema.json](../config/lightsout.schema.json), and `lightsout check --schema`
prints it. A commented file to begin with is [config/example.toml](../config/example.toml).
"#;

/// Where the rest of the page is, below its contents.
pub(super) const REST: &str = "How values are written: [durations](#durations), \
    [weekly windows](#weekly-windows), [cron expressions](#cron-expressions), [dates](#dates), \
    [patterns](#patterns), [instants](#instants). What [tags on a session](#tags-on-a-session) say.";

/// How values are written.
pub(super) const VALUES: &str = r#"## How values are written

### Durations

Numbers with units. A day has 24 hours and a week 7 days; months and years have no fixed length and are
refused, as is a bare number.

```text
duration = number unit, once or several times, the largest unit first
unit     = w | d | h | m | s     (or longer: weeks, days, hours, minutes, seconds)

"30m"   "2h"   "1h 30m"   "2d"   "90s"   "1 hour 30 minutes"
```

### Weekly windows

Days, and hours on them; days alone are whole days. Before the days may stand which weeks of the month are
meant: of its Mondays the first, for `1st Mon`.

```text
window = [weeks] days [hours]
weeks  = 1st | 2nd | 3rd | 4th | 5th | last            2nd,4th   1st-3rd
days   = Mon | Tue | Wed | Thu | Fri | Sat | Sun       Mon,Wed   Sun-Fri
hours  = HH:MM-HH:MM, from 00:00 to 24:00              20:00-07:00

"Sun-Fri 20:00-07:00"   "Sat-Sun"   "Mon,Wed 12:00-13:30"   "1st Mon 00:00-12:00"   "last Fri 18:00-24:00"
```

A window belongs to the day on which it opens: `Fri 20:00-07:00` ends on Saturday morning. An end at or
before its start is on the next day. Windows that touch or overlap are one. A time of the day that a clock
change skips moves forward by the length of the gap; one that comes twice means the first.

### Cron expressions

Five fields mean what they mean in crontab(5): `0` and `7` are Sunday, names work, and ranges may go over the
end of the week (`Fri-Mon`). One of the two fields for days must be `*`. The seconds, where there are any, are
one number.

```text
       minute hour day-of-month month day-of-week          "0 20 * * Mon-Fri"
second minute hour day-of-month month day-of-week          "0 0 20 * * Mon-Fri"
second minute hour day-of-month month day-of-week year     "0 0 20 * * Mon-Fri 2026"
```

### Dates

Days of one year or of every year, or civil times. They are read in the zone of the schedule that names the
calendar. The last day of a range is part of it, the last minute of a range of times is not. `02-29` is there
in leap years only.

```text
"2026-12-24"                               a day
"2026-12-24..2027-01-01"                   days
"07-04"                                    a day of every year
"12-24..01-01"                             days of every year, here over the new year
"2026-11-27 20:00 .. 2026-11-30 07:00"     from a time to another
```

### Patterns

`*` is any text and `?` is one character; the whole text must agree, and capitals count.

```text
"g5.*"   "g4dn.1?xlarge"   "Lead *"   "*"
```

### Instants

RFC 3339, with an offset or `Z`. No key of the file takes one; tags and the command line do.

```text
"2026-12-01T07:00:00Z"   "2026-12-01T08:00:00+01:00"
```
"#;

/// What tags on a session say.
pub(super) const TAGS: &str = r#"## Tags on a session

Whoever may tag a session can say something about it without this file. A tag that begins with `lightsout:`
and cannot be read (but for `lightsout:stopped`) keeps its session, with an alarm; so does a `lightsout:keep` that says `no` or `off`.

| tag | value | says |
|---|---|---|
| `lightsout:keep` | `always`, or a reason in any words | it is never stopped; nor is it started |
| `lightsout:keep-until` | an [instant](#instants) | the same, until then |
| `lightsout:schedule` | the name of a `[schedule.NAME]` | this schedule holds for it, whatever the file says |
| `lightsout:stopped` | an [instant](#instants) | written by lightsout where `start = "resume"`: it made the stop of that instant, and may start the session again |
"#;
