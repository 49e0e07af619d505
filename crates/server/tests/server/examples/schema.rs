//! Response schemas of OpenAPI files as JSON Schema (draft 4), strict: a member that the schema does not name is a fault.
//!
//! Swagger 2.0 says less than JSON Schema can, and some things in its own way. References are put in their place, `allOf`
//! becomes one object, a discriminator becomes a choice of the types that name it, and `format: uuid` a pattern. A word
//! that is not known here fails the test instead of being passed over.

use serde_json::{Map, Value, json};

use super::openapi::{OpenApi, Operation};

/// Members that may be `null`, which OpenAPI 2.0 cannot say.
const NULLABLE: [&str; 2] = [
    // So it is in the official examples where it is not expanded.
    "meterDetails",
    // So it is in recorded answers of rows without tags.
    "tags",
];
/// Values that the service has beside those of the OpenAPI files, which say that theirs are not all (`modelAsString`).
pub(super) const LIVE: [(&str, &[&str]); 1] = [("pricingModel", &["OnDemand", "SavingsPlan"])];
/// Words that say nothing about the value.
const ANNOTATIONS: [&str; 5] = ["description", "title", "readOnly", "format", "discriminator"];
const UUID: &str = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$";

/// The strict schema of an operation's answer; `None` for one without body.
pub(super) fn answer(api: &OpenApi, operation: &Operation<'_>, status: u16) -> Option<Value> {
    let responses = &operation.details["responses"];
    let response = responses.get(status.to_string()).unwrap_or_else(|| panic!("no {status} among {responses}"));
    Some(strict(api, response.get("schema")?))
}

/// What is wrong with a text by a schema.
pub(super) fn faults(schema: &Value, text: &str) -> Vec<String> {
    let body: Value = serde_json::from_str(text).unwrap();
    let config = jsonschema_valid::Config::from_schema(schema, Some(jsonschema_valid::schemas::Draft::Draft4)).unwrap();
    config.validate_schema().unwrap_or_else(|_| panic!("not a schema: {schema}"));
    let place = |path: Vec<String>| path.into_iter().rev().collect::<Vec<_>>().join("/");
    let faults = config.validate(&body).err().into_iter().flatten();
    faults
        .map(|fault| format!("{}: {} ({})", place(fault.instance_path), fault.msg, place(fault.schema_path)))
        .collect()
}

/// The schema of a member of rows, or of the one resource.
pub(super) fn row(schema: &Value) -> &Value {
    let row = schema.pointer("/properties/value/items").unwrap_or(schema);
    // Of the kinds, that of enrollments.
    row.get("anyOf").map_or(row, |kinds| {
        let of_enrollments = |kind: &&Value| kind["properties"]["kind"]["enum"] == json!(["legacy"]);
        kinds.as_array().unwrap().iter().find(of_enrollments).unwrap()
    })
}

fn strict(api: &OpenApi, schema: &Value) -> Value {
    let schema = api.resolve(schema);
    if let Some(member) = schema.get("discriminator").and_then(Value::as_str) {
        return json!({ "anyOf": kinds(api, schema, member) });
    }
    whole(api, schema)
}

/// The types that name a discriminating one as their base, each with its own value of the discriminator.
fn kinds(api: &OpenApi, base: &Value, member: &str) -> Vec<Value> {
    let definitions = api.document["definitions"].as_object().unwrap();
    let is_kind = |own: &&Value| {
        let bases = own["allOf"].as_array().into_iter().flatten();
        bases.into_iter().any(|one| std::ptr::eq(api.resolve(one), base))
    };
    let one = |own: &Value| {
        let mut kind = whole(api, own);
        kind["properties"][member]["enum"] = json!([own["x-ms-discriminator-value"].as_str().unwrap()]);
        kind
    };
    let kinds: Vec<Value> = definitions.values().filter(is_kind).map(one).collect();
    assert!(!kinds.is_empty(), "no kind of {base}");
    kinds
}

/// A schema that chooses nothing.
fn whole(api: &OpenApi, schema: &Value) -> Value {
    let mut made = Map::new();
    for (word, value) in schema.as_object().unwrap() {
        match word.as_str() {
            "properties" | "allOf" | "required" | "additionalProperties" => {}
            "type" | "enum" => {
                made.insert(word.clone(), value.clone());
            }
            "items" => {
                made.insert(word.clone(), strict(api, value));
            }
            word => assert!(ANNOTATIONS.contains(&word) || word.starts_with("x-ms-"), "{word} is not known: {schema}"),
        }
    }
    match schema.get("format").and_then(Value::as_str) {
        None | Some("decimal" | "int32") => {}
        Some("date-time") => drop(made.insert("format".into(), json!("date-time"))),
        Some("uuid") => drop(made.insert("pattern".into(), json!(UUID))),
        Some(format) => panic!("the format {format} is not known"),
    }
    let (properties, required) = members(api, schema);
    if !properties.is_empty() {
        made.insert("type".into(), json!("object"));
        made.insert("properties".into(), Value::Object(properties));
        if !required.is_empty() {
            made.insert("required".into(), json!(required));
        }
    }
    if made.get("type") == Some(&json!("object")) {
        let others = schema.get("additionalProperties").map(|others| strict(api, others));
        made.insert("additionalProperties".into(), others.unwrap_or(json!(false)));
    }
    assert!(made.contains_key("type"), "a schema without type: {schema}");
    Value::Object(made)
}

/// The members of an object with those of its bases, and which of them must be there.
fn members(api: &OpenApi, schema: &Value) -> (Map<String, Value>, Vec<Value>) {
    let (mut properties, mut required) = (Map::new(), Vec::new());
    for base in schema["allOf"].as_array().into_iter().flatten() {
        let (own, needed) = members(api, api.resolve(base));
        properties.extend(own);
        required.extend(needed);
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let mut property = strict(api, property);
        for (_, values) in LIVE.iter().filter(|(member, _)| member == name) {
            if let Some(known) = property["enum"].as_array_mut() {
                known.extend(values.iter().map(|value| json!(value)));
            }
        }
        if NULLABLE.contains(&name.as_str()) {
            property = json!({ "anyOf": [property, { "type": "null" }] });
        }
        properties.insert(name.clone(), property);
    }
    required.extend(schema["required"].as_array().into_iter().flatten().cloned());
    (properties, required)
}
