//! Money is moved between accounts in every way there is of changing several keys as one, at the same time, and nobody ever sees
//! a sum that is not the one of the beginning: not between two writes of a transaction or a script, and not while a script is set aside
//! in the middle.

mod support;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use support::{Client, Server, show};

const ACCOUNTS: usize = 12;
const EACH: i64 = 1000;
const TRANSFERS: usize = 150;
/// Of those that spin for some turns between their two writes.
const SLOW_TRANSFERS: usize = 15;

const DECLARED: &str =
    "redis.call('DECRBY', KEYS[1], ARGV[1]) redis.call('INCRBY', KEYS[2], ARGV[1]) return 1";
const UNDECLARED: &str = "redis.call('DECRBY', 'account:' .. ARGV[1], ARGV[3]) \
     redis.call('INCRBY', 'account:' .. ARGV[2], ARGV[3]) return 1";
const SLOW_DECLARED: &str = "redis.call('DECRBY', KEYS[1], ARGV[1]) for i = 1, 100000 do end \
     redis.call('INCRBY', KEYS[2], ARGV[1]) return 1";
const SLOW_UNDECLARED: &str = "redis.call('DECRBY', 'account:' .. ARGV[1], ARGV[3]) for i = 1, 100000 do end \
     redis.call('INCRBY', 'account:' .. ARGV[2], ARGV[3]) return 1";
const LIBRARY: &str = "#!lua name=bank\n\
     redis.register_function('transfer', function(keys, args) \
     redis.call('DECRBY', keys[1], args[1]) redis.call('INCRBY', keys[2], args[1]) return 1 end)";
const SUM_DECLARED: &str = "local sum = 0 for i, key in ipairs(KEYS) do sum = sum + redis.call('GET', KEYS[i]) end return sum";
const SUM_UNDECLARED: &str = "local sum = 0 for i = 0, ARGV[1] - 1 do sum = sum + redis.call('GET', 'account:' .. i) end return sum";

/// A repeatable source of numbers (xorshift64).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

/// A way of moving money.
type Transfer = fn(&mut Client, from: usize, to: usize, amount: &str);

fn account(number: usize) -> String {
    format!("account:{number}")
}

fn by_exec(client: &mut Client, from: usize, to: usize, amount: &str) {
    let (from, to) = (account(from), account(to));
    loop {
        client.ask(&["WATCH", &from, &to], "+OK\r\n");
        let mut balance = |key: &str| -> i64 { client.bulk(&["GET", key]).parse().unwrap() };
        let amount: i64 = amount.parse().unwrap();
        let left = (balance(&from) - amount).to_string();
        let right = (balance(&to) + amount).to_string();
        client.ask(&["MULTI"], "+OK\r\n");
        client.ask(&["SET", &from, &left], "+QUEUED\r\n");
        client.ask(&["SET", &to, &right], "+QUEUED\r\n");
        client.request(&["EXEC"]);
        match &*show(client) {
            "[+OK +OK]" => return,
            "nil*" => {}
            other => panic!("{other}"),
        }
    }
}

fn by_declared(client: &mut Client, from: usize, to: usize, amount: &str) {
    client.ask(
        &["EVAL", DECLARED, "2", &account(from), &account(to), amount],
        ":1\r\n",
    );
}

fn by_undeclared(client: &mut Client, from: usize, to: usize, amount: &str) {
    let (from, to) = (from.to_string(), to.to_string());
    client.ask(&["EVAL", UNDECLARED, "0", &from, &to, amount], ":1\r\n");
}

fn by_function(client: &mut Client, from: usize, to: usize, amount: &str) {
    client.ask(
        &[
            "FCALL",
            "transfer",
            "2",
            &account(from),
            &account(to),
            amount,
        ],
        ":1\r\n",
    );
}

fn slowly_by_declared(client: &mut Client, from: usize, to: usize, amount: &str) {
    client.ask(
        &[
            "EVAL",
            SLOW_DECLARED,
            "2",
            &account(from),
            &account(to),
            amount,
        ],
        ":1\r\n",
    );
}

fn slowly_by_undeclared(client: &mut Client, from: usize, to: usize, amount: &str) {
    let (from, to) = (from.to_string(), to.to_string());
    client.ask(
        &["EVAL", SLOW_UNDECLARED, "0", &from, &to, amount],
        ":1\r\n",
    );
}

/// A slow script, and another, in one transaction.
fn slowly_by_exec(client: &mut Client, from: usize, to: usize, amount: &str) {
    let (from_key, to_key) = (account(from), account(to));
    client.ask(&["MULTI"], "+OK\r\n");
    client.ask(&["DECRBY", &from_key, amount], "+QUEUED\r\n");
    client.ask(
        &["EVAL", SLOW_DECLARED, "2", &from_key, &to_key, amount],
        "+QUEUED\r\n",
    );
    client.ask(
        &["EVAL", SLOW_DECLARED, "2", &from_key, &to_key, amount],
        "+QUEUED\r\n",
    );
    client.ask(&["INCRBY", &to_key, amount], "+QUEUED\r\n");
    client.request(&["EXEC"]);
    let reply = show(client);
    assert!(reply.contains(" :1 :1 "), "{reply}");
}

/// Keys of nobody's, which are in the same shards and grow the same tables.
fn something_else(client: &mut Client, from: usize, to: usize, amount: &str) {
    let (from, to) = (format!("{amount}:other:{from}"), format!("other:{to}"));
    client.ask(&["MSET", &from, "1", &to, "2"], "+OK\r\n");
    client.ask(&["RENAME", &to, &from], "+OK\r\n");
}

const TRANSFERS_OF: [(Transfer, usize); 8] = [
    (by_exec, TRANSFERS),
    (by_declared, TRANSFERS),
    (by_undeclared, TRANSFERS),
    (by_function, TRANSFERS),
    (something_else, TRANSFERS),
    (slowly_by_declared, SLOW_TRANSFERS),
    (slowly_by_undeclared, SLOW_TRANSFERS),
    (slowly_by_exec, SLOW_TRANSFERS),
];

/// Sums up what a client sees.
type Look = fn(&mut Client, keys: &[&str]) -> i64;

fn sum(balances: &[String]) -> i64 {
    let parsed = balances.iter().map(|text| text.parse::<i64>().unwrap());
    parsed.sum()
}

fn by_mget(client: &mut Client, keys: &[&str]) -> i64 {
    sum(&client.bulks(&[&["MGET"], keys].concat()))
}

fn in_exec(client: &mut Client, keys: &[&str]) -> i64 {
    client.ask(&["MULTI"], "+OK\r\n");
    for key in keys {
        client.ask(&["GET", key], "+QUEUED\r\n");
    }
    sum(&client.bulks(&["EXEC"]))
}

fn in_script(client: &mut Client, keys: &[&str]) -> i64 {
    let number = keys.len().to_string();
    let request = [&["EVAL", SUM_DECLARED, &number], keys].concat();
    client.first_line(&request)[1..].parse().unwrap()
}

fn in_undeclared(client: &mut Client, keys: &[&str]) -> i64 {
    let number = keys.len().to_string();
    let line = client.first_line(&["EVAL", SUM_UNDECLARED, "0", &number]);
    line[1..].parse().unwrap()
}

const LOOKS: [Look; 4] = [by_mget, in_exec, in_script, in_undeclared];

fn money_is_moved_and_never_made(workers: &str) {
    let server = Server::start(&[("workers", workers), ("busy-reply-threshold", "60000")]);
    let mut client = server.client();
    for number in 0..ACCOUNTS {
        client.ask(&["SET", &account(number), &EACH.to_string()], "+OK\r\n");
    }
    client.ask(&["FUNCTION", "LOAD", LIBRARY], "$4\r\nbank\r\n");
    let names: Vec<_> = (0..ACCOUNTS).map(account).collect();
    let keys: Vec<_> = names.iter().map(|name| &**name).collect();
    let is_over = AtomicBool::new(false);
    let looked = AtomicUsize::new(0);
    thread::scope(|scope| {
        let mut movers = Vec::new();
        for (seed, (transfer, times)) in TRANSFERS_OF.into_iter().enumerate() {
            let mut client = server.client();
            movers.push(scope.spawn(move || {
                let mut random = Random(0x9e37_79b9_7f4a_7c15 + seed as u64);
                for _ in 0..times {
                    let from = random.below(ACCOUNTS);
                    let to = (from + 1 + random.below(ACCOUNTS - 1)) % ACCOUNTS;
                    let amount = (1 + random.below(50)).to_string();
                    transfer(&mut client, from, to, &amount);
                }
            }));
        }
        for look in LOOKS {
            let mut client = server.client();
            let (keys, is_over, looked) = (&keys, &is_over, &looked);
            scope.spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    assert_eq!(look(&mut client, keys), ACCOUNTS as i64 * EACH);
                    looked.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let ends: Vec<_> = movers
            .into_iter()
            .map(thread::ScopedJoinHandle::join)
            .collect();
        is_over.store(true, Ordering::Relaxed);
        assert!(ends.iter().all(Result::is_ok), "a mover has failed");
    });
    assert!(looked.into_inner() > LOOKS.len());
    for look in LOOKS {
        assert_eq!(look(&mut client, &keys), ACCOUNTS as i64 * EACH);
    }
    assert!(server.inside().scripts.running.oldest().is_none());
}

#[test]
fn money_is_moved_and_never_made_by_one_worker() {
    money_is_moved_and_never_made("1");
}

#[test]
fn money_is_moved_and_never_made_by_two_workers() {
    money_is_moved_and_never_made("2");
}

#[test]
fn money_is_moved_and_never_made_by_eight_workers() {
    money_is_moved_and_never_made("8");
}

/// Many short scripts that are just long enough to be set aside, all over the same few keys, and clients of little patience: whoever is told
/// BUSY tries again, and everybody gets through in the end.
#[test]
fn nobody_waits_for_ever() {
    let server = Server::start(&[("workers", "2"), ("busy-reply-threshold", "2")]);
    const TIMES: usize = 40;
    let script = "local n = redis.call('INCR', KEYS[1]) for i = 1, 30000 do end redis.call('INCR', KEYS[2]) return n";
    let done: usize = thread::scope(|scope| {
        let clients = (0..6usize).map(|number| {
            let mut client = server.client();
            scope.spawn(move || {
                let (one, two) = (
                    format!("{{{}}}", number % 3),
                    format!("{{{}}}", (number + 1) % 3),
                );
                let mut done = 0;
                while done < TIMES {
                    let line = match number {
                        5 => client.first_line(&["MSET", "{0}x", "1", "{1}x", "1"]),
                        4 => client.first_line(&["DBSIZE"]),
                        _ => client.first_line(&["EVAL", script, "2", &one, &two]),
                    };
                    match line.starts_with("-BUSY ") {
                        true => {}
                        false if line.starts_with('-') => panic!("{line}"),
                        false => done += 1,
                    }
                }
                done
            })
        });
        let clients: Vec<_> = clients.collect();
        clients
            .into_iter()
            .map(|client| client.join().expect("it does not fail"))
            .sum()
    });
    assert_eq!(done, 6 * TIMES);
    let mut client = server.client();
    let balances = client.bulks(&["MGET", "{0}", "{1}", "{2}"]);
    assert_eq!(sum(&balances), 4 * 2 * TIMES as i64);
    assert!(server.inside().scripts.running.oldest().is_none());
}
