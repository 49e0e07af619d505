//! Who may read what: the table beside this file, row by row, and what a cut report holds.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use access::{KeyHolder, Role, issue_key, revoke_key, rotate_key};
use billing::{ApplyOptions, DocumentFill, apply};
use calendar::{BillingPeriod, Date};
use catalog::{AssignmentEntry, AuditEntry, Policies, Principal};
use imports::{ImportOptions, NoProgress, Store};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use ledger::billing::Instant;
use ledger::{AccountName, Dataset, EnrollmentId, IdOrigin, NameKind, Scope};
use reqwest::{Method, RequestBuilder, StatusCode};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::json;

use crate::world::*;

const TABLE: &str = include_str!("permissions.txt");
/// Rows of the table: none may get lost on the way.
const ROWS: usize = 205;
const BALANCE_ROWS: usize = 34;
const NATIVE_ROWS: usize = 36;
const HELD_ROWS: usize = 36;
/// Begins the rows about balances, which have columns of their own.
const BALANCES: &str = "== balances ==";
/// Begins the rows about the paths of native billing.
const NATIVE: &str = "== native ==";
/// Begins the rows about what is held.
const HELD: &str = "== held ==";

const ENROLLMENTS: [&str; 2] = ["100", "200"];
/// The enrollment that is billed here, in lands that have it.
const BILLED: &str = "500";
/// Begin of the paths of the Enterprise Reporting API.
const REPORTING: &str = "v3/enrollments";
/// The subscriptions of the table. M moved from one enrollment to the other.
const SUBSCRIPTIONS: [(&str, &str); 8] = [
    ("A", "aaaaaaaa-0000-4000-8000-000000000000"),
    ("B", "bbbbbbbb-0000-4000-8000-000000000000"),
    ("C", "cccccccc-0000-4000-8000-000000000000"),
    ("D", "dddddddd-0000-4000-8000-000000000000"),
    ("E", "eeeeeeee-0000-4000-8000-000000000000"),
    ("M", "abababab-0000-4000-8000-000000000000"),
    ("N", "acacacac-0000-4000-8000-000000000000"),
    ("X", "ffffffff-0000-4000-8000-000000000000"),
];
/// Cells of the rows: enrollment, department id and name, account id, name and owner, subscription, cost, charge type.
const CHARGES: &str = "
    100 | 7  | Retail    | 71 | Shop     | a@x   | A | 1 | Usage
    100 | 7  | Retail    | 72 | Mall     | b@x   | B | 2 | Usage
    100 | 8  | Wholesale | 72 | Mall     | b@x   | B | 3 | Usage
    100 | 8  | Wholesale | 81 | Depot    | c@x   | C | 4 | Usage
    100 |    | ACM       |    | ACM Team | acm@x | D | 5 | Usage
    100 | 7  | Retail    | 71 | Shop     | a@x   | A | 6 | Purchase
    100 | 8  | Wholesale | 81 | Depot    | c@x   | M | 7 | Usage
    200 | 7  | Ocean     | 71 | Harbour  | o@x   | E | 8 | Usage
    200 | 20 | Sea       | 21 | Ship     | s@x   | M | 9 | Usage";

const ALL_ON: Policies = Policies { da_view_charges: true, ao_view_charges: true, price_hidden: false };

fn subscription(letter: &str) -> &'static str {
    SUBSCRIPTIONS.iter().find(|(known, _)| *known == letter).unwrap().1
}

fn enrollment(number: &str) -> EnrollmentId {
    EnrollmentId::parse(number).unwrap()
}

fn audit() -> AuditEntry {
    let text = || "test".to_owned();
    AuditEntry { at_ms: 0, actor: text(), action: text(), enrollment: None, target: text(), detail: text(), times: 1 }
}

/// A world with the two enrollments of the table in its store.
struct Land {
    world: World,
    issuer: Issuer,
    /// Counts the subjects of tokens: each caller is another one.
    subjects: AtomicUsize,
    /// Generated ids of the names that are called `acm`: department and account.
    acm: [String; 2],
    /// The enrollments whose policies are switched.
    switched: Vec<&'static str>,
}

impl Land {
    async fn new(workers: usize) -> Self {
        let issuer = Issuer::start().await;
        let world = World::start_configured(Some(&issuer.configuration()), |settings| {
            (settings.workers, settings.retry_after) = (Some(workers), Some(0));
        })
        .await;
        let store = Store::open(world.data()).await.unwrap();
        for number in ENROLLMENTS {
            let path = world.data().join(format!("{number}.csv"));
            std::fs::write(&path, export(number)).unwrap();
            let mut options = ImportOptions { paths: vec![path], ..ImportOptions::default() };
            options.fill.dataset = Some(Dataset::ActualCost);
            imports::import(&store, &options, &NoProgress).await.unwrap();
        }
        let mut acm = [String::new(), String::new()];
        for (place, kind, owner, name, id) in
            [(0, NameKind::Department, "", "ACM", "77"), (1, NameKind::Account, "acm@x", "ACM Team", "78")]
        {
            let name = AccountName::of(Some(owner), Some(name)).unwrap();
            let named = world.catalog.named_ids(&enrollment("100")).await.unwrap();
            let own = named.into_iter().find(|one| one.name == name && one.origin == IdOrigin::Generated);
            acm[place] = own.unwrap().id;
            assert!(world.catalog.map_name(&enrollment("100"), kind, &name, Some(id), &audit()).await.unwrap());
        }
        Self { world, issuer, subjects: AtomicUsize::new(0), acm, switched: ENROLLMENTS.to_vec() }
    }

    /// A land with the enrollment that is billed here.
    async fn with_billed() -> Self {
        let mut land = Self::new(0).await;
        let document = json!({
            "kind": "enrollment", "number": BILLED, "name": "Contoso", "currency": "USD",
            "start": BillingPeriod::of(today()).to_string(), "departments": [{ "id": "5" }],
            "accounts": [{ "id": "51", "owner": "n@x", "department": [{ "id": "5" }] }],
            "subscriptions": [{ "id": subscription("N"), "account": [{ "id": "51" }] }],
        });
        let path = land.world.data().join("enrollment.json");
        std::fs::write(&path, document.to_string()).unwrap();
        let options = ApplyOptions {
            received_at: Instant(now_ms() * 1000),
            fill: DocumentFill::default(),
            actor: "test".into(),
            dry_run: false,
            reopen: None,
        };
        apply(&Store::open(land.world.data()).await.unwrap(), &[path], &options).await.unwrap();
        land.switched.push(BILLED);
        land
    }

    /// A scope as a request writes it: `100`, `dep/7`, `100/dep/acm`, `sub/A`, `sub/A/rg`, `ea/100`.
    fn scope(&self, short: &str) -> String {
        let parts: Vec<&str> = short.split('/').collect();
        let billing = "providers/Microsoft.Billing";
        let inside = |kind: &str, id: &str| match (kind, id) {
            ("dep", "acm") => format!("departments/{}", self.acm[0]),
            ("acc", "acm") => format!("enrollmentAccounts/{}", self.acm[1]),
            ("dep", id) => format!("departments/{id}"),
            ("acc", id) => format!("enrollmentAccounts/{id}"),
            _ => panic!("{short}"),
        };
        match parts.as_slice() {
            ["ea", number] => format!("{REPORTING}/{number}"),
            ["sub", letter] => format!("subscriptions/{}", subscription(letter)),
            ["sub", letter, group] => format!("subscriptions/{}/resourceGroups/{group}", subscription(letter)),
            [number] => format!("{billing}/billingAccounts/{number}"),
            [number, kind, id] => format!("{billing}/billingAccounts/{number}/{}", inside(kind, id)),
            [kind, id] => format!("{billing}/{}", inside(kind, id)),
            _ => panic!("{short}"),
        }
    }

    /// `ROLE of SCOPE`, several joined by `+`.
    fn holders(&self, text: &str) -> Vec<KeyHolder> {
        text.split(" + ").map(|one| self.holder(one)).collect()
    }

    /// `ROLE of SCOPE`, the scope with its enrollment in front.
    fn holder(&self, text: &str) -> KeyHolder {
        let (role, scope) = text.split_once(" of ").unwrap();
        let (number, inner) = scope.split_once('/').unwrap_or((scope, scope));
        let scope = if inner.starts_with("sub") { self.scope(inner) } else { self.scope(scope) };
        let role: Role = role.parse().unwrap();
        KeyHolder { enrollment: enrollment(number), scope: Scope::parse(&scope).unwrap(), role }
    }

    async fn set_policies(&self, policies: Policies) {
        for number in &self.switched {
            self.world.catalog.change_policies(&enrollment(number), |own| *own = policies, &audit()).await.unwrap();
        }
    }

    /// A token of somebody who was granted these roles, by turns as a subject and as a member of a group.
    async fn token(&self, state: &str, holders: &[KeyHolder]) -> String {
        let subject = format!("subject {}", self.subjects.fetch_add(1, Ordering::Relaxed));
        let group = format!("group of {subject}");
        for (index, holder) in holders.iter().enumerate() {
            let entry = AssignmentEntry {
                id: format!("{subject} {index}"),
                issuer: self.issuer.url.clone(),
                principal: [Principal::Subject(subject.clone()), Principal::Group(group.clone())][index % 2].clone(),
                enrollment: holder.enrollment.clone(),
                scope: holder.scope.clone(),
                role: holder.role.to_string(),
                created_at_ms: 0,
            };
            assert!(self.world.catalog.add_assignment(&entry, &audit()).await.unwrap());
            if state == "ungranted" {
                assert!(self.world.catalog.remove_assignment(&entry.id, &audit()).await.unwrap());
            }
        }
        self.issuer.token(&subject, &group)
    }

    /// What a caller of the table sends, and the id of the key that is to be revoked afterwards, if it is one.
    async fn credential(&self, state: &str, holders: &[KeyHolder]) -> (Option<String>, Option<String>) {
        if ["token", "ungranted"].contains(&state) {
            return (Some(self.token(state, holders).await), None);
        }
        let [holder] = holders else { panic!("a key has one role") };
        let (key, id) = self.key(state, holder).await;
        (key, Some(id))
    }

    /// A key in one of the states of the table, and the id under which it is to be revoked afterwards.
    async fn key(&self, state: &str, holder: &KeyHolder) -> (Option<String>, String) {
        let catalog = &self.world.catalog;
        self.set_policies(ALL_ON).await;
        let made_at = if state == "expired" { 0 } else { now_ms() };
        let made = issue_key(catalog, holder, "test", made_at).await.unwrap();
        let (key, id) = (made.key.reveal().to_owned(), made.id);
        match state {
            "live" | "expired" => (Some(key), id),
            "revoked" => {
                revoke_key(catalog, &id, "test", now_ms()).await.unwrap();
                (Some(key), id)
            }
            "rotated" => (Some(key), rotate_key(catalog, &id, "test", now_ms()).await.unwrap().id),
            "successor" => {
                let next = rotate_key(catalog, &id, "test", now_ms()).await.unwrap();
                (Some(next.key.reveal().to_owned()), next.id)
            }
            "wrong" => (Some(format!("{key}x")), id),
            "none" => (None, id),
            other => panic!("{other}"),
        }
    }

    async fn create(&self, key: Option<&str>, scope: &str) -> Answer {
        if scope.starts_with(REPORTING) {
            return self.send(Method::POST, key, &format!("/{scope}/usagedetails/submit?billingPeriod=202309")).await;
        }
        self.send(Method::POST, key, &create_path(scope, VERSION)).await
    }

    async fn poll(&self, key: Option<&str>, scope: &str, operation: &str) -> Answer {
        if scope.starts_with(REPORTING) {
            return self.send(Method::GET, key, &format!("/{scope}/usagedetails/reports/{operation}")).await;
        }
        let path =
            format!("/{scope}/providers/Microsoft.CostManagement/costDetailsOperationResults/{operation}?{VERSION}");
        self.send(Method::GET, key, &path).await
    }

    async fn send(&self, method: Method, key: Option<&str>, path: &str) -> Answer {
        self.answer(key, self.world.ask(method, path)).await
    }

    async fn answer(&self, key: Option<&str>, request: RequestBuilder) -> Answer {
        let answer = match key {
            Some(key) => request.bearer_auth(key).send().await.unwrap(),
            None => request.send().await.unwrap(),
        };
        if answer.status() == StatusCode::ACCEPTED {
            let location = header(&answer, "location");
            let operation = location.rsplit('/').next().unwrap().split('?').next().unwrap().to_owned();
            return Answer { outcome: "202".to_owned(), operation };
        }
        if answer.status() == StatusCode::OK {
            let text = answer.text().await.unwrap();
            let id = serde_json::from_str::<serde_json::Value>(&text)
                .ok()
                .and_then(|body| body["id"].as_str().map(str::to_owned));
            return Answer { outcome: "200".to_owned(), operation: id.unwrap_or_default() };
        }
        let (status, code, message) = error_of(answer).await;
        let code = if code == status.to_string() { code_of(&message).to_owned() } else { code };
        Answer { outcome: format!("{status} {code}"), operation: String::new() }
    }

    /// What a caller gets who reads a balance or the billing periods, in the words of the table.
    async fn read(&self, key: Option<&str>, path: &str) -> String {
        let request = self.world.ask(Method::GET, path);
        let answer = match key {
            Some(key) => request.bearer_auth(key).send().await.unwrap(),
            None => request.send().await.unwrap(),
        };
        if answer.status() != StatusCode::OK {
            let (status, code, _) = error_of(answer).await;
            return if code == status.to_string() { code } else { format!("{status} {code}") };
        }
        let body: serde_json::Value = answer.json().await.unwrap();
        if let Some(periods) = body.as_array() {
            let has = |name: &str| periods.iter().any(|period| !period[name].is_null());
            let letters = [("balanceSummary", "B"), ("usageDetails", "U")]
                .map(|(name, letter)| if has(name) { letter } else { "" });
            return format!("200 {}", letters.concat());
        }
        let members = body.get("properties").unwrap_or(&body);
        // Amounts that are 0 are those of a hidden summary; the held ones end with 1.
        let hidden =
            members["endingBalance"] == 0 && members["utilized"] == 0 && members["adjustmentDetails"] == json!([]);
        let said = members.get("priceHidden").is_none_or(|said| *said == hidden);
        assert!(said && (hidden || members["endingBalance"] == 1), "{body}");
        if hidden { "200 hidden".to_owned() } else { "200".to_owned() }
    }

    /// The costs of a report at a scope, as the holder of a key gets it.
    async fn costs(&mut self, key: &str, scope: &str) -> Vec<u32> {
        key.clone_into(&mut self.world.key);
        let result = self.world.answered(scope, VERSION, r#"{"billingPeriod":"202309"}"#).await;
        assert_eq!(result["status"], "Completed", "{result}");
        let mut costs = Vec::new();
        for blob in result["manifest"]["blobs"].as_array().unwrap() {
            let text = self.world.client.get(blob["blobLink"].as_str().unwrap()).send().await.unwrap();
            let text = text.text().await.unwrap();
            let mut lines = text.trim_start_matches('\u{feff}').lines();
            let column = lines.next().unwrap().split(',').position(|name| name == "CostInBillingCurrency").unwrap();
            costs.extend(lines.map(|line| line.split(',').nth(column).unwrap().parse::<u32>().unwrap()));
        }
        costs.sort_unstable();
        costs
    }
}

/// The code that a message goes with.
fn code_of(message: &str) -> &'static str {
    let codes = [
        ("DA view charges", "DepartmentCostDisabled"),
        ("AO view charges", "AccountCostDisabled"),
        ("has not released its prices", "IndirectCostDisabled"),
        ("does not have authorization", "BillingAccessDenied"),
        ("could not be found", "NotFound"),
        ("is invalid", "InvalidAuthenticationToken"),
        ("has expired", "ExpiredAuthenticationToken"),
        ("is missing", "AuthenticationFailed"),
    ];
    let found = codes.iter().find(|(words, _)| message.contains(words));
    found.unwrap_or_else(|| panic!("{message}")).1
}

/// An OpenID Connect issuer on a port of its own, with one key.
struct Issuer {
    url: String,
    key: EncodingKey,
    folder: tempfile::TempDir,
}

impl Issuer {
    async fn start() -> Self {
        let pem = include_str!("../../../access/tests/data/ed25519.pem");
        let der = PrivateKeyDer::from_pem_slice(pem.as_bytes()).unwrap();
        let key = EncodingKey::from_ed_der(der.secret_der());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let discovery = json!({ "issuer": url, "jwks_uri": format!("{url}/keys") }).to_string();
        let keys = json!({ "keys": [{
            "kty": "OKP", "crv": "Ed25519", "use": "sig", "kid": "k", "x": "kEEtTOgyVkwIbrxOYwwovDjf11z3XQ6xuOT8xid6MHQ",
        }] });
        let answer = async move |uri: axum::http::Uri| {
            if uri.path() == "/keys" { keys.to_string() } else { discovery.clone() }
        };
        tokio::spawn(async move { axum::serve(listener, axum::Router::new().fallback(answer)).await });
        Self { url, key, folder: tempfile::tempdir().unwrap() }
    }

    /// A configuration file that names it.
    fn configuration(&self) -> PathBuf {
        let path = self.folder.path().join("lazurite.toml");
        std::fs::write(&path, format!("[[issuers]]\nissuer = \"{}\"\naudiences = [\"lazurite\"]\n", self.url)).unwrap();
        path
    }

    fn token(&self, subject: &str, group: &str) -> String {
        let header = Header { kid: Some("k".to_owned()), ..Header::new(Algorithm::EdDSA) };
        let now = now_ms() / 1000;
        let claims = json!({
            "iss": self.url, "aud": "lazurite", "sub": subject, "groups": [group], "nbf": now, "iat": now, "exp": now + 3600,
        });
        encode(&header, &claims, &self.key).unwrap()
    }
}

struct Answer {
    outcome: String,
    operation: String,
}

fn export(number: &str) -> String {
    let mut text = "BillingAccountId,BillingPeriodStartDate,InvoiceSectionId,InvoiceSectionName,AccountId,AccountName,\
                    AccountOwnerId,SubscriptionId,Date,MeterId,Quantity,EffectivePrice,CostInBillingCurrency,\
                    BillingCurrencyCode,ChargeType,PricingModel\n"
        .to_owned();
    for line in CHARGES.trim().lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [own, department, section, account, name, owner, letter, cost, charge] = cells.as_slice() else { panic!() };
        if *own == number {
            let subscription = subscription(letter);
            text.push_str(&format!(
                "{number},09/01/2023,{department},{section},{account},{name},{owner},{subscription},09/05/2023,m,1,{cost},\
                 {cost},USD,{charge},OnDemand\n"
            ));
        }
    }
    text
}

fn policies(text: &str) -> Policies {
    let words: Vec<&str> = text.split_whitespace().collect();
    assert!(words.iter().all(|word| ["DA", "AO", "hidden", "--"].contains(word)), "{text}");
    let has = |word| words.contains(&word);
    Policies { da_view_charges: has("DA"), ao_view_charges: has("AO"), price_hidden: has("hidden") }
}

fn rows() -> Vec<[&'static str; 6]> {
    cells(TABLE.split_once(BALANCES).unwrap().0)
}

fn balance_rows() -> Vec<[&'static str; 7]> {
    cells(TABLE.split_once(BALANCES).unwrap().1.split_once(NATIVE).unwrap().0)
}

fn native_rows() -> Vec<[&'static str; 6]> {
    cells(TABLE.split_once(NATIVE).unwrap().1.split_once(HELD).unwrap().0)
}

fn held_rows() -> Vec<[&'static str; 5]> {
    cells(TABLE.split_once(HELD).unwrap().1)
}

fn today() -> Date {
    Instant(now_ms() * 1000).date().unwrap()
}

fn cells<const COLUMNS: usize>(table: &'static str) -> Vec<[&'static str; COLUMNS]> {
    let lines = table.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    lines.map(|line| line.split('|').map(str::trim).collect::<Vec<_>>().try_into().unwrap()).collect()
}

/// The other ways to the charges of a scope, with what each answers to whom `create` is the outcome of a report.
fn other_ways<'a>(scope: &str, create: &'a str) -> Vec<(Method, String, &'a str)> {
    if let Some(number) = scope.strip_prefix(REPORTING) {
        let ways = [
            format!("/{scope}/billingPeriods/202309/usagedetails"),
            format!("/{scope}/usagedetails/download?billingPeriod=202309"),
            format!("/rest{number}/usage-report?month=2023-09&type=detail"),
        ];
        return ways.map(|way| (Method::GET, way, create)).to_vec();
    }
    let list = if create == "202" { "200" } else { create };
    let ways = [
        (Method::GET, "providers/Microsoft.Consumption/usageDetails?api-version=2018-10-01", list),
        (
            Method::GET,
            "billingPeriods/202309/providers/Microsoft.Consumption/usageDetails?api-version=2019-10-01",
            list,
        ),
        (Method::GET, "providers/Microsoft.Consumption/marketplaces?api-version=2018-10-01", list),
        (Method::GET, "providers/Microsoft.Consumption/tags?api-version=2018-10-01", list),
        (Method::POST, "providers/Microsoft.Consumption/usageDetails/download?api-version=2019-05-01-preview", create),
        (Method::POST, "providers/Microsoft.CostManagement/generateDetailedCostReport?api-version=2024-08-01", create),
    ];
    ways.map(|(method, way, expected)| (method, format!("/{scope}/{way}"), expected)).to_vec()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_row_of_the_table_holds() {
    let land = Land::new(0).await;
    let ordered = orders_of_administrators(&land).await;
    let (mut tried, mut wrong) = (0, Vec::new());
    for row @ [state, caller, switches, short, create, poll] in rows() {
        let (holders, scope) = (land.holders(caller), land.scope(short));
        let (key, id) = land.credential(state, &holders).await;
        land.set_policies(policies(switches)).await;
        let answer = land.create(key.as_deref(), &scope).await;
        if answer.outcome != create {
            wrong.push(format!("{row:?}: create is {}", answer.outcome));
        }
        // Of an enrollment of the caller, if one has the scope.
        let own = holders.iter().map(|holder| holder.enrollment.as_str());
        let theirs = own.chain(ENROLLMENTS).find_map(|number| ordered.get(&(number.to_owned(), short)));
        let operation = theirs.map_or("none", String::as_str);
        let polled = land.poll(key.as_deref(), &scope, operation).await;
        if polled.outcome != poll {
            wrong.push(format!("{row:?}: poll is {}", polled.outcome));
        }
        if ["200", "202"].contains(&answer.outcome.as_str()) {
            assert_ne!(operation, "none", "{row:?}: who may order can be compared with an administrator");
            let own = land.poll(key.as_deref(), &scope, &answer.operation).await;
            assert_eq!(own.outcome, answer.outcome, "{row:?}: its own report");
        }
        for (method, way, expected) in other_ways(&scope, create) {
            let outcome = land.send(method, key.as_deref(), &way).await.outcome;
            if outcome != expected {
                wrong.push(format!("{row:?}: {way} is {outcome}"));
            }
        }
        if let Some(id) = id {
            // Those that are revoked already stay so.
            _ = revoke_key(&land.world.catalog, &id, "test", now_ms()).await;
        }
        tried += 1;
    }
    assert!(wrong.is_empty(), "{} of {tried} rows:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(tried, ROWS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_row_about_balances_holds() {
    let land = Land::new(0).await;
    let store = Store::open(land.world.data()).await.unwrap();
    for number in ENROLLMENTS {
        let path = land.world.data().join(format!("{number}.json"));
        let id = format!("enrollments/{number}/billingperiods/202309/balancesummaries");
        std::fs::write(&path, json!({ "id": id, "currencyCode": "USD", "endingBalance": 1 }).to_string()).unwrap();
        let options = ImportOptions { paths: vec![path], ..ImportOptions::default() };
        imports::import(&store, &options, &NoProgress).await.unwrap();
    }
    let (mut tried, mut wrong) = (0, Vec::new());
    for row @ [state, caller, switches, short, arm, summary, periods] in balance_rows() {
        let scope = land.scope(short);
        let (key, id) = land.credential(state, &land.holders(caller)).await;
        land.set_policies(policies(switches)).await;
        let report = |name: &str| format!("/v3/enrollments/{short}/{name}");
        let arm_path =
            format!("/{scope}/billingPeriods/202309/providers/Microsoft.Consumption/balances?api-version=2021-10-01");
        for (path, expected) in [
            (arm_path, arm),
            (report("billingPeriods/202309/balancesummary"), summary),
            (report("billingperiods"), periods),
        ] {
            let outcome = if expected == "-" { "-".to_owned() } else { land.read(key.as_deref(), &path).await };
            if outcome != expected {
                wrong.push(format!("{row:?}: {path} is {outcome}"));
            }
        }
        if let Some(id) = id {
            _ = revoke_key(&land.world.catalog, &id, "test", now_ms()).await;
        }
        tried += 1;
    }
    assert!(wrong.is_empty(), "{} of {tried} rows:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(tried, BALANCE_ROWS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_row_about_native_billing_holds() {
    let land = Land::with_billed().await;
    let (mut tried, mut wrong) = (0, Vec::new());
    for row @ [state, caller, switches, number, usage, periods] in native_rows() {
        let (key, id) = land.credential(state, &land.holders(caller)).await;
        land.set_policies(policies(switches)).await;
        let record = json!({
            "subscriptionId": subscription("N"), "meterId": "m", "date": today().to_string(), "quantity": "1",
        });
        let path = format!("/lazurite/v1/enrollments/{number}/usage/batch-{tried}");
        let sent = land.answer(key.as_deref(), land.world.ask(Method::POST, &path).body(record.to_string())).await;
        let path = format!("/lazurite/v1/enrollments/{number}/periods");
        let read = land.send(Method::GET, key.as_deref(), &path).await;
        for (what, outcome, expected) in [("usage", sent.outcome, usage), ("periods", read.outcome, periods)] {
            if outcome != expected {
                wrong.push(format!("{row:?}: {what} is {outcome}"));
            }
        }
        if let Some(id) = id {
            _ = revoke_key(&land.world.catalog, &id, "test", now_ms()).await;
        }
        tried += 1;
    }
    assert!(wrong.is_empty(), "{} of {tried} rows:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(tried, NATIVE_ROWS);
    // What was refused left nothing behind.
    let admitted = native_rows().iter().filter(|row| row[4] == "200").count();
    let snapshot = Store::open(land.world.data()).await.unwrap().usage().snapshot().await.unwrap();
    assert_eq!(snapshot.version(), Some(admitted as u64));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_row_about_what_is_held_holds() {
    let land = Land::new(0).await;
    let (mut tried, mut wrong) = (0, Vec::new());
    for row @ [state, caller, switches, number, expected] in held_rows() {
        let (key, id) = land.credential(state, &land.holders(caller)).await;
        land.set_policies(policies(switches)).await;
        for what in ["status", "restatements?since=0"] {
            let path = format!("/lazurite/v1/enrollments/{number}/{what}");
            let outcome = land.send(Method::GET, key.as_deref(), &path).await.outcome;
            if outcome != expected {
                wrong.push(format!("{row:?}: {what} is {outcome}"));
            }
        }
        if let Some(id) = id {
            _ = revoke_key(&land.world.catalog, &id, "test", now_ms()).await;
        }
        tried += 1;
    }
    assert!(wrong.is_empty(), "{} of {tried} rows:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(tried, HELD_ROWS);
    assert_eq!(held_rows().iter().collect::<BTreeSet<_>>().len(), HELD_ROWS);
    for role in Role::ALL {
        assert!(held_rows().iter().any(|row| row[1].starts_with(&format!("{role} of"))), "{role}");
    }
}

/// Reports that administrators ordered, by enrollment and scope. Scopes below the enrollment are written in the nested
/// form: it is the same report, however a poll writes it.
async fn orders_of_administrators(land: &Land) -> BTreeMap<(String, &'static str), String> {
    let mut ordered = BTreeMap::new();
    for number in ENROLLMENTS {
        let holder = land.holder(&format!("EnterpriseAdministrator of {number}"));
        let (key, _) = land.key("live", &holder).await;
        for short in rows().iter().map(|row| row[3]).collect::<BTreeSet<_>>() {
            let nested = if short.starts_with("dep") || short.starts_with("acc") {
                format!("{number}/{short}")
            } else {
                short.to_owned()
            };
            let answer = land.create(key.as_deref(), &land.scope(&nested)).await;
            if ["200", "202"].contains(&answer.outcome.as_str()) {
                ordered.insert((number.to_owned(), short), answer.operation);
            }
        }
    }
    ordered
}

#[test]
fn the_table_has_every_role_refused_and_admitted_and_no_row_twice() {
    let rows = rows();
    assert_eq!(rows.iter().collect::<BTreeSet<_>>().len(), ROWS);
    for role in Role::ALL {
        let own = || rows.iter().filter(|row| row[1].starts_with(&format!("{role} of")));
        assert!(own().any(|row| row[4] == "202"), "{role} is admitted");
        assert!(own().any(|row| row[4].starts_with("401")), "{role} is refused by a policy");
        let native = native_rows();
        assert!(native.iter().any(|row| row[1].starts_with(&format!("{role} of {BILLED}"))), "{role} of {BILLED}");
    }
    assert_eq!(native_rows().iter().collect::<BTreeSet<_>>().len(), NATIVE_ROWS);
    for code in ["BillingAccessDenied", "RBACAccessDenied", "NotFound", "SubscriptionNotFound", "AmbiguousScope"] {
        assert!(rows.iter().any(|row| row[4].ends_with(code)), "{code}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_sees_only_its_own_rows_of_what_it_asks_for() {
    let mut land = Land::new(1).await;
    land.set_policies(ALL_ON).await;
    for (caller, short, costs) in [
        ("EnterpriseReader of 100", "100", &[1, 2, 3, 4, 5, 6, 7][..]),
        ("EnterpriseReader of 100", "acc/72", &[2, 3]),
        ("EnterpriseReader of 100", "sub/M", &[7]),
        ("EnterpriseReader of 200", "sub/M", &[9]),
        ("EnterpriseReader of 200", "dep/7", &[8]),
        ("DepartmentReader of 100/dep/7", "dep/7", &[1, 2]),
        ("DepartmentReader of 100/dep/7", "acc/71", &[1]),
        ("DepartmentReader of 100/dep/7", "acc/72", &[2]),
        ("DepartmentReader of 100/dep/8", "acc/72", &[3]),
        ("DepartmentReader of 100/dep/8", "100/acc/72", &[3]),
        ("DepartmentReader of 100/dep/7", "sub/A", &[1]),
        ("DepartmentReader of 100/dep/7", "sub/B", &[2]),
        ("DepartmentReader of 100/dep/8", "sub/B", &[3]),
        ("DepartmentReader of 100/dep/8", "sub/M", &[7]),
        ("DepartmentReader of 100/dep/77", "dep/acm", &[5]),
        ("DepartmentReader of 100/dep/acm", "sub/D", &[5]),
        ("AccountOwner of 100/acc/72", "acc/72", &[2, 3]),
        ("AccountOwner of 100/acc/72", "sub/B", &[2, 3]),
        ("AccountOwner of 100/acc/78", "acc/acm", &[5]),
        ("AccountOwner of 200/acc/21", "sub/M", &[9]),
        ("CostManagementReader of 100/sub/A", "sub/A", &[1]),
        ("CostManagementReader of 100/sub/M", "sub/M", &[7]),
    ] {
        let (key, id) = land.key("live", &land.holder(caller)).await;
        let scope = land.scope(short);
        assert_eq!(land.costs(&key.unwrap(), &scope).await, costs, "{caller} asks for {short}");
        revoke_key(&land.world.catalog, &id, "test", now_ms()).await.unwrap();
    }
}

/// What is not usage is not shown by that API; a caller of several roles sees what each of them shows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_sees_its_part_of_the_enrollment_through_the_older_api() {
    let land = Land::new(0).await;
    land.set_policies(ALL_ON).await;
    for (caller, number, costs) in [
        ("EnterpriseReader of 100", "100", &[1, 2, 3, 4, 5, 7][..]),
        ("EnterpriseReader of 200", "200", &[8, 9]),
        ("DepartmentReader of 100/dep/7", "100", &[1, 2]),
        ("DepartmentReader of 100/dep/8", "100", &[3, 4, 7]),
        ("DepartmentReader of 100/dep/77", "100", &[5]),
        ("DepartmentReader of 100/dep/acm", "100", &[5]),
        ("DepartmentReader of 200/dep/20", "200", &[9]),
        ("AccountOwner of 100/acc/72", "100", &[2, 3]),
        ("AccountOwner of 100/acc/78", "100", &[5]),
        ("CostManagementReader of 100/sub/A", "100", &[1]),
        ("CostManagementReader of 200/sub/M", "200", &[9]),
        ("DepartmentReader of 100/dep/7 + DepartmentReader of 100/dep/8", "100", &[1, 2, 3, 4, 7]),
        ("DepartmentReader of 100/dep/7 + AccountOwner of 100/acc/72", "100", &[1, 2, 3]),
        ("DepartmentReader of 100/dep/7 + EnterpriseReader of 200", "100", &[1, 2]),
        ("EnterpriseReader of 100 + DepartmentReader of 100/dep/7", "100", &[1, 2, 3, 4, 5, 7]),
    ] {
        let token = land.token("token", &land.holders(caller)).await;
        for (path, list, cost) in [
            (format!("/{REPORTING}/{number}/billingPeriods/202309/usagedetails"), "/data", "cost"),
            (format!("/rest/{number}/usage-report?month=2023-09&type=detail&fmt=Json"), "", "ExtendedCost"),
        ] {
            let answer = land.world.ask(Method::GET, &path).bearer_auth(&token).send().await.unwrap();
            let page: serde_json::Value = answer.json().await.unwrap();
            let rows = page.pointer(list).unwrap().as_array().unwrap().iter();
            let mut found: Vec<u64> = rows.map(|row| row[cost].as_u64().unwrap()).collect();
            found.sort_unstable();
            assert_eq!(found, costs, "{caller} {path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_is_given_only_to_those_who_may_read_all_of_it() {
    let land = Land::new(0).await;
    let mut keys = BTreeMap::new();
    for caller in [
        "EnterpriseReader of 100",
        "EnterpriseReader of 200",
        "DepartmentReader of 100/dep/7",
        "DepartmentReader of 100/dep/8",
        "DepartmentAdministrator of 100/dep/7",
        "AccountOwner of 100/acc/72",
        "AccountOwner of 200/acc/71",
    ] {
        keys.insert(caller, land.key("live", &land.holder(caller)).await.0.unwrap());
    }
    // Who ordered which scope; who polls it; outcome.
    for (orders, short, polls, outcome) in [
        ("DepartmentReader of 100/dep/7", "acc/72", "DepartmentAdministrator of 100/dep/7", "202"),
        ("DepartmentReader of 100/dep/7", "acc/72", "DepartmentReader of 100/dep/8", "404 NotFound"),
        ("DepartmentReader of 100/dep/7", "acc/72", "AccountOwner of 100/acc/72", "202"),
        ("DepartmentReader of 100/dep/7", "acc/72", "EnterpriseReader of 100", "202"),
        ("DepartmentReader of 100/dep/7", "acc/72", "EnterpriseReader of 200", "403 BillingAccessDenied"),
        ("AccountOwner of 100/acc/72", "acc/72", "DepartmentReader of 100/dep/7", "404 NotFound"),
        ("AccountOwner of 100/acc/72", "sub/B", "DepartmentReader of 100/dep/7", "404 NotFound"),
        ("DepartmentReader of 100/dep/7", "sub/B", "AccountOwner of 100/acc/72", "404 NotFound"),
        ("EnterpriseReader of 100", "dep/7", "DepartmentReader of 100/dep/7", "202"),
        // One id in two enrollments; a subscription that moved from one to the other.
        ("EnterpriseReader of 100", "dep/7", "EnterpriseReader of 200", "404 NotFound"),
        ("EnterpriseReader of 100", "acc/71", "AccountOwner of 200/acc/71", "404 NotFound"),
        ("EnterpriseReader of 100", "sub/M", "EnterpriseReader of 200", "404 NotFound"),
    ] {
        let scope = land.scope(short);
        let order = land.create(Some(&keys[orders]), &scope).await;
        assert_eq!(order.outcome, "202", "{orders} asks for {short}");
        let polled = land.poll(Some(&keys[polls]), &scope, &order.operation).await;
        assert_eq!(polled.outcome, outcome, "{polls} polls what {orders} ordered at {short}");
    }
    // A report of one scope is not found at another one, whatever the caller may read.
    let key = Some(keys["EnterpriseReader of 100"].as_str());
    let order = land.create(key, &land.scope("acc/72")).await;
    for short in ["100", "dep/7", "acc/71", "sub/B"] {
        assert_eq!(land.poll(key, &land.scope(short), &order.operation).await.outcome, "404 NotFound", "{short}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ambiguous_scope_is_refused_with_the_forms_that_name_the_enrollments() {
    let land = Land::new(0).await;
    let token = land.token("token", &land.holders("EnterpriseReader of 200 + EnterpriseReader of 100")).await;
    let scope = land.scope("dep/7");
    let answer = land.world.ask(Method::POST, &create_path(&scope, VERSION)).bearer_auth(token).send().await.unwrap();
    let message = "The scope 'providers/Microsoft.Billing/departments/7' exists in several enrollments. Name the enrollment: \
                   /providers/Microsoft.Billing/billingAccounts/100/departments/7 or \
                   /providers/Microsoft.Billing/billingAccounts/200/departments/7.";
    assert_eq!(error_of(answer).await, (409, "AmbiguousScope".into(), message.into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_roles_show_the_rows_of_all_of_them_and_no_other() {
    let mut land = Land::new(1).await;
    land.set_policies(ALL_ON).await;
    for (caller, short, costs) in [
        ("DepartmentReader of 100/dep/7 + DepartmentReader of 100/dep/8", "acc/72", &[2, 3][..]),
        ("DepartmentReader of 100/dep/7 + Reader of 100/sub/C", "sub/B", &[2]),
        ("DepartmentReader of 100/dep/7 + AccountOwner of 100/acc/72", "sub/B", &[2, 3]),
        ("EnterpriseReader of 200 + EnterpriseReader of 100", "sub/M", &[7, 9]),
        ("EnterpriseReader of 200 + EnterpriseReader of 100", "200/dep/7", &[8]),
        ("Reader of 200/sub/M + DepartmentReader of 100/dep/7", "sub/M", &[9]),
    ] {
        let token = land.token("token", &land.holders(caller)).await;
        let scope = land.scope(short);
        assert_eq!(land.costs(&token, &scope).await, costs, "{caller} asks for {short}");
    }
}
