//! Answers that are remembered while nothing changes: a server asks the same few questions for every request, and the way to
//! the database takes longer than its answer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ledger::Hierarchy;
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use crate::enrollments::Enrollment;
use crate::keys::KeyEntry;
use crate::policies::Policies;
use crate::{Catalog, CatalogError};

/// Most answers of a kind; an enrollment can be asked for in any capitals.
const ANSWERS_MAX: usize = 10_000;

/// What a catalog remembers.
#[derive(Debug)]
pub(crate) struct Memory {
    /// Tells whether any other connection, of this or another process, committed something. It writes nothing itself.
    observer: tokio::sync::Mutex<Option<SqliteConnection>>,
    known: Mutex<Known>,
}

/// Answers, by what was asked. Only what was found is among them, so strangers cannot fill it.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// The observer's number of the state that the answers belong to.
    version: i64,
    pub(crate) keys_by_hash: HashMap<String, KeyEntry>,
    pub(crate) enrollments: HashMap<String, Enrollment>,
    pub(crate) hierarchies: HashMap<String, Arc<Hierarchy>>,
    pub(crate) policies: HashMap<String, Policies>,
}

impl Memory {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) async fn close(&self) {
        if let Some(observer) = self.observer.lock().await.take() {
            // It holds nothing that could be lost.
            _ = observer.close().await;
        }
    }
}

impl Catalog {
    /// The same catalog with a memory, for a server: who was accepted and what that lets them read is asked of the database
    /// again only after something was committed. [`Self::look`] finds that out, and is to be called when a request begins.
    pub async fn remembering(&self) -> Result<Self, CatalogError> {
        let doing = || CatalogError::database("watch the database");
        let options = self.pool.connect_options();
        let mut observer = options.connect().await.map_err(doing())?;
        let version = version(&mut observer).await?;
        let known = Mutex::new(Known { version, ..Known::default() });
        let memory = Memory { observer: tokio::sync::Mutex::new(Some(observer)), known };
        Ok(Self { memory: Some(Arc::new(memory)), ..self.clone() })
    }

    /// Forgets all answers if anything was committed since it was called last.
    pub async fn look(&self) -> Result<(), CatalogError> {
        let Some(memory) = &self.memory else { return Ok(()) };
        let mut observer = memory.observer.lock().await;
        let Some(observer) = observer.as_mut() else { return Ok(()) };
        let version = version(observer).await?;
        let mut known = memory.known();
        if known.version != version {
            *known = Known { version, ..Known::default() };
        }
        Ok(())
    }

    /// The answer to a question, remembered if it is found.
    pub(crate) async fn remembered<T: Clone>(
        &self,
        answers: impl Fn(&mut Known) -> &mut HashMap<String, T>,
        question: &str,
        ask: impl Future<Output = Result<Option<T>, CatalogError>>,
    ) -> Result<Option<T>, CatalogError> {
        let Some(memory) = &self.memory else { return ask.await };
        let version = {
            let mut known = memory.known();
            if let Some(answer) = answers(&mut known).get(question) {
                return Ok(Some(answer.clone()));
            }
            known.version
        };
        let answer = ask.await?;
        let mut known = memory.known();
        // What was asked before a change that others have seen since then must not outlive it.
        if let Some(answer) = answer.as_ref().filter(|_| known.version == version) {
            let answers = answers(&mut known);
            if answers.len() >= ANSWERS_MAX {
                answers.clear();
            }
            answers.insert(question.to_owned(), answer.clone());
        }
        Ok(answer)
    }
}

async fn version(observer: &mut SqliteConnection) -> Result<i64, CatalogError> {
    let version = sqlx::query_scalar("PRAGMA data_version").fetch_one(observer).await;
    version.map_err(CatalogError::database("watch the database"))
}

#[cfg(test)]
mod tests {
    use ledger::EnrollmentId;

    use super::*;
    use crate::audit::AuditEntry;

    fn audit() -> AuditEntry {
        AuditEntry {
            at_ms: 0,
            actor: "tester".to_owned(),
            action: "enrollment.set".to_owned(),
            enrollment: None,
            target: String::new(),
            detail: String::new(),
            times: 1,
        }
    }

    #[tokio::test]
    async fn an_answer_is_remembered_until_somebody_commits() {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(folder.path()).await.unwrap();
        let elsewhere = Catalog::open(folder.path()).await.unwrap();
        let server = catalog.remembering().await.unwrap();
        let number = EnrollmentId::parse("8611537").unwrap();
        let shown = |shown| move |own: &mut Policies| own.da_view_charges = shown;

        assert!(!server.policies(&number).await.unwrap().da_view_charges);
        // A change by the same process and one by another are both seen, but not before anybody looks.
        for (changer, value) in [(&catalog, true), (&elsewhere, false), (&server, true)] {
            changer.change_policies(&number, shown(value), &audit()).await.unwrap();
            assert_eq!(server.policies(&number).await.unwrap().da_view_charges, !value);
            server.look().await.unwrap();
            assert_eq!(server.policies(&number).await.unwrap().da_view_charges, value);
            assert_eq!(catalog.policies(&number).await.unwrap().da_view_charges, value);
        }
        server.close().await;
        server.look().await.unwrap();
    }

    #[tokio::test]
    async fn an_answer_from_before_a_change_does_not_outlive_it() {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(folder.path()).await.unwrap();
        let server = catalog.remembering().await.unwrap();
        let number = EnrollmentId::parse("8611537").unwrap();
        let old = Policies::default();
        let slow = async {
            catalog.change_policies(&number, |own| own.price_hidden = true, &audit()).await?;
            server.look().await?;
            Ok(Some(old))
        };
        let answer = server.remembered(|known| &mut known.policies, number.as_str(), slow).await;
        assert_eq!(answer.unwrap(), Some(old));
        assert!(server.policies(&number).await.unwrap().price_hidden);
    }

    #[tokio::test]
    async fn what_is_not_there_is_not_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let server = Catalog::open(folder.path()).await.unwrap().remembering().await.unwrap();
        assert_eq!(server.enrollment("1").await.unwrap(), None);
        assert_eq!(server.key_by_hash("00").await.unwrap(), None);
        let memory = server.memory.as_ref().unwrap();
        assert!(memory.known().enrollments.is_empty() && memory.known().keys_by_hash.is_empty());
    }
}
