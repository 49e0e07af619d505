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
    /// Marketplace charges, of the Consumption API and of Enterprise Reporting.
    Marketplaces,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Visibility {
    /// All charges.
    Everything,
    /// Usage rows, and rows of sources that know no charge type: those hold usage only (the 2019 layout).
    UsageOnly,
    /// The same without rows of Marketplace publishers.
    FirstPartyUsage,
    /// All charges of Marketplace publishers.
    Marketplace,
    /// Usage rows among them.
    MarketplaceUsage,
}

impl Generation {
    /// All generations.
    pub const ALL: [Self; 6] = [
        Self::CostDetails,
        Self::UsageDetails,
        Self::UsageDetailsOfUsage,
        Self::LegacyUsageDetails,
        Self::EnterpriseReporting,
        Self::Marketplaces,
    ];

    /// What the generation shows at the billing account scope. The older ones have endpoints of their own for
    /// Marketplace charges and know no purchases (SEMANTICS 3.8, D-44).
    pub const fn visibility(self) -> Visibility {
        match self {
            Self::CostDetails | Self::UsageDetails => Visibility::Everything,
            Self::UsageDetailsOfUsage => Visibility::UsageOnly,
            Self::LegacyUsageDetails | Self::EnterpriseReporting => Visibility::FirstPartyUsage,
            Self::Marketplaces => Visibility::Marketplace,
        }
    }
}

impl Visibility {
    /// What a generation shows of a scope: below the billing account usage rows only (SEMANTICS 6.3, D-36).
    pub fn of(scope: &Scope, generation: Generation) -> Self {
        match scope {
            Scope::BillingAccount(_) => generation.visibility(),
            _ => generation.visibility().of_usage(),
        }
    }

    /// What is left of it where usage rows alone are shown.
    pub const fn of_usage(self) -> Self {
        match self {
            Self::Everything => Self::UsageOnly,
            Self::Marketplace => Self::MarketplaceUsage,
            usage => usage,
        }
    }

    /// Whether a row is shown: when both of its cells are.
    pub fn shows(self, charge: Option<ChargeType>, publisher: PublisherType) -> bool {
        self.shows_charge(charge) && self.shows_publisher(publisher)
    }

    /// Whether rows of a charge type are shown; `None` for rows that name none.
    pub fn shows_charge(self, charge: Option<ChargeType>) -> bool {
        match self {
            Self::Everything | Self::Marketplace => true,
            Self::UsageOnly | Self::FirstPartyUsage | Self::MarketplaceUsage => {
                charge.is_none_or(|charge| charge == ChargeType::Usage)
            }
        }
    }

    /// Whether rows of a publisher are shown.
    pub fn shows_publisher(self, publisher: PublisherType) -> bool {
        match self {
            Self::Everything | Self::UsageOnly => true,
            Self::FirstPartyUsage => publisher == PublisherType::FirstParty,
            Self::Marketplace | Self::MarketplaceUsage => publisher == PublisherType::Marketplace,
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
                Generation::Marketplaces => [false, true, false, true],
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
        for scope in [&account, &department] {
            assert_eq!(Visibility::of(scope, Generation::EnterpriseReporting), Visibility::FirstPartyUsage);
        }
        assert_eq!(Visibility::of(&account, Generation::Marketplaces), Visibility::Marketplace);
        assert_eq!(Visibility::of(&department, Generation::Marketplaces), Visibility::MarketplaceUsage);
    }

    #[test]
    fn publishers_are_read_without_case() {
        assert_eq!(PublisherType::read(" marketplace "), PublisherType::Marketplace);
        for text in ["Azure", "Microsoft", ""] {
            assert_eq!(PublisherType::read(text), PublisherType::FirstParty);
        }
    }
}
