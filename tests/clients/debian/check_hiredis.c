/* hiredis: commands with printf's formats and with counted bytes, replies of every kind, pipelines, subscriptions, and the
 * asynchronous interface over poll. */
#include <hiredis/async.h>
#include <hiredis/hiredis.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                                                                  \
    do {                                                                                                                  \
        if (!(condition)) {                                                                                               \
            fprintf(stderr, "%s:%d: this does not hold: %s\n", __FILE__, __LINE__, #condition);                           \
            exit(1);                                                                                                      \
        }                                                                                                                 \
    } while (0)

static redisContext *client;

/* Executes a command whose reply has this type, and returns the reply. */
static redisReply *ask(int type, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    redisReply *reply = redisvCommand(client, format, arguments);
    va_end(arguments);
    if (reply == NULL || reply->type != type) {
        fprintf(stderr, "%s: wanted a reply of type %d, got %d: %s\n", format, type, reply ? reply->type : -1,
                reply ? reply->str : client->errstr);
        exit(1);
    }
    return reply;
}

/* Forgets a reply once it was found right. */
#define SEEN(reply, condition)   \
    do {                         \
        CHECK(condition);        \
        freeReplyObject(reply);  \
    } while (0)

static int is(const redisReply *reply, const char *text) { return reply->len == strlen(text) && !memcmp(reply->str, text, reply->len); }

static void values(void) {
    redisReply *reply = ask(REDIS_REPLY_STATUS, "SET %s %b", "bytes", "a\0b\r\n", (size_t)5);
    SEEN(reply, is(reply, "OK"));
    reply = ask(REDIS_REPLY_STRING, "GET bytes");
    SEEN(reply, reply->len == 5 && !memcmp(reply->str, "a\0b\r\n", 5));
    freeReplyObject(ask(REDIS_REPLY_NIL, "GET none"));
    reply = ask(REDIS_REPLY_INTEGER, "INCRBY count %lld", 9000000000LL);
    SEEN(reply, reply->integer == 9000000000LL);
    const char *argv[] = {"RPUSH", "list", "one", "", "three"};
    size_t lengths[] = {5, 4, 3, 0, 5};
    reply = redisCommandArgv(client, 5, argv, lengths);
    CHECK(reply != NULL);
    SEEN(reply, reply->type == REDIS_REPLY_INTEGER && reply->integer == 3);
    reply = ask(REDIS_REPLY_ARRAY, "LRANGE list 0 -1");
    SEEN(reply, reply->elements == 3 && is(reply->element[0], "one") && is(reply->element[1], "") && is(reply->element[2], "three"));
    reply = ask(REDIS_REPLY_ERROR, "INCR list");
    SEEN(reply, is(reply, "WRONGTYPE Operation against a key holding the wrong kind of value"));
    reply = ask(REDIS_REPLY_ARRAY, "EVAL %s 1 count x", "return {redis.call('GET', KEYS[1]), ARGV[1], {1, false}}");
    SEEN(reply, reply->elements == 3 && reply->element[2]->elements == 2 && reply->element[2]->element[1]->type == REDIS_REPLY_NIL);
    freeReplyObject(ask(REDIS_REPLY_STATUS, "MULTI"));
    freeReplyObject(ask(REDIS_REPLY_STATUS, "SET a 1"));
    freeReplyObject(ask(REDIS_REPLY_STATUS, "LPUSH a 1"));
    reply = ask(REDIS_REPLY_ARRAY, "EXEC");
    SEEN(reply, reply->elements == 2 && is(reply->element[0], "OK") && reply->element[1]->type == REDIS_REPLY_ERROR);
}

static void pipeline(void) {
    for (int n = 1; n <= 10000; n++) CHECK(redisAppendCommand(client, "INCRBY sum %d", n) == REDIS_OK);
    long long last = 0;
    for (int n = 1; n <= 10000; n++) {
        redisReply *reply;
        CHECK(redisGetReply(client, (void **)&reply) == REDIS_OK);
        SEEN(reply, reply->type == REDIS_REPLY_INTEGER && reply->integer == last + n);
        last += n;
    }
    static char big[5000000];
    memset(big, 'x', sizeof big);
    freeReplyObject(ask(REDIS_REPLY_STATUS, "SET big %b", big, sizeof big));
    redisReply *reply = ask(REDIS_REPLY_STRING, "GET big");
    SEEN(reply, reply->len == sizeof big && !memcmp(reply->str, big, sizeof big));
}

static void subscription(int port) {
    redisContext *listener = redisConnect("127.0.0.1", port);
    CHECK(listener != NULL && !listener->err);
    redisReply *reply = redisCommand(listener, "SUBSCRIBE news");
    CHECK(reply != NULL);
    SEEN(reply, reply->elements == 3 && is(reply->element[0], "subscribe") && reply->element[2]->integer == 1);
    reply = ask(REDIS_REPLY_INTEGER, "PUBLISH news %s", "hello world");
    SEEN(reply, reply->integer == 1);
    CHECK(redisGetReply(listener, (void **)&reply) == REDIS_OK);
    SEEN(reply, reply->elements == 3 && is(reply->element[0], "message") && is(reply->element[2], "hello world"));
    redisFree(listener);
}

/* The asynchronous interface, with the smallest event loop there is: one socket and poll. */
static struct { int fd, reads, writes; } loop;
static void add_read(void *unused) { (void)unused; loop.reads = 1; }
static void end_read(void *unused) { (void)unused; loop.reads = 0; }
static void add_write(void *unused) { (void)unused; loop.writes = 1; }
static void end_write(void *unused) { (void)unused; loop.writes = 0; }
static int counted, ended;
static void on_count(redisAsyncContext *context, void *reply, void *wanted) {
    (void)context;
    CHECK(reply != NULL && ((redisReply *)reply)->integer == (long)wanted);
    counted++;
}
static void on_end(const redisAsyncContext *context, int status) {
    (void)context;
    CHECK(status == REDIS_OK);
    ended = 1;
}

static void asynchronous(int port) {
    redisAsyncContext *context = redisAsyncConnect("127.0.0.1", port);
    CHECK(context != NULL && !context->err);
    loop.fd = context->c.fd;
    context->ev.addRead = add_read;
    context->ev.delRead = end_read;
    context->ev.addWrite = add_write;
    context->ev.delWrite = end_write;
    CHECK(redisAsyncSetDisconnectCallback(context, on_end) == REDIS_OK);
    for (long n = 1; n <= 1000; n++) CHECK(redisAsyncCommand(context, on_count, (void *)n, "INCR async") == REDIS_OK);
    redisAsyncDisconnect(context); /* once all replies are there */
    while (!ended) {
        struct pollfd wait = {loop.fd, (loop.reads ? POLLIN : 0) | (loop.writes ? POLLOUT : 0), 0};
        CHECK(poll(&wait, 1, 10000) > 0);
        if (wait.revents & POLLOUT) redisAsyncHandleWrite(context);
        if (!ended && wait.revents & (POLLIN | POLLHUP)) redisAsyncHandleRead(context);
    }
    CHECK(counted == 1000);
}

int main(void) {
    const char *number = getenv("LARDER_PORT");
    CHECK(number != NULL);
    int port = atoi(number);
    struct timeval limit = {10, 0};
    client = redisConnectWithTimeout("127.0.0.1", port, limit);
    CHECK(client != NULL && !client->err);
    CHECK(redisSetTimeout(client, limit) == REDIS_OK);
    freeReplyObject(ask(REDIS_REPLY_STATUS, "FLUSHALL"));
    values();
    pipeline();
    subscription(port);
    asynchronous(port);
    redisFree(client);
    printf("hiredis %d.%d.%d: replies of every kind, binary arguments, pipelines, MULTI, scripts, pub/sub, asynchronous calls\n",
           HIREDIS_MAJOR, HIREDIS_MINOR, HIREDIS_PATCH);
    return 0;
}
