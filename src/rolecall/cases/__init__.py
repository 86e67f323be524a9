"""Authorization cases as data, decided without a server: a request, the policies that apply to it, the answer."""
