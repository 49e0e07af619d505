//! Parameters of queries and forms: names compare without case, each is given once.

use super::path::decode;
use super::{ApiError, excerpt};

/// Most parameters of a request.
const PARAMETERS_MAX: usize = 32;

/// The decoded parameters of a request. Cannot be printed: a form has secrets in it.
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads a query string.
    pub(crate) fn parse(raw: Option<&str>) -> Result<Self, ApiError> {
        Self::read("query", raw.unwrap_or_default())
    }

    /// Reads a form, which is spelled like a query.
    pub(crate) fn parse_form(body: &[u8]) -> Result<Self, ApiError> {
        let text = std::str::from_utf8(body)
            .map_err(|_| ApiError::BadRequest("The form of the request is not UTF-8.".to_owned()))?;
        Self::read("form", text.trim_end())
    }

    fn read(what: &str, text: &str) -> Result<Self, ApiError> {
        let mut parameters: Vec<(String, String)> = Vec::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (Some(name), Some(value)) = (decode_parameter(name), decode_parameter(value)) else {
                return Err(ApiError::BadRequest(format!("The {what} of the request is not percent-encoded UTF-8.")));
            };
            if parameters.iter().any(|(known, _)| known.eq_ignore_ascii_case(&name)) {
                let name = excerpt(&name);
                return Err(ApiError::BadRequest(format!("The {what} parameter '{name}' is given more than once.")));
            }
            if parameters.len() == PARAMETERS_MAX {
                return Err(ApiError::BadRequest(format!("The request has too many {what} parameters.")));
            }
            parameters.push((name, value));
        }
        Ok(Self(parameters))
    }

    /// A parameter's value.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// All parameters, as they were given.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Refuses parameters that are not among `known`: one that is misspelled would change the answer unnoticed.
    pub(crate) fn refuse_others(&self, known: &[&str]) -> Result<(), ApiError> {
        let is_known = |name: &String| known.iter().any(|known| known.eq_ignore_ascii_case(name));
        match self.0.iter().find(|(name, _)| !is_known(name)) {
            Some((name, _)) if known.is_empty() => Err(ApiError::BadRequest(format!(
                "The query parameter '{}' is unknown. There are no parameters here.",
                excerpt(name)
            ))),
            Some((name, _)) => Err(ApiError::BadRequest(format!(
                "The query parameter '{}' is unknown. The known parameters are '{}'.",
                excerpt(name),
                known.join(",")
            ))),
            None => Ok(()),
        }
    }
}

/// Undoes the encoding of a name or a value; `None` for what is not so encoded.
pub(crate) fn decode_parameter(text: &str) -> Option<String> {
    decode(&text.replace('+', " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_compare_without_case_and_values_are_decoded() {
        let query = Query::parse(Some("Api-Version=2022-10-01&a=b%20c+d&flag&")).unwrap();
        assert_eq!(query.get("api-version"), Some("2022-10-01"));
        assert_eq!((query.get("A"), query.get("flag"), query.get("b")), (Some("b c d"), Some(""), None));
        assert!(query.refuse_others(&["API-VERSION", "a", "flag"]).is_ok());
        assert!(query.refuse_others(&["api-version", "a"]).is_err());
    }

    #[test]
    fn twice_is_once_too_often() {
        for raw in ["a=1&a=1", "a=1&A=2", "%61=1&a=2", "a=%", &"a".repeat(40).replace('a', "a&")] {
            assert!(Query::parse(Some(raw)).is_err(), "{raw}");
        }
    }
}
