//! The datacentres of generated resources.

/// A region and how cost exports spell it.
#[derive(Debug)]
pub(super) struct Region {
    /// `ResourceLocation` of most rows.
    pub(super) location: &'static str,
    /// `ResourceLocationNormalized`; some services write this into `ResourceLocation` too.
    pub(super) normalized: &'static str,
    /// `MeterRegion`, and the tail of product names.
    pub(super) meter_region: &'static str,
    /// The mark in generated resource names.
    pub(super) short: &'static str,
    /// List prices here, in percent of those of US East.
    pub(super) price_percent: u128,
}

/// A large enterprise's usual few regions.
pub(super) static REGIONS: &[Region] = &[
    region(["EastUS", "eastus", "US East", "eus"], 100),
    region(["EastUS2", "eastus2", "US East 2", "eus2"], 100),
    region(["WestEurope", "westeurope", "EU West", "weu"], 118),
    region(["NorthEurope", "northeurope", "EU North", "neu"], 107),
    region(["uksouth", "uksouth", "UK South", "uks"], 115),
    region(["SouthCentralUS", "southcentralus", "US South Central", "scus"], 104),
    region(["SwitzerlandNorth", "switzerlandnorth", "CH North", "chn"], 131),
    region(["southeastasia", "southeastasia", "AP Southeast", "sea"], 112),
];

const fn region(names: [&'static str; 4], price_percent: u128) -> Region {
    let [location, normalized, meter_region, short] = names;
    Region { location, normalized, meter_region, short, price_percent }
}
