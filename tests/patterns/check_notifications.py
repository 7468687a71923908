"""Notifications to one user and to all, in their order; who has stopped gets no more."""

import neighbours  # noqa: F401 (tells the programs where Larder is)
from check import equal, until
from notifications import cache, listen, tell

heard, everything = [], []
equal(tell("ann", "too early"), 0)
ann = listen(lambda user, message: heard.append((user, message)), "user:ann")
audit = listen(lambda user, message: everything.append((user, message["event"])), "user:*")
until("both listen", lambda: cache.pubsub_numpat() == 2)
equal([tell("ann", "shipped", order=17), tell("bob", "shipped")], [2, 1])
for n in range(100):
    tell("ann", "step", n=n)
until("all messages", lambda: len(heard) == 101 and len(everything) == 102)
equal(heard[0], ("ann", {"event": "shipped", "order": 17}))
equal([message["n"] for _, message in heard[1:]], list(range(100)))
equal(everything[:3], [("ann", "shipped"), ("bob", "shipped"), ("ann", "step")])
ann.stop()
ann.join(10)
until("one is left", lambda: cache.pubsub_numpat() == 1)
equal([tell("ann", "later"), len(heard)], [1, 101])
audit.stop()
audit.join(10)
print("notifications by publish/subscribe")
