"""Flask-Session: what a visitor has in his session is in Larder, for as long as it says."""

import flask
import flask_session
import redis
from check import PORT, done, equal

connection = redis.Redis(port=PORT)
app = flask.Flask("shop")
app.config.update(SESSION_TYPE="redis", SESSION_REDIS=connection, PERMANENT_SESSION_LIFETIME=300)
flask_session.Session(app)


@app.get("/put/<thing>")
def put(thing):
    flask.session.setdefault("cart", []).append(thing)
    flask.session.modified = True
    return str(len(flask.session["cart"]))


@app.get("/cart")
def cart():
    return ",".join(flask.session.get("cart", []))


@app.get("/leave")
def leave():
    flask.session.clear()
    return ""


ann, bob = app.test_client(), app.test_client()
equal([ann.get(f"/put/{thing}").text for thing in ("apple", "pear", "ä")], ["1", "2", "3"])
bob.get("/put/plum")
equal((ann.get("/cart").text, bob.get("/cart").text), ("apple,pear,ä", "plum"))
sessions = list(connection.scan_iter("session:*"))
equal(len(sessions), 2)
assert all(290 < connection.ttl(key) <= 300 for key in sessions)
ann.get("/leave")
equal((ann.get("/cart").text, bob.get("/cart").text), ("", "plum"))
equal(len(connection.keys("session:*")), 1)
connection.flushdb()
equal(bob.get("/cart").text, "", "a session that is gone")
done(["Flask-Session"], "sessions of two visitors, expiry, end")
