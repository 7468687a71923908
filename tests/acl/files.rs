//! Users in files: `aclfile`, and lines of the configuration.

use larder::clock::Clock;

use crate::support::{Child, Server, free_port, talk};
use crate::{ask, client_of, start};

/// A file of users in a directory for temporary files; removed when dropped.
struct UsersFile(std::path::PathBuf);

impl UsersFile {
    fn new(name: &str, text: &str) -> Self {
        let name = format!("larder-acl-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, text).unwrap();
        Self(path)
    }

    fn name(&self) -> &str {
        self.0.to_str().unwrap()
    }

    fn write(&self, text: &str) {
        std::fs::write(&self.0, text).unwrap();
    }

    fn text(&self) -> String {
        std::fs::read_to_string(&self.0).unwrap()
    }
}

impl Drop for UsersFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn without_a_file_nothing_is_loaded_or_saved() {
    let (_server, mut client) = start();
    let no_file = "-ERR This Redis instance is not configured to use an ACL file. You may want to specify users via the ACL \
                   SETUSER command and then issue a CONFIG REWRITE (assuming you have a Redis configuration file set) in \
                   order to store users in the Redis configuration.";
    talk(&mut client, &[("acl load", no_file), ("acl save", no_file)]);
}

#[test]
fn users_come_from_their_file_and_go_back_to_it() {
    let file = UsersFile::new(
        "users.acl",
        "user alice on nopass ~* &* +@all\n\nuser bob on >b ~b* +@all (+get ~c)\n",
    );
    let server = Server::start(&[("aclfile", file.name())]);
    let mut admin = server.client();
    talk(
        &mut admin,
        &[
            ("acl users", "[alice bob default]"),
            ("acl whoami", "default"),
        ],
    );
    let (mut alice, mut bob) = (client_of(&server, "alice"), server.client());
    talk(&mut bob, &[("auth bob b", "+OK"), ("acl whoami", "bob")]);
    let mut listener = client_of(&server, "alice");
    assert_eq!(ask(&mut listener, &["subscribe", "a"]), "[subscribe a :1]");
    // Saved with hashes in place of passwords.
    talk(
        &mut admin,
        &[
            ("acl setuser eve on nopass +get ~e", "+OK"),
            ("acl save", "+OK"),
        ],
    );
    let saved = file.text();
    assert_eq!(saved.lines().count(), 4, "{saved}");
    assert!(
        saved.starts_with("user alice on nopass sanitize-payload ~* &* +@all\nuser bob on sanitize-payload #3e23e8160"),
        "{saved}"
    );
    let mut eve = client_of(&server, "eve");
    talk(&mut admin, &[("acl load", "+OK")]);
    talk(&mut eve, &[("get e", "nil")]);
    talk(&mut alice, &[("acl whoami", "alice")]);
    // Mistakes change nothing.
    file.write("user alice off\nuser alice on\nuser bob nonsense");
    let errors = ask(&mut admin, &["acl", "load"]);
    let expected = format!(
        "-ERR WARNING: Duplicate user 'alice' found on line 2. {}:3: Syntax error. WARNING: ACL errors detected, no change to \
         the previously active ACL rules was performed",
        file.name()
    );
    assert_eq!(errors, expected);
    talk(&mut admin, &[("acl users", "[alice bob default eve]")]);
    // Who is not in the file any more is gone, and so are those who lose a channel.
    file.write("user alice on nopass ~* +@all\nuser bob on nopass ~b* +@all -acl\n");
    talk(
        &mut admin,
        &[("acl load", "+OK"), ("acl users", "[alice bob default]")],
    );
    eve.expect_closed();
    listener.expect_closed();
    talk(
        &mut bob,
        &[
            (
                "acl whoami",
                "-NOPERM User bob has no permissions to run the 'acl|whoami' command",
            ),
            ("set b 1", "+OK"),
        ],
    );
    talk(
        &mut alice,
        &[
            ("acl whoami", "alice"),
            ("publish a m", "-NOPERM No permissions to access a channel"),
        ],
    );
}

#[test]
fn users_of_the_configuration() {
    let server = Server::start(&[
        ("user", "default on nopass ~* +@all -flushdb"),
        ("requirepass", "ignored"),
    ]);
    let mut client = server.client();
    talk(
        &mut client,
        &[
            (
                "flushdb",
                "-NOPERM User default has no permissions to run the 'flushdb' command",
            ),
            ("subscribe a", "-NOPERM No permissions to access a channel"),
            ("set k v", "+OK"),
        ],
    );
    for (parameters, expected) in [
        (
            vec![("user", "bob on >secret nonsense")],
            "Error loading ACL rule 'nonsense' for the user named 'bob': Syntax error",
        ),
        (
            vec![("user", "bob <secret")],
            "Error loading ACL rule '(hidden)' for the user named 'bob': The password you are trying to remove from the user \
             does not exist",
        ),
        (
            vec![("user", "bob (+get")],
            "Unmatched parenthesis in acl selector starting at '(+get'.",
        ),
        (
            vec![("aclfile", "/nonexistent/users.acl")],
            "Error loading ACLs, opening file '/nonexistent/users.acl': ",
        ),
        (
            vec![("aclfile", "x"), ("user", "bob on")],
            "users are defined in the configuration and by an aclfile: ",
        ),
    ] {
        let started = Server::try_start(Clock::System, &parameters);
        let error = started.err().expect("it does not start").to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn a_rewritten_configuration_keeps_the_users() {
    let file = UsersFile::new("users.conf", "port 0\n");
    let port = free_port().to_string();
    file.write(&format!(
        "port {port}\nbind 127.0.0.1\nworkers 1\nuser bob on >b ~k (+get ~c)\n"
    ));
    let run = || Child::start(&[file.name()]);
    let child = run();
    let mut client = child.client();
    talk(
        &mut client,
        &[
            ("acl setuser eve on nopass +get", "+OK"),
            ("acl setuser default -flushdb", "+OK"),
            ("config rewrite", "+OK"),
        ],
    );
    let before = ask(&mut client, &["acl", "list"]);
    drop(child);
    let text = file.text();
    assert!(
        !text.contains(">b") && text.contains("user eve on nopass"),
        "{text}"
    );
    let child = run();
    assert_eq!(ask(&mut child.client(), &["acl", "list"]), before);
}
