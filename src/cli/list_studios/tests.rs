use super::*;
use crate::inventory::{Problem, Wanted};

const POLICY: &str = r#"
version = 1
mode = "enforce"
[defaults]
max_uptime = "14h"
[[studio]]
id = "us-west-2:stid-EXAMPLE11111"
name = "Feature"
account = "111122223333"
[[studio]]
id = "stid-EXAMPLE22222"
region = "us-west-2"
account = "999999999999"
mode = "observe"
[[studio]]
id = "eu-west-2:stid-EXAMPLE44444"
role_arn = "arn:aws:iam::111122223333:role/lightsout"
"#;

fn policy() -> Policy {
    crate::config::parse("policy.toml", POLICY, Path::new("")).unwrap().policy
}

fn found(id: &str) -> FoundStudio {
    FoundStudio {
        id: id.into(),
        name: Some("short".to_owned()),
        display_name: Some(format!("The {} Studio", &id[id.len() - 5..])),
        account: Some("111122223333".into()),
        region: None,
        state: Some("READY".to_owned()),
    }
}

fn all() -> Printed {
    let policy = policy();
    let mut asked = connections(Some(&policy), &[]).into_iter();
    let (london, oregon) = (asked.next().unwrap(), asked.next().unwrap());
    let studios =
        ["us-west-2:stid-EXAMPLE11111", "us-west-2:stid-EXAMPLE22222", "stid-EXAMPLE33333"];
    let gap = Gap {
        wanted: Wanted::Studios,
        problem: Problem::Denied,
        detail: "AccessDeniedException: not you".to_owned(),
    };
    let seen = vec![(london, vec![], Some(gap)), (oregon, studios.map(found).to_vec(), None)];
    printed(Some(&policy), seen, "2026-11-20T20:00:00Z".parse().unwrap())
}

#[test]
fn each_connection_of_the_policy_is_asked_once_and_a_region_beside_it_by_the_environment() {
    let policy = policy();
    let regions = |policy: Option<&Policy>, wanted: &[&str]| {
        let wanted: Vec<String> = wanted.iter().map(|&region| region.to_owned()).collect();
        let asked = connections(policy, &wanted).into_iter();
        asked.map(|c| (c.region.to_string(), c.role_arn.is_some())).collect::<Vec<_>>()
    };
    let (london, oregon) = ("eu-west-2".to_owned(), "us-west-2".to_owned());
    assert_eq!(regions(Some(&policy), &[]), [(london.clone(), true), (oregon.clone(), false)]);
    assert_eq!(regions(Some(&policy), &["eu-west-2"]), [(london.clone(), true)]);
    assert_eq!(regions(None, &["eu-west-2"]), [(london, false)]);
    let sydney = ("ap-southeast-2".to_owned(), false);
    assert_eq!(regions(Some(&policy), &["ap-southeast-2"]), [sydney]);
}

#[test]
fn a_table_says_which_studios_the_policy_looks_after() {
    let mut table = table(&all().studios);
    table.set_width(140);
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    insta::assert_snapshot!(lines.join("\n"), @"
    STUDIO                       NAME              ACCOUNT       REGION     STATE     LOOKED AFTER     AS       MODE
    eu-west-2:stid-EXAMPLE44444  -                 -             eu-west-2  not seen  yes              -        enforce
    us-west-2:stid-EXAMPLE11111  The 11111 Studio  111122223333  us-west-2  READY     yes              Feature  enforce
    us-west-2:stid-EXAMPLE22222  The 22222 Studio  111122223333  us-west-2  READY     another account  -        observe
    stid-EXAMPLE33333            The 33333 Studio  111122223333  us-west-2  READY     no               -        -
    ");
}

#[test]
fn a_program_reads_every_member_and_what_could_not_be_read() {
    let mut printed = all();
    printed.studios.truncate(2);
    insta::assert_snapshot!(serde_json::to_string_pretty(&printed).unwrap(), @r#"
    {
      "at": "2026-11-20T20:00:00Z",
      "studios": [
        {
          "studio": "eu-west-2:stid-EXAMPLE44444",
          "name": null,
          "account": null,
          "region": "eu-west-2",
          "state": null,
          "looked_after": "yes",
          "policy_name": null,
          "mode": "enforce"
        },
        {
          "studio": "us-west-2:stid-EXAMPLE11111",
          "name": "The 11111 Studio",
          "account": "111122223333",
          "region": "us-west-2",
          "state": "READY",
          "looked_after": "yes",
          "policy_name": "Feature",
          "mode": "enforce"
        }
      ],
      "unread": [
        {
          "region": "eu-west-2",
          "text": "access was denied: AccessDeniedException: not you"
        }
      ]
    }
    "#);
}

#[test]
fn without_a_policy_none_is_looked_after() {
    let seen = vec![(plain_connection("us-west-2", None), vec![found("stid-EXAMPLE33333")], None)];
    let printed = printed(None, seen, Timestamp::UNIX_EPOCH);
    assert_eq!(printed.studios[0].looked_after, "no");
    assert_eq!(printed.studios[0].region, "us-west-2");
}
