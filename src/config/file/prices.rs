//! `[prices]`: USD for an hour of an instance type, over the built-in table.

use std::collections::BTreeMap;

use toml::de::DeValue;

use super::super::diagnostic::{Diagnostic, Sink};
use super::super::suggest::{self, quoted};
use super::super::table::{Table, Value, wrong_type};

/// Prices by instance type.
pub(in crate::config) type PricesFile = BTreeMap<String, f64>;

/// The instance types that a launch profile may name, from the service's API model.
const INSTANCE_TYPES: [&str; 13] = [
    "g3.4xlarge",
    "g3s.xlarge",
    "g4dn.12xlarge",
    "g4dn.16xlarge",
    "g4dn.2xlarge",
    "g4dn.4xlarge",
    "g4dn.8xlarge",
    "g4dn.xlarge",
    "g5.16xlarge",
    "g5.2xlarge",
    "g5.4xlarge",
    "g5.8xlarge",
    "g5.xlarge",
];

pub(super) fn read(root: &mut Table<'_>, sink: &mut Sink) -> PricesFile {
    let value = root.take("prices");
    let Some(table) = value.and_then(|value| Table::of(&value, "[prices]", sink)) else {
        return PricesFile::new();
    };
    let entries = table.all();
    entries.iter().filter_map(|entry| Some((entry.key.to_owned(), price(entry, sink)?))).collect()
}

fn price(value: &Value<'_>, sink: &mut Sink) -> Option<f64> {
    let number: f64 = match value.content {
        // A number that cannot be held is refused below, as one that is no price.
        DeValue::Float(float) => float.as_str().parse().unwrap_or(f64::NAN),
        DeValue::Integer(integer) => {
            i32::from_str_radix(integer.as_str(), integer.radix()).map_or(f64::NAN, f64::from)
        }
        DeValue::Table(inner) => {
            let size = inner.keys().next().map_or("xlarge", |size| size.get_ref());
            let help = format!("put quotes around the type, as in \"{}.{size}\" = 2.36", value.key);
            let note = "a dot in a key without quotes makes a table";
            sink.push(wrong_type(value, "a number").note(note).help(help));
            return None;
        }
        _ => {
            sink.push(
                wrong_type(value, "a number")
                    .help(format!("write USD an hour, as in \"{}\" = 2.36", value.key)),
            );
            return None;
        }
    };
    if !number.is_finite() || number < 0.0 {
        let message = format!("the price of {} is not a price", quoted(value.key));
        sink.push(
            Diagnostic::error("bad-price", value.span(), message)
                .label("a price is a number from 0 up")
                .help("write USD an hour, as in 2.36"),
        );
        return None;
    }
    warn_of_unknown_type(value, sink);
    Some(number)
}

fn warn_of_unknown_type(value: &Value<'_>, sink: &mut Sink) {
    if INSTANCE_TYPES.contains(&value.key) {
        return;
    }
    let message = format!("unknown instance type {}", quoted(value.key));
    let diagnostic = Diagnostic::warning("unknown-instance-type", value.key_span(), message)
        .label("no launch profile can name it");
    sink.push(match suggest::closest(value.key, INSTANCE_TYPES) {
        Some(meant) => diagnostic.help(format!("did you mean \"{meant}\"?")),
        None => diagnostic.note(format!("known are {}", suggest::one_of(&INSTANCE_TYPES, "and"))),
    });
}
