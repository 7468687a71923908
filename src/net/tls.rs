//! TLS as the settings describe it: certificates, key, who must show a certificate, versions.
//!
//! The configuration is built whole or not at all; connections that exist keep the one that they began with.

use std::path::Path;
use std::sync::Arc;

use parking_lot::RwLock;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};

use crate::config::Settings;
use crate::config::choice::TlsAuthClients;

/// The configuration that new TLS connections get; none while TLS is off.
#[derive(Debug, Default)]
pub(super) struct Tls(RwLock<Option<Arc<ServerConfig>>>);

impl Tls {
    /// Reads certificates and keys again; forgets them if TLS is off.
    ///
    /// # Errors
    /// One line that names the setting and what is wrong with it. What was loaded before stays.
    pub(super) fn reload(&self, settings: &Settings) -> Result<(), String> {
        let config = if settings.tls_port() == 0 {
            None
        } else {
            Some(Arc::new(build(settings)?))
        };
        *self.0.write() = config;
        Ok(())
    }

    /// What a new connection shall use.
    pub(super) fn current(&self) -> Option<Arc<ServerConfig>> {
        self.0.read().clone()
    }
}

fn build(settings: &Settings) -> Result<ServerConfig, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let chain = certificates("tls-cert-file", &settings.tls_cert_file())?;
    let key_file = settings.tls_key_file();
    let key = match &*key_file {
        "" => return Err("tls-port is set but tls-key-file is not".into()),
        path => PrivateKeyDer::from_pem_file(path)
            .map_err(|why| unreadable("tls-key-file", path, &why))?,
    };
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&versions(&settings.tls_protocols()))
        .map_err(|why| format!("tls-protocols: {why}"))?;
    let builder = match client_verifier(settings, provider)? {
        Some(verifier) => builder.with_client_cert_verifier(verifier),
        None => builder.with_no_client_auth(),
    };
    builder
        .with_single_cert(chain, key)
        .map_err(|why| format!("tls-cert-file and tls-key-file do not go together: {why}"))
}

fn client_verifier(
    settings: &Settings,
    provider: Arc<rustls::crypto::CryptoProvider>,
) -> Result<Option<Arc<dyn ClientCertVerifier>>, String> {
    let wanted = settings.client_certificates();
    if wanted == TlsAuthClients::No {
        return Ok(None);
    }
    let roots = authorities(settings)?;
    if roots.is_empty() {
        return Err("tls-auth-clients asks for certificates, but neither tls-ca-cert-file nor tls-ca-cert-dir names who signs them".into());
    }
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    let builder = if wanted == TlsAuthClients::Optional {
        builder.allow_unauthenticated()
    } else {
        builder
    };
    match builder.build() {
        Ok(verifier) => Ok(Some(verifier)),
        Err(why) => Err(format!("tls-ca-cert-file: {why}")),
    }
}

/// Those whose signature under a client's certificate counts.
fn authorities(settings: &Settings) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    let file = settings.tls_ca_cert_file();
    if !file.is_empty() {
        for certificate in certificates("tls-ca-cert-file", &file)? {
            roots
                .add(certificate)
                .map_err(|why| unreadable("tls-ca-cert-file", &file, &why))?;
        }
    }
    let folder = settings.tls_ca_cert_dir();
    if !folder.is_empty() {
        let entries = std::fs::read_dir(&*folder)
            .map_err(|why| unreadable("tls-ca-cert-dir", &folder, &why))?;
        // Such folders hold other things too (links by hash, lists of revoked certificates): what is no certificate is skipped.
        for path in entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.is_file())
        {
            roots.add_parsable_certificates(read_certificates(&path).unwrap_or_default());
        }
    }
    Ok(roots)
}

fn certificates(setting: &str, path: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    if path.is_empty() {
        return Err(format!("tls-port is set but {setting} is not"));
    }
    match read_certificates(Path::new(path)) {
        Ok(found) if found.is_empty() => Err(format!("{setting}: '{path}' holds no certificate")),
        Ok(found) => Ok(found),
        Err(why) => Err(unreadable(setting, path, &why)),
    }
}

fn read_certificates(
    path: &Path,
) -> Result<Vec<CertificateDer<'static>>, rustls::pki_types::pem::Error> {
    CertificateDer::pem_file_iter(path)?.collect()
}

fn unreadable(setting: &str, path: &str, why: &dyn std::fmt::Display) -> String {
    format!("{setting}: cannot use '{path}': {why}")
}

/// The versions named, or all.
fn versions(names: &str) -> Vec<&'static SupportedProtocolVersion> {
    let wanted = |name: &str| {
        names.is_empty()
            || names
                .split_whitespace()
                .any(|word| word.eq_ignore_ascii_case(name))
    };
    let mut versions = Vec::new();
    if wanted("TLSv1.2") {
        versions.push(&rustls::version::TLS12);
    }
    if wanted("TLSv1.3") {
        versions.push(&rustls::version::TLS13);
    }
    versions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named() {
        let settings = Settings::new();
        let tls = Tls::default();
        tls.reload(&settings).unwrap();
        assert!(tls.current().is_none());
        settings.set(&[(b"tls-port", b"6390")], true).unwrap();
        assert_eq!(
            tls.reload(&settings).unwrap_err(),
            "tls-port is set but tls-cert-file is not"
        );
        settings
            .set(&[(b"tls-cert-file", b"/no/such/file.crt")], true)
            .unwrap();
        let error = tls.reload(&settings).unwrap_err();
        assert!(
            error.starts_with("tls-cert-file: cannot use '/no/such/file.crt': "),
            "{error}"
        );
    }

    #[test]
    fn versions_are_those_named() {
        assert_eq!(versions("").len(), 2);
        assert_eq!(versions("TLSv1.3"), [&rustls::version::TLS13]);
        assert_eq!(versions("tlsv1.2 TLSv1.3").len(), 2);
    }
}
