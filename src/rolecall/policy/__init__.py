"""Policies: parse, validate, compile, decide. Pure."""
