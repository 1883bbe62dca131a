"""The configuration as it is served: which revision, by whom, what is wrong with the tree, and what others would mean.

Operators roll back, promote, reload, plan and propose here; the tree itself is written by nobody but its keepers.
"""
