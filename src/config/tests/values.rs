//! Values that are wrong by themselves.

use super::*;

#[test]
fn wrong_keys_are_explained() {
    check("unknown_key", &studio("max_uptme = \"14h\""));
    check("unknown_key_without_likeness", &top("[daemon]\ncolour = \"blue\""));
    check("key_below_the_wrong_heading", &top("[daemon]\nscan = \"5m\"\nmode = \"enforce\""));
    check("setting_at_the_top", &top("lease = \"2h\""));
    check("misplaced_in_defaults", &top("[defaults]\nregion = \"us-west-2\"\nid = \"x\""));
    check(
        "misplaced_in_rule",
        &studio(
            "[[studio.rule]]\nname = \"a\"\nmatch = \"all\"\nkeep = true\naccount = \"111122223333\"",
        ),
    );
}

#[test]
fn wrong_brakes_and_starts_are_explained() {
    check("brake_empty", &studio("brake = {}"));
    check("brake_negative", &studio("brake = { per_scan = -1 }"));
    check("brake_off", &studio("brake = \"off\""));
    check("brake_unknown_key", &studio("brake = { per_day = 5 }"));
    check("brake_in_defaults", &top("[defaults]\nbrake = { per_scan = 5 }"));
    check("start_unknown", &studio("start = \"always\""));
    check("start_lead_too_long", &studio("start_lead = \"2d\""));
    check("catch_up_off", &studio("catch_up = \"off\""));
    check("keep_max_too_short", &studio("keep_max = \"30s\""));
    check("keep_remind_too_long", &studio("keep_remind = \"8d\""));
    let of_role = |role: &str| {
        studio(&format!(
            "[[studio.rule]]\nname = \"a\"\nmatch = {{ studio_role = {role} }}\nkeep = true"
        ))
    };
    check("studio_role_unknown", &of_role("\"ADMIN\""));
    check("studio_role_pattern", &of_role("[\"ADMINISTRATOR\", \"*\"]"));
    check("studio_role_empty", &of_role("[]"));
}

#[test]
fn wrong_vetoes_are_explained() {
    let veto = |lines: &str| studio(&format!("veto = \"farm\"\n[veto.farm]\n{lines}"));
    check("veto_without_command", &veto("timeout = \"5s\""));
    check("veto_command_as_text", &veto("command = \"/usr/local/bin/ask --json\""));
    check("veto_command_empty", &veto("command = []"));
    check("veto_command_with_tilde", &veto("command = [\"~/ask\"]"));
    check("veto_command_number", &veto("command = [\"ask\", 5]"));
    check("veto_command_too_long", &veto(&format!("command = [{}]", "\"a\",".repeat(65))));
    check("veto_timeout_too_long", &veto("command = [\"ask\"]\ntimeout = \"1h\""));
    check("veto_defer_max_off", &veto("command = [\"ask\"]\ndefer_max = \"off\""));
    check("veto_every_too_short", &veto("command = [\"ask\"]\nevery = \"1s\""));
    check("veto_unknown_key", &veto("command = [\"ask\"]\nshell = true"));
    check("veto_named_off", &top("[veto.off]\ncommand = [\"ask\"]"));
    check("veto_not_a_table", &top("veto = [\"farm\"]"));
    check(
        "vetoes_too_many",
        &studio("veto = [\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\",\"h\",\"i\"]"),
    );
    check("vetoes_off_in_list", &studio("veto = [\"off\"]"));
}

#[test]
fn wrong_people_are_explained() {
    check("people_without_table", &top("[people]\n\"9067-a\" = \"Europe/Paris\""));
    check("people_empty", &top("[people]\n\"9067-a\" = {}"));
    check("people_zone", &top("[people]\n\"9067-a\" = { zone = \"Europe/Pari\" }"));
    check("people_unknown_key", &top("[people]\n\"9067-a\" = { tz = \"Europe/Paris\" }"));
    check("people_secret_address", &top("[people]\n\"9067-a\" = { address = 5 }"));
    check("owner_zones_missing", &replaced("America/Los_Angeles", "owner"));
}

#[test]
fn wrong_weeks_of_a_month_are_explained() {
    let idle = |text: &str| replaced("\"Sat-Sun\"", &format!("\"{text}\""));
    check("idle_ordinal", &idle("6th Mon"));
    check("idle_ordinal_alone", &idle("1st"));
    check("idle_ordinal_backwards", &idle("3rd-1st Mon"));
}

#[test]
fn wrong_types_are_explained() {
    check("wrong_type_string", &studio("name = 5"));
    check("wrong_type_table", &top("daemon = \"5m\""));
    check("studio_with_single_brackets", &SOUND.replace("[[studio]]", "[studio]"));
    check("account_as_integer", &studio("account = 11122223333"));
    check("studio_list_empty", "version = 1\nstudio = []\n");
    check("version_as_text", &replaced("version = 1", "version = \"1\""));
    check("version_of_the_future", &replaced("version = 1", "version = 2"));
    check("version_missing", &replaced("version = 1", ""));
    check("empty_file", "");
    check("empty_name", &studio("name = \"\""));
    check(
        "keep_as_text",
        &studio("[[studio.rule]]\nname = \"a\"\nmatch = \"all\"\nkeep = \"true\""),
    );
}

#[test]
fn wrong_words_are_explained() {
    check("mode_misspelt", &top("mode = \"enforced\""));
    check("mode_unknown", &top("mode = \"on\""));
    check("preserve_unknown", &studio("preserve = \"keep\""));
    check("match_unknown", &studio("[[studio.rule]]\nname = \"a\"\nmatch = \"*\"\nkeep = true"));
}

#[test]
fn wrong_durations_are_explained() {
    check("duration_without_unit", &studio("lease = 2"));
    check("duration_unreadable", &studio("lease = \"two hours\""));
    check("duration_negative", &studio("lease = \"-2h\""));
    check("duration_with_a_fraction", &studio("warn = [\"0.333h\"]"));
    check("duration_in_months", &studio("lease = \"1 month\""));
    check("lease_off", &studio("lease = \"off\""));
    check("max_uptime_zero", &studio("max_uptime = \"0s\""));
    check("max_uptime_of_years", &studio("max_uptime = \"800d\""));
    check("scan_zero", &top("[daemon]\nscan = \"0s\""));
    check("scan_too_often", &top("[daemon]\nscan = \"5s\""));
    check("scan_too_rarely", &top("[daemon]\nscan = \"2d\""));
    check("scan_cron_wrong", &top("[daemon]\nscan = \"*/5 * * * Foo\""));
    check("scan_cron_with_gaps", &top("[daemon]\nscan = \"0 9 * * Mon-Fri\""));
    check("scan_cron_without_weekends", &top("[daemon]\nscan = \"*/5 * * * Mon-Fri\""));
    check("concurrency_zero", &top("[daemon]\nconcurrency = 0"));
    check("concurrency_too_large", &top("[daemon]\nconcurrency = 99999999999999999999"));
    check("path_with_tilde", &top("[audit]\npath = \"~/audit.jsonl\""));
    check("size_without_unit", &top("[audit]\nrotate_size = 64"));
    check("size_unreadable", &top("[audit]\nrotate_size = \"64 megabytes\""));
    check("size_too_small", &top("[audit]\nrotate_size = \"1KB\""));
    check("size_too_large", &top("[audit]\nrotate_size = \"1000GB\""));
    check("rotate_age_too_short", &top("[audit]\nrotate_age = \"5m\""));
}

#[test]
fn wrong_warnings_are_explained() {
    check("warn_zero", &studio("warn = [\"30m\", \"0s\"]"));
    check("warn_too_long", &studio("warn = [\"8d\"]"));
    check("warn_twice", &studio("warn = [\"30m\", \"5m\", \"1800s\"]"));
    check(
        "warn_too_many",
        &studio(r#"warn = ["1m", "2m", "3m", "4m", "5m", "6m", "7m", "8m", "9m"]"#),
    );
    check("warn_bare_numbers", &studio("warn = [30, 5]"));
}

#[test]
fn wrong_schedules_are_explained() {
    check("zone_misspelt", &replaced("America/Los_Angeles", "Amercia/Los_Angeles"));
    check("zone_city_only", &replaced("America/Los_Angeles", "Los Angeles"));
    check("zone_abbreviated", &replaced("America/Los_Angeles", "PDT"));
    check("zone_missing", &replaced("zone = \"America/Los_Angeles\"", ""));
    check("idle_day", &replaced("Sat-Sun", "Sat-Son"));
    check("idle_hours", &replaced("20:00-07:00", "8pm-7am"));
    check("idle_trailing", &replaced("Sat-Sun", "Sat 10:00-12:00 13:00-14:00"));
    check("idle_empty_list", &replaced("[\"Sun-Fri 20:00-07:00\", \"Sat-Sun\"]", "[]"));
    check("idle_missing", &replaced("idle = [\"Sun-Fri 20:00-07:00\", \"Sat-Sun\"]", ""));
    check("idle_number", &replaced("[\"Sun-Fri 20:00-07:00\", \"Sat-Sun\"]", "20"));
    let with_idle = |idle: &str| replaced("[\"Sun-Fri 20:00-07:00\", \"Sat-Sun\"]", idle);
    check("idle_cron_as_window", &with_idle("\"0 20 * * Mon-Fri\""));
    check("idle_opens_alone", &with_idle("{ opens = \"0 20 * * *\" }"));
    check("idle_cron_fields", &with_idle("{ opens = \"20:00\", closes = \"0 7 * * *\" }"));
    check(
        "idle_cron_both_days",
        &with_idle("{ opens = \"0 20 1 * Mon\", closes = \"0 7 * * *\" }"),
    );
    check("idle_never_closes", &with_idle("{ opens = \"0 20 * * *\", closes = \"0 20 * * 0-7\" }"));
    check("idle_always", &with_idle("\"Mon-Sun\""));
}

#[test]
fn wrong_places_are_explained() {
    check("account_with_dashes", &studio("account = \"1111-2222-3333\""));
    check("account_too_short", &studio("account = \"1234\""));
    check("role_arn_of_a_user", &studio("role_arn = \"arn:aws:iam::111122223333:user/me\""));
    check("endpoint_without_scheme", &studio("endpoint_url = \"127.0.0.1:9471\""));
    check("endpoint_port", &studio("endpoint_url = \"http://127.0.0.1:94711\""));
    check("endpoint_query", &studio("endpoint_url = \"https://example.com/?a=b\""));
    check("endpoint_in_the_clear", &studio("endpoint_url = \"http://example.com\""));
    check("region_malformed", &studio("region = \"Oregon\""));
    check("id_malformed", &replaced("us-west-2:stid-EXAMPLE11111", "arn:aws:nimble:us-west-2"));
}

#[test]
fn wrong_listeners_are_explained() {
    check("http_without_listen", &top("[http]\ntoken_file = \"token\""));
    check("http_name", &top("[http]\nlisten = \"localhost:9464\""));
    check("http_without_port", &top("[http]\nlisten = \"127.0.0.1\""));
    check("http_open", &top("[http]\nlisten = \"0.0.0.0:9464\""));
    check("http_open_v6", &top("[http]\nlisten = \"[::]:9464\""));
    check("audit_stdout_as_text", &top("[audit]\nstdout = \"yes\""));
}

#[test]
fn wrong_prices_are_explained() {
    check("price_negative", &top("[prices]\n\"g5.4xlarge\" = -1.0"));
    check("price_not_a_number", &top("[prices]\n\"g5.4xlarge\" = nan"));
    check("price_as_text", &top("[prices]\n\"g5.4xlarge\" = \"2.36\""));
    check("price_unquoted_key", &top("[prices]\ng5.4xlarge = 2.36"));
    check("price_of_unknown_type", &top("[prices]\n\"g5.4xlage\" = 2.36"));
}

#[test]
fn broken_syntax_is_explained() {
    check("syntax_unquoted", &top("mode = enforce"));
    check("syntax_unclosed_string", &studio("name = \"Feature\nlease = \"1h\""));
    check("syntax_unclosed_list", &studio("warn = [\"30m\", \"5m\"\nlease = \"1h\""));
    check("syntax_duplicate_table", &format!("{SOUND}[schedule.nights]\nzone = \"UTC\"\n"));
    check("syntax_leading_zero", &studio("account = 011122223333"));
    check("syntax_duplicate_key", &studio("lease = \"1h\"\nlease = \"2h\""));
    check("syntax_and_other_mistakes", &top("mode = enforce\n[daemon]\nscan = 5\nscna = \"5m\""));
}
