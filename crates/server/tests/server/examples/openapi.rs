//! OpenAPI files (Swagger 2.0) of the versions: operations by example, and the paths that examples ask for.

use std::path::PathBuf;

use serde_json::Value;

use super::digits::Json;

/// The OpenAPI file of a version.
pub(super) struct OpenApi {
    pub(super) version: String,
    pub(super) document: Value,
}

/// An operation that examples are given for.
pub(super) struct Operation<'a> {
    pub(super) method: &'a str,
    /// With parameters in braces.
    pub(super) path: &'a str,
    pub(super) details: &'a Value,
}

pub(super) fn data() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/consumption")
}

/// Names in a folder of the data, in order.
pub(super) fn names(folder: &str) -> Vec<String> {
    let entries = std::fs::read_dir(data().join(folder)).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

impl OpenApi {
    pub(super) fn load(version: &str) -> Self {
        let text = std::fs::read_to_string(data().join(format!("openapi/{version}/consumption.json"))).unwrap();
        let document: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(document["info"]["version"], version);
        Self { version: version.to_owned(), document }
    }

    /// All versions that there is a file of.
    pub(super) fn all() -> Vec<Self> {
        names("openapi").iter().map(|version| Self::load(version)).collect()
    }

    /// The operations on usage details and balances.
    pub(super) fn operations(&self) -> Vec<Operation<'_>> {
        let mut found = Vec::new();
        for (path, methods) in self.document["paths"].as_object().unwrap() {
            let ours = ["/usageDetails", "/usageDetails/download", "/balances"];
            if !ours.iter().any(|end| path.ends_with(&format!("Microsoft.Consumption{end}"))) {
                continue;
            }
            for (method, details) in methods.as_object().unwrap() {
                found.push(Operation { method, path, details });
            }
        }
        found
    }

    /// The operation that reads at the path with this end, if the version has it.
    pub(super) fn operation_at(&self, end: &str) -> Option<Operation<'_>> {
        let paths = self.document["paths"].as_object().unwrap();
        let (path, methods) = paths.iter().find(|(path, _)| path.ends_with(end))?;
        Some(Operation { method: "get", path, details: &methods["get"] })
    }

    /// What a value refers to, or the value.
    pub(super) fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        let Some(reference) = value.get("$ref").and_then(Value::as_str) else { return value };
        let pointer = reference.strip_prefix('#').unwrap_or_else(|| panic!("{reference} is in another file"));
        self.document.pointer(pointer).unwrap_or_else(|| panic!("{reference} is nowhere"))
    }

    /// The parameters of an operation: where they stand, and their names.
    pub(super) fn parameters<'a>(&'a self, operation: &Operation<'a>) -> Vec<(&'a str, &'a str)> {
        let listed = operation.details["parameters"].as_array().unwrap();
        let one = |value: &'a Value| {
            let parameter = self.resolve(value);
            (parameter["in"].as_str().unwrap(), parameter["name"].as_str().unwrap())
        };
        listed.iter().map(one).collect()
    }
}

impl<'a> Operation<'a> {
    /// Names of the files of its examples.
    pub(super) fn examples(&self) -> Vec<&'a str> {
        let listed = self.details["x-ms-examples"].as_object().into_iter().flatten();
        listed.map(|(_, example)| example["$ref"].as_str().unwrap().rsplit('/').next().unwrap()).collect()
    }

    /// Whether all of the scope is one parameter.
    pub(super) fn is_of_any_scope(&self) -> bool {
        self.path.starts_with("/{scope}/")
    }

    /// The path with an example's parameters in the place of the braces, and, of an operation of any scope, with a
    /// billing period after the scope.
    pub(super) fn path_of(&self, parameters: &Json, period: Option<&str>) -> String {
        let mut path = String::new();
        let mut rest = self.path;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').unwrap();
            path.push_str(before);
            match name {
                "scope" => path.push_str(&scope_of(parameters)),
                name => path.push_str(parameters.at(&[name]).text()),
            }
            if let Some(period) = period.filter(|_| name == "scope") {
                path.push_str("/providers/Microsoft.Billing/billingPeriods/");
                path.push_str(period);
            }
            rest = after;
        }
        path + rest
    }
}

/// The scope that an example names, be it by an id of the versions that had a route for each scope.
fn scope_of(parameters: &Json) -> String {
    let scopes = [
        ("scope", ""),
        ("subscriptionId", "subscriptions/"),
        ("billingAccountId", "providers/Microsoft.Billing/BillingAccounts/"),
        ("departmentId", "providers/Microsoft.Billing/Departments/"),
        ("enrollmentAccountId", "providers/Microsoft.Billing/EnrollmentAccounts/"),
    ];
    let named = scopes.iter().find_map(|(name, before)| Some(format!("{before}{}", parameters.get(name)?.text())));
    named.unwrap_or_else(|| panic!("no scope in {parameters}"))
}
