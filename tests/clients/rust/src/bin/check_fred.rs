//! fred in RESP2 and RESP3: a pool, typed replies, pipelines, transactions, scripts, subscriptions that outlive their connection.

use std::collections::HashMap;

use fred::clients::SubscriberClient;
use fred::prelude::*;
use fred::types::RespVersion;
use fred::types::scan::Scanner;
use fred::types::scripts::Script;
use futures_util::TryStreamExt;
use larder_clients::{done, fails, soon, url};

async fn values(client: &Pool) -> Result<(), Error> {
    let _: () = client
        .set("greeting", "hällo", Some(Expiration::EX(100)), None, false)
        .await?;
    assert_eq!(client.get::<String, _>("greeting").await?, "hällo");
    assert!((90..=100).contains(&client.ttl::<i64, _>("greeting").await?));
    let refused: Option<String> = client
        .set("greeting", "other", None, Some(SetOptions::NX), false)
        .await?;
    assert_eq!(refused, None);
    assert_eq!(client.get::<Option<String>, _>("none").await?, None);
    let _: () = client
        .hset("h", HashMap::from([("a", 1), ("b", 2)]))
        .await?;
    assert_eq!(
        client.hgetall::<HashMap<String, i64>, _>("h").await?,
        HashMap::from([("a".into(), 1), ("b".into(), 2)])
    );
    assert_eq!(
        client
            .hexpire::<Vec<i64>, _, _>("h", 50, None, vec!["a", "none"])
            .await?,
        [1, -2]
    );
    let _: () = client
        .zadd("z", None, None, false, false, vec![(1.5, "x"), (2.0, "y")])
        .await?;
    assert_eq!(client.zscore::<f64, _, _>("z", "x").await?, 1.5);
    let _: () = client.rpush("l", vec![1, 2, 3]).await?;
    assert_eq!(client.lrange::<Vec<i32>, _>("l", 0, -1).await?, [1, 2, 3]);
    fails(client.incr::<i64, _>("h").await, "WRONGTYPE");

    let pipeline = client.next().pipeline();
    for n in 0..1000 {
        let _: () = pipeline.incr_by("sum", n).await?;
    }
    assert_eq!(
        pipeline.all::<Vec<i64>>().await?.last(),
        Some(&(999 * 1000 / 2))
    );
    for n in 0..300 {
        let _: () = client
            .set(format!("scan:{n}"), n, None, None, false)
            .await?;
    }
    let mut found = 0;
    let mut pages = client.next().scan("scan:*", Some(50), None);
    while let Some(mut page) = pages.try_next().await? {
        found += page.take_results().map_or(0, |keys| keys.len());
        page.next();
    }
    assert_eq!(found, 300);
    Ok(())
}

async fn transactions(client: &Pool) -> Result<(), Error> {
    let transaction = client.next().multi();
    let _: () = transaction.set("a", 1, None, None, false).await?;
    let _: () = transaction.incr("a").await?;
    assert_eq!(
        transaction.exec::<(String, i64)>(true).await?,
        ("OK".into(), 2)
    );
    let wrong = client.next().multi();
    let _: () = wrong.incr("h").await?;
    fails(wrong.exec::<Value>(true).await, "WRONGTYPE");

    let script = Script::from_lua("return {redis.call('INCRBY', KEYS[1], ARGV[1]), KEYS[1]}");
    script.load(client.next()).await?;
    assert_eq!(
        script
            .evalsha::<(i64, String), _, _, _>(client, vec!["total"], vec![5])
            .await?,
        (5, "total".into())
    );
    client.script_flush(false).await?;
    assert_eq!(
        script
            .evalsha_with_reload::<(i64, String), _, _>(client.next(), vec!["total"], vec![5])
            .await?
            .0,
        10
    );
    Ok(())
}

async fn subscriptions(client: &Pool, config: Config) -> Result<(), Error> {
    let policy = ReconnectPolicy::new_constant(0, 10);
    let subscriber = SubscriberClient::new(config, None, None, Some(policy));
    subscriber.init().await?;
    subscriber.subscribe("news").await?;
    subscriber.psubscribe("we*").await?;
    // fred does not wait for the replies, so what another connection publishes may be first.
    soon("both subscriptions", async {
        while client.next().pubsub_numpat::<i64>().await? == 0
            || client
                .next()
                .pubsub_channels::<Vec<String>, _>("*")
                .await?
                .is_empty()
        {
            tokio::task::yield_now().await;
        }
        Ok::<_, Error>(())
    })
    .await?;
    let _keeps_subscribing = subscriber.manage_subscriptions();
    let mut heard = subscriber.message_rx();
    assert_eq!(client.next().publish::<i64, _, _>("news", "one").await?, 1);
    assert_eq!(
        client.next().publish::<i64, _, _>("weather", "sun").await?,
        1
    );
    for wanted in [("news", "one"), ("weather", "sun")] {
        let message = soon("a message", heard.recv())
            .await
            .expect("the channel is open");
        assert_eq!(
            (&*message.channel, message.value.as_string()),
            (wanted.0, Some(wanted.1.into()))
        );
    }

    let _: () = client
        .next()
        .custom(
            fred::types::CustomCommand::new_static("CLIENT", None, false),
            vec!["KILL", "TYPE", "pubsub"],
        )
        .await?;
    // The first ones may still go to the connection that is being closed.
    let again = soon("it has subscribed anew", async {
        loop {
            let _: i64 = client.next().publish("news", "again").await?;
            if let Ok(message) = heard.try_recv() {
                return Ok::<_, Error>(message.value);
            }
            tokio::task::yield_now().await;
        }
    })
    .await?;
    assert_eq!(again.as_string(), Some("again".into()));
    subscriber.quit().await?;
    Ok(())
}

#[tokio::main(worker_threads = 2)]
async fn main() -> Result<(), Error> {
    for version in [RespVersion::RESP2, RespVersion::RESP3] {
        let mut config = Config::from_url(
            url("resp2")
                .split('?')
                .next()
                .expect("split gives one part at least"),
        )?;
        config.version = version;
        let client = Builder::from_config(config.clone()).build_pool(3)?;
        client.init().await?;
        let _: () = client.next().flushall(false).await?;
        values(&client).await?;
        transactions(&client).await?;
        subscriptions(&client, config).await?;
        client.quit().await?;
    }
    done(
        "fred",
        "pool, types, pipelines, SCAN, MULTI, scripts, pub/sub across a lost connection; RESP2 and RESP3",
    );
    Ok(())
}
