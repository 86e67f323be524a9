"""Signatures: header, query, form, and bodies verified while they stream. Pure."""
