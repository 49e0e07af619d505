//! Who asks: the holder of an accepted credential and the roles that come with it.

use catalog::{AssignmentEntry, CatalogError, KeyEntry};
use ledger::{EnrollmentId, Scope};

use crate::role::Role;

/// A role on a scope of an enrollment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    pub(crate) enrollment: EnrollmentId,
    pub(crate) scope: Scope,
    pub(crate) role: Role,
}

impl Assignment {
    /// The enrollment.
    pub fn enrollment(&self) -> &EnrollmentId {
        &self.enrollment
    }
}

/// Someone whose credential was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    id: String,
    assignments: Vec<Assignment>,
}

impl Caller {
    /// The caller of a key: one role on one scope.
    pub(crate) fn of_key(entry: KeyEntry) -> Result<Self, CatalogError> {
        let assignment = assignment(entry.enrollment, entry.scope, &entry.role)?;
        Ok(Self { id: entry.id, assignments: vec![assignment] })
    }

    /// The caller of a token: the roles that its subject and groups were granted.
    pub(crate) fn of_subject(subject: String, granted: Vec<AssignmentEntry>) -> Result<Self, CatalogError> {
        let assignments = granted.into_iter().map(|entry| assignment(entry.enrollment, entry.scope, &entry.role));
        Ok(Self { id: subject, assignments: assignments.collect::<Result<_, _>>()? })
    }

    /// Whoever can read the data folder itself: its files are no secret to them, so they read each enrollment as a whole.
    pub fn of_folder(enrollments: impl IntoIterator<Item = EnrollmentId>) -> Self {
        let all = |enrollment: EnrollmentId| Assignment {
            scope: Scope::BillingAccount(enrollment.clone()),
            enrollment,
            role: Role::EnterpriseReader,
        };
        Self { id: "the owner of the data folder".to_owned(), assignments: enrollments.into_iter().map(all).collect() }
    }

    /// Public id of the key, or the subject of the token: for logs and refusals.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The roles.
    pub fn assignments(&self) -> &[Assignment] {
        &self.assignments
    }

    /// The enrollments on which there is any role, each once.
    pub fn enrollments(&self) -> Vec<EnrollmentId> {
        let mut found: Vec<EnrollmentId> = Vec::new();
        for one in &self.assignments {
            if !found.contains(&one.enrollment) {
                found.push(one.enrollment.clone());
            }
        }
        found
    }
}

fn assignment(enrollment: EnrollmentId, scope: Scope, role: &str) -> Result<Assignment, CatalogError> {
    let foreign = |_| CatalogError::Foreign { what: "a role", value: role.to_owned() };
    let parsed: Role = role.parse().map_err(foreign)?;
    parsed.check(&scope).map_err(foreign)?;
    Ok(Assignment { enrollment, scope, role: parsed })
}
