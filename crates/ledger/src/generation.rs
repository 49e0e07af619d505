//! Which charges an API generation shows (DESIGN 4.12): the one table of generation × charge type × publisher type.

use serde::{Deserialize, Serialize};

use crate::{ChargeType, Scope};

/// An API generation, as far as it decides which charges are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Generation {
    /// Cost Details reports.
    CostDetails,
    /// Consumption usage details from 2019-04-01-preview on.
    UsageDetails,
    /// The same with `metric=usage`.
    UsageDetailsOfUsage,
    /// Consumption usage details up to 2019-01-01.
    LegacyUsageDetails,
    /// Enterprise Reporting usage details of any version.
    EnterpriseReporting,
}

/// Who sells what a row charges for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublisherType {
    /// The cloud itself; also rows of sources that know no publisher.
    FirstParty,
    /// A third party.
    Marketplace,
}

impl PublisherType {
    /// Reads a cell without regard to case and to blanks around it.
    pub fn read(cell: &str) -> Self {
        if cell.trim().eq_ignore_ascii_case("Marketplace") { Self::Marketplace } else { Self::FirstParty }
    }
}

/// Which kinds of charge an answer shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Visibility {
    /// All charges.
    Everything,
    /// Usage rows, and rows of sources that know no charge type: those hold usage only (the 2019 layout).
    UsageOnly,
    /// The same without rows of Marketplace publishers.
    FirstPartyUsage,
}

impl Generation {
    /// All generations.
    pub const ALL: [Self; 5] = [
        Self::CostDetails,
        Self::UsageDetails,
        Self::UsageDetailsOfUsage,
        Self::LegacyUsageDetails,
        Self::EnterpriseReporting,
    ];

    /// What the generation shows at the billing account scope. The older ones have endpoints of their own for
    /// Marketplace charges and know no purchases (SEMANTICS 3.8, D-44).
    pub const fn visibility(self) -> Visibility {
        match self {
            Self::CostDetails | Self::UsageDetails => Visibility::Everything,
            Self::UsageDetailsOfUsage => Visibility::UsageOnly,
            Self::LegacyUsageDetails | Self::EnterpriseReporting => Visibility::FirstPartyUsage,
        }
    }
}

impl Visibility {
    /// What a generation shows of a scope: below the billing account usage rows only (SEMANTICS 6.3, D-36).
    pub fn of(scope: &Scope, generation: Generation) -> Self {
        let of_scope = match scope {
            Scope::BillingAccount(_) => Self::Everything,
            _ => Self::UsageOnly,
        };
        of_scope.max(generation.visibility())
    }

    /// Whether a row is shown; `None` for a row that names no charge type.
    pub fn shows(self, charge: Option<ChargeType>, publisher: PublisherType) -> bool {
        let is_usage = charge.is_none_or(|charge| charge == ChargeType::Usage);
        match self {
            Self::Everything => true,
            Self::UsageOnly => is_usage,
            Self::FirstPartyUsage => is_usage && publisher == PublisherType::FirstParty,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of `docs/COMPATIBILITY.md`.
    #[test]
    fn the_table_of_generations_is_the_published_one() {
        use ChargeType::{Other, Purchase, Refund, RoundingAdjustment, UnusedReservation, UnusedSavingsPlan, Usage};
        let others = [Purchase, Refund, UnusedReservation, UnusedSavingsPlan, RoundingAdjustment, Other];
        for generation in Generation::ALL {
            let shows = |charge, publisher| generation.visibility().shows(charge, publisher);
            let (first, market) = (PublisherType::FirstParty, PublisherType::Marketplace);
            // First-party usage, Marketplace usage, other first-party charges, other Marketplace charges.
            let expected = match generation {
                Generation::CostDetails | Generation::UsageDetails => [true, true, true, true],
                Generation::UsageDetailsOfUsage => [true, true, false, false],
                Generation::LegacyUsageDetails | Generation::EnterpriseReporting => [true, false, false, false],
            };
            for usage in [Some(Usage), None] {
                assert_eq!([shows(usage, first), shows(usage, market)], expected[..2], "{generation:?}");
            }
            for charge in others {
                let found = [shows(Some(charge), first), shows(Some(charge), market)];
                assert_eq!(found, expected[2..], "{generation:?} {charge:?}");
            }
        }
    }

    #[test]
    fn scopes_below_the_billing_account_show_usage_only() {
        let account = Scope::parse("billingAccounts/1").unwrap();
        let department = Scope::parse("departments/1").unwrap();
        assert_eq!(Visibility::of(&account, Generation::CostDetails), Visibility::Everything);
        assert_eq!(Visibility::of(&department, Generation::CostDetails), Visibility::UsageOnly);
        for scope in [account, department] {
            assert_eq!(Visibility::of(&scope, Generation::EnterpriseReporting), Visibility::FirstPartyUsage);
        }
    }

    #[test]
    fn publishers_are_read_without_case() {
        assert_eq!(PublisherType::read(" marketplace "), PublisherType::Marketplace);
        for text in ["Azure", "Microsoft", ""] {
            assert_eq!(PublisherType::read(text), PublisherType::FirstParty);
        }
    }
}
