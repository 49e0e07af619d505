//! Which dataset a file holds, told by its rows (DESIGN 4.8).

use std::fmt;

use ledger::{ChargeType, Dataset, PricingModel};

use crate::error::{InputError, RowPlace};

/// What the rows seen so far say about their dataset.
#[derive(Debug, Clone, Copy, Default)]
pub struct DatasetEvidence {
    actual: Option<Witness>,
    amortized: Option<Witness>,
}

#[derive(Debug, Clone, Copy)]
struct Witness {
    /// The row that says so; `None` if the file says it as a whole.
    row: Option<RowPlace>,
    fact: &'static str,
}

impl Witness {
    fn line(&self) -> Option<u64> {
        self.row.map(|row| row.line)
    }

    fn column(&self) -> Option<String> {
        self.row.and_then(|row| row.column(Some("ChargeType"))).map(String::from)
    }
}

impl fmt::Display for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.row {
            Some(row) => write!(f, "{row} {}", self.fact),
            None => write!(f, "the file {}", self.fact),
        }
    }
}

impl DatasetEvidence {
    /// What a file says as a whole: by the API that it is from, or by an address in it.
    pub(crate) fn of_file(dataset: Dataset, fact: &'static str) -> Self {
        let witness = Some(Witness { row: None, fact });
        match dataset {
            Dataset::ActualCost => Self { actual: witness, amortized: None },
            Dataset::AmortizedCost => Self { actual: None, amortized: witness },
        }
    }

    /// What a row says about its dataset, if anything.
    pub(crate) fn fact_of(
        charge: ChargeType,
        pricing: PricingModel,
        cost_is_zero: bool,
    ) -> Option<(Dataset, &'static str)> {
        let benefit = pricing.is_benefit();
        match charge {
            _ if charge.is_unused() => Some((Dataset::AmortizedCost, "reports an unused benefit")),
            ChargeType::Usage if benefit && !cost_is_zero => {
                Some((Dataset::AmortizedCost, "is usage covered by a benefit with a cost other than 0"))
            }
            ChargeType::Purchase | ChargeType::Refund if benefit => {
                Some((Dataset::ActualCost, "is the purchase or refund of a benefit"))
            }
            _ => None,
        }
    }

    /// Takes a row into account.
    pub(crate) fn observe(&mut self, row: RowPlace, charge: ChargeType, pricing: PricingModel, cost_is_zero: bool) {
        if let Some((dataset, fact)) = Self::fact_of(charge, pricing, cost_is_zero) {
            _ = self.witness(dataset).get_or_insert(Witness { row: Some(row), fact });
        }
    }

    /// Whether there is a witness of the dataset already; only the first one is kept.
    pub(crate) fn has(&self, dataset: Dataset) -> bool {
        match dataset {
            Dataset::ActualCost => self.actual.is_some(),
            Dataset::AmortizedCost => self.amortized.is_some(),
        }
    }

    fn witness(&mut self, dataset: Dataset) -> &mut Option<Witness> {
        match dataset {
            Dataset::ActualCost => &mut self.actual,
            Dataset::AmortizedCost => &mut self.amortized,
        }
    }

    /// What the rows prove, if anything. Rows that prove both datasets are refused.
    pub fn proven(&self, file: &str) -> Result<Option<Dataset>, InputError> {
        match (self.actual, self.amortized) {
            (Some(actual), Some(amortized)) => Err(InputError::Contradiction {
                file: file.to_owned(),
                reason: format!("{actual} (ActualCost) but {amortized} (AmortizedCost); expected rows of one dataset"),
                line: actual.line().max(amortized.line()),
                column: amortized.column().or_else(|| actual.column()),
            }),
            (Some(_), None) => Ok(Some(Dataset::ActualCost)),
            (None, Some(_)) => Ok(Some(Dataset::AmortizedCost)),
            (None, None) => Ok(None),
        }
    }

    /// The dataset of the file: what its rows prove, else what the caller says. Both are refused to differ, neither
    /// is asked for.
    pub fn resolve(&self, file: &str, stated: Option<Dataset>) -> Result<Dataset, InputError> {
        match (self.proven(file)?, stated) {
            (Some(proven), Some(stated)) if proven != stated => {
                let witness = if proven == Dataset::ActualCost { self.actual } else { self.amortized };
                let says = witness.map(|witness| format!("{witness}, so ")).unwrap_or_default();
                Err(InputError::Contradiction {
                    file: file.to_owned(),
                    reason: format!("{says}the file holds {proven}, not {stated}"),
                    line: witness.and_then(|witness| witness.line()),
                    column: witness.and_then(|witness| witness.column()),
                })
            }
            (Some(dataset), _) | (None, Some(dataset)) => Ok(dataset),
            (None, None) => Err(InputError::MissingFact {
                file: file.to_owned(),
                fact: "dataset (no row tells actual from amortized cost)",
                option: "--dataset ActualCost or --dataset AmortizedCost",
            }),
        }
    }

    /// Adds what the rows of another part of the same run say.
    pub fn merge(&mut self, other: &Self) {
        self.actual = self.actual.or(other.actual);
        self.amortized = self.amortized.or(other.amortized);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence(rows: &[(&str, &str, bool)]) -> DatasetEvidence {
        let mut evidence = DatasetEvidence::default();
        for (index, (charge, pricing, zero)) in rows.iter().enumerate() {
            let row = RowPlace::of_line(index as u64 + 2);
            evidence.observe(row, ChargeType::read(charge), PricingModel::read(pricing), *zero);
        }
        evidence
    }

    #[test]
    fn the_rows_prove_the_dataset() {
        let cases = [
            (("UnusedReservation", "Reservation", true), Some(Dataset::AmortizedCost)),
            (("Usage", "SavingsPlan", false), Some(Dataset::AmortizedCost)),
            (("Purchase", "Reservation", false), Some(Dataset::ActualCost)),
            (("Refund", "SavingsPlan", false), Some(Dataset::ActualCost)),
            (("Usage", "Reservation", true), None),
            (("Usage", "OnDemand", false), None),
            (("Purchase", "Marketplace", false), None),
        ];
        for (row, expected) in cases {
            assert_eq!(evidence(&[row]).proven("f").unwrap(), expected, "{row:?}");
        }
    }

    #[test]
    fn contradictions_are_refused_and_silence_is_asked_about() {
        let both = evidence(&[("Purchase", "Reservation", false), ("UnusedReservation", "Reservation", true)]);
        assert!(both.proven("f").is_err());
        let actual = evidence(&[("Purchase", "Reservation", false)]);
        assert!(actual.resolve("f", Some(Dataset::AmortizedCost)).is_err());
        assert!(evidence(&[]).resolve("f", None).unwrap_err().to_string().contains("--dataset"));
        assert_eq!(evidence(&[]).resolve("f", Some(Dataset::ActualCost)).unwrap(), Dataset::ActualCost);
    }
}
