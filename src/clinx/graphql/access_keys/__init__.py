"""Access keys: credentials of programs that use the console in somebody's name."""
