//! The two datasets of cost details (SEMANTICS section 3).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Which view of the same charges; called *metric* on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Dataset {
    /// Charges as billed.
    ActualCost,
    /// Benefit purchases spread by day over their term.
    AmortizedCost,
}

impl Dataset {
    /// Both datasets, in the order in which they are listed everywhere.
    pub const ALL: [Self; 2] = [Self::ActualCost, Self::AmortizedCost];

    /// The name on the wire and in the lake.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ActualCost => "ActualCost",
            Self::AmortizedCost => "AmortizedCost",
        }
    }

    /// The one that this is not.
    pub const fn other(self) -> Self {
        match self {
            Self::ActualCost => Self::AmortizedCost,
            Self::AmortizedCost => Self::ActualCost,
        }
    }
}

/// A text that names no dataset.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a dataset: expected ActualCost or AmortizedCost")]
pub struct UnknownDataset {
    /// The refused text, cut to a printable length.
    pub text: String,
}

impl FromStr for Dataset {
    type Err = UnknownDataset;

    /// Reads the name without regard to case.
    fn from_str(text: &str) -> Result<Self, UnknownDataset> {
        Self::ALL
            .into_iter()
            .find(|dataset| dataset.as_str().eq_ignore_ascii_case(text))
            .ok_or_else(|| UnknownDataset { text: crate::ids::excerpt(text) })
    }
}

impl fmt::Display for Dataset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
