"""What is followed as it happens: calls as they end, balances as they move; and the watch around every subscription.

Where the news come from is `following`. What is followed of the tree, of channels and of tasks is with those:
`revisions`, `catalog`, `tasks`.
"""
