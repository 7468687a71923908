//! COMMAND and its subcommands: what the table says, in the shapes of the protocol.

pub(super) use super::stub::not_yet as all;
pub(super) use super::stub::not_yet as count;
pub(super) use super::stub::not_yet as docs;
pub(super) use super::stub::not_yet as getkeys;
pub(super) use super::stub::not_yet as getkeysandflags;
pub(super) use super::stub::not_yet as help;
pub(super) use super::stub::not_yet as info;
pub(super) use super::stub::not_yet as list;
