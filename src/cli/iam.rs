//! `lightsout iam CALLER`: the policy for IAM by which the daemon, or a person, may do what it does.

use clap::ValueEnum;

use super::{Failure, output};
use crate::provider::nimble::{Caller, Place, iam_policy};

#[derive(Debug, Clone, clap::Args)]
pub(super) struct Arguments {
    /// For whom.
    caller: Who,

    /// The account whose studios it is about.
    #[arg(long, value_name = "ID", default_value = "111122223333", value_parser = account)]
    account: String,

    /// The region that they are in; all of them where none is named.
    #[arg(long, value_name = "REGION", default_value = "*", value_parser = name)]
    region: String,

    /// The partition, such as aws-us-gov.
    #[arg(long, value_name = "PARTITION", default_value = "aws", value_parser = name)]
    partition: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Who {
    /// The daemon in mode `observe`, and the commands that only look.
    Observe,
    /// The daemon in mode `enforce`.
    Enforce,
    /// A person who stops, starts, keeps and changes launch profiles by hand.
    Operator,
}

pub(super) fn main(arguments: &Arguments) -> Result<(), Failure> {
    let caller = match arguments.caller {
        Who::Observe => Caller::Observe,
        Who::Enforce => Caller::Enforce,
        Who::Operator => Caller::Operator,
    };
    let Arguments { account, region, partition, .. } = arguments.clone();
    let policy = iam_policy(caller, &Place { partition, region, account });
    output::json(&policy)
}

fn account(text: &str) -> Result<String, String> {
    let is_account = text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_account { Ok(text.to_owned()) } else { Err("an account has twelve digits".to_owned()) }
}

fn name(text: &str) -> Result<String, String> {
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let is_name = text == "*" || (!text.is_empty() && text.chars().all(is_part));
    if is_name { Ok(text.to_owned()) } else { Err("it is no name that an ARN can hold".to_owned()) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crate::plan::{TAG_KEEP, TAG_KEEP_UNTIL, TAG_STOPPED};

    /// A keep that the program goes by and IAM does not know would be no Deny.
    #[test]
    fn the_tags_of_the_permissions_are_those_that_the_decision_goes_by() {
        let texts = [
            include_str!("../../deploy/iam/enforce.json"),
            include_str!("../../deploy/iam/operator.json"),
        ];
        let is_tag = |character: char| character.is_ascii_lowercase() || "-:".contains(character);
        let words = texts.iter().flat_map(|text| text.split(|character| !is_tag(character)));
        let tags: BTreeSet<&str> = words.filter(|word| word.starts_with("lightsout:")).collect();
        assert_eq!(tags, BTreeSet::from([TAG_KEEP, TAG_KEEP_UNTIL, TAG_STOPPED]));
    }
}
