//! Between the commit of the lake and the record of the catalog.

use lazurite_imports::{Store, verify};
use sqlx::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

use crate::support::{A, Bench, actual, export};

async fn connection(bench: &Bench) -> SqliteConnection {
    let file = bench.folder.path().join("data/catalog.sqlite");
    SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(file)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_whose_commit_the_catalog_refuses_stands_and_is_taken_over_later() {
    let bench = Bench::new().await;
    bench.import(actual(bench.file("a.csv", export(&[(A, "09/01/2023", "1")])))).await.unwrap();
    let mut catalog = connection(&bench).await;
    sqlx::raw_sql("CREATE TRIGGER fault BEFORE INSERT ON imports BEGIN SELECT RAISE(ABORT, 'fault'); END")
        .execute(&mut catalog)
        .await
        .unwrap();
    let newer = actual(bench.file("b.csv", export(&[(A, "09/01/2023", "2")])));
    let done = bench.import(newer.clone()).await.unwrap();
    assert_eq!(done.imported[0].revision.as_deref(), Some("2"));
    assert_eq!(bench.store.catalog().lake_progress().await.unwrap(), Some(1), "the catalog did not hear of it");
    assert!(Store::open(&bench.folder.path().join("data")).await.is_err(), "it still does not");

    sqlx::raw_sql("DROP TRIGGER fault").execute(&mut catalog).await.unwrap();
    let store = Store::open(&bench.folder.path().join("data")).await.unwrap();
    let held = store.catalog().held_at(2).await.unwrap();
    assert_eq!(held.iter().map(|holding| holding.revision.as_str()).collect::<Vec<_>>(), ["2"]);
    assert!(verify(&store, &|_, _| {}).await.unwrap().is_ok());
    assert!(bench.import(newer).await.unwrap().imported[0].unchanged);
}

/// Another process may hold the database for a moment, in the middle of an import.
#[tokio::test(flavor = "multi_thread")]
async fn an_import_waits_for_a_locked_catalog() {
    let bench = Bench::new().await;
    bench.import(actual(bench.file("a.csv", export(&[(A, "09/01/2023", "1")])))).await.unwrap();
    let mut catalog = connection(&bench).await;
    sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut catalog).await.unwrap();
    let newer = actual(bench.file("b.csv", export(&[(A, "09/01/2023", "2")])));
    let release = async {
        while bench.version().await < 2 {
            tokio::task::yield_now().await;
        }
        sqlx::raw_sql("COMMIT").execute(&mut catalog).await.unwrap();
    };
    let (done, ()) = tokio::join!(bench.import(newer), release);
    assert_eq!(done.unwrap().imported[0].revision.as_deref(), Some("2"));
    assert_eq!(bench.store.catalog().lake_progress().await.unwrap(), Some(2));
}
