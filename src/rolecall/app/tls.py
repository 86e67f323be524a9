"""TLS as the server speaks it."""

from __future__ import annotations

import ssl

from rolecall.config import Settings


def tls_context(settings: Settings) -> ssl.SSLContext | None:
    """Return what the settings' certificate is served with, TLS 1.2 and 1.3; None without one. Raises OSError."""
    if settings.tls_certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    context.load_cert_chain(settings.tls_certificate, settings.tls_key)
    return context
