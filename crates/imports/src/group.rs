//! What a run's sources hold together: one group per enrollment, source scope and dataset.

use std::collections::{BTreeMap, BTreeSet};

use calendar::{BillingPeriod, DateRange};
use formats::{DatasetEvidence, InputError, PageList, PeriodSummary, ReadSummary};
use ledger::{
    Coverage, Dataset, EnrollmentId, Held, Holding, Place, Publishers, RunTime, Scope, Sharing, Unit, source_key,
};
use money::Currency;
use sha2::{Digest, Sha256};

use crate::error::ImportError;
use crate::import::{ImportedPeriod, now_ms};
use crate::options::ImportOptions;
use crate::plan::RunPlan;
use crate::read::SourceRead;
use crate::walks::{missing_pages, refuse_page_twice};

/// Sources of one enrollment, source scope and dataset.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) enrollment: EnrollmentId,
    pub(crate) scope: Scope,
    pub(crate) publishers: Publishers,
    pub(crate) dataset: Dataset,
    pub(crate) currency: Option<Currency>,
    /// One of its files, for messages.
    pub(crate) file: String,
    /// Positions of its sources.
    pub(crate) sources: Vec<usize>,
    pub(crate) periods: BTreeMap<BillingPeriod, PeriodSummary>,
    /// Where its rows belong, as they say.
    pub(crate) places: BTreeSet<Place>,
    /// Whether some of its charges stand on pages that are not here.
    pub(crate) pages_missing: bool,
    /// Whether all of its sources are answers without items, of which nobody said what they are about.
    pub(crate) is_blank_answer: bool,
    /// Whether all of its sources are answers, and nobody said for which scope they were asked.
    pub(crate) are_answers_of_unknown_scope: bool,
    /// What it replaces.
    pub(crate) holdings: Vec<Holding>,
}

/// Groups the sources of a run and says what each group replaces.
pub(crate) fn group(
    sources: &[SourceRead],
    options: &ImportOptions,
    run: &RunPlan,
    days: Option<DateRange>,
) -> Result<Vec<Group>, ImportError> {
    let mut evidence = DatasetEvidence::default();
    let of_one = sources.iter().filter(|source| !source.summary.both_datasets);
    of_one.for_each(|source| evidence.merge(&source.summary.evidence));
    let of_pages = evidence_of_pages(sources);
    if !options.parts {
        let pages = sources.iter().filter_map(|SourceRead { summary, .. }| {
            Some((summary.file.as_str(), summary.page.as_ref()?.next.as_ref()?.as_str()))
        });
        refuse_page_twice(pages)?;
    }
    let mut groups: Vec<Group> = Vec::new();
    // An empty page says of nothing whose it is; it ends the walk of the pages beside it.
    let (empty, others): (Vec<_>, Vec<_>) = sources.iter().enumerate().partition(|(_, source)| is_empty_page(source));
    for (index, source) in others.into_iter().chain(empty) {
        let summary = &source.summary;
        if let (true, Some(first)) = (is_empty_page(source), groups.first_mut()) {
            first.add(index, source, sources)?;
            continue;
        }
        let own = if run.one_export && !summary.both_datasets { &evidence } else { &summary.evidence };
        let dataset = match &summary.page {
            Some(page) if page.has_metric => dataset_of_page(summary, &of_pages, options.fill.dataset)?,
            _ => own.resolve(&summary.file, options.fill.dataset)?,
        };
        let enrollment = summary.enrollment.clone().ok_or_else(|| InputError::MissingFact {
            file: summary.file.clone(),
            fact: "enrollment",
            option: "--enrollment NUMBER",
        })?;
        let scope = source_scope(&summary.file, &enrollment, options.fill.scope.as_ref())?;
        let publishers = summary.page.as_ref().map_or(Publishers::All, |page| page.publishers);
        let known = groups.iter_mut().find(|group| {
            group.dataset == dataset && group.publishers == publishers && group.enrollment.matches(enrollment.as_str())
        });
        let group = match known {
            Some(group) => group,
            None => groups.push_mut(Group {
                enrollment,
                scope,
                publishers,
                dataset,
                currency: None,
                file: summary.file.clone(),
                sources: Vec::new(),
                periods: BTreeMap::new(),
                places: BTreeSet::new(),
                pages_missing: false,
                is_blank_answer: !options.fill.marketplace,
                are_answers_of_unknown_scope: options.fill.scope.is_none(),
                holdings: Vec::new(),
            }),
        };
        if !options.parts && !run.one_export {
            group.refuse_doubled(source, sources)?;
            group.refuse_two_forms(source, sources)?;
        }
        group.is_blank_answer &= summary.page.is_some() && summary.periods.is_empty();
        group.are_answers_of_unknown_scope &= summary.page.is_some();
        group.add(index, source, sources)?;
    }
    let pages_missing = missing_pages(sources.iter().map(|source| &source.summary)).is_some();
    let run_time = options.taken_at.or(run.run_time).unwrap_or(RunTime(now_ms() * 1000));
    for group in &mut groups {
        group.pages_missing = pages_missing && group.sources.iter().any(|index| sources[*index].summary.page.is_some());
        let coverages = group.coverages(options, days)?;
        group.hold(&coverages, sources, run_time);
    }
    Ok(groups)
}

fn is_empty_page(source: &SourceRead) -> bool {
    let summary = &source.summary;
    summary.page.is_some() && summary.periods.is_empty() && summary.rejected == 0
}

/// What the pages that can hold either dataset say together: only pages with a next one name the metric.
fn evidence_of_pages(sources: &[SourceRead]) -> DatasetEvidence {
    let mut evidence = DatasetEvidence::default();
    let of_metric = |source: &&SourceRead| source.summary.page.as_ref().is_some_and(|page| page.has_metric);
    sources.iter().filter(of_metric).for_each(|source| evidence.merge(&source.summary.evidence));
    evidence
}

/// The dataset of a page: its own evidence, else that of the pages beside it.
fn dataset_of_page(
    summary: &ReadSummary,
    of_pages: &DatasetEvidence,
    stated: Option<Dataset>,
) -> Result<Dataset, ImportError> {
    if summary.evidence.proven(&summary.file)?.is_some() {
        return Ok(summary.evidence.resolve(&summary.file, stated)?);
    }
    if of_pages.proven(&summary.file).is_err() {
        let reason = "it does not say its dataset, and the pages beside it are of both; import the pages of each dataset on \
                      their own";
        return Err(contradiction(&summary.file, reason.to_owned()));
    }
    Ok(of_pages.resolve(&summary.file, stated)?)
}

fn source_scope(file: &str, enrollment: &EnrollmentId, stated: Option<&Scope>) -> Result<Scope, ImportError> {
    let own = match stated {
        None => return Ok(Scope::BillingAccount(enrollment.clone())),
        Some(scope) => scope,
    };
    let named = match own {
        Scope::BillingAccount(id) => Some(id),
        Scope::Department { enrollment, .. } | Scope::EnrollmentAccount { enrollment, .. } => enrollment.as_ref(),
        Scope::Subscription(_) | Scope::ResourceGroup { .. } => None,
    };
    match named {
        Some(named) if !named.matches(enrollment.as_str()) => {
            Err(contradiction(file, format!("the rows belong to enrollment {enrollment}, but --scope names {named}")))
        }
        _ => Ok(own.clone()),
    }
}

/// What a source is, for messages.
fn form_of(summary: &ReadSummary) -> &'static str {
    match &summary.page {
        Some(page) if page.publishers == Publishers::Marketplace && page.list == PageList::Whole => {
            "a list of Marketplace charges of Enterprise Reporting"
        }
        Some(_) => "a page",
        None if summary.both_datasets => "a FOCUS file",
        None => "a file",
    }
}

fn contradiction(file: &str, reason: String) -> ImportError {
    InputError::Contradiction { file: file.to_owned(), reason, line: None, column: None }.into()
}

impl Group {
    fn add(&mut self, index: usize, source: &SourceRead, all: &[SourceRead]) -> Result<(), ImportError> {
        let summary = &source.summary;
        if let Some(twin) = self.sources.iter().find(|other| all[**other].summary.hash == summary.hash) {
            let reason =
                format!("it holds the same text as {}; the charges would count twice", all[*twin].summary.file);
            return Err(contradiction(&summary.file, reason));
        }
        match (self.currency, summary.currency) {
            (Some(known), Some(given)) if known != given => {
                return Err(ImportError::Currency {
                    enrollment: self.enrollment.to_string(),
                    known: known.to_string(),
                    file: summary.file.clone(),
                    given: given.to_string(),
                });
            }
            (None, given) => self.currency = given,
            _ => {}
        }
        for (period, read) in &summary.periods {
            let own = self.periods.entry(*period).or_default();
            own.rows += read.rows;
            own.rows_derived += read.rows_derived;
            own.days.extend(&read.days);
            own.total.merge(read.total).map_err(|error| {
                contradiction(&summary.file, format!("the costs of {period} cannot be added: {error}"))
            })?;
        }
        self.places.extend(summary.places.iter().cloned());
        self.sources.push(index);
        Ok(())
    }

    /// Files without a manifest are taken as parts of one export; several exports of the same month are not.
    fn refuse_doubled(&self, source: &SourceRead, all: &[SourceRead]) -> Result<(), ImportError> {
        for other in self.sources.iter().map(|index| &all[*index].summary) {
            for (period, own) in &source.summary.periods {
                let theirs = other.periods.get(period);
                if theirs.is_some_and(|theirs| theirs.sketch.mostly_shared_with(&own.sketch)) {
                    return Err(ImportError::Doubled {
                        first: other.file.clone(),
                        second: source.summary.file.clone(),
                        dataset: self.dataset,
                        period: period.to_string(),
                    });
                }
            }
        }
        Ok(())
    }

    /// Pages, FOCUS files and others are forms of the same charges; rows of two forms do not look alike.
    fn refuse_two_forms(&self, source: &SourceRead, all: &[SourceRead]) -> Result<(), ImportError> {
        let form = form_of(&source.summary);
        for other in self.sources.iter().map(|index| &all[*index].summary) {
            let other_form = form_of(other);
            if other_form == form {
                continue;
            }
            if let Some(period) = source.summary.periods.keys().find(|period| other.periods.contains_key(period)) {
                let reason = format!(
                    "{} and {} are {other_form} and {form}, and both hold {} {period}: together they could count charges twice. \
                     Import one form alone; if they are parts all the same, say --parts",
                    other.file, source.summary.file, self.dataset
                );
                return Err(ImportError::Ambiguous { reason });
            }
        }
        Ok(())
    }

    /// The days that the group replaces (DESIGN 4.2): the billing periods of its rows, unless the source says
    /// otherwise.
    fn coverages(&self, options: &ImportOptions, days: Option<DateRange>) -> Result<Vec<Coverage>, ImportError> {
        let Some(days) = days else {
            self.refuse_derived()?;
            self.refuse_strays()?;
            let periods: BTreeSet<BillingPeriod> = self.periods.keys().copied().chain(options.fill.period).collect();
            if periods.is_empty() {
                let (file, fact, option) = (self.file.clone(), "billing period (it has no rows)", "--period YYYYMM");
                return Err(InputError::MissingFact { file, fact, option }.into());
            }
            return Ok(periods.into_iter().map(Coverage::Period).collect());
        };
        if let Some(whole) = Coverage::whole_periods(days)
            && self.periods.keys().all(|period| whole.contains(period))
        {
            return Ok(whole.into_iter().map(Coverage::Period).collect());
        }
        // Parts of months are meant by date, and so are whole months if rows of other billing periods are there.
        let outside = self.periods.iter().flat_map(|(period, read)| read.days.iter().map(move |day| (period, day)));
        match outside.into_iter().find(|(_, day)| !days.contains(**day)) {
            None => {
                let periods: BTreeSet<BillingPeriod> = days.periods().chain(self.periods.keys().copied()).collect();
                Ok(periods.into_iter().map(|period| Coverage::Days(period, days)).collect())
            }
            Some((period, day)) => Err(contradiction(
                &self.file,
                format!(
                    "it covers {days}, but has a row of billing period {period} dated {day}; expected rows of these billing \
                     periods or rows dated in these days"
                ),
            )),
        }
    }

    /// Where only dates tell the billing period, a late row looks like the other month's export: only the caller knows
    /// which months the source is an answer about.
    fn refuse_derived(&self) -> Result<(), ImportError> {
        if self.periods.len() < 2 || self.periods.values().all(|period| period.rows_derived == 0) {
            return Ok(());
        }
        let months: Vec<String> =
            self.periods.iter().map(|(period, read)| format!("{period} ({} rows)", read.rows)).collect();
        Err(contradiction(
            &self.file,
            format!(
                "the billing period of its rows is told by their dates alone, and they fall into {}; a late row would replace a \
                 whole month. If all rows belong to one billing period, say --period YYYYMM; else say which days the source \
                 covers: --days FROM..TO",
                months.join(", ")
            ),
        ))
    }

    /// A row of another billing period, dated outside of it, is a late charge or a refund: the file is not that period's
    /// export and must not replace it as a whole.
    fn refuse_strays(&self) -> Result<(), ImportError> {
        let stray =
            |(period, read): &(&BillingPeriod, &PeriodSummary)| !read.days.iter().any(|day| period.contains(*day));
        match self.periods.iter().find(stray) {
            Some((period, read)) if self.periods.len() > 1 => Err(contradiction(
                &self.file,
                format!(
                    "it has {} rows of billing period {period} that are all dated outside of it, beside rows of other periods; \
                     replacing {period} as a whole would lose its other charges. Say which days the file replaces: --days \
                     FROM..TO",
                    read.rows
                ),
            )),
            _ => Ok(()),
        }
    }

    /// Days replace what an earlier import of these days brought, rows of other billing periods included.
    pub(crate) fn extend_to_held(&mut self, held: &Held) {
        let Some(Holding { unit: Unit { coverage: Coverage::Days(_, days), .. }, .. }) = self.holdings.first() else {
            return;
        };
        let days = *days;
        let mut more = Vec::new();
        for other in held.iter() {
            let Coverage::Days(period, theirs) = other.unit.coverage else { continue };
            let known = self.holdings.iter().chain(&more).any(|own| own.unit.coverage.period() == period);
            let Some(first) = self.holdings.first().filter(|_| theirs.overlaps(days) && !known) else { continue };
            let unit = Unit { coverage: Coverage::Days(period, days), ..first.unit.clone() };
            if other.unit.same_series(&unit) {
                more.push(Holding { unit, empty: true, ..first.clone() });
            }
        }
        self.holdings.extend(more);
    }

    fn hold(&mut self, coverages: &[Coverage], sources: &[SourceRead], run_time: RunTime) {
        let own = self.sources.iter().map(|index| &sources[*index].summary);
        let mut hashes: Vec<&str> = own.clone().map(|summary| summary.hash.as_str()).collect();
        hashes.sort_unstable();
        let mut content = Sha256::new();
        content.update(format!("{}\n{}\n{coverages:?}\n", self.enrollment, source_key(&self.scope, self.publishers)));
        content.update(hashes.join("\n"));
        let content = hex::encode(content.finalize());
        let incomplete = self.pages_missing || own.clone().any(|summary| summary.rejected > 0);
        self.holdings = coverages
            .iter()
            .map(|coverage| Holding {
                unit: Unit {
                    enrollment: self.enrollment.clone(),
                    scope: self.scope.clone(),
                    publishers: self.publishers,
                    dataset: self.dataset,
                    coverage: *coverage,
                },
                run_time,
                content: content.clone(),
                revision: String::new(),
                incomplete,
                empty: self.periods.get(&coverage.period()).is_none_or(|read| read.rows == 0),
            })
            .collect();
    }

    /// An answer whose last page is missing does not take the place of charges that are held complete.
    pub(crate) fn refuse_to_replace_complete(&self, held: &Held) -> Result<(), ImportError> {
        let own = self.holdings.iter().filter(|_| self.pages_missing).map(|holding| &holding.unit);
        for unit in own {
            let replaced = |other: &&Holding| {
                other.unit.same_series(unit) && other.unit.coverage.overlaps(&unit.coverage) && !other.empty
            };
            if let Some(complete) = held.iter().filter(replaced).find(|other| !other.incomplete) {
                let Unit { enrollment, dataset, coverage, .. } = &complete.unit;
                return Err(ImportError::IncompleteAnswer {
                    what: format!("{dataset} {coverage} of enrollment {enrollment}"),
                    revision: complete.revision.clone(),
                });
            }
        }
        Ok(())
    }

    /// An answer without items does not say what it is an answer about: it must not empty what is held.
    pub(crate) fn refuse_empty_answer(&self, held: &Held) -> Result<(), ImportError> {
        for new in self.holdings.iter().filter(|new| self.is_blank_answer && new.empty) {
            let emptied = |other: &&Holding| {
                other.unit.same_series(&new.unit) && other.unit.coverage.overlaps(&new.unit.coverage) && !other.empty
            };
            if let Some(other) = held.iter().find(emptied) {
                let Unit { enrollment, dataset, coverage, .. } = &other.unit;
                return Err(ImportError::EmptyAnswer {
                    file: self.file.clone(),
                    what: format!("{dataset} {coverage} of enrollment {enrollment}"),
                    revision: other.revision.clone(),
                });
            }
        }
        Ok(())
    }

    /// An answer with charges of one subscription may have been asked of that subscription: it must not take the place of
    /// charges of others without a word.
    pub(crate) async fn refuse_to_lose_subscriptions(
        &self,
        held: &Held,
        snapshot: &lake::Snapshot,
    ) -> Result<(), ImportError> {
        // Purchases can be of no subscription.
        let is_named = |subscription: &String| !subscription.is_empty();
        let own: BTreeSet<String> =
            self.places.iter().filter_map(|place| Sharing::Subscription.mark(place)).filter(is_named).collect();
        let (true, [only]) = (self.are_answers_of_unknown_scope, &own.iter().collect::<Vec<_>>()[..]) else {
            return Ok(());
        };
        for new in &self.holdings {
            for other in held.all_over(&new.unit).filter(|other| !other.empty) {
                let Some(window) = new.unit.coverage.shared(&other.unit.coverage) else { continue };
                let theirs = snapshot.marks_of(&other.unit, Sharing::Subscription, window).await?;
                if theirs.iter().filter(|own| is_named(own)).any(|subscription| subscription != *only) {
                    let Unit { enrollment, dataset, coverage, scope, .. } = &other.unit;
                    return Err(ImportError::LostSubscriptions {
                        file: self.file.clone(),
                        subscription: (*only).clone(),
                        held: format!("{dataset} {coverage} of enrollment {enrollment} (revision {})", other.revision),
                        scope: scope.to_string(),
                    });
                }
            }
        }
        Ok(())
    }

    /// Whether exactly these bytes are held for everything that the group replaces.
    pub(crate) fn is_held(&self, held: &Held) -> bool {
        self.holdings.iter().all(|holding| held.holds(holding))
    }

    /// The revision that holds the group.
    pub(crate) fn held_revision(&self, held: &Held) -> Option<String> {
        let unit = self.holdings.first().map(|holding| &holding.unit)?;
        held.iter().find(|holding| holding.unit == *unit).map(|holding| holding.revision.clone())
    }

    pub(crate) fn rows(&self) -> u64 {
        self.periods.values().map(|period| period.rows).sum()
    }

    /// The group's periods as the import reports them; a replaced period without rows is reported as empty.
    pub(crate) fn imported(
        &self,
        revision: Option<String>,
        unchanged: bool,
        before: Option<&Held>,
    ) -> Vec<ImportedPeriod> {
        let replaced = |period: BillingPeriod| {
            let own = self.holdings.iter().filter(|holding| holding.unit.coverage.period() == period);
            let held = own.flat_map(|holding| before.iter().flat_map(|held| held.all_over(&holding.unit)));
            let revisions: BTreeSet<u64> = held.filter_map(|held| held.revision.parse().ok()).collect();
            revisions.into_iter().map(|revision| revision.to_string()).collect()
        };
        let mut periods: BTreeMap<BillingPeriod, (u64, String)> = BTreeMap::new();
        for holding in &self.holdings {
            periods.insert(holding.unit.coverage.period(), (0, "0".to_owned()));
        }
        for (period, read) in &self.periods {
            periods.insert(*period, (read.rows, read.total.value().to_string()));
        }
        periods
            .into_iter()
            .map(|(period, (rows, total))| ImportedPeriod {
                enrollment: self.enrollment.clone(),
                dataset: self.dataset,
                period: period.to_string(),
                rows,
                total,
                revision: revision.clone(),
                unchanged,
                replaces: replaced(period),
            })
            .collect()
    }
}
