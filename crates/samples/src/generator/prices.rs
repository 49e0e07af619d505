//! What a meter costs the enrollment: list price, negotiated price, price of the row.

use super::decimal::Decimal;
use super::meters::{Meter, Product, Publisher, Reach};
use super::regions::Region;
use super::rng::{Random, Stream, hash_text, named_guid};

/// Negotiated prices in percent of the list price, the usual band of an agreement.
const AGREEMENT_PERCENTS: &[u128] = &[100, 95, 92, 88, 85, 80];
/// Spot prices in percent of the negotiated price.
const SPOT_PERCENT: u128 = 21;
/// One meter in so many has a blended price: included quantity makes EffectivePrice differ from UnitPrice, with up to
/// 16 decimals.
const BLENDED_ONE_IN: u64 = 12;

/// How a line is sold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pricing {
    OnDemand,
    Spot,
}

/// A meter in a region at the prices of the enrollment, with its ids.
#[derive(Debug)]
pub(super) struct PricedMeter {
    pub(super) product: &'static Product,
    pub(super) meter_id: String,
    pub(super) meter_name: String,
    pub(super) meter_region: &'static str,
    pub(super) product_name: String,
    pub(super) part_number: String,
    /// The public list price; 0 on Marketplace rows.
    pub(super) list_price: Decimal,
    /// The negotiated price; Marketplace rows have none.
    pub(super) unit_price: Option<Decimal>,
    /// What one unit of the row costs.
    pub(super) effective_price: Decimal,
}

impl PricedMeter {
    /// Prices a meter. They depend on the seed, standing for the agreement, and are the same for all resources and
    /// months: EA prices are protected.
    pub(super) fn new(seed: u64, product: &'static Product, meter: &Meter, place: (&Region, Pricing)) -> Self {
        let (region, pricing) = place;
        let meter_name = match pricing {
            Pricing::OnDemand => meter.name.to_owned(),
            Pricing::Spot => format!("{} Spot", meter.name),
        };
        let meter_region = match product.reach {
            Reach::Regional => region.meter_region,
            Reach::Global => "",
        };
        let key = format!("{}/{}/{}/{meter_region}", product.category, product.sub_category, meter_name);
        let (list_price, unit_price, effective_price) = match product.publisher {
            Publisher::Marketplace(_) => (Decimal::new(0, 0), None, meter.list_price.trimmed()),
            Publisher::Microsoft => {
                let list_price = list_price(product, meter, region);
                let (unit_price, effective_price) = agreement_prices(seed, &key, list_price, pricing);
                (list_price, Some(unit_price), effective_price)
            }
        };
        Self {
            product,
            meter_id: named_guid(&key),
            product_name: product_name(product, &meter_name, meter_region),
            part_number: part_number(&key),
            meter_name,
            meter_region,
            list_price,
            unit_price,
            effective_price,
        }
    }
}

fn list_price(product: &Product, meter: &Meter, region: &Region) -> Decimal {
    match product.reach {
        Reach::Regional => meter.list_price.times(Decimal::new(region.price_percent, 2)).trimmed(),
        Reach::Global => meter.list_price.trimmed(),
    }
}

/// The negotiated and the effective price.
fn agreement_prices(seed: u64, key: &str, list_price: Decimal, pricing: Pricing) -> (Decimal, Decimal) {
    let mut random = Random::new(seed, Stream::Prices, hash_text(key));
    let percent = *random.pick(AGREEMENT_PERCENTS);
    let mut unit_price = list_price.times(Decimal::new(percent, 2));
    if pricing == Pricing::Spot {
        unit_price = unit_price.times(Decimal::new(SPOT_PERCENT, 2));
    }
    let unit_price = unit_price.trimmed();
    if !random.chance(1, BLENDED_ONE_IN) {
        return (unit_price, unit_price);
    }
    // A factor of 0.7 to 1 with as many decimals as keep the price within 16.
    let factor_scale = 6.min(16 - unit_price.scale());
    let one = 10_u64.pow(u32::from(factor_scale));
    let factor = one - random.below(one * 3 / 10 + 1);
    (unit_price, unit_price.times(Decimal::new(factor.into(), factor_scale)).trimmed())
}

fn product_name(product: &Product, meter_name: &str, meter_region: &str) -> String {
    let names = [product.category, product.sub_category, meter_name, meter_region];
    let parts: Vec<&str> = match product.publisher {
        Publisher::Microsoft => names.into_iter().filter(|part| !part.is_empty()).collect(),
        Publisher::Marketplace(_) => vec![product.sub_category, meter_name],
    };
    parts.join(" - ")
}

/// Three letters and five digits, the most frequent form of an EA part number.
fn part_number(key: &str) -> String {
    let hash = hash_text(key);
    let letter = |shift: u32| char::from(b'A' + ((hash >> shift) % 8) as u8);
    format!("AA{}-{:05}", letter(40), hash % 100_000)
}

#[cfg(test)]
mod tests {
    use super::super::meters::{BLOB_DATA, BS, DSV5, FUNCTIONS, LOG_INSIGHT};
    use super::super::regions::REGIONS;
    use super::*;

    #[test]
    fn prices_have_at_most_16_decimals_and_are_not_zero() {
        for product in [&BLOB_DATA, &BS, &DSV5, &FUNCTIONS] {
            for (meter, region) in product.meters.iter().flat_map(|meter| REGIONS.iter().map(move |r| (meter, r))) {
                for pricing in [Pricing::OnDemand, Pricing::Spot] {
                    let priced = PricedMeter::new(3, product, meter, (region, pricing));
                    assert!(priced.effective_price.scale() <= 16, "{priced:?}");
                    assert!(priced.effective_price.units() > 0, "{priced:?}");
                }
            }
        }
    }

    #[test]
    fn marketplace_rows_carry_the_publishers_price_only() {
        let priced = PricedMeter::new(3, &LOG_INSIGHT, &LOG_INSIGHT.meters[0], (&REGIONS[0], Pricing::OnDemand));
        assert_eq!(priced.unit_price, None);
        assert_eq!(priced.list_price.to_text(), "0");
        assert_eq!(priced.effective_price.to_text(), "0.5161");
    }
}
