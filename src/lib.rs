//! `lightsout` turns studio workstations off when nobody should be paying for them.
//!
//! The modules stand in reading order; ARCHITECTURE.md is the map. The heart is [`plan::plan`], a
//! pure function; everything else brings it what it looks at, or does what it says.

pub mod audit;
pub mod cli;
pub mod clock;
pub mod config;
pub mod daemon;
pub mod execute;
pub mod files;
mod http;
pub mod ids;
pub mod inventory;
pub mod metrics;
pub mod plan;
pub mod policy;
pub mod provider;
pub mod report;
pub mod sandbox;
pub mod simulate;
pub mod supervise;
pub mod switch;
pub mod text;
pub mod veto;
