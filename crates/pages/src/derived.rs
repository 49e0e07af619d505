//! Rows of reservations that nobody imported, made of charges and of imported rows that tell more.

use calendar::Date;
use formats::StoredRow;
use lake::ReservationPurchase;
use ledger::reservations::{DayUse, ReservationKey, UseSummary, units_of_day};
use ledger::{ChargeType, Field};
use money::{Decimal, Total};
use serde_json::Value;

use crate::reservations::Place;

/// A row under construction; what is not known is left out.
#[derive(Default)]
struct Members(Vec<(String, String)>);

impl Members {
    fn text(mut self, name: &str, text: &str) -> Self {
        if !text.is_empty() {
            self.0.push((name.to_owned(), Value::from(text).to_string()));
        }
        self
    }

    fn number(mut self, name: &str, value: Option<Decimal>) -> Self {
        self.0.extend(value.map(|value| (name.to_owned(), value.to_string())));
        self
    }

    fn row(self) -> StoredRow {
        StoredRow::of(self.0)
    }
}

fn midnight(day: Date) -> String {
    format!("{day}T00:00:00Z")
}

/// What used a reservation on a day.
pub(crate) fn details(day: Date, own: &DayUse) -> Result<Vec<StoredRow>, money::MoneyError> {
    let reserved = own.reserved()?.value();
    let row = |((instance, sku, ratio), hours): (&(String, String, String), &Total)| {
        Members::default()
            .text("reservationOrderId", &own.order)
            .text("reservationId", &own.reservation)
            .text("usageDate", &midnight(day))
            .text("skuName", sku)
            .text("instanceId", instance)
            .number("totalReservedQuantity", units_of_day(reserved).map(Decimal::shortest))
            .number("reservedHours", Some(reserved))
            .number("usedHours", Some(hours.value()))
            .text("instanceFlexibilityRatio", ratio)
            .text("kind", "Reservation")
            .row()
    };
    Ok(own.users.iter().map(row).collect())
}

/// How far a reservation was used. The least and the greatest use within the time are not known: charges and details are of
/// days.
pub(crate) fn summary(own: &UseSummary) -> StoredRow {
    let utilization = own.utilization().map(Decimal::shortest);
    Members::default()
        .text("reservationOrderId", &own.order)
        .text("reservationId", &own.reservation)
        .number("reservedHours", own.reserved.map(|total| total.value()))
        .text("usageDate", &midnight(own.day))
        .number("usedHours", Some(own.used.value()))
        .number("avgUtilizationPercentage", utilization)
        .text("kind", "Reservation")
        .number("utilizedPercentage", utilization)
        .row()
}

pub(crate) fn purchase_place(purchase: &ReservationPurchase) -> Place {
    let nobody = ReservationKey { order: String::new(), reservation: String::new() };
    (purchase.period.first_day(), nobody)
}

/// A purchase or a return. Its row is on the bill of the enrollment that bought.
pub(crate) fn transaction(purchase: &ReservationPurchase, enrollment: &str) -> StoredRow {
    let text = |field| purchase.text(field);
    let event = if purchase.charge_type == ChargeType::Refund { "Refund" } else { "Purchase" };
    let term = match text(Field::Term) {
        "12" => "P1Y",
        "36" => "P3Y",
        other => other,
    };
    let month = format!("{}01", purchase.period);
    let month = Decimal::parse(month.as_bytes(), money::Limits::QUANTITY).ok().map(|parsed| parsed.value);
    Members::default()
        .text("eventDate", &midnight(purchase.date))
        .text("reservationOrderId", text(Field::ProductOrderId))
        .text("description", text(Field::ProductName))
        .text("eventType", event)
        .number("quantity", Some(purchase.quantity))
        .number("amount", Some(purchase.amount))
        .text("currency", text(Field::BillingCurrencyCode))
        .text("reservationOrderName", text(Field::BenefitName))
        .text("armSkuName", sku_of(text(Field::ProductOrderName)))
        .text("term", term)
        .text("region", text(Field::ResourceLocation))
        .text("purchasingEnrollment", enrollment)
        .text("purchasingSubscriptionGuid", text(Field::SubscriptionId))
        .text("purchasingSubscriptionName", text(Field::SubscriptionName))
        .text("accountName", text(Field::AccountName))
        .text("accountOwnerEmail", text(Field::AccountOwnerId))
        .text("departmentName", text(Field::InvoiceSectionName))
        .text("costCenter", text(Field::CostCenter))
        .text("currentEnrollment", enrollment)
        .text("billingFrequency", text(Field::Frequency))
        .number("billingMonth", month)
        .row()
}

/// The size in the name of an order: `Reserved VM Instance, Standard_DS1_v2, US East, 1 Year`; blank in other names.
fn sku_of(order_name: &str) -> &str {
    let mut parts = order_name.split(", ");
    match (parts.next(), parts.next(), parts.next()) {
        (Some(_), Some(sku), Some(_)) if !sku.contains(' ') => sku,
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_is_the_second_part_of_an_orders_name() {
        assert_eq!(sku_of("Reserved VM Instance, Standard_DS1_v2, US East, 1 Year"), "Standard_DS1_v2");
        for none in ["", "Compute savings plan, 3 Years", "a, b c, d"] {
            assert_eq!(sku_of(none), "", "{none}");
        }
    }
}
