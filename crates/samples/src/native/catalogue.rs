//! The meters of generated native enrollments.

/// Price per block in millionths of the currency's unit.
pub(super) type Millionths = u64;

/// A group of sizes of virtual machines in which reservations are flexible.
#[derive(Debug)]
pub(super) struct Series {
    /// The name: `D`, `E`.
    pub(super) name: &'static str,
    /// The region that the meters are of.
    pub(super) region: &'static str,
    /// Cores of each size. A size takes as many reservation-hours as it has times two cores.
    pub(super) sizes: &'static [u64],
    /// Price of two cores for an hour.
    pub(super) price: Millionths,
    /// Savings plan rates in thousandths of the price, for one year and three; above 1,000 a rate is not worth it.
    pub(super) plan_rates: Option<(u64, u64)>,
}

/// All series.
pub(super) static SERIES: &[Series] = &[
    series("D", "westeurope", &[2, 4, 8, 16], 93_717, Some((731, 467))),
    series("E", "westeurope", &[2, 4, 8], 121_033, Some((689, 503))),
    series("F", "northeurope", &[2, 4, 8], 84_511, Some((731, 467))),
    series("D", "eastus", &[2, 4], 87_900, None),
    series("B", "eastus", &[2], 40_003, Some((1_090, 880))),
];

const fn series(
    name: &'static str,
    region: &'static str,
    sizes: &'static [u64],
    price: Millionths,
    plan_rates: Option<(u64, u64)>,
) -> Series {
    Series { name, region, sizes, price, plan_rates }
}

impl Series {
    /// The meter of a size.
    pub(super) fn meter(&self, cores: u64) -> String {
        format!("vm-{}{cores}-{}", self.name.to_lowercase(), self.region)
    }
}

/// What usage of a meter looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Amounts {
    /// Up to so many base units a day, in millionths, spread over the records.
    UpTo(u64),
    /// A month's price in daily shares of 1/31.
    MonthlyShare,
}

/// A meter that is no virtual machine.
#[derive(Debug)]
pub(super) struct Meter {
    pub(super) id: &'static str,
    pub(super) name: &'static str,
    pub(super) category: &'static str,
    /// Unit of the price.
    pub(super) unit: &'static str,
    /// Unit that metering names for every other line, of the same dimension.
    pub(super) metering_unit: Option<&'static str>,
    pub(super) price: Millionths,
    /// Blocks that cost nothing.
    pub(super) included: Option<&'static str>,
    /// Further tiers: from which block on, at which price.
    pub(super) tiers: &'static [(&'static str, Millionths)],
    /// Part numbers with prices of their own, the second dearer by a tenth; metering names one.
    pub(super) parts: Option<[&'static str; 2]>,
    pub(super) marketplace: bool,
    pub(super) eligible: bool,
    pub(super) spot: bool,
    /// Resource provider and type.
    pub(super) kind: &'static str,
    pub(super) amounts: Amounts,
}

const PLAIN: Meter = Meter {
    id: "",
    name: "",
    category: "",
    unit: "1 Hour",
    metering_unit: None,
    price: 0,
    included: None,
    tiers: &[],
    parts: None,
    marketplace: false,
    eligible: true,
    spot: false,
    kind: "Microsoft.Compute/disks",
    amounts: Amounts::UpTo(24_000_000),
};

/// All meters but those of virtual machines.
pub(super) static METERS: &[Meter] = &[
    Meter {
        id: "disk-p10",
        name: "P10 Disks",
        category: "Storage",
        unit: "1/Month",
        price: 19_710_000,
        amounts: Amounts::MonthlyShare,
        ..PLAIN
    },
    Meter {
        id: "blob-hot",
        name: "Hot LRS Data Stored",
        category: "Storage",
        unit: "1 GB/Month",
        price: 18_400,
        included: Some("5"),
        tiers: &[("51.2", 17_664), ("512", 16_928)],
        kind: "Microsoft.Storage/storageAccounts",
        amounts: Amounts::UpTo(9_000_000),
        ..PLAIN
    },
    Meter {
        id: "blob-writes",
        name: "Write Operations",
        category: "Storage",
        unit: "10K",
        price: 54_300,
        kind: "Microsoft.Storage/storageAccounts",
        amounts: Amounts::UpTo(812_345_000_000),
        ..PLAIN
    },
    Meter {
        id: "functions",
        name: "Standard Execution Time",
        category: "Functions",
        unit: "10,000 s",
        price: 160_000,
        included: Some("4"),
        tiers: &[("40", 120_000)],
        kind: "Microsoft.Web/sites",
        amounts: Amounts::UpTo(91_357_000_000),
        ..PLAIN
    },
    Meter {
        id: "transfer",
        name: "Standard Data Transfer Out",
        category: "Bandwidth",
        unit: "100 GB",
        price: 8_700_000,
        included: Some("0.1"),
        kind: "Microsoft.Network/virtualNetworks",
        amounts: Amounts::UpTo(77_000_000),
        ..PLAIN
    },
    Meter {
        id: "app-service",
        name: "P1 v3 App",
        category: "Azure App Service",
        unit: "100 Hours",
        metering_unit: Some("1 Hour"),
        price: 12_512_300,
        kind: "Microsoft.Web/serverFarms",
        ..PLAIN
    },
    Meter {
        id: "vm-spot-d4",
        name: "D4 v5 Spot",
        category: "Virtual Machines",
        price: 21_007,
        spot: true,
        kind: "Microsoft.Compute/virtualMachines",
        ..PLAIN
    },
    Meter {
        id: "suse-support",
        name: "SUSE Linux Enterprise Server",
        category: "SaaS",
        price: 6_000,
        marketplace: true,
        kind: "Microsoft.Compute/virtualMachines",
        ..PLAIN
    },
    Meter {
        id: "backup-agent",
        name: "Backup Agent",
        category: "SaaS",
        price: 31_000,
        marketplace: true,
        eligible: false,
        kind: "Microsoft.Compute/virtualMachines",
        ..PLAIN
    },
    Meter {
        id: "developer-seats",
        name: "Developer Seats",
        category: "Developer Tools",
        unit: "1/Month",
        price: 45_000_000,
        eligible: false,
        kind: "Microsoft.VisualStudio/account",
        amounts: Amounts::MonthlyShare,
        ..PLAIN
    },
    Meter {
        id: "sql-vcore",
        name: "vCore",
        category: "SQL Database",
        price: 252_107,
        parts: Some(["AAD-33001", "AAD-33002"]),
        kind: "Microsoft.Sql/servers/one/databases",
        ..PLAIN
    },
    Meter {
        id: "free-queue",
        name: "Queue Operations",
        category: "Storage",
        unit: "10K",
        price: 0,
        kind: "Microsoft.Storage/storageAccounts",
        amounts: Amounts::UpTo(40_000_000_000),
        ..PLAIN
    },
];
