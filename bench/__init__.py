"""Load on the gateway, beside its peers: `make bench`.

`stub` is a fast upstream, `load` the client that drives (`wrk` where it is installed), `subjects` what is measured,
`process` how a subject is started, pinned to a core, read from /proc and ended, `report` the table. Everything listens
on loopback, takes a bounded time and is ended with the harness. Numbers of one run compare with one another only.
"""
