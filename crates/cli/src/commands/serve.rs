//! `lazurite serve`.

use std::process::ExitCode;
use std::time::Duration;

use imports::Store;
use lake::leftover::{COLLECTION_PAUSE, ORPHAN_AGE};
use serde_json::json;
use server::{Overrides, RunningServer, Server, ServerError, Settings};
use tokio::task::JoinHandle;

use crate::args::ServeArgs;
use crate::commands::demo::absolute;
use crate::failure::Failure;

/// How often a running server takes over imports whose program ended before it told the catalog.
const HEAL_PAUSE: Duration = Duration::from_secs(5);

impl From<ServerError> for Failure {
    fn from(error: ServerError) -> Self {
        match error {
            ServerError::Setting { .. } => Self::refused("Setting", error.to_string()),
            ServerError::OwnerCertificate { .. } => Self::refused("Certificate", error.to_string()),
            error => Self::other("Start", error.to_string()),
        }
    }
}

pub(crate) async fn run(args: ServeArgs) -> Result<ExitCode, Failure> {
    let overrides = Overrides {
        data: args.data,
        listen: args.listen,
        listen_tls: args.listen_tls,
        public_url: args.public_url,
        retry_after: args.retry_after,
        blob_bytes_max: args.blob_bytes_max,
        link_life: args.link_life,
        layout: args.layout.map(|layout| layout.name().to_owned()),
        emulate: args.emulate.then_some(true),
        clock: args.clock,
        tls_names: (!args.tls_names.is_empty()).then_some(args.tls_names),
        tls_certificate: args.tls_certificate,
        tls_key: args.tls_key,
        ..Overrides::default()
    };
    let settings = Settings::load(args.config.as_deref(), &overrides)?;
    let (server, upkeep) = start(settings).await?;
    if args.json {
        let ca = server.ca_path.as_deref().map(absolute);
        println!("{}", json!({ "event": "ready", "http": server.http_url, "https": server.https_url, "ca": ca }));
    } else {
        println!("Lazurite answers on {} and {}", server.http_url, server.https_url);
        match &server.ca_path {
            Some(ca) => println!("HTTPS clients trust {}", absolute(ca)),
            None => println!("HTTPS clients must trust the authority of your own certificate"),
        }
        println!("Stop with Ctrl-C.");
    }
    until_stopped(server, upkeep).await;
    Ok(ExitCode::SUCCESS)
}

/// Brings lake and catalog into agreement, serves the store, and keeps them in agreement.
pub(crate) async fn start(settings: Settings) -> Result<(RunningServer, JoinHandle<()>), Failure> {
    let folder = settings.data.clone();
    // A store is healed before it answers. Whatever is wrong with the folder, the server has the better sentence for it.
    let healed = Store::open_existing(&folder).await.ok();
    let server = Server::start(settings).await?;
    let store = match healed {
        Some(store) => store,
        None => Store::open(&folder).await?,
    };
    let upkeep = tokio::spawn(async move {
        tokio::join!(heal(&store), collect(&store));
    });
    Ok((server, upkeep))
}

async fn heal(store: &Store) {
    loop {
        tokio::time::sleep(HEAL_PAUSE).await;
        if let Err(error) = store.heal().await {
            tracing::error!(%error, "cannot take over imports: {error}");
        }
    }
}

async fn collect(store: &Store) {
    loop {
        if let Err(error) = store.collect_orphans(ORPHAN_AGE).await {
            tracing::error!(%error, "cannot collect what dead imports left: {error}");
        }
        match store.compact().await {
            Ok(merged) if merged.sets == 0 => {}
            Ok(merged) => {
                tracing::info!(files = merged.files, rows = merged.rows, "merged {} small files", merged.files)
            }
            Err(error) => tracing::error!(%error, "cannot merge small files: {error}"),
        }
        tokio::time::sleep(COLLECTION_PAUSE).await;
    }
}

/// Waits for Ctrl-C or the termination signal, then stops in order.
pub(crate) async fn until_stopped(server: RunningServer, upkeep: JoinHandle<()>) {
    stop_signal().await;
    tracing::info!("stopping");
    upkeep.abort();
    server.shutdown().await;
}

#[cfg(unix)]
async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminated) => {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminated.recv() => {}
            }
        }
        Err(_) => _ = tokio::signal::ctrl_c().await,
    }
}

#[cfg(not(unix))]
async fn stop_signal() {
    _ = tokio::signal::ctrl_c().await;
}
