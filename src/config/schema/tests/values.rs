//! The schema refuses what the reader refuses, wherever a schema can know it; and never more.

use proptest::prelude::*;

use super::*;
use crate::config::schema::page::toml;

/// The codes of mistakes that no schema can see: what exists, how much something is, what must differ.
const BEYOND_SCHEMAS: &[&str] = &[
    "bad-cron",
    "bad-date",
    "bad-duration",
    "bad-endpoint",
    "bad-name",
    "bad-path",
    "bad-size",
    "bad-warn",
    "duplicate-calendar",
    "duplicate-veto",
    "lead-past-least-stop",
    // A region where the id names none: the schema of the whole table sees it.
    "missing-key",
    "never-closes",
    "no-owner-zones",
    "unknown-calendar",
    "unknown-schedule",
    "unknown-veto",
    "unknown-zone",
    "unreadable-ics",
    "uptime-within-lease",
];

/// Values of every type and of most forms, good and bad ones.
const VALUES: &[&str] = &[
    "true",
    "false",
    "0",
    "1",
    "2",
    "5",
    "-1",
    "16",
    "256",
    "257",
    "1000000",
    "1000001",
    "0x10",
    "1.5",
    "-1.5",
    "nan",
    "inf",
    "2026-12-24",
    "2026-12-24T00:00:00Z",
    "07:00:00",
    "\"\"",
    "\" \"",
    "\"x\"",
    "\"off\"",
    "\"Off\"",
    "\"all\"",
    "\"owner\"",
    "\"true\"",
    "\"5\"",
    "\"observe\"",
    "\"enforce\"",
    "\"Enforce\"",
    "\"refuse\"",
    "\"allow\"",
    "\"rotate\"",
    "\"never\"",
    "\"resume\"",
    "\"closed\"",
    "\"open\"",
    "\"30m\"",
    "\"64MB\"",
    "\" 1 GB \"",
    "\"1KB\"",
    "\"64MiB\"",
    "\"1.5GB\"",
    "\"2h\"",
    "\"1h 30m\"",
    "\" 2d \"",
    "\"1 hour, 30 minutes\"",
    "\"01:30:00\"",
    "\"1.5h\"",
    "\"+2h\"",
    "\"-2h\"",
    "\"two hours\"",
    "\"1 month\"",
    "\"2h ago\"",
    "\"PT2H\"",
    "\"2\"",
    "\"1w\"",
    "[]",
    "[\"\"]",
    "[\"30m\"]",
    "[\"30m\", \"5m\"]",
    "[\"30m\", \"30m\"]",
    "[30]",
    "[[\"30m\"]]",
    "[\"1m\", \"2m\", \"3m\", \"4m\", \"5m\", \"6m\", \"7m\", \"8m\"]",
    "[\"1m\", \"2m\", \"3m\", \"4m\", \"5m\", \"6m\", \"7m\", \"8m\", \"9m\"]",
    "[\"off\"]",
    "[\"~/x\", \"y\"]",
    "[\"x\"]",
    "[\"x\", \"y\"]",
    "[\"x\", 5]",
    "[true]",
    "[{}]",
    "\"*/5 * * * *\"",
    "\"0 20 * * Mon-Fri\"",
    "\"0 0 20 * * 1-5 2026\"",
    "\"0 20 * *\"",
    "\"a b c d e\"",
    "\"Mon\"",
    "\"Sat-Sun\"",
    "\"sun-FRI 20:00-07:00\"",
    "\"Mon,Wed 12:00-13:30\"",
    "\"Fri 20:00-24:00\"",
    "\"Fri 24:00-07:00\"",
    "\"Mon 8:00-9:00\"",
    "\"Mon 25:00-07:00\"",
    "\"Sat 10:00-12:00 13:00-14:00\"",
    "\"Mon-\"",
    "[\"Sun-Fri 20:00-07:00\", \"Sat-Sun\"]",
    "[\"Sat-Son\"]",
    "\"0th Mon\"",
    "\"1st\"",
    "\"6th Fri\"",
    "\"last\"",
    "\"1st-3rd,last Tue 00:00-12:00\"",
    "\"2026-12-24\"",
    "\"07-04\"",
    "\"2026-12-24..2027-01-01\"",
    "\"12-24..01-01\"",
    "\"2026-12-24..01-01\"",
    "\"2026-11-27 20:00 .. 2026-11-30 07:00\"",
    "\"2026-11-27T20:00..2026-11-30T24:00\"",
    "\"07-04 20:00 .. 07-05 07:00\"",
    "\"2026-11-27 20:00\"",
    "\"2026-1-2\"",
    "\"..\"",
    "[\"2026-12-24\", \"07-04\"]",
    "[\"tomorrow\"]",
    "{}",
    "{ x = 1 }",
    "{ x = \"y\" }",
    "{ x = [\"y\", \"z\"] }",
    "{ x = [] }",
    "{ x = {} }",
    "{ opens = \"0 20 * * *\", closes = \"0 7 * * *\" }",
    "{ opens = \"0 20 * * *\" }",
    "{ opens = \"20:00\", closes = \"0 7 * * *\" }",
    "{ owner = \"a\" }",
    "{ owner = [] }",
    "{ owner = \"a\", persistence = true }",
    "{ not = { owner = \"a\" } }",
    "[{ owner = \"a\" }, { session = [\"b\"] }]",
    "{ tag = {} }",
    "{ tag = { tier = \"gold\" } }",
    "{ per_scan = 0 }",
    "{ per_scan = 5, per_hour = 10 }",
    "{ per_scan = \"5\" }",
    "{ per_scan = -1 }",
    "\"us-west-2\"",
    "\"us-gov-east-1\"",
    "\"Oregon\"",
    "\"us-west\"",
    "\"111122223333\"",
    "\"1111-2222-3333\"",
    "\"us-west-2:stid-A\"",
    "\"stid-A\"",
    "\"x:stid-A\"",
    "\"a/b\"",
    "\"arn:aws:iam::111122223333:role/lightsout\"",
    "\"arn:aws-us-gov:iam::111122223333:role/a/b\"",
    "\"arn:aws:iam::111122223333:user/me\"",
    "\"arn:aws:iam::1:role/x\"",
    "\"https://example.com\"",
    "\"http://127.0.0.1:9471\"",
    "\"HTTP://[::1]:80/x\"",
    "\"ftp://example.com\"",
    "\"https://user:p@example.com\"",
    "\"https://example.com/?a=b\"",
    "\"https://\"",
    "\"https:///x\"",
    "\"/var/lib\"",
    "\"state\"",
    "\"~/state\"",
    "\" ~\"",
    "\"America/Los_Angeles\"",
    "\"PDT\"",
];

/// The keys of a place, with their schemas.
fn keys(place: &Place) -> Vec<(String, Value)> {
    table(place.path)["properties"].as_object().unwrap().clone().into_iter().collect()
}

fn validator(schema: &Value) -> Validator {
    let mut schema = schema.clone();
    strip(&mut schema);
    jsonschema::draft7::new(&schema).unwrap()
}

fn value_of(value: &str) -> Value {
    json_of(&format!("value = {value}"))["value"].clone()
}

/// What is wrong where the two verdicts on `key = value` in a table differ.
fn difference(place: &Place, key: &str, schema: &Validator, value: &str) -> Option<String> {
    let complaints = place.complaints(&format!("{key} = {value}"));
    let line = format!("`{key} = {value}` in `{}`: {complaints:?}", place.path);
    let is_beyond = |code: &&str| BEYOND_SCHEMAS.contains(code);
    let is_datetime = value.starts_with(|c: char| c.is_ascii_digit()) && value.contains(['-', ':']);
    match schema.is_valid(&value_of(value)) {
        true if is_datetime || complaints.iter().all(is_beyond) => None,
        true => Some(format!("the schema allows {line}")),
        // The reader reports the lack of studios as such, at the top of the file.
        false if complaints.is_empty() && (key, value) != ("studio", "[]") => {
            Some(format!("the schema refuses what the reader takes: {line}"))
        }
        false => None,
    }
}

fn check(differences: impl Iterator<Item = String>) {
    let differences: Vec<String> = differences.collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn schema_and_reader_judge_values_alike() {
    check(PLACES.iter().flat_map(|place| {
        keys(place).into_iter().flat_map(move |(key, schema)| {
            let validator = validator(&schema);
            VALUES.iter().filter_map(move |value| difference(place, &key, &validator, value))
        })
    }));
}

/// Tables whose keys are names.
#[test]
fn schema_and_reader_judge_values_under_names_alike() {
    const NAMED: &[(&str, Place)] = &[
        ("/properties/prices", Place { path: "prices", text: "[prices]\n@\n" }),
        (
            "/properties/studio/items/properties/rule/items/properties/match/anyOf/1/properties/tag",
            Place {
                path: "studio.rule.match.tag",
                text: "[[studio]]\n[[studio.rule]]\n[studio.rule.match.tag]\n@\n",
            },
        ),
    ];
    let root = of_file();
    check(NAMED.iter().flat_map(|(pointer, place)| {
        let validator = validator(&root.pointer(pointer).unwrap()["additionalProperties"]);
        VALUES.iter().filter_map(move |value| difference(place, "x", &validator, value))
    }));
}

#[test]
fn examples_and_defaults_are_good() {
    for place in PLACES {
        for (key, schema) in table(place.path)["properties"].as_object().unwrap() {
            let validator = validator(schema);
            let examples = schema["examples"].as_array().into_iter().flatten();
            for value in examples.chain(schema.get("default")) {
                assert!(validator.is_valid(value), "{}: {key} = {value}", place.path);
                let mut complaints = place.complaints(&format!("{key} = {}", toml(value)));
                // What a value refers to is not there.
                let elsewhere =
                    ["unknown-schedule", "unknown-calendar", "unknown-veto", "unreadable-ics"];
                complaints.retain(|code| !elsewhere.contains(code));
                assert!(complaints.is_empty(), "{}: {key} = {value}: {complaints:?}", place.path);
            }
        }
    }
}

fn seconds(text: &str) -> i64 {
    let span: jiff::Span = text.parse().unwrap();
    let relative = jiff::SpanRelativeTo::days_are_24_hours();
    span.to_duration(relative).unwrap().as_secs()
}

/// How long a duration may be is said on the page and judged by the reader; they agree to the second.
#[test]
fn bounds_of_durations_are_those_of_the_reader() {
    let mut seen = 0;
    for place in PLACES {
        for (key, schema) in keys(place) {
            let [Some(least), Some(most)] = [0, 1].map(|i| schema["x-bounds"][i].as_str()) else {
                continue;
            };
            let (least, most) = (seconds(least), seconds(most));
            let is_good = |seconds: i64| {
                let complaints = place.complaints(&format!("{key} = \"{seconds}s\""));
                !complaints.contains(&"bad-duration")
            };
            let verdicts = [least - 1, least, most, most + 1].map(is_good);
            assert_eq!(verdicts, [false, true, true, false], "{}: {key}", place.path);
            seen += 1;
        }
    }
    assert!(seen > 10);
}

/// And so for whole numbers, of which the schema knows the bounds itself.
#[test]
fn bounds_of_numbers_are_those_of_the_reader() {
    check(PLACES.iter().flat_map(|place| {
        keys(place).into_iter().flat_map(move |(key, schema)| {
            let bounds = schema["minimum"].as_i64().zip(schema["maximum"].as_i64());
            let edges = bounds.map(|(least, most)| [least - 1, least, most, most + 1]);
            let validator = validator(&schema);
            edges
                .into_iter()
                .flatten()
                .filter_map(move |value| difference(place, &key, &validator, &value.to_string()))
        })
    }));
}

/// Whole files: what must be there, and how many there may be.
#[test]
fn schema_and_reader_judge_files_alike() {
    let sound = crate::config::tests::SOUND;
    let rule = |lines: &str| format!("{sound}[[studio.rule]]\n{lines}\n");
    let without = |line: &str| {
        assert!(sound.contains(line));
        sound.replacen(line, "", 1)
    };
    let calendar = |lines: &str| {
        let named = "zone = \"America/Los_Angeles\"\ncalendars = \"c\"";
        let sound = sound.replace("zone = \"America/Los_Angeles\"", named);
        format!("{sound}[calendar.c]\n{lines}\n")
    };
    let good = [
        sound.to_owned(),
        rule("name = \"a\"\nmatch = \"all\"\nkeep = true"),
        rule("name = \"a\"\nmatch = { owner = \"a\" }\nlease = \"1h\""),
        format!("{sound}\n[prices]\n\"g5.4xlarge\" = 2\n"),
        format!("{sound}brake = {{ per_hour = 0 }}\n"),
        format!("{sound}[people]\na = {{ zone = \"Europe/Paris\" }}\n"),
        calendar("effect = \"open\"\ndates = \"07-04\""),
        format!("{sound}veto = \"farm\"\n[veto.farm]\ncommand = [\"ask\", \"-v\"]\n"),
        sound.replace("us-west-2:stid-EXAMPLE11111\"", "stid-A\"\nregion = \"us-west-2\""),
    ];
    for text in good {
        read(&text).unwrap();
        assert_eq!(faults(&text), Vec::<String>::new(), "{text}");
    }
    let bad = [
        String::new(),
        "version = 1".to_owned(),
        "version = 1\nstudio = []".to_owned(),
        without("version = 1"),
        without("id = \"us-west-2:stid-EXAMPLE11111\""),
        without("zone = \"America/Los_Angeles\""),
        without("idle = [\"Sun-Fri 20:00-07:00\", \"Sat-Sun\"]"),
        sound.replace("version = 1", "version = 2"),
        sound.replace("[[studio]]", "[studio]"),
        sound.replace("nights", "off"),
        calendar("effect = \"open\""),
        format!("{sound}[veto.farm]\ntimeout = \"5s\"\n"),
        format!("{sound}[veto.off]\ncommand = [\"ask\"]\n"),
        calendar("dates = \"07-04\""),
        calendar(&format!("effect = \"open\"\ndates = [{}]", "\"07-04\",".repeat(1_001))),
        format!("{sound}brake = {{}}\n"),
        format!("{sound}[people]\na = {{}}\n"),
        sound.replace("us-west-2:stid", "stid"),
        rule("match = \"all\"\nkeep = true"),
        rule("name = \"a\"\nkeep = true"),
        rule("name = \"a\"\nmatch = \"all\""),
        rule("name = \"a\"\nmatch = {}\nkeep = true"),
        rule("name = \"a\"\nmatch = \"all\"\nkeep = true\nregion = \"us-west-2\""),
        format!("{sound}\n[defaults]\naccount = \"111122223333\"\n"),
        format!("{sound}{}", "[[studio]]\nid = \"stid-A\"\n".repeat(500)),
        format!(
            "{sound}{}",
            "[[studio.rule]]\nname = \"a\"\nmatch = \"all\"\nkeep = true\n".repeat(501)
        ),
    ];
    for text in bad {
        read(&text).unwrap_err();
        assert_ne!(faults(&text), Vec::<String>::new(), "{text}");
    }
}

const UNITS: &[&str] = &[
    "w", "wk", "weeks", "d", "day", "days", "h", "hr", "hrs", "hours", "m", "min", "mins",
    "minutes", "s", "sec", "secs", "seconds", "ms", "µs", "us", "ns", "nanos", "mo", "y",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the reader takes for a duration, the pattern takes too; but for a zero with a minus, which
    /// nobody writes.
    #[test]
    fn durations_of_any_spelling_follow_the_schema(
        parts in prop::collection::vec((0..400u16, "|\\.5|,5", " ?", 0..UNITS.len(), "|,| |, "), 1..4),
        sign in "| |\\+", clock in "|||01:30:00|1:2:3",
    ) {
        let parts: String = parts
            .iter()
            .map(|(number, fraction, gap, unit, after)| {
                format!("{number}{fraction}{gap}{}{after}", UNITS[*unit])
            })
            .collect();
        let text = format!("{sign}{parts}{clock}");
        let place = PLACES.iter().find(|place| place.path == "defaults").unwrap();
        static LEASE: OnceLock<Validator> = OnceLock::new();
        let lease = LEASE.get_or_init(|| validator(&table("defaults")["properties"]["lease"]));
        if place.complaints(&format!("lease = \"{text}\"")).is_empty() {
            prop_assert!(lease.is_valid(&Value::from(text.as_str())), "{text:?}");
        }
    }
}
