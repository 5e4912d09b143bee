//! Vetoes with real commands: who asks, who does not, and what is shown.

use crate::house::{House, STUDIO, Watched, always_due, text};

/// Everything is due, and a command says that session `one` is busy. It leaves a line behind for each question.
fn house(sandbox: &Watched) -> House {
    let script = r#"
        read -r question
        echo "$question" >> asked
        case $question in
            *'"session":"one"'*) echo '{"busy": true, "reason": "at work"}' ;;
            *) echo '{"busy": false}' ;;
        esac"#;
    let policy = always_due(&sandbox.endpoint);
    let house = House::new("");
    let directory = house.config().parent().unwrap().display().to_string();
    let script = script.replace(">> asked", &format!(">> {directory}/asked"));
    let veto = format!(
        "veto = \"hand\"\n[veto.hand]\ncommand = [\"sh\", \"-c\", '''{script}''']\ntimeout = \"1m\"\n"
    );
    std::fs::write(house.config(), policy + &veto).unwrap();
    house
}

fn asked(house: &House) -> Vec<String> {
    let path = house.config().with_file_name("asked");
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.sort_unstable();
    lines
}

fn codes(house: &House) -> Vec<(String, String)> {
    let plan = house.json(&["plan"]);
    let rows = plan["decisions"].as_array().unwrap().iter();
    let codes = rows.map(|row| (text(row, "session").to_owned(), text(row, "reason").to_owned()));
    let is_of_these = |(session, _): &(String, String)| ["one", "two"].contains(&session.as_str());
    codes.filter(is_of_these).collect()
}

fn pair(session: &str, code: &str) -> (String, String) {
    (session.to_owned(), code.to_owned())
}

#[test]
fn one_run_asks_and_stops_who_is_not_busy_and_showing_asks_nobody() {
    let sandbox = Watched::small();
    let house = house(&sandbox);
    assert_eq!(house.run(&["check"]).code, Some(0));
    assert_eq!(codes(&house), [pair("one", "veto_unasked"), pair("two", "veto_unasked")]);
    let explained = house.run(&["explain", "one"]);
    assert!(explained.stdout.contains("`hand`: not asked"), "{}", explained.stdout);
    assert_eq!(asked(&house), Vec::<String>::new(), "`plan` and `explain` run no command");

    let run = house.run(&["run", "--once"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(sandbox.effects(), ["two"]);
    let questions = asked(&house);
    assert_eq!(questions.len(), 2);
    assert!(questions[0].starts_with(&format!("{{\"studio\":\"{STUDIO}\",\"session\":\"one\",")));
    let mut said: Vec<(String, String)> = house
        .records_of("veto.answered")
        .iter()
        .map(|record| pair(text(&record["data"], "session"), text(&record["data"]["veto"], "says")))
        .collect();
    said.sort_unstable();
    assert_eq!(said, [pair("one", "busy"), pair("two", "clear")]);

    assert_eq!(codes(&house)[0], pair("one", "busy"));
    let explained = house.run(&["explain", "one"]);
    assert!(explained.stdout.contains("`hand`: busy (at work) at "), "{}", explained.stdout);
    let shown = house.run(&["audit", "show", "--kind", "veto"]);
    assert!(shown.stdout.contains("hand: busy (at work)"), "{}", shown.stdout);
    house.assert_log_is_whole();
}

#[test]
fn a_dry_run_asks_too() {
    let sandbox = Watched::small();
    let house = house(&sandbox);
    let run = house.run(&["run", "--once", "--dry-run"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!((sandbox.changing_requests(), asked(&house).len()), (0, 2));
    let withheld = house.records_of("stop.withheld");
    let withheld: Vec<&str> = withheld.iter().map(|r| text(&r["data"], "session")).collect();
    assert_eq!(withheld, ["two"]);
}

#[test]
fn a_command_that_is_not_there_is_warned_of_and_keeps_every_session() {
    let sandbox = Watched::small();
    let house = house(&sandbox);
    let policy = std::fs::read_to_string(house.config()).unwrap();
    let policy = policy.replace("[\"sh\", ", "[\"/usr/local/bin/there-is-no-such-program\", ");
    std::fs::write(house.config(), policy).unwrap();
    let check = house.run(&["check"]);
    assert_eq!(check.code, Some(0));
    assert!(check.stdout.contains("the command of veto \"hand\" cannot be run here"));
    let run = house.run(&["run", "--once"]);
    assert!(run.stderr.contains("it could not be begun"), "{}", run.stderr);
    assert_eq!(sandbox.changing_requests(), 0);
    assert_eq!(codes(&house), [pair("one", "veto_failed"), pair("two", "veto_failed")]);
}
