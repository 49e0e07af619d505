//! Rows prepared as text: everything of a row that does not change within a month is built once per line.
//!
//! The order of the cells here is that of `layout.rs`.

use super::cells::{cells, push_quoted_text};
use super::decimal::Decimal;
use super::hierarchy::Hierarchy;
use super::inventory::{Inventory, PlanPurchase, Resource, UsageLine};
use super::meters::{Publisher, Usage};
use super::month::Month;
use super::options::GeneratorOptions;
use super::prices::{PricedMeter, Pricing};
use super::resources::Info;
use super::rng::Random;

/// Plans charged on days divisible by this are bought once, the others renew.
const ONE_TIME_DAYS: u8 = 3;

/// The constant text of a line's rows, cut where rows differ.
#[derive(Debug)]
pub(super) struct Template {
    /// `InvoiceSectionName` to `ResourceLocation`, with the comma.
    pub(super) before_date: Vec<u8>,
    /// `ProductName` to `UnitOfMeasure`, with both commas.
    pub(super) date_to_quantity: Vec<u8>,
    /// `EffectivePrice`, with both commas.
    pub(super) price: Vec<u8>,
    /// `CostCenter` to `ResourceId`, with both commas.
    pub(super) cost_to_tags: Vec<u8>,
    /// `Tags` as a cell.
    pub(super) tags: Vec<u8>,
    /// `OfferId`, with both commas.
    pub(super) tags_to_info: Vec<u8>,
    /// `AdditionalInfo` as a cell.
    pub(super) info: Vec<u8>,
    /// `ServiceInfo1` to the end of the line.
    pub(super) after_info: Vec<u8>,
    /// The tags between the quotes of a cell.
    pub(super) tags_text: Vec<u8>,
    /// How quantities come about.
    pub(super) usage: Usage,
    /// The number behind `price`.
    pub(super) effective_price: Decimal,
}

/// The templates of a month.
#[derive(Debug)]
pub(super) struct Templates {
    usage: Vec<Template>,
    purchases: Vec<(u8, Template)>,
}

impl Templates {
    /// Prepares the rows of all resources.
    pub(super) fn new(options: &GeneratorOptions, hierarchy: &Hierarchy, month: Month) -> Self {
        let inventory = Inventory::new(options, hierarchy);
        let builder = Builder { options, hierarchy, month };
        let usage =
            inventory.usage.iter().map(|line| builder.usage(line, &inventory.resources[line.resource])).collect();
        let purchases = inventory.purchases.iter().map(|purchase| (purchase.day, builder.purchase(purchase))).collect();
        Self { usage, purchases }
    }

    /// The purchases of a day of the month.
    pub(super) fn purchases_on(&self, day: u8) -> impl Iterator<Item = &Template> {
        self.purchases.iter().filter(move |(purchase_day, _)| *purchase_day == day).map(|(_, template)| template)
    }

    /// An endless walk over the usage lines in scattered order: each line comes once before any comes twice, so a month
    /// with enough rows shows every resource. When a day has more rows than there are lines, lines repeat on that day:
    /// several rows per resource, meter and day are legal (SEMANTICS 3.1).
    pub(super) fn usage_order(&self, random: &mut Random) -> UsageOrder<'_> {
        let count = self.usage.len();
        let start = random.below(count as u64) as usize;
        let mut stride = random.below(count as u64) as usize + 1;
        // A stride without common divisor visits all; `count + 1` is one, so the search ends.
        while greatest_common_divisor(stride, count) != 1 {
            stride += 1;
        }
        UsageOrder { templates: &self.usage, position: start, stride }
    }
}

/// A walk over usage lines.
#[derive(Debug)]
pub(super) struct UsageOrder<'a> {
    templates: &'a [Template],
    position: usize,
    stride: usize,
}

impl<'a> UsageOrder<'a> {
    /// The next line. The walk does not end.
    pub(super) fn next_line(&mut self) -> &'a Template {
        let template = &self.templates[self.position];
        self.position = (self.position + self.stride) % self.templates.len();
        template
    }
}

fn greatest_common_divisor(left: usize, right: usize) -> usize {
    if right == 0 { left } else { greatest_common_divisor(right, left % right) }
}

/// What usage and purchases say differently.
struct Charge<'a> {
    resource: &'a Resource,
    meter: &'a PricedMeter,
    offer: &'a str,
    info: String,
    service_info: &'static str,
    order_id: &'a str,
    order_name: &'a str,
    term: &'static str,
    charge_type: &'static str,
    frequency: &'static str,
    pricing_model: &'static str,
}

struct Builder<'a> {
    options: &'a GeneratorOptions,
    hierarchy: &'a Hierarchy,
    month: Month,
}

impl Builder<'_> {
    fn usage(&self, line: &UsageLine, resource: &Resource) -> Template {
        self.template(&Charge {
            resource,
            meter: &line.meter,
            offer: self.hierarchy.subscriptions[resource.subscription].offer,
            info: info(resource, &line.meter),
            service_info: if resource.kind.info == Info::Machine { "Canonical" } else { "" },
            order_id: "",
            order_name: "",
            term: "",
            charge_type: "Usage",
            frequency: "UsageBased",
            pricing_model: match line.pricing {
                Pricing::OnDemand => "OnDemand",
                Pricing::Spot => "Spot",
            },
        })
    }

    /// Purchases have no offer (as in real files) and name their order.
    fn purchase(&self, purchase: &PlanPurchase) -> Template {
        let recurs = !purchase.day.is_multiple_of(ONE_TIME_DAYS);
        self.template(&Charge {
            resource: &purchase.resource,
            meter: &purchase.meter,
            offer: "",
            info: String::new(),
            service_info: "",
            order_id: &purchase.order_id,
            order_name: purchase.meter.product.sub_category,
            term: if recurs { "1" } else { "" },
            charge_type: "Purchase",
            frequency: if recurs { "Recurring" } else { "OneTime" },
            pricing_model: "OnDemand",
        })
    }

    fn template(&self, charge: &Charge<'_>) -> Template {
        let (resource, meter) = (charge.resource, charge.meter);
        let subscription = &self.hierarchy.subscriptions[resource.subscription];
        let account = &self.hierarchy.accounts[subscription.account];
        let department = &self.hierarchy.departments[account.department];
        let mut tags_text = Vec::new();
        push_quoted_text(&resource.tags, &mut tags_text);
        Template {
            before_date: cells(&[
                &department.name,
                &account.name,
                &account.owner,
                &subscription.id,
                &subscription.name,
                &resource.group,
                resource.location,
                "",
            ]),
            date_to_quantity: cells(&[
                "",
                &meter.product_name,
                meter.product.category,
                meter.product.sub_category,
                &meter.meter_id,
                &meter.meter_name,
                meter.meter_region,
                meter.product.unit,
                "",
            ]),
            price: cells(&["", &meter.effective_price.to_text(), ""]),
            cost_to_tags: cells(&["", &subscription.cost_center, resource.kind.service, &resource.id, ""]),
            tags: cells(&[&resource.tags]),
            tags_to_info: cells(&["", charge.offer, ""]),
            info: cells(&[&charge.info]),
            after_info: self.after_info(charge),
            tags_text,
            usage: meter.product.usage,
            effective_price: meter.effective_price,
        }
    }

    fn after_info(&self, charge: &Charge<'_>) -> Vec<u8> {
        let (resource, meter) = (charge.resource, charge.meter);
        let account = &self.hierarchy.accounts[self.hierarchy.subscriptions[resource.subscription].account];
        let (publisher_type, publisher, credit) = match meter.product.publisher {
            Publisher::Microsoft => ("Azure", "Microsoft", "True"),
            Publisher::Marketplace(name) => ("Marketplace", name, "False"),
        };
        let mut text = cells(&[
            "",
            "", // ServiceInfo1
            charge.service_info,
            &resource.name,
            "", // ReservationId
            "", // ReservationName
            &meter.unit_price.map(Decimal::to_text).unwrap_or_default(),
            charge.order_id,
            charge.order_name,
            charge.term,
            publisher_type,
            publisher,
            charge.charge_type,
            charge.frequency,
            charge.pricing_model,
            resource.zone,
            &self.options.enrollment,
            &self.options.enrollment_name,
            &self.options.currency,
            &self.month.date_text(1),
            &self.month.date_text(self.month.days()),
            &self.options.enrollment, // BillingProfileId: that of the billing account in EA
            &self.options.enrollment_name,
            &self.hierarchy.departments[account.department].id,
            credit,
            &meter.part_number,
            &meter.list_price.to_text(),
            &plan_name(meter),
            meter.product.family,
            "", // CostAllocationRuleName
            "", // benefitId
            "", // benefitName
            &account.id,
            resource.region.normalized,
        ]);
        text.push(b'\n');
        text
    }
}

/// First-party rows name the tier, which is the beginning of the meter's name; Marketplace rows the plan.
fn plan_name(meter: &PricedMeter) -> String {
    match meter.product.publisher {
        Publisher::Microsoft => meter.meter_name.split(' ').next().unwrap_or_default().to_owned(),
        Publisher::Marketplace(_) => meter.meter_name.clone(),
    }
}

/// `AdditionalInfo` of a line: JSON with braces, or nothing.
fn info(resource: &Resource, meter: &PricedMeter) -> String {
    match (resource.kind.info, meter.product.usage) {
        (Info::Empty, _) => String::new(),
        (Info::Machine, Usage::Hours | Usage::InstanceHours) => format!(
            r#"{{"UsageType":"ComputeHR","ImageType":"Canonical","ServiceType":"Standard_{}","VMName":"{}","VMProperties":null}}"#,
            meter.meter_name.trim_end_matches(" Spot").replace(' ', "_"),
            resource.name
        ),
        _ => format!(r#"{{"ResourceInstance":"{}","Processor_Version":"BillingProcessorV2"}}"#, resource.instance_id),
    }
}
