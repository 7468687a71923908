"""Sessions as hashes: two visitors, an expiry that slides, fields that are written alone, an end, a number that nobody chose."""

import neighbours  # noqa: F401 (tells the programs where Larder is)
from check import equal
from flask_sessions import TTL, app, cache

ann, bob, other_server = app.test_client(), app.test_client(), app.test_client()
equal([ann.post("/cart/pear").json, ann.post("/cart/plum").json, bob.post("/cart/rye").json], [["pear"], ["pear", "plum"], ["rye"]])
number = ann.get_cookie("session").value
other_server.set_cookie("session", number)
equal([ann.get("/cart").json, bob.get("/cart").json, other_server.get("/cart").json], [["pear", "plum"], ["rye"], ["pear", "plum"]])
equal(len(cache.keys("session:*")), 2)
equal(cache.hgetall(f"session:{number}"), {"cart": '["pear", "plum"]'})

cache.expire(f"session:{number}", 10)
ann.get("/cart")
assert TTL - 10 < cache.ttl(f"session:{number}") <= TTL, "reading puts the expiry off"

# Another request writes another field in between: neither is lost.
with app.test_request_context("/", headers={"Cookie": f"session={number}"}) as context:
    context.push()
    cache.hset(f"session:{number}", "theme", '"dark"')
    context.session["cart"] = []
    app.session_interface.save_session(app, context.session, app.make_response(""))
    context.pop()
equal(cache.hgetall(f"session:{number}"), {"cart": "[]", "theme": '"dark"'})

ann.post("/leave")
equal([ann.get("/cart").json, cache.exists(f"session:{number}")], [[], 0])
equal([bob.get("/cart").json, app.test_client().get("/cart").json], [["rye"], []])
equal(len(cache.keys("session:*")), 1, "who only looks gets no session")

mallory = app.test_client()
mallory.set_cookie("session", "chosen")
mallory.post("/cart/pear")
equal([cache.exists("session:chosen"), mallory.get_cookie("session").value == "chosen"], [0, False])
print("Flask's sessions as hashes")
