//! Nothing that can be written makes the reader panic, or pass a file without effect.

use proptest::prelude::*;

use super::*;

const EXAMPLE: &str = include_str!("../../../config/example.toml");

/// Pieces that are likely to matter.
const PIECES: &[&str] = &[
    "\"",
    "'''",
    "\"\"\"",
    "[",
    "]]",
    "{",
    "}",
    "=",
    "\n",
    ",",
    "0",
    "-",
    "é",
    "\u{feff}",
    "\\u0000",
    "off",
    "all",
    "[[studio]]\n",
    "match = {}",
    "external_id = \"",
    "://a@",
    "1e999",
    "nan",
    "99999999999999999999",
    "0x",
    "* * * * *",
    "12-24..01-01",
    "2026-02-30",
    "ics = \"holidays.ics\"\n",
    "calendars = [\"holidays\"]\n",
    "\r",
    "\u{0}",
];

fn never_panics(text: &str) {
    // Beside the example are the calendar files that it names.
    let directory = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/config"));
    match parse("lightsout.toml", text, directory) {
        Ok(loaded) => drop(loaded.warnings.render(false)),
        Err(found) => {
            assert!(found.has_errors());
            drop((found.render(true), found.to_json()));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_changed_example_never_panics(
        changes in prop::collection::vec((0..EXAMPLE.len(), 0..40usize, 0..PIECES.len()), 1..6)
    ) {
        let mut text = EXAMPLE.to_owned();
        for (start, length, piece) in changes {
            let start = text.floor_char_boundary(start.min(text.len()));
            let end = text.floor_char_boundary((start + length).min(text.len())).max(start);
            text.replace_range(start..end, PIECES[piece]);
        }
        never_panics(&text);
    }

    #[test]
    fn arbitrary_text_never_panics(text in "\\PC{0,200}") {
        never_panics(&text);
    }
}

#[test]
fn large_files_of_nonsense_never_panic() {
    let texts = [
        "a = 1\n".repeat(30_000),
        "[[studio]]\n".repeat(20_000),
        "=".repeat(100_000),
        "[".repeat(100_000),
        format!("{} = 1", "a".repeat(200_000)),
        format!("{} = 1", vec!["a"; 100_000].join(".")),
        format!("[{}]", vec!["a"; 100_000].join(".")),
        format!("{SOUND}{}", "[[studio.rule]]\n".repeat(10_000)),
        format!(
            "version = 1\n[prices]\n{}",
            (0..2_000).map(|i| format!("p{i} = 1\n")).collect::<String>()
        ),
        "external_id = \"\"\"".repeat(10_000),
        "a://@".repeat(100_000),
    ];
    for text in texts {
        never_panics(&text);
    }
}
