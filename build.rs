//! Tells the program which commit it was built from, where that can be known.
//!
//! Whoever builds without a repository, such as a packager, says it by `LIGHTSOUT_COMMIT`. Nothing else of
//! the machine goes into the program, so that the same source gives the same program everywhere.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-env-changed=LIGHTSOUT_COMMIT");
    println!("cargo::rerun-if-changed=build.rs");
    // Where it is worked on, a commit is no reason to build everything anew.
    let is_release = std::env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let found = || if is_release { of_the_repository() } else { None };
    let commit = std::env::var("LIGHTSOUT_COMMIT").ok().or_else(found);
    let version = env!("CARGO_PKG_VERSION");
    let version = match commit.filter(|commit| !commit.is_empty()) {
        Some(commit) => format!("{version} ({commit})"),
        None => version.to_owned(),
    };
    println!("cargo::rustc-env=LIGHTSOUT_VERSION={version}");
}

/// The commit that is checked out. What was changed since is not told: to know it at any time would mean
/// to build anew each time.
fn of_the_repository() -> Option<String> {
    // A crate from a registry may lie inside of somebody else's repository.
    if !Path::new(".git").exists() {
        return None;
    }
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| text.trim().to_owned())
    };
    for name in ["HEAD", "logs/HEAD"] {
        if let Some(path) = git(&["rev-parse", "--git-path", name])
            && Path::new(&path).exists()
        {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    git(&["rev-parse", "--short=12", "HEAD"])
}
