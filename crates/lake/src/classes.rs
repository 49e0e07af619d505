//! Charges added up by their class: what may pay them (SEMANTICS 4.2).

use std::collections::BTreeMap;

use arrow::array::{Array, AsArray};
use calendar::BillingPeriod;
use formats::{scale_column, text_column};
use ledger::billing::ChargeClass;
use ledger::{ChargeQuery, Field, PublisherType};
use money::Total;

use crate::error::LakeError;
use crate::select::Texts;
use crate::table::Snapshot;
use crate::total::CostColumns;

impl Snapshot {
    /// Adds up the costs of a question by billing period and class, in the billing currency. The class goes by the row's flags;
    /// a row whose source does not say whether the prepayment may pay it counts as eligible, and as Marketplace where its
    /// publisher is one.
    pub async fn class_sums(
        &self,
        query: &ChargeQuery,
    ) -> Result<BTreeMap<(BillingPeriod, ChargeClass), Total>, LakeError> {
        let flags = [Field::PublisherType, Field::IsAzureCreditEligible, Field::Cost];
        let mut columns: Vec<String> = flags.map(Field::column).map(str::to_owned).to_vec();
        columns.extend([scale_column(Field::Cost), text_column(Field::Cost)]);
        let mut sums = BTreeMap::new();
        let mut scan = self.scan(query, &columns);
        while let Some((batch, period)) = scan.next_batch_of_period().await? {
            let unusable = || LakeError::ForeignFile {
                path: "a batch".into(),
                reason: "the columns to tell classes by are missing or of another type".into(),
            };
            let is_marketplace =
                |cell: Option<&str>| PublisherType::read(cell.unwrap_or_default()) == PublisherType::Marketplace;
            let marketplace = Texts::of(&batch, Field::PublisherType).ok_or_else(unusable)?.test(is_marketplace);
            let eligible = batch.column_by_name(Field::IsAzureCreditEligible.column());
            let eligible = eligible.and_then(|column| column.as_boolean_opt()).ok_or_else(unusable)?;
            let costs = CostColumns::of(&batch)?;
            for row in 0..batch.num_rows() {
                let publisher =
                    if marketplace.at(row) { PublisherType::Marketplace } else { PublisherType::FirstParty };
                let is_known = !eligible.is_null(row);
                // Where nothing is said, the publisher alone decides.
                let is_eligible = if is_known { eligible.value(row) } else { publisher == PublisherType::FirstParty };
                let class = ChargeClass::of(is_eligible, publisher);
                costs.add(row, sums.entry((period, class)).or_insert(Total::ZERO))?;
            }
        }
        Ok(sums)
    }
}
