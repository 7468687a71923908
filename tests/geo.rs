//! Places over a real socket: replies in both protocols, the order of a search, what is stored, and errors.

mod support;

use support::{Client, Server};

fn ask(client: &mut Client, request: &str, reply: &str) {
    let words: Vec<_> = request.split(' ').collect();
    client.ask(&words, reply);
}

/// Changes the protocol.
fn speak(client: &mut Client, protocol: &str) {
    client.request(&["HELLO", protocol]);
    client.request(&["PING"]);
    while client.line() != "+PONG" {}
}

/// Palermo, and Catania east of it.
fn sicily(client: &mut Client) {
    let request = "GEOADD s 13.361389 38.115556 Palermo 15.087269 37.502669 Catania";
    ask(client, request, ":2\r\n");
}

#[test]
fn places_are_added_as_zadd_adds_members() {
    let server = Server::start(&[]);
    let mut client = server.client();
    sicily(&mut client);
    for (request, reply) in [
        ("ZSCORE s Palermo", "$16\r\n3479099956230698\r\n"),
        ("GEOADD s CH 13.4 38.1 Palermo 0 0 Null", ":2\r\n"),
        ("GEOADD s NX 1 1 Palermo 1 1 One", ":1\r\n"),
        ("GEOADD s XX CH 2 2 One 3 3 None", ":1\r\n"),
        ("GEOADD none XX 1 1 a", ":0\r\n"),
        ("EXISTS none", ":0\r\n"),
        ("ZCARD s", ":4\r\n"),
        ("GEOADD s NX XX 1 1 a", "-ERR syntax error\r\n"),
        ("GEOADD s 1 1 a 1", "-ERR syntax error\r\n"),
        ("GEOADD s CH CH CH", "-ERR syntax error\r\n"),
        ("GEOADD s 1 x a", "-ERR value is not a valid float\r\n"),
        (
            "GEOADD s 1 1 a 180.5 86 b",
            "-ERR invalid longitude,latitude pair 180.500000,86.000000\r\n",
        ),
        ("ZSCORE s a", "$-1\r\n"),
    ] {
        ask(&mut client, request, reply);
    }
}

#[test]
fn members_are_told_in_both_protocols() {
    let server = Server::start(&[]);
    let mut client = server.client();
    sicily(&mut client);
    for (request, reply) in [
        ("GEODIST s Palermo Catania", "$11\r\n166274.1516\r\n"),
        ("GEODIST s Palermo Catania km", "$8\r\n166.2742\r\n"),
        ("GEODIST s Palermo Nowhere", "$-1\r\n"),
        ("GEODIST none a b", "$-1\r\n"),
        (
            "GEODIST none a b miles",
            "-ERR unsupported unit provided. please use M, KM, FT, MI\r\n",
        ),
        ("GEODIST s a b km km", "-ERR syntax error\r\n"),
        (
            "GEOHASH s Palermo Nowhere",
            "*2\r\n$11\r\nsqc8b49rny0\r\n$-1\r\n",
        ),
        ("GEOHASH s", "*0\r\n"),
        (
            "GEOPOS s Palermo Nowhere",
            "*2\r\n*2\r\n$20\r\n13.36138933897018433\r\n$20\r\n38.11555639549629859\r\n*-1\r\n",
        ),
        ("GEOPOS none a", "*1\r\n*-1\r\n"),
    ] {
        ask(&mut client, request, reply);
    }
    speak(&mut client, "3");
    for (request, reply) in [
        ("GEODIST s Palermo Catania", "$11\r\n166274.1516\r\n"),
        (
            "GEOPOS s Palermo Nowhere",
            "*2\r\n*2\r\n,13.36138933897018433\r\n,38.11555639549629859\r\n_\r\n",
        ),
        (
            "GEOSEARCH s FROMLONLAT 15 37 BYBOX 200 200 km WITHCOORD WITHDIST WITHHASH",
            "*1\r\n*4\r\n$7\r\nCatania\r\n$7\r\n56.4413\r\n:3479447370796909\r\n\
             *2\r\n,15.08726745843887329\r\n,37.50266842333162032\r\n",
        ),
    ] {
        ask(&mut client, request, reply);
    }
}

#[test]
fn searches_find_what_is_within_in_the_order_of_the_peers() {
    let server = Server::start(&[]);
    let mut client = server.client();
    sicily(&mut client);
    ask(
        &mut client,
        "GEOADD s 12.4964 41.9028 Rome 2.3488 48.8534 Paris",
        ":2\r\n",
    );
    let (palermo, catania) = ("$7\r\nPalermo\r\n", "$7\r\nCatania\r\n");
    let both = format!("*2\r\n{palermo}{catania}");
    let reversed = format!("*2\r\n{catania}{palermo}");
    for (request, reply) in [
        ("GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 200 km", &both[..]),
        (
            "GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 200 km ASC",
            &reversed,
        ),
        ("GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 200 km DESC", &both),
        (
            "GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 200 km COUNT 1",
            &format!("*1\r\n{catania}"),
        ),
        (
            "GEOSEARCH s FROMLONLAT 15 37 BYRADIUS 200 km COUNT 1 ANY",
            &format!("*1\r\n{palermo}"),
        ),
        ("GEOSEARCH s FROMMEMBER Palermo BYBOX 400 400 km ASC", &both),
        (
            "GEOSEARCH s BYPOLYGON 3 13 37 14 39 16 37",
            &format!("*1\r\n{catania}"),
        ),
        (
            "GEOSEARCH s BYPOLYGON 4 13 37 13 39 16 39 16 37 WITHDIST ASC",
            &format!(
                "*2\r\n*2\r\n{catania}$10\r\n76454.0837\r\n*2\r\n{palermo}$11\r\n100405.5658\r\n"
            ),
        ),
        ("GEORADIUS s 15 37 200 km", &both),
        ("GEORADIUS_RO s 15 37 200 km ASC", &reversed),
        (
            "GEORADIUSBYMEMBER s Palermo 200 km WITHDIST",
            &format!("*2\r\n*2\r\n{palermo}$6\r\n0.0000\r\n*2\r\n{catania}$8\r\n166.2742\r\n"),
        ),
        ("GEORADIUSBYMEMBER_RO s Paris 0 m", "*1\r\n$5\r\nParis\r\n"),
        ("GEOSEARCH s FROMLONLAT 100 37 BYRADIUS 200 km", "*0\r\n"),
        ("GEOSEARCH none FROMMEMBER a BYRADIUS 200 km", "*0\r\n"),
    ] {
        ask(&mut client, request, reply);
    }
}

#[test]
fn results_are_stored_as_places_or_distances() {
    let server = Server::start(&[]);
    let mut client = server.client();
    sicily(&mut client);
    for (request, reply) in [
        (
            "GEOSEARCHSTORE d s FROMLONLAT 15 37 BYRADIUS 200 km",
            ":2\r\n",
        ),
        (
            "ZRANGE d 0 -1 WITHSCORES",
            "*4\r\n$7\r\nPalermo\r\n$16\r\n3479099956230698\r\n$7\r\nCatania\r\n$16\r\n3479447370796909\r\n",
        ),
        ("OBJECT ENCODING d", "$8\r\nlistpack\r\n"),
        (
            "GEOSEARCHSTORE d s FROMLONLAT 15 37 BYRADIUS 200 km STOREDIST",
            ":2\r\n",
        ),
        ("ZRANGE d 0 -1", "*2\r\n$7\r\nCatania\r\n$7\r\nPalermo\r\n"),
        ("ZCOUNT d 56.44 56.45", ":1\r\n"),
        (
            "GEORADIUS s 15 37 200 km STORE e STOREDIST f COUNT 1",
            ":1\r\n",
        ),
        ("EXISTS e f", ":1\r\n"),
        ("GEORADIUSBYMEMBER s Catania 1 km STORE s", ":1\r\n"),
        ("ZRANGE s 0 -1", "*1\r\n$7\r\nCatania\r\n"),
        ("GEOSEARCHSTORE d s FROMLONLAT 0 0 BYRADIUS 1 km", ":0\r\n"),
        (
            "GEOSEARCHSTORE f none FROMLONLAT 0 0 BYRADIUS 1 km",
            ":0\r\n",
        ),
        ("EXISTS d f", ":0\r\n"),
    ] {
        ask(&mut client, request, reply);
    }
}

#[test]
fn errors_are_those_of_redis() {
    let server = Server::start(&[]);
    let mut client = server.client();
    sicily(&mut client);
    ask(&mut client, "SET text x", "+OK\r\n");
    let at = "GEOSEARCH s FROMLONLAT 15 37";
    for (request, reply) in [
        (
            "GEOPOS text a".into(),
            "WRONGTYPE Operation against a key holding the wrong kind of value",
        ),
        (
            "GEOSEARCH s FROMMEMBER x BYRADIUS 1 m".into(),
            "ERR could not decode requested zset member",
        ),
        (
            "GEORADIUSBYMEMBER s x 1 m".into(),
            "ERR could not decode requested zset member",
        ),
        (format!("{at} BYRADIUS x m"), "ERR need numeric radius"),
        (
            format!("{at} BYRADIUS -1 m"),
            "ERR radius cannot be negative",
        ),
        (format!("{at} BYBOX x 1 m"), "ERR need numeric width"),
        (format!("{at} BYBOX 1 x m"), "ERR need numeric height"),
        (
            format!("{at} BYBOX 1 -1 m"),
            "ERR height or width cannot be negative",
        ),
        (
            format!("{at} BYRADIUS 1 x"),
            "ERR unsupported unit provided. please use M, KM, FT, MI",
        ),
        (
            format!("{at} BYRADIUS 1 m COUNT 0"),
            "ERR COUNT must be > 0",
        ),
        (
            format!("{at} BYRADIUS 1 m ANY"),
            "ERR the ANY argument requires COUNT argument",
        ),
        (format!("{at} BYRADIUS 1 m STORE d"), "ERR syntax error"),
        (format!("{at} BYRADIUS 1 m BYBOX 1 1 m"), "ERR syntax error"),
        (format!("{at} BYPOLYGON 3 1 1 2 2 3 1"), "ERR syntax error"),
        (
            format!("{at} FROMMEMBER Palermo BYRADIUS 1 m"),
            "ERR syntax error",
        ),
        (
            "GEOSEARCH s BYRADIUS 1 m ASC ASC ASC".into(),
            "ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for GEOSEARCH",
        ),
        (
            format!("{at} ASC ASC"),
            "ERR exactly one of BYRADIUS, BYBOX and BYPOLYGON can be specified for GEOSEARCH",
        ),
        (
            "GEOSEARCH s BYPOLYGON 2 1 1 2 2".into(),
            "ERR GEOSEARCH BYPOLYGON must have at least 3 vertices",
        ),
        (
            "GEOSEARCH s BYPOLYGON 2147483647 1 1 2 2 3 3".into(),
            "ERR GEOSEARCH BYPOLYGON must have at least 3 vertices",
        ),
        (
            "GEOSEARCH s BYPOLYGON x 1 1 2 2".into(),
            "ERR invalid number of vertices",
        ),
        (
            "GEOSEARCHSTORE d s FROMLONLAT 15 37 BYRADIUS 1 m WITHDIST".into(),
            "ERR GEOSEARCHSTORE is not compatible with WITHDIST, WITHHASH and WITHCOORD options",
        ),
        (
            "GEORADIUS s 15 37 1 m STORE d WITHHASH".into(),
            "ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and WITHCOORD options",
        ),
        ("GEORADIUS s 15 37 1 m STORE".into(), "ERR syntax error"),
        (
            "GEORADIUS_RO s 15 37 1 m STORE d".into(),
            "ERR syntax error",
        ),
        (
            "GEORADIUS s 15 99 1 m".into(),
            "ERR invalid longitude,latitude pair 15.000000,99.000000",
        ),
    ] {
        ask(&mut client, &request, &format!("-{reply}\r\n"));
    }
}

#[test]
fn large_sets_are_searched_like_small_ones() {
    let server = Server::start(&[("zset-max-listpack-entries", "4")]);
    let mut client = server.client();
    for index in 0..500 {
        let (east, north) = (f64::from(index % 25) / 10.0, f64::from(index / 25) / 10.0);
        let request = format!("GEOADD large {east} {north} {index}");
        ask(&mut client, &request, ":1\r\n");
    }
    ask(&mut client, "OBJECT ENCODING large", "$8\r\nskiplist\r\n");
    // A tenth of a degree is 11.12 km: the point itself and its four neighbours.
    let near = "GEOSEARCH large FROMLONLAT 1 1 BYRADIUS 12 km ASC COUNT 1";
    ask(&mut client, near, "*1\r\n$3\r\n260\r\n");
    ask(
        &mut client,
        "GEOSEARCHSTORE d large FROMLONLAT 1 1 BYRADIUS 12 km",
        ":5\r\n",
    );
    ask(
        &mut client,
        "GEOSEARCHSTORE d large FROMLONLAT 1 1 BYRADIUS 2000 km",
        ":500\r\n",
    );
    ask(&mut client, "OBJECT ENCODING d", "$8\r\nskiplist\r\n");
}
