"""The YAML tree, compiled into one immutable Snapshot, and the atomic swap of the one that is served.

Stages are types: Tree (`tree`: files and their hash), Node (`document`: values with their positions), the documents
of `schema` (typed), Snapshot (`snapshot`: frozen values at one Revision), Generation (`current`: a snapshot with
prepared resources and a pin count). `compile` goes from Tree to Snapshot and is pure; `watch` notices settled edits.
Findings are Diagnostics (`diagnostics`): all at once, each with file, line, column, code and hint.
What does not belong: serving requests, opening connections, and reading YAML while a request runs.
"""
