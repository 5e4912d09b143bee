//! What an hour of a running machine costs, as an estimate.

use std::collections::BTreeMap;

use crate::ids::InstanceType;

/// The month of the built-in table.
const BUILT_IN_DATE: &str = "2026-01";

/// USD an hour: EC2 on demand, Linux, us-east-1 and us-west-2, in [`BUILT_IN_DATE`]. Nimble's own
/// prices were not published with its API; a policy that knows better says so in `[prices]`.
const BUILT_IN: &[(&str, f64)] = &[
    ("g3s.xlarge", 0.750),
    ("g3.4xlarge", 1.140),
    ("g4dn.xlarge", 0.526),
    ("g4dn.2xlarge", 0.752),
    ("g4dn.4xlarge", 1.204),
    ("g4dn.8xlarge", 2.176),
    ("g4dn.12xlarge", 3.912),
    ("g4dn.16xlarge", 4.352),
    ("g5.xlarge", 1.006),
    ("g5.2xlarge", 1.212),
    ("g5.4xlarge", 1.624),
    ("g5.8xlarge", 2.448),
    ("g5.16xlarge", 4.096),
];

/// USD an hour by instance type.
#[derive(Debug, Clone, PartialEq)]
pub struct Prices(BTreeMap<InstanceType, f64>);

impl Prices {
    /// The built-in table, with the policy's own prices over it.
    #[must_use]
    pub fn new(own: &BTreeMap<InstanceType, f64>) -> Self {
        let built_in = BUILT_IN.iter().map(|(name, price)| (InstanceType::from(*name), *price));
        let own = own.iter().map(|(name, price)| (name.clone(), *price));
        Self(built_in.chain(own).collect())
    }

    /// The month of the built-in table, for whoever shows an estimate.
    #[must_use]
    pub fn built_in_date(&self) -> &'static str {
        BUILT_IN_DATE
    }

    /// USD an hour, where it is known.
    #[must_use]
    pub fn per_hour(&self, instance_type: &InstanceType) -> Option<f64> {
        self.0.get(instance_type).copied()
    }
}
