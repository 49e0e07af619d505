//! The value lists that decide which rows a scope shows and which dataset a file holds
//! (SEMANTICS 3.1; contract `cost-details-fields.md` section 3).

/// What a row charges for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChargeType {
    /// Consumption.
    Usage,
    /// A purchase or an installment of one.
    Purchase,
    /// Money given back for a purchase.
    Refund,
    /// The unused part of a reservation.
    UnusedReservation,
    /// The unused part of a savings plan.
    UnusedSavingsPlan,
    /// What cutting the invoice lines leaves over.
    RoundingAdjustment,
    /// Any other value; it is kept and treated like a charge that is not usage.
    Other,
}

impl ChargeType {
    /// Reads a cell without regard to case and blanks around it; `UnusedSavingPlan` is accepted on import (SEMANTICS 3.1).
    pub fn read(cell: &str) -> Self {
        const NAMES: [(&str, ChargeType); 7] = [
            ("Usage", ChargeType::Usage),
            ("Purchase", ChargeType::Purchase),
            ("Refund", ChargeType::Refund),
            ("UnusedReservation", ChargeType::UnusedReservation),
            ("UnusedSavingsPlan", ChargeType::UnusedSavingsPlan),
            ("UnusedSavingPlan", ChargeType::UnusedSavingsPlan),
            ("RoundingAdjustment", ChargeType::RoundingAdjustment),
        ];
        let cell = cell.trim();
        NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(cell)).map_or(Self::Other, |(_, found)| *found)
    }

    /// Whether the row reports the unused part of a benefit.
    pub const fn is_unused(self) -> bool {
        matches!(self, Self::UnusedReservation | Self::UnusedSavingsPlan)
    }
}

/// How a row is priced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PricingModel {
    /// Covered by, or the purchase of, a reservation.
    Reservation,
    /// Covered by, or the purchase of, a savings plan.
    SavingsPlan,
    /// Everything else: on-demand, spot, Marketplace, blank.
    Other,
}

impl PricingModel {
    /// Reads a cell without regard to case and blanks (`On Demand` and `OnDemand` both occur).
    pub fn read(cell: &str) -> Self {
        if cell.eq_ignore_ascii_case("Reservation") {
            Self::Reservation
        } else if cell.eq_ignore_ascii_case("SavingsPlan") || cell.eq_ignore_ascii_case("Savings Plan") {
            Self::SavingsPlan
        } else {
            Self::Other
        }
    }

    /// Whether a reservation or a savings plan is involved.
    pub const fn is_benefit(self) -> bool {
        matches!(self, Self::Reservation | Self::SavingsPlan)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charge_types_are_read_without_case_and_with_the_known_misspelling() {
        assert_eq!(ChargeType::read("usage"), ChargeType::Usage);
        assert_eq!(ChargeType::read("UnusedSavingPlan"), ChargeType::UnusedSavingsPlan);
        assert_eq!(ChargeType::read("Tax"), ChargeType::Other);
        assert!(ChargeType::read("UnusedReservation").is_unused());
    }

    #[test]
    fn both_benefits_are_recognised() {
        assert!(PricingModel::read("Reservation").is_benefit());
        assert!(PricingModel::read("SavingsPlan").is_benefit());
        assert!(!PricingModel::read("On Demand").is_benefit());
        assert!(!PricingModel::read("").is_benefit());
    }
}
