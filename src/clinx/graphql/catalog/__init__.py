"""The catalogue as the tree says it: models with prices, groups, providers, and channels with their health.

It is shown, tried out and overridden for a while here, never edited: that is the tree's business.
"""
