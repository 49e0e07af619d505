//! Judging documents against what is known: what is new, what is refused, and why.

use std::collections::BTreeMap;

use calendar::BillingPeriod;
use catalog::{AuditEntry, InputKind, NativeChange, NativeInput, NativeState, PolicyChange};
use formats::native::StatedEnrollment;
use ledger::billing::{Instant, Order, PriceSheet, Reservation, check_orders, first_period_of};
use ledger::comparable;

use crate::documents::Documents;
use crate::error::BillingError;
use crate::known::{Known, first_open, sha256};
use crate::ownership::closed_change;
use crate::sheets::{KnownSheet, prices_nothing, sheet_for};

/// What of an enrollment's documents is new.
#[derive(Debug, Clone)]
pub(crate) struct Judged {
    pub(crate) change: NativeChange,
    /// Price sheets whose text has to be kept before the change is taken.
    pub(crate) sheet_texts: Vec<String>,
    /// The whole of what is known with the change.
    pub(crate) after: Known,
    pub(crate) counts: Counts,
    /// Files with price sheets that price no period, because others count that were received later.
    pub(crate) idle_sheets: Vec<String>,
}

/// How many records are new and how many are known already.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) enrollment: (usize, usize),
    pub(crate) orders: (usize, usize),
    pub(crate) sheets: (usize, usize),
}

/// What documents are judged by, beside what is known.
pub(crate) struct Circumstances<'a> {
    pub(crate) received_at: Instant,
    pub(crate) actor: &'a str,
    pub(crate) now_ms: i64,
    /// The last closed period, or what it will be after a reopening.
    pub(crate) closed_through: Option<BillingPeriod>,
    /// The first period that was billed.
    pub(crate) first_billed: Option<BillingPeriod>,
    /// Prices by the SHA-256 of their text: those of the documents, and stored ones of orders without price.
    pub(crate) prices: &'a BTreeMap<String, PriceSheet>,
}

/// Judges the documents of one enrollment.
pub(crate) fn judge(
    documents: &Documents,
    known: &Known,
    circumstances: &Circumstances<'_>,
) -> Result<Judged, BillingError> {
    let mut judge = Judge {
        documents,
        known,
        by: circumstances,
        after: known.clone(),
        inputs: Vec::new(),
        sheet_texts: Vec::new(),
        counts: Counts::default(),
        idle_sheets: Vec::new(),
    };
    judge.enrollment()?;
    let (start, currency, name) = {
        let enrollment = &judge.after.stated(None)?.enrollment;
        (enrollment.start, enrollment.currency, enrollment.name.clone())
    };
    judge.sheets(start)?;
    judge.orders(start)?;
    let Judge { after, inputs, sheet_texts, counts, idle_sheets, .. } = judge;
    // A document that is known changes nothing: not even what was changed elsewhere since.
    let is_new = counts.enrollment.0 > 0;
    let stated = documents.enrollment.as_ref().map(|document| &document.stated).filter(|_| is_new);
    let change = NativeChange {
        enrollment: known.number.clone(),
        name: stated.map(|_| name),
        currency,
        judged: NativeState { closed_through: circumstances.closed_through, ..known.state },
        hierarchy: stated.map(|stated| stated.enrollment.hierarchy.clone()),
        policies: stated.map(policies).unwrap_or_default(),
        audit: audit(known, circumstances, counts),
        inputs,
    };
    Ok(Judged { change, sheet_texts, after, counts, idle_sheets })
}

struct Judge<'a> {
    documents: &'a Documents,
    known: &'a Known,
    by: &'a Circumstances<'a>,
    after: Known,
    inputs: Vec<NativeInput>,
    sheet_texts: Vec<String>,
    counts: Counts,
    idle_sheets: Vec<String>,
}

impl Judge<'_> {
    fn input(&self, kind: InputKind, name: &str, document: &str) -> NativeInput {
        NativeInput {
            id: 0,
            kind,
            name: name.to_owned(),
            document: document.to_owned(),
            content: sha256(document.as_bytes()),
            received_at: self.by.received_at.0,
        }
    }

    fn enrollment(&mut self) -> Result<(), BillingError> {
        let Some(document) = &self.documents.enrollment else { return Ok(()) };
        let new = &document.stated;
        if let Some((before, _)) = &self.known.document {
            if before == new {
                self.counts.enrollment.1 += 1;
                return Ok(());
            }
            self.refuse_enrollment(&document.file, before, new)?;
        }
        let input = self.input(InputKind::Enrollment, "", &document.text);
        self.after.document = Some((new.clone(), input.content.clone()));
        self.inputs.push(input);
        self.counts.enrollment.0 += 1;
        Ok(())
    }

    /// What of a document can change no more.
    fn refuse_enrollment(
        &self,
        file: &str,
        before: &StatedEnrollment,
        new: &StatedEnrollment,
    ) -> Result<(), BillingError> {
        let (before, new) = (&before.enrollment, &new.enrollment);
        let file = || file.to_owned();
        if before.currency != new.currency {
            let (known, given) = (before.currency, new.currency);
            return Err(BillingError::Currency { file: file(), enrollment: before.number.clone(), known, given });
        }
        if let Some(billed) = self.by.first_billed.filter(|billed| *billed < new.start) {
            let what = format!("the start {}", new.start);
            return Err(BillingError::Closed {
                file: file(),
                what: format!("{what}, after period {billed} was billed,"),
                period: billed,
            });
        }
        if self.by.closed_through.is_none() {
            return Ok(());
        }
        if before.start != new.start || before.opening_balance != new.opening_balance {
            let what = if before.start == new.start { "another openingBalance" } else { "another start" };
            return Err(BillingError::Closed { file: file(), what: what.to_owned(), period: before.start });
        }
        let open = first_open(new.start, self.by.closed_through);
        match closed_change(&before.hierarchy, &new.hierarchy, open.first_day()) {
            Some((what, day)) => {
                let period = BillingPeriod::of(day).max(new.start);
                Err(BillingError::Closed { file: file(), what, period })
            }
            None => Ok(()),
        }
    }

    fn orders(&mut self, start: BillingPeriod) -> Result<(), BillingError> {
        let held: BTreeMap<&str, &Vec<Order>> =
            self.known.orders.iter().map(|known| (known.name.as_str(), &known.orders)).collect();
        let mut fresh: BTreeMap<String, &Vec<Order>> = BTreeMap::new();
        let mut new = Vec::new();
        for (file, stated) in &self.documents.orders {
            let name = comparable(&stated.id);
            match held.get(name.as_str()).copied().or_else(|| fresh.get(&name).copied()) {
                Some(same) if *same == stated.orders => self.counts.orders.1 += 1,
                Some(_) => return Err(BillingError::OrderChanged { file: file.clone(), order: stated.id.clone() }),
                None => {
                    fresh.insert(name.clone(), &stated.orders);
                    new.push((file, name, stated));
                }
            }
        }
        for (_, name, stated) in &new {
            let input = self.input(InputKind::Order, name, &stated.text);
            let (orders, content) = (stated.orders.clone(), input.content.clone());
            self.after.orders.push(crate::known::KnownOrder { name: name.clone(), orders, content });
            self.inputs.push(input);
        }
        self.counts.orders.0 = new.len();
        let all = self.after.all_orders();
        self.check_orders(
            &all,
            &new.iter().map(|(file, _, stated)| (file.as_str(), &stated.orders)).collect::<Vec<_>>(),
        )?;
        for (file, _, stated) in &new {
            for order in &stated.orders {
                self.refuse_order(file, order, &all, start)?;
            }
        }
        Ok(())
    }

    /// Whether all orders can be true together.
    fn check_orders(&self, all: &[Order], new: &[(&str, &Vec<Order>)]) -> Result<(), BillingError> {
        let enrollment = &self.after.stated(None)?.enrollment;
        let price = |order: &Reservation| {
            let sheet = sheet_for(&self.after.sheets, BillingPeriod::of(order.date))?;
            order.sheet_price(self.by.prices.get(&sheet.content)?, enrollment.currency)
        };
        check_orders(enrollment, all, &price).map_err(|source| {
            let is_it = |own: &Order| comparable(own.id()) == comparable(&source.order);
            let own = new.iter().rfind(|(_, orders)| orders.iter().any(is_it)).map(|(file, _)| (*file).to_owned());
            BillingError::Order { file: own.unwrap_or_else(|| self.documents.a_file().to_owned()), source }
        })
    }

    fn refuse_order(&self, file: &str, order: &Order, all: &[Order], start: BillingPeriod) -> Result<(), BillingError> {
        let enrollment = &self.after.stated(None)?.enrollment;
        let period = first_period_of(order, enrollment, all)
            .map_err(|source| BillingError::Order { file: file.to_owned(), source })?;
        let what = format!("order {}, dated {},", order.id(), order.date());
        if self.by.closed_through.is_some() && period < first_open(start, self.by.closed_through) {
            return Err(BillingError::Closed { file: file.to_owned(), what, period: period.max(start) });
        }
        // What was bought before may go on; what else lies before the start would never count.
        let goes_on = matches!(order, Order::Reservation(_) | Order::SavingsPlan(_) | Order::Purchase(_));
        if period < start && !goes_on {
            return Err(BillingError::BeforeStart { file: file.to_owned(), what, start });
        }
        Ok(())
    }

    fn sheets(&mut self, start: BillingPeriod) -> Result<(), BillingError> {
        let mut fresh: Vec<(&str, BillingPeriod)> = Vec::new();
        let mut given = Vec::new();
        for document in &self.documents.sheets {
            let sheet = KnownSheet {
                from: document.stated.from,
                through: document.stated.through,
                content: sha256(document.text.as_bytes()),
                received_at: self.by.received_at.0,
            };
            given.push((&document.file, sheet.clone()));
            if self.after.sheets.iter().any(|known| known.says_the_same(&sheet)) {
                self.counts.sheets.1 += 1;
                continue;
            }
            if let Some((first, _)) = fresh.iter().find(|(_, from)| *from == sheet.from) {
                let what = format!("price enrollment {} from {} on", self.known.number, sheet.from);
                let (first, second) = ((*first).to_owned(), document.file.clone());
                return Err(BillingError::Twice { first, second, what });
            }
            let open = first_open(start, self.by.closed_through);
            if self.by.closed_through.is_some() && sheet.from < open {
                let what = format!("the price sheet from {} on", sheet.from);
                let period = sheet.from.max(start);
                return Err(BillingError::Closed { file: document.file.clone(), what, period });
            }
            let name = std::path::Path::new(&document.file).file_name().map(|name| name.to_string_lossy().into_owned());
            let lines = document.stated.sheet.lines().len();
            self.inputs.push(sheet.input(&name.unwrap_or_default(), lines));
            self.sheet_texts.push(document.text.clone());
            self.after.sheets.push(sheet);
            fresh.push((&document.file, document.stated.from));
            self.counts.sheets.0 += 1;
        }
        // In the order of arrival, as they will be read back.
        self.after.sheets.sort_by_key(|sheet| sheet.received_at);
        let idle = given.into_iter().filter(|(_, sheet)| prices_nothing(&self.after.sheets, sheet));
        self.idle_sheets = idle.map(|(file, _)| file.clone()).collect();
        Ok(())
    }
}

fn policies(stated: &StatedEnrollment) -> PolicyChange {
    PolicyChange {
        da_view_charges: stated.policies.da_view_charges,
        ao_view_charges: stated.policies.ao_view_charges,
        price_hidden: stated.policies.price_hidden,
    }
}

fn audit(known: &Known, by: &Circumstances<'_>, counts: Counts) -> AuditEntry {
    let Counts { enrollment, orders, sheets } = counts;
    AuditEntry {
        at_ms: by.now_ms,
        actor: by.actor.to_owned(),
        action: "native.apply".to_owned(),
        enrollment: Some(known.number.clone()),
        target: String::new(),
        detail: format!("new: {} enrollment documents, {} orders, {} price sheets", enrollment.0, orders.0, sheets.0),
        times: 1,
    }
}
