//! No diagnostic repeats a secret.

use super::*;

const SECRET: &str = "correct-horse";

#[test]
fn secrets_are_blotted_out_of_what_is_shown() {
    for lines in [
        "external_id = \"correct-horse\"\nlease = 2",
        "external_id = [\"correct-horse\"]",
        "external_id = [\n  \"correct-horse\",\n]",
        "external_id = [\n  '''\ncorrect-horse''',\n]",
        "token = \"correct-horse\"",
        "aws_secret_access_key = \"correct-horse\"\nsession_token = 'correct-horse'",
        "[http]\ntoken = \"correct-horse\"\nPassword = \"correct-horse\"",
        "[people]\n\"a\" = { address = [\n\"correct-horse\"\n] }",
        "external-id = 'correct-horse'",
        "extrnal_id = \"correct-horse\"",
        "\"external_id\" = \"correct-horse\nlease = 2",
        "external_id = correct-horse",
        "external_id = \"\"\"\nab\\\"\ncorrect-horse\"\"\"\nlease = 2",
        "endpoint_url = \"https://user:correct-horse@example.com\"",
        r#"endpoint_url = "https://user:pa\"correct-horse@example.com""#,
        r#"endpoint_url = "https:\u002f/user:correct-horse@example.com""#,
        "endpoint_url = \"\"\"https://user:\ncorrect-horse@example.com\"\"\"",
        r#""\u0065xtern\u0061l_id" = ["correct-horse"]"#,
        "endpoint_url = \"ftp://correct-horse@example.com\"",
        "endpoint_url = \"https://user:p/correct-horse@example.com\"",
        "[[studio.rule]]\nname = \"a\"\nmatch = \"all\"\nkeep = true\nexternal_id = \"correct-horse\"",
        "[people]\n\"a\" = { adress = \"correct-horse\" }",
        "[people]\n\"a\" = { address = [\"correct-horse\"] }",
        "[people.a]\naddress = correct-horse",
        "[people.a]\naddress = \"correct-horse\nzone = 5",
        "[people.a]\nE-Mail-Address = \"correct-horse\"",
        "[[studio]]\nid = \"stid-A\"\nexternal_id = \"correct-horse\"\n[x]\nlease.external_id = \"correct-horse\"",
    ] {
        let found = parsed(&studio(lines)).unwrap_err();
        let shown = [found.render(false), found.to_json().to_string(), format!("{found:?}")];
        for text in shown {
            assert!(!text.contains(SECRET), "{lines}\n{text}");
        }
    }
    check(
        "secret_on_one_line",
        "version = 1\nstudio = [{ external_id = \"correct-horse\", lease = 2 }]\n",
    );
    check(
        "secret_in_endpoint",
        &studio("endpoint_url = \"https://user:correct-horse@example.com\""),
    );
}

#[test]
fn an_external_id_that_the_service_would_refuse_and_repeat_is_refused_and_not_repeated() {
    for wrong in ["correct-horse ", "correct#horse", "c", &"x".repeat(1225), ""] {
        let found = parsed(&studio(&format!("external_id = \"{wrong}\""))).unwrap_err();
        let shown = found.render(false);
        assert!(wrong.is_empty() || shown.contains("bad-external-id"), "{shown}");
        assert!(wrong.is_empty() || !shown.contains(&format!("\"{wrong}\"")), "{shown}");
    }
    for right in ["c4", "a_b+c=d,e.f@g:h/i-j", &"x".repeat(1224)] {
        sound(&studio(&format!("external_id = \"{right}\"")));
    }
}

#[test]
fn a_policy_does_not_show_its_secrets() {
    let policy = sound(&studio("external_id = \"correct-horse\""));
    assert!(!format!("{policy:?}").contains(SECRET));
    let studio = policy.studios.values().next().unwrap();
    assert_eq!(studio.connection.external_id.as_ref().unwrap().0, SECRET);
}
