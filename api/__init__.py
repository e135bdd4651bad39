"""The world comes in: HTTP, WebSocket, command line. Only api.main wires everything together."""
