# Perl's Redis: commands as methods, pipelines with callbacks, transactions, scripts, subscriptions, reconnecting, and Redis::List
# and Redis::Hash, which tie Perl's own arrays and hashes to keys.
use strict;
use warnings;
use Redis;
use Redis::Hash;
use Redis::List;
use Test::More;

my $server  = "127.0.0.1:$ENV{LARDER_PORT}";
my %options = (server => $server, cnx_timeout => 5, read_timeout => 10, write_timeout => 5);
my $redis   = Redis->new(%options, name => 'tester', reconnect => 5, every => 10_000);
$redis->flushall;
BAIL_OUT('a check has failed') unless $redis->ping;

is $redis->client_getname, 'tester', "the connection's name";
is $redis->set(s => "a\0\r\n", 'EX', 100), 'OK', 'SET with an expiry';
is $redis->get('s'), "a\0\r\n", 'bytes come back';
cmp_ok $redis->ttl('s'), '>', 90, 'it expires';
is $redis->get('none'), undef, 'what is not there is undef';
is_deeply [$redis->mget('s', 'none')], ["a\0\r\n", undef], 'MGET';
$redis->hmset('h', a => 1, b => 'zwei');
is_deeply {$redis->hgetall('h')}, {a => 1, b => 'zwei'}, 'a hash';
$redis->zadd('z', 1.5, 'x', 2, 'y');
is_deeply [$redis->zrange('z', 0, -1, 'WITHSCORES')], ['x', '1.5', 'y', '2'], 'a sorted set';
is $redis->rpush('l', 'a', 'b', 'c'), 3, 'RPUSH';
is_deeply [$redis->blpop('l', 1)], ['l', 'a'], 'BLPOP';
is $redis->info->{redis_mode}, 'standalone', 'INFO as a hash';
like eval { $redis->incr('l'); 'no error' } // $@, qr/\[incr\] WRONGTYPE Operation/, 'errors are exceptions';

my @counts;
$redis->incr('count', sub { my ($reply, $error) = @_; push @counts, $reply }) for 1 .. 1000;
$redis->wait_all_responses;
is_deeply \@counts, [1 .. 1000], 'a thousand replies in their order';

$redis->multi;
is $redis->set('a', 1), 'QUEUED', 'a command in a transaction';
$redis->incr('a');
is_deeply [$redis->exec], ['OK', 2], 'EXEC';
$redis->watch('a');
Redis->new(%options)->set('a', 'changed');
$redis->multi;
$redis->set('a', 'lost');
is_deeply [$redis->exec], [undef], 'a watched key has changed';
is $redis->get('a'), 'changed', 'the transaction is not executed';

my $sha = $redis->script_load("return {redis.call('INCRBY', KEYS[1], ARGV[1]), ARGV[2]}");
is_deeply [$redis->evalsha($sha, 1, 'total', 5, 'x')], [5, 'x'], 'a script';
is_deeply [$redis->script_exists($sha, '0' x 40)], [1, 0], 'SCRIPT EXISTS';

my $listener = Redis->new(%options);
my @heard;
$listener->subscribe('news', sub { my ($text, $channel) = @_; push @heard, "$channel $text" });
$listener->psubscribe('we*', sub { my ($text, $channel, $pattern) = @_; push @heard, "$pattern $channel $text" });
is $redis->publish('news', 'one'), 1, 'one subscriber';
$redis->publish('weather', 'sun');
while (@heard < 2) { $listener->wait_for_messages(5) or last }
is_deeply \@heard, ['news one', 'we* weather sun'], 'messages';

my $other = Redis->new(%options);
$other->client_kill('TYPE', 'normal', 'SKIPME', 'yes');
while ($other->client_list =~ /name=tester/) { } # until the connection is gone
my $value = eval { $redis->get('a') } // $redis->get('a'); # the socket may close a moment later
is $value, 'changed', 'it connects anew by itself';

tie my @list, 'Redis::List', 'tied list', %options;
push @list, 'a', 'b', 'c';
$list[1] = 'B';
is_deeply [map { "$_" } @list], ['a', 'B', 'c'], 'a tied list';
is shift @list, 'a', 'its first element';
is_deeply [$redis->lrange('tied list', 0, -1)], ['B', 'c'], 'the key behind it';
tie my %hash, 'Redis::Hash', 'user', %options;
%hash = (name => 'Ann', town => 'Ulm');
delete $hash{town};
is_deeply [%hash], ['name', 'Ann'], 'a tied hash';
is_deeply [sort $redis->keys('user:*')], ['user:name'], 'the keys behind it';

done_testing;
exit 1 unless Test::More->builder->is_passing;
print "Redis.pm ", $Redis::VERSION, ": types, pipelines with callbacks, MULTI, WATCH, scripts, pub/sub, reconnecting, tied lists and hashes\n";
