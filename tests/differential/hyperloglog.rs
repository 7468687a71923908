//! Requests about HyperLogLogs, whose bytes must be the same. So few bytes stay sparse here that both encodings are met.
//!
//! None of them gets into a key that other requests write bytes to: Redis reads a byte beyond the end of damaged ones.

/// `hll-sparse-max-bytes`
pub const SPARSE_MAX: &str = "60";

pub const TEMPLATES: &[&str] = &[
    "PFADD hll1 $M $S $F",
    "PFADD hll1 $K $I",
    "PFADD hll2 $F $M",
    "PFADD hll2",
    "PFADD hll3 $D $N $B $L $M $F $S",
    "PFADD geo $M",
    "PFCOUNT hll1",
    "PFCOUNT hll2",
    "PFCOUNT hll1 hll2 hll3",
    "PFCOUNT $K",
    "PFCOUNT $K hll1",
    "PFMERGE hll3 hll1 hll2",
    "PFMERGE hll2",
    "PFMERGE hll1 hll3",
    "PFMERGE hll2 $K",
    "PFDEBUG ENCODING hll1",
    "PFDEBUG DECODE hll2",
    "PFDEBUG TODENSE hll3",
    "PFDEBUG GETREG hll3",
    "PFDEBUG NOSUCH hll1",
    "PFDEBUG ENCODING $K",
    "GET hll1",
    "GET hll2",
    "GET hll3",
    "STRLEN hll3",
    "OBJECT ENCODING hll1",
    "DEL hll1",
    "DEL hll2",
    "DEL hll3",
];
