//! Starting and stopping.

use std::time::Duration;

use lazurite_server::{Server, Settings};
use reqwest::{Method, StatusCode};

use crate::world::*;

#[tokio::test]
async fn a_port_in_use_is_told_in_a_sentence() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let mut overrides = overrides(folder.path());
    overrides.listen_tls = Some(world.server.http_url.strip_prefix("http://").unwrap().to_owned());
    let refused = Server::start(Settings::load(None, &overrides).unwrap()).await.unwrap_err().to_string();
    assert!(refused.contains("another program does") && refused.contains("--listen-tls"), "{refused}");
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_told_in_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    for data in [file.clone(), file.join("beneath")] {
        let refused = Server::start(Settings::load(None, &overrides(&data)).unwrap()).await.unwrap_err().to_string();
        assert!(refused.contains("cannot write to the data folder") && refused.contains("--data"), "{refused}");
    }
}

#[tokio::test]
async fn a_stopped_server_starts_again_with_its_orders_and_its_authority() {
    let world = World::start().await;
    let location = world.ordered(&own_scope(), "{}").await;
    let authority = std::fs::read(world.server.ca_path.as_ref().unwrap()).unwrap();
    let (data, key) = (world.data().to_owned(), world.key.clone());
    // A kept-alive connection does not hold the server up.
    assert_eq!(world.ask(Method::GET, "/healthz").send().await.unwrap().status(), StatusCode::OK);
    let World { server, client, folder: _folder, .. } = world;
    let url = server.http_url.clone();
    tokio::time::timeout(Duration::from_secs(5), server.shutdown()).await.unwrap();
    assert!(client.get(format!("{url}/healthz")).send().await.is_err());

    let server = Server::start(Settings::load(None, &overrides(&data)).unwrap()).await.unwrap();
    assert_eq!(std::fs::read(server.ca_path.as_ref().unwrap()).unwrap(), authority);
    let poll = client.get(format!("{}{location}", server.http_url)).bearer_auth(&key).send().await.unwrap();
    assert_eq!(poll.status(), StatusCode::ACCEPTED);
}
