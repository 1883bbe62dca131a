"""What a process writes down before it acts, so that its death loses nothing: append-only files of its own.

Nouns: record (what is written: holds, progress, settlements, releases, logs), frame (a record with its length and
checksum), segment (a numbered file of frames), position (a byte of a segment), Journal (the writer), emergency (room
kept for calls in flight when the disk is full), batch and open hold (the read side), slot (the folder of one process).
What `append` returned for is in the page cache and survives `kill -9`; what outlives a power cut is a matter of `Sync`.
A journal has one writer, which holds its slot's lock. What does not belong: the database, and what records mean.
"""
