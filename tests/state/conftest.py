from support.counters import counting as counting
