//! A server to test against, and clients that talk to it byte by byte or through the `redis` crate.
//!
//! [`Server::start`] runs one inside the test's process on a port that the system chooses: quick, many at a time, with a
//! clock that the test may drive. [`Child`] runs the program itself, for what only a process can show: signals, exit codes, start
//! errors.

// Each test program uses its own part of this.
#![allow(dead_code, unused_imports)]

mod child;
mod client;
mod dialogue;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use larder::clock::Clock;
use larder::config::Settings;
use larder::config::arguments::{self, Action};
use larder::config::load::load;
use larder::net;

pub use child::{Child, free_port};
pub use client::{Client, encode};
pub use dialogue::{show, talk};

/// A server in this process. It stops when this is dropped.
pub struct Server {
    handle: net::Handle,
}

impl Server {
    /// A server with these parameters (`("requirepass", "x")`); several words of one value are separated by spaces.
    ///
    /// # Panics
    /// If it does not start.
    pub fn start(parameters: &[(&str, &str)]) -> Self {
        Self::start_at(Clock::System, parameters)
    }

    /// The same with a clock that decides expiry: `Clock::manual` gives one that only the test moves.
    ///
    /// # Panics
    /// If it does not start.
    pub fn start_at(clock: Clock, parameters: &[(&str, &str)]) -> Self {
        let result = Self::try_start(clock, parameters);
        Self {
            handle: result.unwrap_or_else(|why| panic!("the server does not start: {why}")),
        }
    }

    /// A server whose clock stands at `start`, the hand of that clock, and a client.
    pub fn with_clock(start: i64) -> (Self, Arc<AtomicI64>, Client) {
        let (clock, hand) = Clock::manual(start);
        let server = Self::start_at(clock, &[]);
        let client = server.client();
        (server, hand, client)
    }

    /// The same, for what should not start.
    pub fn try_start(
        clock: Clock,
        parameters: &[(&str, &str)],
    ) -> Result<net::Handle, net::StartError> {
        let options = net::Options {
            clock,
            any_port: true,
        };
        net::start(settings(parameters), options)
    }

    /// The port of the first plain TCP listener.
    pub fn port(&self) -> u16 {
        self.address().port()
    }

    /// The address of the first listener.
    pub fn address(&self) -> SocketAddr {
        self.handle.addresses()[0]
    }

    /// The addresses of all listeners.
    pub fn addresses(&self) -> &[SocketAddr] {
        self.handle.addresses()
    }

    /// What the server's connections share: to look behind the protocol.
    pub fn inside(&self) -> &Arc<larder::server::Server> {
        self.handle.server()
    }

    /// A client that sends and receives bytes.
    pub fn client(&self) -> Client {
        Client::connect(self.address())
    }

    /// Where the `redis` crate finds the server: `redis://127.0.0.1:port/`.
    pub fn url(&self) -> String {
        format!("redis://{}/", self.address())
    }

    /// A client of the `redis` crate.
    pub fn redis(&self) -> redis::Client {
        redis::Client::open(self.url()).expect("the address makes a valid URL")
    }

    /// A connection of the `redis` crate.
    pub fn connection(&self) -> redis::Connection {
        self.redis()
            .get_connection()
            .expect("the server accepts connections")
    }

    /// Stops the server and waits for its threads.
    pub fn stop(self) {
        self.handle.stop();
    }
}

/// Settings as a command line with these flags would give them, on a port that the system chooses and with two workers
/// unless the parameters say otherwise.
///
/// # Panics
/// If a parameter is refused.
pub fn settings(parameters: &[(&str, &str)]) -> Settings {
    let standard = [
        ("port", "0"),
        ("bind", "127.0.0.1"),
        ("workers", "2"),
        ("maxclients", "500"),
    ];
    let overridden = |name: &str| parameters.iter().any(|(given, _)| *given == name);
    let all = standard
        .into_iter()
        .filter(|(name, _)| !overridden(name))
        .chain(parameters.iter().copied());
    let mut arguments = vec![OsString::from("larder")];
    for (name, value) in all {
        arguments.push(format!("--{name}").into());
        arguments.extend(value.split(' ').map(OsString::from));
    }
    let Action::Serve(sources) =
        arguments::parse(arguments, |_| None).unwrap_or_else(|why| panic!("{why}"))
    else {
        panic!("these are no settings");
    };
    load(&sources)
        .unwrap_or_else(|why| panic!("{why}"))
        .settings
}
