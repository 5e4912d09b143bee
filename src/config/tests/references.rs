//! What refers to something that is not there, or is there twice.

use super::*;

#[test]
fn wrong_references_are_explained() {
    check("unknown_schedule", &replaced("schedule = \"nights\"", "schedule = \"night\""));
    check(
        "unknown_schedule_without_likeness",
        &studio("[[studio.rule]]\nname = \"a\"\nmatch = \"all\"\nschedule = \"weekends\""),
    );
    check(
        "unknown_schedule_where_there_is_none",
        "version = 1\n[[studio]]\nid = \"us-west-2:stid-A\"\nschedule = \"nights\"\n",
    );
    check("unused_schedule", &top("[schedule.desk]\nzone = \"Europe/London\"\nidle = \"Sat-Sun\""));
}

#[test]
fn wrong_references_to_vetoes_are_explained() {
    let with = |veto: &str| studio(&format!("{veto}\n[veto.farm]\ncommand = [\"ask\"]"));
    check("unknown_veto", &with("veto = [\"fam\"]"));
    check("unknown_veto_without_likeness", &with("veto = [\"farm\", \"licences\"]"));
    check("unknown_veto_where_there_is_none", &studio("veto = \"render-queue\""));
    check("veto_twice", &with("veto = [\"farm\", \"farm\"]"));
    check("unused_veto", &with(""));
}

#[test]
fn owners_who_are_named_where_an_id_counts_are_explained() {
    let with = |criteria: &str| {
        studio(&format!(
            "[[studio.rule]]\nname = \"a\"\nmatch = {{ {criteria} }}\nkeep = true\n\
             [people]\n\"906-1\" = {{ name = \"Ada Lovelace\" }}\n\
             \"906-2\" = {{ name = \"Ada\" }}\n\"906-3\" = {{ zone = \"Europe/Paris\" }}"
        ))
    };
    check("owner_by_name", &with("owner = [\"906-1\", \"Ada\"]"));
    check("owners_by_name", &with("session = \"s*\", not = { owner = \"Ada*\" }"));
    for sound in ["\"906-*\"", "\"*\"", "\"Grace\"", "[\"906-1\", \"?06-3\"]"] {
        assert_eq!(found(&with(&format!("owner = {sound}"))), "", "{sound}");
    }
}

#[test]
fn settings_below_the_heading_of_tags_are_explained() {
    let below = |heading: &str, lines: &str| {
        studio(&format!("[[studio.rule]]\nname = \"a\"\nkeep = true\n{heading}\n{lines}"))
    };
    let tags = "[studio.rule.match.tag]";
    check("setting_as_tag", &below(tags, "tier = \"gold\"\nlease = \"4h\"\nwarn = \"off\""));
    check("keep_as_tag", &below(tags, "tier = \"gold\"\nkeep = true"));
    assert!(
        found(&below("[studio.rule.match.not.tag]", "mode = \"observe\""))
            .contains("setting-as-tag")
    );
    assert_eq!(found(&below(tags, "tier = \"gold\"")), "");
    assert_eq!(found(&below("match = { tag = { name = \"x\" } }", "")), "");
}

#[test]
fn doubles_are_explained() {
    check(
        "duplicate_studio",
        &studio("[[studio]]\nid = \"us-west-2:stid-EXAMPLE11111\"\nmax_uptime = \"14h\""),
    );
    check(
        "duplicate_studio_without_prefix",
        &studio(
            "[[studio]]\nid = \"stid-EXAMPLE11111\"\nregion = \"us-west-2\"\nmax_uptime = \"14h\"",
        ),
    );
    check(
        "duplicate_rule",
        &studio(
            r#"
[[studio.rule]]
name = "leads"
match = { owner = "a" }
keep = true

[[studio.rule]]
name = "leads"
match = { owner = "b" }
keep = true"#,
        ),
    );
}

#[test]
fn what_is_missing_is_explained() {
    check("no_studio", "version = 1\n");
    check("studio_without_id", &replaced("id = \"us-west-2:stid-EXAMPLE11111\"\n", ""));
    check("region_missing", &replaced("us-west-2:stid", "stid"));
    check("rule_without_name", &studio("[[studio.rule]]\nmatch = \"all\"\nkeep = true"));
    check("rule_without_match", &studio("[[studio.rule]]\nname = \"a\"\nkeep = true"));
    check("rule_without_effect", &studio("[[studio.rule]]\nname = \"a\"\nmatch = \"all\""));
    check("match_empty", &studio("[[studio.rule]]\nname = \"a\"\nmatch = {}\nkeep = true"));
    check(
        "match_empty_list",
        &studio(
            "[[studio.rule]]\nname = \"a\"\nmatch = { owner = [], instance_type = \"g5.*\" }\nkeep = true",
        ),
    );
    check(
        "match_empty_tag",
        &studio("[[studio.rule]]\nname = \"a\"\nmatch = { tag = {} }\nkeep = true"),
    );
}
