//! The lines of metering: a resource and a meter each, with all texts that its records repeat.

use super::catalogue::{Amounts, METERS, Meter, SERIES};
use super::enrollment::Hierarchy;
use super::options::{LINES_MIN, NativeOptions};
use crate::generator::rng::{Random, Stream};

/// Of twenty lines this many are virtual machines.
const MACHINES_OF_TWENTY: u64 = 8;
/// A resource group holds so many lines.
const GROUP_LINES: u64 = 4;

/// What all usage records of a line have in common; absent texts are `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageLine {
    /// The subscription.
    pub subscription_id: String,
    /// The resource.
    pub resource_id: String,
    /// The meter.
    pub meter_id: String,
    /// Part number, of meters that have several.
    pub part_number: Option<String>,
    /// Unit of the quantity where it is not the base unit.
    pub unit: Option<String>,
    /// Whether it is spare capacity.
    pub spot: bool,
    /// Resource group.
    pub resource_group: String,
    /// Data centre.
    pub location: String,
    /// Resource provider.
    pub consumed_service: String,
    /// A JSON object as text.
    pub tags: String,
    /// A JSON object as text.
    pub additional_info: Option<String>,
    /// What a day's usage is.
    pub(super) amounts: Amounts,
}

/// Whether virtual machines are the kind of the line, and of which series.
pub(super) fn series_of(index: u64) -> Option<usize> {
    let position = index % LINES_MIN;
    (position < MACHINES_OF_TWENTY).then(|| (index / LINES_MIN + position) as usize % SERIES.len())
}

/// The resource group of a line's number.
pub(super) fn group(index: u64) -> String {
    format!("rg-{:04}", index / GROUP_LINES)
}

/// The subscription of a line's number: that of its resource group.
pub(super) fn subscription(hierarchy: &Hierarchy, index: u64) -> &str {
    let groups = hierarchy.subscriptions.len() as u64;
    &hierarchy.subscriptions[(index / GROUP_LINES % groups) as usize]
}

pub(super) fn lines(options: &NativeOptions, hierarchy: &Hierarchy) -> Vec<UsageLine> {
    let mut random = Random::new(options.seed, Stream::NativeLines, 0);
    (0..options.lines)
        .map(|index| {
            let subscription = subscription(hierarchy, index);
            match series_of(index) {
                Some(series) => machine(index, series, subscription, &mut random),
                None => other(index, subscription, &mut random),
            }
        })
        .collect()
}

fn machine(index: u64, series: usize, subscription: &str, random: &mut Random) -> UsageLine {
    let series = &SERIES[series];
    let cores = *random.pick(series.sizes);
    let size = format!("Standard_{}{cores}s_v5", series.name);
    UsageLine {
        meter_id: series.meter(cores),
        location: series.region.to_owned(),
        additional_info: Some(format!(r#"{{"ServiceType":"{size}","VCPUs":{cores}}}"#)),
        ..line(index, subscription, "Microsoft.Compute/virtualMachines", random)
    }
}

fn other(index: u64, subscription: &str, random: &mut Random) -> UsageLine {
    let position = (index % LINES_MIN - MACHINES_OF_TWENTY) as usize;
    let meter: &Meter = &METERS[position % METERS.len()];
    UsageLine {
        meter_id: meter.id.to_owned(),
        part_number: meter.parts.map(|parts| (*random.pick(&parts)).to_owned()),
        unit: meter.metering_unit.filter(|_| random.chance(1, 2)).map(str::to_owned),
        spot: meter.spot,
        amounts: meter.amounts,
        ..line(index, subscription, meter.kind, random)
    }
}

fn line(index: u64, subscription: &str, kind: &str, random: &mut Random) -> UsageLine {
    let group = group(index);
    let stage = *random.pick(&["prod", "test", "dev"]);
    let team = random.below(12);
    UsageLine {
        subscription_id: subscription.to_owned(),
        resource_id: format!("/subscriptions/{subscription}/resourceGroups/{group}/providers/{kind}/r{index:06}"),
        meter_id: String::new(),
        part_number: None,
        unit: None,
        spot: false,
        resource_group: group,
        location: (*random.pick(&["westeurope", "northeurope", "eastus"])).to_owned(),
        consumed_service: kind.split('/').next().unwrap_or(kind).to_owned(),
        tags: format!(r#"{{"stage":"{stage}","team":"team-{team:02}"}}"#),
        additional_info: None,
        amounts: Amounts::UpTo(24_000_000),
    }
}
