//! Where the server listens: from the words of `bind` and the ports to open sockets.
//!
//! As in Redis, an address family that the machine lacks is no error, a `-` before an address forgives that the address
//! is missing, and an address in use never is forgiven.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs as _};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use socket2::{Domain, SockAddr, Socket, Type};

use super::error::StartError;
use crate::config::Settings;
use crate::session::Transport;

/// One place to listen on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Endpoint {
    /// What connections to it speak.
    pub(super) transport: Transport,
    /// Where it is.
    pub(super) place: Place,
    /// A missing address is no error.
    pub(super) optional: bool,
}

/// The address of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// An address and port.
    Ip(SocketAddr),
    /// A path, and the permissions it shall get (0: as they come).
    Path(PathBuf, u32),
}

/// An endpoint that is being listened on.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) endpoint: Endpoint,
    pub(super) socket: Socket,
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.place {
            Place::Ip(address) if self.transport == Transport::Tls => write!(f, "{address} (TLS)"),
            Place::Ip(address) => write!(f, "{address}"),
            Place::Path(path, _) => write!(f, "{}", path.display()),
        }
    }
}

/// All endpoints that the settings ask for. With `any_port`, port 0 means "any free one" instead of "none".
///
/// # Errors
/// A word of `bind` is neither an address nor a known name.
pub(super) fn endpoints(settings: &Settings, any_port: bool) -> Result<Vec<Endpoint>, StartError> {
    let mut all = Vec::new();
    let plain = (settings.port() != 0 || any_port).then(|| (Transport::Tcp, settings.port()));
    let tls = (settings.tls_port() != 0).then(|| (Transport::Tls, settings.tls_port()));
    for (transport, port) in plain.into_iter().chain(tls) {
        for word in settings.bind().split_whitespace() {
            let (name, optional) = match word.strip_prefix('-') {
                Some(name) => (name, true),
                None => (word, false),
            };
            match resolve(name, port) {
                Ok(address) => all.push(Endpoint {
                    transport,
                    place: Place::Ip(address),
                    optional,
                }),
                Err(_) if optional => {}
                Err(why) => {
                    return Err(StartError::Listen {
                        endpoint: format!("{name}:{port}"),
                        why,
                    });
                }
            }
        }
    }
    let path = settings.unixsocket();
    if !path.is_empty() {
        let place = Place::Path(PathBuf::from(&*path), settings.unixsocketperm());
        all.push(Endpoint {
            transport: Transport::Unix,
            place,
            optional: false,
        });
    }
    Ok(all)
}

fn resolve(name: &str, port: u16) -> io::Result<SocketAddr> {
    let ip: IpAddr = match name {
        "*" => Ipv4Addr::UNSPECIFIED.into(),
        "::*" => Ipv6Addr::UNSPECIFIED.into(),
        _ => match name.parse() {
            Ok(ip) => ip,
            Err(_) => {
                let mut found = (name, port).to_socket_addrs()?;
                return found
                    .next()
                    .ok_or_else(|| io::ErrorKind::AddrNotAvailable.into());
            }
        },
    };
    Ok(SocketAddr::new(ip, port))
}

/// Listens on an endpoint; `None` if it is missing and that is forgiven.
///
/// # Errors
/// The endpoint and what the system says.
pub(super) fn open(endpoint: Endpoint, backlog: u32) -> Result<Option<Open>, StartError> {
    let backlog = i32::try_from(backlog).unwrap_or(i32::MAX);
    let opened = match &endpoint.place {
        Place::Ip(address) => open_ip(*address, backlog),
        Place::Path(path, permissions) => open_path(path, *permissions, backlog),
    };
    match opened {
        Ok(socket) => Ok(Some(Open { endpoint, socket })),
        Err(why) if is_forgiven(&why, endpoint.optional) => {
            tracing::debug!("Not listening on {endpoint}: {why}");
            Ok(None)
        }
        Err(why) => Err(StartError::Listen {
            endpoint: endpoint.to_string(),
            why,
        }),
    }
}

/// Listens on all of them; none is left open if one fails.
///
/// # Errors
/// The first that fails.
pub(super) fn open_all(endpoints: Vec<Endpoint>, backlog: u32) -> Result<Vec<Open>, StartError> {
    let mut all = Vec::with_capacity(endpoints.len());
    for endpoint in endpoints {
        all.extend(open(endpoint, backlog)?);
    }
    Ok(all)
}

fn open_ip(address: SocketAddr, backlog: i32) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    if address.is_ipv6() {
        // IPv4 has listeners of its own, and both may use the same port.
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(backlog)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

fn open_path(path: &Path, permissions: u32, backlog: i32) -> io::Result<Socket> {
    remove_stale(path)?;
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.bind(&SockAddr::unix(path)?)?;
    if permissions != 0 {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(permissions))?;
    }
    socket.listen(backlog)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// Removes what a server that was killed has left at `path`: a socket that nobody answers on, nothing else.
fn remove_stale(path: &Path) -> io::Result<()> {
    match std::fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "a file of this name exists that is no socket",
        )),
        Ok(_) if UnixStream::connect(path).is_ok() => Err(io::ErrorKind::AddrInUse.into()),
        Ok(_) => std::fs::remove_file(path),
        Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(why) => Err(why),
    }
}

fn is_forgiven(why: &io::Error, optional: bool) -> bool {
    match why.raw_os_error() {
        Some(
            libc::EAFNOSUPPORT
            | libc::EPROTONOSUPPORT
            | libc::ESOCKTNOSUPPORT
            | libc::EPFNOSUPPORT
            | libc::ENOPROTOOPT,
        ) => true,
        Some(libc::EADDRNOTAVAIL) => optional,
        _ => false,
    }
}

impl Open {
    /// The address that it got, which tells the port if any was asked for; `None` for a Unix socket.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        self.socket.local_addr().ok()?.as_socket()
    }

    /// Whether others than this machine can reach it.
    pub(super) fn is_public(&self) -> bool {
        self.address()
            .is_some_and(|address| !address.ip().is_loopback())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(place: Place, optional: bool) -> Endpoint {
        Endpoint {
            transport: Transport::Tcp,
            place,
            optional,
        }
    }

    #[test]
    fn the_words_of_bind_become_endpoints() {
        let settings = Settings::new();
        settings
            .set(&[(b"bind", b"* -::1 127.0.0.1")], true)
            .unwrap();
        let found = endpoints(&settings, false).unwrap();
        let shown: Vec<_> = found.iter().map(|e| (e.to_string(), e.optional)).collect();
        let expected = [
            ("0.0.0.0:6379", false),
            ("[::1]:6379", true),
            ("127.0.0.1:6379", false),
        ];
        assert_eq!(
            shown,
            expected.map(|(text, optional)| (text.to_owned(), optional))
        );
    }

    #[test]
    fn port_zero_is_no_endpoint() {
        let settings = Settings::new();
        settings.set(&[(b"port", b"0")], true).unwrap();
        assert_eq!(endpoints(&settings, false).unwrap(), []);
        assert!(!endpoints(&settings, true).unwrap().is_empty());
    }

    #[test]
    fn a_missing_address_is_forgiven_only_if_optional() {
        // TEST-NET-1 of RFC 5737: no machine has it.
        let missing = Place::Ip("192.0.2.1:0".parse().unwrap());
        assert!(open(endpoint(missing.clone(), true), 5).unwrap().is_none());
        let error = open(endpoint(missing, false), 5).unwrap_err().to_string();
        assert!(
            error.starts_with("cannot listen on 192.0.2.1:0: "),
            "{error}"
        );
    }

    #[test]
    fn a_port_in_use_is_named_even_if_optional() {
        let first = open(
            endpoint(Place::Ip("127.0.0.1:0".parse().unwrap()), false),
            5,
        )
        .unwrap()
        .unwrap();
        let taken = Place::Ip(first.address().unwrap());
        let error = open(endpoint(taken, true), 5).unwrap_err().to_string();
        assert!(error.contains("in use already"), "{error}");
    }

    #[test]
    fn a_stale_socket_is_replaced_and_other_files_are_left_alone() {
        let folder = std::env::temp_dir().join(format!("larder-listen-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("socket");
        let place = Place::Path(path.clone(), 0o600);
        drop(open(endpoint(place.clone(), false), 5).unwrap());
        let second = open(endpoint(place.clone(), false), 5).unwrap().unwrap();
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        let error = open(endpoint(place.clone(), false), 5)
            .unwrap_err()
            .to_string();
        assert!(error.contains("in use already"), "{error}");
        drop(second);
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, "precious").unwrap();
        open(endpoint(place, false), 5).unwrap_err();
        assert_eq!(std::fs::read(&path).unwrap(), b"precious");
        std::fs::remove_dir_all(folder).unwrap();
    }
}
