use proptest::prelude::*;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::*;

/// What nobody should be able to call a studio, and somebody will.
const NASTY: [&str; 16] = [
    "a|b",
    "a\\|b",
    "``",
    "`a`|`b`",
    "@everybody",
    "show#12",
    "<img src=x>",
    "</details>",
    "<!-- ",
    "*bold* _it_ ~~no~~",
    "[text](https://example.com)",
    "https://example.com www.example.com",
    "a\nb\r\n| c |",
    "right\u{202e}tfel",
    " blanks ",
    "&lt;&#64;",
];

/// The texts of the cells of a table's only row, as whoever reads Markdown understands them.
fn cells(markdown: &str) -> Vec<String> {
    let mut cells = Vec::new();
    let mut inside = false;
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH) {
        match event {
            Event::Start(Tag::TableHead | Tag::Table(_) | Tag::TableRow)
            | Event::End(TagEnd::TableHead | TagEnd::Table | TagEnd::TableRow) => {}
            Event::Start(Tag::TableCell) => {
                inside = true;
                cells.push(String::new());
            }
            Event::End(TagEnd::TableCell) => inside = false,
            Event::Text(text) | Event::Code(text) if inside => {
                cells.last_mut().unwrap().push_str(&text);
            }
            Event::InlineHtml(tag) if inside && ["<code>", "</code>"].contains(&&*tag) => {}
            event => panic!("{event:?} in {markdown}"),
        }
    }
    cells.split_off(2)
}

/// A row that has this in both ways, read again.
fn round(value: &str) -> [String; 2] {
    let mut page = Page::default();
    page.table(&["one", "two"], &[vec![text(value), code(value)]]);
    let cells = cells(&page.into_text());
    let cells: [String; 2] = cells.try_into().unwrap();
    cells.map(|cell| cell.replace('\u{200b}', ""))
}

fn check(value: &str) {
    let [as_text, as_code] = round(value);
    let seen = visible(value);
    assert_eq!(as_text.trim(), seen.trim(), "{value:?}");
    let expected = if seen.trim().is_empty() { "(empty)" } else { &seen };
    assert_eq!(as_code, expected, "{value:?}");
}

#[test]
fn a_name_is_shown_as_it_is_and_does_nothing() {
    NASTY.iter().for_each(|value| check(value));
    assert_eq!(code("nights"), "`nights`");
    assert_eq!(code("a@b|c"), "<code>a&#64;b&#124;c</code>");
    assert_eq!(text("ask @ada of show#12"), "ask @&#8203;ada of show#&#8203;12");
    assert_eq!(text("a\u{202e}b"), "a(U+202E)b");
}

#[test]
fn a_name_in_a_sentence_stands_out() {
    assert_eq!(
        sentence("unknown key `le|ase_` in `[[studio]]`"),
        "unknown key <code>le&#124;ase&#95;</code> in `[[studio]]`"
    );
    assert_eq!(sentence("no `pair in it"), "no &#96;pair in it");
    for value in NASTY {
        let mut page = Page::default();
        page.table(&["one", "two"], &[vec![sentence(value), sentence(&format!("a `{value}` b"))]]);
        for cell in cells(&page.into_text()) {
            let bare = |text: &str| text.replace(['\u{200b}', '`'], "");
            assert!(
                bare(&visible(&format!("a `{value}` b"))).contains(bare(&cell).trim()),
                "{cell}"
            );
        }
    }
}

#[test]
fn a_summary_ends_where_it_should() {
    for value in NASTY {
        let mut page = Page::default();
        page.details(&code_in_summary(value), |page| page.paragraph("inside"));
        let shown = page.into_text();
        let tags = Parser::new(&shown).filter_map(|event| match event {
            Event::Html(html) => Some(html.trim().to_owned()),
            _ => None,
        });
        let tags: Vec<String> = tags.collect();
        assert_eq!(tags.len(), 2, "{shown}");
        let inner = tags[0].strip_prefix("<details><summary><code>").unwrap();
        let inner = inner.strip_suffix("</code></summary>").unwrap();
        assert!(!inner.contains(['<', '>', '@']), "{inner}");
        assert_eq!(tags[1], "</details>");
    }
}

#[test]
fn a_table_says_how_many_rows_it_leaves_out_and_a_cell_that_it_goes_on() {
    let mut page = Page::default();
    page.table(&["a"], &vec![vec!["x".to_owned()]; ROWS_MAX + 3]);
    let shown = page.into_text();
    assert_eq!(shown.matches("| x |").count(), ROWS_MAX);
    assert!(shown.ends_with("… and 3 more\n"), "{shown}");
    assert_eq!(code(&"y".repeat(CELL_MAX + 1)), format!("`{}…`", "y".repeat(CELL_MAX)));
}

#[test]
fn a_page_is_bounded_whatever_is_in_it() {
    let mut page = Page::default();
    let row = || vec![code(&"|".repeat(CELL_MAX))];
    for _ in 0..20 {
        page.table(&["a"], &[row(), row()]);
        page.lines(&"x\n".repeat(5_000));
    }
    let shown = page.into_text();
    assert!(shown.len() < PAGE_BYTES_MAX + 20 * 100, "{}", shown.len());
    assert!(shown.ends_with("… and 2 more\n\n```text\n…\n```\n"), "{}", &shown[PAGE_BYTES_MAX..]);
}

#[test]
fn no_line_ends_what_a_terminal_would_show() {
    let mut page = Page::default();
    page.details("more", |page| page.lines("a\n````\n</details>\n\u{1b}[31mred\n"));
    insta::assert_snapshot!(page.into_text(), @"
    <details><summary>more</summary>

    `````text
    a
    ````
    </details>
    ?[31mred
    `````

    </details>
    ");
}

proptest! {
    #[test]
    fn whatever_a_thing_is_called_its_cell_says_so_and_no_more(value in "\\PC{0,40}|[|`\\\\<>@#&*_ a-z:/.\\[\\]()!~$\"'-]{0,30}") {
        check(&value);
    }
}
