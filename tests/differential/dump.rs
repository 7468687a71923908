//! Templates of requests that restore and migrate. The payloads are chosen such that their checksums are text.

pub const TEMPLATES: &[&str] = &[
    "RESTORE $K 0 \u{0}\u{b}restoredahj\u{a}\u{0}M7&LJJQb [REPLACE] [ABSTTL]",
    "RESTORE $K $P \u{0}\u{b}restoredahj\u{a}\u{0}M7&LJJQb ABSTTL [REPLACE]",
    "RESTORE $K 1 \u{0}\u{b}restoredahj\u{a}\u{0}M7&LJJQb ABSTTL [REPLACE]",
    "RESTORE $K 0 \u{0}\u{b}restoredahj\u{a}\u{0}M7&LJJQb REPLACE IDLETIME $I [FREQ] [$I]",
    "RESTORE $K 0 \u{0}\u{b}restoredahj\u{a}\u{0}M7&LJJQb [REPLACE] FREQ $I",
    "RESTORE hash 0 \u{4}\u{2}\u{1}f\u{2}pb\u{1}g\u{1}5\u{a}\u{0}-PD0/wEi [REPLACE]",
    "RESTORE list 0 \u{1}\u{3}\u{1}a\u{3}qdx\u{1}5\u{a}\u{0}^gRx=8!u [REPLACE]",
    "RESTORE $K 0 \u{2}\u{2}\u{1}7\u{4}7379\u{a}\u{0}YzdP/r8@ [REPLACE]",
    "RESTORE zset 0 \u{3}\u{2}\u{1}m\u{3}1.5\u{4}bzc-\u{1}2\u{a}\u{0}7z/A!F.' [REPLACE]",
    "RESTORE $K $I $S [$S]",
    "MIGRATE 127.0.0.1 1 $K 0 $I [COPY] [REPLACE] [$S]",
    "MIGRATE 127.0.0.1 1 $K 0 100 KEYS $K [$K]",
];
