//! `lazurite report`: a client of the Cost Details API, of ours or of any compatible server.

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use calendar::DateRange;
use lake::leftover::counted;
use ledger::Scope;
use reports::Codec;
use reqwest::header::{LOCATION, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};
use url::Url;

use crate::args::ReportArgs;
use crate::commands::local_report;
use crate::commands::report_file::{Output, unwritten};
use crate::failure::Failure;
use crate::instant::{AsOf, rfc3339};
use crate::output::grouped;
use crate::progress::Bar;

const API_VERSION: &str = "2024-08-01";
/// A report that takes longer has lost its server.
const POLLS_MAX: u32 = 100_000;
/// Pause when the server asks for none.
const POLL_PAUSE: Duration = Duration::from_millis(200);

pub(crate) async fn run(args: ReportArgs) -> Result<ExitCode, Failure> {
    let to_stdout = args.out == Path::new("-");
    if args.json && to_stdout {
        return Err(Failure::refused("Usage", "--json needs --out FILE: standard output cannot hold both"));
    }
    if let Some(data) = args.data.clone() {
        return local_report::run(args, &data).await;
    }
    if let Some(codec) = Codec::of_file(&args.out).filter(|codec| *codec != Codec::Plain) {
        let reason = format!("a server sends csv: give --out FILE.csv, or --data DIR for a file of {codec}");
        return Err(Failure::refused("Usage", reason));
    }
    let client = client(&args)?;
    let bar = Bar::new(args.json || !std::io::stderr().is_terminal());
    let report = ask(&client, &args, &bar).await;
    bar.clear();
    let manifest = report?;
    let blobs: Vec<&str> =
        manifest["blobs"].as_array().into_iter().flatten().filter_map(|b| b["blobLink"].as_str()).collect();
    let mut output = Output::create(&args.out)?;
    for (index, link) in blobs.iter().enumerate() {
        download(&client, link, index == 0, &mut output, &bar).await?;
    }
    bar.clear();
    let bytes = output.finish()?;
    if args.json {
        println!("{}", json!({ "file": args.out, "bytes": bytes, "blobs": blobs.len() }));
    } else if !to_stdout {
        let from = counted(blobs.len() as u64, "blob");
        println!("wrote {} ({} bytes from {from})", args.out.display(), grouped(bytes));
    }
    Ok(ExitCode::SUCCESS)
}

fn client(args: &ReportArgs) -> Result<Client, Failure> {
    server::install_crypto_provider();

    let mut builder = Client::builder().connect_timeout(Duration::from_secs(10));
    if let Some(path) = &args.ca {
        let unusable =
            |reason: String| Failure::refused("InvalidCa", format!("cannot use {}: {reason}", path.display()));
        let pem = std::fs::read(path).map_err(|error| unusable(error.to_string()))?;
        let certificate = reqwest::Certificate::from_pem(&pem).map_err(|error| unusable(error.to_string()))?;
        builder = builder.tls_certs_only([certificate]);
    }
    builder.build().map_err(|error| Failure::other("Client", format!("cannot make a client: {error}")))
}

fn body(args: &ReportArgs) -> Value {
    let mut body = json!({ "metric": args.metric });
    if let Some(period) = args.period {
        body["billingPeriod"] = json!(period.to_string());
    }
    if let Some(days) = args.days {
        body["timePeriod"] = time_period(days);
    }
    body
}

fn time_period(days: DateRange) -> Value {
    json!({ "start": days.start().to_string(), "end": days.end().to_string() })
}

/// The scope that is asked about.
pub(crate) fn scope(args: &ReportArgs) -> Result<Scope, Failure> {
    match (&args.scope, &args.enrollment) {
        (Some(scope), _) => Ok(scope.clone()),
        (None, Some(enrollment)) => Ok(match &args.department {
            Some(id) => Scope::Department { enrollment: Some(enrollment.clone()), id: id.clone() },
            None => Scope::BillingAccount(enrollment.clone()),
        }),
        (None, None) => Err(Failure::refused("Usage", "give --enrollment NUMBER or --scope SCOPE")),
    }
}

fn create_url(args: &ReportArgs) -> Result<Url, Failure> {
    let scope = scope(args)?;
    let base = args.server.trim_end_matches('/');
    let text = format!("{base}/{scope}/providers/Microsoft.CostManagement/generateCostDetailsReport");
    let mut url = Url::parse(&text)
        .map_err(|error| Failure::refused("Usage", format!("--server {:?} is not an address: {error}", args.server)))?;
    {
        let mut query = url.query_pairs_mut();
        query.append_pair("api-version", API_VERSION);
        if let Some(layout) = args.layout {
            query.append_pair("lazurite-layout", layout.name());
        }
        if args.unknown_columns {
            query.append_pair("lazurite-unknown-columns", "true");
        }
        match &args.as_of {
            Some(AsOf::Revision(revision)) => _ = query.append_pair("lazurite-as-of", &revision.to_string()),
            Some(AsOf::Instant(text, _)) if text.contains('T') => _ = query.append_pair("lazurite-as-of", text),
            Some(AsOf::Instant(_, instant)) => _ = query.append_pair("lazurite-as-of", &rfc3339(*instant)),
            None => {}
        }
    }
    Ok(url)
}

fn unreachable(error: &reqwest::Error) -> Failure {
    // The address of a link carries its signature: it is left out.
    let mut reasons = Vec::new();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        reasons.push(error.to_string());
        cause = error.source();
    }
    let reasons = reasons.join(": ");
    let hint = if reasons.contains("UnknownIssuer") {
        "; its certificate is not trusted: give --ca FILE, such as lazurite-data/tls/ca.pem"
    } else if error.is_connect() {
        "; is the server running (lazurite serve), and is --server right?"
    } else {
        ""
    };
    Failure::other("Unreachable", format!("cannot reach the server: {reasons}{hint}"))
}

/// Asks for the report, waits for it and gives its manifest.
async fn ask(client: &Client, args: &ReportArgs, bar: &Bar) -> Result<Value, Failure> {
    let key = args.key.as_deref().ok_or_else(|| {
        Failure::refused(
            "Usage",
            "a server wants an API key: give --key or LAZURITE_KEY (lazurite key create makes one); \
                                   without a server, give --data DIR",
        )
    })?;
    let mut response = client
        .post(create_url(args)?)
        .bearer_auth(key)
        .json(&body(args))
        .send()
        .await
        .map_err(|error| unreachable(&error))?;
    let mut location: Option<String> = None;
    for poll in 0..POLLS_MAX {
        match response.status() {
            StatusCode::ACCEPTED => {}
            StatusCode::OK => return finished(response).await,
            _ => return Err(refused(response).await),
        }
        bar.wait("waiting for the report, polls:", u64::from(poll));
        if let Some(new) = response.headers().get(LOCATION).and_then(|value| value.to_str().ok()) {
            location = Some(new.to_owned());
        }
        let Some(location) = &location else {
            return Err(Failure::other("Protocol", "the server accepted the report without saying where to poll"));
        };
        let seconds = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let pause = seconds.filter(|seconds| *seconds > 0).map_or(POLL_PAUSE, Duration::from_secs);
        tokio::time::sleep(pause).await;
        response = client.get(location).bearer_auth(key).send().await.map_err(|error| unreachable(&error))?;
    }
    Err(Failure::other("Timeout", "the report does not end; look at the server's log"))
}

async fn refused(response: Response) -> Failure {
    let status = response.status();
    let body: Value = response.json().await.unwrap_or_default();
    let code = body["error"]["code"].as_str().unwrap_or("Refused").to_owned();
    let message = body["error"]["message"].as_str().unwrap_or("no reason given").to_owned();
    Failure::refused(&code, format!("the server refused the report ({status}, {code}): {message}"))
}

async fn finished(response: Response) -> Result<Value, Failure> {
    let result: Value = response
        .json()
        .await
        .map_err(|_| Failure::other("Protocol", "the server's answer about the report is not JSON"))?;
    match result["status"].as_str() {
        Some("Completed") => Ok(result["manifest"].clone()),
        Some("NoDataFound") => Err(Failure::refused(
            "NoDataFound",
            "there are no charges in this scope and time; lazurite status shows what is held",
        )),
        _ => {
            let message = result["error"]["message"].as_str().unwrap_or("no reason given");
            Err(Failure::refused("ReportFailed", format!("the report failed: {message}")))
        }
    }
}

/// Copies a blob. Blobs after the first leave out their header line, so that the file is one table.
async fn download(
    client: &Client,
    link: &str,
    keep_header: bool,
    output: &mut Output,
    bar: &Bar,
) -> Result<(), Failure> {
    let mut response = client.get(link).send().await.map_err(|error| unreachable(&error))?;
    if !response.status().is_success() {
        return Err(refused(response).await);
    }
    let mut in_header = !keep_header;
    while let Some(chunk) = response.chunk().await.map_err(|error| unreachable(&error))? {
        let mut rest: &[u8] = &chunk;
        if in_header {
            // Header names hold no line breaks.
            let Some(end) = rest.iter().position(|byte| *byte == b'\n') else { continue };
            rest = &rest[end + 1..];
            in_header = false;
        }
        output.write_all(rest).map_err(|error| unwritten(&error))?;
        bar.bytes("downloading", output.bytes());
    }
    Ok(())
}
