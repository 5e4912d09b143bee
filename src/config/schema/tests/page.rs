//! The page holds together.

use std::collections::BTreeSet;

use super::*;
use crate::config::schema::page::{anchor, sections};

fn headings(page: &str) -> impl Iterator<Item = &str> {
    let lines = page.lines().filter(|line| line.starts_with('#') && !line.starts_with("#:"));
    lines.map(|line| line.trim_start_matches('#').trim())
}

#[test]
fn links_lead_somewhere() {
    let page = crate::config::schema::page();
    let anchors: Vec<String> = headings(&page).map(anchor).collect();
    let distinct: BTreeSet<&String> = anchors.iter().collect();
    assert_eq!(distinct.len(), anchors.len(), "{anchors:?}");
    let links: Vec<&str> = page
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')').map(|(link, _)| link))
        .collect();
    assert!(links.len() > 30);
    for link in links {
        match link.strip_prefix('#') {
            Some(anchor) => assert!(anchors.iter().any(|known| known == anchor), "{link}"),
            None => {
                let path = format!("{}/docs/{link}", env!("CARGO_MANIFEST_DIR"));
                assert!(std::path::Path::new(&path).exists(), "{link}");
            }
        }
    }
}

#[test]
fn blocks_of_toml_follow_the_schema_and_the_reader() {
    let page = crate::config::schema::page();
    let blocks: Vec<&str> =
        page.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(blocks.len() > 8);
    for block in blocks {
        // They are parts of files: what must be there besides is not.
        let faults: Vec<_> =
            faults(block).into_iter().filter(|fault| !fault.contains("required")).collect();
        assert_eq!(faults, Vec::<String>::new(), "{block}");
        let found = read(block).unwrap_err();
        let expected = [
            "missing-key",
            "unknown-schedule",
            "unknown-calendar",
            "unknown-veto",
            "unreadable-ics",
        ];
        let errors = found.iter().filter(|found| found.severity == Severity::Error);
        let wrong: Vec<_> = errors.filter(|error| !expected.contains(&error.code)).collect();
        assert!(wrong.is_empty(), "{block}\n{wrong:#?}");
    }
}

/// The tags are named in a room that this one may not name; so its text is asked.
#[test]
fn the_tags_of_the_page_are_those_of_the_plan() {
    let mut known = BTreeSet::new();
    let mut directories = vec![format!("{}/src/plan", env!("CARGO_MANIFEST_DIR"))];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path.display().to_string());
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let constants = text.lines().filter(|line| line.contains("const TAG_"));
                let values = constants.filter_map(|line| line.split('"').nth(1));
                known.extend(values.filter(|tag| !tag.ends_with(':')).map(str::to_owned));
            }
        }
    }
    let page = crate::config::schema::page();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    let told = rows.filter_map(|row| row.split('`').next().map(str::to_owned));
    let told: BTreeSet<String> = told.filter(|tag| tag.starts_with("lightsout:")).collect();
    assert_eq!(told, known);
}

#[test]
fn defaults_are_those_that_hold() {
    use crate::policy::{Brake, Scan};
    let sound = crate::config::tests::SOUND;
    let loaded = crate::config::parse("lightsout.toml", sound, std::path::Path::new("/")).unwrap();
    let daemon = &loaded.policy.daemon;
    let Scan::Every(scan) = &daemon.scan else { panic!("{:?}", daemon.scan) };
    let default =
        |table_path: &str, key: &str| table(table_path)["properties"][key]["default"].clone();
    let shown = crate::config::value::shown;
    assert_eq!(default("daemon", "scan"), shown(*scan));
    assert_eq!(default("daemon", "state_dir"), daemon.state_dir.to_str().unwrap());
    assert_eq!(default("daemon", "concurrency"), daemon.concurrency);
    assert_eq!(default("audit", "path"), loaded.policy.audit_path.to_str().unwrap());
    let rotation = loaded.policy.audit_rotation;
    let size = rotation.size.map(crate::config::size::shown);
    assert_eq!(default("audit", "rotate_size"), size.unwrap());
    assert_eq!(default("audit", "rotate_age"), shown(rotation.age.unwrap()));
    assert_eq!(default("audit", "stdout"), loaded.policy.audit_stdout);
    assert_eq!(loaded.policy.http, None);
    assert_eq!(default("", "mode"), loaded.policy.modes());
    let studio = loaded.policy.studios.values().next().unwrap();
    assert_eq!(studio.brake, Brake::default());
    assert_eq!(default("studio.brake", "per_scan"), studio.brake.per_scan);
    assert_eq!(default("studio.brake", "per_hour"), studio.brake.per_hour);
}

/// A file that says each built-in setting means the same as one that says none.
#[test]
fn saying_the_defaults_changes_nothing() {
    let settings = table("defaults");
    let lines: String = settings["properties"]
        .as_object()
        .unwrap()
        .iter()
        .filter_map(|(key, schema)| Some((key, schema.get("default")?)))
        .map(|(key, value)| format!("{key} = {}\n", crate::config::schema::page::toml(value)))
        .collect();
    assert!(lines.lines().count() >= 6, "{lines}");
    let settings_of = |text: &str| {
        let loaded = crate::config::parse("lightsout.toml", text, std::path::Path::new("/"));
        let loaded = loaded.unwrap_or_else(|found| panic!("{}", found.render(false)));
        let studio = loaded.policy.studios.into_values().next().unwrap();
        format!("{:?}", crate::policy::Settings { schedule: None, ..studio.settings })
    };
    let sound = crate::config::tests::SOUND;
    assert_eq!(settings_of(&format!("{sound}\n[defaults]\n{lines}")), settings_of(sound));
}

#[test]
fn contents_name_every_section() {
    let page = crate::config::schema::page();
    for section in sections() {
        let link = format!("[{}](#{})", section.heading, anchor(section.heading));
        assert!(page.contains(&format!("| {link} | ")), "{link}");
    }
}
