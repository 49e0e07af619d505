//! enrollment, keys of parts of an enrollment, access, audit.

use samples::bundled::EA_ACTUAL;
use serde_json::{Value, json};

use crate::program::{Bench, Done};

const NUMBER: &str = "8611537";
const SUBSCRIPTION: &str = "1caaa5a3-2b66-438e-8ab4-bce37d518c5d";
const OWNER: &str = "acm@testea.onmicrosoft.com";
const DOCUMENTATION: &str = include_str!("../../../../docs/ACCESS.md");

/// A store with the bundled export, whose department and account have names only.
fn loaded() -> Bench {
    let bench = Bench::new();
    assert_eq!(bench.import(&bench.file(EA_ACTUAL.name, EA_ACTUAL.bytes), &[]).code, 0);
    bench
}

impl Bench {
    /// Runs a command line as a person writes it, without `lazurite` in front; `_` is a blank within a word.
    fn line(&self, line: &str) -> Done {
        let words: Vec<String> = line.split_whitespace().map(|word| word.replace('_', " ")).collect();
        self.run(&words.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// What a command that succeeds prints for scripts.
    fn json(&self, line: &str) -> Value {
        let done = self.line(&format!("{line} --json"));
        assert_eq!(done.code, 0, "{line}: {}{}", done.text, done.errors);
        done.json
    }

    /// Code and message of a refusal.
    fn refused(&self, line: &str) -> (String, String) {
        let done = self.line(&format!("{line} --json"));
        assert_eq!(done.code, 2, "{line}: {}{}", done.text, done.errors);
        let text = |member: &str| done.json["error"][member].as_str().unwrap().to_owned();
        (text("code"), text("message"))
    }

    fn apply(&self, name: &str, text: &str, option: &str) -> Done {
        let path = self.file(name, text).display().to_string();
        let arguments = ["enrollment", "apply", &path, "--json", option];
        self.run(&arguments.into_iter().filter(|one| !one.is_empty()).collect::<Vec<_>>())
    }

    fn shown(&self) -> Value {
        self.json("enrollment show")["enrollments"].clone()
    }

    /// Turns both switches of the enrollment on.
    fn open_policies(&self) {
        self.json(&format!("enrollment policy --enrollment {NUMBER} --da-view-charges on --ao-view-charges on"));
    }
}

#[test]
fn show_and_status_list_scopes_with_their_generated_ids() {
    let bench = loaded();
    let shown = bench.shown();
    let [known] = shown.as_array().unwrap().as_slice() else { panic!("{shown}") };
    let (department, account) = (&known["departments"][0], &known["accounts"][0]);
    for node in [department, account] {
        let id = node["id"].as_str().unwrap();
        assert!(id.len() == 13 && id.starts_with('9') && id.bytes().all(|digit| digit.is_ascii_digit()), "{node}");
    }
    assert_eq!((known["departments"].as_array().unwrap().len(), known["accounts"].as_array().unwrap().len()), (1, 1));
    let expected = json!({ "id": department["id"], "idFrom": "generated", "names": ["ACM"], "also": [] });
    assert_eq!(*department, expected);
    let expected =
        json!({ "id": account["id"], "idFrom": "generated", "names": ["ACM Team"], "owners": [OWNER], "also": [] });
    assert_eq!(*account, expected);
    assert_eq!(known["subscriptions"].as_array().unwrap().len(), 4);
    assert_eq!(known["policies"], json!({ "daViewCharges": false, "aoViewCharges": false, "priceHidden": false }));

    let mut of_status = bench.json("status")["hierarchies"][0].clone();
    of_status["policies"] = known["policies"].clone();
    assert_eq!(of_status, *known);
    let (show, status) = (bench.line("enrollment show"), bench.line("status"));
    assert!(show.text.contains("da-view-charges  off") && show.text.contains(SUBSCRIPTION), "{}", show.text);
    let line = format!("account     {}   generated  ACM Team  ({OWNER})", account["id"].as_str().unwrap());
    assert!(show.text.contains(&line) && status.text.contains(&line), "{}{}", show.text, status.text);
    assert!(status.text.contains(&format!("scopes of enrollment {NUMBER}")), "{}", status.text);

    let (code, message) = bench.refused("enrollment show --enrollment 1");
    assert_eq!((code.as_str(), message.as_str()), ("NoSuchEnrollment", "nothing is known of enrollment 1"));
}

#[test]
fn a_name_is_mapped_to_an_id_and_back() {
    let bench = loaded();
    let before = bench.shown();
    let generated = before[0]["departments"][0]["id"].clone();
    let map = format!("enrollment map --enrollment {NUMBER}");
    assert_eq!(bench.json(&format!("{map} --department acm --id 4711")), json!({ "changed": true }));
    assert_eq!(bench.json(&format!("{map} --department ACM --id 4711")), json!({ "changed": false }));
    assert_eq!(bench.json(&format!("{map} --account ACM_Team --owner {OWNER} --id 4712")), json!({ "changed": true }));
    let department = bench.shown()[0]["departments"].clone();
    assert_eq!(department, json!([{ "id": "4711", "idFrom": "mapped", "names": ["ACM"], "also": [generated] }]));
    assert_eq!(bench.shown()[0]["accounts"][0]["id"], "4712");
    let text = bench.line("enrollment show").text;
    assert!(text.contains(&format!("also answers as {}", generated.as_str().unwrap())), "{text}");

    // A name that rows without id do not have is a note, because it may come yet, or be misspelled.
    for (name, noted) in
        [("--department ACM", false), ("--department AMC", true), ("--account AMC_Team", true), ("--owner a@x", true)]
    {
        let done = bench.line(&format!("{map} {name} --id 4711"));
        assert_eq!(done.code, 0);
        assert_eq!(done.errors.contains("note: no row without id names the"), noted, "{name}: {}", done.errors);
    }
    for name in ["--department AMC", "--account AMC_Team", "--owner a@x", "--department ACM"] {
        assert_eq!(bench.json(&format!("{map} {name} --remove")), json!({ "changed": true }), "{name}");
    }
    assert_eq!(bench.json(&format!("{map} --department ACM --remove")), json!({ "changed": false }));
    bench.json(&format!("{map} --account ACM_Team --owner {OWNER} --remove"));
    assert_eq!(bench.shown(), before);
}

#[test]
fn what_cannot_be_mapped_is_refused() {
    let bench = loaded();
    let before = bench.shown();
    let map = format!("enrollment map --enrollment {NUMBER}");
    let usage = "Usage";
    for (arguments, code, message) in [
        ("--department _ --id 1", "Name", "the name must not be blank"),
        ("--department unassigned --id 1", "Name", "are in no department"),
        ("--department ACM --id 1/2", "Id", "\"1/2\" is not an id: expected 1 to 128 characters without slash"),
        ("--department ACM --id _1", "Id", "\" 1\" is not an id"),
        ("--department ACM", usage, "--id <ID>"),
        ("--department ACM --account ACM --id 1", usage, "cannot be used with"),
        ("--id 1", usage, "--department <NAME>"),
        ("--department ACM --id 1 --remove", usage, "cannot be used with"),
    ] {
        let (found, text) = bench.refused(&format!("{map} {arguments}"));
        assert!(found == code && text.contains(message), "{arguments}: {found}: {text}");
    }
    assert_eq!(bench.shown(), before);
}

#[test]
fn policies_change_one_by_one() {
    let bench = loaded();
    let policy = format!("enrollment policy --enrollment {NUMBER}");
    let all =
        |da: bool, ao: bool, hidden: bool| json!({ "daViewCharges": da, "aoViewCharges": ao, "priceHidden": hidden });
    for (change, expected) in [
        ("", all(false, false, false)),
        ("--da-view-charges on", all(true, false, false)),
        ("--ao-view-charges on --price-hidden on", all(true, true, true)),
        ("--da-view-charges off --price-hidden off", all(false, true, false)),
        ("--ao-view-charges on", all(false, true, false)),
    ] {
        assert_eq!(bench.json(&format!("{policy} {change}")), expected, "{change}");
        assert_eq!(bench.shown()[0]["policies"], expected, "{change}");
    }
    let text = bench.line(&policy).text;
    assert_eq!(
        text,
        format!("enrollment {NUMBER}\n  da-view-charges  off\n  ao-view-charges  on\n  price-hidden     off\n")
    );
    assert_eq!(bench.refused(&format!("{policy} --da-view-charges maybe")).0, "Usage");
    let entries = bench.json("audit")["entries"].clone();
    let changes = entries.as_array().unwrap().iter().filter(|entry| entry["action"] == "enrollment.policy").count();
    assert_eq!(changes, 3, "what changes nothing is no entry");
}

const JSON: &str = r#"{ "enrollments": [{
    "number": "8611537",
    "departments":   [{ "id": "30", "name": "ACM" }],
    "accounts":      [{ "id": "31", "name": "ACM Team", "owner": "acm@testea.onmicrosoft.com", "department": [{ "id": "30" }] }],
    "subscriptions": [{ "id": "1caaa5a3-2b66-438e-8ab4-bce37d518c5d", "account": [{ "id": "31" }, { "from": "2023-09-11" }] }]
}] }"#;

#[test]
fn a_stated_hierarchy_is_checked_applied_and_replaced() {
    let bench = loaded();
    let before = bench.shown();
    let counts = json!([{ "enrollment": NUMBER, "departments": 1, "accounts": 1, "subscriptions": 1 }]);
    let dry = bench.apply("h.json", JSON, "--dry-run");
    assert_eq!((dry.code, dry.json), (0, json!({ "applied": counts, "dryRun": true })), "{}", dry.errors);
    assert_eq!(bench.shown(), before, "nothing was changed");
    let done = bench.apply("h.json", JSON, "");
    assert_eq!((done.code, done.json), (0, json!({ "applied": counts, "dryRun": false })), "{}", done.errors);
    let ids = |shown: &Value, kind: &str| -> Vec<(String, String)> {
        let text = |node: &Value, member: &str| node[member].as_str().unwrap().to_owned();
        shown[0][kind].as_array().unwrap().iter().map(|node| (text(node, "id"), text(node, "idFrom"))).collect()
    };
    let applied = |id: &str| vec![(id.to_owned(), "applied".to_owned())];
    assert_eq!(ids(&bench.shown(), "departments"), applied("30"));
    assert_eq!(ids(&bench.shown(), "accounts"), applied("31"));
    assert_eq!(bench.shown()[0]["departments"][0]["also"][0], before[0]["departments"][0]["id"]);

    // The documented file, and dates as TOML has them.
    let documented = DOCUMENTATION.split_once("```toml\n[[enrollments]]").unwrap().1.split_once("```").unwrap().0;
    let documented = format!("[[enrollments]]{documented}");
    for text in [documented.clone(), documented.replace("\"2023-09-15\"", "2023-09-15")] {
        let done = bench.apply("h.toml", &text, "");
        assert_eq!(done.code, 0, "{}", done.text);
        assert_eq!(ids(&bench.shown(), "departments"), applied("4711"));
        assert_eq!(ids(&bench.shown(), "accounts").len(), 2);
    }
    let nothing = format!("[[enrollments]]\nnumber = \"{NUMBER}\"\n");
    assert_eq!(bench.apply("h.toml", &nothing, "").code, 0);
    assert_eq!(bench.shown(), before);
}

#[test]
fn a_hierarchy_that_cannot_be_true_is_refused_and_changes_nothing() {
    let bench = loaded();
    bench.apply("other.json", &JSON.replace(NUMBER, "200"), "");
    let before = bench.shown();
    let own = |from: &str, to: &str| {
        assert!(JSON.contains(from), "{from}");
        JSON.replace(from, to)
    };
    let apart =
        own("[{ \"id\": \"31\" }, { \"from\": \"2023-09-11\" }]", "[{ \"from\": \"2023-09-11\", \"id\": \"31\" }]");
    assert_eq!(bench.apply("apart.json", &apart, "--dry-run").code, 0, "on other days than the other enrollment");
    let [first, second] = [&apart, &apart.replace("2023-09-11", "2024-01-01").replace(NUMBER, "300")]
        .map(|text| text.trim_start_matches("{ \"enrollments\": [").trim_end_matches("] }").to_owned());
    let together = |one: &str, other: &str| format!("{{ \"enrollments\": [{one}, {other}] }}");
    let overlap = "8611537: subscription 1caaa5a3-2b66-438e-8ab4-bce37d518c5d belongs to enrollment";
    for (name, text, message) in [
        ("h.json", JSON.to_owned(), format!("{overlap} 200 on 1900-01-01 already; end that with a step without id")),
        ("h.json", together(&first, &second), format!("{overlap} 300 on 2024-01-01 already")),
        ("h.json", together(&first, &first), "enrollment 8611537 is there twice".into()),
        (
            "h.json",
            own("\"department\": [{ \"id\": \"30\" }]", "\"department\": [{ \"id\": \"3\" }]"),
            "enrollment 8611537: account 31 belongs to department 3, which is not in the file".into(),
        ),
        ("h.json", own("{ \"from\": \"2023-09-11\" }", "{ \"id\": \"31\" }"), "is not in the order of its days".into()),
        (
            "h.json",
            own("\"id\": \"31\", \"name\"", "\"id\": \" 31\", \"name\""),
            "the id of account \" 31\" is empty,".into(),
        ),
        ("h.json", own("\"from\"", "\"since\""), "unknown field `since`, expected `from` or `id` at line 5".into()),
        ("h.json", own("1caaa5a3-", "1caaa5a3"), "is not a subscription id".into()),
        ("h.json", "{".into(), "EOF while parsing".into()),
        ("h.toml", "[[enrollments]]\nnumber = 8611537\n".into(), "TOML parse error at line 2, column 10".into()),
        ("h.toml", "[[enrollments]\n".into(), "TOML parse error at line 1".into()),
        ("h.toml", "[[enrollments]]\nnumber = \"1\"\nx = 2023-09-15\n".into(), "unknown field `x`".into()),
        ("h.toml", JSON.into(), "TOML parse error at line 1".into()),
    ] {
        let done = bench.apply(name, &text, "");
        let error = &done.json["error"];
        let found = error["message"].as_str().unwrap_or_default();
        assert!(done.code == 2 && error["code"] == "Hierarchy", "{text}: {}", done.text);
        assert!(found.contains(&message) && found.contains(name), "{found:?} has no {message:?}");
    }
    assert_eq!(bench.refused("enrollment apply /nowhere/at/all.json").0, "Hierarchy");
    assert_eq!(bench.shown(), before);
}

#[test]
fn a_key_of_a_part_is_made_once_its_policy_is_on() {
    let bench = loaded();
    let shown = bench.shown();
    let id = |kind: &str| shown[0][kind][0]["id"].as_str().unwrap().to_owned();
    let create = format!("key create --enrollment {NUMBER}");
    for (part, switch, scope, role) in [
        (
            format!("--department {}", id("departments")),
            "da",
            format!("departments/{}", id("departments")),
            "DepartmentReader",
        ),
        (
            format!("--account {}", id("accounts")),
            "ao",
            format!("enrollmentAccounts/{}", id("accounts")),
            "AccountOwner",
        ),
        (
            format!("--subscription {SUBSCRIPTION}"),
            "ao",
            format!("subscriptions/{SUBSCRIPTION}"),
            "CostManagementReader",
        ),
    ] {
        bench.json(&format!("enrollment policy --enrollment {NUMBER} --da-view-charges off --ao-view-charges off"));
        let (code, message) = bench.refused(&format!("{create} {part}"));
        assert!(code == "PolicyOff" && message.starts_with("the key could read nothing"), "{code}: {message}");
        // The message ends with the command that helps.
        let command = message.split_once("Change that first: lazurite ").unwrap().1;
        assert_eq!(command, format!("enrollment policy --enrollment {NUMBER} --{switch}-view-charges on"));
        assert_eq!(bench.line(command).code, 0);
        let made = bench.json(&format!("{create} {part}"));
        let listed = bench.json("key list")["keys"].as_array().unwrap().last().unwrap().clone();
        let found = [&listed["id"], &listed["scope"], &listed["role"], &listed["state"], &listed["slot"]];
        assert_eq!(found, [&made["id"], &json!(scope), &json!(role), &json!("active"), &json!("primary")]);
    }
    assert_eq!(bench.json("key list")["keys"].as_array().unwrap().len(), 3, "what was refused is not there");
}

#[test]
fn a_role_is_held_on_its_own_kind_of_scope() {
    let bench = loaded();
    bench.open_policies();
    let create = format!("key create --enrollment {NUMBER}");
    bench.json(&format!("{create} --department 7 --role departmentadministrator"));
    bench.json(&format!("{create} --role EnterprisePurchaser"));
    let roles: Vec<Value> =
        bench.json("key list")["keys"].as_array().unwrap().iter().map(|key| key["role"].clone()).collect();
    assert_eq!(roles, ["DepartmentAdministrator", "EnterprisePurchaser"]);
    for (part, code, message) in [
        ("--department 7 --role AccountOwner", "Scope", "roles there are DepartmentAdministrator, DepartmentReader"),
        ("--role Reader", "Scope", "roles there are EnterpriseAdministrator, EnterpriseReader, EnterprisePurchaser"),
        ("--department 7 --account 8", "Usage", "cannot be used with"),
        ("--department 1/2", "Scope", "\"1/2\" is not an id; lazurite status shows the ids"),
        ("--subscription 7", "Usage", "is not a subscription id"),
        ("--role King", "Usage", "\"King\" is not a role; roles are EnterpriseAdministrator"),
    ] {
        let (found, text) = bench.refused(&format!("{create} {part}"));
        assert!(found == code && text.contains(message), "{part}: {found}: {text}");
    }
    // The department does not exist yet, and may never.
    let noted = bench.line(&format!("{create} --department 7"));
    assert!(noted.code == 0 && noted.errors.contains("has no departments/7 so far"), "{}", noted.errors);
    let other = bench.line("key create --enrollment 200");
    assert!(other.code == 0 && other.errors.contains("nothing of enrollment 200 is held yet"), "{}", other.errors);
}

#[test]
fn a_rotated_key_gives_its_place_to_a_new_one() {
    let bench = loaded();
    bench.open_policies();
    let create = format!("key create --enrollment {NUMBER} --department 7 --role DepartmentAdministrator");
    let (first, second) = (bench.json(&create), bench.json(&create));
    let full = bench.refused(&create);
    assert!(full.0 == "KeySlots" && full.1.contains(first["id"].as_str().unwrap()), "{}", full.1);
    let next = bench.json(&format!("key rotate {}", second["id"].as_str().unwrap()));
    assert_ne!((&next["id"], &next["key"]), (&second["id"], &second["key"]));
    let states: Vec<[Value; 5]> = bench.json("key list")["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| ["id", "state", "slot", "role", "scope"].map(|member| key[member].clone()))
        .collect();
    let line = |key: &Value, state: &str, slot: &str| {
        [key["id"].clone(), json!(state), json!(slot), json!("DepartmentAdministrator"), json!("departments/7")]
    };
    assert_eq!(
        states,
        [line(&first, "active", "primary"), line(&second, "revoked", "secondary"), line(&next, "active", "secondary")]
    );
    for id in [second["id"].as_str().unwrap(), "nobody"] {
        let (code, message) = bench.refused(&format!("key rotate {id}"));
        assert!(code == "NoSuchKey" && message.contains(&format!("there is no active key {id:?}")), "{message}");
    }
}

#[test]
fn roles_are_granted_listed_and_taken_back() {
    let bench = loaded();
    let grant = format!("access grant --issuer https://login.example --enrollment {NUMBER}");
    assert!(bench.line("access list").text.starts_with("no roles are granted"));
    let first = bench.json(&format!("{grant} --subject ann --department 7 --role DepartmentAdministrator"));
    let second = bench.json(&format!("{grant} --group readers"));
    let granted = bench.json("access list")["granted"].clone();
    let entry = |id: &Value, kind: &str, who: &str, scope: &str, role: &str, created: &Value| {
        json!({
            "id": id, "issuer": "https://login.example", kind: who, "enrollment": NUMBER, "scope": scope, "role": role,
            "created": created,
        })
    };
    let expected = json!([
        entry(&first["id"], "subject", "ann", "departments/7", "DepartmentAdministrator", &granted[0]["created"]),
        entry(
            &second["id"],
            "group",
            "readers",
            &format!("billingAccounts/{NUMBER}"),
            "EnterpriseReader",
            &granted[1]["created"]
        ),
    ]);
    assert_eq!(granted, expected);
    let line = format!(
        "DepartmentAdministrator on departments/7 of enrollment {NUMBER} to subject ann of https://login.example"
    );
    let text = bench.line("access list").text;
    assert!(text.contains(&line), "{text}");
    for (arguments, code, message) in [
        ("--group readers", "GrantedAlready", "is granted already; lazurite access list shows it"),
        ("--group readers --subject ann", "Usage", "cannot be used with"),
        ("", "Usage", "--subject <ID>"),
        ("--subject ann --department 7 --role Reader", "Scope", "Reader is not a role on"),
        (&format!("--subject {}", "x".repeat(257)), "Principal", "the subject must have 1 to 256 bytes of text"),
    ] {
        let (found, text) = bench.refused(&format!("{grant} {arguments}"));
        assert!(found == code && text.contains(message), "{arguments}: {found}: {text}");
    }
    let id = first["id"].as_str().unwrap();
    assert_eq!(bench.json(&format!("access revoke {id}")), json!({ "revoked": id }));
    assert_eq!(bench.refused(&format!("access revoke {id}")).0, "NotGranted");
    assert_eq!(bench.json("access list")["granted"], json!([expected[1]]));
}

#[test]
fn the_audit_log_tells_what_was_done_and_no_secret() {
    let bench = loaded();
    bench.open_policies();
    let map = format!("enrollment map --enrollment {NUMBER} --department ACM");
    bench.json(&format!("{map} --id 4711"));
    bench.json(&format!("{map} --remove"));
    assert_eq!(bench.apply("h.json", JSON, "").code, 0);
    bench.apply("h.json", JSON, "--dry-run");
    let made = bench.json(&format!("key create --enrollment {NUMBER} --department 30"));
    let next = bench.json(&format!("key rotate {}", made["id"].as_str().unwrap()));
    bench.json(&format!("key revoke {}", next["id"].as_str().unwrap()));
    let granted =
        bench.json(&format!("access grant --issuer https://login.example --enrollment {NUMBER} --group readers"));
    bench.json(&format!("access revoke {}", granted["id"].as_str().unwrap()));
    // What is refused on the command line is not done.
    bench.refused(&format!("key create --enrollment {NUMBER} --department 30 --role Reader"));

    let log = bench.json("audit");
    let expected = [
        ("enrollment.policy", json!(""), "da-view-charges on, ao-view-charges on, price-hidden off".to_owned()),
        ("enrollment.map", json!("acm"), "department acm is 4711".into()),
        ("enrollment.unmap", json!("acm"), "department acm".into()),
        ("enrollment.apply", json!(""), "1 departments, 1 accounts, 1 subscriptions".into()),
        ("key.create", made["id"].clone(), "DepartmentReader on departments/30".into()),
        ("key.rotate", next["id"].clone(), format!("replaces {}", made["id"].as_str().unwrap())),
        ("key.revoke", next["id"].clone(), "DepartmentReader on departments/30".into()),
        (
            "access.grant",
            granted["id"].clone(),
            format!("EnterpriseReader on billingAccounts/{NUMBER} to group readers of https://login.example"),
        ),
        (
            "access.revoke",
            granted["id"].clone(),
            format!("EnterpriseReader on billingAccounts/{NUMBER} from group readers of https://login.example"),
        ),
    ];
    let entries = log["entries"].as_array().unwrap();
    let done: Vec<&Value> =
        entries.iter().filter(|entry| !entry["action"].as_str().unwrap().starts_with("import")).collect();
    let found: Vec<[&Value; 3]> =
        done.iter().map(|entry| ["action", "target", "detail"].map(|name| &entry[name])).collect();
    let wanted: Vec<[Value; 3]> =
        expected.iter().map(|(action, target, detail)| [json!(action), target.clone(), json!(detail)]).collect();
    assert_eq!(found, wanted.iter().map(|entry| entry.each_ref()).collect::<Vec<_>>());
    for entry in &done {
        assert_eq!((&entry["enrollment"], &entry["times"]), (&json!(NUMBER), &json!(1)));
        assert!(entry["actor"].as_str().unwrap().starts_with("command line"), "{entry}");
    }
    let text = bench.line("audit").text;
    assert!(text.contains("key.rotate") && text.lines().count() == entries.len(), "{text}");
    for secret in [&made["key"], &next["key"]] {
        let secret = secret.as_str().unwrap();
        assert!(secret.starts_with("lzk_") && !text.contains(secret) && !log.to_string().contains(secret));
    }
    assert_eq!(bench.json("audit --limit 2")["entries"].as_array().unwrap().len(), 2);
    assert_eq!(bench.json("audit --enrollment 200")["entries"], json!([]));
    assert_eq!(bench.json("audit --since 2999-01-01T00:00:00Z")["entries"], json!([]));
}

#[test]
fn what_would_read_nothing_is_said_at_once() {
    let bench = loaded();
    bench.open_policies();
    bench.json(&format!("enrollment map --enrollment {NUMBER} --department ACM --id 4711"));
    // A name in the place of an id.
    for line in ["key create", "access grant --issuer https://i.example --subject s"] {
        let (code, message) = bench.refused(&format!("{line} --enrollment {NUMBER} --department acm"));
        assert_eq!((code.as_str(), message.as_str()), ("NotAnId", "acm is a name, an id is needed: --department 4711"));
    }
    // A half of what rows say.
    let half = format!("enrollment map --enrollment {NUMBER} --account ACM_Team --id 100");
    let (code, message) = bench.refused(&half);
    let whole =
        format!("rows name this account by owner and name; give both: --account \"acm team\" --owner {OWNER:?}");
    assert_eq!((code.as_str(), message), ("HalfName", whole));
    // An id that stands for a name already, and one that no path can name.
    let generated = bench.shown()[0]["accounts"][0]["id"].as_str().unwrap().to_owned();
    for id in [generated.as_str(), "/4711", "4711/"] {
        let (code, _) = bench.refused(&format!("enrollment map --enrollment {NUMBER} --department ACM --id {id}"));
        assert_eq!(code, "Id", "{id}");
    }
    // A change that takes the rows of a scope away.
    bench.json(&format!("key create --enrollment {NUMBER} --department 4711"));
    let moved = bench.line(&format!("enrollment map --enrollment {NUMBER} --department ACM --id 5"));
    let note = "1 key and 0 granted roles are on departments/4711 of enrollment 8611537, which no row belongs to now";
    assert!(moved.errors.contains(note), "{}", moved.errors);
    // Prices that nobody sees.
    bench.json(&format!("enrollment policy --enrollment {NUMBER} --price-hidden on"));
    let (code, message) = bench.refused(&format!("key create --enrollment {NUMBER}"));
    assert!(code == "PolicyOff" && message.ends_with("--price-hidden off"), "{code} {message}");
    let granted = bench.line(&format!("access grant --issuer https://i.example --group g --enrollment {NUMBER}"));
    assert!(granted.errors.contains("reads nothing until: lazurite enrollment policy"), "{}", granted.errors);
    let unheld = bench.line("enrollment policy --enrollment 1 --da-view-charges on");
    assert!(unheld.errors.contains("nothing of enrollment 1 is held yet"), "{}", unheld.errors);
}
