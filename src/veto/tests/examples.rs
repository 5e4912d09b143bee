//! The scripts in `config/vetoes`, as they are shipped, with programs in `tests/vetoes/bin` in the place of
//! the services that they ask.

use super::*;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// What a script says of a workstation, or of a session whose tag does not say which.
fn said(script: &str, arguments: &[&str], host: Option<&str>) -> String {
    let path = format!("{ROOT}/tests/vetoes/bin:/usr/bin:/bin");
    let environment = vec![("PATH".into(), path.into())];
    let vetoes = CommandVetoes::with_environment(Arc::new(SystemClock::new()), environment);
    let program = format!("{ROOT}/config/vetoes/{script}");
    let veto = veto(&[&[program.as_str()], arguments].concat(), LONG);
    let mut question = question();
    question.tags = host.map(|host| ("host".to_owned(), host.to_owned())).into_iter().collect();
    question.tags.insert("remark".to_owned(), r#"the "host":"ws-idle" is no more"#.to_owned());
    run(vetoes.ask(&veto, &question)).to_string()
}

const NO_HOST: &str = "busy (no tag host says which machine it is)";

#[test]
fn a_render_queue_can_be_asked() {
    let said = |host| said("render-queue", &["http://farm:8081"], host);
    assert_eq!(said(Some("ws-renders")), "busy (ws-renders renders)");
    assert_eq!(said(Some("ws-begins")), "busy (ws-begins renders)");
    assert_eq!(said(Some("ws-idle")), "clear");
    assert_eq!(said(Some("ws-off")), "clear");
    for unclear in ["ws-stalled", "ws-unknown"] {
        assert_eq!(said(Some(unclear)), "failed (it ended with exit status 1)", "{unclear}");
    }
    for host in [None, Some("-o"), Some("a b"), Some("a&Name=ws-idle"), Some("\"")] {
        assert_eq!(said(host), NO_HOST, "{host:?}");
    }
    let away = super::examples::said("render-queue", &["http://elsewhere"], Some("ws-idle"));
    assert_eq!(away, "failed (it ended with exit status 7)");
}

#[test]
fn a_licence_server_can_be_asked() {
    let said = |host| said("licence-server", &["27000@licences", "tray", "old"], host);
    assert_eq!(said(Some("ws-maya")), "busy (ws-maya holds a licence of maya)");
    assert_eq!(said(Some("ws-houdini")), "busy (ws-houdini holds a licence of maya)");
    assert_eq!(said(Some("ws-tray")), "clear");
    assert_eq!(said(Some("ws-idle")), "clear");
    assert_eq!(said(Some("ws-may")), "clear");
    assert_eq!(said(None), NO_HOST);
    let all = super::examples::said("licence-server", &["27000@licences"], Some("ws-tray"));
    assert_eq!(all, "busy (ws-tray holds a licence of tray)");
    let unknown =
        super::examples::said("licence-server", &["27000@licences", "tray"], Some("ws-idle"));
    assert_eq!(unknown, "failed (it ended with exit status 3)");
    for down in ["27000@elsewhere", "27000@vendorless", "27000@half"] {
        let said = super::examples::said("licence-server", &[down], Some("ws-idle"));
        assert_eq!(said, "failed (it ended with exit status 1)", "{down}");
    }
}

#[test]
fn a_workstation_can_be_asked() {
    let said = |host| said("workstation", &["lightsout", "1.5"], host);
    assert_eq!(said(Some("ws-busy")), "busy (its load is 7.40)");
    assert_eq!(said(Some("ws-idle")), "clear");
    assert_eq!(said(Some("ws-odd")), "failed (it ended with exit status 1)");
    assert_eq!(said(Some("ws-away")), "failed (it ended with exit status 255)");
    assert_eq!(said(None), NO_HOST);
    for limit in ["", "much"] {
        let wrong = super::examples::said("workstation", &["lightsout", limit], Some("ws-idle"));
        assert_eq!(wrong, "failed (it ended with exit status 1)", "{limit:?}");
    }
}

/// The page shows what is asked and how it is answered; what it shows is so.
#[test]
fn the_page_on_vetoes_shows_what_is_so() {
    let page = include_str!("../../../docs/vetoes.md");
    let mut question = question();
    question.session = "EXAMPLE-yUKe9n7Nj".to_owned();
    question.studio = "us-west-2:stid-EXAMPLE11111".to_owned();
    question.owner = Some("90676420f7-EXAMPLE1".to_owned());
    let shown = serde_json::to_string(&question).unwrap();
    assert!(page.contains(&shown), "{shown}");
    for member in serde_json::to_value(&question).unwrap().as_object().unwrap().keys() {
        assert!(page.contains(&format!("`{member}`")), "{member}");
    }
    let answers = page.split("```json\n{\"busy\"").skip(1);
    let answers: Vec<String> =
        answers.map(|rest| format!("{{\"busy\"{}", rest.split("\n```").next().unwrap())).collect();
    let read =
        |answer: &String| self::veto(&["/bin/sh", "-c", &format!("printf '%s' '{answer}'")], LONG);
    let said: Vec<String> = answers
        .iter()
        .map(|answer| run(vetoes().ask(&read(answer), &self::question())).to_string())
        .collect();
    assert_eq!(said, ["busy (rendering frame 12)", "clear"]);
    for script in ["render-queue", "licence-server", "workstation"] {
        assert!(page.contains(&format!("](../config/vetoes/{script})")), "{script}");
    }
}
