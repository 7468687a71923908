"""Sessions as hashes in Flask: a request writes only what it has changed, and every request puts the expiry off."""

import json
import os
import secrets

import flask
import redis
from flask.sessions import SessionInterface, SessionMixin

cache = redis.Redis.from_url(os.environ["CACHE_URL"], decode_responses=True)
TTL = 1800  # seconds without a request


class HashSession(dict, SessionMixin):
    def __init__(self, number, fields=()):
        super().__init__((name, json.loads(value)) for name, value in dict(fields).items())
        self.number, self.before = number, dict(fields)


class HashSessions(SessionInterface):
    def open_session(self, app, request):
        number = request.cookies.get("session", "")
        with cache.pipeline() as pipe:
            fields, _ = pipe.hgetall(f"session:{number}").expire(f"session:{number}", TTL).execute()
        return HashSession(number, fields) if fields else HashSession(secrets.token_urlsafe(24))  # never a number of his choice

    def save_session(self, app, session, response):
        key = f"session:{session.number}"
        now = {name: json.dumps(value) for name, value in session.items()}
        changed = {name: value for name, value in now.items() if session.before.get(name) != value}
        gone = session.before.keys() - now.keys()
        with cache.pipeline() as pipe:
            if gone:
                pipe.hdel(key, *gone)  # the hash goes with its last field
            if changed:
                pipe.hset(key, mapping=changed).expire(key, TTL)
            pipe.execute()
        if now:
            response.set_cookie("session", session.number, max_age=TTL, httponly=True, samesite="Lax")
        elif gone:
            response.delete_cookie("session")


app = flask.Flask("shop")
app.session_interface = HashSessions()


@app.post("/cart/<thing>")
def put(thing):
    flask.session["cart"] = [*flask.session.get("cart", []), thing]
    return flask.session["cart"]


@app.get("/cart")
def cart():
    return flask.session.get("cart", [])


@app.post("/leave")
def leave():
    flask.session.clear()
    return ""
