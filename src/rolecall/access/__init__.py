"""Who is calling, what applies to them, and whether they may."""
