//! The resources of the enrollment and what each is metered by.

use super::hierarchy::{Hierarchy, Subscription};
use super::meters::{PLANS, Product};
use super::options::GeneratorOptions;
use super::prices::{PricedMeter, Pricing};
use super::regions::{REGIONS, Region};
use super::resources::{KINDS, Kind, PLAN};
use super::rng::{Random, Stream};

/// One plan is bought for so many subscriptions.
const SUBSCRIPTIONS_PER_PLAN: u32 = 4;
/// The last day every month has, so that a plan renews each month on its day.
const PLAN_DAY_MAX: u64 = 28;

/// One virtual machine in so many is a Spot machine.
const SPOT_ONE_IN: u64 = 12;

const WORKLOADS: &[&str] = &[
    "billing",
    "checkout",
    "telemetry",
    "inventory",
    "identity",
    "reporting",
    "search",
    "warehouse",
    "intranet",
    "payments",
    "ingest",
    "scheduler",
];
/// `AvailabilityZone`; two resources in five are in none.
const ZONES: &[&str] = &["", "", "1", "2", "3"];
const TEAMS: &[&str] = &["atlas", "borealis", "cobalt", "delta", "ember", "fjord"];

/// A resource as its rows describe it.
#[derive(Debug)]
pub(super) struct Resource {
    pub(super) subscription: usize,
    pub(super) kind: &'static Kind,
    pub(super) region: &'static Region,
    /// `ResourceLocation` in the spelling of this resource's service.
    pub(super) location: &'static str,
    pub(super) group: String,
    pub(super) name: String,
    pub(super) id: String,
    /// JSON members without braces, as EA exports have them; empty on untagged resources.
    pub(super) tags: String,
    pub(super) zone: &'static str,
    /// An id that appears in `AdditionalInfo`.
    pub(super) instance_id: String,
}

/// A resource's use of a meter: one row a day, or several.
#[derive(Debug)]
pub(super) struct UsageLine {
    pub(super) resource: usize,
    pub(super) meter: PricedMeter,
    pub(super) pricing: Pricing,
}

/// A Marketplace plan and the day of the month it is charged on.
#[derive(Debug)]
pub(super) struct PlanPurchase {
    pub(super) resource: Resource,
    pub(super) meter: PricedMeter,
    pub(super) day: u8,
    pub(super) order_id: String,
}

/// Everything that makes rows. Independent of month and number of rows.
#[derive(Debug)]
pub(super) struct Inventory {
    pub(super) resources: Vec<Resource>,
    pub(super) usage: Vec<UsageLine>,
    pub(super) purchases: Vec<PlanPurchase>,
}

impl Inventory {
    /// The resources of the options' enrollment.
    pub(super) fn new(options: &GeneratorOptions, hierarchy: &Hierarchy) -> Self {
        let mut resources = Vec::new();
        let mut usage = Vec::new();
        for index in 0..options.resources {
            let mut random = Random::new(options.seed, Stream::Resources, index.into());
            let kind = pick_kind(&mut random);
            let resource = resource(index, kind, hierarchy, &mut random);
            for (product, pricing) in pick_products(kind, &mut random) {
                let meter = random.pick(product.meters);
                let meter = PricedMeter::new(options.seed, product, meter, (resource.region, pricing));
                usage.push(UsageLine { resource: index as usize, meter, pricing });
            }
            resources.push(resource);
        }
        let plans = (options.subscriptions / SUBSCRIPTIONS_PER_PLAN).max(1);
        let purchases = (0..plans).map(|index| plan_purchase(index, options.seed, hierarchy)).collect();
        Self { resources, usage, purchases }
    }
}

fn pick_kind(random: &mut Random) -> &'static Kind {
    let mut ticket = random.below(KINDS.iter().map(|kind| kind.weight).sum());
    for kind in KINDS {
        if ticket < kind.weight {
            return kind;
        }
        ticket -= kind.weight;
    }
    unreachable!("the ticket is below the sum of the weights")
}

/// One main product and up to two others, never one twice. Only virtual machines are sold as Spot.
fn pick_products(kind: &Kind, random: &mut Random) -> Vec<(&'static Product, Pricing)> {
    let main = *random.pick(kind.main);
    let is_spot = main.category == "Virtual Machines" && random.chance(1, SPOT_ONE_IN);
    let mut products = vec![(main, if is_spot { Pricing::Spot } else { Pricing::OnDemand })];
    let extras = random.below(kind.extra.len().min(2) as u64 + 1) as usize;
    products.extend(kind.extra.iter().take(extras).map(|product| (*product, Pricing::OnDemand)));
    products
}

fn resource(index: u32, kind: &'static Kind, hierarchy: &Hierarchy, random: &mut Random) -> Resource {
    let count = hierarchy.subscriptions.len() as u64;
    // Each subscription gets one resource first; the rest crowd in the earlier subscriptions, as they do in real life.
    let subscription_index = match u64::from(index) {
        index if index < count => index,
        _ => random.below(count).min(random.below(count)),
    } as usize;
    let subscription = &hierarchy.subscriptions[subscription_index];
    let region = random.pick(REGIONS);
    let workload = *random.pick(WORKLOADS);
    let stage = subscription.stage;
    let group = format!("rg-{workload}-{stage}-{}-{:02}", region.short, random.below(4) + 1);
    let name = match kind.prefix {
        // Storage account names have no hyphens.
        "st" => format!("st{workload}{stage}{}{index:04}", region.short),
        prefix => format!("{prefix}-{workload}-{stage}-{}-{index:04}", region.short),
    };
    // Services differ in spelling: in one of 24 resources the id has the subscription in upper case.
    let subscription_text = if random.chance(1, 24) { subscription.id.to_uppercase() } else { subscription.id.clone() };
    let path = kind.path.replace("{parent}", &format!("sql-{workload}-{stage}-{}", region.short));
    let zone = *random.pick(ZONES);
    Resource {
        subscription: subscription_index,
        kind,
        region,
        location: if random.chance(1, 5) { region.normalized } else { region.location },
        id: format!("/subscriptions/{subscription_text}/resourceGroups/{group}/providers/{path}/{name}"),
        group,
        tags: tags(subscription, workload, random),
        name,
        zone,
        instance_id: random.guid_string(),
    }
}

/// Members only, a blank after the colon and none after the comma: the form EA exports use.
fn tags(subscription: &Subscription, workload: &str, random: &mut Random) -> String {
    if random.chance(1, 10) {
        return String::new();
    }
    let team = *random.pick(TEAMS);
    let mut tags = format!(
        r#""CostCenter": "{}","env": "{}","application": "{workload}","owner": "team-{team}@lazurite.example""#,
        subscription.cost_center, subscription.stage
    );
    match random.below(6) {
        0 => tags.push_str(r#","created-by": "terraform","data-classification": "confidential""#),
        1 => tags.push_str(r#","office": "Zürich","maintenance-window": "Sun 02:00-04:00, monthly""#),
        _ => {}
    }
    tags
}

fn plan_purchase(index: u32, seed: u64, hierarchy: &Hierarchy) -> PlanPurchase {
    let mut random = Random::new(seed, Stream::Purchases, index.into());
    let product = *random.pick(PLANS);
    let mut resource = resource(index * SUBSCRIPTIONS_PER_PLAN, &PLAN, hierarchy, &mut random);
    resource.zone = "";
    let meter = random.pick(product.meters);
    PlanPurchase {
        meter: PricedMeter::new(seed, product, meter, (resource.region, Pricing::OnDemand)),
        resource,
        day: random.below(PLAN_DAY_MAX) as u8 + 1,
        order_id: random.guid_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_have_one_to_three_distinct_meters() {
        let options = GeneratorOptions::default();
        let inventory = Inventory::new(&options, &Hierarchy::new(&options));
        assert_eq!(inventory.resources.len(), 2_000);
        assert_eq!(inventory.purchases.len(), 6);
        for lines in inventory.usage.chunk_by(|left, right| left.resource == right.resource) {
            assert!((1..=3).contains(&lines.len()));
            for (index, line) in lines.iter().enumerate() {
                assert!(lines[..index].iter().all(|other| other.meter.meter_id != line.meter.meter_id));
            }
        }
    }

    #[test]
    fn every_subscription_is_used() {
        let options = GeneratorOptions::default();
        let inventory = Inventory::new(&options, &Hierarchy::new(&options));
        for subscription in 0..24 {
            assert!(inventory.resources.iter().any(|resource| resource.subscription == subscription));
        }
        assert!(inventory.usage.iter().any(|line| line.pricing == Pricing::Spot));
    }
}
