//! The sections Server and TLS: the process, its version, where it listens.

use std::sync::LazyLock;

use super::Source;
use super::text::{Text, safe};
use crate::config::{LARDER_VERSION, REDIS_VERSION, certificate};
use crate::stats::ticks;

/// The system's name, release and architecture; asked for once.
static SYSTEM: LazyLock<String> = LazyLock::new(|| {
    let read = |name: &str| std::fs::read_to_string(format!("/proc/sys/kernel/{name}"));
    match (read("ostype"), read("osrelease")) {
        (Ok(name), Ok(release)) => {
            format!(
                "{} {} {}",
                name.trim(),
                release.trim(),
                std::env::consts::ARCH
            )
        }
        _ => format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
    }
});

pub(super) fn server(source: &mut Source<'_, '_>, text: &mut Text) {
    let (server, settings) = (source.server, &source.server.settings);
    let micros = server.clock.now_micros();
    let uptime = server.facts.started.elapsed().as_secs();
    let supervised = match source.setting("supervised") {
        mode if mode == "auto" => "no".to_owned(),
        mode => mode,
    };
    let executable = std::env::current_exe().unwrap_or_default();
    let file = settings.file().unwrap_or_default();
    let poller = if cfg!(target_os = "linux") {
        "epoll"
    } else {
        "kqueue"
    };
    text.field("redis_version", REDIS_VERSION);
    text.field("larder_version", LARDER_VERSION);
    text.field("redis_git_sha1", "00000000");
    text.field("redis_git_dirty", 0);
    text.field("redis_build_id", format_args!("{:016x}", build_id()));
    text.field("redis_mode", "standalone");
    text.field("server_mode", "standalone");
    text.field("os", &*SYSTEM);
    text.field("arch_bits", usize::BITS);
    text.field("monotonic_clock", ticks::describe());
    text.field("multiplexing_api", poller);
    // What a server says that no C compiler built.
    text.field("gcc_version", "0.0.0");
    text.field("process_id", std::process::id());
    text.field("process_supervised", supervised);
    text.field("run_id", &server.facts.run_id);
    text.field("tcp_port", first_port(source));
    text.field("server_time_usec", micros);
    text.field("uptime_in_seconds", uptime);
    text.field("uptime_in_days", uptime / (24 * 3600));
    text.fields(&["hz", "configured_hz", "clients_hz"], settings.hz());
    text.field("lru_clock", (micros / 1_000_000) & 0x00FF_FFFF);
    text.field("executable", executable.display());
    text.field("config_file", file.display());
    text.field("io_threads_active", 0);
    text.field(
        "availability_zone",
        safe(&source.setting("availability-zone")),
    );
    listeners(source, text);
}

/// The port that clients without TLS connect to, else the one of TLS.
fn first_port(source: &Source<'_, '_>) -> u16 {
    match source.server.settings.port() {
        0 => source.server.settings.tls_port(),
        port => port,
    }
}

fn listeners(source: &Source<'_, '_>, text: &mut Text) {
    let settings = &source.server.settings;
    let addresses: String = source
        .setting("bind")
        .split_whitespace()
        .map(|address| format!(",bind={address}"))
        .collect();
    let path = source.setting("unixsocket");
    let of_port =
        |name: &str, port: u16| (port > 0).then(|| format!("name={name}{addresses},port={port}"));
    let all = [
        of_port("tcp", settings.port()),
        (!path.is_empty()).then(|| format!("name=unix,bind={path}")),
        of_port("tls", settings.tls_port()),
    ];
    for (number, listener) in all.into_iter().flatten().enumerate() {
        text.field(format_args!("listener{number}"), listener);
    }
}

/// A number that changes with the version.
fn build_id() -> u64 {
    LARDER_VERSION
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        })
}

pub(super) fn tls(source: &mut Source<'_, '_>, text: &mut Text) {
    let now = source.now / 1000;
    for (which, setting) in [
        ("server", "tls-cert-file"),
        ("client", "tls-client-cert-file"),
        ("ca", "tls-ca-cert-file"),
    ] {
        let found = match source.setting(setting) {
            path if path.is_empty() => None,
            path => certificate::read(path.as_ref()),
        };
        let serial = found.as_ref().map_or("none", |found| &found.serial);
        let seconds = found
            .as_ref()
            .map_or(0, |found| (found.expires - now).max(0));
        text.field(format_args!("tls_{which}_cert_serial"), serial);
        text.field(format_args!("tls_{which}_cert_expires_in_seconds"), seconds);
    }
}
