"""One exchange, from its envelope to its settlement.

Nouns: Exchange (the one mutable object of a request's life), Answer, Meter. `pipeline` tells the story on one page;
`attempts` tries the plan's channels in order until one answers; `translate` prepares what each is sent; `meter`
totals what went by; `finish` settles or releases, exactly once. Until the first content is forwarded, failure means
the next channel or a whole error; afterwards an error event in the caller's dialect. No `if dialect`, no SQL, no
HTTP server here.
"""
