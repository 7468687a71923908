//! redis-rs in RESP2 and RESP3: its traits of commands, pipelines, transactions, scripts, streams, geo, subscriptions,
//! one connection shared by many tasks, and one that comes back by itself.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::thread;

use futures_util::StreamExt;
use larder_clients::{done, fails, soon, url};
use redis::geo::{Coord, RadiusOptions, Unit};
use redis::streams::{StreamReadOptions, StreamReadReply};
use redis::{
    AsyncCommands, Client, Commands, Connection, ExpireOption, RedisResult, Script, SetExpiry,
    SetOptions, Value,
};

fn values(con: &mut Connection) -> RedisResult<()> {
    let options = SetOptions::default().with_expiration(SetExpiry::EX(100));
    let _: () = con.set_options("greeting", "hällo", options)?;
    assert_eq!(con.get::<_, String>("greeting")?, "hällo");
    assert!((90..=100).contains(&con.ttl::<_, i64>("greeting")?));
    assert_eq!(con.get::<_, Option<String>>("none")?, None);
    assert_eq!(
        con.mget::<_, Vec<Option<String>>>(&["greeting", "none"])?,
        [Some("hällo".into()), None]
    );
    let bytes = vec![0u8, 13, 10, 255];
    let _: () = con.set("bytes", &bytes)?;
    assert_eq!(con.get::<_, Vec<u8>>("bytes")?, bytes);
    let _: () = con.hset_multiple("h", &[("a", 1), ("b", 2)])?;
    assert_eq!(
        con.hgetall::<_, HashMap<String, i32>>("h")?,
        HashMap::from([("a".into(), 1), ("b".into(), 2)])
    );
    assert_eq!(
        con.hexpire::<_, _, Vec<i64>>("h", 50, ExpireOption::NONE, &["a", "none"])?,
        [1, -2]
    );
    let _: () = con.sadd("s", &["x", "y"])?;
    assert_eq!(
        con.smembers::<_, HashSet<String>>("s")?,
        HashSet::from(["x".into(), "y".into()])
    );
    let _: () = con.zadd_multiple("z", &[(1.5, "x"), (f64::INFINITY, "y")])?;
    assert_eq!(
        con.zrange_withscores::<_, Vec<(String, f64)>>("z", 0, -1)?,
        [("x".into(), 1.5), ("y".into(), f64::INFINITY)]
    );
    let _: () = con.rpush("l", &[1, 2, 3])?;
    assert_eq!(con.blpop::<_, (String, i32)>("l", 1.0)?, ("l".into(), 1));
    let places = [
        (Coord::lon_lat(13.361_389, 38.115_556), "Palermo"),
        (Coord::lon_lat(15.087_269, 37.502_669), "Catania"),
    ];
    assert_eq!(con.geo_add::<_, _, i32>("sicily", &places)?, 2);
    let near: Vec<String> = con.geo_radius(
        "sicily",
        15.0,
        37.0,
        100.0,
        Unit::Kilometers,
        RadiusOptions::default(),
    )?;
    assert_eq!(near, ["Catania"]);
    let names: HashMap<String, i32> = (0..500).map(|n| (format!("scan:{n}"), n)).collect();
    let _: () = con.mset(&names.iter().collect::<Vec<_>>())?;
    let found: RedisResult<HashSet<String>> = con.scan_match("scan:*")?.collect();
    assert_eq!(found?, names.into_keys().collect());
    fails(con.incr::<_, _, i64>("h", 1), "WRONGTYPE");
    Ok(())
}

fn streams(con: &mut Connection) -> RedisResult<()> {
    let id: String = con.xadd("events", "*", &[("kind", "sold"), ("what", "pear")])?;
    let _: () = con.xgroup_create("events", "readers", "0")?;
    let options = StreamReadOptions::default()
        .group("readers", "me")
        .count(10);
    let reply: StreamReadReply = con.xread_options(&["events"], &[">"], &options)?;
    assert_eq!(reply.keys[0].ids[0].id, id);
    assert_eq!(
        reply.keys[0].ids[0].get::<String>("what"),
        Some("pear".into())
    );
    assert_eq!(con.xack::<_, _, _, i32>("events", "readers", &[&id])?, 1);
    Ok(())
}

fn transactions(client: &Client, con: &mut Connection) -> RedisResult<()> {
    let replies: (i32, Option<String>) = redis::pipe()
        .atomic()
        .incr("count", 1)
        .set("done", "yes")
        .ignore()
        .get("done")
        .query(con)?;
    assert_eq!(replies, (1, Some("yes".into())));
    let mut many = redis::pipe();
    (0..2000).for_each(|n| {
        many.incr("sum", n);
    });
    assert_eq!(
        many.query::<Vec<i64>>(con)?.last(),
        Some(&(1999 * 2000 / 2))
    );

    // Eight threads count the same key up by reading and writing, which WATCH makes safe.
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut con = client.get_connection().expect("the server is there");
                for _ in 0..50 {
                    let done: RedisResult<(i32,)> =
                        redis::transaction(&mut con, &["raced"], |con, pipe| {
                            let value = con.get::<_, Option<i32>>("raced")?.unwrap_or(0);
                            pipe.set("raced", value + 1)
                                .ignore()
                                .get("raced")
                                .query(con)
                        });
                    done.expect("a transaction is tried until it succeeds");
                }
            });
        }
    });
    assert_eq!(con.get::<_, i32>("raced")?, 400);
    Ok(())
}

fn scripts(con: &mut Connection) -> RedisResult<()> {
    let script = Script::new("return {redis.call('INCRBY', KEYS[1], ARGV[1]), ARGV[2], false}");
    let run = |con: &mut Connection| {
        script
            .key("total")
            .arg(5)
            .arg("ä")
            .invoke::<(i32, String, Option<String>)>(con)
    };
    assert_eq!(run(con)?, (5, "ä".into(), None));
    let _: () = redis::cmd("SCRIPT").arg("FLUSH").query(con)?;
    assert_eq!(run(con)?.0, 10, "the script is loaded anew");
    fails(
        Script::new("return redis.call('INCR', KEYS[1])")
            .key("h")
            .invoke::<i32>(con),
        "WRONGTYPE",
    );
    Ok(())
}

fn subscriptions(client: &Client, con: &mut Connection) -> RedisResult<()> {
    let mut listening = client.get_connection()?;
    let mut heard = listening.as_pubsub();
    heard.subscribe("news")?;
    heard.psubscribe("we*")?;
    assert_eq!(con.publish::<_, _, i32>("news", "one")?, 1);
    assert_eq!(con.publish::<_, _, i32>("weather", "sun")?, 1);
    let first = heard.get_message()?;
    assert_eq!(
        (first.get_channel_name(), first.get_payload::<String>()?),
        ("news", "one".into())
    );
    let second = heard.get_message()?;
    assert_eq!(
        (second.get_channel_name(), second.get_pattern::<String>()?),
        ("weather", "we*".into())
    );
    Ok(())
}

async fn of_many_tasks(client: &Client) -> RedisResult<()> {
    let shared = client.get_multiplexed_async_connection().await?;
    let tasks: Vec<_> = (0..100)
        .map(|n| {
            let mut con = shared.clone();
            tokio::spawn(async move { con.incr::<_, _, i64>(format!("task:{n}"), n).await })
        })
        .collect();
    for (n, task) in tasks.into_iter().enumerate() {
        assert_eq!(
            soon("a task's reply", task)
                .await
                .expect("no task panics")?,
            i64::try_from(n).expect("small")
        );
    }
    let (mut sink, mut stream) = client.get_async_pubsub().await?.split();
    sink.subscribe("async news").await?;
    let mut con = shared.clone();
    let _: () = con.publish("async news", "heard").await?;
    assert_eq!(
        soon("a message", stream.next())
            .await
            .expect("the stream goes on")
            .get_payload::<String>()?,
        "heard"
    );

    // A connection that is lost comes back with the next command or the one behind it.
    let mut managed = client.get_connection_manager().await?;
    let id: i64 = redis::cmd("CLIENT")
        .arg("ID")
        .query_async(&mut managed)
        .await?;
    let _: () = redis::cmd("CLIENT")
        .arg("KILL")
        .arg("ID")
        .arg(id)
        .query_async(&mut con)
        .await?;
    soon("the connection is back", async {
        while redis::cmd("PING")
            .query_async::<String>(&mut managed)
            .await
            .is_err()
        {}
    })
    .await;
    Ok(())
}

#[tokio::main(worker_threads = 2)]
async fn main() -> RedisResult<()> {
    for protocol in ["resp2", "resp3"] {
        let client = Client::open(url(protocol))?;
        let mut con = client.get_connection()?;
        let _: () = con.flushall()?;
        let hello: BTreeMap<String, Value> = redis::cmd("HELLO").query(&mut con)?;
        assert_eq!(
            hello["proto"],
            Value::Int(if protocol == "resp2" { 2 } else { 3 })
        );
        values(&mut con)?;
        streams(&mut con)?;
        transactions(&client, &mut con)?;
        scripts(&mut con)?;
        subscriptions(&client, &mut con)?;
        of_many_tasks(&client).await?;
    }
    done(
        "redis",
        "types, streams, geo, pipelines, MULTI, WATCH, scripts, pub/sub, shared and managed connections; RESP2 and RESP3",
    );
    Ok(())
}
