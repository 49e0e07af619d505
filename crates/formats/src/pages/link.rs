//! What a page says about its place in a walk through an answer of several pages.

use ledger::{Dataset, Publishers};
use percent_encoding::percent_decode_str;

use crate::error::PageList;

/// Query parameters that are equal on all pages of one walk. Others (`$skiptoken`, `sessiontoken`, …) are the page's.
const PARAMETERS_OF_WALK: [&str; 6] = ["metric", "$filter", "starttime", "endtime", "startdate", "enddate"];

/// The place of a page in its walk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Where the next page was to be had; `None` on the last one.
    pub next: Option<NextLink>,
    /// The list of its items.
    pub list: PageList,
    /// Whether pages of this form can hold either dataset; the older forms hold actual cost.
    pub has_metric: bool,
    /// Whose sales the page tells of.
    pub publishers: Publishers,
}

/// The address of a next page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextLink {
    url: String,
}

impl NextLink {
    pub(crate) fn new(url: String) -> Self {
        Self { url }
    }

    /// The address as it was received.
    pub fn as_str(&self) -> &str {
        &self.url
    }

    /// The dataset that the walk asks for, if the address says it. `metric=usage` names none.
    pub fn dataset(&self) -> Option<Dataset> {
        let metric = self.parameters().find(|(name, _)| name == "metric")?.1;
        metric.parse().ok()
    }

    /// A text that pages of one walk share: the path, and what was asked for. Two walks can share it too.
    pub fn walk(&self) -> String {
        let path = self.url.split(['?', '#']).next().unwrap_or_default().to_lowercase();
        let mut asked: Vec<String> = self
            .parameters()
            .filter(|(name, _)| PARAMETERS_OF_WALK.contains(&name.as_str()))
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        asked.sort_unstable();
        format!("{path}?{}", asked.join("&"))
    }

    /// Names in lower case, values decoded.
    fn parameters(&self) -> impl Iterator<Item = (String, String)> {
        let query = self.url.split_once('?').map_or("", |(_, query)| query);
        query.split('&').map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(name).to_lowercase(), decoded(value))
        })
    }
}

fn decoded(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(url: &str) -> NextLink {
        NextLink::new(url.to_owned())
    }

    #[test]
    fn the_metric_is_found_in_every_spelling() {
        let cases = [
            ("https://h/p?api-version=2019-10-01&metric=ActualCost&$skiptoken=1", Some(Dataset::ActualCost)),
            ("https://h/p?Metric=amortizedcost", Some(Dataset::AmortizedCost)),
            ("https://h/p?metric=usage", None),
            ("https://h/p?x=metric", None),
            ("", None),
            ("%%%?&&=&%ff=%", None),
        ];
        for (url, dataset) in cases {
            assert_eq!(link(url).dataset(), dataset, "{url}");
        }
    }

    #[test]
    fn pages_of_one_walk_share_a_key_and_other_questions_do_not() {
        let first =
            link("https://h/P?$filter=properties/usageEnd ge '2017-10-02'&$top=5&$skiptoken=AA&sessiontoken=1:2");
        let second = link("https://h/p?%24filter=properties%2FusageEnd+ge+%272017-10-02%27&$top=5&$skiptoken=BB");
        assert_eq!(first.walk(), second.walk());
        assert_ne!(first.walk(), link("https://h/p?$top=5&$skiptoken=AA").walk());
        assert_ne!(first.walk(), link("https://h/q").walk());
    }
}
