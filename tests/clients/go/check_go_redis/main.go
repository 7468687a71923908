// go-redis in RESP2 and RESP3: transactions, pipelines, scripts, functions, subscriptions, blocking commands, a pool under load.
package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"larder.test/clients/check"
)

const library = `#!lua name=shop
redis.register_function('sell', function(keys, args) return redis.call('DECRBY', keys[1], args[1]) end)
redis.register_function{function_name = 'stock', callback = function(keys) return redis.call('GET', keys[1]) end, flags = {'no-writes'}}`

var ctx = context.Background()

func values(r *redis.Client) {
	type visitor struct {
		Name string  `redis:"name"`
		Age  int     `redis:"age"`
		Size float64 `redis:"size"`
	}
	ann := visitor{"Ann ä", 30, 1.5}
	check.Ok(r.HSet(ctx, "ann", ann).Err())
	var read visitor
	check.Ok(r.HGetAll(ctx, "ann").Scan(&read))
	check.Equal(read, ann)
	check.Equal(r.Get(ctx, "none").Err(), redis.Nil)
	check.Equal(r.ZAdd(ctx, "z", redis.Z{Score: 1.5, Member: "x"}, redis.Z{Score: 2, Member: "y"}).Val(), int64(2))
	check.Equal(r.ZRangeWithScores(ctx, "z", 0, -1).Val(), []redis.Z{{Score: 1.5, Member: "x"}, {Score: 2, Member: "y"}})
	id := r.XAdd(ctx, &redis.XAddArgs{Stream: "x", Values: []string{"k", "v"}}).Val()
	check.Ok(r.XGroupCreate(ctx, "x", "g", "0").Err())
	streams, err := r.XReadGroup(ctx, &redis.XReadGroupArgs{Group: "g", Consumer: "me", Streams: []string{"x", ">"}}).Result()
	check.Ok(err)
	check.Equal(streams, []redis.XStream{{Stream: "x", Messages: []redis.XMessage{{ID: id, Values: map[string]any{"k": "v"}}}}})
	check.Equal(r.XAck(ctx, "x", "g", id).Val(), int64(1))
	check.Equal(r.HExpire(ctx, "ann", time.Minute, "age", "none").Val(), []int64{1, -2})
	check.Fails(r.Incr(ctx, "z").Err(), "WRONGTYPE")
	check.Ok(r.Set(ctx, "brief", "x", 20*time.Millisecond).Err())
	check.Until("a key expires", func() bool { return r.Exists(ctx, "brief").Val() == 0 })

	_, err = r.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for n := range 1000 {
			pipe.Set(ctx, fmt.Sprint("scan:", n), n, 0)
		}
		return nil
	})
	check.Ok(err)
	found := map[string]bool{}
	for keys := r.Scan(ctx, 0, "scan:*", 30).Iterator(); keys.Next(ctx); {
		found[keys.Val()] = true
	}
	check.Equal(len(found), 1000)
}

func transactions(r *redis.Client) {
	replies, err := r.TxPipelined(ctx, func(pipe redis.Pipeliner) error {
		pipe.Set(ctx, "a", 1, 0)
		pipe.Incr(ctx, "a")
		pipe.Get(ctx, "a")
		return nil
	})
	check.Ok(err)
	check.Equal(replies[2].(*redis.StringCmd).Val(), "2")
	_, err = r.TxPipelined(ctx, func(pipe redis.Pipeliner) error {
		pipe.LPush(ctx, "a", 1)
		pipe.Set(ctx, "after", 1, 0)
		return nil
	})
	check.Fails(err, "WRONGTYPE")
	check.Equal(r.Get(ctx, "after").Val(), "1")
	_, err = r.TxPipelined(ctx, func(pipe redis.Pipeliner) error {
		pipe.Set(ctx, "never", 1, 0)
		pipe.Do(ctx, "SET", "b")
		return nil
	})
	check.Fails(err, "EXECABORT")
	check.Equal(r.Exists(ctx, "never").Val(), int64(0))

	// Optimistic locking: who loses the race tries again.
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 25 {
				for {
					err := r.Watch(ctx, func(tx *redis.Tx) error {
						value, _ := tx.Get(ctx, "counter").Int()
						_, err := tx.TxPipelined(ctx, func(pipe redis.Pipeliner) error {
							return pipe.Set(ctx, "counter", value+1, 0).Err()
						})
						return err
					}, "counter")
					if !errors.Is(err, redis.TxFailedErr) {
						check.Ok(err)
						break
					}
				}
			}
		})
	}
	all.Wait()
	check.Equal(r.Get(ctx, "counter").Val(), "200")
}

func programs(r *redis.Client) {
	add := redis.NewScript(`local sum = redis.call('INCRBY', KEYS[1], ARGV[1]) return {sum, 'text', {7.9}, false}`)
	check.Equal(add.Run(ctx, r, []string{"sum"}, 5).Val(), []any{int64(5), "text", []any{int64(7)}, nil})
	check.Ok(r.ScriptFlush(ctx).Err())
	check.Equal(add.Run(ctx, r, []string{"sum"}, 5).Val().([]any)[0], int64(10))
	check.Fails(add.RunRO(ctx, r, []string{"sum"}, 5).Err(), "Write commands are not allowed from read-only scripts")
	check.Fails(r.EvalSha(ctx, "ffffffffffffffffffffffffffffffffffffffff", nil).Err(), "NOSCRIPT")
	check.Equal(r.Eval(ctx, "return nil", nil).Err(), redis.Nil)

	check.Equal(r.FunctionLoadReplace(ctx, library).Val(), "shop")
	check.Ok(r.Set(ctx, "apples", 10, 0).Err())
	check.Equal(r.FCall(ctx, "sell", []string{"apples"}, 3).Val(), int64(7))
	check.Equal(r.FCallRO(ctx, "stock", []string{"apples"}).Val(), "7")
	libraries := r.FunctionList(ctx, redis.FunctionListQuery{LibraryNamePattern: "sh*", WithCode: true}).Val()
	check.Equal(len(libraries), 1)
	check.Equal([]any{libraries[0].Name, libraries[0].Engine, libraries[0].Code, len(libraries[0].Functions)}, []any{"shop", "LUA", library, 2})
	dump := r.FunctionDump(ctx).Val()
	check.Ok(r.FunctionFlush(ctx).Err())
	check.Ok(r.FunctionRestore(ctx, dump).Err())
	check.Equal(r.FCall(ctx, "sell", []string{"apples"}, 1).Val(), int64(6))
	check.Equal(r.FunctionStats(ctx).Val().Engines[0].LibrariesCount, int64(1))
}

func subscriptions(r *redis.Client) {
	subscription := r.Subscribe(ctx, "news")
	defer subscription.Close()
	check.Ok(subscription.PSubscribe(ctx, "we*"))
	check.Until("both are subscribed to", func() bool {
		return r.PubSubNumSub(ctx, "news").Val()["news"] == 1 && r.PubSubNumPat(ctx).Val() == 1
	})
	messages := subscription.Channel()
	check.Equal(r.Publish(ctx, "news", "a").Val(), int64(1))
	check.Ok(r.Publish(ctx, "weather", "b").Err())
	check.Ok(r.Eval(ctx, "return redis.call('PUBLISH', 'news', ARGV[1])", nil, "c").Err())
	for _, wanted := range [][]string{{"news", "a"}, {"weather", "b"}, {"news", "c"}} {
		message := <-messages
		check.Equal([]string{message.Channel, message.Payload}, wanted)
	}
	shards := r.SSubscribe(ctx, "shard")
	defer shards.Close()
	_, err := shards.Receive(ctx)
	check.Ok(err)
	check.Ok(r.SPublish(ctx, "shard", "s").Err())
	message, err := shards.ReceiveMessage(ctx)
	check.Ok(err)
	check.Equal(message.Payload, "s")
}

// Twenty consumers wait at one list, four producers fill it: nothing is lost, nothing comes twice.
func waiting(r *redis.Client) {
	var all sync.WaitGroup
	var seen sync.Map
	for range 20 {
		all.Go(func() {
			for {
				got, err := r.BLPop(ctx, 10*time.Second, "queue").Result()
				check.Ok(err)
				if got[1] == "end" {
					return
				}
				_, twice := seen.LoadOrStore(got[1], true)
				check.Equal(twice, false)
			}
		})
	}
	var producers sync.WaitGroup
	for producer := range 4 {
		producers.Go(func() {
			for n := range 500 {
				check.Ok(r.RPush(ctx, "queue", strconv.Itoa(producer*500+n)).Err())
			}
		})
	}
	producers.Wait()
	for range 20 {
		check.Ok(r.RPush(ctx, "queue", "end").Err())
	}
	all.Wait()
	count := 0
	seen.Range(func(any, any) bool { count++; return true })
	check.Equal(count, 2000)
}

func main() {
	for _, protocol := range []int{2, 3} {
		r := redis.NewClient(&redis.Options{Addr: check.Address(), Protocol: protocol, PoolSize: 30, ClientName: "tester"})
		check.Ok(r.FlushAll(ctx).Err())
		for _, part := range []func(*redis.Client){values, transactions, programs, subscriptions, waiting} {
			part(r)
		}
		check.Ok(r.Close())
	}
	check.Done("github.com/redis/go-redis/v9", "types, MULTI, WATCH, scripts, functions, pub/sub, blocked consumers; RESP2 and RESP3")
}
