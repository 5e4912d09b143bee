//! The first page of a state file: whose it is, of which schema, and whether its making was finished.
//! It is looked at before anything else touches the file, so what is not ours stays as it is.

use super::disk::Disk;
use super::{SCHEMA, StateProblem};

/// The length of the page: that of a block of most disks, so that what comes behind lies well on them.
pub(super) const HEADER_BYTES: u64 = 4096;

/// What every state file begins with, whatever its schema.
const MAGIC: &str = "lightsout sandbox state, schema ";
/// What follows the number of the schema.
const WHOLE: &str = ", whole\n";
const BEGUN: &str = ", begun\n";
/// How long the text of the page is at the most.
const TEXT_BYTES_MAX: usize = 64;

/// What a file is found to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nothing is in it, or its making was cut short: it may be begun.
    New,
    Whole,
}

/// The page of a file.
pub(super) fn header(standing: Standing) -> Vec<u8> {
    let ending = match standing {
        Standing::New => BEGUN,
        Standing::Whole => WHOLE,
    };
    let mut page = format!("{MAGIC}{SCHEMA}{ending}").into_bytes();
    page.resize(HEADER_BYTES as usize, 0);
    page
}

/// Reads the page of a file.
pub(super) fn read(disk: &dyn Disk) -> Result<Standing, StateProblem> {
    let length = disk.len()?;
    let mut page = vec![0; usize::try_from(length.min(HEADER_BYTES)).unwrap_or(0)];
    disk.read_at(0, &mut page)?;
    // Also where the very first write was cut short.
    if header(Standing::New).starts_with(&page) {
        return Ok(Standing::New);
    }
    let (schema, ending) = text(&page).ok_or(StateProblem::NotOurs)?;
    let found = schema.parse().map_err(|_| StateProblem::NotOurs)?;
    if found != SCHEMA {
        return Err(StateProblem::OtherSchema { found });
    }
    if ending == WHOLE { Ok(Standing::Whole) } else { Err(StateProblem::NotOurs) }
}

/// The number of the schema, and what comes after it.
fn text(page: &[u8]) -> Option<(&str, &str)> {
    let line =
        page[..page.len().min(TEXT_BYTES_MAX)].split_inclusive(|byte| *byte == b'\n').next()?;
    let rest = std::str::from_utf8(line).ok()?.strip_prefix(MAGIC)?;
    rest.split_at_checked(rest.find(',')?)
}
