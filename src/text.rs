//! What strangers wrote, where it is repeated in a line of ours.

/// A text in one line of at most so many characters, and `...` where there is more of it.
#[must_use]
pub fn one_line(text: &str, chars_max: usize) -> String {
    let text = text.trim();
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    let mut line: String = text.chars().map(plain).take(chars_max).collect();
    if text.chars().nth(chars_max).is_some() {
        line.push_str("...");
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_stranger_wrote_stays_in_its_line() {
        assert_eq!(one_line("  two\nlines\u{1b}[31m ", 40), "two lines [31m");
        assert_eq!(one_line("héron", 5), "héron");
        assert_eq!(one_line("hérons", 5), "héron...");
        assert_eq!(one_line(" \n ", 5), "");
    }
}
