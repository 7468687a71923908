//! TLS, under the names that Redis gives it.

use super::Section;
use crate::config::choice::TlsAuthClients;
use crate::config::parameter::{INT, choice, number, one_of, text, yes_no};

/// `tls-protocols`: names of protocol versions; the old ones are not spoken.
fn protocols(names: &str) -> Result<(), &'static str> {
    let known = |name: &str| {
        ["TLSv1.2", "TLSv1.3"]
            .iter()
            .any(|known| known.eq_ignore_ascii_case(name))
    };
    if names.split_whitespace().all(known) {
        Ok(())
    } else {
        Err("only TLSv1.2 and TLSv1.3 are supported")
    }
}

pub(super) const SECTION: Section = Section {
    name: "tls",
    title: "TLS",
    parameters: &[
        number("tls-port", 0, 65_535, "0").honoured("TLS port; 0 means no TLS."),
        text("tls-cert-file", "").reapplied().honoured("The server's certificate chain, PEM."),
        text("tls-key-file", "").reapplied().honoured("The server's private key, PEM."),
        text("tls-ca-cert-file", "").reapplied().honoured("Certificates that sign the clients' certificates, PEM."),
        text("tls-ca-cert-dir", "").reapplied().honoured("Directory of such certificates."),
        choice::<TlsAuthClients>("tls-auth-clients", "yes")
            .honoured("Whether clients must show a certificate: no, yes, or optional. Without a CA none is asked for by default."),
        text("tls-protocols", "").checked(protocols).honoured("Protocol versions: TLSv1.2, TLSv1.3, or both; empty means both."),
        text("tls-key-file-pass", "")
            .secret()
            .only("", "encrypted private keys are not supported; decrypt the key with openssl")
            .kept("Password of the private key."),
        one_of("tls-auth-clients-user", &["off", "cn", "uri"], "off")
            .only("off", "users are not taken from certificates")
            .kept("Take the user's name from the client's certificate."),
        number("tls-auto-reload-interval", 0, INT, "0").kept("Seconds between reloads of the certificates; CONFIG SET of a file reloads it."),
        text("tls-ciphers", "").kept("TLSv1.2 ciphers; Larder offers only safe ones."),
        text("tls-ciphersuites", "").kept("TLSv1.3 cipher suites; Larder offers only safe ones."),
        text("tls-client-cert-file", "").kept("Certificate for outgoing connections."),
        text("tls-client-key-file", "").kept("Private key for outgoing connections."),
        text("tls-client-key-file-pass", "").secret().kept("Password of that key."),
        yes_no("tls-cluster", "no").kept("TLS between cluster nodes."),
        text("tls-dh-params-file", "").kept("Diffie-Hellman parameters; Larder needs none."),
        number("max-new-tls-connections-per-cycle", 1, 1000, "1").kept("TLS connections accepted in one go."),
        yes_no("tls-prefer-server-ciphers", "no").kept("Whose order of ciphers counts."),
        yes_no("tls-replication", "no").kept("TLS towards the primary."),
        number("tls-session-cache-size", 0, INT, "20480").kept("TLS sessions remembered."),
        number("tls-session-cache-timeout", 0, INT, "300").kept("Seconds for which a TLS session is remembered."),
        yes_no("tls-session-caching", "yes").kept("Whether TLS sessions are remembered."),
    ],
};
