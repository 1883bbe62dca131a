"""One exchange, from its envelope to its settlement.

Nouns: Exchange (the one mutable object of a request's life), Answer, Meter, Allowance. `pipeline` tells the story on
one page; `hold` decides what is held first, and what is asked for where that is too much; `attempts` tries the plan's
channels in order until one answers; `translate` chooses each one's road, native or by way of canonical; `outbound`
patches what is sent; `meter` totals what went by; `allowance` keeps a stream within what its caller can pay for;
`finish` settles or releases, exactly once. Until the first content is forwarded, failure means the next channel or a
whole error; afterwards an error event in the caller's dialect. No `if dialect`, no SQL, no HTTP server here.
"""
