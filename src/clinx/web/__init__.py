"""The HTTP edge: an aiohttp server with one catch-all route.

Nouns: Dispatcher (pins the current generation and finds the endpoint in its own frozen routing table), Handler (HTTP
request to Exchange to HTTP answer), Presence (who is connected right now), Ops (/-/health and its siblings). It knows
HTTP and nothing of money, channels or wire formats beyond asking a dialect to render.
"""
