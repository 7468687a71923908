//! The program itself as a child process.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::Client;

/// How long a child may take to start or to end before the test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running `larder`. It is killed when this is dropped.
pub struct Child {
    process: std::process::Child,
    port: u16,
}

impl Child {
    /// Starts the program with these flags on a free port, and waits until it accepts connections.
    ///
    /// # Panics
    /// If it does not.
    pub fn start(flags: &[&str]) -> Self {
        let port = free_port();
        let process = command(flags)
            .args(["--port", &port.to_string()])
            .stdout(Stdio::null())
            .spawn()
            .expect("the program is there");
        let mut child = Self { process, port };
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(child.address()).is_err() {
            assert!(
                child.process.try_wait().expect("it is a child").is_none(),
                "the program has ended"
            );
            assert!(
                Instant::now() < deadline,
                "the program does not accept connections"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
        child
    }

    /// Runs the program to its end: its exit status and what it wrote to standard output and standard error.
    ///
    /// # Panics
    /// If it does not run.
    pub fn run(flags: &[&str]) -> (ExitStatus, String, String) {
        let output = command(flags).output().expect("the program is there");
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        (output.status, text(output.stdout), text(output.stderr))
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// A client that sends and receives bytes.
    pub fn client(&self) -> Client {
        Client::connect(self.address())
    }

    /// Sends a signal by its name without `SIG`.
    ///
    /// # Panics
    /// If the process has ended.
    pub fn signal(&self, name: &str) {
        let status = Command::new("sh")
            .args(["-c", &format!("kill -{name} {}", self.id())])
            .status();
        assert!(
            status.expect("there is a shell").success(),
            "the process has ended"
        );
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// If it does not end.
    pub fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.process.try_wait().expect("it is a child") {
                return status;
            }
            assert!(Instant::now() < deadline, "the program does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The program with a quiet, self-contained configuration and these flags.
fn command(flags: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_larder"));
    command
        .args(["--bind", "127.0.0.1", "--maxclients", "100"])
        .args(flags)
        .env_remove("LARDER_LOG");
    command
}

/// A port that nobody listens on at this moment.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("there are free ports");
    listener.local_addr().expect("it is bound").port()
}
