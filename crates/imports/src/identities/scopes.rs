//! In how many departments and accounts each row of a batch is shown (I-8).

use arrow::array::RecordBatch;
use lake::{LakeError, rows_of_selection};
use ledger::identities::ScopesOfRow;
use ledger::{EnrollmentId, Hierarchy, Scope, Selection};

/// Most departments and accounts that are looked at, together: each is asked about every batch.
const SCOPES_MAX: usize = 200;

/// The scopes of an enrollment, and what a row looks like that names one.
pub(super) struct Scopes {
    departments: Vec<Selection>,
    accounts: Vec<Selection>,
}

impl Scopes {
    /// All departments and accounts that are known; `None`: there are too many to look at.
    pub(super) fn of(hierarchy: &Hierarchy, enrollment: &EnrollmentId) -> Option<Self> {
        let select = |scope: Scope| hierarchy.select(&scope);
        let departments: Vec<Selection> = hierarchy
            .departments()
            .filter_map(|node| select(Scope::Department { enrollment: Some(enrollment.clone()), id: node.id.clone() }))
            .collect();
        let accounts: Vec<Selection> = hierarchy
            .accounts()
            .filter_map(|node| {
                select(Scope::EnrollmentAccount { enrollment: Some(enrollment.clone()), id: node.id.clone() })
            })
            .collect();
        (departments.len() + accounts.len() <= SCOPES_MAX).then_some(Self { departments, accounts })
    }

    /// The scopes of each row of a batch that has the columns of places and dates.
    pub(super) fn of_rows(&self, batch: &RecordBatch, named: &[(bool, bool)]) -> Result<Vec<ScopesOfRow>, LakeError> {
        let mut scopes: Vec<ScopesOfRow> = named
            .iter()
            .map(|(names_department, names_account)| ScopesOfRow {
                names_department: *names_department,
                names_account: *names_account,
                ..ScopesOfRow::default()
            })
            .collect();
        for selection in &self.departments {
            for (scope, shown) in scopes.iter_mut().zip(rows_of_selection(selection, batch)?) {
                scope.departments += u32::from(shown);
            }
        }
        for selection in &self.accounts {
            for (scope, shown) in scopes.iter_mut().zip(rows_of_selection(selection, batch)?) {
                scope.accounts += u32::from(shown);
            }
        }
        Ok(scopes)
    }
}
