"""An upstream inside the process: real HTTP and real server-sent events on loopback, no key, no network.

Nouns: EchoServer (`server`); Script (`script`): how it behaves, chosen by the end of the model's name; Ask (`ask`):
what a body asks for; Reply (`compose`): what it gets, always the same for the same body; shapes (`wire`): OpenAI's
objects around it; vectors (`vectors`) for embeddings. To the rest of the gateway it is a channel like any other:
nothing here may be imported to answer a request without a socket.
"""

from clinx.echo.server import EchoServer as EchoServer
