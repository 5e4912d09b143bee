//! The constraints of the service's model, as data, and the one function that holds JSON to them.
//!
//! A mistake names the member by its path (`streamConfiguration.volumeConfiguration.iops`), and says
//! what is valid. A member that is null is absent.

use serde_json::{Map, Value};

use super::Failure;

/// What a value must be.
#[derive(Debug)]
pub(crate) enum Shape {
    /// Text of so many characters.
    Text {
        least: usize,
        most: usize,
        form: Form,
    },
    /// A whole number.
    Number {
        least: i64,
        most: i64,
    },
    /// So many items of one shape.
    List {
        least: usize,
        most: usize,
        of: &'static Shape,
    },
    /// Tags: names of text with values of text.
    Tags,
    Structure(&'static [Member]),
}

/// What text must look like.
#[derive(Debug)]
pub(crate) enum Form {
    Any,
    OneOf(&'static [&'static str]),
    /// The second is what is valid, in words.
    Like(fn(&str) -> bool, &'static str),
}

/// A member of a structure, or a parameter of a query.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) name: &'static str,
    pub(crate) shape: &'static Shape,
    pub(crate) required: bool,
}

pub(crate) const fn required(name: &'static str, shape: &'static Shape) -> Member {
    Member { name, shape, required: true }
}

pub(crate) const fn optional(name: &'static str, shape: &'static Shape) -> Member {
    Member { name, shape, required: false }
}

/// Any text.
pub(crate) const fn text() -> Shape {
    Shape::Text { least: 0, most: usize::MAX, form: Form::Any }
}

/// Text of so many characters.
pub(crate) const fn bounded(least: usize, most: usize) -> Shape {
    Shape::Text { least, most, form: Form::Any }
}

/// One of the names of an enumeration.
pub(crate) const fn one_of(names: &'static [&'static str]) -> Shape {
    Shape::Text { least: 0, most: usize::MAX, form: Form::OneOf(names) }
}

/// Text with a pattern.
pub(crate) const fn like(
    least: usize,
    most: usize,
    fits: fn(&str) -> bool,
    valid: &'static str,
) -> Shape {
    Shape::Text { least, most, form: Form::Like(fits, valid) }
}

pub(crate) const fn number(least: i64, most: i64) -> Shape {
    Shape::Number { least, most }
}

pub(crate) const fn list(least: usize, most: usize, of: &'static Shape) -> Shape {
    Shape::List { least, most, of }
}

/// Holds a value to a shape. `path` names the value; it is empty for a whole body.
pub(crate) fn check(value: &Value, shape: &Shape, path: &str) -> Result<(), Failure> {
    match (shape, value) {
        (Shape::Text { least, most, form }, Value::String(text)) => {
            check_text(text, *least, *most, form, path)
        }
        (Shape::Number { least, most }, Value::Number(number)) => match number.as_i64() {
            Some(number) if (*least..=*most).contains(&number) => Ok(()),
            _ => refuse(path, format!("is {number}: valid are {least} to {most}")),
        },
        (Shape::List { least, most, of }, Value::Array(items)) => {
            check_count(items.len(), *least, *most, "items", path)?;
            let mut each = items.iter().enumerate();
            each.try_for_each(|(index, item)| check(item, of, &format!("{path}[{index}]")))
        }
        (Shape::Tags, Value::Object(tags)) => {
            tags.iter().try_for_each(|(key, value)| match value {
                Value::String(_) => Ok(()),
                other => wrong_type(other, "text", &join(path, key)),
            })
        }
        (Shape::Structure(members), Value::Object(found)) => check_members(found, members, path),
        (Shape::Text { .. }, other) => wrong_type(other, "text", path),
        (Shape::Number { .. }, other) => wrong_type(other, "a whole number", path),
        (Shape::List { .. }, other) => wrong_type(other, "a list", path),
        (Shape::Tags | Shape::Structure(_), other) => wrong_type(other, "an object", path),
    }
}

fn check_members(
    found: &Map<String, Value>,
    members: &[Member],
    path: &str,
) -> Result<(), Failure> {
    let is_known = |name: &str| members.iter().any(|member| member.name == name);
    if let Some(unknown) = found.keys().find(|name| !is_known(name)) {
        let names: Vec<&str> = members.iter().map(|member| member.name).collect();
        let valid = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        let path = join(path, unknown);
        let message = format!("{path} is not a member: valid are {valid}");
        return Err(Failure::unknown(&path, message));
    }
    for member in members {
        let path = join(path, member.name);
        match found.get(member.name) {
            None | Some(Value::Null) if member.required => {
                return refuse(&path, "is missing".to_owned());
            }
            None | Some(Value::Null) => {}
            Some(value) => check(value, member.shape, &path)?,
        }
    }
    Ok(())
}

fn check_text(
    text: &str,
    least: usize,
    most: usize,
    form: &Form,
    path: &str,
) -> Result<(), Failure> {
    check_count(text.chars().count(), least, most, "characters", path)?;
    match form {
        Form::Any => Ok(()),
        Form::OneOf(names) if names.contains(&text) => Ok(()),
        Form::OneOf(names) => refuse(path, format!("is {text:?}: valid are {}", names.join(", "))),
        Form::Like(fits, _) if fits(text) => Ok(()),
        Form::Like(_, valid) => refuse(path, format!("is {text:?}: valid is {valid}")),
    }
}

fn check_count(
    count: usize,
    least: usize,
    most: usize,
    of: &str,
    path: &str,
) -> Result<(), Failure> {
    if (least..=most).contains(&count) {
        return Ok(());
    }
    let valid = match most {
        usize::MAX => format!("{least} or more"),
        most => format!("{least} to {most}"),
    };
    refuse(path, format!("has {count} {of}: valid are {valid}"))
}

fn wrong_type(found: &Value, wanted: &str, path: &str) -> Result<(), Failure> {
    let found = match found {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    refuse(path, format!("is {found}: it must be {wanted}"))
}

fn refuse(path: &str, what: String) -> Result<(), Failure> {
    let path = if path.is_empty() { "body" } else { path };
    Err(Failure::invalid(path, format!("{path} {what}")))
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// `^[a-zA-Z0-9-_]*$`
pub(crate) fn is_id(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// `^(\$HOME|/)[/]?([A-Za-z0-9-_]+/)*([A-Za-z0-9_-]+)$`
pub(crate) fn is_linux_path(text: &str) -> bool {
    let rest = text.strip_prefix("$HOME").or_else(|| text.strip_prefix('/'));
    rest.is_some_and(|rest| are_folders(rest.strip_prefix('/').unwrap_or(rest), &['/']))
}

/// `^((\%HOMEPATH\%)|[a-zA-Z]:)[\\/](?:[a-zA-Z0-9_-]+[\\/])*[a-zA-Z0-9_-]+$`
pub(crate) fn is_windows_path(text: &str) -> bool {
    let drive = || {
        let (letter, rest) = text.split_at_checked(1)?;
        let rest = rest.strip_prefix(':')?;
        letter.chars().all(|letter| letter.is_ascii_alphabetic()).then_some(rest)
    };
    let rest = text.strip_prefix("%HOMEPATH%").or_else(drive);
    let rest = rest.and_then(|rest| rest.strip_prefix(['\\', '/']));
    rest.is_some_and(|rest| are_folders(rest, &['\\', '/']))
}

fn are_folders(path: &str, separators: &[char]) -> bool {
    path.split(separators).all(|folder| !folder.is_empty() && is_id(folder))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    static INNER: Shape = Shape::Structure(&[required("iops", &number(3000, 16000))]);
    static KEEP: Shape = Shape::Structure(&[
        required("name", &bounded(1, 4)),
        optional("mode", &one_of(&["ON", "OFF"])),
        optional("id", &like(0, 22, is_id, "letters")),
        optional("items", &list(1, 2, &text())),
        optional("inner", &INNER),
        optional("tags", &Shape::Tags),
    ]);

    #[test]
    fn each_mistake_names_the_member_and_what_is_valid() {
        let told = [
            json!([]),
            json!({}),
            json!({"name": null}),
            json!({"name": 1}),
            json!({"name": "toolong"}),
            json!({"name": ""}),
            json!({"name": "n", "colour": "red"}),
            json!({"name": "n", "mode": "MAYBE"}),
            json!({"name": "n", "id": "a b"}),
            json!({"name": "n", "items": []}),
            json!({"name": "n", "items": ["a", 1]}),
            json!({"name": "n", "items": {}}),
            json!({"name": "n", "inner": {"iops": 2999}}),
            json!({"name": "n", "inner": {"iops": 3000.5}}),
            json!({"name": "n", "inner": {"iops": true}}),
            json!({"name": "n", "inner": {"iops": "3000"}}),
            json!({"name": "n", "inner": {"iops": 3000, "x": 1}}),
            json!({"name": "n", "tags": {"a": 1}}),
            json!({"name": "n", "tags": []}),
        ]
        .map(|body| {
            let failure = check(&body, &KEEP, "").unwrap_err();
            let said: Value = serde_json::from_slice(&failure.body()).unwrap();
            said["message"].as_str().unwrap().to_owned()
        });
        insta::assert_snapshot!(told.join("\n"), @r#"
        body is a list: it must be an object
        name is missing
        name is missing
        name is a number: it must be text
        name has 7 characters: valid are 1 to 4
        name has 0 characters: valid are 1 to 4
        colour is not a member: valid are name, mode, id, items, inner, tags
        mode is "MAYBE": valid are ON, OFF
        id is "a b": valid is letters
        items has 0 items: valid are 1 to 2
        items[1] is a number: it must be text
        items is an object: it must be a list
        inner.iops is 2999: valid are 3000 to 16000
        inner.iops is 3000.5: valid are 3000 to 16000
        inner.iops is true or false: it must be a whole number
        inner.iops is text: it must be a whole number
        inner.x is not a member: valid are iops
        tags.a is a number: it must be text
        tags is a list: it must be an object
        "#);
        let good = json!({"name": "n", "mode": null, "items": ["a", "b"], "inner": {"iops": 16000}, "tags": {"a": ""}});
        assert!(check(&good, &KEEP, "").is_ok());
    }

    #[test]
    fn paths_are_those_of_the_model() {
        for (path, linux, windows) in [
            ("$HOME/a", true, false),
            ("$HOMEa", true, false),
            ("/a", true, false),
            ("//a/b-_", true, false),
            ("/", false, false),
            ("/a/", false, false),
            ("///a", false, false),
            ("a", false, false),
            ("%HOMEPATH%\\a/b", false, true),
            ("C:\\uploads", false, true),
            ("c:/a", false, true),
            ("C:", false, false),
            ("C:\\", false, false),
            ("C:\\a\\", false, false),
            ("CC:\\a", false, false),
            ("ä:\\a", false, false),
        ] {
            assert_eq!((is_linux_path(path), is_windows_path(path)), (linux, windows), "{path}");
        }
    }
}
