"""Where news come from: one producer of a kind in a process, which works while somebody follows; and who may follow.

What is shown of the news is `live` and the nouns' own subscriptions. This room knows neither them nor who asks.
"""
