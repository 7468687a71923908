//! Random requests: templates filled with few keys, fields and members, so that they meet.

use crate::{bitmap, dump, geo, hyperloglog, list, set, stream};

/// A small generator, seeded: the same seed gives the same requests.
pub struct Random(u64);

impl Random {
    /// From a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % bound
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        let at = self.below(of.len());
        &of[at]
    }
}

const KEYS: &[&str] = &[
    "a", "b", "c", "string", "hash", "zset", "list", "set", "ints",
];
const FIELDS: &[&str] = &["f1", "f2", "f3", "f4", "f5", "f6", "f7", "f8", "f9", "f10"];
const MEMBERS: &[&str] = &[
    "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "m9", "m10", "m11", "m12",
];
const STRINGS: &[&str] = &[
    "",
    "x",
    "hello world",
    "10",
    "-3",
    "007",
    "3.14",
    "1e3",
    "9223372036854775807",
    "-9223372036854775808",
    " 5",
    "0x10",
    "a-string-of-more-than-sixty-four-bytes-which-does-not-fit-into-a-listpack-any-more",
];
const INTS: &[&str] = &[
    "0",
    "1",
    "2",
    "-1",
    "-2",
    "5",
    "100",
    "9223372036854775807",
    "x",
    "",
    "1.5",
];
const SCORES: &[&str] = &[
    "0", "1", "1.5", "-2", "3", "3", "inf", "-inf", "1e10", "0.25", "nan", "x", "(1", "17",
];
const SCORE_BOUNDS: &[&str] = &["-inf", "+inf", "(1", "1", "2", "(3", "3", "-2", "17", "x"];
const LEX_BOUNDS: &[&str] = &["-", "+", "[m2", "(m2", "[m5", "(m9", "[m", "m"];
const FLOATS: &[&str] = &["0.5", "1", "-1.25", "3.0e3", "x", "1e2"];
/// Moments so far away that no run sees them pass.
const MOMENTS: &[&str] = &["4102444800", "4102444801", "5000000000", "x", "0", "-1"];
const MOMENTS_MS: &[&str] = &["4102444800000", "4102444800001", "5000000000000", "x", "0"];

/// Ranges by member are asked of `lex` alone, whose scores are all equal: elsewhere they have no meaning.
/// Words in capitals with a dollar are filled in; `[...]` around a word leaves it out half of the time.
const TEMPLATES: &[&str] = &[
    "GET $K",
    "SET $K $S",
    "SET $K $S [$C]",
    "SET $K $S [$C] [GET] [KEEPTTL]",
    "SET $K $S PXAT $P",
    "SET $K $S EXAT $E [$C]",
    "SETNX $K $S",
    "GETSET $K $S",
    "GETDEL $K",
    "GETEX $K",
    "GETEX $K PXAT $P",
    "GETEX $K PERSIST",
    "APPEND $K $S",
    "STRLEN $K",
    "SETRANGE $K $I $S",
    "GETRANGE $K $I $I",
    "SUBSTR $K $I $I",
    "INCR $K",
    "DECR $K",
    "INCRBY $K $I",
    "DECRBY $K $I",
    "INCRBYFLOAT $K $D",
    "MGET $K $K $K",
    "MSET $K $S $K $S",
    "MSETNX $K $S $K $S",
    "LCS $K $K",
    "LCS $K $K LEN",
    "LCS $K $K IDX [WITHMATCHLEN]",
    "DEL $K",
    "DEL $K $K",
    "UNLINK $K",
    "EXISTS $K $K",
    "TYPE $K",
    "TOUCH $K $K",
    "RENAME $K $K",
    "RENAMENX $K $K",
    "COPY $K $K [REPLACE]",
    "EXPIREAT $K $E [$X]",
    "PEXPIREAT $K $P [$X]",
    "EXPIRETIME $K",
    "PEXPIRETIME $K",
    "PERSIST $K",
    "OBJECT ENCODING $K",
    "OBJECT REFCOUNT $K",
    "KEYS *",
    "KEYS [sh]*",
    "DBSIZE",
    "MOVE $K 1",
    "SELECT 0",
    "SWAPDB 0 1",
    "OBJECT FREQ $K",
    "HSET $K $F $S",
    "HSET $K $F $S $F $S",
    "HSET $K $F",
    "HMSET $K $F $S $F $S",
    "HSETNX $K $F $S",
    "HGET $K $F",
    "HMGET $K $F $F $F",
    "HGETALL $K",
    "HKEYS $K",
    "HVALS $K",
    "HLEN $K",
    "HSTRLEN $K $F",
    "HEXISTS $K $F",
    "HDEL $K $F",
    "HDEL $K $F $F $F",
    "HINCRBY $K $F $I",
    "HINCRBYFLOAT $K $F $D",
    "ZADD $K $N $M",
    "ZADD $K $N $M $N $M $N $M",
    "ZADD $K [$X] [CH] $N $M",
    "ZADD $K [$X] [CH] INCR $N $M",
    "ZINCRBY $K $N $M",
    "ZREM $K $M $M",
    "ZADD lex 0 $M 0 $M",
    "ZCARD $K",
    "ZSCORE $K $M",
    "ZMSCORE $K $M $M",
    "ZRANK $K $M",
    "ZREVRANK $K $M",
    "ZCOUNT $K $B $B",
    "ZLEXCOUNT lex $L $L",
    "ZRANGE $K $I $I [WITHSCORES]",
    "ZRANGE $K $I $I REV [WITHSCORES]",
    "ZRANGE $K $B $B BYSCORE [WITHSCORES]",
    "ZRANGE $K $B $B BYSCORE LIMIT $I $I",
    "ZRANGE $K $B $B BYSCORE REV [WITHSCORES]",
    "ZRANGE lex $L $L BYLEX",
    "ZRANGE lex $L $L BYLEX REV LIMIT $I $I",
    "ZRANGEBYSCORE $K $B $B [WITHSCORES]",
    "ZRANGEBYSCORE $K $B $B LIMIT $I $I",
    "ZREVRANGEBYSCORE $K $B $B [WITHSCORES]",
    "ZRANGEBYLEX lex $L $L",
    "ZREVRANGEBYLEX lex $L $L",
    "ZREVRANGE $K $I $I [WITHSCORES]",
    "ZPOPMIN $K",
    "ZPOPMAX $K 2",
    "ZPOPMIN $K $I",
    "ZREMRANGEBYSCORE $K $B $B",
    "ZREMRANGEBYRANK $K $I $I",
    "ZREMRANGEBYLEX lex $L $L",
    "ZUNIONSTORE $K 2 $K $K",
    "ZUNIONSTORE $K 2 $K $K WEIGHTS $D $D AGGREGATE MAX",
    "ZINTERSTORE $K 2 $K $K AGGREGATE MIN",
    "ZDIFFSTORE $K 2 $K $K",
    "ZUNION 2 $K $K [WITHSCORES]",
    "ZINTER 2 $K $K [WITHSCORES]",
    "ZDIFF 2 $K $K [WITHSCORES]",
    "ZINTERCARD 2 $K $K",
    "ZINTERCARD 2 $K $K LIMIT $I",
    "ZRANGESTORE $K $K $I $I",
    "ZRANGESTORE $K $K $B $B BYSCORE",
    "ZMPOP 2 $K $K MIN",
    "ZMPOP 1 $K MAX COUNT $I",
    "PING",
    "PING $S",
    "ECHO $S",
    "PUBLISH channel $S",
    "PUBSUB NUMPAT",
    "COMMAND COUNT x",
    "NOSUCH $S",
    "GET",
    "HSET $K",
    "ZADD $K",
    "CLIENT NOSUCH",
    "SET $K $S EX",
    "EXPIRE $K 100 NX XX",
    "EXPIRE $K x",
    "ZADD $K NX GT 1 m",
    "ZADD $K INCR 1 m 2 n",
    "ZRANGE $K 0 1 LIMIT 1 1",
    "ZUNION 0 $K",
    "ZUNION 3 $K",
    "CONFIG GET maxmemory-samples",
];

/// `count` random requests.
pub fn requests(random: &mut Random, count: usize) -> Vec<Vec<String>> {
    (0..count).map(|_| request(random)).collect()
}

/// The templates of all families.
const FAMILIES: &[&[&str]] = &[
    TEMPLATES,
    list::TEMPLATES,
    set::TEMPLATES,
    bitmap::TEMPLATES,
    hyperloglog::TEMPLATES,
    geo::TEMPLATES,
    stream::TEMPLATES,
    dump::TEMPLATES,
];

fn template(random: &mut Random) -> &'static str {
    let mut at = random.below(FAMILIES.iter().map(|family| family.len()).sum());
    for family in FAMILIES {
        match family.get(at) {
            Some(template) => return template,
            None => at -= family.len(),
        }
    }
    unreachable!("the number lies below the number of templates")
}

fn request(random: &mut Random) -> Vec<String> {
    let template = template(random);
    let mut words = Vec::new();
    for word in template.split(' ') {
        let optional = word.starts_with('[') && word.ends_with(']');
        if optional && random.below(2) == 0 {
            continue;
        }
        let word = if optional {
            &word[1..word.len() - 1]
        } else {
            word
        };
        let filled = match word {
            "$K" => random.pick(KEYS),
            "$S" => random.pick(STRINGS),
            "$I" => random.pick(INTS),
            "$D" => random.pick(FLOATS),
            "$C" => random.pick(&["NX", "XX"]),
            "$X" => random.pick(&["NX", "XX", "GT", "LT"]),
            "$E" => random.pick(MOMENTS),
            "$P" => random.pick(MOMENTS_MS),
            "$F" => random.pick(FIELDS),
            "$M" => random.pick(MEMBERS),
            "$N" => random.pick(SCORES),
            "$B" => random.pick(SCORE_BOUNDS),
            "$L" => random.pick(LEX_BOUNDS),
            "$ID" => random.pick(stream::IDS),
            "$IDB" => random.pick(stream::ID_BOUNDS),
            "$NID" => random.pick(stream::NEW_IDS),
            "$CNT" => random.pick(stream::COUNTS),
            "$OFFSET" => random.pick(bitmap::OFFSETS),
            "$TYPE" => random.pick(bitmap::TYPES),
            "$END" => random.pick(bitmap::ENDS),
            "$PLACE" => random.pick(geo::PLACES),
            "$DEGREE" => random.pick(geo::DEGREES),
            "$LENGTH" => random.pick(geo::LENGTHS),
            "$UNIT" => random.pick(geo::UNITS),
            _ => &word,
        };
        words.push((*filled).to_owned());
    }
    words
}
