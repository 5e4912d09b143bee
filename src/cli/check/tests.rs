use super::*;

const GOOD: &str = r#"version = 1
[schedule.nights]
zone = "America/Los_Angeles"
idle = ["Sun-Fri 20:00-07:00", "Sat-Sun"]
[[studio]]
id = "us-west-2:stid-EXAMPLE11111"
schedule = "nights"
"#;

fn markdown(text: &str) -> String {
    let what = config::parse_at("lightsout.toml", text, Path::new(""), None);
    let what = what.map_err(ConfigError::Invalid);
    let mut page = Page::default();
    Checked { path: Path::new("lightsout.toml"), what, findings: Vec::new() }.add_to(&mut page);
    page.into_text()
}

#[test]
fn a_good_policy_is_two_lines_of_a_comment() {
    insta::assert_snapshot!(markdown(GOOD));
}

#[test]
fn every_mistake_is_a_row_of_a_comment() {
    let wrong = GOOD.replace(
        "schedule = \"nights\"\n",
        "schedule = \"ni|ghts @ada\"\nleese = \"2h\"\nexternal_id = \"hush\"\n",
    );
    let shown = markdown(&wrong);
    assert!(!shown.contains("hush"), "{shown}");
    insta::assert_snapshot!(shown);
}

#[test]
fn a_file_that_is_not_there_is_told_in_a_comment() {
    let now = Timestamp::UNIX_EPOCH;
    let checked = Checked::of(Path::new("nowhere/lightsout.toml"), false, now).unwrap();
    let mut page = Page::default();
    checked.add_to(&mut page);
    insta::assert_snapshot!(page.into_text());
}
