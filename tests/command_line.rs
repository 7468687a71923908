//! The program from outside: exit codes, what goes to which stream, and the names that it answers to.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

/// Runs the program without anything on standard input.
fn larder(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_larder"))
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("the program runs")
}

/// The one line of a failure: nothing on standard output, exit code 1.
fn failure(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let line = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(line.lines().count(), 1, "{line}");
    line.trim_end().to_owned()
}

fn file(name: &str, text: &str) -> PathBuf {
    let path =
        std::env::temp_dir().join(format!("larder-command-line-{}-{name}", std::process::id()));
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn mistakes_are_one_line_and_exit_code_1() {
    assert_eq!(
        failure(&larder(&["--prot", "1"])),
        "larder: --prot: there is no setting 'prot'; did you mean 'port'?"
    );
    let path = file("bad.toml", "[network]\nport = 70000\n");
    let line = failure(&larder(&[path.to_str().unwrap()]));
    assert_eq!(
        line,
        format!(
            "larder: {}, line 2: port: argument must be between 0 and 65535 inclusive",
            path.display()
        )
    );
    std::fs::remove_file(path).unwrap();
    assert!(failure(&larder(&["--tls-port", "x"])).contains("--tls-port: "));
    assert!(
        failure(&larder(&["--logfile", "/no/such/dir/log", "--port", "0"])).contains("logfile: ")
    );
}

#[test]
fn standard_input_is_a_configuration() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_larder"))
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    program
        .stdin
        .take()
        .unwrap()
        .write_all(b"timeout 5\ncluster-enabled yes\n")
        .unwrap();
    let line = failure(&program.wait_with_output().unwrap());
    assert_eq!(
        line,
        "larder: standard input, line 2: cluster-enabled: cluster mode is not supported"
    );
}

#[test]
fn a_checked_file_fails_if_a_line_is_refused() {
    let good = file("good.conf", "port 1\nrdbcompression no\n");
    let bad = file("bad.conf", "port 1\nloadmodule x.so\n");
    let output = larder(&["--check-config", good.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0));
    assert!(
        String::from_utf8(output.stdout)
            .unwrap()
            .ends_with("1 honoured, 1 kept without an effect, 0 refused\n")
    );
    assert_eq!(
        larder(&["--check-config", bad.to_str().unwrap()])
            .status
            .code(),
        Some(1)
    );
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/config/larder.toml");
    assert_eq!(larder(&["--check-config", sample]).status.code(), Some(0));
    std::fs::remove_file(good).unwrap();
    std::fs::remove_file(bad).unwrap();
}

#[test]
fn called_as_redis_server_it_answers_like_one() {
    let directory = file("names", "");
    std::fs::remove_file(&directory).unwrap();
    std::fs::create_dir(&directory).unwrap();
    for name in ["redis-server", "valkey-server"] {
        let link = directory.join(name);
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_larder"), &link).unwrap();
        for flag in ["-v", "--version"] {
            let output = Command::new(&link).arg(flag).output().unwrap();
            assert!(
                String::from_utf8(output.stdout)
                    .unwrap()
                    .starts_with("Redis server v=7.4.0 sha=")
            );
        }
    }
    std::fs::remove_dir_all(directory).unwrap();
    assert!(
        String::from_utf8(larder(&["--version"]).stdout)
            .unwrap()
            .starts_with("larder ")
    );
}

#[test]
fn help_and_ping() {
    let help = larder(&["--help"]);
    assert_eq!(help.status.code(), Some(0));
    assert!(
        String::from_utf8(help.stdout)
            .unwrap()
            .contains("--maxmemory <BYTES|PERCENT%>")
    );
    assert!(
        failure(&larder(&["ping", "-p", "1"])).starts_with("larder: no answer from 127.0.0.1:1: ")
    );
}
