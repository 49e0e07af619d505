//! The meters of generated usage: invented prices for products that exist, and invented Marketplace products.

use super::decimal::Decimal;

/// How the daily quantity of a meter comes about. Units are those of SEMANTICS 2.1: quantities count blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Usage {
    /// Hours of a day: 24 most of the time, else a part with up to 8 decimals.
    Hours,
    /// Hours of a day of several instances.
    InstanceHours,
    /// A day's share of a monthly price: 1/31 with 8 decimals.
    MonthShare,
    /// A day's share of a monthly price: hours of 0.001389.
    MonthHours,
    /// Gigabytes with 8 decimals, from almost nothing to a hundred.
    Gigabytes,
    /// Blocks of 10,000 operations with 4 decimals.
    Operations,
    /// Things counted, one to five of them.
    Pieces,
}

/// Where a meter's price depends on the datacentre.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    Regional,
    Global,
}

/// Who sells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Publisher {
    Microsoft,
    Marketplace(&'static str),
}

/// Meters that share all but name and price.
#[derive(Debug)]
pub(super) struct Product {
    pub(super) category: &'static str,
    pub(super) sub_category: &'static str,
    pub(super) family: &'static str,
    pub(super) unit: &'static str,
    pub(super) usage: Usage,
    pub(super) reach: Reach,
    pub(super) publisher: Publisher,
    pub(super) meters: &'static [Meter],
}

/// A meter name and its list price in US East.
#[derive(Debug)]
pub(super) struct Meter {
    pub(super) name: &'static str,
    pub(super) list_price: Decimal,
}

const fn meter(name: &'static str, units: u128, scale: u8) -> Meter {
    Meter { name, list_price: Decimal::new(units, scale) }
}

const fn product(names: [&'static str; 4], usage: Usage, reach: Reach, meters: &'static [Meter]) -> Product {
    let [category, sub_category, family, unit] = names;
    Product { category, sub_category, family, unit, usage, reach, publisher: Publisher::Microsoft, meters }
}

const fn marketplace(publisher: &'static str, plan: [&'static str; 2], meters: &'static [Meter]) -> Product {
    let [sub_category, unit] = plan;
    Product {
        category: "SaaS",
        sub_category,
        family: "Azure Marketplace Services",
        unit,
        usage: Usage::Pieces,
        reach: Reach::Global,
        publisher: Publisher::Marketplace(publisher),
        meters,
    }
}

use Reach::{Global, Regional};
use Usage::{Gigabytes, Hours, InstanceHours, MonthHours, MonthShare, Operations};

const D_SIZES: &[Meter] = &[
    meter("D2s v5", 96, 3),
    meter("D4s v5", 192, 3),
    meter("D8s v5", 384, 3),
    meter("D16s v5", 768, 3),
    meter("D32s v5", 1536, 3),
];
const B_SIZES: &[Meter] = &[meter("B1s", 104, 4), meter("B2s", 416, 4), meter("B4ms", 166, 3)];
const E_SIZES: &[Meter] = &[meter("E4s v5", 252, 3), meter("E8s v5", 504, 3), meter("E16s v5", 1008, 3)];

pub(super) static DSV5: Product =
    product(["Virtual Machines", "Dsv5 Series", "Compute", "1 Hour"], Hours, Regional, D_SIZES);
pub(super) static BS: Product =
    product(["Virtual Machines", "BS Series", "Compute", "1 Hour"], Hours, Regional, B_SIZES);
pub(super) static ESV5: Product =
    product(["Virtual Machines", "Esv5 Series", "Compute", "1 Hour"], Hours, Regional, E_SIZES);
pub(super) static DSV5_SET: Product =
    product(["Virtual Machines", "Dsv5 Series", "Compute", "1 Hour"], InstanceHours, Regional, D_SIZES);
pub(super) static BANDWIDTH: Product = product(
    ["Bandwidth", "Rtn Preference: MGN", "Networking", "1 GB"],
    Gigabytes,
    Global,
    &[
        meter("Intra Continent Data Transfer Out", 2, 2),
        meter("Standard Data Transfer Out", 87, 3),
        meter("Inter-AZ Data Transfer", 1, 2),
    ],
);
pub(super) static PREMIUM_DISKS: Product = product(
    ["Storage", "Premium SSD Managed Disks", "Storage", "1/Month"],
    MonthHours,
    Regional,
    &[meter("P10 LRS Disk", 1971, 2), meter("P20 LRS Disk", 7322, 2), meter("P30 LRS Disk", 13517, 2)],
);
pub(super) static STANDARD_DISKS: Product = product(
    ["Storage", "Standard SSD Managed Disks", "Storage", "1/Month"],
    MonthHours,
    Regional,
    &[meter("E4 LRS Disk", 24, 1), meter("E10 LRS Disk", 96, 1), meter("E30 LRS Disk", 768, 1)],
);
pub(super) static DISK_OPERATIONS: Product = product(
    ["Storage", "Standard HDD Managed Disks", "Storage", "10K"],
    Operations,
    Global,
    &[meter("Disk Operations", 5, 4), meter("S4 LRS Disk Operations", 5, 4)],
);
pub(super) static BLOB_DATA: Product = product(
    ["Storage", "Tiered Block Blob", "Storage", "1 GB/Month"],
    Gigabytes,
    Regional,
    &[
        meter("Hot LRS Data Stored", 184, 4),
        meter("Cool GRS Data Stored", 1334, 5),
        meter("Archive LRS Data Stored", 99, 5),
    ],
);
pub(super) static BLOB_OPERATIONS: Product = product(
    ["Storage", "Tiered Block Blob", "Storage", "10K"],
    Operations,
    Regional,
    &[
        meter("Hot LRS Write Operations", 5, 2),
        meter("Hot Read Operations", 4, 3),
        meter("GRS List and Create Container Operations", 1, 1),
    ],
);
pub(super) static SQL: Product = product(
    ["SQL Database", "Single/Elastic Pool General Purpose - Compute Gen5", "Databases", "1 Hour"],
    Hours,
    Regional,
    &[meter("vCore", 152_298, 6), meter("2 vCore", 304_596, 6), meter("8 vCore", 1_218_384, 6)],
);
pub(super) static SQL_STORAGE: Product = product(
    ["SQL Database", "Single/Elastic Pool General Purpose - Storage", "Databases", "1 GB/Month"],
    MonthShare,
    Regional,
    &[meter("General Purpose Data Stored", 115, 3), meter("LTR Backup LRS Data Stored", 25, 3)],
);
pub(super) static LOGS: Product = product(
    ["Log Analytics", "", "Management and Governance", "1 GB/Month"],
    Gigabytes,
    Global,
    &[meter("Pay-as-you-go Data Retention", 1, 1), meter("Analytics Logs Data Ingestion", 23, 1)],
);
pub(super) static VAULT: Product = product(
    ["Key Vault", "", "Security", "10K"],
    Operations,
    Global,
    &[meter("Operations", 3, 2), meter("Advanced Key Operations", 15, 2)],
);
pub(super) static ADDRESSES: Product = product(
    ["Virtual Network", "IP Addresses", "Networking", "1 Hour"],
    Hours,
    Global,
    &[meter("Standard IPv4 Static Public IP", 5, 3), meter("Basic IPv4 Static Public IP", 36, 4)],
);
pub(super) static APP_SERVICE: Product = product(
    ["Azure App Service", "Azure App Service Premium v3 Plan - Linux", "Compute", "1 Hour"],
    InstanceHours,
    Regional,
    &[meter("P0v3 App", 847, 4), meter("P1 v3 App", 1551, 4), meter("P2 v3 App", 3102, 4)],
);
pub(super) static FUNCTIONS: Product = product(
    ["Functions", "", "Compute", "1 GB Second"],
    Gigabytes,
    Regional,
    &[meter("Standard Execution Time", 16, 6), meter("On Demand Execution Time", 26, 6)],
);
pub(super) static EXECUTIONS: Product =
    product(["Functions", "", "Compute", "10"], Operations, Global, &[meter("Standard Total Executions", 2, 6)]);
pub(super) static COSMOS: Product = product(
    ["Azure Cosmos DB", "Azure Cosmos DB autoscale", "Databases", "1/Hour"],
    InstanceHours,
    Regional,
    &[meter("100 RU/s", 12, 3), meter("100 Multi-master RU/s", 24, 3)],
);
pub(super) static DEFENDER: Product = product(
    ["Microsoft Defender for Cloud", "Microsoft Defender for Servers", "Security", "1/Month"],
    MonthShare,
    Global,
    &[meter("Standard P1 Node", 5, 0), meter("Standard P2 Node", 15, 0)],
);

pub(super) static LOG_INSIGHT: Product = marketplace(
    "Northwind Observability GmbH",
    ["Northwind Log Insight - Pay as you go", "1/Day"],
    &[meter("Monitored Host", 5161, 4), meter("Custom Metric Pack", 825, 4)],
);
pub(super) static FIREWALL: Product = marketplace(
    "Fabrikam Networks, Inc.",
    ["Fabrikam Next Generation Firewall", "1 Hour"],
    &[meter("Virtual Appliance - 4 vCPU", 1_375, 3), meter("Threat Prevention", 4025, 4)],
);

/// What Marketplace plans cost: bought once, or renewed on the same day of each month.
pub(super) static PLANS: &[&Product] = &[&BACKUP_PLAN, &MODELING_PLAN];
static BACKUP_PLAN: Product = marketplace(
    "Fourth Coffee Data Protection",
    ["Fourth Coffee Cloud Backup - Business", "1/Month"],
    &[meter("Business Plan", 24_900, 2), meter("Enterprise Plan", 89_900, 2)],
);
static MODELING_PLAN: Product = marketplace(
    "Adatum Analytics, LLC",
    ["Adatum Cost Modeling", "1/Month"],
    &[meter("Team License", 3_999, 2), meter("Named User", 1_250, 2)],
);
