//! `lazurite demo`: a sample store from bundled real exports, a generated enrollment and one that is billed here, served on
//! loopback.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use access::{IssuedKey, KeyHolder, Role, issue_key, revoke_key};
use billing::{
    ApplyOptions, DocumentFill, IngestOptions, RunOptions, UsageChecks, UsageInput, apply, ingest, native_paths,
};
use calendar::BillingPeriod;
use imports::{ImportOptions, Store, import};
use ledger::billing::close_of;
use ledger::{Dataset, EnrollmentId, Scope};
use samples::bundled::{EA_ACTUAL, EA_AMORTIZED};
use samples::example;
use samples::generator::GeneratorOptions;
use server::{Overrides, RunningServer, Settings};

use crate::args::DemoArgs;
use crate::commands::native_status::held_total;
use crate::commands::sample::write_month;
use crate::commands::serve::{start, until_stopped};
use crate::failure::Failure;
use crate::instant::now_ms;
use crate::output::grouped;
use crate::progress::Bar;

/// Enrollment of the bundled exports.
const REAL: &str = "8611537";
/// Period of the bundled exports.
const REAL_PERIOD: &str = "202309";
/// The generated enrollment: 13 months, without benefits.
const GENERATED: &str = "8611001";
const GENERATED_FIRST_MONTH: (u16, u8) = (2024, 9);
const GENERATED_MONTHS: u32 = 13;
/// The enrollment that is billed here, and its one month of usage.
const NATIVE: &str = "8633001";
const NATIVE_PERIOD: &str = "202509";
/// The demo in the audit log.
const DEMO: &str = "lazurite demo";

pub(crate) async fn run(args: DemoArgs) -> Result<ExitCode, Failure> {
    let overrides = Overrides {
        data: Some(args.data.clone()),
        listen: Some(args.listen.clone()),
        listen_tls: Some(args.listen_tls.clone()),
        clock: Some("latest-held".to_owned()),
        ..Overrides::default()
    };
    // The printed lines trust the local authority, whatever certificate the environment names for other servers.
    let settings = Settings { tls_files: None, ..Settings::load(None, &overrides)? };
    println!("Building the sample store in {} (removing that folder removes the demo).", args.data.display());
    let store = Store::open(&args.data).await?;
    if store
        .catalog()
        .enrollments()
        .await?
        .iter()
        .any(|known| ![REAL, GENERATED, NATIVE].contains(&known.number.as_str()))
    {
        let message =
            format!("{} is a store of your own; give the demo another folder with --data", args.data.display());
        return Err(Failure::refused("NotADemo", message));
    }
    load_real(&store).await?;
    load_generated(&store, args.rows).await?;
    bill_native(&store).await?;
    let real = fresh_key(&store, REAL).await?;
    let generated = fresh_key(&store, GENERATED).await?;
    let native = fresh_key(&store, NATIVE).await?;
    store.catalog().close().await;
    let (server, healer) = start(settings).await?;
    print(&server, &args.data, &Keys { real, generated, native });
    until_stopped(server, healer).await;
    Ok(ExitCode::SUCCESS)
}

/// The bundled real exports, dates untouched (DESIGN 4.10).
async fn load_real(store: &Store) -> Result<(), Failure> {
    let folder =
        tempfile::tempdir().map_err(|error| Failure::other("Demo", format!("cannot make a folder: {error}")))?;
    let mut paths: Vec<PathBuf> = Vec::new();
    for sample in [EA_ACTUAL, EA_AMORTIZED] {
        let path = folder.path().join(sample.name);
        std::fs::write(&path, sample.bytes)
            .map_err(|error| Failure::other("Demo", format!("cannot write {}: {error}", path.display())))?;
        paths.push(path);
    }
    load(store, ImportOptions { paths, actor: DEMO.to_owned(), ..ImportOptions::default() }).await
}

async fn load_generated(store: &Store, rows: u64) -> Result<(), Failure> {
    let options = GeneratorOptions {
        enrollment: GENERATED.to_owned(),
        first_month: GENERATED_FIRST_MONTH,
        months: GENERATED_MONTHS,
        rows,
        ..GeneratorOptions::default()
    };
    let folder =
        tempfile::tempdir().map_err(|error| Failure::other("Demo", format!("cannot make a folder: {error}")))?;
    let mut paths = Vec::new();
    for month in 0..GENERATED_MONTHS {
        let path = folder.path().join(format!("month-{month:02}.csv"));
        write_month(&options, month, &path)?;
        paths.push(path);
    }
    // No row is covered by a benefit, so the same months are both datasets.
    for dataset in Dataset::ALL {
        let mut options = ImportOptions { paths: paths.clone(), actor: DEMO.to_owned(), ..ImportOptions::default() };
        options.fill.dataset = Some(dataset);
        load(store, options).await?;
    }
    Ok(())
}

/// The example of `lazurite init`, billed at the instant at which its month closes: the same store each time.
async fn bill_native(store: &Store) -> Result<(), Failure> {
    let wrong = |error: String| Failure::other("Demo", error);
    let enrollment = EnrollmentId::parse(NATIVE).map_err(|error| wrong(error.to_string()))?;
    let period = BillingPeriod::parse(NATIVE_PERIOD).map_err(|error| wrong(error.to_string()))?;
    let as_of = close_of(period).map_err(|error| wrong(error.to_string()))?;
    let folder = tempfile::tempdir().map_err(|error| wrong(format!("cannot make a folder: {error}")))?;
    for file in example::files(NATIVE, period).map_err(|error| wrong(error.to_string()))? {
        let path = folder.path().join(file.name);
        std::fs::write(&path, &file.text)
            .map_err(|error| wrong(format!("cannot write {}: {error}", path.display())))?;
    }
    let found = native_paths(&[folder.path().to_owned()])?;
    let (actor, fill) = (DEMO.to_owned(), DocumentFill::default());
    let options = ApplyOptions { received_at: as_of, fill, actor: actor.clone(), dry_run: false, reopen: None };
    apply(store, &found.documents, &options).await?;
    let checks = UsageChecks::default();
    for file in &found.usage {
        let options = IngestOptions { received_at: as_of, is_strict: true, actor: actor.clone() };
        ingest(store, &checks, &enrollment, None, &UsageInput::file(file)?, &options).await?;
    }
    let options = RunOptions { as_of, period: Some(period), actor, reopen: None };
    billing::run(store, &enrollment, &options).await?;
    let snapshot = store.lake().snapshot().await?;
    for dataset in Dataset::ALL {
        let held = held_total(snapshot.files(), &enrollment, NATIVE_PERIOD, dataset)?;
        println!(
            "  enrollment {NATIVE} {dataset:13} {NATIVE_PERIOD}: {} rows, total {} (billed here)",
            held.rows, held.total
        );
    }
    Ok(())
}

async fn load(store: &Store, options: ImportOptions) -> Result<(), Failure> {
    let bar = Bar::new(false);
    let outcome = import(store, &options, &bar).await;
    bar.clear();
    let outcome = outcome?;
    if let (Some(first), Some(last)) = (outcome.imported.first(), outcome.imported.last()) {
        if first.period == last.period {
            for period in &outcome.imported {
                println!(
                    "  enrollment {} {:13} {}: {} rows, total {}",
                    period.enrollment, period.dataset, period.period, period.rows, period.total
                );
            }
        } else {
            let rows = outcome.imported.iter().map(|period| period.rows).sum();
            println!(
                "  enrollment {} {:13} {} to {}: {} rows (generated)",
                first.enrollment,
                first.dataset,
                first.period,
                last.period,
                grouped(rows)
            );
        }
    }
    Ok(())
}

/// A key is shown once, so each start of the demo makes new ones and revokes those of the last.
async fn fresh_key(store: &Store, enrollment: &str) -> Result<IssuedKey, Failure> {
    let enrollment = EnrollmentId::parse(enrollment).map_err(|error| Failure::other("Demo", error.to_string()))?;
    let now = now_ms();
    for key in store.catalog().keys().await? {
        if key.enrollment == enrollment && key.revoked_at_ms.is_none() {
            revoke_key(store.catalog(), &key.id, DEMO, now).await?;
        }
    }
    let holder =
        KeyHolder { scope: Scope::BillingAccount(enrollment.clone()), enrollment, role: Role::EnterpriseReader };
    Ok(issue_key(store.catalog(), &holder, DEMO, now).await?)
}

/// The keys of the demo's enrollments.
struct Keys {
    real: IssuedKey,
    generated: IssuedKey,
    native: IssuedKey,
}

fn print(server: &RunningServer, data: &Path, keys: &Keys) {
    let (http, https) = (&server.http_url, &server.https_url);
    let ca = absolute(server.ca_path.as_deref().expect("without files of the owner there is a local authority"));
    let Keys { real, generated, native } = keys;
    let (client, generated_client, native_client) = (&real.id, &generated.id, &native.id);
    let (real, generated, native) = (real.key.reveal(), generated.key.reveal(), native.key.reveal());
    let tenant = &server.tenant;
    let scope = format!("providers/Microsoft.Billing/billingAccounts/{REAL}");
    let native_scope = format!("providers/Microsoft.Billing/billingAccounts/{NATIVE}");
    let program = std::env::current_exe().map_or_else(|_| "lazurite".to_owned(), |path| path.display().to_string());
    println!(
        r#"
Lazurite answers on {http} and {https}
  CA certificate   {ca}
  enrollment {REAL}   key {real}   client id {client}
  enrollment {GENERATED}   key {generated}   client id {generated_client}
  enrollment {NATIVE}   key {native}   client id {native_client}
  tenant           {tenant}   (for clients that log in: the key is the client secret)

Try it in another terminal.

1. With this program:

  LAZURITE_KEY={real} {program} report --server {http} --enrollment {REAL} --period {REAL_PERIOD} --out report.csv

2. With curl:

  LOCATION=$(curl -s -D - -o /dev/null -H "Authorization: Bearer {real}" -H "Content-Type: application/json" -d '{{"metric":"ActualCost","billingPeriod":"{REAL_PERIOD}"}}' "{http}/{scope}/providers/Microsoft.CostManagement/generateCostDetailsReport?api-version=2024-08-01" | tr -d '\r' | sed -n 's/^[Ll]ocation: //p')
  until LINK=$(curl -s -H "Authorization: Bearer {real}" "$LOCATION" | sed -n 's/.*"blobLink":"\([^"]*\)".*/\1/p'); [ -n "$LINK" ]; do sleep 1; done
  curl -s -o report.csv "$LINK"

3. With Microsoft's SDK for Python:

  python3 -m venv sdk && sdk/bin/pip install --quiet azure-mgmt-costmanagement
  sdk/bin/python - <<'PYTHON'
import csv, decimal, io, ssl, time, urllib.request
from azure.core.credentials import AccessToken
from azure.mgmt.costmanagement import CostManagementClient

class Key:
    def get_token(self, *scopes, **options):
        return AccessToken("{real}", int(time.time()) + 3600)

client = CostManagementClient(Key(), base_url="{https}", connection_verify="{ca}")
report = client.generate_cost_details_report.begin_create_operation(
    scope="{scope}",
    parameters={{"metric": "ActualCost", "billingPeriod": "{REAL_PERIOD}"}},
).result()
decimal.getcontext().prec = 60
trust = ssl.create_default_context(cafile="{ca}")
for blob in (getattr(report, "manifest", None) or report).blobs:
    text = urllib.request.urlopen(blob.blob_link, context=trust).read().decode("utf-8-sig")
    costs = [decimal.Decimal(row["CostInBillingCurrency"]) for row in csv.DictReader(io.StringIO(text))]
    print(len(costs), "rows, total", sum(costs))
PYTHON

4. With the Azure CLI (az), in a configuration of its own:

  export AZURE_CONFIG_DIR=$(mktemp -d) AZURE_CORE_INSTANCE_DISCOVERY=false REQUESTS_CA_BUNDLE="{ca}"
  az cloud register --name Lazurite --endpoint-resource-manager {https}
  az cloud set --name Lazurite
  az login --service-principal --username {client} --password {real} --tenant {tenant}
  az account list --output table
  LOCATION=$(az rest --verbose --method post --url '/{scope}/providers/Microsoft.CostManagement/generateCostDetailsReport?api-version=2025-03-01' --body '{{"metric":"ActualCost","billingPeriod":"{REAL_PERIOD}"}}' 2>&1 | sed -n "s/.*'[Ll]ocation': '\([^']*\)'.*/\1/p")
  while LINK=$(az rest --url "$LOCATION" --query 'manifest.blobs[0].blobLink' --output tsv) && [ -z "$LINK" ]; do sleep 1; done
  az rest --url "$LINK" --skip-authorization-header --output-file report.csv

5. With programs of the other API generations, which show the same charges:

  curl -s -o details.json -H "Authorization: Bearer {real}" "{http}/{scope}/providers/Microsoft.Consumption/usageDetails?api-version=2024-08-01"
  curl -s -o usage.json -H "Authorization: bearer {real}" "{http}/v3/enrollments/{REAL}/billingPeriods/{REAL_PERIOD}/usagedetails"
  curl -s -o usage.csv -H "Authorization: bearer {real}" "{http}/v3/enrollments/{REAL}/usagedetails/download?billingPeriod={REAL_PERIOD}"

6. With the enrollment {NATIVE}, which is billed here from usage, prices and orders (lazurite init writes the same files):

  curl -s -o balance.json -H "Authorization: Bearer {native}" "{http}/{native_scope}/billingPeriods/{NATIVE_PERIOD}/providers/Microsoft.Consumption/balances?api-version=2024-08-01"
  curl -s -o amortized.json -H "Authorization: Bearer {native}" "{http}/{native_scope}/billingPeriods/{NATIVE_PERIOD}/providers/Microsoft.Consumption/usageDetails?api-version=2024-08-01&metric=AmortizedCost"

Look into the store: {program} status --data {data}
Stop with Ctrl-C."#,
        data = absolute(data)
    );
}

/// Pasted lines work in any folder.
pub(crate) fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
}
