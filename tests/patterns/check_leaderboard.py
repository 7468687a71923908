"""A leaderboard of a thousand: ranks, the best, neighbours in the middle and at both ends."""

import neighbours as _  # tells the programs where Larder is
from check import equal
from leaderboard import best, neighbours, rank, score

for n in range(1000):
    score(f"player {n}", n)
equal(score("player 0", 998.5), 998.5)
equal(best(3), [("player 999", 999.0), ("player 0", 998.5), ("player 998", 998.0)])
equal([rank("player 999"), rank("player 0"), rank("player 1"), rank("nobody")], [1, 2, 1000, None])
equal(neighbours("player 500", 1), [(500, "player 501", 501.0), (501, "player 500", 500.0), (502, "player 499", 499.0)])
equal([place for place, *_ in neighbours("player 999")], [1, 2, 3])
equal(neighbours("player 1"), [(998, "player 3", 3.0), (999, "player 2", 2.0), (1000, "player 1", 1.0)])
equal(neighbours("nobody"), [])
print("a leaderboard")
