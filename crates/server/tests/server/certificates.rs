//! The owner's certificate and extra names, over real TLS.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lazurite_server::{Overrides, RunningServer, Server, Settings};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use reqwest::tls::TlsInfo;
use reqwest::{Certificate, Client, StatusCode};

use crate::log::Log;
use crate::world::*;

const NAME: &str = "billing.example";

/// An authority of the owner: a root that clients trust and an intermediate that signs.
struct Owner {
    root: Certificate,
    intermediate: CertifiedIssuer<'static, KeyPair>,
}

fn authority_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

impl Owner {
    fn new(name: &str) -> Self {
        let params = authority_params(&format!("{name} root"));
        let root = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let params = authority_params(&format!("{name} intermediate"));
        let intermediate = CertifiedIssuer::signed_by(params, KeyPair::generate().unwrap(), &root).unwrap();
        Self { root: Certificate::from_pem(root.pem().as_bytes()).unwrap(), intermediate }
    }

    /// Writes a new certificate with its chain and its key, and gives the certificate itself.
    fn write(&self, files: &(PathBuf, PathBuf)) -> Vec<u8> {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([NAME.to_owned()]).unwrap();
        let leaf = params.signed_by(&key, &self.intermediate).unwrap();
        std::fs::write(&files.1, key.serialize_pem()).unwrap();
        std::fs::write(&files.0, format!("{}{}", leaf.pem(), self.intermediate.pem())).unwrap();
        leaf.der().to_vec()
    }

    fn client(&self, server: &RunningServer) -> Client {
        client([self.root.clone()], server, &[NAME])
    }
}

fn client(roots: impl IntoIterator<Item = Certificate>, server: &RunningServer, names: &[&str]) -> Client {
    let address: SocketAddr = server.https_url.strip_prefix("https://").unwrap().parse().unwrap();
    let client = Client::builder().no_proxy().tls_info(true).tls_certs_only(roots);
    names.iter().fold(client, |client, name| client.resolve(name, address)).build().unwrap()
}

fn url(server: &RunningServer, name: &str, path: &str) -> String {
    format!("https://{name}:{}{path}", server.https_url.rsplit_once(':').unwrap().1)
}

fn files(folder: &Path) -> (PathBuf, PathBuf) {
    (folder.join("chain.pem"), folder.join("key.pem"))
}

fn settings(data: &Path, (certificate, key): &(PathBuf, PathBuf)) -> Settings {
    let overrides =
        Overrides { tls_certificate: Some(certificate.clone()), tls_key: Some(key.clone()), ..overrides(data) };
    Settings { tls_look: Duration::from_millis(5), ..Settings::load(None, &overrides).unwrap() }
}

/// The certificate that a new or kept connection of the client was shown.
async fn shown(client: &Client, server: &RunningServer) -> Option<Vec<u8>> {
    let answer = client.get(url(server, NAME, "/healthz")).send().await.ok()?;
    assert_eq!(answer.status(), StatusCode::OK);
    answer.extensions().get::<TlsInfo>()?.peer_certificate().map(<[u8]>::to_vec)
}

#[tokio::test]
async fn the_owners_chain_is_served_and_no_authority_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let files = files(folder.path());
    let owner = Owner::new("first");
    let leaf = owner.write(&files);
    let data = folder.path().join("data");
    let server = Server::start(settings(&data, &files)).await.unwrap();
    // The client knows the root alone: the chain came with the certificate.
    assert_eq!(shown(&owner.client(&server), &server).await, Some(leaf));
    assert_eq!(server.ca_path, None);
    assert!(!data.join("tls").exists());
    assert_eq!(shown(&Owner::new("second").client(&server), &server).await, None);
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_renewed_certificate_is_taken_over_and_a_broken_one_is_not() {
    let log = Log::start();
    let folder = tempfile::tempdir().unwrap();
    let files = files(folder.path());
    let (old, new) = (Owner::new("old"), Owner::new("new"));
    let first = old.write(&files);
    let server = Server::start(settings(&folder.path().join("data"), &files)).await.unwrap();
    let kept = old.client(&server);
    assert_eq!(shown(&kept, &server).await, Some(first.clone()));

    // Half a renewal: the pair before it stays in use, and the log says why.
    let (chain, key) = (std::fs::read(&files.0).unwrap(), std::fs::read(&files.1).unwrap());
    std::fs::write(&files.1, KeyPair::generate().unwrap().serialize_pem()).unwrap();
    log.wait_for(&format!("stays in use: cannot use {}: the key", files.0.display())).await;
    assert_eq!(shown(&old.client(&server), &server).await, Some(first.clone()));
    std::fs::write(&files.0, &chain).unwrap();
    std::fs::write(&files.1, &key).unwrap();

    let second = new.write(&files);
    log.wait_for(&format!("took over the changed certificate {}", files.0.display())).await;
    let renewed = async { while shown(&new.client(&server), &server).await.is_none_or(|shown| shown != second) {} };
    tokio::time::timeout(Duration::from_secs(60), renewed).await.unwrap();
    // The connection from before goes on; a new one would be refused.
    assert_eq!(shown(&kept, &server).await, Some(first));
    assert_eq!(shown(&old.client(&server), &server).await, None);
    let (log, new_key) = (log.text(), std::fs::read(&files.1).unwrap());
    for key in [key, new_key] {
        let key = String::from_utf8(key).unwrap();
        assert!(!key.lines().filter(|line| !line.starts_with("-----")).any(|line| log.contains(line)));
    }
    server.shutdown().await;
}

#[tokio::test]
async fn a_bad_pair_stops_the_start_and_names_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let files = files(folder.path());
    let owner = Owner::new("owner");
    owner.write(&files);
    std::fs::write(&files.1, KeyPair::generate().unwrap().serialize_pem()).unwrap();
    let refused = Server::start(settings(&folder.path().join("data"), &files)).await.unwrap_err().to_string();
    assert!(refused.contains("chain.pem") && refused.contains("does not belong"), "{refused}");
    std::fs::remove_file(&files.0).unwrap();
    let refused = Server::start(settings(&folder.path().join("data"), &files)).await.unwrap_err().to_string();
    assert!(refused.contains("chain.pem") && refused.contains("--tls-certificate"), "{refused}");
}

#[tokio::test]
async fn hard_coded_hosts_reach_a_server_that_has_their_names() {
    const HOSTS: [&str; 3] = ["management.azure.com", "consumption.azure.com", "management.chinacloudapi.cn"];
    let world = World::start_with(|settings| settings.tls_names = Some(HOSTS.map(str::to_owned).into())).await;
    let authority = std::fs::read(world.server.ca_path.as_ref().unwrap()).unwrap();
    let names = [&HOSTS[..], &["ea.azure.com"]].concat();
    let client = client([Certificate::from_pem(&authority).unwrap()], &world.server, &names);
    for host in HOSTS {
        let order = client.post(url(&world.server, host, &create_path(&own_scope(), VERSION)));
        let answer = order.bearer_auth(&world.key).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::ACCEPTED);
        // The program goes on at the host that it knows.
        let location = header(&answer, "location");
        assert!(location.starts_with(&url(&world.server, host, "/providers/")), "{location}");
        let poll = client.get(location).bearer_auth(&world.key).send().await.unwrap();
        assert_eq!(poll.status(), StatusCode::ACCEPTED);
    }
    let unnamed = client.get(url(&world.server, "ea.azure.com", "/healthz")).send().await;
    assert!(unnamed.is_err());
}
