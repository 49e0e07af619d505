//! Native enrollments: what their operators stated, in the order of its arrival.

use calendar::BillingPeriod;
use ledger::{AppliedHierarchy, EnrollmentId, HierarchyError};
use money::Currency;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use crate::audit::{AuditEntry, write};
use crate::enrollments::{learn_enrollment, number};
use crate::imports::EnrollmentEntry;
use crate::policies::set_policies;
use crate::{Catalog, CatalogError, PolicyChange};

/// What kind of input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputKind {
    /// The enrollment itself; the newest counts.
    Enrollment,
    /// An order; each counts.
    Order,
    /// A price sheet.
    PriceSheet,
}

/// Something that an operator stated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NativeInput {
    /// Its number in the log of all inputs; 0 for one that is not there yet.
    pub id: i64,
    /// What kind it is.
    pub kind: InputKind,
    /// The comparable id of an order; blank for others.
    pub name: String,
    /// The document as JSON; of a price sheet what is known of it without its text.
    pub document: String,
    /// SHA-256 of the document, or of a price sheet's text.
    pub content: String,
    /// When it was received, in microseconds since 1970.
    pub received_at: i64,
}

/// What is known of a native enrollment at a moment. Input that was judged against it is taken only if it still holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NativeState {
    /// Number of the newest input; 0: there is none.
    pub last_input: i64,
    /// The last closed period.
    pub closed_through: Option<BillingPeriod>,
}

/// Input for one enrollment.
#[derive(Debug, Clone)]
pub struct NativeChange {
    /// The enrollment.
    pub enrollment: EnrollmentId,
    /// Its name, where its document is among the input.
    pub name: Option<String>,
    /// Its currency.
    pub currency: Currency,
    /// What it was judged against.
    pub judged: NativeState,
    /// What is new.
    pub inputs: Vec<NativeInput>,
    /// The hierarchy, where the enrollment's document is among the input.
    pub hierarchy: Option<AppliedHierarchy>,
    /// Switches to change.
    pub policies: PolicyChange,
    /// What the audit log says.
    pub audit: AuditEntry,
}

/// What became of input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NativeOutcome {
    /// All of it was taken.
    Taken,
    /// Other input or a closing came first: it must be judged again. Nothing was taken.
    Outdated,
    /// The enrollment is mirrored; the text says what is held of it. Nothing was taken.
    Mirrored {
        /// The enrollment.
        enrollment: EnrollmentId,
        /// What is held.
        held: String,
    },
    /// The enrollment is billed in another currency. Nothing was taken.
    OtherCurrency {
        /// The enrollment.
        enrollment: EnrollmentId,
        /// Its currency.
        known: Currency,
    },
    /// A subscription would belong to two enrollments at a time. Nothing was taken.
    Ownership {
        /// The enrollment.
        enrollment: EnrollmentId,
        /// Which subscription, and since when.
        error: HierarchyError,
    },
}

impl Catalog {
    /// All native enrollments, by number.
    pub async fn native_enrollments(&self) -> Result<Vec<EnrollmentId>, CatalogError> {
        let numbers: Vec<String> = sqlx::query_scalar("SELECT enrollment FROM native_enrollments ORDER BY enrollment")
            .fetch_all(&self.pool)
            .await
            .map_err(CatalogError::database("list the native enrollments"))?;
        numbers.iter().map(|text| number(text)).collect()
    }

    /// Whether an enrollment is billed here: nothing of it is imported.
    pub async fn is_native(&self, enrollment: &EnrollmentId) -> Result<bool, CatalogError> {
        let mut connection = self.pool.acquire().await.map_err(CatalogError::database("look up an enrollment"))?;
        is_native(&mut connection, enrollment).await
    }

    /// What imports brought of an enrollment that is not native, in words; `None`: nothing.
    pub async fn mirrored(&self, enrollment: &EnrollmentId) -> Result<Option<String>, CatalogError> {
        let mut connection = self.pool.acquire().await.map_err(CatalogError::database("look up an enrollment"))?;
        match is_native(&mut connection, enrollment).await? {
            true => Ok(None),
            false => mirrored(&mut connection, enrollment).await,
        }
    }

    /// What is known of a native enrollment.
    pub async fn native_state(&self, enrollment: &EnrollmentId) -> Result<NativeState, CatalogError> {
        let mut connection = self.pool.acquire().await.map_err(CatalogError::database("look up an enrollment"))?;
        state(&mut connection, enrollment).await
    }

    /// What an operator stated about an enrollment, in the order of its arrival.
    pub async fn native_inputs(&self, enrollment: &EnrollmentId) -> Result<Vec<NativeInput>, CatalogError> {
        let rows = sqlx::query(
            "SELECT id, kind, name, document, content, received_at FROM native_inputs WHERE enrollment = ? \
             ORDER BY received_at, id",
        )
        .bind(enrollment.as_str())
        .fetch_all(&self.pool)
        .await
        .map_err(CatalogError::database("list native input"))?;
        rows.iter().map(input).collect()
    }

    /// The hashes of all kept price sheets.
    pub async fn price_sheet_contents(&self) -> Result<Vec<String>, CatalogError> {
        sqlx::query_scalar("SELECT DISTINCT content FROM native_inputs WHERE kind = 'priceSheet' ORDER BY content")
            .fetch_all(&self.pool)
            .await
            .map_err(CatalogError::database("list the price sheets"))
    }

    /// Takes input for enrollments, all or none. With `dry_run` it only looks. `written` is called when all is written but
    /// not committed: a test's last moment to end the program.
    pub async fn take_native(
        &self,
        changes: &[NativeChange],
        now_ms: i64,
        dry_run: bool,
        written: &(dyn Fn() + Sync),
    ) -> Result<NativeOutcome, CatalogError> {
        let doing = || CatalogError::database("take native input");
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(doing())?;
        for change in changes {
            if let Some(refused) = refusal(&mut transaction, change).await? {
                return Ok(refused);
            }
        }
        let stated: Vec<(EnrollmentId, AppliedHierarchy)> =
            changes.iter().filter_map(|one| Some((one.enrollment.clone(), one.hierarchy.clone()?))).collect();
        if let Err((enrollment, error)) = crate::hierarchy::check_stated(&mut transaction, &stated).await? {
            return Ok(NativeOutcome::Ownership { enrollment, error });
        }
        if dry_run {
            return Ok(NativeOutcome::Taken);
        }
        for change in changes {
            take(&mut transaction, change, now_ms).await?;
        }
        written();
        transaction.commit().await.map_err(doing())?;
        Ok(NativeOutcome::Taken)
    }
}

/// Why a change cannot be taken.
async fn refusal(
    connection: &mut SqliteConnection,
    change: &NativeChange,
) -> Result<Option<NativeOutcome>, CatalogError> {
    let enrollment = &change.enrollment;
    if !is_native(connection, enrollment).await?
        && let Some(held) = mirrored(connection, enrollment).await?
    {
        return Ok(Some(NativeOutcome::Mirrored { enrollment: enrollment.clone(), held }));
    }
    let known = crate::balances::currency_of(connection, enrollment).await?;
    if let Some(known) = known.filter(|known| *known != change.currency) {
        return Ok(Some(NativeOutcome::OtherCurrency { enrollment: enrollment.clone(), known }));
    }
    Ok((state(connection, enrollment).await? != change.judged).then_some(NativeOutcome::Outdated))
}

async fn take(connection: &mut SqliteConnection, change: &NativeChange, now_ms: i64) -> Result<(), CatalogError> {
    let enrollment = &change.enrollment;
    know_native(connection, enrollment, now_ms).await?;
    let entry = EnrollmentEntry {
        number: enrollment.clone(),
        name: change.name.clone(),
        currency: Some(change.currency),
        places: Vec::new(),
    };
    learn_enrollment(connection, &entry, now_ms).await?;
    for input in &change.inputs {
        sqlx::query(
            "INSERT INTO native_inputs (enrollment, kind, name, document, content, received_at) VALUES (?, ?, ?, ?, ?, ?)",
        )
        .bind(enrollment.as_str())
        .bind(input.kind.as_str())
        .bind(&input.name)
        .bind(&input.document)
        .bind(&input.content)
        .bind(input.received_at)
        .execute(&mut *connection)
        .await
        .map_err(CatalogError::database("take native input"))?;
    }
    if let Some(hierarchy) = &change.hierarchy {
        crate::hierarchy::write_stated(connection, enrollment, hierarchy).await?;
    }
    set_policies(connection, enrollment, change.policies).await?;
    write(connection, &change.audit).await
}

/// Remembers that an enrollment is native.
pub(crate) async fn know_native(
    connection: &mut SqliteConnection,
    enrollment: &EnrollmentId,
    now_ms: i64,
) -> Result<(), CatalogError> {
    sqlx::query("INSERT INTO native_enrollments (enrollment, since) VALUES (?, ?) ON CONFLICT DO NOTHING")
        .bind(enrollment.as_str())
        .bind(now_ms)
        .execute(connection)
        .await
        .map_err(CatalogError::database("learn a native enrollment"))?;
    Ok(())
}

pub(crate) async fn is_native(
    connection: &mut SqliteConnection,
    enrollment: &EnrollmentId,
) -> Result<bool, CatalogError> {
    let found: Option<i64> = sqlx::query_scalar("SELECT 1 FROM native_enrollments WHERE enrollment = ?")
        .bind(enrollment.as_str())
        .fetch_optional(connection)
        .await
        .map_err(CatalogError::database("look up an enrollment"))?;
    Ok(found.is_some())
}

/// What is held of an enrollment by imports.
async fn mirrored(
    connection: &mut SqliteConnection,
    enrollment: &EnrollmentId,
) -> Result<Option<String>, CatalogError> {
    let charges: Option<i64> = sqlx::query_scalar(
        "SELECT MAX(i.version) FROM import_units u JOIN imports i ON i.id = u.import_id WHERE u.enrollment = ?",
    )
    .bind(enrollment.as_str())
    .fetch_one(&mut *connection)
    .await
    .map_err(CatalogError::database("look up imports"))?;
    if let Some(version) = charges {
        return Ok(Some(format!("charges of revision {version}")));
    }
    let balance: Option<i64> = sqlx::query_scalar("SELECT MAX(id) FROM balances WHERE enrollment = ?")
        .bind(enrollment.as_str())
        .fetch_one(&mut *connection)
        .await
        .map_err(CatalogError::database("look up balance summaries"))?;
    if let Some(id) = balance {
        return Ok(Some(format!("balance summary b{id}")));
    }
    let sheet: Option<(String, i64)> =
        sqlx::query_as("SELECT kind, MAX(id) FROM sheets WHERE enrollment = ? HAVING MAX(id) IS NOT NULL")
            .bind(enrollment.as_str())
            .fetch_optional(connection)
            .await
            .map_err(CatalogError::database("look up sheets"))?;
    Ok(sheet.map(|(kind, id)| format!("{kind} of revision s{id}")))
}

async fn state(connection: &mut SqliteConnection, enrollment: &EnrollmentId) -> Result<NativeState, CatalogError> {
    let doing = || CatalogError::database("look up a native enrollment");
    let last: Option<i64> = sqlx::query_scalar("SELECT MAX(id) FROM native_inputs WHERE enrollment = ?")
        .bind(enrollment.as_str())
        .fetch_one(&mut *connection)
        .await
        .map_err(doing())?;
    let through: Option<Option<String>> =
        sqlx::query_scalar("SELECT through FROM native_boundaries WHERE enrollment = ? ORDER BY version DESC LIMIT 1")
            .bind(enrollment.as_str())
            .fetch_optional(connection)
            .await
            .map_err(doing())?;
    let parse = |text: String| {
        BillingPeriod::parse(&text).map_err(|_| CatalogError::Foreign { what: "a billing period", value: text })
    };
    let closed_through = through.flatten().map(parse).transpose()?;
    Ok(NativeState { last_input: last.unwrap_or_default(), closed_through })
}

impl InputKind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Enrollment => "enrollment",
            Self::Order => "order",
            Self::PriceSheet => "priceSheet",
        }
    }
}

fn input(row: &SqliteRow) -> Result<NativeInput, CatalogError> {
    let kind: String = row.get(1);
    let known = [InputKind::Enrollment, InputKind::Order, InputKind::PriceSheet];
    let kind = known.into_iter().find(|known| known.as_str() == kind);
    Ok(NativeInput {
        id: row.get(0),
        kind: kind.ok_or_else(|| CatalogError::Foreign { what: "a kind of input", value: row.get(1) })?,
        name: row.get(2),
        document: row.get(3),
        content: row.get(4),
        received_at: row.get(5),
    })
}
