"""The people's tool: works against any AWS endpoint."""
