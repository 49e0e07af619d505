//! Published cost exports, embedded byte for byte.
//!
//! Origin and licence of each file stand in `data/README.md` beside them. Row counts and totals are facts about the
//! bytes, checked by the tests below: an import that ends with other figures is wrong.

/// One embedded cost export and what is known of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// The file name the export was published under.
    pub name: &'static str,
    /// The file as published.
    pub bytes: &'static [u8],
    /// How many charges it holds: lines less the header.
    pub rows: u64,
    /// The exact sum of its cost column as decimal text, with the widest scale found in the column.
    pub total: &'static str,
}

/// A real EA ActualCost export of September 2023 in the portal layout: 11 rows, one of them a reservation purchase.
pub const EA_ACTUAL: Sample = Sample {
    name: "EA_ActualCost_Small.csv",
    bytes: include_bytes!("../data/EA_ActualCost_Small.csv"),
    rows: 11,
    total: "8.5450077867419368",
};

/// A real EA AmortizedCost export of September 2023 in the portal layout: 28 rows with a reservation and a savings
/// plan. Its total has 30 digits, too many for a 96-bit decimal.
pub const EA_AMORTIZED: Sample = Sample {
    name: "EA_AmortizedCost_Small.csv",
    bytes: include_bytes!("../data/EA_AmortizedCost_Small.csv"),
    rows: 28,
    total: "16.2969321366366446274854190000",
};

/// A real EA export of an empty selection: the header and nothing else.
pub const EA_NO_ROWS: Sample =
    Sample { name: "EA_NoRows.csv", bytes: include_bytes!("../data/EA_NoRows.csv"), rows: 0, total: "0" };

/// A synthetic subscription-scope export of June 2025 with a mixed-case header of 68 columns, ISO dates and CRLF.
pub const NISE_SUBSCRIPTION: Sample = Sample {
    name: "subscription-scope_2025-06-01_2025-06-30.csv",
    bytes: include_bytes!("../data/subscription-scope_2025-06-01_2025-06-30.csv"),
    rows: 90,
    total: "76.9066608779941113259",
};

/// Every bundled export.
pub const ALL: [Sample; 4] = [EA_ACTUAL, EA_AMORTIZED, EA_NO_ROWS, NISE_SUBSCRIPTION];
