//! Price sheets as JSON.

use ledger::billing::{PriceLine, Tier};
use money::Decimal;

use super::{LINES_MAX, PriceSheetFill, Read, line};
use crate::native::document::Document;
use crate::native::enrollment;
use crate::native::error::{Fault, NativeError};
use crate::native::members::{Members, items, required};
use crate::native::values;

/// Most tiers of a line.
const TIERS_MAX: usize = 1_000;

pub(super) fn read(document: &Document<'_>) -> Result<Read, NativeError> {
    let mut members = document.open("priceSheet")?;
    let (facts, records) = front(&mut members).map_err(|fault| document.fault(fault))?;
    members.finish().map_err(|fault| document.fault(fault))?;
    document.check_count("price lines", records.len(), LINES_MAX)?;
    let mut lines = Vec::with_capacity(records.len());
    for (index, json) in records.into_iter().enumerate() {
        let read = Members::parse(json).and_then(price_line);
        lines.push(read.map_err(|fault| document.record_fault(index as u64 + 1, json, fault))?);
    }
    Ok(Read { facts, lines })
}

fn front<'a>(members: &mut Members<'a>) -> Result<(PriceSheetFill, Vec<&'a str>), Fault> {
    let facts = PriceSheetFill {
        enrollment: members.text("enrollment", enrollment::number)?,
        from: members.text("from", values::period)?,
        through: members.text("through", values::period)?,
        currency: members.text("currency", values::currency)?,
    };
    Ok((facts, required("lines", members.array("lines")?)?))
}

fn price_line(mut members: Members<'_>) -> Result<PriceLine, Fault> {
    let stated = members.text("priceType", |text| Ok(text.to_owned()))?;
    let months = members.number("termMonths", values::term_months)?;
    let term = members.text("term", line::iso_term)?;
    let price_type = line::price_type(stated.as_deref(), months, term)?;
    let is_marketplace = members.text("publisherType", values::publisher_type)?.unwrap_or(false);
    let tiers = items("tiers", members.array("tiers")?, tier)?;
    if tiers.len() > TIERS_MAX {
        return Err(Fault::plain("tiers", format!("expected at most {TIERS_MAX} tiers")));
    }
    let mut price_line = PriceLine {
        meter_id: required("meterId", members.text("meterId", line::meter)?)?,
        part_number: members.text("partNumber", line::name)?.unwrap_or_default(),
        offer_id: members.text("offerId", line::name)?.unwrap_or_default(),
        price_type,
        unit: required("unitOfMeasure", members.text("unitOfMeasure", values::unit)?)?,
        unit_price: required("unitPrice", members.number("unitPrice", values::price)?)?,
        market_price: members.number("marketPrice", values::price)?,
        included: members.number("includedQuantity", line::quantity)?.unwrap_or(Decimal::ZERO),
        tiers: Vec::new(),
        meter_name: members.text("meterName", line::name)?,
        meter_category: members.text("meterCategory", line::name)?,
        meter_sub_category: members.text("meterSubCategory", line::name)?,
        meter_region: members.text("meterRegion", line::name)?,
        product_name: members.text("productName", line::name)?,
        service_family: members.text("serviceFamily", line::name)?,
        is_marketplace,
        publisher_name: members.text("publisherName", line::name)?,
        plan_name: members.text("planName", line::name)?,
        credit_eligible: members.switch("creditEligible")?.unwrap_or(!is_marketplace),
    };
    line::set_tiers(&mut price_line, tiers);
    members.finish()?;
    Ok(price_line)
}

fn tier(mut members: Members<'_>) -> Result<Tier, Fault> {
    let from = required("from", members.number("from", line::quantity)?)?;
    let price = required("price", members.number("price", values::price)?)?;
    members.finish()?;
    Ok(Tier { from, price })
}
