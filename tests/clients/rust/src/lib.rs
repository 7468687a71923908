//! What the programs in this folder share: where the server is, and how a check ends.

use std::{env, fmt::Debug, future::Future, time::Duration};

/// Where the server is, for a client that speaks `protocol` ("resp2" or "resp3").
pub fn url(protocol: &str) -> String {
    let port = env::var("LARDER_PORT").expect("LARDER_PORT is the server's port");
    format!("redis://127.0.0.1:{port}/?protocol={protocol}")
}

/// Fails unless `result` is an error that says `text`.
pub fn fails<T: Debug, E: ToString + Debug>(result: Result<T, E>, text: &str) {
    let error = result.expect_err("this must fail").to_string();
    assert!(
        error.contains(text),
        "wanted an error with {text:?}, got {error:?}"
    );
}

/// Waits for what must come within ten seconds.
pub async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(Duration::from_secs(10), future).await {
        Ok(found) => found,
        Err(_) => panic!("waited in vain: {what}"),
    }
}

/// The one line that tells what was checked; the version is the one that the lock file has.
pub fn done(library: &str, told: &str) {
    let lock = include_str!("../Cargo.lock");
    let entry = lock
        .split(&format!("name = \"{library}\"\nversion = \""))
        .nth(1)
        .expect("the lock file has the library");
    println!(
        "{library} {}: {told}",
        entry
            .split('"')
            .next()
            .expect("split gives one part at least")
    );
}
