//! `[[studio.rule]]`: which sessions, and what applies to them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::form::{Boolean, Globs, Roles, Text};
use super::settings::Settings;

table! {
    /// What applies to some sessions of the studio above it. The first rule that matches a session wins,
    /// and sets only what it names. Besides the keys below it takes every [setting](#settings), and
    /// must have `keep` or one of them. A rule that can never match is an error.
    #[schemars(extend("minProperties" = 3, "x-example" = r#"
[[studio]]
id = "us-west-2:stid-EXAMPLE11111"
schedule = "nights"

  [[studio.rule]]
  name = "supervisors"
  match = { launch_profile = ["Lead *", "Supervisor*"] }
  keep = true

  [[studio.rule]]
  name = "gold"
  match = { tag = { tier = "gold" }, not = { instance_type = "g5.16xlarge" } }
  lease = "6h"
"#))]
    Rule requires ["name", "match"] {
        /// Its name, for people and records. No other rule of the studio may have it.
        #[schemars(extend("examples" = ["supervisors"]))]
        name: Text,
        /// Which sessions: a table, or `"all"` to mean every session on purpose.
        #[schemars(extend("examples" = [{ "launch_profile": ["Lead *", "Supervisor*"] }]))]
        r#match: Matcher,
        /// Whether they are exempt: what is kept is never stopped. `false` takes those that match out
        /// of the reach of a later rule that keeps.
        #[schemars(extend("default" = false, "examples" = [true]))]
        keep: Boolean,
        #[schemars(flatten)]
        settings: Settings,
    }
}

/// `"all"`, or a table of criteria.
pub(super) struct Matcher;

impl JsonSchema for Matcher {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Matcher".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [{ "type": "string", "enum": ["all"] }, Match::json_schema(generator)],
            "x-form": "a [table of criteria](#whom-a-rule-matches), or `\"all\"`",
        })
    }
}

table! {
    /// Which sessions a rule means: those for which every key that is given agrees; of a list, one entry
    /// suffices. It needs at least one key, and no list may be empty. A rule that asks for what a session
    /// does not say keeps that session, with an alarm: nobody can tell whether it is exempt. A tag that a
    /// session does not have is no doubt: a rule that asks for it does not match.
    #[schemars(extend("minProperties" = 1, "x-example" = r#"
[[studio]]
id = "us-west-2:stid-EXAMPLE11111"
schedule = "nights"

  [[studio.rule]]
  name = "render wranglers"
  match = { launch_profile = "Wrangling*", tag = { shift = ["night", "weekend"] } }
  schedule = "off"
"#))]
    Match requires [] {
        #[schemars(flatten)]
        criteria: Criteria,
        /// Whom to leave out: a session that any of its tables means is not meant.
        #[schemars(extend("x-default" = "nobody", "examples" = [{ "owner": "90676420f7-EXAMPLE1" }]))]
        not: Not,
    }
}

table! {
    /// What is asked of a session.
    #[schemars(extend("minProperties" = 1))]
    Criteria requires [] {
        /// The ids of owners.
        #[schemars(extend("x-default" = "any", "examples" = ["90676420f7-EXAMPLE1"]))]
        owner: Globs,
        /// What owners are in the studio: its administrators, or nothing beyond using it. Where a rule asks
        /// for this, the members of the studio are read too, which needs `nimble:ListStudioMembers` and
        /// `nimble:GetStudioMember`; where they cannot be, the studio is held. Who is not among them has the
        /// role `NONE`, since the service lists administrators alone.
        #[schemars(extend("x-default" = "any", "examples" = ["ADMINISTRATOR"]))]
        studio_role: Roles,
        /// The ids or the names of launch profiles.
        #[schemars(extend("x-default" = "any", "examples" = [["Lead *", "Supervisor*"]]))]
        launch_profile: Globs,
        /// Instance types.
        #[schemars(extend("x-default" = "any", "examples" = [["g5.*", "g4dn.1?xlarge"]]))]
        instance_type: Globs,
        /// The ids of sessions.
        #[schemars(extend("x-default" = "any", "examples" = ["EXAMPLE-yUKe9n7Nj"]))]
        session: Globs,
        /// The ids of streaming images.
        #[schemars(extend("x-default" = "any", "examples" = ["ami-linux-comp-*"]))]
        streaming_image: Globs,
        /// Whether a session's volumes outlive a stop.
        #[schemars(extend("x-default" = "any", "examples" = [true]))]
        persistence: Boolean,
        /// Tags that must be there, each with a pattern for its value or a list of them.
        #[schemars(extend(
            "x-form" = "a table of [patterns](#patterns), or lists of them, by the key of the tag",
            "minProperties" = 1,
            "x-default" = "any",
            "examples" = [{ "tier": "gold", "show": ["harbor", "ember"] }],
        ))]
        tag: BTreeMap<String, Globs>,
    }
}

/// Criteria to leave out, once or several times.
pub(super) struct Not;

impl JsonSchema for Not {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Not".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                Criteria::json_schema(generator),
                { "type": "array", "items": Criteria::json_schema(generator), "minItems": 1 },
            ],
            "x-form": "a table of these criteria, or a list of such tables",
        })
    }
}
