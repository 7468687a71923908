//! TLS: handshakes, client certificates, big replies, clients that misbehave.

mod support;

use std::io::Write as _;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use larder::clock::Clock;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use support::{Client, Server};

/// A certificate authority, a certificate for `localhost` and one for a client, made once by openssl.
fn folder() -> Option<&'static PathBuf> {
    static FOLDER: OnceLock<Option<PathBuf>> = OnceLock::new();
    FOLDER
        .get_or_init(|| {
            let folder = std::env::temp_dir().join(format!("larder-tls-{}", std::process::id()));
            std::fs::create_dir_all(&folder).unwrap();
            let script = "
                set -e
                openssl ecparam -name prime256v1 -genkey -noout -out ca.key
                openssl req -x509 -new -key ca.key -subj /CN=ca -days 2 -out ca.crt
                for name in localhost client; do
                    openssl ecparam -name prime256v1 -genkey -noout -out $name.key
                    openssl req -new -key $name.key -subj /CN=$name -out $name.csr
                    printf 'subjectAltName=DNS:%s' $name > $name.ext
                    openssl x509 -req -in $name.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile $name.ext -out $name.crt
                done";
            let made = Command::new("sh").args(["-c", script]).current_dir(&folder).output();
            if made.is_ok_and(|output| output.status.success()) {
                Some(folder)
            } else {
                eprintln!("skipped: openssl is not there");
                None
            }
        })
        .as_ref()
}

fn file(name: &str) -> String {
    folder().unwrap().join(name).to_str().unwrap().to_owned()
}

/// A server with TLS on a free port, and that port.
fn server(parameters: &[(&str, &str)]) -> (Server, u16) {
    let port = support::free_port();
    let (text, cert, key) = (
        port.to_string(),
        file("localhost.crt"),
        file("localhost.key"),
    );
    let mut all = vec![
        ("tls-port", text.as_str()),
        ("tls-cert-file", &cert),
        ("tls-key-file", &key),
    ];
    all.extend(parameters);
    (Server::start(&all), port)
}

type TlsClient = Client<StreamOwned<ClientConnection, TcpStream>>;

fn connect(port: u16, certificate: Option<&str>) -> TlsClient {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(file("ca.crt")).unwrap())
        .unwrap();
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = builder.with_root_certificates(roots);
    let config = match certificate {
        Some(name) => {
            let chain = vec![CertificateDer::from_pem_file(file(&format!("{name}.crt"))).unwrap()];
            let key = PrivateKeyDer::from_pem_file(file(&format!("{name}.key"))).unwrap();
            builder.with_client_auth_cert(chain, key).unwrap()
        }
        None => builder.with_no_client_auth(),
    };
    let session =
        ClientConnection::new(Arc::new(config), ServerName::try_from("localhost").unwrap())
            .unwrap();
    let socket = TcpStream::connect(("127.0.0.1", port)).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    Client::over(StreamOwned::new(session, socket))
}

#[test]
fn tls_and_plain_clients_are_served_side_by_side() {
    if folder().is_none() {
        return;
    }
    let (server, port) = server(&[]);
    let mut secret = connect(port, None);
    secret.ask(&["SET", "k", "v"], "+OK\r\n");
    server.client().ask(&["GET", "k"], "$1\r\nv\r\n");
    for _ in 0..100 {
        secret.ask(&["GET", "k"], "$1\r\nv\r\n");
    }
}

#[test]
fn big_values_travel_both_ways() {
    if folder().is_none() {
        return;
    }
    let (_server, port) = server(&[]);
    let mut client = connect(port, None);
    let value = "0123456789".repeat(300_000);
    client.ask(&["SET", "big", &value], "+OK\r\n");
    client.send("GET big\r\n".repeat(5));
    for _ in 0..5 {
        client.expect("$3000000\r\n");
        assert_eq!(client.take(3_000_002).len(), 3_000_002);
    }
    let requests: String = (0..3000)
        .map(|n| format!("*2\r\n$4\r\nECHO\r\n$4\r\n{n:04}\r\n"))
        .collect();
    let replies: String = (0..3000).map(|n| format!("$4\r\n{n:04}\r\n")).collect();
    client.ask_raw(requests, replies);
}

#[test]
fn without_an_authority_no_certificate_is_asked_for_and_with_one_it_is_required() {
    if folder().is_none() {
        return;
    }
    let authority = file("ca.crt");
    let (_open, port) = server(&[]);
    connect(port, None).ask(&["PING"], "+PONG\r\n");

    let (_strict, port) = server(&[("tls-ca-cert-file", &authority)]);
    connect(port, Some("client")).ask(&["PING"], "+PONG\r\n");
    assert!(!is_served(port));

    let (_optional, port) = server(&[
        ("tls-ca-cert-file", &authority),
        ("tls-auth-clients", "optional"),
    ]);
    connect(port, Some("client")).ask(&["PING"], "+PONG\r\n");
    assert!(is_served(port));
}

/// Whether a client without a certificate gets an answer.
fn is_served(port: u16) -> bool {
    let mut client = connect(port, None);
    client.try_send("PING\r\n").is_ok()
        && std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| client.brings(b"+PONG\r\n")))
            .unwrap_or(false)
}

#[test]
fn plain_text_on_the_tls_port_harms_nobody() {
    if folder().is_none() {
        return;
    }
    let (server, port) = server(&[]);
    let mut wrong = TcpStream::connect(("127.0.0.1", port)).unwrap();
    wrong.write_all(b"PING\r\nPING\r\nPING\r\n").unwrap();
    let silent = TcpStream::connect(("127.0.0.1", port)).unwrap();
    connect(port, None).ask(&["PING"], "+PONG\r\n");
    drop(silent);
    server.client().ask(&["PING"], "+PONG\r\n");
}

#[test]
fn certificates_are_read_again_and_bad_ones_refused() {
    if folder().is_none() {
        return;
    }
    let (server, port) = server(&[]);
    let settings = &server.inside().settings;
    let error = settings
        .set(&[(b"tls-cert-file", b"/no/such/file")], true)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("Unable to update TLS configuration. Check server logs."),
        "{error}"
    );
    connect(port, None).ask(&["PING"], "+PONG\r\n");
    settings
        .set(
            &[(b"tls-cert-file", file("localhost.crt").as_bytes())],
            true,
        )
        .unwrap();
    connect(port, None).ask(&["PING"], "+PONG\r\n");
}

#[test]
fn a_key_that_does_not_fit_stops_the_start() {
    if folder().is_none() {
        return;
    }
    let (cert, key) = (file("localhost.crt"), file("client.key"));
    let wrong = [
        ("tls-port", "1"),
        ("tls-cert-file", cert.as_str()),
        ("tls-key-file", &key),
    ];
    let Err(why) = Server::try_start(Clock::System, &wrong) else {
        panic!("it starts")
    };
    assert!(
        why.to_string()
            .starts_with("TLS: tls-cert-file and tls-key-file do not go together"),
        "{why}"
    );
}

#[test]
fn redis_cli_speaks_tls_with_the_server() {
    if folder().is_none() {
        return;
    }
    let (_server, port) = server(&[]);
    let output = Command::new("redis-cli")
        .args([
            "--tls",
            "--cacert",
            &file("ca.crt"),
            "-h",
            "localhost",
            "-p",
            &port.to_string(),
            "ping",
        ])
        .output();
    match output {
        Ok(output) => assert_eq!(String::from_utf8_lossy(&output.stdout), "PONG\n"),
        Err(_) => eprintln!("skipped: redis-cli is not there"),
    }
}
