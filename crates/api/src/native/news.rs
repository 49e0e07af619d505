//! Which enrollments have new usage since they were billed last: told by requests, heard by whoever bills.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ledger::EnrollmentId;
use tokio::sync::Notify;

/// Enrollments with new usage. Clones share them. A restart forgets them: a server bills everything when it starts.
#[derive(Debug, Clone, Default)]
pub struct UsageNews(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<BTreeSet<EnrollmentId>>,
    told: Notify,
}

impl UsageNews {
    /// Says that an enrollment has new usage.
    pub fn tell(&self, enrollment: EnrollmentId) {
        self.waiting().insert(enrollment);
        self.0.told.notify_one();
    }

    /// Waits for news, then for `pause`, in which more of them may come; gives all of them together. Nothing is lost when
    /// it is cut short.
    pub async fn hear(&self, pause: Duration) -> BTreeSet<EnrollmentId> {
        loop {
            if !self.waiting().is_empty() {
                tokio::time::sleep(pause).await;
                return std::mem::take(&mut *self.waiting());
            }
            self.0.told.notified().await;
        }
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, BTreeSet<EnrollmentId>> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn news_are_heard_together_and_once() {
        let number = |text: &str| EnrollmentId::parse(text).unwrap();
        let news = UsageNews::default();
        let heard = tokio::spawn({
            let news = news.clone();
            async move { news.hear(Duration::ZERO).await }
        });
        tokio::task::yield_now().await;
        news.tell(number("1"));
        assert_eq!(heard.await.unwrap(), BTreeSet::from([number("1")]));
        for text in ["2", "1", "2"] {
            news.tell(number(text));
        }
        assert_eq!(news.hear(Duration::ZERO).await, BTreeSet::from([number("1"), number("2")]));
        let nothing = tokio::time::timeout(Duration::from_millis(5), news.hear(Duration::ZERO)).await;
        assert!(nothing.is_err());
    }
}
