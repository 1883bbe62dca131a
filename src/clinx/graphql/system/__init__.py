"""The gateway itself: its processes, journals and audits, what it tells people, and who changed what."""
