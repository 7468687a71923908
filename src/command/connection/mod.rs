//! The `connection` family: who a connection is, which protocol and database it uses, and CLIENT, which looks at
//! connections and controls them.
//!
//! Handlers change the asking connection through its [`Session`](crate::session::Session); other connections they only
//! reach through the registry and their workers' mailboxes.

mod auth;
mod basic;
mod client;
mod clients;
mod filter;
mod tracking;

pub(super) use clients::client_line;

use super::help::help;
use super::table::words::{
    ADMIN, ALLOW_BUSY, Command, FAST, Group, LOADING, NEVER_QUEUED, NO_AUTH, NO_MULTI, NOSCRIPT,
    STALE, SUBSCRIBER_MODE,
};

pub(super) const COMMANDS: &[Command] = &[
    Command::new(Group::Connection, "auth", -2, auth::auth)
        .flags(&[NOSCRIPT, LOADING, STALE, FAST, NO_AUTH, ALLOW_BUSY])
        .secrets(|_, index| index > 0)
        .since("1.0.0")
        .summary("Authenticates the connection.")
        .syntax("[username@6.0.0] password"),
    Command::new(Group::Connection, "client", -2, help)
        .since("2.4.0")
        .summary("Tells about connections and controls them.")
        .complexity("Depends on the subcommand")
        .subcommands(&[
            Command::new(Group::Connection, "caching", 3, tracking::caching)
                .flags(&[NOSCRIPT, LOADING, STALE])
                .since("6.0.0")
                .summary("Says whether what the next command reads is kept.")
                .syntax("<mode: YES|NO>"),
            Command::new(Group::Connection, "capa", -3, client::capa)
                .flags(&[NOSCRIPT, LOADING, STALE, ALLOW_BUSY])
                .since("8.0.0")
                .summary("Announces what this connection's client is able to do.")
                .syntax("capability..."),
            Command::new(Group::Connection, "getname", 2, client::getname)
                .flags(&[NOSCRIPT, LOADING, STALE, ALLOW_BUSY])
                .since("2.6.9")
                .summary("Returns the name of this connection."),
            Command::new(Group::Connection, "help", 2, help)
                .flags(&[LOADING, STALE])
                .since("5.0.0")
                .summary("Explains the subcommands."),
            Command::new(Group::Connection, "getredir", 2, tracking::getredir)
                .flags(&[NOSCRIPT, LOADING, STALE])
                .since("6.0.0")
                .summary("Returns the connection that hears of changes instead of this one."),
            Command::new(Group::Connection, "id", 2, client::id)
                .flags(&[NOSCRIPT, LOADING, STALE, ALLOW_BUSY])
                .since("5.0.0")
                .summary("Returns the id of this connection."),
            Command::new(Group::Connection, "import-source", 3, client::import_source)
                .flags(&[NOSCRIPT, LOADING, STALE])
                .since("8.1.0")
                .summary("Marks this connection as one that imports data.")
                .syntax("<enabled: ON|OFF>"),
            Command::new(Group::Connection, "info", 2, clients::info)
                .flags(&[NOSCRIPT, LOADING, STALE])
                .since("6.2.0")
                .summary("Describes this connection.")
                .tips(&["nondeterministic_output"]),
            Command::new(Group::Connection, "kill", -3, clients::kill)
                .flags(&[ADMIN, NOSCRIPT, LOADING, STALE])
                .since("2.4.0")
                .summary("Closes connections that match filters.")
                .syntax(
                    "<filter: old-format{ip:port}!2.8.12|<new-format: [ID \
                    client-id:integer...@2.8.12]|[TYPE <client-type: NORMAL|MASTER@3.2.0|\
                    PRIMARY@8.0.0|SLAVE|REPLICA@5.0.0|PUBSUB>@2.8.12]|[USER username]|[ADDR \
                    addr{ip:port}]|[LADDR laddr{ip:port}@6.2.0]|[SKIPME <skipme: YES|NO>]|\
                    [MAXAGE maxage:integer@8.0.0]|[NAME name@9.0.0]|[IDLE \
                    idle:integer@9.0.0]|[FLAGS flags@9.0.0]|[LIB-NAME lib-name@9.0.0]|\
                    [LIB-VER lib-ver@9.0.0]|[DB db:integer@9.0.0]|[CAPA capa@9.0.0]|[IP \
                    ip@9.0.0]|[NOT-TYPE <not-client-type: NORMAL|MASTER|PRIMARY|SLAVE|\
                    REPLICA|PUBSUB>@9.0.0]|[NOT-ID not-client-id:integer...@9.0.0]|\
                    [NOT-USER not-username@9.0.0]|[NOT-ADDR not-addr{ip:port}@9.0.0]|\
                    [NOT-LADDR not-laddr{ip:port}@9.0.0]|[NOT-NAME not-name@9.0.0]|\
                    [NOT-FLAGS not-flags@9.0.0]|[NOT-LIB-NAME not-lib-name@9.0.0]|\
                    [NOT-LIB-VER not-lib-ver@9.0.0]|[NOT-DB not-db:integer@9.0.0]|[NOT-CAPA \
                    not-capa@9.0.0]|[NOT-IP not-ip@9.0.0]>...>",
                )
                .complexity("O(N), N being the number of connections"),
            Command::new(Group::Connection, "list", -2, clients::list)
                .flags(&[ADMIN, NOSCRIPT, LOADING, STALE])
                .since("2.4.0")
                .summary("Describes the open connections.")
                .syntax(
                    "[TYPE <client-type: NORMAL|MASTER|REPLICA|PUBSUB>@5.0.0] [ID \
                    client-id:integer...@6.2.0] [USER username@8.1.0] [ADDR \
                    addr{ip:port}@8.1.0] [LADDR laddr{ip:port}@8.1.0] [SKIPME <skipme: YES|\
                    NO>@8.1.0] [MAXAGE maxage:integer@8.1.0] [NAME name@9.0.0] [IDLE \
                    idle:integer@9.0.0] [FLAGS flags@9.0.0] [LIB-NAME lib-name@9.0.0] \
                    [LIB-VER lib-ver@9.0.0] [DB db:integer@9.0.0] [CAPA capa@9.0.0] [IP \
                    ip@9.0.0] [NOT-TYPE <not-client-type: NORMAL|MASTER|REPLICA|\
                    PUBSUB>@9.0.0] [NOT-ID not-client-id:integer...@9.0.0] [NOT-USER \
                    not-username@9.0.0] [NOT-ADDR not-addr{ip:port}@9.0.0] [NOT-LADDR \
                    not-laddr{ip:port}@9.0.0] [NOT-NAME not-name@9.0.0] [NOT-FLAGS \
                    not-flags@9.0.0] [NOT-LIB-NAME not-lib-name@9.0.0] [NOT-LIB-VER \
                    not-lib-ver@9.0.0] [NOT-DB not-db:integer@9.0.0] [NOT-CAPA \
                    not-capa@9.0.0] [NOT-IP not-ip@9.0.0]",
                )
                .complexity("O(N), N being the number of connections")
                .tips(&["nondeterministic_output"]),
            Command::new(Group::Connection, "no-evict", 3, client::no_evict)
                .flags(&[ADMIN, NOSCRIPT, LOADING, STALE, ALLOW_BUSY])
                .since("7.0.0")
                .summary("Keeps this connection open when client buffers take too much memory.")
                .syntax("<enabled: ON|OFF>"),
            Command::new(Group::Connection, "no-touch", 3, client::no_touch)
                .flags(&[NOSCRIPT, LOADING, STALE, ALLOW_BUSY])
                .since("7.2.0")
                .summary("Lets this connection read keys without refreshing their idle time.")
                .syntax("<enabled: ON|OFF>"),
            Command::new(Group::Connection, "pause", -3, clients::pause)
                .flags(&[ADMIN, NOSCRIPT, LOADING, STALE])
                .since("3.0.0")
                .summary("Makes all connections wait for some milliseconds.")
                .syntax("timeout:integer [mode: WRITE|ALL]@6.2.0"),
            Command::new(Group::Connection, "reply", 3, client::reply)
                .flags(&[NOSCRIPT, LOADING, STALE, NO_MULTI, ALLOW_BUSY])
                .since("3.2.0")
                .summary("Turns the replies on this connection off and on.")
                .syntax("<action: ON|OFF|SKIP>"),
            Command::new(Group::Connection, "setinfo", 4, client::setinfo)
                .flags(&[NOSCRIPT, LOADING, STALE, ALLOW_BUSY])
                .since("7.2.0")
                .summary("Records which client library uses this connection.")
                .syntax("<attr: LIB-NAME libname|LIB-VER libver>")
                .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"]),
            Command::new(Group::Connection, "setname", 3, client::setname)
                .flags(&[NOSCRIPT, LOADING, STALE, ALLOW_BUSY])
                .since("2.6.9")
                .summary("Names this connection.")
                .syntax("connection-name")
                .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"]),
            Command::new(Group::Connection, "tracking", -3, tracking::tracking)
                .flags(&[NOSCRIPT, LOADING, STALE])
                .since("6.0.0")
                .summary("Has the server tell this connection when what it has read changes.")
                .syntax(
                    "<status: ON|OFF> [REDIRECT client-id:integer] [PREFIX prefix]... [BCAST] [OPTIN] [OPTOUT] [NOLOOP]",
                )
                .complexity("O(1), and O(N) for BCAST, N being the number of prefixes"),
            Command::new(Group::Connection, "trackinginfo", 2, tracking::trackinginfo)
                .flags(&[NOSCRIPT, LOADING, STALE])
                .since("6.2.0")
                .summary("Returns what CLIENT TRACKING was told."),
            Command::new(Group::Connection, "unblock", -3, clients::unblock)
                .flags(&[ADMIN, NOSCRIPT, LOADING, STALE])
                .since("5.0.0")
                .summary("Ends the wait of a connection in a blocking command.")
                .syntax("client-id:integer [unblock-type: TIMEOUT|ERROR]")
                .complexity("O(log N), N being the number of connections"),
            Command::new(Group::Connection, "unpause", 2, clients::unpause)
                .flags(&[ADMIN, NOSCRIPT, LOADING, STALE])
                .since("6.2.0")
                .summary("Ends a pause.")
                .complexity("O(N), N being the number of waiting connections"),
        ]),
    Command::new(Group::Connection, "echo", 2, basic::echo)
        .flags(&[LOADING, STALE, FAST])
        .since("1.0.0")
        .summary("Returns the message it is given.")
        .syntax("message"),
    Command::new(Group::Connection, "hello", -1, auth::hello)
        .flags(&[NOSCRIPT, LOADING, STALE, FAST, NO_AUTH, ALLOW_BUSY])
        .secrets(auth::is_credential_of_hello)
        .since("6.0.0")
        .summary(
            "Greets the server: picks a protocol version, authenticates and names the \
            connection.",
        )
        .syntax(
            "[arguments: protover:integer [AUTH (auth: username password)] [SETNAME \
            clientname]]",
        ),
    Command::new(Group::Connection, "ping", -1, basic::ping)
        .flags(&[FAST, SUBSCRIBER_MODE])
        .since("1.0.0")
        .summary("Answers, so that one knows the server does.")
        .syntax("[message]")
        .tips(&["request_policy:all_shards", "response_policy:all_succeeded"]),
    Command::new(Group::Connection, "quit", -1, basic::quit)
        .flags(&[
            NEVER_QUEUED,
            NOSCRIPT,
            LOADING,
            STALE,
            FAST,
            NO_AUTH,
            ALLOW_BUSY,
            SUBSCRIBER_MODE,
        ])
        .since("1.0.0")
        .summary("Closes the connection."),
    Command::new(Group::Connection, "reset", 1, basic::reset)
        .flags(&[
            NEVER_QUEUED,
            NOSCRIPT,
            LOADING,
            STALE,
            FAST,
            NO_AUTH,
            ALLOW_BUSY,
            SUBSCRIBER_MODE,
        ])
        .since("6.2.0")
        .summary("Makes the connection as if it were new."),
    Command::new(Group::Connection, "select", 2, basic::select)
        .flags(&[LOADING, STALE, FAST, ALLOW_BUSY])
        .since("1.0.0")
        .summary("Switches the connection to another database.")
        .syntax("index:integer"),
];
