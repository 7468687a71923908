//! At which sizes a value changes from its packed form to the one for many elements.

use super::Section;
use crate::config::parameter::{INT, LONG, memory, number};

pub(super) const SECTION: Section = Section {
    name: "encoding",
    title: "Encodings",
    parameters: &[
        number("hash-max-listpack-entries", 0, LONG, "512")
            .alias(&["hash-max-ziplist-entries"])
            .honoured("Fields of a packed hash."),
        memory("hash-max-listpack-value", 0, LONG, "64")
            .alias(&["hash-max-ziplist-value"])
            .honoured("Bytes of a field or value in a packed hash."),
        number("zset-max-listpack-entries", 0, LONG, "128")
            .alias(&["zset-max-ziplist-entries"])
            .honoured("Members of a packed sorted set."),
        memory("zset-max-listpack-value", 0, LONG, "64")
            .alias(&["zset-max-ziplist-value"])
            .honoured("Bytes of a member in a packed sorted set."),
        number("set-max-intset-entries", 0, LONG, "512")
            .honoured("Members of a packed set of integers."),
        number("set-max-listpack-entries", 0, LONG, "128").honoured("Members of a packed set."),
        number("set-max-listpack-value", 0, LONG, "64")
            .honoured("Bytes of a member in a packed set."),
        number("list-max-listpack-size", -INT - 1, INT, "-2")
            .alias(&["list-max-ziplist-size"])
            .honoured("Elements of a list's node; from -1 to -5, 4 to 64 kB of them. Lists of one node are packed."),
        number("list-compress-depth", 0, INT, "0")
            .kept("Nodes at a list's ends that stay uncompressed; 0 compresses none."),
        memory("hll-sparse-max-bytes", 0, LONG, "3000").honoured("Bytes of a sparse HyperLogLog."),
        memory("stream-node-max-bytes", 0, LONG, "4096")
            .honoured("Bytes of a stream's block; 0: no limit."),
        number("stream-node-max-entries", 0, LONG, "100")
            .honoured("Entries of a stream's block; 0: no limit."),
    ],
};
