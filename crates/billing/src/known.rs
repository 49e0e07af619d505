//! What is known of a native enrollment: its newest document, all orders, its price sheets.

use calendar::BillingPeriod;
use catalog::{InputKind, NativeInput, NativeState};
use formats::native::{StatedEnrollment, read_enrollment, read_order};
use imports::Store;
use ledger::EnrollmentId;
use ledger::billing::{Instant, Order};
use sha2::{Digest, Sha256};

use crate::error::{BillingError, instant_text};
use crate::sheets::KnownSheet;

/// An order as its operator stated it: one record, which may mean several orders.
#[derive(Debug, Clone)]
pub(crate) struct KnownOrder {
    /// Comparable id of the record.
    pub(crate) name: String,
    pub(crate) orders: Vec<Order>,
    /// SHA-256 of its text.
    pub(crate) content: String,
}

/// Everything that was received until an instant.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) number: EnrollmentId,
    pub(crate) state: NativeState,
    /// The newest document with its SHA-256; `None`: there is none.
    pub(crate) document: Option<(StatedEnrollment, String)>,
    /// In the order of arrival.
    pub(crate) orders: Vec<KnownOrder>,
    /// In the order of arrival.
    pub(crate) sheets: Vec<KnownSheet>,
    /// When the enrollment was stated first, whatever the instant; `None`: never.
    pub(crate) since: Option<Instant>,
}

impl Known {
    /// Reads what was received until an instant; `None`: everything.
    pub(crate) async fn load(
        store: &Store,
        number: &EnrollmentId,
        until: Option<Instant>,
    ) -> Result<Self, BillingError> {
        // The state first: input that comes in between is not part of it.
        let state = store.catalog().native_state(number).await?;
        let inputs = store.catalog().native_inputs(number).await?;
        let inputs: Vec<NativeInput> = inputs.into_iter().filter(|input| input.id <= state.last_input).collect();
        let since = inputs.iter().find(|input| input.kind == InputKind::Enrollment).map(|one| Instant(one.received_at));
        let seen = |input: &&NativeInput| until.is_none_or(|until| input.received_at <= until.0);
        let of_kind = |kind| inputs.iter().filter(seen).filter(move |input| input.kind == kind);
        let mut known =
            Self { number: number.clone(), state, document: None, orders: Vec::new(), sheets: Vec::new(), since };
        let stored = |what: String, reason: String| BillingError::Stored { enrollment: number.clone(), what, reason };
        if let Some(newest) = of_kind(InputKind::Enrollment).next_back() {
            let read = read_enrollment("the stored document", &newest.document);
            let read = read.map_err(|error| stored("enrollment document".to_owned(), error.to_string()))?;
            known.document = Some((read, newest.content.clone()));
        }
        let currency = known.document.as_ref().map(|(stated, _)| stated.enrollment.currency);
        for input in of_kind(InputKind::Order) {
            let read = read_order(&input.document, currency);
            let orders = read.map_err(|fault| stored(format!("order {}", input.name), fault.to_string()))?;
            known.orders.push(KnownOrder { name: input.name.clone(), orders, content: input.content.clone() });
        }
        for input in of_kind(InputKind::PriceSheet) {
            let sheet = KnownSheet::read(input).map_err(|reason| stored("price sheet".to_owned(), reason))?;
            known.sheets.push(sheet);
        }
        Ok(known)
    }

    /// The enrollment's document.
    pub(crate) fn stated(&self, until: Option<Instant>) -> Result<&StatedEnrollment, BillingError> {
        match (&self.document, self.since, until) {
            (Some((stated, _)), _, _) => Ok(stated),
            (None, Some(since), Some(until)) => Err(BillingError::NotYetKnown {
                enrollment: self.number.clone(),
                since: instant_text(since),
                as_of: instant_text(until),
            }),
            _ => Err(BillingError::UnknownEnrollment { enrollment: self.number.clone() }),
        }
    }

    /// All orders, in the order of arrival.
    pub(crate) fn all_orders(&self) -> Vec<Order> {
        self.orders.iter().flat_map(|known| known.orders.iter().cloned()).collect()
    }
}

/// The first period that takes input: the one after the last closed period.
pub(crate) fn first_open(start: BillingPeriod, closed_through: Option<BillingPeriod>) -> BillingPeriod {
    let after = closed_through.and_then(|period| period.next().ok());
    after.map_or(start, |after| after.max(start))
}

/// SHA-256 in lower-case hexadecimal.
pub(crate) fn sha256(text: &[u8]) -> String {
    hex::encode(Sha256::digest(text))
}
