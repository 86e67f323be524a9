"""AWS's protocols from AWS's own models: route, parse, answer, refuse. Pure."""
