//! Listening, connections, and what a client may take.

use super::Section;
use super::normal::{bind, client_output_buffer_limit};
use crate::config::parameter::{
    INT, LONG, UINT, memory, memory_or_percent, number, permissions, text, words, yes_no,
};

pub(super) const SECTION: Section = Section {
    name: "network",
    title: "Network and clients",
    parameters: &[
        words("bind", bind, "127.0.0.1 -::1").honoured(
            "Addresses to listen on; `*` and `::*` are all, a leading `-` means that a missing address is no error.",
        ),
        number("port", 0, 65_535, "6379").honoured("TCP port; 0 means no plain TCP."),
        number("workers", 0, 1024, "0").fixed().honoured("Threads that serve clients; 0 means one per core."),
        number("maxclients", 1, UINT, "10000").honoured("Clients connected at the same time."),
        number("timeout", 0, INT, "0").honoured("Seconds after which an idle client is disconnected; 0 means never."),
        number("tcp-backlog", 0, INT, "511").fixed().honoured("Connections that may wait to be accepted."),
        number("tcp-keepalive", 0, INT, "300").honoured("Seconds between keepalive probes; 0 means none."),
        text("unixsocket", "").fixed().honoured("Path of a Unix socket to listen on; empty means none."),
        permissions("unixsocketperm", "0").fixed().honoured("Permissions of the Unix socket, in octal; 0 leaves them to the umask."),
        words(
            "client-output-buffer-limit",
            client_output_buffer_limit,
            "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
        )
        .honoured("Output a client may leave unread: class, hard limit, soft limit, seconds above the soft one; for normal, replica and pubsub clients."),
        memory("client-query-buffer-limit", 1 << 20, LONG, "1gb").honoured("Bytes of requests that a client may have pending."),
        memory("proto-max-bulk-len", 1 << 20, LONG, "512mb").honoured("Bytes of a single argument."),
        memory_or_percent("maxmemory-clients", "0").honoured("Bytes, or percentage of maxmemory, for all clients' buffers together."),
        text("bind-source-addr", "").kept("Address of outgoing connections; Larder makes none."),
        number("max-new-connections-per-cycle", 1, 1000, "10").kept("Connections accepted in one go."),
        yes_no("mptcp", "no").fixed().kept("Multipath TCP."),
        text("rdma-bind", "").fixed().kept("RDMA listening addresses; there is no RDMA here."),
        number("rdma-completion-vector", -1, INT, "-1").fixed().kept("RDMA completion vector."),
        number("rdma-port", 0, 65_535, "0").only("0", "RDMA is not supported").kept("RDMA port."),
        number("rdma-rx-size", 64 * 1024, 16 << 20, "1048576").fixed().kept("RDMA receive buffer."),
        number("socket-mark-id", 0, UINT, "0").fixed().kept("Mark for outgoing packets."),
        text("unixsocketgroup", "").fixed().kept("Group of the Unix socket."),
    ],
};
