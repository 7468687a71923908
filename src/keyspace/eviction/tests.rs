//! Every policy on a keyspace of its own.
