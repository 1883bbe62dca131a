"""The composition root: builds every long-lived object once and wires it. The only room that knows all others."""

from clinx.app.builder import start_gateway
from clinx.app.gateway import Gateway

__all__ = ["Gateway", "start_gateway"]
