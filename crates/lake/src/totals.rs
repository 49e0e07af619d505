//! Exact totals of charges by day, subscription, meter and kind of charge, from roll-ups.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use calendar::Date;
use ledger::{CostSum, Dataset, EnrollmentId, Window};
use object_store::ObjectStore;
use object_store::prefix::PrefixStore;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::error::LakeError;
use crate::file::LakeFile;
use crate::rollup::{self, Group, Rollup};
use crate::rows::RowFilter;
use crate::scan::FileAccess;
use crate::table::{Lake, Snapshot};

/// Most memory that remembered roll-ups take.
const ROLLUP_MEMORY_BYTES_MAX: u64 = 128 << 20;
/// About how many of them fit.
const ROLLUPS_EXPECTED: usize = 100;

/// What totals are told apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dimension {
    /// The day of the charge.
    Day,
    /// `SubscriptionId` as it came.
    Subscription,
    /// `MeterId`.
    Meter,
    /// `MeterCategory`.
    Category,
    /// `ChargeType`.
    ChargeType,
    /// `PricingModel`.
    PricingModel,
}

/// A word that names no dimension.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a dimension; expected one of {}", Dimension::ALL.map(Dimension::name).join(", "))]
pub struct UnknownDimension {
    text: String,
}

impl std::str::FromStr for Dimension {
    type Err = UnknownDimension;

    fn from_str(text: &str) -> Result<Self, UnknownDimension> {
        let found = Self::ALL.into_iter().find(|own| own.name().eq_ignore_ascii_case(text));
        found.ok_or_else(|| UnknownDimension { text: text.to_owned() })
    }
}

impl Dimension {
    /// All dimensions.
    pub const ALL: [Self; DIMENSIONS_MAX] =
        [Self::Day, Self::Subscription, Self::Meter, Self::Category, Self::ChargeType, Self::PricingModel];

    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Subscription => "subscription",
            Self::Meter => "meter",
            Self::Category => "category",
            Self::ChargeType => "charge-type",
            Self::PricingModel => "pricing-model",
        }
    }

    /// Place of its text in a roll-up; `None` for the day.
    const fn field(self) -> Option<usize> {
        match self {
            Self::Day => None,
            Self::Subscription => Some(0),
            Self::Meter => Some(1),
            Self::Category => Some(2),
            Self::ChargeType => Some(3),
            Self::PricingModel => Some(4),
        }
    }
}

/// As many as there are.
const DIMENSIONS_MAX: usize = 6;

/// Which charges are added up.
#[derive(Debug, Clone)]
pub struct TotalsQuestion<'a> {
    /// Of which enrollment; all of its source scopes together.
    pub enrollment: &'a EnrollmentId,
    /// Of which dataset.
    pub dataset: Dataset,
    /// Of which time.
    pub window: Window,
    /// What they are told apart by, each once; nothing: one total.
    pub by: &'a [Dimension],
}

/// The roll-ups of files that were asked about before, by path: files never change.
#[derive(Debug, Clone)]
pub(crate) struct Rollups(Arc<Cache<String, Arc<Rollup>, RollupWeight>>);

#[derive(Debug, Clone)]
struct RollupWeight;

impl Weighter<String, Arc<Rollup>> for RollupWeight {
    fn weight(&self, path: &String, rollup: &Arc<Rollup>) -> u64 {
        path.len() as u64 + rollup.memory_bytes()
    }
}

impl Rollups {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Cache::with_weighter(ROLLUPS_EXPECTED, ROLLUP_MEMORY_BYTES_MAX, RollupWeight)))
    }
}

impl Lake {
    /// Makes the roll-ups of files that were written and are not committed yet, and gives the files with the name of each.
    /// Every file is read back for it, and must add up to what was written.
    pub async fn roll_up(&self, mut files: Vec<LakeFile>) -> Result<Vec<LakeFile>, LakeError> {
        let (store, path) = self.table_location();
        let table: Arc<dyn ObjectStore> = Arc::new(PrefixStore::new(store, path));
        let access = FileAccess::new(table, self.footers().clone());
        let data = self.root().store();
        for file in &mut files {
            file.rollup_sha256 = Some(rollup::make(&access, &data, file).await?);
        }
        Ok(files)
    }
}

impl Snapshot {
    /// Adds charges up. The keys are the texts of the dimensions asked for, in their order; `None` is the unknown cell, and
    /// a day is `YYYY-MM-DD`.
    pub async fn totals(
        &self,
        question: &TotalsQuestion<'_>,
    ) -> Result<BTreeMap<Vec<Option<String>>, CostSum>, LakeError> {
        let mut sums = BTreeMap::new();
        let filter = RowFilter::in_window(question.window);
        for file in self.files_of(question.enrollment, question.dataset).filter(|file| filter.may_match(file)) {
            let rollup = self.rollup_of(file).await?;
            add(&rollup, question, &mut sums)?;
        }
        Ok(sums)
    }

    /// What a file has of each day; `None` is the rows without one.
    pub async fn days_of(&self, file: &LakeFile) -> Result<BTreeMap<Option<Date>, CostSum>, LakeError> {
        let rollup = self.rollup_of(file).await?;
        let mut sums = BTreeMap::new();
        for group in &rollup.groups {
            let day = group.day.and_then(|day| Date::from_days(day).ok());
            merge(sums.entry(day).or_insert(CostSum::NOTHING), sum_of(group))?;
        }
        Ok(sums)
    }

    /// The roll-up of a file: remembered, kept, or added up from its rows.
    pub(crate) async fn rollup_of(&self, file: &LakeFile) -> Result<Arc<Rollup>, LakeError> {
        if let Some(known) = self.rollups.0.get(&file.path) {
            return Ok(known);
        }
        let rollup = match rollup::kept(&self.data, file).await {
            Some(kept) => kept,
            None => Rollup::of_rows(&FileAccess::of(self), file).await?,
        };
        let rollup = Arc::new(rollup);
        self.rollups.0.insert(file.path.clone(), rollup.clone());
        Ok(rollup)
    }

    /// Compares the roll-up that is kept of a file with its rows; tells whether they agree. Files without one do.
    pub async fn rollup_agrees(&self, file: &LakeFile) -> Result<bool, LakeError> {
        if file.rollup_sha256.is_none() {
            return Ok(true);
        }
        let Some(kept) = rollup::kept(&self.data, file).await else { return Ok(false) };
        Ok(kept.canonical() == Rollup::of_rows(&FileAccess::of(self), file).await?.canonical())
    }
}

/// Adds the groups of a file to sums.
pub(crate) fn add(
    rollup: &Rollup,
    question: &TotalsQuestion<'_>,
    sums: &mut BTreeMap<Vec<Option<String>>, CostSum>,
) -> Result<(), LakeError> {
    let days = match question.window {
        Window::Period(_) => None,
        Window::Dates(days) => Some(days),
    };
    let is_asked = |group: &Group| match (days, group.day) {
        (None, _) => true,
        (Some(days), Some(day)) => Date::from_days(day).is_ok_and(|day| days.contains(day)),
        (Some(_), None) => false,
    };
    // Groups are told apart by numbers first, and by text once for each sum.
    let mut own: HashMap<[i64; DIMENSIONS_MAX], CostSum, ahash::RandomState> = HashMap::default();
    for group in rollup.groups.iter().filter(|group| is_asked(group)) {
        let mut numbers = [0; DIMENSIONS_MAX];
        for (number, dimension) in numbers.iter_mut().zip(question.by.iter()) {
            *number = number_of(*dimension, group);
        }
        merge(own.entry(numbers).or_insert(CostSum::NOTHING), sum_of(group))?;
    }
    for (numbers, own) in own {
        let texts = question.by.iter().zip(&numbers).map(|(dimension, number)| text(*dimension, *number, rollup));
        merge(sums.entry(texts.collect()).or_insert(CostSum::NOTHING), own)?;
    }
    Ok(())
}

pub(crate) fn merge(sum: &mut CostSum, other: CostSum) -> Result<(), LakeError> {
    sum.merge(other).map_err(|source| LakeError::Sum { what: "charges".into(), source })
}

const fn sum_of(group: &Group) -> CostSum {
    CostSum { rows: group.rows, cost: group.cost }
}

fn number_of(dimension: Dimension, group: &Group) -> i64 {
    match dimension.field() {
        None => group.day.map_or(i64::MIN, i64::from),
        Some(field) => i64::from(group.texts[field]),
    }
}

fn text(dimension: Dimension, number: i64, rollup: &Rollup) -> Option<String> {
    match dimension.field() {
        None => i32::try_from(number).ok().and_then(|day| Date::from_days(day).ok()).map(|day| day.to_string()),
        Some(field) => rollup.texts[field][usize::try_from(number).unwrap_or_default()].clone(),
    }
}
