from support.station import station, upstream

__all__ = ["station", "upstream"]
