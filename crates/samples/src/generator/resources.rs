//! Kinds of resources: their provider, how they are named, what they are metered by.

use super::meters::{
    ADDRESSES, APP_SERVICE, BANDWIDTH, BLOB_DATA, BLOB_OPERATIONS, BS, COSMOS, DEFENDER, DISK_OPERATIONS, DSV5,
    DSV5_SET, ESV5, EXECUTIONS, FIREWALL, FUNCTIONS, LOG_INSIGHT, LOGS, PREMIUM_DISKS, Product, SQL, SQL_STORAGE,
    STANDARD_DISKS, VAULT,
};

/// What rows of a resource say in `AdditionalInfo`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Info {
    /// The size and image of a virtual machine.
    Machine,
    /// The emitting service and its ids.
    Service,
    /// Nothing.
    Empty,
}

/// A kind of resource.
#[derive(Debug)]
pub(super) struct Kind {
    /// `ConsumedService`, in the spelling of the service, which is not always the usual one.
    pub(super) service: &'static str,
    /// The part of a resource id between `/providers/` and the name; `{parent}` stands for a name made from it.
    pub(super) path: &'static str,
    /// The beginning of generated names.
    pub(super) prefix: &'static str,
    pub(super) info: Info,
    /// A resource has one meter of these,
    pub(super) main: &'static [&'static Product],
    /// and up to two of these.
    pub(super) extra: &'static [&'static Product],
    /// How frequent the kind is, relative to the others.
    pub(super) weight: u64,
}

const fn kind(
    names: [&'static str; 3],
    info: Info,
    main: &'static [&'static Product],
    extra: &'static [&'static Product],
    weight: u64,
) -> Kind {
    let [service, path, prefix] = names;
    Kind { service, path, prefix, info, main, extra, weight }
}

/// Marketplace plans; not among the kinds of usage.
pub(super) static PLAN: Kind = kind(["Microsoft.SaaS", "Microsoft.SaaS/resources", "saas"], Info::Empty, &[], &[], 0);

/// All kinds with usage.
pub(super) static KINDS: &[&Kind] = &[
    &kind(
        ["Microsoft.Compute", "Microsoft.Compute/virtualMachines", "vm"],
        Info::Machine,
        &[&DSV5, &BS, &ESV5],
        &[&BANDWIDTH, &DEFENDER],
        22,
    ),
    &kind(
        ["Microsoft.Compute", "Microsoft.Compute/virtualMachineScaleSets", "aks-agentpool"],
        Info::Machine,
        &[&DSV5_SET],
        &[&BANDWIDTH],
        8,
    ),
    &kind(
        ["Microsoft.Compute", "Microsoft.Compute/disks", "disk"],
        Info::Empty,
        &[&PREMIUM_DISKS, &STANDARD_DISKS],
        &[&DISK_OPERATIONS],
        16,
    ),
    &kind(
        ["Microsoft.Storage", "Microsoft.Storage/storageAccounts", "st"],
        Info::Service,
        &[&BLOB_DATA],
        &[&BLOB_OPERATIONS, &BANDWIDTH],
        16,
    ),
    &kind(
        ["Microsoft.Sql", "Microsoft.Sql/servers/{parent}/databases", "sqldb"],
        Info::Service,
        &[&SQL],
        &[&SQL_STORAGE],
        8,
    ),
    &kind(
        ["microsoft.operationalinsights", "microsoft.operationalinsights/workspaces", "log"],
        Info::Service,
        &[&LOGS],
        &[&DEFENDER],
        6,
    ),
    &kind(["MICROSOFT.KEYVAULT", "Microsoft.KeyVault/vaults", "kv"], Info::Empty, &[&VAULT], &[], 6),
    &kind(["Microsoft.Network", "Microsoft.Network/publicIPAddresses", "pip"], Info::Empty, &[&ADDRESSES], &[], 8),
    &kind(["Microsoft.Web", "Microsoft.Web/serverFarms", "asp"], Info::Service, &[&APP_SERVICE], &[&BANDWIDTH], 5),
    &kind(["Microsoft.Web", "Microsoft.Web/sites", "func"], Info::Service, &[&FUNCTIONS], &[&EXECUTIONS], 4),
    &kind(
        ["Microsoft.DocumentDB", "Microsoft.DocumentDB/databaseAccounts", "cosmos"],
        Info::Service,
        &[&COSMOS],
        &[&BANDWIDTH],
        3,
    ),
    &kind(["Microsoft.SaaS", "Microsoft.SaaS/resources", "saas"], Info::Empty, &[&LOG_INSIGHT], &[], 1),
    &kind(["Microsoft.Compute", "Microsoft.Compute/virtualMachines", "nva"], Info::Machine, &[&FIREWALL], &[], 1),
];
