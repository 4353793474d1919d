"""Follow: which face is which, which to encode, and what is stated about each.

In the order in which a frame passes: motion, tracker (boxes to tracks), schedule (whom to encode), portrait (views of
a face), rejoin (lost tracks found again), identity (names with hysteresis), statement (what is published); follower
puts them in a row, settings has the numbers.
"""
