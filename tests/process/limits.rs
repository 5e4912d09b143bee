//! What the program may use of the machine.

use lightsout::sandbox::{Fault, FaultRule};

use crate::house::{House, Watched, text};

/// By how much memory may grow, in kB.
const GROWTH_MAX: u64 = 64 * 1024;

#[test]
fn an_answer_of_a_hundred_megabytes_is_not_held_in_memory() {
    let sandbox = Watched::small();
    let idle = House::always_due(&sandbox.endpoint);
    let mut daemon = idle.start(&["--log", "debug", "run", "--dry-run"]);
    daemon.wait_for("scanned");
    let usual = daemon.peak_memory();
    drop(daemon);

    sandbox.faults.add(FaultRule::new(Fault::HugeBody { bytes: 100_000_000 }));
    let house = House::always_due(&sandbox.endpoint);
    let mut daemon = house.start(&["--log", "debug", "run"]);
    daemon.wait_for("scanned");
    let most = daemon.peak_memory();
    let growth = most.saturating_sub(usual);
    assert!(growth <= GROWTH_MAX, "{usual} kB idle, {most} kB after");
    daemon.signal("TERM");
    assert_eq!(daemon.finish().code, Some(0));
    let held = house.records_of("studio.held");
    assert_eq!(text(&held[0]["data"]["reason"]["values"], "problem"), "too_large");
    assert_eq!(sandbox.changing_requests(), 0);
}
