"""FAL as its customers see it: queue, storage, CDN, signed callbacks and JWKS, on the real host names.

The process starts with `python -m sandbox.fal`. An unmodified FAL client reaches it through a CONNECT proxy
and a certificate authority of the emulator's own (`sandbox.fal.proxy.child_environment`); tests and people
drive it through the control API (`sandbox.fal.client.FalControl`).
"""
