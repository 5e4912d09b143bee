//! `[[studio]]`: which studio, how it is reached, and its brake.

use super::super::file::studio::BRAKE;
use super::super::table::TABLES_MAX;
use super::form::{
    Account, EndpointOrOff, ExternalIdOrOff, ID_WITH_REGION, Integer, Region, RoleOrOff, StudioId,
    Text, TextOrOff,
};
use super::rule::Rule;
use super::settings::Settings;
use crate::policy;

table! {
    /// One studio. Besides the keys below it takes every [setting](#settings) and every key of a
    /// [connection](#connection).
    #[schemars(extend(
        "if" = {
            "properties": { "id": { "not": { "pattern": ID_WITH_REGION } } },
            "required": ["id"],
        },
        "then" = { "required": ["region"] },
        "x-example" = r#"
[[studio]]
id = "us-west-2:stid-EXAMPLE11111"
name = "Feature"
account = "111122223333"
role_arn = "arn:aws:iam::111122223333:role/lightsout"
schedule = "nights"
max_uptime = "14h"
"#,
    ))]
    Studio requires ["id"] {
        /// The studio's id, as the console shows it. It may begin with the region. No
        /// other studio of the file may be the same.
        #[schemars(extend("examples" = ["us-west-2:stid-EXAMPLE11111"]))]
        id: StudioId,
        /// What people call it.
        #[schemars(extend("x-default" = "its id", "examples" = ["Feature"]))]
        name: Text,
        /// Where it is. It may be left out where the id begins with it, and must not contradict the id.
        #[schemars(extend("x-default" = "what the id begins with", "examples" = ["us-west-2"]))]
        region: Region,
        /// The account that must stand behind it: if another one answers, nothing is stopped. Twelve
        /// digits between quotes, since a number would lose the zeros that it begins with.
        #[schemars(extend("x-default" = "none, and no check", "examples" = ["111122223333"]))]
        account: Account,
        #[schemars(flatten)]
        connection: Connection,
        #[schemars(flatten)]
        settings: Settings,
        /// How much may be stopped, or started, at a time.
        #[schemars(extend(
            "x-form" = "a [table of two bounds](#the-brake)",
            "x-default" = "what is built in",
            "examples" = [{ "per_scan": 50, "per_hour": 100 }],
        ))]
        brake: Brake,
        /// What applies to some of its sessions only. The first rule that matches wins.
        #[schemars(extend("maxItems" = TABLES_MAX))]
        rule: Vec<Rule>,
    }
}

table! {
    /// How a studio is reached. `"off"` unsets what `[defaults]` say.
    #[schemars(extend("x-example" = r#"
[[studio]]
id = "us-west-2:stid-EXAMPLE11111"
endpoint_url = "http://127.0.0.1:9471"
max_uptime = "14h"
"#))]
    Connection requires [] {
        /// The role to assume. It should belong to the studio's account.
        #[schemars(extend(
            "x-default" = "none, and the credentials that every AWS tool would find",
            "examples" = ["arn:aws:iam::111122223333:role/lightsout"],
        ))]
        role_arn: RoleOrOff,
        /// What the role asks to be told. It is a secret: no output shows it.
        #[schemars(extend("x-default" = "none", "examples" = ["EXAMPLE-7c1f"]))]
        external_id: ExternalIdOrOff,
        /// The profile of the shared AWS configuration to use; no other credentials count then.
        #[schemars(extend("x-default" = "none", "examples" = ["render-farm"]))]
        profile: TextOrOff,
        /// An endpoint other than the region's own: the sandbox, or another compatible service. There is
        /// a warning for `http` to another machine.
        #[schemars(extend(
            "x-default" = "the region's own",
            "examples" = ["http://127.0.0.1:9471"],
        ))]
        endpoint_url: EndpointOrOff,
    }
}

table! {
    /// A bound on how much may be stopped at a time. Where more is due than a bound allows, none of it is
    /// stopped: those sessions are held, and a person is told, until a person approves them or raises the
    /// bound, or none is due any more. Starts have the same bounds; of them as many are made as a bound allows, and the others
    /// follow. It is the studio's alone, and needs at least one of its keys. `0` means none.
    #[schemars(extend("minProperties" = 1, "x-example" = r#"
[[studio]]
id = "us-west-2:stid-EXAMPLE11111"
schedule = "nights"
brake = { per_scan = 50, per_hour = 100 }
"#))]
    Brake requires [] {
        /// In one scan.
        #[schemars(extend(
            "default" = policy::Brake::default().per_scan,
            "examples" = [50],
            "minimum" = BRAKE.start(),
            "maximum" = BRAKE.end(),
        ))]
        per_scan: Integer,
        /// In any sixty minutes.
        #[schemars(extend(
            "default" = policy::Brake::default().per_hour,
            "examples" = [100],
            "minimum" = BRAKE.start(),
            "maximum" = BRAKE.end(),
        ))]
        per_hour: Integer,
    }
}
