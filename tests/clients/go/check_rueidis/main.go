// rueidis: automatic pipelining, transactions on a dedicated connection, Lua, functions, subscriptions, client-side caching.
package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/redis/rueidis"
	"larder.test/clients/check"
)

var ctx = context.Background()

// Many goroutines share one connection; each gets its own replies.
func pipelining(r rueidis.Client) {
	var all sync.WaitGroup
	for n := range 50 {
		all.Go(func() {
			key := fmt.Sprint("key:", n)
			for i := range 100 {
				count, err := r.Do(ctx, r.B().Incr().Key(key).Build()).AsInt64()
				check.Ok(err)
				check.Equal(count, int64(i+1))
			}
		})
	}
	all.Wait()
	var commands rueidis.Commands
	for n := range 50 {
		commands = append(commands, r.B().Get().Key(fmt.Sprint("key:", n)).Build())
	}
	for _, reply := range r.DoMulti(ctx, commands...) {
		value, err := reply.ToString()
		check.Ok(err)
		check.Equal(value, "100")
	}
	err := r.Do(ctx, r.B().Get().Key("none").Build()).Error()
	check.Equal(rueidis.IsRedisNil(err), true)
	check.Ok(r.Do(ctx, r.B().Hset().Key("h").FieldValue().FieldValue("a", "1").FieldValue("b", "ä").Build()).Error())
	hash, err := r.Do(ctx, r.B().Hgetall().Key("h").Build()).AsStrMap()
	check.Ok(err)
	check.Equal(hash, map[string]string{"a": "1", "b": "ä"})
	check.Ok(r.Do(ctx, r.B().Zadd().Key("z").ScoreMember().ScoreMember(1.5, "x").Build()).Error())
	scores, err := r.Do(ctx, r.B().Zrange().Key("z").Min("0").Max("-1").Withscores().Build()).AsZScores()
	check.Ok(err)
	check.Equal(scores, []rueidis.ZScore{{Member: "x", Score: 1.5}})
}

func transactions(r rueidis.Client) {
	check.Ok(r.Dedicated(func(c rueidis.DedicatedClient) error {
		replies := c.DoMulti(ctx,
			c.B().Watch().Key("a").Build(), c.B().Multi().Build(), c.B().Set().Key("a").Value("1").Build(),
			c.B().Incr().Key("a").Build(), c.B().Exec().Build())
		last, err := replies[4].ToArray()
		check.Ok(err)
		count, err := last[1].ToInt64()
		check.Ok(err)
		check.Equal(count, int64(2))

		check.Ok(c.Do(ctx, c.B().Watch().Key("a").Build()).Error())
		check.Ok(r.Do(ctx, r.B().Set().Key("a").Value("changed").Build()).Error())
		replies = c.DoMulti(ctx, c.B().Multi().Build(), c.B().Set().Key("a").Value("lost").Build(), c.B().Exec().Build())
		check.Equal(rueidis.IsRedisNil(replies[2].Error()), true)
		return nil
	}))
	value, err := r.Do(ctx, r.B().Get().Key("a").Build()).ToString()
	check.Ok(err)
	check.Equal(value, "changed")
}

func programs(r rueidis.Client) {
	add := rueidis.NewLuaScript("return redis.call('INCRBY', KEYS[1], ARGV[1])")
	for n := range 3 {
		sum, err := add.Exec(ctx, r, []string{"sum"}, []string{"5"}).AsInt64()
		check.Ok(err)
		check.Equal(sum, int64(5*(n+1)))
	}
	many := make([]rueidis.LuaExec, 100)
	for n := range many {
		many[n] = rueidis.LuaExec{Keys: []string{fmt.Sprint("sum:", n)}, Args: []string{fmt.Sprint(n)}}
	}
	for n, reply := range add.ExecMulti(ctx, r, many...) {
		sum, err := reply.AsInt64()
		check.Ok(err)
		check.Equal(sum, int64(n))
	}
	// In RESP3 a script may answer with what RESP2 has no words for.
	reply, err := r.Do(ctx, r.B().Eval().Script("redis.setresp(3) return {map = {a = {double = 1.5}}}").Numkeys(0).Build()).ToMap()
	check.Ok(err)
	double := reply["a"]
	number, err := double.AsFloat64()
	check.Ok(err)
	check.Equal(number, 1.5)
	check.Fails(r.Do(ctx, r.B().Eval().Script("return redis.error_reply('OUR words')").Numkeys(0).Build()).Error(), "words")
	code := "#!lua name=twice\nredis.register_function('twice', function(keys, args) return args[1] * 2 end)"
	check.Ok(r.Do(ctx, r.B().FunctionLoad().Replace().FunctionCode(code).Build()).Error())
	twice, err := r.Do(ctx, r.B().Fcall().Function("twice").Numkeys(0).Arg("21").Build()).AsInt64()
	check.Ok(err)
	check.Equal(twice, int64(42))
}

func subscriptions(r rueidis.Client) {
	heard := make(chan rueidis.PubSubMessage, 10)
	listening, leave := context.WithCancel(ctx)
	left := make(chan error)
	go func() {
		left <- r.Receive(listening, r.B().Subscribe().Channel("news").Build(), func(m rueidis.PubSubMessage) { heard <- m })
	}()
	check.Until("the channel has a subscriber", func() bool {
		count, err := r.Do(ctx, r.B().Publish().Channel("news").Message("hello").Build()).AsInt64()
		check.Ok(err)
		return count == 1
	})
	check.Equal((<-heard).Message, "hello")
	for n := range 5 {
		check.Ok(r.Do(ctx, r.B().Publish().Channel("news").Message(fmt.Sprint(n)).Build()).Error())
	}
	for n := range 5 {
		check.Equal((<-heard).Message, fmt.Sprint(n))
	}
	leave()
	check.Equal(errors.Is(<-left, context.Canceled), true)

	waiting := make(chan []string)
	go func() {
		got, err := r.Do(ctx, r.B().Blpop().Key("queue").Timeout(10).Build()).AsStrSlice()
		check.Ok(err)
		waiting <- got
	}()
	time.Sleep(20 * time.Millisecond)
	check.Ok(r.Do(ctx, r.B().Rpush().Key("queue").Element("x").Build()).Error())
	check.Equal(<-waiting, []string{"queue", "x"})
}

// DoCache asks the server once, and again when it was told of a change: by key, or by prefix (BCAST).
func localCache() {
	for _, tracking := range [][]string{nil, {"PREFIX", "near:", "BCAST"}} {
		r, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{check.Address()}, ClientTrackingOptions: tracking})
		check.Ok(err)
		other, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{check.Address()}, DisableCache: true})
		check.Ok(err)
		check.Ok(other.Do(ctx, other.B().Flushall().Build()).Error())
		check.Ok(other.Do(ctx, other.B().Set().Key("near:a").Value("1").Build()).Error())
		read := func() (string, bool) {
			reply := r.DoCache(ctx, r.B().Get().Key("near:a").Cache(), time.Minute)
			value, err := reply.ToString()
			check.Ok(err)
			return value, reply.IsCacheHit()
		}
		value, hit := read()
		check.Equal([]any{value, hit}, []any{"1", false})
		for range 100 {
			value, hit = read()
			check.Equal([]any{value, hit}, []any{"1", true})
		}
		check.Ok(other.Do(ctx, other.B().Set().Key("near:a").Value("2").Build()).Error())
		check.Until("the change is seen", func() bool { value, _ := read(); return value == "2" })
		_, hit = read()
		check.Equal(hit, true)
		for n := range 20 {
			check.Ok(other.Do(ctx, other.B().Hset().Key("near:h").FieldValue().FieldValue("f", fmt.Sprint(n)).Build()).Error())
			check.Until("each change is seen", func() bool {
				replies := r.DoMultiCache(ctx, rueidis.CT(r.B().Hget().Key("near:h").Field("f").Cache(), time.Minute))
				value, err := replies[0].ToString()
				check.Ok(err)
				return value == fmt.Sprint(n)
			})
		}
		check.Ok(other.Do(ctx, other.B().Set().Key("near:a").Value("brief").Px(30*time.Millisecond).Build()).Error())
		check.Until("its expiry is seen", func() bool {
			return rueidis.IsRedisNil(r.DoCache(ctx, r.B().Get().Key("near:a").Cache(), time.Minute).Error())
		})
		r.Close()
		other.Close()
	}
}

func main() {
	localCache()
	for _, old := range []bool{true, false} {
		r, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{check.Address()}, DisableCache: true, AlwaysRESP2: old})
		check.Ok(err)
		check.Ok(r.Do(ctx, r.B().Flushall().Build()).Error())
		pipelining(r)
		transactions(r)
		if !old {
			programs(r)
		}
		subscriptions(r)
		r.Close()
	}
	check.Done("github.com/redis/rueidis", "shared pipelines, MULTI, WATCH, Lua with RESP3's types, functions, pub/sub, client-side caching by key and by prefix; RESP2 and RESP3")
}
